"""Triggers, which this API calls schedules."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import Invalid, processes, robots, triggers
from orchctl.sandbox.engine.robots import Group, Robot
from orchctl.sandbox.engine.triggers import Trigger, TriggerFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.sherpa.asks import ACCOUNT, Ask, Route, Routes, answer, guid, nothing, number, time

_CONTINUOUS, _BY_SCHEDULE = 1, 2
# REF contradicts itself: a text says 0 robot and 1 group, its conditions and example 1 group and 2 robot.
_GROUP, _ROBOT, _ALSO_ROBOT = 1, 2, 0
# Names are in the user interface, the numbers in no document.
_STATUS = {0: triggers.DISABLED, 1: triggers.ENABLED, 3: triggers.FINISHED}
_STATUS_CODE = {word: str(code) for code, word in _STATUS.items()}


def create(ask: Ask) -> Response:
    fields = ask.fields
    fields.required("Name")
    fields.required("ProcessingType")
    process_key = (
        fields.required("ProcessId") if ask.strict else fields.required("ProcessId", "Process", "ProcessGuid")
    )
    robot, group = _target(ask)
    trigger = triggers.create(
        ask.tx,
        processes.find(ask.tx, ask.unnamed(process_key, "process")),
        _fields(ask, None),
        robot=robot,
        group=group,
    )
    return guid(trigger.guid)


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown(ask, _find(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of triggers: give a GUID")
    return answer([_shown(ask, trigger) for trigger in triggers.TABLE.every(ask.tx)])


def update(ask: Ask) -> Response:
    trigger = _find(ask)
    key = (
        ask.fields.text("ProcessId") if ask.strict else ask.fields.text("ProcessId", "Process", "ProcessGuid")
    )
    robot, group = _target(ask)
    triggers.update(
        ask.tx,
        trigger,
        _fields(ask, trigger),
        process=processes.find(ask.tx, ask.unnamed(key, "process")) if key else None,
        robot=robot,
        group=group,
    )
    return nothing()


def delete(ask: Ask) -> Response:
    triggers.delete(ask.tx, _find(ask))
    return nothing()


ROUTES: Routes = {
    ("schedule", "create"): Route("POST", create),
    ("schedule", "read"): Route("GET", read, args=1),
    ("schedule", "update"): Route("PUT", update),
    ("schedule", "delete"): Route("DELETE", delete, args=1),
}


def _find(ask: Ask) -> Trigger:
    return triggers.find(ask.tx, ask.unnamed(ask.key("Guid"), "trigger"))


def _fields(ask: Ask, trigger: Trigger | None) -> TriggerFields:
    fields = ask.fields
    given: TriggerFields = {}
    if (name := fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    if (code := fields.integer("Status")) is not None:
        if code not in _STATUS:
            raise Invalid(f"there is no trigger status {code}: 0 off, 1 on (both are inferred)")
        given["status"] = _STATUS[code]
    if "StartAt" in fields:
        given["start_at"] = fields.moment("StartAt")
    if "EndAt" in fields:
        given["end_at"] = fields.moment("EndAt")
    if (runs := fields.integer("MaxRuns")) is not None:
        given["max_runs"] = runs
    if (running := fields.integer("MaxRunningRobots")) is not None:
        given["max_open"] = running
    if (missed := fields.flag("CheckMissedTrigger")) is not None:
        given["catch_up"] = missed
    return given | _timing(ask, trigger)


def _timing(ask: Ask, trigger: Trigger | None) -> TriggerFields:
    cron = (ask.fields.text("CronTab") or "").strip() or None
    kind = ask.fields.integer("ProcessingType")
    if kind is None and trigger is not None:
        kind = _CONTINUOUS if trigger.cron is None and cron is None else _BY_SCHEDULE
    if kind == _CONTINUOUS:
        return {"cron": None}
    if kind != _BY_SCHEDULE:
        raise Invalid(f"there is no ProcessingType {kind}: 1 continuous, 2 by schedule")
    if cron is None and trigger is not None:
        cron = trigger.cron
    if cron is None:
        raise Invalid("CronTab is required for ProcessingType 2")
    return {"cron": cron}


def _target(ask: Ask) -> tuple[Robot | None, Group | None]:
    code = ask.fields.integer("RobotType")
    robot_key, group_key = ask.fields.text("RobotId"), ask.fields.text("RobotGroupId")
    if code is None:
        code = _ROBOT if robot_key else _GROUP if group_key else None
    elif code == _GROUP and robot_key and not group_key and not ask.strict:
        code = _ROBOT
    if code is None:
        return None, None
    if code == _ROBOT or (code == _ALSO_ROBOT and not ask.strict):
        key = ask.fields.required("RobotId")
        return robots.find(ask.tx, ask.unnamed(key, "robot")), None
    if code == _GROUP:
        key = ask.fields.required("RobotGroupId")
        return None, robots.find_group(ask.tx, ask.unnamed(key, "robot group"))
    raise Invalid(f"there is no RobotType {code}: 1 a robot group, 2 one robot")


def _shown(ask: Ask, trigger: Trigger) -> dict[str, Json]:
    """REF's seven keys, numbers as strings; beside them what create takes (I)."""
    kind = _GROUP if trigger.group_id is not None else _ROBOT
    shown: dict[str, Json] = {
        "id": str(trigger.id),
        "guid": trigger.guid,
        "name": trigger.name,
        "processing_type": str(_CONTINUOUS if trigger.cron is None else _BY_SCHEDULE),
        "robot_type": str(kind),
        "robot_id": number(trigger.robot_id),
        "process_id": str(trigger.process_id),
    }
    if ask.strict:
        return shown
    process = processes.of(ask.tx, trigger.process_id)
    robot = robots.of(ask.tx, trigger.robot_id)
    group = robots.GROUPS.by_id(ask.tx, trigger.group_id)
    return shown | {
        "description": trigger.description,
        "status": _STATUS_CODE[trigger.status],
        "cron_tab": trigger.cron,
        "robot_guid": robot.guid if robot else None,
        "robot_name": robot.name if robot else None,
        "robot_group_id": number(trigger.group_id),
        "robot_group_guid": group.guid if group else None,
        "robot_group_name": group.name if group else None,
        "process_guid": process.guid,
        "process_name": process.name,
        "start_at": time(trigger.start_at),
        "end_at": time(trigger.end_at),
        "max_runs": str(trigger.max_runs),
        "max_running_robots": str(trigger.max_open),
        "check_missed_trigger": str(int(trigger.catch_up)),
        "run_count": str(trigger.runs),
        "last_run": time(trigger.last_run_at),
        "next_run": time(trigger.next_run_at),
        "created_at": time(trigger.created_at),
        "updated_at": time(trigger.updated_at),
        "account_id": ACCOUNT,
    }
