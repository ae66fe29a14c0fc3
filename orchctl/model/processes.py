"""Processes and their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    id: str
    name: str
    description: str | None = None
    version: str | None = None
    version_id: str | None = None
    type: str | None = None
    variables: Json = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProcess:
    name: str
    description: str | None = None
    type: str | None = None
    min_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    type: str | None = None
    min_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessVersion:
    id: str
    name: str
    process: str | None = None
    description: str | None = None
    file: str | None = None
    created_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProcessVersion:
    process: str
    name: str
    description: str | None = None
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessVersionChange:
    """Fields to change; ``None`` leaves a field as it is. ``content`` comes with its ``filename``."""

    name: str | None = None
    description: str | None = None
    process: str | None = None
    filename: str | None = None
    content: bytes | None = None
