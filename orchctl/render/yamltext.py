"""YAML text of plain values: the library takes ten times as long, and a list may have a million rows.

A string that could be read as anything else gets double quotes, which YAML shares with JSON.
"""

from __future__ import annotations

import re
from functools import lru_cache
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

from orchctl.render.columns import plain
from orchctl.sanitize import safe

_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_PLAIN = re.compile(r"[^\W\d](?:[\w ./@,()+-]*[\w./@()+-])?")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_LONGEST_SIMPLE_KEY = 128  # readers may refuse an ordinary key past 1,024


def element(value: Any) -> str:
    """``value`` as an element of a sequence at the margin: elements one after another are a list."""
    return f"- {_inline(value, '  ')}\n"


def block(value: Any) -> str:
    return f"{_inline(value, '')}\n"


def _inline(value: Any, margin: str) -> str:
    """``value`` where its first line continues one; ``margin`` stands before the others."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if value is None:
        return "null"
    if kind is dict:
        lines = [f"{_key(str(key), margin)}:{_after_key(item, margin)}" for key, item in value.items()]
        return f"\n{margin}".join(lines) or "{}"
    if kind is list or kind is tuple:
        return f"\n{margin}".join([f"- {_inline(item, margin + '  ')}" for item in value]) or "[]"
    return _number_or_word(value) or _inline(plain(value), margin)


def _after_key(value: Any, margin: str) -> str:
    kind = type(value)
    if kind is str:
        return f" {_text(value)}"
    if not value or kind in _SCALARS:
        return f" {_inline(value, margin)}"
    if kind is dict:
        margin += "  "
    elif kind is not list and kind is not tuple:
        simpler = plain(value)
        return f" {_text(simpler)}" if type(simpler) is str else _after_key(simpler, margin)
    return f"\n{margin}{_inline(value, margin)}"


_SCALARS = frozenset((int, float, bool))


@lru_cache(maxsize=1024)  # the same few for every row
def _key(key: str, margin: str) -> str:
    text = _text(key)
    return text if len(text) <= _LONGEST_SIMPLE_KEY else f"? {text}\n{margin}"


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text):
        if text.lower() not in _WORDS:
            return text
    elif _GUID.fullmatch(text):
        return text
    if text.isprintable():
        return encode_basestring(text)
    # Readers differ on lone surrogates, even escaped: those are shown rather than kept.
    text = re.sub("[\ud800-\udfff]", lambda surrogate: safe(surrogate.group()), text)
    # The escapes of safe() are YAML's own, \\U0001bca0 too. Two more are no characters, and not allowed raw.
    return safe(encode_basestring(text)).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _number_or_word(value: Any) -> str | None:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        return repr(value)
    if type(value) is float:
        text = repr(value) if isfinite(value) else "null"
        # YAML 1.1 reads 1e+16 as a string
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return None
