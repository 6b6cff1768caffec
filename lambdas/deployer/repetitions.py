"""Waits and tests again what bakes, once an invocation has done everything else.

One invocation waits for one endpoint. When its time ends, it hands the endpoint over as a part of a sweep.
The pass that this part brings claims the test and goes on. See ADR 21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.round import Next
from deployer.endpoint_pass.throttling import OutOfTimeError
from deployer.gateways.invocations import LONGEST_SECONDS
from deployer.model.trigger import SweepPart

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.throttling import TimeBudget
    from deployer.gateways.bus import Bus
    from deployer.model.settings import EndpointSettings
    from deployer.reconciler import Reconciler


class Repetitions:
    """The endpoints whose version passed its smoke test in the bake, and is to be tested again.

    Args:
        bus: Takes what is handed over.
        time_budget: The time that this invocation has left.
        sleep: Pauses for so many seconds.
        reconciler_for: Makes a reconciler, which reads the endpoint's journal again.
        kept_apart: Keeps one endpoint's failure from the others.
        logger: Logs what is handed over.
    """

    def __init__(
        self,
        bus: Bus,
        time_budget: TimeBudget,
        sleep: Callable[[float], None],
        reconciler_for: Callable[[EndpointSettings], Reconciler],
        kept_apart: Callable[[str], AbstractContextManager[None]],
        logger: Logger,
    ) -> None:
        self._bus = bus
        self._time_budget = time_budget
        self._sleep = sleep
        self._reconciler_for = reconciler_for
        self._kept_apart = kept_apart
        self._logger = logger
        self._held: list[tuple[EndpointSettings, Reconciler]] = []

    def add(self, settings: EndpointSettings, reconciler: Reconciler) -> None:
        """Note an endpoint whose version a pass of this invocation has just tested in the bake."""
        self._held.append((settings, reconciler))

    def make(self, *, may_wait: bool) -> None:
        """Wait for one endpoint and test it again, as long as its bake lasts; hand the others over.

        Args:
            may_wait: Whether this invocation has nothing else to do. An error that it still has to raise
                must not wait.
        """
        first, others = (self._held[:1], self._held[1:]) if may_wait else ([], self._held)
        for settings, reconciler in others:
            with self._kept_apart(settings.endpoint_name):
                reconciler.release_test()
                self._hand_over(settings)
        for settings, reconciler in first:
            with self._kept_apart(settings.endpoint_name):
                self._repeat(settings, reconciler)

    def _repeat(self, settings: EndpointSettings, reconciler: Reconciler) -> None:
        test = settings.smoke_test
        assert test is not None, "only what has a test is tested again"
        assert test.every_seconds is not None, "only what asks for it is tested again"
        self._logger.append_keys(endpoint=settings.endpoint_name)
        followed = Next.AGAIN
        while followed is Next.AGAIN:
            try:
                self._time_budget.needs(test.every_seconds + test.time_limit_seconds + LONGEST_SECONDS)
            except OutOfTimeError:
                reconciler.release_test()
                followed = Next.GO_ON
            else:
                self._sleep(test.every_seconds)
                reconciler = self._reconciler_for(settings)
                followed = reconciler.test_again()
        if followed is Next.GO_ON:
            self._hand_over(settings)

    def _hand_over(self, settings: EndpointSettings) -> None:
        self._logger.info("Another invocation goes on with this endpoint")
        self._bus.put_parts([SweepPart((settings.endpoint_name,))])
