"""External systems: they register themselves, and an administrator lets them in."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from orchctl.sandbox.engine.base import Invalid, NotFound, Tx, is_guid


class Standing(StrEnum):
    REQUEST = "request"
    ALLOWED = "allowed"
    LOCKED = "locked"


class System(NamedTuple):
    """A row. Its ``guid`` is what it proves itself with: made by the system, and secret."""

    guid: str
    name: str
    description: str | None
    status: str
    created_at: int
    updated_at: int


_SELECT = f"SELECT {', '.join(System._fields)} FROM external_system"  # noqa: S608  # names of this module's own


def find(tx: Tx, guid: str) -> System | None:
    row = tx.connection.execute(f"{_SELECT} WHERE guid = lower(?)", (guid,)).fetchone()
    return None if row is None else System._make(row)


def register(
    tx: Tx, guid: str, *, name: str, description: str | None, status: Standing = Standing.REQUEST
) -> bool:
    """Whether it is new; one that is known keeps its standing and gets the name given now."""
    if not is_guid(guid):
        raise Invalid("the uuid of an external system must be a UUID")
    known = find(tx, guid)
    if known is None:
        tx.connection.execute(
            "INSERT INTO external_system VALUES (lower(?), ?, ?, ?, ?, ?)",
            (guid, name, description, status.value, tx.now, tx.now),
        )
        return True
    tx.connection.execute(
        "UPDATE external_system SET name = ?, description = ?, updated_at = ? WHERE guid = lower(?)",
        (name, description, tx.now, guid),
    )
    return False


def stand(tx: Tx, guid: str, status: Standing) -> System:
    """Let a system in, or lock it out.

    :raises NotFound: it has not registered.
    """
    changed = tx.connection.execute(
        "UPDATE external_system SET status = ?, updated_at = ? WHERE guid = lower(?)",
        (status.value, tx.now, guid),
    )
    system = find(tx, guid)
    if changed.rowcount == 0 or system is None:
        raise NotFound("no external system has registered with that UUID")
    return system


def waiting(tx: Tx) -> list[System]:
    """Those that an administrator has not decided on, the oldest first."""
    rows = tx.connection.execute(f"{_SELECT} WHERE status = ? ORDER BY created_at", (Standing.REQUEST.value,))
    return [System._make(row) for row in rows]
