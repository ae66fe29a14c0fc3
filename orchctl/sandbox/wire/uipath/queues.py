"""QueueDefinitions and the report on what is in queues."""

from __future__ import annotations

from typing import Any

from orchctl.model import TaskStatus
from orchctl.sandbox.engine import queues, tasks
from orchctl.sandbox.engine.base import Tx, as_id
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.folders import find as find_folder
from orchctl.sandbox.engine.queues import Queue, QueueFields
from orchctl.sandbox.engine.tasks import Wanted
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, Body, done, json, missing, nothing, stamp
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, NAME_TAKEN, Refused

ENTITY = "QueueDefinitions"

_LONGEST_NAME = 50
_LONGEST_DESCRIPTION = 250
_MOST_RETRIES = 50


def in_folder(tx: Tx, folder: Folder, number: int) -> Queue:
    """A folder's queue by number."""
    for queue in queues.every(tx, folder_id=folder.id):
        if queue.id == number:
            return queue
    raise missing("Queue")


def named(tx: Tx, folder: Folder, name: str) -> Queue:
    """A folder's queue by name, without regard to case."""
    for queue in queues.every(tx, folder_id=folder.id):
        if queue.name.casefold() == name.strip().casefold():
            return queue
    raise missing(f"Queue with name {name}")


def list_(ask: Ask) -> Response:
    folder = ask.folder()
    rows = [shown(queue, folder) for queue in queues.every(ask.tx, folder_id=folder.id)]
    return ask.rows(ENTITY, rows, enums={})


def list_everywhere(ask: Ask) -> Response:
    """``GetQueuesAcrossFolders``."""
    rows = [shown(queue, find_folder(ask.tx, str(queue.folder_id))) for queue in queues.every(ask.tx)]
    return ask.rows(ENTITY, rows, enums={}, others=("excludefolderid",))


def get(ask: Ask) -> Response:
    folder = ask.folder()
    return ask.one(ENTITY, shown(in_folder(ask.tx, folder, ask.key()), folder))


def get_by_key(ask: Ask) -> Response:
    folder = ask.folder()
    key = ask.argument("identifier").lower()
    for queue in queues.every(ask.tx, folder_id=folder.id):
        if queue.guid == key:
            return ask.one(ENTITY, shown(queue, folder))
    raise missing("Queue")


def create(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    name = body.required("Name", longest=_LONGEST_NAME)
    _check_free(ask.tx, folder, name, own=None)
    guid = queues.create(ask.tx, {**_fields(body), "name": name}, folder_id=folder.id)
    return ask.one(ENTITY, shown(queues.find(ask.tx, guid), folder), status=201)


def update(ask: Ask) -> Response:
    """PUT replaces: what is left out goes back to its default."""
    folder, body = ask.folder(), ask.body()
    queue = in_folder(ask.tx, folder, ask.key())
    name = body.required("Name", longest=_LONGEST_NAME)
    _check_free(ask.tx, folder, name, own=queue)
    queues.update(ask.tx, queue, {**_fields(body), "name": name})
    return done(ask)


def delete(ask: Ask) -> Response:
    folder = ask.folder()
    queues.delete(ask.tx, in_folder(ask.tx, folder, ask.key()))
    return nothing()


def folders_of(ask: Ask) -> Response:
    """``GetFoldersForQueue``."""
    number = as_id(ask.argument("id"))
    queue = in_folder(ask.tx, ask.folder(), number or 0)
    folder = find_folder(ask.tx, str(queue.folder_id))
    return json(
        {
            "@odata.context": f"{ask.base}/odata/$metadata#UiPath.AccessibleFoldersDto",
            "TotalFoldersCount": 1,
            "AccessibleFolders": [
                {
                    "Id": folder.id,
                    "Key": folder.guid,
                    "DisplayName": folder.name,
                    "FullyQualifiedName": folder.path,
                }
            ],
        }
    )


def processing_status(ask: Ask) -> Response:
    """``RetrieveQueuesProcessingStatus``: one row a queue of the folder."""
    folder = ask.folder()
    rows = [_status(ask.tx, queue) for queue in queues.every(ask.tx, folder_id=folder.id)]
    return ask.rows("QueueProcessingRecords", rows, enums={})


def _status(tx: Tx, queue: Queue) -> dict[str, Any]:
    def number(*statuses: TaskStatus) -> int:
        return tasks.count(tx, Wanted(queue_id=queue.id, statuses=statuses))

    done_well = number(TaskStatus.SUCCESS)
    faults, business = number(TaskStatus.FAILED), number(TaskStatus.FAILED_BUSINESS)
    return {
        "ItemsToProcess": number(TaskStatus.NEW, TaskStatus.POSTPONED),
        "ItemsInProgress": number(TaskStatus.IN_PROGRESS),
        "QueueDefinitionId": queue.id,
        "QueueDefinitionKey": queue.guid,
        "QueueDefinitionName": queue.name,
        "QueueDefinitionDescription": queue.description,
        "QueueDefinitionAcceptAutomaticallyRetry": bool(queue.retry_failed),
        "QueueDefinitionRetryAbandonedItems": bool(queue.retry_abandoned),
        "QueueDefinitionMaxNumberOfRetries": queue.max_retries,
        "QueueDefinitionEnforceUniqueReference": bool(queue.unique_tasks),
        "ProcessingMeanTime": 0,
        "SuccessfulTransactionsNo": done_well,
        "ApplicationExceptionsNo": faults,
        "BusinessExceptionsNo": business,
        "SuccessfulTransactionsProcessingTime": 0,
        "ApplicationExceptionsProcessingTime": 0,
        "BusinessExceptionsProcessingTime": 0,
        "TotalNumberOfTransactions": done_well + faults + business,
        "LastProcessed": None,
        "ReleaseName": None,
        "ReleaseId": None,
        "IsProcessInCurrentFolder": None,
        "SpecificDataJsonSchemaExists": False,
        "OutputDataJsonSchemaExists": False,
        "AnalyticsDataJsonSchemaExists": False,
        "ProcessScheduleId": None,
        "QueueFoldersCount": 1,
        "Tags": [],
        "Id": queue.id,
    }


def _check_free(tx: Tx, folder: Folder, name: str, *, own: Queue | None) -> None:
    for other in queues.every(tx, folder_id=folder.id):
        if other.name.casefold() == name.casefold() and (own is None or other.id != own.id):
            raise Refused(409, f"A queue with the name {name} already exists.", code=NAME_TAKEN)


def _fields(body: Body) -> QueueFields:
    retries = body.number("MaxNumberOfRetries") or 0
    if not 0 <= retries <= _MOST_RETRIES:
        raise Refused(400, f"MaxNumberOfRetries must be between 0 and {_MOST_RETRIES}.", code=BAD_ARGUMENT)
    return {
        "description": body.text("Description", longest=_LONGEST_DESCRIPTION),
        "unique_tasks": bool(body.flag("EnforceUniqueReference")),
        "max_retries": retries,
        "retry_failed": bool(body.flag("AcceptAutomaticallyRetry")),
        "retry_abandoned": bool(body.flag("RetryAbandonedItems")),
    }


def shown(queue: Queue, folder: Folder) -> dict[str, Any]:
    return {
        "Key": queue.guid,
        "Name": queue.name,
        "Description": queue.description,
        "MaxNumberOfRetries": queue.max_retries,
        "AcceptAutomaticallyRetry": bool(queue.retry_failed),
        "RetryAbandonedItems": bool(queue.retry_abandoned),
        "EnforceUniqueReference": bool(queue.unique_tasks),
        "Encrypted": False,
        "SpecificDataJsonSchema": None,
        "OutputDataJsonSchema": None,
        "AnalyticsDataJsonSchema": None,
        "CreationTime": stamp(queue.created_at),
        "ProcessScheduleId": None,
        "SlaInMinutes": 0,
        "RiskSlaInMinutes": 0,
        "ReleaseId": None,
        "IsProcessInCurrentFolder": None,
        "FoldersCount": 1,
        "OrganizationUnitId": folder.id,
        "OrganizationUnitFullyQualifiedName": folder.path,
        "Tags": [],
        "Id": queue.id,
    }
