"""Data reaches stdout whole or the run says so; talk never fails and never leaks."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from orchctl.errors import LocalFault, UsageFault
from orchctl.sanitize import forget_secrets, register_secret
from orchctl.streams import ClosedPipe, Streams

PROGRAM = """
import sys
from orchctl.errors import OrchctlError
from orchctl.streams import ClosedPipe, Streams
streams = Streams.system()
try:
    {act}
    streams.finish()
except ClosedPipe:
    sys.exit(141)
except OrchctlError as error:
    streams.talk(f"{{error.message}} ({{error.hint}})")
    sys.exit(error.exit_code)
"""


def shell(
    redirection: str, act: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs ``act`` in a process of its own, started by a shell with ``redirection``."""
    program = PROGRAM.format(act=act).encode("ascii", "backslashreplace").decode()
    return subprocess.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            f'"$0" -c "$1" {redirection}',
            sys.executable,
            program,
        ],
        capture_output=True,
        check=False,
        env={**os.environ, **(env or {})},
        timeout=60,
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fakes(
    *, terminal: bool = False, env: Mapping[str, str] | None = None
) -> tuple[Streams, io.StringIO, io.StringIO]:
    kind = Terminal if terminal else io.StringIO
    out, err = kind(), kind()
    return Streams(stdin=kind(), stdout=out, stderr=err, env=env or {}), out, err


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    yield
    forget_secrets()


def test_data_and_talk_go_their_ways() -> None:
    run = shell("", "streams.write('data\\n'); streams.talk('talk')")
    assert (run.returncode, run.stdout, run.stderr) == (0, b"data\n", b"talk\n")


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_output_is_utf_8_whatever_the_locale_says(env: Mapping[str, str]) -> None:
    run = shell("", "streams.write('счёт 日本 \\ud800\\n'); streams.talk('тоже')", env)
    assert run.returncode == 0
    assert run.stdout.decode() == "счёт 日本 \\ud800\n"
    assert run.stderr.decode() == "тоже\n"


def test_a_reader_that_leaves_is_no_failure() -> None:
    run = shell("| head -1", "[streams.write('line\\n') for _ in range(1_000_000)]")
    assert (run.returncode, run.stdout, run.stderr) == (141, b"line\n", b"")


def test_a_reader_that_left_before_the_end_is_seen_by_the_last_flush() -> None:
    run = shell("| true", "import time; time.sleep(0.3); streams.write('line\\n')")
    assert (run.returncode, run.stderr) == (141, b"")


def test_a_full_disk_is_told() -> None:
    run = shell("> /dev/full", "streams.write('data\\n')")
    expected = b"cannot write to standard output: No space left on device (what was written is incomplete)\n"
    assert (run.returncode, run.stderr) == (12, expected)


@pytest.mark.parametrize("amount", [1, 1_000_000])
def test_a_full_disk_is_told_once(amount: int) -> None:
    run = shell("> /dev/full", f"streams.write('x' * {amount})")
    assert (run.returncode, run.stderr.count(b"\n")) == (12, 1)


def test_a_closed_stdout_is_told_when_there_is_data() -> None:
    run = shell(">&-", "streams.write('data\\n')")
    assert (run.returncode, run.stderr) == (12, b"standard output is closed (None)\n")
    assert shell(">&-", "streams.talk('nothing to show')").returncode == 0


def test_a_closed_stderr_is_no_fault() -> None:
    run = shell("2>&-", "streams.talk('unheard'); streams.write('data\\n')")
    assert (run.returncode, run.stdout) == (0, b"data\n")
    assert shell("2>/dev/full", "streams.talk('unheard'); streams.write('data\\n')").stdout == b"data\n"


def test_no_file_opened_later_becomes_a_standard_stream(tmp_path: Path) -> None:
    act = f"print(open({str(tmp_path / 'database')!r}, 'w').fileno() > 2, file=sys.stderr)"
    assert shell("<&- >&-", act).stderr == b"True\n"


def test_a_closed_stdin_is_a_usage_error() -> None:
    run = shell("<&-", "streams.read()")
    assert (run.returncode, run.stderr) == (
        2,
        b"standard input is closed (pipe something in, or name a file)\n",
    )


def test_stdin_is_read_as_bytes() -> None:
    run = shell("< <(printf 'a\\xff\\r\\n')", "streams.write(repr(streams.read()))")
    assert run.stdout == b"b'a\\xff\\r\\n'"
    assert Streams(stdin=io.StringIO("тут"), stdout=None, stderr=None, env={}).read() == "тут".encode()


def test_an_unreadable_stdin_is_a_local_fault() -> None:
    class Unreadable(io.StringIO):
        def read(self, size: int | None = -1, /) -> str:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(LocalFault, match=r"^cannot read standard input: Input/output error$"):
        Streams(stdin=Unreadable(), stdout=None, stderr=None, env={}).read()


def test_streams_that_do_not_exist_are_none_of_the_things_a_stream_can_be() -> None:
    streams = Streams(stdin=None, stdout=None, stderr=None, env={})
    assert not (streams.stdin_is_terminal or streams.stdout_is_terminal or streams.stderr_is_terminal)
    assert (streams.width, streams.color) == (80, False)
    streams.talk("unheard")
    streams.finish()
    with pytest.raises(LocalFault, match="standard output is closed"):
        streams.write("x")
    with pytest.raises(UsageFault):
        streams.read()


def test_streams_closed_under_the_run_are_told() -> None:
    streams, out, err = fakes()
    streams.stdin.close()  # type: ignore[union-attr]  # it is there
    out.close()
    err.close()
    streams.talk("unheard")
    assert not streams.stdout_is_terminal
    acts: list[Callable[[], None]] = [lambda: streams.write("x"), streams.flush, streams.finish]
    for act in acts:
        with pytest.raises(LocalFault, match="standard output is closed"):
            act()
    with pytest.raises(UsageFault):
        streams.read()


class Failing(io.StringIO):
    def __init__(self, fault: OSError) -> None:
        super().__init__()
        self.fault = fault

    def write(self, text: str) -> int:
        raise self.fault


def test_after_a_failure_every_write_fails_the_same_way() -> None:
    streams = Streams(stdin=None, stdout=Failing(BrokenPipeError()), stderr=None, env={})
    acts: list[Callable[[], None]] = [lambda: streams.write("x"), streams.flush, streams.finish]
    for act in acts:
        with pytest.raises(ClosedPipe):
            act()


def test_windows_reports_a_closed_pipe_as_an_invalid_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = OSError(errno.EINVAL, "Invalid argument")
    with pytest.raises(LocalFault):
        Streams(stdin=None, stdout=Failing(fault), stderr=None, env={}).write("x")
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ClosedPipe):
        Streams(stdin=None, stdout=Failing(fault), stderr=None, env={}).write("x")


def test_a_stream_that_cannot_write_a_character_escapes_it() -> None:
    raw, talk = io.BytesIO(), io.BytesIO()
    with closing(io.TextIOWrapper(raw, "ascii")) as out, closing(io.TextIOWrapper(talk, "ascii")) as err:
        streams = Streams(stdin=None, stdout=out, stderr=err, env={})
        streams.write("é")
        streams.talk("é")
        streams.finish()
        assert (raw.getvalue(), talk.getvalue()) == (b"\\xe9", b"\\xe9\n")


def test_talk_is_one_safe_line_without_secrets() -> None:
    streams, _, err = fakes()
    register_secret("hunter2")
    streams.talk("bad \x1b[2J\npassword hunter2")
    streams.talk("one\ntwo", keep_newlines=True)
    assert err.getvalue() == "bad \\x1b[2J\\npassword ***\none\ntwo\n"


def test_talk_in_json_stays_json() -> None:
    streams, _, err = fakes()
    register_secret('hun"ter2')
    value = {"error": {"message": 'no \x9b"hun"ter2" привет\u202e\U000e0041', "notes": []}}
    streams.talk_json(value)
    assert err.getvalue().count("\n") == 1
    assert json.loads(err.getvalue())["error"]["message"] == 'no \x9b"***" привет\u202e\U000e0041'
    assert "привет\\u202e\\udb40\\udc41" in err.getvalue()


def test_on_one_screen_data_comes_before_the_talk_that_follows_it() -> None:
    order: list[str] = []

    class Screen(Terminal):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def flush(self) -> None:
            order.append(self.name)

    streams = Streams(stdin=None, stdout=Screen("out"), stderr=Screen("err"), env={})
    streams.write("row")
    streams.talk("note")
    assert order == ["out", "err"]


@pytest.mark.parametrize(
    ("terminal", "env", "color"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "xterm-256color"}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": ""}, False),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colors_follow_the_environment(terminal: bool, env: Mapping[str, str], color: bool) -> None:
    assert fakes(terminal=terminal, env=env)[0].color is color


@pytest.mark.parametrize(
    ("columns", "width"), [("132", 132), ("0", 80), ("-5", 80), ("wide", 80), ("²", 80), ("", 80)]
)
def test_the_width_can_be_set(columns: str, width: int) -> None:
    assert fakes(terminal=True, env={"COLUMNS": columns})[0].width == width


def test_the_width_is_that_of_the_terminal() -> None:
    controller, terminal = pty.openpty()
    with os.fdopen(controller, "wb", buffering=0), os.fdopen(terminal, "w") as out:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 97, 0, 0))
        streams = Streams(stdin=None, stdout=out, stderr=None, env={})
        assert (streams.stdout_is_terminal, streams.width) == (True, 97)
