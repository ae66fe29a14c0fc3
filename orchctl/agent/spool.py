"""A script's lines on their way to the orchestrator's log: kept on disk until each has arrived, in order.

Taking a line never waits for the network. Lines that one run left behind are sent by the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
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
        self._mark = folder / "lines.sent"
        self._send, self._trailing, self._say = send, trailing, say
        self._limit = limit
        self._lock = Lock()
        self._more = Condition(self._lock)
        self._ended = Event()
        self._sent = self._read_mark()
        self._dropped = 0
        self._file = self._path.open("ab")
        self._size = self._path.stat().st_size
        self._sent = min(self._sent, self._size)
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
                if not self._dropped:
                    self._say("too many lines wait for the network: from here on they are counted, not kept")
                self._dropped += 1
                return
            if self._dropped:
                lost = f"{self._dropped} lines are missing here: too many were waiting for the network"
                note = (
                    json.dumps([line.job_id, line.process_version, LogLevel.WARNING, lost]).encode() + b"\n"
                )
                data = note + data
                self._dropped = 0
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                self._dropped += 1
                self._say(f"a line could not be kept on disk: {error.strerror}")
                return
            self._size += len(data)
            self._more.notify()

    def drain(self, seconds: float) -> bool:
        """Wait until every line has arrived; whether they all have."""
        with self._more:
            return self._more.wait_for(lambda: self._size == self._sent, timeout=seconds)

    def close(self) -> None:
        self._ended.set()
        with self._more:
            self._more.notify_all()
        self._thread.join(2)
        self._file.close()

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
        with self._path.open("rb") as file:
            file.seek(self._sent)
            while not self._ended.is_set() and (raw := file.readline()).endswith(b"\n"):
                self._send_one(raw)
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
        with suppress(OSError):
            if self._sent == self._size and self._size > 1024 * 1024:
                self._file.truncate(0)
                self._sent = self._size = 0
            self._mark.write_text(str(self._sent), encoding="ascii")

    def _read_mark(self) -> int:
        try:
            return int(self._mark.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0
