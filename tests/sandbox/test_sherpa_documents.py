"""What Sherpa's documents print, said to the sandbox: answered as they print it, and strictly no more than that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchctl.model import JobStatus, LogLevel
from orchctl.sandbox import admin
from orchctl.sandbox.app import App
from orchctl.sandbox.engine import (
    Engine,
    Tx,
    accounts,
    assets,
    heartbeats,
    jobs,
    logs,
    processes,
    queues,
    robots,
    storage,
    tasks,
    triggers,
)
from orchctl.sandbox.wire.sherpa import Sherpa
from tests.sandbox.conftest import Clock, Orchestrator

WIRE = Path(__file__).parents[1] / "wire" / "sherpa"
EXCHANGES = [
    pytest.param(path.stem, exchange, id=f"{path.stem}: {exchange['name']}")
    for path in sorted(WIRE.glob("*.json"))
    if path.stem not in ("task", "queue")  # which test_sherpa_wire has
    for exchange in json.loads(path.read_text("utf-8"))
]

ROBOT = "da8bc2f0-8065-4385-b867-405e66b8e151"
OTHER_ROBOT = "9be0687d-4e00-4742-a53f-c9b622d076db"
GROUP = "c39713ea-d8b9-4669-976e-5ff39677dc64"
PROCESS = "16f94238-ede9-435b-a001-1489b32e7dc2"
VERSION = "4443fc75-4b55-41a2-bb61-9132b6e55d6b"
TASK = "0cff3e77-78fc-405e-98c9-ef5076c0c883"
JOB = "55056968-cb1b-4919-ad7b-9370c6e81e55"
ASSET = "533daa45-8c3e-42ff-a5ae-b5023715d929"
TRIGGER = "20de46db-18af-4d51-9908-07e88dc0c61f"
FILE = "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a"
# The documents' favourite: a process, a version, a job, a log entry, a folder and an account.
MANY = "554ab883-1f82-48e1-bb12-5049002e7d70"

# Strictly, what only one source has against the others, or none, is refused; this is how.
REFUSED_STRICTLY = {
    "job: create with times and a priority": 400,
    "job: list": 404,
    "job: update, as the vendor's code sends it": 405,  # PUT: seed 003 and the reference have POST
    "job: stop": 405,
    "job: abort": 405,
    "robot_group: list": 404,
    "robot_group: remove a robot": 404,
    "process: list": 404,
    "process_version: list": 404,
    "process_version: update with PUT": 405,
    "asset: list": 404,
    "schedule: create with the process under its other name": 400,
    "schedule: list": 404,
    "account: list": 404,
}


def build(tx: Tx) -> None:
    """All that the documents name."""
    robot = robots.create(tx, {"guid": ROBOT, "name": "Test Robot", "description": "Test Robot Description"})
    robots.create(tx, {"guid": OTHER_ROBOT, "name": "Other"})
    group = robots.create_group(
        tx, {"guid": GROUP, "name": "Test Group", "description": "Test Group Description"}
    )
    robots.add_to_group(tx, group, robot)
    process = processes.create(
        tx,
        {
            "guid": PROCESS,
            "name": "Test Process",
            "description": "Test Process Description",
            "min_version": "1.14",
        },
    )
    for name in ("two", "three", "four"):
        processes.create(tx, {"name": name})
    fifth = processes.create(tx, {"guid": MANY, "name": "five"})
    described = "New Version for Process 5"
    processes.add_version(
        tx,
        process,
        {"guid": MANY, "name": "New Version", "description": described, "file_name": "new-file.robot"},
    )
    processes.add_version(tx, fifth, {"guid": VERSION, "name": "C:\\robots\\main.py"})
    process, fifth = processes.find(tx, PROCESS), processes.find(tx, MANY)
    queue = queues.find(tx, queues.create(tx, {"name": "Queue"}))
    tasks.create(tx, queue, {"guid": TASK, "name": "123"})
    later = tx.now + 3_600_000
    read = jobs.create(tx, process, {"guid": MANY, "stop_after": later}, robot=robots.find(tx, OTHER_ROBOT))
    jobs.create(tx, fifth, {"guid": JOB}, robot=robots.find(tx, OTHER_ROBOT))
    triggers.create(tx, process, {"guid": TRIGGER, "name": "Test Trigger", "cron": "0 8 * * *"}, robot=robot)
    assets.create(
        tx,
        {
            "guid": ASSET,
            "name": "New Asset",
            "description": "For the bank",
            "type": "credential",
            "username": "login",
            "secret": "password",
            "expires_at": later,
        },
    )
    entry = logs.create(
        tx,
        LogLevel.INFO,
        "New message",
        robot=robot,
        version=processes.find_version(tx, MANY),
        job_guid=read.guid,
    )
    tx.connection.execute("UPDATE log SET guid = ? WHERE guid = ?", (MANY, entry))
    tx.connection.execute("UPDATE job SET trigger_id = 1 WHERE guid = ?", (MANY,))
    described = "Test Folder Description"
    folder = storage.create_folder(tx, {"guid": MANY, "name": "Test Folder", "description": described})
    storage.create_file(
        tx, {"guid": FILE, "name": "report.txt", "storage_folder_id": folder.id}, b"what a report says"
    )
    accounts.create(
        tx,
        {
            "guid": MANY,
            "name": "test",
            "password": "test-password",
            "first_name": "Ivan",
            "last_name": "Ivanov",
        },
    )


def prepare(tx: Tx, name: str) -> None:
    """What an exchange needs beside what is there."""
    robot = robots.find(tx, ROBOT)
    process = processes.find(tx, MANY)
    if "status that is a string" in name:
        heartbeats.beat(
            tx,
            robot,
            {"machine": "WS-01", "ip": "192.168.1.20", "mac": "00:11:22:33:44:55"},
            job_guid=None,
        )
    if name in ("heartbeat with a new job waiting", "consume the next job, with the status too"):
        jobs.create(tx, process, {}, robot=robot)
    if name == "consume the next job":
        jobs.create(tx, process, {}, robot=robot, task=tasks.find(tx, TASK))
    if "whose job is to be" in name:
        job = jobs.update(tx, jobs.find(tx, JOB), {"robot_id": robot.id}, status=JobStatus.IN_PROGRESS)
        jobs.abort(tx, job) if "aborted" in name else jobs.stop(tx, job)
    if name == "read, as the framework's page shows it":
        assets.update(
            tx,
            assets.find(tx, ASSET),
            {"type": "text", "value": '"a text"', "username": None, "secret": None, "expires_at": None},
        )


@pytest.fixture(params=[False, True], ids=["usual", "strict"])
def strict(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def served(database: Path, clock: Clock, strict: bool) -> Iterator[Orchestrator]:
    store, _ = admin.open_store(database)
    app = App(Engine(store, clock=clock), [Sherpa(Engine(store), key=None, open_access=False, strict=strict)])
    app.engine.write(build)
    yield Orchestrator(app)
    app.close()


@pytest.mark.parametrize(("entity", "exchange"), EXCHANGES)
def test_a_documented_exchange(served: Orchestrator, strict: bool, entity: str, exchange: Any) -> None:
    name = exchange["name"]
    served.app.engine.write(lambda tx: prepare(tx, name))
    request = dict(exchange["request"])
    answer = served.send(request.pop("method"), request.pop("path"), **request)
    refused = REFUSED_STRICTLY.get(f"{entity}: {name}") if strict else None
    assert answer.status == (refused or exchange["reply"]["status"]), answer.body
    if refused:
        assert answer.data["error"]
        return
    documented = exchange["reply"]["body"]
    if entity == "log" and name.startswith("create"):
        # The reference answers [], the framework's page the GUID: strictly the one, else the other.
        assert answer.data == [] if strict else list(answer.data) == ["guid"]
        return
    if (entity, name) in (("files", "create"), ("files", "read"), ("log", "list")):
        return  # the documents' [] says nothing of what would be in it
    if isinstance(documented, list) and documented:
        documented, given = documented[0], next(iter(answer.data))
    else:
        given = answer.data
    compare(given, documented, name, strict=strict)


def compare(given: Any, documented: Any, name: str, *, strict: bool) -> None:
    """The same keys in the same order, of the same kinds; values where the documents speak of what was sent."""
    if not isinstance(documented, dict):
        assert given == documented
        return
    documented = dict(documented)
    if "framework" in name:  # its other spelling of the times, and the account, are for clients to stand
        documented |= {"created_at": documented.pop("created"), "updated_at": documented.pop("updated")}
        del documented["account_id"]
        assert documented.keys() <= given.keys()
    elif strict:
        assert list(given) == list(documented)
    else:
        assert list(given)[: len(documented)] == list(documented)
    for key, value in documented.items():
        if given[key] is None or value is None or "a status that is a string" in name:
            continue
        assert type(given[key]) is type(value), key
        if key in SAME:
            assert given[key] == value, key
        if isinstance(value, str) and value.startswith("{"):
            inner, wanted = json.loads(given[key]), json.loads(value)
            assert wanted.keys() <= inner.keys(), key
            assert all(inner[part] == wanted[part] for part in wanted if part in ("Name", "name")), key


SAME = frozenset(
    {
        *("Name", "name", "Description", "description", "HeartbeatErrorCode", "ConsumeJobErrorCode"),
        *("ErrorText", "HasNewJob", "type", "text", "password", "Level", "Message", "login", "first name"),
        *("last name", "process_file_name", "min_version_to_run", "process_type", "is_deleted"),
    }
)


def test_the_table_of_refusals_names_what_is_there() -> None:
    assert {parameter.id for parameter in EXCHANGES} >= REFUSED_STRICTLY.keys()
