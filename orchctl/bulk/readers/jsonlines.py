"""JSONL: an object a line."""

from __future__ import annotations

from collections.abc import Iterator

from orchctl.bulk.readers import Fault, Raw, Source, undecodable
from orchctl.errors import UsageFault
from orchctl.payload import parse_json


def rows(source: Source) -> Iterator[Raw | Fault]:
    row = 0
    try:
        with source.path.open(encoding=source.encoding, errors="strict", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                row += 1
                yield read_object(row, line, number)
    except UnicodeDecodeError as error:
        yield undecodable(error, row=row + 1)


def read_object(row: int, text: str, line: int | None) -> Raw | Fault:
    try:
        found = parse_json(text, "this")
    except UsageFault as error:
        return Fault(row, error.message, line=line)
    return object_row(row, found, line)


def object_row(row: int, found: object, line: int | None) -> Raw | Fault:
    if not isinstance(found, dict):
        return Fault(row, "an object with named fields was expected", line=line)
    return Raw(row, {name: value for name, value in found.items() if value is not None}, line)
