"""Rows out of files: one module a format, each holding one row at a time, however long the file is.

A reader says what is wrong with a row and goes on with the next where it can; it knows no column's meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from orchctl.errors import UsageFault
from orchctl.model import Json

Cell: TypeAlias = "Json | datetime"


class FileFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    YAML = "yaml"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Names:
    """The header of a table, before its rows."""

    names: Sequence[str]
    line: int


@dataclass(frozen=True, slots=True)
class Raw:
    """A row as the file has it: fields by name, empty ones left out. ``line`` is where it begins."""

    row: int
    cells: Mapping[str, Cell]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where; ``row`` 0 is what stands above the rows."""

    row: int
    message: str
    column: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else ""
        if self.line is not None:
            where += f" (line {self.line})" if where else f"line {self.line}"
        if self.column is not None:
            where += f"{', ' if where else ''}column {self.column}"
        return f"{where}: {self.message}" if where else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of rows. ``cells_are_text``: what a cell means is not said by the format."""

    path: Path
    name: str
    format: FileFormat
    encoding: str = "utf-8"

    @property
    def cells_are_text(self) -> bool:
        return self.format in (FileFormat.CSV, FileFormat.XLSX)

    def rows(self) -> Iterator[Names | Raw | Fault]:
        reader = import_module(f"orchctl.bulk.readers.{_MODULES[self.format]}")
        found: Iterator[Names | Raw | Fault] = reader.rows(self)
        return found


_MODULES = {
    FileFormat.CSV: "separated",
    FileFormat.JSONL: "jsonlines",
    FileFormat.JSON: "jsonarray",
    FileFormat.YAML: "yamllist",
    FileFormat.XLSX: "xlsx",
}
_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSON,
    ".yaml": FileFormat.YAML,
    ".yml": FileFormat.YAML,
    ".xlsx": FileFormat.XLSX,
}
# Python counts these as encodings of text; they raise what no reader of a file expects.
_OF_HOST_NAMES = frozenset({"idna", "punycode"})


def source(path: Path, *, name: str, format: str | None, encoding: str | None) -> Source:
    """A file with its format and encoding found out, by what it is called and how it begins, unless given.

    :raises UsageFault: there is no such format or encoding.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if format is None:
        found = _SUFFIXES.get(Path(name).suffix.lower()) or _format_of(head)
    else:
        try:
            found = FileFormat(format)
        except ValueError:
            raise UsageFault(
                f"{format!r} is no format of rows", hint=f"one of: {', '.join(FileFormat)}"
            ) from None
    if encoding is not None:
        _check_encoding(encoding)
    return Source(path=path, name=name, format=found, encoding=encoding or _encoding_of(head))


def _format_of(head: bytes) -> FileFormat:
    if head.startswith(b"PK\x03\x04"):
        return FileFormat.XLSX
    text = head.decode(_encoding_of(head), errors="replace").lstrip()
    if text.startswith("["):
        return FileFormat.JSON
    if text.startswith("{"):
        return FileFormat.JSONL
    said = next((line for line in text.splitlines() if not line.lstrip().startswith("#")), "")
    return FileFormat.YAML if said.startswith(("- ", "---")) else FileFormat.CSV


def _encoding_of(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    # Windows programs leave the mark out at times; the first character of a table is hardly beyond Latin.
    if head[1:2] == b"\0" and head[:1] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if head[:1] == b"\0" and head[1:2] != b"\0" else "utf-8"


def _check_encoding(encoding: str) -> None:
    import codecs

    try:
        found = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, UnicodeError):
        found = None
    if found is None or found in _OF_HOST_NAMES:
        raise UsageFault(
            f"{encoding!r} is no text encoding", hint="for example utf-8, utf-16, cp1251, cp1252"
        )


def undecodable(error: UnicodeDecodeError, *, row: int) -> Fault:
    """The fault for a file that is in another encoding than it was taken for."""
    byte = error.object[error.start]
    return Fault(
        row,
        f"this is not {error.encoding} text (byte 0x{byte:02x}); save the file as UTF-8, or say --encoding",
    )
