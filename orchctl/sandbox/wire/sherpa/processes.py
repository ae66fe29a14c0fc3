"""Processes and their versions, whose files are kept."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import Invalid, processes
from orchctl.sandbox.engine.processes import Process, ProcessFields, Version, VersionFields
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

_KINDS = ("process", "package")


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    return guid(processes.create(ask.tx, _fields(ask)).guid)


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown(ask, _find(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of processes: give a GUID")
    return answer([_shown(ask, process) for process in processes.every(ask.tx)])


def update(ask: Ask) -> Response:
    """No document says how the current version is chosen; ProcessVersionGuid is ours."""
    ask.inferred("ProcessVersionGuid")
    version = ask.fields.text("ProcessVersionGuid")
    current = processes.find_version(ask.tx, version) if version else None
    processes.update(ask.tx, _find(ask), _fields(ask), current=current)
    return nothing()


def delete(ask: Ask) -> Response:
    processes.delete(ask.tx, _find(ask))
    return nothing()


def create_version(ask: Ask) -> Response:
    """REF has a file in it, hence multipart (I). The newest version is the current one."""
    fields = ask.fields
    fields.required("Name")
    process = processes.find(ask.tx, ask.unnamed(fields.required("ProcessGuid", "ProcessId"), "process"))
    given = _version_fields(ask)
    if "content" not in given:
        raise Invalid("ProcessFile is required")
    return guid(processes.add_version(ask.tx, process, given).guid)


def read_version(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown_version(ask, _find_version(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of process versions: give a GUID")
    return answer([_shown_version(ask, version) for version in processes.every_version(ask.tx)])


def update_version(ask: Ask) -> Response:
    """POST in REF, where all other updates but the job's are PUT."""
    version = _find_version(ask)
    key = ask.fields.text("ProcessGuid", "ProcessId")
    process = processes.find(ask.tx, ask.unnamed(key, "process")) if key else None
    processes.update_version(ask.tx, version, _version_fields(ask), process=process)
    return nothing()


def delete_version(ask: Ask) -> Response:
    processes.delete_version(ask.tx, _find_version(ask))
    return nothing()


def download_version(ask: Ask) -> Response:
    """UI has it since 141845, for the API no document does."""
    version = _find_version(ask)
    return download(processes.content_of(ask.tx, version) or b"", version.file_name or version.name)


ROUTES: Routes = {
    ("process", "create"): Route("POST", create),
    ("process", "read"): Route("GET", read, args=1, robots=True),
    ("process", "update"): Route("PUT", update),
    ("process", "delete"): Route("DELETE", delete, args=1),
    ("processVersion", "create"): Route("POST", create_version),
    ("processVersion", "read"): Route("GET", read_version, args=1, robots=True),
    ("processVersion", "update"): Route("POST", update_version, other="PUT"),
    ("processVersion", "delete"): Route("DELETE", delete_version, args=1),
    ("processVersion", "download"): Route("GET", download_version, args=1, inferred=True, robots=True),
}


def _find(ask: Ask) -> Process:
    return processes.find(ask.tx, ask.unnamed(ask.key("Guid"), "process"))


def _find_version(ask: Ask) -> Version:
    return processes.find_version(ask.tx, ask.unnamed(ask.key("Guid"), "process version"))


def _fields(ask: Ask) -> ProcessFields:
    fields = ask.fields
    given: ProcessFields = {}
    if (name := fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    if "MinVersionToRun" in fields:
        given["min_version"] = fields.text("MinVersionToRun") or None
    code = fields.integer("ProcessType")
    if code is not None:
        if not 0 <= code < len(_KINDS):
            raise Invalid(f"there is no process type {code}: 0 process, 1 package")
        given["kind"] = _KINDS[code]
    return given


def _version_fields(ask: Ask) -> VersionFields:
    fields = ask.fields
    given: VersionFields = {}
    if (name := fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    if (file := fields.file("ProcessFile")) is not None:
        given["file_name"] = file.filename or None
        given["content"] = file.content
    return given


def _shown(ask: Ask, process: Process) -> dict[str, Json]:
    """REF's keys in its order; it prints process_version_id twice."""
    version = processes.version_of(ask.tx, process.version_id)
    shown: dict[str, Json] = {
        "id": str(process.id),
        "guid": process.guid,
        "name": process.name,
        "description": process.description,
        "process_version_id": number(process.version_id),
        "min_version_to_run": process.min_version,
        "created": time(process.created_at),
        "updated": time(process.updated_at),
        "is_deleted": "0",
        "account_id": ACCOUNT,
        "process_type": str(_KINDS.index(process.kind)) if process.kind in _KINDS else "0",
        "process_version_guid": version.guid if version else None,
    }
    return shown if ask.strict else shown | {"process_version_name": version.name if version else None}


def _shown_version(ask: Ask, version: Version) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "id": str(version.id),
        "guid": version.guid,
        "process_id": str(version.process_id),
        "name": version.name,
        "description": version.description,
        "process_file_name": version.file_name,
        "created": time(version.created_at),
        "updated": time(version.updated_at),
        "is_deleted": "0",
        "account_id": ACCOUNT,
    }
    if ask.strict:
        return shown
    process = processes.of(ask.tx, version.process_id)
    return shown | {"process_guid": process.guid, "process_name": process.name}
