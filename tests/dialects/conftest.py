"""Sherpa's dialect in front of a server that answers what a test says, and keeps what it was asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from orchctl.config import Context
from orchctl.dialects.sherpa import Sherpa
from orchctl.transport import Transport
from tests.conftest import Home
from tests.faults import Connection, FaultServer, Step, message, reply

collect_ignore = ["test_prompt.py"] if sys.platform == "win32" else []

Speak = Callable[..., Sherpa]


def answer(body: Any, status: int = 200) -> Step:
    """A proper answer; text goes out as it is, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return reply(status, data)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def speak(server: FaultServer, home: Home) -> Iterator[Speak]:
    """``speak(wire="json")``: the dialect of a context with these options."""
    with ExitStack() as closing:

        def dialect(**options: Any) -> Sherpa:
            context = Context(name="test", dialect="sherpa", url=server.url, **options)
            transport = Transport(
                base_url=server.url,
                authorize=lambda refresh: Sherpa.authorization(
                    context, "da8bc2f0-8065-4385-b867-405e66b8e151"
                ),
                notify=lambda text: None,
                explain=Sherpa.explain,
                sleep=lambda seconds: None,
            )
            closing.callback(transport.close)
            return Sherpa(transport, context)

        yield dialect


TOKEN = "da8bc2f0-8065-4385-b867-405e66b8e151"


def routes(table: Mapping[str, Any]) -> Step:
    """Answers by method and path: JSON, bytes as they are, a (status, body) or a function of the request.

    What is not in the table is answered 404.
    """

    def step(connection: Connection) -> None:
        seen = connection.read()
        found = table.get(
            f"{seen.method} {unquote(urlsplit(seen.target).path)}", (404, {"error": "no such path"})
        )
        if callable(found):
            found = found(seen)
        status, body = found if isinstance(found, tuple) else (200, found)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        connection.server.act(200 <= status < 300 and seen.method != "GET")
        connection.send(message(status, data))

    return step


@pytest.fixture
def cli(orchctl: Any, server: FaultServer) -> Any:
    """``orchctl`` in front of the server, with the given routes; options of the context in ``context``."""

    def run(*argv: str, context: Mapping[str, str] | None = None, **options: Any) -> Any:
        env = {"ORCHCTL_TOKEN": TOKEN}
        if context is None:
            env |= {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa"}
            return orchctl(*argv, env=env, **options)
        config = Path(os.environ["XDG_CONFIG_HOME"]) / "orchctl" / "config.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"    {key}: {value}\n" for key, value in context.items())
        config.write_text(
            f"contexts:\n  test:\n    dialect: sherpa\n    url: {server.url}\n{lines}current-context: test\n"
        )
        return orchctl(*argv, env=env, **options)

    return run


def asked(server: FaultServer) -> list[str]:
    """Method and path of each request."""
    return [f"{seen.method} {unquote(urlsplit(seen.target).path)}" for seen in server.requests]
