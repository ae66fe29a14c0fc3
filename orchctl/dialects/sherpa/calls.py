"""The calls that all of Sherpa's nouns make alike: read, list, create, update, delete."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from orchctl.dialects.base import Dialect, Page
from orchctl.dialects.sherpa.wire import Record, as_form, as_json, id_of, plain, unwrapped, zone_of
from orchctl.errors import BadRequest, NotFound, Refused, Unintelligible
from orchctl.registry import Registry
from orchctl.transport import Call, Effect, Reply, Transport, quote
from orchctl.transport.reply import asked, excerpt

if TYPE_CHECKING:
    from orchctl.config import Context
    from orchctl.model import Json

T = TypeVar("T")

ABSENT = frozenset({204, 404})
# How a server may say that it has no such call, or that this one lacks its guid; no document has the codes. Not
# 500: a server that has failed would look like one without a list.
_NO_SUCH_CALL = frozenset({400, 404, 405, 422, 501})
_OTHER_METHOD = frozenset({404, 405, 501})
# The Designer's default for "max count"; whether the API shares it is not documented.
DEFAULT_CAP = 100

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_METHODS = "method"  # of the registry: which of two methods a server takes

# One of these at least is in every object that is listed.
_IDENTIFYING = frozenset({"guid", "id", "name"})

# What an object has that is answered to a write, where it has neither GUID nor number.
_OBJECTS_OWN = ("name", "created", "createdat")
_ERRORS = ("error", "errortext", "errormessage")
_YES = (1, "1")  # and true, which is 1

# Seed 000: these are found by name too.
NAMED = frozenset({"queue", "task", "asset", "log"})


class Calls(Dialect):
    name: ClassVar[str] = "sherpa"
    title: ClassVar[str] = "Sherpa Orchestrator"
    raw_form: ClassVar[bool] = True

    def __init__(self, http: Transport, context: Context) -> None:
        super().__init__(http, context)
        self._zone: tzinfo = zone_of(context.time_zone)

    @staticmethod
    def authorization(context: Context, secret: str) -> dict[str, str]:
        """base64 of the bare GUID: no colon, no password (seeds 000 and 001)."""
        scheme = "Bearer" if context.auth == "bearer" else "Basic"
        return {"Authorization": f"{scheme} {base64.b64encode(secret.encode()).decode()}"}

    @staticmethod
    def explain(body: Json) -> str | None:
        if isinstance(body, dict):
            text = Record(body, UTC).first(*_ERRORS, "message", "detail")
            if isinstance(text, str):
                return text
        return None

    def is_id(self, ident: str) -> bool:
        return _GUID.fullmatch(ident) is not None

    def takes_name(self, kind: str) -> bool:
        return kind in NAMED

    def _call(
        self,
        method: str,
        path: str,
        fields: Mapping[str, Json],
        *,
        coded: bool = False,
        effect: Effect = Effect.ONCE,
        accept: frozenset[int] = frozenset(),
    ) -> Call:
        """``coded``: the vendor's code shows this call with a form; the reference's calls are JSON."""
        wire = self.context.wire
        if wire == "form" or (coded and wire == "auto"):
            return Call(method=method, path=path, form=as_form(fields), effect=effect, accept=accept)
        return Call(method=method, path=path, json=as_json(fields), effect=effect, accept=accept)

    def _read(self, entity: str, ident: str) -> dict[str, Any]:
        """``GET /api/<entity>/read/{guid}``, by name too where the server takes one."""
        reply = self.http.send(
            Call(method="GET", path=f"/api/{entity}/read/{quote(ident)}", effect=Effect.READ, accept=ABSENT)
        )
        return self._found(reply, entity, ident)

    def _list(self, entity: str, read: Callable[[dict[str, Any]], T]) -> Page[T] | None:
        """``GET /api/<entity>/read`` without an id: documented for robots, tried for the others."""
        reply = self.http.send(
            Call(method="GET", path=f"/api/{entity}/read", effect=Effect.READ, accept=_NO_SUCH_CALL)
        )
        if reply.status != 200 or reply.empty:
            return None
        rows = unwrapped(reply.data(noise=True))
        if isinstance(rows, dict) and rows:
            self._no_refusal(rows)
            id_of(Record(rows, self._zone))
        if isinstance(rows, dict) or rows in (None, False, ""):
            return None  # it looked for a single object, and found one or, in a way that PHP has for it, none
        found = _objects(rows)
        if found is None:
            raise reply.unintelligible("a list of objects was expected")
        return Page(map(read, found), guessed=True)

    def _stream(
        self, call: Call, read: Callable[[dict[str, Any]], T], *, known: frozenset[str] = _IDENTIFYING
    ) -> Iterator[T]:
        """The rows of a documented list; ``known`` has keys of which a row has one at least.

        Only the first is looked at so closely: it stands for an object that is no row, such as an error.
        """
        is_first = True
        for item in self.http.stream(call, noise=True):
            if type(item) is dict and item and not is_first:
                yield read(item)
                continue
            rows = _objects(unwrapped(item) if isinstance(item, str) else [item])
            if rows is None:
                raise self._no_list(call, "a list of objects was expected")
            if is_first and rows and known.isdisjoint(map(plain, rows[0])):
                if text := self.explain(rows[0]):
                    raise Refused(f"{self.title} refused: {text}")
                raise self._no_list(call, "what it lists has none of the fields that it should have")
            is_first = False
            yield from map(read, rows)

    def _no_list(self, call: Call, why: str) -> Unintelligible:
        return Unintelligible(
            f"{self.http.where} answered {asked(call.method, call.path)} with something that is no usable answer: "
            f"{why}",
            hint="see the whole exchange with --debug; the server may be of another version",
        )

    def _create(self, entity: str, fields: Mapping[str, Json], *, coded: bool = False) -> str:
        """``POST /api/<entity>/create``; answers the new object's GUID."""
        return self._guid(self.http.send(self._call("POST", f"/api/{entity}/create", fields, coded=coded)))

    def _update(
        self,
        entity: str,
        fields: Mapping[str, Json],
        *,
        coded: bool = False,
        effect: Effect = Effect.IDEMPOTENT,
    ) -> None:
        """``PUT /api/<entity>/update``."""
        call = self._call("PUT", f"/api/{entity}/update", fields, coded=coded, effect=effect)
        self._acknowledged(self.http.send(call))

    def _delete(self, entity: str, ident: str) -> None:
        """``DELETE /api/<entity>/delete/{guid}``."""
        path = f"/api/{entity}/delete/{quote(ident)}"
        self._acknowledged(self.http.send(Call(method="DELETE", path=path, effect=Effect.IDEMPOTENT)))

    def _either(
        self, what: str, methods: tuple[str, str], ident: str, make: Callable[[str, frozenset[int]], Call]
    ) -> None:
        """A call whose method the documents contradict each other on.

        The second is sent only where the first was answered 404, 405 or 501, and remembered for this server
        if it was taken.
        """
        memory = Registry.of(self.context.origin)
        first, second = methods
        if memory.seen(_METHODS).get(what) == second:
            first, second = second, first
        reply = self.http.send(make(first, _OTHER_METHOD))
        if reply.status not in _OTHER_METHOD:
            self._acknowledged(reply)
            return
        other = self.http.send(make(second, _OTHER_METHOD))
        if other.status in _OTHER_METHOD:
            if 404 in (reply.status, other.status):
                raise NotFound(f"no {what.partition('/')[0]} {ident!r}")
            raise BadRequest(f"{self.title} takes {what} neither with {first} nor with {second}")
        memory.remember(_METHODS, {what: second})
        self._acknowledged(other)

    def _guid(self, reply: Reply) -> str:
        data = unwrapped(reply.data(noise=True))
        if isinstance(data, str) and self.is_id(data):
            return data
        guid = Record(data, UTC).ident() if isinstance(data, dict) else None
        if guid is None:
            raise reply.unintelligible("the answer holds no guid")
        return guid

    def _guid_if_any(self, reply: Reply) -> str | None:
        """The same of a call that may answer no GUID."""
        data = None if reply.empty else unwrapped(reply.data(noise=True))
        if isinstance(data, dict) and Record(data, UTC).first("guid", "id") is not None:
            return self._guid(reply)
        self._acknowledged(reply)
        return None

    def _acknowledged(self, reply: Reply) -> None:
        """``[]`` and ``{"result": "1"}`` are documented; nothing at all and the object itself will do.

        An error text is a refusal. What is none of these says neither yes nor no.
        """
        data = None if reply.empty else unwrapped(reply.data(noise=True))
        if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict):
            data = data[0]
        if data is None or data is True or data in ([], {}):
            return
        if isinstance(data, dict):
            answer = Record(data, UTC)
            if answer.first("result", "success") in _YES and answer.first(*_ERRORS) is None:
                return
            if text := self.explain(data):
                raise Refused(f"{self.title} refused: {text}")
            if answer.ident() is not None or answer.first(*_OBJECTS_OWN) is not None:
                return
        raise reply.unintelligible(f"it does not say that it was done: {excerpt(reply.text())}")

    def _found(self, reply: Reply, entity: str, ident: str) -> dict[str, Any]:
        """The object that was read; nothing in any of the ways that PHP says it is "not found"."""
        data = None if reply.status in ABSENT else unwrapped(reply.data(noise=True))
        if isinstance(data, list):
            rows = _objects(data)
            if rows is None:
                raise reply.unintelligible("objects were expected")
            data = self._only(rows, entity, ident)
        if not data:
            raise NotFound(f"no {NOUN.get(entity, entity)} {ident!r}", hint=self._name_hint(entity, ident))
        if not isinstance(data, dict):
            raise reply.unintelligible("an object was expected")
        self._no_refusal(data)
        return data

    def _no_refusal(self, data: dict[str, Any]) -> None:
        if (text := self.explain(data)) and Record(data, UTC).first("guid", "id") is None:
            raise Refused(f"{self.title} refused: {text}")

    def _only(self, rows: list[dict[str, Any]], entity: str, ident: str) -> Json:
        """Since 141857 a search by name answers all objects of that name."""
        if len(rows) > 1:
            noun = NOUN.get(entity, entity)
            ids = ", ".join(Record(row, UTC).text("guid", "id") or "?" for row in rows)
            raise Refused(f"the name {ident!r} stands for more than one {noun}", hint=f"use an id: {ids}")
        return rows[0] if rows else None

    def _name_hint(self, entity: str, ident: str) -> str | None:
        if self.is_id(ident) or ident.isdigit():
            return None
        if entity in NAMED:
            return "a name works from Orchestrator 141838 on; older servers know only the GUID"
        return "names are documented for queues, tasks, assets and log entries; here the GUID is needed"


def _objects(data: Json) -> list[dict[str, Any]] | None:
    """The objects that a list holds; ``None`` for anything else."""
    rows = data if isinstance(data, list) else [data]
    return None if any(not isinstance(row, dict) or not row for row in rows) else rows  # type: ignore[return-value]


# What an entity of the API is called in messages, where that is another word.
NOUN = {
    "log": "log entry",
    "robotGroup": "robot group",
    "processVersion": "process version",
    "schedule": "trigger",
    "folders": "storage folder",
    "files": "stored file",
}
