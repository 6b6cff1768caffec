"""Publish how many messages are in SQS's queues, as CloudWatch shows it: so that alarms on queues go off.

Source: SQS developer guide, "Available CloudWatch metrics for Amazon SQS" (names, dimension, unit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from local_cloud.cloudwatch.alarm_evaluation import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMESPACE: Final = "AWS/SQS"
_SECONDS_BETWEEN: Final = 10.0
"""How soon an unchanged number is told again; a minute's period has some of them."""


class Queues(Protocol):
    """The part of SQS that is asked, and the part of CloudWatch that is told."""

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        """Yield every queue's account, region, name, and numbers of messages by metric."""
        ...

    def put_metric_values(
        self, account_id: str, region: str, metric: Metric, unit: str, values: Mapping[float, int]
    ) -> None:
        """Add values, each with how often it was seen, to a metric."""
        ...


class QueueMetrics:
    """Remembers what it told, so that a queue that nothing happens to costs nothing."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._told: dict[tuple[str, str, Metric], tuple[int, float]] = {}

    def publish(self, now: float, *, period_scale: float) -> None:
        """Publish each number that has changed, and each that is not zero again and again.

        Args:
            now: Seconds of any clock that goes forward.
            period_scale: What the periods of alarms are multiplied by.
        """
        for account_id, region, name, counts in self._queues.queues():
            for metric_name, count in counts.items():
                metric = Metric(_NAMESPACE, metric_name, (("QueueName", name),))
                told, since = self._told.get((account_id, region, metric), (0, 0.0))
                if count == told and (count == 0 or now - since < _SECONDS_BETWEEN * period_scale):
                    continue
                self._queues.put_metric_values(account_id, region, metric, "Count", {float(count): 1})
                self._told[account_id, region, metric] = (count, now)
