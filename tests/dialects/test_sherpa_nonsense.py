"""Answers that make no sense: told as that on a read, never taken for an empty list or an invented object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.conftest import TOKEN, routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
QUEUE = "9be0687d-4e00-4742-a53f-c9b622d076db"

DOCUMENTED = {
    "POST /api/log/list": ["log", "list"],
    f"POST /api/task/filter/list/{QUEUE}": ["task", "list", "-q", QUEUE],
    "GET /api/robot/read": ["robot", "list"],
    "GET /api/folders/list": ["storage", "folder", "list"],
}


@pytest.mark.parametrize("path", DOCUMENTED)
@pytest.mark.parametrize(
    "body", [5, True, "x", None, False, "", {}, [5], [None], [[]], [{}], [{"a": 1}], {"data": []}, "[5]"]
)
def test_a_list_that_is_none_is_1(cli: Any, server: FaultServer, path: str, body: Any) -> None:
    server.plan(routes({path: json.dumps(body).encode(), f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE}}))
    result = cli(*DOCUMENTED[path], "-o", "json")
    assert (result.code, result.out) == (1, "")
    assert "something that is no usable answer" in result.error["message"]


@pytest.mark.parametrize("path", DOCUMENTED)
@pytest.mark.parametrize("body", [{"error": "no licence"}, [{"error": "no licence"}]])
def test_a_refusal_in_place_of_a_list_is_told(cli: Any, server: FaultServer, path: str, body: Any) -> None:
    server.plan(routes({path: body, f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE}}))
    result = cli(*DOCUMENTED[path], "-o", "json")
    assert (result.code, result.error["message"]) == (5, "Sherpa Orchestrator refused: no licence")


@pytest.mark.parametrize("path", DOCUMENTED)
@pytest.mark.parametrize("body", [b"[]", b'"[]"', b"<br />\nWarning: x [0]<br />\n[]"])
def test_an_empty_list_is_empty(cli: Any, server: FaultServer, path: str, body: bytes) -> None:
    server.plan(routes({path: body, f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE}}))
    result = cli(*DOCUMENTED[path], "-o", "json")
    assert (result.code, result.out, result.err) == (0, "[]\n", "")


@pytest.mark.parametrize("path", DOCUMENTED)
def test_rows_in_a_string_are_rows(cli: Any, server: FaultServer, path: str) -> None:
    rows = json.dumps([{"guid": ID, "name": "N"}, {"guid": QUEUE, "name": "N"}])
    server.plan(
        routes(
            {path: json.dumps(rows).encode(), f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE, "name": "Q"}}
        )
    )
    result = cli(*DOCUMENTED[path], "-o", "json")
    assert (result.code, [row["id"] for row in result.json]) == (0, [ID, QUEUE])


@pytest.mark.parametrize("noun", ["queue", "job", "asset", "process"])
@pytest.mark.parametrize("body", [5, True, "x", [5], [{}], [None]])
def test_a_list_that_is_tried_and_makes_no_sense_is_1(
    cli: Any, server: FaultServer, noun: str, body: Any
) -> None:
    server.plan(routes({f"GET /api/{noun}/read": json.dumps(body).encode()}))
    result = cli(noun, "list", "-o", "json")
    assert (result.code, result.out) == (1, "")


@pytest.mark.parametrize("body", [{}, None, "", False, {"guid": ID}])
def test_a_single_object_or_none_means_that_there_is_no_list(
    cli: Any, server: FaultServer, body: Any
) -> None:
    server.plan(routes({"GET /api/queue/read": json.dumps(body).encode()}))
    result = cli("queue", "list", "-o", "json")
    assert (result.code, result.out) == (0, "[]\n")
    assert "has no list of queues" in result.err


def test_objects_by_a_name_that_are_none_are_1(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /api/queue/read/Q": [5]}))
    assert cli("queue", "get", "Q").code == 1


def test_a_refusal_in_place_of_the_next_task_is_told(cli: Any, server: FaultServer) -> None:
    server.plan(
        routes(
            {
                f"GET /api/queue/lastTask/{QUEUE}": {"error": "no licence"},
                f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE},
            }
        )
    )
    result = cli("task", "next", "-q", QUEUE, "-o", "json")
    assert (result.code, result.error["message"]) == (5, "Sherpa Orchestrator refused: no licence")


DEEP = "[" * 100_000


# Objects

READS = {
    "task": (["task", "get", ID], "task"),
    "queue": (["queue", "get", ID], "queue"),
    "job": (["job", "get", ID], "job"),
    "job logs": (["job", "logs", ID], "job"),
    "asset": (["asset", "get", ID], "asset"),
    "log entry": (["log", "get", ID], "log"),
    "robot": (["robot", "get", ID], "robot"),
    "robot group": (["robot", "group", "get", ID], "robotGroup"),
    "process": (["process", "get", ID], "process"),
    "process version": (["process", "version", "get", ID], "processVersion"),
    "trigger": (["trigger", "get", ID], "schedule"),
    "storage folder": (["storage", "folder", "get", ID], "folders"),
    "stored file": (["storage", "file", "get", ID], "files"),
    "account": (["account", "get", ID], "account"),
}


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize(
    "body", [{"foo": 1}, [{"foo": 1}], {"guid": None}, {"guid": {"a": 1}}, {"guid": True}]
)
def test_an_object_that_is_none_is_1(cli: Any, server: FaultServer, what: str, body: Any) -> None:
    argv, entity = READS[what]
    server.plan(routes({f"GET /api/{entity}/read/{ID}": body}))
    result = cli(*argv, "-o", "json")
    assert (result.code, result.out, result.error["code"]) == (1, "", "unintelligible_answer")


def test_a_next_task_that_is_none_is_1(cli: Any, server: FaultServer) -> None:
    table = {f"GET /api/queue/lastTask/{QUEUE}": {"foo": 1}, f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE}}
    server.plan(routes(table))
    for more in ([], ["--take"]):
        result = cli("task", "next", "-q", QUEUE, *more, "-o", "json")
        assert (result.code, result.out, server.effects) == (1, "", 0)
        assert "holds no id" in result.error["message"]


def test_a_row_without_an_id_is_1(cli: Any, server: FaultServer) -> None:
    rows = [{"guid": ID, "name": "A", "status": 0}, {"name": "B", "status": 0}]
    server.plan(routes({f"POST /api/task/filter/list/{QUEUE}": rows, "GET /api/queue/read": rows}))
    assert cli("task", "list", "-q", QUEUE, "-o", "json").code == 1
    assert cli("queue", "list", "-o", "json").code == 1


def test_a_job_needs_no_id_of_its_own(cli: Any, server: FaultServer) -> None:
    """The documents show none in it."""
    server.plan(routes({f"GET /api/job/read/{ID}": {"status": "4", "stop_after": None}}))
    job = cli("job", "get", ID, "-o", "json").json
    assert (job["id"], job["status"]) == (ID, "success")


READ_BACK = {
    "task": (["task", "update", ID, "--priority", "high"], "PUT /api/task/update", "task"),
    "queue": (["queue", "update", ID, "--description", "D"], "PUT /api/queue/update", "queue"),
    "job": (["job", "stop", ID], "PUT /api/job/update", "job"),
    "robot": (["robot", "set-status", ID, "ready"], "PUT /api/robot/setStatus", "robot"),
}


@pytest.mark.parametrize("what", READ_BACK)
def test_what_was_written_and_makes_no_sense_when_it_is_read_back_is_done(
    cli: Any, server: FaultServer, what: str
) -> None:
    argv, path, entity = READ_BACK[what]
    natives = {"guid": ID, "name": "N", "status": 0}
    server.plan(
        routes(
            {path: [], f"GET /api/{entity}/read/{ID}": lambda _: {"foo": 1} if server.effects else natives}
        )
    )
    result = cli(*argv, "-o", "json")
    assert (result.code, server.effects, result.json["id"]) == (0, 1, ID)
    assert f"done, but the {what} could not be read back" in result.err


def test_a_claimed_job_without_an_id_is_in_doubt(cli: Any, server: FaultServer) -> None:
    answer = {"ConsumeJobErrorCode": 0, "Job": {"foo": 1}}
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    result = cli("robot", "consume", ID, "-o", "json")
    assert (result.code, server.effects) == (11, 1)


def test_what_comes_with_a_claimed_job_needs_no_id(cli: Any, server: FaultServer) -> None:
    answer = {
        "ConsumeJobErrorCode": 0,
        "Job": {"GUID": ID},
        "ProcessVersion": {"Name": "C:/script.robot"},
        "Task": {"name": "T"},
    }
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    consumed = cli("robot", "consume", ID, "-o", "json").json
    assert (consumed["job"]["id"], consumed["process_version"]["name"]) == (ID, "C:/script.robot")
    assert consumed["task"]["name"] == "T"


def test_json_in_a_string_may_be_as_odd_as_any(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /api/robot/read": json.dumps(DEEP).encode()}))
    assert cli("robot", "list").code == 1
    odd = json.dumps('[{"guid": "1", "name": "R", "status": 1e999}]').encode()
    server.plan(routes({"GET /api/robot/read": odd}))
    assert cli("robot", "list", "-o", "json").json[0]["status"] == "unknown"
    calendar = {"guid": ID, "name": "A", "type": 3, "text": DEEP}
    server.plan(routes({f"GET /api/asset/read/{ID}": calendar}))
    assert cli("asset", "get", ID).code == 0


# Creates


@pytest.mark.parametrize("guid", [{"a": [1]}, [1], True, 1.5, None, ""])
def test_a_create_whose_id_is_none_is_in_doubt(cli: Any, server: FaultServer, guid: Any) -> None:
    server.plan(routes({"POST /api/queue/create": {"guid": guid}}))
    result = cli("queue", "create", "--name", "Q", "-o", "json")
    assert (result.code, server.effects) == (11, 1)
    assert "the answer holds no guid" in result.error["message"]


def test_a_number_is_an_id(cli: Any, server: FaultServer) -> None:
    server.plan(
        routes({"POST /api/queue/create": {"id": 7}, "GET /api/queue/read/7": {"id": 7, "name": "Q"}})
    )
    result = cli("queue", "create", "--name", "Q", "-o", "json")
    assert (result.code, result.json["id"]) == (0, "7")


@pytest.mark.parametrize("guid", [{"a": [1]}, True])
def test_an_entry_of_the_log_whose_id_is_none_is_in_doubt_too(
    cli: Any, server: FaultServer, guid: Any
) -> None:
    server.plan(routes({"POST /api/log/create": {"guid": guid}}))
    assert cli("log", "create", "--level", "info", "--message", "M").code == 11


# Updates

UPDATES = {
    "queue": ["queue", "update", ID, "--description", "x"],
    "process": ["process", "update", ID, "--description", "x"],
    "schedule": ["trigger", "update", ID, "--description", "x"],
    "robot": ["robot", "update", ID, "--description", "x"],
    "robotGroup": ["robot", "group", "update", ID, "--description", "x"],
    "folders": ["storage", "folder", "update", ID, "--description", "x"],
    "account": ["account", "update", ID, "--email", "x"],
    "asset": ["asset", "set", ID, "--description", "x"],
    "task": ["task", "update", ID, "--comment", "x"],
    "job": ["job", "update", ID, "--status", "success"],
}


@pytest.mark.parametrize("entity", UPDATES)
def test_an_update_that_cannot_be_read_back_is_done_with_a_note(
    cli: Any, server: FaultServer, entity: str
) -> None:
    row = {"guid": ID, "name": "N", "login": "N", "description": "old", "type": 2, "status": 1}

    def read(_: Any) -> Any:
        return (403, {"error": "gone"}) if server.effects else row

    server.plan(routes({f"GET /api/{entity}/read/{ID}": read, f"PUT /api/{entity}/update": []}))
    result = cli(*UPDATES[entity], "-o", "name")
    assert (result.code, result.out, server.effects) == (0, f"{ID}\n", 1)
    # What was not read back is not compared with what was asked for either.
    (note,) = result.err.splitlines()
    assert note.startswith("note: done, but the ") and "could not be read back" in note


# What is answered to a write
YES = [
    *(b"", b"[]", b"{}", b"null", b"true", b'"[]"', b"<br />\nWarning: x [0]<br />\n[]"),
    *({"result": "1"}, {"result": 1}, {"Result": True}, {"success": True, "message": "deleted"}),
    *({"guid": ID}, {"id": "7", "status": "5"}, [{"GUID": ID, "Name": "T"}], {"name": "T", "status": 1}),
    {"status": 1, "process_version_id": "4", "created_at": "2026-01-31 18:00:00"},
]
NO = [
    *({"error": "no licence"}, [{"error": "no licence"}], {"ErrorText": "no licence", "result": "1"}),
    json.dumps(json.dumps({"error": "no licence"})).encode(),
    {"result": "0", "message": "no licence"},
]
NEITHER = [
    *(b"false", b"0", b"5", b'"no such task"', b'["no such task"]', b"[[]]", b"[null]", b"[5]"),
    *({"success": False}, {"status": "error"}, {"result": "0"}, {"ErrorCode": 101}, {"guid": None}),
    *({"Errors": ["no such task"]}, [{"status": "error"}], [{"guid": ID}, {"guid": ID}]),
]
WRITES = {
    "PUT /api/task/update": ["task", "cancel", ID, "--yes"],
    f"DELETE /api/task/delete/{ID}": ["task", "delete", ID, "--yes"],
    "PUT /api/task/addTag": ["task", "tag", "add", ID, "a"],
    f"DELETE /api/queue/delete/{ID}": ["queue", "delete", ID, "--yes"],
    "PUT /api/job/update": ["job", "update", ID, "--status", "success"],
    "PUT /api/robot/setStatus": ["robot", "set-status", ID, "ready"],
    "DELETE /api/log/purge": ["log", "purge", "--before", "2026-01-01", "--yes"],
    "POST /api/log/create": ["log", "create", "--level", "info", "--message", "M"],
}


@pytest.mark.parametrize("path", WRITES)
def test_only_a_yes_is_done(cli: Any, server: FaultServer, path: str) -> None:
    row = {"guid": ID, "name": "N", "status": 1}
    reads = {f"GET /api/{entity}/read/{ID}": row for entity in ("task", "queue", "job", "robot")}
    for answers, code, words in (
        (YES, 0, ""),
        (NO, 5, "Sherpa Orchestrator refused: no licence"),
        (NEITHER, 11, "does not say that it was done"),
    ):
        for answer in answers:
            if path == "POST /api/log/create" and isinstance(answer, dict) and "guid" in answer:
                continue  # there it is what is asked for
            server.plan(routes({**reads, path: answer}))
            before = server.effects
            result = cli(*WRITES[path])
            assert (result.code, server.effects - before) == (code, 1), (answer, result.err)
            assert words in result.err, answer


# Values


def test_a_message_that_is_an_object_is_shown_as_json(cli: Any, server: FaultServer) -> None:
    rows = [{"guid": ID, "message": {"что": [1, None, True]}, "robot_id": {"a": 1}}]
    server.plan(routes({"POST /api/log/list": rows}))
    row = cli("log", "list", "-o", "json").json[0]
    assert (row["message"], row["robot"]) == ('{"что":[1,null,true]}', '{"a":1}')


NO_TIME = [
    ("0001-01-01T00:00:00+03:00", "UTC"),
    ("0001-01-01T00:00:00", "Europe/Moscow"),
    ("9999-12-31T23:59:59-14:00", "UTC"),
    ("9999-12-31 23:59:59", "America/New_York"),
]


@pytest.mark.parametrize(("stamp", "zone"), NO_TIME)
def test_a_date_beyond_the_calendar_is_none(cli: Any, server: FaultServer, stamp: str, zone: str) -> None:
    row = {"guid": ID, "name": "T", "message": "M", "status": 0, "created_at": stamp}
    robot = {"guid": ID, "name": "R", "status": 2, "lastheartbeatat": stamp}
    queue = {"guid": QUEUE, "name": "Q"}
    server.plan(
        routes(
            {
                f"POST /api/task/filter/list/{QUEUE}": [row],
                "POST /api/log/list": [row],
                f"GET /api/queue/read/{QUEUE}": queue,
                "GET /api/queue/read": [queue],
                "GET /api/robot/read": [robot],
                "GET /api/job/read": [row],
            }
        )
    )

    def run(*argv: str) -> Any:
        result = cli(*argv, context={"time-zone": zone})
        assert result.code == 0, result.err
        return result

    assert run("task", "list", "-q", QUEUE, "-o", "json").json[0]["created_at"] is None
    assert run("log", "list", "-o", "json").json[0]["time"].startswith("1970-01-01")
    assert run("robot", "list", "-o", "json").json[0]["last_seen_at"] is None
    run("log", "tail", "-n", "5")
    run("top", "--once")
    run("task", "list", "-q", QUEUE, "--chart")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
@pytest.mark.parametrize("stamp", ["9999-12-31 23:59:59", "0001-01-01 00:00:00"])
@pytest.mark.parametrize("style", ["utc", "local", "relative"])
def test_the_ends_of_the_calendar_can_be_shown_in_every_zone(
    cli: Any, server: FaultServer, monkeypatch: pytest.MonkeyPatch, zone: str, stamp: str, style: str
) -> None:
    import time

    row = {"guid": ID, "name": "T", "message": "M", "status": 0, "created_at": stamp}
    server.plan(
        routes(
            {
                f"POST /api/task/filter/list/{QUEUE}": [row, {**row, "created_at": stamp[:-1] + "1"}],
                "POST /api/log/list": [row],
                f"GET /api/queue/read/{QUEUE}": {"guid": QUEUE, "name": "Q"},
                "GET /api/queue/read": [{"guid": QUEUE, "name": "Q"}],
                "GET /api/robot/read": [{"guid": ID, "name": "R", "status": 2, "lastheartbeatat": stamp}],
                "GET /api/job/read": [{"guid": ID, "status": 8, "created_at": stamp, "started_at": stamp}],
            }
        )
    )
    monkeypatch.setenv("TZ", zone)
    if hasattr(time, "tzset"):
        time.tzset()
    try:
        for argv in (
            ["task", "list", "-q", QUEUE, "-o", "wide", "--time", style],
            ["task", "list", "-q", QUEUE, "--chart"],
            ["log", "list", "--time", style],
            ["log", "tail", "-n", "5", "--time", style],
            ["robot", "list", "--time", style],
            ["job", "list", "--time", style],
            ["top", "--once"],
        ):
            result = cli(*argv)
            assert result.code == 0, result.err
    finally:
        monkeypatch.undo()
        if hasattr(time, "tzset"):
            time.tzset()


def test_a_time_that_the_servers_zone_does_not_have_is_a_usage_error(cli: Any, server: FaultServer) -> None:
    server.plan(routes({}))
    argv = ["task", "create", "-q", QUEUE, "--deadline", "9999-12-31T23:30:00Z", "-n"]
    result = cli(*argv, context={"time-zone": "Europe/Moscow"})
    assert result.code == 2
    assert "9999-12-31T23:30:00Z is beyond all times in the time zone Europe/Moscow" in result.err
    assert TOKEN not in result.err
