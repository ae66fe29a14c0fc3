"""What is there, what a file wants, and the steps from the one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchctl.declared.files import Wanted, declared
from orchctl.declared.kinds import KINDS, Fields, Kind
from orchctl.errors import OrchctlError, OutcomeUnknown, Partial, Refused, Unsupported, UsageFault
from orchctl.guess import did_you_mean
from orchctl.render.columns import register
from orchctl.sanitize import MASK
from orchctl.transport import PlannedRequest

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.model import Json


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A difference, and what removes it. ``changes`` has ``[what is, what is wanted]`` by field."""

    action: Action
    kind: str
    name: str
    changes: dict[str, Json] = field(default_factory=dict)


register(Step, table=("action", "kind", "name", "changes"), plural="differences")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    step: Step
    run: Callable[[], object]


def chosen(words: Sequence[str]) -> tuple[Kind, ...]:
    """Kinds by their name or plural; all where none is named."""
    if not words:
        return KINDS
    by_word = {word: kind for kind in KINDS for word in (kind.name, kind.plural)}
    for word in words:
        if word not in by_word:
            hint = did_you_mean(word, by_word) or f"one of: {', '.join(kind.plural for kind in KINDS)}"
            raise UsageFault(f"{word!r} cannot be exported", hint=hint)
    wanted = {by_word[word].name for word in words}
    return tuple(kind for kind in KINDS if kind.name in wanted)


def export(client: Client, words: Sequence[str], *, note: Callable[[str], None]) -> dict[str, Json]:
    """All objects of the kinds, as a file would declare them, by name."""
    found: dict[str, Json] = {}
    for kind in chosen(words):
        if kind.lists not in client.dialect.features:
            if words:
                client.require(kind.lists)
            note(
                f"{client.dialect.title} {client.dialect.gaps[kind.lists].reason}: {kind.plural} are left out"
            )
            continue
        current = _current(client, kind)
        found[kind.plural] = [declared(kind, name, current[name][1]) for name in sorted(current)]
        if kind.name == "asset" and any("secret" in fields for _, fields in current.values()):
            note("secrets are not exported: set the variables that value_from names before diff and apply")
    return found


def steps(
    client: Client, wanted: Sequence[Wanted], *, prune: bool, note: Callable[[str], None]
) -> list[Step]:
    return [act.step for act in _acts(client, wanted, prune=prune, note=note)]


def apply(
    client: Client,
    wanted: Sequence[Wanted],
    *,
    prune: bool,
    note: Callable[[str], None],
    confirm: Callable[[str], None],
    planned: list[PlannedRequest],
) -> tuple[list[Step], OrchctlError | None]:
    """Take all steps that are needed, and give those that were taken, with the error that sums up the others.

    ``planned`` takes in what a dry run would have sent.

    :raises Unsupported: the orchestrator has no such things; nothing has been sent.
    """
    acts = _acts(client, wanted, prune=prune, note=note)
    removed = [act.step for act in acts if act.step.action is Action.REMOVE]
    for act in acts:
        kind = next(kind for kind in KINDS if kind.name == act.step.kind)
        client.require(kind.needs[act.step.action])
    if removed:
        names = ", ".join(f"{step.kind} {step.name!r}" for step in removed)
        confirm(f"remove {names}" if len(names) < 200 else f"remove {len(removed)} objects")
    done, failed = [], []
    for act in acts:
        try:
            act.run()
            done.append(act.step)
        except PlannedRequest as request:
            planned.append(request)
        except OrchctlError as error:
            failed.append(error)
            hint = f" (hint: {error.hint})" if error.hint else ""
            note(f"{act.step.action} {act.step.kind} {act.step.name!r}: {error.message}{hint}")
    return done, _summed_up(done, failed)


def _summed_up(done: Sequence[Step], failed: Sequence[OrchctlError]) -> OrchctlError | None:
    if not failed:
        return None
    if len(failed) == 1 and not done:
        return failed[0]
    unknown = sum(isinstance(error, OutcomeUnknown) for error in failed)
    tally = f"{len(done)} done, {len(failed) - unknown} failed, {unknown} unknown"
    hint = "what is left: orchctl diff -f FILE"
    return OutcomeUnknown(tally, hint=hint) if unknown else Partial(tally, hint=hint)


def _acts(
    client: Client, wanted: Sequence[Wanted], *, prune: bool, note: Callable[[str], None]
) -> list[_Act]:
    """Created and changed in the order in which one needs the other, removed in the opposite."""
    made: list[_Act] = []
    gone: list[_Act] = []
    for kind in KINDS:
        of_kind = [each for each in wanted if each.kind is kind]
        if not of_kind:
            continue
        if kind.lists not in client.dialect.features:
            gap = client.dialect.gaps[kind.lists]
            raise Unsupported(f"{client.dialect.title} {gap.reason}", hint=gap.instead)
        current = _current(client, kind)
        for each in of_kind:
            act = _act(client, kind, each, current, note)
            if act is not None:
                made.append(act)
        if prune:
            named = {each.name for each in of_kind}
            gone += [
                _removal(client, kind, name, ident)
                for name, (ident, _) in sorted(current.items())
                if name not in named
            ]
    return made + gone[::-1]


def _removal(client: Client, kind: Kind, name: str, ident: str) -> _Act:
    return _Act(
        step=Step(action=Action.REMOVE, kind=kind.name, name=name), run=lambda: kind.remove(client, ident)
    )


def _act(
    client: Client,
    kind: Kind,
    wanted: Wanted,
    current: dict[str, tuple[str, Fields]],
    note: Callable[[str], None],
) -> _Act | None:
    """``None``: it is as it is wanted."""
    name, secret = wanted.name, wanted.secret
    if name not in current:
        shown = dict(wanted.fields) | ({"secret": MASK} if secret else {})
        step = Step(
            action=Action.CREATE,
            kind=kind.name,
            name=name,
            changes={key: [None, new] for key, new in shown.items()},
        )
        fields = _typed(kind, wanted.fields)
        return _Act(step=step, run=lambda: kind.create(client, name, fields, secret))
    ident, has = current[name]
    changes: dict[str, Json] = {
        key: [has.get(key), new] for key, new in wanted.fields.items() if not _same(has.get(key), new)
    }
    if secret is not None and has.get("secret") is None:
        note(f"{client.dialect.title} does not show the secret of {name!r}, so it is taken to be the same")
        secret = None
    elif secret == has.get("secret"):
        secret = None
    if secret is not None:
        changes["secret"] = [MASK, MASK]
    if not changes:
        return None
    fields = _typed(kind, {key: new for key, new in wanted.fields.items() if key in changes})
    step = Step(action=Action.UPDATE, kind=kind.name, name=name, changes=changes)
    return _Act(step=step, run=lambda: kind.update(client, ident, fields, secret))


def _same(has: Json, wanted: Json) -> bool:
    """Nothing, false, 0 and an empty text are one: which of them a server keeps says nothing."""
    return has == wanted or (not has and not wanted)


def _typed(kind: Kind, fields: Fields) -> Fields:
    """What the client takes: points in time instead of their text."""
    return {
        key: datetime.fromisoformat(item) if key in kind.times and isinstance(item, str) else item  # type: ignore[misc]
        for key, item in fields.items()
    }


def _current(client: Client, kind: Kind) -> dict[str, tuple[str, Fields]]:
    """Ids and fields by name.

    :raises Refused: two objects share a name, so that a file cannot tell them apart.
    """
    found: dict[str, tuple[str, Fields]] = {}
    for item in _listed(client, kind):
        if item.name in found:
            raise Refused(
                f"two of the {kind.plural} are called {item.name!r}",
                hint=f"give one of them another name: orchctl {kind.name} {'set' if kind.name == 'asset' else 'update'} ID --name NAME",
            )
        found[item.name] = (item.id, kind.read(item))
    return found


def _listed(client: Client, kind: Kind) -> Iterator[Any]:
    return kind.listed(client)
