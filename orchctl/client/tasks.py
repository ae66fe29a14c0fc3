"""Tasks: created, listed, claimed, finished; what was written is read back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.core import Core
from orchctl.dialects.base import Feature
from orchctl.errors import OrchctlError, Refused, Unsupported, UsageFault
from orchctl.model.words import Priority, TaskStatus

if TYPE_CHECKING:
    from orchctl.model import Json, NewTask, Task, TaskChange, TaskFilter

_CLAIM_ATTEMPTS = 1000


class Tasks(Core):
    def create_task(self, new: NewTask, *, read_back: bool = True) -> Task:
        """Create, and read back what the orchestrator made of it."""
        self.require(Feature.CREATE_TASK)
        self._check_extras(new)
        with self._naming("queue", new.queue):
            created = self.dialect.create_task(new)
        if not read_back or created.native is not None:
            return created
        try:
            task = self.dialect.get_task(created.id)
        except OrchctlError as error:
            self._note(f"the task was created, but could not be read back: {error.message}")
            return created
        self._note_not_kept(new, task, "priority", "postponed_until", "deadline", "retries", "parent_id")
        return self._with_queue_name(task, asked=new.queue)

    def check_task(self, new: NewTask) -> None:
        """Raises what would keep it from being created, as far as that can be told without sending it."""
        self.require(Feature.CREATE_TASK)
        self._check_extras(new)

    def list_tasks(self, queue: str | None, wanted: TaskFilter, *, offline: bool = False) -> Iterator[Task]:
        """The queue's tasks that match, in the server's order.

        :raises NotFound: there is no such queue.
        """
        self.require(Feature.LIST_TASKS)
        if queue is None:
            raise UsageFault(
                "which queue?", hint="name it: -q QUEUE; orchctl queue list shows those there are"
            )
        if offline:
            raise Unsupported(
                f"for {self.dialect.title} no ledger is kept here: it lists its tasks itself",
                hint="leave --offline out",
            )
        count = 0
        with self._naming("queue", queue):
            for task in self._paged(lambda cursor: self.dialect.list_tasks(queue, wanted, cursor)):
                count += 1
                if matches(task, wanted):
                    yield self._with_queue_name(task, asked=queue)
            if count == 0:
                self.dialect.get_queue(queue)  # not every server tells an empty queue from none

    def get_task(self, ident: str) -> Task:
        self.require(Feature.GET_TASK)
        return self._with_queue_name(self.dialect.get_task(ident))

    def update_task(
        self, ident: str, change: TaskChange, *, merge: Json = None, read_back: bool = True
    ) -> Task:
        """Change fields; ``merge`` is laid over the payload there is."""
        self.require(Feature.UPDATE_TASK)
        if change.progress is not None and "progress" not in self.dialect.task_extras:
            self.dialect.refuse_field("a task's progress", "put it in the payload or in a comment")
        if merge:
            payload = self.get_task(ident).payload
            if not isinstance(payload, dict | None) or not isinstance(merge, dict):
                raise Refused(
                    "the task's payload is not an object, so nothing can be merged into it",
                    hint="replace it as a whole with --data",
                )
            change = replace(change, payload={**(payload or {}), **merge})
        target = self._task_id(ident)
        self.dialect.update_task(target, change)
        if not read_back:
            return model.Task(id=target, status=TaskStatus.UNKNOWN)
        task = self._read_back(target)
        self._note_not_kept(change, task, "priority", "postponed_until", "deadline", "retries", "name")
        return task

    def next_task(self, queue: str) -> Task | None:
        """The task a robot would get now; it stays where it is."""
        self.require(Feature.NEXT_TASK)
        with self._naming("queue", queue):
            task = self.dialect.next_task(queue)
        return None if task is None else self._with_queue_name(task, asked=queue)

    def take_task(self, queue: str, *, robot: str | None = None) -> Task | None:
        """Claim the next task: in one call where there is one, else by claiming the one that is next.

        Where another taker is faster, the task after it is tried. The claim is then as atomic as the server
        makes it: it has to refuse a second claim of the same task.
        """
        if Feature.TAKE_TASK in self.dialect.features:
            with self._naming("queue", queue):
                taken = self.dialect.take_task(queue, robot)
            return None if taken is None else self._with_queue_name(taken, asked=queue)
        self.require(Feature.CLAIM_TASK)
        for attempt in range(_CLAIM_ATTEMPTS):
            with self._naming("queue", queue):
                task = self.dialect.next_task(queue)
            if task is None:
                return None
            try:
                self.dialect.claim_task(task)
            except Refused:
                self._sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))  # noqa: S311  # jitter, no secret
                continue
            return self._with_queue_name(self._after_write(task.id, task), asked=queue)
        raise Refused(
            f"each of {_CLAIM_ATTEMPTS} tasks was refused when it was claimed",
            hint="see why: orchctl --debug",
        )

    def finish_task(self, ident: str, status: TaskStatus, *, result: Json, reason: str | None) -> Task:
        self.require(Feature.FINISH_TASK)
        task = self.get_task(ident)
        self.dialect.finish_task(task, status, result, reason)
        return self._read_back(task.id)

    def cancel_task(self, ident: str) -> Task:
        self.require(Feature.CANCEL_TASK)
        target = self._task_id(ident)
        self.dialect.cancel_task(target)
        return self._read_back(target)

    def delete_task(self, ident: str) -> None:
        self.require(Feature.DELETE_TASK)
        self.dialect.delete_task(self._task_id(ident))

    def retry_task(self, ident: str) -> Task:
        self.require(Feature.RETRY_TASK)
        task = self.get_task(ident)
        again = self.dialect.retry_task(task)
        after = self._read_back(again or task.id)
        if again is None and after.status is TaskStatus.RETRIED:
            self._note(f"done, but the task that {task.id} is tried again as could not be looked up")
        return after

    def clone_task(self, ident: str, *, name: str | None) -> Task:
        """A new task with the payload and the settings of another one."""
        self.require(Feature.CREATE_TASK)
        task = self.get_task(ident)
        if task.queue is None:
            raise Refused(f"the orchestrator does not say which queue the task {ident!r} lies in")
        new = model.NewTask(
            queue=task.queue,
            name=name or task.name,
            payload=task.payload,
            priority=Priority(task.priority) if task.priority in set(Priority) else None,
            deadline=task.deadline,
            # Where a task's reference is its name, a new name is a new reference.
            reference=None if name and task.reference == task.name else task.reference,
            tags=task.tags or (),
            description=task.description,
            comment=task.comment,
        )
        return self.create_task(new)

    def erase_task(self, ident: str) -> Task:
        self.require(Feature.ERASE_TASK)
        task = self.get_task(ident)
        self.dialect.erase_task(task)
        return self._read_back(task.id)

    def add_task_tags(self, ident: str, tags: tuple[str, ...]) -> Task:
        self.require(Feature.ADD_TASK_TAGS)
        target = self._task_id(ident)
        self.dialect.add_task_tags(target, tags)
        return self._read_back(target)

    def remove_task_tags(self, ident: str, tags: tuple[str, ...]) -> Task:
        self.require(Feature.REMOVE_TASK_TAGS)
        target = self._task_id(ident)
        self.dialect.remove_task_tags(target, tags)
        return self._read_back(target)

    def _check_extras(self, new: NewTask) -> None:
        """:raises Unsupported: there is no place for a field that few orchestrators have."""
        if new.callback is not None and "callback" not in self.dialect.task_extras:
            self.dialect.refuse_field("a callback", "wait for the task with --wait: it polls")
        if new.process_version is not None and "process_version" not in self.dialect.task_extras:
            self.dialect.refuse_field("a version of the process", "its queue or release decides that")

    def _task_id(self, ident: str) -> str:
        """A name becomes the id it stands for now, so that the write and the reading back mean one task."""
        return ident if self.dialect.is_id(ident) else self.dialect.get_task(ident).id

    def _read_back(self, ident: str) -> Task:
        return self._after_write(ident, None)

    def _after_write(self, ident: str, known: Task | None) -> Task:
        """The task after an acknowledged write; failing to read it must not look like a failed write."""
        try:
            return self._with_queue_name(self.dialect.get_task(ident))
        except OrchctlError as error:
            self._note(f"done, but the task could not be read back: {error.message}")
            return known or model.Task(id=ident, status=TaskStatus.UNKNOWN)

    def _with_queue_name(self, task: Task, *, asked: str | None = None) -> Task:
        """Put the queue's name where the answer has its number or GUID; one request a queue and run."""
        key = task.queue or asked
        if key is None:
            return task
        if asked is not None and not self.dialect.is_id(asked) and not asked.isdigit():
            self._queue_names.setdefault(key, asked)  # the server took it as a name
        if key not in self._queue_names:
            try:
                self._queue_names[key] = self.dialect.get_queue(asked or key).name or key
            except OrchctlError:
                self._queue_names[key] = key
        return replace(task, queue=self._queue_names[key])


def matches(task: Task, wanted: TaskFilter) -> bool:
    if wanted.statuses and task.status not in wanted.statuses:
        return False
    if wanted.priority is not None and task.priority != wanted.priority:
        return False
    if wanted.tag is not None and wanted.tag not in (task.tags or ()):
        return False
    if wanted.since is not None and (task.created_at is None or task.created_at < wanted.since):
        return False
    return wanted.until is None or (task.created_at is not None and task.created_at <= wanted.until)
