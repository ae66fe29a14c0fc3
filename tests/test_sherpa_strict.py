"""A server that takes only what two documents agree on: orchctl's fallbacks make it do, and say where they cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Home
from tests.server import serving


@pytest.fixture
def strict(home: Home) -> Iterator[Mapping[str, str]]:
    with serving(home.path / "sandbox.db", "--strict") as (url, key):
        yield {"ORCHCTL_URL": url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": key}


def test_the_fallbacks_do(orchctl: Any, strict: Mapping[str, str], tmp_path: Path) -> None:
    def at(*argv: str) -> Any:
        result = orchctl(*argv, "-o", "json", env=strict)
        assert result.code == 0, f"{' '.join(argv)}: {result.err}"
        return result.json

    file = tmp_path / "main.robot"
    file.write_text("run")
    process = at("process", "create", "--name", "P")
    at("process", "version", "create", "P", str(file), "--name", "1.0")
    at("robot", "create", "--name", "R")
    job = at("job", "create", "--process", "P", "--robot", "R")
    # The names are this machine's: the server finds these by GUID only.
    assert (job["process"], job["robot"]) == ("P", "R")
    assert at("process", "version", "update", at("process", "version", "list", "P")[0]["id"], "--name", "1.1")
    assert at("robot", "consume", "R")["job"]["id"] == job["id"]
    assert (
        at("job", "update", job["id"], "--status", "in-progress")["status"] == "in-progress"
    )  # POST after 405
    assert at("job", "stop", job["id"])["status"] == "stopping"
    assert at("process", "get", process["id"])["name"] == "P"
    assert [found["id"] for found in at("robot", "list")] == [at("robot", "get", "R")["id"]]

    listed = orchctl("job", "list", "-o", "name", env=strict)
    assert (listed.code, listed.out) == (0, f"{job['id']}\n")
    assert listed.err == (
        "note: Sherpa Orchestrator has no list of jobs: these are the ones this machine has seen\n"
    )


def test_what_is_unverified_is_refused_by_the_server_and_told(
    orchctl: Any, strict: Mapping[str, str]
) -> None:
    for words in (["process", "create", "--name", "P"], ["robot", "create", "--name", "R"]):
        assert orchctl(*words, env=strict).code == 0
    words = ["job", "create", "--process", "P", "--robot", "R"]
    result = orchctl(*words, "--priority", "high", env=strict)
    assert (result.code, "Priority" in result.err) == (1, True)
    assert orchctl("job", "list", "-o", "name", env=strict).out == ""
