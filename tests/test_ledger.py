"""The ledger: what is on the disk before a request is sent, and what a cut-off run leaves behind."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchctl.errors import LocalFault
from orchctl.ledger import Intent, Ledger
from tests.conftest import Home
from tests.faults import Connection, FaultServer, message

SYSTEM = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
PROCESS = "c39f99de-cb8f-4661-a206-b282a4830cbf"
INTENT = Intent(queue=PROCESS, queue_name="Invoices", payload={"a": [1, "x"]}, priority="high", name="N")


def ledger(path: Path, secret: str | None = None) -> Ledger:
    return Ledger(path / "ledger" / "x.jsonl", secret=lambda: secret)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    assert book.entries() == []
    one, two, three = book.intend(INTENT), book.intend(INTENT), book.intend(INTENT)
    book.created(one, "955")
    book.rejected(two)
    book.saw(one, {"status": "success", "output": {"a": 1}})
    for seen in (book, ledger(tmp_path)):
        entries = seen.entries()
        assert [(entry.number, entry.task_id) for entry in entries] == [(one, "955"), (three, None)]
        assert entries[0].intent == INTENT
        assert entries[0].seen == {"status": "success", "output": {"a": 1}}
    assert ledger(tmp_path).intend(INTENT) == 4  # the number of a rejected one is not used again


def test_a_torn_last_line_is_nobodys_loss(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.created(book.intend(INTENT), "1")
    whole = book.path.read_bytes()
    for cut in range(1, 60):
        book.path.write_bytes(whole + whole[:cut])
        other = ledger(tmp_path)
        assert [entry.task_id for entry in other.entries()] == ["1"]
        other.created(other.intend(INTENT), "2")
        assert [entry.task_id for entry in ledger(tmp_path).entries()] == ["1", "2"]


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.created(book.intend(INTENT), "1")
    book.path.write_bytes(
        b"\0\0\0\n[]\n{}\n" + book.path.read_bytes() + b'{"entry": 9, "id": "7", "at": "2026-01-01"}\n'
    )
    other = ledger(tmp_path)
    assert [entry.task_id for entry in other.entries()] == ["1"]
    assert other.damaged == 3


def test_the_secret_is_not_written_and_comes_back(tmp_path: Path) -> None:
    book = ledger(tmp_path, SYSTEM)
    payload: Any = {"url": f"http://x/f?system={SYSTEM}", "more": [SYSTEM]}
    book.intend(Intent(queue=PROCESS, queue_name="I", payload=payload))
    assert SYSTEM not in book.path.read_text()
    (entry,) = ledger(tmp_path, SYSTEM).entries()
    assert book.restored(entry.intent.payload) == payload
    assert book.shown(entry.intent.payload) == {"url": "http://x/f?system=***", "more": ["***"]}
    assert book.hidden(payload) == {"url": "http://x/f?system=***", "more": ["***"]}


def _write(path: str, count: int) -> None:
    book = ledger(Path(path))
    for _ in range(count):
        book.created(book.intend(INTENT), "1")


def test_several_processes_write_one_ledger(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(tmp_path), 25)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    entries = ledger(tmp_path).entries()
    assert [entry.number for entry in entries] == list(range(1, 76))
    assert {entry.task_id for entry in entries} == {"1"}


def test_a_place_that_cannot_be_written_is_a_local_fault(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file")
    with pytest.raises(LocalFault):
        ledger(tmp_path).intend(INTENT)


# Before a server that misbehaves


class Server:
    """An ELMA server of one process; ``on_create`` is what happens to a create."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.tasks: dict[int, str] = {}
        self.on_create: Any = None
        self.on_cancel: Any = None
        server.plan(self.step)

    def step(self, connection: Connection) -> Any:
        seen = connection.read()
        body = json.loads(seen.body)
        path = seen.target
        if path.endswith("/find"):
            version = {"uuid": PROCESS, "token": PROCESS, "version": 1, "name": "Invoices"}
            return answer(connection, {"status": 200, "process": version})
        if path.endswith("/context"):
            return answer(connection, {"status": 200, "ctx": [{"name": "a", "type": "int", "scope": "In"}]})
        if path.endswith("/create"):
            return self.create(connection)
        if path.endswith("/cancel"):
            self.tasks[body["id"]] = "CANCEL"
            connection.server.act(True)
            return self.on_cancel(connection)
        if body["id"] not in self.tasks:
            return answer(connection, {"status": 404})
        return answer(connection, {"status": 200, "task": self.task(body["id"])})

    def create(self, connection: Connection) -> Any:
        if self.on_create is None or self.on_create in AFTER.values():
            connection.server.act(True)
            self.tasks[len(self.tasks) + 1] = "QUEUE"
        if self.on_create is not None:
            return self.on_create(connection)
        return answer(connection, {"status": 201, "task": self.task(len(self.tasks))})

    def task(self, ident: int) -> dict[str, Any]:
        return {"id": ident, "process": PROCESS, "status": self.tasks[ident], "priority": "MEDIUM"}


def answer(connection: Connection, body: Any, status: int = 200) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.send(message(status, data))


AFTER = {
    "reset": lambda connection: connection.reset(),
    "close": lambda connection: connection.close(),
    "500": lambda connection: answer(connection, b"oops", 500),
    "502 page": lambda connection: answer(connection, b"<html>bad gateway</html>", 502),
    "body 500": lambda connection: answer(connection, {"status": 500}),
    "page": lambda connection: answer(connection, b"<html>login</html>"),
    "garbage": lambda connection: answer(connection, b"{"),
    "no task": lambda connection: answer(connection, {"status": 201}),
}
BEFORE = {
    "400": (1, lambda connection: answer(connection, {"status": 400, "ErrorMessage": "bad ctx"})),
    "http 403": (3, lambda connection: answer(connection, {"status": 403}, 403)),
    "409": (5, lambda connection: answer(connection, {"status": 409})),
    "no route": (1, lambda connection: answer(connection, b"nothing here", 404)),
}


@pytest.fixture
def elma() -> Iterator[Server]:
    with FaultServer() as running:
        yield Server(running)


@pytest.fixture
def env(elma: Server) -> Mapping[str, str]:
    return {"ORCHCTL_URL": elma.server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}


CREATE = ("task", "create", "-q", PROCESS, "-p", "a=1")


@pytest.mark.parametrize("fault", AFTER)
def test_a_create_whose_answer_was_lost_is_unknown(
    fault: str, elma: Server, env: Mapping[str, str], orchctl: Any
) -> None:
    elma.on_create = AFTER[fault]
    result = orchctl(*CREATE, "-o", "json", env=env)
    assert (result.code, result.out) == (11, ""), result.err
    assert "look in the Orchestrator for a task of the process 'Invoices'" in result.error["hint"]
    assert elma.server.effects == 1  # and it was not sent again
    listed = orchctl("task", "list", "-o", "json", env=env)
    (task,) = listed.json
    assert (task["id"], task["status"], task["payload"], task["queue"]) == (
        "ledger:1",
        "unknown",
        {"a": 1},
        "Invoices",
    )
    assert "of ledger:1 it is not known whether it was created" in listed.err
    assert orchctl("task", "get", "ledger:1", env=env).code == 0
    assert orchctl("task", "cancel", "ledger:1", env=env).code == 5
    assert orchctl("task", "retry", "ledger:1", env=env).code == 5
    assert orchctl("queue", "stats", "Invoices", "-o", "json", env=env).json["unknown"] == 1
    assert elma.server.effects == 1
    elma.on_create = None
    clone = orchctl("task", "clone", "ledger:1", "-o", "json", env=env)
    assert clone.code == 0, clone.err
    assert clone.json["payload"] == {"a": 1}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_create_that_was_rejected_leaves_nothing(
    fault: str, elma: Server, env: Mapping[str, str], orchctl: Any
) -> None:
    code, elma.on_create = BEFORE[fault]
    assert orchctl(*CREATE, env=env).code == code
    assert orchctl("task", "list", env=env).out == ""
    assert elma.server.effects == 0


def test_the_intent_is_on_the_disk_before_the_request(
    elma: Server, env: Mapping[str, str], orchctl: Any, home: Home
) -> None:
    found: list[str] = []

    def look(connection: Connection) -> None:
        found.extend(path.read_text() for path in (home.path / "state").rglob("ledger/*.jsonl"))
        answer(connection, {"status": 409})

    elma.on_create = look
    orchctl(*CREATE, env=env)
    (text,) = found
    assert json.loads(text)["intent"]["payload"] == {"a": 1}


def test_a_ledger_that_cannot_be_written_keeps_the_request_back(
    elma: Server, env: Mapping[str, str], orchctl: Any, home: Home
) -> None:
    (home.path / "state").mkdir()
    (home.path / "state" / "orchctl").write_text("in the way")
    result = orchctl(*CREATE, env=env)
    assert result.code == 12, result.err
    assert elma.server.effects == 0


def test_a_run_that_is_killed_while_it_creates_is_remembered(
    elma: Server, env: Mapping[str, str], orchctl: Any, home: Home
) -> None:
    reached = threading.Event()

    def hang(connection: Connection) -> None:
        reached.set()
        connection.server.stopping.wait(30)
        connection.close()

    elma.on_create = hang
    words = [sys.executable, "-m", "orchctl", *CREATE]
    process = subprocess.Popen(
        words, env={**home.env, **env, "PATH": ""}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert reached.wait(30)
    process.kill()
    process.wait()
    (task,) = orchctl("task", "list", "-o", "json", env=env).json
    assert (task["id"], task["status"]) == ("ledger:1", "unknown")


def test_a_cancel_whose_answer_was_lost_is_looked_up(
    elma: Server, env: Mapping[str, str], orchctl: Any
) -> None:
    elma.tasks = {7: "QUEUE"}
    elma.on_cancel = lambda connection: connection.reset()
    result = orchctl("task", "cancel", "7", "-o", "json", env=env)
    assert (result.code, result.json["status"]) == (0, "cancelled")
    assert elma.server.effects == 1


def test_a_task_that_the_server_forgot(elma: Server, env: Mapping[str, str], orchctl: Any) -> None:
    assert orchctl(*CREATE, env=env).code == 0
    elma.tasks.clear()
    assert orchctl("task", "get", "1", env=env).code == 4
    (task,) = orchctl("task", "list", "-o", "json", env=env).json
    assert (task["id"], task["status"], task["payload"]) == ("1", "deleted", {"a": 1})
    elma.server.requests.clear()
    orchctl("task", "list", env=env)
    assert elma.server.requests == []  # what has ended is not asked about again


def test_a_ledger_belongs_to_one_server(elma: Server, env: Mapping[str, str], orchctl: Any) -> None:
    assert orchctl(*CREATE, env=env).code == 0
    other = {**env, "ORCHCTL_URL": f"{env['ORCHCTL_URL']}/rpa"}
    assert orchctl("task", "list", env=other).out == ""
    same = {**env, "ORCHCTL_URL": f"{env['ORCHCTL_URL']}/"}
    assert orchctl("task", "list", "-o", "name", env=same).out == "1\n"
