"""Holds steps: every change that the deployer makes in AWS, as a value that is printed first.

The text of a step is for people: a plan in the log reads as what will be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.model.variant_properties import in_words
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.life_cycle import LifeCycle
    from deployer.model.variant_properties import PropertyToSet


@value
class CreateModel:
    """Create the model, or accept the one that an earlier try made."""

    request: dict[str, Any]

    def __str__(self) -> str:
        return f"create model {self.request['ModelName']}"


@value
class CreateEndpointConfig:
    """Create the endpoint config, or accept the one that an earlier try made.

    Attributes:
        request: botocore's `CreateEndpointConfig` arguments.
        repairs: Whether somebody deleted it. Then its models are as old as it was, or somebody deleted them.
    """

    request: dict[str, Any]
    repairs: bool = False

    def __str__(self) -> str:
        return f"create endpoint config {self.request['EndpointConfigName']}"


@value
class CreateEndpoint:
    """Create the endpoint: the step that puts a version before its callers."""

    request: dict[str, Any]

    def __str__(self) -> str:
        return (
            f"create endpoint {self.request['EndpointName']} with config {self.request['EndpointConfigName']}"
        )


@value
class CreateTestEndpoint:
    """Create a test endpoint, or leave the one that exists to the next pass. It has no callers."""

    request: dict[str, Any]

    @property
    def endpoint_name(self) -> str:
        """The test endpoint, which has its config's name."""
        name: str = self.request["EndpointName"]
        return name

    def __str__(self) -> str:
        return f"create test endpoint {self.endpoint_name}"


@value
class DeleteTestEndpoint:
    """Delete a test endpoint and its config."""

    endpoint_name: str

    def __str__(self) -> str:
        return f"delete test endpoint {self.endpoint_name}"


@value
class UpdateEndpoint:
    """Update the endpoint in place: the step that puts a version before its callers.

    Attributes:
        request: botocore's `UpdateEndpoint` arguments.
        alarms_left_out: Rollback alarms that the request leaves out: on already, or impossible to make.
        alarms_unread: Whether the states of the rollback alarms could not be read.
        unguarded: Why the request leaves out the settings' guardrails; None if it has them.
        unknown_changes: Names of changes in this update that SageMaker may or may not refuse.
        to_set: Counts and weights that are set once the update is over.
        at_once: Whether it goes back, without the steps, waits and alarms of the settings.
    """

    request: dict[str, Any]
    alarms_left_out: tuple[str, ...] = ()
    alarms_unread: bool = False
    unguarded: str | None = None
    unknown_changes: tuple[str, ...] = ()
    to_set: tuple[PropertyToSet, ...] = ()
    at_once: bool = False

    @property
    def alarm_names(self) -> tuple[str, ...]:
        """The alarms that roll it back."""
        automatic = self.request.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {})
        return tuple(alarm["AlarmName"] for alarm in automatic.get("Alarms", ()))

    @property
    def doubles_instances(self) -> bool:
        """Whether a second fleet is launched beside the first: blue/green, which is also the default."""
        return "RollingUpdatePolicy" not in self.request.get("DeploymentConfig", {})

    def __str__(self) -> str:
        name, config = self.request["EndpointName"], self.request["EndpointConfigName"]
        later = f"; then set {in_words(self.to_set)}" if self.to_set else ""
        return f"update endpoint {name} to config {config}, {_rollout(self)}{later}"


@value
class SetVariantProperties:
    """Set what an update left to be set: weights of variants, or the instance count of one.

    Attributes:
        endpoint_name: The endpoint, which must be in service.
        to_set: What.
        attempt: The number of the deployment that left it.
    """

    endpoint_name: str
    to_set: tuple[PropertyToSet, ...]
    attempt: int

    def __str__(self) -> str:
        return f"set {in_words(self.to_set)} of endpoint {self.endpoint_name}"


@value
class DeleteFailedEndpoint:
    """Delete an endpoint that failed and serves nobody. It is created again afterwards."""

    endpoint_name: str

    def __str__(self) -> str:
        return f"delete failed endpoint {self.endpoint_name}"


@value
class DeleteEndpointConfig:
    """Delete an endpoint config that nothing needs, if it carries this stack's tag."""

    endpoint_config_name: str

    def __str__(self) -> str:
        return f"delete endpoint config {self.endpoint_config_name}"


@value
class DeleteModel:
    """Delete a model that nothing needs, if it carries this stack's tag."""

    model_name: str

    def __str__(self) -> str:
        return f"delete model {self.model_name}"


@value
class ChangeTags:
    """Make the endpoint's own tags match the settings.

    Attributes:
        resource_arn: The endpoint.
        add: Tags to add, or to overwrite.
        remove: Keys of tags to remove.
        wanted: All tags of the settings.
    """

    resource_arn: str
    add: Mapping[str, str]
    remove: frozenset[str]
    wanted: Mapping[str, str]

    def __str__(self) -> str:
        added = f"set tags {', '.join(sorted(self.add))}" if self.add else ""
        removed = f"remove tags {', '.join(sorted(self.remove))}" if self.remove else ""
        return f"{' and '.join(filter(None, (added, removed)))} of {self.resource_arn}"


@value
class RegisterScaling:
    """Register a variant for automatic scaling, or change its scaling.

    Attributes:
        variant_name: The variant.
        wanted: Its scaling by the settings.
        applied: Its registered scaling; empty if it has none.
    """

    variant_name: str
    wanted: Mapping[str, Any]
    applied: Mapping[str, Any]

    def __str__(self) -> str:
        capacity = f"between {self.wanted['MinCapacity']} and {self.wanted['MaxCapacity']}"
        return f"scale variant {self.variant_name} automatically {capacity}"


@value
class DeregisterScaling:
    """End the automatic scaling of a variant.

    Attributes:
        variant_name: The variant.
        applied: Its registered scaling, as far as known.
    """

    variant_name: str
    applied: Mapping[str, Any]

    def __str__(self) -> str:
        return f"end automatic scaling of variant {self.variant_name}"


@value
class PutAlarm:
    """Make an alarm, or change the one of its name.

    Attributes:
        request: botocore's `PutMetricAlarm` arguments. CloudWatch ignores the tags of an alarm that exists.
        digest: The digest of the alarm's definition, for the journal.
        exists: Whether the alarm exists, and is changed.
    """

    request: Mapping[str, Any]
    digest: str
    exists: bool = False

    @property
    def alarm_name(self) -> str:
        """The alarm."""
        name: str = self.request["AlarmName"]
        return name

    def __str__(self) -> str:
        return f"{'change' if self.exists else 'make'} alarm {self.alarm_name}"


@value
class DeleteAlarms:
    """Delete alarms that carry this stack's tag and that the settings no longer have."""

    alarm_names: tuple[str, ...]

    def __str__(self) -> str:
        return f"delete alarm{'s' if len(self.alarm_names) > 1 else ''} {', '.join(self.alarm_names)}"


@value
class SetOffAbortAlarm:
    """Make SageMaker roll back the update under way."""

    alarm_name: str
    reason: str

    def __str__(self) -> str:
        return f"set off alarm {self.alarm_name}: {self.reason}"


@value
class ClearAbortAlarm:
    """Clear the abort alarm, so that the next update is not rolled back."""

    alarm_name: str

    def __str__(self) -> str:
        return f"clear alarm {self.alarm_name}"


@value
class WriteMetadata:
    """Add customer metadata properties to a version."""

    version_arn: str
    properties: Mapping[str, str]

    def __str__(self) -> str:
        return f"write {', '.join(sorted(self.properties))} to {self.version_arn}"


@value
class Promote:
    """Set a version's life cycle to the next stage, and say so in its customer metadata."""

    version_arn: str
    life_cycle: LifeCycle
    description: str
    properties: Mapping[str, str]

    def __str__(self) -> str:
        return f"promote {self.version_arn} to {self.life_cycle.stage}/{self.life_cycle.stage_status}"


Step: TypeAlias = (
    CreateModel
    | CreateEndpointConfig
    | CreateEndpoint
    | CreateTestEndpoint
    | DeleteTestEndpoint
    | UpdateEndpoint
    | SetVariantProperties
    | DeleteFailedEndpoint
    | DeleteEndpointConfig
    | DeleteModel
    | ChangeTags
    | RegisterScaling
    | DeregisterScaling
    | PutAlarm
    | DeleteAlarms
    | SetOffAbortAlarm
    | ClearAbortAlarm
    | WriteMetadata
    | Promote
)


def _rollout(update: UpdateEndpoint) -> str:
    """Word how an update reaches the endpoint's callers, and which alarms can stop it."""
    config = update.request.get("DeploymentConfig", {})
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    how = "rolling" if "RollingUpdatePolicy" in config else routing.get("Type", "ALL_AT_ONCE").lower()
    guards = ", ".join(update.alarm_names)
    return f"{how.replace('_', ' ')}, {f'guarded by {guards}' if guards else 'guarded by no alarm'}"
