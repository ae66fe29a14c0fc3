"""Sherpa's accounts: tenants, not users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, given, id_of

if TYPE_CHECKING:
    from orchctl.model import Json


class Accounts(Calls):
    def create_account(self, new: model.NewAccount) -> model.Account:
        """``POST /api/account/create``."""
        return model.Account(id=self._create("account", _fields(new)), login=new.login)

    def list_accounts(self, cursor: str | None) -> Page[model.Account] | None:
        """``GET /api/account/read``: not documented, tried."""
        return self._list("account", self._account)

    def get_account(self, ident: str) -> model.Account:
        """``GET /api/account/read/{guid}``; its keys hold blanks, and the password comes in clear."""
        return self._account(self._read("account", ident))

    def update_account(self, ident: str, change: model.AccountChange) -> None:
        """``PUT /api/account/update``."""
        self._update("account", {"Guid": ident, **_fields(change)})

    def delete_account(self, ident: str) -> None:
        """``DELETE /api/account/delete/{guid}``."""
        self._delete("account", ident)

    def _account(self, native: dict[str, Any]) -> model.Account:
        record = Record(native, self._zone)
        return model.Account(
            id=id_of(record),
            login=record.text("login") or "",
            first_name=record.text("firstname"),
            last_name=record.text("lastname"),
            email=record.text("email"),
            phone=record.text("phone"),
            company=record.text("company"),
            department=record.text("department"),
            native=native,
        )


def _fields(fields: model.NewAccount | model.AccountChange) -> dict[str, Json]:
    return given(
        Login=fields.login,
        Password=fields.password,
        FirstName=fields.first_name,
        LastName=fields.last_name,
        Email=fields.email,
        Phone=fields.phone,
        Company=fields.company,
        Department=fields.department,
    )
