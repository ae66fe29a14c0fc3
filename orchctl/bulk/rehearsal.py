"""A row tried out on the code that will send it, over a transport that sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from orchctl.errors import UsageFault
from orchctl.transport import Call, Reply, Transport
from orchctl.transport.call import encode_body

if TYPE_CHECKING:
    from orchctl.dialects.base import Dialect
    from orchctl.model import Json


_MOST_SHAPES = 1000


class WouldBeSent(Exception):
    """The row is as it should be: its first request was ready to go out."""


class Rehearsal(Transport):
    """Builds what would be sent, and stops there. A dialect that has to ask first is stopped at the question."""

    def send(self, call: Call) -> Reply:
        try:
            encode_body(call)
        except UnicodeEncodeError:
            raise UsageFault("the row holds text that is not valid Unicode") from None
        raise WouldBeSent

    def stream(self, call: Call, *, noise: bool = False) -> Iterator[Json]:
        raise WouldBeSent


class Shapes:
    """Rows that differ in nothing but texts and numbers: when one of them can be sent, so can the others."""

    def __init__(self) -> None:
        self._known: set[tuple[object, ...]] = set()
        self._names: tuple[str, ...] = ()

    def of(self, new: Any) -> tuple[object, ...] | None:
        """What tells it from others; ``None`` if there may be more to it than its shape."""
        shape: list[object] = []
        names = self._names = self._names or tuple(field.name for field in fields(new))
        for name in names:
            value = getattr(new, name)
            if value is None:
                continue
            shape.append(name)
            if isinstance(value, Enum):
                shape.append(value)
            elif isinstance(value, dict):
                for key, item in value.items():
                    if not _is_simple(key) or not _is_simple(item):
                        return None
                    shape += (key, type(item))
            elif isinstance(value, datetime) or _is_simple(value) or _is_simple_list(value):
                # Of a word each value counts, of a text only whether there is one.
                shape += (type(value), bool(value))
            else:
                return None
        return tuple(shape)

    def __contains__(self, shape: tuple[object, ...] | None) -> bool:
        return shape in self._known

    def add(self, shape: tuple[object, ...] | None) -> None:
        """One of this shape can be sent."""
        if shape is not None and len(self._known) < _MOST_SHAPES:
            self._known.add(shape)


def _is_simple_list(value: object) -> bool:
    return isinstance(value, tuple | frozenset) and all(map(_is_simple, value))


def _is_simple(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or _is_unicode(value)
    return value is None or isinstance(value, int | float)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def rehearsing(dialect: Dialect) -> Dialect:
    """The same dialect, as it speaks to nobody."""

    def no_credential(_: bool) -> NoReturn:
        raise WouldBeSent

    silent = Rehearsal(base_url="http://127.0.0.1", authorize=no_credential, notify=lambda _: None)
    return type(dialect)(silent, dialect.context)
