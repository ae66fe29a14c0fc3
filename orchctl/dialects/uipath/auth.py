"""How UiPath lets a client in: a token as it is, OAuth client credentials, or a user's password on premises."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchctl.credentials import Kind
from orchctl.dialects.base import Login, Token
from orchctl.dialects.uipath.odata import Record, record
from orchctl.errors import LocalFault, NotAuthenticated
from orchctl.transport import Call, Effect

if TYPE_CHECKING:
    from orchctl.config import Context
    from orchctl.model import Json
    from orchctl.transport import Reply

LOGS_IN_WITH = frozenset({Kind.CLIENT_SECRET, Kind.PASSWORD})

_DEFAULT_SECONDS = 3600.0
# /api/Account/Authenticate does not say how long its token lasts; half an hour by default.
_PASSWORD_SECONDS = 25 * 60.0
_REFUSED = frozenset({400, 401, 403})


def login(context: Context, kind: Kind, secret: str) -> Login:
    return _client_credentials(context, secret) if kind is Kind.CLIENT_SECRET else _password(context, secret)


def identity_url(context: Context) -> str:
    """The identity server: as the context says, else where the shape of its URL lets one expect it.

    ``/identity_`` beside an organization and a tenant (Automation Cloud and Suite), ``/identity`` on a
    standalone server, where ``/identity_`` is answered with 405.
    """
    if context.identity_url:
        return context.identity_url.removesuffix("/connect/token")
    parts = urlsplit(context.url)
    host = parts.hostname or ""
    shared = host == "uipath.com" or host.endswith(".uipath.com") or parts.path.strip("/").count("/") >= 1
    return f"{parts.scheme}://{parts.netloc}/{'identity_' if shared else 'identity'}"


def _client_credentials(context: Context, secret: str) -> Login:
    if not context.client_id:
        raise LocalFault(
            f"the context {context.name!r} has no client-id, which its client secret belongs to",
            hint="add client-id: to the context; it is the app id of the external application",
        )
    form = {
        "grant_type": "client_credentials",
        "client_id": context.client_id,
        "client_secret": secret,
        # Left out where the context has none: some servers on premises refuse a long list and take none.
        **({"scope": context.scope} if context.scope else {}),
    }
    return Login(
        base_url=identity_url(context),
        call=Call(method="POST", path="/connect/token", effect=Effect.READ, form=form, accept=_REFUSED),
        read=lambda reply: _token(reply, context),
    )


def _token(reply: Reply, context: Context) -> Token:
    answer = record(reply)
    if reply.status != 200:
        raise _not_let_in(answer.text("error") or f"status {reply.status}", context, reply)
    value = answer.text("access_token")
    if value is None:
        raise reply.unintelligible("the answer holds no access_token")
    seconds = answer.number("expires_in")
    return Token(value=value, seconds=_DEFAULT_SECONDS if seconds is None else float(seconds))


def _not_let_in(error: str, context: Context, reply: Reply) -> NotAuthenticated:
    hints = {
        "invalid_scope": f"change scope: in the context {context.name!r} to what the application was given, "
        "try OR.Default, or leave it out",
        "invalid_client": f"check client-id: in the context and log in again: orchctl auth login -c {context.name}",
        "unauthorized_client": "the application must be a confidential one with the client credentials grant",
    }
    return NotAuthenticated(
        f"{reply.where} gives the client {context.client_id!r} no token: {error}",
        hint=hints.get(error, "check client-id, scope and identity-url of the context"),
        request_id=reply.request_id,
    )


def _password(context: Context, secret: str) -> Login:
    if not context.username:
        raise LocalFault(
            f"the context {context.name!r} has no username, whose password it is",
            hint="add username: to the context, and tenant: if it is not Default",
        )
    body: Json = {
        "tenancyName": context.tenant or "Default",
        "usernameOrEmailAddress": context.username,
        "password": secret,
    }
    return Login(
        base_url=context.url,
        call=Call(
            method="POST", path="/api/Account/Authenticate", effect=Effect.READ, json=body, accept=_REFUSED
        ),
        read=lambda reply: _session(reply, context),
    )


def _session(reply: Reply, context: Context) -> Token:
    answer = record(reply)
    value = answer.text("result")
    if reply.status == 200 and value and answer.get("success") is not False:
        return Token(value=value, seconds=_PASSWORD_SECONDS)
    error = answer.inner("error")
    why = error.text("message") or answer.text("message") or _plain(answer) or f"status {reply.status}"
    raise NotAuthenticated(
        f"{reply.where} does not let the user {context.username!r} in: {why}",
        hint=f"check username: and tenant: of the context, then orchctl auth login -c {context.name}; users of a "
        "directory or of Automation Cloud have no password here: use a personal access token",
        request_id=reply.request_id,
    )


def _plain(answer: Record) -> str | None:
    value = answer.get("error")
    return value if isinstance(value, str) else None
