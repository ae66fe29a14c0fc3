"""JSON text of rows, faster than the library indents it: a list of a hundred thousand must not crawl."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from json.encoder import encode_basestring as quoted
from math import isfinite
from typing import Any

from orchctl.render.columns import record
from orchctl.sanitize import safe_json
from orchctl.times import rfc3339


def compact(value: Any) -> str:
    """``value`` on one line. Lone surrogates stay; the stream escapes them."""
    kind = type(value)
    if kind is str:
        return quoted(value)
    if value is None:
        return "null"
    if kind is dict:
        return "{" + ", ".join([f"{_key(key)}: {compact(item)}" for key, item in value.items()]) + "}"
    if kind is list or kind is tuple:
        return "[" + ", ".join([compact(item) for item in value]) + "]"
    return _scalar(value) or compact(_simpler(value))


def indented(value: Any, margin: str = "") -> str:
    """``value`` over several lines, two spaces a level; ``margin`` stands before all but the first."""
    kind = type(value)
    if kind is str:
        return quoted(value)
    if value is None:
        return "null"
    if kind is dict:
        if not value:
            return "{}"
        inner = margin + "  "
        items = [f"{_key(key)}: {indented(item, inner)}" for key, item in value.items()]
        return "{\n" + inner + f",\n{inner}".join(items) + f"\n{margin}}}"
    if kind is list or kind is tuple:
        if not value:
            return "[]"
        inner = margin + "  "
        items = [indented(item, inner) for item in value]
        return "[\n" + inner + f",\n{inner}".join(items) + f"\n{margin}]"
    return _scalar(value) or indented(_simpler(value), margin)


def _key(key: Any) -> str:
    return quoted(key if type(key) is str else str(key))


def _scalar(value: Any) -> str | None:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return quoted(str(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if isfinite(value) else "null"  # JSON has no word for these
    if isinstance(value, datetime):
        return f'"{rfc3339(value)}"'
    return None


def _simpler(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return record(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return str(value)


_KEY, _STRING, _NUMBER, _WORD, _PLAIN = "\x1b[1;34m", "\x1b[32m", "\x1b[36m", "\x1b[35m", "\x1b[0m"
_TOKENS = r'("(?:[^"\\]|\\.)*")(:)?|(-?\d[-+.\deE]*)|(true|false|null)'


def for_terminal(text: str, *, color: bool) -> str:
    """JSON text that a terminal may see: still the same JSON but for its colours."""
    text = safe_json(text)
    return re.sub(_TOKENS, _colored, text) if color else text


def _colored(token: re.Match[str]) -> str:
    string, colon, number, _ = token.groups()
    if string:
        return f"{_KEY}{string}{_PLAIN}:" if colon else f"{_STRING}{string}{_PLAIN}"
    return f"{_NUMBER if number else _WORD}{token.group()}{_PLAIN}"
