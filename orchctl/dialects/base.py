"""What a dialect is: one orchestrator's HTTP API, in the vocabulary's words.

A dialect translates and nothing else. It has no loop, no wait, no prompt and no print: the client does those,
once for all orchestrators. Methods keep the same names and the same order in every dialect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Generic, NoReturn, Self, TypeVar

from orchctl.config import Context
from orchctl.errors import BadRequest, OrchctlError, Unsupported
from orchctl.transport import Call, Download, Reply, Transport

if TYPE_CHECKING:
    from datetime import datetime

    from orchctl.credentials import Kind
    from orchctl.model import (
        Account,
        AccountChange,
        Asset,
        AssetChange,
        ConsumedJob,
        Folder,
        Heartbeat,
        HeartbeatReply,
        Job,
        JobChange,
        JobFilter,
        Json,
        LogEntry,
        LogFilter,
        NewAccount,
        NewAsset,
        NewJob,
        NewLogEntry,
        NewProcess,
        NewProcessVersion,
        NewQueue,
        NewRobot,
        NewRobotGroup,
        NewStorageFolder,
        NewStoredFile,
        NewTask,
        NewTrigger,
        Process,
        ProcessChange,
        ProcessVersion,
        ProcessVersionChange,
        Queue,
        QueueChange,
        QueueStats,
        Robot,
        RobotChange,
        RobotGroup,
        RobotGroupChange,
        RobotStatus,
        Runtime,
        StorageFolder,
        StorageFolderChange,
        StoredFile,
        StoredFileChange,
        Task,
        TaskChange,
        TaskFilter,
        TaskStatus,
        Trigger,
        TriggerChange,
        Unknown,
    )

T = TypeVar("T")


class Feature(StrEnum):
    """What an orchestrator may be able to do; each is the name of the dialect's method that does it."""

    CREATE_TASK = "create_task"
    CREATE_TASKS = "create_tasks"
    FIND_TASK = "find_task"
    LIST_TASKS = "list_tasks"
    GET_TASK = "get_task"
    UPDATE_TASK = "update_task"
    NEXT_TASK = "next_task"
    TAKE_TASK = "take_task"
    CLAIM_TASK = "claim_task"
    FINISH_TASK = "finish_task"
    CANCEL_TASK = "cancel_task"
    DELETE_TASK = "delete_task"
    RETRY_TASK = "retry_task"
    ERASE_TASK = "erase_task"
    ADD_TASK_TAGS = "add_task_tags"
    REMOVE_TASK_TAGS = "remove_task_tags"
    DOWNLOAD_TASK_FILE = "download_task_file"
    CREATE_QUEUE = "create_queue"
    LIST_QUEUES = "list_queues"
    GET_QUEUE = "get_queue"
    UPDATE_QUEUE = "update_queue"
    DELETE_QUEUE = "delete_queue"
    COUNT_TASKS = "count_tasks"
    CREATE_JOB = "create_job"
    LIST_JOBS = "list_jobs"
    GET_JOB = "get_job"
    UPDATE_JOB = "update_job"
    DELETE_JOB = "delete_job"
    STOP_JOB = "stop_job"
    ABORT_JOB = "abort_job"
    RESTART_JOB = "restart_job"
    CREATE_ASSET = "create_asset"
    LIST_ASSETS = "list_assets"
    GET_ASSET = "get_asset"
    UPDATE_ASSET = "update_asset"
    DELETE_ASSET = "delete_asset"
    CREATE_LOG_ENTRY = "create_log_entry"
    LIST_LOG_ENTRIES = "list_log_entries"
    GET_LOG_ENTRY = "get_log_entry"
    PURGE_LOG = "purge_log"
    CREATE_ROBOT = "create_robot"
    LIST_ROBOTS = "list_robots"
    GET_ROBOT = "get_robot"
    UPDATE_ROBOT = "update_robot"
    DELETE_ROBOT = "delete_robot"
    GET_ROBOT_STATUS = "get_robot_status"
    LIST_RUNTIMES = "list_runtimes"
    SET_ROBOT_STATUS = "set_robot_status"
    SEND_HEARTBEAT = "send_heartbeat"
    CONSUME_JOB = "consume_job"
    CREATE_ROBOT_GROUP = "create_robot_group"
    LIST_ROBOT_GROUPS = "list_robot_groups"
    GET_ROBOT_GROUP = "get_robot_group"
    UPDATE_ROBOT_GROUP = "update_robot_group"
    DELETE_ROBOT_GROUP = "delete_robot_group"
    ADD_ROBOT_TO_GROUP = "add_robot_to_group"
    REMOVE_ROBOT_FROM_GROUP = "remove_robot_from_group"
    CREATE_PROCESS = "create_process"
    LIST_PROCESSES = "list_processes"
    GET_PROCESS = "get_process"
    UPDATE_PROCESS = "update_process"
    DELETE_PROCESS = "delete_process"
    CREATE_PROCESS_VERSION = "create_process_version"
    LIST_PROCESS_VERSIONS = "list_process_versions"
    GET_PROCESS_VERSION = "get_process_version"
    UPDATE_PROCESS_VERSION = "update_process_version"
    DELETE_PROCESS_VERSION = "delete_process_version"
    CREATE_TRIGGER = "create_trigger"
    LIST_TRIGGERS = "list_triggers"
    GET_TRIGGER = "get_trigger"
    UPDATE_TRIGGER = "update_trigger"
    DELETE_TRIGGER = "delete_trigger"
    CREATE_FOLDER = "create_folder"
    LIST_FOLDERS = "list_folders"
    CREATE_STORAGE_FOLDER = "create_storage_folder"
    LIST_STORAGE_FOLDERS = "list_storage_folders"
    GET_STORAGE_FOLDER = "get_storage_folder"
    UPDATE_STORAGE_FOLDER = "update_storage_folder"
    DELETE_STORAGE_FOLDER = "delete_storage_folder"
    CREATE_STORED_FILE = "create_stored_file"
    LIST_STORED_FILES = "list_stored_files"
    GET_STORED_FILE = "get_stored_file"
    UPDATE_STORED_FILE = "update_stored_file"
    DELETE_STORED_FILE = "delete_stored_file"
    CREATE_ACCOUNT = "create_account"
    LIST_ACCOUNTS = "list_accounts"
    GET_ACCOUNT = "get_account"
    UPDATE_ACCOUNT = "update_account"
    DELETE_ACCOUNT = "delete_account"


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a feature is missing, and what to do instead, as the user reads it."""

    reason: str
    instead: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list. ``next`` asks for the following page and is ``None`` on the last one.

    ``suspicious_size``: a page of exactly so many rows may have been cut by the server without a word.
    ``guessed``: no document has the call, so that an empty page may as well say "no such call".
    ``left_out``: how many more rows have come by now than there were items.
    """

    items: Iterator[T]
    next: str | None = None
    suspicious_size: int | None = None
    guessed: bool = False
    left_out: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a login got; ``seconds`` is how long the server will take it."""

    value: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A request that turns a secret into a token: where it goes, what is sent, how its answer is read."""

    base_url: str
    call: Call
    read: Callable[[Reply], Token]


class Registration(StrEnum):
    """How a client that had to register stands with the orchestrator."""

    ALLOWED = "allowed"
    WAITING = "waiting"
    UNKNOWN = "unknown"


class NoRoute(BadRequest):
    """The server has nothing at a path that its documents, or its vendor's client, name."""


class Dialect(ABC):
    """Translates the vocabulary to one orchestrator's HTTP API, and back."""

    name: ClassVar[str]
    title: ClassVar[str]
    features: ClassVar[frozenset[Feature]]
    gaps: ClassVar[Mapping[Feature, Gap]]
    # The server has no list of tasks and does not give their input back: the client keeps a ledger.
    needs_ledger: ClassVar[bool] = False
    # The secret goes into each body, and no header carries it.
    secret_in_body: ClassVar[bool] = False
    # Fields of a body, in lower case, that hold a credential under a name that does not say so.
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    # A login makes a secret of its own and registers it; an administrator then lets it in.
    registers_itself: ClassVar[bool] = False
    # A list of jobs holds only those asked for; else the client leaves the others out.
    filters_jobs: ClassVar[bool] = False
    # A list of log entries begins at LogFilter.since; else every list is the whole log.
    lists_log_from_a_time: ClassVar[bool] = False
    # A list of log entries can be of certain machines only.
    tells_machines_of_log: ClassVar[bool] = False
    # Which of a task's process_version, callback and progress there is a place for.
    task_extras: ClassVar[frozenset[str]] = frozenset()
    # Which fields of a task it alone sets, and which are what they were when the task was created: in a file, that
    # may be an export, they are no wishes.
    own_task_fields: ClassVar[frozenset[str]] = frozenset()
    fixed_task_fields: ClassVar[frozenset[str]] = frozenset({"reference", "parent_id"})
    # What count_tasks takes together or leaves out, as the user reads it.
    counts_roughly: ClassVar[str | None] = None
    # The kinds of secrets that are no tokens themselves: see login.
    logs_in_with: ClassVar[frozenset[Kind]] = frozenset()
    # A list of tasks shows the name or reference each was created with: one in doubt can be looked for by it.
    tells_tasks_apart: ClassVar[bool] = False
    # How many tasks create_tasks takes at once.
    batch_size: ClassVar[int] = 1
    # Calls a minute that the server allows, by what Call.meter names.
    budgets: ClassVar[Mapping[str, int]] = {}

    # How ``orchctl api`` sends fields: as a form, else as JSON.
    raw_form: ClassVar[bool] = False

    def __init__(self, http: Transport, context: Context) -> None:
        self.http = http
        self.context = context
        self.secret: Callable[[], str | None] = lambda: None
        """The credential itself, for an API that wants it elsewhere than in a header."""

    @staticmethod
    @abstractmethod
    def authorization(context: Context, secret: str) -> dict[str, str]:
        """The headers that carry ``secret``."""

    @staticmethod
    def explain(body: Json) -> str | None:
        """The server's own words in the body of an error, if there are any."""
        return None

    @staticmethod
    def refusal(status: int, body: Json) -> OrchctlError | None:
        """The error that the server's own code in a 4xx asks for, where the status does not tell."""
        return None

    @staticmethod
    def login(context: Context, kind: Kind, secret: str) -> Login:
        """How to get a token for a secret of a kind in ``logs_in_with``."""
        raise AssertionError

    @classmethod
    def require(cls, feature: Feature) -> None:
        """:raises Unsupported: this orchestrator cannot do it; nothing has been sent."""
        if feature not in cls.features:
            gap = cls.gaps[feature]
            raise Unsupported(f"{cls.title} {gap.reason}", hint=gap.instead)

    def in_folder(self, folder: str) -> Self:
        """The same orchestrator, seen from another of its folders."""
        other = type(self)(self.http, replace(self.context, folder=folder))
        other.secret = self.secret
        return other

    def raw_headers(self) -> Mapping[str, str]:
        """What ``orchctl api`` sends beside the credential."""
        return {}

    def is_id(self, ident: str) -> bool:
        """Is this surely an id rather than a name?"""
        return True

    def takes_name(self, kind: str) -> bool:
        """Does the server itself find objects of this kind by name?"""
        return True

    def refuse_field(self, field: str, instead: str) -> NoReturn:
        """Say, before anything is sent, that this orchestrator has no place for a field."""
        raise Unsupported(f"{self.title} has no field for {field}", hint=instead)

    def signed(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        """A body with the secret in it, where that is its place."""
        return dict(fields)

    def check_raw(self, reply: Reply) -> None:  # noqa: B027  # most have nothing to add
        """Raise what the status in an answer's body means, where HTTP's says nothing."""

    def register(self, uuid: str, *, name: str, description: str) -> None:
        """For a dialect that registers itself: ask to be let in."""
        raise AssertionError

    def registration(self, uuid: str) -> Registration:
        """For a dialect that registers itself: how that stands."""
        raise AssertionError

    def is_process_id(self, ident: str) -> bool:
        """For a dialect that needs a ledger: is this surely a process's id rather than its name?"""
        raise AssertionError

    def check_task(self, new: NewTask, process: Process) -> NewTask:
        """For a dialect that needs a ledger: the task as it will be sent, checked against its process."""
        raise AssertionError

    def last_attempt(self, task: Task) -> str | None:
        """Where each attempt is a task of its own: the newest one made of a task that was tried again."""
        return None

    def job_of(self, task: Task) -> Job:
        """For a dialect that needs a ledger: the task as the run that it is."""
        raise AssertionError

    # Only what ``features`` declares is called; a test holds that each declared method is there.

    def create_task(self, new: NewTask) -> Task:
        """The task as far as the answer tells; ``Task.native`` is ``None`` where that is only its id."""
        raise AssertionError

    def create_tasks(self, queue: str, news: Sequence[NewTask]) -> Mapping[int, str]:
        """Create many in one call, at most ``batch_size``; ``NewTask.queue`` does not count.

        Gives why a task was refused, by its place in ``news`` from 0. Those not named are in the queue; what
        their ids are the orchestrator does not say. Raises as a single create does: then none or, with
        OutcomeUnknown, nobody knows which are there.
        """
        raise AssertionError

    def find_task(self, new: NewTask) -> Task | None:
        """The task that a create in doubt has made; ``None``: none, or what was sent does not tell it apart."""
        raise AssertionError

    def list_tasks(self, queue: str, wanted: TaskFilter, cursor: str | None) -> Page[Task]:
        """One page of a queue; the client filters again what the server may not have filtered."""
        raise AssertionError

    def get_task(self, ident: str) -> Task:
        raise AssertionError

    def update_task(self, ident: str, change: TaskChange) -> None:
        raise AssertionError

    def next_task(self, queue: str) -> Task | None:
        """The task a robot would get now, left where it is."""
        raise AssertionError

    def take_task(self, queue: str, robot: str | None) -> Task | None:
        """Claim the next task in one call, where the orchestrator has one; else the client claims what is next.

        ``robot``: for which one, where the credential is none of a robot.
        """
        raise AssertionError

    def claim_task(self, task: Task) -> None:
        """Mark a new task as in progress; :raises Refused: somebody else was faster."""
        raise AssertionError

    def finish_task(self, task: Task, status: TaskStatus, result: Json, reason: str | None) -> None:
        raise AssertionError

    def cancel_task(self, ident: str) -> None:
        raise AssertionError

    def delete_task(self, ident: str) -> None:
        raise AssertionError

    def retry_task(self, task: Task) -> str | None:
        """The id of the task that is to be done now, where it is another one."""
        raise AssertionError

    def erase_task(self, task: Task) -> None:
        """Blank the payload and keep the record."""
        raise AssertionError

    def add_task_tags(self, ident: str, tags: tuple[str, ...]) -> None:
        raise AssertionError

    def remove_task_tags(self, ident: str, tags: tuple[str, ...]) -> None:
        raise AssertionError

    def download_task_file(self, ident: str, filename: str, start: int) -> Download:
        """A file of the task's output from its byte ``start`` on, where the server allows that."""
        raise AssertionError

    def create_queue(self, new: NewQueue) -> Queue:
        raise AssertionError

    def list_queues(self, cursor: str | None) -> Page[Queue] | None:
        """``None``: this server has no such call after all."""
        raise AssertionError

    def get_queue(self, ident: str) -> Queue:
        raise AssertionError

    def update_queue(self, ident: str, change: QueueChange) -> None:
        raise AssertionError

    def delete_queue(self, ident: str) -> None:
        raise AssertionError

    def count_tasks(self, queue: str | None, cursor: str | None) -> Page[QueueStats]:
        """Tasks by status as the orchestrator counts them, of one queue or of all."""
        raise AssertionError

    def create_job(self, new: NewJob) -> Job:
        """The job as far as the answer tells; ``native`` is ``None`` where that is only its id."""
        raise AssertionError

    def list_jobs(self, wanted: JobFilter, cursor: str | None) -> Page[Job] | None:
        """``None``: this server has no such call after all."""
        raise AssertionError

    def get_job(self, ident: str) -> Job:
        raise AssertionError

    def update_job(self, ident: str, change: JobChange) -> None:
        raise AssertionError

    def delete_job(self, ident: str) -> None:
        raise AssertionError

    def stop_job(self, ident: str) -> None:
        """Ask the job to end itself."""
        raise AssertionError

    def abort_job(self, ident: str) -> None:
        """Have the job killed."""
        raise AssertionError

    def restart_job(self, ident: str) -> Job:
        """Start the job's process once more, with what the job was given."""
        raise AssertionError

    def create_asset(self, new: NewAsset) -> Asset:
        raise AssertionError

    def list_assets(self, cursor: str | None) -> Page[Asset] | None:
        raise AssertionError

    def get_asset(self, ident: str) -> Asset:
        """With its secret, where the orchestrator gives it; the client masks it unless it is to be revealed."""
        raise AssertionError

    def update_asset(self, asset: Asset, change: AssetChange) -> None:
        raise AssertionError

    def delete_asset(self, ident: str) -> None:
        raise AssertionError

    def create_log_entry(self, new: NewLogEntry) -> LogEntry | None:
        """``None``: the server took it and answers no id."""
        raise AssertionError

    def list_log_entries(self, wanted: LogFilter, cursor: str | None) -> Page[LogEntry]:
        raise AssertionError

    def get_log_entry(self, ident: str) -> LogEntry:
        raise AssertionError

    def purge_log(self, before: datetime) -> None:
        """Delete all entries created before a point in time."""
        raise AssertionError

    def create_robot(self, new: NewRobot) -> Robot:
        raise AssertionError

    def list_robots(self, cursor: str | None) -> Page[Robot]:
        raise AssertionError

    def get_robot(self, ident: str) -> Robot:
        raise AssertionError

    def update_robot(self, ident: str, change: RobotChange) -> None:
        raise AssertionError

    def delete_robot(self, ident: str) -> None:
        raise AssertionError

    def get_robot_status(self, ident: str) -> RobotStatus | Unknown:
        raise AssertionError

    def list_runtimes(self, cursor: str | None) -> Page[Runtime]:
        raise AssertionError

    def set_robot_status(self, ident: str, status: RobotStatus) -> None:
        raise AssertionError

    def send_heartbeat(self, beat: Heartbeat) -> HeartbeatReply:
        raise AssertionError

    def consume_job(self, robot: str) -> ConsumedJob:
        """Claim the robot's next job. Never repeated blindly: it changes what the next call answers."""
        raise AssertionError

    def create_robot_group(self, new: NewRobotGroup) -> RobotGroup:
        raise AssertionError

    def list_robot_groups(self, cursor: str | None) -> Page[RobotGroup] | None:
        raise AssertionError

    def get_robot_group(self, ident: str) -> RobotGroup:
        raise AssertionError

    def update_robot_group(self, ident: str, change: RobotGroupChange) -> None:
        raise AssertionError

    def delete_robot_group(self, ident: str) -> None:
        raise AssertionError

    def add_robot_to_group(self, group: str, robot: str) -> None:
        raise AssertionError

    def remove_robot_from_group(self, group: str, robot: str, path: str | None) -> None:
        """``path``: the call to make instead of the one that the orchestrator documents."""
        raise AssertionError

    def create_process(self, new: NewProcess) -> Process:
        raise AssertionError

    def list_processes(self, cursor: str | None) -> Page[Process] | None:
        raise AssertionError

    def get_process(self, ident: str) -> Process:
        raise AssertionError

    def update_process(self, ident: str, change: ProcessChange) -> None:
        raise AssertionError

    def delete_process(self, ident: str) -> None:
        raise AssertionError

    def create_process_version(self, new: NewProcessVersion) -> ProcessVersion:
        raise AssertionError

    def list_process_versions(self, process: str, cursor: str | None) -> Page[ProcessVersion] | None:
        raise AssertionError

    def get_process_version(self, ident: str) -> ProcessVersion:
        raise AssertionError

    def update_process_version(self, ident: str, change: ProcessVersionChange) -> None:
        raise AssertionError

    def delete_process_version(self, ident: str) -> None:
        raise AssertionError

    def create_trigger(self, new: NewTrigger) -> Trigger:
        raise AssertionError

    def list_triggers(self, cursor: str | None) -> Page[Trigger] | None:
        raise AssertionError

    def get_trigger(self, ident: str) -> Trigger:
        raise AssertionError

    def update_trigger(self, ident: str, change: TriggerChange) -> None:
        raise AssertionError

    def delete_trigger(self, ident: str) -> None:
        raise AssertionError

    def create_folder(self, name: str) -> Folder:
        raise AssertionError

    def list_folders(self, cursor: str | None) -> Page[Folder]:
        raise AssertionError

    def create_storage_folder(self, new: NewStorageFolder) -> StorageFolder:
        raise AssertionError

    def list_storage_folders(self, cursor: str | None) -> Page[StorageFolder]:
        raise AssertionError

    def get_storage_folder(self, ident: str) -> StorageFolder:
        raise AssertionError

    def update_storage_folder(self, ident: str, change: StorageFolderChange) -> None:
        raise AssertionError

    def delete_storage_folder(self, ident: str) -> None:
        raise AssertionError

    def create_stored_file(self, new: NewStoredFile) -> StoredFile | None:
        """``None``: the server took it and answers no id."""
        raise AssertionError

    def list_stored_files(self, cursor: str | None) -> Page[StoredFile] | None:
        raise AssertionError

    def get_stored_file(self, ident: str) -> StoredFile:
        raise AssertionError

    def update_stored_file(self, ident: str, change: StoredFileChange) -> None:
        raise AssertionError

    def delete_stored_file(self, ident: str) -> None:
        raise AssertionError

    def create_account(self, new: NewAccount) -> Account:
        raise AssertionError

    def list_accounts(self, cursor: str | None) -> Page[Account] | None:
        raise AssertionError

    def get_account(self, ident: str) -> Account:
        raise AssertionError

    def update_account(self, ident: str, change: AccountChange) -> None:
        raise AssertionError

    def delete_account(self, ident: str) -> None:
        raise AssertionError
