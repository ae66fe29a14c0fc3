"""How far a run has come: a bar, lines, JSON, or nothing, on a clock of the test's."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from orchctl.bulk import progress
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.progress import Progress, Shape
from orchctl.streams import Streams
from tests.conftest import Terminal


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def begun(
    clock: Clock, shape: Shape, *, terminal: bool, quiet: bool = False, **env: str
) -> tuple[Any, Progress]:
    err = Terminal() if terminal else io.StringIO()
    made = Progress(
        Streams(stdin=None, stdout=io.StringIO(), stderr=err, env={"COLUMNS": "80", **env}),
        shape,
        quiet=quiet,
    )
    made.begin()
    made.tick(Tally(1000))
    return err, made


def after(clock: Clock, made: Progress, seconds: float, **counts: int) -> None:
    tally = Tally(1000)
    for state, count in counts.items():
        tally.add(State(state), count)
    clock.now += seconds
    made.tick(tally)


def test_on_a_terminal_there_is_a_bar_with_the_rate_and_the_time_left(clock: Clock) -> None:
    err, made = begun(clock, Shape.AUTO, terminal=True)
    after(clock, made, 0.1, ok=10)
    assert err.getvalue() == ""
    after(clock, made, 1.9, ok=480, rejected=20)
    shown = err.getvalue().rpartition("\x1b[2K")[2]
    assert shown == f" 50 % {'█' * 14}{' ' * 14} 500 of 1,000  250/s  2 s left  20 rejected"
    assert len(shown) < 80
    made.hide()
    assert err.getvalue().endswith("\r\x1b[2K")
    after(clock, made, 2, ok=980, rejected=20)
    assert "100 % " in err.getvalue().rpartition("\x1b[2K")[2]
    assert "left" not in err.getvalue().rpartition("\x1b[2K")[2]


def test_elsewhere_there_is_a_line_every_ten_seconds(clock: Clock) -> None:
    err, made = begun(clock, Shape.AUTO, terminal=False)
    for second in range(1, 26):
        after(clock, made, 1, ok=second * 10)
    assert err.getvalue() == "100 of 1,000, 10/s, 1 min 30 s left\n200 of 1,000, 10/s, 1 min 20 s left\n"


def test_for_machines_there_is_json(clock: Clock) -> None:
    err, made = begun(clock, Shape.JSON, terminal=False, quiet=True)
    after(clock, made, 1, ok=99, unknown=1)
    tally = Tally(1000)
    tally.add(State.OK, 1000)
    made.summary(tally, run="20260101-000000-abcd", rate=500.0)
    first, last = map(json.loads, err.getvalue().splitlines())
    assert first == {
        "event": "progress",
        "rows": 1000,
        "done": 100,
        "ok": 99,
        "rejected": 0,
        "not_sent": 0,
        "unknown": 1,
        "seconds": 1.0,
        "rate": 100.0,
        "remaining": 9.0,
    }
    assert (last["event"], last["run"], last["ok"], last["rate"]) == (
        "summary",
        "20260101-000000-abcd",
        1000,
        500.0,
    )


@pytest.mark.parametrize(
    ("shape", "terminal", "quiet", "env"),
    [
        (Shape.NONE, True, False, {}),
        (Shape.AUTO, False, True, {}),  # the one error object of -o json is all that is to be there
    ],
)
def test_nothing_is_said_where_nothing_is_wanted(
    clock: Clock, shape: Shape, terminal: bool, quiet: bool, env: dict[str, str]
) -> None:
    err, made = begun(clock, shape, terminal=terminal, quiet=quiet, **env)
    after(clock, made, 60, ok=500)
    made.hide()
    assert err.getvalue() == ""


def test_a_dumb_terminal_gets_lines(clock: Clock) -> None:
    err, made = begun(clock, Shape.AUTO, terminal=True, TERM="dumb")
    after(clock, made, 60, ok=500)
    assert err.getvalue() == "500 of 1,000, 8/s, 60 s left\n"


def test_a_narrow_terminal_is_not_overrun(clock: Clock) -> None:
    for width in (20, 40, 60, 200):
        err, made = begun(clock, Shape.BAR, terminal=True, COLUMNS=str(width))
        after(clock, made, 3, ok=400, rejected=10, not_sent=20, unknown=30)
        assert len(err.getvalue().rpartition("\x1b[2K")[2]) < width


def test_the_front_door_takes_the_shape(cli: Any, write: Any) -> None:
    rows = write("rows.csv", "name\nA\nB\n")
    result = cli("task", "create", "-q", "Q", "--from", rows, "--progress", "json")
    events = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events] == ["summary"]
    assert (events[0]["rows"], events[0]["ok"]) == (2, 2)
