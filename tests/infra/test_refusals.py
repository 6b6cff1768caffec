"""What the stack's roles may not do, tried with their synthesised policies, and what they may do.

SageMaker's operations go through the local cloud's control plane, which knows what each of them needs. IAM's
evaluation decides everything else directly.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import parse_policy
from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller, Key
from tests.infra.roles import ACCOUNT, REGION, Deployed
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ALICE,
    DATA,
    IMAGE,
    OTHER_ACCOUNT,
    PREFIX,
    VirtualCloud,
    specification,
    variant,
)
from tests.unit.local_cloud.sagemaker.virtual_cloud import ROLE as MODELS_ROLE

if TYPE_CHECKING:
    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values
    from tests.infra.conftest import Synthesised

OURS = [{"Key": "greenlight:stack", "Value": "Greenlight"}]
THEIRS = [{"Key": "greenlight:stack", "Value": "Greenlight-Test"}]
GROUP = "churn-models"
VERSION = f"{PREFIX}:model-package/{GROUP}/1"
FOREIGN_VERSION = VERSION.replace(ACCOUNT, OTHER_ACCOUNT)
ROLE = "{execution role}"
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/administrator"
OTHER_REGION = "us-east-1"
FRAUD_ROLE = f"arn:aws:iam::{ACCOUNT}:role/fraud-models"
"""The role that one endpoint's settings name."""
NAMED_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
"""The key that they name by its id."""
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/ours/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}

CONCURRENCY = {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}


def furnish(cloud: VirtualCloud, alice: Caller) -> None:
    """Have a version, and endpoints of our stack, of another one, and of nobody, in a caller's region."""
    cloud.call("CreateModelPackageGroup", alice, ModelPackageGroupName=GROUP)
    cloud.call(
        "CreateModelPackage",
        alice,
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        InferenceSpecification=specification(),
    )
    for name, tags in (("model-1", []), ("ours", OURS), ("theirs", THEIRS), ("unmanaged", [])):
        container = {"Image": IMAGE, "ModelDataUrl": DATA}
        cloud.call(
            "CreateModel",
            alice,
            ModelName=name,
            ExecutionRoleArn=MODELS_ROLE,
            PrimaryContainer=container,
            Tags=tags,
        )
    for name, tags in (("ours", OURS), ("theirs", THEIRS), ("unmanaged", [])):
        for config_name in (name, f"{name}-2"):
            cloud.call(
                "CreateEndpointConfig",
                alice,
                EndpointConfigName=config_name,
                ProductionVariants=[variant()],
                Tags=tags,
            )
        cloud.call("CreateEndpoint", alice, EndpointName=name, EndpointConfigName=name, Tags=tags)
    cloud.settle()


@pytest.fixture
def cloud() -> VirtualCloud:
    """A registry, and endpoints of our stack, of another one, and of nobody."""
    cloud = VirtualCloud()
    furnish(cloud, ALICE)
    policy = parse_policy(
        {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}}
    )
    for name in ("storage", "payroll"):
        arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
        cloud.keys.keys[f"alias/{name}"] = Key(arn, (f"alias/{name}",), policy)
    cloud.keys.keys[NAMED_KEY] = Key(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{NAMED_KEY}", (), policy)
    return cloud


def refusal(
    cloud: VirtualCloud,
    synthesised: Synthesised,
    operation: str,
    request: dict[str, Any],
    region: str = REGION,
) -> str:
    """Return how IAM refuses the deployer an operation; empty if the call came past IAM."""
    principal = Deployed(synthesised).session("DeployerRole")
    caller = Caller(ACCOUNT, region, principal.arn, principal)
    if request.get("ExecutionRoleArn") == ROLE:
        role_arn = Deployed(synthesised).arn("AWS::IAM::Role", "ModelExecutionRole")
        request = {**request, "ExecutionRoleArn": role_arn}
    try:
        if operation in {"InvokeEndpoint", "InvokeEndpointAsync"}:
            cloud.control_plane.authorize(operation, request, caller)
        elif "ServiceNamespace" in request:
            ApplicationAutoScaling(cloud.control_plane).call(operation, request, caller)
        else:
            cloud.call(operation, caller, **request)
    except ServiceError as error:
        return error.message if error.code == "AccessDeniedException" else ""
    return ""


def model(**members: Any) -> dict[str, Any]:
    container = {"ModelPackageName": VERSION}
    base = {"ModelName": "new", "ExecutionRoleArn": ROLE, "Containers": [container], "Tags": OURS}
    return {**base, **members}


def config(**members: Any) -> dict[str, Any]:
    return {"EndpointConfigName": "new", "ProductionVariants": [variant()], "Tags": OURS, **members}


def endpoint(**members: Any) -> dict[str, Any]:
    return {"EndpointName": "new", "EndpointConfigName": "ours", "Tags": OURS, **members}


def tagging(kind: str, name: str, **members: Any) -> dict[str, Any]:
    return {"ResourceArn": f"{PREFIX}:{kind}/{name}", **members}


STAMP = {"greenlight:endpoint:churn": "serving since 2026-05-04T12:00:00+00:00"}
TEAM = [{"Key": "team", "Value": "growth"}]

ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("CreateModel", model()),
    ("CreateEndpointConfig", config()),
    ("CreateEndpointConfig", config(KmsKeyId="alias/storage")),
    ("CreateEndpointConfig", config(KmsKeyId=NAMED_KEY)),
    ("CreateModel", model(ExecutionRoleArn=FRAUD_ROLE)),
    ("CreateEndpoint", endpoint()),
    ("UpdateEndpoint", {"EndpointName": "ours", "EndpointConfigName": "ours-2"}),
    ("DeleteEndpoint", {"EndpointName": "ours"}),
    ("DeleteEndpointConfig", {"EndpointConfigName": "ours-2"}),
    ("DeleteModel", {"ModelName": "ours"}),
    ("AddTags", tagging("endpoint", "ours", Tags=TEAM)),
    ("AddTags", tagging("endpoint", "ours", Tags=[*OURS, *TEAM])),
    ("DeleteTags", tagging("endpoint", "ours", TagKeys=["team"])),
    ("ListTags", tagging("endpoint", "unmanaged")),
    ("DescribeEndpoint", {"EndpointName": "unmanaged"}),
    ("DescribeEndpointConfig", {"EndpointConfigName": "theirs"}),
    ("DescribeModel", {"ModelName": "theirs"}),
    ("InvokeEndpoint", {"EndpointName": "ours"}),
    ("ListEndpoints", {}),
    ("DescribeModelPackage", {"ModelPackageName": VERSION}),
    ("ListModelPackages", {"ModelPackageGroupName": GROUP}),
    ("Search", {"Resource": "ModelPackage"}),
    ("RegisterScalableTarget", {**TARGET, "MinCapacity": 1, "MaxCapacity": 2}),
    ("RegisterScalableTarget", {**TARGET, **CONCURRENCY, "MinCapacity": 1, "MaxCapacity": 2}),
    ("DeregisterScalableTarget", TARGET),
    ("DeregisterScalableTarget", {**TARGET, **CONCURRENCY}),
    ("DescribeScalableTargets", {"ServiceNamespace": "sagemaker"}),
    ("UpdateModelPackage", {"ModelPackageArn": VERSION, "CustomerMetadataProperties": STAMP}),
]
"""The deployer's allowed calls: without them the refusals below would prove nothing."""


@pytest.mark.parametrize(("operation", "request_members"), ALLOWED)
def test_the_deployer_may_do_its_work(
    featured: Synthesised, cloud: VirtualCloud, operation: str, request_members: dict[str, Any]
) -> None:
    assert not refusal(cloud, featured, operation, request_members)


ON_NOTHING = {"ListEndpoints", "ListModelPackages", "Search", "DescribeScalableTargets"}
"""Operations that are allowed on no resource in particular."""


@pytest.mark.parametrize(
    ("operation", "request_members"), [each for each in ALLOWED if each[0] not in ON_NOTHING]
)
def test_the_deployer_cannot_work_in_another_region(
    featured: Synthesised, cloud: VirtualCloud, operation: str, request_members: dict[str, Any]
) -> None:
    """A stack of the same name may be there, with the same tags on its endpoints."""
    furnish(cloud, replace(ALICE, region=OTHER_REGION))
    moved = json.loads(json.dumps(request_members).replace(REGION, OTHER_REGION))

    assert "because no identity-based policy allows" in refusal(
        cloud, featured, operation, moved, OTHER_REGION
    )


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    # Endpoints, configs and models of others
    "update another stack's endpoint": (
        "UpdateEndpoint",
        {"EndpointName": "theirs", "EndpointConfigName": "ours-2"},
        f"sagemaker:UpdateEndpoint on resource: {PREFIX}:endpoint/theirs",
    ),
    "update an unmanaged endpoint": (
        "UpdateEndpoint",
        {"EndpointName": "unmanaged", "EndpointConfigName": "ours-2"},
        f"sagemaker:UpdateEndpoint on resource: {PREFIX}:endpoint/unmanaged",
    ),
    "delete another stack's endpoint": (
        "DeleteEndpoint",
        {"EndpointName": "theirs"},
        "sagemaker:DeleteEndpoint",
    ),
    "delete an unmanaged endpoint": (
        "DeleteEndpoint",
        {"EndpointName": "unmanaged"},
        "sagemaker:DeleteEndpoint",
    ),
    "delete another stack's config": (
        "DeleteEndpointConfig",
        {"EndpointConfigName": "theirs"},
        "sagemaker:DeleteEndpointConfig",
    ),
    "delete an unmanaged config": (
        "DeleteEndpointConfig",
        {"EndpointConfigName": "unmanaged"},
        "sagemaker:DeleteEndpointConfig",
    ),
    "delete another stack's model": ("DeleteModel", {"ModelName": "theirs"}, "sagemaker:DeleteModel"),
    "delete an unmanaged model": ("DeleteModel", {"ModelName": "unmanaged"}, "sagemaker:DeleteModel"),
    # Creating resources that are not its own
    "make a model without the owner's tag": ("CreateModel", model(Tags=TEAM), "sagemaker:CreateModel"),
    "make a model without any tag": ("CreateModel", model(Tags=[]), "sagemaker:CreateModel"),
    "make a model for another stack": ("CreateModel", model(Tags=THEIRS), "sagemaker:CreateModel"),
    "make a config without the owner's tag": (
        "CreateEndpointConfig",
        config(Tags=[]),
        "sagemaker:CreateEndpointConfig",
    ),
    "make a config for another stack": (
        "CreateEndpointConfig",
        config(Tags=THEIRS),
        "sagemaker:CreateEndpointConfig",
    ),
    "make an endpoint without the owner's tag": (
        "CreateEndpoint",
        endpoint(Tags=[]),
        "sagemaker:CreateEndpoint",
    ),
    "make an endpoint for another stack": (
        "CreateEndpoint",
        endpoint(Tags=THEIRS),
        "sagemaker:CreateEndpoint",
    ),
    # Roles and keys
    "give a model another role": (
        "CreateModel",
        model(ExecutionRoleArn=OTHER_ROLE),
        f"iam:PassRole on resource: {OTHER_ROLE}",
    ),
    "give a config another role": (
        "CreateEndpointConfig",
        config(ExecutionRoleArn=OTHER_ROLE),
        f"iam:PassRole on resource: {OTHER_ROLE}",
    ),
    "encrypt storage with a key that no settings name": (
        "CreateEndpointConfig",
        config(KmsKeyId="alias/payroll"),
        "on resource: arn:aws:kms:eu-west-1:111122223333:key/payroll",
    ),
    # Tags
    "take over an unmanaged endpoint": (
        "AddTags",
        tagging("endpoint", "unmanaged", Tags=OURS),
        "sagemaker:AddTags",
    ),
    "take over another stack's endpoint": (
        "AddTags",
        tagging("endpoint", "theirs", Tags=OURS),
        "sagemaker:AddTags",
    ),
    "take over an unmanaged model": (
        "AddTags",
        tagging("model", "unmanaged", Tags=OURS),
        "sagemaker:AddTags",
    ),
    "retag its own model": ("AddTags", tagging("model", "ours", Tags=TEAM), "sagemaker:AddTags"),
    "retag its own config": ("AddTags", tagging("endpoint-config", "ours", Tags=TEAM), "sagemaker:AddTags"),
    "untag its own model": ("DeleteTags", tagging("model", "ours", TagKeys=["team"]), "sagemaker:DeleteTags"),
    "untag its own config": (
        "DeleteTags",
        tagging("endpoint-config", "ours", TagKeys=["team"]),
        "sagemaker:DeleteTags",
    ),
    "tag a model package group": (
        "AddTags",
        tagging("model-package-group", GROUP, Tags=OURS),
        "sagemaker:AddTags",
    ),
    "give an endpoint to another stack": (
        "AddTags",
        tagging("endpoint", "ours", Tags=THEIRS),
        "sagemaker:AddTags",
    ),
    "give an endpoint away": (
        "DeleteTags",
        tagging("endpoint", "ours", TagKeys=["greenlight:stack"]),
        "sagemaker:DeleteTags",
    ),
    "give an endpoint away among other tags": (
        "DeleteTags",
        tagging("endpoint", "ours", TagKeys=["team", "greenlight:endpoint"]),
        "sagemaker:DeleteTags",
    ),
    "untag another stack's endpoint": (
        "DeleteTags",
        tagging("endpoint", "theirs", TagKeys=["team"]),
        "sagemaker:DeleteTags",
    ),
    # The registry
    "approve a version": (
        "UpdateModelPackage",
        {"ModelPackageArn": VERSION, "ModelApprovalStatus": "Approved"},
        "sagemaker:UpdateModelPackage",
    ),
    "approve a version among a write that it may make": (
        "UpdateModelPackage",
        {
            "ModelPackageArn": VERSION,
            "ModelApprovalStatus": "Approved",
            "CustomerMetadataProperties": STAMP,
        },
        "sagemaker:UpdateModelPackage",
    ),
    "promote a version": (
        "UpdateModelPackage",
        {
            "ModelPackageArn": VERSION,
            "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"},
        },
        "sagemaker:UpdateModelPackage",
    ),
    "remove what others wrote to a version": (
        "UpdateModelPackage",
        {"ModelPackageArn": VERSION, "CustomerMetadataPropertiesToRemove": ["note"]},
        "sagemaker:UpdateModelPackage",
    ),
    "register a version": (
        "CreateModelPackage",
        {"ModelPackageGroupName": GROUP},
        "sagemaker:CreateModelPackage",
    ),
    "delete a version": ("DeleteModelPackage", {"ModelPackageName": VERSION}, "sagemaker:DeleteModelPackage"),
    "make a group": (
        "CreateModelPackageGroup",
        {"ModelPackageGroupName": "new"},
        "sagemaker:CreateModelPackageGroup",
    ),
    "delete a group": (
        "DeleteModelPackageGroup",
        {"ModelPackageGroupName": GROUP},
        "sagemaker:DeleteModelPackageGroup",
    ),
    "open a group to others": (
        "PutModelPackageGroupPolicy",
        {"ModelPackageGroupName": GROUP, "ResourcePolicy": "{}"},
        "sagemaker:PutModelPackageGroupPolicy",
    ),
    "close a group to others": (
        "DeleteModelPackageGroupPolicy",
        {"ModelPackageGroupName": GROUP},
        "sagemaker:DeleteModelPackageGroupPolicy",
    ),
    "read a registry that no settings name": (
        "DescribeModelPackage",
        {"ModelPackageName": FOREIGN_VERSION},
        f"sagemaker:DescribeModelPackage on resource: {FOREIGN_VERSION} because no identity-based",
    ),
    "serve a version of a registry that no settings name": (
        "CreateModel",
        model(Containers=[{"ModelPackageName": FOREIGN_VERSION}]),
        f"sagemaker:CreateModel on resource: {FOREIGN_VERSION} because no identity-based",
    ),
    # Looking around, and calling other people's endpoints
    "list groups": ("ListModelPackageGroups", {}, "sagemaker:ListModelPackageGroups"),
    "list models": ("ListModels", {}, "sagemaker:ListModels"),
    "list configs": ("ListEndpointConfigs", {}, "sagemaker:ListEndpointConfigs"),
    "invoke another stack's endpoint": (
        "InvokeEndpoint",
        {"EndpointName": "theirs"},
        "sagemaker:InvokeEndpoint",
    ),
    "invoke an unmanaged endpoint": (
        "InvokeEndpoint",
        {"EndpointName": "unmanaged"},
        "sagemaker:InvokeEndpoint",
    ),
    "invoke its own endpoint later": (
        "InvokeEndpointAsync",
        {"EndpointName": "ours"},
        "sagemaker:InvokeEndpointAsync",
    ),
    # Scaling
    "scale a table": (
        "RegisterScalableTarget",
        {
            "ServiceNamespace": "dynamodb",
            "ResourceId": "table/orders",
            "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
            "MinCapacity": 1,
            "MaxCapacity": 2,
        },
        "application-autoscaling:RegisterScalableTarget",
    ),
    "scale an inference component": (
        "RegisterScalableTarget",
        {
            "ServiceNamespace": "sagemaker",
            "ResourceId": "inference-component/theirs",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            "MinCapacity": 1,
            "MaxCapacity": 2,
        },
        "application-autoscaling:RegisterScalableTarget",
    ),
    "stop scaling an inference component": (
        "DeregisterScalableTarget",
        {
            "ServiceNamespace": "sagemaker",
            "ResourceId": "inference-component/theirs",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
        },
        "application-autoscaling:DeregisterScalableTarget",
    ),
}
"""An attempt, the call, and what of it is refused."""


@pytest.mark.parametrize("attempt", REFUSED)
def test_the_deployer_cannot(featured: Synthesised, cloud: VirtualCloud, attempt: str) -> None:
    operation, request_members, refused = REFUSED[attempt]

    message = refusal(cloud, featured, operation, request_members)

    assert refused in message
    assert "because no identity-based policy allows" in message


def test_without_scaling_in_settings_the_deployer_cannot_begin_it(
    synthesised: Synthesised, cloud: VirtualCloud
) -> None:
    registration = {**TARGET, "MinCapacity": 1, "MaxCapacity": 2}

    assert refusal(cloud, synthesised, "RegisterScalableTarget", registration)
    assert not refusal(cloud, synthesised, "DeregisterScalableTarget", TARGET)


def is_allowed(principal: Principal, action: str, resource: str, keys: dict[str, Values]) -> bool:
    lower = {name.lower(): value for name, value in keys.items()}
    return evaluate(principal, AccessRequest(action, resource, None, lower)).is_allowed


MARKER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/greenlight/Greenlight/settings-digest"
JOURNAL = "{journal}"
UNHANDLED = "{unhandled queue}"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
VIA_SAGEMAKER: dict[str, Values] = {
    "kms:ViaService": f"sagemaker.{REGION}.amazonaws.com",
    "kms:ResourceAliases": ("alias/storage",),
}
SAMPLES = f"arn:aws:s3:::sagemaker-{REGION}-{ACCOUNT}"
SCALING = "sagemaker.application-autoscaling.amazonaws.com"
SCALING_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{SCALING}/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
SCALED = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target"
OF_VARIANTS: dict[str, Values] = {
    "application-autoscaling:service-namespace": "sagemaker",
    "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
}
TAGGED: dict[str, Values] = {"aws:RequestTag/greenlight:stack": "Greenlight"}
SAMPLE: dict[str, Values] = {
    "kms:ViaService": f"s3.{REGION}.amazonaws.com",
    "kms:EncryptionContext:aws:s3:arn": f"{SAMPLES}/sample.tar.gz",
}
OWN: dict[str, Values] = {"events:source": ("greenlight",)}
OUTCOME_TOPIC = "{outcome topic}"
OUTCOME_KEY = "{outcome key}"
VIA_SNS: dict[str, Values] = {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}

ELSEWHERE: list[tuple[bool, str, str, dict[str, Values]]] = [
    (False, "ssm:GetParameter", MARKER, {}),
    (False, "ssm:PutParameter", MARKER, {}),
    (True, "dynamodb:PutItem", JOURNAL, {}),
    (True, "dynamodb:Query", JOURNAL, {}),
    (True, "dynamodb:DeleteItem", JOURNAL, {}),
    (False, "dynamodb:Scan", JOURNAL, {}),
    (False, "dynamodb:DeleteTable", JOURNAL, {}),
    (False, "dynamodb:Query", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders", {}),
    (True, "events:PutEvents", f"{BUS}/default", OWN),
    (False, "events:PutEvents", f"{BUS}/default", {"events:source": ("payments",)}),
    (False, "events:PutEvents", f"{BUS}/default", {"events:source": ("greenlight", "payments")}),
    (True, "events:PutEvents", f"{BUS}/Greenlight.sweep-parts", OWN),
    (False, "events:PutEvents", f"{BUS}/Greenlight.sweep-parts", {"events:source": ("payments",)}),
    (False, "events:PutEvents", f"{BUS}/payments", OWN),
    (True, "sns:Publish", OUTCOME_TOPIC, {}),
    (False, "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:payroll", {}),
    (False, "sns:Subscribe", OUTCOME_TOPIC, {}),
    (True, "kms:GenerateDataKey", OUTCOME_KEY, VIA_SNS),
    (True, "kms:Decrypt", OUTCOME_KEY, VIA_SNS),
    (False, "kms:Decrypt", OUTCOME_KEY, {}),
    (False, "kms:GenerateDataKey", KEY, VIA_SNS),
    (False, "events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/any", {}),
    (True, "sqs:SendMessage", UNHANDLED, {}),
    (False, "sqs:ReceiveMessage", UNHANDLED, {}),
    (False, "sqs:PurgeQueue", UNHANDLED, {}),
    (True, "cloudwatch:SetAlarmState", f"{ALARM}:Greenlight.churn.abort", {}),
    (False, "cloudwatch:SetAlarmState", f"{ALARM}:Greenlight.churn.error-ratio", {}),
    (False, "cloudwatch:SetAlarmState", f"{ALARM}:Payments.churn.abort", {}),
    (False, "cloudwatch:SetAlarmState", f"{ALARM}:Greenlight-payments.churn.abort", {}),
    (True, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Greenlight"}),
    (False, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Payments"}),
    (True, "cloudwatch:ListTagsForResource", f"{ALARM}:Greenlight.churn.abort", {}),
    (False, "cloudwatch:ListTagsForResource", f"{ALARM}:payroll", {}),
    (True, "cloudwatch:TagResource", f"{ALARM}:Greenlight.churn.abort", TAGGED),
    (False, "cloudwatch:TagResource", f"{ALARM}:Greenlight.churn.abort", {}),
    (False, "cloudwatch:TagResource", f"{ALARM}:payroll", TAGGED),
    # Application Auto Scaling tries these without a name, or with an empty one.
    (True, "cloudwatch:DeleteAlarms", f"{ALARM}:", {}),
    (True, "cloudwatch:PutMetricAlarm", f"{ALARM}:", {}),
    (True, "cloudwatch:DescribeAlarms", "*", {}),
    # And these with names that do not exist.
    (True, "sagemaker:DescribeEndpointConfig", f"{PREFIX}:endpoint-config/0b1c2d3e", {}),
    (True, "sagemaker:DescribeEndpoint", f"{PREFIX}:endpoint/0b1c2d3e", {}),
    (True, "sagemaker:UpdateEndpointWeightsAndCapacities", f"{PREFIX}:endpoint/0b1c2d3e", {}),
    # Nobody knows which of a config's tags AWS knows when an endpoint is created or updated.
    (True, "sagemaker:CreateEndpoint", f"{PREFIX}:endpoint-config/config-1", {}),
    (True, "sagemaker:UpdateEndpoint", f"{PREFIX}:endpoint-config/config-1", {}),
    (False, "sagemaker:CreateEndpoint", f"{PREFIX}:endpoint/churn", {}),
    (False, "sagemaker:UpdateEndpoint", f"{PREFIX}:endpoint/churn", {}),
    (True, "kms:CreateGrant", KEY, VIA_SAGEMAKER),
    (False, "kms:CreateGrant", KEY, {"kms:ResourceAliases": ("alias/storage",)}),
    (False, "kms:CreateGrant", KEY, {**VIA_SAGEMAKER, "kms:ResourceAliases": ("alias/payroll",)}),
    (False, "kms:Decrypt", KEY, VIA_SAGEMAKER),
    (True, "iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}),
    (False, "iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    (False, "iam:PassRole", ROLE, {}),
    (False, "iam:PassRole", OTHER_ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}),
    (False, "iam:CreateRole", OTHER_ROLE, {}),
    (False, "iam:PutRolePolicy", ROLE, {}),
    (False, "iam:PassRole", FRAUD_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    (False, "kms:CreateGrant", KEY.replace("1234", NAMED_KEY), {}),
    (True, "s3:GetObject", f"{SAMPLES}/sample.tar.gz", {"aws:ResourceAccount": ACCOUNT}),
    (False, "s3:GetObject", f"{SAMPLES}/sample.tar.gz", {"aws:ResourceAccount": OTHER_ACCOUNT}),
    (True, "kms:Decrypt", KEY, SAMPLE),
    (False, "kms:Decrypt", KEY, {**SAMPLE, "kms:ViaService": f"ssm.{REGION}.amazonaws.com"}),
    (False, "kms:Decrypt", KEY, {**SAMPLE, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::payroll/1"}),
    (True, "iam:CreateServiceLinkedRole", SCALING_ROLE, {"iam:AWSServiceName": SCALING}),
    (False, "iam:CreateServiceLinkedRole", SCALING_ROLE, {"iam:AWSServiceName": "ecs.amazonaws.com"}),
    (False, "iam:CreateServiceLinkedRole", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/any", {}),
    (False, "iam:CreateServiceLinkedRole", f"{SCALING_ROLE}s", {"iam:AWSServiceName": SCALING}),
    (False, "sts:AssumeRole", ROLE, {}),
    (False, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {"aws:ResourceAccount": ACCOUNT}),
    # Only states are read.
    (True, "cloudwatch:DescribeAlarms", f"{ALARM}:payroll", {}),
    (False, "cloudwatch:SetAlarmState", f"{ALARM}:payroll", {}),
    (True, "sagemaker:CreateEndpointConfig", f"{PREFIX}:endpoint-config/new", TAGGED),
    (True, "sagemaker:CreateEndpoint", f"{PREFIX}:endpoint/new", TAGGED),
    (True, "sagemaker:AddTags", f"{PREFIX}:model/new", {"sagemaker:TaggingAction": "CreateModel"}),
    (True, "application-autoscaling:RegisterScalableTarget", f"{SCALED}/1", OF_VARIANTS),
    (False, "s3:PutObject", f"arn:aws:s3:::sagemaker-{REGION}-{ACCOUNT}/model.tar.gz", {}),
    (False, "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:any", {}),
    (False, "logs:DeleteLogGroup", f"{LOGS}:any:*", {}),
    (False, "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:any", {}),
    (True, "logs:DescribeLogStreams", f"{LOGS}:/aws/sagemaker/Endpoints/churn:log-stream:", {}),
    (True, "logs:GetLogEvents", f"{LOGS}:/aws/sagemaker/Endpoints/churn:log-stream:AllTraffic/i-0", {}),
    (False, "logs:GetLogEvents", f"{LOGS}:/aws/sagemaker/TrainingJobs:log-stream:any", {}),
    (False, "logs:GetLogEvents", f"{LOGS}:/aws/lambda/payments:log-stream:any", {}),
    (False, "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/Endpoints/churn:log-stream:any", {}),
]
"""Whether it is allowed, the action, the resource, and the keys that go with it."""


def journal_of(stack: Deployed) -> str:
    return next(
        stack.arn(kind, "Journal")
        for kind in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
        if stack.synthesised.of_type(kind)
    )


@pytest.mark.parametrize(("expected", "action", "resource", "keys"), ELSEWHERE)
def test_the_deployer_keeps_to_its_own(
    featured: Synthesised, action: str, resource: str, keys: dict[str, Values], *, expected: bool
) -> None:
    named = {
        JOURNAL: journal_of(Deployed(featured)),
        UNHANDLED: Deployed(featured).arn("AWS::SQS::Queue", "Unhandled"),
        OUTCOME_TOPIC: Deployed(featured).arn("AWS::SNS::Topic", "Outcomes"),
        OUTCOME_KEY: Deployed(featured).arn("AWS::KMS::Key", "Outcomes"),
        ROLE: Deployed(featured).arn("AWS::IAM::Role", "ModelExecutionRole"),
    }
    principal = Deployed(featured).session("DeployerRole")

    assert is_allowed(principal, action, named.get(resource, resource), keys) is expected


OWN_ALARM = f"{ALARM}:Greenlight.churn.abort"
OWNED_ALARM: dict[str, Values] = {"aws:ResourceTag/greenlight:stack": "Greenlight"}
THEIR_ALARM: dict[str, Values] = {"aws:ResourceTag/greenlight:stack": "Payments"}


@pytest.mark.parametrize(
    ("expected", "action", "resource", "keys"),
    [
        (True, "PutMetricAlarm", OWN_ALARM, TAGGED),
        (False, "PutMetricAlarm", OWN_ALARM, {}),
        (True, "PutMetricAlarm", OWN_ALARM, {**TAGGED, **OWNED_ALARM}),
        # Whether IAM sees the tags of a request that changes an alarm is not known.
        (True, "PutMetricAlarm", OWN_ALARM, OWNED_ALARM),
        (False, "PutMetricAlarm", OWN_ALARM, {**TAGGED, **THEIR_ALARM}),
        (False, "PutMetricAlarm", f"{ALARM}:payroll", TAGGED),
        (False, "PutMetricAlarm", f"{ALARM}:Greenlight-payments.churn.abort", TAGGED),
        (True, "DeleteAlarms", OWN_ALARM, OWNED_ALARM),
        (False, "DeleteAlarms", OWN_ALARM, {}),
        (False, "DeleteAlarms", OWN_ALARM, THEIR_ALARM),
        (False, "DeleteAlarms", f"{ALARM}:payroll", OWNED_ALARM),
        (False, "TagResource", OWN_ALARM, {**TAGGED, **THEIR_ALARM}),
    ],
)
def test_the_deployer_touches_no_alarm_but_its_own(
    synthesised: Synthesised, action: str, resource: str, keys: dict[str, Values], *, expected: bool
) -> None:
    principal = Deployed(synthesised).session("DeployerRole")

    assert is_allowed(principal, f"cloudwatch:{action}", resource, keys) is expected


DOCUMENTED_FOR_ALL = {"cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"}
"""For what these are needed for, AWS documents no form but `*`."""


def moved(resource: str) -> str:
    return resource.replace(f":{REGION}:", f":{OTHER_REGION}:")


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        (action, resource, keys)
        for expected, action, resource, keys in ELSEWHERE
        if expected
        and (resource in {JOURNAL, UNHANDLED, OUTCOME_TOPIC, OUTCOME_KEY} or f":{REGION}:" in resource)
        and action not in DOCUMENTED_FOR_ALL
    ],
)
def test_the_deployer_keeps_to_its_region(
    featured: Synthesised, action: str, resource: str, keys: dict[str, Values]
) -> None:
    stack = Deployed(featured)
    named = {
        JOURNAL: journal_of(stack),
        UNHANDLED: stack.arn("AWS::SQS::Queue", "Unhandled"),
        OUTCOME_TOPIC: stack.arn("AWS::SNS::Topic", "Outcomes"),
        OUTCOME_KEY: stack.arn("AWS::KMS::Key", "Outcomes"),
    }

    assert not is_allowed(stack.session("DeployerRole"), action, moved(named.get(resource, resource)), keys)


BUCKET = f"arn:aws:s3:::sagemaker-{REGION}-{ACCOUNT}"
THROUGH_S3: dict[str, Values] = {
    "kms:ViaService": f"s3.{REGION}.amazonaws.com",
    "kms:EncryptionContext:aws:s3:arn": f"{BUCKET}/model.tar.gz",
}
TO_CALLS: dict[str, Values] = {
    "kms:ViaService": f"s3.{REGION}.amazonaws.com",
    "kms:ResourceAliases": ("alias/calls",),
}
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
TOPICS_KEY = "arn:aws:kms:eu-central-1:444455556666:key/topics"
DLC = f"arn:aws:ecr:{REGION}:763104351884:repository/sklearn"

VIA_S3 = f"s3.{REGION}.amazonaws.com"
BY_DEFAULT: list[tuple[bool, str, str, dict[str, Values]]] = [
    (expected, action, key, {"kms:ViaService": via, "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{of}"})
    for key in (KEY, KEY.replace(ACCOUNT, OTHER_ACCOUNT))
    for action, of, via, expected in (
        ("kms:GenerateDataKey", "calls/credit/1.jsonl", VIA_S3, True),
        ("kms:GenerateDataKey", "calls", VIA_S3, True),
        ("kms:Decrypt", "calls/credit/1.jsonl", VIA_S3, True),
        ("kms:GenerateDataKey", "answers/1.out", VIA_S3, True),
        ("kms:Decrypt", "answers/requests/1.csv", VIA_S3, True),
        ("kms:Decrypt", "baselines/credit.csv", VIA_S3, True),
        ("kms:Decrypt", f"sagemaker-{REGION}-{ACCOUNT}/model.tar.gz", VIA_S3, True),
        ("kms:GenerateDataKey", "baselines/credit.csv", VIA_S3, False),
        ("kms:GenerateDataKey", "payroll/1", VIA_S3, False),
        ("kms:GenerateDataKey", "calls-of-others/1", VIA_S3, False),
        ("kms:GenerateDataKey", "calls/credit/1.jsonl", f"sqs.{REGION}.amazonaws.com", False),
        ("kms:Decrypt", "baselines/credit.csv", f"sqs.{REGION}.amazonaws.com", False),
    )
]
"""A model's role may use keys that no settings name: those of buckets that encrypt by default."""

OF_MODELS: list[tuple[bool, str, str, dict[str, Values]]] = [
    *BY_DEFAULT,
    (True, "s3:GetObject", f"{BUCKET}/model.tar.gz", {"aws:ResourceAccount": ACCOUNT}),
    (False, "s3:GetObject", f"{BUCKET}/model.tar.gz", {"aws:ResourceAccount": OTHER_ACCOUNT}),
    (False, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {"aws:ResourceAccount": ACCOUNT}),
    (False, "s3:PutObject", f"{BUCKET}/model.tar.gz", {"aws:ResourceAccount": ACCOUNT}),
    (False, "s3:DeleteObject", f"{BUCKET}/model.tar.gz", {"aws:ResourceAccount": ACCOUNT}),
    (True, "kms:Decrypt", KEY, THROUGH_S3),
    (False, "kms:Decrypt", KEY, {}),
    (
        False,
        "kms:Decrypt",
        KEY,
        {**THROUGH_S3, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::payroll/2026.csv"},
    ),
    (False, "kms:Decrypt", KEY, {**THROUGH_S3, "kms:ViaService": f"ssm.{REGION}.amazonaws.com"}),
    (True, "ecr:BatchGetImage", DLC, {}),
    (False, "ecr:PutImage", DLC, {}),
    (True, "cloudwatch:DescribeAlarms", f"{ALARM}:any", {}),
    (False, "cloudwatch:SetAlarmState", f"{ALARM}:any", {}),
    (True, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}),
    (False, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Payments"}),
    (True, "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/Endpoints/churn", {}),
    (False, "logs:PutLogEvents", f"{LOGS}:/aws/lambda/payments", {}),
    (False, "sagemaker:UpdateModelPackage", VERSION, {}),
    (False, "sagemaker:DescribeEndpoint", f"{PREFIX}:endpoint/churn", {}),
    (False, "iam:PassRole", OTHER_ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}),
    (False, "sts:AssumeRole", OTHER_ROLE, {}),
    (False, "ssm:GetParameter", MARKER, {}),
    (False, "s3:ListBucket", BUCKET, {"aws:ResourceAccount": OTHER_ACCOUNT}),
    (False, "s3:ListBucket", "arn:aws:s3:::payroll", {"aws:ResourceAccount": ACCOUNT}),
    (True, "s3:PutObject", "arn:aws:s3:::calls/credit/churn/1.jsonl", {}),
    (True, "s3:PutObject", "arn:aws:s3:::answers/1.out", {}),
    (False, "s3:PutObject", "arn:aws:s3:::calls/payroll/1.jsonl", {}),
    (False, "s3:GetObject", "arn:aws:s3:::baselines/payroll.csv", {}),
    (True, "s3:GetObject", "arn:aws:s3:::baselines/credit.csv", {}),
    (False, "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:payroll", {}),
    (True, "kms:GenerateDataKey", KEY, TO_CALLS),
    (False, "kms:GenerateDataKey", KEY, {**TO_CALLS, "kms:ViaService": f"sqs.{REGION}.amazonaws.com"}),
    (False, "kms:GenerateDataKey", KEY, {**TO_CALLS, "kms:ResourceAliases": ("alias/payroll",)}),
    # Asynchronous requests, by default anywhere in the bucket of the answers.
    (True, "s3:GetObject", "arn:aws:s3:::answers/requests/1.csv", {}),
    (True, "s3:ListBucket", "arn:aws:s3:::answers", {}),
    (False, "s3:GetObject", "arn:aws:s3:::calls/credit/1.jsonl", {}),
    # Topics may be encrypted.
    (True, "sns:Publish", "arn:aws:sns:eu-central-1:111122223333:failed", {}),
    (True, "kms:GenerateDataKey", TOPICS_KEY, {"kms:ViaService": "sns.eu-central-1.amazonaws.com"}),
    (True, "kms:Decrypt", TOPICS_KEY, {"kms:ViaService": "sns.eu-central-1.amazonaws.com"}),
    (False, "kms:GenerateDataKey", TOPICS_KEY, {"kms:ViaService": "sqs.eu-central-1.amazonaws.com"}),
    (
        False,
        "kms:GenerateDataKey",
        TOPICS_KEY.replace("eu-central-1", OTHER_REGION),
        {"kms:ViaService": "sns.eu-central-1.amazonaws.com"},
    ),
    (True, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-1", {}),
    # Shared by another account.
    (True, "ec2:CreateNetworkInterface", f"{EC2.replace(ACCOUNT, OTHER_ACCOUNT)}:subnet/subnet-1", {}),
    (True, "ec2:CreateNetworkInterface", f"{EC2.replace(ACCOUNT, OTHER_ACCOUNT)}:security-group/sg-1", {}),
    (False, "ec2:CreateNetworkInterface", f"{EC2.replace(ACCOUNT, OTHER_ACCOUNT)}:security-group/sg-2", {}),
    (False, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-2", {}),
    (True, "ec2:DeleteNetworkInterface", f"{EC2}:network-interface/eni-1", {}),
]
"""What a model's role may and may not do."""


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        (action, resource, keys)
        for expected, action, resource, keys in OF_MODELS
        if expected and f":{REGION}:" in resource and action not in DOCUMENTED_FOR_ALL
    ],
)
def test_a_model_keeps_to_its_region(
    featured: Synthesised, action: str, resource: str, keys: dict[str, Values]
) -> None:
    role = Deployed(featured).session("ModelExecutionRole")

    assert not is_allowed(role, action, moved(resource), keys)


@pytest.mark.parametrize(("expected", "action", "resource", "keys"), OF_MODELS)
def test_a_model_can_do_what_serving_needs_and_no_more(
    featured: Synthesised, action: str, resource: str, keys: dict[str, Values], *, expected: bool
) -> None:
    principal = Deployed(featured).session("ModelExecutionRole")

    assert is_allowed(principal, action, resource, keys) is expected
