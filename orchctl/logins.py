"""Logging in and out as the command line offers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from orchctl import credentials
from orchctl.config import Context
from orchctl.credentials import Status
from orchctl.errors import NotAuthenticated, UsageFault

if TYPE_CHECKING:
    from orchctl.client import Client

_REGISTRATION_SECONDS = 600.0
_NONE_NEEDED = "none is needed: this orchestrator runs inside orchctl"


def given(
    context: Context,
    *,
    stdin: Callable[[], bytes] | None,
    file: Path | None,
    ask: Callable[[str], str],
) -> str:
    """The secret, from wherever the user wants it read."""
    if context.embedded:
        raise UsageFault(f"there is nothing to log in to in the context {context.name!r}: {_NONE_NEEDED}")
    if stdin is not None and file is not None:
        raise UsageFault("--token-stdin and --token-file are two answers to one question")
    if stdin is not None:
        return credentials.decoded(stdin(), "standard input")
    if file is not None:
        return credentials.read_file(file)
    text = ask(f"{credentials.kind_of(context)} for {context.name} ({context.origin}): ")
    return credentials.decoded(text.encode(errors="surrogateescape"), "the answer")


def log_in(
    context: Context,
    *,
    registers: bool,
    client: Callable[[], Client],
    stdin: Callable[[], bytes] | None,
    file: Path | None,
    ask: Callable[[str], str],
    env: Mapping[str, str],
    insecure: bool,
    system: str | None,
    timeout: float | None,
    dry_run: bool = False,
) -> Status:
    """Store the secret that the user gives, or, where a client ``registers`` itself, one that is made here.

    ``system`` is the name to register under, ``timeout`` how long to wait for being let in.
    """
    if registers and not context.embedded:
        own = given(context, stdin=stdin, file=file, ask=ask) if stdin or file else None
        return _register(
            context,
            client(),
            own,
            env=env,
            insecure=insecure,
            system=system or f"orchctl on {gethostname()}",
            timeout=timeout,
            dry_run=dry_run,
        )
    if system is not None or timeout is not None:
        raise UsageFault(
            "--system and --timeout are for orchestrators where a client registers itself (ELMA)"
        )
    secret = given(context, stdin=stdin, file=file, ask=ask)
    return login(context, secret, env=env, insecure=insecure, dry_run=dry_run)


def _register(
    context: Context,
    client: Client,
    own: str | None,
    *,
    env: Mapping[str, str],
    insecure: bool,
    system: str,
    timeout: float | None,
    dry_run: bool,
) -> Status:
    """With the UUID given, else with the one there is, which an earlier login may have left waiting."""
    kept = credentials.find(context, env) if own is None else None
    uuid = own or (kept.value if kept is not None else str(uuid4()))
    try:
        UUID(uuid)
    except ValueError:
        raise NotAuthenticated(
            "the credential of an external system is a UUID, and this is none",
            hint=f"orchctl auth logout -c {context.name}, then orchctl auth login makes one",
        ) from None
    if kept is None:
        # Before the request: a registration whose secret was lost would be of no use to anybody.
        credentials.store(context, uuid, env=env, insecure=insecure, dry_run=dry_run)
    client.register_system(
        uuid,
        name=system,
        is_new=own is None and kept is None,
        timeout=_REGISTRATION_SECONDS if timeout is None else timeout,
    )
    return credentials.status(context, env)


def login(
    context: Context, secret: str, *, env: Mapping[str, str], insecure: bool, dry_run: bool = False
) -> Status:
    """Store a secret, and tell which one is used from now on: that of the environment would still win."""
    credentials.store(context, secret, env=env, insecure=insecure, dry_run=dry_run)
    return credentials.status(context, env)


def logout(
    context: Context, *, env: Mapping[str, str], note: Callable[[str], None], dry_run: bool = False
) -> Status:
    if not dry_run and not credentials.forget(context, env):
        note(f"nothing was stored for the context {context.name!r}")
    return status(context, env=env)[0]


def status(context: Context, *, env: Mapping[str, str]) -> tuple[Status, NotAuthenticated | None]:
    """Where the secret comes from, and the error that a command in need of one would end with."""
    if context.embedded:
        unneeded = Status(
            context=context.name, dialect=context.dialect, origin=context.origin, kind=None, present=False
        )
        return replace(unneeded, problem=_NONE_NEEDED), None
    found = credentials.status(context, env)
    if found.present:
        return found, None
    return found, credentials.missing(context, found.problem)


def secret(context: Context, *, env: Mapping[str, str], note: Callable[[str], None]) -> str:
    """:raises NotAuthenticated: there is none."""
    if context.embedded:
        raise NotAuthenticated(f"there is no credential in the context {context.name!r}: {_NONE_NEEDED}")
    return credentials.require(context, env, notify=note).value
