"""Which connection a request goes over, and what stands in its first line."""

from __future__ import annotations

import socket
import threading

import pytest

from orchctl.errors import BadRequest
from orchctl.transport import Call, Effect, PlannedRequest
from tests import faults
from tests.faults import Connection, FaultServer
from tests.transport.conftest import Make

READ = Call(method="GET", path="/api/task/read", effect=Effect.READ)
WRITE = Call(method="POST", path="/api/task/create", form={"name": "x"})


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_one_that_the_server_closed_meanwhile_is_not_taken(
    make: Make, server: FaultServer, call: Call
) -> None:
    closed = threading.Event()

    def answer_and_close(connection: Connection) -> None:
        connection.read()
        connection.send(faults.message())
        connection.sock.shutdown(socket.SHUT_WR)
        closed.set()

    transport = make(attempts=1)
    server.plan(answer_and_close, faults.reply())
    transport.send(READ)
    assert closed.wait(5)
    transport.send(call)
    assert (server.connections, len(server.requests)) == (2, 2)


def test_one_with_the_rest_of_an_answer_in_it_is_not_taken(make: Make, server: FaultServer) -> None:
    transport = make(attempts=1)
    server.plan(faults.reply(200, b"[" + b"1," * 200_000 + b"1]"), faults.reply(200, b'{"guid":"2"}'))
    items = transport.stream(READ)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert transport.send(READ).data() == {"guid": "2"}
    assert server.connections == 2


def test_the_answer_counts_that_came_before_all_was_sent(make: Make, server: FaultServer) -> None:
    def refuse(connection: Connection) -> None:
        connection.read_head()
        connection.send(faults.message(413, b'{"message":"too much"}', {"Connection": "close"}))
        server.stopping.wait(0.05)
        connection.reset()

    server.plan(refuse)
    with pytest.raises(BadRequest) as caught:
        make(attempts=1).send(Call(method="POST", path="/x", content=b" " * 30_000_000))
    assert "too much" in caught.value.message


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/очередь?a=№1", "/%D0%BE%D1%87%D0%B5%D1%80%D0%B5%D0%B4%D1%8C?a=%E2%84%961"),
        ("/a%2fb/%D0?x=%2B+1", "/a%2fb/%D0?x=%2B+1"),
        ('/100%/%zz?q=a|b^c`d"<>{}[]\\', "/100%25/%25zz?q=a%7Cb%5Ec%60d%22%3C%3E%7B%7D%5B%5D%5C"),
        ("/odata/Jobs(1)?$filter=Key%20eq%20'x'", "/odata/Jobs(1)?$filter=Key%20eq%20'x'"),
        ("/x?a=1#part?b", "/x?a=1"),
        ("/x_y~z/-.;:@&=+$,!*", "/x_y~z/-.;:@&=+$,!*"),
    ],
)
def test_what_goes_out_is_what_a_dry_run_shows(
    make: Make, server: FaultServer, path: str, target: str
) -> None:
    call = Call(method="POST", path=path)
    make().send(call)
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(call)
    assert server.requests[0].target == target
    assert caught.value.plan.url == server.url + target
