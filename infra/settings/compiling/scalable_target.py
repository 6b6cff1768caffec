"""Owns turning the key `autoscaling` into members of Application Auto Scaling's requests.

The deployer adds their resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deployer.contract import CONCURRENCY, INSTANCES

if TYPE_CHECKING:
    from infra.settings.keys.scaling_options import (
        Autoscaling,
        ScheduledAction,
        TargetTracking,
        TrackedMetric,
    )

PREDEFINED_METRICS: Final[dict[TrackedMetric, str]] = {
    "invocations_per_instance": "SageMakerVariantInvocationsPerInstance",
    "concurrent_requests_per_model": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "provisioned_concurrency_utilization": "SageMakerVariantProvisionedConcurrencyUtilization",
}


class Serving(NamedTuple):
    """Hold how an endpoint serves, as far as scaling depends on it."""

    endpoint_name: str
    asynchronous: bool
    capacity: int | None
    """Instances or provisioned concurrency at the start; None if not given."""
    max_concurrency: int | None = None
    """For a serverless endpoint; None on instances."""

    @property
    def serverless(self) -> bool:
        """Tell whether there are no instances."""
        return self.max_concurrency is not None

    @property
    def metrics(self) -> tuple[TrackedMetric, ...]:
        """List the metrics that exist for such an endpoint."""
        if self.serverless:
            return ("provisioned_concurrency_utilization",)
        if self.asynchronous:
            return ("backlog_per_instance",)
        return ("invocations_per_instance", "concurrent_requests_per_model")


def scalable_target(scaling: Autoscaling, serving: Serving) -> dict[str, Any]:
    """Turn the keys into a variant's registration for the deployer."""
    return {
        "ScalableDimension": CONCURRENCY if serving.serverless else INSTANCES,
        "MinCapacity": scaling.min,
        "MaxCapacity": scaling.max,
        "Policies": [
            {
                "PolicyName": tracked.metric.replace("_", "-"),
                "TargetTrackingScalingPolicyConfiguration": _tracking(tracked, serving.endpoint_name),
            }
            for tracked in scaling.target_tracking
        ],
        "ScheduledActions": [_action(action) for action in scaling.scheduled],
    }


def _tracking(tracked: TargetTracking, endpoint_name: str) -> dict[str, Any]:
    predefined = PREDEFINED_METRICS.get(tracked.metric)
    metric: dict[str, Any]
    if predefined is not None:
        metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": predefined}}
    else:  # published only for the endpoint, and not predefined
        metric = {
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Dimensions": [{"Name": "EndpointName", "Value": endpoint_name}],
                "Statistic": "Average",
            }
        }
    return _given(
        TargetValue=tracked.target,
        **metric,
        ScaleInCooldown=tracked.scale_in_cooldown_seconds,
        ScaleOutCooldown=tracked.scale_out_cooldown_seconds,
        DisableScaleIn=tracked.disable_scale_in,
    )


def _action(action: ScheduledAction) -> dict[str, Any]:
    return _given(
        ScheduledActionName=action.name,
        Schedule=action.schedule,
        Timezone=action.timezone,
        StartTime=action.start,
        EndTime=action.end,
        ScalableTargetAction=_given(MinCapacity=action.min, MaxCapacity=action.max),
    )


def _given(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - members of any request
    return {name: value for name, value in members.items() if value is not None}
