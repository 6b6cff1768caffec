"""Put AWS's own events on MiniStack's buses, and speed up its schedules.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`eventbridge._parse_rate_seconds` multiplies by `schedule_scale`, and `_SCHEDULER_TICK_INTERVAL` is a second
    No rate is shorter than a minute, and MiniStack runs a rule up to ten seconds late.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.eventbridge", "_SCHEDULER_TICK_INTERVAL"),
    ("ministack.services.eventbridge", "_archive_event"),
    ("ministack.services.eventbridge", "_dispatch_event"),
    ("ministack.services.eventbridge", "_ensure_default_bus"),
    ("ministack.services.eventbridge", "_events_log_list"),
    ("ministack.services.eventbridge", "_parse_rate_seconds"),
)

_SECONDS_BETWEEN_SCHEDULES = 1.0


class EventBuses:
    """The buses of every account and region.

    Attributes:
        schedule_scale: Returns the present factor for the seconds of a rate.
    """

    def __init__(self) -> None:
        self.schedule_scale: Callable[[], float] = lambda: 1.0
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._responses: Any = importlib.import_module("ministack.core.responses")

    def install(self) -> None:
        """Scale schedules from now on."""
        seconds_of: Callable[[str], int | None] = self._eventbridge._parse_rate_seconds

        def scaled(expression: str) -> float | None:
            seconds = seconds_of(expression)
            return None if seconds is None else seconds * self.schedule_scale()

        self._eventbridge._parse_rate_seconds = scaled
        self._eventbridge._SCHEDULER_TICK_INTERVAL = _SECONDS_BETWEEN_SCHEDULES

    def put_event(self, event: dict[str, Any]) -> None:
        """Put a complete envelope on the default bus of its account and region, as an AWS service does.

        PutEvents would refuse `aws.*` sources, and replace the event's id and time.
        """
        record = {
            "EventId": event["id"],
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "EventBusName": "default",
            "Time": _epoch_seconds(event["time"]),
            "Resources": event["resources"],
            "Account": event["account"],
            "Region": event["region"],
        }
        with self._responses.request_scope(event["account"], event["region"]):
            self._eventbridge._ensure_default_bus()
            self._eventbridge._events_log_list().append(record)
            self._eventbridge._dispatch_event(record)
            self._eventbridge._archive_event(record)


def _epoch_seconds(time_text: str) -> int | str:
    """Return the form in which MiniStack keeps, renders and replays an event's time."""
    try:
        return int(datetime.fromisoformat(time_text).timestamp())
    except ValueError:
        return time_text
