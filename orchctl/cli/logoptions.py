"""The options of the commands that read logs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchctl.cli.options import log_level, overlap, pause, regex
from orchctl.invocation import Invocation
from orchctl.model import LogFilter, LogLevel

LEVELS = ", ".join(level.value for level in LogLevel)

AtLeast = Annotated[
    Any,
    typer.Option("--level", metavar="LEVEL", parser=log_level, help=f"This and what is worse: {LEVELS}."),
]
OfRobots = Annotated[
    list[str] | None, typer.Option("--robot", metavar="ROBOT", help="Only of these robots; repeatable.")
]
OfProcesses = Annotated[
    list[str] | None,
    typer.Option("--process", metavar="PROCESS", help="Only of these processes; repeatable."),
]
OfJobs = Annotated[
    list[str] | None, typer.Option("--job", metavar="JOB", help="Only of these jobs; repeatable.")
]
OfTasks = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="TASK", help="Only of the jobs that do these tasks; repeatable."),
]
OfMachines = Annotated[
    list[str] | None,
    typer.Option("--machine", metavar="NAME", help="UiPath: only of these machines; repeatable."),
]
Grep = Annotated[
    list[Any] | None,
    typer.Option(
        "--grep",
        metavar="REGEX",
        parser=regex,
        help="Only messages in which this, or another --grep, is found.",
    ),
]
Exclude = Annotated[
    list[Any] | None,
    typer.Option("--exclude", metavar="REGEX", parser=regex, help="No messages with this; repeatable."),
]
Highlight = Annotated[
    list[Any] | None,
    typer.Option(
        "--highlight", metavar="REGEX", parser=regex, help="Mark what it finds, as --grep does; repeatable."
    ),
]
Lines = Annotated[
    int | None, typer.Option("-n", "--lines", metavar="N", min=0, help="Begin with the last N entries.")
]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is added.")]
Poll = Annotated[
    float | None,
    typer.Option(
        "--interval", metavar="TIME", parser=pause, help="With -f: how often to ask; 2s by default."
    ),
]
Overlap = Annotated[
    float | None,
    typer.Option(
        "--overlap",
        metavar="TIME",
        parser=overlap,
        help="With -f: how late an entry may come; 60s, and 65m where each answer is the whole log (Sherpa, ELMA).",
    ),
]


def log_filter(
    run: Invocation,
    *,
    level: LogLevel | None,
    robots: list[str] | None = None,
    processes: list[str] | None = None,
    jobs: list[str] | None = None,
    tasks: list[str] | None = None,
    machines: list[str] | None = None,
    since: str | None,
    until: str | None,
    grep: list[Any] | None,
    exclude: list[Any] | None = None,
) -> LogFilter:
    begin, end = run.period(since, until)
    return LogFilter(
        level=level,
        robots=tuple(robots or ()),
        processes=tuple(processes or ()),
        jobs=tuple(jobs or ()),
        tasks=tuple(tasks or ()),
        machines=tuple(machines or ()),
        since=begin,
        until=end,
        grep=tuple(grep or ()),
        exclude=tuple(exclude or ()),
    )
