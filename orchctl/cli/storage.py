"""``orchctl storage``: files that an orchestrator keeps for robots, and their folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchctl.cli.lazy import Noun, Watched, Write
from orchctl.cli.options import Description, Name
from orchctl.invocation import Invocation
from orchctl.model import (
    NewStorageFolder,
    NewStoredFile,
    StorageFolder,
    StorageFolderChange,
    StoredFile,
    StoredFileChange,
)

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Files kept for robots, and their folders.")
folder = typer.Typer(cls=Noun, rich_markup_mode=None, help="Folders of files.")
file = typer.Typer(cls=Noun, rich_markup_mode=None, help="Files in the storage.")
app.add_typer(folder, name="folder")
app.add_typer(file, name="file")

FolderId = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder.")]
FolderIds = Annotated[list[str], typer.Argument(metavar="FOLDER...", help="Folders; - reads ids from stdin.")]
FileId = Annotated[str, typer.Argument(metavar="ID", help="The file in the storage.")]
FileIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Files; - reads ids from stdin.")]


@folder.command("create", cls=Write)
def create_folder(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The name.")],
    description: Description = None,
) -> StorageFolder:
    """Create a folder of files.

    \b
    Example:
      orchctl storage folder create --name Reports
    """
    run: Invocation = ctx.obj
    return run.client.create_storage_folder(NewStorageFolder(name=name, description=description))


@folder.command("list", cls=Watched)
def list_folders(ctx: typer.Context) -> Iterator[StorageFolder]:
    """List folders of files.

    \b
    Example:
      orchctl storage folder list
    """
    run: Invocation = ctx.obj
    return run.client.list_storage_folders()


@folder.command("get", cls=Watched)
def get_folder(ctx: typer.Context, idents: FolderIds) -> StorageFolder | list[StorageFolder]:
    """Print folders of files.

    \b
    Example:
      orchctl storage folder get Reports
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_storage_folder)


@folder.command("update", cls=Write)
def update_folder(
    ctx: typer.Context, ident: FolderId, name: Name = None, description: Description = None
) -> StorageFolder:
    """Change a folder of files.

    \b
    Example:
      orchctl storage folder update Reports --description "One a month"
    """
    run: Invocation = ctx.obj
    change = StorageFolderChange(name=name, description=description)
    return run.client.update_storage_folder(ident, run.some(change))


@folder.command("delete", cls=Write)
def delete_folder(ctx: typer.Context, idents: FolderIds) -> None:
    """Delete folders of files.

    \b
    Example:
      orchctl storage folder delete Reports --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_storage_folder, confirm="delete the folder", always=True)


@file.command("create", cls=Write)
def create_file(
    ctx: typer.Context,
    target: FolderId,
    path: Annotated[str, typer.Argument(metavar="FILE", help="A file on this machine.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name; that of the file by default.")
    ] = None,
) -> StoredFile:
    """Upload a file into a folder.

    On Sherpa the upload is a multipart body (unverified), and its documents show no id in the answer: without
    one the file is printed as it was sent.

    \b
    Example:
      orchctl storage file create Reports march.xlsx
    """
    run: Invocation = ctx.obj
    filename, content = Path(path).name, run.file(path)
    return run.client.create_stored_file(
        NewStoredFile(name=name or filename, folder=target, filename=filename, content=content)
    )


@file.command("list", cls=Watched)
def list_files(ctx: typer.Context) -> Iterator[StoredFile]:
    """List files in the storage.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the files that this machine has seen and says so.

    \b
    Example:
      orchctl storage file list
    """
    run: Invocation = ctx.obj
    return run.client.list_stored_files()


@file.command("get", cls=Watched)
def get_file(ctx: typer.Context, idents: FileIds) -> StoredFile | list[StoredFile]:
    """Print what the storage knows of files. Their content has no documented call.

    \b
    Example:
      orchctl storage file get 554ab883-1f82-48e1-bb12-5049002e7d70
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_stored_file)


@file.command("update", cls=Write)
def update_file(
    ctx: typer.Context,
    ident: FileId,
    name: Name = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="FOLDER", help="The folder it is to lie in.")
    ] = None,
    path: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="A file on this machine in its place.")
    ] = None,
) -> StoredFile:
    """Change a file in the storage. On Sherpa by its id, which its documents forget to list (unverified).

    \b
    Example:
      orchctl storage file update 7 --name march.csv
    """
    run: Invocation = ctx.obj
    filename, content = (Path(path).name, run.file(path)) if path is not None else (None, None)
    change = StoredFileChange(name=name, folder=target, filename=filename, content=content)
    return run.client.update_stored_file(ident, run.some(change))


@file.command("delete", cls=Write)
def delete_file(ctx: typer.Context, idents: FileIds) -> None:
    """Delete files from the storage.

    \b
    Example:
      orchctl storage file delete 554ab883-1f82-48e1-bb12-5049002e7d70 --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_stored_file, confirm="delete the file", always=True)
