"""Excel workbooks: the first sheet, its first row the header. Sole owner of openpyxl, in both directions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from math import isfinite
from typing import IO, Any
from zipfile import ZipFile

from orchctl.bulk.readers import Cell, Fault, Names, Raw, Source
from orchctl.errors import LocalFault

# How workbooks write what XML has no place for, and what looks like such an escape itself.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_LONGEST_CELL = 32_767
_MOST_ROWS = 1_048_575
# Parts that openpyxl does not open: pictures, and other files within the file.
_NEVER_READ = ("xl/media/", "xl/embeddings/")
# Excel's cells of the largest size, five hundred of them.
_LONGEST_ROW = 16 * 1024 * 1024
# Texts that cells share are there once each, and do not repeat themselves like that.
_MOST_PACKED = 100
_BEGINNING = re.compile(rb"<(?:[\w.-]{1,32}:)?(?:row|si)[\s/>]")
_LONGEST_BEGINNING = 40
_CHUNK = 256 * 1024
# Excel's numbers are floating: whole ones beyond this are written as text.
_MOST_EXACT = 2**53


def openpyxl() -> Any:
    """:raises LocalFault: the extra is not installed."""
    try:
        import openpyxl
    except ImportError:
        raise LocalFault(
            "this orchctl cannot read or write xlsx", hint="pip install 'orchctl[xlsx]', or use CSV"
        ) from None
    return openpyxl


def rows(source: Source) -> Iterator[Names | Raw | Fault]:
    library = openpyxl()
    # Opened here: by the name of a file openpyxl would want to know its kind.
    with source.path.open("rb") as file:
        try:
            if why := _too_much(file):
                yield Fault(0, why)
                return
            book = library.load_workbook(file, read_only=True, data_only=True)
            try:
                yield from (
                    _rows(book.worksheets[0]) if book.worksheets else (Fault(0, "the workbook has no sheet"),)
                )
            finally:
                book.close()
        except Exception as error:  # whatever the parsers under openpyxl raise
            yield Fault(0, f"this is no Excel workbook: {error}")


def _too_much(file: IO[bytes]) -> str | None:
    """Why a workbook is not to be read: a small file may unpack to more than any memory holds.

    A sheet may be of any size, because it is read row by row; everything else is held whole.
    """
    with ZipFile(file) as archive:
        for part in archive.infolist():
            if part.file_size <= _LONGEST_ROW or part.filename.startswith(_NEVER_READ):
                continue
            times = part.file_size // max(1, part.compress_size)
            if times > _MOST_PACKED and not part.filename.startswith("xl/worksheets/"):
                return f"{part.filename} in this workbook unpacks to {times:,} times its size"
            with archive.open(part) as content:
                if _longest_row(content) > _LONGEST_ROW:
                    return (
                        f"a row in {part.filename} of this workbook is longer than {_LONGEST_ROW // 2**20} MB"
                    )
    return None


def _longest_row(content: IO[bytes]) -> int:
    """At least how much lies between two beginnings of a row, or of a text that cells share."""
    longest = begun = at = 0
    tail = b""
    while chunk := content.read(_CHUNK):
        text = tail + chunk
        for found in _BEGINNING.finditer(text):
            start = at - len(tail) + found.start()
            longest, begun = max(longest, start - begun), start
        at += len(chunk)
        if at - begun > _LONGEST_ROW:
            return at - begun
        tail = text[-_LONGEST_BEGINNING:]
    return longest


def _rows(sheet: Any) -> Iterator[Names | Raw | Fault]:
    header: list[str] | None = None
    row = 0
    # What a sheet says of its own size may be wrong, and is padded to with empty rows and cells.
    sheet.reset_dimensions()
    for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if line > _MOST_ROWS + 1:
            yield Fault(row + 1, f"a sheet holds {_MOST_ROWS + 1:,} lines at most", line=line)
            return
        if all(value is None or value == "" for value in values):
            continue
        if header is None:
            header = ["" if value is None else str(value).strip() for value in values]
            counts = Counter(name for name in header if name)
            faults = [
                Fault(0, f"the column {name!r} is there {count} times", line=line)
                for name, count in counts.items()
                if count > 1
            ]
            yield from faults
            if faults:
                return
            yield Names([name for name in header if name], line)
            continue
        row += 1
        yield _row(row, header, values, line)
    if header is None:
        yield Fault(0, "the sheet is empty: a header with the names of the columns was expected")


def _row(row: int, header: list[str], values: tuple[Any, ...], line: int) -> Raw | Fault:
    cells: dict[str, Cell] = {}
    for at, value in enumerate(values):
        if value is None or value == "":
            continue
        name = header[at] if at < len(header) else ""
        if not name:
            return Fault(row, f"cell {at + 1} lies under no header", line=line)
        if isinstance(value, float) and not isfinite(value):
            return Fault(row, "the number is too large", name, line)
        cells[name] = _cell(value)
    return Raw(row, cells, line)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # Excel knows no integers
    if isinstance(value, bool | int | float | datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return str(value)


def write(rows: Iterable[Any], kind: type, names: tuple[str, ...], file: IO[bytes]) -> None:
    """A workbook of one sheet, all its cells text but for the numbers that Excel keeps exactly.

    :raises LocalFault: a sheet cannot hold it.
    """
    library = openpyxl()
    book = library.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    try:
        _write(sheet, rows, kind, names)
    except BaseException:
        sheet.close()  # or it complains of the file that is closed under it
        raise
    book.save(file)


def _write(sheet: Any, rows: Iterable[Any], kind: type, names: tuple[str, ...]) -> None:
    from openpyxl.cell import WriteOnlyCell

    from orchctl.render.columns import reader, word

    sheet.append(list(names))
    read = reader(kind, names)
    for number, row in enumerate(rows, start=1):
        if number > _MOST_ROWS:
            raise LocalFault(f"a sheet holds {_MOST_ROWS:,} rows at most", hint="use -o csv or -o jsonl")
        cells: list[Any] = []
        for name, value in zip(names, read(row), strict=True):
            is_number = isinstance(value, int) and not isinstance(value, bool)
            if value is None or (is_number and abs(value) <= _MOST_EXACT):
                cells.append(value)
                continue
            text = value if isinstance(value, str) else word(value)
            text = _TO_ESCAPE.sub(lambda match: f"_x{ord(match.group()):04X}_", str(text))
            if len(text) > _LONGEST_CELL:
                raise LocalFault(
                    f"the {name} of row {number} is too long for a cell", hint="use -o csv or -o jsonl"
                )
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = "s"  # or a text that begins with = would be a formula
            cells.append(cell)
        sheet.append(cells)
