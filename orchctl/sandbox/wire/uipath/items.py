"""QueueItems, and the transactions on them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from json import dumps

from orchctl.model import Priority, TaskStatus
from orchctl.sandbox.engine import NotFound, extras, queues, tasks
from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.queues import Queue
from orchctl.sandbox.engine.tasks import DuplicateReference, Task, TaskFields, Wanted
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.uipath.asks import Ask, Body, done, json, missing, nothing
from orchctl.sandbox.wire.uipath.item_rows import (
    ENUMS,
    FAILED,
    NAVIGATION,
    PRIORITIES,
    REVIEWS,
    STATUS_OF,
    Shelf,
    parent_of,
    reference_of,
    row_version,
    shown,
    wanted_of,
)
from orchctl.sandbox.wire.uipath.odata import applied
from orchctl.sandbox.wire.uipath.odata import shown as options_shown
from orchctl.sandbox.wire.uipath.queues import named
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, Refused, TakenBack

ENTITY = "QueueItems"
LARGEST_PAGE = 100
LONGEST_REFERENCE = 128

_ERASABLE = frozenset({TaskStatus.SUCCESS, TaskStatus.RETRIED, TaskStatus.DELETED, TaskStatus.CANCELLED})


def list_(ask: Ask) -> Response:
    """Without a folder those of all. What the store can look for itself is not read and thrown away."""
    folder = ask.folder_if_any()
    options = ask.options(largest=LARGEST_PAGE)
    wanted, rest = wanted_of(Wanted(folder_id=folder.id if folder else None), options.filter)
    order = [(path.names[-1].lower() if len(path.names) == 1 else "", down) for path, down in options.order]
    by_id = order in ([], [("id", False)], [("id", True)])
    newest_first = order == [("id", True)]
    shelf = Shelf(ask.tx)
    if not rest and by_id:
        total = tasks.count(ask.tx, wanted) if options.count else 0
        found = tasks.search(
            ask.tx, wanted, newest_first=newest_first, limit=options.top, offset=options.skip
        )
        rows = [options_shown(shown(ask.tx, task, shelf), options, NAVIGATION) for task in found]
        return ask.collection(ENTITY, rows, options, total)
    with closing(tasks.search(ask.tx, wanted, newest_first=newest_first)) as every:
        page, total = applied((shown(ask.tx, task, shelf) for task in every), options, ENUMS)
    rows = [options_shown(row, options, NAVIGATION) for row in page]
    return ask.collection(ENTITY, rows, options, total)


def get(ask: Ask) -> Response:
    return ask.one(ENTITY, shown(ask.tx, _item(ask)), navigation=NAVIGATION)


def last_retry(ask: Ask) -> Response:
    """``GetItemLastRetry``: the newest of those that were made of this one."""
    task = _item(ask)
    newest = _youngest(ask.tx, task)
    if newest.id == task.id:
        raise missing("Queue item retry")
    return ask.one(ENTITY, shown(ask.tx, newest), navigation=NAVIGATION)


def last_retry_by_key(ask: Ask) -> Response:
    """``GetItemLastRetryByKey``, by an item's UniqueKey."""
    try:
        task = tasks.find(ask.tx, ask.argument("key"))
    except NotFound:
        raise missing("QueueItem") from None
    return ask.one(ENTITY, shown(ask.tx, _youngest(ask.tx, task)), navigation=NAVIGATION)


def history(ask: Ask) -> Response:
    """``GetItemProcessingHistory``: the whole chain of retries."""
    chain = [_item(ask)]
    while (parent := parent_of(ask.tx, chain[0])) is not None:
        chain.insert(0, parent)
    while (child := _child(ask.tx, chain[-1])) is not None:
        chain.append(child)
    return ask.rows(ENTITY, [shown(ask.tx, task) for task in chain], enums=ENUMS, navigation=NAVIGATION)


def add(ask: Ask) -> Response:
    folder = ask.folder()
    data = ask.body().inner("itemData", "itemData")
    queue = named(ask.tx, folder, data.required("Name"))
    try:
        task = _make(ask.tx, queue, data)
    except DuplicateReference as error:
        raise Refused(409, f"Error creating Transaction. Duplicate Reference. {error}") from None
    return ask.one(ENTITY, shown(ask.tx, task), status=201, navigation=NAVIGATION)


def add_many(ask: Ask) -> Response:
    """``BulkAddQueueItems``: ordinals count from 1."""
    folder, body = ask.folder(), ask.body()
    queue = named(ask.tx, folder, body.required("queueName"))
    commit = body.required("commitType")
    if commit not in ("AllOrNothing", "StopOnFirstFailure", "ProcessAllIndependently"):
        raise Refused(400, f"The commitType {commit!r} is not known.", code=BAD_ARGUMENT)
    failed = []
    for ordinal, data in enumerate(body.items("queueItems"), start=1):
        try:
            _make(ask.tx, queue, data)
        except DuplicateReference as error:
            failed.append({"Ordinal": ordinal, "ErrorCode": "DuplicateReference", "ErrorMessage": str(error)})
        except Refusal as error:
            failed.append({"Ordinal": ordinal, "ErrorCode": "InvalidArgument", "ErrorMessage": error.message})
        if failed and commit != "ProcessAllIndependently":
            break
    answer = {
        "@odata.context": f"{ask.base}/odata/$metadata#UiPath.BulkOperationResponseDtoOfFailedQueueItemDto",
        "Success": not failed,
        "Message": None if not failed else f"{len(failed)} items were not added.",
        "FailedItems": failed,
    }
    if failed and commit == "AllOrNothing":
        raise TakenBack(json(answer))
    return json(answer)


def start(ask: Ask) -> Response:
    """``StartTransaction``: 204 is an empty queue."""
    folder = ask.folder()
    data = ask.body().inner("transactionData", "transactionData")
    queue = named(ask.tx, folder, data.required("Name"))
    robot = data.text("RobotIdentifier")
    if ask.strict and robot is None:
        return nothing()  # as for a user or an application without a robot's session
    if data.get("SpecificContent") is not None:
        task: Task | None = _make(ask.tx, queue, data)
    elif (reference := data.text("Reference")) is not None:
        exact = (data.text("ReferenceFilterOption") or "Equals").lower() != "startswith"
        wanted = Wanted(
            queue_id=queue.id,
            statuses=(TaskStatus.NEW,),
            reference=reference if exact else None,
            reference_start=None if exact else reference,
        )
        task = _first(ask.tx, wanted, by_rank=True)
    else:
        task = tasks.next_new(ask.tx, queue)
    if task is None:
        return nothing()
    task = tasks.update(ask.tx, task, {"robot": robot}, status=TaskStatus.IN_PROGRESS)
    return ask.one(ENTITY, shown(ask.tx, task), navigation=NAVIGATION)


def set_result(ask: Ask) -> Response:
    """``SetTransactionResult``, of a task in progress."""
    task, body = _item(ask), ask.body()
    result = body.inner("transactionResult", "transactionResult")
    if task.status != TaskStatus.IN_PROGRESS:
        raise Refused(
            409, f"Invalid status. The item is {STATUS_OF[TaskStatus(task.status)]}, not InProgress."
        )
    fields: TaskFields = {}
    if "Output" in result:
        fields["output"] = result.json("Output")
    if result.get("Progress") is not None:
        fields["progress"] = result.text("Progress")
    if result.get("DueDate") is not None:
        fields["deadline"] = result.moment("DueDate")
    if "Analytics" in result:
        extras.keep(ask.tx, task, {"analytics": result.json("Analytics")})
    deferred = result.moment("DeferDate")
    if result.flag("IsSuccessful") is None and deferred is not None:
        fields["postponed_until"] = deferred
        tasks.update(ask.tx, task, fields, status=TaskStatus.POSTPONED)
        return done(ask)
    if result.flag("IsSuccessful"):
        tasks.update(ask.tx, task, {**fields, "error": None}, status=TaskStatus.SUCCESS)
        return done(ask)
    fault = (
        result.inner("ProcessingException", "ProcessingException")
        if result.get("ProcessingException")
        else None
    )
    business = fault is not None and fault.text("Type") in ("BusinessException", "1")
    fields["error"] = (fault.text("Reason") if fault else None) or "failed"
    if fault is not None and fault.text("Details"):
        extras.keep(ask.tx, task, {"details": fault.text("Details")})
    status = TaskStatus.FAILED_BUSINESS if business else TaskStatus.FAILED
    ended = tasks.update(ask.tx, task, fields, status=status)
    if tasks.will_repeat(queues.of(ask.tx, task.queue_id), ended):
        tasks.update(ask.tx, ended, {}, status=TaskStatus.RETRIED)
    return done(ask)


def set_progress(ask: Ask) -> Response:
    task = _item(ask)
    if task.status != TaskStatus.IN_PROGRESS:
        raise Refused(409, "The progress of an item can be set only while it is InProgress.")
    tasks.update(ask.tx, task, {"progress": ask.body().text("progress")})
    return done(ask)


def update(ask: Ask) -> Response:
    """PUT: what is new may be edited; of what has ended only the content can be erased (seed 004)."""
    task, body = _item(ask), ask.body()
    queue = queues.of(ask.tx, task.queue_id)
    name = body.text("Name")
    if name is not None and name.strip().casefold() != queue.name.casefold():
        raise Refused(400, f"The item is in the queue {queue.name}, not in {name}.", code=BAD_ARGUMENT)
    status = TaskStatus(task.status)
    if status in (TaskStatus.NEW, TaskStatus.POSTPONED):
        return _edit(ask, task, body)
    if status not in _ERASABLE:
        raise Refused(409, f"An item that is {STATUS_OF[status]} cannot be edited.")
    extra = extras.of(ask.tx, task)
    same = (
        body.get("SpecificContent") in (None, {}),
        _priority(body) == Priority(task.priority),
        _near(body.moment("DeferDate"), task.postponed_until),
        _near(body.moment("DueDate"), task.deadline),
        _near(body.moment("RiskSlaDate"), extra.risk_at),
        (body.text("Reference") or None) == (reference_of(task) or None),
        (body.text("Progress") or None) == (task.progress or None),
    )
    if not all(same):
        raise Refused(409, f"Of an item that is {STATUS_OF[status]} only the specific content can be erased.")
    tasks.update(ask.tx, task, {"payload": "{}"})
    return done(ask)


def delete(ask: Ask) -> Response:
    _delete(ask.tx, _item(ask))
    return nothing()


def delete_many(ask: Ask) -> Response:
    failed = []
    for number, version in _versioned(ask.body()):
        task = _in_folder(ask, number)
        if task is None or row_version(task) != version or TaskStatus(task.status) is TaskStatus.DELETED:
            failed.append(number)
            continue
        _delete(ask.tx, task)
    return _bulk(ask, failed, "The items could not be deleted: they are not there or have changed meanwhile.")


def set_review(ask: Ask) -> Response:
    """``SetItemReviewStatus``, of failed items; Retried puts one in its queue again."""
    body = ask.body()
    status = body.required("status")
    status = REVIEWS[int(status)] if status in ("0", "1", "2", "3") else status
    if status not in REVIEWS:
        raise Refused(400, f"The review status {status!r} is not known.", code=BAD_ARGUMENT)
    failed = []
    for number, version in _versioned(body):
        task = _in_folder(ask, number)
        if (
            task is None
            or row_version(task) != version
            or TaskStatus(task.status) not in (*FAILED, TaskStatus.ABANDONED)
        ):
            failed.append(number)
            continue
        if status == "Retried":
            _retry(ask.tx, task)
        extras.keep(ask.tx, task, {"review": status})
    return _bulk(
        ask, failed, "The review status could not be set: the items are not failed or have changed meanwhile."
    )


def set_reviewer(ask: Ask) -> Response:
    body = ask.body()
    return _review_by(ask, body, body.number("userId"))


def unset_reviewer(ask: Ask) -> Response:
    return _review_by(ask, ask.body(), None)


def _review_by(ask: Ask, body: Body, user: int | None) -> Response:
    failed = []
    for number, _ in _versioned(body):
        task = _in_folder(ask, number)
        if task is None:
            failed.append(number)
        else:
            extras.keep(ask.tx, task, {"reviewer_id": user})
    return _bulk(ask, failed, "Some items are not there.")


def _bulk(ask: Ask, failed: Sequence[int], why: str) -> Response:
    return json(
        {
            "@odata.context": f"{ask.base}/odata/$metadata#UiPath.BulkOperationResponseDtoOfInt64",
            "Success": not failed,
            "Message": why if failed else None,
            "FailedItems": list(failed),
        }
    )


def _item(ask: Ask) -> Task:
    ask.folder()
    task = _in_folder(ask, ask.key())
    if task is None:
        raise missing("QueueItem")
    return task


def _in_folder(ask: Ask, number: int) -> Task | None:
    folder = ask.folder()
    return _first(ask.tx, Wanted(folder_id=folder.id, from_id=number, to_id=number))


def _make(tx: Tx, queue: Queue, data: Body) -> Task:
    content = data.get("SpecificContent")
    if content is not None and not isinstance(content, dict):
        raise Refused(400, "SpecificContent must be an object.", code=BAD_ARGUMENT)
    fields: TaskFields = {
        "priority": _priority(data),
        "payload": dumps(content or {}),
        "reference": data.text("Reference", longest=LONGEST_REFERENCE),
        "postponed_until": data.moment("DeferDate"),
        "deadline": data.moment("DueDate"),
        "progress": data.text("Progress"),
    }
    guid = tasks.create(tx, queue, fields)
    task = tasks.find(tx, guid)
    if (risk := data.moment("RiskSlaDate")) is not None:
        extras.keep(tx, task, {"risk_at": risk})
    return task


def _edit(ask: Ask, task: Task, body: Body) -> Response:
    """What is left out or null is set to nothing, but for the priority."""
    content = body.get("SpecificContent")
    if content is not None and not isinstance(content, dict):
        raise Refused(400, "SpecificContent must be an object.", code=BAD_ARGUMENT)
    deferred = body.moment("DeferDate")
    ahead = deferred is not None and deferred > ask.tx.now
    tasks.update(
        ask.tx,
        task,
        {
            "priority": _priority(body),
            "payload": dumps(content or {}),
            "postponed_until": deferred,
            "deadline": body.moment("DueDate"),
            "progress": body.text("Progress"),
        },
        status=TaskStatus.POSTPONED if ahead else TaskStatus.NEW,
    )
    return done(ask)


def _delete(tx: Tx, task: Task) -> None:
    """It keeps its record here; elsewhere it reads as gone."""
    tasks.update(tx, task, {}, status=TaskStatus.DELETED)


def _retry(tx: Tx, task: Task) -> None:
    guid = tasks.repeat(tx, queues.of(tx, task.queue_id), task, retries=task.retries)
    tasks.update(tx, task, {}, status=TaskStatus.RETRIED)
    extras.keep(tx, tasks.find(tx, guid), {"by_hand": extras.of(tx, task).by_hand + 1})


def _priority(data: Body) -> Priority:
    text = (data.text("Priority") or "Normal").lower()
    words = [word.lower() for word in PRIORITIES]
    if text in ("0", "1", "2"):
        text = words[int(text)]
    if text not in words:
        raise Refused(400, f"The priority {text!r} is not known.", code=BAD_ARGUMENT)
    return Priority(text)


def _versioned(body: Body) -> list[tuple[int, str | None]]:
    """Ids and row versions; two keys of one name in another case are the clients' habit, not ours."""
    return [(item.number("Id") or 0, item.text("RowVersion")) for item in body.items("queueItems")]


def _near(one: int | None, other: int | None) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) < 1000)


def _child(tx: Tx, task: Task) -> Task | None:
    return _first(tx, Wanted(parent_guid=task.guid))


def _first(tx: Tx, wanted: Wanted, *, by_rank: bool = False) -> Task | None:
    return next(iter([*tasks.search(tx, wanted, by_rank=by_rank, limit=1)]), None)


def _youngest(tx: Tx, task: Task) -> Task:
    while (child := _child(tx, task)) is not None:
        task = child
    return task
