"""Brings rows and values to standard output in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any

from orchctl.errors import LocalFault, Signalled, UsageFault
from orchctl.render import Format, Layout, machine, query
from orchctl.render.columns import (
    Values,
    cell,
    columns_of,
    field_names,
    plain,
    reach,
    reader,
    require_known,
)
from orchctl.render.jsontext import compact, for_terminal, indented
from orchctl.render.table import Details, PipeTable, TerminalTable
from orchctl.sanitize import safe_json
from orchctl.streams import ClosedPipe, Streams

_LONGEST_UNFLUSHED = 0.1  # seconds
_TABLES = (Format.TABLE, Format.WIDE)
_NAMING_FIELDS = ("id", "name", "queue")


def check(layout: Layout, kind: type | None) -> None:
    if layout.format is Format.NAME and layout.fields is not None:
        raise UsageFault("-o name shows identifiers and nothing else", hint="drop --fields, or use -o tsv")
    if kind is not None:
        valid = field_names(kind)
        require_known(("",) if layout.fields == () else layout.fields or (), valid)
        if layout.sort_by is not None:
            require_known((query.sort_field(layout.sort_by),), valid)
    if layout.query is not None:
        query.compiled(layout.query)


def show_rows(
    rows: Iterable[Any],
    kind: type,
    layout: Layout,
    streams: Streams,
    now: datetime,
    *,
    single: bool,
    live: bool,
) -> int:
    check(layout, kind)
    if layout.sort_by is not None:
        read_key = reader(kind, (query.sort_field(layout.sort_by),))
        rows = query.ordered(rows, layout.sort_by, lambda row: read_key(row)[0])
    names = _names(kind, layout, single=single)
    values: Iterator[Values] = map(reader(kind, names, now), rows)
    if layout.query is not None:
        records = [plain(dict(zip(names, row, strict=True))) for row in values]
        if records or not single:
            _write_value(
                query.compiled(layout.query)(records[0] if single else records), layout, streams, now
            )
        return len(records)
    if single:
        first = next(values, None)
        if first is None:
            return 0
        values = iter((first,))
    writer = _writer(names, layout, streams, now, single=single, live=live, every=layout.fields is not None)
    count = _send(values, writer, streams, live=live)
    if not count and layout.format in _TABLES and streams.stdout_is_terminal:
        streams.talk(f"no {columns_of(kind).plural}")
    return count


def show_document(data: Any, layout: Layout, streams: Streams, now: datetime) -> None:
    check(layout, None)
    value = plain(data)
    if layout.sort_by is not None and isinstance(value, list):
        field = query.sort_field(layout.sort_by)
        value = query.ordered(value, layout.sort_by, lambda record: reach(record, field))
    if layout.fields is not None:
        value = _projected(value, layout.fields)
    if layout.query is not None:
        value = query.compiled(layout.query)(value)
    _write_value(value, layout, streams, now)


def _names(kind: type, layout: Layout, *, single: bool) -> tuple[str, ...]:
    if layout.fields is not None:
        return tuple(dict.fromkeys(layout.fields))
    every = field_names(kind)
    if layout.query is not None:
        return every
    if layout.format is Format.NAME:
        return (_naming_field(every) or every[0],)
    if layout.format not in _TABLES:
        return every
    if single:
        return tuple(name for name in every if name != "native")
    return columns_of(kind).table if layout.format is Format.TABLE else columns_of(kind).wide


def _naming_field(names: Iterable[str]) -> str | None:
    names = tuple(names)
    return next((name for name in _NAMING_FIELDS if name in names), None)


def _projected(value: Any, fields: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        if value:
            require_known(fields, _keys(value))
        return [{field: reach(element, field) for field in fields} for element in value]
    require_known(fields, _keys([value]))
    return {field: reach(value, field) for field in fields}


def _keys(records: Iterable[Any]) -> tuple[str, ...]:
    """Every key of any of the records, in the order in which they are first met."""
    return tuple(dict.fromkeys(key for record in records if isinstance(record, dict) for key in record))


def _write_value(value: Any, layout: Layout, streams: Streams, now: datetime) -> None:
    """A value that is no list of rows of one type: a query's result, or a document."""
    elements = value if isinstance(value, list) else [] if value is None else [value]
    if layout.format is Format.JSON:
        text = indented(value)
        terminal, color = streams.stdout_is_terminal, streams.color
        streams.write((for_terminal(text, color=color) if terminal else text) + "\n")
    elif layout.format is Format.JSONL:
        for element in value if isinstance(value, list) else [value]:
            line = compact(element)
            streams.write((safe_json(line) if streams.stdout_is_terminal else line) + "\n")
    elif layout.format is Format.YAML:
        from orchctl.render import yamltext

        streams.write(yamltext.block(value))
    elif elements and all(isinstance(element, dict) for element in elements):
        names = _keys(elements)
        if layout.format is Format.NAME:
            names = (_require_naming_field(names),)
        writer = _writer(names, layout, streams, now, single=not isinstance(value, list))
        rows = (tuple([element.get(name) for name in names]) for element in elements)
        _send(rows, writer, streams)
    elif elements and all(isinstance(element, list) for element in elements):
        columns = max(map(len, elements))
        rows = (tuple(element + [None] * (columns - len(element))) for element in elements)
        _send(rows, _writer(("",) * columns, layout, streams, now, headers=False), streams)
    elif layout.format in _TABLES:
        streams.write("".join(f"{cell(element, layout.time, now)}\n" for element in elements))
    else:
        writer = _writer(("",), layout, streams, now, headers=False)
        _send(((element,) for element in elements), writer, streams)


def _require_naming_field(names: tuple[str, ...]) -> str:
    field = _naming_field(names)
    if field is None:
        raise UsageFault("-o name needs an id or a name in the result", hint="let --query keep one")
    return field


def _writer(
    names: tuple[str, ...],
    layout: Layout,
    streams: Streams,
    now: datetime,
    *,
    single: bool = False,
    live: bool = False,
    every: bool = False,
    headers: bool = True,
) -> machine.Writer:
    terminal = streams.stdout_is_terminal
    headers = headers and layout.headers
    if layout.format not in _TABLES:
        return machine.writer(
            names, layout.format, headers=headers, single=single, terminal=terminal, color=streams.color
        )
    if single:
        return Details(names, layout, streams, now, every=every)
    if terminal:
        return TerminalTable(names, layout, streams, now, headers=headers, live=live)
    return PipeTable(layout, now)


def _send(rows: Iterable[Values], writer: machine.Writer, streams: Streams, *, live: bool = False) -> int:
    """Writes rows as they come. When they break off, what was shown is still brought to a proper end."""
    count, flushed = 0, 0.0
    try:
        for values in rows:
            count += 1
            if text := writer.row(values):
                streams.write(text)
                now = monotonic()
                if live or now - flushed > _LONGEST_UNFLUSHED:
                    streams.flush()
                    flushed = now
    except ClosedPipe:
        raise
    except (KeyboardInterrupt, Signalled):
        streams.leave(writer.end() if count else "")
        raise
    except BaseException:
        if count:
            with suppress(LocalFault, ClosedPipe):
                streams.write(writer.end())
                streams.flush()
        raise
    streams.write(writer.end())
    return count
