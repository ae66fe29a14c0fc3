"""What goes on: waiting, logs, lists that are looked at again, charts and the live view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from re import Pattern
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl.errors import UsageFault
from orchctl.invocation.showing import Showing, choice
from orchctl.streams import Streams
from orchctl.times import parse_span

if TYPE_CHECKING:
    from orchctl.client.waiting import Waited
    from orchctl.model import Job, LogEntry, LogFilter, NewJob, NewTask, Task

T = TypeVar("T")


class Watching(Showing):
    def watch(self, fetch: Callable[[], object], kind: type[Any], *, title: str) -> None:
        """Look again and again: on a terminal the result is redrawn, elsewhere what changes is written."""
        from orchctl.live import watch
        from orchctl.live.pause import pause
        from orchctl.render import Format

        options, streams = self.options, self.streams
        interval = watch.USUAL_SECONDS if options.interval is None else self.interval(options.interval)
        notes = self._watched = []

        def look() -> object:
            self.__dict__.pop("_now", None)
            self.failure = None
            return fetch()

        def show(result: object, paper: Streams) -> None:
            self.streams = paper
            try:
                self.show(result, kind)
            finally:
                self.streams = streams

        draws = streams.stdout_is_terminal and streams.env.get("TERM") != "dumb"
        if draws and self.layout.format is not Format.JSONL:
            where = f"{title} -c {quote(self.context.name)}"
            watch.redraw(look, show, streams, title=where, interval=interval, notes=notes, clock=datetime.now)
            return
        # The format for all commands in the environment is not meant for this one, which has but one.
        if options.output not in (None, "jsonl") or options.query or options.sort_by:
            raise UsageFault(
                "into a pipe --watch writes what changes as JSONL, and nothing else",
                hint="-o jsonl, or no -o; no --query and --sort-by; --fields chooses what counts",
            )
        watch.changes(
            look,
            kind,
            streams,
            fields=self.layout.fields,
            interval=interval,
            note=self.note,
            sleep=partial(pause, streams),
        )

    def chart(self, tasks: Iterable[Task], *, title: str) -> None:
        """Tasks as bars: by status, and by when they were created."""
        from orchctl.render import chart

        self._check_chart()
        gathered = chart.Gathered().add(tasks)
        self._show_lines(chart.chart(title, gathered.counts, gathered.over_time(), self.streams))

    def chart_queues(self, ident: str | None) -> None:
        """The tasks of queues as bars; of one queue also by when they were created."""
        from orchctl.model import TaskFilter
        from orchctl.render import chart

        self._check_chart()
        client = self.client
        if ident is None:
            counted = [(stats.queue, stats.counts) for stats in client.all_queue_stats()]
            self._show_lines(chart.charts(counted, self.streams))
            return
        stats = client.queue_stats(ident)
        lately = TaskFilter(since=self._now - timedelta(days=7)) if client.counts_tasks else TaskFilter()
        over_time = chart.Gathered().add(client.list_tasks(ident, lately)).over_time()
        self._show_lines(chart.chart(stats.queue, stats.counts, over_time, self.streams))

    def _check_chart(self) -> None:
        from orchctl.render import Format

        if (
            self._watched is not None
            or self._is_shaped
            or self.layout.format not in (Format.TABLE, Format.WIDE)
        ):
            raise UsageFault(
                "--chart does not go with --watch, --fields, --query, --sort-by or another format",
                hint="the numbers for machines: orchctl queue stats -o json",
            )

    def _show_lines(self, lines: Iterable[str]) -> None:
        self.streams.write("".join(f"{line}\n" for line in lines))

    def top(self, *, interval: float | None, once: bool) -> None:
        """Show what goes on: once as a result, or on the whole terminal for as long as the user looks."""
        from orchctl.live import top
        from orchctl.render import Format
        from orchctl.render.columns import plain

        streams = self.streams
        title = f"{self.context.name} ({self.dialect_class.title})"
        if once:
            asked = self.layout.format
            if asked in (Format.CSV, Format.TSV, Format.NAME) and not self.options.query:
                raise UsageFault(
                    f"-o {asked} has one kind of rows, and top has three",
                    hint=f"choose one: orchctl top --once --query queues -o {asked}",
                )
            is_table = asked in (Format.TABLE, Format.WIDE) and not self._is_shaped
            seen = self.client.overview()
            if is_table and streams.stdout_is_terminal:
                streams.write(top.once(seen, title=title, width=streams.width, now=datetime.now(UTC)))
                return
            for reason in seen.missing.values():
                self.note(reason)
            if is_table:
                streams.write(top.piped(seen, self.layout, now=datetime.now(UTC)))
            else:
                self.show_data(plain({"queues": seen.queues, "robots": seen.robots, "jobs": seen.jobs}))
            return
        if not streams.stdout_is_terminal or streams.env.get("TERM") == "dumb":
            raise UsageFault("top needs a terminal that it can draw on", hint="orchctl top --once -o json")
        notes = self._watched = []
        usual = 30.0 if self.dialect_class.budgets else 5.0
        top.top(
            self.client.overview,
            streams,
            title=title,
            interval=usual if interval is None else interval,
            notes=notes,
            clock=lambda: datetime.now(UTC),
        )

    def interval(self, text: str) -> float:
        """Seconds between two looks."""
        return parse_span(text, "--interval")

    def created(
        self, new: NewTask, *, wait: bool, timeout: float | None, listen: str | None
    ) -> Task | list[Task] | None:
        """A new task, and with ``wait`` as it is when it has ended."""
        if wait:
            return self.waited(self.client.create_task_and_wait(new, timeout=timeout, listen=listen))
        if timeout is not None or listen is not None:
            raise UsageFault("--timeout and --listen belong to --wait", hint="add --wait")
        return self.client.create_task(new)

    def created_job(self, new: NewJob, *, wait: bool, timeout: float | None) -> Job | list[Job] | None:
        """The same of a job."""
        if wait:
            return self.waited(self.client.create_job_and_wait(new, timeout=timeout))
        if timeout is not None:
            raise UsageFault("--timeout belongs to --wait", hint="add --wait")
        return self.client.create_job(new)

    def waited(self, result: Waited[T], *, several: bool = False) -> T | list[T] | None:
        """What a wait has found; the error that it ends with comes once that is shown."""
        self.failure = result.failure
        if several:
            return result.found
        return result.found[0] if result.found else None

    def log(
        self,
        wanted: LogFilter,
        *,
        count: int | None,
        follow: bool,
        interval: float | None,
        overlap: float | None,
        highlight: Sequence[Pattern[str]],
        job: str | None = None,
        exit_status: bool = False,
    ) -> Iterator[list[LogEntry]]:
        """What a log holds, and with ``follow`` what is added, in seconds' time.

        Of one ``job`` only what it says; with ``exit_status`` its result counts then.
        """
        from orchctl.live.pause import pause

        self._highlight = (*highlight, *wanted.grep)
        if not follow and (interval is not None or overlap is not None):
            raise UsageFault("--interval and --overlap belong to -f", hint="add -f")
        client = self.client
        if job is not None:
            wanted = replace(wanted, jobs=(client.get_job(job).id,))
        else:
            client.check_log_sources(wanted, follow=follow)
        if not follow:
            found = client.read_log(wanted, count=count)
        else:
            more = {} if interval is None else {"interval": interval}
            window = None if overlap is None else timedelta(seconds=overlap)
            sleep = partial(pause, self.streams)
            found = client.follow_log(wanted, count=count, overlap=window, sleep=sleep, **more)
        return self._and_result(found, job) if exit_status and job is not None else found

    def listed_log(self, wanted: LogFilter, *, all_folders: bool) -> Iterator[LogEntry]:
        """The entries of a log in the orchestrator's order."""
        if not all_folders:  # each of them has other robots
            self.client.check_log_sources(wanted, follow=False)
        return self.rows(lambda client: client.list_log_entries(wanted), all_folders)

    def _and_result(self, found: Iterator[T], job: str) -> Iterator[T]:
        yield from found
        self.failure = self.client.job_failure(job)

    def check_log(self, kind: type[Any]) -> None:
        """The same as ``check`` for what ``show_log`` shows."""
        from orchctl.render import Format

        if self._log_lines() is None:
            if self.options.output is not None:
                choice(Format, self.options.output, "output format", also=("text", "raw"))
            self.check(kind)

    def show_log(self, batches: Iterable[Sequence[LogEntry]], kind: type[LogEntry]) -> None:
        """Write log entries as they come: as lines, or in a format that lists have."""
        from orchctl.render import TimeStyle, show
        from orchctl.render.loglines import show_log

        lines = self._log_lines()
        if lines is not None:
            time = choice(TimeStyle, self.options.time or "local", "time style")
            show_log(batches, self.streams, raw=lines == "raw", time=time, highlight=self._highlight)
            return

        def rows() -> Iterator[LogEntry]:
            for batch in batches:
                yield from batch
                self.streams.flush()

        show(rows(), kind, self.layout, self.streams, live=self.streams.stdout_is_terminal)

    def _log_lines(self) -> str | None:
        """``text`` or ``raw``; ``None``: a format that lists have."""
        shaped = self._is_shaped
        asked = self.options.output
        if asked in ("text", "raw"):
            if shaped:
                raise UsageFault(
                    f"-o {asked} has lines of its own",
                    hint="--fields, --query and --sort-by go with the others",
                )
            return asked
        usual = self.env.get("ORCHCTL_OUTPUT") or self._default_output() or "table"
        return "text" if asked is None and usual == "table" and not shaped else None
