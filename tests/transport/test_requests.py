"""What is sent, what a dry run shows of it, and that no secret is in any trace."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys

import pytest

from orchctl import __version__
from orchctl.errors import NotAuthenticated, OrchctlError, UsageFault
from orchctl.model import Json
from orchctl.sanitize import register_secret
from orchctl.transport import Call, Effect, Multipart, PlannedRequest, Upload, quote
from tests import faults
from tests.faults import FaultServer
from tests.transport.conftest import Make, World

READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ)
WRITE = Call(method="POST", path="/api/task/create", form={"name": "Счёт 1", "parameters": '{"a": "b&c"}'})

SECRET = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def test_a_form(make: Make, server: FaultServer) -> None:
    make().send(WRITE)
    seen = server.requests[0]
    assert seen.method == "POST"
    assert seen.target == "/api/task/create"
    assert seen.body == b"name=%D0%A1%D1%87%D1%91%D1%82+1&parameters=%7B%22a%22%3A+%22b%26c%22%7D"
    assert seen.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": f"orchctl/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(seen.body)),
        "authorization": "Basic c2VjcmV0LWd1aWQ=",
    }


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"имя": [1, 2.5, None, True]}, '{"имя":[1,2.5,null,true]}'.encode()),
        (None, b"null"),
        ([], b"[]"),
        ("\ud800", b'"\\ud800"'),
    ],
)
def test_json(make: Make, server: FaultServer, value: Json, body: bytes) -> None:
    make().send(Call(method="PUT", path="/x", json=value))
    assert server.requests[0].body == body
    assert server.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "length"), [("GET", None), ("DELETE", None), ("POST", "0"), ("PUT", "0"), ("PATCH", "0")]
)
def test_no_body(make: Make, server: FaultServer, method: str, length: str | None) -> None:
    make().send(Call(method=method, path="/x"))
    assert server.requests[0].headers.get("content-length") == length
    assert "content-type" not in server.requests[0].headers


def test_a_body_on_delete_and_get(make: Make, server: FaultServer) -> None:
    for method in ("DELETE", "GET"):
        make().send(Call(method=method, path="/x", json={"Time": "1"}))
    assert [seen.body for seen in server.requests] == [b'{"Time":"1"}'] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_multipart_is_the_same_at_each_attempt(make: Make, server: FaultServer, stream: bool) -> None:
    content = b"PK\x03\x04\x00robot"
    upload = Upload(
        name="ProcessFile", filename='Робот "1".robot', content=io.BytesIO(content) if stream else content
    )
    call = Call(method="POST", path="/x", multipart=Multipart(fields={"Name": "Имя"}, files=(upload,)))
    server.plan(faults.reply(429, effect=False), faults.reply())
    make().send(call)
    first, second = server.requests
    assert first.body == second.body
    boundary = first.headers["content-type"].removeprefix("multipart/form-data; boundary=").encode()
    assert first.body.split(b"--" + boundary)[1:] == [
        b'\r\nContent-Disposition: form-data; name="Name"\r\n\r\n' + "Имя".encode() + b"\r\n",
        'Content-Disposition: form-data; name="ProcessFile"; filename="Робот %221%22.robot"'.encode().join(
            [b"\r\n", b"\r\nContent-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"]
        ),
        b"--\r\n",
    ]


def test_paths_and_queries(make: Make, server: FaultServer) -> None:
    transport = make(base_url=f"{server.url}/org/tenant_/")
    query = {"$filter": "Name eq 'Счёт 1'", "a": "b&c"}
    transport.send(
        Call(method="GET", path=f"/odata/Queues/{quote('a/b ?#%')}", query=query, effect=Effect.READ)
    )
    transport.send(Call(method="GET", path="x?y=1", query={"z": "2"}, effect=Effect.READ))
    transport.send(Call(method="GET", path="", effect=Effect.READ))
    assert [seen.target for seen in server.requests] == [
        "/org/tenant_/odata/Queues/a%2Fb%20%3F%23%25"
        "?%24filter=Name%20eq%20%27%D0%A1%D1%87%D1%91%D1%82%201%27&a=b%26c",
        "/org/tenant_/x?y=1&z=2",
        "/org/tenant_/",
    ]


def test_quote() -> None:
    assert quote("INV-1_2~3.x") == "INV-1_2~3.x"
    assert quote("Счёт/1") == "%D0%A1%D1%87%D1%91%D1%82%2F1"
    assert (quote("."), quote(".."), quote("...")) == ("%2E", "%2E%2E", "...")
    for text in ("", "\udcff"):
        with pytest.raises(UsageFault):
            quote(text)


def test_dots_stay_a_name(make: Make, server: FaultServer) -> None:
    make().send(Call(method="GET", path=f"/api/task/read/{quote('..')}", effect=Effect.READ))
    assert server.requests[0].target == "/api/task/read/%2E%2E"


@pytest.mark.parametrize(
    "call",
    [
        Call(method="GET", path="/a b"),
        Call(method="GET", path="/a\r\nX: y"),
        Call(method="GET", path="/a\x00"),
        Call(method="GET /x HTTP/1.1\r\nX: y", path="/a"),
        Call(method="", path="/a"),
        Call(method="GET", path="/a", headers={"X": "a\r\nY: b"}),
        Call(method="GET", path="/a", headers={"X": "a\nb"}),
        Call(method="GET", path="/a", headers={"X": "a\x00b"}),
        Call(method="GET", path="/a", headers={"X": "Счёт"}),
        Call(method="GET", path="/a", headers={"X: y\r\nZ": "a"}),
        Call(method="GET", path="/a", headers={"": "a"}),
        Call(method="GET", path="/a", form={"a": "\udcff"}),
        Call(method="GET", path="/a", query={"a": "\udcff"}),
    ],
)
def test_nothing_is_smuggled_into_a_request(make: Make, server: FaultServer, call: Call) -> None:
    with pytest.raises(UsageFault):
        make().send(call)
    assert server.connections == 0


@pytest.mark.parametrize(
    "secret", [f"{SECRET}\r\nX: y", f"{SECRET}\n", f"{SECRET}\x00", f"{SECRET}ё", f"a\x7f{SECRET}"]
)
def test_a_token_that_no_header_may_carry_is_refused_without_echo(
    make: Make, world: World, server: FaultServer, secret: str
) -> None:
    world.credential = {"Authorization": f"Bearer {secret}"}
    with pytest.raises(NotAuthenticated) as caught:
        make().send(READ)
    assert caught.value.message == (
        "the credential holds a line break or another character that no header may carry"
    )
    assert SECRET not in str(caught.value.hint)
    assert server.connections == 0


def test_the_credential_wins_over_a_header_of_the_call(make: Make, server: FaultServer) -> None:
    make().send(
        Call(method="GET", path="/x", headers={"Authorization": "mine", "X-Folder": "1"}, effect=Effect.READ)
    )
    assert server.requests[0].headers["authorization"] == "Basic c2VjcmV0LWd1aWQ="
    assert server.requests[0].headers["x-folder"] == "1"


def test_a_header_of_the_call_takes_the_place_of_a_usual_one(make: Make) -> None:
    own = {"content-type": "text/csv", "ACCEPT": "text/plain"}
    headers = make()._prepare(Call(method="POST", path="/x", json={}, headers=own)).headers
    assert {name: value for name, value in headers.items() if name.lower() in own | {"accept": ""}} == own


# Dry runs


def test_a_dry_run_sends_no_write_and_asks_for_no_credential(
    make: Make, world: World, server: FaultServer
) -> None:
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(WRITE)
    assert world.asked == []
    assert server.connections == 0
    body = "name=%D0%A1%D1%87%D1%91%D1%82+1&parameters=%7B%22a%22%3A+%22b%26c%22%7D"
    assert caught.value.http == (
        f"POST {server.url}/api/task/create\n"
        f"User-Agent: orchctl/{__version__}\n"
        "Accept: application/json\n"
        "Accept-Encoding: gzip, deflate\n"
        "Content-Type: application/x-www-form-urlencoded\n"
        f"Content-Length: {len(body)}\n"
        "Authorization: ***\n"
        "\n"
        f"{body}"
    )
    assert caught.value.plan.curl == (
        f"curl -X POST {server.url}/api/task/create -H 'Accept: application/json' "
        "-H 'Content-Type: application/x-www-form-urlencoded' -H 'Authorization: ***' "
        f"--data-raw '{body}'"
    )
    assert caught.value.plan.body == body


def test_a_dry_run_reads(make: Make) -> None:
    assert make(dry_run=True).send(READ).status == 200


def test_a_plan_hides_secrets(make: Make) -> None:
    register_secret(SECRET)
    hidden: Json = {
        "Name": "x",
        "Password": 'a"b',
        "ClientSecret": 5,
        "note": f"see {SECRET}",
        "api_key": "k",
    }
    call = Call(
        method="POST", path="/x", query={"access_token": "abc"}, json=hidden, headers={"X-API-Key": "k"}
    )
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(call)
    for text in (caught.value.http, caught.value.plan.curl, str(caught.value.plan)):
        assert SECRET not in text
        assert "abc" not in text
    assert caught.value.http.endswith(
        '{"Name":"x","Password":"***","ClientSecret":"***","note":"see ***","api_key":"***"}'
    )
    assert "X-API-Key: ***" in caught.value.http
    assert "?access_token=***" in caught.value.http


@pytest.mark.parametrize(
    "path",
    [
        '/x?q={"password":"hunter2","a":1}',
        "/x?a=b&q=%7B%22password%22%3A+%22hunter2%22%7D",
        "/x?q=[{'a':\"hunter2\"}]".replace("hunter2", "p@ss[w]ord{1}"),
        "/x/p@ss[w]ord{1}",
    ],
)
def test_no_secret_is_in_a_url_that_is_shown(
    make: Make, world: World, server: FaultServer, path: str
) -> None:
    """However much of it is percent-encoded on its way."""
    register_secret("p@ss[w]ord{1}")
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(Call(method="POST", path=path))
    make(trace=world.traces.append).send(Call(method="GET", path=path, effect=Effect.READ))
    for text in (caught.value.plan.url, caught.value.plan.curl, caught.value.http, "\n".join(world.traces)):
        assert "hunter2" not in text
        assert "p@ss" not in text
        assert "***" in text


def test_the_curl_line_is_quoted_for_a_shell(make: Make, server: FaultServer) -> None:
    value: Json = {"a": 'it\'s $HOME `id` \\ "x"', "b": "Счёт\n2"}
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(Call(method="POST", path="/x/{y}[1]", json=value))
    words = shlex.split(caught.value.plan.curl)
    assert words[:4] == ["curl", "-X", "POST", f"{server.url}/x/%7By%7D%5B1%5D"]
    assert words[-2:] == ["--data-raw", '{"a":"it\'s $HOME `id` \\\\ \\"x\\"","b":"Счёт\\n2"}']


def test_a_planned_upload(make: Make) -> None:
    upload = Upload(name="ProcessFile", filename="a b.robot", content=b"PK\x00\xff\xfe")
    call = Call(method="POST", path="/x", multipart=Multipart(fields={"Name": "@x"}, files=(upload,)))
    with pytest.raises(PlannedRequest) as caught:
        make(dry_run=True).send(call)
    assert shlex.split(caught.value.plan.curl)[-4:] == [
        "--form-string",
        "Name=@x",
        "-F",
        "ProcessFile=@a b.robot;type=application/octet-stream",
    ]
    assert "bytes that are not text)" in caught.value.http


def test_a_plan_for_the_embedded_orchestrator(make: Make) -> None:
    with pytest.raises(PlannedRequest) as caught:
        make(base_url="sandbox:", dry_run=True).send(Call(method="DELETE", path="/api/task/delete/1"))
    assert caught.value.http.startswith("DELETE sandbox:/api/task/delete/1\n")
    assert "Authorization" not in caught.value.http
    assert caught.value.plan.curl == (
        "curl -X DELETE http://127.0.0.1:4500/api/task/delete/1 -H 'Accept: application/json' "
        "-H 'Authorization: ***'"
    )


# Traces


def test_a_trace(make: Make, world: World, server: FaultServer) -> None:
    register_secret(SECRET)
    server.plan(
        faults.reply(429, b"", {"Retry-After": "2"}, effect=False),
        faults.reply(
            200,
            b'{"guid": "' + SECRET.encode() + b'", "access_token": "new",\n "x": "\x1b[2J"}',
            {"Set-Cookie": "PHPSESSID=1", "X-Request-Id": "r-1"},
        ),
    )
    make(trace=world.traces.append).send(Call(method="POST", path="/x", form={"password": "p", "a": SECRET}))
    sent = [
        f"> POST {server.url}/x",
        f"> User-Agent: orchctl/{__version__}",
        "> Accept: application/json",
        "> Accept-Encoding: gzip, deflate",
        "> Content-Type: application/x-www-form-urlencoded",
        "> Content-Length: 49",
        "> Authorization: ***",
        "> password=***&a=***",
    ]
    assert world.traces == [
        *sent,
        "< 429 (0 ms)",
        "< Content-Type: application/json",
        "< Content-Length: 0",
        "< Retry-After: 2",
        "! next attempt in 2.0 s",
        *sent,
        "< 200 (0 ms)",
        "< Content-Type: application/json",
        "< Content-Length: 85",
        "< Set-Cookie: ***",
        "< X-Request-Id: r-1",
        '< {"guid": "***", "access_token": "***",',
        '<  "x": "\\x1b[2J"}',
    ]


def test_a_trace_of_what_broke(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reset_after_read(effect=False))
    with pytest.raises(OrchctlError):
        make(trace=world.traces.append).send(WRITE)
    assert world.traces[-1] == (
        "! the connection was reset before the answer was complete (the request may have arrived)"
    )
    port = faults.closed_port()
    with pytest.raises(OrchctlError):
        make(trace=world.traces.append, base_url=f"http://127.0.0.1:{port}", attempts=1).send(WRITE)
    assert world.traces[-1] == f"! cannot connect to 127.0.0.1:{port}: connection refused (nothing was sent)"


def test_a_trace_cuts_long_bodies_and_shows_no_bytes(make: Make, world: World, server: FaultServer) -> None:
    server.plan(faults.reply(200, b'"' + b"x" * 5000 + b'"', effect=False))
    make(trace=world.traces.append).send(READ)
    assert world.traces[-1] == '< "' + "x" * 1999 + "… (5002 bytes)"
    server.plan(faults.reply(200, bytes(range(256)), effect=False))
    make(trace=world.traces.append).send(READ)
    assert world.traces[-1] == "< (256 bytes that are not text)"


def test_a_secret_in_an_error_of_the_server_is_not_shown(make: Make, server: FaultServer) -> None:
    register_secret(SECRET)
    server.plan(faults.reply(409, f'{{"message": "key {SECRET} is taken"}}'.encode()))
    with pytest.raises(OrchctlError) as caught:
        make().send(READ)
    assert caught.value.message.endswith("(409): key *** is taken")


def test_importing_the_transport_loads_no_network_code() -> None:
    code = (
        "import sys, orchctl.transport; from orchctl.transport.inprocess import InProcessWire\n"
        "print(sorted({'requests', 'urllib3', 'ssl', 'socket', 'email', 'random', 'certifi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_a_request_over_plain_http_does_without(server: FaultServer) -> None:
    """Each of them takes longer to import than the request takes."""
    code = (
        "import sys; from orchctl.transport import Call, Effect, Transport\n"
        f"transport = Transport(base_url={server.url!r}, authorize=lambda _: {{}}, notify=print)\n"
        "transport.send(Call(method='GET', path='/x', effect=Effect.READ))\n"
        "print(sorted({'requests', 'urllib3', 'ssl', 'email', 'random', 'zlib', 'stringprep'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
