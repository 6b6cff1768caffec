"""Owns which alarms an endpoint's rollout has, as requests of CloudWatch, and why they are so.

Pure. The deployer makes them, changes them and deletes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.contract import ABORT_METRIC, METRIC_NAMESPACE, alarm_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.keys.rollout_options import RollbackAlarms

SAGEMAKER: Final = "AWS/SageMaker"
ABORT: Final = "abort"
LONGEST_NAME: Final = 255
"""botocore: `PutMetricAlarmInput$AlarmName`."""

_MICROSECONDS: Final = 1000
"""In a millisecond: ModelLatency is counted in microseconds (developer guide, "monitoring-cloudwatch")."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of CloudWatch, and how the values of a period become one."""

    name: str
    statistic: str
    dimensions: Mapping[str, str]
    namespace: str = SAGEMAKER

    def named(self) -> dict[str, Any]:
        """Return the members by which a request names it."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions.items()]
        return {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Describe one alarm. Without an expression, its one metric is what is compared."""

    name: str
    description: str
    metrics: Mapping[str, Metric]
    comparison: Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]
    threshold: float
    missing_data: Literal["notBreaching", "breaching", "ignore"]
    expression: str | None = None
    period_seconds: int = 60
    evaluation_periods: int = 1

    def request(self) -> dict[str, Any]:
        """Return the arguments of `PutMetricAlarm`, without tags. It notifies nobody."""
        common = {
            "AlarmName": self.name,
            "AlarmDescription": self.description,
            "ComparisonOperator": self.comparison,
            "EvaluationPeriods": self.evaluation_periods,
            "Threshold": self.threshold,
            "TreatMissingData": self.missing_data,
        }
        if self.expression is None:
            [metric] = self.metrics.values()
            statistic = "ExtendedStatistic" if metric.statistic.startswith("p") else "Statistic"
            return {**common, **metric.named(), statistic: metric.statistic, "Period": self.period_seconds}
        measured = [
            {
                "Id": identifier,
                "MetricStat": {
                    "Metric": metric.named(),
                    "Period": self.period_seconds,
                    "Stat": metric.statistic,
                },
                "ReturnData": False,
            }
            for identifier, metric in self.metrics.items()
        ]
        result = {"Id": "result", "Expression": self.expression, "ReturnData": True}
        return {**common, "Metrics": [result, *measured]}


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

    def alarm_name(self, what: str) -> str:
        """Name an alarm on the variant. An only variant's is named after the endpoint alone."""
        return alarm_name(
            self.stack_name, self.endpoint_name, what, self.variant_name if self.several else ""
        )


def alarm_name(stack_name: str, endpoint_name: str, what: str, variant_name: str = "") -> str:
    """Name an alarm after its stack and endpoint, so that no two pairs of them share one.

    A dot is in no name of a stack, an endpoint or a variant. A name may have 255 characters (botocore:
    `AlarmName`), and the longest names together have more. Then the variant's digest takes its name's place,
    after a character that no variant's name has.
    """
    prefix = alarm_prefix(stack_name, endpoint_name)
    name = prefix + ".".join(filter(None, [variant_name, what]))
    if len(name) <= LONGEST_NAME:
        return name
    short = f"_{sha256(variant_name.encode()).hexdigest()[:12]}"
    return f"{prefix}{short}.{what}"


def alarms_of_stack(stack_name: str) -> str:
    """Return the pattern of every alarm's name of a stack, for permissions."""
    return f"{stack_name}.*"


def abort_alarm(watched: Watched) -> Alarm:
    """Describe the alarm by which the deployer stops a rollout whose version no longer stands.

    The deployer sets its state, and publishes what it measures. So it goes off whether CloudWatch keeps a
    state that was set or takes it back. A value is the time, as a positive number to stop a rollout, and as a
    negative one when that is over. The greatest and the least value of a period together are positive if the
    last one was, so that two values of one minute do not hide each other.
    """
    dimensions = {"EndpointName": watched.endpoint_name}
    return Alarm(
        name=alarm_name(watched.stack_name, watched.endpoint_name, ABORT),
        description=(
            f"Greenlight sets this alarm to stop a rollout of {watched.endpoint_name} whose version was "
            "rejected or failed its smoke test; SageMaker then rolls back. To stop a rollout by hand, reject "
            "the version."
        ),
        metrics={
            "stopped": Metric(ABORT_METRIC, "Maximum", dimensions, METRIC_NAMESPACE),
            "over": Metric(ABORT_METRIC, "Minimum", dimensions, METRIC_NAMESPACE),
        },
        expression="stopped + over",
        comparison="GreaterThanThreshold",
        threshold=0,
        # Between the deployer's values the alarm keeps its state.
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
                    name=watched.alarm_name(f"model-latency-{percentile}"),
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
                name=watched.alarm_name("invocations-floor"),
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
        name=watched.alarm_name("error-ratio"),
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
