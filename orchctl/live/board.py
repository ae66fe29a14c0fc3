"""What top shows: an overview as the lines of a screen, by what the user chose to see. It does not draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from orchctl.client.overview import JobView, Overview, QueueView, RobotView
from orchctl.render.table import cut_or_padded
from orchctl.sanitize import safe

PLAIN, BOLD, FAINT, REVERSE = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[7m"
_RED, _GREEN, _YELLOW, _BLUE, _CYAN = (f"\x1b[{code}m" for code in (31, 32, 33, 34, 36))
_STATUS_COLORS = {
    "working": _CYAN,
    "in-progress": _CYAN,
    "ready": _GREEN,
    "success": _GREEN,
    "failed": _RED,
    "aborted": _RED,
    "stopping": _YELLOW,
    "aborting": _YELLOW,
    "suspended": _YELLOW,
    "disconnected": FAINT,
    "unlicensed": _YELLOW,
}
_BLOCKS = " ▁▂▃▄▅▆▇█"
_SECTIONS = ("queues", "robots", "jobs")
_LEAST_ROWS = 2
_SHORT_ID, _LONG_ID = 9, 36
_WIDEST_GAP = 34  # so that the eye finds the way from a name to its numbers

HELP = (
    "q, Ctrl-C      leave",
    "Tab, 1 2 3     choose queues, robots or jobs",
    "s, S           sort by the next, the previous column",
    "r              the other way round",
    "up, down       scroll; Page Up and Page Down too",
    "/              show only rows with a text; Esc shows all again",
    "space          look now",
    "p              pause",
    "+, -           look less, more often",
    "?              this help",
)


class Column(NamedTuple):
    """``text`` of a row, and what it is sorted by; a width of 0 takes what the others leave."""

    title: str
    width: int
    text: Callable[[Any, datetime], str]
    key: Callable[[Any], Any]
    right: bool = False
    color: Callable[[Any], str] = lambda _: ""


@dataclass(slots=True)
class Section:
    """How one kind is shown."""

    columns: tuple[Column, ...]
    sort: int
    reverse: bool
    offset: int = 0

    def next_column(self, step: int) -> None:
        self.sort = (self.sort + step) % len(self.columns)
        self.reverse = self.columns[self.sort].right
        self.offset = 0


def sparkline(values: Sequence[int] | None) -> str:
    if not values:
        return ""
    most = max(values)
    if not most:
        return _BLOCKS[1] * len(values)
    return "".join(_BLOCKS[1 + value * (len(_BLOCKS) - 2) // most] for value in values)


def ago(moment: datetime | None, now: datetime) -> str:
    """A time span in at most four characters."""
    if moment is None:
        return "-"
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _count(value: int | None) -> str:
    if value is None:
        return "-"
    return str(value) if value < 100_000 else f"{value // 1000}k"


def _number(title: str, width: int, name: str, color: str = "") -> Column:
    return Column(
        title,
        width,
        lambda row, _: _count(getattr(row, name)),
        lambda row: getattr(row, name) or 0,
        right=True,
        color=lambda row: color if getattr(row, name) else "",
    )


def _since(title: str, name: str) -> Column:
    return Column(
        title,
        7,
        lambda row, now: ago(getattr(row, name), now),
        lambda row: -(moment.timestamp() if (moment := getattr(row, name)) else 1e12),
        right=True,
    )


def _status_column(width: int) -> Column:
    return Column(
        "STATUS",
        width,
        lambda row, _: str(row.status),
        lambda row: _RANK.get(str(row.status), 99),
        color=lambda row: _STATUS_COLORS.get(str(row.status), ""),
    )


_FIRST = (
    "failed",
    "aborted",
    "aborting",
    "stopping",
    "suspended",
    "in-progress",
    "working",
    "ready",
    "unlicensed",
)
_RANK = {word: rank for rank, word in enumerate(_FIRST)}


def _text(title: str, width: int, read: Callable[[Any], str | None]) -> Column:
    return Column(title, width, lambda row, _: read(row) or "-", lambda row: (read(row) or "").lower())


def sections() -> dict[str, Section]:
    queue_name: Callable[[QueueView], str] = lambda row: row.queue  # noqa: E731  # one of many columns
    return {
        "queues": Section(
            columns=(
                _text("QUEUE", 0, queue_name),
                _number("NEW", 6, "new", _BLUE),
                _number("WORK", 5, "in_progress", _CYAN),
                _number("LATER", 6, "postponed", _YELLOW),
                _number("FAILED", 7, "failed", _RED),
                _number("DONE/H", 7, "done_last_hour", _GREEN),
                _number("FAIL/H", 7, "failed_last_hour", _RED),
                _since("OLDEST", "oldest_waiting_at"),
                Column(
                    "DONE+FAIL/H",
                    12,
                    lambda row, _: sparkline(row.history),
                    lambda row: sum(row.history or ()),
                ),
            ),
            sort=1,
            reverse=True,
        ),
        "robots": Section(
            columns=(
                _text("ROBOT", 0, lambda row: row.name),
                _status_column(13),
                _text("RUNS", 24, _runs),
                _since("SEEN", "last_seen_at"),
            ),
            sort=1,
            reverse=False,
        ),
        "jobs": Section(
            columns=(
                _text("JOB", _SHORT_ID, lambda row: row.id),
                _text("PROCESS", 0, lambda row: row.process),
                _text("ROBOT", 14, lambda row: row.robot),
                _status_column(12),
                _since("BEGAN", "started_at"),
                _since("ENDED", "ended_at"),
            ),
            sort=3,
            reverse=False,
        ),
    }


def _runs(row: RobotView) -> str | None:
    return (
        row.job
        if row.job is None or row.job_id in (None, row.job)
        else f"{row.job} {_tail(row.job_id or '')}"
    )


def _tail(ident: str) -> str:
    """The end tells ids apart: their beginning may be the time."""
    return ident if len(ident) < _SHORT_ID else f"…{ident[-_SHORT_ID + 1 :]}"


@dataclass(slots=True)
class Board:
    """The choices of the user, and how an overview looks by them."""

    title: str
    color: bool
    interval: float
    sections: dict[str, Section] = field(default_factory=sections)
    focus: str = "queues"
    filter: str = ""
    typing: str | None = None
    """A filter that is being typed."""
    paused: bool = False
    helping: bool = False
    trouble: str = ""
    notes: list[str] = field(default_factory=list)

    def press(self, key: str) -> None:
        if self.typing is not None:
            self._type(key)
            return
        section = self.sections[self.focus]
        match key:
            case "tab":
                self.focus = _SECTIONS[(_SECTIONS.index(self.focus) + 1) % 3]
            case "back tab":
                self.focus = _SECTIONS[(_SECTIONS.index(self.focus) - 1) % 3]
            case "1" | "2" | "3":
                self.focus = _SECTIONS[int(key) - 1]
            case "s":
                section.next_column(1)
            case "S":
                section.next_column(-1)
            case "r":
                section.reverse = not section.reverse
            case "down" | "up" | "page down" | "page up":
                step = {"down": 1, "up": -1, "page down": 10, "page up": -10}[key]
                section.offset = max(0, section.offset + step)
            case "/":
                self.typing = self.filter
            case "escape":
                self.filter, self.helping = "", False
            case "p":
                self.paused = not self.paused
            case "?" | "h":
                self.helping = not self.helping
            case "+":
                self.interval = min(600.0, self.interval * 2)
            case "-":
                self.interval = max(1.0, self.interval / 2)

    def _type(self, key: str) -> None:
        assert self.typing is not None
        if key == "enter":
            self.typing = None
        elif key == "escape":
            self.typing, self.filter = None, ""
        else:
            self.typing = self.typing[:-1] if key == "backspace" else self.typing + key * (len(key) == 1)
            self.filter = self.typing

    def frame(self, overview: Overview | None, width: int, height: int, now: datetime) -> list[str]:
        """The screen, from its first line to its last."""
        lines = [self._head(width, now)]
        if self.helping:
            lines += ["", *(f"  {line}" for line in HELP)]
        elif overview is None:
            lines += ["", "  looking ..." if not self.trouble else ""]
        else:
            lines += self._body(overview, width, height - 2, now)
        room = height - 1
        if len(lines) > room:
            lines = [*lines[: max(0, room - 1)], f"... {len(lines) - room + 1:,} more lines"][: max(0, room)]
        return [*lines, *[""] * (height - 1 - len(lines)), self._foot(overview, width)]

    def _body(self, overview: Overview, width: int, room: int, now: datetime) -> list[str]:
        rows = {name: self._rows(name, overview) for name in _SECTIONS}
        sizes = _shared_out(
            {name: max(1, len(found)) for name, found in rows.items()}, room - 2 * len(_SECTIONS)
        )
        lines: list[str] = []
        for name in self._in_view(sizes, room):
            lines.append("")
            lines += self._section(name, rows[name], overview, width, sizes[name], now)
        return lines

    def _in_view(self, sizes: Mapping[str, int], room: int) -> Sequence[str]:
        """The sections from the top down; where not all fit, those chosen come before the others."""
        if sum(sizes.values()) + 2 * len(_SECTIONS) <= room:
            return _SECTIONS
        first = _SECTIONS.index(self.focus)
        return _SECTIONS[first:] + _SECTIONS[:first]

    def _rows(self, name: str, overview: Overview) -> list[Any]:
        section = self.sections[name]
        column = section.columns[section.sort]
        wanted = self.filter.lower()
        rows = [row for row in getattr(overview, name) if wanted in _all_text(row)]
        rows.sort(key=_all_text)
        rows.sort(key=column.key, reverse=section.reverse)
        return rows

    def _section(
        self, name: str, rows: list[Any], overview: Overview, width: int, size: int, now: datetime
    ) -> list[str]:
        section = self.sections[name]
        section.offset = max(0, min(section.offset, len(rows) - size))
        shown = rows[section.offset : section.offset + size]
        hidden = len(rows) - len(shown)
        longest = max((len(_flexible_text(section.columns, row, now)) for row in rows), default=0)
        widths = _widths(section.columns, width, longest=longest)
        titles = [
            column.title + ("▾" if section.reverse else "▴") * (index == section.sort)
            for index, column in enumerate(section.columns)
        ]
        if hidden:
            titles[_flexible(section.columns)] += (
                f" {section.offset + 1}-{section.offset + len(shown)}/{len(rows)}"
            )
        head = _row(titles, section.columns, widths, width)
        lines = [self._styled(head, REVERSE if name == self.focus else BOLD)]
        if not rows:
            empty = f"no {name}" if not self.filter else f"no {name} with {self.filter!r}"
            return [*lines, self._styled(f"  {safe(overview.missing.get(name, empty))}"[:width], FAINT)]
        for row in shown:
            cells = [safe(column.text(row, now)) for column in section.columns]
            colors = [column.color(row) for column in section.columns] if self.color else None
            lines.append(_row(cells, section.columns, widths, width, colors))
        return lines

    def _head(self, width: int, now: datetime) -> str:
        right = f"{'paused' if self.paused else f'every {self.interval:g}s'}  {now.astimezone():%H:%M:%S}"
        left = f"orchctl top  {self.title}"
        return self._styled(f"{cut_or_padded(left, max(1, width - len(right) - 1))} {right}", BOLD)

    def _foot(self, overview: Overview | None, width: int) -> str:
        if self.typing is not None:
            return cut_or_padded(f"show only rows with: {safe(self.typing)}_", width)
        if self.trouble:
            seen = "" if overview is None else f"as of {overview.at.astimezone():%H:%M:%S}: "
            return self._styled(cut_or_padded(f"{seen}{safe(self.trouble)}", width), _RED)
        keys = "q leave  Tab section  s sort  r reverse  / filter  p pause  ? help"
        if self.filter:
            keys = f"with {safe(self.filter)!r} (Esc: all)  " + keys
        elif self.notes and len(keys) + 10 < width:
            keys += f"  note: {safe(self.notes[-1])}"
        return self._styled(cut_or_padded(keys, width), FAINT)

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{PLAIN}" if self.color else text


def _all_text(row: QueueView | RobotView | JobView) -> str:
    if isinstance(row, QueueView):
        return row.queue.lower()
    if isinstance(row, RobotView):
        return f"{row.name} {row.status} {row.job or ''} {row.id}".lower()
    return f"{row.process or ''} {row.robot or ''} {row.status} {row.id}".lower()


def _shared_out(wanted: dict[str, int], room: int) -> dict[str, int]:
    """Lines for each section: all it wants if there is room, else what the others leave of an equal part."""
    sizes: dict[str, int] = {}
    left, names = max(room, _LEAST_ROWS * len(wanted)), sorted(wanted, key=lambda name: wanted[name])
    for index, name in enumerate(names):
        sizes[name] = min(wanted[name], left // (len(names) - index))
        left -= sizes[name]
    return sizes


def _flexible(columns: Sequence[Column]) -> int:
    return next(index for index, column in enumerate(columns) if column.width == 0)


def _flexible_text(columns: Sequence[Column], row: Any, now: datetime) -> str:
    return safe(columns[_flexible(columns)].text(row, now))


def _widths(columns: Sequence[Column], width: int, *, longest: int) -> list[int]:
    """The last columns go where the one that says what it is would get too narrow; ids widen if there is room."""
    kept = len(columns)
    least = 12
    while kept > 2 and sum(column.width + 1 for column in columns[:kept]) + least > width:
        kept -= 1
    rest = max(least, width - sum(column.width + 1 for column in columns[:kept]))
    ids = [column.width == _SHORT_ID for column in columns[:kept]]
    if any(ids) and rest >= least + _LONG_ID:
        rest -= _LONG_ID - _SHORT_ID
    else:
        ids = [False] * kept
    rest = min(rest, max(longest + 2, _WIDEST_GAP))
    return [_LONG_ID if is_id else column.width or rest for column, is_id in zip(columns, ids, strict=False)]


def _row(
    cells: Sequence[str],
    columns: Sequence[Column],
    widths: Sequence[int],
    width: int,
    colors: Sequence[str] | None = None,
) -> str:
    parts: list[str] = []
    for index, column_width in enumerate(widths):
        text = cells[index]
        part = text.rjust(column_width) if columns[index].right and len(text) < column_width else text
        part = _tail(part) if column_width == _SHORT_ID else part
        part = cut_or_padded(part, column_width)
        color = colors[index] if colors else ""
        parts.append(f"{color}{part}{PLAIN}" if color else part)
    return " ".join(parts)
