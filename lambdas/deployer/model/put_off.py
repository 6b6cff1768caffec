"""Holds a write outside of a deployment that was refused, and waits for its next try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class PutOff:
    """A refused write.

    Attributes:
        tries: How often it was refused in a row.
        tried_at: When the last time was.
        message: What people were told of it.
    """

    tries: int
    tried_at: datetime
    message: str
