"""What every subject of the engine shares: a moment in a transaction, and how it says no."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from orchctl.sandbox.store import Connection
from orchctl.sandbox.vault import Vault

# sherpa.md 3.6: store_logs_days.
LOG_KEPT_MS = 180 * 24 * 3600 * 1000


class EngineError(Exception):
    """A refusal in words a caller may read."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(EngineError):
    """There is no such object, or there is none any more."""


class Conflict(EngineError):
    """A rule forbids it in the present state."""


class Invalid(EngineError):
    """What was asked makes no sense in any state."""


@dataclass(frozen=True, slots=True)
class Tx:
    """A connection and the one moment (milliseconds, UTC) at which everything done over it happens."""

    connection: Connection
    now: int
    vault: Vault


def new_guid() -> str:
    """A GUID that sorts by the time of its making (RFC 9562, version 7): a big index grows at its end.

    Guessable in part: never for a credential.
    """
    raw = f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
    variant = "89ab"[int(raw[16], 16) & 3]
    return f"{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-{variant}{raw[17:20]}-{raw[20:]}"


def is_guid(text: str) -> bool:
    if len(text) != 36 or text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
        return False
    digits = text.replace("-", "")
    return len(digits) == 32 and digits.isalnum() and digits.isascii() and not set(digits.lower()) - _HEX


_HEX = set("0123456789abcdef")
# SQLite's integers; a longer run of digits is a name, never an id.
LARGEST_ID = 2**63 - 1


def as_id(text: str) -> int | None:
    """The number that a caller may have meant by ``text``, or None."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None
