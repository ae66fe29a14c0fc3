"""The example of each command's help works, and no write writes anything in a dry run."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchctl.cli.lazy import Write
from orchctl.sanitize import forget_secrets
from tests.contract_of_json import commands
from tests.server import serving
from tests.world import World, build, lines_of, run

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JOB = "55056968-cb1b-4919-ad7b-9370c6e81e55"

# What has to have happened before an example, by its command.
BEFORE = {
    "task wait": ["task finish INV-1 --status success"],
    "task retry": ["task finish INV-1 --status failed"],
    "task tag remove": ["task tag add INV-1 urgent"],
    "queue wait": ["task finish INV-1 --status success"],
    "robot group remove-robot": ["robot group add-robot Night R1"],
    "job wait": [f"job update {_JOB} --status success"],
    "auth logout": ["auth login -c prod --insecure-storage --token-file token.txt"],
    "auth status": ["auth login -c prod --insecure-storage --token-file token.txt"],
    "auth token": ["auth login -c prod --insecure-storage --token-file token.txt"],
    "doctor": ["auth login -c prod --insecure-storage --token-file key.txt"],
}
# Makes what is there already: tried where it is not.
FIRST_REMOVE = {
    "queue create": "queue delete Invoices --yes",
    "asset create": "asset delete Bank --yes",
    "context add": "context remove prod",
    "context rename": "",
}
# The examples that mean another orchestrator than Sherpa, which refuses them.
ELSEWHERE = {"task download", "job restart", "folder list", "folder create", "robot runtimes"}
# Those of them that need nothing but to be asked of the right one.
RIGHT_PLACE = {"folder list": "uipath", "folder create": "uipath", "robot runtimes": "uipath"}
# Go on until they are stopped, which the tests do with Ctrl-C.
ENDLESS = re.compile(r" -f$| -f | --follow| --watch|^orchctl top$|^orchctl top (?!.*--once)")
# Run for ever, or are a whole show: each has tests of its own.
BY_THEMSELVES = {"sandbox serve", "robot run", "sandbox demo", "top"}
# Where another code than 0 is the right one: something differs; nobody has asked to be let in.
CODES = {"diff": 1, "sandbox allow": 4}


def examples() -> Iterator[tuple[str, str]]:
    for words, command in commands().items():
        for line in lines_of(command.help or ""):
            if line.startswith("orchctl "):
                yield " ".join(words), line


EXAMPLES = list(examples())
WRITES = [(name, line) for name, line in EXAMPLES if isinstance(commands()[tuple(name.split())], Write)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with serving(tmp_path_factory.mktemp("served") / "sandbox.db") as (url, key):
        world = build(folder, served=url)
        (folder / "key.txt").write_text(key, encoding="utf-8")
        yield world
    forget_secrets()


@pytest.fixture
def world(made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    copied = made.copy(tmp_path / "world")
    for name, value in copied.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(copied.folder)
    yield copied
    forget_secrets()


@contextmanager
def ctrl_c_after(seconds: float) -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def typed(world: World, name: str, line: str) -> tuple[list[str], str]:
    """The words of an example and its standard input, with the ids of this world; no pipe, no output file."""
    ids = dict(world.ids)
    kind = next(
        (
            kind
            for kind in ("process version", "storage file", "job", "log", "sandbox play")
            if name.startswith(kind)
        ),
        "",
    )
    line = _GUID.sub(lambda match: ids.get(match[0]) or ids.get(kind) or match[0], line)
    if kind:
        line = re.sub(r"(?<= )(?:55|7|955)(?= )", ids[kind], line)
    words, _, source = line.partition(" < ")
    command = re.split(r" [|>] ", words)[0]
    text = (world.folder / source.strip()).read_text(encoding="utf-8") if source else "a-password\n"
    asks_a_person = name == "asset create" and "credential" in command
    more = ["--value-stdin"] if asks_a_person else ["--yes"] if name == "robot group remove-robot" else []
    return [*shlex.split(command.replace("/opt/robots", str(world.folder)))[1:], *more], text


@pytest.mark.parametrize(
    ("name", "line"), EXAMPLES, ids=[line.removeprefix("orchctl ") for _, line in EXAMPLES]
)
def test_an_example_works(world: World, name: str, line: str) -> None:
    if name in BY_THEMSELVES:
        return
    for before in (*BEFORE.get(name, ()), FIRST_REMOVE.get(name, "")):
        if before:
            words, text = typed(world, name, f"orchctl {before}")
            code, _, err = run(world.folder, *words, input=text)
            assert code == 0, err
    words, text = typed(world, name, line)
    endless = bool(ENDLESS.search(line)) and words[0] not in ("api", "apply", "diff")
    with ctrl_c_after(1 if endless else 30):
        code, out, err = run(world.folder, *words, input=text)
    if name in RIGHT_PLACE:
        place = {"ORCHCTL_URL": world.served, "ORCHCTL_DIALECT": RIGHT_PLACE[name]}
        token = (world.folder / "key.txt").read_text(encoding="utf-8")
        assert run(world.folder, *words, env={**place, "ORCHCTL_TOKEN": token})[0] == 0
    expected = 14 if name in ELSEWHERE else 130 if endless else CODES.get(name, 0)
    assert code == expected, f"{out}{err}"


@pytest.mark.parametrize(("name", "line"), WRITES, ids=[line.removeprefix("orchctl ") for _, line in WRITES])
def test_a_dry_run_writes_nothing(world: World, name: str, line: str) -> None:
    words, text = typed(world, name, line)
    if name == "context add":
        words[2] = "another"
    words = [word for word in words if word not in ("-o", "name", "json", "jsonl", "--yes", "-y")]
    before = world.content(), world.files()
    with ctrl_c_after(30):
        code, out, err = run(world.folder, *words, "--dry-run", input=text)
    assert (world.content(), world.files()) == before
    assert code == (14 if name in ELSEWHERE else 0), f"{out}{err}"
    if name in ELSEWHERE or name.split(maxsplit=1)[0] in ("context", "auth", "sandbox", "completion"):
        return
    if "api GET" in line:
        return
    assert "\ncurl -X " in f"\n{out}", out
    assert "a-password" not in out
