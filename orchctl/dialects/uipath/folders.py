"""Folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import FOLDERS, Core, id_of, made
from orchctl.dialects.uipath.odata import Record, collection, text
from orchctl.errors import NotFound

if TYPE_CHECKING:
    from orchctl.model import Folder, Json

# The one list of folders that needs no right to manage them.
_MINE = "/api/Folders/GetAllForCurrentUser"
_PAGE = 1000


class Folders(Core):
    def create_folder(self, name: str) -> Folder:
        """``POST /odata/Folders``; a name with slashes is a path under folders that are there."""
        parent, _, own = name.rpartition("/")
        above: dict[str, Json] = {}
        if parent:
            query = {"$filter": f"FullyQualifiedName eq {text(parent)}", "$top": "1"}
            rows, _ = collection(self._read(FOLDERS, query=query, folder=None))
            if not rows:
                raise NotFound(f"there is no folder {parent!r}", hint=f"orchctl folder create {parent}")
            above = {"ParentId": int(id_of(rows[0]))}
        body: Json = {
            "DisplayName": own,
            "ProvisionType": "Automatic",
            "PermissionModel": "FineGrained",
            **above,
        }
        return made(self._write("POST", FOLDERS, json=body, folder=None), _folder)

    def list_folders(self, cursor: str | None) -> Page[Folder]:
        """``GetAllForCurrentUser``; older servers have only ``/odata/Folders``."""
        skip = int(cursor or 0)
        reply = self._read(
            _MINE, query={"skip": str(skip), "take": str(_PAGE)}, folder=None, accept=frozenset({404})
        )
        if reply.status == 404:
            return self._page(FOLDERS, _folder, cursor)
        rows, count = collection(reply)
        seen = skip + len(rows)
        more = bool(rows) and (seen < count if count is not None else len(rows) >= _PAGE)
        return Page(map(_folder, rows), next=str(seen) if more else None)


def _folder(native: dict[str, Any]) -> Folder:
    row = Record(native)
    name = row.text("DisplayName") or ""
    return model.Folder(
        id=id_of(row),
        key=row.text("Key"),
        name=name,
        path=row.text("FullyQualifiedName") or name,
        native=native,
    )
