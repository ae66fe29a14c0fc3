"""The bell that a server may ring: only at a path nobody can guess, and whatever it says."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from orchctl.client.listening import listening
from orchctl.errors import LocalFault, UsageFault

TOWARDS = "http://127.0.0.1:48080"


def ring(url: str, body: bytes = b"") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_it_rings_whatever_is_said() -> None:
    with listening("127.0.0.1:0", towards=TOWARDS) as bell:
        for body in (b"", b"not json", b'{"task": {"id": 955}}', b"x" * 100_000):
            assert ring(bell.url, body) == 200
            began = time.monotonic()
            bell.wait(30)
            assert time.monotonic() - began < 10


def test_elsewhere_it_does_not_ring() -> None:
    with listening("127.0.0.1:0", towards=TOWARDS) as bell:
        parts = urlsplit(bell.url)
        assert len(parts.path) > 30
        for path in ("/", "/x", parts.path[:-1], f"{parts.path}x"):
            assert ring(f"http://{parts.netloc}{path}") == 404
        assert not bell._rung.is_set()


def test_each_bell_is_another() -> None:
    with listening("127.0.0.1:0", towards=TOWARDS) as one, listening("127.0.0.1:0", towards=TOWARDS) as two:
        assert one.path != two.path


def test_it_waits_no_longer_than_asked() -> None:
    with listening("127.0.0.1:0", towards=TOWARDS) as bell:
        bell.wait(0.01)


def test_a_caller_that_hangs_up_is_no_matter() -> None:
    with listening("127.0.0.1:0", towards=TOWARDS) as bell:
        port = urlsplit(bell.url).port
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port or 0)) as caller:
                caller.sendall(b"POST / HTTP/1.1\r\ncontent-length: 50\r\n\r\n")
        assert ring(bell.url) == 200


def test_all_addresses_become_the_one_on_the_way_to_the_server() -> None:
    for address in (":0", "0.0.0.0:0"):
        with listening(address, towards=TOWARDS) as bell:
            assert bell.url.startswith("http://127.0.0.1:")


def test_addresses_that_are_none() -> None:
    for address in ("127.0.0.1", "x:y", "127.0.0.1:70000", ""):
        with pytest.raises(UsageFault), listening(address, towards=TOWARDS):
            pass
    with listening("127.0.0.1:0", towards=TOWARDS) as bell:
        taken = urlsplit(bell.url).netloc
        if hasattr(socket, "SO_REUSEPORT"):
            with pytest.raises(LocalFault), listening(taken, towards=TOWARDS):
                pass
    with pytest.raises(LocalFault), listening("192.0.2.1:0", towards=TOWARDS):
        pass
