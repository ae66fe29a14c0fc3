"""Many objects in one command: several targets, rows of a file, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl.errors import UsageFault
from orchctl.invocation.asking import Asking
from orchctl.invocation.inputs import Inputs
from orchctl.invocation.showing import Showing

if TYPE_CHECKING:
    from orchctl.bulk.outcome import RowResult
    from orchctl.bulk.session import Session
    from orchctl.model import NewTask, Task

T = TypeVar("T")


class Many(Showing, Asking, Inputs):
    def each(
        self,
        idents: Sequence[str],
        operation: Callable[[str], T],
        *,
        confirm: str | None = None,
        always: bool = False,
        once: bool = False,
        gone_is_done: bool = False,
    ) -> T | list[T]:
        """Run one operation on each id: one answers its result, several those of all that went well.

        A write names itself in ``confirm``, asked about for more than one target, or ``always``. What
        failed is told as it happens; the error that sums it up is kept in ``failure`` until the results are
        shown. ``once``: what may have been done in a run that was cut off is not done again. ``gone_is_done``:
        nor is it an error then that the object is not there any more.
        """
        resumed = self._line.resumed if self._line else None
        if resumed is None:
            found = self.targets(idents)
        else:
            from orchctl.bulk.targets import targets_of

            found = targets_of(resumed)
        if not found:
            self.note("no id on standard input: nothing to do")
            return []
        several = len(found) > 1
        if confirm is not None and (always or several):
            self._refuse_first(operation)
            self.confirm(f"{confirm} {f'{len(found)} objects' if several else repr(found[0])}")
        if not several:
            return operation(found[0])
        from orchctl.bulk.targets import each

        return each(
            self._begun_session(),
            found,
            operation,
            writes=confirm is not None,
            once=once,
            gone_is_done=gone_is_done,
        )

    def _refuse_first(self, operation: Callable[..., object]) -> None:
        """What the orchestrator cannot do is told before anybody is asked whether to do it.

        An operation of the client is called as the feature that it needs, and so is a command.
        """
        from orchctl.dialects.base import Feature

        noun, _, verb = (self._line.words if self._line else "").removeprefix("orchctl ").partition(" ")
        for name in (getattr(operation, "__name__", ""), f"{verb}_{noun}"):
            if feature := Feature.__members__.get(name.upper()):
                self.client.require(feature)

    def take_up(self, words: str, argv: Sequence[str], run: str | None) -> Sequence[str] | None:
        """Remember the command line, for a run to be taken up by; if one is, gives what stood there then."""
        from orchctl.bulk.line import Line, take_up

        if run is None:
            self._line = Line(words=words, argv=tuple(argv))
            return None
        self._line = line = take_up(run, words)
        header = line.resumed
        assert header is not None
        self.kept_data.update(header.data)
        if not (self.options.context or self.env.get("ORCHCTL_CONTEXT") or self.env.get("ORCHCTL_URL")):
            self.options.context = header.context
        self.options.folder = self.options.folder or header.folder
        return header.argv

    def load(
        self, noun: str, file: str, template: NewTask | None = None, **reading: Any
    ) -> Iterator[RowResult]:
        """Each row of a file through one operation; what became of it, as it ends. ``reading`` is FileWishes.

        On a terminal, where no format was asked for, the rows that went well are not worth a line each.
        """
        from orchctl.bulk.loading import FileWishes, load
        from orchctl.bulk.nouns import noun_of
        from orchctl.bulk.outcome import RowResult as Row
        from orchctl.render.columns import register

        register(Row, table=("row", "state", "id", "error"), plural="failures")
        asked = bool(self.options.output or self.env.get("ORCHCTL_OUTPUT") or self.options.query)
        every_row = asked or not self.streams.stdout_is_terminal
        session = self._begun_session()
        rows = noun_of(noun, template, self.client.dialect)
        return load(session, rows, file, FileWishes(**reading), every_row=every_row)

    def export(self, tasks: Iterable[Task], *, to: Path | None, clobber: bool) -> None:
        """Write tasks so that --from reads them back. Unlike other results they are CSV by default."""
        from orchctl.bulk.export import export, export_format
        from orchctl.model import Task as TaskType

        fields = self.options.fields
        if self.options.query or self.options.sort_by or self.options.no_headers:
            raise UsageFault(
                "an export has all of its rows, in the orchestrator's order, under their names",
                hint="without --query, --sort-by and --no-headers; orchctl task list has them",
            )
        export(
            tasks,
            TaskType,
            export_format(self.options.output or self.env.get("ORCHCTL_OUTPUT"), to),
            self.streams,
            to=to,
            clobber=clobber,
            fields=tuple(name.strip() for name in fields.split(",")) if fields else None,
        )

    def _begun_session(self) -> Session:
        from orchctl.bulk.line import Line
        from orchctl.bulk.session import Session, Wishes

        wishes = Wishes.of(self.options, parallel=self._parallel)
        self._session = Session(self, self._line or Line(words=""), wishes)
        return self._session
