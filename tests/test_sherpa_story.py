"""All of Sherpa in one story, as an administrator and a robot live it; in process and over HTTP alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def at(orchctl: Any, sandbox: Mapping[str, str]) -> Any:
    """A command that must succeed, and its JSON."""

    def run(*argv: str, **options: Any) -> Any:
        result = orchctl(*argv, "-o", "json", env=sandbox, **options)
        assert result.code == 0, f"{' '.join(argv)}: {result.err}"
        return result.json if result.out else None

    return run


def test_from_a_process_to_a_job_that_is_stopped_and_a_task_that_is_repeated(at: Any, tmp_path: Path) -> None:
    script = tmp_path / "main.robot"
    script.write_text("what a .robot file holds")

    process = at("process", "create", "--name", "Invoices", "--min-version", "1.10")
    version = at("process", "version", "create", "Invoices", str(script), "--name", "main.py")
    assert (version["process"], version["file"]) == ("Invoices", "main.robot")
    robot = at("robot", "create", "--name", "R1", "--description", "Accounts")
    at("queue", "create", "--name", "Inbox", "--max-retries", "2")
    task = at("task", "create", "-q", "Inbox", "--name", "INV-1", "-P", "lines=[1,2]")

    idle = at(
        "robot", "heartbeat", "R1", "--machine", "WS-01", "--ip", "10.0.0.1", "--mac", "00:11:22:33:44:55"
    )
    assert (idle["code"], idle["has_new_job"]) == (0, False)
    job = at(
        "job", "create", "--process", "Invoices", "--robot", "R1", "--task", "INV-1", "--priority", "high"
    )
    assert (job["status"], job["process"], job["robot"]) == ("pending", "Invoices", "R1")
    assert at("robot", "heartbeat", "R1")["has_new_job"] is True

    got = at("robot", "consume", "R1")
    assert (got["code"], got["job"]["id"], got["process_version"]["name"]) == (0, job["id"], "main.py")
    assert (got["task"]["id"], got["task"]["payload"]) == (task["id"], {"lines": [1, 2]})
    at("job", "update", job["id"], "--status", "in-progress")
    at("task", "update", "INV-1", "--status", "in-progress")
    working = ["robot", "heartbeat", "R1", "--status", "working", "--job", job["id"], "--job-name", "main.py"]
    assert at(*working)["code"] == 0
    assert at("robot", "status", "R1") == "working"

    words = ["--robot", "R1", "--process-version", version["id"], "--job", job["id"]]
    at("log", "create", "--level", "info", "--message", "Mailbox read", *words)
    at("log", "create", "--level", "error", "--message", "No such customer", *words)
    entries = at("job", "logs", job["id"])
    assert [(entry["level"], entry["message"]) for entry in entries] == [
        ("info", "Mailbox read"),
        ("error", "No such customer"),
    ]
    assert (entries[0]["robot"], entries[0]["process"], entries[0]["process_version"]) == (
        "R1",
        "Invoices",
        "main.py",
    )

    assert at("job", "stop", job["id"])["status"] == "stopping"
    assert at(*working)["code"] == 20
    assert at("job", "update", job["id"], "--status", "stopped")["status"] == "stopped"
    at("robot", "heartbeat", "R1")

    at("task", "finish", "INV-1", "--status", "failed", "--reason", "No such customer")
    again = at("task", "retry", task["id"])
    assert (again["status"], again["parent_id"], again["payload"]) == ("new", task["id"], {"lines": [1, 2]})

    assert [found["id"] for found in at("process", "list")] == [process["id"]]
    assert [found["id"] for found in at("process", "version", "list", "Invoices")] == [version["id"]]
    assert [(found["id"], found["status"]) for found in at("robot", "list")] == [(robot["id"], "ready")]
    assert [(found["id"], found["status"]) for found in at("job", "list", "--robot", "R1")] == [
        (job["id"], "stopped")
    ]
    assert again["id"] in [found["id"] for found in at("task", "list", "-q", "Inbox", "--status", "new")]
    assert len(at("log", "tail", "-n", "1", "--level", "error")) == 1
    at("log", "purge", "--before", "2100-01-01T00:00:00Z", "--yes")
    assert at("log", "list") == []


def test_assets_groups_triggers_storage_and_accounts(
    at: Any, orchctl: Any, sandbox: Any, tmp_path: Path
) -> None:
    robot = at("robot", "create", "--name", "R1")
    group = at("robot", "group", "create", "--name", "Night")
    at("robot", "group", "add-robot", group["id"], robot["id"])
    process = at("process", "create", "--name", "Invoices")

    words = ["--type", "credential", "--username", "robot", "--value-stdin", "--for", f"group:{group['id']}"]
    bank = at("asset", "create", "Bank", *words, "--expires", "2033-01-01T00:00:00Z", input="S3cr3t!\n")
    assert (bank["value"], bank["scope"], bank["expires_at"]) == (
        "***",
        f"group:{group['id']}",
        "2033-01-01T00:00:00Z",
    )
    assert "S3cr3t!" not in str(at("asset", "list"))
    assert at("asset", "get", "Bank", "--reveal")["value"] == "S3cr3t!"
    at("asset", "set", "Bank", "--value-stdin", input="0ther!\n")
    assert at("asset", "get", "Bank", "--reveal")["value"] == "0ther!"
    at("asset", "calendar", "import", "Holidays", "-", input='["2026-01-01"]')
    assert at("asset", "calendar", "export", "Holidays") == ["2026-01-01"]

    words = ["--process", process["id"], "--group", group["id"], "--cron", "0 8 * * 1-5", "--disabled"]
    trigger = at("trigger", "create", "--name", "Daily", *words)
    assert (trigger["status"], trigger["cron"]) == ("disabled", "0 8 * * 1-5")
    assert at("trigger", "enable", "Daily")["status"] == "enabled"

    folder = at("storage", "folder", "create", "--name", "Reports")
    file = tmp_path / "march.csv"
    file.write_text("1;2\n")
    at("storage", "file", "create", folder["id"], str(file))
    assert [found["name"] for found in at("storage", "file", "list")] == ["march.csv"]

    account = at("account", "create", "--login", "branch", "--password-stdin", input="S3cr3t!\n")
    assert "S3cr3t!" not in str(at("account", "get", account["id"]))

    refused = orchctl("robot", "group", "remove-robot", group["id"], robot["id"], "--yes", env=sandbox)
    assert refused.code == 14
    assert at("robot", "group", "get", "Night")["id"] == group["id"]
    words = [group["id"], robot["id"], "--yes", "--path", "/api/robotGroup/removeRobot"]
    assert at("robot", "group", "remove-robot", *words)["name"] == "Night"
