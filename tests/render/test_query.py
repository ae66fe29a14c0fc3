"""--fields, --query and --sort-by: what they choose, and that a mistake is told before anything is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from orchctl.errors import UsageFault
from orchctl.model import LogEntry, LogLevel, Priority, Queue, QueueStats, Task, TaskStatus
from orchctl.render import Format, Layout, check
from tests.render.samples import ONE, TASKS, THREE, TWO, documented, shown


def refusal(layout: Layout, kind: type[object] | None = Task) -> tuple[str, str | None]:
    with pytest.raises(UsageFault) as caught:
        check(layout, kind)
    return caught.value.message, caught.value.hint


QUEUE_FIELDS = "valid fields: id, name, description, unique_tasks, auto_change_status, max_retries, native"


@pytest.mark.parametrize(
    ("field", "guess"),
    [
        ("nam", 'did you mean "name"? '),
        ("Name", 'did you mean "name"? '),
        ("max-retries", 'did you mean "max_retries"? '),
        ("descripton.x", 'did you mean "description"? '),
        ("zzz", ""),
        ("", ""),
        (".id", ""),
    ],
)
def test_an_unknown_field_lists_the_valid_ones(field: str, guess: str) -> None:
    message, hint = refusal(Layout(fields=("id", field)), Queue)
    assert (message, hint) == (f'no field "{field}"', guess + QUEUE_FIELDS)
    for sort_by in (field, f"-{field}"):
        assert refusal(Layout(sort_by=sort_by), Queue)[0] == f'no field "{field}"'


def test_no_fields_at_all_is_a_mistake() -> None:
    assert refusal(Layout(fields=()), Queue) == ('no field ""', QUEUE_FIELDS)


def test_name_shows_no_other_fields() -> None:
    message, _ = refusal(Layout(format=Format.NAME, fields=("id",)))
    assert message == "-o name shows identifiers and nothing else"


HINT = "the language is JMESPath: --query '[?status==`failed`].id' (https://jmespath.org)"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("[", "bad --query: Incomplete expression"),
        ("", "bad --query: cannot be empty."),
        ("a b", 'bad --query: Unexpected token: b: Parse error at column 2, token "b" (UNQUOTED_IDENTIFIER)'),
        ("`x", "bad --query: Unclosed ` delimiter"),
        ("length(a, b)", "bad --query: length() takes 1 argument(s), not 2"),
        ("[].{x: contains(name)}", "bad --query: contains() takes 2 argument(s), not 1"),
        ("not_null()", "bad --query: not_null() takes 1 argument(s), not 0"),
        ("a=='b", "bad --query: Unclosed ' delimiter"),
    ],
)
def test_a_bad_query_is_told_beforehand(query: str, message: str) -> None:
    for kind in (Task, None):
        assert refusal(Layout(query=query), kind)[0] == message


def test_a_function_that_there_is_not_is_told_beforehand() -> None:
    message, hint = refusal(Layout(query="[?lenght(name) > `3`]"))
    assert message == "bad --query: no function lenght()"
    assert hint is not None
    assert hint.startswith("there are: abs, avg, ceil, ")


def test_a_query_that_does_not_fit_is_told() -> None:
    with pytest.raises(UsageFault) as caught:
        shown(TASKS, Task, "json", query="length(@) | length(@)")
    assert caught.value.message.startswith(
        "--query does not fit the result: In function length(), invalid type"
    )
    assert caught.value.hint == HINT


def test_good_layouts_pass() -> None:
    layout = Layout(fields=("payload.amount", "id"), sort_by="-payload.amount", query="[].merge(@, {a: id})")
    check(layout, Task)
    check(Layout(fields=("in_progress",), sort_by="total"), QueueStats)
    check(Layout(fields=("anything",)), None)


def test_fields_reach_into_nested_values() -> None:
    fields = ("id", "payload.amount", "payload.lines.1.sku", "payload.lines.7", "payload.no", "name.x")
    assert json.loads(shown([ONE], Task, "json", fields=fields, single=True).out) == {
        "id": "1",
        "payload.amount": 12.5,
        "payload.lines.1.sku": "a",
        "payload.lines.7": None,
        "payload.no": None,
        "name.x": None,
    }
    task = Task(id="1", status=TaskStatus.NEW, payload={"a.b": 1, "c": {"d.e": 2}})
    assert shown([task], Task, fields=("payload.a.b", "payload.c.d.e")).out == "1\t2\n"


def test_fields_come_in_the_order_asked_for_and_once() -> None:
    assert shown([ONE], Task, "jsonl", fields=("name", "id", "name")).out == '{"name": "INV-1", "id": "1"}\n'


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("json", '[\n  "INV-1",\n  "INV-2",\n  null\n]\n'),
        ("jsonl", '"INV-1"\n"INV-2"\nnull\n'),
        ("yaml", "- INV-1\n- INV-2\n- null\n"),
        ("csv", 'INV-1\nINV-2\n""\n'),
        ("tsv", "INV-1\nINV-2\n\n"),
        ("table", "INV-1\nINV-2\n\n"),
        ("wide", "INV-1\nINV-2\n\n"),
        ("name", "INV-1\nINV-2\n"),
    ],
)
def test_a_query_for_a_list_of_words(output: str, text: str) -> None:
    # [].name leaves nulls out, as JMESPath has it
    written = shown(TASKS, Task, output, query="map(&name, @)")
    assert (written.out, written.rows) == (text, 3)
    assert json.loads(shown(TASKS, Task, "json", query="[].name").out) == ["INV-1", "INV-2"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("json", '[\n  {\n    "id": "1",\n    "p": {\n      "a": 1\n    }\n  }\n]\n'),
        ("jsonl", '{"id": "1", "p": {"a": 1}}\n'),
        ("yaml", '- id: "1"\n  p:\n    a: 1\n'),
        ("csv", 'id,p\n1,"{""a"": 1}"\n'),
        ("tsv", 'id\tp\n1\t{"a": 1}\n'),
        ("table", '1\t{"a": 1}\n'),
        ("name", "1\n"),
    ],
)
def test_a_query_for_a_list_of_objects(output: str, text: str) -> None:
    task = Task(id="1", status=TaskStatus.NEW, payload={"a": 1})
    assert shown([task], Task, output, query="[].{id: id, p: payload}").out == text


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("json", '{\n  "id": "1",\n  "s": "success"\n}\n'),
        ("jsonl", '{"id": "1", "s": "success"}\n'),
        ("yaml", 'id: "1"\ns: success\n'),
        ("csv", "id,s\n1,success\n"),
        ("tsv", "id\ts\n1\tsuccess\n"),
        ("table", "id\t1\ns\tsuccess\n"),
        ("name", "1\n"),
    ],
)
def test_a_query_for_one_object(output: str, text: str) -> None:
    assert shown([ONE], Task, output, query="{id: id, s: status}", single=True).out == text
    assert shown(TASKS, Task, output, query="[0].{id: id, s: status}").out == text


@pytest.mark.parametrize(
    ("output", "word", "nothing"),
    [
        ("json", '"INV-1"\n', "null\n"),
        ("jsonl", '"INV-1"\n', "null\n"),
        ("yaml", "INV-1\n", "null\n"),
        ("csv", "INV-1\n", ""),
        ("tsv", "INV-1\n", ""),
        ("table", "INV-1\n", ""),
        ("name", "INV-1\n", ""),
    ],
)
def test_a_query_for_one_value(output: str, word: str, nothing: str) -> None:
    assert shown(TASKS, Task, output, query="[0].name").out == word
    assert shown([ONE], Task, output, query="name", single=True).out == word
    assert shown(TASKS, Task, output, query="[9].name").out == nothing


def test_a_query_for_a_list_of_lists() -> None:
    query = "[].[id, payload.amount]"
    assert shown(TASKS, Task, "tsv", query=query).out == "1\t12.5\n2\t-3\n3\t\n"
    assert shown(TASKS, Task, "csv", query=query).out == "1,12.5\n2,-3\n3,\n"
    assert shown(TASKS, Task, query=query, terminal=True).out == "1  12.5\n2  -3\n3\n"


def test_a_query_for_a_table_on_a_terminal() -> None:
    query = "[?payload].{name: name, amount: payload.amount}"
    assert shown(TASKS, Task, query=query, terminal=True).out == "NAME   AMOUNT\nINV-1  12.5\nINV-2  -3\n"


def test_a_query_sees_words_where_rows_have_statuses_and_times() -> None:
    query = "[?status=='success' && contains(created_at, '2026-01-31T18')].type(status)"
    assert shown(TASKS, Task, "jsonl", query=query).out == '"string"\n'
    assert shown(TASKS, Task, "jsonl", query="[?starts_with(status, 'un')].id").out == '"2"\n'


def test_a_query_sees_what_fields_and_sort_left_it() -> None:
    out = shown(TASKS, Task, "jsonl", fields=("id",), sort_by="-id", query="[]").out
    assert out == '{"id": "3"}\n{"id": "2"}\n{"id": "1"}\n'


def test_name_of_a_query_needs_a_name() -> None:
    assert shown(TASKS, Task, "name", query="[].{name: name}").out == "INV-1\nINV-2\n"
    with pytest.raises(UsageFault, match="-o name needs an id or a name in the result"):
        shown(TASKS, Task, "name", query="[].{a: name}")


@pytest.mark.parametrize(
    ("sort_by", "ids"),
    [
        ("id", "123"),
        ("-id", "321"),
        ("name", "123"),
        ("-name", "213"),
        ("priority", "213"),
        ("-priority", "123"),
        ("payload.amount", "213"),
        ("-payload.amount", "123"),
        ("created_at", "123"),
        ("status", "312"),
    ],
)
def test_rows_are_sorted_with_nothing_last(sort_by: str, ids: str) -> None:
    for output in ("name", "table"):
        out = shown([THREE, ONE, TWO] if "_at" not in sort_by else TASKS, Task, output, sort_by=sort_by).out
        assert "".join(line[0] for line in out.splitlines()) == ids


def test_levels_are_sorted_by_severity() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [
        LogEntry(id=level, time=moment, level=LogLevel(level), message="m")
        for level in ("error", "debug", "critical", "info")
    ]
    assert shown(entries, LogEntry, "name", sort_by="level").out.split() == [
        "debug",
        "info",
        "error",
        "critical",
    ]


def test_sorting_takes_values_of_any_type() -> None:
    values: list[Any] = [{"b": 1}, "x", 3, None, [1], True, 2.5, "10"]
    tasks = [Task(id=str(at), status=TaskStatus.NEW, payload={"v": value}) for at, value in enumerate(values)]
    ids = shown(tasks, Task, "name", sort_by="payload.v").out.split()
    assert ids[:3] == ["5", "6", "2"]
    assert ids[3:5] == ["7", "1"]
    assert ids[-1] == "3"


def test_priorities_are_sorted_from_low_to_high() -> None:
    tasks = [Task(id=word, status=TaskStatus.NEW, priority=word) for word in (Priority.NORMAL, *Priority)]
    assert shown(tasks, Task, "name", sort_by="priority").out.split() == ["low", "normal", "normal", "high"]


DOCUMENT = {"ok": True, "checks": [{"name": "dns", "status": "ok"}], "none": None}


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            "json",
            '{\n  "ok": true,\n  "checks": [\n    {\n      "name": "dns",\n      "status": "ok"\n    }\n'
            '  ],\n  "none": null\n}\n',
        ),
        ("jsonl", '{"ok": true, "checks": [{"name": "dns", "status": "ok"}], "none": null}\n'),
        ("yaml", "ok: true\nchecks:\n- name: dns\n  status: ok\nnone: null\n"),
        ("csv", 'ok,checks,none\ntrue,"[{""name"": ""dns"", ""status"": ""ok""}]",\n'),
        ("table", 'ok\ttrue\nchecks\t[{"name": "dns", "status": "ok"}]\n'),
    ],
)
def test_documents(output: str, text: str) -> None:
    assert documented(DOCUMENT, output) == text


def test_a_document_takes_the_same_options() -> None:
    assert documented(DOCUMENT, "json", query="checks[].name") == '[\n  "dns"\n]\n'
    assert documented(DOCUMENT, "tsv", fields=("ok", "checks.0.name"), headers=False) == "true\tdns\n"
    assert documented([{"a": 2}, {"b": 1, "a": 1}], "csv", sort_by="a") == "b,a\n1,1\n,2\n"
    assert documented([], "json", fields=("id",)) == "[]\n"
    assert documented([ONE], "jsonl", fields=("id",)) == '{"id": "1"}\n'
    assert documented(DOCUMENT, "table", terminal=True) == (
        'ok      true\nchecks  [\n          {\n            "name": "dns",\n            "status": "ok"\n'
        "          }\n        ]\n"
    )
    with pytest.raises(UsageFault) as caught:
        documented(DOCUMENT, "json", fields=("okay",))
    assert caught.value.hint == 'did you mean "ok"? valid fields: ok, checks, none'
