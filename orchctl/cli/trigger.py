"""``orchctl trigger``: what starts jobs by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from orchctl.cli.lazy import Noun, Watched, Write
from orchctl.cli.options import AllFolders, Description, Name
from orchctl.errors import UsageFault
from orchctl.invocation import Invocation
from orchctl.model import NewTrigger, Trigger, TriggerChange
from orchctl.times import TIME_FORMS

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="What starts jobs by itself.")

TriggerId = Annotated[str, typer.Argument(metavar="TRIGGER", help="The trigger.")]
TriggerIds = Annotated[
    list[str], typer.Argument(metavar="TRIGGER...", help="Triggers; - reads ids from stdin.")
]
Robot = Annotated[str | None, typer.Option("--robot", metavar="ROBOT", help="Who is to run it.")]
Group = Annotated[str | None, typer.Option("--group", metavar="GROUP", help="Of whom one is to run it.")]
Cron = Annotated[
    str | None, typer.Option("--cron", metavar="EXPRESSION", help='When, such as "0 8 * * 1-5".')
]
Continuous = Annotated[bool, typer.Option("--continuous", help="Again and again.")]
StartAt = Annotated[str | None, typer.Option("--start-at", metavar="TIME", help=f"Not before: {TIME_FORMS}.")]
EndAt = Annotated[str | None, typer.Option("--end-at", metavar="TIME", help="Not after.")]
MaxRuns = Annotated[
    int | None, typer.Option("--max-runs", metavar="N", min=0, help="So often at most; 0 has no limit.")
]
MaxRobots = Annotated[
    int | None,
    typer.Option("--max-robots", metavar="N", min=1, help="So many robots of the group at once at most."),
]
CatchUp = Annotated[
    bool | None, typer.Option("--catch-up/--no-catch-up", help="Run what was missed while it could not be.")
]


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The name.")],
    process: Annotated[str, typer.Option("--process", metavar="PROCESS", help="What to run.")],
    robot: Robot = None,
    group: Group = None,
    cron: Cron = None,
    continuous: Continuous = False,
    start_at: StartAt = None,
    end_at: EndAt = None,
    max_runs: MaxRuns = None,
    max_robots: MaxRobots = None,
    catch_up: CatchUp = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not start it yet.")] = False,
    description: Description = None,
) -> Trigger:
    """Create a trigger.

    On Sherpa the numbers for a robot or a group, and for enabled or disabled, are unverified: its documents
    contradict each other.

    \b
    Example:
      orchctl trigger create --name Daily --process P --group G --cron "0 8 * * 1"
    """
    run: Invocation = ctx.obj
    _one_target(robot, group)
    if (cron is None) != continuous:
        raise UsageFault(
            "a trigger runs by --cron or is --continuous", hint="give exactly one of --cron and --continuous"
        )
    return run.client.create_trigger(
        NewTrigger(
            name=name,
            process=process,
            robot=robot,
            group=group,
            cron=cron,
            continuous=continuous,
            enabled=not disabled,
            start_at=run.moment(start_at),
            end_at=run.moment(end_at),
            max_runs=max_runs,
            max_robots=max_robots,
            catch_up=catch_up,
            description=description,
        )
    )


@app.command("list", cls=Watched)
def list_(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Trigger]:
    """List triggers.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the triggers that this machine has seen and says so.

    \b
    Example:
      orchctl trigger list
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_triggers(), all_folders)


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: TriggerIds) -> Trigger | list[Trigger]:
    """Print triggers.

    \b
    Example:
      orchctl trigger get Daily -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_trigger)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: TriggerId,
    name: Name = None,
    process: Annotated[str | None, typer.Option("--process", metavar="PROCESS", help="What to run.")] = None,
    robot: Robot = None,
    group: Group = None,
    cron: Cron = None,
    continuous: Continuous = False,
    start_at: StartAt = None,
    end_at: EndAt = None,
    max_runs: MaxRuns = None,
    max_robots: MaxRobots = None,
    catch_up: CatchUp = None,
    description: Description = None,
) -> Trigger:
    """Change a trigger.

    \b
    Example:
      orchctl trigger update Daily --cron "0 9 * * *"
    """
    run: Invocation = ctx.obj
    _one_target(robot, group)
    if cron is not None and continuous:
        raise UsageFault("a trigger runs by --cron or is --continuous", hint="give one of them")
    change = TriggerChange(
        name=name,
        process=process,
        robot=robot,
        group=group,
        cron=cron,
        continuous=continuous or None,
        start_at=run.moment(start_at),
        end_at=run.moment(end_at),
        max_runs=max_runs,
        max_robots=max_robots,
        catch_up=catch_up,
        description=description,
    )
    return run.client.update_trigger(ident, run.some(change))


@app.command(cls=Write)
def enable(ctx: typer.Context, idents: TriggerIds) -> Trigger | list[Trigger]:
    """Switch triggers on. On Sherpa this sets the status 1 (unverified).

    \b
    Example:
      orchctl trigger enable Daily
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.enable_trigger, confirm="enable")


@app.command(cls=Write)
def disable(ctx: typer.Context, idents: TriggerIds) -> Trigger | list[Trigger]:
    """Switch triggers off. On Sherpa this sets the status 0 (unverified).

    \b
    Example:
      orchctl trigger disable Daily
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.disable_trigger, confirm="disable")


@app.command(cls=Write)
def delete(ctx: typer.Context, idents: TriggerIds) -> None:
    """Delete triggers.

    \b
    Example:
      orchctl trigger delete Daily --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_trigger, confirm="delete the trigger", always=True)


def _one_target(robot: str | None, group: str | None) -> None:
    if robot is not None and group is not None:
        raise UsageFault("a trigger runs on a robot or in a group", hint="give one of --robot and --group")
