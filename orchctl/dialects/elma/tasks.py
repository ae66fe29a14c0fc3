"""ELMA's tasks: created, read, cancelled while they are queued, and the files that they made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import NoRoute
from orchctl.dialects.elma import values, wire
from orchctl.dialects.elma.calls import Calls
from orchctl.errors import NotFound, UsageFault
from orchctl.model.words import JobStatus, TaskStatus
from orchctl.transport import Call, Download, Effect, Reply

if TYPE_CHECKING:
    from orchctl.model import Job, Json, NewTask, Process, Task

DEFAULT_CANCEL_PATH = "/v1/orchestra/task/cancel"
_NEVER_RUN = (TaskStatus.PREPARING, TaskStatus.NEW, TaskStatus.CANCELLED)


class Reading(Calls):
    """How a task is read, whichever noun asks."""

    def _read_task(self, ident: str) -> tuple[dict[str, Json], Reply]:
        reply = self._send("/v1/orchestra/task/status", {"id": number_of(ident)}, effect=Effect.READ)
        body = self._answer(reply, absent=f"no task {ident!r}")
        if not isinstance(body.get("task", 0), dict | None):
            raise reply.unintelligible("the answer holds no task")
        if not native_task(body):
            raise NotFound(f"no task {ident!r}")
        return body, reply

    def _task(self, body: Mapping[str, Json], reply: Reply) -> Task:
        native = native_task(body)
        ident = native.get("id")
        if not isinstance(ident, int | str) or not ident:
            raise reply.unintelligible("the answer holds no task")
        status = wire.task_status(native.get("status"))
        metrics = native.get("metrics")
        times = metrics if isinstance(metrics, dict) else {}
        token = native.get("process")
        return model.Task(
            id=str(ident),
            queue=str(token) if token else None,
            status=status,
            priority=wire.priority(native.get("priority")),
            output=wire.nested(native.get("outputCtx")),
            error=wire.failure(native.get("log")) if status == TaskStatus.FAILED else None,
            created_at=wire.moment(native.get("created")),
            started_at=wire.moment(times.get("startTime")),
            ended_at=wire.moment(times.get("endTime")),
            updated_at=wire.moment(native.get("updated")),
            job_id=None if status in _NEVER_RUN else str(ident),
            robot=str(native["bot"]) if native.get("bot") else None,
            native=wire.masked(native),
        )


class Tasks(Reading):
    def check_task(self, new: NewTask, process: Process) -> NewTask:
        """The task as it will be sent, with values of the types that the process declares.

        :raises UsageFault: a variable's name or type is wrong. :raises Unsupported: there is no such field.
        """
        in_payload = "put it into a variable of the process with -p"
        for field, what in (
            ("deadline", "a deadline"),
            ("postponed_until", "a postponement"),
            ("tags", "tags"),
            ("description", "a description"),
            ("comment", "a comment"),
            ("retries", "retries"),
        ):
            if getattr(new, field):
                self.refuse_field(what, in_payload)
        payload = {} if new.payload is None else new.payload
        if process.variables is not None:
            payload = values.converted(
                payload,
                texts=new.texts,
                variables=values.variables_of(process.variables),
                process=process.name,
            )
        elif not isinstance(payload, dict):
            raise UsageFault("the payload of an ELMA task is an object of the process's variables")
        return replace(new, queue=process.id, payload=payload, texts=frozenset())

    def job_of(self, task: Task) -> Job:
        return job_of_task(task)

    def create_task(self, new: NewTask) -> Task:
        """``orchestra/task/create`` (seed 002). ``priority`` is not among its documented parameters."""
        task: dict[str, Json] = {"process": new.queue, "version": new.process_version or 0}
        if new.callback is not None:
            task["callback"] = new.callback
        task["ctx"] = json.dumps(
            {} if new.payload is None else new.payload, ensure_ascii=False, separators=(",", ":")
        )
        if new.priority is not None:
            task["priority"] = wire.PRIORITY_WORD[new.priority]
        reply = self._send("/v1/orchestra/task/create", {"task": task}, effect=Effect.ONCE)
        body = self._answer(reply, absent=f"no process {new.queue!r}, or not that version of it")
        return replace(self._task(body, reply), payload=new.payload)

    def get_task(self, ident: str) -> Task:
        """``orchestra/task/status``."""
        return self._task(*self._read_task(ident))

    def cancel_task(self, ident: str) -> None:
        """The path is unverified: the document lost it. ``cancel-path`` in the context sets another."""
        path = self.context.cancel_path or DEFAULT_CANCEL_PATH
        try:
            reply = self._send(path, {"id": number_of(ident)}, effect=Effect.ONCE)
            body = self._answer(reply, absent=f"no task {ident!r}")
        except NoRoute as error:
            error.hint = (
                "the vendor's document lost this path, and orchctl's is a guess that this server does not know; "
                f"set another: cancel-path in the context {self.context.name!r}"
            )
            raise
        self._check_done(body, reply)

    def download_task_file(self, ident: str, filename: str, start: int) -> Download:
        """``repository/task/download``: its key for the task is ``taskid``. The answer is the file itself."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        body = self.signed({"taskid": number_of(ident), "filename": filename})
        call = Call(
            method="POST",
            path="/v1/repository/task/download",
            effect=Effect.READ,
            json=body,
            headers=headers,
            raw=True,
        )
        download = self.http.download(call)
        try:
            self._check_file(download, f"the task {ident} has no file {filename!r}")
        except BaseException:
            download.close()
            raise
        return download


def job_of_task(task: Task, *, info: str | None = None) -> Job:
    """A task seen as the run that it is."""
    if task.status in wire.JOB_STATUS:
        status: Any = wire.JOB_STATUS[TaskStatus(task.status)]
    else:
        status = JobStatus.UNKNOWN if isinstance(task.status, TaskStatus) else task.status
    return model.Job(
        id=task.id,
        status=status,
        process=task.queue,
        robot=task.robot,
        task_id=task.id,
        priority=task.priority,
        created_at=task.created_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
        info=info,
        input=task.payload,
        output=task.output,
        native=task.native,
    )


def native_task(body: Mapping[str, Json]) -> dict[str, Any]:
    task = body.get("task")
    return task if isinstance(task, dict) else {}


def number_of(ident: str) -> int:
    if not (ident.isascii() and ident.isdigit()) or len(ident) > 18:
        raise NotFound(
            f"no task {ident!r}", hint="an ELMA task's id is a number; orchctl task list shows yours"
        )
    return int(ident)
