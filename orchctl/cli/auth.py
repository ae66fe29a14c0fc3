"""``orchctl auth``: log in, log out, and see which credential is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchctl import logins
from orchctl.cli.lazy import Command, Noun, Write
from orchctl.cli.options import Timeout
from orchctl.credentials import Status
from orchctl.invocation import Invocation

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Log in, log out, and see which credential is used.")


@app.command(cls=Write)
def login(
    ctx: typer.Context,
    from_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the secret from standard input.")
    ] = False,
    from_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Read the secret from a file.")
    ] = None,
    insecure_storage: Annotated[
        bool,
        typer.Option("--insecure-storage", help="Keep it in a file of mode 0600, not in the keyring."),
    ] = False,
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="ELMA: the name to register under.")
    ] = None,
    timeout: Timeout = None,
) -> Status:
    """Keep the secret of a context for later runs: a token, client secret or password, as its auth needs.

    It is asked for on the terminal unless one of the options says where to read it. It is bound to the
    scheme, host and port of the context's URL, and is not sent to another.

    For ELMA RPA nothing is asked: orchctl makes the UUID of an external system, registers it, and waits until
    an administrator has allowed it, 10 minutes unless --timeout says otherwise. A later login goes on.

    \b
    Example:
      orchctl auth login -c prod --token-stdin < token.txt
    """
    run: Invocation = ctx.obj
    return logins.log_in(
        run.context,
        registers=run.dialect_class.registers_itself,
        client=lambda: run.client,
        stdin=run.streams.read if from_stdin else None,
        file=from_file,
        ask=run.ask_secret,
        env=run.env,
        insecure=insecure_storage,
        system=system,
        timeout=timeout,
        dry_run=bool(run.options.dry_run),
    )


@app.command(cls=Write)
def logout(ctx: typer.Context) -> Status:
    """Remove the stored secret of a context. What the environment gives is still used.

    \b
    Example:
      orchctl auth logout -c prod
    """
    run: Invocation = ctx.obj
    return logins.logout(run.context, env=run.env, note=run.note, dry_run=bool(run.options.dry_run))


@app.command(cls=Command)
def status(ctx: typer.Context) -> Status:
    """Say where the secret of a context comes from, without the secret. Without one the exit code is 3.

    \b
    Example:
      orchctl auth status -c prod -o json
    """
    run: Invocation = ctx.obj
    found, run.failure = logins.status(run.context, env=run.env)
    return found


@app.command(cls=Command)
def token(ctx: typer.Context) -> str:
    """Print the secret of a context as it is stored, for other programs.

    \b
    Example:
      orchctl auth token -c prod | other-program --token-stdin
    """
    run: Invocation = ctx.obj
    return logins.secret(run.context, env=run.env, note=run.note)
