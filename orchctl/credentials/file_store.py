"""The file that keeps secrets for those who chose ``--insecure-storage``: mode 0600, not encrypted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchctl.errors import LocalFault
from orchctl.paths import data_dir, locked, reason, write_private


def file_of(env: Mapping[str, str]) -> Path:
    return data_dir(env) / "credentials.json"


def get(account: str, path: Path) -> str | None:
    entry = _entries(path).get(account)
    secret = entry.get("secret") if isinstance(entry, dict) else None
    return secret if isinstance(secret, str) else None


def keep(account: str, value: str, path: Path) -> None:
    with _changing(path) as entries:
        entries[account] = {"secret": value}


def remove(accounts: Sequence[str], path: Path) -> bool:
    """Remove what is kept for these accounts. Whether there was anything."""
    if not any(account in _entries(path) for account in accounts):
        return False
    with _changing(path) as entries:
        return any([entries.pop(account, None) is not None for account in accounts])  # noqa: C419  # all go


def _entries(path: Path) -> dict[str, Any]:
    """What the file holds: ``{"version": 1, "credentials": {account: {"secret": ...}}}``."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LocalFault(f"cannot read {path}: {reason(error)}") from None
    except ValueError:
        content = None
    entries = content.get("credentials") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not isinstance(content, dict) or content.get("version") != 1:
        raise LocalFault(
            f"{path} is damaged, or of a newer orchctl",
            hint="move it away and log in again",
        )
    return entries


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, Any]]:
    with locked(path.with_suffix(".lock"), wait=10.0, what=str(path)):
        entries = _entries(path)
        yield entries
        write_private(path, json.dumps({"version": 1, "credentials": entries}, indent=1).encode())
