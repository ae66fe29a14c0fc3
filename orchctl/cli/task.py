"""``orchctl task``: units of work, from putting one in a queue to finishing it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from orchctl.bulk.outcome import RowResult
from orchctl.cli.lazy import Command, Many, Noun, Watched, Write
from orchctl.cli.options import (
    AllFolders,
    AnyOne,
    AnyQueueOption,
    AsNew,
    Chart,
    Comment,
    Data,
    Deadline,
    Description,
    Encoding,
    Limit,
    Name,
    Postpone,
    QueueOption,
    RowFormat,
    RowsFrom,
    Since,
    Status,
    Statuses,
    Strings,
    Tags,
    TaskId,
    TaskIds,
    TaskPriority,
    Timeout,
    Typed,
    Until,
    Wait,
    outcome,
    tag,
    task_status,
)
from orchctl.invocation import Invocation
from orchctl.model import NewTask, SavedFile, Task, TaskChange, TaskFilter

app = typer.Typer(cls=Noun, rich_markup_mode=None, add_completion=False, help="Units of work in queues.")
tags = typer.Typer(cls=Noun, rich_markup_mode=None, help="Add tags to a task and take them away.")
app.add_typer(tags, name="tag")

Retries = Annotated[
    int | None, typer.Option("--retries", metavar="N", min=0, help="How often it may be repeated.")
]
OneOrMany = Annotated[
    str, typer.Argument(metavar="ID|-", help="The task, by id or name; - reads ids from stdin, one a line.")
]
TagWords = Annotated[list[str], typer.Argument(metavar="TAG...", parser=tag, help="The tags.")]


@app.command(cls=Many)
def create(
    ctx: typer.Context,
    queue: QueueOption,
    rows_from: RowsFrom = None,
    row_format: RowFormat = None,
    encoding: Encoding = None,
    payload_columns: Annotated[
        bool, typer.Option("--payload-columns", help="With --from: columns of other names go to the payload.")
    ] = False,
    as_new: AsNew = False,
    name: Name = None,
    strings: Strings = None,
    typed: Typed = None,
    data: Data = None,
    priority: TaskPriority = None,
    deadline: Deadline = None,
    postpone: Postpone = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="TEXT", help="Your own key.")
    ] = None,
    tag_words: Tags = None,
    description: Description = None,
    comment: Comment = None,
    retries: Retries = None,
    version: Annotated[
        int | None,
        typer.Option("--process-version", metavar="N", min=1, help="ELMA: not the current version."),
    ] = None,
    callback: Annotated[
        str | None, typer.Option("--callback", metavar="URL", help="ELMA: called when the task has ended.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="ELMA, with --wait: let the server call here to end it sooner.",
        ),
    ] = None,
) -> Task | list[Task] | Iterator[RowResult] | None:
    """Put a task in a queue and print it as the orchestrator took it; or many, one for each row of a file.

    On Sherpa a task has a name: without --name one is made up. The fields for --priority and --postpone are
    unverified there; what the server did not keep is told.

    On ELMA RPA the queue is a process, by name or token, and -p fills its variables, whose declared types
    decide what is sent. Names and references are kept in this machine's ledger only.

    The columns of --from are the fields that tasks are printed with, and payload.KEY; an empty cell is a field
    that is not given, and the other options fill it. A row with an id changes that task. All rows are checked
    before the first is sent. What was sent and what came of it is kept on the disk: a run that was cut off goes
    on with --resume, and sends nothing twice. Its results are one row each: row, state (ok, rejected, not_sent
    or unknown), id and error; rows that a stopped run did not come to are only counted. On a terminal only those
    that did not go well are shown, unless -o is given.

    \b
    Example:
      orchctl task create -q Invoices --name INV-1 -p currency=EUR -P amount=12.5
      orchctl task create -q Invoices --from invoices.csv -o jsonl > results.jsonl
    """
    run: Invocation = ctx.obj
    new = NewTask(
        queue=queue,
        name=name,
        payload=run.payload(data, strings, typed),
        priority=priority,
        deadline=run.moment(deadline),
        postponed_until=run.moment(postpone),
        reference=reference,
        tags=tuple(tag_words or ()),
        description=description,
        comment=comment,
        retries=retries,
        texts=frozenset(key for key, _ in strings or ()),
        process_version=version,
        callback=callback,
    )
    if rows_from is not None:
        run.refuse_with("--from", {"--wait": wait, "--timeout": timeout, "--listen": listen})
        wishes = {
            "format": row_format,
            "encoding": encoding,
            "payload_columns": payload_columns,
            "as_new": as_new,
        }
        return run.load("task", rows_from, new, **wishes)
    return run.created(new, wait=wait, timeout=timeout, listen=listen)


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    queue: QueueOption,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write into a file; its name tells the format."),
    ] = None,
    clobber: Annotated[bool, typer.Option("--clobber", help="Overwrite what is there.")] = False,
    statuses: Statuses = None,
    priority: TaskPriority = None,
    tag_word: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only with this tag.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
) -> None:
    """Write the tasks of a queue so that task create --from reads them back: -o csv, jsonl, json, yaml or xlsx.

    Read back as it is, a row changes its task where it was edited, unless somebody changed the task meanwhile.
    With --as-new the rows make new tasks, here or elsewhere.

    \b
    Example:
      orchctl task export -q Invoices -o csv > invoices.csv
      orchctl task create -q Archive --from invoices.csv --as-new
    """
    run: Invocation = ctx.obj
    wanted = TaskFilter(
        statuses=tuple(statuses or ()),
        priority=priority,
        tag=tag_word,
        since=run.moment(since, forward=False),
        until=run.moment(until, forward=False),
    )
    run.export(islice(run.client.list_tasks(queue, wanted), limit), to=to, clobber=clobber)


@app.command("list", cls=Watched)
def list_(
    ctx: typer.Context,
    queue: AnyQueueOption = None,
    statuses: Statuses = None,
    priority: TaskPriority = None,
    tag_word: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only with this tag.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    everything: Annotated[bool, typer.Option("--all", help="All rows, which is the default.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="ELMA: from the ledger, without asking the server.")
    ] = False,
    all_folders: AllFolders = False,
    chart: Chart = False,
) -> Iterator[Task] | None:
    """List the tasks of a queue.

    ELMA RPA has no such call: there it is what this machine created, from its ledger, -q or not.

    \b
    Example:
      orchctl task list -q Invoices --status new --status failed --since 1d
    """
    run: Invocation = ctx.obj
    begin, end = run.period(since, until)
    wanted = TaskFilter(
        statuses=tuple(statuses or ()),
        priority=priority,
        tag=tag_word,
        since=begin,
        until=end,
    )
    found = run.rows(lambda client: client.list_tasks(queue, wanted, offline=offline), all_folders)
    found = islice(found, run.at_most(limit, everything))
    if not chart:
        return found
    run.chart(found, title=queue or "tasks")
    return None


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: TaskIds) -> Task | list[Task]:
    """Print tasks.

    \b
    Example:
      orchctl task get INV-1 -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_task)


@app.command(cls=Command)
def wait(
    ctx: typer.Context,
    idents: TaskIds,
    until: Annotated[
        Any,
        typer.Option("--for", metavar="STATUS", parser=task_status, help="Until it has this status."),
    ] = None,
    any_one: AnyOne = False,
    timeout: Timeout = None,
) -> Task | list[Task] | None:
    """Wait until tasks have ended, and print them as they are then.

    The exit code is 0 when all succeeded or have been in the status of --for, 9 when one failed or was
    cancelled, 4 when one is not there any more, 8 when the time was over first. Of what failed the last lines
    of its log are told.

    \b
    Example:
      orchctl task wait INV-1 --timeout 10m
    """
    run: Invocation = ctx.obj
    found = run.targets(idents)
    waited = run.client.wait_tasks(found, until=until, timeout=timeout, any_one=any_one)
    return run.waited(waited, several=len(found) > 1)


@app.command(cls=Command)
def download(
    ctx: typer.Context,
    ident: TaskId,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Its name, or the output variable that holds it.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="PATH", help="The file or directory to write.")
    ] = None,
    clobber: Annotated[bool, typer.Option("--clobber", help="Overwrite what is there.")] = False,
) -> SavedFile:
    """Fetch a file of a task's output (ELMA RPA). One that was cut short is gone on with next time.

    \b
    Example:
      orchctl task download 955 report.xlsx --to out/
    """
    run: Invocation = ctx.obj
    return run.client.download_task_file(ident, file, to=to, clobber=clobber)


@app.command(cls=Many)
def update(
    ctx: typer.Context,
    idents: TaskIds,
    name: Name = None,
    status: Status = None,
    priority: TaskPriority = None,
    strings: Strings = None,
    typed: Typed = None,
    data: Data = None,
    deadline: Deadline = None,
    postpone: Postpone = None,
    description: Description = None,
    comment: Comment = None,
    retries: Retries = None,
    progress: Annotated[
        str | None, typer.Option("--progress", metavar="TEXT", help="UiPath: how far the work has come.")
    ] = None,
) -> Task | list[Task]:
    """Change fields of tasks. -p and -P are laid over the payload, --data replaces it.

    On UiPath priority, payload, times and progress can be changed; of a task in progress, only the progress.

    \b
    Example:
      orchctl task update INV-1 --priority high --postpone 2h
    """
    run: Invocation = ctx.obj
    whole, merge = run.payload_change(data, strings, typed)
    change = TaskChange(
        name=name,
        status=status,
        payload=whole,
        priority=priority,
        deadline=run.moment(deadline),
        postponed_until=run.moment(postpone),
        description=description,
        comment=comment,
        retries=retries,
        progress=progress,
    )
    run.some(change, merge)
    return run.each(
        idents, lambda ident: run.client.update_task(ident, change, merge=merge), confirm="update", once=True
    )


@app.command("next", cls=Write)
def next_(
    ctx: typer.Context,
    queue: QueueOption,
    take: Annotated[bool, typer.Option("--take", help="Claim it: its status becomes in-progress.")] = False,
    exit_status: Annotated[
        bool, typer.Option("--exit-status", help="Exit 4 instead of 0 where there is no task.")
    ] = False,
    robot: Annotated[
        str | None, typer.Option("--robot", metavar="KEY", help="UiPath: the key of the robot it is for.")
    ] = None,
) -> Task | None:
    """Print the task that a robot would get now; with --take, claim it. An empty queue prints nothing.

    Sherpa has no call that claims: orchctl sets the task in progress, and a claim is as atomic as the server
    makes it by refusing a second one (the embedded orchestrator does). UiPath claims in one call, and shows no
    next task without it; a credential without a robot's session may be told that there is none: give --robot.

    \b
    Example:
      orchctl task next -q Invoices --take -o name
    """
    run: Invocation = ctx.obj
    found = run.client.take_task(queue, robot=robot) if take else run.client.next_task(queue)
    return run.or_not_found(found, f"there is no task to take in {queue!r}", strict=exit_status)


@app.command(cls=Many)
def finish(
    ctx: typer.Context,
    idents: TaskIds,
    status: Annotated[
        Any,
        typer.Option(
            "--status", metavar="success|failed|failed-business", parser=outcome, help="How it ended."
        ),
    ],
    result: Annotated[
        str | None, typer.Option("--result", metavar="JSON|@FILE|-", help="The task's output.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why it failed.")] = None,
) -> Task | list[Task]:
    """Say how a task ended.

    Sherpa has no fields for these: --result goes into the parameters under "output" and is read back as the
    field output, --reason goes to the comment (unverified).

    \b
    Example:
      orchctl task finish INV-1 --status success --result '{"posted": true}'
    """
    run: Invocation = ctx.obj
    output = run.data(result, "--result")
    return run.each(
        idents,
        lambda ident: run.client.finish_task(ident, status, result=output, reason=reason),
        confirm="finish",
        once=True,
    )


@app.command(cls=Many)
def cancel(ctx: typer.Context, idents: TaskIds) -> Task | list[Task]:
    """Take tasks out of work. On Sherpa their status becomes abandoned.

    \b
    Example:
      orchctl task cancel INV-1
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.cancel_task, confirm="cancel")


@app.command(cls=Many)
def delete(ctx: typer.Context, idents: TaskIds) -> None:
    """Delete tasks.

    \b
    Example:
      orchctl task delete INV-1 --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_task, confirm="delete", always=True, gone_is_done=True)


@app.command(cls=Many)
def retry(ctx: typer.Context, idents: TaskIds) -> Task | list[Task]:
    """Put tasks back to be done again.

    Where a Sherpa queue repeats tasks (--max-retries), a child task is made instead, and printed.

    \b
    Example:
      orchctl task retry INV-1
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.retry_task, confirm="retry", once=True)


@app.command(cls=Write)
def clone(ctx: typer.Context, ident: TaskId, name: Name = None) -> Task:
    """Make a new task with the payload and settings of another one.

    Where a queue insists on unique names, give the clone its own with --name.

    \b
    Example:
      orchctl task clone INV-1 --name INV-1-again
    """
    run: Invocation = ctx.obj
    return run.client.clone_task(ident, name=name)


@app.command(cls=Many)
def erase(ctx: typer.Context, idents: TaskIds) -> Task | list[Task]:
    """Blank the payload of tasks and keep their records.

    \b
    Example:
      orchctl task erase INV-1 --yes
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.erase_task, confirm="erase the payload of", always=True)


@tags.command("add", cls=Many)
def add_tags(ctx: typer.Context, ident: OneOrMany, words: TagWords) -> Task | list[Task]:
    """Add tags to a task, or to those whose ids come on standard input.

    \b
    Example:
      orchctl task tag add INV-1 urgent
    """
    run: Invocation = ctx.obj
    return run.each([ident], lambda each: run.client.add_task_tags(each, tuple(words)), confirm="tag")


@tags.command("remove", cls=Many)
def remove_tags(ctx: typer.Context, ident: OneOrMany, words: TagWords) -> Task | list[Task]:
    """Take tags from a task, or from those whose ids come on standard input.

    \b
    Example:
      orchctl task tag remove INV-1 urgent
    """
    run: Invocation = ctx.obj
    return run.each([ident], lambda each: run.client.remove_task_tags(each, tuple(words)), confirm="untag")
