"""Rows and streams that the tests of this folder show."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from orchctl.model import Priority, Task, TaskStatus, Unknown
from orchctl.render import Format, Layout, TimeStyle, document, show
from orchctl.streams import Streams

NOW = datetime(2026, 2, 1, tzinfo=UTC)
Row = TypeVar("Row")

ONE = Task(
    id="1",
    name="INV-1",
    queue="Invoices",
    status=TaskStatus.SUCCESS,
    priority=Priority.HIGH,
    payload={"amount": 12.5, "lines": [1, {"sku": "a"}], "none": None},
    tags=("urgent", "счёт"),
    created_at=datetime(2026, 1, 31, 18, tzinfo=UTC),
    ended_at=datetime(2026, 1, 31, 18, 0, 1, 500000, tzinfo=UTC),
    retries=0,
    native={"Guid": "1"},
)
TWO = Task(id="2", name="INV-2", status=Unknown(9), priority=Priority.LOW, retries=3, payload={"amount": -3})
THREE = Task(id="3", name=None, status=TaskStatus.NEW, priority=None)
TASKS = (ONE, TWO, THREE)

HOSTILE = '\x1b[31m"red"\x9b0m \u202e\u200b\x7f\t\r\nend \ud800 [bold]x[/] =cmd'
HOSTILE_TASK = Task(
    id=HOSTILE,
    name=HOSTILE,
    status=Unknown(HOSTILE),
    payload={HOSTILE: [HOSTILE]},
    error=HOSTILE,
    tags=(HOSTILE,),
    native=HOSTILE,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Shown:
    out: str
    err: str
    rows: int = 0


def shown(
    rows: Iterable[Row],
    kind: type[Row],
    output: str = "table",
    *,
    terminal: bool = False,
    single: bool = False,
    env: Mapping[str, str] | None = None,
    **layout: Any,
) -> Shown:
    """What ``show`` writes; times in UTC unless ``time`` says otherwise."""
    wrapper = Terminal if terminal else io.StringIO
    out, err = wrapper(), wrapper()
    streams = Streams(stdin=None, stdout=out, stderr=err, env={"NO_COLOR": "1", **(env or {})})
    options = Layout(**{"format": Format(output), "time": TimeStyle.UTC, **layout})
    count = show(rows, kind, options, streams, single=single, now=NOW)
    return Shown(out.getvalue(), err.getvalue(), count)


def documented(data: object, output: str, *, terminal: bool = False, **layout: Any) -> str:
    out = Terminal() if terminal else io.StringIO()
    streams = Streams(stdin=None, stdout=out, stderr=None, env={"NO_COLOR": "1"})
    document(data, Layout(**{"format": Format(output), **layout}), streams)
    return out.getvalue()
