"""Robots: what an administrator does with them (REF), and what a robot says itself (S001)."""

from __future__ import annotations

from json import dumps
from typing import Any

from orchctl.model import Json, RobotStatus
from orchctl.sandbox.engine import Invalid, NotFound, heartbeats, processes, robots, tasks
from orchctl.sandbox.engine.heartbeats import Order
from orchctl.sandbox.engine.jobs import Job
from orchctl.sandbox.engine.robots import Robot, RobotFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.sherpa import jobs
from orchctl.sandbox.wire.sherpa.asks import Ask, Route, Routes, answer, nothing, seconds
from orchctl.sandbox.wire.sherpa.tasks import task_json

# S001.
_STATUS = (RobotStatus.DISCONNECTED, RobotStatus.UNLICENSED, RobotStatus.READY, RobotStatus.WORKING)
_STATUS_CODE = {status.value: code for code, status in enumerate(_STATUS)}
_NO_ERROR, _ABORT, _STOP, _NO_ROBOT, _NO_JOB = 0, 10, 20, 101, 102
# S001 has the codes; the texts are ours.
_ORDERS = {
    Order.NONE: (_NO_ERROR, ""),
    Order.ABORT: (_ABORT, "Job aborting"),
    Order.STOP: (_STOP, "Job stopping"),
}
_NOT_FOUND = "Robot not found"
_TYPES = {"unattended": "Unattended", "attended": "Attended"}


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    robot = robots.create(ask.tx, _fields(ask))
    return answer(
        {
            "Name": robot.name,
            "Description": robot.description,
            "GUID": robot.guid,
            "Status": _STATUS_CODE.get(robot.status, 0),
        }
    )


def read(ask: Ask) -> Response:
    """Without a GUID it is the list, the one of its kind that REF has."""
    if ask.has_key("GUID"):
        return answer(_shown(ask, _find(ask)))
    if ask.robot is not None:
        return answer([_shown(ask, ask.robot)])
    return answer([_shown(ask, robot) for robot in robots.every(ask.tx)])


def update(ask: Ask) -> Response:
    robots.update(ask.tx, _find(ask), _fields(ask))
    return nothing()


def delete(ask: Ask) -> Response:
    heartbeats.retire(ask.tx, _find(ask))
    return nothing()


def get_status(ask: Ask) -> Response:
    return answer({"Status": _STATUS_CODE.get(_find(ask).status, 0)})


def set_status(ask: Ask) -> Response:
    """REF's list of parameters spells it STATUS, its example Status."""
    ask.fields.required("Status")
    status = _status(ask)
    robots.update(ask.tx, _find(ask), {} if status is None else {"status": status})
    return nothing()


def heartbeat(ask: Ask) -> Response:
    robot = _itself(ask)
    if robot is None:
        return _heartbeat_answer(_NO_ROBOT, _NOT_FOUND, 0)
    fields: RobotFields = {}
    job_guid = ask.fields.text("JobGUID") or None
    fields["status"] = _status(ask) or (RobotStatus.WORKING if job_guid else RobotStatus.READY)
    if machine := ask.fields.text("Machine"):
        fields["machine"] = machine
    if ip := ask.fields.text("IP"):
        fields["ip"] = ip
    if mac := ask.fields.text("MAC"):
        fields["mac"] = mac
    told = heartbeats.beat(ask.tx, robot, fields, job_guid=job_guid)
    code, text = _ORDERS[told.order]
    return _heartbeat_answer(code, text, int(told.has_new_job))


def consume(ask: Ask) -> Response:
    """The prose of S001 lists a Status, its code sends none."""
    robot = _itself(ask)
    if robot is None:
        return _consume_answer(_NO_ROBOT, _NOT_FOUND)
    job = heartbeats.consume(ask.tx, robot, _status(ask))
    if job is None:
        return _consume_answer(_NO_JOB, "New job not found")
    return _consume_answer(
        _NO_ERROR,
        "",
        job=jobs.consumed(ask.tx, job),
        version=_version_json(ask, job),
        task=_task_json(ask, job),
    )


ROUTES: Routes = {
    ("robot", "create"): Route("POST", create),
    ("robot", "read"): Route("GET", read, args=1, robots=True),
    ("robot", "update"): Route("PUT", update),
    ("robot", "delete"): Route("DELETE", delete, args=1),
    ("robot", "getStatus"): Route("GET", get_status, args=1, robots=True),
    ("robot", "setStatus"): Route("PUT", set_status, robots=True),
    ("robot", "heartbeat"): Route("POST", heartbeat, robots=True),
    ("robot", "consumeNextJob"): Route("POST", consume, robots=True),
}


def _find(ask: Ask) -> Robot:
    robot = robots.find(ask.tx, ask.unnamed(ask.key("GUID"), "robot"))
    ask.only_own(robot)
    return robot


def _itself(ask: Ask) -> Robot | None:
    """The robot that speaks, or None where there is no such robot.

    Where any GUID is let in, one that speaks for itself is a robot from then on.
    """
    key = ask.fields.required("RobotGUID")
    try:
        robot = robots.find(ask.tx, ask.unnamed(key, "robot"))
    except NotFound:
        if ask.shown is None or key.lower() != ask.shown:
            return None
        robot = robots.create(ask.tx, {"guid": ask.shown, "name": f"robot {ask.shown[:8]}"})
    ask.only_own(robot)
    return robot


def _status(ask: Ask) -> RobotStatus | None:
    code = ask.fields.integer("Status")
    if code is not None and not 0 <= code < len(_STATUS):
        raise Invalid(f"there is no robot status {code}")
    return None if code is None else _STATUS[code]


def _fields(ask: Ask) -> RobotFields:
    given: RobotFields = {}
    if (name := ask.fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in ask.fields:
        given["description"] = ask.fields.text("Description")
    if (status := _status(ask)) is not None:
        given["status"] = status
    return given


def _shown(ask: Ask, robot: Robot) -> dict[str, Json]:
    """REF's keys; times are Unix seconds, 0, '' and null mean none."""
    shown: dict[str, Json] = {
        "GUID": robot.guid,
        "Name": robot.name,
        "Machine": robot.machine or "",
        "Status": _STATUS_CODE.get(robot.status, 0),
        "IP": robot.ip or "",
        "MAC": robot.mac or "",
        "Description": robot.description or "",
        "LicenseExpiration": seconds(robot.license_expires_at) or 0,
        "LicenseString": robot.license or "",
        "CreatedAt": seconds(robot.created_at),
        "UpdatedAt": seconds(robot.updated_at),
        "LastHeartbeatAt": seconds(robot.last_seen_at),
    }
    if ask.strict:
        return shown
    # The user interface has these two.
    return shown | {"Type": _TYPES.get(robot.type, robot.type), "Active": robot.enabled}


def _heartbeat_answer(code: int, text: str, has_new_job: int) -> Response:
    return answer({"HeartbeatErrorCode": code, "ErrorText": text, "HasNewJob": has_new_job})


def _consume_answer(code: int, text: str, *, job: str = "", version: str = "", task: str = "") -> Response:
    """The last three are JSON in strings (S001's code); that they are empty with an error is ours."""
    return answer(
        {"ConsumeJobErrorCode": code, "ErrorText": text, "Job": job, "ProcessVersion": version, "Task": task}
    )


def _version_json(ask: Ask, job: Job) -> str:
    """S001 reads Name, which is the script's; the other keys are ours in the same spelling."""
    process = processes.of(ask.tx, job.process_id)
    version = processes.version_of(ask.tx, job.version_id)
    shown: dict[str, Any] = {"GUID": None, "Name": None}
    if version is not None:
        shown = {
            "GUID": version.guid,
            "Id": version.id,
            "Name": version.name,
            "Description": version.description,
            "ProcessFileName": version.file_name,
        }
    return dumps(shown | {"ProcessGUID": process.guid, "ProcessName": process.name})


def _task_json(ask: Ask, job: Job) -> str:
    """``null`` where there is none: S001's code decodes it in any case."""
    try:
        return "null" if job.task_guid is None else task_json(tasks.find(ask.tx, job.task_guid))
    except NotFound:
        return "null"
