"""Triggers: UiPath's process schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import ODATA, id_of, made, writable
from orchctl.dialects.uipath.lookups import Lookups
from orchctl.dialects.uipath.odata import Record, moment, record
from orchctl.errors import Refused
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Json, NewTrigger, Trigger, TriggerChange
    from orchctl.transport import Reply

_PATH = "/odata/ProcessSchedules"
# StartStrategy: 0 is "the robots that are named", another number is how many jobs a time.
_NAMED_ROBOTS = 0
_ONE_JOB = 1


class Triggers(Lookups):
    def create_trigger(self, new: NewTrigger) -> Trigger:
        """``POST /odata/ProcessSchedules``; cron is Quartz's, with seconds, in UTC."""
        self._refuse_trigger_fields(new)
        if new.cron is None:
            self.refuse_field(
                "a trigger without times", "give --cron; a queue's own trigger is made on its page"
            )
        release = Record(self._release(new.process))
        body: Json = {
            "Name": new.name,
            "Enabled": new.enabled is not False,
            "ReleaseId": release.number("Id"),
            "ReleaseName": release.text("Name"),
            "TimeZoneId": "UTC",
            "StartProcessCron": new.cron,
            **self._executors(new.robot),
            **({"StopProcessDate": moment(new.end_at)} if new.end_at else {}),
            **({"Description": new.description} if new.description is not None else {}),
        }
        return made(self._write("POST", _PATH, json=body), _trigger)

    def list_triggers(self, cursor: str | None) -> Page[Trigger]:
        return self._page(_PATH, _trigger, cursor)

    def get_trigger(self, ident: str) -> Trigger:
        return _trigger(self._schedule(ident))

    def update_trigger(self, ident: str, change: TriggerChange) -> None:
        """``SetEnabled`` to switch it, PUT of all that was read for the rest."""
        self._refuse_trigger_fields(change)
        native = self._schedule(ident)
        if change == model.TriggerChange(enabled=change.enabled):
            body: Json = {"enabled": change.enabled, "scheduleIds": [int(id_of(native))]}
            reply = self._write("POST", f"{_PATH}/{ODATA}.SetEnabled", json=body, effect=Effect.IDEMPOTENT)
            self._check_switched(reply, ident)
            return
        release = Record(self._release(change.process)) if change.process is not None else None
        changes: dict[str, Json] = {
            **({"Name": change.name} if change.name is not None else {}),
            **({"Enabled": change.enabled} if change.enabled is not None else {}),
            **({"StartProcessCron": change.cron} if change.cron is not None else {}),
            **({"Description": change.description} if change.description is not None else {}),
            **({"StopProcessDate": moment(change.end_at)} if change.end_at else {}),
            **(self._executors(change.robot) if change.robot is not None else {}),
            **(
                {"ReleaseId": release.number("Id"), "ReleaseName": release.text("Name")}
                if release is not None
                else {}
            ),
        }
        if release is not None:
            changes["ReleaseKey"] = release.text("Key")
        self._write(
            "PUT", f"{_PATH}({id_of(native)})", json={**writable(native), **changes}, effect=Effect.IDEMPOTENT
        )

    def delete_trigger(self, ident: str) -> None:
        self._write("DELETE", f"{_PATH}({id_of(self._schedule(ident))})", effect=Effect.IDEMPOTENT)

    def _check_switched(self, reply: Reply, ident: str) -> None:
        """With 207 comes the error of each trigger that was not switched, by its number."""
        if reply.empty:
            return
        answer = record(reply)
        if reply.status != 207 and answer.flag("value") is not False:
            return
        why = self.explain(dict(answer.native)) or "; ".join(
            filter(None, map(self.explain, answer.native.values()))
        )
        if reply.status == 207 and not why:
            raise reply.unintelligible("it says that something failed, not what")
        raise Refused(
            f"{self.title} refused to switch the trigger {ident}: {why or 'it does not say why'}",
            hint=f"orchctl trigger get {ident} shows it as it is now",
        )

    def _schedule(self, ident: str) -> dict[str, Any]:
        return self._one(_PATH, ident, "trigger")

    def _executors(self, robot: str | None) -> dict[str, Json]:
        if robot is None:
            return {"StartStrategy": _ONE_JOB}
        return {"StartStrategy": _NAMED_ROBOTS, "ExecutorRobots": [{"Id": int(id_of(self._robot(robot)))}]}

    def _refuse_trigger_fields(self, fields: NewTrigger | TriggerChange) -> None:
        if fields.group is not None:
            self.refuse_field("a trigger's group", "name a robot with --robot, or none")
        if fields.continuous:
            self.refuse_field(
                "a continuous trigger", "give --cron; a queue's own trigger is made on its page"
            )
        if fields.start_at is not None or fields.max_runs is not None or fields.max_robots is not None:
            self.refuse_field(
                "the start or the number of a trigger's runs", "use --end-at, or disable it in time"
            )
        if fields.catch_up is not None:
            self.refuse_field("catching up on runs", "start what was missed: orchctl job create")


def _trigger(native: dict[str, Any]) -> Trigger:
    row = Record(native)
    enabled = row.flag("Enabled")
    robots = [Record(each).text("Name", "Id") or "" for each in row.rows("ExecutorRobots")]
    return model.Trigger(
        id=id_of(row),
        name=row.text("Name") or "",
        process=row.text("ReleaseName"),
        status=None if enabled is None else "enabled" if enabled else "disabled",
        cron=row.text("StartProcessCron"),
        robot=", ".join(robots) or None,
        end_at=row.time("StopProcessDate"),
        native=native,
    )
