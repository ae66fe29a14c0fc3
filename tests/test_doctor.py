"""``orchctl doctor``: every check, what it says when something is wrong, and that it leaves no trace."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Home
from tests.faults import FaultServer, closed_port, html, reply
from tests.server import serving


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def env_for(url: str, **more: str) -> Mapping[str, str]:
    return {"ORCHCTL_URL": url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": "a-secret-guid", **more}


def checks(result: Any) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in result.json["checks"]}


def statuses(result: Any) -> dict[str, str]:
    return {name: check["status"] for name, check in checks(result).items()}


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".db-wal", ".db-shm")
    }


def test_all_is_well_against_a_served_sandbox(orchctl: Any, home: Home, tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db") as (url, key):
        env = env_for(url, ORCHCTL_TOKEN=key)
        before = contents(home.path)
        result = orchctl("doctor", "-o", "json", env=env)
        assert contents(home.path) == before
        wrong = orchctl(
            "doctor", "-o", "json", env={**env, "ORCHCTL_TOKEN": "5f0c6b1e-0000-4000-8000-000000000000"}
        )
        https = orchctl("doctor", "-o", "json", env={**env, "ORCHCTL_URL": url.replace("http:", "https:")})
    assert (result.code, result.err) == (0, ""), result.out
    assert result.json["ok"] is True
    assert list(checks(https))[-1] == "tls"
    assert checks(https)["tls"]["message"] == f"{url.removeprefix('http://')} does not speak TLS"
    words = (
        "python versions config|credential store|context credential proxy dns tcp http clock token dialect"
    )
    assert list(checks(result)) == [
        word for part in words.split("|") for word in ([part] if part == "credential store" else part.split())
    ]
    assert {name for name, status in statuses(result).items() if status != "ok"} == {"credential store"}
    assert key not in result.out
    assert (wrong.code, statuses(wrong)["token"]) == (1, "fail")
    assert wrong.error["message"] == "failed: token"
    assert checks(wrong)["token"]["fix"]


def test_a_table_has_a_line_for_each_check_and_the_fixes_follow_it_whole(orchctl: Any, home: Home) -> None:
    result = orchctl("doctor", "--fields", "name,status")
    assert "python\tok\n" in result.out
    assert "context\tfail\n" in result.out
    assert result.code == 1
    store, context, *end = result.err.splitlines()
    assert store.startswith("note: credential store: there is no keyring on this machine; ORCHCTL_TOKEN, ")
    assert context.startswith(
        f"note: context: no context is chosen; {home.config} does not exist; make one: "
    )
    assert end == ["orchctl: failed: context", "hint: each failed check says its fix"]
    assert orchctl("doctor", "-o", "tsv").err == "\n".join([*end, ""])


def test_a_config_that_is_broken_or_open_to_others_is_told(orchctl: Any, home: Home) -> None:
    home.config.parent.mkdir(parents=True)
    home.config.write_text(
        "contexts: {a: {dialect: sherpa, url: 'sandbox:'}}\ncurrent-context: a\n", encoding="utf-8"
    )
    home.config.chmod(0o644)
    exposed = orchctl("doctor", "-o", "json")
    assert checks(exposed)["config"]["status"] == "warn"
    assert checks(exposed)["config"]["fix"] == f"chmod 600 {home.config}"
    assert (exposed.code, statuses(exposed)["sandbox"]) == (0, "ok")
    home.config.write_text("contexts: [", encoding="utf-8")
    broken = orchctl("doctor", "-o", "json")
    assert (broken.code, statuses(broken)["config"]) == (1, "fail")
    assert home.config.read_text(encoding="utf-8") == "contexts: ["


def test_the_embedded_orchestrator_is_not_made(orchctl: Any, home: Home) -> None:
    env = {"ORCHCTL_URL": f"sandbox:{home.path}/new.db", "ORCHCTL_DIALECT": "sherpa"}
    result = orchctl("doctor", "-o", "json", env=env)
    assert (result.code, statuses(result)["sandbox"]) == (0, "ok")
    assert not (home.path / "new.db").exists()
    (home.path / "new.db").write_text("no database", encoding="utf-8")
    assert statuses(orchctl("doctor", "-o", "json", env=env))["sandbox"] == "fail"


def test_a_way_that_is_closed_is_named_at_the_step_where_it_ends(orchctl: Any) -> None:
    closed = orchctl("doctor", "-o", "json", env=env_for(f"http://127.0.0.1:{closed_port()}"))
    assert list(checks(closed))[-1] == "tcp"
    assert (closed.code, statuses(closed)["dns"], statuses(closed)["tcp"]) == (1, "ok", "fail")
    nowhere = orchctl("doctor", "-o", "json", env=env_for("https://no-such-host.invalid"))
    assert list(checks(nowhere))[-1] == "dns"
    assert "no-such-host.invalid" in checks(nowhere)["dns"]["message"]


def test_no_credential_is_a_failure_with_the_way_to_get_one(orchctl: Any, server: FaultServer) -> None:
    env = {"ORCHCTL_URL": server.url, "ORCHCTL_DIALECT": "sherpa"}
    server.plan(*[reply(401, b"{}")] * 8)
    result = orchctl("doctor", "-o", "json", env=env)
    assert checks(result)["credential"]["status"] == "fail"
    assert "ORCHCTL_TOKEN" in checks(result)["credential"]["fix"]


def test_a_clock_that_is_wrong_and_a_web_page_are_told(orchctl: Any, server: FaultServer) -> None:
    for skew, verdict in ((0, "ok"), (60, "warn"), (3600, "fail")):
        date = format_datetime(datetime.now(UTC) - timedelta(seconds=skew), usegmt=True)
        server.plan(reply(200, b"{}", {"Date": date}), *[html(effect=False)] * 8)
        result = orchctl("doctor", "-o", "json", env=env_for(server.url))
        assert checks(result)["clock"]["status"] == verdict
        assert checks(result)["dialect"]["status"] == "fail"
        assert "check the context's URL" in checks(result)["dialect"]["fix"]
        assert "a-secret-guid" not in result.out + result.err


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -1400", "x", ""])
def test_a_clock_beyond_the_calendar_is_none(orchctl: Any, server: FaultServer, date: str) -> None:
    server.plan(reply(200, b"{}", {"Date": date}), *[html(effect=False)] * 8)
    clock = checks(orchctl("doctor", "-o", "json", env=env_for(server.url)))["clock"]
    assert (clock["status"], clock["message"]) == ("ok", "the server does not say what time it is")


def test_a_proxy_that_is_not_there_and_one_that_is_not_used_are_told(orchctl: Any, home: Home) -> None:
    proxied = env_for("https://rpa.example.invalid", ORCHCTL_PROXY=f"http://127.0.0.1:{closed_port()}")
    result = orchctl("doctor", "-o", "json", env=proxied)
    assert (statuses(result)["proxy"], statuses(result)["http"]) == ("fail", "fail")
    assert "dns" not in statuses(result)
    ignored = env_for("https://rpa.example.invalid", HTTPS_PROXY="http://proxy.example.invalid:3128")
    assert checks(orchctl("doctor", "-o", "json", env=ignored))["proxy"]["status"] == "warn"
