"""A small Sherpa that keeps what is created and can be told, row by row, how to answer."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.faults import Connection, FaultServer, Seen, message

Answer = Callable[[Connection], None]


@dataclass(eq=False)
class Orchestrator:
    """``fates`` says by a task's name what its creates meet with, one attempt after another; then all is well.
    The name may be the number alone that a made-up one ends in.

    A fate ending in ``_done`` had its effect. ``clock_off``: by how many seconds its clock is ahead.
    """

    fates: dict[str, list[str]] = field(default_factory=dict)
    clock_off: float = 0.0
    knows_names: bool = True
    longest_list: int = 10**9
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    before_answer: Callable[[str], None] = lambda name: None  # a default that does nothing

    def __post_init__(self) -> None:
        self._server = FaultServer(steps=[self._step])
        self._lock = threading.Lock()
        self.open = threading.Event()
        """While it is not set, creates with the fate ``held`` get no answer."""

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def env(self) -> dict[str, str]:
        return {"ORCHCTL_URL": self.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "secret-key"}

    @property
    def effects(self) -> Counter[str]:
        """How often a task of each name was created."""
        return Counter(task["name"] for task in self.tasks.values())

    def __enter__(self) -> Orchestrator:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.set()
        self._server.__exit__(kind, error, trace)

    def create(self, name: str, payload: Any = None, *, ago: float = 0.0) -> str:
        """A task that somebody else has made."""
        return self._make({"name": name, "parameters": json.dumps(payload or {})}, ago=ago)

    def _make(self, form: dict[str, str], *, ago: float = 0.0) -> str:
        moment = time.time() + self.clock_off - ago
        with self._lock:
            guid = f"00000000-0000-4000-8000-{len(self.tasks) + 1:012d}"
            self.tasks[guid] = {
                "id": str(len(self.tasks) + 1),
                "guid": guid,
                "queue_id": "1",
                "name": form["name"],
                "status": "0",
                "created": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment)),
                "parameters": json.loads(form["parameters"]),
            }
        return guid

    def _step(self, connection: Connection) -> None:
        seen = connection.read()
        path = unquote(seen.target.partition("?")[0])
        if path == "/api/task/create":
            self._create(connection, {key: values[0] for key, values in parse_qs(seen.body.decode()).items()})
            return
        self.reads[path] += 1
        connection.send(self._answer(path, seen))

    def _answer(self, path: str, seen: Seen) -> bytes:
        if path.startswith("/api/task/filter/list/"):
            return _json(list(self.tasks.values())[: self.longest_list])
        if path.startswith("/api/task/read/"):
            key = path.rpartition("/")[2]
            if key in self.tasks:
                return _json(self.tasks[key])
            named = [task for task in self.tasks.values() if task["name"] == key and self.knows_names]
            return _json(named[-1]) if named else message(404, b"{}")
        if path.startswith("/api/queue/read/"):
            return _json({"id": "1", "guid": "11111111-0000-4000-8000-000000000000", "name": "Q"})
        return message(404, b"{}")

    def _create(self, connection: Connection, form: dict[str, str]) -> None:
        name = form["name"]
        with self._lock:
            self.attempts[name] += 1
            waiting = self.fates.get(name) or self.fates.get(name.rpartition("-")[2])
            fate = waiting.pop(0) if waiting else "ok"
        self.before_answer(name)
        guid = self._make(form) if fate == "ok" or fate.endswith("_done") else ""
        if fate in ("ok", "late_done"):
            if fate == "late_done":
                time.sleep(0.3)
            connection.send(_json({"guid": guid}))
        elif fate.startswith("reset"):
            connection.reset()
        elif fate == "held":
            self.open.wait(30)
            connection.close()
        elif fate.startswith("cut"):
            connection.send(message(200, b'{"gu', length=40))
            connection.close()
        elif fate.startswith("html"):
            connection.send(message(200, b"<!DOCTYPE html><html><body>Log in</body></html>"))
        elif fate.startswith("empty"):
            connection.send(message(200, b""))
        else:
            status = int(fate[:3])
            headers = {"Retry-After": "999" if "long" in fate else "0"} if status in (429, 503) else {}
            connection.send(message(status, b'{"error": "because"}', headers))


def _json(data: Any) -> bytes:
    return message(200, json.dumps(data).encode())


def rows_file(folder: Path, names: list[str]) -> str:
    """A CSV file with a row for each name, its number in the payload."""
    path = folder / "rows.csv"
    lines = [f"{name},{number}" for number, name in enumerate(names, start=1)]
    path.write_text("name,payload.number\n" + "\n".join(lines) + "\n")
    return str(path)
