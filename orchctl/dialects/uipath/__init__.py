"""UiPath Orchestrator: Automation Cloud, Automation Suite and standalone. It translates; the client loops.

Written from UiPath's own OpenAPI description (v20) and seed 004; what neither says is marked "unverified".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from orchctl.credentials import Kind
from orchctl.dialects.base import Feature, Gap
from orchctl.dialects.uipath.assets import Assets
from orchctl.dialects.uipath.auth import LOGS_IN_WITH
from orchctl.dialects.uipath.folders import Folders
from orchctl.dialects.uipath.gaps import GAPS
from orchctl.dialects.uipath.jobs import Jobs
from orchctl.dialects.uipath.logs import Logs
from orchctl.dialects.uipath.lookups import JOBS_METER
from orchctl.dialects.uipath.processes import Processes
from orchctl.dialects.uipath.queues import Queues
from orchctl.dialects.uipath.robots import Robots
from orchctl.dialects.uipath.tasks import ITEMS, Tasks
from orchctl.dialects.uipath.triggers import Triggers


class Uipath(Tasks, Queues, Jobs, Assets, Logs, Robots, Processes, Triggers, Folders):
    name: ClassVar[str] = "uipath"
    title: ClassVar[str] = "UiPath Orchestrator"
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - GAPS.keys()
    gaps: ClassVar[Mapping[Feature, Gap]] = GAPS
    tells_tasks_apart: ClassVar[bool] = True
    task_extras: ClassVar[frozenset[str]] = frozenset({"progress"})
    counts_roughly: ClassVar[str | None] = (
        "counts a postponed task as new, and does not count those that are abandoned, retried or deleted: "
        "orchctl task list tells them apart"
    )
    own_task_fields: ClassVar[frozenset[str]] = frozenset({"status", "retries", "parent_id"})
    fixed_task_fields: ClassVar[frozenset[str]] = frozenset({"name", "reference"})
    logs_in_with: ClassVar[frozenset[Kind]] = LOGS_IN_WITH
    filters_jobs: ClassVar[bool] = True
    lists_log_from_a_time: ClassVar[bool] = True
    tells_machines_of_log: ClassVar[bool] = True
    # Per tenant, for clients that are no robots; in force since July 2024.
    budgets: ClassVar[Mapping[str, int]] = {JOBS_METER: 100, ITEMS: 100}
