"""Deployment guardrails over real processes: real calls make metrics, metrics alarms, alarms a rollback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.clients.account import SCALING_MODEL, Account, archive, eventually

pytestmark = pytest.mark.e2e

ENDPOINT = "churn"
FAILING_MODEL = """
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        raise RuntimeError("this version cannot read what callers send")
"""
PATIENT: Any = {"Delay": 1, "MaxAttempts": 60}


def canary(alarm_name: str) -> Any:
    """Return a canary of half the traffic that would bake for ten minutes."""
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 600,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            }
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm_name}]},
    }


def serving(account: Account) -> None:
    """Have an endpoint of two instances on v1."""
    for name, code in (("v1", SCALING_MODEL), ("v2", FAILING_MODEL)):
        account.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=account.role_arn,
            Containers=[{"ModelPackageName": account.register(archive(code))}],
        )
        account.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": name,
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 2,
                }
            ],
        )
    account.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="v1")
    account.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=ENDPOINT, WaiterConfig=PATIENT)


def described(account: Account) -> Any:
    return account.sagemaker.describe_endpoint(EndpointName=ENDPOINT)


def is_answered(account: Account) -> bool:
    try:
        account.predict(ENDPOINT, [[1.0]])
    except account.runtime.exceptions.ModelError:
        return False
    return True


def await_canary(account: Account) -> None:
    def stage() -> str:
        pending = described(account)["PendingDeploymentSummary"]["ProductionVariants"][0]
        status: str = pending["VariantStatus"][0]["Status"]
        return status

    eventually(stage, lambda status: status == "Baking")


def metric(name: str, stat: str = "Sum", identifier: str | None = None) -> Any:
    dimensions = [{"Name": "EndpointName", "Value": ENDPOINT}, {"Name": "VariantName", "Value": "AllTraffic"}]
    named = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions}
    return {
        "Id": identifier or name.lower(),
        "MetricStat": {"Metric": named, "Period": 60, "Stat": stat},
        "ReturnData": False,
    }


def test_errors_of_real_calls_raise_an_alarm_on_their_ratio_that_rolls_a_canary_back(
    account: Account,
) -> None:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="churn-5xx",
        Metrics=[
            {"Id": "ratio", "Expression": "100 * errors / calls", "ReturnData": True},
            metric("Invocation5XXErrors", identifier="errors"),
            metric("Invocations", identifier="calls"),
        ],
        EvaluationPeriods=1,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    serving(account)
    assert all(is_answered(account) for _ in range(4))

    account.sagemaker.update_endpoint(
        EndpointName=ENDPOINT, EndpointConfigName="v2", DeploymentConfig=canary("churn-5xx")
    )
    await_canary(account)
    answers: list[bool] = []

    def status_after_a_call() -> str:
        answers.append(is_answered(account))
        status: str = described(account)["EndpointStatus"]
        return status

    eventually(status_after_a_call, lambda status: status == "InService")

    after = described(account)
    assert after["EndpointConfigName"] == "v1"
    assert "churn-5xx" in after["FailureReason"]
    assert 0 < answers.count(False) <= len(answers) / 2 + 1
    assert all(is_answered(account) for _ in range(4))
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["churn-5xx"])["MetricAlarms"]
    assert alarm["Metrics"][0]["Expression"] == "100 * errors / calls"

    def latency() -> Any:
        found = cloudwatch.get_metric_data(
            MetricDataQueries=[{**metric("ModelLatency", "Maximum"), "ReturnData": True}],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
        )
        return found["MetricDataResults"][0]["Values"]

    (microseconds, *_) = eventually(latency, bool)
    assert 100 < microseconds < 60_000_000


def test_a_quota_refuses_a_blue_green_update_and_a_forced_failure_ends_one(account: Account) -> None:
    serving(account)
    where = (account.account_id, account.region)
    account.cloud.limit_instances(*where, "ml.m5.large", quota=3)
    with pytest.raises(account.sagemaker.exceptions.ResourceLimitExceeded, match=r"a request delta of 2"):
        account.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="v2")
    with pytest.raises(ValueError, match="quota cannot be -1"):
        account.cloud.limit_instances(*where, "ml.m5.large", quota=-1)
    account.cloud.limit_instances(*where, "ml.m5.large", quota=None, capacity=None)
    with pytest.raises(ValueError, match="nothing is under way"):
        account.cloud.fail_work(*where, ENDPOINT, "a fault")

    account.client("cloudwatch").put_metric_alarm(
        AlarmName="quiet",
        Namespace="Greenlight",
        MetricName="Nothing",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    account.sagemaker.update_endpoint(
        EndpointName=ENDPOINT, EndpointConfigName="v2", DeploymentConfig=canary("quiet")
    )
    await_canary(account)
    account.cloud.fail_work(*where, ENDPOINT, "a fault of the service")
    eventually(lambda: described(account)["EndpointStatus"], lambda status: status == "InService")
    assert described(account)["FailureReason"] == "a fault of the service"
    with pytest.raises(ValueError, match="endpoint_name cannot be None"):
        account.cloud._admin("POST", "failures", {"account_id": "1", "region": "r"})  # noqa: SLF001 - no method makes this mistake


def test_cloudformation_creates_and_updates_an_alarm_on_metric_math(account: Account) -> None:
    cloudformation = account.client("cloudformation")

    def template(threshold: int) -> str:
        properties = {
            "AlarmName": "ratio",
            "Metrics": [
                {"Id": "ratio", "Expression": "errors / calls", "ReturnData": "true"},
                metric("Invocation5XXErrors", identifier="errors"),
                metric("Invocations", identifier="calls"),
            ],
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        resource = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
        return json.dumps({"Resources": {"Ratio": resource}})

    def alarm() -> Any:
        return account.client("cloudwatch").describe_alarms(AlarmNames=["ratio"])["MetricAlarms"][0]

    cloudformation.create_stack(StackName="alarms", TemplateBody=template(1))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="alarms", WaiterConfig=PATIENT)
    assert alarm()["Threshold"] == 1
    assert [query["Id"] for query in alarm()["Metrics"]] == ["ratio", "errors", "calls"]
    assert alarm()["Metrics"][0]["ReturnData"] is True
    cloudformation.update_stack(StackName="alarms", TemplateBody=template(2))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="alarms", WaiterConfig=PATIENT)
    assert alarm()["Threshold"] == 2


def test_an_alarm_that_is_set_by_hand_aborts_a_canary_in_seconds(account: Account) -> None:
    cloudwatch = account.client("cloudwatch")
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
    cloudwatch.set_alarm_state(AlarmName="churn-abort", StateValue="OK", StateReason="ready")
    serving(account)
    account.sagemaker.update_endpoint(
        EndpointName=ENDPOINT, EndpointConfigName="v2", DeploymentConfig=canary("churn-abort")
    )
    await_canary(account)

    cloudwatch.set_alarm_state(AlarmName="churn-abort", StateValue="ALARM", StateReason="rejected")

    eventually(lambda: described(account)["EndpointStatus"], lambda it: it == "InService", timeout_seconds=60)
    assert described(account)["EndpointConfigName"] == "v1"
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["churn-abort"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
