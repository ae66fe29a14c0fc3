"""The whole terminal while a command has it: taken on the way in, given back on every way out."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from orchctl.streams import Streams

# The other screen, no cursor, lines cut at the margin instead of wrapped; and all of it back.
_TAKE = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J"
_GIVE_BACK = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_NAMES = {
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[Z": "back tab",
}
# A key of several bytes of which the last are still on their way, and the seconds that they may take: a lone
# Escape, too, is known by nothing coming after it.
_IN_PIECES = re.compile(
    rb"(?:\x1b(?:O|\[[ -?]*)?|[\xc0-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf7][\x80-\xbf]{0,2})\Z"
)
_REST_SECONDS = 0.1


class Screen:
    """``with Screen(streams) as screen``: draws, tells keys, and knows its size, which may change."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._saved: list[Any] | None = None
        self._taken = False
        self._before: dict[int, Any] = {}
        self._drawn: tuple[str, ...] = ()
        self._drawn_size = (0, 0)
        self._is_writing = False
        self._stop_waits = False

    def __enter__(self) -> Self:
        try:
            self._take()
            self._catch_stop()
        except BaseException:  # a signal on the way in: nobody calls __exit__ then
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        with suppress(OSError, ValueError, AttributeError):
            if self._streams.stdout is not None:
                found = os.get_terminal_size(self._streams.stdout.fileno())
                if found.columns and found.lines:
                    return found.columns, found.lines
        return self._streams.width, 24

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines and nothing else; only what has changed is sent."""
        size = self.size
        if size != self._drawn_size:
            self._drawn_size = size
            self.redraw()
        lines = tuple(lines)[: size[1]]
        before = self._drawn
        # Erased before it is written: at the margin an erasure would take the last character with it.
        parts = [
            f"\x1b[{number};1H\x1b[K{line}\x1b[0m"
            for number, line in enumerate(lines, 1)
            if number > len(before) or before[number - 1] != line
        ]
        if not before:
            parts.insert(0, "\x1b[2J")
        elif len(lines) < len(before):
            parts.append(f"\x1b[{len(lines) + 1};1H\x1b[J")
        self._drawn = lines
        if parts:
            with self._whole():
                self._streams.write("".join(parts))
                self._streams.flush()

    def redraw(self) -> None:
        """Forget what is there: the next lines are sent whatever they are."""
        self._drawn = ()

    def keys(self, seconds: float) -> list[str]:
        """The keys pressed within so many seconds, as soon as there is one; by name, or the character."""
        stdin = self._streams.stdin
        if self._saved is None or stdin is None:
            time.sleep(seconds)
            return []
        if sys.platform == "win32":
            return _windows_keys(seconds)
        sent = b""
        while select.select([stdin], [], [], seconds)[0]:
            part = os.read(stdin.fileno(), 1024)
            if not part:
                return ["q"]  # the terminal is gone
            sent += part
            if not _IN_PIECES.search(sent):
                break
            seconds = _REST_SECONDS
        return _split(sent.decode("utf-8", "replace"))

    def _take(self) -> None:
        # First of all: whatever of the rest is done when a signal ends this, is to be undone.
        self._taken = True
        stdin = self._streams.stdin
        if stdin is not None and self._streams.stdin_is_terminal:
            self._saved = _state(stdin.fileno())
            _unbuffer(stdin.fileno())
        with self._whole():
            self._streams.write(_TAKE)
            self._streams.flush()
        self.redraw()

    def _leave(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._give_back()

    def _give_back(self) -> None:
        if not self._taken:
            return
        self._taken = False
        stdin = self._streams.stdin
        if self._saved and stdin is not None:
            with suppress(OSError, ValueError):
                _restore(stdin.fileno(), self._saved)
        self._saved = None
        # Whatever became of stdout: the terminal is to be left as it was found.
        with suppress(OSError, ValueError), self._whole():
            if self._streams.stdout is not None:
                self._streams.stdout.write(_GIVE_BACK)
                self._streams.stdout.flush()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Ctrl-Z waits for the end of what is written here: within it, its stream takes nothing else."""
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
        if self._stop_waits:
            self._stop_waits = False
            os.kill(os.getpid(), signal.SIGTSTP)

    def _catch_stop(self) -> None:
        """Ctrl-Z leaves the terminal in order, and fg takes it again. Ctrl-\\ ends like Ctrl-C."""
        if not hasattr(signal, "SIGTSTP") or threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, _: FrameType | None) -> None:
            if self._is_writing:
                self._stop_waits = True
                return
            self._give_back()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, stop)  # it was continued
            self._take()

        def quit_(number: int, _: FrameType | None) -> None:
            raise KeyboardInterrupt

        for number, handler in ((signal.SIGTSTP, stop), (signal.SIGQUIT, quit_)):
            self._before[number] = signal.getsignal(number)
            signal.signal(number, handler)


def _split(text: str) -> list[str]:
    """Keys from what a terminal sends for them."""
    found: list[str] = []
    while text:
        length = 1
        if text[:2] in ("\x1b[", "\x1bO"):
            length = 3
            while length < len(text) and not ("@" <= text[length - 1] <= "~"):
                length += 1
        key, text = text[:length], text[length:]
        if name := _NAMES.get(key):
            found.append(name)
        elif key.isprintable():
            found.append(key)
    return found


if sys.platform == "win32":

    def _state(descriptor: int) -> list[Any]:
        return [descriptor]

    def _unbuffer(descriptor: int) -> None:
        pass  # msvcrt asks the console itself

    def _restore(descriptor: int, saved: list[Any]) -> None:
        pass

    def _windows_keys(seconds: float) -> list[str]:
        import msvcrt

        ends = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() >= ends:
                return []
            time.sleep(0.05)
        key = msvcrt.getwch()
        if key in ("\x00", "\xe0"):
            return [{"H": "up", "P": "down", "I": "page up", "Q": "page down"}.get(msvcrt.getwch(), "")]
        if key == "\x03":
            raise KeyboardInterrupt
        return _split(key)

else:

    def _state(descriptor: int) -> list[Any]:
        import termios

        return termios.tcgetattr(descriptor)

    def _unbuffer(descriptor: int) -> None:
        """Keys come one by one and are not shown; Ctrl-C stays what it is."""
        import termios
        import tty

        tty.setcbreak(descriptor, termios.TCSADRAIN)

    def _restore(descriptor: int, saved: list[Any]) -> None:
        import termios

        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)

    def _windows_keys(seconds: float) -> list[str]:
        raise AssertionError
