"""One kind of row, found, made, changed and put away: the same for every subject that is kept by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from orchctl.sandbox.engine.base import Conflict, Invalid, NotFound, Tx, as_id, is_guid, new_guid

# sherpa.md 3.6: the vendor's limit on names of processes and versions, taken for all that has none of its own.
LONGEST_NAME = 512


class _Row(Protocol):
    """A NamedTuple of the columns that a reader may see."""

    @property
    def id(self) -> int: ...
    @property
    def guid(self) -> str: ...


R = TypeVar("R", bound=_Row)


class Table(Generic[R]):
    """``name`` is the table's, ``noun`` what messages call one of its rows; ``named``: has it a name?"""

    def __init__(
        self,
        name: str,
        columns: tuple[str, ...],
        make: Callable[[Iterable[Any]], R],
        *,
        noun: str,
        named: bool = True,
    ) -> None:
        self.noun = noun
        self._has_name = named
        self._name = name
        self._make = make
        self.select = f"SELECT {', '.join(columns)} FROM {name}"  # noqa: S608  # a NamedTuple's fields
        self.live = f"{self.select} WHERE deleted_at IS NULL"

    def find(self, tx: Tx, key: str) -> R:
        """A row by GUID, by name, or by number, in that order.

        :raises Conflict: the name is that of several.
        """
        row = self.one(tx, "guid = lower(?)", key) if is_guid(key) else None
        row = row or self._named(tx, key)
        number = as_id(key)
        if row is None and number is not None:
            row = self.one(tx, "id = ?", number)
        if row is None:
            raise NotFound(f"there is no {self.noun} {key!r}")
        return row

    def by_id(self, tx: Tx, number: int | None) -> R | None:
        """Whatever has that number, deleted or not."""
        return None if number is None else self._first(tx, f"{self.select} WHERE id = ?", number)

    def one(self, tx: Tx, condition: str, *values: object) -> R | None:
        return self._first(tx, f"{self.live} AND {condition}", *values)

    def many(self, tx: Tx, condition: str, *values: object) -> list[R]:
        """``condition`` goes on after WHERE and may hold ORDER BY and LIMIT."""
        return [*map(self._make, tx.connection.execute(f"{self.live} AND {condition}", values))]

    def every(self, tx: Tx) -> list[R]:
        return self.many(tx, "id > 0 ORDER BY id")

    def insert(self, tx: Tx, values: Mapping[str, object]) -> R:
        """Make a row; a GUID is made for it where none is given."""
        now = {"created_at": tx.now, "updated_at": tx.now}
        row: dict[str, object] = {"guid": new_guid(), **values, **now}
        row["guid"] = str(row["guid"]).lower()
        cursor = tx.connection.execute(
            f"INSERT INTO {self._name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608  # a TypedDict's keys
            tuple(row.values()),
        )
        made = self.by_id(tx, cursor.lastrowid)
        assert made is not None
        return made

    def update(self, tx: Tx, row: R, values: Mapping[str, object]) -> R:
        """Change what ``values`` says; gives the row as it is now."""
        changed = {**values, "updated_at": tx.now}
        self.write(tx, row, changed)
        return row._replace(**changed)  # type: ignore[attr-defined,no-any-return]  # a NamedTuple's

    def write(self, tx: Tx, row: R, values: Mapping[str, object]) -> None:
        """Set columns and nothing beside them."""
        if not values:
            return
        tx.connection.execute(
            f"UPDATE {self._name} SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",  # noqa: S608  # a TypedDict's keys
            (*values.values(), row.id),
        )

    def delete(self, tx: Tx, row: R) -> None:
        """It reads as not found from now on."""
        self.write(tx, row, {"deleted_at": tx.now, "updated_at": tx.now})

    def check_name(self, name: str | None) -> None:
        if name is None or not name.strip():
            raise Invalid(f"a {self.noun} needs a name")
        if len(name) > LONGEST_NAME:
            raise Invalid(
                f"a {self.noun}'s name has at most {LONGEST_NAME} characters, this one has {len(name)}"
            )

    def _named(self, tx: Tx, name: str) -> R | None:
        if not self._has_name:
            return None
        found = self.many(tx, "name = ? ORDER BY id LIMIT 6", name)
        if len(found) > 1:
            guids = ", ".join(row.guid for row in found[:5])
            more = " and more" if len(found) > 5 else ""
            raise Conflict(f"several have the name {name!r}; give the GUID of one {self.noun}: {guids}{more}")
        return found[0] if found else None

    def _first(self, tx: Tx, statement: str, *values: object) -> R | None:
        row = tx.connection.execute(statement, values).fetchone()
        return None if row is None else self._make(row)
