"""``orchctl top``: queues, robots and jobs on one screen."""

from __future__ import annotations

from typing import Annotated

import typer

from orchctl.cli.lazy import Command
from orchctl.cli.options import pause
from orchctl.invocation import Invocation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def top(
    ctx: typer.Context,
    interval: Annotated[
        float | None,
        typer.Option("--interval", metavar="TIME", parser=pause, help="How often to look; 5s by default."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, print it, and leave.")] = False,
) -> None:
    """Watch queues, robots and jobs on one screen.

    Jobs are those that run, or failed within the last hour. Of a queue: tasks that are new, in work, postponed
    and failed, what was done and failed within the last hour, since when the oldest waits, and the course of
    what was done and failed over that hour. UiPath Orchestrator counts tasks without telling when they ended:
    there the hour begins with top. Sherpa lists all tasks of all queues each time.

    With --once into a pipe each row begins with its kind: queue, robot or job, and its fields follow in the
    order of -o json, tab-separated.

    Keys: q leaves, Tab chooses a section, s sorts, / filters, ? shows the others.

    \b
    Example:
      orchctl top
      orchctl top --once -o json
    """
    run: Invocation = ctx.obj
    run.top(interval=interval, once=once)
