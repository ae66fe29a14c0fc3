"""Where the rows of a run come from: a file that stays where it is, or standard input, which is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from orchctl.bulk.journal import Header
from orchctl.bulk.runs import kept_input
from orchctl.errors import LocalFault
from orchctl.paths import reason

_PIECE = 1 << 20


def file_of(text: str, stdin: Iterator[bytes], *, run: str) -> tuple[Path, str]:
    """The file behind ``--from``, and what messages call it.

    What cannot be read twice is written down first: standard input, which is ``-``, and what is no file on a disk.
    """
    path = kept_input(run)
    if text == "-":
        write_kept(path, stdin)
        return path, "standard input"
    given = Path(text)
    try:
        mode = given.stat().st_mode
        if S_ISDIR(mode):
            raise LocalFault(f"cannot read {text}: it is a directory")
        if S_ISREG(mode):
            return given.absolute(), text
        with given.open("rb") as file:
            write_kept(path, iter(partial(file.read, _PIECE), b""))
    except OSError as error:
        raise LocalFault(f"cannot read {text}: {reason(error)}") from None
    return path, text


def file_again(header: Header) -> tuple[Path, str]:
    """The same for a run that is taken up again.

    :raises LocalFault: the rows are gone, or no longer what they were.
    """
    path = kept_input(header.run) if header.input is None else Path(header.input)
    name = "standard input" if header.input is None else header.input
    if header.input is None and not path.exists():
        raise LocalFault(
            f"the rows of the run {header.run} came from standard input and were not kept",
            hint="start a new run with the rows that are not done yet",
        )
    if digest(path, name) != header.sha256:
        raise changed(name, header.run)
    return path, name


def changed(name: str, run: str) -> LocalFault:
    return LocalFault(
        f"{name} was changed since the run {run} began",
        hint="put it back as it was, or start a new run with the rows that are not done yet",
    )


def identity(path: Path, name: str) -> tuple[int, int, int]:
    """What does not stay the same when a file is written again: its number, size and time."""
    try:
        found = path.stat()
    except OSError as error:
        raise LocalFault(f"cannot read {name}: {reason(error)}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def digest(path: Path, name: str) -> str:
    """The file's SHA-256, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LocalFault(f"cannot read {name}: {reason(error)}") from None


def write_kept(path: Path, chunks: Iterator[bytes]) -> None:
    """Write down what cannot be read twice, for its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        forget(path)
        raise LocalFault(f"cannot keep the rows in {path}: {reason(error)}") from None
    except BaseException:  # a signal: half of the rows are of no use, and may hold secrets
        forget(path)
        raise


def nameless(path: Path, at_the_end: Callable[[Callable[[], None]], None]) -> Path:
    """The same file without a name, where the system can read it so: if the process is killed, nothing is left."""
    by_number = Path("/proc/self/fd")
    if not by_number.exists():
        return path
    file = path.open("rb")
    at_the_end(file.close)
    path.unlink()
    return by_number / str(file.fileno())


def forget(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
