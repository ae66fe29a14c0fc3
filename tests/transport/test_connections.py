"""Which connection a request goes over, and what stands in its first line."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from typing import Any

import pytest

from orchctl.errors import BadRequest, LocalFault, NetworkFault, OrchctlError
from orchctl.transport import Call, Effect, PlannedRequest
from orchctl.transport.http import HttpWire
from orchctl.transport.wire import Outgoing
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


def test_one_with_the_rest_of_an_answer_to_come_is_not_taken(make: Make, server: FaultServer) -> None:
    def half(connection: Connection) -> None:
        connection.read()
        connection.send(faults.message(200, b"[1,2", length=1000))

    transport = make(attempts=1)
    server.plan(half, faults.reply(200, b'{"guid":"2"}'))
    items = transport.stream(READ)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert transport.send(WRITE).data() == {"guid": "2"}
    assert server.connections == 2


LATE = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"guid":"wrong"}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "late"),
    [
        (CHUNKED + b"2\r\n{}\r\nzz\r\n", LATE),
        (CHUNKED + b"5\r\n{    ", LATE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LATE), LATE),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", LATE),
    ],
    ids=["no chunk", "half a chunk", "stalled", "not gzip"],
)
def test_what_comes_late_of_a_broken_answer_is_no_answer_to_a_write(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch, answer: bytes, late: bytes
) -> None:
    """A create that took it for its own would be told as done."""
    monkeypatch.setattr("orchctl.transport.http.IDLE_TIMEOUT", 0.2)

    def broken(connection: Connection) -> None:
        connection.read()
        connection.send(answer)
        if connection.server.stopping.wait(0.4):
            connection.close()
        with contextlib.suppress(OSError):
            connection.send(late)

    transport = make(attempts=1)
    server.plan(broken, faults.reply(200, b'{"guid":"2"}'))
    with pytest.raises(OrchctlError):
        transport.send(READ)
    assert transport.send(WRITE).data() == {"guid": "2"}
    assert server.connections == 2


def test_an_answer_closed_twice_gives_its_connection_back_once(server: FaultServer) -> None:
    wire = HttpWire(
        origin=("http", "127.0.0.1", server.port),
        root=server.url,
        ca_bundle=None,
        client_cert=None,
        client_key=None,
        proxy=None,
        insecure=False,
        pool_size=4,
    )
    outgoing = Outgoing(method="GET", url=f"{server.url}/x", target="/x", headers={}, body=None)
    incoming = wire.open(outgoing, limit=5, standing=lambda: None)
    incoming.body()
    incoming.close()
    incoming.close()
    both = [wire.open(outgoing, limit=5, standing=lambda: None) for _ in range(2)]
    assert [each.body() for each in both] == [b'{"guid":"1"}'] * 2
    assert server.connections == 2
    for each in both:
        each.close()
    wire.close()


@pytest.mark.parametrize("pool_size", [1, 2])
def test_so_many_are_kept_as_there_are_threads(make: Make, server: FaultServer, pool_size: int) -> None:
    transport = make(pool_size=pool_size)
    together = threading.Barrier(2)

    def at_once(connection: Connection) -> None:
        connection.read()
        together.wait(5)
        connection.send(faults.message())

    server.plan(at_once, at_once, faults.reply())
    asking = threading.Thread(target=transport.send, args=(READ,))
    asking.start()
    transport.send(READ)
    asking.join(5)
    assert len(transport._wire._connections._free) == pool_size  # type: ignore[union-attr]
    transport.close()


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("straße.example", "xn--strae-oqa.example"),  # and not strasse.example, which is somebody else
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("очередь.рф", "xn--d1aba8al4b0b.xn--p1ai"),
    ],
)
def test_a_name_that_is_not_ascii_is_the_domain_that_browsers_go_to(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch, host: str, asked: str
) -> None:
    real, names = socket.getaddrinfo, []

    def look_up(name: bytes, *rest: Any) -> Any:
        names.append(name.decode())
        return real("127.0.0.1", *rest)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    make(base_url=f"http://{host}:{server.port}").send(READ)
    assert names == [asked]
    assert server.requests[0].headers["host"] == f"{asked}:{server.port}"


def test_a_name_that_cannot_be_looked_up(make: Make) -> None:
    with pytest.raises(LocalFault) as caught:
        make(base_url="http://\u2603.example").send(WRITE)
    assert caught.value.message == "'\u2603.example' is no name of a host"


def test_a_machine_that_gives_no_socket(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: int) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", none_left)
    with pytest.raises(NetworkFault) as caught:
        make(base_url="http://127.0.0.1:9", attempts=1).send(WRITE)
    assert caught.value.message == "cannot connect to 127.0.0.1:9: too many open files"


def test_where_one_kind_of_address_does_not_exist_the_other_is_tried(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(_: bytes, port: int, *rest: int) -> list[Any]:
        return [
            (0xFF, socket.SOCK_STREAM, 0, "", ("::1", port, 0, 0)),  # no such family
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    make(base_url=f"http://both.example:{server.port}", attempts=1).send(WRITE)
    assert len(server.requests) == 1


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
