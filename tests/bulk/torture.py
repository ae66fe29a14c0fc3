"""A run that everything happens to, and the account of it: what the server did, and what orchctl said.

Between orchctl and a real served sandbox stands a proxy that drops, resets and lies by a seeded chance; the
server is killed and started again, and so is orchctl, until its run is finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server import free_port

_CREATES = (
    b"POST /api/task/create",
    b"POST /odata/Queues/UiPathODataSvc.AddQueueItem",
    b"POST /odata/Queues/UiPathODataSvc.BulkAddQueueItems",
)
_RST = struct.pack("ii", 1, 0)
_NOTHING_DONE = b"Content-Length: 2\r\nContent-Type: application/json\r\nRetry-After: 0\r\n\r\n{}"
_BUSY = b"HTTP/1.1 429 Too Many Requests\r\n" + _NOTHING_DONE
_AWAY = b"HTTP/1.1 503 Service Unavailable\r\n" + _NOTHING_DONE
_BROKEN = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
)


@dataclass
class Chances:
    """Of each create, in a thousand, what happens to it; ``read_reset`` and ``read_slow`` of each read."""

    reset_unread: int = 15
    reset_after: int = 15
    broken_after: int = 15
    broken_before: int = 5
    busy: int = 4
    away: int = 2
    slow: int = 10
    read_reset: int = 20
    read_slow: int = 100


class Proxy:
    """Forwards requests to the server on ``port`` and spoils some."""

    def __init__(self, rng: random.Random, chances: Chances, port: int) -> None:
        self._rng = rng
        self._chances = chances
        self._upstream = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        return started.result(10)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fate = self._fate(reads=not head.startswith(_CREATES))
                if fate in ("reset_unread", "read_reset"):
                    return self._reset(writer)
                request = head + await reader.readexactly(_length(head))
                if fate in ("slow", "read_slow"):
                    await asyncio.sleep(self._rng.random() * 0.1)
                spoilt = {"busy": _BUSY, "away": _AWAY, "broken_before": _BROKEN}.get(fate)
                if spoilt is None:
                    if upstream is None:
                        try:
                            upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
                        except OSError:
                            return self._reset(writer)
                    answer = await self._exchange(upstream, request)
                    if fate == "reset_after":
                        return self._reset(writer)
                    spoilt = _BROKEN if fate == "broken_after" else answer
                writer.write(spoilt)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            self._reset(writer)
        finally:
            if upstream is not None:
                upstream[1].close()

    async def _exchange(
        self, upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes
    ) -> bytes:
        reader, writer = upstream
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b"transfer-encoding: chunked" not in head.lower():
            return head + await reader.readexactly(_length(head))
        body = head
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line, 16)
            body += line + await reader.readexactly(size + 2)
            if size == 0:
                return body

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        writer.transport.abort()

    def _fate(self, *, reads: bool) -> str:
        point = self._rng.randrange(1000)
        for name, chance in vars(self._chances).items():
            if name.startswith("read_") is not reads:
                continue
            point -= chance
            if point < 0:
                return str(name)
        return "pass"


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


class Server:
    """A served sandbox on a port of its own that can be killed and started again."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        return Path(f"{self.database}.key").read_text(encoding="ascii").strip()

    def start(self) -> None:
        argv = [sys.executable, "-m", "orchctl", "sandbox", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*argv, "--db", str(self.database)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("http")

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@dataclass
class Account:
    """All that was said about the rows, over all runs."""

    runs: int = 0
    kills: int = 0
    restarts: int = 0
    codes: list[int] = field(default_factory=list)
    said_ok: Counter[int] = field(default_factory=Counter)
    unknown: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Torture:
    folder: Path
    seed: int
    rows: int
    parallel: int
    named: bool
    dialect: str = "sherpa"
    kills: int = 3
    restarts: int = 2
    chances: Chances = field(default_factory=Chances)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.account = Account()
        self.input = self.folder / "rows.csv"
        self.state = self.folder / "state"

    @property
    def tells_ids(self) -> bool:
        """UiPath's batch call does not say what the items' ids are, which are not the ones in the database."""
        return self.dialect != "uipath"

    def run(self) -> Account:
        with self.input.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "payload.number"] if self.named else ["payload.number"])
            for number in range(1, self.rows + 1):
                writer.writerow([f"row-{number}", number] if self.named else [number])
        server = Server(self.folder / "sandbox.db")
        server.start()
        try:
            with Proxy(random.Random(self.seed + 1), self.chances, server.port) as port:
                straight = self._env(server.port, server.key)
                assert self._orchctl(straight, "queue", "create", "--name", "Q").wait(60) == 0
                self._until_done(self._env(port, server.key), server)
            self._judge(server.database)
        finally:
            server.kill()
        return self.account

    def _env(self, port: int, key: str) -> Mapping[str, str]:
        xdg = {f"XDG_{name}_HOME": str(self.folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
        return {
            **os.environ,
            **xdg,
            "XDG_STATE_HOME": str(self.state),
            "ORCHCTL_URL": f"http://127.0.0.1:{port}",
            "ORCHCTL_DIALECT": self.dialect,
            "ORCHCTL_FOLDER": "Shared" if self.dialect == "uipath" else "",
            "ORCHCTL_TOKEN": key,
        }

    def _orchctl(
        self, env: Mapping[str, str], *argv: str, out: Any = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "orchctl", *argv], env=env, stdout=out, stderr=subprocess.DEVNULL
        )

    def _until_done(self, env: Mapping[str, str], server: Server) -> None:
        account = self.account
        begin = ["task", "create", "-q", "Q", "--from", str(self.input), "--parallel", str(self.parallel)]
        argv = [*begin, "-o", "jsonl"]
        while True:
            account.runs += 1
            assert account.runs < 100, "it does not come to an end"
            out = self.folder / f"out-{account.runs}.jsonl"
            with out.open("wb") as file:
                process = self._orchctl(env, *argv, out=file)
                self._meddle(process, server)
                code = process.wait(600)
            account.codes.append(code)
            self._read(out, server.database, whole=code >= 0)
            if code == 0:
                return
            if code not in (10, 11, 130, -signal.SIGKILL, -signal.SIGINT):
                account.problems.append(f"a run ended with {code}")
                return
            journals = sorted((self.state / "orchctl" / "bulk").glob("*.jsonl"))
            if journals:  # killed before it was begun, it sent nothing and is begun anew
                argv = ["task", "create", "--resume", journals[-1].stem, "-o", "jsonl"]

    def _meddle(self, process: subprocess.Popen[bytes], server: Server) -> None:
        """Kill the server, or kill or interrupt orchctl, while it runs."""
        account = self.account
        while process.poll() is None:
            fates = ["server"] * (self.restarts - account.restarts) + ["orchctl"] * (
                self.kills - account.kills
            )
            if not fates:
                process.wait(600)
                return
            until = time.monotonic() + 0.4 + self.rng.random() * max(0.5, self.rows / 2000)
            while process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            if process.poll() is not None:
                return
            if self.rng.choice(fates) == "server":
                account.restarts += 1
                server.kill()
                time.sleep(self.rng.random() * 0.5)
                server.start()
            else:
                account.kills += 1
                process.send_signal(self.rng.choice((signal.SIGKILL, signal.SIGINT)))
                return

    def _read(self, out: Path, database: Path, *, whole: bool) -> None:
        """What a run has said, against what is there now that it has ended."""
        time.sleep(0.2)  # what a killed run had sent arrives
        there = effects(database)
        for line in out.read_text(encoding="utf-8").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                if whole:
                    self.account.problems.append(f"not JSON: {line!r}")
                continue
            row, state = said["row"], said["state"]
            if state == "ok":
                self.account.said_ok[row] += 1
                if said["id"] not in there.get(row, ()) and self.tells_ids:
                    self.account.problems.append(f"row {row} is said to be {said['id']}, which is not there")
            elif state in ("rejected", "not_sent"):
                if there.get(row):
                    self.account.problems.append(f"row {row} is said to be {state}, and is there")
            else:
                self.account.unknown += 1

    def _judge(self, database: Path) -> None:
        account = self.account
        there = effects(database)
        for row in range(1, self.rows + 1):
            if len(there.get(row, ())) != 1:
                account.problems.append(f"row {row} was created {len(there.get(row, ()))} times")
            if account.said_ok[row] > 1:
                account.problems.append(f"row {row} was said to be ok {account.said_ok[row]} times")
        (journal,) = (self.state / "orchctl" / "bulk").glob("*.jsonl")
        kept: Counter[int] = Counter()
        for line in journal.read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            if entry["state"] == "ok":
                kept[entry["row"]] += 1
                if entry.get("id") not in there.get(entry["row"], ()) and self.tells_ids:
                    account.problems.append(f"the journal has a wrong id for row {entry['row']}")
        if kept != Counter(dict.fromkeys(range(1, self.rows + 1), 1)):
            account.problems.append("the journal does not have each row ok exactly once")


def effects(database: Path) -> dict[int, list[str]]:
    """The ids of the tasks that each row has made, by what lies in the server's own database."""
    found: dict[int, list[str]] = {}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        for guid, payload in connection.execute("SELECT guid, payload FROM task"):
            found.setdefault(int(json.loads(payload)["number"]), []).append(guid)
    finally:
        connection.close()
    return found


def main() -> Iterator[str]:
    """``python -m tests.bulk.torture SEED [ROWS [PARALLEL]]`` for one seed by hand."""
    import tempfile

    seed, rows, parallel = (
        ([int(word) for word in sys.argv[1:]] + [2000, 8])[:3] if len(sys.argv) > 1 else (1, 2000, 8)
    )
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        torture = Torture(folder=Path(folder), seed=seed, rows=rows, parallel=parallel, named=seed % 2 == 0)
        account = torture.run()
        yield f"seed {seed}, {rows} rows, {parallel} at once: {time.monotonic() - begun:.1f} s"
        yield str(account.codes)
        yield f"{account.kills} kills, {account.restarts} restarts, unknown said {account.unknown} times"
        yield from account.problems[:20] or ["all is well"]


if __name__ == "__main__":
    for line in main():
        print(line)
