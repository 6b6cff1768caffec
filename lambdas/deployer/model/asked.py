"""Holds who asked for something to be done with an approved version, when, and which attempts followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Asked:
    """A person's word that a version is to be tried again although it failed, or rolled out once more.

    Attributes:
        at: When it was asked for.
        by: Who asked.
        first_attempt: The number of the first attempt that may be its doing. After a retry, that is the first
            one whose failure counts again.
    """

    at: datetime
    by: str
    first_attempt: int

    @property
    def words(self) -> str:
        """Who asked for it and when, as the end of a sentence."""
        return f"{self.by} asked for that at {self.at:%Y-%m-%d %H:%M} UTC"
