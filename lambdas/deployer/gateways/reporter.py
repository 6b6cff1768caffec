"""Tells people, machines and dashboards: an outcome becomes a message, an event, a log line and a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from deployer.contract import METRIC_NAMESPACE
from deployer.gateways.undelivered import UndeliveredError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.model.outcome import Outcome


MOST_HALF_TOLD: Final = 1000
"""How many half-delivered outcomes a reporter remembers. Beyond these, a channel may get copies."""


class Channel(Protocol):
    """A way for outcomes to reach somebody."""

    def put(self, outcome: Outcome) -> None:
        """Hand an outcome over; raise `UndeliveredError` if it is refused."""
        ...


class Reporter:
    """Reports outcomes by every channel. It lives as long as its execution environment.

    A channel that refuses an outcome stops neither the other channels nor the pass. The outcome is still
    owed, and the invocation fails at its end, so that an alarm goes off. Meanwhile the reporter does not
    repeat the outcome on the channels that took it.

    The metric `Outcome` counts them, by the dimensions `endpoint`, `outcome` and, from the environment,
    `service`.

    Args:
        topic: For people.
        bus: For machines.
        logger: Where outcomes and refusals are logged.
    """

    def __init__(self, topic: Channel, bus: Channel, logger: Logger) -> None:
        self._channels = {"topic": topic, "bus": bus}
        self._logger = logger
        self._half_told: dict[str, frozenset[str]] = {}
        self._refusals: dict[str, UndeliveredError] = {}

    def report(self, outcome: Outcome) -> bool:
        """Hand the outcome to every channel, then log and count it.

        Returns:
            Whether all channels took it. If not, report it again on a later pass.
        """
        took = self._half_told.pop(outcome.outcome_id, frozenset())
        for name, channel in self._channels.items():
            if name not in took:
                took |= self._hand_over(name, channel, outcome)
        if len(took) < len(self._channels):
            if len(self._half_told) >= MOST_HALF_TOLD:
                del self._half_told[next(iter(self._half_told))]
            self._half_told[outcome.outcome_id] = took
            return False
        self._logger.info(outcome.message, outcome=outcome.kind.value, outcome_id=outcome.outcome_id)
        with single_metric(
            name="Outcome", unit=MetricUnit.Count, value=1, namespace=METRIC_NAMESPACE
        ) as metric:
            metric.add_dimension(name="endpoint", value=outcome.endpoint_name)
            metric.add_dimension(name="outcome", value=outcome.kind.value)
        return True

    def take_refusals(self) -> dict[str, UndeliveredError]:
        """Return the refusals since the last call, by endpoint."""
        taken, self._refusals = self._refusals, {}
        return taken

    def _hand_over(self, name: str, channel: Channel, outcome: Outcome) -> frozenset[str]:
        try:
            channel.put(outcome)
        except UndeliveredError as error:
            self._logger.error(str(error), outcome_id=outcome.outcome_id)  # noqa: TRY400 - it says it all
            self._refusals[outcome.endpoint_name] = error
            return frozenset()
        return frozenset({name})
