"""Sherpa's processes and their versions."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, as_form, given, id_of
from orchctl.transport import Call, Effect, Multipart, Upload

if TYPE_CHECKING:
    from orchctl.model import Json

_TYPE = {0: "process", 1: "package"}
_TYPE_NUMBER = {word: number for number, word in _TYPE.items()}


class Processes(Calls):
    def create_process(self, new: model.NewProcess) -> model.Process:
        """``POST /api/process/create``."""
        return model.Process(id=self._create("process", self._process_fields(new)), name=new.name)

    def list_processes(self, cursor: str | None) -> Page[model.Process] | None:
        """``GET /api/process/read``: not documented, tried."""
        return self._list("process", self._process)

    def get_process(self, ident: str) -> model.Process:
        """``GET /api/process/read/{guid}``."""
        return self._process(self._read("process", ident))

    def update_process(self, ident: str, change: model.ProcessChange) -> None:
        """``PUT /api/process/update``."""
        self._update("process", {"Guid": ident, **self._process_fields(change)})

    def delete_process(self, ident: str) -> None:
        """``DELETE /api/process/delete/{guid}``."""
        self._delete("process", ident)

    def create_process_version(self, new: model.NewProcessVersion) -> model.ProcessVersion:
        """``POST /api/processVersion/create``, multipart (inferred from its being a file)."""
        fields = given(Name=new.name, Description=new.description, ProcessGuid=new.process)
        upload = Upload(name="ProcessFile", filename=new.filename, content=new.content)
        multipart = Multipart(fields=as_form(fields), files=(upload,))
        reply = self.http.send(Call(method="POST", path="/api/processVersion/create", multipart=multipart))
        return model.ProcessVersion(
            id=self._guid(reply), name=new.name, process=new.process, file=new.filename
        )

    def list_process_versions(self, process: str, cursor: str | None) -> Page[model.ProcessVersion] | None:
        """``GET /api/processVersion/read``: not documented, tried. The client picks those of the process."""
        return self._list("processVersion", lambda native: read_version(native, self._zone))

    def get_process_version(self, ident: str) -> model.ProcessVersion:
        """``GET /api/processVersion/read/{guid}``."""
        return read_version(self._read("processVersion", ident), self._zone)

    def update_process_version(self, ident: str, change: model.ProcessVersionChange) -> None:
        """``POST /api/processVersion/update``, and PUT, as other updates are, where a server has no POST."""
        path = "/api/processVersion/update"
        fields = given(
            Guid=ident, Name=change.name, Description=change.description, ProcessGuid=change.process
        )

        def make(method: str, accept: frozenset[int]) -> Call:
            if change.content is None:
                return self._call(method, path, fields, effect=Effect.IDEMPOTENT, accept=accept)
            upload = Upload(
                name="ProcessFile", filename=change.filename or "process.robot", content=change.content
            )
            multipart = Multipart(fields=as_form(fields), files=(upload,))
            return Call(
                method=method, path=path, multipart=multipart, effect=Effect.IDEMPOTENT, accept=accept
            )

        self._either("processVersion/update", ("POST", "PUT"), ident, make)

    def delete_process_version(self, ident: str) -> None:
        """``DELETE /api/processVersion/delete/{guid}``."""
        self._delete("processVersion", ident)

    def _process_fields(self, fields: model.NewProcess | model.ProcessChange) -> dict[str, Json]:
        if fields.type is not None and fields.type not in _TYPE_NUMBER:
            self.refuse_field(f"the process type {fields.type}", f"one of: {', '.join(_TYPE_NUMBER)}")
        return given(
            Name=fields.name,
            Description=fields.description,
            # A string: as a number, as the reference's example of create has it, 1.10 would be 1.1.
            MinVersionToRun=fields.min_version,
            ProcessType=None if fields.type is None else _TYPE_NUMBER[fields.type],
        )

    def _process(self, native: dict[str, Any]) -> model.Process:
        record = Record(native, self._zone)
        return model.Process(
            id=id_of(record),
            name=record.text("name") or "",
            description=record.text("description"),
            version=record.text("processversionname"),
            version_id=record.reference("processversionguid", "processversionid"),
            type=record.word(_TYPE, "processtype"),
            created_at=record.time("created", "createdat"),
            updated_at=record.time("updated", "updatedat"),
            native=native,
        )


def read_version(native: dict[str, Any], zone: tzinfo, *, ident: str | None = None) -> model.ProcessVersion:
    """``ident``: what stands for an id that the answer need not hold."""
    record = Record(native, zone)
    return model.ProcessVersion(
        id=id_of(record, known=ident),
        name=record.text("name") or "",
        process=record.reference("processname", "processguid", "processid"),
        description=record.text("description"),
        file=record.text("processfilename"),
        created_at=record.time("created", "createdat"),
        native=native,
    )
