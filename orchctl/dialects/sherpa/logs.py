"""Sherpa's log of robots' messages."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import DEFAULT_CAP, Calls
from orchctl.dialects.sherpa.wire import Record, dump, given, id_of, moment, plain
from orchctl.model.logs import log_entry
from orchctl.model.words import LogLevel, Unknown
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Json

# Seed 000. The reference's example has a number, and what it means is nowhere written.
_LEVEL_WORD = {
    LogLevel.DEBUG: "Debug",
    LogLevel.INFO: "Info",
    LogLevel.WARNING: "Warning",
    LogLevel.ERROR: "Error",
    LogLevel.CRITICAL: "Critical",
}
_LEVEL = {word.lower(): level for level, word in _LEVEL_WORD.items()}

_NO_TIME = datetime.fromtimestamp(0, UTC)
# By each field of an entry what its key may be, in the spelling of ``plain``; the first that says something counts.
_KEYS = (
    ("createdat", "created", "time"),
    ("guid", "id"),
    ("level",),
    ("message",),
    ("robotname", "robotguid", "robotid"),
    ("processname", "processguid", "processid"),
    ("processversionname", "processversionguid", "processversionid"),
    ("jobguid", "jobid"),
)
_KNOWN = frozenset(key for keys in _KEYS for key in keys)


class Logs(Calls):
    def create_log_entry(self, new: model.NewLogEntry) -> model.LogEntry | None:
        """``POST /api/log/create`` (seed 000). One source answers a guid, the other ``[]``."""
        if new.level not in _LEVEL_WORD:
            self.refuse_field(f"the level {new.level}", f"its levels are: {', '.join(_LEVEL_WORD)}")
        fields: dict[str, Json] = {
            **given(robot_guid=new.robot, process_version_guid=new.process_version, job_guid=new.job_id),
            "level": _LEVEL_WORD[new.level],
            "message": new.message,
        }
        guid = self._guid_if_any(self.http.send(self._call("POST", "/api/log/create", fields, coded=True)))
        if guid is None:
            return None
        return model.LogEntry(
            id=guid,
            time=datetime.now(UTC),
            level=new.level,
            message=new.message,
            robot=new.robot,
            process_version=new.process_version,
            job_id=new.job_id,
        )

    def list_log_entries(self, wanted: model.LogFilter, cursor: str | None) -> Page[model.LogEntry]:
        """``POST /api/log/list``: no filter is documented, so none is sent, and all come each time.

        A log has millions of entries: those too old are left out before one is made of them.
        """
        call = self._call("POST", "/api/log/list", {}, effect=Effect.READ)
        left_out = 0

        def read(native: dict[str, Any]) -> model.LogEntry | None:
            nonlocal left_out
            entry = self._entry(native, wanted.since)
            if entry is None:
                left_out += 1
            return entry

        rows = self._stream(call, read, known=_KNOWN)
        return Page(filter(None, rows), suspicious_size=DEFAULT_CAP, left_out=lambda: left_out)

    def get_log_entry(self, ident: str) -> model.LogEntry:
        """``GET /api/log/read/{guid}``."""
        native = self._read("log", ident)
        record = Record(native, self._zone)
        if record.first("message") is None:  # an entry that says something is one, with an id or without
            id_of(record)
        found = self._entry(native)
        assert found is not None
        return found

    def purge_log(self, before: datetime) -> None:
        """``DELETE /api/log/purge``: Unix seconds, a string in the reference's example."""
        fields: dict[str, Json] = {"Time": str(int(before.timestamp()))}
        call = self._call("DELETE", "/api/log/purge", fields, effect=Effect.IDEMPOTENT)
        self._acknowledged(self.http.send(call))

    def _entry(self, native: dict[str, Any], since: datetime | None = None) -> model.LogEntry | None:
        """``None``: it is from before ``since``. A time that cannot be read is none."""
        times, ids, levels, messages, robots, processes, versions, jobs = _places(tuple(native))
        stamp = native[times[0]] if times else None
        time = (
            _moment(stamp if type(stamp) is str and stamp else _first(native, times), self._zone) or _NO_TIME
        )
        if since is not None and time < since and time is not _NO_TIME:
            return None
        ident = native[ids[0]] if ids else None
        message = native[messages[0]] if messages else None
        level = native[levels[0]] if levels else None
        return log_entry(
            ident if ident and type(ident) is str else _text(native, ids),
            time,
            _level(level if type(level) is str else _first(native, levels)),
            message if type(message) is str else _text(native, messages) or "",
            _reference(native, robots) if robots else None,
            _reference(native, processes) if processes else None,
            _reference(native, versions) if versions else None,
            _reference(native, jobs) if jobs else None,
            native,
        )


@lru_cache(maxsize=64)
def _places(keys: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The keys of each field in rows that have ``keys``: all rows of an answer have the same ones."""
    spelled = {plain(key): key for key in keys}
    return tuple(tuple(spelled[key] for key in wanted if key in spelled) for wanted in _KEYS)


@lru_cache(maxsize=4096)
def _moment(value: Any, zone: tzinfo) -> datetime | None:
    return moment(value, zone)


@lru_cache(maxsize=64)
def _level(value: Any) -> LogLevel | Unknown:
    return _LEVEL.get(str(value).lower(), Unknown(value))


def _first(native: dict[str, Any], keys: tuple[str, ...]) -> str | float | None:
    for key in keys:
        value = native[key]
        if value is not None and value != "":
            return value if isinstance(value, str | int | float) else dump(value)
    return None


def _text(native: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    value = _first(native, keys)
    return value if value is None or isinstance(value, str) else dump(value)


def _reference(native: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    """A GUID, number or name of another object; 0 means none."""
    for key in keys:
        value = native[key]
        if value and value != "0":
            return value if type(value) is str else dump(value)
    return None
