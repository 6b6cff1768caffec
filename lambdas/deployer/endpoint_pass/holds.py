"""Tells whether a pause or a freeze window holds rollouts of an endpoint back now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.holds import standing_hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deployer.gateways.pauses import Pauses
    from deployer.model.hold import Hold
    from deployer.model.settings import EndpointSettings


class Holds:
    """One endpoint's holds. Nothing is remembered, so that each question has a fresh answer."""

    def __init__(self, settings: EndpointSettings, pauses: Pauses, *, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._pauses = pauses
        self._now = now

    def standing(self) -> Hold | None:
        """Return what holds rollouts back now; None if nothing does."""
        pauses = self._pauses.of(self._settings.endpoint_name)
        return standing_hold(pauses, self._settings.freeze, now=self._now())
