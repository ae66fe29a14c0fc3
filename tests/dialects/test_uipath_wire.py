"""UiPath's dialect on the wire: what it sends, byte for byte where a document says so, and how it reads answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.dialects.conftest import asked, routes
from tests.faults import FaultServer, Seen, reply
from tests.wire.uipath_description import check

WIRE = Path(__file__).parents[1] / "wire" / "uipath"
EXCHANGES = {
    exchange["name"]: exchange
    for name in ("item", "queue", "folder")
    for exchange in json.loads((WIRE / f"{name}.json").read_text("utf-8"))
}
GUIDE = EXCHANGES["get an item"]["reply"]["body"]
QUEUE = EXCHANGES["get"]["reply"]["body"]
PAGE = "<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.fixture
def uipath(orchctl: Any, server: FaultServer) -> Any:
    """``orchctl`` in front of the server, in the folder Shared."""

    def run(*argv: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        spoken = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "uipath", "ORCHCTL_TOKEN": "rt_1"}
        return orchctl(*argv, env={**spoken, "ORCHCTL_FOLDER": "Shared", **(env or {})}, **options)

    return run


def body(seen: Seen) -> Any:
    return json.loads(seen.body)


def query(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.target).query).items()}


def all_valid(server: FaultServer) -> None:
    for seen in server.requests:
        check(seen.method, seen.target, seen.headers, seen.body)


def test_erasing_is_what_the_guide_shows(uipath: Any, server: FaultServer) -> None:
    table = {
        "GET /odata/QueueItems(2499339)": GUIDE,
        "GET /odata/QueueDefinitions(3899)": QUEUE,
        "PUT /odata/QueueItems(2499339)": (200, b""),
    }
    server.plan(routes(table))
    result = uipath("task", "erase", "2499339", "--yes", "-o", "json")
    assert (result.code, result.err) == (0, "")
    (put,) = [seen for seen in server.requests if seen.method == "PUT"]
    (guide,) = [EXCHANGES["erase"]["request"]["json"]]
    # The guide's own body, but for the blank that it has before the queue's name.
    assert list(body(put).items()) == list({**guide, "Name": guide["Name"].strip()}.items())
    assert put.target == "/odata/QueueItems(2499339)"
    assert put.headers["x-uipath-organizationunitid"] == "39419"
    assert put.headers["authorization"] == "Bearer rt_1"
    assert "x-uipath-folderpath" not in put.headers
    # The item was read in its own folder right before.
    before = server.requests[server.requests.index(put) - 1 :: -1]
    read = next(seen for seen in before if seen.target == "/odata/QueueItems(2499339)")
    assert read.headers["x-uipath-organizationunitid"] == "39419"
    all_valid(server)


@pytest.mark.parametrize("words", [["erase", "--yes"], ["update", "--priority", "high"]])
def test_a_change_is_made_in_the_tasks_own_folder(uipath: Any, server: FaultServer, words: list[str]) -> None:
    """Also where the context has none: an item is found without."""
    unfit = EXCHANGES["without a folder"]["reply"]

    def queue(seen: Seen) -> Any:
        fits = seen.headers.get("x-uipath-organizationunitid") == "39419"
        return QUEUE if fits else (unfit["status"], unfit["body"])

    table = {
        "GET /odata/QueueItems(2499339)": lambda _: {
            **GUIDE,
            "Priority": "High" if server.effects else "Low",
        },
        "GET /odata/QueueDefinitions(3899)": queue,
        "PUT /odata/QueueItems(2499339)": (200, b""),
    }
    server.plan(routes(table))
    result = uipath("task", words[0], "2499339", *words[1:], env={"ORCHCTL_FOLDER": ""})
    assert (result.code, result.err, server.effects) == (0, "", 1)
    (put,) = [seen for seen in server.requests if seen.method == "PUT"]
    assert (body(put)["Name"], put.headers["x-uipath-organizationunitid"]) == ("Queue Demo", "39419")
    check(put.method, put.target, put.headers, put.body)


@pytest.mark.parametrize("status", ["New", "InProgress", "Failed", "Abandoned"])
def test_what_is_not_done_is_not_erased(uipath: Any, server: FaultServer, status: str) -> None:
    item = {**GUIDE, "Status": status}
    server.plan(routes({"GET /odata/QueueItems(2499339)": item, "GET /odata/QueueDefinitions(3899)": QUEUE}))
    result = uipath("task", "erase", "2499339", "--yes")
    assert result.code == 5
    assert f"the task 2499339 is {status}" in result.err
    assert {seen.method for seen in server.requests} == {"GET"}


@pytest.mark.parametrize("status", ["Successful", "Deleted", "Retried"])
def test_what_is_done_is_erased(uipath: Any, server: FaultServer, status: str) -> None:
    table = {
        "GET /odata/QueueItems(2499339)": {
            **GUIDE,
            "Status": status,
            "DeferDate": "2022-02-17T13:27:43.8951234Z",
        },
        "GET /odata/QueueDefinitions(3899)": QUEUE,
        "PUT /odata/QueueItems(2499339)": (200, b""),
    }
    server.plan(routes(table))
    assert uipath("task", "erase", "2499339", "--yes").code == 0
    (put,) = [seen for seen in server.requests if seen.method == "PUT"]
    assert body(put)["DeferDate"] == "2022-02-17T13:27:43.8951234Z"  # as it came, not as we would write it


def test_a_task_is_read_as_the_guide_prints_it(uipath: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /odata/QueueItems(2499339)": GUIDE, "GET /odata/QueueDefinitions(3899)": QUEUE}))
    task = uipath("task", "get", "2499339", "-o", "json").json
    expected = {
        "id": "2499339",
        "queue": "Queue Demo",
        "status": "success",
        "priority": "high",
        "reference": "82086",
        "payload": GUIDE["SpecificContent"],
        "output": None,
        "error": None,
        "created_at": "2021-03-19T17:37:35.893000Z",
        "retries": 0,
        "native": GUIDE,
    }
    assert {name: task[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("native", "status"),
    [
        ({"Status": "New"}, "new"),
        ({"Status": "New", "DeferDate": "2099-01-01T00:00:00Z"}, "postponed"),
        ({"Status": "New", "DeferDate": "2001-01-01T00:00:00Z"}, "new"),
        ({"Status": "InProgress"}, "in-progress"),
        ({"Status": "Failed", "ProcessingExceptionType": "ApplicationException"}, "failed"),
        ({"Status": "Failed", "ProcessingExceptionType": "BusinessException"}, "failed-business"),
        ({"Status": "Successful"}, "success"),
        ({"Status": "Abandoned"}, "abandoned"),
        ({"Status": "Retried"}, "retried"),
        ({"Status": "Deleted"}, "deleted"),
        ({"Status": "Sleeping"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_words_for_states(uipath: Any, server: FaultServer, native: Any, status: str) -> None:
    item = {"Id": 1, "QueueDefinitionId": 3899, **native}
    server.plan(routes({"GET /odata/QueueItems(1)": item, "GET /odata/QueueDefinitions(3899)": QUEUE}))
    assert uipath("task", "get", "1", "-o", "json").json["status"] == status


@pytest.mark.parametrize(
    ("folder", "header", "value"),
    [
        ("39419", "x-uipath-organizationunitid", "39419"),
        (
            "7EC89774-a0ab-456f-bc1b-34f87ffd0a55",
            "x-uipath-folderkey",
            "7EC89774-a0ab-456f-bc1b-34f87ffd0a55",
        ),
        ("Shared/Invoices", "x-uipath-folderpath", "Shared/Invoices"),
        ("Общая/Отдел", "x-uipath-folderpath-encoded", "HgQxBEkEMARPBC8AHgRCBDQENQQ7BA=="),
    ],
)
def test_a_folder_is_sent_as_it_is_given(
    uipath: Any, server: FaultServer, folder: str, header: str, value: str
) -> None:
    server.plan(routes({"GET /odata/QueueDefinitions": {"value": []}}))
    assert uipath("queue", "list", "--folder", folder).code == 0
    assert uipath("--folder", folder, "queue", "list").code == 0
    assert uipath("queue", "list", env={"ORCHCTL_FOLDER": folder}).code == 0
    for seen in server.requests:
        assert {name: seen.headers[name] for name in seen.headers if name.startswith("x-uipath")} == {
            header: value
        }
    all_valid(server)


def test_a_folder_that_is_missing_is_told_with_what_to_do(uipath: Any, server: FaultServer) -> None:
    exchange = EXCHANGES["without a folder"]["reply"]
    server.plan(reply(exchange["status"], json.dumps(exchange["body"]).encode()))
    result = uipath("queue", "list", env={"ORCHCTL_FOLDER": ""})
    assert result.code == 2
    assert result.err == (
        "orchctl: UiPath Orchestrator has to be told the folder: An organization unit is required for this action.\n"
        "hint: add --folder PATH, set ORCHCTL_FOLDER, or put folder: in the context; orchctl folder list shows them\n"
    )
    told = uipath("queue", "list", "-o", "json", env={"ORCHCTL_FOLDER": ""}).error
    assert (told["exit_code"], told["request_id"]) == (2, exchange["body"]["traceId"])


def test_quotes_are_doubled_and_times_stand_bare(uipath: Any, server: FaultServer) -> None:
    server.plan(
        routes({"GET /odata/QueueDefinitions": {"value": [QUEUE]}, "GET /odata/QueueItems": {"value": []}})
    )
    words = ["--status", "new", "--status", "failed", "--priority", "high", "--since", "2026-01-31T18:00:00Z"]
    assert uipath("task", "list", "-q", "O'Brien & Sons", *words).code == 0
    first, second = server.requests[:2]
    assert query(first)["$filter"] == "Name eq 'O''Brien & Sons'"
    assert "%20" in first.target and "+" not in first.target
    assert query(second) == {
        "$filter": "QueueDefinitionId eq 3899 and (Status eq 'Failed' or Status eq 'New') and "
        "Priority eq 'High' and CreationTime ge 2026-01-31T18:00:00.000Z",
        "$orderby": "Id",
        "$top": "100",
        "$count": "true",
    }
    all_valid(server)


def test_pages_go_on_after_the_last_number(uipath: Any, server: FaultServer) -> None:
    """Rows that come or go meanwhile move no other row across the border of a page."""

    def items(seen: Seen) -> Any:
        condition = query(seen)["$filter"]
        after = int(condition.rpartition("Id gt ")[2]) if "Id gt" in condition else 0
        left = [number for number in (3, 5, 8, 13, 21) if number > after]
        rows = [{"Id": number, "QueueDefinitionId": 3899, "Status": "New"} for number in left[:2]]
        return {"@odata.count": len(left), "value": rows}

    server.plan(routes({"GET /odata/QueueDefinitions": {"value": [QUEUE]}, "GET /odata/QueueItems": items}))
    listed = uipath("task", "list", "-q", "Queue Demo", "-o", "name")
    assert listed.out.split() == ["3", "5", "8", "13", "21"]
    pages = [query(seen)["$filter"] for seen in server.requests if "QueueItems" in seen.target]
    assert pages == [
        "QueueDefinitionId eq 3899",
        "QueueDefinitionId eq 3899 and Id gt 5",
        "QueueDefinitionId eq 3899 and Id gt 13",
    ]


def test_the_row_version_is_read_right_before_it_is_used(uipath: Any, server: FaultServer) -> None:
    versions = iter(("AAAAAAABBB0=", "AAAAAAABBB1="))

    def item(_: Seen) -> Any:
        return {**GUIDE, "RowVersion": next(versions)}

    answer: dict[str, Any] = {"Success": True, "Message": None, "FailedItems": []}
    path = "POST /odata/QueueItems/UiPathODataSvc.DeleteBulk"
    server.plan(routes({"GET /odata/QueueItems(2499339)": item, path: answer}))
    assert uipath("task", "delete", "2499339", "--yes").code == 0
    (sent,) = [seen for seen in server.requests if seen.method == "POST"]
    assert body(sent) == {"queueItems": [{"Id": 2499339, "RowVersion": "AAAAAAABBB0="}]}
    assert sent.headers["x-uipath-organizationunitid"] == "39419"
    refused = {"Success": False, "Message": "changed meanwhile", "FailedItems": [2499339]}
    server.plan(routes({"GET /odata/QueueItems(2499339)": item, path: refused}))
    result = uipath("task", "delete", "2499339", "--yes")
    assert (result.code, "changed meanwhile" in result.err) == (5, True)
    all_valid(server)


def test_a_create_in_doubt_is_looked_up_where_references_are_unique(uipath: Any, server: FaultServer) -> None:
    made = {**GUIDE, "Id": 7, "Reference": "R-1", "SpecificContent": {"a": "1"}, "Status": "New"}
    create = "POST /odata/Queues/UiPathODataSvc.AddQueueItem"
    table = {
        create: (500, {"message": "An error has occurred."}),
        "GET /odata/QueueDefinitions": {"value": [QUEUE]},
        "GET /odata/QueueItems": {"value": [made]},
        "GET /odata/QueueDefinitions(3899)": QUEUE,
    }
    words = ["task", "create", "-q", "Queue Demo", "--reference", "R-1", "-p", "a=1", "-o", "name"]
    server.plan(routes(table))
    found = uipath(*words)
    assert (found.code, found.out) == (0, "7\n")
    (look,) = [seen for seen in server.requests if urlsplit(seen.target).path == "/odata/QueueItems"]
    assert "Reference eq 'R-1'" in query(look)["$filter"]
    all_valid(server)
    # With another content it was there before; where references repeat, or with none, nothing tells.
    changes: list[dict[str, Any]] = [
        {"GET /odata/QueueItems": {"value": [{**made, "SpecificContent": {"a": "2"}}]}},
        {"GET /odata/QueueItems": {"value": []}},
        {"GET /odata/QueueDefinitions": {"value": [{**QUEUE, "EnforceUniqueReference": False}]}},
        {"GET /odata/QueueDefinitions": (500, {})},
    ]
    for changed in changes:
        server.plan(routes({**table, **changed}))
        assert uipath(*words, "--retry-timeout", "1", "--request-timeout", "1").code == 11
    assert sum(seen.method == "POST" for seen in server.requests) == 5


def test_a_create_that_is_answered_without_an_id_leaves_its_outcome_open(
    uipath: Any, server: FaultServer
) -> None:
    made = {**GUIDE, "Status": "New"}
    del made["Id"]
    create = "POST /odata/Queues/UiPathODataSvc.AddQueueItem"
    server.plan(routes({create: made, "GET /odata/QueueDefinitions": {"value": [QUEUE]}}))
    result = uipath("task", "create", "-q", "Queue Demo", "-p", "a=1")
    assert (result.code, "does not say the item's Id" in result.err) == (11, True)


@pytest.mark.parametrize("answer", [b"", b'{"Id":7,"Ref', b"{}", b"[]"])
def test_a_create_with_an_unreadable_answer_is_looked_up_too(
    uipath: Any, server: FaultServer, answer: bytes
) -> None:
    made = {**GUIDE, "Id": 7, "Reference": "R-1", "SpecificContent": {"a": "1"}, "Status": "New"}
    table = {
        "POST /odata/Queues/UiPathODataSvc.AddQueueItem": (201, answer),
        "GET /odata/QueueDefinitions": {"value": [QUEUE]},
        "GET /odata/QueueDefinitions(3899)": QUEUE,
    }
    words = ["task", "create", "-q", "Queue Demo", "--reference", "R-1", "-p", "a=1", "-o", "name"]
    server.plan(routes({**table, "GET /odata/QueueItems": {"value": [made]}}))
    found = uipath(*words)
    assert (found.code, found.out, server.effects) == (0, "7\n", 1)
    server.plan(routes({**table, "GET /odata/QueueItems": {"value": []}}))
    assert uipath(*words).code == 11


def test_a_retry_is_done_though_what_it_made_cannot_be_seen(uipath: Any, server: FaultServer) -> None:
    action = "POST /odata/QueueItems/UiPathODataSvc.SetItemReviewStatus"
    look = "GET /odata/QueueItems(2499339)/UiPath.Server.Configuration.OData.GetItemLastRetry"

    def item(_: Seen) -> Any:
        return {**GUIDE, "Status": "Retried" if server.effects else "Failed"}

    table = {
        "GET /odata/QueueItems(2499339)": item,
        action: {"Success": True, "FailedItems": []},
        look: (403, {"message": "no"}),
        "GET /odata/QueueDefinitions(3899)": QUEUE,
    }
    server.plan(routes(table))
    result = uipath("task", "retry", "2499339", "-o", "json")
    assert (result.code, server.effects) == (0, 1)
    assert (result.json["id"], result.json["status"]) == ("2499339", "retried")
    assert result.err == "note: done, but the task that 2499339 is tried again as could not be looked up\n"
    all_valid(server)


def test_a_task_of_which_only_the_progress_was_set_is_changed_in_part(
    uipath: Any, server: FaultServer
) -> None:
    progress = "POST /odata/QueueItems(2499339)/UiPathODataSvc.SetTransactionProgress"
    table = {
        "GET /odata/QueueItems(2499339)": {**GUIDE, "Status": "InProgress", "Priority": "Low"},
        "GET /odata/QueueDefinitions(3899)": QUEUE,
        progress: (200, b""),
        "PUT /odata/QueueItems(2499339)": (409, {"message": "it is in progress"}),
    }
    server.plan(routes(table))
    words = ["task", "update", "2499339", "--priority", "high"]
    result = uipath(*words, "--progress", "half")
    assert (result.code, server.effects) == (11, 1)
    assert "changed in part, its progress is set" in result.err and "it is in progress" in result.err
    assert "nothing was done" not in result.err
    assert uipath(*words).code == 5
    all_valid(server)


def test_a_process_of_which_only_the_version_was_set_is_changed_in_part(
    uipath: Any, server: FaultServer
) -> None:
    release = {"Id": 2, "Name": "Invoice", "ProcessKey": "Invoice", "ProcessVersion": "1.0.1"}
    version = "POST /odata/Releases(2)/UiPath.Server.Configuration.OData.UpdateToSpecificPackageVersion"
    table = {
        "GET /odata/Releases(2)": release,
        version: (200, release),
        "PATCH /odata/Releases(2)": (409, {"message": "NameAlreadyUsed", "errorCode": 1001}),
    }
    server.plan(routes(table))
    words = ["process", "update", "2", "--name", "Other"]
    result = uipath(*words, "--min-version", "1.0.2")
    assert (result.code, server.effects) == (11, 1)
    assert "changed in part, its version is set" in result.err and "NameAlreadyUsed" in result.err
    assert uipath(*words).code == 5
    all_valid(server)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, {"value": True}), 0, ""),
        ((204, b""), 0, ""),
        ((200, b""), 0, ""),
        ((200, {"value": False}), 5, "refused to switch the trigger 7: it does not say why"),
        ((207, {"7": {"message": "no licence", "errorCode": 1009}}), 5, "the trigger 7: no licence"),
        ((207, {"message": "not all", "errorCode": 1009}), 5, "the trigger 7: not all"),
        ((207, {}), 11, "something failed"),
        ((200, b'{"val'), 11, ""),
    ],
)
def test_a_trigger_that_was_not_switched_is_refused(
    uipath: Any, server: FaultServer, answer: Any, code: int, words: str
) -> None:
    switch = "POST /odata/ProcessSchedules/UiPath.Server.Configuration.OData.SetEnabled"
    trigger = {"Id": 7, "Name": "T", "Enabled": False, "ReleaseName": "R"}
    server.plan(routes({"GET /odata/ProcessSchedules(7)": trigger, switch: answer}))
    result = uipath("trigger", "enable", "7")
    assert (result.code, words in result.err) == (code, True), result.err
    all_valid(server)


READS = {
    "task": ["task", "get", "1"],
    "tasks of a queue": ["task", "list", "-q", "1"],
    "queue": ["queue", "get", "1"],
    "job": ["job", "get", "1"],
    "job logs": ["job", "logs", "1"],
    "asset": ["asset", "get", "1"],
    "robot": ["robot", "get", "1"],
    "process": ["process", "get", "1"],
    "trigger": ["trigger", "get", "1"],
}


@pytest.mark.parametrize("what", READS)
def test_an_object_that_is_none_is_1(uipath: Any, server: FaultServer, what: str) -> None:
    server.plan(reply(200, b'{"foo": 1}'))
    result = uipath(*READS[what], "-o", "json")
    assert (result.code, result.out, result.error["code"]) == (1, "", "unintelligible_answer")


LISTS = [
    "task list -q 1",
    "queue list",
    "job list",
    "asset list",
    "robot list",
    "process list",
    "folder list",
]


@pytest.mark.parametrize(
    "words", [*LISTS, "process version list 1", "process version get P:1", "trigger list"]
)
def test_a_row_that_is_none_is_1(uipath: Any, server: FaultServer, words: str) -> None:
    server.plan(reply(200, b'{"value": [{"foo": 1}], "Id": 1, "ProcessKey": "P"}'))
    result = uipath(*words.split(), "-o", "json")
    assert (result.code, result.out, result.error["code"]) == (1, "", "unintelligible_answer")


CREATES = {
    "queue": (["queue", "create", "--name", "Q"], "/odata/QueueDefinitions"),
    "asset": (["asset", "create", "A", "--type", "text", "--value", "V"], "/odata/Assets"),
    "folder": (["folder", "create", "F"], "/odata/Folders"),
    "robot": (["robot", "create", "--name", "R"], "/odata/Robots"),
    "process": (["process", "create", "--name", "P"], "/odata/Releases"),
    "trigger": (
        ["trigger", "create", "--name", "T", "--process", "1", "--cron", "0 0 8 * * ?"],
        "/odata/ProcessSchedules",
    ),
    "job": (
        ["job", "create", "--process", "1"],
        "/odata/Jobs/UiPath.Server.Configuration.OData.StartJobs",
    ),
    "restarted job": (
        ["job", "restart", "1"],
        "/odata/Jobs/UiPath.Server.Configuration.OData.RestartJob",
    ),
    "taken task": (["task", "next", "-q", "Q", "--take"], "/odata/Queues/UiPathODataSvc.StartTransaction"),
}


@pytest.mark.parametrize("what", CREATES)
def test_a_write_that_is_answered_with_no_object_leaves_its_outcome_open(
    uipath: Any, server: FaultServer, what: str
) -> None:
    argv, path = CREATES[what]
    table = {
        f"POST {path}": {"value": [{"foo": 1}]},
        "GET /odata/Releases(1)": {"Id": 1, "Name": "P", "Key": "K"},
        "GET /odata/Processes": {"value": [{"Id": "P", "Version": "1.0.0"}]},
    }
    server.plan(routes(table))
    result = uipath(*argv, "-o", "json")
    assert (result.code, result.out, server.effects) == (11, "", 1)
    assert "it does not say the" in result.error["message"]


def test_a_job_that_was_stopped_and_makes_no_sense_is_stopped(uipath: Any, server: FaultServer) -> None:
    server.plan(reply(200, b'{"foo": 1}'))
    result = uipath("job", "stop", "1", "-o", "json")
    assert (result.code, result.json["id"], result.json["status"]) == (0, "1", "unknown")
    assert "done, but the job could not be read back" in result.err


def test_a_queue_that_is_none_gives_no_name_to_create_in(uipath: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /odata/QueueDefinitions(1)": {"foo": 1}}))
    result = uipath("task", "create", "-q", "1", "-p", "a=b", "-o", "json")
    assert (result.code, server.effects, asked(server)) == (1, 0, ["GET /odata/QueueDefinitions(1)"])


def test_a_page_of_html_is_an_error_with_its_likely_cause(uipath: Any, server: FaultServer) -> None:
    server.plan(reply(200, PAGE.encode(), {"Content-Type": "text/html"}))
    result = uipath("queue", "list")
    assert result.code == 1
    assert "HTML page" in result.err
    assert "check the context's URL" in result.err


@pytest.mark.parametrize(
    ("status", "answer", "code", "words"),
    [
        (
            400,
            {"message": "Invalid OData query options.", "errorCode": 1000},
            1,
            "Invalid OData query options.",
        ),
        (404, {"message": "QueueItem does not exist.", "errorCode": 1002}, 4, "QueueItem does not exist."),
        (400, {"message": "No such folder", "errorCode": 1100}, 4, "orchctl folder list"),
        (409, {"message": "NameAlreadyUsed", "errorCode": 1001}, 5, "NameAlreadyUsed"),
        (
            403,
            {"message": "You are not authorized!", "errorCode": 0, "error": {"code": 0}, "__abp": True},
            3,
            "You are not authorized!",
        ),
        (
            400,
            {"errors": {"Name": ["is required", "is short"]}, "title": "Bad"},
            1,
            "Bad (Name: is required; is short)",
        ),
        (400, {"errorMessage": "no"}, 1, ": no"),
        (400, {"Message": "No"}, 1, ": No"),
        (400, {"error": "invalid_scope"}, 1, ": invalid_scope"),
        (
            400,
            {"message": None, "error": {"message": "inner", "validationErrors": [{"message": "v"}]}},
            1,
            "inner (v)",
        ),
    ],
)
def test_errors_in_each_of_their_shapes(
    uipath: Any, server: FaultServer, status: int, answer: Any, code: int, words: str
) -> None:
    server.plan(reply(status, json.dumps(answer).encode()))
    result = uipath("queue", "list")
    assert (result.code, words in result.err) == (code, True), result.err


def test_a_job_by_key_is_looked_up_once(uipath: Any, server: FaultServer) -> None:
    """Lists of jobs are what the server rations: a wait asks for the job by its number."""
    key = "8066c309-cef8-4b47-9163-b273fc14cc43"
    states = iter(("Pending", "Running", "Successful"))

    def job(_: Seen) -> Any:
        return {"Id": 5, "Key": key, "State": next(states), "ReleaseName": "Invoice"}

    server.plan(routes({"GET /odata/Jobs": lambda seen: {"value": [job(seen)]}, "GET /odata/Jobs(5)": job}))
    result = uipath("job", "wait", key, "-o", "json")
    assert (result.code, result.json["status"]) == (0, "success")
    assert asked(server) == ["GET /odata/Jobs", "GET /odata/Jobs(5)", "GET /odata/Jobs(5)"]
    assert query(server.requests[0])["$filter"] == f"Key eq {key}"
    all_valid(server)


@pytest.mark.parametrize(
    ("state", "code"), [("Successful", 0), ("Faulted", 9), ("Stopped", 9), ("Running", 8)]
)
def test_a_script_can_trust_the_end_of_a_job(uipath: Any, server: FaultServer, state: str, code: int) -> None:
    job = {"Id": 5, "Key": "8066c309-cef8-4b47-9163-b273fc14cc43", "State": state, "ReleaseName": "Invoice"}
    release = {"Id": 2, "Key": "7ec89774-a0ab-456f-bc1b-34f87ffd0a55", "Name": "Invoice"}
    start = "POST /odata/Jobs/UiPath.Server.Configuration.OData.StartJobs"
    table = {
        "GET /odata/Releases": {"value": [release]},
        start: (201, {"value": [{**job, "State": "Pending"}]}),
        "GET /odata/Jobs(5)": job,
        "GET /odata/RobotLogs": {"value": []},
    }
    server.plan(routes(table))
    words = ["job", "create", "--process", "Invoice", "--input", '{"a": 1}', "--wait", "--timeout", "0.2"]
    assert uipath(*words).code == code
    (sent,) = [seen for seen in server.requests if seen.method == "POST"]
    assert body(sent) == {
        "startInfo": {
            "ReleaseKey": release["Key"],
            "Strategy": "ModernJobsCount",
            "JobsCount": 1,
            "InputArguments": '{"a": 1}',
        }
    }
    all_valid(server)


def test_secrets_are_never_made_up_when_an_asset_is_changed(uipath: Any, server: FaultServer) -> None:
    mine = {
        "UserId": 7,
        "ValueType": "Credential",
        "CredentialUsername": "r",
        "CredentialPassword": "",
        "Id": 11,
    }
    asset = {
        "@odata.context": "x",
        "Id": 4,
        "Name": "Bank",
        "ValueScope": "PerRobot",
        "ValueType": "Credential",
        "CredentialUsername": "u",
        "CredentialPassword": "",
        "SecretValue": None,
        "HasDefaultValue": True,
        "Description": "d",
        "UserValues": [mine],
    }
    server.plan(
        routes(
            {
                "GET /odata/Assets/UiPath.Server.Configuration.OData.GetFiltered": {"value": [asset]},
                "GET /odata/Assets(4)": asset,
                "PUT /odata/Assets(4)": (200, b""),
            }
        )
    )
    assert uipath("asset", "set", "Bank", "--description", "other").code == 0
    (sent,) = [seen for seen in server.requests if seen.method == "PUT"]
    assert body(sent) == {
        "Id": 4,
        "Name": "Bank",
        "ValueScope": "PerRobot",
        "ValueType": "Credential",
        "CredentialUsername": "u",
        "HasDefaultValue": True,
        "Description": "other",
        "UserValues": [{"UserId": 7, "ValueType": "Credential", "CredentialUsername": "r", "Id": 11}],
    }
    all_valid(server)
    assert uipath("asset", "set", "Bank", "--username", "new").code == 5
    assert sum(seen.method == "PUT" for seen in server.requests) == 1
    assert uipath("asset", "set", "Bank", "--username", "new", "--value-stdin", input="S3cr3t!\n").code == 0
    assert body(server.requests[-2])["CredentialPassword"] == "S3cr3t!"


def test_names_left_out_of_the_newer_list_come_from_the_older(uipath: Any, server: FaultServer) -> None:
    """Of version 20 one list leaves users' names out, the other secrets."""
    rows = [
        {"Id": 1, "Name": "T", "ValueType": "Text", "StringValue": "v", "ValueScope": "Global"},
        {"Id": 2, "Name": "C", "ValueType": "Credential", "CredentialUsername": "", "ValueScope": "Global"},
        {"Id": 3, "Name": "S", "ValueType": "Secret", "ValueScope": "Global"},
    ]
    older = [rows[0], {**rows[1], "CredentialUsername": "robot"}]
    server.plan(
        routes(
            {
                "GET /odata/Assets/UiPath.Server.Configuration.OData.GetFiltered": {"value": rows},
                "GET /odata/Assets": {"value": older},
            }
        )
    )
    found = uipath("asset", "list", "-o", "json").json
    assert [(asset["name"], asset["type"], asset["username"]) for asset in found] == [
        ("T", "text", None),
        ("C", "credential", "robot"),
        ("S", "secret", None),
    ]
    all_valid(server)


def test_the_log_is_read_on_by_time_past_its_window(uipath: Any, server: FaultServer) -> None:
    """Entries have no id: a page goes on at the last time seen, past those of that time."""
    times = [f"2026-01-01T00:00:{second:02}Z" for second in range(60)]
    rows = [
        {"TimeStamp": times[number // 50], "Level": "Info", "Message": f"m{number}", "Id": 0}
        for number in range(2500)
    ]

    def logs(seen: Seen) -> Any:
        wanted = query(seen)
        since = wanted.get("$filter", "").removeprefix("TimeStamp ge ")
        found = [row for row in rows if str(row["TimeStamp"]) >= since]
        skip = int(wanted.get("$skip", "0"))
        assert skip + int(wanted["$top"]) <= 10_000
        return {"value": found[skip : skip + int(wanted["$top"])]}

    server.plan(routes({"GET /odata/RobotLogs": logs}))
    found = uipath("log", "list", "--fields", "message", "-o", "tsv", "--no-headers").out.split()
    assert found == [f"m{number}" for number in range(2500)]
    all_valid(server)


def test_the_log_is_filtered_by_the_server(uipath: Any, server: FaultServer) -> None:
    key = "8066c309-cef8-4b47-9163-b273fc14cc43"
    entry = {"TimeStamp": "2026-01-31T18:00:01Z", "Level": "Fatal", "Message": "m", "JobKey": key}
    more = {"RobotName": "O'Brien", "ProcessName": "Invoice"}
    server.plan(routes({"GET /odata/RobotLogs": {"value": [{**entry, **more}]}}))
    words = ["--level", "error", "--job", key, "--robot", "O'Brien", "--process", "Invoice"]
    result = uipath("log", "list", *words, "--since", "2026-01-31T18:00:00Z", "-o", "json")
    assert [row["level"] for row in result.json] == ["critical"]
    asked_for = query(next(seen for seen in server.requests if "RobotLogs" in seen.target))["$filter"]
    assert asked_for == (
        f"TimeStamp ge 2026-01-31T18:00:00.000Z and Level ge '4' and JobKey eq {key} and "
        "RobotName eq 'O''Brien' and ProcessName eq 'Invoice'"
    )


def test_what_a_robot_does_is_in_its_newest_session(uipath: Any, server: FaultServer) -> None:
    robots = [{"Id": number, "Name": f"R{number}", "Type": "Unattended"} for number in range(1, 6)]

    def session(number: int, state: str, **more: Any) -> dict[str, Any]:
        return {"Robot": robots[number - 1], "State": state, "HostMachineName": f"WS-{number}", **more}

    sessions = [
        session(1, "Busy", ReportingTime="2026-01-01T00:00:00Z"),
        session(1, "Disconnected"),
        session(2, "Available"),
        session(3, "Available", IsUnresponsive=True),
        session(4, "Available", LicenseErrorCode="NoLicense"),
    ]
    server.plan(routes({"GET /odata/Robots": {"value": robots}, "GET /odata/Sessions": {"value": sessions}}))
    found = uipath("robot", "list", "-o", "json").json
    assert [(row["name"], row["status"], row["machine"]) for row in found] == [
        ("R1", "working", "WS-1"),
        ("R2", "ready", "WS-2"),
        ("R3", "disconnected", "WS-3"),
        ("R4", "unlicensed", "WS-4"),
        ("R5", "disconnected", None),
    ]
    all_valid(server)


def a_thousand_at_most(rows: list[dict[str, Any]]) -> Any:
    """An answer to a list: what is before it by number or is to be skipped left out, and counted."""

    def step(seen: Seen) -> Any:
        wanted = query(seen)
        after = int(wanted.get("$filter", "Id gt 0").removeprefix("Id gt "))
        left = [row for row in rows if row["Id"] > after]
        skip = int(wanted.get("$skip", "0"))
        return {"@odata.count": len(left), "value": left[skip : skip + int(wanted["$top"])]}

    return step


def test_more_robots_than_a_page_are_told_with_their_sessions(uipath: Any, server: FaultServer) -> None:
    robots = [{"Id": number, "Name": f"R{number}"} for number in range(1, 1502)]
    sessions = [
        {
            "Id": number,
            "Robot": robots[number - 1],
            "State": state,
            "ReportingTime": f"2026-01-01T00:0{at}:00Z",
        }
        for at, state in ((0, "Disconnected"), (1, "Busy"))
        for number in range(1, 1502)
    ]
    # Two robots are in sessions only, one on either page.
    known = [robot for robot in robots if robot["Id"] not in (5, 1501)]
    table = {
        "GET /odata/Robots": a_thousand_at_most(known),
        "GET /odata/Sessions": a_thousand_at_most(sessions),
    }
    server.plan(routes(table))
    found = uipath("robot", "list", "-o", "json").json
    assert {row["status"] for row in found} == {"working"}
    assert sorted(int(row["id"]) for row in found) == [*range(1, 1502)]
    all_valid(server)


def test_more_queues_than_a_page_are_counted(uipath: Any, server: FaultServer) -> None:
    rows = [
        {
            "Id": number,
            "QueueDefinitionId": number,
            "QueueDefinitionName": f"Q{number}",
            "ItemsToProcess": number,
        }
        for number in range(1, 1502)
    ]
    path = "GET /odata/QueueProcessingRecords/UiPathODataSvc.RetrieveQueuesProcessingStatus"
    server.plan(routes({path: a_thousand_at_most(rows)}))
    found = uipath("queue", "stats", "-o", "json").json
    assert [(row["queue"], row["new"]) for row in found] == [(f"Q{at}", at) for at in range(1, 1502)]
    all_valid(server)


def test_a_queue_that_the_report_leaves_out_has_no_tasks(uipath: Any, server: FaultServer) -> None:
    path = "GET /odata/QueueProcessingRecords/UiPathODataSvc.RetrieveQueuesProcessingStatus"
    other = {"QueueDefinitionId": 1, "QueueDefinitionName": "Other", "ItemsToProcess": 7}
    for rows in ([], [other]):
        server.plan(routes({path: {"value": rows}, "GET /odata/QueueDefinitions": {"value": [QUEUE]}}))
        found = uipath("queue", "stats", "Queue Demo", "-o", "json")
        assert (found.code, found.err) == (0, "")
        assert (found.json["queue"], found.json["new"], found.json["total"]) == ("Queue Demo", 0, 0)
        assert uipath("queue", "wait", "Queue Demo", "--for", "empty", "--timeout", "2s").code == 0
    all_valid(server)


def test_a_tenant_on_premises_is_named_in_a_header(uipath: Any, server: FaultServer) -> None:
    server.plan(routes({"GET /odata/QueueDefinitions": {"value": []}}))
    assert uipath("queue", "list", env={"ORCHCTL_TENANT": "Default"}).code == 0
    assert server.requests[0].headers["x-uipath-tenantname"] == "Default"


def test_what_has_no_place_is_refused_before_anything_is_sent(uipath: Any, server: FaultServer) -> None:
    for words in (
        ["task", "create", "-q", "Q", "--tag", "x"],
        ["task", "create", "-q", "Q", "--description", "x"],
        ["task", "create", "-q", "Q", "--name", "a", "--reference", "b"],
        ["task", "update", "1", "--status", "success"],
        ["task", "next", "-q", "Q"],
        ["queue", "create", "--name", "Q", "--auto-change-status"],
        ["asset", "create", "A", "--type", "calendar", "--value", "[]"],
    ):
        result = uipath(*words)
        assert (result.code, result.out) == (14, ""), words
    assert uipath("task", "create", "-q", "Q", "--data", "[1]").code == 2
    assert server.requests == []


def test_folders_are_refused_where_there_are_none(orchctl: Any, server: FaultServer) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "x" * 36}
    for words in (["queue", "list", "--folder", "Shared"], ["queue", "list", "--all-folders"]):
        assert orchctl(*words, env=env).code == 14
    assert server.requests == []


def test_fields_of_the_api_go_along_with_a_job(uipath: Any, server: FaultServer) -> None:
    release = {"Id": 2, "Key": "7ec89774-a0ab-456f-bc1b-34f87ffd0a55", "Name": "Invoice"}
    start = "POST /odata/Jobs/UiPath.Server.Configuration.OData.StartJobs"
    job = {"Id": 5, "Key": "8066c309-cef8-4b47-9163-b273fc14cc43", "State": "Pending"}
    server.plan(routes({"GET /odata/Releases": {"value": [release]}, start: (201, {"value": [job]})}))
    words = [
        "--field",
        "Strategy=JobsCount",
        "--field",
        "SpecificPriorityValue=90",
        "--field",
        "Reference=12",
    ]
    assert uipath("job", "create", "--process", "Invoice", *words).code == 0
    (sent,) = [seen for seen in server.requests if seen.method == "POST"]
    expected = {"Strategy": "JobsCount", "JobsCount": 1, "SpecificPriorityValue": 90, "Reference": "12"}
    assert body(sent) == {"startInfo": {"ReleaseKey": release["Key"], **expected}}
    all_valid(server)
    for field in ("JobsCount=2", "Strategy=All", "RobotIds=[1,2]", "JobsCount=x"):
        assert uipath("job", "create", "--process", "Invoice", "--field", field).code == 2


def test_entries_of_several_are_told_apart_here(uipath: Any, server: FaultServer) -> None:
    """An OR does not work on the log, so that it is not asked for."""
    rows = [
        {"TimeStamp": "2026-01-31T18:00:01Z", "Level": "Info", "Message": name, "HostMachineName": name}
        for name in ("WS-1", "WS-2", "WS-3")
    ]
    server.plan(routes({"GET /odata/RobotLogs": {"value": rows}}))
    shown = ["--fields", "message", "-o", "tsv", "--no-headers"]
    words = ["log", "list", "--machine", "ws-1", "--machine", "WS-3", *shown]
    assert uipath(*words).out.split() == ["WS-1", "WS-3"]
    assert uipath("log", "list", "--machine", "WS-2", *shown).out.split() == ["WS-2"]
    several, one = (query(seen) for seen in server.requests if "RobotLogs" in seen.target)
    assert "$filter" not in several
    assert one["$filter"] == "HostMachineName eq 'WS-2'"
    all_valid(server)


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+03:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_beyond_the_calendar_is_none_and_a_message_of_json_is_json(
    uipath: Any, server: FaultServer, stamp: str
) -> None:
    row = {"Id": 0, "TimeStamp": stamp, "Level": "Info", "Message": {"что": [1, None]}}
    server.plan(routes({"GET /odata/RobotLogs": {"value": [row]}}))
    result = uipath("log", "list", "-o", "json")
    assert result.code == 0, result.err
    assert result.json[0]["time"].startswith("1970-01-01")
    assert result.json[0]["message"] == '{"что":[1,null]}'


def test_the_machines_of_a_folder_say_what_they_can_run(uipath: Any, server: FaultServer) -> None:
    machine = {"MachineName": "Pool", "HostMachineName": "WS-1", "RuntimeType": "Unattended"}
    rows = [
        {**machine, "SessionId": 1, "Status": "Busy", "Runtimes": 4, "UsedRuntimes": 3},
        {**machine, "SessionId": 2, "Status": "Available", "Runtimes": 2, "IsUnresponsive": True},
    ]
    runtimes = "GET /odata/Sessions/UiPath.Server.Configuration.OData.GetMachineSessionRuntimes"
    replies = {f"{runtimes}ByFolderId(folderId=7)": {"value": rows, "@odata.count": 2}}
    server.plan(routes({"GET /odata/Folders": {"value": [{"Id": 7}]}, runtimes: {"value": []}, **replies}))
    found = uipath("robot", "runtimes", "-o", "json").json
    assert [(row["id"], row["status"], row["used"], row["total"]) for row in found] == [
        ("1", "working", 3, 4),
        ("2", "disconnected", None, 2),
    ]
    (folder,) = [seen for seen in server.requests if "/Folders" in seen.target]
    assert query(folder)["$filter"] == "FullyQualifiedName eq 'Shared'"
    assert uipath("robot", "runtimes", "--folder", "7", "-o", "json").json == found
    assert uipath("robot", "runtimes", env={"ORCHCTL_FOLDER": ""}, input="").code == 0
    all_valid(server)


def test_a_wait_goes_on_with_what_a_retry_made(uipath: Any, server: FaultServer) -> None:
    def item(number: int, status: str) -> dict[str, Any]:
        return {"Id": number, "Status": status, "QueueDefinitionId": 1, "OrganizationUnitId": 4}

    retries = "UiPath.Server.Configuration.OData.GetItemLastRetry"
    table = {
        "GET /odata/QueueItems(1)": item(1, "Retried"),
        f"GET /odata/QueueItems(1)/{retries}": item(2, "New"),
        "GET /odata/QueueItems(2)": item(2, "Successful"),
    }
    server.plan(routes(table))
    result = uipath("task", "wait", "1", "--timeout", "9", "-o", "json")
    assert (result.code, result.json["id"], result.json["status"]) == (0, "2", "success")
    assert "1 is tried again as 2" in result.err
    assert uipath("task", "wait", "1", "--for", "retried", "-o", "name").out == "1\n"
    server.plan(routes({"GET /odata/QueueItems(1)": item(1, "Retried")}))
    assert uipath("task", "wait", "1", "--timeout", "9").code == 9
    all_valid(server)
