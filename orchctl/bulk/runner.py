"""Many writes at once: workers that take one row after another, and one place where it all comes together.

The workers only send and remember. Everything that is shown, asked or decided happens in the thread that
iterates over ``Runner.run``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from orchctl.bulk.journal import Group, Journal
from orchctl.bulk.outcome import State, Tally, is_everybodys, state_of
from orchctl.bulk.signals import GRACE, Signals
from orchctl.errors import LocalFault, OrchctlError
from orchctl.sanitize import scrub

Thing = TypeVar("Thing")
Thing_contra = TypeVar("Thing_contra", contravariant=True)

# Results reach the screen after this many seconds at the latest.
_TICK = 0.05
# A reader of the results that is this many behind holds the workers up.
_MOST_UNSEEN = 5_000
# So many workers begin: while one waits for its answer, the other has the interpreter. The rest are called where
# the processor is used for less than this part of the time, seen so many ticks long: all of them, or as many again.
# In a single tick the machine may have been busy with others.
_FIRST = 2
_IDLE, _IDLE_TICKS = 0.3, 2
_BUSY, _BUSY_TICKS = 0.6, 5
# What answers within so many seconds is not worth an fsync for each row: a worker writes several down at once.
_FAST = 0.005
_LEASE = 16
# Where it takes longer, but no longer than so many, the next ones are written down while these are on their way.
_FAR = 0.1
# With --ordered, how far a worker may be ahead of the row that all wait for.
_WINDOW = 5_000
_STOPPED = "stopped before it was sent"


@dataclass(frozen=True, slots=True)
class Item(Generic[Thing]):
    """A row and what it asks for."""

    row: int
    thing: Thing


@dataclass(frozen=True, slots=True)
class Done:
    """What the server made of a row: its id, and the object where the operation gives one."""

    id: str | None = None
    value: Any = None
    refused: str | None = None
    """Why the server refused this one of a batch."""


@dataclass(frozen=True, slots=True)
class Result:
    row: int
    state: State
    id: str | None = None
    error: OrchctlError | str | None = None
    value: Any = None

    @property
    def was_tried(self) -> bool:
        """A row that was only written down when the run ended is as one that was never reached."""
        return self.error is not _STOPPED

    @property
    def message(self) -> str | None:
        if isinstance(self.error, OrchctlError):
            return scrub(self.error.message)
        return None if self.error is None else scrub(self.error)


@dataclass(frozen=True, slots=True)
class _Lot(Generic[Thing]):
    """Rows that one worker has written down, with their places among all."""

    entries: list[tuple[int, Item[Thing]]]
    group: Group | None


class Outbox(Protocol):
    """Where writes go out."""

    def anew(self) -> None:
        """What this thread has written so far is accounted for."""

    def halt(self) -> frozenset[int]:
        """Nothing goes out any more; the threads that have written something, or are at it, since ``anew``."""


class Work(Protocol[Thing_contra]):
    """What the workers do with things. ``batch`` is how many it takes at once."""

    @property
    def outbox(self) -> Outbox: ...
    @property
    def batch(self) -> int: ...
    @property
    def tells_apart(self) -> bool:
        """Can a row in doubt be looked for?"""
        ...

    def perform(self, things: Sequence[Thing_contra]) -> Sequence[Done]:
        """Do it: one outcome for each, in order. Raises OrchctlError for what became of all of them."""

    def found(self, ident: str | None, sent_at: float) -> None:
        """One went well that was sent then."""

    def find(self, thing: Thing_contra, sent_at: float) -> str | None:
        """The id of what a write in doubt has made, if that is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a run goes: its options."""

    parallel: int = 8
    rate: float | None = None
    max_errors: int | None = None
    ordered: bool = False

    @property
    def patience(self) -> int:
        """So many calls one after another that did not get through, and it is the server that does not work."""
        return max(20, 3 * self.parallel)


class Runner(Generic[Thing]):
    """Runs things through a work and accounts for each. ``each_tick`` is called all the time, to show progress."""

    def __init__(
        self,
        work: Work[Thing],
        tally: Tally,
        *,
        pace: Pace,
        journal: Journal | None,
        each_tick: Callable[[], None],
    ) -> None:
        self.tally = tally
        self.stopped_by: str | None = None
        """Why it ended before its time, in words for the user."""
        self.interrupted: Callable[[], None] | None = None
        """Raises what the signal that ended it raises."""
        self.fault: BaseException | None = None
        """What broke in a worker and is no row's fault."""
        self.waits_inside = False
        """Is the thread that shows in here, and not with what was shown last?"""
        self.is_sealed = False
        """Every row is accounted for; what still comes in does not count."""
        self._work = work
        self._pace = pace
        self._journal = journal
        self._each_tick = each_tick
        self._items: Iterator[Item[Thing]] = iter(())
        self._taking = threading.Lock()
        self._counting = threading.Lock()
        self._results: deque[tuple[int, Result]] = deque()
        self._active: dict[int, list[tuple[int, Item[Thing]]]] = {}
        self._begun: dict[int, int] = {}
        self._stopping = threading.Event()
        self._all_ended = threading.Event()
        self._running = 0
        self._started = 0
        self._taken = 0
        self._given = 0
        self._in_vain = 0
        self._not_ok = 0
        self._next_at = 0.0
        self._ticks: list[tuple[float, float]] = []
        # A row that was written down as sent and was not is in doubt after a kill, which has to be cleared up.
        self._may_lease = work.tells_apart and pace.rate is None and pace.max_errors is None

    @property
    def is_over(self) -> bool:
        """It stopped, and nothing more will be sent."""
        return self._stopping.is_set()

    def run(self, items: Iterator[Item[Thing]]) -> Generator[Result, None, None]:
        """The results as they come. When the run is stopped, what is under way is still told."""
        self._items = items
        self._all_ended.clear()
        self._running = 1  # of its own: no worker ends the run before all are called
        self._started = 0
        self._call_up(_FIRST)
        self._dismiss()
        with Signals(self):
            yield from self._gather()

    def stop(self, why: str | None) -> None:
        """Take no further row; what is under way goes on."""
        if not self._stopping.is_set():
            self.stopped_by = why
            self._stopping.set()

    def end_now(self) -> None:
        """Account for what is under way, at once: it was not sent, or nobody knows."""
        self.stop(None)
        unsure = self._work.outbox.halt()
        if self.is_sealed:
            return
        self._all_ended.wait(GRACE)
        with self._counting:
            self.is_sealed = True
            for thread, entries in self._active.items():
                for at, (place, item) in enumerate(entries):
                    # Of a worker's rows only those that it began with can be there; a write may be over and its
                    # row not: read back, or looked for.
                    if thread in unsure and at < self._begun.get(thread, 0):
                        result = Result(item.row, State.UNKNOWN, error="interrupted before the answer came")
                    else:
                        result = Result(item.row, State.NOT_SENT, error=_STOPPED)
                    self._account(place, result)
            self._active.clear()
        if self._journal is not None:
            self._journal.flush()

    # In the thread that shows

    def _gather(self) -> Iterator[Result]:
        waiting: dict[int, Result] = {}
        while True:
            self.waits_inside = True
            begun, used = time.monotonic(), time.process_time()
            ended = self._all_ended.wait(_TICK)
            if not ended:
                self._call_up(self._wanted(time.monotonic() - begun, time.process_time() - used))
            if self.interrupted is not None and not self.is_sealed:
                self.end_now()
                ended = True
            self.waits_inside = False
            ready = len(self._results)
            if self._journal is not None:
                self._journal.flush()  # nothing is told that a killed process would not know any more
                self._journal.beat()
            for _ in range(ready):
                place, result = self._results.popleft()
                if not self._pace.ordered:
                    self._given += 1
                    if result.was_tried:
                        yield result
                    continue
                waiting[place] = result
                while self._given in waiting:
                    self._given += 1
                    result = waiting.pop(self._given - 1)
                    if result.was_tried:
                        yield result
            self._each_tick()
            if ended and not self._results:
                break
        for _, result in sorted(waiting.items()):
            if result.was_tried:
                yield result

    def _wanted(self, seconds: float, used: float) -> int:
        """How many workers there should be, after one more tick: its length, and the CPU time that it used.

        An interpreter that is busy with few gets less done with more: they stand in each other's way.
        """
        self._ticks.append((seconds, used))
        busy = sum(used for _, used in self._ticks) / sum(seconds for seconds, _ in self._ticks)
        if len(self._ticks) >= _IDLE_TICKS and busy < _IDLE:
            return self._pace.parallel
        if len(self._ticks) < _BUSY_TICKS:
            return 0
        self._ticks.clear()
        return self._started * 2 if busy < _BUSY else 0

    # In the workers

    def _call_up(self, workers: int) -> None:
        """Have at least so many at work."""
        with self._counting:
            while self._started < min(workers, self._pace.parallel) and self._running:
                name = f"orchctl-bulk-{self._started}"
                try:
                    threading.Thread(target=self._worker, name=name, daemon=True).start()
                except RuntimeError:  # the system gives no more threads
                    if not self._started:
                        raise
                    return
                self._started += 1
                self._running += 1

    def _dismiss(self) -> None:
        with self._counting:
            self._running -= 1
            if not self._running:
                self._all_ended.set()

    def _worker(self) -> None:
        lease, is_far = 1, False
        ahead: _Lot[Thing] | None = None
        try:
            while lot := ahead or self._next_lot_in_turn(lease):
                # Not where it would have to wait: the row that all wait for may be in the lot that it has.
                ahead = self._next_lot(lease) if is_far and not self._is_held_up else None
                begun = time.monotonic()
                waited = self._ensure(lot)
                self._send(lot)
                sending = time.monotonic() - begun - waited
                if self._may_lease:
                    is_far = _FAST * lease < sending < _FAR * lease
                    lease = _next_lease(lease, waited, sending)
        except BaseException as error:  # told by the thread that shows
            with self._counting:
                if not self.is_sealed:
                    self.fault = self.fault or error
            self.stop(None)
        finally:
            self._dismiss()

    @property
    def _is_held_up(self) -> bool:
        """Are there so many results to be shown that no more rows are taken?"""
        return len(self._results) > _MOST_UNSEEN or (
            self._pace.ordered and self._taken - self._given > _WINDOW
        )

    def _next_lot_in_turn(self, lease: int) -> _Lot[Thing] | None:
        while self._is_held_up and not self._stopping.is_set():
            time.sleep(_TICK)
        return self._next_lot(lease)

    def _next_lot(self, lease: int) -> _Lot[Thing] | None:
        """Rows for this thread, written down as about to be sent. None: there are no more."""
        entries = self._take(lease)
        if not entries:
            return None
        group = None
        with self._counting:  # a run that ends now says of them what is true
            if self._stopping.is_set():
                return None  # nothing was said of them yet
            if self._journal is not None:
                group = self._journal.about_to_send([item.row for _, item in entries])
            self._active.setdefault(threading.get_ident(), []).extend(entries)
        return _Lot(entries, group)

    def _take(self, lease: int) -> list[tuple[int, Item[Thing]]]:
        with self._taking:
            taken: list[tuple[int, Item[Thing]]] = []
            while len(taken) < lease * self._work.batch and not self._stopping.is_set():
                item = next(self._items, None)
                if item is None:
                    break
                taken.append((self._taken, item))
                self._taken += 1
        if taken and self._pace.rate is not None:
            self._wait_for_turn(len(taken) / self._pace.rate)
        return taken

    def _wait_for_turn(self, span: float) -> None:
        with self._taking:
            now = time.monotonic()
            turn = max(now, self._next_at)
            self._next_at = turn + span
        self._stopping.wait(turn - now)

    def _ensure(self, lot: _Lot[Thing]) -> float:
        """Gives the seconds that it waited for the disk."""
        if lot.group is None or self._journal is None:
            return 0.0
        begun = time.monotonic()
        self._journal.ensure(lot.group)
        return time.monotonic() - begun

    def _send(self, lot: _Lot[Thing]) -> None:
        batch = self._work.batch
        for at in range(0, len(lot.entries), batch):
            items = [item for _, item in lot.entries[at : at + batch]]
            results = self._performed(items)
            if len(items) > 1 and all(result.state is State.REJECTED for result in results):
                # One of them may have spoilt it for all, and nothing was done: the others get their chance.
                for item in items:
                    self._finish(self._performed([item]))
            else:
                self._finish(results)

    def _performed(self, items: list[Item[Thing]]) -> list[Result]:
        if self._stopping.is_set():
            return [Result(item.row, State.NOT_SENT, error=_STOPPED) for item in items]
        self._work.outbox.anew()
        self._begun[threading.get_ident()] = len(items)
        sent_at = time.time()
        try:
            outcomes = self._work.perform([item.thing for item in items])
        except LocalFault as error:
            self.fault = self.fault or error  # it is no row's fault
            self.stop(None)
            is_written = threading.get_ident() in self._work.outbox.halt()
            state = State.UNKNOWN if is_written else State.NOT_SENT
            return [Result(item.row, state, error=error) for item in items]
        except OrchctlError as error:
            state = state_of(error)
            if is_everybodys(error):
                self.stop(error.message)
            if len(items) == 1:
                return [self._judged(items[0], state, error, sent_at)]
            # One look for all of them is what a run that is taken up again begins with.
            return [Result(item.row, state, error=error) for item in items]
        results = [
            Result(item.row, State.OK, done.id, value=done.value)
            if done.refused is None
            else Result(item.row, State.REJECTED, error=done.refused)
            for item, done in zip(items, outcomes, strict=True)
        ]
        if results[-1].state is State.OK:
            self._work.found(results[-1].id, sent_at)
        return results

    def _judged(self, item: Item[Thing], state: State, error: OrchctlError, sent_at: float) -> Result:
        if state is State.UNKNOWN and not self._stopping.is_set():
            found = self._work.find(item.thing, sent_at)
            if found is not None:
                return Result(item.row, State.OK, found)
        return Result(item.row, state, error=error)

    def _finish(self, results: list[Result]) -> None:
        thread = threading.get_ident()
        with self._counting:
            if not self.is_sealed:  # else it has been accounted for
                entries = self._active[thread]
                for (place, _), result in zip(entries, results, strict=False):
                    self._account(place, result)
                got_through = any(result.state in (State.OK, State.REJECTED) for result in results)
                self._in_vain = 0 if got_through else self._in_vain + 1
                if self._in_vain >= self._pace.patience:
                    self.stop(f"stopped: {self._in_vain} requests one after another did not get through")
                del entries[: len(results)]
                self._begun[thread] = 0

    def _account(self, place: int, result: Result) -> None:
        if self._journal is not None:
            self._journal.result(result.row, result.state, ident=result.id, error=result.message)
        self.tally.add(result.state)
        failed = result.state is not State.OK
        self._not_ok += failed
        self._results.append((place, result))
        if failed and self._pace.max_errors is not None and self._not_ok >= self._pace.max_errors:
            errors = "an error" if self._not_ok == 1 else f"{self._not_ok} errors"
            self.stop(f"stopped after {errors}, as asked")


def _next_lease(lease: int, waited: float, sending: float) -> int:
    """How many rows to write down at once: more while the disk takes its share of the time, few to a slow server.

    What is written down and not yet sent when the process is killed has to be looked for later.
    """
    if sending > _FAST * lease:
        return 2 if waited > sending / 20 else 1
    if waited > sending / 5:
        return min(_LEASE, lease * 2)
    return max(1, lease - 1) if waited < sending / 20 else lease
