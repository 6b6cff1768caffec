"""An endpoint: status, variants, fleets, and the operations that its status permits.

Owns the table of statuses. Deployments and transitions change them. Source of the table: botocore's
DescribeEndpointOutput.EndpointStatus; refusals were seen on AWS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker import errors, events
from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import instance_type_of
from local_cloud.sagemaker.ports import Route
from local_cloud.sagemaker.registry.model_package import image_digest
from local_cloud.sagemaker.switch_settings import OutOfServicePermits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.transitions import Deletion, Rescaling, SystemUpdate
    from local_cloud.sagemaker.models import Model
    from local_cloud.sagemaker.state import Scope, State
    from local_cloud.sagemaker.switches import Switches


class EndpointStatus(StrEnum):
    """Every status of an endpoint, in the API's spelling."""

    OUT_OF_SERVICE = "OutOfService"
    CREATING = "Creating"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    FAILED = "Failed"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"


class StatusGroup(Enum):
    """What a status permits."""

    MODIFYING = "it is changing: wait"
    SERVING = "it serves and rests"
    MIXED = "it serves a mix of two configs: an update repairs it"
    FAILED = "it can only be deleted"
    OUT_OF_SERVICE = "it rests and does not serve"


STATUSES: Final[dict[StatusGroup, frozenset[EndpointStatus]]] = {
    StatusGroup.MODIFYING: frozenset(
        {
            EndpointStatus.CREATING,
            EndpointStatus.UPDATING,
            EndpointStatus.SYSTEM_UPDATING,
            EndpointStatus.ROLLING_BACK,
            EndpointStatus.DELETING,
        }
    ),
    StatusGroup.SERVING: frozenset({EndpointStatus.IN_SERVICE}),
    StatusGroup.MIXED: frozenset({EndpointStatus.UPDATE_ROLLBACK_FAILED}),
    StatusGroup.FAILED: frozenset({EndpointStatus.FAILED}),
    StatusGroup.OUT_OF_SERVICE: frozenset({EndpointStatus.OUT_OF_SERVICE}),
}

CHANGES: Final = frozenset({"UpdateEndpoint", "DeleteEndpoint", "UpdateEndpointWeightsAndCapacities"})
"""The operations whose permission depends on the status."""

_PERMITTED: Final[dict[StatusGroup, frozenset[str]]] = {
    StatusGroup.MODIFYING: frozenset(),
    StatusGroup.SERVING: CHANGES,
    StatusGroup.MIXED: frozenset({"UpdateEndpoint", "DeleteEndpoint"}),
    StatusGroup.FAILED: frozenset({"DeleteEndpoint"}),
}
_OUT_OF_SERVICE_PERMITTED: Final[dict[OutOfServicePermits, frozenset[str]]] = {
    OutOfServicePermits.NOTHING: frozenset(),
    OutOfServicePermits.DELETE: frozenset({"DeleteEndpoint"}),
    OutOfServicePermits.UPDATE_AND_DELETE: frozenset({"UpdateEndpoint", "DeleteEndpoint"}),
}


def group_of(status: EndpointStatus) -> StatusGroup:
    """Return a status's only group."""
    return next(group for group, statuses in STATUSES.items() if status in statuses)


def permitted(status: EndpointStatus, switches: Switches) -> frozenset[str]:
    """Return the changes that a status permits."""
    group = group_of(status)
    if group is StatusGroup.OUT_OF_SERVICE:
        return _OUT_OF_SERVICE_PERMITTED[switches.out_of_service_permits]
    return _PERMITTED[group]


@dataclass(frozen=True, slots=True)
class ScalableVariant:
    """Application Auto Scaling's view of a variant.

    Attributes:
        is_in_service: Whether its endpoint is InService, and can be scaled.
        is_serverless: Whether it scales by provisioned concurrency instead of instances.
        capacity: Its desired instance count or its provisioned concurrency.
        instance_types: Its possible instance types; empty if it is serverless.
    """

    is_in_service: bool
    is_serverless: bool
    capacity: int
    instance_types: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class LiveVariant:
    """A variant that runs, or that a deployment is starting."""

    variant: Mapping[str, Any]
    """The config's ProductionVariant."""
    model: Model | None
    """None on an endpoint for inference components."""
    is_shadow: bool
    desired_weight: float
    desired_instance_count: int
    current_weight: float = 0.0
    current_instance_count: int = 0
    fleet_id: str | None = None
    started: datetime | None = None
    """When its fleet was launched."""
    unhealthy_since: datetime | None = None
    desired_serverless_config: Mapping[str, Any] | None = None
    """A serverless variant's target; None if it is reached."""
    reserved_instance_count: int | None = None
    """The instances that count against quotas and capacity, if not all that it has or wants."""

    @property
    def name(self) -> str:
        """Its VariantName."""
        name: str = self.variant["VariantName"]
        return name

    @property
    def instance_type(self) -> str | None:
        """Its instance type; None if serverless."""
        return instance_type_of(self.variant)

    @property
    def serverless_config(self) -> Mapping[str, Any] | None:
        """Its ServerlessConfig; None if it runs on instances."""
        config: Mapping[str, Any] | None = self.variant.get("ServerlessConfig")
        return config

    @property
    def instances(self) -> int:
        """How many instances it has or is getting, for quotas and capacity."""
        if self.instance_type is None:
            return 0
        if self.reserved_instance_count is not None:
            return self.reserved_instance_count
        return max(self.current_instance_count, self.desired_instance_count)

    def summary(self) -> dict[str, Any]:
        """Return its ProductionVariantSummary."""
        shown = self.event_summary()
        if self.started is not None and self.model is not None:
            shown["DeployedImages"] = [
                {
                    "SpecifiedImage": container.image,
                    "ResolvedImage": f"{_repository(container.image)}@{image_digest(container.image)}",
                    "ResolutionTime": self.started,
                }
                for container in self.model.containers
            ]
        for member in ("ManagedInstanceScaling", "RoutingConfig"):
            if member in self.variant:
                shown[member] = self.variant[member]
        return shown

    def event_summary(self) -> dict[str, Any]:
        """Return the part of its summary that events also carry."""
        shown: dict[str, Any] = {
            "VariantName": self.name,
            "CurrentWeight": self.current_weight,
            "DesiredWeight": self.desired_weight,
        }
        if self.serverless_config is None:
            shown["CurrentInstanceCount"] = self.current_instance_count
            shown["DesiredInstanceCount"] = self.desired_instance_count
        else:
            shown["CurrentServerlessConfig"] = self.serverless_config
            shown["DesiredServerlessConfig"] = self.desired_serverless_config or self.serverless_config
        return shown


@dataclass(slots=True, eq=False)
class Endpoint:
    """An endpoint; `work` is its current transition, if any."""

    scope: Scope
    name: str
    arn: str
    creation_time: datetime
    last_modified_time: datetime
    sequence: int
    status: EndpointStatus
    config: EndpointConfig
    """Its config: the old one during an update."""
    variants: dict[str, LiveVariant] = field(default_factory=dict)
    shadow_variants: dict[str, LiveVariant] = field(default_factory=dict)
    stranded_variants: list[LiveVariant] = field(default_factory=list)
    """Variants that a failed rollback left running, until an update replaces all."""
    failure_reason: str | None = None
    last_deployment_config: Mapping[str, Any] | None = None
    work: Deployment | Rescaling | SystemUpdate | Deletion | None = None

    def refuse_unless_permitted(self, operation: str, switches: Switches) -> None:
        """Refuse a change that the status does not permit, in AWS's words.

        Raises:
            ServiceError: The status does not permit it.
        """
        if operation in permitted(self.status, switches):
            return
        match group_of(self.status):
            case StatusGroup.MODIFYING:
                raise errors.in_progress(self.arn)
            case StatusGroup.FAILED:
                raise errors.failed_endpoint(self.arn)
            case _:
                raise errors.status_refuses(operation, self.status.value, self.arn)

    def enter(self, state: State, status: EndpointStatus) -> None:
        """Change the status, and announce it."""
        self.status = status
        self.last_modified_time = state.time
        events.emit_endpoint_state_change(state, self)

    def running_variants(self) -> list[LiveVariant]:
        """Return everything with instances for this endpoint, including a deployment's new variants."""
        return [
            *self.variants.values(),
            *self.shadow_variants.values(),
            *self.stranded_variants,
            *(self.work.new_variants if self.work is not None else ()),
        ]


def instances_in_use(scope: Scope, instance_type: str) -> int:
    """Return the number of instances of a type of all endpoints in an account and region."""
    return sum(
        variant.instances
        for endpoint in scope.endpoints.values()
        for variant in endpoint.running_variants()
        if variant.instance_type == instance_type
    )


def instances_by_type(variants: Iterable[LiveVariant]) -> dict[str, int]:
    """Return variants' numbers of instances by type."""
    counts: dict[str, int] = {}
    for variant in variants:
        if variant.instance_type is not None:
            counts[variant.instance_type] = counts.get(variant.instance_type, 0) + variant.instances
    return counts


def routes(variants: Iterable[LiveVariant], share: float = 1.0) -> list[Route]:
    """Return routes to variants' fleets by their current weights, scaled to a share of the traffic."""
    weighted = [(variant.fleet_id, variant) for variant in variants]
    total = sum(variant.current_weight for _, variant in weighted)
    return [
        Route(
            fleet_id, variant.name, share * (variant.current_weight / total if total else 1 / len(weighted))
        )
        for fleet_id, variant in weighted
        if fleet_id is not None
    ]


def shadow_routes(
    shadows: Iterable[LiveVariant], production: Iterable[LiveVariant], share: float = 1.0
) -> list[Route]:
    """Return routes for copies: a shadow's share is its weight relative to the production weight."""
    total = sum(variant.desired_weight for variant in production) or 1.0
    return [
        Route(
            variant.fleet_id,
            variant.name,
            share * min(1.0, variant.desired_weight / total),
            is_shadow=True,
        )
        for variant in shadows
        if variant.fleet_id is not None
    ]


def traffic(endpoint: Endpoint) -> tuple[Route, ...]:
    """Return all routes of an endpoint without a transition."""
    production = list(endpoint.variants.values())
    return (*routes(production), *shadow_routes(endpoint.shadow_variants.values(), production))


def _repository(image: str) -> str:
    """Return an image's name without tag and digest; the last colon may belong to a port."""
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"
