"""What a command talks to: its configuration, context, credential and client, put together when first asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl import __version__
from orchctl.errors import LocalFault, UsageFault
from orchctl.invocation.program import Program, is_on
from orchctl.sanitize import scrub
from orchctl.times import parse_duration, rfc3339

if TYPE_CHECKING:
    from orchctl.client import Client
    from orchctl.config import Context
    from orchctl.dialects.base import Dialect
    from orchctl.sessions import Sessions
    from orchctl.transport import Transport

T = TypeVar("T")

# A year: what a clock and a socket take without overflowing.
_LONGEST_SECONDS = 31_536_000.0


class Setup(Program):
    @property
    def unfinished_write(self) -> str | None:
        """The write that was under way when the run was interrupted, as method and path."""
        transport = self._transport
        return None if transport is None else transport.unfinished_write

    def sign_in(self) -> None:
        """:raises NotAuthenticated: there is no credential to work with."""
        assert self.client is not None
        assert self._transport is not None
        self._transport.sign_in()

    @cached_property
    def context(self) -> Context:
        from orchctl.config import choose

        chosen = choose(self.config, name=self.options.context, env=self.env)
        folder = self.options.folder or self.env.get("ORCHCTL_FOLDER")
        return replace(chosen, folder=folder) if folder else chosen

    @cached_property
    def dialect_class(self) -> type[Dialect]:
        from importlib import import_module

        from orchctl.contexts import known_dialect
        from orchctl.dialects import DIALECTS

        known_dialect(self.context.dialect)
        module, _, name = DIALECTS[self.context.dialect].partition(":")
        found: type[Dialect] = getattr(import_module(module), name)
        return found

    @cached_property
    def client(self) -> Client:
        from orchctl.client import Client
        from orchctl.registry import Registry

        context, dialect = self.context, self.dialect_class
        if self.options.folder is not None:
            from orchctl.dialects.base import Feature

            dialect.require(Feature.LIST_FOLDERS)
        transport = self._transport = self._connect(
            context.url,
            authorize=self._authorize,
            dry_run=bool(self.options.dry_run),
            trace=self._trace(),
            explain=dialect.explain,
            refusal=dialect.refusal,
            hidden=dialect.secret_fields,
            pace=self._pace,
            pool_size=self._parallel,
        )
        self._closing.callback(transport.close)
        spoken = dialect(transport, context)
        spoken.secret = self._secret
        registry = Registry.of(context.origin)
        if not dialect.needs_ledger:
            return Client(spoken, registry, note=self.note)
        from orchctl.client.ledgered import LedgerClient
        from orchctl.ledger import Ledger

        ledger = Ledger.of(context.url, secret=self._secret)
        return LedgerClient(spoken, registry, note=self.note, ledger=ledger)

    def rows(self, listed: Callable[[Client], Iterable[T]], all_folders: bool = False) -> Iterator[T]:
        """A list: of the folder in use, or of all there are."""
        return self.client.across_folders(listed) if all_folders else iter(listed(self.client))

    @property
    def _parallel(self) -> int:
        given = self.options.parallel
        return self.config.defaults.parallel if given is None else given

    def _connect(self, base_url: str, **more: Any) -> Transport:
        """A way to a server under the context's settings."""
        from orchctl.transport import Transport

        context, defaults = self.context, self.config.defaults
        return Transport(
            base_url=base_url,
            request_timeout=self._seconds("request_timeout", "ORCHCTL_REQUEST_TIMEOUT")
            or defaults.request_timeout,
            retry_timeout=self._seconds("retry_timeout", "ORCHCTL_RETRY_TIMEOUT") or defaults.retry_timeout,
            ca_bundle=context.ca_bundle,
            client_cert=context.client_cert,
            client_key=context.client_key,
            proxy=context.proxy,
            insecure=context.insecure or bool(self.options.insecure),
            notify=self.note,
            **more,
        )

    @cached_property
    def _pace(self) -> Callable[[str, float], float] | None:
        """What keeps within the orchestrator's requests a minute; nothing needs that on this machine."""
        context, budgets = self.context, self.dialect_class.budgets
        if context.loopback or not budgets:
            return None
        from orchctl.pace import Pace

        return Pace.of(f"{context.url} {context.tenant or ''}", budgets, self.note)

    def _authorize(self, refresh: bool) -> Mapping[str, str]:
        if self.context.embedded or self.dialect_class.secret_in_body:
            return {}
        return self._sessions.headers(refresh)

    @cached_property
    def _sessions(self) -> Sessions:
        from orchctl.sessions import Sessions

        def connect(base_url: str) -> Transport:
            # Never traced: a token that nobody has registered yet is in the answer.
            return self._connect(base_url, authorize=lambda _: {})

        return Sessions(self.context, self.dialect_class, self.env, note=self.note, connect=connect)

    def _secret(self) -> str | None:
        """The credential for a body, looked up once a run; ``None`` where none is needed."""
        if self.context.embedded:
            return None
        return self._secret_of_the_run

    @cached_property
    def _secret_of_the_run(self) -> str:
        from orchctl import credentials

        return credentials.require(self.context, self.env, notify=self.note).value

    def _trace(self) -> Callable[[str], None] | None:
        asked = self.env.get("ORCHCTL_DEBUG", "")
        path = self.options.debug_file or (asked if _is_path(asked) else None)
        if path is not None:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            except OSError as error:
                raise LocalFault(f"cannot write the debug file {path}: {error.strerror}") from None
            self._closing.callback(os.close, descriptor)
            if os.name == "posix" and S_ISREG(os.fstat(descriptor).st_mode):
                with suppress(OSError):  # of somebody else's file
                    os.fchmod(descriptor, 0o600)  # one that was there may have had other rights
            return self._trace_into(descriptor, path)
        if self.options.debug or is_on(asked):
            return self.streams.talk
        return None

    def _trace_into(self, descriptor: int, path: str) -> Callable[[str], None]:
        """A trace that cannot begin is told before anything is sent; one that breaks off costs no request."""
        broken = False

        def write(line: str) -> None:
            nonlocal broken
            if broken:
                return
            try:
                os.write(descriptor, f"{scrub(line)}\n".encode(errors="backslashreplace"))
            except OSError as error:
                broken = True
                self.note(f"the trace in {path} breaks off: {error.strerror}")

        write(f"* orchctl {__version__} at {rfc3339(self._now)}")
        if broken:
            raise LocalFault(f"cannot write the debug file {path}", hint="is the disk full?")
        return write

    def _seconds(self, name: str, variable: str) -> float | None:
        text, source = getattr(self.options, name), f"--{name.replace('_', '-')}"
        if text is None:
            text, source = self.env.get(variable), variable
            if not text:
                return None
        try:
            given = parse_duration(text).total_seconds()
        except UsageFault as fault:
            raise UsageFault(f"{source}: {fault.message}", hint=fault.hint) from None
        if not 0 < given < _LONGEST_SECONDS:
            raise UsageFault(
                f"{source} must be more than 0 seconds, and less than {_LONGEST_SECONDS // 86_400:g} days"
            )
        return given


def _is_path(text: str) -> bool:
    return bool(text) and text.lower() not in ("0", "1", "true", "false", "yes", "no", "on", "off")
