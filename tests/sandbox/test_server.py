"""The sandbox over real HTTP: it starts, takes a crowd, survives being killed, and ends as it is told."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchctl.errors import LocalFault, UsageFault
from orchctl.sandbox import admin, server
from orchctl.sandbox.app import BODY_LIMIT, open_app
from orchctl.sandbox.server import serve, serving
from tests.sandbox.conftest import Orchestrator

SERVE = (
    "import sys; from orchctl.sandbox.server import serve;"
    "sys.exit(serve(sys.argv[1], port=0, ready=lambda url: print(url, flush=True)))"
)


class Client:
    """One connection kept alive."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {
            "Authorization": "Basic " + b64encode(key.encode()).decode(),
            "Content-Type": "application/json",
        }

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        self._connection.request(method, path, json.dumps(body) if body else None, self._headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def process(database: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    argv = [sys.executable, "-c", SERVE, str(database)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, int(running.stdout.readline().rpartition(":")[2])
        finally:
            running.kill()


@pytest.fixture
def port(database: Path) -> Iterator[int]:
    app = open_app(str(database))
    with serving(app) as url:
        yield int(url.rpartition(":")[2])
    app.close()


@pytest.fixture
def client(port: int, database: Path) -> Iterator[Client]:
    client = Client(port, admin.key(database))
    yield client
    client.close()


def test_two_hundred_robots_take_each_task_once(port: int, database: Path, client: Client) -> None:
    """With lastTask and update, as the documents show it: the update is the claim."""
    key = admin.key(database)
    assert client.send("POST", "/api/queue/create", {"Name": "Q"})[0] == 200
    guids = {
        client.send("POST", "/api/task/create", {"Name": f"T{n}", "QueueGuid": "Q"})[1]["guid"]
        for n in range(30)
    }

    def robot(_: int) -> list[str]:
        taken = []
        own = Client(port, key)
        while task := own.send("GET", "/api/queue/lastTask/Q")[1]:
            status, _ = own.send("PUT", "/api/task/update", {"guid": task["guid"], "status": 1})
            assert status in (200, 409)
            if status == 200:
                taken.append(task["guid"])
        own.close()
        return taken

    with ThreadPoolExecutor(200) as pool:
        taken = [guid for one in pool.map(robot, range(200)) for guid in one]
    assert len(taken) == 30
    assert set(taken) == guids


def test_killed_it_has_lost_nothing_it_acknowledged(database: Path) -> None:
    key = admin.init(database).key
    acknowledged: list[str] = []
    with process(database) as (running, port):
        first = Client(port, key)
        first.send("POST", "/api/queue/create", {"Name": "Q"})
        first.close()
        enough = threading.Event()

        def write(number: int) -> None:
            client = Client(port, key)
            try:
                while True:
                    _, made = client.send(
                        "POST", "/api/task/create", {"Name": f"T{number}", "QueueGuid": "Q"}
                    )
                    acknowledged.append(made["guid"])
                    if len(acknowledged) >= 300:
                        enough.set()
            except (OSError, http.client.HTTPException):
                client.close()

        with ThreadPoolExecutor(16) as pool:
            for number in range(16):
                pool.submit(write, number)
            assert enough.wait(60)
            running.kill()
    app = open_app(str(database), in_process=True)
    kept = {task["guid"] for task in Orchestrator(app).list("Q")}
    app.close()
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + 16, "and at most what was in flight besides"


def test_a_server_and_users_in_process_share_one_database(database: Path) -> None:
    key = admin.init(database).key
    app = open_app(str(database), in_process=True)
    local = Orchestrator(app)
    local.queue("Q", UniqueTasks=1)
    with process(database) as (_, port):

        def over_http(number: int) -> int:
            client = Client(port, key)
            status, _ = client.send("POST", "/api/task/create", {"Name": f"T{number}", "QueueGuid": "Q"})
            client.close()
            return status

        def in_process(number: int) -> int:
            sent = {"Name": f"T{number}", "QueueGuid": "Q"}
            return local.send("POST", "/api/task/create", json=sent).status

        with ThreadPoolExecutor(8) as pool:
            one, two = pool.map(over_http, range(50)), pool.map(in_process, range(50))
            statuses = sorted(pair for pair in zip(one, two, strict=True))
    assert set(statuses) <= {(200, 409), (409, 200)}, "each unique name was taken once"
    assert len(local.list("Q")) == 50
    app.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, -signal.SIGINT)])
def test_it_ends_as_it_is_told(database: Path, number: int, code: int) -> None:
    key = admin.init(database).key
    with process(database) as (running, port):
        client = Client(port, key)  # left open: an idle connection must not hold the server
        assert client.send("GET", "/api/queue/read") == (200, [])
        running.send_signal(number)
        assert running.wait(10) == code
        assert running.stderr is not None
        if code == 0:
            assert running.stderr.read() == ""
        client.close()
    assert not database.with_name("sandbox.db-wal").exists()


def raw(port: int, data: bytes, *, hang_up: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_a_body_that_is_too_large_is_refused_unread(port: int) -> None:
    head = f"POST /api/queue/create HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n"
    answer = raw(port, head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in answer


def test_garbage_and_half_a_request_leave_the_server_well(port: int, client: Client) -> None:
    assert raw(port, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert (
        raw(
            port,
            b"POST /api/queue/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nName=",
            hang_up=True,
        )
        == b""
    )
    assert client.send("GET", "/api/queue/read") == (200, [])


def test_head_and_405_over_http(port: int, database: Path) -> None:
    credential = b64encode(admin.key(database).encode())
    tail = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic " + credential + b"\r\n\r\n"
    head, _, body = raw(port, b"HEAD /api/queue/read" + tail).partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"")
    assert b"content-length: 2" in head
    head, _, _ = raw(port, b"POST /api/queue/read" + tail).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"allow: GET, HEAD" in head


def test_a_long_list_streams_and_a_reader_that_leaves_is_let_go(
    port: int, database: Path, client: Client
) -> None:
    app = open_app(str(database), in_process=True)
    local = Orchestrator(app)
    local.queue("Q")
    for number in range(3000):
        local.task(f"T{number}", "Q", Description="d" * 500)
    status, listed = client.send("POST", "/api/task/filter/list/Q", {"Name": "Q"})
    assert (status, len(listed)) == (200, 3000)
    credential = b64encode(admin.key(database).encode())
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(
            b"POST /api/task/filter/list/Q HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
            + credential
            + b"\r\n\r\n"
        )
        assert leaving.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert client.send("POST", "/api/task/create", {"Name": "after", "QueueGuid": "Q"})[0] == 200
    app.close()


def test_the_address_is_taken(port: int, tmp_path: Path) -> None:
    with pytest.raises(LocalFault, match=f"cannot listen on 127.0.0.1:{port}: ") as fault:
        serve(str(tmp_path / "other.db"), port=port, ready=print)
    assert fault.value.hint == "choose another --port, or 0"
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_open_access_is_for_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageFault, match="open access is for this machine only"):
        serve(str(tmp_path / "x.db"), host=host, port=0, open_access=True, ready=print)


def test_answers_come_at_once() -> None:
    """asyncio switches Nagle's algorithm off only where the protocol is named: else 44 ms an answer."""
    with server._listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
