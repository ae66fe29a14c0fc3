"""Log entries as lines for people: time, level, source, message; a message of several lines stays one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from re import Match, Pattern
from zlib import crc32

from orchctl.model import LogEntry
from orchctl.render import TimeStyle
from orchctl.render.columns import written_time
from orchctl.sanitize import safe
from orchctl.streams import Streams

_PLAIN, _FAINT, _FOUND = "\x1b[0m", "\x1b[2m", "\x1b[1;7m"
_LEVELS = {
    "trace": ("TRACE", "\x1b[2m"),
    "debug": ("DEBUG", "\x1b[2m"),
    "info": ("INFO ", ""),
    "warning": ("WARN ", "\x1b[33m"),
    "error": ("ERROR", "\x1b[31m"),
    "critical": ("CRIT ", "\x1b[1;31m"),
    "unknown": ("?    ", "\x1b[35m"),
}
# Neither red nor yellow, which say that something is wrong.
_SOURCE_COLORS = tuple(f"\x1b[{code}m" for code in (36, 32, 35, 34, 96, 92, 95, 94))
_WIDEST_SOURCE = 20
_MARGIN = "    "


def show_log(
    batches: Iterable[Sequence[LogEntry]],
    streams: Streams,
    *,
    raw: bool = False,
    time: TimeStyle = TimeStyle.LOCAL,
    highlight: Sequence[Pattern[str]] = (),
) -> None:
    """Write entries as they come, each batch at once. ``raw`` is their messages and nothing else."""
    written = _raw(streams) if raw else _Lines(streams, time, highlight).text
    for batch in batches:
        if batch:
            streams.write("".join([written(entry) for entry in batch]))
            streams.flush()


def _raw(streams: Streams) -> Callable[[LogEntry], str]:
    if streams.stdout_is_terminal:
        return lambda entry: safe(entry.message, keep_newlines=True) + "\n"
    return lambda entry: f"{entry.message}\n"


class _Lines:
    def __init__(self, streams: Streams, time: TimeStyle, highlight: Sequence[Pattern[str]]) -> None:
        self._color = streams.color
        self._style = time
        self._highlight = highlight if self._color else ()
        self._time: datetime | None = None
        self._time_text = ""
        self._heads: dict[tuple[str, str | None, str | None], str] = {}
        self._source_width = 0

    def text(self, entry: LogEntry) -> str:
        time = entry.time
        if time is not self._time:  # most come in the same second as the one before
            self._time, self._time_text = time, self._written_time(time)
        source = entry.level, entry.robot, entry.process
        head = self._heads.get(source)
        if head is None:
            head = self._heads[source] = self._head(entry)
        message = entry.message
        if not message.isprintable():
            message = safe(message.replace("\r\n", "\n").rstrip("\n"), keep_newlines=True)
            message = message.replace("\n", f"\n{_MARGIN}")
        for pattern in self._highlight:
            message = pattern.sub(_marked, message)
        return f"{self._time_text}{head}{message}\n"

    def _written_time(self, time: datetime) -> str:
        text = written_time(time, self._style, datetime.now(UTC))
        if time.microsecond and self._style is not TimeStyle.RELATIVE:
            text = f"{text[:19]}.{time.microsecond // 1000:03d}{text[19:]}"
        return f"{_FAINT}{text}{_PLAIN}  " if self._color else f"{text}  "

    def _head(self, entry: LogEntry) -> str:
        word, color = _LEVELS[entry.level]
        source = entry.robot or entry.process or ""
        shown = safe(source)
        if len(shown) > self._source_width:
            self._source_width = min(len(shown), _WIDEST_SOURCE)
            self._heads.clear()  # those that come are aligned anew
        shown = shown.ljust(self._source_width)
        if self._color:
            word = f"{color}{word}{_PLAIN}" if color else word
            shown = f"{_color_of(source)}{shown}{_PLAIN}" if source else shown
        return f"{word}  {shown}  " if shown else f"{word}  "


def _color_of(source: str) -> str:
    """The same in every run and on every machine."""
    return _SOURCE_COLORS[crc32(source.encode("utf-8", "replace")) % len(_SOURCE_COLORS)]


def _marked(found: Match[str]) -> str:
    return f"{_FOUND}{found[0]}{_PLAIN}" if found[0] else ""
