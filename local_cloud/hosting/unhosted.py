"""Stands in for containers where nobody calls the endpoints: hundreds of them, on one machine."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from local_cloud.sagemaker.ports import Health

if TYPE_CHECKING:
    from local_cloud.sagemaker.ports import FleetSpec, Route


class Unhosted:
    """Fleets without processes: each is healthy at once, and no request reaches it."""

    def launch(self, _spec: FleetSpec) -> str:
        """Return a new fleet's id."""
        return f"unhosted-{uuid.uuid4()}"

    def health(self, _fleet_id: str) -> Health:
        """Return the health of a fleet that has nothing to start."""
        return Health.HEALTHY

    def scale(self, _fleet_id: str, _instance_count: int) -> None:
        """Do nothing: no instance runs."""

    def terminate(self, _fleet_id: str) -> None:
        """Do nothing: nothing runs."""

    def route(self, _account_id: str, _region: str, _endpoint_name: str, _routes: tuple[Route, ...]) -> None:
        """Do nothing: the runtime knows no fleet, and refuses invocations."""
