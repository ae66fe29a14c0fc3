"""The embedded orchestrator's speed and memory, each beside a floor measured in the same run.

``python -m tests.bench.sandbox [--short]`` prints floor, figure, ratio and goal; fails beyond twice a goal.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import Process
from pathlib import Path
from typing import Any

from tests.bench.report import Report

CONNECTIONS = 32


class _Client(asyncio.Protocol):
    """Sends one request again and again over one connection, the next as soon as an answer is whole."""

    def __init__(self, request: bytes, tally: list[int]) -> None:
        self._request = request
        self._tally = tally
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        self._tally[0] += 1
        self._buffer = b""
        self._transport.write(self._request)


def requests_per_second(port: int, request: bytes, seconds: float) -> float:
    async def run() -> float:
        loop = asyncio.get_running_loop()
        tally = [0]
        transports = [
            (await loop.create_connection(partial(_Client, request, tally), "127.0.0.1", port))[0]
            for _ in range(CONNECTIONS)
        ]
        await asyncio.sleep(seconds / 4)
        before, start = tally[0], time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (tally[0] - before) / (time.perf_counter() - start)
        for transport in transports:
            transport.abort()
        return rate

    return asyncio.run(run())


def bare_server(listener: socket.socket, path: str) -> None:
    """uvicorn with nothing but one insert, committed, a request."""
    import uvicorn

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE task (id INTEGER PRIMARY KEY, body BLOB)")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        connection.execute("INSERT INTO task (body) VALUES (?)", (message["body"],))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"[]"})

    config = uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def bare(path: Path) -> Iterator[int]:
    # The protocol is named or asyncio leaves Nagle's algorithm on, which stalls the floor.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        process = Process(target=bare_server, args=(listener, str(path)), daemon=True)
        process.start()
        try:
            _until_open(listener.getsockname()[1])
            yield listener.getsockname()[1]
        finally:
            process.kill()
            process.join()


@contextmanager
def served(path: Path) -> Iterator[tuple[int, int, float]]:
    """A sandbox in its own process: port, process id, milliseconds from the start to the base URL."""
    code = (
        "import sys; from orchctl.sandbox.server import serve;"
        "serve(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
    )
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline()
            yield int(url.rpartition(":")[2]), process.pid, (time.perf_counter() - start) * 1000
        finally:
            process.send_signal(signal.SIGTERM)


def creates(report: Report, folder: Path, seconds: float) -> None:
    from orchctl.sandbox import admin
    from orchctl.sandbox.app import open_app
    from orchctl.sandbox.engine import queues

    path = folder / "creates.db"
    app = open_app(str(path))
    app.engine.write(lambda tx: queues.create(tx, {"name": "Invoices"}))
    app.close()
    body = b"queue_guid=Invoices&name=INV-1&parameters=%7B%22amount%22%3A12.5%2C%22currency%22%3A%22EUR%22%7D"
    credential = base64.b64encode(admin.key(path).encode()).decode()
    request = (
        f"POST /api/task/create HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credential}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    with bare(folder / "bare.db") as port, served(path) as (sandbox_port, _, _):
        floors, figures = [], []
        for _ in range(3):
            floors.append(requests_per_second(port, request, seconds))
            figures.append(requests_per_second(sandbox_port, request, seconds))
    report.ratio(
        f"creates over {CONNECTIONS} connections",
        statistics.median(figures),
        statistics.median(floors),
        0.6,
        unit="req/s",
        more=True,
    )


def claims(report: Report, folder: Path, many: int) -> None:
    """Microseconds a claim, half of what lies in the queue postponed; and the memory to serve as much."""
    from orchctl.sandbox.app import App, open_app
    from orchctl.sandbox.engine import Tx, queues, tasks

    def fill(app: App, count: int) -> None:
        app.engine.write(lambda tx: queues.create(tx, {"name": "Invoices"}))

        def some(tx: Tx, first: int) -> None:
            queue = queues.find(tx, "Invoices")
            for number in range(first, min(first + 10_000, count)):
                # All the postponed ones came first.
                later = tx.now + 10**9 if number < count // 2 else None
                tasks.create(
                    tx,
                    queue,
                    {"name": f"INV-{number}", "payload": '{"amount":12.5}', "postponed_until": later},
                )

        for first in range(0, count, 10_000):
            app.engine.write(partial(some, first=first))

    def one(tx: Tx) -> None:
        assert tasks.take(tx, queues.find(tx, "Invoices")) is not None

    def microseconds(app: App, times: int) -> float:
        took = []
        for _ in range(times):
            start = time.perf_counter()
            app.engine.write(one)
            took.append(time.perf_counter() - start)
        return statistics.median(took) * 1e6

    apps = {count: open_app(str(folder / f"{count}.db"), in_process=True) for count in (1000, many)}
    for count, app in apps.items():
        fill(app, count)
    few, lots = ([microseconds(app, 100) for _ in range(3)] for app in apps.values())
    for app in apps.values():
        app.close()
    report.ratio(
        f"a claim at {many:,} tasks, half postponed",
        statistics.median(lots),
        statistics.median(few),
        2,
        unit="us",
    )
    with served(folder / f"{many}.db") as (port, pid, _):
        credential = base64.b64encode((folder / f"{many}.db.key").read_bytes().strip()).decode()
        size = listed(port, credential)
        assert size > many * 100
        report.at_most(f"memory after listing {many:,} tasks", _resident(pid), 60, unit="MiB")


def job_claims(report: Report, folder: Path, many: int) -> None:
    """Microseconds for a robot's next job, claimed, begun and ended, out of few and out of many that wait."""
    from orchctl.model import JobStatus
    from orchctl.sandbox.app import App, open_app
    from orchctl.sandbox.engine import Tx, heartbeats, jobs, processes, robots

    def fill(app: App, count: int) -> None:
        def make(tx: Tx) -> None:
            robot = robots.create(tx, {"name": "R"})
            group = robots.create_group(tx, {"name": "G"})
            robots.add_to_group(tx, group, robot)
            processes.add_version(tx, processes.create(tx, {"name": "P"}), {"name": "main.py"})

        def some(tx: Tx) -> None:
            process, group = processes.find(tx, "P"), robots.find_group(tx, "G")
            for _ in range(1000):
                jobs.create(tx, process, {}, group=group)

        app.engine.write(make)
        for _ in range(0, count, 1000):
            app.engine.write(some)

    def one(tx: Tx) -> None:
        job = heartbeats.consume(tx, robots.find(tx, "R"))
        assert job is not None
        jobs.update(tx, jobs.update(tx, job, {}, status=JobStatus.IN_PROGRESS), {}, status=JobStatus.SUCCESS)

    def microseconds(app: App) -> float:
        took = []
        for _ in range(200):
            start = time.perf_counter()
            app.engine.write(one)
            took.append(time.perf_counter() - start)
        return statistics.median(took) * 1e6

    apps = {count: open_app(str(folder / f"{count}-jobs.db"), in_process=True) for count in (1000, many)}
    for count, app in apps.items():
        fill(app, count)
    few, lots = (statistics.median(microseconds(app) for _ in range(3)) for app in apps.values())
    for app in apps.values():
        app.close()
    report.ratio(f"a job claimed, begun and ended at {many:,} jobs", lots, few, 2, unit="us")


def listed(port: int, credential: str) -> int:
    """Read the list of a whole queue; gives its bytes."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            "POST /api/task/filter/list/Invoices HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Basic {credential}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
        )
        size = 0
        while data := connection.recv(1 << 20):
            size += len(data)
    return size


def starts(report: Report, folder: Path, times: int) -> None:
    path = folder / "start.db"
    command = "import sys; import orchctl.client, orchctl.transport, orchctl.dialects.sherpa"
    in_process = (
        "; from orchctl.sandbox.app import open_app, Request; app = open_app(sys.argv[1], in_process=True);"
        "app.handle(Request('GET', '/api/queue/read')); app.close()"
    )

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)

    # In turn, so that a noisy neighbour is in all three.
    codes = ("pass", command, command + in_process)
    rounds = [[_milliseconds(partial(run, code)) for code in codes] for _ in range(times + 1)][1:]
    bare_python, without, whole = (statistics.median(column) for column in zip(*rounds, strict=True))
    report.ratio("one request in process, added to a command", whole - without, bare_python, 8, unit="ms")

    def start() -> float:
        with served(path) as (_, _, milliseconds):
            return milliseconds

    report.at_most("start of the server", statistics.median(start() for _ in range(times)), 250, unit="ms")


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _until_open(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError(port)


def _resident(pid: int) -> float:
    """MiB of a process's memory that is in use and its own; Linux."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(*, short: bool) -> bool:
    report = Report("the embedded orchestrator")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts(report, folder, 5 if short else 15)
        creates(report, folder, 1.0 if short else 4.0)
        claims(report, folder, 50_000 if short else 1_000_000)
        job_claims(report, folder, 20_000 if short else 300_000)
    return report.print()


if __name__ == "__main__":
    sys.exit(0 if main(short="--short" in sys.argv) else 1)
