"""Robots and their groups; what a robot says itself is passed on as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl import model
from orchctl.client.core import Core
from orchctl.dialects.base import Feature
from orchctl.errors import NetworkFault, Unavailable
from orchctl.model.words import RobotStatus

if TYPE_CHECKING:
    from orchctl.model import (
        ConsumedJob,
        Heartbeat,
        HeartbeatReply,
        NewRobot,
        NewRobotGroup,
        Robot,
        RobotChange,
        RobotGroup,
        RobotGroupChange,
        Runtime,
        Unknown,
    )

_ROBOT = "robot"
_GROUP = "robot group"


class Robots(Core):
    def create_robot(self, new: NewRobot) -> Robot:
        self.require(Feature.CREATE_ROBOT)
        created = self.dialect.create_robot(new)
        self.registry.remember(_ROBOT, {created.id: created.name})
        return self._read_robot(created.id, created)

    def list_robots(self) -> Iterator[Robot]:
        self.require(Feature.LIST_ROBOTS)
        return self._listed(self.dialect.list_robots, _ROBOT, self.dialect.get_robot)

    def get_robot(self, ident: str) -> Robot:
        self.require(Feature.GET_ROBOT)
        return self._find(_ROBOT, ident, self.dialect.get_robot)

    def update_robot(self, ident: str, change: RobotChange) -> Robot:
        self.require(Feature.UPDATE_ROBOT)
        target = self.robot_id(ident)
        self.dialect.update_robot(target, change)
        robot = self._read_robot(target)
        self._note_not_kept(change, robot, "name", "description", "status")
        return robot

    def delete_robot(self, ident: str) -> None:
        self.require(Feature.DELETE_ROBOT)
        target = self.robot_id(ident)
        self.dialect.delete_robot(target)
        self.registry.forget(_ROBOT, target)

    def get_robot_status(self, ident: str) -> RobotStatus | Unknown:
        self.require(Feature.GET_ROBOT_STATUS)
        return self.dialect.get_robot_status(self.robot_id(ident))

    def list_runtimes(self) -> Iterator[Runtime]:
        self.require(Feature.LIST_RUNTIMES)
        return self._paged(self.dialect.list_runtimes)

    def set_robot_status(self, ident: str, status: RobotStatus) -> Robot:
        self.require(Feature.SET_ROBOT_STATUS)
        target = self.robot_id(ident)
        self.dialect.set_robot_status(target, status)
        return self._read_robot(target)

    def send_heartbeat(self, beat: Heartbeat) -> HeartbeatReply:
        self.require(Feature.SEND_HEARTBEAT)
        return self.dialect.send_heartbeat(replace(beat, robot=self.robot_id(beat.robot)))

    def consume_job(self, robot: str) -> ConsumedJob:
        """Claim the robot's next job."""
        self.require(Feature.CONSUME_JOB)
        return self.dialect.consume_job(self.robot_id(robot))

    def robot_id(self, ident: str) -> str:
        """The id that a name stands for; an id stands for itself, unasked.

        While the server cannot be reached, a name stands for what it stood for when it was last seen.
        """
        try:
            return self._target(_ROBOT, ident, self.dialect.get_robot)
        except (NetworkFault, Unavailable):
            seen = [known for known, name in self.registry.seen(_ROBOT).items() if name == ident]
            if len(seen) != 1:
                raise
            return seen[0]

    def _read_robot(self, ident: str, known: Robot | None = None) -> Robot:
        return self._after(
            "robot",
            lambda: self.dialect.get_robot(ident),
            known or model.Robot(id=ident, name="", status=RobotStatus.UNKNOWN),
        )


class RobotGroups(Robots):
    def create_robot_group(self, new: NewRobotGroup) -> RobotGroup:
        self.require(Feature.CREATE_ROBOT_GROUP)
        created = self.dialect.create_robot_group(new)
        self.registry.remember(_GROUP, {created.id: created.name})
        return self._read_group(created.id, created)

    def list_robot_groups(self) -> Iterator[RobotGroup]:
        self.require(Feature.LIST_ROBOT_GROUPS)
        return self._listed(self.dialect.list_robot_groups, _GROUP, self.dialect.get_robot_group)

    def get_robot_group(self, ident: str) -> RobotGroup:
        self.require(Feature.GET_ROBOT_GROUP)
        return self._find(_GROUP, ident, self.dialect.get_robot_group)

    def update_robot_group(self, ident: str, change: RobotGroupChange) -> RobotGroup:
        self.require(Feature.UPDATE_ROBOT_GROUP)
        target = self._group_id(ident)
        self.dialect.update_robot_group(target, change)
        group = self._read_group(target)
        self._note_not_kept(change, group, "name", "description")
        return group

    def delete_robot_group(self, ident: str) -> None:
        self.require(Feature.DELETE_ROBOT_GROUP)
        target = self._group_id(ident)
        self.dialect.delete_robot_group(target)
        self.registry.forget(_GROUP, target)

    def add_robot_to_group(self, group: str, robot: str) -> RobotGroup:
        self.require(Feature.ADD_ROBOT_TO_GROUP)
        target = self._group_id(group)
        self.dialect.add_robot_to_group(target, self.robot_id(robot))
        return self._read_group(target)

    def remove_robot_from_group(self, group: str, robot: str, *, path: str | None) -> RobotGroup:
        """``path``: the call to make instead of the one that the orchestrator documents."""
        self.require(Feature.REMOVE_ROBOT_FROM_GROUP)
        if path is None:
            self.dialect.remove_robot_from_group(group, robot, None)
            return self._read_group(self._group_id(group))
        target = self._group_id(group)
        self.dialect.remove_robot_from_group(target, self.robot_id(robot), path)
        return self._read_group(target)

    def _group_id(self, ident: str) -> str:
        return self._target(_GROUP, ident, self.dialect.get_robot_group)

    def _read_group(self, ident: str, known: RobotGroup | None = None) -> RobotGroup:
        return self._after(
            _GROUP, lambda: self.dialect.get_robot_group(ident), known or model.RobotGroup(id=ident, name="")
        )
