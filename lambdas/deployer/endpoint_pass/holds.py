"""Tells whether a pause or a freeze window holds rollouts of an endpoint back now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.holds import standing_hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deployer.model.hold import Hold
    from deployer.model.settings import EndpointSettings


class Holds:
    """One endpoint's holds. Nothing is remembered, so that each question has a fresh answer."""

    def __init__(self, settings: EndpointSettings, *, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now

    def standing(self) -> Hold | None:
        """Return what holds rollouts back now; None if nothing does."""
        return standing_hold(self._settings.freeze, now=self._now())
