"""Changes to the configuration file: nothing lost, nothing half written, nothing broken made worse."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchctl.config import Config, add_context, load, remove_context, rename_context, use_context
from orchctl.errors import LocalFault, UsageFault
from orchctl.model import Json

FILE = """\
# mine
current-context: prod  # careful

contexts:
  # production
  prod: {dialect: sherpa, url: "https://p"}
  test:
    dialect: sherpa  # the same
    url: https://t
"""
NEW: dict[str, Json] = {"dialect": "sherpa", "url": "https://n"}
Edit = Callable[[Path], Config]
EDITS: dict[str, Edit] = {
    "add": lambda path: add_context(path, name="new", settings=NEW),
    "use": lambda path: use_context(path, name="test"),
    "rename": lambda path: rename_context(path, name="prod", to="production"),
    "remove": lambda path: remove_context(path, name="prod"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        ("add", FILE + "  new:\n    dialect: sherpa\n    url: https://n\n"),
        ("use", FILE.replace(": prod  #", ": test  #")),
        ("rename", FILE.replace(": prod  #", ": production  #").replace("  prod:", "  production:")),
        (
            "remove",
            FILE.replace("current-context: prod  # careful\n", "").replace(
                '  prod: {dialect: sherpa, url: "https://p"}\n', ""
            ),
        ),
    ],
)
def test_only_the_lines_concerned_change(file: Path, edit: str, after: str) -> None:
    result = EDITS[edit](file)
    assert file.read_text() == after
    assert result.contexts == load(file).contexts
    assert result.current == load(file).current
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("edit", EDITS)
def test_windows_line_ends_stay(file: Path, edit: str) -> None:
    file.write_bytes(FILE.replace("\n", "\r\n").encode())
    EDITS[edit](file)
    written = file.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n")


def test_the_first_context_makes_file_and_folders_and_is_current(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.yaml"
    added = add_context(path, name="new", settings={**NEW, "folder": "010", "proxy": None})
    assert added.current == "new"
    assert path.read_text() == (
        "# What orchctl connects to. The project's config.example.yaml explains every key.\n"
        "# Commands such as `orchctl context add` change only the lines concerned: comments and order stay.\n"
        "current-context: new\n"
        "contexts:\n"
        "  new:\n"
        "    dialect: sherpa\n"
        "    url: https://n\n"
        "    folder: '010'\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert add_context(path, name="two", settings=NEW).current == "new"
    assert add_context(path, name="three", settings=NEW, current=True).current == "three"
    assert add_context(path, name="four", settings=NEW, current=False).current == "three"


def test_removing_the_last_one_leaves_a_file_that_can_be_added_to(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    add_context(path, name="new", settings=NEW)
    assert remove_context(path, name="new").contexts == {}
    assert add_context(path, name="again", settings=NEW).current == "again"


def test_what_depends_on_the_working_folder_is_written_absolute(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    settings: dict[str, Json] = {"dialect": "sherpa", "url": "sandbox:my.db", "ca_bundle": "ca.pem"}
    added = add_context(file, name="new", settings=settings).contexts["new"]
    assert (added.url, added.ca_bundle) == (f"sandbox:{work}/my.db", f"{work}/ca.pem")
    assert f"url: sandbox:{work}/my.db" in file.read_text()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "n"}, "--url: expected a URL that begins with https://, http:// or sandbox:"),
        ({"auth": "magic"},
         "--auth: expected one of basic, bearer, token, client-credentials, password, got 'magic'"),
        ({"folder": "a\x1b[1m"}, "--folder: expected text of printable characters"),
        ({"folder": "\udcff"}, "--folder: expected text of printable characters"),
        ({"folder": ""}, "--folder: expected text of printable characters"),
        ({"token-command": "a 'b"}, "--token-command: a quote in this command is not closed"),
        ({"client-key": "k"}, "the context 'new' has a client-key but no client-cert"),
        ({"nonsense": "x"}, "unknown key 'nonsense' in contexts.new"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_a_usage_error_and_changes_nothing(
    file: Path, settings: dict[str, Json], message: str
) -> None:
    with pytest.raises(UsageFault) as caught:
        add_context(file, name="new", settings={**NEW, **settings})
    assert caught.value.message == message
    assert file.read_text() == FILE


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "a/b", "a:b", "x" * 65, "a\n", "\x1b"])
def test_a_bad_name_is_a_usage_error(file: Path, name: str) -> None:
    with pytest.raises(UsageFault, match="cannot be the name of a context"):
        add_context(file, name=name, settings=NEW)
    with pytest.raises(UsageFault, match="cannot be the name of a context"):
        rename_context(file, name="prod", to=name)
    assert file.read_text() == FILE


@pytest.mark.parametrize("name", ["true", "null", "12", "1e5", "прод", "a.b-c_d", "yes"])
def test_odd_names_stay_names(file: Path, name: str) -> None:
    added = add_context(file, name=name, settings=NEW, current=True)
    assert (added.current, list(added.contexts)) == (name, ["prod", "test", name])
    assert load(file).current == name


def test_a_name_that_is_taken_and_one_that_is_not_there(file: Path) -> None:
    taken: list[Edit] = [
        lambda path: add_context(path, name="prod", settings=NEW),
        lambda path: rename_context(path, name="test", to="prod"),
    ]
    missing: list[Edit] = [
        lambda path: use_context(path, name="pord"),
        lambda path: remove_context(path, name="pord"),
        lambda path: rename_context(path, name="pord", to="x"),
    ]
    for edit in taken:
        with pytest.raises(LocalFault) as caught:
            edit(file)
        assert caught.value.message == "there is a context 'prod' already"
    for edit in missing:
        with pytest.raises(LocalFault) as caught:
            edit(file)
        assert (caught.value.message, caught.value.hint) == (
            "there is no context 'pord'",
            "did you mean prod?",
        )
    assert file.read_text() == FILE


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(
    "broken",
    [
        b"contexts: {",
        b"contexts: {a: 1}",
        FILE.encode() + b"colour: red\n",
        FILE.encode() + b"  prod: {}\n",
        b"\xff\xfe",
        b"[" * 60_000,
    ],
)
def test_a_broken_file_is_never_written(file: Path, edit: str, broken: bytes) -> None:
    file.write_bytes(broken)
    with pytest.raises(LocalFault):
        EDITS[edit](file)
    assert file.read_bytes() == broken


@pytest.mark.parametrize("edit", EDITS)
def test_a_dry_run_checks_and_writes_nothing(file: Path, edit: str) -> None:
    rehearsals: dict[str, Edit] = {
        "add": lambda path: add_context(path, name="new", settings=NEW, dry_run=True),
        "use": lambda path: use_context(path, name="test", dry_run=True),
        "rename": lambda path: rename_context(path, name="prod", to="production", dry_run=True),
        "remove": lambda path: remove_context(path, name="prod", dry_run=True),
    }
    dry = rehearsals[edit](file)
    assert file.read_text() == FILE
    done = EDITS[edit](file)
    assert (dry.current, dry.contexts) == (done.current, done.contexts)


@pytest.mark.parametrize("edit", EDITS)
def test_a_full_disk_leaves_the_file_as_it_was(
    file: Path, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalFault) as caught:
        EDITS[edit](file)
    assert caught.value.message == f"cannot write {file}: No space left on device"
    assert file.read_text() == FILE
    assert sorted(os.listdir(file.parent)) == [".config.yaml.lock", "config.yaml"]


def test_a_symlink_stays_and_its_target_is_written(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "dotfiles" / "config.yaml"
    link.parent.mkdir()
    link.symlink_to(file)
    use_context(link, name="test")
    assert link.is_symlink()
    assert load(file).current == "test"


def test_what_is_no_file_is_not_rewritten(tmp_path: Path) -> None:
    fifo, folder = tmp_path / "fifo", tmp_path / "folder"
    os.mkfifo(fifo)
    folder.mkdir()
    for path in (fifo, folder):
        with pytest.raises(LocalFault, match="is not an ordinary file, so it cannot be changed"):
            use_context(path, name="test")


_ADD = """
import sys
from pathlib import Path
from orchctl.config import add_context
sys.stdin.read()
for number in range(10):
    add_context(
        Path(sys.argv[1]), name=f"{sys.argv[2]}-{number}", settings={"dialect": "sherpa", "url": "https://n"}
    )
"""


def test_processes_that_add_at_once_lose_nothing(file: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _ADD, str(file), name], stdin=subprocess.PIPE)
        for name in ("x", "y", "z")
    ]
    for writer in writers:  # all are started before any may begin
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    expected = {f"{name}-{number}" for name in "xyz" for number in range(10)}
    assert set(load(file).contexts) == {"prod", "test"} | expected
    assert file.read_text().startswith(FILE)


def test_a_writer_that_is_killed_leaves_a_whole_file(file: Path) -> None:
    code = _ADD.replace("sys.stdin.read()", "print('on', flush=True)").replace("range(10)", "range(100000)")
    writer = subprocess.Popen([sys.executable, "-c", code, str(file), "k"], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        while len(load(file).contexts) < 5:
            pass
        writer.kill()
    left = load(file)
    assert left.current == "prod"
    add_context(file, name="after", settings=NEW)  # and the lock went with it
