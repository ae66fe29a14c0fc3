"""Jobs: the order in which robots get them, what each status means, what the clock does to them.

A job is claimed by one robot, once. The robot's first word on its end stands; where the engine itself has put
an end to a job that was not heard of any more, the robot may still correct it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

from orchctl.model import JobStatus, Priority, TaskStatus
from orchctl.sandbox.engine import queues, robots, tasks
from orchctl.sandbox.engine.base import LARGEST_ID, Conflict, Tx
from orchctl.sandbox.engine.processes import Process, Version
from orchctl.sandbox.engine.robots import Group, Robot
from orchctl.sandbox.engine.table import Table
from orchctl.sandbox.engine.tasks import Task

FINAL = frozenset({JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.ABORTED})
# A task in progress fails with its job, where its queue's rule says so.
_DEADLY = frozenset({JobStatus.FAILED, JobStatus.STOPPED, JobStatus.ABORTED})
_RANK = {Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}
# The vendor's cron_job_failed_interval (sherpa.md 3.3): counted from the start, or before it from the making.
FAILED_AFTER_MS = 24 * 3600 * 1000


class Job(NamedTuple):
    """A row. ``input`` and ``output`` are JSON texts; times are milliseconds.

    ``assumed``: its end was not reported but concluded.
    """

    id: int
    guid: str
    folder_id: int
    process_id: int
    version_id: int | None
    robot_id: int | None
    group_id: int | None
    task_guid: str | None
    trigger_id: int | None
    status: str
    priority: str
    rank: int
    source: str
    reference: str | None
    machine: str | None
    input: str | None
    output: str | None
    info: str | None
    created_at: int
    updated_at: int
    status_at: int
    claimed_at: int | None
    started_at: int | None
    ended_at: int | None
    stop_after: int | None
    abort_after: int | None
    assumed: int
    due_at: int | None


class JobFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    priority: Priority
    source: str
    reference: str | None
    machine: str | None
    input: str | None
    output: str | None
    info: str | None
    stop_after: int | None
    abort_after: int | None
    robot_id: int | None


TABLE: Table[Job] = Table("job", Job._fields, Job._make, noun="job", named=False)


def create(
    tx: Tx,
    process: Process,
    fields: JobFields,
    *,
    version: Version | None = None,
    robot: Robot | None = None,
    group: Group | None = None,
    task: Task | None = None,
    trigger_id: int | None = None,
) -> Job:
    """A job that waits for its robot, for one of the group's, or for any; of the current version if none is given.

    :raises Conflict: the process has no version to run.
    """
    if version is None and process.version_id is None:
        raise Conflict(f"the process {process.name!r} has no version yet that a robot could run")
    priority = fields.get("priority", Priority.NORMAL)
    values: dict[str, object] = {
        "source": "api",
        **fields,
        "priority": priority.value,
        "rank": _RANK[priority],
        "folder_id": process.folder_id,
        "process_id": process.id,
        "version_id": process.version_id if version is None else version.id,
        "robot_id": None if robot is None else robot.id,
        "group_id": None if robot is not None or group is None else group.id,
        "task_guid": None if task is None else task.guid,
        "trigger_id": trigger_id,
        "status": JobStatus.PENDING.value,
        "status_at": tx.now,
        "assumed": 0,
    }
    job = TABLE.insert(tx, values)
    due_at = _due(job)
    TABLE.write(tx, job, {"due_at": due_at})
    if task is not None:
        tasks.update(tx, task, {"job_guid": job.guid})
    return job._replace(due_at=due_at)


def find(tx: Tx, key: str) -> Job:
    """A job by GUID or by number."""
    return TABLE.find(tx, key)


def was_deleted(tx: Tx, guid: str) -> bool:
    row = tx.connection.execute("SELECT 1 FROM job WHERE guid = lower(?) AND deleted_at IS NOT NULL", (guid,))
    return row.fetchone() is not None


def id_of(tx: Tx, guid: str) -> int | None:
    """The number of a job, deleted or not."""
    row = tx.connection.execute("SELECT id FROM job WHERE guid = ?", (guid,)).fetchone()
    return None if row is None else int(row[0])


def last_id(tx: Tx) -> int:
    return int(tx.connection.execute("SELECT max(id) FROM job").fetchone()[0] or 0)


def after(tx: Tx, *, key: int, last: int, limit: int) -> list[Job]:
    """Jobs with ids over ``key`` and up to ``last``, in the order of their making."""
    return TABLE.many(tx, "id > ? AND id <= ? ORDER BY id LIMIT ?", key, last, limit)


def search(
    tx: Tx,
    *,
    folder_id: int | None = None,
    statuses: Sequence[JobStatus] | None = None,
    from_id: int = 0,
    to_id: int = LARGEST_ID,
    newest_first: bool = False,
    limit: int = -1,
) -> list[Job]:
    """The jobs that fit, by number."""
    words = [status.value for status in (statuses or ())]
    among = f" AND status IN ({', '.join('?' * len(words))})" if statuses is not None else ""
    order = "DESC" if newest_first else "ASC"
    return TABLE.many(
        tx,
        f"id BETWEEN ? AND ? AND (? IS NULL OR folder_id = ?){among} ORDER BY id {order} LIMIT ?",
        *(from_id, to_id, folder_id, folder_id, *words, limit),
    )


def next_for(tx: Tx, robot: Robot) -> Job | None:
    """What the robot would be given: what it has claimed and not begun, else by priority, first come first.

    None while it has begun one that has not ended, and for a robot that gets no jobs.
    """
    held = held_by(tx, robot)
    if held:
        return next((job for job in held if job.status == JobStatus.PENDING), None)
    if not robot.takes_jobs:
        return None
    found = [_first(tx, robot.id, None), _first(tx, None, None)]
    found += [_first(tx, None, group) for group in robots.groups_of(tx, robot)]
    return min((job for job in found if job is not None), key=lambda job: (job.rank, job.id), default=None)


def claim(tx: Tx, robot: Robot) -> Job | None:
    """Give the robot its next job, the same again until it has begun; None when there is none."""
    job = next_for(tx, robot)
    if job is None or job.claimed_at is not None:
        return job
    changed = {"robot_id": robot.id, "claimed_at": tx.now, "machine": robot.machine}
    return TABLE.update(tx, job, changed)


def held_by(tx: Tx, robot: Robot) -> list[Job]:
    """What the robot has claimed and not ended."""
    return TABLE.many(
        tx, "robot_id = ? AND claimed_at IS NOT NULL AND ended_at IS NULL ORDER BY id", robot.id
    )


def open_of_trigger(tx: Tx, trigger_id: int) -> int:
    row = tx.connection.execute(
        "SELECT count(*) FROM job WHERE trigger_id = ? AND ended_at IS NULL AND deleted_at IS NULL",
        (trigger_id,),
    )
    return int(row.fetchone()[0])


def update(
    tx: Tx, job: Job, fields: JobFields, *, status: JobStatus | None = None, assumed: bool = False
) -> Job:
    """Change a job, move it to another status, with all that follows; gives it as it is now.

    Stopping or aborting what no robot has claimed ends it at once. One that is to stop does not go back to
    being in progress when its robot says that it has begun.

    :raises Conflict: it has ended, or cannot come to that status from where it is.
    """
    values: dict[str, Any] = {**fields}
    if "priority" in fields:
        values["rank"] = _RANK[fields["priority"]]
    values |= _entering(tx, job, status, assumed=assumed)
    changed = job._replace(**values, updated_at=tx.now)
    changed = changed._replace(due_at=_due(changed))
    TABLE.write(tx, job, _differing(job, changed))
    if changed.ended_at is not None and job.ended_at is None:
        _ended(tx, changed)
    return changed


def stop(tx: Tx, job: Job) -> Job:
    """Ask softly: the robot hears of it, and ends the job when it can."""
    return update(tx, job, {}, status=JobStatus.STOPPING)


def abort(tx: Tx, job: Job) -> Job:
    """Ask hard: the robot ends the job as soon as it hears of it."""
    return update(tx, job, {}, status=JobStatus.ABORTING)


def delete(tx: Tx, job: Job) -> None:
    """It reads as not found from now on; a robot that runs it is told to abort it."""
    TABLE.write(tx, job, {"due_at": None})
    TABLE.delete(tx, job)
    if job.ended_at is None:
        _wake_trigger(tx, job)


def settle(tx: Tx, *, limit: int) -> None:
    """Do to at most ``limit`` jobs what the clock has made due."""
    for job in TABLE.many(tx, "due_at <= ? ORDER BY due_at LIMIT ?", tx.now, limit):
        if _expires_at(job) <= tx.now:
            info = "it was not finished within 24 hours"
            update(tx, job, {"info": job.info or info}, status=JobStatus.FAILED, assumed=True)
        elif job.abort_after is not None and job.abort_after <= tx.now:
            abort(tx, job)
        else:
            stop(tx, job)


def _first(tx: Tx, robot_id: int | None, group_id: int | None) -> Job | None:
    return TABLE.one(
        tx,
        "robot_id IS ? AND group_id IS ? AND status = 'pending' AND claimed_at IS NULL"
        " ORDER BY rank, id LIMIT 1",
        robot_id,
        group_id,
    )


def _entering(tx: Tx, job: Job, status: JobStatus | None, *, assumed: bool) -> dict[str, object]:
    """The columns that a change of status sets by itself."""
    if status is None or status == job.status:
        return {"assumed": 0} if job.assumed and not assumed and status is not None else {}
    if job.ended_at is not None:
        if not job.assumed or status not in FINAL:
            raise Conflict(f"the job has ended, it is {job.status}")
        return {"status": status.value, "status_at": tx.now, "ended_at": tx.now, "assumed": 0, "info": None}
    if status in FINAL:
        return {"status": status.value, "status_at": tx.now, "ended_at": tx.now, "assumed": int(assumed)}
    entered: dict[str, object] = {"status": status.value, "status_at": tx.now}
    waiting = job.status in (JobStatus.CREATED, JobStatus.PENDING)
    match status:
        case JobStatus.IN_PROGRESS:
            begun: dict[str, object] = {
                "started_at": job.started_at or tx.now,
                "claimed_at": job.claimed_at or tx.now,
            }
            asked_to_end = job.status in (JobStatus.STOPPING, JobStatus.ABORTING)
            return begun if asked_to_end else entered | begun
        case JobStatus.STOPPING if job.status == JobStatus.ABORTING:
            return {}
        case JobStatus.STOPPING if waiting and job.claimed_at is None:
            return entered | {"status": JobStatus.STOPPED.value, "ended_at": tx.now}
        case JobStatus.ABORTING if waiting and job.claimed_at is None:
            return entered | {"status": JobStatus.ABORTED.value, "ended_at": tx.now}
        case JobStatus.STOPPING | JobStatus.ABORTING:
            return entered
        case JobStatus.CREATED | JobStatus.PENDING if waiting:
            return entered
        case JobStatus.UNKNOWN | JobStatus.SUSPENDED if job.status in _RUNNING:
            return entered
    raise Conflict(f"the job is {job.status}, from there it cannot become {status.value}")


_RUNNING = (JobStatus.IN_PROGRESS, JobStatus.UNKNOWN, JobStatus.SUSPENDED)


def _ended(tx: Tx, job: Job) -> None:
    """What follows from a job's end: its task fails with it where the queue says so, its trigger looks again."""
    if job.status in _DEADLY:
        why = f"its job was {job.status}" if job.status != JobStatus.FAILED else "its job failed"
        for task in tasks.of_job(tx, job.guid):
            if queues.of(tx, task.queue_id).auto_change_status:
                tasks.update(tx, task, {"error": job.info or why}, status=TaskStatus.FAILED)
    _wake_trigger(tx, job)


def _wake_trigger(tx: Tx, job: Job) -> None:
    """A continuous trigger makes the next job when this one is gone; one by schedule waits for its time."""
    if job.trigger_id is not None:
        tx.connection.execute(
            "UPDATE job_trigger SET due_at = ? WHERE id = ? AND cron IS NULL AND status = 'enabled'"
            " AND deleted_at IS NULL",
            (tx.now, job.trigger_id),
        )


def _expires_at(job: Job) -> int:
    return (job.started_at or job.created_at) + FAILED_AFTER_MS


def _due(job: Job) -> int | None:
    """When the clock will next change it."""
    if job.ended_at is not None or job.status == JobStatus.SUSPENDED:
        return None
    moments = [_expires_at(job)]
    if job.abort_after is not None and job.status != JobStatus.ABORTING:
        moments.append(job.abort_after)
    if job.stop_after is not None and job.status not in (JobStatus.STOPPING, JobStatus.ABORTING):
        moments.append(job.stop_after)
    return min(moments)


def _differing(before: Job, after: Job) -> dict[str, object]:
    """Only the columns that differ: each one written costs the indexes it is in."""
    return {
        name: new
        for name, old, new in zip(Job._fields, before, after, strict=True)
        if new is not old and new != old
    }
