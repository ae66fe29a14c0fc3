"""Tasks: UiPath's queue items and the transactions on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import ODATA, id_of, in_part, made
from orchctl.dialects.uipath.lookups import Lookups
from orchctl.dialects.uipath.odata import Record, every, is_number, moment, record, some, text
from orchctl.dialects.uipath.words import PRIORITY, PRIORITY_NATIVE, TASK_STATUS, TASK_STATUS_NATIVE
from orchctl.errors import NotFound, OrchctlError, OutcomeUnknown, Refused, UsageFault
from orchctl.model.words import TaskStatus, Unknown
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Json, NewTask, Task, TaskChange, TaskFilter

ITEMS = "QueueItems"

_ACTIONS = "/odata/Queues"
_NAMESPACE = "UiPathODataSvc"
# A queue item may be 600 KB: the server gives no more than so many at once.
_LARGEST_PAGE = 100
# What a PUT sends beside the queue's name, which is all that it may hold.
_REPEATED = ("Priority", "SpecificContent", "DeferDate", "DueDate", "RiskSlaDate", "Reference", "Progress")
_ERASABLE = ("successful", "deleted", "retried")


class Tasks(Lookups):
    batch_size: ClassVar[int] = 500

    def create_task(self, new: NewTask) -> Task:
        """``AddQueueItem``. Where its outcome is open, a unique reference tells."""
        item = self._item_data(new)  # what it refuses is refused before the queue is asked for
        queue = self._queue_name(new.queue)
        body: Json = {"itemData": {"Name": queue, **item}}
        try:
            reply = self._write("POST", f"{_ACTIONS}/{_NAMESPACE}.AddQueueItem", json=body)
            return made(reply, lambda native: self._task(native, queue), "item")
        except OutcomeUnknown as doubt:
            found = self._made_after_all(new)
            if found is None:
                raise doubt from None
            return found

    def create_tasks(self, queue: str, news: Sequence[NewTask]) -> Mapping[int, str]:
        """``BulkAddQueueItems``, each on its own; ordinals count from 1."""
        body: Json = {
            "queueName": self._queue_name(queue),
            "commitType": "ProcessAllIndependently",
            "queueItems": [self._item_data(new) for new in news],
        }
        reply = self._write("POST", f"{_ACTIONS}/{_NAMESPACE}.BulkAddQueueItems", json=body)
        answer = record(reply)
        refused: dict[int, str] = {}
        for each in map(Record, answer.rows("FailedItems")):
            ordinal = each.number("Ordinal")
            why = each.text("ErrorMessage") or each.text("ErrorCode") or answer.text("Message") or "refused"
            if ordinal is None or not 1 <= ordinal <= len(news):
                raise reply.unintelligible(f"it does not say which item it refused: {why}")
            refused[ordinal - 1] = why
        if answer.flag("Success") is False and not refused:
            raise reply.unintelligible(answer.text("Message") or "it says that something failed, not what")
        return refused

    def find_task(self, new: NewTask) -> Task | None:
        """By its reference, where the queue insists that there is one task of a reference."""
        reference = self._reference(new)
        if reference is None:
            return None
        queue = self._definition(new.queue)
        if not Record(queue).flag("EnforceUniqueReference"):
            return None
        where = every(
            f"QueueDefinitionId eq {id_of(queue)}",
            f"Reference eq {text(reference)}",
            "Status ne 'Deleted'",
            "Status ne 'Retried'",
        )
        found = next(
            self._page(f"/odata/{ITEMS}", self._task, None, where=where, top=1, meter=ITEMS).items, None
        )
        # The same reference with another content was there before.
        return found if found is not None and found.payload == self._content(new.payload) else None

    def list_tasks(self, queue: str, wanted: TaskFilter, cursor: str | None) -> Page[Task]:
        """``GET /odata/QueueItems``. The vocabulary's finer statuses are told apart by the client."""
        if wanted.tag is not None:
            self.refuse_field("tags", "filter by --status, --priority, --since and --until")
        statuses = {TASK_STATUS_NATIVE[status] for status in wanted.statuses if status in TASK_STATUS_NATIVE}
        if wanted.statuses and not statuses:
            return Page(iter(()))
        where = every(
            f"QueueDefinitionId eq {self._queue_id(queue)}",
            some(*(f"Status eq {text(status)}" for status in sorted(statuses))),
            f"Priority eq {text(PRIORITY_NATIVE[wanted.priority])}" if wanted.priority else None,
            f"CreationTime ge {moment(wanted.since)}" if wanted.since else None,
            f"CreationTime le {moment(wanted.until)}" if wanted.until else None,
        )
        return self._page(f"/odata/{ITEMS}", self._task, cursor, where=where, top=_LARGEST_PAGE, meter=ITEMS)

    def get_task(self, ident: str) -> Task:
        return self._task(self._item(ident))

    def update_task(self, ident: str, change: TaskChange) -> None:
        """``PUT /odata/QueueItems({id})``: what was read, with the changes in it; none where it has them all.

        Of a task in progress only the progress can be set, by ``SetTransactionProgress``.
        """
        self._refuse_change(change)
        native = self._item(ident)
        is_changed = change.progress is not None and str(native.get("Status")).lower() == "inprogress"
        if is_changed:
            body: Json = {"progress": change.progress}
            path = f"{_item_path(ident)}/{_NAMESPACE}.SetTransactionProgress"
            self._write("POST", path, json=body, effect=Effect.IDEMPOTENT, folder=_home(native))
            if change == model.TaskChange(progress=change.progress):
                return
        changes: dict[str, Json] = {
            **({"Priority": PRIORITY_NATIVE[change.priority]} if change.priority else {}),
            **({"SpecificContent": self._content(change.payload)} if change.payload is not None else {}),
            **({"DeferDate": moment(change.postponed_until)} if change.postponed_until else {}),
            **({"DueDate": moment(change.deadline)} if change.deadline else {}),
            **({"Progress": change.progress} if change.progress is not None else {}),
        }
        if not (changes := _differing(native, changes)):
            return
        with in_part("its progress is set" if is_changed else None, look=f"orchctl task get {ident}"):
            self._put(native, changes)

    def take_task(self, queue: str, robot: str | None) -> Task | None:
        """``StartTransaction``; 204 is "nothing to take"."""
        name = self._queue_name(queue)
        body: Json = {"transactionData": {"Name": name, **({"RobotIdentifier": robot} if robot else {})}}
        reply = self._write("POST", f"{_ACTIONS}/{_NAMESPACE}.StartTransaction", json=body)
        if reply.status == 204 or reply.empty:
            return None
        return made(reply, lambda native: self._task(native, name), "item")

    def finish_task(self, task: Task, status: TaskStatus, result: Json, reason: str | None) -> None:
        """``SetTransactionResult``. A business exception is not retried, an application exception may be."""
        if not isinstance(result, dict | None):
            raise UsageFault(
                "a result must be an object for UiPath Orchestrator",
                hint="""write it as --result '{"name": ...}'""",
            )
        outcome: dict[str, Json] = {"IsSuccessful": status is TaskStatus.SUCCESS}
        if status is not TaskStatus.SUCCESS:
            business = status is TaskStatus.FAILED_BUSINESS
            outcome["ProcessingException"] = {
                "Reason": reason or "failed",
                "Type": "BusinessException" if business else "ApplicationException",
            }
        elif reason is not None:
            self.refuse_field("the reason of a success", "put it in the result")
        if result is not None:
            outcome["Output"] = result
        self._write(
            "POST",
            f"{_ACTIONS}({task.id})/{_NAMESPACE}.SetTransactionResult",
            json={"transactionResult": outcome},
            folder=_home(task.native),
        )

    def cancel_task(self, ident: str) -> None:
        """UiPath has no cancel: a task that nobody shall do is deleted, which keeps its record."""
        self.delete_task(ident)

    def delete_task(self, ident: str) -> None:
        """``DeleteBulk`` with the row version read just before."""
        self._act("DeleteBulk", self._item(ident), {})

    def retry_task(self, task: Task) -> str | None:
        """``SetItemReviewStatus`` Retried, which makes a new task; for failed ones only."""
        native = self._item(task.id)
        self._act("SetItemReviewStatus", native, {"status": "Retried"})
        try:
            return self._last_retry(native)
        except OrchctlError:  # it is done all the same; what it made is not known
            return None

    def last_attempt(self, task: Task) -> str | None:
        return self._last_retry(task.native) if isinstance(task.native, dict) else None

    def _last_retry(self, native: Mapping[str, Any]) -> str | None:
        reply = self._read(
            f"{_item_path(id_of(native))}/{ODATA}.GetItemLastRetry",
            folder=_home(native),
            accept=frozenset({204, 404}),
        )
        return record(reply).text("Id") if reply.status == 200 else None

    def erase_task(self, task: Task) -> None:
        """PUT with an empty SpecificContent, every other field as it was read, in the task's own folder.

        So the vendor's guide has it, for tasks that are Successful, Deleted or Retried.
        """
        native = self._item(task.id, folder=_home(task.native))
        if str(native.get("Status")).lower() not in _ERASABLE:
            raise Refused(
                f"the task {task.id} is {native.get('Status')}: the content of a task can be erased once it is "
                "Successful, Deleted or Retried",
                hint=f"orchctl task finish {task.id} --status success, or orchctl task delete {task.id}",
            )
        self._put(native, {"SpecificContent": {}})

    def _item(self, ident: str, *, folder: str | None = "") -> dict[str, Any]:
        if not is_number(ident):
            raise NotFound(
                f"no task {ident!r}", hint="a task of UiPath Orchestrator is a number; it has no name"
            )
        return dict(record(self._read(_item_path(ident), folder=folder)).native)

    def _put(self, native: dict[str, Any], changes: Mapping[str, Json]) -> None:
        row = Record(native)
        home = _home(native)
        queue = self._queue_name(str(row.get("QueueDefinitionId")), folder=home)
        body: Json = {"Name": queue, **{name: row.get(name) for name in _REPEATED}, **changes}
        path = _item_path(id_of(native))
        self._write("PUT", path, json=body, effect=Effect.IDEMPOTENT, folder=home)

    def _act(self, action: str, native: Mapping[str, Any], more: Mapping[str, Json]) -> None:
        row = Record(native)
        ident = id_of(native)
        body: Json = {**more, "queueItems": [{"Id": int(ident), "RowVersion": row.get("RowVersion")}]}
        reply = self._write("POST", f"/odata/{ITEMS}/{_NAMESPACE}.{action}", json=body, folder=_home(native))
        answer = record(reply)
        if answer.flag("Success") is False or answer.get("FailedItems"):
            raise Refused(
                f"{self.title} refused {action} of the task {ident}: "
                f"{answer.text('Message') or 'it does not say why'}",
                hint=f"it was {row.get('Status')}; orchctl task get {ident} shows it as it is now",
            )

    def _made_after_all(self, new: NewTask) -> Task | None:
        try:
            return self.find_task(new)
        except OrchctlError:  # the doubt stays, and is what has to be told
            return None

    def _item_data(self, new: NewTask) -> dict[str, Json]:
        """What a new item is made of. Its name in the vocabulary is what UiPath calls its reference."""
        if new.tags:
            self.refuse_field("tags", "put them in the payload")
        if new.description is not None or new.comment is not None:
            self.refuse_field("a description or a comment", "put it in the payload, or in --reference")
        if new.retries is not None or new.parent_id is not None:
            self.refuse_field("retries", "the queue has a rule for them: orchctl queue update --max-retries")
        reference = self._reference(new)
        return {
            "Priority": PRIORITY_NATIVE[new.priority or model.Priority.NORMAL],
            "SpecificContent": self._content(new.payload),
            **({"Reference": reference} if reference is not None else {}),
            **({"DueDate": moment(new.deadline)} if new.deadline else {}),
            **({"DeferDate": moment(new.postponed_until)} if new.postponed_until else {}),
        }

    def _reference(self, new: NewTask) -> str | None:
        if new.name is not None and new.reference is not None and new.name != new.reference:
            self.refuse_field("a name beside the reference", "a task's reference is its name here: give one")
        return new.name if new.reference is None else new.reference

    def _content(self, payload: Json) -> Json:
        if payload is None:
            return {}
        if not isinstance(payload, dict):
            raise UsageFault(
                "a payload must be an object for UiPath Orchestrator",
                hint="""write it as --data '{"name": ...}', or with -p and -P""",
            )
        return payload

    def _refuse_change(self, change: TaskChange) -> None:
        if change.status is not None:
            self.refuse_field(
                "a status to be set", "use task finish, task retry, task cancel or task next --take"
            )
        if change.name is not None or change.queue is not None:
            self.refuse_field("another name or queue", "make a new one: orchctl task clone")
        if change.description is not None or change.comment is not None:
            self.refuse_field("a description or a comment", "put it in the payload or in --progress")
        if change.retries is not None or change.job_id is not None:
            self.refuse_field("retries or a job", "UiPath Orchestrator sets these by itself")

    def _task(self, native: dict[str, Any], queue: str | None = None) -> Task:
        row = Record(native)
        error = row.inner("ProcessingException")
        reference = row.text("Reference")
        robot = row.inner("Robot").text("Name")
        return model.Task(
            id=id_of(row),
            name=reference,
            queue=queue or row.inner("QueueDefinition").text("Name") or row.text("QueueDefinitionId"),
            status=_status(row),
            priority=row.word(PRIORITY, "Priority"),
            payload=row.get("SpecificContent"),
            output=row.get("Output"),
            error=error.text("Reason") or error.text("Details"),
            reference=reference,
            created_at=row.time("CreationTime"),
            started_at=row.time("StartProcessing"),
            ended_at=row.time("EndProcessing"),
            postponed_until=row.time("DeferDate"),
            deadline=row.time("DueDate"),
            retries=row.number("RetryNumber"),
            parent_id=row.text("AncestorId", "ManualAncestorId"),
            job_id=row.text("ExecutorJobKey"),
            robot=robot or row.text("RobotId"),
            progress=row.text("Progress"),
            native=native,
        )


def _status(row: Record) -> TaskStatus | Unknown:
    status: TaskStatus | Unknown = row.word(TASK_STATUS, "Status") or TaskStatus.UNKNOWN
    if status is TaskStatus.FAILED:
        kind = row.text("ProcessingExceptionType") or row.inner("ProcessingException").text("Type")
        return TaskStatus.FAILED_BUSINESS if kind == "BusinessException" else status
    until = row.time("DeferDate") if status is TaskStatus.NEW else None
    return TaskStatus.POSTPONED if until is not None and until > datetime.now(UTC) else status


def _differing(native: Mapping[str, Any], changes: Mapping[str, Json]) -> dict[str, Json]:
    """Those of the changes that the item does not have already: an export that is sent back has them all."""
    row = Record(native)
    return {
        name: value
        for name, value in changes.items()
        if row.get(name) != value and ((time := row.time(name)) is None or moment(time) != value)
    }


def _item_path(ident: object) -> str:
    return f"/odata/{ITEMS}({ident})"


def _home(native: object) -> str:
    """The folder that a task lies in; "" where it does not say, which is the context's."""
    number = Record(native).get("OrganizationUnitId") if isinstance(native, dict) else None
    return str(number or "")
