"""Processes and their versions: what UiPath calls releases and packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import LARGEST_PAGE, ODATA, id_of, in_part, made, path_text
from orchctl.dialects.uipath.lookups import RELEASES, Lookups
from orchctl.dialects.uipath.odata import Record, collection, text
from orchctl.errors import NotFound, Refused
from orchctl.transport import Call, Effect, Multipart, Upload

if TYPE_CHECKING:
    from orchctl.model import (
        Json,
        NewProcess,
        NewProcessVersion,
        Process,
        ProcessChange,
        ProcessVersion,
    )

_PACKAGES = "/odata/Processes"


class Processes(Lookups):
    def create_process(self, new: NewProcess) -> Process:
        """``POST /odata/Releases`` of the package of the same name, in its newest version."""
        if new.type is not None:
            self.refuse_field("a process's type", "its package says what it is")
        query = {"$filter": f"Id eq {text(new.name)}", "$top": "1"}
        rows, _ = collection(self._read(_PACKAGES, query=query, folder=None))
        if not rows:
            raise NotFound(
                f"there is no package {new.name!r} to make a process of",
                hint=f"upload one: orchctl process version create {new.name} FILE.nupkg",
            )
        body: Json = {
            "Name": new.name,
            "ProcessKey": new.name,
            "ProcessVersion": new.min_version or Record(rows[0]).text("Version"),
            **({"Description": new.description} if new.description is not None else {}),
        }
        return made(self._write("POST", RELEASES, json=body), _process)

    def list_processes(self, cursor: str | None) -> Page[Process]:
        return self._page(RELEASES, _process, cursor)

    def get_process(self, ident: str) -> Process:
        return _process(self._release(ident))

    def update_process(self, ident: str, change: ProcessChange) -> None:
        """PATCH, and ``UpdateToSpecificPackageVersion`` for another version."""
        if change.type is not None:
            self.refuse_field("a process's type", "its package says what it is")
        release = self._release(ident)
        row, number = Record(release), id_of(release)
        if change.min_version is not None:
            self._write(
                "POST",
                f"{RELEASES}({number})/{ODATA}.UpdateToSpecificPackageVersion",
                json={"packageVersion": change.min_version},
                effect=Effect.IDEMPOTENT,
            )
        if change.name is not None or change.description is not None:
            body: Json = {
                "Name": change.name or row.text("Name"),
                "ProcessKey": row.text("ProcessKey"),
                "ProcessVersion": change.min_version or row.text("ProcessVersion"),
                **({"Description": change.description} if change.description is not None else {}),
            }
            done = "its version is set" if change.min_version is not None else None
            with in_part(done, look=f"orchctl process get {number}"):
                self._write("PATCH", f"{RELEASES}({number})", json=body, effect=Effect.IDEMPOTENT)

    def delete_process(self, ident: str) -> None:
        self._write("DELETE", f"{RELEASES}({id_of(self._release(ident))})", effect=Effect.IDEMPOTENT)

    def create_process_version(self, new: NewProcessVersion) -> ProcessVersion:
        """``UploadPackage``: name and version are those in the .nupkg file."""
        upload = Upload(name="file", filename=new.filename, content=new.content)
        reply = self.http.send(
            Call(
                method="POST",
                path=f"{_PACKAGES}/{ODATA}.UploadPackage",
                multipart=Multipart(fields={}, files=(upload,)),
            )
        )
        rows, _ = collection(reply)
        if not rows:
            raise reply.unintelligible("it names no package")
        first = Record(rows[0])
        status = first.text("Status") or ""
        key = first.text("Key")
        if status.upper() not in ("OK", "CREATED", "200", "201") or key is None:
            raise Refused(f"{self.title} refused the package {new.filename}: {first.text('Body') or status}")
        package, _, version = key.rpartition(":")
        return model.ProcessVersion(id=key, name=version, process=package, file=new.filename, native=rows[0])

    def list_process_versions(self, process: str, cursor: str | None) -> Page[ProcessVersion]:
        """``GetProcessVersions``, by the package of a process or by the package itself."""
        skip = int(cursor or 0)
        path = f"{_PACKAGES}/{ODATA}.GetProcessVersions(processId={path_text(self._package(process))})"
        query = {
            "$orderby": "Published desc",
            "$top": str(LARGEST_PAGE),
            "$skip": str(skip),
            "$count": "true",
        }
        rows, count = collection(self._read(path, query=query, folder=None))
        seen = skip + len(rows)
        more = bool(rows) and count is not None and seen < count
        return Page(map(_version, rows), next=str(seen) if more else None)

    def get_process_version(self, ident: str) -> ProcessVersion:
        package, _, version = ident.rpartition(":")
        if not package:
            raise NotFound(
                f"no version {ident!r}", hint="a version is written PACKAGE:VERSION, such as Invoice:1.0.2"
            )
        path = f"{_PACKAGES}/{ODATA}.GetProcessVersions(processId={path_text(package)})"
        query = {"$filter": f"Version eq {text(version)}", "$top": "1"}
        rows, _ = collection(self._read(path, query=query, folder=None))
        if not rows:
            raise NotFound(f"no version {ident!r}", hint=f"orchctl process version list {package}")
        return _version(rows[0])

    def delete_process_version(self, ident: str) -> None:
        self._write("DELETE", f"{_PACKAGES}({path_text(ident)})", effect=Effect.IDEMPOTENT, folder=None)

    def _package(self, process: str) -> str:
        """The package of a process, where there is one of that name; else what was given is the package."""
        try:
            return Record(self._release(process)).text("ProcessKey") or process
        except NotFound:
            return process


def _process(native: dict[str, Any]) -> Process:
    row = Record(native)
    arguments = row.inner("Arguments")
    given, answered = arguments.parsed("Input"), arguments.parsed("Output")
    return model.Process(
        id=id_of(row),
        name=row.text("Name") or "",
        description=row.text("Description"),
        version=row.text("ProcessVersion"),
        version_id=_key(row.text("ProcessKey"), row.text("ProcessVersion")),
        type=row.text("ProcessType"),
        variables={"input": given, "output": answered} if given or answered else None,
        created_at=row.time("CreationTime"),
        updated_at=row.time("LastModificationTime"),
        native=native,
    )


def _version(native: dict[str, Any]) -> ProcessVersion:
    row = Record(native)
    package, version = row.text("Id", "Title"), row.text("Version")
    return model.ProcessVersion(
        id=row.text("Key") or _key(package, version) or id_of(row),
        name=version or "",
        process=package,
        description=row.text("Description", "ReleaseNotes"),
        created_at=row.time("Published"),
        native=native,
    )


def _key(package: str | None, version: str | None) -> str | None:
    return f"{package}:{version}" if package and version else None
