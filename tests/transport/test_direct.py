"""What a server may send for an answer: where its body ends, and whether its connection may serve another one."""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchctl.errors import NetworkFault, OutcomeUnknown, Signalled
from orchctl.transport import Call, Effect
from orchctl.transport.connections import Cut
from orchctl.transport.deadline import Deadline
from orchctl.transport.direct import Direct, DirectAnswer
from orchctl.transport.inflate import inflated
from orchctl.transport.wire import CHUNK, Outgoing
from tests import faults
from tests.faults import Connection, FaultServer
from tests.transport.conftest import Make

READ = Call(method="GET", path="/x", effect=Effect.READ)
OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def stays(data: bytes) -> faults.Step:
    """These bytes, and the connection is kept."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.send(data)

    return step


@pytest.mark.parametrize(
    ("data", "is_kept"),
    [
        (OK + BODY, True),
        (OK + b"content-LENGTH:2\r\n\r\n{}", True),
        (b"HTTP/1.1 200\r\n" + BODY, True),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + BODY, True),
        (b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" + OK + BODY, True),
        (b"HTTP/1.0 100 Continue\r\n\r\n" + OK + BODY, True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + OK + BODY, True),
        (OK + b"X: a\r\n  b\r\nY: \xfc\x01\r\n" + BODY, True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1 \r\n}\r\n0\r\nX: trailer\r\n\r\n", True),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (OK + b"Connection: close\r\n" + BODY, False),
        (b"HTTP/1.0 200 OK\r\n" + BODY, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + BODY, True),
    ],
)
@pytest.mark.parametrize("step", [1, 1000], ids=["byte by byte", "at once"])
def test_an_answer_with_an_end(
    make: Make, server: FaultServer, data: bytes, is_kept: bool, step: int
) -> None:
    def trickle(connection: Connection) -> None:
        connection.read()
        for at in range(0, len(data), step):
            connection.send(data[at : at + step])

    server.plan(trickle, faults.reply(200, b"[]"))
    transport = make(attempts=1)
    reply = transport.send(READ)
    assert (reply.status, reply.data()) == (200, {})
    assert transport.send(READ).data() == []
    assert server.connections == (1 if is_kept else 2)


@pytest.mark.parametrize("head", [OK, OK + b"Connection: close\r\n"])
@pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"evil"])
def test_what_follows_an_answer_is_nobodys(make: Make, server: FaultServer, head: bytes, more: bytes) -> None:
    server.plan(stays(head + BODY + more), faults.reply(200, b"[]"))
    transport = make(attempts=1)
    assert transport.send(READ).data() == {}
    assert transport.send(READ).data() == []
    assert server.connections == 2


@pytest.mark.parametrize("encoding", ["identity", "Identity"])
def test_beside_the_encoding_identity_the_length_counts(
    make: Make, server: FaultServer, encoding: str
) -> None:
    head = f"Transfer-Encoding: {encoding}\r\nContent-Length: 2\r\n\r\n".encode()
    server.plan(stays(OK + head + b"{}more"), stays(OK + head.replace(b"2", b"0")), faults.reply())
    transport = make(attempts=1, request_timeout=5)
    assert [transport.send(READ).body for _ in range(3)] == [b"{}", b"", b'{"guid":"1"}']
    assert server.connections == 3


@pytest.mark.parametrize(
    "data",
    [
        OK + b"\r\n{}",
        OK + b"Transfer-Encoding: identity\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n{}",
    ],
)
def test_an_answer_that_ends_with_its_connection(make: Make, server: FaultServer, data: bytes) -> None:
    server.plan(faults.raw(data), faults.reply(200, b"[]"))
    transport = make(attempts=1)
    assert transport.send(READ).data() == {}
    assert transport.send(READ).data() == []
    assert server.connections == 2


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none_whatever_is_announced(
    make: Make, server: FaultServer, status: int
) -> None:
    server.plan(stays(b"HTTP/1.1 %d Empty\r\nContent-Length: 5\r\n\r\n" % status), faults.reply())
    transport = make(attempts=1)
    call = Call(method="GET", path="/x", effect=Effect.READ, accept=frozenset({304}))
    reply = transport.send(call)
    assert (reply.status, reply.body) == (status, b"")
    transport.send(call)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("more", "connections"),
    [(b"", 1), (b"{}", 2), (b"2\r\n{}\r\n0\r\n\r\n", 2)],
    ids=["none", "a body", "another body"],
)
@pytest.mark.parametrize("length", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
def test_the_answer_to_head_has_no_body(
    make: Make, server: FaultServer, more: bytes, connections: int, length: bytes
) -> None:
    server.plan(stays(OK + length + b"\r\nX-Total: 7\r\n\r\n" + more), faults.reply())
    transport = make(attempts=1)
    reply = transport.send(Call(method="HEAD", path="/x", effect=Effect.READ))
    assert (reply.body, reply.headers["x-total"]) == (b"", "7")
    transport.send(READ)
    assert server.connections == connections


def test_repeated_fields_and_their_order(make: Make, server: FaultServer) -> None:
    server.plan(stays(OK + b"A: 1\r\nB:  2 \t\r\nA: 3\r\nEmpty:\r\n" + BODY))
    headers = make(attempts=1).send(READ).headers
    assert list(headers.items()) == [("A", "1, 3"), ("B", "2"), ("Empty", ""), ("Content-Length", "2")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the connection was closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the connection was closed before the answer was complete"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "the connection was closed before the answer was complete"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 20 OK\r\n" + BODY, "what it answered is not HTTP"),
        (OK + b"Content-Length: -2\r\n\r\n{}", "what it answered is not HTTP"),
        (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "what it answered is not HTTP"),
        (OK + b"no colon\r\n" + BODY, "what it answered is not HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "what it answered is not HTTP"),
        (OK + b"X: " + b"x" * 300_000, "what it answered is not HTTP"),
        (CHUNKED + b"1;" + b"x" * 600_000, "what it answered is not HTTP"),
        (CHUNKED + b"0\r\nX: " + b"x" * 600_000, "what it answered is not HTTP"),
        # A server that broke down: whoever wrote something must not be told that it is done.
        (OK + b"Connection: close\r\n\r\n", "the connection was closed before the answer was complete"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000 + OK + BODY, "what it answered is not HTTP"),
    ],
)
def test_what_is_no_answer(make: Make, server: FaultServer, data: bytes, why: str) -> None:
    server.plan(faults.raw(data))
    with pytest.raises(NetworkFault) as caught:
        make(attempts=1).send(READ)
    assert why in caught.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Signalled], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("is_handling", [False, True], ids=["", "while an error is handled"])
@pytest.mark.parametrize(
    "place", ["on_message_begin", "on_header", "on_headers_complete", "on_body", "on_message_complete"]
)
def test_a_signal_while_an_answer_is_read_is_not_lost(
    make: Make,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[BaseException],
    is_handling: bool,
    place: str,
) -> None:
    """llhttp's callbacks keep what is raised in them to themselves."""
    real = getattr(DirectAnswer, place)

    def interrupted(answer: DirectAnswer, *args: bytes) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        real(answer, *args)

    def raises(number: int, _: object) -> None:
        raise KeyboardInterrupt if kind is KeyboardInterrupt else Signalled(number)

    monkeypatch.setattr(DirectAnswer, place, interrupted)
    before = signal.signal(signal.SIGTERM, raises)
    transport = make()
    try:
        if is_handling:
            try:
                raise ValueError("something else")
            except ValueError:
                with pytest.raises(KeyboardInterrupt):
                    transport.send(READ)
        else:
            with pytest.raises(kind):
                transport.send(READ)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "host"), [({}, "127.0.0.1:{port}"), ({"HOST": "other.example"}, "other.example")]
)
def test_there_is_one_host(make: Make, server: FaultServer, headers: dict[str, str], host: str) -> None:
    make().send(Call(method="GET", path="/x", effect=Effect.READ, headers=headers))
    assert server.requests[0].headers["host"] == host.format(port=server.port)


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (("http", "a.example", 80), b"a.example"),
        (("https", "a.example", 80), b"a.example:80"),
        (("https", "a.example", 443), b"a.example"),
        (("http", "::1", 8080), b"[::1]:8080"),
        (("http", "fe80::1%eth0", 80), b"[fe80::1]"),
    ],
)
def test_how_a_host_is_named(origin: tuple[str, str, int], line: bytes) -> None:
    outgoing = Outgoing(method="GET", url="", target="/", headers={"A": "é"}, body=None)
    head = Direct(origin, None, 1)._head(outgoing)
    assert head == b"GET / HTTP/1.1\r\nHost: " + line + b"\r\nA: \xe9\r\n\r\n"


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bool]:
    """Answers as servers send them, whole or cut off; and: is it one that http.client wrongly takes for whole?"""
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 404, 500, 599]))
    is_bodiless = status in (204, 304)
    framing = draw(st.sampled_from(["length", "close"] if is_bodiless else ["length", "chunked", "close"]))
    body = b"" if is_bodiless else draw(st.binary(max_size=40))
    fields = draw(
        st.lists(
            st.tuples(
                st.sampled_from([b"X-A", b"content-type", b"Set-Cookie", b"Server"]),
                st.text("ab \t;=,:", max_size=8).map(str.encode),
            ),
            max_size=4,
        )
    )
    if framing == "length":
        fields.insert(draw(st.integers(0, len(fields))), (b"Content-Length", b"%d" % len(body)))
    elif framing == "chunked":
        fields.append((b"Transfer-Encoding", b"chunked"))
        size = draw(st.integers(1, 50))
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    first = b"HTTP/1.1 %d %b\r\n" % (status, draw(st.sampled_from([b"", b"OK", b"Not Found"])))
    head = first + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
    whole = head + body
    end = draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    if framing == "close":
        is_cut = end < len(head) or (end == len(head) and not is_bodiless)
    else:
        is_cut = end < (len(whole) if framing == "chunked" else len(head))
    return whole[:end], is_cut


def _by_http_client(data: bytes) -> tuple[int, bytes] | None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(other)
        answer.begin()
        try:
            return answer.status, answer.read()
        except http.client.IncompleteRead:
            return None


def _by_ours(data: bytes, cuts: list[int]) -> tuple[int, bytes] | None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.recv(1000)
                places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
                for start, end in pairwise(places):
                    sock.sendall(data[start:end])

        serving = threading.Thread(target=serve)
        serving.start()
        port = listener.getsockname()[1]
        outgoing = Outgoing(method="GET", url="", target="/", headers={}, body=None)
        with closing(Direct(("http", "127.0.0.1", port), None, 1)) as direct:
            try:
                answer = direct.exchange(outgoing, Deadline(10, lambda: None), 10)
            except Cut:
                return None
            try:
                return answer.status, b"".join(iter(answer.piece, b""))
            except Cut:
                return None
            finally:
                answer.close(is_whole=True)
                serving.join(5)


@settings(deadline=None, max_examples=200)
@given(answer=answers(), cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_it_reads_as_http_client_does(answer: tuple[bytes, bool], cuts: list[int]) -> None:
    data, is_cut = answer
    assert _by_ours(data, cuts) == (None if is_cut else _by_http_client(data))


def _raw_deflate(data: bytes) -> bytes:
    pack = zlib.compressobj(wbits=-15)
    return pack.compress(data) + pack.flush()


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("x-gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(b"") + gzip.compress(data[7:])),
    ("gzip", lambda data: gzip.compress(data) + bytes(100)),
    ("deflate", zlib.compress),
    ("deflate", _raw_deflate),
    ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    ("identity", lambda data: data),
    ("br", lambda data: data),
    ("", lambda data: data),
]


def enough() -> None:
    """There is time enough."""


def _split(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(
    data=st.one_of(st.binary(max_size=100), st.binary(min_size=1, max_size=3).map(lambda one: one * 100_000)),
    packed=st.sampled_from(PACKED),
    size=st.integers(1, 200),
)
@settings(deadline=None)
def test_what_was_packed_comes_out(
    data: bytes, packed: tuple[str, Callable[[bytes], bytes]], size: int
) -> None:
    codings, pack = packed
    pieces = list(inflated(_split(pack(data), size), codings, enough))
    assert b"".join(pieces) == data
    assert max(map(len, pieces), default=0) <= CHUNK


@pytest.mark.parametrize(("codings", "pack"), PACKED[:7])
@pytest.mark.parametrize("size", [1, 10, 10_000])
def test_what_ends_too_early_is_broken(codings: str, pack: Callable[[bytes], bytes], size: int) -> None:
    whole = pack(b"some text " * 20)
    end = len(whole.rstrip(b"\0")) - 5
    with pytest.raises(Cut, match="compressed, but broken"):
        list(inflated(_split(whole[:end], size), codings, enough))


@pytest.mark.parametrize("codings", ["gzip", "deflate", "gzip, deflate"])
def test_what_is_not_packed_or_empty(codings: str) -> None:
    assert list(inflated(iter(()), codings, enough)) == []
    with pytest.raises(Cut):
        list(inflated(iter([b'{"a":1}']), codings, enough))


def test_nobody_packs_a_thing_so_often() -> None:
    with pytest.raises(Cut):
        inflated(iter(()), ", ".join(["gzip"] * 1000), enough)


def test_unpacking_what_gives_nothing_meets_the_deadline(make: Make, server: FaultServer) -> None:
    """Some hundred bytes that unpack to 60 MB of members without anything in them."""
    bomb = gzip.compress(gzip.compress(gzip.compress(b"", mtime=0) * 3_000_000, 9), 9)
    server.plan(faults.reply(200, bomb, {"Content-Encoding": "gzip, gzip, gzip"}))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match=r"completely within 0\.3 s"):
        make(request_timeout=0.3).send(Call(method="POST", path="/x"))
    assert time.monotonic() - started < 0.3 + 2
