"""``orchctl job``: runs of a process, from starting one to reading its log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer

from orchctl.cli.lazy import Command, LogLines, Noun, Watched, Write
from orchctl.cli.logoptions import AtLeast, Exclude, Follow, Grep, Highlight, Lines, Overlap, Poll, log_filter
from orchctl.cli.options import (
    AllFolders,
    AnyOne,
    JobPriority,
    Limit,
    Since,
    Timeout,
    Until,
    Wait,
    job_status,
)
from orchctl.invocation import Invocation
from orchctl.model import Job, JobChange, JobFilter, JobStatus, LogEntry, NewJob
from orchctl.payload import pair
from orchctl.times import TIME_FORMS

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Runs of a process on a robot.")

_WORDS = ", ".join(status.value for status in JobStatus)

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job.")]
JobIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Jobs; - reads ids from stdin.")]
StopAfter = Annotated[
    str | None,
    typer.Option("--stop-after", metavar="TIME", help=f"When it is to end itself: {TIME_FORMS}."),
]
AbortAfter = Annotated[
    str | None, typer.Option("--abort-after", metavar="TIME", help="When it is to be killed.")
]


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    process: Annotated[str, typer.Option("--process", metavar="PROCESS", help="What to run.")],
    robot: Annotated[str | None, typer.Option("--robot", metavar="ROBOT", help="Who is to run it.")] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="TASK", help="The task to do.")] = None,
    priority: JobPriority = None,
    stop_after: StopAfter = None,
    abort_after: AbortAfter = None,
    data: Annotated[
        str | None, typer.Option("--input", metavar="JSON|@FILE|-", help="What the process is given.")
    ] = None,
    extra: Annotated[
        list[Any] | None,
        typer.Option(
            "--field", metavar="KEY=VALUE", parser=pair, help="A field of the API as it is; repeatable."
        ),
    ] = None,
    wait: Wait = False,
    timeout: Timeout = None,
) -> Job | list[Job] | None:
    """Start a process and print the job as the orchestrator took it.

    On Sherpa a job needs a robot and takes its input from a task. The fields for --priority, --stop-after and
    --abort-after are unverified there; what the server did not keep is told. On UiPath the job is for whoever is
    free unless --robot is given; --field Strategy=JobsCount, RuntimeType=Headless and the like go along.

    \b
    Example:
      orchctl job create --process Invoices --robot R1 --task INV-1
    """
    run: Invocation = ctx.obj
    new = NewJob(
        process=process,
        robot=robot,
        task_id=task,
        priority=priority,
        stop_after=run.moment(stop_after),
        abort_after=run.moment(abort_after),
        input=run.data(data, "--input"),
        fields=dict(extra or ()),
    )
    return run.created_job(new, wait=wait, timeout=timeout)


@app.command("list", cls=Watched)
def list_(
    ctx: typer.Context,
    statuses: Annotated[
        list[Any] | None,
        typer.Option("--status", metavar="STATUS", parser=job_status, help=f"Only these: {_WORDS}."),
    ] = None,
    process: Annotated[
        str | None, typer.Option("--process", metavar="PROCESS", help="Only of this process.")
    ] = None,
    robot: Annotated[
        str | None, typer.Option("--robot", metavar="ROBOT", help="Only for this robot.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    everything: Annotated[bool, typer.Option("--all", help="All rows, which is the default.")] = False,
    all_folders: AllFolders = False,
) -> Iterator[Job]:
    """List jobs.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the jobs that this machine has seen and says so.

    \b
    Example:
      orchctl job list --status in-progress --robot R1
    """
    run: Invocation = ctx.obj
    begin, end = run.period(since, until)
    wanted = JobFilter(
        statuses=tuple(statuses or ()),
        process=process,
        robot=robot,
        since=begin,
        until=end,
    )
    found = run.rows(lambda client: client.list_jobs(wanted), all_folders)
    return islice(found, run.at_most(limit, everything))


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: JobIds) -> Job | list[Job]:
    """Print jobs.

    \b
    Example:
      orchctl job get 55056968-cb1b-4919-ad7b-9370c6e81e55 -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_job)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: JobId,
    status: Annotated[
        Any, typer.Option("--status", metavar="STATUS", parser=job_status, help=f"One of: {_WORDS}.")
    ] = None,
    priority: JobPriority = None,
    stop_after: StopAfter = None,
    abort_after: AbortAfter = None,
) -> Job:
    """Change a job. On Sherpa only --status is documented; the other fields are unverified.

    \b
    Example:
      orchctl job update 55056968-cb1b-4919-ad7b-9370c6e81e55 --status success
    """
    run: Invocation = ctx.obj
    change = JobChange(
        status=status,
        priority=priority,
        stop_after=run.moment(stop_after),
        abort_after=run.moment(abort_after),
    )
    return run.client.update_job(ident, run.some(change))


@app.command(cls=Write)
def delete(ctx: typer.Context, idents: JobIds) -> None:
    """Delete jobs.

    \b
    Example:
      orchctl job delete 55056968-cb1b-4919-ad7b-9370c6e81e55 --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_job, confirm="delete the job", always=True)


@app.command(cls=Write)
def stop(ctx: typer.Context, idents: JobIds) -> Job | list[Job]:
    """Ask jobs to end themselves.

    Sherpa documents no call for it: the job's status is set to stopping, which its robot is told at the next
    heartbeat (unverified).

    \b
    Example:
      orchctl job stop 55056968-cb1b-4919-ad7b-9370c6e81e55
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.stop_job, confirm="stop")


@app.command(cls=Write)
def abort(ctx: typer.Context, idents: JobIds) -> Job | list[Job]:
    """Have jobs killed.

    Sherpa documents no call for it: the job's status is set to aborting, which its robot is told at the next
    heartbeat (unverified).

    \b
    Example:
      orchctl job abort 55056968-cb1b-4919-ad7b-9370c6e81e55 --yes
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.abort_job, confirm="abort the job", always=True)


@app.command(cls=Write)
def restart(ctx: typer.Context, idents: JobIds) -> Job | list[Job]:
    """Start the processes of jobs once more, with what the jobs were given.

    \b
    Example:
      orchctl job restart 55056968-cb1b-4919-ad7b-9370c6e81e55
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.restart_job, confirm="restart")


@app.command(cls=LogLines)
def logs(
    ctx: typer.Context,
    ident: JobId,
    follow: Follow = False,
    exit_status: Annotated[
        bool, typer.Option("--exit-status", help="Exit by the job's result: 0, 9, or 8 if it still runs.")
    ] = False,
    lines: Lines = None,
    since: Since = None,
    until: Until = None,
    level: AtLeast = None,
    grep: Grep = None,
    exclude: Exclude = None,
    highlight: Highlight = None,
    interval: Poll = None,
    overlap: Overlap = None,
) -> Iterator[list[LogEntry]]:
    """Print a job's log entries; with -f, what is added too, until the job has ended.

    \b
    Example:
      orchctl job logs 55056968-cb1b-4919-ad7b-9370c6e81e55 -f --exit-status
    """
    run: Invocation = ctx.obj
    wanted = log_filter(
        run,
        level=level,
        since=since,
        until=until,
        grep=grep,
        exclude=exclude,
    )
    return run.log(
        wanted,
        count=lines,
        follow=follow,
        interval=interval,
        overlap=overlap,
        highlight=highlight or (),
        job=ident,
        exit_status=exit_status,
    )


@app.command(cls=Command)
def wait(
    ctx: typer.Context,
    idents: JobIds,
    until: Annotated[
        Any, typer.Option("--for", metavar="STATUS", parser=job_status, help="Until it has this status.")
    ] = None,
    any_one: AnyOne = False,
    timeout: Timeout = None,
) -> Job | list[Job] | None:
    """Wait until jobs have ended, and print them as they are then.

    The exit code is 0 when all succeeded or have been in the status of --for, 9 when one failed or was
    stopped, 4 when one is not there any more, 8 when the time was over first. Of what failed the last lines
    of its log are told.

    \b
    Example:
      orchctl job wait 55056968-cb1b-4919-ad7b-9370c6e81e55 --timeout 1h
    """
    run: Invocation = ctx.obj
    found = run.targets(idents)
    waited = run.client.wait_jobs(found, until=until, timeout=timeout, any_one=any_one)
    return run.waited(waited, several=len(found) > 1)
