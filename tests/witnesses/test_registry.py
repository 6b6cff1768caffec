from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.sagemaker.timings import Timings
from tests.witnesses.observed_cloud import ACCOUNT, DATA, IMAGE, TAG, ObservedCloud, refusal, specification
from tests.witnesses.witness import Observed, witness

_ACK = "aws-controllers-k8s/sagemaker-controller@dc49707"
_TERRAFORM = "hashicorp/terraform-provider-aws"
_GROUP_TEST = f"{_TERRAFORM}@0df29870:internal/service/sagemaker/model_package_group_policy_test.go"
_SDK = "aws/sagemaker-python-sdk"
_SLOW = Timings(model_package_seconds=5)
_UNVERSIONED = specification(
    SupportedRealtimeInferenceInstanceTypes=["ml.m5.large"], SupportedTransformInstanceTypes=["ml.m5.large"]
)


def _listed(cloud: ObservedCloud, **members: Any) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = cloud.sagemaker.list_model_packages(**members)["ModelPackageSummaryList"]
    return answer


@witness(
    "group-life",
    source=f"{_ACK}:test/e2e/tests/test_model_package_group.py:test_create_model_package_group",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="A group is Completed, has its tags, and cannot be described once it is deleted.",
)
def test_a_group_is_completed_and_tagged_until_it_is_deleted(cloud: ObservedCloud) -> None:
    arn = cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn", Tags=[TAG])[
        "ModelPackageGroupArn"
    ]
    shown = cloud.sagemaker.describe_model_package_group(ModelPackageGroupName="churn")
    assert (shown["ModelPackageGroupArn"], shown["ModelPackageGroupStatus"]) == (arn, "Completed")
    assert cloud.tags(arn) == {"environment": "testing"}
    cloud.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    code, _ = refusal(cloud.sagemaker.describe_model_package_group, ModelPackageGroupName="churn")
    assert code == "ValidationException"


@witness(
    "group-missing",
    source=f"{_ACK}:generator.yaml:ModelPackageGroup",
    date="2026-08-13",
    observed=Observed.HANDLED,
    fact="Describing a group that is gone is a ValidationException that ends in `does not exist.`.",
)
def test_a_missing_group_does_not_exist(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.describe_model_package_group, ModelPackageGroupName="churn")
    assert code == "ValidationException"
    assert message.startswith("ModelPackageGroup arn:")
    assert message.endswith(" does not exist.")


@witness(
    "group-again",
    source="apache/airflow#28024",
    date="2022-12-01",
    observed=Observed.HANDLED,
    fact="Creating a group twice is a ValidationException with `Model Package Group already exists`.",
)
def test_a_group_cannot_be_created_twice(cloud: ObservedCloud) -> None:
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    code, message = refusal(cloud.sagemaker.create_model_package_group, ModelPackageGroupName="churn")
    assert code == "ValidationException"
    assert message.startswith("Model Package Group already exists")


@witness(
    "group-by-arn",
    source=f"{_SDK}#3726",
    date="2023-03-16",
    observed=Observed.REPORT,
    fact="CreateModelPackage accepts a group's ARN; CreateModelPackageGroup refuses it as a name.",
)
def test_a_version_is_registered_by_the_group_s_arn(cloud: ObservedCloud) -> None:
    arn = cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")["ModelPackageGroupArn"]
    created = cloud.sagemaker.create_model_package(
        ModelPackageGroupName=arn, InferenceSpecification=specification()
    )
    assert created["ModelPackageArn"].endswith(":model-package/churn/1")
    code, _ = refusal(cloud.sagemaker.create_model_package_group, ModelPackageGroupName=arn)
    assert code == "ValidationException"


@witness(
    "group-policy",
    source=f"{_GROUP_TEST}:basic",
    date="2022",
    observed=Observed.TEST,
    fact="A group's policy may name the group's own account, and is returned as sent.",
)
def test_a_group_s_policy_is_kept(cloud: ObservedCloud) -> None:
    arn = cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")["ModelPackageGroupArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Describe",
                "Effect": "Allow",
                "Action": ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
                "Resource": arn,
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            }
        ],
    }
    cloud.sagemaker.put_model_package_group_policy(
        ModelPackageGroupName="churn", ResourcePolicy=json.dumps(policy)
    )
    shown = cloud.sagemaker.get_model_package_group_policy(ModelPackageGroupName="churn")
    assert json.loads(shown["ResourcePolicy"]) == policy


@witness(
    "group-policy-missing",
    source=f"{_TERRAFORM}@050ac111:internal/service/sagemaker/find.go:FindModelPackageGroupPolicyByName",
    date="2023",
    observed=Observed.HANDLED,
    fact="For a group without a policy, the answer is a ValidationException with `Cannot find resource "
    "policy`.",
)
def test_a_missing_policy_cannot_be_found(cloud: ObservedCloud) -> None:
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    code, message = refusal(cloud.sagemaker.get_model_package_group_policy, ModelPackageGroupName="churn")
    assert code == "ValidationException"
    assert message.startswith("Cannot find resource policy")


@witness(
    "group-policy-group-missing",
    source=f"{_GROUP_TEST}:Disappears_modelPackageGroup",
    date="2022",
    observed=Observed.TEST,
    fact="A group with a policy can be deleted. Then the answer for its policy is `Cannot find Model Package"
    " Group`.",
)
def test_a_policy_goes_with_its_group(cloud: ObservedCloud) -> None:
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sagemaker:DescribeModelPackage",
                "Resource": "*",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            }
        ],
    }
    cloud.sagemaker.put_model_package_group_policy(
        ModelPackageGroupName="churn", ResourcePolicy=json.dumps(policy)
    )
    cloud.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    for call in (
        cloud.sagemaker.get_model_package_group_policy,
        cloud.sagemaker.delete_model_package_group_policy,
    ):
        code, message = refusal(call, ModelPackageGroupName="churn")
        assert code == "ValidationException"
        assert message.startswith("Cannot find Model Package Group")


@witness(
    "version-life",
    source=f"{_ACK}:test/e2e/tests/test_model_package.py:test_versioned_model_package_completed",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="A version is InProgress, then Completed. Approval and its description change while it is "
    "Completed. Once deleted, it cannot be described.",
)
def test_a_version_completes_is_approved_and_deleted() -> None:
    cloud = ObservedCloud(timings=_SLOW)
    arn = cloud.version("churn")
    assert [each["ModelPackageArn"] for each in _listed(cloud, ModelPackageGroupName="churn")] == [arn]
    assert cloud.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageStatus"] == "InProgress"
    cloud.settle()
    assert cloud.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageStatus"] == "Completed"
    cloud.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    shown = cloud.sagemaker.describe_model_package(ModelPackageName=arn)
    assert shown["ModelPackageStatus"] == "Completed"
    assert (shown["ModelApprovalStatus"], shown["ApprovalDescription"]) == ("Approved", "good")
    cloud.sagemaker.delete_model_package(ModelPackageName=arn)
    code, _ = refusal(cloud.sagemaker.describe_model_package, ModelPackageName=arn)
    assert code == "ValidationException"


@witness(
    "package-life",
    source=f"{_ACK}:test/e2e/tests/test_model_package.py:test_unversioned_model_package_completed",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="An unversioned package is InProgress, then Completed. It has tags, and is described and deleted by"
    " name.",
)
def test_an_unversioned_package_completes_under_its_name() -> None:
    cloud = ObservedCloud(timings=_SLOW)
    arn = cloud.sagemaker.create_model_package(
        ModelPackageName="bought", InferenceSpecification=_UNVERSIONED, Tags=[TAG]
    )["ModelPackageArn"]
    shown = cloud.sagemaker.describe_model_package(ModelPackageName="bought")
    assert (shown["ModelPackageArn"], shown["ModelPackageStatus"]) == (arn, "InProgress")
    cloud.settle()
    shown = cloud.sagemaker.describe_model_package(ModelPackageName="bought")
    assert shown["ModelPackageStatus"] == "Completed"
    assert cloud.tags(arn) == {"environment": "testing"}
    cloud.sagemaker.delete_model_package(ModelPackageName="bought")
    code, _ = refusal(cloud.sagemaker.describe_model_package, ModelPackageName="bought")
    assert code == "ValidationException"


@witness(
    "package-missing",
    source=f"{_ACK}:generator.yaml:ModelPackage",
    date="2026-08-13",
    observed=Observed.HANDLED,
    fact="Describing a package that is gone is a ValidationException that ends in `does not exist.`.",
)
@pytest.mark.parametrize("call", ["describe_model_package", "delete_model_package"])
def test_a_missing_package_does_not_exist(cloud: ObservedCloud, call: str) -> None:
    deleted = cloud.version("churn")
    cloud.sagemaker.delete_model_package(ModelPackageName=deleted)
    for name in (deleted, "churn/1", "bought"):
        code, message = refusal(getattr(cloud.sagemaker, call), ModelPackageName=name)
        assert code == "ValidationException"
        assert message.startswith("ModelPackage arn:")
        assert message.endswith(" does not exist.")


@witness(
    "package-again",
    source=f"{_SDK}@a248126:sagemaker-core/src/sagemaker/core/helper/session_helper.py"
    ":create_model_package_from_algorithm",
    date="2026-08-21",
    observed=Observed.HANDLED,
    fact="A taken name of an unversioned package is a ValidationException with `ModelPackage already "
    "exists`.",
)
def test_an_unversioned_package_cannot_be_created_twice(cloud: ObservedCloud) -> None:
    request = {"ModelPackageName": "bought", "InferenceSpecification": _UNVERSIONED}
    cloud.sagemaker.create_model_package(**request)
    code, message = refusal(cloud.sagemaker.create_model_package, **request)
    assert code == "ValidationException"
    assert message.startswith("ModelPackage already exists")


@witness(
    "package-nameless",
    source="getmoto/moto#7165:neither",
    date="2023-12-31",
    observed=Observed.REPORT,
    fact="A package with neither a name nor a group is refused: `Missing ARN.`.",
)
def test_a_package_needs_a_name_or_a_group(cloud: ObservedCloud) -> None:
    assert refusal(cloud.sagemaker.create_model_package, InferenceSpecification=specification()) == (
        "ValidationException",
        "Missing ARN.",
    )


@witness(
    "package-two-names",
    source="getmoto/moto#7165:both",
    date="2023-12-31",
    observed=Observed.REPORT,
    fact="A package with a name and a group is refused, because SageMaker cannot tell which one is meant.",
)
def test_a_package_has_no_name_next_to_its_group(cloud: ObservedCloud) -> None:
    code, message = refusal(
        cloud.sagemaker.create_model_package, ModelPackageName="churn", ModelPackageGroupName="churn"
    )
    assert code == "ValidationException"
    assert message == (
        "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which "
        "one to use."
    )


@witness(
    "package-region",
    source="aws/amazon-sagemaker-examples#1438",
    date="2020-08-21",
    observed=Observed.REPORT,
    fact="A package ARN of another region is refused; the message has the right region.",
)
def test_a_package_s_arn_has_to_be_of_the_region_that_is_called(cloud: ObservedCloud) -> None:
    arn = cloud.version("churn")
    assert refusal(cloud.in_region("us-east-2").describe_model_package, ModelPackageName=arn) == (
        "ValidationException",
        "ARN should be scoped to correct region: us-east-2",
    )


@witness(
    "package-name-form",
    source="aws/amazon-sagemaker-examples#2289",
    date="2021-05-13",
    observed=Observed.REPORT,
    fact="An invalid package name is refused with the value, the member and the violated pattern.",
)
def test_a_malformed_package_name_is_quoted_with_its_member(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.describe_model_package, ModelPackageName="a bad name")
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'a bad name' at 'modelPackageName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
    )


@witness(
    "package-image-digest",
    source=f"{_ACK}:pkg/resource/model_package/custom_delta.go",
    date="2026-08-13",
    observed=Observed.HANDLED,
    fact="A package's container without a digest is described with its image's digest.",
)
def test_a_package_s_images_are_described_with_their_digests(cloud: ObservedCloud) -> None:
    arn = cloud.version("churn")
    shown = cloud.sagemaker.describe_model_package(ModelPackageName=arn)["InferenceSpecification"]
    [container] = shown["Containers"]
    digest = container.pop("ImageDigest")
    assert digest.startswith("sha256:")
    assert container == {"Image": IMAGE, "ModelDataUrl": DATA}


@witness(
    "versions-need-a-group",
    source="boto/boto3#3069",
    date="2021-11-12",
    observed=Observed.REPORT,
    fact="ListModelPackages without a group lists no versions of any group.",
)
def test_versions_are_not_listed_without_their_group(cloud: ObservedCloud) -> None:
    arn = cloud.version("churn")
    assert _listed(cloud) == []
    assert [each["ModelPackageArn"] for each in _listed(cloud, ModelPackageGroupName="churn")] == [arn]


@witness(
    "version-nameless",
    source=f"{_SDK}#5606",
    date="2026-03-06",
    observed=Observed.REPORT,
    fact="No version in a group's list has a ModelPackageName.",
)
def test_listed_versions_have_no_name(cloud: ObservedCloud) -> None:
    cloud.version("churn")
    [listed] = _listed(cloud, ModelPackageGroupName="churn")
    assert "ModelPackageName" not in listed
    assert (listed["ModelPackageGroupName"], listed["ModelPackageVersion"]) == ("churn", 1)


@witness(
    "group-emptied",
    source=f"{_SDK}@a248126:sagemaker-mlops/tests/integ/test_model_registry.py:test_model_registry",
    date="2026-08-21",
    observed=Observed.TEST,
    fact="A version may be registered as Approved. A group can be deleted after each version in its list was"
    " deleted by ARN.",
)
def test_a_group_is_emptied_by_its_list_and_deleted(cloud: ObservedCloud) -> None:
    for _ in range(3):
        arn = cloud.version("churn", ModelApprovalStatus="Approved")
        shown = cloud.sagemaker.describe_model_package(ModelPackageName=arn)
        assert shown["ModelApprovalStatus"] == "Approved"
    for each in _listed(cloud, ModelPackageGroupName="churn"):
        cloud.sagemaker.delete_model_package(ModelPackageName=each["ModelPackageArn"])
    cloud.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    assert cloud.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
