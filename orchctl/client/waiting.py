"""Waiting until something has ended: polls that grow rarer, a limit, and the truth about each at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum, auto
from shlex import join, quote
from typing import TYPE_CHECKING, Generic, TypeVar

from orchctl import model
from orchctl.client.jobs import Jobs
from orchctl.client.logs import Logs
from orchctl.client.queues import Queues
from orchctl.dialects.base import Feature
from orchctl.errors import NetworkFault, NotFound, OrchctlError, Unavailable, WaitFailed, WaitTimedOut
from orchctl.model.words import JobStatus, TaskStatus
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.model import Job, LogFilter, NewJob, NewTask, QueueStats, Task

T = TypeVar("T")

FIRST_PAUSE = 0.5
GROWTH = 1.5
LONGEST_PAUSE = 10.0
# In a row, for one object, and each after all that the transport itself has tried.
LOST_POLLS = 4

ENDED = frozenset(
    {
        TaskStatus.SUCCESS,
        TaskStatus.FAILED,
        TaskStatus.FAILED_BUSINESS,
        TaskStatus.ABANDONED,
        TaskStatus.CANCELLED,
        TaskStatus.RETRIED,
        TaskStatus.DELETED,
    }
)

JOB_ENDED = frozenset({JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.ABORTED})

_OPEN = frozenset({TaskStatus.NEW, TaskStatus.IN_PROGRESS, TaskStatus.POSTPONED, TaskStatus.PREPARING})
# What surely comes after another status: a change that was too fast for two looks has happened all the same.
_WORKED_ON = frozenset(
    {TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS, TaskStatus.RETRIED}
)
_RAN = frozenset({JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.SUSPENDED})
_AFTER: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.CREATED: frozenset(JobStatus),
    JobStatus.PENDING: frozenset(JobStatus) - {JobStatus.CREATED, JobStatus.UNKNOWN},
    JobStatus.STOPPING: frozenset({JobStatus.STOPPED}),
    JobStatus.ABORTING: frozenset({JobStatus.ABORTED}),
}
_LAST_WORDS = 5


class Verdict(Enum):
    """What one look says about the thing that is waited for."""

    NOT_YET = auto()
    REACHED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited(Generic[T]):
    """Each object as it was last seen, in the order asked for, and the error that the wait ends with."""

    found: list[T]
    failure: OrchctlError | None


class Waits(Queues, Jobs, Logs):
    def wait_for(
        self,
        idents: Sequence[str],
        *,
        read: Callable[[str], T],
        judge: Callable[[T], Verdict],
        describe: Callable[[T], str],
        timeout: float | None,
        any_one: bool = False,
        sleep: Callable[[float], None] | None = None,
        failure: Callable[[str, T], OrchctlError] | None = None,
        again: Sequence[str] = ("task", "wait"),
        options: Sequence[str] = (),
        when_gone: Verdict = Verdict.FAILED,
    ) -> Waited[T]:
        """Look at each until ``judge`` has said REACHED or FAILED of it, or ``timeout`` seconds are over.

        ``any_one``: only until that is said of one. ``describe`` words what is last known, ``failure`` what
        failed, ``again`` and ``options`` how to wait on. One that is not there, or not any more, has ended. A
        ``sleep`` of its own may end early, when there is reason to look.

        :raises OrchctlError: of what ends a wait at once, such as a credential that is not accepted.
        """
        ends = None if timeout is None else self._clock() + timeout
        open_ones = dict.fromkeys(idents, 0)

        def wait_on() -> str:
            any_word = ["--any"] if any_one else []
            return join(["orchctl", *again, *open_ones, *options, *any_word])

        found: dict[str, T] = {}
        failed: dict[str, OrchctlError] = {}
        reached: set[str] = set()
        pause = FIRST_PAUSE
        while True:
            alone = 0.0
            for ident in list(open_ones):
                try:
                    with self._until(ends):
                        found[ident] = read(ident)
                except NotFound as error:
                    if when_gone is Verdict.FAILED:
                        failed[ident] = error
                    else:
                        reached.add(ident)
                    del open_ones[ident]
                    continue
                except (NetworkFault, Unavailable) as error:
                    open_ones[ident] += 1
                    if ends is not None and self._clock() >= ends:
                        break
                    if open_ones[ident] > LOST_POLLS:
                        go_on_with(error, wait_on())
                        raise
                    self._note(f"{ident}: {error.message}; the wait goes on")
                    if isinstance(error, Unavailable) and error.wait:
                        alone = error.wait
                        break  # of the others it would say the same
                    continue
                open_ones[ident] = 0
                verdict = judge(found[ident])
                if verdict is Verdict.FAILED:
                    words = f"{ident} {describe(found[ident])}"
                    failed[ident] = failure(words, found[ident]) if failure else WaitFailed(words)
                elif verdict is Verdict.REACHED:
                    reached.add(ident)
                if verdict is not Verdict.NOT_YET:
                    del open_ones[ident]
            if not open_ones or (any_one and (reached or failed)):
                break
            left = pause if ends is None else ends - self._clock()
            if left <= 0:
                break
            # Where there is no end, the transport has waited as long as it may: what it gave up is a lost poll.
            (sleep or self._sleep)(min(max(pause, alone), left))
            pause = min(LONGEST_PAUSE, pause * GROWTH)
        if any_one and (reached or failed):
            shown = [ident for ident in idents if ident in reached or ident in failed]
            return Waited(
                found=[found[ident] for ident in shown if ident in found],
                failure=None if reached else _summary(failed, {}, timeout=timeout, wait_on=wait_on()),
            )
        last = {ident: describe(found[ident]) if ident in found else "was never seen" for ident in open_ones}
        return Waited(
            found=[found[ident] for ident in idents if ident in found],
            failure=_summary(failed, last, timeout=timeout, wait_on=wait_on()),
        )

    def wait_tasks(
        self,
        idents: Sequence[str],
        *,
        until: TaskStatus | None = None,
        timeout: float | None = None,
        any_one: bool = False,
        sleep: Callable[[float], None] | None = None,
    ) -> Waited[Task]:
        """Wait until each task, or the first, has ended or has been in the status ``until``."""
        self.require(Feature.GET_TASK)
        newest: dict[str, str] = {}

        def read(ident: str) -> Task:
            """The task, or what a retry made of it, for one that was tried again has not ended."""
            task = self.get_task(newest.get(ident, ident))
            if task.status is not TaskStatus.RETRIED or until is TaskStatus.RETRIED:
                return task
            attempt = self.dialect.last_attempt(task)
            if attempt is None:
                return task
            newest[ident] = attempt
            self._note(f"{ident} is tried again as {attempt}; waiting for that")
            return self.get_task(attempt)

        def judge(task: Task) -> Verdict:
            if until is not None and _task_has_been(task, until):
                return Verdict.REACHED
            if task.status not in ENDED:
                return Verdict.NOT_YET
            reached = until is None and task.status == TaskStatus.SUCCESS
            return Verdict.REACHED if reached else Verdict.FAILED

        def describe(task: Task) -> str:
            words = f"is {task.status}" + (f": {task.error}" if task.error else "")
            gone_by = until is not None and task.status in ENDED
            return f"{words}, and will not be {until}" if gone_by else words

        def failure(words: str, task: Task) -> OrchctlError:
            hint = f"see more: orchctl task get {quote(task.id)} -o yaml"
            if task.job_id is not None:
                hint = f"see its log: orchctl job logs {quote(task.job_id)} -n 50"
            jobs = () if task.job_id is None else (task.job_id,)
            return WaitFailed(
                words, hint=hint, notes=self._last_words(model.LogFilter(jobs=jobs)) if jobs else ()
            )

        return self.wait_for(
            idents,
            read=read,
            judge=judge,
            describe=describe,
            timeout=timeout,
            any_one=any_one,
            sleep=sleep,
            failure=failure,
            options=_for(until),
            when_gone=Verdict.REACHED if until is TaskStatus.DELETED else Verdict.FAILED,
        )

    def wait_jobs(
        self,
        idents: Sequence[str],
        *,
        until: JobStatus | None = None,
        timeout: float | None = None,
        any_one: bool = False,
    ) -> Waited[Job]:
        """Wait until each job, or the first, has ended or has been in the status ``until``."""
        self.require(Feature.GET_JOB)

        def judge(job: Job) -> Verdict:
            if until is not None and _job_has_been(job, until):
                return Verdict.REACHED
            if job.status not in JOB_ENDED:
                return Verdict.NOT_YET
            reached = until is None and job.status == JobStatus.SUCCESS
            return Verdict.REACHED if reached else Verdict.FAILED

        def describe(job: Job) -> str:
            words = f"is {job.status}" + (f": {job.info}" if job.info else "")
            gone_by = until is not None and job.status in JOB_ENDED
            return f"{words}, and will not be {until}" if gone_by else words

        def failure(words: str, job: Job) -> OrchctlError:
            hint = f"see its log: orchctl job logs {quote(job.id)} -n 50"
            return WaitFailed(words, hint=hint, notes=self._last_words(model.LogFilter(jobs=(job.id,))))

        return self.wait_for(
            idents,
            read=self.get_job,
            judge=judge,
            describe=describe,
            timeout=timeout,
            any_one=any_one,
            failure=failure,
            again=("job", "wait"),
            options=_for(until),
        )

    def wait_queue_empty(self, ident: str, *, timeout: float | None = None) -> Waited[QueueStats]:
        """Wait until no task of a queue is still to be done or being done."""
        self.require(Feature.LIST_TASKS)

        def open_tasks(stats: QueueStats) -> list[str]:
            counts = [(status, stats.counts.get(status, 0)) for status in TaskStatus if status in _OPEN]
            return [f"{count} {status}" for status, count in counts if count]

        return self.wait_for(
            [ident],
            read=self.queue_stats,
            judge=lambda stats: Verdict.NOT_YET if open_tasks(stats) else Verdict.REACHED,
            describe=lambda stats: f"holds {', '.join(open_tasks(stats)) or 'no open task'}",
            timeout=timeout,
            again=("queue", "wait"),
            options=("--for", "empty"),
        )

    def create_task_and_wait(
        self, new: NewTask, *, timeout: float | None = None, listen: str | None = None
    ) -> Waited[Task]:
        """Create, and wait for its end. At the address ``listen`` the server may tell it first; polls go on."""
        if listen is None:
            return self._wait_for_new(self.create_task(new), timeout=timeout)
        self._check_extras(replace(new, callback=listen))
        from orchctl.client.listening import listening

        with listening(listen, towards=self.dialect.context.url) as bell:
            task = self.create_task(replace(new, callback=bell.url))
            return self._wait_for_new(task, timeout=timeout, sleep=bell.wait)

    def create_job_and_wait(self, new: NewJob, *, timeout: float | None = None) -> Waited[Job]:
        job = self.create_job(new)
        self._note(f"{job.id} is created; waiting for its end")
        return self.wait_jobs([job.id], timeout=timeout)

    def _wait_for_new(
        self, task: Task, *, timeout: float | None, sleep: Callable[[float], None] | None = None
    ) -> Waited[Task]:
        self._note(f"{task.id} is created; waiting for its end")
        return self.wait_tasks([task.id], timeout=timeout, sleep=sleep)

    def _until(self, ends: float | None) -> AbstractContextManager[None]:
        """Requests inside end when a wait does, and not after all of their own retries."""
        return nullcontext() if ends is None else self.dialect.http.within(max(0.1, ends - self._clock()))

    def _last_words(self, wanted: LogFilter) -> list[str]:
        """The last lines of a log, as far as they can be had."""
        if Feature.LIST_LOG_ENTRIES not in self.dialect.features:
            return []
        try:
            entries = self.tail_log(wanted, _LAST_WORDS)
        except OrchctlError:
            return []
        lines = [
            f"{rfc3339(entry.time)} {entry.level}: {line}"
            for entry in entries
            for line in entry.message.splitlines()
        ]
        return lines[-2 * _LAST_WORDS :]


def go_on_with(error: OrchctlError, command: str) -> None:
    """What polled in vain leaves to its user: the command that goes on."""
    error.hint = f"{f'{error.hint}; then ' if error.hint else ''}go on with: {command}"


def _for(status: TaskStatus | JobStatus | None) -> Sequence[str]:
    return () if status is None else ("--for", status)


def _task_has_been(task: Task, status: TaskStatus) -> bool:
    """Is it, or was it between two looks, in this status?"""
    if task.status == status:
        return True
    if status not in (TaskStatus.NEW, TaskStatus.IN_PROGRESS):
        return False
    was_taken = task.started_at is not None or task.status in _WORKED_ON
    return was_taken or (status is TaskStatus.NEW and task.status is TaskStatus.IN_PROGRESS)


def _job_has_been(job: Job, status: JobStatus) -> bool:
    if job.status == status:
        return True
    if status is JobStatus.IN_PROGRESS:
        return job.started_at is not None or job.status in _RAN
    return job.status in _AFTER.get(status, ())


def _summary(
    failed: Mapping[str, OrchctlError], last: Mapping[str, str], *, timeout: float | None, wait_on: str
) -> OrchctlError | None:
    """One error for all: of what failed first, then of what is not there, then of what still runs."""
    worst = sorted(failed.values(), key=lambda error: isinstance(error, NotFound))
    if worst:
        first = worst[0]
        others = [error.message for error in failed.values() if error is not first]
        others += [f"{ident} {words}, and the wait is over" for ident, words in last.items()]
        return type(first)(first.message, hint=first.hint, notes=[*others, *first.notes])
    if last:
        ident, words = next(iter(last.items()))
        message = f"after {timeout:g} s, {ident} {words}"
        if len(last) > 1:
            message += f", and {len(last) - 1} more have not ended"
        return WaitTimedOut(message, hint=f"wait on with: {wait_on}")
    return None
