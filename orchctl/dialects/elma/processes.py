"""ELMA's repository of processes, each of which is a queue of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.config import Context
from orchctl.dialects.base import NoRoute, Page
from orchctl.dialects.elma import wire
from orchctl.dialects.elma.calls import GUID, Calls
from orchctl.errors import NotFound, UsageFault
from orchctl.transport import Effect, Transport

if TYPE_CHECKING:
    from orchctl.model import Json, Process, ProcessVersion, Queue


class Repository(Calls):
    """Where processes are looked up, whichever noun asks."""

    def __init__(self, http: Transport, context: Context) -> None:
        super().__init__(http, context)
        self._known: list[dict[str, Any]] | None = None

    def is_process_id(self, ident: str) -> bool:
        return GUID.fullmatch(ident) is not None

    def _found_process(self, ident: str) -> dict[str, Any]:
        """The native record of a process by token or name, with ``@N`` of its version N."""
        name, at, version = ident.rpartition("@")
        number = int(version) if at and version.isascii() and version.isdigit() and len(version) < 10 else 0
        if not number:
            name = ident
        if GUID.fullmatch(name) is None:
            native = self._process_named(ident) if number else None
            if native is not None:  # a name that ends like a version
                return native
            native = self._process_named(name)
            if native is None:
                raise self._no_process(name)
            if not number:
                return native
            name = wire.id_of(native)
        path = "/v1/repository/find"
        reply = self._send(path, {"token": name, "version": number}, effect=Effect.READ)
        found = self._answer(reply, absent=f"no process {ident!r}").get("process", 0)
        if isinstance(found, list):
            found = found[0] if found else None
        if not isinstance(found, dict | None):
            raise reply.unintelligible("the answer holds no process")
        if not found:
            raise NotFound(f"no process {ident!r}")
        wire.id_of(found)
        return found

    def _process_named(self, name: str) -> dict[str, Any] | None:
        named = [native for native in self._all_processes() if native.get("name") == name]
        if len(named) > 1:
            tokens = ", ".join(str(native.get("token")) for native in named)
            raise UsageFault(f"{len(named)} processes are called {name!r}", hint=f"use a token: {tokens}")
        return named[0] if named else None

    def _no_process(self, name: str) -> NotFound:
        names = [str(native.get("name")) for native in self._all_processes()]
        close = get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "orchctl process list shows those there are"
        return NotFound(f"no process {name!r}", hint=hint)

    def _all_processes(self) -> list[dict[str, Any]]:
        """Kept for the run: a name is looked up more than once."""
        if self._known is None:
            self._known = []
            cursor: str | None = None
            while True:
                page = self._processes("/v1/repository/actual", {}, cursor)
                self._known += page.items
                cursor = page.next
                if cursor is None:
                    break
        return self._known

    def _processes(self, path: str, fields: Mapping[str, Json], cursor: str | None) -> Page[dict[str, Any]]:
        """``page`` 0 and ``limit`` 0 give all, as the vendor's client asks; else pages, counted from 0.

        The cursor is page, size and rows seen, for a server that caps what it gives.
        """
        page, limit, seen = (int(part) for part in (cursor or "0:0:0").split(":"))
        reply = self._send(path, {"page": page, "limit": limit, **fields}, effect=Effect.READ)
        body = self._answer(reply, absent="no such process", part="process")
        found = body.get("process")
        rows = [found] if isinstance(found, dict) else found or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("token") for row in rows):
            raise reply.unintelligible("a list of processes was expected")
        total = body.get("total")
        seen += len(rows)
        more = isinstance(total, int) and rows and seen < total
        following = f"{page + 1}:{limit or len(rows)}:{seen}" if more else None
        return Page(iter(rows), following)  # type: ignore[arg-type]  # the rows are objects


class Queues(Repository):
    def list_queues(self, cursor: str | None) -> Page[Queue] | None:
        """Each process is a queue of its own."""
        page = self._processes("/v1/repository/actual", {}, cursor)
        return Page((_queue(native) for native in page.items), page.next)

    def get_queue(self, ident: str) -> Queue:
        return _queue(self._found_process(ident))


class Processes(Repository):
    def list_processes(self, cursor: str | None) -> Page[Process] | None:
        """``repository/actual``: the current version of each process."""
        page = self._processes("/v1/repository/actual", {}, cursor)
        return Page(map(_process, page.items), page.next)

    def get_process(self, ident: str) -> Process:
        """``repository/find`` and ``repository/context``; ``NAME@3`` is version 3 of it.

        Both calls are known from the vendor's client only. Without the second ``variables`` is None.
        """
        native = self._found_process(ident)
        process = _process(native)
        try:
            reply = self._send("/v1/repository/context", {"uuid": process.version_id}, effect=Effect.READ)
            body = self._answer(reply, absent=f"no variables of the process {ident!r}", part="ctx")
        except NoRoute:
            return process
        described = body.get("ctx") or []
        if not isinstance(described, list):
            described = []
        variables: list[Json] = [_variable(item) for item in described if isinstance(item, dict)]
        return replace(process, variables=variables)

    def list_process_versions(self, process: str, cursor: str | None) -> Page[ProcessVersion] | None:
        """``repository/history``."""
        found = _process(self._found_process(process))
        page = self._processes("/v1/repository/history", {"token": found.id}, cursor)
        return Page((_version(native, found.name) for native in page.items), page.next)

    def get_process_version(self, ident: str) -> ProcessVersion:
        """``PROCESS@VERSION``, as ``process version list`` prints it; without a version the current one."""
        return _version(self._found_process(ident), None)


def _queue(native: Mapping[str, Any]) -> Queue:
    return model.Queue(
        id=wire.id_of(native),
        name=str(native.get("name") or native.get("token") or ""),
        description=native.get("desc") or None,
        native=wire.masked(native),
    )


def _process(native: Mapping[str, Any]) -> Process:
    version = native.get("version")
    return model.Process(
        id=wire.id_of(native),
        name=str(native.get("name") or native.get("token") or ""),
        description=native.get("desc") or None,
        version=None if version is None else str(version),
        version_id=native.get("uuid") or None,
        created_at=wire.moment(native.get("created")),
        updated_at=wire.moment(native.get("uploaded")),
        native=wire.masked(native),
    )


def _version(native: Mapping[str, Any], process: str | None) -> ProcessVersion:
    """Its id is what ``get`` takes: the server has no call for a version by its own UUID alone."""
    number = native.get("version")
    return model.ProcessVersion(
        id=f"{wire.id_of(native)}@{number}",
        name=str(number),
        process=process or native.get("name") or native.get("token"),
        description=native.get("desc") or None,
        created_at=wire.moment(native.get("created")),
        native=wire.masked(native),
    )


def _variable(native: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "name": native.get("name"),
        "type": native.get("type"),
        "array": bool(native.get("isArray")),
        "scope": native.get("scope"),
        "caption": native.get("caption") or None,
        "description": native.get("desc") or None,
    }
