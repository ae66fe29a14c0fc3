"""JSON: one array of objects, taken in piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from orchctl.bulk.readers import Fault, Raw, Source, undecodable
from orchctl.bulk.readers.jsonlines import object_row
from orchctl.model import Json
from orchctl.payload import strict_decoder

_CHUNK = 256 * 1024
_SPACE = " \t\r\n"
_LONGEST_SCALAR = 64  # a number or a word that touches the end of a chunk may go on in the next


class _Broken(Exception):
    pass


def rows(source: Source) -> Iterator[Raw | Fault]:
    row = 0
    try:
        with source.path.open(encoding=source.encoding, errors="strict", newline="") as file:
            for row, element in enumerate(_Elements(file), start=1):  # told in faults
                yield object_row(row, element, None)
    except _Broken as error:
        yield Fault(row + 1, f"this is not JSON: {error}")
    except UnicodeDecodeError as error:
        yield undecodable(error, row=row + 1)


class _Elements:
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = strict_decoder()

    def __iter__(self) -> Iterator[Json]:
        if self._next_mark() != "[":
            raise _Broken("an array of objects was expected; objects one a line are --format jsonl")
        self._at += 1
        if self._next_mark() == "]":
            self._at += 1
        else:
            while True:
                yield self._element()
                mark = self._next_mark()
                self._at += 1
                if mark == "]":
                    break
                if mark != ",":
                    raise _Broken("a comma or the closing bracket was expected")
                if self._next_mark() == "]":
                    raise _Broken("a comma stands before the closing bracket")
        if self._next_mark():
            raise _Broken("something follows the closing bracket")

    def _next_mark(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._more():
                return ""

    def _element(self) -> Json:
        while True:
            try:
                found: Json
                found, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._more():
                    self._at = end
                    return found
            except RecursionError:
                raise _Broken("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                # More text cannot mend what broke well before the end, and not inside a string.
                hopeless = error.pos < len(self._text) - _LONGEST_SCALAR and "string" not in error.msg
                if hopeless or not self._more():
                    raise _Broken(error.msg) from None
            except ValueError as error:
                raise _Broken(str(error)) from None

    def _more(self) -> bool:
        if self._ended:
            return False
        # Doubled each time, or an element of many chunks would be parsed anew at each of them.
        chunk = self._file.read(max(_CHUNK, len(self._text) - self._at))
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return bool(chunk)
