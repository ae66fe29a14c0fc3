"""Sherpa's tasks."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import ABSENT, DEFAULT_CAP, Calls
from orchctl.dialects.sherpa.wire import Record, dump, given, id_of, join_tags, split_tags, stamp, unwrapped
from orchctl.errors import NotFound, Refused
from orchctl.model.words import Priority, TaskStatus
from orchctl.transport import Call, Effect, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchctl.model import Json

# Seed 000.
TASK_STATUS = {
    0: TaskStatus.NEW,
    1: TaskStatus.IN_PROGRESS,
    2: TaskStatus.SUCCESS,
    3: TaskStatus.FAILED,
    4: TaskStatus.FAILED_BUSINESS,
    5: TaskStatus.POSTPONED,
    6: TaskStatus.ABANDONED,
}
_STATUS_NUMBER = {word: number for number, word in TASK_STATUS.items()}
_FINAL = frozenset({TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS, TaskStatus.ABANDONED})

# Only the names are documented; the numbers are inferred from the examples (1 where the form says Normal).
_PRIORITY = {0: Priority.LOW, 1: Priority.NORMAL, 2: Priority.HIGH}
_PRIORITY_NUMBER = {word: number for number, word in _PRIORITY.items()}

_NOT_FOUND = frozenset({404})


class Tasks(Calls):
    def create_task(self, new: model.NewTask) -> model.Task:
        """``POST /api/task/create`` (seed 000). Priority, Postponed and ParentTask are unverified names."""
        if new.reference is not None:
            self.refuse_field(
                "a reference", "put it in the task's --name: a queue may insist on unique names"
            )
        name = new.name or f"task-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        fields = {
            "queue_guid": new.queue,
            "name": name,
            "parameters": dump({} if new.payload is None else new.payload),
            **self._extras(new),
            **given(Tags=join_tags(new.tags) or None, ParentTask=new.parent_id),
        }
        return model.Task(
            id=self._create("task", fields, coded=True),
            name=name,
            queue=new.queue,
            status=TaskStatus.POSTPONED if new.postponed_until else TaskStatus.NEW,
            payload=new.payload,
            tags=new.tags or None,
            deadline=new.deadline,
            postponed_until=new.postponed_until,
            priority=new.priority,
            description=new.description,
            comment=new.comment,
            parent_id=new.parent_id,
        )

    def list_tasks(self, queue: str, wanted: model.TaskFilter, cursor: str | None) -> Page[model.Task]:
        """``POST /api/task/filter/list/{queue}``: path and body both name the queue; its filters are unknown."""
        path = f"/api/task/filter/list/{quote(queue)}"
        call = self._call("POST", path, {"Name": queue}, effect=Effect.READ)
        return Page(self._stream(call, self._task), suspicious_size=DEFAULT_CAP)

    def get_task(self, ident: str) -> model.Task:
        """``GET /api/task/read/{guid or name}``; the reference's other reading is a Guid parameter."""
        reply = self.http.send(
            Call(method="GET", path=f"/api/task/read/{quote(ident)}", effect=Effect.READ, accept=ABSENT)
        )
        if reply.status == 404:
            call = Call(
                method="GET",
                path="/api/task/read",
                query={"Guid": ident},
                effect=Effect.READ,
                accept=ABSENT,
            )
            reply = self.http.send(call)
        return self._task(self._found(reply, "task", ident))

    def update_task(self, ident: str, change: model.TaskChange) -> None:
        """``PUT /api/task/update`` (seed 000). Postponing needs the time and status 5 both."""
        status = change.status
        if status is None and change.postponed_until is not None:
            status = TaskStatus.POSTPONED
        fields = {
            **given(
                name=change.name,
                queue_guid=change.queue,
                parameters=dump(change.payload) if change.payload is not None else None,
                JobGUID=change.job_id,
            ),
            **self._extras(change),
        }
        self._put_task(ident, fields, status)

    def next_task(self, queue: str) -> model.Task | None:
        """``GET /api/queue/lastTask/{queue}`` (seed 000): the next task to take, in spite of its name.

        How the server says "nothing" is not documented: 204, a 404, ``[]``, ``{}``, ``null``, ``""`` and
        ``false`` all do.
        """
        path = f"/api/queue/lastTask/{quote(queue)}"
        reply = self.http.send(Call(method="GET", path=path, effect=Effect.READ, accept=ABSENT))
        if reply.status == 404:
            self.get_queue(queue)  # a queue that is not there is no empty queue
            return None
        if reply.empty:
            return None
        data = unwrapped(reply.data(noise=True))
        if isinstance(data, list) and len(data) == 1:
            data = data[0]
        if not data:
            return None
        if not isinstance(data, dict):
            raise reply.unintelligible("a task was expected")
        self._no_refusal(data)
        return self._task(data)

    def claim_task(self, task: model.Task) -> None:
        self._put_task(task.id, {}, TaskStatus.IN_PROGRESS)

    def finish_task(self, task: model.Task, status: TaskStatus, result: Json, reason: str | None) -> None:
        """Sherpa has no field for a result: it goes into the parameters under ``output`` (unverified)."""
        fields: dict[str, Json] = {}
        if result is not None:
            if not isinstance(task.payload, dict | None):
                raise Refused(
                    "the task's payload is not an object, so there is no place for a result in it",
                    hint="finish it without --result, or give the task an object as payload",
                )
            fields["parameters"] = dump({**(task.payload or {}), "output": result})
        if reason is not None:
            fields["Comment"] = reason
        self._put_task(task.id, fields, status)

    def cancel_task(self, ident: str) -> None:
        """Sherpa has no cancel; Abandoned is the status that ends a task nobody will do."""
        self._put_task(ident, {}, TaskStatus.ABANDONED)

    def delete_task(self, ident: str) -> None:
        """``DELETE /api/task/delete/{guid}``; the reference also shows Guid as a parameter."""
        path = f"/api/task/delete/{quote(ident)}"
        call = Call(method="DELETE", path=path, effect=Effect.IDEMPOTENT, accept=_NOT_FOUND)
        reply = self.http.send(call)
        if reply.status == 404:
            call = Call(
                method="DELETE",
                path="/api/task/delete",
                query={"Guid": ident},
                json={"Guid": ident},
                effect=Effect.IDEMPOTENT,
                accept=ABSENT,
            )
            reply = self.http.send(call)
            if reply.status in ABSENT:
                raise NotFound(f"no task {ident!r}", hint=self._name_hint("task", ident))
        self._acknowledged(reply)

    def retry_task(self, task: model.Task) -> str | None:
        """New again; or, where the queue repeats tasks, a child task, as the server itself makes one then."""
        queue = self._queue_of(task)
        if queue is None or not queue.max_retries:
            self._put_task(task.id, {}, TaskStatus.NEW)
            return None
        retries = (task.retries or 0) + 1
        child = model.NewTask(
            queue=queue.id,
            name=f"{task.name} (retry {retries})" if queue.unique_tasks else task.name,
            payload=task.payload,
            priority=Priority(task.priority) if task.priority in _PRIORITY_NUMBER else None,
            deadline=task.deadline,
            tags=task.tags or (),
            description=task.description,
            retries=retries,
            parent_id=task.id,
        )
        return self.create_task(child).id

    def _queue_of(self, task: model.Task) -> model.Queue | None:
        try:
            return None if task.queue is None else self.get_queue(task.queue)
        except NotFound:
            return None

    def erase_task(self, task: model.Task) -> None:
        self._put_task(task.id, {"parameters": "{}"}, None)

    def add_task_tags(self, ident: str, tags: tuple[str, ...]) -> None:
        """``PUT /api/task/addTag``."""
        self._tag("PUT", "/api/task/addTag", ident, tags)

    def remove_task_tags(self, ident: str, tags: tuple[str, ...]) -> None:
        """``DELETE /api/task/removeTag``, with a body."""
        self._tag("DELETE", "/api/task/removeTag", ident, tags)

    def _tag(self, method: str, path: str, ident: str, tags: tuple[str, ...]) -> None:
        fields: dict[str, Json] = {"TaskGuid": ident, "TagNames": join_tags(tags)}
        self._acknowledged(self.http.send(self._call(method, path, fields, effect=Effect.IDEMPOTENT)))

    def _put_task(self, ident: str, fields: Mapping[str, Json], status: TaskStatus | None) -> None:
        # Sent twice, these two do harm: a second claim is refused, and between two "new again" a robot may
        # have done the task already.
        once = status in (TaskStatus.IN_PROGRESS, TaskStatus.NEW)
        number = None if status is None else self._status_number(status)
        self._update(
            "task",
            {"guid": ident, **fields, **given(status=number)},
            coded=True,
            effect=Effect.ONCE if once else Effect.IDEMPOTENT,
        )

    def _status_number(self, status: TaskStatus) -> int:
        if status not in _STATUS_NUMBER:
            self.refuse_field(f"the status {status}", f"its task statuses are: {', '.join(_STATUS_NUMBER)}")
        return _STATUS_NUMBER[status]

    def _extras(self, fields: model.NewTask | model.TaskChange) -> dict[str, Json]:
        """What the vendor's code does not show: the reference's spelling, or an inferred one."""
        return given(
            Description=fields.description,
            Comment=fields.comment,
            Deadline=stamp(fields.deadline, self._zone),
            Retries=fields.retries,
            # Unverified: the form has these two fields, the API's names for them are nowhere written.
            Priority=None if fields.priority is None else _PRIORITY_NUMBER[fields.priority],
            Postponed=stamp(fields.postponed_until, self._zone),
        )

    def _task(self, native: dict[str, Any]) -> model.Task:
        return read_task(native, self._zone)


def read_task(native: dict[str, Any], zone: tzinfo, *, ident: str | None = None) -> model.Task:
    """``ident``: what stands for an id that the answer need not hold."""
    record = Record(native, zone)
    status = record.word(TASK_STATUS, "status")
    payload = record.nested("parameters")
    output = None
    if status in _FINAL and isinstance(payload, dict) and "output" in payload:
        payload = dict(payload)
        output = payload.pop("output")
    return model.Task(
        id=id_of(record, known=ident),
        name=record.text("name"),
        queue=record.text("queuename", "queueid", "queueguid"),
        status=TaskStatus.UNKNOWN if status is None else status,
        priority=record.word(_PRIORITY, "priority"),
        payload=payload,
        output=output,
        tags=split_tags(record.text("tags")),
        comment=record.text("comment"),
        description=record.text("description"),
        created_at=record.time("created", "createdat"),
        started_at=record.time("started", "startedat"),
        ended_at=record.time("ended", "finished", "endedat", "finishedat"),
        updated_at=record.time("updated", "updatedat"),
        postponed_until=record.time("postponed"),
        deadline=record.time("deadline"),
        retries=record.number("retries"),
        parent_id=record.reference("parenttask"),
        job_id=record.reference("jobguid", "jobid"),
        native=native,
    )
