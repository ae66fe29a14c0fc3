"""What can be declared: the kinds, their fields, and how the client makes, changes and removes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Feature
from orchctl.model.words import SECRET_ASSETS
from orchctl.sanitize import MASK
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.model import Json

Fields = dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``fields`` are what a file may say of it, beside the name; ``times`` are those of them that are points in time.

    ``read`` gives the fields of an object as a file would have them, ``None`` for what the orchestrator does not say.
    """

    name: str
    plural: str
    fields: tuple[str, ...]
    times: tuple[str, ...] = ()
    lists: Feature
    needs: Mapping[str, Feature]
    listed: Callable[[Client], Iterator[Any]]
    read: Callable[[Any], Fields]
    create: Callable[[Client, str, Fields, str | None], object]
    update: Callable[[Client, str, Fields, str | None], object]
    remove: Callable[[Client, str], object]


def _attributes(names: tuple[str, ...]) -> Callable[[Any], Fields]:
    def read(item: Any) -> Fields:
        return {name: _plain(getattr(item, name)) for name in names}

    return read


def _plain(value: Any) -> Json:
    found: Json = rfc3339(value) if isinstance(value, datetime) else value
    return found


def _read_asset(asset: Any) -> Fields:
    fields = _attributes(_ASSET_FIELDS)(asset)
    if asset.type in SECRET_ASSETS:
        del fields["value"]
        fields["secret"] = None if asset.value == MASK else asset.value
    return fields


def _read_trigger(trigger: Any) -> Fields:
    fields = _attributes(("process", "robot", "group", "cron", "start_at", "end_at", "max_runs"))(trigger)
    fields["enabled"] = {"enabled": True, "disabled": False}.get(trigger.status or "")
    if trigger.cron is None:
        fields["continuous"] = True
    return fields


_ASSET_FIELDS = ("type", "value", "username", "description", "scope", "expires_at")

# A trigger starts a process, so processes come first and go last.
KINDS = (
    Kind(
        name="process",
        plural="processes",
        fields=("description", "type"),
        lists=Feature.LIST_PROCESSES,
        needs={
            "create": Feature.CREATE_PROCESS,
            "update": Feature.UPDATE_PROCESS,
            "remove": Feature.DELETE_PROCESS,
        },
        listed=lambda client: client.list_processes(),
        read=_attributes(("description", "type")),
        create=lambda client, name, fields, _: client.create_process(
            model.NewProcess(name=name, **fields)  # type: ignore[arg-type]  # checked when the file was read
        ),
        update=lambda client, ident, fields, _: client.update_process(
            ident,
            model.ProcessChange(**fields),  # type: ignore[arg-type]  # checked when the file was read
        ),
        remove=lambda client, ident: client.delete_process(ident),
    ),
    Kind(
        name="queue",
        plural="queues",
        fields=("description", "unique_tasks", "auto_change_status", "max_retries"),
        lists=Feature.LIST_QUEUES,
        needs={
            "create": Feature.CREATE_QUEUE,
            "update": Feature.UPDATE_QUEUE,
            "remove": Feature.DELETE_QUEUE,
        },
        listed=lambda client: client.list_queues(),
        read=_attributes(("description", "unique_tasks", "auto_change_status", "max_retries")),
        create=lambda client, name, fields, _: client.create_queue(
            model.NewQueue(name=name, **fields)  # type: ignore[arg-type]  # checked when the file was read
        ),
        update=lambda client, ident, fields, _: client.update_queue(
            ident,
            model.QueueChange(**fields),  # type: ignore[arg-type]  # checked when the file was read
        ),
        remove=lambda client, ident: client.delete_queue(ident),
    ),
    Kind(
        name="asset",
        plural="assets",
        fields=(*_ASSET_FIELDS, "value_from"),
        times=("expires_at",),
        lists=Feature.LIST_ASSETS,
        needs={
            "create": Feature.CREATE_ASSET,
            "update": Feature.UPDATE_ASSET,
            "remove": Feature.DELETE_ASSET,
        },
        listed=lambda client: (_revealed(client, asset) for asset in client.list_assets()),
        read=_read_asset,
        create=lambda client, name, fields, secret: client.create_asset(
            model.NewAsset(name=name, secret=secret, **fields)  # type: ignore[arg-type]  # checked when read
        ),
        update=lambda client, ident, fields, secret: client.update_asset(
            ident,
            model.AssetChange(secret=secret, **fields),  # type: ignore[arg-type]  # checked when read
        ),
        remove=lambda client, ident: client.delete_asset(ident),
    ),
    Kind(
        name="trigger",
        plural="triggers",
        fields=(
            *("process", "robot", "group", "cron", "continuous"),
            *("enabled", "start_at", "end_at", "max_runs", "description"),
        ),
        times=("start_at", "end_at"),
        lists=Feature.LIST_TRIGGERS,
        needs={
            "create": Feature.CREATE_TRIGGER,
            "update": Feature.UPDATE_TRIGGER,
            "remove": Feature.DELETE_TRIGGER,
        },
        listed=lambda client: client.list_triggers(),
        read=_read_trigger,
        create=lambda client, name, fields, _: client.create_trigger(
            model.NewTrigger(name=name, **fields)  # type: ignore[arg-type]  # checked when the file was read
        ),
        update=lambda client, ident, fields, _: client.update_trigger(
            ident,
            model.TriggerChange(**fields),  # type: ignore[arg-type]  # checked when the file was read
        ),
        remove=lambda client, ident: client.delete_trigger(ident),
    ),
)
BY_PLURAL = {kind.plural: kind for kind in KINDS}


def _revealed(client: Client, asset: Any) -> Any:
    """An asset with its secret, where there is one and the orchestrator gives it; it stays in this process."""
    if asset.type not in SECRET_ASSETS:
        return asset
    return replace(asset, value=client.get_asset(asset.id, reveal=True).value)
