"""How long it takes until something in doubt can be looked for, on a clock of the test's."""

from __future__ import annotations

from typing import Any

import pytest

from orchctl.bulk import settling
from orchctl.bulk.journal import Past
from orchctl.bulk.nouns import Entry
from orchctl.bulk.runner import Item
from orchctl.bulk.trace import Verdict
from orchctl.errors import NetworkFault
from orchctl.model import NewTask


class World:
    """The time, and a tracer that finds nothing but is sure of it."""

    def __init__(self, *, touch: float = 0.0, fault: bool = False) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []
        self.told: list[str] = []
        self.absent: list[Any] = []
        self._touch = touch
        self._fault = fault

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def touch(self, queue: str) -> None:
        self.now += self._touch
        if self._fault:
            raise NetworkFault("nobody is there")

    def sweep(self, lost: dict[int, Any], queue: str, *, until: float) -> dict[int, Verdict]:
        return {row: Verdict(absent=True) for row in lost}

    def settle(
        self, monkeypatch: pytest.MonkeyPatch, *, ago: float, loopback: bool, change: bool = False
    ) -> list[Any]:
        monkeypatch.setattr(settling, "time", self)
        entry: Entry[Any] = (
            Entry(ident="5", change=object()) if change else Entry(new=NewTask(queue="Q", name="A"))
        )
        return list(
            settling.settle(
                {1: Item(1, entry)},
                Past(bytearray(2), doubtful={1: self.now - ago - 5}, alive_until=self.now - ago),
                self,  # type: ignore[arg-type]  # all of a tracer that is used
                "Q",
                claimed=lambda idents: set(),
                loopback=loopback,
                tell=self.told.append,
                absent=self.absent,
            )
        )


@pytest.mark.parametrize(
    ("ago", "loopback", "wait"),
    [
        (0.0, True, 2.0),
        (1.5, True, 0.5),
        (10.0, True, None),
        (0.0, False, 60.0),
        (50.0, False, 10.0),
        (3600.0, False, None),
    ],
)
def test_nothing_is_called_absent_before_it_can_be_known(
    monkeypatch: pytest.MonkeyPatch, ago: float, loopback: bool, wait: float | None
) -> None:
    world = World()
    assert world.settle(monkeypatch, ago=ago, loopback=loopback) == []
    assert world.slept == ([] if wait is None else [wait])
    assert [item.row for item in world.absent] == [1]
    if wait is not None and not loopback:
        assert world.told == [
            f"waiting {wait:.0f} s: until then the server may still carry out what is in doubt"
        ]


def test_a_server_that_was_asleep_gets_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may find now, in its own queue, what it was sent an hour ago."""
    world = World(touch=5.0)
    world.settle(monkeypatch, ago=3600, loopback=True)
    assert world.slept == [2.0]


def test_a_clock_that_was_set_back_does_not_hold_anybody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.settle(monkeypatch, ago=-86400, loopback=False)
    assert world.slept == [60.0]


def test_what_cannot_be_looked_up_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(fault=True)
    (result,) = world.settle(monkeypatch, ago=10, loopback=True)
    assert (result.row, result.state, result.error) == (
        1,
        "unknown",
        "it could not be looked up: nobody is there",
    )
    assert world.absent == []


def test_a_change_is_simply_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert world.settle(monkeypatch, ago=0, loopback=False, change=True) == []
    assert (world.slept, [item.row for item in world.absent]) == ([], [1])
