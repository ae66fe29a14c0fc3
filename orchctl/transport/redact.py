"""Requests and answers as text that may be shown: headers by an allow-list, bodies scrubbed and cut."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from orchctl.sanitize import safe, scrub
from orchctl.transport.call import Call, Plan, PlannedRequest
from orchctl.transport.wire import Broken, Outgoing

SHOWN_BODY = 2000
SERVED = "http://127.0.0.1:4500"
"""Where ``orchctl sandbox serve`` is by default: curl cannot reach the embedded orchestrator in process."""

_MADE_BY_CURL = frozenset({"Accept-Encoding", "Content-Length", "User-Agent"})
_MASK = "***"

_SHOWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "allow", "cache-control", "connection", "content-encoding"),
        *(
            "content-length",
            "content-type",
            "date",
            "retry-after",
            "server",
            "transfer-encoding",
            "user-agent",
        ),
        *("x-request-id", "request-id", "x-correlation-id"),
        *("x-uipath-organizationunitid", "x-uipath-folderkey", "x-uipath-folderpath"),
        "x-uipath-folderpath-encoded",
    }
)
# Credentials that no registry knows yet: those that a server hands out, or another object's password.
_HIDDEN_NAME = r"[\w-]*(?:(?:access|refresh|id)_?token|passw(?:or)?d|passphrase|secret|api[_-]?key)[\w-]*"
_JSON_VALUE = r'(?:"(?:[^"\\]|\\.)*"?|[^\s",\]}{\[]+)'
_HIDDEN_JSON = re.compile(rf'("{_HIDDEN_NAME}"\s*:\s*){_JSON_VALUE}', re.I)
_HIDDEN_FORM = re.compile(rf"((?:^|[&?]){_HIDDEN_NAME}=)[^&\s]+", re.I)


@lru_cache(maxsize=4)
def _secret_fields(names: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """Those that a vendor has beside these, as a field of JSON and in a URL, which may stand in a text."""
    if not names:
        return ()
    either = "|".join(map(re.escape, sorted(names)))
    return (
        re.compile(rf'("(?:{either})"\s*:\s*){_JSON_VALUE}', re.I),
        re.compile(rf"([&?](?:{either})=)[^&\s\"\\]+", re.I),
    )


def headers(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        name: safe(scrub(value)) if name.lower() in _SHOWN_HEADERS else _MASK
        for name, value in fields.items()
    }


def url(text: str, *, hidden: frozenset[str]) -> str:
    path, mark, query = text.partition("?")
    if "%22" in query:
        query = "&".join(_without_json(part, hidden) for part in query.split("&"))
    return safe(scrub(_without_fields(path + mark + query, hidden)))


def _without_json(part: str, hidden: frozenset[str]) -> str:
    """One field of a query; its value may be JSON with more fields in it."""
    name, equals, value = part.partition("=")
    plain = unquote_plus(value)
    masked = _without_fields(plain, hidden)
    return part if masked == plain else f"{name}{equals}{quote(masked, safe='*')}"


def body(data: bytes | None, *, hidden: frozenset[str], limit: int | None = None) -> str:
    """A body as text on as many lines as it has. Cut after scrubbing, so that no half secret is left.

    ``hidden``: the fields that hold a vendor's credentials, beside those that hold anybody's.
    """
    if not data:
        return ""
    part = data if limit is None else data[: limit * 16]
    text = part.decode("utf-8", "replace")
    if "\0" in text or text.count("\ufffd") > 1:  # one may be a character that the cut went through
        return f"({len(data)} bytes that are not text)"
    text = safe(scrub(_without_fields(text, hidden)), keep_newlines=True)
    if limit is not None and (len(text) > limit or len(part) < len(data)):
        return f"{text[:limit]}… ({len(data)} bytes)"
    return text


def _without_fields(text: str, hidden: frozenset[str]) -> str:
    in_json, in_url = rf'\g<1>"{_MASK}"', rf"\g<1>{_MASK}"
    for pattern, mask in zip(_secret_fields(hidden), (in_json, in_url), strict=False):
        text = pattern.sub(mask, text)
    return _HIDDEN_FORM.sub(in_url, _HIDDEN_JSON.sub(in_json, text))


class Tracer:
    """What goes over the wire, line by line, as --debug shows it."""

    def __init__(
        self, trace: Callable[[str], None], clock: Callable[[], float], *, hidden: frozenset[str]
    ) -> None:
        self._trace = trace
        self._clock = clock
        self._hidden = hidden
        self._started = threading.local()

    def request(self, request: Outgoing) -> None:
        self._started.at = self._clock()
        self._trace(f"> {request.method} {url(request.url, hidden=self._hidden)}")
        self._headers(">", request.headers)
        self._text(">", request.body)

    def head(self, status: int, fields: Mapping[str, str]) -> None:
        elapsed = (self._clock() - self._started.at) * 1000
        self._trace(f"< {status} ({elapsed:.0f} ms)")
        self._headers("<", fields)

    def body(self, data: bytes) -> None:
        self._text("<", data)

    def broke(self, cause: Broken) -> None:
        sent = "the request may have arrived" if cause.sent else "nothing was sent"
        self._trace(safe(scrub(f"! {cause.why} ({sent})")))

    def pause(self, seconds: float) -> None:
        self._trace(f"! next attempt in {seconds:.1f} s")

    def _headers(self, mark: str, fields: Mapping[str, str]) -> None:
        for name, value in headers(fields).items():
            self._trace(f"{mark} {safe(name)}: {value}")

    def _text(self, mark: str, data: bytes | None) -> None:
        for line in body(data, hidden=self._hidden, limit=SHOWN_BODY).splitlines():
            self._trace(f"{mark} {line}")


def planned(
    call: Call, request: Outgoing, *, credential: Iterable[str], in_process: bool, hidden: frozenset[str]
) -> PlannedRequest:
    """The write that a dry run does not send."""
    if in_process:
        shell = replace(
            request, url=SERVED + request.target, headers={**request.headers, "Authorization": _MASK}
        )
    else:
        request = shell = replace(request, headers={**request.headers, **dict.fromkeys(credential, _MASK)})
    plan = Plan(
        method=request.method,
        url=url(request.url, hidden=hidden),
        headers=dict(headers(request.headers)),
        body=body(request.body, hidden=hidden) or None,
        curl=_curl(call, shell, hidden),
    )
    return PlannedRequest(plan, http=_http(request, hidden))


def _http(request: Outgoing, hidden: frozenset[str]) -> str:
    lines = [f"{request.method} {url(request.url, hidden=hidden)}"]
    lines += [f"{name}: {value}" for name, value in headers(request.headers).items()]
    if request.body:
        lines += ["", body(request.body, hidden=hidden)]
    return "\n".join(lines)


def _curl(call: Call, request: Outgoing, hidden: frozenset[str]) -> str:
    """The request for a POSIX shell. What is masked has to be filled in by hand."""
    words = ["curl", "-X", request.method]
    words.append(url(request.url, hidden=hidden))
    multipart = call.multipart
    for name, value in headers(request.headers).items():
        if name not in _MADE_BY_CURL and not (multipart and name == "Content-Type"):
            words += ["-H", f"{name}: {value}"]
    if multipart is not None:
        for name, value in multipart.fields.items():
            words += ["--form-string", f"{name}={body(value.encode(), hidden=hidden)}"]
        for upload in multipart.files:
            words += ["-F", f"{upload.name}=@{upload.filename};type={upload.content_type}"]
    elif request.body:
        words += ["--data-raw", body(request.body, hidden=hidden)]
    return shlex.join(words)
