"""The catalogue of refusals: one row each, with the code and the exact message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.switch_settings import NotFoundNames
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_ports import StrictArtifacts, StrictIdentity
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    BOB,
    DATA,
    IMAGE,
    OTHER_ACCOUNT,
    PREFIX,
    REGION,
    ROLE,
    VirtualCloud,
    variant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Row = tuple["Callable[[VirtualCloud], None]", str, dict[str, Any], str]

_VARIANTS = [variant()]
_CHANGE = [{"VariantName": "AllTraffic", "DesiredWeight": 1}]


def _nothing(_cloud: VirtualCloud) -> None:
    pass


def _serving(cloud: VirtualCloud) -> None:
    cloud.serving()


def _group(cloud: VirtualCloud) -> None:
    cloud.group("Churn")


def _current_config_deleted(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.call("DeleteEndpointConfig", EndpointConfigName="config-1")


def _model_deleted(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.call("DeleteModel", ModelName="model-1")


def _version(cloud: VirtualCloud) -> None:
    cloud.group()
    cloud.version()


NO_ENDPOINT = 'Could not find endpoint "Missing".'
NO_CONFIG = f'Could not find endpoint configuration "{PREFIX}:endpoint-config/missing".'
NO_MODEL = f'Could not find model "{PREFIX}:model/missing".'
NO_GROUP = f"ModelPackageGroup {PREFIX}:model-package-group/missing does not exist."
NO_PACKAGE = f"ModelPackage {PREFIX}:model-package/churn/9 does not exist."

CATALOGUE: dict[str, Row] = {
    "describe missing endpoint": (_nothing, "DescribeEndpoint", {"EndpointName": "Missing"}, NO_ENDPOINT),
    "update missing endpoint": (
        _serving,
        "UpdateEndpoint",
        {"EndpointName": "Missing", "EndpointConfigName": "config-2"},
        NO_ENDPOINT,
    ),
    "delete missing endpoint": (_nothing, "DeleteEndpoint", {"EndpointName": "Missing"}, NO_ENDPOINT),
    "rescale missing endpoint": (
        _nothing,
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "Missing", "DesiredWeightsAndCapacities": _CHANGE},
        NO_ENDPOINT,
    ),
    "create endpoint on missing config": (
        _nothing,
        "CreateEndpoint",
        {"EndpointName": "churn", "EndpointConfigName": "missing"},
        NO_CONFIG,
    ),
    "update endpoint to missing config": (
        _serving,
        "UpdateEndpoint",
        {"EndpointName": "churn", "EndpointConfigName": "missing"},
        NO_CONFIG,
    ),
    "describe missing config": (
        _nothing,
        "DescribeEndpointConfig",
        {"EndpointConfigName": "missing"},
        NO_CONFIG,
    ),
    "delete missing config": (_nothing, "DeleteEndpointConfig", {"EndpointConfigName": "missing"}, NO_CONFIG),
    "config of missing model": (
        _nothing,
        "CreateEndpointConfig",
        {"EndpointConfigName": "c", "ProductionVariants": [variant(ModelName="missing")]},
        NO_MODEL,
    ),
    "describe missing model": (_nothing, "DescribeModel", {"ModelName": "missing"}, NO_MODEL),
    "delete missing model": (_nothing, "DeleteModel", {"ModelName": "missing"}, NO_MODEL),
    "create endpoint when its model is gone": (
        _model_deleted,
        "CreateEndpoint",
        {"EndpointName": "churn", "EndpointConfigName": "config-1"},
        f'Could not find model "{PREFIX}:model/model-1".',
    ),
    "create existing endpoint": (
        _serving,
        "CreateEndpoint",
        {"EndpointName": "CHURN", "EndpointConfigName": "config-1"},
        f'Cannot create already existing endpoint "{PREFIX}:endpoint/churn".',
    ),
    "create existing config": (
        _serving,
        "CreateEndpointConfig",
        {"EndpointConfigName": "Config-1", "ProductionVariants": _VARIANTS},
        f'Cannot create already existing endpoint configuration "{PREFIX}:endpoint-config/config-1".',
    ),
    "create existing model": (
        _serving,
        "CreateModel",
        {"ModelName": "Model-1", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}},
        f'Cannot create already existing model "{PREFIX}:model/model-1".',
    ),
    "update when the current config was deleted": (
        _current_config_deleted,
        "UpdateEndpoint",
        {"EndpointName": "churn", "EndpointConfigName": "config-2"},
        f'Could not find endpoint configuration "{PREFIX}:endpoint-config/config-1".',
    ),
    "create existing group": (
        _group,
        "CreateModelPackageGroup",
        {"ModelPackageGroupName": "CHURN"},
        f"Model Package Group already exists: {PREFIX}:model-package-group/churn",
    ),
    "describe missing group": (
        _nothing,
        "DescribeModelPackageGroup",
        {"ModelPackageGroupName": "missing"},
        NO_GROUP,
    ),
    "delete missing group": (
        _nothing,
        "DeleteModelPackageGroup",
        {"ModelPackageGroupName": "missing"},
        NO_GROUP,
    ),
    "register in missing group": (
        _nothing,
        "CreateModelPackage",
        {"ModelPackageGroupName": "missing"},
        "Model Package Group does not exist.",
    ),
    "list versions of missing group": (
        _nothing,
        "ListModelPackages",
        {"ModelPackageGroupName": "missing"},
        NO_GROUP,
    ),
    "describe missing version": (
        _version,
        "DescribeModelPackage",
        {"ModelPackageName": "churn/9"},
        NO_PACKAGE,
    ),
    "update missing version": (
        _version,
        "UpdateModelPackage",
        {"ModelPackageArn": f"{PREFIX}:model-package/churn/9"},
        NO_PACKAGE,
    ),
    "delete missing version": (_version, "DeleteModelPackage", {"ModelPackageName": "churn/9"}, NO_PACKAGE),
    "model of missing version": (
        _version,
        "CreateModel",
        {"ModelName": "m", "ExecutionRoleArn": ROLE, "Containers": [{"ModelPackageName": "churn/9"}]},
        NO_PACKAGE,
    ),
    "group name and package name": (
        _group,
        "CreateModelPackage",
        {"ModelPackageGroupName": "churn", "ModelPackageName": "p"},
        (
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        ),
    ),
    "neither group name nor package name": (_nothing, "CreateModelPackage", {}, "Missing ARN."),
    "policy of missing group": (
        _nothing,
        "GetModelPackageGroupPolicy",
        {"ModelPackageGroupName": "missing"},
        f"Cannot find Model Package Group: {PREFIX}:model-package-group/missing",
    ),
    "group without policy": (
        _group,
        "GetModelPackageGroupPolicy",
        {"ModelPackageGroupName": "churn"},
        f"Cannot find resource policy for: {PREFIX}:model-package-group/churn",
    ),
    "delete the policy of a group without one": (
        _group,
        "DeleteModelPackageGroupPolicy",
        {"ModelPackageGroupName": "churn"},
        f"Cannot find resource policy for: {PREFIX}:model-package-group/churn",
    ),
    "image next to package": (
        _version,
        "CreateModel",
        {
            "ModelName": "m",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"ModelPackageName": "churn/1", "Image": IMAGE},
        },
        "Specify one of either Image and Model Data URL or ModelPackageName in container definition.",
    ),
    "model data next to package": (
        _version,
        "CreateModel",
        {
            "ModelName": "m",
            "ExecutionRoleArn": ROLE,
            "Containers": [{"ModelPackageName": "churn/1", "ModelDataUrl": DATA}],
        },
        "Specify one of either Image and Model Data URL or ModelPackageName in container definition.",
    ),
    "neither image nor package": (
        _nothing,
        "CreateModel",
        {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelDataUrl": DATA}},
        "Specify one of either Image and Model Data URL or ModelPackageName in container definition.",
    ),
    "role of another account": (
        _nothing,
        "CreateModel",
        {
            "ModelName": "m",
            "ExecutionRoleArn": f"arn:aws:iam::{OTHER_ACCOUNT}:role/models",
            "PrimaryContainer": {"Image": IMAGE},
        },
        "RoleArn: Cross-account pass role is not allowed.",
    ),
    "unknown variant": (
        _serving,
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "churn", "DesiredWeightsAndCapacities": [{"VariantName": "x"}]},
        'The variant name(s) "x" is/are not present within endpoint configuration "config-1".',
    ),
    "repeated variant": (
        _serving,
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "churn", "DesiredWeightsAndCapacities": [*_CHANGE, *_CHANGE]},
        'The variant name "AllTraffic" was non-unique within the request.',
    ),
    "instance type that does not host": (
        _serving,
        "CreateEndpointConfig",
        {"EndpointConfigName": "c", "ProductionVariants": [variant(InstanceType="ml.t3.medium")]},
        (
            "1 validation error detected: Value 'ml.t3.medium' at "
            "'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy "
            "enum value set: [ml.t2.medium, ml.t2.large, "
        ),
    ),
}


@pytest.mark.parametrize("situation", CATALOGUE)
def test_each_situation_is_refused_in_the_words_of_aws(cloud: VirtualCloud, situation: str) -> None:
    arrange, operation, request, message = CATALOGUE[situation]
    arrange(cloud)
    error = cloud.refused(operation, **request)
    assert (error.code, error.status) == ("ValidationException", 400)
    if message.endswith(", "):
        assert error.message.startswith(message)
    else:
        assert error.message == message


def test_a_missing_endpoint_is_named_by_its_arn_if_the_switch_says_so() -> None:
    cloud = VirtualCloud(switches=Switches(not_found_names=NotFoundNames.ARN))
    error = cloud.refused("DescribeEndpoint", EndpointName="Missing")
    assert error.message == f'Could not find endpoint "{PREFIX}:endpoint/missing".'


@pytest.mark.parametrize("operation", ["CreateEndpoint", "UpdateEndpoint"])
def test_instances_beyond_the_quota_are_refused_at_the_call(cloud: VirtualCloud, operation: str) -> None:
    cloud.serving()
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 1)
    name = "other" if operation == "CreateEndpoint" else "churn"
    error = cloud.refused(operation, EndpointName=name, EndpointConfigName="config-2")
    assert (error.code, error.status) == ("ResourceLimitExceeded", 400)
    assert error.message == (
        "The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances, with current "
        "utilization of 1 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to "
        "request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to "
        "request an increase for this quota."
    )
    assert cloud.status() == "InService"


def test_a_role_that_sagemaker_cannot_assume_is_refused_at_create_model() -> None:
    cloud = VirtualCloud(identity=StrictIdentity())
    error = cloud.refused(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}
    )
    assert error.message == (
        f'The execution role ARN "{ROLE}" is invalid. Please ensure that the role exists and that its trust '
        'relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com".'
    )
    cloud = VirtualCloud(identity=StrictIdentity({ROLE}))
    cloud.model()


@pytest.mark.parametrize("through_package", [False, True])
def test_model_data_that_cannot_be_read_is_refused_at_create_model(*, through_package: bool) -> None:
    artifacts = StrictArtifacts()
    cloud = VirtualCloud(artifacts=artifacts)
    cloud.group()
    arn = cloud.version()
    container = {"ModelPackageName": arn} if through_package else {"Image": IMAGE, "ModelDataUrl": DATA}
    error = cloud.refused("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[container])
    assert error.message.startswith(f"Could not access model data at {DATA}. Please ensure that ")
    artifacts.s3_urls.add(DATA)
    cloud.model("m", Containers=[container])


def test_an_operation_that_is_not_modelled_is_refused_by_name(cloud: VirtualCloud) -> None:
    for operation in ("CreateTrainingJob", "CreateInferenceComponent", "NoSuchOperation"):
        error = cloud.refused(operation)
        assert error.code == "UnknownOperationException"
        assert repr(operation) in error.message


def test_a_rate_can_be_limited_per_account_region_and_operation() -> None:
    cloud = VirtualCloud(switches=Switches(requests_per_second=2))
    cloud.call("ListEndpoints")
    cloud.call("ListEndpoints")
    error = cloud.refused("ListEndpoints")
    assert (error.code, error.message) == ("ThrottlingException", "Rate exceeded")
    cloud.call("ListModels")
    cloud.call("ListEndpoints", BOB)
    cloud.advance(1)
    cloud.call("ListEndpoints")
