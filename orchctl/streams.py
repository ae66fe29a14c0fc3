"""The three standard streams and the environment of one run: data to stdout, talk to stderr."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn, TextIO

from orchctl.errors import LocalFault, UsageFault
from orchctl.sanitize import safe, safe_json, scrub

_PIECE = 1024 * 1024


class ClosedPipe(BaseException):
    """The reader of standard output went away: nobody is left to tell, so the run ends quietly (141)."""


class Streams:
    """What a run reads from and writes to. A stream is ``None`` where the process was started without it."""

    __slots__ = ("_fault", "_stdout_name", "env", "stderr", "stdin", "stdout")

    def __init__(
        self,
        *,
        stdin: TextIO | None,
        stdout: TextIO | None,
        stderr: TextIO | None,
        env: Mapping[str, str],
        stdout_name: str = "standard output",
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.env = env
        self._stdout_name = stdout_name
        self._fault: BaseException | None = None

    @classmethod
    def system(cls) -> Streams:
        """The process's own streams, in UTF-8 and with plain newlines whatever the locale says."""
        _occupy_standard_descriptors()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # In JSON text the replacement of a lone surrogate is its own escape.
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
        return cls(stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr, env=os.environ)

    @property
    def stdin_is_terminal(self) -> bool:
        return _is_terminal(self.stdin)

    @property
    def stdout_is_terminal(self) -> bool:
        return _is_terminal(self.stdout)

    @property
    def stderr_is_terminal(self) -> bool:
        return _is_terminal(self.stderr)

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 where nothing says."""
        columns = self.env.get("COLUMNS", "")
        if columns.isascii() and columns.isdecimal() and int(columns) > 0:
            return int(columns)
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is not None and _is_terminal(stream):
                with suppress(OSError, ValueError):
                    if size := os.get_terminal_size(stream.fileno()).columns:
                        return size
        return 80

    @property
    def color(self) -> bool:
        """Whether styled text on stdout may carry colours (no-color.org, force-color.org, ``TERM=dumb``)."""
        if self.env.get("NO_COLOR"):
            return False
        if self.env.get("FORCE_COLOR"):
            return True
        return self.env.get("TERM") != "dumb" and self.stdout_is_terminal and _understands_colors()

    def read(self) -> bytes:
        """All of standard input."""
        try:
            if self.stdin is None:
                raise ValueError
            buffer = getattr(self.stdin, "buffer", None)
            return buffer.read() if buffer is not None else self.stdin.read().encode()
        except ValueError:
            raise UsageFault("standard input is closed", hint="pipe something in, or name a file") from None
        except OSError as error:
            raise LocalFault(f"cannot read standard input: {_reason(error)}") from None

    def pieces(self) -> Iterator[bytes]:
        """Standard input as it comes, for what may be too long to hold."""
        try:
            if self.stdin is None:
                raise ValueError
            buffer = getattr(self.stdin, "buffer", None)
            while piece := (self.stdin.read(_PIECE).encode() if buffer is None else buffer.read(_PIECE)):
                yield piece
        except ValueError:
            raise UsageFault("standard input is closed", hint="pipe something in, or name a file") from None
        except OSError as error:
            raise LocalFault(f"cannot read standard input: {_reason(error)}") from None

    def write(self, text: str) -> None:
        """Data to stdout. Raises ``ClosedPipe`` when its reader is gone, ``LocalFault`` when it is full."""
        stdout = self._open_stdout()
        try:
            try:
                stdout.write(text)
            except UnicodeEncodeError:
                encoding = stdout.encoding or "utf-8"
                stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError) as error:
            self._lose_stdout(error)

    def write_bytes(self, data: bytes) -> None:
        """The same for what may not be text."""
        stdout = self._open_stdout()
        buffer = getattr(stdout, "buffer", None)
        if buffer is None:
            return self.write(data.decode("utf-8", "backslashreplace"))
        try:
            stdout.flush()
            buffer.write(data)
        except (OSError, ValueError) as error:
            self._lose_stdout(error)

    def flush(self) -> None:
        """What was written so far reaches the reader now."""
        try:
            self._open_stdout().flush()
        except (OSError, ValueError) as error:
            self._lose_stdout(error)

    def finish(self) -> None:
        """The end of the run: what was written has arrived, or this raises as ``write`` does."""
        if self.stdout is not None:
            self.flush()

    def leave(self, last: str = "") -> None:
        """The run was cut off: what the reader of stdout does not take at once it does not get, ``last`` too.

        Else the interpreter would wait for it at its own end, and no further Ctrl-C would come through.
        """
        if self.stdout is None:
            return
        with suppress(OSError, ValueError, AttributeError):  # Windows blocks or does not as it likes
            descriptor = self.stdout.fileno()
            os.set_blocking(descriptor, False)
            try:
                self.stdout.write(last)
                self.stdout.flush()
            finally:
                os.set_blocking(descriptor, True)
        self._divert_stdout()

    def status(self, text: str) -> None:
        """A line at the foot of a terminal that the next one replaces; "" takes it away. Nothing elsewhere."""
        if self.stderr_is_terminal and self.env.get("TERM") != "dumb":
            self._to_stderr("\r\x1b[2K" + safe(scrub(text))[: self.width - 1], end="")

    def prompt(self, text: str) -> None:
        """A question to stderr, with the cursor left behind it."""
        self._to_stderr(safe(scrub(text)), end="")

    def talk(self, text: str, *, keep_newlines: bool = False) -> None:
        """A line to stderr, without secrets and safe for a terminal. A stderr that takes nothing is no fault.

        ``keep_newlines`` is for text of several lines that holds nothing a server said.
        """
        self._to_stderr(safe(scrub(text), keep_newlines=keep_newlines))

    def talk_json(self, value: object) -> None:
        """One JSON object on a line of stderr, without secrets and safe for a terminal."""
        import json

        self._to_stderr(safe_json(scrub(json.dumps(value, ensure_ascii=False))))

    def _to_stderr(self, line: str, *, end: str = "\n") -> None:
        if self.stderr is None:
            return
        with suppress(OSError, ValueError):
            if self.stdout is not None and self.stdout_is_terminal:
                self.stdout.flush()  # on one screen the order is the order of the calls
        with suppress(OSError, ValueError):
            try:
                self.stderr.write(line + end)
            except UnicodeEncodeError:
                encoding = self.stderr.encoding or "ascii"
                self.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + end)
            self.stderr.flush()

    def _open_stdout(self) -> TextIO:
        if self._fault is not None:
            raise self._fault
        if self.stdout is None or self.stdout.closed:
            raise LocalFault(f"{self._stdout_name} is closed")
        return self.stdout

    def _lose_stdout(self, error: OSError | ValueError) -> NoReturn:
        # Windows reports a closed pipe as EINVAL.
        if isinstance(error, BrokenPipeError) or (
            sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL
        ):
            self._fault = ClosedPipe()
        elif isinstance(error, OSError) and error.errno != errno.EBADF:
            self._fault = LocalFault(
                f"cannot write to {self._stdout_name}: {_reason(error)}",
                hint="what was written is incomplete",
            )
        else:
            self._fault = LocalFault(f"{self._stdout_name} is closed")
        self._divert_stdout()
        raise self._fault from None

    def _divert_stdout(self) -> None:
        """Lets the interpreter flush what is left at exit into nothing, instead of failing a second time."""
        with suppress(OSError, ValueError):
            descriptor = self.stdout.fileno() if self.stdout is not None else -1
            nothing = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nothing, descriptor)
            finally:
                os.close(nothing)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _occupy_standard_descriptors() -> None:
    """Where the process was started with 0, 1 or 2 closed, no file opened later may take the number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _understands_colors() -> bool:
    if sys.platform != "win32":
        return True
    import ctypes

    # A Windows console obeys escape sequences only if asked to (ENABLE_VIRTUAL_TERMINAL_PROCESSING).
    kernel = ctypes.windll.kernel32
    handle = kernel.GetStdHandle(-11)
    mode = ctypes.c_ulong()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(mode.value & 4 or kernel.SetConsoleMode(handle, mode.value | 4))
