"""Assets: what is secret stays so, and only what was asked for is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.dialects.conftest import routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"
SECRET = "S3cr3t!"


def credential(**fields: Any) -> dict[str, Any]:
    asset = {"guid": ID, "name": "Bank", "type": "1", "text": "robot", "password": SECRET, "robot_type": "3"}
    return asset | {"description": f"is {SECRET}"[:2], "password_expiration": "2033-01-01 00:00:00"} | fields


def test_a_secret_is_masked_everywhere_until_it_is_asked_for(cli: Any, server: FaultServer) -> None:
    table = {"GET /api/asset/read/Bank": credential(), "GET /api/asset/read": [credential()]}
    server.plan(routes(table))
    for words in (["get", "Bank"], ["list"]):
        for form in ("table", "wide", "json", "jsonl", "yaml", "csv", "tsv", "name"):
            result = cli("asset", *words, "-o", form, "--debug")
            assert result.code == 0
            assert SECRET not in result.out + result.err, (words, form)
    found = cli("asset", "get", "Bank", "-o", "json").json
    assert (found["value"], found["username"], found["scope"]) == ("***", "robot", "all")
    assert found["native"] == credential() | {"password": "***"}
    shown = cli("asset", "get", "Bank", "--reveal", "-o", "json", "--debug")
    assert (shown.json["value"], shown.json["native"]) == (SECRET, credential())
    assert SECRET not in shown.err


def test_the_password_of_a_credential_comes_from_stdin(cli: Any, server: FaultServer) -> None:
    server.plan(routes({"POST /api/asset/create": {"guid": ID}, f"GET /api/asset/read/{ID}": credential()}))
    words = ["asset", "create", "Bank", "--type", "credential", "--username", "robot"]
    result = cli(
        *words, "--value-stdin", "--expires", "2033-01-01T00:00:00Z", "-o", "json", input=f"{SECRET}\n"
    )
    assert (result.code, result.json["value"]) == (0, "***")
    assert json.loads(server.requests[0].body) == {
        "Name": "Bank",
        "Type": 1,
        "Text": "robot",
        "Password": SECRET,
        "PasswordExpiration": "2033-01-01 00:00:00",
        "RobotType": 3,
    }


def test_a_secret_is_never_taken_as_an_option(cli: Any, server: FaultServer) -> None:
    result = cli("asset", "create", "Bank", "--type", "credential", "--value", SECRET)
    assert (result.code, SECRET in result.err, server.requests) == (2, False, [])
    without = cli("asset", "create", "Bank", "--type", "credential")
    assert without.err == (
        "orchctl: the secret of Bank is needed, and there is no terminal to ask\nhint: feed it to --value-stdin\n"
    )
    assert cli("asset", "create", "Bank", "--type", "credential", "--value-stdin", input="\n").code == 2
    assert cli("account", "create", "--login", "x").code == 2
    assert server.requests == []


@pytest.mark.parametrize("secret", [SECRET, 'p4ss "word"\\\\/+=&% \u00e4'])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["asset", "create", "Bank", "--type", "credential", "--username", "robot", "--value-stdin"], 5),
        (["asset", "set", "Bank", "--value-stdin"], 11),
        (["account", "create", "--login", "branch", "--password-stdin"], 5),
        (["account", "update", ID, "--password-stdin"], 11),
    ],
)
def test_a_secret_that_the_server_repeats_in_its_refusal_is_hidden(
    cli: Any, server: FaultServer, words: list[str], code: int, secret: str
) -> None:
    def echo(seen: Any) -> tuple[int, Any]:
        return (422 if code == 5 else 500), {"error": f"bad: {seen.body.decode()}"}

    reads = {"GET /api/asset/read/Bank": credential(), f"GET /api/account/read/{ID}": {"guid": ID}}
    writes = ["POST /api/asset/create", "PUT /api/asset/update"]
    writes += ["POST /api/account/create", "PUT /api/account/update"]
    server.plan(routes(reads | dict.fromkeys(writes, echo)))
    for more in ([], ["--debug"], ["-o", "json"]):
        result = cli(*words, *more, input=secret)
        assert (result.code, result.out) == (code, ""), result.err
        assert "***" in result.err
        for written in (secret, json.dumps(secret)[1:-1], quote(secret), quote_plus(secret)):
            assert written not in result.err


def test_setting_a_text_sends_only_that(cli: Any, server: FaultServer) -> None:
    text = {"guid": ID, "name": "Greeting", "type": 2, "text": "Hello", "robot_type": 3, "description": "d"}
    table = {"GET /api/asset/read/Greeting": text, f"GET /api/asset/read/{ID}": text | {"text": "Hi"}}
    server.plan(routes(table | {"PUT /api/asset/update": []}))
    result = cli("asset", "set", "Greeting", "--value", "Hi", "-o", "json")
    assert (result.code, result.json["value"], result.err) == (0, "Hi", "")
    (sent,) = [seen.body for seen in server.requests if seen.method == "PUT"]
    assert sent == f"guid={ID}&text=Hi".encode()
    assert cli("asset", "set", "Greeting").code == 2
    assert cli("asset", "set", "Greeting", "--username", "u").code == 14
    piped = cli("asset", "set", "Greeting", "--value-stdin", input="two\nlines\n")
    assert (piped.code, server.requests[-2].body) == (0, f"guid={ID}&text=two%0Alines".encode())


def test_what_the_server_changes_beside_what_was_asked_for_is_told(cli: Any, server: FaultServer) -> None:
    table = {"GET /api/asset/read/Bank": credential(), f"GET /api/asset/read/{ID}": credential(password=None)}
    server.plan(routes(table | {"PUT /api/asset/update": []}))
    result = cli("asset", "set", "Bank", "--description", "is")
    assert result.err == "note: the orchestrator changed the asset's value too, which nobody asked for\n"


def test_a_calendar_goes_out_and_comes_back_as_json(cli: Any, server: FaultServer, tmp_path: Path) -> None:
    days = ["2026-01-01", "2026-01-02"]
    calendar = {"guid": ID, "name": "Holidays", "type": 3, "text": json.dumps(days), "robot_type": 3}
    reads = {f"GET /api/asset/read/{key}": calendar for key in ("Holidays", ID)}
    server.plan(routes(reads | {"PUT /api/asset/update": []}))
    exported = cli("asset", "calendar", "export", "Holidays")
    assert (exported.code, exported.json) == (0, days)
    assert cli("asset", "get", "Holidays", "-o", "json").json["value"] == days
    file = tmp_path / "days.json"
    file.write_text(exported.out)
    assert cli("asset", "calendar", "import", "Holidays", str(file)).code == 0
    assert cli("asset", "calendar", "import", "Holidays", "-", input=exported.out).code == 0
    assert {seen.body for seen in server.requests if seen.method == "PUT"} == {
        b"guid=" + ID.encode() + b"&text=%5B%222026-01-01%22%2C%222026-01-02%22%5D"
    }
    assert cli("asset", "calendar", "import", "Holidays", "-", input='["1 May"]').code == 2
    assert cli("asset", "calendar", "import", "Holidays", "-", input="{}").code == 2
    assert cli("asset", "calendar", "import", "Holidays", str(tmp_path / "none")).code == 12


def test_a_calendar_that_is_not_there_is_created_and_a_text_is_no_calendar(
    cli: Any, server: FaultServer
) -> None:
    text = {"guid": ID, "name": "Greeting", "type": 2, "text": "Hello"}
    server.plan(routes({"POST /api/asset/create": {"guid": ID}, "GET /api/asset/read/Greeting": text}))
    result = cli("asset", "calendar", "import", "New", "-", input='["2026-01-01"]')
    assert result.code == 0
    assert "so it is created for all robots" in result.err
    assert json.loads(server.requests[-2].body)["Text"] == '["2026-01-01"]'
    assert cli("asset", "calendar", "export", "Greeting").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--type", "integer", "--value", "1"], 14),
        (["--type", "secret", "--value-stdin"], 14),
        (["--type", "nonsense", "--value", "1"], 2),
        (["--type", "text", "--value", "1", "--value-stdin"], 2),
        (["--type", "text", "--value", "1", "--for", "me"], 2),
        (["--type", "text", "--value", "1", "--username", "u"], 14),
        (["--type", "calendar", "--value", "tomorrow"], 2),
        (["--type", "calendar", "--value", '{"a":1}'], 2),
    ],
)
def test_an_asset_that_cannot_be_is_refused_before_anything_is_sent(
    cli: Any, server: FaultServer, words: list[str], code: int
) -> None:
    result = cli("asset", "create", "A", *words, input="x")
    assert (result.code, server.requests) == (code, []), result.err
