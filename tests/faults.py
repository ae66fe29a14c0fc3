"""A server that misbehaves on purpose, one scripted step a request, and counts the effects it really had.

Raw sockets, loopback only: an HTTP server of a library would not let most of this out.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

_RST = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class _Gone(Exception):
    """The client closed the connection."""


class Connection:
    """What a step acts on: one connection, at the point where a request is due."""

    def __init__(self, sock: socket.socket, server: FaultServer) -> None:
        self.sock = sock
        self.server = server
        self.open = True
        self._buffer = b""

    def read_head(self) -> tuple[str, str, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        return (
            method,
            target,
            {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)},
        )

    def read(self) -> Seen:
        """The next request, whole; it is kept in the server's list."""
        method, target, headers = self.read_head()
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        seen = Seen(method=method, target=target, headers=headers, body=body)
        self.server.requests.append(seen)
        return seen

    def wait(self) -> None:
        """Until a request begins: a step is used up by a request, not by a connection that is only held."""
        if not self._buffer:
            self._receive()

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise _Gone
        self._buffer += data

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def close(self) -> None:
        self.open = False

    def reset(self) -> None:
        """Close so that the other side gets a reset instead of an orderly end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        self.open = False


Step = Callable[[Connection], None]


def message(
    status: int = 200,
    body: bytes = b'{"guid":"1"}',
    headers: Mapping[str, str] | None = None,
    *,
    length: int | None = None,
) -> bytes:
    """An answer as bytes; ``length`` overrides what Content-Length says."""
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body) if length is None else length),
    }
    fields |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + body


def reply(
    status: int = 200,
    body: bytes = b'{"guid":"1"}',
    headers: Mapping[str, str] | None = None,
    *,
    effect: bool | None = None,
    length: int | None = None,
) -> Step:
    """A proper answer. A 2xx had its effect unless ``effect`` says otherwise."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(200 <= status < 300 if effect is None else effect)
        connection.send(message(status, body, headers, length=length))
        if length is not None:
            connection.close()

    return step


def raw(data: bytes, *, effect: bool = False) -> Step:
    """Exactly these bytes for an answer, then the end."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        connection.send(data)
        connection.close()

    return step


def raw_reset(data: bytes, *, effect: bool = False) -> Step:
    """These bytes, then a reset once the client has had time to read them."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        connection.send(data)
        connection.server.stopping.wait(0.05)
        connection.reset()

    return step


def reset_unread(connection: Connection) -> None:
    """The connection stands, then it is reset with the request still unread."""
    connection.reset()


def close_unread(connection: Connection) -> None:
    connection.close()


def reset_after_head(connection: Connection) -> None:
    """The head was read, the body was not: no effect."""
    connection.read_head()
    connection.reset()


def reset_after_read(*, effect: bool) -> Step:
    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        connection.reset()

    return step


def silent(*, effect: bool) -> Step:
    """The request is taken, and nothing ever answered."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        connection.server.stopping.wait()
        connection.close()

    return step


def drip(*, effect: bool, data: bytes | None = None, interval: float = 0.05, burst: int = 1) -> Step:
    """A proper answer, byte after byte, far too slowly."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        answer = message(body=b" " * 4000 + b"{}") if data is None else data
        for at in range(0, len(answer), burst):
            if connection.server.stopping.wait(interval):
                break
            connection.send(answer[at : at + burst])
        connection.close()

    return step


def drip_body(*, effect: bool, interval: float = 0.05) -> Step:
    """The head at once, then the body byte after byte, without a length that would tell where it ends."""

    def step(connection: Connection) -> None:
        connection.read()
        connection.server.act(effect)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        while not connection.server.stopping.wait(interval):
            connection.send(b" ")
        connection.close()

    return step


def html(*, effect: bool, status: int = 200) -> Step:
    page = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Please log in</body></html>"
    return reply(status, page, {"Content-Type": "text/html"}, effect=effect)


def gzip_bomb(*, effect: bool, megabytes: int) -> Step:
    """Little on the wire, a lot once it is decompressed."""
    packed = gzip.compress(b"[" + b" " * (megabytes * 1024 * 1024) + b"]")
    return reply(200, packed, {"Content-Encoding": "gzip"}, effect=effect)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def redirect(location: str, status: int = 302, *, effect: bool = False) -> Step:
    return reply(status, b"", {"Location": location}, effect=effect)


@dataclass(eq=False)
class FaultServer:
    """Plays ``steps`` one request after another, over all connections together; the last one stays.

    With ``tls`` it speaks TLS. ``effects`` counts what it really did, ``requests`` is what it read.
    """

    steps: list[Step] = field(default_factory=lambda: [reply()])
    tls: ssl.SSLContext | None = None
    effects: int = 0
    connections: int = 0
    requests: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    def plan(self, *steps: Step) -> None:
        self.steps = list(steps)

    def act(self, really: bool) -> None:
        if really:
            with self._lock:
                self.effects += 1

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultServer:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        accepting = threading.Thread(target=self._accept, daemon=True)
        accepting.start()
        self._threads.append(accepting)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            waiting = list(self._open)
        for sock in waiting:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            serving = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(serving)
            serving.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with self._lock:
                self._open.add(sock)
            connection = Connection(sock, self)
            while connection.open and not self.stopping.is_set():
                connection.wait()
                self._next()(connection)
        except (_Gone, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _next(self) -> Step:
        with self._lock:
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


@dataclass(eq=False)
class Proxy:
    """A forwarding proxy for CONNECT and for plain http. ``refusal`` is what it answers instead."""

    refusal: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = FaultServer(steps=[self._step])

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def requests(self) -> list[Seen]:
        return self._server.requests

    def __enter__(self) -> Proxy:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _step(self, connection: Connection) -> None:
        seen = connection.read()
        self.asked.append(f"{seen.method} {seen.target}")
        if self.refusal is not None:
            connection.send(self.refusal)
            connection.close()
        elif seen.method == "CONNECT":
            host, _, port = seen.target.rpartition(":")
            with socket.create_connection((host, int(port))) as onward:
                connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pump(connection.sock, onward)
            connection.close()
        else:
            connection.send(message(200, b'{"by":"proxy"}'))


def _pump(one: socket.socket, other: socket.socket) -> None:
    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join(5)
