"""Everything at once, by chance and by seed, until the run is finished: each row once, and nothing false said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bulk.torture import Chances, Torture

LONG = bool(os.environ.get("ORCHCTL_LONG"))
SEEDS = range(200) if LONG else range(2)
ROWS = 10_000 if LONG else 250


@pytest.mark.parametrize("seed", range(40) if LONG else range(1))
def test_the_same_in_batches(tmp_path: Path, seed: int) -> None:
    """UiPath takes 500 items a call, so that each that goes wrong leaves 500 rows in doubt."""
    torture = Torture(
        folder=tmp_path,
        seed=seed,
        rows=20_000 if LONG else 3000,
        parallel=(8, 1)[seed % 2],
        named=seed % 4 < 2,
        dialect="uipath",
        kills=2 if LONG else 0,
        restarts=1,
        chances=Chances(100, 100, 100, 50, 20, 20, 10),
    )
    account = torture.run()
    assert account.problems == []
    assert account.codes[-1] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_is_created_once_and_told_truly(tmp_path: Path, seed: int) -> None:
    torture = Torture(
        folder=tmp_path,
        seed=seed,
        rows=ROWS,
        parallel=(8, 1)[seed % 2],
        named=seed % 4 < 2,
        kills=3 if LONG else 1,
        restarts=2 if LONG else 1,
    )
    account = torture.run()
    assert account.problems == []
    assert account.codes[-1] == 0
