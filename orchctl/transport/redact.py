"""Requests and answers as text that may be shown: headers by an allow-list, bodies scrubbed and cut."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

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
_HIDDEN_JSON = re.compile(rf'("{_HIDDEN_NAME}"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s",\]}}{{\[]+)', re.I)
_HIDDEN_FORM = re.compile(rf"((?:^|[&?]){_HIDDEN_NAME}=)[^&\s]+", re.I)


def headers(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        name: safe(scrub(value)) if name.lower() in _SHOWN_HEADERS else _MASK
        for name, value in fields.items()
    }


def url(text: str) -> str:
    return safe(scrub(_HIDDEN_FORM.sub(rf"\g<1>{_MASK}", text)))


def body(data: bytes | None, *, limit: int | None = None) -> str:
    """A body as text on as many lines as it has. Cut after scrubbing, so that no half secret is left."""
    if not data:
        return ""
    part = data if limit is None else data[: limit * 16]
    text = part.decode("utf-8", "replace")
    if "\0" in text or text.count("\ufffd") > 1:  # one may be a character that the cut went through
        return f"({len(data)} bytes that are not text)"
    text = _HIDDEN_JSON.sub(rf'\g<1>"{_MASK}"', text)
    text = _HIDDEN_FORM.sub(rf"\g<1>{_MASK}", text)
    text = safe(scrub(text), keep_newlines=True)
    if limit is not None and (len(text) > limit or len(part) < len(data)):
        return f"{text[:limit]}… ({len(data)} bytes)"
    return text


class Tracer:
    """What goes over the wire, line by line, as --debug shows it."""

    def __init__(self, trace: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._trace = trace
        self._clock = clock
        self._started = threading.local()

    def request(self, request: Outgoing) -> None:
        self._started.at = self._clock()
        self._trace(f"> {request.method} {url(request.url)}")
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
        for line in body(data, limit=SHOWN_BODY).splitlines():
            self._trace(f"{mark} {line}")


def planned(call: Call, request: Outgoing, *, credential: Iterable[str], in_process: bool) -> PlannedRequest:
    """The write that a dry run does not send."""
    if in_process:
        shell = replace(
            request, url=SERVED + request.target, headers={**request.headers, "Authorization": _MASK}
        )
    else:
        request = shell = replace(request, headers={**request.headers, **dict.fromkeys(credential, _MASK)})
    plan = Plan(
        method=request.method,
        url=url(request.url),
        headers=dict(headers(request.headers)),
        body=body(request.body) or None,
        curl=_curl(call, shell),
    )
    return PlannedRequest(plan, http=_http(request))


def _http(request: Outgoing) -> str:
    lines = [f"{request.method} {url(request.url)}"]
    lines += [f"{name}: {value}" for name, value in headers(request.headers).items()]
    if request.body:
        lines += ["", body(request.body)]
    return "\n".join(lines)


def _curl(call: Call, request: Outgoing) -> str:
    """The request for a POSIX shell. What is masked has to be filled in by hand."""
    words = ["curl", "-X", request.method]
    if re.search(r"[\[\]{}]", request.url):
        words.append("--globoff")  # curl takes them for patterns
    words.append(url(request.url))
    multipart = call.multipart
    for name, value in headers(request.headers).items():
        if name not in _MADE_BY_CURL and not (multipart and name == "Content-Type"):
            words += ["-H", f"{name}: {value}"]
    if multipart is not None:
        for name, value in multipart.fields.items():
            words += ["--form-string", f"{name}={body(value.encode())}"]
        for upload in multipart.files:
            words += ["-F", f"{upload.name}=@{upload.filename};type={upload.content_type}"]
    elif request.body:
        words += ["--data-raw", body(request.body)]
    return shlex.join(words)
