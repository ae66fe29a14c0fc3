"""Reading what servers answer: JSON in all its bad forms, pages, sizes, encodings; the words of errors."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from orchctl.errors import (
    BadRequest,
    NotAuthenticated,
    NotFound,
    OrchctlError,
    OutcomeUnknown,
    Refused,
    Unintelligible,
)
from orchctl.transport import Call, Effect, Headers, Reply
from orchctl.transport.reply import is_page
from orchctl.transport.verdict import explain_generic
from tests import faults
from tests.faults import FaultServer
from tests.transport.conftest import Make

READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ)
WRITE = Call(method="POST", path="/api/task/create", form={})

PHP = "<br />\n<b>Warning</b>:  Undefined array key [0] in <b>/var/www/x.php</b> on line <b>12</b><br />\n"


def answer(body: bytes | str, *, status: int = 200, effect: Effect = Effect.READ, **headers: str) -> Reply:
    return Reply(
        status=status,
        headers=Headers((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body.encode() if isinstance(body, str) else body,
        effect=effect,
        where="orchestrator:443",
        method="GET",
        target="/api/x?y=1",
    )


@pytest.mark.parametrize(
    ("body", "data"),
    {
        "object": (b'{"a": 1}', {"a": 1}),
        "bom": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        "bom-twice": (b'\xef\xbb\xbf\xef\xbb\xbf{"a": 1}', {"a": 1}),
        "space": (b' \r\n\t{"a": 1}\n\n', {"a": 1}),
        "null": (b"null", None),
        "text": (b'"x"', "x"),
        "cyrillic": ('{"имя": "Счёт"}'.encode(), {"имя": "Счёт"}),
        "large-integer": (b"[123456789012345678901234567890]", [123456789012345678901234567890]),
        "exponents": (b"[1e5, 1E-999, 1e300]", [1e5, 0.0, 1e300]),
        "deep-enough": (b"[" * 100 + b"]" * 100, None),
    }.values(),
)
def test_json(body: bytes, data: object) -> None:
    assert data is None or answer(body).data() == data
    answer(body).data()


BAD = {
    "garbage": (b"hello", "it is not JSON (line 1, column 1): hello"),
    "cut": (b'{"a": [1,', 'it is not JSON (line 1, column 10): {"a": [1,'),
    "trailing": (b"{} {}", "it is not JSON (line 1, column 4): {} {}"),
    "single-quotes": (b"{'a': 1}", "it is not JSON (line 1, column 2): {'a': 1}"),
    "nan": (b"[NaN]", "NaN is no JSON number: [NaN]"),
    "infinity": (b"[-Infinity]", "-Infinity is no JSON number: [-Infinity]"),
    "overflow": (b"[1e999]", "the number 1e999 is too large: [1e999]"),
    "digits": (b"1" * 5000, "it holds a number with too many digits: " + "1" * 200 + "…"),
    "deep": (b"[" * 101 + b"]" * 101, "the JSON is nested deeper than 100: " + "[" * 101 + "]" * 99 + "…"),
    "very-deep": (b"[" * 100_000, None),
    "deep-objects": (b'{"a":' * 101 + b"1" + b"}" * 101, None),
    "encoding": (b'{"a": "\xff"}', "the answer is not text in the encoding it should have"),
    "empty": (b"", "the answer is empty"),
    "blank": (b" \n", "the answer is empty"),
    "escape": (b"\x1b[31mred", "it is not JSON (line 1, column 1): \\x1b[31mred"),
}


@pytest.mark.parametrize(("body", "why"), BAD.values(), ids=BAD)
def test_what_is_no_json_is_shown_in_part(body: bytes, why: str | None) -> None:
    with pytest.raises(Unintelligible) as caught:
        answer(body).data()
    prefix = "orchestrator:443 answered GET /api/x with something that is no usable answer: "
    assert caught.value.message.startswith(prefix)
    assert why is None or caught.value.message == prefix + why
    with pytest.raises(OrchctlError) as of_write:
        answer(body, effect=Effect.ONCE).data()
    assert of_write.value.exit_code == 11
    assert "its answer does not tell the outcome" in of_write.value.message


def test_wide_json_is_not_deep() -> None:
    rows = [{"id": str(number), "tags": [], "native": {"x": {}}} for number in range(1000)]
    assert answer(json.dumps(rows)).data() == rows


def test_empty_where_nothing_is_meant() -> None:
    assert answer(b"", status=204).data() is None
    assert answer(b"", status=205).data() is None
    assert answer(b" ").data(empty=True) is None
    assert answer(b"").empty


@pytest.mark.parametrize(
    "body",
    [
        PHP + '{"guid": "7"}',
        PHP * 3 + "\ufeff" + '{"guid": "7"}\n',
        "\ufeff" + PHP + '  {"guid": "7"}',
        'Notice: array [1, 2] given\n{"guid": "7"}',
        '<b>{x}</b>{"guid": "7"}',
    ],
)
def test_php_noise_before_json(body: str) -> None:
    assert answer(body).data(noise=True) == {"guid": "7"}
    with pytest.raises(Unintelligible):
        answer(body).data()


def test_noise_alone_is_no_json() -> None:
    with pytest.raises(Unintelligible, match="it is not JSON"):
        answer(PHP).data(noise=True)
    with pytest.raises(Unintelligible):
        answer("{\n" * 5000).data(noise=True)


def test_encodings() -> None:
    text = '{"имя": "Счёт"}'
    for charset in ("utf-8", "windows-1251", "utf-16", "no-such-charset", "undefined", "hex"):
        is_one = charset not in {"no-such-charset", "undefined", "hex"}
        body = text.encode(charset if is_one else "utf-8")
        assert answer(body, content_type=f"application/json; charset={charset}").data() == {"имя": "Счёт"}


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode"])
def test_a_charset_that_cannot_be_is_no_crash(make: Make, server: FaultServer, charset: str) -> None:
    headers = {"Content-Type": f"text/plain; charset={charset}"}
    body = b'{"traceId": "\xff\xff-"}'
    server.plan(faults.reply(200, body, headers), faults.reply(422, body, headers))
    with pytest.raises(OutcomeUnknown):
        make().send(WRITE).data()
    with pytest.raises(Refused):
        make().send(WRITE)


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (b"<!DOCTYPE html><p>", True),
        (b"\xef\xbb\xbf\n <HTML lang=en>", True),
        (b"<!-- a --><!doctype html>", True),
        (b'<?xml version="1.0"?><html>', True),
        (b"<br />\n<b>Warning</b>", False),
        (b'{"a": "<html>"}', False),
        (b"<htmlx>", False),
        (b"<!--" * 5000, False),
        (b"<!-- a -->\n" * 300 + b"<p>", False),  # a search that goes back never ends
        (b"<!-- a -- b -->" * 100 + b"<html>", True),
        (b"", False),
    ],
)
def test_pages(body: bytes, page: bool) -> None:
    assert is_page(body) is page


def test_a_page_with_status_200_is_an_error(make: Make, server: FaultServer) -> None:
    server.plan(faults.html(effect=True))
    with pytest.raises(Unintelligible) as caught:
        make().send(READ)
    where = f"127.0.0.1:{server.port}"
    assert caught.value.message == (
        f"{where} answered GET /api/task/read/1 with something that is no usable answer: "
        "the answer is an HTML page, not data"
    )
    assert caught.value.hint == "check the context's URL: it may lead to a web page, a login form or a proxy"
    assert b"Please" in make().send(Call(method="GET", path="/x", effect=Effect.READ, raw=True)).body
    with pytest.raises(Unintelligible):
        list(make().stream(READ))


ERRORS: dict[int, tuple[type[OrchctlError], str, str]] = {
    401: (
        NotAuthenticated,
        "{where} does not accept the credential (401): no",
        "log in with: orchctl auth login",
    ),
    403: (
        NotAuthenticated,
        "{where} does not allow GET /api/task/read/Счёт 1 (403): no",
        "ask for the right to do it, and check the context's tenant and folder",
    ),
    404: (
        NotFound,
        "{where} has nothing at GET /api/task/read/Счёт 1 (404): no",
        "check the ID or name; the credential may also not be allowed to see it",
    ),
    409: (
        Refused,
        "{where} refused GET /api/task/read/Счёт 1 (409): no",
        "nothing was done; change what the server objects to",
    ),
    400: (
        BadRequest,
        "{where} calls GET /api/task/read/Счёт 1 a bad request (400 Bad Request): no",
        "nothing was done; see the whole exchange with --debug",
    ),
    499: (
        BadRequest,
        "{where} calls GET /api/task/read/Счёт 1 a bad request (499): no",
        "nothing was done; see the whole exchange with --debug",
    ),
}


@pytest.mark.parametrize("status", ERRORS)
def test_statuses(make: Make, server: FaultServer, status: int) -> None:
    kind, text, hint = ERRORS[status]
    server.plan(faults.reply(status, b'{"message": "no", "traceId": "t-1"}'))
    path = "/api/task/read/%D0%A1%D1%87%D1%91%D1%82%201"
    with pytest.raises(kind) as caught:
        make().send(Call(method="GET", path=path, effect=Effect.READ, query={"x": "1"}))
    assert caught.value.message == text.format(where=f"127.0.0.1:{server.port}")
    assert caught.value.hint == hint
    assert caught.value.request_id == "t-1"


@pytest.mark.parametrize("status", [412, 422])
def test_other_refusals(make: Make, server: FaultServer, status: int) -> None:
    server.plan(faults.reply(status, b"[]"))
    with pytest.raises(Refused, match=rf"\({status}\)$"):
        make().send(READ)


@pytest.mark.parametrize("name", ["X-Request-Id", "request-id", "X-Correlation-ID"])
def test_request_ids(name: str) -> None:
    headers = {name.replace("-", "_"): "r-1"}
    assert answer(b"", status=200, effect=Effect.READ, **headers).request_id == "r-1"
    assert answer(b'{"traceId": 5}').request_id is None
    assert answer(b'{"traceId": ').request_id is None
    assert answer(b"{}").request_id is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"message": "a"}, "a"),
        ({"Message": "a", "title": "b"}, "a"),
        ({"error": {"code": "c", "message": "a"}}, "a"),
        ({"error": "invalid_grant", "error_description": "a"}, "a"),
        ({"ErrorText": "a", "HeartbeatErrorCode": 101}, "a"),
        ({"errors": [{"detail": "a"}, {"detail": "b"}]}, "a; b"),
        ("a", "a"),
        ({"code": 1}, None),
        ([], None),
        (5, None),
    ],
)
def test_the_message_in_an_errors_body(data: object, text: str | None) -> None:
    assert explain_generic(data) == text  # type: ignore[arg-type]  # plain JSON


def test_a_dialect_explains_its_own_errors(make: Make, server: FaultServer) -> None:
    server.plan(faults.reply(409, b'{"errorCode": 1101, "why": "\\u001b[2Jfolder"}'))

    def explain(data: object) -> str | None:
        return str(data["why"]) if isinstance(data, dict) else None

    with pytest.raises(Refused, match=r"\(409\): \\x1b\[2Jfolder$"):
        make(explain=explain).send(READ)


def test_a_text_of_an_error_is_cut(make: Make, server: FaultServer) -> None:
    server.plan(faults.reply(409, b"no " * 500))
    with pytest.raises(Refused) as caught:
        make().send(READ)
    assert caught.value.message.endswith("no no…")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("x-gzip", gzip.compress),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    ],
)
def test_compressed_answers(make: Make, server: FaultServer, encoding: str, pack: object) -> None:
    body = b'{"a": "' + b"x" * 100_000 + b'"}'
    server.plan(faults.reply(200, pack(body), {"Content-Encoding": encoding}, effect=False))  # type: ignore[operator]
    assert make().send(READ).body == body
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


def test_a_body_has_a_limit_after_decompression(make: Make, server: FaultServer) -> None:
    server.plan(faults.gzip_bomb(effect=False, megabytes=63))
    assert len(make().send(READ).body) == 63 * 2**20 + 2
    server.plan(faults.gzip_bomb(effect=False, megabytes=300))
    with pytest.raises(Unintelligible) as caught:
        make().send(READ)
    assert caught.value.message.endswith("the answer is larger than 64 MiB")
    assert caught.value.hint == "ask for less at once, with a filter or --limit"


def test_a_body_without_a_length_has_the_limit_too(make: Make, server: FaultServer) -> None:
    def flood(connection: faults.Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not server.stopping.is_set():
            connection.send(b" " * 2**20)

    server.plan(flood)
    with pytest.raises(Unintelligible, match="larger than 64 MiB"):
        make().send(READ)


def test_more_bytes_than_announced_do_not_reach_the_next_answer(make: Make, server: FaultServer) -> None:
    def long(connection: faults.Connection) -> None:
        connection.read()
        connection.send(
            faults.message(200, b'{"a": 1}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]', length=8)
        )

    server.plan(long, faults.reply(200, b'{"b": 2}', effect=False))
    transport = make()
    assert transport.send(READ).data() == {"a": 1}
    assert transport.send(READ).data() == {"b": 2}


def test_204_and_a_kept_connection(make: Make, server: FaultServer) -> None:
    server.plan(faults.raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert make().send(WRITE).data() is None
    transport = make()
    server.plan(faults.reply(204, b"", effect=True))
    before = server.connections
    for _ in range(3):
        transport.send(WRITE)
    assert server.connections == before + 1


def test_headers_in_any_case_and_repeated() -> None:
    headers = Headers([("Set-Thing", "1"), ("SET-THING", "2"), ("X", "y")])
    assert headers["set-thing"] == "1, 2"
    assert list(headers) == ["Set-Thing", "X"]
    assert len(headers) == 2
    assert "x" in headers
    assert "y" not in headers
    with pytest.raises(KeyError):
        headers["nothing"]
