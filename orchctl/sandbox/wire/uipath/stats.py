"""``/api/Stats``: how many there are of what."""

from __future__ import annotations

from orchctl.model import JobStatus, RobotStatus
from orchctl.sandbox.engine import assets, jobs, processes, queues, robots, triggers
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, json

_JOBS = {
    "Successful": (JobStatus.SUCCESS,),
    "Faulted": (JobStatus.FAILED,),
    "Stopped": (JobStatus.STOPPED, JobStatus.ABORTED),
    "Running": (JobStatus.IN_PROGRESS, JobStatus.UNKNOWN),
    "Pending": (JobStatus.CREATED, JobStatus.PENDING),
    "Stopping": (JobStatus.STOPPING,),
    "Terminating": (JobStatus.ABORTING,),
    "Suspended": (JobStatus.SUSPENDED,),
}
_SESSIONS = {
    "Available": RobotStatus.READY,
    "Busy": RobotStatus.WORKING,
    "Disconnected": RobotStatus.DISCONNECTED,
    "Unresponsive": RobotStatus.UNKNOWN,
}


def counts(ask: Ask) -> Response:
    found = {
        "Processes": len([*processes.every(ask.tx)]),
        "Assets": len(assets.every(ask.tx)),
        "Queues": len([*queues.every(ask.tx)]),
        "Schedules": len(triggers.TABLE.every(ask.tx)),
    }
    return _titled(found)


def of_jobs(ask: Ask) -> Response:
    return _titled({title: len(jobs.search(ask.tx, statuses=statuses)) for title, statuses in _JOBS.items()})


def of_sessions(ask: Ask) -> Response:
    seen = [robot for robot in robots.every(ask.tx) if robot.last_seen_at is not None]
    return _titled(
        {title: sum(robot.status == status for robot in seen) for title, status in _SESSIONS.items()}
    )


def _titled(found: dict[str, int]) -> Response:
    return json([{"title": title, "count": count, "hasPermissions": True} for title, count in found.items()])
