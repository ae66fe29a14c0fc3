"""Queues: where tasks wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchctl.model.jsontype import Json
from orchctl.model.words import TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    id: str
    name: str
    description: str | None = None
    unique_tasks: bool | None = None
    auto_change_status: bool | None = None
    max_retries: int | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQueue:
    name: str
    description: str | None = None
    unique_tasks: bool | None = None
    auto_change_status: bool | None = None
    max_retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    unique_tasks: bool | None = None
    auto_change_status: bool | None = None
    max_retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """How many tasks of a queue are in each status; a status nobody has is 0."""

    queue: str
    total: int
    counts: Mapping[TaskStatus, int] = field(default_factory=dict)
