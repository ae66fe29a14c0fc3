"""Where Sherpa's documents contradict each other, both sides work; the numbers are those of the API notes."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.dialects.conftest import TOKEN, asked, routes
from tests.faults import FaultServer, reset_after_read

JOB = "55056968-cb1b-4919-ad7b-9370c6e81e55"
ROBOT = "9be0687d-4e00-4742-a53f-c9b622d076db"
PROCESS = "16f94238-ede9-435b-a001-1489b32e7dc2"
GROUP = "c39713ea-d8b9-4669-976e-5ff39677dc64"
VERSION = "4443fc75-4b55-41a2-bb61-9132b6e55d6b"
QUEUE = {"id": 6, "guid": "554ab883-1f82-48e1-bb12-5049002e7d70", "name": "Q"}
READ_JOB = f"GET /api/job/read/{JOB}"


def task(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"guid": f"{number:08}-1111-4111-8111-111111111111", "name": f"T{number}", "status": "0"} | fields


def form(server: FaultServer, at: int = 0) -> dict[str, str]:
    return dict(parse_qsl(server.requests[at].body.decode(), keep_blank_values=True))


def sent_json(server: FaultServer, at: int = 0) -> Any:
    return json.loads(server.requests[at].body)


# 1: PUT or POST


@pytest.mark.parametrize("status", [404, 405, 501])
def test_1_job_update_is_put_and_post_only_where_there_is_no_put(
    cli: Any, server: FaultServer, status: int
) -> None:
    table = {
        "PUT /api/job/update": (status, {"error": "?"}),
        "POST /api/job/update": [],
        READ_JOB: {"guid": JOB, "status": 6},
    }
    server.plan(routes(table))
    assert cli("job", "stop", JOB, "-o", "json").json["status"] == "stopping"
    assert asked(server) == ["PUT /api/job/update", "POST /api/job/update", READ_JOB]
    assert cli("job", "stop", JOB).code == 0
    assert asked(server)[3:] == ["POST /api/job/update", READ_JOB]  # remembered


def test_1_job_update_with_put_is_not_sent_twice(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"PUT /api/job/update": [], READ_JOB: {"guid": JOB, "status": 6}}))
    assert cli("job", "stop", JOB).code == 0
    assert asked(server) == ["PUT /api/job/update", READ_JOB]


@pytest.mark.parametrize("status", [400, 401, 409, 422])
def test_1_any_other_refusal_of_put_is_the_answer(cli: Any, server: FaultServer, status: int) -> None:
    server.plan(routes({"PUT /api/job/update": (status, {"error": "no"}), "POST /api/job/update": []}))
    assert cli("job", "stop", JOB).code in (1, 3, 5)
    assert set(asked(server)) == {"PUT /api/job/update"}


def test_1_a_job_that_is_not_there_is_not_found_with_either_method(cli: Any, server: FaultServer) -> None:
    server.plan(routes({}))
    result = cli("job", "stop", JOB)
    assert (result.code, result.err) == (4, f"orchctl: no job '{JOB}'\n")
    server.plan(routes({"PUT /api/job/update": (405, {}), "POST /api/job/update": (501, {})}))
    assert cli("job", "stop", JOB).code == 1


def test_1_what_was_remembered_gives_way_when_the_server_changes(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"POST /api/job/update": [], READ_JOB: {"status": 6}}))
    cli("job", "stop", JOB)
    server.plan(routes({"PUT /api/job/update": [], READ_JOB: {"status": 6}}))
    server.requests.clear()
    assert cli("job", "stop", JOB).code == 0
    cli("job", "stop", JOB)
    writes = [line for line in asked(server) if "update" in line]
    assert writes == ["POST /api/job/update", "PUT /api/job/update", "PUT /api/job/update"]


@pytest.mark.parametrize(("method", "other"), [("put", "POST"), ("post", "PUT")])
def test_1_the_context_can_fix_the_method(cli: Any, server: FaultServer, method: str, other: str) -> None:
    server.plan(routes({f"{other} /api/job/update": [], READ_JOB: {"status": 6}}))
    result = cli("job", "stop", JOB, context={"job-update-method": method})
    assert result.code == 4
    assert asked(server) == [f"{method.upper()} /api/job/update"]


def test_1_process_version_update_is_post_and_put_only_where_there_is_no_post(
    cli: Any, server: FaultServer
) -> None:
    read = f"GET /api/processVersion/read/{VERSION}"
    answer = {"guid": VERSION, "name": "2.0"}
    server.plan(routes({"POST /api/processVersion/update": [], read: answer}))
    assert cli("process", "version", "update", VERSION, "--name", "2.0").code == 0
    server.plan(routes({"PUT /api/processVersion/update": [], read: answer}))
    assert cli("process", "version", "update", VERSION, "--name", "2.0").code == 0
    assert asked(server) == [
        "POST /api/processVersion/update",
        read,
        "POST /api/processVersion/update",
        "PUT /api/processVersion/update",
        read,
    ]


# 2, 3: the pages on jobs


def test_2_a_job_is_created_for_a_process_and_a_robot_and_never_by_a_guid_of_its_own(
    cli: Any, server: FaultServer
) -> None:
    server.plan(routes({"POST /api/job/create": {"guid": JOB}, READ_JOB: {"guid": JOB, "status": 1}}))
    result = cli("job", "create", "--process", PROCESS, "--robot", ROBOT, "-o", "json")
    assert (result.code, result.json["status"]) == (0, "pending")
    assert sent_json(server) == {"ProcessGUID": PROCESS, "RobotGUID": ROBOT}


def test_2_unverified_fields_are_sent_only_when_asked_for_and_told_when_not_kept(
    cli: Any, server: FaultServer
) -> None:
    server.plan(routes({"POST /api/job/create": {"guid": JOB}, READ_JOB: {"guid": JOB, "status": 1}}))
    words = ["job", "create", "--process", PROCESS, "--robot", ROBOT, "--priority", "high"]
    result = cli(*words, "--stop-after", "2033-03-04T12:00:00Z", "--field", "Folder=Night")
    assert sent_json(server) == {
        "ProcessGUID": PROCESS,
        "RobotGUID": ROBOT,
        "StopAfter": "2033-03-04 12:00:00",
        "Priority": 3,
        "Folder": "Night",
    }
    assert result.err == (
        "note: asked for priority high, but the orchestrator has nothing\n"
        "note: asked for stop_after 2033-03-04T12:00:00Z, but the orchestrator has nothing\n"
    )
    assert "unverified" in cli("job", "create", "--help").out


def test_2_a_job_without_a_robot_or_with_an_input_is_refused_before_anything_is_sent(
    cli: Any, server: FaultServer
) -> None:
    without = cli("job", "create", "--process", PROCESS)
    assert (without.code, "--robot" in without.err) == (2, True)
    given = cli("job", "create", "--process", PROCESS, "--robot", ROBOT, "--input", '{"a": 1}')
    assert (given.code, "--task" in given.err) == (14, True)
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 1, "process_version_id": "55", "robot_id": 1},
        {"guid": JOB, "status": "1", "process_version_guid": "55", "robot_guid": "1"},
        {"GUID": JOB, "Status": 1, "ProcessVersionGUID": "55", "RobotGUID": "1", "New": {"kept": True}},
    ],
)
def test_3_a_job_is_read_by_its_known_keys_and_the_others_are_kept(
    cli: Any, server: FaultServer, answer: Any
) -> None:
    server.plan(routes({READ_JOB: answer}))
    job = cli("job", "get", JOB, "-o", "json").json
    assert (job["id"], job["status"], job["process_version"], job["robot"]) == (JOB, "pending", "55", "1")
    assert job["native"] == answer


# 4, 5: keys and bodies


@pytest.mark.parametrize(
    "spell", [str.lower, str.upper, lambda key: key.replace("_", ""), lambda key: key.replace("_", " ")]
)
def test_4_keys_of_answers_are_read_in_every_spelling(cli: Any, server: FaultServer, spell: Any) -> None:
    native = task(queue_id="6", job_id="7", parent_task="8", retries="2", created="2023-06-29 14:51:30")
    answer = {spell(key): value for key, value in native.items()}
    server.plan(routes({"GET /api/task/read/T1": answer}))
    found = cli("task", "get", "T1", "-o", "json").json
    assert (found["id"], found["status"], found["retries"]) == (native["guid"], "new", 2)
    assert (found["job_id"], found["parent_id"], found["created_at"]) == ("7", "8", "2023-06-29T14:51:30Z")


@pytest.mark.parametrize(
    ("wire", "bodies"),
    [
        ("auto", ["guid=G&status=8", '{"GUID":"R","Status":2}']),
        ("form", ["guid=G&status=8", "GUID=R&Status=2"]),
        ("json", ['{"Guid":"G","Status":8}', '{"GUID":"R","Status":2}']),
    ],
)
def test_4_and_5_the_style_of_bodies_is_the_codes_or_the_references_or_what_the_context_says(
    cli: Any, server: FaultServer, wire: str, bodies: list[str]
) -> None:
    server.plan(routes({"PUT /api/job/update": [], "PUT /api/robot/setStatus": []}))
    cli("job", "update", "G", "--status", "in-progress", context={"wire": wire})
    cli("robot", "set-status", ROBOT, "ready", context={"wire": wire})
    writes = [seen for seen in server.requests if seen.method == "PUT"]
    assert [seen.body.decode().replace(ROBOT, "R") for seen in writes] == bodies
    kinds = [
        "application/json" if body.startswith("{") else "application/x-www-form-urlencoded" for body in bodies
    ]
    assert [seen.headers["content-type"] for seen in writes] == kinds


# 6: the URL that deletes a group


def test_6_the_documented_url_is_never_sent_by_itself(cli: Any, server: FaultServer) -> None:
    result = cli("robot", "group", "remove-robot", GROUP, ROBOT, "--yes")
    assert (result.code, server.requests) == (14, [])
    assert result.err == (
        "orchctl: Sherpa Orchestrator documents for this only DELETE /api/robotGroup/delete/{group}, the call that "
        "deletes the whole group, so it is not sent\n"
        "hint: remove the robot on the web page, or name a call with --path: /api/robotGroup/removeRobot is a likely "
        "one (unverified)\n"
    )


@pytest.mark.parametrize("path", ["/api/robotGroup/removeRobot", "/api/robotGroup/delete/{group}"])
def test_6_an_explicit_path_is_sent_after_a_question(cli: Any, server: FaultServer, path: str) -> None:
    words = ["robot", "group", "remove-robot", GROUP, ROBOT, "--path", path]
    assert (cli(*words).code, server.requests) == (2, [])
    where = path.replace("{group}", GROUP)
    server.plan(
        routes({f"DELETE {where}": [], f"GET /api/robotGroup/read/{GROUP}": {"guid": GROUP, "name": "N"}})
    )
    assert cli(*words, "--yes").code == 0
    assert asked(server)[0] == f"DELETE {where}"
    assert sent_json(server) == {"RobotGroupGuid": GROUP, "RobotGuid": ROBOT}


def test_6_a_path_stays_on_the_contexts_server(cli: Any, server: FaultServer) -> None:
    words = ["robot", "group", "remove-robot", GROUP, ROBOT, "--yes", "--path"]
    assert cli(*words, "http://elsewhere.example/x").code == 2
    assert cli(*words, "//elsewhere.example/x").code == 2
    assert server.requests == []


# 7: in the path or as a parameter


def test_7_a_task_is_read_by_the_path_and_where_that_is_not_there_by_the_parameter(
    cli: Any, server: FaultServer
) -> None:
    server.plan(routes({"GET /api/task/read/T1": task()}))
    assert cli("task", "get", "T1").code == 0
    assert asked(server)[:1] == ["GET /api/task/read/T1"]
    server.requests.clear()
    server.plan(routes({"GET /api/task/read": task()}))
    assert cli("task", "get", "T 1/ж").code == 0
    assert asked(server)[:2] == ["GET /api/task/read/T 1/ж", "GET /api/task/read"]
    assert dict(parse_qsl(urlsplit(server.requests[1].target).query)) == {"Guid": "T 1/ж"}


def test_7_a_task_is_deleted_by_the_path_and_where_that_is_not_there_by_the_parameter(
    cli: Any, server: FaultServer
) -> None:
    server.plan(routes({f"DELETE /api/task/delete/{JOB}": {"result": "1"}}))
    assert cli("task", "delete", JOB, "--yes").code == 0
    assert len(server.requests) == 1
    server.plan(routes({"DELETE /api/task/delete": {"result": "1"}}))
    assert cli("task", "delete", JOB, "--yes").code == 0
    assert sent_json(server, 2) == {"Guid": JOB}
    server.plan(routes({}))
    assert cli("task", "delete", JOB, "--yes").code == 4


# 8: how lastTask says "nothing"

NOTHING = [(204, b""), (200, b""), (200, b" \r\n"), (200, b"[]"), (200, b"{}"), (200, b"null"), (200, b'""')]


@pytest.mark.parametrize(
    "answer", [*NOTHING, (200, b"false"), (200, b"0"), (404, b'{"error":"Task not found"}')]
)
def test_8_all_the_ways_to_say_that_there_is_no_task(cli: Any, server: FaultServer, answer: Any) -> None:
    server.plan(routes({"GET /api/queue/lastTask/Q": answer, "GET /api/queue/read/Q": QUEUE}))
    result = cli("task", "next", "-q", "Q")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert cli("task", "next", "-q", "Q", "--take", "--exit-status").code == 4


@pytest.mark.parametrize("answer", [task(), [task()], json.dumps(task())])
def test_8_and_to_say_that_there_is_one(cli: Any, server: FaultServer, answer: Any) -> None:
    server.plan(routes({"GET /api/queue/lastTask/Q": answer, "GET /api/queue/read/Q": QUEUE}))
    assert cli("task", "next", "-q", "Q", "-o", "json").json["name"] == "T1"


def test_8_a_queue_that_is_not_there_is_no_empty_queue(cli: Any, server: FaultServer) -> None:
    server.plan(routes({}))
    assert cli("task", "next", "-q", "Q").code == 4


# 9: the list of tasks


def test_9_path_and_body_name_the_queue_and_orchctl_filters(cli: Any, server: FaultServer) -> None:
    rows = [task(1), task(2, status="2", tags="a;b"), task(3, status=2, tags="c;")]
    server.plan(routes({"POST /api/task/filter/list/Q": rows, "GET /api/queue/read/Q": QUEUE}))
    result = cli("task", "list", "-q", "Q", "--status", "success", "--tag", "b", "-o", "json")
    assert [row["name"] for row in result.json] == ["T2"]
    assert sent_json(server) == {"Name": "Q"}


@pytest.mark.parametrize(("rows", "told"), [(99, False), (100, True), (101, False)])
def test_9_a_hundred_rows_may_be_all_or_a_cut(cli: Any, server: FaultServer, rows: int, told: bool) -> None:
    server.plan(routes({"POST /api/task/filter/list/Q": [task(n) for n in range(rows)]}))
    result = cli("task", "list", "-q", "Q")
    assert len(result.out.splitlines()) == rows
    assert ("exactly 100 rows" in result.err) == told


# 10: who one says one is


@pytest.mark.parametrize(("auth", "scheme"), [("basic", "Basic"), ("bearer", "Bearer")])
def test_10_the_bare_guid_goes_out_under_either_scheme(
    cli: Any, server: FaultServer, auth: str, scheme: str
) -> None:
    server.plan(routes({"GET /api/robot/read": []}))
    assert cli("robot", "list", context={"auth": auth}).code == 0
    assert (
        server.requests[0].headers["authorization"] == f"{scheme} {base64.b64encode(TOKEN.encode()).decode()}"
    )


# 11: numbers


@pytest.mark.parametrize(
    ("native", "word"),
    [(2, "success"), ("2", "success"), ("9", "unknown"), ("x", "unknown"), (None, "unknown")],
)
def test_11_numbers_come_as_numbers_as_strings_as_null_and_as_news(
    cli: Any, server: FaultServer, native: Any, word: str
) -> None:
    server.plan(routes({"GET /api/task/read/T1": task(status=native, retries="0", job_id="0")}))
    found = cli("task", "get", "T1", "-o", "json").json
    assert (found["status"], found["retries"], found["job_id"]) == (word, 0, None)


def test_11_an_unknown_number_is_shown_beside_the_word(cli: Any, server: FaultServer) -> None:
    server.plan(routes({READ_JOB: {"guid": JOB, "status": 9}}))
    assert "status\tunknown (9)\n" in cli("job", "get", JOB).out
    assert cli("job", "get", JOB, "-o", "json").json["native"]["status"] == 9


# 12: noise, and JSON within JSON

NOISE = b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/var/www/a.php</b> on line <b>3</b><br />\n"


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", NOISE, NOISE + NOISE])
def test_12_noise_before_the_json_is_passed_over(cli: Any, server: FaultServer, before: bytes) -> None:
    one, many = json.dumps(task()).encode(), json.dumps([task(), task(2)]).encode()
    server.plan(
        routes(
            {
                "GET /api/task/read/T1": before + one,
                "POST /api/task/filter/list/Q": before + many,
                "POST /api/queue/create": before + b'{"guid": "554ab883-1f82-48e1-bb12-5049002e7d70"}',
                "PUT /api/task/update": before + b"[]",
                f"GET /api/queue/read/{QUEUE['guid']}": before + json.dumps(QUEUE).encode(),
            }
        )
    )
    assert cli("task", "get", "T1", "-o", "json").json["name"] == "T1"
    assert len(cli("task", "list", "-q", "Q", "-o", "json").json) == 2
    assert cli("queue", "create", "--name", "Q").code == 0
    assert cli("task", "update", task()["guid"], "--comment", "x").code == 0


def test_12_what_is_no_json_is_shown_by_its_first_200_characters(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /api/task/read/T1": b"Fatal error: " + b"x" * 500}))
    result = cli("task", "get", "T1")
    assert result.code == 1
    assert "Fatal error: " + "x" * 187 + "…" in result.err


@pytest.mark.parametrize("parameters", ['{"a": [1]}', '"{\\"a\\": [1]}"', {"a": [1]}])
def test_12_parameters_come_as_json_in_json_or_structured(
    cli: Any, server: FaultServer, parameters: Any
) -> None:
    server.plan(routes({"GET /api/task/read/T1": task(parameters=parameters)}))
    assert cli("task", "get", "T1", "-o", "json").json["payload"] == {"a": [1]}


@pytest.mark.parametrize(
    ("job", "version", "got"),
    [
        (json.dumps({"GUID": JOB}), json.dumps({"GUID": VERSION, "Name": "main.py"}), task()),
        ({"GUID": JOB}, {"GUID": VERSION, "Name": "main.py"}, json.dumps(task())),
        (json.dumps(json.dumps({"guid": JOB})), {"Guid": VERSION, "name": "main.py"}, task()),
    ],
)
def test_12_a_consumed_job_comes_as_json_in_json_or_as_objects(
    cli: Any, server: FaultServer, job: Any, version: Any, got: Any
) -> None:
    answer = {"ConsumeJobErrorCode": 0, "ErrorText": "", "Job": job, "ProcessVersion": version, "Task": got}
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    found = cli("robot", "consume", ROBOT, "-o", "json").json
    assert (found["code"], found["job"]["id"], found["process_version"]["name"]) == (0, JOB, "main.py")
    assert found["task"]["name"] == "T1"


@pytest.mark.parametrize("none", ["", None, "null", "[]", [], "{}"])
def test_12_a_job_may_have_no_task(cli: Any, server: FaultServer, none: Any) -> None:
    answer = {"ConsumeJobErrorCode": "0", "Job": {"GUID": JOB}, "ProcessVersion": {"Name": "x"}, "Task": none}
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    assert cli("robot", "consume", ROBOT, "-o", "json").json["task"] is None


# 13, 14: the log


@pytest.mark.parametrize(
    ("native", "word"),
    [
        ("Info", "info"),
        ("ERROR", "error"),
        ("critical", "critical"),
        (1, "unknown"),
        ("1", "unknown"),
        ("Notice", "unknown"),
    ],
)
def test_13_a_level_is_read_as_a_word_and_a_number_is_unknown_beside_the_number(
    cli: Any, server: FaultServer, native: Any, word: str
) -> None:
    server.plan(routes({"POST /api/log/list": [{"Level": native, "Message": "m", "created_at": 1688039490}]}))
    (entry,) = cli("log", "list", "-o", "json").json
    assert (entry["level"], entry["native"]["Level"]) == (word, native)
    if word == "unknown":
        assert (
            len(cli("log", "list", "--level", "critical", "-o", "json").json) == 1
        )  # it may be as bad as that
        assert f"unknown ({native})" in cli("log", "list").out


@pytest.mark.parametrize("answer", [[], {"guid": JOB}, b""])
def test_14_a_log_entry_is_acknowledged_with_or_without_an_id(
    cli: Any, server: FaultServer, answer: Any
) -> None:
    entry = {"guid": JOB, "Level": "Info", "Message": "m", "created_at": "2023-06-29 14:51:30"}
    server.plan(routes({"POST /api/log/create": answer, f"GET /api/log/read/{JOB}": entry}))
    result = cli("log", "create", "--level", "info", "--message", "m", "-o", "json")
    assert result.code == 0
    assert result.json["id"] == (JOB if isinstance(answer, dict) else None)
    assert form(server) == {"level": "Info", "message": "m"}


def test_14_a_level_that_sherpa_does_not_have_is_refused_before_anything_is_sent(
    cli: Any, server: FaultServer
) -> None:
    assert cli("log", "create", "--level", "trace", "--message", "m").code == 14
    assert server.requests == []


@pytest.mark.parametrize("answer", [[], {"guid": JOB}])
def test_14_a_file_is_acknowledged_with_or_without_an_id(
    cli: Any, server: FaultServer, answer: Any, tmp_path: Any
) -> None:
    file = tmp_path / "report.txt"
    file.write_text("r")
    table = {
        "POST /api/files/create": answer,
        f"GET /api/files/read/{JOB}": {"guid": JOB, "name": "report.txt"},
    }
    server.plan(routes(table))
    result = cli("storage", "file", "create", GROUP, str(file), "-o", "json")
    assert result.code == 0, result.err
    assert (result.json["id"], result.json["name"]) == (JOB if answer else None, "report.txt")


# 15: times


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("created", "2023-06-29 14:51:30"),
        ("created_at", "2023-06-29 14:51:30"),
        ("CreatedAt", 1688050290),
        ("CreatedAt", "1688050290"),
    ],
)
def test_15_times_are_read_under_each_name_and_in_each_form(
    cli: Any, server: FaultServer, key: str, value: Any
) -> None:
    server.plan(routes({f"GET /api/process/read/{PROCESS}": {"guid": PROCESS, "name": "P", key: value}}))
    found = cli("process", "get", PROCESS, "-o", "json").json
    assert (found["created_at"], found["native"][key]) == ("2023-06-29T14:51:30Z", value)


@pytest.mark.parametrize("none", [0, "0", "", None, "0000-00-00 00:00:00"])
def test_15_no_time_has_many_forms_too(cli: Any, server: FaultServer, none: Any) -> None:
    server.plan(
        routes({"GET /api/robot/read": [{"GUID": ROBOT, "Name": "R", "Status": 0, "LastHeartbeatAt": none}]})
    )
    assert cli("robot", "list", "-o", "json").json[0]["last_seen_at"] is None


def test_15_a_time_without_a_zone_is_in_the_contexts_zone_and_a_unix_time_never(
    cli: Any, server: FaultServer
) -> None:
    native = {"guid": PROCESS, "name": "P", "created": "2023-06-29 14:51:30", "updated": 1688050290}
    server.plan(routes({f"GET /api/process/read/{PROCESS}": native}))
    found = cli("process", "get", PROCESS, "-o", "json", context={"time-zone": "Europe/Moscow"}).json
    assert (found["created_at"], found["updated_at"]) == ("2023-06-29T11:51:30Z", "2023-06-29T14:51:30Z")


# 16, 17: triggers


@pytest.mark.parametrize(
    ("option", "asset", "trigger"),
    [
        ("robot", {"RobotType": 1, "RobotId": ROBOT}, {"RobotType": 2, "RobotId": ROBOT}),
        ("group", {"RobotType": 2, "RobotGroupId": GROUP}, {"RobotType": 1, "RobotGroupId": GROUP}),
    ],
)
def test_16_a_robot_and_a_group_have_other_numbers_in_triggers_than_in_assets(
    cli: Any, server: FaultServer, option: str, asset: Any, trigger: Any
) -> None:
    ident = ROBOT if option == "robot" else GROUP
    made = {"guid": JOB}
    server.plan(routes({"POST /api/schedule/create": made, "POST /api/asset/create": made}))
    cli("trigger", "create", "--name", "T", "--process", PROCESS, "--continuous", f"--{option}", ident)
    cli("asset", "create", "A", "--type", "text", "--value", "v", "--for", f"{option}:{ident}")
    first, second = (json.loads(seen.body) for seen in server.requests if seen.method == "POST")
    assert trigger.items() <= first.items()
    assert asset.items() <= second.items()
    assert "unverified" in cli("trigger", "create", "--help").out


@pytest.mark.parametrize(
    ("status", "text"), [(400, "Process is required"), (422, "The field process must be set")]
)
def test_17_the_process_goes_out_as_process_id_and_where_that_is_refused_as_process(
    cli: Any, server: FaultServer, status: int, text: str
) -> None:
    def create(seen: Any) -> Any:
        return {"guid": JOB} if "Process" in json.loads(seen.body) else (status, {"error": text})

    server.plan(routes({"POST /api/schedule/create": create}))
    words = ["trigger", "create", "--name", "T", "--process", PROCESS, "--continuous", "--robot", ROBOT]
    assert cli(*words).code == 0
    keys = [sorted(json.loads(seen.body).keys() & {"Process", "ProcessId"}) for seen in server.requests[:2]]
    assert keys == [["ProcessId"], ["Process"]]
    assert server.effects == 1


def test_17_a_refusal_of_anything_else_is_the_answer(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"POST /api/schedule/create": (422, {"error": "The cron expression is wrong"})}))
    result = cli("trigger", "create", "--name", "T", "--process", PROCESS, "--cron", "x", "--robot", ROBOT)
    assert (result.code, len(server.requests)) == (5, 1)
    assert "The cron expression is wrong" in result.err


# 18 to 22


def test_18_a_minimal_version_goes_out_as_a_string(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"POST /api/process/create": {"guid": PROCESS}}))
    cli("process", "create", "--name", "P", "--min-version", "1.10")
    assert sent_json(server)["MinVersionToRun"] == "1.10"


@pytest.mark.parametrize(
    "keys", [("first name", "last name"), ("first_name", "last_name"), ("FirstName", "LastName")]
)
def test_19_an_account_is_read_with_blanks_in_its_keys_and_its_password_is_masked(
    cli: Any, server: FaultServer, keys: tuple[str, str]
) -> None:
    native = {"guid": JOB, "login": "branch", "password": "S3cr3t!", keys[0]: "Ivan", keys[1]: "Ivanov"}
    server.plan(routes({f"GET /api/account/read/{JOB}": native}))
    for words in (["-o", "json"], ["-o", "yaml"], ["-o", "csv"], ["-o", "wide"], ["--debug"]):
        result = cli("account", "get", JOB, *words)
        assert result.code == 0
        assert "S3cr3t!" not in result.out + result.err
    found = cli("account", "get", JOB, "-o", "json").json
    assert (found["first_name"], found["last_name"], found["native"]["password"]) == ("Ivan", "Ivanov", "***")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            ["queue", "get", "Q"],
            "hint: a name works from Orchestrator 141838 on; older servers know only the GUID\n",
        ),
        (
            ["task", "get", "T"],
            "hint: a name works from Orchestrator 141838 on; older servers know only the GUID\n",
        ),
        (
            ["asset", "get", "A"],
            "hint: a name works from Orchestrator 141838 on; older servers know only the GUID\n",
        ),
        (["queue", "get", JOB], ""),
        (
            ["robot", "get", "R"],
            "hint: names are documented for queues, tasks, assets and log entries; here the GUID is needed\n",
        ),
    ],
)
def test_20_a_name_that_is_not_found_may_be_the_servers_age(
    cli: Any, server: FaultServer, words: list[str], hint: str
) -> None:
    server.plan(routes({}))
    result = cli(*words)
    assert (result.code, result.err) == (4, f"orchctl: no {words[0]} '{words[2]}'\n{hint}")


def test_20_a_name_that_only_this_machine_knows_is_looked_up_and_verified(
    cli: Any, server: FaultServer
) -> None:
    robot = {"GUID": ROBOT, "Name": "R1", "Status": 2}
    server.plan(routes({"GET /api/robot/read": [robot], f"GET /api/robot/read/{ROBOT}": robot}))
    assert cli("robot", "list").code == 0
    assert cli("robot", "get", "R1", "-o", "name").out == f"{ROBOT}\n"
    server.plan(routes({f"GET /api/robot/read/{ROBOT}": {**robot, "Name": "renamed"}}))
    assert cli("robot", "get", "R1").code == 4


def test_20_a_name_of_several_objects_is_not_guessed_at(cli: Any, server: FaultServer) -> None:
    rows = [{"guid": JOB, "name": "A", "type": 2}, {"guid": GROUP, "name": "A", "type": 2}]
    server.plan(routes({"GET /api/asset/read/A": rows}))
    result = cli("asset", "delete", "A", "--yes")
    assert (result.code, asked(server)) == (5, ["GET /api/asset/read/A"])
    assert result.err.endswith(f"hint: use an id: {JOB}, {GROUP}\n")
    server.plan(routes({"GET /api/asset/read/A": rows[:1]}))
    assert cli("asset", "get", "A", "-o", "name").out == f"{JOB}\n"


def test_21_a_file_is_read_by_its_guid_in_the_path_and_beside_it(cli: Any, server: FaultServer) -> None:
    server.plan(routes({f"GET /api/files/read/{JOB}": {"guid": JOB, "name": "report.txt"}}))
    assert cli("storage", "file", "get", JOB, "-o", "json").json["name"] == "report.txt"
    assert dict(parse_qsl(urlsplit(server.requests[0].target).query)) == {"Guid": JOB, "Name": JOB}
    server.plan(routes({f"GET /api/files/read/{JOB}": []}))
    assert cli("storage", "file", "get", JOB).code == 4  # the reference's example, which tells nothing


@pytest.mark.parametrize(("word", "number"), [("low", 0), ("normal", 1), ("high", 2)])
def test_22_a_priority_is_verified_by_reading_it_back(
    cli: Any, server: FaultServer, word: str, number: int
) -> None:
    made = task(priority=str(number))
    table = {"POST /api/task/create": {"guid": made["guid"]}, f"GET /api/task/read/{made['guid']}": made}
    server.plan(routes(table))
    result = cli("task", "create", "-q", "Q", "--name", "T1", "--priority", word)
    assert (form(server)["Priority"], "priority" in result.err) == (str(number), False)
    table[f"GET /api/task/read/{made['guid']}"] = task(priority=str((number + 1) % 3))
    told = cli("task", "create", "-q", "Q", "--name", "T1", "--priority", word)
    assert f"note: asked for priority {word}, but the orchestrator has " in told.err


# 23: what may be sent again

ONCE = {
    "task create": ["task", "create", "-q", "Q", "--name", "T"],
    "job create": ["job", "create", "--process", PROCESS, "--robot", ROBOT],
    "heartbeat": ["robot", "heartbeat", ROBOT],
    "consume": ["robot", "consume", ROBOT],
    "log create": ["log", "create", "--level", "info", "--message", "m"],
    "job stop": ["job", "stop", JOB],
    "remove robot": ["robot", "group", "remove-robot", GROUP, ROBOT, "--yes", "--path", "/x"],
}


@pytest.mark.parametrize("name", ONCE)
def test_23_what_must_not_happen_twice_is_not_sent_twice(cli: Any, server: FaultServer, name: str) -> None:
    server.plan(reset_after_read(effect=True))
    result = cli(*ONCE[name])
    assert (result.code, server.effects, len(server.requests)) == (11, 1, 1)


@pytest.mark.parametrize(
    "words",
    [
        ["job", "delete", JOB, "--yes"],
        ["robot", "delete", ROBOT, "--yes"],
        ["log", "purge", "--before", "1d", "--yes"],
        ["robot", "set-status", ROBOT, "ready"],
    ],
)
def test_23_what_may_happen_twice_is(cli: Any, server: FaultServer, words: list[str]) -> None:
    taken = routes({f"{method} {path}": [] for method, path in WRITES})
    server.plan(reset_after_read(effect=True), taken)
    assert cli(*words).code == 0
    assert asked(server)[0] == asked(server)[1]


WRITES = [
    ("DELETE", f"/api/job/delete/{JOB}"),
    ("DELETE", f"/api/robot/delete/{ROBOT}"),
    ("DELETE", "/api/log/purge"),
    ("PUT", "/api/robot/setStatus"),
]


# 24


def test_24_a_key_with_blanks_around_it_is_found(cli: Any, server: FaultServer) -> None:
    answer = {
        "ConsumeJobErrorCode": 0,
        "Job": {"GUID": JOB},
        "ProcessVersion": {"Name": "x"},
        " Task ": task(),
    }
    server.plan(routes({"POST /api/robot/consumeNextJob": answer}))
    assert cli("robot", "consume", ROBOT, "-o", "json").json["task"]["name"] == "T1"


# What is only inferred


UNVERIFIED = [
    "task create",
    "task finish",
    "queue create",
    "queue list",
    "job create",
    "job list",
    "job update",
    "job stop",
    "job abort",
    "asset list",
    "robot group list",
    "robot group remove-robot",
    "process list",
    "process version create",
    "process version list",
    "trigger create",
    "trigger list",
    "trigger enable",
    "trigger disable",
    "storage file create",
    "storage file list",
    "storage file update",
    "account list",
]


@pytest.mark.parametrize("words", UNVERIFIED)
def test_what_is_inferred_says_so_in_the_help(cli: Any, words: str) -> None:
    assert "unverified" in cli(*words.split(), "--help").out


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({"max_retries": 3}, "T1"),
        ({"max_retries": "3", "unique_tasks": 1}, "T1 (retry 1)"),
    ],
)
def test_a_task_is_retried_as_a_child_where_the_queue_repeats_tasks(
    cli: Any, server: FaultServer, rule: Any, name: str
) -> None:
    failed = task(status=3, queue_id=6, parameters={"a": 1}, priority=2, retries=0)
    child = task(2, name=name, parent_task=failed["guid"], retries=1, priority=2)
    table = {
        "GET /api/task/read/T1": failed,
        f"GET /api/task/read/{child['guid']}": child,
        "GET /api/queue/read/6": QUEUE | rule,
        "GET /api/queue/read/Q": QUEUE | rule,
        "POST /api/task/create": {"guid": child["guid"]},
    }
    server.plan(routes(table))
    result = cli("task", "retry", "T1", "-o", "json")
    assert (result.code, result.json["id"], result.json["parent_id"]) == (0, child["guid"], failed["guid"])
    (sent,) = [dict(parse_qsl(seen.body.decode())) for seen in server.requests if seen.method == "POST"]
    assert sent == {
        "queue_guid": QUEUE["guid"],
        "name": name,
        "parameters": '{"a":1}',
        "Priority": "2",
        "Retries": "1",
        "ParentTask": failed["guid"],
    }


@pytest.mark.parametrize("rule", [{}, {"max_retries": 0}, {"max_retries": "0"}])
def test_a_task_is_new_again_where_the_queue_has_no_such_rule(
    cli: Any, server: FaultServer, rule: Any
) -> None:
    failed = task(status=3, queue_id=6)
    table = {
        "GET /api/task/read/T1": failed,
        "GET /api/queue/read/6": QUEUE | rule,
        "PUT /api/task/update": [],
    }
    server.plan(routes(table | {f"GET /api/task/read/{failed['guid']}": task(queue_id=6)}))
    assert cli("task", "retry", "T1", "-o", "json").json["status"] == "new"
    assert form(server, asked(server).index("PUT /api/task/update")) == {
        "guid": failed["guid"],
        "status": "0",
    }
