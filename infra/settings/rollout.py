"""Owns how an endpoint goes from one version to the next: kinds, sizes, waits, and the alarms that stop it.

Turns the friendly keys into SageMaker's DeploymentConfig. Which values SageMaker refuses is checked on what
they become (`guardrails.py`), so that overrides are held to the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from infra.settings.guardrails import Instances, share_of, steps_of
from infra.settings.strict import STRICT, limited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.settings.document import Document
    from infra.settings.problem import Problem

Kind = Literal["all_at_once", "canary", "linear", "rolling"]

DEFAULT_WAIT_SECONDS: Final = 300
"""Long enough for alarms over two periods of a minute, with some minutes of calls to judge by."""

MOST_ALARMS: Final = 10
"""Of one AutoRollbackConfiguration (botocore: AlarmList)."""

LONGEST_WINDOW_SECONDS: Final = 86_400
"""CloudWatch looks back one day at most over periods of less than an hour (PutMetricAlarm)."""


class RollbackAlarms(BaseModel):
    """Stop a rollout, and bring the former version back, when one of these goes off.

    The stack makes the alarms that thresholds ask for, and watches the existing ones beside them.
    """

    model_config = STRICT

    error_ratio_percent: Annotated[
        float | None,
        Field(
            gt=0,
            lt=100,
            description="the share of calls that end in a 5XX above which it is too much, "
            "in percent, above 0 and below 100",
        ),
    ] = None
    model_latency_p90_ms: Annotated[
        float | None,
        Field(gt=0, description="the milliseconds above which the model answers one call in ten, above 0"),
    ] = None
    model_latency_p99_ms: Annotated[
        float | None,
        Field(
            gt=0, description="the milliseconds above which the model answers one call in a hundred, above 0"
        ),
    ] = None
    invocations_floor: Annotated[
        int | None,
        Field(ge=1, description="the calls in one period below which something must be wrong, at least 1"),
    ] = None
    existing: Annotated[
        list[Annotated[str, limited("AlarmName", "the name of an alarm")]],
        Field(
            max_length=MOST_ALARMS,
            description="the names of alarms that exist already, in this account "
            f"and region; at most {MOST_ALARMS} alarms in all",
        ),
    ] = []
    period_seconds: Annotated[
        int,
        Field(
            ge=60,
            le=3600,
            multiple_of=60,
            description="over how many seconds each value is taken, from 60 to 3600 by 60; by default 60",
        ),
    ] = 60
    evaluation_periods: Annotated[
        int,
        Field(ge=1, le=60, description="how many periods in a row must be bad, from 1 to 60; by default 2"),
    ] = 2

    @property
    def thresholds(self) -> int:
        """Count the alarms that are to be made for a variant."""
        wanted = (
            self.error_ratio_percent, self.model_latency_p90_ms, self.model_latency_p99_ms,
            self.invocations_floor,
        )  # fmt: skip
        return sum(threshold is not None for threshold in wanted)

    @property
    def window_seconds(self) -> int:
        """How long it takes until an alarm can go off."""
        return self.period_seconds * self.evaluation_periods


class Rollout(BaseModel):
    """Replace a version step by step, watched by alarms. For endpoints on instances, asynchronous too."""

    model_config = STRICT

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
        Field(ge=1, description="the same as a number of instances, in place of size_percent, at least 1"),
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
            "how long the old instances stay once all traffic is on the new ones, "
            f"in seconds, by default {DEFAULT_WAIT_SECONDS}",
        ),
    ] = None
    time_limit_seconds: Annotated[
        int | None,
        limited(
            "MaximumExecutionTimeoutInSeconds",
            "the seconds after which a rollout that is not done is rolled back",
        ),
    ] = None
    rollback_size_percent: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="how much a rolling rollout takes back at a time, in percent of the "
            "instances, from 1 to 100; by default 100",
        ),
    ] = None
    rollback_size_instances: Annotated[
        int | None,
        Field(
            ge=1,
            description="the same as a number of instances, in place of rollback_size_percent, at least 1",
        ),
    ] = None
    alarms: Annotated[
        RollbackAlarms,
        Field(description="what stops a rollout: thresholds for which alarms are made, and existing"),
    ] = RollbackAlarms()

    @property
    def wait(self) -> int:
        """Seconds after each step."""
        return DEFAULT_WAIT_SECONDS if self.wait_seconds is None else self.wait_seconds

    @property
    def termination_wait(self) -> int:
        """Seconds that the old instances stay; a rolling rollout replaces them as it goes."""
        if self.kind == "rolling":
            return 0
        given = self.termination_wait_seconds
        return DEFAULT_WAIT_SECONDS if given is None else given


_SIZED: Final[frozenset[Kind]] = frozenset({"canary", "linear", "rolling"})
_KINDS_WITH: Final[dict[str, frozenset[Kind]]] = {
    "size_percent": _SIZED,
    "size_instances": _SIZED,
    "wait_seconds": _SIZED,
    "termination_wait_seconds": frozenset({"all_at_once", "canary", "linear"}),
    "rollback_size_percent": frozenset({"rolling"}),
    "rollback_size_instances": frozenset({"rolling"}),
}


def deployment_config(rollout: Rollout, alarm_names: Sequence[str]) -> dict[str, Any]:
    """Turn a rollout into SageMaker's DeploymentConfig, with all the alarms that may stop it."""
    config: dict[str, Any] = {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names]}
    }
    size = _size(rollout)
    limit = {"MaximumExecutionTimeoutInSeconds": rollout.time_limit_seconds}
    if rollout.kind == "rolling":
        back = _capacity(rollout.rollback_size_percent, rollout.rollback_size_instances)
        config["RollingUpdatePolicy"] = _given(
            MaximumBatchSize=size, WaitIntervalInSeconds=rollout.wait, RollbackMaximumBatchSize=back, **limit
        )
        return config
    # SageMaker wants a wait of every kind, and has no use for that of ALL_AT_ONCE.
    traffic = _given(
        Type=rollout.kind.upper(),
        WaitIntervalInSeconds=0 if rollout.kind == "all_at_once" else rollout.wait,
        CanarySize=size if rollout.kind == "canary" else None,
        LinearStepSize=size if rollout.kind == "linear" else None,
    )
    config["BlueGreenUpdatePolicy"] = _given(
        TrafficRoutingConfiguration=traffic, TerminationWaitInSeconds=rollout.termination_wait, **limit
    )
    return config


def _size(rollout: Rollout) -> dict[str, Any] | None:
    return _capacity(rollout.size_percent, rollout.size_instances)


def _capacity(percent: int | None, instances: int | None) -> dict[str, Any] | None:
    if percent is not None:
        return {"Type": "CAPACITY_PERCENT", "Value": percent}
    return None if instances is None else {"Type": "INSTANCE_COUNT", "Value": instances}


def _given(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def inconsistencies(
    document: Document, rollout: Rollout, following: Sequence[Instances]
) -> Iterator[Problem]:
    """Find keys of a rollout that do not go together, and alarms that could never stop it.

    `following` is how many instances each variant may have that changes with approvals.
    """
    yield from _misplaced(document, rollout)
    for size in ("size", "rollback_size"):
        if None not in (getattr(rollout, f"{size}_percent"), getattr(rollout, f"{size}_instances")):
            yield document.problem(
                ("rollout", f"{size}_instances"),
                got=f"{size}_instances beside {size}_percent",
                expected="one of the two",
                fix="remove one of the two",
            )
    if rollout.kind in _SIZED and rollout.size_percent is None and rollout.size_instances is None:
        yield document.problem(
            ("rollout", "size_percent"),
            got="nothing",
            expected=f"how much a {rollout.kind} rollout takes at a time: size_percent or size_instances",
            fix="add size_percent: 10, say",
        )
    for instances in dict.fromkeys(following):
        yield from _blind_alarms(document, rollout, instances)
    yield from _too_many_alarms(document, rollout.alarms, len(following))


def _too_many_alarms(document: Document, alarms: RollbackAlarms, following: int) -> Iterator[Problem]:
    made, existing = alarms.thresholds * following, len(alarms.existing)
    total = 1 + made + existing
    if total > MOST_ALARMS:
        each = f"{alarms.thresholds} of thresholds"
        if following > 1:
            each = f"{made} of {alarms.thresholds} thresholds for each of {following} variants that follow"
        yield document.problem(
            ("rollout", "alarms", "existing") if existing else ("rollout", "alarms"),
            got=f"{total} alarms: one that aborts, {each}, and {existing} existing",
            expected=f"at most {MOST_ALARMS} in all: SageMaker watches no more",
            fix=f"remove {total - MOST_ALARMS}, or join existing ones in a composite alarm",
        )


def _misplaced(document: Document, rollout: Rollout) -> Iterator[Problem]:
    for key, kinds in _KINDS_WITH.items():
        if getattr(rollout, key) is not None and rollout.kind not in kinds:
            yield document.problem(
                ("rollout", key),
                got=f"{key}, with kind: {rollout.kind}",
                expected=f"{key} with {' or '.join(sorted(kinds))} only",
                fix=f"remove {key}, or choose another kind",
            )


def _blind_alarms(document: Document, rollout: Rollout, instances: Instances) -> Iterator[Problem]:
    """Find alarms that a rollout is over before, and thresholds that its first share can never reach."""
    alarms = rollout.alarms
    if alarms.window_seconds > LONGEST_WINDOW_SECONDS:
        yield document.problem(
            ("rollout", "alarms", "evaluation_periods"),
            got=f"{alarms.evaluation_periods} periods of {alarms.period_seconds} seconds",
            expected=f"at most {LONGEST_WINDOW_SECONDS:,} seconds in all: CloudWatch looks back no further",
            fix="lower one of the two",
        )
    watched, key = _watched(rollout, instances)
    if alarms.thresholds and watched < alarms.window_seconds:
        yield document.problem(
            ("rollout", key),
            got=f"{watched} seconds in which the alarms could stop this {rollout.kind} rollout",
            expected=f"at least the {alarms.window_seconds} seconds that they need to go off "
            f"({alarms.evaluation_periods} periods of {alarms.period_seconds} seconds)",
            fix=f"raise {key}, or lower evaluation_periods",
        )
    share = share_of(_size(rollout), instances.most)
    if rollout.kind != "canary" or share is None:
        return
    if alarms.error_ratio_percent is not None and alarms.error_ratio_percent >= share:
        yield _unreachable(
            document, "error_ratio_percent", share, f"less than {share:g}: a canary that fails every call "
            f"makes {share:g} % of all calls fail, so the alarm could not go off before the canary is over"
        )  # fmt: skip
    for percentile, key in ((90, "model_latency_p90_ms"), (99, "model_latency_p99_ms")):
        if getattr(alarms, key) is not None and share <= 100 - percentile:
            yield _unreachable(
                document, key, share, f"a canary of more than {100 - percentile} %: while fewer calls go "
                f"to it, the p{percentile} of all calls is that of the old version"
            )  # fmt: skip


def _unreachable(document: Document, key: str, share: float, expected: str) -> Problem:
    return document.problem(
        ("rollout", "alarms", key),
        got=f"{key} with a canary of {share:g} %",
        expected=expected,
        fix="use a larger canary, or another threshold",
    )


def _watched(rollout: Rollout, instances: Instances) -> tuple[int, str]:
    """Tell how long a rollout is watched before it is too late to be stopped, and by which key."""
    match rollout.kind:
        case "all_at_once":
            return rollout.termination_wait, "termination_wait_seconds"
        case "canary":
            return rollout.wait, "wait_seconds"
        case _:
            waits = rollout.wait * steps_of(_size(rollout), instances.least)
            return waits + rollout.termination_wait, "wait_seconds"
