"""Assets. The engine keeps a row for everyone and one for each robot; here they are one asset of a name."""

from __future__ import annotations

from json import dumps, loads
from typing import Any

from orchctl.sandbox.engine import assets, robots
from orchctl.sandbox.engine.assets import EVERYONE, Asset, AssetFields
from orchctl.sandbox.engine.base import Tx, as_id
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.folders import find as find_folder
from orchctl.sandbox.engine.robots import Robot
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, Body, done, json, missing, nothing, stamp
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, NAME_TAKEN, PASSWORD_NEEDED, Refused
from orchctl.sandbox.wire.uipath.robots import in_folder as robot_in_folder
from orchctl.sandbox.wire.uipath.robots import with_key

ENTITY = "Assets"

_TYPE = {
    "DBConnectionString": "db-connection-string",
    "HttpConnectionString": "http-connection-string",
    "Text": "text",
    "Bool": "bool",
    "Integer": "integer",
    "Credential": "credential",
    "WindowsCredential": "windows-credential",
    "KeyValueList": "key-value-list",
    "Secret": "secret",
}
_TYPE_OF = {word: name for name, word in _TYPE.items()} | {"calendar": "Text"}
_ENUMS = {"valuetype": tuple(_TYPE), "valuescope": ("Global", "PerRobot")}
_NAVIGATION = frozenset({"UserValues"})
_CREDENTIALS = ("Credential", "WindowsCredential")
_LONGEST_NAME = 256
_LONGEST_TEXT = 1_000_000
_LONGEST_SECRET = 25_000
_LARGEST = 2**31 - 1


def list_(ask: Ask) -> Response:
    """The old list, which leaves secrets out (as servers of version 20 do)."""
    rows = [row for row in _rows(ask, ask.folder()) if row["ValueType"] != "Secret"]
    return ask.rows(ENTITY, rows, enums=_ENUMS, navigation=_NAVIGATION)


def filtered(ask: Ask) -> Response:
    """``GetFiltered``: secrets too, but users' names are empty (as servers of version 20 do)."""
    rows = _rows(ask, ask.folder())
    for row in rows:
        if row["ValueType"] in _CREDENTIALS:
            row["CredentialUsername"] = ""
    return ask.rows(ENTITY, rows, enums=_ENUMS, navigation=_NAVIGATION)


def list_everywhere(ask: Ask) -> Response:
    """``GetAssetsAcrossFolders``."""
    numbers = sorted({asset.folder_id for asset in assets.every(ask.tx)})
    rows = [row for number in numbers for row in _rows(ask, find_folder(ask.tx, str(number)))]
    return ask.rows(ENTITY, rows, enums=_ENUMS, navigation=_NAVIGATION, others=("excludefolderid",))


def get(ask: Ask) -> Response:
    return ask.one(ENTITY, _shown(ask.tx, _group(ask.tx, ask.folder(), ask.key())), navigation=_NAVIGATION)


def create(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    name = body.required("Name", longest=_LONGEST_NAME)
    kind = _kind(body)
    if name.casefold() in _groups(ask.tx, folder):
        raise Refused(409, f"An asset with the name {name} already exists.", code=NAME_TAKEN)
    common: AssetFields = {"name": name, "description": body.text("Description", longest=250)}
    for user, values in _wanted(body):
        robot = None if user is None else robot_in_folder(ask.tx, folder, user)
        fields: AssetFields = {**common, **_value(values, kind, None)}
        assets.create(ask.tx, fields, for_whom=robot or EVERYONE, folder_id=folder.id)
    return ask.one(
        ENTITY, _shown(ask.tx, _groups(ask.tx, folder)[name.casefold()]), status=201, navigation=_NAVIGATION
    )


def update(ask: Ask) -> Response:
    """PUT replaces: what is left out goes, but for a secret whose user's name is the same."""
    folder, body = ask.folder(), ask.body()
    group = _group(ask.tx, folder, ask.key())
    name = body.required("Name", longest=_LONGEST_NAME)
    other = _groups(ask.tx, folder).get(name.casefold())
    if other is not None and other[0].id != group[0].id:
        raise Refused(409, f"An asset with the name {name} already exists.", code=NAME_TAKEN)
    kind = _kind(body)
    common: AssetFields = {"name": name, "description": body.text("Description", longest=250)}
    known = {asset.robot_id: asset for asset in group}
    wanted = _wanted(body)
    spare = [asset for asset in group if asset.robot_id not in {user for user, _ in wanted}]
    for user, values in wanted:
        robot = None if user is None else robot_in_folder(ask.tx, folder, user)
        before = known.get(user)
        fields: AssetFields = {**common, **_value(values, kind, before)}
        target = before or (spare.pop(0) if spare else None)
        if target is None:
            assets.create(ask.tx, fields, for_whom=robot or EVERYONE, folder_id=folder.id)
        else:
            assets.update(ask.tx, target, fields, for_whom=robot or EVERYONE)
    for asset in spare:
        assets.delete(ask.tx, asset)
    return done(ask)


def delete(ask: Ask) -> Response:
    for asset in _group(ask.tx, ask.folder(), ask.key()):
        assets.delete(ask.tx, asset)
    return nothing()


def folders_of(ask: Ask) -> Response:
    """``GetFoldersForAsset(id=)``."""
    folder = ask.folder()
    _group(ask.tx, folder, as_id(ask.argument("id")) or 0)
    row = {
        "Id": folder.id,
        "Key": folder.guid,
        "DisplayName": folder.name,
        "FullyQualifiedName": folder.path,
    }
    context = f"{ask.base}/odata/$metadata#UiPath.AccessibleFoldersDto"
    return json({"@odata.context": context, "TotalFoldersCount": 1, "AccessibleFolders": [row]})


def for_robot(ask: Ask) -> Response:
    """``GetRobotAssetByNameForRobotKey``: with its secret, since a robot asks."""
    body = ask.body()
    robot = _asking(ask, body.text("robotKey"))
    return _user_asset(ask, body.required("assetName"), robot)


def for_robot_id(ask: Ask) -> Response:
    """``GetRobotAssetByRobotId(robotId=,assetName='')``."""
    robot = robots.of(ask.tx, as_id(ask.argument("robotId")))
    if robot is None:
        raise missing("Robot")
    return _user_asset(ask, ask.argument("assetName"), robot)


def set_for_robot(ask: Ask) -> Response:
    """``SetRobotAssetByRobotKey``: the robot's own value if it has one, else everybody's."""
    body = ask.body()
    robot = _asking(ask, body.text("robotKey"))
    values = body.inner("robotAsset", "robotAsset")
    asset = _for(ask, values.required("Name"), robot)
    if asset is None:
        raise missing("Asset")
    kind = values.text("ValueType") or _TYPE_OF[asset.type]
    assets.update(ask.tx, asset, _value(values, kind, asset))
    return nothing()


def _asking(ask: Ask, key: str | None) -> Robot | None:
    """The robot of a key; with one that nobody has, a client gets what is for everyone."""
    robot = with_key(ask.tx, key) if key else None
    if robot is None and ask.strict:
        raise missing("Robot")
    return robot


def _for(ask: Ask, name: str, robot: Robot | None) -> Asset | None:
    group = _groups(ask.tx, ask.folder()).get(name.casefold(), [])
    own = [asset for asset in group if robot is not None and asset.robot_id == robot.id]
    everyones = [asset for asset in group if asset.robot_id is None]
    return next(iter(own + everyones), None)


def _user_asset(ask: Ask, name: str, robot: Robot | None) -> Response:
    asset = _for(ask, name, robot)
    if asset is None:
        raise Refused(404, f"Could not find an asset with the name '{name}'.", code=1002)
    row = _value_shown(asset)
    secret = assets.reveal(ask.tx, asset)
    kind = _TYPE_OF[asset.type]
    row["CredentialPassword"] = secret if kind in _CREDENTIALS else ""
    row["SecretValue"] = secret if kind == "Secret" else ""
    context = f"{ask.base}/odata/$metadata#UiPath.UserAssetDto"
    return json({"@odata.context": context, "Name": asset.name, **row, "Id": asset.id})


def _groups(tx: Tx, folder: Folder) -> dict[str, list[Asset]]:
    """The folder's assets by name in lower case, the oldest row of each first."""
    found: dict[str, list[Asset]] = {}
    for asset in assets.every(tx, folder_id=folder.id):
        if asset.group_id is None:
            found.setdefault(asset.name.casefold(), []).append(asset)
    return found


def _group(tx: Tx, folder: Folder, number: int) -> list[Asset]:
    for group in _groups(tx, folder).values():
        if group[0].id == number:
            return group
    raise missing("Asset")


def _rows(ask: Ask, folder: Folder) -> list[dict[str, Any]]:
    return [_shown(ask.tx, group) for group in _groups(ask.tx, folder).values()]


def _wanted(body: Body) -> list[tuple[int | None, Body]]:
    """For whom there is to be a value, by user, and what it is made of."""
    users = body.items("UserValues")
    wanted: list[tuple[int | None, Body]] = []
    scope = body.required("ValueScope")
    if scope not in ("Global", "PerRobot"):
        raise Refused(400, f"The value scope {scope!r} is not known.", code=BAD_ARGUMENT)
    if scope == "Global" or (body.flag("HasDefaultValue") is not False and (not users or _has_value(body))):
        wanted.append((None, body))
    if scope == "PerRobot":
        wanted += [(user.number("UserId") or 0, user) for user in users]
    if not wanted:
        raise Refused(400, "The asset has no value.", code=BAD_ARGUMENT)
    return wanted


def _has_value(body: Body) -> bool:
    return body.flag("HasDefaultValue") is True or any(
        body.get(name) not in (None, "", [])
        for name in ("StringValue", "CredentialUsername", "SecretValue", "KeyValueList")
    )


def _kind(body: Body) -> str:
    kind = body.text("ValueType") or "Text"
    kind = tuple(_TYPE)[int(kind)] if kind.isdigit() and int(kind) < len(_TYPE) else kind
    if kind not in _TYPE:
        raise Refused(400, f"The value type {kind!r} is not known.", code=BAD_ARGUMENT)
    return kind


def _value(body: Body, kind: str, before: Asset | None) -> AssetFields:
    """What a value is kept as. Without a password the one there is stays, if the user's name is the same."""
    fields: AssetFields = {"type": _TYPE[kind], "value": None, "username": None}
    match kind:
        case "Bool":
            fields["value"] = dumps(bool(body.flag("BoolValue")))
        case "Integer":
            number = body.number("IntValue") or 0
            if abs(number) > _LARGEST:
                raise Refused(400, "IntValue must be a number of 32 bits.", code=BAD_ARGUMENT)
            fields["value"] = dumps(number)
        case "KeyValueList":
            pairs = {item.text("Key") or "": item.text("Value") for item in body.items("KeyValueList")}
            fields["value"] = dumps(pairs)
        case "Secret":
            if (secret := body.text("SecretValue", longest=_LONGEST_SECRET)) or before is None:
                fields["secret"] = secret or ""
        case "Credential" | "WindowsCredential":
            fields["username"] = body.text("CredentialUsername", longest=512) or ""
            password = body.text("CredentialPassword", longest=_LONGEST_SECRET)
            if password:
                fields["secret"] = password
            elif before is None:
                fields["secret"] = ""
            elif before.username != fields["username"]:
                raise Refused(
                    400, "The password is needed when the user name is changed.", code=PASSWORD_NEEDED
                )
        case _:
            fields["value"] = dumps(body.text("StringValue", longest=_LONGEST_TEXT) or "")
    return fields


def _shown(tx: Tx, group: list[Asset]) -> dict[str, Any]:
    first = group[0]
    everyones = next((asset for asset in group if asset.robot_id is None), None)
    users = [asset for asset in group if asset.robot_id is not None]
    return {
        "Key": first.guid,
        "Name": first.name,
        "CanBeDeleted": True,
        "ValueScope": "PerRobot" if users else "Global",
        **_value_shown(everyones or first, empty=everyones is None),
        "CredentialPassword": "",
        "SecretValue": "",
        "ExternalName": None,
        "CredentialStoreId": None,
        "HasDefaultValue": everyones is not None,
        "Description": first.description,
        "FoldersCount": 1,
        "LastModificationTime": stamp(max(asset.updated_at for asset in group)),
        "CreationTime": stamp(first.created_at),
        "Id": first.id,
        "Tags": [],
        "UserValues": [_user_value(tx, asset) for asset in users],
    }


def _user_value(tx: Tx, asset: Asset) -> dict[str, Any]:
    robot = assets.robot_of(tx, asset)
    return {
        "Name": asset.name,
        "UserId": asset.robot_id,
        "UserName": robot.name if robot is not None else None,
        "MachineId": None,
        "MachineName": None,
        **_value_shown(asset),
        "CredentialPassword": "",
        "SecretValue": "",
        "Id": asset.id,
    }


def _value_shown(asset: Asset, *, empty: bool = False) -> dict[str, Any]:
    """The one of the value's fields that its type has; the others are as the server leaves them."""
    kind = _TYPE_OF[asset.type]
    value = None if empty or asset.value is None else loads(asset.value)
    is_text = kind not in ("Bool", "Integer", "KeyValueList", "Secret", *_CREDENTIALS)
    return {
        "ValueType": kind,
        "Value": _text(value),
        "StringValue": (_text(value) if value is not None else "") if is_text else "",
        "BoolValue": bool(value) if kind == "Bool" else False,
        "IntValue": value if kind == "Integer" and value is not None else 0,
        "CredentialUsername": (asset.username or "") if kind in _CREDENTIALS and not empty else "",
        "KeyValueList": [{"Key": key, "Value": item} for key, item in (value or {}).items()]
        if kind == "KeyValueList"
        else [],
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
