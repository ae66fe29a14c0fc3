"""What every subject of Sherpa's wire shares: a request that was let in, a route, and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from json import dumps
from time import gmtime, strftime
from typing import TypeAlias
from urllib.parse import quote

from orchctl.model import Json
from orchctl.sandbox.engine import Engine, NotFound, Tx
from orchctl.sandbox.engine.base import as_id, is_guid
from orchctl.sandbox.engine.robots import Robot
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal, json_response
from orchctl.sandbox.wire.fields import Fields

# The sandbox has one tenant.
ACCOUNT = "1"
# About so many bytes go at once, or so many rows.
CHUNK = 256 * 1024
ROWS = 500


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that was let in: the segments after the route's own, and its fields.

    ``robot`` is whose GUID was the credential; without one the account asks. ``shown`` is the credential.
    """

    tx: Tx
    engine: Engine
    args: tuple[str, ...]
    fields: Fields
    strict: bool
    robot: Robot | None = None
    shown: str | None = None

    def key(self, *names: str) -> str:
        """A GUID, name or number: in the path (REF's examples) or a field (REF's lists of parameters)."""
        return self.args[0] if self.args else self.fields.required(*names)

    def has_key(self, *names: str) -> bool:
        return bool(self.args) or any(name in self.fields for name in names)

    def unnamed(self, key: str, noun: str) -> str:
        """``key``, of something that the documents do not say to be found by name."""
        if self.strict and not is_guid(key) and as_id(key) is None:
            raise NotFound(f"there is no {noun} {key!r}; no document has it found by name")
        return key

    def inferred(self, *names: str) -> None:
        """Strictly, a field whose name is in no document is refused."""
        if self.strict:
            for name in names:
                if name in self.fields:
                    raise Refusal(400, f"no document has the field {name} here")

    def only_own(self, robot: Robot) -> None:
        """A robot speaks for itself only."""
        if self.robot is not None and self.robot.id != robot.id:
            raise Refusal(403, "a robot's GUID lets in for that robot alone")


Answer: TypeAlias = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """``other``: a method that is taken too, but not strictly. ``inferred``: no document has the call.

    ``robots``: may a robot do it with its own GUID? What it may not is nowhere documented; here it may what
    the vendor's code for robots and the Designer's blocks do.
    """

    method: str
    answer: Answer
    args: int = 0
    other: str = ""
    inferred: bool = False
    robots: bool = False
    reads: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.reads

    def takes(self, method: str, *, strict: bool) -> bool:
        if method == "HEAD" and self.method == "GET":
            return True
        return method == self.method or (not strict and method == self.other)


Routes: TypeAlias = Mapping[tuple[str, ...], Route]


def guid(value: str, *, key: str = "guid") -> Response:
    return json_response(f'{{"{key}": "{value}"}}'.encode())


def nothing() -> Response:
    """How this API says "done"."""
    return json_response(b"[]")


def answer(value: Json) -> Response:
    return json_response(dumps(value).encode())


def raw(json_text: str) -> Response:
    return json_response(json_text.encode())


def download(content: bytes, name: str) -> Response:
    shown = quote(name, safe="")
    return Response(
        200,
        [
            ("content-type", "application/octet-stream"),
            ("content-length", str(len(content))),
            ("content-disposition", f"attachment; filename*=UTF-8''{shown}"),
        ],
        content,
    )


# From an id on: rows as JSON, and the id to go on after, if there is more.
Page: TypeAlias = Callable[[Tx, int], "tuple[bytes, int | None]"]


def streamed(ask: Ask, page: Page) -> Response:
    """A list that may be long, a transaction a page, so that it holds neither memory nor the database."""
    head, key = page(ask.tx, 0)
    if key is None:
        return json_response(b"[" + head + b"]")
    return Response(200, [("content-type", "application/json")], _pages(ask.engine, page, head, key))


def _pages(engine: Engine, page: Page, head: bytes, key: int | None) -> Iterator[bytes]:
    yield b"[" + head
    while key is not None:
        chunk, key = engine.read(partial(_from, page, key))
        if chunk:
            yield b"," + chunk
    yield b"]"


def _from(page: Page, key: int, tx: Tx) -> tuple[bytes, int | None]:
    return page(tx, key)


def joined(rows: Sequence[str]) -> bytes:
    return ",".join(rows).encode()


def time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else strftime("%Y-%m-%d %H:%M:%S", gmtime(milliseconds // 1000))


def seconds(milliseconds: int | None) -> int | None:
    """Robots' times are Unix seconds."""
    return None if milliseconds is None else milliseconds // 1000


def number(value: int | None) -> str | None:
    """Most numbers are strings here."""
    return None if value is None else str(value)
