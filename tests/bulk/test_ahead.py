"""Where the server is far, a worker writes its next rows down while the present ones are on their way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from orchctl.bulk import runs
from orchctl.bulk.journal import Journal
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.runner import Done, Item, Pace, Runner
from tests.bulk.nowhere import Nowhere
from tests.bulk.test_journal import header

ROWS = 60


class Far:
    """Takes 10 ms a row; ``each`` is called with it meanwhile."""

    batch = 1
    tells_apart = True

    def __init__(self, each: Callable[[int], None]) -> None:
        self.outbox = Nowhere()
        self.performed: list[int] = []
        self._each = each

    def perform(self, things: Sequence[int]) -> list[Done]:
        (row,) = things
        self.performed.append(row)
        time.sleep(0.01)
        self._each(row)
        return [Done(str(row))]

    def found(self, ident: str | None, sent_at: float) -> None:
        pass

    def find(self, thing: int, sent_at: float) -> str | None:
        return None


@pytest.fixture
def journal(home: Any) -> Journal:
    return runs.begin(header(ROWS))


def make(work: Far, journal: Journal | None, **pace: Any) -> Runner[int]:
    return Runner(work, Tally(ROWS), pace=Pace(**pace), journal=journal, each_tick=lambda: None)


def items() -> Any:
    return (Item(row, row) for row in range(1, ROWS + 1))


def states(journal: Journal) -> dict[int, list[str]]:
    """What is on the disk, by row."""
    found: dict[int, list[str]] = {}
    for line in journal.path.read_text().splitlines()[1:]:
        entry = json.loads(line)
        found.setdefault(entry["row"], []).append(entry["state"])
    return found


@pytest.mark.parametrize("parallel", [1, 8])
def test_no_row_goes_out_that_is_not_on_the_disk(
    journal: Journal, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchctl.bulk.runner._next_lease", lambda *_: 1)
    missing: list[int] = []
    ahead = 0

    def look(row: int) -> None:
        nonlocal ahead
        known = states(journal)
        if row not in known:
            missing.append(row)
        ahead += len(known) > len(work.performed)

    work = Far(look)
    runner = make(work, journal, parallel=parallel)
    assert sorted(result.row for result in runner.run(items())) == [*range(1, ROWS + 1)]
    journal.close()
    assert missing == []
    assert ahead > 0
    assert states(journal) == {row: ["sent", "ok"] for row in range(1, ROWS + 1)}


def test_what_was_written_down_when_it_stops_is_no_doubt(journal: Journal) -> None:
    def stop(row: int) -> None:
        if row == 20:
            runner.stop("enough")

    work = Far(stop)
    runner = make(work, journal, parallel=4)
    done = {result.row for result in runner.run(items()) if result.state is State.OK}
    journal.close()
    assert done == set(work.performed)
    known = states(journal)
    assert {row for row, (*_, last) in known.items() if last == "ok"} == done
    assert {tuple(known[row]) for row in known.keys() - done} <= {("sent", "not_sent")}
    assert len(known) > len(done)
    past = runs.past_of(runs.read_header(journal.run))
    assert past.doubtful == {}


def test_a_run_that_is_ended_leaves_none_of_them_out(journal: Journal) -> None:
    def end(row: int) -> None:
        if row == 20:
            runner.interrupted = lambda: None

    work = Far(end)
    runner = make(work, journal, parallel=4)
    told = [result for result in runner.run(items()) if result.state is State.OK]
    journal.close()
    known = states(journal)
    assert {row for row, lines in known.items() if len(lines) != 2} == set()
    assert {result.row for result in told} == {row for row, (_, last) in known.items() if last == "ok"}


def test_in_order_nobody_waits_for_a_row_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchctl.bulk.runner._WINDOW", 2)
    runner = make(Far(lambda _: None), None, parallel=4, ordered=True)
    told: list[int] = []
    running = threading.Thread(
        target=lambda: told.extend(result.row for result in runner.run(items())), daemon=True
    )
    running.start()
    running.join(30)
    assert told == [*range(1, ROWS + 1)]


def test_nobody_goes_ahead_of_a_reader_that_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchctl.bulk.runner._MOST_UNSEEN", 20)
    work = Far(lambda _: None)
    runner = Runner(work, Tally(600), pace=Pace(parallel=4), journal=None, each_tick=lambda: None)
    results = runner.run(Item(row, row) for row in range(1, 601))
    next(results)
    time.sleep(1.0)
    assert len(work.performed) < 60
    assert len(list(results)) == 599


def test_nothing_is_said_of_rows_taken_when_the_run_ended(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make(Far(lambda _: None), journal)
    runner._items = items()
    take = runner._take

    def take_too_late(lease: int) -> Any:
        taken = take(lease)
        runner.stop(None)
        return taken

    monkeypatch.setattr(runner, "_take", take_too_late)
    assert runner._next_lot(3) is None
    assert runner._active == {}
    journal.close()
    assert states(journal) == {}
