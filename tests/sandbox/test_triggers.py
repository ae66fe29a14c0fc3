"""Triggers make jobs at their times, whether anybody asks or not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from orchctl.sandbox.app import open_app
from orchctl.sandbox.engine import triggers
from orchctl.sandbox.server import serving
from tests.sandbox.conftest import START, Clock, Orchestrator

CONTINUOUS, BY_SCHEDULE = 1, 2
# The clock starts at 22:13:20.


@pytest.fixture
def robot(orchestrator: Orchestrator) -> str:
    return orchestrator.robot()


@pytest.fixture
def process(orchestrator: Orchestrator, robot: str) -> str:
    return orchestrator.process()


def trigger(orchestrator: Orchestrator, **fields: Any) -> str:
    usual = {"Name": "T1", "ProcessId": "P1"}
    answer = orchestrator.send("POST", "/api/schedule/create", json=usual | fields)
    assert answer.status == 200, answer.body
    return str(answer.data["guid"])


def cron(orchestrator: Orchestrator, expression: str, **fields: Any) -> str:
    target = {} if fields.keys() & {"RobotGroupId", "RobotId"} else {"RobotId": "R1", "RobotType": 2}
    return trigger(orchestrator, ProcessingType=BY_SCHEDULE, CronTab=expression, **target, **fields)


def made(orchestrator: Orchestrator) -> list[str]:
    """When each job was made."""
    return [job["created_at"][11:] for job in orchestrator.ok("GET", "/api/job/read")]


def every_second(orchestrator: Orchestrator, clock: Clock, seconds: int, *, step: int = 1) -> None:
    """What a server's ticker does."""
    for _ in range(0, seconds, step):
        clock.forward(seconds=step)
        orchestrator.app.engine.settle()


def test_a_cron_trigger_makes_a_job_at_each_of_its_times(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock
) -> None:
    guid = cron(orchestrator, "*/5 * * * *")
    assert orchestrator.get("schedule", guid)["next_run"] == "2023-11-14 22:15:00"
    assert orchestrator.beat(robot) == (0, 0)
    every_second(orchestrator, clock, 99)
    assert made(orchestrator) == []
    every_second(orchestrator, clock, 1)
    assert made(orchestrator) == ["22:15:00"]
    assert orchestrator.beat(robot) == (0, 1)
    every_second(orchestrator, clock, 900)
    assert made(orchestrator) == ["22:15:00", "22:20:00", "22:25:00", "22:30:00"]
    job = orchestrator.ok("GET", "/api/job/read")[0]
    assert (job["source"], job["schedule_id"], job["robot_guid"]) == ("Trigger", 1, robot)
    read = orchestrator.get("schedule", guid)
    assert (read["run_count"], read["last_run"], read["next_run"]) == (
        "4",
        "2023-11-14 22:30:00",
        "2023-11-14 22:35:00",
    )


def test_a_time_that_only_a_request_can_notice(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock
) -> None:
    """In process nobody ticks: up to a minute late a run still counts."""
    cron(orchestrator, "15 22 * * *")
    clock.forward(seconds=159)
    assert orchestrator.beat(robot) == (0, 1)


@pytest.mark.parametrize(("catch_up", "runs"), [(0, []), (1, ["01:13:20"])])
def test_runs_that_were_missed(
    orchestrator: Orchestrator, process: str, clock: Clock, catch_up: int, runs: list[str]
) -> None:
    """Nobody served the database for three hours: one run makes up for all, if it is to."""
    guid = cron(orchestrator, "*/5 * * * *", CheckMissedTrigger=catch_up)
    clock.forward(hours=3)
    assert made(orchestrator) == runs
    assert orchestrator.get("schedule", guid)["next_run"] == "2023-11-15 01:15:00"


def test_it_starts_and_ends_when_it_is_told(orchestrator: Orchestrator, process: str, clock: Clock) -> None:
    guid = cron(orchestrator, "* * * * *", StartAt="2023-11-14 22:15:00", EndAt="2023-11-14 22:17:30")
    every_second(orchestrator, clock, 600, step=10)
    assert made(orchestrator) == ["22:15:00", "22:16:00", "22:17:00"]
    assert orchestrator.get("schedule", guid)["status"] == "3"
    assert orchestrator.get("schedule", guid)["next_run"] is None


def test_so_many_runs_and_no_more(orchestrator: Orchestrator, process: str, clock: Clock) -> None:
    guid = cron(orchestrator, "* * * * *", MaxRuns=2)
    every_second(orchestrator, clock, 600, step=10)
    assert made(orchestrator) == ["22:14:00", "22:15:00"]
    assert orchestrator.get("schedule", guid)["status"] == "3"


def test_off_and_on(orchestrator: Orchestrator, process: str, clock: Clock) -> None:
    guid = cron(orchestrator, "* * * * *", Status=0)
    every_second(orchestrator, clock, 120, step=10)
    assert made(orchestrator) == []
    orchestrator.ok("PUT", "/api/schedule/update", json={"Guid": guid, "Status": 1})
    every_second(orchestrator, clock, 60, step=10)
    assert made(orchestrator) == ["22:16:00"]
    orchestrator.ok("PUT", "/api/schedule/update", json={"Guid": guid, "Status": 0})
    every_second(orchestrator, clock, 120, step=10)
    assert made(orchestrator) == ["22:16:00"]


def test_what_is_changed_is_planned_anew(orchestrator: Orchestrator, process: str, clock: Clock) -> None:
    guid = cron(orchestrator, "0 0 1 1 *")
    orchestrator.ok("PUT", "/api/schedule/update", json={"Guid": guid, "CronTab": "14 22 * * *", "Name": "U"})
    read = orchestrator.get("schedule", "U")
    assert (read["cron_tab"], read["next_run"]) == ("14 22 * * *", "2023-11-14 22:14:00")
    orchestrator.ok("DELETE", f"/api/schedule/delete/{guid}")
    every_second(orchestrator, clock, 60, step=10)
    assert made(orchestrator) == []
    assert orchestrator.send("GET", f"/api/schedule/read/{guid}").status == 404


def test_a_continuous_trigger_keeps_one_job_going(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock
) -> None:
    trigger(orchestrator, ProcessingType=CONTINUOUS, RobotId=robot, MaxRuns=3)
    for number in (1, 2, 3):
        jobs_now = orchestrator.ok("GET", "/api/job/read")
        assert len(jobs_now) == number
        assert orchestrator.beat(robot) == (0, 1)
        job = orchestrator.consume(robot)
        clock.forward(seconds=5)
        orchestrator.set_job(str(job), 8)
        orchestrator.set_job(str(job), 4)
    assert orchestrator.beat(robot) == (0, 0)


def test_a_continuous_trigger_of_a_group_fills_its_robots(orchestrator: Orchestrator, process: str) -> None:
    robots = [orchestrator.robot(name) for name in ("A", "B", "C")]
    orchestrator.group(*robots)
    all_of_them = trigger(orchestrator, ProcessingType=CONTINUOUS, RobotType=1, RobotGroupId="G1")
    assert len(orchestrator.ok("GET", "/api/job/read")) == 3
    orchestrator.ok("DELETE", f"/api/schedule/delete/{all_of_them}")
    few = trigger(orchestrator, ProcessingType=CONTINUOUS, RobotType=1, RobotGroupId="G1", MaxRuns=2)
    assert len(orchestrator.ok("GET", "/api/job/read")) == 5
    orchestrator.ok("DELETE", f"/api/schedule/delete/{few}")
    trigger(orchestrator, ProcessingType=CONTINUOUS, RobotType=1, RobotGroupId="G1", MaxRunningRobots=2)
    listed = orchestrator.ok("GET", "/api/job/read")
    assert len(listed) == 7
    orchestrator.set_job(listed[5]["guid"], 2)
    assert len(orchestrator.ok("GET", "/api/job/read")) == 8
    orchestrator.ok("DELETE", f"/api/job/delete/{listed[6]['guid']}")
    assert len(orchestrator.ok("GET", "/api/job/read")) == 8


def test_no_more_open_jobs_than_robots_may_run(
    orchestrator: Orchestrator, process: str, clock: Clock
) -> None:
    orchestrator.group("R1")
    cron(orchestrator, "* * * * *", RobotGroupId="G1", RobotType=1, MaxRunningRobots=2)
    every_second(orchestrator, clock, 600, step=10)
    assert made(orchestrator) == ["22:14:00", "22:15:00"]


@pytest.mark.parametrize("kind", [CONTINUOUS, BY_SCHEDULE])
def test_what_stands_in_the_way_is_told_in_the_log_and_nothing_else_is_held_up(
    orchestrator: Orchestrator, process: str, clock: Clock, kind: int
) -> None:
    orchestrator.ok("POST", "/api/process/create", json={"Name": "empty"})
    trigger(
        orchestrator,
        Name="broken",
        ProcessId="empty",
        ProcessingType=kind,
        CronTab="* * * * *",
        RobotId="R1",
    )
    cron(orchestrator, "14 22 * * *")
    every_second(orchestrator, clock, 60, step=10)
    assert made(orchestrator) == ["22:14:00"]
    said = [entry["Message"] for entry in orchestrator.ok("POST", "/api/log/list")]
    why = "the trigger 'broken' could not make its job: the process 'empty' has no version yet"
    assert said
    assert all(message.startswith(why) for message in said)


@pytest.mark.parametrize("entity", ["robot", "process"])
def test_what_was_deleted_is_not_run(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock, entity: str
) -> None:
    cron(orchestrator, "14 22 * * *")
    orchestrator.ok("DELETE", f"/api/{entity}/delete/{robot if entity == 'robot' else process}")
    every_second(orchestrator, clock, 60, step=10)
    assert made(orchestrator) == []
    (entry,) = orchestrator.ok("POST", "/api/log/list")
    assert entry["Message"].startswith(f"the trigger 'T1' could not make its job: its {entity}")


def test_a_time_zone_and_its_summer(orchestrator: Orchestrator, process: str, clock: Clock) -> None:
    """The engine knows zones, though this wire has no field for one."""

    def make(tx: Any) -> triggers.Trigger:
        from orchctl.sandbox.engine import processes

        fields: triggers.TriggerFields = {"name": "Z", "cron": "30 9 * * *", "time_zone": "Europe/Berlin"}
        return triggers.create(tx, processes.find(tx, "P1"), fields)

    winter = orchestrator.app.engine.write(make)
    clock.now = START + 200 * 24 * 3600 * 1000  # in June
    summer = orchestrator.app.engine.write(make)
    assert winter.next_run_at is not None
    assert summer.next_run_at is not None
    hours = [time.gmtime(moment / 1000).tm_hour for moment in (winter.next_run_at, summer.next_run_at)]
    assert hours == [8, 7]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ProcessingType": 2}, "CronTab is required for ProcessingType 2"),
        ({"ProcessingType": 2, "CronTab": "61 * * * *"}, "'61 * * * *' is no cron expression: Bad minute"),
        ({"ProcessingType": 2, "CronTab": "daily"}, "'daily' is no cron expression: Wrong number of fields"),
        ({"ProcessingType": 3}, "there is no ProcessingType 3: 1 continuous, 2 by schedule"),
        ({"ProcessingType": 1, "MaxRuns": -1}, "a trigger's limits cannot be negative"),
        ({"ProcessingType": 1, "RobotType": 3}, "there is no RobotType 3: 1 a robot group, 2 one robot"),
        ({"ProcessingType": 1, "RobotType": 2}, "RobotId is required"),
        ({"ProcessingType": 1, "Status": 9}, "there is no trigger status 9: 0 off, 1 on (both are inferred)"),
        (
            {"ProcessingType": 1, "StartAt": "2024-01-02 00:00:00", "EndAt": "2024-01-01 00:00:00"},
            "a trigger cannot end before it starts",
        ),
        ({}, "ProcessingType is required"),
    ],
)
def test_what_is_no_trigger(
    orchestrator: Orchestrator, process: str, fields: dict[str, Any], error: str
) -> None:
    body = {"Name": "T", "ProcessId": "P1", **fields}
    answer = orchestrator.send("POST", "/api/schedule/create", json=body)
    assert (answer.status, answer.data) == (400, {"error": error})


@pytest.mark.parametrize(
    ("kind", "field"), [(0, "RobotId"), (2, "RobotId"), (1, "RobotId"), (None, "RobotId")]
)
def test_the_documents_contradict_each_other_on_the_kind_of_target(
    orchestrator: Orchestrator, robot: str, process: str, kind: int | None, field: str
) -> None:
    """One robot is 0 in one place and 2 in others, and what was named says it anyway."""
    said = {} if kind is None else {"RobotType": kind}
    guid = trigger(orchestrator, ProcessingType=CONTINUOUS, RobotId=robot, **said)
    assert orchestrator.get("schedule", guid)["robot_guid"] == robot


def test_a_server_that_nobody_asks_makes_jobs_all_the_same(database: Path) -> None:
    app = open_app(str(database), in_process=True)
    client = Orchestrator(app)
    robot = client.robot()
    client.process()
    trigger(client, ProcessingType=BY_SCHEDULE, CronTab="* * * * * *", RobotId=robot)

    def jobs_made() -> int:
        with (
            app.engine.store.reading() as connection
        ):  # past the engine, which would let the clock do its part
            return int(connection.execute("SELECT count(*) FROM job").fetchone()[0])

    give_up = time.monotonic() + 30
    with serving(app):
        while jobs_made() < 2 and time.monotonic() < give_up:
            time.sleep(0.05)
        assert jobs_made() >= 2
    app.close()


def test_two_triggers_of_one_name_need_a_guid(orchestrator: Orchestrator, process: str) -> None:
    first, second = cron(orchestrator, "0 0 * * *"), cron(orchestrator, "0 0 * * *")
    answer = orchestrator.send("GET", "/api/schedule/read/T1")
    assert answer.status == 409
    said = f"several have the name 'T1'; give the GUID of one trigger: {first}, {second}"
    assert answer.data["error"] == said
