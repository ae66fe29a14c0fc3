"""Logs as a user types it: whole command lines against a server whose answers are scripted."""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.logserver import FAILED, JOB, ROBOT, SUCCESS, LogServer, log_server, record

OTHER = "a3b0c442-98fc-4c14-9afb-4c8996fb9242"
PATIENCE = {"ORCHCTL_REQUEST_TIMEOUT": "0.3"}
IMPATIENT = ["--retry-timeout", "0.3"]


def body(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


RECORDS = [
    record(1, time="2026-01-31 18:00:01", message="began"),
    record(2, time="2026-01-31 18:00:02", message="Traceback:\n  File x\n  File y\n", level="Error"),
    record(3, time="2026-01-31 18:00:03", message="noise \x1b[2J\u202e", level="Debug", robot_id="0"),
    record(4, time="2026-01-31 18:00:04", message="slow", level="Warning"),
    record(5, time="2026-01-31 18:00:05", message="done", level="Critical", job_id="0"),
]


@pytest.fixture
def server() -> Iterator[LogServer]:
    with log_server(lambda: body(RECORDS[::-1])) as made:
        yield made


@pytest.fixture
def cli(orchctl: Any, server: LogServer) -> Any:
    def run(*argv: str, env: dict[str, str] | None = None, **options: Any) -> Any:
        return orchctl(*argv, env={**server.env, **(env or {})}, **options)

    return run


def test_the_last_are_lines_the_newest_at_the_end(cli: Any) -> None:
    result = cli("log", "tail", "--time", "utc")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "2026-01-31 18:00:01Z  INFO   R1  began\n"
        "2026-01-31 18:00:02Z  ERROR  R1  Traceback:\n"
        "      File x\n"
        "      File y\n"
        "2026-01-31 18:00:03Z  DEBUG      noise \\x1b[2J\\u202e\n"
        "2026-01-31 18:00:04Z  WARN   R1  slow\n"
        "2026-01-31 18:00:05Z  CRIT   R1  done\n"
    )


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        (["-n", "2"], ["slow", "done"]),
        (["-n", "0"], []),
        (["--level", "warning"], ["Traceback:\n  File x\n  File y\n", "slow", "done"]),
        (["--since", "2026-01-31T18:00:03Z", "--until", "2026-01-31T18:00:04Z", "-n", "1"], ["slow"]),
        (["--since", "2026-01-31T18:00:04Z"], ["slow", "done"]),
        (["--grep", "^beg", "--grep", "on"], ["began", "done"]),
        (["--grep", "File y"], ["Traceback:\n  File x\n  File y\n"]),
        (["--exclude", "o", "--exclude", "File"], ["began"]),
        (["--robot", "R1", "--level", "critical"], ["done"]),
        (["--job", JOB, "-n", "1"], ["slow"]),
        (["--job", JOB, "--job", "another", "-n", "1"], ["slow"]),
    ],
)
def test_what_is_chosen(cli: Any, options: list[str], messages: list[str]) -> None:
    result = cli("log", "tail", *options, "-o", "jsonl")
    assert result.code == 0, result.err
    assert [json.loads(line)["message"] for line in result.out.splitlines()] == messages


def test_since_shows_all_from_then_on(cli: Any, server: LogServer) -> None:
    many = [record(n, time=f"2026-01-31 18:00:{n:02d}", message=str(n)) for n in range(30)]
    server.answer = lambda: body(many)
    assert len(cli("log", "tail", "--since", "2026-01-31").out.splitlines()) == 30
    assert len(cli("log", "tail").out.splitlines()) == 10


def test_other_formats(cli: Any) -> None:
    assert cli("log", "tail", "-n", "4", "-o", "raw").out.splitlines()[:3] == [
        "Traceback:",
        "  File x",
        "  File y",
    ]
    assert "\x1b[2J" in cli("log", "tail", "-o", "raw").out
    assert "\x1b" not in cli("log", "tail", "-o", "raw", terminal=True).out
    entries = cli("log", "tail", "-o", "json").json
    assert [entry["level"] for entry in entries] == ["info", "error", "debug", "warning", "critical"]
    assert (entries[0]["robot"], entries[0]["time"]) == ("R1", "2026-01-31T18:00:01Z")
    assert cli("log", "tail", "-n", "1", "-o", "table").out == "2026-01-31 18:00:05\tcritical\tR1\tdone\n"
    assert cli("log", "tail", "-n", "1", "--fields", "level").out == "critical\n"
    assert cli("log", "tail", "--query", "[].level", "-o", "json").json[-1] == "critical"
    by_env = cli("log", "tail", "-n", "1", env={"ORCHCTL_OUTPUT": "jsonl"})
    assert json.loads(by_env.out)["message"] == "done"
    refused = cli("log", "tail", "-o", "text", "--fields", "level")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "orchctl: -o text has lines of its own")


def test_colours_say_how_bad_and_who(cli: Any, server: LogServer) -> None:
    plain = cli("log", "tail", terminal=True).out
    assert "\x1b" not in plain.replace("\\x1b", "")
    color = {"NO_COLOR": "", "TERM": "xterm"}
    first = cli("log", "tail", "--grep", "slow", terminal=True, env=color).out
    assert "\x1b[33mWARN \x1b[0m" in first
    assert "\x1b[1;7mslow\x1b[0m" in first
    source = re.findall(r"(\x1b\[\d+m)R1", first)
    assert source == re.findall(
        r"(\x1b\[\d+m)R1", cli("log", "tail", "--level", "critical", terminal=True, env=color).out
    )
    marked = cli("log", "tail", "--highlight", "o.e$", "-n", "1", terminal=True, env=color).out
    assert "d\x1b[1;7mone\x1b[0m\n" in marked


@pytest.mark.parametrize(
    "argv",
    [
        ["log", "tail", "--interval", "1"],
        ["log", "tail", "--overlap", "1"],
        ["log", "tail", "--grep", "("],
        ["log", "tail", "-n", "-1"],
        ["log", "tail", "--level", "loud"],
        ["log", "tail", "--since", "the day before"],
        ["log", "tail", "-f", "--query", "[].message", "-o", "json"],
        ["log", "tail", "-f", "--query", "message", "-o", "jsonl"],
        ["log", "tail", "-f", "--sort-by", "level"],
        ["job", "logs", JOB, "-f", "-n", "2", "--query", "message", "-o", "jsonl"],
        ["log", "tail", "--since", "tomorrow"],
        ["log", "tail", "--since", "1m", "--until", "1h"],
        ["log", "list", "--since", "tomorrow"],
        ["log", "list", "--since", "1m", "--until", "1h"],
        ["job", "logs", JOB, "-f", "--since", "tomorrow"],
        ["job", "logs", JOB, "--since", "1m", "--until", "1h"],
        ["job", "list", "--since", "1m", "--until", "1h"],
        ["task", "list", "-q", "Q", "--since", "tomorrow"],
        ["task", "list", "-q", "Q", "--since", "1m", "--until", "1h"],
        ["job", "logs"],
    ],
)
def test_what_is_typed_wrong_is_2(cli: Any, server: LogServer, argv: list[str]) -> None:
    asked: list[str] = []
    server.handle = lambda method, path: asked.append(path)
    assert cli(*argv).code == 2
    assert asked == []


def test_why_it_is_wrong_is_said(cli: Any) -> None:
    assert cli("log", "tail", "-f", "--sort-by", "level").err == (
        "orchctl: --query and --sort-by need the whole result, and with -f there is none\n"
        "hint: leave -f out; with it --level, --grep and the like choose entries, and --fields fields\n"
    )
    hint = "hint: a duration counts back: --since 1h --until 10m\n"
    future = cli("log", "tail", "--since", "tomorrow")
    assert future.err == f"orchctl: --since tomorrow is in the future\n{hint}"
    crossed = cli("log", "tail", "--since", "1m", "--until", "1h")
    assert crossed.err == f"orchctl: --until 1h is before --since 1m\n{hint}"
    for argv in (["log", "tail"], ["job", "logs", JOB]):
        assert cli(*argv, "-o", "foo").err.splitlines()[1] == (
            "hint: one of: text, raw, table, wide, json, jsonl, yaml, csv, tsv, name"
        )


@pytest.mark.parametrize(("word", "count"), [("warn", 3), ("WARN", 3), ("err", 2), ("crit", 1)])
def test_levels_by_the_names_they_are_shown_under(cli: Any, word: str, count: int) -> None:
    found = cli("log", "tail", "--level", word, "-o", "jsonl").out.splitlines()
    assert len(found) == count
    assert json.loads(found[-1])["level"] == "critical"
    assert len(cli("log", "list", "--level", word, "-o", "jsonl").out.splitlines()) == count
    planned = cli("log", "create", "--level", word, "--message", "x", "--dry-run")
    assert planned.code == 0, planned.err


def test_who_is_not_there_is_said(cli: Any, server: LogServer) -> None:
    robots = [{"GUID": ROBOT, "Name": "R1", "Status": 2}]
    server.handle = lambda method, path: (200, robots) if path == "/api/robot/read" else None
    left = "only what it may have left in the log is shown"
    for verb in ("list", "tail"):
        known = cli("log", verb, "--robot", "R1", "--robot", ROBOT, "-o", "jsonl")
        assert (known.code, known.err, len(known.out.splitlines())) == (0, "", 4)
        absent = cli("log", verb, "--robot", "R-1", "--robot", OTHER, "--job", OTHER, "-o", "jsonl")
        assert (absent.code, absent.out) == (0, "")
        assert absent.err == (
            f"note: there is no robot 'R-1' here: {left}; did you mean R1?\n"
            f"note: there is no robot '{OTHER}' here: {left}\n"
            f"note: there is no job '{OTHER}' here: {left}\n"
        )
        by_id = cli("log", verb, "--process", OTHER)
        assert by_id.err == f"note: there is no process '{OTHER}' here: {left}\n"
    server.handle = lambda method, path: None
    untold = cli("log", "tail", "--process", "P")
    assert (untold.code, untold.err) == (
        0,
        "note: whether there is a process 'P' cannot be told: Sherpa Orchestrator has no list of processes\n",
    )


@pytest.mark.parametrize("jobs", [[OTHER], [JOB, OTHER], ["nope", JOB]])
def test_a_job_that_is_not_there_is_not_followed(cli: Any, server: LogServer, jobs: list[str]) -> None:
    options = [word for job in jobs for word in ("--job", job)]
    result = cli("log", "tail", "-f", *options)
    assert (result.code, result.out, server.polls) == (4, "", 0)
    assert "orchctl: no job '" in result.err


def test_the_log_of_a_task_is_that_of_its_job(cli: Any, server: LogServer) -> None:
    tasks: dict[str, Any] = {
        "T1": {"guid": ROBOT_TASK, "job_id": JOB},
        "T2": {"guid": ROBOT_TASK, "job_id": None},
    }
    server.handle = lambda method, path: (
        (200, tasks[path[-2:]]) if path.startswith("/api/task/read/") else None
    )
    assert cli("log", "tail", "--task", "T1").out.count("\n") == 6
    without = cli("log", "tail", "--task", "T2")
    assert without.code == 4
    assert "no job is known to have taken the task 'T2'" in without.err


ROBOT_TASK = "7d1c9a52-3a58-4f8e-8a53-31f7b6f3f8a1"


def _ending(server: LogServer, status: int, *, after: int) -> None:
    """One entry more with each answer, and after so many of them the job's end."""

    def answer() -> bytes:
        if server.polls >= after:
            server.status = status
        return body(RECORDS[: server.polls])

    server.answer = answer


@pytest.mark.parametrize(("status", "code"), [(SUCCESS, 0), (FAILED, 9), (3, 9), (7, 9)])
def test_a_jobs_log_is_drained_and_its_result_is_the_exit_code(
    cli: Any, server: LogServer, status: int, code: int
) -> None:
    _ending(server, status, after=2)
    argv = ["job", "logs", JOB, "-f", "--interval", "0.05", "-o", "raw"]
    result = cli(*argv, "--exit-status")
    assert result.code == code, result.err
    assert result.out == "began\nTraceback:\n  File x\n  File y\n\nnoise \x1b[2J\u202e\nslow\n"
    assert server.polls == 7  # the fifth entry is of another job; then two that were empty
    assert cli("job", "logs", JOB, "--exit-status").code == code
    server.polls = 0
    _ending(server, status, after=2)
    assert cli(*argv).code == 0


def test_without_f_a_job_that_runs_is_8(cli: Any) -> None:
    result = cli("job", "logs", JOB, "--exit-status")
    assert result.code == 8
    assert result.err == (
        f"orchctl: the job {JOB} is in-progress: it has not ended\n"
        f"hint: orchctl job logs {JOB} -f --exit-status\n"
    )


def test_a_job_that_vanishes_is_4(cli: Any, server: LogServer) -> None:
    def answer() -> bytes:
        server.job_is_there = server.polls < 3
        return body(RECORDS[:1])

    server.answer = answer
    result = cli("job", "logs", JOB, "-f", "--interval", "0.05", "-o", "raw")
    assert (result.code, result.out) == (4, "began\n")


def test_a_credential_that_is_taken_away_is_3(cli: Any, server: LogServer) -> None:
    server.handle = lambda method, path: (403, {"error": "no"}) if server.polls >= 2 else None
    result = cli("log", "tail", "-f", "--interval", "0.05", "-o", "raw", "-n", "1")
    assert (result.code, result.out) == (3, "done\n")


def test_a_server_that_stays_away_is_7_after_four_lost_polls(cli: Any, server: LogServer) -> None:
    def answer() -> bytes:
        threading.Timer(0.3, server.stop).start()
        return body(RECORDS[:1])

    server.answer = answer
    result = cli("log", "tail", "-f", "--interval", "0.05", "-o", "raw", *IMPATIENT, env=PATIENCE)
    assert (result.code, result.out) == (7, "began\n")
    assert result.err.count("; following goes on\n") == 4
    assert result.err.endswith("go on with: orchctl log tail -f --since 2026-01-31T18:00:01Z\n")


def test_what_goes_on_is_the_same_choice(cli: Any, server: LogServer) -> None:
    server.handle = lambda method, path: (503, {}) if path == "/api/log/list" else None
    words = f"log tail -f --interval 0.02 --since 2026-01-31 --level warn --job {JOB} --exclude noise"
    result = cli(*words.split(), "--grep", "a b", *IMPATIENT, env=PATIENCE)
    assert result.err.endswith(
        "go on with: orchctl log tail -f --since 2026-01-31T00:00:00Z --level warning "
        f"--job {JOB} --grep 'a b' --exclude noise\n"
    )


def test_with_json_the_list_is_closed_and_the_notes_are_in_the_error(cli: Any, server: LogServer) -> None:
    def answer() -> bytes | None:
        return body(RECORDS[:2]) if server.polls < 2 else None

    server.answer = answer
    result = cli("log", "tail", "-f", "--interval", "0.05", "-o", "json", *IMPATIENT, env=PATIENCE)
    assert result.code == 7
    assert [entry["message"][:5] for entry in result.json] == ["began", "Trace"]
    assert len(result.error["notes"]) == 4


def test_a_purge_in_between_is_told(cli: Any, server: LogServer) -> None:
    def answer() -> bytes:
        if server.polls >= 3:
            server.status = SUCCESS
        return body(RECORDS[:2] if server.polls < 2 else RECORDS[3:4])

    server.answer = answer
    result = cli("job", "logs", JOB, "-f", "--interval", "0.05", "-o", "raw")
    assert result.err == (
        "note: gap: what was read up to 2026-01-31T18:00:02Z is not in the log any more (purged or rotated): "
        "entries from then to 2026-01-31T18:00:04Z may be missing\n"
    )


def test_what_may_have_been_cut_by_the_server_is_said_once(cli: Any, server: LogServer) -> None:
    many = [record(n, time="2026-01-31 18:00:00", message=str(n)) for n in range(100)]

    def answer() -> bytes:
        if server.polls >= 3:
            server.status = SUCCESS
        return body(many)

    server.answer = answer
    result = cli("job", "logs", JOB, "-f", "--interval", "0.05", "-o", "raw")
    assert result.out.split() == [str(n) for n in range(100)]
    assert result.err == "note: exactly 100 rows came back: the orchestrator may have cut the list there\n"


def test_a_cut_is_said_of_what_came_and_not_of_what_was_asked_for(cli: Any, server: LogServer) -> None:
    many = [record(n, time=f"2026-01-31 18:00:{n % 60:02}", message=str(n)) for n in range(100)]
    server.answer = lambda: body(many)
    result = cli("log", "tail", "--since", "2026-01-31T18:00:50Z", "-o", "raw")
    assert result.out.split() == [str(n) for n in range(50, 60)]
    assert result.err == "note: exactly 100 rows came back: the orchestrator may have cut the list there\n"


def test_a_cut_is_said_of_later_polls(cli: Any, server: LogServer) -> None:
    many = [record(n, time=f"2026-01-31 {17 + n // 50}:00:00", message=str(n)) for n in range(100)]

    def answer() -> bytes:
        if server.polls >= 3:
            server.status = SUCCESS
        return body(many if server.polls >= 2 else many[40:])

    server.answer = answer
    result = cli("job", "logs", JOB, "-f", "--interval", "0.05", "--overlap", "10m", "-o", "raw")
    assert result.out.split() == [str(n) for n in range(40, 100)]
    assert result.err == "note: exactly 100 rows came back: the orchestrator may have cut the list there\n"


@pytest.mark.parametrize(
    "words",
    [
        ["log", "tail", "-f", "--interval", "0"],
        ["log", "tail", "-f", "--interval", "999999999d"],
        ["job", "logs", JOB, "-f", "--interval", "367d"],
        ["robot", "list", "--watch", "--interval", "999999999d"],
        ["top", "--interval", "0"],
        ["top", "--interval", "999999999d"],
        ["log", "tail", "-f", "--overlap", "999999d"],
        ["robot", "run", "--robot", ROBOT, "--scripts", ".", "--heartbeat", "0"],
        ["robot", "run", "--robot", ROBOT, "--scripts", ".", "--heartbeat", "999999999d"],
        ["robot", "run", "--robot", ROBOT, "--scripts", ".", "--grace", "999999999d"],
        ["log", "tail", "--grep", "a{99999999999}"],
        ["log", "tail", "--grep", "(" * 5000 + ")" * 5000],
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    cli: Any, server: LogServer, words: list[str]
) -> None:
    result = cli(*words)
    assert (result.code, result.out, "defect" in result.err) == (2, "", False)
    assert server.answered == 0


def test_through_many_records_restarts_and_disorder_the_output_is_the_truth(
    cli: Any, server: LogServer
) -> None:
    """A million with ORCHCTL_LONG=1. The server gives all it has each time, shuffled, and is restarted ten times."""
    is_long = bool(os.environ.get("ORCHCTL_LONG"))
    many, steps, patience = (1_000_000, 60, "600") if is_long else (20_000, 12, "1")
    chance = random.Random(8)
    arrivals = []
    for number in range(many):
        second = number * 7200 // many  # two hours, so that the window moves on and times are equal
        message = f"{number} {'x' * chance.randrange(40)}" + ("\n  more of it" if number % 97 == 0 else "")
        stamp = f"2026-01-31 {18 + second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"
        arrivals.append(body([record(number, time=stamp, message=message)])[1:-1])
    late = many // 100
    for begin in range(0, many, late):  # what happened within a minute and more comes in any order
        part = arrivals[begin : begin + late]
        chance.shuffle(part)
        arrivals[begin : begin + late] = part
    restarts = iter(sorted(chance.sample(range(2, steps), 10)))
    upcoming = [next(restarts)]

    def answer() -> bytes | None:
        if upcoming and server.answered >= upcoming[0]:
            upcoming[:] = _rest(restarts)
            threading.Thread(target=_restart, args=(server,)).start()
            return None
        there = arrivals[: many * (server.answered + 1) // steps]
        chance.shuffle(there)
        if server.answered + 1 >= steps:
            server.status = SUCCESS
        return b"[" + b",".join(there) + b"]"

    server.answer = answer
    words = f"job logs {JOB} -f --exit-status --interval 0.02 -o jsonl --fields id,message"
    result = cli(*words.split(), "--retry-timeout", patience, env={"ORCHCTL_REQUEST_TIMEOUT": patience})
    assert result.code == 0, result.err
    truth = Counter((each["guid"], each["Message"]) for each in map(json.loads, arrivals))
    found = Counter((each["id"], each["message"]) for each in map(json.loads, result.out.splitlines()))
    assert found == truth
    assert result.err.count("the log can be read again; nothing was lost") >= 1
    assert "gap" not in result.err
    assert next(restarts, None) is None


def _rest(restarts: Iterator[int]) -> list[int]:
    following = next(restarts, None)
    return [] if following is None else [following]


def _restart(server: LogServer) -> None:
    server.stop()
    time.sleep(0.05)
    server.start()
