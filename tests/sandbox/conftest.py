"""Fixtures: the sandbox in process with a clock that a test sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from orchctl.sandbox import admin
from orchctl.sandbox.app import App, Request
from orchctl.sandbox.engine import Engine
from orchctl.sandbox.store import Store
from orchctl.sandbox.wire.sherpa import Sherpa

START = 1_700_000_000_000  # 2023-11-14 22:13:20


class Clock:
    """Milliseconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0, hours: float = 0) -> None:
        self.now += round((seconds + hours * 3600) * 1000)


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Orchestrator:
    """Sherpa's wire as a client sees it."""

    def __init__(self, app: App, headers: Mapping[str, str] | None = None) -> None:
        self.app = app
        self.headers = dict(headers or {})

    def send(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        multipart: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        sent = {**self.headers, **{name.lower(): value for name, value in (headers or {}).items()}}
        if form is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        if json is not None:
            sent["content-type"] = "application/json"
            body = dumps(json)
        if multipart is not None:
            sent["content-type"] = "multipart/form-data; boundary=8f3c"
            body = multipart_body(multipart)
        response = self.app.handle(Request(method, path, urlencode(query or {}), sent, body))
        whole = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return Answer(response.status, dict(response.headers), whole)

    def queue(self, name: str = "Invoices", **fields: Any) -> str:
        return self._made("/api/queue/create", {"Name": name, **fields})

    def task(self, name: str = "INV-1", queue: str = "Invoices", **fields: Any) -> str:
        return self._made("/api/task/create", {"Name": name, "QueueGuid": queue, **fields})

    def read(self, key: str) -> Any:
        answer = self.send("GET", f"/api/task/read/{quote(key, safe='')}")
        assert answer.status == 200, answer.body
        return answer.data

    def status(self, key: str) -> int:
        return int(self.read(key)["status"])

    def update(self, key: str, **fields: Any) -> Answer:
        return self.send("PUT", "/api/task/update", json={"Guid": key, **fields})

    def next(self, queue: str = "Invoices") -> str | None:
        """The name of the task to take next."""
        data = self.send("GET", f"/api/queue/lastTask/{queue}").data
        return data["name"] if data else None

    def take(self, queue: str = "Invoices") -> str | None:
        name = self.next(queue)
        if name is not None:
            assert self.update(name, Status=1).status == 200
        return name

    def list(self, queue: str = "Invoices") -> Any:
        return self.send("POST", f"/api/task/filter/list/{queue}", json={"Name": queue}).data

    def robot(self, name: str = "R1") -> str:
        return str(self.ok("POST", "/api/robot/create", json={"Name": name})["GUID"])

    def group(self, *robots: str, name: str = "G1") -> str:
        group = str(self.ok("POST", "/api/robotGroup/create", json={"Name": name})["GUID"])
        for robot in robots:
            fields = {"RobotGroupGuid": group, "RobotGuid": robot}
            assert self.ok("PUT", "/api/robotGroup/addRobot", json=fields) == []
        return group

    def process(self, name: str = "P1", *versions: str) -> str:
        """A process with a version of each name, by default one."""
        guid = self._made("/api/process/create", {"Name": name})
        for version in versions or ("main.py",):
            fields = {"Name": version, "ProcessGuid": guid}
            file = {"name": "ProcessFile", "filename": "new-file.robot", "content": "a .robot file"}
            self.ok("POST", "/api/processVersion/create", multipart={"fields": fields, "files": [file]})
        return guid

    def job(self, process: str, robot: str | None = None, **fields: Any) -> str:
        target = {} if robot is None else {"RobotGUID": robot}
        return self._made("/api/job/create", {"ProcessGUID": process, **target, **fields})

    def get(self, entity: str, key: str) -> Any:
        return self.ok("GET", f"/api/{entity}/read/{quote(key, safe='')}")

    def job_status(self, key: str) -> int:
        return int(self.get("job", key)["status"])

    def set_job(self, key: str, status: int) -> Answer:
        return self.send("PUT", "/api/job/update", form={"guid": key, "status": str(status)})

    def beat(self, robot: str, status: int = 2, job: str = "") -> tuple[int, int]:
        """A heartbeat's code, and whether there is a new job."""
        fields = {"RobotGUID": robot, "Status": str(status), "JobGUID": job, "JobName": "", "JobType": "1"}
        told = self.ok("POST", "/api/robot/heartbeat", form=fields)
        return told["HeartbeatErrorCode"], told["HasNewJob"]

    def consume(self, robot: str) -> str | int:
        """The GUID of the job that the robot is given, or the code that says why it is given none."""
        told = self.ok("POST", "/api/robot/consumeNextJob", form={"RobotGUID": robot})
        if told["ConsumeJobErrorCode"]:
            return int(told["ConsumeJobErrorCode"])
        return str(json.loads(told["Job"])["GUID"])

    def ok(self, method: str, path: str, **body: Any) -> Any:
        answer = self.send(method, path, **body)
        assert answer.status == 200, answer.body
        return answer.data

    def _made(self, path: str, fields: Mapping[str, Any]) -> str:
        answer = self.send("POST", path, json=fields)
        assert answer.status == 200, answer.body
        return str(answer.data["guid"])


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def multipart_body(multipart: Mapping[str, Any]) -> bytes:
    """As the fixtures of the wire write it down: fields, and files with their names and contents."""
    parts = [(f'name="{name}"', str(value).encode()) for name, value in multipart["fields"].items()]
    for file in multipart["files"]:
        content = file["content"]
        whole = content if isinstance(content, bytes) else content.encode()
        parts.append((f'name="{file["name"]}"; filename="{file["filename"]}"', whole))
    lines = [
        b"--8f3c\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    ]
    return b"".join(lines) + b"--8f3c--\r\n"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


@pytest.fixture
def orchestrator(database: Path, clock: Clock) -> Iterator[Orchestrator]:
    store, _ = admin.open_store(database)
    engine = Engine(store, clock=clock)
    app = App(engine, [Sherpa(engine, key=None, open_access=False, strict=False)])
    yield Orchestrator(app)
    app.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.db")
    yield store
    store.close()
