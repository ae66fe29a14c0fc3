"""The exit code of each way in which a wait can end, by whole command lines."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

import orchctl.client.waiting
from tests.faults import FaultServer, reply, silent
from tests.logserver import FAILED, IN_PROGRESS, JOB, KEY, ROBOT, SUCCESS, LogServer, log_server, record

STOPPED, PENDING = 7, 1


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orchctl.client.waiting, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(orchctl.client.waiting, "GROWTH", 1.0)


@pytest.fixture
def cli(orchctl: Any, sandbox: Mapping[str, str]) -> Any:
    def run(*argv: str, **options: Any) -> Any:
        return orchctl(*argv, env=dict(sandbox), **options)

    assert run("queue", "create", "--name", "Q").code == 0
    return run


@contextmanager
def meanwhile(*acts: Callable[[], object]) -> Iterator[None]:
    """One act after the other, beside what is waited for."""

    def run() -> None:
        for act in acts:
            time.sleep(0.1)
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def task(cli: Any, name: str) -> str:
    return str(cli("task", "create", "-q", "Q", "--name", name, "-o", "name").out.strip())


def finish(cli: Any, name: str, status: str = "success") -> Callable[[], object]:
    return lambda: cli("task", "finish", name, "--status", status)


def test_task_wait(cli: Any) -> None:
    one = task(cli, "one")
    with meanwhile(finish(cli, "one")):
        result = cli("task", "wait", "one", "-o", "json")
    assert (result.code, result.err, result.json["id"], result.json["status"]) == (0, "", one, "success")

    two = task(cli, "two")
    with meanwhile(finish(cli, "two", "failed")):
        result = cli("task", "wait", "two")
    assert result.code == 9
    assert result.err == f"orchctl: two is failed\nhint: see more: orchctl task get {two} -o yaml\n"
    assert "status\tfailed\n" in result.out

    task(cli, "three")
    result = cli("task", "wait", "three", "--timeout", "0.1", "-o", "json")
    assert (result.code, result.json["status"]) == (8, "new")
    assert result.error["message"] == "after 0.1 s, three is new"
    assert result.error["hint"] == "wait on with: orchctl task wait three"

    assert cli("task", "wait", "nope").code == 4
    task(cli, "four")
    with meanwhile(lambda: cli("task", "delete", "four", "--yes")):
        assert cli("task", "wait", "four").code == 4
    task(cli, "five")
    with meanwhile(lambda: cli("task", "cancel", "five")):
        assert cli("task", "wait", "five").code == 9


def test_task_wait_for_a_status(cli: Any) -> None:
    for name in ("a", "b", "c", "d"):
        task(cli, name)
    with meanwhile(lambda: cli("task", "update", "a", "--status", "in-progress")):
        result = cli("task", "wait", "a", "--for", "in-progress", "-o", "json")
    assert (result.code, result.json["status"]) == (0, "in-progress")
    finish(cli, "b", "failed")()
    assert cli("task", "wait", "b", "--for", "in-progress").code == 0  # it was, between two looks
    assert cli("task", "wait", "b", "--for", "failed").code == 0
    missed = cli("task", "wait", "b", "--for", "success")
    assert (missed.code, missed.err.splitlines()[0]) == (9, "orchctl: b is failed, and will not be success")
    with meanwhile(lambda: cli("task", "delete", "c", "--yes")):
        assert cli("task", "wait", "c", "--for", "deleted").code == 0
    assert cli("task", "wait", "d", "--for", "later").code == 2


def test_several_tasks_and_any_of_them(cli: Any) -> None:
    for name in ("a", "b", "c"):
        task(cli, name)
    with meanwhile(finish(cli, "b", "failed"), finish(cli, "a"), finish(cli, "c")):
        result = cli("task", "wait", "a", "b", "c", "-o", "json")
    assert (result.code, [each["status"] for each in result.json]) == (9, ["success", "failed", "success"])
    assert result.error["message"] == "b is failed"
    mixed = cli("task", "wait", "a", "nope", "b", "-o", "json")
    assert (mixed.code, [each["name"] for each in mixed.json]) == (9, ["a", "b"])
    assert cli("task", "wait", "a", "nope", "-o", "name").code == 4

    task(cli, "d")
    first = cli("task", "wait", "d", "a", "--any", "-o", "json")
    assert (first.code, [each["name"] for each in first.json]) == (0, ["a"])
    failed = cli("task", "wait", "d", "b", "--any", "-o", "json")
    assert (failed.code, [each["name"] for each in failed.json]) == (9, ["b"])
    assert cli("task", "wait", "d", "--any", "--timeout", "0.05").code == 8
    assert cli("task", "wait", "-", "--any", input="d\na\n").code == 0


def test_what_waits_on_is_the_same_wait(cli: Any) -> None:
    for name in ("W 3", "b"):
        task(cli, name)
    late = cli("task", "wait", "W 3", "--for", "in-progress", "--timeout", "0.05")
    assert (late.code, late.err) == (
        8,
        "orchctl: after 0.05 s, W 3 is new\nhint: wait on with: orchctl task wait 'W 3' --for in-progress\n",
    )
    late = cli("task", "wait", "W 3", "b", "--any", "--timeout", "0.05")
    assert late.err.endswith("hint: wait on with: orchctl task wait 'W 3' b --any\n")


def test_create_wait(cli: Any) -> None:
    with meanwhile(finish(cli, "one")):
        result = cli("task", "create", "-q", "Q", "--name", "one", "--wait", "-o", "json")
    assert (result.code, result.json["status"]) == (0, "success")
    with meanwhile(finish(cli, "two", "failed-business")):
        assert cli("task", "create", "-q", "Q", "--name", "two", "--wait").code == 9
    assert cli("task", "create", "-q", "Q", "--name", "three", "--wait", "--timeout", "0.05").code == 8
    assert cli("task", "create", "-q", "Q", "--name", "four", "--timeout", "1").code == 2
    planned = cli("task", "create", "-q", "Q", "--name", "four", "--wait", "--dry-run")
    assert (planned.code, cli("task", "get", "four").code) == (0, 4)


def test_queue_wait(cli: Any) -> None:
    assert cli("queue", "wait", "Q", "--for", "empty").code == 0
    task(cli, "one")
    cli("task", "create", "-q", "Q", "--name", "two", "--postpone", "1h")
    with meanwhile(finish(cli, "one", "failed"), finish(cli, "two")):
        result = cli("queue", "wait", "Q", "--for", "empty", "-o", "json")
    assert (result.code, result.json["new"], result.json["failed"]) == (0, 0, 1)
    task(cli, "three")
    late = cli("queue", "wait", "Q", "--for", "empty", "--timeout", "0.05")
    assert late.code == 8
    assert late.err == (
        "orchctl: after 0.05 s, Q holds 1 new\nhint: wait on with: orchctl queue wait Q --for empty\n"
    )
    assert cli("queue", "wait", "Nope", "--for", "empty").code == 4
    assert cli("queue", "wait", "Q", "--for", "full").code == 2
    assert cli("queue", "wait", "Q").code == 2


@pytest.fixture
def server() -> Iterator[LogServer]:
    with log_server() as made:
        yield made


@pytest.fixture
def on_server(orchctl: Any, server: LogServer) -> Any:
    def run(*argv: str, **options: Any) -> Any:
        return orchctl(*argv, env={**server.env, "ORCHCTL_REQUEST_TIMEOUT": "0.3"}, **options)

    return run


def job_statuses(server: LogServer, *numbers: int) -> None:
    """What the job's status is, look by look; the last stays."""
    left = list(numbers)

    def handle(method: str, path: str) -> tuple[int, Any] | None:
        if path.startswith("/api/job/read/"):
            status = left.pop(0) if len(left) > 1 else left[0]
            return 200, {"guid": JOB, "status": status}
        return (200, {"guid": JOB}) if path == "/api/job/create" else None

    server.handle = handle


@pytest.mark.parametrize(
    ("statuses", "options", "code"),
    [
        ((PENDING, IN_PROGRESS, SUCCESS), [], 0),
        ((PENDING, FAILED), [], 9),
        ((PENDING, STOPPED), [], 9),
        ((PENDING, 6, STOPPED), ["--for", "stopped"], 0),
        ((PENDING, STOPPED), ["--for", "stopping"], 0),
        ((PENDING, SUCCESS), ["--for", "in-progress"], 0),
        ((PENDING, STOPPED), ["--for", "success"], 9),
        ((IN_PROGRESS,), ["--for", "pending"], 0),
        ((9, 9, SUCCESS), [], 0),  # a status that nobody knows is no end
        ((PENDING,), ["--timeout", "0.1"], 8),
    ],
)
def test_job_wait(
    on_server: Any, server: LogServer, statuses: tuple[int, ...], options: list[str], code: int
) -> None:
    job_statuses(server, *statuses)
    result = on_server("job", "wait", JOB, *options)
    assert result.code == code
    if code == 8:
        assert result.err.endswith(f"hint: wait on with: orchctl job wait {JOB}\n")
    if not options:
        job_statuses(server, *statuses)
        created = on_server("job", "create", "--process", KEY, "--robot", ROBOT, "--wait", "-o", "name")
        assert (created.code, created.out) == (code, f"{JOB}\n")


def test_job_wait_where_there_is_none(on_server: Any, server: LogServer) -> None:
    server.job_is_there = False
    assert on_server("job", "wait", JOB).code == 4
    assert on_server("job", "create", "--process", KEY, "--robot", ROBOT, "--timeout", "1").code == 2


def test_a_failed_jobs_last_words_are_told(on_server: Any, server: LogServer) -> None:
    job_statuses(server, FAILED)
    records = [
        record(n, time=f"2026-01-31 18:00:{n:02d}", message=f"line {n}\n  more" if n == 9 else f"line {n}")
        for n in range(10)
    ]
    server.answer = lambda: json.dumps(records).encode()
    result = on_server("job", "wait", JOB, "-o", "name")
    assert (result.code, result.out) == (9, f"{JOB}\n")
    assert result.err == (
        "note: 2026-01-31T18:00:05Z info: line 5\n"
        "note: 2026-01-31T18:00:06Z info: line 6\n"
        "note: 2026-01-31T18:00:07Z info: line 7\n"
        "note: 2026-01-31T18:00:08Z info: line 8\n"
        "note: 2026-01-31T18:00:09Z info: line 9\n"
        "note: 2026-01-31T18:00:09Z info:   more\n"
        f"orchctl: {JOB} is failed\n"
        f"hint: see its log: orchctl job logs {JOB} -n 50\n"
    )


def test_a_server_that_goes_away_for_good_is_7(on_server: Any, server: LogServer) -> None:
    looks = 0

    def handle(method: str, path: str) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            threading.Thread(target=server.stop).start()

    server.handle = handle
    result = on_server("job", "wait", JOB, "--for", "success", "--retry-timeout", "0.3")
    assert result.code == 7
    assert result.err.count("; the wait goes on\n") == 4
    assert result.err.endswith(f"go on with: orchctl job wait {JOB} --for success\n")


def test_a_wait_at_a_busy_server_ends_with_its_time_and_leaves_it_alone(orchctl: Any) -> None:
    with FaultServer(steps=[reply(429, b"{}", {"Retry-After": "60"})]) as server:
        env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "some-token"}
        result = orchctl("job", "wait", JOB, "--timeout", "1", env=env)
        assert result.code == 8
        assert result.err.count("429 Too Many Requests; the wait goes on\n") == 1
        assert len(server.requests) == 1


def test_a_wait_ends_with_its_time_even_if_the_server_is_silent(orchctl: Any) -> None:
    with FaultServer(steps=[silent(effect=False)]) as server:
        env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "some-token"}
        began = time.monotonic()
        result = orchctl("job", "wait", JOB, "--timeout", "0.5", env=env)
        assert result.code == 8
        assert result.err.endswith(f"orchctl job wait {JOB}\n")
        assert time.monotonic() - began < 0.5 + 1
