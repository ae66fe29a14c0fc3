"""Sends calls: one attempt, another where that is safe, all in one budget of time. Judging is verdict's."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from orchctl import __version__
from orchctl.errors import NotAuthenticated, OrchctlError, Unavailable, UsageFault
from orchctl.transport.address import NOT_IN_URL, check_proxy, checked_origin, encoded, redirected_to
from orchctl.transport.call import Call, Effect, PlannedRequest, encode_body, target
from orchctl.transport.reply import BadJson, Reply, is_page
from orchctl.transport.retry import LONGEST_WAIT, Gate, backoff
from orchctl.transport.verdict import (
    Explain,
    Refusal,
    Setback,
    after_doubt,
    broken,
    explain_generic,
    judge,
    redirected,
    too_large,
    too_long,
)
from orchctl.transport.wire import BODY_LIMIT, Broken, Incoming, Outgoing, TooLarge, Wire

if TYPE_CHECKING:
    from orchctl.model import Json
    from orchctl.transport.download import Download
    from orchctl.transport.redact import Tracer

T = TypeVar("T")

ATTEMPTS = 4
REDIRECTS = 3
# Servers close an idle connection after 5 s (uvicorn) and more. One that does just as a write goes out leaves
# its outcome unknown, so that a write takes only a connection that has been in use lately.
WRITE_IDLE = 2.0

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SANDBOX = "sandbox:"


class Transport:
    """One server, with one credential; safe for threads, ``pool_size`` of which keep their connections.

    ``authorize`` gives the headers that carry the credential: asked before the first request, and with True
    once the server did not accept them. ``explain`` finds the message in an error's body, ``refusal`` the error
    that a vendor's own code asks for, ``hidden`` are the fields of a body that no trace shows. ``pace`` holds a
    metered call back, if that takes no more than so many seconds (else it raises Unavailable), and gives those it
    took. ``retry_timeout`` bounds a call with all its attempts and waits, ``request_timeout`` one attempt; both in
    seconds.
    """

    def __init__(
        self,
        *,
        base_url: str,
        authorize: Callable[[bool], Mapping[str, str]],
        notify: Callable[[str], None],
        request_timeout: float = 60.0,
        retry_timeout: float = 120.0,
        ca_bundle: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        proxy: str | None = None,
        insecure: bool = False,
        dry_run: bool = False,
        trace: Callable[[str], None] | None = None,
        explain: Explain | None = None,
        refusal: Refusal | None = None,
        hidden: frozenset[str] = frozenset(),
        pace: Callable[[str, float], float] | None = None,
        pool_size: int = 1,
        attempts: int = ATTEMPTS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: Callable[[], float] | None = None,
    ) -> None:
        self._authorize = authorize
        self._notify = notify
        self._request_timeout = request_timeout
        self._retry_timeout = max(retry_timeout, request_timeout)
        self._dry_run = dry_run
        self._tracer = _tracer(trace, clock, hidden) if trace is not None else None
        self._explain = explain or explain_generic
        self._refusal = refusal
        self._hidden = hidden
        self._pace = pace
        self._attempts = attempts
        self._halted = threading.Event()
        self._clock, self._now, self._rng = clock, now, rng
        self._sleep = sleep or self._halted.wait
        self._gate = Gate(clock)
        self._all_ends = inf
        self._lock = threading.Lock()
        self._credential: Mapping[str, str] | None = None
        self._warn_insecure = insecure
        self._unfinished: dict[int, str] = {}
        self._written: set[int] = set()
        self._wire: Wire | None = None
        self._make_wire: Callable[[], Wire]
        self._base = base_url.rstrip("/")
        if base_url.startswith(_SANDBOX):
            self._base = self._root = _SANDBOX
            self.where = "the sandbox"
            self._make_wire = lambda: _in_process(base_url.removeprefix(_SANDBOX) or None)
            self._warn_insecure = False
            return
        origin = checked_origin(base_url)
        check_proxy(proxy)
        self.where = f"[{origin[1]}]:{origin[2]}" if ":" in origin[1] else f"{origin[1]}:{origin[2]}"
        self._root = root = self._base[: len(self._base) - len(urlsplit(self._base).path)]
        self._make_wire = lambda: _network(
            origin=origin,
            root=root,
            ca_bundle=ca_bundle,
            client_cert=client_cert,
            client_key=client_key,
            proxy=proxy,
            insecure=insecure,
            pool_size=pool_size,
        )

    @property
    def rehearses(self) -> bool:
        """Is it a dry run, in which writes are planned and not sent?"""
        return self._dry_run

    @property
    def unfinished_write(self) -> str | None:
        """A write whose outcome is open because the run was interrupted, as method and path."""
        return next(iter(self._unfinished.values()), None)

    def sign_in(self) -> None:
        """Have the credential at hand. Raises NotAuthenticated where there is none."""
        self._current_credential()

    def anew(self) -> None:
        """What this thread has written so far is accounted for."""
        self._written.discard(threading.get_ident())

    def halt(self) -> frozenset[int]:
        """From now on nothing goes out, and nobody waits.

        Gives the threads that are at a write, or of which one got through, or may have, since they began anew.
        """
        self._halted.set()
        return frozenset(self._unfinished) | frozenset(self._written)

    def send(self, call: Call) -> Reply:
        """The answer to a call: a 2xx, or a status that the call accepts.

        A DELETE that finds nothing (404) on a later attempt, after one that may have worked, is a 204.

        :raises PlannedRequest: a write in a dry run; nothing was sent.
        :raises OrchctlError: everything else, OutcomeUnknown where a write may have happened.
        """
        request = self._prepare(call)
        if self._dry_run and call.effect is not Effect.READ:
            raise self._plan(call, request)
        return self._persist(call, request, self._complete)

    def stream(self, call: Call, *, noise: bool = False) -> Iterator[Json]:
        """The items of a JSON array as they arrive, in constant memory; anything but an array is one item.

        For reads only. Retried until the body begins, not later; ``accept`` does not count.
        """
        from orchctl.transport.jsonstream import items

        assert call.effect is Effect.READ
        incoming, reply = self._persist(call, self._prepare(call), self._begin)
        try:
            if incoming.status not in {204, 205}:
                yield from items(
                    _no_page(incoming.chunks(), reply), limit=BODY_LIMIT, noise=noise, charset=reply.charset
                )
        except BadJson as error:
            raise reply.unintelligible(str(error)) from None
        except Broken as error:
            raise self._broken(call, error, reply.target).error from error
        finally:
            incoming.close()

    def download(self, call: Call) -> Download:
        """An answer that is a file of any size. For reads only; ``accept`` does not count."""
        from orchctl.transport.download import Download

        incoming, reply = self._persist(call, self._prepare(call), self._begin)
        return Download(reply, incoming, broken=lambda cut: self._broken(call, cut, reply.target).error)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Calls inside end with this time, if they would not sooner."""
        before, self._all_ends = self._all_ends, self._clock() + seconds
        try:
            yield
        finally:
            self._all_ends = before

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    # One call

    def _prepare(self, call: Call) -> Outgoing:
        try:
            url = target(self._base, call)
            path = encoded(url[len(self._root) :])
            body, content_type = encode_body(call)
        except UnicodeEncodeError:
            raise UsageFault(
                "the request holds text that is not valid", hint="type it in UTF-8, without broken characters"
            ) from None
        if NOT_IN_URL.search(url) or not _TOKEN.fullmatch(call.method):
            raise UsageFault(
                f"{call.method} {call.path!r} is no request", hint="percent-encode what is special"
            )
        headers = {
            "User-Agent": f"orchctl/{__version__}",
            "Accept": "*/*" if call.raw else "application/json",
            "Accept-Encoding": "gzip, deflate",
        }
        if content_type is not None:
            headers["Content-Type"] = content_type
        if body is not None or call.method not in {"GET", "HEAD", "DELETE"}:
            headers["Content-Length"] = str(len(body or b""))
        for name, value in (call.headers or {}).items():
            if not _may_be_header(name, value):
                raise UsageFault(
                    f"the header {name!r} cannot be sent", hint="headers are one line of Latin-1 text"
                )
            for default in [each for each in headers if each.lower() == name.lower()]:
                del headers[default]
            headers[name] = value
        return Outgoing(
            method=call.method,
            url=self._root + path,
            target=path,
            headers=headers,
            body=body,
            idle=inf if call.effect is Effect.READ else WRITE_IDLE,
        )

    def _plan(self, call: Call, request: Outgoing) -> PlannedRequest:
        from orchctl.transport.redact import planned

        # No credential is fetched for a dry run: it may cost a request of its own.
        names = self._credential if self._credential is not None else ("Authorization",)
        in_process = self._root == _SANDBOX
        return planned(call, request, credential=names, in_process=in_process, hidden=self._hidden)

    def _persist(self, call: Call, request: Outgoing, finish: Callable[[Call, Incoming, str, bool], T]) -> T:
        """Attempts until one succeeds, none may follow, or the time is used up."""
        ends = min(self._clock() + self._retry_timeout, self._all_ends)
        doubt: OrchctlError | None = None
        tries, may_refresh = 0, True
        while True:
            tries += 1
            credential = self._current_credential()
            try:
                ends += self._keep_pace(call)
                self._pass_gate(ends)
                limit = min(self._request_timeout, max(0.001, ends - self._clock()))
                result = self._once(
                    call,
                    request,
                    credential=credential,
                    limit=limit,
                    finish=finish,
                    in_doubt=doubt is not None,
                )
            except Setback as setback:
                last = setback
                # What broke may have left others of its kind in the pool.
                request = replace(request, idle=0.0)
            else:
                self._settled(written=call.effect is not Effect.READ)
                return result
            if last.stale and may_refresh:
                may_refresh = False
                try:
                    if self._refresh(credential):
                        tries -= 1
                        continue
                except OrchctlError as refused:
                    last = Setback(refused)
            if last.doubt and doubt is None:
                doubt = last.error
            if doubt is None:
                self._settled()
            pause = self._pause(last, tries)
            left = ends - self._clock()
            if not last.again or tries >= self._attempts or pause > left:
                self._settled(written=doubt is not None)
                self._leave_alone(last)
                error = too_long(last.error, asked=last.wait, left=left)
                raise after_doubt(doubt, error) if doubt is not None else error
            self._wait(last, pause)

    def _once(
        self,
        call: Call,
        request: Outgoing,
        *,
        credential: Mapping[str, str],
        limit: float,
        finish: Callable[[Call, Incoming, str, bool], T],
        in_doubt: bool,
    ) -> T:
        """One attempt: its exchange, and those of the redirects that may be followed."""
        outgoing = replace(request, headers={**request.headers, **credential})
        for hop in range(REDIRECTS + 1):
            incoming = self._open(call, outgoing, limit)
            if not 300 <= incoming.status < 400 or incoming.status in call.accept:
                return finish(call, incoming, outgoing.target, in_doubt)
            try:
                outgoing = self._next_hop(call, outgoing, incoming, hop)
            finally:
                incoming.close()
        raise AssertionError("the last hop raises")

    def _open(self, call: Call, outgoing: Outgoing, limit: float) -> Incoming:
        if self._halted.is_set():
            raise self._broken(call, _stopped(), outgoing.target)
        wire = self._wire or self._connect()
        tracer = self._tracer
        if tracer is not None:
            tracer.request(outgoing)
        try:
            incoming = wire.open(outgoing, limit=limit, standing=partial(self._standing, call, outgoing))
        except Broken as error:
            raise self._broken(call, error, outgoing.target) from error
        if tracer is not None:
            tracer.head(incoming.status, incoming.headers)
        return incoming

    def _complete(self, call: Call, incoming: Incoming, target: str, in_doubt: bool) -> Reply:
        """The whole answer, if it is the one that was wanted."""
        reply = self._reply(call, incoming, target)
        try:
            reply.body = incoming.body()
        except TooLarge:
            raise too_large(call, reply) from None
        except Broken as error:
            raise self._broken(call, error, target) from error
        finally:
            incoming.close()
        if self._tracer is not None:
            self._tracer.body(reply.body)
        if in_doubt and call.method == "DELETE" and reply.status == 404:
            reply.status, reply.body = 204, b""
        elif reply.status not in call.accept:
            judge(call, reply, explain=self._explain, now=self._now, refusal=self._refusal)
        return reply

    def _begin(self, call: Call, incoming: Incoming, target: str, in_doubt: bool) -> tuple[Incoming, Reply]:
        """An answer whose body is still to come; an error is taken in whole."""
        if not 200 <= incoming.status < 300:
            self._complete(replace(call, accept=frozenset()), incoming, target, in_doubt)
        return incoming, self._reply(call, incoming, target)

    def _reply(self, call: Call, incoming: Incoming, target: str) -> Reply:
        return Reply(
            status=incoming.status,
            headers=incoming.headers,
            body=b"",
            effect=call.effect,
            where=self.where,
            method=call.method,
            target=target,
        )

    def _broken(self, call: Call, cause: Broken, target: str) -> Setback:
        if self._tracer is not None:
            self._tracer.broke(cause)
        return broken(call, cause, where=self.where, target=target)

    def _next_hop(self, call: Call, outgoing: Outgoing, incoming: Incoming, hop: int) -> Outgoing:
        location = incoming.headers.get("location", "")
        try:
            if call.effect is not Effect.READ:
                raise ValueError("which is never followed for a write")
            if hop == REDIRECTS:
                raise ValueError(f"and that after {REDIRECTS} others")
            return redirected_to(outgoing, location, incoming.status)
        except ValueError as reason:
            reply = self._reply(call, incoming, outgoing.target)
            raise redirected(call, reply, location, str(reason)) from None

    # What calls share

    def _connect(self) -> Wire:
        with self._lock:
            if self._wire is None:
                if self._warn_insecure:
                    self._notify(
                        f"the certificate of {self.where} is not checked (insecure): "
                        "whoever is on the way can read and change everything, the credential too"
                    )
                self._wire = self._make_wire()
            return self._wire

    def _current_credential(self) -> Mapping[str, str]:
        if self._credential is None:
            with self._lock:
                if self._credential is None:
                    self._credential = _checked_credential(self._authorize(False))
        return self._credential

    def _refresh(self, refused: Mapping[str, str]) -> bool:
        """Ask for another credential, unless another thread just did; False when there is no other."""
        with self._lock:
            if self._credential is refused:
                self._credential = _checked_credential(self._authorize(True))
            return self._credential != refused

    def _keep_pace(self, call: Call) -> float:
        """The seconds that the call had to wait for its turn. They count only where all calls are to end."""
        if call.meter is None or self._pace is None:
            return 0.0
        try:
            return self._pace(call.meter, self._all_ends - self._clock())
        except Unavailable as error:
            raise Setback(error) from None

    def _pass_gate(self, ends: float) -> None:
        """Wait while the server wants to be left alone."""
        while (pause := self._gate.remaining()) > 0 and not self._halted.is_set():
            if self._clock() + pause > ends:
                raise Setback(
                    Unavailable(
                        f"{self.where} asks to be left alone for {pause:.0f} s more",
                        hint="it was not sent; try later, or raise --retry-timeout",
                        wait=pause,
                    )
                )
            self._sleep(pause)

    def _pause(self, last: Setback, tries: int) -> float:
        """Seconds until the next attempt: what the server asks for, up to a minute, or a random back-off."""
        # Asked for nothing, or for 0 s, the back-off still keeps a crowd of workers apart.
        return last.wait if last.wait else backoff(tries, (self._rng or _chance)())

    def _wait(self, last: Setback, pause: float) -> None:
        pause = min(pause, LONGEST_WAIT)
        if self._tracer is not None:
            self._tracer.pause(pause)
        if not last.busy:
            self._sleep(pause)
        elif self._gate.close_for(pause) and pause >= 1:  # and every thread waits in _pass_gate
            self._notify(f"{self.where} is busy: waiting {pause:.0f} s as it asks")

    def _leave_alone(self, last: Setback) -> None:
        """What the server asks for holds for the calls after this one too, though this one cannot wait for it.

        Unless that is longer than any call waits: then each would end here unsent, whatever the server really
        does.
        """
        if last.busy and last.wait and last.wait <= LONGEST_WAIT:
            self._gate.close_for(last.wait)

    def _standing(self, call: Call, outgoing: Outgoing) -> None:
        if call.effect is not Effect.READ:
            self._unfinished[threading.get_ident()] = f"{outgoing.method} {outgoing.target.partition('?')[0]}"
        if self._halted.is_set():  # looked at last, so that halt() knows of each write that goes on
            self._unfinished.pop(threading.get_ident(), None)
            raise _stopped()

    def _settled(self, *, written: bool = False) -> None:
        if written:
            self._written.add(threading.get_ident())
        self._unfinished.pop(threading.get_ident(), None)


def _stopped() -> Broken:
    return Broken("the run was stopped before this was sent", sent=False, lasting=True)


def _no_page(chunks: Iterator[bytes], reply: Reply) -> Iterator[bytes]:
    first = True
    for chunk in chunks:
        if first and is_page(chunk):
            raise reply.page()
        first = False
        yield chunk


def _may_be_header(name: str, value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return bool(_TOKEN.fullmatch(name)) and not _NOT_IN_HEADER.search(value)


def _checked_credential(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _may_be_header(name, value):
            raise NotAuthenticated(
                "the credential holds a line break or another character that no header may carry",
                hint="save it once more, without what was copied along with it: orchctl auth login",
            )
    return headers


def _chance() -> float:
    from random import random

    return random()  # noqa: S311  # spreads retries, guards nothing


def _network(*, proxy: str | None, **options: Any) -> Wire:
    from orchctl.transport.http import HttpWire

    return HttpWire(proxy=proxy, **options)


def _tracer(trace: Callable[[str], None], clock: Callable[[], float], hidden: frozenset[str]) -> Tracer:
    from orchctl.transport.redact import Tracer

    return Tracer(trace, clock, hidden=hidden)


def _in_process(path: str | None) -> Wire:
    from orchctl.transport.inprocess import InProcessWire

    return InProcessWire(path)
