"""Storage: folders, and the files in them, of which the documents say little."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import Invalid, storage
from orchctl.sandbox.engine.storage import FileFields, FolderFields, StorageFolder, StoredFile
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.sherpa.asks import (
    ACCOUNT,
    Ask,
    Route,
    Routes,
    answer,
    download,
    guid,
    nothing,
    number,
    time,
)


def create_folder(ask: Ask) -> Response:
    ask.fields.required("Name")
    return guid(storage.create_folder(ask.tx, _folder_fields(ask)).guid)


def read_folder(ask: Ask) -> Response:
    return answer(_shown_folder(_find_folder(ask)))


def list_folders(ask: Ask) -> Response:
    return answer([_shown_folder(folder) for folder in storage.FOLDERS.every(ask.tx)])


def update_folder(ask: Ask) -> Response:
    storage.update_folder(ask.tx, _find_folder(ask), _folder_fields(ask))
    return nothing()


def delete_folder(ask: Ask) -> Response:
    storage.delete_folder(ask.tx, _find_folder(ask))
    return nothing()


def create_file(ask: Ask) -> Response:
    ask.fields.required("Name")
    file = ask.fields.file("file")
    if file is None:
        raise Invalid("file is required")
    made = storage.create_file(ask.tx, _file_fields(ask), file.content)
    # REF answers [], which leaves no way to the file but its name.
    return nothing() if ask.strict else guid(made.guid)


def read_file(ask: Ask) -> Response:
    """REF's answer is [], which says nothing of the shape: the keys are those of folders."""
    if ask.has_key("Guid", "Name"):
        return answer(_shown_file(ask, _find_file(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of files: give a GUID or a name")
    return answer([_shown_file(ask, file) for file in storage.FILES.every(ask.tx)])


def update_file(ask: Ask) -> Response:
    """REF lists a Name and no Guid: with both, the Name is the new one."""
    file = _find_file(ask)
    content = ask.fields.file("file")
    storage.update_file(ask.tx, file, _file_fields(ask), None if content is None else content.content)
    return nothing()


def delete_file(ask: Ask) -> Response:
    storage.delete_file(ask.tx, _find_file(ask))
    return nothing()


def download_file(ask: Ask) -> Response:
    """UI has it; for the API only that of a sibling product does."""
    file = _find_file(ask)
    return download(storage.content_of(ask.tx, file), file.name)


ROUTES: Routes = {
    ("folders", "create"): Route("POST", create_folder, robots=True),
    ("folders", "read"): Route("GET", read_folder, args=1, robots=True),
    ("folders", "list"): Route("GET", list_folders, robots=True),
    ("folders", "update"): Route("PUT", update_folder),
    ("folders", "delete"): Route("DELETE", delete_folder, args=1),
    ("files", "create"): Route("POST", create_file, robots=True),
    ("files", "read"): Route("GET", read_file, args=1, robots=True),
    ("files", "update"): Route("PUT", update_file, robots=True),
    ("files", "delete"): Route("DELETE", delete_file, args=1),
    ("files", "download"): Route("GET", download_file, args=1, inferred=True, robots=True),
}


def _find_folder(ask: Ask) -> StorageFolder:
    return storage.FOLDERS.find(ask.tx, ask.unnamed(ask.key("Guid"), "storage folder"))


def _find_file(ask: Ask) -> StoredFile:
    return storage.FILES.find(ask.tx, ask.key("Guid", "Name"))


def _folder_fields(ask: Ask) -> FolderFields:
    given: FolderFields = {}
    if (name := ask.fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in ask.fields:
        given["description"] = ask.fields.text("Description")
    return given


def _file_fields(ask: Ask) -> FileFields:
    given: FileFields = {}
    if name := ask.fields.text("Name"):
        given["name"] = name
    if "Description" in ask.fields:
        given["description"] = ask.fields.text("Description")
    if folder := ask.fields.text("folder_guid", "FolderGuid", "FolderId"):
        given["storage_folder_id"] = storage.FOLDERS.find(ask.tx, ask.unnamed(folder, "storage folder")).id
    return given


def _shown_folder(folder: StorageFolder) -> dict[str, Json]:
    return {
        "id": str(folder.id),
        "guid": folder.guid,
        "name": folder.name,
        "description": folder.description,
        "created": time(folder.created_at),
        "updated": time(folder.updated_at),
        "is_deleted": "0",
        "account_id": ACCOUNT,
    }


def _shown_file(ask: Ask, file: StoredFile) -> dict[str, Json]:
    folder = storage.FOLDERS.by_id(ask.tx, file.storage_folder_id)
    return {
        "id": str(file.id),
        "guid": file.guid,
        "name": file.name,
        "description": file.description,
        "folder_id": number(file.storage_folder_id),
        "folder_guid": folder.guid if folder else None,
        "folder_name": folder.name if folder else None,
        "size": str(file.size),
        "created": time(file.created_at),
        "updated": time(file.updated_at),
        "is_deleted": "0",
        "account_id": ACCOUNT,
    }
