from __future__ import annotations

from datetime import datetime

from tests.witnesses.observed_cloud import TAG, ObservedCloud, arn_of
from tests.witnesses.witness import Observed, witness

_PACKAGE = "SageMaker Model Package State Change"
_ENDPOINT = "SageMaker Endpoint State Change"


@witness(
    "event-registration",
    source="aws-samples/sagemaker-custom-project-templates#15",
    date="2022-04-11",
    observed=Observed.REPORT,
    fact="Registering a version already emits an event, before any approval: a rule that does not ask for "
    "the approval matches.",
)
def test_a_registration_is_announced_though_nobody_approved_it(cloud: ObservedCloud) -> None:
    arn = cloud.version("churn")
    cloud.settle()
    [event] = cloud.events(_PACKAGE)
    assert event["source"] == "aws.sagemaker"
    assert event["detail"]["ModelPackageArn"] == arn
    assert event["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    cloud.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert [each["ModelApprovalStatus"] for each in cloud.details(_PACKAGE)] == [
        "PendingManualApproval",
        "Approved",
    ]


@witness(
    "event-endpoint",
    source="awslabs/mlspace@c6517a8f:backend/test/resource_metadata/test_process_events.py",
    date="2023-10-04",
    observed=Observed.RECORDING,
    fact="An endpoint's event has its time as text, CreationTime in milliseconds, the status IN_SERVICE, a "
    "null FailureReason, and tags as a map.",
)
def test_an_endpoint_s_event_has_these_members(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.endpoint(Tags=[TAG])
    event = cloud.events(_ENDPOINT)[-1]
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["resources"] == [arn_of("endpoint/endpoint")]
    detail = event["detail"]
    assert (detail["EndpointName"], detail["EndpointConfigName"]) == ("endpoint", "config")
    assert detail["EndpointArn"] == arn_of("endpoint/endpoint")
    assert detail["EndpointStatus"] == "IN_SERVICE"
    assert detail["FailureReason"] is None
    assert detail["Tags"] == {"environment": "testing"}
    created = cloud.describe()["CreationTime"]
    assert detail["CreationTime"] == created.timestamp() * 1000


@witness(
    "event-endpoint-tags",
    source="aws-samples/amazon-sagemaker-ab-testing-pipeline#2",
    date="2021-04-18",
    observed=Observed.REPORT,
    fact="An endpoint's event has the endpoint's tags, so a reaction may depend on them.",
)
def test_tags_that_come_later_are_in_later_events(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.sagemaker.add_tags(ResourceArn=cloud.describe()["EndpointArn"], Tags=[TAG])
    cloud.config("next")
    cloud.update("next")
    cloud.settle()
    tags = [detail["Tags"] for detail in cloud.details(_ENDPOINT)]
    assert tags[-1] == {"environment": "testing"}
    assert tags[0] == {}
