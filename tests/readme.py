"""The parts of the README that are made of the program, between ``<!-- generated: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import io
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from orchctl import topics
from orchctl.cli.app import Tree, main
from orchctl.config.rules import CONTEXT_RULES, DEFAULTS_RULES
from orchctl.dialects import DIALECTS
from orchctl.dialects.base import Dialect, Feature
from orchctl.streams import Streams
from tests.contract_of_json import commands

_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.S)
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CUT_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]+…")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d")

# What a newcomer does; the code that a command ends with stands after "#!".
TOUR = (
    "orchctl sandbox init -o name",
    "orchctl queue create --name Invoices --unique-tasks -o name",
    "orchctl task create -q Invoices --name INV-1 -p currency=EUR -P amount=12.5 -o name",
    "orchctl task create -q Invoices --name INV-2 -P amount=900 --priority high --tag vip -o name",
    "orchctl task list -q Invoices",
    "orchctl task next -q Invoices --take --fields name,status,payload",
    "orchctl task finish INV-2 --status success --result '{\"posted\": true}' -o name",
    "orchctl queue stats",
    "orchctl task list -q Invoices --query \"[?status=='success'].output\" -o json",
    "orchctl task create -q Invocies --name INV-3 #!4",
    "orchctl task create -q Invoices --name INV-3 --dry-run",
    "orchctl doctor --fields name,status",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fresh(text: str) -> str:
    """The README with each generated part as it must be."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}{_PARTS[match[2]]()}{match[3]}"

    return _PART.sub(part, text)


def tour() -> str:
    """The tour on a terminal of 80 columns; ids and times are the same each time."""
    with tempfile.TemporaryDirectory() as folder:
        env = {
            f"XDG_{name}_HOME": f"{folder}/{name.lower()}" for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        env |= {
            "NO_COLOR": "1",
            "COLUMNS": "80",
            "TZ": "UTC",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        lines = []
        for line in TOUR:
            command, _, code = line.partition(" #!")
            lines += [f"$ {command}", *_run(command, env, int(code or 0), folder)]
    return "```console\n" + "\n".join(_settled(lines)) + "\n```\n"


def _run(command: str, env: Mapping[str, str], code: int, folder: str) -> list[str]:
    import os
    from unittest.mock import patch

    screen = Terminal()
    with patch.dict(os.environ, env):
        ended = main(
            shlex.split(command)[1:],
            env=env,
            streams=Streams(stdin=Terminal(), stdout=screen, stderr=screen, env=env),
        )
    assert ended == code, f"{command} ended with {ended}: {screen.getvalue()}"
    return [line.rstrip() for line in screen.getvalue().replace(folder, "/home/you").splitlines()]


def _settled(lines: Sequence[str]) -> Iterator[str]:
    known: dict[str, str] = {}
    for line in lines:
        for guid in _GUID.findall(line):
            known.setdefault(guid, f"01985c2e-7a40-7c00-8000-{len(known) + 1:012x}")
        text = _GUID.sub(lambda match: known[match[0]], line)
        for cut in _CUT_GUID.findall(text):  # a table that had to be narrow
            whole = next(guid for guid in known if guid.startswith(cut[:-1]))
            text = text.replace(cut, known[whole][: len(cut) - 1] + "…")
        yield _TIME.sub(r"2026-07-30\g<1>09:00:00", text)


def command_list() -> str:
    rows = ["| command | |", "|---|---|"]
    for words, command in commands().items():
        usage = " ".join(("orchctl", *words, *_arguments(command)))
        rows.append(f"| `{usage.replace('|', chr(92) + '|')}` | {command.summary.rstrip('.')} |")
    return "\n".join(rows) + "\n"


def _arguments(command: Any) -> Iterator[str]:
    for param in command.params:
        if param.param_type_name == "argument":
            yield param.metavar or param.name.upper()


def feature_matrix() -> str:
    dialects = [_dialect(target) for target in DIALECTS.values()]
    rows = [f"| | {' | '.join(dialect.title for dialect in dialects)} |", f"|---|{'---|' * len(dialects)}"]
    for feature in Feature:
        marks = " | ".join("✓" if feature in dialect.features else "–" for dialect in dialects)
        rows.append(f"| {feature.value.replace('_', ' ')} | {marks} |")
    rows.append("")
    for dialect in dialects:
        rows += [f"What {dialect.title} cannot do, and what to do instead:", ""]
        by_gap: dict[tuple[str, str], list[str]] = {}
        for feature, gap in dialect.gaps.items():
            by_gap.setdefault((gap.reason, gap.instead), []).append(feature.value.replace("_", " "))
        for (reason, instead), features in by_gap.items():
            rows.append(f"* {', '.join(features)}: {dialect.title} {reason}; {instead}")
        rows.append("")
    return "\n".join(rows[:-1]) + "\n"


def _dialect(target: str) -> type[Dialect]:
    module, _, name = target.partition(":")
    found: type[Dialect] = getattr(import_module(module), name)
    return found


def exit_codes() -> str:
    return _table(("code", "meaning"), topics.EXIT_CODES)


def environment() -> str:
    names = {f"`{name}`".replace(", ", "`, `"): meaning for name, meaning in topics.VARIABLES.items()}
    others = ", ".join(f"`{name}`" for name in topics.context_variables())
    return _table(("variable", ""), names) + f"\nThe other keys of a context made of variables: {others}.\n"


def configuration() -> str:
    """Each key with the comment that stands over it in the example."""
    from tests.generated import TOP

    meanings: dict[str, str] = {}
    comment: list[str] = []
    for line in (TOP / "config.example.yaml").read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment.append(text.lstrip("# "))
        elif match := re.match(r"([a-z-]+):", text):
            if comment:
                meanings.setdefault(match[1], " ".join(" ".join(comment).split()))
            comment = []
        else:
            comment = []
    wanted = ("current-context", *DEFAULTS_RULES, *CONTEXT_RULES)
    missing = [key for key in wanted if key not in meanings]
    assert not missing, f"config.example.yaml does not explain {missing}"
    return _table(("key", "meaning"), {f"`{key}`": meanings[key] for key in wanted})


def _table(head: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {name} | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in rows.items()]
    return "\n".join(lines) + "\n"


def nouns() -> str:
    return ", ".join(f"`{name}`" for name in Tree.nouns) + "\n"


_PARTS = {
    "tour": tour,
    "commands": command_list,
    "features": feature_matrix,
    "exit-codes": exit_codes,
    "environment": environment,
    "configuration": configuration,
}
