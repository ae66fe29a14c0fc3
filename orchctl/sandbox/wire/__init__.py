"""What each vendor's wire gives the application: for a request, the operation it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from typing import Protocol

from orchctl.sandbox.engine import Tx
from orchctl.sandbox.http import Request, Response


class Refusal(Exception):
    """The wire itself says no, before the engine is asked."""

    def __init__(self, status: int, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request comes to. ``run`` may raise Refusal or an EngineError, which ``refuse`` words."""

    run: Callable[[Tx], Response]
    writes: bool
    refuse: Callable[[int, str, tuple[tuple[str, str], ...]], Response]


def refuse(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An error as the sandbox words it where a vendor's documents do not say how."""
    return json_response(dumps({"error": message}).encode(), status, headers)


def json_response(body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(
        status, [("content-type", "application/json"), ("content-length", str(len(body))), *headers], body
    )


class Wire(Protocol):
    def find(self, request: Request) -> Operation | None:
        """The operation, or None when the path is none of this wire's; raises nothing."""
