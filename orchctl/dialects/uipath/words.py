"""UiPath's words for states and the vocabulary's. Keys are in lower case: the server's case is not relied on."""

from __future__ import annotations

from orchctl.model.words import JobStatus, LogLevel, Priority, RobotStatus, TaskStatus

# ``Failed`` with a business exception and ``New`` with a DeferDate ahead are told apart in tasks.py.
TASK_STATUS = {
    "new": TaskStatus.NEW,
    "inprogress": TaskStatus.IN_PROGRESS,
    "failed": TaskStatus.FAILED,
    "successful": TaskStatus.SUCCESS,
    "abandoned": TaskStatus.ABANDONED,
    "retried": TaskStatus.RETRIED,
    "deleted": TaskStatus.DELETED,
}
TASK_STATUS_NATIVE = {
    TaskStatus.NEW: "New",
    TaskStatus.POSTPONED: "New",
    TaskStatus.IN_PROGRESS: "InProgress",
    TaskStatus.FAILED: "Failed",
    TaskStatus.FAILED_BUSINESS: "Failed",
    TaskStatus.SUCCESS: "Successful",
    TaskStatus.ABANDONED: "Abandoned",
    TaskStatus.RETRIED: "Retried",
    TaskStatus.DELETED: "Deleted",
}

PRIORITY = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}
PRIORITY_NATIVE = {Priority.LOW: "Low", Priority.NORMAL: "Normal", Priority.HIGH: "High"}

JOB_STATUS = {
    "pending": JobStatus.PENDING,
    "running": JobStatus.IN_PROGRESS,
    "resumed": JobStatus.IN_PROGRESS,
    "suspended": JobStatus.SUSPENDED,
    "stopping": JobStatus.STOPPING,
    "terminating": JobStatus.ABORTING,
    "successful": JobStatus.SUCCESS,
    "faulted": JobStatus.FAILED,
    "stopped": JobStatus.STOPPED,
}
JOB_STATUS_NATIVE = {
    JobStatus.PENDING: ("Pending",),
    JobStatus.IN_PROGRESS: ("Running", "Resumed"),
    JobStatus.SUSPENDED: ("Suspended",),
    JobStatus.STOPPING: ("Stopping",),
    JobStatus.ABORTING: ("Terminating",),
    JobStatus.SUCCESS: ("Successful",),
    JobStatus.FAILED: ("Faulted",),
    JobStatus.STOPPED: ("Stopped",),
}

ROBOT_STATUS = {
    "available": RobotStatus.READY,
    "busy": RobotStatus.WORKING,
    "disconnected": RobotStatus.DISCONNECTED,
    "unknown": RobotStatus.UNKNOWN,
}

LOG_LEVEL = {
    "trace": LogLevel.TRACE,
    "debug": LogLevel.DEBUG,
    "info": LogLevel.INFO,
    "information": LogLevel.INFO,
    "warn": LogLevel.WARNING,
    "warning": LogLevel.WARNING,
    "error": LogLevel.ERROR,
    "fatal": LogLevel.CRITICAL,
    "critical": LogLevel.CRITICAL,
}
# A filter compares levels as numbers.
LOG_LEVEL_NUMBER = {level: number for number, level in enumerate(LogLevel)}
LOG_LEVEL_NATIVE = {
    LogLevel.TRACE: "Trace",
    LogLevel.DEBUG: "Debug",
    LogLevel.INFO: "Information",
    LogLevel.WARNING: "Warning",
    LogLevel.ERROR: "Error",
    LogLevel.CRITICAL: "Fatal",
}

# Asset types of the vocabulary and of UiPath; the field that holds the value of each.
ASSET_TYPE = {
    "text": "Text",
    "bool": "Bool",
    "integer": "Integer",
    "credential": "Credential",
    "secret": "Secret",
    "windows-credential": "WindowsCredential",
    "key-value-list": "KeyValueList",
    "db-connection-string": "DBConnectionString",
    "http-connection-string": "HttpConnectionString",
}
ASSET_TYPE_WORD = {native.lower(): word for word, native in ASSET_TYPE.items()}
