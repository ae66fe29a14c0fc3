"""Folders, in the three places where clients look for them, and who the caller is."""

from __future__ import annotations

from typing import Any

from orchctl.sandbox.engine import NotFound, folders
from orchctl.sandbox.engine.base import Tx, as_id
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, json, missing, nothing
from orchctl.sandbox.wire.uipath.odata import parse_query
from orchctl.sandbox.wire.uipath.refusals import NAME_TAKEN, Refused

ENTITY = "Folders"

_ENUMS = {
    "foldertype": ("Standard", "Personal", "Virtual", "Solution", "DebugSolution"),
    "provisiontype": ("Manual", "Automatic"),
    "permissionmodel": ("InheritFromTenant", "FineGrained"),
}
_MOST = 1000


def list_(ask: Ask) -> Response:
    return ask.rows(ENTITY, _rows(ask.tx), enums=_ENUMS)


def get(ask: Ask) -> Response:
    return ask.one(ENTITY, _row(ask.tx, _folder(ask, str(ask.key()))))


def get_by_key(ask: Ask) -> Response:
    return ask.one(ENTITY, _row(ask.tx, _folder(ask, ask.argument("identifier"))))


def create(ask: Ask) -> Response:
    body = ask.body()
    name = body.required("DisplayName", longest=folders.LONGEST_NAME)
    number = body.number("ParentId")
    parent = None if number is None else _folder(ask, str(number))
    path = f"{parent.path}/{name}" if parent else name
    if any(folder.path.casefold() == path.casefold() for folder in folders.every(ask.tx)):
        raise Refused(409, f"A folder with the name {name} already exists.", code=NAME_TAKEN)
    return ask.one(ENTITY, _row(ask.tx, folders.create(ask.tx, name, parent=parent)), status=201)


def delete(ask: Ask) -> Response:
    folders.delete(ask.tx, _folder(ask, str(ask.key())))
    return nothing()


def mine(ask: Ask) -> Response:
    """``/api/Folders/GetAllForCurrentUser?take=&skip=``."""
    rows = _rows(ask.tx)
    keys = (
        "Key",
        "DisplayName",
        "FullyQualifiedName",
        "Description",
        "FolderType",
        "ParentId",
        "ParentKey",
        "Id",
    )
    return _pages(ask, [{key: row[key] for key in keys} for row in rows])


def navigation(ask: Ask) -> Response:
    """``/api/FoldersNavigation/GetFoldersForCurrentUser?searchText=&skip=&take=``."""
    wanted = _query(ask).get("searchtext", "").casefold()
    rows = [
        {"FolderPath": row["FullyQualifiedName"], **row}
        for row in _rows(ask.tx)
        if wanted in row["FullyQualifiedName"].casefold()
    ]
    return _pages(ask, rows)


def navigation_all(ask: Ask) -> Response:
    """``/api/FoldersNavigation/GetAllFoldersForCurrentUser``."""
    return json([{**row, "IsSelectable": True, "HasChildren": False, "Level": 0} for row in _rows(ask.tx)])


def current_user(ask: Ask) -> Response:
    """``GetCurrentUser`` and ``GetCurrentUserExtended``: one account, without a workspace of its own."""
    user = {
        "Id": 1,
        "Key": "00000000-0000-0000-0000-000000000001",
        "UserName": "admin",
        "FullName": "admin",
        "Type": "User",
        "TenantId": 1,
        "TenancyName": "Default",
        "PersonalWorkspace": None,
    }
    return ask.one("Users", user)


def _pages(ask: Ask, rows: list[dict[str, Any]]) -> Response:
    query = _query(ask)
    skip, take = as_id(query.get("skip", "")) or 0, as_id(query.get("take", "")) or _MOST
    return json({"PageItems": rows[skip : skip + take], "Count": len(rows)})


def _query(ask: Ask) -> dict[str, str]:
    return {name.lower(): value for name, value in parse_query(ask.request.query)}


def _folder(ask: Ask, key: str) -> Folder:
    try:
        return folders.find(ask.tx, key)
    except NotFound:
        raise missing("Folder") from None


def _rows(tx: Tx) -> list[dict[str, Any]]:
    return [_row(tx, folder) for folder in folders.every(tx)]


def _row(tx: Tx, folder: Folder) -> dict[str, Any]:
    parent = folders.at(tx, folder.parent_path) if folder.parent_path else None
    return {
        "Key": folder.guid,
        "DisplayName": folder.name,
        "FullyQualifiedName": folder.path,
        "Description": None,
        "FolderType": "Standard",
        "IsPersonal": False,
        "ProvisionType": "Automatic",
        "PermissionModel": "FineGrained",
        "ParentId": parent.id if parent else None,
        "ParentKey": parent.guid if parent else None,
        "FeedType": "Processes",
        "Id": folder.id,
    }
