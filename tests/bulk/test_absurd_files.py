"""Files that are small and stand for something huge, or hold what nothing can be made of: told, and in time."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = '<row><c t="inlineStr"><is><t>name</t></is></c></row>'
ROW = '<row><c t="inlineStr"><is><t>A</t></is></c></row>'


def workbook(*cells: Any) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    for row in cells:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet(*parts: str | bytes, before: str = "", shared: bytes | None = None) -> bytes:
    """A workbook whose sheet is made of these parts, however large they are."""
    made = io.BytesIO()
    with (
        ZipFile(io.BytesIO(workbook(["name"], ["x"]))) as old,
        ZipFile(made, "w", ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            if part.filename == "xl/worksheets/sheet1.xml":
                with new.open(part.filename, "w") as file:
                    file.write(f'<worksheet xmlns="{MAIN}">{before}<sheetData>'.encode())
                    for each in parts:
                        file.write(each if isinstance(each, bytes) else each.encode())
                    file.write(b"</sheetData></worksheet>")
            else:
                new.writestr(part.filename, old.read(part))
        if shared is not None:
            new.writestr("xl/sharedStrings.xml", shared)
    return made.getvalue()


def faults(cli: Any, path: str, *more: str) -> list[str]:
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "json", *more)
    assert (result.code, result.out) == (2, ""), result.err
    return [note.partition(": ")[2] for note in result.error["notes"]]


# Excel


def test_what_a_sheet_says_of_its_size_is_not_believed(cli: Any, write: Any) -> None:
    path = write("rows.xlsx", sheet(HEADER, ROW, before='<dimension ref="A1:XFD1048576"/>'))
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "json")
    assert result.code == 0, result.err
    path = write("rows.xlsx", sheet(HEADER, ROW, ROW, ROW, before='<dimension ref="A1:A2"/>'))
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "jsonl")
    assert len(result.out.splitlines()) == 3


def test_a_row_of_a_huge_number_is_not_counted_up_to(cli: Any, write: Any) -> None:
    far = ROW.replace("<row>", '<row r="99999999999">')
    path = write("rows.xlsx", sheet(HEADER, far))
    assert faults(cli, path) == ["row 1 (line 1048577): a sheet holds 1,048,576 lines at most"]


def test_a_cell_that_unpacks_to_more_than_a_row_may_hold_is_refused(cli: Any, write: Any) -> None:
    cell = '<row><c t="inlineStr"><is><t>', b"z" * (17 * 1024 * 1024), "</t></is></c></row>"
    said = "a row in xl/worksheets/sheet1.xml of this workbook is longer than 16 MB"
    assert faults(cli, write("a.xlsx", sheet(HEADER, ROW, *cell))) == [said]
    assert faults(cli, write("b.xlsx", sheet(HEADER, *cell, ROW))) == [said]
    runs = "<row><c><is>", b"<r><t>z</t></r>" * (17 * 1024 * 1024 // 14), "</is></c></row>"
    assert faults(cli, write("c.xlsx", sheet(HEADER, *runs, ROW))) == [said]


def test_a_long_sheet_of_short_rows_is_not_refused(cli: Any, write: Any) -> None:
    # So alike that it packs hundredfold: nothing in it is large but the whole.
    rows = f'<row r="3" spans="{"1" * 4000}"/>'.encode() * (17 * 1024 // 4)
    path = write("rows.xlsx", sheet(HEADER, ROW, rows))
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "json")
    assert result.code == 0, result.err


def test_shared_texts_that_unpack_a_hundredfold_are_refused(cli: Any, write: Any) -> None:
    many = f'<sst xmlns="{MAIN}">'.encode() + b"<si><t>ab</t></si>" * 1_000_000 + b"</sst>"
    found = faults(cli, write("rows.xlsx", sheet(HEADER, ROW, shared=many)))
    assert len(found) == 1
    assert found[0].startswith("xl/sharedStrings.xml in this workbook unpacks to ")


def test_a_number_that_no_json_has_is_a_fault_of_its_cell(cli: Any, write: Any) -> None:
    header = '<row><c t="inlineStr"><is><t>payload.n</t></is></c></row>'
    path = write("rows.xlsx", sheet(header, "<row><c><v>1e999</v></c></row>"))
    assert faults(cli, path) == ["row 1 (line 2), column payload.n: the number is too large"]


@pytest.mark.parametrize("column", ["deadline", "payload.d"])
@pytest.mark.parametrize(
    ("zone", "cell"),
    [
        ("America/New_York", datetime(9999, 12, 31, 23)),
        ("Etc/GMT+12", datetime(9999, 12, 31, 13)),
    ],
)
def test_a_time_beyond_the_calendar_is_a_fault_of_its_cell(
    cli: Any, write: Any, monkeypatch: pytest.MonkeyPatch, column: str, zone: str, cell: datetime
) -> None:
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process is changed by tzset")
    path = write("rows.xlsx", workbook(["name", column], ["A", cell], ["B", datetime(2030, 1, 1)]))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        found = faults(cli, path)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == [f"row 1 (line 2), column {column}: {cell} is out of the range of times"]


# YAML


def test_a_long_text_repeated_by_aliases_is_refused(cli: Any, write: Any) -> None:
    aliases = ", ".join(["*s"] * 12_000)
    path = write("rows.yaml", f'- name: A\n  payload: {{k: &s "{"z" * 50_000}", v: [{aliases}]}}\n')
    assert faults(cli, path) == [f"{path}:2: aliases make this too large"]


def test_aliases_are_counted_for_each_row_alone(cli: Any, write: Any) -> None:
    rows = f'- name: A\n  comment: &s "{"z" * 9_000_000}"\n' + "- {name: A, comment: *s}\n" * 3
    path = write("rows.yaml", rows)
    assert cli("task", "create", "-q", "Q", "--from", path, "-o", "json").code == 0


def test_rows_nested_around_each_other_are_refused(cli: Any, write: Any) -> None:
    rows = ["- payload: &a0 {x: 1}"]
    rows += [f"- payload: &a{n} {'[' * 90}*a{n - 1}{']' * 90}" for n in range(1, 40)]
    path = write("rows.yaml", "\n".join(rows))
    assert faults(cli, path) == [f"{path}:3: this is nested more than 100 deep"]


@pytest.mark.parametrize("number", ["1e999", "-1E400", "1.0e+309"])
def test_a_number_that_becomes_infinity_is_refused(cli: Any, write: Any, number: str) -> None:
    path = write("inf.yaml", f"- payload: {{n: {number}}}\n")
    assert faults(cli, path) == [f"{path}:1: the number {number} is too large"]


def test_the_words_of_other_yaml_for_infinity_are_text_like_its_other_words(cli: Any, write: Any) -> None:
    path = write("rows.yaml", "- {name: A, payload: {i: .inf, n: .nan, y: yes}}\n")
    assert cli("task", "create", "-q", "Q", "--from", path).code == 0
    listed = cli("task", "list", "-q", "Q", "-o", "json")
    assert json.loads(listed.out)[0]["payload"] == {"i": ".inf", "n": ".nan", "y": "yes"}


# CSV


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("9" * 5000, f"'{'9' * 59}… has too many digits"),
        ("-" + "9" * 5000, f"'-{'9' * 58}… has too many digits"),
        ("-1", "-1 is less than 0"),
        ("1.5", "'1.5' is no whole number"),
        ("--1", "'--1' is no whole number"),
        ("-", "'-' is no whole number"),
    ],
)
def test_a_number_of_retries_that_is_none(cli: Any, write: Any, cell: str, said: str) -> None:
    path = write("rows.csv", f"name,retries\nA,{cell}\n")
    assert faults(cli, path) == [f"row 1 (line 2), column retries: {said}"]


@pytest.mark.parametrize("encoding", ["undefined", "idna", "punycode", "base64", "klingon"])
def test_an_encoding_of_no_text_is_a_usage_error(cli: Any, write: Any, encoding: str) -> None:
    path = write("rows.csv", "name\né\n")
    result = cli("task", "create", "-q", "Q", "--from", path, "--encoding", encoding)
    assert (result.code, result.out) == (2, "")
    assert f"{encoding!r} is no text encoding" in result.err
