"""The options and arguments that several commands take, each written down once."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from orchctl.errors import UsageFault
from orchctl.guess import did_you_mean
from orchctl.model import JobStatus, LogLevel, Priority, RobotStatus, TaskStatus
from orchctl.payload import pair, typed_pair
from orchctl.times import DURATION_FORMS, TIME_FORMS, parse_duration, parse_span

Word = TypeVar("Word", bound=StrEnum)

_STATUS_WORDS = ", ".join(status.value for status in TaskStatus)


def task_status(text: str) -> TaskStatus:
    return word(TaskStatus, text, "task status")


def outcome(text: str) -> TaskStatus:
    status = task_status(text)
    if status not in (TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS):
        raise UsageFault(
            f"a task does not finish as {text!r}", hint="one of: success, failed, failed-business"
        )
    return status


def job_status(text: str) -> JobStatus:
    return word(JobStatus, text, "job status")


def robot_status(text: str) -> RobotStatus:
    return word(RobotStatus, text, "robot status")


def emptiness(text: str) -> str:
    if text != "empty":
        raise UsageFault(f"a queue is not waited for to be {text!r}", hint="--for empty")
    return text


# As they are shown beside log entries, and as other tools call them.
_LEVEL_ALIASES = {"warn": "warning", "err": "error", "crit": "critical"}


def log_level(text: str) -> LogLevel:
    return word(LogLevel, _LEVEL_ALIASES.get(text.lower(), text), "log level")


def regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError) as error:
        raise UsageFault(f"{text!r} is no regular expression: {error}") from None
    except RecursionError:
        raise UsageFault("this regular expression is nested too deeply") from None


def priority(text: str) -> Priority:
    return word(Priority, text, "priority")


def seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def pause(text: str) -> float:
    """Seconds between two looks."""
    return parse_span(text, "--interval")


def overlap(text: str) -> float:
    return parse_span(text, "--overlap", may_be_zero=True)


def heartbeat_span(text: str) -> float:
    return parse_span(text, "--heartbeat")


def grace_span(text: str) -> float:
    return parse_span(text, "--grace", may_be_zero=True)


def at_most(text: str) -> int:
    """A number of rows; more than any list can hold is as good as all."""
    if not (text.isascii() and text.isdigit()) or not int(text[:4000]):
        raise UsageFault(f"{text!r} is no number of rows", hint="a whole number, 1 or more")
    return min(int(text[:4000]), sys.maxsize)


def tag(text: str) -> str:
    if not text.strip() or ";" in text:
        raise UsageFault(f"{text!r} is no tag", hint="a tag is not empty and holds no semicolon")
    return text.strip()


def word(kind: type[Word], text: str, what: str) -> Word:
    """The member of an enum of words.

    :raises UsageFault: it has no such word; the hint lists those it has.
    """
    try:
        return kind(text.lower())
    except ValueError:
        guess = did_you_mean(text, kind)
        words = ", ".join(member.value for member in kind)
        hint = f"{guess} one of: {words}" if guess else f"one of: {words}"
        raise UsageFault(f"{text!r} is no {what}", hint=hint) from None


RowsFrom = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FILE|-", help="One for each row: csv, jsonl, json, yaml or xlsx; - is stdin."
    ),
]
RowFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help="The format of --from, where its name does not tell."),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding", metavar="NAME", help="The encoding of --from, such as cp1251; else UTF-8 or 16."
    ),
]
AsNew = Annotated[
    bool, typer.Option("--as-new", help="With --from: rows with an id are new ones too, not updates.")
]
QueueOption = Annotated[str, typer.Option("-q", "--queue", metavar="QUEUE", help="The queue, by name or id.")]
AnyQueueOption = Annotated[
    str | None, typer.Option("-q", "--queue", metavar="QUEUE", help="The queue, by name or id.")
]
QueueArgument = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue, by name or id.")]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task, by id or, where it is unique, by name.")]
TaskIds = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Tasks, by id or name; - reads ids from stdin, one a line."),
]
QueueIds = Annotated[
    list[str], typer.Argument(metavar="QUEUE...", help="Queues, by name or id; - reads them from stdin.")
]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The name.")]
Strings = Annotated[
    list[Any] | None,
    typer.Option(
        "-p", "--param", metavar="KEY=VALUE", parser=pair, help="A string in the payload; repeatable."
    ),
]
Typed = Annotated[
    list[Any] | None,
    typer.Option(
        "-P",
        "--json-param",
        metavar="KEY=JSON",
        parser=typed_pair,
        help="A typed value in the payload; repeatable.",
    ),
]
Data = Annotated[
    str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="The whole payload, a file, or stdin.")
]
TaskPriority = Annotated[
    Any, typer.Option("--priority", metavar="low|normal|high", parser=priority, help="How urgent it is.")
]
JobPriority = Annotated[
    Any,
    typer.Option("--priority", metavar="low|normal|high", parser=priority, help="Before or after others."),
]
Status = Annotated[
    Any, typer.Option("--status", metavar="STATUS", parser=task_status, help=f"One of: {_STATUS_WORDS}.")
]
Statuses = Annotated[
    list[Any] | None,
    typer.Option(
        "--status", metavar="STATUS", parser=task_status, help=f"Only these; repeatable. {_STATUS_WORDS}."
    ),
]
Deadline = Annotated[
    str | None, typer.Option("--deadline", metavar="TIME", help=f"When it has to be done: {TIME_FORMS}.")
]
Postpone = Annotated[
    str | None, typer.Option("--postpone", metavar="TIME", help=f"Not to be taken before: {TIME_FORMS}.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help=f"Created since: {TIME_FORMS}.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Created until, in the same forms.")
]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]
Comment = Annotated[str | None, typer.Option("--comment", metavar="TEXT", help="A comment.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", parser=tag, help="A tag; repeatable.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="TIME", parser=seconds, help=f"How long to wait at most: {DURATION_FORMS}."
    ),
]
AllFolders = Annotated[
    bool,
    typer.Option("--all-folders", help="Of all folders, one after the other, where there are folders."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; 9 if it failed.")]
AnyOne = Annotated[
    bool, typer.Option("--any", help="Until the first of them has; the exit code is by that one.")
]
Chart = Annotated[bool, typer.Option("--chart", help="Bars instead of rows: by status, and over time.")]
Limit = Annotated[
    Any, typer.Option("--limit", metavar="N", parser=at_most, help="At most so many rows; all by default.")
]
