"""Tasks as bars in the terminal: how many are in each status, and how many were created when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchctl.model import Task, TaskStatus
from orchctl.render.table import STATUS_COLORS, cut_or_padded
from orchctl.sanitize import safe
from orchctl.streams import Streams

_PLAIN, _BOLD = "\x1b[0m", "\x1b[1m"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_WIDEST_LABEL = 24
_MOST_PARTS = 31
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = (
    (timedelta(minutes=1), "minute", "%H:%M"),
    (timedelta(minutes=10), "10 minutes", "%H:%M"),
    (timedelta(hours=1), "hour", "%m-%d %H:%M"),
    (timedelta(hours=6), "6 hours", "%m-%d %H:%M"),
    (timedelta(days=1), "day", "%Y-%m-%d"),
    (timedelta(days=7), "week", "%Y-%m-%d"),
    (timedelta(days=30), "30 days", "%Y-%m-%d"),
)

Counts = Mapping[TaskStatus, int] | Mapping[str, int]
_Row = tuple[str, int, str]
"""Label, count and colour of a bar."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """How many were created in each part of the time, the empty parts too; the last of them ends now or later."""

    step: timedelta
    unit: str
    style: str
    parts: tuple[tuple[datetime, int], ...]


class Gathered:
    """What a chart needs of tasks, taken one by one."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._minutes: Counter[int] = Counter()

    def add(self, tasks: Iterable[Task]) -> Gathered:
        for task in tasks:
            self.counts[task.status] += 1
            if task.created_at is not None:
                self._minutes[int(task.created_at.timestamp()) // 60] += 1
        return self

    def over_time(self) -> OverTime | None:
        """In parts of a length that shows all of them on a screen."""
        if not self._minutes:
            return None
        first, last = min(self._minutes), max(self._minutes)
        step, unit, style = next(
            (each for each in _STEPS if (last - first) * 60 / each[0].total_seconds() < _MOST_PARTS),
            _STEPS[-1],
        )
        size = int(step.total_seconds()) // 60
        begin = _aligned(first, size)
        parts = [0] * ((last - begin) // size + 1)
        for minute, count in self._minutes.items():
            parts[(minute - begin) // size] += count
        dated = [(_moment(begin + at * size), n) for at, n in list(enumerate(parts))[-_MOST_PARTS:]]
        return OverTime(step, unit, style, tuple(dated))


def _aligned(minute: int, size: int) -> int:
    """Parts begin at full hours and at midnight of the user's zone."""
    offset = _local(_moment(minute)).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) // 60
    return (minute + shift) // size * size - shift


def _moment(minute: int) -> datetime:
    """A minute since 1970. The part of the year 1 that holds its first tasks may begin before it."""
    try:
        return _EPOCH + timedelta(minutes=minute)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _local(moment: datetime) -> datetime:
    """In the user's zone; in UTC at either end of the calendar, where there is no such time in that zone."""
    try:
        return moment.astimezone()
    except (OSError, OverflowError, ValueError):
        return moment


def charts(each: Sequence[tuple[str, Counts]], streams: Streams) -> Iterator[str]:
    """One below the other, on one scale: bars of the same length stand for as many tasks."""
    rows = [row for _, counts in each for row in _by_status(counts)]
    for number, (title, counts) in enumerate(each):
        if number:
            yield ""
        yield from chart(title, counts, None, streams, among=rows)


def chart(
    title: str,
    counts: Counts,
    over_time: OverTime | None,
    streams: Streams,
    *,
    among: Sequence[_Row] = (),
) -> Iterator[str]:
    """Lines of bars as wide as the terminal, on a scale that fits all ``among`` which they are."""
    total = sum(counts.values())
    yield _heading(f"{safe(title)}  {total:,} task{'' if total == 1 else 's'}", streams)
    rows = _by_status(counts)
    yield from _bars(rows, streams, among=among or rows)
    if over_time is not None and total > 1:
        yield ""
        yield _heading(f"created, by {over_time.unit}", streams)
        dated = [(_local(begin).strftime(over_time.style), count, "") for begin, count in over_time.parts]
        yield from _bars(dated, streams, among=dated)


def _by_status(counts: Counts) -> list[_Row]:
    return [
        (status.value, count, STATUS_COLORS.get(status, ""))
        for status in TaskStatus
        if (count := counts.get(status, 0))
    ]


def _bars(rows: Sequence[_Row], streams: Streams, *, among: Sequence[_Row]) -> Iterator[str]:
    most = max((count for _, count, _ in among), default=0)
    if not most:
        return
    label_width = min(_WIDEST_LABEL, max(len(label) for label, _, _ in among))
    number_width = len(f"{most:,}")
    room = max(10, streams.width - label_width - number_width - 5)
    for label, count, color in rows:
        bar = _bar(count / most * room) or ("▏" if count else "")
        bar = f"{color}{bar}{_PLAIN}" if color and streams.color else bar
        yield f"{cut_or_padded(label, label_width)}  {count:>{number_width},}  {bar}".rstrip()


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _heading(text: str, streams: Streams) -> str:
    return f"{_BOLD}{text}{_PLAIN}" if streams.color else text
