"""The command line that a run comes from. Cheap to import: each write on many objects remembers its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchctl.errors import UsageFault

if TYPE_CHECKING:
    from orchctl.bulk.journal import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Its words, what stood after them, and the run that it goes on with."""

    words: str
    argv: tuple[str, ...] = ()
    resumed: Header | None = None


def take_up(run: str, words: str) -> Line:
    """The command line of an earlier run.

    :raises LocalFault: there is no such run.
    :raises UsageFault: it is one of another command.
    """
    from orchctl.bulk.runs import read_header

    header = read_header(run)
    if header.command != words:
        raise UsageFault(f"the run {run} is one of {header.command}", hint=f"{header.command} --resume {run}")
    return Line(words=words, argv=header.argv or (), resumed=header)
