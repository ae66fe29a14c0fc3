"""``orchctl doctor``: everything that a command needs, looked at."""

from __future__ import annotations

import typer

from orchctl.cli.lazy import Command
from orchctl.doctor import Diagnosis, Patient, examine
from orchctl.invocation import Invocation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def doctor(ctx: typer.Context) -> Diagnosis:
    """Look at everything a command needs, and say how to put right what is wrong.

    Python and libraries, configuration, credential store, context, credential, proxy, name, port,
    certificate, clock, and whether the server takes the credential. It changes nothing and shows no secret.
    Each check is ok, warn or fail; if one fails the exit code is 1.

    \b
    Example:
      orchctl doctor -c prod
      orchctl doctor -o json --query "checks[?status!='ok']"
    """
    run: Invocation = ctx.obj
    patient = Patient(
        env=run.env, config=lambda: run.config, context=lambda: run.context, client=lambda: run.client
    )
    found, run.failure = examine(patient)
    run.advise(found.advice())
    return found
