"""Holds what a person handed over: an endpoint whose config serves what the deployer would make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Adopted:
    """A config of somebody else that stands for one of the deployer's own.

    Attributes:
        endpoint_config_name: The config that serves.
        stands_for: The config that the deployer would make in its place.
    """

    endpoint_config_name: str
    stands_for: str


@value
class ShownConfig:
    """A config and its models, as SageMaker describes them.

    Attributes:
        config: The answer of DescribeEndpointConfig.
        models: The answers of DescribeModel by model, each with its containers in `Containers`.
    """

    config: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Any]]

    @property
    def variants(self) -> Mapping[str, Mapping[str, Any]]:
        """The production variants, by name."""
        return {each["VariantName"]: each for each in self.config.get("ProductionVariants", ())}
