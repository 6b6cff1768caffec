"""Tells people and dashboards: each outcome becomes an event, a log line and a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_lambda_powertools.metrics import MetricUnit, single_metric

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.bus import Bus
    from deployer.outcomes import Outcome

METRIC_NAMESPACE: Final = "Greenlight"


class Reporter:
    """Reports outcomes.

    The metric `Outcome` counts them, by the dimensions `endpoint`, `outcome` and, from the environment,
    `service`.
    """

    def __init__(self, bus: Bus, logger: Logger) -> None:
        self._bus = bus
        self._logger = logger

    def report(self, outcome: Outcome) -> None:
        """Put the outcome on the bus, then log and count it.

        Raises:
            UndeliveredError: EventBridge refused it; nothing was counted.
        """
        self._bus.put(outcome)
        self._logger.info(outcome.message, outcome=outcome.kind.value, outcome_id=outcome.outcome_id)
        with single_metric(
            name="Outcome", unit=MetricUnit.Count, value=1, namespace=METRIC_NAMESPACE
        ) as metric:
            metric.add_dimension(name="endpoint", value=outcome.endpoint_name)
            metric.add_dimension(name="outcome", value=outcome.kind.value)
