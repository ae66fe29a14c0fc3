"""``orchctl sandbox``: the embedded orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchctl import embedded
from orchctl.cli.lazy import Command, Noun, Write
from orchctl.embedded import ExternalSystem, OAuthClient, PlayedRun, SandboxPlace
from orchctl.invocation import Invocation

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="The embedded orchestrator, to learn and test on.")

Database = Annotated[
    Path | None,
    typer.Option("--db", metavar="PATH", help="The database; by default the one in your data folder."),
]


@app.command(cls=Command)
def demo(ctx: typer.Context) -> None:
    """Be shown around: real commands on a database that is thrown away afterwards.

    \b
    Example:
      orchctl sandbox demo
    """
    run: Invocation = ctx.obj
    embedded.tour(run.again, run.streams)


@app.command(cls=Write)
def init(ctx: typer.Context, database: Database = None) -> SandboxPlace:
    """Make the database, its account key and a context "sandbox". Safe to repeat.

    \b
    Example:
      orchctl sandbox init
    """
    run: Invocation = ctx.obj
    return embedded.init(database, run.config, dry_run=bool(run.options.dry_run))


@app.command(cls=Command)
def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 4500,
    open_access: Annotated[
        bool, typer.Option("--open", help="Let any well-formed credential in; on loopback only.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what only one of the vendor's documents says.")
    ] = False,
    elma: Annotated[
        list[str] | None,
        typer.Option(
            "--elma",
            metavar="SWITCH",
            help="How ELMA's API may differ: mirror-status, strict-owner, no-callback, no-delete-alias, "
            "no-variables, zero-metrics, local-created, no-resume; repeatable.",
        ),
    ] = None,
    reach: Annotated[
        list[str] | None,
        typer.Option(
            "--reach",
            metavar="HOST",
            help="A host besides this one for callbacks and input files; repeatable.",
        ),
    ] = None,
    database: Database = None,
) -> None:
    """Serve over HTTP. The first line on stdout is the base URL, once it answers; SIGTERM ends it with 0.

    \b
    Example:
      orchctl sandbox serve --port 4500
    """
    run: Invocation = ctx.obj
    embedded.serve(
        database,
        run.streams,
        host=host,
        port=port,
        open_access=open_access,
        strict=strict,
        elma=elma or (),
        reach=reach or (),
    )


@app.command(cls=Write)
def reset(ctx: typer.Context, database: Database = None) -> None:
    """Empty the database; its account key stays.

    \b
    Example:
      orchctl sandbox reset --yes
    """
    run: Invocation = ctx.obj
    place = embedded.place(database)
    run.confirm_local(f"empty {place}")
    if not run.rehearses(f"empty {place}"):
        run.note(embedded.reset(place))


@app.command(cls=Command)
def path(ctx: typer.Context, database: Database = None) -> str:
    """Print where the database is.

    \b
    Example:
      orchctl sandbox path
    """
    return str(embedded.place(database))


@app.command(cls=Write)
def key(
    ctx: typer.Context,
    new_client: Annotated[
        str | None,
        typer.Option(
            "--new-client", metavar="NAME", help="Register an OAuth client and print its id and secret."
        ),
    ] = None,
    database: Database = None,
) -> OAuthClient | str | None:
    """Print the account key, which is the credential for the served sandbox.

    UiPath's API also takes it as the password of the user admin, or an OAuth client's id and secret, which
    are printed once.

    \b
    Example:
      orchctl sandbox key
    """
    run: Invocation = ctx.obj
    if new_client is None:
        return embedded.account_key(database)
    return None if run.rehearses(f"register {new_client}") else embedded.new_client(database, new_client)


@app.command(cls=Write)
def allow(
    ctx: typer.Context,
    system: Annotated[
        str | None, typer.Argument(metavar="[UUID]", help="Its UUID or name; without it, those that wait.")
    ] = None,
    database: Database = None,
) -> ExternalSystem | list[ExternalSystem] | None:
    """Let in an external system that has registered over ELMA's API.

    \b
    Example:
      orchctl sandbox allow 5d5ec66f-357d-4c2d-bbc1-2012278d2361
    """
    run: Invocation = ctx.obj
    if system is None:
        return embedded.waiting(database)
    return None if run.rehearses(f"let {system} in") else embedded.allow(database, system)


@app.command(cls=Write)
def publish(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The process.")],
    variables: Annotated[
        list[str] | None,
        typer.Option(
            "--var",
            metavar="NAME:TYPE[[]][:in|out|inout]",
            help="A variable; bool, int, double, datetime, string, file or mail; repeatable.",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", metavar="UUID", help="Its token; made up without this.")
    ] = None,
    database: Database = None,
) -> str | None:
    """Add a process, or a new version of one, and print its token. Its tasks lie in a queue of its name.

    \b
    Example:
      orchctl sandbox publish Invoices --var amount:double --var report:file:out
    """
    run: Invocation = ctx.obj
    if run.rehearses(f"publish {name}"):
        return None
    return embedded.publish(database, name, variables or (), token=token)


@app.command(cls=Write)
def play(
    ctx: typer.Context,
    ident: Annotated[str, typer.Argument(metavar="ID", help="The task or job.")],
    result: Annotated[
        str | None, typer.Option("--result", metavar="JSON|@FILE|-", help="Its output.")
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--file", metavar="PATH", help="A file of its output; repeatable.")
    ] = None,
    log: Annotated[
        list[str] | None, typer.Option("--log", metavar="TEXT", help="A line of its log; repeatable.")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="End it as failed.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Do not end it yet.")] = False,
    database: Database = None,
) -> PlayedRun | None:
    """Act as the robot that runs a task or job: begin, log, end.

    \b
    Example:
      orchctl sandbox play 955 --result '{"total": 12.5}' --file report.xlsx
    """
    run: Invocation = ctx.obj
    if run.rehearses(f"play {ident}"):
        return None
    return embedded.play(
        database,
        ident,
        result=run.data(result, "--result"),
        files=files or (),
        log=log or (),
        fail=fail,
        running=running,
    )
