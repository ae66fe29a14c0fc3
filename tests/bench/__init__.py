"""Benchmarks: each prints floor, figure, ratio and goal, and fails only beyond twice the goal."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """That of this process, without what would slow every Python program down: nobody has it so on purpose."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if name not in dropped}
