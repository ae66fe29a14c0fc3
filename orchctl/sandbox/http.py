"""What the sandbox means by a request and a response, whoever carries them (uvicorn or a call in process)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` and ``query`` are as they were sent, percent-encoded; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A ``body`` that is an iterator is long: it is sent as it comes, and only once."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | Iterator[bytes]
