"""Sherpa's queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, given, id_of

if TYPE_CHECKING:
    from orchctl.model import Json


class Queues(Calls):
    def create_queue(self, new: model.NewQueue) -> model.Queue:
        """``POST /api/queue/create``. MaxRetries is an unverified name, sent only when asked for."""
        return model.Queue(id=self._create("queue", _fields(new)), name=new.name)

    def list_queues(self, cursor: str | None) -> Page[model.Queue] | None:
        """``GET /api/queue/read`` without an id is not documented; robots have such a call, so it is tried."""
        return self._list("queue", self._queue)

    def get_queue(self, ident: str) -> model.Queue:
        """``GET /api/queue/read/{guid or name}``."""
        return self._queue(self._read("queue", ident))

    def update_queue(self, ident: str, change: model.QueueChange) -> None:
        """``PUT /api/queue/update``."""
        self._update("queue", {"Guid": ident, **_fields(change)})

    def delete_queue(self, ident: str) -> None:
        """``DELETE /api/queue/delete/{guid}``."""
        self._delete("queue", ident)

    def _queue(self, native: dict[str, Any]) -> model.Queue:
        record = Record(native, self._zone)
        return model.Queue(
            id=id_of(record),
            name=record.text("name") or "",
            description=record.text("description"),
            unique_tasks=record.flag("uniquetasks"),
            auto_change_status=record.flag("autochangestatus"),
            max_retries=record.number("maxretries"),
            native=native,
        )


def _fields(fields: model.NewQueue | model.QueueChange) -> dict[str, Json]:
    return given(
        Name=fields.name,
        Description=fields.description,
        UniqueTasks=None if fields.unique_tasks is None else int(fields.unique_tasks),
        AutoChangeStatus=None if fields.auto_change_status is None else int(fields.auto_change_status),
        MaxRetries=fields.max_retries,
    )
