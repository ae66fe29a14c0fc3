"""Robots, the sessions in which they are seen, and the machines those run on."""

from __future__ import annotations

from typing import Any

from orchctl.model import JobStatus, RobotStatus
from orchctl.sandbox.engine import jobs, robots
from orchctl.sandbox.engine.base import Tx, as_id, is_guid
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.engine.folders import find as find_folder
from orchctl.sandbox.engine.robots import Robot, RobotFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire.uipath.asks import Ask, Body, done, missing, nothing, stamp
from orchctl.sandbox.wire.uipath.refusals import BAD_ARGUMENT, NAME_TAKEN, Refused

ENTITY = "Robots"

_TYPES = ("NonProduction", "Attended", "Unattended", "Development", "Studio")
_LONGEST_NAME = 19
_STATE = {
    RobotStatus.READY: "Available",
    RobotStatus.WORKING: "Busy",
    RobotStatus.DISCONNECTED: "Disconnected",
    RobotStatus.UNLICENSED: "Available",
    RobotStatus.UNKNOWN: "Unknown",
}
_ENUMS = {"type": _TYPES, "hostingtype": ("Standard", "Floating")}
_SESSION_ENUMS = {"state": ("Available", "Busy", "Disconnected", "Unknown")}
_SESSION_NAVIGATION = frozenset({"Robot", "Job"})
_SILENT = "the robot did not report for more than 120 seconds"


def list_(ask: Ask) -> Response:
    return ask.rows(ENTITY, _rows(ask, ask.folder()), enums=_ENUMS)


def list_everywhere(ask: Ask) -> Response:
    """``FindAllAcrossFolders`` and ``GetConfiguredRobots``."""
    return ask.rows(ENTITY, _rows(ask, None), enums=_ENUMS)


def list_of_folder(ask: Ask) -> Response:
    """``GetRobotsFromFolder(folderId=)``, ``GetFolderRobots(folderId=,machineId=)``."""
    folder = find_folder(ask.tx, ask.argument("folderId"))
    return ask.rows(ENTITY, _rows(ask, folder), enums=_ENUMS, others=("machineid",))


def get(ask: Ask) -> Response:
    return ask.one(ENTITY, shown(_robot(ask)))


def create(ask: Ask) -> Response:
    folder, body = ask.folder(), ask.body()
    name = body.required("Name", longest=_LONGEST_NAME)
    body.required("Type")
    body.required("HostingType")
    if any(robot.name.casefold() == name.casefold() for robot in robots.every(ask.tx, folder_id=folder.id)):
        raise Refused(409, f"A robot with the name {name} already exists.", code=NAME_TAKEN)
    robot = robots.create(ask.tx, {**_fields(body), "name": name}, folder_id=folder.id)
    return ask.one(ENTITY, shown(robot), status=201)


def update(ask: Ask) -> Response:
    """PUT and PATCH alike: what is there is set."""
    robot = _robot(ask)
    robots.update(ask.tx, robot, _fields(ask.body()))
    return done(ask)


def delete(ask: Ask) -> Response:
    robots.delete(ask.tx, _robot(ask))
    return nothing()


def delete_many(ask: Ask) -> Response:
    for robot in _several(ask, ask.body().get("robotIds")):
        robots.delete(ask.tx, robot)
    return nothing()


def toggle(ask: Ask) -> Response:
    """``ToggleEnabledStatus``."""
    body = ask.body()
    enabled = body.flag("enabled")
    if enabled is None:
        raise Refused(400, "The enabled field is required.", code=BAD_ARGUMENT)
    for robot in _several(ask, body.get("robotIds")):
        robots.update(ask.tx, robot, {"enabled": enabled})
    return done(ask)


def sessions(ask: Ask) -> Response:
    return _sessions(ask, ask.folder())


def global_sessions(ask: Ask) -> Response:
    return _sessions(ask, None)


def machines(ask: Ask) -> Response:
    """Each machine that a robot has been seen on."""
    names = sorted({robot.machine for robot in robots.every(ask.tx) if robot.machine})
    rows = [
        {"Name": name, "Description": None, "Type": "Standard", "Scope": "Default", "Id": number}
        for number, name in enumerate(names, start=1)
    ]
    return ask.rows("Machines", rows, enums={})


def runtimes(ask: Ask) -> Response:
    """``GetRuntimesForFolder(folderId=)``: one runtime a robot."""
    folder = find_folder(ask.tx, ask.argument("folderId"))
    found = robots.every(ask.tx, folder_id=folder.id)
    alive = [robot for robot in found if robot.status in (RobotStatus.READY, RobotStatus.WORKING)]
    free = [robot for robot in alive if robot.status == RobotStatus.READY]
    row = {"Type": "Unattended", "Total": len(found), "Connected": len(alive), "Available": len(free)}
    return ask.rows("Edm.ComplexType", [row], enums={})


def machine_sessions(ask: Ask) -> Response:
    """``GetMachineSessionRuntimes`` and ``GetMachineSessionRuntimesByFolderId(folderId=)``."""
    number = ask.argument("folderId")
    folder = find_folder(ask.tx, number) if number else None
    rows = [
        {
            "SessionId": robot.id,
            "MachineId": robot.id,
            "MachineName": robot.machine or robot.name,
            "MaintenanceMode": "Default",
            "HostMachineName": robot.machine,
            "RuntimeType": "Unattended",
            "Status": _STATE[RobotStatus(robot.status)],
            "IsUnresponsive": _unresponsive(robot),
            "Runtimes": 1,
            "UsedRuntimes": int(robot.status == RobotStatus.WORKING),
            "ServiceUserName": robot.username,
            "ReportingTime": stamp(robot.last_seen_at),
        }
        for robot in robots.every(ask.tx, folder_id=folder.id if folder else None)
        if robot.last_seen_at is not None
    ]
    return ask.rows("Sessions", rows, enums=_SESSION_ENUMS, others=("runtimetype", "robotid"))


def in_folder(tx: Tx, folder: Folder, number: int) -> Robot:
    robot = robots.of(tx, number)
    if robot is None or robot.folder_id != folder.id or robots.with_guid(tx, robot.guid) is None:
        raise missing("Robot")
    return robot


def with_key(tx: Tx, key: str) -> Robot | None:
    """The robot of a key that a client names itself with; any other key is nobody's."""
    return robots.with_guid(tx, key.lower()) if is_guid(key) else None


def _robot(ask: Ask) -> Robot:
    return in_folder(ask.tx, ask.folder(), ask.key())


def _several(ask: Ask, numbers: Any) -> list[Robot]:
    if not isinstance(numbers, list):
        raise Refused(400, "The robotIds field is required.", code=BAD_ARGUMENT)
    folder = ask.folder()
    return [in_folder(ask.tx, folder, as_id(str(number)) or 0) for number in numbers]


def _rows(ask: Ask, folder: Folder | None) -> list[dict[str, Any]]:
    return [shown(robot) for robot in robots.every(ask.tx, folder_id=folder.id if folder else None)]


def _sessions(ask: Ask, folder: Folder | None) -> Response:
    """One session a robot that has been heard of."""
    rows = []
    for robot in robots.every(ask.tx, folder_id=folder.id if folder else None):
        if robot.last_seen_at is None:
            continue
        held = [job for job in jobs.held_by(ask.tx, robot) if job.status != JobStatus.PENDING]
        rows.append(
            {
                "Robot": shown(robot),
                "HostMachineName": robot.machine,
                "MachineId": None,
                "MachineName": robot.machine,
                "State": _STATE[RobotStatus(robot.status)],
                "Job": {"Id": held[0].id, "Key": held[0].guid} if held else None,
                "ReportingTime": stamp(robot.last_seen_at),
                "Info": _SILENT if _unresponsive(robot) else None,
                "IsUnresponsive": _unresponsive(robot),
                "LicenseErrorCode": "NoLicense" if robot.status == RobotStatus.UNLICENSED else None,
                "OrganizationUnitId": robot.folder_id,
                "FolderName": find_folder(ask.tx, str(robot.folder_id)).name,
                "RobotSessionType": "LongLived",
                "Id": robot.id,
            }
        )
    return ask.rows("Sessions", rows, enums=_SESSION_ENUMS, navigation=_SESSION_NAVIGATION)


def _unresponsive(robot: Robot) -> bool:
    """Its silence has lasted too long, which the engine has marked by taking it for disconnected."""
    return robot.status == RobotStatus.DISCONNECTED and robot.last_seen_at is not None


def _fields(body: Body) -> RobotFields:
    fields: RobotFields = {}
    if (name := body.text("Name", longest=_LONGEST_NAME)) is not None:
        fields["name"] = name
    if "Description" in body:
        fields["description"] = body.text("Description", longest=500)
    if "Username" in body:
        fields["username"] = body.text("Username", longest=100)
    if body.get("MachineName") is not None:
        fields["machine"] = body.text("MachineName")
    if body.get("Type") is not None:
        fields["type"] = (body.text("Type") or "").lower()
    if (enabled := body.flag("Enabled")) is not None:
        fields["enabled"] = enabled
    return fields


def shown(robot: Robot) -> dict[str, Any]:
    """Each robot has a user of its own here, with the same number."""
    kinds = {name.lower(): name for name in _TYPES}
    return {
        "LicenseKey": None,
        "MachineName": robot.machine,
        "MachineId": None,
        "Name": robot.name,
        "Username": robot.username,
        "Description": robot.description,
        "Type": kinds.get(robot.type, "Unattended"),
        "HostingType": "Floating",
        "ProvisionType": "Manual",
        "UserId": robot.id,
        "Enabled": bool(robot.enabled),
        "CredentialType": "Default",
        "RobotEnvironments": "",
        "IsExternalLicensed": False,
        "LimitConcurrentExecution": False,
        "CreationTime": stamp(robot.created_at),
        "LastModificationTime": stamp(robot.updated_at),
        "Key": robot.guid,
        "Id": robot.id,
    }
