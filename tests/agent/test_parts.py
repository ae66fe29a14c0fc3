"""The parts of the agent by themselves: which script, how it ends, what becomes of its lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchctl.agent.runner import Order, Runner, adopt_orphans, kill_all
from orchctl.agent.script import Refused, find_script
from orchctl.agent.spool import Line, Spool, level_of
from orchctl.agent.state import Held, Memory, Phase
from orchctl.agent.units import unit
from orchctl.errors import NetworkFault, OutcomeUnknown, UsageFault
from orchctl.errors import Refused as ServerRefused
from orchctl.model import LogLevel


def test_a_script_is_found_with_and_without_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").touch()
    assert find_script(tmp_path, "a.py") == tmp_path / "a.py"
    assert find_script(tmp_path, "a") == tmp_path / "a.py"
    assert find_script(tmp_path, "sub/b") == find_script(tmp_path, "sub\\b.py") == tmp_path / "sub" / "b.py"


@pytest.mark.parametrize(
    "name",
    [
        None, "", " ", "none", "../a.py", "sub/../../a.py", "/etc/passwd", "\\\\host\\share\\a.py", "C:\\a.py", "a.py:x",
        "con", "NUL.py", "sub/com1.txt", "aux .py", "a\x00.py", "a\n.py", ".", "..", "sub//a.py", "sub",
    ],
)  # fmt: skip
def test_a_name_that_leaves_the_folder_or_is_none_is_refused(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "scripts" / "sub").mkdir(parents=True)
    (tmp_path / "a.py").touch()
    with pytest.raises(Refused):
        find_script(tmp_path / "scripts", name)


def test_links_are_not_followed(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.py").touch()
    (scripts / "a.py").symlink_to(tmp_path / "outside" / "a.py")
    (scripts / "sub").symlink_to(tmp_path / "outside")
    for name in ("a.py", "a", "sub/a.py"):
        with pytest.raises(Refused, match="symbolic link"):
            find_script(scripts, name)


@pytest.mark.parametrize(
    ("text", "is_error", "level"),
    [
        ("well", False, LogLevel.INFO),
        ("hm", True, LogLevel.WARNING),
        ("ERROR: bad", False, LogLevel.ERROR),
        ("info: fine", True, LogLevel.INFO),
        ("[Warn]: so so", False, LogLevel.WARNING),
        ("FATAL: over", True, LogLevel.CRITICAL),
        ("Errors: none", False, LogLevel.INFO),
    ],
)
def test_the_level_of_a_line(text: str, is_error: bool, level: LogLevel) -> None:
    assert level_of(text, is_error=is_error) is level


class Log:
    """An orchestrator's log that fails as it is told to."""

    def __init__(self, *faults: str) -> None:
        self.faults = list(faults)
        self.lines: list[str] = []
        self.said: list[str] = []

    def send(self, line: Line) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "down":
            raise NetworkFault("down")
        if fault == "refused":
            raise ServerRefused("no")
        if fault != "lost before":
            self.lines.append(line.message)
        if fault:
            raise OutcomeUnknown("who knows")

    def trailing(self, line: Line) -> int:
        count = 0
        for message in reversed(self.lines):
            if message != line.message:
                break
            count += 1
        return count

    def spool(self, folder: Path, limit: int = 10_000) -> Spool:
        return Spool(folder, send=self.send, trailing=self.trailing, say=self.said.append, limit=limit)


def line(message: str) -> Line:
    return Line(job_id="j", process_version=None, level=LogLevel.INFO, message=message)


@pytest.mark.parametrize("fault", ["down", "lost before", "lost after"])
def test_each_line_arrives_once_and_in_order_whatever_gets_lost(tmp_path: Path, fault: str) -> None:
    log = Log("", fault, "", fault)
    spool = log.spool(tmp_path)
    wanted = ["one", "two", "two", "three", "two"]
    for message in wanted:
        spool.add(line(message))
    assert spool.drain(20)
    spool.close()
    assert log.lines == wanted


def test_lines_of_a_dead_agent_are_sent_by_the_next(tmp_path: Path) -> None:
    dead = Log(*["down"] * 100).spool(tmp_path)
    for number in range(5):
        dead.add(line(str(number)))
    dead.close()
    log = Log("refused")
    spool = log.spool(tmp_path)
    assert spool.drain(10)
    spool.close()
    assert log.lines == ["1", "2", "3", "4"]
    assert log.said == ["the orchestrator refused a log line: no"]


def test_a_full_spool_counts_what_it_drops_and_says_so(tmp_path: Path) -> None:
    log = Log("down")
    spool = log.spool(tmp_path, limit=200)
    for number in range(50):
        spool.add(line(f"line {number}"))
    assert spool.drain(20)
    spool.add(line("after"))
    assert spool.drain(20)
    spool.close()
    assert log.lines[0] == "line 0"
    assert log.lines[-1] == "after"
    kept = len(log.lines) - 2
    assert log.lines[-2] == f"{50 - kept} lines are missing here: too many were waiting for the network"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size to stand for a full disk")
def test_a_full_disk_loses_whole_lines_and_counts_them(tmp_path: Path) -> None:
    import resource

    log = Log("down")
    spool = log.spool(tmp_path)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, unlimited[1]))
    try:
        for number in range(20):
            spool.add(line(f"line {number}"))
        assert spool.waiting == (tmp_path / "lines.jsonl").stat().st_size < 200
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    for message in ("after", "that"):
        spool.add(line(message))
    assert spool.drain(20)
    assert spool.waiting == 0
    spool.close()
    kept = len(log.lines) - 3
    assert log.lines[:kept] == [f"line {number}" for number in range(kept)]
    missing = f"{20 - kept} lines are missing here: they could not be kept on disk"
    assert log.lines[kept:] == [missing, "after", "that"]
    assert [text for text in log.said if "disk" in text and "wait" not in text] == [
        "a line could not be kept on disk: File too large; from here on they are counted"
    ]


def test_what_a_crash_tore_is_cut_off_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    dead = Log(*["down"] * 100).spool(tmp_path)
    dead.add(line("whole"))
    dead.close()
    with (tmp_path / "lines.jsonl").open("ab") as file:
        file.write(b'["j", null, "info", "to')
    log = Log()
    spool = log.spool(tmp_path)
    assert spool.drain(5)
    spool.add(line("next"))
    assert spool.drain(5)
    spool.close()
    assert log.lines == ["whole", "next"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_lines_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    log = Log()
    spool = log.spool(tmp_path)
    spool.add(line("one"))
    assert spool.drain(5)
    spool.close()
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "lines.jsonl": 0o600,
        "lines.sent": 0o600,
    }


@pytest.fixture
def order(tmp_path: Path) -> Order:
    parameters = tmp_path / "parameters.json"
    parameters.write_text('{"a": 1}', encoding="utf-8")
    return Order(
        script=tmp_path / "script.py",
        python=sys.executable,
        marker=tmp_path / "marker",
        parameters=parameters,
        run_id=f"test-{os.getpid()}-{time.monotonic_ns()}",
        env=dict(os.environ),
    )


def finished(order: Order, text: str) -> tuple[int, list[tuple[str, bool]]]:
    order.script.write_text(text, encoding="utf-8")
    lines: list[tuple[str, bool]] = []
    runner = Runner(order, lambda text, is_error: lines.append((text, is_error)))
    runner.wait(20)
    runner.drain(5)
    code = runner.poll()
    assert code is not None
    return code, lines


def test_a_script_gets_its_parameters_and_its_lines_come_out(order: Order) -> None:
    code, lines = finished(
        order, "import sys, json; print(json.load(sys.stdin)['a']); print('х', file=sys.stderr); sys.exit(3)"
    )
    assert code == 3
    assert sorted(lines) == [("1", False), ("х", True)]


def test_a_marker_that_somebody_else_made_keeps_the_script_from_beginning(order: Order) -> None:
    order.marker.touch()
    assert finished(order, "print('began')") == (125, [])


GRANDCHILDREN = """\
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
env = {} if sys.argv[1:] else None
one = subprocess.Popen([sys.executable, "-c", sleep])
two = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    three = subprocess.Popen([sys.executable, "-c", sleep], env={"PATH": os.environ["PATH"]})
    print("pids", one.pid, two.pid, three.pid, flush=True)
    os._exit(0)
time.sleep(60)
"""


@pytest.fixture
def stubborn(order: Order) -> Iterator[tuple[Runner, list[int]]]:
    """A script that ignores SIGTERM, with children that left its group, its parents and its environment."""
    adopt_orphans()
    order.script.write_text(GRANDCHILDREN, encoding="utf-8")
    lines: list[str] = []
    runner = Runner(order, lambda text, _: lines.append(text))
    ends = time.monotonic() + 20
    while not lines and time.monotonic() < ends:
        time.sleep(0.02)
    yield runner, [int(word) for word in lines[0].split()[1:]]
    runner.kill()
    runner.drain(5)


def alive(pids: list[int]) -> list[int]:
    return [
        pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def test_a_kill_reaches_every_descendant(stubborn: tuple[Runner, list[int]]) -> None:
    runner, pids = stubborn
    assert len(alive(pids)) == 3
    runner.ask_to_end()
    runner.wait(0.3)
    assert runner.poll() is None
    runner.kill()
    assert runner.poll() is not None
    assert alive(pids) == []


def test_another_agent_kills_what_bears_the_mark(stubborn: tuple[Runner, list[int]], order: Order) -> None:
    runner, pids = stubborn
    kill_all(order.run_id, None)
    assert alive([runner.pid, *pids[:2]]) == []


def test_memory_survives_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.load() is None
    held = memory.save(Held(job_id="j", phase=Phase.STARTED, run_id="r", pid=5))
    assert memory.load() == held
    assert memory.never_began(held)
    assert not memory.never_began(held)
    memory.clear()
    assert memory.load() is None
    assert list(tmp_path.iterdir()) == []
    for damaged in ("{", "[]", '{"phase": "odd"}', "null"):
        (tmp_path / "job.json").write_text(damaged, encoding="utf-8")
        assert memory.load() is None


def test_units_hold_the_command_and_no_secret() -> None:
    arguments = [
        "-c",
        "prod",
        "robot",
        "run",
        "--robot",
        "R 1 & 100%",
        "--scripts",
        "/opt/my scripts",
        "--loop",
    ]
    systemd = unit("systemd", robot="R 1 & 100%", grace=30, arguments=arguments)
    assert f"ExecStart={sys.executable} -m orchctl -c prod robot run --robot 'R 1 & 100%%'" in systemd
    assert "TimeoutStopSec=90" in systemd
    task = unit("windows-task", robot="R 1 & 100%", grace=30, arguments=arguments)
    assert "--robot &quot;R 1 &amp; 100%&quot;" in task or '--robot "R 1 &amp; 100%"' in task
    with pytest.raises(UsageFault, match="is no kind of unit"):
        unit("launchd", robot="R", grace=1, arguments=[])
    with pytest.raises(UsageFault, match="control character"):
        unit("systemd", robot="R\nExecStartPre=evil", grace=1, arguments=[])
