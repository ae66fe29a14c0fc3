"""Jobs on a Sherpa whose every answer the test has in hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.conftest import TOKEN, asked, routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"


def jobs_table() -> dict[str, Any]:
    return {
        "GET /api/job/read": [
            {
                "guid": ID,
                "status": 8,
                "process_version_id": "55",
                "robot_id": 1,
                "created_at": "2026-01-01 10:00:00",
            },
            {
                "guid": OTHER,
                "status": 4,
                "process_version_id": "56",
                "robot_id": 2,
                "created_at": "2026-01-02 10:00:00",
            },
        ],
        "GET /api/processVersion/read/55": {"guid": THIRD, "name": "1.0", "process_id": "5"},
        "GET /api/processVersion/read/56": {"guid": THIRD, "name": "2.0", "process_id": "6"},
        "GET /api/process/read/5": {"guid": "p5", "id": "5", "name": "Invoices"},
        "GET /api/process/read/6": {"guid": "p6", "id": "6", "name": "Bills"},
        "GET /api/robot/read/1": {"GUID": TOKEN, "Name": "R1", "Status": 3},
        "GET /api/robot/read/2": {"GUID": THIRD, "Name": "R2", "Status": 2},
        f"GET /api/robot/read/{THIRD}": {"GUID": THIRD, "Name": "R2", "Status": 2},
    }


def test_a_job_shows_names_where_the_server_has_numbers(cli: Any, server: FaultServer) -> None:
    server.plan(routes(jobs_table()))
    first, second = cli("job", "list", "-o", "json").json
    assert (first["process"], first["process_version"], first["robot"]) == ("Invoices", "1.0", "R1")
    assert (second["process"], second["robot"], second["status"]) == ("Bills", "R2", "success")
    assert len(asked(server)) == len(set(asked(server)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--status", "in-progress"], [ID]),
        (["--status", "in-progress", "--status", "success"], [ID, OTHER]),
        (["--process", "Invoices"], [ID]),
        (["--process", "6"], [OTHER]),
        (["--robot", "R2"], [OTHER]),
        (["--robot", THIRD], [OTHER]),
        (["--robot", "nobody"], []),
        (["--since", "2026-01-02T00:00:00Z"], [OTHER]),
        (["--until", "2026-01-02T00:00:00Z"], [ID]),
        (["--limit", "1"], [ID]),
    ],
)
def test_jobs_are_filtered_here(
    cli: Any, server: FaultServer, options: list[str], expected: list[str]
) -> None:
    server.plan(routes(jobs_table()))
    result = cli("job", "list", *options, "-o", "name")
    assert (result.code, result.out.split()) == (0, expected)


def test_destructive_job_commands_ask_and_stopping_one_does_not(cli: Any, server: FaultServer) -> None:
    table: dict[str, Any] = {"PUT /api/job/update": [], f"DELETE /api/job/delete/{ID}": []}
    table |= {f"GET /api/job/read/{ident}": {"guid": ident, "status": 2} for ident in (ID, OTHER)}
    server.plan(routes(table))
    for words in (["abort", ID], ["delete", ID], ["stop", ID, OTHER], ["abort", ID, OTHER]):
        assert cli("job", *words).code == 2
    assert server.requests == []
    assert cli("job", "stop", ID).code == 0
    assert cli("job", "abort", ID, "--yes", "-o", "json").json["status"] == "aborting"
    assert [job["id"] for job in cli("job", "abort", ID, OTHER, "--yes", "-o", "json").json] == [ID, OTHER]
    assert cli("job", "delete", ID, "--yes").code == 0
    assert server.effects == 5


@pytest.mark.parametrize("word", ["suspended", "unknown"])
def test_a_status_that_sherpa_does_not_have_is_refused_before_anything_is_sent(
    cli: Any, server: FaultServer, word: str
) -> None:
    assert cli("job", "update", ID, "--status", word).code == 14
    assert cli("job", "update", ID, "--status", "nonsense").code == 2
    assert cli("job", "update", ID).code == 2
    assert server.requests == []


def test_names_become_ids_in_a_new_job(cli: Any, server: FaultServer) -> None:
    table = {
        "GET /api/process/read": [{"guid": THIRD, "name": "Invoices"}],
        f"GET /api/process/read/{THIRD}": {"guid": THIRD, "name": "Invoices"},
        "GET /api/robot/read": [{"GUID": OTHER, "Name": "R1", "Status": 2}],
        f"GET /api/robot/read/{OTHER}": {"GUID": OTHER, "Name": "R1", "Status": 2},
        "GET /api/task/read/INV-1": {"guid": ID, "name": "INV-1", "status": 0},
        "POST /api/job/create": {"guid": ID},
    }
    server.plan(routes(table))
    cli("process", "list")
    cli("robot", "list")
    cli("job", "create", "--process", "Invoices", "--robot", "R1", "--task", "INV-1")
    (sent,) = [json.loads(seen.body) for seen in server.requests if seen.method == "POST"]
    assert sent == {"ProcessGUID": THIRD, "RobotGUID": OTHER, "TaskGUID": ID}
    assert cli("job", "create", "--process", "nope", "--robot", "R1").code == 4
