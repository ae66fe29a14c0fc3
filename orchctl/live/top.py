"""``orchctl top``: the overview on the whole terminal, looked at in a thread so that keys are never waited for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchctl.client.overview import BUCKETS, HOUR, JobView, Overview, QueueView, RobotView
from orchctl.errors import NetworkFault, Unavailable
from orchctl.live.board import Board
from orchctl.live.screen import Screen
from orchctl.render import Layout
from orchctl.render.columns import field_names
from orchctl.render.table import PipeTable
from orchctl.streams import Streams

TICK = 0.2  # seconds


class Looker(threading.Thread):
    """Looks as often as is asked; what it saw last, and what was in the way, are read by the screen."""

    def __init__(self, look: Callable[[], Overview], interval: float) -> None:
        super().__init__(daemon=True)
        self.interval = interval
        self.paused = False
        self.seen: Overview | None = None
        self.trouble = ""
        self.failure: BaseException | None = None
        self._look = look
        self._wake = threading.Event()
        self._leaving = False

    def run(self) -> None:
        while not self._leaving:
            began = time.monotonic()
            if not self.paused or self.seen is None:
                try:
                    self.seen = self._look()
                    self.trouble = ""
                except (NetworkFault, Unavailable) as error:
                    self.trouble = f"{error.message}; trying again"
                except BaseException as error:  # told by the thread that has the screen
                    self.failure = error
                    return
            # A look that takes long is not repeated more than half of the time.
            self._wake.wait(max(self.interval, time.monotonic() - began))
            self._wake.clear()

    def now(self) -> None:
        """Look at once."""
        self._wake.set()

    def leave(self) -> None:
        self._leaving = True
        self._wake.set()


class Pulse:
    """What happened since top began, for servers that count tasks and do not tell when they ended."""

    def __init__(self) -> None:
        self._ended: dict[str, deque[tuple[datetime, int, int]]] = {}

    def feel(self, overview: Overview) -> Overview:
        """The same, with what was seen to end within the last hour where the server does not say."""
        queues = []
        for view in overview.queues:
            if view.history is not None:
                queues.append(view)
                continue
            seen = self._ended.setdefault(view.queue, deque())
            seen.append((overview.at, view.success, view.failed))
            while overview.at - seen[0][0] > HOUR:
                seen.popleft()
            history = [0] * BUCKETS
            for (_, done, failed), (at, done_then, failed_then) in zip(seen, list(seen)[1:], strict=False):
                part = int((overview.at - at) / HOUR * BUCKETS)
                history[max(0, BUCKETS - 1 - part)] += max(0, done_then + failed_then - done - failed)
            queues.append(
                replace(
                    view,
                    done_last_hour=max(0, view.success - seen[0][1]),
                    failed_last_hour=max(0, view.failed - seen[0][2]),
                    history=tuple(history),
                )
            )
        return replace(overview, queues=tuple(queues))


def top(
    look: Callable[[], Overview],
    streams: Streams,
    *,
    title: str,
    interval: float,
    notes: list[str],
    clock: Callable[[], datetime],
) -> None:
    """Show it until q or Ctrl-C. A server that is away is told, and waited for."""
    pulse = Pulse()
    board = Board(title=title, color=streams.color, interval=interval, notes=notes)
    looker = Looker(lambda: pulse.feel(look()), interval)
    looker.start()
    try:
        with Screen(streams) as screen:
            while looker.failure is None:
                board.trouble = looker.trouble
                width, height = screen.size
                screen.draw(board.frame(looker.seen, width, height, clock()))
                for key in screen.keys(TICK):
                    if key == "q" and board.typing is None:
                        return
                    if key == " " and board.typing is None:
                        looker.now()
                    board.press(key)
                if (looker.paused, looker.interval) != (board.paused, board.interval):
                    looker.paused, looker.interval = board.paused, board.interval
                    looker.now()
        raise looker.failure
    finally:
        looker.leave()


def piped(overview: Overview, layout: Layout, *, now: datetime) -> str:
    """The same for ``cut`` and ``awk``: each row's kind comes first, then all of its fields."""
    table = PipeTable(layout, now)
    found: Mapping[str, Sequence[QueueView | RobotView | JobView]] = {
        "queue": overview.queues,
        "robot": overview.robots,
        "job": overview.jobs,
    }
    return "".join(
        table.row((kind, *(getattr(row, name) for name in field_names(type(row)))))
        for kind, rows in found.items()
        for row in rows
    )


def once(overview: Overview, *, title: str, width: int, now: datetime) -> str:
    """The same as text, all of it."""
    board = Board(title=title, color=False, interval=0)
    rows = len(overview.queues) + len(overview.robots) + len(overview.jobs)
    lines = board.frame(overview, width, rows + 12, now)
    body = [line.rstrip() for line in lines[2:-1]]
    return "\n".join(body).rstrip("\n") + "\n"
