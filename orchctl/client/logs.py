"""The log: written, listed, the last entries, purged."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.client.names import Names
from orchctl.dialects.base import Feature
from orchctl.errors import NotFound
from orchctl.model.logs import put_names
from orchctl.model.words import LogLevel

if TYPE_CHECKING:
    from orchctl.model import LogEntry, LogFilter, NewLogEntry

NO_TIME = datetime.fromtimestamp(0, UTC)
"""What an entry has whose time the orchestrator did not tell."""

_Names = tuple[str | None, str | None, str | None]

_RANK: Mapping[str, int] = {level: rank for rank, level in enumerate(LogLevel)}
_FURTHER_BACK = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=30))


class Logs(Names):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._entry_names: dict[_Names, _Names] = {}

    def create_log_entry(self, new: NewLogEntry) -> LogEntry:
        """The entry as it was read back, or as it was sent where the orchestrator answers no id."""
        self.require(Feature.CREATE_LOG_ENTRY)
        robot = new.robot and self._target("robot", new.robot, self.dialect.get_robot)
        created = self.dialect.create_log_entry(replace(new, robot=robot))
        if created is None:
            return model.LogEntry(
                time=datetime.now(UTC),
                level=new.level,
                message=new.message,
                robot=new.robot,
                process_version=new.process_version,
                job_id=new.job_id,
            )
        ident = created.id
        if created.native is not None or ident is None:
            return created
        return self._after("log entry", lambda: self.get_log_entry(ident), created)

    def write_log_entry(self, new: NewLogEntry) -> None:
        """The same for many in a row, by GUID: nothing is looked up or read back."""
        self.require(Feature.CREATE_LOG_ENTRY)
        self.dialect.create_log_entry(new)

    def list_log_entries(self, wanted: LogFilter) -> Iterator[LogEntry]:
        """The entries that match, in the server's order."""
        self.require(Feature.LIST_LOG_ENTRIES)
        wanted = self._log_filter(wanted)
        return map(self._with_entry_names, self._matching(self._log_pages(wanted), wanted))

    def tail_log(self, wanted: LogFilter, count: int) -> list[LogEntry]:
        """The last ``count`` entries that match, the oldest of them first."""
        self.require(Feature.LIST_LOG_ENTRIES)
        wanted = self._log_filter(wanted)
        last: list[LogEntry] = []
        for begin in self._beginnings(wanted.since):
            since = replace(wanted, since=begin)
            last = newest(self._matching(self._log_pages(since), wanted), count)
            if len(last) == count:
                break
        return self._all_named(last)

    def get_log_entry(self, ident: str) -> LogEntry:
        self.require(Feature.GET_LOG_ENTRY)
        return self._with_entry_names(self.dialect.get_log_entry(ident))

    def purge_log(self, before: datetime) -> None:
        """Delete all entries created before a point in time."""
        self.require(Feature.PURGE_LOG)
        self.dialect.purge_log(before)

    def _log_filter(self, wanted: LogFilter) -> LogFilter:
        """With the jobs of the tasks that were asked for."""
        if wanted.machines and not self.dialect.tells_machines_of_log:
            self.dialect.refuse_field("the machine of a log entry", "choose by --robot, --process or --job")
        jobs = tuple(self._job_of_task(task) for task in wanted.tasks)
        return replace(wanted, jobs=(*wanted.jobs, *jobs), tasks=()) if jobs else wanted

    def _job_of_task(self, ident: str) -> str:
        task = self.dialect.get_task(ident)
        if task.job_id is None:
            raise NotFound(
                f"no job is known to have taken the task {ident!r}, so no log entry is known to be about it",
                hint="wait for one: orchctl task wait --for in-progress; or name who does it: --robot",
            )
        return task.job_id

    def _log_pages(self, wanted: LogFilter) -> Iterator[LogEntry]:
        return self._paged(lambda cursor: self.dialect.list_log_entries(wanted, cursor))

    def _beginnings(self, since: datetime | None) -> Iterator[datetime | None]:
        """From when to look for the last entries: further and further back where that makes answers shorter."""
        if self.dialect.lists_log_from_a_time:
            now = self._now()
            for back in _FURTHER_BACK:
                if since is None or now - back > since:
                    yield now - back
        yield since

    def _matching(self, entries: Iterable[LogEntry], wanted: LogFilter) -> Iterator[LogEntry]:
        """Those that match; one whose level or time is not known is not left out for it."""
        floor = None if wanted.level is None else _RANK[wanted.level]
        since, until = wanted.since, wanted.until
        grep, exclude = wanted.grep, wanted.exclude
        chooses = bool(wanted.robots or wanted.processes or wanted.jobs)
        chosen: dict[object, bool] = {}
        for entry in entries:
            if floor is not None and _RANK.get(entry.level, floor) < floor:
                continue
            if since is not None and entry.time < since and entry.time != NO_TIME:
                continue
            if until is not None and entry.time > until:
                continue
            if grep and not any(pattern.search(entry.message) for pattern in grep):
                continue
            if exclude and any(pattern.search(entry.message) for pattern in exclude):
                continue
            if chooses:
                source = entry.robot, entry.process, entry.process_version, entry.job_id
                is_chosen = chosen.get(source)
                if is_chosen is None:
                    is_chosen = chosen[source] = self._is_of(entry, self._names_of(entry), wanted)
                if not is_chosen:
                    continue
            yield entry

    def _with_entry_names(self, entry: LogEntry) -> LogEntry:
        """The same entry, which nobody else has yet: another one would take as long as all the rest."""
        return self._all_named([entry])[0]

    def _all_named(self, entries: list[LogEntry]) -> list[LogEntry]:
        for entry in entries:
            robot, process, version = self._names_of(entry)
            if robot != entry.robot or process != entry.process or version != entry.process_version:
                put_names(entry, robot, process, version)
        return entries

    def _names_of(self, entry: LogEntry) -> _Names:
        """Robot, process and process version by name, where the entry has ids."""
        ids = entry.robot, entry.process, entry.process_version
        names = self._entry_names.get(ids)
        if names is None:
            version = self._version(entry.process_version)
            names = self._entry_names[ids] = (
                self._robot_name(entry.robot),
                self._process_name(entry.process or (version.process if version else None)),
                version.name if version and version.name else entry.process_version,
            )
        return names

    def _forget_unsure_names(self) -> None:
        if self._unsure:
            self._entry_names.clear()
        super()._forget_unsure_names()

    def _is_of(self, entry: LogEntry, names: _Names, wanted: LogFilter) -> bool:
        """Is it of one of the robots, processes and jobs that were asked for, by whichever name?"""
        dialect = self.dialect
        robot, process, _ = names
        for asked, has, kind, feature, read in (
            (wanted.robots, {entry.robot, robot}, "robot", Feature.GET_ROBOT, dialect.get_robot),
            (wanted.processes, {entry.process, process}, "process", Feature.GET_PROCESS, dialect.get_process),
            (wanted.jobs, {entry.job_id}, "job", Feature.GET_JOB, dialect.get_job),
        ):
            if asked and has.isdisjoint(asked):
                aliases = set().union(*(self._aliases(kind, ident, feature, read) for ident in asked))
                if has.isdisjoint(aliases):
                    return False
        return True


def newest(entries: Iterable[LogEntry], count: int) -> list[LogEntry]:
    """The last ``count``, the oldest of them first; of one time in the order they came in."""
    last = heapq.nlargest(count, enumerate(entries), key=lambda pair: (pair[1].time, pair[0]))
    return [entry for _, entry in reversed(last)]
