"""gnome-keyring, unlocked, on a session bus of its own: all that Secret Service needs, and no desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon")
INSTALL = "apt-get install --no-install-recommends dbus gnome-keyring"


def missing() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


@dataclass(frozen=True)
class SecretService:
    """A session bus with an unlocked keyring, and the environment that leads to it."""

    env: Mapping[str, str]

    def python(self, code: str, *arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def orchctl(self, *argv: str, input: str = "") -> tuple[int, str, str]:
        run = subprocess.run(
            [sys.executable, "-m", "orchctl", *argv],
            env=dict(self.env),
            input=input,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return run.returncode, run.stdout, run.stderr


@contextmanager
def running(folder: Path) -> Iterator[SecretService]:
    home = folder / "home"
    runtime = folder / "run"
    for folder in (home, runtime):
        folder.mkdir(mode=0o700)
    kept = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), env.get("PYTHONPATH", "")])
    settings = runtime / "bus.conf"
    settings.write_text(_BUS)
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={settings}", "--nofork", "--nopidfile", "--print-address=1"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with ended(bus):
        assert bus.stdout is not None
        env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with ended(keyring):
            assert keyring.stdin is not None
            assert keyring.stdout is not None
            keyring.stdin.write("the keyring's own password")
            keyring.stdin.close()
            service = SecretService(env)
            service.python(_WAIT)
            yield service


class ended:
    """Ends a process, and closes what leads to it, whatever the test did."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait(30)


# A session's own settings would let the bus start services by itself: a second keyring, locked and asking for a
# password that nobody gives, whenever it is asked for before the first one is there.
_BUS = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""
_WAIT = """
import time, secretstorage
from contextlib import closing
with closing(secretstorage.dbus_init()) as bus:
    while True:
        try:
            if secretstorage.check_service_availability(bus):
                if not secretstorage.get_default_collection(bus).is_locked():
                    break
        except secretstorage.exceptions.SecretStorageException:
            pass
        time.sleep(0.02)
"""
