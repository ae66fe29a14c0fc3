"""Waiting, on a clock that takes no time: polls that grow rarer, a limit, and the truth about each."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from orchctl.client import Client
from orchctl.errors import NetworkFault, NotAuthenticated, NotFound, Unavailable
from orchctl.model import Task, TaskStatus


class World:
    """Tasks whose statuses change as looks and time go by; an exception is raised instead."""

    def __init__(self, **scripts: list[Any]) -> None:
        self.scripts = {ident: iter(script) for ident, script in scripts.items()}
        self.last: dict[str, Any] = {}
        self.now = 0.0
        self.looks: list[tuple[float, str]] = []
        self.notes: list[str] = []
        self.client = Client.__new__(Client)
        self.client._clock = lambda: self.now
        self.client._sleep = self.sleep
        self.client._note = self.notes.append
        self.client.dialect = SimpleNamespace(http=SimpleNamespace(within=lambda _: nullcontext()))  # type: ignore[assignment]  # all of it that a wait needs
        self.client.require = lambda feature: None  # type: ignore[method-assign]  # all can be done here
        self.client.get_task = self.get_task  # type: ignore[method-assign]

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def get_task(self, ident: str) -> Task:
        self.looks.append((self.now, ident))
        self.last[ident] = next(self.scripts[ident], self.last.get(ident))
        found = self.last[ident]
        if isinstance(found, Exception):
            raise found
        return Task(id=ident, status=TaskStatus(found))

    def wait(self, *idents: str, **options: Any) -> tuple[int, list[str]]:
        waited = self.client.wait_tasks(list(idents), **options)
        code = 0 if waited.failure is None else waited.failure.exit_code
        return code, [str(task.status) for task in waited.found]


NEW, BUSY, DONE, FAILED, GONE = "new", "in-progress", "success", "failed", "cancelled"
LOST = NetworkFault("cut")


@pytest.mark.parametrize(
    ("script", "options", "code"),
    [
        ([NEW, BUSY, DONE], {}, 0),
        ([NEW, FAILED], {}, 9),
        ([NEW, GONE], {}, 9),
        (["abandoned"], {}, 9),
        (["failed-business"], {}, 9),
        (["postponed", "preparing", "unknown", DONE], {}, 0),
        ([NEW], {"timeout": 30.0}, 8),
        ([NEW], {"timeout": 0.0}, 8),
        ([DONE], {"timeout": 0.0}, 0),
        ([NEW, BUSY], {"until": TaskStatus.IN_PROGRESS}, 0),
        ([FAILED], {"until": TaskStatus.FAILED}, 0),
        ([DONE], {"until": TaskStatus.FAILED}, 9),
        ([NEW, DONE], {"until": TaskStatus.IN_PROGRESS}, 0),  # it was, between two looks
        ([NEW, NotFound("gone")], {}, 4),
        ([NEW, LOST, LOST, LOST, LOST, DONE], {}, 0),
        ([NEW, LOST, DONE], {}, 0),
        ([NEW, Unavailable("busy"), DONE], {}, 0),
    ],
)
def test_how_a_wait_ends(script: list[Any], options: dict[str, Any], code: int) -> None:
    assert World(a=script).wait("a", **options)[0] == code


def test_five_lost_polls_in_a_row_end_it() -> None:
    world = World(a=[NEW, LOST, LOST, LOST, LOST, NEW, LOST, LOST, LOST, LOST, LOST])
    with pytest.raises(NetworkFault):
        world.wait("a")
    assert len(world.looks) == 11
    assert world.notes[0] == "a: cut; the wait goes on"


def test_what_is_not_allowed_ends_it_at_once() -> None:
    with pytest.raises(NotAuthenticated):
        World(a=[NotAuthenticated("no")], b=[NEW]).wait("a", "b")


def test_polls_grow_rarer_up_to_a_limit_and_never_pass_the_timeout() -> None:
    world = World(a=[NEW])
    assert world.wait("a", timeout=60.0) == (8, [NEW])
    times = [time for time, _ in world.looks]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[0] == 0.5
    assert all(later >= earlier for earlier, later in pairwise(pauses[:-1]))
    assert max(pauses) == 10.0
    assert times[-1] == 60.0


def test_a_server_that_asks_to_be_left_alone_is_left_alone() -> None:
    asked = Unavailable("busy", wait=60.0)
    world = World(a=[asked, NEW, DONE], b=[DONE])
    assert world.wait("a", "b", timeout=100.0)[0] == 0
    assert [ident for _, ident in world.looks] == ["a", "a", "b", "a"]
    assert world.looks[1] == (60.0, "a")
    assert world.notes == ["a: busy; the wait goes on"]
    late = World(a=[asked])
    assert late.wait("a", timeout=10.0) == (8, [])
    assert late.looks == [(0.0, "a"), (10.0, "a")]


def test_several_each_have_their_end() -> None:
    world = World(a=[NEW, DONE], b=[FAILED], c=[NEW, NEW, NEW])
    code, found = world.wait("a", "b", "c", timeout=1.0)
    assert (code, found) == (9, [DONE, FAILED, NEW])
    assert [ident for _, ident in world.looks].count("b") == 1  # it is not asked about again
    assert World(a=[DONE], b=[DONE]).wait("a", "b") == (0, [DONE, DONE])
    assert World(a=[DONE], b=[NotFound("gone")]).wait("a", "b") == (4, [DONE])


def test_the_error_names_what_did_not_go_well() -> None:
    waited = World(a=[FAILED], b=[NEW], c=[FAILED]).client.wait_tasks(["a", "b", "c"], timeout=1.0)
    assert waited.failure is not None
    assert waited.failure.message == "a is failed"
    assert waited.failure.notes == ["c is failed", "b is new, and the wait is over"]
    late = World(a=[NEW], b=[NEW]).client.wait_tasks(["a", "b"], timeout=90.0).failure
    assert late is not None
    assert late.message == "after 90 s, a is new, and 1 more have not ended"
    assert late.hint == "wait on with: orchctl task wait a b"


def test_a_bell_is_a_sleep_that_may_end_early() -> None:
    world = World(a=[NEW, NEW, DONE])
    slept: list[float] = []

    def bell(seconds: float) -> None:
        slept.append(seconds)

    assert world.wait("a", timeout=5.0, sleep=bell)[0] == 0
    assert world.now == 0.0
    assert len(slept) == 2
