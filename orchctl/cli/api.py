"""``orchctl api``: one raw call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchctl import rawapi
from orchctl.cli.lazy import Write
from orchctl.invocation import Invocation
from orchctl.payload import pair, typed_pair

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Write)
def api(
    ctx: typer.Context,
    method: Annotated[
        str, typer.Argument(metavar="METHOD", parser=rawapi.method, help="GET, POST, PUT, ...")
    ],
    path: Annotated[
        str, typer.Argument(metavar="PATH", parser=rawapi.path, help="What follows the context's URL.")
    ],
    strings: Annotated[
        list[Any] | None,
        typer.Option("-f", "--field", metavar="KEY=VALUE", parser=pair, help="A string field; repeatable."),
    ] = None,
    typed: Annotated[
        list[Any] | None,
        typer.Option(
            "-F", "--json-field", metavar="KEY=JSON", parser=typed_pair, help="A typed field; repeatable."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE|-", help="The body as it stands, from a file or stdin."),
    ] = None,
    headers: Annotated[
        list[Any] | None,
        typer.Option(
            "-H", "--header", metavar="NAME:VALUE", parser=rawapi.header, help="A header; repeatable."
        ),
    ] = None,
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Follow the pages and print all rows in one array.")
    ] = False,
    include: Annotated[bool, typer.Option("-i", "--include", help="Print status and headers too.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Print nothing of the answer.")] = False,
) -> None:
    """Make one call of the orchestrator's own API with the credential of the context.

    The answer is printed as it is, passwords that the server puts into it included; JSON on a terminal is
    indented, and -o, --query and --fields work on it. Fields go into the query of GET, HEAD and DELETE.
    Elsewhere they are the body: a form for Sherpa, JSON for the others. GET and HEAD are repeated where that
    helps; other methods are not. A protected context asks before a DELETE. The exit code is that of the status: 3
    for 401 and 403, 4 for 404, 5 for 409, and so on.

    \b
    Example:
      orchctl api GET /api/queue/read/Invoices
      orchctl api POST /api/queue/create -f Name=Refunds --dry-run
    """
    run: Invocation = ctx.obj
    request = rawapi.Request(
        method=method,
        path=path,
        fields=rawapi.merged(strings or (), typed or ()),
        headers=dict(headers or ()),
        body=None if source is None else run.file(source),
    )
    dialect = run.client.dialect
    run.confirm_raw(method, path)
    if paginate:
        run.show_data([] if silent else rawapi.pages(dialect, request))
    else:
        run.show_answer(rawapi.call(dialect, request), head=include, body=not silent)
