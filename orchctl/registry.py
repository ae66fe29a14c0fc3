"""Names and ids that this machine has seen, for servers that have no list and for completion.

It is a memory, not the truth: whoever shows something from it says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from orchctl.errors import LocalFault
from orchctl.paths import locked, state_dir, write_private

_MOST = 2000  # of a kind; jobs come and go, and nothing ever takes them out


class Registry:
    """The objects seen at one origin, a small JSON file: ``{kind: {id: name}}``.

    No dataclass: completion by TAB waits for this import.
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, origin: str) -> Registry:
        return cls(state_dir() / "registry" / f"{hashlib.sha256(origin.encode()).hexdigest()[:16]}.json")

    def seen(self, kind: str) -> Mapping[str, str]:
        """Names by id; a file that is missing or damaged has seen nothing."""
        return self._load().get(kind, {})

    def remember(self, kind: str, found: Mapping[str, str]) -> None:
        """Add names by id. A state folder that cannot be written costs the memory, never the command."""
        self._change(kind, found, ())

    def forget(self, kind: str, ident: str) -> None:
        """Drop what was seen under an id or a name."""
        self._change(kind, {}, (ident,))

    def _change(self, kind: str, found: Mapping[str, str], gone: tuple[str, ...]) -> None:
        try:
            if not gone and found.items() <= self.seen(kind).items():
                return
            with locked(self.path.with_suffix(".lock"), wait=1.0):
                data = self._load()
                known = {**data.get(kind, {}), **found}
                known = dict(list(known.items())[-_MOST:])
                data[kind] = {
                    ident: name for ident, name in known.items() if ident not in gone and name not in gone
                }
                write_private(self.path, json.dumps(data, ensure_ascii=False).encode())
        except LocalFault:
            return

    def _load(self) -> dict[str, dict[str, str]]:
        try:
            data = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(data, dict):
            return {}
        return {kind: known for kind, known in data.items() if isinstance(known, dict)}
