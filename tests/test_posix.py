"""Standard streams and signals as a POSIX shell deals them out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest

from tests.conftest import Home
from tests.faults import FaultServer, silent


def shell(line: str, home: Home, *, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **home.env, **(env or {}), "PYTHON": sys.executable}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env=variables, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('"$PYTHON" -m orchctl --help > /dev/full', 12),
        ('"$PYTHON" -m orchctl --help >&-', 12),
        ('"$PYTHON" -m orchctl --version > /dev/full', 12),
        ('"$PYTHON" -m orchctl --version >&-', 12),
        ('"$PYTHON" -m orchctl task --help > /dev/full', 12),
        ('"$PYTHON" -m orchctl sandbox path > /dev/full', 12),
        ('"$PYTHON" -m orchctl sandbox path >&-', 12),
        ('set -o pipefail; { sleep 0.3; "$PYTHON" -m orchctl --help; } | true', 141),
        ('set -o pipefail; { sleep 0.3; "$PYTHON" -m orchctl --version; } | true', 141),
        ('set -o pipefail; "$PYTHON" -m orchctl sandbox demo | head -1 >/dev/null', 141),
    ],
)
def test_a_stdout_that_takes_nothing_is_no_success(home: Home, line: str, code: int) -> None:
    result = shell(line, home)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    if code == 141:
        assert result.stderr == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_during_a_write_says_that_its_outcome_is_unknown(home: Home, number: int, code: int) -> None:
    with FaultServer(steps=[silent(effect=True)]) as server:
        _interrupt(home, server, number, code)


def _interrupt(home: Home, server: FaultServer, number: int, code: int) -> None:
    ci = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "x"}
    argv = [sys.executable, "-m", "orchctl", "task", "create", "-q", "Q", "--name", "T"]
    process = subprocess.Popen(
        argv, env={**os.environ, **home.env, **ci}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not server.requests and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (code, "")
    assert err == "interrupted during POST /api/task/create: whether it happened is unknown\n"
