"""A small world to try commands on: an embedded orchestrator with one of everything, made once and copied."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from orchctl.cli.app import main
from orchctl.streams import Streams

# Each line, and what stands for the id that it printed in the examples of help texts.
_MADE = (
    ("queue create --name Invoices", ""),
    ("queue create --name Archive", ""),
    ("task create -q Invoices --name INV-1 -p currency=EUR -P amount=12.5", "sandbox play"),
    ("robot create --name R1", "da8bc2f0-8065-4385-b867-405e66b8e151"),
    ("robot group create --name Night", ""),
    ("robot group create --name G", ""),
    ("process create --name Invoices", ""),
    ("process create --name P", ""),
    ("process version create Invoices {folder}/invoices.robot", "process version"),
    ("job create --process Invoices --robot R1 --task INV-1", "job"),
    ("asset create Greeting --type text --value Hello", ""),
    ("asset create Bank --type credential --username robot --value-stdin", ""),
    ("asset create Holidays --type calendar --value []", ""),
    ("log create --level error --message boom --robot R1", "log"),
    ("trigger create --name Daily --process P --group G --cron 0_8_*_*_1", ""),
    ("storage folder create --name Reports", ""),
    ("storage file create Reports {folder}/march.xlsx", "storage file"),
    ("account create --login branch --password-stdin", ""),
)
_FILES = {
    "invoices.robot": "a script",
    "march.xlsx": "a table",
    "report.xlsx": "a table",
    "holidays.json": "[]",
    "token.txt": "5f0c6b1e-1111-4222-8333-444444444444\n",
    "password.txt": "a-password\n",
    "invoice.json": '{"amount": 1}',
    "invoices.csv": "name,priority\nINV-8,high\nINV-9,low\n",
    "queues.csv": "name\nQ8\nQ9\n",
    "assets.csv": "name,type,value\nA8,text,x\n",
    "rpa.yaml": "queues:\n- name: Invoices\n  description: From the mailbox\n- name: Refunds\n",
}


@dataclass(frozen=True)
class World:
    """``ids`` are those of the objects that have no name to call them by."""

    folder: Path
    ids: Mapping[str, str]
    served: str

    def copy(self, to: Path) -> World:
        shutil.copytree(self.folder, to)
        config = to / "config" / "orchctl" / "config.yaml"
        config.write_text(
            config.read_text(encoding="utf-8").replace(str(self.folder), str(to)), encoding="utf-8"
        )
        config.chmod(0o600)
        return World(to, self.ids, self.served)

    @property
    def env(self) -> dict[str, str]:
        return environment(self.folder)

    @property
    def database(self) -> Path:
        return self.folder / "data" / "orchctl" / "sandbox.db"

    def content(self) -> list[str]:
        """All that the orchestrator keeps, as text."""
        with closing(sqlite3.connect(self.database)) as connection:
            return list(connection.iterdump())

    def files(self) -> dict[str, bytes]:
        """All files with something in them, but for those that only remember what was seen."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.stat().st_size
            and not path.name.startswith("sandbox.db")
            and not _is_memory(path)
        }


def _is_memory(path: Path) -> bool:
    return bool({"registry", "cache"} & set(path.parts)) or path.suffix == ".lock"


def environment(folder: Path) -> dict[str, str]:
    return {
        **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
        "PYTHON_KEYRING_BACKEND": "tests.credentials.keyring_doubles.Memory",
        "HOME": str(folder),
        "SHELL": "/bin/bash",
        "NO_COLOR": "1",
        "TZ": "UTC",
    }


def run(
    world_folder: Path, *argv: str, input: str = "", env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    env = environment(world_folder) | dict(env or {})
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, env):
        code = main(argv, env=env, streams=Streams(stdin=io.StringIO(input), stdout=out, stderr=err, env=env))
    return code, out.getvalue(), err.getvalue()


def build(folder: Path, *, served: str) -> World:
    """``served``: where the context ``prod`` leads."""
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    config = folder / "config" / "orchctl" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "current-context: sandbox\n"
        "contexts:\n"
        f"  sandbox: {{dialect: sherpa, url: 'sandbox:'}}\n"
        f"  prod: {{dialect: sherpa, url: '{served}'}}\n",
        encoding="utf-8",
    )
    config.chmod(0o600)
    ids: dict[str, str] = {}
    for line, stands_for in _MADE:
        words = [
            word.replace("_", " ") if "*" in word else word for word in line.format(folder=folder).split()
        ]
        code, out, err = run(folder, *words, "-o", "name", input="a-password\n")
        assert code == 0, f"{line}: {err}"
        ids[stands_for] = out.strip()
    return World(folder, ids, served)


def lines_of(help_text: str) -> Iterator[str]:
    """The example command lines in a help text."""
    for line in help_text.replace("\b\n", "").partition("Example:\n")[2].splitlines():
        if not line.strip():
            return
        yield line.strip()
