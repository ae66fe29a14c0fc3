"""Contexts as the command line offers them, each together with the credential that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchctl import config as configuration
from orchctl.config import Config, Context, existing, select
from orchctl.dialects import DIALECTS
from orchctl.errors import LocalFault, OrchctlError, UsageFault
from orchctl.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRow:
    """A line of ``context list``."""

    name: str
    current: bool
    dialect: str
    url: str
    auth: str | None
    protected: bool


def listing(config: Config) -> Iterator[ContextRow]:
    for context in config.contexts.values():
        yield _row(context, config)


def show(config: Config, name: str | None, env: Mapping[str, str], *, chosen: str | None) -> Context:
    """The named context, else the one that commands talk to (``chosen`` is what -c says)."""
    return (existing(config, name) if name else select(config, name=chosen, env=env)).shown


def add(
    config: Config,
    name: str,
    settings: Mapping[str, Json],
    *,
    note: Callable[[str], None],
    current: bool | None = None,
    dry_run: bool = False,
) -> ContextRow:
    """Add a context; what would keep it from being used is told at once."""
    known_dialect(settings.get("dialect"))
    changed = configuration.add_context(
        config.path, name=name, settings=settings, current=current, dry_run=dry_run
    )
    try:
        configuration.choose(changed, name=name, env={})
    except LocalFault as error:
        note(f"{error.message}; {error.hint}")
    return _row(changed.contexts[name], changed)


def known_dialect(name: Json) -> None:
    """:raises UsageFault: orchctl does not speak it."""
    if name not in DIALECTS:
        from difflib import get_close_matches

        close = get_close_matches(str(name), DIALECTS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of: {', '.join(DIALECTS)}"
        raise UsageFault(f"unknown dialect {name!r}", hint=hint)


def use(config: Config, name: str, *, dry_run: bool = False) -> ContextRow:
    changed = configuration.use_context(config.path, name=name, dry_run=dry_run)
    return _row(changed.contexts[name], changed)


def rename(
    config: Config,
    name: str,
    to: str,
    *,
    env: Mapping[str, str],
    note: Callable[[str], None],
    dry_run: bool = False,
) -> ContextRow:
    """A stored credential goes along. Where that fails, the context has its new name all the same."""
    from orchctl import credentials

    changed = configuration.rename_context(config.path, name=name, to=to, dry_run=dry_run)
    new = changed.contexts[to]
    old = replace(new, name=name)
    if not dry_run and not old.embedded:
        try:
            credentials.move(old, new, env)
        except OrchctlError as error:
            note(f"its credential did not come along: {error.message}; orchctl auth login -c {to}")
    return _row(new, changed)


def remove(
    config: Config,
    name: str,
    *,
    env: Mapping[str, str],
    note: Callable[[str], None],
    dry_run: bool = False,
) -> None:
    """A stored credential goes with it. Where that fails, the context is gone all the same."""
    from orchctl import credentials

    gone = existing(config, name)
    configuration.remove_context(config.path, name=name, dry_run=dry_run)
    if not dry_run and not gone.embedded:
        try:
            credentials.forget(gone, env)
        except OrchctlError as error:
            note(error.message)
    if config.current == name:
        note("there is no current context now: orchctl context use NAME")


def _row(context: Context, config: Config) -> ContextRow:
    return ContextRow(
        name=context.name,
        current=context.name == config.current,
        dialect=context.dialect,
        url=context.url,
        auth=context.auth,
        protected=context.protected,
    )
