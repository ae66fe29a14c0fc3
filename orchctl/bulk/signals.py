"""Ctrl-C and its like, while a run goes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

# How long those under way may take to end once the run is to stop, in seconds.
GRACE = 0.6
# So often is looked, each half of that time, whether what is told last gets through.
_LOOKS = 3


class Interruptible(Protocol):
    """A run, as signals see it."""

    interrupted: Callable[[], None] | None
    """Raises what the signal that ended it raises."""
    waits_inside: bool
    """Is the thread that shows in the run, and not with what was shown last?"""
    is_sealed: bool
    """Is every row accounted for?"""

    def stop(self, why: str | None) -> None: ...


class Signals:
    """While a run goes, Ctrl-C and its like end it in good order: the first one stops it, the second is itself.

    A reader that takes no more results must not hold the end up: then the signal comes through soon.
    """

    def __init__(self, runner: Interruptible) -> None:
        self._runner = runner
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        for number in [getattr(signal, name) for name in names if hasattr(signal, name)]:
            try:
                before = signal.getsignal(number)
                if callable(before):
                    signal.signal(number, self._caught)
                    self._before[number] = before
            except ValueError:  # not the main thread: it has no signals
                return

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _caught(self, number: int, frame: FrameType | None) -> None:
        handler = self._before[number]
        if self._runner.interrupted is not None:
            handler(number, frame)
            return
        self._runner.interrupted = lambda: handler(number, frame)
        self._runner.stop(None)
        self._look_again(number, looks=1)

    def _look_again(self, number: int, *, looks: int) -> None:
        repeat = threading.Timer(GRACE / 2, self._again, (number, looks))
        repeat.daemon = True
        repeat.start()

    def _again(self, number: int, looks: int) -> None:
        if not self._before:
            return  # it has ended
        if self._runner.waits_inside or (self._runner.is_sealed and looks < _LOOKS):
            self._look_again(number, looks=looks + 1)
        # A real signal, because only that wakes a write that is blocked.
        elif hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            signal.raise_signal(number)
