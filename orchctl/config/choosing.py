"""Which context a run talks to, and whether that one may be used as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchctl.config.model import Config, Context
from orchctl.config.rules import (
    CONTEXT_RULES,
    Wrong,
    close_match,
    field_name,
    flag,
    is_loopback,
    origin_of,
)
from orchctl.errors import LocalFault, UsageFault
from orchctl.yaml_text import Scalar

_MAKE = "orchctl context add NAME --dialect DIALECT --url URL"


def choose(config: Config, *, name: str | None = None, env: Mapping[str, str]) -> Context:
    """The context to use: ``name`` (the option), else the environment's, else the file's current one.

    :raises UsageFault: the environment contradicts itself.
    :raises LocalFault: there is no such context, or it cannot be used as it stands.
    """
    return _usable(select(config, name=name, env=env))


def select(config: Config, *, name: str | None = None, env: Mapping[str, str]) -> Context:
    """The same to look at only: it may be one that cannot be used."""
    if name is None and (context := _context_of_environment(env)):
        return context
    named = name or env.get("ORCHCTL_CONTEXT")
    wanted = named or config.current
    if wanted is None:
        raise LocalFault("no context is chosen", hint=_how_to_choose(config))
    if named is None and wanted not in config.contexts:
        raise LocalFault(
            f"there is no context {wanted!r}, which {config.path} calls the current one",
            hint=f"orchctl context use NAME; {_known(config)}",
        )
    return existing(config, wanted)


def _context_of_environment(env: Mapping[str, str]) -> Context | None:
    """The context that ORCHCTL_URL and ORCHCTL_DIALECT make; each other key has its variable as well."""
    if env.get("ORCHCTL_URL") and env.get("ORCHCTL_CONTEXT"):
        raise UsageFault(
            "ORCHCTL_URL and ORCHCTL_CONTEXT are both set, and each chooses a context",
            hint="unset one of them, or choose with -c",
        )
    if env.get("ORCHCTL_CONTEXT") or not (env.get("ORCHCTL_URL") or env.get("ORCHCTL_DIALECT")):
        return None
    for one, other in (("ORCHCTL_URL", "ORCHCTL_DIALECT"), ("ORCHCTL_DIALECT", "ORCHCTL_URL")):
        if not env.get(one):
            raise UsageFault(f"{other} is set and {one} is not", hint=f"set {one} too, or choose with -c")
    values = {}
    for key, rule in CONTEXT_RULES.items():
        variable = "ORCHCTL_" + field_name(key).upper()
        if text := env.get(variable):
            if rule is flag:
                text = {"1": "true", "0": "false"}.get(text, text.lower())
            try:
                values[field_name(key)] = rule(Scalar(text=text), Path.cwd())
            except Wrong as wrong:
                raise UsageFault(f"{variable}: {wrong.why}", hint=wrong.hint) from None
    return Context(name="env", **values)


def _usable(context: Context) -> Context:
    """:raises LocalFault: the context breaks a rule that counts only when it is used."""
    for url in (context.url, context.identity_url):
        if url and url.startswith("http://") and not context.allow_http and not is_loopback(url):
            raise LocalFault(
                f"the context {context.name!r} would send its secrets unencrypted to {origin_of(url)}",
                hint=f"use https, or if that network is trusted: {_allowing(context)}",
            )
    for key in ("ca-bundle", "client-cert", "client-key"):
        place = getattr(context, field_name(key))
        if place is not None and not Path(place).exists():
            raise LocalFault(f"the {key} of the context {context.name!r} is not there: {place}")
    if context.time_zone != "UTC":
        _known_zone(context)
    if context.proxy and "@" in context.proxy:
        _hide_password(context.proxy)
    return context


def _known_zone(context: Context) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(context.time_zone)
    except (KeyError, ValueError, OSError):
        raise LocalFault(
            f"no time zone {context.time_zone!r} is known here (time-zone of the context {context.name!r})",
            hint="a name such as Europe/Moscow; on Windows and in small containers: pip install tzdata",
        ) from None


def _allowing(context: Context) -> str:
    return "ORCHCTL_ALLOW_HTTP=true" if context.name == "env" else "allow-http: true in the context"


def _hide_password(url: str) -> None:
    from urllib.parse import unquote, urlsplit

    from orchctl.sanitize import register_secret

    password = urlsplit(url).password or ""
    register_secret(password)
    register_secret(unquote(password))


def existing(config: Config, name: str) -> Context:
    """:raises LocalFault: the file has no context of that name."""
    if name not in config.contexts:
        raise LocalFault(
            f"there is no context {name!r}", hint=close_match(name, config.contexts) or _known(config)
        )
    return config.contexts[name]


def _known(config: Config) -> str:
    if config.contexts:
        return f"the contexts in {config.path}: {', '.join(config.contexts)}"
    state = "has none yet" if config.exists else "does not exist"
    return f"{config.path} {state}; make one: {_MAKE}, or orchctl sandbox init"


def _how_to_choose(config: Config) -> str:
    if not config.contexts:
        return _known(config)
    return f"orchctl context use NAME, or -c NAME; there are: {', '.join(config.contexts)}"
