"""Being a robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchctl.errors import UsageFault
from orchctl.invocation.setup import Setup

if TYPE_CHECKING:
    from orchctl.agent.events import AgentEvent


class Agents(Setup):
    def agent(
        self,
        *,
        robot: str,
        scripts: Path,
        loop: bool,
        once: bool,
        heartbeat: float,
        grace: float,
        python: str | None,
        logoff: bool,
    ) -> Iterator[AgentEvent]:
        """Be a robot. Times are in seconds."""
        from orchctl.agent.events import Mode
        from orchctl.agent.start import run_agent

        if loop and once:
            raise UsageFault("--loop waits for more work, --once takes no more", hint="give one of them")
        return run_agent(
            self.client,
            self.context,
            self.env,
            config=self.config.path,
            robot=robot,
            scripts=scripts,
            mode=Mode.LOOP if loop else Mode.ONCE if once else Mode.DRAIN,
            heartbeat=heartbeat,
            grace=grace,
            python=python,
            logoff=logoff,
            show=self.streams.status,
        )

    def agent_unit(self, kind: str, *, robot: str, scripts: Path, heartbeat: float, grace: float) -> str:
        """The text of what starts such an agent with the machine."""
        from orchctl.agent.units import unit

        arguments = ["-c", self.context.name, "--config", str(self.config.path), "robot", "run"]
        if self.context.name == "env":
            raise UsageFault(
                "a unit needs a context that is in the configuration", hint="orchctl context add"
            )
        arguments += ["--robot", robot, "--scripts", str(scripts.absolute()), "--loop"]
        arguments += ["--heartbeat", f"{heartbeat:g}s", "--grace", f"{grace:g}s"]
        return unit(kind, robot=robot, grace=grace, arguments=arguments).rstrip("\n")
