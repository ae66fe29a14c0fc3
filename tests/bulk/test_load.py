"""``--from``: rows of a file in, one result for each out."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from orchctl.sanitize import scrub
from tests.bulk.conftest import results, states, tasks
from tests.faults import Connection, message

ROWS = [
    {"name": "INV-1", "priority": "high", "payload": {"amount": "12.5", "currency": "EUR"}},
    {"name": "ИНВ-2", "priority": "normal", "payload": {"amount": "7", "currency": "руб"}},
]
CSV = "name,priority,payload.amount,payload.currency\r\nINV-1,high,12.5,EUR\r\nИНВ-2,,7,руб\r\n"
JSONL = "\n".join(json.dumps({key: each[key] for key in ("name", "priority", "payload")}) for each in ROWS)
YAML = """# two invoices
- name: INV-1
  priority: high
  payload: {amount: "12.5", currency: EUR}
- name: ИНВ-2
  payload:
    amount: "7"
    currency: руб
"""


def workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.append(["name", "priority", None, "payload.amount", "payload.currency"])
    sheet.append(["INV-1", "high", None, "12.5", "EUR"])
    sheet.append([None, None, None, None, None])
    sheet.append(["ИНВ-2", None, None, "7", "руб"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "csv": ("rows.csv", CSV.encode()),
    "csv with a mark": ("rows.csv", CSV.encode("utf-8-sig")),
    "csv in utf-16": ("rows.csv", CSV.encode("utf-16")),
    "csv in utf-16 without a mark": ("rows.csv", CSV.encode("utf-16-le")),
    "semicolons": ("rows.csv", CSV.replace(",", ";").encode()),
    "tabs": ("rows.tsv", CSV.replace(",", "\t").encode()),
    "said separator": ("rows.csv", b"sep=;\r\n" + CSV.replace(",", ";").encode()),
    "blank lines": ("rows.csv", CSV.replace("\r\n", "\n\n").encode() + b",,,\n\n"),
    "quotes": ("rows.csv", CSV.replace("INV-1", '"INV-1"').replace("руб", '"руб"').encode()),
    "jsonl": ("rows.jsonl", JSONL.encode()),
    "ndjson with blank lines": ("rows.ndjson", JSONL.replace("\n", "\r\n\r\n").encode()),
    "json": ("rows.json", json.dumps(ROWS, indent=2).encode()),
    "yaml": ("rows.yaml", YAML.encode()),
    "xlsx": ("rows.xlsx", workbook()),
    "xlsx under another name": ("rows.download", workbook()),
}


@pytest.mark.parametrize("name", FILES)
def test_each_format_means_the_same(cli: Any, write: Any, name: str) -> None:
    result = cli("task", "create", "-q", "Q", "--from", write(*FILES[name]), "-o", "jsonl")
    assert result.code == 0, result.err
    assert states(result.out) == {1: "ok", 2: "ok"}
    assert tasks(cli, "name,priority,payload") == ROWS


@pytest.mark.parametrize("name", ["csv", "jsonl", "json", "yaml"])
def test_standard_input_tells_its_format_by_itself(cli: Any, home: Any, name: str) -> None:
    text = FILES[name][1].decode()
    result = cli("task", "create", "-q", "Q", "--from", "-", "-o", "jsonl", input=text)
    assert result.code == 0, result.err
    assert tasks(cli, "name,priority,payload") == ROWS
    kept = [
        path.name for path in (home.path / "state" / "orchctl" / "bulk").iterdir() if path.suffix == ".input"
    ]
    assert kept == []  # the run is finished, so nobody needs its rows any more


def test_the_format_can_be_said(cli: Any, write: Any) -> None:
    result = cli("task", "create", "-q", "Q", "--from", write("rows.txt", JSONL), "--format", "jsonl")
    assert result.code == 0, result.err
    assert tasks(cli, "name,priority,payload") == ROWS
    wrong = cli("task", "create", "-q", "Q", "--from", write("rows.txt", JSONL), "--format", "xml")
    assert (wrong.code, wrong.err) == (
        2,
        "orchctl: 'xml' is no format of rows\nhint: one of: csv, jsonl, json, yaml, xlsx\n",
    )


def test_another_encoding_has_to_be_said(cli: Any, write: Any) -> None:
    path = write("rows.csv", CSV.encode("cp1251"))
    result = cli("task", "create", "-q", "Q", "--from", path)
    assert result.code == 2
    assert "this is not utf-8 text (byte 0xc8); save the file as UTF-8, or say --encoding" in result.err
    assert cli("task", "create", "-q", "Q", "--from", path, "--encoding", "cp1251").code == 0
    assert tasks(cli, "name,priority,payload") == ROWS


def test_a_result_is_row_state_id_and_error(anywhere: Any, write: Any) -> None:
    anywhere("queue", "create", "--name", "U", "--unique-tasks")
    path = write("rows.csv", "name\nA\nB\nA\n")
    result = anywhere("task", "create", "-q", "U", "--from", path, "-o", "jsonl", "--parallel", "1")
    assert result.code == 10
    one, two, three = results(result.out)
    assert list(one) == ["row", "state", "id", "error"]
    assert (one["row"], one["state"], one["error"]) == (1, "ok", None)
    assert (three["row"], three["state"], three["id"]) == (3, "rejected", None)
    assert "allows a name once, and 'A' is in it already" in three["error"]
    assert [each["name"] for each in tasks(anywhere, "name", "U")] == ["A", "B"]
    assert {one["id"], two["id"]} == {each["id"] for each in tasks(anywhere, "id,name", "U")}


def test_the_summary_says_what_became_of_the_rows_and_what_to_do_next(cli: Any, write: Any) -> None:
    cli("queue", "create", "--name", "U", "--unique-tasks")
    good = cli("task", "create", "-q", "U", "--from", write("good.csv", "name\nA\nB\n"))
    assert good.code == 0
    assert good.err.startswith("2 rows: 2 ok, 0 rejected, 0 not sent, 0 unknown in ")
    run = good.err.split()[-1]
    bad = cli("task", "create", "-q", "U", "--from", write("bad.csv", "name\nC\nA\n"))
    assert bad.err.startswith("orchctl: 2 rows: 1 ok, 1 rejected, 0 not sent, 0 unknown in ")
    other = bad.err.splitlines()[0].split()[-1]
    assert other != run
    assert bad.err.splitlines()[1] == (
        f"hint: to send what was rejected once more: orchctl task create --resume {other} --retry-rejected"
    )


def test_with_json_all_of_stdout_and_stderr_parses(cli: Any, write: Any) -> None:
    cli("queue", "create", "--name", "U", "--unique-tasks")
    result = cli("task", "create", "-q", "U", "--from", write("rows.csv", "name\nA\nA\n"), "-o", "json")
    assert result.code == 10
    assert sorted(each["state"] for each in result.json) == ["ok", "rejected"]
    assert (result.error["code"], result.error["exit_code"]) == ("partial", 10)
    assert result.error["hint"].startswith(
        "to send what was rejected once more: orchctl task create --resume "
    )


def test_on_a_terminal_only_what_did_not_go_well_is_listed(cli: Any, write: Any) -> None:
    cli("queue", "create", "--name", "U", "--unique-tasks")
    path = write("rows.csv", "name\nA\nB\nA\n")
    result = cli("task", "create", "-q", "U", "--from", path, "--parallel", "1", terminal=True, width=200)
    assert result.code == 10
    assert [line.split()[:2] for line in result.out.splitlines()[1:]] == [["3", "rejected"]]
    again = cli("task", "create", "-q", "Q", "--from", path, "-o", "table", terminal=True, width=200)
    assert len(again.out.splitlines()) == 4


def test_in_a_pipe_all_rows_are_listed(cli: Any, write: Any) -> None:
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", "name\nA\nB\n"), "--ordered")
    assert [line.split("\t")[:2] for line in result.out.splitlines()] == [["1", "ok"], ["2", "ok"]]


def test_options_fill_what_a_row_leaves_open(cli: Any, write: Any) -> None:
    rows = 'name,priority,payload,payload.b,tags,deadline\nA,low,"{""a"": 1}",x,one;two,2030-01-02T03:04:05Z\nB,,,,,\n'
    words = ["--priority", "high", "--tag", "t", "-p", "c=d", "--comment", "from a file", "--retries", "2"]
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", rows), *words)
    assert result.code == 0, result.err
    a, b = tasks(cli, "name,priority,payload,tags,deadline,comment,retries")
    assert a == {
        "name": "A",
        "priority": "low",
        "payload": {"a": 1, "b": "x"},
        "tags": ["one", "two"],
        "deadline": "2030-01-02T03:04:05Z",
        "comment": "from a file",
        "retries": 2,
    }
    assert (b["priority"], b["payload"], b["tags"]) == ("high", {"c": "d"}, ["t"])


def test_typed_values_stay_what_they_are(cli: Any, write: Any) -> None:
    payload = {"n": 12.5, "big": 2**60, "flag": True, "none": None, "list": [1, {"x": "="}], "text": "007"}
    rows = json.dumps([{"name": "A", "payload": payload}, {"name": "B", "payload.n": 1, "payload": "word"}])
    path = write("rows.json", rows.replace(', {"name": "B", "payload.n": 1', ', {"name": "B"'))
    assert cli("task", "create", "-q", "Q", "--from", path).code == 0
    assert [each["payload"] for each in tasks(cli)] == [payload, "word"]


def test_unknown_columns_go_to_the_payload_if_that_is_asked_for(cli: Any, write: Any) -> None:
    path = write("rows.csv", "name,Сумма,priority\nA,5,low\n")
    refused = cli("task", "create", "-q", "Q", "--from", path)
    assert (refused.code, refused.out) == (2, "")
    assert cli("task", "create", "-q", "Q", "--from", path, "--payload-columns").code == 0
    assert tasks(cli, "name,priority,payload") == [
        {"name": "A", "priority": "low", "payload": {"Сумма": "5"}}
    ]


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_sent(cli: Any, write: Any) -> None:
    rows = "name,prioritty,priority,deadline,retries,payload\nA,x,urgent,1h,1,\nB,,low,soon,many,{\nC,,low\nD,,,,,\n"
    path = write("rows.csv", rows)
    result = cli("task", "create", "-q", "Q", "--from", path)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"note: {path}: line 1, column prioritty: there is no such column\n"
        f"note: {path}: row 1 (line 2), column priority: 'urgent' is no priority; one of: low, normal, high\n"
        f"note: {path}: row 2 (line 3), column deadline: 'soon' is not a time; write a duration (10m, 2h30m, 1d),"
        " now, yesterday, today 18:00, or 2026-01-31T18:00:00Z\n"
        f"note: {path}: row 2 (line 3), column retries: 'many' is no whole number\n"
        f"note: {path}: row 2 (line 3), column payload: this is not JSON: Expecting property name enclosed in"
        " double quotes: line 1 column 2 (char 1)\n"
        f"note: {path}: row 3 (line 4): 3 cells, but the header has 6 columns\n"
        f"orchctl: 6 faults in {path}, so nothing was sent\n"
        "hint: did you mean the column priority?\n"
    )
    assert tasks(cli) == []


WRONG: dict[str, tuple[str, str, str]] = {
    "empty csv": ("a.csv", "", "the file is empty: a header with the names of the columns was expected"),
    "duplicate column": ("a.csv", "name,name\nA,B\n", "line 1: the column 'name' is there 2 times"),
    "column without a name": ("a.csv", "name,,priority\nA,B,low\n", "line 1: column 2 has no name"),
    "too many cells": ("a.csv", "name\nA,B\n", "row 1 (line 2): 2 cells, but the header has 1 columns"),
    "line break in a quoted cell": (
        "a.csv",
        'name,priority\n"A\nB",low\nC,urgent\n',
        "row 2 (line 4), column priority: 'urgent' is no priority; one of: low, normal, high",
    ),
    "broken quotes": (
        "a.csv",
        'name,comment\nA,"x"y\n',
        "row 1 (line 2): this is not CSV: ',' expected after '\"'",
    ),
    "open quotes": ("a.csv", 'name\n"A\n', "row 1 (line 2): this is not CSV: unexpected end of data"),
    "jsonl that is no json": ("a.jsonl", '{"name": "A"}\n{"name"\n', "row 2 (line 2): this is not JSON: "),
    "jsonl that is no object": (
        "a.jsonl",
        "[1]\n",
        "row 1 (line 1): an object with named fields was expected",
    ),
    "a key twice": (
        "a.jsonl",
        '{"name": "A", "name": "B"}\n',
        "row 1 (line 1): this is not JSON: the key 'name' stands twice in one object",
    ),
    "NaN": ("a.jsonl", '{"payload": NaN}\n', "row 1 (line 1): this is not JSON: NaN is no JSON value"),
    "a number beyond measure": (
        "a.jsonl",
        '{"payload": 1e999}\n',
        "row 1 (line 1): this is not JSON: the number 1e999 is too large",
    ),
    "half a character": (
        "a.jsonl",
        '{"name": "\\ud800"}\n',
        "row 1: the row holds text that is not valid Unicode",
    ),
    "json that is no array": (
        "a.json",
        '{"name": "A"}',
        "row 1: this is not JSON: an array of objects was expected; objects one a line are --format jsonl",
    ),
    "json cut off": ("a.json", '[{"name": "A"}, {"na', "row 2: this is not JSON: "),
    "json with a tail": ("a.json", "[] x", "row 1: this is not JSON: something follows the closing bracket"),
    "json with a last comma": ("a.json", '[{"name": "A"},]', "a comma stands before the closing bracket"),
    "yaml that is no list": (
        "a.yaml",
        "name: A\n",
        ":1: a list was expected, with a dash before each of its elements",
    ),
    "yaml with a tag": ("a.yaml", "- name: !!python/name:os.system\n", ":1: tags such as "),
    "yaml with a key twice": ("a.yaml", "- name: A\n  name: B\n", 'the key "name" is here twice'),
    "no workbook": ("a.xlsx", "name\n", "this is no Excel workbook: File is not a zip file"),
    "a type that does not fit": (
        "a.jsonl",
        '{"name": [1]}\n',
        "row 1 (line 1), column name: text was expected, and this is a list",
    ),
    "a field that Sherpa lacks": (
        "a.csv",
        "reference\nR\n",
        "row 1: Sherpa Orchestrator has no field for a reference",
    ),
    "nothing to change": (
        "a.csv",
        "id,name\n5,\n",
        "row 1 (line 2): this row has an id and nothing to change",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_is_refused_with_the_place(
    faulty: Any, server: Any, write: Any, case: str
) -> None:
    name, content, complaint = WRONG[case]
    result = faulty("task", "create", "-q", "Q", "--from", write(name, content))
    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert result.err.splitlines()[-2].endswith("so nothing was sent")
    assert server.requests == []


def test_each_row_with_the_same_fault_is_named(faulty: Any, server: Any, write: Any) -> None:
    rows = json.dumps(
        [{"name": "A"}, {"name": "B", "reference": "r"}, {"name": "C", "reference": "r"}, {"name": "\ud800"}]
    )
    result = faulty("task", "create", "-q", "Q", "--from", write("rows.json", rows))
    assert result.code == 2
    assert [line.split(": ")[2] for line in result.err.splitlines()[:3]] == ["row 2", "row 3", "row 4"]
    assert server.requests == []


def test_more_faults_than_anybody_reads_are_counted(faulty: Any, server: Any, write: Any) -> None:
    path = write("rows.csv", "retries\n" + "x\n" * 1500)
    result = faulty("task", "create", "-q", "Q", "--from", path)
    assert result.err.count("is no whole number") == 1000
    assert "note: and 500 more\n" in result.err
    assert f"1,500 faults in {path}" in result.err
    assert server.requests == []


def test_a_file_without_rows_is_done_at_once(cli: Any, write: Any) -> None:
    for name, content in (("a.csv", "name\n"), ("a.json", "[]"), ("a.jsonl", ""), ("a.yaml", "[]\n")):
        result = cli("task", "create", "-q", "Q", "--from", write(name, content), "-o", "json")
        assert (result.code, result.json) == (0, []), result.err


def test_a_file_that_is_not_there_is_12(cli: Any, tmp_path: Any) -> None:
    result = cli("task", "create", "-q", "Q", "--from", str(tmp_path / "none.csv"))
    assert (result.code, result.out) == (12, "")
    assert result.err == f"orchctl: cannot read {tmp_path / 'none.csv'}: No such file or directory\n"
    assert cli("task", "create", "-q", "Q", "--from", str(tmp_path)).code == 12


def test_a_row_with_an_id_changes_and_one_without_creates(anywhere: Any, write: Any) -> None:
    old = anywhere(
        "task", "create", "-q", "Q", "--name", "A", "-p", "a=1", "-p", "b=2", "-o", "name"
    ).out.strip()
    path = write("rows.csv", f"id,name,priority,payload.b,tags\n{old},,high,3,x;y\n,B,low,4,\n")
    result = anywhere("task", "create", "-q", "Q", "--from", path, "-o", "jsonl")
    assert result.code == 0, result.err
    assert results(result.out)[0]["id"] == old
    a, b = tasks(anywhere, "name,priority,payload,tags")
    assert a == {"name": "A", "priority": "high", "payload": {"a": "1", "b": "3"}, "tags": ["x", "y"]}
    assert (b["name"], b["priority"], b["payload"]) == ("B", "low", {"b": "4"})


def test_changing_many_asks_first(cli: Any, write: Any) -> None:
    ids = [cli("task", "create", "-q", "Q", "--name", name, "-o", "name").out.strip() for name in "AB"]
    path = write("rows.csv", f"id,priority\n{ids[0]},high\n{ids[1]},high\n")
    asked = cli("task", "create", "-q", "Q", "--from", path)
    assert (asked.code, asked.out) == (2, "")
    assert "update 2 objects in the context 'env' needs a yes" in asked.err
    assert cli("task", "create", "-q", "Q", "--from", path, "--yes").code == 0
    assert {each["priority"] for each in tasks(cli, "name,priority")} == {"high"}


def test_as_new_ignores_ids(cli: Any, write: Any) -> None:
    old = cli("task", "create", "-q", "Q", "--name", "A", "-o", "name").out.strip()
    assert (
        cli("task", "create", "-q", "Q", "--from", write("r.csv", f"id,name\n{old},A\n"), "--as-new").code
        == 0
    )
    assert len(tasks(cli)) == 2


def test_a_row_that_was_overtaken_is_refused(cli: Any, write: Any) -> None:
    old = cli("task", "create", "-q", "Q", "--name", "A", "-o", "name").out.strip()
    path = write("rows.csv", f"id,priority,updated_at\n{old},high,2020-01-01T00:00:00Z\n")
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "jsonl")
    assert result.code == 10
    assert (
        results(result.out)[0]["error"] == f"the task '{old}' has been changed since the row was written down"
    )
    assert tasks(cli, "name,priority") == [{"name": "A", "priority": "normal"}]


def test_an_unknown_queue_is_4_and_nothing_is_sent(cli: Any, write: Any, journals: Any) -> None:
    result = cli("task", "create", "-q", "Nope", "--from", write("rows.csv", "name\nA\nB\n"))
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("orchctl: no queue 'Nope'\n")
    assert journals() == []


def test_a_dry_run_shows_each_request_and_sends_none(cli: Any, write: Any, journals: Any) -> None:
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", "name\nA\nB\n"), "--dry-run")
    assert result.code == 0, result.err
    assert [line for line in result.out.splitlines() if line.startswith("POST ")] == [
        "POST sandbox:/api/task/create",
        "POST sandbox:/api/task/create",
    ]
    assert "name=A&" in result.out
    assert "name=B&" in result.out
    assert tasks(cli) == []
    assert journals() == []


def test_an_error_stops_the_rest_if_asked(cli: Any, write: Any) -> None:
    cli("queue", "create", "--name", "U", "--unique-tasks")
    rows = write("rows.csv", "name\nA\nA\n" + "".join(f"N{number}\n" for number in range(50)))
    words = ["task", "create", "-q", "U", "--from", rows, "--parallel", "1", "-o", "jsonl"]
    result = cli(*words, "--on-error", "stop")
    assert result.code == 10
    assert states(result.out) == {1: "ok", 2: "rejected"}
    assert result.err.startswith(
        "note: stopped after an error, as asked\norchctl: 52 rows: 1 ok, 1 rejected, 50 not"
    )
    many = cli(*words, "--max-errors", "2")
    assert states(many.out) == {1: "rejected", 2: "rejected"}
    assert "note: stopped after 2 errors, as asked\n" in many.err


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (("--parallel", "0"), "--parallel is a number from 1 to 256"),
        (("--rate", "fast"), "'fast' is no rate"),
        (("--rate", "0"), "'0' is no rate"),
        (("--on-error", "panic"), "'panic' is nothing to do on an error"),
        (("--max-errors", "0"), "--max-errors is 1 or more"),
        (("--progress", "dance"), "'dance' is no shape of progress"),
        (("--wait",), "--from and --wait do not go together"),
        (("--encoding", "klingon"), "'klingon' is no text encoding"),
        (("--fields", "name"), 'no field "name"'),
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(
    faulty: Any, server: Any, write: Any, option: tuple[str, ...], complaint: str
) -> None:
    result = faulty("task", "create", "-q", "Q", "--from", write("rows.csv", "name\nA\n"), *option)
    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert server.requests == []


def test_ordered_results_come_in_the_order_of_the_rows(cli: Any, write: Any) -> None:
    path = write("rows.csv", "name\n" + "".join(f"N{number}\n" for number in range(200)))
    result = cli("task", "create", "-q", "Q", "--from", path, "-o", "jsonl", "--ordered")
    assert [json.loads(line)["row"] for line in result.out.splitlines()] == list(range(1, 201))


def test_queues_are_created_and_changed_from_a_file(cli: Any, write: Any) -> None:
    path = write("queues.csv", "name,description,unique_tasks,max_retries\nA,first,true,2\nB,,no,\n")
    result = cli("queue", "create", "--from", path, "-o", "jsonl")
    assert result.code == 0, result.err
    made = results(result.out)
    assert [cli("queue", "get", each["id"], "-o", "json").json["name"] for each in made] == ["A", "B"]
    path = write("queues.jsonl", json.dumps({"id": made[0]["id"], "description": "changed"}))
    assert cli("queue", "create", "--from", path).code == 0
    assert cli("queue", "get", "A", "-o", "json").json["description"] == "changed"
    assert cli("queue", "create").code == 2


def test_assets_are_created_and_set_from_a_file(cli: Any, write: Any) -> None:
    rows = "name,type,value,username,scope\nGreeting,text,hello,,all\nBank,credential,p4ss-word,robot,all\n"
    result = cli("asset", "create", "--from", write("assets.csv", rows), "-o", "jsonl")
    assert result.code == 0, result.err
    assert "p4ss-word" not in result.out + result.err
    assert cli("asset", "get", "Greeting", "-o", "json").json["value"] == "hello"
    bank = cli("asset", "get", "Bank", "--reveal", "-o", "json").json
    assert (bank["value"], bank["username"]) == ("p4ss-word", "robot")
    changes = "name,value\nGreeting,good morning\nBank,0ther-word\n"
    result = cli("asset", "set", "--from", write("changes.csv", changes), "--yes")
    assert result.code == 0, result.err
    assert cli("asset", "get", "Greeting", "-o", "json").json["value"] == "good morning"
    assert cli("asset", "get", "Bank", "--reveal", "-o", "json").json["value"] == "0ther-word"
    assert cli("asset", "set", "--from", write("no.csv", "value\nx\n")).code == 2
    assert cli("asset", "create").code == 2
    masked = cli("asset", "create", "--from", write("masked.csv", "name,type,value\nX,secret,***\n"))
    assert "*** stands for a secret that was not written down" in masked.err


@pytest.mark.parametrize("verb", ["create", "set"])
@pytest.mark.parametrize("more", [(), ("--debug",), ("--ordered", "--parallel", "4")])
def test_a_rows_secret_that_the_server_repeats_is_in_no_result_and_no_journal(
    faulty: Any, server: Any, write: Any, home: Any, verb: str, more: tuple[str, ...]
) -> None:
    def repeat(connection: Connection) -> None:
        seen = connection.read()
        if seen.method == "GET":
            old = {"guid": seen.target.rpartition("/")[2], "name": "A", "type": 1, "password": "0ld-p4ss"}
            connection.send(message(200, json.dumps(old).encode()))
            return
        was = " was 0ld-p4ss" if verb == "set" else ""
        connection.send(message(422, json.dumps({"error": f"bad: {seen.body.decode()}{was}"}).encode()))

    server.plan(repeat)
    rows = [
        {"name": f"A{number}", "type": "credential", "username": "u", "value": f'p4ss "{number}/'}
        for number in range(20)
    ]
    path = write("assets.jsonl", "\n".join(map(json.dumps, rows)))
    result = faulty("asset", verb, "--from", path, "--yes", "-o", "jsonl", *more)
    found = results(result.out)
    assert {each["state"] for each in found} == {"rejected"}
    assert all("***" in each["error"] for each in found)
    kept = [file.read_text() for file in (home.path / "state").rglob("*") if file.is_file()]
    assert any("rejected" in text for text in kept)
    for text in (result.out, result.err, *kept):
        assert "p4ss" not in text
    left = 'p4ss "3/ 0ld-p4ss'
    assert scrub(left) == left  # what is known does not grow with the rows


def test_rows_with_secrets_on_standard_input_are_not_kept(cli: Any, home: Any) -> None:
    rows = "name,type,value\nBank,credential,p4ss-word\nBank,nonsense,p4ss-word\n"
    assert cli("asset", "create", "--from", "-", input=rows).code == 2
    rows = "name,type,value\nBank,credential,p4ss-word\n"
    assert cli("asset", "create", "--from", "-", input=rows).code == 0
    for path in (home.path / "state").rglob("*"):
        assert not path.is_file() or b"p4ss-word" not in path.read_bytes(), path
