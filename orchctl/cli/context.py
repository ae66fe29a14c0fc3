"""``orchctl context``: which orchestrators there are, and which one is meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from orchctl import contexts
from orchctl.cli.lazy import Command, Noun, Write
from orchctl.config import Context
from orchctl.contexts import ContextRow
from orchctl.invocation import Invocation

app = typer.Typer(
    cls=Noun, rich_markup_mode=None, help="Which orchestrators there are, and which one is meant."
)

ContextName = Annotated[str, typer.Argument(metavar="NAME", help="The context.")]


def _option(name: str, metavar: str, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help)


@app.command(cls=Write)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: letters, digits, _ . -")],
    *,
    dialect: Annotated[str, _option("--dialect", "DIALECT", "The API that is spoken, such as sherpa.")],
    url: Annotated[str, _option("--url", "URL", "https://HOST[:PORT][/PREFIX], sandbox: or sandbox:PATH.")],
    auth: Annotated[
        str | None, _option("--auth", "HOW", "basic, bearer, token, client-credentials or password.")
    ] = None,
    client_id: Annotated[str | None, _option("--client-id", "ID", "Of the external application.")] = None,
    username: Annotated[str | None, _option("--username", "USER", "Who logs in with a password.")] = None,
    tenant: Annotated[str | None, _option("--tenant", "NAME", "The tenant, where the URL has none.")] = None,
    scope: Annotated[str | None, _option("--scope", "SCOPES", "What to ask the identity server for.")] = None,
    identity_url: Annotated[
        str | None, _option("--identity-url", "URL", "Where tokens are got, if elsewhere.")
    ] = None,
    folder: Annotated[str | None, _option("--folder", "FOLDER", "The folder calls are about.")] = None,
    ca_bundle: Annotated[
        str | None, _option("--ca-bundle", "PATH", "Certificates to trust, a PEM file or a folder.")
    ] = None,
    client_cert: Annotated[
        str | None, _option("--client-cert", "FILE", "The certificate to show to the server.")
    ] = None,
    client_key: Annotated[
        str | None, _option("--client-key", "FILE", "Its key, if in a file of its own.")
    ] = None,
    proxy: Annotated[str | None, _option("--proxy", "URL", "The proxy to go through.")] = None,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Let the credential go out unencrypted.")
    ] = False,
    cancel_path: Annotated[
        str | None, _option("--cancel-path", "PATH", "Where ELMA cancels a task (unverified).")
    ] = None,
    protected: Annotated[
        bool, typer.Option("--protected", help="Ask for its name before anything destructive.")
    ] = False,
    token_command: Annotated[
        str | None, _option("--token-command", "COMMAND", "A program that prints the secret.")
    ] = None,
    time_zone: Annotated[
        str | None, _option("--time-zone", "ZONE", "Of times without a zone, such as Europe/Moscow.")
    ] = None,
    job_update_method: Annotated[
        str | None, _option("--job-update-method", "METHOD", "auto, put or post (Sherpa).")
    ] = None,
    wire: Annotated[str | None, _option("--wire", "STYLE", "auto, form or json bodies (Sherpa).")] = None,
    use: Annotated[bool, typer.Option("--use", help="Make it the current context.")] = False,
) -> ContextRow:
    """Add a context. The first one becomes the current one.

    With --insecure the server's certificate is not verified, and each command warns. A secret is never given
    here: orchctl auth login asks for it.

    \b
    Example:
      orchctl context add prod --dialect sherpa --url https://rpa.example.com
    """
    run: Invocation = ctx.obj
    settings = {
        "dialect": dialect,
        "url": url,
        "auth": auth,
        "client-id": client_id,
        "username": username,
        "tenant": tenant,
        "scope": scope,
        "identity-url": identity_url,
        "folder": folder,
        "ca-bundle": ca_bundle,
        "client-cert": client_cert,
        "client-key": client_key,
        "proxy": proxy,
        "insecure": run.options.insecure,
        "allow-http": allow_http or None,
        "cancel-path": cancel_path,
        "protected": protected or None,
        "token-command": token_command,
        "time-zone": time_zone,
        "job-update-method": job_update_method,
        "wire": wire,
    }
    dry_run = bool(run.options.dry_run)
    return contexts.add(run.config, name, settings, note=run.note, current=use or None, dry_run=dry_run)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> Iterator[ContextRow]:
    """List the contexts of the configuration.

    \b
    Example:
      orchctl context list
    """
    run: Invocation = ctx.obj
    return contexts.listing(run.config)


@app.command(cls=Write)
def use(ctx: typer.Context, name: ContextName) -> ContextRow:
    """Make a context the current one.

    \b
    Example:
      orchctl context use prod
    """
    run: Invocation = ctx.obj
    return contexts.use(run.config, name, dry_run=bool(run.options.dry_run))


@app.command(cls=Command)
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The one in use without it.")] = None,
) -> Context:
    """Print all settings of a context.

    \b
    Example:
      orchctl context show prod -o yaml
    """
    run: Invocation = ctx.obj
    return contexts.show(run.config, name, run.env, chosen=run.options.context)


@app.command(cls=Write)
def rename(
    ctx: typer.Context,
    name: ContextName,
    to: Annotated[str, typer.Argument(metavar="NEW-NAME", help="Its name from now on.")],
) -> ContextRow:
    """Give a context another name. A stored credential goes along.

    \b
    Example:
      orchctl context rename prod production
    """
    run: Invocation = ctx.obj
    return contexts.rename(
        run.config, name, to, env=run.env, note=run.note, dry_run=bool(run.options.dry_run)
    )


@app.command(cls=Write)
def remove(ctx: typer.Context, name: ContextName) -> None:
    """Remove a context and its stored credential. Nothing on the server changes.

    \b
    Example:
      orchctl context remove prod
    """
    run: Invocation = ctx.obj
    contexts.remove(run.config, name, env=run.env, note=run.note, dry_run=bool(run.options.dry_run))
    run.rehearses(f"remove the context {name}")


@app.command(cls=Command)
def current(ctx: typer.Context) -> str:
    """Print the name of the context that commands talk to ("env" for that of ORCHCTL_URL).

    \b
    Example:
      orchctl context current
    """
    run: Invocation = ctx.obj
    return contexts.show(run.config, None, run.env, chosen=run.options.context).name
