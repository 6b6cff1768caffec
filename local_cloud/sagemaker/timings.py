"""How long the control plane's transitions take.

Owns durations, in seconds. It has no clock: the state machine adds these to its time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SECONDS: Final = 100_000_000
"""More than three years; a due time beyond the calendar would break every later transition."""

MOST_TIMES: Final = 10_000
"""The same limit for factors."""

MOST_SPEED: Final = 60
"""The fastest clock for people: CloudWatch's minute becomes a second."""

_AT_THE_MACHINES_PACE: Final = frozenset(
    {"health_poll_seconds", "health_check_timeout_seconds", "unhealthy_patience_seconds"}
)
"""Containers start as processes of this machine, which a faster clock does not make faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Set every duration of the state machine, in seconds; the defaults suit a person who watches."""

    model_package_seconds: float = 0.0
    """From CreateModelPackage until the version is Completed."""

    endpoint_config_visible_seconds: float = 0.0
    """How long a new endpoint config may be invisible to CreateEndpoint and UpdateEndpoint (documented:
    "eventual consistency", "retry logic is recommended")."""

    provisioning_seconds: float = 0.5
    """From the call until instances exist and containers start."""

    health_poll_seconds: float = 0.2
    """Between two checks of a fleet's `/ping`."""

    health_check_timeout_seconds: float = 60.0
    """How long a fleet may start, unless the variant sets ContainerStartupHealthCheckTimeoutInSeconds."""

    unhealthy_patience_seconds: float = 2.0
    """How long a fleet may answer that it is unhealthy before the deployment fails. AWS restarts a crashed
    container until the health check times out (about 24 minutes were seen)."""

    activating_seconds: float = 0.1
    """How long each shift of traffic takes."""

    alarm_poll_seconds: float = 0.5
    """Between two checks of a deployment's rollback alarms."""

    alarm_evaluation_seconds: float = 0.5
    """Between two evaluations of CloudWatch alarms in the gateway, each after publishing invocation metrics;
    AWS publishes and evaluates every minute."""

    alarm_period_scale: float = 1.0
    """Multiplies the periods of CloudWatch alarms in the gateway: 0.1 makes a minute six seconds."""

    schedule_scale: float = 1.0
    """Multiplies the rates of scheduled rules in the gateway: 0.1 makes a minute six seconds."""

    terminating_seconds: float = 0.3
    """From the last shift of traffic until the old fleet is gone; current requests end in this time."""

    rolling_back_seconds: float = 0.3
    """From a failed update until the endpoint is InService on its old config."""

    rescaling_seconds: float = 0.5
    """How long UpdateEndpointWeightsAndCapacities takes."""

    deleting_seconds: float = 0.5
    """How long DeleteEndpoint takes."""

    system_updating_seconds: float = 1.0
    """How long a maintenance takes."""

    iam_propagation_seconds: float = 0.0
    """How long an edited policy or a new role needs to take effect, in the gateway; on AWS some seconds. A
    state that nobody has asked about before counts as known, except for a newer role."""

    log_delivery_seconds: float = 0.0
    """From a container's line until CloudWatch Logs shows it, in the gateway. AWS documents no delay."""

    wait_scale: float = 1.0
    """Multiplies a deployment config's own waits (canary interval, termination wait)."""

    @classmethod
    def like_aws(cls) -> Timings:
        """Return durations of AWS's order of magnitude, for virtual time."""
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

    def faster(self, speed: float) -> Timings:
        """Return the durations of a clock that runs so many times as fast.

        What depends on a container's start keeps its time.

        Raises:
            ValueError: The speed is below 1, or too high for alarms to see real calls.
        """
        if not 1 <= speed <= MOST_SPEED:
            raise ValueError(f"A speed of {speed:g} is not possible. It is a number from 1 to {MOST_SPEED}.")
        return replace(
            self,
            **{
                name: value / speed
                for name, value in asdict(self).items()
                if name not in _AT_THE_MACHINES_PACE
            },
        )

    def to_document(self) -> dict[str, float]:
        """Return the durations as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], base: Timings | None = None) -> Timings:
        """Build durations from a JSON object; missing members come from `base` or the defaults.

        Raises:
            ValueError: A member is unknown, or a value is not a number from 0 to the highest valid time.
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
    """Tell whether a JSON value is a number from 0 to `highest`; NaN is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= highest
