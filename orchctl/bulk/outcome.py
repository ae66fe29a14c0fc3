"""What became of a row: the four states of the contract, and how many rows are in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchctl.errors import (
    NetworkFault,
    NotAllowed,
    NotAuthenticated,
    OrchctlError,
    OutcomeUnknown,
    Unavailable,
)


class State(StrEnum):
    OK = "ok"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """One row's outcome. ``ok`` means one effect, ``rejected`` and ``not_sent`` none, ``unknown`` either."""

    row: int
    state: State
    id: str | None = None
    error: str | None = None


def state_of(error: OrchctlError) -> State:
    """What an error says about the one write that it ended."""
    if isinstance(error, OutcomeUnknown):
        return State.UNKNOWN
    if is_everybodys(error) or isinstance(error, (NetworkFault, Unavailable)):
        return State.NOT_SENT
    return State.REJECTED


def is_everybodys(error: OrchctlError) -> bool:
    """The credential is refused: no fault of the row, and the next one would fare the same."""
    return isinstance(error, NotAuthenticated) and not isinstance(error, NotAllowed)


@dataclass(slots=True)
class Tally:
    """How many rows there are and what became of them, in this run and the ones that it goes on with."""

    total: int
    counts: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))

    def add(self, state: State, count: int = 1) -> None:
        self.counts[state] += count

    def take_back(self, state: State, count: int = 1) -> None:
        """So many turned out to be something else."""
        self.counts[state] -= count

    @property
    def tried(self) -> int:
        return sum(self.counts.values())

    @property
    def ok(self) -> int:
        return self.counts[State.OK]

    @property
    def unknown(self) -> int:
        return self.counts[State.UNKNOWN]

    @property
    def is_complete(self) -> bool:
        return self.ok == self.total

    def __str__(self) -> str:
        """A row that was never tried was not sent either."""
        not_sent = self.counts[State.NOT_SENT] + self.total - self.tried
        return (
            f"{self.total:,} row{'' if self.total == 1 else 's'}: {self.ok:,} ok, "
            f"{self.counts[State.REJECTED]:,} rejected, {not_sent:,} not sent, {self.unknown:,} unknown"
        )
