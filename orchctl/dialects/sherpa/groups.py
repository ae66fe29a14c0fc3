"""Sherpa's groups of robots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, given, id_of
from orchctl.errors import Unsupported
from orchctl.transport import Effect, quote

if TYPE_CHECKING:
    from orchctl.model import Json


class RobotGroups(Calls):
    def create_robot_group(self, new: model.NewRobotGroup) -> model.RobotGroup:
        """``POST /api/robotGroup/create``."""
        fields = given(Name=new.name, Description=new.description)
        return model.RobotGroup(id=self._create("robotGroup", fields), name=new.name)

    def list_robot_groups(self, cursor: str | None) -> Page[model.RobotGroup] | None:
        """``GET /api/robotGroup/read``: not documented, tried."""
        return self._list("robotGroup", self._group)

    def get_robot_group(self, ident: str) -> model.RobotGroup:
        """``GET /api/robotGroup/read/{guid}``."""
        return self._group(self._read("robotGroup", ident))

    def update_robot_group(self, ident: str, change: model.RobotGroupChange) -> None:
        """``PUT /api/robotGroup/update``."""
        self._update("robotGroup", given(Guid=ident, Name=change.name, Description=change.description))

    def delete_robot_group(self, ident: str) -> None:
        """``DELETE /api/robotGroup/delete/{guid}``."""
        self._delete("robotGroup", ident)

    def add_robot_to_group(self, group: str, robot: str) -> None:
        """``PUT /api/robotGroup/addRobot``."""
        fields: dict[str, Json] = {"RobotGroupGuid": group, "RobotGuid": robot}
        call = self._call("PUT", "/api/robotGroup/addRobot", fields, effect=Effect.IDEMPOTENT)
        self._acknowledged(self.http.send(call))

    def remove_robot_from_group(self, group: str, robot: str, path: str | None) -> None:
        """The reference prints the URL that deletes a whole group, so nothing is sent without a ``path``.

        In it ``{group}`` stands for the group's GUID.
        """
        if path is None:
            raise Unsupported(
                f"{self.title} documents for this only DELETE /api/robotGroup/delete/{{group}}, the call "
                "that deletes the whole group, so it is not sent",
                hint="remove the robot on the web page, or name a call with --path: "
                "/api/robotGroup/removeRobot is a likely one (unverified)",
            )
        fields: dict[str, Json] = {"RobotGroupGuid": group, "RobotGuid": robot}
        # Once: a group that the call deleted after all would be asked to go a second time.
        call = self._call("DELETE", path.replace("{group}", quote(group)), fields, effect=Effect.ONCE)
        self._acknowledged(self.http.send(call))

    def _group(self, native: dict[str, Any]) -> model.RobotGroup:
        record = Record(native, self._zone)
        return model.RobotGroup(
            id=id_of(record),
            name=record.text("name") or "",
            description=record.text("description"),
            native=native,
        )
