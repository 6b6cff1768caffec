"""The only caller of DynamoDB: items of one partition, by sort key, in the journal's table."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from botocore.exceptions import ClientError

from deployer.contract import FLEET, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY, REQUESTS
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

MOST_WRITES: Final = 99
"""The most writes of one transaction: DynamoDB takes 100 (developer guide, "transaction-apis"), and one of
them says that the endpoint does not rest."""

_TRIES: Final = 5
"""How often a transaction is tried that meets another one on the same items. It changed nothing then."""

Values: TypeAlias = "Mapping[str, Mapping[str, Any]]"


def stored_time(time: datetime) -> str:
    """Return a time that sorts as text."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


@value
class Write:
    """One write of a transaction.

    Attributes:
        kind: `Put` writes a whole item, `Update` sets attributes of one that exists, `Delete` deletes one.
        endpoint_name: The partition.
        key: The sort key.
        attributes: What is written, without the keys.
        otherwise: What an update writes as well where the item lacks it. Such an update also makes an item.
        equal: Attributes with the values that the item must have for it.
        absent: Attributes that the item must not have for it.
        condition: Another condition, over attributes as `#name` and values as `:if_name`.
        values: The condition's values, by name.
    """

    kind: Literal["Put", "Update", "Delete"]
    endpoint_name: str
    key: str
    attributes: Values = field(default_factory=dict)
    otherwise: Values = field(default_factory=dict)
    equal: Values = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    condition: str | None = None
    values: Values = field(default_factory=dict)

    def request(self, table_name: str) -> dict[str, Any]:
        """Return the member of `TransactItems`."""
        keys = {JOURNAL_PARTITION_KEY: {"S": self.endpoint_name}, JOURNAL_SORT_KEY: {"S": self.key}}
        conditions = [f"#{name} = :old_{name}" for name in self.equal]
        conditions += [f"attribute_not_exists(#{name})" for name in sorted(self.absent)]
        conditions += [self.condition] if self.condition is not None else []
        names = {*self.equal, *self.absent, *self.values}
        values = {f":old_{name}": value for name, value in self.equal.items()}
        values |= {f":if_{name}": value for name, value in self.values.items()}
        request: dict[str, Any] = {"TableName": table_name}
        match self.kind:
            case "Put":
                request["Item"] = {**keys, **self.attributes}
            case "Update":
                request["Key"] = keys
                written = {**self.otherwise, **self.attributes}
                request["UpdateExpression"] = "SET " + ", ".join(
                    f"#{name} = :{name}"
                    if name in self.attributes
                    else f"#{name} = if_not_exists(#{name}, :{name})"
                    for name in written
                )
                names |= set(written)
                values |= {f":{name}": value for name, value in written.items()}
                if not self.otherwise:
                    # An update would make an item that is missing, with these attributes alone.
                    conditions.insert(0, EXISTS)
            case "Delete":
                request["Key"] = keys
        if conditions:
            request["ConditionExpression"] = " AND ".join(f"({each})" for each in conditions)
        if names:
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in sorted(names)}
        if values:
            request["ExpressionAttributeValues"] = values
        return {self.kind: request}


RESTS: Final = "rests"
MARK: Final = "mark"
KNOWN_SINCE: Final = "known_since"
"""Attributes of the fleet's items: see `FleetRecord`."""

NEW: Final = f"attribute_not_exists({JOURNAL_PARTITION_KEY})"
EXISTS: Final = f"attribute_exists({JOURNAL_PARTITION_KEY})"


class JournalTable:
    """The journal's table. An item is as in DynamoDB's API, with the keys `endpoint` and `item`.

    Attributes:
        now: The clock.
        most_writes: How many writes one transaction takes.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        now: Callable[[], datetime],
        most_writes: int = MOST_WRITES,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self.now = now
        self.most_writes = most_writes

    def get(self, endpoint_name: str, key: str) -> dict[str, Any] | None:
        """Return one item, strongly consistent; None if it does not exist."""
        found = self._query("#endpoint = :endpoint AND #item = :key", endpoint_name, key=key)
        return found[0] if found else None

    def query(self, endpoint_name: str, prefix: str) -> list[dict[str, Any]]:
        """Return the items whose sort keys begin so, strongly consistent."""
        return self._query("#endpoint = :endpoint AND begins_with(#item, :key)", endpoint_name, key=prefix)

    def between(self, endpoint_name: str, first: str, last: str) -> list[dict[str, Any]]:
        """Return the items from one sort key to another, strongly consistent."""
        condition = "#endpoint = :endpoint AND #item BETWEEN :first AND :last"
        return self._query(condition, endpoint_name, first=first, last=last)

    def _query(self, condition: str, endpoint_name: str, **keys: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(
                TableName=self._table_name,
                ConsistentRead=True,
                KeyConditionExpression=condition,
                ExpressionAttributeNames={"#endpoint": JOURNAL_PARTITION_KEY, "#item": JOURNAL_SORT_KEY},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint_name},
                    **{f":{name}": {"S": key} for name, key in keys.items()},
                },
                **start,
            )
            items.extend(page["Items"])
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _does_not_rest(self, endpoint_name: str) -> dict[str, Any]:
        """Return the write that makes the next sweep look at an endpoint, whatever becomes of this pass."""
        return {
            "Update": {
                "TableName": self._table_name,
                "Key": {JOURNAL_PARTITION_KEY: {"S": FLEET}, JOURNAL_SORT_KEY: {"S": endpoint_name}},
                "UpdateExpression": (
                    "SET #rests = :no, #mark = if_not_exists(#mark, :zero) + :one, "
                    "#known_since = if_not_exists(#known_since, :now)"
                ),
                "ExpressionAttributeNames": {"#rests": RESTS, "#mark": MARK, "#known_since": KNOWN_SINCE},
                "ExpressionAttributeValues": {
                    ":now": {"S": stored_time(self.now())},
                    ":no": {"BOOL": False},
                    ":zero": {"N": "0"},
                    ":one": {"N": "1"},
                },
            }
        }

    def write(self, *writes: Write) -> bool:
        """Make all of these writes, or none; return False if a condition does not hold.

        botocore gives each call a token, so that a repetition of one that was answered too late changes
        nothing (`ClientRequestToken`).
        """
        items: Any = [each.request(self._table_name) for each in writes]
        changed = {each.endpoint_name for each in writes} - {FLEET, REQUESTS}
        items += [self._does_not_rest(name) for name in sorted(changed)]
        for tried in range(1, _TRIES + 1):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons: Any = error.response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons}
                if "ConditionalCheckFailed" in codes:
                    return False
                if "TransactionConflict" not in codes or tried == _TRIES:
                    raise
            else:
                break
        return True
