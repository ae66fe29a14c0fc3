"""The agent against the served sandbox, as a process of its own: what it runs, obeys, reports and survives."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Home
from tests.server import Served

LONG = os.environ.get("ORCHCTL_LONG") == "1"


@dataclass
class Floor:
    """A sandbox over HTTP with a queue, a robot and a folder of scripts."""

    orchctl: Callable[..., Any]
    env: Mapping[str, str]
    home: Home
    scripts: Path
    server: Served

    def __call__(self, *argv: str, code: int = 0) -> Any:
        result = self.orchctl(*argv, "-o", "json", env=self.env)
        assert result.code == code, result.err
        return result.json if result.out else None

    def script(self, name: str, text: str) -> str:
        """Put a script in the folder, and a process whose version names it; gives the process."""
        (self.scripts / f"{name}.py").write_text(text, encoding="utf-8")
        self("process", "create", "--name", name)
        package = self.home.path / "package.robot"
        package.write_bytes(b"robot")
        self("process", "version", "create", name, str(package), "--name", f"{name}.py")
        return name

    def job(self, process: str, *options: str) -> str:
        return str(self("job", "create", "--process", process, "--robot", "R1", *options)["id"])

    def status(self, job: str) -> str:
        return str(self("job", "get", job)["status"])

    def log(self, job: str) -> list[tuple[str, str]]:
        entries = self("log", "list", "--job", job)
        return [(entry["level"], entry["message"]) for entry in entries]

    def argv(self, *options: str, robot: str = "R1") -> list[str]:
        words = ["robot", "run", "--robot", robot, "--scripts", str(self.scripts), "--heartbeat", "0.2s"]
        return [sys.executable, "-m", "orchctl", *words, *options]

    def start(self, *options: str, robot: str = "R1") -> subprocess.Popen[str]:
        env = {**os.environ, **self.home.env, **self.env}
        return subprocess.Popen(
            self.argv(*options, robot=robot),
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def floor(orchctl: Callable[..., Any], home: Home) -> Iterator[Floor]:
    scripts = home.path / "scripts"
    scripts.mkdir()
    server = Served(home.path / "sandbox.db")
    try:
        env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": server.key}
        floor = Floor(orchctl, env, home, scripts, server)
        floor("robot", "create", "--name", "R1")
        floor("queue", "create", "--name", "Q")
        yield floor
    finally:
        server.stop()


def finish(process: subprocess.Popen[str], code: int = 0) -> list[list[str]]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return [line.split("\t") for line in out.splitlines()]


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_it_drains_and_ends(floor: Floor) -> None:
    process = floor.script("good", "print('hello'); import sys; print('hm', file=sys.stderr)")
    bad = floor.script("bad", "print('ERROR: broken'); raise SystemExit(3)")
    one, two = floor.job(process), floor.job(bad)
    events = finish(floor.start())
    assert (floor.status(one), floor.status(two)) == ("success", "failed")
    assert [event[1] for event in events] == ["ready", "started", "success", "started", "failed"]
    assert sorted(floor.log(one)) == [("info", "hello"), ("warning", "hm")]
    assert floor.log(two) == [("error", "ERROR: broken"), ("error", "exit code 3")]
    robot = floor("robot", "get", "R1")
    assert (robot["status"], bool(robot["machine"]), bool(robot["mac"])) == ("ready", True, True)


def test_once_runs_one_job(floor: Floor) -> None:
    process = floor.script("good", "")
    jobs = [floor.job(process), floor.job(process)]
    finish(floor.start("--once"))
    assert sorted(floor.status(job) for job in jobs) == ["pending", "success"]


def test_the_script_gets_its_work_and_a_ready_context(floor: Floor) -> None:
    seen = floor.home.path / "seen.json"
    process = floor.script(
        "work",
        f"""
import json, os, stat, subprocess, sys
given = json.load(sys.stdin)
path = os.environ["ORCHCTL_PARAMETERS"]
assert json.load(open(path)) == given
done = subprocess.run(["orchctl", "task", "finish", os.environ["ORCHCTL_TASK"], "--status", "success"])
said = subprocess.run(["orchctl", "log", "create", "--level", "error", "--message", "m", "--job", os.environ["ORCHCTL_JOB"]])
names = ("ORCHCTL_JOB", "ORCHCTL_TASK", "ORCHCTL_QUEUE", "ORCHCTL_STOP_FILE")
json.dump({{
    "given": given, "mode": stat.S_IMODE(os.stat(path).st_mode), "codes": [done.returncode, said.returncode],
    "argv": sys.argv, **{{name: os.environ[name] for name in names}},
}}, open({str(seen)!r}, "w"))
""",
    )
    task = floor("task", "create", "-q", "Q", "--name", "T", "-P", 'a={"b":1}')["id"]
    job = floor.job(process, "--task", task)
    finish(floor.start())
    assert floor.status(job) == "success", floor.log(job)
    found = json.loads(seen.read_text(encoding="utf-8"))
    assert found["given"] == {"a": {"b": 1}}
    assert (found["mode"], found["codes"]) == (0o600, [0, 0])
    assert (found["ORCHCTL_JOB"], found["ORCHCTL_TASK"]) == (job, task)
    assert found["ORCHCTL_QUEUE"]
    assert floor.env["ORCHCTL_TOKEN"] not in " ".join(found["argv"])
    assert floor("task", "get", task)["status"] == "success"


def test_a_token_that_a_script_prints_is_in_no_log(floor: Floor) -> None:
    process = floor.script("tells", "import os; print('env', os.environ['ORCHCTL_TOKEN'])")
    job = floor.job(process)
    finish(floor.start())
    assert floor.log(job) == [("info", "env ***")]
    kept = [path.read_bytes() for path in (floor.home.path / "state").rglob("*") if path.is_file()]
    assert any(b"env ***" in data for data in kept)
    assert not any(floor.env["ORCHCTL_TOKEN"].encode() in data for data in kept)


# An agent on a disk that is full until its script says that it is not: a limit of a file's size stands for it.
ON_A_FULL_DISK = """
import os, resource, runpy, sys, threading, time
def clean_up():
    while not os.path.exists(flag): time.sleep(0.05)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
flag, unlimited = sys.argv.pop(), resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, unlimited[1]))
threading.Thread(target=clean_up, daemon=True).start()
runpy.run_module("orchctl", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size to stand for a full disk")
def test_a_disk_that_was_full_for_a_while_holds_nothing_up(floor: Floor) -> None:
    flag = floor.home.path / "space"
    process = floor.script(
        "prints",
        f"""
import sys, time
for i in range(40): print("line", i, flush=True)
time.sleep(1)
open({str(flag)!r}, "w").close()
time.sleep(0.5)
print("after")
""",
    )
    job = floor.job(process)
    words = [sys.executable, "-c", ON_A_FULL_DISK, *floor.argv("--once")[3:], str(flag)]
    env = {**os.environ, **floor.home.env, **floor.env}
    began = time.monotonic()
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert time.monotonic() - began < 30
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == [
        "ready",
        "started",
        "log",
        "success",
    ]
    log = [message for _, message in floor.log(job)]
    kept = log.index("after") - 1
    assert 0 < kept < 40
    assert log[:kept] == [f"line {number}" for number in range(kept)]
    assert log[kept:] == [
        f"{40 - kept} lines are missing here: they could not be kept on disk",
        "after",
    ]


def test_abort_ends_a_script_that_ignores_signals_with_its_children(floor: Floor) -> None:
    pids = floor.home.path / "pids"
    process = floor.script(
        "deaf",
        f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}\\n")
time.sleep(60)
""",
    )
    job = floor.job(process)
    agent = floor.start()
    until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    floor("job", "abort", job, "--yes")
    finish(agent)
    assert floor.status(job) == "aborted"
    assert not [pid for pid in map(int, pids.read_text().split()) if psutil.pid_exists(pid)]


def test_stop_lets_a_script_save_its_work(floor: Floor) -> None:
    saved, begun = floor.home.path / "saved", floor.home.path / "begun"
    process = floor.script(
        "polite",
        f"""
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
open({str(begun)!r}, "w").close()
while not os.path.exists(os.environ["ORCHCTL_STOP_FILE"]):
    time.sleep(0.05)
open({str(saved)!r}, "w").close()
""",
    )
    job = floor.job(process)
    agent = floor.start()
    until(begun.exists)
    floor("job", "stop", job)
    finish(agent)
    assert saved.exists()
    assert floor.status(job) == "stopped"


def test_a_script_that_does_not_stop_is_killed_after_its_grace(floor: Floor) -> None:
    begun = floor.home.path / "begun"
    text = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(begun)!r}, 'w'); time.sleep(60)"
    job = floor.job(floor.script("deaf", text))
    agent = floor.start("--grace", "0.5s")
    until(begun.exists)
    floor("job", "stop", job)
    events = finish(agent)
    assert floor.status(job) == "stopped"
    assert "kill" in [event[1] for event in events]


@pytest.mark.parametrize("name", ["../evil.py", "/etc/passwd", "none.py"])
def test_a_script_name_that_leads_elsewhere_fails_the_job(floor: Floor, name: str) -> None:
    floor("process", "create", "--name", "P")
    package = floor.home.path / "package.robot"
    package.write_bytes(b"robot")
    floor("process", "version", "create", "P", str(package), "--name", name)
    job = floor.job("P")
    finish(floor.start())
    assert floor.status(job) == "failed"
    [(level, message)] = floor.log(job)
    assert level == "error"
    assert name in message


def test_two_agents_of_one_robot_are_refused_by_a_lock(floor: Floor) -> None:
    first = floor.start("--loop")
    assert first.stdout is not None
    assert "ready" in first.stdout.readline()
    second = floor.start()
    _, err = second.communicate(timeout=20)
    assert second.returncode == 12
    assert err.startswith("orchctl: the robot R1 is in use by another orchctl\n")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=20)
    assert first.returncode == 143


def test_an_unknown_robot_is_4_and_bad_options_are_told(floor: Floor) -> None:
    gone = floor.start(robot="7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a")
    _, err = gone.communicate(timeout=20)
    assert gone.returncode == 4, err
    run = ["robot", "run", "--robot", "R1", "--scripts", str(floor.scripts)]
    assert floor.orchctl(*run, "--loop", "--once", env=floor.env).code == 2
    assert floor.orchctl(*run, "--logoff", env=floor.env).code == (0 if sys.platform == "win32" else 14)
    assert floor.orchctl(*run[:-1], "/nowhere", env=floor.env).code == 12
    elsewhere = {
        "ORCHCTL_URL": "https://orchestrator.example.com",
        "ORCHCTL_DIALECT": "sherpa",
        "ORCHCTL_TOKEN": "x",
    }
    assert floor.orchctl(*run, "--heartbeat", "5s", env=elsewhere).code == 2


def test_ctrl_c_asks_the_script_to_end_and_a_second_one_ends_it(floor: Floor) -> None:
    begun = floor.home.path / "begun"
    text = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(begun)!r}, 'w'); time.sleep(60)"
    job = floor.job(floor.script("deaf", text))
    agent = floor.start()
    until(begun.exists)
    agent.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert agent.poll() is None
    agent.send_signal(signal.SIGINT)
    agent.communicate(timeout=10)
    assert agent.returncode == 130
    assert floor.status(job) == "in-progress"
    finish(floor.start())
    assert floor.status(job) == "aborted"


def test_an_agent_killed_while_its_script_runs_is_reported_by_the_next(floor: Floor) -> None:
    begun = floor.home.path / "begun"
    job = floor.job(
        floor.script("long", f"import time, os; open({str(begun)!r}, 'a').write('x'); time.sleep(60)")
    )
    agent = floor.start()
    until(begun.exists)
    agent.kill()
    agent.communicate()
    finish(floor.start())
    assert floor.status(job) == "failed"
    assert ("error", "the agent died while the script ran") in floor.log(job)
    assert begun.read_text() == "x"


def test_agents_drain_the_jobs_with_each_run_once_under_kills(floor: Floor) -> None:
    """Random kill -9 of agents and of the server; with ORCHCTL_LONG=1 twenty agents and a thousand tasks."""
    robots, jobs = (20, 1000) if LONG else (3, 24)
    runs = floor.home.path / "runs"
    runs.mkdir()
    process = floor.script(
        "count", f"import os; open(os.path.join({str(runs)!r}, os.environ['ORCHCTL_JOB']), 'a').write('x')"
    )
    names = [f"A{number}" for number in range(robots)]
    for name in names:
        floor("robot", "create", "--name", name)
    made = []
    for number in range(jobs):
        task = floor("task", "create", "-q", "Q", "--name", f"T{number}")["id"]
        words = ["job", "create", "--process", process, "--robot", names[number % robots], "--task", task]
        made.append(str(floor(*words)["id"]))
    chance = random.Random(4)
    agents = {name: floor.start(robot=name) for name in names}
    deaths = server_deaths = 0
    while agents:
        if server_deaths < 2 + robots // 5 and chance.random() < 0.1:
            floor.server.kill_and_start_again()
            server_deaths += 1
        for name, agent in list(agents.items()):
            if agent.poll() is not None:
                out, err = agent.communicate()
                assert agent.returncode in (0, -9), out + err
                if agent.returncode == 0:
                    del agents[name]
                else:
                    agents[name] = floor.start(robot=name)
            elif deaths < 2 * robots and chance.random() < 0.2:
                agent.kill()
                deaths += 1
        time.sleep(0.15)
    assert deaths
    assert server_deaths
    statuses = [floor.status(job) for job in made]
    assert set(statuses) <= {"success", "failed"}
    counts = {path.name: len(path.read_text()) for path in runs.iterdir()}
    assert set(counts.values()) <= {1}
    assert all(
        counts.get(job) == 1 for job, status in zip(made, statuses, strict=True) if status == "success"
    )
