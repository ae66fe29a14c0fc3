"""The way to a server, step by step: its name, its port, its certificate. Sends no request."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from orchctl.errors import NetworkFault
from orchctl.transport import tls
from orchctl.transport.connections import resolve
from orchctl.transport.wire import Broken

LIMIT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """``expires`` is the certificate's; ``None`` where it was not verified."""

    version: str
    issuer: str
    expires: datetime | None


def look_up(host: str, port: int, *, proxy: bool = False) -> list[str]:
    """The addresses of a host, without repetition.

    :raises NetworkFault: there are none, or the name service does not answer.
    """
    try:
        found = resolve(host, port, time.monotonic() + LIMIT, proxy=proxy)
    except Broken as error:
        raise NetworkFault(error.why, hint=error.hint) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(host: str, port: int, *, limit: float = LIMIT) -> socket.socket:
    """:raises NetworkFault: nothing listens there, or the way is closed."""
    try:
        return socket.create_connection((host, port), timeout=limit)
    except TimeoutError:
        why = f"no answer within {limit:g} s"
        hint = "a firewall may be on the way; check the address and the context's proxy"
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        hint = "check that the server runs and that the context's URL is right"
    raise NetworkFault(f"cannot connect to {host}:{port}: {why}", hint=hint)


def shake_hands(
    sock: socket.socket,
    host: str,
    port: int,
    *,
    ca_bundle: str | None,
    client_cert: str | None,
    client_key: str | None,
    insecure: bool,
) -> Handshake:
    """:raises NetworkFault: no TLS, or a certificate that is not trusted."""
    context = tls.context(
        ca_bundle=ca_bundle, client_cert=client_cert, client_key=client_key, insecure=insecure
    )
    try:
        with context.wrap_socket(sock, server_hostname=host) as wrapped:
            seen = wrapped.getpeercert() or {}
            return Handshake(
                version=wrapped.version() or "TLS",
                issuer=_issuer(seen),
                expires=_expiry(seen.get("notAfter")),
            )
    except (OSError, ValueError) as error:
        why, hint, _ = tls.complaint(error, f"{host}:{port}")
        raise NetworkFault(why, hint=hint or None) from None


def _issuer(certificate: Mapping[str, object]) -> str:
    names: dict[str, str] = {}
    issuer = certificate.get("issuer")
    for part in issuer if isinstance(issuer, tuple) else ():
        names.update(part)
    return names.get("organizationName") or names.get("commonName") or "nobody that is named"


def _expiry(text: object) -> datetime | None:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if isinstance(text, str) else None
