"""Retry-After, back-off, the budget, the shared gate, and the refresh of a credential."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchctl.errors import NetworkFault, NotAuthenticated, OrchctlError, OutcomeUnknown, Unavailable
from orchctl.transport import Call, Effect, Transport
from orchctl.transport.retry import Gate, backoff, retry_after
from tests import faults
from tests.faults import FaultServer
from tests.transport.conftest import Make, World

ONCE = Call(method="POST", path="/api/task/create", form={"name": "INV-1"})
IDEMPOTENT = Call(method="PUT", path="/api/task/update", form={"guid": "1"}, effect=Effect.IDEMPOTENT)
READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

FORMS: dict[str, tuple[str | None, float | None]] = {
    "none": (None, None),
    "zero": ("0", 0.0),
    "five": ("5", 5.0),
    "spaces": ("  7 ", 7.0),
    "negative": ("-5", 0.0),
    "huge": ("999999999999999999", 999999999999.0),
    "fraction": ("1.5", None),
    "word": ("abc", None),
    "empty": ("", None),
    "superscript": ("²", None),
    "date": ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
    "past-date": ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
    "rfc850": ("Thursday, 01-Jan-26 12:00:10 GMT", 10.0),
    "asctime": ("Thu Jan  1 12:00:20 2026", 20.0),
    "no-zone": ("Thu, 01 Jan 2026 12:00:40 -0000", 40.0),
    "year-of-ten-digits": ("Thu, 01 Jan 9999999999 12:00:40 GMT", None),
}


@pytest.mark.parametrize(("value", "seconds"), FORMS.values(), ids=FORMS)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOON) == seconds


@given(st.text(max_size=60))
def test_retry_after_takes_any_text(value: str) -> None:
    seconds = retry_after(value, now=NOON)
    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**9))
def test_retry_after_reads_what_a_server_writes(seconds: int) -> None:
    assert retry_after(str(seconds), now=NOON) == seconds
    later = NOON + timedelta(seconds=seconds)
    assert retry_after(later.strftime("%a, %d %b %Y %H:%M:%S GMT"), now=NOON) == seconds


def test_backoff_doubles_to_twenty_seconds() -> None:
    assert [backoff(tries, 1.0) for tries in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert backoff(3, 0.0) == 0


@pytest.mark.parametrize("status", [408, 429, 503])
@pytest.mark.parametrize(("value", "seconds"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("call", [ONCE, IDEMPOTENT, READ], ids=["once", "idempotent", "read"])
def test_busy_statuses(
    make: Make,
    world: World,
    server: FaultServer,
    status: int,
    value: str | None,
    seconds: float | None,
    call: Call,
) -> None:
    """A wait that is asked for is kept, up to a minute and within the budget; a write is never sent twice."""
    headers = {} if value is None else {"Retry-After": value}
    server.plan(faults.reply(status, b"", headers), faults.reply())
    executed_perhaps = status == 503 and seconds is None
    retried = not (seconds or 0) > 120
    if call is ONCE:
        retried = retried and status != 408 and not executed_perhaps
    try:
        make().send(call)
    except OrchctlError as error:
        assert not retried
        assert server.effects == 0
        unknown = executed_perhaps and call is not READ
        assert error.exit_code == (11 if unknown else 6)
    else:
        assert retried
        assert server.effects == 1
        assert world.sleeps == [min(seconds or 0.5, 60.0)]


def test_a_dialect_may_say_that_503_was_executed(make: Make, server: FaultServer) -> None:
    server.plan(faults.reply(503, b"", {"Retry-After": "1"}))
    with pytest.raises(OutcomeUnknown):
        make().send(Call(method="POST", path="/x", not_executed_503=False))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_busy_to_the_end_is_6_and_was_not_executed(
    make: Make, world: World, server: FaultServer, status: int
) -> None:
    server.plan(faults.reply(status, b'{"message":"slow down"}', {"Retry-After": "3"}))
    phrase = {429: "429 Too Many Requests", 503: "503 Service Unavailable"}[status]
    with pytest.raises(Unavailable) as caught:
        make().send(ONCE)
    assert caught.value.message == (
        f"127.0.0.1:{server.port} put POST /api/task/create off: {phrase}: slow down"
    )
    assert caught.value.hint == "it was not carried out; the server asks to wait 3 s"
    assert world.sleeps == [3, 3, 3]
    assert world.notes == [f"127.0.0.1:{server.port} is busy: waiting 3 s as it asks"] * 3


def test_a_date_is_meant_by_the_clock_of_the_server(make: Make, world: World, server: FaultServer) -> None:
    """It is an hour ahead of this machine, and wants two seconds."""
    date = {"Date": "Thu, 01 Jan 2026 13:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 13:00:02 GMT"}
    server.plan(faults.reply(429, b"", date), faults.reply())
    make().send(ONCE)
    assert world.sleeps == [2]


def test_a_wait_beyond_the_budget_is_told_at_once(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(429, b"", {"Retry-After": "3600"}))
    with pytest.raises(Unavailable) as caught:
        make().send(ONCE)
    assert caught.value.hint == "the server asks to wait 3600 s; try after that, or raise --retry-timeout"
    assert world.sleeps == []


def test_the_budget_bounds_all_attempts(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(429, b"", {"Retry-After": "50"}))
    with pytest.raises(Unavailable) as caught:
        make().send(ONCE)
    assert world.sleeps == [50, 50]
    assert world.time - 1000 <= 120
    assert caught.value.hint == "the server asks to wait 50 s; try after that, or raise --retry-timeout"


def test_what_one_call_cannot_wait_for_holds_for_the_next(
    make: Make, world: World, server: FaultServer
) -> None:
    transport = make()
    server.plan(faults.reply(429, b"", {"Retry-After": "50"}), faults.reply())
    with pytest.raises(Unavailable) as caught, transport.within(10):
        transport.send(READ)
    assert caught.value.wait == 50
    assert caught.value.hint == "the server asks to wait 50 s; try after that, or raise --retry-timeout"
    with pytest.raises(Unavailable) as caught, transport.within(10):
        transport.send(READ)
    assert caught.value.wait == 50
    assert caught.value.message == f"127.0.0.1:{server.port} asks to be left alone for 50 s more"
    assert (len(server.requests), world.sleeps) == (1, [])
    assert transport.send(READ).status == 200
    assert world.sleeps == [50]


def test_longer_than_any_call_waits_the_next_is_sent_all_the_same(
    make: Make, world: World, server: FaultServer
) -> None:
    """Nobody knows whether the server means it; each is told for itself."""
    transport = make()
    server.plan(faults.reply(429, b"", {"Retry-After": "3600"}), faults.reply())
    with pytest.raises(Unavailable) as caught:
        transport.send(ONCE)
    assert caught.value.wait == 3600
    assert transport.send(ONCE).status == 200
    assert world.sleeps == []


def test_more_attempts_may_be_allowed(make: Make, world: World, server: FaultServer) -> None:
    server.plan(*[faults.reply(429, b"", {"Retry-After": "1"})] * 20, faults.reply())
    assert make(attempts=100).send(ONCE).status == 200
    assert len(world.sleeps) == 20


def test_one_gate_for_all_threads(make: Make, world: World, server: FaultServer) -> None:
    """A 429 to one worker holds all of them back, and is told once."""
    transport = make(pool_size=4)
    server.plan(faults.reply(429, b"", {"Retry-After": "30"}), faults.reply())
    transport.send(ONCE)
    assert world.sleeps == [30]
    gate = Gate(world.clock)
    assert gate.close_for(30)
    assert not gate.close_for(30.5)
    assert not gate.close_for(5)
    assert gate.remaining() == 30.5
    assert gate.close_for(40)
    world.sleep(41)
    assert gate.remaining() == 0


def test_workers_wait_at_a_closed_gate(make: Make, world: World, server: FaultServer) -> None:
    lock = threading.Lock()
    passed = threading.Event()

    def sleep(seconds: float) -> None:
        with lock:
            world.sleeps.append(seconds)
        passed.wait(5)

    def clock() -> float:
        return 1030.0 if passed.is_set() else 1000.0

    transport = make(pool_size=4, sleep=sleep, clock=clock)
    server.plan(faults.reply(429, b"", {"Retry-After": "30"}), faults.reply())
    workers = [threading.Thread(target=transport.send, args=(ONCE,)) for _ in range(4)]
    workers[0].start()
    while not world.sleeps:
        pass
    for worker in workers[1:]:
        worker.start()
    while len(world.sleeps) < 4:
        pass
    assert len(server.requests) == 1
    passed.set()
    for worker in workers:
        worker.join(10)
    assert world.sleeps == [30] * 4
    assert server.effects == 4


def test_a_gate_that_stays_closed_too_long_is_6(make: Make, world: World, server: FaultServer) -> None:
    transport = make(retry_timeout=60.0)
    transport._gate.close_for(100)
    with pytest.raises(Unavailable) as caught:
        transport.send(ONCE)
    assert caught.value.message == f"127.0.0.1:{server.port} asks to be left alone for 100 s more"
    assert server.requests == []


def test_401_is_refreshed_and_repeated_once(make: Make, world: World, server: FaultServer) -> None:
    def authorize(refresh: bool) -> Mapping[str, str]:
        world.asked.append(refresh)
        return {"Authorization": "Bearer new" if refresh else "Bearer old"}

    for call in (ONCE, READ):
        world.asked.clear()
        server.requests.clear()
        server.plan(faults.reply(401), faults.reply())
        assert make(authorize=authorize).send(call).status == 200
        assert world.asked == [False, True]
        assert [seen.headers["authorization"] for seen in server.requests] == ["Bearer old", "Bearer new"]
        assert world.sleeps == []
    server.requests.clear()
    server.plan(faults.reply(401))
    with pytest.raises(NotAuthenticated):
        make(authorize=authorize).send(ONCE)
    assert len(server.requests) == 2


def test_401_is_not_repeated_with_the_same_credential(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(401, b'{"message":"who are you"}', {"X-Request-Id": "r-1"}))
    with pytest.raises(NotAuthenticated) as caught:
        make().send(READ)
    assert caught.value.message == (
        f"127.0.0.1:{server.port} does not accept the credential (401): who are you"
    )
    assert caught.value.request_id == "r-1"
    assert world.asked == [False, True]
    assert len(server.requests) == 1


def test_a_refresh_that_breaks_says_its_own_error(make: Make, server: FaultServer) -> None:
    def authorize(refresh: bool) -> Mapping[str, str]:
        if refresh:
            raise NotAuthenticated("the identity server is away")
        return {"Authorization": "Bearer old"}

    server.plan(faults.reply(401))
    with pytest.raises(NotAuthenticated, match="the identity server is away"):
        make(authorize=authorize).send(ONCE)


def test_many_threads_refresh_once(make: Make, server: FaultServer) -> None:
    asked: list[bool] = []
    barrier = threading.Barrier(4)

    def authorize(refresh: bool) -> Mapping[str, str]:
        asked.append(refresh)
        return {"Authorization": f"Bearer {len(asked)}"}

    def refuse_old(connection: faults.Connection) -> None:
        seen = connection.read()
        if seen.headers["authorization"] == "Bearer 1":
            barrier.wait(5)
            connection.send(faults.message(401))
        else:
            connection.send(faults.message(200))

    server.plan(refuse_old)
    transport = make(authorize=authorize, pool_size=4)
    workers = [threading.Thread(target=transport.send, args=(READ,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    assert asked == [False, True]
    assert len(server.requests) == 8


def test_nothing_is_asked_for_before_the_first_request(make: Make, world: World) -> None:
    make()
    assert world.asked == []


def test_500_to_the_end_of_a_read_is_6(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}))
    with pytest.raises(Unavailable) as caught:
        make().send(READ)
    assert caught.value.message == (
        f"127.0.0.1:{server.port} could not answer GET /api/task/read/1: 502 Bad Gateway"
    )
    assert world.sleeps == [0.5, 1, 2]


def test_a_cut_read_is_7(make: Make, server: FaultServer) -> None:
    server.plan(faults.reset_after_read(effect=False))
    with pytest.raises(NetworkFault) as caught:
        make().send(READ)
    assert caught.value.message == (
        f"no complete answer from 127.0.0.1:{server.port} to GET /api/task/read/1: "
        "the connection was reset before the answer was complete"
    )


def test_threads_share_a_transport(make: Make, server: FaultServer) -> None:
    transport: Transport = make(pool_size=8)

    def work() -> None:
        for _ in range(20):
            assert transport.send(ONCE).data() == {"guid": "1"}

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert server.effects == 160
    assert server.connections <= 8
