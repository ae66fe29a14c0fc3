"""The live view looked at once, by whole command lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


@pytest.fixture
def cli(orchctl: Any, sandbox: Mapping[str, str]) -> Any:
    def run(*argv: str, **options: Any) -> Any:
        return orchctl(*argv, env={**sandbox, **options.pop("env", {})}, **options)

    return run


def test_queues_robots_and_jobs(cli: Any, tmp_path: Any) -> None:
    script = tmp_path / "a.robot"
    script.write_text("x")
    cli("queue", "create", "--name", "Invoices")
    cli("queue", "create", "--name", "Mails")
    for name in ("a", "b", "c", "d"):
        cli("task", "create", "-q", "Invoices", "--name", name)
    cli("task", "finish", "a", "--status", "success")
    cli("task", "finish", "b", "--status", "failed")
    robot = cli("robot", "create", "--name", "R1", "-o", "name").out.strip()
    cli("robot", "heartbeat", robot, "--status", "working")
    process = cli("process", "create", "--name", "P", "-o", "name").out.strip()
    cli("process", "version", "create", process, str(script))
    jobs = [
        cli("job", "create", "--process", process, "--robot", robot, "-o", "name").out.strip()
        for _ in range(3)
    ]
    cli("job", "update", jobs[0], "--status", "in-progress")
    cli("job", "update", jobs[1], "--status", "failed")

    result = cli("top", "--once", "-o", "json")
    assert (result.code, result.err) == (0, "")
    seen = result.json
    assert list(seen) == ["queues", "robots", "jobs"]
    invoices, mails = seen["queues"]
    assert (invoices["queue"], invoices["total"], invoices["new"], invoices["failed"]) == (
        "Invoices",
        4,
        2,
        1,
    )
    assert (invoices["done_last_hour"], invoices["failed_last_hour"]) == (1, 1)
    assert sum(invoices["history"]) == 2
    assert invoices["oldest_waiting_at"].endswith("Z")
    assert (mails["total"], mails["oldest_waiting_at"]) == (0, None)
    assert [(each["name"], each["status"], each["job"], each["job_id"]) for each in seen["robots"]] == [
        ("R1", "working", "P", jobs[0])
    ]
    assert {each["id"]: each["status"] for each in seen["jobs"]} == {
        jobs[0]: "in-progress",
        jobs[1]: "failed",
    }

    text = cli("top", "--once").out
    assert max(map(len, text.splitlines())) <= 80
    assert [line.split()[0] for line in text.splitlines() if line] == [
        "QUEUE",
        "Invoices",
        "Mails",
        "ROBOT",
        "R1",
        "JOB",
        f"…{jobs[1][-8:]}",
        f"…{jobs[0][-8:]}",
    ]


def test_it_needs_a_terminal(cli: Any) -> None:
    refused = cli("top")
    assert refused.code == 2
    assert refused.err == (
        "orchctl: top needs a terminal that it can draw on\nhint: orchctl top --once -o json\n"
    )
    assert cli("top", terminal=True, env={"TERM": "dumb"}).code == 2


def test_what_an_orchestrator_does_not_tell_is_said(orchctl: Any, home: Any) -> None:
    env = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "elma"}
    result = orchctl("top", "--once", "-o", "json", env=env)
    assert result.code == 0, result.err
    assert result.json == {"queues": [], "robots": [], "jobs": []}
    assert "note: ELMA RPA " in result.err
    assert "ELMA RPA" in orchctl("top", "--once", env=env).out
