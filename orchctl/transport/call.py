"""What a dialect asks the transport to send. Knows nothing of sockets, sessions or retries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus, urlencode

from orchctl.errors import UsageFault

if TYPE_CHECKING:
    from orchctl.model import Json


class Effect(Enum):
    """What sending a call twice would do. A dialect that does not say has said ONCE."""

    READ = auto()
    """Changes nothing, whatever its method: these APIs read with POST too."""
    IDEMPOTENT = auto()
    """A write that may be sent again: twice is the same as once."""
    ONCE = auto()
    """A write that must not happen twice."""


class _Absent(Enum):
    ABSENT = auto()


ABSENT: Final = _Absent.ABSENT
"""No JSON body; ``None`` is the body ``null``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file of a multipart body. A stream is read once, when the call is sent, and held in memory."""

    name: str
    filename: str
    content: bytes | BinaryIO
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    fields: Mapping[str, str]
    files: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as the dialect means it.

    ``path`` is joined to the base URL and sent as it stands: build its segments with ``quote``. At most one
    of ``form``, ``json``, ``multipart`` and ``content``, which are bytes of the type that ``headers`` name. A status in ``accept`` comes back as a Reply instead of being
    raised. ``not_executed_503``: a 503 that carries Retry-After says that nothing was done. ``raw``: the
    answer is a file or whatever the user asked for, so that an HTML page is no sign of a wrong address.
    ``meter``: the server allows only so many calls of this name a minute.
    """

    method: str
    path: str
    effect: Effect = Effect.ONCE
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    json: Json | _Absent = ABSENT
    multipart: Multipart | None = None
    content: bytes | None = None
    accept: frozenset[int] = frozenset()
    not_executed_503: bool = True
    raw: bool = False
    meter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A write that was not sent; all redacted."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    curl: str


class PlannedRequest(Exception):
    """A dry run: the write that was not sent, in parts and as HTTP."""

    def __init__(self, plan: Plan, *, http: str) -> None:
        super().__init__(http.partition("\n")[0])
        self.plan = plan
        self.http = http


def quote(segment: str) -> str:
    """Percent-encode one path segment, so that a name with ``/``, ``?`` or ``..`` stays one segment."""
    if not segment:
        # DELETE /api/x/delete/ and GET /api/x/read/ mean something else than one object without a name.
        raise UsageFault("an ID or name is empty", hint="give the ID or the name of one object")
    try:
        encoded = percent_encode(segment, safe="")
    except UnicodeEncodeError as error:
        raise UsageFault(
            "an ID or name is not valid text", hint="type it in UTF-8, without broken characters"
        ) from error
    return encoded.replace(".", "%2E") if encoded in {".", ".."} else encoded


def encode_body(call: Call) -> tuple[bytes | None, str | None]:
    """The body and its content type; built once a call, so that every attempt sends the same bytes."""
    if call.json is not ABSENT:
        return encode_json(call.json), "application/json"
    if call.form is not None:
        pairs = [f"{_form_key(key)}={quote_plus(value)}" for key, value in call.form.items()]
        return "&".join(pairs).encode("ascii"), "application/x-www-form-urlencoded"
    if call.multipart is not None:
        return _encode_multipart(call.multipart)
    return call.content, None


_form_key = lru_cache(maxsize=256)(quote_plus)


def encode_json(value: Json) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate can only travel as an escape
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _encode_multipart(parts: Multipart) -> tuple[bytes, str]:
    from urllib3.filepost import encode_multipart_formdata

    files = [
        (upload.name, (upload.filename, _content(upload.content), upload.content_type))
        for upload in parts.files
    ]
    return encode_multipart_formdata([*parts.fields.items(), *files])


def _content(source: bytes | BinaryIO) -> bytes:
    return source if isinstance(source, bytes) else source.read()


def target(base_url: str, call: Call) -> str:
    """The whole URL of a call."""
    url = f"{base_url.rstrip('/')}/{call.path.lstrip('/')}"
    if call.query:
        url += ("&" if "?" in url else "?") + urlencode(call.query, quote_via=percent_encode)
    return url
