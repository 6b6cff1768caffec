"""The IAM permissions of each operation: each action, resource and condition key is removed in turn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind, account_root
from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.sagemaker.authorization.authorization_rules import RULES
from local_cloud.sagemaker.control_plane import OPERATIONS
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller, Key
from local_cloud.sagemaker.switch_settings import ArnLetterCase, PackageAuthorization
from local_cloud.sagemaker.switches import Switches
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    ALICE,
    OTHER_ACCOUNT,
    PREFIX,
    REGION,
    ROLE,
    VirtualCloud,
    variant,
)

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/function"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
OWNED = {"Key": "owner", "Value": "us"}
GROUP_ARN = f"{PREFIX}:model-package-group/churn"
VERSION_ARN = f"{PREFIX}:model-package/churn/1"


def session(*statements: dict[str, Any], account_id: str = ACCOUNT) -> Caller:
    """A role's session with these statements; one without an action allows everything."""
    filled = [{"Effect": "Allow", "Action": "*", "Resource": "*", **each} for each in statements]
    policies = (parse_policy({"Version": "2012-10-17", "Statement": filled}),) if filled else ()
    arn, role = SESSION.replace(ACCOUNT, account_id), f"arn:aws:iam::{account_id}:role/deployer"
    return Caller(account_id, REGION, arn, Principal(PrincipalKind.SESSION, arn, account_id, role, policies))


ANYBODY = session({})


@pytest.fixture
def cloud() -> VirtualCloud:
    """A cloud with one of everything, all of it tagged with its owner."""
    cloud = VirtualCloud()
    cloud.call("CreateModelPackageGroup", ModelPackageGroupName="churn", Tags=[OWNED])
    cloud.version()
    cloud.model(Tags=[OWNED])
    cloud.config("config-1", Tags=[OWNED])
    cloud.config("config-2", Tags=[OWNED])
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1", Tags=[OWNED])
    cloud.settle()
    policy = parse_policy(
        {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}}
    )
    cloud.keys.keys["alias/storage"] = Key(KEY, ("alias/storage",), policy)
    return cloud


CALLS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "CreateModelPackageGroup": (
        {"ModelPackageGroupName": "new", "Tags": [OWNED]},
        [
            ("sagemaker:CreateModelPackageGroup", f"{PREFIX}:model-package-group/new"),
            ("sagemaker:AddTags", f"{PREFIX}:model-package-group/new"),
        ],
    ),
    "DescribeModelPackageGroup": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:DescribeModelPackageGroup", GROUP_ARN)],
    ),
    "ListModelPackageGroups": ({}, [("sagemaker:ListModelPackageGroups", "*")]),
    "DeleteModelPackageGroup": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:DeleteModelPackageGroup", GROUP_ARN)],
    ),
    "PutModelPackageGroupPolicy": (
        {"ModelPackageGroupName": "churn", "ResourcePolicy": "{}"},
        [("sagemaker:PutModelPackageGroupPolicy", GROUP_ARN)],
    ),
    "GetModelPackageGroupPolicy": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:GetModelPackageGroupPolicy", GROUP_ARN)],
    ),
    "DeleteModelPackageGroupPolicy": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:DeleteModelPackageGroupPolicy", GROUP_ARN)],
    ),
    "CreateModelPackage": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:CreateModelPackage", f"{PREFIX}:model-package/churn/*")],
    ),
    "DescribeModelPackage": (
        {"ModelPackageName": "churn/1"},
        [("sagemaker:DescribeModelPackage", VERSION_ARN)],
    ),
    "BatchDescribeModelPackage": (
        {"ModelPackageArnList": [VERSION_ARN]},
        [("sagemaker:BatchDescribeModelPackage", VERSION_ARN)],
    ),
    "ListModelPackages": (
        {"ModelPackageGroupName": "churn"},
        [("sagemaker:ListModelPackages", f"{PREFIX}:model-package/churn/*")],
    ),
    "Search": ({"Resource": "ModelPackage"}, [("sagemaker:Search", "*")]),
    "UpdateModelPackage": (
        {"ModelPackageArn": VERSION_ARN, "ModelApprovalStatus": "Approved"},
        [("sagemaker:UpdateModelPackage", VERSION_ARN)],
    ),
    "DeleteModelPackage": (
        {"ModelPackageName": "churn/1"},
        [("sagemaker:DeleteModelPackage", VERSION_ARN)],
    ),
    "CreateModel": (
        {
            "ModelName": "model-2",
            "ExecutionRoleArn": ROLE,
            "Containers": [{"ModelPackageName": "churn/1"}],
            "Tags": [OWNED],
        },
        [
            ("sagemaker:CreateModel", f"{PREFIX}:model/model-2"),
            ("sagemaker:CreateModel", VERSION_ARN),
            ("iam:PassRole", ROLE),
            ("sagemaker:AddTags", f"{PREFIX}:model/model-2"),
        ],
    ),
    "DescribeModel": ({"ModelName": "model-1"}, [("sagemaker:DescribeModel", f"{PREFIX}:model/model-1")]),
    "ListModels": ({}, [("sagemaker:ListModels", "*")]),
    "DeleteModel": ({"ModelName": "model-1"}, [("sagemaker:DeleteModel", f"{PREFIX}:model/model-1")]),
    "CreateEndpointConfig": (
        {
            "EndpointConfigName": "config-3",
            "ProductionVariants": [variant()],
            "KmsKeyId": "alias/storage",
            "ExecutionRoleArn": ROLE,
            "Tags": [OWNED],
        },
        [
            ("sagemaker:CreateEndpointConfig", f"{PREFIX}:endpoint-config/config-3"),
            ("iam:PassRole", ROLE),
            ("kms:DescribeKey", KEY),
            ("kms:CreateGrant", KEY),
            ("sagemaker:AddTags", f"{PREFIX}:endpoint-config/config-3"),
        ],
    ),
    "DescribeEndpointConfig": (
        {"EndpointConfigName": "config-1"},
        [("sagemaker:DescribeEndpointConfig", f"{PREFIX}:endpoint-config/config-1")],
    ),
    "ListEndpointConfigs": ({}, [("sagemaker:ListEndpointConfigs", "*")]),
    "DeleteEndpointConfig": (
        {"EndpointConfigName": "config-1"},
        [("sagemaker:DeleteEndpointConfig", f"{PREFIX}:endpoint-config/config-1")],
    ),
    "CreateEndpoint": (
        {"EndpointName": "new", "EndpointConfigName": "config-1", "Tags": [OWNED]},
        [
            ("sagemaker:CreateEndpoint", f"{PREFIX}:endpoint/new"),
            ("sagemaker:CreateEndpoint", f"{PREFIX}:endpoint-config/config-1"),
            ("sagemaker:AddTags", f"{PREFIX}:endpoint/new"),
        ],
    ),
    "DescribeEndpoint": (
        {"EndpointName": "churn"},
        [("sagemaker:DescribeEndpoint", f"{PREFIX}:endpoint/churn")],
    ),
    "ListEndpoints": ({}, [("sagemaker:ListEndpoints", "*")]),
    "UpdateEndpoint": (
        {"EndpointName": "churn", "EndpointConfigName": "config-2"},
        [
            ("sagemaker:UpdateEndpoint", f"{PREFIX}:endpoint/churn"),
            ("sagemaker:UpdateEndpoint", f"{PREFIX}:endpoint-config/config-2"),
        ],
    ),
    "DeleteEndpoint": ({"EndpointName": "churn"}, [("sagemaker:DeleteEndpoint", f"{PREFIX}:endpoint/churn")]),
    "UpdateEndpointWeightsAndCapacities": (
        {
            "EndpointName": "churn",
            "DesiredWeightsAndCapacities": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
        },
        [("sagemaker:UpdateEndpointWeightsAndCapacities", f"{PREFIX}:endpoint/churn")],
    ),
    "AddTags": (
        {"ResourceArn": f"{PREFIX}:endpoint/churn", "Tags": [{"Key": "a", "Value": "b"}]},
        [("sagemaker:AddTags", f"{PREFIX}:endpoint/churn")],
    ),
    "ListTags": (
        {"ResourceArn": f"{PREFIX}:endpoint/churn"},
        [("sagemaker:ListTags", f"{PREFIX}:endpoint/churn")],
    ),
    "DeleteTags": (
        {"ResourceArn": f"{PREFIX}:endpoint/churn", "TagKeys": ["a"]},
        [("sagemaker:DeleteTags", f"{PREFIX}:endpoint/churn")],
    ),
}
"""Operation, its request, and everything that has to be allowed for it."""


def test_every_operation_has_a_rule_and_a_row_here() -> None:
    assert RULES.keys() == {*OPERATIONS, "InvokeEndpoint", "InvokeEndpointAsync"}
    assert CALLS.keys() == OPERATIONS.keys()


def refusal(cloud: VirtualCloud, operation: str, caller: Caller, **request: Any) -> str:
    """The message of AccessDeniedException; empty if the call came past IAM."""
    try:
        cloud.call(operation, caller, **request)
    except ServiceError as error:
        return error.message if error.code == "AccessDeniedException" else ""
    return ""


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_needs_these_actions_on_these_resources_and_no_more(
    cloud: VirtualCloud, operation: str
) -> None:
    request, needed = CALLS[operation]
    for action, arn in needed:
        others = [
            {"Action": other, "Resource": resource}
            for other, resource in needed
            if (other, resource) != (action, arn)
        ]
        refused = refusal(cloud, operation, session(*others), **request)
        assert refused == (
            f"User: {SESSION} is not authorized to perform: {action} on resource: {arn} because no "
            f"identity-based policy allows the {action} action"
        )
    enough = session(*({"Action": action, "Resource": arn} for action, arn in needed))
    assert not refusal(cloud, operation, enough, **request)


@pytest.mark.parametrize("operation", CALLS)
def test_the_root_of_the_account_may_do_everything_in_it(cloud: VirtualCloud, operation: str) -> None:
    root = Caller(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root", account_root(ACCOUNT))

    assert not refusal(cloud, operation, root, **CALLS[operation][0])


def test_who_may_not_call_does_not_learn_what_exists(cloud: VirtualCloud) -> None:
    for name in ("churn", "missing"):
        assert f"endpoint/{name} because no" in refusal(
            cloud, "DescribeEndpoint", session(), EndpointName=name
        )


def only_if(condition: dict[str, Any]) -> Caller:
    return session({"Condition": condition})


CONDITIONS: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("DeleteEndpoint", {}, {"StringEquals": {"aws:ResourceTag/owner": "us"}}, True),
    ("DeleteEndpoint", {}, {"StringEquals": {"aws:ResourceTag/owner": "them"}}, False),
    ("DeleteEndpoint", {"EndpointName": "gone"}, {"StringEquals": {"aws:ResourceTag/owner": "us"}}, False),
    ("UpdateEndpoint", {}, {"StringEquals": {"aws:ResourceTag/owner": "us"}}, True),
    # A version has its group's tags.
    ("DescribeModelPackage", {}, {"StringEquals": {"aws:ResourceTag/owner": "us"}}, True),
    ("AddTags", {}, {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, True),
    ("AddTags", {}, {"StringEquals": {"aws:RequestTag/a": "b"}}, True),
    ("AddTags", {}, {"StringEquals": {"aws:RequestTag/a": "c"}}, False),
    ("AddTags", {}, {"Null": {"sagemaker:TaggingAction": "true"}}, True),
    ("DeleteTags", {}, {"ForAllValues:StringNotLike": {"aws:TagKeys": ["a*"]}}, False),
    ("CreateEndpoint", {}, {"StringEqualsIfExists": {"sagemaker:TaggingAction": "CreateEndpoint"}}, True),
    ("CreateEndpoint", {}, {"StringEqualsIfExists": {"sagemaker:TaggingAction": "CreateModel"}}, False),
    ("CreateEndpoint", {}, {"StringEquals": {"aws:RequestTag/owner": "us"}}, True),
    ("CreateEndpoint", {"Tags": []}, {"StringEquals": {"aws:RequestTag/owner": "us"}}, False),
    ("CreateModel", {}, {"StringEqualsIfExists": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, True),
    ("CreateModel", {}, {"StringEqualsIfExists": {"iam:PassedToService": "lambda.amazonaws.com"}}, False),
    ("CreateModel", {}, {"BoolIfExists": {"sagemaker:NetworkIsolation": "true"}}, False),
    (
        "CreateModel",
        {"EnableNetworkIsolation": True},
        {"BoolIfExists": {"sagemaker:NetworkIsolation": "true"}},
        True,
    ),
    (
        "CreateEndpointConfig",
        {},
        {"ForAllValues:StringLike": {"sagemaker:InstanceTypes": ["ml.m5.*"]}},
        True,
    ),
    (
        "CreateEndpointConfig",
        {"ProductionVariants": [variant(), variant(VariantName="gpu", InstanceType="ml.p3.2xlarge")]},
        {"ForAllValues:StringLike": {"sagemaker:InstanceTypes": ["ml.m5.*"]}},
        False,
    ),
    (
        "CreateEndpointConfig",
        {},
        {"ArnLikeIfExists": {"sagemaker:ModelArn": f"{PREFIX}:model/model-1"}},
        True,
    ),
    ("CreateEndpointConfig", {}, {"ArnLikeIfExists": {"sagemaker:ModelArn": f"{PREFIX}:model/other"}}, False),
    ("CreateEndpointConfig", {}, {"StringEqualsIfExists": {"sagemaker:VolumeKmsKey": "alias/other"}}, False),
    (
        "CreateEndpointConfig",
        {},
        {"StringEqualsIfExists": {"kms:ViaService": f"sagemaker.{REGION}.amazonaws.com"}},
        True,
    ),
    ("CreateEndpointConfig", {}, {"StringEqualsIfExists": {"kms:ViaService": "s3.amazonaws.com"}}, False),
    ("CreateEndpointConfig", {}, {"StringEqualsIfExists": {"kms:RequestAlias": "alias/storage"}}, True),
    (
        "CreateEndpointConfig",
        {},
        {"ForAnyValue:StringEqualsIfExists": {"kms:ResourceAliases": "alias/storage"}},
        True,
    ),
    ("UpdateModelPackage", {}, {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}, True),
    ("UpdateModelPackage", {}, {"StringEquals": {"sagemaker:ModelApprovalStatus": "Rejected"}}, False),
    (
        "UpdateModelPackage",
        {"ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"}},
        {
            "StringEquals": {
                "sagemaker:ModelLifeCycle:stage": "Production",
                "sagemaker:ModelLifeCycle:stageStatus": "Approved",
            }
        },
        True,
    ),
    (
        "UpdateModelPackage",
        {"CustomerMetadataProperties": {"team": "ml"}},
        {"StringEquals": {"sagemaker:CustomerMetadataProperties/team": "growth"}},
        False,
    ),
    ("DescribeEndpoint", {}, {"StringEquals": {"aws:RequestedRegion": REGION}}, True),
    ("DescribeEndpoint", {}, {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, True),
    ("DescribeEndpoint", {}, {"Bool": {"aws:SecureTransport": "true"}}, True),
]


@pytest.mark.parametrize(("operation", "members", "condition", "is_allowed"), CONDITIONS)
def test_a_condition_sees_the_calls_keys(
    cloud: VirtualCloud,
    operation: str,
    members: dict[str, Any],
    condition: dict[str, Any],
    *,
    is_allowed: bool,
) -> None:
    request = {**CALLS[operation][0], **members}

    assert (not refusal(cloud, operation, only_if(condition), **request)) is is_allowed


def test_what_the_version_is_now_is_a_key_too(cloud: VirtualCloud) -> None:
    cloud.call(
        "UpdateModelPackage",
        ModelPackageArn=VERSION_ARN,
        CustomerMetadataProperties={"team": "ml"},
        ModelLifeCycle={"Stage": "Staging", "StageStatus": "Approved"},
    )
    request = {"ModelPackageArn": VERSION_ARN, "ModelApprovalStatus": "Rejected"}
    for key, value in {
        "sagemaker:CurrentModelLifeCycleStage": "Staging",
        "sagemaker:CurrentModelLifeCycleStageStatus": "Approved",
        "sagemaker:CurrentCustomerMetadataProperties/team": "ml",
    }.items():
        assert not refusal(cloud, "UpdateModelPackage", only_if({"StringEquals": {key: value}}), **request)
        assert refusal(cloud, "UpdateModelPackage", only_if({"StringEquals": {key: "x"}}), **request)


@pytest.mark.parametrize(
    ("condition", "removed", "is_allowed"),
    [
        ({"Null": {"sagemaker:CustomerMetadataPropertiesToRemove": "true"}}, [], True),
        ({"Null": {"sagemaker:CustomerMetadataPropertiesToRemove": "true"}}, ["team"], False),
        (
            {"ForAllValues:StringEquals": {"sagemaker:CustomerMetadataPropertiesToRemove": ["team"]}},
            ["team"],
            True,
        ),
        (
            {"ForAllValues:StringEquals": {"sagemaker:CustomerMetadataPropertiesToRemove": ["team"]}},
            ["team", "owner"],
            False,
        ),
    ],
)
def test_what_of_a_versions_metadata_is_removed_is_a_key(
    cloud: VirtualCloud, condition: dict[str, Any], removed: list[str], *, is_allowed: bool
) -> None:
    request: dict[str, Any] = {"ModelPackageArn": VERSION_ARN, "SourceUri": "s3://bucket/source"}
    if removed:
        request["CustomerMetadataPropertiesToRemove"] = removed

    assert (not refusal(cloud, "UpdateModelPackage", only_if(condition), **request)) is is_allowed


class TestAcrossAccounts:
    """The group's policy and the caller's own have to allow what another account does with a version."""

    CALLER = session({}, account_id=OTHER_ACCOUNT)

    def allow(self, cloud: VirtualCloud, *actions: str, **members: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
            "Action": [f"sagemaker:{action}" for action in actions],
            "Resource": [GROUP_ARN, f"{PREFIX}:model-package/churn/*"],
            **members,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="churn", ResourcePolicy=policy)

    @pytest.mark.parametrize(
        ("operation", "member", "value"),
        [
            ("DescribeModelPackage", "ModelPackageName", VERSION_ARN),
            ("ListModelPackages", "ModelPackageGroupName", GROUP_ARN),
            ("DescribeModelPackageGroup", "ModelPackageGroupName", GROUP_ARN),
        ],
    )
    def test_both_have_to_allow(self, cloud: VirtualCloud, operation: str, member: str, value: str) -> None:
        request = {member: value}
        assert "no resource-based policy allows" in refusal(cloud, operation, self.CALLER, **request)
        self.allow(cloud, operation)
        assert not refusal(cloud, operation, self.CALLER, **request)
        nobody = session(account_id=OTHER_ACCOUNT)
        assert "no identity-based policy allows" in refusal(cloud, operation, nobody, **request)
        self.allow(cloud, operation, Effect="Deny")
        assert "explicit deny in a resource-based policy" in refusal(cloud, operation, self.CALLER, **request)

    @pytest.mark.parametrize("name", ["Churn", "churn"])
    def test_letters_count_where_arns_keep_them(self, name: str) -> None:
        cloud = VirtualCloud(switches=Switches(arn_letter_case=ArnLetterCase.PRESERVED))
        cloud.group("Churn")
        request = {"ModelPackageName": cloud.version("Churn")}
        self.allow(cloud, "DescribeModelPackage", Resource=f"{PREFIX}:model-package/{name}/*")
        own = session({"Resource": f"{PREFIX}:model-package/Churn/*"}, account_id=OTHER_ACCOUNT)
        assert ("no resource-based policy" in refusal(cloud, "DescribeModelPackage", own, **request)) is (
            name == "churn"
        )
        lower = session({"Resource": f"{PREFIX}:model-package/churn/*"}, account_id=OTHER_ACCOUNT)
        assert refusal(cloud, "DescribeModelPackage", lower, **request)

    def test_a_model_is_made_of_a_version_of_another_account(self, cloud: VirtualCloud) -> None:
        role = ROLE.replace(ACCOUNT, OTHER_ACCOUNT)
        request = {
            "ModelName": "m",
            "ExecutionRoleArn": role,
            "Containers": [{"ModelPackageName": VERSION_ARN}],
        }
        self.allow(cloud, "DescribeModelPackage")
        assert f"sagemaker:CreateModel on resource: {VERSION_ARN} because no resource-based" in refusal(
            cloud, "CreateModel", self.CALLER, **request
        )
        self.allow(cloud, "CreateModel")
        cloud.call("CreateModel", self.CALLER, **request)

    @pytest.mark.parametrize("setting", PackageAuthorization)
    def test_within_an_account_the_package_is_authorised_as_the_switch_says(
        self, cloud: VirtualCloud, setting: PackageAuthorization
    ) -> None:
        cloud.control_plane.switches = replace(cloud.control_plane.switches, package_authorization=setting)
        request, needed = CALLS["CreateModel"]
        caller = session(
            *({"Action": action, "Resource": arn} for action, arn in needed if arn != VERSION_ARN)
        )
        refused = refusal(cloud, "CreateModel", caller, **request)

        assert bool(refused) is (setting is PackageAuthorization.ALWAYS)

    def test_conditions_of_the_groups_policy_are_evaluated(self, cloud: VirtualCloud) -> None:
        request = {"ModelPackageName": VERSION_ARN}
        role = f"arn:aws:iam::{OTHER_ACCOUNT}:role"
        for name, is_allowed in (("deployer", True), ("other", False)):
            condition = {"ArnEquals": {"aws:PrincipalArn": f"{role}/{name}"}}
            self.allow(cloud, "DescribeModelPackage", Condition=condition)
            assert (not refusal(cloud, "DescribeModelPackage", self.CALLER, **request)) is is_allowed


def allow_versions(cloud: VirtualCloud, arn: str, account_id: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": account_id},
        "Action": "sagemaker:DescribeModelPackage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.call("PutModelPackageGroupPolicy", ModelPackageGroupName="churn", ResourcePolicy=policy)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_model_card_that_is_encrypted_takes_its_key_and_everything_else_none(
    cloud: VirtualCloud, where: str
) -> None:
    """botocore: `DescribeModelPackageInput$IncludedData`."""
    card = {"ModelCardContent": '{"model_overview": {}}', "ModelCardStatus": "Draft"}
    arn = cloud.version(ModelCard=card, SecurityConfig={"KmsKeyId": "alias/storage"})
    account = ACCOUNT if where == "here" else OTHER_ACCOUNT
    allow_versions(cloud, arn, OTHER_ACCOUNT)
    reading = {"Action": "sagemaker:DescribeModelPackage", "Resource": arn}
    through = {"StringEquals": {"kms:ViaService": f"sagemaker.{REGION}.amazonaws.com"}}
    decrypting = {"Action": "kms:Decrypt", "Resource": KEY, "Condition": through}
    reader, decrypter = (session(*each, account_id=account) for each in ([reading], [reading, decrypting]))
    request = {"ModelPackageName": arn}

    assert f"kms:Decrypt on resource: {KEY}" in refusal(cloud, "DescribeModelPackage", reader, **request)
    assert bool(refusal(cloud, "DescribeModelPackage", decrypter, **request)) is (where == "elsewhere")
    metadata = cloud.call("DescribeModelPackage", reader, **request, IncludedData="MetadataOnly")
    assert metadata["SecurityConfig"] == {"KmsKeyId": "alias/storage"}
    assert metadata["InferenceSpecification"]["Containers"]


def test_an_endpoint_that_is_scaled_is_deleted_by_those_only_who_may_end_that(cloud: VirtualCloud) -> None:
    ApplicationAutoScaling(cloud.control_plane).call(
        "RegisterScalableTarget",
        {
            "ServiceNamespace": "sagemaker",
            "ResourceId": "endpoint/churn/variant/AllTraffic",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": 1,
            "MaxCapacity": 2,
        },
        ALICE,
    )
    deleter = session({"Action": "sagemaker:*"})
    error = cloud.refused("DeleteEndpoint", deleter, EndpointName="churn")
    assert error.code == "ValidationException"
    assert "application-autoscaling:DeregisterScalableTarget permission" in error.message

    both = session({"Action": "sagemaker:*"}, {"Action": "application-autoscaling:DeregisterScalableTarget"})
    cloud.call("DeleteEndpoint", both, EndpointName="churn")
