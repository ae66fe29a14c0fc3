"""The log of robots' messages."""

from __future__ import annotations

from functools import partial
from json import dumps
from typing import Any

from orchctl.model import LogLevel
from orchctl.sandbox.engine import Invalid, Tx, jobs, logs, processes, robots
from orchctl.sandbox.engine.logs import Entry, Wanted
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.sherpa.asks import (
    ROWS,
    Ask,
    Route,
    Routes,
    guid,
    joined,
    nothing,
    number,
    raw,
    streamed,
    time,
)
from orchctl.sandbox.wire.sherpa.jobs import find_even_deleted

# S000's words, and Notice, which the user interface's notifications have.
_LEVELS = {
    "debug": LogLevel.DEBUG,
    "info": LogLevel.INFO,
    "notice": LogLevel.INFO,
    "warning": LogLevel.WARNING,
    "error": LogLevel.ERROR,
    "critical": LogLevel.CRITICAL,
}
# REF's example has the number 1; what the numbers mean is in no document, so this order is ours.
_NUMBERED = (LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR, LogLevel.CRITICAL)
_WORD = {level.value: level.value.capitalize() for level in _NUMBERED} | {LogLevel.TRACE.value: "Debug"}
_FILTERS = ("Level", "RobotGUID", "ProcessGUID", "ProcessVersionGUID", "JobGUID", "From", "To")


def create(ask: Ask) -> Response:
    fields = ask.fields
    message = fields.text("Message")
    if message is None:
        raise Invalid("Message is required")
    robot_key = fields.text("RobotGUID", "RobotId")
    version_key = fields.text("ProcessVersionGUID", "ProcessVersionId")
    job_key = fields.text("JobGUID", "JobId")
    job = find_even_deleted(ask.tx, job_key) if job_key else None
    robot = robots.find(ask.tx, robot_key) if robot_key else ask.robot
    version = processes.find_version(ask.tx, version_key) if version_key else None
    if job is not None:  # a job says whose it is and of what
        robot = robot or robots.of(ask.tx, job.robot_id)
        version = version or processes.version_of(ask.tx, job.version_id)
    level = _level(fields.text("Level") or "Info")
    job_guid = None if job is None else job.guid
    made = logs.create(ask.tx, level, message, robot=robot, version=version, job_guid=job_guid)
    # REF answers [], FW the GUID.
    return nothing() if ask.strict else guid(made)


def read(ask: Ask) -> Response:
    return raw(_Shown(ask.tx, strict=ask.strict).entry(logs.find(ask.tx, ask.key("Guid"))))


def listed(ask: Ask) -> Response:
    """REF lists no filter; these are ours, in its spelling of create's parameters."""
    ask.inferred(*_FILTERS)
    fields = ask.fields
    level = fields.text("Level")
    robot = fields.text("RobotGUID", "RobotId")
    process = fields.text("ProcessGUID", "ProcessId")
    version = fields.text("ProcessVersionGUID", "ProcessVersionId")
    job = fields.text("JobGUID", "JobId")
    wanted = Wanted(
        level=_level(level) if level else None,
        robot_id=robots.find(ask.tx, robot).id if robot else None,
        process_name=processes.find(ask.tx, process).name if process else None,
        version_id=processes.find_version(ask.tx, version).id if version else None,
        job_guid=find_even_deleted(ask.tx, job).guid if job else None,
        since=fields.moment("From"),
        until=fields.moment("To"),
    )
    return streamed(ask, partial(_page, wanted=wanted, last=logs.last_id(ask.tx), strict=ask.strict))


def purge(ask: Ask) -> Response:
    """Unix seconds, a string in REF's example."""
    ask.fields.required("Time")
    before = ask.fields.moment("Time")
    if before is None:
        raise Invalid("Time is required")
    logs.purge(ask.tx, before=before)
    return nothing()


ROUTES: Routes = {
    ("log", "create"): Route("POST", create, robots=True),
    ("log", "read"): Route("GET", read, args=1),
    ("log", "list"): Route("POST", listed, args=1, reads=True),
    ("log", "purge"): Route("DELETE", purge),
}


class _Shown:
    """Entries as JSON; what they refer to is looked up once."""

    def __init__(self, tx: Tx, *, strict: bool) -> None:
        self._tx = tx
        self._strict = strict
        self._robots: dict[int, str | None] = {}
        self._versions: dict[int, tuple[str | None, str | None]] = {}
        self._jobs: dict[str, int | None] = {}

    def entry(self, entry: Entry) -> str:
        """REF's keys in its mixed case; beside them GUIDs and names."""
        shown: dict[str, Any] = {
            "id": str(entry.id),
            "guid": entry.guid,
            "robot_id": number(entry.robot_id),
            "process_version_id": number(entry.version_id),
            "job_id": number(self._job(entry.job_guid)),
            "Level": _WORD[entry.level],
            "Message": entry.message,
            "created_at": time(entry.time),
            "updated_at": time(entry.created_at),
        }
        if self._strict:
            return dumps(shown)
        version_guid, version_name = self._version(entry.version_id)
        shown |= {
            "robot_guid": self._robot(entry.robot_id),
            "robot_name": entry.robot_name,
            "process_name": entry.process_name,
            "process_version_guid": version_guid,
            "process_version_name": version_name,
            "job_guid": entry.job_guid,
        }
        return dumps(shown)

    def _job(self, guid_: str | None) -> int | None:
        if guid_ is None:
            return None
        if guid_ not in self._jobs:
            self._jobs[guid_] = jobs.id_of(self._tx, guid_)
        return self._jobs[guid_]

    def _robot(self, ident: int | None) -> str | None:
        if ident is None:
            return None
        if ident not in self._robots:
            robot = robots.of(self._tx, ident)
            self._robots[ident] = robot.guid if robot else None
        return self._robots[ident]

    def _version(self, ident: int | None) -> tuple[str | None, str | None]:
        if ident is None:
            return None, None
        if ident not in self._versions:
            version = processes.version_of(self._tx, ident)
            self._versions[ident] = (version.guid, version.name) if version else (None, None)
        return self._versions[ident]


def _page(tx: Tx, key: int, *, wanted: Wanted, last: int, strict: bool) -> tuple[bytes, int | None]:
    found = logs.after(tx, wanted, key=key, last=last, limit=ROWS)
    shown = _Shown(tx, strict=strict)
    more = found[-1].id if len(found) == ROWS else None
    return joined([shown.entry(entry) for entry in found]), more


def _level(text: str) -> LogLevel:
    word = text.strip().lower()
    if word in _LEVELS:
        return _LEVELS[word]
    if word.isdigit() and word.isascii() and int(word) < len(_NUMBERED):
        return _NUMBERED[int(word)]
    raise Invalid(f"there is no log level {text!r}: Debug, Info, Warning, Error, Critical")
