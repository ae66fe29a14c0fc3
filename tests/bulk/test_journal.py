"""The journal between threads: what was told is on the disk, and many share one wait for it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchctl.bulk import journal as journal_module
from orchctl.bulk import runs
from orchctl.bulk.journal import Header, Journal
from orchctl.bulk.outcome import State, Tally
from orchctl.bulk.runner import Done, Item, Pace, Runner
from orchctl.errors import LocalFault
from tests.bulk.nowhere import Nowhere


def header(rows: int, run: str | None = None) -> Header:
    return Header(
        run=run or runs.new_run(),
        command="orchctl task create",
        argv=(),
        context="env",
        folder=None,
        origin="http://127.0.0.1:1",
        sha256="0" * 64,
        rows=rows,
        input=None,
        started="2026-01-01T00:00:00Z",
    )


@pytest.fixture(params=["written through", "fsync"])
def journal(home: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """As where the system has O_DSYNC, and as where it has not."""
    if request.param == "fsync":
        monkeypatch.setattr("orchctl.bulk.journal._WRITTEN_THROUGH", 0)
    opened = runs.begin(header(1000))
    yield opened
    if opened._file >= 0:
        opened.close()


def lines(journal: Journal) -> list[Any]:
    return [json.loads(line) for line in journal.path.read_text().splitlines()[1:]]


def sent(journal: Journal, row: int) -> None:
    journal.ensure(journal.about_to_send([row]))


def test_threads_share_one_wait_for_the_disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    gathered = threading.Barrier(8)
    first = threading.Event()
    name = "write" if journal_module._WRITTEN_THROUGH else "fsync"
    real = getattr(os, name)

    def slow(descriptor: int, *data: bytes) -> Any:
        done = real(descriptor, *data)
        waits.append(len(lines(journal)))
        if len(waits) == 1:
            first.set()
            while len(journal._pending) < 8:
                pass
        return done

    monkeypatch.setattr(f"orchctl.bulk.journal.os.{name}", slow)

    def worker(row: int) -> None:
        first.wait(10)
        gathered.wait(10)
        sent(journal, row)

    threads = [threading.Thread(target=worker, args=(row,)) for row in range(2, 10)]
    for thread in threads:
        thread.start()
    sent(journal, 1)
    for thread in threads:
        thread.join(10)
    assert waits == [1, 9]


@pytest.mark.skipif(not hasattr(os, "O_DSYNC"), reason="the system has no such flag")
@pytest.mark.usefixtures("home")
def test_what_is_written_is_on_the_disk() -> None:
    import fcntl

    journal = runs.begin(header(1))
    assert fcntl.fcntl(journal._file, fcntl.F_GETFL) & os.O_DSYNC
    journal.close()


def test_nobody_is_told_that_the_disk_has_what_it_has_not(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that writes for all breaks, whatever by."""
    ends: dict[int, BaseException | None] = {}
    real, first, go_on = os.write, threading.Event(), threading.Event()

    def write(descriptor: int, data: bytes) -> int:
        if not first.is_set():
            first.set()
            go_on.wait(10)
            return real(descriptor, data)
        raise MemoryError

    def send(row: int) -> None:
        try:
            sent(journal, row)
            ends[row] = None
        except BaseException as error:
            ends[row] = error

    with monkeypatch.context() as patch:
        patch.setattr("orchctl.bulk.journal.os.write", write)
        threads = [threading.Thread(target=send, args=(row,)) for row in (1, 2, 3)]
        threads[0].start()
        first.wait(10)
        for thread in threads[1:]:
            thread.start()
        while len(journal._pending) < 2:
            pass
        go_on.set()
        for thread in threads:
            thread.join(10)
    assert ends[1] is None
    assert [type(ends[row]) for row in (2, 3)] == [MemoryError, MemoryError]


def test_a_worker_that_comes_late_writes_nowhere(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    with (tmp_path / "another").open("wb") as file:
        with pytest.raises(LocalFault):
            sent(journal, 1)
        assert file.tell() == 0


def test_what_another_thread_is_about_to_write_is_waited_for(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go_on = threading.Event(), threading.Event()
    real = os.write

    def slow(descriptor: int, data: bytes) -> int:
        taken.set()
        go_on.wait(10)
        return real(descriptor, data)

    monkeypatch.setattr("orchctl.bulk.journal.os.write", slow)
    journal.result(1, State.OK, ident="x", error=None)
    writing = threading.Thread(target=sent, args=(journal, 2))
    writing.start()
    taken.wait(10)
    seen: list[list[Any]] = []

    def flush() -> None:
        journal.flush()
        seen.append(lines(journal))

    flushing = threading.Thread(target=flush)
    flushing.start()
    flushing.join(0.2)  # time enough to be wrong
    go_on.set()
    flushing.join(10)
    writing.join(10)
    assert seen[0][0] == {"row": 1, "state": "ok", "id": "x"}


class Slow:
    """Lets one row through at a time, as it is told."""

    batch = 1
    tells_apart = False

    def __init__(self) -> None:
        self.outbox = Nowhere()
        self.go_on = threading.Semaphore(1)

    def perform(self, things: Sequence[int]) -> list[Done]:
        self.go_on.acquire()
        return [Done(str(thing)) for thing in things]

    def found(self, ident: str | None, sent_at: float) -> None:
        pass

    def find(self, thing: int, sent_at: float) -> str | None:
        return None


def test_nothing_is_told_that_is_not_on_the_disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that comes while those before it are written has to wait for the next time."""
    work = Slow()
    runner = Runner(work, Tally(20), pace=Pace(parallel=1), journal=journal, each_tick=lambda: None)
    real = journal.flush

    def flush() -> None:
        real()
        before = len(runner._results)
        work.go_on.release()
        while runner._running and len(runner._results) == before:
            pass

    monkeypatch.setattr(journal, "flush", flush)
    for result in runner.run(Item(row, row) for row in range(1, 21)):
        assert result.row in {line["row"] for line in lines(journal) if line["state"] == "ok"}


@pytest.mark.parametrize("written", [0, 9, None])
def test_ctrl_c_at_a_write_neither_doubles_nor_loses_a_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    """It may come before, within and just after it, and is no reason for the lines to be there twice."""
    real = os.write

    def interrupted(file: int, data: bytes) -> int:
        monkeypatch.setattr("orchctl.bulk.journal.os.write", real)
        if written != 0:
            real(file, data[:written])
        raise KeyboardInterrupt

    monkeypatch.setattr("orchctl.bulk.journal.os.write", interrupted)
    journal.result(1, State.OK, ident="a", error=None)
    with pytest.raises(KeyboardInterrupt):
        journal.flush()
    journal.result(2, State.OK, ident="b", error=None)
    journal.flush()
    assert [line["row"] for line in lines(journal)] == [1, 2]


events = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["sent", "ok", "rejected", "not_sent", "unknown"])),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(events=events, cut=st.integers(0, 200))
def test_a_journal_tells_what_was_written_wherever_it_was_cut(
    events: list[tuple[int, str]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        written = runs.begin(header(6))
        for row, state in events:
            if state == "sent":
                sent(written, row)
            else:
                written.result(row, State(state), ident=f"id-{row}" if state == "ok" else None, error=None)
        written.close()
        whole = written.path.read_bytes()
        head = whole.index(b"\n") + 1
        kept = whole[: max(head, len(whole) - cut)]
        written.path.write_bytes(kept)
        expected: dict[int, str] = {}
        for line in kept[head:].splitlines(keepends=True):
            if line.endswith(b"\n"):
                entry = json.loads(line)
                expected[entry["row"]] = entry["state"]
        again = runs.resume(runs.read_header(written.run))
        try:
            for row in range(1, 7):
                told = again.past.state(row)
                known = expected.get(row)
                assert told == (State.UNKNOWN if known == "sent" else None if known is None else State(known))
            # What is told from now on does not run into half a line.
            again.result(1, State.OK, ident="new", error=None)
        finally:
            again.close()
        for line in again.path.read_bytes().splitlines():
            json.loads(line)
