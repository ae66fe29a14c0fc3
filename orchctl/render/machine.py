"""The machine formats, a row at a time: what they write parses, and holds the data unchanged."""

from __future__ import annotations

from collections.abc import Callable
from json.encoder import encode_basestring as quoted
from typing import Any, Protocol

from orchctl.render import Format
from orchctl.render.columns import Values, word
from orchctl.render.jsontext import compact, for_terminal, indented
from orchctl.sanitize import safe
from orchctl.spreadsheet import guarded


class Writer(Protocol):
    """Turns rows into text. What stands before them comes with the first, or with an end without any."""

    def row(self, values: Values) -> str: ...

    def end(self) -> str: ...


def writer(
    names: tuple[str, ...], output: Format, *, headers: bool, single: bool, terminal: bool, color: bool
) -> Writer:
    match output:
        case Format.JSON:
            finish = _for_eyes(terminal, color)
            template = _template(names, "    " if not single else "  ", indent=True)
            return _Json(template, finish, single=single)
        case Format.JSONL:
            template = _template(names, "", indent=False)
            return _Rows(lambda values: template(values) + "\n", finish=_for_eyes(terminal, False))
        case Format.YAML:
            from orchctl.render import yamltext

            written = yamltext.block if single else yamltext.element
            return _Rows(lambda values: written(dict(zip(names, values, strict=True))), empty="[]\n")
        case Format.CSV:
            return _Separated(names if headers else (), _csv_line(terminal=terminal))
        case Format.TSV:
            return _Separated(names if headers else (), tsv_line)
        case _:
            return _Rows(lambda values: "" if values[0] is None else safe(str(values[0])) + "\n")


class _Rows:
    def __init__(
        self,
        written: Callable[[Values], str],
        *,
        finish: Callable[[str], str] | None = None,
        empty: str = "",
    ) -> None:
        self._written = written
        self._finish = finish
        self._rest = empty

    def row(self, values: Values) -> str:
        self._rest = ""
        text = self._written(values)
        return self._finish(text) if self._finish else text

    def end(self) -> str:
        return self._rest


class _Json:
    def __init__(
        self, template: Callable[[Values], str], finish: Callable[[str], str] | None, *, single: bool
    ) -> None:
        self._template = template
        self._finish = finish
        self._before, self._after = ("", "\n") if single else ("[\n  ", "\n]\n")
        self._empty = "[]\n"

    def row(self, values: Values) -> str:
        text = self._template(values)
        before, self._before, self._empty = self._before, ",\n  ", self._after
        return before + (self._finish(text) if self._finish else text)

    def end(self) -> str:
        return self._empty


def _template(names: tuple[str, ...], margin: str, *, indent: bool) -> Callable[[Values], str]:
    """The text around the values of a row is the same for every row."""
    keys = [quoted(name).replace("%", "%%") + ": %s" for name in names]
    if not indent:
        line = "{" + ", ".join(keys) + "}"
        return lambda values: line % tuple([compact(value) for value in values])
    lines = "{\n" + ",\n".join(margin + key for key in keys) + f"\n{margin[2:]}}}"
    return lambda values: lines % tuple([indented(value, margin) for value in values])


def _for_eyes(terminal: bool, color: bool) -> Callable[[str], str] | None:
    return (lambda text: for_terminal(text, color=color)) if terminal else None


class _Separated:
    def __init__(self, names: tuple[str, ...], line: Callable[[Values], str]) -> None:
        self._head = line(names) if names else ""
        self._line = line

    def row(self, values: Values) -> str:
        head, self._head = self._head, ""
        return head + self._line(values)

    def end(self) -> str:
        return self._head


def tsv_line(values: Values) -> str:
    return "\t".join([safe(_text(value)) for value in values]) + "\n"


def _csv_line(*, terminal: bool) -> Callable[[Values], str]:
    import csv

    lines: list[str] = []
    # Asked to end lines with \r\n, the writer quotes cells with either; only with \n would a \r break a row.
    write = csv.writer(_Appender(lines.append), lineterminator="\r\n").writerow

    def line(values: Values) -> str:
        write([_guarded(value) for value in values])
        text = lines.pop()[:-2] + "\n"
        return safe(text, keep_newlines=True) if terminal else text

    return line


class _Appender:
    """The one method of a file that ``csv.writer`` calls."""

    def __init__(self, append: Callable[[str], None]) -> None:
        self.write = append


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else word(value)


def _guarded(value: Any) -> str:
    return guarded(_text(value))
