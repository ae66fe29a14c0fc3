"""Writing 100,000 tasks to a pipe against parsing and writing the same JSON bare; terminal tables.

Run: ``python -m tests.bench.render [--short]``
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from statistics import median

from orchctl.model import Json, Priority, Task, TaskStatus
from orchctl.render import Format, Layout, show
from orchctl.streams import Streams
from tests.bench.report import Report

POOL = 1000  # different rows, taken round and round: the list itself would be memory, not work
BEGINNING = datetime(2026, 1, 31, 18, tzinfo=UTC)


def task(number: int) -> Task:
    guid = f"3f2504e0-4f89-11d3-9a0c-{number:012d}"
    payload: dict[str, Json] = {
        "amount": 12.5 + number,
        "currency": "EUR",
        "lines": [1, 2, 3],
        "customer": "ООО «Ромашка»",
    }
    created = BEGINNING + timedelta(seconds=number)
    return Task(
        id=guid,
        name=f"INV-{number}",
        queue="Invoices",
        status=list(TaskStatus)[number % len(TaskStatus)],
        priority=Priority.HIGH,
        payload=payload,
        tags=("urgent", "счёт"),
        description="Оплатить до конца месяца",
        created_at=created,
        updated_at=created,
        retries=0,
        native={
            "guid": guid,
            "name": f"INV-{number}",
            "queueGuid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "status": number % 7,
            "priority": 1,
            "parameters": json.dumps(payload, ensure_ascii=False),
            "createdAt": "2026-01-31 18:00:00",
            "deadline": None,
            "comment": "",
            "retries": 0,
        },
    )


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@contextmanager
def streams(*, terminal: bool = False) -> Iterator[Streams]:
    """Standard output into a pipe that another process empties."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        assert reader.stdin is not None
        wrapper = Terminal if terminal else io.TextIOWrapper
        out = wrapper(reader.stdin, encoding="utf-8", newline="\n", line_buffering=terminal)
        yield Streams(stdin=None, stdout=out, stderr=None, env={"COLUMNS": "140"})
        out.close()


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def as_lines(pool: list[Task]) -> list[str]:
    out = io.StringIO()
    show(pool, Task, Layout(format=Format.JSONL), Streams(stdin=None, stdout=out, stderr=None, env={}))
    return out.getvalue().splitlines()


def main(*, short: bool = False) -> bool:
    many, rounds = (10_000, 3) if short else (100_000, 3)
    pool = [task(number) for number in range(POOL)]
    texts = as_lines(pool)

    def bare() -> None:
        with streams() as to:
            for text in islice(cycle(texts), many):
                to.write(json.dumps(json.loads(text), ensure_ascii=False) + "\n")
            to.finish()

    def shown(output: Format) -> None:
        with streams() as to:
            show(islice(cycle(pool), many), Task, Layout(format=output), to)
            to.finish()

    def tables() -> float:
        with streams(terminal=True) as to:
            return seconds(lambda: show(islice(cycle(pool), 10_000), Task, Layout(format=Format.TABLE), to))

    def first_row() -> float:
        begun, arrived = time.perf_counter(), 0.0

        def rows() -> Iterator[Task]:
            nonlocal arrived
            for number, row in enumerate(islice(cycle(pool), 10_000)):
                if number == 51:  # the first chunk went out before the row after it was asked for
                    arrived = time.perf_counter() - begun
                yield row

        with streams(terminal=True) as to:
            show(rows(), Task, Layout(format=Format.TABLE), to)
        return arrived

    shown(Format.JSON)  # imports
    figures: dict[Format, list[float]] = {output: [] for output in Format if output is not Format.WIDE}
    floors = []
    for _ in range(rounds):
        floors.append(seconds(bare))
        for output, taken in figures.items():
            taken.append(seconds(partial(shown, output)))
    report = Report(f"Output, {many:,} tasks to a pipe")
    for output, taken in figures.items():
        report.ratio(f"-o {output}", median(taken), median(floors), 3, unit="s")
    microseconds = median(tables() for _ in range(rounds)) / 10_000 * 1e6
    report.at_most("terminal table of 10,000 rows, a row", microseconds, 100, unit="us")
    report.at_most("its first rows", median(first_row() for _ in range(rounds)), 0.2, unit="s")
    return report.print()


if __name__ == "__main__":
    sys.exit(0 if main(short="--short" in sys.argv) else 1)
