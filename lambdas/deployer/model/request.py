"""Holds what an operator asks the deployer to do with an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Request:
    """A request, as its record in the journal says.

    Attributes:
        endpoint_name: The endpoint.
        verb: What is asked for: `rollback`, `retry` or `restart`. Anything else is a fault.
        version_arn: The version to go back to, to try again, or to roll out once more.
        reason: Why.
        by: Who asks.
        at: When, by AWS's clock.
        key: The record's sort key, which no other request has.
        faults: What is wrong with the record. Then nothing is done, and people hear of it.
    """

    endpoint_name: str
    verb: str
    version_arn: str | None
    reason: str | None
    by: str | None
    at: datetime | None
    key: str
    faults: tuple[str, ...] = ()
