from __future__ import annotations

from typing import Any

from local_cloud.cloudwatch.publishing import MetricsPublisher
from local_cloud.hosting.fleets import InvocationRecord
from local_cloud.sagemaker.timings import Timings
from tests.unit.local_cloud.cloudwatch.test_publishing import CloudWatch
from tests.witnesses.observed_cloud import ACCOUNT, ObservedCloud, refusal
from tests.witnesses.witness import Observed, witness

_TERRAFORM = (
    "hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_configuration_test.go"
)
_PATH = {"S3OutputPath": "s3://bucket/"}
_KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_TOPIC = f"arn:aws:sns:us-west-2:{ACCOUNT}:topic"


def _kept(cloud: ObservedCloud, output: dict[str, Any], **members: Any) -> None:
    """Fail unless a config with this AsyncInferenceConfig is described with the very same one."""
    config = {"OutputConfig": output, **members}
    assert cloud.shown_config(AsyncInferenceConfig=config)["AsyncInferenceConfig"] == config


@witness(
    "async-least",
    source=f"{_TERRAFORM}:async",
    date="2025",
    observed=Observed.TEST,
    fact="An asynchronous config needs only an output path; no client config and no key is filled in.",
)
def test_an_output_path_is_enough(cloud: ObservedCloud) -> None:
    _kept(cloud, _PATH)


@witness(
    "async-key",
    source=f"{_TERRAFORM}:async_kms",
    date="2025",
    observed=Observed.TEST,
    fact="Outputs may have their own key.",
)
def test_outputs_may_have_a_key(cloud: ObservedCloud) -> None:
    _kept(cloud, {**_PATH, "KmsKeyId": _KEY})


@witness(
    "async-topics",
    source=f"{_TERRAFORM}:Async_notif",
    date="2025",
    observed=Observed.TEST,
    fact="One topic may receive successes and errors.",
)
def test_a_topic_may_take_both_kinds(cloud: ObservedCloud) -> None:
    topics = {"SuccessTopic": _TOPIC, "ErrorTopic": _TOPIC}
    _kept(cloud, {**_PATH, "KmsKeyId": _KEY, "NotificationConfig": topics})


@witness(
    "async-responses",
    source=f"{_TERRAFORM}:async_includeInference",
    date="2025",
    observed=Observed.TEST,
    fact="Both kinds of notifications may include responses.",
)
def test_responses_may_be_in_notifications(cloud: ObservedCloud) -> None:
    topics = {
        "SuccessTopic": _TOPIC,
        "ErrorTopic": _TOPIC,
        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"],
    }
    _kept(cloud, {**_PATH, "NotificationConfig": topics})


@witness(
    "async-concurrency",
    source=f"{_TERRAFORM}:Async_client",
    date="2025",
    observed=Observed.TEST,
    fact="An instance may be limited to one invocation at a time.",
)
def test_concurrency_of_an_instance_is_kept(cloud: ObservedCloud) -> None:
    _kept(cloud, _PATH, ClientConfig={"MaxConcurrentInvocationsPerInstance": 1})


@witness(
    "async-failure-path",
    source=f"{_TERRAFORM}:Async_client_failurePath",
    date="2025",
    observed=Observed.TEST,
    fact="Failures may go to the same prefix as outputs.",
)
def test_failures_may_go_where_outputs_go(cloud: ObservedCloud) -> None:
    _kept(cloud, {**_PATH, "S3FailurePath": "s3://bucket/"})


@witness(
    "async-invoked-plainly",
    source="strands-agents/harness-sdk#1969",
    date="2026-03-25",
    observed=Observed.REPORT,
    fact="InvokeEndpoint on an asynchronous endpoint is a ValidationError.",
)
def test_an_asynchronous_endpoint_is_not_invoked_synchronously(cloud: ObservedCloud) -> None:
    cloud.serving(AsyncInferenceConfig={"OutputConfig": _PATH})
    code, _ = refusal(cloud.runtime.invoke_endpoint, EndpointName="endpoint", Body=b"1")
    assert code == "ValidationError"
    assert cloud.endpoints.invoked == []


@witness(
    "async-metrics",
    source="philschmid/terraform-aws-sagemaker-huggingface#9",
    date="2022-03-22",
    observed=Observed.REPORT,
    fact="A policy on invocations per instance never scales an asynchronous endpoint, which does not publish"
    " that metric.",
)
def test_an_asynchronous_endpoint_has_no_invocations_per_instance(cloud: ObservedCloud) -> None:
    cloud.serving(AsyncInferenceConfig={"OutputConfig": _PATH})
    [fleet] = cloud.hosting.fleets.values()
    cloudwatch = CloudWatch()
    publisher = MetricsPublisher(cloudwatch)
    publisher.record(InvocationRecord(fleet.spec, 2, 200, 0.1, 0.001))
    publisher.publish(Timings())
    published = {metric.name for _, _, metric in cloudwatch.values}
    assert "Invocations" in published
    assert "InvocationsPerInstance" not in published


@witness(
    "async-stays",
    source="aws/sagemaker-python-sdk#3124",
    date="2022-05-20",
    observed=Observed.REPORT,
    fact="UpdateEndpoint to a config without AsyncInferenceConfig is refused at the call: `The "
    "AsyncInferenceConfig parameter cannot be removed from this endpoint`. With AsyncInferenceConfig it"
    " is accepted.",
)
def test_an_asynchronous_endpoint_cannot_be_made_another(cloud: ObservedCloud) -> None:
    cloud.serving(AsyncInferenceConfig={"OutputConfig": _PATH})
    cloud.config("plain")
    code, message = refusal(
        cloud.sagemaker.update_endpoint, EndpointName="endpoint", EndpointConfigName="plain"
    )
    assert code == "ValidationException"
    assert message.startswith(
        "The AsyncInferenceConfig parameter cannot be removed from this endpoint endpoint. To change the e"
    )
    assert cloud.status() == "InService"
    cloud.config("next", AsyncInferenceConfig={"OutputConfig": _PATH})
    cloud.update("next")
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "next"
