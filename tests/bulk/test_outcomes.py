"""Whatever a server does to a row: what is said of it is true, and it was created once at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.conftest import on, results, states
from tests.bulk.orchestrator import Orchestrator, rows_file


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator() as running:
        yield running


@pytest.fixture
def cli(orchctl: Any, orchestrator: Orchestrator) -> Any:
    return on(orchctl, orchestrator.env)


def load(cli: Any, folder: Path, names: list[str], *words: str) -> Any:
    return cli("task", "create", "-q", "Q", "--from", rows_file(folder, names), "-o", "jsonl", *words)


NAMES = ["a", "b", "c", "d", "e"]

# What the third row meets with: its state, the exit code, how often it is created, how often it is sent.
FATES: dict[str, tuple[list[str], str, int, int, int]] = {
    "well": ([], "ok", 0, 1, 1),
    "busy, then well": (["429", "429"], "ok", 0, 1, 3),
    "away for a moment": (["503"], "ok", 0, 1, 2),
    "busy for longer than anybody waits": (["429 long"], "not_sent", 10, 0, 1),
    "a bad request": (["400"], "rejected", 10, 0, 1),
    "refused": (["409"], "rejected", 10, 0, 1),
    "refused by its content": (["422"], "rejected", 10, 0, 1),
    "not allowed": (["403"], "rejected", 10, 0, 1),
    "reset without an effect": (["reset"], "unknown", 11, 0, 1),
    "500 without an effect": (["500"], "unknown", 11, 0, 1),
    "504 without an effect": (["504"], "unknown", 11, 0, 1),
    "reset after the effect": (["reset_done"], "ok", 0, 1, 1),
    "500 after the effect": (["500_done"], "ok", 0, 1, 1),
    "502 after the effect": (["502_done"], "ok", 0, 1, 1),
    "an answer cut off": (["cut_done"], "ok", 0, 1, 1),
    "a web page for an answer": (["html_done"], "ok", 0, 1, 1),
    "an empty answer": (["empty_done"], "ok", 0, 1, 1),
    "a web page and no effect": (["html"], "unknown", 11, 0, 1),
    "a slow one": (["late_done"], "ok", 0, 1, 1),
}


SEVERAL_AT_ONCE = ["well", "busy, then well", "reset after the effect", "500 without an effect", "refused"]


@pytest.mark.parametrize(
    ("fate", "parallel"), [*((fate, "1") for fate in FATES), *((fate, "4") for fate in SEVERAL_AT_ONCE)]
)
def test_what_is_said_of_a_row_is_true(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, fate: str, parallel: str
) -> None:
    scripted, state, code, created, sent = FATES[fate]
    orchestrator.fates["c"] = list(scripted)
    result = load(cli, tmp_path, NAMES, "--parallel", parallel)
    assert result.code == code, result.err
    assert states(result.out) == {1: "ok", 2: "ok", 3: state, 4: "ok", 5: "ok"}
    assert orchestrator.effects["c"] == created
    assert orchestrator.attempts["c"] == sent
    assert [orchestrator.effects[name] for name in "abde"] == [1, 1, 1, 1]
    for each in results(result.out):
        if each["state"] == "ok":
            assert orchestrator.tasks[each["id"]]["name"] == NAMES[each["row"] - 1]
    assert "secret-key" not in result.out + result.err


def test_a_credential_that_is_refused_ends_the_run(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    orchestrator.fates["b"] = ["401"]
    result = load(cli, tmp_path, NAMES, "--parallel", "1")
    assert result.code == 10
    assert states(result.out) == {1: "ok", 2: "not_sent"}
    assert "does not accept the credential (401): because\n" in result.err
    run = result.err.split("--resume ")[1].strip()
    again = cli("task", "create", "--resume", run, "-o", "jsonl")
    assert (again.code, states(again.out)) == (0, {2: "ok", 3: "ok", 4: "ok", 5: "ok"})
    assert set(orchestrator.effects.values()) == {1}


def test_without_a_credential_nothing_is_begun(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, journals: Any
) -> None:
    result = cli("task", "create", "-q", "Q", "--from", rows_file(tmp_path, NAMES), env={"ORCHCTL_TOKEN": ""})
    assert (result.code, result.out) == (3, "")
    assert orchestrator.attempts == {}
    assert journals() == []


@pytest.mark.parametrize("fate", ["500", "429 long", "reset"])
def test_a_server_that_does_not_work_ends_the_run(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, fate: str
) -> None:
    names = [f"n{number}" for number in range(100)]
    orchestrator.fates = {name: [fate] * 9 for name in names}
    result = load(cli, tmp_path, names, "--parallel", "4")
    assert result.code == (10 if fate == "429 long" else 11)
    assert "requests one after another did not get through\n" in result.err
    assert 20 <= len(orchestrator.attempts) < 30
    assert orchestrator.effects == {}


def test_a_server_that_cannot_be_reached_leaves_every_row_unsent(cli: Any, tmp_path: Path) -> None:
    from tests.faults import closed_port

    away = {"ORCHCTL_URL": f"http://127.0.0.1:{closed_port()}"}
    words = ("--request-timeout", "0.05", "--retry-timeout", "0.05", "-o", "jsonl")
    result = cli("task", "create", "-q", "Q", "--from", rows_file(tmp_path, ["a", "b"]), *words, env=away)
    assert result.code == 10
    assert states(result.out) == {1: "not_sent", 2: "not_sent"}
    assert "hint: to go on: orchctl task create --resume " in result.err


def test_a_row_is_on_the_disk_before_it_is_sent(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, home: Any
) -> None:
    folder = home.path / "state" / "orchctl" / "bulk"
    missing = []

    def look(name: str) -> None:
        (journal,) = folder.glob("*.jsonl")
        sent = [json.loads(line)["row"] for line in journal.read_text().splitlines()[1:] if '"sent"' in line]
        if NAMES.index(name) + 1 not in sent:
            missing.append(name)

    orchestrator.before_answer = look
    assert load(cli, tmp_path, NAMES, "--parallel", "3").code == 0
    assert missing == []


def test_a_row_without_a_name_is_found_again_by_one_that_is_made_up(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, journals: Any
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("payload.number\n1\n2\n")
    assert cli("task", "create", "-q", "Q", "--from", str(path)).code == 0
    run = journals()[0][0]["run"]
    assert sorted(orchestrator.effects) == [f"{run}-1", f"{run}-2"]


LOST = ["reset_done", "reset"]


@pytest.mark.parametrize("fate", LOST)
def test_an_older_namesake_is_not_taken_for_the_row(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, fate: str
) -> None:
    old = orchestrator.create("c", {"number": "3"}, ago=3600)
    orchestrator.fates["c"] = [fate]
    result = load(cli, tmp_path, NAMES, "--parallel", "1")
    (row,) = [each for each in results(result.out) if each["row"] == 3]
    if fate == "reset_done":
        assert row["state"] == "ok"
        assert row["id"] != old
    else:
        assert row["state"] == "unknown"


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_a_clock_that_is_off_does_no_harm(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, ahead: float
) -> None:
    orchestrator.clock_off = ahead
    # Two hours ago by the server's clock, which is now by ours, or the other way round.
    orchestrator.create("c", {"number": "3"}, ago=ahead)
    orchestrator.fates["c"] = ["reset"]
    orchestrator.fates["d"] = ["reset_done"]
    result = load(cli, tmp_path, NAMES, "--parallel", "1")
    assert states(result.out) == {1: "ok", 2: "ok", 3: "unknown", 4: "ok", 5: "ok"}


def test_rows_of_one_name_are_not_taken_for_each_other(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    orchestrator.fates["x"] = ["ok", "reset"]
    result = load(cli, tmp_path, ["a", "x", "x", "b"], "--parallel", "1")
    assert states(result.out) == {1: "ok", 2: "ok", 3: "unknown", 4: "ok"}


def test_rows_that_are_the_same_in_everything_are_not_taken_for_each_other(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    orchestrator.fates["x"] = ["ok", "reset"]
    path = tmp_path / "rows.csv"
    path.write_text("name,payload.number\na,1\nx,2\nx,2\n")
    result = cli("task", "create", "-q", "Q", "--from", str(path), "-o", "jsonl", "--parallel", "1")
    assert states(result.out) == {1: "ok", 2: "ok", 3: "unknown"}
    run = result.err.split("--resume ")[1].strip()
    again = cli("task", "create", "--resume", run, "-o", "jsonl")
    assert (again.code, states(again.out)) == (11, {3: "unknown"})


def test_another_payload_under_the_same_name_is_not_taken_for_the_row(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    def somebody_else(name: str) -> None:
        if name == "c":
            orchestrator.create("c", {"number": "other"})

    orchestrator.before_answer = somebody_else
    orchestrator.fates["c"] = ["reset"]
    result = load(cli, tmp_path, NAMES, "--parallel", "1")
    assert states(result.out)[3] == "unknown"


def test_the_first_row_is_never_guessed(cli: Any, orchestrator: Orchestrator, tmp_path: Path) -> None:
    """Without a row that is surely there, nobody knows what the server's clock says."""
    orchestrator.fates["a"] = ["reset_done"]
    result = load(cli, tmp_path, NAMES, "--parallel", "1")
    assert states(result.out)[1] == "unknown"
    run = result.err.split("--resume ")[1].strip()
    again = cli("task", "create", "--resume", run, "-o", "jsonl")
    assert (again.code, states(again.out)) == (0, {1: "ok"})
    assert set(orchestrator.effects.values()) == {1}
