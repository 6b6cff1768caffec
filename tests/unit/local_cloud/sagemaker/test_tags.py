"""Tags: per resource, overwritten by key, at most fifty."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.local_cloud.sagemaker.virtual_cloud import BOB, PREFIX, VirtualCloud

TEAM = {"Key": "team", "Value": "growth"}


def test_tags_are_added_overwritten_listed_and_deleted_on_every_taggable_resource(
    cloud: VirtualCloud,
) -> None:
    cloud.serving()
    cloud.group()
    for resource in (
        "endpoint/churn",
        "endpoint-config/config-1",
        "model/model-1",
        "model-package-group/churn",
    ):
        arn = f"{PREFIX}:{resource}"
        assert cloud.call("AddTags", ResourceArn=arn, Tags=[TEAM]) == {"Tags": [TEAM]}
        changed = {"Key": "team", "Value": "risk"}
        other = {"Key": "Team", "Value": ""}
        assert cloud.call("AddTags", ResourceArn=arn, Tags=[changed, other])["Tags"] == [changed, other]
        # The letter case of an ARN does not matter.
        assert cloud.call("ListTags", ResourceArn=arn.replace("/churn", "/Churn"))["Tags"] == [changed, other]
        assert cloud.call("DeleteTags", ResourceArn=arn, TagKeys=["team", "missing"]) == {}
        assert cloud.call("ListTags", ResourceArn=arn, MaxResults=50) == {"Tags": [other]}


@pytest.mark.parametrize(
    ("operation", "request_members"),
    [("AddTags", {"Tags": [TEAM]}), ("ListTags", {}), ("DeleteTags", {"TagKeys": ["team"]})],
)
@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("endpoint/missing", 'Could not find endpoint "{arn}".'),
        ("endpoint-config/missing", 'Could not find endpoint configuration "{arn}".'),
        ("model/missing", 'Could not find model "{arn}".'),
        ("model-package-group/missing", "ModelPackageGroup {arn} does not exist."),
        ("model-package/missing", "ModelPackage {arn} does not exist."),
        ("training-job/t", "The local cloud does not model resources of type 'training-job'."),
        ("model-package/churn/1", "{arn} is a version of a model package group"),
    ],
)
def test_what_cannot_be_tagged_is_refused(
    cloud: VirtualCloud, operation: str, request_members: dict[str, Any], resource: str, message: str
) -> None:
    cloud.group()
    cloud.version()
    arn = f"{PREFIX}:{resource}"
    error = cloud.refused(operation, ResourceArn=arn, **request_members)
    assert error.message.startswith(message.format(arn=arn))


def test_another_account_s_resources_cannot_be_tagged(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = f"{PREFIX}:model-package-group/churn"
    error = cloud.refused("AddTags", BOB, ResourceArn=arn, Tags=[TEAM])
    assert error.code == "AccessDeniedException"
    assert "sagemaker:AddTags" in error.message


@pytest.mark.parametrize(
    ("tags", "fragment"),
    [
        ([TEAM, TEAM], "Duplicate tag key 'team'"),
        ([{"Key": "AWS:x", "Value": "y"}], "the prefix aws: is reserved"),
        ([{"Key": f"k{index}", "Value": ""} for index in range(50)], "more than 50 tags"),
    ],
)
def test_tags_that_aws_refuses_are_refused_and_nothing_is_created(
    cloud: VirtualCloud, tags: list[dict[str, str]], fragment: str
) -> None:
    cloud.group()
    arn = f"{PREFIX}:model-package-group/churn"
    cloud.call("AddTags", ResourceArn=arn, Tags=[{"Key": "first", "Value": ""}])
    assert fragment in cloud.refused("AddTags", ResourceArn=arn, Tags=tags).message
    assert cloud.call("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "first", "Value": ""}]
    if len(tags) < 50:
        error = cloud.refused("CreateModelPackageGroup", ModelPackageGroupName="other", Tags=tags)
        assert fragment in error.message
        assert (
            "does not exist"
            in cloud.refused("DescribeModelPackageGroup", ModelPackageGroupName="other").message
        )


def test_a_token_of_tags_was_never_handed_out(cloud: VirtualCloud) -> None:
    cloud.group()
    arn = f"{PREFIX}:model-package-group/churn"
    assert "Invalid NextToken" in cloud.refused("ListTags", ResourceArn=arn, NextToken="x").message


def test_tags_end_with_their_endpoint(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.endpoint(Tags=[TEAM])
    cloud.call("DeleteEndpoint", EndpointName="churn")
    assert cloud.call("ListTags", ResourceArn=f"{PREFIX}:endpoint/churn")["Tags"] == [TEAM]
    cloud.settle()
    cloud.endpoint()
    assert cloud.call("ListTags", ResourceArn=f"{PREFIX}:endpoint/churn")["Tags"] == []
