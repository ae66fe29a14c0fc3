"""Jobs. The documents contradict each other on nearly every call (S001, S003)."""

from __future__ import annotations

from functools import partial
from json import dumps
from typing import Any

from orchctl.model import JobStatus, Priority
from orchctl.sandbox.engine import Conflict, Invalid, NotFound, Tx, jobs, processes, robots, tasks
from orchctl.sandbox.engine.jobs import Job, JobFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.sherpa.asks import (
    ACCOUNT,
    ROWS,
    Ask,
    Route,
    Routes,
    guid,
    joined,
    nothing,
    raw,
    streamed,
    time,
)

# S001; 9 for Unknown is a guess, its number is in no document.
_STATUS = (
    JobStatus.CREATED,
    JobStatus.PENDING,
    JobStatus.ABORTING,
    JobStatus.ABORTED,
    JobStatus.SUCCESS,
    JobStatus.FAILED,
    JobStatus.STOPPING,
    JobStatus.STOPPED,
    JobStatus.IN_PROGRESS,
    JobStatus.UNKNOWN,
)
_STATUS_CODE = {status.value: code for code, status in enumerate(_STATUS)} | {
    JobStatus.SUSPENDED.value: 8,  # a word of other wires
}
# REL 141856; not the numbers that tasks have.
_PRIORITY_CODE = {Priority.LOW.value: 1, Priority.NORMAL.value: 2, Priority.HIGH.value: 3}
_PRIORITY = {str(code): Priority(word) for word, code in _PRIORITY_CODE.items()} | {
    word: Priority(word) for word in _PRIORITY_CODE
}
_SOURCE = {"api": "API", "gui": "GUI", "trigger": "Trigger"}
_INFERRED = ("StopAfter", "AbortAfter", "Priority")


def create(ask: Ask) -> Response:
    """SHOT has ProcessGUID, RobotGUID and TaskGUID; the Guid that S003 lists is a slip and says nothing."""
    fields = ask.fields
    ask.inferred(*_INFERRED, "RobotGroupGUID")
    process_key = fields.text("ProcessGUID", "ProcessId", "Process")
    if not process_key and "Guid" in fields:
        raise Invalid(
            "a job is created of a ProcessGUID and a RobotGUID; a Guid alone, as the reference lists it, names"
            " nothing to run"
        )
    fields.required("ProcessGUID", "ProcessId", "Process")
    robot_key = fields.text("RobotGUID", "RobotId", "Robot")
    group_key = fields.text("RobotGroupGUID", "RobotGroupId", "RobotGroup")
    if not group_key:
        fields.required("RobotGUID", "RobotId", "Robot")
    task_key = fields.text("TaskGUID", "TaskId", "Task")
    job = jobs.create(
        ask.tx,
        processes.find(ask.tx, ask.unnamed(process_key or "", "process")),
        _fields(ask),
        robot=robots.find(ask.tx, ask.unnamed(robot_key, "robot")) if robot_key else None,
        group=robots.find_group(ask.tx, group_key) if group_key else None,
        task=tasks.find(ask.tx, task_key) if task_key else None,
    )
    return guid(job.guid)


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return raw(Shown(ask.tx, strict=ask.strict).job(jobs.find(ask.tx, ask.key("Guid"))))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of jobs: give a GUID")
    return streamed(ask, partial(_page, last=jobs.last_id(ask.tx)))


def update(ask: Ask) -> Response:
    """PUT in S001, POST in S003 and REF."""
    ask.inferred(*_INFERRED)
    job = jobs.find(ask.tx, ask.key("Guid", "JobGUID"))
    code = ask.fields.integer("Status")
    if code is not None and not 0 <= code < len(_STATUS):
        raise Invalid(f"there is no job status {code}")
    status = None if code is None else _STATUS[code]
    fields = _fields(ask)
    if ask.robot is not None and status is not None:
        if job.robot_id not in (None, ask.robot.id):
            raise Conflict("the job is another robot's")
        fields["robot_id"] = ask.robot.id
    jobs.update(ask.tx, job, fields, status=status)
    return nothing()


def delete(ask: Ask) -> Response:
    jobs.delete(ask.tx, jobs.find(ask.tx, ask.key("Guid")))
    return nothing()


ROUTES: Routes = {
    ("job", "create"): Route("POST", create, robots=True),
    ("job", "read"): Route("GET", read, args=1, robots=True),
    ("job", "update"): Route("POST", update, other="PUT", robots=True),
    ("job", "delete"): Route("DELETE", delete, args=1),
}


class Shown:
    """Jobs as JSON; what they refer to is looked up once."""

    def __init__(self, tx: Tx, *, strict: bool) -> None:
        self._tx = tx
        self._strict = strict
        self._robots: dict[int, robots.Robot | None] = {}
        self._processes: dict[int, processes.Process] = {}
        self._versions: dict[int, processes.Version | None] = {}

    def job(self, job: Job) -> str:
        """S003's keys, printed there under create; beside them what surely comes too (I)."""
        shown: dict[str, Any] = {
            "status": _STATUS_CODE[job.status],
            "process_version_id": None if job.version_id is None else str(job.version_id),
            "robot_id": job.robot_id,
            "account_id": int(ACCOUNT),
            "schedule_id": job.trigger_id,
            "stop_after": time(job.stop_after),
            "created_at": time(job.created_at),
            "updated_at": time(job.updated_at),
        }
        return dumps(shown if self._strict else shown | self._more(job))

    def _more(self, job: Job) -> dict[str, Any]:
        robot, process, version = self._robot(job), self._process(job), self._version(job)
        return {
            "id": job.id,
            "guid": job.guid,
            "process_guid": process.guid,
            "process_name": process.name,
            "process_version_guid": version.guid if version else None,
            "process_version_name": version.name if version else None,
            "robot_guid": robot.guid if robot else None,
            "robot_name": robot.name if robot else None,
            "robot_group_id": job.group_id,
            "task_guid": job.task_guid,
            "priority": _PRIORITY_CODE[job.priority],
            "source": _SOURCE.get(job.source, job.source),
            "abort_after": time(job.abort_after),
            "started_at": time(job.started_at),
            "finished_at": time(job.ended_at),
            "info": job.info,
        }

    def _robot(self, job: Job) -> robots.Robot | None:
        number = job.robot_id
        if number is None:
            return None
        if number not in self._robots:
            self._robots[number] = robots.of(self._tx, number)
        return self._robots[number]

    def _process(self, job: Job) -> processes.Process:
        if job.process_id not in self._processes:
            self._processes[job.process_id] = processes.of(self._tx, job.process_id)
        return self._processes[job.process_id]

    def _version(self, job: Job) -> processes.Version | None:
        number = job.version_id
        if number is None:
            return None
        if number not in self._versions:
            self._versions[number] = processes.version_of(self._tx, number)
        return self._versions[number]


def consumed(tx: Tx, job: Job) -> str:
    """The job as a robot gets it; only GUID is shown (S001), the others are ours in the same spelling."""
    process = processes.of(tx, job.process_id)
    version = processes.version_of(tx, job.version_id)
    robot = robots.of(tx, job.robot_id)
    return dumps(
        {
            "GUID": job.guid,
            "Id": job.id,
            "Status": _STATUS_CODE[job.status],
            "ProcessGUID": process.guid,
            "ProcessName": process.name,
            "ProcessVersionGUID": version.guid if version else None,
            "RobotGUID": robot.guid if robot else None,
            "RobotName": robot.name if robot else None,
            "TaskGUID": job.task_guid,
            "Priority": _PRIORITY_CODE[job.priority],
            "StopAfter": time(job.stop_after),
            "AbortAfter": time(job.abort_after),
            "CreatedAt": time(job.created_at),
        }
    )


def find_even_deleted(tx: Tx, key: str) -> Job:
    """A job that is there, or was once, for what is said of it later.

    :raises NotFound: there never was such a job.
    """
    try:
        return jobs.find(tx, key)
    except NotFound:
        job = jobs.TABLE.by_id(tx, jobs.id_of(tx, key.lower()))
        if job is None:
            raise
        return job


def _page(tx: Tx, key: int, *, last: int) -> tuple[bytes, int | None]:
    found = jobs.after(tx, key=key, last=last, limit=ROWS)
    shown = Shown(tx, strict=False)
    more = found[-1].id if len(found) == ROWS else None
    return joined([shown.job(job) for job in found]), more


def _fields(ask: Ask) -> JobFields:
    """UI and DES have these, their names are inferred."""
    fields = ask.fields
    given: JobFields = {}
    if "StopAfter" in fields:
        given["stop_after"] = fields.moment("StopAfter")
    if "AbortAfter" in fields:
        given["abort_after"] = fields.moment("AbortAfter")
    if word := fields.text("Priority"):
        priority = _PRIORITY.get(word.strip().lower())
        if priority is None:
            raise Invalid(f"there is no job priority {word!r}: 1 low, 2 normal, 3 high")
        given["priority"] = priority
    return given
