"""ELMA's tasks as runs, and the log that each of them has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from orchctl import model
from orchctl.config import Context
from orchctl.dialects.base import Page
from orchctl.dialects.elma import wire
from orchctl.dialects.elma.tasks import Reading, job_of_task, native_task
from orchctl.errors import Unsupported
from orchctl.model.words import TaskStatus
from orchctl.sanitize import scrub
from orchctl.transport import Transport

if TYPE_CHECKING:
    from orchctl.model import Job, Json, LogEntry, LogFilter, Task


class Runs(Reading):
    def __init__(self, http: Transport, context: Context) -> None:
        super().__init__(http, context)
        self._zone = ZoneInfo(context.time_zone)

    def get_job(self, ident: str) -> Job:
        """The task as a run: one task is one run on one robot."""
        body, reply = self._read_task(ident)
        task = self._task(body, reply)
        last = _last_line(body)
        return job_of_task(task, info=last if task.error is None else task.error)

    def list_log_entries(self, wanted: LogFilter, cursor: str | None) -> Page[LogEntry]:
        """The log of one task, which the server gives as one text, whole each time."""
        if len(wanted.jobs) != 1:
            raise Unsupported(
                f"{self.title} has no log of its own: each task has one", hint="name one task: --job ID"
            )
        (ident,) = wanted.jobs
        body, reply = self._read_task(ident)
        task = self._task(body, reply)
        log = native_task(body).get("log")
        text = log if isinstance(log, str) else ""
        if task.status == TaskStatus.IN_PROGRESS:
            text = text[: text.rfind("\n") + 1]  # the rest of its last line is still to come
        return Page(self._log(text, task))

    def _log(self, text: str, task: Task) -> Iterator[LogEntry]:
        # The number within the log is all that tells two equal lines apart.
        lines = wire.log_lines(scrub(text), zone=self._zone, start=task.created_at)
        for number, line in enumerate(lines, 1):
            yield model.LogEntry(
                id=f"{task.id}:{number}",
                time=line.time,
                level=line.level,
                message=line.message,
                robot=task.robot,
                process=task.queue,
                job_id=task.id,
                native={"time": line.stamp, "component": line.component, "message": line.message},
            )


def _last_line(body: Mapping[str, Json]) -> str | None:
    text = native_task(body).get("log")
    if not isinstance(text, str) or not text.strip():
        return None
    return scrub(text.strip().splitlines()[-1].rpartition(" | ")[2]) or None
