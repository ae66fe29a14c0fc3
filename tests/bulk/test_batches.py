"""UiPath takes many items in one call: what it says of each becomes the row's own truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bulk.conftest import on, results, states, tasks
from tests.faults import FaultServer

UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.fixture
def cli(orchctl: Any, home: Any) -> Any:
    place = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "uipath"}
    run = on(orchctl, {**place, "ORCHCTL_FOLDER": "Shared"})
    assert run("queue", "create", "--name", "Q", "--unique-tasks").code == 0
    return run


def test_what_is_refused_is_told_of_its_own_row(cli: Any, write: Any) -> None:
    assert cli("task", "create", "-q", "Q", "--name", "R-700").code == 0
    rows = "name,payload.number\n" + "".join(f"R-{number},{number}\n" for number in range(1, 1201))
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", rows), "-o", "jsonl")
    assert result.code == 10
    said = states(result.out)
    assert [row for row, state in said.items() if state != "ok"] == [700]
    (refused,) = [each for each in results(result.out) if each["state"] == "rejected"]
    assert refused["error"]
    found = tasks(cli, "name,payload")
    assert len(found) == 1200
    assert {each["name"] for each in found} == {f"R-{number}" for number in range(1, 1201)}


def test_a_row_that_spoils_the_call_is_refused_alone(cli: Any, write: Any) -> None:
    rows = "name\nA\nB\n"
    assert cli("task", "create", "-q", "Q", "--from", write("rows.csv", rows)).code == 0
    again = cli("task", "create", "-q", "Q", "--from", write("again.csv", rows + "C\n"), "-o", "jsonl")
    assert (again.code, states(again.out)) == (10, {1: "rejected", 2: "rejected", 3: "ok"})


def test_a_field_that_uipath_lacks_is_refused_before_anything_is_sent(cli: Any, write: Any) -> None:
    path = write("rows.csv", "name,tags\nA,\nB,urgent\n")
    result = cli("task", "create", "-q", "Q", "--from", path)
    assert (result.code, result.out) == (2, "")
    assert (
        f"note: {path}: row 2: UiPath Orchestrator has no field for tags; put them in the payload\n"
        in result.err
    )
    assert tasks(cli) == []


def test_a_row_with_an_id_is_changed_and_the_others_are_created(cli: Any, write: Any) -> None:
    old = cli("task", "create", "-q", "Q", "--name", "A", "-p", "a=1", "-o", "name").out.strip()
    path = write("rows.csv", f"id,name,priority\n{old},,high\n,B,low\n,C,\n")
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "jsonl")
    assert (result.code, states(result.out)) == (0, {1: "ok", 2: "ok", 3: "ok"}), result.err
    assert [each["priority"] for each in tasks(cli, "name,priority")] == ["high", "low", "normal"]


def test_what_an_orchestrator_cannot_do_is_14_whatever_the_file_holds(orchctl: Any, write: Any) -> None:
    with FaultServer() as server:
        cli = on(orchctl, {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": UUID})
        result = cli("asset", "create", "--from", write("assets.csv", "nonsense\nx\n"))
        assert (result.code, result.out, server.requests) == (14, "", [])
