"""What would break on Windows, found without one: POSIX-only calls, encodings left to the locale, consoles."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchctl
from orchctl.cli.app import main
from orchctl.errors import LocalFault
from orchctl.streams import Streams

PACKAGE = Path(orchctl.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

POSIX_MODULES = {"fcntl", "pwd", "grp", "termios", "tty", "pty", "resource", "syslog", "readline"}
POSIX_CALLS = {
    *("os.fork", "os.getuid", "os.geteuid", "os.setsid", "os.getpgid", "os.killpg", "os.chown", "os.fchmod"),
    *("os.mkfifo", "os.uname", "signal.SIGHUP", "signal.SIGKILL", "signal.SIGALRM", "signal.SIGUSR1"),
    *("signal.SIGPIPE", "signal.SIGWINCH", "signal.alarm", "signal.setitimer"),
}
_TEXT_CALLS = {"open", "read_text", "write_text", "fdopen"}
_MODE = re.compile(r"'[rwax+]*b?[rwax+]*'")


def guarded(tree: ast.AST) -> set[int]:
    """The nodes that only run where somebody has asked which system it is."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp):
            test = ast.unparse(node.test)
            if "sys.platform" in test or "os.name" in test or "hasattr" in test:
                found |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(each, ast.If)
            and ("os.name" in ast.unparse(each.test) or "sys.platform" in ast.unparse(each.test))
            and isinstance(each.body[-1], ast.Return)
            for each in node.body
        ):
            found |= {id(inner) for inner in ast.walk(node)}
    return found


def posix_only(tree: ast.AST) -> Iterator[str]:
    safe = guarded(tree)
    for node in ast.walk(tree):
        if id(node) in safe:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in POSIX_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in POSIX_CALLS:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_needs_posix_without_asking(path: Path) -> None:
    assert list(posix_only(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_is_read_or_written_in_the_encoding_of_the_locale(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        positional = [ast.unparse(argument) for argument in node.args]
        modes = [text for text in positional if _MODE.search(text)]
        if name not in _TEXT_CALLS or (name == "open" and positional and not modes):
            continue  # another thing's open(), or os.open()
        binary = any("b" in text for text in modes)
        named = "encoding" in {keyword.arg for keyword in node.keywords} or any(
            "utf-8" in text or "ascii" in text for text in positional
        )
        assert binary or named, f"{path}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("encoding", ["cp866", "cp1251", "cp1252", "ascii"])
def test_a_console_of_an_old_code_page_loses_no_command(encoding: str, tmp_path: Path) -> None:
    """What the code page has no letter for is written escaped; the exit code is that of the command."""
    env = {
        "ORCHCTL_URL": f"sandbox:{tmp_path}/sandbox.db",
        "ORCHCTL_DIALECT": "sherpa",
        **{f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
    }

    def run(*argv: str) -> tuple[int, str, str]:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
        err = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
        code = main(argv, env=env, streams=Streams(stdin=None, stdout=out, stderr=err, env=env))
        for stream in (out, err):
            stream.flush()
        return code, out.buffer.getvalue().decode(encoding), err.buffer.getvalue().decode(encoding)

    name = "Счета №1 😀"
    assert run("queue", "create", "--name", name)[0] == 0
    code, out, _ = run("queue", "list", "--fields", "name")
    assert code == 0
    assert "\\U0001f600" in out
    assert ("Счета" in out) == (encoding in ("cp866", "cp1251"))
    code, _, err = run("queue", "get", "Счётъ")
    assert code == 4
    assert err.startswith("orchctl: no queue ")


def test_paths_with_a_drive_letter_are_no_urls(tmp_path: Path) -> None:
    from orchctl.config.rules import origin_of

    assert origin_of("sandbox:C:\\Users\\me\\sandbox.db") == "sandbox:C:\\Users\\me\\sandbox.db"


def test_the_lock_of_windows_is_taken_waited_for_and_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module as Windows loads it, over a double of the system's locking."""
    held: set[int] = set()
    calls: list[str] = []

    def locking(descriptor: int, mode: int, count: int) -> None:
        calls.append("lock" if mode == 1 else "unlock")
        if mode == 1 and held:
            raise PermissionError(13, "locked")
        held.add(descriptor) if mode == 1 else held.discard(descriptor)

    fake = types.ModuleType("msvcrt")
    vars(fake).update(locking=locking, LK_NBLCK=1, LK_UNLCK=0)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("paths_of_windows", PACKAGE / "paths.py")
    assert spec is not None
    assert spec.loader is not None
    paths = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(paths)
    with (
        paths.locked(tmp_path / "a.lock"),
        pytest.raises(LocalFault, match=r"is in use by another orchctl"),
        paths.locked(tmp_path / "a.lock"),
    ):
        raise AssertionError
    assert not held
    with paths.locked(tmp_path / "a.lock"):
        assert held
    assert calls[0] == "lock"


def test_completion_on_windows_is_powershells(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchctl.manual.install import chosen

    monkeypatch.setattr(sys, "platform", "win32")
    assert chosen(None, {}) == "powershell"
