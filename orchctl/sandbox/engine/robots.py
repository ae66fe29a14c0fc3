"""Robots and their groups: who may take a job, and what each robot last said of itself."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

from orchctl.model import RobotStatus
from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.queues import ROOT_FOLDER
from orchctl.sandbox.engine.table import Table

# A robot may be silent for so long; its vendors advise a heartbeat each 10 s.
SILENCE_MS = 120_000
_ALIVE = (RobotStatus.READY, RobotStatus.WORKING)
# sherpa.md 3.3: only these get jobs.
UNATTENDED = "unattended"


class Robot(NamedTuple):
    """A row; ``due_at`` is when its silence will have lasted too long."""

    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    type: str
    enabled: int
    status: str
    machine: str | None
    ip: str | None
    mac: str | None
    username: str | None
    license: str | None
    license_expires_at: int | None
    created_at: int
    updated_at: int
    last_seen_at: int | None
    due_at: int | None

    @property
    def takes_jobs(self) -> bool:
        return bool(self.enabled) and self.type == UNATTENDED


class RobotFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str
    description: str | None
    type: str
    enabled: bool
    status: RobotStatus
    machine: str | None
    ip: str | None
    mac: str | None
    username: str | None
    license: str | None
    license_expires_at: int | None


class Group(NamedTuple):
    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    created_at: int
    updated_at: int


class GroupFields(TypedDict, total=False):
    guid: str
    name: str
    description: str | None


TABLE: Table[Robot] = Table("robot", Robot._fields, Robot._make, noun="robot")
GROUPS: Table[Group] = Table("robot_group", Group._fields, Group._make, noun="robot group")


def create(tx: Tx, fields: RobotFields, *, folder_id: int = ROOT_FOLDER) -> Robot:
    """A robot that has not been heard of yet."""
    import uuid

    TABLE.check_name(fields.get("name"))
    values: dict[str, object] = {
        # A robot proves itself with its GUID, so that must not be guessable.
        "guid": str(uuid.uuid4()),
        "folder_id": folder_id,
        "type": UNATTENDED,
        "enabled": True,
        "status": RobotStatus.DISCONNECTED,
        **fields,
    }
    return TABLE.insert(tx, values)


def find(tx: Tx, key: str) -> Robot:
    """A robot by GUID, by name, or by number, in that order."""
    return TABLE.find(tx, key)


def with_guid(tx: Tx, guid: str) -> Robot | None:
    return TABLE.one(tx, "guid = ?", guid)


def of(tx: Tx, number: int | None) -> Robot | None:
    """The robot of a job or asset, which may have been deleted meanwhile."""
    return TABLE.by_id(tx, number)


def every(tx: Tx, *, folder_id: int | None = None) -> list[Robot]:
    return TABLE.many(tx, "(? IS NULL OR folder_id = ?) ORDER BY id", folder_id, folder_id)


def update(tx: Tx, robot: Robot, fields: RobotFields) -> Robot:
    if "name" in fields:
        TABLE.check_name(fields["name"])
    return TABLE.update(tx, robot, {**fields})


def delete(tx: Tx, robot: Robot) -> None:
    """Its groups lose it. ``heartbeats.retire`` sees to its jobs too."""
    tx.connection.execute("DELETE FROM robot_in_group WHERE robot_id = ?", (robot.id,))
    TABLE.write(tx, robot, {"due_at": None})
    TABLE.delete(tx, robot)


def seen(tx: Tx, robot: Robot, fields: RobotFields) -> Robot:
    """It said something of itself just now."""
    status = fields.get("status", RobotStatus(robot.status))
    due_at = tx.now + SILENCE_MS if status in _ALIVE else None
    changed: dict[str, Any] = {**fields, "last_seen_at": tx.now, "due_at": due_at}
    TABLE.write(tx, robot, changed)
    return robot._replace(**changed)


def create_group(tx: Tx, fields: GroupFields, *, folder_id: int = ROOT_FOLDER) -> Group:
    GROUPS.check_name(fields.get("name"))
    return GROUPS.insert(tx, {"folder_id": folder_id, **fields})


def find_group(tx: Tx, key: str) -> Group:
    return GROUPS.find(tx, key)


def update_group(tx: Tx, group: Group, fields: GroupFields) -> Group:
    if "name" in fields:
        GROUPS.check_name(fields["name"])
    return GROUPS.update(tx, group, {**fields})


def delete_group(tx: Tx, group: Group) -> None:
    """Its robots stay."""
    tx.connection.execute("DELETE FROM robot_in_group WHERE group_id = ?", (group.id,))
    GROUPS.delete(tx, group)


def add_to_group(tx: Tx, group: Group, robot: Robot) -> None:
    tx.connection.execute("INSERT OR IGNORE INTO robot_in_group VALUES (?, ?)", (robot.id, group.id))


def remove_from_group(tx: Tx, group: Group, robot: Robot) -> None:
    """Nothing happens where it was not in it."""
    tx.connection.execute(
        "DELETE FROM robot_in_group WHERE robot_id = ? AND group_id = ?", (robot.id, group.id)
    )


def groups_of(tx: Tx, robot: Robot) -> list[int]:
    rows = tx.connection.execute("SELECT group_id FROM robot_in_group WHERE robot_id = ?", (robot.id,))
    return [int(row[0]) for row in rows]


def members(tx: Tx, group_id: int) -> list[Robot]:
    return TABLE.many(
        tx, "id IN (SELECT robot_id FROM robot_in_group WHERE group_id = ?) ORDER BY id", group_id
    )
