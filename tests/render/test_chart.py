"""Bars in the terminal, by whole command lines and by themselves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchctl.model import Task, TaskStatus
from orchctl.render.chart import Gathered, chart, charts
from orchctl.streams import Streams

BEGINNING = datetime(2026, 1, 31, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def streams(width: int = 40, **env: str) -> Streams:
    return Streams(
        stdin=None, stdout=Terminal(), stderr=None, env={"COLUMNS": str(width), "NO_COLOR": "1", **env}
    )


def tasks(*minutes: float, status: TaskStatus = TaskStatus.NEW) -> list[Task]:
    return [Task(id=str(n), status=status, created_at=BEGINNING + timedelta(minutes=n)) for n in minutes]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    import time

    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_the_ends_of_the_calendar_have_their_bars(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    if hasattr(time, "tzset"):
        time.tzset()
    ends = [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
    for moments in ([ends[0]] * 2, [ends[1]] * 2, [ends[1], ends[1] + timedelta(days=90)], ends):
        many = [Task(id="1", status=TaskStatus.NEW, created_at=moment) for moment in moments]
        gathered = Gathered().add(many)
        lines = list(chart("Q", gathered.counts, gathered.over_time(), streams()))
        assert "created, by" in lines[3]


def test_bars_by_status_and_over_time() -> None:
    gathered = Gathered().add(tasks(0, 1, 1.5, 4)).add(tasks(2, status=TaskStatus.FAILED))
    lines = list(chart("Invoices\x1b[2J", gathered.counts, gathered.over_time(), streams()))
    assert lines == [
        "Invoices\\x1b[2J  5 tasks",
        "new     4  ████████████████████████████",
        "failed  1  ███████",
        "",
        "created, by minute",
        "00:00  1  ██████████████▌",
        "00:01  2  █████████████████████████████",
        "00:02  1  ██████████████▌",
        "00:03  0",
        "00:04  1  ██████████████▌",
    ]
    assert max(map(len, lines)) <= 40


def test_one_task_and_none() -> None:
    one = Gathered().add(tasks(0))
    lines = list(chart("Q", one.counts, one.over_time(), streams()))
    assert (lines[0], len(lines)) == ("Q  1 task", 2)
    none = Gathered()
    assert list(chart("Q", none.counts, none.over_time(), streams())) == ["Q  0 tasks"]


def test_few_beside_many_are_seen() -> None:
    gathered = Gathered().add(tasks(*range(10_000))).add(tasks(0, status=TaskStatus.FAILED))
    assert list(chart("Q", gathered.counts, None, streams()))[2].endswith("▏")


@pytest.mark.parametrize(
    ("span", "unit", "parts"),
    [
        (timedelta(minutes=30), "minute", 31),
        (timedelta(hours=5), "10 minutes", 31),
        (timedelta(hours=30), "hour", 31),
        (timedelta(days=7), "6 hours", 29),
        (timedelta(days=30), "day", 31),
        (timedelta(days=200), "week", 29),
        (timedelta(days=5000), "30 days", 31),
    ],
)
def test_the_parts_of_time_fit_the_screen(span: timedelta, unit: str, parts: int) -> None:
    found = Gathered().add(tasks(0, span.total_seconds() / 60)).over_time()
    assert found is not None
    assert (found.unit, len(found.parts)) == (unit, parts)
    assert found.parts[-1][1] >= 1


def test_queues_share_one_scale_and_thousands_are_told_apart(
    orchctl: Any, sandbox: Mapping[str, str]
) -> None:
    for name, count in (("Few", 2), ("Many", 8)):
        orchctl("queue", "create", "--name", name, env=sandbox)
        for number in range(count):
            orchctl("task", "create", "-q", name, "--name", f"{name} {number}", env=sandbox)
    orchctl("task", "finish", "Few 0", "--status", "success", env=sandbox)
    assert orchctl("queue", "stats", "--chart", env=sandbox, width=40).out.splitlines() == [
        "Few  2 tasks",
        "new      1  ███▍",
        "success  1  ███▍",
        "",
        "Many  8 tasks",
        f"new      8  {'█' * 27}",
    ]
    lines = list(charts([("A", {"new": 20_000}), ("B", {"new": 3})], streams()))
    assert lines == ["A  20,000 tasks", f"new  20,000  {'█' * 26}", "", "B  3 tasks", "new       3  ▏"]


def test_colours_are_those_of_tables() -> None:
    gathered = Gathered().add(tasks(0, status=TaskStatus.FAILED))
    colored = streams(NO_COLOR="", TERM="xterm")
    assert list(chart("Q", gathered.counts, None, colored)) == [
        "\x1b[1mQ  1 task\x1b[0m",
        f"failed  1  \x1b[31m{'█' * 28}\x1b[0m",
    ]


def test_the_commands(orchctl: Any, sandbox: Mapping[str, str]) -> None:
    def cli(*argv: str) -> Any:
        return orchctl(*argv, env=sandbox)

    cli("queue", "create", "--name", "Q")
    for name in ("a", "b", "c"):
        cli("task", "create", "-q", "Q", "--name", name)
    cli("task", "finish", "a", "--status", "success")
    bars = cli("task", "list", "-q", "Q", "--chart")
    assert (bars.code, bars.err) == (0, "")
    head = bars.out.splitlines()[:3]
    assert head[0] == "Q  3 tasks"
    assert [line.split()[:2] for line in head[1:]] == [["new", "2"], ["success", "1"]]
    some = cli("task", "list", "-q", "Q", "--chart", "--status", "success").out.splitlines()
    assert [some[0], *some[1].split()[:2]] == ["Q  1 task", "success", "1"]
    assert cli("queue", "stats", "Q", "--chart").out == bars.out
    assert cli("queue", "stats", "--chart").out.splitlines() == head
    for options in (["--fields", "id"], ["-o", "json"], ["--watch"]):
        assert cli("task", "list", "-q", "Q", "--chart", *options).code == 2
    assert cli("queue", "stats", "--chart", "-o", "csv").code == 2
