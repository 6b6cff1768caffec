"""Reads one endpoint with everything that `greenlight status ENDPOINT` tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlight.deployed_settings import deployed_settings
from greenlight.endpoint.detail import Detail, detail_of
from greenlight.endpoint.measuring import read_measured
from greenlight.fleet.reading import look_at, unknown_endpoint
from greenlight.timeline.entries import BEGINNING
from greenlight.timeline.reading import read_timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.history import History
    from greenlight.connection import Connection
    from greenlight.endpoint.measuring import Measured
    from greenlight.fleet.state import Seen

_LATELY = 5
"""How many entries of the timeline are shown."""


@dataclass(frozen=True, slots=True)
class SeenDetail:
    """One endpoint, and what the journal knows of it."""

    detail: Detail
    history: History


def read_detail(
    connection: Connection,
    name: str,
    now: datetime,
    settings_of: Callable[[Connection], SettingsFiles] = deployed_settings,
) -> SeenDetail:
    """Read one endpoint.

    Args:
        connection: The way to AWS.
        name: The endpoint.
        now: The time.
        settings_of: Returns the deployed settings.

    Raises:
        CommandError: Neither the settings nor the journal know it.
    """
    settings = settings_of(connection)
    looked = look_at(connection, name, settings)
    if looked is None:
        raise unknown_endpoint(name, sorted(settings.digests))
    seen, described = looked
    lately, _ = read_timeline(connection, name, since=BEGINNING, limit=_LATELY)
    detail = detail_of(
        seen, described, _alarms(connection, seen), _measured(connection, seen, now), lately, now
    )
    return SeenDetail(detail, seen.history)


def _alarms(connection: Connection, seen: Seen) -> dict[str, str | None]:
    """Return the states of the alarms that roll an update back, in one call."""
    if seen.settings is None:
        return {}
    names = list(seen.settings.rollback_alarm_names)
    if seen.settings.abort_alarm_name is not None:
        names.append(seen.settings.abort_alarm_name)
    return alarm_states(connection, names)


def _measured(connection: Connection, seen: Seen, now: datetime) -> dict[str, Measured]:
    """Return what the endpoint's own alarms measure; a rollout's other alarms are people's."""
    settings = seen.settings
    if settings is None or seen.status is None:
        return {}
    own = [each for each in settings.alarms if each["AlarmName"] != settings.abort_alarm_name]
    return read_measured(connection, own, now)


def alarm_states(connection: Connection, names: Sequence[str]) -> dict[str, str | None]:
    """Return the states of alarms, in one call; None of one that does not exist."""
    if not names:
        return {}
    # Up to a hundred alarms are one page.
    answer: dict[str, Any] = connection.client("cloudwatch").describe_alarms(
        AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
    )
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    states = {each["AlarmName"]: str(each["StateValue"]) for each in found}
    return {name: states.get(name) for name in names}
