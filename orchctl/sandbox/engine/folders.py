"""Folders: what queues, processes and the rest lie in, one below the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from orchctl.sandbox.engine.base import Conflict, Invalid, NotFound, Tx, as_id, is_guid, new_guid

LONGEST_NAME = 115


class Folder(NamedTuple):
    """A row; ``path`` is its name below those of the folders above it, with slashes between."""

    id: int
    guid: str
    name: str
    path: str

    @property
    def parent_path(self) -> str:
        return self.path.rpartition("/")[0]


_SELECT = "SELECT id, guid, name, path FROM folder"


def every(tx: Tx) -> Iterator[Folder]:
    return map(Folder._make, tx.connection.execute(f"{_SELECT} ORDER BY path"))


def find(tx: Tx, key: str) -> Folder:
    """A folder by number or GUID."""
    number = as_id(key)
    if number is not None:
        return _found(tx, "id = ?", number, key)
    if is_guid(key):
        return _found(tx, "guid = lower(?)", key, key)
    raise NotFound(f"there is no folder {key!r}")


def at(tx: Tx, path: str) -> Folder:
    """The folder at a path, whose case does not count."""
    return _found(tx, "path = ? COLLATE NOCASE", path.strip("/"), path)


def create(tx: Tx, name: str, *, parent: Folder | None = None) -> Folder:
    if not name.strip() or "/" in name or len(name) > LONGEST_NAME:
        raise Invalid(f"a folder's name has 1 to {LONGEST_NAME} characters and no slash")
    path = f"{parent.path}/{name}" if parent else name
    if tx.connection.execute("SELECT 1 FROM folder WHERE path = ?", (path,)).fetchone() is not None:
        raise Conflict(f"there is a folder {path!r} already")
    guid = new_guid()
    tx.connection.execute("INSERT INTO folder (guid, name, path) VALUES (?, ?, ?)", (guid, name, path))
    return find(tx, guid)


def _found(tx: Tx, condition: str, value: str | int, key: str) -> Folder:
    row = tx.connection.execute(f"{_SELECT} WHERE {condition}", (value,)).fetchone()
    if row is None:
        raise NotFound(f"there is no folder {key!r}")
    return Folder._make(row)


def delete(tx: Tx, folder: Folder) -> None:
    """:raises Conflict: there is something in it."""
    below = tx.connection.execute(
        "SELECT 1 FROM folder WHERE substr(path, 1, ?) = ?", (len(folder.path) + 1, f"{folder.path}/")
    )
    queue = tx.connection.execute(
        "SELECT 1 FROM queue WHERE folder_id = ? AND deleted_at IS NULL", (folder.id,)
    )
    if below.fetchone() is not None or queue.fetchone() is not None:
        raise Conflict(f"the folder {folder.path!r} is not empty")
    tx.connection.execute("DELETE FROM folder WHERE id = ?", (folder.id,))
