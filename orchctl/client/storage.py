"""Files that an orchestrator keeps for robots, and the folders they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.core import Core
from orchctl.dialects.base import Feature

if TYPE_CHECKING:
    from orchctl.model import (
        NewStorageFolder,
        NewStoredFile,
        StorageFolder,
        StorageFolderChange,
        StoredFile,
        StoredFileChange,
    )

_FOLDER = "storage folder"
_FILE = "stored file"


class Storage(Core):
    def create_storage_folder(self, new: NewStorageFolder) -> StorageFolder:
        self.require(Feature.CREATE_STORAGE_FOLDER)
        created = self.dialect.create_storage_folder(new)
        self.registry.remember(_FOLDER, {created.id: created.name})
        return self._read_storage_folder(created.id, created)

    def list_storage_folders(self) -> Iterator[StorageFolder]:
        self.require(Feature.LIST_STORAGE_FOLDERS)
        return self._listed(self.dialect.list_storage_folders, _FOLDER, self.dialect.get_storage_folder)

    def get_storage_folder(self, ident: str) -> StorageFolder:
        self.require(Feature.GET_STORAGE_FOLDER)
        return self._find(_FOLDER, ident, self.dialect.get_storage_folder)

    def update_storage_folder(self, ident: str, change: StorageFolderChange) -> StorageFolder:
        self.require(Feature.UPDATE_STORAGE_FOLDER)
        target = self._storage_folder_id(ident)
        self.dialect.update_storage_folder(target, change)
        folder = self._read_storage_folder(target)
        self._note_not_kept(change, folder, "name", "description")
        return folder

    def delete_storage_folder(self, ident: str) -> None:
        self.require(Feature.DELETE_STORAGE_FOLDER)
        target = self._storage_folder_id(ident)
        self.dialect.delete_storage_folder(target)
        self.registry.forget(_FOLDER, target)

    def create_stored_file(self, new: NewStoredFile) -> StoredFile:
        """The file as it was read back, or as it was sent where the orchestrator answers no id."""
        self.require(Feature.CREATE_STORED_FILE)
        created = self.dialect.create_stored_file(replace(new, folder=self._storage_folder_id(new.folder)))
        sent = model.StoredFile(name=new.name, folder=new.folder, size=len(new.content))
        if created is None or created.id is None:
            return created or sent
        ident = created.id
        self.registry.remember(_FILE, {ident: created.name})
        return self._after(_FILE, lambda: self.dialect.get_stored_file(ident), replace(sent, id=ident))

    def list_stored_files(self) -> Iterator[StoredFile]:
        self.require(Feature.LIST_STORED_FILES)
        return self._listed(self.dialect.list_stored_files, _FILE, self.dialect.get_stored_file)

    def get_stored_file(self, ident: str) -> StoredFile:
        self.require(Feature.GET_STORED_FILE)
        return self._find(_FILE, ident, self.dialect.get_stored_file)

    def update_stored_file(self, ident: str, change: StoredFileChange) -> StoredFile:
        self.require(Feature.UPDATE_STORED_FILE)
        target = self._stored_file_id(ident)
        folder = change.folder and self._storage_folder_id(change.folder)
        self.dialect.update_stored_file(target, replace(change, folder=folder))
        return self._after(
            _FILE,
            lambda: self.dialect.get_stored_file(target),
            model.StoredFile(id=target, name=change.name or ""),
        )

    def delete_stored_file(self, ident: str) -> None:
        self.require(Feature.DELETE_STORED_FILE)
        target = self._stored_file_id(ident)
        self.dialect.delete_stored_file(target)
        self.registry.forget(_FILE, target)

    def _storage_folder_id(self, ident: str) -> str:
        return self._target(_FOLDER, ident, self.dialect.get_storage_folder)

    def _stored_file_id(self, ident: str) -> str:
        return self._target(_FILE, ident, self.dialect.get_stored_file)

    def _read_storage_folder(self, ident: str, known: StorageFolder | None = None) -> StorageFolder:
        return self._after(
            _FOLDER,
            lambda: self.dialect.get_storage_folder(ident),
            known or model.StorageFolder(id=ident, name=""),
        )
