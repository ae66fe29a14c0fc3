"""Does the errands of tasks over the network: fetches input files, tells that a task has ended.

It goes to this machine only, and to hosts that the administrator named: a URL in a task comes from outside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from json import dumps, loads
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from orchctl.sandbox.engine import Engine, Tx, runs
from orchctl.sandbox.engine.runs import Errand, ErrandKind
from orchctl.sandbox.engine.tasks import Task

SECONDS = 10.0
LARGEST_FILE = 32 * 1024 * 1024
# A callback that nobody takes is tried so often, after so many milliseconds.
_PAUSES_MS = (1_000, 5_000)
_POLL_SECONDS = 0.2
_REACH = "reach"

Body: TypeAlias = "Callable[[Tx, Task], bytes]"


class Undone(Exception):
    """Why an errand was not done, in words for a task's log."""


class Courier:
    """``report`` makes what a callback posts of a task that has ended."""

    def __init__(self, engine: Engine, report: Body) -> None:
        self._engine = engine
        self._report = report
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Do errands as they fall due, whichever process wrote them down, until ``stop``."""
        self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(SECONDS)

    def run_due(self) -> None:
        """Do all errands that are due now."""
        while self._engine.read(runs.is_errand_due) and not self._ending.is_set():
            claimed = self._engine.write(runs.claim_errand)
            if claimed is None:
                return
            self._do(*claimed)

    def _run(self) -> None:
        while not self._ending.wait(_POLL_SECONDS):
            try:
                self.run_due()
            except Exception:  # one errand must not end the others
                import traceback

                traceback.print_exc()
                self._ending.wait(1.0)

    def _do(self, errand: Errand, task: Task) -> None:
        allowed = self._engine.read(reach)
        if errand.kind == ErrandKind.FETCH:
            try:
                name, content = fetch(errand.url, allowed)
            except Undone as error:
                why = f"The input file {shown(errand.url)} could not be fetched: {error}"
                self._engine.write(partial(runs.not_fetched, errand=errand, why=why))
                return
            self._engine.write(partial(runs.fetched, errand=errand, name=name, content=content))
            return
        try:
            call(errand.url, self._engine.read(lambda tx: self._report(tx, task)), allowed)
        except Undone as error:
            self._engine.write(partial(self._not_told, errand=errand, task=task, why=str(error)))
            return
        self._engine.write(partial(runs.drop_errand, errand=errand))

    def _not_told(self, tx: Tx, *, errand: Errand, task: Task, why: str) -> None:
        if errand.tries <= len(_PAUSES_MS):
            runs.postpone_errand(tx, errand, milliseconds=_PAUSES_MS[errand.tries - 1])
            return
        runs.drop_errand(tx, errand)
        words = f"The callback to {shown(errand.url)} was given up after {errand.tries} tries: {why}"
        runs.log(tx, task, [words], level="WRN", component="Orchestrator")


def reach(tx: Tx) -> frozenset[str]:
    """The hosts beside this machine that may be called."""
    row = tx.connection.execute("SELECT value FROM setting WHERE name = ?", (_REACH,)).fetchone()
    return frozenset() if row is None else frozenset(loads(row[0]))


def set_reach(tx: Tx, hosts: list[str]) -> None:
    tx.connection.execute(
        "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_REACH, dumps(sorted({host.lower() for host in hosts}))),
    )


def refusal(url: str, allowed: frozenset[str]) -> str | None:
    """Why a URL is not called, or None if it may be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no URL"
    if parts.scheme not in ("http", "https") or not host:
        return "it is no http or https URL"
    if host in allowed or host == "localhost":
        return None
    try:
        return None if ip_address(host).is_loopback else f"the host {host} is not allowed"
    except ValueError:
        return f"the host {host} is not allowed"


def fetch(url: str, allowed: frozenset[str]) -> tuple[str, bytes]:
    """The name and the content of a file. Raises Undone."""
    status, disposition, content = _exchange("GET", url, None, allowed)
    if status != 200:
        raise Undone(f"it was answered with {status}")
    if len(content) > LARGEST_FILE:
        raise Undone(f"it is larger than {LARGEST_FILE} bytes")
    return disposition or _name_in(urlsplit(url)), content


def call(url: str, body: bytes, allowed: frozenset[str]) -> None:
    """Post what there is to tell. Raises Undone."""
    status, _, _ = _exchange("POST", url, body, allowed)
    if not 200 <= status < 300:
        raise Undone(f"it was answered with {status}")


def shown(url: str) -> str:
    """A URL for a log: what is behind the path may hold a credential."""
    return url.partition("?")[0][:200]


def _exchange(
    method: str, url: str, body: bytes | None, allowed: frozenset[str]
) -> tuple[int, str | None, bytes]:
    why = refusal(url, allowed)
    if why is not None:
        raise Undone(why)
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"User-Agent": "orchctl-sandbox"} | ({"Content-Type": "application/json"} if body else {})
    try:
        # Redirects are not followed: they could lead anywhere.
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, _disposed(response.headers), response.read(LARGEST_FILE + 1)
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Undone(str(why).lower()) from error
    finally:
        connection.close()


def _disposed(headers: object) -> str | None:
    """The file name that the server gives."""
    get = getattr(headers, "get_filename", None)
    return get() if get is not None else None


def _name_in(parts: SplitResult) -> str:
    """The last word of the path; where that names a program, the id in the query."""
    word = unquote(parts.path.rstrip("/").rpartition("/")[2])
    ids = parse_qs(parts.query)
    return next((ids[key][0] for key in ("uid", "id", "name") if key in ids), word or "file")
