"""The error tree: each kind of failure a user can meet, with its one exit code."""

from __future__ import annotations

from collections.abc import Sequence


class OrchctlError(Exception):
    """A failure that is told to the user: what failed and why, and what to do about it.

    ``code`` is the stable word of the JSON error object, ``exit_code`` the process's exit code.
    """

    code = "error"
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        request_id: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.request_id = request_id
        self.notes = list(notes)


class Unintelligible(OrchctlError):
    """The server answered a read with something that cannot be understood."""

    code = "unintelligible_answer"


class BadRequest(OrchctlError):
    """The server called the request malformed (400 and other 4xx without a class of their own)."""

    code = "bad_request"


class UsageFault(OrchctlError):
    """The command line itself is wrong, or it needed an answer that nobody could give."""

    code = "usage"
    exit_code = 2


class NotAuthenticated(OrchctlError):
    """401, 403, or there is no credential to send."""

    code = "not_authenticated"
    exit_code = 3


class NotAllowed(NotAuthenticated):
    """403: the credential is known, and may not do this one thing."""


class NotFound(OrchctlError):
    """The object does not exist, or is not visible to this credential."""

    code = "not_found"
    exit_code = 4


class Refused(OrchctlError):
    """The server understood and refused by a rule of its own (409, 412, 422)."""

    code = "refused"
    exit_code = 5


class Unavailable(OrchctlError):
    """The server said that it did not execute the request, to the end of the retries (5xx on a read, 429).

    ``wait``: the seconds for which it asks to be left alone.
    """

    code = "unavailable"
    exit_code = 6

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        request_id: str | None = None,
        notes: Sequence[str] = (),
        wait: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, request_id=request_id, notes=notes)
        self.wait = wait


class NetworkFault(OrchctlError):
    """The server was not reached, or a read was cut short: surely nothing was executed."""

    code = "network"
    exit_code = 7


class WaitTimedOut(OrchctlError):
    """The wait ended before the thing waited for; that still runs."""

    code = "wait_timed_out"
    exit_code = 8


class WaitFailed(OrchctlError):
    """What was waited for failed or was cancelled."""

    code = "wait_failed"
    exit_code = 9


class Partial(OrchctlError):
    """Some rows or targets failed, others did not."""

    code = "partial"
    exit_code = 10


class OutcomeUnknown(OrchctlError):
    """A write was sent and its last word never came: it may have happened."""

    code = "outcome_unknown"
    exit_code = 11


class LocalFault(OrchctlError):
    """A file, the configuration, a lock, the disk or standard output on this machine."""

    code = "local"
    exit_code = 12


class Declined(OrchctlError):
    """The user said no at a prompt."""

    code = "declined"
    exit_code = 13


class Unsupported(OrchctlError):
    """This orchestrator cannot do that; said before any request."""

    code = "unsupported"
    exit_code = 14


class Signalled(BaseException):
    """A signal that ends the run; the exit code says which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
