"""A transport on a virtual clock, in front of the fault server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchctl.sanitize import forget_secrets
from orchctl.transport import Transport
from tests.faults import FaultServer


@dataclass
class World:
    """Time that passes only by sleeping, and everything the transport says."""

    time: float = 1000.0
    sleeps: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    credential: dict[str, str] = field(default_factory=lambda: {"Authorization": "Basic c2VjcmV0LWd1aWQ="})
    asked: list[bool] = field(default_factory=list)

    def clock(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=self.time - 1000)

    def authorize(self, refresh: bool) -> Mapping[str, str]:
        self.asked.append(refresh)
        return dict(self.credential)


Make = Callable[..., Transport]


@pytest.fixture
def world() -> Iterator[World]:
    forget_secrets()
    yield World()
    forget_secrets()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def make(world: World, server: FaultServer) -> Iterator[Make]:
    """Transports that are closed at the end; to the fault server unless told otherwise."""
    with ExitStack() as closing:

        def made(**options: Any) -> Transport:
            given: dict[str, Any] = {
                "base_url": server.url,
                "authorize": world.authorize,
                "notify": world.notes.append,
                "clock": world.clock,
                "sleep": world.sleep,
                "now": world.now,
                "rng": lambda: 1.0,
                **options,
            }
            transport = Transport(**given)
            closing.callback(transport.close)
            return transport

        yield made
