"""Lists that no document has: tried, and where they are not there, what this machine has seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.conftest import asked, routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"

LISTS = {
    "queue": (["queue"], "queue", "queues"),
    "job": (["job"], "job", "jobs"),
    "asset": (["asset"], "asset", "assets"),
    "robot group": (["robot", "group"], "robotGroup", "robot groups"),
    "process": (["process"], "process", "processes"),
    "trigger": (["trigger"], "schedule", "triggers"),
    "stored file": (["storage", "file"], "files", "stored files"),
    "account": (["account"], "account", "accounts"),
}


def native(entity: str, guid: str = ID, name: str = "N") -> dict[str, Any]:
    return {"guid": guid, "name": name, "login": name, "status": 1, "type": 2}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_not_documented_is_tried(cli: Any, server: FaultServer, kind: str) -> None:
    noun, entity, _ = LISTS[kind]
    server.plan(routes({f"GET /api/{entity}/read": [native(entity), native(entity, OTHER)]}))
    result = cli(*noun, "list", "-o", "name")
    assert (result.code, result.out, result.err) == (0, f"{ID}\n{OTHER}\n", "")


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(
    "answer", [(404, {}), (405, {}), (501, {}), (400, {}), (422, {}), (200, b""), (200, {"guid": ID}), []]
)
def test_where_there_is_none_what_this_machine_has_seen_is_read_anew(
    cli: Any, server: FaultServer, kind: str, answer: Any
) -> None:
    noun, entity, plural = LISTS[kind]
    one, gone = f"GET /api/{entity}/read/{ID}", f"GET /api/{entity}/read/{OTHER}"
    server.plan(routes({one: native(entity), gone: native(entity, OTHER)}))
    cli(*noun, "get", ID)
    cli(*noun, "get", OTHER)
    server.plan(routes({f"GET /api/{entity}/read": answer, one: native(entity)}))
    result = cli(*noun, "list", "-o", "name")
    assert (result.code, result.out) == (0, f"{ID}\n")
    assert result.err == (
        f"note: Sherpa Orchestrator has no list of {plural}: these are the ones this machine has seen\n"
    )
    server.requests.clear()
    cli(*noun, "list")
    assert gone not in asked(server)  # what is gone is forgotten


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_is_down_has_no_empty_list(
    cli: Any, server: FaultServer, kind: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchctl.transport.core._chance", lambda: 0.0)  # no pause between two attempts
    noun, entity, _ = LISTS[kind]
    server.plan(routes({f"GET /api/{entity}/read": (status, b"Fatal error")}))
    result = cli(*noun, "list", "-o", "json")
    assert (result.code, result.out) == (6, "")


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("answer", [{"foo": 1}, {"data": []}, {"guid": {"a": 1}}])
def test_an_object_that_is_none_is_no_sign_that_there_is_no_list(
    cli: Any, server: FaultServer, kind: str, answer: Any
) -> None:
    noun, entity, _ = LISTS[kind]
    server.plan(routes({f"GET /api/{entity}/read": answer}))
    result = cli(*noun, "list", "-o", "json")
    assert (result.code, result.out, result.error["code"]) == (1, "", "unintelligible_answer")


def test_a_refusal_in_place_of_a_list_that_is_tried_is_told(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /api/queue/read": {"error": "no licence"}}))
    result = cli("queue", "list", "-o", "json")
    assert (result.code, result.error["message"]) == (5, "Sherpa Orchestrator refused: no licence")


def test_an_empty_list_is_empty_where_nothing_was_seen(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /api/job/read": []}))
    assert (cli("job", "list").out, cli("job", "list").err) == ("", "")


def test_versions_are_those_of_the_process(cli: Any, server: FaultServer) -> None:
    versions = [{"guid": ID, "name": "1", "process_id": "5"}, {"guid": OTHER, "name": "2", "process_id": "6"}]
    table = {
        "GET /api/processVersion/read": versions,
        f"GET /api/process/read/{THIRD}": {"guid": THIRD, "id": "5", "name": "P"},
    }
    server.plan(routes(table))
    found = cli("process", "version", "list", THIRD, "-o", "json").json
    assert [(version["id"], version["process"]) for version in found] == [(ID, "P")]
