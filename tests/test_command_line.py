"""The command line as a contract: grammar, contexts, exit codes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchctl import __version__
from tests.conftest import Home
from tests.faults import FaultServer, closed_port, drip, html, raw, reply, reset_after_read, silent

HTML_HINT = "check the context's URL"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def ci(server: FaultServer) -> Mapping[str, str]:
    """A context made of the environment alone."""
    return {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "a-secret-guid"}


READ = ("task", "get", "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a")
WRITE = ("task", "create", "-q", "Q", "--name", "T")
TASK = b'{"guid":"7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a","name":"T","status":"0"}'


def test_global_options_stand_before_the_noun_and_after_the_verb(orchctl: Any, tmp_path: Path) -> None:
    env = {"ORCHCTL_CONTEXT": "sandbox"}
    assert orchctl("sandbox", "init", "--db", str(tmp_path / "x.db")).code == 0
    assert orchctl("-c", "sandbox", "queue", "list").code == 0
    assert orchctl("queue", "list", "-c", "sandbox").code == 0
    assert orchctl("queue", "list", env=env).code == 0
    assert orchctl("-c", "none", "queue", "list", "-c", "sandbox").code == 0
    assert orchctl("-c", "sandbox", "queue", "list", "-c", "none").code == 12


def test_the_version_is_told_wherever_it_is_asked_for(orchctl: Any) -> None:
    for words in (
        ["--version"],
        ["task", "list", "--version"],
        ["-c", "none", "task", "create", "--version"],
    ):
        run = orchctl(*words)
        assert (run.code, run.out, run.err) == (0, f"orchctl {__version__}\n", "")


def test_a_default_in_the_file_counts_for_errors_too(orchctl: Any, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("defaults:\n  output: json\n")
    run = orchctl("--config", str(config), "-c", "none", "queue", "list")
    assert run.code == 12
    assert json.loads(run.err)["error"]["code"]
    text = orchctl("--config", str(config), "-c", "none", "queue", "list", "-o", "csv")
    assert text.err.startswith("orchctl: ")


@pytest.mark.skipif(os.name != "posix", reason="rights as Unix has them")
def test_a_trace_is_for_its_owners_eyes_though_the_file_was_there(
    orchctl: Any, ci: Mapping[str, str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    trace.write_text("")
    trace.chmod(0o644)
    orchctl(*READ, "--debug-file", str(trace), env=ci)
    assert trace.stat().st_mode & 0o777 == 0o600
    assert trace.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["task", "delete", "1"],
        ["task", "delete", "1", "2"],
        ["task", "erase", "1"],
        ["task", "finish", "1", "2", "--status", "success"],
        ["job", "abort", "1"],
        ["queue", "delete", "1"],
        ["robot", "group", "delete", "1"],
        ["asset", "create", "A", "--type", "secret"],
        ["asset", "set", "A", "--type", "secret"],
        ["account", "create", "--login", "a"],
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    orchctl: Any, server: FaultServer, words: list[str]
) -> None:
    run = orchctl(*words, env={"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": "t"})
    assert run.code == 14, run.err
    assert not server.requests


def test_a_context_that_is_not_there_is_told_with_the_fix(orchctl: Any) -> None:
    result = orchctl("-c", "elma-not-configured", "task", "list", "-q", "X")
    assert (result.code, result.out) == (12, "")
    assert result.err.startswith("orchctl: there is no context 'elma-not-configured'\nhint: ")


def test_two_ways_to_choose_a_context_are_a_usage_error(orchctl: Any, ci: Mapping[str, str]) -> None:
    assert orchctl("queue", "list", env={**ci, "ORCHCTL_CONTEXT": "x"}).code == 2


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["tsak"], "orchctl: orchctl has no command 'tsak'\nhint: did you mean orchctl task?\n"),
        (
            ["task", "lits"],
            "orchctl: orchctl task has no command 'lits'\nhint: did you mean orchctl task list?\n",
        ),
        (["task"], "orchctl: orchctl task needs a verb\nhint: orchctl task --help lists them\n"),
        (["task", "list", "--lmit", "1"], "orchctl: no such option: --lmit\nhint: did you mean --limit?\n"),
        (["task", "create", "-q", "Q", "-p", "novalue"], "orchctl: 'novalue' is not of the form KEY=VALUE\n"),
        (
            ["task", "create", "-q", "Q", "--data", "{a}"],
            "orchctl: --data is not JSON: Expecting property name",
        ),
        (
            ["task", "create", "-q", "Q", "--priority", "urgent"],
            "orchctl: 'urgent' is no priority\nhint: one of: ",
        ),
        (
            ["task", "list", "-q", "Q", "--status", "done"],
            "orchctl: 'done' is no task status\nhint: one of: new, ",
        ),
        (["task", "list", "-q", "Q", "--since", "soon"], "orchctl: 'soon' is not a time\nhint: write "),
        (
            ["task", "list", "-q", "Q", "-o", "xml"],
            "orchctl: 'xml' is no output format\nhint: one of: table, ",
        ),
        (["task", "list", "-q", "Q", "--fields", "nmae"], "orchctl: "),
        (["task", "list", "-q", "Q", "--sort-by", "nmae"], "orchctl: "),
        (["task", "list", "-q", "Q", "--query", "[?"], "orchctl: "),
        (
            ["task", "list", "-q", "Q", "--request-timeout", "0"],
            "orchctl: --request-timeout must be more than 0",
        ),
        (
            ["task", "list", "-q", "Q", "--retry-timeout", "soon"],
            "orchctl: --retry-timeout: 'soon' is not a duration\nhint: write 90s, ",
        ),
        (["task", "get"], "orchctl: missing argument 'ID...'"),
        (["task", "finish", "T", "--status", "new"], "orchctl: a task does not finish as 'new'"),
    ],
)
def test_usage_errors_are_2_and_send_nothing(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer, argv: list[str], said: str
) -> None:
    result = orchctl(*argv, env=ci)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(said)
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 1), (401, 3), (403, 3), (404, 4), (409, 5), (412, 5), (422, 5)],
)
def test_answers_of_the_server_have_their_exit_codes(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer, status: int, code: int
) -> None:
    server.plan(reply(status, b'{"error":"because"}'))
    result = orchctl(*READ, env=ci)
    assert (result.code, result.out) == (code, "")
    written = orchctl(*WRITE, env=ci)
    assert (written.code, written.out) == (code, "")
    assert server.effects == 0


def test_a_write_whose_answer_is_lost_is_11_and_happened_once(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(reset_after_read(effect=True))
    result = orchctl(*WRITE, "-o", "json", env=ci)
    assert (result.code, result.out, server.effects) == (11, "", 1)
    assert result.error["code"] == "outcome_unknown"


def test_a_server_that_is_not_there_is_7(orchctl: Any) -> None:
    env = {
        "ORCHCTL_URL": f"http://127.0.0.1:{closed_port()}",
        "ORCHCTL_DIALECT": "sherpa",
        "ORCHCTL_TOKEN": "x",
    }
    result = orchctl(*READ, "--retry-timeout", "1", "--request-timeout", "1", env=env)
    assert (result.code, result.out) == (7, "")


def test_pages_garbage_and_nothing_are_told_apart(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(html(effect=False))
    page = orchctl(*READ, env=ci)
    assert page.code == 1
    assert HTML_HINT in page.err
    server.plan(raw(b"\x00\x01garbage\r\n\r\n"))
    assert orchctl(*READ, "--retry-timeout", "1", "--request-timeout", "1", env=ci).code == 7
    server.plan(reply(200, b""))
    assert orchctl(*READ, env=ci).code in (1, 4)
    server.plan(reply(200, b"{broken"))
    assert orchctl(*READ, env=ci).code == 1
    server.plan(html(effect=True))
    assert orchctl(*WRITE, env=ci).code == 11


def test_a_server_that_answers_nothing_or_slowly_for_ever_is_left_in_time(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    for step in (silent(effect=False), drip(effect=False)):
        server.plan(step)
        begun = time.monotonic()
        result = orchctl(*READ, "--request-timeout", "0.4s", "--retry-timeout", ".5", env=ci)
        assert result.code == 7
        assert time.monotonic() - begun < 10
    server.plan(silent(effect=True))
    assert orchctl(*WRITE, "--request-timeout", "0.3", env=ci).code == 11


def test_no_credential_is_3_and_names_the_way_in(orchctl: Any, server: FaultServer) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa"}
    result = orchctl(*READ, env=env)
    assert result.code == 3
    assert "ORCHCTL_TOKEN" in result.err
    assert server.requests == []


def test_the_credential_is_the_bare_guid_in_base64_and_never_shown(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(reply(200, TASK))
    result = orchctl(*READ, "--debug", env=ci)
    assert result.code == 0, result.err
    assert server.requests[0].headers["authorization"] == "Basic YS1zZWNyZXQtZ3VpZA=="
    for hidden in ("a-secret-guid", "YS1zZWNyZXQtZ3VpZA"):
        assert hidden not in result.err + result.out


def test_a_create_that_cannot_be_read_back_is_done_with_a_note(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(
        reply(200, b'{"guid":"7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a"}', effect=True), reply(403, b"{}")
    )
    result = orchctl(*WRITE, "-o", "name", env=ci)
    assert (result.code, result.out) == (0, "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a\n")
    assert result.err.startswith("note: the task was created, but could not be read back")


def test_a_machine_that_asks_for_json_gets_one_object_on_stderr(orchctl: Any) -> None:
    result = orchctl("task", "lits", "-o", "json")
    assert list(result.error) == ["code", "exit_code", "message", "hint", "request_id", "notes"]
    assert (result.error["code"], result.error["exit_code"]) == ("usage", 2)
    assert orchctl("-c", "none", "queue", "list", "-o", "json").error["exit_code"] == 12


def test_a_broken_config_file_is_12_and_left_alone(orchctl: Any, home: Home) -> None:
    home.config.parent.mkdir(parents=True)
    home.config.write_text("contexts: [", encoding="utf-8")
    result = orchctl("queue", "list")
    assert result.code == 12
    assert str(home.config) in result.err
    assert orchctl("sandbox", "init").code == 12
    assert home.config.read_text(encoding="utf-8") == "contexts: ["
