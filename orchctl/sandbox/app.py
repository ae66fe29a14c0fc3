"""The application: which wire a request is for, its answer, and never a traceback. It owns no socket."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchctl.errors import LocalFault
from orchctl.sandbox import admin
from orchctl.sandbox.engine import Conflict, Engine, Invalid, NotFound, Tx
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.store import Unwritten
from orchctl.sandbox.wire import Operation, Refusal, Wire, refuse
from orchctl.sandbox.wire.sherpa import Sherpa

if TYPE_CHECKING:
    from orchctl.sandbox.courier import Courier

__all__ = ["BODY_LIMIT", "App", "Request", "Response", "open_app"]

BODY_LIMIT = 32 * 1024 * 1024

_ELMA = "/v1/"
_STATUS: dict[type[Exception], int] = {NotFound: 404, Conflict: 409, Invalid: 400}


class App:
    """Answers requests. Thread-safe; any number of processes may have one on the same database."""

    def __init__(
        self, engine: Engine, wires: Sequence[Wire], *, after: Callable[[Request], None] | None = None
    ) -> None:
        """``after`` is called when ``handle`` has an answer; a server does such things by itself."""
        self.engine = engine
        self._wires = wires
        self._after = after

    def handle(self, request: Request) -> Response:
        response = self.perform([self.find(request)])[0]
        if self._after is not None:
            self._after(request)
        return response

    def find(self, request: Request) -> Operation:
        """What the request asks for; an unknown path is an operation that refuses."""
        if len(request.body) > BODY_LIMIT:
            return _refusing(413, f"the body is larger than {BODY_LIMIT} bytes")
        for wire in self._wires:
            operation = wire.find(request)
            if operation is not None:
                break
        else:
            operation = _refusing(404, f"there is nothing at {request.path}")
        return _without_body(operation) if request.method == "HEAD" else operation

    def perform(self, operations: Sequence[Operation]) -> list[Response]:
        """Answer several: those that write in one commit, each alone in what it does.

        A response stands only once this returns: then what it tells is on the disk.
        """
        outcomes: list[Response | Exception]
        try:
            if any(operation.writes for operation in operations):
                outcomes = self.engine.write_many([operation.run for operation in operations])
            else:
                outcomes = [self._read(operation.run) for operation in operations]
        except Exception as error:  # the answer must go out whatever broke
            outcomes = [error] * len(operations)
        return [
            _refusal(operation, outcome) if isinstance(outcome, Exception) else outcome
            for operation, outcome in zip(operations, outcomes, strict=True)
        ]

    def close(self) -> None:
        self.engine.store.close()

    def _read(self, run: Callable[[Tx], Response]) -> Response | Exception:
        try:
            return self.engine.read(run)
        except Exception as error:
            return error


def open_app(
    path: Path | str | None,
    *,
    open_access: bool = False,
    strict: bool = False,
    in_process: bool = False,
    elma: Sequence[str] = (),
) -> App:
    """The orchestrator on a database, which is made with its key at first use; ``None``: the user's own.

    ``elma`` are words for the ways in which servers of that API may differ.

    :raises LocalFault: the file cannot be made or used.
    """
    store, key = admin.open_store(None if path is None else Path(path))
    engine = Engine(store)

    def load_elma() -> Wire:
        from orchctl.sandbox.wire.elma import Elma, Switches

        switches = Switches.of(elma, strict=strict)
        return Elma(engine, in_process=in_process, open_access=open_access, switches=switches)

    def load_uipath() -> Wire:
        from orchctl.sandbox.wire.uipath import Uipath

        return Uipath(engine, key=None if in_process else key, open_access=open_access, strict=strict)

    def do_errands(request: Request) -> None:
        if request.path.startswith(_ELMA):
            courier(engine).run_due()

    return App(
        engine,
        [
            Sherpa(engine, key=None if in_process else key, open_access=open_access, strict=strict),
            OnDemand(_ELMA, load_elma),
            OnDemand("/", load_uipath),
        ],
        after=do_errands if in_process else None,
    )


def courier(engine: Engine) -> Courier:
    """Who does the errands of an orchestrator's tasks."""
    from orchctl.sandbox.courier import Courier
    from orchctl.sandbox.wire.elma import Elma

    return Courier(engine, Elma(engine).report)


class OnDemand:
    """A wire that is loaded with the first request below its path: most runs need one API only."""

    def __init__(self, path: str, load: Callable[[], Wire]) -> None:
        self._path = path
        self._load = load
        self._wire: Wire | None = None

    def find(self, request: Request) -> Operation | None:
        if not request.path.startswith(self._path):
            return None
        if self._wire is None:
            self._wire = self._load()
        return self._wire.find(request)


def _refusing(status: int, message: str) -> Operation:
    def run(_: Tx) -> Response:
        raise Refusal(status, message)

    return Operation(run, writes=False, refuse=refuse)


def _refusal(operation: Operation, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return operation.refuse(error.status, error.message, error.headers)
    status = _STATUS.get(type(error))
    if status is not None:
        return operation.refuse(status, str(error), ())
    if isinstance(error, Unwritten):
        # With Retry-After a 503 says that nothing was done.
        return operation.refuse(
            503, "the database is busy or full, nothing was done", (("retry-after", "1"),)
        )
    if isinstance(error, LocalFault):
        return operation.refuse(503, error.message, ())
    import traceback

    traceback.print_exception(error, file=sys.stderr)
    return operation.refuse(500, "the sandbox failed; its own output says why", ())


def _without_body(operation: Operation) -> Operation:
    """The same for HEAD: the headers, Content-Length too, and no body."""

    def run(tx: Tx) -> Response:
        response = operation.run(tx)
        return Response(response.status, response.headers, b"")

    def refuse(status: int, message: str, headers: tuple[tuple[str, str], ...]) -> Response:
        response = operation.refuse(status, message, headers)
        return Response(response.status, response.headers, b"")

    return Operation(run, writes=operation.writes, refuse=refuse)
