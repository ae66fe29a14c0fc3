"""Each call that the vendor's articles print, made with orchctl: in both styles of bodies, by name and by GUID."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Home


@pytest.fixture(params=["auto", "form", "json"])
def at(request: pytest.FixtureRequest, orchctl: Any, home: Home) -> Any:
    """A command that must succeed, and its JSON, in a context with the style."""
    home.config.parent.mkdir(parents=True)
    home.config.write_text(
        "current-context: test\n"
        f"contexts: {{test: {{dialect: sherpa, url: 'sandbox:{home.path / 's.db'}', wire: {request.param}}}}}\n"
    )

    def run(*argv: str, **options: Any) -> Any:
        result = orchctl(*argv, "-o", "json", **options)
        assert (result.code, result.err) == (0, ""), f"{' '.join(argv)}: {result.err}"
        return result.json if result.out else None

    return run


@pytest.mark.parametrize("key", ["id", "name"])
def test_queues_tasks_assets_and_log_entries(at: Any, key: str) -> None:
    """Seed 000."""
    queue = at("queue", "create", "--name", "Очередь / 1")
    asset = at("asset", "create", "Ресурс", "--type", "credential", "--value-stdin", input="password")
    robot = at("robot", "create", "--name", "R1")

    payload = '{"query_id": "123", "query_link": "D:\\\\CommonFolder\\\\Packet123.zip", "doc_type": "ПТС"}'
    task = at("task", "create", "-q", queue[key], "--name", "Новая задача", "--data", payload)
    assert task["payload"]["doc_type"] == "ПТС"
    assert at("task", "next", "-q", queue[key])["id"] == task["id"]
    assert at("task", "update", task[key], "--postpone", "1h")["status"] == "postponed"
    for status in ("new", "in-progress", "success", "failed", "failed-business", "abandoned"):
        assert at("task", "update", task[key], "--status", status)["status"] == status
    assert at("task", "get", task[key])["id"] == task["id"]

    assert at("asset", "get", asset[key])["id"] == asset["id"]
    words = ["--name", "new name", "--username", "new text", "--value-stdin"]
    at("asset", "set", asset[key], *words, input="new password")
    found = at("asset", "get", "new name", "--reveal")
    assert (found["username"], found["value"]) == ("new text", "new password")

    for level in ("info", "critical", "error", "warning", "debug"):
        at("log", "create", "--level", level, "--message", "New message", "--robot", robot["id"])
    entries = at("log", "tail", "-n", "5")
    assert [entry["level"] for entry in entries] == ["info", "critical", "error", "warning", "debug"]


def test_the_algorithm_of_a_robot(at: Any, tmp_path: Any) -> None:
    """Seed 001."""
    script = tmp_path / "main.py"
    script.write_text("print()")
    robot = at("robot", "create", "--name", "R1")["id"]
    process = at("process", "create", "--name", "P")["id"]
    at("process", "version", "create", process, str(script))

    words = [
        "robot",
        "heartbeat",
        robot,
        "--machine",
        "WS-01",
        "--ip",
        "10.0.0.1",
        "--mac",
        "00:11:22:33:44:55",
    ]
    assert at(*words) | {"native": None} == {"code": 0, "text": None, "has_new_job": False, "native": None}
    job = at("job", "create", "--process", process, "--robot", robot)["id"]
    assert at(*words)["has_new_job"] is True
    got = at("robot", "consume", robot)
    assert (got["job"]["id"], got["process_version"]["name"], got["task"]) == (job, "main.py", None)
    at("job", "update", job, "--status", "in-progress")
    working = [*words, "--status", "working", "--job", job, "--job-name", "main.py"]
    assert at(*working)["code"] == 0
    at("job", "stop", job)
    assert at(*working)["code"] == 20
    at("job", "abort", job, "--yes")
    assert at(*working)["code"] == 10
    at("job", "update", job, "--status", "aborted")
    assert at(*words)["code"] == 0
    assert at("robot", "consume", robot)["code"] == 102


def test_the_page_on_jobs(at: Any, tmp_path: Any) -> None:
    """Seed 003: create, read, update, delete."""
    robot = at("robot", "create", "--name", "R1")["id"]
    process = at("process", "create", "--name", "P")["id"]
    script = tmp_path / "main.py"
    script.write_text("print()")
    at("process", "version", "create", process, str(script))
    for key in ("id", "number"):
        names = [process, robot] if key == "id" else ["1", "1"]
        job = at("job", "create", "--process", names[0], "--robot", names[1])["id"]
        assert at("job", "get", job)["status"] == "pending"
        assert at("job", "update", job, "--status", "in-progress")["status"] == "in-progress"
        assert at("job", "delete", job, "--yes") is None
