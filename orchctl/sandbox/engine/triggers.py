"""Triggers: what makes jobs by itself, at the times of a cron expression or whenever the last one has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict

from orchctl.model import LogLevel, Priority
from orchctl.sandbox.engine import jobs, logs, processes, robots
from orchctl.sandbox.engine.base import EngineError, Invalid, NotFound, Tx
from orchctl.sandbox.engine.jobs import JobFields
from orchctl.sandbox.engine.processes import Process
from orchctl.sandbox.engine.robots import Group, Robot
from orchctl.sandbox.engine.table import Table

ENABLED = "enabled"
DISABLED = "disabled"
FINISHED = "finished"
# Over this a run counts as missed: nobody served the database at its time.
_GRACE_MS = 60_000
# When a continuous trigger that could not make its job tries again.
_RETRY_MS = 60_000


class Trigger(NamedTuple):
    """A row. Without ``cron`` it is continuous. ``max_runs`` and ``max_open`` are 0 for no limit.

    ``catch_up``: a run that was missed is made up for, once.
    """

    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    status: str
    process_id: int
    robot_id: int | None
    group_id: int | None
    cron: str | None
    time_zone: str
    catch_up: int
    start_at: int | None
    end_at: int | None
    max_runs: int
    max_open: int
    priority: str
    input: str | None
    stop_after_ms: int | None
    abort_after_ms: int | None
    runs: int
    last_run_at: int | None
    next_run_at: int | None
    created_at: int
    updated_at: int
    due_at: int | None


class TriggerFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str
    description: str | None
    status: str
    cron: str | None
    time_zone: str
    catch_up: bool
    start_at: int | None
    end_at: int | None
    max_runs: int
    max_open: int
    priority: Priority
    input: str | None
    stop_after_ms: int | None
    abort_after_ms: int | None


TABLE: Table[Trigger] = Table("job_trigger", Trigger._fields, Trigger._make, noun="trigger")
_DEFAULTS: TriggerFields = {
    "status": ENABLED,
    "cron": None,
    "time_zone": "UTC",
    "catch_up": False,
    "max_runs": 0,
    "max_open": 0,
    "priority": Priority.NORMAL,
}


def create(
    tx: Tx, process: Process, fields: TriggerFields, *, robot: Robot | None = None, group: Group | None = None
) -> Trigger:
    """Jobs of ``process`` for a robot, for one of a group's, or for whoever is free."""
    TABLE.check_name(fields.get("name"))
    values: dict[str, Any] = {**_DEFAULTS, **fields, **_target(process, robot, group), "runs": 0}
    trigger = TABLE.insert(tx, {**values, "folder_id": process.folder_id})
    return _planned(tx, trigger)


def find(tx: Tx, key: str) -> Trigger:
    """A trigger by GUID, by name, or by number, in that order."""
    return TABLE.find(tx, key)


def update(
    tx: Tx,
    trigger: Trigger,
    fields: TriggerFields,
    *,
    process: Process | None = None,
    robot: Robot | None = None,
    group: Group | None = None,
) -> Trigger:
    """Change a trigger; its next run is planned anew from now."""
    if "name" in fields:
        TABLE.check_name(fields["name"])
    values: dict[str, Any] = {**fields}
    if process is not None:
        values["process_id"] = process.id
    if robot is not None or group is not None:
        values |= {
            "robot_id": None if robot is None else robot.id,
            "group_id": None if group is None else group.id,
        }
    return _planned(tx, TABLE.update(tx, trigger, values))


def delete(tx: Tx, trigger: Trigger) -> None:
    """The jobs that it has made stay."""
    TABLE.write(tx, trigger, {"due_at": None})
    TABLE.delete(tx, trigger)


def settle(tx: Tx, *, limit: int) -> None:
    """Make the jobs that at most ``limit`` triggers owe by now."""
    for trigger in TABLE.many(tx, "due_at <= ? ORDER BY due_at LIMIT ?", tx.now, limit):
        if trigger.end_at is not None and trigger.end_at <= tx.now:
            _write(tx, trigger, {"status": FINISHED})
        elif trigger.cron is None:
            _fill(tx, trigger)
        elif trigger.next_run_at is None or trigger.next_run_at > tx.now:
            _planned(tx, trigger)
        else:
            _on_time(tx, trigger, trigger.next_run_at)


def _on_time(tx: Tx, trigger: Trigger, moment: int) -> None:
    missed = tx.now - moment > _GRACE_MS
    made = 0
    if (not missed or trigger.catch_up) and _room(tx, trigger, wanted=1):
        made = _make(tx, trigger, 1)
    _write(tx, trigger, _ran(tx, trigger, made), after=tx.now if missed else moment)


def _fill(tx: Tx, trigger: Trigger) -> None:
    """Continuous: as many open jobs as there is room for."""
    places = 1
    if trigger.group_id is not None:
        places = trigger.max_open or max(1, len(robots.members(tx, trigger.group_id)))
    wanted = places - jobs.open_of_trigger(tx, trigger.id)
    if trigger.max_runs:
        wanted = min(wanted, trigger.max_runs - trigger.runs)
    made = _make(tx, trigger, wanted)
    changed = _ran(tx, trigger, made)
    _write(tx, trigger, changed, retry=made < wanted)


def _room(tx: Tx, trigger: Trigger, *, wanted: int) -> bool:
    return not trigger.max_open or jobs.open_of_trigger(tx, trigger.id) + wanted <= trigger.max_open


def _make(tx: Tx, trigger: Trigger, count: int) -> int:
    """Make so many jobs; gives how many it could. What stands in the way is told in the log."""
    for made in range(count):
        try:
            process, robot, group = _parts(tx, trigger)
            fields: JobFields = {"source": "trigger", "priority": Priority(trigger.priority)}
            fields["input"] = trigger.input
            if trigger.stop_after_ms is not None:
                fields["stop_after"] = tx.now + trigger.stop_after_ms
            if trigger.abort_after_ms is not None:
                fields["abort_after"] = tx.now + trigger.abort_after_ms
            jobs.create(tx, process, fields, robot=robot, group=group, trigger_id=trigger.id)
        except EngineError as error:
            message = f"the trigger {trigger.name!r} could not make its job: {error.message}"
            logs.create(tx, LogLevel.ERROR, message, folder_id=trigger.folder_id)
            return made
    return max(count, 0)


def _parts(tx: Tx, trigger: Trigger) -> tuple[Process, Robot | None, Group | None]:
    """What a job is made of.

    :raises NotFound: it was deleted.
    """
    process = processes.by_id(tx, trigger.process_id)
    robot = robots.TABLE.one(tx, "id = ?", trigger.robot_id)
    group = robots.GROUPS.one(tx, "id = ?", trigger.group_id)
    if process is None:
        raise NotFound("its process was deleted")
    if (robot is None and trigger.robot_id is not None) or (group is None and trigger.group_id is not None):
        raise NotFound("its robot or robot group was deleted")
    return process, robot, group


def _ran(tx: Tx, trigger: Trigger, made: int) -> dict[str, Any]:
    if not made:
        return {}
    runs = trigger.runs + made
    changed: dict[str, Any] = {"runs": runs, "last_run_at": tx.now}
    return changed | {"status": FINISHED} if trigger.max_runs and runs >= trigger.max_runs else changed


def _planned(tx: Tx, trigger: Trigger) -> Trigger:
    """What was just made or changed, with the time of its next run."""
    _check(trigger)
    if trigger.status == FINISHED:
        return _write(tx, trigger, {})
    start = trigger.start_at
    begin = tx.now if start is None or start <= tx.now else start - 1
    return _write(tx, trigger, {}, after=begin, retry=False, first=True)


def _write(
    tx: Tx,
    trigger: Trigger,
    changed: dict[str, Any],
    *,
    after: int | None = None,
    retry: bool = False,
    first: bool = False,
) -> Trigger:
    """Write what has changed, and when the trigger is next due."""
    trigger = trigger._replace(**changed)
    next_run_at = due_at = None
    if trigger.status == ENABLED:
        if trigger.cron is not None:
            next_run_at = _next(trigger, tx.now if after is None else after)
            due_at = next_run_at
        elif first:
            due_at = max(tx.now, trigger.start_at or 0)
        elif retry:
            due_at = tx.now + _RETRY_MS
        if trigger.end_at is not None:
            due_at = trigger.end_at if due_at is None else min(due_at, trigger.end_at)
    changed = {**changed, "next_run_at": next_run_at, "due_at": due_at}
    TABLE.write(tx, trigger, changed)
    return trigger._replace(**changed)


def _next(trigger: Trigger, after: int) -> int | None:
    """The first moment of the expression after that one; None when there is none within 50 years."""
    from cronsim import CronSim

    assert trigger.cron is not None
    start = datetime.fromtimestamp(after / 1000, _zone(trigger.time_zone))
    moment = next(CronSim(trigger.cron, start), None)
    return None if moment is None else round(moment.timestamp() * 1000)


def _check(trigger: Trigger) -> None:
    if trigger.max_runs < 0 or trigger.max_open < 0:
        raise Invalid("a trigger's limits cannot be negative")
    if trigger.start_at is not None and trigger.end_at is not None and trigger.end_at <= trigger.start_at:
        raise Invalid("a trigger cannot end before it starts")
    if trigger.cron is None:
        return
    from cronsim import CronSim, CronSimError

    try:
        CronSim(trigger.cron, datetime.now(UTC))
    except CronSimError as error:
        raise Invalid(f"{trigger.cron!r} is no cron expression: {error}") from None
    _zone(trigger.time_zone)


def _zone(name: str) -> Any:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"there is no time zone {name!r}") from None


def _target(process: Process, robot: Robot | None, group: Group | None) -> dict[str, Any]:
    return {
        "process_id": process.id,
        "robot_id": None if robot is None else robot.id,
        "group_id": None if robot is not None or group is None else group.id,
    }
