"""Assets: values kept for robots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A named value kept for robots. A secret's ``value`` is ``***`` unless it was asked to be revealed."""

    id: str
    name: str
    type: str
    value: Json = None
    username: str | None = None
    description: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """``scope`` is ``all``, ``robot:ID`` or ``group:ID``. ``secret`` is a password or secret value."""

    name: str
    type: str
    value: Json = None
    secret: str | None = None
    username: str | None = None
    description: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetChange:
    """Fields to change; ``None`` leaves a field as it is."""

    name: str | None = None
    type: str | None = None
    value: Json = None
    secret: str | None = None
    username: str | None = None
    description: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None
