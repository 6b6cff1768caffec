"""Owns the key `rollout`: how a new version replaces the old one, and the alarms that stop it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from infra.settings.keys.base_model import StrictModel, limited

Kind = Literal["all_at_once", "canary", "linear", "rolling"]
WayBack = Literal["at_once", "as_forward"]

DEFAULT_WAIT_SECONDS: Final = 300
"""Long enough for alarms over two one-minute periods, with some minutes of calls."""

MOST_ALARMS: Final = 10
"""In one AutoRollbackConfiguration (botocore: AlarmList)."""

LONGEST_WINDOW_SECONDS: Final = 86_400
"""With periods of less than an hour, CloudWatch looks back one day at most (PutMetricAlarm)."""


class RollbackAlarms(StrictModel):
    """Stop a rollout, and bring the former version back, when one of these goes off.

    The deployer makes the alarms that thresholds ask for, and watches the existing ones beside them.
    """

    error_ratio_percent: Annotated[
        float | None,
        Field(
            gt=0,
            lt=100,
            description="the highest acceptable share of calls that end in a 5XX, in percent, above 0 and "
            "below 100",
        ),
    ] = None
    model_latency_p90_ms: Annotated[
        float | None,
        Field(
            gt=0, description="the highest acceptable p90 of the model's latency, in milliseconds, above 0"
        ),
    ] = None
    model_latency_p99_ms: Annotated[
        float | None,
        Field(
            gt=0, description="the highest acceptable p99 of the model's latency, in milliseconds, above 0"
        ),
    ] = None
    invocations_floor: Annotated[
        int | None,
        Field(ge=1, description="the lowest acceptable number of calls in a period, at least 1"),
    ] = None
    existing: Annotated[
        list[Annotated[str, limited("AlarmName", "the name of an alarm")]],
        Field(
            max_length=MOST_ALARMS,
            description="the names of existing alarms, in this account and region; at most "
            f"{MOST_ALARMS} alarms in all",
        ),
    ] = []
    period_seconds: Annotated[
        int,
        Field(
            ge=60,
            le=3600,
            multiple_of=60,
            description="the length of a period, in seconds, from 60 to 3600 in steps of 60; by default 60",
        ),
    ] = 60
    evaluation_periods: Annotated[
        int,
        Field(
            ge=1,
            le=60,
            description="how many bad periods in a row raise the alarm, from 1 to 60; by default 2",
        ),
    ] = 2

    @property
    def thresholds(self) -> int:
        """Count the alarms that one variant needs."""
        wanted = (
            self.error_ratio_percent, self.model_latency_p90_ms, self.model_latency_p99_ms,
            self.invocations_floor,
        )  # fmt: skip
        return sum(threshold is not None for threshold in wanted)

    @property
    def window_seconds(self) -> int:
        """How long an alarm needs at least to go off."""
        return self.period_seconds * self.evaluation_periods


class Rollout(StrictModel):
    """Replace a version step by step, watched by alarms. Only for endpoints on instances."""

    kind: Annotated[
        Kind,
        Field(
            description="all_at_once, canary (a first share, then the rest), linear (equal shares) or "
            "rolling (in place, batch by batch, without twice the instances)"
        ),
    ]
    size_percent: Annotated[
        int | None,
        Field(
            ge=1,
            le=50,
            description="a canary's share, a linear step or a rolling batch, in percent of the "
            "instances: canary 1 to 50, linear 10 to 50, rolling 5 to 50",
        ),
    ] = None
    size_instances: Annotated[
        int | None,
        Field(ge=1, description="the size in instances, in place of size_percent, at least 1"),
    ] = None
    wait_seconds: Annotated[
        int | None,
        limited(
            "WaitIntervalInSeconds",
            f"the wait after each step, in seconds, by default {DEFAULT_WAIT_SECONDS}",
        ),
    ] = None
    termination_wait_seconds: Annotated[
        int | None,
        limited(
            "TerminationWaitInSeconds",
            "how long the old instances stay after all traffic has moved, "
            f"in seconds, by default {DEFAULT_WAIT_SECONDS}",
        ),
    ] = None
    time_limit_seconds: Annotated[
        int | None,
        limited(
            "MaximumExecutionTimeoutInSeconds",
            "after how many seconds an unfinished rollout is rolled back",
        ),
    ] = None
    rollback_size_percent: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="the batch size when a rolling rollout is rolled back, in percent of the "
            "instances, from 1 to 100; by default 100",
        ),
    ] = None
    rollback_size_instances: Annotated[
        int | None,
        Field(
            ge=1,
            description="that batch size in instances, in place of rollback_size_percent, at least 1",
        ),
    ] = None
    back: Annotated[
        WayBack,
        Field(
            description="how a version that served well comes back when a newer one is rejected or fails: "
            "at_once (the default: all calls in one shift, or the largest batches of kind: rolling, without "
            "waits and alarms) or as_forward (like a new version)"
        ),
    ] = "at_once"
    alarms: Annotated[
        RollbackAlarms,
        Field(description="the alarms that stop a rollout: thresholds for new alarms, and existing ones"),
    ] = RollbackAlarms()

    @property
    def wait(self) -> int:
        """Seconds to wait after each step."""
        return DEFAULT_WAIT_SECONDS if self.wait_seconds is None else self.wait_seconds

    @property
    def termination_wait(self) -> int:
        """Seconds that the old instances stay; a rolling rollout replaces them as it goes."""
        if self.kind == "rolling":
            return 0
        given = self.termination_wait_seconds
        return DEFAULT_WAIT_SECONDS if given is None else given
