"""Help topics, and what is guessed when a word is mistyped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import orchctl as package
from orchctl import errors, topics
from orchctl.cli.app import Tree
from orchctl.errors import OrchctlError


@pytest.mark.parametrize("topic", list(topics.TOPICS))
def test_a_topic_fits_80_columns(orchctl: Any, topic: str) -> None:
    result = orchctl("help", topic)
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    assert result.out == topics.text(topic) + "\n"


def test_every_exit_code_of_an_error_is_explained() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OrchctlError)
    ]
    assert {str(kind.exit_code) for kind in kinds} <= set(topics.EXIT_CODES)


def test_every_variable_that_is_read_is_explained(orchctl: Any) -> None:
    text = orchctl("help", "environment").out
    source = "".join(path.read_text(encoding="utf-8") for path in Path(package.__file__).parent.rglob("*.py"))
    read = set(re.findall(r"""["'](ORCHCTL_[A-Z_]*[A-Z])["']""", source))
    assert {name for name in read if name not in text} == set()


def test_help_of_a_command_is_its_help(orchctl: Any) -> None:
    assert orchctl("help", "task", "create").out == orchctl("task", "create", "--help").out
    assert orchctl("help").out == orchctl("--help").out
    assert orchctl("help", "task", "lits").err == (
        "orchctl: orchctl task has no command 'lits'\nhint: did you mean orchctl task list?\n"
    )
    assert orchctl("help", "exit-code").err == (
        "orchctl: there is no help on 'exit-code'\nhint: did you mean exit-codes?\n"
    )


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["tsak"], "did you mean orchctl task?"),
        (["queue", "lst"], "did you mean orchctl queue list?"),
        (["task", "list", "-q", "Invoices", "--sicne", "1d"], "did you mean --since?"),
        (["task", "list", "-q", "Invoices", "--fields", "nmae"], 'did you mean "name"? valid fields: '),
        (["task", "list", "-q", "Invoices", "-o", "jsno"], "did you mean json? one of: "),
        (["task", "list", "-q", "Invoices", "--status", "sucess"], "did you mean success? one of: "),
        (["-c", "snadbox", "queue", "list"], "did you mean sandbox?"),
        (["context", "use", "snadbox"], "did you mean sandbox?"),
        (["context", "add", "x", "--dialect", "shepra", "--url", "sandbox:"], "did you mean sherpa?"),
        (["task", "list", "-q", "Invocies"], "did you mean Invoices?"),
        (["task", "create", "-q", "Invocies", "--name", "X"], "did you mean Invoices?"),
        (["task", "next", "-q", "invoices2"], "did you mean Invoices?"),
        (["task", "next", "-q", "Invocies", "--take"], "did you mean Invoices?"),
        (["queue", "get", "Invocies"], "did you mean Invoices?"),
        (["queue", "delete", "Invocies", "--yes"], "did you mean Invoices?"),
        (["schema", "tsk"], "did you mean task? one of: "),
        (["completion", "show", "fsh"], "did you mean fish?"),
    ],
)
def test_a_mistyped_word_is_guessed(orchctl: Any, tmp_path: Path, argv: list[str], hint: str) -> None:
    orchctl("sandbox", "init", "--db", str(tmp_path / "sandbox.db"))
    orchctl("queue", "create", "--name", "Invoices")
    result = orchctl(*argv)
    assert result.code in (2, 4, 12)
    assert result.err.splitlines()[-1].startswith(f"hint: {hint}")


def test_a_queue_that_was_never_seen_is_not_guessed(orchctl: Any, sandbox: Mapping[str, str]) -> None:
    assert "did you mean" not in orchctl("queue", "get", "Nope", env=sandbox).err


@pytest.mark.parametrize(
    "words", [(), *((noun,) for noun in Tree.nouns), ("task", "tag"), ("robot", "group")]
)
def test_the_help_of_a_noun_lists_its_verbs_within_80_columns(orchctl: Any, words: tuple[str, ...]) -> None:
    result = orchctl(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: {' '.join(('orchctl', *words))} [OPTIONS]")
    assert max(map(len, result.out.splitlines())) <= 80
    assert "..." not in result.out.partition("Commands:")[2], "a summary is cut"
