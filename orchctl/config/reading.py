"""From a configuration file to its contexts: every fault is told with the file and the line."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from orchctl.config.model import Config, Context, Defaults
from orchctl.config.rules import (
    CONTEXT_RULES,
    DEFAULTS_RULES,
    Wrong,
    check_name,
    followed,
    is_nothing,
    refuse_unknown,
    table_of,
    text_of,
)
from orchctl.errors import LocalFault
from orchctl.paths import config_file, reason
from orchctl.yaml_text import Table, read

_LARGEST = 1 << 20
_TOP = ("current-context", "defaults", "contexts")


def load(path: Path | None = None, *, env: Mapping[str, str] | None = None) -> Config:
    """The configuration in ``path``, or in ``$ORCHCTL_CONFIG``, or in the platform's usual place.

    :raises LocalFault: it cannot be read, is not YAML, or has a key or value that is not allowed.
    """
    env = os.environ if env is None else env
    if path is None:
        named = env.get("ORCHCTL_CONFIG")
        path = Path(named) if named else config_file(env)
    found = bytes_of(path)
    if found is None:
        return Config(path=path)
    data, mode = found
    exposed = os.name == "posix" and bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
    return understood(text_of_bytes(data, path), path, exposed=exposed)


def understood(text: str, path: Path, *, exposed: bool) -> Config:
    """What a file's text means.

    :raises LocalFault: naming the file and the line.
    """
    tree = read(text, source=str(path))
    top = tree if tree is not None else read("{}", source="")
    try:
        entries = table_of(top, "current-context, defaults and contexts").entries
        refuse_unknown(entries, _TOP, "")
        parts = {key: node for key, (_, node) in entries.items() if not is_nothing(node)}
        current = text_of(parts["current-context"], path) if "current-context" in parts else None
        defaults = Defaults()
        if "defaults" in parts:
            table = table_of(parts["defaults"], "settings", "defaults")
            defaults = Defaults(**followed(table, DEFAULTS_RULES, path.parent, "defaults"))
        contexts = {}
        if "contexts" in parts:
            for name, (key, node) in table_of(parts["contexts"], "contexts", "contexts").entries.items():
                check_name(name, key)
                contexts[name] = context_of(name, table_of(node, "settings", f"contexts.{name}"), path.parent)
    except Wrong as wrong:
        line = f":{wrong.node.line}" if wrong.node else ""
        raise LocalFault(
            f"{path}{line}: {f'{wrong.key}: ' if wrong.key else ''}{wrong.why}", hint=wrong.hint
        ) from None
    return Config(
        path=path,
        exists=True,
        exposed=exposed,
        current=current,
        defaults=defaults,
        contexts=MappingProxyType(contexts),
    )


def context_of(name: str, table: Table, base: Path) -> Context:
    values = followed(table, CONTEXT_RULES, base, f"contexts.{name}")
    for key in ("dialect", "url"):
        if key not in values:
            raise Wrong(f"the context {name!r} has no {key}", node=table, hint=f"add {key}: ...")
    if "client_key" in values and "client_cert" not in values:
        raise Wrong(f"the context {name!r} has a client-key but no client-cert", node=table)
    return Context(name=name, **values)


def bytes_of(path: Path) -> tuple[bytes, int] | None:
    """Content and mode, None where there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
            mode = os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LocalFault(
            f"cannot read the configuration {path}: {reason(error)}",
            hint="name another one with --config, or put this right",
        ) from None
    if len(data) > _LARGEST:
        raise LocalFault(f"the configuration {path} is larger than 1 MiB")
    return data, mode


def text_of_bytes(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LocalFault(f"{path}:{line}: this is not UTF-8", hint="save the file as UTF-8") from None
