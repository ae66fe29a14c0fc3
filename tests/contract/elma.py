"""ELMA RPA for the contract suite: its features are few, and some of its gaps are made good from the ledger."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar

from orchctl.dialects.base import Feature
from tests.contract.orchestrators import Orchestrator


class Elma(Orchestrator):
    from_ledger: ClassVar[Set[Feature]] = {Feature.LIST_TASKS, Feature.RETRY_TASK, Feature.LIST_JOBS}

    def sandbox(self, *argv: str) -> str:
        database = self.env["ORCHCTL_URL"].removeprefix("sandbox:")
        result = self.orchctl("sandbox", *argv, "--db", database)
        assert result.code == 0, result.err
        return str(result.out.strip())

    def queue(self, *options: str) -> str:
        name = self.name("Process")
        self.sandbox("publish", name, "--var", "a:int[]", "--var", "report:file:out")
        return name

    def play(self, task: str, *options: str) -> None:
        self.sandbox("play", task, *options)

    def create_task(self) -> None:
        queue = self.queue()
        task = self("task", "create", "-q", queue, "--name", "T", "-P", "a=[1]", "--priority", "high")
        assert (task["name"], task["queue"], task["status"], task["priority"]) == ("T", queue, "new", "high")
        assert task["payload"] == {"a": [1]}

    def get_task(self) -> None:
        task = self.task()
        assert self("task", "get", task)["id"] == task
        self.is_gone("task", "get", "999")

    def cancel_task(self) -> None:
        task = self.task()
        assert self("task", "cancel", task)["status"] == "cancelled"
        assert self("task", "get", task)["status"] == "cancelled"
        assert self.refuses("task", "cancel", task) == 5

    def download_task_file(self) -> None:
        task = self.task()
        self.play(task, "--file", self.file("r.txt", "what came out"))
        saved = self("task", "download", task, "report", "--to", str(self.folder / "got.txt"))
        assert (saved["file"], (self.folder / "got.txt").read_text()) == ("r.txt", "what came out")

    def list_queues(self) -> None:
        names = {self.queue(), self.queue()}
        assert {queue["name"] for queue in self("queue", "list")} == names

    def get_queue(self) -> None:
        name = self.queue()
        queue = self("queue", "get", name)
        assert self("queue", "get", queue["id"]) == queue
        assert queue["name"] == name
        self.is_gone("queue", "get", "nope")

    def get_job(self) -> None:
        task = self.task()
        self.play(task, "--running")
        job = self("job", "get", task)
        assert (job["id"], job["task_id"], job["status"]) == (task, task, "in-progress")

    def list_log_entries(self) -> None:
        task = self.task()
        self.play(task, "--log", "one", "--log", "two", "--running")
        assert [entry["message"] for entry in self("log", "list", "--job", task)][-2:] == ["one", "two"]

    def list_processes(self) -> None:
        names = {self.queue(), self.queue()}
        assert {process["name"] for process in self("process", "list")} == names

    def get_process(self) -> None:
        process = self("process", "get", self.queue())
        assert [variable["name"] for variable in process["variables"]] == ["a", "report"]
        self.is_gone("process", "get", "nope")

    def list_process_versions(self) -> None:
        name = self.queue()
        self.sandbox("publish", name)
        assert [version["name"] for version in self("process", "version", "list", name)] == ["2", "1"]

    def get_process_version(self) -> None:
        (version,) = self("process", "version", "list", self.queue())
        assert self("process", "version", "get", version["id"])["id"] == version["id"]
