"""The vocabulary: what orchctl calls things, whichever orchestrator they come from.

Nothing here knows a vendor. Times are aware datetimes in UTC; ``None`` means that the orchestrator does not
say. Field order is the order of columns and keys in output.

Making a frozen dataclass costs a millisecond, and there are forty: each noun's are made when one of them is
first asked for, so that a command pays for its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchctl.model.accounts import Account as Account
    from orchctl.model.accounts import AccountChange as AccountChange
    from orchctl.model.accounts import NewAccount as NewAccount
    from orchctl.model.assets import Asset as Asset
    from orchctl.model.assets import AssetChange as AssetChange
    from orchctl.model.assets import NewAsset as NewAsset
    from orchctl.model.folders import Folder as Folder
    from orchctl.model.jobs import Job as Job
    from orchctl.model.jobs import JobChange as JobChange
    from orchctl.model.jobs import JobFilter as JobFilter
    from orchctl.model.jobs import NewJob as NewJob
    from orchctl.model.jsontype import Json as Json
    from orchctl.model.logs import LogEntry as LogEntry
    from orchctl.model.logs import LogFilter as LogFilter
    from orchctl.model.logs import NewLogEntry as NewLogEntry
    from orchctl.model.processes import NewProcess as NewProcess
    from orchctl.model.processes import NewProcessVersion as NewProcessVersion
    from orchctl.model.processes import Process as Process
    from orchctl.model.processes import ProcessChange as ProcessChange
    from orchctl.model.processes import ProcessVersion as ProcessVersion
    from orchctl.model.processes import ProcessVersionChange as ProcessVersionChange
    from orchctl.model.queues import NewQueue as NewQueue
    from orchctl.model.queues import Queue as Queue
    from orchctl.model.queues import QueueChange as QueueChange
    from orchctl.model.queues import QueueStats as QueueStats
    from orchctl.model.robots import ConsumedJob as ConsumedJob
    from orchctl.model.robots import Heartbeat as Heartbeat
    from orchctl.model.robots import HeartbeatReply as HeartbeatReply
    from orchctl.model.robots import NewRobot as NewRobot
    from orchctl.model.robots import NewRobotGroup as NewRobotGroup
    from orchctl.model.robots import Robot as Robot
    from orchctl.model.robots import RobotChange as RobotChange
    from orchctl.model.robots import RobotGroup as RobotGroup
    from orchctl.model.robots import RobotGroupChange as RobotGroupChange
    from orchctl.model.robots import Runtime as Runtime
    from orchctl.model.storage import NewStorageFolder as NewStorageFolder
    from orchctl.model.storage import NewStoredFile as NewStoredFile
    from orchctl.model.storage import SavedFile as SavedFile
    from orchctl.model.storage import StorageFolder as StorageFolder
    from orchctl.model.storage import StorageFolderChange as StorageFolderChange
    from orchctl.model.storage import StoredFile as StoredFile
    from orchctl.model.storage import StoredFileChange as StoredFileChange
    from orchctl.model.tasks import NewTask as NewTask
    from orchctl.model.tasks import Task as Task
    from orchctl.model.tasks import TaskChange as TaskChange
    from orchctl.model.tasks import TaskFilter as TaskFilter
    from orchctl.model.triggers import NewTrigger as NewTrigger
    from orchctl.model.triggers import Trigger as Trigger
    from orchctl.model.triggers import TriggerChange as TriggerChange
    from orchctl.model.words import JobStatus as JobStatus
    from orchctl.model.words import LogLevel as LogLevel
    from orchctl.model.words import Priority as Priority
    from orchctl.model.words import RobotStatus as RobotStatus
    from orchctl.model.words import TaskStatus as TaskStatus
    from orchctl.model.words import Unknown as Unknown

_HOMES = {
    "jsontype": ("Json",),
    "words": ("TaskStatus", "JobStatus", "RobotStatus", "LogLevel", "Priority", "Unknown"),
    "tasks": ("Task", "NewTask", "TaskChange", "TaskFilter"),
    "queues": ("Queue", "NewQueue", "QueueChange", "QueueStats"),
    "jobs": ("Job", "NewJob", "JobChange", "JobFilter"),
    "assets": ("Asset", "NewAsset", "AssetChange"),
    "logs": ("LogEntry", "NewLogEntry", "LogFilter"),
    "robots": (
        "Robot",
        "NewRobot",
        "RobotChange",
        "Heartbeat",
        "HeartbeatReply",
        "ConsumedJob",
        "RobotGroup",
        "NewRobotGroup",
        "RobotGroupChange",
        "Runtime",
    ),
    "processes": (
        "Process",
        "NewProcess",
        "ProcessChange",
        "ProcessVersion",
        "NewProcessVersion",
        "ProcessVersionChange",
    ),
    "triggers": ("Trigger", "NewTrigger", "TriggerChange"),
    "folders": ("Folder",),
    "storage": (
        "StorageFolder",
        "NewStorageFolder",
        "StorageFolderChange",
        "StoredFile",
        "NewStoredFile",
        "StoredFileChange",
        "SavedFile",
    ),
    "accounts": ("Account", "NewAccount", "AccountChange"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604  # strings


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the vocabulary has no {name}")
    found = globals()[name] = getattr(import_module(f"orchctl.model.{_HOME_OF[name]}"), name)
    return found
