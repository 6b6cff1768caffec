"""What the SageMaker control plane needs from the world around it, as protocols.

The control plane owns state and time; it never touches a socket, a process or the wall clock. The gateway
gives it the real ones, the simulation gives it virtual ones: one state machine, two clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from iam_evaluator.principals import unrestricted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from iam_evaluator.policies import Policy
    from iam_evaluator.principals import Principal


class Clock(Protocol):
    """Tells the time; advancing it is its owner's business."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: the 12-digit account, the region of the request and, where known, the principal.

    `principal` is who IAM is enforced on; None is somebody whom the account's own policies do not bind.
    """

    account_id: str
    region: str
    principal_arn: str
    principal: Principal | None = None

    def as_principal(self) -> Principal:
        """Return whom resource policies are about."""
        return self.principal or unrestricted(self.principal_arn, self.account_id)


class Identity(Protocol):
    """The part of IAM that SageMaker asks about an execution role."""

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        """Tell whether the role exists and trusts `sagemaker.amazonaws.com` with `sts:AssumeRole`."""
        ...


class Artifacts(Protocol):
    """The part of S3 that SageMaker reads model data from."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the object (or, for a URL that ends in `/`, any object under it) can be read."""
        ...

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may list what is under a URL that ends in `/`, and finds nothing there."""
        ...


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a model as it is launched: model package references are already resolved."""

    image: str
    model_data_url: str | None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """What is launched for one production variant of one endpoint config."""

    account_id: str
    region: str
    endpoint_name: str
    endpoint_config_name: str
    variant_name: str
    model_name: str
    containers: tuple[Container, ...]
    execution_role_arn: str
    instance_type: str | None
    instance_count: int
    async_inference: Mapping[str, Any] | None = None
    """The AsyncInferenceConfig; an endpoint that has one takes asynchronous invocations only."""
    data_capture: Mapping[str, Any] | None = None
    """The DataCaptureConfig."""


class Health(Enum):
    """What a fleet answers to `/ping`, over all its instances."""

    STARTING = "Starting"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"


@dataclass(frozen=True, slots=True)
class Route:
    """A share of an endpoint's traffic.

    Attributes:
        fleet_id: Who gets it.
        variant_name: The fleet's variant.
        weight: Relative to the sum over all routes; of a shadow, the part of all requests that it gets a copy
            of, from 0 to 1.
        is_shadow: Whether it gets copies, whose answers nobody sees.
    """

    fleet_id: str
    variant_name: str
    weight: float
    is_shadow: bool = False


class Hosting(Protocol):
    """Runs model containers. The control plane decides which, and what traffic each gets.

    No method raises: what goes wrong with a fleet is told by its health.
    """

    def launch(self, spec: FleetSpec) -> str:
        """Start a fleet and return its id at once; its health is asked for later."""
        ...

    def health(self, fleet_id: str) -> Health:
        """Return the fleet's health now."""
        ...

    def scale(self, fleet_id: str, instance_count: int) -> None:
        """Give a fleet this many instances from now on, without interrupting it."""
        ...

    def terminate(self, fleet_id: str) -> None:
        """Stop a fleet; unknown or stopped ids are ignored."""
        ...

    def route(self, account_id: str, region: str, endpoint_name: str, routes: tuple[Route, ...]) -> None:
        """Send the endpoint's traffic to these fleets, from now on and in one step; none stops it."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key: its ARN, the names of its aliases (`alias/…`) and its policy."""

    arn: str
    aliases: tuple[str, ...]
    policy: Policy


class ExecutionRoles(Protocol):
    """What SageMaker does in the name of a model's execution role, besides reading model data."""

    def may_pull(self, image: str, *, role_arn: str) -> bool:
        """Tell whether the role may pull an image from its ECR repository."""
        ...

    def may_watch(self, alarm_name: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may read an alarm of its account (`cloudwatch:DescribeAlarms`)."""
        ...

    def refusal_to_join(
        self, subnets: Sequence[str], security_groups: Sequence[str], *, role_arn: str, region: str
    ) -> str | None:
        """Say why the role may not make network interfaces in subnets, whosever they are; None if it may."""
        ...


class Keys(Protocol):
    """The part of KMS that authorising a call needs."""

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:
        """Return the key that an id, an ARN or an alias names; None if this KMS has none of that name."""
        ...


class AlarmState(StrEnum):
    """The states of a CloudWatch alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarms(Protocol):
    """The part of CloudWatch that a deployment's automatic rollback asks (`cloudwatch:DescribeAlarms`)."""

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:
        """Return the alarm's state now, or None if there is no such alarm."""
        ...


class EventSink(Protocol):
    """The default event bus of an account and region, as AWS services put events on it."""

    def emit(self, event: dict[str, Any]) -> None:
        """Deliver a complete EventBridge envelope (`source`, `detail-type`, `account`, `region`, …)."""
        ...
