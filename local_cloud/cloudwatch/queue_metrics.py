"""Publish the number of messages in SQS's queues to CloudWatch, so that alarms on queues work.

Source: SQS developer guide, "Available CloudWatch metrics for Amazon SQS" (names, dimension, unit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from local_cloud.cloudwatch.alarm_evaluation import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMESPACE: Final = "AWS/SQS"
_SECONDS_BETWEEN: Final = 10.0
"""How soon to publish an unchanged number again; several fit into a minute's period."""


class Queues(Protocol):
    """The parts of SQS and CloudWatch that this module uses."""

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        """Yield every queue's account, region, name, and numbers of messages by metric."""
        ...

    def put_metric_values(
        self, account_id: str, region: str, metric: Metric, unit: str, values: Mapping[float, int]
    ) -> None:
        """Add values to a metric, each with its count."""
        ...


class QueueMetrics:
    """Remembers the published numbers, so that an idle queue costs nothing."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._told: dict[tuple[str, str, Metric], tuple[int, float]] = {}

    def publish(self, now: float, *, period_scale: float) -> None:
        """Publish each changed number, and republish each number above zero.

        Args:
            now: Seconds of any monotonic clock.
            period_scale: Multiplies the periods of alarms.
        """
        for account_id, region, name, counts in self._queues.queues():
            for metric_name, count in counts.items():
                metric = Metric(_NAMESPACE, metric_name, (("QueueName", name),))
                told, since = self._told.get((account_id, region, metric), (0, 0.0))
                if count == told and (count == 0 or now - since < _SECONDS_BETWEEN * period_scale):
                    continue
                self._queues.put_metric_values(account_id, region, metric, "Count", {float(count): 1})
                self._told[account_id, region, metric] = (count, now)
