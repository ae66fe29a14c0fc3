"""Connections to a server: how one comes to stand, and what an exchange over it gives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, Protocol

from orchctl.transport.deadline import Deadline, Owned
from orchctl.transport.wire import Broken, Outgoing

CONNECT_TIMEOUT = 10.0

_AddressInfo = tuple[int, int, int, str, Any]


NO_ANSWER = "the connection was closed without an answer"
NO_WHOLE_ANSWER = "the connection was closed before the answer was complete"
NO_HTTP = "what it answered is not HTTP"


class Cut(Exception):
    """What came is no complete answer. Its text tells why, in words for the user."""


class Answer(Protocol):
    """An answer whose head has arrived."""

    status: int
    fields: list[tuple[str, str]]
    """Of its head, in order."""

    def piece(self) -> bytes:
        """What has arrived of its body, as it was sent: compressed, if it was. Waits for some; b"" is its end.

        :raises Cut: it ended before its end.
        :raises OSError: the connection broke.
        """

    def close(self, *, is_whole: bool) -> None:
        """Done with it. Its connection may serve another exchange if the answer was read to its end."""


class Connections(Protocol):
    """Where exchanges get their connections from."""

    def exchange(self, outgoing: Outgoing, deadline: Deadline, timeout: float) -> Answer:
        """Send, and wait for the answer's head.

        ``timeout``: how many seconds the server may send nothing.

        :raises Broken: there is no connection.
        :raises Cut: what came is no answer.
        :raises OSError: the connection broke.
        """

    def close(self) -> None: ...


def connected(
    host: str, port: int, deadline: Deadline, owner: Owned, *, proxy: bool = False
) -> socket.socket:
    """A socket that stands, its timeout what is left for a handshake; names and addresses share one limit.

    :raises Broken: it does not.
    """
    ends = monotonic() + min(CONNECT_TIMEOUT, deadline.remaining())
    where = f"{host}:{port}"
    last: OSError | None = None
    for *kind, _, address in resolve(host, port, ends, proxy=proxy):
        try:
            sock = _reached(kind, address, ends)
        except OSError as error:
            last = error
            continue
        # A proxy may be slow for ever too. A TLS handshake has a total limit of its own: the socket's.
        deadline.watch(sock, owner)
        return sock
    whom = f"the proxy {where}" if proxy else where
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
        if proxy
        else "check that the server runs and that the context's URL is right",
    ) from last


def _reached(kind: Sequence[int], address: Any, ends: float) -> socket.socket:
    sock = socket.socket(*kind)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(max(0.001, ends - monotonic()))
        sock.connect(address)
        sock.settimeout(max(0.001, ends - monotonic()))
    except BaseException:  # Ctrl-C too
        sock.close()
        raise
    return sock


def unconnected(error: Exception, deadline: Deadline, where: str) -> Broken:
    """The connection did not come to stand: name what happened. Nothing was sent to the server."""
    if deadline.expired or isinstance(error, TimeoutError):
        return Broken(
            f"cannot connect to {where}: no handshake within {round(min(CONNECT_TIMEOUT, deadline.limit), 2):g} s",
            sent=False,
            hint="check the address, the firewalls on the way and the context's proxy",
        )
    import ssl

    from orchctl.transport import tls

    for each in causes(error):
        if isinstance(each, ssl.SSLError):
            why, hint, lasting = tls.complaint(each, where)
            return Broken(why, sent=False, hint=hint or None, lasting=lasting)
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
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
    # As text it would be encoded anew, for which Python imports the tables of Unicode.
    given = host.encode() if host.isascii() else host
    found: list[list[_AddressInfo]] = []
    failed: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(given, port, 0, socket.SOCK_STREAM))  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=look_up, name="orchctl-resolve", daemon=True)
    asking.start()
    asking.join(max(0.001, ends - monotonic()))
    if found:
        return found[0]
    name = f"the proxy's host {host}" if proxy else f"the host {host}"
    hint = f"check the context's {'proxy' if proxy else 'URL'}, and that this machine can look names up"
    if not failed:
        raise Broken(f"cannot find {name}: no answer from the name service in time", sent=False, hint=hint)
    unknown = isinstance(failed[0], UnicodeError) or failed[0].errno == socket.EAI_NONAME
    why = "no such name is known" if unknown else str(failed[0]).partition("]")[2].strip().lower()
    raise Broken(f"cannot find {name}: {why}", sent=False, hint=hint, lasting=unknown) from failed[0]
