"""What a configuration is once it has been read: contexts and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from orchctl.config.rules import is_loopback, origin_of, without_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """An orchestrator and how to reach it; never a secret. Times are in seconds, paths are absolute."""

    name: str
    dialect: str
    url: str
    auth: str | None = None
    client_id: str | None = None
    username: str | None = None
    tenant: str | None = None
    scope: str | None = None
    identity_url: str | None = None
    folder: str | None = None
    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    insecure: bool = False
    allow_http: bool = False
    cancel_path: str | None = None
    protected: bool = False
    token_command: tuple[str, ...] | None = None
    time_zone: str = "UTC"
    job_update_method: str = "auto"
    wire: str = "auto"

    @property
    def origin(self) -> str:
        """Scheme, host and port, in one spelling each: what a stored credential is bound to."""
        return origin_of(self.url)

    @property
    def secret_origins(self) -> tuple[str, ...]:
        """All that are sent this context's secret: its origin and, where it is another, that of logins."""
        identity = origin_of(self.identity_url) if self.identity_url else self.origin
        return (self.origin,) if identity == self.origin else (self.origin, identity)

    @property
    def embedded(self) -> bool:
        """Whether the orchestrator is the one inside orchctl, called in process."""
        return self.url.startswith("sandbox:")

    @property
    def shown(self) -> Context:
        """The same, fit to be printed: a proxy's password is not."""
        return self if self.proxy is None else replace(self, proxy=without_password(self.proxy))

    @property
    def loopback(self) -> bool:
        """Whether nothing leaves this machine."""
        return self.embedded or is_loopback(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where neither an option nor the environment says otherwise. Times are in seconds."""

    output: str | None = None
    parallel: int = 8
    request_timeout: float = 60.0
    retry_timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A file as it was read. ``exists`` is False for one that is not there, which is like an empty one.

    ``exposed`` says that others on this machine may read it: not refused, but worth a warning.
    """

    path: Path
    exists: bool = False
    exposed: bool = False
    current: str | None = None
    defaults: Defaults = Defaults()
    contexts: Mapping[str, Context] = field(default_factory=lambda: MappingProxyType({}))
