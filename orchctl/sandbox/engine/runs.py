"""What a task has as a run beside its row: who sent it, its log, its files, and errands over the network.

An errand is written down with the task and done later by whoever has time (courier), so that no answer waits
for another server and none is forgotten when a process is killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from time import gmtime, strftime
from typing import NamedTuple

from orchctl.model import TaskStatus
from orchctl.sandbox.engine import tasks
from orchctl.sandbox.engine.base import Conflict, NotFound, Tx, new_guid
from orchctl.sandbox.engine.tasks import FINAL, Task, TaskFields

_TOLD = frozenset({TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.FAILED_BUSINESS, TaskStatus.ABANDONED})
# Whoever takes an errand and dies leaves it to the next after so long.
_CLAIM_MS = 30_000


class Run(NamedTuple):
    """A row. ``context_guid`` is set once a robot has the task; ``log`` is a text that only grows."""

    task_id: int
    system: str | None
    version_id: int | None
    context_guid: str | None
    callback: str | None
    log: str


class ErrandKind(StrEnum):
    FETCH = "fetch"
    CALLBACK = "callback"


class Errand(NamedTuple):
    """A row: a file to fetch for a task that prepares, or a task's end to tell."""

    id: int
    task_id: int
    kind: str
    url: str
    tries: int
    due_at: int


class TaskFile(NamedTuple):
    """A row without its content."""

    id: int
    task_id: int
    is_output: int
    name: str
    size: int
    created_at: int


_RUN = f"SELECT {', '.join(Run._fields)} FROM task_run"  # noqa: S608  # names of this module's own
_ERRAND = f"SELECT {', '.join(f'e.{name}' for name in Errand._fields)} FROM errand e"  # noqa: S608  # the same
_FILE = f"SELECT {', '.join(TaskFile._fields)} FROM task_file"  # noqa: S608  # the same


def of(tx: Tx, task: Task) -> Run:
    """A task that came another way has an empty run."""
    row = tx.connection.execute(f"{_RUN} WHERE task_id = ?", (task.id,)).fetchone()
    return Run(task.id, None, None, None, None, "") if row is None else Run._make(row)


def begin(
    tx: Tx,
    task: Task,
    *,
    system: str | None,
    version_id: int | None,
    callback: str | None,
    inputs: Sequence[str],
) -> Task:
    """Note where a new task comes from, and what is to be fetched before a robot may have it."""
    tx.connection.execute(
        "INSERT INTO task_run VALUES (?, ?, ?, NULL, ?, '')", (task.id, system, version_id, callback)
    )
    for url in dict.fromkeys(inputs):
        _add_errand(tx, task, ErrandKind.FETCH, url)
    if callback is not None:
        _add_errand(tx, task, ErrandKind.CALLBACK, callback)
    return tasks.update(tx, task, {}, status=TaskStatus.PREPARING) if inputs else task


def start(tx: Tx, task: Task, *, robot: str) -> Task:
    """A robot begins with a task that waits.

    :raises Conflict: it does not wait.
    """
    started = tasks.update(tx, task, {"robot": robot}, status=TaskStatus.IN_PROGRESS)
    _ensure(tx, task)
    tx.connection.execute("UPDATE task_run SET context_guid = ? WHERE task_id = ?", (new_guid(), task.id))
    return started


def log(tx: Tx, task: Task, lines: Sequence[str], *, level: str = "INF", component: str = "Robot") -> None:
    """Add lines in the form that ELMA's robots write, in UTC; a line that has that form already stays."""
    _ensure(tx, task)
    stamp = strftime("%Y/%m/%d %H:%M:%S", gmtime(tx.now // 1000))
    text = "".join(
        f"{line}\n"
        if line.startswith("[") and " | " in line
        else f"[{level}] {stamp} | [{component}] | {line}\n"
        for line in lines
    )
    tx.connection.execute("UPDATE task_run SET log = log || ? WHERE task_id = ?", (text, task.id))


def finish(tx: Tx, task: Task, *, output: str | None, error: str | None) -> Task:
    """End a run: with an error as failed."""
    fields: TaskFields = {"error": error}
    if output is not None:
        fields["output"] = output
    status = TaskStatus.SUCCESS if error is None else TaskStatus.FAILED
    return tasks.update(tx, task, fields, status=status)


def cancel(tx: Tx, task: Task) -> Task:
    """Take a task out of the queue.

    :raises Conflict: a robot has it, or it has ended.
    """
    if task.status not in (TaskStatus.PREPARING, TaskStatus.NEW, TaskStatus.POSTPONED):
        raise Conflict(f"the task is {task.status}, and only one that is queued can be cancelled")
    tx.connection.execute("DELETE FROM errand WHERE task_id = ?", (task.id,))
    return tasks.update(tx, task, {}, status=TaskStatus.CANCELLED)


def add_file(tx: Tx, task: Task, *, name: str, content: bytes, is_output: bool) -> None:
    tx.connection.execute(
        "INSERT INTO task_file (task_id, is_output, name, size, created_at, content) VALUES (?, ?, ?, ?, ?, ?)",
        (task.id, is_output, name, len(content), tx.now, content),
    )


def output_file(tx: Tx, task: Task, name: str) -> TaskFile:
    """A file of the task's output; of several with one name the newest."""
    row = tx.connection.execute(
        f"{_FILE} WHERE task_id = ? AND is_output = 1 AND name = ? ORDER BY id DESC LIMIT 1", (task.id, name)
    ).fetchone()
    if row is None:
        raise NotFound(f"the output of the task {task.id} has no file {name!r}")
    return TaskFile._make(row)


def input_names(tx: Tx, task: Task) -> list[str]:
    rows = tx.connection.execute(
        "SELECT name FROM task_file WHERE task_id = ? AND is_output = 0 ORDER BY id", (task.id,)
    )
    return [row[0] for row in rows]


def piece(tx: Tx, file: TaskFile, *, start: int, length: int) -> bytes:
    """Some bytes of a file's content."""
    row = tx.connection.execute(
        "SELECT substr(content, ?, ?) FROM task_file WHERE id = ?", (start + 1, length, file.id)
    ).fetchone()
    return b"" if row is None else bytes(row[0])


# Errands

_DUE = (
    f"{_ERRAND} JOIN task t ON t.id = e.task_id WHERE e.due_at <= :now AND (e.kind = 'fetch' OR t.ended_at"
    " IS NOT NULL) ORDER BY e.due_at, e.id LIMIT 1"
)


def is_errand_due(tx: Tx) -> bool:
    return tx.connection.execute(_DUE, {"now": tx.now}).fetchone() is not None


def claim_errand(tx: Tx) -> tuple[Errand, Task] | None:
    """The next errand that is due, which nobody else gets for a while."""
    while True:
        row = tx.connection.execute(_DUE, {"now": tx.now}).fetchone()
        if row is None:
            return None
        errand = Errand._make(row)
        task = tasks.by_id(tx, errand.task_id)
        wanted = task is not None and (
            task.status == TaskStatus.PREPARING if errand.kind == ErrandKind.FETCH else task.status in _TOLD
        )
        if task is None or not wanted:
            drop_errand(tx, errand)
            continue
        tx.connection.execute(
            "UPDATE errand SET tries = tries + 1, due_at = ? WHERE id = ?", (tx.now + _CLAIM_MS, errand.id)
        )
        return errand._replace(tries=errand.tries + 1), task


def postpone_errand(tx: Tx, errand: Errand, *, milliseconds: int) -> None:
    tx.connection.execute("UPDATE errand SET due_at = ? WHERE id = ?", (tx.now + milliseconds, errand.id))


def drop_errand(tx: Tx, errand: Errand) -> None:
    tx.connection.execute("DELETE FROM errand WHERE id = ?", (errand.id,))


def fetched(tx: Tx, errand: Errand, *, name: str, content: bytes) -> None:
    """An input file is here; with the last one the task goes into the queue."""
    task = tasks.by_id(tx, errand.task_id)
    drop_errand(tx, errand)
    if task is None or task.status != TaskStatus.PREPARING:
        return
    add_file(tx, task, name=name, content=content, is_output=False)
    left = tx.connection.execute(
        "SELECT 1 FROM errand WHERE task_id = ? AND kind = 'fetch' LIMIT 1", (task.id,)
    ).fetchone()
    if left is None:
        tasks.update(tx, task, {}, status=TaskStatus.NEW)


def not_fetched(tx: Tx, errand: Errand, *, why: str) -> None:
    """Without its input a task cannot run."""
    task = tasks.by_id(tx, errand.task_id)
    tx.connection.execute("DELETE FROM errand WHERE task_id = ? AND kind = 'fetch'", (errand.task_id,))
    if task is not None and task.status not in FINAL:
        log(tx, task, [why], level="ERR", component="Orchestrator")
        finish(tx, task, output=None, error=why)


def _add_errand(tx: Tx, task: Task, kind: ErrandKind, url: str) -> None:
    tx.connection.execute(
        "INSERT INTO errand (task_id, kind, url, tries, due_at) VALUES (?, ?, ?, 0, ?)",
        (task.id, kind.value, url, tx.now),
    )


def _ensure(tx: Tx, task: Task) -> None:
    """A task that came by another API has no run yet."""
    tx.connection.execute("INSERT OR IGNORE INTO task_run VALUES (?, NULL, NULL, NULL, NULL, '')", (task.id,))
