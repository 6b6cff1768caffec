"""Holds the parts of an endpoint config that the deployer compares and protects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Shape:
    """The parts of an endpoint config that decide whether an endpoint may change to or from it.

    Attributes:
        variants: The names of its production variants.
        serverless: Whether they are serverless; never only some of them are.
        asynchronous: Whether calls are answered later, by way of S3.
        shadowed: Whether a shadow gets copies of the calls.
        on_inf1: Whether a variant runs on Inf1 instances.
    """

    variants: frozenset[str]
    serverless: bool = False
    asynchronous: bool = False
    shadowed: bool = False
    on_inf1: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape:
        """Return a config's shape, from a `CreateEndpointConfig` request or a `Describe` answer."""
        variants = config["ProductionVariants"]
        return cls(
            frozenset(each["VariantName"] for each in variants),
            serverless=any("ServerlessConfig" in each for each in variants),
            asynchronous="AsyncInferenceConfig" in config,
            shadowed=bool(config.get("ShadowProductionVariants")),
            on_inf1=any(str(each.get("InstanceType")).startswith("ml.inf1.") for each in variants),
        )


@value
class EndpointConfig:
    """An endpoint config.

    Attributes:
        production_variants: As in `CreateEndpointConfig`.
        shape: Decides whether an endpoint may change to or from it.
        model_names: The models that its variants name, shadows included.
        name: Its name.
        created_at: When it was created, by SageMaker's clock; None if it is only wanted.
    """

    production_variants: tuple[Mapping[str, Any], ...]
    shape: Shape
    model_names: frozenset[str]
    name: str | None = None
    created_at: datetime | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> EndpointConfig:
        """Read a `CreateEndpointConfig` request, or a `DescribeEndpointConfig` answer."""
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
        return cls(
            tuple(config["ProductionVariants"]),
            Shape.of(config),
            frozenset(each["ModelName"] for each in variants if "ModelName" in each),
            config.get("EndpointConfigName"),
            config["CreationTime"].astimezone(UTC) if "CreationTime" in config else None,
        )
