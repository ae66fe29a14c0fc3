"""What this machine has created on a server that cannot list it: one line of JSON for each thing that happened.

An intent is on the disk before its request is sent, so that a create which was cut off is never forgotten.
It is a memory, not the truth: others create tasks too, and a status is as old as the last look.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchctl.errors import LocalFault
from orchctl.model import Json
from orchctl.paths import locked, private_dir, reason, state_dir
from orchctl.sanitize import MASK
from orchctl.times import rfc3339

_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A create as it is about to be sent. ``queue`` is the orchestrator's id of it."""

    queue: str
    queue_name: str
    payload: Json
    version: int | None = None
    priority: str | None = None
    name: str | None = None
    reference: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of one create. ``task_id`` is None while it is in doubt; ``seen`` is the last look."""

    number: int
    at: datetime
    intent: Intent
    task_id: str | None = None
    seen: Mapping[str, Json] = field(default_factory=dict)
    seen_at: datetime | None = None


class Ledger:
    """The file of one server. What ``secret`` gives is never written: a mark stands for it."""

    def __init__(self, path: Path, *, secret: Callable[[], str | None]) -> None:
        self.path = path
        self._secret = secret
        self._entries: dict[int, Entry] = {}
        # In one process the threads of a bulk stand in line here, and not at the lock between processes, which
        # is waited for by looking again and again.
        self._mutex = threading.RLock()
        self._highest = 0
        self._read_to = 0
        self.damaged = 0

    @classmethod
    def of(cls, url: str, *, secret: Callable[[], str | None]) -> Ledger:
        name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
        return cls(state_dir() / "ledger" / f"{name}.jsonl", secret=secret)

    @property
    def since(self) -> datetime | None:
        """When it begins; what is older it cannot know."""
        return next((entry.at for entry in self.entries()), None)

    def entries(self) -> list[Entry]:
        """All creates but those that surely did not happen, in the order they were made.

        :raises LocalFault: the file cannot be read.
        """
        with self._mutex:
            try:
                with self.path.open("rb") as file:
                    self._take_in(file)
            except FileNotFoundError:
                return []
            except OSError as error:
                raise LocalFault(f"cannot read {self.path}: {reason(error)}") from None
            return list(self._entries.values())

    def intend(self, intent: Intent) -> int:
        """Write down what is about to be sent; gives the entry's number once it is on the disk.

        :raises LocalFault: it could not be written, so nothing must be sent.
        """
        with self._appending() as file:
            number = self._highest + 1
            record = {name: getattr(intent, name) for name in Intent.__slots__}
            self._append(file, {"entry": number, "intent": record})
        return number

    def created(self, number: int, task_id: str) -> None:
        self._note({"entry": number, "id": task_id})

    def rejected(self, number: int) -> None:
        """The create surely did not happen."""
        self._note({"entry": number, "rejected": True})

    def saw(self, number: int, seen: Mapping[str, Json]) -> None:
        """What the server said of a task that will not change any more."""
        self._note({"entry": number, "seen": dict(seen)})

    def restored(self, payload: Json) -> Json:
        """A payload as it was sent, the secret back in its place."""
        return _replaced(payload, _MARK, self._secret() or MASK)

    def hidden(self, payload: Json) -> Json:
        """A payload as it was sent, without the secret."""
        secret = self._secret()
        return payload if secret is None else _replaced(payload, secret, MASK)

    def shown(self, payload: Json) -> Json:
        """A payload as it may be printed."""
        return _replaced(payload, _MARK, MASK)

    def _note(self, record: Mapping[str, Json]) -> None:
        with self._appending() as file:
            self._append(file, record)

    @contextmanager
    def _appending(self) -> Iterator[Any]:
        """The file, open at its end, while no other orchctl writes to it; what was in it is taken in."""
        private_dir(self.path.parent)
        lock = self.path.with_suffix(".lock")
        with self._mutex, locked(lock, wait=_LOCK_SECONDS, what=str(self.path)):
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
                with os.fdopen(descriptor, "r+b", buffering=0) as file:
                    self._take_in(file)
                    yield file
            except OSError as error:
                raise LocalFault(f"cannot write {self.path}: {reason(error)}") from None

    def _append(self, file: Any, record: Mapping[str, Json]) -> None:
        line = json.dumps({"at": rfc3339(datetime.now(UTC)), **record}, ensure_ascii=False)
        secret = self._secret()
        if secret is not None:  # a UUID: JSON escapes none of its characters
            line = line.replace(secret, _MARK)
        end = file.seek(0, os.SEEK_END)
        torn = b"\n" if end > self._read_to else b""  # a line that another run could not finish
        data = torn + line.encode("utf-8", "surrogatepass") + b"\n"
        written = 0
        while written < len(data):
            written += file.write(data[written:])
        os.fsync(file.fileno())
        self._take_in(file)

    def _take_in(self, file: Any) -> None:
        """Read what was added since the last time. A last line without an end is somebody's torn write."""
        file.seek(self._read_to)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            if line.strip():
                try:
                    self._apply(json.loads(line))
                except (ValueError, TypeError, KeyError):
                    self.damaged += 1

    def _apply(self, record: Mapping[str, Any]) -> None:
        number, at = int(record["entry"]), datetime.fromisoformat(record["at"])
        self._highest = max(self._highest, number)
        if "intent" in record:
            known = {name: record["intent"].get(name) for name in Intent.__slots__}
            self._entries[number] = Entry(number=number, at=at, intent=Intent(**known))
        elif record.get("rejected"):
            self._entries.pop(number, None)
        elif number in self._entries:
            entry = self._entries[number]
            if "id" in record:
                self._entries[number] = replace(entry, task_id=str(record["id"]))
            elif "seen" in record:
                self._entries[number] = replace(entry, seen=dict(record["seen"]), seen_at=at)


_MARK = "***orchctl:token***"


def _replaced(value: Json, old: str, new: str) -> Json:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    return value
