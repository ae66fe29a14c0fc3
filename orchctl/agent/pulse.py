"""Heartbeats while a script runs, on a thread of their own: a slow network must not hide that it has ended."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread

from orchctl.errors import OrchctlError
from orchctl.model import HeartbeatReply


class Pulse:
    """Calls ``beat`` every ``interval`` seconds until it is stopped; what came of it waits in ``news``."""

    def __init__(self, beat: Callable[[], HeartbeatReply], interval: float) -> None:
        self._beat = beat
        self._interval = interval
        self._ended = Event()
        self._news: SimpleQueue[HeartbeatReply | OrchctlError] = SimpleQueue()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def news(self) -> list[HeartbeatReply | OrchctlError]:
        """What the heartbeats since the last look have said."""
        found = []
        while True:
            try:
                found.append(self._news.get_nowait())
            except Empty:
                return found

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                self._news.put(self._beat())
            except OrchctlError as error:
                self._news.put(error)
