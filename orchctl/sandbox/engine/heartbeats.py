"""What a robot says of itself, what it is told in return, and what its silence means for its jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from orchctl.model import JobStatus, RobotStatus
from orchctl.sandbox.engine import jobs, robots
from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.jobs import Job
from orchctl.sandbox.engine.robots import Robot, RobotFields


class Order(StrEnum):
    NONE = "none"
    STOP = "stop"
    ABORT = "abort"


class Told(NamedTuple):
    """``order`` concerns the job that the robot said it runs."""

    order: Order
    has_new_job: bool


_RUNNING = (JobStatus.IN_PROGRESS, JobStatus.UNKNOWN)


def beat(tx: Tx, robot: Robot, fields: RobotFields, *, job_guid: str | None) -> Told:
    """A robot says how it is and which job it runs."""
    robot = robots.seen(tx, robot, fields)
    if robot.status == RobotStatus.DISCONNECTED:
        _lose_jobs(tx, robot)
    if job_guid is not None:
        return Told(_order(tx, robot, job_guid), has_new_job=False)
    if robot.status != RobotStatus.READY:
        return Told(Order.NONE, has_new_job=False)
    _give_up_jobs(tx, robot)
    return Told(Order.NONE, has_new_job=jobs.next_for(tx, robot) is not None)


def consume(tx: Tx, robot: Robot, status: RobotStatus | None = None) -> Job | None:
    """The robot asks for its next job, and has it then; None when there is none, or when it says it is busy."""
    if status is None and robot.status == RobotStatus.DISCONNECTED:
        status = RobotStatus.READY
    robot = robots.seen(tx, robot, {} if status is None else {"status": status})
    if status not in (None, RobotStatus.READY):
        return None
    for job in jobs.held_by(tx, robot):
        if job.started_at is None:
            _drop(tx, job)
    return jobs.claim(tx, robot)


def retire(tx: Tx, robot: Robot) -> None:
    """Delete a robot; what it was doing is out of sight then."""
    _lose_jobs(tx, robot)
    robots.delete(tx, robot)


def settle(tx: Tx, *, limit: int) -> None:
    """At most ``limit`` robots that have been silent for too long are taken for disconnected."""
    for robot in robots.TABLE.many(tx, "due_at <= ? ORDER BY due_at LIMIT ?", tx.now, limit):
        robots.TABLE.write(tx, robot, {"status": RobotStatus.DISCONNECTED.value, "due_at": None})
        _lose_jobs(tx, robot)


def _order(tx: Tx, robot: Robot, job_guid: str) -> Order:
    job = jobs.TABLE.one(tx, "guid = lower(?)", job_guid)
    if job is None:
        return Order.ABORT if jobs.was_deleted(tx, job_guid) else Order.NONE
    if job.ended_at is not None:
        # Ended without the robot's word: what it still runs is nobody's any more.
        return Order.ABORT if job.status != JobStatus.SUCCESS else Order.NONE
    if job.robot_id not in (None, robot.id):
        return Order.NONE
    if job.status in (JobStatus.CREATED, JobStatus.PENDING, JobStatus.UNKNOWN):
        # Its word that it begins got lost, or the robot was silent and is back.
        job = jobs.update(tx, job, {"robot_id": robot.id}, status=JobStatus.IN_PROGRESS)
    if job.status == JobStatus.ABORTING:
        return Order.ABORT
    return Order.STOP if job.status == JobStatus.STOPPING else Order.NONE


def _give_up_jobs(tx: Tx, robot: Robot) -> None:
    """A robot that is ready and runs nothing does not run what it had begun (sherpa.md 3.3: kept in step)."""
    for job in jobs.held_by(tx, robot):
        if job.status in _RUNNING:
            info = job.info or "its robot is ready again and did not say how it ended"
            jobs.update(tx, job, {"info": info}, status=JobStatus.FAILED, assumed=True)
        else:
            _drop(tx, job)


def _drop(tx: Tx, job: Job) -> None:
    if job.status == JobStatus.STOPPING:
        jobs.update(tx, job, {}, status=JobStatus.STOPPED, assumed=True)
    elif job.status == JobStatus.ABORTING:
        jobs.update(tx, job, {}, status=JobStatus.ABORTED, assumed=True)


def _lose_jobs(tx: Tx, robot: Robot) -> None:
    for job in jobs.held_by(tx, robot):
        if job.status == JobStatus.IN_PROGRESS:
            jobs.update(tx, job, {}, status=JobStatus.UNKNOWN)
