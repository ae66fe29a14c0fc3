"""What the rows of a file mean for a noun: its columns, and what is done with a row. One class a noun."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from orchctl.bulk import cells
from orchctl.bulk.cells import BadCell, Reader
from orchctl.bulk.outcome import is_everybodys
from orchctl.bulk.runner import Done
from orchctl.bulk.trace import key_of
from orchctl.dialects.base import Feature
from orchctl.errors import NotFound, OrchctlError, OutcomeUnknown, Refused, UsageFault
from orchctl.model import AssetChange, NewAsset, NewQueue, NewTask, QueueChange, TaskChange
from orchctl.model.words import SECRET_ASSETS
from orchctl.sanitize import MASK, passing_secrets, scrub

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.dialects.base import Dialect
    from orchctl.model import Json, Task

New = TypeVar("New")

_NEW_TASK = tuple(field.name for field in fields(NewTask))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[New]):
    """A row in the vocabulary's words: something new, or a change of what ``ident`` names.

    ``merge`` is laid over a payload. ``seen_at``: the change was made from the state of that time.
    """

    new: New | None = None
    ident: str | None = None
    change: Any = None
    merge: Mapping[str, Json] | None = None
    tags: tuple[str, ...] | None = None
    seen_at: datetime | None = None


class Noun(ABC, Generic[New]):
    """``columns`` are those that are sent, ``own`` those that the orchestrator sets by itself."""

    feature: Feature
    """What the orchestrator has to be able to do for any row to make sense."""
    columns: ClassVar[Mapping[str, Reader]]
    own: frozenset[str]
    has_payload: ClassVar[bool] = False
    holds_secrets: ClassVar[bool] = False

    @property
    def kept(self) -> Sequence[str]:
        """The columns met so far that say what an object has for good, so that no change of them was sent."""
        return ()

    @property
    def looked_for_in(self) -> str | None:
        """The queue in which a create in doubt can be looked for."""
        return None

    def key(self, entry: Entry[New]) -> str | None:
        """What tells a create in doubt apart from the others, when it is looked for."""
        return None

    @abstractmethod
    def entry(self, values: dict[str, Any], payload: dict[str, Json], *, as_new: bool) -> Entry[New]:
        """Raises BadCell. ``payload`` is what stood in columns of its own."""

    def check(self, client: Client) -> None:
        """Before the first row is sent. Raises what would spoil every one of them."""

    @abstractmethod
    def rehearse(self, client: Client, silent: Dialect, entry: Entry[New]) -> None:
        """Do it over a dialect that sends nothing; of the client only questions are asked."""

    @abstractmethod
    def perform(self, client: Client, entry: Entry[New], *, read_back: bool) -> str:
        """Do it; gives the object's id."""

    def perform_many(self, client: Client, entries: Sequence[Entry[New]]) -> list[Done]:
        """Several in one call, where the orchestrator has one."""
        raise AssertionError


class Tasks(Noun[NewTask]):
    """Rows that are tasks; ``template`` is what the command line says for all of them.

    ``own``: what the orchestrator sets by itself beside the fields that each of them does. ``fixed``: what counts
    for something new only.
    """

    feature = Feature.CREATE_TASK
    columns: ClassVar[Mapping[str, Reader]] = {
        "id": cells.text,
        "name": cells.text,
        "status": cells.task_status,
        "priority": cells.priority,
        "payload": cells.anything,
        "reference": cells.text,
        "tags": cells.words,
        "comment": cells.text,
        "description": cells.text,
        "updated_at": cells.moment,
        "postponed_until": cells.moment,
        "deadline": cells.moment,
        "retries": cells.whole,
        "parent_id": cells.text,
    }
    own = frozenset(
        [
            "queue",
            "output",
            "error",
            "created_at",
            "started_at",
            "ended_at",
            "job_id",
            "robot",
            "progress",
            "native",
        ]
    )
    has_payload: ClassVar[bool] = True

    def __init__(
        self, template: NewTask, *, own: frozenset[str] = frozenset(), fixed: frozenset[str] = frozenset()
    ) -> None:
        self.own = self.own | own
        self._fixed = fixed
        self._kept: set[str] = set()
        self._template = template
        self._given = {name: getattr(template, name) for name in _NEW_TASK}

    @property
    def kept(self) -> Sequence[str]:
        return sorted(self._kept)

    @property
    def looked_for_in(self) -> str | None:
        return self._template.queue

    def key(self, entry: Entry[NewTask]) -> str | None:
        return None if entry.new is None else key_of(entry.new)

    def entry(self, values: dict[str, Any], payload: dict[str, Json], *, as_new: bool) -> Entry[NewTask]:
        ident = values.pop("id", None)
        seen_at = values.pop("updated_at", None)
        if ident is not None and not as_new:
            return self._change(ident, values, payload, seen_at)
        values.pop("status", None)  # what begins is new, whatever became of the task it was written down from
        whole = values.pop("payload", self._template.payload)
        texts = frozenset(name for name, value in payload.items() if isinstance(value, str))
        if payload:
            if not isinstance(whole, dict | None):
                raise BadCell("the payload is no object, so columns cannot be laid over it")
            whole = {**(whole or {}), **payload}
        if values.get("tags") is None:
            values.pop("tags", None)
        # By hand: dataclasses.replace takes as long as all the rest of this.
        known = {**self._given, **values, "payload": whole, "texts": self._template.texts | texts}
        return Entry(new=NewTask(**known))

    def _change(
        self, ident: str, values: dict[str, Any], payload: dict[str, Json], seen_at: datetime | None
    ) -> Entry[NewTask]:
        tags = values.pop("tags", None)
        self._kept.update(self._fixed & values.keys())
        values = {name: value for name, value in values.items() if name not in self._fixed}
        if payload and "payload" in values:
            if not isinstance(values["payload"], dict):
                raise BadCell("the payload is no object, so columns cannot be laid over it")
            values["payload"] = {**values["payload"], **payload}
            payload = {}
        change = TaskChange(**values)
        if not values and not payload and tags is None:
            raise BadCell("this row has an id and nothing to change")
        return Entry(ident=ident, change=change, merge=payload or None, tags=tags, seen_at=seen_at)

    def check(self, client: Client) -> None:
        if Feature.GET_QUEUE in client.dialect.features:
            try:
                client.get_queue(self._template.queue)
            except OrchctlError as error:
                if isinstance(error, NotFound | UsageFault) or is_everybodys(error):
                    raise
                # What else there is the rows will meet with, and it will be told with them.

    def rehearse(self, client: Client, silent: Dialect, entry: Entry[NewTask]) -> None:
        if entry.new is not None:
            client.check_task(entry.new)
            if not silent.needs_ledger:  # such a dialect takes only what has been checked
                silent.create_task(entry.new)
            return
        client.require(Feature.UPDATE_TASK)
        if _is_change(entry.change):
            silent.update_task(entry.ident or "", entry.change)

    def perform(self, client: Client, entry: Entry[NewTask], *, read_back: bool) -> str:
        if entry.new is not None:
            return client.create_task(entry.new, read_back=read_back).id
        assert entry.ident is not None
        ident = entry.ident
        if entry.seen_at is not None or entry.tags is not None:
            task = client.get_task(ident)
            ident = task.id
            if entry.seen_at is not None:
                if task.updated_at not in (None, entry.seen_at):
                    raise Refused(
                        f"the task {ident!r} has been changed since the row was written down",
                        hint="export it again, or leave the column updated_at out",
                    )
                entry = replace(entry, change=_what_differs(entry.change, task))
        if is_changed := bool(entry.merge or _is_change(entry.change)):
            merge = dict(entry.merge) if entry.merge else None
            ident = client.update_task(ident, entry.change, merge=merge, read_back=read_back).id
        if entry.tags is not None:
            _set_tags(client, ident, had=task.tags or (), tags=entry.tags, is_changed=is_changed)
        return ident

    def perform_many(self, client: Client, entries: Sequence[Entry[NewTask]]) -> list[Done]:
        news = [entry.new for entry in entries if entry.new is not None]
        assert len(news) == len(entries)
        refused = client.dialect.create_tasks(self._template.queue, news)
        return [Done(refused=refused.get(place)) for place in range(len(news))]


class Queues(Noun[NewQueue]):
    feature = Feature.CREATE_QUEUE
    columns: ClassVar[Mapping[str, Reader]] = {
        "id": cells.text,
        "name": cells.text,
        "description": cells.text,
        "unique_tasks": cells.flag,
        "auto_change_status": cells.flag,
        "max_retries": cells.whole,
    }
    own = frozenset({"native"})

    def entry(self, values: dict[str, Any], payload: dict[str, Json], *, as_new: bool) -> Entry[NewQueue]:
        ident = values.pop("id", None)
        if ident is not None and not as_new:
            if not values:
                raise BadCell("this row has an id and nothing to change")
            return Entry(ident=ident, change=QueueChange(**values))
        if "name" not in values:
            raise BadCell("a queue needs a name")
        return Entry(new=NewQueue(**values))

    def rehearse(self, client: Client, silent: Dialect, entry: Entry[NewQueue]) -> None:
        client.require(Feature.CREATE_QUEUE if entry.new is not None else Feature.UPDATE_QUEUE)
        if entry.new is not None:
            silent.create_queue(entry.new)
        else:
            silent.update_queue(entry.ident or "", entry.change)

    def perform(self, client: Client, entry: Entry[NewQueue], *, read_back: bool) -> str:
        if entry.new is not None:
            return client.create_queue(entry.new).id
        return client.update_queue(entry.ident or "", entry.change).id


class Assets(Noun[NewAsset]):
    """Rows that are assets. ``by_name``: they are there already, and a row without an id is found by its name."""

    columns: ClassVar[Mapping[str, Reader]] = {
        "id": cells.text,
        "name": cells.text,
        "type": cells.asset_type,
        "value": cells.value,
        "username": cells.text,
        "description": cells.text,
        "scope": cells.scope,
        "expires_at": cells.moment,
    }
    own = frozenset({"updated_at", "native"})
    holds_secrets: ClassVar[bool] = True

    def __init__(self, *, by_name: bool) -> None:
        self._by_name = by_name
        self.feature = Feature.UPDATE_ASSET if by_name else Feature.CREATE_ASSET

    def entry(self, values: dict[str, Any], payload: dict[str, Json], *, as_new: bool) -> Entry[NewAsset]:
        ident = values.pop("id", None)
        if ident is None and self._by_name:
            ident = values.pop("name", None)
            if ident is None:
                raise BadCell("this row needs an id or a name, to say which asset it changes")
        kind = values.get("type")
        value = values.pop("value", None)
        if value == MASK:
            if ident is None or as_new:
                raise BadCell(f"{MASK} stands for a secret that was not written down")
            value = None
        values |= _valued(kind, value)
        if ident is not None and not as_new:
            return Entry(ident=ident, change=AssetChange(**values))
        if "name" not in values or kind is None:
            raise BadCell("an asset needs a name and a type")
        return Entry(new=NewAsset(**values))

    def rehearse(self, client: Client, silent: Dialect, entry: Entry[NewAsset]) -> None:
        client.require(Feature.CREATE_ASSET if entry.new is not None else Feature.UPDATE_ASSET)
        if entry.new is not None:
            silent.create_asset(entry.new)

    def perform(self, client: Client, entry: Entry[NewAsset], *, read_back: bool) -> str:
        with passing_secrets():
            try:
                return self._perform(client, entry)
            except OrchctlError as error:
                # It is told by another thread, when the row's secret is forgotten.
                error.message = scrub(error.message)
                raise

    def _perform(self, client: Client, entry: Entry[NewAsset]) -> str:
        if entry.new is not None:
            return client.create_asset(entry.new).id
        ident, change = entry.ident or "", entry.change
        if change.value is not None and change.type is None:
            try:  # the row does not say what its value is, so the asset does
                valued = _valued(client.get_asset(ident).type, change.value)
            except BadCell as error:
                raise Refused(str(error)) from None
            change = replace(change, **{"value": None, **valued})
        return client.update_asset(ident, change).id


def _valued(kind: str | None, value: Json) -> dict[str, Json]:
    """The field of an asset that a cell's value belongs into, and what it is there."""
    if value is None:
        return {}
    if kind in SECRET_ASSETS:
        return {"secret": value if isinstance(value, str) else str(value)}
    if not isinstance(value, str):
        return {"value": str(value) if kind == "text" else value}
    nothing = cells.Reading(now=datetime.min, cells_are_text=True)
    readers: dict[str | None, Reader] = {
        "integer": cells.number,
        "bool": cells.flag,
        "calendar": cells.anything,
    }
    return {"value": readers.get(kind, cells.text)(value, nothing)}


def _what_differs(change: TaskChange, task: Task) -> TaskChange:
    """The change without what the task has already: an export that is read back changes what was edited."""
    same = [
        field.name for field in fields(change) if getattr(change, field.name) == getattr(task, field.name)
    ]
    return replace(change, **dict.fromkeys(same))


def _set_tags(
    client: Client, ident: str, *, had: Sequence[str], tags: Sequence[str], is_changed: bool
) -> None:
    """Two calls at most; once one of them, or the change before them, is made, no error means that nothing is."""
    gone = tuple(tag for tag in had if tag not in tags)
    added = tuple(tag for tag in tags if tag not in had)
    try:
        if gone:
            client.remove_task_tags(ident, gone)
            is_changed = True
        if added:
            client.add_task_tags(ident, added)
    except OrchctlError as error:
        if not is_changed:
            raise
        raise OutcomeUnknown(f"changed in part: {error.message}", hint=error.hint) from error


def _is_change(change: Any) -> bool:
    return any(getattr(change, field.name) is not None for field in fields(change))


def noun_of(what: str, template: NewTask | None, dialect: Dialect) -> Noun[Any]:
    """What the rows of a command are."""
    if what == "task":
        assert template is not None
        return Tasks(template, own=dialect.own_task_fields, fixed=dialect.fixed_task_fields)
    return Queues() if what == "queue" else Assets(by_name=what == "asset change")
