"""What ``orchctl asset`` and ``orchctl account`` ask for beside their call: values, and secrets never by option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl.errors import NotFound, UsageFault
from orchctl.model.words import SECRET_ASSETS
from orchctl.payload import parse_json
from orchctl.sanitize import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchctl.invocation import Invocation
    from orchctl.model import Asset, AssetChange, Json


def value_of(
    run: Invocation, kind: str, text: str | None, *, name: str, needs: str, from_stdin: bool, ask: bool
) -> tuple[Json, str | None]:
    """An asset's value and its secret, of which a type has one. ``ask``: for a secret that was not given.

    :raises UsageFault: a secret as an option, or a value that its type has no place for.
    """
    if text is not None and from_stdin:
        raise UsageFault("--value and --value-stdin are both given", hint="give one of them")
    if kind in SECRET_ASSETS:
        if text is not None:
            raise UsageFault(
                f"the secret of a {kind} is not given as an option: others could read it",
                hint="leave --value out to be asked for it, or feed --value-stdin",
            )
        if not from_stdin and not ask:
            return None, None
        what = f"the secret of {name}"
        return None, secret_of(run, what, "--value-stdin", needs=needs, from_stdin=from_stdin)
    if from_stdin:
        text = _from_stdin(run)
    return (None if text is None else _typed(kind, text)), None


def secret_of(run: Invocation, what: str, option: str, *, needs: str, from_stdin: bool) -> str:
    """A secret from standard input, or from a person at the terminal.

    :raises Unsupported: the orchestrator lacks the feature it ``needs``; nobody was asked.
    """
    from orchctl.dialects.base import Feature

    run.client.require(Feature(needs))
    if from_stdin:
        secret = _from_stdin(run)
    elif run.may_prompt:
        secret = run.ask_secret(f"{what[:1].upper()}{what[1:]}: ")
    else:
        raise UsageFault(f"{what} is needed, and there is no terminal to ask", hint=f"feed it to {option}")
    if not secret:
        raise UsageFault(f"{what} is empty")
    register_secret(secret)  # a server may repeat it in what it says
    return secret


def change(run: Invocation, ident: str, wanted: AssetChange, text: str | None, *, from_stdin: bool) -> Asset:
    """Change an asset; its type, which says what a value is, is asked of the orchestrator."""
    from dataclasses import fields, replace

    kind = wanted.type or run.client.get_asset(ident).type
    nothing_else = all(getattr(wanted, field.name) is None for field in fields(wanted))
    plain, secret = value_of(
        run, kind, text, name=ident, needs="update_asset", from_stdin=from_stdin, ask=nothing_else
    )
    return run.client.update_asset(ident, run.some(replace(wanted, value=plain, secret=secret)))


def calendar_days(run: Invocation, ident: str) -> Json:
    return _calendar(run.client.get_asset(ident)).value


def import_calendar(run: Invocation, ident: str, days: Json) -> Asset:
    """Replace the days of a calendar; one that is not there is created for all robots."""
    from orchctl import model

    try:
        _calendar(run.client.get_asset(ident))
    except NotFound:
        run.note(f"there is no calendar {ident!r} yet, so it is created for all robots")
        return run.client.create_asset(model.NewAsset(name=ident, type="calendar", value=days, scope="all"))
    return run.client.update_asset(ident, model.AssetChange(value=days))


def _calendar(asset: Asset) -> Asset:
    if asset.type != "calendar":
        raise UsageFault(f"{asset.name!r} is no calendar: its type is {asset.type}")
    return asset


def _from_stdin(run: Invocation) -> str:
    """All of standard input but the line break that ``echo`` and editors leave at its end."""
    try:
        text = run.streams.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageFault("standard input is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _typed(kind: str, text: str) -> Json:
    reader: Callable[[str], Any] = {
        "integer": _integer,
        "bool": _flag,
        "calendar": lambda days: parse_json(days, "the value of a calendar"),
    }.get(kind, str)
    value: Json = reader(text)
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageFault(f"{text!r} is no whole number") from None


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise UsageFault(f"{text!r} is neither true nor false")
    return text.lower() == "true"
