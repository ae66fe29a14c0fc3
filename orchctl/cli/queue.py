"""``orchctl queue``: where tasks wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from orchctl.bulk.outcome import RowResult
from orchctl.cli.lazy import Command, Many, Noun, Watched, Write
from orchctl.cli.options import (
    AllFolders,
    AsNew,
    Chart,
    Description,
    Encoding,
    Name,
    QueueArgument,
    QueueIds,
    RowFormat,
    RowsFrom,
    Timeout,
    emptiness,
)
from orchctl.invocation import Invocation
from orchctl.model import NewQueue, Queue, QueueChange, QueueStats

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Where tasks wait.")

UniqueTasks = Annotated[
    bool | None, typer.Option("--unique-tasks/--no-unique-tasks", help="No two tasks of one name.")
]
AutoChangeStatus = Annotated[
    bool | None,
    typer.Option(
        "--auto-change-status/--no-auto-change-status", help="A task fails when the job that holds it does."
    ),
]
MaxRetries = Annotated[
    int | None,
    typer.Option(
        "--max-retries",
        metavar="N",
        min=0,
        help="How often a failed task is repeated (on Sherpa: unverified).",
    ),
]


@app.command(cls=Many)
def create(
    ctx: typer.Context,
    name: Name = None,
    rows_from: RowsFrom = None,
    row_format: RowFormat = None,
    encoding: Encoding = None,
    as_new: AsNew = False,
    description: Description = None,
    unique_tasks: UniqueTasks = None,
    auto_change_status: AutoChangeStatus = None,
    max_retries: MaxRetries = None,
) -> Queue | Iterator[RowResult]:
    """Create a queue; or many, one for each row of a file. A row with an id changes that queue.

    \b
    Example:
      orchctl queue create --name Invoices --unique-tasks
      orchctl queue create --from queues.csv
    """
    run: Invocation = ctx.obj
    if rows_from is not None:
        return run.load("queue", rows_from, format=row_format, encoding=encoding, as_new=as_new)
    return run.client.create_queue(
        NewQueue(
            name=run.needed(name, "option '--name'"),
            description=description,
            unique_tasks=unique_tasks,
            auto_change_status=auto_change_status,
            max_retries=max_retries,
        )
    )


@app.command("list", cls=Watched)
def list_(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Queue]:
    """List queues.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the queues that this machine has seen and says so.

    \b
    Example:
      orchctl queue list -o name
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_queues(), all_folders)


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: QueueIds) -> Queue | list[Queue]:
    """Print queues.

    \b
    Example:
      orchctl queue get Invoices -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_queue)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: QueueArgument,
    name: Name = None,
    description: Description = None,
    unique_tasks: UniqueTasks = None,
    auto_change_status: AutoChangeStatus = None,
    max_retries: MaxRetries = None,
) -> Queue:
    """Change a queue.

    \b
    Example:
      orchctl queue update Invoices --description "From the mailbox"
    """
    run: Invocation = ctx.obj
    change = QueueChange(
        name=name,
        description=description,
        unique_tasks=unique_tasks,
        auto_change_status=auto_change_status,
        max_retries=max_retries,
    )
    return run.client.update_queue(ident, run.some(change))


@app.command(cls=Many)
def delete(ctx: typer.Context, idents: QueueIds) -> None:
    """Delete queues.

    \b
    Example:
      orchctl queue delete Invoices --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_queue, confirm="delete the queue", always=True, gone_is_done=True)


@app.command(cls=Command)
def stats(
    ctx: typer.Context,
    ident: Annotated[str | None, typer.Argument(metavar="[QUEUE]", help="One queue; all without it.")] = None,
    chart: Chart = False,
) -> QueueStats | Iterator[QueueStats] | None:
    """Count tasks by status. The chart of one queue also shows when tasks were created.

    \b
    Example:
      orchctl queue stats Invoices
    """
    run: Invocation = ctx.obj
    if not chart:
        return run.client.queue_stats(ident) if ident else run.client.all_queue_stats()
    run.chart_queues(ident)
    return None


@app.command(cls=Command)
def wait(
    ctx: typer.Context,
    ident: QueueArgument,
    until: Annotated[
        str, typer.Option("--for", metavar="empty", parser=emptiness, help="What to wait for: empty.")
    ],
    timeout: Timeout = None,
) -> QueueStats | list[QueueStats] | None:
    """Wait until a queue is empty: no task is new, postponed, preparing or in progress. Prints its counts.

    The exit code is 0 when it is, whatever became of the tasks, 8 when the time was over first, 4 when the
    queue is not there.

    \b
    Example:
      orchctl queue wait Invoices --for empty --timeout 2h
    """
    run: Invocation = ctx.obj
    return run.waited(run.client.wait_queue_empty(ident, timeout=timeout))
