"""UiPath's wire: the documents' exchanges, what real clients send beside them, and what it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from orchctl.model import Priority, TaskStatus
from orchctl.sandbox import admin
from orchctl.sandbox.app import App, Request, open_app
from orchctl.sandbox.engine import Engine, extras, queues, tasks
from orchctl.sandbox.engine.queues import QueueFields
from orchctl.sandbox.wire.sherpa import Sherpa
from orchctl.sandbox.wire.uipath import Uipath
from tests.sandbox.conftest import Answer, Clock

WIRE = Path(__file__).parents[1] / "wire" / "uipath"
GUIDE = {
    "EmployeeName": "John Kensington",
    "ContactNumber": "+4457899",
    "RelocationDistance": 500,
    "Description": "Home relocation",
    "ExpenseCode": "UI234",
    "Amount": 1000,
    "RequirePass": True,
}
RISK = 1645104463895  # 2022-02-17T13:27:43.895Z


class Cloud:
    """UiPath's wire as a client sees it, in the folder Shared."""

    def __init__(self, app: App, token: str = "") -> None:
        self.app = app
        self.headers = {"x-uipath-organizationunitid": "1", "authorization": f"Bearer {token}", "host": "h"}

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | str = "",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {name.lower(): value for name, value in (self.headers if headers is None else headers).items()}
        body = b"" if json is None else dumps(json)
        if json is not None:
            sent["content-type"] = "application/json"
        if form is not None:
            body = urlencode(form).encode()
        text = query if isinstance(query, str) else urlencode(query)
        response = self.app.handle(Request(method, path, text, sent, body))
        whole = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return Answer(response.status, dict(response.headers), whole)

    def ok(self, method: str, path: str, **more: Any) -> Any:
        answer = self.send(method, path, **more)
        assert 200 <= answer.status < 300, answer.body
        return answer.data if answer.body else None

    def refused(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """Status and error code."""
        answer = self.send(method, path, **more)
        return answer.status, answer.data["errorCode"]

    def queue(self, name: str = "Q", **fields: Any) -> int:
        return int(self.ok("POST", "/odata/QueueDefinitions", json={"Name": name, **fields})["Id"])

    def item(self, queue: str = "Q", **fields: Any) -> Any:
        data = {"itemData": {"Name": queue, "SpecificContent": {}, **fields}}
        return self.ok("POST", "/odata/Queues/UiPathODataSvc.AddQueueItem", json=data)

    def take(self, queue: str = "Q", **fields: Any) -> Any:
        data = {"transactionData": {"Name": queue, **fields}}
        return self.ok("POST", "/odata/Queues/UiPathODataSvc.StartTransaction", json=data)

    def finish(self, number: int, **result: Any) -> Answer:
        path = f"/odata/Queues({number})/UiPathODataSvc.SetTransactionResult"
        return self.send("POST", path, json={"transactionResult": result})

    def get(self, number: int) -> Any:
        return self.ok("GET", f"/odata/QueueItems({number})")

    def ids(self, query: str) -> list[int]:
        return [row["Id"] for row in self.ok("GET", "/odata/QueueItems", query=query)["value"]]


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
def cloud(database: Path, clock: Clock) -> Iterator[Cloud]:
    store, _ = admin.open_store(database)
    engine = Engine(store, clock=clock)
    sherpa = Sherpa(engine, key=None, open_access=False, strict=False)
    app = App(engine, [sherpa, Uipath(engine, key=None, open_access=False, strict=False)])
    yield Cloud(app)
    app.close()


def exchanges(name: str) -> list[Any]:
    return [
        pytest.param(exchange, id=exchange["name"])
        for exchange in json.loads((WIRE / f"{name}.json").read_text("utf-8"))
    ]


def prepare(cloud: Cloud, exchange: Any) -> dict[str, Any]:
    """The objects that an exchange names, and the same exchange with the numbers that they have here."""
    note = exchange.get("note", "")

    def make(tx: Any) -> tuple[int, int, str]:
        rules: QueueFields = {"unique_tasks": True, "max_retries": 1, "retry_failed": True}
        queue = queues.find(tx, queues.create(tx, {"name": "Queue Demo", "description": "d", **rules}))
        item = {"reference": "82086", "priority": Priority.HIGH, "payload": json.dumps(GUIDE)}
        task = tasks.find(tx, tasks.create(tx, queue, item))  # type: ignore[arg-type]  # fields of a task
        extras.keep(tx, task, {"risk_at": RISK})
        if "progress" in note:
            task = tasks.update(tx, task, {}, status=TaskStatus.IN_PROGRESS)
        elif "failed" in note:
            task = tasks.update(tx, task, {"error": "why"}, status=TaskStatus.FAILED_BUSINESS)
        elif "new" not in note:
            task = tasks.update(tx, task, {}, status=TaskStatus.SUCCESS)
        return queue.id, task.id, task.guid

    queue, item, _ = cloud.app.engine.write(make)
    text = json.dumps(exchange)
    for documented, real in (("2499339", item), ("3899", queue), ("39419", 1)):
        text = text.replace(documented, str(real))
    changed: dict[str, Any] = json.loads(text)
    version = cloud.get(item)["RowVersion"]
    changed["request"] = json.loads(json.dumps(changed["request"]).replace("AAAAAABQET4=", version))
    return changed


@pytest.mark.parametrize("exchange", exchanges("item") + exchanges("queue") + exchanges("folder"))
def test_the_documents_exchanges(cloud: Cloud, exchange: Any) -> None:
    prepared = prepare(cloud, exchange)
    request = dict(prepared["request"])
    headers = {"host": "h", **request.pop("headers", {})}
    answer = cloud.send(request.pop("method"), request.pop("path"), headers=headers, **request)
    assert answer.status == exchange["reply"]["status"], answer.body
    documented = exchange["reply"]["body"]
    if documented is None:
        assert answer.body in (b"", b"{}")
        return
    given, asked = answer.data, documented
    if "value" in documented or "PageItems" in documented:
        key = "value" if "value" in documented else "PageItems"
        assert given[key], given
        given, asked = given[key][0], documented[key][0]
    assert list(asked) == [name for name in given if name in asked] or set(asked) <= set(given)
    for name in (
        "Status",
        "Priority",
        "Reference",
        "Name",
        "SpecificContent",
        "errorCode",
        "Success",
        "DisplayName",
    ):
        if name in asked and exchange["source"] != "S004":
            assert given[name] == asked[name], name
    if exchange["name"] == "get an item":
        same = "Status Reference Priority RiskSlaDate DueDate DeferDate SpecificContent Progress RetryNumber".split()
        assert {name: given[name] for name in same} == {name: asked[name] for name in same}
        assert json.loads(given["SpecificData"]) == json.loads(asked["SpecificData"])
        # The guide's keys come in the guide's order.
        assert [name for name in given if name in asked] == list(asked)


def test_erasing_keeps_all_but_the_content(cloud: Cloud) -> None:
    (exchange,) = [
        each for each in json.loads((WIRE / "item.json").read_text("utf-8")) if each["name"] == "erase"
    ]
    request = prepare(cloud, exchange)["request"]
    before = cloud.get(1)
    assert cloud.send("PUT", request["path"], json=request["json"]).status == 200
    after = cloud.get(1)
    assert after["SpecificContent"] == {}
    same = set(before) - {"SpecificContent", "SpecificData", "RowVersion", "@odata.context"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    changed = {**request["json"], "Priority": "Low"}
    assert cloud.refused("PUT", request["path"], json=changed) == (409, 0)
    refilled = {**request["json"], "SpecificContent": {"a": 1}}
    assert cloud.refused("PUT", request["path"], json=refilled) == (409, 0)


def test_a_transaction_from_its_start_to_its_end(cloud: Cloud) -> None:
    cloud.queue()
    first = cloud.item(SpecificContent={"a": 1}, Priority="Low")
    urgent = cloud.item(Priority="High", Reference="X-1")
    assert cloud.take()["Id"] == urgent["Id"]
    taken = cloud.take(RobotIdentifier="7ea50a9c-b657-4df3-bfe6-d1893c4f31ec")
    assert (taken["Id"], taken["Status"], taken["SpecificContent"]) == (first["Id"], "InProgress", {"a": 1})
    assert taken["StartProcessing"] is not None
    assert cloud.take() is None
    path = f"/odata/QueueItems({taken['Id']})/UiPathODataSvc.SetTransactionProgress"
    cloud.ok("POST", path, json={"progress": "half"})
    assert cloud.finish(taken["Id"], IsSuccessful=True, Output={"x": 1}, Analytics={"y": 2}).status == 200
    done = cloud.get(taken["Id"])
    assert (done["Status"], done["Output"], done["Analytics"]) == ("Successful", {"x": 1}, {"y": 2})
    assert (done["Progress"], done["OutputData"]) == ("half", '{"DynamicProperties": {"x": 1}}')
    assert cloud.finish(taken["Id"], IsSuccessful=True).status == 409
    assert cloud.refused("POST", path, json={"progress": "more"})[0] == 409


def test_a_failure_is_repeated_as_the_queue_has_it(cloud: Cloud) -> None:
    cloud.queue(MaxNumberOfRetries=1, AcceptAutomaticallyRetry=True)
    first = cloud.item(Reference="R-1")
    cloud.take()
    fault = {"Reason": "boom", "Details": "at line 5", "Type": "ApplicationException"}
    assert cloud.finish(first["Id"], IsSuccessful=False, ProcessingException=fault).status == 200
    failed = cloud.get(first["Id"])
    assert (failed["Status"], failed["ProcessingExceptionType"]) == ("Retried", "ApplicationException")
    assert failed["ProcessingException"]["Details"] == "at line 5"
    again = cloud.take()
    assert (again["AncestorId"], again["RetryNumber"], again["Key"]) == (first["Id"], 1, first["Key"])
    assert again["UniqueKey"] != first["UniqueKey"]
    assert cloud.finish(again["Id"], IsSuccessful=False, ProcessingException=fault).status == 200
    last = cloud.get(again["Id"])
    assert last["Status"] == "Failed"
    body = {"status": "Retried", "queueItems": [{"Id": last["Id"], "RowVersion": last["RowVersion"]}]}
    path = "/odata/QueueItems/UiPathODataSvc.SetItemReviewStatus"
    assert cloud.ok("POST", path, json=body)["Success"] is True
    newest = cloud.ok(
        "GET", f"/odata/QueueItems({first['Id']})/UiPath.Server.Configuration.OData.GetItemLastRetry"
    )
    assert (newest["Status"], newest["ManualAncestorId"], newest["ManualRetryNumber"]) == (
        "New",
        last["Id"],
        1,
    )
    assert cloud.get(last["Id"])["ReviewStatus"] == "Retried"
    chain = cloud.ok("GET", f"/odata/QueueItems({last['Id']})/UiPathODataSvc.GetItemProcessingHistory")
    assert [row["Id"] for row in chain["value"]] == [first["Id"], last["Id"], newest["Id"]]


def test_a_stale_row_version_changes_nothing(cloud: Cloud) -> None:
    cloud.queue()
    item = cloud.item()
    stale = {"Id": item["Id"], "RowVersion": item["RowVersion"]}
    cloud.take()
    for action, more in (("DeleteBulk", {}), ("SetItemReviewStatus", {"status": "Retried"})):
        path = f"/odata/QueueItems/UiPathODataSvc.{action}"
        answer = cloud.ok("POST", path, json={**more, "queueItems": [stale]})
        assert (answer["Success"], answer["FailedItems"]) == (False, [item["Id"]])
    assert cloud.get(item["Id"])["Status"] == "InProgress"


@pytest.mark.parametrize(
    ("commit", "left"),
    [("AllOrNothing", []), ("StopOnFirstFailure", ["A"]), ("ProcessAllIndependently", ["A", "B"])],
)
def test_bulk_says_which_were_refused(cloud: Cloud, commit: str, left: list[str]) -> None:
    cloud.queue(EnforceUniqueReference=True)
    rows = [{"Reference": "A"}, {"Reference": "A"}, {"Reference": "B"}]
    body = {"queueName": "Q", "commitType": commit, "queueItems": rows}
    answer = cloud.ok("POST", "/odata/Queues/UiPathODataSvc.BulkAddQueueItems", json=body)
    assert answer["Success"] is False
    assert [(row["Ordinal"], row["ErrorCode"]) for row in answer["FailedItems"]] == [
        (2, "DuplicateReference")
    ]
    found = cloud.ok("GET", "/odata/QueueItems")["value"]
    assert [row["Reference"] for row in found] == left


def test_a_reference_is_unique_among_those_that_count(cloud: Cloud) -> None:
    cloud.queue(EnforceUniqueReference=True)
    item = cloud.item(Reference="A")
    data = {"itemData": {"Name": "Q", "Reference": "A"}}
    assert cloud.refused("POST", "/odata/Queues/UiPathODataSvc.AddQueueItem", json=data)[0] == 409
    assert cloud.send("DELETE", f"/odata/QueueItems({item['Id']})", json={}).status == 204
    assert cloud.get(item["Id"])["Status"] == "Deleted"
    assert cloud.item(Reference="A")["Id"] != item["Id"]


def test_a_deferred_item_waits_and_is_new(cloud: Cloud, clock: Clock) -> None:
    cloud.queue()
    item = cloud.item(DeferDate="2023-11-14T22:14:20Z")
    assert (item["Status"], item["DeferDate"]) == ("New", "2023-11-14T22:14:20Z")
    assert cloud.take() is None
    clock.forward(seconds=61)
    assert cloud.take()["Id"] == item["Id"]
    assert cloud.finish(item["Id"], DeferDate="2023-11-14T23:00:00Z").status == 200
    assert cloud.get(item["Id"])["Status"] == "New"


def test_taking_by_reference_and_taking_what_is_made_for_it(cloud: Cloud) -> None:
    cloud.queue()
    cloud.item(Reference="A-1")
    second = cloud.item(Reference="B-1")
    assert cloud.take(Reference="B", ReferenceFilterOption="StartsWith")["Id"] == second["Id"]
    assert cloud.take(Reference="B") is None
    made = cloud.take(SpecificContent={"n": 1}, Reference="C-1")
    assert (made["Status"], made["SpecificContent"], made["Reference"]) == ("InProgress", {"n": 1}, "C-1")


@pytest.mark.parametrize(
    "query",
    [
        "%24filter=QueueDefinitionName+eq+%27Q%27&%24top=100",
        "$filter=QueueDefinitionName%20eq%20'Q'",
        "%24filter=QueueDefinitionId%20eq%201",
        "$filter=QueueDefinition/Name eq 'Q'",
        "$filter=queueDefinition/name eq 'q'",
        "$filter=Status eq 'New' and (Priority eq 'Normal' or Priority eq '0') and QueueDefinitionId eq 1",
        "$filter=Status eq '0'&$count=True&$orderby=id desc,Status",
        "$filter=Id in (1,2)&$orderby=Id desc&$expand=QueueDefinition,Robot",
        "$filter=startswith(Reference,'R-') and not contains(Reference,'x')&$orderby=Reference desc",
        "$filter=CreationTime ge 2023-11-14T22:13:20.000Z and CreationTime lt 2024-01-01&$skip=0&$orderby=Id+desc",
        "$filter=Reference ne null and Output eq null&$orderby=Id desc",
    ],
)
def test_queries_that_clients_send(cloud: Cloud, query: str) -> None:
    cloud.queue()
    cloud.queue("Other")
    cloud.item(Reference="R-1")
    cloud.item(Reference="R-2")
    cloud.item("Other", Reference="xR-3", Priority="High")
    wanted = [2, 1] if "desc" in query else [1, 2]
    found = [number for number in cloud.ids(query) if number != 3]
    assert found == wanted
    if "Status eq '0'" not in query and "ne null" not in query and "CreationTime" not in query:
        assert 3 not in cloud.ids(query)


def test_queries_answer_what_they_ask_for(cloud: Cloud) -> None:
    cloud.queue()
    for number in range(5):
        cloud.item(Reference=f"R-{number}")
    answer = cloud.ok("GET", "/odata/QueueItems", query="$count=true&$top=2&$skip=1&$select=id,reference")
    assert answer["@odata.count"] == 5
    assert answer["value"] == [{"Reference": "R-1", "Id": 2}, {"Reference": "R-2", "Id": 3}]
    assert answer["@odata.context"] == "http://h/odata/$metadata#QueueItems"
    expanded = cloud.ok("GET", "/odata/QueueItems(1)", query="$expand=QueueDefinition")
    assert expanded["QueueDefinition"]["Name"] == "Q"
    assert "QueueDefinition" not in cloud.get(1)
    assert "@odata.count" not in cloud.ok("GET", "/odata/QueueItems")


@pytest.mark.parametrize(
    "query",
    [
        "$top=101",
        "$top=x",
        "$filter=Status eq",
        "$filter=Status eq 'Nonsense'",
        "$filter=Nope eq 1",
        "$filter=Name eq 'O'Brien'",
        "$filter=Key eq guid'6ea50a9c-b657-4df3-bfe6-d1893c4f31ec'",
        "$filter=substringof('a',Reference)",
        "$filter=Id gt 'a'",
        "$filter=(Id eq 1",
        "$filter=Id eq 1)",
        "$orderby=Id sideways asc",
        "$nonsense=1",
        "nonsense=1",
        "$orderby=a,b,c,d,e,f",
        "$filter=" + " or ".join(["Id eq 1"] * 101),
        "$filter=" + "(" * 5000,
        "$filter=%FF",
    ],
    ids=range(18),
)
def test_a_query_that_is_none_is_refused(cloud: Cloud, query: str) -> None:
    cloud.queue()
    cloud.item()
    assert cloud.refused("GET", "/odata/QueueItems", query=query) == (400, 1000)


def test_every_spelling_of_a_path_and_a_key(cloud: Cloud) -> None:
    cloud.queue()
    for prefix in ("", "/org/tenant/orchestrator_", "/My%20Org/Default/orchestrator_"):
        for path in ("/odata/QueueDefinitions", "/OData/queuedefinitions", "/odata/QueueDefinitions/"):
            assert cloud.ok("GET", prefix + path)["value"][0]["Name"] == "Q"
    body = {"itemdata": {"name": "Q", "specificContent": {"KeepMe": 1}, "priority": "high"}}
    item = cloud.ok("POST", "/odata/Queues/UiPathODataSvc.AddQueueItem", json=body)
    assert (item["SpecificContent"], item["Priority"]) == ({"KeepMe": 1}, "High")
    assert cloud.refused("GET", "/odata/Nothing") == (404, 0)
    assert cloud.send("PATCH", "/odata/QueueDefinitions(1)", json={}).status == 405
    assert cloud.refused("GET", "/odata/QueueDefinitions(99)") == (404, 1002)
    assert cloud.refused("GET", "/odata/QueueDefinitions(abc)") == (400, 1000)
    assert cloud.send("HEAD", "/odata/QueueDefinitions").body == b""


def test_folders_by_each_of_the_four_headers(cloud: Cloud) -> None:
    parent = cloud.ok("POST", "/odata/Folders", json={"DisplayName": "Общая"})
    made = cloud.ok("POST", "/odata/Folders", json={"DisplayName": "Отдел", "ParentId": parent["Id"]})
    assert made["FullyQualifiedName"] == "Общая/Отдел"
    encoded = base64.b64encode("Общая/Отдел".encode("utf-16-le")).decode()
    assert encoded == "HgQxBEkEMARPBC8AHgRCBDQENQQ7BA=="
    ways = (
        {"X-UIPATH-OrganizationUnitId": str(made["Id"])},
        {"X-UIPATH-FolderKey": made["Key"].upper()},
        {"X-UIPATH-FolderPath-Encoded": encoded},
    )
    for number, headers in enumerate(ways):
        cloud.ok("POST", "/odata/QueueDefinitions", headers=headers, json={"Name": f"Q{number}"})
    cloud.queue("Elsewhere")
    names = [row["Name"] for row in cloud.ok("GET", "/odata/QueueDefinitions", headers=ways[0])["value"]]
    assert names == ["Q0", "Q1", "Q2"]
    shared = cloud.ok("GET", "/odata/QueueDefinitions", headers={"X-UIPATH-FolderPath": "shared"})["value"]
    assert [row["Name"] for row in shared] == ["Elsewhere"]
    # The same name again, in another folder; and nothing of one folder is seen from another.
    number = cloud.queue("Q0")
    assert cloud.refused("GET", f"/odata/QueueDefinitions({number})", headers=ways[0]) == (404, 1002)
    assert cloud.refused("POST", "/odata/QueueDefinitions", json={"Name": "q0"}) == (409, 1001)
    path = "/odata/QueueDefinitions/UiPath.Server.Configuration.OData.GetQueuesAcrossFolders"
    assert len(cloud.ok("GET", path, headers={})["value"]) == 5
    assert cloud.refused("GET", "/odata/QueueDefinitions", headers={}) == (400, 1101)
    assert cloud.refused("GET", "/odata/QueueDefinitions", headers={"X-UIPATH-FolderPath": "No"}) == (
        404,
        1100,
    )
    bad = {"X-UIPATH-FolderPath-Encoded": "%D0%9E"}
    assert cloud.refused("GET", "/odata/QueueDefinitions", headers=bad) == (400, 1000)
    assert cloud.send("DELETE", f"/odata/Folders({parent['Id']})").status == 409


@pytest.fixture
def guarded(database: Path) -> Iterator[Cloud]:
    """The whole application, to which one has to be let in."""
    app = open_app(database)
    yield Cloud(app, admin.key(database))
    app.close()


@pytest.mark.parametrize("exchange", exchanges("auth"))
def test_who_is_let_in(guarded: Cloud, database: Path, exchange: Any) -> None:
    client = admin.new_client(database, "ci")
    text = json.dumps(exchange["request"]).replace("da8bc2f0-8065-4385-b867-405e66b8e151", client.ident)
    password = (
        admin.key(database) if exchange["request"]["path"].lower().endswith("authenticate") else client.secret
    )
    request = json.loads(text.replace("S3cr3t!", password))
    method, path = request.pop("method"), request.pop("path")
    answer = guarded.send(method, path, headers=request.pop("headers", {}), **request)
    assert answer.status == exchange["reply"]["status"], answer.body
    documented = exchange["reply"]["body"]
    assert list(answer.data) == list(documented)
    token = answer.data.get("access_token") or answer.data.get("result")
    if token is None:
        assert answer.data == documented
        return
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert guarded.send("GET", "/odata/Folders", headers=headers).status == 200
    assert guarded.send("GET", "/odata/Folders", headers={"Authorization": f"Bearer {token}x"}).status == 401
    assert guarded.send("GET", "/odata/Folders", headers={"Authorization": f"Basic {token}"}).status == 401


def test_a_token_ends_after_an_hour(database: Path, clock: Clock) -> None:
    store, key = admin.open_store(database)
    engine = Engine(store, clock=clock)
    app = App(engine, [Uipath(engine, key=key, open_access=False, strict=False)])
    cloud = Cloud(app)
    password = {"usernameOrEmailAddress": "admin", "password": key}
    token = cloud.ok("POST", "/api/Account/Authenticate", json=password)["result"]
    headers = {"Authorization": f"Bearer {token}"}
    assert cloud.send("GET", "/odata/Folders", headers=headers).status == 200
    clock.forward(seconds=3601)
    assert cloud.send("GET", "/odata/Folders", headers=headers).status == 401
    app.close()


def test_open_access_lets_any_well_formed_credential_in(database: Path) -> None:
    app = open_app(database, open_access=True)
    cloud = Cloud(app)
    assert cloud.send("GET", "/odata/Folders", headers={"Authorization": "Bearer anything"}).status == 200
    assert cloud.send("GET", "/odata/Folders", headers={}).status == 401
    form = {"grant_type": "client_credentials", "client_id": "any", "client_secret": "any"}
    assert cloud.send("POST", "/identity_/connect/token", form=form).status == 200
    assert cloud.send("POST", "/identity_/connect/token", form={"grant_type": "password"}).status == 400
    app.close()


def test_one_engine_behind_two_apis(cloud: Cloud) -> None:
    """What UiPath's clients put in a queue, Sherpa's robots find, and the other way round."""
    cloud.queue("Both")
    item = cloud.item("Both", SpecificContent={"a": 1}, Reference="R-1")
    seen = cloud.ok("GET", "/api/queue/lastTask/Both")
    assert (seen["guid"], seen["parameters"]) == (item["UniqueKey"], {"a": 1})
    cloud.ok(
        "POST", "/api/task/create", json={"Name": "INV-1", "QueueGuid": "Both", "Parameters": '{"b": 2}'}
    )
    found = cloud.ok("GET", "/odata/QueueItems", query="$filter=Reference eq 'INV-1'")["value"]
    assert [(row["SpecificContent"], row["Status"]) for row in found] == [({"b": 2}, "New")]
