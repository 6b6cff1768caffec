"""How long the control plane's transitions take.

Owns durations, in seconds. It knows no clock: the state machine adds these to the time that it is given.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SECONDS: Final = 100_000_000
"""More than three years; what is due later than the calendar goes would end every transition after it."""

MOST_TIMES: Final = 10_000
"""Likewise, of what multiplies durations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Set every duration of the state machine, in seconds; the defaults suit a person who watches."""

    model_package_seconds: float = 0.0
    """From CreateModelPackage until the version is Completed."""

    endpoint_config_visible_seconds: float = 0.0
    """How long CreateEndpoint and UpdateEndpoint may not see a new endpoint config (documented: "eventual
    consistency", "retry logic is recommended")."""

    provisioning_seconds: float = 0.5
    """From the call until instances are there and containers start."""

    health_poll_seconds: float = 0.2
    """Between two looks at a fleet's `/ping`."""

    health_check_timeout_seconds: float = 60.0
    """How long a fleet may be starting, unless the variant sets
    ContainerStartupHealthCheckTimeoutInSeconds."""

    unhealthy_patience_seconds: float = 2.0
    """How long a fleet may answer that it is unhealthy before the deployment fails; on AWS a container that
    crashes is restarted until the health check times out (about 24 minutes were seen)."""

    activating_seconds: float = 0.1
    """How long turning traffic on takes, before each step of it."""

    alarm_poll_seconds: float = 0.5
    """Between two looks at the rollback alarms of a deployment."""

    alarm_evaluation_seconds: float = 0.5
    """Between two evaluations of CloudWatch alarms in the gateway, before each of which invocation metrics
    are published; AWS publishes and evaluates every minute."""

    alarm_period_scale: float = 1.0
    """What the periods of CloudWatch alarms are multiplied by in the gateway: 0.1 makes a minute six
    seconds."""

    schedule_scale: float = 1.0
    """What the rates of scheduled rules are multiplied by in the gateway: 0.1 makes a minute six seconds."""

    terminating_seconds: float = 0.3
    """From the last shift of traffic until the old fleet is gone; requests in flight end in this time."""

    rolling_back_seconds: float = 0.3
    """From a failed update until the endpoint is InService on its old config again."""

    rescaling_seconds: float = 0.5
    """How long UpdateEndpointWeightsAndCapacities takes."""

    deleting_seconds: float = 0.5
    """How long DeleteEndpoint takes."""

    system_updating_seconds: float = 1.0
    """How long a maintenance that was begun takes."""

    iam_propagation_seconds: float = 0.0
    """How long an edit of a policy or a new role takes until decisions follow it, in the gateway; on AWS some
    seconds. What was never asked about before counts as known, unless it is a role that is younger."""

    wait_scale: float = 1.0
    """What a deployment config's own waits (canary interval, termination wait) are multiplied by."""

    @classmethod
    def like_aws(cls) -> Timings:
        """Return durations of the order that AWS takes, for virtual time."""
        return cls(
            model_package_seconds=2,
            provisioning_seconds=150,
            health_poll_seconds=15,
            health_check_timeout_seconds=1440,
            unhealthy_patience_seconds=1440,
            activating_seconds=10,
            alarm_poll_seconds=30,
            alarm_evaluation_seconds=60,
            terminating_seconds=60,
            rolling_back_seconds=60,
            rescaling_seconds=180,
            deleting_seconds=30,
            system_updating_seconds=600,
        )

    def to_document(self) -> dict[str, float]:
        """Return the durations as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], base: Timings | None = None) -> Timings:
        """Build durations from a JSON object; members that it lacks come from `base` or the defaults.

        Raises:
            ValueError: A member is unknown, or a value is no number from 0 to what still is a time.
        """
        known = {field.name for field in fields(cls)}
        for name, value in document.items():
            if name not in known:
                raise ValueError(f"Unknown timing {name!r}. Timings: {', '.join(sorted(known))}.")
            highest = MOST_TIMES if name.endswith("_scale") else MOST_SECONDS
            if not is_number(value, highest=highest):
                raise ValueError(f"Timing {name!r} cannot be {value!r}. It is a number from 0 to {highest}.")
        return replace(cls() if base is None else base, **document)


def is_number(value: object, *, highest: float) -> bool:
    """Tell whether a JSON value is a number from 0 to `highest`; what is no number at all (NaN) is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= highest
