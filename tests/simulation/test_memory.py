"""The services in memory answer as MiniStack's do."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.app import SERVICE_HANDLERS
from ministack.core.responses import request_scope

from tests.simulation.expressions import UnsupportedExpressionError, holds
from tests.simulation.memory import Memory, PackedItems, Table, UnsupportedRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "events": "AWSEvents",
}
_accounts = itertools.count(200000000000)


class MiniStack:
    """An account of MiniStack's, asked over the same wire."""

    def __init__(self) -> None:
        self._account_id = str(next(_accounts))
        self.ask(
            "dynamodb",
            "CreateTable",
            {
                "TableName": "journal",
                "KeySchema": [
                    {"AttributeName": "endpoint", "KeyType": "HASH"},
                    {"AttributeName": "item", "KeyType": "RANGE"},
                ],
                "AttributeDefinitions": [
                    {"AttributeName": "endpoint", "AttributeType": "S"},
                    {"AttributeName": "item", "AttributeType": "S"},
                ],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    def ask(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {
            "x-amz-target": f"{TARGETS[service]}.{operation}",
            "content-type": "application/x-amz-json-1.1",
        }
        with request_scope(self._account_id, "eu-central-1"):
            answer = SERVICE_HANDLERS[service]("POST", "/", headers, json.dumps(request).encode(), {})
            try:
                answer.send(None)
            except StopIteration as done:
                status, _, content = done.value
                return status, json.loads(content or b"{}")
        raise AssertionError("MiniStack waits for something")


def comparable(operation: str, answer: tuple[int, dict[str, Any]]) -> Any:
    """Return a deployer's client's view of an answer."""
    status, document = answer
    if status >= 300:
        return status, document["__type"].rpartition("#")[2], document.get("Item")
    match operation:
        case "Query":
            return status, document["Items"], document.get("LastEvaluatedKey")
        case "GetItem":
            return status, document.get("Item")
        case "PutEvents":
            return status, document["FailedEntryCount"], len(document["Entries"])
    return status


names = st.sampled_from(["a", "b"])
sorts = st.sampled_from(
    [f"{kind}#{number}" for kind in ("approval", "attempt", "version") for number in range(3)]
)
values: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"S": "open"}, {"S": "settled"}, {"N": "1"}, {"N": "10"}, {"BOOL": True}]
)
conditions = st.sampled_from(
    [
        "attribute_not_exists(endpoint)",
        "attribute_not_exists(endpoint) OR withdrawn = :old",
        "#status = :old AND #lease = :new",
        "#status = :old OR NOT attribute_exists(#lease)",
        "(#status = :old OR #status = :new) AND attribute_exists(endpoint)",
    ]
)


def _conditional(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {}
    condition = draw(conditions)
    parts: dict[str, Any] = {"ConditionExpression": condition}
    used = {name: key for name, key in (("#status", "status"), ("#lease", "lease")) if name in condition}
    if used:
        parts["ExpressionAttributeNames"] = used
    given_values = {name: draw(values) for name in (":old", ":new") if name in condition}
    if given_values:
        parts["ExpressionAttributeValues"] = given_values
    if draw(st.booleans()):
        parts["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return parts


@st.composite
def puts(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    item: dict[str, Any] = {"endpoint": {"S": draw(names)}, "item": {"S": draw(sorts)}}
    for key in ("status", "lease", "withdrawn"):
        if draw(st.booleans()):
            item[key] = draw(values)
    return "dynamodb", "PutItem", {"TableName": "journal", "Item": item, **_conditional(draw)}


@st.composite
def updates(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    parts = _conditional(draw)
    update = draw(
        st.sampled_from(
            ["SET #flag = :flag", "SET withdrawn = :flag", "SET #flag = :flag, withdrawn = :more"]
        )
    )
    added = {name: draw(values) for name in (":flag", ":more") if name in update}
    parts["ExpressionAttributeValues"] = {**parts.get("ExpressionAttributeValues", {}), **added}
    if "#flag" in update:
        parts["ExpressionAttributeNames"] = {**parts.get("ExpressionAttributeNames", {}), "#flag": "flag"}
    key = {"endpoint": {"S": draw(names)}, "item": {"S": draw(sorts)}}
    return "dynamodb", "UpdateItem", {"TableName": "journal", "Key": key, "UpdateExpression": update, **parts}


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    request: dict[str, Any] = {
        "TableName": "journal",
        "ConsistentRead": True,
        "ScanIndexForward": draw(st.booleans()),
        "ExpressionAttributeNames": {"#endpoint": "endpoint", "#item": "item"},
        "ExpressionAttributeValues": {":endpoint": {"S": draw(names)}},
    }
    bounds = request["ExpressionAttributeValues"]
    if draw(st.booleans()):
        request["KeyConditionExpression"] = "#endpoint = :endpoint AND #item BETWEEN :first AND :last"
        bounds[":first"], bounds[":last"] = (
            {"S": "approval#"},
            {"S": draw(st.sampled_from(["attempt#~", "version#~"]))},
        )
    else:
        request["KeyConditionExpression"] = "#endpoint = :endpoint AND #item = :item"
        bounds[":item"] = {"S": draw(sorts)}
    if draw(st.booleans()):
        request["Limit"] = draw(st.integers(1, 4))
    return "dynamodb", "Query", request


@st.composite
def deletions(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    key = {"endpoint": {"S": draw(names)}, "item": {"S": draw(sorts)}}
    return "dynamodb", "DeleteItem", {"TableName": "journal", "Key": key}


others = st.sampled_from(
    [
        ("events", "PutEvents", {"Entries": [{"Source": "greenlight", "DetailType": "t", "Detail": "{}"}]}),
    ]
)


def pages(ask: Any, request: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield all pages of a query."""
    more: dict[str, Any] = {}
    while True:
        status, page = ask("dynamodb", "Query", {**request, **more})
        yield status, page
        if "LastEvaluatedKey" not in page:
            return
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def ask_memory(memory: Memory) -> Any:
    return lambda service, operation, request: memory.handle(service, operation, json.dumps(request).encode())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.one_of(puts(), updates(), deletions(), queries(), others), max_size=25))
def test_every_answer_is_the_one_that_ministack_gives(steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    memory, ministack = Memory(), MiniStack()
    for service, operation, request in steps:
        if operation == "Query":
            mine = [comparable("Query", page)[:2] for page in pages(ask_memory(memory), request)]
            theirs = [comparable("Query", page)[:2] for page in pages(ministack.ask, request)]
            assert [item for _, items in mine for item in items] == [
                item for _, items in theirs for item in items
            ]
        else:
            answer = ask_memory(memory)(service, operation, request)
            assert comparable(operation, answer) == comparable(
                operation, ministack.ask(service, operation, request)
            )


@pytest.mark.parametrize(
    "request_",
    [
        {"TableName": "journal", "KeyConditionExpression": "endpoint = :e", "ExpressionAttributeValues": {}},
        {"TableName": "journal", "ConsistentRead": True, "FilterExpression": "a = :b"},
    ],
)
def test_what_is_not_modelled_is_refused_loudly(request_: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedRequestError):
        Memory().handle("dynamodb", "Query", json.dumps(request_).encode())


def test_a_table_of_packed_items_answers_like_any_other() -> None:
    plain, packed = Table(), Table(new_partition=PackedItems)
    for table in (plain, packed):
        for number in range(3):
            item = {"endpoint": {"S": "churn"}, "item": {"S": str(number)}, "seen": {"BOOL": True}}
            table.put_item({"TableName": "t", "Item": item})
        table.delete_item({"TableName": "t", "Key": {"endpoint": {"S": "churn"}, "item": {"S": "1"}}})

    assert packed.items("churn") == plain.items("churn")
    assert packed.snapshot() == plain.snapshot()
    assert len(packed.partitions["churn"]) == 2
    packed.restore("churn", plain.partitions["churn"])
    assert packed.items("churn") == plain.items("churn")


def test_an_operation_that_is_not_modelled_is_refused_loudly() -> None:
    with pytest.raises(UnsupportedRequestError, match="TransactGetItems is not modelled"):
        Memory().handle("dynamodb", "TransactGetItems", b"{}")


def test_a_transaction_is_made_as_a_whole_and_once() -> None:
    """A call that is repeated with its token changes nothing (`TransactWriteItems`, `ClientRequestToken`)."""
    table = Memory().table

    def put(token: str, first: str, second: str) -> dict[str, Any]:
        items = [{"endpoint": {"S": "churn"}, "item": {"S": each}} for each in (first, second)]
        condition = {"ConditionExpression": "attribute_not_exists(endpoint)"}
        writes = [{"Put": {"TableName": "journal", "Item": each, **condition}} for each in items]
        return {"TransactItems": writes, "ClientRequestToken": token}

    assert table.transact_write_items(put("one", "a", "b"))[0] == 200
    status, answered = table.transact_write_items(put("two", "c", "b"))
    assert (status, [each["Code"] for each in answered["CancellationReasons"]]) == (
        400,
        ["None", "ConditionalCheckFailed"],
    )
    assert len(table.items("churn")) == 2
    assert table.transact_write_items(put("one", "a", "b"))[0] == 200
    with pytest.raises(UnsupportedRequestError):
        table.transact_write_items(put("three", "d", "d"))


@pytest.mark.parametrize("expression", ["size(a) > :b", "a = :b AND", "a ~ :b", "a = :b b"])
def test_an_expression_that_is_not_modelled_is_refused_loudly(expression: str) -> None:
    with pytest.raises((UnsupportedExpressionError, KeyError)):
        holds(expression, {"ExpressionAttributeValues": {":b": {"S": "x"}}}, {})


@pytest.mark.parametrize(("forward", "rest"), [(True, ["2"]), (False, ["0"])])
def test_a_page_follows_its_start_also_if_that_item_was_deleted(*, forward: bool, rest: list[str]) -> None:
    table = Table()
    for number in range(3):
        table.put_item({"TableName": "t", "Item": {"endpoint": {"S": "churn"}, "item": {"S": str(number)}}})
    start = {"endpoint": {"S": "churn"}, "item": {"S": "1"}}
    table.delete_item({"TableName": "t", "Key": start})
    _, page = table.query(
        {
            "ConsistentRead": True,
            "ScanIndexForward": forward,
            "KeyConditionExpression": "endpoint = :endpoint",
            "ExpressionAttributeValues": {":endpoint": {"S": "churn"}},
            "ExclusiveStartKey": start,
        }
    )

    assert [each["item"]["S"] for each in page["Items"]] == rest


def test_a_page_of_a_query_ends_at_a_megabyte() -> None:
    table = Table()
    for number in range(30):
        key = {"endpoint": {"S": "fleet"}, "item": {"S": f"{number:02d}"}}
        table.put_item({"TableName": "t", "Item": {**key, "text": {"S": "x" * 100_000}}})
    request = {
        "ConsistentRead": True,
        "KeyConditionExpression": "endpoint = :endpoint",
        "ExpressionAttributeValues": {":endpoint": {"S": "fleet"}},
    }
    pages: list[dict[str, Any]] = []
    while not pages or "LastEvaluatedKey" in pages[-1]:
        more = {"ExclusiveStartKey": pages[-1]["LastEvaluatedKey"]} if pages else {}
        pages.append(table.query({**request, **more})[1])

    assert [page["Count"] for page in pages] == [11, 11, 8]
