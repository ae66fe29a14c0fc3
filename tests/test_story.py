"""The main job as a user types it, in process and over HTTP alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

TASK_FIELDS = (
    "id name queue status priority payload output error reference tags comment description created_at started_at "
    "ended_at updated_at postponed_until deadline retries parent_id job_id robot progress native"
).split()


@pytest.fixture
def cli(orchctl: Any, sandbox: Mapping[str, str]) -> Any:
    """``orchctl`` on an empty sandbox."""

    def run(*argv: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        return orchctl(*argv, env={**sandbox, **(env or {})}, **options)

    return run


@pytest.fixture
def invoices(cli: Any) -> Any:
    assert cli("queue", "create", "--name", "Invoices", "--unique-tasks").code == 0
    return cli


def created(cli: Any, name: str, *options: str) -> str:
    result = cli("task", "create", "-q", "Invoices", "--name", name, *options, "-o", "name")
    assert result.code == 0, result.err
    return str(result.out.strip())


def test_a_queue_is_created_and_printed(cli: Any) -> None:
    result = cli("queue", "create", "--name", "Invoices", "--unique-tasks", "-o", "json")
    assert (result.code, result.err) == (0, "")
    assert (
        list(result.json) == "id name description unique_tasks auto_change_status max_retries native".split()
    )
    assert (result.json["name"], result.json["unique_tasks"]) == ("Invoices", True)


def test_a_task_is_created_and_printed(invoices: Any) -> None:
    words = "task create -q Invoices --name INV-1 -p amount=12.5 -p currency=EUR --priority high -o json"
    result = invoices(*words.split())
    assert (result.code, result.err) == (0, "")
    task = result.json
    assert list(task) == TASK_FIELDS
    assert task["payload"] == {"amount": "12.5", "currency": "EUR"}
    assert (task["name"], task["queue"], task["status"], task["priority"]) == (
        "INV-1",
        "Invoices",
        "new",
        "high",
    )
    assert task["created_at"].endswith("Z")


def test_the_same_name_twice_is_refused_by_the_queue(invoices: Any) -> None:
    created(invoices, "INV-1")
    result = invoices("task", "create", "-q", "Invoices", "--name", "INV-1")
    assert result.code == 5
    assert result.out == ""


def test_a_postponed_task_waits(invoices: Any) -> None:
    words = [
        "task",
        "create",
        "-q",
        "Invoices",
        "--name",
        "INV-2",
        "--data",
        '{"lines":[1,2]}',
        "--postpone",
        "1h",
    ]
    task = invoices(*words, "-o", "json").json
    assert (task["status"], task["payload"]) == ("postponed", {"lines": [1, 2]})
    assert invoices("task", "next", "-q", "Invoices").out == ""


def test_a_list_in_a_pipe_is_tab_separated_without_a_header(invoices: Any) -> None:
    created(invoices, "INV-1")
    created(invoices, "INV-2", "--priority", "high")
    lines = invoices("task", "list", "-q", "Invoices").out.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["INV-1", "INV-2"]
    assert [line.split("\t")[2:4] for line in lines] == [["new", "normal"], ["new", "high"]]


def test_a_list_on_a_terminal_is_a_table_that_fits(invoices: Any) -> None:
    created(invoices, "INV-1")
    result = invoices("task", "list", "-q", "Invoices", terminal=True, width=80)
    header, row = result.out.splitlines()[:2]
    assert "NAME" in header.upper()
    assert "INV-1" in row or "INV-1" in result.out
    assert max(len(line) for line in result.out.splitlines()) <= 80


def test_the_most_urgent_task_is_taken_and_finished(invoices: Any) -> None:
    created(invoices, "INV-1", "--priority", "low")
    urgent = created(invoices, "INV-2", "--priority", "high")
    assert invoices("task", "next", "-q", "Invoices", "-o", "name").out.strip() == urgent
    assert invoices("task", "next", "-q", "Invoices", "--take", "-o", "name").out.strip() == urgent
    assert invoices("task", "get", urgent, "-o", "json").json["status"] == "in-progress"
    done = invoices(
        "task", "finish", "INV-2", "--status", "success", "--result", '{"posted":true}', "-o", "json"
    )
    assert done.code == 0, done.err
    assert (done.json["status"], done.json["output"]) == ("success", {"posted": True})
    names = invoices(
        "task", "list", "-q", "Invoices", "--status", "success", "--query", "[].name", "-o", "json"
    )
    assert names.json == ["INV-2"]


def test_a_task_that_failed_says_why_and_can_be_done_again(invoices: Any) -> None:
    created(invoices, "INV-1", "-p", "a=1")
    failed = invoices(
        *"task finish INV-1 --status failed-business -o json".split(), "--reason", "no such customer"
    ).json
    assert (failed["status"], failed["comment"]) == ("failed-business", "no such customer")
    assert invoices("task", "retry", "INV-1", "-o", "json").json["status"] == "new"
    assert invoices("task", "cancel", "INV-1", "-o", "json").json["status"] == "abandoned"


def test_updates_merge_or_replace_the_payload(invoices: Any) -> None:
    created(invoices, "INV-1", "-p", "a=1", "-P", "b=2")
    merged = invoices(*"task update INV-1 -P b=3 -p c=x --priority low -o json".split()).json
    assert (merged["payload"], merged["priority"]) == ({"a": "1", "b": 3, "c": "x"}, "low")
    assert invoices("task", "update", "INV-1", "--data", "[1]", "-o", "json").json["payload"] == [1]
    assert invoices("task", "update", "INV-1").code == 2


def test_tags_are_added_and_removed(invoices: Any) -> None:
    created(invoices, "INV-1", "--tag", "one")
    assert invoices(*"task tag add INV-1 two three -o json".split()).json["tags"] == ["one", "two", "three"]
    assert invoices(*"task tag remove INV-1 one three -o json".split()).json["tags"] == ["two"]
    assert invoices(*"task list -q Invoices --tag two --query [].name -o json".split()).json == ["INV-1"]


def test_erasing_keeps_the_record(invoices: Any) -> None:
    created(invoices, "INV-1", "-p", "secret=x")
    invoices("task", "finish", "INV-1", "--status", "success")
    result = invoices("task", "erase", "INV-1", "--yes", "-o", "json")
    assert (result.json["payload"], result.json["name"], result.json["status"]) == ({}, "INV-1", "success")


def test_a_clone_is_a_new_task(invoices: Any) -> None:
    first = created(invoices, "INV-1", "-P", "a=[1,2]", "--priority", "high", "--comment", "c")
    clone = invoices("task", "clone", "INV-1", "--name", "INV-1b", "-o", "json").json
    assert clone["id"] != first
    assert (clone["payload"], clone["priority"], clone["comment"]) == ({"a": [1, 2]}, "high", "c")
    assert invoices("task", "clone", "INV-1").code == 5  # the queue wants unique names


def test_deleting_asks_first(invoices: Any) -> None:
    created(invoices, "INV-1")
    assert invoices("task", "delete", "INV-1").code == 2
    declined = invoices("task", "delete", "INV-1", terminal=True, input="n\n")
    assert declined.code == 13
    assert "[y/N]" in declined.err
    assert invoices("task", "delete", "INV-1", "--yes").code == 0
    assert invoices("task", "get", "INV-1").code == 4


def test_several_targets_tell_the_truth_about_each(invoices: Any) -> None:
    one, two = created(invoices, "INV-1"), created(invoices, "INV-2")
    result = invoices("task", "cancel", one, "nope", two, "--yes", "-o", "json")
    assert result.code == 10
    assert [task["name"] for task in result.json] == ["INV-1", "INV-2"]
    assert any(note.startswith("nope:") for note in result.error["notes"])
    piped = invoices("task", "get", "-", "-o", "name", input=f"{one}\n\n{two}\n")
    assert piped.out.split() == [one, two]


def test_queues_are_listed_updated_counted_and_deleted(invoices: Any) -> None:
    created(invoices, "INV-1")
    created(invoices, "INV-2")
    invoices("task", "finish", "INV-2", "--status", "success")
    assert invoices("queue", "list", "--query", "[].name", "-o", "json").json == ["Invoices"]
    stats = invoices("queue", "stats", "Invoices", "-o", "json").json
    assert (stats["queue"], stats["total"], stats["new"], stats["success"]) == ("Invoices", 2, 1, 1)
    assert stats["failed_business"] == 0
    renamed = invoices(
        "queue", "update", "Invoices", "--name", "Bills", "--no-unique-tasks", "-o", "json"
    ).json
    assert (renamed["name"], renamed["unique_tasks"]) == ("Bills", False)
    assert invoices("queue", "delete", "Bills", "--yes").code == 0
    assert invoices("queue", "get", "Bills").code == 4


def test_what_is_not_there_is_4(invoices: Any) -> None:
    result = invoices("task", "get", "nope")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("orchctl: no task 'nope'\nhint: ")
    assert invoices("task", "list", "-q", "Nope").code == 4
    assert invoices("task", "next", "-q", "Nope").code == 4
    assert invoices("task", "next", "-q", "Invoices").code == 0
    assert invoices("task", "next", "-q", "Invoices", "--exit-status").code == 4
    assert json.loads(invoices("task", "get", "nope", "-o", "json").err)["error"]["exit_code"] == 4


def test_a_dry_run_sends_no_write(invoices: Any) -> None:
    words = ["task", "create", "-q", "Invoices", "--name", "INV-1", "-p", "a=b c"]
    result = invoices(*words, "--dry-run")
    assert result.code == 0, result.err
    assert "POST " in result.out
    assert "/api/task/create" in result.out
    assert "curl " in result.out
    plan = invoices(*words, "-n", "-o", "json").json
    assert plan["method"] == "POST"
    assert plan["url"].endswith("/api/task/create")
    assert invoices("task", "list", "-q", "Invoices").out == ""


def test_two_hundred_takers_take_no_task_twice(cli: Any) -> None:
    cli("queue", "create", "--name", "Many")
    for number in range(20):
        assert cli("task", "create", "-q", "Many", "--name", f"T{number}").code == 0
    with ThreadPoolExecutor(25) as pool:
        taken = list(pool.map(lambda _: cli("task", "next", "-q", "Many", "--take", "-o", "name"), range(25)))
    found = [result.out.strip() for result in taken if result.out]
    assert [result.code for result in taken] == [0] * 25
    assert len(found) == len(set(found)) == 20
