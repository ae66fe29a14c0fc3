"""Straight to the server: sockets, with llhttp (httptools) to read what comes back.

requests, urllib3 and http.client are left to proxies: they took 220 of the 300 us of a small write (http.client
reads each head as if it were an e-mail), and importing them a fifth of the time of a command that asks a server.
"""

from __future__ import annotations

import errno
import select
import socket
import sys
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from orchctl.transport.address import PORTS
from orchctl.transport.connections import (
    NO_ANSWER,
    NO_HTTP,
    NO_WHOLE_ANSWER,
    Cut,
    connected,
    unconnected,
)
from orchctl.transport.deadline import Deadline
from orchctl.transport.wire import BODILESS, CHUNK, Broken, Origin, Outgoing

if TYPE_CHECKING:
    import ssl

_CLOSED = {errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET, errno.ECONNABORTED, errno.EPROTOTYPE}
_OVERHEAD_LIMIT = 256 * 1024
"""So many bytes may come, one after another, that are no body: a head, trailers, what is said of a chunk."""


class Direct:
    """Connections to one origin, of which ``size`` are kept while nobody needs them."""

    def __init__(self, origin: Origin, context: ssl.SSLContext | None, size: int) -> None:
        scheme, host, port = origin
        self._origin, self._context = origin, context
        self._size = size
        name = _without_interface(host)
        name = f"[{name}]" if ":" in name else name
        self._host_line = f"Host: {name}\r\n" if port == PORTS[scheme] else f"Host: {name}:{port}\r\n"
        self._free: deque[_Connection] = deque()

    def exchange(self, outgoing: Outgoing, deadline: Deadline, timeout: float) -> DirectAnswer:
        connection = self._take(outgoing.idle) or _Connection(self._origin, self._context, deadline)
        try:
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
            answer = DirectAnswer(self, connection, to_head=outgoing.method == "HEAD")
            answer.read_head()
            return answer
        except BaseException:
            connection.sock.close()
            raise

    def close(self) -> None:
        self._size = 0
        while self._free:
            self._free.pop().sock.close()

    def take_back(self, connection: _Connection) -> None:
        if len(self._free) < self._size:
            connection.used_at = monotonic()
            self._free.append(connection)
        else:
            connection.sock.close()

    def _take(self, idle: float) -> _Connection | None:
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if monotonic() - connection.used_at < idle and connection.is_quiet:
                return connection
            connection.sock.close()
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


def _without_interface(host: str) -> str:
    """That of an IPv6 address (fe80::1%eth0) is this machine's own affair."""
    return host.partition("%")[0]


class _Connection:
    """One that stands. Raises Broken where it does not come to that."""

    __slots__ = ("owner", "sock", "used_at")

    sock: socket.socket
    used_at: float
    """When its last exchange ended."""

    def __init__(self, origin: Origin, context: ssl.SSLContext | None, deadline: Deadline) -> None:
        self.owner: Deadline | None = None
        _, host, port = origin
        try:
            sock = connected(host, port, deadline, self)
            if context is not None:
                sock = _secured(sock, context, host)
        except Broken:
            raise
        except (OSError, ValueError) as error:
            raise unconnected(error, deadline, f"{host}:{port}") from error
        if deadline.expired:  # meanwhile: nothing can be sent any more
            sock.close()
            raise unconnected(TimeoutError(), deadline, f"{host}:{port}")
        self.sock = sock

    @property
    def is_quiet(self) -> bool:
        """Has nothing come since its last answer? That would be the connection's end, or nobody's answer."""
        if not hasattr(select, "poll"):  # Windows, whose select takes any socket
            return not select.select([self.sock], [], [], 0)[0]
        look = select.poll()
        look.register(self.sock, select.POLLIN)
        return not look.poll(0)


def _secured(sock: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    # No certificate is made out to a name with the root's dot.
    name = _without_interface(host).removesuffix(".")
    secure = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    try:
        secure.do_handshake()
    except BaseException:  # Ctrl-C too
        secure.close()
        raise
    return secure


class DirectAnswer:
    """What comes back; llhttp calls its ``on_`` methods. Interim answers (1xx) are skipped."""

    def __init__(self, home: Direct, connection: _Connection, *, to_head: bool) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self._home = home
        self._connection: _Connection | None = connection
        self._sock = connection.sock
        self._to_head = to_head
        self._parts: list[bytes] = []
        self._left: int | None = None
        self._is_interim = self._is_headed = self._has_body = self._is_complete = self._may_go_on = False
        self._parser = HttpResponseParser(self)
        # As lenient as other clients are; what is unsafe about that needs a connection that others share.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_keep_alive=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    def read_head(self) -> None:
        size = 0
        while not self._is_headed:
            data = self._sock.recv(CHUNK)
            if not data:
                raise Cut(NO_WHOLE_ANSWER if size else NO_ANSWER)
            self._feed(data)
            size += len(data)
            if size > _OVERHEAD_LIMIT and not self._is_headed:
                raise Cut(NO_HTTP)

    def piece(self) -> bytes:
        size = 0
        while not self._parts:
            if self._is_complete:
                return b""
            data = self._sock.recv(CHUNK)
            if data:
                self._feed(data)
                size += len(data)
                if size > _OVERHEAD_LIMIT and not self._parts:
                    raise Cut(NO_HTTP)
            elif self._ends_with_connection:
                self._is_complete = True
            else:
                raise Cut(NO_WHOLE_ANSWER)
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self, *, is_whole: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        del self._parser  # it holds this object, and the two would be left to the collector
        if is_whole and self._is_complete and self._may_go_on:
            self._home.take_back(connection)
        else:
            connection.sock.close()

    def on_message_begin(self) -> None:
        self._may_go_on = False  # what follows an answer is nobody's
        self._is_interim = False

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
            return
        self.status = status
        self._is_headed = True
        if self._to_head:
            self._complete()
        else:
            self._left = self._length_beside_identity()
            self._is_complete = self._left == 0

    def on_body(self, data: bytes) -> None:
        if self._is_complete:
            self._may_go_on = False
            return
        self._has_body = True
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
            self._is_complete = not self._left
        self._parts.append(data)

    def on_message_complete(self) -> None:
        if not self._is_interim and not self._is_complete:
            self._complete()

    def _complete(self) -> None:
        self._is_complete = True
        self._may_go_on = self._parser.should_keep_alive()

    def _feed(self, data: bytes) -> None:
        handled = sys.exception()
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_complete, self._may_go_on = True, False
        except HttpParserCallbackError as error:
            # Ctrl-C, which came in one of ours. While another error is handled, that one stands in its place.
            raised = error.__context__
            raise (KeyboardInterrupt() if raised is None or raised is handled else raised) from None
        except HttpParserError:
            if not self._is_complete:
                raise Cut(NO_HTTP) from None
            self._may_go_on = False

    def _field(self, name: str) -> str | None:
        return next((value.lower() for each, value in reversed(self.fields) if each.lower() == name), None)

    def _length_beside_identity(self) -> int | None:
        """llhttp takes any Transfer-Encoding for a reason to read until the connection ends; for "identity",
        which the first HTTP/1.1 had, the length counts."""
        if self._field("transfer-encoding") != "identity":
            return None
        length = self._field("content-length") or ""
        return int(length) if length.isdecimal() and length.isascii() else None

    @property
    def _ends_with_connection(self) -> bool:
        """Does its head leave open where it ends, as llhttp reads it?

        An answer of nothing at all may be one of a server that broke down.
        """
        if not self._has_body and self.status not in BODILESS:
            return False
        encoding = self._field("transfer-encoding")
        if encoding is not None:
            return not encoding.endswith("chunked") and self._left is None
        return self._field("content-length") is None
