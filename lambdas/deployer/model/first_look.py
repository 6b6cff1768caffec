"""Holds what the deployer's first look at an endpoint found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


@value
class FirstLook:
    """What was approved when the endpoint was looked at for the first time.

    Attributes:
        group: The model package group, as in the settings.
        at: When that was. A version that was changed last before it was approved before it, too.
        versions: Numbers of the versions that were approved, and do not count until they are approved again.
        served: Whether the endpoint served a version that counts. Then no other one of them does.
    """

    group: str
    at: datetime
    versions: frozenset[int] = frozenset()
    served: bool = False
