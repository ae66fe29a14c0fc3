"""The items of a JSON array as they arrive. Holds one item at a time, however long the array is."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from orchctl.transport.reply import DECODER, DEPTH, BadJson, check_depth, parse, parse_noisy

if TYPE_CHECKING:
    from orchctl.model import Json

_SPACE = " \t\r\n"
_BLANK = re.compile(f"[{_SPACE}]*")
_SEAM = 8
_WORTH_A_BATCH = 2048
_BLANKS = "there is nothing but white space for too long"
_IN_NUMBER = ("", *"0123456789.eE+-")


def items(
    chunks: Iterator[bytes], *, limit: int, noise: bool = False, charset: str = "utf-8"
) -> Iterator[Json]:
    """One after another; anything but an array is a single item. Raises BadJson.

    ``limit`` bounds one item, and the white space around it, in characters. ``noise`` takes warnings before the
    JSON, at the price of reading all of it first.
    """
    texts = _decoded(chunks, charset, limit)
    text = ""
    for text in texts:
        if text:
            break
    if not text:
        raise BadJson("the answer is empty")
    if text[0] == "[":
        yield from _Array(text, texts, limit).items()
        return
    parts, size = [text], len(text)
    for more in texts:
        parts.append(more)
        size += len(more)
        if size > limit:
            raise BadJson("the answer is too large to be taken at once")
    whole = "".join(parts)
    data = parse_noisy(whole) if noise else parse(whole)
    if noise and isinstance(data, list):
        yield from data
    else:
        yield data


def _decoded(chunks: Iterator[bytes], charset: str, limit: int) -> Iterator[str]:
    """Text without the byte order marks and white space at its beginning."""
    decoder = codecs.getincrementaldecoder(charset)()
    started = False
    blank = 0
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            if not started:
                blank += len(text)
                text = text.lstrip(_SPACE + "\ufeff")
                started = bool(text)
                if blank - len(text) > limit:
                    raise BadJson(_BLANKS)
            if text:
                yield text
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise BadJson("the answer is not text in the encoding it should have") from None


class _Array:
    def __init__(self, text: str, more: Iterator[str], limit: int) -> None:
        self._text = text
        self._at = 1
        self._more = more
        self._limit = limit

    def items(self) -> Iterator[Json]:
        if self._skip_space() != "]":
            yield self._item()
            while (seam := self._next()) is not None:
                if found := self._batch(seam):
                    yield from found
                else:
                    yield self._item()
        self._at += 1
        blank = 0
        for text in chain([self._text[self._at :]], self._more):
            if text.strip(_SPACE):
                raise BadJson("something follows the end of the JSON array")
            blank = self._add_blanks(blank, len(text))

    def _next(self) -> str | None:
        """Go from one item to the next. The text where they meet, empty if not at hand; None at the end."""
        text, end = self._text, self._at
        mark = self._skip_space()
        if mark == "]":
            return None
        if mark != ",":
            raise BadJson("the JSON array is broken between two items")
        self._at += 1
        self._skip_space()
        return text[end - 1 : self._at + _SEAM] if self._text is text else ""

    def _fill(self, least: int = 1) -> bool:
        """Take in what arrives next, so many characters if there are as many; False at the end."""
        parts, size = [self._text[self._at :]], 0
        for more in self._more:
            parts.append(more)
            size += len(more)
            if size >= least:
                break
        self._text, self._at = "".join(parts), 0
        return size > 0

    def _skip_space(self) -> str:
        blank = 0
        while True:
            text, begin = self._text, self._at
            found = _BLANK.match(text, begin)
            self._at = at = begin if found is None else found.end()
            if at < len(text):
                return text[at]
            blank = self._add_blanks(blank, at - begin)
            if not self._fill():
                raise BadJson("the JSON array ends too early")

    def _add_blanks(self, before: int, size: int) -> int:
        if before + size > self._limit:
            raise BadJson(_BLANKS)
        return before + size

    def _batch(self, seam: str) -> list[Json]:
        """Items that are here already, parsed at once: a third of the time that they take one by one.

        ``seam`` is the text where two items met. Up to where it is found last the text is most likely whole
        items, and if it parses it is nothing else: cut within a string or an object it would not.
        """
        text, at = self._text, self._at
        cut = text.rfind(seam, at) if seam else -1
        if cut - at < _WORTH_A_BATCH:
            return []
        part = f"[{text[at : cut + 1]}]"
        try:
            found: list[Json] = DECODER.decode(part)
        except (ValueError, RecursionError):
            return []  # one by one they tell what is wrong, and where
        check_depth(found, part.count("[") + part.count("{"), depth=DEPTH + 1)
        self._at = cut + 1
        return found

    def _item(self) -> Json:
        while True:
            text, at = self._text, self._at
            complaint = BadJson("the JSON array ends too early")
            try:
                item: Json
                item, end = DECODER.raw_decode(text, at)
                # What may go on in the next chunk is a number; "1." is read as 1.
                if text[end : end + 1] not in _IN_NUMBER:
                    self._check_size(end - at)
                    check_depth(item, text.count("[", at, end) + text.count("{", at, end))
                    self._at = end
                    return item
            except BadJson:
                raise
            except RecursionError:
                raise BadJson("the JSON is nested too deeply") from None
            except json.JSONDecodeError as error:
                complaint = BadJson(f"it is not JSON (item at {error.pos})")
                if _is_final(error, text):
                    raise complaint from None
            except ValueError:
                raise BadJson("it holds a number with too many digits") from None
            size = len(text) - at
            self._check_size(size)
            # A large item is parsed anew as it grows, but not at each chunk: that would be quadratic.
            if not self._fill(size // 4):
                raise complaint

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise BadJson("one item of the JSON array is too large")


def _is_final(error: json.JSONDecodeError, text: str) -> bool:
    """More text cannot mend it: it broke well before the end, and not within a string."""
    return not error.msg.startswith(("Unterminated", "Invalid")) and error.pos < len(text) - 16
