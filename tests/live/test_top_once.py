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

    text = cli("top", "--once", terminal=True).out
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

    piped = cli("top", "--once", "--time", "utc").out.splitlines()
    assert [line.split("\t")[:4] for line in piped] == [
        ["queue", "Invoices", "4", "2"],
        ["queue", "Mails", "0", "0"],
        ["robot", robot, "R1", "working"],
        ["job", jobs[0], "in-progress", "P"],
        ["job", jobs[1], "failed", "P"],
    ]


def test_what_was_cancelled_is_neither_done_nor_failed(cli: Any) -> None:
    cli("queue", "create", "--name", "Q")
    for name, status in (("a", "success"), ("b", "failed"), ("c", None)):
        cli("task", "create", "-q", "Q", "--name", name)
        cli("task", "cancel", name) if status is None else cli("task", "finish", name, "--status", status)
    (queue,) = cli("top", "--once", "-o", "json").json["queues"]
    assert (queue["done_last_hour"], queue["failed_last_hour"], sum(queue["history"])) == (1, 1, 2)
    assert "DONE+FAIL/H" in cli("top", "--once", terminal=True).out


@pytest.mark.parametrize("format", ["csv", "tsv", "name"])
def test_a_format_with_one_kind_of_rows_needs_one_chosen(cli: Any, format: str) -> None:
    cli("queue", "create", "--name", "Q")
    refused = cli("top", "--once", "-o", format)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        f"orchctl: -o {format} has one kind of rows, and top has three\n"
        f"hint: choose one: orchctl top --once --query queues -o {format}\n"
    )
    chosen = cli("top", "--once", "--query", "queues", "-o", format)
    assert (chosen.code, "Q" in chosen.out) == (0, True)


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
    assert "ELMA RPA" in orchctl("top", "--once", env=env, terminal=True).out
    piped = orchctl("top", "--once", env=env)
    assert (piped.out, "note: ELMA RPA " in piped.err) == ("", True)
