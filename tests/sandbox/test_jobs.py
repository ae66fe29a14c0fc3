"""The life of a job: who gets it, what a robot is told, and what the clock makes of it."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orchctl.sandbox.app import open_app
from orchctl.sandbox.engine import jobs
from tests.sandbox.conftest import Clock, Orchestrator

CREATED, PENDING, ABORTING, ABORTED, SUCCESS, FAILED, STOPPING, STOPPED, IN_PROGRESS, UNKNOWN = range(10)
DISCONNECTED, READY, WORKING = 0, 2, 3
OK, ABORT, STOP, NO_ROBOT, NO_JOB = 0, 10, 20, 101, 102


@pytest.fixture
def robot(orchestrator: Orchestrator) -> str:
    return orchestrator.robot()


@pytest.fixture
def process(orchestrator: Orchestrator) -> str:
    return orchestrator.process()


@pytest.fixture
def job(orchestrator: Orchestrator, robot: str, process: str) -> str:
    return orchestrator.job(process, robot)


def run(orchestrator: Orchestrator, robot: str) -> str:
    """The robot takes its next job and begins it."""
    job = str(orchestrator.consume(robot))
    assert orchestrator.set_job(job, IN_PROGRESS).data == []
    return job


def test_the_whole_life(orchestrator: Orchestrator, robot: str, process: str, clock: Clock) -> None:
    """Step by step as seed 001 has it."""
    assert orchestrator.beat(robot) == (OK, 0)
    assert orchestrator.consume(robot) == NO_JOB
    job = orchestrator.job(process, robot)
    assert orchestrator.job_status(job) == PENDING
    assert orchestrator.beat(robot) == (OK, 1)
    assert orchestrator.consume(robot) == job
    assert orchestrator.job_status(job) == PENDING
    clock.forward(seconds=2)
    orchestrator.set_job(job, IN_PROGRESS)
    clock.forward(seconds=10)
    assert orchestrator.beat(robot, WORKING, job) == (OK, 0)
    assert orchestrator.get("robot", robot)["Status"] == WORKING
    clock.forward(seconds=10)
    orchestrator.set_job(job, SUCCESS)
    assert orchestrator.beat(robot) == (OK, 0)
    read = orchestrator.get("job", job)
    assert (read["status"], read["started_at"], read["finished_at"]) == (
        SUCCESS,
        "2023-11-14 22:13:22",
        "2023-11-14 22:13:42",
    )
    assert orchestrator.get("robot", robot)["Status"] == READY


def test_what_a_robot_consumes(orchestrator: Orchestrator, robot: str) -> None:
    process = orchestrator.process("P", "old.py", "new.py")
    orchestrator.queue()
    task = orchestrator.task("INV-1", Parameters={"amount": 1})
    job = orchestrator.job(process, robot, TaskGUID="INV-1", Priority=3)
    told = orchestrator.ok("POST", "/api/robot/consumeNextJob", form={"RobotGUID": robot})
    assert list(told) == ["ConsumeJobErrorCode", "ErrorText", "Job", "ProcessVersion", "Task"]
    assert (told["ConsumeJobErrorCode"], told["ErrorText"]) == (0, "")
    assert json.loads(told["Job"])["GUID"] == job
    assert json.loads(told["ProcessVersion"])["Name"] == "new.py", "the current version"
    assert json.loads(told["Task"]) == orchestrator.read(task)
    assert orchestrator.read(task)["job_id"] == job


def test_a_job_without_a_task_says_null_there(orchestrator: Orchestrator, robot: str, job: str) -> None:
    """Seed 001 decodes it in any case."""
    told = orchestrator.ok("POST", "/api/robot/consumeNextJob", form={"RobotGUID": robot})
    assert json.loads(told["Task"]) is None


def test_the_codes_are_integers(orchestrator: Orchestrator, robot: str, job: str) -> None:
    answer = orchestrator.send("POST", "/api/robot/heartbeat", form={"RobotGUID": robot, "Status": "2"})
    assert answer.body == b'{"HeartbeatErrorCode": 0, "ErrorText": "", "HasNewJob": 1}'
    nobody = {"RobotGUID": "00000000-0000-4000-8000-000000000000"}
    answer = orchestrator.send("POST", "/api/robot/heartbeat", form=nobody)
    assert answer.body == b'{"HeartbeatErrorCode": 101, "ErrorText": "Robot not found", "HasNewJob": 0}'
    told = orchestrator.ok("POST", "/api/robot/consumeNextJob", form=nobody)
    assert told == {
        "ConsumeJobErrorCode": NO_ROBOT,
        "ErrorText": "Robot not found",
        "Job": "",
        "ProcessVersion": "",
        "Task": "",
    }


def test_the_same_job_again_until_it_has_begun(
    orchestrator: Orchestrator, robot: str, process: str, job: str
) -> None:
    """A lost answer strands no job, and what is more urgent does not come in between."""
    assert orchestrator.consume(robot) == job
    urgent = orchestrator.job(process, robot, Priority=3)
    assert orchestrator.beat(robot) == (OK, 1)
    assert orchestrator.consume(robot) == job
    orchestrator.set_job(job, IN_PROGRESS)
    assert orchestrator.beat(robot, WORKING, job) == (OK, 0)
    assert orchestrator.consume(robot) == NO_JOB, "it runs one at a time"
    orchestrator.set_job(job, SUCCESS)
    assert orchestrator.consume(robot) == urgent


def test_priority_then_age(orchestrator: Orchestrator, robot: str, process: str) -> None:
    group = orchestrator.group(robot)
    wanted = {
        "normal": orchestrator.job(process, robot),
        "low": orchestrator.job(process, robot, Priority=1),
        "of the group": orchestrator.job(process, RobotGroupGUID=group),
        "high": orchestrator.job(process, RobotGroupGUID=group, Priority="high"),
        "late": orchestrator.job(process, robot, Priority=2),
    }
    order = []
    for _ in wanted:
        order.append(run(orchestrator, robot))
        orchestrator.set_job(order[-1], SUCCESS)
    names = {guid: name for name, guid in wanted.items()}
    assert [names[guid] for guid in order] == ["high", "normal", "of the group", "late", "low"]
    assert orchestrator.consume(robot) == NO_JOB


def test_a_job_of_a_group_goes_to_the_first_free_of_its_robots(
    orchestrator: Orchestrator, process: str
) -> None:
    first, second, stranger = (orchestrator.robot(name) for name in ("R1", "R2", "R3"))
    group = orchestrator.group(first, second)
    job = orchestrator.job(process, RobotGroupGUID=group)
    assert orchestrator.get("job", job)["robot_id"] is None
    assert orchestrator.beat(stranger) == (OK, 0)
    assert orchestrator.consume(stranger) == NO_JOB
    assert orchestrator.beat(first) == orchestrator.beat(second) == (OK, 1)
    assert orchestrator.consume(second) == job
    assert orchestrator.beat(first) == (OK, 0)
    assert orchestrator.get("job", job)["robot_guid"] == second


def test_a_job_of_nobody_goes_to_anybody(orchestrator: Orchestrator, robot: str) -> None:
    orchestrator.process("P")

    def make(tx: Any) -> str:
        from orchctl.sandbox.engine import processes

        return jobs.create(tx, processes.find(tx, "P"), {}).guid

    job = orchestrator.app.engine.write(make)
    assert orchestrator.consume(robot) == job


def test_many_robots_get_each_job_once(database: Path) -> None:
    """Over several applications on one database, as several processes would."""
    count = 60
    apps = [open_app(str(database), in_process=True) for _ in range(3)]
    made = Orchestrator(apps[0])
    robots = [made.robot(f"R{number}") for number in range(6)]
    group = made.group(*robots)
    process = made.process()
    wanted = {made.job(process, RobotGroupGUID=group) for _ in range(count)}
    taken: list[str] = []
    gate = threading.Barrier(len(robots))

    def work(robot: str, app: Any) -> None:
        client = Orchestrator(app)
        gate.wait()
        while (job := client.consume(robot)) != NO_JOB:
            taken.append(str(job))
            assert client.set_job(str(job), IN_PROGRESS).status == 200
            assert client.set_job(str(job), SUCCESS).status == 200

    with ThreadPoolExecutor(len(robots)) as pool:
        for done in [pool.submit(work, robot, apps[number % 3]) for number, robot in enumerate(robots)]:
            done.result()
    for app in apps:
        app.close()
    assert len(taken) == count
    assert set(taken) == wanted


@pytest.mark.parametrize(
    ("asked", "code", "asking", "ended"),
    [(STOPPING, STOP, STOPPING, STOPPED), (ABORTING, ABORT, ABORTING, ABORTED)],
)
def test_stop_and_abort_reach_the_robot_with_its_heartbeat(
    orchestrator: Orchestrator, robot: str, job: str, asked: int, code: int, asking: int, ended: int
) -> None:
    run(orchestrator, robot)
    assert orchestrator.set_job(job, asked).data == []
    assert orchestrator.job_status(job) == asking
    assert orchestrator.beat(robot, WORKING, job) == (code, 0)
    assert orchestrator.beat(robot, WORKING, job) == (code, 0), "again until it has ended"
    orchestrator.set_job(job, ended)
    assert orchestrator.job_status(job) == ended
    assert orchestrator.beat(robot) == (OK, 0)


@pytest.mark.parametrize(("asked", "ended"), [(STOPPING, STOPPED), (ABORTING, ABORTED)])
def test_what_no_robot_has_ends_at_once(
    orchestrator: Orchestrator, robot: str, job: str, asked: int, ended: int
) -> None:
    orchestrator.set_job(job, asked)
    assert orchestrator.job_status(job) == ended
    assert orchestrator.consume(robot) == NO_JOB


def test_what_was_claimed_and_not_begun_is_told_to_stop_once_it_begins(
    orchestrator: Orchestrator, robot: str, job: str
) -> None:
    assert orchestrator.consume(robot) == job
    orchestrator.set_job(job, STOPPING)
    assert orchestrator.job_status(job) == STOPPING
    orchestrator.set_job(job, IN_PROGRESS)
    assert orchestrator.job_status(job) == STOPPING, "its beginning does not undo the request"
    assert orchestrator.beat(robot, WORKING, job) == (STOP, 0)


@pytest.mark.parametrize("ask", ["beat", "consume"])
def test_what_was_claimed_to_be_stopped_and_never_began_is_let_go(
    orchestrator: Orchestrator, robot: str, process: str, job: str, ask: str
) -> None:
    assert orchestrator.consume(robot) == job
    orchestrator.set_job(job, STOPPING)
    other = orchestrator.job(process, robot)
    assert orchestrator.beat(robot) == (OK, 1) if ask == "beat" else orchestrator.consume(robot) == other
    assert orchestrator.job_status(job) == STOPPED


def test_abort_goes_over_stop_and_not_the_other_way(orchestrator: Orchestrator, robot: str, job: str) -> None:
    run(orchestrator, robot)
    orchestrator.set_job(job, STOPPING)
    orchestrator.set_job(job, ABORTING)
    assert orchestrator.set_job(job, STOPPING).status == 200
    assert orchestrator.job_status(job) == ABORTING


def test_success_is_success_even_when_it_was_to_stop(
    orchestrator: Orchestrator, robot: str, job: str
) -> None:
    run(orchestrator, robot)
    orchestrator.set_job(job, STOPPING)
    orchestrator.set_job(job, SUCCESS)
    assert orchestrator.job_status(job) == SUCCESS


def test_the_first_word_on_a_jobs_end_stands(orchestrator: Orchestrator, robot: str, job: str) -> None:
    run(orchestrator, robot)
    orchestrator.set_job(job, SUCCESS)
    assert orchestrator.set_job(job, SUCCESS).status == 200, "said twice"
    for status in (FAILED, IN_PROGRESS, STOPPING, PENDING):
        answer = orchestrator.set_job(job, status)
        assert (answer.status, answer.data) == (409, {"error": "the job has ended, it is success"})
    assert orchestrator.job_status(job) == SUCCESS


@pytest.mark.parametrize("status", [CREATED, PENDING])
def test_a_job_that_runs_does_not_wait_again(
    orchestrator: Orchestrator, robot: str, job: str, status: int
) -> None:
    run(orchestrator, robot)
    answer = orchestrator.set_job(job, status)
    assert answer.status == 409
    assert answer.data["error"].startswith("the job is in-progress, from there it cannot become ")


def test_a_robot_that_is_told_of_nothing_it_runs(orchestrator: Orchestrator, robot: str, job: str) -> None:
    assert orchestrator.beat(robot, WORKING, "what the robot made up") == (OK, 0)
    run(orchestrator, robot)
    orchestrator.ok("DELETE", f"/api/job/delete/{job}")
    assert orchestrator.beat(robot, WORKING, job) == (ABORT, 0), "deleted: nobody wants it any more"
    assert orchestrator.send("GET", f"/api/job/read/{job}").status == 404


def test_silence_makes_a_job_unknown_and_its_robot_disconnected(
    orchestrator: Orchestrator, robot: str, job: str, clock: Clock
) -> None:
    run(orchestrator, robot)
    orchestrator.beat(robot, WORKING, job)
    clock.forward(seconds=119)
    assert orchestrator.job_status(job) == IN_PROGRESS
    clock.forward(seconds=1)
    assert orchestrator.job_status(job) == UNKNOWN
    assert orchestrator.get("robot", robot)["Status"] == DISCONNECTED
    assert orchestrator.beat(robot, WORKING, job) == (OK, 0)
    assert orchestrator.job_status(job) == IN_PROGRESS, "it is back"
    clock.forward(seconds=121)
    assert orchestrator.set_job(job, SUCCESS).status == 200
    assert orchestrator.job_status(job) == SUCCESS


def test_a_robot_that_goes_takes_its_job_out_of_sight(
    orchestrator: Orchestrator, robot: str, job: str
) -> None:
    run(orchestrator, robot)
    orchestrator.beat(robot, DISCONNECTED)
    assert orchestrator.job_status(job) == UNKNOWN


def test_a_robot_that_is_deleted_takes_its_job_out_of_sight(
    orchestrator: Orchestrator, robot: str, job: str
) -> None:
    run(orchestrator, robot)
    orchestrator.ok("DELETE", f"/api/robot/delete/{robot}")
    assert orchestrator.job_status(job) == UNKNOWN


def test_ready_without_its_job_is_failed_until_the_robot_says_better(
    orchestrator: Orchestrator, robot: str, job: str
) -> None:
    """Kept in step with the robot (sherpa.md 3.3); a report that comes late still counts."""
    run(orchestrator, robot)
    assert orchestrator.beat(robot) == (OK, 0)
    read = orchestrator.get("job", job)
    assert read["status"] == FAILED
    assert read["info"] == "its robot is ready again and did not say how it ended"
    assert orchestrator.beat(robot, WORKING, job) == (ABORT, 0)
    assert orchestrator.set_job(job, IN_PROGRESS).status == 409
    assert orchestrator.set_job(job, SUCCESS).status == 200
    assert orchestrator.job_status(job) == SUCCESS
    assert orchestrator.get("job", job)["info"] is None
    assert orchestrator.set_job(job, FAILED).status == 409


def test_its_word_that_it_began_may_get_lost(orchestrator: Orchestrator, robot: str, job: str) -> None:
    assert orchestrator.consume(robot) == job
    assert orchestrator.beat(robot, WORKING, job) == (OK, 0)
    assert orchestrator.job_status(job) == IN_PROGRESS


def test_stop_after_and_abort_after(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock
) -> None:
    job = orchestrator.job(process, robot, StopAfter="2023-11-14 22:23:20", AbortAfter="2023-11-14 22:33:20")
    waiting = orchestrator.job(process, robot, AbortAfter="2023-11-14 22:14:00")
    late = orchestrator.job(process, robot, StopAfter="2023-11-14 22:14:00")
    run(orchestrator, robot)
    for _ in range(5):
        orchestrator.beat(robot, WORKING, job)
        clock.forward(seconds=119)
    assert orchestrator.job_status(waiting) == ABORTED
    assert orchestrator.job_status(late) == STOPPED
    assert orchestrator.beat(robot, WORKING, job) == (OK, 0)
    clock.forward(seconds=5)
    assert orchestrator.beat(robot, WORKING, job) == (STOP, 0)
    for _ in range(6):
        clock.forward(seconds=100)
        code = orchestrator.beat(robot, WORKING, job)
    assert code == (ABORT, 0)
    assert orchestrator.job_status(job) == ABORTING


def test_maintenance_sets_the_times_later(
    orchestrator: Orchestrator, robot: str, job: str, clock: Clock
) -> None:
    run(orchestrator, robot)
    update = {"Guid": job, "StopAfter": "2023-11-14 22:13:30", "Priority": "low"}
    orchestrator.ok("PUT", "/api/job/update", json=update)
    assert orchestrator.get("job", job)["priority"] == 1
    clock.forward(seconds=10)
    assert orchestrator.job_status(job) == STOPPING


@pytest.mark.parametrize("begun", [False, True])
def test_what_is_not_finished_within_a_day_has_failed(
    orchestrator: Orchestrator, robot: str, job: str, clock: Clock, begun: bool
) -> None:
    if begun:
        clock.forward(hours=23)
        run(orchestrator, robot)
    for _ in range(24 * 60):
        clock.forward(seconds=60)
        if begun:
            status = orchestrator.beat(robot, WORKING, job)
            if status != (OK, 0):
                break
    assert orchestrator.job_status(job) == FAILED
    assert orchestrator.get("job", job)["info"] == "it was not finished within 24 hours"


@pytest.mark.parametrize(("end", "status"), [(FAILED, 3), (STOPPED, 3), (ABORTED, 3), (SUCCESS, 1)], ids=str)
def test_a_task_fails_with_its_job_where_its_queue_says_so(
    orchestrator: Orchestrator, robot: str, process: str, end: int, status: int
) -> None:
    orchestrator.queue(AutoChangeStatus=1)
    orchestrator.queue("Other")
    orchestrator.task("T")
    orchestrator.task("bound later")
    orchestrator.task("left alone", "Other")
    orchestrator.task("not begun")
    job = orchestrator.job(process, robot, TaskGUID="T")
    run(orchestrator, robot)
    assert orchestrator.update("T", Status=1).status == 200
    for name in ("bound later", "left alone"):
        assert orchestrator.update(name, Status=1, JobGUID=job).status == 200
    assert orchestrator.update("not begun", JobGUID=job).status == 200
    orchestrator.set_job(job, end)
    assert orchestrator.status("T") == status
    assert orchestrator.status("bound later") == status
    assert orchestrator.status("left alone") == 1
    assert orchestrator.status("not begun") == 0


def test_a_task_that_failed_with_its_job_is_repeated_as_a_child(
    orchestrator: Orchestrator, robot: str, process: str, clock: Clock
) -> None:
    orchestrator.queue(AutoChangeStatus=1, MaxRetries=1, UniqueTasks=1)
    task = orchestrator.task("T")
    orchestrator.job(process, robot, TaskGUID=task)
    run(orchestrator, robot)
    clock.forward(hours=1)
    orchestrator.update(task, Status=1)
    clock.forward(hours=23)
    parent, child = orchestrator.list()
    assert (parent["guid"], parent["status"], child["status"]) == (task, "3", "0")
    assert (child["parent_task"], child["name"], child["retries"]) == (task, "T", "1")
    assert child["job_id"] is None


def test_only_robots_that_may_get_jobs(orchestrator: Orchestrator, robot: str, job: str) -> None:
    from orchctl.sandbox.engine import robots

    def switch(**fields: Any) -> None:
        orchestrator.app.engine.write(lambda tx: robots.update(tx, robots.find(tx, robot), fields))  # type: ignore[arg-type]  # RobotFields

    for off, on in (({"enabled": False}, {"enabled": True}), ({"type": "attended"}, {"type": "unattended"})):
        switch(**off)
        assert orchestrator.beat(robot) == (OK, 0)
        assert orchestrator.consume(robot) == NO_JOB
        switch(**on)
        assert orchestrator.beat(robot) == (OK, 1)
    assert orchestrator.beat(robot, WORKING) == (OK, 0), "busy with something else"
    told = {"RobotGUID": robot, "Status": "3"}
    answer = orchestrator.ok("POST", "/api/robot/consumeNextJob", form=told)
    assert answer["ConsumeJobErrorCode"] == NO_JOB


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("style", ["form", "json"])
@pytest.mark.parametrize("keys", [("guid", "status"), ("Guid", "Status"), ("GUID", "STATUS")])
def test_update_in_either_method_style_and_spelling(
    orchestrator: Orchestrator, robot: str, job: str, method: str, style: str, keys: tuple[str, str]
) -> None:
    body: dict[str, Any] = {style: {keys[0]: job, keys[1]: "8"}}
    assert orchestrator.ok(method, "/api/job/update", **body) == []
    assert orchestrator.job_status(job) == IN_PROGRESS


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        (
            {"Guid": "55056968-cb1b-4919-ad7b-9370c6e81e55"},
            400,
            "a job is created of a ProcessGUID and a RobotGUID; a Guid alone",
        ),
        ({}, 400, "ProcessGUID is required"),
        ({"ProcessGUID": "P1"}, 400, "RobotGUID is required"),
        ({"ProcessGUID": "nope", "RobotGUID": "R1"}, 404, "there is no process 'nope'"),
        ({"ProcessGUID": "P1", "RobotGUID": "nope"}, 404, "there is no robot 'nope'"),
        ({"ProcessGUID": "P1", "RobotGUID": "R1", "TaskGUID": "nope"}, 404, "there is no task 'nope'"),
        ({"ProcessGUID": "P1", "RobotGUID": "R1", "Priority": 4}, 400, "there is no job priority '4'"),
        ({"ProcessGUID": "P1", "RobotGUID": "R1", "StopAfter": "soon"}, 400, "StopAfter is no time"),
        ({"ProcessGUID": "empty", "RobotGUID": "R1"}, 409, "the process 'empty' has no version yet"),
    ],
)
def test_what_is_no_job(
    orchestrator: Orchestrator, robot: str, process: str, fields: dict[str, Any], status: int, error: str
) -> None:
    orchestrator.ok("POST", "/api/process/create", json={"Name": "empty"})
    answer = orchestrator.send("POST", "/api/job/create", json=fields)
    assert answer.status == status, answer.body
    assert answer.data["error"].startswith(error)


@pytest.mark.parametrize("key", ["ProcessGUID", "process_guid", "ProcessId", "process"])
def test_a_job_by_guid_name_or_number(orchestrator: Orchestrator, robot: str, process: str, key: str) -> None:
    for process_key, robot_key in ((process, robot), ("P1", "R1"), ("1", "1"), (1, 1)):
        fields = {key: process_key, key.lower().replace("process", "robot"): robot_key}
        job = orchestrator.ok("POST", "/api/job/create", json=fields)["guid"]
        assert orchestrator.get("job", job)["robot_guid"] == robot
        assert orchestrator.get("job", job.upper())["process_guid"] == process


def test_many_jobs_are_listed_in_pieces(orchestrator: Orchestrator, robot: str, process: str) -> None:
    from orchctl.sandbox.engine import processes, robots

    def fill(tx: Any) -> None:
        for _ in range(1200):
            jobs.create(tx, processes.find(tx, process), {}, robot=robots.find(tx, robot))

    orchestrator.app.engine.write(fill)
    listed = orchestrator.ok("GET", "/api/job/read")
    assert [job["id"] for job in listed] == list(range(1, 1201))
    assert {job["robot_name"] for job in listed} == {"R1"}


def test_a_job_outlives_its_robot_and_its_process(
    orchestrator: Orchestrator, robot: str, process: str, job: str
) -> None:
    orchestrator.ok("DELETE", f"/api/robot/delete/{robot}")
    orchestrator.ok("DELETE", f"/api/process/delete/{process}")
    read = orchestrator.get("job", job)
    assert (read["robot_name"], read["process_name"], read["process_version_name"]) == ("R1", "P1", "main.py")
    assert orchestrator.beat(robot) == (NO_ROBOT, 0)
    assert orchestrator.consume(robot) == NO_ROBOT


def test_no_table_is_read_through_for_a_robot(orchestrator: Orchestrator, robot: str, process: str) -> None:
    """Each statement behind a heartbeat, a claim, a log entry and the clock's look goes by an index."""
    orchestrator.group(robot)
    job = orchestrator.job(process, robot)
    store = orchestrator.app.engine.store
    said: list[str] = []
    store.write(lambda connection: connection.set_trace_callback(said.append))
    with store.reading() as connection:
        connection.set_trace_callback(said.append)
    orchestrator.beat(robot)
    assert orchestrator.consume(robot) == job
    orchestrator.set_job(job, IN_PROGRESS)
    orchestrator.beat(robot, WORKING, job)
    orchestrator.ok("POST", "/api/log/create", json={"JobGUID": job, "RobotGUID": robot, "Message": "m"})
    orchestrator.set_job(job, FAILED)
    queries = {text for text in said if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))}
    assert len(queries) > 15
    with store.reading() as connection:
        for query in queries:
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
            assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step], query
