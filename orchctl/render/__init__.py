"""Results as the user asked to see them. Importing this costs nothing; each format loads what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from orchctl.streams import Streams

Row = TypeVar("Row")


class Format(StrEnum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    CSV = "csv"
    TSV = "tsv"
    NAME = "name"


class TimeStyle(StrEnum):
    """How tables write times; machine formats always write RFC 3339 in UTC."""

    LOCAL = "local"
    UTC = "utc"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a result is to be shown: the output options of a command, as they were given.

    ``fields`` may reach into nested values (``payload.amount``). ``sort_by`` is such a field, with ``-`` in
    front for descending. ``query`` is JMESPath over the whole result, after ``fields``.
    """

    format: Format = Format.TABLE
    fields: tuple[str, ...] | None = None
    query: str | None = None
    sort_by: str | None = None
    headers: bool = True
    time: TimeStyle = TimeStyle.LOCAL


def check(layout: Layout, kind: type[object] | None = None) -> None:
    """Raises ``UsageFault`` for what ``layout`` asks in vain, before any request is sent."""
    from orchctl.render.writing import check as check_layout

    check_layout(layout, kind)


def show(
    rows: Iterable[Row],
    kind: type[Row],
    layout: Layout,
    streams: Streams,
    *,
    single: bool = False,
    live: bool = False,
    now: datetime | None = None,
) -> int:
    """Writes ``rows`` of the dataclass ``kind`` as they come, and says how many there were.

    ``single`` is for one object rather than a list of one; without a row it writes nothing. ``live`` shows
    each row at once, for rows that arrive slowly. Raises ``UsageFault`` as ``check`` does.
    """
    from orchctl.render.writing import show_rows

    return show_rows(rows, kind, layout, streams, now or datetime.now(UTC), single=single, live=live)


def document(data: object, layout: Layout, streams: Streams) -> None:
    """Writes any value of plain JSON types and dataclasses, for what is not rows of one type."""
    from orchctl.render.writing import show_document

    show_document(data, layout, streams, datetime.now(UTC))
