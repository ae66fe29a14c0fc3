"""Where the rows of a run come from: a file that stays where it is, or standard input, which is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from orchctl.bulk.journal import Header, kept_input
from orchctl.errors import LocalFault
from orchctl.paths import reason


def file_of(text: str, stdin: Iterator[bytes], *, run: str) -> tuple[Path, str]:
    """The file behind ``--from``, and what messages call it; ``-`` is standard input, written down first."""
    if text != "-":
        path = Path(text).absolute()
        if path.is_dir():
            raise LocalFault(f"cannot read {text}: it is a directory")
        return path, text
    path = kept_input(run)
    write_kept(path, stdin)
    return path, "standard input"


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
        raise LocalFault(
            f"{name} was changed since the run {header.run} began",
            hint="put it back as it was, or start a new run with the rows that are not done yet",
        )
    return path, name


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
        path.unlink(missing_ok=True)
        raise LocalFault(f"cannot keep the rows in {path}: {reason(error)}") from None
