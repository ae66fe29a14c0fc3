"""Triggers: what starts jobs by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts jobs by itself: a cron expression, or continuously while there is work."""

    id: str
    name: str
    process: str | None = None
    status: str | None = None
    cron: str | None = None
    robot: str | None = None
    group: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrigger:
    """Exactly one of ``cron`` and ``continuous``; at most one of ``robot`` and ``group``.

    ``max_robots``: of a group, so many may run it at once. ``catch_up``: run what was missed.
    """

    name: str
    process: str
    robot: str | None = None
    group: str | None = None
    cron: str | None = None
    continuous: bool = False
    enabled: bool | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    max_robots: int | None = None
    catch_up: bool | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    process: str | None = None
    robot: str | None = None
    group: str | None = None
    cron: str | None = None
    continuous: bool | None = None
    enabled: bool | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    max_robots: int | None = None
    catch_up: bool | None = None
    description: str | None = None
