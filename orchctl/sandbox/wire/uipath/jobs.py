"""Jobs."""

from __future__ import annotations

from json import loads
from typing import Any

from orchctl.model import JobStatus, Priority
from orchctl.sandbox.engine import NotFound, jobs, processes, robots
from orchctl.sandbox.engine.base import LARGEST_ID, Tx, as_id, is_guid
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.jobs import Job, JobFields
from orchctl.sandbox.engine.processes import Process
from orchctl.sandbox.engine.robots import Robot
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, Body, done, json, missing, stamp
from orchctl.sandbox.wire.uipath.odata import Compare, Literal, Node, Path, applied, conjuncts
from orchctl.sandbox.wire.uipath.odata import shown as options_shown
from orchctl.sandbox.wire.uipath.processes import named
from orchctl.sandbox.wire.uipath.processes import shown as release_shown
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, Refused
from orchctl.sandbox.wire.uipath.robots import in_folder as robot_in_folder
from orchctl.sandbox.wire.uipath.robots import shown as robot_shown

ENTITY = "Jobs"

_STATES = (
    *("Pending", "Running", "Stopping", "Terminating", "Faulted", "Successful"),
    *("Stopped", "Suspended", "Resumed"),
)
_STATE = {
    JobStatus.CREATED: "Pending",
    JobStatus.PENDING: "Pending",
    JobStatus.IN_PROGRESS: "Running",
    JobStatus.UNKNOWN: "Running",
    JobStatus.STOPPING: "Stopping",
    JobStatus.ABORTING: "Terminating",
    JobStatus.FAILED: "Faulted",
    JobStatus.SUCCESS: "Successful",
    JobStatus.STOPPED: "Stopped",
    JobStatus.ABORTED: "Stopped",
    JobStatus.SUSPENDED: "Suspended",
}
_PRIORITIES = ("Low", "Normal", "High")
_STRATEGIES = ("All", "Specific", "RobotCount", "JobsCount", "ModernJobsCount")
_ENUMS = {
    "state": _STATES,
    "jobpriority": _PRIORITIES,
    "sourcetype": ("Manual", "Schedule", "Agent", "Queue"),
    "stopstrategy": ("SoftStop", "Kill"),
    "type": ("Unattended", "Attended", "ServerlessGeneric"),
}
_NAVIGATION = frozenset({"Robot", "Release", "Machine"})
_MOST_AT_ONCE = 1000
_LONGEST_INPUT = 10_000


def list_(ask: Ask) -> Response:
    """What the numbers in a filter rule out is not read at all."""
    folder = ask.folder()
    options = ask.options()
    first, last = _bounds(options.filter)
    order = [(path.last, down) for path, down in options.order]
    newest_first = order == [("id", True)]
    only_bounds = options.filter is not None and all(map(_is_bound, conjuncts(options.filter)))
    enough = -1
    if (
        (options.filter is None or only_bounds)
        and order in ([], [("id", False)], [("id", True)])
        and not options.count
    ):
        enough = options.skip + options.top
    found = jobs.search(
        ask.tx, folder_id=folder.id, from_id=first, to_id=last, newest_first=newest_first, limit=enough
    )
    releases: dict[int, dict[str, Any]] = {}
    rows, total = applied((shown(ask.tx, job, folder, releases) for job in found), options, _ENUMS)
    return ask.collection(ENTITY, [options_shown(row, options, _NAVIGATION) for row in rows], options, total)


def get(ask: Ask) -> Response:
    folder = ask.folder()
    return ask.one(ENTITY, shown(ask.tx, _job(ask.tx, folder, ask.key()), folder), navigation=_NAVIGATION)


def get_by_key(ask: Ask) -> Response:
    folder = ask.folder()
    job = _keyed(ask.tx, folder, ask.argument("identifier"))
    return ask.one(ENTITY, shown(ask.tx, job, folder), navigation=_NAVIGATION)


def start(ask: Ask) -> Response:
    folder = ask.folder()
    info = ask.body().inner("startInfo", "startInfo")
    process = _process(ask.tx, folder, info)
    made = [_make(ask.tx, process, info, robot) for robot in _whom(ask.tx, folder, info)]
    context = f"{ask.base}/odata/$metadata#Jobs"
    rows = [options_shown(shown(ask.tx, job, folder), ask.options(), _NAVIGATION) for job in made]
    return json({"@odata.context": context, "value": rows}, 201)


def validate(ask: Ask) -> Response:
    """``ValidateDynamicJob``: what StartJobs would say."""
    folder = ask.folder()
    errors = []
    try:
        info = ask.body().inner("startInfo", "startInfo")
        if _process(ask.tx, folder, info).version_id is None:
            errors.append("The process has no version.")
        _whom(ask.tx, folder, info)
        _input(info)
    except Refused as error:
        errors.append(str(error.message))
    context = f"{ask.base}/odata/$metadata#UiPath.ValidationResultDto"
    return json({"@odata.context": context, "IsValid": not errors, "Errors": errors, "ErrorCodes": []})


def stop(ask: Ask) -> Response:
    """``Jobs(id)/StopJob``."""
    _stop(ask.tx, _job(ask.tx, ask.folder(), ask.key()), _how(ask.body()))
    return done(ask)


def stop_many(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    how = _how(body)
    numbers = body.get("jobIds")
    if not isinstance(numbers, list):
        raise Refused(400, "The jobIds field is required.", code=BAD_ARGUMENT)
    for number in numbers:
        _stop(ask.tx, _job(ask.tx, folder, as_id(str(number)) or 0), how)
    return done(ask)


def restart(ask: Ask) -> Response:
    """A job that has ended, once more, with what it was given."""
    folder = ask.folder()
    job = _job(ask.tx, folder, ask.body().number("jobId") or 0)
    if job.ended_at is None:
        raise Refused(409, "Only a job that has ended can be restarted.")
    process = processes.by_id(ask.tx, job.process_id)
    if process is None:
        raise missing("Release")
    fields: JobFields = {"priority": Priority(job.priority), "input": job.input, "source": job.source}
    again = jobs.create(ask.tx, process, fields, robot=robots.of(ask.tx, job.robot_id))
    return ask.one(ENTITY, shown(ask.tx, again, folder), navigation=_NAVIGATION)


def resume(ask: Ask) -> Response:
    folder = ask.folder()
    job = _keyed(ask.tx, folder, ask.body().required("jobKey"))
    if job.status != JobStatus.SUSPENDED:
        raise Refused(409, "Only a job that is suspended can be resumed.")
    job = jobs.update(ask.tx, job, {}, status=JobStatus.IN_PROGRESS)
    return ask.one(ENTITY, shown(ask.tx, job, folder), navigation=_NAVIGATION)


def _stop(tx: Tx, job: Job, how: str) -> None:
    if job.ended_at is not None:
        raise Refused(409, "The job has ended already.")
    if how == "SoftStop":
        jobs.stop(tx, job)
    else:
        jobs.abort(tx, job)


def _how(body: Body) -> str:
    strategy = body.required("strategy")
    found = {"softstop": "SoftStop", "1": "SoftStop", "kill": "Kill", "2": "Kill"}.get(strategy.lower())
    if found is None:
        raise Refused(400, f"The stop strategy {strategy!r} is not known.", code=BAD_ARGUMENT)
    return found


def _process(tx: Tx, folder: Folder, info: Body) -> Process:
    key, name = info.text("ReleaseKey"), info.text("ReleaseName")
    if key:
        for process in processes.every(tx, folder_id=folder.id):
            if process.guid == key.lower():
                return process
    elif name and (found := named(tx, folder, name)) is not None:
        return found
    raise missing("Release")


def _whom(tx: Tx, folder: Folder, info: Body) -> list[Robot | None]:
    """For each job to be made, the robot that is to run it; ``None`` is whoever is free."""
    strategy = info.text("Strategy") or "ModernJobsCount"
    strategy = _STRATEGIES[int(strategy)] if strategy in ("0", "1", "2", "3", "4") else strategy
    if strategy not in _STRATEGIES:
        raise Refused(400, f"The strategy {strategy!r} is not known.", code=BAD_ARGUMENT)
    pairs = [pair.number("RobotId") for pair in info.items("MachineRobots")]
    numbers = info.get("RobotIds") or [number for number in pairs if number is not None]
    if numbers:
        return [robot_in_folder(tx, folder, as_id(str(number)) or 0) for number in numbers]
    if strategy == "Specific":
        raise Refused(400, "RobotIds must not be empty with the strategy Specific.", code=BAD_ARGUMENT)
    if strategy == "All":
        found = [robot for robot in robots.every(tx, folder_id=folder.id) if robot.takes_jobs]
        if not found:
            raise Refused(409, "There is no robot in the folder.")
        return [*found]
    count = info.number("JobsCount") or info.number("NoOfRobots") or 1
    if not 1 <= count <= _MOST_AT_ONCE:
        raise Refused(400, f"JobsCount must be between 1 and {_MOST_AT_ONCE}.", code=BAD_ARGUMENT)
    return [None] * count


def _make(tx: Tx, process: Process, info: Body, robot: Robot | None) -> Job:
    fields: JobFields = {
        "source": (info.text("Source") or "Manual").lower(),
        "reference": info.text("Reference", longest=128),
        "priority": _priority(info),
        "input": _input(info),
    }
    stop_after = info.number("StopProcessExpression")
    if stop_after is not None:
        hard = (info.text("StopStrategy") or "SoftStop") == "Kill"
        moment = tx.now + stop_after * 1000
        fields["abort_after" if hard else "stop_after"] = moment
        grace = info.number("KillProcessExpression")
        if grace is not None and not hard:
            fields["abort_after"] = moment + grace * 1000
    return jobs.create(tx, process, fields, robot=robot)


def _input(info: Body) -> str | None:
    text = info.text("InputArguments", longest=_LONGEST_INPUT)
    if not text:
        return None
    try:
        value = loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "InputArguments must be a JSON object in a string.", code=BAD_ARGUMENT)
    return text


def _priority(info: Body) -> Priority:
    value = info.number("SpecificPriorityValue")
    if value is not None:
        return Priority.LOW if value <= 33 else Priority.NORMAL if value <= 66 else Priority.HIGH
    word = (info.text("JobPriority") or "Normal").capitalize()
    if word not in _PRIORITIES:
        raise Refused(400, f"The priority {word!r} is not known.", code=BAD_ARGUMENT)
    return Priority(word.lower())


def _job(tx: Tx, folder: Folder, number: int) -> Job:
    found = jobs.search(tx, folder_id=folder.id, from_id=number, to_id=number)
    if not found:
        raise missing("Job")
    return found[0]


def _keyed(tx: Tx, folder: Folder, key: str) -> Job:
    try:
        job = jobs.find(tx, key) if is_guid(key) else None
    except NotFound:
        job = None
    if job is None or job.folder_id != folder.id:
        raise missing("Job")
    return job


def _bounds(node: Node | None) -> tuple[int, int]:
    """The numbers between which a filter lets jobs through."""
    first, last = 0, LARGEST_ID
    for part in conjuncts(node) if node is not None else []:
        match part:
            case Compare("eq", Path((name,)), Literal(int(number))) if name.lower() == "id":
                first, last = max(first, number), min(last, number)
            case Compare("gt", Path((name,)), Literal(int(number))) if name.lower() == "id":
                first = max(first, number + 1)
            case Compare("lt", Path((name,)), Literal(int(number))) if name.lower() == "id":
                last = min(last, number - 1)
    return first, last


def _is_bound(node: Node) -> bool:
    match node:
        case Compare("eq" | "gt" | "lt", Path((name,)), Literal(int())):
            return name.lower() == "id"
    return False


def shown(
    tx: Tx, job: Job, folder: Folder, releases: dict[int, dict[str, Any]] | None = None
) -> dict[str, Any]:
    """``releases``: those that a list has shown already, by number."""
    releases = {} if releases is None else releases
    process = processes.of(tx, job.process_id)
    release = releases.get(process.id) or releases.setdefault(process.id, release_shown(tx, process, folder))
    version = processes.version_of(tx, job.version_id)
    robot = robots.of(tx, job.robot_id)
    status = JobStatus(job.status)
    failed = status is JobStatus.FAILED
    return {
        "Key": job.guid,
        "StartTime": stamp(job.started_at),
        "EndTime": stamp(job.ended_at),
        "State": _STATE[status],
        "SubState": None,
        "JobPriority": job.priority.capitalize(),
        "SpecificPriorityValue": {"low": 25, "normal": 45, "high": 65}[job.priority],
        "Source": job.source.capitalize(),
        "SourceType": "Schedule" if job.trigger_id is not None else "Manual",
        "BatchExecutionKey": job.guid,
        "Info": job.info,
        "CreationTime": stamp(job.created_at),
        "StartingScheduleId": job.trigger_id,
        "ReleaseName": process.name,
        "Type": "Unattended",
        "InputArguments": job.input,
        "InputFile": None,
        "OutputArguments": job.output,
        "OutputFile": None,
        "HostMachineName": job.machine,
        "StopStrategy": "Kill" if status in (JobStatus.ABORTING, JobStatus.ABORTED) else None,
        "RuntimeType": "Unattended",
        "RequiresUserInteraction": False,
        "ReleaseVersionId": job.version_id,
        "EntryPointPath": None,
        "OrganizationUnitId": folder.id,
        "OrganizationUnitFullyQualifiedName": folder.path,
        "FolderKey": folder.guid,
        "Reference": job.reference or "",
        "ProcessType": "Process",
        "LastModificationTime": stamp(job.updated_at),
        "JobError": {"code": "Robot.Fault", "title": "Job failed", "detail": job.info} if failed else None,
        "Id": job.id,
        "Robot": robot_shown(robot) if robot is not None else None,
        "Release": {**release, "ProcessVersion": version.name if version is not None else None},
        "Machine": {"Name": job.machine} if job.machine else None,
    }
