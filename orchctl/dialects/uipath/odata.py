"""OData v4 as UiPath Orchestrator has it: literals for a query, and the objects of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchctl.model.words import Unknown

if TYPE_CHECKING:
    from orchctl.model import Json
    from orchctl.transport import Reply


def text(value: str) -> str:
    """A string literal; a quote in it is doubled, else the server answers 400."""
    return "'" + value.replace("'", "''") + "'"


def moment(value: datetime) -> str:
    """A date literal, which stands without quotes; also how a time is written in a body."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def every(*conditions: str | None) -> str | None:
    """All of these; ``None`` is no condition."""
    return " and ".join(condition for condition in conditions if condition) or None


def some(*conditions: str) -> str | None:
    """At least one of these."""
    joined = " or ".join(conditions)
    return f"({joined})" if len(conditions) > 1 else joined or None


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def is_guid(text: str) -> bool:
    plain = text.replace("-", "")
    return len(text) == 36 and len(plain) == 32 and not set(plain.lower()) - set("0123456789abcdef")


class Record:
    """One object of an answer, looked up without regard to the case of its keys."""

    __slots__ = ("native", "values")

    def __init__(self, native: Mapping[str, Any]) -> None:
        self.native = native
        self.values = {key.lower(): value for key, value in native.items()}

    def get(self, *keys: str) -> Any:
        """The first of ``keys`` that is there and not null."""
        for key in keys:
            value = self.values.get(key.lower())
            if value is not None:
                return value
        return None

    def text(self, *keys: str) -> str | None:
        value = self.get(*keys)
        if value is None or value == "":
            return None
        return (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )

    def number(self, *keys: str) -> int | None:
        value = self.get(*keys)
        try:
            return None if value is None else int(value)
        except (TypeError, ValueError):
            return None

    def flag(self, *keys: str) -> bool | None:
        value = self.get(*keys)
        return value if isinstance(value, bool) else None

    def time(self, *keys: str) -> datetime | None:
        """ISO 8601, with up to seven digits of a second; without a zone it is UTC."""
        try:
            value = datetime.fromisoformat(self.get(*keys))
        except (TypeError, ValueError):
            return None
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        try:
            return value.astimezone(UTC)
        except OverflowError:  # the year 1 east of Greenwich
            return None

    def inner(self, *keys: str) -> Record:
        """The object under a key; an empty one where there is none."""
        value = self.get(*keys)
        return Record(value if isinstance(value, dict) else {})

    def rows(self, *keys: str) -> list[dict[str, Any]]:
        value = self.get(*keys)
        return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []

    def parsed(self, *keys: str) -> Json:
        """JSON that travels as a string, such as a job's arguments."""
        value: Json = self.get(*keys)
        if isinstance(value, str):
            try:
                return json.loads(value)  # type: ignore[no-any-return]  # json.loads is typed Any
            except (ValueError, RecursionError):
                return value
        return value

    def word(self, words: Mapping[str, Any], *keys: str) -> Any:
        """The vocabulary's word for the name of a state; ``Unknown`` for one that has none."""
        value = self.get(*keys)
        if value is None:
            return None
        return words.get(str(value).lower()) or Unknown(value)


def record(reply: Reply) -> Record:
    """The object that an answer is."""
    data = reply.data()
    if not isinstance(data, dict):
        raise reply.unintelligible("an object was expected")
    return Record(data)


def collection(reply: Reply) -> tuple[list[dict[str, Any]], int | None]:
    """The rows of an answer, and how many the whole query has, where the server counted."""
    found = record(reply)
    rows = found.get("value", "PageItems")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise reply.unintelligible('a list was expected under "value"')
    return rows, found.number("@odata.count", "Count")
