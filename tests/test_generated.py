"""What is generated is fresh: completions and the parts of the README."""

from __future__ import annotations

from tests.generated import TOP, files


def test_generated_files_are_fresh() -> None:
    stale = [
        str(path.relative_to(TOP))
        for path, text in files()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run: python -m tests.generated   # {', '.join(stale)}"
