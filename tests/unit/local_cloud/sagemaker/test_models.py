"""Models: made of images or of packages, checked when they are created, and never changed."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.sagemaker.switch_settings import PackageEnvironment, UnapprovedPackage
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_ports import StrictArtifacts
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    DATA,
    IMAGE,
    PREFIX,
    ROLE,
    VirtualCloud,
    variant,
)


def test_a_model_is_described_as_it_was_created_with_the_defaults_of_aws(cloud: VirtualCloud) -> None:
    cloud.model("Model-1", Tags=[{"Key": "a", "Value": "b"}])
    assert cloud.call("DescribeModel", ModelName="Model-1") == {
        "ModelName": "Model-1",
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": DATA, "Mode": "SingleModel"},
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": False,
        "ModelArn": f"{PREFIX}:model/model-1",
        "CreationTime": START,
    }


@pytest.mark.parametrize("member", ["PrimaryContainer", "Containers"])
def test_a_package_may_stand_in_either_place(cloud: VirtualCloud, member: str) -> None:
    cloud.group()
    arn = cloud.version()
    container = {"ModelPackageName": arn}
    cloud.call(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        **{member: [container] if member == "Containers" else container},
    )
    described = cloud.call("DescribeModel", ModelName="m")
    shown = described[member][0] if member == "Containers" else described[member]
    assert shown == {"ModelPackageName": arn, "Mode": "SingleModel"}


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({}, "needs at least one container"),
        ({"Containers": []}, "needs at least one container"),
        ({"PrimaryContainer": {"Image": IMAGE}, "Containers": [{"Image": IMAGE}]}, "not both"),
        (
            {"PrimaryContainer": {"Image": IMAGE, "Environment": {f"k{i}": "v" * 1000 for i in range(40)}}},
            "cannot exceed 32768 bytes",
        ),
    ],
)
def test_contradictions_are_refused(cloud: VirtualCloud, members: dict[str, Any], fragment: str) -> None:
    assert fragment in cloud.refused("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, **members).message
    assert cloud.call("ListModels") == {"Models": []}


def test_an_uncompressed_model_is_read_below_its_prefix() -> None:
    cloud = VirtualCloud(artifacts=StrictArtifacts({"s3://bucket/model/code/inference.py"}))
    source = {"S3Uri": "s3://bucket/model/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    cloud.model(PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}})
    other = {**source, "S3Uri": "s3://bucket/other/"}
    error = cloud.refused(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": other}},
    )
    assert error.message == "Could not find model data at s3://bucket/other/."


@pytest.mark.parametrize("through_package", [False, True])
def test_model_data_needs_a_role_that_reads_it(cloud: VirtualCloud, *, through_package: bool) -> None:
    cloud.group()
    arn = cloud.version()
    container = {"ModelPackageName": arn} if through_package else {"Image": IMAGE, "ModelDataUrl": DATA}
    error = cloud.refused("CreateModel", ModelName="m", Containers=[container])
    assert (error.code, error.status) == ("ValidationException", 400)
    assert error.message.startswith("ExecutionRoleArn is required")
    cloud.call("CreateModel", ModelName="m", Containers=[{"Image": IMAGE}])


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.eu-west-1.amazonaws.com/model.tar.gz",
        "https://bucket.s3.amazonaws.com/model.tar.gz",
        "https://bucket.s3-eu-west-1.amazonaws.com/model.tar.gz",
        "https://s3.eu-west-1.amazonaws.com/bucket/model.tar.gz",
        "https://s3.amazonaws.com/bucket/model.tar.gz",
        "https://s3-eu-west-1.amazonaws.com/bucket/model.tar.gz",
    ],
)
def test_model_data_is_read_by_each_address_of_its_object(url: str) -> None:
    cloud = VirtualCloud(artifacts=StrictArtifacts({"s3://bucket/model.tar.gz"}))
    cloud.model(PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    shown = cloud.call("DescribeModel", ModelName="model-1")
    assert shown["PrimaryContainer"]["ModelDataUrl"] == url


def test_a_package_without_anything_to_run_cannot_become_a_model(cloud: VirtualCloud) -> None:
    cloud.group()
    logged = cloud.call("CreateModelPackage", ModelPackageGroupName="churn", ModelApprovalStatus="Approved")
    imageless = cloud.version(InferenceSpecification={"Containers": [{"ModelDataUrl": DATA}]})
    for arn, fragment in (
        (logged["ModelPackageArn"], "has no inference specification"),
        (imageless, "has a container without Image"),
    ):
        error = cloud.refused(
            "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}]
        )
        assert fragment in error.message


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (PackageEnvironment.MERGE, {"A": "package", "B": "model"}),
        (PackageEnvironment.REPLACE, {"B": "model"}),
    ],
)
def test_how_environments_meet_is_a_switch(setting: PackageEnvironment, expected: dict[str, str]) -> None:
    cloud = VirtualCloud(switches=Switches(package_environment=setting))
    cloud.group()
    package = {"A": "package", "B": "package"}
    arn = cloud.version(InferenceSpecification={"Containers": [{"Image": IMAGE, "Environment": package}]})
    cloud.model("model-1", Containers=[{"ModelPackageName": arn, "Environment": {"B": "model"}}])
    cloud.model("model-2", Containers=[{"ModelPackageName": arn}])
    cloud.config("config-1", variant(VariantName="a"), variant(VariantName="b", ModelName="model-2"))
    cloud.endpoint()
    launched = {fleet.spec.model_name: fleet.spec.containers[0] for fleet in cloud.hosting.fleets.values()}
    assert launched["model-1"].environment == expected
    assert launched["model-2"].environment == package


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
@pytest.mark.parametrize("setting", UnapprovedPackage)
def test_where_an_unapproved_version_is_refused_is_a_switch(setting: UnapprovedPackage, status: str) -> None:
    cloud = VirtualCloud(switches=Switches(unapproved_package=setting))
    cloud.group()
    arn = cloud.version(approval=status)
    message = f"Model package {arn} cannot be deployed: its ModelApprovalStatus is {status}, and it must be "
    message += "Approved."
    if setting is UnapprovedPackage.CREATE_MODEL:
        error = cloud.refused(
            "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}]
        )
        assert error.message == message
        return
    cloud.model(Containers=[{"ModelPackageName": arn}])
    if setting is UnapprovedPackage.CREATE_ENDPOINT_CONFIG:
        error = cloud.refused("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant()])
        assert error.message == message
        return
    cloud.config()
    if setting is UnapprovedPackage.CREATE_ENDPOINT:
        error = cloud.refused("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
        assert error.message == message
        return
    cloud.endpoint()
    described = cloud.describe()
    if setting is UnapprovedPackage.DEPLOYMENT:
        assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", message)
    else:
        assert described["EndpointStatus"] == "InService"


def test_an_update_checks_approval_where_creation_does() -> None:
    cloud = VirtualCloud(switches=Switches(unapproved_package=UnapprovedPackage.CREATE_ENDPOINT))
    cloud.serving()
    cloud.group()
    arn = cloud.version(approval="Rejected")
    cloud.model("model-3", Containers=[{"ModelPackageName": arn}])
    cloud.config("config-3", variant(ModelName="model-3"))
    error = cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-3")
    assert "it must be Approved" in error.message
    cloud.call("DeleteModelPackage", ModelPackageName=arn)
    cloud.update("config-3")


def test_a_deleted_model_is_gone_with_its_tags(cloud: VirtualCloud) -> None:
    arn = cloud.model(Tags=[{"Key": "a", "Value": "b"}])
    cloud.call("DeleteModel", ModelName="model-1")
    assert cloud.call("ListModels") == {"Models": []}
    cloud.model()
    assert cloud.call("ListTags", ResourceArn=arn) == {"Tags": []}
