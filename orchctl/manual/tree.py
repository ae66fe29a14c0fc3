"""The command tree as plain data: words, options, and what may stand where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchctl.errors import OrchctlError


class Kind(StrEnum):
    """What a value is completed with."""

    NOTHING = "nothing"
    WORDS = "words"
    NAMES = "names"
    FILES = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """``words`` are the choices; for ``NAMES`` the one word is whose names are meant."""

    kind: Kind = Kind.NOTHING
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """``value`` is ``None`` for a flag."""

    flags: tuple[str, ...]
    metavar: str
    help: str
    value: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    metavar: str
    help: str
    value: Value
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Options under a heading; the command's own have none."""

    title: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command, or a group of ``commands``, with the words that lead to it."""

    words: tuple[str, ...]
    summary: str
    help: str
    sections: tuple[Section, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[str, ...]

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(option for section in self.sections for option in section.options)


def shared_sections(entries: Iterable[Entry]) -> dict[Section, int]:
    """The sections that commands have in common, numbered, so that each is written only once."""
    found = dict.fromkeys(section for entry in entries for section in entry.sections if section.title)
    return {section: number for number, section in enumerate(found, 1)}


# By what stands for a value in the help. The nouns are those of the registry.
_NAMES = {
    "QUEUE": "queue",
    "ROBOT": "robot",
    "PROCESS": "process",
    "ASSET": "asset",
    "TRIGGER": "trigger",
    "ACCOUNT": "account",
    "GROUP": "robot-group",
    "JOB": "job",
}
_NAMED_BY_NOUN = {
    ("asset", "NAME"): "asset",
    ("context", "NAME"): "context",
    ("job", "ID"): "job",
    ("process version", "ID"): "process-version",
    ("process version", "VERSION"): "process-version",
    ("storage", "FOLDER"): "storage-folder",
    ("storage file", "FOLDER"): "storage-folder",
    ("storage folder", "FOLDER"): "storage-folder",
    ("storage file", "ID"): "stored-file",
    ("asset calendar", "NAME"): "asset",
}
_FILES = {"FILE", "FILE|-", "JSON|@FILE|-", "PATH"}
_MAKING = ("add", "create")


def entries(root: Any) -> Iterator[Entry]:
    """Every group and command of a tree, a group before what is in it."""
    yield from _entries(root, ())


def _entries(command: Any, words: tuple[str, ...]) -> Iterator[Entry]:
    inner: dict[str, Any] = command.loaded() if hasattr(command, "loaded") else {}
    text = (command.help or "").replace("\b\n", "")
    yield Entry(
        words=words,
        summary=command.summary,
        help=text,
        sections=tuple(_sections(command, words)),
        arguments=tuple(
            _argument(param, words) for param in command.params if param.param_type_name == "argument"
        ),
        commands=tuple(inner),
    )
    for name, each in inner.items():
        yield from _entries(each, (*words, name))


def _sections(command: Any, words: tuple[str, ...]) -> Iterator[Section]:
    shared = getattr(command, "shared_sections", {})
    elsewhere = {id(option) for options in shared.values() for option in options}
    own = [
        param
        for param in command.params
        if param.param_type_name == "option" and id(param) not in elsewhere and not param.hidden
    ]
    kind = command.shown_kind() if hasattr(command, "shown_kind") else None
    yield Section(title="", options=(*(_option(param, words, kind) for param in own), _HELP))
    for title, options in shared.items():
        yield Section(title=title, options=tuple(_option(param, words, kind) for param in options))


_HELP = Option(flags=("-h", "--help"), metavar="", help="Show this message and exit.", value=None)


def _option(param: Any, words: tuple[str, ...], kind: type[Any] | None) -> Option:
    flags = sorted([*param.opts, *param.secondary_opts], key=lambda flag: flag.startswith("--"))
    value = None if param.is_flag else _value(param, words, flags, kind)
    return Option(
        flags=tuple(flags),
        metavar="" if value is None else _metavar(param),
        help=param.help or "",
        value=value,
    )


def _argument(param: Any, words: tuple[str, ...]) -> Argument:
    return Argument(
        metavar=param.metavar or param.name.upper(),
        help=param.help or "",
        value=_value(param, words, (), None),
        many=param.nargs == -1,
    )


def _metavar(param: Any) -> str:
    return str(param.metavar or param.type.name.upper())


def _value(param: Any, words: tuple[str, ...], flags: Any, kind: type[Any] | None) -> Value:
    metavar = _metavar(param).strip("[]").removesuffix("...")
    if choices := _choices(param, words, metavar, flags, kind):
        return Value(kind=Kind.WORDS, words=choices)
    if {"--context"} & set(flags):
        return Value(kind=Kind.NAMES, words=("context",))
    if not flags and words[-1] in _MAKING and metavar == "NAME":
        return Value()
    noun = _NAMES.get(metavar)
    if noun is None and not flags:
        noun = _NAMED_BY_NOUN.get((" ".join(words[:-1]), metavar))
    if noun is not None:
        return Value(kind=Kind.NAMES, words=(noun,))
    of_a_server = (words == ("api",) and not flags) or not {"--path", "--cancel-path"}.isdisjoint(flags)
    return Value(kind=Kind.FILES) if metavar in _FILES and not of_a_server else Value()


def _choices(
    param: Any, words: tuple[str, ...], metavar: str, flags: Any, kind: type[Any] | None
) -> tuple[str, ...]:
    """The words a value may be; they are fixed when the completions are made."""
    if "|" in metavar and metavar == metavar.lower():
        return tuple(metavar.split("|"))
    if found := getattr(param.type, "choices", None):
        return tuple(getattr(choice, "value", choice) for choice in found)
    if found := _refused(getattr(param.type, "func", None)):
        return found
    for flag in flags:
        if found := _by_flag(flag, kind):
            return found
    if words == ("schema",):
        from orchctl.schemas import names

        return names()
    if words in (("completion", "show"), ("completion", "install")):
        from orchctl.manual.install import SHELLS

        return SHELLS
    if words == ("help",):
        from orchctl.topics import TOPICS

        return tuple(TOPICS)
    return ()


def _refused(parse: Any) -> tuple[str, ...]:
    """A parser of fixed words lists them when it gets another one."""
    if parse is None:
        return ()
    try:
        parse("\a")
    except OrchctlError as error:
        _, found, listed = (error.hint or "").partition("one of: ")
        return tuple(word for word in listed.split(", ") if ":" not in word) if found else ()
    return ()


def _by_flag(flag: str, kind: type[Any] | None) -> tuple[str, ...]:
    from orchctl.config.rules import AUTHS
    from orchctl.dialects import DIALECTS
    from orchctl.render import Format, TimeStyle
    from orchctl.render.columns import field_names

    known = {
        "--output": tuple(Format),
        "--time": tuple(TimeStyle),
        "--dialect": tuple(DIALECTS),
        "--auth": AUTHS,
        "--job-update-method": ("auto", "put", "post"),
        "--wire": ("auto", "form", "json"),
    }
    if flag in known:
        return tuple(map(str, known[flag]))
    if flag in ("--fields", "--sort-by") and kind is not None:
        return field_names(getattr(kind, "rows_in_tables", (None, kind))[1])
    return ()
