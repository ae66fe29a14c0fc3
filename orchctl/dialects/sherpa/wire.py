"""How Sherpa Orchestrator writes things down, and how to read it whichever way it did.

Its documents contradict each other on spelling, types and shapes, so reading is tolerant and writing follows
the vendor's running code where there is some (seeds 000, 001) and the API reference elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchctl.errors import Unintelligible, UsageFault
from orchctl.model.words import Unknown
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.model import Json

_NO_TIME = frozenset({"", "0", "0000-00-00 00:00:00"})

# The code's keys, and what the reference calls the same.
_IN_THE_REFERENCE = {
    "guid": "Guid",
    "status": "Status",
    "queue_guid": "QueueGuid",
    "name": "Name",
    "parameters": "Parameters",
    "text": "Text",
    "password": "Password",
    "robot_guid": "RobotGUID",
    "process_version_guid": "ProcessVersionGUID",
    "job_guid": "JobGUID",
    "level": "Level",
    "message": "Message",
}


def as_form(fields: Mapping[str, Json]) -> dict[str, str]:
    """A form holds texts only."""
    return {key: _form_text(value) for key, value in fields.items()}


def _form_text(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else dump(value)


def as_json(fields: Mapping[str, Json]) -> dict[str, Json]:
    """JSON is the reference's style, and goes with its spelling of the keys."""
    return {_IN_THE_REFERENCE.get(key, key): value for key, value in fields.items()}


def given(**fields: Json) -> dict[str, Json]:
    """The fields that have a value."""
    return {key: value for key, value in fields.items() if value is not None}


@lru_cache(maxsize=1024)
def plain(key: str) -> str:
    return key.replace("_", "").replace(" ", "").lower()


def moment(value: Any, zone: tzinfo) -> datetime | None:
    """ "YYYY-MM-DD HH:MM:SS" in the context's time zone, or Unix seconds; 0 and zeros mean none."""
    if not isinstance(value, str | int | float) or value in _NO_TIME:
        return None
    try:
        if not isinstance(value, str) or value.isdigit():
            return datetime.fromtimestamp(int(value), UTC) if int(value) else None
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone)
        return found if found.tzinfo is UTC else found.astimezone(UTC)
    except (OSError, OverflowError, ValueError):  # the year 1 east of Greenwich is no time in UTC either
        return None


class Record:
    """One JSON object of an answer, looked up without regard to case, underscores or blanks in keys."""

    __slots__ = ("native", "values", "zone")

    def __init__(self, native: Mapping[str, Any], zone: tzinfo) -> None:
        self.native = native
        self.values = {plain(key): value for key, value in native.items()}
        self.zone = zone

    def first(self, *keys: str) -> Any:
        """The first of ``keys`` (plain spelling) that is there and not null or empty."""
        for key in keys:
            value = self.values.get(key)
            if value is not None and value != "":
                return value
        return None

    def text(self, *keys: str) -> str | None:
        value = self.first(*keys)
        return value if value is None or isinstance(value, str) else dump(value)

    def ident(self, *keys: str) -> str | None:
        """The object's own GUID or number; what is neither identifies nothing."""
        value = self.first("guid", *keys, "id")
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

    def reference(self, *keys: str) -> str | None:
        """A GUID, number or name of another object; 0 means none."""
        return next((text for key in keys if (text := self.text(key)) not in (None, "0")), None)

    def number(self, *keys: str) -> int | None:
        value = self.first(*keys)
        try:
            return None if value is None else int(value)
        except (OverflowError, TypeError, ValueError):
            return None

    def flag(self, *keys: str) -> bool | None:
        number = self.number(*keys)
        return None if number is None else number != 0

    def time(self, *keys: str) -> datetime | None:
        return moment(self.first(*keys), self.zone)

    def nested(self, *keys: str) -> Json:
        """A value that may be JSON inside a string (documented for parameters), up to twice."""
        value: Json = self.first(*keys)
        for _ in range(2):
            if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
                break
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                break
        return value

    def word(self, words: Mapping[int, Any], *keys: str) -> Any:
        """The vocabulary's word for a wire number; ``Unknown`` for one that has none."""
        value = self.first(*keys)
        if value is None:
            return None
        try:
            return words[int(value)]
        except (KeyError, OverflowError, TypeError, ValueError):
            return Unknown(value)


def id_of(record: Record, *keys: str, known: str | None = None) -> str:
    """The id of an object, under one of ``keys`` too; ``known`` where its answer need not say it.

    :raises Unintelligible: the server's object has none.
    """
    found = record.ident(*keys) or known
    if found is None:
        raise Unintelligible(
            "the server answered with an object that holds no id", hint="see it with --debug"
        )
    return found


def unwrapped(data: Json) -> Json:
    """JSON inside a JSON string, as some of the vendor's answers come."""
    if isinstance(data, str) and data.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(data)  # type: ignore[no-any-return]  # json.loads is typed Any
        except (ValueError, RecursionError):
            return data
    return data


# Making an encoder takes longer than encoding a task.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Json) -> str:
    return _encode(value)


def zone_of(name: str) -> tzinfo:
    if name.upper() in ("UTC", "Z"):
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def stamp(moment: datetime | None, zone: tzinfo) -> str | None:
    if moment is None:
        return None
    try:
        return moment.astimezone(zone).replace(tzinfo=None).isoformat(" ", "seconds")
    except OverflowError:
        raise UsageFault(f"{rfc3339(moment)} is beyond all times in the time zone {zone}") from None


def split_tags(text: str | None) -> tuple[str, ...]:
    return tuple(tag for tag in (part.strip() for part in (text or "").split(";")) if tag)


def join_tags(tags: tuple[str, ...]) -> str:
    """ "a;b;", as the reference's example of addTag ends it."""
    return "".join(f"{tag};" for tag in tags)
