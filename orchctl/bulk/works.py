"""What the workers do with a row of a file, and with one of several targets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from orchctl.bulk.nouns import Entry, Noun
from orchctl.bulk.runner import Done, Item, Outbox
from orchctl.bulk.trace import Control, Lost, Tracer
from orchctl.dialects.base import Feature
from orchctl.errors import NotFound

if TYPE_CHECKING:
    from orchctl.client import Client

New = TypeVar("New")

_MOST_CONTROLS = 8


class EntryWork(Generic[New]):
    """Sends the entries of a noun, one a call, or as many a call as the orchestrator takes."""

    def __init__(
        self,
        client: Client,
        noun: Noun[New],
        tracer: Tracer,
        *,
        one_by_one: bool,
        outbox: Outbox,
    ) -> None:
        self.outbox = outbox
        self.batch = 1
        if noun.looked_for_in and not one_by_one and Feature.CREATE_TASKS in client.dialect.features:
            self.batch = client.dialect.batch_size
        self.tells_apart = noun.looked_for_in is not None and client.dialect.tells_tasks_apart
        self._client = client
        self._noun = noun
        self._tracer = tracer
        self._lock = threading.Lock()
        self._is_first = True

    def marked(self, items: Iterator[Item[Entry[New]]]) -> Iterator[Item[Entry[New]]]:
        """The same, each task that has no name with one by which it can be found again."""
        return items if self._noun.looked_for_in is None else map(self._marked, items)

    def _marked(self, item: Item[Entry[New]]) -> Item[Entry[New]]:
        new: Any = item.thing.new
        if new is None:
            return item
        marked: Any = self._tracer.marked(new, item.row)
        return item if marked is new else Item(item.row, replace(item.thing, new=marked))

    def perform(self, entries: Sequence[Entry[New]]) -> list[Done]:
        if len(entries) > 1:
            return self._noun.perform_many(self._client, entries)
        # The first one is read back, so that the user hears once what this orchestrator does not keep.
        with self._lock:
            read_back, self._is_first = self._is_first, False
        return [Done(self._noun.perform(self._client, entries[0], read_back=read_back))]

    def found(self, ident: str | None, sent_at: float) -> None:
        """A row went well: what is there for certain tells the server's clock."""
        if ident is not None and len(self._tracer.controls) < _MOST_CONTROLS:
            self._tracer.controls.append(Control(ident, None, sent_at))

    def find(self, entry: Entry[New], sent_at: float) -> str | None:
        new: Any = entry.new
        if new is None or self._noun.looked_for_in is None:
            return None
        return self._tracer.find(Lost(new, sent_at))


@dataclass(frozen=True, slots=True)
class Target:
    """One of several ids. ``in_doubt``: an earlier run may have done it already."""

    ident: str
    in_doubt: bool = False


class TargetWork:
    """Does one thing to each target. ``gone_is_done``: what is not there any more has been deleted."""

    batch = 1
    tells_apart = False

    def __init__(self, operation: Callable[[str], Any], *, gone_is_done: bool, outbox: Outbox) -> None:
        self.outbox = outbox
        self._operation = operation
        self._gone_is_done = gone_is_done

    def perform(self, targets: Sequence[Target]) -> list[Done]:
        (target,) = targets
        try:
            return [Done(target.ident, self._operation(target.ident))]
        except NotFound:
            if target.in_doubt and self._gone_is_done:
                return [Done(target.ident)]
            raise

    def found(self, ident: str | None, sent_at: float) -> None:
        pass

    def find(self, target: Target, sent_at: float) -> str | None:
        return None
