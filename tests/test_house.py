"""The house stands: imports point down, the start is light, and what is named as text is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import orchctl
from orchctl.cli.app import Tree, app
from orchctl.cli.lazy import load
from orchctl.dialects import DIALECTS
from orchctl.dialects.base import Dialect, Feature

PACKAGE = Path(orchctl.__file__).parent

# From the top down: a module may import what stands on a later line, and its own package.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"invocation"},
    {"sessions", "embedded", "contexts", "logins", "assets", "manual", "declared", "doctor", "rawapi"},
    {"live"},
    {"bulk"},
    {"render", "agent", "schemas", "topics"},
    {"client"},
    {"dialects"},
    {"transport", "config", "credentials", "registry", "ledger", "pace"},
    {"sandbox"},
    {"streams", "payload", "yaml_text"},
    {"sanitize", "paths", "times", "spreadsheet", "guess"},
    {"model", "errors"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# Beside the order above: what the sandbox may know of the rest, or a wrong mapping would be mirrored.
SANDBOX_KNOWS = {"sandbox", "model", "errors", "paths", "times"}
HEAVY = {"requests", "urllib3", "rich", "keyring", "yaml", "sqlite3", "uvicorn", "jmespath"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts != ("__init__",):
            yield parts[0], path


def imported(path: Path) -> Iterator[str]:
    """The parts of orchctl that a file imports at run time, wherever the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "orchctl":
                names = [f"orchctl.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("orchctl.") and name != "orchctl.__version__":
                yield name.split(".")[1]


@pytest.mark.parametrize(
    ("part", "path"), list(modules()), ids=lambda value: str(value).rpartition("orchctl/")[2]
)
def test_imports_point_down(part: str, path: Path) -> None:
    for other in imported(path):
        assert other == part or RANK[other] > RANK[part], f"{part} imports {other}"
        if part == "sandbox":
            assert other in SANDBOX_KNOWS, f"the sandbox imports {other}"


def loaded_after(*argv: str, env: dict[str, str] | None = None) -> set[str]:
    """The top-level modules that a command line has loaded when it ends."""
    code = (
        "import sys, io, contextlib\n"
        "from orchctl.cli.app import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        f"    main({list(argv)!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env, timeout=60
    )
    return set(run.stdout.split())


LIGHT = [
    [],
    ["--help"],
    ["--version"],
    ["tsak"],
    ["task", "lits"],
    ["task", "list", "--no-such-option"],
    ["task", "create"],
    *([noun, "--help"] for noun in Tree.nouns),
]


@pytest.mark.parametrize("argv", LIGHT, ids=" ".join)
def test_the_start_is_light(argv: list[str]) -> None:
    assert not loaded_after(*argv) & HEAVY


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command of the tree with its words, the lazy ones loaded."""
    for name, command in group.loaded().items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_group(app)))


def test_each_lazy_noun_imports_and_its_summary_is_that_of_its_stub() -> None:
    for name, (target, summary) in Tree.nouns.items():
        help_ = load(target, name).help
        assert help_ == summary or "\n" in help_  # a command's own help says more than its stub


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_each_command_has_help_with_an_example_and_fits_80_columns(
    orchctl: Any, words: tuple[str, ...]
) -> None:
    result = orchctl(*words, "--help")
    assert result.code == 0
    assert "Example:\n    orchctl " in result.out
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert result.out.count("-c, --context") == 1


@pytest.mark.parametrize("target", list(DIALECTS.values()))
def test_a_dialect_has_a_method_for_each_feature_and_a_reason_for_each_gap(target: str) -> None:
    module, _, name = target.partition(":")
    dialect: type[Dialect] = getattr(import_module(module), name)
    assert dialect.features | dialect.gaps.keys() == set(Feature)
    assert not dialect.features & dialect.gaps.keys()
    for feature in Feature:
        overridden = getattr(dialect, feature) is not getattr(Dialect, feature)
        assert overridden == (feature in dialect.features), feature
    order = [feature for part in dialect.__mro__ if part is not Dialect for feature in vars(part)]
    assert [word for word in order if word in set(Feature)] == [word for word in Feature if word in order]


@pytest.mark.parametrize("whole", ["orchctl.client:Client", *DIALECTS.values()])
def test_no_two_parts_of_a_class_define_the_same_name(whole: str) -> None:
    """They would silently take each other's methods."""
    module, _, name = whole.partition(":")
    parts = getattr(import_module(module), name).__mro__[1:]
    owners: dict[str, list[type]] = {}
    for part in parts:
        for word in vars(part):
            if not word.startswith("__") and word != "_abc_impl":
                owners.setdefault(word, []).append(part)
    for word, found in owners.items():
        first = found[0]
        assert all(issubclass(first, other) for other in found), f"{word}: {found}"
