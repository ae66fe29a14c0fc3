"""Runs the program that a context names as the source of its secret. No shell, no terminal, 30 seconds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from orchctl.errors import NotAuthenticated
from orchctl.paths import reason

LIMIT = 30.0
_MOST = 65536
_TOLD_LINES = 20
_GRACE = 1.0  # a child of the program may keep the pipes open after its end


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    notify: Callable[[str], None],
    limit: float = LIMIT,
) -> str:
    """What the program printed, without the line end. Its stderr goes to ``notify``.

    :raises NotAuthenticated: it could not be started, failed, took too long or printed nothing usable.
    """
    program = command[0]
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own program, named in the user's own file
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(env),
        )
    except OSError as error:
        raise _failed(f"the token-command {program} cannot be run: {reason(error)}") from None
    assert process.stdout is not None and process.stderr is not None
    printed, said = bytearray(), bytearray()
    with process.stdout as out, process.stderr as err:
        readers = [_reading(out, printed), _reading(err, said)]
        try:
            process.wait(limit)
            for reader in readers:
                reader.join(_GRACE)
        except subprocess.TimeoutExpired:
            raise _failed(f"the token-command {program} did not end within {limit:g} s") from None
        finally:
            with suppress(OSError):
                process.kill()
            process.wait()
    lines = said.decode(errors="replace").strip().splitlines()
    if process.returncode != 0:
        why = f": {lines[-1].strip()}" if lines else ""
        raise _failed(f"the token-command {program} failed with exit code {process.returncode}{why}")
    for line in lines[:_TOLD_LINES]:
        notify(f"token-command: {line}")
    try:
        text = printed.decode().removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _failed(f"the token-command {program} printed something that is not UTF-8 text") from None
    if not text:
        raise _failed(f"the token-command {program} printed nothing")
    if len(printed) >= _MOST:
        raise _failed(f"the token-command {program} printed more than a secret: 64 KiB and on")
    return text


def _reading(stream: IO[bytes], into: bytearray) -> Thread:
    """A thread that takes what fits and then closes, so that a program that prints for ever is stopped."""

    def read() -> None:
        with suppress(OSError, ValueError):  # closed from outside when the time is over
            while part := stream.read(_MOST - len(into)):  # nothing more is read once it is full
                into.extend(part)
            stream.close()

    thread = Thread(target=read, daemon=True, name="token-command")
    thread.start()
    return thread


def _failed(message: str) -> NotAuthenticated:
    return NotAuthenticated(
        message, hint="run it by hand to see why, or change token-command in the configuration"
    )
