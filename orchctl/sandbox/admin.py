"""The sandbox's own care: its database, its account key. What ``orchctl sandbox`` commands call."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchctl import paths
from orchctl.errors import LocalFault
from orchctl.sandbox.engine import Engine, clients
from orchctl.sandbox.engine.base import is_guid
from orchctl.sandbox.engine.clients import NewClient
from orchctl.sandbox.engine.queues import ROOT_FOLDER
from orchctl.sandbox.store import Connection, Store

# What ``reset`` empties, children first.
_CONTENT = (
    *("package_of", "package", "task_extra", "errand", "task_file", "task_run", "external_system"),
    *("log", "asset", "job", "job_trigger", "robot_in_group", "robot_group", "robot"),
    *("task", "queue", "process_version", "process"),
    *("stored_content", "stored_file", "storage_folder", "account"),
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """``created`` is whether this call made the database."""

    database: Path
    key_file: Path
    key: str
    created: bool


def default_database() -> Path:
    return paths.data_dir() / "sandbox.db"


def key_file(database: Path) -> Path:
    return database.with_name(database.name + ".key")


def init(database: Path | None = None) -> Sandbox:
    """Make the database and its key where there are none; changes nothing that is there."""
    store, key = open_store(database)
    try:
        return Sandbox(store.path, key_file(store.path), key, store.created)
    finally:
        store.close()


def key(database: Path | None = None) -> str:
    """The account key of a database that exists.

    :raises LocalFault: there is no such database.
    """
    path = database or default_database()
    if not path.exists():
        raise LocalFault(f"there is no sandbox at {path}", hint="make one: orchctl sandbox init")
    return init(path).key


def new_client(database: Path | None, name: str) -> NewClient:
    """Register an OAuth client, whose secret is told this once. A server that runs lets it in at once."""
    store, _ = open_store(database)
    try:
        return Engine(store).write(lambda tx: clients.register(tx, name))
    finally:
        store.close()


def reset(database: Path | None = None) -> int:
    """Empty a database but keep its key; gives how many objects it held. Safe while a server runs on it."""
    store, _ = open_store(database)
    try:
        return store.write(_empty)
    finally:
        store.close()


def open_store(database: Path | None) -> tuple[Store, str]:
    """The store and its account key, both made at first use."""
    path = (database or default_database()).expanduser().absolute()
    store = Store(path)
    try:
        with store.reading() as connection:
            value = _kept_key(connection)
        if value is None:
            proposal = _file_key(path) or _new_key()
            value = store.write(lambda connection: _keep_key(connection, proposal))
        if _file_key(path) != value:
            paths.write_private(key_file(path), f"{value}\n".encode())
    except BaseException:
        store.close()
        raise
    return store, value


def _kept_key(connection: Connection) -> str | None:
    row = connection.execute("SELECT value FROM setting WHERE name = 'account-key'").fetchone()
    return None if row is None else str(row[0])


def _keep_key(connection: Connection, proposal: str) -> str:
    """Several processes may meet at the first use: the first one's key is everybody's."""
    connection.execute("INSERT OR IGNORE INTO setting VALUES ('account-key', ?)", (proposal,))
    connection.execute(
        "INSERT OR IGNORE INTO folder (id, guid, name, path) VALUES (?, ?, 'Shared', 'Shared')",
        (ROOT_FOLDER, _new_key()),
    )
    return _kept_key(connection) or proposal


def _file_key(database: Path) -> str | None:
    with suppress(FileNotFoundError, UnicodeDecodeError):
        text = key_file(database).read_text(encoding="ascii").strip()
        if is_guid(text):
            return text
    return None


def _new_key() -> str:
    from uuid import uuid4

    return str(uuid4())


def _empty(connection: Connection) -> int:
    gone = sum(connection.execute(f"DELETE FROM {table}").rowcount for table in _CONTENT)  # noqa: S608  # a constant
    connection.execute("DELETE FROM client")
    connection.execute("DELETE FROM folder WHERE id <> ?", (ROOT_FOLDER,))
    return gone
