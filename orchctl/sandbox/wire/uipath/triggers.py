"""ProcessSchedules: what starts jobs at times of its own."""

from __future__ import annotations

from typing import Any

from orchctl.model import Priority
from orchctl.sandbox.engine import processes, robots, triggers
from orchctl.sandbox.engine.base import Tx, as_id
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.processes import Process
from orchctl.sandbox.engine.robots import Robot
from orchctl.sandbox.engine.triggers import DISABLED, ENABLED, Trigger, TriggerFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, Body, json, missing, nothing, stamp
from orchctl.sandbox.wire.uipath.processes import in_folder as process_in_folder
from orchctl.sandbox.wire.uipath.processes import named
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, NAME_TAKEN, Refused
from orchctl.sandbox.wire.uipath.robots import in_folder as robot_in_folder

ENTITY = "ProcessSchedules"

_ENUMS = {"jobpriority": ("Low", "Normal", "High"), "stopstrategy": ("SoftStop", "Kill")}
# Quartz counts days of the week from Sunday as 1, cron from Sunday as 0.
_DAYS = {str(number): str(number - 1) for number in range(1, 8)}
_DAYS_BACK = {day: quartz for quartz, day in _DAYS.items()}


def list_(ask: Ask) -> Response:
    rows = [shown(ask.tx, trigger) for trigger in _of(ask.tx, ask.folder())]
    return ask.rows(ENTITY, rows, enums=_ENUMS)


def get(ask: Ask) -> Response:
    return ask.one(ENTITY, shown(ask.tx, _trigger(ask.tx, ask.folder(), ask.key())))


def create(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    name = body.required("Name", longest=255)
    body.required("TimeZoneId", longest=80)
    if any(trigger.name.casefold() == name.casefold() for trigger in _of(ask.tx, folder)):
        raise Refused(409, f"A trigger with the name {name} already exists.", code=NAME_TAKEN)
    process = _process(ask.tx, folder, body)
    if process is None:
        raise missing("Release")
    made = triggers.create(
        ask.tx, process, {**_fields(ask.tx, body), "name": name}, robot=_robot(ask.tx, folder, body)
    )
    return ask.one(ENTITY, shown(ask.tx, made), status=201)


def update(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    trigger = _trigger(ask.tx, folder, ask.key())
    triggers.update(
        ask.tx,
        trigger,
        {**_fields(ask.tx, body), "name": body.required("Name", longest=255)},
        process=_process(ask.tx, folder, body),
        robot=_robot(ask.tx, folder, body),
    )
    return nothing()


def delete(ask: Ask) -> Response:
    triggers.delete(ask.tx, _trigger(ask.tx, ask.folder(), ask.key()))
    return nothing()


def set_enabled(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    enabled = body.flag("enabled")
    numbers = body.get("scheduleIds")
    if enabled is None or not isinstance(numbers, list):
        raise Refused(400, "The fields enabled and scheduleIds are required.", code=BAD_ARGUMENT)
    for number in numbers:
        trigger = _trigger(ask.tx, folder, as_id(str(number)) or 0)
        triggers.update(ask.tx, trigger, {"status": ENABLED if enabled else DISABLED})
    return json({"@odata.context": f"{ask.base}/odata/$metadata#Edm.Boolean", "value": True})


def robots_of(ask: Ask) -> Response:
    """``GetRobotIdsForSchedule(key=)``."""
    trigger = _trigger(ask.tx, ask.folder(), as_id(ask.argument("key")) or 0)
    numbers = [] if trigger.robot_id is None else [trigger.robot_id]
    return json({"@odata.context": f"{ask.base}/odata/$metadata#Collection(Edm.Int64)", "value": numbers})


def _of(tx: Tx, folder: Folder) -> list[Trigger]:
    return [trigger for trigger in triggers.TABLE.every(tx) if trigger.folder_id == folder.id]


def _trigger(tx: Tx, folder: Folder, number: int) -> Trigger:
    for trigger in _of(tx, folder):
        if trigger.id == number:
            return trigger
    raise missing("ProcessSchedule")


def _process(tx: Tx, folder: Folder, body: Body) -> Process | None:
    number = body.number("ReleaseId")
    if number is not None:
        return process_in_folder(tx, folder, number)
    key, name = body.text("ReleaseKey"), body.text("ReleaseName")
    if key:
        for process in processes.every(tx, folder_id=folder.id):
            if process.guid == key.lower():
                return process
    return named(tx, folder, name) if name else None


def _robot(tx: Tx, folder: Folder, body: Body) -> Robot | None:
    numbers = [item.number("Id") or 0 for item in body.items("ExecutorRobots")]
    return robot_in_folder(tx, folder, numbers[0]) if numbers else None


def _fields(tx: Tx, body: Body) -> TriggerFields:
    fields: TriggerFields = {"description": body.text("Description", longest=512)}
    enabled = body.flag("Enabled")
    if enabled is not None:
        fields["status"] = ENABLED if enabled else DISABLED
    cron = body.text("StartProcessCron")
    if cron:
        fields["cron"] = _cron(cron)
    zone = body.text("TimeZoneIana") or body.text("TimeZoneId")
    if zone:
        fields["time_zone"] = zone
    fields["end_at"] = body.moment("StopProcessDate")
    fields["input"] = body.text("InputArguments", longest=10_000)
    word = (body.text("JobPriority") or "Normal").lower()
    if word not in set(Priority):
        raise Refused(400, f"The priority {word!r} is not known.", code=BAD_ARGUMENT)
    fields["priority"] = Priority(word)
    seconds = body.number("StopProcessExpression")
    if seconds is not None:
        name = "abort_after_ms" if body.text("StopStrategy") == "Kill" else "stop_after_ms"
        fields[name] = seconds * 1000  # type: ignore[literal-required]  # one of two keys
    return fields


def _cron(text: str) -> str:
    """Quartz's expression (seconds first, ``?``, a year at the end) as the five fields of cron."""
    parts = text.upper().split()
    if len(parts) == 5:
        return text
    if len(parts) not in (6, 7):
        raise Refused(400, f"The cron expression {text!r} has {len(parts)} fields.", code=BAD_ARGUMENT)
    if parts[0] != "0" or (len(parts) == 7 and parts[6] != "*"):
        raise Refused(
            400, "The sandbox knows cron expressions at second 0, of every year.", code=BAD_ARGUMENT
        )
    minute, hour, day, month, week = (part.replace("?", "*") for part in parts[1:6])
    week = ",".join("-".join(_DAYS.get(end, end) for end in part.split("-")) for part in week.split(","))
    return " ".join((minute, hour, day, month, week))


def _quartz(cron: str | None) -> str | None:
    parts = (cron or "").split()
    if len(parts) != 5:
        return cron
    minute, hour, day, month, week = parts
    if week == "*":
        return f"0 {minute} {hour} {day} {month} ? *"
    week = ",".join("-".join(_DAYS_BACK.get(end, end) for end in part.split("-")) for part in week.split(","))
    return f"0 {minute} {hour} {'?' if day == '*' else day} {month} {week} *"


def shown(tx: Tx, trigger: Trigger) -> dict[str, Any]:
    process = processes.of(tx, trigger.process_id)
    robot = robots.of(tx, trigger.robot_id)
    return {
        "Key": trigger.guid,
        "Enabled": trigger.status == ENABLED,
        "Name": trigger.name,
        "ReleaseId": process.id,
        "ReleaseKey": process.guid,
        "ReleaseName": process.name,
        "PackageName": process.name,
        "JobPriority": trigger.priority.capitalize(),
        "RuntimeType": "Unattended",
        "StartProcessCron": _quartz(trigger.cron),
        "StartProcessCronDetails": None,
        "StartProcessCronSummary": None,
        "StartProcessNextOccurrence": stamp(trigger.next_run_at),
        "StartStrategy": 0 if robot is not None else 1,
        "ExecutorRobots": [
            {"Id": robot.id, "Name": robot.name, "MachineName": robot.machine, "Description": None}
        ]
        if robot is not None
        else [],
        "StopProcessExpression": None
        if trigger.stop_after_ms is None
        else str(trigger.stop_after_ms // 1000),
        "StopStrategy": None,
        "KillProcessExpression": None,
        "TimeZoneId": trigger.time_zone,
        "TimeZoneIana": trigger.time_zone,
        "UseCalendar": False,
        "StopProcessDate": stamp(trigger.end_at),
        "InputArguments": trigger.input,
        "QueueDefinitionId": None,
        "Description": trigger.description,
        "MachineRobots": [],
        "Tags": [],
        "Id": trigger.id,
    }
