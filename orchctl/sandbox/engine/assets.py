"""Assets: values kept for robots, each for all of them, for a group, or for one. What is secret lies sealed."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

from orchctl.sandbox.engine import robots
from orchctl.sandbox.engine.base import Conflict, Invalid, NotFound, Tx, as_id, is_guid, new_guid
from orchctl.sandbox.engine.queues import ROOT_FOLDER
from orchctl.sandbox.engine.robots import Group, Robot
from orchctl.sandbox.engine.table import Table

TYPES = (
    *("text", "credential", "calendar", "integer", "bool", "secret", "windows-credential"),
    *("key-value-list", "db-connection-string", "http-connection-string"),
)


class Asset(NamedTuple):
    """A row. ``value`` is a JSON text, ``secret`` sealed; without a robot and a group it is for all."""

    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    type: str
    value: str | None
    username: str | None
    secret: bytes | None
    expires_at: int | None
    robot_id: int | None
    group_id: int | None
    created_at: int
    updated_at: int


class AssetFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is. ``secret`` is in clear here."""

    guid: str
    name: str
    description: str | None
    type: str
    value: str | None
    username: str | None
    secret: str | None
    expires_at: int | None


class Everyone:
    """The third that an asset may be for, beside a robot and a group."""


EVERYONE = Everyone()
TABLE: Table[Asset] = Table("asset", Asset._fields, Asset._make, noun="asset")
_FOR_ROBOT = "robot_id = ?"
_FOR_ITS_GROUPS = "group_id IN (SELECT group_id FROM robot_in_group WHERE robot_id = ?)"
_FOR_ALL = "robot_id IS NULL AND group_id IS NULL"
_VISIBLE = f"({_FOR_ROBOT} OR {_FOR_ITS_GROUPS} OR {_FOR_ALL})"


def create(
    tx: Tx,
    fields: AssetFields,
    *,
    for_whom: Robot | Group | Everyone = EVERYONE,
    folder_id: int = ROOT_FOLDER,
) -> Asset:
    TABLE.check_name(fields.get("name"))
    if "type" not in fields:
        raise Invalid("an asset needs a type")
    guid = fields.get("guid", "").lower() or new_guid()
    values = _values(tx, guid, fields) | _scope(for_whom)
    return TABLE.insert(tx, {**values, "guid": guid, "folder_id": folder_id})


def find(tx: Tx, key: str, *, robot: Robot | None = None) -> Asset:
    """An asset by GUID, name or number; for a robot only one that is meant for it.

    Of several with one name a robot gets the one that is meant for it most closely: its own, then its group's.
    """
    if robot is None:
        return TABLE.find(tx, key)
    number = as_id(key)
    own = (robot.id, robot.id)
    asset = TABLE.one(tx, f"guid = lower(?) AND {_VISIBLE}", key, *own) if is_guid(key) else None
    asset = asset or _nearest(tx, key, robot)
    if asset is None and number is not None:
        asset = TABLE.one(tx, f"id = ? AND {_VISIBLE}", number, *own)
    if asset is None:
        raise NotFound(f"there is no asset {key!r}")
    return asset


def every(tx: Tx, *, robot: Robot | None = None, folder_id: int | None = None) -> list[Asset]:
    """All, or those that are meant for a robot."""
    if robot is not None:
        return TABLE.many(tx, f"{_VISIBLE} ORDER BY id", robot.id, robot.id)
    return TABLE.many(tx, "(? IS NULL OR folder_id = ?) ORDER BY id", folder_id, folder_id)


def update(
    tx: Tx, asset: Asset, fields: AssetFields, *, for_whom: Robot | Group | Everyone | None = None
) -> Asset:
    if "name" in fields:
        TABLE.check_name(fields["name"])
    values = _values(tx, asset.guid, fields)
    if for_whom is not None:
        values |= _scope(for_whom)
    return TABLE.update(tx, asset, values)


def delete(tx: Tx, asset: Asset) -> None:
    """Its secret goes with it, for good."""
    TABLE.write(tx, asset, {"secret": None})
    TABLE.delete(tx, asset)


def reveal(tx: Tx, asset: Asset) -> str | None:
    """The secret in clear.

    :raises LocalFault: it cannot be opened any more.
    """
    return None if asset.secret is None else tx.vault.open(asset.secret, owner=asset.guid)


def robot_of(tx: Tx, asset: Asset) -> Robot | None:
    return robots.of(tx, asset.robot_id)


def group_of(tx: Tx, asset: Asset) -> Group | None:
    return robots.GROUPS.by_id(tx, asset.group_id)


def _nearest(tx: Tx, name: str, robot: Robot) -> Asset | None:
    for condition, values in ((_FOR_ROBOT, (robot.id,)), (_FOR_ITS_GROUPS, (robot.id,)), (_FOR_ALL, ())):
        found = TABLE.many(tx, f"name = ? AND {condition} ORDER BY id LIMIT 2", name, *values)
        if len(found) > 1:
            raise Conflict(f"several assets have the name {name!r}; give a GUID")
        if found:
            return found[0]
    return None


def _values(tx: Tx, guid: str, fields: AssetFields) -> dict[str, Any]:
    values: dict[str, Any] = {**fields}
    kind = fields.get("type")
    if kind is not None and kind not in TYPES:
        raise Invalid(f"there is no asset type {kind!r}; there are {', '.join(TYPES)}")
    secret = fields.get("secret")
    if secret is not None:
        values["secret"] = tx.vault.seal(secret, owner=guid)
    return values


def _scope(for_whom: Robot | Group | Everyone) -> dict[str, Any]:
    return {
        "robot_id": for_whom.id if isinstance(for_whom, Robot) else None,
        "group_id": for_whom.id if isinstance(for_whom, Group) else None,
    }
