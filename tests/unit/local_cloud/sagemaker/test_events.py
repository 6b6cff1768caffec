"""The events on the bus: envelopes, shapes, order, and switches for unseen behaviours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local_cloud.sagemaker.events import event_status
from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.switch_settings import (
    CreationEventFields,
    CreationEvents,
    EventTime,
    ServingTags,
    StatusSpelling,
    UnversionedKeys,
    UpdatedFields,
)
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.scripted_hosting import Outcome
from local_cloud.testing.scripted_ports import RecordingEventSink
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    DATA,
    IMAGE,
    PREFIX,
    REGION,
    VirtualCloud,
    specification,
)


def test_the_event_of_an_approval_has_the_documented_shape(cloud: VirtualCloud) -> None:
    cloud.group("Churn")
    arn = cloud.version(
        "Churn",
        None,
        CustomerMetadataProperties={"k": "v"},
        MetadataProperties={"GeneratedBy": "pipeline"},
        SourceUri="s3://b/source",
    )
    cloud.advance(90.5)
    cloud.call(
        "UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    event = cloud.sink.events[-1]
    event_id = event.pop("id")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event_id)
    digest = event["detail"]["InferenceSpecification"]["Containers"][0].pop("ImageDigest")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert event == {
        "version": "0",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "time": "2026-01-01T00:01:30Z",
        "region": REGION,
        "resources": [f"{PREFIX}:model-package/churn/1"],
        "detail": {
            "ModelPackageGroupName": "Churn",
            "ModelPackageVersion": 1,
            "ModelPackageArn": f"{PREFIX}:model-package/churn/1",
            "CreationTime": "2026-01-01T00:00:00Z",
            "InferenceSpecification": {"Containers": [{"Image": IMAGE, "ModelDataUrl": DATA}]},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": "good",
            "MetadataProperties": {"GeneratedBy": "pipeline"},
            "CustomerMetadataProperties": {"k": "v"},
            "sourceUri": "s3://b/source",
            "UpdatedModelPackageFields": ["ModelApprovalStatus", "ApprovalDescription"],
            "LastModifiedTime": "2026-01-01T00:01:30Z",
        },
    }


def test_a_metadata_update_looks_approved_but_for_the_updated_fields(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version()
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties={"stamped": "yes"})
    detail = cloud.package_events()[-1]
    assert detail["ModelApprovalStatus"] == "Approved"
    assert detail["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


@pytest.mark.parametrize(
    ("request_members", "fields"),
    [
        ({"SourceUri": "s3://b/x"}, ["sourceUri"]),
        ({"CustomerMetadataPropertiesToRemove": ["k"]}, ["CustomerMetadataProperties"]),
        ({"InferenceSpecification": specification()}, ["InferenceSpecification"]),
        ({"ModelLifeCycle": {"Stage": "s", "StageStatus": "t"}}, ["ModelLifeCycle"]),
        (
            {"AdditionalInferenceSpecificationsToAdd": [{"Name": "n", "Containers": [{"Image": IMAGE}]}]},
            ["AdditionalInferenceSpecifications"],
        ),
        ({}, []),
    ],
)
def test_every_update_is_announced_with_the_fields_that_it_named(
    cloud: VirtualCloud, request_members: dict[str, Any], fields: list[str]
) -> None:
    cloud.group()
    arn = cloud.version()
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, **request_members)
    assert cloud.package_events()[-1]["UpdatedModelPackageFields"] == fields


@pytest.mark.parametrize(
    ("setting", "fields"),
    [(UpdatedFields.REQUESTED, ["ModelApprovalStatus"]), (UpdatedFields.CHANGED, [])],
)
def test_whether_an_unchanged_field_counts_as_updated_is_a_switch(
    setting: UpdatedFields, fields: list[str]
) -> None:
    cloud = VirtualCloud(switches=Switches(updated_fields=setting))
    cloud.group()
    arn = cloud.version()
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert cloud.package_events()[-1]["UpdatedModelPackageFields"] == fields
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert cloud.package_events()[-1]["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (CreationEventFields.ABSENT, {}),
        (CreationEventFields.NULL, {"UpdatedModelPackageFields": None}),
        (CreationEventFields.EMPTY, {"UpdatedModelPackageFields": []}),
        (CreationEventFields.MODEL_APPROVAL_STATUS, {"UpdatedModelPackageFields": ["ModelApprovalStatus"]}),
    ],
)
def test_the_updated_fields_of_a_new_version_are_a_switch(
    setting: CreationEventFields, expected: dict[str, Any]
) -> None:
    cloud = VirtualCloud(switches=Switches(creation_event_updated_fields=setting))
    cloud.group()
    cloud.version()
    (detail,) = cloud.package_events()
    name = "UpdatedModelPackageFields"
    assert {key: value for key, value in detail.items() if key == name} == expected
    assert detail["ModelApprovalStatus"] == "Approved"


@pytest.mark.parametrize(
    ("setting", "statuses"),
    [(CreationEvents.COMPLETED, ["Completed"]), (CreationEvents.EACH_STATUS, ["InProgress", "Completed"])],
)
def test_which_statuses_of_a_new_version_are_announced_is_a_switch(
    setting: CreationEvents, statuses: list[str]
) -> None:
    cloud = VirtualCloud(switches=Switches(creation_events=setting), timings=Timings(model_package_seconds=5))
    cloud.group()
    cloud.version()
    cloud.settle()
    assert [detail["ModelPackageStatus"] for detail in cloud.package_events()] == statuses


def test_a_version_deleted_before_it_is_completed_is_never_announced() -> None:
    cloud = VirtualCloud(timings=Timings(model_package_seconds=5))
    cloud.group()
    arn = cloud.version()
    cloud.call("DeleteModelPackage", ModelPackageName=arn)
    cloud.settle()
    assert cloud.package_events() == []


@pytest.mark.parametrize("setting", UnversionedKeys)
def test_the_event_of_an_unversioned_package_has_its_name(setting: UnversionedKeys) -> None:
    cloud = VirtualCloud(switches=Switches(unversioned_keys=setting))
    types = ["ml.m5.large"]
    cloud.call(
        "CreateModelPackage",
        ModelPackageName="Plain",
        InferenceSpecification=specification(
            SupportedRealtimeInferenceInstanceTypes=types, SupportedTransformInstanceTypes=types
        ),
    )
    (detail,) = cloud.package_events()
    assert detail["ModelPackageName"] == "Plain"
    for name in ("ModelPackageGroupName", "ModelPackageVersion", "ModelApprovalStatus"):
        assert (name in detail) is (setting is UnversionedKeys.NULL)
        assert detail.get(name) is None


def test_the_events_of_an_endpoint_have_the_documented_shape_and_order(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("Config-1")
    cloud.config("Config-2")
    cloud.endpoint("Churn", "Config-1", Tags=[{"Key": "team", "Value": "growth"}])
    event = cloud.sink.events[-1]
    assert {name: event[name] for name in ("version", "detail-type", "source", "account", "region")} == {
        "version": "0",
        "detail-type": "SageMaker Endpoint State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "region": REGION,
    }
    assert event["resources"] == [f"{PREFIX}:endpoint/churn"]
    assert event["detail"] == {
        "EndpointName": "Churn",
        "EndpointArn": f"{PREFIX}:endpoint/churn",
        "EndpointConfigName": "Config-1",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "CurrentWeight": 1.0,
                "DesiredWeight": 1.0,
                "CurrentInstanceCount": 1,
                "DesiredInstanceCount": 1,
            }
        ],
        "EndpointStatus": "IN_SERVICE",
        "FailureReason": None,
        "CreationTime": 1767225600000.0,
        "LastModifiedTime": 1767225600700.0,
        "Tags": {"team": "growth"},
    }
    cloud.update("Config-2", "Churn")
    cloud.settle()
    cloud.call("DeleteEndpoint", EndpointName="Churn")
    cloud.settle()
    assert [
        (detail["EndpointStatus"], detail["EndpointConfigName"]) for detail in cloud.endpoint_events()
    ] == [
        ("CREATING", "Config-1"),
        ("IN_SERVICE", "Config-1"),
        ("UPDATING", "Config-1"),
        ("IN_SERVICE", "Config-2"),
        ("DELETING", "Config-2"),
    ]


def test_failures_are_announced_with_their_reason(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    cloud.update()
    cloud.settle()
    cloud.endpoint("other", "config-2")
    update, creation = (detail for detail in cloud.endpoint_events() if detail["FailureReason"])
    assert (update["EndpointStatus"], update["EndpointConfigName"]) == ("IN_SERVICE", "config-1")
    assert creation["EndpointStatus"] == "FAILED"
    assert "ping health check" in update["FailureReason"]


def test_a_transition_is_dated_when_it_was_due_however_late_it_is_made(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    cloud.advance(3600)
    assert cloud.endpoint_events()[-1]["LastModifiedTime"] == 1767225600700.0


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (StatusSpelling.UPPER_SNAKE, ["SYSTEM_UPDATING", "UPDATE_ROLLBACK_FAILED", "CREATING"]),
        (StatusSpelling.UPPER, ["SYSTEMUPDATING", "UPDATEROLLBACKFAILED", "CREATING"]),
        (StatusSpelling.CAMEL, ["SystemUpdating", "UpdateRollbackFailed", "Creating"]),
    ],
)
def test_the_spelling_of_statuses_never_seen_in_events_is_a_switch(
    spelling: StatusSpelling, expected: list[str]
) -> None:
    unseen = ["SystemUpdating", "UpdateRollbackFailed", "Creating"]
    assert [event_status(status, spelling) for status in unseen] == expected
    seen = ["InService", "Updating", "Failed"]
    assert [event_status(status, spelling) for status in seen] == ["IN_SERVICE", "UPDATING", "FAILED"]
    cloud = VirtualCloud(switches=Switches(endpoint_event_spelling=spelling))
    cloud.serving()
    assert cloud.endpoint_events()[0]["EndpointStatus"] == expected[2]


def test_the_time_and_tags_of_endpoint_events_are_switches() -> None:
    cloud = VirtualCloud(
        switches=Switches(
            endpoint_event_time=EventTime.EPOCH_MILLISECONDS, endpoint_event_tags=ServingTags.EMPTY
        )
    )
    cloud.model()
    cloud.config()
    cloud.endpoint(Tags=[{"Key": "team", "Value": "growth"}])
    event = cloud.sink.events[-1]
    assert event["time"] == "1767225600700"
    assert event["detail"]["Tags"] == {}


def test_identifiers_are_unique(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.group()
    for _ in range(50):
        cloud.version()
    identifiers = [event["id"] for event in cloud.sink.events]
    assert len(identifiers) > 50
    assert len(set(identifiers)) == len(identifiers)


def test_a_call_made_upon_an_event_sees_that_moment_however_much_is_due_with_it() -> None:
    # GIVEN many versions whose registration ends at the same time, and somebody who reads each at its event
    read: list[tuple[str, str]] = []

    class Reader(RecordingEventSink):
        def emit(self, event: dict[str, Any]) -> None:
            super().emit(event)
            arn = event["detail"]["ModelPackageArn"]
            read.append((arn, cloud.call("DescribeModelPackage", ModelPackageName=arn)["ModelPackageStatus"]))

    cloud = VirtualCloud(sink=Reader(), timings=Timings(model_package_seconds=2))
    cloud.group("Churn")
    arns = [cloud.version("Churn", None) for _ in range(200)]

    # WHEN
    cloud.advance(60)

    # THEN
    assert read == [(arn, "Completed") for arn in arns]
