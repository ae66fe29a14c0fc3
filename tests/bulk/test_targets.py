"""Several ids on one command line or on standard input: the same truth about each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bulk.conftest import on, tasks
from tests.faults import FaultServer, message


def made(cli: Any, *names: str) -> list[str]:
    return [cli("task", "create", "-q", "Q", "--name", name, "-o", "name").out.strip() for name in names]


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["task", "cancel"], "status", "abandoned"),
        (["task", "finish", "--status", "success"], "status", "success"),
        (["task", "update", "--priority", "high"], "priority", "high"),
        (["task", "erase"], "payload", {}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_is_done_to_several_is_printed_in_their_order(
    anywhere: Any, words: list[str], field: str, value: Any
) -> None:
    ids = made(anywhere, *(f"T{number}" for number in range(12)))
    result = anywhere(*words, "--yes", "-o", "json", *reversed(ids[1:]), ids[0])
    assert (result.code, result.err) == (0, "")
    assert [task["id"] for task in result.json] == [*reversed(ids[1:]), ids[0]]
    assert [task[field] for task in result.json] == [value] * 12


def test_ids_come_from_standard_input(cli: Any) -> None:
    ids = made(cli, *(f"T{number}" for number in range(30)))
    result = cli("task", "delete", "-", "--yes", input="\n".join(ids[:20]) + "\n\n")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert len(tasks(cli)) == 10
    tagged = cli(
        "task", "tag", "add", "-", "urgent", "late", "--yes", "-o", "json", input="\n".join(ids[20:])
    )
    assert [task["tags"] for task in tagged.json] == [["urgent", "late"]] * 10
    untagged = cli("task", "tag", "remove", "-", "late", "--yes", "-o", "json", input="\n".join(ids[20:]))
    assert [task["tags"] for task in untagged.json] == [["urgent"]] * 10
    retried = cli("task", "retry", "-", "--yes", "-o", "json", input="\n".join(ids[20:]))
    assert {task["status"] for task in retried.json} == {"new"}


def test_each_that_fails_is_named_and_the_others_are_done(cli: Any) -> None:
    one, two = made(cli, "A", "B")
    result = cli("task", "cancel", one, "nope", two, "--yes", "-o", "jsonl")
    assert result.code == 10
    assert [json.loads(line)["name"] for line in result.out.splitlines()] == ["A", "B"]
    first, *rest = result.err.splitlines()
    assert first.startswith("nope: no task 'nope' (hint: ")
    assert rest[0].startswith("orchctl: 2 done, 1 failed, 0 unknown, of 3, run ")
    assert rest[1].startswith("hint: to send what was rejected once more: orchctl task cancel --resume ")


def test_reading_several_leaves_no_journal(cli: Any, journals: Any) -> None:
    ids = made(cli, "A", "B", "C")
    result = cli("task", "get", *ids, "nope", "-o", "json")
    assert result.code == 10
    assert [task["name"] for task in result.json] == ["A", "B", "C"]
    assert result.error["message"] == "3 done, 1 failed, 0 unknown, of 4"
    assert journals() == []


def test_several_are_asked_about_once(cli: Any) -> None:
    ids = made(cli, "A", "B")
    assert cli("task", "update", *ids, "--priority", "low").code == 2
    declined = cli("task", "update", *ids, "--priority", "low", terminal=True, input="n\n")
    assert declined.code == 13
    assert declined.err.count("[y/N]") == 1
    assert cli("task", "update", ids[0], "--priority", "low").code == 0


def test_a_dry_run_of_several_shows_each_request(cli: Any, journals: Any) -> None:
    ids = made(cli, "A", "B")
    result = cli("task", "delete", *ids, "--dry-run")
    assert result.code == 0
    assert [line for line in result.out.splitlines() if line.startswith("DELETE ")] == [
        f"DELETE sandbox:/api/task/delete/{ident}" for ident in ids
    ]
    assert len(tasks(cli)) == 2
    assert journals() == []


class Deleting:
    """Answers deletes as it is told, by id."""

    def __init__(self, fates: dict[str, list[str]]) -> None:
        self.fates = fates
        self.gone: list[str] = []

    def __call__(self, connection: Any) -> None:
        seen = connection.read()
        ident = seen.target.rpartition("/")[2].partition("?")[0]
        fate = self.fates[ident].pop(0) if self.fates.get(ident) else "well"
        if ident in self.gone:
            connection.send(message(404, b"{}"))
        elif fate == "reset":
            self.gone.append(ident)
            connection.reset()
        elif fate == "busy":
            connection.send(message(429, b"{}", {"Retry-After": "999"}))
        else:
            self.gone.append(ident)
            connection.send(message(200, b'{"result": "1"}'))


IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(4)]


def test_a_run_over_ids_goes_on_where_it_stopped(orchctl: Any, home: Any) -> None:
    deleting = Deleting({IDS[1]: ["busy"], IDS[2]: ["busy"]})
    with FaultServer(steps=[deleting]) as server:
        cli = on(
            orchctl, {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "key-word"}
        )
        first = cli("task", "delete", "-", "--yes", "--parallel", "1", input="\n".join(IDS))
        assert first.code == 10
        assert deleting.gone == [IDS[0], IDS[3]]
        run = first.err.split("--resume ")[1].strip()
        assert first.err.splitlines()[-1] == f"hint: to go on: orchctl task delete --resume {run}"
        second = cli("task", "delete", "--resume", run)
        assert (second.code, second.err) == (0, "")
        assert sorted(deleting.gone) == IDS
        assert list((home.path / "state" / "orchctl" / "bulk").glob("*.input")) == []


def test_what_was_in_doubt_and_is_gone_has_been_deleted(orchctl: Any, home: Any) -> None:
    deleting = Deleting({})
    with FaultServer(steps=[deleting]) as server:
        cli = on(
            orchctl, {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "key-word"}
        )
        assert cli("task", "delete", *IDS, "--yes", "--parallel", "1").code == 0
        (journal,) = (home.path / "state" / "orchctl" / "bulk").glob("*.jsonl")
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join(line for line in lines if '"row":2,"state":"ok"' not in line))
        journal.with_suffix(".input").write_text("\n".join(IDS))
        again = cli("task", "delete", "--resume", journal.stem)
        assert (again.code, again.err) == (0, "")
