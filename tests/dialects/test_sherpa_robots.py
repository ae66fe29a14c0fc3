"""Robots at a glance, and the raw calls of scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.dialects.conftest import routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"


def test_a_glance_tells_who_is_alive(cli: Any, server: FaultServer) -> None:
    now = datetime.now(UTC).timestamp()
    robots = [
        ("Ann", 3, now),
        ("Bob", "2", now - 3600),
        ("Cid", 0, now),
        ("Dan", 1, now),
        ("Eve", 7, now),
        ("Fay", 2, None),
    ]
    rows = [
        {
            "GUID": f"{n:08}-1111-4111-8111-111111111111",
            "Name": name,
            "Status": status,
            "LastHeartbeatAt": seen,
        }
        for n, (name, status, seen) in enumerate(robots)
    ]
    server.plan(routes({"GET /api/robot/read": rows}))
    lines = cli("robot", "list").out.splitlines()
    assert [line.split("\t")[1:3] for line in lines] == [
        ["Ann", "alive working"],
        ["Bob", "stale ready"],
        ["Cid", "off"],
        ["Dan", "alive unlicensed"],
        ["Eve", "alive unknown (7)"],
        ["Fay", "ready"],
    ]
    assert "STATE" in cli("robot", "list", terminal=True, width=100).out.splitlines()[0]
    found = cli("robot", "list", "-o", "json").json[0]
    assert (found["status"], "state" in found) == ("working", False)
    assert "status" in cli("robot", "list", "-o", "csv").out.splitlines()[0].split(",")


def test_a_robots_status_is_one_word(cli: Any, server: FaultServer) -> None:
    server.plan(
        routes({f"GET /api/robot/getStatus/{ID}": {"Status": 3}, f"GET /api/robot/getStatus/{OTHER}": []})
    )
    assert cli("robot", "status", ID).out == "working\n"
    assert cli("robot", "status", ID, "-o", "json").out == '"working"\n'
    assert cli("robot", "status", OTHER).code == 4
    assert cli("robot", "set-status", ID, "suspended").code == 2
    assert cli("robot", "set-status", ID, "unknown").code == 14


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (10, 0), (20, 0), (101, 4)])
def test_a_heartbeat_prints_what_the_orchestrator_wants(
    cli: Any, server: FaultServer, code: int, exit_code: int
) -> None:
    answer = {"HeartbeatErrorCode": code, "ErrorText": "why", "HasNewJob": 1, "Other": "ignored"}
    server.plan(routes({"POST /api/robot/heartbeat": answer}))
    result = cli(
        "robot", "heartbeat", ID, "--status", "working", "--job", OTHER, "--ip", "10.0.0.1", "-o", "json"
    )
    assert (result.code, result.json["code"], result.json["has_new_job"]) == (exit_code, code, True)
    assert cli("robot", "heartbeat", ID, "-o", "name").out == f"{code}\n"


@pytest.mark.parametrize(("code", "exit_code"), [(102, 0), (101, 4)])
def test_consuming_nothing_prints_why(cli: Any, server: FaultServer, code: int, exit_code: int) -> None:
    answer = {"ConsumeJobErrorCode": code, "ErrorText": "why", "Job": "", "ProcessVersion": "", "Task": ""}
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    result = cli("robot", "consume", ID, "-o", "json")
    assert (result.code, result.json["code"], result.json["job"]) == (exit_code, code, None)


@pytest.mark.parametrize("answer", [{}, [], {"HasNewJob": 1}, b"<html></html>"])
def test_a_heartbeat_whose_answer_says_nothing_may_have_been_taken(
    cli: Any, server: FaultServer, answer: Any
) -> None:
    server.plan(routes({"POST /api/robot/heartbeat": answer}))
    assert cli("robot", "heartbeat", ID).code == 11


def test_a_consumed_job_is_readable_in_a_table(cli: Any, server: FaultServer) -> None:
    job = {"GUID": ID, "Status": 1}
    answer = {
        "ConsumeJobErrorCode": 0,
        "ErrorText": "",
        "Job": json.dumps(job),
        "ProcessVersion": "",
        "Task": "",
    }
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    assert cli("robot", "consume", OTHER).out == f'code\t0\njob\t{{"id": "{ID}", "status": "pending"}}\n'
    assert f'job   {{\n        "id": "{ID}",\n' in cli("robot", "consume", OTHER, terminal=True).out
