"""The people around the sandbox, played from the command line: the administrator who lets a system in, the
Designer that publishes a process. Each takes effect at once on a server that runs on the same database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from orchctl.errors import NotFound, OrchctlError, Refused, UsageFault
from orchctl.sandbox import admin
from orchctl.sandbox.engine import Conflict, Engine, EngineError, Tx, processes, queues, systems
from orchctl.sandbox.engine import NotFound as Missing
from orchctl.sandbox.engine.base import is_guid
from orchctl.sandbox.engine.processes import Process, ProcessFields, Variable, Version
from orchctl.sandbox.engine.systems import Standing, System

T = TypeVar("T")

# Seed 002's samples, and what the notes on the API add.
_TYPES = frozenset({"bool", "datetime", "double", "file", "int", "mail", "string"})
_SCOPES = frozenset({"in", "out", "inout"})
_ROBOT = "robot"


def variable(text: str) -> Variable:
    """``NAME:TYPE[[]][:in|out|inout]``.

    :raises UsageFault: it is not of that form.
    """
    name, _, rest = text.partition(":")
    kind, _, scope = rest.partition(":")
    is_array = kind.endswith("[]")
    kind = kind.removesuffix("[]").lower()
    scope = (scope or "in").lower()
    if not name.strip() or kind not in _TYPES or scope not in _SCOPES:
        raise UsageFault(
            f"{text!r} is no variable",
            hint=f"NAME:TYPE[[]][:in|out|inout], the types are {', '.join(sorted(_TYPES))}",
        )
    return Variable(name.strip(), kind, is_array, scope)


def allow(database: Path | None, key: str) -> System:
    """Let a system in, by its UUID or by a name that only one of those has that wait.

    :raises NotFound: no such system has registered.
    """

    def change(tx: Tx) -> System:
        named = [system.guid for system in systems.waiting(tx) if system.name == key]
        return systems.stand(tx, named[0] if len(named) == 1 else key, Standing.ALLOWED)

    return act(database, lambda engine: engine.write(change))


def waiting(database: Path | None) -> list[System]:
    return act(database, lambda engine: engine.read(systems.waiting))


def check_switches(words: Sequence[str]) -> None:
    """:raises UsageFault: there is no such switch."""
    if words:
        from orchctl.sandbox.wire.elma import Switches

        try:
            Switches.of(words)
        except EngineError as error:
            raise told(error) from error


def set_reach(database: Path | None, hosts: Sequence[str]) -> None:
    """Which hosts beside this machine callbacks and input files may be at."""
    from orchctl.sandbox import courier

    if act(database, lambda engine: engine.read(courier.reach)) != {host.lower() for host in hosts}:
        act(database, lambda engine: engine.write(lambda tx: courier.set_reach(tx, list(hosts))))


def publish(
    database: Path | None, name: str, variables: Sequence[Variable], *, token: str | None = None
) -> tuple[Process, Version]:
    """A new process, with a queue of its name; of one that is there a new version."""
    names = [item.name.lower() for item in variables]
    if len(set(names)) != len(names):
        raise UsageFault("a variable is given twice", hint="names differ in more than their case")
    if token is not None and not is_guid(token):
        raise UsageFault(f"{token!r} is no UUID")

    def change(tx: Tx) -> tuple[Process, Version]:
        process = _process(tx, name)
        if process is not None and token is not None and process.guid != token.lower():
            raise Conflict(f"the process {name!r} has the token {process.guid}")
        if process is None:
            fields: ProcessFields = {"name": name, **({"guid": token} if token else {})}
            process = processes.create(tx, fields)
        version = processes.add_version(tx, process, {"variables": list(variables)})
        if not any(queue.name == name for queue in queues.every(tx)):
            queues.create(tx, {"name": name})
        return processes.find(tx, process.guid), version

    return act(database, lambda engine: engine.write(change))


def _process(tx: Tx, name: str) -> Process | None:
    return next((process for process in processes.every(tx) if process.name == name), None)


def act(database: Path | None, action: Callable[[Engine], T]) -> T:
    """With the engine of a database; what it refuses becomes what a user reads."""
    store, _ = admin.open_store(database)
    try:
        return action(Engine(store))
    except EngineError as error:
        raise told(error) from error
    finally:
        store.close()


def told(error: EngineError) -> OrchctlError:
    if isinstance(error, Missing):
        return NotFound(error.message)
    if isinstance(error, Conflict):
        return Refused(error.message)
    return UsageFault(error.message)
