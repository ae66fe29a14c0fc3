"""A bell that an orchestrator may ring over HTTP. It only wakes: what happened is asked for, never believed."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import urlsplit

from orchctl.errors import LocalFault, UsageFault
from orchctl.paths import reason

_BODY_LIMIT = 1024 * 1024
_READ_SECONDS = 10.0


class Bell:
    """``url`` is what is called; nobody can guess it. ``wait`` sleeps until then, or for so many seconds."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = urlsplit(url).path
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, seconds: float) -> None:
        self._rung.wait(seconds)
        self._rung.clear()


@contextmanager
def listening(address: str, *, towards: str) -> Iterator[Bell]:
    """Listen on ``HOST:PORT`` (port 0: a free one) while the block runs.

    Where the host stands for all addresses of this machine, the one that leads ``towards`` a URL is told.

    :raises LocalFault: the address cannot be listened on.
    """
    host, port = _split(address)
    bell: Bell

    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_POST(self) -> None:  # http.server finds it by this name
            known = secrets.compare_digest(self.path.encode(), bell.path.encode())
            with suppress(OSError, ValueError):
                length = int(self.headers.get("content-length") or 0)
                self.rfile.read(min(max(length, 0), _BODY_LIMIT))
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if known:
                bell.ring()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        allow_reuse_address = sys.platform != "win32"  # there two programs could share the port

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a caller that hangs up is no matter: the polls go on

        def server_bind(self) -> None:
            # HTTPServer's own asks the name service for this machine's name, which may take seconds.
            super(HTTPServer, self).server_bind()
            self.server_name, self.server_port = host, self.server_address[1]

    try:
        server = Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise LocalFault(f"cannot listen on {address}: {why}", hint="choose another --listen ADDR") from error
    shown = _told(host, towards)
    bell = Bell(f"http://{shown}:{server.server_address[1]}/{secrets.token_urlsafe(24)}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield bell
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageFault(
            f"{address!r} is no address to listen on", hint="write HOST:PORT, such as 127.0.0.1:0"
        )
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  # what an empty host means everywhere


def _told(host: str, towards: str) -> str:
    """The host to put into the URL."""
    try:
        if ip_address(host).is_unspecified:
            host = _own_address(towards)
    except ValueError:
        return host
    return f"[{host}]" if ":" in host else host


def _own_address(towards: str) -> str:
    """This machine's address on the way to a server; connecting a datagram socket sends nothing."""
    parts = urlsplit(towards)
    with suppress(OSError, ValueError):
        target = (parts.hostname or "", parts.port or 80)
        family, kind, _, _, address = socket.getaddrinfo(*target, 0, socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    return "127.0.0.1"
