"""Jobs: runs of processes on robots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchctl.model.jsontype import Json
from orchctl.model.words import JobStatus, Priority, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a process on a robot. ``source`` says who asked for it (API, trigger, a person)."""

    id: str
    status: JobStatus | Unknown
    process: str | None = None
    process_version: str | None = None
    robot: str | None = None
    task_id: str | None = None
    priority: Priority | Unknown | None = None
    source: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_after: datetime | None = None
    abort_after: datetime | None = None
    info: str | None = None
    input: Json = None
    output: Json = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What ``job create`` asks for. ``fields`` go to the server as they are, for what has no option."""

    process: str
    robot: str | None = None
    task_id: str | None = None
    priority: Priority | None = None
    stop_after: datetime | None = None
    abort_after: datetime | None = None
    input: Json = None
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """Fields to change; ``None`` leaves a field as it is."""

    status: JobStatus | None = None
    priority: Priority | None = None
    stop_after: datetime | None = None
    abort_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; an empty tuple or ``None`` lets everything through."""

    statuses: tuple[JobStatus, ...] = ()
    process: str | None = None
    robot: str | None = None
    since: datetime | None = None
    until: datetime | None = None
