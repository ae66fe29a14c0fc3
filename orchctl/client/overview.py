"""What goes on at an orchestrator, at one glance: its queues, its robots, and the jobs that matter now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from orchctl import model
from orchctl.client.following import Follows
from orchctl.client.robots import Robots
from orchctl.client.waiting import JOB_ENDED
from orchctl.dialects.base import Feature
from orchctl.errors import NotAllowed, Unsupported
from orchctl.model.words import JobStatus, RobotStatus, TaskStatus, Unknown

if TYPE_CHECKING:
    from orchctl.model import Job, QueueStats, Robot, Task

T = TypeVar("T")

HOUR = timedelta(hours=1)
BUCKETS = 12
"""The hour that lies behind is told in so many parts."""

_WAITING = frozenset({TaskStatus.NEW, TaskStatus.PREPARING})
_FAILED = frozenset({TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS})
_DONE_OR_FAILED = _FAILED | {TaskStatus.SUCCESS}
_RUNNING = (JobStatus.IN_PROGRESS, JobStatus.STOPPING, JobStatus.ABORTING, JobStatus.SUSPENDED)
_FAILED_JOBS = (JobStatus.FAILED, JobStatus.ABORTED)
# A job that failed within the hour was created before that; so long ago at most.
_LONGEST_JOB = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """``history`` is how many were done or failed in each of the twelve parts of the last hour, the oldest first.

    The three that look back are ``None`` where the orchestrator counts tasks and does not tell when they ended.
    """

    queue: str
    total: int
    new: int = 0
    in_progress: int = 0
    postponed: int = 0
    success: int = 0
    failed: int = 0
    other: int = 0
    oldest_waiting_at: datetime | None = None
    done_last_hour: int | None = None
    failed_last_hour: int | None = None
    history: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotView:
    """``job`` is the process that it runs, ``job_id`` which run of it."""

    id: str
    name: str
    status: RobotStatus | Unknown
    job: str | None = None
    job_id: str | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job that runs, or failed within the last hour."""

    id: str
    status: JobStatus | Unknown
    process: str | None = None
    robot: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What there is of each kind. ``missing`` says why a kind cannot be told, by its name."""

    at: datetime
    queues: tuple[QueueView, ...] = ()
    robots: tuple[RobotView, ...] = ()
    jobs: tuple[JobView, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


class Overviews(Follows, Robots):
    def overview(self) -> Overview:
        """How things stand now. A kind that this orchestrator or credential does not show is left out."""
        now = self._now()
        missing: dict[str, str] = {}
        queues = self._part("queues", lambda: self._queue_views(now), missing)
        jobs = self._part("jobs", lambda: self._jobs_of_interest(now), missing)
        robots = self._part("robots", self.list_robots, missing)
        running: dict[str | None, Job] = {
            job.robot: job for job in jobs if job.robot and job.status not in JOB_ENDED
        }
        return Overview(
            at=now,
            queues=queues,
            robots=tuple(_robot_view(robot, running) for robot in robots),
            jobs=tuple(_job_view(job) for job in jobs),
            missing=missing,
        )

    def _part(self, name: str, find: Callable[[], Iterable[T]], missing: dict[str, str]) -> tuple[T, ...]:
        try:
            return tuple(find())
        except (Unsupported, NotAllowed) as error:
            missing[name] = error.message
            return ()

    def _queue_views(self, now: datetime) -> Iterator[QueueView]:
        if self.dialect.needs_ledger:
            tasks: dict[str, list[Task]] = {}
            for task in self.list_tasks(None, model.TaskFilter()):
                tasks.setdefault(task.queue or "", []).append(task)
            for name, found in tasks.items():
                yield _counted(name, found, now)
        elif Feature.COUNT_TASKS in self.dialect.features:
            for stats in self._counted_by_server(None):
                yield self._view_of(stats)
        else:
            for queue in self.list_queues():
                yield _counted(queue.name, self._tasks_of(queue.id), now)

    def _tasks_of(self, queue: str) -> Iterator[Task]:
        return self._paged(lambda cursor: self.dialect.list_tasks(queue, model.TaskFilter(), cursor))

    def _view_of(self, stats: QueueStats) -> QueueView:
        """Where a server counts, its lists are in the order of creation: the first that waits is the oldest."""
        oldest: Task | None = None
        if stats.counts.get(TaskStatus.NEW):
            oldest = next(self.list_tasks(stats.queue, model.TaskFilter(statuses=(TaskStatus.NEW,))), None)
        since = oldest.created_at if oldest else None
        return _view(stats.queue, stats.counts, total=stats.total, oldest=since)

    def _jobs_of_interest(self, now: datetime) -> Iterator[Job]:
        self.require(Feature.LIST_JOBS)
        if self.dialect.filters_jobs:
            yield from self.list_jobs(model.JobFilter(statuses=_RUNNING))
            ended: Iterable[Job] = self.list_jobs(
                model.JobFilter(statuses=_FAILED_JOBS, since=now - _LONGEST_JOB)
            )
        else:
            ended = self.list_jobs(model.JobFilter(statuses=(*_RUNNING, *_FAILED_JOBS)))
        for job in ended:
            end = job.ended_at or job.created_at
            if job.status in _RUNNING or (end is not None and now - end <= HOUR):
                yield job


def _counted(name: str, tasks: Iterable[Task], now: datetime) -> QueueView:
    counts: Counter[str] = Counter()
    history = [0] * BUCKETS
    done = failed = 0
    oldest: datetime | None = None
    for task in tasks:
        counts[task.status] += 1
        created = task.created_at
        if task.status in _WAITING:
            if created is not None and (oldest is None or created < oldest):
                oldest = created
        elif task.status in _DONE_OR_FAILED:
            age = now - (task.ended_at or task.updated_at or now - 2 * HOUR)
            if age < HOUR:
                history[BUCKETS - 1 - max(0, int(age / HOUR * BUCKETS))] += 1
                done += task.status == TaskStatus.SUCCESS
                failed += task.status in _FAILED
    return _view(
        name, counts, total=counts.total(), oldest=oldest, done=done, failed=failed, history=tuple(history)
    )


def _view(
    name: str,
    counts: Mapping[TaskStatus, int] | Mapping[str, int],
    *,
    total: int,
    oldest: datetime | None,
    done: int | None = None,
    failed: int | None = None,
    history: tuple[int, ...] | None = None,
) -> QueueView:
    number: Mapping[str, int] = {str(status): count for status, count in counts.items()}
    shown = {
        "new": number.get("new", 0),
        "in_progress": number.get("in-progress", 0),
        "postponed": number.get("postponed", 0),
        "success": number.get("success", 0),
        "failed": number.get("failed", 0) + number.get("failed-business", 0),
    }
    return QueueView(
        queue=name,
        total=total,
        other=total - sum(shown.values()),
        oldest_waiting_at=oldest,
        done_last_hour=done,
        failed_last_hour=failed,
        history=history,
        **shown,
    )


def _robot_view(robot: Robot, running: Mapping[str | None, Job]) -> RobotView:
    job = running.get(robot.name) or running.get(robot.id)
    return RobotView(
        id=robot.id,
        name=robot.name,
        status=robot.status,
        job=None if job is None else job.process or job.id,
        job_id=None if job is None else job.id,
        last_seen_at=robot.last_seen_at,
    )


def _job_view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        status=job.status,
        process=job.process,
        robot=job.robot,
        started_at=job.started_at or job.created_at,
        ended_at=job.ended_at,
        info=job.info,
    )
