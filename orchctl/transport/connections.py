"""Connections to one origin: how they come to stand, who has them, and when one is taken once more.

They are urllib3's, without its pool, whose share of each request (75 us) was a third of all that one cost. It
serves proxies only, together with requests, which knows their users and kinds: requests' own session (cookies,
netrc, environment, redirects) is of no use here, and importing it takes a sixth of the time and 4.5 MiB of the
memory of a command that asks a server.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPException
from typing import Any, Protocol, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InsecureRequestWarning, LocationParseError

from orchctl.errors import LocalFault
from orchctl.transport import tls
from orchctl.transport.deadline import Deadline, _now
from orchctl.transport.reply import excerpt
from orchctl.transport.wire import CHUNK, Broken, Origin, Outgoing

CONNECT_TIMEOUT = 10.0
_NO_RETRIES = urllib3.Retry(0, read=False)
_CLOSED = {errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET, errno.EPROTOTYPE}

_AddressInfo = tuple[int, int, int, str, Any]


class _Exchange(threading.local):
    """The exchange that this thread is in: urllib3 has no way to pass one to its connections."""

    deadline: Deadline | None = None


_exchange = _Exchange()


class _Socket(socket.socket):
    def settimeout(self, value: float | None) -> None:
        # urllib3 sets it twice a request, and each time lets go of the interpreter's lock, for which all wait.
        if value != self.gettimeout():
            super().settimeout(value)


class _Watched:
    """Mixed into urllib3's connections: tells its exchange when it stands, and hands over its socket."""

    owner: Deadline | None = None
    used_at: float = 0.0
    """When its last exchange ended."""
    _held: list[bytes] | None = None

    # Of the connection it is mixed into:
    sock: Any
    host: str
    port: int
    proxy: Any
    _tunnel_host: str | None
    _tunnel_port: int | None

    def connect(self) -> None:
        deadline = _exchange.deadline
        assert deadline is not None
        # Taken now, because a failure forgets the tunnel.
        goal = f"{self._tunnel_host or self.host}:{self._tunnel_port or self.port}"
        try:
            super().connect()  # type: ignore[misc]  # the mixed-in class's
        except Broken:
            raise
        except (OSError, HTTPException, Urllib3Error, ValueError) as error:
            raise self._unconnected(error, deadline, goal) from error
        deadline.stand(self.sock, self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _exchange.deadline
        assert deadline is not None
        if self.sock is not None:
            deadline.stand(self.sock, self)
        self._held = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]  # the mixed-in class's
        finally:
            held, self._held = self._held, None
        if held:
            self.send(b"".join(held))

    def send(self, data: Any) -> None:
        """Head and body go out as one: two sends are two packets, and wake the server twice."""
        held = self._held
        if held is not None and isinstance(data, bytes):
            held.append(data)
            if len(data) <= CHUNK:
                return
            data = None
        self._held = None
        for piece in (b"".join(held or ()), data):
            if piece:
                super().send(piece)  # type: ignore[misc]  # the mixed-in class's

    def _new_conn(self) -> socket.socket:
        """As urllib3's, but names and addresses share one limit, and the deadline can cut what follows."""
        deadline = _exchange.deadline
        assert deadline is not None
        ends = _now() + min(CONNECT_TIMEOUT, deadline.remaining())
        where = f"{self.host}:{self.port}"
        last: OSError | None = None
        for family, kind, protocol, _, address in resolve(self.host, self.port, ends, proxy=bool(self.proxy)):
            sock = _Socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(max(0.001, ends - _now()))
                sock.connect(address)
            except OSError as error:
                sock.close()
                last = error
                continue
            # A proxy may be slow for ever too. A TLS handshake has a total limit of its own: the socket's.
            deadline.watch(sock, self)
            return sock
        whom = f"the proxy {where}" if self.proxy else where
        if last is None or isinstance(last, TimeoutError):
            raise Broken(
                f"cannot connect to {whom}: no answer within {round(min(CONNECT_TIMEOUT, deadline.limit), 2):g} s",
                sent=False,
                hint="check the address, the firewalls on the way and the context's proxy",
            ) from last
        raise Broken(
            f"cannot connect to {whom}: {(last.strerror or str(last)).lower()}",
            sent=False,
            hint="check the context's proxy"
            if self.proxy
            else "check that the server runs and that the context's URL is right",
        ) from last

    def _unconnected(self, error: Exception, deadline: Deadline, where: str) -> Broken:
        """The connection did not come to stand: name what happened. Nothing was sent to the server."""
        if deadline.expired or isinstance(error, TimeoutError):
            return Broken(
                f"cannot connect to {where}: no handshake within {round(min(CONNECT_TIMEOUT, deadline.limit), 2):g} s",
                sent=False,
                hint="check the address, the firewalls on the way and the context's proxy",
            )
        text = str(error)
        if text.startswith("Tunnel connection failed: "):
            answer = excerpt(text.removeprefix("Tunnel connection failed: "), 80)
            return Broken(
                f"the proxy {self.host}:{self.port} refused the way to {where}: {answer}",
                sent=False,
                hint="check the context's proxy, and its user and password if it needs them",
                lasting=answer.startswith(("401", "403", "405", "407")),
            )
        for each in causes(error):
            if isinstance(each, ssl.SSLError):
                why, hint, lasting = tls.complaint(each, where)
                return Broken(why, sent=False, hint=hint or None, lasting=lasting)
        what = error.strerror if isinstance(error, OSError) and error.strerror else text
        return Broken(f"cannot connect to {where}: {what.lower() or 'the connection broke'}", sent=False)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: urllib3 keeps the reason in args, Python in __cause__ and __context__."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        waiting += [one for one in inner if isinstance(one, BaseException)]


def resolve(host: str, port: int, ends: float, *, proxy: bool) -> list[_AddressInfo]:
    """getaddrinfo within a time limit, which it does not know itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)  # type: ignore[return-value]  # str or int

    found: list[list[_AddressInfo]] = []
    failed: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=look_up, name="orchctl-resolve", daemon=True)
    asking.start()
    asking.join(max(0.001, ends - _now()))
    if found:
        return found[0]
    name = f"the proxy's host {host}" if proxy else f"the host {host}"
    hint = f"check the context's {'proxy' if proxy else 'URL'}, and that this machine can look names up"
    if not failed:
        raise Broken(f"cannot find {name}: no answer from the name service in time", sent=False, hint=hint)
    unknown = isinstance(failed[0], UnicodeError) or failed[0].errno == socket.EAI_NONAME
    why = "no such name is known" if unknown else str(failed[0]).partition("]")[2].strip().lower()
    raise Broken(f"cannot find {name}: {why}", sent=False, hint=hint, lasting=unknown) from failed[0]


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


GiveBack = Callable[[bool], None]
"""Takes a connection back; told whether its answer came to its end, so that nothing of it is still to come."""


class Connections(Protocol):
    """Where exchanges get their connections from."""

    def exchange(
        self, outgoing: Outgoing, deadline: Deadline, timeout: float
    ) -> tuple[urllib3.HTTPResponse, GiveBack]:
        """The answer, whose head has arrived, and what to call once, when one has done with it.

        ``timeout``: how many seconds the server may send nothing.

        :raises Broken: there is no connection.
        :raises OSError, HTTPException, Urllib3Error, ValueError: it broke.
        """

    def close(self) -> None: ...


def connections(
    origin: Origin, *, root: str, proxy: str | None, context: ssl.SSLContext | None, size: int
) -> Connections:
    """To the origin whose URL is ``root``; ``size`` of them are kept while nobody needs them.

    :raises LocalFault: the host is no name that could be looked up.
    """
    scheme, host, port = origin
    if not host.isascii():
        try:
            # Python's own encoding of names is that of 2003, which makes another domain of some.
            host = urllib3.util.parse_url(f"//{host}").host or ""
        except LocationParseError:
            raise LocalFault(f"{host!r} is no name of a host", hint="check the context's URL") from None
        origin = scheme, host, port
    if proxy is None:
        return _Direct(origin, context, size)
    return _Proxied(origin, root, proxy, context, size)


class _Direct:
    def __init__(self, origin: Origin, context: ssl.SSLContext | None, size: int) -> None:
        _, self._host, self._port = origin
        self._context = context
        self._size = size
        self._free: deque[_HTTPConnection | _HTTPSConnection] = deque()

    def exchange(
        self, outgoing: Outgoing, deadline: Deadline, timeout: float
    ) -> tuple[urllib3.HTTPResponse, GiveBack]:
        connection = self._take(outgoing.idle)
        connection.timeout = timeout
        _exchange.deadline = deadline
        try:
            if connection.is_closed:
                connection.connect()
            try:
                connection.request(
                    outgoing.method,
                    outgoing.target,
                    outgoing.body,
                    outgoing.headers,
                    preload_content=False,
                    decode_content=False,
                )
            except OSError as error:
                # It may have answered before it closed the connection on what else was sent.
                if error.errno not in _CLOSED:
                    raise
            answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        finally:
            _exchange.deadline = None
        return answer, partial(self._take_back, connection, answer)

    def close(self) -> None:
        self._size = 0
        while self._free:
            self._free.pop().close()

    def _take(self, idle: float) -> _HTTPConnection | _HTTPSConnection:
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if _now() - connection.used_at < idle and connection.is_connected:
                return connection
            connection.close()
        if self._context is None:
            return _HTTPConnection(self._host, self._port)
        return _HTTPSConnection(self._host, self._port, ssl_context=self._context)

    def _take_back(
        self, connection: _HTTPConnection | _HTTPSConnection, answer: urllib3.HTTPResponse, is_whole: bool
    ) -> None:
        # What is still to come of this answer would be taken for the next one. That it is closed tells nothing:
        # urllib3 closes one that broke off, too.
        if is_whole and answer.closed and not connection.is_closed and len(self._free) < self._size:
            connection.used_at = _now()
            self._free.append(connection)
        else:
            answer.close()
            connection.close()


class _Proxied:
    def __init__(
        self, origin: Origin, root: str, proxy: str, context: ssl.SSLContext | None, size: int
    ) -> None:
        from requests.adapters import HTTPAdapter

        urllib3.disable_warnings(InsecureRequestWarning)  # the user is told in our own words
        scheme, host, port = origin
        extra: Any = {"proxy_ssl_context": context} if proxy.startswith("https:") else {}
        manager: Any = HTTPAdapter(pool_connections=1, pool_maxsize=size).proxy_manager_for(proxy, **extra)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        pool_kwargs = {"ssl_context": context} if context is not None else {}
        self._pool = cast(
            HTTPConnectionPool, manager.connection_from_host(host, port, scheme, pool_kwargs=pool_kwargs)
        )
        # A plain http request through a proxy names the whole URL; any other leaves the server out.
        self._root = root if scheme == "http" else ""

    def exchange(
        self, outgoing: Outgoing, deadline: Deadline, timeout: float
    ) -> tuple[urllib3.HTTPResponse, GiveBack]:
        _exchange.deadline = deadline
        try:
            answer = self._pool.urlopen(
                outgoing.method,
                self._root + outgoing.target,
                outgoing.body,
                outgoing.headers,
                _NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                # How long connecting may take is the connection's own affair.
                timeout=urllib3.Timeout(connect=timeout, read=timeout),
                preload_content=False,
                decode_content=False,
            )
        finally:
            _exchange.deadline = None
        # Read to its end, the connection is back in the pool; anything else must not be.
        return cast(urllib3.HTTPResponse, answer), lambda _: answer.close()

    def close(self) -> None:
        self._pool.close()
