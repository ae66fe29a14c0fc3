"""The pause between two looks, which is over when nobody reads what they find any more."""

from __future__ import annotations

import sys
import time

from orchctl.streams import ClosedPipe, Streams

_LONGEST_POLL = 86_400.0  # the system counts milliseconds in 32 bits

if sys.platform == "win32":

    def pause(streams: Streams, seconds: float) -> None:
        time.sleep(seconds)

else:
    import select

    def pause(streams: Streams, seconds: float) -> None:
        """:raises ClosedPipe: the reader of stdout went away; only a write would tell otherwise."""
        try:
            descriptor = streams.stdout.fileno() if streams.stdout is not None else -1
        except (OSError, ValueError):  # no file, or a closed one
            descriptor = -1
        if descriptor < 0 or streams.stdout_is_terminal:
            time.sleep(seconds)
            return
        ends = time.monotonic() + seconds
        poll = select.poll()
        poll.register(descriptor, 0)  # hang-ups and errors are told unasked
        while (left := ends - time.monotonic()) > 0:
            events = poll.poll(min(left, _LONGEST_POLL) * 1000)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in events):
                raise ClosedPipe
            if events:
                time.sleep(max(0.0, ends - time.monotonic()))
