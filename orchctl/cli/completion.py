"""``orchctl completion``: what TAB needs."""

from __future__ import annotations

from typing import Annotated

import typer

from orchctl.cli.lazy import Command, Noun, Write
from orchctl.invocation import Invocation
from orchctl.manual import install as installing
from orchctl.manual import names as naming
from orchctl.manual.install import CompletionPlace

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Completion of commands, options and names by TAB.")

ShellName = Annotated[
    str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; yours without it.")
]


@app.command(cls=Write)
def install(ctx: typer.Context, shell: ShellName = None) -> CompletionPlace:
    """Write the completion where your shell looks for it.

    Commands, options and fixed words are in that file, so that TAB runs no program. Names of contexts,
    queues, robots and the like are those this machine has seen: TAB never asks a server.

    \b
    Example:
      orchctl completion install bash
    """
    run: Invocation = ctx.obj
    return installing.install(
        shell,
        ctx.find_root().command,
        env=run.env,
        note=run.note,
        dry_run=bool(run.options.dry_run),
    )


@app.command(cls=Command)
def show(ctx: typer.Context, shell: ShellName = None) -> str:
    """Print the completion of a shell.

    \b
    Example:
      orchctl completion show zsh
    """
    run: Invocation = ctx.obj
    return installing.script(installing.chosen(shell, run.env), ctx.find_root().command).rstrip("\n")


@app.command(cls=Command)
def names(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as context, queue or robot.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD...]", help="The command line so far, after --.")
    ] = None,
) -> str | None:
    """Print the names that TAB offers: of contexts, and of what this machine has seen of the others.

    \b
    Example:
      orchctl completion names queue
    """
    run: Invocation = ctx.obj
    given = [*(words or ()), *(("--context", run.options.context) if run.options.context else ())]
    return "\n".join(naming.lines(kind, given, run.env)) or None
