"""ELMA RPA as an administrator uses it: the whole story, in process and over HTTP alike."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from orchctl.client import following, waiting
from orchctl.dialects.base import Feature
from orchctl.dialects.elma import Elma
from tests.conftest import Home
from tests.faults import FaultServer, reply
from tests.sandbox.test_elma_wire import Elsewhere
from tests.server import serving

SYSTEM = "5d5ec66f-357d-4c2d-bbc1-2012278d2361"
OTHER = "5d5ec66f-357d-4c2d-bbc1-2012278d2362"
VARIABLES = (
    *("--var", "customer:string", "--var", "amount:double", "--var", "lines:int[]", "--var", "due:datetime"),
    *("--var", "urgent:bool", "--var", "scan:file", "--var", "report:file:out", "--var", "Total:double:out"),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the long pauses of polling here."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(following, "DRAIN_SECONDS", 0.05)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """One served sandbox for all, its database and URL; each test empties it."""
    database = tmp_path_factory.mktemp("served") / "sandbox.db"
    with serving(database) as (url, _):
        yield database, url


@pytest.fixture
def database(home: Home) -> Path:
    return home.path / "sandbox.db"


@dataclass(frozen=True)
class Place:
    database: Path
    env: Mapping[str, str]


@pytest.fixture(params=["in process", "over http"])
def place(request: pytest.FixtureRequest, database: Path, orchctl: Any) -> Place:
    """An orchestrator that has let this machine in, and the environment that points at it."""
    if request.param == "in process":
        return Place(database, {"ORCHCTL_URL": f"sandbox:{database}", "ORCHCTL_DIALECT": "elma"})
    database, url = request.getfixturevalue("served")
    assert orchctl("sandbox", "reset", "--yes", "--db", str(database)).code == 0
    env = {"ORCHCTL_URL": url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}
    assert orchctl("auth", "login", "--timeout", "0", env=env).code == 8
    assert orchctl("sandbox", "allow", SYSTEM, "--db", str(database)).code == 0
    return Place(database, env)


class Cli:
    """``orchctl`` on that orchestrator, and the sandbox's own commands on its database."""

    def __init__(self, orchctl: Any, database: Path, env: Mapping[str, str]) -> None:
        self.orchctl = orchctl
        self.database = database
        self.env = env

    def __call__(self, *argv: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        return self.orchctl(*argv, env={**self.env, **(env or {})}, **options)

    def sandbox(self, *argv: str) -> Any:
        result = self.orchctl("sandbox", *argv, "--db", str(self.database))
        assert result.code == 0, result.err
        return result

    def create(self, *argv: str) -> str:
        result = self("task", "create", "-q", "Invoices", *argv, "-o", "name")
        assert result.code == 0, result.err
        return str(result.out.strip())

    def until(self, ident: str, status: str) -> None:
        for _ in range(200):
            found = self("task", "get", ident, "--query", "status", "-o", "json")
            if found.code == 0 and found.json == status:
                return
            time.sleep(0.02)
        raise AssertionError(f"{ident} never was {status}: {found.err}")


@pytest.fixture
def cli(orchctl: Any, place: Place) -> Cli:
    cli = Cli(orchctl, place.database, place.env)
    token = cli.sandbox("publish", "Invoices", *VARIABLES).out.strip()
    assert len(token) == 36
    return cli


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


def test_the_whole_story(cli: Cli, elsewhere: Elsewhere, tmp_path: Path) -> None:
    elsewhere.files = {"/scan.pdf": b"%PDF"}
    url = f"{elsewhere.url}/scan.pdf"
    created = cli("task", "create", "-q", "Invoices", "-p", f"scan={url}", "-p", "amount=12.50", "-o", "json")
    assert created.code == 0, created.err
    task = created.json
    assert (task["status"], task["queue"], task["payload"]) == (
        "preparing",
        "Invoices",
        {"scan": url, "amount": 12.5},
    )
    cli.until(task["id"], "new")

    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(cli, "task", "wait", task["id"], "--timeout", "20", "-o", "json")
        (tmp_path / "Report 1.txt").write_text("what came out")
        cli.sandbox(
            "play", task["id"], "--result", '{"Total": 12.5}', "--file", str(tmp_path / "Report 1.txt")
        )
        assert waited.result().code == 0
    done = waited.result().json
    assert (done["status"], done["output"]) == ("success", {"total": 12.5, "report": "Report 1.txt"})

    saved = cli("task", "download", task["id"], "REPORT", "--to", str(tmp_path / "got.txt"), "-o", "json")
    assert saved.json == {
        "id": task["id"],
        "file": "Report 1.txt",
        "path": str(tmp_path / "got.txt"),
        "size": 13,
    }
    assert (tmp_path / "got.txt").read_text() == "what came out"

    other = cli.create("-p", "customer=A")
    assert cli("task", "cancel", other, "-o", "json").json["status"] == "cancelled"
    assert cli("task", "cancel", other).code == 5
    assert cli("task", "wait", other).code == 9

    lost = cli.create("-p", "customer=Lost", "--name", "INV-7", "--reference", "R-7")
    found = cli("task", "list", "--query", "[?payload.customer=='Lost'].[id, name, reference]", "-o", "json")
    assert found.json == [[lost, "INV-7", "R-7"]]
    assert cli("task", "get", "INV-7", "-o", "name").out.strip() == lost

    cli.sandbox("play", lost, "--running", "--log", "one")
    with ThreadPoolExecutor(1) as pool:
        followed = pool.submit(cli, "log", "tail", "--job", lost, "-f", "--fields", "message")
        time.sleep(0.2)
        cli.sandbox("play", lost, "--running", "--log", "two")
        time.sleep(0.2)
        cli.sandbox("play", lost, "--fail", "--log", "no such customer")
        lines = followed.result().out.splitlines()
    assert [line for line in lines if line in ("one", "two", "no such customer")] == [
        "one",
        "two",
        "no such customer",
    ]
    failed = cli("task", "wait", lost)
    assert failed.code == 9
    assert f"\norchctl: {lost} is failed: no such customer\nhint: " in failed.err


def test_waiting_for_a_new_task_and_being_called(cli: Cli) -> None:
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(
            cli, *"task create -q Invoices -p customer=A --wait --listen 127.0.0.1:0 --timeout 20".split()
        )
        cli.until("1", "new")
        cli.sandbox("play", "1")
        assert waited.result().code == 0, waited.result().err
    assert "1 is created; waiting for its end" in waited.result().err


def test_the_bell_wakes_before_the_next_poll(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    if "ORCHCTL_TOKEN" not in cli.env:
        return  # in process nobody else runs who could call
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 60.0)
    monkeypatch.setattr(waiting, "LONGEST_PAUSE", 60.0)
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(
            cli, *"task create -q Invoices --wait --listen 127.0.0.1:0 --timeout 120 -o json".split()
        )
        cli.until("1", "new")
        time.sleep(0.2)
        cli.sandbox("play", "1", "--result", '{"Total": 1}')
        assert waited.result(timeout=20).json["output"] == {"total": 1}


def test_a_wait_that_is_too_short(cli: Cli) -> None:
    result = cli(*"task create -q Invoices --wait --timeout 0.2 -o json".split())
    assert (result.code, result.json["status"], result.error["exit_code"]) == (8, "new", 8)
    assert "orchctl task wait 1" in result.error["hint"]
    assert cli("task", "wait", "1", "--for", "new").code == 0
    assert cli("task", "wait", "99").code == 4
    assert cli("task", "wait", "1", "--timeout", "0").code == 8
    assert cli("task", "create", "-q", "Invoices", "--timeout", "1").code == 2


LISTED = "its inputs: customer:string, amount:double, lines:int[], due:datetime, urgent:bool, scan:file"


WRONG: list[tuple[list[str], str]] = [
    (["-p", "amount=much"], "'amount' must be a number, and this is \"much\""),
    (["-P", 'amount="12"'], "'amount' must be a number, and this is \"12\""),
    (["-p", "urgent=perhaps"], "'urgent' must be true or false, and this is \"perhaps\""),
    (["-P", "lines=5"], "'lines' must be an array, each of them a whole number, and this is 5"),
    (
        ["-p", "lines=[1,2.5]"],
        "'lines' must be an array, each of them a whole number, and this is \"[1,2.5]\"",
    ),
    (["-p", "due=soon"], "'due' must be a time such as 2026-01-31T18:00:00Z, and this is \"soon\""),
    (
        ["-p", "scan=/tmp/x"],
        "'scan' must be the http or https URL of a file, which the server fetches, and this is \"/tmp/x\"",
    ),
    (["-p", "nobody=1"], "the process 'Invoices' has no input variable 'nobody'"),
    (["-p", "report=x"], "'report' is an output of the process 'Invoices', not an input"),
    (["--data", "[1]"], "the payload of an ELMA task is an object of the process's variables"),
]


def test_a_wrong_name_or_type_is_told_before_anything_is_sent(cli: Cli) -> None:
    for argv, said in WRONG:
        result = cli("task", "create", "-q", "Invoices", *argv)
        assert (result.code, result.out) == (2, ""), argv
        assert result.err.splitlines()[0] == f"orchctl: {said}"
        if "--data" not in argv:
            assert LISTED in result.err.splitlines()[1]
    assert cli("task", "list", "-o", "name").out == ""


def test_a_name_in_another_case_is_suggested(cli: Cli) -> None:
    result = cli("task", "create", "-q", "Invoices", "-p", "Customer=x")
    assert result.code == 2
    assert result.err.splitlines()[1].startswith("hint: did you mean customer? its inputs: ")


def test_text_becomes_what_is_declared(cli: Cli) -> None:
    words = ["-p", "customer=007", "-p", "amount=1e3", "-p", "lines=[1, 2]", "-p", "urgent=YES"]
    words += ["-p", "due=2026-01-31T18:00:00+03:00"]
    task = cli("task", "create", "-q", "Invoices", *words, "-o", "json").json
    assert task["payload"] == {
        "customer": "007",
        "amount": 1000.0,
        "lines": [1, 2],
        "urgent": True,
        "due": "2026-01-31T15:00:00Z",
    }
    typed = cli(
        "task", "create", "-q", "Invoices", "--data", '{"amount": 2, "lines": []}', "-P", "urgent=null"
    )
    assert typed.code == 0, typed.err
    one = cli("task", "create", "-q", "Invoices", "-p", "lines=7", "--query", "payload.lines", "-o", "json")
    assert one.json == [7]


def test_processes_and_versions(cli: Cli) -> None:
    cli.sandbox("publish", "Invoices", "--var", "only:int")
    process = cli("process", "get", "Invoices", "-o", "json").json
    assert (process["version"], [item["name"] for item in process["variables"]]) == ("2", ["only"])
    assert cli("process", "list", "-o", "name").out.strip() == process["id"]
    old = cli("process", "get", "Invoices@1", "-o", "json").json
    assert old["variables"][0]["name"] == "customer"
    versions = cli("process", "version", "list", "Invoices", "-o", "json").json
    assert [version["name"] for version in versions] == ["2", "1"]
    assert cli("process", "version", "get", versions[1]["id"], "-o", "json").json["name"] == "1"
    assert cli("process", "get", "Invoice").code == 4
    assert cli("process", "get", "Invoices@9").code == 4
    first = cli("task", "create", "-q", "Invoices", "--process-version", "1", "-p", "customer=x")
    assert first.code == 0, first.err
    assert cli("task", "create", "-q", "Invoices", "-p", "customer=x").code == 2
    queues = cli("queue", "list", "--query", "[].name", "-o", "json").json
    assert queues == ["Invoices"]


def test_the_task_as_a_run(cli: Cli) -> None:
    ident = cli.create("-p", "customer=A")
    job = cli("job", "get", ident, "-o", "json").json
    assert (job["status"], job["process"], job["task_id"], job["robot"]) == (
        "pending",
        "Invoices",
        ident,
        None,
    )
    cli.sandbox("play", ident, "--result", '{"Total": 1}', "--log", "hello")
    job = cli("job", "get", ident, "-o", "json").json
    assert (job["status"], job["input"], job["output"]) == ("success", {"customer": "A"}, {"total": 1})
    assert job["robot"] and job["started_at"] and job["ended_at"]
    assert cli("job", "list", "--status", "success", "-o", "name").out.strip() == ident
    assert cli("job", "list", "--status", "pending").out == ""
    assert cli("job", "wait", ident).code == 0
    messages = cli("job", "logs", ident, "--fields", "level,message").out.splitlines()
    assert "info\thello" in messages
    assert cli("log", "list", "--job", ident, "--grep", "hel+o", "--fields", "message").out == "hello\n"
    assert (
        cli("log", "tail", "--job", ident, "-n", "1", "--fields", "message").out
        == "Process 'Invoices' completed!\n"
    )


def test_retry_and_clone_come_from_the_ledger(cli: Cli) -> None:
    ident = cli.create("-p", "customer=A", "--priority", "high", "--name", "INV-1")
    refused = cli("task", "retry", ident)
    assert refused.code == 5
    assert "is new, and would run twice" in refused.err
    cli.sandbox("play", ident, "--fail")
    again = cli("task", "retry", ident, "-o", "json").json
    assert again["id"] != ident
    assert (again["parent_id"], again["payload"], again["priority"]) == (ident, {"customer": "A"}, "high")
    clone = cli("task", "clone", ident, "--name", "INV-2", "-o", "json").json
    assert (clone["name"], clone["payload"], clone["parent_id"]) == ("INV-2", {"customer": "A"}, None)
    stats = cli("queue", "stats", "Invoices", "-o", "json").json
    assert (stats["total"], stats["new"], stats["failed"]) == (3, 2, 1)
    (all_stats,) = cli("queue", "stats", "-o", "json").json
    assert all_stats == stats


def test_a_task_that_others_created_is_seen_but_not_repeated(cli: Cli, tmp_path: Path) -> None:
    ident = cli.create("-p", "customer=A")
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "other-machine")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", elsewhere["XDG_STATE_HOME"])
        task = cli("task", "get", ident, "-o", "json", env=elsewhere).json
        assert (task["queue"], task["payload"]) == ("Invoices", None)
        listed = cli("task", "list", env=elsewhere)
        assert (listed.code, listed.out) == (0, "")
        assert "this is what this machine created there (nothing yet)" in listed.err
        for verb in ("retry", "clone"):
            result = cli("task", verb, ident, env=elsewhere)
            assert result.code == 4
            assert "was not created by this machine" in result.err


def test_lists_say_where_they_end_and_work_without_the_server(cli: Cli) -> None:
    first, second = cli.create("-p", "customer=A"), cli.create("-p", "customer=B")
    cli.sandbox("play", first)
    listed = cli("task", "list", "-q", "Invoices")
    assert [line.split("\t")[:3] for line in listed.out.splitlines()] == [
        [first, "", "success"],
        [second, "", "new"],
    ]
    assert listed.err.startswith(
        "note: ELMA RPA has no list of tasks: this is what this machine created there"
    )
    assert cli("task", "list", "--status", "new", "-o", "name").out.split() == [second]
    cli.sandbox("play", second)
    offline = cli("task", "list", "--offline", "--query", "[].status", "-o", "json")
    assert offline.json == ["success", "new"]
    assert "as they were last seen" in offline.err
    assert cli("task", "list", "-q", "Nope").code == 4


def test_a_dry_run_writes_neither_there_nor_here(cli: Cli) -> None:
    plan = cli("task", "create", "-q", "Invoices", "-p", "amount=2", "--dry-run", "-o", "json")
    assert plan.code == 0, plan.err
    assert plan.json["url"].endswith("/v1/orchestra/task/create")
    body = json.loads(plan.json["body"])
    assert json.loads(body["task"]["ctx"]) == {"amount": 2.0}
    assert SYSTEM not in plan.out
    assert cli("task", "list", "-o", "name").out == ""


def test_the_token_is_in_no_sink(cli: Cli, home: Home, elsewhere: Elsewhere) -> None:
    if "ORCHCTL_TOKEN" not in cli.env:
        return  # in process there is none
    elsewhere.files = {"/f": b"x"}
    url = f"{elsewhere.url}/f?system={SYSTEM}"
    debug = str(home.path / "debug.txt")
    outputs = []
    for words in (
        ("task", "create", "-q", "Invoices", "-p", f"scan={url}", "-o", "json", "--debug"),
        ("task", "get", "1", "-o", "json", "--debug-file", debug),
        ("task", "list", "-o", "yaml"),
        ("job", "get", "1", "-o", "json"),
        ("task", "create", "-q", "Invoices", "-p", f"scan={url}", "--dry-run"),
        ("task", "cancel", "99", "-o", "json"),
    ):
        result = cli(*words)
        outputs += [result.out, result.err]
    outputs += [Path(debug).read_text()]
    ledgers = list((home.path / "state").rglob("ledger/*.jsonl"))
    assert len(ledgers) == 1
    outputs += [path.read_text() for path in ledgers]
    assert not any(SYSTEM in text for text in outputs)
    assert oct(ledgers[0].stat().st_mode & 0o777) == "0o600"
    cli.until("1", "new")
    cli.sandbox("play", "1")
    again = cli("task", "retry", "1", "-o", "name")
    assert again.code == 0, again.err
    cli.until(again.out.strip(), "new")  # the file could be fetched: the real URL was sent


def test_two_systems(cli: Cli) -> None:
    if "ORCHCTL_TOKEN" not in cli.env:
        return  # in process all are one
    ident = cli.create("-p", "customer=A")
    other = {"ORCHCTL_TOKEN": OTHER}
    assert cli("task", "get", ident, env=other).code == 3
    assert cli("auth", "login", "--timeout", "0", env=other).code == 8
    assert cli("task", "get", ident, env=other).code == 3
    cli.sandbox("allow", OTHER)
    assert cli("auth", "login", env=other).code == 0
    assert cli("task", "get", ident, env=other).code == 0
    refused = cli("task", "cancel", ident, env=other)
    assert refused.code == 3
    assert OTHER not in refused.err


def test_what_the_api_lacks_is_refused_before_anything_is_sent(orchctl: Any, server: FaultServer) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}
    for line in (
        "asset list",
        "asset get x",
        "asset create x --type text --value y",
        "asset delete x --yes",
        "robot list",
        "robot get x",
        "robot status x",
        "trigger list",
        "trigger create --name x --process p --continuous",
        "queue create --name x",
        "queue update x --description y",
        "queue delete x --yes",
        "job create --process x",
        "job stop 1",
        "job abort 1 --yes",
        "task update 1 --priority high",
        "task next -q x",
        "task next -q x --take",
        "task finish 1 --status success",
        "task delete 1 --yes",
        "task erase 1 --yes",
        "task tag add 1 x",
        "process create --name x",
        "process delete x --yes",
        "log create --level info --message x",
        "log list",
        "log purge --before 1d --yes",
    ):
        result = orchctl(*line.split(), env=env)
        assert (result.code, result.out) == (14, ""), f"{line}: {result.err}"
        assert result.err.startswith("orchctl: ELMA RPA "), line
        assert "\nhint: " in result.err, line
    assert server.requests == []


def test_the_words_of_a_refusal(orchctl: Any) -> None:
    env = {"ORCHCTL_URL": "http://127.0.0.1:1", "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": SYSTEM}
    result = orchctl("asset", "list", env=env)
    assert (
        result.err == "orchctl: ELMA RPA has no assets\nhint: keep the value in the process's own context\n"
    )


def test_every_gap_has_an_alternative() -> None:
    assert Elma.features | Elma.gaps.keys() == set(Feature)
    for feature, gap in Elma.gaps.items():
        assert gap.reason, feature
        assert len(gap.instead) > 10, feature


def test_fields_that_elma_lacks_are_refused(cli: Cli) -> None:
    for option in (
        ["--tag", "x"],
        ["--deadline", "1h"],
        ["--postpone", "1h"],
        ["--comment", "x"],
        ["--retries", "1"],
    ):
        result = cli("task", "create", "-q", "Invoices", *option)
        assert result.code == 14, option
    assert cli("task", "list", "-o", "name").out == ""


def test_what_only_elma_has_is_refused_elsewhere(orchctl: Any, server: FaultServer) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": SYSTEM}
    for words in (
        ("task", "create", "-q", "Q", "--callback", "http://x"),
        ("task", "create", "-q", "Q", "--process-version", "2"),
        ("task", "create", "-q", "Q", "--wait", "--listen", "127.0.0.1:0"),
        ("task", "download", "x", "y"),
        ("task", "list", "-q", "Q", "--offline"),
    ):
        assert orchctl(*words, env=env).code == 14, words
    assert orchctl("task", "list", env=env).code == 2
    assert server.requests == []


def test_a_robot_of_another_api_does_the_tasks_too(cli: Cli) -> None:
    ident = cli.create("-p", "customer=A")
    key = cli.sandbox("key").out.strip()
    sherpa = {"ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": key}
    taken = cli("task", "next", "-q", "Invoices", "--take", "-o", "json", env=sherpa)
    assert taken.json["payload"] == {"customer": "A"}
    assert cli("task", "get", ident, "--query", "status", "-o", "json").json == "in-progress"
    cli("task", "finish", taken.json["id"], "--status", "success", env=sherpa)
    assert cli("task", "wait", ident).code == 0


def test_play_runs_the_tasks_of_other_apis_too(cli: Cli) -> None:
    sherpa = {"ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": cli.sandbox("key").out.strip()}
    cli("queue", "create", "--name", "Q", env=sherpa)
    for name, options, status in (("A", ["--result", '{"x": 1}'], "success"), ("B", ["--fail"], "failed")):
        task = cli("task", "create", "-q", "Q", "--name", name, "-p", "a=b", "-o", "json", env=sherpa).json
        played = cli.sandbox("play", task["id"], *options, "-o", "json").json
        assert (played["id"], played["status"]) == (task["id"], status)
        assert cli("task", "get", name, "-o", "json", env=sherpa).json["status"] == status
    assert cli("task", "get", "A", "-o", "json", env=sherpa).json["output"] == {"x": 1}
    result = cli.orchctl("sandbox", "play", "nope", "--db", str(cli.database))
    assert result.code == 4


def test_logging_in_makes_and_registers_a_system(orchctl: Any, database: Path) -> None:
    with serving(database) as (url, _):
        added = orchctl("context", "add", "forms", "--dialect", "elma", "--url", url)
        assert added.code == 0, added.err
        waiting_one = orchctl("auth", "login", "--insecure-storage", "--system", "Forms", "--timeout", "0")
        assert waiting_one.code == 8
        lines = waiting_one.err.splitlines()
        assert lines[0] == "note: registered the external system 'Forms'"
        assert lines[1].startswith("note: waiting for an administrator of ELMA RPA to allow it")
        assert lines[2] == "orchctl: the external system 'Forms' is registered, but nobody has allowed it yet"
        uuid = orchctl("auth", "token").out.strip()
        assert orchctl("task", "get", "1").code == 3
        (system,) = orchctl("sandbox", "allow", "--db", str(database), "-o", "json").json
        assert (system["id"], system["name"]) == (uuid, "Forms")
        with ThreadPoolExecutor(1) as pool:
            login = pool.submit(orchctl, "auth", "login", "--timeout", "20", "-o", "json")
            time.sleep(0.3)
            orchctl("sandbox", "allow", "Forms", "--db", str(database))
            assert login.result().code == 0, login.result().err
        assert login.result().json["source"] == "file"
        assert orchctl("auth", "token").out.strip() == uuid  # no second system was made
        assert orchctl("auth", "login").err.startswith("note: this external system is allowed already")
        assert orchctl("task", "get", "1").code == 4


def test_a_login_with_a_system_of_ones_own(orchctl: Any, database: Path) -> None:
    with serving(database, "--open") as (url, _):
        orchctl("context", "add", "forms", "--dialect", "elma", "--url", url)
        bad = orchctl("auth", "login", "--insecure-storage", "--token-stdin", input="not a uuid")
        assert bad.code == 3
        good = orchctl("auth", "login", "--insecure-storage", "--token-stdin", input=f"{SYSTEM}\n")
        assert good.code == 0, good.err
        assert orchctl("auth", "token").out.strip() == SYSTEM


def test_a_login_is_rehearsed(orchctl: Any, server: FaultServer) -> None:
    orchctl("context", "add", "forms", "--dialect", "elma", "--url", server.url)
    plan = orchctl("auth", "login", "--insecure-storage", "--dry-run", "-o", "json")
    assert plan.code == 0, plan.err
    assert plan.json["url"].endswith("/v1/orchestra/system/registration")
    assert server.requests == []
    assert orchctl("auth", "status").code == 3


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def test_a_token_command_runs_once_a_run(orchctl: Any, database: Path, home: Home) -> None:
    calls = home.path / "calls"
    with serving(database, "--open") as (url, _):
        script = (
            f"from pathlib import Path; f = Path({str(calls)!r}).open('a'); f.write('x'); print('{SYSTEM}')"
        )
        env = {"ORCHCTL_URL": url, "ORCHCTL_DIALECT": "elma"}
        (home.path / "token.py").write_text(script)
        command = f"{sys.executable} {home.path / 'token.py'}"
        orchctl("sandbox", "publish", "Invoices", "--db", str(database))
        result = orchctl("task", "create", "-q", "Invoices", env={**env, "ORCHCTL_TOKEN_COMMAND": command})
        assert result.code == 0, result.err
    assert calls.read_text() == "x"


def test_raw_calls_carry_the_token_and_heed_the_bodys_status(cli: Cli) -> None:
    ident = int(cli.create("-p", "customer=A"))
    got = cli("api", "POST", "/v1/orchestra/task/status", "-F", f"id={ident}", "-o", "json")
    assert (got.code, got.json["task"]["status"]) == (0, "QUEUE"), got.err
    body = json.dumps({"id": ident})
    assert cli("api", "POST", "/v1/orchestra/task/status", "--input", "-", input=body).code == 0
    assert cli("api", "POST", "/v1/orchestra/task/status", "-F", "id=99").code == 4
    assert cli("api", "POST", "/v1/orchestra/task/status").code == 1
    assert cli("api", "POST", "/v1/repository/actual", "-F", "page=0", "-F", "limit=0").code == 0


def test_a_cancel_that_says_neither_yes_nor_no(orchctl: Any, server: FaultServer) -> None:
    """The task itself tells then."""
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": str(uuid4())}
    for status, code in (("CANCEL", 0), ("QUEUE", 11)):
        task = {"status": 200, "task": {"id": 7, "process": str(uuid4()), "status": status}}
        server.plan(reply(200, b"{}"), reply(200, json.dumps(task).encode()))
        result = orchctl("task", "cancel", "7", "--yes", "-o", "name", env=env)
        assert (result.code, "its own status is not one of success" in result.err) == (code, True)


def test_the_token_of_another_system_is_in_no_trace(orchctl: Any, server: FaultServer, home: Home) -> None:
    """An answer names the system that made the task, and with that its credential."""
    mine, other = str(uuid4()), str(uuid4())
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "elma", "ORCHCTL_TOKEN": mine}
    ctx = json.dumps({"scan": f"http://h/v1/task/download_elma?uid=1&system={other}", "then": "shown"})
    task = {"id": 7, "process": str(uuid4()), "status": "QUEUE", "system": other, "outputCtx": ctx}
    server.plan(*[reply(200, json.dumps({"status": 200, "task": task}).encode())] * 4)
    debug = home.path / "debug.txt"
    for words in (["--debug"], ["--debug-file", str(debug)]):
        result = orchctl("task", "get", "7", "--fields", "id,native.system", *words, env=env)
        assert result.code == 0, result.err
        trace = debug.read_text() if debug.exists() else result.err
        assert '"system": "***"' in trace and "&system=***" in trace and "shown" in trace
        assert other not in trace + result.out and mine not in trace
