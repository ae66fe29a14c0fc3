"""``orchctl schema``: what commands print, as JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer

from orchctl import schemas
from orchctl.cli.lazy import Command
from orchctl.invocation import Invocation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def schema(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Such as task or error; all names without it.")
    ] = None,
) -> None:
    """Print the JSON Schema of an output type: of one object, of which lists are arrays.

    The schemas have a version; within it fields are only added.

    \b
    Example:
      orchctl schema task
    """
    run: Invocation = ctx.obj
    run.show_data(schemas.schema(name) if name else list(schemas.names()))
