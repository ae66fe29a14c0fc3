"""Where a transport may go: its own origin, and what a redirect may make of that."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, unquote, urljoin, urlsplit

from orchctl.errors import LocalFault
from orchctl.transport.wire import Origin, Outgoing

NOT_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_TO_ENCODE = re.compile(r"#.*|%(?![0-9A-Fa-f]{2})|[^!$%&'()*+,./:;=?@A-Z_a-z~0-9-]", re.DOTALL)
PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> Origin:
    """Raises ValueError."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not parts.hostname:
        raise ValueError(url)
    return scheme, parts.hostname, parts.port or PORTS[scheme]


def checked_origin(url: str) -> Origin:
    try:
        origin = origin_of(url)
    except ValueError:
        raise LocalFault(
            f"{url!r} is no URL of a server", hint="it must look like https://host or http://host:port"
        ) from None
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment or NOT_IN_URL.search(url):
        raise LocalFault(
            "the context's URL must be scheme, host, port and path only",
            hint="no user or password in it, no ? and no #; log in with: orchctl auth login",
        )
    return origin


def encoded(target: str) -> str:
    """Path and query as they may go out: what no URL may hold percent-encoded, a fragment left out.

    :raises UnicodeEncodeError: a lone surrogate.
    """
    return _TO_ENCODE.sub(lambda found: "" if found[0][0] == "#" else quote(found[0]), target)


def check_proxy(url: str | None) -> None:
    if url is None:
        return
    try:
        origin_of(url)
    except ValueError:
        raise LocalFault(
            "the context's proxy is no URL of a proxy", hint="it must look like http://host:port"
        ) from None
    password = urlsplit(url).password
    if password:
        from orchctl.sanitize import register_secret

        register_secret(password)
        register_secret(unquote(password))


def redirected_to(outgoing: Outgoing, location: str, status: int) -> Outgoing:
    """The request that a redirect of a read asks for. Raises ValueError with the reason not to make it."""
    if not location or status not in {301, 302, 303, 307, 308}:
        raise ValueError("which leads nowhere")
    try:
        url = urljoin(outgoing.url, location).partition("#")[0]
        same = origin_of(url) == origin_of(outgoing.url)
        parts = urlsplit(url)
    except ValueError:
        same = False
    if not same or "@" in parts.netloc or NOT_IN_URL.search(url):
        raise ValueError("which is another server")
    if outgoing.method not in {"GET", "HEAD"} and status not in {307, 308}:
        raise ValueError(f"where {outgoing.method} would become GET")
    root = outgoing.url[: -len(outgoing.target)]
    target = encoded((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return replace(outgoing, url=root + target, target=target)
