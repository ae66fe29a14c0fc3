"""How far a run has come, on stderr: a live bar for people, a line now and then for logs, JSON for machines."""

from __future__ import annotations

import time
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

from orchctl.bulk.outcome import State

if TYPE_CHECKING:
    from orchctl.bulk.outcome import Tally
    from orchctl.streams import Streams


class Shape(StrEnum):
    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


_INTERVALS = {Shape.BAR: 0.2, Shape.PLAIN: 10.0, Shape.JSON: 1.0}
_RECENT = 10.0  # seconds over which the rate is taken
_PARTS = " ▏▎▍▌▋▊▉"


class Progress:
    """``tick`` may be called at any time and as often as one likes; it draws when it is time to."""

    def __init__(self, streams: Streams, shape: Shape, *, quiet: bool) -> None:
        if shape is Shape.AUTO:
            can_draw = streams.stderr_is_terminal and streams.env.get("TERM") != "dumb"
            shape = Shape.NONE if quiet else Shape.BAR if can_draw else Shape.PLAIN
        self._streams = streams
        self._shape = shape
        self._begun = time.monotonic()
        self._drawn_at = self._begun
        self._samples: deque[tuple[float, int]] = deque()
        self._first: int | None = None
        self._is_drawn = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def checking(self, row: int) -> None:
        """Rows are gone through before anything is sent."""
        if self._shape is Shape.BAR and self._is_due():
            self._draw(f"checking row {row:,}")

    def begin(self) -> None:
        """The sending begins; what came before is not its time."""
        self.hide()
        self._begun = self._drawn_at = time.monotonic()

    def tick(self, tally: Tally) -> None:
        if self._first is None:
            self._first = tally.tried
        if self._shape is Shape.NONE or not self._is_due():
            return
        now = time.monotonic()
        self._samples.append((now, tally.tried))
        while self._samples[0][0] < now - _RECENT and len(self._samples) > 2:
            self._samples.popleft()
        rate = self._rate(now, tally)
        left = (tally.total - tally.tried) / rate if rate else None
        if self._shape is Shape.JSON:
            self._streams.talk_json(
                {"event": "progress", **_numbers(tally), "seconds": round(self.seconds, 1)}
                | {"rate": round(rate, 1), "remaining": None if left is None else round(left, 1)}
            )
            return
        words = [f"{tally.tried:,} of {tally.total:,}", f"{rate:,.0f}/s"]
        if left is not None and tally.tried < tally.total:
            words.append(f"{_span(left)} left")
        for state in (State.REJECTED, State.NOT_SENT, State.UNKNOWN):
            if tally.counts[state]:
                words.append(f"{tally.counts[state]:,} {state.replace('_', ' ')}")
        if self._shape is Shape.PLAIN:
            self._streams.talk(", ".join(words))
        else:
            self._draw(self._bar(tally.tried / max(1, tally.total), "  ".join(words)))

    def summary(self, tally: Tally, *, run: str | None, rate: float) -> None:
        """The last word, for machines; people read the message that the run ends with."""
        if self._shape is Shape.JSON:
            self._streams.talk_json(
                {"event": "summary", "run": run, **_numbers(tally)}
                | {"seconds": round(self.seconds, 1), "rate": round(rate, 1)}
            )

    def hide(self) -> None:
        """Make room for something else on the terminal."""
        if self._is_drawn:
            self._streams.status("")
            self._is_drawn = False

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._drawn_at < _INTERVALS.get(self._shape, 0.0):
            return False
        self._drawn_at = now
        return True

    def _rate(self, now: float, tally: Tally) -> float:
        at, tried = self._samples[0]
        if now - at < 1.0:
            at, tried = self._begun, self._first or 0
        return (tally.tried - tried) / max(0.001, now - at)

    def _bar(self, part: float, words: str) -> str:
        room = min(40, self._streams.width - len(words) - 10)
        percent = f"{min(99 if part < 1 else 100, int(part * 100)):3d} %"
        if room < 8:
            return f"{percent}  {words}"[: self._streams.width - 1]
        eighths = int(part * room * 8)
        full, rest = divmod(eighths, 8)
        bar = ("█" * full + (_PARTS[rest] if full < room else "")).ljust(room)
        return f"{percent} {bar} {words}"

    def _draw(self, text: str) -> None:
        self._streams.status(text)
        self._is_drawn = True


def _numbers(tally: Tally) -> dict[str, int]:
    return {"rows": tally.total, "done": tally.tried, **{str(state): tally.counts[state] for state in State}}


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
