"""ELMA's wire of the sandbox answers as the documents print it, and keeps the rules that they name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchctl.errors import NotFound, Refused, UsageFault
from orchctl.sandbox import acting, admin, playing
from orchctl.sandbox.acting import variable
from orchctl.sandbox.app import App, Request
from orchctl.sandbox.courier import Courier, set_reach
from orchctl.sandbox.engine import Engine, queues, runs, systems, tasks
from orchctl.sandbox.engine.systems import Standing
from orchctl.sandbox.playing import Part
from orchctl.sandbox.wire.elma import Elma, Switches
from tests.sandbox.conftest import Clock

WIRE = Path(__file__).parents[1] / "wire" / "elma"
EXCHANGES = {
    f"{path.stem}: {exchange['name']}": exchange
    for path in sorted(WIRE.glob("*.json"))
    for exchange in json.loads(path.read_text("utf-8"))
}
SYSTEM = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
OTHER = "5d5ec66f-357d-4c2d-bbc1-2012278d2362"
PROCESS = "c39f99de-cb8f-4661-a206-b282a4830cbf"
VARIABLES = [
    *("StringParam_in:string", "FileParam_in:file", "DateTimeParam_in:datetime", "BoolParam_in:bool"),
    *("DoubleParam_in:double", "IntParam_in:int", "ArrayParam_in:file[]", "StringValue_out:string:out"),
    *("FileValue_out:file:out", "DateTimeValue_out:datetime:out", "BoolValue_out:bool:out"),
    *("DoubleValue_out:double:out", "IntValue_out:int:inout"),
]


class World:
    """The sandbox as ELMA's clients, its administrator and its robot see it."""

    def __init__(self, database: Path, clock: Clock, **options: Any) -> None:
        self.database = database
        store, _ = admin.open_store(database)
        self.engine = Engine(store, clock=clock)
        self.wire = Elma(self.engine, **options)
        self.app = App(self.engine, [self.wire])
        self.courier = Courier(self.engine, self.wire.report)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers}
        return self.app.handle(Request("POST", path, "", sent, data))

    def ask(self, path: str, body: Any) -> Any:
        response = self.post(path, body)
        assert response.status == 200
        return json.loads(whole(response))

    def status(self, ident: int, token: str = SYSTEM) -> Any:
        return self.ask("/v1/orchestra/task/status", {"auth_tkn": token, "id": ident})

    def create(self, ctx: Mapping[str, Any], token: str = SYSTEM, **fields: Any) -> Any:
        task = {"process": PROCESS, "version": 0, "ctx": json.dumps(ctx), **fields}
        return self.ask("/v1/orchestra/task/create", {"auth_tkn": token, "task": task})

    def play(self, ident: int, **part: Any) -> Any:
        return playing.play(self.database, str(ident), Part(**part))

    def next_id(self, number: int) -> None:
        """Let the next task have this number, as in the document."""

        def change(tx: Any) -> None:
            queue = queues.create(tx, {"name": f"before {number}"})
            tasks.create(tx, queues.find(tx, queue), {})
            tx.connection.execute(
                "UPDATE task SET id = ? WHERE id = (SELECT max(id) FROM task)", (number - 1,)
            )

        self.engine.write(change)


def whole(response: Any) -> bytes:
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


@pytest.fixture
def world(database: Path, clock: Clock) -> Iterator[World]:
    yield from made(database, clock)


def made(database: Path, clock: Clock, **options: Any) -> Iterator[World]:
    world = World(database, clock, **options)
    for token in (SYSTEM, OTHER):
        world.ask("/v1/orchestra/system/registration", {"uuid": token, "name": token, "desc": ""})
        world.engine.write(partial(systems.stand, guid=token, status=Standing.ALLOWED))
    acting.publish(database, "Creating profiles", [variable(text) for text in VARIABLES], token=PROCESS)
    yield world
    world.app.close()


def shape(value: Any) -> Any:
    """Keys, their order and the types of values."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    return "list" if isinstance(value, list) else "number" if type(value) in (int, float) else type(value)


def test_a_task_is_created_as_the_document_prints_it(world: World) -> None:
    world.next_id(955)
    exchange = EXCHANGES["task: create"]
    answer = world.ask(exchange["request"]["path"], exchange["request"]["json"])
    wanted = exchange["reply"]["body"]
    assert shape(answer) == shape(wanted)
    stable = ("id", "process", "system", "priority", "status", "metrics")
    assert {key: answer["task"][key] for key in stable} == {key: wanted["task"][key] for key in stable}
    again = EXCHANGES["task: status of a task in the queue"]["request"]
    assert world.ask(again["path"], again["json"])["task"]["status"] == "PREPARE"


def test_a_done_task_reads_as_the_document_prints_it(world: World) -> None:
    world.next_id(955)
    world.create({"StringParam_in": "x"})
    printed = EXCHANGES["task: status of a task that is done"]
    wanted = printed["reply"]["body"]["task"]
    output = {
        "StringValue_out": " (changed script)",
        "FileValue_out": None,
        "DateTimeValue_out": "2020-06-29T11:08:29.2068223Z",
        "BoolValue_out": True,
        "DoubleValue_out": 0.1,
        "IntValue_out": 7,
    }
    world.play(955, result=output, log=["Show PLAY label."])
    task = world.ask(printed["request"]["path"], printed["request"]["json"])["task"]
    assert shape(task) == shape(wanted)
    assert json.loads(task["outputCtx"]) == json.loads(wanted["outputCtx"])
    assert task["outputCtx"].splitlines(True)[0] == "{\r\n"
    assert (task["status"], task["priority"]) == ("DONE", "MEDIUM")
    lines = task["log"].splitlines()
    assert all(line.startswith("[INF] ") and line.count(" | ") == 2 for line in lines)
    assert any(line.endswith("] | Show PLAY label.") for line in lines)


def test_cancel_is_the_owners(world: World) -> None:
    world.next_id(955)
    world.create({})
    printed = EXCHANGES["task: cancel"]["request"]
    assert world.ask(printed["path"], printed["json"])["status"] == 403  # the document's token is another's
    answer = world.ask(printed["path"], {**printed["json"], "auth_tkn": SYSTEM})
    assert (answer["status"], answer["task"]["status"]) == (200, "CANCEL")
    assert world.ask(printed["path"], {**printed["json"], "auth_tkn": SYSTEM})["status"] == 409
    with pytest.raises(Refused):
        world.play(955)


def test_the_other_path_of_cancel(world: World) -> None:
    ident = world.create({})["task"]["id"]
    answer = world.ask("/v1/orchestra/task/delete", {"auth_tkn": SYSTEM, "id": ident})
    assert answer["task"]["status"] == "CANCEL"


def test_an_executing_task_is_not_cancelled(world: World) -> None:
    ident = world.create({})["task"]["id"]
    world.play(ident, running=True)
    assert world.status(ident)["task"]["status"] == "EXECUTING"
    assert world.ask("/v1/orchestra/task/cancel", {"auth_tkn": SYSTEM, "id": ident})["status"] == 409


def test_a_file_is_downloaded(world: World, tmp_path: Path) -> None:
    world.next_id(717)
    world.create({})
    content = bytes(range(256)) * 3000
    (tmp_path / "12.txt").write_bytes(content)
    world.play(717, files=[tmp_path / "12.txt"])
    assert json.loads(world.status(717)["task"]["outputCtx"]) == {"filevalue_out": "12.txt"}
    printed = EXCHANGES["task: download"]["request"]
    assert whole(world.post(printed["path"], printed["json"])) == content
    part = world.post(printed["path"], printed["json"], range="bytes=700000-")
    assert (part.status, dict(part.headers)["content-range"]) == (206, "bytes 700000-767999/768000")
    assert whole(part) == content[700000:]
    assert world.post(printed["path"], printed["json"], range="bytes=768000-").status == 416
    assert world.ask(printed["path"], {**printed["json"], "filename": "13.txt"})["status"] == 404


def test_the_repository(world: World, database: Path) -> None:
    acting.publish(database, "Creating profiles", [variable("Only:string")])
    for name in ("current versions of all processes", "one version of a process"):
        printed = EXCHANGES[f"repository: {name}"]
        answer = world.ask(printed["request"]["path"], printed["request"]["json"])
        assert shape(answer) == shape(printed["reply"]["body"]), name
    history = world.ask(
        "/v1/repository/history", EXCHANGES["repository: all versions of a process"]["request"]["json"]
    )
    assert [(row["version"], row["active"]) for row in history["process"]] == [(2, True), (1, False)]
    first = world.ask("/v1/repository/find", {"auth_tkn": SYSTEM, "token": PROCESS, "version": 1})["process"]
    context = world.ask("/v1/repository/context", {"auth_tkn": SYSTEM, "uuid": first["uuid"]})
    wanted = EXCHANGES["repository: context variables of a version"]["reply"]["body"]
    assert context["ctx"] == wanted["ctx"]
    page = {"auth_tkn": SYSTEM, "page": 1, "limit": 1, "token": PROCESS}
    assert [row["version"] for row in world.ask("/v1/repository/history", page)["process"]] == [1]
    missing = {"auth_tkn": SYSTEM, "token": PROCESS, "version": 9}
    assert world.ask("/v1/repository/find", missing)["status"] == 404


def test_who_gets_in(world: World) -> None:
    newcomer = "6e01adcb-de15-475f-86fa-b5d3a78a2d14"
    register = EXCHANGES["system: register"]["request"]

    def asks() -> tuple[int, int]:
        mine = {"auth_tkn": newcomer, "page": 0, "limit": 0}
        return (
            world.ask("/v1/orchestra/system/status", {"uuid": newcomer})["status"],
            world.ask("/v1/repository/actual", mine)["status"],
        )

    assert asks() == (404, 401)
    assert world.ask(register["path"], {**register["json"], "uuid": newcomer}) == {"status": 201}
    assert asks() == (403, 403)
    acting.allow(world.database, newcomer.upper())
    assert asks() == (200, 200)
    world.engine.write(partial(systems.stand, guid=newcomer, status=Standing.LOCKED))
    assert asks() == (403, 403)
    with pytest.raises(NotFound):
        acting.allow(world.database, "7e01adcb-de15-475f-86fa-b5d3a78a2d14")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("task/create", {"task": {"process": PROCESS, "ctx": "{}"}}, 401),
        ("task/create", {"auth_tkn": "x", "task": {}}, 401),
        ("task/create", {"auth_tkn": SYSTEM}, 400),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"ctx": "{}"}}, 400),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"process": OTHER, "ctx": "{}"}}, 404),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "version": 7, "ctx": "{}"}}, 404),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "ctx": "[1]"}}, 400),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "ctx": "{"}}, 400),
        ("task/create", {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "ctx": {}}}, 400),
        (
            "task/create",
            {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "ctx": "{}", "priority": "X"}},
            400,
        ),
        ("task/status", {"auth_tkn": SYSTEM, "id": 99}, 404),
        ("task/status", {"auth_tkn": SYSTEM, "id": "99"}, 400),
        ("task/status", {"auth_tkn": SYSTEM}, 400),
        ("task/status", [1], 400),
        ("task/status", b"{", 400),
        ("system/registration", {"name": "x"}, 400),
        ("system/registration", {"uuid": "x"}, 400),
    ],
)
def test_what_is_refused(path: str, body: Any, status: int, world: World) -> None:
    answer = world.ask(f"/v1/orchestra/{path}", body)
    assert (answer["status"], list(answer)) == (status, ["status", "ErrorMessage"])


def test_fields_that_only_read_are_ignored_as_the_vendors_client_sends_them(world: World) -> None:
    extra: dict[str, Any] = {
        "id": 0,
        "status": "EMPTY_ST",
        "priority": "EMPTY_P",
        "bot": None,
        "created": "0001-01-01T00:00:00Z",
    }
    assert world.create({"a": 1}, **extra)["task"]["priority"] == "MEDIUM"
    assert world.create({}, priority="HIGH")["task"]["priority"] == "HIGH"


def test_the_more_urgent_task_comes_first_whoever_asks(world: World) -> None:
    low = world.create({}, priority="LOW")["task"]["id"]
    high = world.create({}, priority="HIGH")["task"]["id"]

    def taken(tx: Any) -> Any:
        return tasks.take(tx, queues.find(tx, "Creating profiles"))

    assert [world.engine.write(taken).id, world.engine.write(taken).id] == [high, low]


def test_switches(database: Path, clock: Clock) -> None:
    words = [
        "mirror-status",
        "strict-owner",
        "no-delete-alias",
        "no-variables",
        "zero-metrics",
        "local-created",
    ]
    (world,) = [*made_once(database, clock, switches=Switches.of([*words, "no-callback", "no-resume"]))]
    assert world.post("/v1/orchestra/task/status", {"auth_tkn": SYSTEM, "id": 9}).status == 404
    created = world.post(
        "/v1/orchestra/task/create",
        {"auth_tkn": SYSTEM, "task": {"process": PROCESS, "ctx": "{}", "callback": "http://evil.example"}},
    )
    assert created.status == 201
    task = json.loads(whole(created))["task"]
    assert task["created"] == "2023-11-15T02:13:20+04:00"
    assert world.post("/v1/orchestra/task/status", {"auth_tkn": OTHER, "id": task["id"]}).status == 403
    for path in ("/v1/orchestra/task/delete", "/v1/repository/find", "/v1/repository/context"):
        assert world.post(path, {"auth_tkn": SYSTEM, "id": task["id"]}).status == 404
    world.play(task["id"])
    done = json.loads(whole(world.post("/v1/orchestra/task/status", {"auth_tkn": SYSTEM, "id": task["id"]})))
    assert done["task"]["metrics"] == {"startTime": "0001-01-01T00:00:00Z", "endTime": "0001-01-01T00:00:00Z"}
    assert "callback" not in done["task"].get("log", "")
    world.app.close()
    with pytest.raises(UsageFault):
        acting.check_switches(["no-such"])
    assert Switches.of([], strict=True).strict_owner


def made_once(database: Path, clock: Clock, **options: Any) -> Iterator[World]:
    world = World(database, clock, **options)
    for token in (SYSTEM, OTHER):
        world.engine.write(
            partial(systems.register, guid=token, name="x", description=None, status=Standing.ALLOWED)
        )
    acting.publish(database, "Creating profiles", [], token=PROCESS)
    yield world


def test_open_lets_any_system_in(database: Path, clock: Clock) -> None:
    (world,) = [*made_once(database, clock, open_access=True)]
    stranger = "7e01adcb-de15-475f-86fa-b5d3a78a2d14"
    assert world.ask("/v1/orchestra/system/status", {"uuid": stranger})["status"] == 200
    assert world.create({}, token=stranger)["task"]["system"] == stranger
    found = world.engine.read(partial(systems.find, guid=stranger))
    assert found is not None
    assert found.status == "allowed"
    world.app.close()


class Elsewhere:
    """Another server on this machine: gives files, takes callbacks."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, Any]] = []
        self.refuse = 0
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = told.files.get(self.path.partition("?")[0])
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told.calls.append((self.path, json.loads(body)))
                told.refuse -= 1
                self.send_response(500 if told.refuse >= 0 else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


def test_files_are_fetched_before_a_robot_gets_the_task(world: World, elsewhere: Elsewhere) -> None:
    elsewhere.files = {"/v1/task/download_elma": b"in", "/b.txt": b"second"}
    url = f"{elsewhere.url}/v1/task/download_elma?uid=c054ab8e&system={SYSTEM}"
    task = world.create({"FileParam_in": url, "ArrayParam_in": [url, f"{elsewhere.url}/b.txt"]})["task"]
    assert task["status"] == "PREPARE"
    with pytest.raises(Refused):
        world.engine.write(lambda tx: refused_start(tx, task["id"]))
    world.courier.run_due()
    assert world.status(task["id"])["task"]["status"] == "QUEUE"
    names = world.engine.read(lambda tx: runs.input_names(tx, tasks.find(tx, str(task["id"]))))
    assert sorted(names) == ["b.txt", "c054ab8e"]


def refused_start(tx: Any, ident: int) -> None:
    task = tasks.find(tx, str(ident))
    try:
        runs.start(tx, task, robot="r")
    except Exception as error:
        raise Refused(str(error)) from None


def test_a_file_that_cannot_be_fetched_ends_the_task(world: World, elsewhere: Elsewhere) -> None:
    for url in (
        f"{elsewhere.url}/none?system={SYSTEM}",
        "http://example.com/a",
        "http://10.0.0.1/a",
        "file:///etc/passwd",
    ):
        ident = world.create({"FileParam_in": url})["task"]["id"]
        world.courier.run_due()
        task = world.status(ident)["task"]
        assert task["status"] == "ERROR"
        assert task["log"].startswith("[ERR] ")
        assert SYSTEM not in task["log"]


def test_a_callback_tells_the_end(world: World, elsewhere: Elsewhere, clock: Clock) -> None:
    elsewhere.refuse = 1
    ident = world.create({}, callback=f"{elsewhere.url}/v1/task/complete")["task"]["id"]
    world.courier.run_due()
    assert elsewhere.calls == []
    world.engine.write(lambda tx: runs.start(tx, tasks.find(tx, str(ident)), robot="r"))
    world.engine.write(lambda tx: runs.finish(tx, tasks.find(tx, str(ident)), output='{"A": 1}', error=None))
    world.courier.run_due()
    assert len(elsewhere.calls) == 1  # answered 500
    world.courier.run_due()
    assert len(elsewhere.calls) == 1
    clock.forward(seconds=1.1)
    world.courier.run_due()
    path, body = elsewhere.calls[1]
    assert (path, body["task"]["status"], body["task"]["id"]) == ("/v1/task/complete", "DONE", ident)
    clock.forward(seconds=100)
    world.courier.run_due()
    assert len(elsewhere.calls) == 2


def test_a_cancelled_task_calls_nobody(world: World, elsewhere: Elsewhere) -> None:
    ident = world.create({}, callback=f"{elsewhere.url}/x")["task"]["id"]
    world.ask("/v1/orchestra/task/cancel", {"auth_tkn": SYSTEM, "id": ident})
    world.courier.run_due()
    assert elsewhere.calls == []


def test_a_callback_to_elsewhere_is_not_made_but_logged(world: World) -> None:
    printed = EXCHANGES["task: create"]["request"]["json"]
    assert printed["task"]["callback"].startswith("https://128.")
    answer = world.create({}, callback=printed["task"]["callback"])
    assert answer["status"] == 201
    log = world.status(answer["task"]["id"])["task"]["log"]
    assert "will not be made: the host 128.145.149.111 is not allowed" in log


def test_hosts_can_be_named(world: World) -> None:
    world.engine.write(lambda tx: set_reach(tx, ["128.145.149.111"]))
    answer = world.create({}, callback="https://128.145.149.111/x")
    assert "log" not in world.status(answer["task"]["id"])["task"]


def test_variables_as_they_are_typed() -> None:
    assert variable("lines:double[]") == ("lines", "double", True, "in")
    assert variable("report:file:out") == ("report", "file", False, "out")
    assert variable("x:string[]:inout") == ("x", "string", True, "inout")
    for text in ("", "x", "x:text", ":int", "x:int:up", "x:[]"):
        with pytest.raises(UsageFault):
            variable(text)
