"""The application over real HTTP: uvicorn, one thread that writes, one that reads. It knows no API."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, TypeAlias, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from orchctl.errors import LocalFault, UsageFault
from orchctl.sandbox.app import BODY_LIMIT, App, Request, Response, courier, open_app
from orchctl.sandbox.store import Unwritten
from orchctl.sandbox.wire import Operation, refuse

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST_AT_ONCE = 256
# A client that reuses a connection just as the server closes it cannot know whether its write was done:
# keep connections for longer than any sensible poll.
_KEEP_ALIVE_SECONDS = 180
# Cron has minutes, heartbeats come every 10 s.
_TICK_SECONDS = 1.0

# uvicorn's own names for these are in a module it calls private.
_Scope: TypeAlias = "dict[str, Any]"
_Receive: TypeAlias = "Callable[[], Any]"
_Send: TypeAlias = "Callable[[dict[str, Any]], Any]"


def serve(
    db: Path | str | None,
    *,
    host: str = "127.0.0.1",
    port: int = 4500,
    open_access: bool = False,
    strict: bool = False,
    elma: Sequence[str] = (),
    ready: Callable[[str], None],
) -> int:
    """Serve until SIGTERM (gives 0) or SIGINT (KeyboardInterrupt); ``ready`` gets the base URL.

    :raises LocalFault: the address is taken, or the database cannot be used.
    :raises UsageFault: open access on another address than loopback.
    """
    if open_access and host not in _LOOPBACK:
        raise UsageFault(
            f"open access is for this machine only, not for {host}", hint="leave --open or --host out"
        )
    # The writer gives the interpreter up at each SQLite call and must get it back soon: with Python's usual
    # 5 ms a busy event loop keeps it waiting (half as many creates a second, measured).
    sys.setswitchinterval(0.0005)
    with _listen(host, port) as listener:
        app = open_app(db, open_access=open_access, strict=strict, elma=elma)
        errands = courier(app.engine)
        errands.start()
        try:
            server = _Server(app, ready=ready, url=_url(host, listener))
            with server.signals():
                server.run(sockets=[listener])
        finally:
            errands.stop()
            app.close()
    if server.interrupted:
        raise KeyboardInterrupt
    return 0


@contextmanager
def serving(app: App, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process while the block runs; gives the base URL."""
    with _listen(host, port) as listener:
        is_ready = threading.Event()
        url = _url(host, listener)
        server = _Server(app, ready=lambda _: is_ready.set(), url=url)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox")
        thread.start()
        try:
            while not is_ready.wait(0.1) and thread.is_alive():
                pass
            yield url
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, told when it is ready and ended by our signals."""

    def __init__(self, app: App, *, ready: Callable[[str], None], url: str) -> None:
        self._asgi = _Asgi(app)
        super().__init__(
            uvicorn.Config(
                self._asgi,
                http=_Protocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=5,
            )
        )
        self._ready = ready
        self._url = url
        self.interrupted = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._asgi.start(asyncio.get_running_loop())
        await super().startup(sockets)
        self._ready(self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._asgi.stop()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """uvicorn raises what it caught again at its end, which would make SIGTERM a failure."""
        yield

    @contextmanager
    def signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
            yield
            return
        before = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or number == signal.SIGINT
        self.should_exit = True


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, an answer's head and body sent as one: two sends are two packets and two wake-ups."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(cast(asyncio.Transport, _Gathering(transport, self.loop)))


class _Gathering:
    """A transport that sends what was written in one turn of the event loop together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            self._transport.write(b"".join(self._gathered))
            self._gathered.clear()


_Waiting: TypeAlias = "tuple[Operation, asyncio.Future[Response]]"


class _Lane:
    """A thread that answers, together, whatever has gathered while it answered the last.

    Operations are handed over once a turn of the event loop, not one by one: the first would be answered
    alone, in a commit of its own, while the others of the same turn arrive.
    """

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._app = app
        self._loop = loop
        self._turn: list[_Waiting] = []
        self._turns: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sandbox-{name}", daemon=True)
        self._thread.start()

    def answer(self, operation: Operation) -> asyncio.Future[Response]:
        future: asyncio.Future[Response] = self._loop.create_future()
        if not self._turn:
            self._loop.call_soon(self._end_turn)
        self._turn.append((operation, future))
        return future

    def stop(self) -> None:
        self._turns.put(None)
        self._thread.join()

    def _end_turn(self) -> None:
        self._turns.put(self._turn)
        self._turn = []

    def _run(self) -> None:
        while (gathered := self._turns.get()) is not None:
            while len(gathered) < _MOST_AT_ONCE and not self._turns.empty():
                turn = self._turns.get()
                if turn is None:
                    self._turns.put(None)
                    break
                gathered.extend(turn)
            responses = self._app.perform([operation for operation, _ in gathered])
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                self._loop.call_soon_threadsafe(_hand_over, [future for _, future in gathered], responses)


def _hand_over(futures: list[asyncio.Future[Response]], responses: list[Response]) -> None:
    for future, response in zip(futures, responses, strict=True):
        if not future.done():
            future.set_result(response)


class _Ticker:
    """A thread that has the clock do its part also while nobody asks anything."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            try:
                self._app.engine.settle()
            except Unwritten:
                continue  # the database is busy or full: what is due stays due
            except Exception:
                traceback.print_exc()


class _Asgi:
    def __init__(self, app: App) -> None:
        self._app = app
        self._writer: _Lane | None = None
        self._reader: _Lane | None = None
        self._ticker: _Ticker | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = _Lane(self._app, loop, "writer")
        self._reader = _Lane(self._app, loop, "reader")
        self._ticker = _Ticker(self._app)

    def stop(self) -> None:
        for thread in (self._writer, self._reader, self._ticker):
            if thread is not None:
                thread.stop()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await _body(receive, headers)
        except _Gone:
            return
        if isinstance(body, Response):
            # The rest of the request is not read, so nothing can follow it.
            body.headers.append(("connection", "close"))
            await _send_all(send, body)
            return
        request = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            headers,
            body,
            scope["client"][0] if scope["client"] else "",
        )
        operation = self._app.find(request)
        lane = self._writer if operation.writes else self._reader
        assert lane is not None
        response = await lane.answer(operation)
        if isinstance(response.body, bytes):
            await _send_all(send, response)
        else:
            await _send_stream(receive, send, response, response.body)


class _Gone(Exception):
    """The client has hung up before its request was whole: nothing is done."""


async def _body(receive: _Receive, headers: dict[str, str]) -> bytes | Response:
    """The whole body, or the refusal of one that is too large."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_LIMIT:
        return _too_large()
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        return cast(bytes, message["body"])
    parts = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message["body"])
        size += len(message["body"])
        if size > BODY_LIMIT:
            return _too_large()
        if not message["more_body"]:
            return b"".join(parts)
        message = await receive()


def _too_large() -> Response:
    return refuse(413, f"the body is larger than {BODY_LIMIT} bytes")


async def _send_all(send: _Send, response: Response) -> None:
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.body})


async def _send_stream(receive: _Receive, send: _Send, response: Response, chunks: Iterator[bytes]) -> None:
    """Send chunk by chunk while the client takes them. One that fails cuts the answer off, visibly."""
    gone = asyncio.ensure_future(receive())
    try:
        await send(_start(response))
        while not gone.done() and (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except Exception:
        traceback.print_exc()
        raise
    finally:
        gone.cancel()


def _start(response: Response) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol left open asyncio does not switch Nagle's algorithm off: 44 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise LocalFault(
            f"cannot listen on {host}:{port}: {why}", hint="choose another --port, or 0"
        ) from error
    return listener


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
