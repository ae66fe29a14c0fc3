"""The way through a proxy: urllib3's pool, with requests, which knows the kinds of proxies and their users.

requests' own session (cookies, netrc, environment, redirects) is of no use here.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any, cast

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InsecureRequestWarning, ReadTimeoutError

from orchctl.transport.connections import (
    NO_ANSWER,
    NO_HTTP,
    NO_WHOLE_ANSWER,
    Cut,
    causes,
    connected,
    unconnected,
)
from orchctl.transport.deadline import Deadline
from orchctl.transport.reply import excerpt
from orchctl.transport.wire import BODILESS, CHUNK, Broken, Origin, Outgoing

_NO_RETRIES = urllib3.Retry(0, read=False)


class _Exchange(threading.local):
    """The exchange that this thread is in: urllib3 has no way to pass one to its connections."""

    deadline: Deadline | None = None


_exchange = _Exchange()


class _Watched:
    """Mixed into urllib3's connections: tells its exchange when it stands, and hands over its socket."""

    owner: Deadline | None = None

    # Of the connection it is mixed into:
    sock: Any
    host: str
    port: int
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
            text = str(error)
            if deadline.expired or not text.startswith("Tunnel connection failed: "):
                raise unconnected(error, deadline, goal) from error
            answer = excerpt(text.removeprefix("Tunnel connection failed: "), 80)
            raise Broken(
                f"the proxy {self.host}:{self.port} refused the way to {goal}: {answer}",
                sent=False,
                hint="check the context's proxy, and its user and password if it needs them",
                lasting=answer.startswith(("401", "403", "405", "407")),
            ) from error
        deadline.stand(self.sock, self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _exchange.deadline
        assert deadline is not None
        if self.sock is not None:
            deadline.stand(self.sock, self)
        super().request(*args, **kwargs)  # type: ignore[misc]  # the mixed-in class's

    def _new_conn(self) -> Any:
        deadline = _exchange.deadline
        assert deadline is not None
        return connected(self.host, self.port, deadline, self, proxy=True)


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class Proxied:
    """Connections to one origin through a proxy, of which ``size`` are kept while nobody needs them.

    ``root`` is the origin's URL.
    """

    def __init__(
        self, origin: Origin, context: ssl.SSLContext | None, size: int, *, root: str, proxy: str
    ) -> None:
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

    def exchange(self, outgoing: Outgoing, deadline: Deadline, timeout: float) -> ProxiedAnswer:
        _exchange.deadline = deadline
        try:
            with _in_our_words():
                answer = self._pool.urlopen(
                    outgoing.method,
                    self._root + outgoing.target,
                    outgoing.body,
                    outgoing.headers,
                    _NO_RETRIES,
                    redirect=False,
                    assert_same_host=False,
                    timeout=timeout,
                    preload_content=False,
                    decode_content=False,
                )
        finally:
            _exchange.deadline = None
        return ProxiedAnswer(cast(urllib3.HTTPResponse, answer))

    def close(self) -> None:
        self._pool.close()


class ProxiedAnswer:
    def __init__(self, raw: urllib3.HTTPResponse) -> None:
        self.status = raw.status
        self.fields = list(raw.headers.items())
        self._raw = raw
        length = raw.length_remaining
        # http.client takes a head that was cut off for a whole one.
        self._may_be_empty = length is not None or raw.chunked or raw.status in BODILESS

    def piece(self) -> bytes:
        with _in_our_words():
            piece = self._raw.read1(CHUNK, decode_content=False)
        if not piece and not self._may_be_empty:
            raise Cut(NO_WHOLE_ANSWER)
        self._may_be_empty = True
        return piece

    def close(self, *, is_whole: bool) -> None:
        # The pool has its connection back since the end of the answer; any other is not used once more.
        self._raw.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except Broken:
        raise
    except (OSError, HTTPException, Urllib3Error, ValueError) as error:
        for each in causes(error):
            if isinstance(each, RemoteDisconnected):  # which is a ConnectionResetError, too
                raise Cut(NO_ANSWER) from error
            if isinstance(each, ReadTimeoutError):
                raise TimeoutError from error
            if isinstance(each, (Broken, OSError)):
                raise each from error
            if isinstance(each, HTTPException) and not isinstance(each, IncompleteRead):
                raise Cut(NO_HTTP) from error
        raise Cut(NO_WHOLE_ANSWER) from error
