"""HTTP over a network: a pool of urllib3, which requests runs on, called directly. Heeds no environment variable.

What is special here: whether a connection stood before an exchange broke is known, not guessed, and one
deadline covers the whole exchange, name resolution and TLS included.

requests itself is loaded for proxies only, whose users and kinds its adapter knows. Its session (cookies, netrc,
environment, redirects) was of no use here, its adapter took 20 us of each request, and importing them a sixth of
the time and 4.5 MiB of the memory of every command that asks a server.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, InsecureRequestWarning, ReadTimeoutError
from urllib3.exceptions import HTTPError as Urllib3Error

from orchctl.transport import tls
from orchctl.transport.deadline import Deadline, Watchdog, _now
from orchctl.transport.reply import Headers, excerpt
from orchctl.transport.wire import BODY_LIMIT, CHUNK, Broken, Origin, Outgoing, TooLarge

CONNECT_TIMEOUT = 10.0
IDLE_TIMEOUT = 30.0
_NO_RETRIES = urllib3.Retry(0, read=False)

_AddressInfo = tuple[int, int, int, str, Any]


class _Exchange(threading.local):
    """The exchange that this thread is in: urllib3 has no way to pass one to its connections."""

    deadline: Deadline | None = None
    idle: float = 0.0


_exchange = _Exchange()
_watchdog = Watchdog()


class _Socket(socket.socket):
    def settimeout(self, value: float | None) -> None:
        # urllib3 sets it twice a request, and each time lets go of the interpreter's lock, for which all wait.
        if value != self.gettimeout():
            super().settimeout(value)


class _Watched:
    """Mixed into urllib3's connections: tells its exchange when it stands, and hands over its socket."""

    owner: Deadline | None = None
    used_at: float = 0.0
    _held: list[bytes] | None = None

    # Of the connection it is mixed into:
    sock: Any
    host: str
    port: int
    proxy: Any
    _tunnel_host: str | None
    _tunnel_port: int | None
    close: Callable[[], None]

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
        self.used_at = _now()
        deadline.stand(self.sock, self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _exchange.deadline
        assert deadline is not None
        now = _now()
        if self.sock is not None:
            if now - self.used_at > _exchange.idle and self.proxy is None:
                self.close()  # and http.client makes another one
            else:
                deadline.stand(self.sock, self)
        self.used_at = now
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
        for each in _causes(error):
            if isinstance(each, ssl.SSLError):
                why, hint, lasting = tls.complaint(each, where)
                return Broken(why, sent=False, hint=hint or None, lasting=lasting)
        what = error.strerror if isinstance(error, OSError) and error.strerror else text
        return Broken(f"cannot connect to {where}: {what.lower() or 'the connection broke'}", sent=False)


def _causes(error: BaseException) -> Iterator[BaseException]:
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


def _pool_of(
    origin: Origin, *, proxy: str | None, context: ssl.SSLContext | None, size: int
) -> HTTPConnectionPool:
    scheme, host, port = origin
    manager: Any
    if proxy is None:
        manager = urllib3.PoolManager(num_pools=1, maxsize=size)
    else:
        from requests.adapters import HTTPAdapter

        extra = {"proxy_ssl_context": context} if proxy.startswith("https:") else {}
        manager = HTTPAdapter(pool_connections=1, pool_maxsize=size).proxy_manager_for(proxy, **extra)
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    pool_kwargs = {"ssl_context": context} if context is not None else {}
    return cast(HTTPConnectionPool, manager.connection_from_host(host, port, scheme, pool_kwargs=pool_kwargs))


class HttpIncoming:
    """An answer over the network."""

    def __init__(self, raw: urllib3.HTTPResponse, deadline: Deadline) -> None:
        self.status = raw.status
        self.headers = Headers(raw.headers.items())
        self._raw = raw
        self._deadline = deadline

    def body(self) -> bytes:
        raw = self._raw
        length = raw.length_remaining
        if length is not None and length <= CHUNK and "content-encoding" not in self.headers:
            try:
                data = raw.read(decode_content=False)
            except (OSError, HTTPException, Urllib3Error, ValueError) as error:
                raise _cut(error, self._deadline) from error
            self._check_time()
            return data
        pieces: list[bytes] = []
        size = 0
        while piece := self._piece():
            size += len(piece)
            if size > BODY_LIMIT:
                raise TooLarge
            pieces.append(piece)
        if not pieces and length is None and not raw.chunked and self.status not in {204, 205, 304}:
            # http.client takes a head that was cut off for a whole one.
            raise Broken("the connection was closed before the answer was complete", sent=True)
        return b"".join(pieces)

    def chunks(self) -> Iterator[bytes]:
        while piece := self._piece():
            self._deadline.pause()
            yield piece
            self._deadline.resume()

    def _piece(self) -> bytes:
        try:
            piece = self._raw.read1(CHUNK, decode_content=True)
        except (OSError, HTTPException, Urllib3Error, ValueError) as error:
            raise _cut(error, self._deadline) from error
        if not piece:
            self._check_time()
        return piece

    def _check_time(self) -> None:
        # A socket that the watchdog shut down looks like the end of a body without a length.
        if self._deadline.expired:
            raise _late(self._deadline)

    def close(self) -> None:
        _watchdog.stop(self._deadline)
        # Read to its end, the connection is back in the pool; anything else must not be.
        self._raw.close()


class HttpWire:
    """One origin, reached directly or through a proxy."""

    def __init__(
        self,
        *,
        origin: Origin,
        root: str,
        ca_bundle: str | None,
        client_cert: str | None,
        client_key: str | None,
        proxy: str | None,
        insecure: bool,
        pool_size: int,
    ) -> None:
        scheme = origin[0]
        context = None
        if scheme == "https" or (proxy or "").startswith("https:"):
            context = tls.context(
                ca_bundle=ca_bundle, client_cert=client_cert, client_key=client_key, insecure=insecure
            )
        if insecure:
            urllib3.disable_warnings(InsecureRequestWarning)  # the user is told in our own words
        self._pool = _pool_of(origin, proxy=proxy, context=context, size=max(1, pool_size))
        # A plain http request through a proxy names the whole URL; any other leaves the server out.
        is_forwarded = proxy is not None and scheme == "http"
        self._left_out = 0 if is_forwarded else len(root)

    def open(self, outgoing: Outgoing, *, limit: float, standing: Callable[[], None]) -> HttpIncoming:
        deadline = _watchdog.start(limit, standing)
        _exchange.deadline = deadline
        _exchange.idle = outgoing.idle
        try:
            raw = self._send(outgoing, min(IDLE_TIMEOUT, limit))
        except BaseException as error:
            _watchdog.stop(deadline)
            if isinstance(error, (OSError, HTTPException, Urllib3Error, ValueError)):
                raise _cut(error, deadline) from error
            raise
        finally:
            _exchange.deadline = None
        return HttpIncoming(raw, deadline)

    def _send(self, outgoing: Outgoing, idle_timeout: float) -> urllib3.HTTPResponse:
        return cast(
            urllib3.HTTPResponse,
            self._pool.urlopen(
                outgoing.method,
                outgoing.url[self._left_out :],
                outgoing.body,
                outgoing.headers,
                _NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                # One for both: each change of a socket's timeout lets go of the interpreter's lock. How long
                # connecting may take is the connection's own affair.
                timeout=urllib3.Timeout(connect=idle_timeout, read=idle_timeout),
                preload_content=False,
                decode_content=False,
            ),
        )

    def close(self) -> None:
        self._pool.close()


def _late(deadline: Deadline) -> Broken:
    return Broken(
        f"it did not answer completely within {round(deadline.limit, 2):g} s",
        sent=deadline.sent,
        hint="allow more time with --request-timeout, or ask for less at once",
    )


def _cut(error: Exception, deadline: Deadline) -> Broken:
    """What broke after the connection stood."""
    if deadline.expired:
        return _late(deadline)
    for each in _causes(error):
        if isinstance(each, (TimeoutError, ReadTimeoutError)):
            return Broken(
                f"it sent nothing for {round(min(IDLE_TIMEOUT, deadline.limit), 2):g} s", sent=deadline.sent
            )
        if isinstance(each, DecodeError):
            return Broken("its answer is compressed, but broken", sent=deadline.sent)
        if isinstance(each, RemoteDisconnected):
            return Broken("the connection was closed without an answer", sent=deadline.sent)
        if isinstance(each, ConnectionResetError):
            return Broken("the connection was reset before the answer was complete", sent=deadline.sent)
        if isinstance(each, HTTPException) and not isinstance(each, IncompleteRead):
            return Broken("what it answered is not HTTP", sent=deadline.sent)
    return Broken("the connection was closed before the answer was complete", sent=deadline.sent)
