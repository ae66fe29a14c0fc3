"""Processes and their versions: what robots run, and the variables that a version declares."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps, loads
from typing import NamedTuple, TypedDict

from orchctl.model import Json
from orchctl.sandbox.engine.base import Invalid, NotFound, Tx, as_id, is_guid, new_guid
from orchctl.sandbox.engine.queues import ROOT_FOLDER

# sherpa.md 3: since build 141846.
LONGEST_NAME = 512


class Process(NamedTuple):
    """A row; ``kind`` is "process" or "package", ``version_id`` the current version, times milliseconds."""

    id: int
    guid: str
    folder_id: int
    name: str
    description: str | None
    kind: str
    min_version: str | None
    group_guid: str
    version_id: int | None
    created_at: int
    updated_at: int


class Version(NamedTuple):
    """A row; ``number`` counts a process's versions from 1, ``variables`` is a JSON text."""

    id: int
    guid: str
    process_id: int
    number: int
    name: str
    description: str | None
    file_name: str | None
    variables: str | None
    created_at: int
    updated_at: int

    @property
    def variable_list(self) -> list[Variable]:
        return [] if self.variables is None else [Variable(**item) for item in loads(self.variables)]


class Variable(NamedTuple):
    """``scope`` is in, out or inout."""

    name: str
    type: str
    is_array: bool
    scope: str


class ProcessFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str
    description: str | None
    kind: str
    min_version: str | None


class VersionFields(TypedDict, total=False):
    guid: str
    name: str
    description: str | None
    file_name: str | None
    content: bytes | None
    variables: list[Variable]


_PROCESS = ", ".join(Process._fields)
_VERSION = ", ".join(Version._fields)
_LIVE = f"SELECT {_PROCESS} FROM process WHERE deleted_at IS NULL"  # noqa: S608  # names of this module's own
_VERSIONS = f"SELECT {_VERSION} FROM process_version WHERE deleted_at IS NULL"  # noqa: S608  # the same
_PROCESS_DEFAULTS: ProcessFields = {"description": None, "kind": "process", "min_version": None}


def find(tx: Tx, key: str) -> Process:
    """A process by GUID, by name, of which the newest counts, or by number, in that order."""
    process = _one(tx, f"{_LIVE} AND guid = lower(?)", key) if is_guid(key) else None
    process = process or _one(tx, f"{_LIVE} AND name = ? ORDER BY id DESC LIMIT 1", key)
    number = as_id(key)
    if process is None and number is not None:
        process = _one(tx, f"{_LIVE} AND id = ?", number)
    if process is None:
        raise NotFound(f"there is no process {key!r}")
    return process


def every(tx: Tx, *, folder_id: int | None = None) -> Iterator[Process]:
    statement = f"{_LIVE} AND (? IS NULL OR folder_id = ?) ORDER BY id"
    return map(Process._make, tx.connection.execute(statement, (folder_id, folder_id)))


def of(tx: Tx, process_id: int) -> Process:
    """The process of a version or job, which may have been deleted meanwhile."""
    row = tx.connection.execute(f"SELECT {_PROCESS} FROM process WHERE id = ?", (process_id,))  # noqa: S608  # names of this module's own
    return Process._make(row.fetchone())


def by_id(tx: Tx, number: int) -> Process | None:
    """A process by its number, unless it was deleted."""
    return _one(tx, f"{_LIVE} AND id = ?", number)


def create(tx: Tx, fields: ProcessFields, *, folder_id: int = ROOT_FOLDER) -> Process:
    _check_name(fields.get("name"), "process")
    values: dict[str, object] = {**_PROCESS_DEFAULTS, **fields}
    guid = str(values.setdefault("guid", new_guid())).lower()
    values |= {"guid": guid, "folder_id": folder_id, "group_guid": new_guid()}
    values |= {"created_at": tx.now, "updated_at": tx.now}
    _insert(tx, "process", values)
    return find(tx, guid)


def update(tx: Tx, process: Process, fields: ProcessFields, *, current: Version | None = None) -> Process:
    """Change a process; ``current`` is the version that is run from now on."""
    if "name" in fields:
        _check_name(fields["name"], "process")
    values: dict[str, object] = {**fields}
    if current is not None:
        if current.process_id != process.id:
            raise Invalid(f"the version {current.name!r} is not one of the process {process.name!r}")
        values["version_id"] = current.id
    _change(tx, "process", process.id, values)
    return of(tx, process.id)


def delete(tx: Tx, process: Process) -> None:
    """Its versions go with it; jobs that were made of it stay."""
    _change(tx, "process", process.id, {"deleted_at": tx.now})
    tx.connection.execute(
        "UPDATE process_version SET deleted_at = ? WHERE process_id = ? AND deleted_at IS NULL",
        (tx.now, process.id),
    )


def add_version(tx: Tx, process: Process, fields: VersionFields) -> Version:
    """A new version, which is the current one from now on."""
    number = _next_number(tx, process)
    values: dict[str, object] = {"name": str(number), "description": None, "file_name": None, **fields}
    _check_name(str(values["name"]), "version")
    guid = str(values.setdefault("guid", new_guid())).lower()
    variables = fields.get("variables")
    values |= {
        "guid": guid,
        "process_id": process.id,
        "number": number,
        "variables": None if variables is None else dumps([item._asdict() for item in variables]),
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    identifier = _insert(tx, "process_version", values)
    tx.connection.execute(
        "UPDATE process SET version_id = ?, updated_at = ? WHERE id = ?", (identifier, tx.now, process.id)
    )
    return find_version(tx, guid)


def versions(tx: Tx, process: Process) -> list[Version]:
    """The newest first."""
    rows = tx.connection.execute(f"{_VERSIONS} AND process_id = ? ORDER BY number DESC", (process.id,))
    return [Version._make(row) for row in rows]


def version(tx: Tx, process: Process, number: int = 0) -> Version:
    """Version ``number`` of a process; 0 is the current one."""
    if number == 0:
        row = tx.connection.execute(f"{_VERSIONS} AND id = ?", (process.version_id,)).fetchone()
    else:
        row = tx.connection.execute(
            f"{_VERSIONS} AND process_id = ? AND number = ?", (process.id, number)
        ).fetchone()
    if row is None:
        which = f"version {number}" if number else "current version"
        raise NotFound(f"the process {process.name!r} has no {which}")
    return Version._make(row)


def find_version(tx: Tx, key: str) -> Version:
    """A version by GUID, by name, of which the newest counts, or by number of its own in the database."""
    row = None
    if is_guid(key):
        row = tx.connection.execute(f"{_VERSIONS} AND guid = lower(?)", (key,)).fetchone()
    if row is None:
        row = tx.connection.execute(f"{_VERSIONS} AND name = ? ORDER BY id DESC LIMIT 1", (key,)).fetchone()
    if row is None and (number := as_id(key)) is not None:
        row = tx.connection.execute(f"{_VERSIONS} AND id = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"there is no process version {key!r}")
    return Version._make(row)


def every_version(tx: Tx) -> list[Version]:
    """Those of all processes, in the order of their making."""
    rows = tx.connection.execute(f"{_VERSIONS} ORDER BY id")
    return [Version._make(row) for row in rows]


def version_of(tx: Tx, version_id: int | None) -> Version | None:
    """The version of a job or log entry, which may have been deleted meanwhile."""
    row = tx.connection.execute(f"SELECT {_VERSION} FROM process_version WHERE id = ?", (version_id,))  # noqa: S608  # names of this module's own
    found = row.fetchone()
    return None if found is None else Version._make(found)


def update_version(
    tx: Tx, version: Version, fields: VersionFields, *, process: Process | None = None
) -> Version:
    """Change a version; ``process`` is the one that it belongs to from now on."""
    if "name" in fields:
        _check_name(fields["name"], "version")
    values: dict[str, object] = {**fields}
    if "variables" in fields:
        values["variables"] = dumps([item._asdict() for item in fields["variables"]])
    if process is not None and process.id != version.process_id:
        values |= {"process_id": process.id, "number": _next_number(tx, process)}
        _forget_current(tx, version)
    _change(tx, "process_version", version.id, values)
    changed = find_version(tx, version.guid)
    if changed.process_id != version.process_id:
        _change(tx, "process", changed.process_id, {"version_id": changed.id})
    return changed


def delete_version(tx: Tx, version: Version) -> None:
    """Its file goes with it; the newest of those that are left is the current one."""
    _change(tx, "process_version", version.id, {"deleted_at": tx.now, "content": None})
    _forget_current(tx, version)


def content_of(tx: Tx, version: Version) -> bytes | None:
    """The file of a version, if it has one."""
    row = tx.connection.execute("SELECT content FROM process_version WHERE id = ?", (version.id,)).fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


def _forget_current(tx: Tx, version: Version) -> None:
    """Where that version was the current one, the newest other is now."""
    tx.connection.execute(
        "UPDATE process SET version_id = (SELECT id FROM process_version WHERE process_id = :process"
        " AND id <> :version AND deleted_at IS NULL ORDER BY number DESC LIMIT 1), updated_at = :now"
        " WHERE id = :process AND version_id = :version",
        {"process": version.process_id, "version": version.id, "now": tx.now},
    )


def _next_number(tx: Tx, process: Process) -> int:
    row = tx.connection.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM process_version WHERE process_id = ?", (process.id,)
    )
    return int(row.fetchone()[0])


def _change(tx: Tx, table: str, number: int, values: dict[str, object]) -> None:
    values = {**values, "updated_at": tx.now}
    tx.connection.execute(
        f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",  # noqa: S608  # keys of the TypedDicts
        (*values.values(), number),
    )


def _one(tx: Tx, statement: str, value: str | int) -> Process | None:
    row = tx.connection.execute(statement, (value,)).fetchone()
    return None if row is None else Process._make(row)


def _insert(tx: Tx, table: str, values: dict[str, object]) -> int:
    cursor = tx.connection.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608  # keys of the TypedDicts
        tuple(values.values()),
    )
    return int(cursor.lastrowid or 0)


def _check_name(name: Json, what: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise Invalid(f"a {what} needs a name")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"a {what}'s name has at most {LONGEST_NAME} characters, this one has {len(name)}")
