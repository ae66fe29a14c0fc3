"""What UiPath Orchestrator has no call for, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

from orchctl.dialects.base import Feature, Gap

_TAGS = Gap("has no tags on tasks", "put the word in the payload or the reference")
_OWN_ROBOTS = Gap(
    "has robots of its own, which speak to it in a way of their own",
    "orchctl robot list shows how they are; orchctl job create gives them work",
)
_GROUPS = Gap("has no groups of robots that can be called", "orchctl folder list: folders take their place")
_BUCKETS = Gap("keeps files in storage buckets, which orchctl does not reach", "use its page, or orchctl api")
_ACCOUNTS = Gap("keeps its accounts in its identity server", "use its administration page")

GAPS: Mapping[Feature, Gap] = {
    Feature.NEXT_TASK: Gap(
        "shows no next task without taking it", "add --take, or look: orchctl task list --status new"
    ),
    Feature.CLAIM_TASK: Gap("takes the next task, not a certain one", "orchctl task next --take"),
    Feature.ADD_TASK_TAGS: _TAGS,
    Feature.REMOVE_TASK_TAGS: _TAGS,
    Feature.DOWNLOAD_TASK_FILE: Gap("keeps no files with a task", "orchctl task get shows its output"),
    Feature.UPDATE_JOB: Gap("has no call that changes a job", "orchctl job stop, or start another one"),
    Feature.DELETE_JOB: Gap("has no call that deletes a job", "orchctl job stop ends one; its record stays"),
    Feature.GET_LOG_ENTRY: Gap("gives log entries no id", "orchctl log list with --job, --since and --level"),
    Feature.PURGE_LOG: Gap("has no call that purges its log", "set how long logs are kept in its settings"),
    Feature.SET_ROBOT_STATUS: _OWN_ROBOTS,
    Feature.SEND_HEARTBEAT: _OWN_ROBOTS,
    Feature.CONSUME_JOB: _OWN_ROBOTS,
    Feature.CREATE_ROBOT_GROUP: _GROUPS,
    Feature.LIST_ROBOT_GROUPS: _GROUPS,
    Feature.GET_ROBOT_GROUP: _GROUPS,
    Feature.UPDATE_ROBOT_GROUP: _GROUPS,
    Feature.DELETE_ROBOT_GROUP: _GROUPS,
    Feature.ADD_ROBOT_TO_GROUP: _GROUPS,
    Feature.REMOVE_ROBOT_FROM_GROUP: _GROUPS,
    Feature.UPDATE_PROCESS_VERSION: Gap(
        "keeps each version of a package as it was uploaded", "upload another: orchctl process version create"
    ),
    Feature.CREATE_STORAGE_FOLDER: _BUCKETS,
    Feature.LIST_STORAGE_FOLDERS: _BUCKETS,
    Feature.GET_STORAGE_FOLDER: _BUCKETS,
    Feature.UPDATE_STORAGE_FOLDER: _BUCKETS,
    Feature.DELETE_STORAGE_FOLDER: _BUCKETS,
    Feature.CREATE_STORED_FILE: _BUCKETS,
    Feature.LIST_STORED_FILES: _BUCKETS,
    Feature.GET_STORED_FILE: _BUCKETS,
    Feature.UPDATE_STORED_FILE: _BUCKETS,
    Feature.DELETE_STORED_FILE: _BUCKETS,
    Feature.CREATE_ACCOUNT: _ACCOUNTS,
    Feature.LIST_ACCOUNTS: _ACCOUNTS,
    Feature.GET_ACCOUNT: _ACCOUNTS,
    Feature.UPDATE_ACCOUNT: _ACCOUNTS,
    Feature.DELETE_ACCOUNT: _ACCOUNTS,
}
