"""Holds why rollouts of anything new wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Hold:
    """Why rollouts of anything new wait.

    Attributes:
        description: The cause, in words: who wants it, until when, and why.
        until: When it ends; None if nobody said.
    """

    description: str
    until: datetime | None
