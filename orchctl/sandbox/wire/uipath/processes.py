"""Releases, which every client calls processes, and packages, which UiPath calls Processes."""

from __future__ import annotations

import io
import re
import zipfile
from email import message_from_bytes, policy
from json import dumps
from typing import Any
from xml.etree import ElementTree

from orchctl.model import JobStatus
from orchctl.sandbox.engine import NotFound, jobs, packages, processes
from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.packages import Package
from orchctl.sandbox.engine.processes import Process, Version
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, done, json, missing, nothing, stamp
from orchctl.sandbox.wire.uipath.odata import parse_query
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, BAD_REQUEST, NAME_TAKEN, Refused

ENTITY = "Releases"
PACKAGES = "Processes"

_TYPES = ("Undefined", "Process", "ProcessOrchestration", "WebApp", "Agent", "TestAutomationProcess")
_ENUMS = {"processtype": _TYPES, "jobpriority": ("Low", "Normal", "High")}
_NAVIGATION = frozenset({"CurrentVersion", "ReleaseVersions", "EntryPoint"})
_FILE_NAME = re.compile(r"(.+?)\.(\d+(?:\.\d+){1,3}(?:-[\w.]+)?)\.nupkg", re.I)
_ENTITY_MARK = b"<!"


def list_(ask: Ask) -> Response:
    folder = ask.folder()
    rows = [shown(ask.tx, process, folder) for process in processes.every(ask.tx, folder_id=folder.id)]
    return ask.rows(ENTITY, rows, enums=_ENUMS, navigation=_NAVIGATION)


def get(ask: Ask) -> Response:
    folder = ask.folder()
    return ask.one(
        ENTITY, shown(ask.tx, in_folder(ask.tx, folder, ask.key()), folder), navigation=_NAVIGATION
    )


def create(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    name, package = body.required("Name"), body.required("ProcessKey")
    version = body.required("ProcessVersion")
    if named(ask.tx, folder, name) is not None:
        raise Refused(409, f"A process with the name {name} already exists.", code=NAME_TAKEN)
    try:
        packages.find(ask.tx, package, version)
    except NotFound:
        raise missing(f"The package {package} of version {version}") from None
    fields = {"name": name, "description": body.text("Description")}
    process = processes.create(ask.tx, fields, folder_id=folder.id)  # type: ignore[arg-type]  # keys of ProcessFields
    packages.belong(ask.tx, process, package)
    packages.install(ask.tx, process, version)
    process = processes.of(ask.tx, process.id)
    return ask.one(ENTITY, shown(ask.tx, process, folder), status=201, navigation=_NAVIGATION)


def update(ask: Ask) -> Response:
    """PUT and PATCH alike: what is there is set."""
    folder, body = ask.folder(), ask.body()
    process = in_folder(ask.tx, folder, ask.key())
    name = body.text("Name")
    if name is not None and name != process.name:
        if named(ask.tx, folder, name) is not None:
            raise Refused(409, f"A process with the name {name} already exists.", code=NAME_TAKEN)
        process = processes.update(ask.tx, process, {"name": name})
    if "Description" in body:
        process = processes.update(ask.tx, process, {"description": body.text("Description")})
    if (version := body.text("ProcessVersion")) is not None:
        _install(ask.tx, process, version)
    return done(ask)


def delete(ask: Ask) -> Response:
    """What still runs keeps it."""
    process = in_folder(ask.tx, ask.folder(), ask.key())
    open_jobs = jobs.search(
        ask.tx,
        folder_id=process.folder_id,
        statuses=(JobStatus.PENDING, JobStatus.IN_PROGRESS, JobStatus.STOPPING, JobStatus.ABORTING),
    )
    if any(job.process_id == process.id for job in open_jobs):
        raise Refused(409, "The process has jobs that have not ended.")
    processes.delete(ask.tx, process)
    return nothing()


def to_version(ask: Ask) -> Response:
    """``UpdateToSpecificPackageVersion``."""
    process = in_folder(ask.tx, ask.folder(), ask.key())
    _install(ask.tx, process, ask.body().required("packageVersion"))
    return _value(ask, process.id)


def to_latest(ask: Ask) -> Response:
    process = in_folder(ask.tx, ask.folder(), ask.key())
    known = packages.every(ask.tx, packages.of(ask.tx, process))
    if known:
        _install(ask.tx, process, known[0].version)
    return _value(ask, process.id)


def roll_back(ask: Ask) -> Response:
    """``RollbackToPreviousReleaseVersion``."""
    process = in_folder(ask.tx, ask.folder(), ask.key())
    known = processes.versions(ask.tx, process)
    at = next((place for place, version in enumerate(known) if version.id == process.version_id), 0)
    if at + 1 >= len(known):
        raise Refused(409, "There is no version before the current one.")
    processes.update(ask.tx, process, {}, current=known[at + 1])
    return _value(ask, process.id)


def list_packages(ask: Ask) -> Response:
    """The newest version of each."""
    search = {name.lower(): value for name, value in parse_query(ask.request.query)}.get("searchterm", "")
    newest: dict[str, Package] = {}
    for package in packages.every(ask.tx):
        newest.setdefault(package.name.casefold(), package)
    rows = [
        _package(package, latest=True)
        for package in newest.values()
        if search.casefold() in package.name.casefold()
    ]
    return ask.rows(PACKAGES, rows, enums={}, others=("searchterm", "feedid"))


def package_versions(ask: Ask) -> Response:
    """``GetProcessVersions(processId='...')``."""
    known = packages.every(ask.tx, ask.argument("processId"))
    rows = [_package(package, latest=place == 0) for place, package in enumerate(known)]
    return ask.rows(PACKAGES, rows, enums={}, others=("feedid",))


def upload(ask: Ask) -> Response:
    """``UploadPackage``: name and version are those in the file's .nuspec, else those of its name."""
    rows = []
    for file_name, content in _files(ask):
        name, version, description = _identity(file_name, content)
        packages.upload(ask.tx, name, version, file_name=file_name, content=content, description=description)
        rows.append({"Key": f"{name}:{version}", "Status": "OK", "Body": None})
    if not rows:
        raise Refused(400, "There is no file in the request.", code=BAD_ARGUMENT)
    context = f"{ask.base}/odata/$metadata#Collection(UiPath.BulkItemDtoOfString)"
    return json({"@odata.context": context, "value": rows})


def delete_package(ask: Ask) -> Response:
    """``Processes('name:version')``."""
    key = (ask.place.key or "").strip("'").replace("''", "'")
    name, _, version = key.rpartition(":")
    try:
        packages.delete(ask.tx, packages.find(ask.tx, name, version))
    except NotFound:
        raise missing(f"Package {key}") from None
    return nothing()


def in_folder(tx: Tx, folder: Folder, number: int) -> Process:
    process = processes.by_id(tx, number)
    if process is None or process.folder_id != folder.id:
        raise missing("Release")
    return process


def named(tx: Tx, folder: Folder, name: str) -> Process | None:
    for process in processes.every(tx, folder_id=folder.id):
        if process.name.casefold() == name.casefold():
            return process
    return None


def _install(tx: Tx, process: Process, version: str) -> None:
    try:
        packages.install(tx, process, version)
    except NotFound:
        raise missing(f"The package version {version}") from None


def _value(ask: Ask, number: int) -> Response:
    return json({"@odata.context": f"{ask.base}/odata/$metadata#Edm.Int64", "value": number})


def _files(ask: Ask) -> list[tuple[str, bytes]]:
    kind = ask.request.headers.get("content-type", "")
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + ask.request.body, policy=policy.HTTP)
    if not message.is_multipart():
        raise Refused(400, "A package is sent as multipart/form-data.", code=BAD_REQUEST)
    found = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and part.get_filename():
            found.append((str(part.get_filename()), content))
    return found


def _identity(file_name: str, content: bytes) -> tuple[str, str, str | None]:
    """Name, version and description of a package."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            spec = next((entry for entry in archive.namelist() if entry.endswith(".nuspec")), None)
            text = archive.read(spec) if spec is not None else b""
        if text and _ENTITY_MARK not in text:
            root = ElementTree.fromstring(text)  # noqa: S314  # no declarations in it, so no entities
            values = {element.tag.rpartition("}")[2].lower(): (element.text or "") for element in root.iter()}
            if values.get("id") and values.get("version"):
                return values["id"], values["version"], values.get("description") or None
    except (zipfile.BadZipFile, ElementTree.ParseError, OSError, RuntimeError):
        pass
    match = _FILE_NAME.fullmatch(file_name)
    if match is None:
        raise Refused(400, f"{file_name} is no package: it has no .nuspec.", code=BAD_ARGUMENT)
    return match.group(1), match.group(2), None


def shown(tx: Tx, process: Process, folder: Folder) -> dict[str, Any]:
    current = processes.version_of(tx, process.version_id)
    package = packages.of(tx, process)
    latest = packages.every(tx, package)
    versions = [_version(process, version) for version in processes.versions(tx, process)]
    name = current.name if current is not None else None
    return {
        "Key": process.guid,
        "ProcessKey": package,
        "ProcessVersion": name,
        "IsLatestVersion": not latest or latest[0].version == name,
        "IsProcessDeleted": False,
        "Description": process.description,
        "Name": process.name,
        "EntryPointId": None,
        "EntryPointPath": None,
        "InputArguments": None,
        "ProcessType": "Process",
        "SupportsMultipleEntryPoints": False,
        "RequiresUserInteraction": False,
        "IsAttended": False,
        "IsCompiled": False,
        "Arguments": arguments(current),
        "AutoUpdate": False,
        "JobPriority": "Normal",
        "SpecificPriorityValue": 45,
        "FolderKey": folder.guid,
        "OrganizationUnitId": folder.id,
        "OrganizationUnitFullyQualifiedName": folder.path,
        "TargetFramework": "Portable",
        "Tags": [],
        "LastModificationTime": stamp(process.updated_at),
        "CreationTime": stamp(process.created_at),
        "Id": process.id,
        "CurrentVersion": _version(process, current) if current is not None else None,
        "ReleaseVersions": versions,
        "EntryPoint": None,
    }


def arguments(version: Version | None) -> dict[str, Any]:
    """What a process takes and gives, as JSON in strings."""
    given, answered = [], []
    for variable in version.variable_list if version is not None else []:
        kind = {"int": "System.Int32", "bool": "System.Boolean", "double": "System.Double"}.get(
            variable.type, "System.String"
        )
        row = {"name": variable.name, "type": f"{kind}[]" if variable.is_array else kind}
        if variable.scope in ("in", "inout"):
            given.append({**row, "required": False, "hasDefault": False})
        if variable.scope in ("out", "inout"):
            answered.append(row)
    return {"Input": dumps(given) if given else None, "Output": dumps(answered) if answered else None}


def _version(process: Process, version: Version) -> dict[str, Any]:
    return {
        "ReleaseId": process.id,
        "VersionNumber": version.name,
        "CreationTime": stamp(version.created_at),
        "ReleaseName": process.name,
        "Id": version.id,
    }


def _package(package: Package, *, latest: bool) -> dict[str, Any]:
    return {
        "IsActive": True,
        "Title": package.name,
        "Version": package.version,
        "Key": f"{package.name}:{package.version}",
        "Description": package.description,
        "Published": stamp(package.created_at),
        "IsLatestVersion": latest,
        "OldVersion": None,
        "ReleaseNotes": None,
        "Authors": None,
        "PackageType": "Process",
        "Id": package.name,
    }
