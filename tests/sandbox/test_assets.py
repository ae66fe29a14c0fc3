"""Assets and accounts: for whom they are, and that what is secret lies nowhere in clear."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchctl.sandbox import admin
from orchctl.sandbox.app import App, open_app
from orchctl.sandbox.engine import Engine
from orchctl.sandbox.wire.sherpa import Sherpa
from tests.sandbox.conftest import Clock, Orchestrator

SECRET = "correct horse battery staple"


def asset(orchestrator: Orchestrator, name: str = "Bank", **fields: Any) -> str:
    answer = orchestrator.send("POST", "/api/asset/create", json={"Name": name, **fields})
    assert answer.status == 200, answer.body
    return str(answer.data["guid"])


def test_each_type_reads_back_as_it_was_set(orchestrator: Orchestrator) -> None:
    days = '["2026-01-01", "2026-05-09"]'
    expires = "2033-06-29 14:51:30"
    asset(orchestrator, "C", Type=1, Text="login", Password=SECRET, PasswordExpiration=expires)
    asset(orchestrator, "T", Type=2, Text="12", Description="d")
    asset(orchestrator, "D", Type=3, Text=days)
    read = [orchestrator.get("asset", name) for name in ("C", "T", "D")]
    shown = [(one["type"], one["text"], one["password"], one["password_expiration"]) for one in read]
    assert shown == [("1", "login", SECRET, expires), ("2", "12", None, None), ("3", days, None, None)]
    assert [one["guid"] for one in orchestrator.ok("GET", "/api/asset/read")] == [one["guid"] for one in read]


def test_seed_000_updates_what_it_names_and_nothing_else(orchestrator: Orchestrator) -> None:
    guid = asset(orchestrator, Type=1, Text="login", Password=SECRET, Description="kept")
    orchestrator.ok("PUT", "/api/asset/update", form={"guid": guid, "name": "new name"})
    read = orchestrator.get("asset", "new name")
    assert (read["text"], read["password"], read["description"]) == ("login", SECRET, "kept")
    orchestrator.ok("PUT", "/api/asset/update", form={"guid": "new name", "text": "u", "password": "p"})
    read = orchestrator.get("asset", guid)
    assert (read["text"], read["password"]) == ("u", "p")


def test_a_secret_lies_nowhere_in_clear(orchestrator: Orchestrator, database: Path) -> None:
    guid = asset(orchestrator, Type=1, Text="login", Password=SECRET)
    orchestrator.ok("POST", "/api/account/create", json={"Login": "a", "Password": SECRET})
    orchestrator.ok("PUT", "/api/asset/update", json={"Guid": guid, "Password": SECRET + "2"})
    assert orchestrator.get("asset", guid)["password"] == SECRET + "2"
    assert orchestrator.get("account", "a")["password"] == SECRET
    for path in database.parent.iterdir():
        data = path.read_bytes()
        for form in (SECRET, b64encode(SECRET.encode()).decode().rstrip("=")):
            assert form.encode() not in data, path
    if sys.platform != "win32":
        key = database.with_name("sandbox.db.vault")
        assert key.stat().st_mode & 0o777 == 0o600


def test_the_same_password_is_never_sealed_the_same(orchestrator: Orchestrator) -> None:
    for name in ("A", "B"):
        asset(orchestrator, name, Type=1, Password=SECRET)
    with orchestrator.app.engine.store.reading() as connection:
        sealed = [row[0] for row in connection.execute("SELECT secret FROM asset")]
    assert len(set(sealed)) == 2


def test_no_key_is_made_before_there_is_a_secret(orchestrator: Orchestrator, database: Path) -> None:
    asset(orchestrator, Text="open to all")
    orchestrator.get("asset", "Bank")
    assert not database.with_name("sandbox.db.vault").exists()


def test_without_the_key_it_is_said_and_everything_else_goes_on(database: Path) -> None:
    app = open_app(str(database), in_process=True)
    asset(Orchestrator(app), Type=1, Password=SECRET)
    asset(Orchestrator(app), "Open", Text="t")
    app.close()
    database.with_name("sandbox.db.vault").unlink()
    app = open_app(str(database), in_process=True)
    client = Orchestrator(app)
    answer = client.send("GET", "/api/asset/read/Bank")
    assert answer.status == 503
    assert answer.data["error"].startswith("a secret in the sandbox cannot be read: ")
    assert client.get("asset", "Open")["text"] == "t"
    client.ok("PUT", "/api/asset/update", json={"Guid": "Bank", "Password": "new"})
    assert client.get("asset", "Bank")["password"] == "new"
    app.close()


def test_a_secret_moved_to_another_asset_does_not_open(orchestrator: Orchestrator) -> None:
    asset(orchestrator, "A", Type=1, Password=SECRET)
    asset(orchestrator, "B", Type=1, Password="other")
    swap = "UPDATE asset SET secret = (SELECT secret FROM asset WHERE name = 'A')"
    orchestrator.app.engine.store.write(lambda connection: connection.execute(swap))
    assert orchestrator.send("GET", "/api/asset/read/B").status == 503


def test_what_is_deleted_takes_its_secret_along(orchestrator: Orchestrator) -> None:
    guid = asset(orchestrator, Type=1, Password=SECRET)
    assert orchestrator.ok("DELETE", f"/api/asset/delete/{guid}") == []
    assert orchestrator.send("GET", f"/api/asset/read/{guid}").status == 404
    with orchestrator.app.engine.store.reading() as connection:
        assert connection.execute("SELECT secret FROM asset").fetchone() == (None,)


@pytest.fixture
def served(database: Path, clock: Clock) -> Iterator[App]:
    store, key = admin.open_store(database)
    engine = Engine(store, clock=clock)
    app = App(engine, [Sherpa(engine, key=key, open_access=False, strict=False)])
    yield app
    app.close()


def basic(guid: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(guid.encode()).decode()}


def test_each_robot_sees_what_is_meant_for_it(served: App, database: Path) -> None:
    account = Orchestrator(served, basic(admin.key(database)))
    first, second, third = (account.robot(name) for name in ("R1", "R2", "R3"))
    account.group(first, second)
    for text, scope in (
        ("all", {"RobotType": 3}),
        ("group", {"RobotType": 2, "RobotGroupId": "G1"}),
        ("robot", {"RobotType": 1, "RobotId": first}),
    ):
        asset(account, "Same", Text=text, **scope)
        asset(account, text, Text=text, **scope)
    seen = {}
    for robot in (first, second, third):
        client = Orchestrator(served, basic(robot))
        listed = [one["text"] for one in client.ok("GET", "/api/asset/read")]
        by_name = client.get("asset", "Same")["text"]
        statuses = [
            client.send("GET", f"/api/asset/read/{name}").status for name in ("all", "group", "robot")
        ]
        seen[robot] = (listed, by_name, statuses)
    assert list(seen.values()) == [
        (["all", "all", "group", "group", "robot", "robot"], "robot", [200, 200, 200]),
        (["all", "all", "group", "group"], "group", [200, 200, 404]),
        (["all", "all"], "all", [200, 404, 404]),
    ]
    hidden = account.get("asset", "robot")["guid"]
    client = Orchestrator(served, basic(third))
    assert client.send("GET", f"/api/asset/read/{hidden}").status == 404
    assert client.send("GET", f"/api/asset/read/{account.get('asset', 'robot')['id']}").status == 404
    assert client.send("PUT", "/api/asset/update", form={"guid": hidden, "text": "x"}).status == 404
    assert len(account.ok("GET", "/api/asset/read")) == 6
    answer = account.send("GET", "/api/asset/read/Same")
    assert answer.status == 409
    assert answer.data["error"].startswith("several have the name 'Same'; give the GUID of one asset: ")


def test_a_scope_is_changed_and_shown(orchestrator: Orchestrator) -> None:
    robot = orchestrator.robot()
    group = orchestrator.group(robot)
    guid = asset(orchestrator, Text="t")
    read = orchestrator.get("asset", guid)
    assert (read["robot_type"], read["robot_id"], read["robot_group_id"]) == ("3", None, None)
    orchestrator.ok("PUT", "/api/asset/update", json={"Guid": guid, "RobotType": 1, "RobotId": "R1"})
    read = orchestrator.get("asset", guid)
    assert (read["robot_type"], read["robot_id"], read["robot_guid"]) == ("1", "1", robot)
    orchestrator.ok("PUT", "/api/asset/update", json={"Guid": guid, "RobotGroupId": group})
    read = orchestrator.get("asset", guid)
    assert (read["robot_type"], read["robot_id"], read["robot_group_guid"]) == ("2", None, group)
    orchestrator.ok("PUT", "/api/asset/update", json={"Guid": guid, "RobotType": "3"})
    assert orchestrator.get("asset", guid)["robot_type"] == "3"


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "Name is required"),
        ({"Name": "N", "Type": 4}, 400, "there is no asset type 4: 1 credentials, 2 text, 3 calendar"),
        ({"Name": "N", "Type": 2, "Password": "p"}, 400, "only credentials (Type 1) have a Password"),
        ({"Name": "N", "Type": 3, "Text": "today"}, 400, "Text must be a JSON array of days for this asset"),
        (
            {"Name": "N", "Type": 3, "Text": '{"a": 1}'},
            400,
            "Text must be a JSON array of days for this asset",
        ),
        ({"Name": "N", "Text": "x" * 10_001}, 400, "an asset's text has at most 10000 characters"),
        ({"Name": "N", "RobotType": 1}, 400, "RobotId is required"),
        ({"Name": "N", "RobotType": 4}, 400, "there is no RobotType 4: 1 one robot, 2 a robot group, 3 all"),
        ({"Name": "N", "RobotType": 1, "RobotId": "nope"}, 404, "there is no robot 'nope'"),
        ({"Name": "N", "Type": 1, "PasswordExpiration": "x"}, 400, "PasswordExpiration is no time"),
    ],
)
def test_what_is_no_asset(
    orchestrator: Orchestrator, fields: dict[str, Any], status: int, error: str
) -> None:
    answer = orchestrator.send("POST", "/api/asset/create", json=fields)
    assert answer.status == status, answer.body
    assert answer.data["error"].startswith(error)


def test_several_processes_agree_on_one_key(database: Path) -> None:
    apps = [open_app(str(database), in_process=True) for _ in range(3)]
    for number, app in enumerate(apps):
        asset(Orchestrator(app), f"A{number}", Type=1, Password=f"p{number}")
    for app in apps:
        read = [Orchestrator(app).get("asset", f"A{number}")["password"] for number in range(3)]
        assert read == ["p0", "p1", "p2"]
    for app in apps:
        app.close()
    assert os.path.exists(database)


def test_an_account_is_a_record(orchestrator: Orchestrator) -> None:
    fields = {"Login": "anna", "Password": SECRET, "FirstName": "Anna", "LastName": "Ivanova", "Email": "a@b"}
    guid = orchestrator.ok("POST", "/api/account/create", json=fields)["guid"]
    read = orchestrator.get("account", guid)
    assert (read["login"], read["first name"], read["last name"], read["email"]) == (
        "anna",
        "Anna",
        "Ivanova",
        "a@b",
    )
    orchestrator.ok("PUT", "/api/account/update", json={"Guid": guid, "LastName": None, "Company": "C"})
    read = orchestrator.get("account", "anna")
    assert (read["last name"], read["company"], read["password"]) == (None, "C", SECRET)
    assert orchestrator.ok("DELETE", f"/api/account/delete/{guid}") == []
    assert orchestrator.ok("GET", "/api/account/read") == []
    assert orchestrator.send("POST", "/api/account/create", json={"Login": "x"}).status == 400
