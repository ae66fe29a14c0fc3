"""A run that was cut off goes on where it stopped: nothing is lost, and nothing is sent twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchctl.bulk import settling
from orchctl.paths import locked
from tests.bulk.conftest import on, results, states
from tests.bulk.orchestrator import Orchestrator, rows_file

NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here answers late, so nobody has to wait for what may still be carried out."""
    monkeypatch.setattr(settling, "_SECONDS_ON_LOOPBACK", 0.0)


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator() as running:
        yield running


@pytest.fixture
def cli(orchctl: Any, orchestrator: Orchestrator) -> Any:
    return on(orchctl, orchestrator.env)


@pytest.fixture
def folder(home: Any) -> Path:
    path: Path = home.path / "state" / "orchctl" / "bulk"
    return path


def run_of(folder: Path) -> str:
    return max(folder.glob("*.jsonl")).stem


def load(cli: Any, tmp_path: Path, *words: str, names: list[str] = NAMES) -> Any:
    words = ("--parallel", "1", "-o", "jsonl", *words)
    return cli("task", "create", "-q", "Q", "--from", rows_file(tmp_path, names), *words)


def resume(cli: Any, folder: Path, *words: str, **options: Any) -> Any:
    return cli("task", "create", "--resume", run_of(folder), "-o", "jsonl", *words, **options)


def cut_journal(folder: Path, keep: int, tail: bytes = b"") -> None:
    """As if the process had been killed after so many lines of the journal."""
    path = max(folder.glob("*.jsonl"))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:keep]) + tail)


def test_the_journal_is_a_header_and_two_lines_a_row(cli: Any, tmp_path: Path, journals: Any) -> None:
    result = load(cli, tmp_path, names=["a", "b"])
    (header, *lines) = journals()[0]
    assert (header["command"], header["context"], header["rows"]) == ("orchctl task create", "env", 2)
    assert header["origin"].startswith("http://127.0.0.1:")
    assert len(header["sha256"]) == 64
    ids = {each["row"]: each["id"] for each in results(result.out)}
    assert [line for line in lines if line["state"] != "sent"] == [
        {"row": 1, "state": "ok", "id": ids[1]},
        {"row": 2, "state": "ok", "id": ids[2]},
    ]
    assert [line["row"] for line in lines if line["state"] == "sent"] == [1, 2]


def test_the_journal_is_its_owners_alone(cli: Any, tmp_path: Path, folder: Path) -> None:
    load(cli, tmp_path)
    (path,) = folder.glob("*.jsonl")
    assert path.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_finished_run_has_nothing_left_to_do(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    load(cli, tmp_path)
    again = resume(cli, folder)
    assert (again.code, again.out) == (0, "")
    assert again.err.startswith("5 rows: 5 ok, 0 rejected, 0 not sent, 0 unknown in ")
    assert sum(orchestrator.attempts.values()) == 5


def test_resume_needs_nothing_else(
    orchctl: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path, home: Any
) -> None:
    """Not the queue, not the file, not the options, not the context, not even the directory."""
    home.config.parent.mkdir(parents=True)
    home.config.write_text(
        f"current-context: other\ncontexts:\n  other: {{dialect: sherpa, url: 'sandbox:'}}\n"
        f"  here: {{dialect: sherpa, url: '{orchestrator.url}'}}\n"
    )
    env = {"ORCHCTL_TOKEN": "secret-key"}
    orchestrator.fates = {"b": ["429 long"], "c": ["429 long"]}
    rows_file(tmp_path, NAMES)
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        words = [
            "task",
            "create",
            "-c",
            "here",
            "-q",
            "Q",
            "--from",
            "rows.csv",
            "--postpone",
            "1d",
            "-p",
            "x=y",
        ]
        assert orchctl(*words, env=env).code == 10
    finally:
        os.chdir(before)
    assert orchctl("task", "create", "--resume", run_of(folder), env=env).code == 0
    assert {task["parameters"]["x"] for task in orchestrator.tasks.values()} == {"y"}
    assert set(orchestrator.effects.values()) == {1}


def test_a_whole_command_line_may_be_typed_again(
    cli: Any, tmp_path: Path, folder: Path, orchestrator: Orchestrator
) -> None:
    orchestrator.fates = {"b": ["429 long"]}
    load(cli, tmp_path, "-p", "x=y")
    result = load(cli, tmp_path, "-p", "x=y", "--resume", run_of(folder))
    assert (result.code, states(result.out)) == (0, {2: "ok"})


def test_what_was_not_sent_is_sent_and_what_was_rejected_only_if_asked(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    orchestrator.fates = {"b": ["429 long"], "c": ["409"], "d": ["400", "400"]}
    assert states(load(cli, tmp_path).out) == {1: "ok", 2: "not_sent", 3: "rejected", 4: "rejected", 5: "ok"}
    second = resume(cli, folder)
    assert (second.code, states(second.out)) == (10, {2: "ok"})
    assert "5 rows: 3 ok, 2 rejected, 0 not sent, 0 unknown in " in second.err
    third = resume(cli, folder, "--retry-rejected")
    assert (third.code, states(third.out)) == (10, {3: "ok", 4: "rejected"})
    assert (resume(cli, folder, "--retry-rejected").code, set(orchestrator.effects.values())) == (0, {1})


@pytest.mark.parametrize("fate", ["reset_done", "reset"])
def test_what_is_in_doubt_is_looked_up_and_sent_only_if_it_is_not_there(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path, fate: str
) -> None:
    orchestrator.knows_names = False  # an older server: the run itself cannot tell
    orchestrator.fates = {name: [fate] for name in ("b", "d")}
    first = load(cli, tmp_path)
    assert (first.code, states(first.out)) == (11, {1: "ok", 2: "unknown", 3: "ok", 4: "unknown", 5: "ok"})
    assert (
        "hint: to look for what is unknown and send what is not there: orchctl task create --resume "
        in first.err
    )
    second = resume(cli, folder)
    assert (second.code, states(second.out)) == (0, {2: "ok", 4: "ok"})
    for each in results(second.out):
        assert orchestrator.tasks[each["id"]]["name"] == NAMES[each["row"] - 1]
    assert set(orchestrator.effects.values()) == {1}
    assert orchestrator.attempts["b"] == (1 if fate == "reset_done" else 2)


@pytest.mark.parametrize("fate", ["reset_done", "reset"])
def test_rows_without_names_are_looked_up_by_those_that_were_made_up(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path, fate: str
) -> None:
    orchestrator.knows_names = False
    orchestrator.fates = {"2": [fate]}
    path = tmp_path / "rows.csv"
    path.write_text("payload.number\n1\n2\n3\n")
    assert cli("task", "create", "-q", "Q", "--from", str(path)).code == 11
    assert (resume(cli, folder).code, len(orchestrator.tasks)) == (0, 3)
    assert sorted(task["parameters"]["number"] for task in orchestrator.tasks.values()) == ["1", "2", "3"]


def test_a_list_that_is_not_whole_proves_nothing(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    orchestrator.knows_names = False
    orchestrator.fates = {"d": ["reset_done"]}
    orchestrator.longest_list = 2
    assert load(cli, tmp_path).code == 11
    again = resume(cli, folder)
    assert (again.code, states(again.out)) == (11, {4: "unknown"})
    assert results(again.out)[0]["error"] == "what the orchestrator lists does not tell whether it is there"
    orchestrator.longest_list = 100
    assert (resume(cli, folder).code, set(orchestrator.effects.values())) == (0, {1})


def test_what_nobody_can_tell_is_sent_again_only_on_demand(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    orchestrator.knows_names = False
    orchestrator.fates = {"d": ["reset"]}
    orchestrator.longest_list = 2
    load(cli, tmp_path)
    forced = resume(cli, folder, "--retry-unknown")
    assert (forced.code, states(forced.out)) == (0, {4: "ok"})
    assert set(orchestrator.effects.values()) == {1}


@pytest.mark.parametrize("lost", [True, False])
def test_a_row_that_was_sent_when_the_process_was_killed_is_in_doubt(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path, lost: bool
) -> None:
    load(cli, tmp_path)
    lines = max(folder.glob("*.jsonl")).read_text().splitlines()
    last = next(at for at, line in enumerate(lines) if '"row":4,"state":"sent"' in line)
    done = [line for line in lines[last:] if '"ok"' in line]
    cut_journal(folder, last + 1)
    told = {json.loads(line)["row"] for line in lines[1 : last + 1] if '"ok"' in line}
    for guid, task in list(orchestrator.tasks.items()):
        if task["name"] == "e" or (lost and task["name"] == "d"):
            del orchestrator.tasks[guid]
    assert done
    result = resume(cli, folder)
    assert result.code == 0, result.err
    assert set(states(result.out)) == {1, 2, 3, 4, 5} - told
    assert set(orchestrator.effects.values()) == {1}
    assert orchestrator.attempts["d"] == (2 if lost else 1)


@pytest.mark.parametrize("tail", [b'{"row":5,"sta', b"\0\0\0\0", b'{"row":5}x', b"\xff\xfe"])
def test_half_a_line_at_the_end_is_ignored(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path, tail: bytes
) -> None:
    orchestrator.fates = {"e": ["429 long"]}
    load(cli, tmp_path)
    path = max(folder.glob("*.jsonl"))
    path.write_bytes(path.read_bytes() + tail)
    result = resume(cli, folder)
    assert (result.code, states(result.out)) == (0, {5: "ok"})
    assert resume(cli, folder).code == 0
    for line in path.read_text().splitlines():
        json.loads(line)


def test_a_journal_that_is_damaged_inside_is_12(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    load(cli, tmp_path)
    path = max(folder.glob("*.jsonl"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "nonsense\n", *lines[3:]]))
    result = resume(cli, folder)
    assert (result.code, result.out) == (12, "")
    assert result.err == f"orchctl: the journal {path} is damaged in line 4\n"
    path.write_text("nonsense\n")
    assert resume(cli, folder).err.startswith(f"orchctl: {path} is no journal of this orchctl\n")
    assert sum(orchestrator.attempts.values()) == 5


def test_a_changed_input_is_12(cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path) -> None:
    orchestrator.fates = {"b": ["429 long"]}
    load(cli, tmp_path)
    path = tmp_path / "rows.csv"
    path.write_text(path.read_text().replace("e,5", "e,6"))
    result = resume(cli, folder)
    assert (result.code, result.out) == (12, "")
    assert result.err == (
        f"orchctl: {path} was changed since the run {run_of(folder)} began\n"
        "hint: put it back as it was, or start a new run with the rows that are not done yet\n"
    )
    path.unlink()
    assert resume(cli, folder).code == 12


def test_a_run_that_another_process_is_at_is_12(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    load(cli, tmp_path)
    run = run_of(folder)
    with locked(folder / f"{run}.lock"):
        result = resume(cli, folder)
    assert (result.code, result.out) == (12, "")
    assert result.err == (
        f"orchctl: the run {run} is in use by another orchctl\n"
        "hint: wait until that one has ended, then try again\n"
    )


def test_a_run_that_is_not_there_is_12(cli: Any, tmp_path: Path, folder: Path) -> None:
    result = cli("task", "create", "--resume", "20260101-000000-abcd")
    assert (result.code, result.err) == (
        12,
        "orchctl: there is no run '20260101-000000-abcd'\nhint: no run was kept on this machine\n",
    )
    load(cli, tmp_path)
    result = cli("task", "create", "--resume", "../../etc/passwd")
    assert (result.code, result.err) == (
        12,
        f"orchctl: there is no run '../../etc/passwd'\nhint: the last runs on this machine: {run_of(folder)}\n",
    )


def test_a_run_of_another_command_or_place_is_refused(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    load(cli, tmp_path)
    run = run_of(folder)
    other = cli("task", "cancel", "--resume", run)
    assert (other.code, other.err) == (
        2,
        f"orchctl: the run {run} is one of orchctl task create\nhint: orchctl task create --resume {run}\n",
    )
    with Orchestrator() as elsewhere:
        result = resume(cli, folder, env=elsewhere.env)
        assert (result.code, elsewhere.attempts) == (12, {})
    assert result.err == f"orchctl: the run {run} went to {orchestrator.url}, and this is {elsewhere.url}\n"


def test_rows_from_standard_input_are_kept_until_they_are_done(
    cli: Any, orchestrator: Orchestrator, folder: Path
) -> None:
    orchestrator.fates = {"b": ["429 long"]}
    text = "name,payload.number\na,1\nb,2\n"
    assert cli("task", "create", "-q", "Q", "--from", "-", input=text).code == 10
    (kept,) = folder.glob("*.input")
    assert kept.read_text() == text
    assert kept.stat().st_mode & 0o077 == 0 or os.name == "nt"
    assert resume(cli, folder).code == 0
    assert list(folder.glob("*.input")) == []
    assert set(orchestrator.effects.values()) == {1}


def test_data_that_was_typed_or_read_is_what_it_was(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"from": "file"}')
    orchestrator.fates = {"b": ["429 long"]}
    load(cli, tmp_path, "--data", f"@{data}")
    data.write_text('{"from": "another"}')
    assert resume(cli, folder).code == 0
    assert {task["parameters"]["from"] for task in orchestrator.tasks.values()} == {"file"}


def test_no_secret_is_in_the_journal(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    orchestrator.fates = {"b": ["400"]}
    load(cli, tmp_path, "-p", "key=secret-key")
    text = max(folder.glob("*.jsonl")).read_text()
    assert "secret-key" not in text
    # What was left out cannot be made up: the command line has to be typed again.
    assert resume(cli, folder).code == 2
    result = load(cli, tmp_path, "-p", "key=secret-key", "--resume", run_of(folder), "--retry-rejected")
    assert (result.code, states(result.out)) == (0, {2: "ok"})


def test_who_begins_anew_what_is_not_finished_is_told(
    cli: Any, orchestrator: Orchestrator, tmp_path: Path, folder: Path
) -> None:
    orchestrator.fates = {"b": ["429 long"]}
    load(cli, tmp_path)
    run = run_of(folder)
    again = load(cli, tmp_path)
    assert again.err.startswith(
        "note: these rows were begun before, and 4 of them are done; "
        f"to go on with that instead: orchctl task create --resume {run}\n"
    )
    assert "begun before" not in load(cli, tmp_path).err  # the newest one is finished
    assert "begun before" not in load(cli, tmp_path, names=["x"]).err


def test_old_runs_are_forgotten(cli: Any, tmp_path: Path, folder: Path) -> None:
    load(cli, tmp_path)
    old = run_of(folder)
    for path in folder.glob(f"{old}.*"):
        os.utime(path, (0, 0))
    load(cli, tmp_path)
    assert [path.stem for path in folder.glob("*.jsonl")] != [old]
    assert list(folder.glob(f"{old}.*")) == []
