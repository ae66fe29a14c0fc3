"""QueueItems as rows: what they show, and what of a filter over them the store can look for itself."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from json import dumps, loads
from typing import Any

from orchctl.model import Priority, TaskStatus
from orchctl.sandbox.engine import NotFound, extras, folders, queues, tasks
from orchctl.sandbox.engine.base import Tx, as_id
from orchctl.sandbox.engine.extras import Extra
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.queues import Queue
from orchctl.sandbox.engine.tasks import Task, Wanted
from orchctl.sandbox.wire.uipath.asks import stamp
from orchctl.sandbox.wire.uipath.odata import Both, Compare, In, Literal, Node, Path, conjuncts

STATUSES = ("New", "InProgress", "Failed", "Successful", "Abandoned", "Retried", "Deleted")
REVIEWS = ("None", "InReview", "Verified", "Retried")
PRIORITIES = ("High", "Normal", "Low")
ENUMS = {
    "status": STATUSES,
    "reviewstatus": REVIEWS,
    "priority": PRIORITIES,
    "processingexceptiontype": ("ApplicationException", "BusinessException"),
}
# Shown only when they are expanded. The last is none of the description's: the vendor's clients filter by it.
NAVIGATION = frozenset({"QueueDefinition", "Robot", "ReviewerUser", "QueueDefinitionName"})
STATUS_OF = {
    TaskStatus.NEW: "New",
    TaskStatus.POSTPONED: "New",
    TaskStatus.PREPARING: "New",
    TaskStatus.IN_PROGRESS: "InProgress",
    TaskStatus.FAILED: "Failed",
    TaskStatus.FAILED_BUSINESS: "Failed",
    TaskStatus.SUCCESS: "Successful",
    TaskStatus.ABANDONED: "Abandoned",
    TaskStatus.CANCELLED: "Deleted",
    TaskStatus.RETRIED: "Retried",
    TaskStatus.DELETED: "Deleted",
}
FAILED = frozenset({TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS})


class Shelf:
    """The queues and folders of the items of one answer, each read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._homes: dict[int, tuple[Queue, Folder]] = {}

    def home(self, task: Task) -> tuple[Queue, Folder]:
        found = self._homes.get(task.queue_id)
        if found is None:
            queue = queues.of(self._tx, task.queue_id)
            found = self._homes[task.queue_id] = queue, folders.find(self._tx, str(queue.folder_id))
        return found


def shown(tx: Tx, task: Task, shelf: Shelf | None = None) -> dict[str, Any]:
    """An item with the keys of seed 004, in its order, and those that newer servers have beside them."""
    queue, folder = (shelf or Shelf(tx)).home(task)
    status = TaskStatus(task.status)
    failed = status in FAILED or (status is TaskStatus.RETRIED and task.error is not None)
    extra = extras.of(tx, task)
    parent = parent_of(tx, task)
    content = _object(task.payload)
    output = None if task.output is None else _object(task.output)
    analytics = None if extra.analytics is None else _object(extra.analytics)
    kind = "BusinessException" if status is TaskStatus.FAILED_BUSINESS else "ApplicationException"
    by_hand = parent is not None and parent.retries == task.retries
    return {
        "QueueDefinitionId": queue.id,
        "Encrypted": False,
        "OutputData": _properties(output),
        "AnalyticsData": _properties(analytics),
        "Status": STATUS_OF[status],
        "ReviewStatus": extra.review or "None",
        "ReviewerUserId": extra.reviewer_id,
        "Key": task.guid if parent is None else _root_guid(tx, parent),
        "Reference": reference_of(task),
        "ProcessingExceptionType": kind if failed else None,
        "DueDate": stamp(task.deadline),
        "RiskSlaDate": stamp(extra.risk_at),
        "Priority": task.priority.capitalize(),
        "DeferDate": stamp(task.postponed_until),
        "StartProcessing": stamp(task.started_at),
        "EndProcessing": stamp(task.ended_at),
        "SecondsInPreviousAttempts": 0,
        "AncestorId": parent.id if parent is not None and not by_hand else None,
        "AncestorUniqueKey": parent.guid if parent is not None and not by_hand else None,
        "RetryNumber": task.retries,
        "ManualAncestorId": parent.id if parent is not None and by_hand else None,
        "ManualAncestorUniqueKey": parent.guid if parent is not None and by_hand else None,
        "ManualRetryNumber": extra.by_hand,
        "UniqueKey": task.guid,
        "SpecificData": _properties(content),
        "CreationTime": stamp(task.created_at),
        "Progress": task.progress,
        "RowVersion": row_version(task),
        "ExecutorJobKey": task.job_guid,
        "CreatorJobKey": None,
        "RobotId": None,
        "OrganizationUnitId": folder.id,
        "OrganizationUnitFullyQualifiedName": folder.path,
        "Id": task.id,
        "ProcessingException": _exception(task, extra, kind) if failed else None,
        "SpecificContent": content,
        "Output": output,
        "Analytics": analytics,
        "QueueDefinition": {"Id": queue.id, "Key": queue.guid, "Name": queue.name},
        "QueueDefinitionName": queue.name,
        "Robot": None,
        "ReviewerUser": None,
    }


def _exception(task: Task, extra: Extra, kind: str) -> dict[str, Any]:
    return {
        "Reason": task.error,
        "Details": extra.details,
        "Type": kind,
        "AssociatedImageFilePath": None,
        "CreationTime": stamp(task.ended_at),
    }


def _object(text: str | None) -> dict[str, Any]:
    value = loads(text) if text else {}
    return value if isinstance(value, dict) else {"value": value}


def _properties(values: dict[str, Any] | None) -> str | None:
    return None if values is None else dumps({"DynamicProperties": values}, ensure_ascii=False)


def row_version(task: Task) -> str:
    """Eight bytes that change with the row."""
    return base64.b64encode(hashlib.blake2b(repr(task).encode(), digest_size=8).digest()).decode("ascii")


def reference_of(task: Task) -> str | None:
    """Tasks that came in by another wire have a name instead."""
    return task.name if task.reference is None else task.reference


def parent_of(tx: Tx, task: Task) -> Task | None:
    if task.parent_guid is None:
        return None
    try:
        return tasks.find(tx, task.parent_guid)
    except NotFound:
        return None


def _root_guid(tx: Tx, task: Task) -> str:
    while (parent := parent_of(tx, task)) is not None:
        task = parent
    return task.guid


def wanted_of(wanted: Wanted, node: Node | None) -> tuple[Wanted, bool]:
    """What of a filter the store itself can look for, and whether anything is left to try row by row.

    Only what it finds exactly as OData means it: the rest is tried on what comes back.
    """
    rest = False
    for part in conjuncts(node) if node is not None else []:
        narrowed = _narrowed(wanted, part)
        if narrowed is None:
            rest = True
        else:
            wanted = narrowed
    return wanted, rest


def _narrowed(wanted: Wanted, node: Node) -> Wanted | None:
    match node:
        case Compare("eq", Path(("Id",)), Literal(int(number))) if wanted.from_id is None:
            return replace(wanted, from_id=number, to_id=number)
        case Compare("gt", Path(("Id",)), Literal(int(number))) if wanted.from_id is None:
            return replace(wanted, from_id=number + 1)
        case Compare("lt", Path(("Id",)), Literal(int(number))) if wanted.to_id is None:
            return replace(wanted, to_id=number - 1)
        case Compare("eq", Path(("QueueDefinitionId",)), Literal(value)) if wanted.queue_id is None:
            queue_id = as_id(str(value))
            return None if queue_id is None else replace(wanted, queue_id=queue_id)
        case Compare("eq", Path(("Reference",)), Literal(str(text))) if (
            text.isascii() and not wanted.reference
        ):
            return replace(wanted, reference=text)
        case Compare("eq", Path(("Priority",)), Literal(str(word))) if wanted.priorities is None:
            if word.capitalize() in PRIORITIES:
                return replace(wanted, priorities=(Priority(word.lower()),))
        case Compare("ge", Path(("CreationTime",)), Literal(datetime() as moment)) if wanted.since is None:
            return replace(wanted, since=_milliseconds(moment))
        case Compare("le", Path(("CreationTime",)), Literal(datetime() as moment)) if wanted.until is None:
            return replace(wanted, until=_milliseconds(moment))
    if wanted.statuses is None and (words := _status_words(node)) is not None:
        return replace(wanted, statuses=[status for status, word in STATUS_OF.items() if word in words])
    return None


def _status_words(node: Node) -> frozenset[str] | None:
    """The statuses that a condition on the status alone lets through; ``None``: it is not such a one."""
    match node:
        case Compare("eq", Path(("Status",)), Literal(str(word))) if word in STATUSES:
            return frozenset({word})
        case Compare("ne", Path(("Status",)), Literal(str(word))) if word in STATUSES:
            return frozenset(STATUSES) - {word}
        case In(Path(("Status",)), values) if all(value in STATUSES for value in values):
            return frozenset(values)
        case Both("or", left, right):
            one, other = _status_words(left), _status_words(right)
            return one | other if one is not None and other is not None else None
    return None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
