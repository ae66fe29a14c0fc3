"""What goes on: waiting, logs, lists that are looked at again, charts and the live view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from re import Pattern
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl.errors import UsageFault
from orchctl.invocation.showing import Showing, choice
from orchctl.streams import Streams
from orchctl.times import parse_duration

if TYPE_CHECKING:
    from orchctl.client.waiting import Waited
    from orchctl.model import Job, LogEntry, LogFilter, NewJob, NewTask, Task
    from orchctl.render.chart import OverTime

T = TypeVar("T")


class Watching(Showing):
    def watch(self, fetch: Callable[[], object], kind: type[Any], *, title: str) -> None:
        """Look again and again: on a terminal the result is redrawn, elsewhere what changes is written."""
        from orchctl.live import watch
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
            where = f"{title} -c {self.context.name}"
            watch.redraw(look, show, streams, title=where, interval=interval, notes=notes, clock=datetime.now)
            return
        asked = options.output or self.env.get("ORCHCTL_OUTPUT") or "jsonl"
        if asked != "jsonl" or options.query or options.sort_by:
            raise UsageFault(
                "into a pipe --watch writes what changes as JSONL, and nothing else",
                hint="leave -o, --query and --sort-by out; --fields chooses what counts",
            )
        watch.changes(look, kind, streams, fields=self.layout.fields, interval=interval, note=self.note)

    def chart(self, tasks: Iterable[Task], *, title: str) -> None:
        """Tasks as bars: by status, and by when they were created."""
        from orchctl.render import chart

        self._check_chart()
        gathered = chart.Gathered().add(tasks)
        self._show_chart([(title, gathered.counts, gathered.over_time())])

    def chart_queues(self, ident: str | None) -> None:
        """The tasks of queues as bars; of one queue also by when they were created."""
        from orchctl.model import TaskFilter
        from orchctl.render import chart

        self._check_chart()
        client = self.client
        if ident is None:
            self._show_chart([(stats.queue, stats.counts, None) for stats in client.all_queue_stats()])
            return
        stats = client.queue_stats(ident)
        lately = TaskFilter(since=self._now - timedelta(days=7)) if client.counts_tasks else TaskFilter()
        over_time = chart.Gathered().add(client.list_tasks(ident, lately)).over_time()
        self._show_chart([(stats.queue, stats.counts, over_time)])

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

    def _show_chart(self, charts: Sequence[tuple[str, Mapping[Any, int], OverTime | None]]) -> None:
        from orchctl.render import chart

        texts = ["\n".join(chart.chart(*each, self.streams)) for each in charts]
        self.streams.write("".join(f"{text}\n" for text in "\n\n".join(texts).split("\n")))

    def top(self, *, interval: float | None, once: bool) -> None:
        """Show what goes on: once as a result, or on the whole terminal for as long as the user looks."""
        from orchctl.live import top
        from orchctl.render import Format
        from orchctl.render.columns import plain

        streams = self.streams
        title = f"{self.context.name} ({self.dialect_class.title})"
        if once:
            seen = self.client.overview()
            if self.layout.format in (Format.TABLE, Format.WIDE) and not self._is_shaped:
                streams.write(top.once(seen, title=title, width=streams.width, now=datetime.now(UTC)))
            else:
                for reason in seen.missing.values():
                    self.note(reason)
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
            interval=interval or usual,
            notes=notes,
            clock=lambda: datetime.now(UTC),
        )

    def interval(self, text: str) -> float:
        """Seconds between two looks."""
        seconds = parse_duration(text).total_seconds()
        if seconds <= 0:
            raise UsageFault("--interval must be more than 0 seconds")
        return seconds

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
        result_of: str | None = None,
    ) -> Iterator[list[LogEntry]]:
        """What a log holds, and with ``follow`` what is added, in seconds' time; then a job's result counts."""
        self._highlight = (*highlight, *wanted.grep)
        if not follow:
            if interval is not None or overlap is not None:
                raise UsageFault("--interval and --overlap belong to -f", hint="add -f")
            found = self.client.read_log(wanted, count=count)
        else:
            more = {} if interval is None else {"interval": interval}
            window = None if overlap is None else timedelta(seconds=overlap)
            found = self.client.follow_log(wanted, count=count, overlap=window, **more)
        return found if result_of is None else self._and_result(found, result_of)

    def _and_result(self, found: Iterator[T], job: str) -> Iterator[T]:
        yield from found
        self.failure = self.client.job_failure(job)

    def check_log(self, kind: type[Any]) -> None:
        """The same as ``check`` for what ``show_log`` shows."""
        if self._log_lines() is None:
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
