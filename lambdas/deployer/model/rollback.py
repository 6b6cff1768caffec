"""Holds who rolled an endpoint back, when, why, and to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Rollback:
    """A person's word that an endpoint goes back, and that what came after does not return by itself.

    Attributes:
        at: When it was asked for.
        by: Who asked.
        reason: Why.
        to: The number of the version to go back to.
    """

    at: datetime
    by: str
    reason: str
    to: int

    @property
    def words(self) -> str:
        """Who asked for it and why, as the end of a sentence."""
        return f"{self.by} rolled it back to v{self.to} at {self.at:%Y-%m-%d %H:%M} UTC: {self.reason}"
