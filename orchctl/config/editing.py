"""Changes to a configuration file: few lines at a time, under a lock, never to a file that is broken.

With ``dry_run`` all of it is checked and nothing is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from orchctl.config.choosing import existing
from orchctl.config.model import Config
from orchctl.config.reading import bytes_of, context_of, text_of_bytes, understood
from orchctl.config.rules import PLACES, Wrong, check_name, field_name, table_of
from orchctl.errors import LocalFault, UsageFault
from orchctl.model import Json
from orchctl.paths import locked, private_dir, write_private
from orchctl.yaml_text import drop, node_of, put, rename

_LOCK_WAIT = 10.0
_CURRENT = ("current-context",)
_HEADER = """\
# What orchctl connects to. The project's config.example.yaml explains every key.
# Commands such as `orchctl context add` change only the lines concerned: comments and order stay.
"""


def add_context(
    path: Path,
    *,
    name: str,
    settings: Mapping[str, Json],
    current: bool | None = None,
    dry_run: bool = False,
) -> Config:
    """Add a context with the file's keys; those that are ``None`` are left out.

    Relative paths are taken from the working directory and written down absolute. ``current`` None makes the
    context the current one if there was none.

    :raises UsageFault: a setting is not allowed.
    :raises LocalFault: there is such a context, or the file cannot be changed.
    """
    given: dict[str, Json] = {
        key.replace("_", "-"): item for key, item in settings.items() if item is not None
    }
    here = Path.cwd()
    try:
        check_name(name)
        checked = context_of(name, table_of(node_of(given)), here)
    except Wrong as wrong:
        raise UsageFault(f"--{wrong.key}: {wrong.why}" if wrong.key else wrong.why, hint=wrong.hint) from None
    # What depends on the working directory is written as it was understood.
    given.update({key: getattr(checked, field_name(key)) for key in PLACES if key in given})

    def change(text: str, config: Config) -> str:
        if name in config.contexts:
            raise _taken(name)
        if current or (current is None and config.current is None):
            text = put(text, _CURRENT, name)
        return put(text, ("contexts", name), given)

    return _rewrite(path, change, dry_run=dry_run)


def rename_context(path: Path, *, name: str, to: str, dry_run: bool = False) -> Config:
    """Give a context another name; if it is the current one it stays so."""
    try:
        check_name(to)
    except Wrong as wrong:
        raise UsageFault(wrong.why, hint=wrong.hint) from None

    def change(text: str, config: Config) -> str:
        existing(config, name)
        if to in config.contexts:
            raise _taken(to)
        text = rename(text, ("contexts", name), to)
        return put(text, _CURRENT, to) if config.current == name else text

    return _rewrite(path, change, dry_run=dry_run)


def remove_context(path: Path, *, name: str, dry_run: bool = False) -> Config:
    """Remove a context; if it was the current one, there is none then."""

    def change(text: str, config: Config) -> str:
        existing(config, name)
        text = drop(text, ("contexts", name))
        return drop(text, _CURRENT) if config.current == name else text

    return _rewrite(path, change, dry_run=dry_run)


def use_context(path: Path, *, name: str, dry_run: bool = False) -> Config:
    """Make a context the current one."""

    def change(text: str, config: Config) -> str:
        existing(config, name)
        return put(text, _CURRENT, name)

    return _rewrite(path, change, dry_run=dry_run)


def _rewrite(path: Path, change: Callable[[str, Config], str], *, dry_run: bool) -> Config:
    """Change the file's text while no other orchctl does; what could not be read back is not written."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise LocalFault(f"{path} is not an ordinary file, so it cannot be changed")
    private_dir(target.parent)
    with locked(target.with_name(f".{target.name}.lock"), wait=_LOCK_WAIT, what=str(path)):
        found = bytes_of(path)
        old = text_of_bytes(found[0], path) if found else ""
        before = understood(old, path, exposed=False)
        new = change(old if found else _HEADER, before)
        if "\r\n" in old:
            new = re.sub(r"\r?\n", "\r\n", new)
        after = understood(new, path, exposed=False)
        if new != old and not dry_run:
            write_private(path, new.encode())
    return after


def _taken(name: str) -> LocalFault:
    return LocalFault(
        f"there is a context {name!r} already",
        hint=f"choose another name, or: orchctl context remove {name}",
    )
