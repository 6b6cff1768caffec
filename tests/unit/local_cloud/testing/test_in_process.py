"""The cloud inside this process: its clients' calls reach the control plane."""

from __future__ import annotations

import secrets

import pytest

from local_cloud.hosting.fleets import NotReadyError
from local_cloud.hosting.variant_fleet import Answer, InvocationTimeoutError
from local_cloud.sagemaker.ports import AlarmState, Health
from local_cloud.testing.in_process import InProcessAlarms, InProcessCloud
from local_cloud.testing.scripted_endpoints import ScriptedEndpoints
from local_cloud.testing.scripted_hosting import Outcome
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, REGION, VirtualCloud, variant


def test_an_alarm_has_the_state_that_a_client_sets() -> None:
    account_id = str(secrets.randbelow(9 * 10**11) + 10**11)
    cloud = InProcessCloud(VirtualCloud().control_plane, account_id=account_id, region=REGION)
    cloudwatch = cloud.client("cloudwatch")
    alarms = InProcessAlarms()
    assert alarms.state(account_id, REGION, "churn-abort") is None
    cloudwatch.put_metric_alarm(
        AlarmName="churn-abort",
        Namespace="Greenlight",
        MetricName="Abort",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    assert alarms.state(account_id, REGION, "churn-abort") is AlarmState.INSUFFICIENT_DATA
    for state in (AlarmState.ALARM, AlarmState.OK):
        cloudwatch.set_alarm_state(AlarmName="churn-abort", StateValue=state, StateReason="by hand")
        assert alarms.state(account_id, REGION, "churn-abort") is state
    assert alarms.state(account_id, "us-east-1", "churn-abort") is None


def test_a_handler_hears_the_calls_of_its_own_client_alone() -> None:
    clouds = [VirtualCloud(), VirtualCloud()]
    heard: list[str] = []
    one, other = (
        InProcessCloud(each.control_plane, account_id=ACCOUNT, region=REGION).client("sagemaker")
        for each in clouds
    )
    one.meta.events.register("before-call.sagemaker.*", lambda model, **_: heard.append(model.name))
    clouds[0].model("model-1")

    assert [each["ModelName"] for each in one.list_models()["Models"]] == ["model-1"]
    assert other.list_models()["Models"] == []
    assert heard == ["ListModels"]


def test_an_endpoint_answers_as_its_models_are_scripted_by_the_rollout_s_share() -> None:
    cloud = VirtualCloud()
    for number in (1, 2):
        cloud.model(f"model-{number}")
        cloud.config(f"config-{number}", variant(ModelName=f"model-{number}", InitialInstanceCount=4))
    cloud.endpoint()
    endpoints = ScriptedEndpoints(cloud.hosting)
    endpoints.script("model-2", Answer(500, "text/plain", b"ValueError"))
    client = InProcessCloud(
        cloud.control_plane, account_id=ACCOUNT, region=REGION, endpoints=endpoints
    ).client("sagemaker-runtime")
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": 300,
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
    }
    cloud.update(DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}})
    cloud.advance(1)
    cloud.advance(9)

    answers = []
    for _ in range(8):
        try:
            answers.append(client.invoke_endpoint(EndpointName="churn", Body=b"1")["Body"].read())
        except client.exceptions.ModelError as error:
            answers.append(error.response["OriginalStatusCode"])

    assert (answers.count(b'"model-1"'), answers.count(500)) == (6, 2)
    assert [invoked.model_name for invoked in endpoints.invoked].count("model-2") == 2


def test_scripted_answers_follow_each_other_and_the_last_one_stays() -> None:
    cloud = VirtualCloud()
    cloud.serving()
    endpoints = ScriptedEndpoints(cloud.hosting)
    endpoints.script("model-1", InvocationTimeoutError(), Answer(200, "text/csv", b"1"))
    runtime = InProcessCloud(
        cloud.control_plane, account_id=ACCOUNT, region=REGION, endpoints=endpoints
    ).client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ModelError, match="timed out"):
        runtime.invoke_endpoint(EndpointName="churn", Body=b"1")
    for _ in range(2):
        answer = runtime.invoke_endpoint(EndpointName="churn", Body=b"1", TargetVariant="AllTraffic")
        assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"1", "AllTraffic")
    for members in ({"EndpointName": "other"}, {"EndpointName": "churn", "TargetVariant": "Other"}):
        with pytest.raises(runtime.exceptions.ValidationError, match="not found"):
            runtime.invoke_endpoint(Body=b"1", **members)


def test_instances_that_are_added_start_as_the_first_ones_did_while_those_answer() -> None:
    cloud = VirtualCloud()
    cloud.hosting.script("model-1", Outcome(starting_seconds=10))
    cloud.serving()
    endpoints = ScriptedEndpoints(cloud.hosting)

    def ready() -> int:
        return cloud.hosting.serving_instances(ACCOUNT, REGION, "churn")["model-1"]

    cloud.hosting.scale("fleet-1", 3)
    assert (cloud.hosting.health("fleet-1"), ready()) == (Health.STARTING, 1)
    endpoints.invoke(ACCOUNT, REGION, "churn", target_variant=None, body=b"", headers={})
    cloud.advance(10)
    assert (cloud.hosting.health("fleet-1"), ready()) == (Health.HEALTHY, 3)
    cloud.hosting.scale("fleet-1", 2)
    assert ready() == 2
    cloud.hosting.script("model-1", Outcome(Health.UNHEALTHY))
    assert ready() == 0


def test_a_fleet_without_a_ready_instance_is_not_invoked() -> None:
    cloud = VirtualCloud()
    cloud.serving()
    cloud.hosting.script("model-1", Outcome(starting_seconds=1000))
    with pytest.raises(NotReadyError):
        ScriptedEndpoints(cloud.hosting).invoke(
            ACCOUNT, REGION, "churn", target_variant=None, body=b"", headers={}
        )


def test_an_invocation_without_endpoints_says_what_is_missing() -> None:
    runtime = InProcessCloud(VirtualCloud().control_plane, account_id=ACCOUNT, region=REGION).client(
        "sagemaker-runtime"
    )
    with pytest.raises(NotImplementedError, match="give it `endpoints`"):
        runtime.invoke_endpoint(EndpointName="churn", Body=b"1")
