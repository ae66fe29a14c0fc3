"""Robots, with what their sessions say of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import ODATA, id_of, made
from orchctl.dialects.uipath.lookups import ROBOTS, Lookups
from orchctl.dialects.uipath.odata import Record
from orchctl.dialects.uipath.words import ROBOT_STATUS
from orchctl.model.words import RobotStatus, Unknown
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Json, NewRobot, Robot, RobotChange, Runtime

_SESSIONS = "/odata/Sessions"
_NEVER = datetime.min.replace(tzinfo=UTC)


class Robots(Lookups):
    def create_robot(self, new: NewRobot) -> Robot:
        """``POST /odata/Robots``: a floating, unattended one of a classic folder. Unverified."""
        body: Json = {
            "Name": new.name,
            "Username": new.name,
            "Type": "Unattended",
            "HostingType": "Floating",
            **({"Description": new.description} if new.description is not None else {}),
        }
        return made(self._write("POST", ROBOTS, json=body), lambda native: _robot(native, None))

    def list_robots(self, cursor: str | None) -> Page[Robot]:
        """The robots of the folder, each with its newest session, and those that are in sessions only."""
        page = self._page(ROBOTS, dict, cursor)
        robots = list(page.items)
        sessions = self._sessions(None)
        rows = [_robot(native, sessions.pop(int(id_of(native)), None)) for native in robots]
        # What is left is no robot of this page; it is none of another either where its number lies within.
        first, last = int(cursor or -1), int(page.next) if page.next else None
        rows += [
            _robot(dict(Record(session).inner("Robot").native), session)
            for number, session in sessions.items()
            if first < number and (last is None or number <= last)
        ]
        return Page(iter(rows), next=page.next)

    def get_robot(self, ident: str) -> Robot:
        native = self._robot(ident)
        number = id_of(native)
        return _robot(native, self._sessions(number).get(int(number)))

    def update_robot(self, ident: str, change: RobotChange) -> None:
        """PATCH, with what the server's schema requires beside the change."""
        if change.status is not None:
            self.refuse_field("a robot's status", "the robot itself says how it is")
        native = self._robot(ident)
        row = Record(native)
        body: Json = {
            "Name": change.name or row.text("Name"),
            "Type": row.text("Type"),
            "HostingType": row.text("HostingType"),
            **({"Description": change.description} if change.description is not None else {}),
        }
        self._write("PATCH", f"{ROBOTS}({id_of(native)})", json=body, effect=Effect.IDEMPOTENT)

    def delete_robot(self, ident: str) -> None:
        self._write("DELETE", f"{ROBOTS}({id_of(self._robot(ident))})", effect=Effect.IDEMPOTENT)

    def get_robot_status(self, ident: str) -> RobotStatus | Unknown:
        number = id_of(self._robot(ident))
        return _status(self._sessions(number).get(int(number)))

    def list_runtimes(self, cursor: str | None) -> Page[Runtime]:
        """``GetMachineSessionRuntimesByFolderId``, or of the tenant where no folder is chosen."""
        folder = self._folder_number()
        name = f"ByFolderId(folderId={folder})" if folder else ""
        path = f"{_SESSIONS}/{ODATA}.GetMachineSessionRuntimes{name}"
        rows, following = self._skipping(path, {}, cursor, folder=None)
        return Page(map(_runtime, rows), next=following)

    def _sessions(self, robot: str | None) -> dict[int, dict[str, Any]]:
        """The newest session of each robot, or of one, by the robot's number.

        All pages at once: a robot is told together with its session, wherever that is in their list. They are
        in the order of their Ids, since that of their reports changes between two pages.
        """
        query = {
            "$expand": "Robot",
            "$orderby": "Id",
            **({"$filter": f"Robot/Id eq {robot}"} if robot is not None else {}),
        }
        found: dict[int, dict[str, Any]] = {}
        cursor: str | None = None
        while True:
            rows, cursor = self._skipping(_SESSIONS, query, cursor)
            for row in rows:
                number = Record(row).inner("Robot").number("Id")
                if number is None:
                    continue
                if number not in found or _reported(row) > _reported(found[number]):
                    found[number] = row
            if cursor is None:
                return found


def _reported(session: dict[str, Any]) -> datetime:
    return Record(session).time("ReportingTime") or _NEVER


def _status(session: dict[str, Any] | None) -> RobotStatus | Unknown:
    if session is None:
        return RobotStatus.DISCONNECTED
    row = Record(session)
    if row.text("LicenseErrorCode"):
        return RobotStatus.UNLICENSED
    if row.flag("IsUnresponsive"):
        return RobotStatus.DISCONNECTED
    status: RobotStatus | Unknown = row.word(ROBOT_STATUS, "State") or RobotStatus.UNKNOWN
    return status


def _runtime(native: dict[str, Any]) -> Runtime:
    row = Record(native)
    return model.Runtime(
        id=row.text("SessionId") or "",
        machine=row.text("MachineName") or "",
        host=row.text("HostMachineName"),
        type=row.text("RuntimeType"),
        status=RobotStatus.DISCONNECTED
        if row.flag("IsUnresponsive")
        else row.word(ROBOT_STATUS, "Status") or RobotStatus.UNKNOWN,
        total=row.number("Runtimes"),
        used=row.number("UsedRuntimes"),
        last_seen_at=row.time("ReportingTime"),
        native=native,
    )


def _robot(native: dict[str, Any], session: dict[str, Any] | None) -> Robot:
    row, seen = Record(native), Record(session or {})
    return model.Robot(
        id=id_of(row),
        name=row.text("Name") or "",
        status=_status(session),
        type=row.text("Type"),
        machine=seen.text("HostMachineName", "MachineName") or row.text("MachineName"),
        description=row.text("Description"),
        last_seen_at=seen.time("ReportingTime"),
        license=seen.text("LicenseErrorCode"),
        native=native if session is None else {**native, "Session": session},
    )
