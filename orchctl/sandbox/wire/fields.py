"""Request fields read as what they should be, in the many ways that clients write it."""

from __future__ import annotations

import re
from base64 import b16decode, b32decode
from collections.abc import Mapping
from datetime import UTC, datetime
from json import dumps, loads

from orchctl.sandbox.engine import Invalid
from orchctl.sandbox.wire.body import File, TooDeep, Value, decode_json

_FLAGS = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True, "": False}
# DES: the Designer writes times as dd.MM.yyyy HH:mm[:ss].
_DOTTED = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})(?: (\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII)
_LATEST = 253402300799  # 9999-12-31 23:59:59, the last second that the wire's time format can say


class Fields:
    """Fields under their plain keys; a method gives None for what is absent or null."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def text(self, *names: str) -> str | None:
        """The first of several names that is there."""
        for name in names:
            value = self._values.get(name.lower())
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise Invalid(f"{name} must be a text")
            text = str(value)
            if not _is_unicode(text):
                raise Invalid(f"{name} holds half a surrogate pair")
            return text
        return None

    def required(self, *names: str) -> str:
        text = self.text(*names)
        if text is None or not text.strip():
            raise Invalid(f"{names[0]} is required")
        return text

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        if text is None or text == "":
            return None
        # Ten digits: enough for any count, and too few to trouble SQLite.
        if re.fullmatch(r"-?\d{1,10}", text, re.ASCII) is None:
            raise Invalid(f"{name} must be a whole number, not {text!r}")
        return int(text)

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name.lower())
        if value is None:
            return None
        flag = _FLAGS.get(str(value).lower())
        if flag is None or isinstance(value, list | dict):
            raise Invalid(f"{name} must be 0 or 1, not {value!r}")
        return flag

    def moment(self, name: str) -> int | None:
        """Milliseconds in UTC; an empty text or 0 clears a time."""
        text = (self.text(name) or "").strip()
        if text in ("", "0"):
            return None
        if re.fullmatch(r"\d{9,12}", text, re.ASCII):
            seconds = int(text)
            if seconds <= _LATEST:
                return seconds * 1000
        else:
            moment = _dotted(text)
            if moment is None:
                moment = _iso(text)
            if moment is not None:
                return moment
        raise Invalid(f"{name} is no time: {text!r} (write it as 2026-01-31 18:00:00, in UTC)")

    def words(self, name: str) -> list[str]:
        """The parts of a text between semicolons."""
        return [word.strip() for word in (self.text(name) or "").split(";") if word.strip()]

    def json_text(self, name: str) -> str | None:
        """A value as JSON: a text that is JSON stands for what it says, any other text for itself."""
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        if isinstance(value, File):
            raise Invalid(f"{name} must be a text")
        if not isinstance(value, str):
            return _as_unicode(dumps(value, ensure_ascii=False))
        try:
            decode_json(value)
        except TooDeep as error:
            raise Invalid(f"{name}: {error}") from None
        except ValueError:
            return _as_unicode(dumps(value, ensure_ascii=False))
        return _as_unicode(value)

    def file(self, name: str) -> File | None:
        """A file of a multipart body; in other bodies a text in Base16 or Base32, as the reference has it."""
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        if isinstance(value, File):
            return value
        text = (self.text(name) or "").strip()
        for decode in (b16decode, b32decode):
            try:
                return File("", decode(text, casefold=True))
            except ValueError:
                continue
        raise Invalid(f"{name} must be a file of a multipart body, or a text in Base16 or Base32")


def _dotted(text: str) -> int | None:
    match = _DOTTED.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1000
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_unicode(json_text: str) -> str:
    """JSON may escape half a surrogate pair, which no UTF-8 text can hold: leave it escaped."""
    return json_text if _is_unicode(json_text) else dumps(loads(json_text))
