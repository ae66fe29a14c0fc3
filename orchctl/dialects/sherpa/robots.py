"""Sherpa's robots: what an administrator does with them, and what a robot says itself (seed 001)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.jobs import read_job
from orchctl.dialects.sherpa.processes import read_version
from orchctl.dialects.sherpa.tasks import read_task
from orchctl.dialects.sherpa.wire import Record, given, id_of, unwrapped
from orchctl.model.words import RobotStatus, Unknown
from orchctl.transport import Call, Effect, Reply, quote

if TYPE_CHECKING:
    from orchctl.model import Json

# Seed 001.
_STATUS = {
    0: RobotStatus.DISCONNECTED,
    1: RobotStatus.UNLICENSED,
    2: RobotStatus.READY,
    3: RobotStatus.WORKING,
}
_STATUS_NUMBER = {word: number for number, word in _STATUS.items()}
_ORCHESTRATED = 1  # the only job type that seed 001 knows


class Robots(Calls):
    def create_robot(self, new: model.NewRobot) -> model.Robot:
        """``POST /api/robot/create``; answers the robot, not only its id."""
        fields = given(Name=new.name, Description=new.description)
        reply = self.http.send(self._call("POST", "/api/robot/create", fields))
        return model.Robot(id=self._guid(reply), name=new.name, status=RobotStatus.DISCONNECTED)

    def list_robots(self, cursor: str | None) -> Page[model.Robot]:
        """``GET /api/robot/read``: the one documented list of its kind."""
        call = Call(method="GET", path="/api/robot/read", effect=Effect.READ)
        return Page(self._stream(call, self._robot))

    def get_robot(self, ident: str) -> model.Robot:
        """``GET /api/robot/read/{guid}``."""
        return self._robot(self._read("robot", ident))

    def update_robot(self, ident: str, change: model.RobotChange) -> None:
        """``PUT /api/robot/update``."""
        number = None if change.status is None else self._robot_number(change.status)
        fields = given(GUID=ident, Name=change.name, Description=change.description, Status=number)
        self._update("robot", fields)

    def delete_robot(self, ident: str) -> None:
        """``DELETE /api/robot/delete/{guid}``."""
        self._delete("robot", ident)

    def get_robot_status(self, ident: str) -> RobotStatus | Unknown:
        """``GET /api/robot/getStatus/{guid}``."""
        path = f"/api/robot/getStatus/{quote(ident)}"
        reply = self.http.send(
            Call(method="GET", path=path, effect=Effect.READ, accept=frozenset({204, 404}))
        )
        record = Record(self._found(reply, "robot", ident), self._zone)
        status: RobotStatus | Unknown | None = record.word(_STATUS, "status")
        if status is None:
            raise reply.unintelligible("the answer holds no status")
        return status

    def set_robot_status(self, ident: str, status: RobotStatus) -> None:
        """``PUT /api/robot/setStatus``: the example's Status, where the list of parameters has STATUS."""
        fields: dict[str, Json] = {"GUID": ident, "Status": self._robot_number(status)}
        call = self._call("PUT", "/api/robot/setStatus", fields, effect=Effect.IDEMPOTENT)
        self._acknowledged(self.http.send(call))

    def send_heartbeat(self, beat: model.Heartbeat) -> model.HeartbeatReply:
        """``POST /api/robot/heartbeat`` (seed 001)."""
        fields: dict[str, Json] = {
            "RobotGUID": beat.robot,
            "Machine": beat.machine,
            "IP": beat.ip,
            "MAC": beat.mac,
            "Status": self._robot_number(beat.status),
            "JobGUID": beat.job_id,
            "JobName": beat.job_name,
            "JobType": _ORCHESTRATED,
        }
        reply = self.http.send(self._call("POST", "/api/robot/heartbeat", fields, coded=True))
        record, code = self._coded_answer(reply, "heartbeaterrorcode")
        return model.HeartbeatReply(
            code=code,
            text=record.text("errortext"),
            has_new_job=record.flag("hasnewjob") or False,
            native=dict(record.native),
        )

    def consume_job(self, robot: str) -> model.ConsumedJob:
        """``POST /api/robot/consumeNextJob`` (seed 001): its parts are JSON inside JSON, or objects."""
        call = self._call("POST", "/api/robot/consumeNextJob", {"RobotGUID": robot}, coded=True)
        reply = self.http.send(call)
        record, code = self._coded_answer(reply, "consumejoberrorcode")
        job, version, task = (_part(record, key) for key in ("job", "processversion", "task"))
        if job and Record(job, self._zone).ident("jobguid") is None:
            raise reply.unintelligible("the job that it gives holds no id")
        return model.ConsumedJob(
            code=code,
            text=record.text("errortext"),
            job=read_job(job, self._zone) if job else None,
            # Of these two no document says that they have one, and the job is claimed.
            process_version=read_version(version, self._zone, ident="") if version else None,
            task=read_task(task, self._zone, ident="") if task else None,
            native=dict(record.native),
        )

    def _coded_answer(self, reply: Reply, key: str) -> tuple[Record, int]:
        data = unwrapped(reply.data(noise=True))
        record = Record(data, self._zone) if isinstance(data, dict) else None
        code = record.number(key) if record is not None else None
        if record is None or code is None:
            raise reply.unintelligible("the answer holds no error code")
        return record, code

    def _robot_number(self, status: RobotStatus) -> int:
        if status not in _STATUS_NUMBER:
            self.refuse_field(f"the status {status}", f"its robot statuses are: {', '.join(_STATUS_NUMBER)}")
        return _STATUS_NUMBER[status]

    def _robot(self, native: dict[str, Any]) -> model.Robot:
        record = Record(native, self._zone)
        status = record.word(_STATUS, "status")
        return model.Robot(
            id=id_of(record),
            name=record.text("name") or "",
            status=RobotStatus.UNKNOWN if status is None else status,
            type=record.text("type", "robottype"),
            machine=record.text("machine"),
            ip=record.text("ip"),
            mac=record.text("mac"),
            description=record.text("description"),
            last_seen_at=record.time("lastheartbeatat", "lastheartbeat"),
            license=record.text("licensestring"),
            native=native,
        )


def _part(record: Record, key: str) -> dict[str, Any] | None:
    value = record.nested(key)
    return value if isinstance(value, dict) else None
