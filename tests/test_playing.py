"""``sandbox play``: the sandbox's robot does whatever work there is, whichever API it came over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Home


class Cli:
    """``orchctl`` on an embedded orchestrator in process, spoken to as Sherpa's or another."""

    def __init__(self, orchctl: Any, home: Home) -> None:
        self.orchctl = orchctl
        self.database = home.path / "sandbox.db"

    def __call__(self, *argv: str, dialect: str = "sherpa", code: int = 0) -> Any:
        env = {"ORCHCTL_URL": f"sandbox:{self.database}", "ORCHCTL_DIALECT": dialect}
        result = self.orchctl(*argv, env=env)
        assert result.code == code, result.err
        return result

    def play(self, *argv: str, code: int = 0) -> Any:
        result = self.orchctl("sandbox", "play", *argv, "--db", str(self.database), "-o", "json")
        assert result.code == code, result.err
        return result

    def made(self, *argv: str) -> str:
        return str(self(*argv, "-o", "name").out.strip())


@pytest.fixture
def cli(orchctl: Any, home: Home, tmp_path: Path) -> Cli:
    cli = Cli(orchctl, home)
    (tmp_path / "p.robot").write_bytes(b"a robot's file")
    cli("process", "create", "--name", "P")
    cli("process", "version", "create", "P", str(tmp_path / "p.robot"))
    cli("robot", "create", "--name", "R")
    cli("queue", "create", "--name", "Q")
    return cli


def test_a_job(cli: Cli) -> None:
    job = cli.made("job", "create", "--process", "P", "--robot", "R")
    assert cli.play(job, "--running", "--log", "one").json == {
        "id": job,
        "kind": "job",
        "name": "P",
        "status": "in-progress",
        "robot": "R",
    }
    assert cli("job", "get", job, "-o", "json").json["status"] == "in-progress"
    assert cli.play(job, "--log", "two").json["status"] == "success"
    entries = cli("log", "list", "--job", job, "--fields", "level,message,robot").out.splitlines()
    assert sorted(entries) == ["info\tone\tR", "info\ttwo\tR"]
    assert cli("job", "wait", job).code == 0
    assert "has ended" in cli.play(job, code=5).err


def test_a_job_that_fails_with_its_task(cli: Cli) -> None:
    task = cli.made("task", "create", "-q", "Q", "--name", "T", "-p", "a=b")
    job = cli.made("job", "create", "--process", "P", "--robot", "R", "--task", task)
    assert cli.play(job, "--fail", "--log", "before", "--log", "no customer").json["status"] == "failed"
    read = cli("task", "get", "T", "-o", "json").json
    assert (read["status"], read["comment"]) == ("failed", "no customer")
    assert cli("job", "wait", job, code=9).code == 9
    errors = cli("log", "list", "--job", job, "--level", "error", "--fields", "message").out
    assert errors == "no customer\n"


def test_a_job_that_was_asked_to_stop_stops(cli: Cli) -> None:
    job = cli.made("job", "create", "--process", "P", "--robot", "R")
    cli.play(job, "--running")
    cli("job", "stop", job)
    assert cli.play(job).json["status"] == "stopped"


def test_a_job_of_uipath(cli: Cli) -> None:
    job = cli.made("job", "create", "--process", "P", "--robot", "R")
    get = ("job", "get", job, "--folder", "Shared", "-o", "json")
    assert cli(*get, dialect="uipath").json["status"] == "pending"
    cli.play(job, "--result", '{"total": 3}')
    seen = cli(*get, dialect="uipath").json
    assert (seen["status"], seen["output"]) == ("success", {"total": 3})


def test_a_task_with_a_result(cli: Cli, tmp_path: Path) -> None:
    cli("task", "create", "-q", "Q", "--name", "T", "-p", "a=b")
    (tmp_path / "f.txt").write_text("x")
    played = cli.play("T", "--result", '{"x": 1}', "--file", str(tmp_path / "f.txt")).json
    assert (played["kind"], played["name"], played["status"]) == ("task", "Q", "success")
    read = cli("task", "get", "T", "-o", "json").json
    assert (read["status"], read["payload"], read["output"]) == ("success", {"a": "b"}, {"x": 1})


def test_a_number_that_is_a_task_and_a_job(cli: Cli) -> None:
    cli("task", "create", "-q", "Q", "--name", "T")
    cli("job", "create", "--process", "P", "--robot", "R")
    assert "is a task and a job" in cli.play("1", code=2).err
    assert cli.play("task:1").json["kind"] == "task"
    assert cli.play("1").json["kind"] == "job"  # the task has ended
    assert cli.play("job:9", code=4).code == 4
    assert cli.play("nope", code=4).code == 4
    assert cli.play("task:1", "--file", "/no/such/file", code=12).code == 12
