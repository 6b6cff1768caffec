"""Endpoints as described while they are created, updated, rescaled and deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local_cloud.sagemaker.endpoints.deployment_launch import INSUFFICIENT_CAPACITY
from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.scripted_hosting import Outcome
from local_cloud.testing.scripted_ports import StrictArtifacts
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    DATA,
    IMAGE,
    PREFIX,
    REGION,
    VirtualCloud,
    serverless,
    variant,
)

PING_FAILURE = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 300,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 120,
    }
}
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "WaitIntervalInSeconds": 60,
            "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        },
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 30,
    }
}
ALL_AT_ONCE = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 600,
    }
}


def _serving_four(cloud: VirtualCloud) -> None:
    """Have an endpoint of four instances on config-1, and config-2 to go to."""
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(f"config-{number}", variant(ModelName=f"model-{number}", InitialInstanceCount=4))
    cloud.endpoint()


def test_a_new_endpoint_is_creating_until_its_fleet_is_healthy(cloud: VirtualCloud) -> None:
    cloud.hosting.script("model-1", Outcome(starting_seconds=10))
    cloud.model()
    cloud.config()
    arn = cloud.call("CreateEndpoint", EndpointName="Churn", EndpointConfigName="config-1")["EndpointArn"]
    assert arn == f"{PREFIX}:endpoint/churn"
    creating = cloud.describe("Churn")
    assert creating["EndpointStatus"] == "Creating"
    assert creating["EndpointConfigName"] == "config-1"
    assert "ProductionVariants" not in creating
    assert creating["PendingDeploymentSummary"]["EndpointConfigName"] == "config-1"
    cloud.advance(9)
    assert cloud.status("Churn") == "Creating"
    assert cloud.models_serving("Churn") == {}
    cloud.settle()
    serving = cloud.describe("Churn")
    assert serving["EndpointStatus"] == "InService"
    assert serving["EndpointName"] == "Churn"
    assert "PendingDeploymentSummary" not in serving
    assert "FailureReason" not in serving
    assert cloud.models_serving("Churn") == {"model-1": 1.0}
    (summary,) = serving["ProductionVariants"]
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (1, 1)
    assert (summary["CurrentWeight"], summary["DesiredWeight"]) == (1.0, 1.0)
    (image,) = summary["DeployedImages"]
    assert image["SpecifiedImage"] == IMAGE
    assert image["ResolvedImage"].startswith(IMAGE.removesuffix(":1.2-1") + "@sha256:")
    assert serving["CreationTime"] == START
    assert serving["LastModifiedTime"] > START + timedelta(seconds=10)


def test_an_update_shows_the_old_config_and_the_pending_new_one(cloud: VirtualCloud) -> None:
    cloud.serving()
    before = cloud.describe()
    cloud.update()
    during = cloud.describe()
    assert during["EndpointStatus"] == "Updating"
    assert during["EndpointConfigName"] == "config-1"
    assert during["ProductionVariants"] == before["ProductionVariants"]
    pending = during["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "config-2"
    (status,) = pending["ProductionVariants"][0]["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Creating", "Launching 1 instance(s).")
    cloud.settle()
    after = cloud.describe()
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "config-2")
    assert "PendingDeploymentSummary" not in after
    assert cloud.models_serving() == {"model-2": 1.0}
    assert cloud.hosting.terminated == ["fleet-1"]


def test_an_update_moves_traffic_only_when_the_new_fleet_is_healthy_and_leaves_no_gap(
    cloud: VirtualCloud,
) -> None:
    cloud.serving()
    cloud.hosting.script("model-2", Outcome(starting_seconds=30))
    cloud.update()
    cloud.advance(29)
    assert cloud.models_serving() == {"model-1": 1.0}
    cloud.settle()
    assert cloud.models_serving() == {"model-2": 1.0}
    assert all(routes for _, routes in cloud.hosting.route_history)


def test_the_old_fleet_lives_on_while_its_requests_end() -> None:
    cloud = VirtualCloud(timings=Timings(terminating_seconds=60))
    cloud.serving()
    cloud.update()
    cloud.advance(5)
    assert cloud.models_serving() == {"model-2": 1.0}
    assert cloud.hosting.terminated == []
    assert cloud.status() == "Updating"
    cloud.settle()
    assert cloud.hosting.terminated == ["fleet-1"]


@pytest.mark.parametrize("health", [Health.UNHEALTHY, Health.STARTING])
def test_a_creation_that_fails_its_health_check_ends_failed(cloud: VirtualCloud, health: Health) -> None:
    cloud.hosting.script("model-1", Outcome(health))
    cloud.model()
    cloud.config()
    cloud.endpoint()
    described = cloud.describe()
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"] == PING_FAILURE
    assert cloud.hosting.fleets == {}
    assert cloud.models_serving() == {}


def test_a_failed_update_is_in_service_on_the_old_config_with_its_reason(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    cloud.update()
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "config-1"
    assert described["FailureReason"] == PING_FAILURE
    assert "PendingDeploymentSummary" not in described
    assert cloud.models_serving() == {"model-1": 1.0}
    assert [fleet.spec.model_name for fleet in cloud.hosting.fleets.values()] == ["model-1"]
    statuses = {event["EndpointStatus"] for event in cloud.endpoint_events()}
    assert "ROLLING_BACK" not in statuses


def test_a_later_successful_update_clears_the_failure_reason(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    cloud.update()
    cloud.settle()
    cloud.hosting.script("model-2", Outcome())
    cloud.update()
    assert cloud.describe()["FailureReason"] == PING_FAILURE
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointConfigName"] == "config-2"
    assert "FailureReason" not in described


def test_an_unhealthy_fleet_has_a_little_patience_and_a_starting_one_the_whole_time_out() -> None:
    timings = Timings(health_check_timeout_seconds=60, unhealthy_patience_seconds=2, provisioning_seconds=0)
    for health, still, over in ((Health.UNHEALTHY, 2, 3), (Health.STARTING, 59, 61)):
        cloud = VirtualCloud(timings=timings)
        cloud.hosting.script("model-1", Outcome(health))
        cloud.model()
        cloud.config()
        cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
        cloud.advance(still)
        assert cloud.status() == "Creating"
        cloud.advance(over - still)
        assert cloud.status() == "Failed"


def test_a_variant_may_set_its_own_health_check_time_out(cloud: VirtualCloud) -> None:
    cloud.hosting.script("model-1", Outcome(Health.STARTING))
    cloud.model()
    cloud.config("config-1", variant(ContainerStartupHealthCheckTimeoutInSeconds=600))
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    cloud.advance(599)
    assert cloud.status() == "Creating"
    cloud.advance(2)
    assert cloud.status() == "Failed"


def test_a_recovering_fleet_is_not_given_up() -> None:
    cloud = VirtualCloud(timings=Timings(unhealthy_patience_seconds=5))
    cloud.hosting.script("model-1", Outcome(Health.UNHEALTHY))
    cloud.model()
    cloud.config()
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    cloud.advance(4)
    cloud.hosting.script("model-1", Outcome(Health.HEALTHY))
    cloud.settle()
    assert cloud.status() == "InService"


def test_model_data_deleted_after_create_model_fails_the_deployment() -> None:
    artifacts = StrictArtifacts({DATA})
    cloud = VirtualCloud(artifacts=artifacts)
    cloud.model()
    cloud.config()
    artifacts.s3_urls.clear()
    cloud.endpoint()
    described = cloud.describe()
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        f'Failed to download model data for container "container_1" from URL: "{DATA}"'
    )


def test_too_little_capacity_fails_the_deployment_after_the_call(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", 1)
    cloud.update()
    assert cloud.status() == "Updating"
    cloud.settle()
    described = cloud.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "config-1")
    assert described["FailureReason"] == INSUFFICIENT_CAPACITY
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", None)
    cloud.update()
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_both_fleets_count_against_the_quota_during_an_update(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 2)
    cloud.update()
    cloud.model("model-3")
    cloud.config("config-3", variant(ModelName="model-3"))
    error = cloud.refused("CreateEndpoint", EndpointName="other", EndpointConfigName="config-3")
    assert error.code == "ResourceLimitExceeded"
    assert "with current utilization of 2 Instances and a request delta of 1 Instances" in error.message
    cloud.settle()
    cloud.endpoint("other", "config-3")
    assert cloud.status("other") == "InService"


def test_quotas_are_per_account_region_and_type(cloud: VirtualCloud) -> None:
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, "us-east-1", "ml.m5.large", 0)
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.xlarge", 0)
    cloud.serving()


def test_a_deployment_config_at_creation_is_stored_for_reuse_only(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("config-1", variant(InitialInstanceCount=4))
    cloud.config("config-2", variant(InitialInstanceCount=4))
    cloud.endpoint(DeploymentConfig=CANARY)
    assert cloud.clock.now() - START < timedelta(seconds=10)
    assert cloud.describe()["LastDeploymentConfig"] == CANARY
    cloud.update(RetainDeploymentConfig=True)
    cloud.advance(10)
    assert cloud.status() == "Updating"
    assert [route.weight for route in cloud.hosting.route_history[-1][1]] == [0.25, 0.75]


def test_an_update_without_deployment_config_is_all_at_once_and_keeps_the_last_one(
    cloud: VirtualCloud,
) -> None:
    _serving_four(cloud)
    cloud.update(DeploymentConfig=CANARY)
    cloud.settle()
    cloud.update("config-1")
    cloud.advance(5)
    described = cloud.describe()
    assert described["EndpointStatus"] == "InService"
    assert described["LastDeploymentConfig"] == CANARY


@pytest.mark.parametrize(
    ("deployment_config", "shares", "seconds"),
    [
        (None, [1.0], 0),
        (ALL_AT_ONCE, [1.0], 600),
        (CANARY, [0.25, 1.0], 420),
        (LINEAR, [0.25, 0.5, 0.75, 1.0], 180),
        (ROLLING, [0.5, 1.0], 60),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, [1.0], 0),
    ],
)
def test_traffic_moves_in_the_steps_of_the_deployment_config(
    cloud: VirtualCloud, deployment_config: dict[str, Any] | None, shares: list[float], seconds: int
) -> None:
    _serving_four(cloud)
    steps = len(cloud.hosting.route_history)
    start = cloud.clock.now()
    members = {} if deployment_config is None else {"DeploymentConfig": deployment_config}
    cloud.update(**members)
    cloud.settle()
    new_shares = [
        sum(route.weight for route in routes if route.fleet_id == "fleet-2")
        for _, routes in cloud.hosting.route_history[steps:]
    ]
    assert new_shares == shares
    assert seconds <= (cloud.clock.now() - start).total_seconds() < seconds + 5
    assert cloud.describe()["EndpointConfigName"] == "config-2"


def test_a_canary_that_is_failed_returns_all_traffic_to_the_old_fleet(cloud: VirtualCloud) -> None:
    _serving_four(cloud)
    cloud.update(DeploymentConfig=CANARY)
    cloud.advance(100)
    assert cloud.models_serving() == {"model-2": 0.25, "model-1": 0.75}
    (status,) = cloud.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
    assert status["Status"] == "Baking"
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "an alarm fired")
    assert cloud.models_serving() == {"model-1": 1.0}
    cloud.settle()
    described = cloud.describe()
    assert (described["EndpointConfigName"], described["FailureReason"]) == ("config-1", "an alarm fired")
    assert len(cloud.hosting.fleets) == 1


def test_baking_and_terminating_show_in_the_variant_status(cloud: VirtualCloud) -> None:
    _serving_four(cloud)
    cloud.control_plane.timings = Timings(terminating_seconds=60)
    cloud.update(DeploymentConfig=CANARY)
    cloud.advance(310)
    (status,) = cloud.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
    assert status["Status"] == "Baking"
    assert status["StatusMessage"] == (
        "Baking for 120 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 "
        "instance(s)."
    )
    cloud.advance(130)
    (status,) = cloud.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Deleting", "Terminating 4 instance(s).")


def test_waits_can_be_scaled_down() -> None:
    cloud = VirtualCloud(timings=Timings(wait_scale=0.01))
    _serving_four(cloud)
    start = cloud.clock.now()
    cloud.update(DeploymentConfig=CANARY)
    cloud.settle()
    assert (cloud.clock.now() - start).total_seconds() < 10


def test_a_failed_rollback_leaves_a_mix_that_another_update_repairs(cloud: VirtualCloud) -> None:
    _serving_four(cloud)
    cloud.update(DeploymentConfig=ROLLING)
    cloud.advance(10)
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "both failed", rollback_fails=True)
    cloud.settle()
    described = cloud.describe()
    assert described["EndpointStatus"] == "UpdateRollbackFailed"
    assert described["FailureReason"] == "both failed"
    assert cloud.models_serving() == {"model-2": 0.5, "model-1": 0.5}
    cloud.update()
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    assert cloud.status() == "InService"
    assert cloud.models_serving() == {"model-2": 1.0}
    assert len(cloud.hosting.fleets) == 1


@pytest.mark.parametrize("rollback_fails", [True, False])
def test_a_mix_that_an_update_fails_to_repair_leaves_no_fleet_behind(
    cloud: VirtualCloud, *, rollback_fails: bool
) -> None:
    _serving_four(cloud)
    for fails in (True, rollback_fails):
        cloud.update(DeploymentConfig=ROLLING)
        cloud.advance(10)
        cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "failed", rollback_fails=fails)
        cloud.settle()
    if rollback_fails:
        assert cloud.status() == "UpdateRollbackFailed"
        assert len(cloud.hosting.fleets) == 3
        cloud.update()
        cloud.settle()
        assert cloud.models_serving() == {"model-2": 1.0}
    else:
        assert cloud.models_serving() == {"model-1": 1.0}
    assert cloud.status() == "InService"
    assert len(cloud.hosting.fleets) == 1


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, (1, 1.0)),
        ({"RetainAllVariantProperties": True}, (3, 0.5)),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            (1, 0.5),
        ),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            },
            (3, 1.0),
        ),
        ({"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]}, (1, 1.0)),
    ],
)
def test_an_update_resets_counts_and_weights_unless_they_are_retained(
    cloud: VirtualCloud, members: dict[str, Any], expected: tuple[int, float]
) -> None:
    cloud.serving()
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 0.5}
        ],
    )
    cloud.settle()
    cloud.update(**members)
    cloud.settle()
    (summary,) = cloud.describe()["ProductionVariants"]
    assert (summary["CurrentInstanceCount"], summary["CurrentWeight"]) == expected
    assert (summary["DesiredInstanceCount"], summary["DesiredWeight"]) == expected
    (fleet,) = cloud.hosting.fleets.values()
    assert fleet.instance_count == expected[0]


def test_rescaling_shows_the_desired_values_at_once_and_the_current_ones_later(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.model("model-2")
    cloud.config(
        "config-1",
        variant(VariantName="a", InitialVariantWeight=3),
        variant(VariantName="b", ModelName="model-2"),
    )
    cloud.endpoint()
    assert cloud.models_serving() == {"model-1": 0.75, "model-2": 0.25}
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredInstanceCount": 2, "DesiredWeight": 1}],
    )
    described = cloud.describe()
    assert described["EndpointStatus"] == "Updating"
    assert "PendingDeploymentSummary" not in described
    first = described["ProductionVariants"][0]
    assert (first["CurrentInstanceCount"], first["DesiredInstanceCount"]) == (1, 2)
    assert (first["CurrentWeight"], first["DesiredWeight"]) == (3.0, 1.0)
    cloud.settle()
    first, second = cloud.describe()["ProductionVariants"]
    assert (first["CurrentInstanceCount"], first["CurrentWeight"]) == (2, 1.0)
    assert (second["CurrentInstanceCount"], second["CurrentWeight"]) == (1, 1.0)
    assert cloud.models_serving() == {"model-1": 0.5, "model-2": 0.5}
    assert sorted(fleet.instance_count for fleet in cloud.hosting.fleets.values()) == [1, 2]


def test_rescaling_without_capacity_rolls_back(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", 2)
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    cloud.advance(0.6)
    assert cloud.status() == "RollingBack"
    cloud.settle()
    described = cloud.describe()
    assert (described["EndpointStatus"], described["FailureReason"]) == ("InService", INSUFFICIENT_CAPACITY)
    (summary,) = described["ProductionVariants"]
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (1, 1)


def test_rescaling_refuses_unknown_and_repeated_variants_and_too_many_instances(cloud: VirtualCloud) -> None:
    cloud.serving()

    def message(*changes: dict[str, Any]) -> str:
        return cloud.refused(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="churn",
            DesiredWeightsAndCapacities=list(changes),
        ).message

    assert message({"VariantName": "x", "DesiredWeight": 1}, {"VariantName": "y"}) == (
        'The variant name(s) "x", "y" is/are not present within endpoint configuration "config-1".'
    )
    assert message({"VariantName": "AllTraffic"}, {"VariantName": "AllTraffic"}) == (
        'The variant name "AllTraffic" was non-unique within the request.'
    )
    assert "at least 1" in message({"VariantName": "AllTraffic", "DesiredInstanceCount": 0})
    assert "not serverless" in message(
        {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 2}}
    )
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 2)
    assert "current utilization of 1 Instances and a request delta of 2 Instances" in message(
        {"VariantName": "AllTraffic", "DesiredInstanceCount": 3}
    )
    assert cloud.status() == "InService"


def test_a_serverless_variant_shows_its_serverless_config_and_can_change_it(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("config-1", serverless())
    cloud.endpoint()
    (summary,) = cloud.describe()["ProductionVariants"]
    assert summary["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "CurrentInstanceCount" not in summary
    (fleet,) = cloud.hosting.fleets.values()
    assert (fleet.spec.instance_type, fleet.instance_count) == (None, 1)
    error = cloud.refused(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 1}],
    )
    assert "serverless" in error.message
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}
        ],
    )
    (summary,) = cloud.describe()["ProductionVariants"]
    assert summary["CurrentServerlessConfig"]["MaxConcurrency"] == 5
    assert summary["DesiredServerlessConfig"]["MaxConcurrency"] == 9
    cloud.settle()
    (summary,) = cloud.describe()["ProductionVariants"]
    assert summary["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 9}
    assert summary["DesiredServerlessConfig"] == summary["CurrentServerlessConfig"]
    error = cloud.refused(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 10}}
        ],
    )
    assert "cannot exceed MaxConcurrency" in error.message


def test_a_change_of_concurrency_that_fails_goes_back(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("config-1", serverless())
    cloud.endpoint()
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}
        ],
    )
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "scaling failed")
    cloud.settle()
    (summary,) = cloud.describe()["ProductionVariants"]
    assert summary["CurrentServerlessConfig"]["MaxConcurrency"] == 5
    assert summary["DesiredServerlessConfig"]["MaxConcurrency"] == 5


def test_serverless_to_instances_is_allowed_and_the_way_back_is_not(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("config-1", serverless())
    cloud.config("config-2", variant())
    cloud.endpoint()
    cloud.update("config-2")
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    error = cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    assert "cannot be updated to a serverless variant" in error.message


def test_shadow_variants_run_and_get_no_share_of_the_traffic(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.model("model-2")
    cloud.config(
        "config-1",
        variant(),
        ShadowProductionVariants=[variant(VariantName="shadow", ModelName="model-2")],
    )
    cloud.endpoint()
    described = cloud.describe()
    assert [item["VariantName"] for item in described["ProductionVariants"]] == ["AllTraffic"]
    assert [item["VariantName"] for item in described["ShadowProductionVariants"]] == ["shadow"]
    assert len(cloud.hosting.fleets) == 2
    assert cloud.models_serving() == {"model-1": 1.0}


def test_a_shadow_gets_a_copy_of_the_share_that_its_weight_says_on_each_fleet_s_side(
    cloud: VirtualCloud,
) -> None:
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.model(f"shadow-{number}")
        cloud.config(
            f"config-{number}",
            variant(ModelName=f"model-{number}", InitialInstanceCount=4, InitialVariantWeight=2),
            ShadowProductionVariants=[
                variant(
                    VariantName="shadow",
                    ModelName=f"shadow-{number}",
                    InitialInstanceCount=4,
                    InitialVariantWeight=1,
                )
            ],
        )
    cloud.endpoint()

    def copies() -> dict[str, float]:
        return {
            cloud.hosting.fleets[route.fleet_id].spec.model_name: route.weight
            for route in cloud.hosting.routes[ACCOUNT, REGION, "churn"]
            if route.is_shadow
        }

    assert copies() == {"shadow-1": 0.5}
    cloud.update(DeploymentConfig=CANARY)
    cloud.advance(100)
    assert copies() == {"shadow-2": 0.125, "shadow-1": 0.375}
    assert cloud.models_serving() == {"model-2": 0.25, "model-1": 0.75}
    cloud.settle()
    assert copies() == {"shadow-2": 0.5}
    assert {summary["CurrentWeight"] for summary in cloud.describe()["ShadowProductionVariants"]} == {1.0}


def test_an_inference_component_endpoint_comes_into_service_without_a_fleet(cloud: VirtualCloud) -> None:
    cloud.config(
        "config-1",
        {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
        ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/models",
    )
    cloud.endpoint()
    assert cloud.status() == "InService"
    assert cloud.hosting.fleets == {}


def test_describe_shows_data_capture_and_asynchronous_inference(cloud: VirtualCloud) -> None:
    cloud.model()
    asynchronous = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 50,
        "DestinationS3Uri": "s3://b/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    cloud.config("config-1", variant(), DataCaptureConfig=capture, AsyncInferenceConfig=asynchronous)
    cloud.endpoint()
    described = cloud.describe()
    assert described["AsyncInferenceConfig"] == asynchronous
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 50,
        "DestinationS3Uri": "s3://b/captured",
        "KmsKeyId": "",
    }


def test_a_deletion_stops_serving_at_once_and_frees_the_name_later(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.call("DeleteEndpoint", EndpointName="churn")
    assert cloud.models_serving() == {}
    assert cloud.status() == "Deleting"
    cloud.settle()
    assert cloud.hosting.fleets == {}
    assert (
        cloud.refused("DescribeEndpoint", EndpointName="churn").message == 'Could not find endpoint "churn".'
    )
    cloud.endpoint("Churn", "config-2")
    assert cloud.describe("Churn")["EndpointConfigName"] == "config-2"


def test_a_failed_endpoint_can_be_deleted_and_created_again(cloud: VirtualCloud) -> None:
    cloud.hosting.script("model-1", Outcome(Health.UNHEALTHY))
    cloud.model()
    cloud.config()
    cloud.endpoint()
    cloud.call("DeleteEndpoint", EndpointName="churn")
    cloud.settle()
    cloud.hosting.script("model-1", Outcome())
    cloud.endpoint()
    assert cloud.status() == "InService"


def test_maintenance_ends_by_itself_and_serves_meanwhile(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")
    assert cloud.models_serving() == {"model-1": 1.0}
    cloud.settle()
    assert cloud.status() == "InService"


def test_out_of_service_serves_nothing_until_it_returns(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.incidents.take_out_of_service(ACCOUNT, REGION, "churn")
    assert cloud.models_serving() == {}
    cloud.control_plane.incidents.return_to_service(ACCOUNT, REGION, "churn")
    assert cloud.status() == "InService"
    assert cloud.models_serving() == {"model-1": 1.0}


def test_what_aws_does_by_itself_needs_an_endpoint_in_the_right_status(cloud: VirtualCloud) -> None:
    with pytest.raises(ValueError, match="There is no endpoint 'churn'"):
        cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")
    cloud.serving()
    with pytest.raises(ValueError, match="is InService, not OutOfService"):
        cloud.control_plane.incidents.return_to_service(ACCOUNT, REGION, "churn")
    with pytest.raises(ValueError, match="nothing is under way"):
        cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "reason")


def test_a_failure_of_the_service_fails_a_creation(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    reason = "Request to service failed. If failure persists after retry, contact customer support."
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", reason)
    described = cloud.describe()
    assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", reason)


def test_deleting_config_and_model_in_use_changes_nothing_for_who_calls_the_endpoint(
    cloud: VirtualCloud,
) -> None:
    cloud.serving()
    cloud.call("DeleteEndpointConfig", EndpointConfigName="config-1")
    cloud.call("DeleteModel", ModelName="model-1")
    assert cloud.models_serving() == {"model-1": 1.0}
    assert cloud.describe()["EndpointConfigName"] == "config-1"


def test_fleets_are_launched_with_everything_a_container_needs(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version(
        InferenceSpecification={
            "Containers": [
                {"Image": IMAGE, "ModelDataUrl": DATA, "Environment": {"A": "package", "B": "package"}}
            ]
        }
    )
    cloud.model(Containers=[{"ModelPackageName": arn, "Environment": {"B": "model"}}])
    cloud.config("config-1", variant(InitialInstanceCount=2))
    cloud.endpoint()
    (fleet,) = cloud.hosting.fleets.values()
    spec = fleet.spec
    (container,) = spec.containers
    assert (container.image, container.model_data_url) == (IMAGE, DATA)
    assert container.environment == {"A": "package", "B": "model"}
    assert (spec.account_id, spec.region, spec.endpoint_name) == (ACCOUNT, REGION, "churn")
    assert (spec.endpoint_config_name, spec.variant_name, spec.model_name) == (
        "config-1",
        "AllTraffic",
        "model-1",
    )
    assert spec.execution_role_arn == f"arn:aws:iam::{ACCOUNT}:role/models"
    assert (spec.instance_type, spec.instance_count) == ("ml.m5.large", 2)


def test_a_failure_reason_does_not_prove_a_failed_update(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "patching failed")
    described = cloud.describe()
    assert (described["EndpointStatus"], described["FailureReason"]) == ("InService", "patching failed")
    assert cloud.models_serving() == {"model-1": 1.0}
    cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")
    cloud.settle()
    assert cloud.describe()["FailureReason"] == "patching failed"
