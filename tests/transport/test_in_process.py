"""The embedded orchestrator as a server without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchctl.errors import NotFound, Unintelligible
from orchctl.sandbox.app import Request, Response
from orchctl.transport import Call, Effect
from tests.transport.conftest import Make, World

READ = Call(method="GET", path="/api/queue/read/nope", effect=Effect.READ, query={"a": "б"})


class App:
    """Stands where the sandbox's application stands."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.requests: list[Request] = []
        self.closed = 0

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.response

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    made = App(Response(200, [("Content-Type", "application/json")], b'{"a": 1}'))
    monkeypatch.setattr("orchctl.sandbox.app.open_app", lambda path, *, in_process: made)
    return made


def test_a_request_arrives_as_it_would_over_a_network(make: Make, app: App) -> None:
    transport = make(base_url="sandbox:")
    assert transport.send(READ).data() == {"a": 1}
    request = app.requests[0]
    assert (request.method, request.path, request.query) == ("GET", "/api/queue/read/nope", "a=%D0%B1")
    assert request.headers["authorization"] == "Basic c2VjcmV0LWd1aWQ="
    transport.send(Call(method="POST", path="/x", form={"a": "b"}))
    assert app.requests[1].body == b"a=b"
    transport.close()
    assert app.closed == 1


def test_a_body_in_pieces(make: Make, app: App) -> None:
    def body() -> Iterator[bytes]:
        yield b"[1,"
        yield b"2]"

    app.response = Response(200, [], body())
    assert make(base_url="sandbox:").send(READ).data() == [1, 2]
    app.response = Response(200, [], body())
    assert list(make(base_url="sandbox:").stream(READ)) == [1, 2]


def test_the_limit_holds_here_too(make: Make, app: App) -> None:
    app.response = Response(200, [], (b" " * 2**20 for _ in range(100)))
    with pytest.raises(Unintelligible, match="larger than 64 MiB"):
        make(base_url="sandbox:").send(READ)
    app.response = Response(200, [], b" " * 2**20 * 65)
    with pytest.raises(Unintelligible, match="larger than 64 MiB"):
        make(base_url="sandbox:").send(READ)


def test_the_real_one(make: Make, world: World, tmp_path: Path) -> None:
    transport = make(base_url=f"sandbox:{tmp_path / 'sandbox.db'}", insecure=True)
    assert transport.where == "the sandbox"
    with pytest.raises(NotFound) as caught:
        transport.send(READ)
    assert caught.value.message.startswith("the sandbox has nothing at GET /api/queue/read/nope (404)")
    assert world.notes == []
