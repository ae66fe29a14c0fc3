"""OData v4 queries as clients send them: parsed, applied to rows, and refused in UiPath's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import unquote

from orchctl.sandbox.wire.uipath.refusals import Refused

Row: TypeAlias = "Mapping[str, Any]"
Enums: TypeAlias = "Mapping[str, Sequence[str]]"

_MOST_EXPRESSIONS = 100
_MOST_ORDERS = 5
_LARGEST_NUMBER = 2**63 - 1

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)(?![\w-])
      | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
      | (?P<number>-?\d+(?:\.\d+)?)(?![\w])
      | (?P<name>[A-Za-z_][\w]*(?:/[A-Za-z_]\w*)*)
      | (?P<mark>[(),])
    )""",
    re.X,
)


class BadQuery(Refused):
    """errorCode 1000, as the server says it of a query that it cannot read."""

    def __init__(self, why: str) -> None:
        super().__init__(400, f"Invalid OData query options. {why}", code=1000)


@dataclass(frozen=True, slots=True)
class Path:
    """A property, with those it is reached through: ``QueueDefinition/Name``."""

    names: tuple[str, ...]

    @property
    def last(self) -> str:
        return self.names[-1].lower()

    def of(self, row: Row) -> Any:
        value: Any = row
        for name in self.names:
            if not isinstance(value, Mapping):
                return None
            value = _any_case(value, name)
        return value


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class In:
    item: Node
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    """``and`` or ``or`` between two."""

    operator: str
    left: Node
    right: Node


Node: TypeAlias = "Path | Literal | Call | Compare | In | Not | Both"

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}
_FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "contains": (2, lambda text, part: part in text),
    "startswith": (2, lambda text, part: text.startswith(part)),
    "endswith": (2, lambda text, part: text.endswith(part)),
    "tolower": (1, lambda text: text),
    "toupper": (1, lambda text: text),
    "trim": (1, lambda text: text.strip()),
    "length": (1, len),
}


class _Parser:
    """Recursive descent: or, and, not, a comparison, a value."""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._at = 0
        self._expressions = 0

    def parse(self) -> Node:
        node = self._either()
        if self._at < len(self._tokens):
            raise BadQuery(f"There is something after the end: {self._tokens[self._at][1]!r}")
        return node

    @staticmethod
    def _split(text: str) -> list[tuple[str, str]]:
        tokens = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise BadQuery(f"Syntax error at character {at} in '{text}'.")
            tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        return tokens

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _takes_word(self, word: str) -> bool:
        kind, text = self._peek()
        if kind == "name" and text.lower() == word:
            self._at += 1
            return True
        return False

    def _takes_mark(self, mark: str) -> bool:
        if self._peek() == ("mark", mark):
            self._at += 1
            return True
        return False

    def _want(self, mark: str) -> None:
        if not self._takes_mark(mark):
            raise BadQuery(f"'{mark}' is missing before '{self._peek()[1]}'.")

    def _either(self) -> Node:
        node = self._all()
        while self._takes_word("or"):
            node = Both("or", node, self._all())
        return node

    def _all(self) -> Node:
        node = self._one()
        while self._takes_word("and"):
            node = Both("and", node, self._one())
        return node

    def _one(self) -> Node:
        if self._takes_word("not"):
            return Not(self._one())
        left = self._value()
        kind, text = self._peek()
        if kind == "name" and text.lower() in _COMPARISONS:
            self._count()
            self._at += 1
            return Compare(text.lower(), left, self._value())
        if self._takes_word("in"):
            self._count()
            self._want("(")
            values = [self._literal()]
            while self._takes_mark(","):
                values.append(self._literal())
            self._want(")")
            return In(left, tuple(values))
        return left

    def _value(self) -> Node:
        if self._takes_mark("("):
            node = self._either()
            self._want(")")
            return node
        kind, text = self._peek()
        if kind != "name" or text.lower() in ("true", "false", "null"):
            return Literal(self._literal())
        self._at += 1
        if not self._takes_mark("("):
            return Path(tuple(text.split("/")))
        self._count()
        name = text.lower()
        if name not in _FUNCTIONS:
            raise BadQuery(f"An unknown function with name '{text}' was found.")
        arguments = [self._value()]
        while self._takes_mark(","):
            arguments.append(self._value())
        self._want(")")
        if len(arguments) != _FUNCTIONS[name][0]:
            raise BadQuery(f"The function '{text}' takes {_FUNCTIONS[name][0]} arguments.")
        return Call(name, tuple(arguments))

    def _literal(self) -> Any:
        kind, text = self._next()
        match kind:
            case "text":
                return text[1:-1].replace("''", "'")
            case "date":
                return _moment(text)
            case "guid":
                return text.lower()
            case "number":
                return float(text) if "." in text else int(text)
            case "name" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "name" if text.lower() == "null":
                return None
        raise BadQuery(f"A value is missing before '{text}'.")

    def _count(self) -> None:
        self._expressions += 1
        if self._expressions > _MOST_EXPRESSIONS:
            raise BadQuery(f"The node count limit of '{_MOST_EXPRESSIONS}' has been exceeded.")


def parse_filter(text: str) -> Node:
    """:raises BadQuery: it is not OData v4."""
    try:
        return _Parser(text).parse()
    except RecursionError:
        raise BadQuery("The filter is nested too deeply.") from None


def conjuncts(node: Node) -> list[Node]:
    """The parts of which all must hold."""
    if isinstance(node, Both) and node.operator == "and":
        return [*conjuncts(node.left), *conjuncts(node.right)]
    return [node]


def holds(node: Node, row: Row, enums: Enums) -> bool:
    return _value(node, row, enums) is True


def _value(node: Node, row: Row, enums: Enums) -> Any:
    match node:
        case Literal(value):
            return _folded(value)
        case Path():
            value = node.of(row)
            return _ordinal(node, value, enums) if node.last in enums else _folded(value)
        case Call(name, arguments):
            values = [_value(argument, row, enums) for argument in arguments]
            return None if None in values else _FUNCTIONS[name][1](*map(_as_text, values))
        case Not(inner):
            return not _value(inner, row, enums)
        case Both("and", left, right):
            return bool(_value(left, row, enums)) and bool(_value(right, row, enums))
        case Both(_, left, right):
            return bool(_value(left, row, enums)) or bool(_value(right, row, enums))
        case In(item, values):
            mine = _value(item, row, enums)
            return any(mine == _matching(item, value, mine, enums) for value in values)
        case Compare(operator, left, right):
            one, other = _value(left, row, enums), _value(right, row, enums)
            if isinstance(right, Literal):
                other = _matching(left, right.value, one, enums)
            elif isinstance(left, Literal):
                one = _matching(right, left.value, other, enums)
            if (one is None or other is None) and operator not in ("eq", "ne"):
                return False
            try:
                return _COMPARISONS[operator](one, other)
            except TypeError:
                raise BadQuery("A binary operator with incompatible types was detected.") from None
    raise AssertionError(node)


def _matching(node: Node, value: Any, mine: Any, enums: Enums) -> Any:
    """A literal as what it is compared with has it: an enum's number, a time, a number in quotes."""
    if isinstance(node, Path) and node.last in enums:
        return _ordinal(node, value, enums)
    if isinstance(value, datetime) and isinstance(mine, str):
        return _moment_text(value) if _is_time(mine) else _folded(value.isoformat())
    if isinstance(value, str) and isinstance(mine, int) and not isinstance(mine, bool):
        return int(value) if value.lstrip("-").isdigit() else _folded(value)
    return _folded(value)


def _ordinal(node: Path, value: Any, enums: Enums) -> int | None:
    """An enum's member by name or number, as its number."""
    if value is None:
        return None
    names = [name.lower() for name in enums[node.last]]
    text = str(value).lower()
    if text in names:
        return names.index(text)
    if text.isdigit() and int(text) < len(names):
        return int(text)
    raise BadQuery(f"The string '{value}' is not a valid enumeration type constant.")


def _folded(value: Any) -> Any:
    """Texts compare as the server's database does: without regard to case; times as one spelling."""
    if isinstance(value, str):
        return _moment_text(_moment(value)) if _is_time(value) else value.casefold()
    if isinstance(value, datetime):
        return _moment_text(value)
    return value


def _is_time(text: str) -> bool:
    return len(text) >= 19 and text[4] == "-" and text[10] == "T"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"Unrecognized '{text}' literal.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _any_case(row: Mapping[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    lower = name.lower()
    for key, value in row.items():
        if key.lower() == lower:
            return value
    raise BadQuery(f"Could not find a property named '{name}'.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The query options of a request; ``$`` or not, as older servers take both."""

    filter: Node | None = None
    order: tuple[tuple[Path, bool], ...] = ()
    top: int
    skip: int = 0
    count: bool = False
    select: frozenset[str] | None = None
    expand: frozenset[str] = frozenset()


_KNOWN = ("filter", "orderby", "top", "skip", "count", "select", "expand")


def parse_options(query: str, *, largest: int, others: Sequence[str] = ()) -> Options:
    """:raises BadQuery: an option is unknown, or its value makes no sense. ``others`` are the path's own."""
    given: dict[str, str] = {}
    for name, value in parse_query(query):
        key = name.removeprefix("$").lower()
        if key not in _KNOWN or not name.startswith("$"):
            if name.lower() in others:
                continue
            raise BadQuery(f"The query parameter '{name}' is not supported.")
        given[key] = value
    top = _number(given, "top", largest)
    if top > largest:
        raise BadQuery(
            f"The limit of '{largest}' for Top query has been exceeded. "
            f"The value from the incoming request is '{top}'."
        )
    orders = [part.split() for part in given.get("orderby", "").split(",") if part.strip()]
    if len(orders) > _MOST_ORDERS or any(len(part) > 2 for part in orders):
        raise BadQuery("$orderby cannot be read.")
    return Options(
        filter=parse_filter(given["filter"]) if given.get("filter", "").strip() else None,
        order=tuple(
            (Path(tuple(part[0].split("/"))), len(part) == 2 and part[1].lower() == "desc") for part in orders
        ),
        top=top,
        skip=_number(given, "skip", 0),
        count=given.get("count", "").lower() == "true",
        select=_names(given["select"]) if given.get("select", "").strip() else None,
        expand=_names(given.get("expand", "")),
    )


def parse_query(query: str) -> list[tuple[str, str]]:
    """The pairs of a query, ``+`` and ``%20`` both a blank."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.replace("+", " ").partition("=")
            try:
                pairs.append((unquote(name, errors="strict"), unquote(value, errors="strict")))
            except UnicodeDecodeError:
                raise BadQuery("The query is not UTF-8.") from None
    return pairs


def applied(
    rows: Iterable[dict[str, Any]], options: Options, enums: Enums
) -> tuple[list[dict[str, Any]], int]:
    """The rows that the options leave, in their order, and how many there were before $skip and $top."""
    node = options.filter
    found = [row for row in rows if node is None or holds(node, row, enums)]
    for path, descending in reversed(options.order):
        found.sort(key=lambda row: _sort_key(path.of(row)), reverse=descending)  # used at once
    return found[options.skip : options.skip + options.top], len(found)


def shown(row: dict[str, Any], options: Options, navigation: frozenset[str]) -> dict[str, Any]:
    """A row with what was asked for: without the objects behind it unless they are expanded."""
    select, expand = options.select, options.expand
    return {
        key: value
        for key, value in row.items()
        if (key.lower() in expand if key in navigation else select is None or key.lower() in select)
    }


def _names(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"\(.*?\)", "", part).strip().lower() for part in text.split(",") if part.strip())


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_NUMBER:
        raise BadQuery(f"Invalid value '{text}' for ${name} query option found.")
    return int(text)


def _sort_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    return (2, str(_folded(value)) if isinstance(value, str) else str(value))
