"""Owns what one endpoint is once its settings are compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.problem import Problem


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Hold one endpoint: its settings as the deployer reads them."""

    file: str
    endpoint_name: str
    model_package_group: str
    compiled: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    """What AWS's texts object to, and `unchecked: true` waives."""
    notice: str | None = None
    """What a version that fails its smoke test could do; None without a smoke test."""
    input_paths: tuple[str, ...] = ()
    """Below which places in S3 asynchronous requests are. The models' role reads there; nothing else asks."""

    @property
    def inference_specification_name(self) -> str | None:
        """Which of a version's inference specifications is served; None for its own."""
        name: str | None = self.compiled["CreateModel"]["Containers"][0].get("InferenceSpecificationName")
        return name
