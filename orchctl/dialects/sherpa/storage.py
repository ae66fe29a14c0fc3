"""Sherpa's storage: folders, and the files in them, of which little is documented."""

from __future__ import annotations

from typing import Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import ABSENT, Calls
from orchctl.dialects.sherpa.wire import Record, as_form, given, id_of
from orchctl.transport import Call, Effect, Multipart, Upload, quote


class Storage(Calls):
    def create_storage_folder(self, new: model.NewStorageFolder) -> model.StorageFolder:
        """``POST /api/folders/create``."""
        fields = given(Name=new.name, Description=new.description)
        return model.StorageFolder(id=self._create("folders", fields), name=new.name)

    def list_storage_folders(self, cursor: str | None) -> Page[model.StorageFolder]:
        """``GET /api/folders/list``."""
        call = Call(method="GET", path="/api/folders/list", effect=Effect.READ)
        return Page(self._stream(call, self._storage_folder))

    def get_storage_folder(self, ident: str) -> model.StorageFolder:
        """``GET /api/folders/read/{guid}``."""
        return self._storage_folder(self._read("folders", ident))

    def update_storage_folder(self, ident: str, change: model.StorageFolderChange) -> None:
        """``PUT /api/folders/update``."""
        self._update("folders", given(Guid=ident, Name=change.name, Description=change.description))

    def delete_storage_folder(self, ident: str) -> None:
        """``DELETE /api/folders/delete/{guid}``."""
        self._delete("folders", ident)

    def create_stored_file(self, new: model.NewStoredFile) -> model.StoredFile | None:
        """``POST /api/files/create``, multipart (inferred); the documented answer is ``[]``."""
        upload = Upload(name="file", filename=new.filename, content=new.content)
        multipart = Multipart(fields={"Name": new.name, "folder_guid": new.folder}, files=(upload,))
        reply = self.http.send(Call(method="POST", path="/api/files/create", multipart=multipart))
        guid = self._guid_if_any(reply)
        return None if guid is None else model.StoredFile(id=guid, name=new.name, folder=new.folder)

    def list_stored_files(self, cursor: str | None) -> Page[model.StoredFile] | None:
        """``GET /api/files/read``: not documented, tried."""
        return self._list("files", self._stored_file)

    def get_stored_file(self, ident: str) -> model.StoredFile:
        """``GET /api/files/read/{guid}``; the reference lists a Name, so both go along."""
        call = Call(
            method="GET",
            path=f"/api/files/read/{quote(ident)}",
            query={"Guid": ident, "Name": ident},
            effect=Effect.READ,
            accept=ABSENT,
        )
        return self._stored_file(self._found(self.http.send(call), "files", ident))

    def update_stored_file(self, ident: str, change: model.StoredFileChange) -> None:
        """``PUT /api/files/update``. The reference lists no Guid, which cannot be, so one is sent."""
        path = "/api/files/update"
        fields = given(Guid=ident, Name=change.name, folder_guid=change.folder)
        if change.content is None:
            call = self._call("PUT", path, fields, effect=Effect.IDEMPOTENT)
        else:
            upload = Upload(name="file", filename=change.filename or "file", content=change.content)
            multipart = Multipart(fields=as_form(fields), files=(upload,))
            call = Call(method="PUT", path=path, multipart=multipart, effect=Effect.IDEMPOTENT)
        self._acknowledged(self.http.send(call))

    def delete_stored_file(self, ident: str) -> None:
        """``DELETE /api/files/delete/{guid}``."""
        self._delete("files", ident)

    def _storage_folder(self, native: dict[str, Any]) -> model.StorageFolder:
        record = Record(native, self._zone)
        return model.StorageFolder(
            id=id_of(record),
            name=record.text("name") or "",
            description=record.text("description"),
            created_at=record.time("created", "createdat"),
            updated_at=record.time("updated", "updatedat"),
            native=native,
        )

    def _stored_file(self, native: dict[str, Any]) -> model.StoredFile:
        record = Record(native, self._zone)
        name = record.text("name")
        return model.StoredFile(
            # No document shows this answer: a name will do.
            id=id_of(record) if name is None else record.ident(),
            name=name or "",
            folder=record.reference("foldername", "folderguid", "folderid"),
            size=record.number("size"),
            created_at=record.time("created", "createdat"),
            updated_at=record.time("updated", "updatedat"),
            native=native,
        )
