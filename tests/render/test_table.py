"""Tables: aligned and cut on a terminal, whole and tab-separated into a pipe."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from orchctl.model import (
    Asset,
    Folder,
    Job,
    LogEntry,
    Process,
    ProcessVersion,
    Queue,
    QueueStats,
    Robot,
    Task,
    TaskStatus,
    Trigger,
)
from orchctl.render import Format, Layout, TimeStyle, show
from orchctl.render.columns import columns_of, computed_names, field_names, register, written_time
from orchctl.streams import Streams
from tests.render.samples import HOSTILE, NOW, ONE, TASKS, Terminal, shown

GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def test_a_terminal_shows_aligned_columns() -> None:
    assert shown(TASKS, Task, terminal=True).out == (
        "ID  NAME   STATUS       PRIORITY  CREATED AT\n"
        "1   INV-1  success      high      2026-01-31 18:00:00Z\n"
        "2   INV-2  unknown (9)  low\n"
        "3          new\n"
    )


def test_a_pipe_gets_the_same_rows_without_header() -> None:
    assert shown(TASKS, Task).out == (
        "1\tINV-1\tsuccess\thigh\t2026-01-31 18:00:00Z\n2\tINV-2\tunknown (9)\tlow\t\n3\t\tnew\t\t\n"
    )


def test_headers_can_be_left_out() -> None:
    assert shown([ONE], Task, terminal=True, headers=False, fields=("id", "name")).out == "1  INV-1\n"


def test_tabs_and_newlines_within_a_cell_do_not_break_the_row() -> None:
    task = Task(id="1", name="a\tb\nc", status=TaskStatus.NEW)
    for output in ("table", "tsv"):
        out = shown([task], Task, output, fields=("id", "name"), headers=False).out
        assert out == "1\ta\\tb\\nc\n"


def test_cells_are_cut_to_the_terminal() -> None:
    long = Task(id=GUID, name="n" * 100, status=TaskStatus.NEW, payload={"a": "b" * 50})
    env = {"COLUMNS": "70"}
    assert shown([long], Task, terminal=True, env=env, fields=("id", "name", "status")).out == (
        f"ID                                    NAME                      STATUS\n{GUID}  {'n' * 23}…  new\n"
    )


def test_identifiers_are_cut_only_when_nothing_else_is_left() -> None:
    task = Task(id=GUID, name="n" * 100, status=TaskStatus.NEW)
    env = {"COLUMNS": "50"}
    assert shown(
        [task], Task, terminal=True, env=env, fields=("id", "name", "status"), headers=False
    ).out == ("3f2504e0-4f89-11d3-9a0…  nnnnnnnnnnnnnnnnnnn…  new\n")


@pytest.mark.parametrize("columns", range(1, 120, 7))
def test_a_table_fits_any_terminal_that_has_room_for_it(columns: int) -> None:
    tasks = [
        Task(id=GUID, name="длинное имя 日本語日本語" * 5, status=TaskStatus.FAILED_BUSINESS),
        Task(id=GUID * 2, name="x", status=TaskStatus.NEW),
    ]
    fields = ("id", "name", "status", "created_at")
    lines = shown(tasks, Task, terminal=True, env={"COLUMNS": str(columns)}, fields=fields).out.splitlines()
    least = 8 * 3 + 8 + 2 * 3  # the narrowest that columns get
    assert max(map(cell_len, lines)) <= max(columns, least)
    assert len(lines) == 3


def test_wide_has_more_columns_and_whole_identifiers() -> None:
    task = Task(id=GUID, name="n" * 100, status=TaskStatus.NEW)
    header, row = shown([task], Task, "wide", terminal=True, env={"COLUMNS": "20"}).out.splitlines()
    assert header.split()[:3] == ["ID", "NAME", "QUEUE"]
    assert row.startswith(f"{GUID}  {'n' * 59}…")
    assert "n" * 100 in shown([task], Task, "wide").out


def test_wide_characters_are_aligned_by_their_cells() -> None:
    names = ("счёт", "日本語", "e\u0301te\u0301", "🙂", "abc")
    tasks = [Task(id="1", name=name, status=TaskStatus.NEW) for name in names]
    lines = shown(tasks, Task, terminal=True, fields=("name", "status")).out.splitlines()
    assert {cell_len(line[: line.rindex(" ")]) for line in lines} == {7}


def test_a_wide_character_is_not_cut_in_half() -> None:
    task = Task(id="1", name="日本語" * 20, status=TaskStatus.NEW)
    env = {"COLUMNS": "30"}
    line = shown([task], Task, terminal=True, env=env, fields=("name", "status"), headers=False).out
    assert line == "日本語日本語日本語日本語…  new\n"
    env = {"COLUMNS": "31"}
    line = shown([task], Task, terminal=True, env=env, fields=("name", "status"), headers=False).out
    assert line == "日本語日本語日本語日本語…   new\n"


def test_statuses_are_colored_where_colors_are() -> None:
    out = shown(TASKS, Task, terminal=True, env={"NO_COLOR": ""}, fields=("id", "status")).out
    assert out == (
        "\x1b[1mID  STATUS\x1b[0m\n"
        "1   \x1b[32msuccess    \x1b[0m\n"
        "2   \x1b[35munknown (9)\x1b[0m\n"
        "3   \x1b[34mnew        \x1b[0m\n"
    )


def test_one_object_on_a_terminal_is_a_field_a_line() -> None:
    task = Task(
        id="1",
        name="INV-1",
        status=TaskStatus.FAILED,
        payload={"amount": 12.5, "lines": [1]},
        output={},
        error="first\r\n  second \x1b\nthird",
        tags=("a", "b"),
        native={"Id": 1},
    )
    assert shown([task], Task, terminal=True, single=True).out == (
        "id       1\n"
        "name     INV-1\n"
        "status   failed\n"
        "payload  {\n"
        '           "amount": 12.5,\n'
        '           "lines": [\n'
        "             1\n"
        "           ]\n"
        "         }\n"
        "output   {}\n"
        "error    first\n"
        "           second \\x1b\n"
        "         third\n"
        "tags     a, b\n"
    )
    assert shown([task], Task, terminal=True, single=True, fields=("native", "robot")).out == (
        'native  {\n          "Id": 1\n        }\nrobot\n'
    )
    assert shown([task], Task, terminal=True, single=True, fields=("name",), headers=False).out == "INV-1\n"


def test_one_object_in_a_pipe_is_the_same_lines() -> None:
    task = Task(id="1", status=TaskStatus.NEW, payload={"a": [1, {}]}, error="x\ny")
    assert shown([task], Task, single=True).out == (
        'id\t1\nstatus\tnew\npayload\t{"a": [1, {}]}\nerror\tx\\ny\n'
    )
    assert shown([task], Task, single=True, fields=("status",), headers=False).out == "new\n"


def test_one_object_is_colored_where_colors_are() -> None:
    out = shown([ONE], Task, terminal=True, env={"NO_COLOR": ""}, single=True, fields=("status", "tags")).out
    assert out == "\x1b[1mstatus  \x1b[0m\x1b[32msuccess\x1b[0m\n\x1b[1mtags    \x1b[0murgent, счёт\n"


@pytest.mark.parametrize(
    "kind",
    [Task, Queue, QueueStats, Job, Asset, LogEntry, Robot, Process, ProcessVersion, Trigger, Folder],
)
def test_the_columns_of_each_type_are_fields_of_it_without_native(kind: type) -> None:
    columns = columns_of(kind)
    for names in (columns.table, columns.wide):
        assert set(names) <= {*field_names(kind), *computed_names(kind)} - {"native"}
        assert len(set(names)) == len(names)
    assert set(columns.table) <= set(columns.wide)
    assert shown([], kind, terminal=True).err == f"no {columns.plural}\n"


def test_native_is_a_column_when_it_is_asked_for() -> None:
    assert shown([ONE], Task, fields=("id", "native", "native.Guid")).out == '1\t{"Guid": "1"}\t1\n'


def test_any_dataclass_can_be_shown_and_may_name_its_columns() -> None:
    @dataclass(frozen=True)
    class Check:
        name: str
        status: str
        took: float
        fine: bool
        native: object = None

    checks = [Check("dns", "ok", 0.5, True), Check("tls", "fail", 2, False)]
    assert shown(checks, Check, terminal=True).out == (
        "NAME  STATUS  TOOK  FINE\ndns   ok      0.5   true\ntls   fail    2     false\n"
    )
    assert shown([], Check, terminal=True).err == "no results\n"
    register(Check, table=("name",), wide=("name", "took"), plural="checks")
    assert shown(checks, Check).out == "dns\ntls\n"
    assert shown(checks, Check, "wide").out == "dns\t0.5\ntls\t2\n"
    assert shown(checks, Check, "name").out == "dns\ntls\n"
    assert shown([], Check, terminal=True).err == "no checks\n"


def test_later_rows_widen_columns_and_are_all_there() -> None:
    tasks = [Task(id=str(10**number), status=TaskStatus.NEW) for number in range(60)]
    out = shown(tasks, Task, terminal=True, env={"COLUMNS": "200"}, fields=("id", "status")).out
    assert [line.split() for line in out.splitlines()] == [
        ["ID", "STATUS"],
        *([task.id, "new"] for task in tasks),
    ]
    starts = [line.rindex(" ") for line in out.splitlines()]
    assert starts == sorted(starts)


class Counting(Terminal):
    """A terminal that knows how many lines it shows."""

    @property
    def lines(self) -> int:
        return self.getvalue().count("\n")


def test_the_first_screen_is_shown_before_all_rows_are_there() -> None:
    out = Counting()

    def rows() -> Iterator[Task]:
        for number in range(3000):
            yield Task(id=str(number), status=TaskStatus.NEW)
            if number == 50:
                assert out.lines == 51

    streams = Streams(stdin=None, stdout=out, stderr=None, env={})
    assert show(rows(), Task, Layout(), streams) == 3000
    assert out.lines == 3001


def test_rows_that_come_slowly_are_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    out, clock = Counting(), iter(range(1000))
    monkeypatch.setattr("orchctl.render.table.monotonic", lambda: next(clock))

    def rows() -> Iterator[Task]:
        for number in range(4):
            yield Task(id=str(number), status=TaskStatus.NEW)
            assert out.lines == number + 2

    show(rows(), Task, Layout(), Streams(stdin=None, stdout=out, stderr=None, env={}))


def test_live_rows_are_shown_one_by_one() -> None:
    out = Counting()

    def rows() -> Iterator[Task]:
        for number in range(4):
            yield Task(id=str(number), status=TaskStatus.NEW)
            assert out.lines == number + 2

    show(rows(), Task, Layout(), Streams(stdin=None, stdout=out, stderr=None, env={}), live=True)


def test_rows_that_break_off_are_shown_as_far_as_they_came() -> None:
    def rows() -> Iterator[Task]:
        yield ONE
        raise ConnectionError

    out = Terminal()
    with pytest.raises(ConnectionError):
        show(rows(), Task, Layout(fields=("id",)), Streams(stdin=None, stdout=out, stderr=None, env={}))
    assert out.getvalue() == "\x1b[1mID\x1b[0m\n1\n"


def test_hostile_text_in_a_table_is_shown_escaped() -> None:
    task = Task(id="1", name=HOSTILE, status=TaskStatus.NEW)
    shown_name = '\\x1b[31m"red"\\x9b0m \\u202e\\u200b\\x7f\\t\\r\\nend \\ud800 [bold]x[/] =cmd'
    for output in ("table", "tsv"):
        assert shown([task], Task, output, fields=("name",), headers=False).out == shown_name + "\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s ago"),
        (-59, "59s ago"),
        (-60, "1m ago"),
        (-3599, "59m ago"),
        (-3600, "1h ago"),
        (-47 * 3600, "47h ago"),
        (-48 * 3600, "2d ago"),
        (1, "in 1s"),
        (90, "in 1m"),
        (86400 * 30, "in 30d"),
    ],
)
def test_relative_times(seconds: int, words: str) -> None:
    assert written_time(NOW + timedelta(seconds=seconds), TimeStyle.RELATIVE, NOW) == words


def test_times_in_tables_follow_the_style() -> None:
    assert shown([ONE], Task, fields=("created_at",)).out == "2026-01-31 18:00:00Z\n"
    assert shown([ONE], Task, fields=("created_at",), time=TimeStyle.RELATIVE).out == "6h ago\n"


def test_local_time_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Novosibirsk")
    time.tzset()
    try:
        assert shown([ONE], Task, fields=("created_at",), time=TimeStyle.LOCAL).out == "2026-02-01 01:00:00\n"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
@pytest.mark.parametrize("style", list(TimeStyle))
def test_no_time_is_too_far_away_to_be_shown(moment: datetime, style: TimeStyle) -> None:
    assert written_time(moment.replace(tzinfo=UTC), style, NOW)


@pytest.mark.parametrize("output", list(Format))
def test_what_a_format_loads(output: Format) -> None:
    code = (
        "import sys, orchctl.render\n"
        "light = set(sys.modules) & {'rich', 'yaml', 'jmespath', 'csv', 'json', 'orchctl.render.writing'}\n"
        "assert not light, light\n"
        "from orchctl.model import Queue\n"
        "from orchctl.render import Format, Layout, show\n"
        "from orchctl.streams import Streams\n"
        f"layout = Layout(format=Format({str(output)!r}))\n"
        "show([Queue(id='1', name='q')], Queue, layout, Streams.system())\n"
        "heavy = set(sys.modules) & {'rich', 'yaml', 'jmespath', 'requests', 'difflib'}\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_a_stream_of_rows_is_not_gathered() -> None:
    """A row that is written is let go of, in every format that streams."""
    import weakref

    class Row:
        pass

    @dataclass(frozen=True)
    class Kept:
        id: str
        alive: object

    for output in ("json", "jsonl", "yaml", "csv", "tsv", "name", "table"):
        seen: list[weakref.ref[Row]] = []

        def rows(seen: list[weakref.ref[Row]] = seen) -> Iterator[Kept]:
            for number in range(5):
                row = Row()
                seen.append(weakref.ref(row))
                yield Kept(str(number), row)
                del row
                assert sum(ref() is not None for ref in seen[:-1]) <= 1

        streams = Streams(stdin=None, stdout=io.StringIO(), stderr=None, env={})
        assert show(rows(), Kept, Layout(format=Format(output)), streams) == 5
