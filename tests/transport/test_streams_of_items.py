"""Arrays read as they arrive: the same items as at once, in constant memory, with the same limits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchctl.errors import NetworkFault, NotFound, OrchctlError, Unintelligible
from orchctl.model import Json
from orchctl.transport import Call, Effect
from orchctl.transport.jsonstream import items
from orchctl.transport.reply import BadJson
from tests import faults
from tests.faults import FaultServer
from tests.transport.conftest import Make, World

READ = Call(method="POST", path="/api/task/filter/list/1", json={}, effect=Effect.READ)
LIMIT = 1 << 20

plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, *, size: int = 7, noise: bool = False, limit: int = LIMIT) -> list[Json]:
    return list(items(pieces(data, size), limit=limit, noise=noise))


@settings(max_examples=200)
@given(st.lists(plain_json, max_size=8), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_the_same_as_at_once(rows: list[Json], size: int, indent: int | None, ascii_only: bool) -> None:
    data = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert read(data, size=size) == rows


@given(plain_json.filter(lambda value: not isinstance(value, list)), st.integers(1, 40))
def test_anything_but_an_array_is_one_item(value: Json, size: int) -> None:
    assert read(json.dumps(value).encode(), size=size) == [value]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"[]", []),
        (b" \xef\xbb\xbf\xef\xbb\xbf [ ] \n", []),
        (b"[12,34 , 5]", [12, 34, 5]),
        (b"[1e5,-0.5]", [1e5, -0.5]),
        ('["Счёт"]'.encode(), ["Счёт"]),
        (b'[{"a":[1,{"b":"]"}]},"\\"[,"]', [{"a": [1, {"b": "]"}]}, '"[,']),
        (b"{}", [{}]),
    ],
)
def test_arrays(data: bytes, rows: list[Json], size: int) -> None:
    assert read(data, size=size) == rows


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  ",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] x",
        b"[1}",
        b'["a',
        b"[nope]",
        b"[NaN]",
        b"[1e999]",
        b"[" + b"1" * 5000 + b"]",
        b"[" + b"[" * 101 + b"]" * 101 + b"]",
        b'["\xff"]',
        b'["\xd0',
        b"hello",
    ],
)
def test_broken_arrays(data: bytes, size: int) -> None:
    with pytest.raises(BadJson):
        read(data, size=size)


def test_items_come_before_what_follows_is_broken() -> None:
    stream = items(pieces(b'[{"a":1},{"a":2},oops', 4), limit=LIMIT)
    assert [next(stream), next(stream)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(BadJson):
        next(stream)


def test_an_array_that_is_broken_early_is_not_read_to_its_end() -> None:
    def endless() -> Iterator[bytes]:
        yield b'[{"a" 1},'
        while True:
            yield b" " * 1000

    with pytest.raises(BadJson):
        list(items(endless(), limit=LIMIT))


@settings(max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries({"id": st.integers(), "x": plain_json | st.sampled_from(['},{"id":', "],["])}),
        min_size=2,
        max_size=60,
    ),
    st.integers(100, 9000),
    st.sampled_from([None, 1]),
)
def test_rows_alike_are_read_in_batches(rows: list[Json], size: int, indent: int | None) -> None:
    rows = rows * 20
    data = json.dumps(rows, indent=indent).encode()
    assert read(data, size=size) == rows


def test_the_limits_hold_in_a_batch() -> None:
    good = '{"id": 1, "x": ' + "[" * 99 + "]" * 99 + "}"
    deep = '{"id": 1, "x": ' + "[" * 100 + "]" * 100 + "}"
    for row, fine in ((good, True), (deep, False)):
        data = f"[{', '.join([good] * 30 + [row] + [good] * 30)}]".encode()
        if fine:
            assert len(read(data, size=60_000)) == 61
        else:
            with pytest.raises(BadJson, match="deeper than 100"):
                read(data, size=60_000)
    stream = items(
        pieces(b"[" + b'{"id": 1},' * 1000 + b'{"id": NaN}' + b',{"id": 1}' * 1000, 65536), limit=LIMIT
    )
    with pytest.raises(BadJson, match="NaN"):
        list(stream)


def test_one_item_has_the_limit_and_all_of_them_have_none() -> None:
    many = b"[" + b",".join([b'"' + b"x" * 1000 + b'"'] * 3000) + b"]"
    assert len(read(many, size=65536, limit=LIMIT)) == 3000
    with pytest.raises(BadJson, match="too large"):
        read(b'["' + b"x" * (LIMIT + 100_000) + b'"]', size=65536)
    with pytest.raises(BadJson, match="too large"):
        read(b'{"a":"' + b"x" * (LIMIT + 100_000) + b'"}', size=65536)


@pytest.mark.parametrize(
    "parts", [("%s", "[1]"), ("[%s", "1]"), ("[1%s", ",2]"), ("[1,%s", "2]"), ("[1]%s", "")]
)
def test_white_space_has_the_limit_too(parts: tuple[str, str]) -> None:
    """It packs to nothing: a few bytes on the wire would keep a reader busy for minutes."""
    before, after = parts
    assert read((before % (" " * 1000) + after).encode(), limit=2000)
    with pytest.raises(BadJson, match="white space"):
        read((before % (" \r\n\t" * 1000) + after).encode(), limit=2000)


def test_a_list_in_another_charset(make: Make, server: FaultServer) -> None:
    body = '[{"имя": "Счёт"}]'.encode("windows-1251")
    server.plan(faults.reply(200, body, {"Content-Type": "application/json; charset=windows-1251"}))
    assert list(make().stream(READ)) == [{"имя": "Счёт"}]


def test_a_large_item_takes_linear_time() -> None:
    row = {str(number): "x" * 50 for number in range(60_000)}
    data = json.dumps([row, row]).encode()
    assert read(data, size=1000, limit=len(data)) == [row, row]


def test_noise_before_the_array() -> None:
    noise = b"<br />\n<b>Warning</b>: x [0] in <b>y</b><br />\n"
    assert read(noise + b"[1, 2]", noise=True) == [1, 2]
    assert read(b"[1, 2]", noise=True) == [1, 2]
    with pytest.raises(BadJson):
        read(noise + b"[1, 2]")


def test_items_arrive_before_the_answer_is_complete(make: Make, server: FaultServer) -> None:
    def slow(connection: faults.Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b'[{"a":1},', b'{"a":2}'):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        seen.append(server.stopping.wait(2))
        connection.close()

    seen: list[bool] = []
    server.plan(slow)
    stream = make().stream(READ)
    assert next(stream) == {"a": 1}
    assert seen == []
    stream.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_stream_over_the_wire(make: Make, server: FaultServer) -> None:
    rows = [{"id": number, "name": "x" * 100} for number in range(5000)]
    server.plan(faults.reply(200, json.dumps(rows).encode(), effect=False))
    transport = make()
    assert list(transport.stream(READ)) == rows
    assert list(transport.stream(READ)) == rows
    assert server.connections == 1
    server.plan(faults.reply(204, b"", effect=False))
    assert list(transport.stream(READ)) == []


def test_what_breaks_before_the_body_is_tried_again(make: Make, server: FaultServer) -> None:
    server.plan(
        faults.reset_after_read(effect=False), faults.reply(503, b""), faults.reply(200, b"[1]", effect=False)
    )
    assert list(make().stream(READ)) == [1]
    server.plan(faults.reply(404, b'{"message": "no queue"}'))
    with pytest.raises(NotFound, match="no queue"):
        list(make().stream(READ))


def test_what_breaks_within_the_body_is_not(make: Make, server: FaultServer) -> None:
    server.plan(faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,2,"))
    stream = make().stream(READ)
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(NetworkFault, match="the connection was closed before the answer was complete"):
        next(stream)
    server.plan(faults.reply(200, b"[1, 2", effect=False))
    with pytest.raises(Unintelligible, match="the JSON array ends too early"):
        list(make().stream(READ))
    assert len(server.requests) == 2


def test_the_time_that_the_reader_takes_does_not_count(make: Make, server: FaultServer) -> None:
    rows = json.dumps(["x" * 1000] * 1000).encode()
    server.plan(faults.reply(200, rows, effect=False))
    stream = make(request_timeout=0.3).stream(READ)
    next(stream)
    time.sleep(0.5)
    assert len(list(stream)) == 999


def test_a_drip_meets_the_deadline(make: Make, server: FaultServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n["
    server.plan(faults.drip(effect=False, data=head + b"1," * 1000, interval=0.05, burst=len(head)))
    started = time.monotonic()
    with pytest.raises(OrchctlError) as caught:
        list(make(request_timeout=0.4).stream(READ))
    assert time.monotonic() - started < 0.4 + 1
    assert caught.value.exit_code == 7


def test_leaving_a_stream_drops_its_connection(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(200, b"[1" + b",1" * 200_000 + b"]", effect=False))
    transport = make()
    stream = transport.stream(READ)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    server.plan(faults.reply(200, b'{"b": 2}', effect=False))
    assert transport.send(READ).data() == {"b": 2}
    assert server.connections == 2
