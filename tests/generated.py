"""Files that are made of the program: ``python -m tests.generated`` writes them, a test proves them fresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from orchctl import schemas
from orchctl.cli.app import app
from orchctl.manual.install import FILES, SHELLS, script
from tests.readme import fresh

TOP = Path(__file__).parent.parent


def files() -> Iterator[tuple[Path, str]]:
    """Each generated file and what it must hold."""
    root = typer.main.get_group(app)
    for shell in SHELLS:
        yield TOP / "completions" / FILES[shell], script(shell, root)
    for name in schemas.names():
        path, schema = TOP / "tests" / "schemas" / f"{name}.json", schemas.schema(name)
        if path.exists():
            only_adds(json.loads(path.read_text(encoding="utf-8")), schema, name)
        yield path, json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    readme = TOP / "README.md"
    yield readme, fresh(readme.read_text(encoding="utf-8"))


def only_adds(before: Any, now: Any, place: str) -> None:
    """:raises AssertionError: a schema lost something, or has something else in its place.

    Who really means that removes the file under ``tests/schemas`` first, and raises ``schemas.VERSION``.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in before.items():
            assert key in now, f"{place}: {key} is gone"
            only_adds(value, now[key], f"{place}.{key}")
    elif isinstance(before, list) and isinstance(now, list):
        assert set(map(str, before)) <= set(map(str, now)), f"{place}: {before} is more than {now}"
    else:
        assert before == now, f"{place}: {before} has become {now}"


def main() -> None:
    for path, text in files():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
