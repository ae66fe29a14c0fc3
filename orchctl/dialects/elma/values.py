"""The declared variables of an ELMA process, and values made into what they declare before anything is sent."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchctl.errors import UsageFault
from orchctl.times import parse_time

if TYPE_CHECKING:
    from orchctl.model import Json

_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_WANTED = {
    "bool": "true or false",
    "int": "a whole number",
    "double": "a number",
    "string": "a text",
    "datetime": "a time such as 2026-01-31T18:00:00Z",
    "file": "the http or https URL of a file, which the server fetches",
    "mail": "an object with subject, sender, body, to and so on",
}


class _Wrong(Exception):
    """The value is not of the type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """``scope`` is In, Out or InOut; ``type`` one of the document's words, or one that orchctl does not know."""

    name: str
    type: str
    is_array: bool
    scope: str

    @property
    def is_input(self) -> bool:
        return self.scope.lower() != "out"

    @property
    def declared(self) -> str:
        """As a user reads it: ``lines:double[]``."""
        return f"{self.name}:{self.type}{'[]' if self.is_array else ''}"


def variables_of(described: Json) -> list[Variable]:
    """From the vocabulary's ``Process.variables``."""
    found = []
    for item in described if isinstance(described, list) else []:
        if isinstance(item, dict) and item.get("name"):
            found.append(
                Variable(
                    name=str(item["name"]),
                    type=str(item.get("type") or "").lower(),
                    is_array=bool(item.get("array")),
                    scope=str(item.get("scope") or "InOut"),
                )
            )
    return found


def converted(
    payload: Json, *, texts: frozenset[str], variables: list[Variable], process: str
) -> dict[str, Json]:
    """The context to send. Keys in ``texts`` were typed as plain text and become what is declared.

    :raises UsageFault: a name or a type is not what the process declares; the hint lists what is.
    """
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise UsageFault("the payload of an ELMA task is an object of the process's variables")
    inputs = {variable.name: variable for variable in variables if variable.is_input}
    found: dict[str, Json] = {}
    for key, value in payload.items():
        variable = inputs.get(key)
        if variable is None:
            raise UsageFault(_unknown(key, variables, process), hint=_listing(key, inputs))
        try:
            found[key] = _whole(variable, value, is_text=key in texts)
        except _Wrong:
            wanted = _WANTED.get(variable.type, variable.type)
            several = f"an array, each of them {wanted}" if variable.is_array else wanted
            raise UsageFault(
                f"{key!r} must be {several}, and this is {_shown(value)}", hint=_listing(None, inputs)
            ) from None
    return found


def _unknown(key: str, variables: list[Variable], process: str) -> str:
    if any(variable.name == key for variable in variables):
        return f"{key!r} is an output of the process {process!r}, not an input"
    return f"the process {process!r} has no input variable {key!r}"


def _listing(key: str | None, inputs: Mapping[str, Variable]) -> str:
    if not inputs:
        return "it declares no input variables"
    close = [] if key is None else [name for name in inputs if name.lower() == key.lower()]
    close = close or (get_close_matches(key, inputs, n=1) if key else [])
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}its inputs: {', '.join(variable.declared for variable in inputs.values())}"


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _whole(variable: Variable, value: Json, *, is_text: bool) -> Json:
    if value is None:
        return None
    if not variable.is_array:
        return _one(variable.type, value, is_text=is_text)
    if isinstance(value, str) and is_text:
        if not value.lstrip().startswith("["):
            return [_one(variable.type, value, is_text=True)]
        items = _parsed(value)
        # Inside the array a number may stand as one or, typed the same way as outside, as text.
        return [_one(variable.type, item, is_text=isinstance(item, str)) for item in items]
    if not isinstance(value, list):
        raise _Wrong
    return [_one(variable.type, item, is_text=False) for item in value]


def _one(kind: str, value: Json, *, is_text: bool) -> Json:
    match kind:
        case "bool":
            return _flag(value, is_text=is_text)
        case "int":
            return _integer(value, is_text=is_text)
        case "double":
            return _number(value, is_text=is_text)
        case "string":
            return _text(value)
        case "datetime":
            return _time(_text(value), typed=is_text)
        case "file":
            return _url(_text(value))
        case "mail":
            return _object(value, is_text=is_text)
    # A type that the documents do not name: text that is JSON is sent as that.
    if is_text and isinstance(value, str):
        try:
            found: Json = _parsed(value)
        except _Wrong:
            return value
        return found
    return value


def _flag(value: Json, *, is_text: bool) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if is_text and isinstance(value, str) else ""
    if word not in _TRUE | _FALSE:
        raise _Wrong
    return word in _TRUE


def _integer(value: Json, *, is_text: bool) -> int:
    if is_text and isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise _Wrong
    return value


def _number(value: Json, *, is_text: bool) -> int | float:
    if is_text and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _Wrong from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise _Wrong
    return value


def _time(text: str, *, typed: bool) -> str:
    """``YYYY-MM-DDTHH:MM:SSZ``, as the document writes it; typed by hand, in any form that orchctl takes."""
    try:
        if typed:
            found = parse_time(text, now=datetime.now(UTC), forward=True)
        else:
            found = datetime.fromisoformat(text)
            if found.tzinfo is None:
                found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (UsageFault, ValueError, OverflowError):
        raise _Wrong from None


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _Wrong from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise _Wrong
    return text


def _object(value: Json, *, is_text: bool) -> dict[str, Json]:
    if is_text and isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, dict):
        raise _Wrong
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Wrong from None


def _no_constant(word: str) -> None:
    raise ValueError(word)
