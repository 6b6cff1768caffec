"""The stages of a deployment."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """The present stage of a deployment."""

    PROVISIONING = "waits for instances"
    HEALTH_CHECKING = "waits until every new fleet answers its ping"
    ACTIVATING = "turns traffic on"
    BAKING = "watches the alarms, with traffic on"
    TERMINATING = "lets old instances end their requests"
    ROLLING_BACK = "returns to the old fleet"
