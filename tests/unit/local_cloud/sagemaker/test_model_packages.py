"""The registry: groups, versions, unversioned packages, their updates and their permissions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from local_cloud.sagemaker.ports import Caller
from local_cloud.sagemaker.switch_settings import Answer, ArnLetterCase, NameLookup
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    ALICE,
    BOB,
    DATA,
    IMAGE,
    OTHER_ACCOUNT,
    PREFIX,
    REGION,
    ROLE,
    VirtualCloud,
    specification,
)

UNVERSIONED = specification(
    SupportedRealtimeInferenceInstanceTypes=["ml.m5.large"],
    SupportedTransformInstanceTypes=["ml.m5.large"],
    SupportedContentTypes=["text/csv"],
    SupportedResponseMIMETypes=["text/csv"],
)


def policy(*actions: str, resource: str = f"{PREFIX}:model-package/Churn/*", **members: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        "Action": list(actions),
        "Resource": resource,
        **members,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_group_is_completed_at_once_and_its_arn_is_in_lower_case(cloud: VirtualCloud) -> None:
    arn = cloud.call(
        "CreateModelPackageGroup",
        ModelPackageGroupName="Churn",
        ModelPackageGroupDescription="who leaves",
        Tags=[{"Key": "team", "Value": "growth"}],
    )["ModelPackageGroupArn"]
    assert arn == f"{PREFIX}:model-package-group/churn"
    for name in ("Churn", arn):
        assert cloud.call("DescribeModelPackageGroup", ModelPackageGroupName=name) == {
            "ModelPackageGroupName": "Churn",
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupDescription": "who leaves",
            "CreationTime": START,
            "CreatedBy": {"IamIdentity": {"Arn": ALICE.principal_arn}},
            "ModelPackageGroupStatus": "Completed",
        }
    assert cloud.call("ListTags", ResourceArn=arn) == {"Tags": [{"Key": "team", "Value": "growth"}]}


def test_a_group_is_deleted_only_when_it_is_empty(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version()
    error = cloud.refused("DeleteModelPackageGroup", ModelPackageGroupName="churn")
    assert error.code == "ConflictException"
    cloud.call("DeleteModelPackage", ModelPackageName=arn)
    cloud.call("DeleteModelPackageGroup", ModelPackageGroupName="churn")
    assert cloud.call("ListModelPackageGroups") == {"ModelPackageGroupSummaryList": []}


def test_versions_count_from_one_and_numbers_are_not_used_again(cloud: VirtualCloud) -> None:
    cloud.group("Churn")
    arns = [cloud.version("Churn") for _ in range(2)]
    assert arns == [f"{PREFIX}:model-package/churn/1", f"{PREFIX}:model-package/churn/2"]
    cloud.call("DeleteModelPackage", ModelPackageName=arns[1])
    assert cloud.version("churn").endswith("/3")


def test_a_version_is_in_progress_until_completed() -> None:
    cloud = VirtualCloud(timings=Timings(model_package_seconds=5))
    cloud.group()
    arn = cloud.version()
    assert cloud.call("DescribeModelPackage", ModelPackageName=arn)["ModelPackageStatus"] == "InProgress"
    error = cloud.refused(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}]
    )
    assert "ModelPackageStatus is InProgress" in error.message
    cloud.settle()
    assert cloud.call("DescribeModelPackage", ModelPackageName=arn)["ModelPackageStatus"] == "Completed"


def test_a_version_is_described_by_arn_and_by_versioned_name(cloud: VirtualCloud) -> None:
    cloud.group("Churn")
    arn = cloud.version(
        "Churn",
        None,
        ModelPackageDescription="first",
        CustomerMetadataProperties={"k": "v"},
        MetadataProperties={"GeneratedBy": "a pipeline"},
        ModelLifeCycle={"Stage": "Development", "StageStatus": "Approved"},
        SourceUri="s3://bucket/source",
    )
    described = cloud.call("DescribeModelPackage", ModelPackageName=arn)
    assert described == cloud.call("DescribeModelPackage", ModelPackageName="Churn/1")
    assert described == cloud.call("DescribeModelPackage", ModelPackageName=arn.replace("churn", "CHURN"))
    assert described["ModelPackageGroupName"] == "Churn"
    assert described["ModelPackageVersion"] == 1
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["CreatedBy"] == {"IamIdentity": {"Arn": ALICE.principal_arn}}
    assert described["CustomerMetadataProperties"] == {"k": "v"}
    assert described["ModelLifeCycle"] == {"Stage": "Development", "StageStatus": "Approved"}
    assert described["SourceUri"] == "s3://bucket/source"
    assert described["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert described["InferenceSpecification"]["Containers"][0]["ImageDigest"].startswith("sha256:")
    assert "ModelPackageName" not in described
    assert "LastModifiedBy" not in described


def test_an_update_replaces_what_it_names_and_records_who_and_when(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version(approval=None, ModelLifeCycle={"Stage": "Development", "StageStatus": "Pending"})
    cloud.advance(60)
    changes: dict[str, Any] = {
        "ModelApprovalStatus": "Approved",
        "ApprovalDescription": "looks good",
        "SourceUri": "https://example.com/model",
        "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"},
        "ModelCard": {"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        "ModelPackageRegistrationType": "Registered",
    }
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, **changes)
    described = cloud.call("DescribeModelPackage", ModelPackageName=arn)
    assert {name: described[name] for name in changes} == changes
    assert described["ModelPackageStatus"] == "Completed"
    assert described["LastModifiedTime"] == START + timedelta(seconds=60)
    assert described["CreationTime"] == START
    assert described["LastModifiedBy"] == {"IamIdentity": {"Arn": ALICE.principal_arn}}
    assert "InferenceSpecification" in described


def test_metadata_is_merged_and_removed_by_key(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version(CustomerMetadataProperties={"a": "1", "b": "2"})

    def metadata() -> Any:
        return cloud.call("DescribeModelPackage", ModelPackageName=arn).get("CustomerMetadataProperties")

    cloud.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties={"b": "3", "c": "4"})
    assert metadata() == {"a": "1", "b": "3", "c": "4"}
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["a", "missing"])
    assert metadata() == {"b": "3", "c": "4"}
    cloud.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["b", "c"])
    assert metadata() is None
    for start in (0, 30):
        properties = {f"k{index}": "v" for index in range(start, start + 30)}
        request = {"ModelPackageArn": arn, "CustomerMetadataProperties": properties}
        if start == 0:
            cloud.call("UpdateModelPackage", **request)
        else:
            assert "more than 50" in cloud.refused("UpdateModelPackage", **request).message


def test_an_inference_specification_can_be_replaced_and_others_added(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version()
    extra = {"Name": "gpu", "Containers": [{"Image": "gpu:1"}]}
    cloud.call(
        "UpdateModelPackage",
        ModelPackageArn=arn,
        InferenceSpecification={"Containers": [{"Image": "cpu:2"}]},
        AdditionalInferenceSpecificationsToAdd=[extra],
    )
    described = cloud.call("DescribeModelPackage", ModelPackageName=arn)
    assert described["InferenceSpecification"]["Containers"][0]["Image"] == "cpu:2"
    assert [item["Name"] for item in described["AdditionalInferenceSpecifications"]] == ["gpu"]
    error = cloud.refused(
        "UpdateModelPackage", ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=[extra]
    )
    assert "already has an inference specification named 'gpu'" in error.message
    cloud.model(Containers=[{"ModelPackageName": arn, "InferenceSpecificationName": "gpu"}])
    error = cloud.refused(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        Containers=[{"ModelPackageName": arn, "InferenceSpecificationName": "tpu"}],
    )
    assert "no inference specification 'tpu'" in error.message


@pytest.mark.parametrize("decided", ["Approved", "Rejected"])
def test_whether_a_decision_can_be_taken_back_is_a_switch(decided: str) -> None:
    for setting in Answer:
        cloud = VirtualCloud(switches=Switches(return_to_pending=setting))
        cloud.group()
        arn = cloud.version(approval=decided)
        request = {"ModelPackageArn": arn, "ModelApprovalStatus": "PendingManualApproval"}
        if setting is Answer.ACCEPT:
            cloud.call("UpdateModelPackage", **request)
        else:
            assert "PendingManualApproval" in cloud.refused("UpdateModelPackage", **request).message
            other = "Rejected" if decided == "Approved" else "Approved"
            cloud.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus=other)


def test_a_model_card_can_be_left_out_of_a_description(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version(ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"})
    described = cloud.call("DescribeModelPackage", ModelPackageName=arn, IncludedData="MetadataOnly")
    assert described["ModelCard"] == {"ModelCardStatus": "Draft"}


def test_an_unversioned_package_has_a_name_and_no_approval(cloud: VirtualCloud) -> None:
    arn = cloud.call(
        "CreateModelPackage",
        ModelPackageName="Plain",
        InferenceSpecification=UNVERSIONED,
        Tags=[{"Key": "a", "Value": "b"}],
    )["ModelPackageArn"]
    assert arn == f"{PREFIX}:model-package/plain"
    described = cloud.call("DescribeModelPackage", ModelPackageName="Plain")
    assert described["ModelPackageName"] == "Plain"
    assert "ModelApprovalStatus" not in described
    assert "ModelPackageGroupName" not in described
    assert cloud.call("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    cloud.model(Containers=[{"ModelPackageName": arn}])
    for request, fragment in (
        ({"ModelPackageName": "PLAIN", "InferenceSpecification": UNVERSIONED}, "already exists"),
        ({"ModelPackageName": "p"}, "InferenceSpecification is required"),
        (
            {"ModelPackageName": "p", "InferenceSpecification": specification()},
            "SupportedRealtimeInferenceInstanceTypes is required",
        ),
        (
            {
                "ModelPackageName": "p",
                "InferenceSpecification": UNVERSIONED,
                "ModelApprovalStatus": "Approved",
            },
            "ModelApprovalStatus does not apply",
        ),
    ):
        assert fragment in cloud.refused("CreateModelPackage", **request).message
    error = cloud.refused("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert "does not apply" in error.message


def test_a_version_takes_no_tags_and_what_is_not_modelled_is_refused(cloud: VirtualCloud) -> None:
    cloud.group()
    role = {"ValidationRole": ROLE, "ValidationProfiles": []}
    for members, fragment in (
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "uses the tags of its model package group"),
        ({"ValidationSpecification": role}, "does not model ValidationSpecification"),
        ({"CertifyForMarketplace": True}, "does not model the Marketplace"),
        (
            {"SourceAlgorithmSpecification": {"SourceAlgorithms": [{"AlgorithmName": "a"}]}},
            "does not model algorithms",
        ),
    ):
        error = cloud.refused("CreateModelPackage", ModelPackageGroupName="churn", **members)
        assert fragment in error.message


def test_several_versions_are_described_at_once_with_the_errors_of_the_others(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = cloud.version()
    missing = f"{PREFIX}:model-package/churn/9"
    answer = cloud.call("BatchDescribeModelPackage", ModelPackageArnList=[arn, missing])
    assert answer["ModelPackageSummaries"][arn]["ModelApprovalStatus"] == "Approved"
    assert answer["BatchDescribeModelPackageErrorMap"][missing]["ErrorCode"] == "ValidationException"


def test_arns_keep_letter_case_if_the_switch_says_so() -> None:
    cloud = VirtualCloud(switches=Switches(arn_letter_case=ArnLetterCase.PRESERVED))
    assert cloud.group("Churn") == f"{PREFIX}:model-package-group/Churn"
    arn = cloud.version("Churn")
    assert arn == f"{PREFIX}:model-package/Churn/1"
    assert cloud.call("DescribeModelPackage", ModelPackageName=arn.lower())["ModelPackageArn"] == arn


def test_looking_up_a_name_in_other_letter_case_is_a_switch() -> None:
    for setting in NameLookup:
        cloud = VirtualCloud(switches=Switches(name_lookup=setting))
        cloud.group("Churn")
        request = {"ModelPackageGroupName": "churn"}
        if setting is NameLookup.CASE_INSENSITIVE:
            assert cloud.call("DescribeModelPackageGroup", **request)["ModelPackageGroupName"] == "Churn"
        else:
            assert "does not exist" in cloud.refused("DescribeModelPackageGroup", **request).message
        assert "already exists" in cloud.refused("CreateModelPackageGroup", **request).message


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("cn-north-1", "arn:aws-cn:sagemaker:cn-north-1"),
        ("us-gov-west-1", "arn:aws-us-gov:sagemaker:us-gov-west-1"),
        ("us-isob-east-1", "arn:aws-iso-b:sagemaker:us-isob-east-1"),
        ("us-east-1", "arn:aws:sagemaker:us-east-1"),
    ],
)
def test_arns_carry_the_partition_of_their_region(cloud: VirtualCloud, region: str, prefix: str) -> None:
    caller = Caller(ACCOUNT, region, "arn:aws:iam::111122223333:user/x")
    answer = cloud.call("CreateModelPackageGroup", caller, ModelPackageGroupName="g")
    assert answer["ModelPackageGroupArn"] == f"{prefix}:{ACCOUNT}:model-package-group/g"


def test_state_is_per_account_and_region(cloud: VirtualCloud) -> None:
    cloud.group()
    for caller in (BOB, Caller(ACCOUNT, "us-east-1", ALICE.principal_arn)):
        assert cloud.call("ListModelPackageGroups", caller) == {"ModelPackageGroupSummaryList": []}
        cloud.call("CreateModelPackageGroup", caller, ModelPackageGroupName="churn")


class TestAcrossAccounts:
    """Another account acts on versions by ARN, as far as the group's resource policy goes."""

    def test_without_a_policy_nothing_is_allowed_or_told(self, cloud: VirtualCloud) -> None:
        cloud.group("Churn")
        arn = cloud.version("Churn")
        for name in (arn, arn.replace("churn/1", "other/1")):
            error = cloud.refused("DescribeModelPackage", BOB, ModelPackageName=name)
            assert error.code == "AccessDeniedException"
            assert error.message == (
                f"User: {BOB.principal_arn} is not authorized to perform: sagemaker:DescribeModelPackage on "
                f"resource: {name} because no resource-based policy allows the "
                "sagemaker:DescribeModelPackage action"
            )

    def test_the_documented_policy_allows_what_it_names(self, cloud: VirtualCloud) -> None:
        group_arn = cloud.group("Churn")
        arn = cloud.version("Churn")
        actions = ("DescribeModelPackage", "ListModelPackages", "UpdateModelPackage", "CreateModel")
        text = policy(*(f"sagemaker:{action}" for action in actions))
        put = cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="Churn", ResourcePolicy=text)
        assert put == {"ModelPackageGroupArn": group_arn}
        assert cloud.call("GetModelPackageGroupPolicy", ModelPackageGroupName="Churn") == {
            "ResourcePolicy": text
        }
        assert cloud.call("DescribeModelPackage", BOB, ModelPackageName=arn)["ModelPackageVersion"] == 1
        listed = cloud.call("ListModelPackages", BOB, ModelPackageGroupName=group_arn)
        assert [item["ModelPackageArn"] for item in listed["ModelPackageSummaryList"]] == [arn]
        cloud.call("UpdateModelPackage", BOB, ModelPackageArn=arn, ModelApprovalStatus="Approved")
        assert cloud.sink.events[-1]["account"] == ACCOUNT
        role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/models"
        created = cloud.call(
            "CreateModel", BOB, ModelName="m", ExecutionRoleArn=role, Containers=[{"ModelPackageName": arn}]
        )
        assert created["ModelArn"] == f"arn:aws:sagemaker:{REGION}:{OTHER_ACCOUNT}:model/m"
        for operation, request in (
            ("DescribeModelPackageGroup", {"ModelPackageGroupName": group_arn}),
            ("DeleteModelPackage", {"ModelPackageName": arn}),
            ("CreateModelPackage", {"ModelPackageGroupName": group_arn}),
        ):
            assert cloud.refused(operation, BOB, **request).code == "AccessDeniedException"
        cloud.call("DeleteModelPackageGroupPolicy", ModelPackageGroupName="Churn")
        assert (
            cloud.refused("DescribeModelPackage", BOB, ModelPackageName=arn).code == "AccessDeniedException"
        )

    def test_a_shared_group_is_listed_when_asked_for(self, cloud: VirtualCloud) -> None:
        arn = cloud.group("Churn")
        cloud.group("private")
        text = policy("sagemaker:*", resource=arn)
        cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="Churn", ResourcePolicy=text)
        shared = cloud.call("ListModelPackageGroups", BOB, CrossAccountFilterOption="CrossAccount")
        assert [item["ModelPackageGroupName"] for item in shared["ModelPackageGroupSummaryList"]] == ["Churn"]
        assert cloud.call("ListModelPackageGroups", BOB)["ModelPackageGroupSummaryList"] == []

    @pytest.mark.parametrize(
        ("members", "allowed"),
        [
            ({}, True),
            ({"Principal": "*"}, True),
            ({"Principal": {"AWS": OTHER_ACCOUNT}}, True),
            ({"Principal": {"AWS": [BOB.principal_arn]}}, True),
            ({"Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:user/carol"}}, False),
            ({"Principal": {"AWS": "arn:aws:iam::999999999999:root"}}, False),
            ({"Principal": {"Service": "events.amazonaws.com"}}, False),
            ({"Action": "sagemaker:Describe*"}, True),
            ({"Action": "SageMaker:describemodelpackage"}, True),
            ({"Action": "sagemaker:CreateModel"}, False),
            ({"Resource": f"{PREFIX}:model-package/churn/?"}, True),
            ({"Resource": f"{PREFIX}:model-package/other/*"}, False),
            ({"Effect": "Deny"}, False),
            ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
            ({"Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}}, True),
        ],
    )
    def test_principal_action_and_resource_must_match(
        self, cloud: VirtualCloud, members: dict[str, Any], *, allowed: bool
    ) -> None:
        cloud.group("Churn")
        arn = cloud.version("Churn")
        text = policy("sagemaker:DescribeModelPackage", **members)
        cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="Churn", ResourcePolicy=text)
        if allowed:
            cloud.call("DescribeModelPackage", BOB, ModelPackageName=arn)
        else:
            assert (
                cloud.refused("DescribeModelPackage", BOB, ModelPackageName=arn).code
                == "AccessDeniedException"
            )

    def test_a_session_is_the_role_that_it_assumed(self, cloud: VirtualCloud) -> None:
        cloud.group("Churn")
        arn = cloud.version("Churn")
        text = policy(
            "sagemaker:DescribeModelPackage", Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:role/deployer"}
        )
        cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="Churn", ResourcePolicy=text)
        session = f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/deployer/session"
        cloud.call("DescribeModelPackage", Caller(OTHER_ACCOUNT, REGION, session), ModelPackageName=arn)
        other = session.replace("deployer/", "other/")
        error = cloud.refused(
            "DescribeModelPackage", Caller(OTHER_ACCOUNT, REGION, other), ModelPackageName=arn
        )
        assert error.code == "AccessDeniedException"

    def test_a_denial_outweighs_an_allowance(self, cloud: VirtualCloud) -> None:
        cloud.group("Churn")
        arn = cloud.version("Churn")
        document = json.loads(policy("sagemaker:*"))
        document["Statement"].append({**document["Statement"][0], "Effect": "Deny"})
        cloud.call(
            "PutModelPackageGroupPolicy", ModelPackageGroupName="Churn", ResourcePolicy=json.dumps(document)
        )
        assert (
            cloud.refused("DescribeModelPackage", BOB, ModelPackageName=arn).code == "AccessDeniedException"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "no json",
            "[]",
            "{}",
            '{"Statement": []}',
            '{"Statement": [1]}',
            '{"Statement": {"Effect": "Allow"}}',
            json.dumps({"Statement": {"Effect": "Maybe", "Principal": "*", "Action": "*", "Resource": "*"}}),
            json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": 7, "Resource": "*"}}),
            json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),
            json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}}),
        ],
    )
    def test_what_is_no_policy_is_refused(self, cloud: VirtualCloud, text: str) -> None:
        cloud.group()
        error = cloud.refused(
            "PutModelPackageGroupPolicy", ModelPackageGroupName="churn", ResourcePolicy=text
        )
        assert error.message.startswith("Invalid resource policy: ")

    def test_another_region_is_another_registry(self, cloud: VirtualCloud) -> None:
        cloud.group("Churn")
        arn = cloud.version("Churn")
        elsewhere = Caller(ACCOUNT, "us-east-1", ALICE.principal_arn)
        error = cloud.refused("DescribeModelPackage", elsewhere, ModelPackageName=arn)
        assert error.message == "ARN should be scoped to correct region: us-east-1"
        group_arn = f"{PREFIX}:model-package-group/churn"
        error = cloud.refused("DescribeModelPackageGroup", elsewhere, ModelPackageGroupName=group_arn)
        assert "does not exist" in error.message


def test_the_image_and_data_of_every_container_are_kept(cloud: VirtualCloud) -> None:
    cloud.group()
    digest = "sha256:" + "a" * 64
    arn = cloud.version(
        InferenceSpecification={
            "Containers": [
                {"Image": f"{IMAGE}@{digest}", "ModelDataUrl": DATA},
                {"Image": "second:1", "ImageDigest": digest},
            ]
        }
    )
    containers = cloud.call("DescribeModelPackage", ModelPackageName=arn)["InferenceSpecification"][
        "Containers"
    ]
    assert [container["ImageDigest"] for container in containers] == [digest, digest]


def test_a_group_keeps_its_managed_storage(cloud: VirtualCloud) -> None:
    managed = {"ManagedStorageType": "Restricted"}
    cloud.call("CreateModelPackageGroup", ModelPackageGroupName="g", ManagedConfiguration=managed)
    described = cloud.call("DescribeModelPackageGroup", ModelPackageGroupName="g")
    assert described["ManagedConfiguration"] == managed


def test_additional_specifications_can_come_with_the_version_up_to_fifteen(cloud: VirtualCloud) -> None:
    cloud.group()

    def named(*numbers: int) -> list[dict[str, Any]]:
        return [{"Name": f"s{number}", "Containers": [{"Image": IMAGE}]} for number in numbers]

    arn = cloud.version(AdditionalInferenceSpecifications=named(*range(15)))
    described = cloud.call("DescribeModelPackage", ModelPackageName=arn)
    specifications = described["AdditionalInferenceSpecifications"]
    assert all("ImageDigest" in item["Containers"][0] for item in specifications)
    error = cloud.refused(
        "UpdateModelPackage", ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=named(15)
    )
    assert "more than 15 additional inference specifications" in error.message
