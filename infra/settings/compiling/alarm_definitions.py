"""Owns which alarms an endpoint's rollout has, as data: their names, metrics, thresholds and why they are so.

Pure. Making them is the stack's (`infra/rollback_alarms.py`), setting the abort alarm the deployer's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.keys.rollout_options import RollbackAlarms

SAGEMAKER: Final = "AWS/SageMaker"
GREENLIGHT: Final = "Greenlight"
ABORT: Final = "abort"

_MICROSECONDS: Final = 1000
"""In a millisecond: ModelLatency is counted in microseconds (developer guide, "monitoring-cloudwatch")."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of CloudWatch, and how the values of a period become one."""

    name: str
    statistic: str
    dimensions: Mapping[str, str]
    namespace: str = SAGEMAKER


@dataclass(frozen=True, slots=True)
class Alarm:
    """Describe one alarm. Without an expression, its one metric is what is compared."""

    stack_name: str
    local_name: str
    """Its name within the stack."""
    description: str
    metrics: Mapping[str, Metric]
    comparison: Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]
    threshold: float
    missing_data: Literal["notBreaching", "breaching", "ignore"]
    expression: str | None = None
    period_seconds: int = 60
    evaluation_periods: int = 1

    @property
    def name(self) -> str:
        """Its physical name, because SageMaker and the deployer know alarms by name alone."""
        return f"{self.stack_name}-{self.local_name}"


@dataclass(frozen=True, slots=True)
class Watched:
    """Name what alarms look at: one variant of an endpoint, perhaps of several, and how it is called."""

    stack_name: str
    endpoint_name: str
    variant_name: str
    asynchronous: bool = False
    several: bool = False
    dimensions: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        # SageMaker publishes these metrics for the pair, and not for an endpoint alone.
        pair = {"EndpointName": self.endpoint_name, "VariantName": self.variant_name}
        object.__setattr__(self, "dimensions", pair)

    def local_name(self, what: str) -> str:
        """Name an alarm on the variant within its stack.

        An only variant's is named after the endpoint alone. A dot is in no name of an endpoint or a variant,
        so that no other endpoint's alarm has the same name.
        """
        watched = f"{self.endpoint_name}.{self.variant_name}" if self.several else self.endpoint_name
        return f"{watched}-{what}"


def abort_alarm(watched: Watched) -> Alarm:
    """Describe the alarm by which the deployer stops a rollout whose version no longer stands.

    Nobody publishes its metric: its state is what was set last (SetAlarmState), and stays so.
    """
    dimensions = {"EndpointName": watched.endpoint_name}
    return Alarm(
        stack_name=watched.stack_name,
        local_name=f"{watched.endpoint_name}-{ABORT}",
        description=(
            f"Greenlight sets this alarm to stop a rollout of {watched.endpoint_name} whose version was "
            "rejected; SageMaker then rolls back. To stop a rollout by hand, reject the version."
        ),
        metrics={"abort": Metric("Abort", "Maximum", dimensions, GREENLIGHT)},
        comparison="GreaterThanOrEqualToThreshold",
        threshold=1,
        # With any other treatment, CloudWatch would take back what was set by hand at the next evaluation.
        missing_data="ignore",
    )


def rollback_alarms(watched: Watched, wanted: RollbackAlarms) -> list[Alarm]:
    """Describe the alarms that thresholds ask for; the abort alarm and existing ones are not among them."""
    period, periods = wanted.period_seconds, wanted.evaluation_periods
    made: list[Alarm] = []
    if wanted.error_ratio_percent is not None:
        made.append(
            _error_ratio(
                watched, wanted.error_ratio_percent, period_seconds=period, evaluation_periods=periods
            )
        )
    for percentile, most in (("p90", wanted.model_latency_p90_ms), ("p99", wanted.model_latency_p99_ms)):
        if most is not None:
            made.append(
                Alarm(
                    stack_name=watched.stack_name,
                    local_name=watched.local_name(f"model-latency-{percentile}"),
                    description=_stops(
                        watched, f"the {percentile} of its model's latency is above {most:g} ms"
                    ),
                    metrics={"latency": Metric("ModelLatency", percentile, watched.dimensions)},
                    comparison="GreaterThanThreshold",
                    threshold=most * _MICROSECONDS,
                    missing_data="notBreaching",  # nobody called, so nobody waited
                    period_seconds=period,
                    evaluation_periods=periods,
                )
            )
    if wanted.invocations_floor is not None:
        # Asynchronous endpoints publish no Invocations (developer guide, "async-inference-monitor").
        name = "InvocationsProcessed" if watched.asynchronous else "Invocations"
        made.append(
            Alarm(
                stack_name=watched.stack_name,
                local_name=watched.local_name("invocations-floor"),
                description=_stops(
                    watched, f"fewer than {wanted.invocations_floor} calls reach it in a period"
                ),
                metrics={"invocations": Metric(name, "Sum", watched.dimensions)},
                comparison="LessThanThreshold",
                threshold=wanted.invocations_floor,
                missing_data="breaching",  # no data is no calls, which is what the floor is for
                period_seconds=period,
                evaluation_periods=periods,
            )
        )
    return made


def _error_ratio(watched: Watched, most: float, *, period_seconds: int, evaluation_periods: int) -> Alarm:
    errors = "Invocation5XXErrors"
    if watched.asynchronous:
        # 1 for every call that failed and 0 for every other: the average is the ratio, and there is no
        # Invocations to divide by (developer guide, "async-inference-monitor").
        metrics = {"errors": Metric(errors, "Average", watched.dimensions)}
        expression = "100 * errors"
    else:
        metrics = {
            "errors": Metric(errors, "Sum", watched.dimensions),
            "invocations": Metric("Invocations", "Sum", watched.dimensions),
        }
        expression = "100 * errors / invocations"
    return Alarm(
        stack_name=watched.stack_name,
        local_name=watched.local_name("error-ratio"),
        description=_stops(watched, f"more than {most:g} % of its calls end in a 5XX"),
        metrics=metrics,
        expression=expression,
        comparison="GreaterThanThreshold",
        threshold=most,
        missing_data="notBreaching",  # nobody called, so nothing failed
        period_seconds=period_seconds,
        evaluation_periods=evaluation_periods,
    )


def _stops(watched: Watched, when: str) -> str:
    which = f" (variant {watched.variant_name})" if watched.several else ""
    return (
        f"Stops a rollout of {watched.endpoint_name}{which} and brings the former version back when {when}. "
        "Between rollouts it changes nothing; one that begins while it is in alarm waits or does without it."
    )
