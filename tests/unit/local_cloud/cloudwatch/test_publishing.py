"""Invocation metrics: which values go where, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from local_cloud.cloudwatch.alarm_evaluation import Metric
from local_cloud.cloudwatch.publishing import MetricsPublisher
from local_cloud.hosting.fleets import InvocationRecord
from local_cloud.sagemaker.ports import FleetSpec
from local_cloud.sagemaker.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SPEC = FleetSpec(
    account_id="111122223333",
    region="eu-central-1",
    endpoint_name="churn",
    endpoint_config_name="churn-v2",
    variant_name="AllTraffic",
    model_name="churn-v2",
    containers=(),
    execution_role_arn="arn:aws:iam::111122223333:role/model",
    instance_type="ml.m5.large",
    instance_count=4,
)
VARIANT = (("EndpointName", "churn"), ("VariantName", "AllTraffic"))
CONFIG = (("EndpointConfigName", "churn-v2"), *VARIANT)


class CloudWatch:
    """Keeps the published values."""

    def __init__(self) -> None:
        self.alarm_period_scale = 1.0
        self.values: dict[tuple[str, str, Metric], tuple[str, dict[float, int]]] = {}
        self.in_queues: list[tuple[str, str, str, dict[str, int]]] = []
        self.evaluations = 0
        self.fails = False
        self.when_evaluated: Callable[[], None] = lambda: None

    def put_metric_values(
        self, account_id: str, region: str, metric: Metric, unit: str, values: Mapping[float, int]
    ) -> None:
        if self.fails:
            self.fails = False
            raise RuntimeError("CloudWatch is away")
        self.values[account_id, region, metric] = (unit, dict(values))

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        yield from self.in_queues

    def evaluate_alarms(self) -> None:
        self.evaluations += 1
        self.when_evaluated()

    def value(self, name: str, dimensions: tuple[tuple[str, str], ...] = VARIANT) -> dict[float, int]:
        return self.values["111122223333", "eu-central-1", Metric("AWS/SageMaker", name, dimensions)][1]


def record(status: int | None = 200, seconds: float = 0.25) -> InvocationRecord:
    return InvocationRecord(SPEC, 4, status, seconds, 0.001)


def test_an_invocation_makes_every_metric_with_its_unit_for_the_variant_and_for_its_config() -> None:
    cloudwatch = CloudWatch()
    publisher = MetricsPublisher(cloudwatch)
    publisher.record(record())
    publisher.publish(Timings(alarm_period_scale=0.5))
    for dimensions in (VARIANT, CONFIG):
        shown = {
            metric.name: (unit, values)
            for (_, _, metric), (unit, values) in cloudwatch.values.items()
            if metric.dimensions == dimensions
        }
        assert shown == {
            "Invocations": ("None", {1.0: 1}),
            "InvocationsPerInstance": ("None", {0.25: 1}),
            "Invocation4XXErrors": ("None", {0.0: 1}),
            "Invocation5XXErrors": ("None", {0.0: 1}),
            "InvocationModelErrors": ("None", {0.0: 1}),
            "ModelLatency": ("Microseconds", {250_000.0: 1}),
            "OverheadLatency": ("Microseconds", {1000.0: 1}),
        }
    assert (cloudwatch.evaluations, cloudwatch.alarm_period_scale) == (1, 0.5)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, (0.0, 0.0, 0.0)), (415, (1.0, 0.0, 1.0)), (500, (0.0, 1.0, 1.0)), (None, (0.0, 0.0, 1.0))],
)
def test_errors_are_counted_by_what_the_model_answered(
    status: int | None, expected: tuple[float, float, float]
) -> None:
    cloudwatch = CloudWatch()
    publisher = MetricsPublisher(cloudwatch)
    publisher.record(record(status))
    publisher.publish(Timings())
    names = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    assert tuple(next(iter(cloudwatch.value(name))) for name in names) == expected


def test_values_between_two_publications_are_counted_once() -> None:
    cloudwatch = CloudWatch()
    publisher = MetricsPublisher(cloudwatch)
    for status in (200, 500, 200):
        publisher.record(record(status))
    publisher.publish(Timings())
    assert cloudwatch.value("Invocation5XXErrors") == {0.0: 2, 1.0: 1}
    cloudwatch.values.clear()
    publisher.publish(Timings())
    assert cloudwatch.values == {}


def test_publishing_goes_on_after_it_failed_once() -> None:
    cloudwatch = CloudWatch()
    cloudwatch.fails = True
    publisher = MetricsPublisher(cloudwatch)
    publisher.record(record())

    async def publish_until_it_evaluates() -> None:
        evaluated = asyncio.Event()
        cloudwatch.when_evaluated = evaluated.set
        task = asyncio.create_task(publisher.publish_forever(lambda: Timings(alarm_evaluation_seconds=0)))
        await evaluated.wait()
        task.cancel()

    asyncio.run(asyncio.wait_for(publish_until_it_evaluates(), 10))
    assert cloudwatch.evaluations == 1
