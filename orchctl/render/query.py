"""What ``--query`` and ``--sort-by`` do to a result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from orchctl.errors import UsageFault
from orchctl.model import LogLevel, Priority
from orchctl.render.columns import plain
from orchctl.sanitize import safe

_RANKS: dict[object, int] = {
    word: rank for words in (Priority, LogLevel) for rank, word in enumerate(words)
}  # these read from low to high, whatever their spelling


def compiled(query: str) -> Callable[[Any], Any]:
    """The query as a function of a plain value.

    :raises UsageFault: it is no JMESPath, or calls a function that there is not; from the function returned:
        it does not fit the value.
    """
    from jmespath import compile as compile_query
    from jmespath.exceptions import JMESPathError

    try:
        expression = compile_query(query)
    except JMESPathError as error:
        raise UsageFault(f"bad --query: {_first_line(error)}", hint=_HINT) from None
    _require_functions(expression.parsed)

    def search(value: Any) -> Any:
        try:
            return expression.search(value)
        except JMESPathError as error:
            raise UsageFault(f"--query does not fit the result: {_first_line(error)}", hint=_HINT) from None

    return search


_HINT = "the language is JMESPath: --query '[?status==`failed`].id' (https://jmespath.org)"


def _first_line(error: Exception) -> str:
    first = str(error).partition("\n")[0].removesuffix(":").removesuffix(", for expression")
    return safe(re.sub("^(?:Invalid|Bad) jmespath expression: ", "", first, flags=re.IGNORECASE))


def _require_functions(node: dict[str, Any]) -> None:
    """The library finds a wrong function only when it comes to call it, and the write is done by then."""
    from jmespath.functions import Functions

    if node["type"] == "function_expression":
        known = Functions.FUNCTION_TABLE
        name = node["value"]
        if name not in known:
            raise UsageFault(
                f"bad --query: no function {safe(name)}()", hint=f"there are: {', '.join(sorted(known))}"
            )
        signature = known[name]["signature"]
        least, given = len(signature), len(node["children"])
        if given < least or (given > least and not signature[-1].get("variadic")):
            raise UsageFault(f"bad --query: {name}() takes {least} argument(s), not {given}", hint=_HINT)
    for child in node["children"]:
        if isinstance(child, dict):
            _require_functions(child)


def sort_field(sort_by: str) -> str:
    return sort_by.removeprefix("-")


def ordered(rows: Iterable[Any], sort_by: str, read: Callable[[Any], Any]) -> list[Any]:
    """All of ``rows`` by the value that ``read`` finds in each; rows without one come last either way."""
    keyed = [(read(row), row) for row in rows]
    valued = [pair for pair in keyed if pair[0] is not None]
    valued.sort(key=lambda pair: _order(pair[0]), reverse=sort_by.startswith("-"))
    return [row for _, row in valued] + [row for value, row in keyed if value is None]


def _order(value: Any) -> tuple[int, Any]:
    """Numbers before words, and words before what has no order of its own."""
    if isinstance(value, Priority | LogLevel):
        return 1, (_RANKS[value], "")
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, datetime):
        return 0, value.timestamp()
    if isinstance(value, str):
        return 1, (0, str(value))
    return 2, str(plain(value))
