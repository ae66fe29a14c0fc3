"""All benchmarks in a row: ``python -m tests.bench [--short]``."""

from __future__ import annotations

import sys

from tests.bench import bulk, follow, http, render, sandbox, start

if __name__ == "__main__":
    short = "--short" in sys.argv
    well = [bench.main(short=short) for bench in (start, http, render, follow, sandbox, bulk)]
    sys.exit(0 if all(well) else 1)
