"""Jobs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import ODATA, id_of, made
from orchctl.dialects.uipath.lookups import JOB_PARTS, JOBS, JOBS_METER, Lookups
from orchctl.dialects.uipath.odata import (
    Record,
    collection,
    every,
    moment,
    some,
    text,
)
from orchctl.dialects.uipath.words import JOB_STATUS, JOB_STATUS_NATIVE, PRIORITY, PRIORITY_NATIVE
from orchctl.errors import UsageFault
from orchctl.model.words import JobStatus
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Job, JobFilter, Json, NewJob

_NO_TEXT = frozenset(
    {
        *("RobotIds", "MachineSessionIds", "MachineRobots", "Attachments", "NoOfRobots", "JobsCount"),
        *("SpecificPriorityValue", "ResumeOnSameContext", "RequiresUserInteraction", "RunAsMe"),
    }
)
_ONE_JOB = "job create starts one job"
_SEVERAL = f"run it once for each, or: orchctl api POST {JOBS}/{ODATA}.StartJobs --input FILE"
# Beyond this the server wants a file.
_LONGEST_INPUT = 10_000


class Jobs(Lookups):
    def create_job(self, new: NewJob) -> Job:
        """``StartJobs``: one job, on whatever robot is free unless one is named."""
        if new.task_id is not None:
            self.refuse_field("a job's task", "give the job what it needs as --input")
        info: dict[str, Json] = {
            "ReleaseKey": Record(self._release(new.process)).text("Key"),
            **self._strategy(new.robot),
            **({"InputArguments": _arguments(new.input)} if new.input is not None else {}),
            **({"JobPriority": PRIORITY_NATIVE[new.priority]} if new.priority else {}),
            **_limits(new),
            **_native_fields(new),
        }
        path = f"{JOBS}/{ODATA}.StartJobs"
        reply = self._write("POST", path, json={"startInfo": info}, query={"$expand": JOB_PARTS})
        rows, _ = collection(reply)
        if not rows:
            raise reply.unintelligible("it names no job")
        return made(reply, lambda _: self._job(rows[0]))

    def list_jobs(self, wanted: JobFilter, cursor: str | None) -> Page[Job]:
        """The newest first."""
        states = [state for status in wanted.statuses for state in JOB_STATUS_NATIVE.get(status, ())]
        if wanted.statuses and not states:
            return Page(iter(()))
        where = every(
            some(*(f"State eq {text(state)}" for state in states)),
            f"ReleaseName eq {text(self._release_name(wanted.process))}" if wanted.process else None,
            f"Robot/Name eq {text(self._robot_name(wanted.robot))}" if wanted.robot else None,
            f"CreationTime ge {moment(wanted.since)}" if wanted.since else None,
            f"CreationTime le {moment(wanted.until)}" if wanted.until else None,
        )
        return self._page(
            JOBS, self._job, cursor, where=where, expand=JOB_PARTS, newest_first=True, meter=JOBS_METER
        )

    def get_job(self, ident: str) -> Job:
        return self._job(self._job_native(ident))

    def stop_job(self, ident: str) -> None:
        self._stop(ident, "SoftStop")

    def abort_job(self, ident: str) -> None:
        self._stop(ident, "Kill")

    def restart_job(self, ident: str) -> Job:
        body: Json = {"jobId": int(self._job_number(ident))}
        path = f"{JOBS}/{ODATA}.RestartJob"
        reply = self._write("POST", path, json=body, query={"$expand": JOB_PARTS})
        return made(reply, self._job)

    def _stop(self, ident: str, strategy: str) -> None:
        body: Json = {"jobIds": [int(self._job_number(ident))], "strategy": strategy}
        self._write("POST", f"{JOBS}/{ODATA}.StopJobs", json=body, effect=Effect.IDEMPOTENT)

    def _strategy(self, robot: str | None) -> dict[str, Json]:
        if robot is None:
            return {"Strategy": "ModernJobsCount", "JobsCount": 1}
        return {"Strategy": "Specific", "RobotIds": [int(id_of(self._robot(robot)))]}

    def _job(self, native: dict[str, Any]) -> Job:
        row = Record(native)
        release, robot, error = row.inner("Release"), row.inner("Robot"), row.inner("JobError")
        key = row.text("Key") or id_of(row)
        if number := row.text("Id"):
            self._job_numbers[key] = number
        return model.Job(
            id=key,
            status=row.word(JOB_STATUS, "State") or JobStatus.UNKNOWN,
            process=row.text("ReleaseName") or release.text("Name"),
            process_version=release.text("ProcessVersion"),
            robot=robot.text("Name"),
            priority=row.word(PRIORITY, "JobPriority"),
            source=row.text("SourceType", "Source"),
            created_at=row.time("CreationTime"),
            started_at=row.time("StartTime"),
            ended_at=row.time("EndTime"),
            info=row.text("Info") or error.text("Detail", "Title"),
            input=row.parsed("InputArguments"),
            output=row.parsed("OutputArguments"),
            native=native,
        )


def _native_fields(new: NewJob) -> dict[str, Json]:
    """Fields of the API as they are; those that are no text there are read as JSON."""
    found: dict[str, Json] = {}
    for name, value in new.fields.items():
        if name in _NO_TEXT and isinstance(value, str):
            try:
                value = json.loads(value)  # noqa: PLW2901  # the same value, read
            except ValueError:
                raise UsageFault(f"the field {name} is JSON, and {value!r} is none") from None
        found[name] = value
    counts = (found.get("JobsCount"), found.get("NoOfRobots"))
    robots = found.get("RobotIds")
    if found.get("Strategy") == "All" or any(isinstance(count, int) and count > 1 for count in counts):
        raise UsageFault(_ONE_JOB, hint=_SEVERAL)
    if isinstance(robots, list) and len(robots) > 1:
        raise UsageFault(_ONE_JOB, hint=_SEVERAL)
    return found


def _arguments(value: Json) -> str:
    if not isinstance(value, dict):
        raise UsageFault(
            "a job's input is an object for UiPath Orchestrator", hint="""--input '{"name": ...}'"""
        )
    written = json.dumps(value, ensure_ascii=False)
    if len(written) > _LONGEST_INPUT:
        raise UsageFault(
            f"the input has {len(written)} characters, UiPath Orchestrator takes {_LONGEST_INPUT}",
            hint="put what is large in a task or a storage bucket, and give the job where it is",
        )
    return written


def _limits(new: NewJob) -> dict[str, Json]:
    """Both ends are seconds here: the stop from the start of the job, the kill from the stop. Unverified."""
    if new.stop_after is None and new.abort_after is None:
        return {}
    now = datetime.now(UTC)
    if new.stop_after is None:
        assert new.abort_after is not None
        return {"StopStrategy": "Kill", "StopProcessExpression": _seconds(now, new.abort_after)}
    limits: dict[str, Json] = {
        "StopStrategy": "SoftStop",
        "StopProcessExpression": _seconds(now, new.stop_after),
    }
    if new.abort_after is not None:
        limits["KillProcessExpression"] = _seconds(new.stop_after, new.abort_after)
    return limits


def _seconds(start: datetime, end: datetime) -> str:
    return str(max(1, round((end - start).total_seconds())))
