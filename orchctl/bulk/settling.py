"""Rows of which an earlier run could not say whether they are there: found, sent again, or left as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, cast

from orchctl.bulk.outcome import State
from orchctl.bulk.runner import Item, Result
from orchctl.bulk.trace import Lost, Tracer
from orchctl.errors import OrchctlError

if TYPE_CHECKING:
    from orchctl.bulk.journal import Past
    from orchctl.bulk.nouns import Entry
    from orchctl.model import NewTask

# How long after it was sent a request may still be carried out by a server that never answered it: a gateway
# may hold it back. On this machine there is none.
_SECONDS = 60.0
_SECONDS_ON_LOOPBACK = 2.0
# A server that takes longer over a small question has been asleep.
_PROMPT = 1.0


def settle(
    doubtful: Mapping[int, Item[Entry[Any]]],
    past: Past,
    tracer: Tracer,
    queue: str | None,
    *,
    claimed: Callable[[Set[str]], Set[str]],
    loopback: bool,
    tell: Callable[[str], None],
    absent: list[Item[Entry[Any]]],
) -> Iterator[Result]:
    """The rows that are there, and those that stay unknown; ``absent`` gets those that are surely not there.

    A change may be made twice, so it is made again. ``queue`` is where created tasks are looked for; ``claimed``
    tells which ids are those of other runs.
    """
    absent += [item for item in doubtful.values() if item.thing.new is None]
    created = {row: item for row, item in doubtful.items() if item.thing.new is not None}
    lost = {row: Lost(cast("NewTask", item.thing.new), past.doubtful[row]) for row, item in created.items()}
    if queue is None or not lost:
        yield from (_open(row, "its outcome cannot be looked up here") for row in lost)
        return
    try:
        begun = time.time()
        tracer.touch(queue)
        answered = time.time()
        last = past.alive_until
        if answered - begun > _PROMPT:
            last = answered  # it was not at work, and may find now what it was sent long ago
        carried = _SECONDS_ON_LOOPBACK if loopback else _SECONDS
        wait = min(last + carried - answered, _SECONDS)
        if wait > 0:
            if not loopback:
                tell(f"waiting {wait:.0f} s: until then the server may still carry out what is in doubt")
            time.sleep(wait)
        verdicts = tracer.sweep(lost, queue, until=last + carried)
        foreign = claimed({verdict.id for verdict in verdicts.values() if verdict.id is not None})
    except OrchctlError as error:
        yield from (_open(row, f"it could not be looked up: {error.message}") for row in lost)
        return
    for row, verdict in verdicts.items():
        if verdict.id in foreign:
            yield _open(row, f"the task {verdict.id} fits it, and another run says that it has made that one")
        elif verdict.id is not None:
            yield Result(row, State.OK, verdict.id)
        elif verdict.absent:
            absent.append(created[row])
        else:
            yield _open(row, "what the orchestrator lists does not tell whether it is there")


def _open(row: int, why: str) -> Result:
    return Result(row, State.UNKNOWN, error=why)
