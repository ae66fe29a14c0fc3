"""Packages: what processes are made of, uploaded by name and version. A process may be of none."""

from __future__ import annotations

from typing import NamedTuple

from orchctl.sandbox.engine import processes
from orchctl.sandbox.engine.base import Conflict, NotFound, Tx
from orchctl.sandbox.engine.processes import Process, Version


class Package(NamedTuple):
    """A row, without its content."""

    id: int
    name: str
    version: str
    description: str | None
    file_name: str
    created_at: int


_SELECT = f"SELECT {', '.join(Package._fields)} FROM package"  # noqa: S608  # fields of Package


def every(tx: Tx, name: str | None = None) -> list[Package]:
    """All, or those of one name; the newest of a name first."""
    rows = tx.connection.execute(
        f"{_SELECT} WHERE ? IS NULL OR name = ? ORDER BY name, id DESC", (name, name)
    )
    return [*map(Package._make, rows)]


def find(tx: Tx, name: str, version: str) -> Package:
    row = tx.connection.execute(f"{_SELECT} WHERE name = ? AND version = ?", (name, version)).fetchone()
    if row is None:
        raise NotFound(f"there is no package {name!r} of version {version}")
    return Package._make(row)


def upload(
    tx: Tx, name: str, version: str, *, file_name: str, content: bytes, description: str | None = None
) -> Package:
    taken = tx.connection.execute("SELECT 1 FROM package WHERE name = ? AND version = ?", (name, version))
    if taken.fetchone() is not None:
        raise Conflict(f"the package {name} {version} is there already")
    tx.connection.execute(
        "INSERT INTO package (name, version, description, file_name, content, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (name, version, description, file_name, content, tx.now),
    )
    return find(tx, name, version)


def delete(tx: Tx, package: Package) -> None:
    """Processes that were made of it keep what they have."""
    tx.connection.execute("DELETE FROM package WHERE id = ?", (package.id,))


def of(tx: Tx, process: Process) -> str:
    """The name of a process's package; one that was made without has its own."""
    row = tx.connection.execute("SELECT name FROM package_of WHERE process_id = ?", (process.id,)).fetchone()
    return process.name if row is None else str(row[0])


def belong(tx: Tx, process: Process, name: str) -> None:
    tx.connection.execute("INSERT OR REPLACE INTO package_of VALUES (?, ?)", (process.id, name))


def install(tx: Tx, process: Process, version: str) -> Version:
    """Make a version of its package the one that a process runs; it may have had it before."""
    for known in processes.versions(tx, process):
        if known.name == version:
            processes.update(tx, process, {}, current=known)
            return known
    package = find(tx, of(tx, process), version)
    row = tx.connection.execute("SELECT content FROM package WHERE id = ?", (package.id,)).fetchone()
    return processes.add_version(
        tx,
        process,
        {
            "name": package.version,
            "description": package.description,
            "file_name": package.file_name,
            "content": bytes(row[0]),
        },
    )
