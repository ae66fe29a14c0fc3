"""Compressed answers, unpacked piece by piece: never more than a piece in memory, however small it came."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

from orchctl.transport.connections import Cut
from orchctl.transport.wire import CHUNK

_GZIP, _ZLIB, _RAW = 31, 15, -15
_MAGIC = b"\x1f"
# Each is one more layer around the last, and nobody packs a thing so often.
_MOST = 5


def inflated(pieces: Iterator[bytes], codings: str, check_time: Callable[[], None]) -> Iterator[bytes]:
    """What an answer with this Content-Encoding holds. A coding that was not asked for is left as it is.

    ``check_time`` raises when there is none left: few bytes can be hours of work that gives nothing.

    :raises Cut: it is broken, or ends too early.
    """
    known = [name for coding in codings.lower().split(",") if (name := coding.strip()) in _UNPACK]
    if len(known) > _MOST:
        raise Cut(_BROKEN)
    for coding in reversed(known):
        pieces = _UNPACK[coding](pieces, check_time)
    return pieces


def _gzip(pieces: Iterator[bytes], check_time: Callable[[], None]) -> Iterator[bytes]:
    """Any number of members, one after another; padding behind them is left out, as gunzip does."""
    rest = next(pieces, b"")
    if not rest:
        return  # an answer without a body
    while True:
        rest = yield from _stream(zlib.decompressobj(_GZIP), rest, pieces, check_time)
        rest = rest or next(pieces, b"")
        if not rest.startswith(_MAGIC):
            return


def _deflate(pieces: Iterator[bytes], check_time: Callable[[], None]) -> Iterator[bytes]:
    """By the standard it is zlib's format, but some servers send the bare stream."""
    first = next(pieces, b"")
    if first:
        is_zlib = first[0] & 0x0F == zlib.DEFLATED
        yield from _stream(zlib.decompressobj(_ZLIB if is_zlib else _RAW), first, pieces, check_time)
        next(pieces, b"")  # the end of the answer


def _stream(
    unpack: Any, piece: bytes, pieces: Iterator[bytes], check_time: Callable[[], None]
) -> Generator[bytes, None, bytes]:
    """One stream that begins with this piece. Returns what lies behind its end in its last one."""
    while piece:
        data = None
        while piece or data:
            check_time()
            try:
                data = unpack.decompress(piece, CHUNK)
            except zlib.error:
                raise Cut(_BROKEN) from None
            if data:
                yield data
            if unpack.eof:
                return bytes(unpack.unused_data)
            piece = unpack.unconsumed_tail
        piece = next(pieces, b"")
    raise Cut(_BROKEN)


_BROKEN = "its answer is compressed, but broken"
_UNPACK: dict[str, Callable[[Iterator[bytes], Callable[[], None]], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
}
