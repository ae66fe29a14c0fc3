"""What an answer or a broken exchange means: an error class and its words.

Never says "failed" of a write whose outcome is open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from orchctl.errors import (
    BadRequest,
    NetworkFault,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OrchctlError,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from orchctl.transport.call import Call, Effect
from orchctl.transport.reply import CHECK_URL, LOOK_FIRST, BadJson, Reply, asked, excerpt, is_page, parse
from orchctl.transport.retry import retry_after, told_at
from orchctl.transport.wire import BODY_LIMIT, Broken

if TYPE_CHECKING:
    from orchctl.model import Json

Explain = Callable[["Json"], str | None]
Refusal = Callable[[int, "Json"], OrchctlError | None]
"""What a vendor's own error code comes to, where its status does not tell; None where it does."""

_TROUBLE = frozenset({500, 502, 503, 504})


class Setback(Exception):
    """An attempt without the answer that was wanted; ``error`` is the last word if no other attempt follows.

    ``doubt``: the server may have acted on a write. ``again``: another attempt may do better. ``busy``: the
    server told everybody to slow down. ``wait``: the seconds it asks for. ``stale``: it wants another
    credential.
    """

    def __init__(
        self,
        error: OrchctlError,
        *,
        doubt: bool = False,
        again: bool = False,
        busy: bool = False,
        wait: float | None = None,
        stale: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.doubt = doubt
        self.again = again
        self.busy = busy
        self.wait = wait
        self.stale = stale


def broken(call: Call, cause: Broken, *, where: str, target: str) -> Setback:
    """An exchange that ended without a complete answer."""
    request = asked(call.method, target)
    if not cause.sent:
        return Setback(NetworkFault(cause.why, hint=cause.hint), again=not cause.lasting)
    if call.effect is Effect.READ:
        message = f"no complete answer from {where} to {request}: {cause.why}"
        hint = cause.hint or "try again; if it stays so, look at the server or at what lies between"
        return Setback(NetworkFault(message, hint=hint), again=True)
    return Setback(
        OutcomeUnknown(
            f"{request} was sent to {where}, but {cause.why}: it may have been carried out", hint=LOOK_FIRST
        ),
        doubt=True,
        again=call.effect is Effect.IDEMPOTENT,
    )


def too_large(call: Call, reply: Reply) -> Setback:
    error = reply.unintelligible(
        f"the answer is larger than {BODY_LIMIT // 2**20} MiB",
        hint="ask for less at once, with a filter or --limit",
    )
    return Setback(error, doubt=call.effect is not Effect.READ)


def redirected(call: Call, reply: Reply, location: str, why: str) -> Setback:
    """A redirect that is not followed. 303 says that something was done and shows where to look for it."""
    to = excerpt(location, 100) or "nowhere"
    if call.effect is not Effect.READ and reply.status == 303:
        return Setback(
            OutcomeUnknown(
                f"{reply.where} answered {reply.asked} with a redirect to {to} (303): "
                "it may have been carried out",
                hint=f"{LOOK_FIRST}; {CHECK_URL}",
                request_id=reply.request_id,
            ),
            doubt=True,
        )
    return Setback(
        NetworkFault(
            f"{reply.where} redirects {reply.asked} to {to} ({reply.status}), {why}",
            hint=CHECK_URL,
            request_id=reply.request_id,
        )
    )


def judge(
    call: Call,
    reply: Reply,
    *,
    explain: Explain,
    now: Callable[[], datetime],
    refusal: Refusal | None = None,
) -> None:
    """Raises Setback unless the answer is a success. Redirects never come here."""
    status, write = reply.status, call.effect is not Effect.READ
    if 200 <= status < 300:
        if not call.raw and is_page(reply.body):
            raise Setback(reply.page(), doubt=write)
        return
    if 400 <= status < 500 and status not in {408, 429}:
        own = None if refusal is None else _own(reply, refusal)
        raise Setback(own or _rejected(reply, said(reply, explain)), stale=status == 401)
    if not 400 <= status < 600:
        raise Setback(reply.unintelligible(f"its status is {status}"), doubt=write)
    wait = retry_after(reply.headers.get("retry-after"), now=told_at(reply.headers.get("date")) or now())
    if status in {408, 429} or (status == 503 and wait is not None and (call.not_executed_503 or not write)):
        raise Setback(
            _busy(reply, said(reply, explain), wait),
            # 408 does not ask for another try: nobody knows what kept the request from arriving.
            again=status != 408 or call.effect is not Effect.ONCE,
            busy=status != 408,
            wait=wait,
        )
    again = status in _TROUBLE and call.effect is not Effect.ONCE
    if write:
        raise Setback(_doubtful(reply, said(reply, explain)), doubt=True, again=again, wait=wait)
    raise Setback(
        Unavailable(
            f"{reply.where} could not answer {reply.asked}: {_status(status)}{said(reply, explain)}",
            hint="the server has a fault of its own; try later, or look into its log",
            request_id=reply.request_id,
        ),
        again=again,
        wait=wait,
    )


def after_doubt(earlier: OrchctlError, last: OrchctlError) -> OrchctlError:
    """An earlier attempt may have worked, so that no later answer can say that nothing happened."""
    if isinstance(last, OutcomeUnknown):
        return last
    return OutcomeUnknown(
        earlier.message,
        hint=earlier.hint,
        request_id=last.request_id or earlier.request_id,
        notes=[*earlier.notes, f"a later attempt: {last.message}"],
    )


def too_long(error: OrchctlError, *, asked: float | None, left: float) -> OrchctlError:
    """The same error; if no attempt follows because the server asks for a long wait, it says how long."""
    if asked is not None and asked > left and not isinstance(error, OutcomeUnknown):
        error.hint = f"the server asks to wait {asked:.0f} s; try after that, or raise --retry-timeout"
    return error


def said(reply: Reply, explain: Explain) -> str:
    """What the server says about it, as the end of a sentence; empty when it says nothing."""
    if reply.empty or is_page(reply.body):
        return ""
    try:
        text = reply.text()
    except UnicodeError:
        return ""
    try:
        found = explain(parse(text))
        text = found if found is not None else text
    except BadJson:
        pass
    shown = excerpt(text)
    return f": {shown}" if shown and shown not in {"[]", "{}", "null"} else ""


_KEYS = (
    "message",
    "error_description",
    "errortext",
    "error_text",
    "detail",
    "title",
    "description",
    "error",
    "errors",
)


def explain_generic(data: Json) -> str | None:
    """The message in an error's body, by the names that servers commonly give it."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return "; ".join(filter(None, map(explain_generic, data[:3]))) or None
    if isinstance(data, dict):
        fields = {name.lower(): value for name, value in data.items()}
        for key in _KEYS:
            found = explain_generic(fields[key]) if fields.get(key) else None
            if found:
                return found
    return None


def _own(reply: Reply, refusal: Refusal) -> OrchctlError | None:
    """The error that the vendor's own code asks for."""
    try:
        error = refusal(reply.status, parse(reply.text()))
    except (BadJson, UnicodeError):
        return None
    if error is not None:
        error.request_id = error.request_id or reply.request_id
    return error


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _busy(reply: Reply, words: str, wait: float | None) -> OrchctlError:
    return Unavailable(
        f"{reply.where} put {reply.asked} off: {_status(reply.status)}{words}",
        hint=f"it was not carried out; {f'the server asks to wait {wait:.0f} s' if wait else 'try later'}",
        request_id=reply.request_id,
        wait=wait,
    )


def _doubtful(reply: Reply, words: str) -> OrchctlError:
    # The server's own words may call it failed; they go into a note, because that is not known.
    return OutcomeUnknown(
        f"{reply.where} answered {reply.asked} with {_status(reply.status)}: it may have been carried out",
        hint=LOOK_FIRST,
        request_id=reply.request_id,
        notes=[f"the server says{words}"] if words else [],
    )


def _rejected(reply: Reply, words: str) -> OrchctlError:
    where, what, status, request_id = reply.where, reply.asked, reply.status, reply.request_id
    match status:
        case 401:
            return NotAuthenticated(
                f"{where} does not accept the credential (401){words}",
                hint="log in with: orchctl auth login",
                request_id=request_id,
            )
        case 403:
            return NotAllowed(
                f"{where} does not allow {what} (403){words}",
                hint="ask for the right to do it, and check the context's tenant and folder",
                request_id=request_id,
            )
        case 404:
            return NotFound(
                f"{where} has nothing at {what} (404){words}",
                hint="check the ID or name; the credential may also not be allowed to see it",
                request_id=request_id,
            )
        case 407:
            return NetworkFault(
                f"the proxy before {where} does not accept the request (407){words}",
                hint="check the user and password of the context's proxy",
                request_id=request_id,
            )
        case 409 | 412 | 422:
            return Refused(
                f"{where} refused {what} ({status}){words}",
                hint="nothing was done; change what the server objects to",
                request_id=request_id,
            )
        case _:
            return BadRequest(
                f"{where} calls {what} a bad request ({_status(status)}){words}",
                hint="nothing was done; see the whole exchange with --debug",
                request_id=request_id,
            )
