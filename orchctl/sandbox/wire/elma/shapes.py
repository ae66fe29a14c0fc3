"""What ELMA's API writes and reads: the shapes of its answers, as the documents print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps, loads
from time import gmtime, strftime

from orchctl.model import Json, Priority, TaskStatus
from orchctl.sandbox.engine import Invalid, NotFound, Tx, processes, queues, runs
from orchctl.sandbox.engine.processes import Process, Variable, Version
from orchctl.sandbox.engine.tasks import Task
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.elma.switches import Switches

# Seed 002. ERROR also stands for ends that only other APIs know.
_STATUS = {
    TaskStatus.PREPARING: "PREPARE",
    TaskStatus.NEW: "QUEUE",
    TaskStatus.POSTPONED: "QUEUE",
    TaskStatus.IN_PROGRESS: "EXECUTING",
    TaskStatus.SUCCESS: "DONE",
    TaskStatus.FAILED: "ERROR",
    TaskStatus.FAILED_BUSINESS: "ERROR",
    TaskStatus.ABANDONED: "ERROR",
    TaskStatus.RETRIED: "ERROR",
    TaskStatus.CANCELLED: "CANCEL",
}
_PRIORITY = {Priority.HIGH: "HIGH", Priority.NORMAL: "MEDIUM", Priority.LOW: "LOW"}
PRIORITY_OF = {word: priority for priority, word in _PRIORITY.items()} | {"EMPTY_P": Priority.NORMAL}
_SCOPE = {"in": "In", "out": "Out", "inout": "InOut"}
_IN_QUEUE = frozenset({"PREPARE", "QUEUE"})
_UNSET = "0001-01-01T00:00:00Z"
# In process nobody has to show who he is; this stands for him.
OURSELVES = "00000000-0000-4000-8000-000000000001"


def task_object(tx: Tx, task: Task, switches: Switches, *, log: bool = True) -> dict[str, Json]:
    """The keys and their order as the document shows them; what is empty is left out, as there."""
    run = runs.of(tx, task)
    status = _STATUS.get(TaskStatus(task.status), "ERROR")
    queued = status in _IN_QUEUE
    process = process_of(tx, task)
    offset = 4 if switches.local_created and queued else 0
    metrics: dict[str, Json] = {}
    if task.started_at is not None and not queued:
        metrics["startTime"] = _UNSET if switches.zero_metrics else _time(task.started_at)
        if task.ended_at is not None:
            metrics["endTime"] = _UNSET if switches.zero_metrics else _time(task.ended_at)
    groups: Json = [process.group_guid] if process is not None and run.context_guid else None
    found: dict[str, Json] = {
        "id": task.id,
        "process": None if process is None else process.guid,
        "ctx": run.context_guid,
        "system": run.system,
        "priority": _PRIORITY[Priority(task.priority)],
        "groups": groups,
        "status": status,
        "bot": None if queued else task.robot,
        "outputCtx": _output(task.output),
        "log": (run.log or None) if log else None,
    }
    found = {key: value for key, value in found.items() if value is not None}
    times: dict[str, Json] = {
        "created": _time(task.created_at, offset),
        "updated": _time(task.updated_at, offset),
    }
    return {**found, "metrics": metrics, **times}


def context_of(text: Json) -> dict[str, Json]:
    """The input context: a text that is a JSON object."""
    if text in (None, ""):
        return {}
    if not isinstance(text, str):
        raise Invalid("task.ctx must be a string that holds JSON")
    try:
        found = decode_json(text)
    except ValueError as error:
        raise Invalid(f"task.ctx is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Invalid("task.ctx must be a string that holds a JSON object")
    return found


def files_in(context: Mapping[str, Json], variables: Sequence[Variable]) -> list[str]:
    """The URLs of the files that the process needs."""
    kinds = {variable.name.lower(): variable.type for variable in variables}
    found: list[str] = []
    for name, value in context.items():
        if kinds.get(name.lower()) == "file":
            found += [
                url for url in (value if isinstance(value, list) else [value]) if isinstance(url, str) and url
            ]
    return found


def queue_of(tx: Tx, process: Process) -> queues.Queue:
    """The queue of the process's name, made when it is first needed."""
    try:
        queue = queues.find(tx, process.name)
        if queue.name == process.name:  # and not one with that number
            return queue
    except NotFound:
        pass
    return queues.find(tx, queues.create(tx, {"name": process.name}))


def process_of(tx: Tx, task: Task) -> Process | None:
    """The process whose tasks lie in the task's queue."""
    name = queues.of(tx, task.queue_id).name
    try:
        process = processes.find(tx, name)
    except NotFound:
        return None
    return process if process.name == name else None


def _output(text: str | None) -> str | None:
    """Keys in lower case, lines ended by CR LF, as the document's sample has them."""
    if text is None:
        return None
    value = loads(text)
    if isinstance(value, dict):
        value = {key.lower(): item for key, item in value.items()}
    return dumps(value, indent=2, ensure_ascii=False).replace("\n", "\r\n")


def version_object(process: Process, version: Version) -> dict[str, Json]:
    return {
        "uuid": version.guid,
        "token": process.guid,
        "version": version.number,
        "active": version.id == process.version_id,
        "name": process.name,
        "desc": process.description or "",
        "hash": _hash(version),
        "created": _time(version.created_at),
        "uploaded": _time(version.created_at),
        "useruuid": OURSELVES,
        "fullname": "Administrator",
        "groups": [process.group_guid],
    }


def variable_object(variable: Variable) -> dict[str, Json]:
    return {
        "name": variable.name,
        "caption": variable.name,
        "desc": "",
        "type": variable.type,
        "isArray": variable.is_array,
        "scope": _SCOPE[variable.scope],
    }


def _hash(version: Version) -> str:
    from hashlib import sha1

    return sha1(version.guid.encode(), usedforsecurity=False).hexdigest()


def _time(milliseconds: int, offset: int = 0) -> str:
    moment = gmtime(milliseconds // 1000 + offset * 3600)
    return strftime("%Y-%m-%dT%H:%M:%S", moment) + (f"+{offset:02}:00" if offset else "Z")
