"""The world around the SageMaker control plane, as protocols.

The control plane owns state and time; it never touches a socket, a process or the wall clock. The gateway
gives it the real ones, the simulation virtual ones: one state machine, two clocks.
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
    """Tells the time; its owner advances it."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: the 12-digit account, the request's region and, if known, the principal.

    IAM is enforced on `principal`; None means that the account allows the caller everything.
    """

    account_id: str
    region: str
    principal_arn: str
    principal: Principal | None = None

    def as_principal(self) -> Principal:
        """Return the principal for resource policies."""
        return self.principal or unrestricted(self.principal_arn, self.account_id)


class Identity(Protocol):
    """The part of IAM that SageMaker uses for an execution role."""

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        """Tell whether the role exists and trusts `sagemaker.amazonaws.com` with `sts:AssumeRole`."""
        ...


class Artifacts(Protocol):
    """The part of S3 from which SageMaker reads model data."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the object can be read; for a URL that ends in `/`, any object below it."""
        ...

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may list below a URL that ends in `/`, and nothing is there."""
        ...


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a model at launch: references to model packages are resolved."""

    image: str
    model_data_url: str | None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """The launch of one production variant of one endpoint config."""

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
    """The AsyncInferenceConfig; an endpoint with one accepts only asynchronous invocations."""
    data_capture: Mapping[str, Any] | None = None
    """The DataCaptureConfig."""


class Health(Enum):
    """A fleet's answer to `/ping`, over all its instances."""

    STARTING = "Starting"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"


@dataclass(frozen=True, slots=True)
class Route:
    """A share of an endpoint's traffic.

    Attributes:
        fleet_id: The fleet that gets it.
        variant_name: The fleet's variant.
        weight: Relative to the sum over all routes; for a shadow, the share of all requests to copy, from 0
            to 1.
        is_shadow: Whether it gets copies, and its answers are discarded.
    """

    fleet_id: str
    variant_name: str
    weight: float
    is_shadow: bool = False


class Hosting(Protocol):
    """Runs model containers. The control plane decides which, and their traffic.

    No method raises errors: a fleet's health reports its failures.
    """

    def launch(self, spec: FleetSpec) -> str:
        """Start a fleet and return its id at once, before its health is known."""
        ...

    def health(self, fleet_id: str) -> Health:
        """Return the fleet's health now."""
        ...

    def scale(self, fleet_id: str, instance_count: int) -> None:
        """Set a fleet's number of instances, without interrupting it."""
        ...

    def terminate(self, fleet_id: str) -> None:
        """Stop a fleet; unknown or stopped ids are ignored."""
        ...

    def route(self, account_id: str, region: str, endpoint_name: str, routes: tuple[Route, ...]) -> None:
        """Send the endpoint's traffic to these fleets, from now on and in one step; no fleet is stopped."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key: its ARN, the names of its aliases (`alias/…`) and its policy."""

    arn: str
    aliases: tuple[str, ...]
    policy: Policy


class ExecutionRoles(Protocol):
    """SageMaker's actions in the name of a model's execution role, except reading model data."""

    def may_pull(self, image: str, *, role_arn: str) -> bool:
        """Tell whether the role may pull an image from its ECR repository."""
        ...

    def may_watch(self, alarm_name: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may read an alarm of its account (`cloudwatch:DescribeAlarms`)."""
        ...

    def refusal_to_join(
        self, subnets: Sequence[str], security_groups: Sequence[str], *, role_arn: str, region: str
    ) -> str | None:
        """Say why the role may not make network interfaces in subnets of any account; None if it may."""
        ...


class Keys(Protocol):
    """The part of KMS that authorisation uses."""

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:
        """Return the key by id, ARN or alias; None if this KMS has none of that name."""
        ...


class AlarmState(StrEnum):
    """The states of a CloudWatch alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarms(Protocol):
    """The part of CloudWatch that automatic rollbacks use (`cloudwatch:DescribeAlarms`)."""

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:
        """Return the alarm's state now, or None if there is no such alarm."""
        ...


class EventSink(Protocol):
    """The default event bus of an account and region, as AWS services use it."""

    def emit(self, event: dict[str, Any]) -> None:
        """Deliver a complete EventBridge envelope (`source`, `detail-type`, `account`, `region`, …)."""
        ...
