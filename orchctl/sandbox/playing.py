"""The robot of the sandbox, played from the command line: it begins a task or a job, says things, ends it.

Whoever's API the work came over, it is done by the engine's rules, and takes effect at once on a server that
runs on the same database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json import dumps, loads
from pathlib import Path
from uuid import uuid4

from orchctl.errors import LocalFault, UsageFault
from orchctl.model import JobStatus, Json, LogLevel, TaskStatus
from orchctl.sandbox.acting import act
from orchctl.sandbox.engine import (
    Conflict,
    Engine,
    NotFound,
    Tx,
    jobs,
    logs,
    processes,
    queues,
    robots,
    runs,
    tasks,
)
from orchctl.sandbox.engine.jobs import Job, JobFields
from orchctl.sandbox.engine.processes import Variable
from orchctl.sandbox.engine.tasks import Task

_ROBOT = "robot"
_RUNS_ALREADY = (JobStatus.IN_PROGRESS, JobStatus.STOPPING, JobStatus.ABORTING)
_FAILED = "The robot was told to fail."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the robot does: the output, files of it, lines of the log, and how it ends; ``running``: not yet."""

    result: Json = None
    files: Sequence[Path] = ()
    log: Sequence[str] = ()
    fail: bool = False
    running: bool = False

    @property
    def reason(self) -> str:
        """Why it failed: the last thing that was said."""
        return self.log[-1] if self.log else _FAILED

    @property
    def said(self) -> Sequence[str]:
        """The log without the reason, which is an error."""
        return self.log[:-1] if self.fail and not self.running else self.log


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """``name`` is the task's queue or the job's process, ``status`` a word of the vocabulary."""

    kind: str
    name: str
    status: str
    robot: str | None


_Files = Sequence[tuple[str, bytes]]


def play(database: Path | None, ident: str, part: Part) -> Played:
    """Run the task or job that ``ident`` is; ``task:`` or ``job:`` in front says which, where it could be both.

    :raises NotFound: there is neither. :raises Refused: it has ended, or cannot begin.
    """
    files = [_read(path) for path in part.files]

    def action(engine: Engine) -> Played:
        from orchctl.sandbox.app import courier

        errands = courier(engine)
        errands.run_due()  # so that a task whose files can be had is ready
        played = engine.write(lambda tx: _play(tx, ident, part, files))
        errands.run_due()
        return played

    return act(database, action)


def _play(tx: Tx, ident: str, part: Part, files: _Files) -> Played:
    task, job = _found(tx, ident)
    if job is not None:
        return _play_job(tx, job, part, files)
    assert task is not None
    task = _play_task(tx, task, part, files)
    return Played(kind="task", name=queues.of(tx, task.queue_id).name, status=task.status, robot=task.robot)


def _found(tx: Tx, ident: str) -> tuple[Task | None, Job | None]:
    kind, colon, key = ident.partition(":")
    if not colon or kind not in ("task", "job"):
        kind, key = "", ident
    task, job = None, None
    try:
        task = None if kind == "job" else tasks.find(tx, key)
    except NotFound:
        if kind:
            raise
    try:
        job = None if kind == "task" else jobs.find(tx, key)
    except NotFound:
        if task is None:
            raise NotFound(f"there is no task or job {ident!r}") from None
    if task is None or job is None:
        return task, job
    still_open = (task.ended_at is None, job.ended_at is None)
    if still_open[0] == still_open[1]:
        raise UsageFault(
            f"{ident!r} is a task and a job", hint=f"write task:{ident} or job:{ident}, or use the GUID"
        )
    return (task, None) if still_open[0] else (None, job)


def _play_task(tx: Tx, task: Task, part: Part, files: _Files) -> Task:
    if task.ended_at is not None:
        raise Conflict(f"the task {task.id} has ended: it is {task.status}")
    if task.status != TaskStatus.IN_PROGRESS:
        task = _begin(tx, task)
    if part.said:
        runs.log(tx, task, part.said)
    for name, content in files:
        runs.add_file(tx, task, name=name, content=content, is_output=True)
    output = _output(tx, task, part.result, [name for name, _ in files])
    if part.running:
        return task if output is None else tasks.update(tx, task, {"output": output})
    if not part.fail:
        name = queues.of(tx, task.queue_id).name
        runs.log(tx, task, [f"Process '{name}' completed!"], component="Player")
        return runs.finish(tx, task, output=output, error=None)
    runs.log(tx, task, [part.reason], level="ERR", component="Player")
    if task.comment is None and runs.of(tx, task).system is None:
        task = tasks.update(tx, task, {"comment": part.reason})  # where Sherpa's API shows a reason
    return runs.finish(tx, task, output=output, error=part.reason)


def _begin(tx: Tx, task: Task) -> Task:
    task = runs.start(tx, task, robot=_robot(tx))
    lines = ["Started preparing a task for the bot."]
    lines += [f"Input file {name}" for name in runs.input_names(tx, task)]
    lines += [f"Executing process '{queues.of(tx, task.queue_id).name}'"]
    runs.log(tx, task, lines, component="Player")
    return task


def _play_job(tx: Tx, job: Job, part: Part, files: _Files) -> Played:
    """With its task, if it has one: a robot does both."""
    if job.ended_at is not None:
        raise Conflict(f"the job {job.guid} has ended: it is {job.status}")
    if job.status not in _RUNS_ALREADY:
        job = jobs.update(tx, job, {}, status=JobStatus.IN_PROGRESS)
    task = None if job.task_guid is None else tasks.find(tx, job.task_guid)
    if task is None and files:
        raise UsageFault("this job has no task, and so no place for files", hint="leave --file out")
    if task is not None and task.ended_at is None:
        _play_task(tx, task, part, files)
    process = processes.of(tx, job.process_id)
    robot = robots.of(tx, job.robot_id)
    version = None if job.version_id is None else processes.version_of(tx, job.version_id)

    def say(level: LogLevel, message: str) -> None:
        logs.create(
            tx,
            level,
            message,
            robot=robot,
            version=version,
            job_guid=job.guid,
            process_name=process.name,
            machine=job.machine,
            folder_id=job.folder_id,
        )

    for line in part.said:
        say(LogLevel.INFO, line)
    if not part.running:
        fields: JobFields = {}
        if part.result is not None:
            fields["output"] = dumps(part.result, ensure_ascii=False)
        if part.fail:
            say(LogLevel.ERROR, part.reason)
            fields["info"] = part.reason
        job = jobs.update(tx, job, fields, status=_end_of(job, part))
    name = None if robot is None else robot.name
    return Played(kind="job", name=process.name, status=job.status, robot=name)


def _end_of(job: Job, part: Part) -> JobStatus:
    """A robot that was asked to stop or abort does so."""
    if job.status == JobStatus.ABORTING:
        return JobStatus.ABORTED
    if part.fail:
        return JobStatus.FAILED
    return JobStatus.STOPPED if job.status == JobStatus.STOPPING else JobStatus.SUCCESS


def _output(tx: Tx, task: Task, result: Json, files: list[str]) -> str | None:
    """The output: the result, and the files in the declared variables for them that it leaves open."""
    if not files:
        return None if result is None else dumps(result, ensure_ascii=False)
    before = loads(task.output) if task.output else None
    whole: Json = before if result is None else result
    if whole is None:
        whole = {}
    if not isinstance(whole, dict):
        raise UsageFault("with --file the result must be a JSON object: the names of the files go into it")
    taken = {key.lower() for key, value in whole.items() if value is not None}
    left = [name for name in files if name not in _strings(whole.values())]
    for item in _outputs(tx, task):
        if left and item.type == "file" and item.name.lower() not in taken:
            count = len(left) if item.is_array else 1
            mine: list[Json] = [*left[:count]]
            whole = {**whole, item.name: mine if item.is_array else mine[0]}
            left = left[count:]
    return dumps(whole, ensure_ascii=False)


def _outputs(tx: Tx, task: Task) -> list[Variable]:
    run = runs.of(tx, task)
    if run.version_id is None:
        return []
    try:
        version = processes.find_version(tx, str(run.version_id))
    except NotFound:
        return []
    return [item for item in version.variable_list if item.scope != "in"]


def _strings(values: Iterable[Json]) -> set[str]:
    found: set[str] = set()
    for value in values:
        found |= {item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)}
    return found


def _robot(tx: Tx) -> str:
    """The sandbox's own robot: a GUID that stays the same."""
    tx.connection.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (_ROBOT, str(uuid4())))
    row = tx.connection.execute("SELECT value FROM setting WHERE name = ?", (_ROBOT,)).fetchone()
    return str(row[0])


def _read(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise LocalFault(f"cannot read {path}: {error.strerror or error}") from None
