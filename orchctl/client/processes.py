"""Processes and their versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.names import Names
from orchctl.dialects.base import Feature

if TYPE_CHECKING:
    from orchctl.model import (
        NewProcess,
        NewProcessVersion,
        Process,
        ProcessChange,
        ProcessVersion,
        ProcessVersionChange,
    )

_PROCESS = "process"
_VERSION = "process version"


class Processes(Names):
    def create_process(self, new: NewProcess) -> Process:
        self.require(Feature.CREATE_PROCESS)
        created = self.dialect.create_process(new)
        self.registry.remember(_PROCESS, {created.id: created.name})
        return self._read_process(created.id, created)

    def list_processes(self) -> Iterator[Process]:
        self.require(Feature.LIST_PROCESSES)
        return self._listed(self.dialect.list_processes, _PROCESS, self.dialect.get_process)

    def get_process(self, ident: str) -> Process:
        self.require(Feature.GET_PROCESS)
        return self._find(_PROCESS, ident, self.dialect.get_process)

    def update_process(self, ident: str, change: ProcessChange) -> Process:
        self.require(Feature.UPDATE_PROCESS)
        target = self._process_id(ident)
        self.dialect.update_process(target, change)
        process = self._read_process(target)
        self._note_not_kept(change, process, "name", "description", "type")
        return process

    def delete_process(self, ident: str) -> None:
        self.require(Feature.DELETE_PROCESS)
        target = self._process_id(ident)
        self.dialect.delete_process(target)
        self.registry.forget(_PROCESS, target)

    def create_process_version(self, new: NewProcessVersion) -> ProcessVersion:
        self.require(Feature.CREATE_PROCESS_VERSION)
        created = self.dialect.create_process_version(replace(new, process=self._process_id(new.process)))
        self.registry.remember(_VERSION, {created.id: created.name})
        return self._read_version(created.id, created)

    def list_process_versions(self, process: str) -> Iterator[ProcessVersion]:
        """The versions of one process."""
        self.require(Feature.LIST_PROCESS_VERSIONS)
        known = self.get_process(process)
        names = self._aliases(_PROCESS, known.id, Feature.GET_PROCESS, self.dialect.get_process)
        versions = self._listed(
            lambda cursor: self.dialect.list_process_versions(known.id, cursor),
            _VERSION,
            self.dialect.get_process_version,
        )
        for version in versions:
            if version.process is None or version.process in names:
                yield replace(version, process=known.name)

    def get_process_version(self, ident: str) -> ProcessVersion:
        self.require(Feature.GET_PROCESS_VERSION)
        version = self._find(_VERSION, ident, self.dialect.get_process_version)
        return replace(version, process=self._process_name(version.process))

    def update_process_version(self, ident: str, change: ProcessVersionChange) -> ProcessVersion:
        self.require(Feature.UPDATE_PROCESS_VERSION)
        target = self._version_id(ident)
        process = change.process and self._process_id(change.process)
        self.dialect.update_process_version(target, replace(change, process=process))
        version = self._read_version(target)
        self._note_not_kept(change, version, "name", "description")
        return version

    def delete_process_version(self, ident: str) -> None:
        self.require(Feature.DELETE_PROCESS_VERSION)
        target = self._version_id(ident)
        self.dialect.delete_process_version(target)
        self.registry.forget(_VERSION, target)

    def _process_id(self, ident: str) -> str:
        return self._target(_PROCESS, ident, self.dialect.get_process)

    def _version_id(self, ident: str) -> str:
        return self._target(_VERSION, ident, self.dialect.get_process_version)

    def _read_process(self, ident: str, known: Process | None = None) -> Process:
        return self._after(
            _PROCESS, lambda: self.dialect.get_process(ident), known or model.Process(id=ident, name="")
        )

    def _read_version(self, ident: str, known: ProcessVersion | None = None) -> ProcessVersion:
        return self._after(
            _VERSION,
            lambda: self.get_process_version(ident),
            known or model.ProcessVersion(id=ident, name=""),
        )
