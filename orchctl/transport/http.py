"""HTTP over a network. Heeds no environment variable.

What is special here: whether a connection stood before an exchange broke is known, not guessed, and one
deadline covers the whole exchange, name resolution and TLS included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchctl.errors import LocalFault
from orchctl.transport.connections import NO_WHOLE_ANSWER, Answer, Connections, Cut
from orchctl.transport.deadline import Deadline, Watchdog
from orchctl.transport.reply import Headers
from orchctl.transport.wire import BODY_LIMIT, Broken, Origin, Outgoing, TooLarge

if TYPE_CHECKING:
    import ssl

IDLE_TIMEOUT = 30.0

_watchdog = Watchdog()


class HttpIncoming:
    """An answer over the network."""

    def __init__(self, answer: Answer, deadline: Deadline) -> None:
        self.status = answer.status
        self.headers = Headers(answer.fields)
        self._answer = answer
        self._deadline = deadline
        self._is_whole = False

    def body(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in self._pieces():
            size += len(piece)
            if size > BODY_LIMIT:
                raise TooLarge
            pieces.append(piece)
        return b"".join(pieces)

    def chunks(self) -> Iterator[bytes]:
        for piece in self._pieces():
            self._deadline.pause()
            yield piece
            self._deadline.resume()

    def _pieces(self) -> Iterator[bytes]:
        pieces = self._as_sent()
        if "content-encoding" in self.headers:
            from orchctl.transport.inflate import inflated

            pieces = inflated(pieces, self.headers["content-encoding"], self._check_time)
        try:
            yield from pieces
        except (OSError, Cut) as error:
            raise _broken(error, self._deadline) from error

    def _as_sent(self) -> Iterator[bytes]:
        while piece := self._answer.piece():
            yield piece
        # A socket that the watchdog shut down looks like the end of a body without a length.
        self._check_time()
        self._is_whole = True

    def _check_time(self) -> None:
        if self._deadline.expired:
            raise _late(self._deadline)

    def close(self) -> None:
        _watchdog.stop(self._deadline)
        self._answer.close(is_whole=self._is_whole)


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
            # It takes as long to import as all else that a request needs.
            from orchctl.transport import tls

            context = tls.context(
                ca_bundle=ca_bundle, client_cert=client_cert, client_key=client_key, insecure=insecure
            )
        self._connections = _connections(
            _in_ascii(origin), context, max(1, pool_size), root=root, proxy=proxy
        )

    def open(self, outgoing: Outgoing, *, limit: float, standing: Callable[[], None]) -> HttpIncoming:
        deadline = _watchdog.start(limit, standing)
        try:
            answer = self._connections.exchange(outgoing, deadline, min(IDLE_TIMEOUT, limit))
        except BaseException as error:
            _watchdog.stop(deadline)
            if isinstance(error, (OSError, Cut)):
                raise _broken(error, deadline) from error
            raise
        return HttpIncoming(answer, deadline)

    def close(self) -> None:
        self._connections.close()


def _in_ascii(origin: Origin) -> Origin:
    """:raises LocalFault: the host is no name that could be looked up."""
    scheme, host, port = origin
    if host.isascii():
        return origin
    # Python's own encoding of names is that of 2003, which makes another domain of some.
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        return scheme, parse_url(f"//{host}").host or "", port
    except LocationParseError:
        raise LocalFault(f"{host!r} is no name of a host", hint="check the context's URL") from None


def _connections(
    origin: Origin, context: ssl.SSLContext | None, size: int, *, root: str, proxy: str | None
) -> Connections:
    if proxy is None:
        from orchctl.transport.direct import Direct

        return Direct(origin, context, size)
    from orchctl.transport.proxied import Proxied

    return Proxied(origin, context, size, root=root, proxy=proxy)


def _late(deadline: Deadline) -> Broken:
    return Broken(
        f"it did not answer completely within {round(deadline.limit, 2):g} s",
        sent=deadline.sent,
        hint="allow more time with --request-timeout, or ask for less at once",
    )


def _broken(error: OSError | Cut, deadline: Deadline) -> Broken:
    """What broke after the connection stood."""
    if deadline.expired:
        return _late(deadline)
    if isinstance(error, Cut):
        return Broken(str(error), sent=deadline.sent)
    if isinstance(error, TimeoutError):
        why = f"it sent nothing for {round(min(IDLE_TIMEOUT, deadline.limit), 2):g} s"
    elif isinstance(error, ConnectionResetError):
        why = "the connection was reset before the answer was complete"
    else:
        why = NO_WHOLE_ANSWER
    return Broken(why, sent=deadline.sent)
