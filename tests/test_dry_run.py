"""Dry runs: what they print parses, whatever was asked for, and nothing is sent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.faults import FaultServer

CI = {"ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "a-secret-guid"}
IDS = ["7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0a", "7c5bd86e-7f0b-4c29-9d1e-5a0f4b6b6b0b"]


@pytest.fixture
def ci(server: FaultServer) -> Mapping[str, str]:
    return {**CI, "ORCHCTL_URL": server.url}


@pytest.fixture
def server() -> Any:
    with FaultServer() as running:
        yield running


def parsed(text: str, output: str) -> Any:
    match output:
        case "json":
            return json.loads(text)
        case "jsonl":
            return [json.loads(line) for line in text.splitlines()]
        case "yaml":
            return yaml.safe_load(text)
        case "csv":
            return list(csv.DictReader(io.StringIO(text)))
        case _:
            return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "tsv"])
def test_several_requests_are_one_list(
    orchctl: Any, ci: Mapping[str, str], server: FaultServer, tmp_path: Path, output: str
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("name\nA\nB\nC\n")
    lines = (
        (["task", "delete", *IDS], 2),
        (["task", "create", "-q", "Q", "--from", str(rows)], 3),
    )
    for words, count in lines:
        run = orchctl(*words, "-n", "-o", output, env=ci)
        assert run.code == 0, run.err
        plans = parsed(run.out, output)
        assert len(plans) == count
        assert all(plan["method"] and plan["url"].startswith(server.url) for plan in plans)
    assert not [seen for seen in server.requests if seen.method != "GET"]


def test_what_apply_would_send_is_a_list_even_of_nothing(orchctl: Any, tmp_path: Path) -> None:
    env = {"ORCHCTL_URL": f"sandbox:{tmp_path / 'x.db'}", "ORCHCTL_DIALECT": "sherpa"}
    wanted = tmp_path / "rpa.yaml"
    wanted.write_text("queues:\n- name: A\n- name: B\n")
    apply = ("apply", "-f", str(wanted), "-o", "json")
    plans = json.loads(orchctl(*apply, "-n", env=env).out)
    assert [plan["method"] for plan in plans] == ["POST", "POST"]
    assert orchctl(*apply, env=env).code == 0
    assert json.loads(orchctl(*apply, "-n", env=env).out) == []


def test_one_request_is_an_object(orchctl: Any, ci: Mapping[str, str]) -> None:
    run = orchctl("task", "delete", IDS[0], "-n", "-o", "json", env=ci)
    assert json.loads(run.out)["method"] == "DELETE"


def test_the_output_options_are_those_of_the_plan(orchctl: Any, ci: Mapping[str, str]) -> None:
    create = ("task", "create", "-q", IDS[0], "--name", "T", "-n", "-o", "json")
    assert json.loads(orchctl(*create, "--fields", "method,body", env=ci).out).keys() == {"method", "body"}
    # Those of a task suit the command when it is not rehearsed.
    assert json.loads(orchctl(*create, "--fields", "id,name", env=ci).out)["method"] == "POST"
    wrong = orchctl(*create, "--fields", "nonsense", env=ci)
    assert (wrong.code, wrong.out) == (2, "")


def test_it_may_stand_before_the_noun(orchctl: Any, ci: Mapping[str, str], server: FaultServer) -> None:
    run = orchctl("-n", "task", "delete", IDS[0], "-o", "json", env=ci)
    assert (run.code, json.loads(run.out)["method"]) == (0, "DELETE")
    several = orchctl("--dry-run", "task", "delete", *IDS, "-o", "json", env=ci)
    assert (several.code, len(json.loads(several.out))) == (0, 2)
    assert not server.requests
    read = orchctl("-n", "task", "get", IDS[0], env=ci)
    assert read.code == 2
    assert "has nothing to rehearse" in read.err


def test_what_happens_on_this_machine_is_told_on_stdout(orchctl: Any, tmp_path: Path) -> None:
    database = str(tmp_path / "x.db")
    assert orchctl("sandbox", "init", "--db", database).code == 0
    reset = orchctl("sandbox", "reset", "--db", database, "--yes", "-n")
    assert reset.out == f"would empty {database}; nothing was done\n"
    client = orchctl("sandbox", "key", "--db", database, "--new-client", "CI", "-n", "--yes", "-o", "json")
    assert json.loads(client.out) == "would register CI; nothing was done"
    gone = orchctl("context", "remove", "sandbox", "-n", "-o", "json")
    assert json.loads(gone.out) == "would remove the context sandbox; nothing was done"
    assert orchctl("context", "show", "sandbox").code == 0
