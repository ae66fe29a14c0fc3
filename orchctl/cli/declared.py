"""``orchctl export``, ``diff`` and ``apply``: objects as YAML, for review in git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchctl.cli.lazy import Command, Write
from orchctl.declared import files, plan
from orchctl.declared.plan import Step
from orchctl.invocation import Invocation

if TYPE_CHECKING:
    from orchctl.transport import PlannedRequest

export_app = typer.Typer(rich_markup_mode=None, add_completion=False)
diff_app = typer.Typer(rich_markup_mode=None, add_completion=False)
apply_app = typer.Typer(rich_markup_mode=None, add_completion=False)

Source = Annotated[
    str, typer.Option("-f", "--file", metavar="FILE|-", help="The YAML file; - is standard input.")
]


@export_app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    kinds: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KIND...]", help="processes, queues, assets, triggers; all without it."),
    ] = None,
) -> None:
    """Print processes, queues, assets and triggers as YAML that diff and apply take.

    A secret is not exported: value_from says in which variable, or under which name in the keyring
    ({keyring: NAME}, kept with: keyring set orchctl NAME), diff and apply find it.

    \b
    Example:
      orchctl export queues assets > rpa.yaml
    """
    run: Invocation = ctx.obj
    run.show_data(plan.export(run.client, kinds or (), note=run.note), by_default="yaml")


@diff_app.command("diff", cls=Command)
def diff(
    ctx: typer.Context,
    source: Source,
    prune: Annotated[
        bool, typer.Option("--prune", help="What the file does not name is a difference.")
    ] = False,
) -> list[Step]:
    """Compare a file with the orchestrator. The exit code is 0 where nothing differs and 1 where something does.

    Fields that the file does not name do not count. Of a kind that it does not name nothing counts.

    \b
    Example:
      orchctl diff -f rpa.yaml
    """
    run: Invocation = ctx.obj
    wanted = files.load(source, run.file("-") if source == "-" else None, env=run.env)
    found = plan.steps(run.client, wanted, prune=prune, note=run.note)
    run.exit_code = int(bool(found))
    return found


@apply_app.command("apply", cls=Write)
def apply(
    ctx: typer.Context,
    source: Source,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what the file does not name, of the kinds it names.")
    ] = False,
) -> list[Step]:
    """Bring the orchestrator to what a file says, and print the steps that were taken.

    What is as it should be is left alone, so that a second time does nothing. Nothing is removed without
    --prune. Where a step fails the others are taken all the same.

    \b
    Example:
      orchctl apply -f rpa.yaml --dry-run
      orchctl apply -f rpa.yaml --prune --yes
    """
    run: Invocation = ctx.obj
    wanted = files.load(source, run.file("-") if source == "-" else None, env=run.env)
    planned: list[PlannedRequest] = []
    done, run.failure = plan.apply(
        run.client, wanted, prune=prune, note=run.note, confirm=run.confirm, planned=planned
    )
    if run.is_rehearsal:
        run.show_plans(planned)
    return done
