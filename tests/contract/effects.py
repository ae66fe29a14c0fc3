"""What each feature does, seen from outside: one function a feature, called as the feature is."""

from __future__ import annotations

from tests.contract.orchestrators import Orchestrator


def create_task(at: Orchestrator) -> None:
    queue = at.queue()
    task = at("task", "create", "-q", queue, "--name", "T", "-P", "a=[1]", "--priority", "high", "--tag", "x")
    assert (task["name"], task["queue"], task["status"], task["priority"]) == ("T", queue, "new", "high")
    assert (task["payload"], task["tags"]) == ({"a": [1]}, ["x"])


def list_tasks(at: Orchestrator) -> None:
    queue = at.queue()
    assert at("task", "list", "-q", queue) == []
    ids = {at.task(queue), at.task(queue)}
    assert {task["id"] for task in at("task", "list", "-q", queue)} == ids
    assert at("task", "list", "-q", queue, "--status", "success") == []


def get_task(at: Orchestrator) -> None:
    task = at.task()
    assert at("task", "get", task)["id"] == task
    at.is_gone("task", "get", "00000000-0000-4000-8000-000000000000")


def update_task(at: Orchestrator) -> None:
    changed = at("task", "update", at.task(), "--comment", "c", "-p", "a=1", "--priority", "low")
    assert (changed["comment"], changed["payload"], changed["priority"]) == ("c", {"a": "1"}, "low")


def next_task(at: Orchestrator) -> None:
    queue = at.queue()
    assert at("task", "next", "-q", queue) is None
    task = at.task(queue)
    assert [at("task", "next", "-q", queue)["id"] for _ in range(2)] == [task, task]


def claim_task(at: Orchestrator) -> None:
    queue = at.queue()
    task = at.task(queue)
    taken = at("task", "next", "-q", queue, "--take")
    assert (taken["id"], taken["status"]) == (task, "in-progress")
    assert at("task", "next", "-q", queue, "--take") is None


take_task = claim_task


def finish_task(at: Orchestrator) -> None:
    words = ["--status", "failed-business", "--reason", "why", "--result", '{"n": 1}']
    done = at("task", "finish", at.task(), *words)
    assert (done["status"], done["output"]) == ("failed-business", {"n": 1})


def cancel_task(at: Orchestrator) -> None:
    queue = at.queue()
    assert at("task", "cancel", at.task(queue))["status"] in ("abandoned", "cancelled", "deleted")
    assert at("task", "next", "-q", queue) is None


def delete_task(at: Orchestrator) -> None:
    task = at.task()
    at("task", "delete", task, "--yes")
    at.is_gone("task", "get", task)


def retry_task(at: Orchestrator) -> None:
    queue = at.queue()
    task = at.task(queue)
    at("task", "finish", task, "--status", "failed")
    again = at("task", "retry", task)
    assert again["status"] == "new"
    assert at("task", "next", "-q", queue)["id"] == again["id"]


def erase_task(at: Orchestrator) -> None:
    task = at.task(None, "-p", "secret=x")
    erased = at("task", "erase", task, "--yes")
    assert (erased["id"], erased["payload"]) == (task, {})


def add_task_tags(at: Orchestrator) -> None:
    assert at("task", "tag", "add", at.task(None, "--tag", "a"), "b")["tags"] == ["a", "b"]


def remove_task_tags(at: Orchestrator) -> None:
    assert at("task", "tag", "remove", at.task(None, "--tag", "a", "--tag", "b"), "a")["tags"] == ["b"]


def count_tasks(at: Orchestrator) -> None:
    queue = at.queue()
    at.task(queue)
    at.task(queue)
    counts = at("queue", "stats", queue)
    assert (counts["queue"], counts["total"], counts["new"]) == (queue, 2, 2)


def create_queue(at: Orchestrator) -> None:
    queue = at("queue", "create", "--name", "Q", "--description", "d", "--unique-tasks")
    assert (queue["name"], queue["description"], queue["unique_tasks"]) == ("Q", "d", True)


def list_queues(at: Orchestrator) -> None:
    names = {at.queue(), at.queue()}
    assert names <= {queue["name"] for queue in at("queue", "list")}


def get_queue(at: Orchestrator) -> None:
    name = at.queue()
    found = at("queue", "get", name)
    assert (found["name"], at("queue", "get", found["id"])["name"]) == (name, name)


def update_queue(at: Orchestrator) -> None:
    changed = at("queue", "update", at.queue(), "--name", "Other", "--description", "d")
    assert (changed["name"], changed["description"]) == ("Other", "d")


def delete_queue(at: Orchestrator) -> None:
    queue = at.queue()
    at("queue", "delete", queue, "--yes")
    at.is_gone("queue", "get", queue)


def create_job(at: Orchestrator) -> None:
    process, robot = at.process(), at.robot()
    job = at("job", "create", "--process", process, "--robot", robot)
    assert job["status"] in ("created", "pending")
    assert job["process"] == at("process", "get", process)["name"]
    assert job["robot"] == at("robot", "get", robot)["name"]


def list_jobs(at: Orchestrator) -> None:
    robot = at.robot()
    one, other = at.job(robot), at.job()
    assert {one, other} <= {job["id"] for job in at("job", "list")}
    assert [job["id"] for job in at("job", "list", "--robot", robot)] == [one]
    assert at("job", "list", "--status", "success") == []


def get_job(at: Orchestrator) -> None:
    job = at.job()
    assert at("job", "get", job)["id"] == job
    at.is_gone("job", "get", "00000000-0000-4000-8000-000000000000")


def update_job(at: Orchestrator) -> None:
    robot = at.robot()
    job = at.job(robot)
    at("robot", "consume", robot)
    assert at("job", "update", job, "--status", "in-progress")["status"] == "in-progress"
    assert at("job", "update", job, "--status", "success")["status"] == "success"


def delete_job(at: Orchestrator) -> None:
    job = at.job()
    at("job", "delete", job, "--yes")
    at.is_gone("job", "get", job)


def stop_job(at: Orchestrator) -> None:
    assert at("job", "stop", at.job())["status"] in ("stopping", "stopped")


def abort_job(at: Orchestrator) -> None:
    assert at("job", "abort", at.job(), "--yes")["status"] in ("aborting", "aborted")


def restart_job(at: Orchestrator) -> None:
    job = at.job()
    at("job", "stop", job)
    again = at("job", "restart", job)
    assert again["id"] != job
    assert again["status"] in ("created", "pending")


def create_asset(at: Orchestrator) -> None:
    words = ["--type", "credential", "--username", "u", "--value-stdin"]
    asset = at("asset", "create", "Bank", *words, input="S3cr3t!\n")
    assert (asset["type"], asset["username"], asset["value"]) == ("credential", "u", "***")
    assert at("asset", "get", "Bank", "--reveal")["value"] == "S3cr3t!"


def list_assets(at: Orchestrator) -> None:
    ids = {at.asset(), at.asset()}
    assert ids <= {asset["id"] for asset in at("asset", "list")}


def get_asset(at: Orchestrator) -> None:
    asset = at("asset", "create", "Greeting", "--type", "text", "--value", "Hello", "--description", "d")
    for key in ("Greeting", asset["id"]):
        found = at("asset", "get", key)
        assert (found["value"], found["type"], found["description"]) == ("Hello", "text", "d")


def update_asset(at: Orchestrator) -> None:
    changed = at("asset", "set", at.asset(), "--value", "other", "--description", "d")
    assert (changed["value"], changed["description"], changed["type"]) == ("other", "d", "text")


def delete_asset(at: Orchestrator) -> None:
    asset = at.asset()
    at("asset", "delete", asset, "--yes")
    at.is_gone("asset", "get", asset)


def create_log_entry(at: Orchestrator) -> None:
    robot = at.robot()
    at("log", "create", "--level", "warning", "--message", "Hello", "--robot", robot)
    (entry,) = at("log", "list", "--robot", robot)
    assert (entry["level"], entry["message"]) == ("warning", "Hello")


def list_log_entries(at: Orchestrator) -> None:
    for level in ("debug", "info", "warning", "error", "critical"):
        at("log", "create", "--level", level, "--message", f"a {level}")
    assert [entry["level"] for entry in at("log", "tail", "-n", "2")] == ["error", "critical"]
    assert {entry["level"] for entry in at("log", "list", "--level", "error")} == {"error", "critical"}


def get_log_entry(at: Orchestrator) -> None:
    at("log", "create", "--level", "info", "--message", "Hello")
    (entry,) = at("log", "list")
    assert at("log", "get", entry["id"])["message"] == "Hello"


def purge_log(at: Orchestrator) -> None:
    at("log", "create", "--level", "info", "--message", "Hello")
    at("log", "purge", "--before", "1d", "--yes")
    assert len(at("log", "list")) == 1
    at("log", "purge", "--before", "2100-01-01T00:00:00Z", "--yes")
    assert at("log", "list") == []


def create_robot(at: Orchestrator) -> None:
    robot = at("robot", "create", "--name", "R1", "--description", "d")
    assert (robot["name"], robot["description"], robot["status"]) == ("R1", "d", "disconnected")


def list_robots(at: Orchestrator) -> None:
    ids = {at.robot(), at.robot()}
    assert ids <= {robot["id"] for robot in at("robot", "list")}


def get_robot(at: Orchestrator) -> None:
    robot = at.robot()
    assert at("robot", "get", robot)["status"] == "ready"
    at.is_gone("robot", "get", "00000000-0000-4000-8000-000000000000")


def update_robot(at: Orchestrator) -> None:
    changed = at("robot", "update", at.robot(), "--name", "Other", "--description", "d")
    assert (changed["name"], changed["description"]) == ("Other", "d")


def delete_robot(at: Orchestrator) -> None:
    robot = at.robot()
    at("robot", "delete", robot, "--yes")
    at.is_gone("robot", "get", robot)


def get_robot_status(at: Orchestrator) -> None:
    assert at("robot", "status", at.robot()) == "ready"


def set_robot_status(at: Orchestrator) -> None:
    robot = at.robot()
    assert at("robot", "set-status", robot, "disconnected")["status"] == "disconnected"
    assert at("robot", "status", robot) == "disconnected"


def send_heartbeat(at: Orchestrator) -> None:
    robot = at.robot()
    idle = at("robot", "heartbeat", robot, "--machine", "WS-01", "--ip", "10.0.0.1")
    assert (idle["code"], idle["has_new_job"]) == (0, False)
    job = at.job(robot)
    assert at("robot", "heartbeat", robot)["has_new_job"] is True
    at("robot", "consume", robot)
    at("job", "update", job, "--status", "in-progress")
    at("job", "stop", job)
    assert at("robot", "heartbeat", robot, "--status", "working", "--job", job)["code"] == 20
    at("job", "abort", job, "--yes")
    assert at("robot", "heartbeat", robot, "--status", "working", "--job", job)["code"] == 10
    known = at("robot", "get", robot)
    assert (known["machine"], known["last_seen_at"] is not None) != (None, False)
    assert at.refuses("robot", "heartbeat", "00000000-0000-4000-8000-000000000000") == 4


def consume_job(at: Orchestrator) -> None:
    robot = at.robot()
    assert at("robot", "consume", robot)["code"] == 102
    queue = at.queue()
    task = at.task(queue)
    job = at("job", "create", "--process", at.process(), "--robot", robot, "--task", task)["id"]
    got = at("robot", "consume", robot)
    assert (got["code"], got["job"]["id"], got["task"]["id"]) == (0, job, task)
    assert got["process_version"]["name"] == "main.py"
    assert at.refuses("robot", "consume", "00000000-0000-4000-8000-000000000000") == 4


def create_robot_group(at: Orchestrator) -> None:
    group = at("robot", "group", "create", "--name", "Night", "--description", "d")
    assert (group["name"], group["description"]) == ("Night", "d")


def list_robot_groups(at: Orchestrator) -> None:
    ids = {at.group(), at.group()}
    assert ids <= {group["id"] for group in at("robot", "group", "list")}


def get_robot_group(at: Orchestrator) -> None:
    group = at.group()
    assert at("robot", "group", "get", group)["id"] == group


def update_robot_group(at: Orchestrator) -> None:
    changed = at("robot", "group", "update", at.group(), "--name", "Day", "--description", "d")
    assert (changed["name"], changed["description"]) == ("Day", "d")


def delete_robot_group(at: Orchestrator) -> None:
    group = at.group()
    at("robot", "group", "delete", group, "--yes")
    at.is_gone("robot", "group", "get", group)


def add_robot_to_group(at: Orchestrator) -> None:
    """Seen by what only robots of the group may read."""
    group, robot = at.group(), at.robot()
    at("asset", "create", "Shared", "--type", "text", "--value", "v", "--for", f"group:{group}")
    assert at.sees(robot, "Shared") is False
    at("robot", "group", "add-robot", group, robot)
    assert at.sees(robot, "Shared") is True


def remove_robot_from_group(at: Orchestrator) -> None:
    group, robot = at.group(), at.robot()
    at("robot", "group", "add-robot", group, robot)
    at("asset", "create", "Shared", "--type", "text", "--value", "v", "--for", f"group:{group}")
    at("robot", "group", "remove-robot", group, robot, "--yes", "--path", "/api/robotGroup/removeRobot")
    assert at.sees(robot, "Shared") is False
    assert at("robot", "group", "get", group)["id"] == group


def create_process(at: Orchestrator) -> None:
    process = at("process", "create", "--name", "P", "--description", "d", "--type", "package")
    assert (process["name"], process["description"], process["type"]) == ("P", "d", "package")


def list_processes(at: Orchestrator) -> None:
    ids = {at.process(), at.process()}
    assert ids <= {process["id"] for process in at("process", "list")}


def get_process(at: Orchestrator) -> None:
    process = at.process()
    found = at("process", "get", process)
    assert (found["id"], found["version_id"] is not None) == (process, True)


def update_process(at: Orchestrator) -> None:
    changed = at("process", "update", at.process(), "--name", "Other", "--description", "d")
    assert (changed["name"], changed["description"]) == ("Other", "d")


def delete_process(at: Orchestrator) -> None:
    process = at.process()
    at("process", "delete", process, "--yes")
    at.is_gone("process", "get", process)


def create_process_version(at: Orchestrator) -> None:
    process = at.process()
    file = at.file("two.robot", "2")
    version = at("process", "version", "create", process, file, "--name", "2.0", "--description", "d")
    assert (version["name"], version["file"], version["description"]) == ("2.0", "two.robot", "d")


def list_process_versions(at: Orchestrator) -> None:
    process = at.process()
    at.process()
    assert [version["name"] for version in at("process", "version", "list", process)] == ["main.py"]


def get_process_version(at: Orchestrator) -> None:
    process = at.process()
    (version,) = at("process", "version", "list", process)
    assert at("process", "version", "get", version["id"])["name"] == "main.py"


def update_process_version(at: Orchestrator) -> None:
    (version,) = at("process", "version", "list", at.process())
    file = at.file("three.robot", "3")
    changed = at("process", "version", "update", version["id"], "--name", "3.0", "--file", file)
    assert (changed["name"], changed["file"]) == ("3.0", "three.robot")
    assert at("process", "version", "update", version["id"], "--description", "d")["name"] == "3.0"


def delete_process_version(at: Orchestrator) -> None:
    (version,) = at("process", "version", "list", at.process())
    at("process", "version", "delete", version["id"], "--yes")
    at.is_gone("process", "version", "get", version["id"])


def create_trigger(at: Orchestrator) -> None:
    process, robot = at.process(), at.robot()
    words = ["--process", process, "--robot", robot, "--cron", "0 8 * * *", "--max-runs", "3"]
    trigger = at("trigger", "create", "--name", "Daily", *words)
    assert (trigger["name"], trigger["cron"], trigger["max_runs"]) == ("Daily", "0 8 * * *", 3)
    assert trigger["process"] == at("process", "get", process)["name"]
    assert trigger["robot"] == at("robot", "get", robot)["name"]


def list_triggers(at: Orchestrator) -> None:
    ids = {at.trigger(), at.trigger()}
    assert ids <= {trigger["id"] for trigger in at("trigger", "list")}


def get_trigger(at: Orchestrator) -> None:
    trigger = at.trigger()
    assert at("trigger", "get", trigger)["id"] == trigger


def update_trigger(at: Orchestrator) -> None:
    trigger = at.trigger()
    changed = at("trigger", "update", trigger, "--cron", "0 9 * * *", "--name", "Other")
    assert (changed["cron"], changed["name"]) == ("0 9 * * *", "Other")
    assert at("trigger", "disable", trigger)["status"] == "disabled"
    assert at("trigger", "enable", trigger)["status"] == "enabled"


def delete_trigger(at: Orchestrator) -> None:
    trigger = at.trigger()
    at("trigger", "delete", trigger, "--yes")
    at.is_gone("trigger", "get", trigger)


def create_folder(at: Orchestrator) -> None:
    at("folder", "create", "Отдел")
    folder = at("folder", "create", "Отдел/Счета")
    assert (folder["name"], folder["path"]) == ("Счета", "Отдел/Счета")
    at("queue", "create", "--name", "Q", "--folder", "Отдел/Счета")
    for key in ("id", "key", "path"):
        assert [queue["name"] for queue in at("queue", "list", "--folder", folder[key])] == ["Q"]
    assert at("queue", "list") == []


def list_folders(at: Orchestrator) -> None:
    at("folder", "create", "Other")
    assert {"Shared", "Other"} <= {folder["path"] for folder in at("folder", "list")}


def create_storage_folder(at: Orchestrator) -> None:
    folder = at("storage", "folder", "create", "--name", "Reports", "--description", "d")
    assert (folder["name"], folder["description"]) == ("Reports", "d")


def list_storage_folders(at: Orchestrator) -> None:
    ids = {_folder(at), _folder(at)}
    assert ids <= {folder["id"] for folder in at("storage", "folder", "list")}


def get_storage_folder(at: Orchestrator) -> None:
    folder = _folder(at)
    assert at("storage", "folder", "get", folder)["id"] == folder


def update_storage_folder(at: Orchestrator) -> None:
    changed = at("storage", "folder", "update", _folder(at), "--name", "Other", "--description", "d")
    assert (changed["name"], changed["description"]) == ("Other", "d")


def delete_storage_folder(at: Orchestrator) -> None:
    folder = _folder(at)
    at("storage", "folder", "delete", folder, "--yes")
    at.is_gone("storage", "folder", "get", folder)


def create_stored_file(at: Orchestrator) -> None:
    _file(at, "march.csv")
    assert "march.csv" in {file["name"] for file in at("storage", "file", "list")}


def list_stored_files(at: Orchestrator) -> None:
    _file(at, "one.csv")
    _file(at, "two.csv")
    assert {"one.csv", "two.csv"} <= {file["name"] for file in at("storage", "file", "list")}


def get_stored_file(at: Orchestrator) -> None:
    file = _file(at, "march.csv")
    assert at("storage", "file", "get", file)["name"] == "march.csv"


def update_stored_file(at: Orchestrator) -> None:
    file = _file(at, "march.csv")
    words = ["--name", "april.csv", "--file", at.file("april.csv", "4")]
    assert at("storage", "file", "update", file, *words)["name"] == "april.csv"


def delete_stored_file(at: Orchestrator) -> None:
    file = _file(at, "march.csv")
    at("storage", "file", "delete", file, "--yes")
    at.is_gone("storage", "file", "get", file)


def create_account(at: Orchestrator) -> None:
    words = ["--login", "branch", "--password-stdin", "--first-name", "Ivan", "--email", "i@example.com"]
    account = at("account", "create", *words, input="S3cr3t!\n")
    assert (account["login"], account["first_name"]) == ("branch", "Ivan")
    assert "S3cr3t!" not in str(account)


def list_accounts(at: Orchestrator) -> None:
    account = _account(at)
    assert account in {found["id"] for found in at("account", "list")}


def get_account(at: Orchestrator) -> None:
    account = _account(at)
    assert at("account", "get", account)["id"] == account


def update_account(at: Orchestrator) -> None:
    changed = at("account", "update", _account(at), "--last-name", "Ivanov")
    assert changed["last_name"] == "Ivanov"


def delete_account(at: Orchestrator) -> None:
    account = _account(at)
    at("account", "delete", account, "--yes")
    at.is_gone("account", "get", account)


def _folder(at: Orchestrator) -> str:
    return str(at("storage", "folder", "create", "--name", at.name("Folder"))["id"])


def _file(at: Orchestrator, name: str) -> str:
    """Its id, which not every answer to an upload holds."""
    at("storage", "file", "create", _folder(at), at.file(name, "1;2"))
    return next(str(file["id"]) for file in at("storage", "file", "list") if file["name"] == name)


def _account(at: Orchestrator) -> str:
    words = ["--login", at.name("branch"), "--password-stdin"]
    return str(at("account", "create", *words, input="S3cr3t!\n")["id"])
