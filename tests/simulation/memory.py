"""DynamoDB, EventBridge and SNS in memory: exactly the deployer's calls of them.

Owns one journal table, the entries put on buses and the messages of the topic. It loudly
refuses operations, parameters and expressions that are not modelled. A separate test compares its answers
with MiniStack's.
"""

from __future__ import annotations

import copy
import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.expressions import holds, updated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Item = dict[str, Any]
Answer = tuple[int, dict[str, Any]]

_MOST_BYTES: Final = 1024 * 1024
"""Of a page of a query (DynamoDB developer guide, "Query.Pagination")."""

_MOST_WRITES: Final = 100
"""The most writes of a transaction (DynamoDB developer guide, "transaction-apis")."""


def _refusal(code: str, message: str, **members: Any) -> Answer:
    return 400, {"__type": code, "message": message, **members}


class UnsupportedRequestError(Exception):
    """The deployer asks for something that is not modelled here."""


def _check(request: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(request) - set(known))
    if unknown:
        raise UnsupportedRequestError(f"members not modelled: {', '.join(unknown)}")


def _size(item: Item) -> int:
    """Return about how many bytes an item has: DynamoDB counts names and values."""
    return sum(len(name) + len(str(value)) for name, value in item.items())


class PackedItems(MutableMapping[str, Item]):
    """Items of a partition as JSON text: a sixth of the memory, and a copy at each read."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}

    def __getitem__(self, key: str) -> Item:
        item: Item = json.loads(self._texts[key])
        return item

    def __setitem__(self, key: str, item: Item) -> None:
        self._texts[key] = json.dumps(item, separators=(",", ":")).encode()

    def __delitem__(self, key: str) -> None:
        del self._texts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@dataclass(slots=True)
class Table:
    """One DynamoDB table with a partition and a sort key, both strings.

    Attributes:
        partition_key: The name of the partition key.
        sort_key: The name of the sort key.
        partitions: The items by these two.
        new_partition: Makes what holds a partition's items.
        page_bytes: How large a page of a query gets.
        changes: How often each partition changed.
    """

    partition_key: str = "endpoint"
    sort_key: str = "item"
    partitions: dict[str, MutableMapping[str, Item]] = field(default_factory=dict)
    new_partition: Callable[[], MutableMapping[str, Item]] = dict
    page_bytes: int = _MOST_BYTES
    changes: dict[str, int] = field(default_factory=dict)
    _order: dict[str, list[str]] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def put_item(self, request: Mapping[str, Any]) -> Answer:
        """Write an item, if the condition holds."""
        _check(
            request,
            *("TableName", "Item", "ConditionExpression", "ExpressionAttributeNames"),
            *("ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure"),
        )
        present = self._find(request["Item"])
        refusal = self._refused(request, present)
        if refusal is None:
            self._store(copy.deepcopy(request["Item"]))
        return refusal or (200, {})

    def update_item(self, request: Mapping[str, Any]) -> Answer:
        """Change an item or begin it, if the condition holds."""
        _check(
            request,
            *("TableName", "Key", "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames"),
            *("ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure"),
        )
        present = self._find(request["Key"])
        refusal = self._refused(request, present)
        if refusal is None:
            self._store(updated(request["UpdateExpression"], request, present or dict(request["Key"])))
        return refusal or (200, {})

    def delete_item(self, request: Mapping[str, Any]) -> Answer:
        """Delete an item, if the condition holds."""
        _check(
            request,
            *("TableName", "Key", "ConditionExpression", "ExpressionAttributeNames"),
            *("ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure"),
        )
        present = self._find(request["Key"])
        refusal = self._refused(request, present)
        if refusal is None and present is not None:
            partition, sort = self._key(request["Key"])
            self._count(partition)
            del self.partitions[partition][sort]
            self._order[partition].remove(sort)
        return refusal or (200, {})

    def transact_write_items(self, request: Mapping[str, Any]) -> Answer:
        """Make all writes, or none if a condition does not hold; a repetition of a call changes nothing."""
        _check(request, "TransactItems", "ClientRequestToken")
        items, token = request["TransactItems"], request["ClientRequestToken"]
        if token in self._tokens:
            return 200, {}
        writes = [(kind, inner) for each in items for kind, inner in each.items()]
        keys = [self._key(inner.get("Key") or inner["Item"]) for _, inner in writes]
        if len(set(keys)) < len(keys) or len(keys) > _MOST_WRITES:
            raise UnsupportedRequestError(f"a transaction over {keys}")
        refused = [
            self._refused(inner, self._find(inner.get("Key") or inner["Item"])) is not None
            for _, inner in writes
        ]
        if any(refused):
            codes = ["ConditionalCheckFailed" if each else "None" for each in refused]
            return _refusal(
                "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons {codes}",
                CancellationReasons=[{"Code": code} for code in codes],
            )
        make = {"Put": self.put_item, "Update": self.update_item, "Delete": self.delete_item}
        for kind, inner in writes:
            make[kind](inner)
        self._tokens.add(token)
        return 200, {}

    def get_item(self, request: Mapping[str, Any]) -> Answer:
        """Return an item; a read that is not consistent is refused, as nobody would notice its age."""
        _check(request, "TableName", "Key", "ConsistentRead")
        self._demand_consistency(request)
        item = self._find(request["Key"])
        return 200, {} if item is None else {"Item": item}

    def query(self, request: Mapping[str, Any]) -> Answer:
        """Return a page of a partition."""
        _check(
            request,
            *("TableName", "ConsistentRead", "ScanIndexForward", "Limit", "KeyConditionExpression"),
            *("ExpressionAttributeNames", "ExpressionAttributeValues", "ExclusiveStartKey"),
        )
        self._demand_consistency(request)
        # A key condition names one partition, by a value whose name is the deployer's to choose.
        partitions = [
            value["S"]
            for value in request["ExpressionAttributeValues"].values()
            if value.get("S") in self.partitions
        ]
        sorts = self._order.get(partitions[0], []) if partitions else []
        if "ExclusiveStartKey" in request:
            # Its item may have been deleted since the page before.
            start = request["ExclusiveStartKey"][self.sort_key]["S"]
            forward = request.get("ScanIndexForward", True)
            sorts = sorts[bisect_right(sorts, start) :] if forward else sorts[: bisect_left(sorts, start)]
        if not request.get("ScanIndexForward", True):
            sorts = sorts[::-1]
        found: list[Item] = []
        limit, size = request.get("Limit"), 0
        for sort in sorts:
            item = self.partitions[partitions[0]][sort]
            if not holds(request["KeyConditionExpression"], request, item):
                continue
            found.append(item)
            size += _size(item)
            if size >= self.page_bytes or len(found) == limit:
                # DynamoDB stops here, whether or not more would match.
                key = {name: item[name] for name in (self.partition_key, self.sort_key)}
                return 200, {
                    "Items": found,
                    "Count": len(found),
                    "ScannedCount": len(found),
                    "LastEvaluatedKey": key,
                }
        return 200, {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def snapshot(self) -> dict[str, dict[str, Item]]:
        """Return what the table holds, for a restore."""
        return {name: copy.deepcopy(dict(items)) for name, items in self.partitions.items()}

    def restore(self, partition: str, items: Mapping[str, Item]) -> None:
        """Let a partition hold these items, and nothing else."""
        self._count(partition)
        held = self.partitions[partition] = self.new_partition()
        held.update(copy.deepcopy(dict(items)))
        self._order[partition] = sorted(items)

    def items(self, partition: str, prefix: str = "") -> list[Item]:
        """Return a partition's items whose sort keys begin so, in order."""
        sorts = self._order.get(partition, [])
        first = bisect_left(sorts, prefix)
        return [self.partitions[partition][sort] for sort in sorts[first:] if sort.startswith(prefix)]

    def _count(self, partition: str) -> None:
        self.changes[partition] = self.changes.get(partition, 0) + 1

    def _demand_consistency(self, request: Mapping[str, Any]) -> None:
        if request.get("ConsistentRead") is not True:
            raise UnsupportedRequestError("a read of the journal that is not consistent")

    def _key(self, key: Mapping[str, Any]) -> tuple[str, str]:
        return key[self.partition_key]["S"], key[self.sort_key]["S"]

    def _find(self, key: Mapping[str, Any]) -> Item | None:
        partition, sort = self._key(key)
        return self.partitions.get(partition, {}).get(sort)

    def _store(self, item: Item) -> None:
        partition, sort = self._key(item)
        self._count(partition)
        items = self.partitions.get(partition)
        if items is None:
            items = self.partitions[partition] = self.new_partition()
        if sort not in items:
            insort(self._order.setdefault(partition, []), sort)
        items[sort] = item

    def _refused(self, request: Mapping[str, Any], present: Item | None) -> Answer | None:
        condition = request.get("ConditionExpression")
        if condition is None or holds(condition, request, present):
            return None
        wants_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and present is not None
        return _refusal(
            "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "The conditional request failed",
            **({"Item": present} if wants_old else {}),
        )


@dataclass(slots=True)
class Memory:
    """The services.

    Attributes:
        table: The journal's table.
        remembers: Whether what is put on buses and published is kept.
        entries: Those put on buses, in order.
        messages: Those published, in order.
    """

    table: Table = field(default_factory=Table)
    remembers: bool = True
    entries: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    _taken: int = 0

    def handle(self, service: str, operation: str, body: bytes) -> Answer:
        """Answer one request in the service's JSON.

        Raises:
            UnsupportedRequestError: The operation is not modelled.
        """
        handler = self._handlers().get((service, operation))
        if handler is None:
            raise UnsupportedRequestError(f"{service} {operation} is not modelled in memory")
        return handler(json.loads(body))

    def _handlers(self) -> dict[tuple[str, str], Callable[[Mapping[str, Any]], Answer]]:
        return {
            ("dynamodb", "PutItem"): self.table.put_item,
            ("dynamodb", "UpdateItem"): self.table.update_item,
            ("dynamodb", "DeleteItem"): self.table.delete_item,
            ("dynamodb", "GetItem"): self.table.get_item,
            ("dynamodb", "Query"): self.table.query,
            ("dynamodb", "TransactWriteItems"): self.table.transact_write_items,
            ("events", "PutEvents"): self._put_events,
            ("sns", "Publish"): self._publish,
        }

    def _publish(self, request: Mapping[str, Any]) -> Answer:
        if self.remembers:
            self.messages.append(dict(request))
        self._taken += 1
        return 200, {"MessageId": f"message-{self._taken}"}

    def _put_events(self, request: Mapping[str, Any]) -> Answer:
        _check(request, "Entries")
        for entry in request["Entries"]:
            _check(entry, "EventBusName", "Source", "DetailType", "Detail")
        if self.remembers:
            self.entries.extend(request["Entries"])
        self._taken += 1
        return 200, {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": f"event-{self._taken}"} for _ in request["Entries"]],
        }
