"""Queues, and how many tasks are in each status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.tasks import Tasks
from orchctl.dialects.base import Feature
from orchctl.model.words import TaskStatus

if TYPE_CHECKING:
    from orchctl.model import NewQueue, Queue, QueueChange, QueueStats

_QUEUE = "queue"


class Queues(Tasks):
    def create_queue(self, new: NewQueue) -> Queue:
        self.require(Feature.CREATE_QUEUE)
        created = self.dialect.create_queue(new)
        self.registry.remember(_QUEUE, {created.id: created.name})
        if created.native is not None:
            return created
        queue = self._after("queue", lambda: self.dialect.get_queue(created.id), created)
        self._note_not_kept(new, queue, "unique_tasks", "auto_change_status", "max_retries")
        return queue

    def list_queues(self) -> Iterator[Queue]:
        """All queues, or, where the server has no list of them, those this machine has seen."""
        self.require(Feature.LIST_QUEUES)
        return self._listed(self.dialect.list_queues, _QUEUE, self.dialect.get_queue)

    def get_queue(self, ident: str) -> Queue:
        self.require(Feature.GET_QUEUE)
        return self._find(_QUEUE, ident, self.dialect.get_queue)

    def update_queue(self, ident: str, change: QueueChange) -> Queue:
        self.require(Feature.UPDATE_QUEUE)
        target = self.get_queue(ident).id
        self.dialect.update_queue(target, change)
        queue = self._after("queue", lambda: self.get_queue(target), model.Queue(id=target, name=""))
        self._note_not_kept(change, queue, "name", "unique_tasks", "auto_change_status", "max_retries")
        return queue

    def delete_queue(self, ident: str) -> None:
        self.require(Feature.DELETE_QUEUE)
        target = self.get_queue(ident).id
        self.dialect.delete_queue(target)
        self.registry.forget(_QUEUE, target)

    @property
    def counts_tasks(self) -> bool:
        """Does the server count them, so that they need not all be listed for it?"""
        return Feature.COUNT_TASKS in self.dialect.features

    def queue_stats(self, ident: str) -> QueueStats:
        """Tasks by status, counted one by one where the server does not count them."""
        if Feature.COUNT_TASKS in self.dialect.features:
            for stats in self._counted_by_server(ident):
                self._note_roughly()
                return stats
            # No document says that a queue without tasks is in the report.
            return model.QueueStats(queue=self.get_queue(ident).name, total=0, counts={})
        name = self.get_queue(ident).name
        counts = Counter(TaskStatus(task.status) for task in self.list_tasks(ident, model.TaskFilter()))
        return model.QueueStats(queue=name, total=counts.total(), counts=counts)

    def all_queue_stats(self) -> Iterator[QueueStats]:
        if Feature.COUNT_TASKS in self.dialect.features:
            for stats in self._counted_by_server(None):
                self._note_roughly()
                yield stats
            return
        for queue in self.list_queues():
            yield self.queue_stats(queue.id)

    def _counted_by_server(self, ident: str | None) -> Iterator[QueueStats]:
        return self._paged(lambda cursor: self.dialect.count_tasks(ident, cursor))

    def _note_roughly(self) -> None:
        if self.dialect.counts_roughly is not None:
            self._note_once(f"{self.dialect.title} {self.dialect.counts_roughly}")
