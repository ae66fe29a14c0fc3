"""Groups of robots."""

from __future__ import annotations

from orchctl.model import Json
from orchctl.sandbox.engine import Invalid, robots
from orchctl.sandbox.engine.robots import Group, GroupFields
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal
from orchctl.sandbox.wire.sherpa.asks import ACCOUNT, Ask, Route, Routes, answer, guid, nothing, time


def create(ask: Ask) -> Response:
    ask.fields.required("Name")
    return guid(robots.create_group(ask.tx, _fields(ask)).guid, key="GUID")


def read(ask: Ask) -> Response:
    if ask.has_key("GUID"):
        return answer(_shown(_find(ask)))
    if ask.strict:  # I: by analogy with robot/read
        raise Refusal(404, "no document has a list of robot groups: give a GUID")
    return answer([_shown(group) for group in robots.GROUPS.every(ask.tx)])


def update(ask: Ask) -> Response:
    robots.update_group(ask.tx, _find(ask), _fields(ask))
    return nothing()


def delete(ask: Ask) -> Response:
    """REF prints one call for two things: with a robot in the body that robot leaves the group, and only
    without one the group goes."""
    if "RobotGuid" in ask.fields or "RobotGroupGuid" in ask.fields:
        group = ask.fields.text("RobotGroupGuid")
        if ask.args and group and robots.find_group(ask.tx, group) != _find(ask):
            raise Invalid("the path names one robot group, the body another; nothing was done")
        return remove_robot(ask)
    robots.delete_group(ask.tx, _find(ask))
    return nothing()


def add_robot(ask: Ask) -> Response:
    group = robots.find_group(ask.tx, ask.unnamed(ask.fields.required("RobotGroupGuid"), "robot group"))
    robot = robots.find(ask.tx, ask.unnamed(ask.fields.required("RobotGuid"), "robot"))
    robots.add_to_group(ask.tx, group, robot)
    return nothing()


def remove_robot(ask: Ask) -> Response:
    key = ask.fields.text("RobotGroupGuid") or ask.key("RobotGroupGuid")
    group = robots.find_group(ask.tx, ask.unnamed(key, "robot group"))
    robot = robots.find(ask.tx, ask.unnamed(ask.fields.required("RobotGuid"), "robot"))
    robots.remove_from_group(ask.tx, group, robot)
    return nothing()


ROUTES: Routes = {
    ("robotGroup", "create"): Route("POST", create),
    ("robotGroup", "read"): Route("GET", read, args=1),
    ("robotGroup", "update"): Route("PUT", update),
    ("robotGroup", "delete"): Route("DELETE", delete, args=1),
    ("robotGroup", "addRobot"): Route("PUT", add_robot),
    ("robotGroup", "removeRobot"): Route("DELETE", remove_robot, inferred=True),
}


def _find(ask: Ask) -> Group:
    return robots.find_group(ask.tx, ask.unnamed(ask.key("GUID"), "robot group"))


def _fields(ask: Ask) -> GroupFields:
    given: GroupFields = {}
    if (name := ask.fields.text("Name")) is not None:
        given["name"] = name
    if "Description" in ask.fields:
        given["description"] = ask.fields.text("Description")
    return given


def _shown(group: Group) -> dict[str, Json]:
    return {
        "id": str(group.id),
        "guid": group.guid,
        "name": group.name,
        "description": group.description,
        "created": time(group.created_at),
        "updated": time(group.updated_at),
        "is_deleted": "0",
        "account_id": ACCOUNT,
    }
