"""Accounts: the tenants of an orchestrator. Their passwords never leave here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.core import Core
from orchctl.client.masking import hide, masked
from orchctl.dialects.base import Feature

if TYPE_CHECKING:
    from orchctl.model import Account, AccountChange, NewAccount

_ACCOUNT = "account"


class Accounts(Core):
    def create_account(self, new: NewAccount) -> Account:
        self.require(Feature.CREATE_ACCOUNT)
        hide(new.password)
        created = self.dialect.create_account(new)
        self.registry.remember(_ACCOUNT, {created.id: created.login})
        return self._read_account(created.id, created)

    def list_accounts(self) -> Iterator[Account]:
        self.require(Feature.LIST_ACCOUNTS)
        return map(_hidden, self._listed(self.dialect.list_accounts, _ACCOUNT, self.dialect.get_account))

    def get_account(self, ident: str) -> Account:
        self.require(Feature.GET_ACCOUNT)
        return _hidden(self._find(_ACCOUNT, ident, self.dialect.get_account))

    def update_account(self, ident: str, change: AccountChange) -> Account:
        self.require(Feature.UPDATE_ACCOUNT)
        hide(change.password)
        target = self._account_id(ident)
        self.dialect.update_account(target, change)
        return self._read_account(target)

    def delete_account(self, ident: str) -> None:
        self.require(Feature.DELETE_ACCOUNT)
        target = self._account_id(ident)
        self.dialect.delete_account(target)
        self.registry.forget(_ACCOUNT, target)

    def _account_id(self, ident: str) -> str:
        return self._target(_ACCOUNT, ident, self.dialect.get_account)

    def _read_account(self, ident: str, known: Account | None = None) -> Account:
        account = self._after(
            _ACCOUNT, lambda: self.dialect.get_account(ident), known or model.Account(id=ident, login="")
        )
        return _hidden(account)


def _hidden(account: Account) -> Account:
    return replace(account, native=masked(account.native))
