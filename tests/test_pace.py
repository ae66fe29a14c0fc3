"""Requests a minute: counted for all runs on a machine, waited for with a word, and never in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchctl.config import Context
from orchctl.dialects.uipath import Uipath
from orchctl.errors import Unavailable
from orchctl.pace import Pace
from orchctl.transport import Call, Effect, Transport
from tests.faults import FaultServer, reply


class Time:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace(path: Path, time: Time, said: list[str], limit: int = 3) -> Pace:
    budgets = {"Jobs": limit, "QueueItems": limit}
    return Pace(path, budgets, notify=said.append, clock=time.clock, sleep=time.sleep)


def test_nobody_waits_while_there_is_room(tmp_path: Path) -> None:
    time, said = Time(), list[str]()
    one = pace(tmp_path / "p.json", time, said)
    assert [one("Jobs") for _ in range(3)] == [0, 0, 0]
    assert one("QueueItems") == 0
    assert one("anything else") == 0
    assert (said, time.slept) == ([], [])


def test_two_runs_share_a_budget(tmp_path: Path) -> None:
    time, said = Time(), list[str]()
    one, other = (pace(tmp_path / "p.json", time, said) for _ in range(2))
    one("Jobs")
    time.now += 10
    other("Jobs")
    one("Jobs")
    time.now += 5
    assert other("Jobs") == pytest.approx(45)
    assert said == ["the server allows 3 requests a minute for Jobs: waiting 45 s"]
    # The next one is free when the second and third of the first minute are over.
    assert one("Jobs") == pytest.approx(10)
    assert one("Jobs") == 0


def test_a_minute_never_sees_more_than_its_budget(tmp_path: Path) -> None:
    time, sent = Time(), list[float]()
    runs = [pace(tmp_path / "p.json", time, [], limit=5) for _ in range(3)]
    for number in range(60):
        runs[number % 3]("Jobs")
        sent.append(time.now)
        time.now += 0.7
    for at in sent:
        assert sum(at <= other < at + 60 for other in sent) <= 5


def test_a_state_folder_that_cannot_be_used_holds_nobody_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    time = Time()
    one = pace(tmp_path / "file" / "p.json", time, [])
    assert [one("Jobs") for _ in range(9)] == [0] * 9


@pytest.mark.parametrize("content", ["", "{", "[]", '{"Jobs": 1}', '{"Jobs": ["x", 1e12, -5]}'])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.json").write_text(content)
    time = Time()
    assert [pace(tmp_path / "p.json", time, [])("Jobs") for _ in range(3)] == [0, 0, 0]


def test_only_metered_calls_wait_and_the_time_is_not_counted_against_them() -> None:
    waits = list[str]()

    def slow(meter: str, _: float) -> float:
        waits.append(meter)
        return 500.0

    with FaultServer() as server:
        server.plan(reply(200, b'{"value": []}'))
        transport = Transport(base_url=server.url, authorize=lambda _: {}, notify=lambda _: None, pace=slow)
        transport.send(Call(method="GET", path="/a", effect=Effect.READ))
        transport.send(Call(method="GET", path="/b", effect=Effect.READ, meter="Jobs"))
        transport.close()
    assert waits == ["Jobs"]


def test_who_has_less_time_than_the_wait_is_told_at_once(tmp_path: Path) -> None:
    time, said = Time(), list[str]()
    one = pace(tmp_path / "p.json", time, said, limit=1)
    one("Jobs")
    with pytest.raises(Unavailable) as caught:
        one("Jobs", 59.0)
    assert (caught.value.wait, time.slept, said) == (60.0, [], [])
    assert one("Jobs", 61.0) == pytest.approx(60)


def test_a_wait_ends_when_it_was_to_end_however_much_was_asked_before(
    orchctl: Any, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's wait of 1 s, where the budget of the next minute is used up."""
    monkeypatch.setattr("orchctl.pace.Pace._ask", lambda *_: 30.0)
    job = "8066c309-cef8-4b47-9163-b273fc14cc43"
    env = {
        "ORCHCTL_URL": "https://rpa.example.com",  # on this machine nothing is rationed; nothing is sent
        "ORCHCTL_DIALECT": "uipath",
        "ORCHCTL_TOKEN": "t",
        "ORCHCTL_FOLDER": "1",
    }
    run = orchctl("job", "wait", job, "--timeout", "1s", env=env)
    assert run.code == 8
    assert "the next one may go out in 30 s" in run.err


@pytest.mark.parametrize(
    ("call", "meter"),
    [
        (lambda dialect: dialect.get_task("1"), None),
        (lambda dialect: dialect.get_job("1"), None),
        (lambda dialect: dialect.get_job("8066c309-cef8-4b47-9163-b273fc14cc43"), "Jobs"),
        (
            lambda dialect: list(dialect._page("/odata/QueueItems", dict, None, meter="QueueItems").items),
            "QueueItems",
        ),
    ],
)
def test_what_uipath_rations(call: Any, meter: str | None) -> None:
    """Lists of jobs and queue items, a hundred a minute."""
    metered = list[str]()

    def count(name: str, _: float) -> float:
        metered.append(name)
        return 0.0

    assert Uipath.budgets == {"Jobs": 100, "QueueItems": 100}
    with FaultServer() as server:
        server.plan(reply(200, b'{"Id": 1, "value": [{"Id": 1, "Key": "k"}]}'))
        transport = Transport(base_url=server.url, authorize=lambda _: {}, notify=lambda _: None, pace=count)
        call(Uipath(transport, Context(name="c", dialect="uipath", url=server.url)))
        transport.close()
    assert metered == ([] if meter is None else [meter])


def test_nothing_on_this_machine_is_rationed(orchctl: Any, home: Any) -> None:
    env = {
        "ORCHCTL_URL": f"sandbox:{home.path / 'x.db'}",
        "ORCHCTL_DIALECT": "uipath",
        "ORCHCTL_FOLDER": "Shared",
    }
    assert orchctl("job", "list", env=env).code == 0
    assert not (home.path / "state" / "orchctl" / "pace").exists()
