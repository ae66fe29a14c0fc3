"""Sherpa Orchestrator. It must not loop, wait or decide what to retry: the client does.

Bodies are forms with the keys of the vendor's code where there is code (seeds 000, 001) and JSON with the
keys of the API reference elsewhere. What the documents only let one infer is marked "unverified".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from orchctl.dialects.base import Feature, Gap
from orchctl.dialects.sherpa.accounts import Accounts
from orchctl.dialects.sherpa.assets import Assets
from orchctl.dialects.sherpa.groups import RobotGroups
from orchctl.dialects.sherpa.jobs import Jobs
from orchctl.dialects.sherpa.logs import Logs
from orchctl.dialects.sherpa.processes import Processes
from orchctl.dialects.sherpa.queues import Queues
from orchctl.dialects.sherpa.robots import Robots
from orchctl.dialects.sherpa.storage import Storage
from orchctl.dialects.sherpa.tasks import Tasks
from orchctl.dialects.sherpa.triggers import Triggers

_GAPS = {
    Feature.DOWNLOAD_TASK_FILE: Gap(
        "keeps no files with a task",
        "its storage of files is orchctl storage, its task's data orchctl task get",
    ),
    Feature.TAKE_TASK: Gap(
        "has no one call that claims a task", "it is claimed by setting the next one in progress"
    ),
    Feature.CREATE_TASKS: Gap("takes one task a call", "orchctl task create --from FILE sends many calls"),
    Feature.FIND_TASK: Gap(
        "finds no task by what it was made of", "give tasks names, and look: orchctl task get NAME"
    ),
    Feature.COUNT_TASKS: Gap("has no call that counts tasks", "orchctl queue stats counts them one by one"),
    Feature.RESTART_JOB: Gap(
        "has no call that starts a job again",
        "create another: orchctl job create --process PROCESS --robot ROBOT",
    ),
    Feature.LIST_RUNTIMES: Gap(
        "has one runtime a robot and no call that lists them", "orchctl robot list shows the robots' machines"
    ),
    Feature.CREATE_FOLDER: Gap(
        "has no call for object folders in its API",
        "create it on the web page; folders of files are orchctl storage folder",
    ),
    Feature.LIST_FOLDERS: Gap(
        "has no call for object folders in its API",
        "folders of files are listed by orchctl storage folder list",
    ),
}


class Sherpa(
    Tasks,
    Queues,
    Jobs,
    Assets,
    Logs,
    Robots,
    RobotGroups,
    Processes,
    Triggers,
    Storage,
    Accounts,
):
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - _GAPS.keys()
    gaps: ClassVar[Mapping[Feature, Gap]] = _GAPS
    tells_tasks_apart: ClassVar[bool] = True
