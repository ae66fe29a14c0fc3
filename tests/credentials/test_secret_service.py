"""A login on a real Secret Service: gnome-keyring on a session bus of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.credentials.real_keyring import SecretService

pytestmark = pytest.mark.secret_service

TOKEN = "0b7b1c8e-5a53-4d6b-9d2c-1f6a8a1f0e11"
BACKEND = "keyring.backends.SecretService.Keyring"
LOCK = """
import secretstorage
from contextlib import closing
with closing(secretstorage.dbus_init()) as bus:
    secretstorage.get_default_collection(bus).lock()
"""
ITEMS = """
import json, secretstorage
from contextlib import closing
with closing(secretstorage.dbus_init()) as bus:
    items = secretstorage.get_default_collection(bus).get_all_items()
    print(json.dumps([[item.get_attributes()["username"], item.get_secret().decode()] for item in items]))
"""
DISCOVERED = """
import os, sys
from orchctl.config import Context
from orchctl.credentials import find
secret = find(Context(name="prod", dialect="sherpa", url="https://h"), os.environ)
print(secret and secret.source, "keyring.backends.kwallet" in sys.modules)
"""


@pytest.fixture
def service(secret_service: SecretService) -> SecretService:
    assert (
        secret_service.orchctl("context", "add", "prod", "--dialect", "sherpa", "--url", "https://h")[0] == 0
    )
    return secret_service


def test_login_status_token_logout(service: SecretService) -> None:
    code, out, _ = service.orchctl("auth", "login", "--token-stdin", "-o", "json", input=f"{TOKEN}\n")
    assert code == 0
    assert json.loads(out) == {
        "context": "prod",
        "dialect": "sherpa",
        "origin": "https://h",
        "kind": "token",
        "present": True,
        "source": "keyring",
        "where": BACKEND,
        "problem": None,
    }
    assert json.loads(service.python(ITEMS)) == [["prod sherpa https://h token", TOKEN]]
    assert service.orchctl("auth", "token") == (0, f"{TOKEN}\n", "")
    code, out, err = service.orchctl("auth", "logout", "-o", "json")
    assert (code, json.loads(out)["present"], err) == (0, False, "")
    assert json.loads(service.python(ITEMS)) == []
    assert service.orchctl("auth", "token") == (
        3,
        "",
        "orchctl: there is no credential for the context 'prod' at https://h\n"
        "hint: orchctl auth login -c prod, or set ORCHCTL_TOKEN\n",
    )


def test_a_changed_url_does_not_get_the_old_credential(service: SecretService) -> None:
    service.orchctl("auth", "login", "--token-stdin", input=TOKEN)
    config = Path(service.env["HOME"], ".config", "orchctl", "config.yaml")
    for url, code in (
        ("https://evil", 3),
        ("http://127.0.0.1", 3),
        ("https://h:8443", 3),
        ("https://h/sub", 0),
    ):
        config.write_text(f"current-context: prod\ncontexts: {{prod: {{dialect: sherpa, url: '{url}'}}}}\n")
        assert service.orchctl("auth", "token")[0] == code, url


def test_a_renamed_context_keeps_its_credential_and_a_removed_one_takes_it_along(
    service: SecretService,
) -> None:
    service.orchctl("auth", "login", "--token-stdin", input=TOKEN)
    assert service.orchctl("context", "rename", "prod", "live", "-o", "name") == (0, "live\n", "")
    assert json.loads(service.python(ITEMS)) == [["live sherpa https://h token", TOKEN]]
    assert service.orchctl("auth", "token")[1] == f"{TOKEN}\n"
    code, _, err = service.orchctl("context", "remove", "live")
    assert (code, err) == (0, "note: there is no current context now: orchctl context use NAME\n")
    assert json.loads(service.python(ITEMS)) == []


def test_a_locked_keyring(service: SecretService) -> None:
    service.orchctl("auth", "login", "--token-stdin", input=TOKEN)
    service.python(LOCK)
    code, out, err = service.orchctl("auth", "token")
    assert (code, out) == (3, "")
    assert err.startswith("orchctl: the credential of the context 'prod' cannot be read: the keyring ")
    assert err.endswith(
        "hint: give it in ORCHCTL_TOKEN or by token-command, or log in with --insecure-storage\n"
    )
    code, out, err = service.orchctl("auth", "login", "--token-stdin", input="another")
    assert (code, out) == (12, "")
    assert err.startswith("orchctl: the login could not be stored: the keyring ")
    code, _, err = service.orchctl("auth", "logout")
    assert code == 12
    assert err.startswith("orchctl: the credential may still be stored: the keyring ")


def test_the_back_end_is_discovered_once(service: SecretService) -> None:
    service.orchctl("auth", "login", "--token-stdin", input=TOKEN)
    assert service.python(DISCOVERED) == "keyring False\n"
    remembered = f"{service.env['HOME']}/.local/state/orchctl/keyring-backend"
    with open(remembered, "r+", encoding="utf-8") as file:
        assert file.read() == f"{BACKEND}\n"
        file.seek(0)
        file.write("keyring.backends.of_another_desktop.Keyring\n")
    assert service.python(DISCOVERED) == "keyring True\n"
    assert service.python(DISCOVERED) == "keyring False\n"


def test_insecure_storage_moves_the_credential_and_a_later_login_moves_it_back(
    service: SecretService,
) -> None:
    service.orchctl("auth", "login", "--token-stdin", input="first-token")
    _, out, _ = service.orchctl(
        "auth", "login", "--token-stdin", "--insecure-storage", "-o", "json", input="second-token"
    )
    assert json.loads(out)["source"] == "file"
    assert json.loads(service.python(ITEMS)) == []
    assert service.orchctl("auth", "token")[1] == "second-token\n"
    service.orchctl("auth", "login", "--token-stdin", input="third-token")
    assert service.orchctl("auth", "token")[1] == "third-token\n"
    with open(json.loads(out)["where"], encoding="utf-8") as file:
        assert json.load(file) == {"version": 1, "credentials": {}}
