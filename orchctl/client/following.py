"""A log as it grows: each entry once, however often, late or out of order the server tells of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from shlex import join
from typing import TYPE_CHECKING

from orchctl.client.core import N, plural
from orchctl.client.logs import NO_TIME, Logs, newest
from orchctl.client.waiting import JOB_ENDED, LOST_POLLS, Waits, go_on_with
from orchctl.dialects.base import Feature, Page
from orchctl.errors import (
    NetworkFault,
    NotFound,
    OrchctlError,
    Unavailable,
    Unintelligible,
    WaitFailed,
    WaitTimedOut,
)
from orchctl.guess import did_you_mean
from orchctl.model.words import JobStatus
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.model import Job, LogEntry, LogFilter

POLL_SECONDS = 2.0
OVERLAP = timedelta(seconds=60)
# Where every answer is the whole log, a wider window costs little more, and bears a clock that was set back.
WHOLE_LOG_OVERLAP = timedelta(minutes=65)
# After the job's end its last words may still be on their way.
DRAIN_POLLS = 2
DRAIN_SECONDS = 0.5
# So many entries are held to put them in order, where an answer is longer than that.
HELD = 20_000

_LEFT = ": only what it may have left in the log is shown"


class Seen:
    """What was shown of a log already, and from when on to ask for what was not.

    Times are the server's, and count no further than the time of asking: a robot whose clock is ahead must not
    make what the others say late, nor be taken for them where what they said is purged.
    """

    def __init__(self, *, overlap: timedelta, since: datetime | None) -> None:
        self.new = 0
        """Entries of the last answer that were not in those before."""
        self.is_whole = True
        """The last answer went on where those before it ended, as far as can be told."""
        self._overlap = overlap
        self._since = self._begin = since
        self._known: dict[object, tuple[datetime, int]] = {}
        self._knew_some = False
        self._asked_at: datetime | None = None
        self._cursor: datetime | None = None
        self._last: datetime | None = None
        self._first_new: datetime | None = None
        self._first_known: datetime | None = None

    def ask(self, now: datetime) -> None:
        """An answer is asked for, as a whole."""
        self._asked_at = now
        self._knew_some = bool(self._known)
        self._first_known, self._first_new, self.new = None, None, 0

    def ask_from(self, begin: datetime | None) -> None:
        """Ask anew for what there is from then on, before anything was shown."""
        self._begin = begin
        self._known.clear()
        self._knew_some = False

    @property
    def since(self) -> datetime | None:
        """From when on to ask."""
        if self._cursor is None:
            return self._begin
        begin = self._cursor - self._overlap
        return begin if self._since is None else max(begin, self._since)

    @property
    def reaches_back(self) -> bool:
        """Did the first answer begin early enough to know what is old in those after it?"""
        if self._begin == self._since:
            return True
        end = self._end()
        return self._begin is not None and end is not None and end - self._overlap >= self._begin

    def added(self, entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
        """Those not seen yet, of one whose message has grown the rest; what is taken from here is seen.

        Where entries have no ids they are told apart by their values, and by how often these came.
        """
        known, since = self._known, self.since
        times: Counter[object] = Counter()
        for entry in entries:
            time, message = entry.time, entry.message
            if since is not None and time < since and time != NO_TIME:
                continue
            key: object = entry.id
            if key is None:
                value = (time, entry.level, message, entry.robot, entry.process, entry.job_id)
                times[value] += 1
                key = (value, times[value])
            before = known.get(key)
            if before is None:
                known[key] = time, len(message)
                self.new += 1
                if self._first_new is None or time < self._first_new:
                    self._first_new = time
                yield entry
            else:
                if self._first_known is None or time < self._first_known:
                    self._first_known = time
                if len(message) > before[1]:
                    known[key] = time, len(message)
                    self.new += 1
                    yield replace(entry, message=message[before[1] :].lstrip("\n"))

    def settle(self) -> tuple[datetime, datetime] | None:
        """The answer was complete. If nothing seen before was in it: the times between which some may be lost."""
        before, gap = self._last, None
        self.is_whole = not self._knew_some or self._met_known()
        if before is not None and self._first_new is not None and not self.is_whole:
            gap = before, self._first_new
        self._last = self._last_past()
        end = self._end()
        if end is not None:
            self._cursor = end if self._cursor is None else max(self._cursor, end)
            self._drop_older_than(self._cursor)
        return gap

    def _met_known(self) -> bool:
        """Was one seen before in it? One from a clock that is ahead does not count: it outlives every purge."""
        if self._first_known is None:
            return False
        bounds = [bound for bound in (self._last, self._first_new) if bound is not None]
        return not bounds or self._first_known <= max(bounds)

    def trimmed(self, entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
        """The same where nothing is shown before the end: only what may be met again is remembered."""
        limit = HELD
        for entry in self.added(entries):
            if len(self._known) > limit:
                self._drop_older_than(self._end() or NO_TIME)
                limit = HELD + 2 * len(self._known)
            yield entry

    def _end(self) -> datetime | None:
        return self._last_past() or (self._asked_at if self._known else None)

    def _last_past(self) -> datetime | None:
        """The time of the last entry known that is not from a clock ahead of ours."""
        now = self._asked_at
        return max((time for time, _ in self._known.values() if now is None or time <= now), default=None)

    def _drop_older_than(self, end: datetime) -> None:
        begin = end - self._overlap
        old = [key for key, (time, _) in self._known.items() if time < begin and time != NO_TIME]
        for key in old:
            del self._known[key]


def in_order(entries: Iterable[LogEntry], *, held: int = HELD) -> Iterator[list[LogEntry]]:
    """By time, of one time as they came; of many at once only so many are held, unless the newest come first.

    What was taken in before an error goes out before it.
    """
    waiting: list[LogEntry] = []
    backwards: bool | None = None
    limit = 2 * held
    try:
        for entry in entries:
            waiting.append(entry)
            if len(waiting) == limit and not backwards:
                if backwards is None:
                    backwards = waiting[0].time > waiting[-1].time
                    if backwards:
                        continue
                waiting.sort(key=_TIME)
                yield waiting[:held]
                del waiting[:held]
    except OrchctlError:
        yield _sorted(waiting, backwards=bool(backwards))
        raise
    yield _sorted(waiting, backwards=bool(backwards))


_TIME = attrgetter("time")


def _sorted(entries: list[LogEntry], *, backwards: bool) -> list[LogEntry]:
    if backwards or (len(entries) > 1 and entries[0].time > entries[-1].time):
        entries.reverse()
    entries.sort(key=_TIME)
    return entries


class Follows(Waits, Logs):
    def follow_log(
        self,
        wanted: LogFilter,
        *,
        count: int | None = None,
        interval: float = POLL_SECONDS,
        overlap: timedelta | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> Iterator[list[LogEntry]]:
        """What is there, at first its last ``count`` entries, then what is added; each list as it comes.

        It ends once ``wanted.until`` is over; the log of one job ends with the job, when nothing more comes.
        A ``sleep`` of its own may raise what ends it too.

        :raises NotFound, NotAuthenticated: at once.
        :raises NetworkFault, Unavailable, Unintelligible: five polls in a row came to nothing.
        """
        self.require(Feature.LIST_LOG_ENTRIES)
        wanted = self._log_filter(wanted)
        usual = OVERLAP if self.dialect.lists_log_from_a_time else WHOLE_LOG_OVERLAP
        seen = Seen(overlap=usual if overlap is None else overlap, since=wanted.since)
        sleep = sleep or self._sleep
        told = wanted.since
        lost = quiet = 0
        while True:
            began, asked_at = self._clock(), self._now()
            self._forget_unsure_names()
            is_over = wanted.until is not None and asked_at > wanted.until
            try:
                # The job before its log: what was said before its end is then in the log that is read after.
                ending = len(wanted.jobs) == 1 and self.get_job(wanted.jobs[0]).status in JOB_ENDED
                seen.ask(asked_at)
                if count is None:
                    batches = self._added(wanted, seen)
                else:
                    batches = iter([self._begin_with(wanted, seen, count)])
                    count, told = None, asked_at
                for batch in batches:
                    if batch and batch[-1].time != NO_TIME:
                        told = min(batch[-1].time, asked_at)
                    yield batch
            except (NetworkFault, Unavailable, Unintelligible) as error:
                lost += 1
                if lost > LOST_POLLS:
                    go_on_with(error, _following(wanted, told))
                    raise
                self._note(f"{error.message}; following goes on")
                sleep(interval)
                continue
            gap = seen.settle()
            if gap is not None:
                self._note(
                    f"gap: what was read up to {rfc3339(gap[0])} is not in the log any more (purged or rotated): "
                    f"entries from then to {rfc3339(gap[1])} may be missing"
                )
            elif lost:
                self._note("the log can be read again" + ("; nothing was lost" if seen.is_whole else ""))
            lost = 0
            quiet = quiet + 1 if ending and not seen.new else 0
            if is_over or quiet >= DRAIN_POLLS:
                return
            # A log that takes long to read is not asked for more than half of the time.
            sleep(min(interval, DRAIN_SECONDS) if ending else max(interval, self._clock() - began))

    def check_log_sources(self, wanted: LogFilter, *, follow: bool) -> None:
        """Say which of the robots, processes and jobs asked for are not there, as far as that can be told.

        It is no error: what they have said outlives them. But to ``follow`` a job that is not there has no end.

        :raises NotFound: such a job.
        """
        dialect = self.dialect
        if dialect.needs_ledger:
            return  # the log of one task is all there is, and reading it tells
        self._note_absent("robot", wanted.robots, Feature.GET_ROBOT, dialect.get_robot, dialect.list_robots)
        self._note_absent(
            "process", wanted.processes, Feature.GET_PROCESS, dialect.get_process, dialect.list_processes
        )
        for ident in wanted.jobs if Feature.GET_JOB in dialect.features else ():
            try:
                self._seen_by_key["job", ident] = self.get_job(ident)
            except NotFound:
                if follow:
                    raise
                self._note(f"there is no job {ident!r} here{_LEFT}")
            except OrchctlError:
                continue

    def _note_absent(
        self,
        kind: str,
        idents: Iterable[str],
        feature: Feature,
        read: Callable[[str], N],
        fetch: Callable[[str | None], Page[N] | None],
    ) -> None:
        for ident in idents if feature in self.dialect.features else ():
            try:
                is_there = self._is_there(kind, ident, read, fetch)
            except OrchctlError:
                continue  # not told; the log may be read for all that, or says itself what is wrong
            if is_there is False:
                guess = did_you_mean(ident, self.registry.seen(kind).values())
                self._note(f"there is no {kind} {ident!r} here{_LEFT}{f'; {guess}' if guess else ''}")
            elif is_there is None:
                self._note(
                    f"whether there is a {kind} {ident!r} cannot be told: "
                    f"{self.dialect.title} has no list of {plural(kind)}"
                )

    def read_log(self, wanted: LogFilter, *, count: int | None = None) -> Iterator[list[LogEntry]]:
        """What is there, or its last ``count`` entries, by time."""
        if count is not None:
            yield self.tail_log(wanted, count)
            return
        self.require(Feature.LIST_LOG_ENTRIES)
        wanted = self._log_filter(wanted)
        with _uncollected():
            for batch in in_order(self._matching(self._log_pages(wanted), wanted)):
                yield self._all_named(batch)

    def job_failure(self, ident: str) -> OrchctlError | None:
        """What a job's result is as an error; ``None``: it succeeded."""
        job = self.get_job(ident)
        if job.status == JobStatus.SUCCESS:
            return None
        if job.status in JOB_ENDED:
            return WaitFailed(_ended_as(job), hint=f"see more: orchctl job get {ident} -o yaml")
        return WaitTimedOut(
            f"the job {ident} is {job.status}: it has not ended",
            hint=f"orchctl job logs {ident} -f --exit-status",
        )

    def _added(self, wanted: LogFilter, seen: Seen) -> Iterator[list[LogEntry]]:
        entries = self._log_pages(replace(wanted, since=seen.since))
        with _uncollected():
            for batch in in_order(self._matching(seen.added(entries), wanted)):
                if batch:
                    yield self._all_named(batch)

    def _begin_with(self, wanted: LogFilter, seen: Seen, count: int) -> list[LogEntry]:
        # At least one is looked for: the time of the server's last entry says from when on to ask.
        least = max(count, 1)
        last: list[LogEntry] = []
        for begin in self._beginnings(wanted.since):
            seen.ask_from(begin)
            entries = self._log_pages(replace(wanted, since=begin))
            last = newest(self._matching(seen.trimmed(entries), wanted), least)
            if len(last) == least and seen.reaches_back:
                break
        return self._all_named(last[least - count :])


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles while an answer is read: there are none in millions of entries, and it takes a fifth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _following(wanted: LogFilter, since: datetime | None) -> str:
    """The command that follows the same from then on."""
    options: dict[str, Iterable[str]] = {
        "--since": [rfc3339(since)] if since else [],
        "--until": [rfc3339(wanted.until)] if wanted.until else [],
        "--level": [wanted.level] if wanted.level else [],
        "--robot": wanted.robots,
        "--process": wanted.processes,
        "--job": wanted.jobs,
        "--machine": wanted.machines,
        "--grep": [pattern.pattern for pattern in wanted.grep],
        "--exclude": [pattern.pattern for pattern in wanted.exclude],
    }
    words = [word for option, values in options.items() for value in values for word in (option, value)]
    return join(["orchctl", "log", "tail", "-f", *words])


def _ended_as(job: Job) -> str:
    return f"the job {job.id} is {job.status}" + (f": {job.info}" if job.info else "")
