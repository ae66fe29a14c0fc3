"""The watchdog on its own: what is cut, when, and what it leaves alone."""

from __future__ import annotations

import socket
import time

from orchctl.transport.deadline import Deadline, Watchdog


class Owner:
    owner: Deadline | None = None


def nothing() -> None:
    pass


def ended(sock: socket.socket) -> bool:
    sock.settimeout(2)
    return sock.recv(1) == b""


def test_it_cuts_what_is_due_and_nothing_else() -> None:
    dog = Watchdog()
    pairs = [socket.socketpair() for _ in range(3)]
    deadlines = [dog.start(limit, nothing) for limit in (30.0, 0.05, 0.1)]
    for deadline, (mine, _) in zip(deadlines, pairs, strict=True):
        deadline.watch(mine, Owner())
    assert ended(pairs[1][0])
    assert ended(pairs[2][0])
    assert [deadline.expired for deadline in deadlines] == [False, True, True]
    for deadline in deadlines:
        dog.stop(deadline)
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_a_socket_that_comes_too_late_is_cut_at_once() -> None:
    deadline = Deadline(0, nothing)
    deadline.cut()
    mine, other = socket.socketpair()
    with mine, other:
        deadline.watch(mine, Owner())
        assert ended(mine)


def test_a_connection_that_serves_another_exchange_is_left_alone() -> None:
    first, second, owner = Deadline(0, nothing), Deadline(9, nothing), Owner()
    mine, other = socket.socketpair()
    with mine, other:
        first.watch(mine, owner)
        second.watch(mine, owner)
        first.cut()
        other.send(b"x")
        assert mine.recv(1) == b"x"


def test_a_pause_does_not_count() -> None:
    deadline = Deadline(0.02, nothing)
    deadline.pause()
    time.sleep(0.05)
    assert not deadline.due
    deadline.resume()
    assert not deadline.due
    assert deadline.remaining() > 0


def test_its_thread_ends_when_there_is_nothing_to_watch() -> None:
    dog = Watchdog(linger=0.02)
    dog.stop(dog.start(0.01, nothing))
    ends = time.monotonic() + 5
    while dog._thread is not None and time.monotonic() < ends:
        time.sleep(0.01)
    assert dog._thread is None
    mine, other = socket.socketpair()
    with mine, other:
        dog.start(0.01, nothing).watch(mine, Owner())
        assert ended(mine)
