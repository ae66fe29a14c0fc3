"""The three invariants of a write, over every fault: at most one effect, a true claim, a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from orchctl.errors import NetworkFault, OrchctlError, OutcomeUnknown
from orchctl.transport import Call, Effect
from tests import faults
from tests.faults import FaultServer, Step
from tests.transport.conftest import Make, World

ONCE = Call(method="POST", path="/api/task/create", form={"name": "INV-1"})
IDEMPOTENT = Call(method="PUT", path="/api/task/update", form={"guid": "1"}, effect=Effect.IDEMPOTENT)
READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ)
POSTED_READ = Call(method="POST", path="/api/task/filter/list/1", json={}, effect=Effect.READ)
EFFECTS = {"once": ONCE, "idempotent": IDEMPOTENT, "read": READ, "posted-read": POSTED_READ}

CUT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"guid":'
CUT_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc"
CUT_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
CUT_400 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nno"
BAD_GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"

FAULTS: dict[str, Step] = {
    "reset-unread": faults.reset_unread,
    "close-unread": faults.close_unread,
    "reset-after-head": faults.reset_after_head,
    "reset-after-read": faults.reset_after_read(effect=False),
    "reset-after-effect": faults.reset_after_read(effect=True),
    "close-after-effect": faults.raw(b"", effect=True),
    "cut-head": faults.raw(b"HTTP/1.1 200 OK\r\nContent-Ty", effect=True),
    "cut-body": faults.raw(CUT, effect=True),
    "reset-in-body": faults.raw_reset(CUT, effect=True),
    "cut-chunk": faults.raw(CUT_CHUNK, effect=True),
    "cut-before-last-chunk": faults.raw(CUT_CHUNKS, effect=True),
    "cut-400": faults.raw(CUT_400, effect=True),
    "bad-gzip": faults.raw(BAD_GZIP, effect=True),
    "garbage": faults.raw(b"\x00\xff\x16\x03 not http at all\r\n\r\n", effect=True),
    "status-of-letters": faults.raw(b"HTTP/1.1 OK 200\r\n\r\n", effect=True),
    "500": faults.reply(500, b'{"message":"creation failed"}', effect=True),
    "502": faults.reply(502, b"", effect=True),
    "503": faults.reply(503, b"", effect=True),
    "504": faults.reply(504, b"", effect=True),
    "501": faults.reply(501, b"", effect=True),
    "599": faults.reply(599, b"", effect=True),
}
FAULTY_ANSWERS: dict[str, Step] = {
    "html-200": faults.html(effect=True),
    "too-large": faults.gzip_bomb(effect=True, megabytes=65),
    "303": faults.redirect("/api/task/7", 303, effect=True),
    "status-600": faults.reply(600, b"", effect=True),
}


def claim(action: Callable[[], object]) -> str:
    """What orchctl says of a write."""
    try:
        action()
    except OutcomeUnknown as error:
        told = " ".join([error.message, error.hint or ""]).lower()
        assert "fail" not in told
        assert "run it again" not in told
        assert "may have been carried out" in told or "does not tell the outcome" in told
        assert error.exit_code == 11
        return "unknown"
    except NetworkFault:
        return "not-sent"
    except OrchctlError:
        return "rejected"
    return "ok"


def check_claim(said: str, effects: int) -> None:
    assert effects <= 1
    if said == "ok":
        assert effects == 1
    elif said in {"rejected", "not-sent"}:
        assert effects == 0


@pytest.mark.parametrize("fault", FAULTS | FAULTY_ANSWERS)
def test_a_write_that_may_have_happened_is_sent_once_and_called_unknown(
    make: Make, server: FaultServer, fault: str
) -> None:
    server.plan((FAULTS | FAULTY_ANSWERS)[fault], faults.reply())
    said = claim(lambda: make().send(ONCE))
    check_claim(said, server.effects)
    assert said == "unknown"
    assert server.connections == 1


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 451, 301, 302, 307, 308]
)
@pytest.mark.parametrize("call", [ONCE, IDEMPOTENT], ids=["once", "idempotent"])
def test_a_write_that_was_rejected_had_no_effect(
    make: Make, server: FaultServer, status: int, call: Call
) -> None:
    server.plan(faults.reply(status, b'{"message":"no"}', {"Location": "/elsewhere"}))
    said = claim(lambda: make().send(call))
    check_claim(said, server.effects)
    assert said == ("not-sent" if status < 400 else "rejected")
    assert len(server.requests) == (4 if status == 408 and call is IDEMPOTENT else 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_idempotent_write_and_a_read_are_tried_again(make: Make, server: FaultServer, fault: str) -> None:
    last = fault in {"501", "599"}
    for call in (IDEMPOTENT, READ, POSTED_READ):
        server.plan(FAULTS[fault], faults.reply(effect=False))
        if last:
            with pytest.raises(OrchctlError):
                make().send(call)
        elif call.effect is Effect.READ and fault == "cut-400":
            assert make().send(call).status == 200
        else:
            assert make().send(call).data() == {"guid": "1"}


@pytest.mark.parametrize("fault", FAULTS)
def test_to_the_end_of_the_retries(make: Make, world: World, server: FaultServer, fault: str) -> None:
    server.plan(FAULTS[fault])
    with pytest.raises(OutcomeUnknown):
        make().send(IDEMPOTENT)
    tries = 1 if fault in {"501", "599"} else 4
    assert server.connections == tries or len(server.requests) == tries
    assert world.sleeps == [0.5, 1.0, 2.0][: tries - 1]
    server.plan(FAULTS[fault])
    with pytest.raises(OrchctlError) as caught:
        make().send(READ)
    assert caught.value.exit_code == (6 if fault.startswith("5") else 7)


def test_an_unreadable_answer_to_a_read_is_1(make: Make, server: FaultServer) -> None:
    for name, code in {"html-200": 1, "too-large": 1, "status-600": 1}.items():
        server.plan(FAULTY_ANSWERS[name])
        with pytest.raises(OrchctlError) as caught:
            make().send(READ)
        assert caught.value.exit_code == code


@pytest.mark.parametrize(
    "fault",
    {
        "silent": faults.silent(effect=True),
        "drip": faults.drip(effect=True, interval=0.1),
        "drip-body": faults.drip_body(effect=True, interval=0.1),
    }.values(),
    ids=["silent", "drip", "drip-body"],
)
@pytest.mark.parametrize("call", EFFECTS.values(), ids=EFFECTS)
def test_the_total_deadline_beats_a_server_that_is_slow_for_ever(
    make: Make, server: FaultServer, fault: Step, call: Call
) -> None:
    server.plan(fault)
    transport = make(request_timeout=0.4, attempts=1)
    started = time.monotonic()
    with pytest.raises(OrchctlError) as caught:
        transport.send(call)
    assert time.monotonic() - started < 0.4 + 1
    assert caught.value.exit_code == (7 if call.effect is Effect.READ else 11)
    assert "0.4 s" in caught.value.message
    assert server.effects == 1


def test_a_refused_connection_is_tried_again_and_surely_not_executed(make: Make, world: World) -> None:
    port = faults.closed_port()
    with pytest.raises(NetworkFault) as caught:
        make(base_url=f"http://127.0.0.1:{port}").send(ONCE)
    assert caught.value.message == f"cannot connect to 127.0.0.1:{port}: connection refused"
    assert caught.value.hint == "check that the server runs and that the context's URL is right"
    assert world.sleeps == [0.5, 1.0, 2.0]


def test_a_doubt_outlives_later_attempts(make: Make, server: FaultServer) -> None:
    """A reset that may have worked, then what looks like a clear no: it is about the second try."""
    statuses = (409, 400, 429, 401, 302)
    for later in [faults.reply(status, headers={"Location": "/x"}) for status in statuses]:
        server.effects = 0
        server.plan(faults.reset_after_read(effect=True), later)
        said = claim(lambda: make().send(IDEMPOTENT))
        assert said == "unknown"
        assert server.effects == 1


def test_a_later_attempt_is_told_in_the_notes(make: Make, server: FaultServer) -> None:
    server.plan(faults.reset_after_read(effect=True), faults.reply(409, b'{"message":"exists"}'))
    with pytest.raises(OutcomeUnknown) as caught:
        make().send(IDEMPOTENT)
    where = f"127.0.0.1:{server.port}"
    assert caught.value.notes == [f"a later attempt: {where} refused PUT /api/task/update (409): exists"]


def test_delete_that_finds_nothing_after_a_doubt_is_done(make: Make, server: FaultServer) -> None:
    delete = Call(
        method="DELETE", path="/api/task/delete/1", effect=Effect.IDEMPOTENT, accept=frozenset({404})
    )
    server.plan(faults.reset_after_read(effect=True), faults.reply(404))
    answer = make().send(delete)
    assert (answer.status, answer.data()) == (204, None)
    server.plan(faults.reply(404))
    assert make().send(delete).status == 404
    server.plan(faults.reply(429, effect=False), faults.reply(404))
    assert make().send(delete).status == 404


def test_accepted_statuses_come_back(make: Make, server: FaultServer) -> None:
    server.plan(faults.reply(405, b"no", effect=False))
    answer = make().send(Call(method="PUT", path="/x", accept=frozenset({404, 405, 501})))
    assert (answer.status, answer.body) == (405, b"no")


def test_a_write_never_goes_over_a_connection_that_was_idle(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = make()
    transport.send(READ)
    transport.send(ONCE)
    assert server.connections == 1
    monkeypatch.setattr("orchctl.transport.core.WRITE_IDLE", 0.0)
    transport.send(READ)
    assert server.connections == 1
    transport.send(ONCE)
    assert server.connections == 2
    assert transport.unfinished_write is None


def test_a_write_that_was_interrupted_is_known(make: Make, server: FaultServer) -> None:
    transport = make()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    transport = make(sleep=interrupt)
    server.plan(faults.reset_after_read(effect=True))
    with pytest.raises(KeyboardInterrupt):
        transport.send(IDEMPOTENT)
    assert transport.unfinished_write == "PUT /api/task/update"
    transport = make(sleep=interrupt, base_url=f"http://127.0.0.1:{faults.closed_port()}")
    with pytest.raises(KeyboardInterrupt):
        transport.send(ONCE)
    assert transport.unfinished_write is None


def test_the_words_for_an_unknown_outcome(make: Make, server: FaultServer) -> None:
    server.plan(faults.reset_after_read(effect=True))
    with pytest.raises(OutcomeUnknown) as caught:
        make().send(ONCE)
    where = f"127.0.0.1:{server.port}"
    assert caught.value.message == (
        f"POST /api/task/create was sent to {where}, but the connection was reset before the answer was "
        "complete: it may have been carried out"
    )
    assert caught.value.hint == "look on the server whether it was carried out before sending it once more"
    server.plan(FAULTS["500"])
    with pytest.raises(OutcomeUnknown) as caught:
        make().send(ONCE)
    assert caught.value.message == (
        f"{where} answered POST /api/task/create with 500 Internal Server Error: it may have been carried out"
    )
    assert caught.value.notes == ["the server says: creation failed"]
