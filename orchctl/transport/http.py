"""HTTP over a network. Heeds no environment variable.

What is special here: whether a connection stood before an exchange broke is known, not guessed, and one
deadline covers the whole exchange, name resolution and TLS included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

import urllib3
from urllib3.exceptions import DecodeError, ReadTimeoutError
from urllib3.exceptions import HTTPError as Urllib3Error

from orchctl.transport import tls
from orchctl.transport.connections import GiveBack, causes, connections
from orchctl.transport.deadline import Deadline, Watchdog
from orchctl.transport.reply import Headers
from orchctl.transport.wire import BODY_LIMIT, CHUNK, Broken, Origin, Outgoing, TooLarge

IDLE_TIMEOUT = 30.0

_watchdog = Watchdog()


class HttpIncoming:
    """An answer over the network."""

    def __init__(self, raw: urllib3.HTTPResponse, deadline: Deadline, give_back: GiveBack) -> None:
        self.status = raw.status
        self.headers = Headers(raw.headers.items())
        self._raw = raw
        self._deadline = deadline
        self._give_back: GiveBack | None = give_back
        self._is_whole = False

    def body(self) -> bytes:
        raw = self._raw
        length = raw.length_remaining
        if length is not None and length <= CHUNK and "content-encoding" not in self.headers:
            try:
                data = raw.read(decode_content=False)
            except (OSError, HTTPException, Urllib3Error, ValueError) as error:
                raise _cut(error, self._deadline) from error
            self._end()
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
            self._end()
        return piece

    def _end(self) -> None:
        # A socket that the watchdog shut down looks like the end of a body without a length.
        if self._deadline.expired:
            raise _late(self._deadline)
        self._is_whole = True

    def close(self) -> None:
        _watchdog.stop(self._deadline)
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back(self._is_whole)


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
        self._connections = connections(
            origin, root=root, proxy=proxy, context=context, size=max(1, pool_size)
        )

    def open(self, outgoing: Outgoing, *, limit: float, standing: Callable[[], None]) -> HttpIncoming:
        deadline = _watchdog.start(limit, standing)
        try:
            raw, give_back = self._connections.exchange(outgoing, deadline, min(IDLE_TIMEOUT, limit))
        except BaseException as error:
            _watchdog.stop(deadline)
            if isinstance(error, (OSError, HTTPException, Urllib3Error, ValueError)):
                raise _cut(error, deadline) from error
            raise
        return HttpIncoming(raw, deadline, give_back)

    def close(self) -> None:
        self._connections.close()


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
    for each in causes(error):
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
