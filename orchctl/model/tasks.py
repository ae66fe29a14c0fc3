"""Tasks: units of work in queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jsontype import Json
from orchctl.model.words import Priority, TaskStatus, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A unit of work in a queue. ``id`` is what every command takes; ``payload`` is the input."""

    id: str
    name: str | None = None
    queue: str | None = None
    status: TaskStatus | Unknown
    priority: Priority | Unknown | None = None
    payload: Json = None
    output: Json = None
    error: str | None = None
    reference: str | None = None
    tags: tuple[str, ...] | None = None
    comment: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    postponed_until: datetime | None = None
    deadline: datetime | None = None
    retries: int | None = None
    parent_id: str | None = None
    job_id: str | None = None
    robot: str | None = None
    progress: str | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What ``task create`` asks for; ``None`` leaves the orchestrator's default.

    ``texts`` are the keys of the payload whose values were typed as plain text: where types are declared,
    they become what is. ``callback`` is a URL that is called when the task has ended.
    """

    queue: str
    name: str | None = None
    payload: Json = None
    priority: Priority | None = None
    deadline: datetime | None = None
    postponed_until: datetime | None = None
    reference: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    comment: str | None = None
    retries: int | None = None
    parent_id: str | None = None
    texts: frozenset[str] = frozenset()
    process_version: int | None = None
    callback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """Fields to change; ``None`` leaves a field as it is. ``payload`` replaces the whole payload."""

    name: str | None = None
    queue: str | None = None
    status: TaskStatus | None = None
    payload: Json = None
    priority: Priority | None = None
    deadline: datetime | None = None
    postponed_until: datetime | None = None
    description: str | None = None
    comment: str | None = None
    retries: int | None = None
    job_id: str | None = None
    progress: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks of a queue to list; an empty tuple or ``None`` lets everything through."""

    statuses: tuple[TaskStatus, ...] = ()
    priority: Priority | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
