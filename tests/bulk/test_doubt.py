"""What is said of a row whose create nobody saw end: never that it is not there unless that is certain."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchctl.bulk import runs, settling, trace
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.runner import Done, Item, Pace, Runner
from orchctl.errors import Refused
from tests.bulk.conftest import on, states
from tests.bulk.orchestrator import Orchestrator, rows_file
from tests.bulk.test_cut_off import Process
from tests.bulk.test_journal import header
from tests.faults import Connection, message


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator() as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_SECONDS_ON_LOOPBACK", 0.0)


def run_of(err: str) -> str:
    return err.split("--resume ")[1].split(maxsplit=1)[0]


@pytest.mark.parametrize(("row", "fate"), [(1, "ok"), (2, "reset_done")], ids=["read back", "looked for"])
@pytest.mark.usefixtures("quick")
def test_a_row_that_is_there_and_still_worked_at_is_not_called_not_sent(
    orchctl: Any, home: Any, orchestrator: Orchestrator, tmp_path: Path, row: int, fate: str
) -> None:
    orchestrator.fates = {f"n{row}": [fate]}
    asked, go_on = threading.Event(), threading.Event()
    real = orchestrator._answer

    def answer(path: str, seen: Any) -> bytes:
        if path.startswith("/api/task/read/") and (fate == "ok" or path.endswith("/n2")):
            asked.set()
            go_on.wait(20)
        return real(path, seen)

    orchestrator._answer = answer  # type: ignore[method-assign]
    running = Process(home, orchestrator, tmp_path, 3)
    running.start("--parallel", "1")
    assert asked.wait(20)
    code, out, err = running.end(signal.SIGINT)
    go_on.set()
    assert code == 130
    assert states(out)[row] == "unknown"
    again = on(orchctl, orchestrator.env)("task", "create", "--resume", run_of(err), "-o", "jsonl")
    assert again.code == 0, again.err
    assert set(orchestrator.effects.values()) == {1}


class Broken:
    """A work that breaks over its second thing, once that is written."""

    batch = 1
    tells_apart = False

    def __init__(self) -> None:
        self.outbox = self
        self._written: set[int] = set()

    def anew(self) -> None:
        self._written.discard(threading.get_ident())

    def halt(self) -> frozenset[int]:
        return frozenset(self._written)

    def perform(self, things: Sequence[int]) -> list[Done]:
        self._written.add(threading.get_ident())
        if things[0] == 2:
            raise KeyError("an answer of a kind that nobody thought of")
        return [Done(str(things[0]))]

    def found(self, ident: str | None, sent_at: float) -> None:
        pass

    def find(self, thing: int, sent_at: float) -> str | None:
        return None


@pytest.mark.usefixtures("home")
def test_a_defect_after_the_write_leaves_the_row_unknown() -> None:
    journal = runs.begin(header(3))
    runner = Runner(Broken(), Tally(3), pace=Pace(parallel=1), journal=journal, each_tick=lambda: None)
    list(runner.run(Item(row, row) for row in (1, 2, 3)))
    runner.end_now()
    assert isinstance(runner.fault, KeyError)
    journal.close()
    past = runs.past_of(journal.header)
    assert [past.state(row) for row in (1, 2, 3)] == [State.OK, State.UNKNOWN, None]


class Spoilt(Broken):
    """A batch of which one thing spoils all."""

    batch = 50

    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    def perform(self, things: Sequence[int]) -> list[Done]:
        if len(things) > 1 or things[0] == 1:
            raise Refused("one of them is no good")
        self.made.append(things[0])
        return [Done(str(things[0]))]


def test_an_error_that_ends_the_run_ends_it_within_a_batch_too() -> None:
    work = Spoilt()
    runner = Runner(
        work, Tally(50), pace=Pace(parallel=1, max_errors=1), journal=None, each_tick=lambda: None
    )
    list(runner.run(Item(row, row) for row in range(1, 51)))
    assert work.made == []


def test_fewer_threads_than_asked_for_do_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real, started = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("orchctl-bulk"):
            started.append(thread)
            if len(started) > 2:
                raise RuntimeError("can't start new thread")
        real(thread)

    class Slow(Broken):
        def perform(self, things: Sequence[int]) -> list[Done]:
            time.sleep(0.02)
            return [Done("x")]

    monkeypatch.setattr(threading.Thread, "start", start)
    runner = Runner(Slow(), Tally(30), pace=Pace(parallel=8), journal=None, each_tick=lambda: None)
    assert len(list(runner.run(Item(row, row) for row in range(1, 31)))) == 30
    assert len(started) > 2  # it was busy with two, and called for more


@pytest.mark.usefixtures("quick")
def test_a_slow_start_of_the_server_proves_nothing(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only task that tells the server's clock was long on its way: its offset looks larger than it is."""
    monkeypatch.setattr(trace, "_TOLERANCE", timedelta(seconds=1))
    orchestrator.before_answer = lambda name: time.sleep(3 if name == "n1" else 0)
    orchestrator.fates = {"n2": ["reset_done"]}
    cli = on(orchctl, orchestrator.env)
    words = ["--from", rows_file(tmp_path, ["n1", "n2"]), "-o", "jsonl", "--parallel", "1"]
    first = cli("task", "create", "-q", "Q", *words)
    assert states(first.out) == {1: "ok", 2: "unknown"}
    again = cli("task", "create", "--resume", run_of(first.err), "-o", "jsonl")
    assert (again.code, states(again.out)) == (11, {2: "unknown"})
    assert set(orchestrator.effects.values()) == {1}


def test_the_time_to_wait_begins_when_the_last_request_can_have_left(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    """It waited until the server was no longer busy; its answer was lost, and it was carried out late."""
    real, creates = orchestrator._create, []

    def create(connection: Connection, form: dict[str, str]) -> None:
        creates.append(form)
        if len(creates) == 1:
            connection.send(message(429, b"{}", {"Retry-After": "3"}))
        elif len(creates) == 2:
            threading.Timer(1.0, orchestrator._make, (form,)).start()
            connection.reset()
        else:
            real(connection, form)

    orchestrator._create = create  # type: ignore[method-assign]
    cli = on(orchctl, orchestrator.env)
    words = ["--from", rows_file(tmp_path, ["n1"]), "-o", "jsonl", "--parallel", "1"]
    first = cli("task", "create", "-q", "Q", *words)
    assert states(first.out) == {1: "unknown"}
    cli("task", "create", "--resume", run_of(first.err), "-o", "jsonl")
    time.sleep(1.2)
    assert set(orchestrator.effects.values()) == {1}


@pytest.mark.usefixtures("quick")
def test_what_another_run_has_made_is_not_this_ones(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    cli = on(orchctl, orchestrator.env)
    words = ["--from", rows_file(tmp_path, ["n1", "n2"]), "-o", "jsonl", "--parallel", "1"]
    orchestrator.fates = {"n2": ["reset"]}
    first = cli("task", "create", "-q", "Q", *words)
    second = cli("task", "create", "-q", "Q", *words)
    assert second.code == 0
    again = cli("task", "create", "--resume", run_of(first.err), "-o", "jsonl")
    assert (again.code, states(again.out)) == (11, {2: "unknown"})
    assert "another run says that it has made that one" in json.loads(again.out)["error"]


@pytest.mark.parametrize("what", ["sorted", "longer", "gone"])
def test_a_file_that_is_changed_while_it_is_sent_ends_the_run(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path, what: str
) -> None:
    names = [f"n{number:05}" for number in range(1, 3001)]
    path = Path(rows_file(tmp_path, names))

    def edit(name: str) -> None:
        if name != "n00030":
            return
        if what == "gone":
            path.unlink()
            return
        head, *rows = path.read_text().splitlines()
        changed = rows[::-1] if what == "sorted" else [*rows, "x,1", "y,2"]
        path.write_text("\n".join([head, *changed]) + "\n")

    orchestrator.before_answer = edit
    result = on(orchctl, orchestrator.env)(
        "task", "create", "-q", "Q", "--from", str(path), "-o", "jsonl", "--parallel", "1"
    )
    assert result.code == 12, result.err
    assert f"{path} was changed while it was sent" in result.err or "cannot read" in result.err
    assert set(orchestrator.effects.values()) == {1}
    assert len(orchestrator.effects) < 100


def test_nobody_waits_twice_for_those_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(Broken(), Tally(1), pace=Pace(parallel=1), journal=None, each_tick=lambda: None)
    waits: list[float] = []
    monkeypatch.setattr(runner._all_ended, "wait", waits.append)
    runner.end_now()
    runner.end_now()
    assert len(waits) == 1
