"""Files kept for robots, and the folders they lie in."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.table import Table


class StorageFolder(NamedTuple):
    id: int
    guid: str
    name: str
    description: str | None
    created_at: int
    updated_at: int


class StoredFile(NamedTuple):
    """A row without its content, which is ``content_of``."""

    id: int
    guid: str
    storage_folder_id: int | None
    name: str
    description: str | None
    size: int
    created_at: int
    updated_at: int


class FolderFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str
    description: str | None


class FileFields(TypedDict, total=False):
    guid: str
    name: str
    description: str | None
    storage_folder_id: int | None


FOLDERS: Table[StorageFolder] = Table(
    "storage_folder", StorageFolder._fields, StorageFolder._make, noun="storage folder"
)
FILES: Table[StoredFile] = Table("stored_file", StoredFile._fields, StoredFile._make, noun="stored file")


def create_folder(tx: Tx, fields: FolderFields) -> StorageFolder:
    FOLDERS.check_name(fields.get("name"))
    return FOLDERS.insert(tx, fields)


def update_folder(tx: Tx, folder: StorageFolder, fields: FolderFields) -> StorageFolder:
    if "name" in fields:
        FOLDERS.check_name(fields["name"])
    return FOLDERS.update(tx, folder, fields)


def delete_folder(tx: Tx, folder: StorageFolder) -> None:
    """Its files go with it."""
    for file in FILES.many(tx, "storage_folder_id = ?", folder.id):
        delete_file(tx, file)
    FOLDERS.delete(tx, folder)


def create_file(tx: Tx, fields: FileFields, content: bytes) -> StoredFile:
    FILES.check_name(fields.get("name"))
    file = FILES.insert(tx, {**fields, "size": len(content)})
    tx.connection.execute("INSERT INTO stored_content VALUES (?, ?)", (file.id, content))
    return file


def update_file(tx: Tx, file: StoredFile, fields: FileFields, content: bytes | None) -> StoredFile:
    if "name" in fields:
        FILES.check_name(fields["name"])
    if content is None:
        return FILES.update(tx, file, fields)
    tx.connection.execute("UPDATE stored_content SET content = ? WHERE file_id = ?", (content, file.id))
    return FILES.update(tx, file, {**fields, "size": len(content)})


def delete_file(tx: Tx, file: StoredFile) -> None:
    """Its content is gone for good."""
    tx.connection.execute("DELETE FROM stored_content WHERE file_id = ?", (file.id,))
    FILES.delete(tx, file)


def content_of(tx: Tx, file: StoredFile) -> bytes:
    row = tx.connection.execute("SELECT content FROM stored_content WHERE file_id = ?", (file.id,)).fetchone()
    return b"" if row is None else bytes(row[0])
