"""The terminal as a command takes it: given back if a signal comes on the way in, and keys that come in pieces."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import termios
import threading
import tty
from collections.abc import Iterator
from typing import Any

import pytest

from orchctl.errors import Signalled
from orchctl.live import screen
from orchctl.live.screen import Screen
from orchctl.streams import Streams


class Terminal:
    """A pseudo terminal, and the streams of a command in it."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        file = os.fdopen(self.slave, "r+b", buffering=0)
        text = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
        self.streams = Streams(stdin=text, stdout=text, stderr=None, env={})

    @property
    def shown(self) -> str:
        seen = b""
        while select.select([self.master], [], [], 0.1)[0]:
            seen += os.read(self.master, 1000)
        return seen.decode()

    def close(self) -> None:
        assert self.streams.stdin is not None
        self.streams.stdin.close()
        os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def then_signalled(function: Any) -> Any:
    """The same, and before it returns there is a signal: the first time."""
    calls = []

    def called(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        calls.append(arguments)
        if len(calls) == 1:
            raise Signalled(signal.SIGTERM)
        return result

    return called


@pytest.mark.parametrize(
    ("where", "name"),
    [(termios, "tcgetattr"), (tty, "setcbreak"), (Streams, "write"), (Streams, "flush"), (signal, "signal")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_signal_on_the_way_in_leaves_all_as_it_was(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    handlers = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGQUIT)
    monkeypatch.setattr(where, name, then_signalled(getattr(where, name)))
    with pytest.raises(Signalled), Screen(terminal.streams):
        pytest.fail("it was taken")
    monkeypatch.undo()
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert (signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGQUIT)) == handlers
    assert terminal.shown.endswith("\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_ctrl_z_within_a_write_waits_for_its_end(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream cannot be written to from within its own write."""
    happened: list[str] = []
    handlers: list[Any] = []
    write = Streams.write

    def written(streams: Streams, text: str) -> None:
        if "a line" in text:
            signal.getsignal(signal.SIGTSTP)(signal.SIGTSTP, None)  # type: ignore[operator,misc]
            happened.append("written")
        write(streams, text)

    def kill(process: int, number: int) -> None:
        handlers.append(signal.getsignal(number))
        happened.append("stopped" if handlers[-1] is signal.SIG_DFL else "told again")
        if happened[-1] == "told again":
            handlers[-1](number, None)

    with Screen(terminal.streams) as taken:
        monkeypatch.setattr(Streams, "write", written)
        monkeypatch.setattr("orchctl.live.screen.os.kill", kill)
        taken.draw(["a line"])
        assert happened == ["written", "told again", "stopped"]
        shown = terminal.shown
        assert shown.index("a line") < shown.index("\x1b[?1049l") < shown.rindex("\x1b[?1049h")
        taken.draw(["another"])
        assert "another" in terminal.shown
    assert len(happened) == 3


@pytest.mark.parametrize(
    ("pieces", "keys"),
    [
        ([b"\x1b", b"[A"], ["up"]),
        ([b"\x1b[", b"B"], ["down"]),
        ([b"\x1b", b"[", b"5", b"~"], ["page up"]),
        ([b"\x1bO", b"A"], ["up"]),
        ([b"q\x1b", b"[Aq"], ["q", "up", "q"]),
        (["\u20ac".encode()[:1], "\u20ac".encode()[1:]], ["\u20ac"]),
    ],
)
def test_a_key_may_come_in_pieces(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], keys: list[str]
) -> None:
    monkeypatch.setattr(screen, "_REST_SECONDS", 20.0)  # of a machine with much to do
    rest = iter(pieces)
    read = os.read

    def read_one(descriptor: int, size: int) -> bytes:
        found = read(descriptor, size)
        if piece := next(rest, None):
            os.write(terminal.master, piece)
        return found

    with Screen(terminal.streams) as taken:
        os.write(terminal.master, next(rest))
        monkeypatch.setattr(os, "read", read_one)
        assert taken.keys(20.0) == keys


@pytest.mark.parametrize(
    ("sent", "keys"), [(b"\x1b", ["escape"]), (b"\x1b[", []), (b"\xe2\x82", ["\ufffd"]), (b"", [])]
)
def test_what_does_not_go_on_is_not_waited_for(terminal: Terminal, sent: bytes, keys: list[str]) -> None:
    with Screen(terminal.streams) as taken:
        os.write(terminal.master, sent)
        assert taken.keys(0.2) == keys


def test_another_thread_has_no_signals_to_catch(terminal: Terminal) -> None:
    done: list[bool] = []

    def use() -> None:
        with Screen(terminal.streams):
            done.append(True)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(20)
    assert done
    assert termios.tcgetattr(terminal.slave) == terminal.before
