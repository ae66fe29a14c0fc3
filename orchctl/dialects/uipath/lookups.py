"""What a name stands for: queues, robots, processes and jobs, looked up for every noun that is given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl.dialects.uipath.core import Core, id_of
from orchctl.dialects.uipath.odata import Record, collection, is_guid, is_number, record
from orchctl.errors import NotFound

if TYPE_CHECKING:
    from orchctl.config import Context
    from orchctl.transport import Transport

QUEUES = "/odata/QueueDefinitions"
ROBOTS = "/odata/Robots"
RELEASES = "/odata/Releases"
JOBS = "/odata/Jobs"
# With a job comes who runs it, and which version of what.
JOB_PARTS = "Robot,Release"
JOBS_METER = "Jobs"


class Lookups(Core):
    def __init__(self, http: Transport, context: Context) -> None:
        super().__init__(http, context)
        self._queue_ids: dict[str, str] = {}
        self._queue_names: dict[str, str] = {}
        self._job_numbers: dict[str, str] = {}

    def _definition(self, ident: str, *, folder: str | None = "") -> dict[str, Any]:
        return self._one(QUEUES, ident, "queue", folder=folder)

    def _queue_id(self, ident: str) -> str:
        """The number of a queue; one request a queue and run."""
        found = self._queue_ids.get(ident)
        if found is None:
            found = self._queue_ids[ident] = id_of(self._definition(ident))
        return found

    def _queue_name(self, ident: str, *, folder: str | None = "") -> str:
        """The name of a queue, which calls that make tasks want; a name is taken as it is."""
        if not self.is_id(ident):
            return ident
        found = self._queue_names.get(ident)
        if found is None:
            found = self._queue_names[ident] = (
                Record(self._definition(ident, folder=folder)).text("Name") or ident
            )
        return found

    def _robot(self, ident: str) -> dict[str, Any]:
        return self._one(ROBOTS, ident, "robot")

    def _robot_name(self, ident: str) -> str:
        return Record(self._robot(ident)).text("Name") or ident if is_number(ident) else ident

    def _release(self, ident: str) -> dict[str, Any]:
        return self._one(RELEASES, ident, "process")

    def _release_name(self, ident: str) -> str:
        return Record(self._release(ident)).text("Name") or ident if is_number(ident) else ident

    def _job_native(self, ident: str) -> dict[str, Any]:
        """By number, or by key: that is looked up once, since lists are what the server rations."""
        number = ident if is_number(ident) else self._job_numbers.get(ident)
        if number is not None:
            return dict(record(self._read(f"{JOBS}({number})", query={"$expand": JOB_PARTS})).native)
        if not is_guid(ident):
            raise NotFound(
                f"no job {ident!r}", hint="a job of UiPath Orchestrator is a key (a GUID) or a number"
            )
        query = {"$filter": f"Key eq {ident}", "$expand": JOB_PARTS, "$top": "1"}
        rows, _ = collection(self._read(JOBS, query=query, meter=JOBS_METER))
        if not rows:
            raise NotFound(
                f"no job {ident!r}{self._where_looked}", hint="orchctl job list shows those there are"
            )
        return rows[0]

    def _job_number(self, ident: str) -> str:
        if is_number(ident):
            return ident
        return self._job_numbers.get(ident) or id_of(self._job_native(ident))

    def _job_key(self, ident: str) -> str:
        """A job's key, which is what logs know it by."""
        if not is_number(ident):
            return ident
        return Record(self._job_native(ident)).text("Key") or ident
