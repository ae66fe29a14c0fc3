"""Who gets in on Sherpa's wire: the account, a robot with its GUID, or with --open anybody with a GUID."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from orchctl.sandbox import admin
from orchctl.sandbox.app import App, open_app
from tests.sandbox.conftest import Orchestrator

STRANGER = "11111111-2222-4333-8444-555555555555"


def credential(guid: str, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} " + b64encode(guid.encode()).decode()}


class Office:
    """A served sandbox with a robot in it."""

    def __init__(self, database: Path, *, open_access: bool = False, strict: bool = False) -> None:
        self.app: App = open_app(str(database), open_access=open_access, strict=strict)
        self.account = Orchestrator(self.app, credential(admin.key(database)))
        self.robot_guid = self.account.robot("R1")
        self.robot = Orchestrator(self.app, credential(self.robot_guid))

    def stranger(self, guid: str = STRANGER) -> Orchestrator:
        return Orchestrator(self.app, credential(guid))


@pytest.fixture
def office(database: Path) -> Any:
    office = Office(database)
    yield office
    office.app.close()


def test_a_robot_does_its_work_with_its_own_guid(office: Office) -> None:
    """All that seeds 000 and 001 do."""
    account, robot = office.account, office.robot
    account.queue()
    process = account.process()
    account.ok("POST", "/api/asset/create", json={"Name": "A", "Text": "t"})
    robot.task("T")
    assert robot.next() == "T"
    robot.update("T", Status=1)
    robot.get("queue", "Invoices")
    robot.get("asset", "A")
    robot.ok("PUT", "/api/asset/update", form={"guid": "A", "text": "u"})
    job = robot.job(process, office.robot_guid, TaskGUID="T")
    assert robot.beat(office.robot_guid) == (0, 1)
    assert robot.consume(office.robot_guid) == job
    assert robot.set_job(job, 8).status == 200
    assert robot.job_status(job) == 8
    log = {"job_guid": job, "level": "Info", "message": "m"}
    guid = robot.ok("POST", "/api/log/create", form=log)["guid"]
    assert account.get("log", guid)["robot_name"] == "R1", "whose credential it was"
    assert [one["Name"] for one in robot.ok("GET", "/api/robot/read")] == ["R1"]
    assert robot.ok("GET", f"/api/robot/getStatus/{office.robot_guid}") == {"Status": 2}


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "bearer"])
def test_both_schemes_and_any_case(office: Office, scheme: str) -> None:
    client = Orchestrator(office.app, credential(office.robot_guid.upper(), scheme))
    assert client.beat(office.robot_guid) == (0, 0)


ADMINISTRATION = [
    ("POST", "/api/queue/create"),
    ("PUT", "/api/queue/update"),
    ("DELETE", "/api/queue/delete/Q"),
    ("POST", "/api/robot/create"),
    ("PUT", "/api/robot/update"),
    ("DELETE", "/api/robot/delete/R1"),
    ("POST", "/api/robotGroup/create"),
    ("GET", "/api/robotGroup/read/G"),
    ("POST", "/api/process/create"),
    ("DELETE", "/api/process/delete/P"),
    ("POST", "/api/processVersion/create"),
    ("DELETE", "/api/job/delete/J"),
    ("DELETE", "/api/asset/delete/A"),
    ("POST", "/api/schedule/create"),
    ("GET", "/api/schedule/read/S"),
    ("POST", "/api/log/list"),
    ("DELETE", "/api/log/purge"),
    ("DELETE", "/api/folders/delete/F"),
    ("POST", "/api/account/create"),
    ("GET", "/api/account/read/A"),
]


@pytest.mark.parametrize(("method", "path"), ADMINISTRATION)
def test_a_robot_is_no_administrator(office: Office, method: str, path: str) -> None:
    answer = office.robot.send(method, path)
    assert (answer.status, answer.data) == (
        403,
        {"error": "a robot's GUID does not let in here, the account key does"},
    )
    assert office.stranger().send(method, path).status == 401


def test_a_robot_speaks_for_itself_only(office: Office) -> None:
    other = office.account.robot("R2")
    for method, path, body in (
        ("POST", "/api/robot/heartbeat", {"RobotGUID": other, "Status": "2"}),
        ("POST", "/api/robot/consumeNextJob", {"RobotGUID": other}),
        ("PUT", "/api/robot/setStatus", {"GUID": other, "Status": "1"}),
        ("GET", f"/api/robot/read/{other}", {}),
    ):
        answer = office.robot.send(method, path, form=body)
        assert answer.status == 403, path
    job = office.account.job(office.account.process(), other)
    assert office.robot.set_job(job, 8).status == 409


def test_a_known_credential_and_an_unknown_robot_is_101(office: Office) -> None:
    for client in (office.account, office.robot):
        assert client.beat(STRANGER) == (101, 0)
        assert client.consume(STRANGER) == 101
    assert office.stranger().send("POST", "/api/robot/heartbeat", form={"RobotGUID": STRANGER}).status == 401


def test_a_deleted_robot_is_a_stranger(office: Office) -> None:
    office.account.ok("DELETE", f"/api/robot/delete/{office.robot_guid}")
    assert office.robot.send("POST", "/api/robot/heartbeat", form={"RobotGUID": "R1"}).status == 401


def test_open_access_lets_any_guid_be_the_account_and_its_own_robot(database: Path) -> None:
    office = Office(database, open_access=True)
    client = office.stranger()
    assert client.queue()
    assert client.beat(STRANGER) == (0, 0), "registered at first sight"
    assert client.consume(STRANGER) == 102
    assert client.beat("22222222-2222-4333-8444-555555555555") == (101, 0)
    assert [robot["GUID"] for robot in client.ok("GET", "/api/robot/read")] == [office.robot_guid, STRANGER]
    office.app.close()


def test_strict_refuses_a_robots_guid_with_a_colon(database: Path) -> None:
    office = Office(database, strict=True)
    beat = {"RobotGUID": office.robot_guid, "Status": "2"}
    assert office.robot.send("POST", "/api/robot/heartbeat", form=beat).status == 200
    for scheme in ("Basic", "Bearer"):
        headers = credential(f"{office.robot_guid}:", scheme)
        answer = office.robot.send("POST", "/api/robot/heartbeat", form=beat, headers=headers)
        assert answer.status == 401
    office.app.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/api/robot/read/R1", {}, 404, "there is no robot 'R1'; no document has it found by name"),
        ("GET", "/api/process/read/P1", {}, 404, "there is no process 'P1'; no document"),
        ("GET", "/api/schedule/read/T", {}, 404, "there is no trigger 'T'; no document"),
        (
            "PUT",
            "/api/robotGroup/addRobot",
            {"RobotGroupGuid": "G", "RobotGuid": "1"},
            404,
            "there is no robot group",
        ),
        ("DELETE", "/api/robotGroup/removeRobot", {}, 404, "there is nothing at"),
        ("GET", "/api/files/download/f", {}, 404, "there is nothing at"),
        ("PUT", "/api/job/update", {"guid": "1"}, 405, "/api/job/update takes POST, not PUT"),
        (
            "POST",
            "/api/job/update",
            {"guid": "1", "Priority": "1"},
            400,
            "no document has the field Priority",
        ),
        ("POST", "/api/log/list", {"Level": "Info"}, 400, "no document has the field Level here"),
        ("PUT", "/api/process/update", {"ProcessVersionGuid": "1"}, 400, "no document has the field Process"),
        ("GET", "/api/robot/read/1", {}, 200, ""),
    ],
)
def test_strict_takes_nothing_on_one_documents_word(
    database: Path, method: str, path: str, body: dict[str, str], status: int, error: str
) -> None:
    office = Office(database, strict=True)
    answer = office.account.send(method, path, form=body)
    assert answer.status == status, answer.body
    assert status == 200 or answer.data["error"].startswith(error)
    office.app.close()
