"""UiPath Orchestrator for the contract suite: what has to be prepared otherwise, and what is seen otherwise."""

from __future__ import annotations

import zipfile
from typing import Any

from orchctl.config import Context
from orchctl.dialects.uipath import Uipath as Dialect
from orchctl.model import NewTask
from orchctl.transport import Transport
from tests.contract.orchestrators import Orchestrator
from tests.wire.recording import Recording
from tests.wire.uipath_description import check

_PREFIX = "/org/tenant/orchestrator_"


class Uipath(Orchestrator):
    """Over HTTP, so that each request can be held against UiPath's own description of its API."""

    def __init__(self, orchctl: Any, env: Any, folder: Any) -> None:
        self.server = Recording(folder / "sandbox.db")
        spoken = {"ORCHCTL_DIALECT": "uipath", "ORCHCTL_TOKEN": "any", "ORCHCTL_FOLDER": "Shared"}
        super().__init__(orchctl, {**spoken, "ORCHCTL_URL": self.server.url + _PREFIX}, folder)

    def close(self) -> None:
        self.server.close()
        for sent in self.server.requests:
            if sent.path.startswith(_PREFIX):
                check(sent.method, sent.target.removeprefix(_PREFIX), sent.headers, sent.body)

    def package(self, name: str, version: str) -> str:
        path = self.folder / f"{name}.{version}.nupkg"
        spec = f"<package><metadata><id>{name}</id><version>{version}</version></metadata></package>"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(f"{name}.nuspec", spec)
        return str(path)

    def process(self) -> str:
        name = self.name("Process").replace(" ", "")
        self("process", "version", "create", name, self.package(name, "1.0.0"))
        return str(self("process", "create", "--name", name)["id"])

    def robot(self) -> str:
        """Robots of UiPath speak for themselves; here one does so over another of the sandbox's APIs."""
        robot = self("robot", "create", "--name", self.name("Robot"))
        key = robot["native"]["Key"]
        sherpa = {"ORCHCTL_URL": self.server.url, "ORCHCTL_DIALECT": "sherpa", "ORCHCTL_TOKEN": key}
        assert self.orchctl("robot", "heartbeat", key, env=sherpa).code == 0
        return str(robot["id"])

    def trigger(self) -> str:
        words = ["--process", self.process(), "--robot", self.robot(), "--cron", "0 0 8 * * ? *"]
        return str(self("trigger", "create", "--name", self.name("Trigger"), *words)["id"])

    def taken(self, *options: str) -> tuple[str, str]:
        """A task in progress, and its queue."""
        queue = self.queue()
        task = self.task(queue, *options)
        assert self("task", "next", "-q", queue, "--take")["id"] == task
        return task, queue

    def create_task(self) -> None:
        queue = self.queue()
        task = self("task", "create", "-q", queue, "--reference", "T", "-P", "a=[1]", "--priority", "high")
        assert (task["reference"], task["queue"], task["status"], task["priority"]) == (
            "T",
            queue,
            "new",
            "high",
        )
        assert task["payload"] == {"a": [1]}
        assert self.refuses("task", "create", "-q", queue, "--tag", "x") == 14

    def create_tasks(self) -> None:
        queue = self.queue("--unique-tasks")
        rows = self.file("rows.csv", "reference,payload.a\nR1,1\nR2,2\nR1,3\n")
        words = ["task", "create", "-q", queue, "--from", rows]
        assert self.orchctl(*words, env=self.env).code == 10
        found = self("task", "list", "-q", queue)
        assert [(task["reference"], task["payload"]) for task in found] == [
            ("R1", {"a": "1"}),
            ("R2", {"a": "2"}),
        ]

    def find_task(self) -> None:
        """What a create in doubt made is found by its reference, where that is unique."""
        queue = self.queue("--unique-tasks")
        task = self.task(queue, "-p", "a=1")
        made = self("task", "get", task)
        url = self.env["ORCHCTL_URL"]
        transport = Transport(base_url=url, authorize=lambda _: {}, notify=lambda _: None)
        dialect = Dialect(transport, Context(name="c", dialect="uipath", url=url, folder="Shared"))
        try:
            new = NewTask(queue=queue, reference=made["reference"], payload={"a": "1"})
            found = dialect.find_task(new)
            assert found is not None and found.id == task
            other = NewTask(queue=queue, reference=made["reference"], payload={"a": "2"})
            assert dialect.find_task(other) is None
        finally:
            transport.close()

    def update_task(self) -> None:
        task = self.task(None, "-p", "a=1")
        changed = self("task", "update", task, "-p", "b=2", "--priority", "low", "--progress", "half")
        assert (changed["payload"], changed["priority"], changed["progress"]) == (
            {"a": "1", "b": "2"},
            "low",
            "half",
        )

    def finish_task(self) -> None:
        task, _ = self.taken()
        words = ["--status", "failed-business", "--reason", "why", "--result", '{"n": 1}']
        done = self("task", "finish", task, *words)
        assert (done["status"], done["output"], done["error"]) == ("failed-business", {"n": 1}, "why")

    def cancel_task(self) -> None:
        queue = self.queue()
        assert self("task", "cancel", self.task(queue))["status"] == "deleted"
        assert self("task", "next", "-q", queue, "--take") is None

    def delete_task(self) -> None:
        """Its record stays."""
        task = self.task()
        self("task", "delete", task, "--yes")
        assert self("task", "get", task)["status"] == "deleted"

    def retry_task(self) -> None:
        task, queue = self.taken()
        self("task", "finish", task, "--status", "failed")
        again = self("task", "retry", task)
        assert (again["status"], again["parent_id"]) == ("new", task)
        assert self("task", "get", task)["status"] == "retried"
        assert self("task", "next", "-q", queue, "--take")["id"] == again["id"]

    def erase_task(self) -> None:
        task, _ = self.taken("-p", "secret=x")
        assert self.refuses("task", "erase", task, "--yes") == 5
        self("task", "finish", task, "--status", "success")
        erased = self("task", "erase", task, "--yes")
        assert (erased["id"], erased["payload"], erased["status"]) == (task, {}, "success")

    def list_runtimes(self) -> None:
        robot = self("robot", "get", self.robot())
        (runtime,) = self("robot", "runtimes")
        assert (runtime["machine"], runtime["status"]) == (robot["machine"] or robot["name"], "ready")
        assert (runtime["total"], runtime["used"]) == (1, 0)

    def abort_job(self) -> None:
        """A job that was killed has stopped, as UiPath has it."""
        assert self("job", "abort", self.job(), "--yes")["status"] in ("aborting", "stopped")

    def create_asset(self) -> None:
        """A secret does not come back."""
        words = ["--type", "credential", "--username", "u", "--value-stdin"]
        asset = self("asset", "create", "Bank", *words, input="S3cr3t!\n")
        assert (asset["type"], asset["username"], asset["value"]) == ("credential", "u", None)

    def create_process(self) -> None:
        self("process", "version", "create", "P", self.package("P", "1.0.0"))
        process = self("process", "create", "--name", "P", "--description", "d")
        assert (process["name"], process["description"], process["version"]) == ("P", "d", "1.0.0")

    def create_process_version(self) -> None:
        version = self("process", "version", "create", "P", self.package("P", "2.0.0"))
        assert (version["id"], version["name"], version["process"]) == ("P:2.0.0", "2.0.0", "P")

    def list_process_versions(self) -> None:
        process = self.process()
        self.process()
        assert [version["name"] for version in self("process", "version", "list", process)] == ["1.0.0"]

    def get_process_version(self) -> None:
        (version,) = self("process", "version", "list", self.process())
        assert self("process", "version", "get", version["id"])["name"] == "1.0.0"

    def create_trigger(self) -> None:
        process, robot = self.process(), self.robot()
        words = ["--process", process, "--robot", robot, "--cron", "0 0 8 ? * MON-FRI *"]
        trigger = self("trigger", "create", "--name", "Daily", *words)
        assert (trigger["name"], trigger["cron"]) == ("Daily", "0 0 8 ? * MON-FRI *")
        assert trigger["process"] == self("process", "get", process)["name"]
        assert trigger["robot"] == self("robot", "get", robot)["name"]

    def update_trigger(self) -> None:
        trigger = self.trigger()
        changed = self("trigger", "update", trigger, "--cron", "0 0 9 * * ? *", "--name", "Other")
        assert (changed["cron"], changed["name"]) == ("0 0 9 * * ? *", "Other")
        assert self("trigger", "disable", trigger)["status"] == "disabled"
        assert self("trigger", "enable", trigger)["status"] == "enabled"
