"""Every call of the documents on queues, robots and jobs, made by a plain HTTP client against ``sandbox serve``.

By GUID and by name, as a form and as JSON, and step by step as their Python code makes them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests

from orchctl.sandbox import admin

CYRILLIC = "ПТС"


@dataclass(frozen=True)
class Server:
    host: str
    key: str

    def account(self) -> dict[str, str]:
        return authorization(self.key)

    def made(self, path: str, **body: Any) -> str:
        answer = requests.post(self.host + path, headers=self.account(), timeout=30, **body)
        assert answer.status_code == 200, answer.text
        return str(answer.json().get("guid") or answer.json()["GUID"])


def authorization(guid: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(guid.encode("utf-8")).decode("utf-8")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = tmp_path_factory.mktemp("seeds") / "sandbox.db"
    command = [sys.executable, "-m", "orchctl", "sandbox", "serve", "--port", "0", "--db", str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process.stdout.readline().strip(), admin.key(database))
        finally:
            process.terminate()


@dataclass(frozen=True)
class World:
    """What an administrator has made; ``keys`` are GUIDs or names."""

    server: Server
    robot: str
    keys: dict[str, str]
    style: str

    def send(self, method: str, path: str, fields: dict[str, Any] | None = None) -> requests.Response:
        body: dict[str, Any] = {}
        if fields is not None:
            body = {"data": fields} if self.style == "form" else {"json": fields}
        return requests.request(
            method,
            self.server.host + path,
            headers=authorization(self.robot),
            verify=False,
            timeout=30,
            **body,
        )

    def ok(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        answer = self.send(method, path, fields)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)


@pytest.fixture(params=["form", "json"])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["guid", "name"])
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(server: Server, style: str, by: str, request: pytest.FixtureRequest) -> World:
    """Names are of their own for each test: Sherpa does not make them unique, and one server is for all."""
    own = f"{request.node.name} / счёт"
    names = {kind: f"{kind} of {own}" for kind in ("queue", "robot", "process", "asset")}
    names["version"] = f"C:\\robots\\{own}.py"
    guids = {
        "queue": server.made("/api/queue/create", json={"Name": names["queue"]}),
        "robot": server.made("/api/robot/create", json={"Name": names["robot"]}),
        "process": server.made("/api/process/create", json={"Name": names["process"], "ProcessType": 0}),
        "asset": server.made(
            "/api/asset/create",
            json={"Name": names["asset"], "Type": 1, "Text": "login", "Password": "old", "RobotType": 3},
        ),
    }
    guids["version"] = server.made(
        "/api/processVersion/create",
        data={"Name": names["version"], "ProcessGuid": guids["process"]},
        files={"ProcessFile": ("new-file.robot", b"\x00 a .robot file")},
    )
    return World(server, guids["robot"], guids if by == "guid" else names, style)


def quoted(key: str) -> str:
    return quote(key, safe="")


def test_seed_000(world: World) -> None:
    """Queues, tasks, resources and logs, with the robot's GUID."""
    keys = world.keys
    parameters = {"query_id": "123", "query_link": "D:\\CommonFolder\\Packet123.zip", "doc_type": CYRILLIC}
    new_task = {"queue_guid": keys["queue"], "name": "Новая задача", "parameters": json.dumps(parameters)}
    added = world.ok("POST", "/api/task/create", new_task)
    assert list(added) == ["guid"]
    task = world.ok("GET", f"/api/queue/lastTask/{quoted(keys['queue'])}")
    assert (task["guid"], task["status"], task["parameters"]) == (added["guid"], "0", parameters)
    for status in (1, 2):
        assert world.ok("PUT", "/api/task/update", {"guid": task["guid"], "status": status}) == []
    assert world.ok("GET", f"/api/queue/lastTask/{quoted(keys['queue'])}") == []
    asset = world.ok("GET", f"/api/asset/read/{quoted(keys['asset'])}")
    assert (asset["text"], asset["password"]) == ("login", "old")
    update = {"guid": keys["asset"], "text": "new text", "password": "new password"}
    assert world.ok("PUT", "/api/asset/update", update) == []
    asset = world.ok("GET", f"/api/asset/read/{quoted(keys['asset'])}")
    assert (asset["text"], asset["password"]) == ("new text", "new password")
    job_fields = {"ProcessGUID": keys["process"], "RobotGUID": keys["robot"]}
    job = world.ok("POST", "/api/job/create", job_fields)["guid"]
    for level in ("Info", "Critical", "Error", "Warning", "Debug"):
        log = {
            "robot_guid": keys["robot"],
            "process_version_guid": keys["version"],
            "job_guid": job,
            "level": level,
            "message": "New message",
        }
        assert world.ok("POST", "/api/log/create", log)["guid"]


def test_a_task_by_name_and_by_guid(world: World) -> None:
    """Since 1.27 names do for queues, tasks and resources."""
    name = f"task of {world.keys['queue']}"
    guid = world.ok("POST", "/api/task/create", {"queue_guid": world.keys["queue"], "name": name})["guid"]
    for key in (guid, name):
        assert world.ok("GET", f"/api/task/read/{quoted(key)}")["guid"] == guid
        assert world.ok("PUT", "/api/task/update", {"guid": key, "status": 0}) == []
    assert world.ok("PUT", "/api/task/update", {"guid": name, "status": 1}) == []
    assert world.send("PUT", "/api/task/update", {"guid": name, "status": 1}).status_code == 409
    assert world.ok("DELETE", f"/api/task/delete/{quoted(name)}") == {"result": "1"}


def test_seed_001(world: World) -> None:
    """The algorithm of the Python framework, from the first heartbeat to the last."""
    keys = world.keys

    def heartbeat(status: int, job_guid: str = "", job_name: str = "") -> tuple[int, str, int]:
        told = world.ok(
            "POST",
            "/api/robot/heartbeat",
            {
                "RobotGUID": keys["robot"],
                "Machine": "WS-01",
                "IP": "192.168.1.20",
                "MAC": "00:11:22:33:44:55",
                "Status": status,
                "JobGUID": job_guid,
                "JobName": job_name,
                "JobType": 1,
            },
        )
        return told["HeartbeatErrorCode"], told["ErrorText"], told["HasNewJob"]

    assert heartbeat(2) == (0, "", 0)
    queued = {"queue_guid": keys["queue"], "name": "T", "parameters": '{"n": 1}'}
    task_guid = world.ok("POST", "/api/task/create", queued)["guid"]
    for wanted, asked, code in ((4, None, 0), (7, 6, 20), (3, 2, 10)):
        created = {"ProcessGUID": keys["process"], "RobotGUID": keys["robot"], "TaskGUID": task_guid}
        world.ok("POST", "/api/job/create", created)
        assert heartbeat(2) == (0, "", 1)
        consumed = world.ok("POST", "/api/robot/consumeNextJob", {"RobotGUID": keys["robot"]})
        assert (consumed["ConsumeJobErrorCode"], consumed["ErrorText"]) == (0, "")
        job_guid = json.loads(consumed["Job"])["GUID"]
        script = json.loads(consumed["ProcessVersion"])["Name"]
        assert script.startswith("C:\\robots\\")
        assert json.loads(consumed["Task"])["parameters"] == {"n": 1}
        assert world.ok("PUT", "/api/job/update", {"guid": job_guid, "status": 8}) == []
        assert heartbeat(3, job_guid, script) == (0, "", 0)
        if asked is not None:
            assert world.ok("PUT", "/api/job/update", {"guid": job_guid, "status": asked}) == []
            assert heartbeat(3, job_guid, script)[0] == code
        assert world.ok("PUT", "/api/job/update", {"guid": job_guid, "status": wanted}) == []
        assert world.ok("GET", f"/api/job/read/{job_guid}")["status"] == wanted
    assert heartbeat(2) == (0, "", 0)
    consumed = world.ok("POST", "/api/robot/consumeNextJob", {"RobotGUID": keys["robot"], "Status": 2})
    assert consumed["ConsumeJobErrorCode"] == 102
    unknown = "00000000-0000-4000-8000-000000000000"
    assert world.ok("POST", "/api/robot/heartbeat", {"RobotGUID": unknown})["HeartbeatErrorCode"] == 101
    assert world.ok("POST", "/api/robot/consumeNextJob", {"RobotGUID": unknown})["ConsumeJobErrorCode"] == 101


def test_seed_003(world: World) -> None:
    """Jobs as the reference has them, as the account; its slips repaired."""
    keys = world.keys
    office = World(world.server, world.server.key, keys, world.style)
    job = office.ok("POST", "/api/job/create", {"ProcessGUID": keys["process"], "RobotGUID": keys["robot"]})[
        "guid"
    ]
    slip = office.send("POST", "/api/job/create", {"Guid": job})
    assert slip.status_code == 400
    assert "a Guid alone" in slip.json()["error"]
    read = office.ok("GET", f"/api/job/read/{job}")
    documented = ["status", "process_version_id", "robot_id", "account_id", "schedule_id", "stop_after"]
    assert list(read)[:8] == [*documented, "created_at", "updated_at"]
    assert read["status"] == 1
    version = office.ok("GET", f"/api/processVersion/read/{quoted(keys['version'])}")
    assert (version["process_file_name"], version["id"]) == ("new-file.robot", read["process_version_id"])
    assert office.ok("POST", "/api/job/update", {"Guid": job, "Status": 8}) == []
    assert office.ok("GET", f"/api/job/read/{job}")["status"] == 8
    assert office.ok("DELETE", f"/api/job/delete/{job}") == []
    assert office.send("GET", f"/api/job/read/{job}").status_code == 404
