"""Is a request one that UiPath's own description of its API allows? The part of it that is needed lies beside.

``description.json`` names operations by method and path, their parameters, and the fields of their bodies. Null
is allowed for what is not required: the vendor's own guide sends it (seed 004), though the description says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

_DESCRIPTION = json.loads(Path(__file__).with_name("uipath").joinpath("description.json").read_text("utf-8"))
_OPERATIONS: Mapping[str, Any] = _DESCRIPTION["operations"]
_SCHEMAS: Mapping[str, Any] = _DESCRIPTION["schemas"]
_FOLDERS = (
    "x-uipath-organizationunitid",
    "x-uipath-folderkey",
    "x-uipath-folderpath",
    "x-uipath-folderpath-encoded",
)
# What the description marks on nearly all collections: no more than so many rows at once.
_LARGEST = 1000
_LARGEST_OF_ITEMS = 100


def check(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """The name of the operation; an AssertionError says what is wrong with the request."""
    path, _, query = target.partition("?")
    name, values = _operation(method, unquote(path))
    operation = _OPERATIONS[name]
    for parameter, kind in operation["path"].items():
        if kind != "string":
            _check(values[parameter], kind, parameter, from_text=True)
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    for parameter, value in pairs:
        assert parameter in operation["query"], f"{name} has no parameter {parameter}"
        if parameter == "$top":
            assert int(value) <= (_LARGEST_OF_ITEMS if name == "GET /odata/QueueItems" else _LARGEST)
    assert len(dict(pairs)) == len(pairs), "a parameter is there twice"
    if operation["folder"]:
        assert sum(header in headers for header in _FOLDERS) == 1, f"{name} is about one folder"
    if operation["body"] == "multipart":
        assert headers["content-type"].startswith("multipart/form-data")
    elif operation["body"] is None:
        assert body == b"", f"{name} has no body"
    else:
        assert headers["content-type"] == "application/json"
        _check(json.loads(body), operation["body"], name)
    return name


def _operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    for name in _OPERATIONS:
        word, _, template = name.partition(" ")
        parts = re.split(r"\{(\w+)\}", template)
        pattern = "".join(
            f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
        )
        match = re.fullmatch(pattern, path) if word == method else None
        if match is not None:
            return name, match.groupdict()
    raise AssertionError(f"the description has no {method} {path}")


def _check(value: Any, kind: Any, where: str, *, from_text: bool = False) -> None:
    if isinstance(kind, list):
        assert isinstance(value, list), f"{where} is no list"
        for place, item in enumerate(value):
            _check(item, kind[0], f"{where}[{place}]")
    elif isinstance(kind, str) and kind in _SCHEMAS:
        schema = _SCHEMAS[kind]
        assert isinstance(value, dict), f"{where} is no {kind}"
        for field in schema["required"]:
            assert value.get(field) is not None, f"{where} lacks {field}"
        for field, inner in value.items():
            assert field in schema["fields"], f"{kind} has no field {field}"
            if inner is not None:
                _check(inner, schema["fields"][field], f"{where}.{field}")
    elif isinstance(kind, dict) and "one of" in kind:
        assert value in kind["one of"], f"{where} is {value!r}"
    elif isinstance(kind, dict):
        _check(value, kind["is"], where)
        assert len(value) <= kind["maxLength"] if "maxLength" in kind else True, f"{where} is too long"
        assert len(value) >= kind["minLength"] if "minLength" in kind else True, f"{where} is too short"
        assert value >= kind["minimum"] if "minimum" in kind else True, f"{where} is too small"
        assert value <= kind["maximum"] if "maximum" in kind else True, f"{where} is too large"
    else:
        assert _is(int(value) if from_text else value, kind), f"{where} is no {kind}: {value!r}"


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "int32" | "int64" | "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date-time":
            return datetime.fromisoformat(value).tzinfo is not None
        case "uuid":
            return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None
        case "string" | "byte":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "any":
            return True
    raise AssertionError(kind)
