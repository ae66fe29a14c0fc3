"""Queues: UiPath's queue definitions, and its report of what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import id_of, made, writable
from orchctl.dialects.uipath.lookups import QUEUES, Lookups
from orchctl.dialects.uipath.odata import Record
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Json, NewQueue, Queue, QueueChange, QueueStats

_STATUS = "/odata/QueueProcessingRecords/UiPathODataSvc.RetrieveQueuesProcessingStatus"


class Queues(Lookups):
    def create_queue(self, new: NewQueue) -> Queue:
        """``POST /odata/QueueDefinitions``."""
        body: Json = {"Name": new.name, **self._fields(new)}
        return made(self._write("POST", QUEUES, json=body), _queue)

    def list_queues(self, cursor: str | None) -> Page[Queue]:
        return self._page(QUEUES, _queue, cursor)

    def get_queue(self, ident: str) -> Queue:
        return _queue(self._definition(ident))

    def update_queue(self, ident: str, change: QueueChange) -> None:
        """PUT replaces the whole, so all that was read goes back with it."""
        native = self._definition(ident)
        body: Json = {
            **writable(native),
            **({"Name": change.name} if change.name is not None else {}),
            **self._fields(change),
        }
        self._write("PUT", f"{QUEUES}({id_of(native)})", json=body, effect=Effect.IDEMPOTENT)

    def delete_queue(self, ident: str) -> None:
        self._write("DELETE", f"{QUEUES}({id_of(self._definition(ident))})", effect=Effect.IDEMPOTENT)

    def count_tasks(self, queue: str | None, cursor: str | None) -> Page[QueueStats]:
        """``RetrieveQueuesProcessingStatus``; see ``counts_roughly``."""
        query = {"$orderby": "QueueDefinitionId"}
        if queue is None:
            rows, following = self._skipping(_STATUS, query, cursor)
            return Page(map(_stats, rows), next=following)
        number = self._queue_id(queue)
        query["$filter"] = f"QueueDefinitionId eq {number}"
        rows, following = self._skipping(_STATUS, query, cursor)
        its_own = (row for row in rows if Record(row).text("QueueDefinitionId") == number)
        return Page(map(_stats, its_own), next=following)

    def _fields(self, fields: NewQueue | QueueChange) -> dict[str, Json]:
        if fields.auto_change_status is not None:
            self.refuse_field(
                "failing a task with its job", "UiPath Orchestrator abandons it after 24 hours by itself"
            )
        retries = fields.max_retries
        return {
            **({"Description": fields.description} if fields.description is not None else {}),
            **({"EnforceUniqueReference": fields.unique_tasks} if fields.unique_tasks is not None else {}),
            **(
                {"MaxNumberOfRetries": retries, "AcceptAutomaticallyRetry": retries > 0}
                if retries is not None
                else {}
            ),
        }


def _queue(native: dict[str, Any]) -> Queue:
    row = Record(native)
    retries = row.number("MaxNumberOfRetries")
    return model.Queue(
        id=id_of(row),
        name=row.text("Name") or "",
        description=row.text("Description"),
        unique_tasks=row.flag("EnforceUniqueReference"),
        max_retries=0 if row.flag("AcceptAutomaticallyRetry") is False else retries,
        native=native,
    )


def _stats(native: dict[str, Any]) -> QueueStats:
    row = Record(native)
    counts = {
        model.TaskStatus.NEW: row.number("ItemsToProcess") or 0,
        model.TaskStatus.IN_PROGRESS: row.number("ItemsInProgress") or 0,
        model.TaskStatus.SUCCESS: row.number("SuccessfulTransactionsNo") or 0,
        model.TaskStatus.FAILED: row.number("ApplicationExceptionsNo") or 0,
        model.TaskStatus.FAILED_BUSINESS: row.number("BusinessExceptionsNo") or 0,
    }
    name = row.text("QueueDefinitionName") or row.text("QueueDefinitionId") or ""
    return model.QueueStats(queue=name, total=sum(counts.values()), counts=counts)
