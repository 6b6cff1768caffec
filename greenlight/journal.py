"""Owns reading the journal's table for many endpoints at once, and its history page by page.

The deployer's own gateways read everything else, and parse every item.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

Key = tuple[str, str]
"""An item's partition and sort key."""

MOST_KEYS: Final = 100
"""The most keys of one BatchGetItem (botocore: `BatchGetItem`)."""

_LONGEST_PAUSE_SECONDS: Final = 2.0


def journal_of(client: DynamoDBClient, table_name: str) -> Journal:
    """Return the deployer's own reader of the journal."""
    return Journal(client, table_name=table_name, now=lambda: datetime.now(UTC))


class JournalPages:
    """Reads many items of the journal.

    Args:
        client: DynamoDB's.
        table_name: The table.
        pause: Waits for so many seconds, before what DynamoDB left out is asked for again.
    """

    def __init__(
        self, client: DynamoDBClient, table_name: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._pause = pause

    def batch(self, keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
        """Return the items that exist, by their keys: one call for each hundred."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, dict[str, Any]] = {}
        for first in range(0, len(wanted), MOST_KEYS):
            for item in self._hundred(wanted[first : first + MOST_KEYS]):
                found[item[JOURNAL_PARTITION_KEY]["S"], item[JOURNAL_SORT_KEY]["S"]] = item
        return found

    def _hundred(self, keys: Sequence[Key]) -> Iterator[dict[str, Any]]:
        names = (JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY)
        asked: list[Any] = [
            {name: {"S": text} for name, text in zip(names, key, strict=True)} for key in keys
        ]
        pause = 0.05
        while asked:
            answer = self._client.batch_get_item(RequestItems={self._table_name: {"Keys": asked}})
            yield from answer["Responses"].get(self._table_name, [])
            # DynamoDB leaves out what is beyond 16 MB, or beyond the table's throughput.
            left: Any = answer.get("UnprocessedKeys", {}).get(self._table_name, {})
            asked = left.get("Keys", [])
            if asked:
                self._pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def backwards(self, endpoint_name: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        """Yield the items from one sort key to another, the last one first: a page at a time, as needed."""
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(
                TableName=self._table_name,
                ConsistentRead=True,
                ScanIndexForward=False,
                KeyConditionExpression="#endpoint = :endpoint AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#endpoint": JOURNAL_PARTITION_KEY, "#item": JOURNAL_SORT_KEY},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint_name},
                    ":first": {"S": first},
                    ":last": {"S": last},
                },
                Limit=MOST_KEYS,
                **start,
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
