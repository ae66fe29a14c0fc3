"""The embedded orchestrator as the command line offers it: made, served, emptied and shown around.

What it is stands in ``orchctl.sandbox``; this only ties it to contexts and to the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchctl.config import Config, add_context
from orchctl.errors import LocalFault
from orchctl.model import Json
from orchctl.streams import Streams

CONTEXT = "sandbox"

# What a newcomer sees first: the life of a task, from its queue to its end.
TOUR = (
    ("A queue is where tasks wait. This one insists on unique names.",
     "queue create --name Invoices --unique-tasks"),
    ("A task is a unit of work; -p and -P fill its payload.",
     "task create -q Invoices --name INV-1 -p currency=EUR -P amount=12.5"),
    ("This one is urgent,",
     "task create -q Invoices --name INV-2 -p currency=USD -P amount=900 --priority high --tag vip"),
    ("and this one has to wait.",
     "task create -q Invoices --name INV-3 --data '{\"lines\": [1, 2]}' --postpone 1h -o name"),
    ("What is in the queue?", "task list -q Invoices"),
    ("A robot takes the most urgent task first.", "task next -q Invoices --take"),
    ("It did the work, and says what came out of it.",
     "task finish INV-2 --status success --result '{\"posted\": true}'"),
    ("The next one did not go so well.", "task next -q Invoices --take -o name"),
    ("", "task finish INV-1 --status failed-business --reason 'no such customer'"),
    ("Where do we stand?", "queue stats"),
    ("Scripts read JSON and pick from it,", "task list -q Invoices --status success --query '[].output' -o json"),
    ("and trust exit codes: 4 is \"not found\".", "task get INV-9"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPlace:
    """Where an embedded orchestrator keeps its data, and the context that points at it."""

    database: str
    key_file: str
    context: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """An application that may log in to UiPath's API with client credentials."""

    name: str
    client_id: str
    client_secret: str


def init(database: Path | None, config: Config, *, dry_run: bool = False) -> SandboxPlace:
    """Make the database, its key and the context; what is there already stays as it is.

    With ``dry_run`` it only says what it would make.

    :raises LocalFault: the context's name belongs to another orchestrator.
    """
    from orchctl.sandbox import admin

    if dry_run:
        path = database or admin.default_database()
        return SandboxPlace(
            database=str(path), key_file=str(admin.key_file(path)), context=CONTEXT, created=not path.exists()
        )
    made = admin.init(database)
    url = "sandbox:" if made.database == admin.default_database() else f"sandbox:{made.database}"
    known = config.contexts.get(CONTEXT)
    if known is None:
        add_context(config.path, name=CONTEXT, settings={"dialect": "sherpa", "url": url})
    elif known.url != url:
        raise LocalFault(
            f"there is a context {CONTEXT!r} already, and it points at {known.url}",
            hint=f"orchctl context rename {CONTEXT} NEW-NAME, or use that one",
        )
    return SandboxPlace(
        database=str(made.database), key_file=str(made.key_file), context=CONTEXT, created=made.created
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSystem:
    """A system that has registered over ELMA's API; ``status`` is request, allowed or locked."""

    id: str
    name: str
    status: str
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRun:
    """A task or job after the sandbox's robot has done its part; ``status`` is a word of the vocabulary.

    ``name`` is the task's queue or the job's process.
    """

    id: str
    kind: str
    name: str
    status: str
    robot: str | None


def serve(
    database: Path | None,
    streams: Streams,
    *,
    host: str,
    port: int,
    open_access: bool,
    strict: bool,
    elma: Sequence[str] = (),
    reach: Sequence[str] = (),
) -> int:
    """Serve over HTTP until SIGTERM. The first line of stdout is the base URL, once it answers."""
    from orchctl.sandbox import acting, admin
    from orchctl.sandbox.server import serve as serve_http

    acting.check_switches(elma)

    path = admin.init(database).database

    def ready(url: str) -> None:
        streams.write(f"{url}\n")
        streams.flush()
        who = "any credential is let in" if open_access else "the account key: orchctl sandbox key"
        streams.talk(f"serving {path}; {who}; end with Ctrl-C")

    acting.set_reach(path, reach)
    return serve_http(
        path, host=host, port=port, open_access=open_access, strict=strict, elma=elma, ready=ready
    )


def allow(database: Path | None, system: str) -> ExternalSystem:
    """Let an external system in, by its UUID or name."""
    from orchctl.sandbox import acting

    found = acting.allow(database, system)
    return ExternalSystem(id=found.guid, name=found.name, status=found.status, description=found.description)


def waiting(database: Path | None) -> list[ExternalSystem]:
    """The external systems that nobody has let in yet."""
    from orchctl.sandbox import acting

    return [
        ExternalSystem(id=found.guid, name=found.name, status=found.status, description=found.description)
        for found in acting.waiting(database)
    ]


def publish(database: Path | None, name: str, variables: Sequence[str], *, token: str | None) -> str:
    """Add a process, or a version of it; gives the process's token."""
    from orchctl.sandbox import acting

    process, _ = acting.publish(database, name, [acting.variable(text) for text in variables], token=token)
    return process.guid


def play(
    database: Path | None,
    ident: str,
    *,
    result: Json,
    files: Sequence[Path],
    log: Sequence[str],
    fail: bool,
    running: bool,
) -> PlayedRun:
    """Act as the robot that runs a task or job."""
    from orchctl.sandbox import playing
    from orchctl.sandbox.playing import Part

    played = playing.play(
        database, ident, Part(result=result, files=files, log=log, fail=fail, running=running)
    )
    return PlayedRun(id=ident, kind=played.kind, name=played.name, status=played.status, robot=played.robot)


def place(database: Path | None) -> Path:
    """Where the database is, whether it is there yet or not."""
    from orchctl.sandbox import admin

    return database or admin.default_database()


def new_client(database: Path | None, name: str) -> OAuthClient:
    from orchctl.sandbox import admin

    made = admin.new_client(database, name)
    return OAuthClient(name=made.name, client_id=made.ident, client_secret=made.secret)


def account_key(database: Path | None) -> str:
    from orchctl.sandbox import admin

    return admin.key(database)


def reset(database: Path) -> str:
    """Empty the database and say how many objects it held."""
    from orchctl.sandbox import admin

    return f"{admin.reset(database)} objects are gone"


def tour(run: Callable[[list[str], Mapping[str, str]], int], streams: Streams) -> None:
    """Show the commands of ``TOUR`` and run them on a database that is thrown away."""
    import shlex
    import tempfile

    with tempfile.TemporaryDirectory(prefix="orchctl-demo-") as folder:
        env = {
            **{name: value for name, value in streams.env.items() if not name.startswith("ORCHCTL_")},
            "ORCHCTL_URL": f"sandbox:{folder}/sandbox.db",
            "ORCHCTL_DIALECT": "sherpa",
            "ORCHCTL_CONFIG": f"{folder}/config.yaml",
            "XDG_STATE_HOME": folder,
        }
        for saying, line in TOUR:
            if saying:
                streams.write(f"\n# {saying}\n")
            streams.write(f"$ orchctl {line}\n")
            streams.flush()
            code = run(shlex.split(line), env)
            if code:
                streams.write(f"(exit code {code})\n")
    streams.write(
        "\nThat was a database of its own, and it is gone. To keep one:\n"
        "  orchctl sandbox init      # makes it, and a context that points at it\n"
        "  orchctl queue create --name Invoices\n"
        "  orchctl sandbox serve     # the same over HTTP, for robots and other clients\n"
    )
