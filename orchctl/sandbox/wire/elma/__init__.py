"""ELMA RPA's API over the engine, written from the vendor's documents and never from the dialect.

Seed 002 (the task queue), the pages on registration and on the repository, and what the vendor's client sends
(marked "client"). What no document shows is said where it is decided; nothing here is a fact about the product
that the documents do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from json import dumps

from orchctl.model import Json
from orchctl.sandbox.courier import reach, refusal, shown
from orchctl.sandbox.engine import Engine, Invalid, NotFound, Tx, processes, runs, systems, tasks
from orchctl.sandbox.engine.base import LARGEST_ID, is_guid
from orchctl.sandbox.engine.processes import Process, Version
from orchctl.sandbox.engine.runs import TaskFile
from orchctl.sandbox.engine.systems import Standing
from orchctl.sandbox.engine.tasks import Task, TaskFields
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.wire import Operation, Refusal, json_response
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.elma.shapes import (
    OURSELVES,
    PRIORITY_OF,
    context_of,
    files_in,
    queue_of,
    task_object,
    variable_object,
    version_object,
)
from orchctl.sandbox.wire.elma.switches import Switches

__all__ = ["Elma", "Switches"]

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose body was JSON. ``system`` is who sent it, once that was asked."""

    tx: Tx
    request: Request
    fields: Mapping[str, Json]
    system: str = ""

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Invalid(f"{name} is required")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_ID:
            raise Invalid(f"{name} must be a number")
        return value


@dataclass(frozen=True, slots=True)
class _Route:
    answer: Callable[[Elma, Ask], Response]
    writes: bool = False
    signed: bool = True


class Elma:
    """``in_process``: nobody has to show a token. ``open_access``: any UUID is that of an allowed system."""

    def __init__(
        self,
        engine: Engine,
        *,
        in_process: bool = False,
        open_access: bool = False,
        switches: Switches | None = None,
    ) -> None:
        self._engine = engine
        self._in_process = in_process
        self._open = open_access
        self._switches = switches or Switches()

    def find(self, request: Request) -> Operation | None:
        route = _ROUTES.get(request.path.rstrip("/"))
        if route is None or self._is_missing(route):
            return None
        return Operation(partial(self._answer, route, request), writes=route.writes, refuse=self._refuse)

    def report(self, tx: Tx, task: Task) -> bytes:
        """What a callback posts. No document says; this is the answer that the status call would give."""
        return dumps({"status": 200, "task": task_object(tx, task, self._switches)}).encode()

    def _is_missing(self, route: _Route) -> bool:
        switches = self._switches
        return (switches.no_delete_alias and route is _DELETE) or (
            switches.no_variables and route in (_FIND, _CONTEXT)
        )

    def _answer(self, route: _Route, request: Request, tx: Tx) -> Response:
        if request.method != "POST":
            raise Refusal(405, f"{request.path} takes POST, not {request.method}")
        try:
            body = decode_json(request.body)
        except ValueError as error:
            raise Invalid(f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Invalid("the body must be a JSON object")
        ask = Ask(tx, request, body)
        return route.answer(self, replace(ask, system=self._system(ask)) if route.signed else ask)

    def _refuse(self, status: int, message: str, headers: tuple[tuple[str, str], ...]) -> Response:
        """No document shows an error: ``ErrorMessage`` is a field of the vendor's client."""
        body = dumps({"status": status, "ErrorMessage": message}, ensure_ascii=False).encode()
        return json_response(body, status if self._switches.mirror_status or status >= 500 else 200, headers)

    def _system(self, ask: Ask) -> str:
        """Who asks. Which status means what is ours: no document says."""
        if self._in_process and ask.fields.get("auth_tkn") in (None, ""):
            return OURSELVES
        token = ask.fields.get("auth_tkn")
        if not isinstance(token, str) or not is_guid(token):
            raise Refusal(401, "auth_tkn must be the UUID of a registered external system")
        token = token.lower()
        if self._open or self._in_process:
            return token
        system = systems.find(ask.tx, token)
        if system is None:
            raise Refusal(401, "no external system has registered with this auth_tkn")
        if system.status != Standing.ALLOWED:
            why = "waits for an administrator" if system.status == Standing.REQUEST else "is locked"
            raise Refusal(403, f"the external system {why}")
        return token

    # The calls

    def register(self, ask: Ask) -> Response:
        name = ask.fields.get("name")
        desc = ask.fields.get("desc")
        is_new = systems.register(
            ask.tx,
            ask.text("uuid"),
            name=name if isinstance(name, str) else "",
            description=desc if isinstance(desc, str) else None,
            status=Standing.ALLOWED if self._open or self._in_process else Standing.REQUEST,
        )
        return self._result(201 if is_new else 200, {})

    def system_status(self, ask: Ask) -> Response:
        uuid = ask.text("uuid")
        if not is_guid(uuid):
            raise Invalid("uuid must be a UUID")
        system = systems.find(ask.tx, uuid)
        if system is None and not self._open:
            raise NotFound("no external system has registered with this uuid")
        if system is not None and system.status != Standing.ALLOWED:
            raise Refusal(403, "the external system is not allowed")
        return self._result(200, {})

    def create_task(self, ask: Ask) -> Response:
        given = ask.fields.get("task")
        if not isinstance(given, dict):
            raise Invalid("task is required")
        token = given.get("process")
        if not isinstance(token, str) or not is_guid(token):
            raise Invalid("task.process must be the token of a process")
        tx = ask.tx
        process = processes.find(tx, token)
        version = processes.version(tx, process, replace(ask, fields=given).number("version", 0))
        context = context_of(given.get("ctx"))
        callback = None if self._switches.no_callback else given.get("callback")
        if callback is not None and not isinstance(callback, str):
            raise Invalid("task.callback must be a URL")
        queue = queue_of(tx, process)
        values: TaskFields = {"payload": dumps(context, ensure_ascii=False)}
        if (priority := given.get("priority")) not in (None, "", 0):
            if not isinstance(priority, str) or priority.upper() not in PRIORITY_OF:
                raise Invalid(f"task.priority is one of {', '.join(PRIORITY_OF)}")
            values["priority"] = PRIORITY_OF[priority.upper()]
        task = tasks.find(tx, tasks.create(tx, queue, values))
        why = refusal(callback, reach(tx)) if callback else None
        if self._open:
            systems.register(tx, ask.system, name="", description=None, status=Standing.ALLOWED)
        task = runs.begin(
            tx,
            task,
            system=ask.system,
            version_id=version.id,
            callback=None if why else callback or None,
            inputs=files_in(context, version.variable_list),
        )
        if why:
            words = f"The callback to {shown(str(callback))} will not be made: {why}"
            runs.log(tx, task, [words], level="WRN", component="Orchestrator")
        return self._result(201, {"task": task_object(tx, task, self._switches, log=False)})

    def task_status(self, ask: Ask) -> Response:
        return self._result(200, {"task": task_object(ask.tx, self._found(ask, "id"), self._switches)})

    def cancel_task(self, ask: Ask) -> Response:
        """ "A task can be deleted only by the system that created it" (seed 002); the answer is ours."""
        task = self._found(ask, "id")
        if runs.of(ask.tx, task).system != ask.system:
            raise Refusal(403, "only the external system that created a task may cancel it")
        return self._result(200, {"task": task_object(ask.tx, runs.cancel(ask.tx, task), self._switches)})

    def download(self, ask: Ask) -> Response:
        task = self._found(ask, "taskid")
        file = runs.output_file(ask.tx, task, ask.text("filename"))
        return self._file(ask.request, file)

    def actual(self, ask: Ask) -> Response:
        current = [
            (process, processes.version(ask.tx, process))
            for process in processes.every(ask.tx)
            if process.version_id is not None
        ]
        return self._page(ask, current)

    def history(self, ask: Ask) -> Response:
        process = processes.find(ask.tx, ask.text("token"))
        return self._page(ask, [(process, version) for version in processes.versions(ask.tx, process)])

    def find_version(self, ask: Ask) -> Response:
        process = processes.find(ask.tx, ask.text("token"))
        version = processes.version(ask.tx, process, ask.number("version", 0))
        return self._result(200, {"process": version_object(process, version)})

    def context(self, ask: Ask) -> Response:
        version = processes.find_version(ask.tx, ask.text("uuid"))
        described: list[Json] = [variable_object(variable) for variable in version.variable_list]
        return self._result(200, {"ctx": described or None})

    # Their parts

    def _found(self, ask: Ask, name: str) -> Task:
        number = ask.number(name)
        task = tasks.by_id(ask.tx, number)
        if task is None:
            raise NotFound(f"there is no task {number}")
        if self._switches.strict_owner and runs.of(ask.tx, task).system != ask.system:
            raise Refusal(403, "the task is another external system's")
        return task

    def _page(self, ask: Ask, found: list[tuple[Process, Version]]) -> Response:
        """The vendor's client sends page 0 and limit 0 and expects all; pages count from 0 (inferred)."""
        page, limit = ask.number("page", 0), ask.number("limit", 0)
        part = found[page * limit : (page + 1) * limit] if limit else found
        shown_ones: Json = [version_object(process, version) for process, version in part]
        return self._result(200, {"total": len(found), "process": shown_ones})

    def _result(self, status: int, body: Mapping[str, Json]) -> Response:
        text = dumps({"status": status, **body}, ensure_ascii=False)
        return json_response(text.encode(), status if self._switches.mirror_status else 200)

    def _file(self, request: Request, file: TaskFile) -> Response:
        """No document shows the headers of a download; a range is answered as HTTP has it."""
        start, end, status = 0, file.size, 200
        headers = [("content-type", "application/octet-stream")]
        match = _RANGE.fullmatch(request.headers.get("range", ""))
        if not self._switches.no_resume:
            headers.append(("accept-ranges", "bytes"))
            if match is not None:
                start = int(match.group(1))
                end = min(end, int(match.group(2) or file.size) + 1) if match.group(2) else end
                if start >= file.size:
                    # Beside the status in a body there is no other way to say it than HTTP's own.
                    return Response(
                        416, [("content-range", f"bytes */{file.size}"), ("content-length", "0")], b""
                    )
                status = 206
                headers.append(("content-range", f"bytes {start}-{end - 1}/{file.size}"))
        headers.append(("content-length", str(end - start)))
        return Response(status, headers, self._pieces(file, start, end))

    def _pieces(self, file: TaskFile, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            length = min(_CHUNK, end - start)
            piece = self._engine.read(partial(runs.piece, file=file, start=start, length=length))
            if not piece:
                raise NotFound("the file was removed while it was being sent")
            yield piece
            start += len(piece)


_FIND = _Route(Elma.find_version)
_CONTEXT = _Route(Elma.context)
# The document lost the path of cancel; this is the runner-up of the guesses, with the same meaning.
_DELETE = _Route(Elma.cancel_task, writes=True)
_ROUTES = {
    "/v1/orchestra/system/registration": _Route(Elma.register, writes=True, signed=False),
    "/v1/orchestra/system/status": _Route(Elma.system_status, signed=False),
    "/v1/orchestra/task/create": _Route(Elma.create_task, writes=True),
    "/v1/orchestra/task/status": _Route(Elma.task_status),
    "/v1/orchestra/task/cancel": _Route(Elma.cancel_task, writes=True),
    "/v1/orchestra/task/delete": _DELETE,
    "/v1/repository/task/download": _Route(Elma.download),
    "/v1/repository/actual": _Route(Elma.actual),
    "/v1/repository/history": _Route(Elma.history),
    "/v1/repository/find": _FIND,
    "/v1/repository/context": _CONTEXT,
}
