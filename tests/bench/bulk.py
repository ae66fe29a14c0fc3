"""Thousands of rows: creates, journal and all, against a plain requests.Session; memory; export.

Run: ``python -m tests.bench.bulk [--short]``; fails only beyond twice the goal. ORCHCTL_LONG=1 takes the million.
"""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import requests

from tests.bench import environment
from tests.bench.http import LATENCY, measure, near_floor, serving
from tests.bench.report import Report
from tests.server import serving as serving_sandbox

KEY = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One process: seconds from its start to its end, CPU seconds, peak memory in MiB."""

    seconds: float
    cpu: float
    peak: float


def rows(path: Path, count: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "payload.amount", "payload.currency"])
        writer.writerows([f"INV-{number}", number, "EUR"] for number in range(count))
    return path


def orchctl(env: dict[str, str], *argv: str) -> Ran:
    """Run it to its end; its result goes where nobody looks."""
    code = (
        "import json, resource, subprocess, sys, time\n"
        "begun = time.perf_counter()\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "seconds = time.perf_counter() - begun\n"
        "print(json.dumps([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))\n"
    )
    argv_all = [sys.executable, "-c", code, sys.executable, "-m", "orchctl", *argv]
    run = subprocess.run(argv_all, env=env, capture_output=True, text=True, check=True)
    status, seconds, cpu, peak = (float(word) for word in run.stdout.strip("[]\n").split(","))
    assert status == 0, (argv, status)
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Ran(seconds=seconds, cpu=cpu, peak=peak / unit)


def middle(runs: list[Ran]) -> Ran:
    return Ran(
        seconds=median(run.seconds for run in runs),
        cpu=median(run.cpu for run in runs),
        peak=median(run.peak for run in runs),
    )


@contextmanager
def home() -> Iterator[tuple[Path, dict[str, str]]]:
    with tempfile.TemporaryDirectory() as name:
        env = {**environment(), "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": KEY}
        env |= {f"XDG_{kind}_HOME": name for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        yield Path(name), env


def creates(report: Report, *, total: int, rounds: int) -> None:
    """The start of the program, the check of all rows and the journal are all in it."""
    with home() as (folder, env), serving(delay=0) as url:
        many = ("task", "create", "-q", "Q", "--from", str(rows(folder / "many.csv", total)))
        env["ORCHCTL_URL"] = url
        floors, figures = [], []
        for _ in range(rounds):
            floors.append(near_floor(url, total))
            figures.append(orchctl(env, *many, "--parallel", "8"))
        floor_rate = median(floor.rate for floor in floors)
        figure = middle(figures)
        rate = total / figure.seconds
        report.ratio("rows, 8 at once, to requests.Session in 8", rate, floor_rate, 2.0, unit="/s", more=True)
        report.at_most("CPU of 1,000 rows", figure.cpu / total * 1000, 0.5, unit="s")


def creates_far_away(report: Report, *, total: int, rounds: int) -> None:
    with home() as (folder, env), serving(delay=LATENCY) as url:
        env["ORCHCTL_URL"] = url
        few = ("task", "create", "-q", "Q", "--from", str(rows(folder / "few.csv", 32)), "--parallel", "32")
        many = (
            "task",
            "create",
            "-q",
            "Q",
            "--from",
            str(rows(folder / "many.csv", total)),
            "--parallel",
            "32",
        )
        figures = []
        for _ in range(rounds):
            before = orchctl(env, *few).seconds
            figures.append((total - 32) / (orchctl(env, *many).seconds - before))
        ideal = 32 / LATENCY
        report.ratio(
            "32 at once, 20 ms away, to the ideal", median(figures), ideal, 0.85, unit="/s", more=True
        )


def batches(report: Report, *, total: int) -> None:
    """UiPath's batch call against a plain loop over requests.Session that sends one item a call."""
    with home() as (folder, env), serving_sandbox(folder / "sandbox.db") as (url, key):
        env |= {
            "ORCHCTL_URL": url,
            "ORCHCTL_TOKEN": key,
            "ORCHCTL_DIALECT": "uipath",
            "ORCHCTL_FOLDER": "Shared",
        }
        orchctl(env, "queue", "create", "--name", "Q")
        item = {"Name": "Q", "Priority": "Normal", "SpecificContent": {"amount": "1", "currency": "EUR"}}
        headers = {"Authorization": f"Bearer {key}", "X-UIPATH-FolderPath": "Shared"}
        local = threading.local()

        def one() -> None:
            if not hasattr(local, "session"):
                local.session = requests.Session()
            path = "/odata/Queues/UiPathODataSvc.AddQueueItem"
            local.session.post(f"{url}{path}", json={"itemData": item}, headers=headers).raise_for_status()

        floor = measure(one, threads=8, each=250)
        many = ("task", "create", "-q", "Q", "--from", str(rows(folder / "many.csv", total)))
        rate = total / orchctl(env, *many).seconds
    report.ratio("UiPath's batches, to one call an item in 8", rate, floor.rate, 10, unit="/s", more=True)


def memory(report: Report, *, few: int, many: int) -> None:
    with home() as (folder, env), serving(delay=0) as url:
        env["ORCHCTL_URL"] = url
        peaks = [
            orchctl(env, "task", "create", "-q", "Q", "--from", str(rows(folder / "rows.csv", count))).peak
            for count in (few, many)
        ]
    report.at_most(f"memory of {many:,} rows beyond that of {few:,}", peaks[1] - peaks[0], 20, unit="MiB")


def export(report: Report, *, few: int, many: int) -> None:
    with home() as (folder, env), serving_sandbox(folder / "sandbox.db") as (url, key):
        env |= {"ORCHCTL_URL": url, "ORCHCTL_TOKEN": key}
        for count in (few, many):
            _fill(folder / "sandbox.db", f"Q{count}", count)
        small = orchctl(env, "task", "export", "-q", f"Q{few}", "-o", "jsonl")
        begun = time.perf_counter()
        large = orchctl(env, "task", "export", "-q", f"Q{many}", "-o", "jsonl")
        rate = many / (time.perf_counter() - begun)
    report.at_most(f"memory of exporting {many:,} beyond {few:,}", large.peak - small.peak, 20, unit="MiB")
    report.at_most("a row exported", 1e6 / rate, 150, unit="us")


def _fill(database: Path, name: str, count: int) -> None:
    from orchctl.sandbox.app import open_app
    from orchctl.sandbox.engine import Tx, queues, tasks

    app = open_app(str(database))
    app.engine.write(lambda tx: queues.create(tx, {"name": name}))

    def some(tx: Tx, first: int) -> None:
        queue = queues.find(tx, name)
        for number in range(first, min(first + 10_000, count)):
            tasks.create(tx, queue, {"name": f"INV-{number}", "payload": '{"amount":12.5,"currency":"EUR"}'})

    for first in range(0, count, 10_000):
        app.engine.write(partial(some, first=first))
    app.close()


def main(*, short: bool) -> bool:
    assert resource.RLIM_INFINITY  # a platform without the module cannot measure
    report = Report("Many rows: create --from and export")
    million = 1_000_000 if os.environ.get("ORCHCTL_LONG") else 100_000
    # Not fewer rows: the start of two processes would be a part of the figure that is not small.
    creates(report, total=16_000, rounds=1 if short else 3)
    creates_far_away(report, total=6_000, rounds=1 if short else 3)
    batches(report, total=20_000 if short else 50_000)
    memory(report, few=1_000, many=10_000 if short else million)
    export(report, few=1_000, many=20_000 if short else million)
    return report.print()


if __name__ == "__main__":
    sys.exit(0 if main(short="--short" in sys.argv) else 1)
