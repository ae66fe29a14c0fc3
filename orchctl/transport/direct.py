"""Straight to the server: sockets, with llhttp (httptools) to read what comes back.

requests, urllib3 and http.client are left to proxies: they took 220 of the 300 us of a small write (http.client
reads each head as if it were an e-mail), and importing them a fifth of the time of a command that asks a server.
"""

from __future__ import annotations

import errno
import select
import socket
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from orchctl.transport.connections import Cut, connected, unconnected
from orchctl.transport.deadline import Deadline
from orchctl.transport.wire import CHUNK, Origin, Outgoing

if TYPE_CHECKING:
    import ssl

_PORTS = {"http": 80, "https": 443}
_CLOSED = {errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET, errno.EPROTOTYPE}
_HEAD_LIMIT = 256 * 1024
_NO_HTTP = "what it answered is not HTTP"
_ENDED = "the connection was closed before the answer was complete"


class Direct:
    """Connections to one origin, of which ``size`` are kept while nobody needs them."""

    def __init__(self, origin: Origin, context: ssl.SSLContext | None, size: int) -> None:
        scheme, host, port = origin
        self._host, self._port, self._context = host, port, context
        self._size = size
        name = host.partition("%")[0]  # the interface of an IPv6 address is this machine's own affair
        name = f"[{name}]" if ":" in name else name
        self._host_line = f"Host: {name}\r\n" if port == _PORTS[scheme] else f"Host: {name}:{port}\r\n"
        self._free: deque[_Connection] = deque()

    def exchange(self, outgoing: Outgoing, deadline: Deadline, timeout: float) -> DirectAnswer:
        connection = self._take(outgoing.idle)
        try:
            if connection is None:
                connection = _Connection()
                connection.open(self._host, self._port, self._context, deadline)
            sock = connection.sock
            deadline.stand(sock, connection)
            if sock.gettimeout() != timeout:  # setting it lets go of the interpreter's lock
                sock.settimeout(timeout)
            try:
                _send(sock, self._head(outgoing), outgoing.body)
            except OSError as error:
                # It may have answered before it closed the connection on what else was sent.
                if error.errno not in _CLOSED:
                    raise
            answer = DirectAnswer(self, connection)
            answer.read_head(without_body=outgoing.method == "HEAD")
            return answer
        except BaseException:
            if connection is not None:
                connection.close()
            raise

    def close(self) -> None:
        self._size = 0
        while self._free:
            self._free.pop().close()

    def take_back(self, connection: _Connection) -> None:
        if len(self._free) < self._size:
            connection.used_at = monotonic()
            self._free.append(connection)
        else:
            connection.close()

    def _take(self, idle: float) -> _Connection | None:
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if monotonic() - connection.used_at < idle and connection.is_quiet:
                return connection
            connection.close()
        return None

    def _head(self, outgoing: Outgoing) -> bytes:
        headers = outgoing.headers
        host = "" if _names_host(headers) else self._host_line
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"{outgoing.method} {outgoing.target} HTTP/1.1\r\n{host}{fields}\r\n".encode("latin-1")


def _names_host(headers: Mapping[str, str]) -> bool:
    return "host" in map(str.lower, headers)


def _send(sock: socket.socket, head: bytes, body: bytes | None) -> None:
    """Head and body go out as one: two sends are two packets, and wake the server twice."""
    if body is None or len(body) <= CHUNK:
        sock.sendall(head + (body or b""))
        return
    sock.sendall(head)
    view = memoryview(body)
    for at in range(0, len(body), CHUNK):  # each piece with the socket's timeout of its own
        sock.sendall(view[at : at + CHUNK])


class _Connection:
    __slots__ = ("owner", "sock", "used_at")

    sock: socket.socket
    used_at: float
    """When its last exchange ended."""

    def __init__(self) -> None:
        self.owner: Deadline | None = None

    def open(self, host: str, port: int, context: ssl.SSLContext | None, deadline: Deadline) -> None:
        """:raises Broken: it does not come to stand."""
        self.sock = connected(host, port, deadline, self)
        if context is None:
            return
        try:
            # No certificate is made out to an interface, nor to a name with the root's dot.
            self.sock = context.wrap_socket(
                self.sock, server_hostname=host.partition("%")[0].removesuffix(".")
            )
        except (OSError, ValueError) as error:
            raise unconnected(error, deadline, f"{host}:{port}") from error
        deadline.watch(self.sock, self)

    @property
    def is_quiet(self) -> bool:
        """Has nothing come since its last answer? That would be the connection's end, or nobody's answer."""
        if not hasattr(select, "poll"):  # Windows, whose select takes any socket
            return not select.select([self.sock], [], [], 0)[0]
        look = select.poll()
        look.register(self.sock, select.POLLIN)
        return not look.poll(0)

    def close(self) -> None:
        with suppress(AttributeError):  # it never stood
            self.sock.close()


class DirectAnswer:
    """What comes back; llhttp calls its ``on_`` methods. Skips the interim answers (1xx)."""

    def __init__(self, home: Direct, connection: _Connection) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self._home = home
        self._connection: _Connection | None = connection
        self._sock = connection.sock
        self._parts: list[bytes] = []
        self._is_interim = self._is_headed = self._is_complete = self._may_go_on = False
        self._parser = HttpResponseParser(self)
        # As lenient as other clients are; what is unsafe about that would need a connection that others share.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    def read_head(self, *, without_body: bool) -> None:
        size = 0
        while not self._is_headed:
            data = self._sock.recv(CHUNK)
            if not data:
                raise Cut(_ENDED if size else "the connection was closed without an answer")
            size += len(data)
            self._feed(data)
            if size > _HEAD_LIMIT and not self._is_headed:
                raise Cut(_NO_HTTP)
        if without_body:
            self._parts.clear()
            self._is_complete, self._may_go_on = True, False

    def piece(self) -> bytes:
        while not self._parts:
            if self._is_complete:
                return b""
            data = self._sock.recv(CHUNK)
            if data:
                self._feed(data)
            elif self._ends_with_connection:
                self._is_complete = True
            else:
                raise Cut(_ENDED)
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self, *, is_whole: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        del self._parser  # it holds this object, which would be left to the collector of circles
        if is_whole and self._is_complete and self._may_go_on:
            self._home.take_back(connection)
        else:
            connection.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_headed:  # else a trailer
            self.fields.append((name.decode("latin-1"), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        if self._is_headed:
            return
        status = self._parser.get_status_code()
        self._is_interim = 100 <= status < 200 and status != 101
        if self._is_interim:
            self.fields.clear()
        else:
            self.status = status
            self._is_headed = True

    def on_body(self, data: bytes) -> None:
        if not self._is_complete:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        elif not self._is_complete:
            self._is_complete = True
            self._may_go_on = self._parser.should_keep_alive()

    def on_message_begin(self) -> None:
        # What follows the answer is nobody's.
        self._may_go_on = False

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_complete, self._may_go_on = True, False
        except HttpParserError:
            if not self._is_complete:
                raise Cut(_NO_HTTP) from None
            self._may_go_on = False

    @property
    def _ends_with_connection(self) -> bool:
        """Does its head leave open where it ends?"""
        named = {name.lower(): value.lower() for name, value in self.fields}
        if "transfer-encoding" in named:
            return not named["transfer-encoding"].endswith("chunked")
        return "content-length" not in named
