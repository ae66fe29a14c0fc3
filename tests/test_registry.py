"""The registry: a memory of names and ids that never costs a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchctl.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "state" / "registry.json")


def test_what_was_seen_is_known_until_it_is_forgotten(registry: Registry) -> None:
    registry.remember("queue", {"1": "Invoices", "2": "Bills"})
    registry.remember("robot", {"1": "R1"})
    assert registry.seen("queue") == {"1": "Invoices", "2": "Bills"}
    registry.forget("queue", "Invoices")
    registry.forget("queue", "2")
    assert (registry.seen("queue"), registry.seen("robot")) == ({}, {"1": "R1"})


def test_it_does_not_grow_for_ever(registry: Registry) -> None:
    registry.remember("job", {str(number): "" for number in range(2500)})
    seen = registry.seen("job")
    assert (len(seen), "0" in seen, "2499" in seen) == (2000, False, True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"queue": []}'])
def test_a_damaged_file_has_seen_nothing_and_is_replaced(registry: Registry, content: str) -> None:
    registry.path.parent.mkdir()
    registry.path.write_text(content)
    assert registry.seen("queue") == {}
    registry.remember("queue", {"1": "Invoices"})
    assert registry.seen("queue") == {"1": "Invoices"}


def test_a_folder_that_cannot_be_written_costs_the_memory_and_not_the_command(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    registry = Registry(blocked / "registry.json")
    registry.remember("queue", {"1": "Invoices"})
    assert registry.seen("queue") == {}
