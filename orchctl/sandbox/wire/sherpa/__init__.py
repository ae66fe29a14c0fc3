"""Sherpa Orchestrator's API over the engine, written from the vendor's documents and never from the dialect.

What only one source has is marked with it as in the notes on the API: S000, S001, S003 the source documents,
REF the API reference, SHOT the in-product one, DES the Designer's blocks, FW the vendor's framework, UI the
user interface, REL release notes, I inferred. What no document shows is said where it is decided.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import partial
from urllib.parse import unquote

from orchctl.sandbox.engine import Engine, Tx
from orchctl.sandbox.engine.base import is_guid
from orchctl.sandbox.engine.robots import Robot, with_guid
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.wire import Operation, Refusal, refuse
from orchctl.sandbox.wire.body import fields_of
from orchctl.sandbox.wire.fields import Fields
from orchctl.sandbox.wire.sherpa.asks import Ask, Route, Routes

# The first word of a path, and the module that has its calls: imported with the first of them.
_SUBJECTS = {
    "queue": "queues",
    "task": "tasks",
    "job": "jobs",
    "robot": "robots",
    "robotGroup": "groups",
    "process": "processes",
    "processVersion": "processes",
    "asset": "assets",
    "schedule": "triggers",
    "log": "logs",
    "folders": "storage",
    "files": "storage",
    "account": "accounts",
}
_routes: dict[tuple[str, ...], Route] = {}


def _route(words: tuple[str, ...]) -> Route | None:
    route = _routes.get(words)
    if route is None and words[0] in _SUBJECTS:
        from importlib import import_module

        routes: Routes = import_module(f"{__name__}.{_SUBJECTS[words[0]]}").ROUTES
        _routes.update(routes)
        route = _routes.get(words)
    return route


class Sherpa:
    """``key`` is the account's, or None where nobody has to show one."""

    def __init__(self, engine: Engine, *, key: str | None, open_access: bool, strict: bool) -> None:
        self._engine = engine
        self._key = key
        encoded = "" if key is None else b64encode(key.encode()).decode()
        self._usual = (f"Basic {encoded}", f"Bearer {encoded}")
        self._open = open_access
        self._strict = strict

    def find(self, request: Request) -> Operation | None:
        segments = request.path.split("/")
        if len(segments) < 4 or segments[1] != "api":
            return None
        words = 2
        route = _route((segments[2], segments[3]))
        if route is None and len(segments) > 4:
            words = 3
            route = _route((segments[2], segments[3], segments[4]))
        if route is None or (route.inferred and self._strict):
            return None
        run = partial(self._answer, route, request, segments[2 + words :])
        return Operation(run, writes=route.writes, refuse=refuse)

    def _answer(self, route: Route, request: Request, segments: list[str], tx: Tx) -> Response:
        robot, shown = self._authorize(request, tx)
        if not route.takes(request.method, strict=self._strict):
            allowed = "GET, HEAD" if route.method == "GET" else route.method
            if route.other and not self._strict:
                allowed = f"{allowed}, {route.other}"
            raise Refusal(
                405, f"{request.path} takes {allowed}, not {request.method}", headers=(("allow", allowed),)
            )
        if robot is not None and not route.robots:
            raise Refusal(403, "a robot's GUID does not let in here, the account key does")
        try:
            args = tuple(unquote(segment, errors="strict") for segment in segments if segment)
        except UnicodeDecodeError:
            raise Refusal(400, "the path is not UTF-8") from None
        if len(args) > route.args:
            raise Refusal(404, f"there is nothing at {request.path}; filters in the path are not documented")
        fields = Fields(fields_of(request))
        return route.answer(Ask(tx, self._engine, args, fields, self._strict, robot, shown))

    def _authorize(self, request: Request, tx: Tx) -> tuple[Robot | None, str | None]:
        """Basic (S000) or Bearer (SHOT) with base64 of the bare key or robot's GUID, no colon.

        The robot whose GUID was shown, if it was one; and a GUID that is let in only because all are.
        """
        if self._key is None:
            return None, None

        from hmac import compare_digest

        header = request.headers.get("authorization", "")
        if header.isascii() and any(compare_digest(header, usual) for usual in self._usual):
            return None, None
        scheme, _, credential = header.partition(" ")
        if scheme.lower() in ("basic", "bearer"):
            try:
                shown = b64decode(credential.strip(), validate=True).decode("ascii")
            except ValueError:
                shown = ""
            if not self._strict:
                shown = shown.removesuffix(":")
            shown = shown.lower()
            if is_guid(shown):
                if compare_digest(shown, self._key):
                    return None, None
                if self._open:
                    return None, shown
                robot = with_guid(tx, shown)
                if robot is not None:
                    return robot, None
        raise Refusal(
            401,
            "the credential is not known here; send Authorization: Basic and base64 of the account key,"
            " or of a robot's GUID",
            headers=(("www-authenticate", "Basic"),),
        )
