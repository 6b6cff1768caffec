"""Owns turning the key `freeze` into the deployer's settings, with the rules of each time zone.

AWS does not document whether Lambda's Python has a time zone database, and `provided.al2023` had none
(aws/aws-lambda-dotnet #1620). So the settings carry the rules of the zones that they name.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from infra.settings.compiling.recurrence import RecurrenceError, rule_of, start_of, zone_data

if TYPE_CHECKING:
    from infra.settings.keys.freeze_windows import FreezeWindow


def stored_window(window: FreezeWindow) -> dict[str, Any]:
    """Turn a window into the deployer's settings.

    Raises:
        RecurrenceError: It does not say when it begins.
    """
    start, rule = start_of(window), rule_of(window)
    members = {
        SettingsKey.REASON: window.reason,
        SettingsKey.RULE: rule,
        SettingsKey.START: start.isoformat() if start is not None else None,
        SettingsKey.DURATION_SECONDS: round(window.duration_hours * 3600),
        SettingsKey.TIMEZONE: window.timezone,
        SettingsKey.TIMEZONE_DATA: b64encode(zone_data(window.timezone)).decode(),
    }
    return {name: value for name, value in members.items() if value is not None}


def stored_freeze(windows: list[FreezeWindow]) -> list[dict[str, Any]]:
    """Turn the windows into the deployer's settings. Wrong ones are reported elsewhere, and left out."""
    stored: list[dict[str, Any]] = []
    for window in windows:
        try:
            stored.append(stored_window(window))
        except RecurrenceError:
            continue
    return stored
