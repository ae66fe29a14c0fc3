"""Who may use UiPath's wire: tokens, the identity server's endpoint, and user and password on premises."""

from __future__ import annotations

from hmac import compare_digest
from json import dumps
from urllib.parse import unquote_to_bytes

from orchctl.sandbox.engine import Tx, clients
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.wire import json_response
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.uipath.asks import Body, json
from orchctl.sandbox.wire.uipath.odata import parse_query
from orchctl.sandbox.wire.uipath.refusals import BAD_REQUEST, Refused

_USER = "admin"
_SCOPES = ("OR.", "offline_access", "openid", "profile", "email")


class Entrance:
    """``key`` is the account's, or None where nobody has to show anything."""

    def __init__(self, key: str | None, *, open_access: bool) -> None:
        self._key = key
        self._open = open_access

    def check(self, tx: Tx, request: Request) -> None:
        """:raises Refused: the bearer token is none of ours, or too old."""
        if self._key is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and token:
            if self._open or compare_digest(token.encode(), self._key.encode()):
                return
            if clients.client_of(self._key, token, now=tx.now) is not None:
                return
        raise Refused(401, "You are not authenticated!", headers=(("www-authenticate", "Bearer"),))

    def token(self, tx: Tx, request: Request) -> Response:
        """``POST /identity_/connect/token``, a form; errors as RFC 6749 has them."""
        form = dict(_form(request))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type")
        ident, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not ident or not secret:
            return _oauth_error("invalid_client")
        if not self._open and self._key is not None and not clients.is_known(tx, ident, secret):
            return _oauth_error("invalid_client")
        scope = " ".join(form.get("scope", "").split())
        if any(not word.startswith(_SCOPES) for word in scope.split()):
            return _oauth_error("invalid_scope")
        token = clients.token(self._key or "open", ident, scope, now=tx.now)
        return json(
            {
                "access_token": token,
                "expires_in": clients.LIFETIME_SECONDS,
                "token_type": "Bearer",
                "scope": scope or "OR.Default",
            }
        )

    def authenticate(self, tx: Tx, request: Request) -> Response:
        """``POST /api/Account/Authenticate``: user ``admin``, the account's key as password."""
        try:
            data = decode_json(request.body or b"{}")
        except ValueError:
            data = None
        body = Body(data if isinstance(data, dict) else {})
        user, password = body.text("usernameOrEmailAddress"), body.text("password")
        known = user == _USER and compare_digest((password or "").encode(), (self._key or "").encode())
        if not (known or ((self._open or self._key is None) and user and password)):
            raise Refused(
                401, "Login failed. The user name, the password or the tenant is not right.", code=BAD_REQUEST
            )
        token = clients.token(self._key or "open", user or _USER, "", now=tx.now)
        return json(
            {
                "result": token,
                "targetUrl": None,
                "success": True,
                "error": None,
                "unAuthorizedRequest": False,
                "__abp": True,
            }
        )


def _form(request: Request) -> list[tuple[str, str]]:
    """The form; with HTTP basic authentication the client's id and secret are in the header."""
    try:
        pairs = parse_query(request.body.decode("utf-8"))
    except UnicodeDecodeError:
        return []
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        import base64

        try:
            ident, _, secret = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return pairs
        plain = [unquote_to_bytes(part).decode("utf-8", "replace") for part in (ident, secret)]
        pairs += [("client_id", plain[0]), ("client_secret", plain[1])]
    return pairs


def _oauth_error(error: str) -> Response:
    return json_response(dumps({"error": error}).encode(), 400)
