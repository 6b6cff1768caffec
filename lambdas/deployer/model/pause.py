"""Holds a pause: somebody wants nothing new to go out, on one endpoint or on all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Pause:
    """A pause, as its record in the journal says.

    Attributes:
        endpoint_name: The endpoint; None for all.
        reason: Why; None if the record does not say it.
        by: Who paused; None if the record does not say it.
        until: When it ends; None if somebody has to end it.
        faults: What is wrong with the record. A pause without a readable end stands until it is removed.
    """

    endpoint_name: str | None
    reason: str | None
    by: str | None
    until: datetime | None
    faults: tuple[str, ...] = ()
