"""Folders, where an orchestrator has them."""

from __future__ import annotations

from dataclasses import dataclass

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    id: str
    key: str | None = None
    name: str
    path: str
    native: Json = None
