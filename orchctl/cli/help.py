"""``orchctl help``: topics, and the help of commands under another name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchctl import topics
from orchctl.cli.lazy import Command
from orchctl.invocation import Invocation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("help", cls=Command)
def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC|COMMAND...]", help="What to read about.")
    ] = None,
) -> str:
    """Read about a topic (exit-codes, environment, output) or a command.

    \b
    Example:
      orchctl help exit-codes
      orchctl help task create
    """
    run: Invocation = ctx.obj
    tree: Any = ctx.find_root().command
    text = topics.find(words or (), nouns=tree.nouns)
    if text is None:
        raise typer.Exit(run.again([*(words or ()), "--help"], run.env))
    return text
