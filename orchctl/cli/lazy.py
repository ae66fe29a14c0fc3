"""The classes behind the command tree: nouns loaded when asked for, commands with the options of their kind.

Nothing here may import more than Typer: help, completion and typing errors have to be instant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from shlex import join
from typing import Any, ClassVar, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from orchctl.cli.shared import (
    dry_run_option,
    global_options,
    log_output_options,
    many_options,
    output_options,
    watch_options,
    write_options,
)
from orchctl.errors import UsageFault
from orchctl.invocation import Invocation


def _show_help(ctx: Any, _: Any, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.streams.write(ctx.get_help() + "\n")
        ctx.exit()


def first_sentence(text: str | None) -> str:
    """What a command does in one sentence, as lists of commands show it."""
    paragraph = " ".join((text or "").replace("\b\n", "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


class _Helped:
    """Help goes out through the streams, so that a closed or full stdout is no success."""

    @property
    def summary(self) -> str:
        return first_sentence(getattr(self, "help", None))

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]  # mixed into Typer's classes
        if option is not None:
            option.callback = _show_help
        return option


_SECTIONS: tuple[tuple[str, Callable[[], list[TyperOption]]], ...] = (
    ("Writing", write_options),
    ("Output", output_options),
    ("Global options", global_options),
)


class Command(_Helped, TyperCommand):
    """A command that takes the global options after its verb and shows the value that it returns.

    What it shows is the dataclass in its return annotation; ``None`` shows nothing.
    """

    sections = _SECTIONS[1:]

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        own = {word for param in self.params for word in param.opts}
        self.shared_sections = {
            title: [option for option in make() if own.isdisjoint(option.opts)]
            for title, make in self.sections
        }
        self.params.extend(option for options in self.shared_sections.values() for option in options)

    def shown_kind(self) -> type[Any] | None:
        """The type whose rows it shows."""
        return _shown_kind(self.callback)

    def kind_for(self, given: Mapping[str, Any]) -> type[Any] | None:
        """The type whose rows it shows when it is called with these options."""
        return self.shown_kind()

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The command's own options first, then those that all have, under headings."""
        everything = self.params
        shared = {id(option) for options in self.shared_sections.values() for option in options}
        try:
            self.params = [param for param in everything if id(param) not in shared]
            super().format_options(ctx, formatter)
        finally:
            self.params = everything
        for title, options in self.shared_sections.items():
            with formatter.section(title):
                formatter.write_dl([option.get_help_record(ctx) for option in options])

    def invoke(self, ctx: Any) -> None:
        run: Invocation = ctx.obj
        if run.options.dry_run and not isinstance(self, Write):
            raise UsageFault(f"{ctx.command_path} has nothing to rehearse", hint="leave --dry-run out")
        shared = [option.name or "" for options in self.shared_sections.values() for option in options]
        run.apply({name: ctx.params.pop(name) for name in shared})
        kind = self.kind_for(ctx.params)
        if kind is not None:
            self.check(run, kind)
        fetch = partial(super().invoke, ctx)
        if kind is not None and run.options.watch:
            run.watch(fetch, kind, title=ctx.meta[_WATCHED])
            return
        result = fetch()
        if isinstance(result, str):
            run.show_text(result)
        elif kind is not None and result is not None and not run.has_shown_plans:
            self.show(run, result, kind)
        if run.failure is not None:
            raise run.failure

    def check(self, run: Invocation, kind: type[Any]) -> None:
        """:raises UsageFault: the result could not be shown as asked."""
        run.check(kind)

    def show(self, run: Invocation, result: Any, kind: type[Any]) -> None:
        run.show(result, kind)


# Of a context: the command line that is watched.
_WATCHED = "orchctl.watched"


class Watched(Command):
    """A command that can look again and again."""

    sections = (("Watching", watch_options), *_SECTIONS[1:])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_WATCHED] = join([*ctx.command_path.split(), *_without_watching(args)])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> None:
        if ctx.params["interval"] is not None and not ctx.params["watch"]:
            raise UsageFault("--interval belongs to --watch", hint="add --watch")
        super().invoke(ctx)


def _without_watching(args: Sequence[str]) -> Iterator[str]:
    """What is typed without how it is watched, and without the context, which is told in any case."""
    words = iter(args)
    for word in words:
        name, value, _ = word.partition("=")
        if name in ("--interval", "-c", "--context"):
            if not value:
                next(words, None)
        elif word != "--watch":
            yield word


class LogLines(Command):
    """A command that shows log entries, batch by batch, as lines unless another format is asked for."""

    sections = (("Output", log_output_options), *_SECTIONS[2:])

    def invoke(self, ctx: Any) -> None:
        if ctx.params["follow"] and (ctx.params["query"] or ctx.params["sort_by"]):
            raise UsageFault(
                "--query and --sort-by need the whole result, and with -f there is none",
                hint="leave -f out; with it --level, --grep and the like choose entries, and --fields fields",
            )
        super().invoke(ctx)

    def check(self, run: Invocation, kind: type[Any]) -> None:
        run.check_log(kind)

    def show(self, run: Invocation, result: Any, kind: type[Any]) -> None:
        run.show_log(result, kind)


class Write(Command):
    """A command that changes something: it can be rehearsed, and may have to be confirmed."""

    sections = _SECTIONS

    def invoke(self, ctx: Any) -> None:
        if not (ctx.params["dry_run"] or ctx.obj.options.dry_run):
            return super().invoke(ctx)
        from orchctl.transport import PlannedRequest

        try:
            return super().invoke(ctx)
        except PlannedRequest as request:
            ctx.obj.show_plans([request], single=True)


class Many(Write):
    """A write on many objects: rows of a file, or several ids. Cut off, it can be taken up again by its run.

    With ``--resume`` the command line is the one of that run; of what is typed now only the options that all
    such commands share count, and what else there is must be as it was.
    """

    sections = (("Many at once", many_options), *_SECTIONS)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given, _, order = self.make_parser(ctx).parse_args(args=list(args))
            run: Invocation = ctx.obj
            before = run.take_up(ctx.command_path, args, given.get("resume"))
            if before is not None:
                if before:
                    self._check_own_words(ctx, given, order, before)
                args = [*before, *self._shared_words(given, order)]
            elif given.get("resume") is None and (given.get("retry_rejected") or given.get("retry_unknown")):
                raise UsageFault("--retry-rejected and --retry-unknown go with --resume RUN")
        return super().parse_args(ctx, args)

    def _check_own_words(
        self, ctx: Any, given: Mapping[str, Any], order: Sequence[Any], before: Sequence[str]
    ) -> None:
        shared = {id(option) for options in self.shared_sections.values() for option in options}
        then = self.make_parser(ctx).parse_args(args=list(before))[0]
        for option in order:
            typed = given.get(option.name)
            if id(option) not in shared and typed not in (None, (), []) and typed != then.get(option.name):
                raise UsageFault(
                    f"{option.opts[0]} is not what it was when the run began",
                    hint="--resume needs nothing else: leave it out",
                )

    def kind_for(self, given: Mapping[str, Any]) -> type[Any] | None:
        if given.get("rows_from") is None:
            return super().kind_for(given)
        from orchctl.bulk.outcome import RowResult

        return RowResult

    def _shared_words(self, given: Mapping[str, Any], order: Sequence[Any]) -> list[str]:
        shared = {id(option) for options in self.shared_sections.values() for option in options}
        words: list[str] = []
        for option in order:
            if id(option) in shared:
                value = given[option.name]
                words += [option.opts[0]] if option.is_flag else [option.opts[0], str(value)]
        return words


class Noun(_Helped, TyperGroup):
    """A noun with its verbs. Without a verb it is a usage error, told by its help.

    A verb is a stub until it is called: making the options of twenty commands takes longer than most of them.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._unmade: dict[str, Any] = {}

    def take_in(self, app: typer.Typer) -> Noun:
        """The verbs of an app, as stubs, and the groups within it."""
        for info in app.registered_commands:
            assert info.callback is not None
            name = info.name or info.callback.__name__.replace("_", "-")
            self._unmade[name] = info
            text = info.help or inspect.getdoc(info.callback)
            self.commands[name] = TyperCommand(name, help=text, add_help_option=False)
        for group in app.registered_groups:
            assert group.typer_instance is not None
            name = group.name or ""
            self.commands[name] = _group(group.typer_instance, name)
        return self

    def made(self, name: str) -> Any:
        """A verb itself."""
        info = self._unmade.pop(name, None)
        if info is not None:
            self.commands[name] = typer.main.get_command_from_info(
                info, pretty_exceptions_short=True, rich_markup_mode=None
            )
        return self.commands[name]

    def loaded(self) -> dict[str, Any]:
        """All verbs and groups, each of them made."""
        return {name: self.made(name) for name in self.commands}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Whole sentences, on more than one line where need be; Typer would cut them."""
        rows = [(name, first_sentence(command.help)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            raise UsageFault(f"{ctx.command_path} needs a verb", hint=f"{ctx.command_path} --help lists them")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        command = self.made(args[0]) if args[0] in self.commands else None
        if command is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(args[0], self.commands, n=1)
            listing = f"{ctx.command_path} --help lists what there is"
            raise UsageFault(
                f"{ctx.command_path} has no command {args[0]!r}",
                hint=f"did you mean {ctx.command_path} {close[0]}?" if close else listing,
            )
        return super().resolve_command(ctx, args)


class Root(Noun):
    """The whole tree. A noun is a stub, good enough for help and completion, until it is called."""

    nouns: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in self.nouns.items():
            self.commands[name] = TyperCommand(name, help=summary, add_help_option=False)
        shared = [*global_options(), dry_run_option()]
        self._shared = [option.name for option in shared]
        self.params.extend(shared)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def invoke(self, ctx: Any) -> Any:
        given = {name: ctx.params.pop(name) for name in self._shared}
        ctx.obj.apply(given)
        return super().invoke(ctx)

    def loaded(self) -> dict[str, Any]:
        """All commands, each of them imported."""
        return {name: load(target, name) for name, (target, _) in self.nouns.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in self.nouns:
            self.commands[args[0]] = load(self.nouns[args[0]][0], args[0])
        return super().resolve_command(ctx, args)


def load(target: str, name: str) -> Any:
    """The command or group that ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    app = getattr(import_module(module), attribute)
    if isinstance(app.info.cls, type):
        return _group(app, name)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _group(app: typer.Typer, name: str) -> Noun:
    """A group without Typer making all that is in it."""
    empty = copy(app)
    empty.registered_commands, empty.registered_groups = [], []
    group = typer.main.get_group(empty)
    assert isinstance(group, Noun)
    group.name = name
    return group.take_in(app)


def _shown_kind(callback: Callable[..., Any] | None) -> type[Any] | None:
    """The dataclass in a return annotation such as ``Task``, ``Task | None`` or ``Iterator[Task]``."""
    function = inspect.unwrap(callback) if callback else None
    pending = [get_type_hints(function).get("return")]
    while pending:
        hint = pending.pop(0)
        if isinstance(hint, type) and is_dataclass(hint):
            return hint
        pending += get_args(hint)
    return None
