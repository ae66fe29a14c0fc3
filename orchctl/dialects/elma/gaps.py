"""What ELMA RPA's public API can do, and for each thing it cannot, why and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

from orchctl.dialects.base import Feature, Gap

_NO_LIST = "has no call for it in its public API"
_IN_DESIGNER = "do it in the vendor's Designer or in the Orchestrator's own pages"
_IN_PAGES = "look in the Orchestrator's own pages"

FEATURES = frozenset(
    {
        Feature.CREATE_TASK,
        Feature.GET_TASK,
        Feature.CANCEL_TASK,
        Feature.DOWNLOAD_TASK_FILE,
        Feature.LIST_QUEUES,
        Feature.GET_QUEUE,
        Feature.GET_JOB,
        Feature.LIST_LOG_ENTRIES,
        Feature.LIST_PROCESSES,
        Feature.GET_PROCESS,
        Feature.LIST_PROCESS_VERSIONS,
        Feature.GET_PROCESS_VERSION,
    }
)
# By the noun in a feature's name; what is particular to one verb stands in _VERBS.
_NOUNS: Mapping[str, Gap] = {
    "asset": Gap("has no assets", "keep the value in the process's own context"),
    "robot": Gap("has no call for its robots", "they are on the Orchestrator's page Bots"),
    "runtime": Gap("has no call for its robots", "they are on the Orchestrator's page Bots"),
    "job": Gap("has no jobs of its own: a task is a run", "orchctl task create, task cancel, job get"),
    "trigger": Gap("has no triggers", "call orchctl task create from cron or the Task Scheduler"),
    "queue": Gap(
        "has no queues of its own: each process is one", "orchctl queue list shows them; -q takes a process"
    ),
    "process": Gap("takes no processes through its public API", _IN_DESIGNER),
    "log": Gap("has no log of its own: each task has one", "orchctl log list --job ID"),
    "account": Gap("has no call for its users", "they are on the Orchestrator's page Users"),
    "storage": Gap(
        "has no storage of files", "pass the URL of a file with -p, fetch results with task download"
    ),
    "stored": Gap(
        "has no storage of files", "pass the URL of a file with -p, fetch results with task download"
    ),
    "folder": Gap("has no folders", "one orchestrator, one context: orchctl context add"),
    "tags": Gap("has no tags", "keep your own key with task create --reference: the ledger knows it"),
}
_VERBS: Mapping[Feature, Gap] = {
    Feature.CREATE_TASKS: Gap("takes one task a call", "orchctl task create --from FILE sends many calls"),
    Feature.FIND_TASK: Gap(
        "cannot look a task up by a key of yours", "orchctl task list shows what this machine created"
    ),
    Feature.COUNT_TASKS: Gap(
        "has no call that counts tasks", "orchctl queue stats counts those that this machine created"
    ),
    Feature.SEND_HEARTBEAT: Gap("has robots of its own only", "they are on the Orchestrator's page Bots"),
    Feature.CONSUME_JOB: Gap("gives tasks to its own robots only", "orchctl task wait ID follows one"),
    Feature.LIST_TASKS: Gap(
        "has no list of tasks", "orchctl task list shows what this machine created, from its ledger"
    ),
    Feature.UPDATE_TASK: Gap(
        "cannot change a task",
        "cancel it while it is queued, and create it anew: orchctl task cancel ID",
    ),
    Feature.NEXT_TASK: Gap("does not say which task comes next", "its robots take tasks by themselves"),
    Feature.TAKE_TASK: Gap("gives tasks to its own robots only", "orchctl task wait ID follows one"),
    Feature.CLAIM_TASK: Gap("gives tasks to its own robots only", "orchctl task wait ID follows one"),
    Feature.FINISH_TASK: Gap(
        "lets only its own robots end a task", "orchctl task cancel ID while it is queued"
    ),
    Feature.DELETE_TASK: Gap("cannot delete a task", "orchctl task cancel ID while it is queued"),
    Feature.RETRY_TASK: Gap(
        "cannot repeat a task", "orchctl task retry creates it again from this machine's ledger"
    ),
    Feature.ERASE_TASK: Gap(
        "cannot blank a task's input", "keep what must not stay out of -p: pass a reference to it instead"
    ),
    Feature.LIST_JOBS: Gap(
        "has no list of runs", "orchctl job list shows what this machine created, from its ledger"
    ),
    Feature.STOP_JOB: Gap(
        "cannot stop a run",
        "orchctl task cancel ID while it is queued; on the robot, its button or Ctrl+Alt+B",
    ),
    Feature.ABORT_JOB: Gap(
        "cannot abort a run",
        "orchctl task cancel ID while it is queued; on the robot, its button or Ctrl+Alt+B",
    ),
    Feature.CREATE_JOB: Gap(
        "has no jobs of its own: a task is a run", "orchctl task create -q PROCESS -p NAME=VALUE"
    ),
}


def _gap(feature: Feature) -> Gap:
    if feature in _VERBS:
        return _VERBS[feature]
    words = feature.value.split("_")
    nouns = (noun for word in words for noun in (word, word.removesuffix("s"), word.removesuffix("es")))
    return next((_NOUNS[noun] for noun in nouns if noun in _NOUNS), Gap(_NO_LIST, _IN_PAGES))


GAPS = {feature: _gap(feature) for feature in Feature if feature not in FEATURES}
