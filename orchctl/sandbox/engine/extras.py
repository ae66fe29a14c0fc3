"""What few orchestrators keep with a task: a risk date, analytics, details of an error, a review."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from orchctl.sandbox.engine.base import Tx
from orchctl.sandbox.engine.tasks import Task


class Extra(NamedTuple):
    """``analytics`` is a JSON text, ``risk_at`` milliseconds; ``by_hand`` counts retries that a person asked for."""

    risk_at: int | None = None
    analytics: str | None = None
    details: str | None = None
    review: str | None = None
    reviewer_id: int | None = None
    by_hand: int = 0


class ExtraFields(TypedDict, total=False):
    risk_at: int | None
    analytics: str | None
    details: str | None
    review: str | None
    reviewer_id: int | None
    by_hand: int


_NOTHING = Extra()
_COLUMNS = ", ".join(Extra._fields)


def of(tx: Tx, task: Task) -> Extra:
    row = tx.connection.execute(
        f"SELECT {_COLUMNS} FROM task_extra WHERE task_id = ?",  # noqa: S608  # fields of Extra
        (task.id,),
    ).fetchone()
    return _NOTHING if row is None else Extra._make(row)


def keep(tx: Tx, task: Task, fields: ExtraFields) -> None:
    changed = of(tx, task)._replace(**fields)
    if changed != _NOTHING or fields:
        marks = ", ".join("?" * (len(Extra._fields) + 1))
        tx.connection.execute(
            f"INSERT OR REPLACE INTO task_extra (task_id, {_COLUMNS}) VALUES ({marks})",  # noqa: S608  # fields of Extra
            (task.id, *changed),
        )
