"""Machine formats parse, hold the data unchanged, and come a row at a time."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchctl.errors import UsageFault
from orchctl.model import (
    Asset,
    Folder,
    Job,
    LogEntry,
    LogLevel,
    Process,
    ProcessVersion,
    Queue,
    QueueStats,
    Robot,
    Task,
    TaskStatus,
    Trigger,
)
from orchctl.render import Format, Layout, jsontext, show, yamltext
from orchctl.sanitize import safe
from orchctl.spreadsheet import unguarded
from orchctl.streams import ClosedPipe, Streams
from tests.render.samples import HOSTILE, HOSTILE_TASK, ONE, TASKS, THREE, TWO, shown

ONE_AS_JSON = """\
{
  "id": "1",
  "name": "INV-1",
  "queue": "Invoices",
  "status": "success",
  "priority": "high",
  "payload": {
    "amount": 12.5,
    "lines": [
      1,
      {
        "sku": "a"
      }
    ],
    "none": null
  },
  "output": null,
  "error": null,
  "reference": null,
  "tags": [
    "urgent",
    "счёт"
  ],
  "comment": null,
  "description": null,
  "created_at": "2026-01-31T18:00:00Z",
  "started_at": null,
  "ended_at": "2026-01-31T18:00:01.500000Z",
  "updated_at": null,
  "postponed_until": null,
  "deadline": null,
  "retries": 0,
  "parent_id": null,
  "job_id": null,
  "robot": null,
  "progress": null,
  "native": {
    "Guid": "1"
  }
}
"""


def test_json_of_one_object_is_that_object() -> None:
    assert shown([ONE], Task, "json", single=True).out == ONE_AS_JSON


def test_json_of_rows_is_an_array() -> None:
    written = shown(TASKS, Task, "json")
    margin = ONE_AS_JSON.replace("\n", "\n  ").rstrip()
    assert written.out.startswith(f"[\n  {margin},\n  {{\n")
    assert written.out.endswith("\n  }\n]\n")
    assert json.loads(written.out)[0] == json.loads(ONE_AS_JSON)
    assert written.rows == 3


def test_json_is_indented_as_the_library_does_it() -> None:
    text = shown(TASKS, Task, "json").out
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (
            Task,
            "id name queue status priority payload output error reference tags comment description "
            "created_at started_at ended_at updated_at postponed_until deadline retries parent_id job_id "
            "robot progress native",
        ),
        (Queue, "id name description unique_tasks auto_change_status max_retries native"),
        (
            Job,
            "id status process process_version robot task_id priority source created_at started_at ended_at "
            "stop_after abort_after info input output native",
        ),
        (Asset, "id name type value username description scope expires_at updated_at native"),
        (LogEntry, "id time level message robot process process_version job_id native"),
        (Robot, "id name status type machine ip mac description last_seen_at license native"),
        (Process, "id name description version version_id type variables created_at updated_at native"),
        (ProcessVersion, "id name process description file created_at native"),
        (Trigger, "id name process status cron robot group start_at end_at max_runs native"),
        (Folder, "id key name path native"),
        (
            QueueStats,
            "queue total new in_progress success failed failed_business postponed abandoned preparing "
            "cancelled retried deleted unknown",
        ),
    ],
)
def test_the_fields_of_each_type_are_the_contract(kind: type[Any], fields: str) -> None:
    assert shown([], kind, "csv").out == fields.replace(" ", ",") + "\n"
    assert shown([], kind, "tsv").out == fields.replace(" ", "\t") + "\n"


def test_queue_stats_have_a_count_for_each_status() -> None:
    stats = QueueStats(queue="Q", total=3, counts={TaskStatus.IN_PROGRESS: 2, TaskStatus.NEW: 1})
    value = json.loads(shown([stats], QueueStats, "json", single=True).out)
    assert (value["queue"], value["total"], value["in_progress"], value["deleted"]) == ("Q", 3, 2, 0)
    assert len(value) == 2 + len(TaskStatus)
    assert shown([stats], QueueStats, "name").out == "Q\n"
    assert shown([stats], QueueStats, "tsv", fields=("in_progress",), headers=False).out == "2\n"


def test_an_unknown_status_is_the_word_in_machine_formats() -> None:
    assert json.loads(shown([TWO], Task, "json", single=True).out)["status"] == "unknown"
    assert shown([TWO], Task, "tsv", fields=("status",), headers=False).out == "unknown\n"


def test_jsonl_is_an_object_a_line() -> None:
    lines = shown(TASKS, Task, "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == json.loads(shown(TASKS, Task, "json").out)
    assert lines[0].startswith('{"id": "1", "name": "INV-1", ')


def test_yaml_is_a_list_of_mappings() -> None:
    assert yaml.safe_load(shown(TASKS, Task, "yaml").out) == json.loads(shown(TASKS, Task, "json").out)
    assert shown([ONE], Task, "yaml", single=True, fields=("id", "payload", "tags", "created_at")).out == (
        'id: "1"\npayload:\n  amount: 12.5\n  lines:\n  - 1\n  - sku: a\n  none: null\n'
        'tags:\n- urgent\n- счёт\ncreated_at: "2026-01-31T18:00:00Z"\n'
    )


def test_csv_and_tsv_write_nested_values_as_json() -> None:
    fields = ("id", "name", "payload", "tags", "retries", "created_at")
    assert shown([ONE, THREE], Task, "csv", fields=fields).out == (
        "id,name,payload,tags,retries,created_at\n"
        '1,INV-1,"{""amount"": 12.5, ""lines"": [1, {""sku"": ""a""}], ""none"": null}",'
        '"[""urgent"", ""счёт""]",0,2026-01-31T18:00:00Z\n'
        "3,,,,,\n"
    )
    assert shown([ONE], Task, "tsv", fields=fields, headers=False).out == (
        '1\tINV-1\t{"amount": 12.5, "lines": [1, {"sku": "a"}], "none": null}\t["urgent", "счёт"]'
        "\t0\t2026-01-31T18:00:00Z\n"
    )


def test_name_is_what_get_takes() -> None:
    assert shown(TASKS, Task, "name").out == "1\n2\n3\n"
    entries = [LogEntry(time=datetime(2026, 1, 1, tzinfo=UTC), level=LogLevel.INFO, message="m")]
    assert shown(entries, LogEntry, "name").out == ""


@pytest.mark.parametrize(
    ("output", "empty"), [("json", "[]\n"), ("jsonl", ""), ("yaml", "[]\n"), ("name", ""), ("table", "")]
)
def test_no_rows(output: str, empty: str) -> None:
    for terminal in (False, True):
        written = shown([], Task, output, terminal=terminal)
        assert (written.out, written.rows) == (empty, 0)
        assert written.err == ("no tasks\n" if terminal and output == "table" else "")


@pytest.mark.parametrize("output", list(Format))
def test_no_object_is_nothing_at_all(output: str) -> None:
    for query in (None, "id"):
        assert shown([], Task, output, single=True, query=query).out == ""


def test_times_are_utc_in_machine_formats_whatever_zone_they_have() -> None:
    moment = datetime(2026, 1, 31, 21, tzinfo=timezone(timedelta(hours=3)))
    task = Task(id="1", status=TaskStatus.NEW, created_at=moment)
    assert json.loads(shown([task], Task, "json", single=True).out)["created_at"] == "2026-01-31T18:00:00Z"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-12.5", "-12.5"),
        ("+79161234567", "+79161234567"),
        ("-1e5", "-1e5"),
        ("--help", "'--help"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_csv_cells_are_no_formulas(text: str, cell: str) -> None:
    out = shown([Task(id="1", name=text, status=TaskStatus.NEW)], Task, "csv", fields=("name",)).out
    assert list(csv.reader(io.StringIO(out, newline="")))[1] == ([cell] if cell else [""])
    assert unguarded(cell) == text


def test_csv_header_cells_are_guarded_too() -> None:
    out = shown(TASKS, Task, "csv", query='[].{"=x": id}').out
    assert out == "'=x\n1\n2\n3\n"


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_csv_reads_back(cells: list[tuple[str, str]]) -> None:
    tasks = [Task(id=left, name=right, status=TaskStatus.NEW) for left, right in cells]
    out = shown(tasks, Task, "csv", fields=("id", "name"), headers=False).out
    read = [tuple(map(unguarded, row)) for row in csv.reader(io.StringIO(out, newline=""), strict=True)]
    assert read == cells


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(("yes", "1e3", "0x1", "=", "<<", "~", "a: b", "- x", "1:30", "2001-01-01", "a #b", "?"))
    | st.sampled_from(
        ("\x85", "\u2028", "\ufeffx", "\uffff", ".inf", "Null", "\x00", "\x7f", " a", "a ", "a,")
    ),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(("a" * 2000, "no", "a:")), inner)
    ),
)


@given(VALUES)
def test_json_text_reads_back(value: Any) -> None:
    for text in (jsontext.compact(value), jsontext.indented(value)):
        assert repr(json.loads(text)) == repr(value)
    assert "\n" not in jsontext.compact(value)
    assert jsontext.indented(value) == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@given(VALUES)
def test_yaml_text_reads_back(loader: type[yaml.SafeLoader], value: Any) -> None:
    assert yaml.load(yamltext.block(value), loader) == value
    assert yaml.load(yamltext.element(value) + yamltext.element([value]), loader) == [value, [value]]


def test_yaml_keeps_the_type_of_numbers() -> None:
    for value in (1e16, -1e-7, 0.0, 5, True):
        read = yaml.safe_load(yamltext.block(value))
        assert (read, type(read)) == (value, type(value))


def test_numbers_json_has_no_word_for_are_null() -> None:
    value = {"a": float("nan"), "b": [float("inf")]}
    assert json.loads(jsontext.compact(value)) == {"a": None, "b": [None]}
    assert yaml.safe_load(yamltext.block(value)) == {"a": None, "b": [None]}


def test_values_of_other_types_become_plain_ones() -> None:
    @dataclass(frozen=True)
    class Check:
        name: str
        seen: tuple[datetime, ...]
        detail: object

    check = Check("dns", (datetime(2026, 1, 1, tzinfo=UTC),), MappingProxyType({"x": TaskStatus.NEW, 1: {2}}))
    plain = {"name": "dns", "seen": ["2026-01-01T00:00:00Z"], "detail": {"x": "new", "1": [2]}}
    assert json.loads(shown([check], Check, "json", single=True).out) == plain
    assert json.loads(shown([check], Check, "jsonl").out) == plain
    assert yaml.safe_load(shown([check], Check, "yaml").out) == [plain]
    assert json.loads(shown([check], Check, "json", query="[0]").out) == plain


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv"])
def test_hostile_text_is_data_in_a_pipe(output: str) -> None:
    out = shown([HOSTILE_TASK], Task, output, fields=("name",)).out.encode(errors="backslashreplace").decode()
    name: str
    if output == "csv":
        name = list(csv.reader(io.StringIO(out, newline="")))[1][0].replace("\\ud800", "\ud800")
    elif output == "yaml":
        name = yaml.safe_load(out)[0]["name"].replace("\\ud800", "\ud800")
    else:
        value = json.loads(out)
        name = (value[0] if output == "json" else value)["name"]
    assert name == HOSTILE


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("output", list(Format))
@pytest.mark.parametrize("query", [None, "@", "[]", "[].name", "name", "[].[name, payload]", "[].payload"])
def test_hostile_text_never_reaches_a_terminal(output: str, query: str | None, single: bool) -> None:
    try:
        out = shown([HOSTILE_TASK], Task, output, terminal=True, query=query, single=single).out
    except UsageFault as fault:
        assert output == "name", fault
        return
    for line in out.split("\n"):
        assert safe(line.replace("\t", "")) == line.replace("\t", "")


def test_json_on_a_terminal_is_colored_and_the_same_json() -> None:
    plain = shown(TASKS, Task, "json", terminal=True).out
    colored = shown(TASKS, Task, "json", terminal=True, env={"NO_COLOR": ""}).out
    assert '\x1b[1;34m"id"\x1b[0m: \x1b[32m"1"\x1b[0m,\n' in colored
    assert '\x1b[1;34m"retries"\x1b[0m: \x1b[36m0\x1b[0m,\n' in colored
    assert '\x1b[1;34m"name"\x1b[0m: \x1b[35mnull\x1b[0m,\n' in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain == shown(TASKS, Task, "json").out


@pytest.mark.parametrize("output", ["jsonl", "yaml", "csv", "tsv", "name", "table", "wide", "json"])
def test_nothing_in_a_pipe_is_colored(output: str) -> None:
    assert "\x1b" not in shown(TASKS, Task, output, env={"NO_COLOR": "", "FORCE_COLOR": "1"}).out


class Reached(io.StringIO):
    """A stream that knows what was flushed to its reader."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "tsv", "name", "table"])
def test_the_first_row_is_out_before_the_second_is_asked_for(output: str) -> None:
    out = Reached()

    def rows() -> Iterator[Task]:
        yield ONE
        assert "1" in out.flushed
        yield TWO

    show(rows(), Task, Layout(format=Format(output)), Streams(stdin=None, stdout=out, stderr=None, env={}))


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "tsv", "name", "table"])
def test_live_rows_are_out_as_they_come(output: str) -> None:
    out = Reached()

    def rows() -> Iterator[Task]:
        for number in range(100, 110):
            yield Task(id=str(number), status=TaskStatus.NEW)
            assert str(number) in out.flushed

    streams = Streams(stdin=None, stdout=out, stderr=None, env={})
    assert show(rows(), Task, Layout(format=Format(output)), streams, live=True) == 10


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "tsv"])
def test_rows_that_break_off_leave_what_parses(output: str, before: int) -> None:
    def rows() -> Iterator[Task]:
        yield from TASKS[:before]
        raise ConnectionError

    out = io.StringIO()
    streams = Streams(stdin=None, stdout=out, stderr=None, env={})
    with pytest.raises(ConnectionError):
        show(rows(), Task, Layout(format=Format(output)), streams)
    if before:
        assert out.getvalue() == shown(TASKS[:before], Task, output).out
    else:
        assert out.getvalue() == ""


def test_nothing_follows_once_the_reader_is_gone() -> None:
    class Gone(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

    out = Gone()
    with pytest.raises(ClosedPipe):
        show(TASKS, Task, Layout(format=Format.JSON), Streams(stdin=None, stdout=out, stderr=None, env={}))
    assert out.writes == 1
