"""Tasks: the order of taking, what each status means, what the clock does to them.

Taking costs the same with a million tasks waiting: only tasks that can be taken are in the index it reads,
and what time alone changes (a postponed task's return, a deadline's passing) is written down when it is due.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from json import dumps, loads
from typing import NamedTuple, TypedDict

from orchctl.model import Priority, TaskStatus
from orchctl.sandbox.engine import queues
from orchctl.sandbox.engine.base import Conflict, Invalid, NotFound, Tx, as_id, is_guid, new_guid
from orchctl.sandbox.engine.queues import Queue

FINAL = frozenset(
    {
        TaskStatus.SUCCESS,
        TaskStatus.FAILED,
        TaskStatus.FAILED_BUSINESS,
        TaskStatus.ABANDONED,
        TaskStatus.CANCELLED,
        TaskStatus.RETRIED,
        TaskStatus.DELETED,
    }
)
# A deadline that has passed goes before every priority; within a rank, first come, first served.
_OVERDUE = 0
_RANK = {Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}


class Task(NamedTuple):
    """A row. ``payload``, ``output`` and ``tags`` are JSON texts; times are milliseconds."""

    id: int
    guid: str
    queue_id: int
    name: str | None
    reference: str | None
    description: str | None
    comment: str | None
    status: str
    priority: str
    rank: int
    payload: str | None
    output: str | None
    error: str | None
    progress: str | None
    tags: str | None
    robot: str | None
    job_guid: str | None
    parent_guid: str | None
    retries: int
    created_at: int
    updated_at: int
    status_at: int
    started_at: int | None
    ended_at: int | None
    postponed_until: int | None
    deadline: int | None
    due_at: int | None

    @property
    def tag_list(self) -> list[str]:
        return [] if self.tags is None else list(loads(self.tags))


class TaskFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is."""

    guid: str
    name: str | None
    reference: str | None
    description: str | None
    comment: str | None
    priority: Priority
    payload: str | None
    output: str | None
    error: str | None
    progress: str | None
    tags: Sequence[str]
    robot: str | None
    job_guid: str | None
    parent_guid: str | None
    retries: int
    postponed_until: int | None
    deadline: int | None


class DuplicateReference(Conflict):
    """The queue's rule of unique references forbids it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks to search for; ``None`` lets everything through. The bounds of ids belong to them.

    A task without a reference is searched by its name; neither counts the case of Latin letters.
    """

    folder_id: int | None = None
    queue_id: int | None = None
    queue_name: str | None = None
    from_id: int | None = None
    to_id: int | None = None
    guids: Sequence[str] | None = None
    statuses: Sequence[TaskStatus] | None = None
    priorities: Sequence[Priority] | None = None
    reference: str | None = None
    reference_start: str | None = None
    parent_guid: str | None = None
    since: int | None = None
    until: int | None = None

    def condition(self) -> tuple[str, tuple[object, ...]]:
        """What to add to a WHERE, and its values."""
        start = self.reference_start
        parts: list[tuple[str, Sequence[object]]] = [
            (condition, (value,))
            for condition, value in (
                ("q.folder_id = ?", self.folder_id),
                ("t.queue_id = ?", self.queue_id),
                ("q.name = ?", self.queue_name),
                ("t.id >= ?", self.from_id),
                ("t.id <= ?", self.to_id),
                ("coalesce(t.reference, t.name) = ? COLLATE NOCASE", self.reference),
                ("t.parent_guid = ?", self.parent_guid),
                ("t.created_at >= ?", self.since),
                ("t.created_at <= ?", self.until),
            )
            if value is not None
        ]
        if start is not None:
            parts.append(
                ("substr(coalesce(t.reference, t.name), 1, ?) = ? COLLATE NOCASE", (len(start), start))
            )
        for column, words in (("guid", self.guids), ("status", self.statuses), ("priority", self.priorities)):
            if words is not None:
                marks = ", ".join("?" * len(words))
                parts.append((f"t.{column} IN ({marks})", [str(word) for word in words]))
        condition = "".join(f" AND {part}" for part, _ in parts)
        return condition, tuple(value for _, values in parts for value in values)


_NAMES = ", ".join(f"t.{name}" for name in Task._fields)
_SELECT = f"SELECT {_NAMES} FROM task t"  # noqa: S608  # names of this module's own
_NEXT = f"{_SELECT} WHERE queue_id = ? AND status = 'new' AND deleted_at IS NULL ORDER BY rank, id LIMIT 1"
_PAGE = f"{_SELECT} WHERE queue_id = ? AND id > ? AND id <= ? AND deleted_at IS NULL ORDER BY id"
_IN_A_LIVE_QUEUE = (
    f"{_SELECT} JOIN queue q ON q.id = t.queue_id WHERE t.deleted_at IS NULL AND q.deleted_at IS NULL"
)
_GUID_IS = f"{_IN_A_LIVE_QUEUE} AND t.guid = lower(?)"
_ID_IS = f"{_IN_A_LIVE_QUEUE} AND t.id = ?"
_INSERT = (
    f"INSERT INTO task ({', '.join(Task._fields[1:])}) "  # noqa: S608  # names of this module's own
    f"VALUES ({', '.join('?' * (len(Task._fields) - 1))})"
)
# The newest of a name, of those that are open or of those that are final, without reading its namesakes.
_NAMESAKE = (
    "SELECT max((SELECT max(t.id) FROM task t WHERE t.queue_id = q.id AND t.name = :name"
    " AND (t.ended_at IS NULL) = :open AND t.deleted_at IS NULL))"
    " FROM queue q WHERE q.deleted_at IS NULL AND (:queue IS NULL OR q.id = :queue)"
)


def create(tx: Tx, queue: Queue, fields: TaskFields) -> str:
    """Put a task in a queue; gives its GUID. With ``postponed_until`` ahead it begins postponed."""
    name = fields.get("name")
    _check_name(tx, queue, name)
    _check_reference(tx, queue, fields.get("reference"))
    priority = fields.get("priority", Priority.NORMAL)
    postponed_until = fields.get("postponed_until")
    deadline = fields.get("deadline")
    status = TaskStatus.NEW
    if postponed_until is not None and postponed_until > tx.now:
        status = TaskStatus.POSTPONED
    rank = _rank(tx, priority, deadline)
    guid = fields.get("guid", "").lower() or new_guid()
    tx.connection.execute(
        _INSERT,
        (
            guid,
            queue.id,
            name,
            fields.get("reference"),
            fields.get("description"),
            fields.get("comment"),
            status.value,
            priority.value,
            rank,
            fields.get("payload"),
            fields.get("output"),
            fields.get("error"),
            fields.get("progress"),
            _tags(fields.get("tags", ())),
            fields.get("robot"),
            fields.get("job_guid"),
            fields.get("parent_guid"),
            _not_negative(fields.get("retries", 0)),
            tx.now,
            tx.now,
            tx.now,
            None,
            None,
            postponed_until,
            deadline,
            queues.due(
                queue,
                status,
                since=tx.now,
                postponed_until=postponed_until,
                deadline=None if rank == _OVERDUE else deadline,
            ),
        ),
    )
    return guid


def find(tx: Tx, key: str, queue: Queue | None = None) -> Task:
    """A task by GUID, by name, or by number, in that order, anywhere or in one queue.

    Of several with one name: one that is not final, else any; then the newest.
    """
    task = _one(tx, _GUID_IS, key) if is_guid(key) else None
    task = task or _named(tx, key, queue)
    number = as_id(key)
    if task is None and number is not None:
        task = _one(tx, _ID_IS, number)
    if task is None or (queue is not None and task.queue_id != queue.id):
        raise NotFound(
            f"there is no task {key!r}" + ("" if queue is None else f" in the queue {queue.name!r}")
        )
    return task


def by_id(tx: Tx, number: int) -> Task | None:
    """A task by its number, unless it or its queue was deleted."""
    return _one(tx, _ID_IS, number)


def of_job(tx: Tx, job_guid: str) -> list[Task]:
    """The tasks in progress that belong to a job."""
    rows = tx.connection.execute(
        f"{_SELECT} WHERE job_guid = ? AND status = 'in-progress' AND deleted_at IS NULL", (job_guid,)
    )
    return [Task._make(row) for row in rows.fetchall()]


def next_new(tx: Tx, queue: Queue) -> Task | None:
    """The task to take next: overdue, then high, normal, low; within each the first that came."""
    row = tx.connection.execute(_NEXT, (queue.id,)).fetchone()
    return None if row is None else Task._make(row)


def take(tx: Tx, queue: Queue, *, robot: str | None = None) -> Task | None:
    """Take the next task, which is in progress then; None when there is nothing to take."""
    task = next_new(tx, queue)
    return None if task is None else update(tx, task, {"robot": robot}, status=TaskStatus.IN_PROGRESS)


def last_id(tx: Tx, queue: Queue) -> int:
    row = tx.connection.execute(
        "SELECT max(id) FROM task WHERE queue_id = ? AND deleted_at IS NULL", (queue.id,)
    )
    return int(row.fetchone()[0] or 0)


def after(tx: Tx, queue: Queue, *, key: int, last: int) -> Generator[Task, None, None]:
    """The queue's tasks with ids over ``key`` and up to ``last``, in the order of their making.

    Close it when it is left early: until then it holds its view of the database.
    """
    cursor = tx.connection.execute(_PAGE, (queue.id, key, last))
    try:
        yield from map(Task._make, cursor)
    finally:
        cursor.close()


def update(
    tx: Tx, task: Task, fields: TaskFields, *, status: TaskStatus | None = None, queue: Queue | None = None
) -> Task:
    """Change a task, move it to another status or queue, with all that follows; gives it as it is now.

    In progress is taken from new only, so whoever gets there first has the task and all others a Conflict.
    """
    home = queue or queues.of(tx, task.queue_id)
    values: dict[str, object] = dict(fields)
    if "tags" in fields:
        values["tags"] = _tags(fields["tags"])
    if "retries" in fields:
        _not_negative(fields["retries"])
    if queue is not None:
        values["queue_id"] = queue.id
    if queue is not None or "name" in fields:
        name = fields.get("name", task.name)
        if name != task.name or home.id != task.queue_id:
            _check_name(tx, home, name)
    changed = Task._make({**task._asdict(), **values, **_entering(tx, task, fields, status)}.values())
    rank = _rank(tx, Priority(changed.priority), changed.deadline)
    changed = changed._replace(
        updated_at=tx.now,
        rank=rank,
        due_at=queues.due(
            home,
            changed.status,
            since=changed.status_at,
            postponed_until=changed.postponed_until,
            deadline=None if rank == _OVERDUE else changed.deadline,
        ),
    )
    _write(tx, task, changed)
    if task.status not in FINAL and changed.status != task.status:
        _repeat(tx, home, changed)
    return changed


def add_tags(tx: Tx, task: Task, tags: Sequence[str]) -> None:
    update(tx, task, {"tags": [*task.tag_list, *tags]})


def remove_tags(tx: Tx, task: Task, tags: Sequence[str]) -> None:
    update(tx, task, {"tags": [tag for tag in task.tag_list if tag not in tags]})


def delete(tx: Tx, task: Task) -> None:
    """It reads as not found from now on, and its name is free again."""
    tx.connection.execute(
        "UPDATE task SET deleted_at = ?, updated_at = ?, due_at = NULL WHERE id = ?",
        (tx.now, tx.now, task.id),
    )


def search(
    tx: Tx,
    wanted: Wanted,
    *,
    newest_first: bool = False,
    by_rank: bool = False,
    limit: int = -1,
    offset: int = 0,
) -> Generator[Task, None, None]:
    """The tasks that fit, by number or as they would be taken. Close it when it is left early."""
    condition, values = wanted.condition()
    order = "t.rank, t.id" if by_rank else "t.id DESC" if newest_first else "t.id"
    cursor = tx.connection.execute(
        f"{_IN_A_LIVE_QUEUE}{condition} ORDER BY {order} LIMIT ? OFFSET ?", (*values, limit, offset)
    )
    try:
        yield from map(Task._make, cursor)
    finally:
        cursor.close()


def count(tx: Tx, wanted: Wanted) -> int:
    condition, values = wanted.condition()
    statement = (
        "SELECT count(*) FROM task t JOIN queue q ON q.id = t.queue_id"  # noqa: S608  # names of this module's own
        f" WHERE t.deleted_at IS NULL AND q.deleted_at IS NULL{condition}"
    )
    return int(tx.connection.execute(statement, values).fetchone()[0])


def settle(tx: Tx, *, limit: int) -> None:
    """Do to at most ``limit`` tasks what the clock has made due."""
    rows = tx.connection.execute(
        f"{_SELECT} WHERE due_at <= ? ORDER BY due_at LIMIT ?", (tx.now, limit)
    ).fetchall()
    for task in map(Task._make, rows):
        if task.status == TaskStatus.POSTPONED:
            update(tx, task, {}, status=TaskStatus.NEW)
        elif task.status == TaskStatus.NEW and task.rank != _OVERDUE and _passed(tx, task.deadline):
            queue = queues.of(tx, task.queue_id)
            due = queues.due(queue, task.status, since=task.status_at, postponed_until=None, deadline=None)
            _write(tx, task, task._replace(rank=_OVERDUE, due_at=due))
        else:
            update(tx, task, {}, status=TaskStatus.ABANDONED)


def _entering(tx: Tx, task: Task, fields: TaskFields, status: TaskStatus | None) -> dict[str, object]:
    """The columns that a change of status sets by itself."""
    if status == TaskStatus.IN_PROGRESS and task.status != TaskStatus.NEW:
        raise Conflict(f"the task is {task.status}, only a new one can be taken")
    if status == TaskStatus.POSTPONED and fields.get("postponed_until", task.postponed_until) is None:
        raise Invalid("a postponed task needs the time until which it is postponed")
    if status is None or status == task.status:
        return {}
    entered: dict[str, object] = {"status": status.value, "status_at": tx.now}
    if status == TaskStatus.IN_PROGRESS:
        return entered | {"started_at": tx.now, "ended_at": None}
    if status in FINAL:
        return entered | {"ended_at": tx.now}
    return entered | {"started_at": None, "ended_at": None, "robot": None}


def _repeat(tx: Tx, queue: Queue, task: Task) -> None:
    """Put a failed task in its queue again, as its child, where the queue's rule asks for that."""
    if will_repeat(queue, task):
        repeat(tx, queue, task, retries=task.retries + 1)


def will_repeat(queue: Queue, task: Task) -> bool:
    """Does the queue's rule ask for a task of this status to be done again?"""
    rule = {
        TaskStatus.FAILED.value: queue.retry_failed,
        TaskStatus.FAILED_BUSINESS.value: queue.retry_business,
        TaskStatus.ABANDONED.value: queue.retry_abandoned,
    }
    return bool(rule.get(task.status)) and task.retries < queue.max_retries


def repeat(tx: Tx, queue: Queue, task: Task, *, retries: int) -> str:
    """Put a task in its queue again, as its child; gives the GUID."""
    # The child bears its parent's name, which the rule of unique names does not count as a second task.
    free = queue._replace(unique_tasks=0)
    return create(
        tx,
        free,
        {
            "name": task.name,
            "reference": task.reference,
            "description": task.description,
            "priority": Priority(task.priority),
            "payload": task.payload,
            "tags": task.tag_list,
            "deadline": task.deadline,
            "parent_guid": task.guid,
            "retries": retries,
        },
    )


def _write(tx: Tx, before: Task, after: Task) -> None:
    """Write only the columns that differ: each one named costs the indexes it is in."""
    values = {
        name: new
        for name, old, new in zip(Task._fields, before, after, strict=True)
        if new is not old and new != old
    }
    if values:
        tx.connection.execute(
            f"UPDATE task SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",  # noqa: S608  # fields of Task
            (*values.values(), before.id),
        )


def _one(tx: Tx, statement: str, value: str | int) -> Task | None:
    row = tx.connection.execute(statement, (value,)).fetchone()
    return None if row is None else Task._make(row)


def _named(tx: Tx, name: str, queue: Queue | None) -> Task | None:
    for is_open in (1, 0):
        parameters = {"name": name, "open": is_open, "queue": None if queue is None else queue.id}
        (number,) = tx.connection.execute(_NAMESAKE, parameters).fetchone()
        if number is not None:
            return _one(tx, _ID_IS, number)
    return None


def _check_name(tx: Tx, queue: Queue, name: str | None) -> None:
    if name is not None and not name.strip():
        raise Invalid("a task's name cannot be empty")
    if not queue.unique_tasks or name is None:
        return
    taken = tx.connection.execute(
        "SELECT 1 FROM task WHERE queue_id = ? AND name = ? AND deleted_at IS NULL LIMIT 1", (queue.id, name)
    )
    if taken.fetchone() is not None:
        raise Conflict(f"the queue {queue.name!r} allows a name once, and {name!r} is in it already")


def _check_reference(tx: Tx, queue: Queue, reference: str | None) -> None:
    """Unique among those that are neither deleted nor repeated by another."""
    if not queue.unique_tasks or reference is None:
        return
    taken = tx.connection.execute(
        "SELECT 1 FROM task WHERE queue_id = ? AND reference = ? AND deleted_at IS NULL"
        " AND status NOT IN ('deleted', 'retried') LIMIT 1",
        (queue.id, reference),
    )
    if taken.fetchone() is not None:
        raise DuplicateReference(
            f"the queue {queue.name!r} allows a reference once, and {reference!r} is in it already"
        )


def _rank(tx: Tx, priority: Priority, deadline: int | None) -> int:
    return _OVERDUE if _passed(tx, deadline) else _RANK[priority]


def _passed(tx: Tx, moment: int | None) -> bool:
    return moment is not None and moment <= tx.now


def _tags(tags: Sequence[str]) -> str | None:
    """Each once, in the order given."""
    return dumps(list(dict.fromkeys(tags)), ensure_ascii=False) if tags else None


def _not_negative(retries: int) -> int:
    if retries < 0:
        raise Invalid("the number of retries cannot be negative")
    return retries
