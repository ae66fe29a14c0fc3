"""Many small writes over loopback: Transport.send against a plain requests.Session in the same run.

``python -m tests.bench.http [--short]``; fails only beyond twice the goal.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from orchctl.transport import Call, Transport
from tests.bench.report import Report

CALL = Call(method="POST", path="/api/task/create", form={"name": "INV-1", "queue_guid": "q"})
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"guid":"1"}'

CREDENTIAL = {"Authorization": "Basic eA=="}
LATENCY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    rate: float
    cpu: float


class _Server(asyncio.Protocol):
    """Answers each request with the same bytes; as little as can be, so that the client is what is measured."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, ANSWER)
            else:
                self._transport.write(ANSWER)


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Server(delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(work: Callable[[], object], *, threads: int, each: int) -> Figure:
    def run() -> None:
        for _ in range(each):
            work()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    started, used = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    elapsed, used = time.perf_counter() - started, time.process_time() - used
    total = threads * each
    return Figure(rate=total / elapsed, cpu=used / total * 1000)


def median(runs: list[Figure]) -> Figure:
    return Figure(
        rate=statistics.median(run.rate for run in runs), cpu=statistics.median(run.cpu for run in runs)
    )


def main(*, short: bool) -> bool:
    rounds, total = (3, 1600) if short else (5, 8000)
    report = Report("Many small writes over loopback")
    with serving(delay=0) as url:
        near(report, url, rounds, total)
    with serving(delay=LATENCY) as url:
        far(report, url, rounds, total)
    return report.print()


def near_floor(url: str, total: int) -> Figure:
    """What a plain loop over requests.Session does in 8 threads."""
    local = threading.local()

    def plain() -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.post(f"{url}{CALL.path}", data=CALL.form, headers=CREDENTIAL)
        answer.json()

    return measure(plain, threads=8, each=total // 8)


def near(report: Report, url: str, rounds: int, total: int) -> None:
    floors, eights, ones = [], [], []
    with transport(url, size=8) as send:
        for _ in range(rounds):
            floors.append(near_floor(url, total))
            eights.append(measure(send, threads=8, each=total // 8))
            ones.append(measure(send, threads=1, each=total // 2))
    floor, eight, one = median(floors), median(eights), median(ones)
    report.ratio("8 threads, to requests.Session in 8", eight.rate, floor.rate, 2.0, unit="/s", more=True)
    report.ratio("1 thread, to requests.Session in 8", one.rate, floor.rate, 2.0, unit="/s", more=True)
    # 0.5 s on the machine where the floor takes 1.05.
    report.ratio("CPU of 1,000, 8 threads", eight.cpu, floor.cpu, 0.5 / 1.05, unit="s")
    report.ratio("CPU of 1,000, 1 thread", one.cpu, floor.cpu, 0.5 / 1.05, unit="s")


def far(report: Report, url: str, rounds: int, total: int) -> None:
    """With a wait in each answer, threads should cost nothing but that wait."""
    threads = 32
    with transport(url, size=threads) as send:
        measure(send, threads=threads, each=2)  # the connections stand
        figure = median([measure(send, threads=threads, each=total // threads) for _ in range(rounds)])
    ideal = threads / LATENCY
    report.ratio("32 threads, 20 ms away, to the ideal", figure.rate, ideal, 0.85, unit="/s", more=True)


@contextmanager
def transport(url: str, *, size: int) -> Iterator[Callable[[], object]]:
    ours = Transport(base_url=url, authorize=lambda _: CREDENTIAL, notify=print, pool_size=size)
    yield lambda: ours.send(CALL).data()
    ours.close()


@contextmanager
def serving(*, delay: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.http", "--serve", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(_serve(float(sys.argv[-1])))
    else:
        sys.exit(0 if main(short="--short" in sys.argv) else 1)
