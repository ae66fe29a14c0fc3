"""``orchctl doctor``: looks at everything that a command needs, from Python to the server's answer.

It changes nothing, anywhere, and shows no secret. What it finds, it says how to put right.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from orchctl import __version__
from orchctl.errors import LocalFault, NetworkFault, NotAuthenticated, OrchctlError
from orchctl.render.columns import register

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.config import Config, Context
    from orchctl.transport.probe import Handshake

_OLDEST_PYTHON = (3, 11)
_PORTS = {"http": 80, "https": 443}
_SOON = timedelta(days=21)
_SKEW, _BAD_SKEW = 5, 120  # seconds; tokens are refused for a skew of minutes
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_FIRST_READS = ("list_folders", "list_robots", "list_processes", "list_queues")


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; ``fix`` says what to do about it."""

    name: str
    status: Verdict
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    rows_in_tables: ClassVar[tuple[str, type]] = ("checks", Check)

    ok: bool
    checks: tuple[Check, ...]

    def advice(self) -> list[str]:
        """What is wrong and how to put it right, whole, where a table would cut it."""
        return [
            f"{check.name}: {check.message}; {check.fix}"
            for check in self.checks
            if check.status is not Verdict.OK and check.fix
        ]


register(
    Check, table=("name", "status", "message"), wide=("name", "status", "message", "fix"), plural="checks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined. The parts are asked for one by one, since making any of them may fail."""

    env: Mapping[str, str]
    config: Callable[[], Config]
    context: Callable[[], Context]
    client: Callable[[], Client]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def examine(patient: Patient) -> tuple[Diagnosis, OrchctlError | None]:
    """All checks in the order in which a command depends on them, and the error to end with if one failed."""
    checks = tuple(_examine(patient))
    failed = [check.name for check in checks if check.status is Verdict.FAIL]
    error = (
        OrchctlError(f"failed: {', '.join(failed)}", hint="each failed check says its fix")
        if failed
        else None
    )
    return Diagnosis(ok=not failed, checks=checks), error


def _examine(patient: Patient) -> Iterator[Check]:
    yield _python()
    yield _versions()
    config = yield from _config(patient)
    yield _keyring(patient.env)
    if config is None:
        return
    context = yield from _context(patient)
    if context is None:
        return
    if context.embedded:
        yield _sandbox(context.url)
        return
    yield _credential(context, patient.env)
    if (yield from _way(context, patient)):
        yield from _answers(patient, context)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    message = f"{sys.implementation.name} {version} on {sys.platform}, {sys.executable}"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return _fail(
            "python", message, "install orchctl with Python 3.11 or newer: pipx install --python ..."
        )
    return _ok("python", message)


def _versions() -> Check:
    found, missing = [f"orchctl {__version__}"], []
    # "requests<3,>=2.32", and of the extras "ruff>=0.9; extra == 'test'"
    needs = [need for need in metadata.requires("orchctl") or () if "extra ==" not in need]
    for name in (re.split(r"[^\w.-]", need, maxsplit=1)[0] for need in needs):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return _fail("versions", f"not installed: {', '.join(missing)}", "pipx reinstall orchctl")
    return _ok("versions", ", ".join(found))


def _config(patient: Patient) -> Generator[Check, None, Config | None]:
    try:
        config = patient.config()
    except OrchctlError as error:
        yield _failed("config", error)
        return None
    if not config.exists:
        yield _ok("config", f"{config.path} does not exist, which is like an empty one")
    elif config.exposed:
        yield _warn("config", f"others on this machine may read {config.path}", f"chmod 600 {config.path}")
    else:
        count = len(config.contexts)
        yield _ok("config", f"{config.path}, {count} context{'' if count == 1 else 's'}")
    return config


def _keyring(env: Mapping[str, str]) -> Check:
    from orchctl.credentials import keyring_store

    ways = "ORCHCTL_TOKEN, token-command, or orchctl auth login --insecure-storage do without"
    try:
        return _ok("credential store", keyring_store.probe(env))
    except keyring_store.KeyringFault as fault:
        return _warn("credential store", str(fault), ways)


def _context(patient: Patient) -> Generator[Check, None, Context | None]:
    try:
        context = patient.context()
    except OrchctlError as error:
        yield _failed("context", error)
        return None
    message = f"{context.name}: {context.dialect} at {context.url}"
    if context.insecure:
        yield _warn(
            "context",
            f"{message}, whose certificate is not verified",
            "take insecure out of the context, and set ca-bundle if the certificate is your own authority's",
        )
    elif urlsplit(context.url).scheme == "http" and not context.loopback:
        yield _warn("context", f"{message}, to which the credential goes unencrypted", "use https")
    else:
        yield _ok("context", message)
    return context


def _sandbox(url: str) -> Check:
    from orchctl.sandbox import admin

    path = Path(url.removeprefix("sandbox:") or admin.default_database())
    if not path.exists():
        return _ok("sandbox", f"{path} is made at first use")
    with path.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return _fail("sandbox", f"{path} is no database", "move it away; a new one is made at first use")
    return _ok("sandbox", str(path))


def _credential(context: Context, env: Mapping[str, str]) -> Check:
    from orchctl import credentials

    found = credentials.status(context, env, remember=False)
    if not found.present:
        missing = credentials.missing(context, found.problem)
        return _failed("credential", missing)
    message = f"{found.kind} from {found.source} ({found.where})"
    if found.problem:
        return _warn("credential", message, found.problem)
    return _ok("credential", message)


def _way(context: Context, patient: Patient) -> Generator[Check, None, bool]:
    """Name, port, certificate, proxy, HTTP and clock; whether the server answered at all."""
    from orchctl.transport import probe

    parts = urlsplit(context.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    yield _proxy(context, patient.env)
    if context.proxy is None:
        step = "dns"
        try:
            yield _ok("dns", f"{host} is {', '.join(probe.look_up(host, port))}")
            step = "tcp"
            sock = probe.connect(host, port)
            with sock:
                yield _ok("tcp", f"{host}:{port} answers")
                if parts.scheme == "https":
                    step = "tls"
                    seen = probe.shake_hands(
                        sock,
                        host,
                        port,
                        ca_bundle=context.ca_bundle,
                        client_cert=context.client_cert,
                        client_key=context.client_key,
                        insecure=context.insecure,
                    )
                    yield _certificate(seen, patient.now())
        except (NetworkFault, LocalFault) as error:
            yield _failed(step, error)
            return False
    return (yield from _http(context, patient))


def _proxy(context: Context, env: Mapping[str, str]) -> Check:
    from orchctl.transport import probe

    if context.proxy is None:
        named = [name for name in _PROXY_VARIABLES if env.get(name)]
        if named and not context.loopback:
            return _warn(
                "proxy",
                f"none in the context, and {named[0]} is not looked at",
                "set proxy in the context if one is needed",
            )
        return _ok("proxy", "none")
    parts = urlsplit(context.proxy)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
    try:
        probe.look_up(host, port, proxy=True)
        probe.connect(host, port).close()
    except NetworkFault as error:
        return _fail("proxy", error.message, "check the context's proxy")
    return _ok("proxy", f"{host}:{port} answers")


def _certificate(seen: Handshake, now: datetime) -> Check:
    if seen.expires is None:
        return _warn(
            "tls", f"{seen.version}, the certificate is not verified", "take insecure out of the context"
        )
    message = f"{seen.version}, certificate of {seen.issuer} until {seen.expires:%Y-%m-%d}"
    if seen.expires - now < _SOON:
        return _warn("tls", message, "have the server's certificate renewed")
    return _ok("tls", message)


def _http(context: Context, patient: Patient) -> Generator[Check, None, bool]:
    """A request without a credential: only that it is answered counts, and at what time."""
    from orchctl.transport import Call, Effect, Transport

    transport = Transport(
        base_url=context.url,
        authorize=lambda _: {},
        notify=lambda _: None,
        request_timeout=15,
        retry_timeout=15,
        attempts=1,
        ca_bundle=context.ca_bundle,
        client_cert=context.client_cert,
        client_key=context.client_key,
        proxy=context.proxy,
        insecure=context.insecure,
    )
    any_status = frozenset(range(300, 600))
    try:
        reply = transport.send(Call(method="GET", path="/", effect=Effect.READ, raw=True, accept=any_status))
    except OrchctlError as error:
        yield _failed("http", error)
        return False
    finally:
        transport.close()
    yield _ok("http", f"{transport.where} answers with status {reply.status}")
    yield _clock(reply.headers.get("date"), patient.now())
    return True


def _clock(said: str | None, now: datetime) -> Check:
    try:
        theirs = parsedate_to_datetime(said or "").astimezone(UTC)
    except (OverflowError, ValueError):
        return _ok("clock", "the server does not say what time it is")
    skew = (now - theirs).total_seconds()
    if abs(skew) <= _SKEW:
        return _ok("clock", "it agrees with the server's")
    message = f"this machine's is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    fix = "set the clock of this machine, or of the server: timedatectl set-ntp true"
    return (_fail if abs(skew) > _BAD_SKEW else _warn)("clock", message, fix)


def _answers(patient: Patient, context: Context) -> Iterator[Check]:
    """A read with the credential, in the dialect that the context names."""
    refused: OrchctlError | None = None
    try:
        dialect = patient.client().dialect
        for name in (name for name in _FIRST_READS if name in dialect.features):
            try:
                page = getattr(dialect, name)(None)
                if page is None:
                    continue  # this server has no such call
                next(page.items, None)
            except OrchctlError as error:
                if refused is None or isinstance(error, NotAuthenticated):
                    refused = error
                continue
            yield _ok("token", f"{dialect.title} takes it")
            yield _ok("dialect", f"the answer to {name.replace('_', ' ')} is {dialect.title}'s")
            return
    except OrchctlError as error:
        refused = error
    if refused is None:
        yield _warn("dialect", f"nothing to ask {context.dialect} for", "try a command of your own")
    elif isinstance(refused, NotAuthenticated):
        yield _failed("token", refused)
    else:
        yield _fail(
            "dialect",
            refused.message,
            f"check that {context.url} speaks {context.dialect}: {refused.hint or ''}",
        )


def _ok(name: str, message: str) -> Check:
    return Check(name=name, status=Verdict.OK, message=message)


def _warn(name: str, message: str, fix: str) -> Check:
    return Check(name=name, status=Verdict.WARN, message=message, fix=fix)


def _fail(name: str, message: str, fix: str) -> Check:
    return Check(name=name, status=Verdict.FAIL, message=message, fix=fix)


def _failed(name: str, error: OrchctlError) -> Check:
    return Check(name=name, status=Verdict.FAIL, message=error.message, fix=error.hint)
