"""OAuth clients that may log in, and the tokens they get. A token holds its own proof: none is stored."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from orchctl.sandbox.engine.base import Invalid, Tx

LIFETIME_SECONDS = 3600


class NewClient(NamedTuple):
    """``secret`` is told this once: only its hash is kept."""

    name: str
    ident: str
    secret: str


def register(tx: Tx, name: str) -> NewClient:
    """A client with an id and a secret of its own."""
    if not name.strip():
        raise Invalid("a client needs a name")
    import uuid

    client = NewClient(name, str(uuid.uuid4()), secrets.token_urlsafe(32))
    tx.connection.execute(
        "INSERT INTO client (guid, name, secret_hash, created_at) VALUES (?, ?, ?, ?)",
        (client.ident, name, _hash(client.secret), tx.now),
    )
    return client


def is_known(tx: Tx, ident: str, secret: str) -> bool:
    row = tx.connection.execute("SELECT secret_hash FROM client WHERE guid = lower(?)", (ident,)).fetchone()
    return row is not None and hmac.compare_digest(row[0], _hash(secret))


def token(key: str, ident: str, scope: str, *, now: int, seconds: int = LIFETIME_SECONDS) -> str:
    """A token of a client, signed with the account's key; ``now`` is in milliseconds."""
    body = {"client_id": ident, "scope": scope, "exp": now // 1000 + seconds, "jti": secrets.token_hex(8)}
    text = _encoded(json.dumps(body).encode())
    return f"sb.{text}.{_signature(key, text)}"


def client_of(key: str, value: str, *, now: int) -> str | None:
    """Whose token it is; ``None``: nobody's, or its time is over."""
    kind, _, rest = value.partition(".")
    text, _, signature = rest.partition(".")
    if kind != "sb" or not hmac.compare_digest(signature.encode(), _signature(key, text).encode()):
        return None
    try:
        body = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return str(body["client_id"]) if body["exp"] * 1000 > now else None
    except (ValueError, KeyError, TypeError):
        return None


def _hash(secret: str) -> str:
    """Secrets are made here and long: a plain hash cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _signature(key: str, text: str) -> str:
    return _encoded(hmac.digest(key.encode(), text.encode(), "sha256"))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
