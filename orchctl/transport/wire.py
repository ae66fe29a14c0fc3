"""The seam under the policy: one request out, one answer in. Two kinds of wire: a network and the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol

from orchctl.transport.reply import Headers

Origin = tuple[str, str, int]
"""Scheme, host and port."""

BODY_LIMIT = 64 * 1024 * 1024
CHUNK = 64 * 1024
BODILESS = frozenset({204, 205, 304})
"""Statuses whose answers have no body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request, ready for the wire. ``target`` is path and query as the server gets them."""

    method: str
    url: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    idle: float = inf
    """Seconds that a connection may have been idle to be used once more: its end may have been missed."""


class Broken(Exception):
    """An exchange that ended without a complete answer.

    ``sent``: the connection stood, so that the server may have acted. ``why`` tells what happened.
    ``lasting``: the same would happen once more (a certificate that is not trusted).
    """

    def __init__(self, why: str, *, sent: bool, hint: str | None = None, lasting: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent
        self.hint = hint
        self.lasting = lasting


class TooLarge(Exception):
    """The body goes beyond BODY_LIMIT once it is decompressed."""


class Incoming(Protocol):
    """An answer whose head has arrived. Close it, whatever happened to its body."""

    status: int
    headers: Headers

    def body(self) -> bytes:
        """All of it. Raises Broken and TooLarge."""

    def chunks(self) -> Iterator[bytes]:
        """It in pieces as they arrive, decompressed; time spent outside is not counted. Raises Broken."""

    def close(self) -> None: ...


class Wire(Protocol):
    def open(self, outgoing: Outgoing, *, limit: float, standing: Callable[[], None]) -> Incoming:
        """Send, and wait for the answer's head. Raises Broken.

        The whole exchange, its body too, takes at most ``limit`` seconds. ``standing`` is called once there
        is a connection, just before the first byte goes out.
        """

    def close(self) -> None: ...
