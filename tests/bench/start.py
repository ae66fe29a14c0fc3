"""Cold starts as ratios to ``python -c pass`` of the same interpreter, in the same run.

Run: ``python -m tests.bench.start [--short]``
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import environment
from tests.bench.report import Report
from tests.server import serving

PROGRAM = [sys.executable, "-m", "orchctl"]
FLOOR = [sys.executable, "-c", "pass"]


def seconds(argv: list[str], env: dict[str, str]) -> float:
    """The wall time of a process, in seconds."""
    begun = time.perf_counter()
    subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def beside_floor(argv: list[str], env: dict[str, str], rounds: int) -> tuple[float, float]:
    """The best of a process and of its floor, taken in turns: what disturbs one disturbs the other."""
    seconds(argv, env)  # fills the caches
    pairs = [(seconds(argv, env), seconds(FLOOR, env)) for _ in range(rounds)]
    return min(figure for figure, _ in pairs), min(floor for _, floor in pairs)


def peak_mib(argv: list[str], env: dict[str, str]) -> float:
    """The peak resident memory of a process, in MiB."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *argv], env=env, capture_output=True, text=True, check=True
    )
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return int(run.stdout) / unit


def main(*, short: bool) -> bool:
    rounds = 9 if short else 25
    report = Report("start: ratio to `python -c pass`")
    assert resource.RLIM_INFINITY  # the module is needed in the child; a platform without it fails here
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "sandbox.db") as (url, key):
        env = environment()
        env |= {f"XDG_{name}_HOME": folder for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        http = {**env, "ORCHCTL_URL": url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": key}
        embedded = {**env, "ORCHCTL_URL": f"sandbox:{folder}/own.db", "ORCHCTL_DIALECT": "sherpa"}
        for place in (http, embedded):
            for words in ("queue create --name Q", "task create -q Q --name T -p a=1"):
                subprocess.run([*PROGRAM, *words.split()], env=place, check=True, stdout=subprocess.DEVNULL)
        configured = {**env, "ORCHCTL_CONFIG": f"{folder}/config.yaml"}
        Path(configured["ORCHCTL_CONFIG"]).write_text(
            f"current-context: a\ncontexts: {{a: {{dialect: sherpa, url: 'sandbox:{folder}/own.db'}}}}\n",
            encoding="utf-8",
        )
        read = ["task", "get", "T"]
        rows: list[tuple[str, list[str], dict[str, str], float]] = [
            ("--version", ["--version"], env, 1.5),
            ("--help", ["--help"], env, 5.5),
            ("task --help", ["task", "--help"], env, 5.5),
            ("a usage error", ["task", "lits"], env, 5.5),
            ("completion of names", ["completion", "names", "queue", "--", "task"], configured, 6),
            ("one read over HTTP, JSON", [*read, "-o", "json"], http, 12),
            ("one read over HTTP, table", [*read, "-o", "wide"], http, 17),
            ("one read in process, JSON", [*read, "-o", "json"], embedded, 12 + 8),
        ]
        for name, argv, place, goal in rows:
            figure, floor = beside_floor([*PROGRAM, *argv], place, rounds)
            report.ratio(name, figure, floor, goal, unit="s")
        report.at_most(
            "RSS of one read over HTTP", peak_mib([*PROGRAM, *read, "-o", "json"], http), 32, unit="MiB"
        )
    return report.print()


if __name__ == "__main__":
    sys.exit(0 if main(short="--short" in sys.argv) else 1)
