"""How ELMA RPA writes things down: statuses, dates, logs, and an answer's own status in its body.

Two statuses must never be confused: the body's number tells how the request went, the task's word how the
task is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from orchctl.errors import (
    BadRequest,
    NotAuthenticated,
    NotFound,
    OrchctlError,
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unintelligible,
)
from orchctl.model.words import JobStatus, LogLevel, Priority, TaskStatus, Unknown
from orchctl.sanitize import MASK, safe, scrub
from orchctl.transport import Effect, Reply

if TYPE_CHECKING:
    from orchctl.model import Json

# The token of whoever asks, and of whoever made a task: other systems' tokens come in answers.
SECRET_FIELDS = frozenset({"auth_tkn", "system"})

# Seed 002. EMPTY_ST is the default of a field that was not set.
TASK_STATUS = {
    "PREPARE": TaskStatus.PREPARING,
    "QUEUE": TaskStatus.NEW,
    "EXECUTING": TaskStatus.IN_PROGRESS,
    "DONE": TaskStatus.SUCCESS,
    "ERROR": TaskStatus.FAILED,
    "CANCEL": TaskStatus.CANCELLED,
}
# The same task as a run: one that was cancelled in the queue has never begun.
JOB_STATUS = {
    TaskStatus.PREPARING: JobStatus.CREATED,
    TaskStatus.NEW: JobStatus.PENDING,
    TaskStatus.IN_PROGRESS: JobStatus.IN_PROGRESS,
    TaskStatus.SUCCESS: JobStatus.SUCCESS,
    TaskStatus.FAILED: JobStatus.FAILED,
    TaskStatus.CANCELLED: JobStatus.STOPPED,
}
PRIORITY = {"HIGH": Priority.HIGH, "MEDIUM": Priority.NORMAL, "LOW": Priority.LOW}
PRIORITY_WORD = {word: name for name, word in PRIORITY.items()}

# Only INF is documented; the others are those of the logging library that the client uses.
_LEVEL = {
    "VRB": LogLevel.TRACE,
    "DBG": LogLevel.DEBUG,
    "INF": LogLevel.INFO,
    "WRN": LogLevel.WARNING,
    "ERR": LogLevel.ERROR,
    "FTL": LogLevel.CRITICAL,
}
_LOG_LINE = re.compile(
    r"\[(\w{3,11})\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \| (?:\[(.*?)\] \| )?(.*)", re.DOTALL
)
_FRACTION = re.compile(r"(\.\d{6})\d+")
_MESSAGE_KEYS = ("errormessage", "error_message", "error", "message", "details")
_OK = range(200, 300)
_NOT_SET = (None, "", 0, "0")


def task_status(value: Any) -> TaskStatus | Unknown:
    if isinstance(value, str) and value.upper() in TASK_STATUS:
        return TASK_STATUS[value.upper()]
    return Unknown(value)


def priority(value: Any) -> Priority | Unknown | None:
    if value in (None, "", 0) or (isinstance(value, str) and value.upper() == "EMPTY_P"):
        return None
    if isinstance(value, str) and value.upper() in PRIORITY:
        return PRIORITY[value.upper()]
    return Unknown(value)


def moment(value: Any) -> datetime | None:
    """Any offset, any length of fraction; the year 1 stands for "never" (seed 002)."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return None if found.year == 1 else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def nested(value: Any) -> Json:
    """JSON inside a string, as ``ctx`` and ``outputCtx`` come; a text that is none stays a text."""
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]  # it came out of JSON
    if not value.strip():
        return None
    try:
        return json.loads(value)  # type: ignore[no-any-return]  # json.loads is typed Any
    except (ValueError, RecursionError):
        return value


class LogLine(NamedTuple):
    """``time`` is the robot's local time, which the log gives without a zone."""

    level: LogLevel | Unknown
    time: datetime
    stamp: str
    component: str | None
    message: str


def log_lines(text: str, *, zone: tzinfo, start: datetime | None) -> Iterator[LogLine]:
    """The records of a log: lines that begin none belong to the one before.

    A text that begins with such lines (no document shows one) has them at ``start``.
    """
    held: LogLine | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        match = _LOG_LINE.fullmatch(line)
        if match is None:
            if held is not None:
                held = held._replace(message=f"{held.message}\n{line}")
            elif line.strip():
                held = LogLine(LogLevel.INFO, start or datetime.fromtimestamp(0, UTC), "", None, line)
            continue
        if held is not None:
            yield held._replace(message=held.message.rstrip("\n"))
        level, stamp, component, message = match.groups()
        held = LogLine(
            _LEVEL.get(level.upper(), Unknown(level)), _local(stamp, zone), stamp, component, message
        )
    if held is not None:
        yield held._replace(message=held.message.rstrip("\n"))


def _local(stamp: str, zone: tzinfo) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y/%m/%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # 0001/01/01 east of Greenwich
        return datetime.fromtimestamp(0, UTC)


def failure(log: Any) -> str | None:
    """Why a task failed: no field says, so the last error in its log, else the log's last record."""
    if not isinstance(log, str):
        return None
    lines = list(log_lines(log, zone=UTC, start=None))
    errors = [line for line in lines if line.level in (LogLevel.ERROR, LogLevel.CRITICAL)]
    return (errors or lines)[-1].message if lines else None


def id_of(native: Mapping[str, Any]) -> str:
    """A process's token, which is the same for all its versions.

    :raises Unintelligible: the server's object has none.
    """
    token = native.get("token")
    if not isinstance(token, str) or not token:
        raise Unintelligible(
            "the server answered with a process that has no token", hint="see it with --debug"
        )
    return token


def explain(body: Json) -> str | None:
    """The server's words for an error; only ``ErrorMessage`` is known, of the vendor's client."""
    if not isinstance(body, dict):
        return None
    by_name = {key.lower(): value for key, value in body.items()}
    for key in _MESSAGE_KEYS:
        value = by_name.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def result_number(body: Mapping[str, Json]) -> int | None:
    """The body's own status; None where there is none, or the zero of a field that was not set."""
    value = body.get("status")
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value != 0 else None


def is_error(body: Json) -> bool:
    """Is it this API's own word for "no", rather than what was asked for?"""
    if not isinstance(body, dict):
        return False
    number = result_number(body)
    return (number is not None and number not in _OK) or (number is None and explain(body) is not None)


def is_done(body: Mapping[str, Json]) -> bool:
    """Does it say so itself: by a number, or, where that is left out, by the task that it brings?"""
    number = result_number(body)
    if number is not None:
        return number in _OK
    return body.get("status") in _NOT_SET and isinstance(body.get("task"), dict) and bool(body["task"])


def raise_for(body: Mapping[str, Json], reply: Reply, *, absent: str, title: str) -> None:
    """Raise what a body's status means; HTTP itself said 200. ``absent`` is what a 404 tells the user."""
    data = dict(body)
    if not is_error(data):
        return
    number = result_number(body)
    text = explain(data)
    said = f": {safe(scrub(text))}" if text else ""
    raise _error(number, said, reply, absent=absent, title=title)


def _error(number: int | None, said: str, reply: Reply, *, absent: str, title: str) -> OrchctlError:
    asked = f"{title} answered {reply.asked} with status {number}{said}"
    match number:
        case 401 | 403:
            return NotAuthenticated(
                f"{title} does not let this external system do that ({number}){said}",
                hint="an administrator allows it under Systems; orchctl auth login says how it stands",
            )
        case 404:
            return NotFound(absent)
        case 409 | 412 | 422:
            return Refused(f"{title} refused ({number}){said}", hint="nothing was done")
        case 429:
            return Unavailable(asked, hint="it was not done; try later")
        case None:
            return BadRequest(f"{title} refused{said}", hint="nothing was done")
        case _ if 400 <= number < 500:
            return BadRequest(asked, hint="nothing was done; see the whole exchange with --debug")
    if reply.effect is Effect.READ:
        return Unavailable(asked, hint="the server has a fault of its own; try later")
    return OutcomeUnknown(f"{asked}: it may have been carried out")


def masked(native: Any) -> Json:
    """The orchestrator's own object without credentials."""
    if isinstance(native, dict):
        return {
            key: MASK if key.lower() in SECRET_FIELDS and value else masked(value)
            for key, value in native.items()
        }
    if isinstance(native, list):
        return [masked(item) for item in native]
    return scrub(native) if isinstance(native, str) else native
