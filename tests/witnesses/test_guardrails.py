from __future__ import annotations

from typing import Any

from local_cloud.sagemaker.ports import AlarmState
from tests.witnesses.observed_cloud import ObservedCloud, variant
from tests.witnesses.witness import Observed, witness

_TERRAFORM = "hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_test.go"
_ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "cpu"}]}}


def _last(cloud: ObservedCloud, deployment_config: dict[str, Any]) -> dict[str, Any]:
    """Create an endpoint of two small instances, and return its LastDeploymentConfig."""
    cloud.alarms.set("cpu", AlarmState.INSUFFICIENT_DATA)
    cloud.model()
    cloud.config("config", variant(InstanceType="ml.t2.medium"))
    cloud.endpoint(DeploymentConfig=deployment_config)
    shown = cloud.describe()
    assert shown["EndpointStatus"] == "InService"
    last: dict[str, Any] = shown["LastDeploymentConfig"]
    return last


@witness(
    "guardrail-all-at-once",
    source=f"{_TERRAFORM}:deploymentConfig",
    date="2026-07-15",
    observed=Observed.TEST,
    fact="A deployment config sent at creation is described as the last one, word for word.",
)
def test_a_deployment_config_of_creation_is_described(cloud: ObservedCloud) -> None:
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    config = {"BlueGreenUpdatePolicy": policy}
    assert _last(cloud, config) == config


@witness(
    "guardrail-linear",
    source=f"{_TERRAFORM}:deploymentConfig_blueGreen",
    date="2026-07-15",
    observed=Observed.TEST,
    fact="A linear step of one of two burstable instances is accepted, with an alarm that has no data.",
)
def test_a_linear_step_of_half_the_instances_is_accepted(cloud: ObservedCloud) -> None:
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 60,
        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
    }
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    config = {"BlueGreenUpdatePolicy": policy, **_ALARMS}
    assert _last(cloud, config) == config


@witness(
    "guardrail-rolling",
    source=f"{_TERRAFORM}:deploymentConfig_rolling",
    date="2026-07-15",
    observed=Observed.TEST,
    fact="A rolling batch of 5 % is accepted for two instances, although it is less than one instance.",
)
def test_a_rolling_batch_may_be_less_than_an_instance(cloud: ObservedCloud) -> None:
    policy = {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 5},
        "WaitIntervalInSeconds": 60,
    }
    config = {"RollingUpdatePolicy": policy, **_ALARMS}
    assert _last(cloud, config) == config
    cloud.config("next", variant(InstanceType="ml.t2.medium"))
    cloud.update("next", RetainDeploymentConfig=True)
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "next"


@witness(
    "guardrail-pending",
    source=(
        "aws-controllers-k8s/sagemaker-controller@dc49707"
        ":pkg/resource/endpoint/testdata/sdkapi/describe/update_deployment_config.json"
    ),
    date="2021",
    observed=Observed.RECORDING,
    fact="During a guarded update, the pending summary shows the new variant without instances and traffic. "
    "It has the desired values, and a status with the text `Launching 3 instance(s).`",
)
def test_a_pending_deployment_says_what_it_is_doing(cloud: ObservedCloud) -> None:
    cloud.serving(variant(InitialInstanceCount=3))
    cloud.config("next", variant(InitialInstanceCount=3))
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 100,
        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
    }
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": 100,
        "MaximumExecutionTimeoutInSeconds": 600,
    }
    config = {"BlueGreenUpdatePolicy": policy, **_ALARMS}
    cloud.update("next", DeploymentConfig=config)
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["LastDeploymentConfig"]) == ("Updating", config)
    pending = shown["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "next"
    [new] = pending["ProductionVariants"]
    assert (new["CurrentInstanceCount"], new["DesiredInstanceCount"]) == (0, 3)
    assert (new["CurrentWeight"], new["DesiredWeight"]) == (0.0, 1.0)
    [status] = new["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Creating", "Launching 3 instance(s).")
    [old] = shown["ProductionVariants"]
    assert (old["CurrentInstanceCount"], old["CurrentWeight"]) == (3, 1.0)
