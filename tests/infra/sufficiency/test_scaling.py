"""Automatic scaling is there whenever an endpoint rests, and goes only where an update demands it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.autoscaling import to_deregister
from deployer.dispatcher import PassesFailedError
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.scalable_targets import ScalableTargets
from deployer.model.attempt import AttemptStatus
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import TABLE, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"


def tracking(name: str = "invocations", target: float = 100.0) -> dict[str, Any]:
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    return {
        "PolicyName": name,
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target,
            "PredefinedMetricSpecification": metric,
        },
    }


def nightly(name: str = "night") -> dict[str, Any]:
    return {
        "ScheduledActionName": name,
        "Schedule": "cron(0 22 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
    }


def scaling(*, least: int = 1, most: int = 4, **more: Any) -> dict[str, Any]:
    return {
        "AllTraffic": {"ScalableDimension": COUNT, "MinCapacity": least, "MaxCapacity": most, **more},
    }


def variants(instance_type: str = "ml.m5.large") -> dict[str, Any]:
    variant = {"VariantName": "AllTraffic", "InstanceType": instance_type, "InitialInstanceCount": 1}
    return {"ProductionVariants": [variant]}


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def settle(pipeline: Pipeline, **settings: Any) -> None:
    """Write settings, and let everything that follows happen."""
    pipeline.manage(CreateEndpointConfig=settings.pop("config", variants()), **settings)
    pipeline.sweep()
    pipeline.run()


def deploy(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    return arn


def targets(pipeline: Pipeline) -> list[tuple[int, int]]:
    found = client(pipeline).describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return [(each["MinCapacity"], each["MaxCapacity"]) for each in found]


def policies(pipeline: Pipeline) -> list[str]:
    found = client(pipeline).describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return [each["PolicyName"] for each in found]


def actions(pipeline: Pipeline) -> list[str]:
    found = client(pipeline).describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    return [each["ScheduledActionName"] for each in found]


def client(pipeline: Pipeline) -> Any:
    return pipeline.cloud.client("application-autoscaling")


def scaling_calls(pipeline: Pipeline) -> list[str]:
    return [
        operation
        for service, operation in pipeline.deployer_cloud.calls
        if service == "application-autoscaling"
    ]


def test_a_variant_scales_once_its_endpoint_is_in_service(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()], ScheduledActions=[nightly()]))
    deploy(pipeline)

    assert targets(pipeline) == [(1, 4)]
    assert (policies(pipeline), actions(pipeline)) == (["invocations"], ["night"])


def test_a_model_only_update_leaves_scaling_and_its_count_alone(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    deploy(pipeline)
    pipeline.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    pipeline.run()
    before = len(scaling_calls(pipeline))
    deploy(pipeline)

    assert pipeline.serving() == "v2"
    assert scaling_calls(pipeline)[before:] == []
    assert pipeline.endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 3


def test_an_endpoint_in_sync_costs_no_call_of_scaling(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling())
    deploy(pipeline)
    before = len(pipeline.deployer_cloud.calls)
    pipeline.sweep()

    assert [name for _, name in pipeline.deployer_cloud.calls[before:]] == [
        "Query",
        "ListEndpoints",
        "Search",
        "Query",
        "Query",
        "ListModelPackages",
        "TransactWriteItems",
    ]


def test_changed_scaling_is_applied_without_a_rollout(pipeline: Pipeline) -> None:
    settle(
        pipeline,
        AutoScaling=scaling(Policies=[tracking("old"), tracking()], ScheduledActions=[nightly("old")]),
    )
    deploy(pipeline)
    settle(pipeline, AutoScaling=scaling(most=6, Policies=[tracking(target=50.0)]))

    assert targets(pipeline) == [(1, 6)]
    assert (policies(pipeline), actions(pipeline)) == (["invocations"], [])
    assert pipeline.sagemaker_calls().count("UpdateEndpoint") == 0


def test_scaling_that_the_settings_no_longer_name_is_taken_off(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling())
    deploy(pipeline)
    settle(pipeline)

    assert targets(pipeline) == []


def test_what_others_put_on_a_target_stays(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    deploy(pipeline)
    client(pipeline).put_scaling_policy(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{ENDPOINT}/variant/AllTraffic",
        ScalableDimension=COUNT,
        PolicyType="TargetTrackingScaling",
        **tracking("theirs"),
    )
    settle(pipeline, AutoScaling=scaling(most=6, Policies=[tracking()]))

    assert sorted(policies(pipeline)) == ["invocations", "theirs"]


def test_another_instance_type_takes_scaling_off_and_puts_it_on_again(pipeline: Pipeline) -> None:
    """SageMaker refuses to change the instance type of a variant that is registered."""
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    deploy(pipeline)
    settle(pipeline, config=variants("ml.m5.xlarge"), AutoScaling=scaling(Policies=[tracking()]))

    assert pipeline.endpoint["EndpointConfigName"] == pipeline.history.deployments[0].endpoint_config_name
    assert (targets(pipeline), policies(pipeline)) == ([(1, 4)], ["invocations"])
    assert scaling_calls(pipeline).count("DeregisterScalableTarget") == 1


def test_scaling_is_on_again_after_an_update_that_failed(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    arn = deploy(pipeline)
    pipeline.break_model_of(arn, CreateModel={"Containers": [{"Environment": {"LOG_LEVEL": "x"}}]})
    settle(
        pipeline,
        config=variants("ml.m5.xlarge"),
        CreateModel={"Containers": [{"Environment": {"LOG_LEVEL": "x"}}]},
        AutoScaling=scaling(Policies=[tracking()]),
    )

    assert pipeline.told(arn)[-1] == "failed"
    assert pipeline.endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert (targets(pipeline), policies(pipeline)) == ([(1, 4)], ["invocations"])


@pytest.mark.parametrize(
    "operation", ["DeregisterScalableTarget", "UpdateEndpoint", "RegisterScalableTarget"]
)
def test_a_crash_at_any_call_leaves_no_endpoint_without_its_scaling(
    pipeline: Pipeline, operation: str
) -> None:
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    deploy(pipeline)
    with pytest.raises(SystemExit):
        crash_once(
            pipeline,
            operation,
            lambda: settle(
                pipeline, config=variants("ml.m5.xlarge"), AutoScaling=scaling(Policies=[tracking()])
            ),
        )
    for _ in range(2):
        pipeline.pass_time(3600)
        pipeline.sweep()
        pipeline.run()

    assert (targets(pipeline), policies(pipeline)) == ([(1, 4)], ["invocations"])
    assert pipeline.endpoint["EndpointConfigName"] == pipeline.history.deployments[0].endpoint_config_name


def crash_once(pipeline: Pipeline, operation: str, run: Callable[[], None]) -> None:
    def die(_service: str, called: str) -> None:
        if called == operation:
            pipeline.deployer_cloud.after_call = lambda _service, _operation: None
            raise SystemExit

    pipeline.deployer_cloud.after_call = die
    run()


def test_a_journal_that_was_restored_to_before_an_update_costs_no_variant_its_scaling(
    pipeline: Pipeline,
) -> None:
    settle(pipeline, AutoScaling=scaling())
    deploy(pipeline)
    dynamodb = pipeline.cloud.client("dynamodb")
    before = dynamodb.scan(TableName=TABLE)["Items"]
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants("ml.m5.xlarge"))
    pipeline.look_at_settings()
    assert targets(pipeline) == []
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("endpoint", "item")})
    for item in before:
        dynamodb.put_item(TableName=TABLE, Item=item)
    pipeline.run()
    pipeline.sweep()
    assert targets(pipeline) == [(1, 4)]
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()

    assert scaling_calls(pipeline) == []


def test_a_read_that_misses_the_serving_config_puts_an_update_off(pipeline: Pipeline) -> None:
    """It hides that the update changes an instance type, for which scaling is taken off first."""
    settle(pipeline, AutoScaling=scaling(Policies=[tracking()]))
    deploy(pipeline)
    pipeline.deployer_cloud.before_call = forget_config(pipeline)
    with pytest.raises(PassesFailedError, match="already existing"):
        settle(pipeline, config=variants("ml.m5.xlarge"), AutoScaling=scaling(Policies=[tracking()]))
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    settle(pipeline, config=variants("ml.m5.xlarge"), AutoScaling=scaling(Policies=[tracking()]))

    assert pipeline.attempts[0].status is AttemptStatus.SUCCEEDED
    assert (targets(pipeline), policies(pipeline)) == ([(1, 4)], ["invocations"])


def forget_config(pipeline: Pipeline) -> Callable[[str, str], None]:
    """Let the serving config's description be missing, as it may be when read late."""

    def answer_missing(_service: str, operation: str) -> None:
        if operation == "DescribeEndpointConfig":
            message = 'Could not find endpoint configuration "x".'
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)

    assert pipeline.serving()
    return answer_missing


def test_a_recreated_endpoint_scales_again(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling())
    deploy(pipeline)
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert targets(pipeline) == [(1, 4)]


def test_a_crash_while_recreating_an_endpoint_does_not_take_its_scaling_for_done(pipeline: Pipeline) -> None:
    settle(pipeline, AutoScaling=scaling())
    deploy(pipeline)
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.run()
    with pytest.raises(SystemExit):
        crash_once(pipeline, "CreateEndpoint", pipeline.sweep)
    for _ in range(2):
        pipeline.pass_time(3600)
        pipeline.run()
        pipeline.sweep()

    assert targets(pipeline) == [(1, 4)]


def test_a_variant_that_only_the_settings_know_scales_once_it_serves(pipeline: Pipeline) -> None:
    settle(pipeline)
    arn = deploy(pipeline)
    renamed = {**variants()["ProductionVariants"][0], "VariantName": "Blue"}
    settings: dict[str, Any] = {
        "CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "x"}}]},
        "AutoScaling": {"Blue": scaling()["AllTraffic"]},
        "config": {"ProductionVariants": [renamed]},
    }
    pipeline.break_model_of(arn, CreateModel=settings["CreateModel"])
    settle(pipeline, **settings)
    assert targets(pipeline) == []

    settle(pipeline, AutoScaling=settings["AutoScaling"], config=settings["config"])

    assert targets(pipeline) == [(1, 4)]


def test_refused_scaling_is_told_once_and_says_what_to_do(pipeline: Pipeline) -> None:
    pipeline.manage(AutoScaling=scaling(least=5, most=2))
    arn = deploy(pipeline)
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]
    [told] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "does not scale as its settings say" in told
    assert "Change `autoscaling` in its YAML" in told

    settle(pipeline, AutoScaling=scaling(least=1, most=2))
    assert targets(pipeline) == [(1, 2)]
    assert pipeline.history.last_observed.reported == ()


def test_another_dimension_takes_the_old_target_away(pipeline: Pipeline) -> None:
    gateway = ScalableTargets(lambda: client(pipeline))
    settle(pipeline)
    deploy(pipeline)
    (before,) = scaling().values()
    gateway.register(ENDPOINT, "AllTraffic", before, {})

    with pytest.raises(UpkeepRefusedError):
        gateway.register(
            ENDPOINT,
            "AllTraffic",
            {**before, "ScalableDimension": CONCURRENCY},
            before,
        )
    assert targets(pipeline) == []


@pytest.mark.parametrize("operation", ["RegisterScalableTarget", "DeregisterScalableTarget"])
def test_a_call_that_is_denied_is_told_as_that(pipeline: Pipeline, operation: str) -> None:
    def deny(_service: str, called: str) -> None:
        if called == operation:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "…"}}, called)

    pipeline.deployer_cloud.before_call = deny
    gateway = ScalableTargets(lambda: pipeline.deployer_cloud.client("application-autoscaling"))
    (wanted,) = scaling().values()

    with pytest.raises(UpkeepRefusedError, match=r"AccessDenied.*to the deployer's role"):
        gateway.register(ENDPOINT, "AllTraffic", wanted, {**wanted, "ScalableDimension": CONCURRENCY})


def test_only_a_removed_variant_or_another_instance_type_must_be_deregistered() -> None:
    serving: list[dict[str, Any]] = [
        {"VariantName": "same", "InstanceType": "a", "InitialInstanceCount": 1},
        {"VariantName": "resized", "InstanceType": "a"},
        {"VariantName": "gone", "InstanceType": "a"},
    ]
    wanted: list[dict[str, Any]] = [
        {"VariantName": "same", "InstanceType": "a", "InitialInstanceCount": 3},
        {"VariantName": "resized", "InstanceType": "b"},
        {"VariantName": "new", "InstanceType": "a"},
    ]

    assert to_deregister(serving, wanted) == {"resized", "gone"}
