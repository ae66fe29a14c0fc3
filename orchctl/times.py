"""Durations and points in time, as people type them and as machines read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from orchctl.errors import UsageFault

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_DURATION = re.compile(rf"(?:{_NUMBER}[smhdw])+", re.ASCII | re.IGNORECASE)
_DURATION_PART = re.compile(rf"({_NUMBER})([smhdw])", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(_NUMBER, re.ASCII)
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_DAY = re.compile(r"(today|yesterday|tomorrow)(?:\s+(\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII | re.IGNORECASE)
_DAY_OFFSET = {"yesterday": -1, "today": 0, "tomorrow": 1}

LONGEST_DAYS = 366
DURATION_FORMS = "90s, 10m, 2h30m, 1d, or a number of seconds"
TIME_FORMS = "a duration (10m, 2h30m, 1d), now, yesterday, today 18:00, or 2026-01-31T18:00:00Z"


def parse_duration(text: str) -> timedelta:
    """``90s``, ``10m``, ``2h30m``, ``1d``, ``1w``; a bare number is seconds.

    :raises UsageFault: it is none of these, or too long to reckon with.
    """
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            return timedelta(seconds=float(text))
        if _DURATION.fullmatch(text):
            return timedelta(
                seconds=sum(
                    float(number) * _UNITS[unit.lower()] for number, unit in _DURATION_PART.findall(text)
                )
            )
    except OverflowError:
        raise UsageFault(f"the duration {text!r} is too long") from None
    raise UsageFault(f"{text!r} is not a duration", hint=f"write {DURATION_FORMS}")


def parse_span(text: str, what: str, *, may_be_zero: bool = False) -> float:
    """The seconds of a duration that is waited for: not so many that a clock or the system could not.

    :raises UsageFault: it is no duration, none at all, or longer than ``LONGEST_DAYS``.
    """
    seconds = parse_duration(text).total_seconds()
    if seconds <= 0 and not may_be_zero:
        raise UsageFault(f"{what} must be more than 0 seconds")
    if seconds > LONGEST_DAYS * _UNITS["d"]:
        raise UsageFault(f"{what} is {LONGEST_DAYS} days at most")
    return seconds


def parse_time(text: str, *, now: datetime, forward: bool) -> datetime:
    """A point in time in UTC. A duration counts from ``now``: ahead if ``forward``, else back.

    A date or time without a zone is local.

    :raises UsageFault: it is none of the forms of ``TIME_FORMS``.
    """
    text = text.strip()
    try:
        if text.lower() == "now":
            return now
        if day := _DAY.fullmatch(text):
            word, hour, minute, second = day.groups()
            local = now.astimezone() + timedelta(days=_DAY_OFFSET[word.lower()])
            clock = datetime(
                local.year, local.month, local.day, int(hour or 0), int(minute or 0), int(second or 0)
            )
            return clock.astimezone(UTC)
        if stamp := _STAMP.fullmatch(text):
            date, time, zone = stamp.groups()
            return datetime.fromisoformat(f"{date}T{time or '00:00'}{(zone or '').upper()}").astimezone(UTC)
        duration = parse_duration(text)
        return now + duration if forward else now - duration
    except (UsageFault, ValueError, OverflowError):
        raise UsageFault(f"{text!r} is not a time", hint=f"write {TIME_FORMS}") from None


def rfc3339(moment: datetime) -> str:
    """``2026-01-31T18:00:00Z``: UTC, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
