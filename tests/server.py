"""A served sandbox for tests: the real program in a process of its own, on a port of loopback."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def free_port() -> int:
    """A port that stays free while its server is away: outside the range that outgoing connections take theirs from."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Served:
    """``orchctl sandbox serve`` on a database; it can be killed and started again on the same port."""

    def __init__(self, database: Path, *options: str) -> None:
        self._database = database
        self._options = options
        self.url = ""
        self.start(port=free_port())

    @property
    def key(self) -> str:
        return Path(f"{self._database}.key").read_text(encoding="ascii").strip()

    def start(self, *, port: int) -> None:
        argv = [sys.executable, "-m", "orchctl", "sandbox", "serve", "--port", str(port)]
        argv += ["--db", str(self._database), *self._options]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.url

    def kill_and_start_again(self) -> None:
        """kill -9, then the same database on the same port."""
        self._process.kill()
        self._gone()
        self.start(port=int(self.url.rpartition(":")[2]))

    def stop(self) -> None:
        self._process.terminate()
        self._gone()

    def _gone(self) -> None:
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def serving(database: Path, *options: str) -> Iterator[tuple[str, str]]:
    """A served database, as its base URL and account key."""
    served = Served(database, *options)
    try:
        yield served.url, served.key
    finally:
        served.stop()
