"""Edits of YAML text that change the lines concerned and leave the rest, comments included, as it is."""

from __future__ import annotations

import re

from orchctl.errors import LocalFault
from orchctl.model import Json
from orchctl.yaml_text.reading import Listing, Node, Table, dump, read, value


def put(text: str, path: tuple[str, ...], data: Json) -> str:
    """Set the entry at ``path``, which is made if it is missing."""
    tree = read(text, source="")
    wanted = value(tree)
    if not isinstance(wanted, dict):
        wanted = {}
    _nested_put(wanted, path, data)
    return _checked(_spliced_put(text, tree, path, data), wanted, text)


def drop(text: str, path: tuple[str, ...]) -> str:
    """Remove the entry at ``path``, which exists. Comments above it stay."""
    tree = read(text, source="")
    wanted = value(tree)
    parent = wanted
    for key in path[:-1]:
        assert isinstance(parent, dict)
        parent = parent[key]
    assert isinstance(parent, dict)
    del parent[path[-1]]
    return _checked(_spliced_drop(text, _table_at(tree, path[:-1]), path[-1]), wanted, text)


def rename(text: str, path: tuple[str, ...], new: str) -> str:
    """Give the entry at ``path``, which exists, another key at the same place."""
    tree = read(text, source="")
    wanted = value(tree)
    parent = wanted
    for key in path[:-1]:
        assert isinstance(parent, dict)
        parent = parent[key]
    assert isinstance(parent, dict)
    parent[new] = parent.pop(path[-1])
    key_node, _ = _table_at(tree, path[:-1]).entries[path[-1]]
    return _checked(text[: key_node.start] + _inline(new) + text[key_node.end :], wanted, text)


def _inline(data: Json) -> str:
    """A value on one line, without the document end mark that yaml puts after a lone scalar."""
    return dump([data], flow=True).strip()[1:-1]


def _checked(text: str, wanted: Json, old: str) -> str:
    """The spliced text if it says what is wanted; else all of it anew, and only the comments on top stay."""
    try:
        if _same(value(read(text, source="")), wanted):
            return text
    except LocalFault:
        pass  # the splice did not fit an unusual notation; the fallback below always does
    head = re.match(r"(?:[ \t]*(?:#.*)?\r?\n)*", old)
    return (head.group() if head else "") + dump(wanted)


def _same(left: Json, right: Json) -> bool:
    """Equal, an empty mapping and nothing at all being one."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return (left or None) == (right or None) if left == {} or right == {} else left == right


def _nested_put(data: dict[str, Json], path: tuple[str, ...], leaf: Json) -> None:
    for key in path[:-1]:
        below = data.get(key)
        if not isinstance(below, dict):
            below = {}
            data[key] = below
        data = below
    data[path[-1]] = leaf


def _table_at(tree: Node | None, path: tuple[str, ...]) -> Table:
    for key in path:
        assert isinstance(tree, Table)
        tree = tree.entries[key][1]
    assert isinstance(tree, Table)
    return tree


def _spliced_put(text: str, tree: Node | None, path: tuple[str, ...], data: Json) -> str:
    if not isinstance(tree, Table):
        return _line_ended(text) + dump(_nest(path, data))
    table, column = tree, 0
    for depth, key in enumerate(path):
        if key not in table.entries:
            return _inserted(text, table, column, key, _nest(path[depth + 1 :], data))
        key_node, below = table.entries[key]
        column = _column(text, key_node.start)
        if depth == len(path) - 1:
            gap = " " if below.start == below.end else ""
            return text[: below.start] + gap + _inline(data) + text[_end(below) :]
        if not isinstance(below, Table) or (not below.entries and not table.flow):
            # ``contexts:`` with nothing, or with {}, becomes the head of a block
            text = text[: below.start].rstrip(" ") + text[below.end :]
            line_end = _next_line(text, key_node.end)
            block = _indented(dump(_nest(path[depth + 1 :], data)), column + 2)
            return _line_ended(text[:line_end]) + block + text[line_end:]
        table = below
    return text


def _inserted(text: str, table: Table, column: int, key: str, data: Json) -> str:
    if table.flow:
        comma = ", " if table.entries else ""
        return text[: table.end - 1] + comma + _inline({key: data})[1:-1] + text[table.end - 1 :]
    first, _ = next(iter(table.entries.values()))
    at = _next_line(text, _end(table))
    return (
        _line_ended(text[:at])
        + _indented(dump({key: data}), _column(text, first.start) or column)
        + text[at:]
    )


def _spliced_drop(text: str, table: Table, key: str) -> str:
    key_node, below = table.entries[key]
    if not table.flow:
        start = text.rfind("\n", 0, key_node.start) + 1
        return text[:start] + text[_next_line(text, max(_end(below), key_node.end)) :]
    keys = list(table.entries)
    index = keys.index(key)
    if index:
        return text[: _end(table.entries[keys[index - 1]][1])] + text[_end(below) :]
    following = table.entries[keys[1]][0].start if len(keys) > 1 else _end(below)
    return text[: key_node.start] + text[following:]


def _nest(path: tuple[str, ...], data: Json) -> Json:
    for key in reversed(path):
        data = {key: data}
    return data


def _end(node: Node) -> int:
    """Where a node's text ends; yaml lets a block end only where the next thing begins, comments included."""
    if isinstance(node, Table) and not node.flow and node.entries:
        key, below = list(node.entries.values())[-1]
        return max(key.end, _end(below))
    if isinstance(node, Listing) and not node.flow and node.items:
        return _end(node.items[-1])
    return node.end


def _next_line(text: str, position: int) -> int:
    if position and text[position - 1] == "\n":  # the end of a block scalar
        return position
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def _column(text: str, position: int) -> int:
    return position - (text.rfind("\n", 0, position) + 1)


def _line_ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _indented(block: str, column: int) -> str:
    return "".join(" " * column + line for line in block.splitlines(keepends=True))
