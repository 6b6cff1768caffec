"""Going back is at once: a reject, a failed smoke test and a repair need one shift of all calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = GUARDED["DeploymentConfig"]
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 600,
    },
    "AutoRollbackConfiguration": CANARY["AutoRollbackConfiguration"],
}


def serving_two(**changes: Any) -> tuple[Pipeline, list[str]]:
    """Return an endpoint that served v1 and serves v2, and the two versions."""
    pipeline = Pipeline()
    pipeline.manage(**{**GUARDED, **changes})
    return pipeline, [approved(pipeline) for _ in range(2)]


def approved(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    return arn


def shares(pipeline: Pipeline, change: Callable[[], object]) -> list[tuple[float, float]]:
    """Return after how many seconds of a change what share of the calls reached the fleet made last."""
    history, start = pipeline.hosting.route_history, pipeline.clock.now()
    seen, fleets, found = len(history), set(pipeline.hosting.fleets), []
    change()
    pipeline.deliver()
    while (due := pipeline.control_plane.next_due()) is not None:
        pipeline.clock.set(max(due, pipeline.clock.now()))
        pipeline.control_plane.advance()
        if len(history) > seen:
            seen = len(history)
            share = sum(each.weight for each in history[-1][1] if each.fleet_id not in fleets)
            found.append(((pipeline.clock.now() - start).total_seconds(), share))
        pipeline.deliver()
    return found


def started(pipeline: Pipeline) -> dict[str, Any]:
    return [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]


def test_after_a_reject_of_the_live_version_all_calls_are_back_after_one_shift() -> None:
    """On AWS's timings: as soon as one all-at-once update without any guard brings them back."""
    unguarded, versions = serving_two(DeploymentConfig=None, AbortAlarmName=None, RollbackAlarms=[])
    [(fastest, _)] = shares(unguarded, lambda: unguarded.reject(versions[1]))
    pipeline, (first, second) = serving_two()

    steps = shares(pipeline, lambda: pipeline.reject(second))

    assert steps == [(fastest, 1.0)]
    assert pipeline.serving() == "v1"
    assert pipeline.told(first)[-2:] == ["started", "rolled_back"]
    assert started(pipeline)["AtOnce"]
    assert "is being put back on churn, as fast as SageMaker can" in started(pipeline)["Message"]


def test_nobody_tries_to_abort_what_no_alarm_guards() -> None:
    """The first version is rejected while it comes back: its update names no abort alarm."""
    pipeline, (first, second) = serving_two()
    pipeline.reject(second)
    pipeline.deliver()
    pipeline.pass_time(10)
    pipeline.reject(first)
    pipeline.deliver()

    [alarm] = pipeline.cloud.client("cloudwatch").describe_alarms(AlarmNames=[GUARDED["AbortAlarmName"]])[
        "MetricAlarms"
    ]
    assert alarm["StateValue"] != "ALARM"
    pipeline.run()
    assert "aborted" not in pipeline.told(first)


def test_as_forward_means_through_the_canary() -> None:
    pipeline, (_, second) = serving_two(Back="as_forward")

    steps = shares(pipeline, lambda: pipeline.reject(second))

    assert [share for _, share in steps] == [0.5, 1.0]
    assert pipeline.endpoint["LastDeploymentConfig"] == CANARY
    assert not started(pipeline)["AtOnce"]


def test_a_rolling_update_goes_back_in_the_largest_batches_without_waits() -> None:
    [variant] = GUARDED["CreateEndpointConfig"]["ProductionVariants"]
    four = {"ProductionVariants": [{**variant, "InitialInstanceCount": 4}]}
    pipeline, (_, second) = serving_two(DeploymentConfig=ROLLING, CreateEndpointConfig=four)

    steps = shares(pipeline, lambda: pipeline.reject(second))

    assert [share for _, share in steps] == [0.5, 1.0]
    assert pipeline.endpoint["LastDeploymentConfig"] == {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 0,
        }
    }


def test_what_failed_its_smoke_test_gives_way_at_once() -> None:
    pipeline = Trying(**GUARDED)
    first = pipeline.deploy(GOOD)
    second = pipeline.register()
    pipeline.script(second, BAD)
    pipeline.approve(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(first)[-2:] == ["started", "rolled_back"]
    assert "AutoRollbackConfiguration" not in pipeline.endpoint["LastDeploymentConfig"]


def test_what_somebody_else_put_on_the_endpoint_gives_way_at_once() -> None:
    pipeline, (first, _) = serving_two()
    name = pipeline.release(first, **GUARDED).endpoint_config_name
    variants = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    pipeline.sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=variants)
    pipeline.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    pipeline.undelivered()

    steps = shares(pipeline, pipeline.sweep)

    assert [share for _, share in steps] == [1.0]
    assert pipeline.serving() == "v2"


@pytest.mark.parametrize("how", ["other settings", "an older version that is approved again"])
def test_other_updates_take_their_steps(how: str) -> None:
    pipeline, (first, _) = serving_two()

    def change() -> None:
        if how == "other settings":
            [container] = [{"Environment": {"LOG_LEVEL": "debug"}}]
            pipeline.manage(**GUARDED, CreateModel={"Containers": [container]})
            pipeline.look_at_settings()
        else:
            pipeline.approve(first, "PendingManualApproval")
            pipeline.run()
            pipeline.approve(first)

    steps = shares(pipeline, change)

    assert [share for _, share in steps] == [0.5, 1.0]
