"""The rules of an orchestrator over the store, whoever's API asks. It must not know a wire format."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from orchctl.sandbox.engine.base import LOG_KEPT_MS, Conflict, EngineError, Invalid, NotFound, Tx
from orchctl.sandbox.store import Connection, Store
from orchctl.sandbox.vault import Vault

__all__ = ["Conflict", "Engine", "EngineError", "Invalid", "NotFound", "Tx"]

T = TypeVar("T")

_SETTLE_AT_ONCE = 1000
# One statement for all, for it goes before every request.
_DUE = """
    SELECT 1 FROM task WHERE due_at <= :now
    UNION ALL SELECT 1 FROM robot WHERE due_at <= :now
    UNION ALL SELECT 1 FROM job WHERE due_at <= :now
    UNION ALL SELECT 1 FROM job_trigger WHERE due_at <= :now
    UNION ALL SELECT 1 FROM log WHERE created_at <= :log_kept
    LIMIT 1
"""


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Engine:
    """Runs reads and writes against one moment of the clock, after what the clock alone has changed."""

    def __init__(self, store: Store, *, clock: Callable[[], int] = _milliseconds) -> None:
        self.store = store
        self.clock = clock
        self._vault = Vault(store.path.with_name(f"{store.path.name}.vault"))

    def read(self, ask: Callable[[Tx], T]) -> T:
        """Ask outside any transaction: each statement sees the newest commit."""
        self.settle()
        with self.store.reading() as connection:
            return ask(self._now(connection))

    def write(self, change: Callable[[Tx], T]) -> T:
        self.settle()
        return self.store.write(lambda connection: change(self._now(connection)))

    def write_many(self, changes: list[Callable[[Tx], T]]) -> list[T | Exception]:
        """Several changes in one commit; one that raises undoes itself alone."""
        self.settle()

        def at_one_moment(change: Callable[[Tx], T]) -> Callable[[Connection], T]:
            return lambda connection: change(self._now(connection))

        return self.store.write_many([at_one_moment(change) for change in changes])

    def settle(self) -> None:
        """Do what has fallen due: tasks come back or are given up, jobs and triggers reach their times.

        In steps, so that other writers get in between however much falls due at once.
        """
        while self._is_due():
            self.store.write(self._settle_some)

    def _settle_some(self, connection: Connection) -> None:
        from orchctl.sandbox.engine import heartbeats, jobs, logs, tasks, triggers

        tx = self._now(connection)
        for subject in (tasks, heartbeats, jobs, triggers, logs):
            subject.settle(tx, limit=_SETTLE_AT_ONCE)

    def _is_due(self) -> bool:
        now = self.clock()
        with self.store.reading() as connection:
            return (
                connection.execute(_DUE, {"now": now, "log_kept": now - LOG_KEPT_MS}).fetchone() is not None
            )

    def _now(self, connection: Connection) -> Tx:
        return Tx(connection, self.clock(), self._vault)
