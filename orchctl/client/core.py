"""What every part of the client needs: the dialect, the registry, paging, and ways to tell the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Protocol, TypeVar

from orchctl.dialects.base import Dialect, Feature, Page, T
from orchctl.errors import NotFound, OrchctlError, Refused, Unintelligible
from orchctl.guess import did_you_mean
from orchctl.registry import Registry
from orchctl.times import rfc3339

# Servers keep whole seconds.
_SAME_TIME = timedelta(seconds=1)


class Identified(Protocol):
    """What the registry remembers."""

    @property
    def id(self) -> str | None: ...


N = TypeVar("N", bound=Identified)


class Core:
    """One orchestrator. ``note`` takes a line for the user that is no result; sleep and clocks are injected."""

    def __init__(
        self,
        dialect: Dialect,
        registry: Registry,
        *,
        note: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.dialect = dialect
        self.registry = registry
        self._note = note
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._noted: set[str] = set()
        self._queue_names: dict[str, str] = {}
        self._seen_by_key: dict[tuple[str, str], Any] = {}
        self._unsure: set[tuple[str, str]] = set()

    def require(self, feature: Feature) -> None:
        """:raises Unsupported: this orchestrator cannot do it; nothing has been sent."""
        self.dialect.require(feature)

    def _note_once(self, text: str) -> None:
        """For what would be said at each of many looks."""
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)

    def _paged(self, fetch: Callable[[str | None], Page[T]]) -> Iterator[T]:
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = fetch(cursor)
            count = 0
            for item in page.items:
                count += 1
                yield item
            if page.next is None:
                count += page.left_out()
                if page.suspicious_size is not None and count == page.suspicious_size:
                    self._note_once(
                        f"exactly {count} rows came back: the orchestrator may have cut the list there"
                    )
                return
            if page.next in seen:
                raise Unintelligible(
                    "the server sent the same link to the next page twice", hint="the list is not complete"
                )
            seen.add(page.next)
            cursor = page.next

    def _listed(
        self, fetch: Callable[[str | None], Page[N] | None], kind: str, read: Callable[[str], N]
    ) -> Iterator[N]:
        """All objects of a kind, or, where the server has no list of them, those this machine has seen."""
        listed = self._listed_by_server(fetch, kind)
        if listed is not None:
            yield from listed
            return
        self._note(
            f"{self.dialect.title} has no list of {plural(kind)}: these are the ones this machine has seen"
        )
        for ident in self.registry.seen(kind):
            try:
                yield read(ident)
            except NotFound:
                self.registry.forget(kind, ident)

    def _listed_by_server(
        self, fetch: Callable[[str | None], Page[N] | None], kind: str
    ) -> Iterator[N] | None:
        """``None``: the server has no list of them."""
        first = fetch(None)
        if first is None or (rows := self._unless_doubtful(first, self.registry.seen(kind))) is None:
            return None
        pages = self._paged(
            lambda cursor: replace(first, items=rows) if cursor is None else self._further(fetch, cursor)
        )
        return self._remembered(pages, kind)

    def _remembered(self, rows: Iterator[N], kind: str) -> Iterator[N]:
        found: dict[str, str] = {}
        for item in rows:
            if item.id is not None and (name := _name(item)):
                found[item.id] = name
            yield item
        self.registry.remember(kind, found)

    def _is_there(
        self,
        kind: str,
        ident: str,
        read: Callable[[str], N],
        fetch: Callable[[str | None], Page[N] | None],
    ) -> bool | None:
        """Is there such an object? A name that the server does not find is looked for in its list.

        ``None``: that has no list, so it cannot be told.
        """
        try:
            self._seen_by_key[kind, ident] = self._find(kind, ident, read)
        except NotFound:
            if self._is_certain(kind, ident):
                return False
            listed = self._listed_by_server(fetch, kind)
            return None if listed is None else any(_name(item) == ident for item in listed)
        return True

    def _unless_doubtful(self, page: Page[N], known: Mapping[str, str]) -> Iterator[N] | None:
        """The rows of a first page, unless it is an empty answer of a guessed call and there is more."""
        if not page.guessed or not known:
            return page.items
        for item in page.items:
            return chain((item,), page.items)
        return None

    def _further(self, fetch: Callable[[str | None], Page[N] | None], cursor: str) -> Page[N]:
        page = fetch(cursor)
        if page is None:
            raise Unintelligible("the list broke off between two pages")
        return page

    def _find(self, kind: str, ident: str, read: Callable[[str], N]) -> N:
        """An object by its id or, where the server does not find names, by a name this machine has seen."""
        try:
            found = read(ident)
        except NotFound as error:
            if self._is_certain(kind, ident):
                self.registry.forget(kind, ident)
                raise self._guessing(kind, ident, error) from None
            return self._find_seen(kind, ident, read, error)
        if found.id is not None:
            self.registry.remember(kind, {found.id: _name(found)})
        return found

    def _find_seen(self, kind: str, name: str, read: Callable[[str], N], error: NotFound) -> N:
        found: list[N] = []
        for ident in [ident for ident, seen in self.registry.seen(kind).items() if seen == name]:
            try:
                found.append(read(ident))
            except NotFound:
                self.registry.forget(kind, ident)
        found = [item for item in found if _name(item) == name]
        if len(found) > 1:
            ids = ", ".join(item.id or "?" for item in found)
            raise Refused(f"the name {name!r} stands for more than one {kind}", hint=f"use an id: {ids}")
        if not found:
            raise self._guessing(kind, name, error)
        return found[0]

    def _guessing(self, kind: str, ident: str, error: NotFound) -> NotFound:
        """The same error, with the name of that kind that this machine has seen and that was meant perhaps."""
        guess = did_you_mean(ident, self.registry.seen(kind).values())
        if guess is not None:
            error.hint = guess
        return error

    @contextmanager
    def _naming(self, kind: str, ident: str) -> Iterator[None]:
        """What is not found inside is what was named so, unless it does have this name."""
        try:
            yield
        except NotFound as error:
            if ident not in self.registry.seen(kind).values():
                self._guessing(kind, ident, error)
            raise

    def _target(self, kind: str, ident: str, read: Callable[[str], N]) -> str:
        """What the server takes for an id; a name that it does not take is looked up."""
        if self._is_certain(kind, ident):
            return ident
        return self._find(kind, ident, read).id or ident

    def _is_certain(self, kind: str, ident: str) -> bool:
        return self.dialect.takes_name(kind) or self.dialect.is_id(ident) or ident.isdigit()

    def _after(self, noun: str, read: Callable[[], T], known: T) -> T:
        """The object after an acknowledged write; failing to read it must not look like a failed write."""
        try:
            return read()
        except OrchctlError as error:
            self._note(f"done, but the {noun} could not be read back: {error.message}")
            return known

    def _note_not_kept(self, asked: Any, got: Any, *names: str) -> None:
        """Tell which of the fields asked for the orchestrator has otherwise; it may not know them at all."""
        if got.native is None:  # it could not be read back, which has been told
            return
        for name in names:
            want, has = getattr(asked, name, None), getattr(got, name)
            moments = isinstance(want, datetime) and isinstance(has, datetime)
            if moments and abs(want - has) < _SAME_TIME:
                continue
            if want is not None and has != want:
                self._note(f"asked for {name} {_told(want)}, but the orchestrator has {_told(has)}")


def _told(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    return rfc3339(value) if isinstance(value, datetime) else str(value)


def _name(item: Identified) -> str:
    return getattr(item, "name", None) or getattr(item, "login", None) or ""


def plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
