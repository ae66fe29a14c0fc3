"""What a cell says, whichever file it came from: text in CSV, more than that in JSON and Excel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from orchctl.bulk.readers import Cell
from orchctl.errors import UsageFault
from orchctl.model import Json
from orchctl.model.words import ASSET_TYPES, Priority, TaskStatus
from orchctl.payload import strict_decoder
from orchctl.times import parse_time, rfc3339


class BadCell(ValueError):
    """What is wrong with a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How cells are to be read. ``now`` is when the run began, from which durations count."""

    now: datetime
    cells_are_text: bool


Reader: TypeAlias = Callable[[Cell, Reading], Any]


def text(cell: Cell, _: Reading) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)  # a number such as an invoice's, which a spreadsheet does not know to be a name
    raise BadCell(f"text was expected, and this is {_kind(cell)}")


def number(cell: Cell, _: Reading) -> int:
    try:
        return int(str(cell))
    except ValueError:
        raise BadCell(f"{_shown(cell)} is no whole number") from None


def asset_type(cell: Cell, reading: Reading) -> str:
    found = text(cell, reading).strip().lower()
    if found not in ASSET_TYPES:
        raise BadCell(f"{_shown(cell)} is no type of asset; one of: {', '.join(ASSET_TYPES)}")
    return found


def scope(cell: Cell, reading: Reading) -> str:
    found = text(cell, reading).strip()
    kind, _, ident = found.partition(":")
    if found == "all" or (kind in ("robot", "group") and ident):
        return found
    raise BadCell(f"{_shown(cell)} does not say who may read it; one of: all, robot:ID, group:ID")


def whole(cell: Cell, _: Reading) -> int:
    if isinstance(cell, int) and not isinstance(cell, bool):
        number = cell
    elif isinstance(cell, str) and cell.strip().isascii() and cell.strip().removeprefix("-").isdecimal():
        try:
            number = int(cell)
        except ValueError:
            raise BadCell(f"{_shown(cell)} has too many digits") from None
    else:
        raise BadCell(f"{_shown(cell)} is no whole number")
    if number < 0:
        raise BadCell(f"{number} is less than 0")
    return number


def flag(cell: Cell, _: Reading) -> bool:
    if isinstance(cell, bool):
        return cell
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        str(cell).strip().lower()
    )
    if found is None:
        raise BadCell(f"{_shown(cell)} is neither true nor false")
    return found


def moment(cell: Cell, reading: Reading) -> datetime:
    if isinstance(cell, datetime):
        return _in_utc(cell)
    if not isinstance(cell, str):
        raise BadCell(f"a time was expected, and this is {_kind(cell)}")
    try:
        return parse_time(cell, now=reading.now, forward=True)
    except UsageFault as error:
        raise BadCell(f"{error.message}; {error.hint}") from None


def priority(cell: Cell, _: Reading) -> Priority | None:
    found: Priority | None = _word(Priority, cell, "priority")
    return found


def task_status(cell: Cell, _: Reading) -> TaskStatus | None:
    found: TaskStatus | None = _word(TaskStatus, cell, "task status")
    return None if found is TaskStatus.UNKNOWN else found


def words(cell: Cell, reading: Reading) -> tuple[str, ...]:
    """Tags: a list, its JSON text, or words between semicolons or commas."""
    if isinstance(cell, str):
        if cell.lstrip().startswith("["):
            return words(json_text(cell, reading), reading)
        found = cell.replace(",", ";").split(";")
    elif isinstance(cell, list) and all(isinstance(each, str) for each in cell):
        found = [str(each) for each in cell]
        if any(";" in each for each in found):
            raise BadCell("a tag holds no semicolon")
    else:
        raise BadCell("a list of words was expected")
    return tuple(dict.fromkeys(each.strip() for each in found if each.strip()))


def anything(cell: Cell, reading: Reading) -> Json:
    """A payload: in files whose cells are text the text of JSON."""
    if isinstance(cell, str) and reading.cells_are_text:
        return json_text(cell, reading)
    return value(cell, reading)


def value(cell: Cell, _: Reading) -> Json:
    """One value within a payload, as it stands."""
    return rfc3339(_in_utc(cell)) if isinstance(cell, datetime) else cell


def _in_utc(cell: datetime) -> datetime:
    """A spreadsheet's times have no zone: they are the reader's own."""
    try:
        return cell.astimezone(UTC)
    except (OSError, OverflowError, ValueError):  # the last hours of 9999 west of Greenwich, for example
        raise BadCell(f"{cell} is out of the range of times") from None


def json_text(cell: str, _: Reading) -> Json:
    try:
        found: Json = strict_decoder().decode(cell)
    except RecursionError:
        raise BadCell("this is nested too deeply") from None
    except ValueError as error:
        raise BadCell(f"this is not JSON: {error}") from None
    return found


def _word(kind: Any, cell: Cell, what: str) -> Any:
    if cell == "unknown":
        return None  # what an export writes for a value that the vocabulary has no word for
    try:
        return kind(str(cell).strip().lower())
    except ValueError:
        raise BadCell(f"{_shown(cell)} is no {what}; one of: {', '.join(_offered(kind))}") from None


def _offered(kind: Any) -> list[str]:
    return [member.value for member in kind if member.value != "unknown"]


def _shown(cell: Cell) -> str:
    shown = repr(cell)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def _kind(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true or false"
    if isinstance(cell, int | float):
        return "a number"
    if isinstance(cell, datetime):
        return "a time"
    return "a list" if isinstance(cell, list) else "an object" if isinstance(cell, dict) else "nothing"
