"""``orchctl process``: what robots can run, in its versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchctl.cli.lazy import Noun, Watched, Write
from orchctl.cli.options import AllFolders, Description, Name
from orchctl.invocation import Invocation
from orchctl.model import (
    NewProcess,
    NewProcessVersion,
    Process,
    ProcessChange,
    ProcessVersion,
    ProcessVersionChange,
)

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="What robots can run.")
version = typer.Typer(cls=Noun, rich_markup_mode=None, help="The versions of a process.")
app.add_typer(version, name="version")

ProcessId = Annotated[str, typer.Argument(metavar="PROCESS", help="The process.")]
ProcessIds = Annotated[
    list[str], typer.Argument(metavar="PROCESS...", help="Processes; - reads ids from stdin.")
]
VersionId = Annotated[str, typer.Argument(metavar="ID", help="The version.")]
VersionIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Versions; - reads ids from stdin.")]
Kind = Annotated[
    str | None, typer.Option("--type", metavar="process|package", help="What it is; a process by default.")
]
MinVersion = Annotated[
    str | None,
    typer.Option("--min-version", metavar="VERSION", help="The oldest robot software that can run it."),
]


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The name.")],
    description: Description = None,
    kind: Kind = None,
    min_version: MinVersion = None,
) -> Process:
    """Create a process.

    \b
    Example:
      orchctl process create --name Invoices
    """
    run: Invocation = ctx.obj
    new = NewProcess(name=name, description=description, type=kind, min_version=min_version)
    return run.client.create_process(new)


@app.command("list", cls=Watched)
def list_(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Process]:
    """List processes.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the processes that this machine has seen and says so.

    \b
    Example:
      orchctl process list
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_processes(), all_folders)


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: ProcessIds) -> Process | list[Process]:
    """Print processes.

    \b
    Example:
      orchctl process get Invoices -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_process)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: ProcessId,
    name: Name = None,
    description: Description = None,
    kind: Kind = None,
    min_version: MinVersion = None,
) -> Process:
    """Change a process.

    \b
    Example:
      orchctl process update Invoices --min-version 1.14
    """
    run: Invocation = ctx.obj
    change = ProcessChange(name=name, description=description, type=kind, min_version=min_version)
    return run.client.update_process(ident, run.some(change))


@app.command(cls=Write)
def delete(ctx: typer.Context, idents: ProcessIds) -> None:
    """Delete processes.

    \b
    Example:
      orchctl process delete Invoices --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_process, confirm="delete the process", always=True)


@version.command("create", cls=Write)
def create_version(
    ctx: typer.Context,
    process: ProcessId,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The .robot file.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name; that of the file by default.")
    ] = None,
    description: Description = None,
) -> ProcessVersion:
    """Upload a file as a new version of a process.

    On Sherpa the upload is a multipart body (unverified). Python robots run the script that the version's
    name names.

    \b
    Example:
      orchctl process version create Invoices invoices.robot
    """
    run: Invocation = ctx.obj
    filename, content = Path(file).name, run.file(file)
    return run.client.create_process_version(
        NewProcessVersion(
            process=process,
            name=name or filename,
            description=description,
            filename=filename,
            content=content,
        )
    )


@version.command("list", cls=Watched)
def list_versions(ctx: typer.Context, process: ProcessId) -> Iterator[ProcessVersion]:
    """List the versions of a process.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the versions that this machine has seen and says so.

    \b
    Example:
      orchctl process version list Invoices
    """
    run: Invocation = ctx.obj
    return run.client.list_process_versions(process)


@version.command("get", cls=Watched)
def get_version(ctx: typer.Context, idents: VersionIds) -> ProcessVersion | list[ProcessVersion]:
    """Print versions.

    \b
    Example:
      orchctl process version get 554ab883-1f82-48e1-bb12-5049002e7d70
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_process_version)


@version.command("update", cls=Write)
def update_version(
    ctx: typer.Context,
    ident: VersionId,
    name: Name = None,
    description: Description = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Another .robot file in its place.")
    ] = None,
) -> ProcessVersion:
    """Change a version.

    \b
    Example:
      orchctl process version update 55 --name 2.0
    """
    run: Invocation = ctx.obj
    filename, content = (Path(file).name, run.file(file)) if file is not None else (None, None)
    change = ProcessVersionChange(name=name, description=description, filename=filename, content=content)
    return run.client.update_process_version(ident, run.some(change))


@version.command("delete", cls=Write)
def delete_version(ctx: typer.Context, idents: VersionIds) -> None:
    """Delete versions.

    \b
    Example:
      orchctl process version delete 554ab883-1f82-48e1-bb12-5049002e7d70 --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_process_version, confirm="delete the version", always=True)
