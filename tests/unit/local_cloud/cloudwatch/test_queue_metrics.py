"""When the numbers of messages in queues are published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.cloudwatch.queue_metrics import QueueMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_cloud.cloudwatch.alarm_evaluation import Metric

VISIBLE = "ApproximateNumberOfMessagesVisible"


class Queues:
    """One queue, and its published values."""

    def __init__(self) -> None:
        self.count = 0
        self.told: list[tuple[str, str, str, tuple[tuple[str, str], ...], str, float]] = []

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        yield "111122223333", "eu-central-1", "unhandled", {VISIBLE: self.count}

    def put_metric_values(
        self, account_id: str, region: str, metric: Metric, unit: str, values: Mapping[float, int]
    ) -> None:
        [(value, _)] = values.items()
        self.told.append(
            (account_id, region, f"{metric.namespace} {metric.name}", metric.dimensions, unit, value)
        )

    def values(self) -> list[float]:
        return [each[-1] for each in self.told]


def test_an_empty_queue_is_not_reported() -> None:
    queues = Queues()

    QueueMetrics(queues).publish(0, period_scale=1)

    assert queues.told == []


def test_a_message_is_reported_at_once_again_and_again_until_it_is_gone() -> None:
    queues = Queues()
    metrics = QueueMetrics(queues)
    for second, count in enumerate([0, 1, *[1] * 11, 2, 0, 0]):
        queues.count = count
        metrics.publish(second, period_scale=1)

    assert queues.values() == [1, 1, 2, 0]
    assert queues.told[0] == (
        "111122223333",
        "eu-central-1",
        f"AWS/SQS {VISIBLE}",
        (("QueueName", "unhandled"),),
        "Count",
        1.0,
    )


def test_shorter_periods_have_it_reported_more_often() -> None:
    queues = Queues()
    queues.count = 1
    metrics = QueueMetrics(queues)
    for second in range(5):
        metrics.publish(second, period_scale=0.1)

    assert queues.values() == [1] * 5
