"""How ELMA RPA is called: POST with JSON, the token in the body, the answer's own status in its body too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchctl.dialects.base import Dialect, NoRoute, Registration
from orchctl.dialects.elma import wire
from orchctl.errors import BadRequest, NotAuthenticated, NotFound, OrchctlError
from orchctl.sanitize import safe
from orchctl.transport import Call, Download, Effect, Reply

if TYPE_CHECKING:
    from orchctl.model import Json

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ROUTE_MISSING = frozenset({404})
_LARGEST_ERROR = 64 * 1024
_STANDING = {
    "request": Registration.WAITING,
    "locked": Registration.WAITING,
    "allowed": Registration.ALLOWED,
}


class Calls(Dialect):
    def register(self, uuid: str, *, name: str, description: str) -> None:
        """``orchestra/system/registration``: what an administrator then has to allow."""
        fields: dict[str, Json] = {"uuid": uuid, "name": name, "desc": description}
        reply = self._send("/v1/orchestra/system/registration", fields, effect=Effect.ONCE, signed=False)
        body = self._answer(reply, absent="the server does not know how to register an external system")
        if _standing(body) is None:
            self._check_done(body, reply)

    def registration(self, uuid: str) -> Registration:
        """``orchestra/system/status``. No document says which status means what: a 2xx is taken for "allowed"."""
        reply = self._send("/v1/orchestra/system/status", {"uuid": uuid}, effect=Effect.READ, signed=False)
        try:
            body = self._answer(reply, absent="no such external system")
        except NoRoute:
            raise
        except NotFound:
            return Registration.UNKNOWN
        except (NotAuthenticated, BadRequest):
            return Registration.WAITING
        standing = _standing(body)
        if standing is None:
            self._check_done(body, reply)
        return standing or Registration.ALLOWED

    def _check_file(self, download: Download, absent: str) -> None:
        """Tell an answer that says "no" from a file that is JSON: no document shows either."""
        reply = download.reply
        if "content-disposition" in reply.headers or "json" not in reply.headers.get("content-type", ""):
            return
        head = download.peek()
        if len(head) > _LARGEST_ERROR or (download.total or 0) > len(head):
            return
        reply.body = head
        try:
            body = reply.data()
        except OrchctlError:
            return
        if wire.is_error(body):
            wire.raise_for(body, reply, absent=absent, title=self.title)  # type: ignore[arg-type]  # an object

    def _call(
        self, path: str, fields: Mapping[str, Json], *, effect: Effect, absent: str, signed: bool = True
    ) -> dict[str, Json]:
        return self._answer(self._send(path, fields, effect=effect, signed=signed), absent=absent)

    def _send(self, path: str, fields: Mapping[str, Json], *, effect: Effect, signed: bool = True) -> Reply:
        body = self.signed(fields) if signed else dict(fields)
        return self.http.send(Call(method="POST", path=path, effect=effect, json=body, accept=_ROUTE_MISSING))

    def signed(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        """With the system's token in front; in process the sandbox asks for none."""
        token = self.secret()
        if token is None:
            return dict(fields)
        if GUID.fullmatch(token) is None:
            raise NotAuthenticated(
                "the credential of an ELMA context is the UUID of a registered external system, and this is none",
                hint=f"orchctl auth login -c {self.context.name} makes one and registers it",
            )
        return {"auth_tkn": token, **fields}

    def check_raw(self, reply: Reply) -> None:
        try:
            body = reply.data(empty=True)
        except OrchctlError:
            return
        if isinstance(body, dict):
            wire.raise_for(body, reply, absent=f"{self.title} has no such thing", title=self.title)

    def _check_done(self, body: Mapping[str, Json], reply: Reply) -> None:
        if not wire.is_done(body):
            raise reply.unintelligible("its own status is not one of success")

    def _answer(self, reply: Reply, *, absent: str, part: str | None = None) -> dict[str, Json]:
        """The body, if its own status is no error. HTTP's 404 is a path that the server does not have,
        unless a task-shaped answer comes with it.

        ``part`` may be left out where it is empty, by an answer that has a status.
        """
        if reply.status == 404:
            try:
                body = reply.data()
            except OrchctlError:
                body = None
            if isinstance(body, dict) and wire.result_number(body) is not None:
                wire.raise_for(body, reply, absent=absent, title=self.title)
            raise NoRoute(
                f"the server has nothing at {safe(reply.target.partition('?')[0])} (404)",
                hint="check the context's URL, and whether the server is an ELMA RPA Orchestrator",
            )
        body = reply.data()
        if not isinstance(body, dict):
            raise reply.unintelligible("an object was expected")
        wire.raise_for(body, reply, absent=absent, title=self.title)
        if part is not None and part not in body and wire.result_number(body) is None:
            raise reply.unintelligible(f"it has neither a status nor {part!r}")
        return body


def _standing(body: Mapping[str, Json]) -> Registration | None:
    """By the words that the page Systems has, in case they come in place of a number."""
    word = body.get("status")
    return _STANDING.get(word.lower()) if isinstance(word, str) else None
