"""Which file a process version names, and that it lies in the folder of scripts."""

from __future__ import annotations

import re
from pathlib import Path

# Windows opens a device for these, in any folder and with any suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f:*?\"<>|]")


class Refused(Exception):
    """The name leads nowhere, or out of the folder; the text says why."""


def find_script(folder: Path, name: str | None) -> Path:
    """The script in ``folder`` that ``name`` means; the suffix ``.py`` may be left out.

    :raises Refused: there is none, or the name leaves the folder.
    """
    if not name or not name.strip():
        raise Refused("the process version names no script")
    parts = name.strip().replace("\\", "/").split("/")
    if name.strip()[0] in "/\\" or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"the script name {name!r} leaves the scripts folder")
    for part in parts:
        if _CONTROL.search(part) or _DEVICES.fullmatch(part.rstrip(" .")):
            raise Refused(f"the script name {name!r} is not allowed")
    home = folder.resolve()
    for candidate in (home.joinpath(*parts), home.joinpath(*parts[:-1], f"{parts[-1]}.py")):
        # A link may lead anywhere, and what it leads to may change under our hands.
        if _has_link(home, candidate):
            raise Refused(f"the script name {name!r} goes through a symbolic link")
        if candidate.is_file() and candidate.resolve().is_relative_to(home):
            return candidate
    raise Refused(f"there is no script {name!r} in {folder}")


def _has_link(home: Path, path: Path) -> bool:
    return any(
        part.is_symlink() or part.is_junction() if hasattr(part, "is_junction") else part.is_symlink()
        for part in (path, *path.parents)
        if part.is_relative_to(home) and part != home
    )
