"""Files of a task's output on the disk: safe names, whole or not at all, gone on with where the line broke."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchctl.client.core import Core
from orchctl.client.downloads import safe_name
from orchctl.errors import UsageFault
from tests.conftest import Home
from tests.faults import Connection, FaultServer, message

SYSTEM = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
CONTENT = bytes(range(256)) * 400


class Store:
    """Task 1 has one file; ``cuts`` says after how many bytes each download breaks off."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.name = "report.bin"
        self.output: Any = None
        self.content = CONTENT
        self.cuts: list[int] = []
        self.ranges = True
        self.starts: list[int] = []
        self.headers: dict[str, str] = {"Content-Type": "application/octet-stream"}
        server.plan(self.step)

    def step(self, connection: Connection) -> None:
        seen = connection.read()
        if not seen.target.endswith("/download"):
            output = json.dumps(self.output or {"report": self.name})
            task = {"id": 1, "status": "DONE", "outputCtx": output}
            connection.send(message(200, json.dumps({"status": 200, "task": task}).encode()))
            return
        body = json.loads(seen.body)
        if body["filename"] != self.name:
            connection.send(message(200, b'{"status": 404, "ErrorMessage": "no file"}'))
            return
        start = 0
        headers = dict(self.headers)
        if self.ranges and "range" in seen.headers:
            start = int(seen.headers["range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(self.content):
                connection.send(message(416, b""))
                return
            size = len(self.content)
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self.starts.append(start)
        rest = self.content[start:]
        sent = rest
        if self.cuts:
            sent = rest[: self.cuts.pop(0)]
        status = 206 if "Content-Range" in headers else 200
        connection.send(message(status, sent, headers, length=len(rest)))
        if len(sent) < len(rest):
            connection.close()


@pytest.fixture
def store() -> Iterator[Store]:
    with FaultServer() as server:
        yield Store(server)


@pytest.fixture
def env(store: Store, home: Home, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    (home.path / "here").mkdir()
    monkeypatch.chdir(home.path / "here")
    monkeypatch.setitem(Core.__init__.__kwdefaults__ or {}, "sleep", lambda seconds: None)
    return {"ORCHCTL_URL": store.server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}


def files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path().iterdir()}


def test_into_the_current_directory(env: Mapping[str, str], orchctl: Any) -> None:
    result = orchctl("task", "download", "1", "report.bin", "-o", "json", env=env)
    assert result.json == {"id": "1", "file": "report.bin", "path": "report.bin", "size": len(CONTENT)}
    assert files() == {"report.bin": CONTENT}


def test_by_the_variable_in_any_case(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    assert orchctl("task", "download", "1", "Report", env=env).code == 0
    assert files() == {"report.bin": CONTENT}
    store.output = {"all": ["a", "b"], "none": None, "report": "report.bin"}
    several = orchctl("task", "download", "1", "ALL", env=env)
    assert (several.code, "name one: a, b" in several.err) == (2, True)
    assert orchctl("task", "download", "1", "none", env=env).code == 4


def test_where_the_user_wants_it(env: Mapping[str, str], orchctl: Any) -> None:
    Path("out").mkdir()
    for to, found in (("out", "out/report.bin"), ("x.bin", "x.bin"), ("out/y", "out/y")):
        result = orchctl("task", "download", "1", "report.bin", "--to", to, "-o", "json", env=env)
        assert (result.code, result.json["path"]) == (0, found)
        assert Path(found).read_bytes() == CONTENT
    assert orchctl("task", "download", "1", "report.bin", "--to", "no/where", env=env).code == 12


def test_nothing_is_overwritten_unasked(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    Path("report.bin").write_text("mine")
    result = orchctl("task", "download", "1", "report.bin", env=env)
    assert (result.code, result.err) == (
        12,
        "orchctl: report.bin exists already\nhint: overwrite it with --clobber, or choose --to PATH\n",
    )
    assert store.starts == []
    os.symlink("nowhere", "link")
    assert orchctl("task", "download", "1", "report.bin", "--to", "link", env=env).code == 12
    assert orchctl("task", "download", "1", "report.bin", "--clobber", env=env).code == 0
    assert Path("report.bin").read_bytes() == CONTENT


def test_a_line_that_breaks_is_gone_on_with(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    store.cuts = [100, 50_000, 1]
    result = orchctl("task", "download", "1", "report.bin", env=env)
    assert result.code == 0, result.err
    assert files() == {"report.bin": CONTENT}
    assert store.starts == [0, 100, 50_100, 50_101]
    assert "going on after 50100 bytes" in result.err


def test_a_later_run_goes_on_too(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    store.cuts = [1000, 0, 0, 0, 0]
    result = orchctl("task", "download", "1", "report.bin", "-o", "json", env=env)
    assert (result.code, result.out) == (7, "")
    assert "1000 bytes are kept; the same command goes on from there" in result.error["notes"]
    (part,) = files()
    assert part.startswith(".report.bin.")
    assert part.endswith(".part")
    store.cuts, store.starts = [], []
    assert orchctl("task", "download", "1", "report.bin", env=env).code == 0
    assert (files(), store.starts) == ({"report.bin": CONTENT}, [1000])


def test_another_tasks_part_is_not_gone_on_with(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    store.cuts = [1000, 0, 0, 0, 0]
    orchctl("task", "download", "1", "report.bin", env=env)
    store.name, store.content, store.cuts, store.starts = "other.bin", b"other", [], []
    assert orchctl("task", "download", "1", "other.bin", "--to", "report.bin", env=env).code == 0
    assert store.starts == [0]
    assert Path("report.bin").read_bytes() == b"other"


def test_a_server_that_does_not_resume_sends_it_all_again(
    store: Store, env: Mapping[str, str], orchctl: Any
) -> None:
    store.ranges = False
    store.cuts = [100_000, 10]
    assert orchctl("task", "download", "1", "report.bin", env=env).code == 0
    assert files() == {"report.bin": CONTENT}
    assert store.starts == [0, 0, 0]


def test_a_part_that_is_whole_already(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    store.cuts = [1000, 0, 0, 0, 0]
    orchctl("task", "download", "1", "report.bin", env=env)
    (part,) = Path().iterdir()
    part.write_bytes(CONTENT)  # a run that was killed before it could rename it
    store.cuts = []
    assert orchctl("task", "download", "1", "report.bin", env=env).code == 0
    assert files() == {"report.bin": CONTENT}


def test_an_empty_file(store: Store, env: Mapping[str, str], orchctl: Any) -> None:
    store.content = b""
    assert orchctl("task", "download", "1", "report.bin", "-o", "json", env=env).json["size"] == 0
    assert files() == {"report.bin": b""}


def test_a_file_that_is_not_there(env: Mapping[str, str], orchctl: Any) -> None:
    result = orchctl("task", "download", "1", "nope", env=env)
    assert (result.code, result.err) == (4, "orchctl: the task 1 has no file 'nope'\n")
    assert files() == {}


@pytest.mark.parametrize(
    "content", [b'{"status": 404}', b'{"a": 1}', b"[]", b"<html><body>report</body></html>"]
)
def test_what_is_in_a_file_does_not_matter(
    content: bytes, store: Store, env: Mapping[str, str], orchctl: Any
) -> None:
    store.content = content
    assert orchctl("task", "download", "1", "report.bin", env=env).code == 0
    assert files() == {"report.bin": content}


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\x\\y.txt", "y.txt"),
        ("a\x1b]0;x\x07b", "a_]0;x_b"),
        ("a\u202eb.txt", "a_b.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("a:b|c?.txt", "a_b_c_.txt"),
        (" x. ", "x"),
        (".hidden", ".hidden"),
        ("отчёт.xlsx", "отчёт.xlsx"),
    ],
)
def test_names_that_are_safe_here(
    name: str, here: str, store: Store, env: Mapping[str, str], orchctl: Any
) -> None:
    store.name = name
    store.content = b"x"
    result = orchctl("task", "download", "1", name, env=env)
    assert result.code == 0, result.err
    assert files() == {here: b"x"}


@pytest.mark.parametrize("name", ["..", ".", "/", "...", " "])
def test_names_of_which_nothing_is_left(name: str) -> None:
    with pytest.raises(UsageFault):
        safe_name(name)


@given(st.text(min_size=1, max_size=300))
def test_a_safe_name_is_one_part_of_a_path(name: str) -> None:
    try:
        found = safe_name(name)
    except UsageFault:
        return
    assert found
    assert len(found.encode("utf-8", "surrogatepass")) <= 200
    assert not set(found) & set('/\\<>:"|?*\0\x1b\u202e')
    assert found not in (".", "..")
    assert not found.endswith((".", " "))
    assert found.isprintable() or all(character >= " " for character in found)
