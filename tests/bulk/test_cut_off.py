"""A run that is interrupted ends at once, says how far it came, and can be taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orchctl.bulk import settling
from tests.bulk.conftest import on, states
from tests.bulk.orchestrator import Orchestrator, rows_file


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_SECONDS_ON_LOOPBACK", 0.0)


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator() as running:
        yield running


class Process:
    """``orchctl task create --from`` in a process of its own, that can be waited for until it has sent so much."""

    def __init__(self, home: Any, orchestrator: Orchestrator, folder: Path, rows: int) -> None:
        self._home = home
        self._orchestrator = orchestrator
        self._seen = threading.Semaphore(0)
        orchestrator.before_answer = lambda name: self._seen.release()
        self.names = [f"n{number}" for number in range(1, rows + 1)]
        self._file = rows_file(folder, self.names)

    def start(self, *words: str, stdout: int = subprocess.PIPE) -> None:
        env = {**os.environ, **self._home.env, **self._orchestrator.env, "COLUMNS": "200"}
        argv = [sys.executable, "-m", "orchctl", "task", "create", "-q", "Q", "--from", self._file]
        self.process = subprocess.Popen(
            [*argv, "-o", "jsonl", *words], env=env, stdout=stdout, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, creates: int) -> None:
        for _ in range(creates):
            assert self._seen.acquire(timeout=20), "the creates do not come"

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out or "", err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_rest_is_sent_later(
    orchctl: Any, home: Any, orchestrator: Orchestrator, tmp_path: Path, number: int
) -> None:
    running = Process(home, orchestrator, tmp_path, 400)
    running.start("--parallel", "4", "--rate", "100/s")
    running.wait_for(30)
    code, out, err = running.end(number)
    assert code == 128 + number
    lines = err.splitlines()
    assert lines[-2].startswith("cut off: 400 rows: ")
    run = lines[-1].removeprefix("hint: to go on: orchctl task create --resume ")
    said = states(out)
    done = [row for row, state in said.items() if state == "ok"]
    assert sum(orchestrator.effects.values()) == len(done) < 400
    assert f"{len(done):,} ok, 0 rejected, {400 - len(done)} not sent, 0 unknown" in lines[-2]
    again = on(orchctl, orchestrator.env)(
        "task", "create", "--resume", run, "-o", "jsonl", "--rate", "100000"
    )
    assert again.code == 0, again.err
    assert sorted([*done, *states(again.out)]) == list(range(1, 401))
    assert set(orchestrator.effects.values()) == {1}


def test_what_has_no_answer_yet_is_unknown(
    orchctl: Any, home: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    orchestrator.fates = {"n3": ["held"], "n5": ["held"]}
    running = Process(home, orchestrator, tmp_path, 20)
    running.start("--parallel", "2", "--rate", "10000")  # at a rate, a worker takes one row at a time
    running.wait_for(5)
    code, out, err = running.end(signal.SIGINT)
    assert code == 130
    said = states(out)
    assert (said[3], said[5]) == ("unknown", "unknown")
    assert "2 unknown in " in err
    run = err.splitlines()[-2 if "interrupted during" in err.splitlines()[-1] else -1].split("--resume ")[1]
    again = on(orchctl, orchestrator.env)("task", "create", "--resume", run, "-o", "jsonl")
    assert again.code == 0, again.err
    assert set(orchestrator.effects.values()) == {1}
    assert len(orchestrator.effects) == 20


def test_a_second_signal_does_not_wait(home: Any, orchestrator: Orchestrator, tmp_path: Path) -> None:
    orchestrator.fates = {"n1": ["held"]}
    running = Process(home, orchestrator, tmp_path, 3)
    running.start("--parallel", "1")
    running.wait_for(1)
    running.process.send_signal(signal.SIGINT)
    code, _, err = running.end(signal.SIGINT)
    assert code == 130
    assert "cut off: 3 rows: " in err


def test_a_reader_that_went_away_ends_it(
    orchctl: Any, home: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    running = Process(home, orchestrator, tmp_path, 600)
    running.start("--parallel", "2", "--rate", "100/s")
    assert running.process.stdout is not None
    assert running.process.stdout.readline().startswith('{"row": ')
    running.process.stdout.close()
    assert running.process.stderr is not None
    err = running.process.stderr.read()
    running.process.stderr.close()
    assert running.process.wait(20) == 141
    run = err.splitlines()[-1].removeprefix("hint: to go on: orchctl task create --resume ")
    again = on(orchctl, orchestrator.env)("task", "create", "--resume", run, "--rate", "100000")
    assert again.code == 0, again.err
    assert set(orchestrator.effects.values()) == {1}
    assert len(orchestrator.effects) == 600


def test_a_reader_that_does_not_read_holds_the_rows_up_but_not_the_end(
    home: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    read, write = os.pipe()
    running = Process(home, orchestrator, tmp_path, 3000)
    running.start("--parallel", "2", stdout=write)
    os.close(write)
    try:
        running.wait_for(1500)  # more than a pipe takes
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 130
    finally:
        os.close(read)
    assert running.process.stderr is not None
    assert "cut off: 3,000 rows: " in running.process.stderr.read()
    running.process.stderr.close()


def test_nor_does_one_that_stops_reading_when_all_is_told(
    home: Any, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    """Everything waits for the first row; the signal frees it all, and nobody takes it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    orchestrator.fates = {"n1": ["held"]}
    running = Process(home, orchestrator, tmp_path, 300)
    running.start("--parallel", "2", "--ordered", stdout=write)
    os.close(write)
    try:
        running.wait_for(250)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 130
    finally:
        running.process.kill()
        os.close(read)
    assert running.process.stderr is not None
    assert "cut off: 300 rows: " in running.process.stderr.read()
    running.process.stderr.close()


def test_a_full_disk_under_the_journal_ends_it_without_a_lie(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchctl.bulk.journal import Journal

    real = os.write
    room = [600]

    def write(descriptor: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        size = real(descriptor, data[: room[0]])
        room[0] -= size
        return size

    cli = on(orchctl, orchestrator.env)
    path = rows_file(tmp_path, [f"n{number}" for number in range(1, 50)])
    with monkeypatch.context() as patch:
        patch.setattr("orchctl.bulk.journal.os.write", write)
        result = cli("task", "create", "-q", "Q", "--from", path, "-o", "jsonl", "--parallel", "1")
    assert Journal is not None
    assert result.code == 12
    assert "cannot write the journal" in result.err
    done = [row for row, state in states(result.out).items() if state == "ok"]
    assert sum(orchestrator.effects.values()) >= len(done)
    (journal,) = (home.path / "state" / "orchctl" / "bulk").glob("*.jsonl")
    again = cli("task", "create", "--resume", journal.stem, "-o", "jsonl")
    assert again.code == 0, again.err
    assert set(orchestrator.effects.values()) == {1}
    assert len(orchestrator.effects) == 49
