"""One run as a command sees it: begun or taken up again, carried out, accounted for, summed up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from orchctl.bulk import runs
from orchctl.bulk.journal import Header, Journal
from orchctl.bulk.line import Line
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.progress import Progress, Shape
from orchctl.bulk.runner import Item, Pace, Result, Runner, Work
from orchctl.errors import LocalFault, OrchctlError, OutcomeUnknown, Partial, UsageFault
from orchctl.times import rfc3339

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.config import Context
    from orchctl.model import Json
    from orchctl.streams import Streams
    from orchctl.transport import PlannedRequest


_MOST_PARALLEL = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options of a run ask for."""

    pace: Pace = field(default_factory=Pace)
    shape: Shape = Shape.AUTO
    retry_rejected: bool = False
    retry_unknown: bool = False

    @classmethod
    def of(cls, options: Options, *, parallel: int) -> Wishes:
        """:raises UsageFault: an option makes no sense."""
        if not 1 <= parallel <= _MOST_PARALLEL:
            raise UsageFault(f"--parallel is a number from 1 to {_MOST_PARALLEL}")
        if options.max_errors is not None and options.max_errors < 1:
            raise UsageFault("--max-errors is 1 or more")
        max_errors = options.max_errors
        if options.on_error is not None:
            if options.on_error not in ("stop", "continue"):
                raise UsageFault(
                    f"{options.on_error!r} is nothing to do on an error", hint="stop or continue"
                )
            max_errors = 1 if options.on_error == "stop" else max_errors
        try:
            shape = Shape(options.progress or "auto")
        except ValueError:
            raise UsageFault(
                f"{options.progress!r} is no shape of progress", hint=f"one of: {', '.join(Shape)}"
            ) from None
        return cls(
            pace=Pace(
                parallel=parallel,
                rate=None if options.rate is None else _per_second(options.rate),
                max_errors=max_errors,
                ordered=bool(options.ordered),
            ),
            shape=shape,
            retry_rejected=bool(options.retry_rejected),
            retry_unknown=bool(options.retry_unknown),
        )


def _per_second(text: str) -> float:
    """``50``, ``50/s``, ``300/m``."""
    number, _, unit = text.partition("/")
    try:
        rate = float(number) / {"": 1, "s": 1, "m": 60, "h": 3600}[unit.strip()]
        if not 1e-5 <= rate < inf:
            raise ValueError
    except (ValueError, KeyError):
        raise UsageFault(f"{text!r} is no rate", hint="so many a second or a minute: 50/s, 300/m") from None
    return rate


class Options(Protocol):
    """The options of a run as they were typed."""

    rate: str | None
    on_error: str | None
    max_errors: int | None
    ordered: bool | None
    retry_rejected: bool | None
    retry_unknown: bool | None
    progress: str | None


class Program(Protocol):
    """What a run needs of the program around it."""

    streams: Streams
    failure: OrchctlError | None

    @property
    def client(self) -> Client: ...
    @property
    def context(self) -> Context: ...
    @property
    def machine_errors(self) -> bool: ...
    @property
    def is_rehearsal(self) -> bool:
        """Is it a dry run?"""
        ...

    @property
    def began(self) -> datetime: ...
    @property
    def kept_data(self) -> Mapping[str, Json]:
        """What --data and its like have held, by what was typed."""
        ...

    def note(self, text: str) -> None: ...
    def tell(self, text: str) -> None:
        """A line for people; with JSON errors it is held back for the one object."""

    def confirm(self, action: str) -> None: ...
    def show_plans(self, requests: Iterable[PlannedRequest]) -> None: ...
    def at_the_end(self, act: Callable[[], None]) -> None:
        """``act`` is done when the run of the program ends, however it does; the last first."""

    def sign_in(self) -> None: ...
    def halt(self) -> frozenset[int]: ...
    def anew(self) -> None: ...


class Session:
    """One run. Open it, let things go through it, finish it; whatever happens, it is ended."""

    def __init__(self, program: Program, line: Line, wishes: Wishes) -> None:
        self.program = program
        self.line = line
        self.wishes = wishes
        self.progress = Progress(program.streams, wishes.shape, quiet=program.machine_errors)
        self.run = line.resumed.run if line.resumed else runs.new_run()
        self.journal: Journal | None = None
        self.tally = Tally(0)
        self.keeps_input = True
        """Whether the rows may lie on the disk for a later run."""
        self._before = 0
        self._runner: Runner[Any] | None = None
        self._going: Generator[Result, None, None] | None = None
        self._is_over = False

    def open(self, rows: int, *, sha256: str, input: str | None, tells_of_earlier: bool = False) -> Journal:
        """Begin the journal, or take it up again; from here on the run has to be accounted for.

        ``tells_of_earlier``: what is begun a second time may be done twice, which the user should know.

        :raises LocalFault: another process is at it, or it is about something else.
        """
        program, line, old = self.program, self.line, self.line.resumed
        program.sign_in()
        context = program.context
        if old is None:
            header = Header(
                run=self.run,
                command=line.words,
                argv=line.argv,
                context=context.name,
                folder=context.folder,
                origin=context.origin,
                sha256=sha256,
                rows=rows,
                input=input,
                started=rfc3339(program.began),
                data=dict(program.kept_data),
            )
            if tells_of_earlier and (earlier := runs.unfinished_like(header)):
                run, done = earlier
                program.note(
                    f"these rows were begun before, and {done:,} of them are done; "
                    f"to go on with that instead: {line.words} --resume {run}"
                )
            self.journal = runs.begin(header)
        else:
            self._check_origin(old)
            self.journal = runs.resume(old)
        self.tally = Tally(rows)
        past = self.journal.past
        for state in (State.OK, State.UNKNOWN) if self.wishes.retry_rejected else _SETTLED:
            self.tally.add(state, past.count(state))
        self._before = self.tally.ok
        program.at_the_end(self.end)
        return self.journal

    def would_be_sent(self) -> Callable[[int], bool]:
        """Which rows a dry run shows: those of a run that is taken up again that are surely not there."""
        old = self.line.resumed
        if old is None:
            return self.is_wanted
        self._check_origin(old)
        past = runs.past_of(old)
        return lambda row: self._is_open(past.state(row))

    def _check_origin(self, old: Header) -> None:
        origin = self.program.context.origin
        if old.origin != origin:
            raise LocalFault(f"the run {old.run} went to {old.origin}, and this is {origin}")

    def is_wanted(self, row: int) -> bool:
        """Is the row still to be sent, and surely not there?"""
        return self.journal is None or self._is_open(self.journal.past.state(row))

    def _is_open(self, state: State | None) -> bool:
        return state in (None, State.NOT_SENT) or (state is State.REJECTED and self.wishes.retry_rejected)

    def runner(self, work: Work[Any], *, ordered: bool = False) -> Runner[Any]:
        pace = self.wishes.pace
        # A ledger is written one entry after another.
        most = 1 if self.program.client.dialect.needs_ledger else self.tally.total - self.tally.ok
        self._runner = Runner(
            work,
            self.tally,
            pace=replace(pace, parallel=max(1, min(pace.parallel, most)), ordered=ordered or pace.ordered),
            journal=self.journal,
            each_tick=lambda: self.progress.tick(self.tally),
        )
        self.progress.begin()
        return self._runner

    def go(self, runner: Runner[Any], items: Iterator[Item[Any]]) -> Iterator[Result]:
        """The results of what goes through; a signal or a fault is raised once all is told."""
        going = self._going = runner.run(items)
        yield from going
        if runner.interrupted is not None:
            self.end()
            runner.interrupted()
        if runner.fault is not None:
            self.end()
            raise runner.fault

    def settled(self, result: Result) -> None:
        """A row in doubt was looked up: account for it."""
        assert self.journal is not None
        if result.state is not State.UNKNOWN:
            self.tally.take_back(State.UNKNOWN)
            self.tally.add(result.state)
            self.journal.result(result.row, result.state, ident=result.id, error=result.message)
            self.journal.flush()

    def finish(self, words: str, *, quiet: bool) -> None:
        """The run has come to its end: sum it up, as the error that it ends with or as a line for people.

        ``quiet``: there is nothing to say when all went well.
        """
        self.progress.hide()
        tally, runner = self.tally, self._runner
        assert runner is not None
        self._is_over = True
        self._machine_summary()
        if tally.is_complete:
            if not quiet:
                self.program.tell(words)
        else:
            kind = OutcomeUnknown if tally.unknown else Partial
            notes = [runner.stopped_by] if runner.stopped_by else []
            self.program.failure = kind(words, hint=self.next_step(), notes=notes)
        self._put_away()

    def end(self) -> None:
        """Whatever was not finished was cut off: stop it, and say how far it came."""
        if self._is_over:
            return
        self._is_over = True
        # A journal that cannot be written is what it was cut off by, and is told as such.
        if self._runner is not None:
            with suppress(LocalFault):
                self._runner.end_now()
        if self._going is not None:
            self._going.close()
        self.progress.hide()
        self._machine_summary()
        self.program.tell(f"cut off: {self.account()}")
        if step := self.next_step():
            self.program.tell(f"hint: {step}")
        with suppress(LocalFault):
            self._put_away()

    def account(self) -> str:
        """What became of the rows, and how fast."""
        words = f"{self.tally} in {self.progress.seconds:.1f} s ({self._rate:,.0f}/s)"
        return words if self.journal is None else f"{words}, run {self.run}"

    def next_step(self) -> str | None:
        """The command that goes on with it."""
        tally = self.tally
        if self.journal is None or tally.is_complete:
            return None
        again = f"{self.line.words} --resume {self.run}"
        if not self.keeps_input and self.journal.header.input is None:
            return "the rows hold secrets and were not kept: start again with those that are not done"
        if tally.unknown:
            return f"to look for what is unknown and send what is not there: {again}"
        if tally.ok + tally.counts[State.REJECTED] < tally.total:
            return f"to go on: {again}"
        return f"to send what was rejected once more: {again} --retry-rejected"

    @property
    def _rate(self) -> float:
        return (self.tally.ok - self._before) / max(0.001, self.progress.seconds)

    def _machine_summary(self) -> None:
        run = self.run if self.journal is not None else None
        self.progress.summary(self.tally, run=run, rate=self._rate)

    def _put_away(self) -> None:
        if self.journal is None:
            return
        self.journal.close()
        if self.tally.is_complete or not self.keeps_input:
            runs.kept_input(self.run).unlink(missing_ok=True)


_SETTLED = (State.OK, State.REJECTED, State.UNKNOWN)
