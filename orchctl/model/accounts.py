"""Accounts: the tenants of an orchestrator."""

from __future__ import annotations

from dataclasses import dataclass

from orchctl.model.jsontype import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    login: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    department: str | None = None
    native: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    login: str
    password: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """Fields to change; ``None`` leaves a field as it is."""

    login: str | None = None
    password: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    department: str | None = None
