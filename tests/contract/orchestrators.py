"""Each orchestrator as the contract suite drives it: whole command lines against the embedded one.

Another dialect joins by one line in ``ORCHESTRATORS`` (test_contract.py); where it is prepared otherwise, or an
effect is seen otherwise, by a subclass that says how in a method of the feature's name. Effects are written in
the vocabulary's words and know no vendor.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Set
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from orchctl.dialects.base import Feature
from orchctl.sandbox.app import Request, open_app


class Orchestrator:
    """``at("task", "get", ID)`` runs a command that must succeed and gives its JSON.

    ``from_ledger`` are gaps that this machine's own memory fills.
    """

    from_ledger: ClassVar[Set[Feature]] = frozenset()

    def __init__(self, orchctl: Any, env: Mapping[str, str], folder: Path) -> None:
        self.orchctl = orchctl
        self.env = env
        self.folder = folder
        self._numbers = count(1)

    def close(self) -> None:
        """Called when the test is over."""

    def __call__(self, *argv: str, input: str = "") -> Any:
        result = self.orchctl(*argv, "-o", "json", env=self.env, input=input)
        assert result.code == 0, f"{' '.join(argv)}: {result.err}"
        return result.json if result.out else None

    def refuses(self, *argv: str) -> int:
        """The exit code of a command that must fail."""
        code: int = self.orchctl(*argv, env=self.env).code
        assert code != 0
        return code

    def is_gone(self, *argv: str) -> None:
        assert self.refuses(*argv) == 4

    def name(self, what: str) -> str:
        return f"{what} {next(self._numbers)}"

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def sees(self, robot: str, asset: str) -> bool:
        """May a robot read an asset?"""
        raise NotImplementedError

    def queue(self, *options: str) -> str:
        name = self.name("Queue")
        self("queue", "create", "--name", name, *options)
        return name

    def task(self, queue: str | None = None, *options: str) -> str:
        name = self.name("Task")
        task = self("task", "create", "-q", queue or self.queue(), "--name", name, *options)
        return str(task["id"])

    def process(self) -> str:
        """One that can be run."""
        process = str(self("process", "create", "--name", self.name("Process"))["id"])
        self("process", "version", "create", process, self.file("main.robot", "run"), "--name", "main.py")
        return process

    def robot(self) -> str:
        """One that is ready."""
        robot = str(self("robot", "create", "--name", self.name("Robot"))["id"])
        self("robot", "heartbeat", robot)
        return robot

    def group(self) -> str:
        return str(self("robot", "group", "create", "--name", self.name("Group"))["id"])

    def job(self, robot: str | None = None) -> str:
        job = self("job", "create", "--process", self.process(), "--robot", robot or self.robot())
        return str(job["id"])

    def asset(self) -> str:
        return str(self("asset", "create", self.name("Asset"), "--type", "text", "--value", "v")["id"])

    def trigger(self) -> str:
        words = ["--process", self.process(), "--robot", self.robot(), "--cron", "0 8 * * *"]
        return str(self("trigger", "create", "--name", self.name("Trigger"), *words)["id"])


class Sherpa(Orchestrator):
    """A robot is let in by its own GUID, and sees what it may."""

    def sees(self, robot: str, asset: str) -> bool:
        credential = base64.b64encode(robot.encode()).decode()
        request = Request("GET", f"/api/asset/read/{asset}", headers={"authorization": f"Basic {credential}"})
        with closing(open_app(self.env["ORCHCTL_URL"].removeprefix("sandbox:"))) as app:
            return app.handle(request).status == 200
