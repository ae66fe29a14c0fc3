"""The client of an orchestrator that does not list its tasks: this machine's ledger answers instead.

It says where it stops being the truth: what others created is not in it, and what it cannot ask about is old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.client import Client
from orchctl.client.tasks import matches
from orchctl.client.waiting import ENDED
from orchctl.dialects.base import Feature, NoRoute
from orchctl.errors import (
    LocalFault,
    NotFound,
    OrchctlError,
    OutcomeUnknown,
    Refused,
)
from orchctl.ledger import Entry, Intent, Ledger
from orchctl.model.words import Priority, TaskStatus, Unknown
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.model import Job, JobFilter, Json, LogFilter, NewTask, Process, QueueStats, Task, TaskFilter

_DOUBTFUL = "ledger:"
_FROM_LEDGER = frozenset({Feature.LIST_TASKS, Feature.RETRY_TASK, Feature.LIST_JOBS})
_SEEN_TIMES = ("created_at", "started_at", "ended_at", "updated_at")
_SEEN_TEXTS = ("queue", "error", "robot", "job_id")


class LedgerClient(Client):
    """All verbs of all nouns; those that the server lacks are answered from the ledger."""

    def __init__(self, *args: Any, ledger: Ledger, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ledger = ledger
        self._processes: dict[str, Process] = {}

    def require(self, feature: Feature) -> None:
        if feature not in _FROM_LEDGER:
            super().require(feature)

    def check_task(self, new: NewTask) -> None:
        self.dialect.check_task(new, self._process(new))

    def create_task(self, new: NewTask, *, read_back: bool = True) -> Task:
        """Create, with the intent on the disk before the request is sent."""
        self.require(Feature.CREATE_TASK)
        process = self._process(new)
        new = self.dialect.check_task(new, process)
        if process.variables is None:
            self._note("this server does not tell a process's variables: what was given is sent unchecked")
        if self.dialect.http.rehearses:
            return self.dialect.create_task(new)
        number = self.ledger.intend(
            Intent(
                queue=new.queue,
                queue_name=process.name,
                payload=new.payload,
                version=new.process_version,
                priority=new.priority,
                name=new.name,
                reference=new.reference,
                parent_id=new.parent_id,
            )
        )
        try:
            task = self.dialect.create_task(new)
        except OutcomeUnknown as error:
            raise OutcomeUnknown(
                error.message,
                hint=_how_to_find_out(f"{_DOUBTFUL}{number}", process.name, datetime.now(UTC)),
                request_id=error.request_id,
                notes=error.notes,
            ) from error
        except OrchctlError:
            self._write_down(lambda: self.ledger.rejected(number))
            raise
        self._write_down(lambda: self.ledger.created(number, task.id))
        self._queue_names[new.queue] = process.name
        self._note_not_kept(new, task, "priority")
        return replace(
            task,
            name=new.name,
            reference=new.reference,
            payload=self.ledger.hidden(new.payload),
            parent_id=new.parent_id,
            queue=process.name,
        )

    def list_tasks(self, queue: str | None, wanted: TaskFilter, *, offline: bool = False) -> Iterator[Task]:
        """What this machine created, in that order, as it is now; ``offline``: as it was last seen.

        :raises NotFound: there is no such process.
        """
        entries = self._entries(queue, offline=offline)
        self._say_how_far(offline=offline)
        for entry in entries:
            status = entry.seen.get("status")
            if wanted.statuses and status in ENDED and status not in wanted.statuses:
                continue
            task = self._as_it_is(entry, offline=offline)
            if matches(task, wanted):
                yield task

    def get_task(self, ident: str) -> Task:
        self.require(Feature.GET_TASK)
        entry = self._entry(ident)
        if entry is not None and entry.task_id is None:
            self._note(_how_to_find_out(ident, entry.intent.queue_name, entry.at))
            return self._in_doubt(entry)
        if entry is None and not self.dialect.is_id(ident):
            raise self._not_known(ident)
        task = self.dialect.get_task(ident if entry is None or entry.task_id is None else entry.task_id)
        entry = entry or self._entry(task.id)
        if entry is None:
            return self._with_queue_name(task)
        self._remember(entry, task)
        return self._dressed(task, entry)

    def cancel_task(self, ident: str) -> Task:
        """Cancel; where the answer to that was lost, the task itself says whether it happened."""
        self.require(Feature.CANCEL_TASK)
        target = self._task_id(ident)
        try:
            self.dialect.cancel_task(target)
        except OutcomeUnknown as error:
            try:
                task = self._with_queue_name(self.dialect.get_task(target))
            except OrchctlError:
                raise error from None
            if task.status != TaskStatus.CANCELLED:
                raise
            self._note(f"{error.message}; the task is cancelled")
            return task
        return self._read_back(target)

    def retry_task(self, ident: str) -> Task:
        """Create again what a task that has ended was created with."""
        entry = self._known_entry(ident)
        if entry.task_id is None:
            raise Refused(
                f"it is not known whether {ident} was created, so a repetition may be the second of it",
                hint=f"look first; if it is not there: orchctl task clone {ident}",
            )
        task = self._as_it_is(entry, offline=False)
        if task.status not in ENDED:
            raise Refused(
                f"the task {ident} is {task.status}, and would run twice",
                hint=f"orchctl task wait {ident}, or orchctl task cancel {ident}",
            )
        return self.create_task(self._again(entry, parent_id=entry.task_id))

    def clone_task(self, ident: str, *, name: str | None) -> Task:
        entry = self._known_entry(ident)
        return self.create_task(self._again(entry, name=name))

    def queue_stats(self, ident: str) -> QueueStats:
        """Counted from the ledger: no call counts tasks."""
        counts: Counter[TaskStatus] = Counter()
        name = ident
        for task in self.list_tasks(ident, model.TaskFilter()):
            name = task.queue or ident
            counts[_counted(task)] += 1
        return model.QueueStats(queue=name, total=counts.total(), counts=counts)

    def all_queue_stats(self) -> Iterator[QueueStats]:
        counts: dict[str, Counter[TaskStatus]] = {}
        for task in self.list_tasks(None, model.TaskFilter()):
            counts.setdefault(task.queue or "", Counter())[_counted(task)] += 1
        for name, found in sorted(counts.items()):
            yield model.QueueStats(queue=name, total=found.total(), counts=found)

    def get_job(self, ident: str) -> Job:
        """The run that a task is."""
        self.require(Feature.GET_JOB)
        entry = self._entry(ident)
        target = self._task_id(ident)
        job = self.dialect.get_job(target)
        entry = entry or self._entry(target)
        name = entry.intent.queue_name if entry else self._named_queue(job.process)
        payload = self.ledger.shown(entry.intent.payload) if entry else None
        return replace(job, process=name, input=payload)

    def list_jobs(self, wanted: JobFilter, *, offline: bool = False) -> Iterator[Job]:
        """The runs of what this machine created."""
        bounds = model.TaskFilter(since=wanted.since, until=wanted.until)
        for task in self.list_tasks(wanted.process, bounds, offline=offline):
            job = self.dialect.job_of(task)
            if wanted.statuses and job.status not in wanted.statuses:
                continue
            if wanted.robot is None or job.robot == wanted.robot:
                yield job

    def _log_filter(self, wanted: LogFilter) -> LogFilter:
        jobs = tuple(dict.fromkeys(self._task_id(job) for job in (*wanted.jobs, *wanted.tasks)))
        return replace(wanted, jobs=jobs, tasks=())

    # What the ledger knows

    def _entries(self, queue: str | None, *, offline: bool) -> list[Entry]:
        entries = self.ledger.entries()
        if queue is None:
            return entries
        found = [entry for entry in entries if queue in (entry.intent.queue, entry.intent.queue_name)]
        if not found:
            if offline:
                raise NotFound(f"the ledger has no task of a process {queue!r}")
            self.dialect.get_queue(queue)  # an empty list is no proof that there is such a process
        return found

    def _entry(self, ident: str) -> Entry | None:
        """By the task's id, by ``ledger:N``, or by the name it was given here, of which the newest counts."""
        number = ident.removeprefix(_DOUBTFUL) if ident.startswith(_DOUBTFUL) else None
        for entry in reversed(self.ledger.entries()):
            if number is not None:
                if str(entry.number) == number:
                    return entry
            elif ident in (entry.task_id, entry.intent.name):
                return entry
        return None

    def _known_entry(self, ident: str) -> Entry:
        entry = self._entry(ident)
        if entry is None:
            raise self._not_known(ident)
        return entry

    def _not_known(self, ident: str) -> NotFound:
        return NotFound(
            f"the task {ident!r} was not created by this machine, whose ledger is all that knows its input"
            if self.dialect.is_id(ident)
            else f"no task {ident!r} in this machine's ledger",
            hint="orchctl task list shows what is in it; create it anew with orchctl task create",
        )

    def _task_id(self, ident: str) -> str:
        entry = self._entry(ident)
        if entry is not None and entry.task_id is not None:
            return entry.task_id
        if entry is not None:
            raise Refused(
                f"it is not known whether {ident} was created, so it has no id",
                hint=_how_to_find_out(ident, entry.intent.queue_name, entry.at),
            )
        if not self.dialect.is_id(ident):
            raise self._not_known(ident)
        return ident

    def _as_it_is(self, entry: Entry, *, offline: bool) -> Task:
        if entry.task_id is None:
            return self._in_doubt(entry)
        if offline or entry.seen.get("status") in ENDED:
            return self._dressed(_remembered(entry), entry)
        try:
            task = self.dialect.get_task(entry.task_id)
        except NotFound:
            task = replace(_remembered(entry), status=TaskStatus.DELETED)
        self._remember(entry, task)
        return self._dressed(task, entry)

    def _in_doubt(self, entry: Entry) -> Task:
        task = model.Task(
            id=f"{_DOUBTFUL}{entry.number}",
            status=TaskStatus.UNKNOWN,
            error="whether it was created is not known",
            created_at=entry.at,
        )
        return self._dressed(task, entry)

    def _dressed(self, task: Task, entry: Entry) -> Task:
        """With what only the ledger knows of it."""
        intent = entry.intent
        self._queue_names.setdefault(intent.queue, intent.queue_name)
        return replace(
            task,
            name=intent.name,
            reference=intent.reference,
            payload=self.ledger.shown(intent.payload),
            parent_id=intent.parent_id,
            queue=intent.queue_name,
            priority=task.priority or (Priority(intent.priority) if intent.priority else None),
        )

    def _remember(self, entry: Entry, task: Task) -> None:
        if isinstance(task.status, Unknown):
            return
        seen = _snapshot(task)
        if seen != dict(entry.seen):
            self._write_down(lambda: self.ledger.saw(entry.number, seen))

    def _again(self, entry: Entry, *, name: str | None = None, parent_id: str | None = None) -> NewTask:
        intent = entry.intent
        return model.NewTask(
            queue=intent.queue,
            name=name or intent.name,
            payload=self.ledger.restored(intent.payload),
            priority=Priority(intent.priority) if intent.priority else None,
            reference=intent.reference,
            parent_id=parent_id,
            process_version=intent.version,
        )

    def _say_how_far(self, *, offline: bool) -> None:
        since = self.ledger.since
        begun = "nothing yet" if since is None else f"since {rfc3339(since.replace(microsecond=0))}"
        asked = "; statuses are as they were last seen" if offline else ""
        self._note(
            f"{self.dialect.title} has no list of tasks: this is what this machine created there ({begun}), "
            f"and nothing that others did{asked}"
        )
        doubtful = [entry for entry in self.ledger.entries() if entry.task_id is None]
        if doubtful:
            first = doubtful[0]
            words = _how_to_find_out(f"{_DOUBTFUL}{first.number}", first.intent.queue_name, first.at)
            more = f" ({len(doubtful) - 1} more like it)" if len(doubtful) > 1 else ""
            self._note(f"of {_DOUBTFUL}{first.number} it is not known whether it was created{more}: {words}")
        if self.ledger.damaged:
            self._note(f"{self.ledger.damaged} lines of {self.ledger.path} are damaged and left out")

    def _write_down(self, write: Any) -> None:
        """A ledger that cannot be written after the fact must not look like a failed write on the server."""
        try:
            write()
        except LocalFault as error:
            self._note(f"the ledger does not know of it: {error.message}")

    # What the server knows

    def _process(self, new: NewTask) -> Process:
        """Looked up once a run: a bulk puts many tasks into one process."""
        ident = new.queue if not new.process_version else f"{new.queue}@{new.process_version}"
        if ident not in self._processes:
            try:
                self._processes[ident] = self.dialect.get_process(ident)
            except NoRoute:
                if not self.dialect.is_process_id(new.queue):  # a name, which only that call could look up
                    raise
                self._processes[ident] = model.Process(id=new.queue, name=new.queue)
        return self._processes[ident]

    def _with_queue_name(self, task: Task, *, asked: str | None = None) -> Task:
        return replace(task, queue=self._named_queue(task.queue))

    def _process_name(self, key: str | None) -> str | None:
        return self._named_queue(key)

    def _named_queue(self, key: str | None) -> str | None:
        if key is not None and key not in self._queue_names:
            try:
                self._queue_names[key] = self.dialect.get_queue(key).name
            except OrchctlError:
                self._queue_names[key] = key
        return None if key is None else self._queue_names[key]


def _how_to_find_out(ident: str, process: str, at: datetime) -> str:
    return (
        f"look in the Orchestrator for a task of the process {process!r} created about "
        f"{rfc3339(at.replace(microsecond=0))}; if there is none, send it again with: orchctl task clone {ident}"
    )


def _counted(task: Task) -> TaskStatus:
    return task.status if isinstance(task.status, TaskStatus) else TaskStatus.UNKNOWN


def _snapshot(task: Task) -> dict[str, Json]:
    """What is worth remembering of an answer: all but what the intent has and what may be large."""
    return {
        "status": str(task.status),
        "priority": None if task.priority is None else str(task.priority),
        "output": task.output,
        **{name: getattr(task, name) for name in _SEEN_TEXTS},
        **{
            name: None if getattr(task, name) is None else rfc3339(getattr(task, name))
            for name in _SEEN_TIMES
        },
    }


def _remembered(entry: Entry) -> Task:
    """A task as it was last seen; one that was never looked at has only been created."""
    seen: Mapping[str, Any] = entry.seen
    known: dict[str, Any] = {name: seen.get(name) for name in _SEEN_TEXTS}
    for name in _SEEN_TIMES:
        known[name] = datetime.fromisoformat(seen[name]) if seen.get(name) else None
    known["created_at"] = known["created_at"] or entry.at
    status = seen.get("status")
    priority = seen.get("priority")
    return model.Task(
        id=entry.task_id or f"{_DOUBTFUL}{entry.number}",
        status=TaskStatus(status) if status else TaskStatus.UNKNOWN,
        priority=Priority(priority) if priority in set(Priority) else None,
        output=seen.get("output"),
        **known,
    )
