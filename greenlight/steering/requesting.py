"""Asks the deployer for something: by a record in the journal, and an event that says that there is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deployer.contract import (
    JOURNAL_PARTITION_KEY,
    JOURNAL_SORT_KEY,
    REQUEST_DETAIL_TYPE,
    REQUESTS,
    SOURCE,
    STACK_NAME,
)
from greenlight.steering.asking import ask, one_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.request import Request
    from greenlight.connection import Connection


def ask_for(connection: Connection, request: Request, *, question: str, what: str, yes: bool) -> bool:
    """Ask a person, write the request, and tell the deployer; return whether it was told.

    Args:
        connection: The way to AWS.
        request: The request.
        question: The question.
        what: What is asked for, for somebody who interrupts.
        yes: Whether the answer is known.

    Raises:
        CommandError: The answer is no, nobody can be asked, or somebody interrupted.
    """
    ask(question, yes=yes)
    with one_call(what, f"greenlight why {request.endpoint_name}"):
        write_request(connection, request)
        return tell_deployer(connection)


def write_request(connection: Connection, request: Request) -> None:
    """Write a request, beside those that the deployer has not taken in yet."""
    texts = {"version_arn": request.version_arn, "reason": request.reason, "by": request.by}
    item: dict[str, Any] = {
        JOURNAL_PARTITION_KEY: {"S": REQUESTS},
        JOURNAL_SORT_KEY: {"S": request.key},
        **{name: {"S": text} for name, text in texts.items() if text is not None},
    }
    connection.client("dynamodb").put_item(TableName=connection.stack.table_name, Item=item)


def tell_deployer(connection: Connection) -> bool:
    """Tell the deployer that there is a request; return whether EventBridge took the event.

    If it did not, the next sweep finds the request.
    """
    entry = {
        "Source": SOURCE,
        "DetailType": REQUEST_DETAIL_TYPE,
        "Detail": json.dumps({STACK_NAME: connection.stack.name}),
    }
    try:
        answer: Mapping[str, Any] = connection.client("events").put_events(Entries=[entry])
    except ClientError:
        return False
    return not answer["FailedEntryCount"]


NOT_TOLD = "  EventBridge did not take the event: the next sweep, in 15 minutes at most by default, does it."
"""What a person hears if the event did not come through."""


def aws_time(answer: Mapping[str, Any]) -> datetime:
    """Return when AWS answered, by its own clock: this machine's may be wrong, and approvals have AWS's."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        time = parsedate_to_datetime(told) if told is not None else datetime.now(UTC)
    except ValueError:
        time = datetime.now(UTC)
    return time.astimezone(UTC).replace(microsecond=0)
