"""JSON that people type: ``-p K=V``, ``-P K=JSON``, ``--data JSON|@FILE|-``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from orchctl.errors import LocalFault, UsageFault

if TYPE_CHECKING:
    from json import JSONDecoder

    from orchctl.model import Json


def pair(text: str) -> tuple[str, str]:
    """``K=V``; the value may hold more equals signs."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageFault(f"{text!r} is not of the form KEY=VALUE")
    return key, value


def typed_pair(text: str) -> tuple[str, Json]:
    """``K=JSON``, such as ``amount=12.5`` or ``lines=[1,2]``."""
    key, value = pair(text)
    return key, parse_json(value, f"the value of {key!r}")


def parse_json(text: str, what: str) -> Json:
    """Strict JSON: no NaN, no key twice in one object.

    :raises UsageFault: where and why it is none.
    """
    import json

    try:
        value: Json = strict_decoder().decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageFault(
            f"{what} is not JSON: {error.msg} at {where}", hint='strings need double quotes: {"key": "value"}'
        ) from None
    except RecursionError:
        raise UsageFault(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise UsageFault(f"{what} is not JSON: {error}") from None
    return value


@cache
def strict_decoder() -> JSONDecoder:
    """Of JSON without NaN, numbers too large for one, or a key twice in one object. Raises ValueError."""
    import json

    return json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_object)


def read_data(text: str, read_stdin: Callable[[], str], *, option: str = "--data") -> Json:
    """``--data`` or the like: JSON itself, ``@FILE``, or ``-`` for standard input."""
    if text == "-":
        return parse_json(read_stdin(), "standard input")
    if text.startswith("@"):
        from pathlib import Path

        path = Path(text[1:])
        try:
            return parse_json(path.read_text(encoding="utf-8-sig"), str(path))
        except OSError as error:
            raise LocalFault(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageFault(f"{path} is not UTF-8 text") from None
    return parse_json(text, option)


def merged_pairs(strings: Sequence[tuple[str, str]], typed: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    """All ``-p`` and ``-P`` in one object.

    :raises UsageFault: a key was given twice.
    """
    found: dict[str, Json] = {}
    for key, value in [*strings, *typed]:
        if key in found:
            raise UsageFault(f"the key {key!r} is given twice")
        found[key] = value
    return found


def build(data: Json, pairs: dict[str, Json]) -> Json:
    """The payload of a new task: ``--data``, with the pairs laid over it."""
    if not pairs:
        return data
    if not isinstance(data, dict | None):
        raise UsageFault("-p and -P add keys to an object, and --data is none")
    return {**(data or {}), **pairs}


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:30]} is too large")
    return number


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found
