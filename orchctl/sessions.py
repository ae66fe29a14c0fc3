"""Logging in on the way: a context's secret becomes what its orchestrator takes, once for all that run at once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchctl import credentials
from orchctl.errors import LocalFault, NotAuthenticated
from orchctl.paths import locked, state_dir
from orchctl.sanitize import register_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchctl.config import Context
    from orchctl.credentials import Secret
    from orchctl.dialects.base import Dialect
    from orchctl.transport import Transport

# A token is replaced so long before its end, or a tenth of its life if that is less.
_MARGIN = 60.0
# How long one run waits for another one's login before it makes its own.
_PATIENCE = 45.0


@dataclass(frozen=True, slots=True)
class _Session:
    token: str
    renew_at: float


class Sessions:
    """The credential of one context as headers. ``connect`` opens a connection to another base URL."""

    def __init__(
        self,
        context: Context,
        dialect: type[Dialect],
        env: Mapping[str, str],
        *,
        note: Callable[[str], None],
        connect: Callable[[str], Transport],
    ) -> None:
        self._context = context
        self._dialect = dialect
        self._env = env
        self._note = note
        self._connect = connect
        self._shown: str | None = None
        # A token of other settings is of no use, though it may be kept under the same name.
        words = (
            context.url,
            context.identity_url,
            context.client_id,
            context.username,
            context.tenant,
            context.scope,
        )
        self._mark = hashlib.sha256(repr(words).encode()).hexdigest()

    def headers(self, refresh: bool) -> Mapping[str, str]:
        """``refresh``: the server did not take the last ones.

        :raises NotAuthenticated: there is no secret, or the server lets nobody in with it, or its token is none.
        """
        secret = credentials.given(self._context, self._env, notify=self._note)
        kind = credentials.kind_of(self._context) if secret is None else secret.kind
        if kind not in self._dialect.logs_in_with:
            secret = secret or credentials.require(self._context, self._env, notify=self._note)
            return self._dialect.authorization(self._context, secret.value)
        refused = self._shown if refresh else None
        self._shown = self._token(secret, refused)
        return self._dialect.authorization(self._context, self._shown)

    def _token(self, secret: Secret | None, refused: str | None) -> str:
        kept = self._kept(secret, refused)
        if kept is not None:
            return kept
        with self._turn():
            if secret is None:
                secret = credentials.require(self._context, self._env, notify=self._note)
            # Another run may have logged in meanwhile.
            return self._kept(secret, refused) or self._log_in(secret)

    def _kept(self, secret: Secret | None, refused: str | None) -> str | None:
        text = credentials.kept_session(self._context, self._env, secret)
        try:
            data = json.loads(text or "null")
            session = _Session(data["token"], float(data["renew_at"])) if data["for"] == self._mark else None
        except (ValueError, TypeError, KeyError, OverflowError):
            return None
        if session is None or session.token == refused or session.renew_at <= time.time():
            return None
        if not credentials.is_token(session.token):
            return None
        register_secret(session.token)
        return session.token

    def _log_in(self, secret: Secret) -> str:
        login = self._dialect.login(self._context, secret.kind, secret.value)
        transport = self._connect(login.base_url)
        try:
            token = login.read(transport.send(login.call))
        finally:
            transport.close()
        register_secret(token.value)
        if not credentials.is_token(token.value):
            raise NotAuthenticated(
                f"{login.base_url} gave a token with characters that no HTTP header can carry, so it is not sent",
                hint="check identity-url and url of the context: something else may answer there",
            )
        session = {
            "for": self._mark,
            "token": token.value,
            "renew_at": time.time() + token.seconds - min(_MARGIN, token.seconds / 10),
        }
        credentials.keep_session(self._context, json.dumps(session), self._env, secret)
        return token.value

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One run at a time, if the state folder allows that; a login too many is no failure."""
        with ExitStack() as stack:
            try:
                path = state_dir(self._env) / "sessions" / f"{self._mark[:16]}.lock"
                stack.enter_context(locked(path, wait=_PATIENCE))
            except LocalFault:
                pass
            yield
