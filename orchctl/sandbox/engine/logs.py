"""The log: what robots, and the engine itself, have to say. Entries are only added, and go with age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchctl.model import LogLevel
from orchctl.sandbox.engine import processes
from orchctl.sandbox.engine.base import LOG_KEPT_MS, NotFound, Tx, as_id, is_guid, new_guid
from orchctl.sandbox.engine.processes import Version
from orchctl.sandbox.engine.queues import ROOT_FOLDER
from orchctl.sandbox.engine.robots import Robot

LEVELS = tuple(LogLevel)


class Entry(NamedTuple):
    """A row. ``time`` is when it happened, ``created_at`` when it came; names are those of that time."""

    id: int
    guid: str
    folder_id: int
    time: int
    level: str
    message: str
    robot_id: int | None
    robot_name: str | None
    process_name: str | None
    version_id: int | None
    job_guid: str | None
    machine: str | None
    raw: str | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries to list; ``None`` lets everything through. ``level`` means that level and above."""

    level: LogLevel | None = None
    folder_id: int | None = None
    robot_id: int | None = None
    process_name: str | None = None
    version_id: int | None = None
    job_guid: str | None = None
    machine: str | None = None
    since: int | None = None
    until: int | None = None

    def condition(self) -> tuple[str, tuple[object, ...]]:
        """What to add to a WHERE, and its values."""
        parts: list[tuple[str, Sequence[object]]] = [
            (condition, (value,))
            for condition, value in (
                ("folder_id = ?", self.folder_id),
                ("robot_id = ?", self.robot_id),
                ("process_name = ?", self.process_name),
                ("version_id = ?", self.version_id),
                ("job_guid = ?", self.job_guid),
                ("machine = ?", self.machine),
                ("time >= ?", self.since),
                ("time <= ?", self.until),
            )
            if value is not None
        ]
        if self.level is not None:
            levels = LEVELS[LEVELS.index(self.level) :]
            parts.append((f"level IN ({', '.join('?' * len(levels))})", levels))
        text = "".join(f" AND {part}" for part, _ in parts)
        return text, tuple(value for _, values in parts for value in values)


_SELECT = f"SELECT {', '.join(Entry._fields)} FROM log"  # noqa: S608  # names of this module's own
_INSERT = (
    f"INSERT INTO log ({', '.join(Entry._fields[1:])}) "  # noqa: S608  # names of this module's own
    f"VALUES ({', '.join('?' * (len(Entry._fields) - 1))})"
)


def create(
    tx: Tx,
    level: LogLevel,
    message: str,
    *,
    robot: Robot | None = None,
    version: Version | None = None,
    job_guid: str | None = None,
    process_name: str | None = None,
    machine: str | None = None,
    time: int | None = None,
    raw: str | None = None,
    folder_id: int = ROOT_FOLDER,
) -> str:
    """Add an entry; gives its GUID."""
    if version is not None and process_name is None:
        process_name = processes.of(tx, version.process_id).name
    guid = new_guid()
    tx.connection.execute(
        _INSERT,
        (
            guid,
            folder_id,
            tx.now if time is None else time,
            level.value,
            message,
            None if robot is None else robot.id,
            None if robot is None else robot.name,
            process_name,
            None if version is None else version.id,
            job_guid,
            machine if machine is not None or robot is None else robot.machine,
            raw,
            tx.now,
        ),
    )
    return guid


def find(tx: Tx, key: str) -> Entry:
    """An entry by GUID or by number."""
    number = as_id(key)
    row = None
    if is_guid(key):
        row = tx.connection.execute(f"{_SELECT} WHERE guid = lower(?)", (key,)).fetchone()
    elif number is not None:
        row = tx.connection.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"there is no log entry {key!r}")
    return Entry._make(row)


def last_id(tx: Tx) -> int:
    return int(tx.connection.execute("SELECT max(id) FROM log").fetchone()[0] or 0)


def after(tx: Tx, wanted: Wanted, *, key: int, last: int, limit: int) -> list[Entry]:
    """Entries with ids over ``key`` and up to ``last``, in the order of their coming."""
    condition, values = wanted.condition()
    rows = tx.connection.execute(
        f"{_SELECT} WHERE id > ? AND id <= ?{condition} ORDER BY id LIMIT ?", (key, last, *values, limit)
    )
    return [Entry._make(row) for row in rows.fetchall()]


def search(
    tx: Tx, wanted: Wanted, *, newest_first: bool = False, limit: int = -1, offset: int = 0
) -> Iterator[Entry]:
    """Entries in the order in which they happened."""
    condition, values = wanted.condition()
    order = "time DESC, id DESC" if newest_first else "time, id"
    return map(
        Entry._make,
        tx.connection.execute(
            f"{_SELECT} WHERE true{condition} ORDER BY {order} LIMIT ? OFFSET ?", (*values, limit, offset)
        ),
    )


def count(tx: Tx, wanted: Wanted) -> int:
    condition, values = wanted.condition()
    row = tx.connection.execute(f"SELECT count(*) FROM log WHERE true{condition}", values)  # noqa: S608  # names of this module's own
    return int(row.fetchone()[0])


def purge(tx: Tx, *, before: int) -> int:
    """Delete what came before that time; gives how many went."""
    return tx.connection.execute("DELETE FROM log WHERE created_at < ?", (before,)).rowcount


def settle(tx: Tx, *, limit: int) -> None:
    """Let at most ``limit`` entries go that have been kept for long enough."""
    tx.connection.execute(
        "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE created_at <= ? ORDER BY created_at LIMIT ?)",
        (tx.now - LOG_KEPT_MS, limit),
    )
