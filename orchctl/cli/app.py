"""The root of the command tree, and ``main``: the one place where an error becomes text and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise, takewhile
from types import FrameType
from typing import Any, ClassVar

import typer

from orchctl.cli.lazy import Root
from orchctl.errors import OrchctlError, Signalled, UsageFault
from orchctl.guess import did_you_mean
from orchctl.invocation import Invocation
from orchctl.streams import ClosedPipe, Streams

_COMPLETION = "_ORCHCTL_COMPLETE"


class Tree(Root):
    nouns: ClassVar[Mapping[str, tuple[str, str]]] = {
        "task": ("orchctl.cli.task:app", "Units of work in queues."),
        "queue": ("orchctl.cli.queue:app", "Where tasks wait."),
        "job": ("orchctl.cli.job:app", "Runs of a process on a robot."),
        "asset": ("orchctl.cli.asset:app", "Values that robots read, some of them secret."),
        "log": ("orchctl.cli.log:app", "What robots said."),
        "robot": ("orchctl.cli.robot:app", "Who does the work."),
        "process": ("orchctl.cli.process:app", "What robots can run."),
        "trigger": ("orchctl.cli.trigger:app", "What starts jobs by itself."),
        "storage": ("orchctl.cli.storage:app", "Files kept for robots, and their folders."),
        "account": ("orchctl.cli.account:app", "The tenants of an orchestrator."),
        "folder": ("orchctl.cli.folder:app", "Folders, where an orchestrator has them."),
        "context": ("orchctl.cli.context:app", "Which orchestrators there are, and which one is meant."),
        "auth": ("orchctl.cli.auth:app", "Log in, log out, and see which credential is used."),
        "top": ("orchctl.cli.top:app", "Watch queues, robots and jobs on one screen."),
        "sandbox": ("orchctl.cli.sandbox:app", "The embedded orchestrator, to learn and test on."),
        "export": ("orchctl.cli.declared:export_app", "Print queues, assets and the like as YAML."),
        "diff": ("orchctl.cli.declared:diff_app", "Compare a YAML file with the orchestrator."),
        "apply": ("orchctl.cli.declared:apply_app", "Bring the orchestrator to what a YAML file says."),
        "api": ("orchctl.cli.api:app", "Make one call of the orchestrator's own API."),
        "schema": ("orchctl.cli.schema:app", "Print the JSON Schema of an output type."),
        "completion": ("orchctl.cli.completion:app", "Completion of commands, options and names by TAB."),
        "help": ("orchctl.cli.help:app", "Read about exit-codes, environment, output, or a command."),
        "doctor": ("orchctl.cli.doctor:app", "Look at everything a command needs, and how to put it right."),
    }


app = typer.Typer(
    cls=Tree,
    rich_markup_mode=None,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def root() -> None:
    """One command line for Sherpa Orchestrator, ELMA RPA and UiPath Orchestrator.

    New here? orchctl sandbox demo. Something wrong? orchctl doctor. To read: orchctl help exit-codes,
    environment or output.
    """


def main(
    argv: Sequence[str] | None = None, *, env: Mapping[str, str] | None = None, streams: Streams | None = None
) -> int:
    """Run one command line and return its exit code."""
    streams = streams or Streams.system()

    def again(line: list[str], its_env: Mapping[str, str]) -> int:
        return main(line, env=its_env, streams=streams)

    run = Invocation(streams, os.environ if env is None else env, again=again)
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with _signals():
            try:
                code = _dispatch(run, arguments)
            finally:
                run.close()
            streams.finish()
            return code
    except (Signalled, KeyboardInterrupt) as error:
        streams.leave()
        number = error.number if isinstance(error, Signalled) else signal.SIGINT
        _tell_interrupted(run, 128 + number, arguments)
        return 128 + number
    except ClosedPipe:
        return 141
    except OrchctlError as error:
        _tell(run, error, arguments)
        return error.exit_code
    except Exception as error:  # the last resort: a user sees a sentence, not a traceback
        _tell(run, _defect(run, error), arguments)
        return 1


def _dispatch(run: Invocation, arguments: list[str]) -> int:
    group = typer.main.get_group(app)
    if _COMPLETION in run.env:
        group.main(arguments, prog_name="orchctl", standalone_mode=False, obj=run)
        return 0
    try:
        with group.make_context("orchctl", list(arguments), obj=run) as ctx:
            group.invoke(ctx)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        raise _usage(error) from None
    run.release_notes()
    return run.exit_code


def _usage(error: Any) -> OrchctlError:
    """Typer's parsing errors, in our words."""
    message = error.format_message().rstrip(".")
    typed, possible = getattr(error, "option_name", ""), getattr(error, "possibilities", None) or ()
    message = message.partition(" (Possible options:")[0].partition(". Did you mean")[0]
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx is not None else "orchctl"
    hint = did_you_mean(typed, possible) or f"{command} --help"
    return UsageFault(message[:1].lower() + message[1:], hint=hint)


def _defect(run: Invocation, error: Exception) -> OrchctlError:
    """A bug of ours: its type and place are told, its traceback only with --debug and without locals."""
    import traceback

    trace = traceback.format_exception(error)
    if run.options.debug:
        for line in "".join(trace).splitlines():
            run.streams.talk(line)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return OrchctlError(
        f"a defect of orchctl: {type(error).__name__}: {error} ({place.filename}:{place.lineno})",
        hint="run it again with --debug and report what it prints",
    )


def _tell_interrupted(run: Invocation, code: int, arguments: Sequence[str]) -> None:
    """A signal is no error of ours, but what it cut off is told, and a machine gets its one object."""
    during = run.unfinished_write
    text = f"interrupted during {during}: whether it happened is unknown" if during else "interrupted"
    if run.machine_errors or _asks_for_json(arguments):
        error = OrchctlError(text)
        error.code, error.exit_code = "interrupted", code
        _tell(run, error, arguments)
    elif during:
        run.streams.talk(text)


def _tell(run: Invocation, error: OrchctlError, arguments: Sequence[str]) -> None:
    """One line what failed and why, one line what to do; with -o json, one object."""
    if run.machine_errors or _asks_for_json(arguments):
        run.streams.talk_json(
            {
                "error": {
                    "code": error.code,
                    "exit_code": error.exit_code,
                    "message": error.message,
                    "hint": error.hint,
                    "request_id": error.request_id,
                    "notes": [*run.held_notes, *error.notes],
                }
            }
        )
        return
    for note in error.notes:
        run.streams.talk(f"note: {note}")
    run.streams.talk(f"orchctl: {error.message}")
    if error.hint is not None:
        run.streams.talk(f"hint: {error.hint}")


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Was JSON asked for on a command line that could not be parsed? What stands after -- are no options."""
    options = list(takewhile(lambda word: word != "--", arguments))
    if {"-ojson", "--output=json"} & set(options):
        return True
    return any(word in ("-o", "--output") and value == "json" for word, value in pairwise(options))


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the run like Ctrl-C: files, locks and the terminal are left in order."""

    def end(number: int, _: FrameType | None) -> None:
        raise Signalled(number)

    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, end) for number in numbers}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
