"""YAML text to a tree that knows its lines, and data to YAML text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import isfinite, isinf
from typing import Any, TextIO, TypeAlias

from orchctl.errors import LocalFault
from orchctl.model import Json

_DEPTH = 100
# Aliases can make a small text stand for a huge one: so many values, each of so many characters, at most.
_EXPANDED = 1_000_000
_CHARACTERS = 16
_NUMBER = re.compile(r"[-+]?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value. ``plain`` is one without quotes, which may mean something else than its text."""

    text: str
    plain: bool = True
    line: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    items: tuple[Node, ...]
    flow: bool
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    entries: Mapping[str, tuple[Scalar, Node]]
    flow: bool
    line: int
    start: int
    end: int


Node: TypeAlias = Scalar | Listing | Table


def read(text: str, *, source: str) -> Node | None:
    """The tree of a document, None for one with nothing in it.

    :raises LocalFault: it is not YAML of the strict kind; ``source`` and the line are named.
    """
    import yaml

    loader = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
    try:
        # Events and not compose(): that is recursive in C, and 50,000 brackets end the process.
        return _Builder(source, yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}" if mark else source
        start = error.context_mark
        far = start and mark and start.line < mark.line
        inside = f", in what begins in line {start.line + 1}" if start and far else ""
        raise LocalFault(
            f"{place}: this is not YAML: {error.problem or error.context}{inside}",
            hint="look for a missing colon, quote or bracket, or a tab, in that line and the one above",
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise LocalFault(f"{source}:{line}: this is not YAML: {error.reason}") from None
    except UnicodeEncodeError:
        raise LocalFault(f"{source}: this is not YAML: it holds half a character") from None


def elements(file: TextIO, *, source: str) -> Iterator[Node]:
    """The elements of a document that is one list, as they are read: the list itself is never held.

    :raises LocalFault: as ``read`` does; or it is no list.
    """
    import yaml

    loader = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
    try:
        yield from _Builder(source, yaml.parse(file, Loader=loader)).elements()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}" if mark else source
        raise LocalFault(f"{place}: this is not YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise LocalFault(f"{source}: this is not YAML: {error.reason}") from None


def value(node: Node | None) -> Json:
    """What a tree means: null, true, false, JSON's numbers, and text for everything else."""
    match node:
        case None:
            return None
        case Scalar():
            return _plain_value(node.text) if node.plain else node.text
        case Listing():
            return [value(item) for item in node.items]
        case Table():
            return {key: value(item) for key, (_, item) in node.entries.items()}


def node_of(data: Json) -> Node:
    """The tree that stands for data which comes from elsewhere than a text."""
    nowhere: dict[str, Any] = {"flow": True, "line": 0, "start": 0, "end": 0}
    if isinstance(data, dict):
        return Table(
            entries={key: (Scalar(text=key), node_of(item)) for key, item in data.items()}, **nowhere
        )
    if isinstance(data, list):
        return Listing(items=tuple(node_of(item) for item in data), **nowhere)
    if isinstance(data, str):
        return Scalar(text=data, plain=False)
    words: Mapping[Json, str] = {None: "null", True: "true", False: "false"}
    return Scalar(text=words[data] if data is None or isinstance(data, bool) else str(data))


def dump(data: Json, *, flow: bool = False) -> str:
    """Text that ``read`` and ``value`` turn into ``data`` again; ``flow`` puts it on one line, in braces."""
    import yaml

    dumped: str = yaml.dump(
        data,
        Dumper=_dumper(),
        default_flow_style=flow,
        sort_keys=False,
        allow_unicode=True,
        width=2**30,
    )
    return dumped


class _Builder:
    """From yaml's events to nodes, refusing what YAML allows and nobody means."""

    def __init__(self, source: str, events: Iterable[Any]) -> None:
        self.source = source
        self.events = iter(events)
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.expanded = 0

    def document(self) -> Node | None:
        import yaml

        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.fault(event, "a second document begins here")
                root, _, _ = self.node(next(self.events), 0)
        empty = isinstance(root, Scalar) and root.plain and not root.text
        return None if empty else root

    def elements(self) -> Iterator[Node]:
        import yaml

        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            return
        first = next(self.events)
        if isinstance(first, yaml.ScalarEvent) and not first.style and not first.value:
            return
        if not isinstance(first, yaml.SequenceStartEvent):
            raise self.fault(first, "a list was expected, with a dash before each of its elements")
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            self.expanded = 0  # each element is let go before the next
            yield self.node(event, 1)[0]
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self.fault(event, "a second document begins here")

    def node(self, event: Any, depth: int, *, is_key: bool = False) -> tuple[Node, int, int]:
        """The node that begins with an event, how much it is and how deep, with its aliases written out."""
        import yaml

        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.fault(event, f"nothing before this is called &{event.anchor}")
            node, size, height = self.anchors[event.anchor]
            self.expanded += size
            if self.expanded > _EXPANDED:
                raise self.fault(event, "aliases make this too large")
            if depth + height > _DEPTH:
                raise self.too_deep(event)
            return node, size, height
        if event.tag is not None:
            raise self.fault(event, f"tags such as {event.tag} are not used here")
        if depth > _DEPTH:
            raise self.too_deep(event)
        if isinstance(event, yaml.ScalarEvent):
            node, size, height = self.scalar(event), 1 + len(event.value) // _CHARACTERS, 0
            if node.plain and not is_key and _is_too_large(node.text):
                raise self.fault(event, f"the number {node.text[:30]} is too large")
        elif isinstance(event, yaml.SequenceStartEvent):
            node, size, height = self.listing(event, depth)
        else:
            node, size, height = self.table(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node, size, height
        return node, size, height

    def scalar(self, event: Any) -> Scalar:
        return Scalar(
            text=event.value,
            plain=not event.style,
            line=event.start_mark.line + 1,
            start=event.start_mark.index,
            end=event.end_mark.index,
        )

    def listing(self, start: Any, depth: int) -> tuple[Node, int, int]:
        import yaml

        items, size, height = [], 1, 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            item, its_size, its_height = self.node(event, depth + 1)
            items.append(item)
            size += its_size
            height = max(height, its_height + 1)
        return (
            Listing(
                items=tuple(items),
                flow=bool(start.flow_style),
                line=start.start_mark.line + 1,
                start=start.start_mark.index,
                end=_end_of(event),
            ),
            size,
            height,
        )

    def table(self, start: Any, depth: int) -> tuple[Node, int, int]:
        import yaml

        entries: dict[str, tuple[Scalar, Node]] = {}
        size, height = 1, 0
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, key_size, _ = self.node(event, depth + 1, is_key=True)
            if not isinstance(key, Scalar):
                raise self.fault(event, "a key must be text")
            if key.text in entries:
                first = entries[key.text][0].line
                raise self.fault(event, f'the key "{key.text}" is here twice (first in line {first})')
            item, its_size, its_height = self.node(next(self.events), depth + 1)
            entries[key.text] = key, item
            size += key_size + its_size
            height = max(height, its_height + 1)
        return (
            Table(
                entries=entries,
                flow=bool(start.flow_style),
                line=start.start_mark.line + 1,
                start=start.start_mark.index,
                end=_end_of(event),
            ),
            size,
            height,
        )

    def too_deep(self, event: Any) -> LocalFault:
        return self.fault(event, f"this is nested more than {_DEPTH} deep")

    def fault(self, event: Any, why: str) -> LocalFault:
        return LocalFault(f"{self.source}:{event.start_mark.line + 1}: {why}")


def _end_of(event: Any) -> int:
    end: int = event.end_mark.index
    return end


def _is_too_large(text: str) -> bool:
    """Is it a number in form, and more than a floating one holds? JSON has no infinity."""
    return "e" in text.lower() and _NUMBER.fullmatch(text) is not None and isinf(float(text))


def _plain_value(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None or len(text) > 300:
        return text
    if not number.group(1) and not number.group(2):
        return int(text)
    found = float(text)
    return found if isfinite(found) else text  # of a key that an alias repeats; others are refused


@cache
def _dumper() -> Any:
    import yaml

    base: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper

    class Dumper(base):  # type: ignore[misc]  # the base is chosen at run time
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: Any, data: str) -> Any:
        # What _plain_value would take for something else needs quotes, also where YAML 1.1 would not mind.
        quoted = not isinstance(_plain_value(data), str) or _is_too_large(data)
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style='"' if quoted else None)

    Dumper.add_representer(str, text)
    return Dumper
