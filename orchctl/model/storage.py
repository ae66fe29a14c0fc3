"""Files that an orchestrator keeps for robots, and the folders they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFolder:
    id: str
    name: str
    description: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStorageFolder:
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFolderChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    id: str | None = None
    name: str
    folder: str | None = None
    size: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStoredFile:
    name: str
    folder: str
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFileChange:
    """Fields to change; ``None`` leaves a field as it is. ``content`` comes with its ``filename``."""

    name: str | None = None
    folder: str | None = None
    filename: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFile:
    """A file of a task's output that was fetched; ``id`` is the task's, ``size`` in bytes."""

    id: str
    file: str
    path: str
    size: int
