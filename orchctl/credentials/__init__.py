"""Secrets: where each comes from, and where a login keeps it. The sole owner of keyring (keyring_store).

The environment and token-command are looked at before keyring is imported. A stored secret is bound to its
context and to the scheme, host and port of it: after a change of URL it is not found, and so not sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orchctl.credentials import file_store, keyring_store, sealed_store
from orchctl.credentials.keyring_store import KeyringFault, NoKeyring
from orchctl.errors import LocalFault, NotAuthenticated, OrchctlError
from orchctl.paths import reason
from orchctl.sanitize import register_secret

if TYPE_CHECKING:
    from orchctl.config import Context

_LARGEST = 65536
_OTHER_WAYS = "give it in {variable} or by token-command, or log in with --insecure-storage"


class Kind(StrEnum):
    """What a secret is. A session is the token that a login with another one of them got."""

    TOKEN = "token"  # noqa: S105  # the word, not a secret
    CLIENT_SECRET = "client-secret"  # noqa: S105  # the word, not a secret
    PASSWORD = "password"  # noqa: S105  # the word, not a secret
    SESSION = "session"


class Source(StrEnum):
    ENVIRONMENT = "environment"
    COMMAND = "token-command"
    KEYRING = "keyring"
    FILE = "file"


VARIABLES: Mapping[Kind, str] = {
    Kind.TOKEN: "ORCHCTL_TOKEN",
    Kind.CLIENT_SECRET: "ORCHCTL_CLIENT_SECRET",
    Kind.PASSWORD: "ORCHCTL_PASSWORD",
}
_KIND_OF_AUTH = {
    "basic": Kind.TOKEN,
    "bearer": Kind.TOKEN,
    "token": Kind.TOKEN,
    "client-credentials": Kind.CLIENT_SECRET,
    "password": Kind.PASSWORD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret and where it was found: a variable, a program, a keyring or a file."""

    value: str = field(repr=False)
    kind: Kind
    source: Source
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether a context has a secret, without the secret. ``problem`` says why one cannot be had."""

    context: str
    dialect: str
    origin: str
    kind: Kind | None
    present: bool
    source: Source | None = None
    where: str | None = None
    problem: str | None = None


def kind_of(context: Context) -> Kind:
    """What the context's way of logging in needs."""
    if context.auth is not None:
        return _KIND_OF_AUTH[context.auth]
    if context.client_id is not None:
        return Kind.CLIENT_SECRET
    return Kind.TOKEN if context.username is None else Kind.PASSWORD


def find(
    context: Context,
    env: Mapping[str, str],
    *,
    kind: Kind | None = None,
    notify: Callable[[str], None] = lambda text: None,
    remember: bool = True,
) -> Secret | None:
    """The context's secret: of the environment, of token-command, or what a login has stored.

    A bearer token in ORCHCTL_TOKEN also serves a context that has another way of logging in: see the kind of
    what is returned. ``None`` is "nowhere".

    :raises NotAuthenticated: one of these failed, or what it gave cannot be sent.
    """
    return given(context, env, kind=kind, notify=notify) or _stored(
        context, kind or kind_of(context), env, remember=remember
    )


def given(
    context: Context,
    env: Mapping[str, str],
    *,
    kind: Kind | None = None,
    notify: Callable[[str], None] = lambda text: None,
) -> Secret | None:
    """The same, without what is stored: of the environment or of token-command."""
    wanted = kind or kind_of(context)
    for candidate in (wanted, Kind.TOKEN) if kind is None else (wanted,):
        variable = VARIABLES[candidate]
        if text := env.get(variable):
            return _secret(text, candidate, Source.ENVIRONMENT, variable)
    if context.token_command is not None:
        from orchctl.credentials.token_command import run

        text = run(context.token_command, env=env, notify=notify)
        return _secret(text, wanted, Source.COMMAND, context.token_command[0])
    return None


def require(
    context: Context,
    env: Mapping[str, str],
    *,
    kind: Kind | None = None,
    notify: Callable[[str], None] = lambda text: None,
) -> Secret:
    """The same, where there has to be one.

    :raises NotAuthenticated: there is none.
    """
    secret = find(context, env, kind=kind, notify=notify)
    if secret is None:
        raise missing(context, kind=kind)
    return secret


def missing(context: Context, problem: str | None = None, *, kind: Kind | None = None) -> NotAuthenticated:
    """The error for want of a secret."""
    return NotAuthenticated(
        problem or f"there is no credential for the context {context.name!r} at {context.origin}",
        hint=f"orchctl auth login -c {context.name}, or set {VARIABLES[kind or kind_of(context)]}",
    )


def status(context: Context, env: Mapping[str, str], *, remember: bool = True) -> Status:
    """Where the context's secret comes from; a keyring that fails is told, not raised.

    ``remember``: which keyring was found may be written down for the next run.
    """
    secret, problem = None, None
    try:
        secret = find(context, env, remember=remember)
        if secret is not None and secret.source is Source.FILE and _others_may_read(Path(secret.where)):
            problem = f"others may read {secret.where}: chmod 600 it, and change the secret"
    except OrchctlError as error:
        problem = error.message
    return Status(
        context=context.name,
        dialect=context.dialect,
        origin=context.origin,
        kind=secret.kind if secret else kind_of(context),
        present=secret is not None,
        source=secret.source if secret else None,
        where=secret.where if secret else None,
        problem=problem,
    )


def store(
    context: Context,
    text: str,
    *,
    env: Mapping[str, str],
    insecure: bool = False,
    kind: Kind | None = None,
    dry_run: bool = False,
) -> Secret:
    """Keep a secret for later runs: in the keyring, or, if the user chose that, in a file of mode 0600.

    :raises NotAuthenticated: it cannot be a secret of that kind.
    :raises LocalFault: it could not be kept.
    """
    wanted = kind or kind_of(context)
    account = _account(context, wanted)
    path = file_store.file_of(env)
    secret = _secret(text, wanted, Source.FILE if insecure else Source.KEYRING, str(path) if insecure else "")
    if dry_run:
        return secret
    if insecure:
        file_store.keep(account, secret.value, path)
        with suppress(KeyringFault):  # what is in the file is looked at first, so this is only tidiness
            keyring_store.remove([account], env)
        return secret
    try:
        name = keyring_store.keep(account, secret.value, env)
    except KeyringFault as fault:
        raise LocalFault(
            f"the login could not be stored: {fault}", hint=_OTHER_WAYS.format(variable=VARIABLES[wanted])
        ) from None
    file_store.remove([account], path)
    return replace(secret, where=name)


def kept_session(context: Context, env: Mapping[str, str], secret: Secret | None = None) -> str | None:
    """What ``keep_session`` kept; a store that fails has nothing, since a login gets another.

    ``secret``: the one that the session is got with, if it is known already.
    """
    account = _account(context, Kind.SESSION)
    if secret is not None:
        if (text := sealed_store.get(account, secret.value, env)) is not None:
            return text
        if secret.source in (Source.ENVIRONMENT, Source.COMMAND):
            return None
    with suppress(OrchctlError):
        found = _stored(context, Kind.SESSION, env)
        return None if found is None else found.value
    return None


def keep_session(context: Context, text: str, env: Mapping[str, str], secret: Secret) -> None:
    """Keep a session where its secret is; one of the environment or a program, in a file sealed with it.

    So does a keyring that will not take it: that of Windows has no room for long tokens.
    """
    account = _account(context, Kind.SESSION)
    with suppress(LocalFault):
        if secret.source is Source.FILE:
            file_store.keep(account, text, file_store.file_of(env))
            return
        if secret.source is Source.KEYRING:
            with suppress(KeyringFault):
                keyring_store.keep(account, text, env)
                return
        sealed_store.keep(account, text, secret.value, env)


def forget(context: Context, env: Mapping[str, str]) -> tuple[Source, ...]:
    """Remove what logins have stored for the context, and say where something was.

    :raises LocalFault: a keyring or file failed, so something may still be there.
    """
    accounts = [_account(context, kind) for kind in Kind]
    gone = []
    sealed_store.remove(_account(context, Kind.SESSION), env)
    if file_store.remove(accounts, file_store.file_of(env)):
        gone.append(Source.FILE)
    try:
        if keyring_store.remove(accounts, env):
            gone.append(Source.KEYRING)
    except NoKeyring:
        pass
    except KeyringFault as fault:
        raise LocalFault(
            f"the credential may still be stored: {fault}",
            hint="put the keyring right and log out again, or remove the entry "
            f"{keyring_store.SERVICE!r} with the system's own program",
        ) from None
    return tuple(gone)


def move(old: Context, new: Context, env: Mapping[str, str]) -> bool:
    """After a renaming: give what was stored for ``old`` to ``new``. Whether there was anything.

    :raises OrchctlError: it could not be read or stored again; then a new login is needed.
    """
    secret = _stored(old, kind_of(old), env)
    if secret is None:
        return False
    store(new, secret.value, env=env, insecure=secret.source is Source.FILE, kind=secret.kind)
    forget(old, env)
    return True


def decoded(data: bytes, where: str) -> str:
    """A secret as it stands in a file or on standard input: one line, with or without its end.

    :raises NotAuthenticated: there is nothing, or too much, or no text.
    """
    if len(data) > _LARGEST:
        raise NotAuthenticated(f"{where} holds more than a secret: over 64 KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAuthenticated(f"{where} is not UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise NotAuthenticated(f"there is no secret in {where}")
    return text


def read_file(path: Path) -> str:
    """The secret that is the content of a file.

    :raises LocalFault: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return decoded(file.read(_LARGEST + 1), str(path))
    except OSError as error:
        raise LocalFault(f"cannot read {path}: {reason(error)}") from None


def is_token(text: object) -> bool:
    """May a header carry it?"""
    return isinstance(text, str) and bool(text) and text.isprintable() and max(text) <= "\xff"


def _secret(text: str, kind: Kind, source: Source, where: str) -> Secret:
    """:raises NotAuthenticated: it could not be sent as it is; said without showing it."""
    register_secret(text)
    came = f" from {where}" if where else ""
    if any(character in text for character in "\r\n\0"):
        raise NotAuthenticated(
            f"the {kind}{came} holds a line break or a NUL, so it is not sent",
            hint="it must be one line with nothing after it",
        )
    if kind is Kind.TOKEN:
        text = text.strip(" \t")
        if not is_token(text):
            raise NotAuthenticated(
                f"the {kind}{came} holds characters that no HTTP header can carry, so it is not sent",
                hint="copy it again: quotes, dashes or blanks may have been changed on the way",
            )
    return Secret(value=text, kind=kind, source=source, where=where)


def _account(context: Context, kind: Kind) -> str:
    """The name of a stored entry. Two contexts never share one, nor do two origins, nor two users."""
    parts = [context.name, context.dialect, *context.secret_origins]
    if user := context.client_id or context.username:
        parts.append(user)
    return " ".join([*parts, kind])


def _stored(context: Context, kind: Kind, env: Mapping[str, str], *, remember: bool = True) -> Secret | None:
    """A context's secret is in one place only; the file is asked first since that costs nothing."""
    account = _account(context, kind)
    path = file_store.file_of(env)
    if (text := file_store.get(account, path)) is not None:
        return _secret(text, kind, Source.FILE, str(path))
    try:
        text, name = keyring_store.get(account, env, remember=remember)
    except NoKeyring:
        return None
    except KeyringFault as fault:
        raise NotAuthenticated(
            f"the credential of the context {context.name!r} cannot be read: {fault}",
            hint=_OTHER_WAYS.format(variable=VARIABLES[kind]),
        ) from None
    return None if text is None else _secret(text, kind, Source.KEYRING, name)


def _others_may_read(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
