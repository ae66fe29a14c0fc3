"""An answer that is a file: its head at once, its bytes as they arrive, in whatever size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchctl.transport.wire import Broken

if TYPE_CHECKING:
    from orchctl.errors import OrchctlError
    from orchctl.transport.reply import Reply
    from orchctl.transport.wire import Incoming

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)


class Download:
    """Close it, whatever happened. ``reply`` is the head; its body stays empty."""

    def __init__(self, reply: Reply, incoming: Incoming, *, broken: Callable[[Broken], OrchctlError]) -> None:
        self.reply = reply
        self._incoming = incoming
        self._broken = broken
        self._pieces = self._read()
        self._first: bytes | None = None

    @property
    def start(self) -> int:
        """The byte of the file that the body begins with."""
        match = self._range
        return int(match.group(1)) if match else 0

    @property
    def total(self) -> int | None:
        """The whole file's size, if the server says."""
        match = self._range
        text = match.group(2) if match else self.reply.headers.get("content-length", "")
        return int(text) if text.isdigit() else None

    def peek(self) -> bytes:
        """The first piece of the body, which ``chunks`` will give again."""
        if self._first is None:
            self._first = next(self._pieces, b"")
        return self._first

    def chunks(self) -> Iterator[bytes]:
        """:raises NetworkFault: the rest did not come."""
        if self._first:
            yield self._first
        yield from self._pieces

    def close(self) -> None:
        self._incoming.close()

    @property
    def _range(self) -> re.Match[str] | None:
        if self.reply.status != 206:
            return None
        return _CONTENT_RANGE.match(self.reply.headers.get("content-range", ""))

    def _read(self) -> Iterator[bytes]:
        try:
            yield from self._incoming.chunks()
        except Broken as error:
            raise self._broken(error) from error
