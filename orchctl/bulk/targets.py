"""Several objects, named on the command line or on standard input, each through one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from orchctl.bulk import runs
from orchctl.bulk.inputs import digest, file_again, write_kept
from orchctl.bulk.journal import Header
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.runner import Item, Result
from orchctl.bulk.works import Target, TargetWork
from orchctl.errors import OrchctlError
from orchctl.transport import PlannedRequest

if TYPE_CHECKING:
    from orchctl.bulk.session import Session

T = TypeVar("T")


def targets_of(header: Header) -> list[str]:
    """What a run was about that is taken up again."""
    path, _ = file_again(header)
    return path.read_bytes().decode("utf-8", "surrogatepass").split("\n")


def each(
    session: Session,
    idents: Sequence[str],
    operation: Callable[[str], T],
    *,
    writes: bool,
    once: bool,
    gone_is_done: bool,
) -> list[T]:
    """Do it to each; gives what came of those that went well, in their order. What did not is told as it happens.

    ``once``: what an earlier run may have done is not done again unless that is asked for.
    """
    program = session.program
    if writes and program.is_rehearsal:
        return _plan(session, idents, operation)
    if writes and session.line.words:
        path = runs.kept_input(session.run)
        if session.line.resumed is None:
            program.at_the_end(lambda: None if session.journal else path.unlink(missing_ok=True))
            write_kept(path, iter(["\n".join(idents).encode("utf-8", "surrogatepass")]))
        session.open(len(idents), sha256=digest(path, str(path)), input=None)
    else:
        session.tally = Tally(len(idents))
    doubtful = session.journal.past.doubtful if session.journal else {}
    again = not once or session.wishes.retry_unknown
    if again:
        session.tally.take_back(State.UNKNOWN, len(doubtful))
    items = (
        Item(row, Target(ident, in_doubt=row in doubtful))
        for row, ident in enumerate(idents, start=1)
        if session.is_wanted(row) or (again and row in doubtful)
    )
    work = TargetWork(operation, gone_is_done=gone_is_done, outbox=program)
    done: list[T] = []
    for result in session.go(session.runner(work, ordered=True), items):
        if result.state is not State.OK:
            _complain(session, idents[result.row - 1], result)
        elif result.value is not None:
            done.append(result.value)
    session.finish(_account(session), quiet=True)
    return done


def _plan(session: Session, idents: Sequence[str], operation: Callable[[str], T]) -> list[T]:
    """A dry run: each request that would be sent."""
    done: list[T] = []

    def requests() -> Iterator[PlannedRequest]:
        for ident in idents:
            try:
                done.append(operation(ident))
            except PlannedRequest as request:
                yield request

    session.program.show_plans(requests())
    return done


def _complain(session: Session, ident: str, result: Result) -> None:
    session.progress.hide()
    hint = result.error.hint if isinstance(result.error, OrchctlError) else None
    session.program.tell(f"{ident}: {result.message}" + (f" (hint: {hint})" if hint else ""))


def _account(session: Session) -> str:
    tally = session.tally
    failed = tally.total - tally.ok - tally.unknown
    words = f"{tally.ok:,} done, {failed:,} failed, {tally.unknown:,} unknown, of {tally.total:,}"
    return words if session.journal is None else f"{words}, run {session.run}"
