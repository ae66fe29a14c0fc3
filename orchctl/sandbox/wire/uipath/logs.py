"""RobotLogs, and the place where robots send them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from json import dumps
from typing import Any

from orchctl.model import LogLevel
from orchctl.sandbox.engine import NotFound, jobs, logs, processes, robots
from orchctl.sandbox.engine.base import Tx, is_guid
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.folders import find as find_folder
from orchctl.sandbox.engine.logs import Entry, Wanted
from orchctl.sandbox.engine.queues import ROOT_FOLDER
from orchctl.sandbox.engine.robots import Robot
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.uipath.asks import Ask, Body, json, nothing, stamp
from orchctl.sandbox.wire.uipath.odata import Compare, Literal, Node, Path, applied, conjuncts
from orchctl.sandbox.wire.uipath.odata import shown as options_shown
from orchctl.sandbox.wire.uipath.refusals import BAD_REQUEST, Refused

ENTITY = "RobotLogs"
# How far the search behind it can be leafed through.
WINDOW = 10_000

_LEVEL = {
    LogLevel.TRACE: "Trace",
    LogLevel.DEBUG: "Debug",
    LogLevel.INFO: "Info",
    LogLevel.WARNING: "Warn",
    LogLevel.ERROR: "Error",
    LogLevel.CRITICAL: "Fatal",
}
_LEVELS = tuple(_LEVEL.values())
_LEVEL_OF = {
    **{name.lower(): level for level, name in _LEVEL.items()},
    **{level.value: level for level in LogLevel},
    "verbose": LogLevel.TRACE,
    "information": LogLevel.INFO,
}
_ENUMS = {"level": _LEVELS, "runtimetype": ("NonProduction", "Attended", "Unattended")}


def list_(ask: Ask) -> Response:
    folder = ask.folder()
    options = ask.options()
    if options.skip + options.top > WINDOW and options.skip:
        raise Refused(
            400, f"Result window is too large, skip + top must be at most {WINDOW}.", code=BAD_REQUEST
        )
    wanted, rest = _wanted(Wanted(folder_id=folder.id), options.filter)
    order = [(path.last, down) for path, down in options.order]
    newest_first = order == [("timestamp", True)]
    if not rest and order in ([], [("timestamp", False)], [("timestamp", True)]):
        total = logs.count(ask.tx, wanted) if options.count else 0
        found = logs.search(ask.tx, wanted, newest_first=newest_first, limit=options.top, offset=options.skip)
        rows = [options_shown(shown(entry), options, frozenset()) for entry in found]
        return ask.collection(ENTITY, rows, options, min(total, WINDOW))
    page, total = applied(map(shown, logs.search(ask.tx, wanted, newest_first=newest_first)), options, _ENUMS)
    rows = [options_shown(row, options, frozenset()) for row in page]
    return ask.collection(ENTITY, rows, options, min(total, WINDOW))


def total(ask: Ask) -> Response:
    """``GetTotalCount``, which no window limits."""
    folder = ask.folder()
    options = ask.options()
    wanted, rest = _wanted(Wanted(folder_id=folder.id), options.filter)
    number = logs.count(ask.tx, wanted)
    if rest:
        _, number = applied(map(shown, logs.search(ask.tx, wanted)), replace(options, top=0), _ENUMS)
    return json({"@odata.context": f"{ask.base}/odata/$metadata#Edm.Int64", "value": number})


def submit(ask: Ask) -> Response:
    """``POST /api/Logs/SubmitLogs``: a list of JSON texts."""
    data = _decoded(ask.request.body)
    if not isinstance(data, list):
        raise Refused(400, "A list of log entries was expected.", code=BAD_REQUEST)
    for item in data:
        _add(ask, _decoded(item.encode()) if isinstance(item, str) else item)
    return nothing(200)


def submit_one(ask: Ask) -> Response:
    """``POST /api/Logs``: one entry."""
    data = _decoded(ask.request.body)
    _add(ask, _decoded(data.encode()) if isinstance(data, str) else data)
    return nothing(200)


def _decoded(data: bytes) -> Any:
    try:
        return decode_json(data)
    except ValueError as error:
        raise Refused(400, f"A log entry is not JSON: {error}", code=BAD_REQUEST) from None


def _add(ask: Ask, data: Any) -> None:
    if not isinstance(data, dict):
        raise Refused(400, "A log entry must be an object.", code=BAD_REQUEST)
    entry = Body(data)
    word = (entry.text("level") or "Info").lower()
    level = LogLevel(tuple(LogLevel)[int(word)]) if word in "012345" else _LEVEL_OF.get(word)
    if level is None:
        raise Refused(400, f"The level {word!r} is not known.", code=BAD_REQUEST)
    key = entry.text("jobId") or entry.text("jobKey") or ""
    job = _job(ask.tx, key)
    named = ask.folder_if_any()
    folder_id = named.id if named is not None else job.folder_id if job is not None else ROOT_FOLDER
    process = processes.of(ask.tx, job.process_id).name if job is not None else None
    logs.create(
        ask.tx,
        level,
        entry.text("message") or "",
        robot=_robot(ask.tx, find_folder(ask.tx, str(folder_id)), entry.text("robotName")),
        job_guid=key.lower() if is_guid(key) else None,
        process_name=entry.text("processName") or process,
        machine=entry.text("machineName"),
        time=entry.moment("timeStamp"),
        raw=dumps(data, ensure_ascii=False),
        folder_id=folder_id,
    )


def _job(tx: Tx, key: str) -> jobs.Job | None:
    try:
        return jobs.find(tx, key) if is_guid(key) else None
    except NotFound:
        return None


def _robot(tx: Tx, folder: Folder, name: str | None) -> Robot | None:
    if not name:
        return None
    for robot in robots.every(tx, folder_id=folder.id):
        if robot.name.casefold() == name.casefold():
            return robot
    return None


def shown(entry: Entry) -> dict[str, Any]:
    raw = {
        "message": entry.message,
        "level": _LEVEL[LogLevel(entry.level)],
        "timeStamp": stamp(entry.time),
        "processName": entry.process_name,
        "jobId": entry.job_guid,
        "robotName": entry.robot_name,
        "machineName": entry.machine,
    }
    return {
        "Level": _LEVEL[LogLevel(entry.level)],
        "WindowsIdentity": None,
        "ProcessName": entry.process_name,
        "TimeStamp": stamp(entry.time),
        "Message": entry.message,
        "JobKey": entry.job_guid,
        "RawMessage": entry.raw or dumps(raw, ensure_ascii=False),
        "RobotName": entry.robot_name,
        "HostMachineName": entry.machine,
        "MachineId": 0,
        "MachineKey": None,
        "RuntimeType": None,
        "Id": 0,  # the vendor's own is 0 for every entry
    }


def _wanted(wanted: Wanted, node: Node | None) -> tuple[Wanted, bool]:
    """What of a filter the store itself can look for, and whether anything is left to try row by row."""
    rest = False
    for part in conjuncts(node) if node is not None else []:
        narrowed = _narrowed(wanted, part)
        rest = rest or narrowed is None
        wanted = narrowed or wanted
    return wanted, rest


def _narrowed(wanted: Wanted, node: Node) -> Wanted | None:
    match node:
        case Compare("ge", Path(("TimeStamp",)), Literal(datetime() as moment)) if wanted.since is None:
            return replace(wanted, since=_milliseconds(moment))
        case Compare("le", Path(("TimeStamp",)), Literal(datetime() as moment)) if wanted.until is None:
            return replace(wanted, until=_milliseconds(moment))
        case Compare("ge", Path(("Level",)), Literal(value)) if wanted.level is None:
            level = _level(value)
            return None if level is None else replace(wanted, level=level)
        case Compare("eq", Path(("JobKey",)), Literal(str(key))) if wanted.job_guid is None:
            return replace(wanted, job_guid=key.lower())
        case Compare("eq", Path(("ProcessName",)), Literal(str(name))) if wanted.process_name is None:
            return replace(wanted, process_name=name)
        case Compare("eq", Path(("HostMachineName",)), Literal(str(name))) if wanted.machine is None:
            return replace(wanted, machine=name)
    return None


def _level(value: Any) -> LogLevel | None:
    text = str(value).lower()
    names = [name.lower() for name in _LEVELS]
    if text in names:
        text = str(names.index(text))
    return tuple(LogLevel)[int(text)] if text in ("0", "1", "2", "3", "4", "5") else None


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1000)
