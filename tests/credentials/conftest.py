"""A Secret Service of its own for the tests that are marked ``secret_service``.

Where its programs are missing those tests are not run, and the last lines of the output say so; in CI they fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchctl.sanitize import forget_secrets
from tests.credentials.keyring_doubles import Memory
from tests.credentials.real_keyring import INSTALL, SecretService, missing, running

LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not missing() or os.environ.get("CI") == "true":
        return
    left_out = [item for item in items if item.get_closest_marker("secret_service")]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"NOT RUN: {count} tests of the credential store need {' and '.join(missing())}: {INSTALL}",
            red=True,
        )


@pytest.fixture
def secret_service(tmp_path: Path) -> Iterator[SecretService]:
    assert not missing(), f"{' and '.join(missing())} not installed: {INSTALL}"
    with running(tmp_path) as service:
        yield service


Backend = Callable[[str], None]


@pytest.fixture(autouse=True)
def no_secret_is_left() -> Iterator[None]:
    yield
    forget_secrets()
    Memory.kept.clear()


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """``backend("Sleeping")`` makes one of ``keyring_doubles`` the keyring."""

    def use(name: str) -> None:
        chosen = name if "." in name else f"tests.credentials.keyring_doubles.{name}"
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", chosen)

    return use
