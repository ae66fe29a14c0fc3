"""Request bodies as clients really send them: forms, JSON, multipart; any spelling of a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias
from urllib.parse import unquote

from orchctl.model import Json
from orchctl.sandbox.http import Request
from orchctl.sandbox.wire import Refusal

_MOST_FIELDS = 1000
_DEEPEST = 100


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: json.loads makes one at each call that has an option.
_DECODER = json.JSONDecoder(parse_constant=_no_constant)


@dataclass(frozen=True, slots=True)
class File:
    """A part of a multipart body that came with a file name."""

    filename: str
    content: bytes


Value: TypeAlias = "Json | File"


class TooDeep(ValueError):
    """JSON that is nested beyond any use."""


@lru_cache(maxsize=1024)
def plain(key: str) -> str:
    """``QueueGuid``, ``queue_guid`` and ``QUEUE GUID`` are one key."""
    return key.replace("_", "").replace(" ", "").lower()


def fields_of(request: Request) -> dict[str, Value]:
    """The fields of the query and of the body, which wins, under their plain keys."""
    fields: dict[str, Value] = {}
    if request.query:
        fields.update(_form(request.query))
    if request.body:
        fields.update(_body_fields(request))
    return fields


def decode_json(text: str | bytes) -> Json:
    """JSON as the standard has it.

    :raises ValueError: it is not: NaN, not UTF-8. TooDeep: over 100 levels.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        value: Json = _DECODER.decode(text)
    except RecursionError:
        raise TooDeep(f"it is nested deeper than {_DEEPEST} levels") from None
    if text.count("[") + text.count("{") > _DEEPEST:
        _check_depth(value)
    return value


def _body_fields(request: Request) -> Mapping[str, Value]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = request.body.lstrip()[:1]
    if kind.endswith(("/json", "+json")) or (kind in ("", "text/plain") and start in (b"{", b"[")):
        return _json_fields(request.body)
    if kind == "multipart/form-data":
        return _multipart(request)
    if kind in ("", "text/plain", "application/x-www-form-urlencoded"):
        if start in (b"{", b"["):
            raise Refusal(400, "the body is JSON, but its Content-Type says form; send application/json")
        try:
            return _form(request.body.decode("utf-8"))
        except UnicodeDecodeError:
            raise Refusal(400, "the form in the body is not UTF-8") from None
    raise Refusal(415, f"the Content-Type {kind!r} is none of JSON, form and multipart form")


def _json_fields(body: bytes) -> dict[str, Json]:
    try:
        value = decode_json(body)
    except ValueError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    if value == [] or value is None:  # PHP's empty object
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, "the body must be a JSON object")
    return {plain(key): item for key, item in value.items()}


def _form(text: str) -> dict[str, Json]:
    """What urllib.parse.parse_qsl gives, at a third of its time: this is in the way of every create."""
    if text.count("&") >= _MOST_FIELDS:
        raise Refusal(400, f"the form has more than {_MOST_FIELDS} fields")
    fields: dict[str, Json] = {}
    try:
        for pair in text.split("&"):
            if pair:
                key, _, value = pair.partition("=")
                fields[plain(_decoded(key))] = _decoded(value)
    except UnicodeDecodeError:
        raise Refusal(400, "a form field is not UTF-8") from None
    return fields


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text


def _multipart(request: Request) -> dict[str, Value]:
    """The parts, each as text, or as it came where it has a file name (RFC 7578)."""
    from email.message import Message

    kind = Message()
    kind["content-type"] = request.headers["content-type"]
    boundary = kind.get_boundary()
    if not boundary:
        raise Refusal(400, "the multipart body has no parts, for its Content-Type has no boundary")
    # The first delimiter may stand at the very beginning; what is before it and after the last says nothing.
    parts = (b"\r\n" + request.body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise Refusal(400, "the multipart body has no parts, or no end; is its boundary right?")
    if len(parts) > _MOST_FIELDS:
        raise Refusal(400, f"the multipart body has more than {_MOST_FIELDS} parts")
    return dict(map(_part, parts[1:-1]))


def _part(part: bytes) -> tuple[str, Value]:
    from email.parser import HeaderParser
    from email.utils import collapse_rfc2231_value

    # Blanks may follow the delimiter on its line.
    head, gap, content = part.partition(b"\r\n")[2].partition(b"\r\n\r\n")
    # Clients write UTF-8 straight into these headers.
    header = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    name = header.get_param("name", header="content-disposition")
    if not gap or name is None:
        raise Refusal(400, "a part of the multipart body has no name")
    text = collapse_rfc2231_value(name)
    key = plain(text)
    filename = header.get_filename()
    if filename is not None:
        return key, File(filename, content)
    try:
        return key, content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(400, f"the field {text!r} of the multipart body is not UTF-8") from None


def _check_depth(value: Json) -> None:
    level: list[Json] = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise TooDeep(f"it is nested deeper than {_DEEPEST} levels")
