"""Holds who asked to try a failed version again, when, and which failures still count since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class Retry:
    """A person's word that a version is to be tried again, though it failed since its approval.

    Attributes:
        at: When it was asked for.
        by: Who asked.
        first_attempt: The number of the first attempt whose failure counts again.
    """

    at: datetime
    by: str
    first_attempt: int
