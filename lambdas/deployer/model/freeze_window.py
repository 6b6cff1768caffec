"""Holds a freeze window of an endpoint's settings: when it begins, and how long it lasts."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class FreezeWindow:
    """A time in which nothing new is rolled out, and which may come again.

    Attributes:
        reason: Why.
        rule: When it begins, as a recurrence rule of RFC 5545; None if it begins once, at `start`.
        start: When it begins first, by the clock of its time zone; None if the rule says it all.
        duration: How long it lasts by that clock.
        timezone: The time zone's name.
        timezone_data: The time zone's rules, in the format of RFC 8536.
    """

    reason: str
    rule: str | None
    start: datetime | None
    duration: timedelta
    timezone: str
    timezone_data: bytes

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> FreezeWindow:
        """Read a window of the compiled settings."""
        start = document.get(SettingsKey.START)
        return cls(
            reason=document[SettingsKey.REASON],
            rule=document.get(SettingsKey.RULE),
            start=datetime.fromisoformat(start) if start is not None else None,
            duration=timedelta(seconds=document[SettingsKey.DURATION_SECONDS]),
            timezone=document[SettingsKey.TIMEZONE],
            timezone_data=b64decode(document[SettingsKey.TIMEZONE_DATA]),
        )
