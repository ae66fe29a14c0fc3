"""One script as a child process: started at most once, asked to end, killed with all its descendants."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

import psutil

# The mark by which a descendant is known although it left the tree: no process sheds its environment.
RUN_VARIABLE = "ORCHCTL_RUN"

# Whoever makes the marker owns the run: the child before the script's first line, or an agent that comes after
# a dead one and wants to know that the script never began. So a script begins at most once, whoever dies when.
_BOOTSTRAP = """\
import os, sys
try:
    os.close(os.open(sys.argv[1], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
except FileExistsError:
    sys.exit(125)
argv = [sys.executable, *sys.argv[2:]]
if os.name == "posix":
    os.execv(argv[0], argv)
import subprocess
sys.exit(subprocess.call(argv))
"""
_KILL_ROUNDS = 50
_LONGEST_LINE = 32 * 1024
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and how. ``marker`` is the file that the child makes as it begins."""

    script: Path
    python: str
    marker: Path
    parameters: Path
    run_id: str
    env: Mapping[str, str]


class Runner:
    """A started script. Each of its lines goes to ``take`` with True for stderr; that must not block."""

    def __init__(self, order: Order, take: Callable[[str, bool], None]) -> None:
        self._order = order
        self._take = take
        self._before = {child.pid for child in psutil.Process().children(recursive=True)}
        with order.parameters.open("rb") as stdin:
            self.process = subprocess.Popen(  # noqa: S603  # the script lies in the folder the user named
                [order.python, "-c", _BOOTSTRAP, str(order.marker), str(order.script)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=order.script.parent,
                env={**order.env, RUN_VARIABLE: order.run_id},
                # A group of its own: the terminal's Ctrl-C is for the agent, which passes on what it decides.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            Thread(target=self._read, args=(stream, is_error), daemon=True)
            for stream, is_error in ((self.process.stdout, False), (self.process.stderr, True))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def poll(self) -> int | None:
        """The exit code, once the script has ended."""
        return self.process.poll()

    def wait(self, seconds: float) -> None:
        """Until the script has ended, at most so long."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def ask_to_end(self) -> None:
        """SIGTERM to the script's group, CTRL_BREAK on Windows. The stop file is the caller's."""
        try:
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGTERM)
            else:
                self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        except (OSError, ValueError):
            return

    def kill(self) -> None:
        """End the script and whatever it started, whether it obeys signals or not."""
        for _ in range(_KILL_ROUNDS):
            kill_all(self._order.run_id, self.process.pid)
            # What shed its environment and its parents has become a child of this process (adopt_orphans).
            adopted = [
                child
                for child in psutil.Process().children(recursive=True)
                if child.pid not in self._before and _runs(child)
            ]
            if not adopted:
                break
            for child in adopted:
                _kill(child)
            psutil.wait_procs(adopted, timeout=0.2)
        self.process.wait()

    def drain(self, seconds: float) -> None:
        """Wait until the last line is read; what still holds the pipes after that is left alone."""
        ends = time.monotonic() + seconds
        for reader in self._readers:
            reader.join(max(0.0, ends - time.monotonic()))

    def _read(self, stream: IO[bytes], is_error: bool) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._take(line.decode("utf-8", "replace").rstrip("\r\n"), is_error)


def kill_all(run_id: str, pid: int | None) -> None:
    """Kill a run's processes until none is left: those below ``pid``, and those that bear its mark."""
    for _ in range(_KILL_ROUNDS):
        alive = _alive(run_id, pid)
        if not alive:
            return
        for process in alive:
            _kill(process)
        psutil.wait_procs(alive, timeout=0.2)


def adopt_orphans() -> None:
    """On Linux, what a script leaves without a parent becomes this process's child, so that it is found."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: int | None) -> None:
    """Collect adopted children that have ended; ``own`` is the one that its Popen collects."""
    if sys.platform != "linux":
        return
    for child in psutil.Process().children():
        try:
            if child.pid != own and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
        except (psutil.Error, ChildProcessError):
            continue


def _alive(run_id: str, pid: int | None) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    if pid is not None:
        try:
            root = psutil.Process(pid)
            if root.environ().get(RUN_VARIABLE) == run_id:  # else the number is another process's by now
                found = {process.pid: process for process in (root, *root.children(recursive=True))}
        except psutil.Error:
            pass
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_VARIABLE) == run_id:
                found[process.pid] = process
        except (psutil.Error, OSError):
            continue
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _runs(process)]


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return  # gone already, or not ours to kill


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
