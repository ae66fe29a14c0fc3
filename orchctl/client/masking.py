"""Credentials taken out of what an orchestrator answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchctl.sanitize import MASK, register_secret

if TYPE_CHECKING:
    from orchctl.model import Json

_SECRET_KEY = re.compile(r"passw|passphrase|secret|(?<!public)[_ -]?token$|api[_ -]?key", re.IGNORECASE)


def hide(secret: Json) -> None:
    """Before it goes out, and when it comes in: a server may repeat it in what it says."""
    if isinstance(secret, str):
        register_secret(secret, passing=True)


def masked(native: Json, secret: Json = None) -> Json:
    """A copy with ``***`` for what a key calls a secret, and for ``secret`` wherever it stands."""
    hide(secret)
    return _masked(native, secret)


def _masked(value: Json, secret: Json) -> Json:
    if isinstance(value, dict):
        return {
            key: MASK if item and _SECRET_KEY.search(key) and _is_value(key, item) else _masked(item, secret)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, secret) for item in value]
    return MASK if isinstance(value, str) and secret and value == secret else value


def _is_value(key: str, item: Json) -> bool:
    """``password_expiration`` and the like say something about a secret, and are none."""
    return isinstance(item, str) and not re.search(r"expir|at$|date|id$", key, re.IGNORECASE)
