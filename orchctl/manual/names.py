"""The names that completions offer: of contexts, and of what this machine has seen. Never asks a server.

A key press waits for this: it imports as little as it can, and reads the configuration only when that changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from orchctl.errors import OrchctlError
from orchctl.paths import cache_dir, config_file, write_private

if TYPE_CHECKING:
    from orchctl.model import Json


class _Contexts(TypedDict):
    """What of a configuration counts here; ``stamp`` tells whether the file is still the one that was read."""

    stamp: list[Json]
    current: str | None
    origins: dict[str, str]


def lines(kind: str, words: Sequence[str], env: Mapping[str, str]) -> Iterator[str]:
    """Names one a line, for the command line ``words`` as far as it is typed; nothing where that is broken."""
    try:
        found = list(_names(kind, words, env))
    except OrchctlError:  # who presses TAB wants no error message
        return
    for name in found:
        if name.isprintable():
            yield name


def _names(kind: str, words: Sequence[str], env: Mapping[str, str]) -> Iterator[str]:
    named = _given(words, ("--config",)) or env.get("ORCHCTL_CONFIG")
    path = Path(named).expanduser() if named else config_file(env)
    chosen = _given(words, ("-c", "--context"))
    if kind == "context":
        yield from _contexts(path, env)["origins"]
        return
    origin = _origin(path, chosen, env)
    if origin is None:
        return
    from orchctl.registry import Registry

    seen = Registry.of(origin).seen(kind.replace("-", " "))
    count: dict[str, int] = {}
    for name in seen.values():
        count[name] = count.get(name, 0) + 1
    # A name that two objects share would be refused: then it is their ids.
    yield from sorted(name if name and count[name] == 1 else ident for ident, name in seen.items())


def _origin(path: Path, chosen: str | None, env: Mapping[str, str]) -> str | None:
    if chosen is None and env.get("ORCHCTL_URL"):
        from orchctl.config import load, select

        return select(load(path, env=env), env=env).origin
    known = _contexts(path, env)
    return known["origins"].get(chosen or env.get("ORCHCTL_CONTEXT") or known["current"] or "")


def _contexts(path: Path, env: Mapping[str, str]) -> _Contexts:
    """The contexts of a configuration, from the last time that this file was read, if it is the same."""
    try:
        status = path.stat()
    except OSError:
        return {"stamp": [], "current": None, "origins": {}}
    stamp: list[Json] = [str(path.absolute()), status.st_mtime_ns, status.st_size]
    memory = cache_dir(env) / "contexts.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept: _Contexts = json.loads(memory.read_bytes())
        if kept["stamp"] == stamp and isinstance(kept["origins"], dict):
            return kept
    from orchctl.config import load

    config = load(path, env=env)
    found: _Contexts = {
        "stamp": stamp,
        "current": config.current,
        "origins": {context.name: context.origin for context in config.contexts.values()},
    }
    with suppress(OrchctlError):
        write_private(memory, json.dumps(found).encode())
    return found


def _given(words: Sequence[str], flags: Sequence[str]) -> str | None:
    """What an option is set to, in any of its spellings; the last one counts."""
    found = None
    for word, following in zip(words, [*words[1:], ""], strict=False):
        flag, equals, value = word.partition("=")
        if flag in flags and (equals or following):
            found = value if equals else following
        elif len(flags) > 1 and word.startswith(flags[0]) and not word.startswith("--") and len(word) > 2:
            found = word[2:]
    return found
