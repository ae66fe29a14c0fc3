"""``orchctl robot``: who does the work, their groups, and the raw calls that a robot makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from socket import gethostname
from typing import Annotated, Any, TypeVar

import typer

from orchctl.agent.events import AgentEvent
from orchctl.cli.lazy import Command, Noun, Watched, Write
from orchctl.cli.options import AllFolders, Description, Name, grace_span, heartbeat_span, robot_status
from orchctl.errors import NotFound, UsageFault
from orchctl.invocation import Invocation
from orchctl.model import (
    ConsumedJob,
    Heartbeat,
    HeartbeatReply,
    NewRobot,
    NewRobotGroup,
    Robot,
    RobotChange,
    RobotGroup,
    RobotGroupChange,
    RobotStatus,
    Runtime,
)

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="Who does the work.")
group = typer.Typer(cls=Noun, rich_markup_mode=None, help="Groups of robots.")
app.add_typer(group, name="group")

Told = TypeVar("Told", HeartbeatReply, ConsumedJob)
_WORDS = ", ".join(status.value for status in RobotStatus)


def _path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise UsageFault(f"{text!r} is no path", hint="such as /api/robotGroup/removeRobot")
    return text


RobotId = Annotated[str, typer.Argument(metavar="ROBOT", help="The robot.")]
RobotIds = Annotated[
    list[str], typer.Argument(metavar="ROBOT...", help="Robots; - reads ids from stdin, one a line.")
]
GroupId = Annotated[str, typer.Argument(metavar="GROUP", help="The group.")]
GroupIds = Annotated[list[str], typer.Argument(metavar="GROUP...", help="Groups; - reads ids from stdin.")]
NewName = Annotated[str, typer.Option("--name", metavar="NAME", help="The name.")]
StatusWord = Annotated[
    RobotStatus,
    typer.Argument(metavar="STATUS", parser=robot_status, help=f"One of: {_WORDS}."),
]


@app.command(cls=Write)
def create(ctx: typer.Context, name: NewName, description: Description = None) -> Robot:
    """Create a robot.

    \b
    Example:
      orchctl robot create --name R1 --description "Accounts, night shift"
    """
    run: Invocation = ctx.obj
    return run.client.create_robot(NewRobot(name=name, description=description))


@app.command("list", cls=Watched)
def list_(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Robot]:
    """List robots and who of them is alive.

    In tables the column STATE says it: alive was heard within two minutes, stale was not although it never
    said goodbye, off is disconnected or was never heard.

    \b
    Example:
      orchctl robot list --time relative
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_robots(), all_folders)


@app.command(cls=Watched)
def runtimes(ctx: typer.Context, all_folders: AllFolders = False) -> Iterator[Runtime]:
    """List the machines that jobs run on: how many at once, and how many now. UiPath only.

    \b
    Example:
      orchctl robot runtimes --folder Shared
    """
    run: Invocation = ctx.obj
    return run.rows(lambda client: client.list_runtimes(), all_folders)


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: RobotIds) -> Robot | list[Robot]:
    """Print robots.

    \b
    Example:
      orchctl robot get da8bc2f0-8065-4385-b867-405e66b8e151 -o json
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_robot)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: RobotId,
    name: Name = None,
    description: Description = None,
    status: Annotated[
        Any, typer.Option("--status", metavar="STATUS", parser=robot_status, help=f"One of: {_WORDS}.")
    ] = None,
) -> Robot:
    """Change a robot.

    \b
    Example:
      orchctl robot update R1 --description "Out of order"
    """
    run: Invocation = ctx.obj
    change = RobotChange(name=name, description=description, status=status)
    return run.client.update_robot(ident, run.some(change))


@app.command(cls=Write)
def delete(ctx: typer.Context, idents: RobotIds) -> None:
    """Delete robots.

    \b
    Example:
      orchctl robot delete da8bc2f0-8065-4385-b867-405e66b8e151 --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_robot, confirm="delete the robot", always=True)


@app.command(cls=Command)
def status(ctx: typer.Context, ident: RobotId) -> str:
    """Print a robot's status, one word.

    \b
    Example:
      orchctl robot status R1
    """
    run: Invocation = ctx.obj
    return run.client.get_robot_status(ident)


@app.command("set-status", cls=Write)
def set_status(ctx: typer.Context, ident: RobotId, word: StatusWord) -> Robot:
    """Set a robot's status.

    \b
    Example:
      orchctl robot set-status R1 disconnected
    """
    run: Invocation = ctx.obj
    return run.client.set_robot_status(ident, word)


@app.command(cls=Write)
def heartbeat(
    ctx: typer.Context,
    ident: RobotId,
    status: Annotated[
        Any, typer.Option("--status", metavar="STATUS", parser=robot_status, help=f"One of: {_WORDS}.")
    ] = "ready",
    job: Annotated[str, typer.Option("--job", metavar="JOB", help="The job it runs.")] = "",
    job_name: Annotated[str, typer.Option("--job-name", metavar="TEXT", help="What that job runs.")] = "",
    machine: Annotated[
        str | None, typer.Option("--machine", metavar="NAME", help="Where it runs; this machine's name.")
    ] = None,
    ip: Annotated[str, typer.Option("--ip", metavar="ADDRESS", help="Its address.")] = "",
    mac: Annotated[str, typer.Option("--mac", metavar="ADDRESS", help="Its hardware address.")] = "",
) -> HeartbeatReply:
    """Say that a robot is alive and print what the orchestrator wants of it.

    The code is 0 where all is well, 10 where the job is to be aborted, 20 where it is to be stopped, 101 where
    there is no such robot (and then the exit code is 4). This is the raw call, for scripts.

    \b
    Example:
      orchctl robot heartbeat da8bc2f0-8065-4385-b867-405e66b8e151 -o json
    """
    run: Invocation = ctx.obj
    beat = Heartbeat(
        robot=ident,
        status=status,
        machine=gethostname() if machine is None else machine,
        ip=ip,
        mac=mac,
        job_id=job,
        job_name=job_name,
    )
    return _told(run, run.client.send_heartbeat(beat))


@app.command(cls=Write)
def consume(ctx: typer.Context, ident: RobotId) -> ConsumedJob:
    """Claim a robot's next job and print it with its process version and task.

    The code is 0 with a job, 102 where there is none, 101 where there is no such robot (and then the exit code
    is 4). This is the raw call, for scripts.

    \b
    Example:
      orchctl robot consume da8bc2f0-8065-4385-b867-405e66b8e151 -o json
    """
    run: Invocation = ctx.obj
    return _told(run, run.client.consume_job(ident))


@group.command("create", cls=Write)
def create_group(ctx: typer.Context, name: NewName, description: Description = None) -> RobotGroup:
    """Create a group of robots.

    \b
    Example:
      orchctl robot group create --name Night
    """
    run: Invocation = ctx.obj
    return run.client.create_robot_group(NewRobotGroup(name=name, description=description))


@group.command("list", cls=Watched)
def list_groups(ctx: typer.Context) -> Iterator[RobotGroup]:
    """List groups of robots.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the groups that this machine has seen and says so.

    \b
    Example:
      orchctl robot group list
    """
    run: Invocation = ctx.obj
    return run.client.list_robot_groups()


@group.command("get", cls=Watched)
def get_group(ctx: typer.Context, idents: GroupIds) -> RobotGroup | list[RobotGroup]:
    """Print groups of robots.

    \b
    Example:
      orchctl robot group get Night
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_robot_group)


@group.command("update", cls=Write)
def update_group(
    ctx: typer.Context, ident: GroupId, name: Name = None, description: Description = None
) -> RobotGroup:
    """Change a group of robots.

    \b
    Example:
      orchctl robot group update Night --description "22:00 to 6:00"
    """
    run: Invocation = ctx.obj
    change = RobotGroupChange(name=name, description=description)
    return run.client.update_robot_group(ident, run.some(change))


@group.command("delete", cls=Write)
def delete_group(ctx: typer.Context, idents: GroupIds) -> None:
    """Delete groups of robots.

    \b
    Example:
      orchctl robot group delete Night --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_robot_group, confirm="delete the group", always=True)


@group.command("add-robot", cls=Write)
def add_robot(ctx: typer.Context, ident: GroupId, robot: RobotId) -> RobotGroup:
    """Put a robot in a group.

    \b
    Example:
      orchctl robot group add-robot Night R1
    """
    run: Invocation = ctx.obj
    return run.client.add_robot_to_group(ident, robot)


@group.command("remove-robot", cls=Write)
def remove_robot(
    ctx: typer.Context,
    ident: GroupId,
    robot: RobotId,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="PATH", parser=_path, help="Send this DELETE; {group} is the group's id."
        ),
    ] = None,
) -> RobotGroup:
    """Take a robot out of a group. On Sherpa only with --path, and after a question.

    The call that Sherpa documents for it, DELETE /api/robotGroup/delete/{group}, is the one that deletes the
    whole group, so orchctl never sends it by itself. A likely one is /api/robotGroup/removeRobot (unverified).

    \b
    Example:
      orchctl robot group remove-robot Night R1 --path /api/robotGroup/removeRobot
    """
    run: Invocation = ctx.obj
    if path is not None:
        run.confirm(f"send DELETE {path}, which may do more than take the robot out of the group,")
    return run.client.remove_robot_from_group(ident, robot, path=path)


@app.command("run", cls=Write)
def run_(
    ctx: typer.Context,
    robot: Annotated[str, typer.Option("--robot", metavar="ROBOT", help="The robot to be, by GUID or name.")],
    scripts: Annotated[
        Path,
        typer.Option("--scripts", metavar="DIR", help="Where the scripts are that process versions name."),
    ],
    loop: Annotated[bool, typer.Option("--loop", help="Wait for more work instead of ending.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Run one job at most.")] = False,
    heartbeat: Annotated[
        Any,
        typer.Option(
            "--heartbeat",
            metavar="DURATION",
            parser=heartbeat_span,
            help="How often to say that it works; at least 10s.",
        ),
    ] = "10s",
    grace: Annotated[
        Any,
        typer.Option(
            "--grace", metavar="DURATION", parser=grace_span, help="How long a script may take to stop."
        ),
    ] = "30s",
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="PATH", help="What runs the scripts; by default this Python."),
    ] = None,
    logoff: Annotated[
        bool, typer.Option("--logoff", help="Log off from Windows at the end (seed 001).")
    ] = False,
    print_unit: Annotated[
        str | None,
        typer.Option(
            "--print-unit", metavar="systemd|windows-task", help="Print what starts this with the machine."
        ),
    ] = None,
) -> Iterator[AgentEvent] | str:
    """Be a robot: take jobs, run their scripts, report. Without --loop it ends when there is no more work.

    The script is the file in --scripts that the process version's name says. Its environment holds ORCHCTL_JOB,
    ORCHCTL_TASK, ORCHCTL_QUEUE, ORCHCTL_STOP_FILE (when this file appears, end), ORCHCTL_PARAMETERS (a file with
    the task's parameters, which also come on stdin) and a context, so that orchctl works inside it. Its lines
    become log entries: stdout as info, stderr as warning, or as "ERROR: ..." says. Exit code 0 is success.

    Ctrl-C asks the running script to end; once more ends it at once. What was not reported then is reported by
    the next agent of this robot.

    \b
    Example:
      orchctl robot run --robot R1 --scripts /opt/robots --loop
    """
    run: Invocation = ctx.obj
    if print_unit is not None:
        return run.agent_unit(print_unit, robot=robot, scripts=scripts, heartbeat=heartbeat, grace=grace)
    return run.agent(
        robot=robot,
        scripts=scripts,
        loop=loop,
        once=once,
        heartbeat=heartbeat,
        grace=grace,
        python=python,
        logoff=logoff,
    )


def _told(run: Invocation, reply: Told) -> Told:
    """What the orchestrator answered is printed, and an unknown robot is a failure all the same (seed 001)."""
    if reply.code == 101:
        run.failure = NotFound(reply.text or "the orchestrator knows no such robot")
    return reply
