"""What a configuration may say: a rule for each value, whether it comes from file, variable or option.

Knows no file and no context; ``Wrong`` says what is amiss, and whoever knows the place makes an error of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchctl.errors import UsageFault
from orchctl.yaml_text import Listing, Node, Scalar, Table

OUTPUTS = ("table", "wide", "json", "jsonl", "yaml", "csv", "tsv", "name")
AUTHS = ("basic", "bearer", "token", "client-credentials", "password")

_SECRETS = ("token", "password", "secret", "client_secret", "api_key", "key")
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"\w[\w.-]{0,63}")


class Wrong(Exception):
    """A value that breaks a rule; whoever knows where it stands makes an error of it."""

    def __init__(
        self, why: str, *, node: Node | None = None, key: str | None = None, hint: str | None = None
    ):
        super().__init__(why)
        self.why = why
        self.node = node
        self.key = key
        self.hint = hint


def followed(table: Table, rules: Mapping[str, Rule], base: Path, where: str) -> dict[str, Any]:
    refuse_unknown(table.entries, rules, where)
    values = {}
    for key, (_, node) in table.entries.items():
        try:
            values[field_name(key)] = rules[key](node, base)
        except Wrong as wrong:
            wrong.key = key
            raise
    return values


def refuse_unknown(entries: Mapping[str, tuple[Scalar, Node]], known: Iterable[str], where: str) -> None:
    for key, (node, _) in entries.items():
        if key not in known:
            place = f" in {where}" if where else ""
            if field_name(key) in _SECRETS:
                hint: str | None = "no secret belongs in this file: orchctl auth login keeps it"
            else:
                hint = close_match(key, known) or f"the keys here: {', '.join(known)}"
            raise Wrong(f"unknown key {key!r}{place}", node=node, hint=hint)


def check_name(name: str, node: Node | None = None) -> None:
    if not _NAME.fullmatch(name):
        raise Wrong(
            f"{name!r} cannot be the name of a context",
            node=node,
            hint="letters, digits, _ . and -, not beginning with . or -, at most 64",
        )


def table_of(node: Node | None, what: str = "settings", key: str | None = None) -> Table:
    if isinstance(node, Table):
        return node
    raise Wrong(f"expected {what}, got {_seen(node)}", node=node, key=key)


def origin_of(url: str) -> str:
    """Scheme, host and port of a normalised URL; of an embedded orchestrator's the whole."""
    if url.startswith("sandbox:"):
        return url
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_password(url: str) -> str:
    return re.sub(r"//([^@/]*:)[^@/]*@", r"//\1***@", url)


def is_loopback(url: str) -> bool:
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")


def close_match(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(word.replace("_", "-"), list(known), n=1)
    return f"did you mean {found[0]}?" if found else None


def field_name(key: str) -> str:
    return key.replace("-", "_")


def text_of(node: Node, base: Path) -> str:
    if not isinstance(node, Scalar) or (node.plain and node.text in ("", "~", "null")):
        raise Wrong(f"expected text, got {_seen(node)}", node=node)
    if not node.text.strip() or not node.text.isprintable():
        raise Wrong("expected text of printable characters", node=node)
    return node.text


def flag(node: Node, base: Path) -> bool:
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
        return node.text == "true"
    raise Wrong(f"expected true or false, got {_seen(node)}", node=node)


def _one_of(*words: str) -> Callable[[Node, Path], str]:
    def rule(node: Node, base: Path) -> str:
        if isinstance(node, Scalar) and node.text in words:
            return node.text
        raise Wrong(
            f"expected one of {', '.join(words)}, got {_seen(node)}",
            node=node,
            hint=close_match(node.text, words) if isinstance(node, Scalar) else None,
        )

    return rule


def _count(node: Node, base: Path) -> int:
    if isinstance(node, Scalar) and re.fullmatch(r"[1-9]\d{0,2}", node.text, re.ASCII):
        return int(node.text)
    raise Wrong(f"expected a whole number from 1 to 999, got {_seen(node)}", node=node)


def _seconds(node: Node, base: Path) -> float:
    from orchctl.times import DURATION_FORMS, LONGEST_DAYS, parse_duration

    try:
        seconds = parse_duration(node.text if isinstance(node, Scalar) else "").total_seconds()
    except UsageFault:
        seconds = 0.0
    if seconds > LONGEST_DAYS * 86_400:
        raise Wrong(f"expected a duration of {LONGEST_DAYS} days at most, got {_seen(node)}", node=node)
    if seconds <= 0:
        raise Wrong(f"expected a duration above 0 ({DURATION_FORMS}), got {_seen(node)}", node=node)
    return seconds


def _place(node: Node, base: Path) -> str:
    return _absolute(text_of(node, base), base, node)


def _command(node: Node, base: Path) -> tuple[str, ...]:
    if isinstance(node, Listing):
        words = tuple(text_of(item, base) for item in node.items)
    else:
        import shlex

        try:
            words = tuple(shlex.split(text_of(node, base)))
        except ValueError:
            raise Wrong("a quote in this command is not closed", node=node) from None
    if not words:
        raise Wrong("expected a program and its arguments, got nothing", node=node)
    return words


def _zone(node: Node, base: Path) -> str:
    """Only the form: whether a machine knows the zone is asked when the context is used."""
    name = text_of(node, base)
    if not re.fullmatch(r"[A-Za-z][\w+-]*(/[\w+-]+)*", name, re.ASCII):
        raise Wrong(f"expected the name of a time zone such as Europe/Moscow, got {name!r}", node=node)
    return name


def _url(node: Node, base: Path) -> str:
    text = text_of(node, base)
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() == "sandbox":
        if rest.startswith("//"):
            raise Wrong("expected sandbox: or sandbox:PATH", node=node)
        return f"sandbox:{_absolute(rest, base, node)}" if rest else "sandbox:"
    return _web_url(text, node, "https://, http:// or sandbox:")


def _identity_url(node: Node, base: Path) -> str:
    return _web_url(text_of(node, base), node, "https:// or http://")


def _proxy(node: Node, base: Path) -> str:
    from urllib.parse import urlsplit

    text = text_of(node, base)
    login, at, _ = text.partition("://")[2].rpartition("@")
    plain = _web_url(text.replace(login + at, "", 1) if at else text, node, "http:// or https://")
    if urlsplit(plain).path:
        raise Wrong("a proxy is a scheme, a host and a port; there is a path after them", node=node)
    return plain.replace("://", f"://{login}@", 1) if at else plain


def _web_url(text: str, node: Node, schemes: str) -> str:
    """One spelling for each address, so that equal ones are seen to be equal."""
    from urllib.parse import quote, urlsplit

    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError:  # a UnicodeError is one
        raise Wrong("this is not a URL", node=node) from None
    if "@" in text:
        raise Wrong(
            "a URL must not hold a user or a password", node=node, hint="orchctl auth login keeps the secret"
        )
    if parts.scheme not in _PORTS or "://" not in text:
        hint = None if "://" in text else f"https://{text}"
        raise Wrong(f"expected a URL that begins with {schemes}", node=node, hint=hint)
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host) or port == 0 or re.search(r"[\s\\]", text):
        raise Wrong("this is not a URL", node=node)
    if "?" in text or "#" in text:
        raise Wrong("expected a URL without ? and #: orchctl adds the path of each call to it", node=node)
    host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None or port == _PORTS[parts.scheme] else f":{port}"
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    return f"{parts.scheme}://{host}{shown_port}{path}"


def _seen(node: Node | None) -> str:
    match node:
        case Scalar():
            return "nothing" if is_nothing(node) else repr(node.text)
        case Listing():
            return "a list"
        case Table():
            return "a mapping"
        case None:
            return "nothing"


def _absolute(text: str, base: Path, node: Node) -> str:
    try:
        return os.path.normpath(base.absolute() / Path(text).expanduser())
    except RuntimeError:  # ~ where nobody knows the home directory
        raise Wrong("the home directory that ~ stands for is not known", node=node) from None


Rule = Callable[[Node, Path], Any]
CONTEXT_RULES: Mapping[str, Rule] = {
    "dialect": text_of,
    "url": _url,
    "auth": _one_of(*AUTHS),
    "client-id": text_of,
    "username": text_of,
    "tenant": text_of,
    "scope": text_of,
    "identity-url": _identity_url,
    "folder": text_of,
    "ca-bundle": _place,
    "client-cert": _place,
    "client-key": _place,
    "proxy": _proxy,
    "insecure": flag,
    "allow-http": flag,
    "cancel-path": text_of,
    "protected": flag,
    "token-command": _command,
    "time-zone": _zone,
    "job-update-method": _one_of("auto", "put", "post"),
    "wire": _one_of("auto", "form", "json"),
}
DEFAULTS_RULES: Mapping[str, Rule] = {
    "output": _one_of(*OUTPUTS),
    "parallel": _count,
    "request-timeout": _seconds,
    "retry-timeout": _seconds,
}
PLACES = ("url", "ca-bundle", "client-cert", "client-key")
_TOP = ("current-context", "defaults", "contexts")
