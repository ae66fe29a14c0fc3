"""The rules of tasks: order of taking, postponement, deadlines, names, claims, abandonment, repeats."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Clock, Orchestrator


def at(clock: Clock, *, seconds: float = 0, hours: float = 0) -> str:
    """A time on the wire, from now."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(clock.now / 1000 + seconds + hours * 3600, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def test_overdue_goes_before_high_before_normal_before_low_and_then_first_come(
    orchestrator: Orchestrator, clock: Clock
) -> None:
    orchestrator.queue()
    for name, priority in (("low", 0), ("normal-1", 1), ("high", 2), ("normal-2", 1)):
        orchestrator.task(name, Priority=priority)
    orchestrator.task("overdue-low", Priority=0, Deadline=at(clock, seconds=-1))
    orchestrator.task("due-soon", Priority=0, Deadline=at(clock, hours=1))
    taken = [orchestrator.take() for _ in range(3)]
    clock.forward(hours=1)
    taken += [orchestrator.take() for _ in range(4)]
    assert taken == ["overdue-low", "high", "normal-1", "due-soon", "normal-2", "low", None]


def test_a_postponed_task_comes_back_by_itself_to_its_old_place(
    orchestrator: Orchestrator, clock: Clock
) -> None:
    orchestrator.queue()
    orchestrator.task("first", Postponed=at(clock, hours=1))
    orchestrator.task("second")
    assert orchestrator.status("first") == 5
    assert orchestrator.next() == "second"
    assert orchestrator.update("first", Status=1).status == 409
    clock.forward(seconds=3599)
    assert orchestrator.next() == "second"
    clock.forward(seconds=1)
    assert orchestrator.next() == "first"
    assert orchestrator.status("first") == 0


def test_many_fall_due_at_once(orchestrator: Orchestrator, clock: Clock) -> None:
    orchestrator.queue()
    for number in range(2500):
        orchestrator.task(f"T{number}", Postponed=at(clock, seconds=60 + number % 7))
    assert orchestrator.next() is None
    clock.forward(seconds=70)
    assert orchestrator.next() == "T0"
    assert {task["status"] for task in orchestrator.list()} == {"0"}


def test_postponing_needs_its_time(orchestrator: Orchestrator, clock: Clock) -> None:
    orchestrator.queue()
    orchestrator.task("T")
    refused = orchestrator.update("T", Status=5)
    assert (refused.status, refused.data) == (
        400,
        {"error": "a postponed task needs the time until which it is postponed"},
    )
    assert orchestrator.update("T", Status=5, Postponed=at(clock, hours=1)).status == 200
    assert orchestrator.next() is None
    assert orchestrator.update("T", Postponed="").status == 200
    assert orchestrator.next() == "T", "with its time gone it cannot stay postponed for ever"


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 6])
def test_only_a_new_task_can_be_taken(orchestrator: Orchestrator, clock: Clock, status: int) -> None:
    orchestrator.queue()
    orchestrator.task("T")
    assert orchestrator.update("T", Status=status, Postponed=at(clock, hours=1)).status == 200
    refused = orchestrator.update("T", Status=1)
    assert refused.status == 409
    assert refused.data["error"].endswith("only a new one can be taken")
    assert orchestrator.status("T") == status


def test_times_tell_the_story(orchestrator: Orchestrator, clock: Clock) -> None:
    orchestrator.queue()
    orchestrator.task("T")
    clock.forward(seconds=10)
    orchestrator.update("T", Status=1)
    clock.forward(seconds=10)
    orchestrator.update("T", Status=2)
    task = orchestrator.read("T")
    assert (task["created"], task["started"], task["updated"]) == (
        "2023-11-14 22:13:20",
        "2023-11-14 22:13:30",
        "2023-11-14 22:13:40",
    )
    orchestrator.update("T", Status=0)
    assert orchestrator.read("T")["started"] is None
    assert orchestrator.next() == "T"


def test_unique_names_hold_and_a_deleted_name_is_free_again(orchestrator: Orchestrator) -> None:
    orchestrator.queue(UniqueTasks=1)
    orchestrator.queue("Other")
    orchestrator.task("T")
    refused = orchestrator.send("POST", "/api/task/create", json={"Name": "T", "QueueGuid": "Invoices"})
    assert (refused.status, refused.data) == (
        409,
        {"error": "the queue 'Invoices' allows a name once, and 'T' is in it already"},
    )
    orchestrator.task("T", "Other")
    orchestrator.task("U")
    assert orchestrator.update("U", Name="T").status == 409
    assert orchestrator.update("U", Name="U").status == 200
    foreign = orchestrator.send("POST", "/api/task/filter/read/Other", json={"Name": "T"}).data["guid"]
    assert orchestrator.update(foreign, QueueGuid="Invoices").status == 409
    mine = orchestrator.send("POST", "/api/task/filter/read/Invoices", json={"Name": "T"}).data["guid"]
    assert orchestrator.send("DELETE", f"/api/task/delete/{mine}").status == 200
    assert orchestrator.update(foreign, QueueGuid="Invoices").status == 200


def test_of_namesakes_the_open_one_is_meant_then_the_newest(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    first, second, third = (orchestrator.task("T") for _ in range(3))
    assert orchestrator.read("T")["guid"] == third
    orchestrator.update(third, Status=2)
    assert orchestrator.read("T")["guid"] == second
    orchestrator.update(second, Status=3)
    orchestrator.update(first, Status=3)
    assert orchestrator.read("T")["guid"] == third


def test_a_number_is_a_name_first_and_then_an_id(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    first = orchestrator.task("2")
    second = orchestrator.task("other")
    assert orchestrator.read("1")["guid"] == first
    assert orchestrator.read("2")["guid"] == first
    orchestrator.update(first, Name="renamed")
    assert orchestrator.read("2")["guid"] == second
    assert orchestrator.read(second.upper())["guid"] == second
    assert orchestrator.send("GET", f"/api/task/read/{'9' * 40}").status == 404


def test_taken_and_left_it_is_abandoned_after_a_day(orchestrator: Orchestrator, clock: Clock) -> None:
    orchestrator.queue()
    orchestrator.task("T")
    orchestrator.take()
    clock.forward(hours=23.9)
    assert orchestrator.status("T") == 1
    clock.forward(hours=0.2)
    assert orchestrator.status("T") == 6


def test_a_queue_has_limits_of_its_own_and_changing_them_counts_for_what_is_there(
    orchestrator: Orchestrator, clock: Clock
) -> None:
    orchestrator.queue(AbandonNewMinutes=10, AbandonInProgressMinutes=5)
    orchestrator.task("waiting")
    orchestrator.task("taken", Priority=2)
    orchestrator.task("deadline", Deadline=at(clock, seconds=60))
    assert orchestrator.take() == "taken"
    clock.forward(seconds=301)
    assert [orchestrator.status(name) for name in ("waiting", "taken", "deadline")] == [0, 6, 0]
    changed = orchestrator.send(
        "PUT", "/api/queue/update", json={"Guid": "Invoices", "AbandonNewMinutes": 20}
    )
    assert changed.status == 200
    clock.forward(seconds=600)
    assert [orchestrator.status(name) for name in ("waiting", "deadline")] == [0, 0]
    clock.forward(seconds=300)
    assert [orchestrator.status(name) for name in ("waiting", "deadline")] == [6, 6]


def test_a_failed_task_is_repeated_as_a_child_up_to_the_queues_limit(orchestrator: Orchestrator) -> None:
    orchestrator.queue(UniqueTasks=1, MaxRetries=2)
    parent = orchestrator.task("T", Parameters={"a": 1}, Tags="x;y", Priority=2)
    for _ in range(3):
        assert orchestrator.take() == "T"
        assert orchestrator.update("T", Status=3).status == 200
    assert orchestrator.take() is None
    chain = orchestrator.list()
    assert [task["retries"] for task in chain] == ["0", "1", "2"]
    assert [task["parent_task"] for task in chain] == [None, parent, chain[1]["guid"]]
    assert {(task["status"], task["priority"], task["tags"], str(task["parameters"])) for task in chain} == {
        ("3", "2", "x;y", "{'a': 1}")
    }
    orchestrator.update(chain[2]["guid"], Status=4)
    orchestrator.update(chain[2]["guid"], Status=3)
    assert len(orchestrator.list()) == 3, "only what was open can fail into a repeat"


def test_business_failures_and_abandoned_ones_have_flags_of_their_own(
    orchestrator: Orchestrator, clock: Clock
) -> None:
    orchestrator.queue(MaxRetries=1, RetryFailed=0, RetryAbandoned=1)
    orchestrator.task("business")
    orchestrator.take()
    orchestrator.update("business", Status=4)
    orchestrator.task("abandoned")
    orchestrator.take()
    clock.forward(hours=25)
    assert [(task["name"], task["status"]) for task in orchestrator.list()] == [
        ("business", "4"),
        ("abandoned", "6"),
        ("abandoned", "0"),
    ]


def test_a_deleted_task_is_not_found_anywhere(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    guid = orchestrator.task("T")
    assert orchestrator.send("DELETE", f"/api/task/delete/{guid}").data == {"result": "1"}
    assert orchestrator.send("GET", f"/api/task/read/{guid}").status == 404
    assert orchestrator.send("DELETE", f"/api/task/delete/{guid}").status == 404
    assert orchestrator.update(guid, Status=1).status == 404
    assert orchestrator.next() is None
    assert orchestrator.list() == []


def test_a_deleted_queue_takes_its_tasks_along_and_frees_its_name(
    orchestrator: Orchestrator, clock: Clock
) -> None:
    queue = orchestrator.queue()
    guid = orchestrator.task("T", Postponed=at(clock, seconds=5))
    assert orchestrator.send("DELETE", f"/api/queue/delete/{queue}").data == []
    assert orchestrator.send("GET", f"/api/queue/read/{queue}").status == 404
    assert orchestrator.send("GET", f"/api/task/read/{guid}").status == 404
    orchestrator.queue()
    clock.forward(seconds=10)
    assert orchestrator.next() is None
    again = orchestrator.send("POST", "/api/queue/create", json={"Name": "Invoices"})
    assert (again.status, again.data) == (409, {"error": "there is a queue 'Invoices' already"})


def test_tags_are_kept_once_in_order(orchestrator: Orchestrator) -> None:
    orchestrator.queue()
    guid = orchestrator.task("T", Tags="b;a;")
    tags = [orchestrator.read(guid)["tags"]]
    for method, path, names in (
        ("PUT", "addTag", "c;a; d ;"),
        ("DELETE", "removeTag", "b;none"),
        ("DELETE", "removeTag", "*"),
    ):
        sent = {"TaskGuid": guid, "TagNames": names}
        assert orchestrator.send(method, f"/api/task/{path}", json=sent).data == []
        tags.append(orchestrator.read(guid)["tags"])
    assert tags == ["b;a", "b;a;c;d", "a;c;d", None]
