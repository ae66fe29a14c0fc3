"""``orchctl account``: the tenants of an orchestrator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from orchctl.assets import secret_of
from orchctl.cli.lazy import Noun, Watched, Write
from orchctl.invocation import Invocation
from orchctl.model import Account, AccountChange, NewAccount

app = typer.Typer(cls=Noun, rich_markup_mode=None, help="The tenants of an orchestrator.")

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account.")]
AccountIds = Annotated[
    list[str], typer.Argument(metavar="ACCOUNT...", help="Accounts; - reads ids from stdin.")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")]
FirstName = Annotated[str | None, typer.Option("--first-name", metavar="NAME", help="The first name.")]
LastName = Annotated[str | None, typer.Option("--last-name", metavar="NAME", help="The last name.")]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="The e-mail address.")]
Phone = Annotated[str | None, typer.Option("--phone", metavar="NUMBER", help="The telephone number.")]
Company = Annotated[str | None, typer.Option("--company", metavar="NAME", help="The company.")]
Department = Annotated[str | None, typer.Option("--department", metavar="NAME", help="The department.")]


@app.command(cls=Write)
def create(
    ctx: typer.Context,
    login: Annotated[str, typer.Option("--login", metavar="LOGIN", help="The login.")],
    from_stdin: FromStdin = False,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: Phone = None,
    company: Company = None,
    department: Department = None,
) -> Account:
    """Create an account. Its password is asked for, or read with --password-stdin.

    \b
    Example:
      orchctl account create --login branch --password-stdin < password.txt
    """
    run: Invocation = ctx.obj
    return run.client.create_account(
        NewAccount(
            login=login,
            password=secret_of(
                run,
                f"the password of {login}",
                "--password-stdin",
                needs="create_account",
                from_stdin=from_stdin,
            ),
            first_name=first_name,
            last_name=last_name,
            email=email,
            phone=phone,
            company=company,
            department=department,
        )
    )


@app.command("list", cls=Watched)
def list_(ctx: typer.Context) -> Iterator[Account]:
    """List accounts.

    Sherpa documents no call for it: orchctl tries the likely one (unverified), and where the server has none
    it lists the accounts that this machine has seen and says so.

    \b
    Example:
      orchctl account list
    """
    run: Invocation = ctx.obj
    return run.client.list_accounts()


@app.command(cls=Watched)
def get(ctx: typer.Context, idents: AccountIds) -> Account | list[Account]:
    """Print accounts. Their passwords are ***.

    \b
    Example:
      orchctl account get branch
    """
    run: Invocation = ctx.obj
    return run.each(idents, run.client.get_account)


@app.command(cls=Write)
def update(
    ctx: typer.Context,
    ident: AccountId,
    login: Annotated[str | None, typer.Option("--login", metavar="LOGIN", help="A new login.")] = None,
    from_stdin: FromStdin = False,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: Phone = None,
    company: Company = None,
    department: Department = None,
) -> Account:
    """Change an account.

    \b
    Example:
      orchctl account update branch --email branch@example.com
    """
    run: Invocation = ctx.obj
    change = AccountChange(
        login=login,
        password=secret_of(run, "the password", "--password-stdin", needs="update_account", from_stdin=True)
        if from_stdin
        else None,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        company=company,
        department=department,
    )
    return run.client.update_account(ident, run.some(change))


@app.command(cls=Write)
def delete(ctx: typer.Context, idents: AccountIds) -> None:
    """Delete accounts.

    \b
    Example:
      orchctl account delete branch --yes
    """
    run: Invocation = ctx.obj
    run.each(idents, run.client.delete_account, confirm="delete the account", always=True)
