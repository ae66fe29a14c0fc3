"""Fixtures: a whole command line as a user types it, on a home folder of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from orchctl.cli.app import main
from orchctl.sanitize import forget_secrets
from orchctl.streams import Streams
from tests.contract_of_json import validate

# CI says yes or no to a change, not to the dice; on a developer's machine new examples are sought each time.
# A slow machine is no fault of the program's on either.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A shell starts what runs in the background with Ctrl-C ignored, and the programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# As at a user's: what a program has not written yet is still to be written when it ends.
os.environ.pop("PYTHONUNBUFFERED", None)

# Pipes, /dev/full and most signals are POSIX.
collect_ignore = ["test_posix.py"] if sys.platform == "win32" else []


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Home:
    """Where a test's files are, and the environment that says so."""

    path: Path
    env: Mapping[str, str]

    @property
    def config(self) -> Path:
        return self.path / "config" / "orchctl" / "config.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    names = ("CONFIG", "STATE", "DATA", "CACHE")
    env = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in names}
    env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return Home(tmp_path, env)


Orchctl = Callable[..., Result]


@pytest.fixture
def orchctl(home: Home) -> Iterator[Orchctl]:
    """``orchctl(*argv)`` runs ``main`` with streams of its own, a pipe unless ``terminal`` is asked for."""

    def run(
        *argv: str,
        input: str = "",
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
        width: int = 80,
    ) -> Result:
        kind = Terminal if terminal else io.StringIO
        out, err = kind(), kind()
        variables = {**home.env, "NO_COLOR": "1", "COLUMNS": str(width), "TZ": "UTC", **(env or {})}
        streams = Streams(stdin=kind(input), stdout=out, stderr=err, env=variables)
        code = main(argv, env=variables, streams=streams)
        result = Result(code, out.getvalue(), err.getvalue())
        validate(argv, result)
        return result

    yield run
    forget_secrets()


@pytest.fixture(params=["in process", "over http"])
def sandbox(request: pytest.FixtureRequest, home: Home) -> Iterator[Mapping[str, str]]:
    """An empty embedded orchestrator, as the environment that points at it: in process, and over real HTTP."""
    database = home.path / "sandbox.db"
    if request.param == "in process":
        yield {"ORCHCTL_URL": f"sandbox:{database}", "ORCHCTL_DIALECT": "sherpa"}
        return
    from tests.server import serving

    with serving(database) as (url, key):
        yield {"ORCHCTL_URL": url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": key}
