"""The runs that this machine remembers: for each a journal, and its rows where they came from no file."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Set
from contextlib import ExitStack, suppress
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchctl.bulk.journal import CODES, Header, Journal, Past
from orchctl.bulk.outcome import State
from orchctl.errors import LocalFault
from orchctl.paths import locked, private_dir, reason, state_dir
from orchctl.sanitize import scrub

_IDENT = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4,8}")
_KEPT = 30 * 86400  # seconds that a journal is kept after its last line
_ORPHANED = 86400  # and rows that belong to none
_CONTROLS = 8
_END_OF_TIME = 253_402_214_400  # the year 9999
_MOST_ROWS = 1_000_000_000
_LONGEST_HEADER = 64 * 1024 * 1024  # --data is in it


def folder() -> Path:
    return private_dir(state_dir() / "bulk")


def new_run() -> str:
    """A name that sorts by the time of its making, and that nobody makes twice."""
    now = time.time()
    fraction = int(now % 1 * 4096)
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{fraction:03x}{secrets.token_hex(1)}"


def kept_input(run: str) -> Path:
    """Where the rows of a run lie whose input is no file."""
    return folder() / f"{run}.input"


def begin(header: Header) -> Journal:
    """Start a run's journal; those that nobody has touched for a month are thrown away."""
    _prune()
    line = json.dumps({"journal": 1, **asdict(header)})
    if scrub(line) != line:
        line = scrub(json.dumps({"journal": 1, **asdict(replace(header, argv=None, data={}))}))
    path = folder() / f"{header.run}.jsonl"
    closing = _lock(header.run)
    try:
        past = Past(bytearray(header.rows + 1))
        journal = Journal(path, closing, header=header, past=past, first_line=f"{line}\n")
        journal.flush()
    except BaseException:
        closing.close()
        raise
    return journal


def unfinished_like(header: Header) -> tuple[str, int] | None:
    """The newest run of the same words and rows to the same place with some rows done and some not yet tried.

    Gives its name and how many rows it has done. One that came to its end since then is the last that counts.
    """
    alike = ("command", "argv", "origin", "folder", "sha256", "rows")
    for path in reversed(list(_journals())):
        with suppress(LocalFault, OSError):
            other = read_header(path.stem)
            is_there = other.input is not None or kept_input(other.run).exists()
            if (
                is_there
                and other.argv is not None
                and all(getattr(other, name) == getattr(header, name) for name in alike)
            ):
                past = _replay(path, other)[0]
                done = past.count(State.OK)
                if done + past.count(State.REJECTED) == other.rows:
                    return None
                if done:
                    return other.run, done
    return None


def claimed_by_others(header: Header, idents: Set[str]) -> set[str]:
    """Those of the ids that other runs to the same place have made since this one began."""
    claimed: set[str] = set()
    for path in _journals():
        with suppress(LocalFault, OSError):
            other = read_header(path.stem)
            if other.run == header.run or other.origin != header.origin:
                continue
            if datetime.fromisoformat(header.started).timestamp() > path.stat().st_mtime:
                continue
            with path.open("rb") as file:
                for line in file:
                    ident = (_entry(line) or {}).get("id")
                    if isinstance(ident, str) and ident in idents:
                        claimed.add(ident)
    return claimed


def read_header(run: str) -> Header:
    """The header of an earlier run's journal.

    :raises LocalFault: there is no such run, or its journal cannot be read.
    """
    path = folder() / f"{run}.jsonl"
    if not _IDENT.fullmatch(run) or not path.exists():
        raise LocalFault(f"there is no run {run!r}", hint=_what_there_is())
    try:
        if not path.is_file():
            raise ValueError
        with path.open("rb") as file:
            line = file.readline(_LONGEST_HEADER)
        if not line.endswith(b"\n"):
            raise ValueError
        data = json.loads(line)
        if data.pop("journal") != 1:
            raise ValueError
        return Header(**_checked(data))
    except OSError as error:
        raise LocalFault(f"cannot read the journal {path}: {reason(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LocalFault(
            f"{path} is no journal of this orchctl", hint="it may be of another version, or damaged"
        ) from None


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a header, if they are what they were when it was written."""
    known = {each.name: data[each.name] for each in fields(Header)}
    texts = ("run", "command", "context", "origin", "sha256", "started")
    if (
        not all(isinstance(known[name], str) for name in texts)
        or not all(known[name] is None or isinstance(known[name], str) for name in ("folder", "input"))
        or "\0" in (known["input"] or "")
        or not isinstance(known["data"], dict)
        or not isinstance(known["rows"], int)
        or not 0 <= known["rows"] <= _MOST_ROWS
    ):
        raise ValueError
    datetime.fromisoformat(known["started"])
    if known["argv"] is not None:
        known["argv"] = tuple(known["argv"])
        if not all(isinstance(word, str) for word in known["argv"]):
            raise ValueError
    return known


def resume(header: Header) -> Journal:
    """Take a run up again.

    :raises LocalFault: another process is at it, or its journal is damaged.
    """
    path = folder() / f"{header.run}.jsonl"
    closing = _lock(header.run)
    try:
        past, whole = _replay(path, header)
        os.truncate(path, whole)  # half a line, written as the process was killed, must not run into the next
        return Journal(path, closing, header=header, past=past)
    except OSError as error:
        closing.close()
        raise LocalFault(f"cannot read the journal {path}: {reason(error)}") from error
    except BaseException:
        closing.close()
        raise


def past_of(header: Header) -> Past:
    """What the journal of a run tells, for looking at.

    :raises LocalFault: it is damaged.
    """
    path = folder() / f"{header.run}.jsonl"
    try:
        return _replay(path, header)[0]
    except OSError as error:
        raise LocalFault(f"cannot read the journal {path}: {reason(error)}") from error


def _replay(path: Path, header: Header) -> tuple[Past, int]:
    """What the journal tells, and how many of its bytes are whole lines."""
    past = Past(bytearray(header.rows + 1))
    first: list[tuple[int, str | None, float]] = []
    last: list[tuple[int, str | None, float]] = []
    at = 0
    with path.open("rb") as file:
        past.alive_until = os.fstat(file.fileno()).st_mtime
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            entry = _entry(line) if number > 1 else {}
            if entry is None:
                if file.read(1):
                    raise LocalFault(f"the journal {path} is damaged in line {number}")
                break  # a power cut may leave anything where the last line should be
            at += len(line)
            row, code = entry.get("row", 0), CODES.get(str(entry.get("state", "")), 0)
            if not 0 < row <= header.rows or not code:
                continue
            past.states[row] = code
            if code == CODES["sent"]:
                past.doubtful[row] = _moment(entry.get("at"))
            elif code != CODES["unknown"]:
                sent_at = past.doubtful.pop(row, 0.0)
                if code == CODES["ok"]:
                    kept = first if len(first) < _CONTROLS else last
                    ident = entry.get("id")
                    kept.append((row, ident if isinstance(ident, str) else None, sent_at))
                    del last[:-_CONTROLS]
    past.controls = first + last
    return past, at


def _moment(value: object) -> float:
    """Seconds since 1970; what is no such time, in a file that somebody has edited, is long ago."""
    return float(value) if isinstance(value, int | float) and 0 <= value < _END_OF_TIME else 0.0


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("row", 0), int) else None


def _lock(run: str) -> ExitStack:
    closing = ExitStack()
    # Beside the journal: where locks are mandatory nobody, not even its owner, could write a locked file.
    closing.enter_context(locked(folder() / f"{run}.lock", what=f"the run {run}"))
    return closing


def _prune() -> None:
    limit = time.time() - _KEPT
    for path in sorted(folder().glob("*.input")):  # of a run that was killed before it had a journal
        with suppress(OSError):
            if not path.with_suffix(".jsonl").exists() and path.stat().st_mtime < time.time() - _ORPHANED:
                path.unlink(missing_ok=True)
    for path in _journals():
        with suppress(OSError):
            if path.stat().st_mtime < limit:
                for suffix in (".input", ".lock", ".jsonl"):
                    path.with_suffix(suffix).unlink(missing_ok=True)


def _journals() -> Iterator[Path]:
    yield from sorted(folder().glob("*.jsonl"))


def _what_there_is() -> str:
    runs = [path.stem for path in _journals()][-3:]
    return f"the last runs on this machine: {', '.join(runs)}" if runs else "no run was kept on this machine"
