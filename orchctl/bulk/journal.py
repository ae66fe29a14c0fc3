"""What a run has done, row by row, on disk before it does it: so that a killed run knows what it does not know.

One JSON object a line: a header, then ``{"row", "state"}`` with the states ``sent``, and ``ok``, ``rejected``,
``not_sent`` or ``unknown`` once it is known how that ended. Only the runner's threads write here, and one
process at a time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path

from orchctl.bulk.outcome import State
from orchctl.errors import LocalFault
from orchctl.model import Json
from orchctl.paths import reason

_BEAT = 0.5  # seconds between two signs of life


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a run is, and all that it takes to go on with it.

    ``input`` is the file, or ``None`` where the rows lie beside the journal. ``argv`` is what stood after the
    command's words, ``None`` if that held a secret; ``data`` what --data and its like held then.
    """

    run: str
    command: str
    argv: tuple[str, ...] | None
    context: str
    folder: str | None
    origin: str
    sha256: str
    rows: int
    input: str | None
    started: str
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Past:
    """What a journal tells: ``states`` by row number, and for the rows in doubt when they were sent.

    ``controls`` are some rows that are surely there, with their ids, where those are known, and when they
    were sent. ``alive_until``: after this time the processes that wrote it have sent nothing.
    """

    states: bytearray
    alive_until: float = 0.0
    doubtful: dict[int, float] = field(default_factory=dict)
    controls: list[tuple[int, str | None, float]] = field(default_factory=list)

    def state(self, row: int) -> State | None:
        """``None`` for a row that was never sent. One that was, and of which nothing more is known, is unknown."""
        return STATES[self.states[row]]

    def count(self, state: State) -> int:
        codes = [code for code, known in enumerate(STATES) if known is state]
        return sum(self.states.count(code) for code in codes)


STATES: tuple[State | None, ...] = (
    None,
    State.UNKNOWN,  # sent
    State.OK,
    State.REJECTED,
    State.NOT_SENT,
    State.UNKNOWN,
)
CODES = {"sent": 1, "ok": 2, "rejected": 3, "not_sent": 4, "unknown": 5}
"""The place in STATES of what a line says."""
_WRITTEN_THROUGH: int = getattr(os, "O_DSYNC", 0)


class Journal:
    """An open journal, locked against other processes; its methods are safe for threads."""

    def __init__(
        self, path: Path, closing: ExitStack, *, header: Header, past: Past, first_line: str = ""
    ) -> None:
        self.header = header
        self.past = past
        self.path = path
        self._closing = closing
        # With O_DSYNC a write is on the disk when it returns: one call less to wait for the interpreter after.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | _WRITTEN_THROUGH
        self._file = os.open(path, flags, 0o600)
        closing.callback(os.close, self._file)
        self._pending = [first_line] if first_line else []
        self._unwritten = os.lseek(self._file, 0, os.SEEK_END), b""
        """From where on in the file, and what. One value, so that Ctrl-C never finds half of it changed."""
        self._is_unsure = False
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._gathering: Group | None = None
        self._next_beat = 0.0

    @property
    def run(self) -> str:
        return self.header.run

    def about_to_send(self, rows: Sequence[int]) -> Group:
        """These rows will be sent soon. On disk with what is written next; ``ensure`` waits for that."""
        now = time.time()
        lines = "".join([f'{{"row":{row},"state":"sent","at":{now:.1f}}}\n' for row in rows])
        with self._lock:
            self._pending.append(lines)
            if self._gathering is None:
                self._gathering = Group()
            return self._gathering

    def ensure(self, group: Group) -> None:
        """Returns once the disk has it, as it must before any of its rows is sent.

        Rows of several threads share one fsync: while one group waits for the disk, the next one gathers, and the
        first thread that needs it does it for all of them.

        :raises LocalFault: the disk did not take it.
        """
        with self._lock:
            leads, group.is_led = not group.is_led, True
        if leads:
            with self._turn:
                self._bring_to_disk(group)
        else:
            group.done.wait()
            if group.error is not None:
                raise group.error

    def result(self, row: int, state: State, *, ident: str | None, error: str | None) -> None:
        """How a row ended. On disk with the next row that is sent, or ``flush``."""
        line = f'{{"row":{row},"state":"{state}"'
        if ident is not None:
            line += f',"id":{quoted(ident)}'
        if error is not None:
            line += f',"error":{quoted(error)}'
        with self._lock:
            self._pending.append(line + "}\n")

    def flush(self) -> None:
        """What was said so far survives the end of this process, once this returns."""
        with self._turn:  # another thread may have taken lines that it has not written yet
            if self._pending or self._unwritten[1]:
                self._write_pending()

    def beat(self) -> None:
        """The time of the file says until when somebody worked at it, however the end comes."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + _BEAT
            with suppress(OSError):
                os.utime(self.path)

    def close(self) -> None:
        """Bring everything to the disk and let others have the journal."""
        with self._closing, self._turn:
            self._write_pending()
            self._sync()
            self._file = -1  # a worker that comes late must not write into what has its number then

    def _bring_to_disk(self, group: Group) -> None:
        with self._lock:
            self._gathering = None
        try:
            self._write_pending()
            self._sync()
        except BaseException as error:
            group.error = error
            raise
        finally:
            group.done.set()

    def _write_pending(self) -> None:
        with self._lock:
            lines, self._pending = self._pending, []
        begin, rest = self._unwritten  # what a full disk left over comes first when there is room again
        self._unwritten = begin, rest + "".join(lines).encode()
        try:
            while (unwritten := self._unwritten)[1]:
                begin, rest = unwritten
                # Ctrl-C may have come between a write and what was noted of it: then the file says how far it came.
                end = os.lseek(self._file, 0, os.SEEK_END) if self._is_unsure else begin
                self._is_unsure = True
                if end == begin:
                    end += os.write(self._file, rest)
                self._unwritten = end, rest[end - begin :]
                self._is_unsure = False
        except OSError as error:
            raise LocalFault(f"cannot write the journal {self.path}: {reason(error)}") from error

    def _sync(self) -> None:
        if _WRITTEN_THROUGH:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            raise LocalFault(f"cannot write the journal {self.path}: {reason(error)}") from error


class Group:
    """Rows of one or more threads that go to the disk together."""

    __slots__ = ("done", "error", "is_led")

    def __init__(self) -> None:
        self.is_led = False
        self.done = threading.Event()
        self.error: BaseException | None = None
