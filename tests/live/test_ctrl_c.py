"""Ctrl-C ends what follows within a second, whatever it is doing; so does a reader that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.conftest import Home
from tests.logserver import ROBOT, LogServer, log_server, record


@pytest.mark.parametrize("state", ["between two polls", "during a poll"])
def test_ctrl_c_ends_it_within_a_second(home: Home, state: str) -> None:
    with log_server() as server:
        _interrupt(home, server, state)


def _interrupt(home: Home, server: LogServer, state: str) -> None:
    release = threading.Event()

    def answer() -> bytes:
        if server.polls > 1 and state == "during a poll":
            release.wait(20)
        return json.dumps([record(1, time="2026-01-31 18:00:01", message="done")]).encode()

    server.answer = answer
    interval = "0.05" if state == "during a poll" else "60"
    argv = [
        sys.executable,
        "-m",
        "orchctl",
        "log",
        "tail",
        "-f",
        "-o",
        "raw",
        "-n",
        "1",
        "--interval",
        interval,
    ]
    process = subprocess.Popen(
        argv, env={**os.environ, **home.env, **server.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"  # shown as soon as it was read
    if state == "during a poll":
        while server.polls < 2:
            time.sleep(0.01)
    time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    release.set()
    assert time.monotonic() - began < 1.0
    assert (process.returncode, err) == (130, b"")


@pytest.mark.parametrize(
    "words", ["log tail -f -n 1 --interval", "robot list --watch --interval"], ids=["follow", "watch"]
)
@pytest.mark.parametrize("interval", ["60", "366d"])  # the longest: a poll of the system takes 24 days
def test_it_ends_when_its_reader_has_gone(home: Home, words: str, interval: str) -> None:
    with log_server() as server:
        robots = [{"GUID": ROBOT, "Name": "R1", "Status": 2}]
        server.handle = lambda method, path: (200, robots) if path == "/api/robot/read" else None
        server.answer = lambda: json.dumps([record(1, time="2026-01-31 18:00:01", message="done")]).encode()
        process = subprocess.Popen(
            [sys.executable, "-m", "orchctl", *words.split(), interval],
            env={**os.environ, **home.env, **server.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        time.sleep(0.2)  # it waits
        process.stdout.close()
        assert (process.wait(timeout=20), process.stderr.read()) == (141, b"")
        process.stderr.close()
