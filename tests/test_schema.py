"""``orchctl schema``: golden, additive only, and one for the result of every command."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchctl import schemas
from tests.contract_of_json import commands
from tests.generated import only_adds

GOLDEN = Path(__file__).parent / "schemas"


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_the_golden_one(orchctl: Any, name: str) -> None:
    """``python -m tests.generated`` adds what is new; it refuses to take anything away."""
    printed = orchctl("schema", name)
    assert (printed.code, printed.err) == (0, "")
    Draft202012Validator.check_schema(printed.json)
    assert printed.json == json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def test_a_schema_may_grow_and_not_shrink() -> None:
    task: Any = schemas.schema("task")
    grown = copy.deepcopy(task)
    grown["properties"]["more"] = {"type": "string"}
    only_adds(task, grown, "task")
    without, other, optional = (copy.deepcopy(task) for _ in range(3))
    del without["properties"]["error"]
    other["properties"]["error"] = {"type": "string"}
    optional["required"].remove("error")
    for changed in (without, other, optional):
        with pytest.raises(AssertionError):
            only_adds(task, changed, "task")


def test_there_is_no_golden_file_without_a_schema() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(schemas.names())


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_what_each_command_shows_has_a_schema(words: tuple[str, ...]) -> None:
    kind = commands()[words].shown_kind()
    if kind is not None:
        name = schemas.name_of(kind)
        assert name is not None, f"add {kind.__name__} to orchctl.schemas.TYPES"
        assert schemas.kind_of(name) is kind


def test_the_names_of_the_contract_are_there(orchctl: Any) -> None:
    wanted = "task queue queue-stats job asset log-entry robot process process-version trigger folder error"
    assert set(wanted.split()) <= set(orchctl("schema").json)


def test_an_unknown_type_is_guessed(orchctl: Any) -> None:
    result = orchctl("schema", "log_enrty")
    assert result.code == 2
    assert result.err.startswith(
        "orchctl: 'log_enrty' is no output type\nhint: did you mean log-entry? one of: task, "
    )


def test_a_result_and_an_error_are_told_from_others() -> None:
    task = Draft202012Validator(schemas.schema("task"))
    assert not task.is_valid({"id": "1"})
    error = {"code": "usage", "exit_code": 2, "message": "m", "hint": None, "request_id": None, "notes": []}
    assert Draft202012Validator(schemas.schema("error")).is_valid({"error": error})
    assert not Draft202012Validator(schemas.schema("error")).is_valid({"error": {**error, "exit_code": 99}})
