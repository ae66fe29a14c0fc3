"""When a request may be sent once more, and after how long. No clock and no chance of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

LONGEST_WAIT = 60.0
_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 20.0


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a Retry-After field asks for: an integer or an HTTP date, never below 0.

    ``now`` by the clock of the server, where it tells it: this machine's may be off by an hour.
    None for anything else (``1.5``, ``soon``): the server did not say. The number is not cut, so that a
    message can tell it; what is waited is at most LONGEST_WAIT.
    """
    if value is None:
        return None
    text = value.strip()
    if text.removeprefix("-").isdecimal() and text.isascii():
        return 0.0 if text.startswith("-") else float(text[:12])
    moment = told_at(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def told_at(value: str | None) -> datetime | None:
    """The time that a field such as Date tells; None for what is no HTTP date."""
    if value is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # one for a text, the other for a year of ten digits
        return None
    # "-0000" says UTC without a zone.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def backoff(attempt: int, chance: float) -> float:
    """Full jitter: up to 0.5 s after the first attempt, doubling to 20 s; ``chance`` is in 0..1."""
    return chance * min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** (attempt - 1))


class Gate:
    """Holds every worker back when the server told one of them to slow down."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._opens = 0.0

    def close_for(self, seconds: float) -> bool:
        """Close it; False if it was to stay closed as long already, give or take a second."""
        until = self._clock() + seconds
        with self._lock:
            news = until > self._opens + 1.0
            self._opens = max(self._opens, until)
            return news

    def remaining(self) -> float:
        """Seconds until it opens, 0 when it is open."""
        return max(0.0, self._opens - self._clock()) if self._opens else 0.0
