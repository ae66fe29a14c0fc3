"""A script's lines on their way to the orchestrator's log: kept on disk until each has arrived, in order.

Taking a line never waits for the network. Lines that one run left behind are sent by the next.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from threading import Condition, Event, Lock, Thread

from orchctl.errors import NetworkFault, OrchctlError, OutcomeUnknown, Unavailable
from orchctl.model import LogLevel

# What a script may have waiting on disk before its further lines are counted instead of kept.
LIMIT = 64 * 1024 * 1024

_LEVEL = re.compile(r"\s*\[?(trace|debug|info|warning|warn|error|critical|fatal)\]?\s*:\s?", re.IGNORECASE)
_LEVELS = {
    **{level.value: level for level in LogLevel},
    "warn": LogLevel.WARNING,
    "fatal": LogLevel.CRITICAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    job_id: str
    process_version: str | None
    level: LogLevel
    message: str


def level_of(text: str, *, is_error: bool) -> LogLevel:
    """``ERROR: ...`` says its own level; else a line on stderr is a warning, one on stdout information."""
    found = _LEVEL.match(text)
    if found:
        return _LEVELS[found[1].lower()]
    return LogLevel.WARNING if is_error else LogLevel.INFO


class Spool:
    """``send`` writes one line to the orchestrator's log; ``trailing`` tells how often that ends in a line.

    By the latter it is known whether a line whose sending came to no clear end has arrived all the same.
    """

    def __init__(
        self,
        folder: Path,
        *,
        send: Callable[[Line], None],
        trailing: Callable[[Line], int],
        say: Callable[[str], None],
        limit: int = LIMIT,
    ) -> None:
        self._path = folder / "lines.jsonl"
        self._send, self._trailing, self._say = send, trailing, say
        self._limit = limit
        self._lock = Lock()
        self._more = Condition(self._lock)
        self._ended = Event()
        self._dropped = 0
        self._why_dropped = ""
        # Unbuffered: what a full disk did not take is not to be written later, behind the counting's back.
        self._file = FileIO(self._path, "a", opener=_private)
        self._mark = FileIO(folder / "lines.sent", "r+", opener=_private)
        self._size = self._whole()
        self._is_torn = True
        self._cut()
        self._sent = min(self._read_mark(), self._size)
        self._last: Line | None = None
        self._repeats = 0
        self._doubtful = False
        self._waiting_said = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many bytes have not arrived yet."""
        with self._lock:
            return self._size - self._sent

    def add(self, line: Line) -> None:
        """Keep a line; never waits."""
        data = json.dumps([line.job_id, line.process_version, line.level, line.message]).encode() + b"\n"
        with self._lock:
            if self._size - self._sent + len(data) > self._limit:
                self._drop(
                    "too many were waiting for the network",
                    "too many lines wait for the network: from here on they are counted, not kept",
                )
                return
            if self._dropped:
                lost = f"{self._dropped} lines are missing here: {self._why_dropped}"
                note = (
                    json.dumps([line.job_id, line.process_version, LogLevel.WARNING, lost]).encode() + b"\n"
                )
                data = note + data
            try:
                self._write(data)
            except OSError as error:
                self._drop(
                    "they could not be kept on disk",
                    f"a line could not be kept on disk: {error.strerror}; from here on they are counted",
                )
                return
            self._dropped = 0
            self._size += len(data)
            self._more.notify()

    def _drop(self, why: str, said: str) -> None:
        if not self._dropped:
            self._why_dropped = why
            self._say(said)
        self._dropped += 1

    def _write(self, data: bytes) -> None:
        """All of it or nothing. Called with the lock held."""
        self._cut()
        self._is_torn = True
        try:
            while data:
                data = data[self._file.write(data) :]
            self._is_torn = False
        finally:
            with suppress(OSError):  # else before the next line
                self._cut()

    def _cut(self) -> None:
        """Take away what there is of a line that was not written to its end."""
        if self._is_torn:
            self._file.truncate(self._size)
            self._is_torn = False

    def drain(self, seconds: float) -> bool:
        """Wait until every line has arrived; whether they all have."""
        with self._more:
            return self._more.wait_for(lambda: self._size == self._sent, timeout=seconds)

    def close(self) -> None:
        self._ended.set()
        with self._more:
            self._more.notify_all()
        self._thread.join(2)
        with self._lock:
            self._file.close()
            self._mark.close()

    def _run(self) -> None:
        pause = 0.5
        while not self._ended.is_set():
            with self._more:
                self._more.wait_for(lambda: self._size > self._sent or self._ended.is_set())
            try:
                self._send_waiting()
                pause = 0.5
            except (NetworkFault, Unavailable, OutcomeUnknown) as error:
                if not self._waiting_said:
                    self._say(f"log lines wait on disk: {error.message}")
                    self._waiting_said = True
                self._ended.wait(pause)
                pause = min(pause * 2, 15.0)

    def _send_waiting(self) -> None:
        with self._lock:
            at, end = self._sent, self._size  # what stands behind may be cut off again
        with self._path.open("rb") as file:
            file.seek(at)
            while at < end and not self._ended.is_set() and (raw := file.readline()):
                self._send_one(raw)
                at += len(raw)
                with self._more:
                    self._sent += len(raw)
                    self._note_sent()
                    self._more.notify_all()
        if self._waiting_said:
            self._say("all log lines have arrived")
            self._waiting_said = False

    def _send_one(self, raw: bytes) -> None:
        """:raises OrchctlError: the line has not arrived and is to be tried again."""
        try:
            job_id, version, level, message = json.loads(raw)
            line = Line(job_id=job_id, process_version=version, level=LogLevel(level), message=message)
        except (ValueError, TypeError):
            return  # a line torn by a crash
        repeats = self._repeats if line == self._last else 0
        if not self._doubtful or self._trailing(line) <= repeats:
            self._send_line(line)
        self._doubtful = False
        self._last, self._repeats = line, repeats + 1

    def _send_line(self, line: Line) -> None:
        try:
            self._send(line)
        except OutcomeUnknown:
            self._doubtful = True
            raise
        except (NetworkFault, Unavailable):
            raise
        except OrchctlError as error:
            self._say(f"the orchestrator refused a log line: {error.message}")

    def _note_sent(self) -> None:
        """Called with the lock held. A file that was sent to its end begins anew."""
        with suppress(OSError, ValueError):  # the latter once it is closed
            if self._sent == self._size and self._size > 1024 * 1024:
                self._file.truncate(0)
                self._sent = self._size = 0
            # In place and of one width: a full disk takes that too.
            self._mark.seek(0)
            self._mark.write(b"%-20d" % self._sent)

    def _read_mark(self) -> int:
        try:
            return int(self._mark.read())
        except (OSError, ValueError):
            return 0

    def _whole(self) -> int:
        """The length of the lines there are, without one that a crash tore."""
        with self._path.open("rb") as file:
            return sum(len(raw) for raw in file if raw.endswith(b"\n"))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)
