"""What an agent tells while it works, and how long it works. Light, for the command line's sake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Mode(StrEnum):
    DRAIN = "drain"
    """Work until the orchestrator has no more."""
    ONCE = "once"
    LOOP = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """One line of what the agent has to tell."""

    shown_live: ClassVar[bool] = True

    time: datetime
    event: str
    job_id: str | None = None
    script: str | None = None
    message: str | None = None
