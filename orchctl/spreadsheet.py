"""Cells that no spreadsheet takes for formulas, and what they said before."""

from __future__ import annotations

import re

_SUSPECTS = frozenset("=+-@\t\r'")
_LOOKS_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def guarded(text: str) -> str:
    """A cell that a spreadsheet will not take for a formula; ``unguarded`` has the text back."""
    if text[:1] in _SUSPECTS and _LOOKS_LIKE_A_FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """What a cell said before it was guarded."""
    return text[1:] if text.startswith("'") and _LOOKS_LIKE_A_FORMULA.match(text) else text
