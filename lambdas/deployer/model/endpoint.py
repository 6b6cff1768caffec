"""Holds an endpoint as `DescribeEndpoint` showed it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from deployer.model import statuses
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.variant_properties import Running


@value
class VariantStatus:
    """The stage of one variant's change, as in botocore's `ProductionVariantStatus`."""

    status: str
    message: str = ""


@value
class Endpoint:
    """An observed endpoint.

    Attributes:
        name: In the letter case it was created with.
        arn: Lower-cased by SageMaker.
        status: As in botocore's `EndpointStatus`.
        endpoint_config_name: The config that serves; during an update, the *old* one.
        pending_endpoint_config_name: The new config of an update under way, if any.
        failure_reason: Why the last change failed. It stays until a later change succeeds, so alone it
            does not prove that the *latest* change failed.
        last_modified_time: SageMaker's own clock.
        created_at: When it was created: another endpoint of its name has another time.
        scaled_by: The production variants that serve, each with the dimension by which it can scale; none
            while the endpoint is being created.
        variant_properties: The count and weight that each of them is to have.
        pending_statuses: The stages of each new production variant of an update under way, as far as shown.
    """

    name: str
    arn: str
    status: str
    endpoint_config_name: str | None
    pending_endpoint_config_name: str | None
    failure_reason: str | None
    last_modified_time: datetime
    created_at: datetime
    scaled_by: Mapping[str, str] = field(default_factory=dict)
    variant_properties: Running = field(default_factory=dict)
    pending_statuses: tuple[tuple[VariantStatus, ...], ...] = ()

    @property
    def modifying(self) -> bool:
        """Whether SageMaker is at work on it and would refuse every change."""
        return self.status in statuses.MODIFYING

    @property
    def updatable(self) -> bool:
        """Whether `UpdateEndpoint` is permitted."""
        return self.status in statuses.UPDATABLE


@value
class EndpointSummary:
    """An endpoint as a list shows it: enough to know that it has not changed."""

    status: str
    last_modified_time: datetime

    @property
    def modifying(self) -> bool:
        """Whether SageMaker is at work on it and would refuse every change."""
        return self.status in statuses.MODIFYING


def log_group(endpoint_name: str) -> str:
    """Name the log group of an endpoint's containers (SageMaker developer guide, "logging-cloudwatch")."""
    return f"/aws/sagemaker/Endpoints/{endpoint_name}"
