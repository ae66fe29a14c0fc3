"""Sherpa's wire as its documents print it, in every spelling and body style, and what it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchctl.sandbox import admin
from orchctl.sandbox.app import BODY_LIMIT, Request, open_app
from orchctl.sandbox.engine import queues, tasks
from tests.sandbox.conftest import Orchestrator

WIRE = Path(__file__).parents[1] / "wire" / "sherpa"
EXCHANGES = [
    exchange
    for name in ("task", "queue")
    for exchange in json.loads((WIRE / f"{name}.json").read_text("utf-8"))
]
LAST = "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a"


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(key.encode()).decode()}


def prepare(orchestrator: Orchestrator, exchange: Any) -> None:
    """What must be there for a documented exchange to happen: the objects that it names."""
    reply, sent = exchange["reply"]["body"], json.dumps(exchange["request"])
    known = (
        "0cff3e77-78fc-405e-98c9-ef5076c0c883",
        "16f94238-ede4343-435b-a001-1489b324342",
        "554ab883-1f82-48e1-bb12-5049002e7d70",
    )

    def make(tx: Any) -> None:
        for guid in known:
            if guid in sent or "Test%20Queue" in sent or isinstance(reply, list):
                name = "Test Queue" if guid == known[2] else guid
                queues.create(
                    tx,
                    {
                        "guid": guid,
                        "name": name,
                        "description": "Test Queue Description",
                        "unique_tasks": True,
                    },
                )
        home = queues.find(tx, queues.create(tx, {"name": "home"}))
        tasks.create(tx, home, {"name": "123", "description": ""})
        if "/api/task/" in sent:
            tasks.create(tx, home, {"name": "documented", "guid": known[0], "tags": ["test", "other"]})
            tasks.create(tx, home, {"name": "last", "guid": LAST})
        if isinstance(reply, dict) and "parameters" in reply:
            queue = queues.find(tx, known[0])
            payload = json.dumps(reply["parameters"])
            tasks.create(tx, queue, {"name": reply["name"], "description": "", "payload": payload})

    orchestrator.app.engine.write(make)
    if exchange["name"] == "filter read":
        orchestrator.task("Test Robot", known[2])
    if exchange["name"] == "list":
        for queue in ("home", *known[:2]):
            assert orchestrator.send("DELETE", f"/api/queue/delete/{queue}").status == 200


def shape(value: Any) -> Any:
    """A value's keys in their order, and its kinds; null goes with anything."""
    if isinstance(value, dict):
        return list(value)
    return type(value).__name__


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange["name"])
def test_the_documents_exchanges(orchestrator: Orchestrator, exchange: Any) -> None:
    prepare(orchestrator, exchange)
    request, reply = dict(exchange["request"]), exchange["reply"]
    answer = orchestrator.send(request.pop("method"), request.pop("path"), **request)
    assert answer.status == reply["status"], answer.body
    documented = reply["body"]
    if exchange["name"] == "filter read":  # the example's [] says nothing of the shape
        assert answer.data["name"] == "Test Robot"
        return
    if isinstance(documented, dict):
        given = answer.data
        if "queue_id" in documented and "parameters" not in documented:
            assert given.pop("parameters") is None  # the framework's page has it, the reference does not
        assert shape(given) == shape(documented)
        for key, value in documented.items():
            if key in ("name", "description", "status", "is_deleted", "priority", "parameters", "result"):
                assert given[key] == value, key
            elif value is not None and given[key] is not None:
                assert type(given[key]) is type(value), key
    elif documented and isinstance(documented[0], dict):
        assert [shape(item) for item in answer.data] == [shape(item) for item in documented]
    else:
        assert answer.body == b"[]"


@pytest.mark.parametrize("key", ["QueueGuid", "queue_guid", "QUEUEGUID", "queueGuid", "Queue_GUID"])
def test_every_spelling_of_a_key(orchestrator: Orchestrator, key: str) -> None:
    queue = orchestrator.queue()
    for style in ("form", "json"):
        answer = orchestrator.send("POST", "/api/task/create", **{style: {"NAME": style, key: queue}})  # type: ignore[arg-type]  # form or json
        assert answer.status == 200, answer.body


def test_names_guids_and_numbers_in_path_query_and_body(orchestrator: Orchestrator) -> None:
    guid = orchestrator.queue("Счета / март")
    path = "/api/queue/read/%D0%A1%D1%87%D0%B5%D1%82%D0%B0%20%2F%20%D0%BC%D0%B0%D1%80%D1%82"
    for answer in (
        orchestrator.send("GET", path),
        orchestrator.send("GET", f"/api/queue/read/{guid.upper()}"),
        orchestrator.send("GET", "/api/queue/read/1"),
        orchestrator.send("GET", "/api/queue/read", query={"Guid": "Счета / март"}),
        orchestrator.send("GET", "/api/queue/read/", json={"guid": guid}),
    ):
        assert answer.status == 200, answer.body
        assert answer.data["name"] == "Счета / март"


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ('{"a": [1, "ж"]}', {"a": [1, "ж"]}),
        ({"a": [1, "ж"]}, {"a": [1, "ж"]}),
        ("[]", []),
        ("plain text", "plain text"),
        ('"text"', "text"),
        ("12.50", 12.5),
        ("", None),
        (None, None),
        ("{broken", "{broken"),
        ("NaN", "NaN"),
        ('{"half": "\\ud800"}', {"half": "\ud800"}),
        ({"half": "\ud800"}, {"half": "\ud800"}),
    ],
)
def test_parameters_are_taken_as_json_text_and_given_structured(
    orchestrator: Orchestrator, sent: Any, back: Any
) -> None:
    orchestrator.queue()
    orchestrator.task("T", Parameters=sent)
    assert orchestrator.read("T")["parameters"] == back
    assert orchestrator.list()[0]["parameters"] == back


def test_parameters_go_back_as_they_came(orchestrator: Orchestrator) -> None:
    """A number that no float can hold is still the same number."""
    orchestrator.queue()
    orchestrator.task("T", Parameters='{"n": 1e400, "id": 123456789012345678901234567890.10}')
    answer = orchestrator.send("GET", "/api/task/read/T")
    assert b'{"n": 1e400, "id": 123456789012345678901234567890.10}' in answer.body


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-31 18:00:00", "2026-01-31 18:00:00"),
        ("2026-01-31T18:00:00Z", "2026-01-31 18:00:00"),
        ("2026-01-31T21:00:00.5+03:00", "2026-01-31 18:00:00"),
        ("31.01.2026 18:00", "2026-01-31 18:00:00"),
        ("1769882400", "2026-01-31 18:00:00"),
        ("", None),
        ("0", None),
    ],
)
def test_times_in_every_way_that_clients_write_them(
    orchestrator: Orchestrator, text: str, shown: str | None
) -> None:
    orchestrator.queue()
    orchestrator.task("T", Deadline=text)
    assert orchestrator.read("T")["deadline"] == shown


def test_a_multipart_body(orchestrator: Orchestrator) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="Name"\r\n\r\n\xd0\x96\r\n--b--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = orchestrator.send("POST", "/api/queue/create", body=body, headers=kind)
    assert answer.status == 200, answer.body
    assert orchestrator.send("GET", "/api/queue/read").data[0]["name"] == "Ж"


def test_update_changes_what_is_given_and_nothing_else(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    orchestrator.queue("Other")
    orchestrator.task("T", Description="d", Comment="c", Parameters={"a": 1}, Tags="x", Retries=2)
    before = orchestrator.read("T")
    assert orchestrator.update("T").data == []
    assert orchestrator.read("T") == before
    changed = {
        "Name": "U",
        "QueueGuid": "Other",
        "Description": None,
        "Comment": "",
        "Parameters": "",
        "Tags": "y;z",
    }
    assert orchestrator.update("T", **changed, Retries="3", Priority="high", JobGUID="j").status == 200
    assert orchestrator.read("U") == before | {
        "name": "U",
        "queue_id": "2",
        "description": None,
        "comment": "",
        "parameters": None,
        "tags": "y;z",
        "retries": "3",
        "priority": "2",
        "job_id": "j",
    }


def test_a_queues_rules_are_shown_when_they_are_set(orchestrator: Orchestrator) -> None:
    guid = orchestrator.queue(UniqueTasks="true", AutoChangeStatus="1", MaxRetries=3, AbandonNewMinutes="5")
    assert orchestrator.send("GET", "/api/queue/read/Invoices").data == {
        "id": 1,
        "guid": guid,
        "name": "Invoices",
        "description": None,
        "auto_change_status": 1,
        "unique_tasks": 1,
        "max_retries": 3,
        "retry_failed": 1,
        "abandon_new_minutes": 5,
    }


JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
IMAGE = {"content-type": "image/png"}
MULTIPART = {"content-type": "multipart/form-data"}
QUEUE, TASK, UPDATE = "/api/queue/create", "/api/task/create", "/api/task/update"


def queue_with(field: str) -> bytes:
    return f'{{"Name": "n", {field}}}'.encode()


def task_with(field: str) -> bytes:
    return queue_with(f'"QueueGuid": "Q", {field}')


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "error"),
    [
        ("POST", QUEUE, JSON, b"{", 400, "the body is not JSON: "),
        ("POST", QUEUE, JSON, b'{"Name": NaN}', 400, "the body is not JSON: NaN is not JSON"),
        ("POST", QUEUE, JSON, b"[1]", 400, "the body must be a JSON object"),
        ("POST", QUEUE, JSON, b"[]", 400, "Name is required"),
        ("POST", QUEUE, JSON, b"", 400, "Name is required"),
        ("POST", QUEUE, JSON, b"\xff", 400, "the body is not JSON: "),
        ("POST", QUEUE, JSON, b"[" * 200 + b"]" * 200, 400, "the body is not JSON: it is nested"),
        ("POST", QUEUE, JSON, b"[" * 99999, 400, "the body is not JSON: "),
        ("POST", QUEUE, JSON, b'{"Name": ["a"]}', 400, "Name must be a text"),
        ("POST", QUEUE, JSON, b'{"Name": "\\ud800"}', 400, "Name holds half a surrogate pair"),
        ("POST", QUEUE, JSON, b'{"Name": "' + b"n" * 129 + b'"}', 400, "a queue's name has at most 128"),
        ("POST", QUEUE, JSON, queue_with('"UniqueTasks": 7'), 400, "UniqueTasks must be 0 or 1, not 7"),
        ("POST", QUEUE, JSON, queue_with('"MaxRetries": -1'), 400, "a queue's limits cannot be negative"),
        ("POST", QUEUE, FORM, b"Name=%FF", 400, "a form field is not UTF-8"),
        ("POST", QUEUE, FORM, b"a=1&" * 2000, 400, "the form has more than 1000 fields"),
        ("POST", QUEUE, FORM, b'{"Name": "n"}', 400, "the body is JSON, but its Content-Type"),
        ("POST", QUEUE, IMAGE, b"x", 415, "the Content-Type 'image/png' is none"),
        ("POST", QUEUE, MULTIPART, b"x", 400, "the multipart body has no parts"),
        ("POST", TASK, JSON, b'{"Name": "n"}', 400, "QueueGuid is required"),
        ("POST", TASK, JSON, b'{"Name": " ", "QueueGuid": "Q"}', 400, "Name is required"),
        ("POST", TASK, JSON, b'{"Name": "n", "QueueGuid": "nope"}', 404, "there is no queue 'nope'"),
        ("POST", TASK, JSON, task_with('"Retries": "x"'), 400, "Retries must be a whole number, not 'x'"),
        ("POST", TASK, JSON, task_with('"Retries": -1'), 400, "the number of retries cannot"),
        ("POST", TASK, JSON, task_with('"Deadline": "soon"'), 400, "Deadline is no time: 'soon'"),
        ("POST", TASK, JSON, task_with('"Deadline": "31.02.2026"'), 400, "Deadline is no time"),
        ("POST", TASK, JSON, task_with('"Deadline": 999999999999'), 400, "Deadline is no time"),
        ("POST", TASK, JSON, task_with('"Priority": 9'), 400, "there is no priority '9'"),
        ("PUT", UPDATE, JSON, b'{"Guid": "T", "Status": 7}', 400, "there is no task status 7"),
        ("PUT", UPDATE, JSON, b'{"Guid": "T", "Name": " "}', 400, "a task's name cannot be empty"),
        ("PUT", UPDATE, JSON, b'{"Status": 1}', 400, "Guid is required"),
        ("PUT", UPDATE, JSON, b'{"Guid": "nope"}', 404, "there is no task 'nope'"),
        ("PUT", "/api/task/addTag", JSON, b'{"TaskGuid": "T"}', 400, "TagNames is required"),
        ("GET", "/api/task/read", {}, b"", 400, "Guid is required"),
        ("GET", "/api/task/read/%FF", {}, b"", 400, "the path is not UTF-8"),
        ("GET", "/api/task/read/T/status=0", {}, b"", 404, "there is nothing at"),
        ("GET", "/api/queue/lastTask/nope", {}, b"", 404, "there is no queue 'nope'"),
        ("POST", "/api/task/filter/read/Q", JSON, b'{"Name": "nope"}', 404, "there is no task 'nope' in"),
        ("GET", "/api/gui/queue", {}, b"", 404, "there is nothing at /api/gui/queue"),
        ("GET", "/", {}, b"", 404, "there is nothing at /"),
        ("GET", "", {}, b"", 404, "there is nothing at "),
        ("POST", UPDATE, {}, b"", 405, "/api/task/update takes PUT, not POST"),
        ("DELETE", "/api/queue/read/Q", {}, b"", 405, "/api/queue/read/Q takes GET, HEAD, not DELETE"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_in_json(
    orchestrator: Orchestrator,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    error: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    orchestrator.queue("Q")
    orchestrator.task("T", "Q")
    answer = orchestrator.send(method, path, headers=headers, body=body)
    assert answer.status == status, answer.body
    assert list(answer.data) == ["error"]
    assert answer.data["error"].startswith(error)
    assert capsys.readouterr().err == "", "nothing broke inside"
    assert ("allow" in answer.headers) == (status == 405)


def test_a_body_over_the_limit(orchestrator: Orchestrator) -> None:
    answer = orchestrator.send("POST", "/api/queue/create", body=b"x" * (BODY_LIMIT + 1))
    assert (answer.status, answer.data) == (413, {"error": f"the body is larger than {BODY_LIMIT} bytes"})


def test_head_is_get_without_the_body(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    whole = orchestrator.send("GET", "/api/queue/read/Invoices")
    head = orchestrator.send("HEAD", "/api/queue/read/Invoices")
    assert (head.status, head.headers, head.body) == (200, whole.headers, b"")
    missing = orchestrator.send("HEAD", "/api/queue/read/nope")
    assert (missing.status, missing.body) == (404, b"")
    assert orchestrator.send("HEAD", "/api/task/update").status == 405


def test_what_breaks_inside_is_told_without_a_traceback(
    orchestrator: Orchestrator, capsys: pytest.CaptureFixture[str]
) -> None:
    orchestrator.app.engine.store.write(lambda connection: connection.execute("DROP TABLE task"))
    answer = orchestrator.send("GET", "/api/task/read/T")
    assert answer.status in (500, 503)
    assert b"Traceback" not in answer.body
    assert b"sqlite" not in answer.body
    capsys.readouterr()


def test_a_long_list_comes_in_pieces_and_whole(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    queue = orchestrator.app.engine.read(lambda tx: queues.find(tx, "Invoices"))

    def fill(tx: Any) -> None:
        for number in range(3000):
            tasks.create(tx, queue, {"name": f"T{number}"})

    orchestrator.app.engine.write(fill)
    response = orchestrator.app.handle(Request("POST", "/api/task/filter/list/Invoices"))
    assert not isinstance(response.body, bytes)
    pieces = [next(response.body)]
    orchestrator.task("late")  # written while the list is on its way
    orchestrator.send("DELETE", "/api/task/delete/T2999")
    pieces += response.body
    assert len(pieces) > 3
    assert [task["name"] for task in json.loads(b"".join(pieces))] == [f"T{number}" for number in range(2999)]
    assert orchestrator.send("HEAD", "/api/task/filter/list/Invoices").status == 405


KEY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def key(database: Path) -> Iterator[str]:
    yield admin.init(database).key


def status_with(
    database: Path, headers: dict[str, str], *, open_access: bool = False, strict: bool = False
) -> int:
    app = open_app(str(database), open_access=open_access, strict=strict)
    try:
        return Orchestrator(app, headers).send("GET", "/api/queue/read", query={"x": "y"}).status
    finally:
        app.close()


def test_the_account_key_lets_in_as_basic_and_as_bearer(database: Path, key: str) -> None:
    encoded = base64.b64encode(key.encode()).decode()
    for header in (f"Basic {encoded}", f"basic  {encoded}", f"Bearer {encoded}", f"BEARER {encoded}"):
        assert status_with(database, {"authorization": header}) == 200, header
    assert status_with(database, basic(key.upper())) == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Basic 0J8=",
        "Digest x",
        "Basic " + base64.b64encode(KEY.encode()).decode(),
        "Ж",
    ],
)
def test_anything_else_is_401(database: Path, key: str, header: str) -> None:
    assert status_with(database, {"authorization": header}) == 401
    assert status_with(database, {"authorization": key}) == 401


def test_the_refusal_says_how_and_not_what(database: Path, key: str) -> None:
    app = open_app(str(database))
    answer = Orchestrator(app).send("GET", "/api/queue/read", headers=basic(KEY))
    app.close()
    assert answer.headers["www-authenticate"] == "Basic"
    assert KEY not in answer.body.decode()
    assert key not in answer.body.decode()


def test_open_access_takes_any_guid_and_only_a_guid(database: Path, key: str) -> None:
    assert status_with(database, basic(KEY), open_access=True) == 200
    assert status_with(database, basic("robot"), open_access=True) == 401
    assert status_with(database, {}, open_access=True) == 401


def test_strict_refuses_a_colon_after_the_guid(database: Path, key: str) -> None:
    assert status_with(database, basic(f"{key}:")) == 200
    assert status_with(database, basic(f"{KEY}:"), open_access=True) == 200
    assert status_with(database, basic(f"{key}:"), strict=True) == 401
    assert status_with(database, basic(f"{KEY}:"), open_access=True, strict=True) == 401


def test_strict_refuses_what_no_document_has(database: Path, key: str) -> None:
    assert status_with(database, basic(key), strict=True) == 404
    app = open_app(str(database), strict=True)
    client = Orchestrator(app, basic(key))
    client.queue(MaxRetries=1)
    assert "max_retries" not in client.send("GET", "/api/queue/read/Invoices").data
    assert client.send("POST", "/api/task/filter/list/Invoices").status == 400
    assert client.list() == []
    app.close()
