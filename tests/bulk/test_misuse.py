"""What people do to it that nobody should: told, and nothing is done by mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.conftest import states, tasks
from tests.faults import FaultServer, silent
from tests.test_posix import shell

ROWS = "name\na\nb\n"


@pytest.fixture
def folder(home: Any) -> Path:
    return Path(home.path, "state", "orchctl", "bulk")


def begun(cli: Any, write: Any, text: str = ROWS, *words: str) -> str:
    """A run of these rows."""
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", text), "--as-new", *words)
    assert result.code == 0, result.err
    return str(result.err.strip().rpartition("run ")[2])


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names")
def test_rows_from_a_pipe_are_kept_before_they_are_read(cli: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=(ROWS,)).start()
    result = cli("task", "create", "-q", "Q", "--from", str(pipe), "--format", "csv", "-o", "jsonl")
    assert (result.code, states(result.out)) == (0, {1: "ok", 2: "ok"}), result.err


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="no such device")
def test_dev_stdin_is_read_too(home: Any) -> None:
    place = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"}
    orchctl = '"$PYTHON" -m orchctl'
    line = f"{orchctl} queue create --name Q && printf 'name\\na\\nb\\n' | {orchctl} task create -q Q "
    result = shell(f"{line} --from /dev/stdin --format csv", home, env=place)
    assert (result.returncode, "2 rows: 2 ok" in result.stderr) == (0, True), result.stderr


def test_an_id_with_a_line_break_is_none(cli: Any, folder: Path) -> None:
    """Written down one a line, its halves would be the ids of others."""
    cli("task", "create", "-q", "Q", "--name", "victim")
    result = cli("task", "delete", "victim\nx", "nosuch", "--yes")
    assert (result.code, list(folder.glob("*"))) == (2, [])
    assert "it holds a line break" in result.err
    assert cli("task", "get", "victim").code == 0


@pytest.mark.parametrize("listed", ['[\n  {"id": "1"}\n]\n', '{"id":"1"}\n', "1\tA\tnew\n"])
def test_a_list_of_something_else_is_refused_at_once(cli: Any, listed: str) -> None:
    result = cli("task", "cancel", "-", "--yes", input=listed)
    assert (result.code, "-o name prints one" in result.err) == (2, True)


def test_no_ids_are_nothing_to_do(cli: Any) -> None:
    result = cli("task", "retry", "-", "--yes", input="\n")
    assert (result.code, result.err) == (0, "note: no id on standard input: nothing to do\n")


def test_an_id_in_two_rows_is_told(cli: Any, write: Any) -> None:
    ident = cli("task", "create", "-q", "Q", "--name", "A", "-o", "name").out.strip()
    other = cli("task", "create", "-q", "Q", "--name", "B", "-o", "name").out.strip()
    text = f"id,priority\n{ident},high\n{other},low\n{ident},low\n"
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", text), "--yes")
    assert (result.code, result.out) == (2, "")
    assert f"rows 1, 3: the same id, {ident}" in result.err
    assert {each["priority"] for each in tasks(cli, "name,priority")} == {"normal"}


def test_resume_goes_on_with_the_same_words_or_none(cli: Any, write: Any, tmp_path: Path) -> None:
    run = begun(cli, write)
    same = cli("task", "create", "-q", "Q", "--from", str(tmp_path / "rows.csv"), "--resume", run)
    assert same.code == 0, same.err
    other = cli("task", "create", "-q", "Other", "--resume", run)
    assert (other.code, other.err.splitlines()[0]) == (
        2,
        "orchctl: -q is not what it was when the run began",
    )
    assert cli("task", "create", "--resume", run, "--from", "/nope").code == 2
    assert cli("task", "create", "-q", "Q", "--from", "/nope", "--retry-rejected").code == 2


def test_a_dry_run_of_the_rest_shows_the_rest(cli: Any, write: Any, home: Any, orchctl: Any) -> None:
    run = begun(cli, write)
    assert (cli("task", "create", "--resume", run, "-n").out, len(tasks(cli, "name"))) == ("", 2)
    elsewhere = {"ORCHCTL_URL": "http://127.0.0.1:9", "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "x"}
    assert orchctl("task", "create", "--resume", run, "-n", env=elsewhere).code == 12


@pytest.mark.parametrize(
    "line",
    [
        '{"row":1,"state":[]}',
        '{"row":1,"state":"sent","at":"x"}',
        '{"row":1,"state":"sent","at":1e999}',
        '{"row":1,"state":"sent","at":null}',
        '{"row":1,"state":"ok","id":[1]}',
        "[" * 100_000,
    ],
)
def test_an_edited_journal_breaks_nothing(cli: Any, write: Any, folder: Path, line: str) -> None:
    run = begun(cli, write)
    with (folder / f"{run}.jsonl").open("a") as file:
        file.write(f"{line}\n" * 2)
    result = cli("task", "create", "--resume", run)
    assert result.code in (0, 11, 12), result.err
    assert "defect" not in result.err
    assert cli("task", "create", "-q", "Q", "--from", write("rows.csv", ROWS), "--as-new").code == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", -3),
        ("rows", "x"),
        ("rows", 10**15),
        ("argv", [1, 2]),
        ("input", 5),
        ("input", "a\0b"),
        ("data", [1]),
        ("context", 5),
        ("started", "once"),
    ],
)
def test_an_edited_header_is_no_journal(cli: Any, write: Any, folder: Path, name: str, value: Any) -> None:
    run = begun(cli, write)
    path = folder / f"{run}.jsonl"
    head, _, rest = path.read_text().partition("\n")
    path.write_text(f"{json.dumps({**json.loads(head), name: value})}\n{rest}")
    assert cli("task", "create", "--resume", run).code == 12
    assert cli("task", "create", "-q", "Q", "--from", write("rows.csv", ROWS), "--as-new").code == 0


def test_half_a_header_is_left_as_it_is(cli: Any, write: Any, folder: Path) -> None:
    run = begun(cli, write)
    path = folder / f"{run}.jsonl"
    path.write_text(path.read_text().partition("\n")[0])
    before = path.read_bytes()
    assert cli("task", "create", "--resume", run).code == 12
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names")
def test_a_pipe_among_the_journals_holds_nobody_up(cli: Any, write: Any, folder: Path) -> None:
    begun(cli, write)
    os.mkfifo(folder / "20260101-000000-0000.jsonl")
    assert cli("task", "create", "-q", "Q", "--from", write("rows.csv", ROWS), "--as-new").code == 0


def test_secrets_that_were_still_being_read_are_not_left(home: Any, folder: Path) -> None:
    env = {**os.environ, **home.env, "ORCHCTL_URL": "http://127.0.0.1:9", "ORCHCTL_DIALECT": "sherpa"}
    argv = [sys.executable, "-m", "orchctl", "asset", "create", "--from", "-"]
    process = subprocess.Popen(
        argv, env={**env, "ORCHCTL_TOKEN": "x"}, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"name,type,value\n" + b"B,secret,s3cr3t-s3cr3t\n" * 60_000)
    process.stdin.flush()
    while not (folder.exists() and any(each.stat().st_size for each in folder.glob("*.input"))):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert (process.returncode, list(folder.glob("*.input"))) == (130, [])


@pytest.mark.skipif(sys.platform != "linux", reason="a file without a name is read by its number")
def test_rows_with_secrets_are_not_left_by_a_process_that_is_killed(home: Any, folder: Path) -> None:
    with FaultServer(steps=[silent(effect=False)]) as server:
        env = {**os.environ, **home.env, "ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa"}
        argv = [sys.executable, "-m", "orchctl", "asset", "create", "--from", "-"]
        process = subprocess.Popen(
            argv, env={**env, "ORCHCTL_TOKEN": "x"}, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        process.stdin.write(b"name,type,username,value\nB,credential,u,s3cr3t-s3cr3t\n")
        process.stdin.close()
        while not server.requests:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait(10)
    assert "s3cr3t" not in "".join(path.read_text() for path in folder.glob("*"))


def test_a_column_that_is_nearly_a_field_is_told(cli: Any, write: Any) -> None:
    path = write("rows.csv", "Name,Total\na,1\n")
    result = cli("task", "create", "-q", "Q", "--from", path, "--payload-columns")
    assert (result.code, result.err.splitlines()[0]) == (
        0,
        "note: these columns go to the payload, as they are written: Name",
    )


def test_a_change_made_in_part_is_not_called_rejected(cli: Any, write: Any) -> None:
    ident = cli("task", "create", "-q", "Q", "--name", "A", "-o", "name").out.strip()
    assert cli("task", "update", ident, "--status", "success").code == 0
    text = f"id,tags,status\n{ident},urgent,in-progress\n"
    result = cli("task", "create", "-q", "Q", "--from", write("rows.csv", text), "-o", "jsonl", "--yes")
    assert states(result.out) == {1: "rejected"}
    assert not cli("task", "get", ident, "-o", "json").json["tags"]


def test_an_export_goes_into_what_is_there(cli: Any, tmp_path: Path) -> None:
    cli("task", "create", "-q", "Q", "--name", "A")
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("before")
    link.symlink_to(real)
    assert cli("task", "export", "-q", "Q", "--to", str(link)).code == 12
    assert cli("task", "export", "-q", "Q", "--to", str(link), "--clobber").code == 0
    assert (link.is_symlink(), "A" in real.read_text()) == (True, True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reading = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reading.start()
    assert cli("task", "export", "-q", "Q", "--to", str(pipe), "-o", "csv").code == 0
    reading.join(10)
    assert "A" in read[0]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--to", "out.foo"], 2),
        (["--to", "."], 12),
        (["--to", "x" * 300], 12),
        (["--query", "[].name"], 2),
        (["--sort-by", "name"], 2),
        (["-o", "xlsx", "--to", "out.xlsx", "--fields", "id,nope"], 2),
    ],
)
def test_an_export_that_cannot_be(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("task", "create", "-q", "Q", "--name", "A")
    result = cli("task", "export", "-q", "Q", *words)
    assert (result.code, result.out) == (code, ""), result.err
    assert "defect" not in result.err


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--from", "x" * 300], 12), (["--from", "rows.csv", "--rate", "1e-300"], 2), (["--from", "."], 12)],
)
def test_rows_that_cannot_be_had(
    cli: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write("rows.csv", ROWS)
    result = cli("task", "create", "-q", "Q", *words)
    assert (result.code, "defect" in result.err) == (code, False), result.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_is_named_as_what_it_is(cli: Any) -> None:
    cli("task", "create", "-q", "Q", "--name", "A")
    result = cli("task", "export", "-q", "Q", "--to", "/dev/full", "-o", "csv")
    assert result.code == 12
    assert "cannot write to /dev/full" in result.err or "cannot write /dev/full" in result.err
    assert Path("/dev/full").is_char_device()
