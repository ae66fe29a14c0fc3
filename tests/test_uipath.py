"""UiPath Orchestrator as its administrator types it, against the embedded one, in process and over HTTP."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Home
from tests.server import serving


@pytest.fixture(params=["in process", "over http"])
def place(request: pytest.FixtureRequest, home: Home) -> Iterator[Mapping[str, str]]:
    """An empty sandbox as the environment that points at it; over HTTP as a cloud's URL."""
    database = home.path / "sandbox.db"
    spoken = {"ORCHCTL_DIALECT": "uipath", "ORCHCTL_FOLDER": "Shared"}
    if request.param == "in process":
        yield {**spoken, "ORCHCTL_URL": f"sandbox:{database}"}
        return
    with serving(database) as (url, key):
        yield {**spoken, "ORCHCTL_URL": f"{url}/org/tenant/orchestrator_", "ORCHCTL_TOKEN": key}


@pytest.fixture
def cli(orchctl: Any, place: Mapping[str, str]) -> Any:
    def run(*argv: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        return orchctl(*argv, env={**place, **(env or {})}, **options)

    return run


def made(cli: Any, *words: str, **options: Any) -> Any:
    result = cli(*words, "-o", "json", **options)
    assert result.code == 0, result.err
    return result.json


@pytest.fixture
def invoices(cli: Any) -> Any:
    words = ["queue", "create", "--name", "Invoices", "--unique-tasks", "--max-retries", "1"]
    queue = made(cli, *words, "--description", "d")
    assert (queue["unique_tasks"], queue["max_retries"], queue["description"]) == (True, 1, "d")
    return cli


def package(folder: Path, name: str, version: str) -> str:
    path = folder / f"{name}.{version}.nupkg"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            f"{name}.nuspec",
            f"<package><metadata><id>{name}</id><version>{version}</version></metadata></package>",
        )
    return str(path)


def test_a_task_from_its_queue_to_its_end(invoices: Any) -> None:
    words = ["task", "create", "-q", "Invoices"]
    first = made(invoices, *words, "--reference", "INV-1", "-p", "currency=EUR", "-P", "amount=12.5")
    urgent = made(invoices, *words, "--name", "INV-2", "--priority", "high", "--deadline", "1d")
    later = made(invoices, *words, "--reference", "INV-3", "--postpone", "1h")
    assert (first["payload"], first["status"], later["status"]) == (
        {"currency": "EUR", "amount": 12.5},
        "new",
        "postponed",
    )
    assert (urgent["name"], urgent["reference"]) == ("INV-2", "INV-2")
    assert invoices(*words, "--reference", "INV-1").code == 5
    changed = made(
        invoices, "task", "update", first["id"], "-p", "vat=20", "--priority", "low", "--progress", "seen"
    )
    assert (changed["payload"]["vat"], changed["priority"], changed["progress"]) == ("20", "low", "seen")
    assert made(invoices, "task", "next", "-q", "Invoices", "--take")["id"] == urgent["id"]
    assert made(invoices, "task", "update", urgent["id"], "--progress", "half")["progress"] == "half"
    done = made(
        invoices, "task", "finish", urgent["id"], "--status", "success", "--result", '{"posted": true}'
    )
    assert (done["status"], done["output"]) == ("success", {"posted": True})
    taken = made(
        invoices,
        "task",
        "next",
        "-q",
        "Invoices",
        "--take",
        "--robot",
        "7ec89774-a0ab-456f-bc1b-34f87ffd0a55",
    )
    failed = made(invoices, "task", "finish", taken["id"], "--status", "failed", "--reason", "no connection")
    assert (failed["status"], failed["error"]) == ("retried", "no connection")
    again = made(invoices, "task", "next", "-q", "Invoices", "--take")
    assert (again["parent_id"], again["retries"], again["payload"]) == (first["id"], 1, changed["payload"])
    assert invoices("task", "next", "-q", "Invoices", "--take").out == ""
    assert invoices("task", "next", "-q", "Invoices", "--take", "--exit-status").code == 4
    erased = made(invoices, "task", "erase", urgent["id"], "--yes")
    assert (erased["payload"], erased["output"], erased["reference"]) == ({}, {"posted": True}, "INV-2")
    waited = invoices("task", "wait", first["id"], "--timeout", "0.1")
    assert (waited.code, f"{first['id']} is tried again as {again['id']}" in waited.err) == (8, True)
    stats = made(invoices, "queue", "stats", "Invoices")
    assert (stats["new"], stats["in_progress"], stats["success"], stats["total"]) == (1, 1, 1, 3)
    clone = made(invoices, "task", "clone", urgent["id"], "--name", "INV-4")
    assert (clone["reference"], clone["queue"]) == ("INV-4", "Invoices")
    assert invoices("task", "get", "999").code == 4
    assert invoices("task", "list", "-q", "Nope").code == 4


def test_more_tasks_than_a_page(invoices: Any, home: Home) -> None:
    rows = home.path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"reference": f"R-{number}"}) + "\n" for number in range(250)))
    loaded = invoices("task", "create", "-q", "Invoices", "--from", str(rows), "-o", "jsonl")
    assert loaded.code == 0, loaded.err
    listed = invoices("task", "list", "-q", "Invoices", "--fields", "reference", "-o", "tsv", "--no-headers")
    assert listed.out.split() == [f"R-{number}" for number in range(250)]
    assert len(invoices("task", "list", "-q", "Invoices", "--limit", "101", "-o", "name").out.split()) == 101


@pytest.fixture
def in_every_status(cli: Any) -> Any:
    made(cli, "queue", "create", "--name", "Q", "--max-retries", "1")
    for number, words in enumerate(
        (["--priority", "high"], ["--deadline", "2030-01-01T00:00:00Z"], [], [], []), 1
    ):
        made(cli, "task", "create", "-q", "Q", "--reference", f"INV-{number}", "-P", f"n={number}", *words)
    outcomes = (
        ["success", "--result", '{"posted": true}'],
        ["failed", "--reason", "no"],
        ["failed-business"],
    )
    for outcome in outcomes:
        ident = made(cli, "task", "next", "-q", "Q", "--take")["id"]
        made(cli, "task", "finish", ident, "--status", *outcome)
    made(cli, "task", "next", "-q", "Q", "--take")
    made(cli, "task", "create", "-q", "Q", "--reference", "INV-6", "--postpone", "2030-01-01T00:00:00Z")
    gone = made(cli, "task", "create", "-q", "Q", "--reference", "INV-7")["id"]
    assert cli("task", "delete", gone, "--yes").code == 0
    seen = {task["status"] for task in made(cli, "task", "list", "-q", "Q")}
    assert seen >= {"new", "postponed", "in-progress", "success", "retried", "failed-business", "deleted"}
    return cli


OWN = "note: these columns are the orchestrator's own and are not sent: "


def not_sent(result: Any) -> set[str]:
    (note,) = [line for line in result.err.splitlines() if line.startswith(OWN)]
    return set(note.removeprefix(OWN).split(", "))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "yaml"])
def test_an_export_makes_the_tasks_anew(in_every_status: Any, home: Home, suffix: str) -> None:
    cli, path = in_every_status, home.path / f"rt.{suffix}"
    fields = "reference,payload,priority,postponed_until,deadline"
    assert cli("task", "export", "-q", "Q", "--to", str(path)).code == 0
    made(cli, "queue", "create", "--name", "R")
    words = ["task", "create", "-q", "R", "--from", str(path), "--as-new", "--parallel", "1"]
    result = cli(*words, "-o", "json")
    assert (result.code, {row["state"] for row in result.json}) == (0, {"ok"})
    assert {"parent_id", "retries", "status"} <= not_sent(result)
    listed = made(cli, "task", "list", "-q", "R", "--fields", fields)
    assert listed == made(cli, "task", "list", "-q", "Q", "--fields", fields)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "yaml"])
def test_an_export_changes_the_tasks_that_it_names(in_every_status: Any, home: Home, suffix: str) -> None:
    cli, path = in_every_status, home.path / f"rt.{suffix}"
    assert cli("task", "export", "-q", "Q", "--to", str(path)).code == 0
    before = made(cli, "task", "list", "-q", "Q", "--fields", "id,name,payload,priority,status,retries")
    words = ["task", "create", "-q", "Q", "--from", str(path), "--yes"]
    # What has ended cannot be edited, and as it was written down it need not be.
    assert cli(*words).code == 0
    assert (
        made(cli, "task", "list", "-q", "Q", "--fields", "id,name,payload,priority,status,retries") == before
    )
    assert cli("task", "export", "-q", "Q", "--status", "new", "--to", str(path), "--clobber").code == 0
    path.write_text(path.read_text().replace("normal", "low"))
    result = cli(*words, "-o", "json")
    assert (result.code, {row["state"] for row in result.json}) == (0, {"ok"})
    after = made(cli, "task", "list", "-q", "Q", "--fields", "id,name,payload,priority,status,retries")
    assert {"retries", "status"} <= not_sent(result)
    assert (
        "note: tasks that are there already keep these, which are not sent: name, reference\n" in result.err
    )
    lowered = [{**task, "priority": "low"} if task["status"] == "new" else task for task in before]
    assert after == lowered != before


def test_a_field_that_only_the_orchestrator_sets_is_refused_on_the_command_line(invoices: Any) -> None:
    create = ["task", "create", "-q", "Invoices", "-p", "a=b"]
    assert invoices(*create, "--retries", "2").code == 14
    ident = made(invoices, *create)["id"]
    assert invoices("task", "update", ident, "--status", "success").code == 14
    assert invoices(*create, "--retries", "2", "--from", "-", input='{"name": "A"}\n').code in (2, 14)


COUNTED = (
    "note: UiPath Orchestrator counts a postponed task as new, and does not count those that are abandoned, "
    "retried or deleted: orchctl task list tells them apart\n"
)


@pytest.mark.parametrize(
    "words", [["stats", "Q"], ["stats"], ["stats", "Q", "--chart"], ["stats", "--chart"]]
)
def test_counts_say_what_they_do_not_tell_apart(in_every_status: Any, words: list[str]) -> None:
    result = in_every_status("queue", *words)
    assert (result.code, result.err) == (0, COUNTED)


def test_counts_that_are_waited_for_or_watched_are_as_before(in_every_status: Any) -> None:
    result = in_every_status("queue", "wait", "Q", "--for", "empty", "--timeout", "0.1", "-o", "json")
    assert result.code == 8
    assert (result.json["new"], result.json["postponed"]) == (3, 0)
    top = in_every_status("top", "--once", "-o", "json")
    assert (top.code, top.err, top.json["queues"][0]["new"]) == (0, "", 3)


def test_each_folder_has_its_own(cli: Any) -> None:
    path = "Общая/Отдел"
    made(cli, "folder", "create", "Общая")
    made(cli, "folder", "create", path)
    made(cli, "queue", "create", "--name", "Q", "--folder", path)
    made(cli, "queue", "create", "--name", "Q")
    made(cli, "queue", "create", "--name", "Only here")
    made(cli, "task", "create", "-q", "Q", "-p", "a=1", "--folder", path)
    assert made(cli, "task", "list", "-q", "Q") == []
    assert [task["payload"] for task in made(cli, "task", "list", "-q", "Q", "--folder", path)] == [
        {"a": "1"}
    ]
    assert [task["payload"] for task in made(cli, "task", "list", "-q", "Q", "--all-folders")] == [{"a": "1"}]
    names = [queue["name"] for queue in made(cli, "queue", "list", "--all-folders")]
    assert sorted(names) == ["Only here", "Q", "Q"]
    assert cli("task", "list", "-q", "Nowhere", "--all-folders").code == 4
    assert cli("queue", "list", env={"ORCHCTL_FOLDER": ""}).code == 2
    assert cli("queue", "list", "--folder", "Nope").code == 4


def test_a_job_ends_with_an_exit_code_that_can_be_trusted(cli: Any, orchctl: Any, home: Home) -> None:
    database = str(home.path / "sandbox.db")
    version = made(cli, "process", "version", "create", "Invoice", package(home.path, "Invoice", "1.0.0"))
    assert version["id"] == "Invoice:1.0.0"
    process = made(cli, "process", "create", "--name", "Invoice")
    assert (process["version"], process["version_id"]) == ("1.0.0", "Invoice:1.0.0")
    made(cli, "process", "version", "create", "Invoice", package(home.path, "Invoice", "1.1.0"))
    assert made(cli, "process", "update", "Invoice", "--min-version", "1.1.0")["version"] == "1.1.0"
    start = ["job", "create", "--process", "Invoice", "--input", '{"month": 3}', "--priority", "high"]
    job = made(cli, *start)
    assert (job["status"], job["input"], job["process_version"]) == ("pending", {"month": 3}, "1.1.0")
    assert cli("job", "wait", job["id"], "--timeout", "0.1").code == 8
    played = orchctl(
        "sandbox", "play", f"job:{job['id']}", "--result", '{"total": 1}', "--log", "well", "--db", database
    )
    assert played.code == 0, played.err
    ended = made(cli, "job", "wait", job["id"])
    assert (ended["status"], ended["output"]) == ("success", {"total": 1})
    assert made(cli, "job", "get", str(job["native"]["Id"]))["id"] == job["id"]
    other = made(cli, *start)
    played = orchctl("sandbox", "play", f"job:{other['id']}", "--fail", "--log", "boom", "--db", database)
    assert played.code == 0, played.err
    assert cli("job", "wait", other["id"]).code == 9
    third = made(cli, *start)
    assert made(cli, "job", "stop", third["id"])["status"] == "stopped"
    assert cli("job", "wait", third["id"]).code == 9
    assert made(cli, "job", "restart", third["id"])["input"] == {"month": 3}
    assert [row["status"] for row in made(cli, "job", "list", "--status", "failed")] == ["failed"]
    assert [row["message"] for row in made(cli, "job", "logs", job["id"])] == ["well"]


def test_assets_keep_what_nobody_changed(cli: Any) -> None:
    made(cli, "robot", "create", "--name", "R1")
    made(cli, "asset", "create", "Greeting", "--type", "text", "--value", "hello", "--for", "robot:R1")
    changed = made(cli, "asset", "set", "Greeting", "--value", "for all")
    values = [(value["UserName"], value["StringValue"]) for value in changed["native"]["UserValues"]]
    assert (changed["value"], values) == ("for all", [("R1", "hello")])
    made(cli, "asset", "create", "Pairs", "--type", "key-value-list", "--value", '{"a": "b"}')
    assert made(cli, "asset", "get", "Pairs")["value"] == {"a": "b"}
    words = ["--type", "credential", "--username", "robot", "--value-stdin"]
    made(cli, "asset", "create", "Bank", *words, input="S3cr3t!\n")
    made(cli, "asset", "create", "Key", "--type", "secret", "--value-stdin", input="T0ps3cret\n")
    assert made(cli, "asset", "set", "Bank", "--description", "d")["username"] == "robot"
    listed = cli("asset", "list", "-o", "json")
    assert [(row["name"], row["username"]) for row in listed.json if row["type"] == "credential"] == [
        ("Bank", "robot")
    ]
    shown = cli("asset", "get", "Bank", "--reveal", "-o", "json")
    assert (shown.code, shown.json["value"]) == (0, None)
    assert "keeps the secret" in shown.err
    assert "S3cr3t!" not in listed.out + shown.out


def test_a_list_names_the_users_of_all_credentials(cli: Any) -> None:
    for kind in ("credential", "windows-credential"):
        words = ["asset", "create", kind, "--type", kind, "--username", f"{kind}-user", "--value-stdin"]
        made(cli, *words, input="S3cr3t!\n")
        listed = {row["name"]: row["username"] for row in made(cli, "asset", "list")}
        assert listed[kind] == f"{kind}-user"


def test_a_dry_run_sends_no_write(invoices: Any) -> None:
    for words, path in (
        (["task", "create", "-q", "Invoices", "-p", "a=1"], "/odata/Queues/UiPathODataSvc.AddQueueItem"),
        (["queue", "delete", "Invoices", "--yes"], "/odata/QueueDefinitions(1)"),
        (["folder", "create", "F"], "/odata/Folders"),
    ):
        plan = made(invoices, *words, "-n")
        assert plan["url"].endswith(path)
    assert made(invoices, "task", "list", "-q", "Invoices") == []
    assert [folder["path"] for folder in made(invoices, "folder", "list")] == ["Shared"]


def test_takers_at_once_take_no_task_twice(invoices: Any) -> None:
    for number in range(8):
        made(invoices, "task", "create", "-q", "Invoices", "--reference", f"T{number}")
    with ThreadPoolExecutor(12) as pool:
        words = ("task", "next", "-q", "Invoices", "--take", "-o", "name")
        taken = list(pool.map(lambda _: invoices(*words), range(12)))
    found = [result.out.strip() for result in taken if result.out]
    assert [result.code for result in taken] == [0] * 12
    assert len(found) == len(set(found)) == 8


def test_an_application_logs_in_with_its_secret(orchctl: Any, home: Home) -> None:
    database = home.path / "sandbox.db"
    with serving(database) as (url, key):
        client = made(orchctl, "sandbox", "key", "--new-client", "ci", "--db", str(database))
        env = {
            "ORCHCTL_URL": f"{url}/org/tenant/orchestrator_",
            "ORCHCTL_DIALECT": "uipath",
            "ORCHCTL_CLIENT_ID": client["client_id"],
            "ORCHCTL_CLIENT_SECRET": client["client_secret"],
            "ORCHCTL_SCOPE": "OR.Folders OR.Queues",
        }
        assert orchctl("folder", "list", "-o", "json", env=env).json[0]["path"] == "Shared"
        assert orchctl("folder", "list", env={**env, "ORCHCTL_CLIENT_SECRET": "no"}).code == 3
        assert orchctl("folder", "list", env={**env, "ORCHCTL_SCOPE": "No"}).code == 3
        on_premises = {
            "ORCHCTL_URL": url,
            "ORCHCTL_DIALECT": "uipath",
            "ORCHCTL_USERNAME": "admin",
            "ORCHCTL_PASSWORD": key,
        }
        assert orchctl("folder", "list", "-o", "json", env=on_premises).json[0]["path"] == "Shared"
        assert orchctl("folder", "list", env={**on_premises, "ORCHCTL_PASSWORD": "no such"}).code == 3
