"""Redirects: never followed on a write, on a read only within the origin and three times at most."""

from __future__ import annotations

import pytest

from orchctl.errors import NetworkFault, OutcomeUnknown
from orchctl.transport import Call, Effect
from tests import faults
from tests.faults import FaultServer
from tests.transport.conftest import Make

WRITE = Call(method="POST", path="/api/task/create", form={"name": "INV-1"})
PUT = Call(method="PUT", path="/api/task/update", form={"guid": "1"}, effect=Effect.IDEMPOTENT)
READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ, query={"a": "1"})
POSTED_READ = Call(method="POST", path="/api/task/filter/list/1", json={"Name": "1"}, effect=Effect.READ)

HINT = "check the context's URL: it may lead to a web page, a login form or a proxy"


@pytest.mark.parametrize("status", [300, 301, 302, 304, 305, 307, 308])
@pytest.mark.parametrize("call", [WRITE, PUT], ids=["once", "idempotent"])
def test_a_write_follows_none(make: Make, server: FaultServer, status: int, call: Call) -> None:
    server.plan(faults.redirect("/api/elsewhere", status), faults.reply())
    with pytest.raises(NetworkFault) as caught:
        make().send(call)
    assert caught.value.message == (
        f"127.0.0.1:{server.port} redirects {call.method} {call.path} to /api/elsewhere ({status}), "
        "which is never followed for a write"
    )
    assert caught.value.hint == HINT
    assert len(server.requests) == 1
    assert server.effects == 0


def test_303_of_a_write_leaves_its_outcome_open(make: Make, server: FaultServer) -> None:
    server.plan(faults.redirect("/api/task/7", 303, effect=True), faults.reply())
    with pytest.raises(OutcomeUnknown) as caught:
        make().send(WRITE)
    assert caught.value.message == (
        f"127.0.0.1:{server.port} answered POST /api/task/create with a redirect to /api/task/7 (303): "
        "it may have been carried out"
    )
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(HINT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_a_read_follows_on_its_origin(make: Make, server: FaultServer, status: int, absolute: bool) -> None:
    place = f"{server.url}/new?b=2#part of it" if absolute else "/new?b=2#part of it"
    server.plan(faults.redirect(place, status), faults.reply(effect=False))
    assert make().send(READ).data() == {"guid": "1"}
    assert [seen.target for seen in server.requests] == ["/api/task/read/1?a=1", "/new?b=2"]
    assert server.requests[1].headers["authorization"] == "Basic c2VjcmV0LWd1aWQ="


def test_a_relative_redirect_starts_from_where_it_was(make: Make, server: FaultServer) -> None:
    server.plan(faults.redirect("2"), faults.redirect("?x"), faults.reply(effect=False))
    make().send(READ)
    assert [seen.target for seen in server.requests][1:] == ["/api/task/read/2", "/api/task/read/2?x"]


def test_three_are_followed_a_fourth_is_not(make: Make, server: FaultServer) -> None:
    server.plan(*[faults.redirect(f"/{hop}") for hop in range(3)], faults.reply(effect=False))
    assert make().send(READ).status == 200
    server.requests.clear()
    server.plan(*[faults.redirect(f"/{hop}") for hop in range(4)], faults.reply(effect=False))
    with pytest.raises(NetworkFault, match=r"redirects GET /2 to /3 \(302\), and that after 3 others"):
        make().send(READ)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "place",
    [
        "http://localhost:{port}/x",
        "http://127.0.0.1/x",
        "https://127.0.0.1:{port}/x",
        "//127.0.0.2:{port}/x",
        "http://user@127.0.0.1:{port}/x",
        "http://[::1/x",
        "http://127.0.0.1:99999/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "/x\x01y",
    ],
)
def test_no_read_is_led_to_another_place(make: Make, server: FaultServer, place: str) -> None:
    server.plan(faults.redirect(place.format(port=server.port)), faults.reply(effect=False))
    with pytest.raises(NetworkFault) as caught:
        make().send(READ)
    assert "which is another server" in caught.value.message
    assert caught.value.hint == HINT
    assert len(server.requests) == 1


def test_a_posted_read_never_becomes_a_get(make: Make, server: FaultServer) -> None:
    for status in (301, 302, 303):
        server.plan(faults.redirect("/x", status), faults.reply(effect=False))
        with pytest.raises(NetworkFault, match="where POST would become GET"):
            make().send(POSTED_READ)
    for status in (307, 308):
        server.requests.clear()
        server.plan(faults.redirect("/x", status), faults.reply(effect=False))
        make().send(POSTED_READ)
        assert [(seen.method, seen.target) for seen in server.requests][1] == ("POST", "/x")
        assert server.requests[1].body == b'{"Name":"1"}'


def test_a_redirect_to_nowhere(make: Make, server: FaultServer) -> None:
    server.plan(faults.reply(302, b""))
    with pytest.raises(NetworkFault, match=r"to nowhere \(302\), which leads nowhere"):
        make().send(READ)


def test_a_hostile_location_is_shown_harmless(make: Make, server: FaultServer) -> None:
    server.plan(faults.redirect("http://evil/\x1b]0;x\x07" + "a" * 500))
    with pytest.raises(NetworkFault) as caught:
        make().send(READ)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 300
