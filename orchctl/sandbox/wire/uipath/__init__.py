"""UiPath Orchestrator's API over the engine, written from the vendor's description and never from the dialect.

At the root, and under ``/{org}/{tenant}/orchestrator_``; the identity server's token endpoint at the host's root.
Property names, function names and the words of a path are matched without regard to case, as clients send them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from orchctl.sandbox.engine import Engine, Tx
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.wire import Operation
from orchctl.sandbox.wire.uipath import (
    assets,
    folders,
    items,
    jobs,
    logs,
    processes,
    queues,
    robots,
    stats,
    triggers,
)
from orchctl.sandbox.wire.uipath.asks import Ask, Place, nothing, place_of
from orchctl.sandbox.wire.uipath.entrance import Entrance
from orchctl.sandbox.wire.uipath.refusals import Refused, refuse

_PREFIX = re.compile(r"/[^/]+/[^/]+/orchestrator_(?=/)")
_TOKEN = re.compile(r"(?:/[^/]+){0,2}/identity_?/connect/token", re.I)

Answer: TypeAlias = "Callable[[Ask], Response]"


@dataclass(frozen=True, slots=True)
class Route:
    answer: Answer
    writes: bool


def _read(answer: Answer) -> Route:
    return Route(answer, writes=False)


def _write(answer: Answer) -> Route:
    return Route(answer, writes=True)


# By method, entity, whether there is a key, and action.
_ODATA: dict[tuple[str, str, bool, str], Route] = {
    ("GET", "folders", False, ""): _read(folders.list_),
    ("POST", "folders", False, ""): _write(folders.create),
    ("GET", "folders", True, ""): _read(folders.get),
    ("DELETE", "folders", True, ""): _write(folders.delete),
    ("GET", "folders", False, "getbykey"): _read(folders.get_by_key),
    ("GET", "users", False, "getcurrentuser"): _read(folders.current_user),
    ("GET", "users", False, "getcurrentuserextended"): _read(folders.current_user),
    ("GET", "queuedefinitions", False, ""): _read(queues.list_),
    ("POST", "queuedefinitions", False, ""): _write(queues.create),
    ("GET", "queuedefinitions", True, ""): _read(queues.get),
    ("PUT", "queuedefinitions", True, ""): _write(queues.update),
    ("DELETE", "queuedefinitions", True, ""): _write(queues.delete),
    ("GET", "queuedefinitions", False, "getbykey"): _read(queues.get_by_key),
    ("GET", "queuedefinitions", False, "getqueuesacrossfolders"): _read(queues.list_everywhere),
    ("GET", "queuedefinitions", False, "getfoldersforqueue"): _read(queues.folders_of),
    ("GET", "queueprocessingrecords", False, "retrievequeuesprocessingstatus"): _read(
        queues.processing_status
    ),
    ("GET", "queueitems", False, ""): _read(items.list_),
    ("GET", "queueitems", True, ""): _read(items.get),
    ("PUT", "queueitems", True, ""): _write(items.update),
    ("DELETE", "queueitems", True, ""): _write(items.delete),
    ("GET", "queueitems", True, "getitemlastretry"): _read(items.last_retry),
    ("GET", "queueitems", False, "getitemlastretrybykey"): _read(items.last_retry_by_key),
    ("GET", "queueitems", True, "getitemprocessinghistory"): _read(items.history),
    ("POST", "queueitems", True, "settransactionprogress"): _write(items.set_progress),
    ("POST", "queueitems", False, "deletebulk"): _write(items.delete_many),
    ("POST", "queueitems", False, "setitemreviewstatus"): _write(items.set_review),
    ("POST", "queueitems", False, "setitemreviewer"): _write(items.set_reviewer),
    ("POST", "queueitems", False, "unsetitemreviewer"): _write(items.unset_reviewer),
    ("POST", "queues", False, "addqueueitem"): _write(items.add),
    ("POST", "queues", False, "bulkaddqueueitems"): _write(items.add_many),
    ("POST", "queues", False, "starttransaction"): _write(items.start),
    ("POST", "queues", True, "settransactionresult"): _write(items.set_result),
    ("GET", "releases", False, ""): _read(processes.list_),
    ("POST", "releases", False, ""): _write(processes.create),
    ("GET", "releases", True, ""): _read(processes.get),
    ("PUT", "releases", True, ""): _write(processes.update),
    ("PATCH", "releases", True, ""): _write(processes.update),
    ("DELETE", "releases", True, ""): _write(processes.delete),
    ("POST", "releases", True, "updatetospecificpackageversion"): _write(processes.to_version),
    ("POST", "releases", True, "updatetolatestpackageversion"): _write(processes.to_latest),
    ("POST", "releases", True, "rollbacktopreviousreleaseversion"): _write(processes.roll_back),
    ("GET", "processes", False, ""): _read(processes.list_packages),
    ("GET", "processes", False, "getprocessversions"): _read(processes.package_versions),
    ("POST", "processes", False, "uploadpackage"): _write(processes.upload),
    ("DELETE", "processes", True, ""): _write(processes.delete_package),
    ("GET", "jobs", False, ""): _read(jobs.list_),
    ("GET", "jobs", True, ""): _read(jobs.get),
    ("GET", "jobs", False, "getbykey"): _read(jobs.get_by_key),
    ("POST", "jobs", False, "startjobs"): _write(jobs.start),
    ("POST", "jobs", False, "validatedynamicjob"): _read(jobs.validate),
    ("POST", "jobs", True, "stopjob"): _write(jobs.stop),
    ("POST", "jobs", False, "stopjobs"): _write(jobs.stop_many),
    ("POST", "jobs", False, "restartjob"): _write(jobs.restart),
    ("POST", "jobs", False, "resumejob"): _write(jobs.resume),
    ("GET", "assets", False, ""): _read(assets.list_),
    ("GET", "assets", False, "getfiltered"): _read(assets.filtered),
    ("GET", "assets", False, "getassetsacrossfolders"): _read(assets.list_everywhere),
    ("POST", "assets", False, ""): _write(assets.create),
    ("GET", "assets", True, ""): _read(assets.get),
    ("PUT", "assets", True, ""): _write(assets.update),
    ("DELETE", "assets", True, ""): _write(assets.delete),
    ("GET", "assets", False, "getfoldersforasset"): _read(assets.folders_of),
    ("POST", "assets", False, "getrobotassetbynameforrobotkey"): _read(assets.for_robot),
    ("GET", "assets", False, "getrobotassetbyrobotid"): _read(assets.for_robot_id),
    ("POST", "assets", False, "setrobotassetbyrobotkey"): _write(assets.set_for_robot),
    ("GET", "robotlogs", False, ""): _read(logs.list_),
    ("GET", "robotlogs", False, "gettotalcount"): _read(logs.total),
    ("GET", "robots", False, ""): _read(robots.list_),
    ("POST", "robots", False, ""): _write(robots.create),
    ("GET", "robots", True, ""): _read(robots.get),
    ("PUT", "robots", True, ""): _write(robots.update),
    ("PATCH", "robots", True, ""): _write(robots.update),
    ("DELETE", "robots", True, ""): _write(robots.delete),
    ("POST", "robots", False, "deletebulk"): _write(robots.delete_many),
    ("POST", "robots", False, "toggleenabledstatus"): _write(robots.toggle),
    ("GET", "robots", False, "findallacrossfolders"): _read(robots.list_everywhere),
    ("GET", "robots", False, "getconfiguredrobots"): _read(robots.list_everywhere),
    ("GET", "robots", False, "getrobotsfromfolder"): _read(robots.list_of_folder),
    ("GET", "robots", False, "getfolderrobots"): _read(robots.list_of_folder),
    ("GET", "sessions", False, ""): _read(robots.sessions),
    ("GET", "sessions", False, "getglobalsessions"): _read(robots.global_sessions),
    ("GET", "sessions", False, "getmachinesessionruntimes"): _read(robots.machine_sessions),
    ("GET", "sessions", False, "getmachinesessionruntimesbyfolderid"): _read(robots.machine_sessions),
    ("GET", "machines", False, ""): _read(robots.machines),
    ("GET", "machines", False, "getruntimesforfolder"): _read(robots.runtimes),
    ("GET", "processschedules", False, ""): _read(triggers.list_),
    ("POST", "processschedules", False, ""): _write(triggers.create),
    ("GET", "processschedules", True, ""): _read(triggers.get),
    ("PUT", "processschedules", True, ""): _write(triggers.update),
    ("DELETE", "processschedules", True, ""): _write(triggers.delete),
    ("POST", "processschedules", False, "setenabled"): _write(triggers.set_enabled),
    ("GET", "processschedules", False, "getrobotidsforschedule"): _read(triggers.robots_of),
}
_API: dict[tuple[str, str], Route] = {
    ("GET", "/api/folders/getallforcurrentuser"): _read(folders.mine),
    ("GET", "/api/foldersnavigation/getfoldersforcurrentuser"): _read(folders.navigation),
    ("GET", "/api/foldersnavigation/getallfoldersforcurrentuser"): _read(folders.navigation_all),
    ("POST", "/api/logs"): _write(logs.submit_one),
    ("POST", "/api/logs/submitlogs"): _write(logs.submit),
    ("GET", "/api/stats/getcountstats"): _read(stats.counts),
    ("GET", "/api/stats/getjobsstats"): _read(stats.of_jobs),
    ("GET", "/api/stats/getsessionsstats"): _read(stats.of_sessions),
    ("GET", "/api/status/get"): _read(lambda ask: nothing(200)),
}
_AUTHENTICATE = "/api/account/authenticate"


class Uipath:
    """``key`` is the account's, or None where nobody has to show one."""

    def __init__(self, engine: Engine, *, key: str | None, open_access: bool, strict: bool) -> None:
        self._engine = engine
        self._entrance = Entrance(key, open_access=open_access)
        self._strict = strict

    def find(self, request: Request) -> Operation | None:
        if _TOKEN.fullmatch(request.path):
            return self._operation(
                request, "POST", partial(self._entrance.token, request=request), writes=False
            )
        prefix = _PREFIX.match(request.path)
        root = prefix.group() if prefix else ""
        path = request.path[len(root) :]
        lower = path.lower()
        if lower == _AUTHENTICATE:
            run = partial(self._entrance.authenticate, request=request)
            return self._operation(request, "POST", run, writes=False)
        place: Place | None = None
        if lower.startswith("/odata/"):
            place = place_of(root, path[len("/odata/") :])
            return self._found(request, place, _routes(place), path)
        methods = {method: route for (method, known), route in _API.items() if known == lower}
        if not methods and not prefix:
            return None
        return self._found(request, Place(root, lower), methods, path)

    def _found(
        self, request: Request, place: Place | None, methods: Mapping[str, Route], path: str
    ) -> Operation:
        method = "GET" if request.method == "HEAD" else request.method
        route = methods.get(method)
        if place is None or not methods:
            return _refusing(
                Refused(404, f"No HTTP resource was found that matches the request URI '{path}'.")
            )
        if route is None:
            allowed = ", ".join(sorted(methods))
            error = Refused(
                405, f"The requested resource does not support '{method}'.", headers=(("allow", allowed),)
            )
            return _refusing(error)
        return Operation(
            partial(self._answer, route.answer, request, place), writes=route.writes, refuse=refuse
        )

    def _answer(self, answer: Answer, request: Request, place: Place, tx: Tx) -> Response:
        self._entrance.check(tx, request)
        response = answer(Ask(tx, request, place, self._strict))
        response.headers.append(("api-supported-versions", "20.0"))
        return response

    def _operation(
        self, request: Request, method: str, run: Callable[..., Response], *, writes: bool
    ) -> Operation:
        if request.method != method:
            return _refusing(Refused(405, f"{request.path} takes {method}.", headers=(("allow", method),)))
        return Operation(run, writes=writes, refuse=refuse)


def _routes(place: Place | None) -> Mapping[str, Route]:
    if place is None:
        return {}
    asked = (place.entity, place.key is not None, place.action)
    return {method: route for (method, *rest), route in _ODATA.items() if tuple(rest) == asked}


def _refusing(error: Refused) -> Operation:
    def run(_: Tx) -> Response:
        raise error

    return Operation(run, writes=False, refuse=refuse)
