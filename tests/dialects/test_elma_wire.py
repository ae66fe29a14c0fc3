"""What ELMA's dialect sends and reads is what the documents print, exchange by exchange."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchctl import model
from orchctl.config import Context
from orchctl.dialects.base import Registration
from orchctl.dialects.elma import Elma
from orchctl.errors import (
    BadRequest,
    NotAuthenticated,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unintelligible,
    Unsupported,
    UsageFault,
)
from orchctl.model import LogFilter, LogLevel, TaskStatus
from orchctl.sanitize import forget_secrets, register_secret
from orchctl.transport import Transport
from tests.faults import FaultServer, reply

WIRE = Path(__file__).parents[1] / "wire" / "elma"
EXCHANGES = {
    f"{path.stem}: {exchange['name']}": exchange
    for path in sorted(WIRE.glob("*.json"))
    for exchange in json.loads(path.read_text("utf-8"))
}
SYSTEM = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
OTHER = "5d5ec66f-357d-4c2d-bbc1-2012278d2362"
PROCESS = "c39f99de-cb8f-4661-a206-b282a4830cbf"
CREATE = EXCHANGES["task: create"]
DONE = EXCHANGES["task: status of a task that is done"]

Speak = Callable[..., Elma]


@pytest.fixture
def speak(server: FaultServer) -> Iterator[Speak]:
    made: list[Transport] = []

    def dialect(token: str = SYSTEM, **options: Any) -> Elma:
        register_secret(token)
        transport = Transport(
            base_url=server.url,
            authorize=lambda refresh: {},
            notify=lambda text: None,
            explain=Elma.explain,
            sleep=lambda seconds: None,
        )
        made.append(transport)
        spoken = Elma(transport, Context(name="test", dialect="elma", url=server.url, **options))
        spoken.secret = lambda: token
        return spoken

    yield dialect
    for transport in made:
        transport.close()
    forget_secrets()


def answers(server: FaultServer, *bodies: Any, status: int = 200) -> None:
    """What the next requests are answered with: JSON, bytes as they are, or (status, body)."""
    steps = []
    for each in bodies:
        number, body = each if isinstance(each, tuple) else (status, each)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        steps.append(reply(number, data))
    server.plan(*steps)


def replied(exchange: Mapping[str, Any]) -> bytes:
    body = exchange["reply"]
    text = body["body_text"] if "body_text" in body else json.dumps(body["body"], ensure_ascii=False)
    return str(text).encode()


def new_task(**fields: Any) -> model.NewTask:
    sent = CREATE["request"]["json"]["task"]
    return model.NewTask(queue=PROCESS, payload=json.loads(sent["ctx"]), callback=sent["callback"], **fields)


def names(dialect: Elma) -> list[str]:
    page = dialect.list_processes(None)
    return [] if page is None else [process.name for process in page.items]


CALLS: Mapping[str, tuple[str, Callable[[Elma], Any]]] = {
    "task: create": (SYSTEM, lambda d: d.create_task(new_task())),
    "task: status of a task in the queue": (OTHER, lambda d: d.get_task("955")),
    "task: status of a task that is done": (OTHER, lambda d: d.get_task("955")),
    "task: cancel": (OTHER, lambda d: d.cancel_task("955")),
    "task: download": (OTHER, lambda d: b"".join(read(d, "717", "12.txt"))),
    "repository: current versions of all processes": (SYSTEM, names),
    "repository: one version of a process": (SYSTEM, lambda d: d._found_process(PROCESS)),
    "system: register": (SYSTEM, lambda d: d.register(SYSTEM, name="orchctl on host", description="orchctl")),
    "system: status of a system that is allowed": (SYSTEM, lambda d: d.registration(SYSTEM)),
    "system: status of a system that waits": (SYSTEM, lambda d: d.registration(SYSTEM)),
}


def read(dialect: Elma, ident: str, name: str, start: int = 0) -> Iterator[bytes]:
    download = dialect.download_task_file(ident, name, start)
    try:
        yield from download.chunks()
    finally:
        download.close()


def same_json(sent: Any, wanted: Any) -> bool:
    """Equal, where ``ctx`` is a text and means what it holds."""
    if isinstance(wanted, dict) and isinstance(wanted.get("task"), dict):
        sent, wanted = json.loads(json.dumps(sent)), json.loads(json.dumps(wanted))
        for body in (sent, wanted):
            body["task"]["ctx"] = json.loads(body["task"]["ctx"])
    return bool(sent == wanted)


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_what_the_document_prints(name: str, server: FaultServer, speak: Speak) -> None:
    exchange = EXCHANGES[name]
    token, call = CALLS[name]
    answers(server, replied(exchange))
    call(speak(token))
    (seen,) = server.requests
    wanted = exchange["request"]
    assert (seen.method, seen.target) == (wanted["method"], wanted["path"])
    assert same_json(json.loads(seen.body), wanted["json"])
    assert seen.headers["content-type"] == "application/json"
    assert "authorization" not in seen.headers


def test_every_exchange_is_used() -> None:
    in_pairs = {
        "repository: all versions of a process",
        "repository: context variables of a version",
        "repository: a version without variables",
    }
    assert EXCHANGES.keys() == CALLS.keys() | in_pairs


def test_the_answer_to_create(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(CREATE))
    task = speak().create_task(new_task())
    assert (task.id, task.status, task.priority) == ("955", "preparing", "normal")
    assert task.created_at == datetime(2020, 6, 29, 10, 29, 52, tzinfo=UTC)
    assert task.queue == PROCESS
    assert task.native == {**CREATE["reply"]["body"]["task"], "system": "***"}


def test_priority_and_version_go_along_only_when_asked(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(CREATE), replied(CREATE))
    speak().create_task(model.NewTask(queue=PROCESS))
    speak().create_task(model.NewTask(queue=PROCESS, priority=model.Priority.HIGH, process_version=3))
    plain, full = (json.loads(seen.body)["task"] for seen in server.requests)
    assert plain == {"process": PROCESS, "version": 0, "ctx": "{}"}
    assert full == {"process": PROCESS, "version": 3, "ctx": "{}", "priority": "HIGH"}


def test_a_task_that_is_done(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(DONE))
    task = speak(OTHER).get_task("955")
    assert task.status == TaskStatus.SUCCESS
    assert task.output == {
        "stringvalue_out": " (changed script)",
        "filevalue_out": None,
        "datetimevalue_out": "2020-06-29T11:08:29.2068223Z",
        "boolvalue_out": True,
        "doublevalue_out": 0.1,
        "intvalue_out": 7,
    }
    assert (task.started_at, task.ended_at, task.error) == (None, None, None)  # the year 1 is no time
    assert task.updated_at == datetime(2020, 6, 29, 11, 8, 29, tzinfo=UTC)
    assert (task.robot, task.job_id) == ("5e771afd-1261-4451-b059-4543d41a5814", "955")
    assert task.payload is None
    native: Any = task.native
    assert native["system"] == "***"  # the token of another system


def test_the_log_of_a_task(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(DONE))
    entries = list(speak(time_zone="Europe/Moscow").list_log_entries(LogFilter(jobs=("955",)), None).items)
    assert len(entries) == 19
    first, last = entries[0], entries[-1]
    assert (first.id, first.level, first.message) == (
        "955:1",
        LogLevel.INFO,
        "Started preparing a task for the bot.",
    )
    assert first.time == datetime(2020, 6, 29, 11, 8, 23, tzinfo=UTC)  # 14:08:23 in the robot's own zone
    native: Any = first.native
    assert native["component"] == "ELMA.RPA.Bot.Server.RepositoryTask"
    assert last.message.endswith("completed!")


def test_lines_that_begin_no_record_belong_to_the_one_before(server: FaultServer, speak: Speak) -> None:
    log = "[ERR] 2020/06/29 14:08:23 | [Player] | It broke\n  at Run()\n  at Main()\n[WRN] 2020/06/29 14:08:24 | bare\n"
    answers(server, {"status": 200, "task": {"id": 1, "status": "ERROR", "log": log}})
    entries = list(speak().list_log_entries(LogFilter(jobs=("1",)), None).items)
    assert [(str(entry.level), entry.message) for entry in entries] == [
        ("error", "It broke\n  at Run()\n  at Main()"),
        ("warning", "bare"),
    ]
    assert speak().get_task("1").error == "It broke\n  at Run()\n  at Main()"


@pytest.mark.parametrize(
    ("native", "status"),
    [("QUEUE", "new"), ("queue", "new"), ("EXECUTING", "in-progress"), ("CANCEL", "cancelled")],
)
def test_statuses(native: str, status: str, server: FaultServer, speak: Speak) -> None:
    answers(server, {"status": 200, "task": {"id": 1, "status": native}})
    assert speak().get_task("1").status == status


@pytest.mark.parametrize("native", ["EMPTY_ST", "PAUSED", 3, None])
def test_a_status_without_a_word_is_unknown_and_kept(native: Any, server: FaultServer, speak: Speak) -> None:
    answers(server, {"status": 200, "task": {"id": 1, "status": native}})
    status = speak().get_task("1").status
    assert (status, status.native) == ("unknown", native)  # type: ignore[union-attr]  # an Unknown


NO = {
    400: (BadRequest, 1),
    401: (NotAuthenticated, 3),
    403: (NotAuthenticated, 3),
    404: (NotFound, 4),
    409: (Refused, 5),
    413: (BadRequest, 1),
    429: (Unavailable, 6),
}


@pytest.mark.parametrize(
    ("number", "http"),
    [*((number, 200) for number in NO), *((number, number) for number in NO if number != 429)],
)
def test_the_status_in_the_body_decides(number: int, http: int, server: FaultServer, speak: Speak) -> None:
    body = {"status": number, "ErrorMessage": "because"}
    calls: list[Callable[[Elma], Any]] = [
        lambda d: d.get_task("1"),
        lambda d: d.create_task(model.NewTask(queue=PROCESS)),
    ]
    for call in calls:
        answers(server, body, status=http)
        with pytest.raises(NO[number][0]) as caught:
            call(speak())
        assert caught.value.exit_code == NO[number][1]


def test_a_fault_of_the_server_leaves_a_create_open(server: FaultServer, speak: Speak) -> None:
    answers(server, {"status": 500, "ErrorMessage": "database"}, {"status": 500})
    with pytest.raises(OutcomeUnknown):
        speak().create_task(model.NewTask(queue=PROCESS))
    with pytest.raises(Unavailable):
        speak().get_task("1")


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"status": 201}', b'{"status": 201, "task": {}}'])
def test_an_answer_without_a_task_leaves_a_create_open(
    body: bytes, server: FaultServer, speak: Speak
) -> None:
    answers(server, body)
    with pytest.raises(OutcomeUnknown):
        speak().create_task(model.NewTask(queue=PROCESS))


def test_a_status_without_a_task_is_no_crash(server: FaultServer, speak: Speak) -> None:
    answers(server, {"status": 200}, {"foo": 1}, {"status": 200, "task": 5}, b"[]")
    for _ in range(4):
        with pytest.raises(Unintelligible):
            speak().get_task("1")
    answers(server, {"status": 200, "task": {}})
    with pytest.raises(NotFound):
        speak().get_task("1")


READS = [
    "task get 1",
    "task wait 1",
    "job get 1",
    "job logs 1",
    "process list",
    f"process get {PROCESS}",
    "process get Invoices",
    f"process version list {PROCESS}",
    "queue list",
    "queue get Invoices",
    "task create -q Invoices -p a=1",
    f"task create -q {PROCESS} -p a=1",
]


@pytest.mark.parametrize("words", READS)
@pytest.mark.parametrize("body", [{"foo": 1}, {"status": 200, "process": [{"foo": 1}], "task": {"foo": 1}}])
def test_an_answer_that_makes_no_sense_is_1(words: str, body: Any, server: FaultServer, orchctl: Any) -> None:
    answers(server, body)
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}
    result = orchctl(*words.split(), "-o", "json", env=env)
    assert (result.code, result.out, result.error["code"]) == (1, "", "unintelligible_answer")
    assert not any(seen.target.endswith("/create") for seen in server.requests)


def test_a_list_that_is_left_out_is_empty(server: FaultServer, speak: Speak) -> None:
    """A field that is zero or empty may be left out: an answer with a status says that much."""
    answers(server, {"status": 200})
    page = speak().list_processes(None)
    assert page is not None
    assert list(page.items) == []


def test_variables_that_make_no_sense_are_not_none(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(EXCHANGES["repository: one version of a process"]), {"foo": 1})
    with pytest.raises(Unintelligible):
        speak().get_process(PROCESS)


def test_a_path_that_is_missing_is_no_missing_task(server: FaultServer, speak: Speak) -> None:
    answers(server, b"<html>404 page not found</html>", status=404)
    with pytest.raises(BadRequest) as caught:
        speak().cancel_task("955")
    assert "cancel-path" in str(caught.value.hint)
    answers(server, {"status": 404, "ErrorMessage": "no such task"}, status=404)
    with pytest.raises(NotFound):
        speak().cancel_task("955")


def test_the_path_of_cancel_can_be_set(server: FaultServer, speak: Speak) -> None:
    answers(server, replied(EXCHANGES["task: cancel"]))
    speak(cancel_path="/v1/orchestra/task/delete").cancel_task("955")
    assert server.requests[0].target == "/v1/orchestra/task/delete"


def test_what_is_no_number_is_no_task(server: FaultServer, speak: Speak) -> None:
    for ident in ("abc", "-1", "9" * 30, "1.5"):
        with pytest.raises(NotFound):
            speak().get_task(ident)
    assert server.requests == []


def test_a_token_that_is_no_uuid_is_not_sent(server: FaultServer, speak: Speak) -> None:
    with pytest.raises(NotAuthenticated):
        speak("not-a-uuid").get_task("1")
    assert server.requests == []


def test_a_process_with_its_variables(server: FaultServer, speak: Speak) -> None:
    found, context = (
        EXCHANGES["repository: one version of a process"],
        EXCHANGES["repository: context variables of a version"],
    )
    answers(server, replied(found), replied(context))
    process = speak().get_process(PROCESS)
    assert (process.id, process.name, process.version) == (PROCESS, "Creating profiles", "3")
    assert json.loads(server.requests[1].body) == context["request"]["json"]
    variables: Any = process.variables
    assert variables[6] == {
        "name": "ArrayParam_in",
        "type": "file",
        "array": True,
        "scope": "In",
        "caption": "ArrayParam_in",
        "description": None,
    }


def test_a_process_without_variables_declares_none(server: FaultServer, speak: Speak) -> None:
    found, none = (
        EXCHANGES["repository: one version of a process"],
        EXCHANGES["repository: a version without variables"],
    )
    answers(server, replied(found), replied(none))
    assert speak().get_process(PROCESS).variables == []


def test_a_server_that_does_not_tell_variables(server: FaultServer, speak: Speak) -> None:
    found = replied(EXCHANGES["repository: one version of a process"])
    answers(server, found, (404, b"404 page not found"))
    assert speak().get_process(PROCESS).variables is None


def test_all_versions_of_a_process(server: FaultServer, speak: Speak) -> None:
    history = EXCHANGES["repository: all versions of a process"]
    answers(server, replied(EXCHANGES["repository: one version of a process"]), replied(history))
    page = speak().list_process_versions(PROCESS, None)
    assert page is not None
    versions = list(page.items)
    assert json.loads(server.requests[1].body) == history["request"]["json"]
    assert [(version.id, version.name) for version in versions] == [
        (f"{PROCESS}@3", "3"),
        (f"{PROCESS}@2", "2"),
    ]
    assert versions[1].created_at == datetime(2020, 6, 20, 11, tzinfo=UTC)


def test_a_process_by_name(server: FaultServer, speak: Speak) -> None:
    current = replied(EXCHANGES["repository: current versions of all processes"])
    answers(server, current)
    assert speak().get_queue("Creating profiles").id == PROCESS
    answers(server, current)
    with pytest.raises(NotFound) as caught:
        speak().get_queue("Creating profile")
    assert caught.value.hint == "did you mean 'Creating profiles'?"


def test_a_name_that_two_processes_have(server: FaultServer, speak: Speak) -> None:
    one = EXCHANGES["repository: one version of a process"]["reply"]["body"]["process"]
    answers(server, {"status": 200, "total": 2, "process": [one, {**one, "token": OTHER}]})
    with pytest.raises(UsageFault) as caught:
        speak().get_queue("Creating profiles")
    assert OTHER in str(caught.value.hint)


def test_a_server_that_caps_its_lists_is_asked_for_the_rest(server: FaultServer, speak: Speak) -> None:
    one = EXCHANGES["repository: one version of a process"]["reply"]["body"]["process"]
    names = [{**one, "name": f"P{number}"} for number in range(5)]
    answers(server, *[{"status": 200, "total": 5, "process": names[at : at + 2]} for at in (0, 2, 4)])
    assert [native["name"] for native in speak()._all_processes()] == ["P0", "P1", "P2", "P3", "P4"]
    assert [json.loads(seen.body)["page"] for seen in server.requests] == [0, 1, 2]


def test_registration(server: FaultServer, speak: Speak) -> None:
    for body, standing in (
        ({"status": 200}, Registration.ALLOWED),
        ({"status": 201}, Registration.ALLOWED),
        ({"status": "Allowed"}, Registration.ALLOWED),
        ({"status": "Request"}, Registration.WAITING),
        ({"status": 403, "ErrorMessage": "not yet"}, Registration.WAITING),
        ({"status": 401}, Registration.WAITING),
        ({"status": 404}, Registration.UNKNOWN),
    ):
        answers(server, body)
        assert speak().registration(SYSTEM) is standing, body


SILENT = [{}, {"status": 0}, {"status": "ERROR"}, {"status": None, "task": {}}, {"task": None}]


@pytest.mark.parametrize("body", SILENT)
def test_what_does_not_say_that_it_was_done_leaves_it_open(
    body: Any, server: FaultServer, speak: Speak
) -> None:
    for write in (
        lambda: speak().cancel_task("955"),
        lambda: speak().register(SYSTEM, name="n", description="d"),
        lambda: speak().create_task(new_task()),
    ):
        answers(server, body)
        with pytest.raises(OutcomeUnknown):
            write()
    answers(server, body)
    with pytest.raises(Unintelligible):
        speak().registration(SYSTEM)


def test_all_the_ways_to_say_that_a_task_is_cancelled(server: FaultServer, speak: Speak) -> None:
    task = {"id": 955, "status": "CANCEL"}
    for body in (
        {"status": 200, "task": task},
        {"status": 201, "task": None},
        {"status": "204"},
        {"status": 0, "task": task},
        {"task": task},
    ):
        answers(server, body)
        speak().cancel_task("955")
    for word in ("Request", "Allowed"):
        answers(server, {"status": word})
        speak().register(SYSTEM, name="n", description="d")


def test_a_file_that_is_json_is_a_file(server: FaultServer, speak: Speak) -> None:
    for body in (b'{"status": "shipped"}', b'{"status": 200}', b"[1, 2]", b'{"total": 1}', b"{broken"):
        answers(server, body)
        assert b"".join(read(speak(), "1", "a.json")) == body
    answers(server, {"status": 404, "ErrorMessage": "no such file"})
    with pytest.raises(NotFound):
        list(read(speak(), "1", "a.json"))


def test_the_log_of_all_is_refused_before_anything_is_sent(server: FaultServer, speak: Speak) -> None:
    with pytest.raises(Unsupported):
        speak().list_log_entries(LogFilter(), None)
    assert server.requests == []
