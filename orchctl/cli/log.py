"""``orchctl log``: what robots said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer

from orchctl.cli.lazy import Command, LogLines, Noun, Write
from orchctl.cli.logoptions import (
    LEVELS,
    AtLeast,
    Exclude,
    Follow,
    Grep,
    Highlight,
    Lines,
    OfJobs,
    OfMachines,
    OfProcesses,
    OfRobots,
    OfTasks,
    Overlap,
    Poll,
    log_filter,
)
from orchctl.cli.options import AllFolders, Limit, Since, Until, log_level
from orchctl.invocation import Invocation
from orchctl.model import LogEntry, NewLogEntry
from orchctl.times import TIME_FORMS

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="What robots said.")


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    level: Annotated[
        Any, typer.Option("--level", metavar="LEVEL", parser=log_level, help=f"One of: {LEVELS}.")
    ],
    message: Annotated[str, typer.Option("--message", metavar="TEXT", help="What to say.")],
    robot: Annotated[str | None, typer.Option("--robot", metavar="ROBOT", help="Who says it.")] = None,
    version: Annotated[
        str | None, typer.Option("--process-version", metavar="ID", help="What it runs.")
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="The job it runs.")] = None,
) -> LogEntry:
    """Write a log entry.

    Sherpa may answer no id; the entry is then printed as it was sent, with the time of this machine.

    \b
    Example:
      orchctl log create --level info --message "Mailbox read" --robot R1
    """
    run: Invocation = ctx.obj
    return run.client.create_log_entry(
        NewLogEntry(level=level, message=message, robot=robot, process_version=version, job_id=job)
    )


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    level: AtLeast = None,
    robots: OfRobots = None,
    processes: OfProcesses = None,
    jobs: OfJobs = None,
    tasks: OfTasks = None,
    machines: OfMachines = None,
    since: Since = None,
    until: Until = None,
    grep: Grep = None,
    exclude: Exclude = None,
    limit: Limit = None,
    all_folders: AllFolders = False,
) -> Iterator[LogEntry]:
    """List log entries in the orchestrator's order. Sherpa filters nothing, so orchctl does.

    \b
    Example:
      orchctl log list --level warning --since 1d
    """
    run: Invocation = ctx.obj
    wanted = log_filter(
        run,
        level=level,
        robots=robots,
        processes=processes,
        jobs=jobs,
        tasks=tasks,
        machines=machines,
        since=since,
        until=until,
        grep=grep,
        exclude=exclude,
    )
    return islice(run.listed_log(wanted, all_folders=all_folders), limit)


@app.command(cls=LogLines)
def tail(
    ctx: typer.Context,
    follow: Follow = False,
    lines: Lines = None,
    since: Since = None,
    until: Until = None,
    level: AtLeast = None,
    robots: OfRobots = None,
    processes: OfProcesses = None,
    jobs: OfJobs = None,
    tasks: OfTasks = None,
    machines: OfMachines = None,
    grep: Grep = None,
    exclude: Exclude = None,
    highlight: Highlight = None,
    interval: Poll = None,
    overlap: Overlap = None,
) -> Iterator[list[LogEntry]]:
    """Print the last log entries, the newest at the end: 10, or with --since all from then on.

    With -f what is added is printed as it comes: each entry once, also where the server tells late, out of
    order or twice, or is away for a while. What may be missing is said on stderr. It ends with Ctrl-C, after
    --until, and, where one --job or --task is named, with that job.

    Sherpa has no filters: its whole log is read each time, so that a long one is read rarely. ELMA RPA has a
    log for each task and no other: --job names the task.

    \b
    Example:
      orchctl log tail -f --level warning
      orchctl log tail --since 1h --grep "invoice \\d+" -o jsonl
    """
    run: Invocation = ctx.obj
    wanted = log_filter(
        run,
        level=level,
        robots=robots,
        processes=processes,
        jobs=jobs,
        tasks=tasks,
        machines=machines,
        since=since,
        until=until,
        grep=grep,
        exclude=exclude,
    )
    return run.log(
        wanted,
        count=lines if lines is not None or since is not None else 10,
        follow=follow,
        interval=interval,
        overlap=overlap,
        highlight=highlight or (),
    )


@app.command(cls=Command)
def get(
    ctx: typer.Context,
    idents: Annotated[list[str], typer.Argument(metavar="ID...", help="Entries; - reads ids from stdin.")],
) -> LogEntry | list[LogEntry]:
    """Print log entries.

    \b
    Example:
      orchctl log get 554ab883-1f82-48e1-bb12-5049002e7d70
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_log_entry)


@app.command(cls=Write)
def purge(
    ctx: typer.Context,
    before: Annotated[str, typer.Option("--before", metavar="TIME", help=f"{TIME_FORMS}; 30d is ago.")],
) -> None:
    """Delete all entries created before a point in time.

    \b
    Example:
      orchctl log purge --before 180d --yes
    """
    run: Invocation = ctx.obj
    moment = run.moment(before, forward=False)
    assert moment is not None
    run.confirm(f"delete all log entries created before {moment:%Y-%m-%d %H:%M:%S} UTC")
    run.client.purge_log(moment)
