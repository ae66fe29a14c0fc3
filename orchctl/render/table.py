"""Tables for people: aligned and cut to the width on a terminal, tab-separated and whole into a pipe."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from orchctl.render import Format, Layout
from orchctl.render.columns import Values, cell, plain, record
from orchctl.render.jsontext import for_terminal, indented
from orchctl.sanitize import safe
from orchctl.streams import Streams

_FIRST_CHUNK, _CHUNK = 50, 1000  # the first about a screen, so that it shows while pages still come
_LONGEST_HOLD = 0.25  # seconds that a row may wait for others to be aligned with
_GAP = "  "
_NARROWEST_TEXT, _NARROWEST = 20, 8  # 20 holds a time and every status
_WIDEST_TEXT = 60  # of a cell in `wide` that is no identifier

_PLAIN, _BOLD, _FAINT = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_RED, _GREEN, _YELLOW, _BLUE, _MAGENTA, _CYAN = (f"\x1b[{code}m" for code in range(31, 37))
STATUS_COLORS = {
    word: color
    for color, words in (
        (_GREEN, "success ok ready enabled alive"),
        (_RED, "failed failed-business aborted fail error critical"),
        (_CYAN, "in-progress working preparing"),
        (_YELLOW, "postponed suspended stopping aborting warning warn stale"),
        (_BLUE, "new created pending info"),
        (_MAGENTA, "unknown unlicensed"),
        (_FAINT, "cancelled abandoned deleted retried stopped disconnected disabled off trace debug"),
    )
    for word in words.split()
}
_COLORED_FIELDS = ("status", "level", "state")


class PipeTable:
    """The rows that a terminal would show, for ``cut`` and ``awk``."""

    def __init__(self, layout: Layout, now: datetime) -> None:
        self._time = layout.time
        self._now = now

    def row(self, values: Values) -> str:
        return "\t".join([cell(value, self._time, self._now) for value in values]) + "\n"

    def end(self) -> str:
        return ""


class TerminalTable:
    """Aligned columns, a chunk of rows at a time; a later chunk may widen them, never narrow them."""

    def __init__(
        self,
        names: tuple[str, ...],
        layout: Layout,
        streams: Streams,
        now: datetime,
        *,
        headers: bool = True,
        live: bool = False,
    ) -> None:
        self._time = layout.time
        self._now = now
        self._streams = streams
        self._wide = layout.format is Format.WIDE
        self._color = streams.color
        self._live = live
        self._chunk = 1 if live else _FIRST_CHUNK
        self._pending: list[list[str]] = []
        self._since = 0.0
        self._headers = [safe(name.replace("_", " ").upper()) for name in names] if headers else []
        self._widths = [_width(header) for header in self._headers] or [0] * len(names)
        self._identifiers = [name == "id" or name.endswith("_id") for name in names]
        self._colored = [
            column for column, name in enumerate(names) if name in _COLORED_FIELDS and self._color
        ]

    def row(self, values: Values) -> str:
        if not self._pending:
            self._since = monotonic()
        self._pending.append([cell(value, self._time, self._now) for value in values])
        if len(self._pending) < self._chunk and monotonic() - self._since < _LONGEST_HOLD:
            return ""
        if not self._live:
            self._chunk = _CHUNK
        return self.end()

    def end(self) -> str:
        rows, self._pending = self._pending, []
        if not rows:
            return ""
        self._widths = [
            max(width, *map(_width, cells))
            for width, cells in zip(self._widths, zip(*rows, strict=True), strict=True)
        ]
        widths = self._fitted()
        lines = [self._line(row, widths) for row in rows]
        if self._headers:
            header = _aligned(self._headers, widths)
            lines.insert(0, f"{_BOLD}{header}{_PLAIN}" if self._color else header)
            self._headers = []
        return "\n".join(lines) + "\n"

    def _line(self, row: list[str], widths: list[int]) -> str:
        if not self._colored:
            return _aligned(row, widths)
        parts = _parts(row, widths)
        for column in self._colored:
            if color := STATUS_COLORS.get(row[column].partition(" ")[0]):
                parts[column] = f"{color}{parts[column]}{_PLAIN}"
        return _GAP.join(parts).rstrip()

    def _fitted(self) -> list[int]:
        """The widths cut down to the terminal: free text first, identifiers only if they must be."""
        widths = self._widths
        if self._wide:
            return [
                width if identifier else min(width, _WIDEST_TEXT)
                for width, identifier in zip(widths, self._identifiers, strict=True)
            ]
        room = self._streams.width - len(_GAP) * (len(widths) - 1)
        everything = [True] * len(widths)
        texts = [not identifier for identifier in self._identifiers]
        for which, least in (
            (texts, _NARROWEST_TEXT),
            (self._identifiers, _NARROWEST_TEXT),
            (everything, _NARROWEST),
        ):
            widths = _squeezed(widths, which, room, least)
        return widths


def _squeezed(widths: list[int], which: list[bool], room: int, least: int) -> list[int]:
    """The widest of the columns that ``which`` marks cut to one width, so that all fit if they can."""
    limit = max(widths, default=0)
    cut = widths
    while sum(cut) > room and limit > least:
        limit = max(least, limit - max(1, (sum(cut) - room) // len(widths)))
        cut = [min(width, limit) if marked else width for width, marked in zip(widths, which, strict=True)]
    return cut


def _aligned(row: list[str], widths: list[int]) -> str:
    return _GAP.join(_parts(row, widths)).rstrip()


def _parts(row: list[str], widths: list[int]) -> list[str]:
    return [
        text.ljust(width) if text.isascii() and len(text) <= width else cut_or_padded(text, width)
        for text, width in zip(row, widths, strict=True)
    ]


def cut_or_padded(text: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


class Details:
    """One object, a field a line, nothing cut; into a pipe the same lines, tab-separated.

    Fields without a value are left out unless ``every``.
    """

    def __init__(
        self, names: tuple[str, ...], layout: Layout, streams: Streams, now: datetime, *, every: bool
    ) -> None:
        self._names = names
        self._layout = layout
        self._now = now
        self._every = every
        self._color = streams.color
        self._terminal = streams.stdout_is_terminal

    def row(self, values: Values) -> str:
        pairs = [
            (safe(name) if self._layout.headers else "", _readable(value))
            for name, value in zip(self._names, values, strict=True)
            if self._every or value not in (None, (), "")
        ]
        if not self._terminal:
            cells = [cell(value, self._layout.time, self._now) for _, value in pairs]
            return "".join(
                f"{name}\t{text}\n" if name else f"{text}\n"
                for (name, _), text in zip(pairs, cells, strict=True)
            )
        width = max((_width(name) + len(_GAP) for name, _ in pairs if name), default=0)
        return "".join(self._line(name, value, width) for name, value in pairs)

    def end(self) -> str:
        return ""

    def _line(self, name: str, value: Any, width: int) -> str:
        text = self._text(value, " " * width)
        label = name + " " * (width - _width(name))
        if self._color:
            color = STATUS_COLORS.get(text.partition(" ")[0]) if name in _COLORED_FIELDS else None
            text = f"{color}{text}{_PLAIN}" if color else text
            label = f"{_BOLD}{label}{_PLAIN}" if label else label
        return f"{label}{text}".rstrip() + "\n"

    def _text(self, value: Any, margin: str) -> str:
        if isinstance(value, str) and "\n" in value:
            return safe(value.replace("\r\n", "\n"), keep_newlines=True).replace("\n", f"\n{margin}")
        if isinstance(value, dict | list) and value:
            return for_terminal(indented(value, margin), color=self._color)
        return cell(value, self._layout.time, self._now)


def _readable(value: Any) -> Any:
    """An object within an object, as far as it says anything."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return {
        name: plain(item) for name, item in record(value).items() if item is not None and name != "native"
    }
