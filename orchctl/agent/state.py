"""What an agent must remember across its own death: the job it has, and how far it got with it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from orchctl.paths import write_private


class Phase(StrEnum):
    CONSUMED = "consumed"
    """The orchestrator gave the job; nothing was started."""
    STARTED = "started"
    """The script was started, or is about to be: its marker tells which."""
    ENDED = "ended"
    """The script is over; ``outcome`` has yet to be reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The job that an agent holds. ``run_id`` is new for each attempt to start its script."""

    job_id: str
    phase: Phase
    run_id: str
    script: str | None = None
    process_version: str | None = None
    process: str | None = None
    task_id: str | None = None
    queue: str | None = None
    parameters: str = "null"
    pid: int | None = None
    outcome: str | None = None
    reason: str | None = None


class Memory:
    """One file of one robot, replaced in one step each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "job.json"

    def load(self) -> Held | None:
        try:
            data = json.loads(self._path.read_bytes())
            known = {field.name for field in fields(Held)}
            values = {name: value for name, value in data.items() if name in known}
            return Held(**{**values, "phase": Phase(values["phase"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, held: Held) -> Held:
        write_private(self._path, json.dumps(asdict(held)).encode())
        return held

    def clear(self) -> None:
        """The job is reported; its files go with it."""
        self._path.unlink(missing_ok=True)
        for pattern in ("run-*", "parameters-*", "stop-*"):
            for path in self.folder.glob(pattern):
                with suppress(OSError):
                    path.unlink()

    def marker(self, held: Held) -> Path:
        return self.folder / f"run-{held.run_id}"

    def parameters(self, held: Held) -> Path:
        return self.folder / f"parameters-{held.run_id}.json"

    def stop_file(self, held: Held) -> Path:
        return self.folder / f"stop-{held.run_id}"

    def never_began(self, held: Held) -> bool:
        """Take the marker that the script would have made: if that works it did not, and never will begin."""
        try:
            os.close(os.open(self.marker(held), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True
