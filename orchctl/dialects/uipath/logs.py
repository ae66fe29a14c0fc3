"""The robots' log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import LARGEST_PAGE
from orchctl.dialects.uipath.lookups import Lookups
from orchctl.dialects.uipath.odata import Record, collection, every, moment, text
from orchctl.dialects.uipath.words import LOG_LEVEL, LOG_LEVEL_NATIVE, LOG_LEVEL_NUMBER
from orchctl.model.words import LogLevel

if TYPE_CHECKING:
    from orchctl.model import Json, LogEntry, LogFilter, NewLogEntry

_PATH = "/odata/RobotLogs"


class Logs(Lookups):
    def create_log_entry(self, new: NewLogEntry) -> LogEntry | None:
        """``POST /api/Logs/SubmitLogs``: JSON in strings. Neither a process version nor an id has a place."""
        if new.process_version is not None:
            self.refuse_field("an entry's process version", "say it with --job, whose process is known")
        entry: dict[str, Json] = {
            "message": new.message,
            "level": LOG_LEVEL_NATIVE[new.level],
            "timeStamp": datetime.now(UTC).isoformat(),
            **({"robotName": self._robot_name(new.robot)} if new.robot else {}),
            **({"jobId": self._job_key(new.job_id)} if new.job_id else {}),
        }
        line = json.dumps(entry, ensure_ascii=False)
        self._write("POST", "/api/Logs/SubmitLogs", json=[line])
        return None

    def list_log_entries(self, wanted: LogFilter, cursor: str | None) -> Page[LogEntry]:
        """``GET /odata/RobotLogs`` from the oldest on, past its window of 10,000 rows by time.

        Entries have no id: a page begins at the last time of the one before, and skips as many as it had.
        An OR does not work there, so that of several none is named: the client filters, and this by machine.
        """
        since, _, skip = (cursor or "").partition("|")
        where = every(
            f"TimeStamp ge {since}" if since else None,
            f"TimeStamp ge {moment(wanted.since)}" if wanted.since and not since else None,
            f"TimeStamp le {moment(wanted.until)}" if wanted.until else None,
            f"Level ge '{LOG_LEVEL_NUMBER[wanted.level]}'" if wanted.level else None,
            f"JobKey eq {self._job_key(wanted.jobs[0])}" if len(wanted.jobs) == 1 else None,
            f"RobotName eq {text(self._robot_name(wanted.robots[0]))}" if len(wanted.robots) == 1 else None,
            f"ProcessName eq {text(wanted.processes[0])}" if len(wanted.processes) == 1 else None,
            f"HostMachineName eq {text(wanted.machines[0])}" if len(wanted.machines) == 1 else None,
        )
        query = {
            **({"$filter": where} if where else {}),
            "$orderby": "TimeStamp",
            "$top": str(LARGEST_PAGE),
            **({"$skip": skip} if skip else {}),
        }
        rows, _ = collection(self._read(_PATH, query=query))
        machines = {name.casefold() for name in wanted.machines}
        chosen = (row for row in rows if not machines or _machine(row) in machines)
        return Page(map(_entry, chosen), next=_next(rows, since, skip) if len(rows) >= LARGEST_PAGE else None)


def _next(rows: list[dict[str, Any]], since: str, skip: str) -> str:
    """The time of the last row, and how many rows of that time have been seen."""
    last = Record(rows[-1]).text("TimeStamp") or ""
    seen = sum(Record(row).text("TimeStamp") == last for row in rows)
    if last == since:
        seen += int(skip or 0)
    return f"{last}|{seen}"


def _machine(row: dict[str, Any]) -> str:
    return (Record(row).text("HostMachineName") or "").casefold()


def _entry(native: dict[str, Any]) -> LogEntry:
    row = Record(native)
    return model.LogEntry(
        # Its Id is 0 for every entry.
        time=row.time("TimeStamp") or datetime.fromtimestamp(0, UTC),
        level=row.word(LOG_LEVEL, "Level") or LogLevel.INFO,
        message=row.text("Message") or "",
        robot=row.text("RobotName"),
        process=row.text("ProcessName"),
        job_id=row.text("JobKey"),
        native=native,
    )
