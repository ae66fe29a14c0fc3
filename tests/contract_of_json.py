"""What any test prints with ``-o json`` is what ``orchctl schema`` says: results and the error object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import typer
from jsonschema import Draft202012Validator

from orchctl import schemas
from orchctl.cli.app import app

# What changes the shape of a result, or is none of the command's own.
_SHAPING = ("--query", "--fields", "-n", "--dry-run", "-h", "--help")


@cache
def commands() -> dict[tuple[str, ...], Any]:
    """Each command of the tree by its words."""
    return dict(_commands(typer.main.get_group(app), ()))


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.loaded().items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


@cache
def validator(name: str) -> Draft202012Validator:
    schema = schemas.schema(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def validate(argv: Sequence[str], result: Any) -> None:
    asked = ("-o", "json") in pairwise(argv) or "-ojson" in argv
    if not asked or not set(_SHAPING).isdisjoint(argv):
        return
    if result.code != 0 and result.err:
        validator("error").validate(json.loads(result.err))
    name = _type_shown(argv)
    if name is None or not result.out:
        return
    data = json.loads(result.out)
    for each in data if isinstance(data, list) else [data]:
        validator(name).validate(each)


def _rows_from(command: Any, argv: Sequence[str]) -> dict[str, str]:
    """With rows of a file the result is another: what became of each."""
    takes_rows = any(parameter.name == "rows_from" for parameter in command.params)
    return {"rows_from": "-"} if takes_rows and not {"--from", "--resume"}.isdisjoint(argv) else {}


def _type_shown(argv: Sequence[str]) -> str | None:
    words = [word for word in argv if not word.startswith("-")]
    for start in range(len(words)):
        for length in (3, 2, 1):
            command = commands().get(tuple(words[start : start + length]))
            if command is not None:
                kind = command.kind_for(_rows_from(command, argv))
                return None if kind is None else schemas.name_of(kind)
    return None
