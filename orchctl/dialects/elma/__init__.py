"""ELMA RPA. It must not loop over tasks, wait or remember: the client does, with a ledger.

Every call is a POST with JSON that carries the external system's token; the answer's own status is in its
body. The public API has no list of tasks and does not give their input back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from orchctl.config import Context
from orchctl.dialects.base import Feature, Gap
from orchctl.dialects.elma import wire
from orchctl.dialects.elma.gaps import FEATURES, GAPS
from orchctl.dialects.elma.processes import Processes, Queues
from orchctl.dialects.elma.runs import Runs
from orchctl.dialects.elma.tasks import Tasks

if TYPE_CHECKING:
    from orchctl.model import Json


class Elma(Tasks, Queues, Runs, Processes):
    name: ClassVar[str] = "elma"
    title: ClassVar[str] = "ELMA RPA"
    features: ClassVar[frozenset[Feature]] = FEATURES
    gaps: ClassVar[Mapping[Feature, Gap]] = GAPS
    needs_ledger: ClassVar[bool] = True
    secret_in_body: ClassVar[bool] = True
    secret_fields: ClassVar[frozenset[str]] = wire.SECRET_FIELDS
    registers_itself: ClassVar[bool] = True
    task_extras: ClassVar[frozenset[str]] = frozenset({"callback", "process_version"})

    @staticmethod
    def authorization(context: Context, secret: str) -> dict[str, str]:
        """Nothing: the token goes into each body."""
        return {}

    @staticmethod
    def explain(body: Json) -> str | None:
        return wire.explain(body)

    def is_id(self, ident: str) -> bool:
        return ident.isascii() and ident.isdigit()
