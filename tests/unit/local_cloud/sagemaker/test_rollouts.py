"""Rollouts as on AWS: launches, events, alarms, terminations and rollbacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local_cloud.sagemaker.endpoints.deployment_launch import INSUFFICIENT_CAPACITY
from local_cloud.sagemaker.ports import AlarmState, Health
from local_cloud.sagemaker.switch_settings import (
    AlarmAtStart,
    AlarmRollbackReason,
    MissingAlarm,
    PendingVariantStatus,
    ShadowSizes,
    UndersizedGuardrail,
    UpdateRollbackStatus,
)
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.scripted_hosting import Outcome
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    REGION,
    VirtualCloud,
    serverless,
    variant,
)

ALARM = "churn-5xx"
GUARDED = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]}}


def canary(value: int = 25, wait: int = 300, termination: int = 120, **members: Any) -> dict[str, Any]:
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": wait,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": value},
            },
            "TerminationWaitInSeconds": termination,
            **members,
        },
        **GUARDED,
    }


def rolling(batch: int = 1, wait: int = 30, /, **members: Any) -> dict[str, Any]:
    return {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": batch},
            "WaitIntervalInSeconds": wait,
            **members,
        },
        **GUARDED,
    }


def cloud_serving(
    instances: int = 4,
    *,
    switches: Switches | None = None,
    timings: Timings | None = None,
    new_instances: int | None = None,
    instance_type: str = "ml.m5.large",
    new_instance_type: str | None = None,
) -> VirtualCloud:
    """Return a cloud with an endpoint on config-1, and config-2 to go to."""
    cloud = VirtualCloud(switches=switches, timings=timings)
    counts = (instances, new_instances or instances)
    types = (instance_type, new_instance_type or instance_type)
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(
            f"config-{number}",
            variant(
                ModelName=f"model-{number}",
                InitialInstanceCount=counts[number - 1],
                InstanceType=types[number - 1],
            ),
        )
    cloud.endpoint()
    cloud.sink.events.clear()
    return cloud


def instance_counts(cloud: VirtualCloud) -> dict[str, int]:
    """Return how many instances of each model run."""
    return {fleet.spec.model_name: fleet.instance_count for fleet in cloud.hosting.fleets.values()}


def pending(cloud: VirtualCloud) -> dict[str, Any]:
    (summary,) = cloud.describe()["PendingDeploymentSummary"]["ProductionVariants"]
    return dict(summary)


def baking(seconds: int, capacity: str) -> str:
    """Return the documented message."""
    wait = f"{seconds} seconds (TerminationWaitInSeconds)"
    return f"Baking for {wait} with traffic enabled on {capacity} instance(s)."


# Blue/green


def test_a_canary_tells_each_of_its_stages_in_the_documented_words() -> None:
    cloud = cloud_serving(3)
    cloud.update(DeploymentConfig=canary(34, wait=600, termination=60))
    cloud.settle()
    assert cloud.variant_statuses() == [
        ("Creating", "Launching 3 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on canary capacity of 2 instance(s)."),
        ("Baking", baking(600, "canary capacity of 2")),
        ("ActivatingTraffic", "Activating traffic on full capacity of 3 instance(s)."),
        ("Baking", baking(60, "full capacity of 3")),
        ("Deleting", "Terminating 3 instance(s)."),
    ]


def test_a_deployment_event_has_the_old_config_above_and_the_new_one_in_its_pending_summary() -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=canary())
    cloud.advance(100)
    event = cloud.deployment_events()[-1]
    assert event["EndpointName"] == "churn"
    assert event["EndpointConfigName"] == "config-1"
    assert event["EndpointStatus"] == "UPDATING"
    assert event["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": 4,
            "DesiredInstanceCount": 4,
        }
    ]
    summary = event["PendingDeploymentSummary"]
    assert summary["EndpointConfigName"] == "config-2"
    assert summary["StartTime"] == event["LastModifiedTime"]
    (new,) = summary["ProductionVariants"]
    # As in the documentation's sample: as many instances as have traffic, of those that are wanted.
    assert (new["CurrentInstanceCount"], new["DesiredInstanceCount"]) == (1, 4)
    (status,) = new["VariantStatus"]
    assert status["Status"] == "Baking"
    assert isinstance(status["StartTime"], float)


def test_describe_shows_what_the_events_tell() -> None:
    cloud = cloud_serving(4, timings=Timings(activating_seconds=5, terminating_seconds=5))
    cloud.update(DeploymentConfig=canary())
    seen = []
    while cloud.status() == "Updating":
        (status,) = pending(cloud)["VariantStatus"]
        told = (status["Status"], status["StatusMessage"])
        if told not in seen:
            seen.append(told)
        cloud.advance(1)
    assert seen == cloud.variant_statuses()


def test_a_new_endpoint_and_an_update_without_waits_bake_nothing() -> None:
    cloud = cloud_serving(1)
    cloud.update()
    cloud.settle()
    assert [status for status, _ in cloud.variant_statuses()] == ["Creating", "ActivatingTraffic", "Deleting"]
    cloud.sink.events.clear()
    cloud.endpoint("other", "config-1")
    assert cloud.deployment_events() == []


def test_the_new_fleet_takes_traffic_only_after_it_was_turned_on() -> None:
    cloud = cloud_serving(4, timings=Timings(activating_seconds=60))
    cloud.update(DeploymentConfig=canary())
    cloud.advance(30)
    assert pending(cloud)["VariantStatus"][0]["Status"] == "ActivatingTraffic"
    assert cloud.models_serving() == {"model-1": 1.0}
    cloud.advance(40)
    assert cloud.models_serving() == {"model-2": 0.25, "model-1": 0.75}


@pytest.mark.parametrize(
    ("deployment_config", "fragment"),
    [
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "WaitIntervalInSeconds": 0,
                        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 9},
                    }
                }
            },
            "LinearStepSize must be at least 10 percent",
        ),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 4},
                    "WaitIntervalInSeconds": 0,
                }
            },
            "MaximumBatchSize must be at least 5 percent",
        ),
        (rolling(3), "must be at most 50 percent"),
        (rolling(1, 300, MaximumExecutionTimeoutInSeconds=600), "sum of the wait intervals (1200)"),
    ],
)
def test_sizes_and_waits_outside_their_bounds_are_refused(
    deployment_config: dict[str, Any], fragment: str
) -> None:
    cloud = cloud_serving(4)
    error = cloud.refused(
        "UpdateEndpoint",
        EndpointName="churn",
        EndpointConfigName="config-2",
        DeploymentConfig=deployment_config,
    )
    assert fragment in error.message
    assert cloud.status() == "InService"


def test_a_shadows_instances_bound_no_size() -> None:
    """No traffic shifts to a shadow, and botocore says of sizes only which share of a variant gets it."""
    cloud = cloud_serving(4)
    cloud.config(
        "config-3",
        variant(ModelName="model-2", InitialInstanceCount=4),
        ShadowProductionVariants=[variant(VariantName="shadow", ModelName="model-1", InitialInstanceCount=1)],
    )

    cloud.update("config-3", DeploymentConfig=canary(25))
    cloud.settle()

    assert cloud.describe()["EndpointConfigName"] == "config-3"


def test_a_rollout_longer_than_its_time_limit_goes_back() -> None:
    cloud = cloud_serving(4)
    cloud.hosting.script("model-2", Outcome(starting_seconds=550))
    cloud.config(
        "config-3",
        variant(
            ModelName="model-2", InitialInstanceCount=4, ContainerStartupHealthCheckTimeoutInSeconds=3600
        ),
    )
    start = cloud.clock.now()
    cloud.update(
        "config-3", DeploymentConfig=canary(wait=60, termination=60, MaximumExecutionTimeoutInSeconds=600)
    )
    for _ in range(599):
        cloud.advance(1)
    assert cloud.models_serving() == {"model-2": 0.25, "model-1": 0.75}
    cloud.settle()
    described = cloud.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "config-1")
    assert "within the 600 seconds of MaximumExecutionTimeoutInSeconds" in described["FailureReason"]
    assert cloud.models_serving() == {"model-1": 1.0}
    assert cloud.clock.now() - start < timedelta(seconds=602)


def test_the_time_limit_does_not_interrupt_the_end_of_the_old_fleet() -> None:
    cloud = cloud_serving(4, timings=Timings(terminating_seconds=1000))
    cloud.update(DeploymentConfig=canary(wait=300, termination=200, MaximumExecutionTimeoutInSeconds=600))
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


# Where guardrails do not apply


@pytest.mark.parametrize("deployment_config", [canary(), rolling()])
@pytest.mark.parametrize("types", [("ml.inf1.xlarge", "ml.m5.large"), ("ml.m5.large", "ml.inf1.xlarge")])
def test_inf1_instances_fall_back_to_all_at_once_without_bake_alarms_and_events(
    deployment_config: dict[str, Any], types: tuple[str, str]
) -> None:
    cloud = cloud_serving(4, instance_type=types[0], new_instance_type=types[1])
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    steps = len(cloud.hosting.route_history)
    start = cloud.clock.now()
    cloud.update(DeploymentConfig=deployment_config)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    assert len(cloud.hosting.route_history) == steps + 1
    assert cloud.clock.now() - start < timedelta(seconds=5)
    assert cloud.deployment_events() == []


def test_a_rolling_update_of_several_variants_is_all_at_once() -> None:
    cloud = VirtualCloud()
    for number in (1, 2):
        cloud.model(f"model-{number}")
    variants = [
        variant(VariantName=name, ModelName=f"model-{number}", InitialInstanceCount=2)
        for number, name in ((1, "a"), (2, "b"))
    ]
    cloud.config("config-1", *variants)
    cloud.config("config-2", *variants)
    cloud.endpoint()
    start = cloud.clock.now()
    cloud.update(DeploymentConfig=rolling(1, 300))
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    assert cloud.clock.now() - start < timedelta(seconds=5)


def test_a_rolling_update_of_a_serverless_variant_is_all_at_once_and_a_canary_is_refused() -> None:
    cloud = VirtualCloud()
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(f"config-{number}", serverless(ModelName=f"model-{number}"))
    cloud.endpoint()
    error = cloud.refused(
        "UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-2", DeploymentConfig=canary()
    )
    assert "not supported for serverless variants" in error.message
    cloud.update(DeploymentConfig=rolling())
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_a_serverless_variant_tells_its_stages_without_counting_instances() -> None:
    cloud = VirtualCloud()
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(f"config-{number}", serverless(ModelName=f"model-{number}"))
    cloud.endpoint()
    cloud.update()
    cloud.settle()
    statuses = [
        event["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]
        for event in cloud.deployment_events()
    ]
    assert [status["Status"] for status in statuses] == ["Creating", "ActivatingTraffic", "Deleting"]
    assert all("StatusMessage" not in status for status in statuses)


@pytest.mark.parametrize("deployment_config", [canary(), rolling()])
def test_a_single_instance_is_refused_or_all_at_once_by_the_switch(deployment_config: dict[str, Any]) -> None:
    cloud = cloud_serving(1)
    error = cloud.refused(
        "UpdateEndpoint",
        EndpointName="churn",
        EndpointConfigName="config-2",
        DeploymentConfig=deployment_config,
    )
    assert "a variant with one instance cannot satisfy" in error.message
    cloud.control_plane.switches = Switches(undersized_guardrail=UndersizedGuardrail.ALL_AT_ONCE)
    cloud.update(DeploymentConfig=deployment_config)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


@pytest.mark.parametrize("setting", ShadowSizes)
def test_a_shadow_of_one_instance_bounds_a_canary_by_the_switch(setting: ShadowSizes) -> None:
    cloud = VirtualCloud(switches=Switches(shadow_sizes=setting))
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(
            f"config-{number}",
            variant(ModelName=f"model-{number}", InitialInstanceCount=2),
            ShadowProductionVariants=[variant(VariantName="shadow", ModelName="model-1")],
        )
    cloud.endpoint()

    if setting is ShadowSizes.BOUND:
        error = cloud.refused(
            "UpdateEndpoint",
            EndpointName="churn",
            EndpointConfigName="config-2",
            DeploymentConfig=canary(50),
        )
        assert "a variant with one instance cannot satisfy" in error.message
    else:
        cloud.update(DeploymentConfig=canary(50))
        cloud.settle()
        assert cloud.describe()["EndpointConfigName"] == "config-2"


# Rolling


def test_a_batch_that_starts_slowly_waits_and_takes_no_instance_away() -> None:
    cloud = cloud_serving(4)
    cloud.hosting.script("model-2", Outcome(starting_seconds=20))
    cloud.update(DeploymentConfig=rolling(2, 30))
    start = cloud.clock.now()
    while cloud.status() == "Updating":
        assert sum(cloud.hosting.serving_instances(ACCOUNT, REGION, "churn").values()) >= 4
        cloud.advance(0.5)
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    assert cloud.clock.now() - start > timedelta(seconds=2 * (20 + 30))


@pytest.mark.parametrize(
    ("old", "new", "batch", "expected"),
    [
        (4, 4, 1, [(1, 4), (1, 3), (2, 3), (2, 2), (3, 2), (3, 1), (4, 1)]),
        (4, 4, 2, [(2, 4), (2, 2), (4, 2)]),
        (5, 5, 2, [(2, 5), (2, 3), (4, 3), (4, 1), (5, 1)]),
        (2, 4, 2, [(2, 2), (2, 1), (4, 1)]),
        (4, 2, 1, [(1, 4), (1, 2), (2, 2)]),
    ],
)
def test_a_rolling_update_exchanges_instances_batch_by_batch(
    old: int, new: int, batch: int, expected: list[tuple[int, int]]
) -> None:
    """No step has fewer instances than the smaller of both, nor more than a batch above the larger."""
    cloud = cloud_serving(old, new_instances=new)
    cloud.update(DeploymentConfig=rolling(batch))
    seen: list[tuple[int, int]] = []
    while cloud.status() == "Updating":
        counts = instance_counts(cloud)
        counted = (counts.get("model-2", 0), counts["model-1"])
        if counted[0] and counted not in seen:
            seen.append(counted)
        serving = cloud.hosting.serving_instances(ACCOUNT, REGION, "churn")
        assert sum(serving.values()) >= min(old, new)
        assert sum(counted) <= max(old, new) + batch
        cloud.advance(0.1)
    assert seen == expected
    assert instance_counts(cloud) == {"model-2": new}
    assert cloud.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == new


def test_a_rolling_update_tells_each_batch_and_shows_the_old_instances_going() -> None:
    cloud = cloud_serving(2)
    cloud.update(DeploymentConfig=rolling(1, 30))
    cloud.advance(45)
    assert cloud.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert cloud.describe()["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    cloud.settle()
    assert cloud.variant_statuses() == [
        ("Creating", "Launching 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on canary capacity of 1 instance(s)."),
        ("Baking", baking(30, "canary capacity of 1")),
        ("Deleting", "Terminating 1 instance(s)."),
        ("Creating", "Launching 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on full capacity of 2 instance(s)."),
        ("Baking", baking(30, "full capacity of 2")),
        ("Deleting", "Terminating 1 instance(s)."),
    ]


def test_a_percentage_is_rounded_down_to_whole_instances_and_at_least_one() -> None:
    cloud = cloud_serving(5)
    policy = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 30}
    cloud.update(DeploymentConfig={"RollingUpdatePolicy": policy})
    cloud.advance(10)
    assert instance_counts(cloud) == {"model-1": 5, "model-2": 2}
    assert cloud.models_serving()["model-2"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("rollback", "expected"),
    [
        (None, [(3, 2), (0, 4)]),
        ({"Type": "CAPACITY_PERCENT", "Value": 100}, [(3, 2), (0, 4)]),
        ({"Type": "CAPACITY_PERCENT", "Value": 25}, [(3, 2), (1, 3), (0, 4)]),
        ({"Type": "INSTANCE_COUNT", "Value": 1}, [(3, 2), (1, 3), (0, 4)]),
    ],
)
def test_a_rolling_update_rolls_back_at_once_or_in_the_batches_it_is_told(
    rollback: dict[str, Any] | None, expected: list[tuple[int, int]]
) -> None:
    cloud = cloud_serving(4, timings=Timings(provisioning_seconds=2))
    members = {} if rollback is None else {"RollbackMaximumBatchSize": rollback}
    cloud.update(DeploymentConfig=rolling(**members))
    while instance_counts(cloud) != {"model-1": 2, "model-2": 3} or cloud.models_serving()["model-2"] != 0.75:
        cloud.advance(0.1)
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    seen = []
    while cloud.status() == "Updating":
        counts = instance_counts(cloud)
        counted = (counts.get("model-2", 0), counts["model-1"])
        if counted not in seen:
            seen.append(counted)
        assert sum(counted) >= 4
        cloud.advance(0.1)
    assert seen == expected
    described = cloud.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "config-1")
    assert cloud.models_serving() == {"model-1": 1.0}
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 4


def test_a_rolling_rollback_without_capacity_leaves_a_mix_that_an_update_repairs() -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=rolling())
    cloud.advance(40)
    assert instance_counts(cloud) == {"model-1": 3, "model-2": 2}
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", 4)
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointStatus"] == "UpdateRollbackFailed"
    assert ALARM in described["FailureReason"]
    assert cloud.models_serving() == {"model-1": 0.5, "model-2": 0.5}
    cloud.alarms.set(ALARM, AlarmState.OK)
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", None)
    cloud.update("config-1")
    cloud.settle()
    assert cloud.status() == "InService"
    assert instance_counts(cloud) == {"model-1": 4}


def test_a_mix_that_an_update_fails_to_repair_gets_its_old_instances_back() -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=rolling())
    cloud.advance(40)
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "both failed", rollback_fails=True)
    cloud.settle()
    cloud.update(DeploymentConfig=GUARDED)
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.settle()
    assert cloud.status() == "InService"
    assert instance_counts(cloud) == {"model-1": 4}
    assert cloud.models_serving() == {"model-1": 1.0}


def test_a_later_batch_that_fails_its_health_check_rolls_back() -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=rolling())
    cloud.advance(10)
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointConfigName"] == "config-1"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert instance_counts(cloud) == {"model-1": 4}


# Quotas


@pytest.mark.parametrize(
    ("deployment_config", "needed"), [(None, 8), (canary(), 8), (rolling(1), 5), (rolling(2), 6)]
)
def test_blue_green_needs_both_fleets_within_the_quota_and_rolling_only_a_batch(
    deployment_config: dict[str, Any] | None, needed: int
) -> None:
    cloud = cloud_serving(4)
    members = {} if deployment_config is None else {"DeploymentConfig": deployment_config}
    request = {"EndpointName": "churn", "EndpointConfigName": "config-2", **members}
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", needed - 1)
    error = cloud.refused("UpdateEndpoint", **request)
    assert error.code == "ResourceLimitExceeded"
    assert error.message.startswith(
        f"The account-level service limit 'ml.m5.large for endpoint usage' is {needed - 1} Instances, with "
        f"current utilization of 4 Instances and a request delta of {needed - 4} Instances."
    )
    assert cloud.status() == "InService"
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", needed)
    cloud.call("UpdateEndpoint", **request)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_a_rolling_update_to_another_instance_type_counts_all_of_that_type() -> None:
    cloud = cloud_serving(4, new_instance_type="ml.m5.xlarge")
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.xlarge", 3)
    error = cloud.refused(
        "UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-2", DeploymentConfig=rolling()
    )
    assert "a request delta of 4 Instances" in error.message


def test_a_batch_without_capacity_rolls_back() -> None:
    cloud = cloud_serving(4)
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", 4)
    cloud.update(DeploymentConfig=rolling())
    cloud.settle()
    assert cloud.describe()["FailureReason"] == INSUFFICIENT_CAPACITY
    assert instance_counts(cloud) == {"model-1": 4}


def test_after_a_rolling_update_the_endpoint_counts_what_it_has() -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=rolling())
    cloud.settle()
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 4)
    error = cloud.refused("CreateEndpoint", EndpointName="other", EndpointConfigName="config-1")
    assert "current utilization of 4 Instances" in error.message


# Alarms


@pytest.mark.parametrize(("when", "share"), [(0.2, 0.0), (10, 0.25), (299, 0.25), (310, 1.0), (419, 1.0)])
@pytest.mark.parametrize("stays", [True, False])
def test_an_alarm_at_any_time_of_the_rollout_returns_all_traffic_at_once(
    when: float, share: float, *, stays: bool
) -> None:
    cloud = cloud_serving(4)
    cloud.update(DeploymentConfig=canary())
    cloud.advance(when)
    assert cloud.models_serving().get("model-2", 0.0) == share
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.advance(0.5)
    assert cloud.models_serving() == {"model-1": 1.0}
    if not stays:
        cloud.alarms.set(ALARM, AlarmState.OK)
    cloud.settle()
    described = cloud.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "config-1")
    assert described["FailureReason"] == (
        f"The deployment was rolled back because of alarm(s) in ALARM: {ALARM}."
    )
    assert instance_counts(cloud) == {"model-1": 4}


def test_insufficient_data_and_other_alarms_roll_nothing_back() -> None:
    cloud = cloud_serving(4)
    cloud.alarms.set(ALARM, AlarmState.INSUFFICIENT_DATA)
    cloud.alarms.set("another", AlarmState.ALARM)
    cloud.update(DeploymentConfig=canary())
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_alarms_are_not_watched_any_more_once_the_old_fleet_ends() -> None:
    cloud = cloud_serving(4, timings=Timings(terminating_seconds=60))
    cloud.update(DeploymentConfig=canary())
    cloud.advance(425)
    assert pending(cloud)["VariantStatus"][0]["Status"] == "Deleting"
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_alarms_given_at_creation_guard_no_creation_but_the_update_that_reuses_them() -> None:
    cloud = VirtualCloud()
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(f"config-{number}", variant(ModelName=f"model-{number}", InitialInstanceCount=4))
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.endpoint(DeploymentConfig=canary())
    assert cloud.status() == "InService"
    cloud.update(RetainDeploymentConfig=True)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-1"


@pytest.mark.parametrize("setting", AlarmAtStart)
def test_an_alarm_that_is_in_alarm_when_the_update_begins(setting: AlarmAtStart) -> None:
    cloud = cloud_serving(4, switches=Switches(alarm_at_start=setting))
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    request = {"EndpointName": "churn", "EndpointConfigName": "config-2", "DeploymentConfig": canary()}
    match setting:
        case AlarmAtStart.REFUSE:
            assert f"{ALARM} in AutoRollbackConfiguration are in ALARM" in (
                cloud.refused("UpdateEndpoint", **request).message
            )
            assert cloud.status() == "InService"
        case AlarmAtStart.ROLL_BACK:
            cloud.call("UpdateEndpoint", **request)
            assert cloud.hosting.terminated == []
            cloud.settle()
            assert cloud.describe()["EndpointConfigName"] == "config-1"
            assert ALARM in cloud.describe()["FailureReason"]
            assert len(cloud.hosting.fleets) == 1
        case AlarmAtStart.IGNORE_UNTIL_OK:
            cloud.call("UpdateEndpoint", **request)
            cloud.settle()
            assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_an_alarm_that_was_ignored_at_the_start_counts_once_it_was_ok() -> None:
    cloud = cloud_serving(4, switches=Switches(alarm_at_start=AlarmAtStart.IGNORE_UNTIL_OK))
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.update(DeploymentConfig=canary())
    cloud.advance(10)
    cloud.alarms.set(ALARM, AlarmState.OK)
    cloud.advance(1)
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-1"


@pytest.mark.parametrize("setting", MissingAlarm)
def test_an_alarm_that_does_not_exist(setting: MissingAlarm) -> None:
    cloud = cloud_serving(4, switches=Switches(missing_alarm=setting))
    cloud.alarms.set(ALARM, None)
    request = {"EndpointName": "churn", "EndpointConfigName": "config-2", "DeploymentConfig": canary()}
    if setting is MissingAlarm.REFUSE:
        assert f"{ALARM} in AutoRollbackConfiguration could not be found" in (
            cloud.refused("UpdateEndpoint", **request).message
        )
        assert cloud.status() == "InService"
        return
    cloud.call("UpdateEndpoint", **request)
    cloud.settle()
    described = cloud.describe()
    if setting is MissingAlarm.FAIL:
        assert described["EndpointConfigName"] == "config-1"
        assert f"{ALARM} of the deployment could not be found" in described["FailureReason"]
    else:
        assert described["EndpointConfigName"] == "config-2"


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        (AlarmRollbackReason.NAMED, True),
        (AlarmRollbackReason.UNNAMED, False),
        (AlarmRollbackReason.ABSENT, None),
    ],
)
def test_the_reason_of_an_alarm_rollback_names_the_alarm_or_not_or_is_absent(
    setting: AlarmRollbackReason, *, named: bool | None
) -> None:
    cloud = cloud_serving(4, switches=Switches(alarm_rollback_reason=setting))
    cloud.update(DeploymentConfig=canary())
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointConfigName"] == "config-1"
    assert ("FailureReason" in described) is (named is not None)
    assert (ALARM in described.get("FailureReason", "")) is bool(named)


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        (PendingVariantStatus.WITH_MESSAGE, {"Status", "StatusMessage", "StartTime"}),
        (PendingVariantStatus.WITHOUT_MESSAGE, {"Status", "StartTime"}),
        (PendingVariantStatus.ABSENT, None),
    ],
)
def test_what_describe_endpoint_shows_of_a_stage_is_a_switch_and_events_show_all(
    setting: PendingVariantStatus, shown: set[str] | None
) -> None:
    cloud = cloud_serving(4, switches=Switches(pending_variant_status=setting))
    cloud.update(DeploymentConfig=canary())
    found = pending(cloud).get("VariantStatus")

    assert (None if found is None else {*found[0]}) == shown
    event = cloud.deployment_events()[-1]
    [variant] = event["PendingDeploymentSummary"]["ProductionVariants"]
    assert {*variant["VariantStatus"][0]} == {"Status", "StatusMessage", "StartTime"}


@pytest.mark.parametrize("setting", UpdateRollbackStatus)
def test_an_update_on_its_way_back_is_updating_or_rolling_back(setting: UpdateRollbackStatus) -> None:
    cloud = cloud_serving(
        4, switches=Switches(update_rollback_status=setting), timings=Timings(rolling_back_seconds=60)
    )
    cloud.update(DeploymentConfig=canary())
    cloud.advance(10)
    cloud.alarms.set(ALARM, AlarmState.ALARM)
    cloud.advance(1)
    described = cloud.describe()
    expected = {UpdateRollbackStatus.UPDATING: "Updating", UpdateRollbackStatus.ROLLING_BACK: "RollingBack"}
    assert described["EndpointStatus"] == expected[setting]
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "config-2"
    error = cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-2")
    assert error.message.startswith("Cannot update in-progress endpoint")
    cloud.settle()
    assert cloud.status() == "InService"


# Changes of capacity


def test_a_change_of_capacity_is_told_too_and_a_change_of_weight_is_not() -> None:
    cloud = cloud_serving(3)

    def rescale(**change: Any) -> None:
        cloud.call(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="churn",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", **change}],
        )

    rescale(DesiredInstanceCount=6)
    (event,) = cloud.deployment_events()
    (summary,) = event["ProductionVariants"]
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (3, 6)
    (status,) = summary["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == (
        "Updating",
        "Scaling out desired instance count to 6.",
    )
    assert "PendingDeploymentSummary" not in event
    (described,) = cloud.describe()["ProductionVariants"]
    assert described["VariantStatus"][0]["Status"] == "Updating"
    cloud.settle()
    assert "VariantStatus" not in cloud.describe()["ProductionVariants"][0]
    rescale(DesiredWeight=2)
    cloud.settle()
    assert len(cloud.deployment_events()) == 1
    rescale(DesiredInstanceCount=1)
    (summary,) = cloud.deployment_events()[-1]["ProductionVariants"]
    assert summary["VariantStatus"][0]["StatusMessage"] == "Scaling in desired instance count to 1."
