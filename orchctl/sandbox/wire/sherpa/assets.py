"""Resources: credentials, texts and calendars, for all robots, for a group, or for one."""

from __future__ import annotations

from json import dumps, loads

from orchctl.model import Json
from orchctl.sandbox.engine import Invalid, assets, robots
from orchctl.sandbox.engine.assets import EVERYONE, Asset, AssetFields, Everyone
from orchctl.sandbox.engine.robots import Group, Robot
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.sherpa.asks import Ask, Route, Routes, answer, guid, nothing, number, time

_TYPES = {"1": "credential", "2": "text", "3": "calendar"}
_WITH_PASSWORD = ("credential", "secret", "windows-credential")
# 1 one robot, 2 a group, 3 all: not the numbers that triggers have.
_ROBOT, _GROUP, _ALL = 1, 2, 3
# sherpa.md 3.5.
_LONGEST_TEXT = 10_000


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    fields = _fields(ask, None)
    asset = assets.create(ask.tx, {"type": "text", **fields}, for_whom=_for_whom(ask) or EVERYONE)
    return guid(asset.guid)


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown(ask, _find(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of assets: give a GUID or a name")
    return answer([_shown(ask, asset) for asset in assets.every(ask.tx, robot=ask.robot)])


def update(ask: Ask) -> Response:
    asset = _find(ask)
    assets.update(ask.tx, asset, _fields(ask, asset), for_whom=_for_whom(ask))
    return nothing()


def delete(ask: Ask) -> Response:
    assets.delete(ask.tx, _find(ask))
    return nothing()


ROUTES: Routes = {
    ("asset", "create"): Route("POST", create, robots=True),
    ("asset", "read"): Route("GET", read, args=1, robots=True),
    ("asset", "update"): Route("PUT", update, robots=True),
    ("asset", "delete"): Route("DELETE", delete, args=1),
}


def _find(ask: Ask) -> Asset:
    return assets.find(ask.tx, ask.key("Guid"), robot=ask.robot)


def _fields(ask: Ask, asset: Asset | None) -> AssetFields:
    fields = ask.fields
    given: AssetFields = {}
    if (name := fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    kind = asset.type if asset is not None else "text"
    if code := fields.text("Type"):
        if code not in _TYPES:
            raise Invalid(f"there is no asset type {code}: 1 credentials, 2 text, 3 calendar")
        if asset is None or _code(asset) != code:
            given["type"] = kind = _TYPES[code]
    if (text := fields.text("Text")) is not None:
        if len(text) > _LONGEST_TEXT:
            raise Invalid(f"an asset's text has at most {_LONGEST_TEXT} characters, this one has {len(text)}")
        if kind in _WITH_PASSWORD:
            given["username"] = text
        else:
            given["value"] = _value(kind, text)
    if (password := fields.text("Password")) is not None:
        if kind not in _WITH_PASSWORD:
            raise Invalid("only credentials (Type 1) have a Password")
        given["secret"] = password
    if "PasswordExpiration" in fields:
        given["expires_at"] = fields.moment("PasswordExpiration")
    return given


def _value(kind: str, text: str) -> str:
    if kind == "text":
        return dumps(text, ensure_ascii=False)
    try:
        value = decode_json(text)
    except ValueError:
        value = None
    fits = {"calendar": list, "integer": int, "bool": bool}.get(kind)
    if value is None or (fits is not None and type(value) is not fits):
        wanted = "a JSON array of days" if kind == "calendar" else f"JSON of the type {kind}"
        raise Invalid(f"Text must be {wanted} for this asset")
    return text


def _for_whom(ask: Ask) -> Robot | Group | Everyone | None:
    """``None``: it was not said."""
    code = ask.fields.integer("RobotType")
    robot, group = ask.fields.text("RobotId"), ask.fields.text("RobotGroupId")
    if code is None:
        code = _ROBOT if robot else _GROUP if group else None
    match code:
        case None:
            return None
        case 1:
            return robots.find(ask.tx, ask.unnamed(ask.fields.required("RobotId"), "robot"))
        case 2:
            key = ask.fields.required("RobotGroupId")
            return robots.find_group(ask.tx, ask.unnamed(key, "robot group"))
        case 3:
            return EVERYONE
    raise Invalid(f"there is no RobotType {code}: 1 one robot, 2 a robot group, 3 all robots")


def _shown(ask: Ask, asset: Asset) -> dict[str, Json]:
    """REF's keys in its order; the password comes in clear. FW has created, updated and account_id instead."""
    kind = _ROBOT if asset.robot_id else _GROUP if asset.group_id else _ALL
    shown: dict[str, Json] = {
        "id": str(asset.id),
        "guid": asset.guid,
        "name": asset.name,
        "description": asset.description,
        "type": _code(asset),
        "text": _text(asset),
        "password": assets.reveal(ask.tx, asset),
        "password_expiration": time(asset.expires_at),
        "robot_type": str(kind),
        "robot_id": number(asset.robot_id),
        "robot_group_id": number(asset.group_id),
        "is_deleted": "0",
        "created_at": time(asset.created_at),
        "updated_at": time(asset.updated_at),
    }
    if ask.strict:
        return shown
    robot, group = assets.robot_of(ask.tx, asset), assets.group_of(ask.tx, asset)
    return shown | {
        "robot_guid": robot.guid if robot else None,
        "robot_group_guid": group.guid if group else None,
    }


def _code(asset: Asset) -> str:
    """A type that only other wires know is shown as what comes nearest."""
    if asset.type in _WITH_PASSWORD:
        return "1"
    return "3" if asset.type == "calendar" else "2"


def _text(asset: Asset) -> str | None:
    """A text, a login or a calendar's days, as the type has it."""
    if asset.type in _WITH_PASSWORD:
        return asset.username
    if asset.value is None or asset.type != "text":
        return asset.value
    value = loads(asset.value)
    return value if isinstance(value, str) else asset.value
