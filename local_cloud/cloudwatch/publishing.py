"""Publish SageMaker's invocation metrics and SQS's metrics, and evaluate every alarm.

Owns the metrics of an invocation, their dimensions and units, and the times of publishing and evaluating: a
moment later, on the event loop, because MiniStack's CloudWatch has no locks. Source: developer guide, "Amazon
SageMaker AI metrics in Amazon CloudWatch" (endpoint invocation metrics); the dimension EndpointConfigName:
"Auto-Rollback Configuration and Monitoring".
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from local_cloud.cloudwatch.alarm_evaluation import Metric
from local_cloud.cloudwatch.queue_metrics import QueueMetrics, Queues

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.hosting.fleets import InvocationRecord
    from local_cloud.sagemaker.timings import Timings

_LOGGER = logging.getLogger("local_cloud.publishing")

NAMESPACE = "AWS/SageMaker"
_NONE = "None"
_MICROSECONDS = "Microseconds"
_SHORTEST_WAIT_SECONDS = 0.05
_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)


class CloudWatch(Queues, Protocol):
    """The parts of CloudWatch and of SQS that this module uses."""

    alarm_period_scale: float

    def evaluate_alarms(self) -> None:
        """Evaluate every alarm now."""
        ...


class _Target(NamedTuple):
    """Receives values."""

    account_id: str
    region: str
    metric: Metric
    unit: str


class MetricsPublisher:
    """Collects the results of invocations, from any thread, and publishes them on the event loop."""

    def __init__(self, cloudwatch: CloudWatch) -> None:
        self._cloudwatch = cloudwatch
        self._lock = threading.Lock()
        self._values: dict[_Target, Counter[float]] = {}
        self._queues = QueueMetrics(cloudwatch)

    def record(self, record: InvocationRecord) -> None:
        """Record one invocation."""
        spec = record.spec
        measured = _measured(record)
        with self._lock:
            for dimensions in _dimensions(record):
                for name, (value, unit) in measured.items():
                    target = _Target(spec.account_id, spec.region, Metric(NAMESPACE, name, dimensions), unit)
                    self._values.setdefault(target, Counter())[value] += 1

    def publish(self, timings: Timings) -> None:
        """Publish the collected results, and evaluate every alarm."""
        with self._lock:
            values, self._values = self._values, {}
        for target, counts in values.items():
            self._cloudwatch.put_metric_values(*target, counts)
        self._queues.publish(time.monotonic(), period_scale=timings.alarm_period_scale)
        self._cloudwatch.alarm_period_scale = timings.alarm_period_scale
        self._cloudwatch.evaluate_alarms()

    async def publish_forever(self, timings: Callable[[], Timings]) -> None:
        """Publish repeatedly, at the timings' interval, until cancelled."""
        while True:
            await asyncio.sleep(max(_SHORTEST_WAIT_SECONDS, timings().alarm_evaluation_seconds))
            try:
                self.publish(timings())
            except Exception:
                # A lost metric must not end monitoring for good.
                _LOGGER.exception("Could not publish invocation metrics")


def _measured(record: InvocationRecord) -> dict[str, tuple[float, str]]:
    """Return an invocation's metrics: value and unit by name."""
    status = record.status
    # Asynchronous endpoints do not publish it (developer guide, "Monitor asynchronous endpoint"; seen).
    per_instance = (
        {"InvocationsPerInstance": (1.0 / max(1, record.instance_count), _NONE)}
        if record.spec.async_inference is None
        else {}
    )
    return {
        "Invocations": (1.0, _NONE),
        **per_instance,
        "Invocation4XXErrors": (float(status in _CLIENT_ERRORS), _NONE),
        "Invocation5XXErrors": (float(status in _SERVER_ERRORS), _NONE),
        # "This includes 4XX/5XX status codes, low-level socket errors, … and request timeouts."
        "InvocationModelErrors": (float(status not in _OK), _NONE),
        "ModelLatency": (float(round(record.model_seconds * 1_000_000)), _MICROSECONDS),
        "OverheadLatency": (float(round(record.overhead_seconds * 1_000_000)), _MICROSECONDS),
    }


def _dimensions(record: InvocationRecord) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the sets of dimensions: by variant, and by variant and endpoint config to distinguish fleets."""
    variant = (("EndpointName", record.spec.endpoint_name), ("VariantName", record.spec.variant_name))
    config = ("EndpointConfigName", record.spec.endpoint_config_name)
    return variant, tuple(sorted((*variant, config)))
