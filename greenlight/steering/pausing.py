"""Writes and ends pauses: records in the journal's partition of pauses, which the deployer only reads.

The deployer's own `Pauses` reads them back. `docs/operations.md` writes the same by the AWS CLI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.contract import ALL_ENDPOINTS, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY, PAUSES
from greenlight.words import clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from deployer.model.pause import Pause
    from greenlight.connection import Connection


def pause_key(endpoint_name: str | None) -> dict[str, Any]:
    """Return the key of a pause of one endpoint, or of all."""
    return {JOURNAL_PARTITION_KEY: {"S": PAUSES}, JOURNAL_SORT_KEY: {"S": endpoint_name or ALL_ENDPOINTS}}


def pause_item(pause: Pause) -> dict[str, Any]:
    """Return the item of a pause."""
    texts = {
        "reason": pause.reason,
        "by": pause.by,
        "until": pause.until.isoformat() if pause.until is not None else None,
    }
    return {
        **pause_key(pause.endpoint_name),
        **{name: {"S": text} for name, text in texts.items() if text is not None},
    }


def write_pause(connection: Connection, pause: Pause) -> None:
    """Write a pause, in the place of the one of the same endpoint."""
    connection.client("dynamodb").put_item(TableName=connection.stack.table_name, Item=pause_item(pause))


def end_pause(connection: Connection, endpoint_name: str | None) -> None:
    """End the pause of one endpoint, or the one of all."""
    connection.client("dynamodb").delete_item(
        TableName=connection.stack.table_name, Key=pause_key(endpoint_name)
    )


def same(pauses: Iterable[Pause], endpoint_name: str | None) -> Pause | None:
    """Return the pause of just this endpoint, or the one of all."""
    return next((each for each in pauses if each.endpoint_name == endpoint_name), None)


def pause_words(pause: Pause, now: datetime, zone: tzinfo | None) -> str:
    """Return a pause as a sentence without its full stop."""
    of = pause.endpoint_name or "all endpoints"
    until = f"until {clock(pause.until, now, zone)}" if pause.until is not None else "until somebody ends it"
    return f"{of}: paused {until} by {pause.by or 'somebody'} ({pause.reason or 'without a reason'})"


def pause_document(pause: Pause | None) -> dict[str, Any] | None:
    """Return the JSON document of a pause."""
    if pause is None:
        return None
    return {
        "endpoint": pause.endpoint_name,
        "reason": pause.reason,
        "by": pause.by,
        "until": pause.until.isoformat() if pause.until is not None else None,
    }
