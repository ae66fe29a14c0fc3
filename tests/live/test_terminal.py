"""What takes the whole terminal gives it back as it was, on every way out; in a real pseudo terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conftest import Home

GIVEN_BACK = "\x1b[?7h\x1b[?25h\x1b[?1049l"
TAKEN = "\x1b[?1049h\x1b[?25l\x1b[?7l"


# Makes the terminal that of its session, so that Ctrl-C and its like reach it.
_OWNER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "orchctl", *sys.argv[1:]])
"""


class Terminal:
    """A command line in a terminal of 80 columns and 24 lines."""

    def __init__(self, home: Home, *argv: str, **env: str) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(80, 24, tell=False)
        self.before = termios.tcgetattr(self.slave)
        variables = {**os.environ, **home.env, "TERM": "xterm", "ORCHCTL_DIALECT": "sherpa", **env}
        variables.setdefault("ORCHCTL_URL", f"sandbox:{home.path / 'sandbox.db'}")
        variables.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OWNER, *argv],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=variables,
            start_new_session=True,
        )
        self.text = ""

    def until(self, wanted: str | Callable[[str], bool], *, seconds: float = 20.0) -> str:
        """What it wrote since the last call, up to where ``wanted`` is in it."""
        is_there = wanted if callable(wanted) else lambda text: wanted in text
        ends = time.monotonic() + seconds
        while not is_there(self.text):
            assert time.monotonic() < ends, f"{wanted!r} did not come: {self.text!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode()
        seen, self.text = self.text, ""
        return seen

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def end(self) -> int:
        """Its exit code; the terminal has to be as it was."""
        seen = self.until(GIVEN_BACK)
        code = self.process.wait(timeout=10)
        self.text = seen.rpartition(GIVEN_BACK)[2]
        assert termios.tcgetattr(self.slave) == self.before
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(home: Home) -> Iterator[Any]:
    opened: list[Terminal] = []

    @contextmanager
    def run(*argv: str, **env: str) -> Iterator[Terminal]:
        opened.append(Terminal(home, *argv, **env))
        yield opened[-1]

    yield run
    for each in opened:
        each.close()


WAYS_OUT: list[tuple[str, Callable[[Terminal], None], int]] = [
    ("q", lambda tty: tty.press("q"), 0),
    ("ctrl-c", lambda tty: tty.press("\x03"), 130),
    ("ctrl-backslash", lambda tty: tty.press("\x1c"), 130),
    ("sigint", lambda tty: tty.process.send_signal(signal.SIGINT), 130),
    ("sigterm", lambda tty: tty.process.send_signal(signal.SIGTERM), 143),
    ("sighup", lambda tty: tty.process.send_signal(signal.SIGHUP), 129),
]


@pytest.mark.parametrize(("leave", "code"), [way[1:] for way in WAYS_OUT], ids=[way[0] for way in WAYS_OUT])
def test_top_gives_the_terminal_back(terminal: Any, leave: Callable[[Terminal], None], code: int) -> None:
    with terminal("top") as tty:
        assert TAKEN in tty.until("no jobs")
        leave(tty)
        assert tty.end() == code


def test_top_gives_the_terminal_back_when_it_fails(terminal: Any) -> None:
    with terminal("top", ORCHCTL_URL="http://127.0.0.1:1") as tty:
        tty.until("looking ...")
        assert tty.end() == 3  # there is no credential


def test_top_waits_for_a_server_that_is_away(terminal: Any) -> None:
    away = {"ORCHCTL_URL": "http://127.0.0.1:1", "ORCHCTL_TOKEN": "a-token", "ORCHCTL_RETRY_TIMEOUT": "0.2"}
    with terminal("top", "--interval", "0.2", ORCHCTL_REQUEST_TIMEOUT="0.2", **away) as tty:
        tty.until("connection refused; trying again")
        tty.press("q")
        assert tty.end() == 0


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(terminal: Any) -> None:
    with terminal("top") as tty:
        tty.until("no jobs")
        tty.press("\x1a")  # without a shell around it nothing stops, and it goes on at once
        seen = tty.until(lambda text: TAKEN in text and "no jobs" in text.partition(TAKEN)[2])
        assert GIVEN_BACK in seen.partition(TAKEN)[0]
        tty.press("q")
        assert tty.end() == 0


def test_top_takes_keys_and_sizes(terminal: Any) -> None:
    with terminal("top") as tty:
        tty.until("no jobs")
        tty.press("\t")
        assert "ROBOT" in tty.until("ROBOT")
        tty.press("s")
        tty.until("RUNS▴")
        tty.press("/x")
        assert "no queues with 'x'" in tty.until("show only rows with: x_")
        tty.press("\r")
        tty.until("with 'x' (Esc: all)")
        tty.press("\x1b")
        tty.until("no queues\x1b")
        tty.press("?")
        tty.until("Page Up and Page Down too")
        tty.press("?")
        tty.until("no jobs")
        tty.resize(120, 40)
        assert tty.until("\x1b[40;1H").startswith("\x1b[2J")
        tty.press("q")
        assert tty.end() == 0


@pytest.mark.parametrize(("leave", "code"), [way[1:] for way in WAYS_OUT], ids=[way[0] for way in WAYS_OUT])
def test_a_watched_list_gives_the_terminal_back_and_leaves_what_was_seen_last(
    terminal: Any, orchctl: Any, home: Home, leave: Callable[[Terminal], None], code: int
) -> None:
    here = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"}
    assert orchctl("queue", "create", "--name", "Invoices", env=here).code == 0
    with terminal("queue", "list", "--watch", "--interval", "0.1") as tty:
        assert "every 0.1s: orchctl queue list -c env " in tty.until("Invoices")
        assert orchctl("queue", "create", "--name", "Mails", env=here).code == 0
        tty.until("Mails")
        leave(tty)
        assert tty.end() == code
        rest = tty.text
        while select.select([tty.master], [], [], 0.2)[0]:
            rest += os.read(tty.master, 65536).decode()
        assert "Mails" in rest


def test_of_a_long_list_that_was_watched_only_the_screen_is_left(
    terminal: Any, orchctl: Any, home: Home
) -> None:
    here = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"}
    assert orchctl("queue", "create", "--name", "Q", env=here).code == 0
    rows = "".join(f"T{number:02d}\n" for number in range(60))
    loaded = orchctl(
        "task", "create", "-q", "Q", "--from", "-", "--format", "csv", input=f"name\n{rows}", env=here
    )
    assert loaded.code == 0, loaded.err
    with terminal("task", "list", "-q", "Q", "--watch", "--interval=9", "--sort-by", "name") as tty:
        seen = tty.until("more lines")
        assert "every 9s: orchctl task list -q Q --sort-by name -c env " in seen
        assert "T19" in seen
        tty.press("q")
        assert tty.end() == 0
        while select.select([tty.master], [], [], 0.2)[0]:
            tty.text += os.read(tty.master, 65536).decode()
        left = tty.text.splitlines()
        assert (len(left), left[-1]) == (22, "... 40 more lines")


def test_a_watched_line_is_cut_to_the_width(terminal: Any, home: Home) -> None:
    with terminal("queue", "list", "--watch", "--fields", ",".join(["name"] * 30)) as tty:
        head = tty.until("no queues").partition("every 2s: ")[2].partition("\x1b")[0]
        assert len("every 2s: " + head) == 80
        assert "… " in head
        tty.press("q")
        assert tty.end() == 0


def test_a_signal_at_a_question_ends_its_line(terminal: Any, orchctl: Any, home: Home) -> None:
    here = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"}
    assert orchctl("queue", "create", "--name", "Invoices", env=here).code == 0
    with terminal("queue", "delete", "Invoices") as tty:
        tty.until("[y/N] ")
        tty.press("\x03")
        assert tty.until("\n") == "^C\r\n"
        assert tty.process.wait(timeout=10) == 130


def test_a_watched_object_that_vanishes_is_4(terminal: Any, orchctl: Any, home: Home) -> None:
    here = {"ORCHCTL_URL": f"sandbox:{home.path / 'sandbox.db'}", "ORCHCTL_DIALECT": "sherpa"}
    assert orchctl("queue", "create", "--name", "Invoices", env=here).code == 0
    with terminal("queue", "get", "Invoices", "--watch", "--interval", "0.1") as tty:
        tty.until("Invoices")
        assert orchctl("queue", "delete", "Invoices", "--yes", env=here).code == 0
        assert tty.end() == 4
