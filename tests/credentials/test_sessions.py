"""Logging in on the way: one token for all that run at once, until shortly before its end, and no trace of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from orchctl import credentials
from orchctl.config import Context
from orchctl.credentials import Kind
from orchctl.dialects.uipath import Uipath
from orchctl.dialects.uipath.auth import identity_url
from orchctl.errors import LocalFault
from tests.conftest import Home
from tests.credentials.keyring_doubles import Memory
from tests.faults import Connection, FaultServer, message

SECRET = "Kub43WDqFCRSpIrgZbVVSb6Cc5KaHFGrCt"
CLIENT = "34ca8e08-226a-4f9d-95d0-62359b45b06a"


class Identity:
    """An orchestrator that lets in whoever shows a token that it gave, and counts what it gave."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.tokens: list[str] = []
        self.good: set[str] = set()
        self.seconds = 3600
        self.delay = 0.0
        self.junk = ""
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        seen = connection.read()
        path = urlsplit(seen.target).path.lower()
        status, body = 200, {"PageItems": [], "Count": 0}
        if path.endswith(("/connect/token", "/account/authenticate")):
            time.sleep(self.delay)
            with self._lock:
                token = f"token-{len(self.tokens)}-{'x' * 20}{self.junk}"
                self.tokens.append(token)
                self.good.add(token)
            body = {"access_token": token, "expires_in": self.seconds, "token_type": "Bearer", "scope": "s"}
            if "authenticate" in path:
                body = {"result": token, "success": True, "error": None}
        elif seen.headers.get("authorization", "").removeprefix("Bearer ") not in self.good:
            status, body = 401, {"message": "You are not authenticated!", "errorCode": 0}
        connection.send(message(status, json.dumps(body).encode()))


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def identity(server: FaultServer) -> Identity:
    made = Identity(server)
    server.plan(made)
    return made


@pytest.fixture
def env(server: FaultServer) -> Mapping[str, str]:
    return {
        "ORCHCTL_URL": server.url,
        "ORCHCTL_DIALECT": "uipath",
        "ORCHCTL_CLIENT_ID": CLIENT,
        "ORCHCTL_CLIENT_SECRET": SECRET,
    }


def leaks(home: Home, *words: str) -> list[Path]:
    return [
        path
        for path in home.path.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    ]


def test_a_token_serves_later_runs_until_shortly_before_its_end(
    orchctl: Any, identity: Identity, env: Any, home: Home
) -> None:
    for _ in range(3):
        assert orchctl("folder", "list", env=env).code == 0
    assert len(identity.tokens) == 1
    (asked,) = [seen for seen in identity.server.requests if seen.target.endswith("/connect/token")]
    assert asked.target == "/identity/connect/token"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT],
        "client_secret": [SECRET],
    }
    assert leaks(home, SECRET, identity.tokens[0]) == []
    identity.seconds = 0
    for _ in range(2):
        assert orchctl("folder", "list", env={**env, "ORCHCTL_SCOPE": "OR.Folders"}).code == 0
    assert len(identity.tokens) == 3
    assert parse_qs(identity.server.requests[-2].body.decode())["scope"] == ["OR.Folders"]


def test_a_token_that_is_refused_is_replaced_once(orchctl: Any, identity: Identity, env: Any) -> None:
    assert orchctl("folder", "list", env=env).code == 0
    identity.good.clear()
    assert orchctl("folder", "list", env=env).code == 0
    assert len(identity.tokens) == 2
    identity.good = set()
    identity.tokens.clear()

    class Nobody(set[str]):
        def add(self, _: str) -> None:
            pass

    identity.good = Nobody()
    result = orchctl("folder", "list", env=env)
    assert (result.code, len(identity.tokens)) == (3, 1)


@pytest.mark.parametrize("junk", ["\nX-Other: 1", "\r", "\0", "\u20ac", "\x7f"])
def test_a_token_that_no_header_may_carry_is_neither_sent_nor_kept(
    orchctl: Any, identity: Identity, env: Any, home: Home, junk: str
) -> None:
    identity.junk = junk
    for _ in range(2):
        result = orchctl("folder", "list", env=env)
        assert result.code == 3
        assert "gave a token" in result.err
        assert "auth login" not in result.err
        assert "token-" not in result.err
    assert [urlsplit(seen.target).path for seen in identity.server.requests] == [
        "/identity/connect/token"
    ] * 2
    assert leaks(home, "token-") == []
    identity.junk = ""
    assert orchctl("folder", "list", env=env).code == 0


@pytest.mark.parametrize(
    "change", [{"token": "a\nb"}, {"token": 1}, {"renew_at": "later"}, {"renew_at": None}]
)
def test_a_kept_token_that_is_of_no_use_is_replaced(
    orchctl: Any, identity: Identity, env: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    assert orchctl("folder", "list", env=env).code == 0
    kept_session = credentials.kept_session

    def damaged(*given: Any) -> str | None:
        kept = kept_session(*given)
        return kept and json.dumps({**json.loads(kept), **change})

    monkeypatch.setattr(credentials, "kept_session", damaged)
    assert orchctl("folder", "list", env=env).code == 0
    assert len(identity.tokens) == 2


def test_runs_at_once_log_in_once(identity: Identity, env: Any, home: Home) -> None:
    identity.delay = 0.3
    variables = {**os.environ, **home.env, **env}
    argv = [sys.executable, "-m", "orchctl", "folder", "list"]
    runs = [
        subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    for run in runs:
        _, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
    assert len(identity.tokens) == 1


@pytest.fixture
def cloud(orchctl: Any, identity: Identity) -> Identity:
    """As the context ``cloud``."""
    place = ["--dialect", "uipath", "--url", identity.server.url]
    assert orchctl("context", "add", "cloud", *place, "--client-id", CLIENT).code == 0
    return identity


@pytest.mark.parametrize("keyring", ["Memory", "Small"])
def test_a_token_is_kept_in_the_keyring(
    orchctl: Any, cloud: Identity, backend: Any, home: Home, keyring: str
) -> None:
    """Or where that will not take it, in a file that only the secret in the keyring opens."""
    backend(keyring)
    assert orchctl("auth", "login", "-c", "cloud", "--token-stdin", input=SECRET).code == 0
    for _ in range(2):
        assert orchctl("folder", "list", "-c", "cloud").code == 0
    assert len(cloud.tokens) == 1
    assert any(cloud.tokens[0] in text for text in Memory.kept.values()) is (keyring == "Memory")
    assert leaks(home, SECRET, cloud.tokens[0]) == []
    assert orchctl("auth", "logout", "-c", "cloud").code == 0
    assert Memory.kept == {}
    assert orchctl("folder", "list", "-c", "cloud").code == 3


def test_a_token_is_kept_where_its_secret_is(orchctl: Any, cloud: Identity, home: Home) -> None:
    login = orchctl("auth", "login", "-c", "cloud", "--token-stdin", "--insecure-storage", input=SECRET)
    assert login.code == 0
    for _ in range(2):
        assert orchctl("folder", "list", "-c", "cloud").code == 0
    assert len(cloud.tokens) == 1
    (kept,) = leaks(home, cloud.tokens[0])
    assert kept.name == "credentials.json"
    assert orchctl("auth", "logout", "-c", "cloud").code == 0
    assert leaks(home, SECRET, cloud.tokens[0]) == []


def test_another_secret_does_not_open_what_the_first_sealed(
    orchctl: Any, identity: Identity, env: Any
) -> None:
    assert orchctl("folder", "list", env=env).code == 0
    assert orchctl("folder", "list", env={**env, "ORCHCTL_CLIENT_SECRET": "another"}).code == 0
    assert len(identity.tokens) == 2


def test_a_bearer_token_needs_no_login(orchctl: Any, identity: Identity, env: Any) -> None:
    identity.good.add("rt_mine")
    del env["ORCHCTL_CLIENT_SECRET"]
    assert orchctl("folder", "list", env={**env, "ORCHCTL_TOKEN": "rt_mine"}).code == 0
    assert identity.tokens == []


def test_a_user_logs_in_with_a_password(
    orchctl: Any, identity: Identity, server: FaultServer, home: Home
) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "uipath", "ORCHCTL_USERNAME": "admin"}
    env |= {"ORCHCTL_PASSWORD": "S3cr3t pass", "ORCHCTL_TENANT": "Acme"}
    result = orchctl("folder", "list", "--debug", env=env)
    assert result.code == 0
    assert orchctl("folder", "list", env=env).code == 0
    assert len(identity.tokens) == 1
    login = server.requests[0]
    assert login.target == "/api/Account/Authenticate"
    assert json.loads(login.body) == {
        "tenancyName": "Acme",
        "usernameOrEmailAddress": "admin",
        "password": "S3cr3t pass",
    }
    assert leaks(home, "S3cr3t pass", identity.tokens[0]) == []
    assert not {"S3cr3t pass", identity.tokens[0]} & set(result.err.split())
    assert "S3cr3t" not in result.err
    assert identity.tokens[0] not in result.err


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (400, {"error": "invalid_scope"}, "invalid_scope\nhint: change scope:"),
        (400, {"error": "invalid_client"}, "invalid_client\nhint: check client-id:"),
        (400, {"error": "unauthorized_client"}, "unauthorized_client\nhint: the application"),
        (401, {"error": "other"}, "other\nhint: check client-id, scope and identity-url"),
    ],
)
def test_why_no_token_is_given(
    orchctl: Any, server: FaultServer, env: Any, status: int, answer: Any, words: str
) -> None:
    def refuse(connection: Connection) -> None:
        connection.read()
        connection.send(message(status, json.dumps(answer).encode()))

    server.plan(refuse)
    result = orchctl("folder", "list", env=env)
    assert (result.code, words in result.err) == (3, True), result.err
    assert SECRET not in result.err


def test_a_dry_run_logs_in_for_nothing(orchctl: Any, identity: Identity, env: Any) -> None:
    result = orchctl("queue", "create", "--name", "Q", "--folder", "Shared", "-n", env=env)
    assert (result.code, identity.tokens, identity.server.requests) == (0, [], [])
    assert '"Name":"Q"' in result.out


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://cloud.uipath.com/org/tenant/orchestrator_", "https://cloud.uipath.com/identity_"),
        ("https://staging.uipath.com/o/t/orchestrator_", "https://staging.uipath.com/identity_"),
        ("https://suite.example.com/org/tenant/orchestrator_", "https://suite.example.com/identity_"),
        ("https://suite.example.com:8443/org/tenant", "https://suite.example.com:8443/identity_"),
        ("https://orchestrator.example.com", "https://orchestrator.example.com/identity"),
        ("http://127.0.0.1:4500/orchestrator", "http://127.0.0.1:4500/identity"),
    ],
)
def test_where_tokens_are_got(url: str, identity: str) -> None:
    context = Context(name="c", dialect="uipath", url=url)
    assert identity_url(context) == identity
    for given in ("https://id.example.com/identity", "https://id.example.com/identity/connect/token"):
        pinned = Context(name="c", dialect="uipath", url=url, identity_url=given)
        assert identity_url(pinned) == "https://id.example.com/identity"


def test_what_a_login_needs_is_told() -> None:
    context = Context(name="c", dialect="uipath", url="https://h")
    with pytest.raises(LocalFault, match="client-id"):
        Uipath.login(context, Kind.CLIENT_SECRET, "s")
    with pytest.raises(LocalFault, match="username"):
        Uipath.login(context, Kind.PASSWORD, "s")
    with pytest.raises(LocalFault, match="basic"):
        Uipath.authorization(Context(name="c", dialect="uipath", url="https://h", auth="basic"), "s")
