"""``orchctl context`` through the front door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Home, Orchctl

ADD = ("context", "add", "prod", "--dialect", "sherpa", "--url", "https://rpa.example.com/")
ROW = {
    "name": "prod",
    "current": True,
    "dialect": "sherpa",
    "url": "https://rpa.example.com",
    "auth": None,
    "protected": False,
}


def test_add_prints_the_context_and_the_first_one_is_current(orchctl: Orchctl, home: Home) -> None:
    assert orchctl(*ADD, "-o", "json").json == ROW
    second = orchctl(
        "context", "add", "two", "--dialect", "sherpa", "--url", "sandbox:", "--protected", "-o", "json"
    )
    assert (second.json["current"], second.json["protected"]) == (False, True)
    third = orchctl(
        "context", "add", "three", "--dialect", "sherpa", "--url", "sandbox:", "--use", "-o", "json"
    )
    assert third.json["current"] is True
    assert orchctl("context", "current").out == "three\n"
    assert orchctl("context", "list", "-o", "name").out == "prod\ntwo\nthree\n"
    assert home.config.stat().st_mode & 0o777 == 0o600


def test_list_in_a_pipe_and_on_a_terminal(orchctl: Orchctl) -> None:
    assert orchctl("context", "list").out == ""
    assert orchctl("context", "list", "-o", "json").json == []
    orchctl(*ADD)
    assert orchctl("context", "list").out == "prod\ttrue\tsherpa\thttps://rpa.example.com\t\tfalse\n"
    assert orchctl("context", "list", terminal=True, width=100).out.splitlines()[0].split() == [
        "NAME",
        "CURRENT",
        "DIALECT",
        "URL",
        "AUTH",
        "PROTECTED",
    ]


ALL = {
    "--auth": ("auth", "password"),
    "--client-id": ("client_id", "id"),
    "--username": ("username", "me"),
    "--tenant": ("tenant", "Default"),
    "--scope": ("scope", "a b"),
    "--identity-url": ("identity_url", "https://id"),
    "--folder": ("folder", "007"),
    "--ca-bundle": ("ca_bundle", "/ca.pem"),
    "--client-cert": ("client_cert", "/c.pem"),
    "--client-key": ("client_key", "/k.pem"),
    "--proxy": ("proxy", "http://proxy:3128"),
    "--cancel-path": ("cancel_path", "/x"),
    "--time-zone": ("time_zone", "Europe/Moscow"),
    "--job-update-method": ("job_update_method", "post"),
    "--wire": ("wire", "json"),
}


def test_every_key_has_an_option(orchctl: Orchctl) -> None:
    words = [word for option, (_, value) in ALL.items() for word in (option, value)]
    flags = ["--insecure", "--allow-http", "--protected", "--token-command", "pass-one 'a b'"]
    assert orchctl(*ADD, *words, *flags).code == 0
    assert orchctl("context", "show", "prod", "-o", "json").json == {
        "name": "prod",
        "dialect": "sherpa",
        "url": "https://rpa.example.com",
        **dict(ALL.values()),
        "insecure": True,
        "allow_http": True,
        "protected": True,
        "token_command": ["pass-one", "a b"],
    }


def test_show_does_not_show_the_password_of_a_proxy(orchctl: Orchctl) -> None:
    orchctl(*ADD, "--proxy", "http://me:hunter22@proxy")
    for output in ("json", "yaml", "table"):
        result = orchctl("context", "show", "-o", output)
        assert "http://me:***@proxy" in result.out
        assert "hunter22" not in result.out + result.err


def test_use_rename_remove(orchctl: Orchctl, home: Home) -> None:
    orchctl(*ADD)
    orchctl("context", "add", "test", "--dialect", "sherpa", "--url", "https://t")
    assert orchctl("context", "use", "test", "-o", "json").json["current"] is True
    assert orchctl("context", "rename", "test", "staging", "-o", "name").out == "staging\n"
    assert orchctl("context", "current").out == "staging\n"
    removed = orchctl("context", "remove", "staging")
    assert (removed.code, removed.out) == (0, "")
    assert removed.err == "note: there is no current context now: orchctl context use NAME\n"
    gone = orchctl("context", "current")
    assert (gone.code, gone.err) == (
        12,
        "orchctl: no context is chosen\nhint: orchctl context use NAME, or -c NAME; there are: prod\n",
    )


@pytest.mark.parametrize(
    "argv",
    [
        (*ADD[:2], "new", *ADD[3:]),
        ("context", "use", "test"),
        ("context", "rename", "prod", "live"),
        ("context", "remove", "prod"),
    ],
)
def test_a_dry_run_writes_nothing(orchctl: Orchctl, home: Home, argv: tuple[str, ...]) -> None:
    orchctl(*ADD)
    orchctl("context", "add", "test", "--dialect", "sherpa", "--url", "https://t")
    before = home.config.read_bytes()
    assert orchctl(*argv, "-n").code == 0
    assert home.config.read_bytes() == before
    assert orchctl(*argv).code == 0
    assert home.config.read_bytes() != before


@pytest.mark.parametrize(
    ("argv", "code", "err"),
    [
        (ADD, 12, "there is a context 'prod' already\nhint: choose another name, or: orchctl context remove prod"),
        (("context", "use", "pord"), 12, "there is no context 'pord'\nhint: did you mean prod?"),
        (("context", "show", "pord"), 12, "there is no context 'pord'\nhint: did you mean prod?"),
        (("-c", "pord", "context", "show"), 12, "there is no context 'pord'\nhint: did you mean prod?"),
        (("context", "remove", "pord"), 12, "there is no context 'pord'\nhint: did you mean prod?"),
        (("context", "add", "x", "--dialect", "sherpaa", "--url", "https://h"), 2,
         "unknown dialect 'sherpaa'\nhint: did you mean sherpa?"),
        (("context", "add", "x", "--dialect", "sherpa", "--url", "h"), 2,
         "--url: expected a URL that begins with https://, http:// or sandbox:\nhint: https://h"),
        (("context", "add", "x", "--dialect", "sherpa", "--url", "https://me:pw@h"), 2,
         "--url: a URL must not hold a user or a password\nhint: orchctl auth login keeps the secret"),
        (("context", "add", ".x", "--dialect", "sherpa", "--url", "https://h"), 2,
         "'.x' cannot be the name of a context\n"
         "hint: letters, digits, _ . and -, not beginning with . or -, at most 64"),
    ],
)  # fmt: skip
def test_what_is_refused(orchctl: Orchctl, home: Home, argv: tuple[str, ...], code: int, err: str) -> None:
    orchctl(*ADD)
    before = home.config.read_bytes()
    result = orchctl(*argv)
    assert (result.code, result.out, result.err) == (code, "", f"orchctl: {err}\n")
    assert home.config.read_bytes() == before


@pytest.mark.parametrize(
    "argv", [ADD, ("context", "list"), ("context", "use", "prod"), ("context", "show"), ("auth", "status")]
)
def test_a_broken_file_stops_every_command_and_stays(
    orchctl: Orchctl, home: Home, argv: tuple[str, ...]
) -> None:
    home.config.parent.mkdir(parents=True)
    home.config.write_text("contexts:\n  prod: {dialect: sherpa, ulr: https://h}\n")
    result = orchctl(*argv)
    assert (result.code, result.out) == (12, "")
    assert result.err == (
        f"orchctl: {home.config}:2: unknown key 'ulr' in contexts.prod\nhint: did you mean url?\n"
    )
    assert home.config.read_text() == "contexts:\n  prod: {dialect: sherpa, ulr: https://h}\n"


def test_the_environment_alone_is_a_context(orchctl: Orchctl, home: Home) -> None:
    env = {"ORCHCTL_URL": "https://h/", "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_AUTH": "bearer"}
    assert orchctl("context", "current", env=env).out == "env\n"
    shown: Any = orchctl("context", "show", "-o", "json", env=env).json
    assert (shown["name"], shown["url"], shown["auth"]) == ("env", "https://h", "bearer")
    both = orchctl("context", "show", env={**env, "ORCHCTL_CONTEXT": "prod"})
    assert (both.code, both.err) == (
        2,
        "orchctl: ORCHCTL_URL and ORCHCTL_CONTEXT are both set, and each chooses a context\n"
        "hint: unset one of them, or choose with -c\n",
    )
    assert not home.config.exists()


def test_another_file_can_be_named(orchctl: Orchctl, home: Home) -> None:
    other = home.path / "other" / "config.yaml"
    assert orchctl("--config", str(other), *ADD).code == 0
    assert orchctl("context", "list", "-o", "name", env={"ORCHCTL_CONFIG": str(other)}).out == "prod\n"
    assert not home.config.exists()
