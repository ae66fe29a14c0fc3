"""Becoming known to an orchestrator where an administrator has to let each client in."""

from __future__ import annotations

from orchctl.client.waiting import Verdict, Waits
from orchctl.dialects.base import Registration
from orchctl.errors import WaitTimedOut


class Registers(Waits):
    def register_system(self, uuid: str, *, name: str, is_new: bool, timeout: float | None) -> None:
        """Register under a secret of our own making, unless that was done, and wait to be let in.

        :raises WaitTimedOut: nobody did in time; the registration stands.
        """
        standing = Registration.UNKNOWN if is_new else self.dialect.registration(uuid)
        if standing is Registration.ALLOWED:
            self._note("this external system is allowed already")
            return
        if standing is Registration.UNKNOWN:
            self.dialect.register(
                uuid, name=name, description="orchctl, a command line for RPA orchestrators"
            )
            self._note(f"registered the external system {name!r}")
            if self.dialect.registration(uuid) is Registration.ALLOWED:
                return
        self._note(
            f"waiting for an administrator of {self.dialect.title} to allow it: page Systems, tab Request"
        )
        waited = self.wait_for(
            [name],
            read=lambda _: self.dialect.registration(uuid),
            judge=lambda found: Verdict.REACHED if found is Registration.ALLOWED else Verdict.NOT_YET,
            describe=lambda _: "is not allowed yet",
            timeout=timeout,
        )
        if waited.failure is not None:
            raise WaitTimedOut(
                f"the external system {name!r} is registered, but nobody has allowed it yet",
                hint="ask an administrator; orchctl auth login goes on where this ended",
            )
        self._note("it is allowed now")
