"""Reads the endpoints that follow a version's group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from greenlight.deployed_settings import deployed_settings
from greenlight.fleet.reading import look_at
from greenlight.fleet.state import Standing, standing_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.gateways.settings_files import SettingsFiles
    from greenlight.connection import Connection
    from greenlight.steering.deciding import Candidate


def followers(
    connection: Connection,
    candidate: Candidate,
    settings_of: Callable[[Connection], SettingsFiles] = deployed_settings,
) -> list[Standing]:
    """Return how the endpoints stand that follow a version's group, by name."""
    settings, account = settings_of(connection), connection.stack.account
    found: list[Standing] = []
    for name in sorted(settings.followers(candidate.group)):
        of_endpoint = settings.read(name)
        if of_endpoint is None or not of_endpoint.follows(
            candidate.arn, candidate.group, own_account=account
        ):
            continue
        looked = look_at(connection, name, settings)
        assert looked is not None, "its settings know it"
        found.append(standing_of(looked[0], datetime.now(UTC)))
    return found
