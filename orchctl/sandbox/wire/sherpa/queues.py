"""Queues, and the task to take next."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import queues, tasks
from orchctl.sandbox.engine.queues import Queue, QueueFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.fields import Fields
from orchctl.sandbox.wire.sherpa.asks import Ask, Route, Routes, answer, guid, nothing, raw
from orchctl.sandbox.wire.sherpa.tasks import task_json

_MINUTE = 60_000


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    return guid(queues.create(ask.tx, _fields(ask.fields)))


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown(ask, queues.find(ask.tx, ask.key("Guid"))))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of queues: give a GUID or a name")
    return answer([_shown(ask, queue) for queue in queues.every(ask.tx)])


def update(ask: Ask) -> Response:
    queues.update(ask.tx, queues.find(ask.tx, ask.key("Guid")), _fields(ask.fields))
    return nothing()


def delete(ask: Ask) -> Response:
    queues.delete(ask.tx, queues.find(ask.tx, ask.key("Guid")))
    return nothing()


def next_task(ask: Ask) -> Response:
    task = tasks.next_new(ask.tx, queues.find(ask.tx, ask.key("Guid")))
    # No document shows an empty queue's answer; [] is how this API says "no data" elsewhere.
    return nothing() if task is None else raw(task_json(task))


ROUTES: Routes = {
    ("queue", "create"): Route("POST", create),
    ("queue", "read"): Route("GET", read, args=1, robots=True),
    ("queue", "update"): Route("PUT", update),
    ("queue", "delete"): Route("DELETE", delete, args=1),
    ("queue", "lastTask"): Route("GET", next_task, args=1, robots=True),
}


def _shown(ask: Ask, queue: Queue) -> dict[str, Json]:
    """REF's six keys, numbers as numbers as it prints them here; beside them the rules that are set."""
    shown: dict[str, Json] = {
        "id": queue.id,
        "guid": queue.guid,
        "name": queue.name,
        "description": queue.description,
        "auto_change_status": queue.auto_change_status,
        "unique_tasks": queue.unique_tasks,
    }
    rules: dict[str, Json] = {
        "max_retries": queue.max_retries,
        "retry_failed": queue.retry_failed,
        "retry_failed_business": queue.retry_business,
        "retry_abandoned": queue.retry_abandoned,
        "abandon_new_minutes": queue.abandon_new_ms // _MINUTE,
        "abandon_in_progress_minutes": queue.abandon_taken_ms // _MINUTE,
    }
    return shown if ask.strict else shown | {name: value for name, value in rules.items() if value}


def _fields(fields: Fields) -> QueueFields:
    """REF's parameters, and for the rules that the user interface has, names of our own."""
    given: QueueFields = {}
    name = fields.text("Name")
    if name is not None:
        given["name"] = name
    if "Description" in fields:
        given["description"] = fields.text("Description")
    if (unique := fields.flag("UniqueTasks")) is not None:
        given["unique_tasks"] = unique
    if (change := fields.flag("AutoChangeStatus")) is not None:
        given["auto_change_status"] = change
    if (retries := fields.integer("MaxRetries")) is not None:
        given["max_retries"] = retries
        given["retry_failed"] = retries > 0  # what a limit is for, unless RetryFailed says otherwise
    if (failed := fields.flag("RetryFailed")) is not None:
        given["retry_failed"] = failed
    if (business := fields.flag("RetryFailedBusiness")) is not None:
        given["retry_business"] = business
    if (abandoned := fields.flag("RetryAbandoned")) is not None:
        given["retry_abandoned"] = abandoned
    if (waiting := fields.integer("AbandonNewMinutes")) is not None:
        given["abandon_new_ms"] = waiting * _MINUTE
    if (working := fields.integer("AbandonInProgressMinutes")) is not None:
        given["abandon_taken_ms"] = working * _MINUTE
    return given
