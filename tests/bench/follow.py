"""A million log entries through ``log tail -f`` to a file, against parsing and writing the same lines bare.

Run: ``python -m tests.bench.follow [--short]``
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import environment
from tests.bench.report import Report
from tests.logserver import JOB, SUCCESS, LogServer, log_server, record

BARE = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as lines, open(sys.argv[2], "w", encoding="utf-8") as out:
    for line in lines:
        entry = json.loads(line)
        out.write(f"{entry['created_at']}  {entry['Level']}  {entry['robot_id']}  {entry['Message']}\\n")
"""
TAIL = 1000


def write_log(path: Path, many: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        for number in range(many):
            second = number // 50
            stamp = f"2026-01-31 {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            message = f"Invoice {number} was read from the mailbox and put into the queue"
            out.write(json.dumps(record(number, time=stamp, message=message)) + "\n")


def seconds(argv: list[str], env: dict[str, str] | None = None, out: Path | None = None) -> float:
    """Of the processor: both sides do nothing but reckon, and the machine has other things to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(out or os.devnull, "wb") as file:
        subprocess.run(argv, check=True, env=env, stdout=file)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def follower(server: LogServer, home: Path, *options: str) -> tuple[list[str], dict[str, str]]:
    folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
    argv = [sys.executable, "-m", "orchctl", "job", "logs", JOB, "-f", *options]
    return argv, {**environment(), **folders, **server.env}


def through(lines: Path, home: Path, output: str) -> float:
    """Time for all of them in one answer; those after it hold the last, as after a purge."""
    rows = lines.read_bytes().rstrip(b"\n").split(b"\n")
    whole, end = (b"[" + b",".join(part) + b"]" for part in (rows, rows[-TAIL:]))
    many = len(rows)
    del rows

    def answer() -> bytes:
        return end if server.answered else whole

    with log_server(answer) as server:
        server.status = SUCCESS
        out = home / "followed"
        argv, env = follower(server, home, "-o", output)
        taken = seconds(argv, env, out)
    with out.open("rb") as found:
        assert sum(1 for _ in found) == many
    return taken


def latency(home: Path, interval: float) -> float:
    """Seconds from the moment the server has a line until it is read from the follower, beyond one poll."""
    records: list[dict[str, Any]] = []
    with log_server(lambda: json.dumps(records).encode()) as server:
        argv, env = follower(server, home, "-o", "raw", "--interval", str(interval))
        process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        while server.answered < 2:
            time.sleep(0.01)
        delays = []
        for number in range(10):
            time.sleep(interval * 0.37)
            began = time.perf_counter()
            records.append(record(number, time="2026-01-31 18:00:00", message=str(number)))
            assert process.stdout.readline() == f"{number}\n"
            delays.append(time.perf_counter() - began)
        process.terminate()
        process.wait()
        process.stdout.close()
    return max(0.0, max(delays) - interval)


def main(*, short: bool = False) -> bool:
    many, rounds = (100_000, 2) if short else (1_000_000, 3)
    report = Report(f"Following, {many:,} log entries")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        lines = home / "lines"
        write_log(lines, many)
        bare = [sys.executable, "-c", BARE, str(lines), str(home / "bare")]
        floors, texts, jsonls = [], [], []
        for _ in range(rounds):
            floors.append(seconds(bare))
            texts.append(through(lines, home, "text"))
            jsonls.append(through(lines, home, "jsonl"))
        report.ratio("lines to a file", median(texts), median(floors), 3, unit="s")
        report.ratio("-o jsonl with all fields", median(jsonls), median(floors), 6, unit="s")
        report.at_most("a new line beyond one poll", latency(home, 0.2) * 1000, 50, unit="ms")
    return report.print()


if __name__ == "__main__":
    sys.exit(0 if main(short="--short" in sys.argv) else 1)
