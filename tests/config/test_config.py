"""The configuration: what is read, what is refused and how it is told, which context is chosen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchctl.config import Config, Context, Defaults, choose, load
from orchctl.errors import LocalFault, OrchctlError, UsageFault
from orchctl.sanitize import forget_secrets, scrub

ROOT = Path(__file__).parents[2]
ONE = "contexts:\n  prod:\n    dialect: sherpa\n    url: https://h\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def loaded(file: Path, text: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load(file)


def context(file: Path, settings: str, url: str = "https://h") -> Context:
    return loaded(file, f'contexts:\n  prod: {{dialect: sherpa, url: "{url}", {settings}}}').contexts["prod"]


def test_all_keys(file: Path) -> None:
    config = loaded(
        file,
        """
current-context: prod
defaults: {output: json, parallel: 32, request-timeout: 90s, retry-timeout: 5m}
contexts:
  prod:
    dialect: uipath
    url: https://H.example:443/org/tenant/
    auth: client-credentials
    client-id: 007
    username: yes
    tenant: 1.0
    scope: a b
    identity-url: https://id.example/identity_/
    folder: 12
    ca-bundle: certs/ca.pem
    client-cert: /etc/me.pem
    client-key: ~/me.key
    proxy: http://me:pass@proxy:80
    insecure: true
    allow-http: true
    cancel-path: /x
    protected: true
    token-command: [pass-one, "a b"]
    time-zone: Europe/Moscow
    job-update-method: post
    wire: json
""",
    )
    assert config.current == "prod"
    assert config.defaults == Defaults(output="json", parallel=32, request_timeout=90.0, retry_timeout=300.0)
    assert config.contexts["prod"] == Context(
        name="prod",
        dialect="uipath",
        url="https://h.example/org/tenant",
        auth="client-credentials",
        client_id="007",
        username="yes",
        tenant="1.0",
        scope="a b",
        identity_url="https://id.example/identity_",
        folder="12",
        ca_bundle=str(file.parent / "certs" / "ca.pem"),
        client_cert="/etc/me.pem",
        client_key=str(Path("~/me.key").expanduser()),
        proxy="http://me:pass@proxy",
        insecure=True,
        allow_http=True,
        cancel_path="/x",
        protected=True,
        token_command=("pass-one", "a b"),
        time_zone="Europe/Moscow",
        job_update_method="post",
        wire="json",
    )


def test_a_file_that_is_not_there_is_like_an_empty_one(file: Path) -> None:
    missing = load(file)
    empty = loaded(file, "# nothing yet\n")
    assert (missing.exists, missing.contexts, missing.current) == (False, {}, None)
    assert (empty.exists, empty.contexts, empty.current) == (True, {}, None)
    assert loaded(file, "current-context:\ndefaults:\ncontexts:\n").contexts == {}


def test_where_the_file_is(tmp_path: Path) -> None:
    named = tmp_path / "named.yaml"
    assert load(env={"ORCHCTL_CONFIG": str(named), "XDG_CONFIG_HOME": str(tmp_path)}).path == named
    assert load(env={"XDG_CONFIG_HOME": str(tmp_path)}).path == tmp_path / "orchctl" / "config.yaml"
    assert load(named, env={"ORCHCTL_CONFIG": "other"}).path == named


def test_a_bom_and_windows_line_ends_are_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    assert load(file).contexts["prod"].url == "https://h"


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, True), (0o604, True), (0o666, True)])
def test_a_file_that_others_may_read_is_read_and_remembered(file: Path, mode: int, exposed: bool) -> None:
    file.write_text(ONE)
    file.chmod(mode)
    assert load(file).exposed is exposed


KEYS = (
    "dialect, url, auth, client-id, username, tenant, scope, identity-url, folder, ca-bundle, client-cert, "
    "client-key, proxy, insecure, allow-http, cancel-path, protected, token-command, time-zone, "
    "job-update-method, wire"
)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("curent-context: a", ":1: unknown key 'curent-context'", "did you mean current-context?"),
        ("colour: red", ":1: unknown key 'colour'", "the keys here: current-context, defaults, contexts"),
        ("defaults: {paralel: 3}", ":1: unknown key 'paralel' in defaults", "did you mean parallel?"),
        (ONE + "    protectd: 1", ":5: unknown key 'protectd' in contexts.prod", "did you mean protected?"),
        (ONE + "    ca_bundle: x", ":5: unknown key 'ca_bundle' in contexts.prod", "did you mean ca-bundle?"),
        (ONE + "    xyz: 1", ":5: unknown key 'xyz' in contexts.prod", f"the keys here: {KEYS}"),
        (
            ONE + "    password: hunter2",
            ":5: unknown key 'password' in contexts.prod",
            "no secret belongs in this file: orchctl auth login keeps it",
        ),
        (ONE + "    <<: {auth: basic}", ":5: unknown key '<<' in contexts.prod", f"the keys here: {KEYS}"),
        (ONE + "    url: https://x", ':5: the key "url" is here twice (first in line 4)', None),
        (ONE + "  prod: {}", ':5: the key "prod" is here twice (first in line 2)', None),
        ("contexts: []", ":1: contexts: expected contexts, got a list", None),
        ("contexts: {a: 1}", ":1: contexts.a: expected settings, got '1'", None),
        ("- a", ":1: expected current-context, defaults and contexts, got a list", None),
        ("just text", ":1: expected current-context, defaults and contexts, got 'just text'", None),
        ("current-context: [a]", ":1: expected text, got a list", None),
        ("contexts: {a: {url: x}}", ":1: url: expected a URL that begins with https://, http:// or sandbox:",
         "https://x"),
        ("contexts:\n  a: {dialect: x}", ":2: the context 'a' has no url", "add url: ..."),
        ("contexts:\n  a: {url: 'sandbox:'}", ":2: the context 'a' has no dialect", "add dialect: ..."),
        ("contexts:\n  a:", ":2: contexts.a: expected settings, got nothing", None),
        ("contexts: {-a: {}}", ":1: '-a' cannot be the name of a context",
         "letters, digits, _ . and -, not beginning with . or -, at most 64"),
        ("contexts: {a b: {}}", ":1: 'a b' cannot be the name of a context",
         "letters, digits, _ . and -, not beginning with . or -, at most 64"),
        (ONE + "    insecure: yes", ":5: insecure: expected true or false, got 'yes'", None),
        (ONE + "    insecure: 'true'", ":5: insecure: expected true or false, got 'true'", None),
        (ONE + "    insecure: 1", ":5: insecure: expected true or false, got '1'", None),
        (ONE + "    insecure:", ":5: insecure: expected true or false, got nothing", None),
        (ONE + "    folder: {a: 1}", ":5: folder: expected text, got a mapping", None),
        (ONE + "    folder: ~", ":5: folder: expected text, got nothing", None),
        (ONE + "    folder: ''", ":5: folder: expected text of printable characters", None),
        (ONE + '    folder: "a\\nb"', ":5: folder: expected text of printable characters", None),
        (ONE + '    folder: "\\e[31m"', ":5: folder: expected text of printable characters", None),
        (
            ONE + "    auth: baisc",
            ":5: auth: expected one of basic, bearer, token, client-credentials, password, got 'baisc'",
            "did you mean basic?",
        ),
        (ONE + "    wire: xml", ":5: wire: expected one of auto, form, json, got 'xml'", None),
        (ONE + "    token-command: []",
         ":5: token-command: expected a program and its arguments, got nothing", None),
        (ONE + "    token-command: [[a]]", ":5: token-command: expected text, got a list", None),
        (ONE + "    token-command: \"a 'b\"",
         ":5: token-command: a quote in this command is not closed", None),
        (ONE + "    time-zone: +03:00",
         ":5: time-zone: expected the name of a time zone such as Europe/Moscow, got '+03:00'", None),
        (ONE + "    time-zone: ../../etc/x",
         ":5: time-zone: expected the name of a time zone such as Europe/Moscow, got '../../etc/x'", None),
        (ONE + "    client-key: k", ":3: the context 'prod' has a client-key but no client-cert", None),
        (ONE + "    proxy: socks5://p",
         ":5: proxy: expected a URL that begins with http:// or https://", None),
        (ONE + "    proxy: http://p/path",
         ":5: proxy: a proxy is a scheme, a host and a port; there is a path after them", None),
        ("defaults: {output: jsn}",
         ":1: output: expected one of table, wide, json, jsonl, yaml, csv, tsv, name, got 'jsn'",
         "did you mean json?"),
        ("defaults: {parallel: 0}", ":1: parallel: expected a whole number from 1 to 999, got '0'", None),
        ("defaults: {parallel: 1.5}", ":1: parallel: expected a whole number from 1 to 999, got '1.5'", None),
        ("defaults: {request-timeout: soon}",
         ":1: request-timeout: expected a duration above 0 (90s, 10m, 2h30m, 1d, or a number of seconds), "
         "got 'soon'", None),
        ("defaults: {request-timeout: 0}",
         ":1: request-timeout: expected a duration above 0 (90s, 10m, 2h30m, 1d, or a number of seconds), "
         "got '0'", None),
        ("defaults: {request-timeout: 999999999d}",
         ":1: request-timeout: expected a duration of 366 days at most, got '999999999d'", None),
        ("contexts: {", ":2: this is not YAML: did not find expected node content",
         "look for a missing colon, quote or bracket, or a tab, in that line and the one above"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told_with_file_and_line(
    file: Path, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(LocalFault) as caught:
        loaded(file, text)
    assert caught.value.message == f"{file}{message}"
    assert caught.value.hint == hint
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


def test_not_utf_8(file: Path) -> None:
    file.write_bytes(b"# ok\n# \xcf\xf0\xe8\n")
    with pytest.raises(LocalFault) as caught:
        load(file)
    assert caught.value.message == f"{file}:2: this is not UTF-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16(file: Path, encoding: str) -> None:
    file.write_bytes(ONE.encode(encoding))
    with pytest.raises(LocalFault):
        load(file)


def test_a_directory_instead_of_a_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(LocalFault) as caught:
        load(file)
    assert caught.value.message == f"cannot read the configuration {file}: Is a directory"


def test_an_unreadable_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(ONE)

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read anything, so the mode alone proves nothing
    with pytest.raises(LocalFault) as caught:
        load(file)
    assert caught.value.message == f"cannot read the configuration {file}: Permission denied"


def test_a_file_in_a_file(file: Path) -> None:
    file.write_text("")
    with pytest.raises(LocalFault, match="Not a directory"):
        load(file / "config.yaml")


def test_a_huge_file(file: Path) -> None:
    file.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(LocalFault) as caught:
        load(file)
    assert caught.value.message == f"the configuration {file} is larger than 1 MiB"


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(ONE.encode())
    try:
        assert load(Path(f"/dev/fd/{reader}")).contexts["prod"].dialect == "sherpa"
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("url", "normal", "origin"),
    [
        ("https://h/", "https://h", "https://h"),
        ("HTTPS://Host.Example:443/a/b//", "https://host.example/a/b", "https://host.example"),
        ("http://h:80", "http://h", "http://h"),
        ("http://h:8080/x", "http://h:8080/x", "http://h:8080"),
        ("https://h:", "https://h", "https://h"),
        ("https://[::1]:4500/", "https://[::1]:4500", "https://[::1]:4500"),
        ("https://h/a b".replace(" ", "%20"), "https://h/a%20b", "https://h"),
        ("https://h/ж", "https://h/%D0%B6", "https://h"),
        ("https://пример.рф/x", "https://xn--e1afmkfd.xn--p1ai/x", "https://xn--e1afmkfd.xn--p1ai"),
        ("sandbox:", "sandbox:", "sandbox:"),
        ("SANDBOX:", "sandbox:", "sandbox:"),
        ("sandbox:/a/../b.db", "sandbox:/b.db", "sandbox:/b.db"),
    ],
)
def test_a_url_has_one_spelling(file: Path, url: str, normal: str, origin: str) -> None:
    found = context(file, "", url)
    assert (found.url, found.origin) == (normal, origin)


def test_a_relative_sandbox_begins_where_the_file_is(file: Path) -> None:
    assert context(file, "", "sandbox:my.db").url == f"sandbox:{file.parent / 'my.db'}"
    assert context(file, "", "sandbox:~/my.db").url == f"sandbox:{Path('~/my.db').expanduser()}"


@pytest.mark.parametrize(
    "url",
    [
        "h",
        "h:80",
        "ftp://h",
        "https:h",
        "https://",
        "https:///x",
        "https://h?x",
        "https://h/#x",
        "https://h:0",
        "https://h:99999",
        "https://h:x",
        "https://[::1",
        "https://h h",
        "https://h/a b",
        "https://h\\\\x",
        "https://a_b%",
        "https://%68",
        "https://user@h",
        "https://user:hunter2@h",
        "https://h/@x",
        "sandbox://x",
        "file:///etc/passwd",
        "javascript:x",
    ],
)
def test_a_url_that_is_refused(file: Path, url: str) -> None:
    with pytest.raises(LocalFault) as caught:
        context(file, "", url)
    assert caught.value.message.startswith(f"{file}:2: url: ")
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


TWO = """
current-context: b
contexts:
  a: {dialect: sherpa, url: "https://a"}
  b: {dialect: sherpa, url: "https://b"}
"""
ENV = {"ORCHCTL_URL": "https://e/", "ORCHCTL_DIALECT": "sherpa"}


@pytest.mark.parametrize(
    ("name", "env", "chosen"),
    [
        (None, {}, "b"),
        ("a", {}, "a"),
        (None, {"ORCHCTL_CONTEXT": "a"}, "a"),
        ("b", {"ORCHCTL_CONTEXT": "a"}, "b"),
        (None, ENV, "env"),
        ("a", ENV, "a"),
        ("a", {**ENV, "ORCHCTL_CONTEXT": "b"}, "a"),
        (None, {"ORCHCTL_CONTEXT": "", "ORCHCTL_URL": ""}, "b"),
        (None, {"ORCHCTL_CONTEXT": "a", "ORCHCTL_DIALECT": "sherpa"}, "a"),
    ],
)
def test_which_context(file: Path, name: str | None, env: dict[str, str], chosen: str) -> None:
    assert choose(loaded(file, TWO), name=name, env=env).name == chosen


@pytest.mark.parametrize(
    ("text", "name", "env", "kind", "message", "hint"),
    [
        (TWO, None, {**ENV, "ORCHCTL_CONTEXT": "a"}, UsageFault,
         "ORCHCTL_URL and ORCHCTL_CONTEXT are both set, and each chooses a context",
         "unset one of them, or choose with -c"),
        (TWO, None, {"ORCHCTL_URL": "https://e"}, UsageFault, "ORCHCTL_URL is set and ORCHCTL_DIALECT is not",
         "set ORCHCTL_DIALECT too, or choose with -c"),
        (TWO, None, {"ORCHCTL_DIALECT": "x"}, UsageFault, "ORCHCTL_DIALECT is set and ORCHCTL_URL is not",
         "set ORCHCTL_URL too, or choose with -c"),
        (TWO, None, {**ENV, "ORCHCTL_URL": "e"}, UsageFault,
         "ORCHCTL_URL: expected a URL that begins with https://, http:// or sandbox:", "https://e"),
        (TWO, None, {**ENV, "ORCHCTL_PROTECTED": "maybe"}, UsageFault,
         "ORCHCTL_PROTECTED: expected true or false, got 'maybe'", None),
        (TWO, "aa", {}, LocalFault, "there is no context 'aa'", "did you mean a?"),
        (TWO, "xyz", {}, LocalFault, "there is no context 'xyz'", "the contexts in FILE: a, b"),
        (TWO, None, {"ORCHCTL_CONTEXT": "xyz"}, LocalFault, "there is no context 'xyz'",
         "the contexts in FILE: a, b"),
        ("current-context: gone\n" + ONE, None, {}, LocalFault,
         "there is no context 'gone', which FILE calls the current one",
         "orchctl context use NAME; the contexts in FILE: prod"),
        (ONE, None, {}, LocalFault, "no context is chosen",
         "orchctl context use NAME, or -c NAME; there are: prod"),
        ("", None, {}, LocalFault, "no context is chosen",
         "FILE has none yet; make one: orchctl context add NAME --dialect DIALECT --url URL, "
         "or orchctl sandbox init"),
        (None, None, {}, LocalFault, "no context is chosen",
         "FILE does not exist; make one: orchctl context add NAME --dialect DIALECT --url URL, "
         "or orchctl sandbox init"),
        (None, "elma-not-configured", {}, LocalFault, "there is no context 'elma-not-configured'",
         "FILE does not exist; make one: orchctl context add NAME --dialect DIALECT --url URL, "
         "or orchctl sandbox init"),
    ],
)  # fmt: skip
def test_no_context(
    file: Path,
    text: str | None,
    name: str | None,
    env: dict[str, str],
    kind: type[OrchctlError],
    message: str,
    hint: str | None,
) -> None:
    config = load(file) if text is None else loaded(file, text)
    with pytest.raises(kind) as caught:
        choose(config, name=name, env=env)
    assert caught.value.message == message.replace("FILE", str(file))
    assert caught.value.hint == (hint and hint.replace("FILE", str(file)))


def test_the_environment_has_every_key(file: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    env = {
        **ENV,
        "ORCHCTL_URL": "http://plain",
        "ORCHCTL_AUTH": "bearer",
        "ORCHCTL_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "ORCHCTL_PROTECTED": "1",
        "ORCHCTL_ALLOW_HTTP": "TRUE",
        "ORCHCTL_INSECURE": "0",
        "ORCHCTL_TOKEN_COMMAND": "a 'b c'",
    }
    assert choose(load(file), env=env) == Context(
        name="env",
        dialect="sherpa",
        url="http://plain",
        auth="bearer",
        ca_bundle=str(tmp_path / "ca.pem"),
        protected=True,
        allow_http=True,
        token_command=("a", "b c"),
    )


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:4500", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://localhost", True),
        ("http://x.localhost", True),
        ("sandbox:", True),
        ("http://h", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
    ],
)
def test_plain_http_is_for_loopback_only(file: Path, url: str, loopback: bool) -> None:
    config = loaded(file, f'contexts: {{a: {{dialect: sherpa, url: "{url}"}}}}')
    assert config.contexts["a"].loopback is loopback
    if loopback:
        choose(config, name="a", env={})
        return
    with pytest.raises(LocalFault) as caught:
        choose(config, name="a", env={})
    assert caught.value.message == f"the context 'a' would send its secrets unencrypted to {url}"
    assert caught.value.hint == "use https, or if that network is trusted: allow-http: true in the context"
    allowed = loaded(file, f'contexts: {{a: {{dialect: sherpa, url: "{url}", allow-http: true}}}}')
    choose(allowed, name="a", env={})


def test_plain_http_of_the_identity_server_counts_too(file: Path) -> None:
    config = loaded(file, 'contexts: {a: {dialect: uipath, url: "https://h", identity-url: "http://id/x"}}')
    assert config.contexts["a"].secret_origins == ("https://h", "http://id")
    with pytest.raises(LocalFault, match="unencrypted to http://id"):
        choose(config, name="a", env={})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("ca-bundle: nowhere.pem", "the ca-bundle of the context 'prod' is not there: FOLDER/nowhere.pem"),
        ("time-zone: Europe/Moskau",
         "no time zone 'Europe/Moskau' is known here (time-zone of the context 'prod')"),
    ],
)  # fmt: skip
def test_what_counts_only_when_a_context_is_used(file: Path, settings: str, message: str) -> None:
    context(file, settings)
    with pytest.raises(LocalFault) as caught:
        choose(load(file), name="prod", env={})
    assert caught.value.message == message.replace("FOLDER", str(file.parent))


def test_the_password_of_a_proxy_is_a_secret(file: Path) -> None:
    try:
        context(file, 'proxy: "http://me:p%73%40word@proxy:3128"')
        chosen = choose(load(file), name="prod", env={})
        assert scrub(f"via {chosen.proxy} ps@word") == "via http://me:***@proxy:3128 ***"
        assert chosen.shown.proxy == "http://me:***@proxy:3128"
    finally:
        forget_secrets()


def test_the_example_has_every_key_and_loads() -> None:
    from orchctl.config.rules import CONTEXT_RULES, DEFAULTS_RULES
    from orchctl.yaml_text import Table, read

    path = ROOT / "config.example.yaml"
    config = load(path)
    assert choose(config, env={}).url == "sandbox:"
    tree = read(path.read_text("utf-8"), source=str(path))
    assert isinstance(tree, Table)
    parts = {key: node for key, (_, node) in tree.entries.items()}
    assert isinstance(parts["contexts"], Table)
    assert isinstance(parts["defaults"], Table)
    used = {
        key
        for _, node in parts["contexts"].entries.values()
        if isinstance(node, Table)
        for key in node.entries
    }
    assert used == set(CONTEXT_RULES)
    assert set(parts["defaults"].entries) == set(DEFAULTS_RULES)


def test_importing_is_cheap() -> None:
    code = (
        "import sys, orchctl.config; print(*sorted({'yaml', 'platformdirs', 'keyring'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
