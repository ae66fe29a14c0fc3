"""Jobs: started, listed, stopped softly or hard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.names import Names
from orchctl.client.tasks import Tasks
from orchctl.dialects.base import Feature
from orchctl.model.words import JobStatus

if TYPE_CHECKING:
    from orchctl.model import Job, JobChange, JobFilter, NewJob

_JOB = "job"


class Jobs(Tasks, Names):
    def create_job(self, new: NewJob) -> Job:
        """Start a process, and read back what the orchestrator made of it."""
        self.require(Feature.CREATE_JOB)
        created = self.dialect.create_job(
            replace(
                new,
                process=self._target("process", new.process, self.dialect.get_process),
                robot=new.robot and self._target("robot", new.robot, self.dialect.get_robot),
                task_id=new.task_id and self._task_id(new.task_id),
            )
        )
        self.registry.remember(_JOB, {created.id: ""})
        if created.native is not None:
            return self._with_names(created)
        job = self._read_job(created.id, created)
        self._note_not_kept(new, job, "priority", "stop_after", "abort_after")
        return job

    def list_jobs(self, wanted: JobFilter) -> Iterator[Job]:
        """The jobs that match; where the server has no list, those this machine has seen, read anew."""
        self.require(Feature.LIST_JOBS)
        jobs = self._listed(lambda cursor: self.dialect.list_jobs(wanted, cursor), _JOB, self.dialect.get_job)
        for job in jobs:
            named = self._with_names(job)
            if _matches(job, wanted) and self._has_ends(job, named, wanted):
                yield named

    def get_job(self, ident: str) -> Job:
        self.require(Feature.GET_JOB)
        return self._with_names(self._find(_JOB, ident, self.dialect.get_job))

    def update_job(self, ident: str, change: JobChange) -> Job:
        self.require(Feature.UPDATE_JOB)
        self.dialect.update_job(ident, change)
        job = self._read_job(ident)
        self._note_not_kept(change, job, "priority", "stop_after", "abort_after")
        return job

    def report_job(self, ident: str, status: JobStatus) -> None:
        """Set a job's status as the robot that runs it does: nothing is read back."""
        self.require(Feature.UPDATE_JOB)
        self.dialect.update_job(ident, model.JobChange(status=status))

    def delete_job(self, ident: str) -> None:
        self.require(Feature.DELETE_JOB)
        self.dialect.delete_job(ident)
        self.registry.forget(_JOB, ident)

    def stop_job(self, ident: str) -> Job:
        """Ask the job to end itself."""
        self.require(Feature.STOP_JOB)
        self.dialect.stop_job(ident)
        return self._read_job(ident)

    def abort_job(self, ident: str) -> Job:
        """Have the job killed."""
        self.require(Feature.ABORT_JOB)
        self.dialect.abort_job(ident)
        return self._read_job(ident)

    def restart_job(self, ident: str) -> Job:
        """Start its process once more, with what it was given."""
        self.require(Feature.RESTART_JOB)
        return self._with_names(self.dialect.restart_job(ident))

    def _read_job(self, ident: str, known: Job | None = None) -> Job:
        return self._after(
            "job",
            lambda: self._with_names(self.dialect.get_job(ident)),
            known or model.Job(id=ident, status=JobStatus.UNKNOWN),
        )

    def _with_names(self, job: Job) -> Job:
        version = self._version(job.process_version)
        process = job.process or (version.process if version else None)
        return replace(
            job,
            process=self._process_name(process),
            process_version=version.name if version and version.name else job.process_version,
            robot=self._robot_name(job.robot),
        )

    def _has_ends(self, job: Job, named: Job, wanted: JobFilter) -> bool:
        """Is it of the process and for the robot that were asked for, by whichever name?"""
        if wanted.process is not None and wanted.process not in (job.process, named.process):
            names = self._aliases("process", wanted.process, Feature.GET_PROCESS, self.dialect.get_process)
            if names.isdisjoint({job.process, named.process}):
                return False
        if wanted.robot is not None and wanted.robot not in (job.robot, named.robot):
            names = self._aliases("robot", wanted.robot, Feature.GET_ROBOT, self.dialect.get_robot)
            if names.isdisjoint({job.robot, named.robot}):
                return False
        return True


def _matches(job: Job, wanted: JobFilter) -> bool:
    if wanted.statuses and job.status not in wanted.statuses:
        return False
    if wanted.since is not None and (job.created_at is None or job.created_at < wanted.since):
        return False
    return wanted.until is None or (job.created_at is not None and job.created_at <= wanted.until)
