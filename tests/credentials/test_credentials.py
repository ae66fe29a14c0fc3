"""Where secrets come from and go to: the order, the bad days of keyrings, the file, token-command."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchctl import credentials
from orchctl.config import Context
from orchctl.credentials import Kind, Source, keyring_store, token_command
from orchctl.errors import LocalFault, NotAuthenticated
from orchctl.sanitize import scrub
from tests.credentials.conftest import Backend
from tests.credentials.keyring_doubles import Memory

TOKEN = "0b7b1c8e-5a53-4d6b-9d2c-1f6a8a1f0e11"
CONTEXT = Context(name="prod", dialect="sherpa", url="https://h")
CLIENT = dataclasses.replace(CONTEXT, auth="client-credentials", client_id="app")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PATH": os.environ["PATH"],
    }


def printing(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def with_command(code: str) -> Context:
    return dataclasses.replace(CONTEXT, token_command=printing(code))


def found(context: Context, env: dict[str, str]) -> tuple[str, Kind, Source, str] | None:
    secret = credentials.find(context, env)
    return None if secret is None else (secret.value, secret.kind, secret.source, secret.where)


# The order


@pytest.mark.parametrize(
    ("context", "variables", "value", "kind", "where"),
    [
        (CONTEXT, {"ORCHCTL_TOKEN": TOKEN}, TOKEN, Kind.TOKEN, "ORCHCTL_TOKEN"),
        (CONTEXT, {"ORCHCTL_TOKEN": f" {TOKEN}\t"}, TOKEN, Kind.TOKEN, "ORCHCTL_TOKEN"),
        (CLIENT, {"ORCHCTL_CLIENT_SECRET": "s e c"}, "s e c", Kind.CLIENT_SECRET, "ORCHCTL_CLIENT_SECRET"),
        (
            CLIENT,
            {"ORCHCTL_CLIENT_SECRET": "secret", "ORCHCTL_TOKEN": TOKEN},
            "secret",
            Kind.CLIENT_SECRET,
            "ORCHCTL_CLIENT_SECRET",
        ),
        (CLIENT, {"ORCHCTL_TOKEN": TOKEN}, TOKEN, Kind.TOKEN, "ORCHCTL_TOKEN"),
        (
            dataclasses.replace(CONTEXT, auth="password", username="me"),
            {"ORCHCTL_PASSWORD": "пароль"},
            "пароль",
            Kind.PASSWORD,
            "ORCHCTL_PASSWORD",
        ),
    ],
)
def test_the_environment(
    env: dict[str, str],
    context: Context,
    variables: dict[str, str],
    value: str,
    kind: Kind,
    where: str,
) -> None:
    assert found(context, env | variables) == (value, kind, Source.ENVIRONMENT, where)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, Kind.TOKEN),
        ({"auth": "basic"}, Kind.TOKEN),
        ({"auth": "bearer"}, Kind.TOKEN),
        ({"auth": "token", "client_id": "x"}, Kind.TOKEN),
        ({"auth": "client-credentials"}, Kind.CLIENT_SECRET),
        ({"auth": "password"}, Kind.PASSWORD),
        ({"client_id": "x"}, Kind.CLIENT_SECRET),
        ({"username": "x"}, Kind.PASSWORD),
    ],
)
def test_what_kind_of_secret_a_context_needs(settings: dict[str, str], kind: Kind) -> None:
    assert credentials.kind_of(dataclasses.replace(CONTEXT, **settings)) is kind  # type: ignore[arg-type]  # texts


def test_each_source_wins_over_the_next(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    context = with_command("print('of-the-command')")
    assert credentials.find(CONTEXT, env) is None
    credentials.store(CONTEXT, "of-the-keyring", env=env)
    assert found(CONTEXT, env) == (
        "of-the-keyring",
        Kind.TOKEN,
        Source.KEYRING,
        "tests.credentials.keyring_doubles.Memory",
    )
    assert found(context, env) == ("of-the-command", Kind.TOKEN, Source.COMMAND, sys.executable)
    variable = {"ORCHCTL_TOKEN": "of-the-environment"}
    assert found(context, env | variable) == (
        "of-the-environment",
        Kind.TOKEN,
        Source.ENVIRONMENT,
        "ORCHCTL_TOKEN",
    )


@pytest.mark.parametrize("source", ["environment", "token-command", "file"])
def test_keyring_is_not_imported_where_it_is_not_needed(env: dict[str, str], source: str) -> None:
    context = with_command("print('a-token')") if source == "token-command" else CONTEXT
    if source == "environment":
        env["ORCHCTL_TOKEN"] = TOKEN
    if source == "file":
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        credentials.store(CONTEXT, TOKEN, env=env, insecure=True)
    code = (
        "import os, sys\n"
        "from orchctl.config import Context\n"
        "from orchctl.credentials import find\n"
        f"secret = find({context!r}, os.environ)\n"
        "print(secret.source, *{'keyring', 'yaml', 'platformdirs'} & set(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout == f"{source}\n"


def test_require_says_what_to_do(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    with pytest.raises(NotAuthenticated) as caught:
        credentials.require(CLIENT, env)
    assert caught.value.message == "there is no credential for the context 'prod' at https://h"
    assert caught.value.hint == "orchctl auth login -c prod, or set ORCHCTL_CLIENT_SECRET"


# What cannot be sent


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tok\nen-x", "the token from ORCHCTL_TOKEN holds a line break or a NUL, so it is not sent"),
        ("token-x\r\n", "the token from ORCHCTL_TOKEN holds a line break or a NUL, so it is not sent"),
        ("token-x\0", "the token from ORCHCTL_TOKEN holds a line break or a NUL, so it is not sent"),
        (
            "token-ж",
            "the token from ORCHCTL_TOKEN holds characters that no HTTP header can carry, so it is not",
        ),
        (
            "token-“x”",
            "the token from ORCHCTL_TOKEN holds characters that no HTTP header can carry, so it is",
        ),
        (
            "token-\x1b",
            "the token from ORCHCTL_TOKEN holds characters that no HTTP header can carry, so it is",
        ),
        (
            "token-\udcff",
            "the token from ORCHCTL_TOKEN holds characters that no HTTP header can carry, so it",
        ),
        (
            "   ",
            "the token from ORCHCTL_TOKEN holds characters that no HTTP header can carry, so it is not sent",
        ),
    ],
)
def test_a_token_that_no_header_can_carry_is_refused_unseen(
    env: dict[str, str], value: str, message: str
) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        credentials.find(CONTEXT, env | {"ORCHCTL_TOKEN": value})
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 3
    assert value not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("kind", [Kind.CLIENT_SECRET, Kind.PASSWORD])
def test_other_secrets_are_one_line_too(env: dict[str, str], kind: Kind, backend: Backend) -> None:
    backend("Memory")
    with pytest.raises(NotAuthenticated, match="holds a line break or a NUL"):
        credentials.store(CONTEXT, "two\nlines", env=env, kind=kind)
    assert Memory.kept == {}


def test_every_secret_is_scrubbed_and_none_is_shown_by_repr(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    credentials.store(CONTEXT, "of-the-keyring", env=env)
    secret = credentials.find(CONTEXT, env)
    assert "of-the-keyring" not in repr(secret)
    credentials.find(CONTEXT, env | {"ORCHCTL_TOKEN": "of-the-environment"})
    credentials.find(with_command("print('of-the-command')"), env)
    text = "of-the-keyring of-the-environment of-the-command"
    assert scrub(text) == "*** *** ***"


# Keyrings

NO_KEYRING = "keyring.backends.fail.Keyring"
NULL = "keyring.backends.null.Keyring"
SILENT = "the keyring did not answer within 0.05 s; it may be locked"
BAD_DAYS = {
    "Sleeping": SILENT,
    "Locked": "the keyring is locked",
    "Uninitialised": "the keyring failed: InitError: Failed to create the collection: Prompt dismissed..",
    "Raising": "the keyring failed: ConnectionResetError: the bus is gone",
    "no.such.Keyring": "the keyring failed: ModuleNotFoundError: No module named 'no'",
}
HINT = "give it in ORCHCTL_TOKEN or by token-command, or log in with --insecure-storage"


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_store, "LIMIT", 0.05)


def impatient(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short limit for the one that is waited for in vain; the others get all the time they need."""
    monkeypatch.setattr(keyring_store, "LIMIT", 0.05 if name == "Sleeping" else 30.0)


@pytest.mark.parametrize(("name", "why"), BAD_DAYS.items())
def test_a_keyring_that_cannot_be_read(
    env: dict[str, str], backend: Backend, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    backend(name)
    impatient(name, monkeypatch)
    with pytest.raises(NotAuthenticated) as caught:
        credentials.find(CONTEXT, env)
    assert caught.value.message == f"the credential of the context 'prod' cannot be read: {why}"
    assert caught.value.hint == HINT
    status = credentials.status(CONTEXT, env)
    assert (status.present, status.problem) == (False, caught.value.message)
    assert found(CONTEXT, env | {"ORCHCTL_TOKEN": TOKEN}) is not None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *BAD_DAYS.items(),
        (NO_KEYRING, "there is no keyring on this machine"),
        (NULL, f"{NULL} did not keep what it was given"),
        ("Forgetful", "tests.credentials.keyring_doubles.Forgetful did not keep what it was given"),
        ("Mangling", "tests.credentials.keyring_doubles.Mangling did not keep what it was given"),
    ],
)
def test_a_login_that_could_not_be_stored(
    env: dict[str, str], backend: Backend, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    backend(name)
    impatient(name, monkeypatch)
    with pytest.raises(LocalFault) as caught:
        credentials.store(CONTEXT, TOKEN, env=env)
    assert caught.value.exit_code == 12
    assert caught.value.message == f"the login could not be stored: {why}"
    assert caught.value.hint == HINT
    assert not Path(env["XDG_DATA_HOME"]).exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *BAD_DAYS.items(),
        ("Clinging", "tests.credentials.keyring_doubles.Clinging did not delete what it was told to"),
    ],
)
def test_a_logout_that_may_have_left_something(
    env: dict[str, str], backend: Backend, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    backend("Memory")
    credentials.store(CONTEXT, TOKEN, env=env)
    backend(name)
    impatient(name, monkeypatch)
    with pytest.raises(LocalFault) as caught:
        credentials.forget(CONTEXT, env)
    assert caught.value.message == f"the credential may still be stored: {why}"


@pytest.mark.parametrize("name", [NO_KEYRING, NULL])
def test_without_a_keyring_there_is_just_no_credential(
    env: dict[str, str], backend: Backend, name: str
) -> None:
    backend(name)
    assert credentials.find(CONTEXT, env) is None
    assert credentials.forget(CONTEXT, env) == ()
    assert credentials.status(CONTEXT, env).problem is None


def test_a_sleeping_keyring_does_not_hold_up_the_end(env: dict[str, str]) -> None:
    code = (
        "import os\n"
        "from orchctl.config import Context\n"
        "from orchctl.credentials import keyring_store, status\n"
        "keyring_store.LIMIT = 0.05\n"
        f"print(status({CONTEXT!r}, os.environ).problem)\n"
    )
    env |= {
        "PYTHON_KEYRING_BACKEND": "tests.credentials.keyring_doubles.Sleeping",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    run = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == f"the credential of the context 'prod' cannot be read: {SILENT}\n"


_CHOOSING = """
import os, sys
from keyring.backend import KeyringBackend
from orchctl.config import Context
from orchctl.credentials import keyring_store

class Plain(KeyringBackend):
    "A plain file, say: what keyring takes if there is nothing better."
    priority = 0.5
    def get_password(self, service, username):
        return "a-secret-in-the-clear"
    set_password = delete_password = get_password

try:
    print(keyring_store.get("account", os.environ))
except keyring_store.NoKeyring as fault:
    print(fault)
print("antigravity" in sys.modules)
"""


@pytest.mark.parametrize("remembered", [None, "antigravity.Keyring", "no-name", "keyring.no.such.Keyring"])
def test_only_a_keyring_that_is_fit_is_taken_unasked(env: dict[str, str], remembered: str | None) -> None:
    path = Path(env["XDG_STATE_HOME"]) / "orchctl" / "keyring-backend"
    if remembered is not None:
        path.parent.mkdir(parents=True)
        path.write_text(remembered)
    env |= {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": env["XDG_STATE_HOME"]}
    run = subprocess.run(
        [sys.executable, "-c", _CHOOSING], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == "there is no keyring on this machine\nFalse\n"
    assert remembered is not None or not path.exists()


def test_the_limit_is_three_seconds() -> None:
    assert keyring_store.LIMIT == 3.0


def test_login_and_logout(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    stored = credentials.store(CONTEXT, TOKEN, env=env)
    assert (stored.source, stored.where) == (Source.KEYRING, "tests.credentials.keyring_doubles.Memory")
    assert Memory.kept == {("orchctl", "prod sherpa https://h token"): TOKEN}
    assert credentials.forget(CONTEXT, env) == (Source.KEYRING,)
    assert Memory.kept == {}
    assert credentials.forget(CONTEXT, env) == ()


def test_a_dry_run_stores_nothing(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    credentials.store(CONTEXT, TOKEN, env=env, dry_run=True)
    credentials.store(CONTEXT, TOKEN, env=env, insecure=True, dry_run=True)
    assert Memory.kept == {}
    assert not Path(env["XDG_DATA_HOME"]).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://other"},
        {"url": "http://h"},
        {"url": "https://h:8443"},
        {"name": "test"},
        {"dialect": "uipath"},
        {"username": "me", "auth": "basic"},
        {"identity_url": "https://other/identity"},
    ],
)
@pytest.mark.parametrize("insecure", [False, True])
def test_a_stored_credential_is_bound(
    env: dict[str, str], backend: Backend, change: dict[str, str], insecure: bool
) -> None:
    backend("Memory")
    credentials.store(CONTEXT, TOKEN, env=env, insecure=insecure)
    assert credentials.find(dataclasses.replace(CONTEXT, **change), env) is None  # type: ignore[arg-type]  # texts
    assert credentials.find(dataclasses.replace(CONTEXT, url="https://h/prefix"), env) is not None
    assert credentials.find(dataclasses.replace(CONTEXT, identity_url="https://h/id"), env) is not None


@pytest.mark.parametrize("insecure", [False, True])
def test_a_renamed_context_keeps_its_credential_where_it_was(
    env: dict[str, str], backend: Backend, insecure: bool
) -> None:
    backend("Memory")
    credentials.store(CONTEXT, TOKEN, env=env, insecure=insecure)
    renamed = dataclasses.replace(CONTEXT, name="live")
    assert credentials.move(CONTEXT, renamed, env)
    secret = credentials.find(renamed, env)
    assert secret is not None
    assert (secret.value, secret.source) == (TOKEN, Source.FILE if insecure else Source.KEYRING)
    assert credentials.find(CONTEXT, env) is None
    assert not credentials.move(CONTEXT, renamed, env)


# The file


def test_insecure_storage_is_a_file_for_the_owner_only(env: dict[str, str], backend: Backend) -> None:
    backend(NO_KEYRING)
    stored = credentials.store(CONTEXT, TOKEN, env=env, insecure=True)
    path = Path(env["XDG_DATA_HOME"]) / "orchctl" / "credentials.json"
    assert (stored.source, stored.where) == (Source.FILE, str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes()) == {
        "version": 1,
        "credentials": {"prod sherpa https://h token": {"secret": TOKEN}},
    }
    assert found(CONTEXT, env) == (TOKEN, Kind.TOKEN, Source.FILE, str(path))
    assert credentials.status(CONTEXT, env).where == str(path)
    assert credentials.forget(CONTEXT, env) == (Source.FILE,)
    assert credentials.find(CONTEXT, env) is None


def test_a_file_that_others_may_read_is_told(env: dict[str, str], backend: Backend) -> None:
    backend(NO_KEYRING)
    path = Path(credentials.store(CONTEXT, TOKEN, env=env, insecure=True).where)
    assert credentials.status(CONTEXT, env).problem is None
    path.chmod(0o644)
    assert credentials.status(CONTEXT, env).problem == (
        f"others may read {path}: chmod 600 it, and change the secret"
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2, "credentials": {}}', b"\xff", b"{}"])
def test_a_damaged_file_is_never_written(env: dict[str, str], backend: Backend, content: bytes) -> None:
    backend(NO_KEYRING)
    path = Path(credentials.store(CONTEXT, TOKEN, env=env, insecure=True).where)
    path.write_bytes(content)
    for attempt in (
        lambda: credentials.find(CONTEXT, env),
        lambda: credentials.store(CONTEXT, TOKEN, env=env, insecure=True),
        lambda: credentials.forget(CONTEXT, env),
    ):
        with pytest.raises(LocalFault) as caught:
            attempt()
        assert caught.value.message == f"{path} is damaged, or of a newer orchctl"
    assert path.read_bytes() == content
    assert credentials.status(CONTEXT, env).problem == f"{path} is damaged, or of a newer orchctl"


def test_a_full_disk_keeps_what_was_stored(
    env: dict[str, str], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend(NO_KEYRING)
    credentials.store(CONTEXT, TOKEN, env=env, insecure=True)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(LocalFault, match="No space left on device"):
        patched.setattr(os, "fsync", full)
        credentials.store(CONTEXT, "another-token", env=env, insecure=True)
    assert found(CONTEXT, env) is not None


# Reading a secret for a login


@pytest.mark.parametrize("data", [b"a-token", b"a-token\n", b"a-token\r\n", b"\xef\xbb\xbfa-token\n"])
def test_a_secret_in_a_file_may_end_with_a_line_end(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(data)
    assert credentials.read_file(path) == "a-token"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "there is no secret in it"),
        (b"\n", "there is no secret in it"),
        (b"\xff\xfea", "it is not UTF-8 text"),
        (b"x" * 65537, "it holds more than a secret: over 64 KiB"),
    ],
)
def test_what_cannot_be_a_secret(data: bytes, message: str) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        credentials.decoded(data, "it")
    assert caught.value.message == message


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_secret_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    with pytest.raises(LocalFault, match="cannot read"):
        credentials.read_file(tmp_path if kind == "folder" else tmp_path / "nothing")


# token-command


def run(code: str, *, limit: float = 30.0, notes: list[str] | None = None) -> str:
    told: list[str] = [] if notes is None else notes
    return token_command.run(printing(code), env=os.environ, notify=told.append, limit=limit)


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print('a-token')", "a-token"),
        ("import sys; sys.stdout.write('a-token')", "a-token"),
        ("import sys; sys.stdout.buffer.write(b'\\xef\\xbb\\xbfa-token\\r\\n')", "a-token"),
        ("print('a-token', end='\\n\\n')", "a-token"),
    ],
)
def test_what_a_program_prints_is_the_secret(code: str, printed: str) -> None:
    assert run(code) == printed


def test_no_shell_runs_it_and_it_has_no_input() -> None:
    reader, writer = os.pipe()
    before = os.dup(0)
    try:
        os.write(writer, b"what was piped into orchctl")
        os.dup2(reader, 0)
        command = (*printing("import sys; print(sys.argv[1] + repr(sys.stdin.read(4)))"), "$(id);*|`x`")
        assert token_command.run(command, env=os.environ, notify=print) == "$(id);*|`x`''"
    finally:
        os.dup2(before, 0)
        for descriptor in (before, reader, writer):
            os.close(descriptor)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit('no such entry')", "failed with exit code 1: no such entry"),
        ("import sys; sys.exit(3)", "failed with exit code 3"),
        ("pass", "printed nothing"),
        ("print()", "printed nothing"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "printed something that is not UTF-8 text"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed with exit code -9"),
    ],
)
def test_a_program_that_fails(code: str, why: str) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        run(code)
    assert caught.value.message == f"the token-command {sys.executable} {why}"
    assert caught.value.hint == "run it by hand to see why, or change token-command in the configuration"
    assert caught.value.exit_code == 3


def test_a_program_that_prints_for_ever_is_stopped() -> None:
    with pytest.raises(NotAuthenticated):
        run("import sys\nwhile True: sys.stdout.write('x' * 1000)")


def test_a_program_that_says_much_on_stderr_does_not_get_stuck() -> None:
    notes: list[str] = []
    assert run("import sys; sys.stderr.write('word\\n' * 9999); print('a-token')", notes=notes) == "a-token"
    assert notes == ["token-command: word"] * 20


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(NotAuthenticated) as caught:
        run("import time; time.sleep(600)", limit=0.2)
    assert caught.value.message == f"the token-command {sys.executable} did not end within 0.2 s"


def test_a_child_that_keeps_the_pipe_open_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_command, "_GRACE", 0.05)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    try:
        child = f"import subprocess; subprocess.Popen(['cat', {str(fifo)!r}])"
        assert run(f"{child}; print('a-token', flush=True)") == "a-token"
    finally:
        os.close(held)  # which ends the child


@pytest.mark.parametrize("program", ["/nowhere/program", "/"])
def test_a_program_that_is_not_there(program: str) -> None:
    with pytest.raises(NotAuthenticated, match=f"the token-command {program} cannot be run: "):
        token_command.run([program], env={}, notify=print)


def test_a_failing_command_is_not_passed_over(env: dict[str, str], backend: Backend) -> None:
    backend("Memory")
    credentials.store(CONTEXT, TOKEN, env=env)
    with pytest.raises(NotAuthenticated, match="failed with exit code 1"):
        credentials.find(with_command("raise SystemExit(1)"), env)


def test_two_lines_are_no_secret(env: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated, match="holds a line break or a NUL"):
        credentials.find(with_command("print('first-line\\nsecond-line')"), env)
