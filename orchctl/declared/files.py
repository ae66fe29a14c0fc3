"""The YAML of declared objects, read with every fault told by file and line, and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchctl.declared.kinds import BY_PLURAL, Fields, Kind
from orchctl.errors import LocalFault
from orchctl.guess import did_you_mean
from orchctl.model.words import SECRET_ASSETS
from orchctl.sanitize import register_secret
from orchctl.yaml_text import Listing, Node, Scalar, Table, read, value

if TYPE_CHECKING:
    from orchctl.model import Json

_FLAGS = ("unique_tasks", "auto_change_status", "continuous", "enabled")
_NUMBERS = ("max_retries", "max_runs")
_SOURCES = ("env", "keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An object as a file wants it: only the fields that it names. ``secret`` is looked up, never written."""

    kind: Kind
    name: str
    fields: Fields
    secret: str | None = None


def parse(text: str, *, source: str, env: Mapping[str, str]) -> list[Wanted]:
    """:raises LocalFault: a fault in the file, or a secret that it names is nowhere; told with the line."""
    tree = read(text, source=source)
    if tree is None:
        return []
    if not isinstance(tree, Table):
        raise LocalFault(f"{source}: expected {', '.join(BY_PLURAL)}, each with a list")
    found = []
    for plural, (key, node) in tree.entries.items():
        if plural not in BY_PLURAL:
            hint = did_you_mean(plural, BY_PLURAL) or f"one of: {', '.join(BY_PLURAL)}"
            raise LocalFault(f"{source}:{key.line}: unknown kind {plural!r}", hint=hint)
        if isinstance(node, Scalar) and value(node) is None:
            continue
        if not isinstance(node, Listing):
            raise LocalFault(f"{source}:{key.line}: expected a list of {plural}")
        found += [_object(BY_PLURAL[plural], item, source, env) for item in node.items]
    _refuse_twice(found, source)
    return found


def _object(kind: Kind, node: Node, source: str, env: Mapping[str, str]) -> Wanted:
    if not isinstance(node, Table) or "name" not in node.entries:
        raise LocalFault(f"{source}:{node.line}: each {kind.name} needs a name")
    fields: Fields = {}
    secret = None
    for key, (at, inner) in node.entries.items():
        place = f"{source}:{at.line}"
        if key == "name":
            continue
        if key not in kind.fields:
            hint = did_you_mean(key, kind.fields) or f"fields of a {kind.name}: {', '.join(kind.fields)}"
            raise LocalFault(f"{place}: a {kind.name} has no field {key!r}", hint=hint)
        if key == "value_from":
            secret = _secret(inner, place, env)
        else:
            fields[key] = _value(kind, key, inner, place)
    name = node.entries["name"][1]
    if not isinstance(name, Scalar) or not name.text.strip():
        raise LocalFault(f"{source}:{node.line}: a name is a text")
    if fields.get("type") in SECRET_ASSETS and fields.get("value") is not None:
        raise LocalFault(
            f"{source}:{node.line}: the secret of {name.text!r} stands in the file",
            hint="name where it is instead: value_from: {env: VARIABLE} or {keyring: NAME}",
        )
    return Wanted(kind=kind, name=name.text, fields=fields, secret=secret)


def _value(kind: Kind, key: str, node: Node, place: str) -> Json:
    found = value(node)
    if found is None:
        return None
    if key in _FLAGS and not isinstance(found, bool):
        raise LocalFault(f"{place}: {key} is true or false, not {found!r}")
    if key in _NUMBERS and (not isinstance(found, int) or isinstance(found, bool) or found < 0):
        raise LocalFault(f"{place}: {key} is a whole number, not {found!r}")
    if key in kind.times:
        return _moment(node, key, place)
    if key not in (*_FLAGS, *_NUMBERS, "value"):
        if not isinstance(node, Scalar):
            raise LocalFault(f"{place}: {key} is a text")
        return node.text
    return found


def _moment(node: Node, key: str, place: str) -> Json:
    """Kept as RFC 3339 in UTC, as an export writes it."""
    from orchctl.times import rfc3339

    try:
        when = datetime.fromisoformat(node.text if isinstance(node, Scalar) else "")
    except ValueError:
        raise LocalFault(f"{place}: {key} is a time such as 2026-01-31T18:00:00Z") from None
    return rfc3339(when.replace(tzinfo=when.tzinfo or UTC))


def _secret(node: Node, place: str, env: Mapping[str, str]) -> str:
    entries = node.entries if isinstance(node, Table) else {}
    where, (_, inner) = next(iter(entries.items()), ("", (None, None)))
    if len(entries) != 1 or where not in _SOURCES or not isinstance(inner, Scalar):
        raise LocalFault(f"{place}: value_from is {{env: VARIABLE}} or {{keyring: NAME}}")
    secret = env.get(inner.text) if where == "env" else _from_keyring(inner.text, place, env)
    if not secret:
        fix = f"set the variable {inner.text}" if where == "env" else f"keyring set orchctl {inner.text}"
        raise LocalFault(f"{place}: there is no secret in {where} {inner.text}", hint=fix)
    register_secret(secret)
    return secret


def _from_keyring(name: str, place: str, env: Mapping[str, str]) -> str | None:
    from orchctl.credentials import keyring_store

    try:
        return keyring_store.get(name, env)[0]
    except keyring_store.KeyringFault as fault:
        raise LocalFault(f"{place}: {fault}", hint="give the secret by env instead of keyring") from None


def _refuse_twice(found: Iterable[Wanted], source: str) -> None:
    seen = set()
    for each in found:
        if (each.kind.name, each.name) in seen:
            raise LocalFault(f"{source}: the {each.kind.name} {each.name!r} stands there twice")
        seen.add((each.kind.name, each.name))


def load(name: str, stdin: bytes | None, *, env: Mapping[str, str]) -> list[Wanted]:
    """What a file, or standard input for ``-``, declares."""
    try:
        data = Path(name).read_bytes() if stdin is None else stdin
    except OSError as error:
        raise LocalFault(f"cannot read {name}: {error.strerror}") from None
    source = "standard input" if stdin is not None else name
    try:
        return parse(data.decode("utf-8-sig"), source=source, env=env)
    except UnicodeDecodeError:
        raise LocalFault(f"{source} is not UTF-8 text") from None


def declared(kind: Kind, name: str, fields: Fields) -> Fields:
    """An object as a file has it: what the orchestrator does not say is left out, a secret by reference."""
    found: Fields = {"name": name}
    found |= {key: item for key, item in fields.items() if item is not None and key != "secret"}
    if "secret" in fields:
        variable = re.sub(r"\W+", "_", name.upper(), flags=re.ASCII).strip("_") or "SECRET"
        found["value_from"] = {"env": variable if variable[0].isalpha() else f"ASSET_{variable}"}
    return found
