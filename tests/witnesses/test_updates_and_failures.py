from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.sagemaker.ports import AlarmState, Health
from local_cloud.sagemaker.switch_settings import AlarmRollbackReason, UpdateRollbackStatus
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_hosting import Outcome
from local_cloud.testing.scripted_ports import StrictArtifacts
from tests.witnesses.observed_cloud import DATA, IMAGE, ObservedCloud, arn_of, refusal, variant
from tests.witnesses.witness import Observed, witness

if TYPE_CHECKING:
    from typing import Any

_ACK = "aws-controllers-k8s/sagemaker-controller@dc49707:test/e2e/tests/test_endpoint.py"
_UNHEALTHY = Outcome(Health.UNHEALTHY)


def _broken(cloud: ObservedCloud) -> None:
    """Have a config whose model's containers crash."""
    cloud.hosting.script("broken", _UNHEALTHY)
    cloud.model("broken")
    cloud.config("broken", variant(ModelName="broken"))


@witness(
    "update-fails",
    source=f"{_ACK}:update_endpoint_failed_test",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="If model data are deleted after CreateModel, CreateEndpointConfig and the call of UpdateEndpoint "
    "still succeed. The update fails: Updating, then InService on the old config, with a failure "
    "reason.",
)
def test_an_update_that_fails_goes_back_to_the_old_config() -> None:
    artifacts = StrictArtifacts({DATA, "s3://bucket/delete/model.tar.gz"})
    cloud = ObservedCloud(artifacts=artifacts)
    cloud.serving()
    data = {"Image": IMAGE, "ModelDataUrl": "s3://bucket/delete/model.tar.gz"}
    cloud.model("faulty", PrimaryContainer=data)
    artifacts.s3_urls.remove("s3://bucket/delete/model.tar.gz")
    cloud.config("faulty", variant(ModelName="faulty"))
    cloud.update("faulty")
    assert (cloud.status(), cloud.describe()["EndpointConfigName"]) == ("Updating", "config")
    cloud.settle()
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "config")
    assert shown["FailureReason"]


@witness(
    "update-retains-counts",
    source=f"{_ACK}:update_endpoint_successful_test",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="A successful update clears a failed one's reason. It may add a second variant; with "
    "RetainAllVariantProperties the first keeps its count.",
)
def test_a_successful_update_clears_the_reason_and_may_add_a_variant(cloud: ObservedCloud) -> None:
    cloud.serving()
    _broken(cloud)
    cloud.update("broken")
    cloud.settle()
    assert "FailureReason" in cloud.describe()
    names = ("variant-1", "variant-2")
    cloud.config("several", *(variant(name, InitialInstanceCount=1) for name in names))
    cloud.update("several", RetainAllVariantProperties=True)
    cloud.settle()
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "several")
    assert "FailureReason" not in shown
    counts = {each["VariantName"]: each["CurrentInstanceCount"] for each in shown["ProductionVariants"]}
    assert counts == {"variant-1": 2, "variant-2": 1}


@witness(
    "update-resets-counts",
    source="aws/sagemaker-python-sdk#3126",
    date="2022-05-23",
    observed=Observed.REPORT,
    fact="Without RetainAllVariantProperties an update discards the count from scaling.",
)
def test_an_update_takes_the_new_config_s_count(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="endpoint",
        DesiredWeightsAndCapacities=[{"VariantName": "variant-1", "DesiredInstanceCount": 5}],
    )
    cloud.settle()
    cloud.config("next")
    cloud.update("next")
    cloud.settle()
    [shown] = cloud.describe()["ProductionVariants"]
    assert (shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (2, 2)


@witness(
    "update-config-name",
    source=(
        "hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_test.go:endpointName"
    ),
    date="2026-07-15",
    observed=Observed.TEST,
    fact="After an update the endpoint is on the new config. Without a DeploymentConfig, neither creation "
    "nor update leaves a LastDeploymentConfig.",
)
def test_an_update_without_a_deployment_config_leaves_none(cloud: ObservedCloud) -> None:
    cloud.serving()
    assert "LastDeploymentConfig" not in cloud.describe()
    cloud.config("config2", variant(InitialInstanceCount=1))
    cloud.update("config2")
    cloud.settle()
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "config2")
    assert "LastDeploymentConfig" not in shown


@witness(
    "update-needs-the-old-config",
    source="hashicorp/terraform-provider-aws#40048",
    date="2024-11-07",
    observed=Observed.REPORT,
    fact="An endpoint's present config can be deleted. The next update then fails and names that config: "
    '`Could not find endpoint configuration "arn:…".`',
)
def test_an_update_needs_the_config_that_the_endpoint_is_on(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.config("next")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="config")
    code, message = refusal(
        cloud.sagemaker.update_endpoint, EndpointName="endpoint", EndpointConfigName="next"
    )
    expected = f'Could not find endpoint configuration "{arn_of("endpoint-config/config")}".'
    assert (code, message) == ("ValidationException", expected)


@witness(
    "update-rolled-back-then-config-deleted",
    source="hashicorp/terraform-provider-aws#48997",
    date="2026-07-17",
    observed=Observed.REPORT,
    fact="After a rollback the endpoint is InService without a reason. Somebody took it for a success and "
    "deleted the config that still served; no update was possible after that.",
)
def test_an_update_that_went_back_silently_still_needs_its_config() -> None:
    cloud = ObservedCloud(switches=Switches(alarm_rollback_reason=AlarmRollbackReason.ABSENT))
    cloud.serving()
    cloud.config("next")
    cloud.update("next", DeploymentConfig=_guarded())
    cloud.alarms.set("errors", AlarmState.ALARM)
    cloud.settle()
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "config")
    assert "FailureReason" not in shown
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="config")
    code, message = refusal(
        cloud.sagemaker.update_endpoint, EndpointName="endpoint", EndpointConfigName="next"
    )
    assert code == "ValidationException"
    assert message.startswith("Could not find endpoint configuration ")


@witness(
    "update-shows-rolling-back",
    source="hashicorp/terraform-provider-aws#49020",
    date="2026-07-18",
    observed=Observed.HANDLED,
    fact="An update that rolls back may show RollingBack before it is InService on the old config.",
)
def test_an_update_that_goes_back_may_be_rolling_back_on_the_way() -> None:
    cloud = ObservedCloud(switches=Switches(update_rollback_status=UpdateRollbackStatus.ROLLING_BACK))
    cloud.serving()
    cloud.config("next")
    cloud.update("next", DeploymentConfig=_guarded())
    cloud.alarms.set("errors", AlarmState.ALARM)
    seen = [cloud.status()]
    for _ in range(6000):
        cloud.advance(0.1)
        if (status := cloud.status()) != seen[-1]:
            seen.append(status)
    assert seen == ["Updating", "RollingBack", "InService"]
    assert cloud.describe()["EndpointConfigName"] == "config"


@witness(
    "update-waiter-succeeds",
    source="hashicorp/terraform-provider-aws#46663",
    date="2026",
    observed=Observed.REPORT,
    fact="After an update to a model whose container crashes, a waiter for InService succeeds. Only the "
    "config's name shows that the update failed.",
)
def test_a_waiter_succeeds_though_the_update_went_back(cloud: ObservedCloud) -> None:
    cloud.serving()
    _broken(cloud)
    cloud.update("broken")
    cloud.settle()
    cloud.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="endpoint")
    assert cloud.describe()["EndpointConfigName"] == "config"


@witness(
    "update-failure-reason-in-service",
    source="hashicorp/terraform-provider-aws#39099",
    date="2024-08-30",
    observed=Observed.REPORT,
    fact="UpdateEndpoint returns before the update starts. If it fails later, FailureReason says why, while "
    "the endpoint is InService.",
)
def test_the_call_succeeds_and_the_reason_comes_later(cloud: ObservedCloud) -> None:
    cloud.serving()
    _broken(cloud)
    answer = cloud.sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="broken")
    assert answer["EndpointArn"] == arn_of("endpoint/endpoint")
    assert "FailureReason" not in cloud.describe()
    cloud.settle()
    shown = cloud.describe()
    assert shown["EndpointStatus"] == "InService"
    assert "did not pass the ping health check" in shown["FailureReason"]


def _guarded() -> dict[str, Any]:
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": 120,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }
