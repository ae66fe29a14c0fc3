"""The log: filtered here, the tail in order, purged in Unix time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dialects.conftest import routes
from tests.dialects.test_sherpa_jobs import jobs_table
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
OTHER = "9be0687d-4e00-4742-a53f-c9b622d076db"
THIRD = "16f94238-ede9-435b-a001-1489b32e7dc2"


def entries(count: int = 5) -> list[dict[str, Any]]:
    """Not in the order of their times."""
    levels = ["Debug", "Info", "Warning", "Error", "Critical"]
    rows = [
        {
            "guid": f"{n:08}-1111-4111-8111-111111111111",
            "robot_id": n % 2 + 1,
            "process_version_id": "55",
            "job_id": str(n % 2 + 7),
            "Level": levels[n % 5],
            "Message": f"message {n}",
            "created_at": f"2026-01-01 10:00:{n:02}",
        }
        for n in range(count)
    ]
    return rows[1::2] + rows[::2]


@pytest.fixture
def log(cli: Any, server: FaultServer) -> Any:
    job = {f"GET /api/job/read/{ID}": {"guid": ID, "id": 8, "status": 8}}
    server.plan(routes(jobs_table() | job | {"POST /api/log/list": entries(), "DELETE /api/log/purge": []}))
    return lambda *argv: cli("log", *argv)


def messages(result: Any) -> list[int]:
    assert result.code == 0, result.err
    return [int(row["message"].split()[1]) for row in result.json]


def test_entries_are_listed_in_the_servers_order_with_names(log: Any) -> None:
    result = log("list", "-o", "json")
    assert messages(result) == [1, 3, 0, 2, 4]
    first = result.json[0]
    assert (first["robot"], first["process"], first["process_version"], first["level"]) == (
        "R2",
        "Invoices",
        "1.0",
        "info",
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--level", "warning"], [3, 2, 4]),
        (["--robot", "R1"], [0, 2, 4]),
        (["--robot", "R1", "--robot", "R2", "--limit", "2"], [1, 3]),
        (["--process", "Invoices"], [1, 3, 0, 2, 4]),
        (["--process", "Bills"], []),
        (["--job", ID], [1, 3]),
        (["--job", "7"], [0, 2, 4]),
        (["--grep", "[03]$"], [3, 0]),
        (["--since", "2026-01-01T10:00:03Z"], [3, 4]),
        (["--until", "2026-01-01T10:00:01Z"], [1, 0]),
    ],
)
def test_entries_are_filtered_here(log: Any, options: list[str], expected: list[int]) -> None:
    assert messages(log("list", *options, "-o", "json")) == expected


def test_the_tail_is_the_last_entries_in_the_order_of_their_times(log: Any) -> None:
    assert messages(log("tail", "-o", "json")) == [0, 1, 2, 3, 4]
    assert messages(log("tail", "-n", "2", "-o", "json")) == [3, 4]
    assert messages(log("tail", "-n", "2", "--level", "error", "--grep", "3|4", "-o", "json")) == [3, 4]
    assert log("tail", "--grep", "(").code == 2


def test_a_jobs_log(cli: Any, log: Any) -> None:
    assert messages(cli("job", "logs", ID, "-o", "json")) == [1, 3]


def test_a_purge_is_asked_about_and_goes_out_in_unix_time(log: Any, server: FaultServer) -> None:
    refused = log("purge", "--before", "2026-01-01T00:00:00Z")
    assert refused.err.startswith(
        "orchctl: delete all log entries created before 2026-01-01 00:00:00 UTC in the context 'env' needs a yes"
    )
    assert (refused.code, server.requests) == (2, [])
    assert log("purge", "--before", "2026-01-01T00:00:00Z", "--yes").code == 0
    assert json.loads(server.requests[0].body) == {
        "Time": str(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()))
    }
    assert log("purge", "--before", "30d", "--yes").code == 0
    sent = datetime.fromtimestamp(int(json.loads(server.requests[1].body)["Time"]), UTC)
    assert timedelta(days=30) <= datetime.now(UTC) - sent < timedelta(days=30, minutes=5)
