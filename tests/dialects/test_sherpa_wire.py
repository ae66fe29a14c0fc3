"""What Sherpa's dialect sends and reads is what the documents print, exchange by exchange."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from orchctl import model
from orchctl.model import JobStatus, LogLevel, Priority, RobotStatus, TaskStatus
from tests.dialects.conftest import Speak, answer
from tests.faults import FaultServer, Seen

WIRE = Path(__file__).parents[1] / "wire" / "sherpa"
EXCHANGES = {
    f"{path.stem}: {exchange['name']}": exchange
    for path in sorted(WIRE.glob("*.json"))
    for exchange in json.loads(path.read_text("utf-8"))
}

ROBOT = "da8bc2f0-8065-4385-b867-405e66b8e151"
ANY = "554ab883-1f82-48e1-bb12-5049002e7d70"
JOB = "55056968-cb1b-4919-ad7b-9370c6e81e55"
VERSION = "4443fc75-4b55-41a2-bb61-9132b6e55d6b"
LOGS_ROBOT = "9be0687d-4e00-4742-a53f-c9b622d076db"
PROCESS = "16f94238-ede9-435b-a001-1489b32e7dc2"
GROUP = "c39713ea-d8b9-4669-976e-5ff39677dc64"
ASSET = "533daa45-8c3e-42ff-a5ae-b5023715d929"
TASK = "0cff3e77-78fc-405e-98c9-ef5076c0c883"
TAKEN = "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a"
SCHEDULE = "20de46db-18af-4d51-9908-07e88dc0c61f"
NOBODY = "00000000-0000-4000-8000-000000000000"
CREATED = datetime(2023, 6, 29, 14, 51, 30, tzinfo=UTC)

# The dialect as Any: a list may be None, and then the test fails all the same.
Do = Callable[[Any], Any]

# What is asked of the dialect for each exchange, and what it says that the server answered.
SENT: Mapping[str, tuple[Do, Any]] = {
    "task: create, as the vendor's code sends it": (
        lambda d: d.create_task(
            model.NewTask(
                queue=TASK,
                name="Новая задача",
                payload={
                    "query_id": "123",
                    "query_link": "D:\\CommonFolder\\Packet123.zip",
                    "query_status": "new",
                    "doc_type": "ПТС",
                    "doc_status": "new",
                },
            )
        ),
        {"id": PROCESS},
    ),
    "task: read by name": (
        lambda d: d.get_task("123"),
        {"name": "123", "status": "new", "priority": "normal"},
    ),
    "task: next task of a queue": (lambda d: d.next_task(TASK), {"status": "new", "payload.doc_type": "ПТС"}),
    "task: next task of an empty queue": (lambda d: d.next_task(TASK), None),
    "task: take a task, as the vendor's code sends it": (
        lambda d: d.claim_task(model.Task(id=TAKEN, status=TaskStatus.NEW)),
        None,
    ),
    "task: delete by the path": (lambda d: d.delete_task(TASK), None),
    "task: add tags": (lambda d: d.add_task_tags(TASK, ("test", "mytask")), None),
    "task: remove tags": (lambda d: d.remove_task_tags(TASK, ("test", "mytask")), None),
    "queue: create": (lambda d: d.create_queue(model.NewQueue(name="Test Queue")), {"id": GROUP}),
    "queue: create with every parameter": (
        lambda d: d.create_queue(
            model.NewQueue(
                name="Test Queue",
                description="Test Queue Description",
                unique_tasks=True,
                auto_change_status=False,
            )
        ),
        {"id": GROUP},
    ),
    "queue: read": (lambda d: d.get_queue(ANY), {"unique_tasks": True, "auto_change_status": False}),
    "queue: read by name": (lambda d: d.get_queue("Test Queue"), {"id": ANY}),
    "queue: list": (lambda d: list(d.list_queues(None).items), [{"name": "Test Queue"}]),
    "queue: update": (
        lambda d: d.update_queue(ANY, model.QueueChange(name="Updated Test Queue")),
        None,
    ),
    "queue: delete": (lambda d: d.delete_queue(ANY), None),
    "job: create": (
        lambda d: d.create_job(model.NewJob(process=ANY, robot=ROBOT)),
        {"id": JOB, "status": "pending"},
    ),
    "job: create for a task": (
        lambda d: d.create_job(model.NewJob(process=ANY, robot=ROBOT, task_id=TASK)),
        {"id": JOB},
    ),
    "job: create by number": (lambda d: d.create_job(model.NewJob(process="5", robot="1")), {"id": JOB}),
    "job: create with times and a priority": (
        lambda d: d.create_job(
            model.NewJob(
                process=ANY,
                robot=ROBOT,
                stop_after=datetime(2033, 3, 4, 12, tzinfo=UTC),
                abort_after=datetime(2033, 3, 4, 13, tzinfo=UTC),
                priority=Priority.HIGH,
            )
        ),
        {"id": JOB},
    ),
    "job: read": (
        lambda d: d.get_job(ANY),
        {
            "id": ANY,
            "status": "pending",
            "process_version": "55",
            "robot": "1",
            "stop_after": datetime(2023, 3, 4, 12, tzinfo=UTC),
            "created_at": datetime(2023, 3, 3, 12, 48, 6, tzinfo=UTC),
        },
    ),
    "job: list": (
        lambda d: list(d.list_jobs(model.JobFilter(), None).items),
        [{"status": "pending", "process_version": "55"}],
    ),
    "job: update, as the vendor's code sends it": (
        lambda d: d.update_job(JOB, model.JobChange(status=JobStatus.IN_PROGRESS)),
        None,
    ),
    "job: stop": (lambda d: d.stop_job(JOB), None),
    "job: abort": (lambda d: d.abort_job(JOB), None),
    "job: delete": (lambda d: d.delete_job(ANY), None),
    "asset: create credentials": (
        lambda d: d.create_asset(
            model.NewAsset(
                name="New Asset",
                type="credential",
                username="login",
                secret="password",
                description="For the bank",
                expires_at=datetime(2033, 6, 29, 14, 51, 30, tzinfo=UTC),
                scope="all",
            )
        ),
        {"id": ASSET},
    ),
    "asset: create a text for one robot": (
        lambda d: d.create_asset(
            model.NewAsset(name="New Text", type="text", value="a text", scope=f"robot:{ROBOT}")
        ),
        {"id": ASSET},
    ),
    "asset: create a text for a group of robots": (
        lambda d: d.create_asset(
            model.NewAsset(name="New Text", type="text", value="a text", scope=f"group:{GROUP}")
        ),
        {"id": ASSET},
    ),
    "asset: create a calendar": (
        lambda d: d.create_asset(
            model.NewAsset(name="New Calendar", type="calendar", value=["2023-05-11", "2023-05-12"])
        ),
        {"id": ASSET},
    ),
    "asset: read": (
        lambda d: d.get_asset(ASSET),
        {
            "type": "credential",
            "username": "login",
            "value": "password",
            "scope": "all",
            "updated_at": CREATED,
        },
    ),
    "asset: read by name": (lambda d: d.get_asset("New Asset"), {"id": ASSET}),
    "asset: read, as the framework's page shows it": (
        lambda d: d.get_asset(ASSET),
        {"type": "text", "value": "a text", "updated_at": CREATED},
    ),
    "asset: list": (lambda d: list(d.list_assets(None).items), [{"name": "New Asset"}]),
    "asset: update, as the vendor's code sends it": (
        lambda d: d.update_asset(
            model.Asset(id=ASSET, name="New Asset", type="credential"),
            model.AssetChange(name="new name", username="new text", secret="new password"),
        ),
        None,
    ),
    "asset: delete": (lambda d: d.delete_asset(ASSET), None),
    "log: create, as the vendor's code sends it": (lambda d: d.create_log_entry(_entry(LogLevel.INFO)), None),
    "log: create, as the framework's page shows it": (
        lambda d: d.create_log_entry(_entry(LogLevel.WARNING)),
        {"id": ANY},
    ),
    "log: read": (
        lambda d: d.get_log_entry(ANY),
        {"level": "info", "message": "New message", "time": CREATED, "robot": "1", "job_id": "7"},
    ),
    "log: list": (lambda d: list(d.list_log_entries(model.LogFilter(), None).items), []),
    "log: purge": (lambda d: d.purge_log(datetime.fromtimestamp(1688039490, UTC)), None),
    "robot: create": (
        lambda d: d.create_robot(model.NewRobot(name="Test Robot", description="Test Robot Description")),
        {"id": ROBOT, "status": "disconnected"},
    ),
    "robot: read": (
        lambda d: d.get_robot(ROBOT),
        {
            "name": "Test Robot",
            "status": "disconnected",
            "last_seen_at": None,
            "machine": None,
            "license": None,
        },
    ),
    "robot: read with a status that is a string": (
        lambda d: d.get_robot(ROBOT),
        {"status": "ready", "machine": "WS-01", "last_seen_at": datetime.fromtimestamp(1688039790, UTC)},
    ),
    "robot: list": (lambda d: list(d.list_robots(None).items), [{"id": ROBOT}]),
    "robot: update": (
        lambda d: d.update_robot(
            ROBOT,
            model.RobotChange(
                name="Updated Robot", description="Updated Description", status=RobotStatus.READY
            ),
        ),
        None,
    ),
    "robot: delete": (lambda d: d.delete_robot(ROBOT), None),
    "robot: get status": (lambda d: d.get_robot_status(ROBOT), "unlicensed"),
    "robot: set status": (lambda d: d.set_robot_status(ROBOT, RobotStatus.READY), None),
    "robot: heartbeat": (
        lambda d: d.send_heartbeat(_beat()),
        {"code": 0, "has_new_job": False, "text": None},
    ),
    "robot: heartbeat with a new job waiting": (
        lambda d: d.send_heartbeat(_beat()),
        {"code": 0, "has_new_job": True},
    ),
    "robot: heartbeat of a robot whose job is to be aborted": (
        lambda d: d.send_heartbeat(_beat(job=True)),
        {"code": 10, "text": "Job aborting"},
    ),
    "robot: heartbeat of a robot whose job is to be stopped": (
        lambda d: d.send_heartbeat(_beat(job=True)),
        {"code": 20},
    ),
    "robot: heartbeat of an unknown robot": (lambda d: d.send_heartbeat(_beat(NOBODY)), {"code": 101}),
    "robot: consume the next job": (
        lambda d: d.consume_job(ROBOT),
        {"code": 0, "job.id": JOB, "process_version.name": "C:\\robots\\main.py", "task.id": TASK},
    ),
    "robot: consume where there is no job": (
        lambda d: d.consume_job(ROBOT),
        {"code": 102, "job": None, "process_version": None, "task": None},
    ),
    "robot: consume as an unknown robot": (lambda d: d.consume_job(NOBODY), {"code": 101, "job": None}),
    "robot_group: create": (
        lambda d: d.create_robot_group(
            model.NewRobotGroup(name="Test Group", description="Test Group Description")
        ),
        {"id": GROUP},
    ),
    "robot_group: read": (lambda d: d.get_robot_group(GROUP), {"id": GROUP, "name": "Test Group"}),
    "robot_group: list": (lambda d: list(d.list_robot_groups(None).items), [{"id": GROUP}]),
    "robot_group: update": (
        lambda d: d.update_robot_group(GROUP, model.RobotGroupChange(name="Updated Group")),
        None,
    ),
    "robot_group: delete": (lambda d: d.delete_robot_group(GROUP), None),
    "robot_group: add a robot": (lambda d: d.add_robot_to_group(GROUP, ROBOT), None),
    "robot_group: remove a robot": (
        lambda d: d.remove_robot_from_group(GROUP, ROBOT, "/api/robotGroup/removeRobot"),
        None,
    ),
    "robot_group: remove a robot, with the URL that deletes a group": (
        lambda d: d.remove_robot_from_group(GROUP, ROBOT, "/api/robotGroup/delete/{group}"),
        None,
    ),
    "process: create with the version as a string": (
        lambda d: d.create_process(model.NewProcess(name="Test Package", min_version="1.10", type="package")),
        {"id": PROCESS},
    ),
    "process: read": (
        lambda d: d.get_process(PROCESS),
        {"type": "process", "version_id": ANY, "created_at": CREATED},
    ),
    "process: list": (lambda d: list(d.list_processes(None).items), [{"name": "Test Process"}]),
    "process: update": (
        lambda d: d.update_process(
            PROCESS,
            model.ProcessChange(
                name="Updated Process", description="Updated", min_version="1.14", type="process"
            ),
        ),
        None,
    ),
    "process: delete": (lambda d: d.delete_process(PROCESS), None),
    "process_version: create": (
        lambda d: d.create_process_version(
            model.NewProcessVersion(
                process=PROCESS,
                name="New Version",
                description="New Version for Process 5",
                filename="new-file.robot",
                content=b"what a .robot file holds",
            )
        ),
        {"id": ANY, "file": "new-file.robot"},
    ),
    "process_version: read": (
        lambda d: d.get_process_version(ANY),
        {"process": "5", "file": "new-file.robot", "created_at": CREATED},
    ),
    "process_version: list": (lambda d: list(d.list_process_versions(PROCESS, None).items), [{"id": ANY}]),
    "process_version: update": (
        lambda d: d.update_process_version(
            ANY,
            model.ProcessVersionChange(
                name="New Version",
                description="New Version for Process 5",
                process=PROCESS,
                filename="new-file.robot",
                content=b"what a .robot file holds",
            ),
        ),
        None,
    ),
    "process_version: update without a file": (
        lambda d: d.update_process_version(
            ANY, model.ProcessVersionChange(name="Newer Version", description="Newer")
        ),
        None,
    ),
    "process_version: delete": (lambda d: d.delete_process_version(ANY), None),
    "schedule: create by a schedule for one robot": (
        lambda d: d.create_trigger(
            model.NewTrigger(
                name="Test Trigger",
                description="Each morning",
                enabled=True,
                cron="0 8 * * *",
                robot=ROBOT,
                process=PROCESS,
                start_at=datetime(2023, 6, 29, tzinfo=UTC),
                end_at=datetime(2033, 6, 29, tzinfo=UTC),
                max_runs=0,
                catch_up=False,
            )
        ),
        {"id": SCHEDULE},
    ),
    "schedule: create, continuous, for a group": (
        lambda d: d.create_trigger(
            model.NewTrigger(
                name="Test Trigger",
                continuous=True,
                group=GROUP,
                process=PROCESS,
                max_runs=10,
                max_robots=2,
            )
        ),
        {"id": SCHEDULE},
    ),
    "schedule: read": (lambda d: d.get_trigger(SCHEDULE), {"robot": "1", "process": "5", "group": None}),
    "schedule: list": (lambda d: list(d.list_triggers(None).items), [{"id": SCHEDULE}]),
    "schedule: update": (
        lambda d: d.update_trigger(SCHEDULE, model.TriggerChange(name="Updated Trigger", cron="0 9 * * *")),
        None,
    ),
    "schedule: disable": (lambda d: d.update_trigger(SCHEDULE, model.TriggerChange(enabled=False)), None),
    "schedule: enable": (lambda d: d.update_trigger(SCHEDULE, model.TriggerChange(enabled=True)), None),
    "schedule: delete": (lambda d: d.delete_trigger(SCHEDULE), None),
    "folders: create": (
        lambda d: d.create_storage_folder(
            model.NewStorageFolder(name="Test Folder", description="Test Folder Description")
        ),
        {"id": ANY},
    ),
    "folders: read": (lambda d: d.get_storage_folder(ANY), {"name": "Test Folder", "created_at": CREATED}),
    "folders: list": (lambda d: list(d.list_storage_folders(None).items), [{"id": ANY}]),
    "folders: update": (
        lambda d: d.update_storage_folder(
            ANY, model.StorageFolderChange(name="Updated Folder", description="Updated")
        ),
        None,
    ),
    "folders: delete": (lambda d: d.delete_storage_folder(ANY), None),
    "files: create": (
        lambda d: d.create_stored_file(
            model.NewStoredFile(
                name="report.txt", folder=ANY, filename="report.txt", content=b"what a report says"
            )
        ),
        None,
    ),
    "files: update": (
        lambda d: d.update_stored_file(
            TAKEN,
            model.StoredFileChange(
                name="report.txt", folder=ANY, filename="report.txt", content=b"what a report says"
            ),
        ),
        None,
    ),
    "files: delete": (lambda d: d.delete_stored_file(TAKEN), None),
    "account: create": (
        lambda d: d.create_account(
            model.NewAccount(
                login="test",
                password="test-password",
                first_name="Ivan",
                last_name="Ivanov",
                email="ivan@example.com",
                phone="+70000000000",
                company="Example",
                department="Accounts",
            )
        ),
        {"id": ANY},
    ),
    "account: read": (lambda d: d.get_account(ANY), {"first_name": "Ivan", "last_name": "Ivanov"}),
    "account: list": (lambda d: list(d.list_accounts(None).items), [{"login": "test"}]),
    "account: update": (
        lambda d: d.update_account(ANY, model.AccountChange(first_name="Pyotr", password="new-password")),
        None,
    ),
    "account: delete": (lambda d: d.delete_account(ANY), None),
}

# The same calls in the other style, for a context with the option.
SENT_WITH: Mapping[str, tuple[Mapping[str, str], Do]] = {
    "task: create, as the reference shows it": (
        {"wire": "json"},
        lambda d: d.create_task(
            model.NewTask(queue="16f94238-ede4343-435b-a001-1489b324342", name="Test Task")
        ),
    ),
    "task: take a task, as the reference shows it": (
        {"wire": "json"},
        lambda d: d.claim_task(model.Task(id=TASK, status=TaskStatus.NEW)),
    ),
    "job: update, as the reference shows it": (
        {"wire": "json", "job_update_method": "post"},
        lambda d: d.update_job(JOB, model.JobChange(status=JobStatus.IN_PROGRESS)),
    ),
    "asset: update, as the reference shows it": (
        {"wire": "json"},
        lambda d: d.update_asset(
            model.Asset(id=ASSET, name="New Asset", type="credential"),
            model.AssetChange(
                name="new name",
                username="new text",
                secret="new password",
                scope="all",
                expires_at=datetime(2033, 6, 29, 14, 51, 30, tzinfo=UTC),
            ),
        ),
    ),
}

# Nothing in orchctl sends these; the sandbox takes them from other clients.
NOT_SENT = {
    "task: read with the parameter in the query": "only where the path is answered 404",
    "task: delete by the parameter": "only where the path is answered 404",
    "task: filter read": "task/read tells the same",
    "task: filter list": "the body names the queue in the same way as the path",
    "log: create, as the reference shows it": "the level goes out as a word",
    "robot: set status, spelt as the parameter list has it": "the example's spelling is sent",
    "robot: consume the next job, with the status too": "the vendor's code does not send it",
    "robot_group: update with the other spelling": "Guid is sent",
    "process: create": "the version goes out as a string",
    "process: read with the parameter in the body": "the path is sent",
    "process_version: update with PUT": "only where POST is answered 404, 405 or 501",
    "schedule: create with the process under its other name": "only where ProcessId is refused",
    "files: read": "with its guid in the path and the query, and no body on a GET",
}


def _entry(level: LogLevel) -> model.NewLogEntry:
    return model.NewLogEntry(
        level=level, message="New message", robot=LOGS_ROBOT, process_version=VERSION, job_id=JOB
    )


def _beat(robot: str = ROBOT, *, job: bool = False) -> model.Heartbeat:
    return model.Heartbeat(
        robot=robot,
        status=RobotStatus.WORKING if job else RobotStatus.READY,
        machine="WS-01",
        ip="192.168.1.20",
        mac="00:11:22:33:44:55",
        job_id=JOB if job else "",
        job_name="C:\\robots\\main.py" if job else "",
    )


def test_each_exchange_of_the_documents_is_accounted_for() -> None:
    assert set(SENT) | set(SENT_WITH) | set(NOT_SENT) == set(EXCHANGES)


@pytest.mark.parametrize("name", SENT)
def test_an_exchange_as_documented(name: str, speak: Speak, server: FaultServer) -> None:
    do, expected = SENT[name]
    exchange = EXCHANGES[name]
    server.plan(answer(exchange["reply"]["body"], exchange["reply"]["status"]))
    result = do(speak())
    assert_sent(server.requests, exchange["request"])
    assert_told(result, expected)


@pytest.mark.parametrize("name", SENT_WITH)
def test_an_exchange_in_the_style_that_the_context_asks_for(
    name: str, speak: Speak, server: FaultServer
) -> None:
    options, do = SENT_WITH[name]
    exchange = EXCHANGES[name]
    server.plan(answer(exchange["reply"]["body"], exchange["reply"]["status"]))
    do(speak(**options))
    assert_sent(server.requests, exchange["request"])


def assert_sent(requests: list[Seen], documented: Mapping[str, Any]) -> None:
    (seen,) = requests
    target = urlsplit(seen.target)
    assert (seen.method, target.path) == (documented["method"], documented["path"])
    assert dict(parse_qsl(target.query)) == documented.get("query", {})
    assert_body(seen, documented)
    for header, value in documented.get("headers", {}).items():
        assert seen.headers[header.lower()] == value


def assert_body(seen: Seen, documented: Mapping[str, Any]) -> None:
    kind = seen.headers.get("content-type", "").partition(";")[0]
    if "form" in documented:
        assert kind == "application/x-www-form-urlencoded"
        sent = parse_qsl(seen.body.decode("ascii"), keep_blank_values=True)
        assert _comparable(dict(sent)) == _comparable(documented["form"])
    elif "json" in documented:
        assert kind == "application/json"
        sent_json = json.loads(seen.body)
        parameters = sent_json.pop("Parameters", None)  # the reference's example of create has none
        assert parameters in (None, "{}")
        lower = {key.lower(): value for key, value in documented["json"].items()}
        assert {key.lower(): value for key, value in sent_json.items()} == lower
    elif "multipart" in documented:
        assert kind == "multipart/form-data"
        assert _parts(seen) == documented["multipart"]
    else:
        assert seen.body in (b"", b"{}")


def _comparable(form: Mapping[str, str]) -> dict[str, Any]:
    """Parameters are JSON in a text, in which blanks and escapes make no difference."""
    return {key: json.loads(value) if key == "parameters" else value for key, value in form.items()}


def _parts(seen: Seen) -> dict[str, Any]:
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + seen.body, policy=policy.HTTP)
    fields: dict[str, str] = {}
    files: list[dict[str, str]] = []
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files.append({"name": name, "filename": str(part.get_filename()), "content": content.decode()})
    return {"fields": fields, "files": files}


def assert_told(result: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        for path, value in expected.items():
            found = result
            for step in path.split("."):
                found = found[step] if isinstance(found, dict) else getattr(found, step)
            assert found == value, path
    elif isinstance(expected, list):
        assert len(result) == len(expected)
        for item, fields in zip(result, expected, strict=True):
            assert_told(item, fields)
    else:
        assert result == expected
