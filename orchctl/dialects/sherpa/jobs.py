"""Sherpa's jobs. Its documents contradict each other on nearly every call (seeds 001 and 003)."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, given, id_of, stamp
from orchctl.errors import UsageFault
from orchctl.model.words import JobStatus, Priority
from orchctl.transport import Call, Effect

if TYPE_CHECKING:
    from orchctl.model import Json

# Seed 001. There is an Unknown too since 141844; its number is not documented.
JOB_STATUS = {
    0: JobStatus.CREATED,
    1: JobStatus.PENDING,
    2: JobStatus.ABORTING,
    3: JobStatus.ABORTED,
    4: JobStatus.SUCCESS,
    5: JobStatus.FAILED,
    6: JobStatus.STOPPING,
    7: JobStatus.STOPPED,
    8: JobStatus.IN_PROGRESS,
}
_STATUS_NUMBER = {word: number for number, word in JOB_STATUS.items()}
# Release notes of 141856; not the numbers that tasks have.
_PRIORITY = {1: Priority.LOW, 2: Priority.NORMAL, 3: Priority.HIGH}
_PRIORITY_NUMBER = {word: number for number, word in _PRIORITY.items()}
# Set once more a moment later, these would undo what the robot has made of them.
_ONCE = frozenset({JobStatus.CREATED, JobStatus.PENDING, JobStatus.STOPPING, JobStatus.ABORTING})


class Jobs(Calls):
    def create_job(self, new: model.NewJob) -> model.Job:
        """``POST /api/job/create`` as the in-product reference has it; seed 003's own parameter is a slip.

        StopAfter, AbortAfter and Priority are unverified names, sent only when asked for.
        """
        if new.input is not None:
            self.refuse_field("a job's input", "create a task with it, and give its id as --task")
        fields = {
            **given(
                ProcessGUID=new.process,
                RobotGUID=new.robot,
                TaskGUID=new.task_id,
                StopAfter=stamp(new.stop_after, self._zone),
                AbortAfter=stamp(new.abort_after, self._zone),
                Priority=None if new.priority is None else _PRIORITY_NUMBER[new.priority],
            ),
            **new.fields,
        }
        if not any(key.lower().startswith("robot") for key in fields):
            raise UsageFault(
                "Sherpa Orchestrator creates a job for a robot, and none was given", hint="add --robot ID"
            )
        return model.Job(
            id=self._create("job", fields),
            status=JobStatus.PENDING,
            process=new.process,
            robot=new.robot,
            task_id=new.task_id,
            priority=new.priority,
            stop_after=new.stop_after,
            abort_after=new.abort_after,
        )

    def list_jobs(self, wanted: model.JobFilter, cursor: str | None) -> Page[model.Job] | None:
        """``GET /api/job/read``: not documented, tried. Its rows may be as poor as the one that is documented."""
        return self._list("job", lambda native: read_job(native, self._zone, ident=""))

    def get_job(self, ident: str) -> model.Job:
        """``GET /api/job/read/{guid}``. Seed 003 prints what it answers under create."""
        return read_job(self._read("job", ident), self._zone, ident=ident)

    def update_job(self, ident: str, change: model.JobChange) -> None:
        """Status is documented; the other fields are unverified names."""
        fields = given(
            StopAfter=stamp(change.stop_after, self._zone),
            AbortAfter=stamp(change.abort_after, self._zone),
            Priority=None if change.priority is None else _PRIORITY_NUMBER[change.priority],
        )
        self._set_job(ident, change.status, fields)

    def delete_job(self, ident: str) -> None:
        """``DELETE /api/job/delete/{guid}``."""
        self._delete("job", ident)

    def stop_job(self, ident: str) -> None:
        """No document has a call for it: Stopping is set, which the robot reads at its next heartbeat."""
        self._set_job(ident, JobStatus.STOPPING, {})

    def abort_job(self, ident: str) -> None:
        """The same with Aborting."""
        self._set_job(ident, JobStatus.ABORTING, {})

    def _set_job(self, ident: str, status: JobStatus | None, more: dict[str, Json]) -> None:
        """PUT (seed 001, its code) or POST (seed 003) ``/api/job/update``."""
        fields = {"guid": ident, **given(status=None if status is None else self._job_number(status)), **more}
        effect = Effect.ONCE if status in _ONCE else Effect.IDEMPOTENT

        def make(method: str, accept: frozenset[int] = frozenset()) -> Call:
            return self._call(method, "/api/job/update", fields, coded=True, effect=effect, accept=accept)

        fixed = self.context.job_update_method
        if fixed == "auto":
            self._either("job/update", ("PUT", "POST"), ident, make)
        else:
            self._acknowledged(self.http.send(make(fixed.upper())))

    def _job_number(self, status: JobStatus) -> int:
        if status not in _STATUS_NUMBER:
            self.refuse_field(f"the status {status}", f"its job statuses are: {', '.join(_STATUS_NUMBER)}")
        return _STATUS_NUMBER[status]


def read_job(native: dict[str, Any], zone: tzinfo, *, ident: str | None = None) -> model.Job:
    """``ident``: what it was asked for by; the documented answer holds no id, but a status."""
    record = Record(native, zone)
    status = record.word(JOB_STATUS, "status")
    return model.Job(
        id=id_of(record, "jobguid", known=None if status is None else ident),
        status=JobStatus.UNKNOWN if status is None else status,
        process=record.reference("processname", "processguid", "processid"),
        process_version=record.reference("processversionname", "processversionguid", "processversionid"),
        robot=record.reference("robotname", "robotguid", "robotid"),
        task_id=record.reference("taskguid", "taskid"),
        priority=record.word(_PRIORITY, "priority"),
        source=record.text("source"),
        created_at=record.time("createdat", "created"),
        started_at=record.time("startedat", "started"),
        ended_at=record.time("finishedat", "finished", "endedat", "ended"),
        stop_after=record.time("stopafter"),
        abort_after=record.time("abortafter"),
        info=record.text("info", "comment", "errortext"),
        native=native,
    )
