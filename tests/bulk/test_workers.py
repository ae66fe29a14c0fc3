"""How many workers a run has: as many as were asked for, unless the interpreter is busy with fewer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from orchctl.bulk.outcome import Tally
from orchctl.bulk.runner import Done, Item, Pace, Runner, _next_lease
from tests.bulk.nowhere import Nowhere


class Far:
    """A server that takes its time; counts how many are there at once."""

    batch = 1
    tells_apart = False

    def __init__(self, seconds: float) -> None:
        self.outbox = Nowhere()
        self.most = 0
        self._here = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def perform(self, things: Sequence[int]) -> list[Done]:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        time.sleep(self._seconds)
        with self._lock:
            self._here -= 1
        return [Done(str(thing)) for thing in things]

    def found(self, ident: str | None, sent_at: float) -> None:
        pass

    def find(self, thing: int, sent_at: float) -> str | None:
        return None


def run(work: Far, rows: int, *, parallel: int = 8) -> list[int]:
    runner = Runner(work, Tally(rows), pace=Pace(parallel=parallel), journal=None, each_tick=lambda: None)
    return sorted(result.row for result in runner.run(Item(row, row) for row in range(1, rows + 1)))


def busy_for(shares: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look of the runner finds the processor used for that part of the tick; for the last one from then on."""
    ticks = iter(shares)
    used = 0.0
    looks = 0

    def process_time() -> float:
        nonlocal used, looks
        looks += 1
        if looks % 2 == 0:  # the end of a tick of 50 ms
            used += 0.05 * next(ticks, shares[-1])
        return used

    monkeypatch.setattr("orchctl.bulk.runner.time.process_time", process_time)


def test_where_the_processor_waits_all_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    busy_for([0.05], monkeypatch)
    work = Far(0.03)
    assert run(work, 100) == [*range(1, 101)]
    assert work.most == 8


def test_where_it_is_busy_with_two_nobody_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    busy_for([1.0], monkeypatch)
    work = Far(0.01)
    assert run(work, 50) == [*range(1, 51)]
    assert work.most == 2


def test_one_idle_moment_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may have been busy with something else."""
    busy_for([0.0, 1.0], monkeypatch)
    work = Far(0.01)
    assert run(work, 50) == [*range(1, 51)]
    assert work.most == 2


def test_where_some_time_is_left_they_double(monkeypatch: pytest.MonkeyPatch) -> None:
    busy_for([0.5, 0.5, 0.5, 0.5, 0.5, 1.0], monkeypatch)
    work = Far(0.01)
    assert run(work, 100) == [*range(1, 101)]
    assert work.most == 4


@pytest.mark.parametrize("given", [0, 1, 3])
def test_a_system_that_gives_no_more_threads(given: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started = 0

    def start_some(thread: threading.Thread) -> None:
        nonlocal started
        if started == given:
            raise RuntimeError("can't start new thread")
        started += 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    work = Far(0.03)
    if not given:
        with pytest.raises(RuntimeError):
            run(work, 60)
    else:
        assert run(work, 60) == [*range(1, 61)]
        assert work.most == given


@pytest.mark.parametrize(
    ("lease", "waited", "sending", "expected"),
    [
        (1, 0.001, 0.002, 2),  # the disk takes its share of the time
        (4, 0.001, 0.004, 8),
        (16, 0.1, 0.01, 16),  # but what is written down and not sent is in doubt after a kill
        (8, 0.0001, 0.02, 7),  # the disk is quick
        (8, 0.002, 0.02, 8),
        (1, 0.0, 0.002, 1),
        (16, 0.001, 0.5, 1),  # a slow server: nothing is won by more
        (16, 0.1, 0.5, 2),
    ],
)
def test_how_many_rows_are_written_down_at_once(
    lease: int, waited: float, sending: float, expected: int
) -> None:
    assert _next_lease(lease, waited, sending) == expected
