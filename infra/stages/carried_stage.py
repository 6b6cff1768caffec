"""Owns what a stage is once its endpoints are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess
    from infra.stages.stage_names import StageNames


@dataclass(frozen=True, slots=True)
class CarriedStage:
    """Hold one stage as it is deployed: its configuration, its endpoints, and what it must be let in to."""

    configuration: Configuration
    endpoints: tuple[EndpointSpec, ...]
    access: StageAccess

    @property
    def names(self) -> StageNames:
        """The stage's names."""
        return self.access.names
