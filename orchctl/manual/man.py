"""Man pages: one for the program, one for each of its nouns and commands. The wheel is built with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchctl import __version__, topics
from orchctl.manual.tree import Entry, Option

_FILES = {
    "~/.config/orchctl/config.yaml": "contexts and defaults",
    "~/.local/share/orchctl/sandbox.db": "the embedded orchestrator",
    "~/.local/state/orchctl": "journals, rate limits, names this machine has seen",
}


def pages(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Each page's file name and text."""
    known = {entry.words: entry for entry in entries}
    root = known[()]
    yield "orchctl.1", "\n".join(_program(root, known)) + "\n"
    for name in root.commands:
        below = [entry for words, entry in known.items() if words[:1] == (name,)]
        yield f"orchctl-{name}.1", "\n".join(_noun(below, root)) + "\n"


def _program(root: Entry, known: Mapping[tuple[str, ...], Entry]) -> Iterator[str]:
    yield from _head("orchctl", root.summary)
    yield from (".SH SYNOPSIS", ".B orchctl", "[\\fIglobal options\\fR] \\fINOUN VERB\\fR [\\fIoptions\\fR]")
    yield from (".SH DESCRIPTION", *_text(root.help))
    yield ".SH COMMANDS"
    for name in root.commands:
        yield from (".TP", f"\\fBorchctl\\-{_escape(name)}\\fR(1)", _escape(known[name,].summary))
    yield from (".SH OPTIONS", *_options(root.options))
    yield from (".SH EXIT STATUS", *_rows(topics.EXIT_CODES))
    yield from (".SH ENVIRONMENT", *_rows(topics.VARIABLES))
    yield from (".SH FILES", *_rows(_FILES))
    yield from (".SH EXAMPLES", ".nf", "orchctl sandbox demo", "orchctl doctor", ".fi")


def _noun(entries: list[Entry], root: Entry) -> Iterator[str]:
    first, *verbs = entries
    name = f"orchctl-{first.words[0]}"
    yield from _head(name, first.summary)
    commands = [entry for entry in entries if not entry.commands]
    yield ".SH SYNOPSIS"
    for number, entry in enumerate(commands):
        if number:
            yield ".br"
        yield " ".join([f"\\fB{_escape(' '.join(('orchctl', *entry.words)))}\\fR", *_usage(entry)])
    if verbs:
        yield from (".SH DESCRIPTION", *_text(first.help))
    for entry in commands:
        yield f".SH {_escape(' '.join(entry.words)).upper() if verbs else 'DESCRIPTION'}"
        yield from _text(entry.help)
        for argument in entry.arguments:
            yield from (".TP", f"\\fI{_escape(argument.metavar)}\\fR", _escape(argument.help))
        yield from _options(
            option for section in entry.sections if not section.title for option in section.options
        )
    shared = dict.fromkeys(section for entry in commands for section in entry.sections if section.title)
    titles = dict.fromkeys(section.title for section in shared)
    for title in titles:
        options = dict.fromkeys(
            option for section in shared if section.title == title for option in section.options
        )
        unique = {option.flags: option for option in options}
        yield from (f".SH {_escape(title).upper()}", *_options(unique.values()))
    yield from (".SH SEE ALSO", ".BR orchctl (1)")


def _head(name: str, summary: str) -> Iterator[str]:
    yield f'.TH "{_escape(name).upper()}" "1" "" "orchctl {__version__}" "orchctl"'
    yield from (".nh", ".ad l", ".SH NAME", f"{_escape(name)} \\- {_escape(summary.rstrip('.'))}")


def _usage(entry: Entry) -> Iterator[str]:
    for argument in entry.arguments:
        yield f"\\fI{_escape(argument.metavar)}\\fR"
    yield "[\\fIoptions\\fR]"


def _options(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        flags = ", ".join(f"\\fB{_escape(flag)}\\fR" for flag in option.flags)
        yield from (
            ".TP",
            f"{flags} \\fI{_escape(option.metavar)}\\fR".replace(" \\fI\\fR", ""),
            _escape(option.help),
        )


def _rows(rows: Mapping[str, str]) -> Iterator[str]:
    for name, meaning in rows.items():
        yield from (".TP", f"\\fB{_escape(name)}\\fR", _escape(meaning))


def _text(text: str) -> Iterator[str]:
    """Paragraphs as they are, examples line by line."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("Example:"):
            yield from (".PP", "Example:", ".nf")
            yield from (_escape(line.strip()) for line in paragraph.splitlines()[1:])
            yield ".fi"
        else:
            yield from (".PP", *(_escape(line) for line in paragraph.splitlines()))


def _escape(text: str) -> str:
    """A line that begins with a dot or a quote would be a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
