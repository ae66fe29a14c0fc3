"""Files of rows, and the two places they are sent to: the sandbox, and a server that misbehaves on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Home
from tests.faults import FaultServer


def on(orchctl: Any, place: Mapping[str, str]) -> Any:
    def run(*argv: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        return orchctl(*argv, env={**place, **(env or {})}, **options)

    return run


@pytest.fixture
def cli(orchctl: Any, home: Home) -> Any:
    """``orchctl`` on the embedded orchestrator, in process, with one queue."""
    run = on(orchctl, {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"})
    assert run("queue", "create", "--name", "Q").code == 0
    return run


@pytest.fixture
def anywhere(orchctl: Any, sandbox: Mapping[str, str]) -> Any:
    """The same, and over HTTP too."""
    run = on(orchctl, sandbox)
    assert run("queue", "create", "--name", "Q").code == 0
    return run


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def faulty(orchctl: Any, server: FaultServer) -> Any:
    """``orchctl`` on the fault server, without a wait between its attempts worth mentioning."""
    place = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "secret-key"}
    return on(orchctl, place)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """``write(name, text)`` gives the path of a file with that text, in UTF-8 unless it is bytes."""

    def made(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return made


@pytest.fixture
def journals(home: Home) -> Any:
    """The journals of all runs so far, as lists of their lines' JSON, the oldest first."""

    def read() -> list[list[Any]]:
        paths = sorted((home.path / "state" / "orchctl" / "bulk").glob("*.jsonl"))
        return [[json.loads(line) for line in path.read_text().splitlines()] for path in paths]

    return read


def results(out: str) -> list[Any]:
    """The rows of -o jsonl by their number."""
    return sorted((json.loads(line) for line in out.splitlines()), key=lambda each: each["row"])


def states(out: str) -> dict[int, str]:
    return {each["row"]: each["state"] for each in results(out)}


def tasks(cli: Any, fields: str = "name,payload", queue: str = "Q") -> list[Any]:
    """The queue's tasks by name."""
    listed = cli("task", "list", "-q", queue, "--fields", fields, "-o", "json")
    return sorted(listed.json, key=lambda each: str(each.get("name")))
