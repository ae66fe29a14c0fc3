"""Robots, groups, processes, logs and storage: made, found, changed, listed and put away."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from orchctl.model import LogLevel
from orchctl.sandbox import admin
from orchctl.sandbox.app import open_app
from orchctl.sandbox.engine import logs, processes
from tests.sandbox.conftest import Clock, Orchestrator

# path word, what create needs beside a name, whether update is PUT
KINDS = {
    "robot": {},
    "robotGroup": {},
    "process": {},
    "folders": {},
    "asset": {},
    "account": {"Password": "p"},
}


@pytest.mark.parametrize("entity", list(KINDS))
@pytest.mark.parametrize("style", ["form", "json"])
def test_by_guid_name_and_number_in_both_body_styles(
    orchestrator: Orchestrator, entity: str, style: str
) -> None:
    name_key = "Login" if entity == "account" else "Name"
    fields = {name_key: "Счёт / 1", "Description": "d", **KINDS[entity]}
    made: dict[str, Any] = {style: fields}
    answer = orchestrator.ok("POST", f"/api/{entity}/create", **made)
    guid = answer.get("guid") or answer["GUID"]
    for key in (guid, guid.upper(), "Счёт / 1", "1"):
        read = orchestrator.get(entity, key)
        assert (read.get("guid") or read["GUID"]) == guid
        assert orchestrator.ok("GET", f"/api/{entity}/read", query={"Guid": key}) == read
    changed: dict[str, Any] = {style: {"guid": "1", name_key: "Новое имя"}}
    assert orchestrator.ok("PUT", f"/api/{entity}/update", **changed) == []
    read = orchestrator.get(entity, "Новое имя")
    assert entity == "account" or (read.get("description") or read["Description"]) == "d"
    assert orchestrator.send("GET", f"/api/{entity}/read/nope").status == 404
    for bad in ("", " ", "x" * 513):
        refused = orchestrator.send("PUT", f"/api/{entity}/update", json={"Guid": guid, name_key: bad})
        assert refused.status == 400, bad
    assert orchestrator.ok("DELETE", f"/api/{entity}/delete/{guid}") == []
    assert orchestrator.send("GET", f"/api/{entity}/read/{guid}").status == 404
    assert orchestrator.send("DELETE", f"/api/{entity}/delete/{guid}").status == 404


def test_the_list_of_robots_says_who_is_alive(orchestrator: Orchestrator, clock: Clock) -> None:
    ready, silent, never = (orchestrator.robot(name) for name in ("ready", "silent", "never"))
    fields = {"RobotGUID": silent, "Machine": "WS-01", "IP": "10.0.0.1", "MAC": "00:11", "Status": "2"}
    orchestrator.ok("POST", "/api/robot/heartbeat", form=fields)
    clock.forward(seconds=100)
    orchestrator.beat(ready)
    clock.forward(seconds=20)
    listed = {robot["Name"]: robot for robot in orchestrator.ok("GET", "/api/robot/read")}
    assert [robot["Status"] for robot in listed.values()] == [2, 0, 0]
    seen = [robot["LastHeartbeatAt"] for robot in listed.values()]
    assert seen == [1_700_000_100, 1_700_000_000, None]
    assert (listed["silent"]["Machine"], listed["silent"]["IP"], listed["silent"]["MAC"]) == (
        "WS-01",
        "10.0.0.1",
        "00:11",
    )
    assert orchestrator.ok("GET", f"/api/robot/getStatus/{ready}") == {"Status": 2}
    assert listed["never"]["GUID"] == never


@pytest.mark.parametrize("key", ["Status", "STATUS", "status"])
def test_a_robots_status_is_set(orchestrator: Orchestrator, key: str) -> None:
    robot = orchestrator.robot()
    orchestrator.ok("PUT", "/api/robot/setStatus", json={"GUID": robot, key: "1"})
    assert orchestrator.ok("GET", f"/api/robot/getStatus/{robot}") == {"Status": 1}
    for bad in (4, -1, "ready"):
        assert orchestrator.send("PUT", "/api/robot/setStatus", json={"GUID": robot, key: bad}).status == 400


def test_a_robots_guid_cannot_be_guessed(orchestrator: Orchestrator) -> None:
    """It is a credential: version 4, where others say when they were made."""
    assert orchestrator.robot()[14] == "4"


def in_group(orchestrator: Orchestrator, robot: str) -> bool:
    """Whether the robot sees what is for the group only."""
    from orchctl.sandbox.engine import robots

    return bool(orchestrator.app.engine.read(lambda tx: robots.groups_of(tx, robots.find(tx, robot))))


@pytest.mark.parametrize("style", ["form", "json"])
def test_one_url_two_meanings(orchestrator: Orchestrator, style: str) -> None:
    """With a robot in the body the robot goes, without a body the group (the reference's dangerous pair)."""
    robot, other = orchestrator.robot("R1"), orchestrator.robot("R2")
    group = orchestrator.group(robot, other)
    body: dict[str, Any] = {style: {"RobotGroupGuid": group, "RobotGuid": robot}}
    assert orchestrator.ok("DELETE", f"/api/robotGroup/delete/{group}", **body) == []
    assert orchestrator.get("robotGroup", group)["name"] == "G1"
    assert not in_group(orchestrator, robot)
    assert in_group(orchestrator, other)
    body = {style: {"RobotGroupGuid": group}}
    assert orchestrator.send("DELETE", f"/api/robotGroup/delete/{group}", **body).status == 400
    orchestrator.group(name="G2")
    body = {style: {"RobotGroupGuid": "G2", "RobotGuid": other}}
    assert orchestrator.send("DELETE", f"/api/robotGroup/delete/{group}", **body).status == 400
    assert in_group(orchestrator, other)
    body = {style: {"RobotGroupGuid": group, "RobotGuid": other}}
    assert orchestrator.ok("DELETE", "/api/robotGroup/removeRobot", **body) == []
    assert not in_group(orchestrator, other)
    assert orchestrator.ok("DELETE", f"/api/robotGroup/delete/{group}") == []
    assert orchestrator.send("GET", f"/api/robotGroup/read/{group}").status == 404


def test_a_process_runs_its_newest_version(orchestrator: Orchestrator) -> None:
    process = orchestrator.process("P", "v1", "v2")
    versions = orchestrator.ok("GET", "/api/processVersion/read")
    assert [version["name"] for version in versions] == ["v1", "v2"]
    assert {version["process_guid"] for version in versions} == {process}
    read = orchestrator.get("process", process)
    assert (read["process_version_guid"], read["process_version_id"]) == (versions[1]["guid"], "2")
    current = {"Guid": process, "ProcessVersionGuid": versions[0]["guid"]}
    orchestrator.ok("PUT", "/api/process/update", json=current)
    assert orchestrator.get("process", process)["process_version_name"] == "v1"
    orchestrator.ok("DELETE", f"/api/processVersion/delete/{versions[0]['guid']}")
    assert orchestrator.get("process", process)["process_version_name"] == "v2"
    orchestrator.ok("DELETE", "/api/processVersion/delete/v2")
    assert orchestrator.get("process", process)["process_version_guid"] is None


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_version_is_updated_by_either_method(orchestrator: Orchestrator, method: str) -> None:
    process = orchestrator.process("P", "v1")
    other = orchestrator.process("Q", "w1")
    upload = {"name": "ProcessFile", "filename": "два.robot", "content": b"\x00\r\n--8f3\xff"}
    fields = {"Guid": "v1", "Name": "v1b", "Description": "d"}
    orchestrator.ok(method, "/api/processVersion/update", multipart={"fields": fields, "files": [upload]})
    read = orchestrator.get("processVersion", "v1b")
    assert (read["process_file_name"], read["description"]) == ("два.robot", "d")
    answer = orchestrator.send("GET", "/api/processVersion/download/v1b")
    assert answer.body == b"\x00\r\n--8f3\xff"
    orchestrator.ok(method, "/api/processVersion/update", json={"Guid": "v1b", "ProcessGuid": other})
    assert orchestrator.get("process", process)["process_version_guid"] is None
    assert orchestrator.get("process", other)["process_version_name"] == "v1b"


def test_a_big_file_is_kept_as_it_came(orchestrator: Orchestrator) -> None:
    process = orchestrator.process()
    content = bytes(range(256)) * 40_000
    file = {"name": "ProcessFile", "filename": "big.robot", "content": content}
    fields = {"Name": "big", "ProcessGuid": process}
    version = orchestrator.ok(
        "POST", "/api/processVersion/create", multipart={"fields": fields, "files": [file]}
    )["guid"]
    kept = orchestrator.app.engine.read(
        lambda tx: processes.content_of(tx, processes.find_version(tx, version))
    )
    assert kept is not None
    assert hashlib.sha256(kept).digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ProcessGuid": "P1", "ProcessFile": "00ff"}, "Name is required"),
        ({"Name": "v"}, "ProcessGuid is required"),
        ({"Name": "v", "ProcessGuid": "P1"}, "ProcessFile is required"),
        ({"Name": "v", "ProcessGuid": "P1", "ProcessFile": "no base!"}, "ProcessFile must be a file of a"),
    ],
)
def test_what_is_no_version(orchestrator: Orchestrator, fields: dict[str, Any], error: str) -> None:
    orchestrator.process()
    answer = orchestrator.send("POST", "/api/processVersion/create", json=fields)
    assert answer.status == 400
    assert answer.data["error"].startswith(error)


@pytest.mark.parametrize(
    ("text", "content"), [("00ff41", b"\x00\xffA"), ("MFRGG===", b"abc"), ("mfrgg===", b"abc")]
)
def test_a_file_in_base_16_or_32(orchestrator: Orchestrator, text: str, content: bytes) -> None:
    """The reference's other way of sending one."""
    guid = orchestrator.ok("POST", "/api/files/create", json={"Name": "f", "file": text})["guid"]
    assert orchestrator.send("GET", f"/api/files/download/{guid}").body == content


def test_storage(orchestrator: Orchestrator) -> None:
    folder = orchestrator.ok("POST", "/api/folders/create", json={"Name": "F", "Description": "d"})["guid"]
    file = {"name": "file", "filename": "report.txt", "content": "first"}
    fields = {"Name": "отчёт.txt", "folder_guid": folder}
    made = orchestrator.ok("POST", "/api/files/create", multipart={"fields": fields, "files": [file]})
    read = orchestrator.get("files", made["guid"])
    assert (read["name"], read["folder_guid"], read["folder_name"], read["size"]) == (
        "отчёт.txt",
        folder,
        "F",
        "5",
    )
    assert orchestrator.ok("GET", "/api/files/read", json={"Name": "отчёт.txt"}) == read
    file["content"] = "second one"
    fields = {"Guid": made["guid"], "Name": "b.txt"}
    orchestrator.ok("PUT", "/api/files/update", multipart={"fields": fields, "files": [file]})
    orchestrator.ok("PUT", "/api/files/update", json={"Name": "b.txt", "Description": "d"})
    read = orchestrator.get("files", "b.txt")
    assert (read["size"], read["description"]) == ("10", "d")
    answer = orchestrator.send("GET", "/api/files/download/b.txt")
    assert answer.body == b"second one"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''b.txt"
    assert [one["name"] for one in orchestrator.ok("GET", "/api/folders/list")] == ["F"]
    orchestrator.ok("DELETE", f"/api/folders/delete/{folder}")
    assert orchestrator.ok("GET", "/api/files/read") == []
    with orchestrator.app.engine.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM stored_content").fetchone() == (0,)
    assert orchestrator.send("POST", "/api/files/create", json={"Name": "f"}).status == 400


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("Info", "Info"),
        ("critical", "Critical"),
        ("NOTICE", "Info"),
        (1, "Info"),
        ("3", "Error"),
        (None, "Info"),
    ],
)
def test_log_levels_as_words_and_numbers(orchestrator: Orchestrator, level: Any, shown: str) -> None:
    guid = orchestrator.ok("POST", "/api/log/create", json={"Message": "m", "Level": level})["guid"]
    assert orchestrator.get("log", guid)["Level"] == shown
    for bad in ("loud", 9):
        assert orchestrator.send("POST", "/api/log/create", json={"Message": "m", "Level": bad}).status == 400


def test_a_log_entry_says_whose_it_is(orchestrator: Orchestrator) -> None:
    robot, process = orchestrator.robot(), orchestrator.process("P", "main.py")
    version = orchestrator.get("process", process)["process_version_guid"]
    job = orchestrator.job(process, robot)
    fields = {
        "robot_guid": robot,
        "process_version_guid": version,
        "job_guid": job,
        "level": "Warning",
        "message": "строка\nвторая",
    }
    guid = orchestrator.ok("POST", "/api/log/create", form=fields)["guid"]
    orchestrator.ok("DELETE", f"/api/job/delete/{job}")
    read = orchestrator.get("log", guid)
    assert (read["robot_id"], read["process_version_id"], read["job_id"]) == ("1", "1", "1")
    assert (read["robot_name"], read["process_name"], read["job_guid"]) == ("R1", "P", job)
    assert (read["Level"], read["Message"]) == ("Warning", "строка\nвторая")
    late = orchestrator.send("POST", "/api/log/create", form=fields)
    assert late.status == 200, "what comes after the job was deleted is not lost"
    for key in ("robot_guid", "process_version_guid", "job_guid"):
        assert orchestrator.send("POST", "/api/log/create", form=fields | {key: "nope"}).status == 404
    assert orchestrator.send("POST", "/api/log/create", form={"level": "Info"}).status == 400


def test_a_job_says_whose_entry_it_is(orchestrator: Orchestrator) -> None:
    job = orchestrator.job(orchestrator.process(), orchestrator.robot())
    guid = orchestrator.ok("POST", "/api/log/create", json={"Message": "m", "JobGUID": job})["guid"]
    read = orchestrator.get("log", guid)
    assert (read["robot_name"], read["process_name"], read["process_version_name"]) == ("R1", "P1", "main.py")


def test_the_log_is_listed_and_filtered(orchestrator: Orchestrator, clock: Clock) -> None:
    first, second = orchestrator.robot("R1"), orchestrator.robot("R2")
    process = orchestrator.process()
    job = orchestrator.job(process, first)
    for number, (level, robot) in enumerate((("Debug", first), ("Error", second), ("Info", first))):
        fields = {"Level": level, "RobotGUID": robot, "Message": f"m{number}"}
        if robot == first:
            fields |= {"JobGUID": job, "ProcessVersionGUID": "1"}
        orchestrator.ok("POST", "/api/log/create", json=fields)
        clock.forward(seconds=10)

    def listed(**wanted: Any) -> str:
        found = orchestrator.ok("POST", "/api/log/list", json=wanted)
        return "".join(entry["Message"][1:] for entry in found)

    assert listed() == "012"
    assert listed(Level="Info") == "12"
    assert listed(level="critical") == ""
    assert listed(RobotGUID="R1") == listed(robot_guid=first) == "02"
    assert listed(JobGUID=job) == listed(ProcessGUID="P1") == listed(ProcessVersionGUID="1") == "02"
    assert listed(From="2023-11-14 22:13:30", To=1_700_000_015) == "1"
    assert listed(RobotGUID="R1", Level="Info") == "2"
    assert orchestrator.send("POST", "/api/log/list", json={"RobotGUID": "nope"}).status == 404


@pytest.mark.parametrize("style", ["form", "json"])
def test_purge_takes_what_came_before(orchestrator: Orchestrator, clock: Clock, style: str) -> None:
    for number in range(3):
        orchestrator.ok("POST", "/api/log/create", json={"Message": f"m{number}"})
        clock.forward(seconds=10)
    body: dict[str, Any] = {style: {"Time": "1700000010"}}
    assert orchestrator.ok("DELETE", "/api/log/purge", **body) == []
    assert [entry["Message"] for entry in orchestrator.ok("POST", "/api/log/list")] == ["m1", "m2"]
    for bad in ({}, {"Time": ""}, {"Time": "0"}, {"Time": "soon"}):
        assert orchestrator.send("DELETE", "/api/log/purge", json=bad).status == 400
    assert len(orchestrator.ok("POST", "/api/log/list")) == 2


def test_the_log_is_kept_for_half_a_year(orchestrator: Orchestrator, clock: Clock) -> None:
    def fill(tx: Any) -> None:
        for _ in range(2500):
            logs.create(tx, LogLevel.INFO, "old")

    orchestrator.app.engine.write(fill)
    clock.forward(hours=24 * 100)
    orchestrator.ok("POST", "/api/log/create", json={"Message": "young"})
    assert len(orchestrator.ok("POST", "/api/log/list")) == 2501, "in pieces, and whole"
    clock.forward(hours=24 * 80)
    assert [entry["Message"] for entry in orchestrator.ok("POST", "/api/log/list")] == ["young"]


def test_reset_empties_everything(database: Path) -> None:
    app = open_app(str(database), in_process=True)
    client = Orchestrator(app)
    client.group(client.robot())
    client.job(client.process(), "R1")
    client.queue()
    client.ok("POST", "/api/asset/create", json={"Name": "A"})
    client.ok("POST", "/api/log/create", json={"Message": "m"})
    client.ok("POST", "/api/files/create", json={"Name": "f", "file": "00"})
    assert admin.reset(database) >= 9
    for path in ("robot", "robotGroup", "job", "process", "processVersion", "asset", "files", "queue"):
        assert client.ok("GET", f"/api/{path}/read") == []
    assert client.ok("POST", "/api/log/list") == []
    client.job(client.process(), client.robot())
    app.close()
