"""A Sherpa server with nothing but a log and a job, scripted answer by answer, that can be restarted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB = "55056968-cb1b-4919-ad7b-9370c6e81e55"
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
ROBOT = "6c7a3c4e-0d2b-4b43-9a53-0b1f0a8f7d11"
SUCCESS, FAILED, IN_PROGRESS = 4, 5, 8


def record(number: int, *, time: str, message: str, level: str = "Info", **more: Any) -> dict[str, Any]:
    """An entry as the API reference prints one, numbers as strings."""
    return {
        "id": str(number),
        "guid": f"3f2504e0-4f89-11d3-9a0c-{number:012d}",
        "robot_id": ROBOT,
        "process_version_id": "0",
        "job_id": JOB,
        "Level": level,
        "Message": message,
        "created_at": time,
        "updated_at": time,
        **more,
    }


class LogServer:
    """``answer`` gives the body of each ``POST /api/log/list``, or ``None`` to cut it off in the middle."""

    def __init__(self, answer: Callable[[], bytes | None]) -> None:
        self.answer = answer
        self.status = IN_PROGRESS
        self.task_status = 1
        self.job_is_there = True
        self.polls = 0
        self.answered = 0
        """Polls that were answered in full."""
        self.port = 0
        self.handle: Callable[[str, str], tuple[int, Any] | None] = lambda method, path: None
        """May answer anything first, as status and JSON."""
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        return {"ORCHCTL_URL": self.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": KEY}

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:  # http.server finds it by this name
                self.answer("GET")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.answer("POST")

            def answer(self, method: str) -> None:
                special = server.handle(method, self.path)
                if special is not None:
                    self.send(special[0], json.dumps(special[1]).encode())
                elif self.path == "/api/log/list":
                    server.polls += 1
                    body = server.answer()
                    if body is None:
                        self.send(200, b'[{"guid": "cut off in th', length=1000)
                        self.close_connection = True
                    else:
                        self.send(200, body)
                        server.answered += 1
                elif self.path == f"/api/job/read/{JOB}" and server.job_is_there:
                    self.send(200, json.dumps({"guid": JOB, "status": server.status}).encode())
                elif self.path == f"/api/robot/read/{ROBOT}":
                    self.send(200, json.dumps({"GUID": ROBOT, "Name": "R1", "Status": 2}).encode())
                else:
                    self.send(404, b"[]")

            def send(self, status: int, body: bytes, *, length: int | None = None) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            connections: set[Any]

            def process_request(self, request: Any, client_address: Any) -> None:
                self.connections.add(request)
                super().process_request(request, client_address)

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was cut off

        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.connections = set()
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Gone, with every connection there was."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in server.connections:  # type: ignore[attr-defined]  # of our own server
            try:
                connection.shutdown(2)
            except OSError:
                pass
            connection.close()


@contextmanager
def log_server(answer: Callable[[], bytes | None] = lambda: b"[]") -> Iterator[LogServer]:
    server = LogServer(answer)
    server.start()
    try:
        yield server
    finally:
        server.stop()
