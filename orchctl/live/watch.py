"""A list or an object looked at again and again: redrawn on a terminal, elsewhere what changes as JSONL."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from orchctl.client.waiting import LOST_POLLS
from orchctl.errors import NetworkFault, Unavailable
from orchctl.live.screen import Screen
from orchctl.render.columns import field_names, reader
from orchctl.render.jsontext import compact
from orchctl.render.table import cut_or_padded
from orchctl.sanitize import safe, scrub
from orchctl.streams import Streams

USUAL_SECONDS = 2.0

Fetch = Callable[[], object]
Show = Callable[[object, Streams], None]


def changes(
    fetch: Fetch,
    kind: type[Any],
    streams: Streams,
    *,
    fields: tuple[str, ...] | None,
    interval: float,
    note: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """A line of JSON for each object that is there at first, was added, changed, or is gone; it never ends."""
    names = fields or field_names(kind)
    read = reader(kind, names)
    known: dict[object, tuple[Any, ...]] = {}
    for result in _looks(fetch, interval=interval, note=note, sleep=sleep):
        found = {key: read(row) for key, row in _keyed(_rows(result, kind))}
        for key, values in found.items():
            before = known.get(key)
            if before != values:
                _tell("added" if before is None else "changed", names, values, streams)
        for key, values in known.items():
            if key not in found:
                _tell("removed", names, values, streams)
        streams.flush()
        known = found


def redraw(
    fetch: Fetch,
    show: Show,
    streams: Streams,
    *,
    title: str,
    interval: float,
    notes: list[str],
    clock: Callable[[], datetime],
) -> None:
    """The result on the whole terminal until q or Ctrl-C; what was seen last is left on the screen."""
    text = ""
    trouble: list[str] = []
    frame = _Frame(title, interval)
    try:
        with Screen(streams) as screen:

            def rest(seconds: float) -> None:
                ends = time.monotonic() + seconds
                while (left := ends - time.monotonic()) > 0:
                    if set(screen.keys(min(left, 0.2))) & {"q", "escape"}:
                        raise _Quit
                    screen.draw(frame.around(text, screen.size, clock(), [*notes, *trouble]))

            def tell(problem: str) -> None:
                trouble[:] = [problem]

            screen.draw(["..."])
            for result in _looks(fetch, interval=interval, note=tell, sleep=rest):
                text = _as_text(result, show, streams, screen.size[0])
                trouble.clear()
                screen.draw(frame.around(text, screen.size, clock(), notes))
    except _Quit:
        pass
    finally:
        if frame.body:
            streams.write("".join(f"{line}\n" for line in frame.body))
            streams.flush()


class _Quit(Exception):
    """The user has seen enough."""


def _looks(
    fetch: Fetch, *, interval: float, note: Callable[[str], None], sleep: Callable[[float], None]
) -> Iterator[object]:
    """What each look finds, taken in whole. Four lost ones in a row are borne."""
    lost = 0
    while True:
        began = time.monotonic()
        try:
            result = fetch()
            if isinstance(result, Iterable):
                result = list(result)
        except (NetworkFault, Unavailable) as error:
            lost += 1
            if lost > LOST_POLLS:
                raise
            note(f"{error.message}; watching goes on")
        else:
            lost = 0
            yield result
        # What takes long to find is not asked for more than half of the time.
        sleep(max(interval, time.monotonic() - began))


def _rows(result: object, kind: type[Any]) -> Iterable[Any]:
    if result is None:
        return ()
    return (result,) if isinstance(result, kind) or not isinstance(result, list) else result


def _keyed(rows: Iterable[Any]) -> Iterator[tuple[object, Any]]:
    """Each with what tells it apart from the others."""
    for number, row in enumerate(rows):
        key = next((value for name in ("id", "queue", "name") if (value := getattr(row, name, None))), number)
        yield key, row


def _tell(change: str, names: tuple[str, ...], values: tuple[Any, ...], streams: Streams) -> None:
    streams.write(compact({"change": change, "object": dict(zip(names, values, strict=True))}) + "\n")


def _as_text(result: object, show: Show, streams: Streams, width: int) -> str:
    paper = _Paper()
    show(result, Streams(stdin=None, stdout=paper, stderr=paper, env={**streams.env, "COLUMNS": str(width)}))
    return paper.getvalue()


class _Paper(io.StringIO):
    """Is written on as a terminal would be."""

    def isatty(self) -> bool:
        return True


class _Frame:
    """What is around a result on the screen."""

    def __init__(self, title: str, interval: float) -> None:
        self._head = safe(f"every {interval:g}s: {title}")
        self.body: list[str] = []
        """The lines of the result that were there last."""

    def around(self, text: str, size: tuple[int, int], now: datetime, notes: list[str]) -> list[str]:
        width, height = size
        clock = f"{now:%H:%M:%S}"
        lines = [f"{cut_or_padded(self._head, max(1, width - len(clock) - 1))} {clock}", ""]
        body = text.rstrip("\n").split("\n") if text else []
        room = max(1, height - len(lines) - len(notes[-3:]))
        if len(body) > room:
            hidden = len(body) - room + 1
            body = [*body[: room - 1], f"... {hidden:,} more lines"]
        self.body = body
        return [*lines, *body, *(f"note: {safe(scrub(note))}" for note in notes[-3:])]
