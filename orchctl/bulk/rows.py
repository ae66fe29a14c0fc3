"""From a file's rows to entries: columns looked up, cells read, everything that is wrong named at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from orchctl.bulk.cells import BadCell, Reading
from orchctl.bulk.nouns import Entry, Noun
from orchctl.bulk.readers import Cell, Fault, Names, Raw, Source
from orchctl.bulk.runner import Item
from orchctl.errors import LocalFault, Refused, Unsupported, UsageFault

if TYPE_CHECKING:
    from orchctl.model import Json

New = TypeVar("New")

# More than anybody reads, and few enough to hold.
_MOST_FAULTS = 1000
_PAYLOAD = "payload."
_NO_COLUMN = "there is no such column"
# Beyond that every key counts as repeated.
_MOST_REPEATED = 50_000


class Rows(Generic[New]):
    """The rows of one file, as one noun reads them. They can be gone through any number of times."""

    def __init__(
        self,
        source: Source,
        noun: Noun[New],
        reading: Reading,
        *,
        payload_columns: bool,
        as_new: bool,
        is_unchanged: Callable[[], bool],
    ) -> None:
        self._source = source
        self._noun = noun
        self._reading = reading
        self._payload_columns = payload_columns and noun.has_payload
        self._as_new = as_new
        self._is_unchanged = is_unchanged
        self._known: dict[str, _Column] = {}

    @property
    def unsent(self) -> list[str]:
        """The columns met so far that are the orchestrator's own, so that nothing of them was sent."""
        return sorted(name for name, column in self._known.items() if column.is_own)

    @property
    def lookalikes(self) -> list[str]:
        """Columns that go to the payload, and whose names are all but those of fields."""
        columns = {name.lower() for name in self._noun.columns}
        return sorted(
            name for name, column in self._known.items() if column.key == name and name.lower() in columns
        )

    def check(self, rehearse: Callable[[Entry[New]], None], each: Callable[[int, Entry[New]], None]) -> int:
        """How many rows there are. ``rehearse`` raises what would keep one from being sent.

        :raises UsageFault: something is wrong; all of it is named in the notes.
        """
        faults: list[Fault] = []
        count = wrong = wrong_rows = 0
        for row, found in self._entries():
            count = max(count, row)
            if isinstance(found, Entry):
                fault = _objection(rehearse, row, found)
                if fault is None:
                    each(row, found)
                    continue
                found = [fault]  # noqa: PLW2901  # what is wrong takes the place of what was read
            wrong += len(found)
            wrong_rows += row > 0
            faults += found[: _MOST_FAULTS - len(faults)]
        if wrong:
            notes = [f"{self._source.name}: {fault}" for fault in faults]
            if wrong > len(faults):
                notes.append(f"and {wrong - len(faults):,} more")
            what = "1 fault" if wrong == 1 else f"{wrong:,} faults"
            raise UsageFault(
                f"{what} in {self._source.name}, so nothing was sent",
                hint=self._hint(faults),
                notes=notes,
            )
        return count

    def check_idents(self, suspects: Repeats) -> None:
        """``suspects`` has all ids that are in several rows, and perhaps a few more.

        :raises UsageFault: an id is in several rows, so that chance would say which of them counts.
        """
        rows: dict[str, list[int]] = {}
        for item in self.items(lambda _: True):
            ident = item.thing.ident
            if item.thing.new is None and ident is not None and ident in suspects:
                rows.setdefault(ident, []).append(item.row)
        several = [(ident, found) for ident, found in rows.items() if len(found) > 1]
        if several:
            notes = [
                f"{self._source.name}: rows {', '.join(map(str, found[:10]))}"
                f"{', ...' if len(found) > 10 else ''}: the same id, {ident}"
                for ident, found in several[:_MOST_FAULTS]
            ]
            if len(several) > _MOST_FAULTS:
                notes.append(f"and {len(several) - _MOST_FAULTS:,} more")
            raise UsageFault(
                f"an id is in several rows of {self._source.name}, so nothing was sent",
                hint="leave one row for each",
                notes=notes,
            )

    def items(self, wanted: Callable[[int], bool]) -> Iterator[Item[Entry[New]]]:
        """Those of the rows that are wanted.

        :raises LocalFault: the file is no longer what it was when it was checked.
        """
        changed = LocalFault(
            f"{self._source.name} was changed while it was sent", hint="put it back as it was"
        )
        with closing(self._entries(wanted)) as entries:
            for row, found in entries:
                if not isinstance(found, Entry) or not self._is_unchanged():
                    raise changed
                yield Item(row, found)
        if not self._is_unchanged():
            raise changed

    def _entries(
        self, wanted: Callable[[int], bool] | None = None
    ) -> Generator[tuple[int, Entry[New] | list[Fault]], None, None]:
        for raw in self._source.rows():
            if isinstance(raw, Fault):
                yield raw.row, [raw]
            elif isinstance(raw, Names):
                if faults := self._unknown(raw):
                    yield 0, faults
            elif wanted is None or wanted(raw.row):
                yield raw.row, self._entry(raw)

    def _unknown(self, header: Names) -> list[Fault]:
        """What is wrong with a header, told once and not for each row."""
        faults = []
        for name in header.names:
            column = self._column(name)
            if not column.is_known:
                column.is_told = True
                faults.append(Fault(0, _NO_COLUMN, name, header.line))
        return faults

    def _entry(self, raw: Raw) -> Entry[New] | list[Fault]:
        values: dict[str, Any] = {}
        payload: dict[str, Json] = {}
        faults: list[Fault] | None = None
        known = self._known
        for name, cell in raw.cells.items():
            column = known.get(name) or self._column(name)
            try:
                if column.read is not None:
                    values[name] = column.read(cell, self._reading)
                elif column.key is not None:
                    payload[column.key] = _plain(cell)
                elif not column.is_own and not column.is_told:
                    raise BadCell(_NO_COLUMN)
            except BadCell as error:
                faults = [*(faults or []), Fault(raw.row, str(error), name, raw.line)]
        if faults is not None:
            return faults
        try:
            return self._noun.entry(
                {name: value for name, value in values.items() if value is not None},
                payload,
                as_new=self._as_new,
            )
        except BadCell as error:
            return [Fault(raw.row, str(error), line=raw.line)]

    def _column(self, name: str) -> _Column:
        noun = self._noun
        found = _Column()
        if name in noun.own:
            found.is_own = True
        elif name in noun.columns:
            found.read = noun.columns[name]
        elif noun.has_payload and name.startswith(_PAYLOAD) and len(name) > len(_PAYLOAD):
            found.key = name.removeprefix(_PAYLOAD)
        elif self._payload_columns:
            found.key = name
        self._known[name] = found
        return found

    def _hint(self, faults: list[Fault]) -> str:
        unknown = next((fault.column for fault in faults if fault.message == _NO_COLUMN), None)
        if unknown is None:
            return "mend the file and start again"
        from difflib import get_close_matches

        noun = self._noun
        close = get_close_matches(unknown.lower(), [*noun.columns, *noun.own], n=1)
        if close:
            return f"did you mean the column {close[0]}?"
        columns = f"the columns are: {', '.join(name for name in noun.columns if name not in noun.own)}"
        return f"{columns}; with --payload-columns others go to the payload" if noun.has_payload else columns


class _Column:
    """What is done with the cells of one name."""

    __slots__ = ("is_own", "is_told", "key", "read")

    def __init__(self) -> None:
        self.read: Any = None
        self.key: str | None = None
        self.is_own = False
        self.is_told = False

    @property
    def is_known(self) -> bool:
        return self.read is not None or self.key is not None or self.is_own


def _plain(cell: Cell) -> Json:
    from orchctl.bulk.cells import value

    return value(cell, None)  # type: ignore[arg-type]  # it reads the cell as it is


def _objection(rehearse: Callable[[Entry[New]], None], row: int, entry: Entry[New]) -> Fault | None:
    try:
        rehearse(entry)
    except (UsageFault, Unsupported, Refused) as error:  # what else there is is no row's fault
        return Fault(row, error.message if error.hint is None else f"{error.message}; {error.hint}")
    return None


class Repeats:
    """Which keys of a long list are there more than once, in memory that does not grow with the list.

    A key that is there once is now and then taken for a repeated one, never the other way.
    """

    def __init__(self) -> None:
        self._bits = bytearray(1 << 22)
        self._repeated: set[int] = set()

    def add(self, key: str) -> None:
        code = hash(key)
        seen = True
        for shift in (0, 20, 39):
            place = (code >> shift) & 0x1FFFFFF
            bit = 1 << (place & 7)
            if not self._bits[place >> 3] & bit:
                seen = False
                self._bits[place >> 3] |= bit
        if seen and len(self._repeated) < _MOST_REPEATED:
            self._repeated.add(code)

    def __bool__(self) -> bool:
        return bool(self._repeated)

    def __contains__(self, key: str) -> bool:
        return len(self._repeated) == _MOST_REPEATED or hash(key) in self._repeated
