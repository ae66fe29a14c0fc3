"""Looking for what a create in doubt has made. Says "it is there" or "it is not" only where that is certain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from orchctl.dialects.base import Feature
from orchctl.errors import OrchctlError
from orchctl.model import TaskFilter

if TYPE_CHECKING:
    from orchctl.bulk.rows import Repeats
    from orchctl.client import Client
    from orchctl.model import NewTask, Task

# Servers keep whole seconds, and answer some seconds after they were asked.
_TOLERANCE = timedelta(seconds=5)
_PATIENCE = 0.5
# No create takes longer, with all that it waits for.
_LONGEST_ANSWER = timedelta(minutes=10)
# How far back a list goes beyond the first create in doubt, so that a clock that is off does no harm.
_MARGIN = timedelta(minutes=10)
# A list shorter than any limit that a server is known to have is whole.
_SURELY_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Lost:
    """A create in doubt: what it was to make, and when it was sent."""

    new: NewTask
    sent_at: float


@dataclass(frozen=True, slots=True)
class Control:
    """A task that is surely there, known by its id or, where that was never said, by its key."""

    id: str | None
    key: str | None
    sent_at: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``id``: it is there. ``absent``: it is not. Neither: nobody can tell."""

    id: str | None = None
    absent: bool = False


class Tracer:
    """Tells what a run has created from what was there before, or what somebody else creates meanwhile.

    A task is the one sought for if it has its name, nothing else in the input has that, and it was created
    when it was sent by the server's clock, which the ``controls`` show; or if its name was made up for it.
    """

    def __init__(self, client: Client, repeats: Repeats, *, mark: str) -> None:
        self._client = client
        self._repeats = repeats
        self._mark = mark
        self._offset: timedelta | None = None
        self._patience = inf
        self.controls: list[Control] = []

    def marked(self, new: NewTask, row: int) -> NewTask:
        """The same with a name that is nobody else's, where it has none."""
        if key_of(new) is not None or not self._client.dialect.tells_tasks_apart:
            return new
        return replace(new, name=f"{self._mark}-{row}")

    def find(self, lost: Lost) -> str | None:
        """One look by its name, just after the create; ``None`` says nothing."""
        client, key = self._client, key_of(lost.new)
        dialect = client.dialect
        if key is None or not dialect.tells_tasks_apart:
            return None
        by_name = Feature.FIND_TASK not in dialect.features
        if by_name and (dialect.is_id(key) or key.isdecimal()):
            return None
        try:
            if not self._is_own(key) and self._offset is None:
                self._patience = min(self._patience, time.monotonic() + _PATIENCE)
                self._compare_clocks()
            task = client.get_task(key) if by_name else dialect.find_task(lost.new)
        except OrchctlError:
            return None
        if task is None or not self._is_it(task, lost, own_queue=lost.new.queue if by_name else None):
            return None
        return task.id

    def touch(self, queue: str) -> None:
        """Ask the server something small. Raises OrchctlError."""
        self._client.get_queue(queue)

    def sweep(self, lost: Mapping[int, Lost], queue: str, *, until: float) -> dict[int, Verdict]:
        """Go through the queue's tasks once for all creates in doubt. After ``until`` none of them was made.

        :raises OrchctlError: the list cannot be had.
        """
        nothing: dict[int, Verdict] = {row: Verdict() for row in lost}
        if not self._client.dialect.tells_tasks_apart:
            return nothing
        sought: dict[str, list[int]] = {}
        for row, each in lost.items():
            if (key := key_of(each.new)) is not None:
                sought.setdefault(key, []).append(row)
        controls = [control for control in self.controls if control.id is not None or control.key is not None]
        by_id = {control.id: control for control in controls if control.id is not None}
        by_key = {control.key: control for control in controls if control.id is None}
        met: dict[Control, list[Task]] = {control: [] for control in controls}
        times = [each.sent_at for each in lost.values()] + [each.sent_at for each in controls]
        since = datetime.fromtimestamp(min(times), UTC) - _MARGIN if controls else None
        namesakes: dict[str, list[Task]] = {}
        count = 0
        for task in self._client.list_tasks(queue, TaskFilter(since=since)):
            count += 1
            key = key_of(task)
            if control := by_id.get(task.id) or by_key.get(key):
                met[control].append(task)
            if key in sought:
                namesakes.setdefault(key, []).append(task)
        self._offset = _offset(met)
        whole = all(met.values()) if controls else count < _SURELY_WHOLE
        return {
            row: self._verdict(each, namesakes.get(key_of(each.new) or "", ()), whole=whole, until=until)
            for row, each in lost.items()
        }

    def _verdict(self, lost: Lost, namesakes: Sequence[Task], *, whole: bool, until: float) -> Verdict:
        key = key_of(lost.new)
        if key is None or (key in self._repeats and not self._is_own(key)):
            return Verdict()
        its_time = [
            task for task in namesakes if self._is_own(key) or self._may_be_its_time(task, lost, until=until)
        ]
        if not its_time:
            return Verdict(absent=whole and all(self._is_surely_older(task, lost) for task in namesakes))
        if len(its_time) == 1 and self._is_it(its_time[0], lost, own_queue=None, until=until):
            return Verdict(its_time[0].id)
        return Verdict()

    def _is_it(self, task: Task, lost: Lost, *, own_queue: str | None, until: float | None = None) -> bool:
        key = key_of(lost.new)
        if key is None or key_of(task) != key:
            return False
        if self._is_own(key):
            return True
        if key in self._repeats or (own_queue is not None and task.queue != own_queue):
            return False
        payload_fits = task.payload is None or task.payload == (lost.new.payload or {})
        return payload_fits and self._offset is not None and self._may_be_its_time(task, lost, until=until)

    def _may_be_its_time(self, task: Task, lost: Lost, *, until: float | None) -> bool:
        created = self._created(task)
        if created is None:
            return True
        sent = datetime.fromtimestamp(lost.sent_at, UTC)
        last = datetime.now(UTC) if until is None else datetime.fromtimestamp(until, UTC)
        return sent - _TOLERANCE <= created <= last + _TOLERANCE

    def _is_surely_older(self, task: Task, lost: Lost) -> bool:
        """Was it there before the create was sent, however long the controls had to wait for their answers?

        The offset is that of the one that waited least, and all of them may have waited.
        """
        created = self._created(task)
        if created is None:
            return False
        return created < datetime.fromtimestamp(lost.sent_at, UTC) - _LONGEST_ANSWER

    def _created(self, task: Task) -> datetime | None:
        """When it was created by the clock here, or sooner."""
        if task.created_at is None or self._offset is None:
            return None
        try:
            return task.created_at - self._offset
        except OverflowError:
            return None

    def _is_own(self, key: str) -> bool:
        return key.startswith(f"{self._mark}-")

    def _compare_clocks(self) -> None:
        # Of those that were sent along with the one in doubt, one may be there in a moment.
        while not self.controls and time.monotonic() < self._patience:
            time.sleep(0.01)
        met = {
            control: [self._client.get_task(control.id)]
            for control in self.controls[-2:]
            if control.id is not None
        }
        self._offset = _offset(met)


def _offset(met: Mapping[Control, Sequence[Task]]) -> timedelta | None:
    """How far the server's clock is ahead; ``None`` where what was met does not agree on it."""
    found = {
        control: tasks[0].created_at - datetime.fromtimestamp(control.sent_at, UTC)
        for control, tasks in met.items()
        if len(tasks) == 1 and tasks[0].created_at is not None
    }
    # One that had to wait was created late; none was created before it was sent.
    if surely := [offset for control, offset in found.items() if control.id is not None]:
        return min(surely)
    # A key alone may be that of an older task.
    agree = found and max(found.values()) - min(found.values()) <= _TOLERANCE * 2
    return min(found.values()) if agree else None


def key_of(task: NewTask | Task) -> str | None:
    """What tells a task apart: its reference where it has one, else its name."""
    return task.reference or task.name
