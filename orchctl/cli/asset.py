"""``orchctl asset``: values that robots read, some of them secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from orchctl import assets
from orchctl.bulk.outcome import RowResult
from orchctl.cli.lazy import Command, Many, Noun, Watched, Write
from orchctl.cli.options import AllFolders, AsNew, Description, Encoding, RowFormat, RowsFrom
from orchctl.errors import UsageFault
from orchctl.invocation import Invocation
from orchctl.model import Asset, AssetChange, NewAsset
from orchctl.model.words import ASSET_TYPES
from orchctl.times import TIME_FORMS

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Values that robots read, some of them secret.")
calendar = typer.Typer(cls=Noun, rich_markup_mode=None, help="The days of a calendar as a JSON array.")
app.add_typer(calendar, name="calendar")


def _type(text: str) -> str:
    if text.lower() not in ASSET_TYPES:
        raise UsageFault(f"{text!r} is no type of asset", hint=f"one of: {', '.join(ASSET_TYPES)}")
    return text.lower()


def _scope(text: str) -> str:
    kind, _, ident = text.partition(":")
    if text == "all" or (kind in ("robot", "group") and ident):
        return text
    raise UsageFault(f"{text!r} does not say who may read it", hint="one of: all, robot:ID, group:ID")


AssetName = Annotated[str, typer.Argument(metavar="NAME", help="The asset, by name or id.")]
AssetNames = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Assets, by name or id; - reads them from stdin.")
]
Value = Annotated[str | None, typer.Option("--value", metavar="VALUE", help="The value; never a secret.")]
FromStdin = Annotated[bool, typer.Option("--value-stdin", help="Read the value, or the secret, from stdin.")]
Username = Annotated[
    str | None, typer.Option("--username", metavar="USER", help="The login of a credential.")
]
Scope = Annotated[
    str | None,
    typer.Option("--for", metavar="all|robot:ID|group:ID", parser=_scope, help="Who may read it."),
]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="TIME", help=f"When its password expires: {TIME_FORMS}.")
]


@app.command(cls=Many)
def create(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The name.")] = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", parser=_type, help=f"One of: {', '.join(ASSET_TYPES)}."),
    ] = None,
    rows_from: RowsFrom = None,
    row_format: RowFormat = None,
    encoding: Encoding = None,
    as_new: AsNew = False,
    value: Value = None,
    from_stdin: FromStdin = False,
    username: Username = None,
    description: Description = None,
    scope: Scope = None,
    expires: Expires = None,
) -> Asset | Iterator[RowResult]:
    """Create an asset; or many, one for each row of a file. The password of a credential is asked for, or read with --value-stdin.

    Sherpa has texts, credentials and calendars; a calendar's value is a JSON array of its days.

    \b
    Example:
      orchctl asset create Bank --type credential --username robot --for all
      orchctl asset create --from assets.csv
    """
    run: Invocation = ctx.obj
    if rows_from is not None:
        return run.load("asset", rows_from, format=row_format, encoding=encoding, as_new=as_new)
    name, kind = run.needed(name, "argument 'NAME'"), run.needed(kind, "option '--type'")
    plain, secret = assets.value_of(
        run, kind, value, name=name, needs="create_asset", from_stdin=from_stdin, ask=True
    )
    return run.client.create_asset(
        NewAsset(
            name=name,
            type=kind,
            value=plain,
            secret=secret,
            username=username,
            description=description,
            scope=scope,
            expires_at=run.moment(expires),
        )
    )


@app.command("set", cls=Many)
def set_(
    ctx: typer.Context,
    ident: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The asset, by name or id.", show_default=False)
    ] = None,
    rows_from: RowsFrom = None,
    row_format: RowFormat = None,
    encoding: Encoding = None,
    value: Value = None,
    from_stdin: FromStdin = False,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="A new name.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", parser=_type, help="Another type.")
    ] = None,
    username: Username = None,
    description: Description = None,
    scope: Scope = None,
    expires: Expires = None,
) -> Asset | Iterator[RowResult]:
    """Change an asset; or many, each row of a file naming one by id or name. Without any option the new password of a credential is asked for.

    \b
    Example:
      orchctl asset set Greeting --value "Good morning"
    """
    run: Invocation = ctx.obj
    if rows_from is not None:
        return run.load("asset change", rows_from, format=row_format, encoding=encoding)
    change = AssetChange(
        name=name,
        type=kind,
        username=username,
        description=description,
        scope=scope,
        expires_at=run.moment(expires),
    )
    return assets.change(run, run.needed(ident, "argument 'NAME'"), change, value, from_stdin=from_stdin)


@app.command("list", cls=Watched)
def list_(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Asset]:
    """List assets, secrets as ***.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the assets that this machine has seen and says so.

    \b
    Example:
      orchctl asset list
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_assets(), all_folders)


@app.command(cls=Watched)
def get(
    ctx: typer.Context,
    idents: AssetNames,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print secrets instead of ***.")] = False,
) -> Asset | list[Asset]:
    """Print assets, secrets as *** unless they are to be revealed.

    \b
    Example:
      orchctl asset get Bank --reveal --query value -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, lambda ident: run.client.get_asset(ident, reveal=reveal))


@app.command(cls=Many)
def delete(ctx: typer.Context, idents: AssetNames) -> None:
    """Delete assets.

    \b
    Example:
      orchctl asset delete Bank --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_asset, confirm="delete the asset", always=True, gone_is_done=True)


@calendar.command("export", cls=Command)
def export(ctx: typer.Context, ident: AssetName) -> None:
    """Print the days of a calendar as a JSON array, which import takes.

    \b
    Example:
      orchctl asset calendar export Holidays > holidays.json
    """
    run: Invocation = ctx.obj
    run.show_data(assets.calendar_days(run, ident))


@calendar.command("import", cls=Write)
def import_(
    ctx: typer.Context,
    ident: AssetName,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A JSON array of days, or - for stdin.")],
) -> Asset:
    """Replace the days of a calendar. One that is not there is created for all robots.

    \b
    Example:
      orchctl asset calendar import Holidays holidays.json
    """
    run: Invocation = ctx.obj
    return assets.import_calendar(run, ident, run.data(file if file == "-" else f"@{file}"))
