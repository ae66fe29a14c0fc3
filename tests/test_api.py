"""``orchctl api``: one raw call, under the same rules as any other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults import FaultServer, reply, reset_after_read


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def ci(server: FaultServer) -> Mapping[str, str]:
    return {
        "ORCHCTL_URL": f"{server.url}/base",
        "ORCHCTL_DIALECT": "sherpa",
        "ORCHCTL_TOKEN": "a-secret-guid",
    }


def test_a_call_works_on_the_sandbox(orchctl: Any, sandbox: Mapping[str, str]) -> None:
    made = orchctl(
        "api", "POST", "/api/queue/create", "-f", "Name=Invoices", "-F", "UniqueTasks=1", env=sandbox
    )
    assert made.code == 0, made.err
    guid = made.json["guid"]
    found = orchctl("api", "get", "api/queue/read/Invoices", env=sandbox).json
    assert (found["guid"], found["unique_tasks"]) == (guid, 1)
    name = orchctl("api", "GET", "/api/queue/read/Invoices", "--query", "name", "-o", "json", env=sandbox)
    assert name.out == '"Invoices"\n'
    rows = orchctl("api", "GET", "/api/queue/read", "--paginate", "-o", "json", env=sandbox).json
    assert [row["name"] for row in rows] == ["Invoices"]


def test_the_answer_is_printed_as_it_came(orchctl: Any, ci: Mapping[str, str], server: FaultServer) -> None:
    server.plan(
        reply(200, b'{"b":1,  "a":2}'), reply(200, b'{"b":1}'), reply(200, b"plain\x1b[31m"), reply(204, b"")
    )
    assert orchctl("api", "GET", "/x?y=1", env=ci).out == '{"b":1,  "a":2}'
    assert server.requests[0].target == "/base/x?y=1"
    assert server.requests[0].headers["authorization"] == "Basic YS1zZWNyZXQtZ3VpZA=="
    assert orchctl("api", "GET", "/x", env=ci, terminal=True).out == '{\n  "b": 1\n}\n'
    assert orchctl("api", "GET", "/x", env=ci, terminal=True).out == "plain\\x1b[31m\n"
    assert orchctl("api", "GET", "/x", env=ci).out == ""


def test_fields_go_where_they_belong(orchctl: Any, ci: Mapping[str, str], server: FaultServer) -> None:
    server.plan(*[reply(200, b"{}")] * 6)
    fields = ("-f", "a=1 2", "-F", 'b={"c": [1]}')
    orchctl("api", "GET", "/x", *fields, env=ci)
    orchctl("api", "DELETE", "/x", "-f", "a=1", env=ci)
    orchctl("api", "POST", "/x", *fields, env=ci)
    system = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
    orchctl("api", "POST", "/x", *fields, env={**ci, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": system})
    orchctl("api", "PUT", "/x", "--input", "-", "-f", "q=1", input='{"whole": true}', env=ci)
    orchctl(
        "api",
        "PATCH",
        "/x",
        "--input",
        "-",
        "-H",
        "Content-Type: text/csv",
        "-H",
        "X-A: b",
        input="a,b",
        env=ci,
    )
    got, deleted, form, as_json, whole, typed = server.requests
    assert got.target == "/base/x?a=1%202&b=%7B%22c%22%3A%20%5B1%5D%7D"
    assert (deleted.method, deleted.target, deleted.body) == ("DELETE", "/base/x?a=1", b"")
    assert form.body == b"a=1+2&b=%7B%22c%22%3A+%5B1%5D%7D"
    assert json.loads(as_json.body) == {"auth_tkn": system, "a": "1 2", "b": {"c": [1]}}
    assert (whole.target, whole.body) == ("/base/x?q=1", b'{"whole": true}')
    assert whole.headers["content-type"] == "application/json"
    assert (typed.body, typed.headers["content-type"], typed.headers["x-a"]) == (b"a,b", "text/csv", "b")


def test_status_and_headers_are_shown_when_asked_and_nothing_when_not(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(reply(201, b"{}", {"Set-Cookie": "sid=1", "X-Request-Id": "r1"}), reply(200, b"{}"))
    shown = orchctl("api", "POST", "/x", "-i", env=ci).out
    assert shown.startswith("HTTP 201\n")
    assert "X-Request-Id: r1\n" in shown
    assert "Set-Cookie: ***\n" in shown
    assert orchctl("api", "POST", "/x", "--silent", env=ci).out == ""


@pytest.mark.parametrize(("status", "code"), [(400, 1), (401, 3), (403, 3), (404, 4), (409, 5), (422, 5)])
def test_the_exit_code_is_that_of_the_status(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer, status: int, code: int
) -> None:
    server.plan(*[reply(status, b'{"error": "because"}')] * 2)
    result = orchctl("api", "GET", "/x", env=ci)
    assert (result.code, result.out) == (code, "")
    assert "because" in result.err


def test_a_write_is_sent_once_and_a_lost_answer_is_11(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    server.plan(reset_after_read(effect=True))
    assert orchctl("api", "POST", "/x", env=ci).code == 11
    assert server.effects == 1


@pytest.mark.parametrize(
    "words",
    [
        ("GET", "https://elsewhere.example/x"),
        ("GET", "//elsewhere.example/x"),
        ("GET", "\\\\elsewhere\\x"),
        ("FETCH", "/x"),
        ("GET", "/x", "-H", "Authorization: Bearer other"),
        ("GET", "/x", "-H", "host: elsewhere"),
        ("GET", "/x", "-H", "X-A: b\r\nX-B: c"),
        ("GET", "/a b"),
        ("POST", "/x", "--paginate"),
        ("POST", "/x", "-F", "a={"),
    ],
)
def test_what_could_lead_elsewhere_is_refused_before_anything_is_sent(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer, words: tuple[str, ...]
) -> None:
    assert orchctl("api", *words, env=ci).code == 2
    assert server.requests == []


def test_a_dry_run_prints_the_call(orchctl: Any, ci: Mapping[str, str], server: FaultServer) -> None:
    result = orchctl("api", "POST", "/x", "-f", "token=a-secret-guid", "-n", env=ci)
    assert result.code == 0
    assert result.out.startswith(f"POST {server.url}/base/x\n")
    assert "a-secret-guid" not in result.out
    assert server.requests == []


def test_pages_are_followed_by_link_by_header_and_by_count(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    def page(*rows: int, **more: Any) -> bytes:
        return json.dumps({"value": rows, **more}).encode()

    base = f"{server.url}/base"
    server.plan(
        reply(200, page(1, 2, **{"@odata.nextLink": f"{base}/x?page=2"})),
        reply(200, page(3)),
        reply(200, b"[1]", {"Link": f'<{base}/x?page=2>; rel="next"'}),
        reply(200, b"[2]"),
        reply(200, page(1, 2, **{"@odata.count": 3})),
        reply(200, page(3, **{"@odata.count": 3})),
    )
    for expected in ([1, 2, 3], [1, 2], [1, 2, 3]):
        assert orchctl("api", "GET", "/x", "--paginate", "-f", "$filter=a", env=ci).json == expected
    assert [request.target for request in server.requests][1::2] == [
        "/base/x?page=2",
        "/base/x?page=2",
        "/base/x?$filter=a&$skip=2",
    ]


def test_pages_that_lead_elsewhere_or_round_in_a_circle_end_with_an_error(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer
) -> None:
    link = f"{server.url}/base/x?page=1"
    server.plan(*[reply(200, b"[1]", {"Link": f'<{link}>; rel="next"'})] * 3)
    assert orchctl("api", "GET", "/x", "--paginate", env=ci).code == 1
    server.plan(reply(200, b"[1]", {"Link": '<https://elsewhere.example/x>; rel="next"'}))
    elsewhere = orchctl("api", "GET", "/x", "--paginate", env=ci)
    assert (elsewhere.code, elsewhere.out) == (1, "")
    server.plan(reply(200, b'{"a": 1}'))
    assert orchctl("api", "GET", "/x", "--paginate", env=ci).code == 1


def test_input_that_is_not_there_is_12(orchctl: Any, ci: Mapping[str, str], tmp_path: Path) -> None:
    assert orchctl("api", "POST", "/x", "--input", str(tmp_path / "none.json"), env=ci).code == 12


def test_a_protected_context_asks_before_a_raw_delete(
    orchctl: Any, server: FaultServer, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"current-context: prod\ncontexts: {{prod: {{dialect: sherpa, url: '{server.url}', protected: true}}}}\n"
    )
    env = {"ORCHCTL_CONFIG": str(config), "ORCHCTL_TOKEN": "a-secret-guid"}
    delete = ("api", "DELETE", "/api/queue/delete/1")
    refused = orchctl(*delete, "--yes", env=env)
    assert (refused.code, server.requests) == (2, [])
    assert refused.err.endswith("hint: add --confirm prod\n")
    assert orchctl(*delete, "--confirm", "test", env=env).code == 13
    assert orchctl(*delete, "--dry-run", env=env).code == 0
    assert server.requests == []
    assert orchctl(*delete, "--confirm", "prod", env=env).code == 0
    assert orchctl("api", "POST", "/api/queue/create", env=env).code == 0
    assert [seen.method for seen in server.requests] == ["DELETE", "POST"]
