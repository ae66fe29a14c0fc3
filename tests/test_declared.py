"""``export``, ``diff``, ``apply``: a file in git and an orchestrator that is as the file says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.server import serving

FILE = """\
processes:
- name: Billing
  description: Sends bills
queues:
- name: Invoices
  description: From the mailbox
  unique_tasks: true
assets:
- name: Greeting
  type: text
  value: "Good: morning"
- name: Bank
  type: credential
  username: robot
  value_from: {env: BANK_SECRET}
triggers:
- name: Daily
  process: Billing
  cron: 0 8 * * *
  enabled: true
"""
SECRET = {"BANK_SECRET": "hunter2-hunter2"}


@pytest.fixture
def cli(orchctl: Any, sandbox: Mapping[str, str], tmp_path: Path) -> Any:
    """``orchctl`` on an empty sandbox, with a file of the text given."""

    def run(*argv: str, file: str | None = None, env: Mapping[str, str] = SECRET) -> Any:
        if file is not None:
            path = tmp_path / "rpa.yaml"
            path.write_text(file, encoding="utf-8")
            argv = (*argv, "-f", str(path))
        return orchctl(*argv, env={**sandbox, **env})

    return run


def steps(result: Any) -> list[tuple[str, str, str, list[str]]]:
    return [(row["action"], row["kind"], row["name"], sorted(row["changes"])) for row in result.json]


def test_a_file_is_applied_once_and_then_nothing_differs(cli: Any) -> None:
    before = cli("diff", "-o", "json", file=FILE)
    assert (before.code, len(before.json)) == (1, 5)
    applied = cli("apply", "-o", "json", file=FILE)
    assert (applied.code, applied.err) == (0, "")
    assert [(kind, name) for _, kind, name, _ in steps(applied)] == [
        ("process", "Billing"),
        ("queue", "Invoices"),
        ("asset", "Greeting"),
        ("asset", "Bank"),
        ("trigger", "Daily"),
    ]
    assert cli("diff", file=FILE).code == 0
    again = cli("apply", "-o", "json", file=FILE)
    assert (again.code, again.json) == (0, [])
    assert cli("asset", "get", "Bank", "--reveal", "-o", "json").json["value"] == "hunter2-hunter2"
    for result in (before, applied, again):
        assert "hunter2" not in result.out + result.err


def test_what_was_exported_differs_in_nothing_and_holds_no_secret(cli: Any) -> None:
    cli("apply", file=FILE)
    exported = cli("export")
    assert exported.code == 0
    assert "value_from:\n    env: BANK\n" in exported.out
    assert "hunter2" not in exported.out
    assert cli("diff", file=exported.out, env={"BANK": "hunter2-hunter2"}).code == 0
    assert cli("export", "queues").out == (
        "queues:\n- name: Invoices\n  description: From the mailbox\n  unique_tasks: true\n"
        "  auto_change_status: false\n"
    )
    assert cli("export", "queue", "-o", "json").json["queues"][0]["unique_tasks"] is True


def test_only_what_differs_is_changed(cli: Any) -> None:
    cli("apply", file=FILE)
    changed = FILE.replace("unique_tasks: true", "unique_tasks: false").replace("0 8 * * *", "0 9 * * *")
    differs = cli("diff", "-o", "json", file=changed)
    assert steps(differs) == [
        ("update", "queue", "Invoices", ["unique_tasks"]),
        ("update", "trigger", "Daily", ["cron"]),
    ]
    assert differs.json[1]["changes"]["cron"] == ["0 8 * * *", "0 9 * * *"]
    other = {"BANK_SECRET": "another-secret"}
    secret = cli("diff", "-o", "json", file=FILE, env=other)
    assert [(step, fields) for *step, fields in steps(secret)] == [(["update", "asset", "Bank"], ["secret"])]
    assert secret.json[0]["changes"]["secret"] == ["***", "***"]
    assert cli("apply", file=FILE, env=other).code == 0
    assert cli("diff", file=FILE, env=other).code == 0


def test_nothing_is_removed_without_prune_and_a_yes(cli: Any) -> None:
    cli("apply", file=FILE)
    fewer = "queues:\n- name: Bills\n"
    assert steps(cli("apply", "-o", "json", file=fewer)) == [("create", "queue", "Bills", [])]
    assert cli("queue", "get", "Invoices").code == 0
    assert steps(cli("diff", "--prune", "-o", "json", file=fewer)) == [("remove", "queue", "Invoices", [])]
    asked = cli("apply", "--prune", file=fewer)
    assert asked.code == 2
    assert asked.err.startswith("orchctl: remove queue 'Invoices' in the context 'env' needs a yes")
    assert cli("apply", "--prune", "--yes", file=fewer).code == 0
    assert cli("queue", "get", "Invoices").code == 4
    assert cli("process", "get", "Billing").code == 0, "a kind that the file does not name stays"


def test_a_dry_run_shows_each_request_and_sends_none(cli: Any) -> None:
    rehearsed = cli("apply", "--dry-run", file=FILE.partition("triggers:")[0])
    assert rehearsed.code == 0
    assert rehearsed.out.count("\ncurl -X POST ") == 4
    assert "hunter2" not in rehearsed.out
    assert cli("export", "-o", "json").json == {"processes": [], "queues": [], "assets": [], "triggers": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queues: [", "rpa.yaml:2: this is not YAML"),
        ("- a", "rpa.yaml: expected processes, queues, assets, triggers"),
        ("queus: []", "rpa.yaml:1: unknown kind 'queus'\nhint: did you mean queues?"),
        ("queues: 1", "rpa.yaml:1: expected a list of queues"),
        ("queues:\n- description: x", "rpa.yaml:2: each queue needs a name"),
        (
            "queues:\n- name: A\n  unique: true",
            "rpa.yaml:3: a queue has no field 'unique'\nhint: did you mean",
        ),
        ("queues:\n- name: A\n  unique_tasks: 1", "rpa.yaml:3: unique_tasks is true or false, not 1"),
        ("queues:\n- name: A\n  max_retries: -1", "rpa.yaml:3: max_retries is a whole number, not -1"),
        ("queues:\n- name: A\n- name: A", "rpa.yaml: the queue 'A' stands there twice"),
        ("triggers:\n- name: A\n  start_at: soon", "rpa.yaml:3: start_at is a time such as"),
        (
            "assets:\n- name: A\n  type: secret\n  value: x",
            "rpa.yaml:2: the secret of 'A' stands in the file",
        ),
        (
            "assets:\n- name: A\n  value_from: x",
            "rpa.yaml:3: value_from is {env: VARIABLE} or {keyring: NAME}",
        ),
        (
            "assets:\n- name: A\n  value_from: {env: NOPE}",
            "rpa.yaml:3: there is no secret in env NOPE\nhint: set",
        ),
        (
            "assets:\n- name: A\n  value_from: {keyring: nope}",
            "rpa.yaml:3: there is no keyring on this machine",
        ),
    ],
)
def test_a_file_that_is_wrong_is_12_and_named_with_its_line(
    orchctl: Any, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "rpa.yaml"
    path.write_text(text, encoding="utf-8")
    env = {"ORCHCTL_URL": f"sandbox:{tmp_path}/sandbox.db", "ORCHCTL_DIALECT": "sherpa"}
    for verb in ("diff", "apply"):
        result = orchctl(verb, "-f", str(path), env=env)
        assert (result.code, result.out) == (12, "")
        assert said in result.err


def test_what_is_not_there_is_12_and_what_cannot_be_exported_2(cli: Any, tmp_path: Path) -> None:
    assert cli("apply", "-f", str(tmp_path / "none.yaml")).code == 12
    wrong = cli("export", "quues")
    assert (wrong.code, wrong.err) == (2, "orchctl: 'quues' cannot be exported\nhint: did you mean queues?\n")


def test_one_step_that_fails_does_not_keep_the_others_back(cli: Any) -> None:
    text = "queues:\n- name: Good\ntriggers:\n- name: Bad\n  process: Nowhere\n  cron: 0 8 * * *\n"
    result = cli("apply", "-o", "json", file=text)
    assert result.code == 10
    assert [step[2] for step in steps(result)] == ["Good"]
    assert any("create trigger 'Bad'" in note for note in result.error["notes"])


def test_two_objects_of_one_name_cannot_be_told_apart(cli: Any) -> None:
    for _ in range(2):
        cli("api", "POST", "/api/process/create", "-f", "Name=Twin", "-f", "Type=1")
    names = cli("process", "list", "--query", "[].name", "-o", "json").json
    if names.count("Twin") == 2:
        assert cli("diff", file="processes:\n- name: Twin\n").code == 5


def test_a_file_of_one_orchestrator_serves_another(orchctl: Any, tmp_path: Path) -> None:
    """The same queue through two APIs; what an orchestrator does not have is refused, or left out of an export."""
    path = tmp_path / "rpa.yaml"
    with serving(tmp_path / "sandbox.db", "--open") as (url, key):
        env = {"ORCHCTL_URL": url, "ORCHCTL_TOKEN": key, "ORCHCTL_FOLDER": "Shared"}
        sherpa, uipath, elma = ({**env, "ORCHCTL_DIALECT": name} for name in ("sherpa", "uipath", "elma"))
        orchctl("queue", "create", "--name", "Q", "--description", "d", "--unique-tasks", env=sherpa)
        path.write_text(orchctl("export", "queues", env=sherpa).out, encoding="utf-8")
        assert orchctl("diff", "-f", str(path), env=uipath).code == 0
        path.write_text("queues:\n- name: Q\n  description: e\n", encoding="utf-8")
        assert orchctl("apply", "-f", str(path), env=uipath).code == 0
        assert orchctl("diff", "-f", str(path), env=sherpa).code == 0
        assert orchctl("queue", "get", "Q", "--query", "unique_tasks", "-o", "json", env=sherpa).json is True
        path.write_text("assets:\n- name: A\n  type: text\n  value: x\n", encoding="utf-8")
        refused = orchctl("apply", "-f", str(path), env=elma)
        assert (refused.code, refused.err.partition("\n")[0]) == (14, "orchctl: ELMA RPA has no assets")
        left_out = orchctl("export", env=elma)
        assert left_out.code == 0
        assert "note: ELMA RPA has no assets: assets are left out\n" in left_out.err
