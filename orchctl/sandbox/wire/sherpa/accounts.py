"""Accounts: tenants, not users."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import accounts
from orchctl.sandbox.engine.accounts import Account, AccountFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.sherpa.asks import Ask, Route, Routes, answer, guid, nothing


def create(ask: Ask) -> Response:
    ask.fields.required("Login")
    ask.fields.required("Password")
    return guid(accounts.create(ask.tx, _fields(ask)).guid)


def read(ask: Ask) -> Response:
    if ask.has_key("Guid"):
        return answer(_shown(ask, _find(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of accounts: give a GUID")
    return answer([_shown(ask, account) for account in accounts.TABLE.every(ask.tx)])


def update(ask: Ask) -> Response:
    accounts.update(ask.tx, _find(ask), _fields(ask))
    return nothing()


def delete(ask: Ask) -> Response:
    accounts.delete(ask.tx, _find(ask))
    return nothing()


ROUTES: Routes = {
    ("account", "create"): Route("POST", create),
    ("account", "read"): Route("GET", read, args=1),
    ("account", "update"): Route("PUT", update),
    ("account", "delete"): Route("DELETE", delete, args=1),
}


def _find(ask: Ask) -> Account:
    return accounts.TABLE.find(ask.tx, ask.unnamed(ask.key("Guid"), "account"))


def _fields(ask: Ask) -> AccountFields:
    fields = ask.fields
    given: AccountFields = {}
    if (login := fields.text("Login")) is not None:
        given["name"] = login
    if (password := fields.text("Password")) is not None:
        given["password"] = password
    if "FirstName" in fields:
        given["first_name"] = fields.text("FirstName")
    if "LastName" in fields:
        given["last_name"] = fields.text("LastName")
    if "Email" in fields:
        given["email"] = fields.text("Email")
    if "Phone" in fields:
        given["phone"] = fields.text("Phone")
    if "Company" in fields:
        given["company"] = fields.text("Company")
    if "Department" in fields:
        given["department"] = fields.text("Department")
    return given


def _shown(ask: Ask, account: Account) -> dict[str, Json]:
    """REF's keys, blanks and all; the password comes in clear."""
    shown: dict[str, Json] = {
        "id": str(account.id),
        "guid": account.guid,
        "login": account.name,
        "password": accounts.password_of(ask.tx, account),
        "first name": account.first_name,
        "last name": account.last_name,
    }
    if ask.strict:
        return shown
    return shown | {
        "email": account.email,
        "phone": account.phone,
        "company": account.company,
        "department": account.department,
    }
