"""The words of the vocabulary: statuses, levels, priorities."""

from __future__ import annotations

from enum import StrEnum

from orchctl.model.jsontype import Json


class TaskStatus(StrEnum):
    NEW = "new"
    IN_PROGRESS = "in-progress"
    SUCCESS = "success"
    FAILED = "failed"
    FAILED_BUSINESS = "failed-business"
    POSTPONED = "postponed"
    ABANDONED = "abandoned"
    PREPARING = "preparing"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class JobStatus(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    SUSPENDED = "suspended"
    SUCCESS = "success"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ABORTING = "aborting"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class RobotStatus(StrEnum):
    DISCONNECTED = "disconnected"
    UNLICENSED = "unlicensed"
    READY = "ready"
    WORKING = "working"
    UNKNOWN = "unknown"


class LogLevel(StrEnum):
    """From the least to the most severe."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


# What an asset may be. The last four only UiPath Orchestrator has.
ASSET_TYPES = (
    *("text", "credential", "calendar", "integer", "bool", "secret"),
    *("windows-credential", "key-value-list", "db-connection-string", "http-connection-string"),
)
SECRET_ASSETS = frozenset({"credential", "secret", "windows-credential"})


class Unknown(str):
    """The word ``unknown`` standing for a native value the vocabulary has no word for.

    >>> Unknown(9), Unknown(9).native
    ('unknown', 9)
    """

    __slots__ = ("native",)
    native: Json

    def __new__(cls, native: Json) -> Unknown:
        self = super().__new__(cls, "unknown")
        self.native = native
        return self
