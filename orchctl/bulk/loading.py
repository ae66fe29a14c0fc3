"""A file's rows, each through one operation: ``--from``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl.bulk import runs
from orchctl.bulk.cells import Reading
from orchctl.bulk.inputs import changed, digest, file_again, file_of, forget, identity, nameless
from orchctl.bulk.nouns import Entry, Noun
from orchctl.bulk.outcome import RowResult, State
from orchctl.bulk.readers import source
from orchctl.bulk.rehearsal import Shapes, WouldBeSent, rehearsing
from orchctl.bulk.rows import Repeats, Rows
from orchctl.bulk.runner import Item, Result
from orchctl.bulk.settling import settle
from orchctl.bulk.trace import Control, Tracer
from orchctl.bulk.works import EntryWork
from orchctl.transport import PlannedRequest

if TYPE_CHECKING:
    from orchctl.bulk.session import Session
    from orchctl.client import Client

New = TypeVar("New")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWishes:
    """How the rows of a file are to be read."""

    format: str | None = None
    encoding: str | None = None
    payload_columns: bool = False
    as_new: bool = False


def load(
    session: Session, noun: Noun[New], file: str, wishes: FileWishes, *, every_row: bool
) -> Iterator[RowResult]:
    """Check all rows, then send each; gives the results as they come.

    ``every_row``: otherwise only what did not go well is worth showing.

    :raises UsageFault: rows are wrong; nothing was sent.
    """
    program, begun = session.program, session.line.resumed
    program.client.require(noun.feature)
    if begun is not None:
        path, name = file_again(begun)
    else:
        path, name = file_of(file, program.streams.pieces(), run=session.run)
    was_piped = path == runs.kept_input(session.run)
    if was_piped:
        if noun.holds_secrets:
            session.keeps_input = False
            path = nameless(path, program.at_the_end)
        program.at_the_end(lambda: None if session.journal or begun else forget(path))
    seen, sha256 = identity(path, name), digest(path, name)
    if begun is not None and sha256 != begun.sha256:
        raise changed(name, begun.run)
    found = source(path, name=name, format=wishes.format, encoding=wishes.encoding)
    reading = Reading(now=program.began, cells_are_text=found.cells_are_text)
    rows = Rows(
        found,
        noun,
        reading,
        payload_columns=wishes.payload_columns,
        as_new=wishes.as_new,
        is_unchanged=lambda: identity(path, name) == seen,
    )
    repeats, idents = Repeats(), Repeats()
    updates = 0

    def each(row: int, entry: Entry[New]) -> None:
        nonlocal updates
        session.progress.checking(row)
        if entry.new is None:
            updates += 1
            idents.add(entry.ident or "")
        elif (key := noun.key(entry)) is not None:
            repeats.add(key)

    # What was begun has been rehearsed then.
    count = rows.check(_rehearsal(noun, program.client) if begun is None else _nothing, each)
    if idents and begun is None:
        rows.check_idents(idents)
    session.progress.hide()
    if unsent := rows.unsent:
        program.note(f"these columns are the orchestrator's own and are not sent: {', '.join(unsent)}")
    if kept := noun.kept:
        program.note(f"tasks that are there already keep these, which are not sent: {', '.join(kept)}")
    if lookalikes := rows.lookalikes:
        program.note(f"these columns go to the payload, as they are written: {', '.join(lookalikes)}")
    if program.is_rehearsal:
        program.show_plans(_plans(session, noun, rows))
        return iter(())
    if updates > 1:
        program.confirm(f"update {updates:,} objects")
    if begun is None:
        noun.check(program.client)
    session.open(count, sha256=sha256, input=None if was_piped else str(path), tells_of_earlier=True)
    results = _results(session, noun, rows, repeats, one_by_one=updates > 0)
    return _shown(session, results, every_row=every_row)


def _rehearsal(noun: Noun[New], client: Client) -> Callable[[Entry[New]], None]:
    silent, shapes = rehearsing(client.dialect), Shapes()
    # Where a process declares the types of its variables, each value counts.
    by_shape = not silent.needs_ledger

    def rehearse(entry: Entry[New]) -> None:
        shape = shapes.of(entry.new) if by_shape and entry.new is not None else None
        if shape in shapes:
            return
        try:
            noun.rehearse(client, silent, entry)
        except WouldBeSent:
            shapes.add(shape)

    return rehearse


def _nothing(entry: Entry[Any]) -> None:
    pass


def _plans(session: Session, noun: Noun[New], rows: Rows[New]) -> Iterator[PlannedRequest]:
    """A dry run: each request that would be sent."""
    for item in rows.items(session.would_be_sent()):
        try:
            noun.perform(session.program.client, item.thing, read_back=False)
        except PlannedRequest as request:
            yield request


def _results(
    session: Session, noun: Noun[New], rows: Rows[New], repeats: Repeats, *, one_by_one: bool
) -> Iterator[Result]:
    program, journal = session.program, session.journal
    assert journal is not None
    past = journal.past
    tracer = Tracer(program.client, repeats, mark=session.run)
    tracer.controls = [
        Control(ident, None, sent_at) for _, ident, sent_at in past.controls if ident is not None
    ]
    work = EntryWork(program.client, noun, tracer, one_by_one=one_by_one, outbox=program)
    runner = session.runner(work)
    yield from session.go(runner, work.marked(rows.items(session.is_wanted)))
    if not past.doubtful or runner.is_over:
        return
    doubtful = {item.row: item for item in work.marked(rows.items(past.doubtful.__contains__))}
    without_id = {row: sent_at for row, ident, sent_at in past.controls if ident is None}
    for item in work.marked(rows.items(without_id.__contains__)) if without_id else ():
        key = noun.key(item.thing)
        if key is not None and key not in repeats:
            tracer.controls.append(Control(None, key, without_id[item.row]))
    absent: list[Item[Entry[New]]] = []
    for result in settle(
        doubtful,
        past,
        tracer,
        noun.looked_for_in,
        claimed=lambda idents: runs.claimed_by_others(journal.header, idents),
        loopback=program.context.loopback,
        tell=program.tell,
        absent=absent,
    ):
        if result.state is State.UNKNOWN and session.wishes.retry_unknown:
            absent.append(doubtful[result.row])
            continue
        session.settled(result)
        yield result
    session.tally.take_back(State.UNKNOWN, len(absent))
    yield from session.go(runner, iter(absent))


def _shown(session: Session, results: Iterator[Result], *, every_row: bool) -> Iterator[RowResult]:
    shares_screen = session.program.streams.stdout_is_terminal
    for result in results:
        if every_row or result.state is not State.OK:
            if shares_screen:
                session.progress.hide()
            yield RowResult(row=result.row, state=result.state, id=result.id, error=result.message)
    session.finish(session.account(), quiet=False)
