"""Which fields each type has, which of them tables show, and how a value is written in a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from orchctl.errors import UsageFault
from orchctl.model import TaskStatus, Unknown
from orchctl.render import TimeStyle
from orchctl.sanitize import safe, safe_json
from orchctl.times import rfc3339

Values = tuple[Any, ...]
Reader = Callable[[Any], Values]


class Columns(NamedTuple):
    """What tables show of a type by themselves, and what its objects are called."""

    plural: str
    table: tuple[str, ...]
    wide: tuple[str, ...]


def _columns(plural: str, table: str, wide: str) -> Columns:
    return Columns(plural, tuple(table.split()), tuple(wide.split()))


# By name, since making the types costs time and a command needs only its own.
_VOCABULARY = {
    "Task": _columns(
        "tasks",
        "id name status priority created_at",
        "id name queue status priority reference tags retries created_at started_at ended_at postponed_until "
        "deadline robot error",
    ),
    "Queue": _columns(
        "queues",
        "id name unique_tasks max_retries description",
        "id name unique_tasks auto_change_status max_retries description",
    ),
    "QueueStats": _columns(
        "queues",
        "queue total new in_progress success failed failed_business postponed",
        "queue total new in_progress success failed failed_business postponed abandoned preparing cancelled "
        "retried deleted unknown",
    ),
    "Job": _columns(
        "jobs",
        "id process robot status created_at ended_at",
        "id process process_version robot task_id status priority source created_at started_at ended_at "
        "stop_after abort_after info",
    ),
    "AgentEvent": _columns("events", "time event script message", "time event job_id script message"),
    "Asset": _columns(
        "assets",
        "id name type value scope",
        "id name type value username scope expires_at updated_at description",
    ),
    "LogEntry": _columns(
        "log entries",
        "time level robot message",
        "id time level robot process process_version job_id message",
    ),
    "Robot": _columns(
        "robots",
        "id name state machine last_seen_at",
        "id name state status type machine ip mac last_seen_at license description",
    ),
    "Runtime": _columns(
        "runtimes",
        "id machine type status used total",
        "id machine host type status used total last_seen_at",
    ),
    "RobotGroup": _columns("robot groups", "id name description", "id name description"),
    "Process": _columns(
        "processes",
        "id name version type description",
        "id name version version_id type created_at updated_at description",
    ),
    "ProcessVersion": _columns(
        "versions", "id name process created_at", "id name process created_at file description"
    ),
    "Trigger": _columns(
        "triggers",
        "id name process status cron",
        "id name process status cron robot group start_at end_at max_runs",
    ),
    "Folder": _columns("folders", "id name path", "id key name path"),
    "StorageFolder": _columns("folders", "id name description", "id name created_at updated_at description"),
    "StoredFile": _columns("files", "id name folder size", "id name folder size created_at updated_at"),
    "Account": _columns(
        "accounts", "id login email", "id login first_name last_name email phone company department"
    ),
}
_registered: dict[type, Columns] = {}

# A robot says that it is there every ten seconds or so (seed 001).
_FRESH = timedelta(minutes=2)


def _robot_state(robot: Any, now: datetime) -> str:
    """Whether it is alive, at a glance, and what it was last known to do."""
    status = cell(robot.status, TimeStyle.UTC, now)
    if robot.status == "disconnected":
        return "off"
    if robot.last_seen_at is None:
        return status if robot.status in ("ready", "working") else "off"
    return f"{'alive' if now - robot.last_seen_at <= _FRESH else 'stale'} {status}"


# Columns of tables that are no fields: machine formats do not have them.
_COMPUTED: Mapping[str, Mapping[str, Callable[..., str]]] = {"Robot": {"state": _robot_state}}


def register(
    kind: type, *, table: tuple[str, ...], wide: tuple[str, ...] | None = None, plural: str = "results"
) -> None:
    """Names the columns of a dataclass; one that is not registered shows all of its fields."""
    _registered[kind] = Columns(plural, table, wide or table)


def columns_of(kind: type) -> Columns:
    if kind in _registered:
        return _registered[kind]
    if _is_of_the_vocabulary(kind) and kind.__name__ in _VOCABULARY:
        return _VOCABULARY[kind.__name__]
    every = tuple(name for name in field_names(kind) if name != "native")
    return Columns("results", every, every)


def computed_names(kind: type) -> tuple[str, ...]:
    """The columns of its tables that are no fields."""
    return tuple(_COMPUTED.get(kind.__name__, ())) if _is_of_the_vocabulary(kind) else ()


def field_names(kind: type) -> tuple[str, ...]:
    """The fields of a type in the order of output."""
    if _is_stats(kind):
        return "queue", "total", *_STATS_FIELDS
    return tuple(field.name for field in fields(kind))


_STATS_FIELDS = {status.replace("-", "_"): status for status in TaskStatus}


def _is_stats(kind: type) -> bool:
    return kind.__name__ == "QueueStats" and _is_of_the_vocabulary(kind)


def _is_of_the_vocabulary(kind: type) -> bool:
    return kind.__module__.partition(".model")[0] == "orchctl"


def reader(kind: type, names: tuple[str, ...], now: datetime | None = None) -> Reader:
    """A function from a row to the values of ``names``, which may reach into nested ones."""
    computed = _COMPUTED.get(kind.__name__, {}) if _is_of_the_vocabulary(kind) else {}
    if _is_stats(kind) or any("." in name or name in computed for name in names):
        readers = [
            partial(computed[name], now=now or datetime.now(UTC))
            if name in computed
            else _field_reader(kind, name)
            for name in names
        ]
        return lambda row: tuple([read(row) for read in readers])
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda row: (read(row),)


def _field_reader(kind: type, name: str) -> Callable[[Any], Any]:
    first, _, rest = name.partition(".")
    if _is_stats(kind) and first in _STATS_FIELDS:
        status = _STATS_FIELDS[first]
        return lambda row: row.counts.get(status, 0)
    read = attrgetter(first)
    return (lambda row: reach(read(row), rest)) if rest else read


def reach(value: Any, path: str) -> Any:
    """The value at a dotted path within plain values; ``None`` where there is none.

    A key that has dots of its own is found too.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = record(value)
    if isinstance(value, Mapping):
        if path in value:
            return value[path]
        first, _, rest = path.partition(".")
        return reach(value[first], rest) if rest and first in value else None
    if isinstance(value, list | tuple):
        first, _, rest = path.partition(".")
        if not (first.isascii() and first.isdecimal() and int(first) < len(value)):
            return None
        return reach(value[int(first)], rest) if rest else value[int(first)]
    return None


def require_known(names: tuple[str, ...], valid: tuple[str, ...]) -> None:
    """:raises UsageFault: one of ``names`` starts with a field that is not in ``valid``."""
    for name in names:
        if name.partition(".")[0] not in valid and name not in valid:
            raise UsageFault(f'no field "{safe(name)}"', hint=_suggestion(name, valid))


def _suggestion(name: str, valid: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    first = name.partition(".")[0].lower().replace("-", "_")
    close = get_close_matches(first, valid, n=1)
    guess = f'did you mean "{close[0]}"? ' if close else ""
    return f"{guess}valid fields: {', '.join(valid)}"


def record(row: Any) -> dict[str, Any]:
    """A dataclass as a dictionary of its output fields, its values as they are."""
    names = field_names(type(row))
    return dict(zip(names, reader(type(row), names)(row), strict=True))


def plain(value: Any) -> Any:
    """A value in JSON's types, for what looks at types rather than writing text."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(record(value))
    return str(value)


def cell(value: Any, time: TimeStyle, now: datetime) -> str:
    """A value on one line of a table, safe for a terminal."""
    if isinstance(value, str):
        return safe(f"unknown ({value.native})" if isinstance(value, Unknown) else str(value))
    if value is None:
        return ""
    if isinstance(value, datetime):
        return written_time(value, time, now)
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return safe(", ".join(value))
    return safe(word(value))


def word(value: Any) -> str:
    """A value on one line of any format: text as it is, nested values, numbers and words as JSON has them."""
    if not isinstance(value, dict | list | tuple | int | float):
        value = plain(value)
        if isinstance(value, str):
            return value
    from orchctl.render.jsontext import compact

    return safe_json(compact(value))


def written_time(moment: datetime, time: TimeStyle, now: datetime) -> str:
    if time is TimeStyle.UTC:
        return f"{_clock(moment.astimezone(UTC))}Z"
    if time is TimeStyle.LOCAL:
        try:
            return _clock(moment.astimezone())
        except (OSError, OverflowError, ValueError):  # a year outside what the platform's zones cover
            return rfc3339(moment)
    seconds = (moment - now).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if abs(seconds) >= size * (2 if unit == "d" else 1):
            distance = f"{abs(seconds) // size:.0f}{unit}"
            break
    else:
        distance = f"{abs(seconds) // 1:.0f}s"
    return f"in {distance}" if seconds >= 1 else f"{distance} ago"


def _clock(moment: datetime) -> str:
    """Always 19 characters: strftime writes the year 1 with one digit."""
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")
