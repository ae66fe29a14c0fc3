"""The sole owner of sqlite3: files, schema, transactions. It knows no rule of an orchestrator.

Any number of processes may have one file open. A write holds the write lock from its beginning, so what it
read still stands when it commits; several writes given together share one commit, each in its savepoint.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from orchctl.errors import LocalFault
from orchctl.sandbox.schema import MIGRATIONS

Connection: TypeAlias = sqlite3.Connection
T = TypeVar("T")

BUSY_SECONDS = 20.0


class Unwritten(Exception):
    """The database did not take the write: nothing of it was done."""


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[Connection] = deque()
        self._closed = False
        self._write_lock = threading.Lock()
        try:
            self.created = _make_file(path)
            self._writer = self._connect()
            try:
                self._migrate(self._writer)
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.DatabaseError as error:
            raise _unusable(path, str(error)) from error
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error

    def close(self) -> None:
        self._closed = True
        with self._write_lock:
            self._writer.close()
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading; each statement sees what was committed when it began."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def write(self, change: Callable[[Connection], T]) -> T:
        """Do one change in one commit; raises what it raises, or Unwritten. It may be run twice."""
        (outcome,) = self.write_many([change])
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def write_many(self, changes: Sequence[Callable[[Connection], T]]) -> list[T | Exception]:
        """Do several changes in one commit; one that raises undoes itself alone, and its exception is its
        outcome. When the commit fails, every outcome is Unwritten. A change may be run twice."""
        with self._write_lock:
            connection = self._writer
            try:
                connection.execute("BEGIN IMMEDIATE")
                outcomes = _together(connection, changes)
                if outcomes is None:
                    outcomes = [_alone(connection, change) for change in changes]
                connection.execute("COMMIT")
                return outcomes
            except sqlite3.Error as error:
                with suppress(sqlite3.Error):
                    connection.rollback()
                fault = Unwritten(str(error))
                fault.__cause__ = error
                return [fault] * len(changes)
            except BaseException:
                connection.rollback()
                raise

    def _connect(self) -> Connection:
        # Connections move between threads, one user at a time; SQLite itself is built serialized.
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            # NORMAL with a write-ahead log: a killed process loses nothing, only a power cut may.
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: Connection) -> None:
        if _version(connection) == len(MIGRATIONS):
            return
        _begin_with_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)
            if version > len(MIGRATIONS):
                raise LocalFault(
                    f"the sandbox's database {self.path} was made by a newer orchctl",
                    hint="upgrade orchctl, or use another file with sandbox:PATH",
                )
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _together(
    connection: Connection, changes: Sequence[Callable[[Connection], T]]
) -> list[T | Exception] | None:
    """Do all without savepoints, which cost as much as a small change; None, and nothing done, when a change
    that has written something raises. Most refusals come before the first write."""
    outcomes: list[T | Exception] = []
    for change in changes:
        written = connection.total_changes
        try:
            outcomes.append(change(connection))
        except Exception as error:
            _check_alive(connection, error)
            if connection.total_changes != written:
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                return None
            outcomes.append(error)
    return outcomes


def _alone(connection: Connection, change: Callable[[Connection], T]) -> T | Exception:
    connection.execute("SAVEPOINT one")
    try:
        outcome: T | Exception = change(connection)
    except Exception as error:
        _check_alive(connection, error)
        connection.execute("ROLLBACK TO one")
        outcome = error
    connection.execute("RELEASE one")
    return outcome


def _check_alive(connection: Connection, error: Exception) -> None:
    """After an error of one change: did SQLite give the whole transaction up (disk full, input/output)?"""
    if isinstance(error, sqlite3.OperationalError) or not connection.in_transaction:
        raise sqlite3.OperationalError(str(error)) from error


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _begin_with_log(connection: Connection) -> None:
    """Switch to the write-ahead log; SQLite's busy timeout does not cover the switch, so wait here."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _make_file(path: Path) -> bool:
    """Make an empty file readable by its owner alone; SQLite gives its log files the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return False
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _make_file(path)
    return True


def _unusable(path: Path, why: str) -> LocalFault:
    return LocalFault(
        f"the sandbox's database {path} cannot be used: {why}",
        hint="check the path and its permissions, or use another file with sandbox:PATH or --db PATH",
    )
