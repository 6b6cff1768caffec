"""The only caller of DynamoDB: items of one partition, by sort key, in the journal's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

NEW: Final = "attribute_not_exists(endpoint)"
NEW_OR_WITHDRAWN: Final = f"{NEW} OR withdrawn = :true"
NEW_WITHDRAWN_OR_UNREAD: Final = f"{NEW_OR_WITHDRAWN} OR unread = :true"


@dataclass(frozen=True, slots=True)
class Items:
    """What a query found.

    Attributes:
        items: The items, newest first.
        truncated: Whether there are more.
    """

    items: list[dict[str, Any]]
    truncated: bool


class JournalTable:
    """The journal's table. An item is as in DynamoDB's API, with the keys `endpoint` and `item`."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def query(self, endpoint_name: str, *, first: str, last: str, limit: int) -> Items:
        """Return the newest items between two sort keys, strongly consistent."""
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(
                TableName=self._table_name,
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit - len(items),
                KeyConditionExpression="#endpoint = :endpoint AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#endpoint": JOURNAL_PARTITION_KEY, "#item": JOURNAL_SORT_KEY},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint_name},
                    ":first": {"S": first},
                    ":last": {"S": last},
                },
                **start,
            )
            items.extend(page["Items"])
            if "LastEvaluatedKey" not in page:
                return Items(items, truncated=False)
            if len(items) >= limit:
                return Items(items, truncated=True)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def has(self, endpoint_name: str, key: str) -> bool:
        """Tell whether there is an item of that key."""
        page = self._client.query(
            TableName=self._table_name,
            ConsistentRead=True,
            KeyConditionExpression="#endpoint = :endpoint AND #item = :item",
            ExpressionAttributeNames={"#endpoint": JOURNAL_PARTITION_KEY, "#item": JOURNAL_SORT_KEY},
            ExpressionAttributeValues={":endpoint": {"S": endpoint_name}, ":item": {"S": key}},
        )
        return bool(page["Items"])

    def put(self, item: dict[str, Any]) -> None:
        """Write an item. An item of the same key is replaced."""
        self._client.put_item(TableName=self._table_name, Item=item)

    def put_new(self, item: dict[str, Any], condition: str = NEW) -> bool:
        """Write an item under a condition; return False if another invocation's item is there."""
        values = {":true": {"BOOL": True}} if ":true" in condition else {}
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=item,
                ConditionExpression=condition,
                **({"ExpressionAttributeValues": values} if values else {}),  # type: ignore[arg-type] # one member
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if _condition_failed(error):
                return _is_own_work(error, item)
            raise
        return True

    def set(
        self,
        endpoint_name: str,
        key: str,
        changed: Mapping[str, Any],
        *,
        unless: Mapping[str, Any] | None = None,
    ) -> bool:
        """Set attributes of an item, and keep the others.

        Args:
            endpoint_name: The partition.
            key: The sort key.
            changed: Attributes with their new values.
            unless: Attributes with the values that they must still have; None for no condition.

        Returns:
            False if the condition did not hold.
        """
        guards = unless or {}
        conditional: dict[str, Any] = {}
        if guards:
            conditional = {
                "ConditionExpression": " AND ".join(f"#{name} = :old_{name}" for name in guards),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key={JOURNAL_PARTITION_KEY: {"S": endpoint_name}, JOURNAL_SORT_KEY: {"S": key}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changed),
                ExpressionAttributeNames={f"#{name}": name for name in {*changed, *guards}},
                ExpressionAttributeValues={
                    **{f":{name}": value for name, value in changed.items()},
                    **{f":old_{name}": value for name, value in guards.items()},
                },
                **conditional,
            )
        except ClientError as error:
            if _condition_failed(error):
                return _is_own_work(error, changed)
            raise
        return True

    def set_once(self, endpoint_name: str, key: str, name: str, value: Mapping[str, Any]) -> bool:
        """Set an attribute once; return False if it has another value already."""
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key={JOURNAL_PARTITION_KEY: {"S": endpoint_name}, JOURNAL_SORT_KEY: {"S": key}},
                UpdateExpression="SET #name = :value",
                ConditionExpression="attribute_not_exists(#name) OR #name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": value},
            )
        except ClientError as error:
            if _condition_failed(error):
                return False
            raise
        return True


def _condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


def _is_own_work(error: ClientError, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a write was refused because its first try timed out and took effect.

    Each item names its invocation, so that one does not take another's work for its own.
    """
    item: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # DynamoDB's own
    return "invocation_id" in wanted and all(item.get(key) == value for key, value in wanted.items())
