"""What somebody who mistyped a word may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A question that names the known word that is most like this one, if any is."""
    from difflib import get_close_matches

    by_case = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), by_case, n=1, cutoff=0.65)
    return f"did you mean {by_case[close[0]]}?" if close else None
