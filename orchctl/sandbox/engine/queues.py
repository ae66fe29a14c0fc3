"""Queues, and the rules each keeps for its tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypedDict

from orchctl.model import TaskStatus
from orchctl.sandbox.engine.base import Conflict, Invalid, NotFound, Tx, as_id, new_guid

ROOT_FOLDER = 1
# sherpa.md 3.6: the vendor's limit since 5.8.0.
LONGEST_NAME = 128
# The vendor's cron_task_abandoned_interval (sherpa.md 3.4), for queues that have no limit of their own.
_ABANDON_TAKEN_MS = 24 * 3600 * 1000


class Queue(NamedTuple):
    """A row; the flags are 0 or 1, the times milliseconds, the two limits on waiting 0 for none."""

    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    unique_tasks: int
    auto_change_status: int
    max_retries: int
    retry_failed: int
    retry_business: int
    retry_abandoned: int
    abandon_new_ms: int
    abandon_taken_ms: int
    created_at: int
    updated_at: int


class QueueFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str
    description: str | None
    unique_tasks: bool
    auto_change_status: bool
    max_retries: int
    retry_failed: bool
    retry_business: bool
    retry_abandoned: bool
    abandon_new_ms: int
    abandon_taken_ms: int


_COLUMNS = ", ".join(Queue._fields)
_LIVE = f"SELECT {_COLUMNS} FROM queue WHERE deleted_at IS NULL"  # noqa: S608  # names of this module's own
_GUID_IS = f"{_LIVE} AND guid = lower(?)"
_NAME_IS = f"{_LIVE} AND name = ?"
_NAMESAKE = f"{_LIVE} AND name = ? AND folder_id = ?"
_ID_IS = f"{_LIVE} AND id = ?"
_ANY_BY_ID = f"SELECT {_COLUMNS} FROM queue WHERE id = ?"  # noqa: S608  # names of this module's own
_DEFAULTS: QueueFields = {
    "description": None,
    "unique_tasks": False,
    "auto_change_status": False,
    "max_retries": 0,
    "retry_failed": False,
    "retry_business": False,
    "retry_abandoned": False,
    "abandon_new_ms": 0,
    "abandon_taken_ms": 0,
}


def find(tx: Tx, key: str) -> Queue:
    """A queue by GUID, by name, or by number, in that order."""
    looks = [_GUID_IS, _NAME_IS] if len(key) == 36 else [_NAME_IS, _GUID_IS]
    queue = _one(tx, looks[0], key) or _one(tx, looks[1], key)
    number = as_id(key)
    if queue is None and number is not None:
        queue = _one(tx, _ID_IS, number)
    if queue is None:
        raise NotFound(f"there is no queue {key!r}")
    return queue


def of(tx: Tx, queue_id: int) -> Queue:
    """The queue a task lies in, which may have been deleted meanwhile."""
    return Queue._make(tx.connection.execute(_ANY_BY_ID, (queue_id,)).fetchone())


def every(tx: Tx, *, folder_id: int | None = None) -> Iterator[Queue]:
    """All queues, or those of one folder."""
    statement = f"{_LIVE} AND (? IS NULL OR folder_id = ?) ORDER BY id"
    return map(Queue._make, tx.connection.execute(statement, (folder_id, folder_id)))


def create(tx: Tx, fields: QueueFields, *, folder_id: int = ROOT_FOLDER) -> str:
    """Make a queue; gives its GUID. A name is taken once in a folder."""
    if "name" not in fields:
        raise Invalid("a queue needs a name")
    values: dict[str, object] = {**_DEFAULTS, **fields}
    guid = str(values.setdefault("guid", new_guid())).lower()
    values |= {"guid": guid, "folder_id": folder_id, "created_at": tx.now, "updated_at": tx.now}
    _check(tx, fields, own_id=None, folder_id=folder_id)
    tx.connection.execute(
        f"INSERT INTO queue ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608  # keys of QueueFields
        tuple(values.values()),
    )
    return guid


def update(tx: Tx, queue: Queue, fields: QueueFields) -> Queue:
    """Change a queue, and when its tasks fall due if their limits changed; gives it as it is now."""
    _check(tx, fields, own_id=queue.id, folder_id=queue.folder_id)
    values: dict[str, object] = {**fields, "updated_at": tx.now}
    tx.connection.execute(
        f"UPDATE queue SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",  # noqa: S608  # keys of QueueFields
        (*values.values(), queue.id),
    )
    changed = of(tx, queue.id)
    if (changed.abandon_new_ms, changed.abandon_taken_ms) != (queue.abandon_new_ms, queue.abandon_taken_ms):
        _reschedule(tx, changed)
    return changed


def delete(tx: Tx, queue: Queue) -> None:
    """Its tasks go out of reach with it; its name is free again."""
    tx.connection.execute(
        "UPDATE queue SET deleted_at = ?, updated_at = ? WHERE id = ?", (tx.now, tx.now, queue.id)
    )


def due(
    queue: Queue, status: str, *, since: int, postponed_until: int | None, deadline: int | None
) -> int | None:
    """When the clock will next change a task of this status, entered at ``since``.

    ``deadline`` is one that lies ahead.
    """
    if status == TaskStatus.POSTPONED:
        return since if postponed_until is None else postponed_until
    if status == TaskStatus.IN_PROGRESS:
        return since + (queue.abandon_taken_ms or _ABANDON_TAKEN_MS)
    if status != TaskStatus.NEW:
        return None
    moments = [] if deadline is None else [deadline]
    if queue.abandon_new_ms:
        moments.append(since + queue.abandon_new_ms)
    return min(moments, default=None)


def _reschedule(tx: Tx, queue: Queue) -> None:
    """When the queue's open tasks fall due under its new limits: what ``due`` says, for a million at once."""
    tx.connection.execute(
        """
        UPDATE task SET due_at = CASE status
            WHEN 'in-progress' THEN status_at + :taken
            ELSE nullif(min(
                CASE WHEN rank > 0 AND deadline IS NOT NULL THEN deadline ELSE :never END,
                CASE WHEN :new > 0 THEN status_at + :new ELSE :never END
            ), :never) END
        WHERE queue_id = :queue AND deleted_at IS NULL AND status IN ('new', 'in-progress')
        """,
        {
            "taken": queue.abandon_taken_ms or _ABANDON_TAKEN_MS,
            "new": queue.abandon_new_ms,
            "never": 2**62,
            "queue": queue.id,
        },
    )


def _one(tx: Tx, statement: str, *values: str | int) -> Queue | None:
    row = tx.connection.execute(statement, values).fetchone()
    return None if row is None else Queue._make(row)


def _check(tx: Tx, fields: QueueFields, *, own_id: int | None, folder_id: int) -> None:
    name = fields.get("name")
    if name is not None:
        if not name.strip():
            raise Invalid("a queue needs a name")
        if len(name) > LONGEST_NAME:
            raise Invalid(f"a queue's name has at most {LONGEST_NAME} characters, this one has {len(name)}")
        other = _one(tx, _NAMESAKE, name, folder_id)
        if other is not None and other.id != own_id:
            raise Conflict(f"there is a queue {name!r} already")
    for number in (fields.get("max_retries"), fields.get("abandon_new_ms"), fields.get("abandon_taken_ms")):
        if number is not None and number < 0:
            raise Invalid("a queue's limits cannot be negative")
