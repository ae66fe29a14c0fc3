"""The embedded orchestrator as a wire: the same requests and answers, without a network or a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchctl.transport.reply import Headers
from orchctl.transport.wire import BODY_LIMIT, CHUNK, Outgoing, TooLarge

if TYPE_CHECKING:
    from orchctl.sandbox.app import App, Response


class InProcessIncoming:
    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = Headers(response.headers)
        self._body = response.body

    def body(self) -> bytes:
        if isinstance(self._body, bytes):
            if len(self._body) > BODY_LIMIT:
                raise TooLarge
            return self._body
        pieces: list[bytes] = []
        size = 0
        for piece in self._body:
            size += len(piece)
            if size > BODY_LIMIT:
                raise TooLarge
            pieces.append(piece)
        return b"".join(pieces)

    def chunks(self) -> Iterator[bytes]:
        if isinstance(self._body, bytes):
            return (self._body[at : at + CHUNK] for at in range(0, len(self._body), CHUNK))
        return iter(self._body)

    def close(self) -> None:
        end = getattr(self._body, "close", None)  # a generator that holds a cursor of the database
        if end is not None:
            end()


class InProcessWire:
    """``path`` is the database; None the one in the user's data directory. Opened at the first request."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._app: App | None = None
        self._opening = threading.Lock()

    def open(self, outgoing: Outgoing, *, limit: float, standing: Callable[[], None]) -> InProcessIncoming:
        from orchctl.sandbox.app import Request

        app = self._app or self._opened()
        path, _, query = outgoing.target.partition("?")
        standing()
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        return InProcessIncoming(
            app.handle(
                Request(
                    method=outgoing.method,
                    path=path,
                    query=query,
                    headers=headers,
                    body=outgoing.body or b"",
                    peer="in-process",
                )
            )
        )

    def _opened(self) -> App:
        """Workers of a bulk come here at once: one of them opens it for all."""
        from orchctl.sandbox.app import open_app

        with self._opening:
            if self._app is None:
                self._app = open_app(self._path, in_process=True)
            return self._app

    def close(self) -> None:
        if self._app is not None:
            self._app.close()
            self._app = None
