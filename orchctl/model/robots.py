"""Robots, their groups, and what they say and get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jobs import Job
from orchctl.model.jsontype import Json
from orchctl.model.processes import ProcessVersion
from orchctl.model.tasks import Task
from orchctl.model.words import RobotStatus, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    id: str
    name: str
    status: RobotStatus | Unknown
    type: str | None = None
    machine: str | None = None
    ip: str | None = None
    mac: str | None = None
    description: str | None = None
    last_seen_at: datetime | None = None
    license: str | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How many jobs at once a machine can run, of one type, and how many it does run."""

    id: str
    machine: str
    host: str | None = None
    type: str | None = None
    status: RobotStatus | Unknown
    total: int | None = None
    used: int | None = None
    last_seen_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRobot:
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    status: RobotStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a robot says of itself. An empty ``job_id`` means that it runs none."""

    robot: str
    status: RobotStatus
    machine: str = ""
    ip: str = ""
    mac: str = ""
    job_id: str = ""
    job_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatReply:
    """``code`` 0 is well, 10 "abort your job", 20 "stop your job", 101 "no such robot" (seed 001)."""

    code: int
    text: str | None = None
    has_new_job: bool = False
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumedJob:
    """``code`` 0 is well, 101 "no such robot", 102 "no new job" (seed 001); only 0 comes with a job."""

    code: int
    text: str | None = None
    job: Job | None = None
    process_version: ProcessVersion | None = None
    task: Task | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotGroup:
    id: str
    name: str
    description: str | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRobotGroup:
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotGroupChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    description: str | None = None
