"""What came back: status, headers, body, and the JSON in it. Reads JSON as strictly as it arrives loosely."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import unquote

from orchctl.errors import OrchctlError, OutcomeUnknown, Unintelligible
from orchctl.transport.call import Effect

if TYPE_CHECKING:
    from orchctl.model import Json

DEPTH = 100
SHOWN = 200
_INFINITIES = (inf, -inf)

# Possessive: a comment that has been passed is not tried in another length, of which there are exponentially many.
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf|\s|<!--.*?-->|<\?xml[^>]*>)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_JSON_START = re.compile(r"(?:^|>)[ \t\ufeff]*(?=[\[{])", re.M)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.I)
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")

CHECK_URL = "check the context's URL: it may lead to a web page, a login form or a proxy"
LOOK_FIRST = "look on the server whether it was carried out before sending it once more"


class Headers(Mapping[str, str]):
    """Header fields by name in any case. Repeated ones are joined by a comma."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in fields:
            key = name.lower()
            before = self._fields.get(key)
            self._fields[key] = (name, value) if before is None else (before[0], f"{before[1]}, {value}")

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)


class BadJson(ValueError):
    """Why a text is not the JSON that orchctl takes, in words for the user."""


class Reply:
    """A complete answer. ``where`` is the server as messages name it, ``target`` what it was asked for."""

    __slots__ = ("body", "effect", "headers", "method", "status", "target", "where")

    def __init__(
        self,
        *,
        status: int,
        headers: Headers,
        body: bytes,
        effect: Effect,
        where: str,
        method: str,
        target: str,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.effect = effect
        self.where = where
        self.method = method
        self.target = target

    def __repr__(self) -> str:
        return f"<Reply {self.status} to {self.asked}, {len(self.body)} bytes>"

    @property
    def asked(self) -> str:
        """Method and path, as messages name the request."""
        return asked(self.method, self.target)

    @property
    def empty(self) -> bool:
        return not self.body.strip()

    @property
    def request_id(self) -> str | None:
        """What the server's own log calls this request, if it says."""
        for name in _REQUEST_ID_HEADERS:
            if name in self.headers:
                return plain(self.headers[name])
        if b'"traceId"' in self.body or b'"TraceId"' in self.body:
            try:
                data = parse(self.text())
            except (BadJson, UnicodeError):
                return None
            if isinstance(data, dict):
                found = data.get("traceId") or data.get("TraceId")
                return plain(found) if isinstance(found, str) else None
        return None

    @property
    def charset(self) -> str:
        """The one that the answer declares, if there is such a one, else UTF-8."""
        declared = _CHARSET.search(self.headers.get("content-type", ""))
        return declared.group(1) if declared and _is_charset(declared.group(1)) else "utf-8"

    def text(self) -> str:
        """The body as text, in its charset. Raises UnicodeError."""
        return self.body.decode(self.charset).lstrip("\ufeff")

    def data(self, *, noise: bool = False, empty: bool = False) -> Json:
        """The JSON of the body. An empty body is None with 204 or 205, or when ``empty`` allows it.

        ``noise``: PHP prints its warnings in front of the JSON; skip them. Raises what ``unintelligible``
        makes.
        """
        if self.empty:
            if empty or self.status in {204, 205}:
                return None
            raise self.unintelligible("the answer is empty")
        try:
            text = self.text()
        except UnicodeError:
            raise self.unintelligible("the answer is not text in the encoding it should have") from None
        try:
            return parse_noisy(text) if noise else parse(text)
        except BadJson as error:
            if is_page(self.body):
                raise self.page() from None
            raise self.unintelligible(f"{error}: {excerpt(text)}") from None

    def page(self) -> OrchctlError:
        """The error for a web page where data was expected."""
        return self.unintelligible("the answer is an HTML page, not data", hint=CHECK_URL)

    def unintelligible(self, why: str, *, hint: str | None = None) -> OrchctlError:
        """The error for an answer that cannot be understood; a write may have happened all the same."""
        if self.effect is Effect.READ:
            return Unintelligible(
                f"{self.where} answered {self.asked} with something that is no usable answer: {why}",
                hint=hint or "see the whole exchange with --debug; the server may be of another version",
                request_id=self.request_id,
            )
        return OutcomeUnknown(
            f"{self.where} took {self.asked}, but its answer does not tell the outcome: {why}",
            hint=f"{hint}; {LOOK_FIRST}" if hint else LOOK_FIRST,
            request_id=self.request_id,
        )


@lru_cache(maxsize=16)
def _is_charset(name: str) -> bool:
    try:
        b"    ".decode(name)
    except UnicodeDecodeError:  # which needs more than this
        return True
    except (LookupError, UnicodeError):  # such as "undefined", a codec that always fails
        return False
    return True


def asked(method: str, target: str) -> str:
    return f"{method} {plain(unquote(target.partition('?')[0]))}"


def is_page(body: bytes) -> bool:
    """Is it an HTML page? The content type does not tell: PHP calls everything text/html, its warnings
    before good JSON begin with ``<br />``."""
    return _PAGE.match(body[:4096]) is not None


def parse(text: str) -> Json:
    """JSON without NaN, Infinity or numbers that overflow to it, at most DEPTH deep. Raises BadJson."""
    try:
        data: Json = DECODER.decode(text)
    except BadJson:
        raise
    except RecursionError:
        raise BadJson(f"the JSON is nested deeper than {DEPTH}") from None
    except ValueError as error:
        raise BadJson(_why(error)) from None
    check_depth(data, text.count("[") + text.count("{"))
    return data


def parse_noisy(text: str) -> Json:
    """The JSON at the end of a text that may begin with warnings."""
    try:
        return parse(text)
    except BadJson as error:
        first = error
    # PHP ends each warning with "<br />" and a line break; brackets within one ("Undefined index [0]") are
    # no start, because what follows them does not parse to the end.
    for start in islice(_JSON_START.finditer(text), 64):
        try:
            return parse(text[start.end() :])
        except BadJson:
            continue
    raise first


def check_depth(data: Json, brackets: int, *, depth: int = DEPTH) -> None:
    """Raises BadJson when data is nested deeper than ``depth``; ``brackets`` bounds how deep it can be."""
    if brackets <= depth:
        return
    if isinstance(data, list):
        # Every row that is an object has a bracket of its own; what is left is all that one row can hold.
        brackets -= sum([type(row) is dict for row in data])
        if brackets < depth:
            return
    level: list[list[Json] | dict[str, Json]] = [data] if isinstance(data, (dict, list)) else []
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise BadJson(f"the JSON is nested deeper than {DEPTH}")


def _refuse_constant(name: str) -> None:
    raise BadJson(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in _INFINITIES:
        raise BadJson(f"the number {digits[:30]} is too large")
    return number


# A call for each float is cheap here, where floats are few; a look for large exponents first was not.
DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON (line {error.lineno}, column {error.colno})"
    return "it holds a number with too many digits"


def excerpt(text: str, limit: int = SHOWN) -> str:
    """The beginning of a server's text, on one line, safe to show and without secrets."""
    cleaned = plain(text[: limit * 8])
    return cleaned if len(cleaned) <= limit else cleaned[:limit] + "…"


def plain(text: str) -> str:
    """A server's text on one line, safe to show and without secrets."""
    from orchctl.sanitize import safe, scrub

    return safe(" ".join(scrub(text).split()))
