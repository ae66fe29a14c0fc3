"""Starts an agent: checks what was asked, holds the lock, hears the signals, hands the script its context."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from orchctl import credentials
from orchctl.agent.events import AgentEvent, Mode
from orchctl.agent.loop import Agent, Settings
from orchctl.agent.state import Memory
from orchctl.client import Client
from orchctl.config import Context
from orchctl.dialects.base import Feature
from orchctl.errors import LocalFault, Signalled, Unsupported, UsageFault
from orchctl.paths import locked, private_dir, state_dir

# Seed 001 recommends no more than one heartbeat in ten seconds.
SHORTEST_HEARTBEAT = 10.0


def run_agent(
    client: Client,
    context: Context,
    env: Mapping[str, str],
    *,
    config: Path,
    robot: str,
    scripts: Path,
    mode: Mode,
    heartbeat: float,
    grace: float,
    python: str | None,
    logoff: bool,
    show: Callable[[str], None],
) -> Iterator[AgentEvent]:
    """Work as a robot. Times are in seconds.

    :raises UsageFault: the heartbeat is shorter than the orchestrator wants it.
    :raises LocalFault: there is no such folder, or another agent of this robot runs on this machine.
    :raises Unsupported: a log-off was asked for, and this is not Windows.
    :raises Signalled: Ctrl-C or SIGTERM, after the script was asked to end; the second one at once.
    """
    client.require(Feature.CONSUME_JOB)
    if logoff and sys.platform != "win32":
        raise Unsupported(
            "logging off is for Windows, where a robot has a session of its own", hint="leave --logoff out"
        )
    if heartbeat < SHORTEST_HEARTBEAT and not context.loopback:
        raise UsageFault(
            f"a heartbeat every {heartbeat:g} s is too often",
            hint=f"{SHORTEST_HEARTBEAT:g} s or more, except on loopback",
        )
    if not scripts.is_dir():
        raise LocalFault(f"there is no folder {scripts}", hint="--scripts names the folder of the scripts")
    ident = client.robot_id(robot)
    mark = hashlib.sha256(f"{context.origin} {ident.lower()}".encode()).hexdigest()[:16]
    folder = private_dir(state_dir() / "agent" / mark)
    with locked(folder / "lock", what=f"the robot {robot}"):
        settings = Settings(
            robot=ident,
            name=robot,
            scripts=scripts,
            python=python or sys.executable,
            mode=mode,
            heartbeat=heartbeat,
            grace=grace,
            env=_environment(context, env, config),
        )
        agent = Agent(client, settings, Memory(folder), show=show)
        with _listening(agent) as heard:
            yield from agent.run()
        if logoff:
            subprocess.run(["shutdown", "/l"], check=False)  # noqa: S607  # Windows finds it in its own folder
        if heard:
            raise Signalled(heard[0])


def _environment(context: Context, env: Mapping[str, str], config: Path) -> dict[str, str]:
    """The agent's own, with the context ready for ``orchctl`` inside the script. The secret goes nowhere else."""
    passed = {**os.environ, **env}
    if context.name != "env":
        for name in ("ORCHCTL_URL", "ORCHCTL_DIALECT"):
            passed.pop(name, None)
        passed |= {"ORCHCTL_CONTEXT": context.name, "ORCHCTL_CONFIG": str(config)}
    if not context.embedded:
        passed["ORCHCTL_TOKEN"] = credentials.require(context, env).value
    programs = str(Path(sys.executable).parent)
    passed["PATH"] = os.pathsep.join(part for part in (passed.get("PATH"), programs) if part)
    # Lines are to arrive as they are written, in one encoding on every system.
    return {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **passed}


@contextmanager
def _listening(agent: Agent) -> Iterator[list[int]]:
    """The first signal asks the agent to end, the second one ends it where it stands."""
    heard: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if len(heard) > 1:
            raise Signalled(heard[0])
        agent.ending.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
