"""``orchctl auth`` through the front door; the keyrings themselves are in ``tests/credentials``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Home, Orchctl
from tests.credentials.keyring_doubles import Memory

TOKEN = "0b7b1c8e-5a53-4d6b-9d2c-1f6a8a1f0e11"
MISSING = (
    "orchctl: there is no credential for the context 'prod' at https://h\n"
    "hint: orchctl auth login -c prod, or set ORCHCTL_TOKEN\n"
)


@pytest.fixture
def prod(orchctl: Orchctl, monkeypatch: pytest.MonkeyPatch) -> Orchctl:
    """A context, and a keyring that works."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.credentials.keyring_doubles.Memory")
    monkeypatch.setattr(Memory, "kept", {})
    assert orchctl("context", "add", "prod", "--dialect", "sherpa", "--url", "https://h").code == 0
    return orchctl


def test_login_status_token_logout(prod: Orchctl) -> None:
    login = prod("auth", "login", "--token-stdin", "-o", "json", input=f"{TOKEN}\n")
    assert login.code == 0
    assert login.json == {
        "context": "prod",
        "dialect": "sherpa",
        "origin": "https://h",
        "kind": "token",
        "present": True,
        "source": "keyring",
        "where": "tests.credentials.keyring_doubles.Memory",
        "problem": None,
    }
    assert TOKEN not in login.out + login.err
    assert prod("auth", "status", "-o", "json").json == login.json
    assert prod("auth", "token").out == f"{TOKEN}\n"
    assert prod("auth", "logout", "-o", "json").json["present"] is False
    again = prod("auth", "logout")
    assert (again.code, again.err) == (0, "note: nothing was stored for the context 'prod'\n")


def test_a_secret_from_a_file(prod: Orchctl, home: Home) -> None:
    path = home.path / "token"
    path.write_text(f"{TOKEN}\n")
    assert prod("auth", "login", "--token-file", str(path)).code == 0
    assert prod("auth", "token").out == f"{TOKEN}\n"
    assert prod("auth", "login", "--token-file", str(home.path / "none")).code == 12


def test_without_a_credential(prod: Orchctl) -> None:
    status = prod("auth", "status")
    assert (status.code, status.err) == (3, MISSING)
    assert "present\tfalse" in status.out
    token = prod("auth", "token")
    assert (token.code, token.out, token.err) == (3, "", MISSING)


def test_the_environment_wins_and_status_says_so(prod: Orchctl) -> None:
    env = {"ORCHCTL_TOKEN": "from-the-environment"}
    login = prod("auth", "login", "--token-stdin", "-o", "json", input=TOKEN, env=env)
    assert (login.json["source"], login.json["where"]) == ("environment", "ORCHCTL_TOKEN")
    assert prod("auth", "token", env=env).out == "from-the-environment\n"
    assert prod("auth", "token").out == f"{TOKEN}\n"


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("auth", "login", "--token-stdin"), 3, "there is no secret in standard input"),
        (("auth", "login", "--token-stdin", "--token-file", "x"), 2,
         "--token-stdin and --token-file are two answers to one question"),
        (("auth", "login"), 2,
         "an answer is needed (token for prod (https://h)), and there is no terminal to ask"),
    ],
)  # fmt: skip
def test_a_login_without_a_secret(prod: Orchctl, argv: tuple[str, ...], code: int, message: str) -> None:
    result = prod(*argv)
    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[0] == f"orchctl: {message}"


def test_a_token_of_two_lines_is_refused_unseen(prod: Orchctl) -> None:
    result = prod("auth", "login", "--token-stdin", input="first-half\nsecond-half\n")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("orchctl: the token holds a line break or a NUL, so it is not sent\n")
    assert "half" not in result.err
    assert Memory.kept == {}


@pytest.mark.parametrize("option", ["--token", "--password", "--secret", "--client-secret", "--key"])
def test_no_option_takes_a_secret(prod: Orchctl, option: str) -> None:
    result = prod("auth", "login", option, "hunter22")
    assert result.code == 2
    assert "hunter22" not in result.err


def test_without_a_keyring(orchctl: Orchctl, home: Home) -> None:
    orchctl("context", "add", "prod", "--dialect", "sherpa", "--url", "https://h")
    login = orchctl("auth", "login", "--token-stdin", input=TOKEN)
    assert (login.code, login.out, login.err) == (
        12,
        "",
        "orchctl: the login could not be stored: there is no keyring on this machine\n"
        "hint: give it in ORCHCTL_TOKEN or by token-command, or log in with --insecure-storage\n",
    )
    path = home.path / "data" / "orchctl" / "credentials.json"
    insecure = orchctl("auth", "login", "--token-stdin", "--insecure-storage", "-o", "json", input=TOKEN)
    assert (insecure.json["source"], insecure.json["where"]) == ("file", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert orchctl("auth", "logout", "-o", "json").json["present"] is False


def test_a_dry_run_stores_and_removes_nothing(prod: Orchctl) -> None:
    assert prod("auth", "login", "--token-stdin", "-n", input=TOKEN).code == 0
    assert Memory.kept == {}
    prod("auth", "login", "--token-stdin", input=TOKEN)
    assert prod("auth", "logout", "-n").code == 0
    assert list(Memory.kept.values()) == [TOKEN]


def test_the_embedded_orchestrator_needs_none(orchctl: Orchctl) -> None:
    orchctl("context", "add", "here", "--dialect", "sherpa", "--url", "sandbox:")
    status = orchctl("auth", "status", "-o", "json")
    assert (status.code, status.json["problem"]) == (
        0,
        "none is needed: this orchestrator runs inside orchctl",
    )
    assert orchctl("auth", "login", "--token-stdin", input=TOKEN).code == 2
    assert orchctl("auth", "logout").code == 0
    assert orchctl("auth", "token").code == 3


_TERMINAL = """
import os, sys
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
for descriptor in range(3):
    os.dup2(terminal, descriptor)
os.execv(sys.executable, [sys.executable, "-m", "orchctl", *sys.argv[2:]])
"""


def test_a_secret_that_is_typed_is_not_shown(orchctl: Orchctl, home: Home) -> None:
    orchctl("context", "add", "prod", "--dialect", "sherpa", "--url", "https://h")
    outer, inner = os.openpty()
    try:
        argv = [sys.executable, "-c", _TERMINAL, os.ttyname(inner), "auth", "login", "--insecure-storage"]
        env = {**os.environ, **home.env, "PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(argv, env=env)
        seen = b""
        while b"token for prod (https://h): " not in seen:
            seen += os.read(outer, 1024)
        os.write(outer, f"{TOKEN}\n".encode())
        while b"credentials.json" not in seen:
            seen += os.read(outer, 1024)
        assert process.wait(60) == 0
    finally:
        os.close(inner)
        os.close(outer)
    assert TOKEN.encode() not in seen
    assert orchctl("auth", "token").out == f"{TOKEN}\n"
