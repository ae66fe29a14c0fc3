"""The total deadline of an exchange: a daemon thread that shuts down the socket of whatever takes too long.

A socket's timeout is per recv: an answer that drips in byte by byte never meets it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

_now = time.monotonic


class Owned(Protocol):
    owner: Deadline | None


class Deadline:
    """The time that one exchange has. ``sent`` turns true once a connection stands."""

    __slots__ = ("_paused_at", "_standing", "connection", "expired", "expires", "limit", "sent", "sock")

    def __init__(self, limit: float, standing: Callable[[], None]) -> None:
        self._standing = standing
        self.limit = limit
        self.expires = _now() + limit
        self.expired = False
        self.sent = False
        self.sock: socket.socket | None = None
        self.connection: Owned | None = None
        self._paused_at: float | None = None

    def remaining(self) -> float:
        return max(0.0, self.expires - _now())

    def watch(self, sock: socket.socket, connection: Owned) -> None:
        """From now on it is this socket that the end of the time shuts down."""
        connection.owner = self
        self.connection = connection
        self.sock = sock
        if self.expired:
            self.cut()

    def stand(self, sock: socket.socket, connection: Owned) -> None:
        """The connection is there; from here on the server may act."""
        self.watch(sock, connection)
        self.sent = True
        self._standing()

    def cut(self) -> None:
        self.expired = True
        sock, connection = self.sock, self.connection
        # A connection that is already back in the pool may be somebody else's by now.
        if sock is not None and connection is not None and connection.owner is self:
            # Not sock.shutdown: SSLSocket's own would pull the TLS state from under the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def pause(self) -> None:
        """The reader is busy with what it got: that time is not the server's."""
        self._paused_at = _now()

    def resume(self) -> None:
        if self._paused_at is not None:
            self.expires += _now() - self._paused_at
            self._paused_at = None

    @property
    def due(self) -> bool:
        return self._paused_at is None and _now() >= self.expires


class Watchdog:
    """Cuts what is due. Its thread lives while there is something to watch and a while longer."""

    def __init__(self, *, linger: float = 5.0) -> None:
        self._linger = linger
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._watched: set[Deadline] = set()
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    def start(self, limit: float, standing: Callable[[], None]) -> Deadline:
        deadline = Deadline(limit, standing)
        with self._lock:
            self._watched.add(deadline)
            if self._thread is None:
                self._woken.clear()
                self._wakes = deadline.expires
                self._thread = threading.Thread(target=self._run, name="orchctl-deadline", daemon=True)
                self._thread.start()
            # The thread wakes at the earliest end it knew when it went to sleep, so that with one timeout for
            # all requests none of them ever has to wake it.
            elif deadline.expires < self._wakes:
                self._woken.set()
        return deadline

    def stop(self, deadline: Deadline) -> None:
        with self._lock:
            self._watched.discard(deadline)

    def _run(self) -> None:
        idle_until = None
        while True:
            now = _now()
            with self._lock:
                self._woken.clear()
                for deadline in [each for each in self._watched if each.due]:
                    self._watched.discard(deadline)
                    deadline.cut()
                if self._watched:
                    idle_until = None
                    self._wakes = min(max(each.expires, now + 0.05) for each in self._watched)
                elif idle_until is None:
                    idle_until = self._wakes = now + self._linger
                else:
                    self._thread = None
                    return
                pause = self._wakes - now
            self._woken.wait(pause)
