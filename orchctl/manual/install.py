"""Where each shell looks for a user's own completions, and what has to be said to one that does not look."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from orchctl.errors import LocalFault, UsageFault
from orchctl.guess import did_you_mean

SHELLS = ("bash", "zsh", "fish", "powershell")
# The names under which packages keep them; the wheel's data files have the same.
FILES = {"bash": "orchctl", "zsh": "_orchctl", "fish": "orchctl.fish", "powershell": "orchctl.ps1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionPlace:
    """Where the completion of a shell was written."""

    shell: str
    path: str


def script(shell: str, root: Any) -> str:
    """The completion for a shell, from the command tree."""
    from orchctl.manual.tree import entries

    write: Callable[[Iterable[Any]], str] = import_module(f"orchctl.manual.{shell}").script
    return write(entries(root))


def chosen(shell: str | None, env: Mapping[str, str]) -> str:
    """The shell that is named, else the user's own.

    :raises UsageFault: it is none that completions are made for.
    """
    known = f"one of: {', '.join(SHELLS)}"
    if shell is None:
        shell = "powershell" if sys.platform == "win32" else Path(env.get("SHELL", "")).name
        if shell not in SHELLS:
            raise UsageFault("which shell?", hint=f"name it, {known}")
    name = {"pwsh": "powershell"}.get(shell.lower(), shell.lower())
    if name not in SHELLS:
        raise UsageFault(f"there is no completion for {shell!r}", hint=did_you_mean(shell, SHELLS) or known)
    return name


def place(shell: str, env: Mapping[str, str]) -> Path:
    """The file in which the shell looks for completions of its user."""
    home = Path(env.get("HOME") or Path.home())
    data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    match shell:
        case "bash":
            folder = env.get("BASH_COMPLETION_USER_DIR")
            return (Path(folder) if folder else data / "bash-completion") / "completions" / FILES[shell]
        case "zsh":
            return data / "zsh" / "site-functions" / FILES[shell]
        case "fish":
            return config / "fish" / "completions" / FILES[shell]
        case _:
            return data / "orchctl" / FILES[shell]


def install(
    shell: str | None, root: Any, *, env: Mapping[str, str], note: Callable[[str], None], dry_run: bool
) -> CompletionPlace:
    """Write the completion where the shell looks, and say what is left for the user to do.

    :raises LocalFault: it cannot be written.
    """
    shell = chosen(shell, env)
    path = place(shell, env)
    if not dry_run:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script(shell, root), encoding="utf-8", newline="\n")
        except OSError as error:
            raise LocalFault(f"cannot write {path}: {error.strerror}") from None
    note(_rest(shell, path))
    return CompletionPlace(shell=shell, path=str(path))


def _rest(shell: str, path: Path) -> str:
    match shell:
        case "bash":
            return f"open a new bash; without the package bash-completion, put this in ~/.bashrc: . {path}"
        case "zsh":
            return f"put this in ~/.zshrc, before compinit: fpath=({path.parent} $fpath)"
        case "fish":
            return "open a new fish"
        case _:
            return f"put this in the file that $PROFILE names: . '{path}'"
