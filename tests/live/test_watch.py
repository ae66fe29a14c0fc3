"""Looking again and again into a pipe: a line of JSON for each change, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.logserver import ROBOT, LogServer, log_server

OTHER = "a3b0c442-98fc-4c14-9afb-4c8996fb9242"


def robot(ident: str, name: str, status: int) -> dict[str, Any]:
    return {"GUID": ident, "Name": name, "Status": status}


@pytest.fixture
def server() -> Iterator[LogServer]:
    with log_server() as made:
        yield made


def scripted(server: LogServer, *answers: Any) -> None:
    """One answer after the other to each list of robots; then nobody is allowed to ask any more."""
    left = list(answers)

    def handle(method: str, path: str) -> tuple[int, Any] | None:
        if not path.startswith("/api/robot/read"):
            return None
        return (200, left.pop(0)) if left else (403, {"error": "enough"})

    server.handle = handle


@pytest.fixture
def cli(orchctl: Any, server: LogServer) -> Any:
    def run(*argv: str, env: dict[str, str] | None = None, **options: Any) -> Any:
        here = {**server.env, "ORCHCTL_REQUEST_TIMEOUT": "0.3", **(env or {})}
        return orchctl(*argv, env=here, **options)

    return run


def test_a_line_for_each_change(cli: Any, server: LogServer) -> None:
    one, two = robot(ROBOT, "R1", 2), robot(OTHER, "R2", 0)
    scripted(server, [one], [one], [one, two], [robot(ROBOT, "R1", 3), two], [two])
    result = cli("robot", "list", "--watch", "--interval", "0.02", "--fields", "name,status")
    assert result.code == 3
    assert [json.loads(line) for line in result.out.splitlines()] == [
        {"change": "added", "object": {"name": "R1", "status": "ready"}},
        {"change": "added", "object": {"name": "R2", "status": "disconnected"}},
        {"change": "changed", "object": {"name": "R1", "status": "working"}},
        {"change": "removed", "object": {"name": "R1", "status": "working"}},
    ]


def test_one_object_is_watched_until_it_is_gone(cli: Any, server: LogServer) -> None:
    scripted(server, robot(ROBOT, "R1", 2), robot(ROBOT, "R1", 3), [])
    result = cli("robot", "get", ROBOT, "--watch", "--interval", "0.02", "-o", "jsonl")
    assert result.code == 4
    changes = [json.loads(line) for line in result.out.splitlines()]
    assert [(each["change"], each["object"]["status"]) for each in changes] == [
        ("added", "ready"),
        ("changed", "working"),
    ]
    assert changes[0]["object"]["native"] == robot(ROBOT, "R1", 2)


def test_a_format_for_all_commands_is_not_meant_for_what_changes(cli: Any, server: LogServer) -> None:
    for argv, env in (([], {"ORCHCTL_OUTPUT": "table"}), (["-o", "jsonl"], {"ORCHCTL_OUTPUT": "csv"})):
        scripted(server, [robot(ROBOT, "R1", 2)])
        result = cli("robot", "list", "--watch", "--interval", "0.02", *argv, env=env)
        assert (result.code, json.loads(result.out)["change"]) == (3, "added")


def test_ids_from_stdin_are_watched_too(cli: Any, server: LogServer) -> None:
    scripted(server, robot(ROBOT, "R1", 2), robot(ROBOT, "R1", 2), robot(ROBOT, "R1", 3))
    result = cli(
        "robot", "get", "-", "--watch", "--interval", "0.02", "--fields", "status", input=f"{ROBOT}\n"
    )
    assert [json.loads(line)["object"]["status"] for line in result.out.splitlines()] == ["ready", "working"]


def test_four_lost_looks_are_borne(cli: Any, server: LogServer) -> None:
    looks = 0

    def handle(method: str, path: str) -> tuple[int, Any] | None:
        nonlocal looks
        looks += 1
        return (200, [robot(ROBOT, "R1", 2)]) if looks == 1 else (429, {})

    server.handle = handle
    result = cli("robot", "list", "--watch", "--interval", "0.02", "--retry-timeout", "0.3")
    assert (result.code, len(result.out.splitlines())) == (6, 1)
    assert result.err.count("; watching goes on\n") >= 1


@pytest.mark.parametrize(
    "argv",
    [
        ["robot", "list", "--interval", "1"],
        ["robot", "list", "--watch", "--interval", "0"],
        ["robot", "list", "--watch", "-o", "csv"],
        ["robot", "list", "--watch", "--query", "[]"],
        ["robot", "list", "--watch", "--fields", "colour"],
        ["task", "list", "-q", "Q", "--watch", "--chart"],
    ],
)
def test_what_cannot_be_watched_is_2(cli: Any, server: LogServer, argv: list[str]) -> None:
    asked: list[str] = []
    server.handle = lambda method, path: asked.append(path)
    assert cli(*argv).code == 2
    assert asked == []


def test_notes_are_said_once(cli: Any, server: LogServer) -> None:
    looks = 0

    def handle(method: str, path: str) -> tuple[int, Any] | None:
        nonlocal looks
        looks += path == "/api/queue/read"
        return (403, {}) if looks == 4 else None

    server.handle = handle
    result = cli("queue", "list", "--watch", "--interval", "0.02")
    assert result.code == 3
    assert result.err.count("has no list of queues") == 1
