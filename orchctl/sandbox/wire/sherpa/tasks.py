"""Tasks and their tags."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from json import dumps, loads

from orchctl.model import Priority, TaskStatus
from orchctl.sandbox.engine import Invalid, NotFound, Tx, jobs, queues, tasks
from orchctl.sandbox.engine.queues import Queue
from orchctl.sandbox.engine.tasks import Task, TaskFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.sherpa.asks import (
    ACCOUNT,
    CHUNK,
    Ask,
    Route,
    Routes,
    answer,
    guid,
    joined,
    nothing,
    raw,
    streamed,
    time,
)

# S000, and the words for what only other wires can set.
_STATUS = (
    TaskStatus.NEW,
    TaskStatus.IN_PROGRESS,
    TaskStatus.SUCCESS,
    TaskStatus.FAILED,
    TaskStatus.FAILED_BUSINESS,
    TaskStatus.POSTPONED,
    TaskStatus.ABANDONED,
)
_STATUS_CODE = {status.value: str(code) for code, status in enumerate(_STATUS)} | {
    TaskStatus.PREPARING.value: "0",
    TaskStatus.CANCELLED.value: "6",
    TaskStatus.DELETED.value: "6",
    TaskStatus.RETRIED.value: "3",
}
# I: names are documented, numbers are not; every example shows 1, and Normal is the default.
_PRIORITY = (Priority.LOW, Priority.NORMAL, Priority.HIGH)
_PRIORITY_CODE = {priority.value: str(code) for code, priority in enumerate(_PRIORITY)}
_DEADLINE_PRIORITY = 3  # the user interface's fourth choice, which is no priority of the task's own


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    queue = queues.find(ask.tx, ask.fields.required("QueueGuid", "QueueId", "Queue"))
    return guid(tasks.create(ask.tx, queue, _fields(ask)))


def read(ask: Ask) -> Response:
    return raw(task_json(tasks.find(ask.tx, ask.key("Guid"))))


def read_of_queue(ask: Ask) -> Response:
    queue = queues.find(ask.tx, ask.key("Guid"))
    return raw(task_json(tasks.find(ask.tx, ask.fields.required("Name"), queue)))


def listed(ask: Ask) -> Response:
    if ask.strict:
        ask.fields.required("Name")
    queue = queues.find(ask.tx, ask.key("Name"))
    return streamed(ask, partial(_page, queue=queue, last=tasks.last_id(ask.tx, queue)))


def update(ask: Ask) -> Response:
    task = tasks.find(ask.tx, ask.key("Guid"))
    code = ask.fields.integer("Status")
    if code is not None and not 0 <= code < len(_STATUS):
        raise Invalid(f"there is no task status {code}")
    status = None if code is None else _STATUS[code]
    fields = _fields(ask)
    if status == TaskStatus.IN_PROGRESS and ask.robot is not None:
        fields["robot"] = ask.robot.name
    queue_key = ask.fields.text("QueueGuid", "QueueId", "Queue")
    queue = queues.find(ask.tx, queue_key) if queue_key else None
    tasks.update(ask.tx, task, fields, status=status, queue=queue)
    return nothing()


def delete(ask: Ask) -> Response:
    tasks.delete(ask.tx, tasks.find(ask.tx, ask.key("Guid")))
    return answer({"result": "1"})


def add_tags(ask: Ask) -> Response:
    task = tasks.find(ask.tx, ask.fields.required("TaskGuid"))
    ask.fields.required("TagNames")
    tasks.add_tags(ask.tx, task, ask.fields.words("TagNames"))
    return nothing()


def remove_tags(ask: Ask) -> Response:
    task = tasks.find(ask.tx, ask.fields.required("TaskGuid"))
    ask.fields.required("TagNames")
    names = ask.fields.words("TagNames")
    tasks.remove_tags(ask.tx, task, task.tag_list if names == ["*"] else names)  # DES: * is every tag
    return nothing()


ROUTES: Routes = {
    ("task", "create"): Route("POST", create, robots=True),
    ("task", "read"): Route("GET", read, args=1, robots=True),
    ("task", "filter", "read"): Route("POST", read_of_queue, args=1, robots=True, reads=True),
    ("task", "filter", "list"): Route("POST", listed, args=1, robots=True, reads=True),
    ("task", "update"): Route("PUT", update, robots=True),
    ("task", "delete"): Route("DELETE", delete, args=1, robots=True),
    ("task", "addTag"): Route("PUT", add_tags, robots=True),
    ("task", "removeTag"): Route("DELETE", remove_tags, robots=True),
}


def _fields(ask: Ask) -> TaskFields:
    """REF's parameters, and those that only the Designer and the user interface can set (I)."""
    fields = ask.fields
    given: TaskFields = {}
    if (name := fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    if "Comment" in fields:
        given["comment"] = fields.text("Comment")
    if "Deadline" in fields:
        given["deadline"] = fields.moment("Deadline")
    if "Postponed" in fields:
        given["postponed_until"] = fields.moment("Postponed")
    if (retries := fields.integer("Retries")) is not None:
        given["retries"] = retries
    if "Tags" in fields:
        given["tags"] = fields.words("Tags")
    if "Parameters" in fields:
        given["payload"] = fields.json_text("Parameters")
    if (priority := fields.text("Priority")) is not None:
        given["priority"] = _priority(priority)
    if "JobGUID" in fields:
        given["job_guid"] = _job_guid(ask, fields.text("JobGUID"))
    if parent := fields.text("ParentTask"):
        given["parent_guid"] = tasks.find(ask.tx, parent).guid
    return given


def _job_guid(ask: Ask, key: str | None) -> str | None:
    """REL 141844: a robot passes its job's GUID. One that is not known here is kept as it was said."""
    if not key:
        return None
    try:
        return jobs.find(ask.tx, key).guid
    except NotFound:
        return key


def _priority(text: str) -> Priority:
    word = text.strip().lower()
    if word in _PRIORITY_CODE:
        return Priority(word)
    if word in ("0", "1", "2"):
        return _PRIORITY[int(word)]
    if word == str(_DEADLINE_PRIORITY):
        return Priority.HIGH
    raise Invalid(f"there is no priority {text!r}: 0 low, 1 normal, 2 high")


def _page(tx: Tx, key: int, *, queue: Queue, last: int) -> tuple[bytes, int | None]:
    parts: list[str] = []
    size = 0
    with closing(tasks.after(tx, queue, key=key, last=last)) as found:
        for task in found:
            part = task_json(task)
            parts.append(part)
            size += len(part)
            if size >= CHUNK:
                return joined(parts), task.id
    return joined(parts), None


def task_json(task: Task) -> str:
    """REF's keys in REF's order, numbers as strings; ``parameters`` as the framework's page shows it."""
    tags = task.tag_list
    shown = dumps(
        {
            "id": str(task.id),
            "guid": task.guid,
            "queue_id": str(task.queue_id),
            "name": task.name,
            "description": task.description,
            "status": _STATUS_CODE.get(task.status, task.status),
            "job_id": task.job_guid,
            "priority": _PRIORITY_CODE[task.priority],
            "created": time(task.created_at),
            "started": time(task.started_at),
            "postponed": time(task.postponed_until),
            "deadline": time(task.deadline),
            "updated": time(task.updated_at),
            "comment": task.comment,
            "is_deleted": "0",
            "account_id": ACCOUNT,
            "tags": ";".join(tags) if tags else None,
            "retries": str(task.retries),
            "parent_task": task.parent_guid,
        }
    )
    # Kept as it was given: the payload is JSON already.
    return f'{shown[:-1]}, "parameters": {_parameters(task)}}}'


def _parameters(task: Task) -> str:
    """The payload. What a robot of another API gave as output has no field here: it is shown as ``output``."""
    if task.output is None:
        return task.payload or "null"
    payload = loads(task.payload) if task.payload else {}
    if not isinstance(payload, dict) or "output" in payload:
        return task.payload or "null"
    return dumps(payload | {"output": loads(task.output)})
