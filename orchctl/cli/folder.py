"""``orchctl folder``: what queues, jobs and the rest lie in, where an orchestrator has folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from orchctl.cli.lazy import Command, Noun, Write
from orchctl.invocation import Invocation
from orchctl.model import Folder

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Folders, where an orchestrator has them.")


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> Iterator[Folder]:
    """List the folders that this credential sees.

    Each of the columns id, key and path can be given as --folder, as folder: in a context, or in
    ORCHCTL_FOLDER.

    \b
    Example:
      orchctl folder list -o wide
    """
    run: Invocation = ctx.obj
    return run.client.list_folders()


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME|PATH", help="Its name, or its path under folders that are there.")
    ],
) -> Folder:
    """Create a folder.

    \b
    Example:
      orchctl folder create Shared/Invoices
    """
    run: Invocation = ctx.obj
    return run.client.create_folder(name)
