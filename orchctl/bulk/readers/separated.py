"""CSV as spreadsheets write it: comma, semicolon or tab, found out from the header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator

from orchctl.bulk.readers import Fault, Names, Raw, Source, undecodable
from orchctl.spreadsheet import unguarded

_LARGEST_CELL = 64 * 1024 * 1024
_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")  # Excel's own hint
_QUOTED = re.compile(r'"[^"]*"')


def rows(source: Source) -> Iterator[Names | Raw | Fault]:
    csv.field_size_limit(_LARGEST_CELL)
    row = 0
    try:
        # newline="" keeps line breaks inside quotes as they are.
        with source.path.open(encoding=source.encoding, newline="", errors="strict") as file:
            first = file.readline(1024 * 1024)
            said = _SEPARATOR_LINE.fullmatch(first)
            skipped = 1 if said else 0
            if not said:
                file.seek(0)
            delimiter = said.group(1) if said else _delimiter_of(first)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = next(reader, None)
            if header is None:
                yield Fault(0, "the file is empty: a header with the names of the columns was expected")
                return
            header = [name.strip() for name in header]
            faults = _faults_of(header, reader.line_num + skipped)
            yield from faults
            if faults:
                return
            yield Names(header, reader.line_num + skipped)
            width = len(header)
            line = reader.line_num + skipped + 1
            for cells in reader:
                begun, line = line, reader.line_num + skipped + 1
                if not any(cells):
                    continue  # spreadsheets leave rows of nothing but separators behind
                row += 1
                if len(cells) != width:
                    yield Fault(row, f"{len(cells)} cells, but the header has {width} columns", line=begun)
                    continue
                found = {
                    name: unguarded(cell) if cell[0] == "'" else cell
                    for name, cell in zip(header, cells, strict=True)
                    if cell
                }
                yield Raw(row, found, begun)
    except csv.Error as error:
        yield Fault(row + 1, f"this is not CSV: {error}", line=reader.line_num + skipped)
    except UnicodeDecodeError as error:
        yield undecodable(error, row=row + 1)


def _delimiter_of(line: str) -> str:
    counts = Counter(character for character in _QUOTED.sub("", line) if character in _DELIMITERS)
    return max(_DELIMITERS, key=lambda each: counts[each])


def _faults_of(header: list[str], line: int) -> list[Fault]:
    counts = Counter(header)
    faults = [
        Fault(0, f"the column {name!r} is there {count} times", line=line)
        for name, count in counts.items()
        if count > 1 and name
    ]
    if "" in counts:
        faults.append(Fault(0, f"column {header.index('') + 1} has no name", line=line))
    return faults
