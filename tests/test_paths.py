"""Files: where they are, written in one step, locked by the operating system."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchctl import paths
from orchctl.errors import LocalFault


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("config_file", "XDG_CONFIG_HOME"),
        ("state_dir", "XDG_STATE_HOME"),
        ("data_dir", "XDG_DATA_HOME"),
        ("cache_dir", "XDG_CACHE_HOME"),
    ],
)
def test_the_xdg_variable_says_where(tmp_path: Path, kind: str, variable: str) -> None:
    found = getattr(paths, kind)({variable: str(tmp_path)})
    assert found == tmp_path / "orchctl" / ("config.yaml" if kind == "config_file" else "")


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_an_empty_or_relative_xdg_variable_is_ignored(value: str) -> None:
    found = paths.state_dir({"XDG_STATE_HOME": value})
    assert found.is_absolute()
    assert found.name == "orchctl"


def test_without_a_home_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *names, **options: "~/.local/state/orchctl")
    with pytest.raises(LocalFault) as caught:
        paths.state_dir({})
    assert caught.value.hint == "set HOME or XDG_STATE_HOME"


def test_write_private_makes_file_and_folders_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    paths.write_private(path, b"data")
    assert path.read_bytes() == b"data"
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert os.listdir(path.parent) == ["file"]


def test_write_private_replaces_and_narrows_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    paths.write_private(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


@pytest.mark.parametrize("there", [True, False])
def test_write_private_writes_what_a_symlink_points_at(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "real" / "file", tmp_path / "link"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    paths.write_private(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), mode(target)) == (b"new", 0o600)


def test_write_private_refuses_a_symlink_to_itself(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(LocalFault, match="symbolic link that leads to itself"):
        paths.write_private(link, b"")
    assert link.is_symlink()


@pytest.mark.parametrize("failing", ["fsync", "replace", "write"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "write":
        real = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda descriptor, kind: _Full(real(descriptor, kind)))
    elif failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LocalFault) as caught:
        paths.write_private(path, b"new")
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["file"])


class _Full:
    """A file on a disk without room."""

    def __init__(self, file: object) -> None:
        self.file = file

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()  # type: ignore[attr-defined]  # a file

    def write(self, data: bytes) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("obstacle", ["file as folder", "folder as file", "link to a file as folder"])
def test_write_private_where_it_cannot(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "there" / "file"
    if obstacle == "file as folder":
        path.parent.write_bytes(b"")
    elif obstacle == "folder as file":
        path.mkdir(parents=True)
    else:
        path.parent.symlink_to(tmp_path / "nowhere")
        (tmp_path / "nowhere").write_bytes(b"")
    with pytest.raises(LocalFault):
        paths.write_private(path, b"data")


def test_a_lock_keeps_other_processes_out_and_goes_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "lock"
    code = (
        "import sys; from pathlib import Path; from orchctl.paths import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LocalFault) as caught, paths.locked(lock, wait=0.05, what="the journal"):
            raise AssertionError("got a lock that is held")
        assert caught.value.message == "the journal is in use by another orchctl"
        holder.kill()
    with paths.locked(lock):
        assert mode(lock) == 0o600


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    order = []
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with paths.locked(lock):
            held.set()
            release.wait()
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(0.05, release.set).start()
    with paths.locked(lock, wait=30):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_importing_paths_is_cheap() -> None:
    code = "import sys, orchctl.paths; print(*sorted({'platformdirs', 'tempfile'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
