"""A dry run of each write sends none, and shows no secret."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.dialects.conftest import routes
from tests.dialects.test_sherpa_assets import credential
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"
SECRET = "S3cr3t!"


WRITES = [
    ["job", "create", "--process", ID, "--robot", OTHER],
    ["job", "stop", ID],
    ["job", "abort", ID],
    ["job", "delete", ID],
    ["asset", "create", "A", "--type", "text", "--value", "v"],
    ["asset", "set", "Bank", "--description", "d"],
    ["asset", "delete", "Bank"],
    ["log", "create", "--level", "info", "--message", "m"],
    ["log", "purge", "--before", "1d"],
    ["robot", "create", "--name", "R"],
    ["robot", "heartbeat", ID],
    ["robot", "consume", ID],
    ["robot", "group", "add-robot", ID, OTHER],
    ["process", "create", "--name", "P"],
    ["process", "version", "create", ID, os.devnull],
    ["trigger", "disable", ID],
    ["storage", "folder", "delete", ID],
    ["account", "delete", ID],
]


@pytest.mark.parametrize("words", WRITES, ids=lambda words: " ".join(words[:3]))
def test_a_dry_run_sends_no_write(cli: Any, server: FaultServer, words: list[str]) -> None:
    server.plan(routes({"GET /api/asset/read/Bank": credential()}))
    result = cli(*words, "--dry-run")
    assert (result.code, server.effects) == (0, 0), result.err
    assert "/api/" in result.out
    assert all(seen.method == "GET" for seen in server.requests)
    assert SECRET not in result.out + result.err


def test_a_dry_run_of_a_new_credential_hides_it(cli: Any, server: FaultServer) -> None:
    words = ["asset", "create", "Bank", "--type", "credential", "--value-stdin", "--dry-run"]
    for form in ([], ["-o", "json"], ["--debug"]):
        result = cli(*words, *form, input=SECRET)
        assert (result.code, SECRET in result.out + result.err) == (0, False)
