"""Accounts: the tenants of an orchestrator. Here they are records only, and own nothing."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

from orchctl.sandbox.engine.base import Tx, new_guid
from orchctl.sandbox.engine.table import Table


class Account(NamedTuple):
    """A row; ``name`` is what it logs in with, ``password`` is sealed."""

    id: int
    guid: str
    name: str
    password: bytes | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    department: str | None
    created_at: int
    updated_at: int


class AccountFields(TypedDict, total=False):
    """What a caller may set; a key that is absent stays as it is. ``password`` is in clear here."""

    guid: str
    name: str
    password: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    department: str | None


TABLE: Table[Account] = Table("account", Account._fields, Account._make, noun="account")


def create(tx: Tx, fields: AccountFields) -> Account:
    TABLE.check_name(fields.get("name"))
    guid = fields.get("guid", "").lower() or new_guid()
    return TABLE.insert(tx, {**_values(tx, guid, fields), "guid": guid})


def update(tx: Tx, account: Account, fields: AccountFields) -> Account:
    if "name" in fields:
        TABLE.check_name(fields["name"])
    return TABLE.update(tx, account, _values(tx, account.guid, fields))


def delete(tx: Tx, account: Account) -> None:
    TABLE.write(tx, account, {"password": None})
    TABLE.delete(tx, account)


def password_of(tx: Tx, account: Account) -> str | None:
    return None if account.password is None else tx.vault.open(account.password, owner=account.guid)


def _values(tx: Tx, guid: str, fields: AccountFields) -> dict[str, Any]:
    values: dict[str, Any] = {**fields}
    if "password" in fields:
        values["password"] = tx.vault.seal(fields["password"], owner=guid)
    return values
