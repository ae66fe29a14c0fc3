"""What is written down is read back as it was: exports, and every reader against any text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchctl.bulk.cells import Reading
from orchctl.bulk.export import ExportFormat, export
from orchctl.bulk.nouns import Entry, Tasks
from orchctl.bulk.readers import Fault, Names, Raw, jsonarray, source
from orchctl.bulk.rows import Repeats, Rows
from orchctl.model import NewTask, Priority, Task, TaskStatus
from orchctl.streams import Streams
from tests.bulk.conftest import tasks

# What can travel as UTF-8; lone surrogates cannot.
texts = st.text(st.characters(codec="utf-8"), max_size=30)
cells = texts.filter(lambda text: text != "")
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
tags = st.lists(
    texts.map(str.strip).filter(lambda text: text != "" and ";" not in text and "," not in text),
    max_size=3,
    unique=True,
)
tasks_of_any_kind = st.builds(
    Task,
    id=st.uuids().map(str),
    name=cells | st.none(),
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from(Priority) | st.none(),
    payload=values.filter(lambda value: value is not None),
    comment=cells | st.none(),
    description=cells | st.none(),
    tags=tags.map(tuple),
    retries=st.integers(0, 99) | st.none(),
    deadline=st.datetimes(
        datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)
    ).map(  # made aware by timezones
        lambda moment: moment.replace(microsecond=0)
    ),
)


def read(path: Path, name: str) -> list[Entry[NewTask]]:
    found = source(path, name=name, format=None, encoding=None)
    reading = Reading(now=datetime.now(UTC), cells_are_text=found.cells_are_text)
    rows = Rows(
        found,
        Tasks(NewTask(queue="Q")),
        reading,
        payload_columns=False,
        as_new=True,
        is_unchanged=lambda: True,
    )
    assert rows.check(lambda entry: None, lambda row, entry: None) >= 0
    return [item.thing for item in rows.items(lambda row: True)]


@pytest.mark.parametrize("format", list(ExportFormat))
@settings(max_examples=40, deadline=None)
@example(
    many=[Task(id="1", name="A", status=TaskStatus.NEW, payload=2**53 + 1)]
)  # more than a floating number keeps
@given(many=st.lists(tasks_of_any_kind, min_size=1, max_size=4))
def test_an_export_read_back_loses_nothing(format: ExportFormat, many: list[Task]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"tasks.{format}"
        silent = Streams(stdin=None, stdout=io.StringIO(), stderr=io.StringIO(), env={})
        export(many, Task, format, silent, to=path, clobber=False, fields=None)
        entries = read(path, path.name)
    assert len(entries) == len(many)
    for task, entry in zip(many, entries, strict=True):
        new = entry.new
        assert new is not None
        for field in ("name", "priority", "payload", "comment", "description", "retries", "deadline"):
            assert getattr(new, field) == getattr(task, field), field
        assert type(new.payload) is type(task.payload)
        assert set(new.tags) == set(task.tags or ())


def test_a_queue_is_copied_by_export_and_import(anywhere: Any, tmp_path: Path) -> None:
    words = [
        "task",
        "create",
        "-q",
        "Q",
        "--retries",
        "3",
        "--deadline",
        "2030-01-01T00:00:00Z",
        "--tag",
        "t",
    ]
    anywhere(
        *words, "--name", "=1+1", "--data", '{"a": [1, 2.5, null], "b": "=x"}', "--comment", "two\nlines"
    )
    anywhere("task", "create", "-q", "Q", "--name", "два", "--data", '"text"', "--priority", "high")
    anywhere("task", "create", "-q", "Q", "--name", "-5", "--data", "5")
    fields = "name,priority,payload,comment,tags,deadline,retries,description"
    before = tasks(anywhere, fields)
    for format in ExportFormat:
        path = tmp_path / f"export.{format}"
        result = anywhere("task", "export", "-q", "Q", "--to", str(path))
        assert (result.code, result.out, result.err) == (0, "", "")
        assert anywhere("queue", "create", "--name", format.value).code == 0
        assert anywhere("task", "create", "-q", format.value, "--from", str(path), "--as-new").code == 0
        assert tasks(anywhere, fields, format.value) == before


def test_an_export_read_back_as_it_is_changes_nothing(cli: Any, tmp_path: Path) -> None:
    for name in ("A", "B"):
        cli("task", "create", "-q", "Q", "--name", name, "-p", "a=1")
    cli("task", "finish", "A", "--status", "failed", "--reason", "why")
    before = tasks(cli, "name,status,payload,comment,updated_at")
    path = tmp_path / "export.csv"
    cli("task", "export", "-q", "Q", "--to", str(path))
    result = cli("task", "create", "-q", "Q", "--from", str(path), "--yes")
    assert result.code == 0, result.err
    assert tasks(cli, "name,status,payload,comment,updated_at") == before
    text = path.read_text().replace(",normal,", ",high,")
    path.write_text(text)
    assert cli("task", "create", "-q", "Q", "--from", str(path), "--yes").code == 0
    assert {each["priority"] for each in tasks(cli, "name,priority")} == {"high"}
    assert [each["status"] for each in tasks(cli, "name,status")] == ["failed", "new"]


def test_export_filters_and_goes_to_standard_output_as_csv(cli: Any) -> None:
    for name in ("A", "B"):
        cli("task", "create", "-q", "Q", "--name", name)
    cli("task", "finish", "A", "--status", "success")
    result = cli("task", "export", "-q", "Q", "--status", "new", "--fields", "name,status")
    assert (result.code, result.out) == (0, "name,status\nB,new\n")
    assert (
        cli("task", "export", "-q", "Q", "--limit", "1", "--fields", "name", "-o", "jsonl").out
        == '{"name": "A"}\n'
    )
    assert cli("task", "export", "-q", "Nope").code == 4


def test_an_export_never_leaves_half_a_file_or_overwrites_one(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("mine")
    result = cli("task", "export", "-q", "Q", "--to", str(path))
    assert (result.code, result.err) == (
        12,
        f"orchctl: {path} is there already\nhint: choose another name, or add --clobber\n",
    )
    assert cli("task", "export", "-q", "Nope", "--to", str(path), "--clobber").code == 4
    assert path.read_text() == "mine"
    assert cli("task", "export", "-q", "Q", "--to", str(path), "--clobber").code == 0
    assert path.read_text().startswith("id,name,")
    assert [each.name for each in tmp_path.glob(".*")] == []
    assert cli("task", "export", "-q", "Q", "-o", "table").code == 2
    terminal = cli("task", "export", "-q", "Q", "-o", "xlsx", terminal=True)
    assert (terminal.code, terminal.out) == (2, "")


def test_a_workbook_that_cannot_hold_it_is_12(cli: Any, tmp_path: Path) -> None:
    cli("task", "create", "-q", "Q", "--name", "A", "-p", f"long={'x' * 40_000}")
    result = cli("task", "export", "-q", "Q", "--to", str(tmp_path / "x.xlsx"))
    assert result.code == 12
    assert result.err.startswith("orchctl: the payload of row 1 is too long for a cell\n")
    assert list(tmp_path.glob("*.xlsx")) == []


@settings(max_examples=60, deadline=None)
@given(
    header=st.lists(
        cells.map(str.strip).filter(lambda name: name != ""), min_size=1, max_size=4, unique=True
    ),
    body=st.lists(st.lists(texts, min_size=4, max_size=4), max_size=5),
    delimiter=st.sampled_from(",;\t"),
)
def test_any_table_that_python_writes_is_read_as_it_was(
    header: list[str], body: list[list[str]], delimiter: str
) -> None:
    # The delimiter is told by the header: with one column, or with others in its names, there is none to tell.
    # A NUL among the first bytes is what UTF-16 is known by.
    header = [name.translate(str.maketrans(',;\t"\r\n\0', "_______")) or "_" for name in header]
    header = [f"{number}{name}" for number, name in enumerate(header)]
    body = [row[: len(header)] for row in body]
    if len(header) == 1:
        delimiter = ","
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *body])
        read_rows = list(source(path, name="table.csv", format=None, encoding=None).rows())
    assert isinstance(read_rows[0], Names)
    assert list(read_rows[0].names) == header
    expected = [
        {name: cell for name, cell in zip(header, row, strict=True) if cell} for row in body if any(row)
    ]
    got = []
    for each in read_rows[1:]:
        assert isinstance(each, Raw)
        got.append(dict(each.cells))
    assert [list(row) for row in got] == [list(row) for row in expected]
    for mine, theirs in zip(got, expected, strict=True):
        for name, cell in theirs.items():
            assert mine[name] == cell or cell.startswith("'")  # a guard against formulas is taken off


@settings(max_examples=60, deadline=None)
@given(many=st.lists(st.dictionaries(texts, values, max_size=3), max_size=6), chunk=st.integers(1, 40))
def test_a_json_array_is_the_same_in_whatever_pieces_it_comes(many: list[Any], chunk: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonarray, "_CHUNK", chunk)
        path = Path(folder) / "rows.json"
        path.write_text(json.dumps(many, ensure_ascii=False, indent=chunk % 3), encoding="utf-8")
        read_rows = list(source(path, name="rows.json", format=None, encoding=None).rows())
    kept = [{name: value for name, value in row.items() if value is not None} for row in many]
    assert [each.cells for each in read_rows if isinstance(each, Raw)] == kept


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200), format=st.sampled_from(["csv", "jsonl", "json", "yaml", "xlsx"]))
def test_no_file_breaks_a_reader(content: bytes, format: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_bytes(content)
        for each in source(path, name="rows", format=format, encoding=None).rows():
            assert isinstance(each, Names | Raw | Fault)
            assert isinstance(str(each), str)


@settings(max_examples=50, deadline=None)
@given(keys=st.lists(st.text(max_size=5), max_size=50))
def test_a_key_that_is_repeated_is_always_known(keys: list[str]) -> None:
    repeats = Repeats()
    for key in keys:
        repeats.add(key)
    assert all(key in repeats for key in keys if keys.count(key) > 1)


def test_hardly_any_key_is_taken_for_a_repeated_one() -> None:
    repeats = Repeats()
    for number in range(20_000):
        repeats.add(f"INV-{number}")
    assert sum(f"INV-{number}" in repeats for number in range(20_000)) < 20


@pytest.fixture(scope="module")
def small_workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    for number in range(3):
        sheet.append(["name", f"A{number}", number])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_workbook_breaks_its_reader(small_workbook: bytes, data: st.DataObject) -> None:
    content = bytearray(small_workbook)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.input"
        path.write_bytes(content)
        for each in source(path, name="-", format="xlsx", encoding=None).rows():
            assert isinstance(each, Names | Raw | Fault)


def test_yaml_is_read_one_element_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text("- name: A\n- name: B\n- name: [\n")

    def rows() -> Iterator[Any]:
        yield from source(path, name="rows.yaml", format=None, encoding=None).rows()

    found = rows()
    assert next(found) == Raw(1, {"name": "A"}, 1)
    assert next(found) == Raw(2, {"name": "B"}, 2)
    assert isinstance(next(found), Fault)


def test_an_excel_sheet_may_hold_numbers_times_and_leftovers(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.append(["name", "payload.n", "payload.f", "payload.b", "deadline", None])
    sheet.append([1001, 5, 2.5, True, datetime(2030, 1, 2, 3, 4, 5), None])  # as sheets have it
    sheet.append(["A", None, None, None, None, "note"])
    book.save(tmp_path / "rows.xlsx")
    names, first, second = list(
        source(tmp_path / "rows.xlsx", name="rows.xlsx", format=None, encoding=None).rows()
    )
    assert isinstance(names, Names)
    assert isinstance(first, Raw)
    assert dict(first.cells) == {
        "name": 1001,
        "payload.n": 5,
        "payload.f": 2.5,
        "payload.b": True,
        "deadline": datetime(2030, 1, 2, 3, 4, 5),  # as sheets have it
    }
    assert str(second) == "row 2 (line 3): cell 6 lies under no header"
