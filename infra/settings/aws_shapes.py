"""Owns looking up operations and shapes in the pinned botocore's service models."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import botocore
import botocore.session

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape
TYPES_OF_INSTANCES: Final = "ProductionVariantInstanceType"


@cache
def service_model(service: str) -> ServiceModel:
    """Load a service's model from the pinned botocore."""
    return botocore.session.get_session().get_service_model(service)


def sagemaker() -> ServiceModel:
    """Load SageMaker's service model."""
    return service_model("sagemaker")


def shape(name: str, service: str = "sagemaker") -> Shape:
    """Look up a shape of a service model by name; raises `botocore.model.NoShapeFoundError`."""
    return service_model(service).shape_for(name)


def instance_types() -> tuple[str, ...]:
    """List SageMaker's instance types for hosting (botocore shape ProductionVariantInstanceType)."""
    return tuple(shape(TYPES_OF_INSTANCES).metadata["enum"])
