"""``orchctl api``: one call as the user writes it, with the context's credential and to its server only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin

from orchctl.errors import Unintelligible, UsageFault
from orchctl.transport import Call, Effect

if TYPE_CHECKING:
    from orchctl.dialects.base import Dialect
    from orchctl.model import Json
    from orchctl.transport import Reply

_READS = ("GET", "HEAD")
_METHODS = (*_READS, "POST", "PUT", "PATCH", "DELETE")
_OWN_HEADERS = ("authorization", "host", "content-length", "transfer-encoding", "connection")
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``fields`` go into the query of a GET, HEAD or DELETE and into the body of the others."""

    method: str
    path: str
    fields: Mapping[str, Json]
    headers: Mapping[str, str]
    body: bytes | None = None


def header(text: str) -> tuple[str, str]:
    """``Name: value``."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageFault(f"{text!r} is not of the form NAME: VALUE")
    if name.strip().lower() in _OWN_HEADERS:
        raise UsageFault(
            f"the header {name.strip()} is orchctl's own",
            hint="the credential is that of the context: orchctl auth",
        )
    return name.strip(), value.strip()


def method(text: str) -> str:
    if text.upper() not in _METHODS:
        raise UsageFault(f"{text!r} is no HTTP method", hint=f"one of: {', '.join(_METHODS)}")
    return text.upper()


def path(text: str) -> str:
    """:raises UsageFault: it could lead to another server."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\\", text):
        raise UsageFault(
            f"{text!r} is no path",
            hint="give the path after the context's URL, such as /api/robot/read",
        )
    return text


def call(dialect: Dialect, request: Request) -> Reply:
    """:raises OrchctlError: by the status, as for any other command."""
    reply = dialect.http.send(_call(dialect, request))
    dialect.check_raw(reply)
    return reply


def pages(dialect: Dialect, request: Request) -> list[Json]:
    """The items of all pages: of JSON arrays, or of the arrays that OData puts under "value".

    :raises Unintelligible: a page is no list, or the same page comes twice.
    """
    if request.method not in _READS:
        raise UsageFault("--paginate is for reads", hint="use it with GET")
    return list(_items(dialect, request))


def _items(dialect: Dialect, request: Request) -> Iterator[Json]:
    seen: set[str] = set()
    count = 0
    wanted = _call(dialect, request)
    while True:
        reply = dialect.http.send(wanted)
        data = reply.data(noise=True, empty=True)
        rows = data.get("value") if isinstance(data, dict) else data
        if not isinstance(rows, list):
            raise Unintelligible(
                f"the answer to {reply.asked} is no list, so it has no pages", hint="leave --paginate out"
            )
        yield from rows
        count += len(rows)
        following = _next_path(dialect, wanted, reply, data, count if rows else None)
        if following is None:
            return
        if following in seen:
            raise Unintelligible("the server sent the same link to the next page twice")
        seen.add(following)
        wanted = Call(
            method=wanted.method, path=following, effect=Effect.READ, headers=wanted.headers, raw=True
        )


def _next_path(dialect: Dialect, asked: Call, reply: Reply, data: Any, count: int | None) -> str | None:
    """Where the next page is: a Link header, OData's link, or, by its count of all rows, the rows after these."""
    link = None
    if found := _NEXT.search(reply.headers.get("link", "")):
        link = found.group(1)
    elif isinstance(data, dict):
        link = data.get("@odata.nextLink") or data.get("nextLink")
    if isinstance(link, str) and link:
        base = dialect.context.url.rstrip("/")
        whole = urljoin(f"{base}/{asked.path.lstrip('/')}", link)
        if not whole.startswith(f"{base}/"):
            raise Unintelligible(
                f"the next page is on another server: {link}", hint="the list is not complete"
            )
        return whole.removeprefix(base)
    total = data.get("@odata.count") if isinstance(data, dict) else None
    if count is None or not isinstance(total, int) or total <= count:
        return None
    target, _, query = asked.path.partition("?")
    rest = {**dict(parse_qsl(query)), **(asked.query or {}), "$skip": str(count)}
    return f"{target}?{urlencode(rest, safe='$')}"


def _call(dialect: Dialect, request: Request) -> Call:
    if dialect.secret_in_body:
        request = _signed(dialect, request)
    headers = {**dialect.raw_headers(), **request.headers}
    reads = request.method in _READS
    effect = Effect.READ if reads else Effect.ONCE
    typed = any(name.lower() == "content-type" for name in headers)
    if request.body is not None and not typed:
        headers["Content-Type"] = _content_type(request.body)
    in_query = reads or request.method == "DELETE" or request.body is not None
    plain = {
        "method": request.method,
        "path": request.path,
        "effect": effect,
        "headers": headers,
        "raw": True,
    }
    if in_query or not request.fields:
        query = {key: _text(value) for key, value in request.fields.items()} or None
        return Call(**plain, query=query, content=request.body)  # type: ignore[arg-type]  # as just written
    if dialect.raw_form:
        form = {key: _text(value) for key, value in request.fields.items()}
        return Call(**plain, form=form)  # type: ignore[arg-type]  # as just written
    return Call(**plain, json=dict(request.fields))  # type: ignore[arg-type]  # as just written


def _signed(dialect: Dialect, request: Request) -> Request:
    """With the secret in the body, if that is a JSON object: what is there already stays."""
    import json

    if request.method in _READS or request.method == "DELETE":
        return request
    if request.body is None:
        return replace(request, fields=dialect.signed(request.fields))
    try:
        body = json.loads(request.body)
    except ValueError:
        return request
    if not isinstance(body, dict):
        return request
    return replace(request, body=json.dumps(dialect.signed(body), ensure_ascii=False).encode())


def merged(strings: Sequence[tuple[str, str]], typed: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    from orchctl.payload import merged_pairs

    return merged_pairs(strings, typed)


def _text(value: Json) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _content_type(body: bytes) -> str:
    import json

    try:
        json.loads(body)
    except ValueError:
        return "application/octet-stream"
    return "application/json"
