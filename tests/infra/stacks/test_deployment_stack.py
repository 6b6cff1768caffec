"""Holds the stack to what only a real account would refuse: every statement, every pattern, every queue."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model.identity import Identity
from deployer.model.stack_identity import StackIdentity
from infra.bundling.assets import operations
from infra.bundling.lambda_runtime import runtime
from infra.settings.problem import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise, Synthesised

ACCOUNT = {"Ref": "AWS::AccountId"}
REGION = {"Ref": "AWS::Region"}


def text(value: Any) -> str:
    """Write an ARN of a template as one string: `arn:{AWS::Partition}:s3:::bucket`."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"{{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{{{name}.{attribute}}}"
        case {"Fn::Join": ["", parts]}:
            return "".join(text(part) for part in parts)
    raise AssertionError(value)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(synthesised: Synthesised, prefix: str) -> dict[str, dict[str, Any]]:
    """The statements of a role's policies by Sid, with sorted actions and with resources as strings."""
    policies = [synthesised.one("AWS::IAM::Policy", prefix)]
    role = synthesised.one("AWS::IAM::Role", prefix)
    policies += [
        synthesised.of_type("AWS::IAM::ManagedPolicy")[each["Ref"]]
        for each in role.get("ManagedPolicyArns", ())
    ]
    found: dict[str, dict[str, Any]] = {}
    for statement in [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]:
        assert statement["Sid"] not in found
        assert statement["Effect"] == "Allow"
        found[statement["Sid"]] = {
            "actions": sorted(as_list(statement["Action"])),
            "resources": sorted(text(resource) for resource in as_list(statement["Resource"])),
            "condition": statement.get("Condition"),
        }
    return found


def here(service: str, resource: str, account: str = "{AWS::AccountId}") -> str:
    return f"arn:{{AWS::Partition}}:{service}:{{AWS::Region}}:{account}:{resource}"


MODEL, CONFIG, ENDPOINT = (
    here("sagemaker", f"{kind}/*") for kind in ("model", "endpoint-config", "endpoint")
)
REQUESTED = {"StringEquals": {"aws:RequestTag/greenlight:stack": "Greenlight"}}
OWNED = {"StringEquals": {"aws:ResourceTag/greenlight:stack": "Greenlight"}}

OWN_ALARMS = here("cloudwatch", "alarm:Greenlight.*")
SCALABLE_TARGET = here("application-autoscaling", "scalable-target/*")
OF_VARIANTS = {
    "StringEquals": {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": [
            "sagemaker:variant:DesiredInstanceCount",
            "sagemaker:variant:DesiredProvisionedConcurrency",
        ],
    }
}

DEPLOYER_STATEMENTS: dict[str, tuple[list[str], list[str], dict[str, Any] | None]] = {
    "SendUnhandled": (["sqs:SendMessage"], ["{UnhandledQueueFC35D9B5.Arn}"], None),
    "WriteLogs": (["logs:CreateLogStream", "logs:PutLogEvents"], ["{DeployerLogs228AA106.Arn}"], None),
    "CreateModelWithTag": (["sagemaker:CreateModel"], [MODEL], REQUESTED),
    "CreateEndpointConfigWithTag": (["sagemaker:CreateEndpointConfig"], [CONFIG], REQUESTED),
    "CreateEndpointWithTag": (["sagemaker:CreateEndpoint"], [ENDPOINT], REQUESTED),
    "TagWhileCreating": (
        ["sagemaker:AddTags"],
        [CONFIG, ENDPOINT, MODEL],
        {
            "StringEquals": {
                "sagemaker:TaggingAction": ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
            }
        },
    ),
    "UseConfigs": (["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [CONFIG], None),
    "UpdateOwn": (
        ["sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
        [ENDPOINT],
        OWNED,
    ),
    "DeleteModelOwn": (["sagemaker:DeleteModel"], [MODEL], OWNED),
    "DeleteEndpointConfigOwn": (["sagemaker:DeleteEndpointConfig"], [CONFIG], OWNED),
    "DeleteEndpointOwn": (["sagemaker:DeleteEndpoint"], [ENDPOINT], OWNED),
    "RetagOwn": (
        ["sagemaker:AddTags"],
        [ENDPOINT],
        {**OWNED, "StringEqualsIfExists": {"aws:RequestTag/greenlight:stack": "Greenlight"}},
    ),
    "UntagOwn": (
        ["sagemaker:DeleteTags"],
        [ENDPOINT],
        {**OWNED, "ForAllValues:StringNotLike": {"aws:TagKeys": ["greenlight:*"]}},
    ),
    "DescribeModel": (["sagemaker:DescribeModel"], [MODEL], None),
    "DescribeEndpointConfig": (["sagemaker:DescribeEndpointConfig"], [CONFIG], None),
    "DescribeEndpoint": (["sagemaker:DescribeEndpoint"], [ENDPOINT], None),
    "ReadTags": (["sagemaker:ListTags"], [CONFIG, ENDPOINT, MODEL], None),
    "ListEndpoints": (["sagemaker:ListEndpoints"], ["*"], None),
    "PassExecutionRole": (
        ["iam:PassRole"],
        ["{ModelExecutionRoleD608C053.Arn}"],
        {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    ),
    "UseModelPackages": (
        ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
        [here("sagemaker", "model-package/*")],
        None,
    ),
    "ListModelPackages": (["sagemaker:ListModelPackages", "sagemaker:Search"], ["*"], None),
    "WriteVersionMetadata": (
        ["sagemaker:UpdateModelPackage"],
        [here("sagemaker", "model-package/*")],
        {
            "Null": {
                "sagemaker:CustomerMetadataPropertiesToRemove": "true",
                "sagemaker:ModelApprovalStatus": "true",
                "sagemaker:ModelLifeCycle:stage": "true",
            }
        },
    ),
    "ReadContainerLogs": (
        ["logs:DescribeLogStreams", "logs:GetLogEvents"],
        [here("logs", "log-group:/aws/sagemaker/Endpoints/*")],
        None,
    ),
    "KeepJournal": (
        ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
        ["{JournalTableE0A5D4A5.Arn}"],
        None,
    ),
    "PutOwnEvents": (
        ["events:PutEvents"],
        [here("events", "event-bus/default")],
        {"StringEquals": {"events:source": "greenlight"}},
    ),
    "PutSweepParts": (
        ["events:PutEvents"],
        ["{SweepBus96B55FD4.Arn}"],
        {"StringEquals": {"events:source": "greenlight"}},
    ),
    "PublishOutcomes": (["sns:Publish"], ["{OutcomesTopic31A21417}"], None),
    "EncryptOutcomes": (
        ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
        ["{OutcomesKeyC12C9DC6.Arn}"],
        {
            "StringEquals": {
                "kms:ViaService": {"Fn::Join": ["", ["sns.", REGION, ".", {"Ref": "AWS::URLSuffix"}]]}
            }
        },
    ),
    "StopRollouts": (["cloudwatch:SetAlarmState"], [here("cloudwatch", "alarm:Greenlight.*.abort")], None),
    "PublishAborts": (
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": "Greenlight"}},
    ),
    "ReadAlarms": (["cloudwatch:DescribeAlarms"], ["*"], None),
    "ReadAlarmTags": (["cloudwatch:ListTagsForResource"], [OWN_ALARMS], None),
    "MakeAlarms": (
        ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
        [OWN_ALARMS],
        {
            "StringEquals": {"aws:RequestTag/greenlight:stack": "Greenlight"},
            "StringEqualsIfExists": {"aws:ResourceTag/greenlight:stack": "Greenlight"},
        },
    ),
    "ChangeOwnAlarms": (["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"], [OWN_ALARMS], OWNED),
    "ReadScaling": (["application-autoscaling:DescribeScalableTargets"], ["*"], None),
    "EndScaling": (["application-autoscaling:DeregisterScalableTarget"], [SCALABLE_TARGET], OF_VARIANTS),
}

VIA_SAGEMAKER = {"kms:ViaService": {"Fn::Join": ["", ["sagemaker.", REGION, ".", {"Ref": "AWS::URLSuffix"}]]}}
SMOKE_TEST_OBJECTS = [
    "arn:{AWS::Partition}:s3:::checks/one.csv",
    "arn:{AWS::Partition}:s3:::sagemaker-{AWS::Region}-{AWS::AccountId}/*",
]
FEATURED_STATEMENTS: dict[str, tuple[list[str], list[str], dict[str, Any] | None]] = {
    "PassEndpointsRoles": (
        ["iam:PassRole"],
        ["arn:aws:iam::111122223333:role/fraud-models"],
        {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    ),
    "EncryptStorage": (
        ["kms:CreateGrant", "kms:DescribeKey"],
        [here("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")],
        {"StringEquals": VIA_SAGEMAKER},
    ),
    "EncryptStorageByAlias": (
        ["kms:CreateGrant", "kms:DescribeKey"],
        [here("kms", "key/*", account="*")],
        {
            "StringEquals": VIA_SAGEMAKER,
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/storage"]},
        },
    ),
    "ScaleVariants": (
        [
            "application-autoscaling:DeleteScalingPolicy",
            "application-autoscaling:DeleteScheduledAction",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:PutScheduledAction",
            "application-autoscaling:RegisterScalableTarget",
        ],
        [SCALABLE_TARGET],
        OF_VARIANTS,
    ),
    "ScaleEndpoints": (["sagemaker:UpdateEndpointWeightsAndCapacities"], [ENDPOINT], None),
    "KeepScalingAlarms": (
        ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
        ["*"],
        None,
    ),
    "CreateScalingRole": (
        ["iam:CreateServiceLinkedRole"],
        [
            (
                "arn:{AWS::Partition}:iam::{AWS::AccountId}:role/aws-service-role/"
                "sagemaker.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
            )
        ],
        {"StringLike": {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}},
    ),
    "CallOwn": (["sagemaker:InvokeEndpoint"], [ENDPOINT], OWNED),
    "ReadSmokeTests": (["s3:GetObject"], SMOKE_TEST_OBJECTS[:1], None),
    "ReadSamplePayloads": (
        ["s3:GetObject"],
        SMOKE_TEST_OBJECTS[1:],
        {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}},
    ),
    "DecryptSmokeTests": (
        ["kms:Decrypt"],
        [here("kms", "key/*", account="*")],
        {
            "StringEquals": {
                "kms:ViaService": {"Fn::Join": ["", ["s3.", REGION, ".", {"Ref": "AWS::URLSuffix"}]]}
            },
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    "arn:{AWS::Partition}:s3:::checks",
                    "arn:{AWS::Partition}:s3:::checks/*",
                    "arn:{AWS::Partition}:s3:::sagemaker-{AWS::Region}-{AWS::AccountId}",
                    "arn:{AWS::Partition}:s3:::sagemaker-{AWS::Region}-{AWS::AccountId}/*",
                ]
            },
        },
    ),
}
"""The additions for settings that need them."""


def test_the_deployer_may_do_exactly_this(synthesised: Synthesised) -> None:
    assert statements(synthesised, "DeployerRole") == {
        sid: {"actions": actions, "resources": resources, "condition": condition}
        for sid, (actions, resources, condition) in DEPLOYER_STATEMENTS.items()
    }


def test_the_deployer_may_do_this_as_well_when_settings_need_it(featured: Synthesised) -> None:
    # Copied, as others look at the same template.
    found = deepcopy(statements(featured, "DeployerRole"))
    key = "kms:EncryptionContext:aws:s3:arn"
    context = found["DecryptSmokeTests"]["condition"]["StringLike"]
    context[key] = [text(arn) for arn in context[key]]

    assert found == {
        sid: {"actions": actions, "resources": resources, "condition": condition}
        for sid, (actions, resources, condition) in {**DEPLOYER_STATEMENTS, **FEATURED_STATEMENTS}.items()
    }


def test_every_operation_that_the_deployer_lists_is_granted_and_nothing_else(featured: Synthesised) -> None:
    granted = {action for each in statements(featured, "DeployerRole").values() for action in each["actions"]}

    # For IAM, InvokeEndpoint belongs to SageMaker; for botocore to a separate service.
    prefixes = {"sagemaker-runtime": "sagemaker"}
    # IAM knows no transaction, only its writes (DynamoDB developer guide, "transaction-apis-iam").
    written = {"TransactWriteItems": ("DeleteItem", "PutItem", "UpdateItem")}
    called = {
        f"{prefixes.get(service, service)}:{action}"
        for service, names in operations().items()
        for name in names
        for action in written.get(name, (name,))
    }
    run_by_lambda = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
    by_others = {
        # calls of SageMaker and Application Auto Scaling for the deployer
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:TagResource",
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "kms:CreateGrant",
        "kms:DescribeKey",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
    }
    # Only a deployer in a stage looks at artifacts; tests/infra/stages checks its permissions. For IAM,
    # ListObjectsV2 is ListBucket.
    in_stages = {"s3:ListObjectsV2"}
    assert granted == (called - in_stages) | run_by_lambda | by_others


def test_the_template_of_a_thousand_endpoints_is_that_of_one(
    synthesise_with: Synthesise, tmp_path_factory: pytest.TempPathFactory, synthesised: Synthesised
) -> None:
    endpoints = tmp_path_factory.mktemp("endpoints")
    names = {f"endpoint-{number}" for number in range(1_000)}
    for name in names:
        (endpoints / f"{name}.yaml").write_text(f"model_package_group: {name}\ninstance_type: ml.m5.large\n")

    many = synthesise_with(endpoints_dir=str(endpoints))

    assert many.settings.keys() == names
    assert differences(many, synthesised) == SETTINGS_ALONE
    assert len(many.resources) <= 40


SETTINGS_ALONE = {"AWS::Lambda::Function", "AWS::SSM::Parameter"}
"""What a change of settings alone changes in the template."""


def differences(one: Synthesised, other: Synthesised) -> set[str]:
    """Return the types of the resources that are not the same in two templates."""
    assert one.resources.keys() == other.resources.keys()
    return {
        resource["Type"]
        for name, resource in one.resources.items()
        if {**resource, "Metadata": None} != {**other.resources[name], "Metadata": None}
    }


def test_a_changed_file_changes_the_function_and_the_marker_alone(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    stacks = []
    for count in (1, 2, 2):
        (tmp_path / "churn.yaml").write_text(
            f"model_package_group: churn\ninstance_type: ml.m5.large\ninstance_count: {count}\n"
        )
        stacks.append(synthesise_with(endpoints_dir=str(tmp_path)))

    one, two, again = stacks
    assert differences(one, two) == SETTINGS_ALONE
    assert differences(two, again) == set()


def test_registries_of_other_accounts_are_granted_by_account_when_settings_name_them(
    configured: Synthesised,
) -> None:
    assert statements(configured, "DeployerRole")["UseModelPackages"]["resources"] == [
        here("sagemaker", "model-package/*", account="444455556666"),
        here("sagemaker", "model-package/*"),
    ]


def test_the_deployer_knows_the_roles_of_other_installations_by_their_names(synthesised: Synthesised) -> None:
    [role] = [name for name in synthesised.of_type("AWS::IAM::Role") if name.startswith("DeployerRole")]
    session = Identity(iam_arn=f"arn:aws:sts::111122223333:assumed-role/Other-{role}-AbCdEf012345/function")

    assert StackIdentity("arn:aws:iam::111122223333:role/models", "Greenlight", "mine").is_deployer(session)


def test_where_no_settings_want_it_the_deployer_may_not_write_to_the_registry(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    group = "arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/theirs"
    for name, text_of in {
        "off": "model_package_group: ours\nversion_metadata: false\ninstance_type: ml.m5.large\n",
        "theirs": f"model_package_group: {group}\ninstance_type: ml.m5.large\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text_of)

    assert "WriteVersionMetadata" not in statements(
        synthesise_with(endpoints_dir=str(tmp_path)), "DeployerRole"
    )


def test_the_owners_tag_is_the_name_of_the_stack(configured: Synthesised) -> None:
    found = statements(configured, "DeployerRole")

    name = "Greenlight-Test"
    assert found["CreateModelWithTag"]["condition"] == {
        "StringEquals": {"aws:RequestTag/greenlight:stack": name}
    }
    assert found["UpdateOwn"]["condition"] == {"StringEquals": {"aws:ResourceTag/greenlight:stack": name}}
    function = configured.one("AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["STACK_NAME"] == name


def test_models_may_do_this_as_well_when_settings_name_it(
    featured: Synthesised, synthesised: Synthesised
) -> None:
    plain, found = (statements(stack, "ModelExecutionRole") for stack in (synthesised, featured))

    assert {sid: (each["actions"], each["resources"]) for sid, each in found.items() if sid not in plain} == {
        "ReadRequests": (["s3:GetObject"], ["arn:{AWS::Partition}:s3:::answers/*"]),
        "ListRequests": (["s3:ListBucket"], ["arn:{AWS::Partition}:s3:::answers"]),
        "WriteCallsAndAnswers": (
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            ["arn:{AWS::Partition}:s3:::answers/*", "arn:{AWS::Partition}:s3:::calls/credit/*"],
        ),
        "ReadBaselines": (["s3:GetObject"], ["arn:{AWS::Partition}:s3:::baselines/credit.csv"]),
        "EncryptCallsAndAnswers": (
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [here("kms", "key/*", account="*")],
        ),
        "DecryptRequests": (["kms:Decrypt"], [here("kms", "key/*", account="*")]),
        "EncryptAnswersByAlias": (
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [here("kms", "key/*", account="*")],
        ),
        "TellOfAnswers": (["sns:Publish"], ["arn:aws:sns:eu-central-1:111122223333:failed"]),
        "EncryptNotices": (
            ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
            ["arn:{AWS::Partition}:kms:eu-central-1:*:key/*"],
        ),
        "JoinVpc": (
            ["ec2:CreateNetworkInterface"],
            [
                here("ec2", name, account="*")
                for name in ("network-interface/*", "security-group/sg-1", "subnet/subnet-1")
            ],
        ),
        "KeepInterfaces": (
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [here("ec2", "network-interface/*", account="*")],
        ),
        "ReadVpc": (
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
        ),
    }
    condition = found["EncryptAnswersByAlias"]["condition"]
    assert condition["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": ["alias/calls"]}
    for sid, service, buckets in (
        ("EncryptCallsAndAnswers", "s3", ["answers", "calls"]),
        ("DecryptRequests", "s3", ["baselines"]),
        ("EncryptNotices", "sns", []),
    ):
        condition = found[sid]["condition"]
        through = text(condition["StringEquals"]["kms:ViaService"]).partition(".")
        assert through[0] == service
        context = condition.get("StringLike", {"kms:EncryptionContext:aws:s3:arn": []})
        assert context["kms:EncryptionContext:aws:s3:arn"] == [
            {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":s3:::{name}{objects}"]]}
            for name in buckets
            for objects in ("", "/*")
        ]
    for sid, statement in plain.items():
        assert found[sid] == statement


BUCKET = "arn:{AWS::Partition}:s3:::sagemaker-{AWS::Region}-{AWS::AccountId}"
OURS = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}


def test_models_may_do_exactly_this(synthesised: Synthesised) -> None:
    found = statements(synthesised, "ModelExecutionRole")
    decrypt = found.pop("DecryptArtifacts")

    assert found == {
        "ReadArtifacts": {"actions": ["s3:GetObject"], "resources": [f"{BUCKET}/*"], "condition": OURS},
        "ListArtifacts": {"actions": ["s3:ListBucket"], "resources": [BUCKET], "condition": OURS},
        "PullImages": {
            "actions": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "resources": [here("ecr", "repository/*", account="*")],
            "condition": None,
        },
        "LogInToRegistries": {
            "actions": ["ecr:GetAuthorizationToken"],
            "resources": ["*"],
            "condition": None,
        },
        "WriteLogs": {
            "actions": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "resources": [here("logs", "log-group:/aws/sagemaker/Endpoints/*")],
            "condition": None,
        },
        "WriteMetrics": {
            "actions": ["cloudwatch:PutMetricData"],
            "resources": ["*"],
            "condition": {
                "StringEquals": {"cloudwatch:namespace": ["/aws/sagemaker/Endpoints", "AWS/SageMaker"]}
            },
        },
        "ReadGuardrailAlarms": {
            "actions": ["cloudwatch:DescribeAlarms"],
            "resources": ["*"],
            "condition": None,
        },
    }
    any_accounts = here("kms", "key/*", account="*")
    assert (decrypt["actions"], decrypt["resources"]) == (["kms:Decrypt"], [any_accounts])
    via, context = decrypt["condition"]["StringEquals"], decrypt["condition"]["StringLike"]
    assert text(via["kms:ViaService"]) == "s3.{AWS::Region}.{AWS::URLSuffix}"
    assert [text(arn) for arn in context["kms:EncryptionContext:aws:s3:arn"]] == [BUCKET, f"{BUCKET}/*"]


def test_models_may_read_the_configured_buckets_in_any_account_and_no_others(configured: Synthesised) -> None:
    found = statements(configured, "ModelExecutionRole")

    a, b = ("arn:{AWS::Partition}:s3:::models-a", "arn:{AWS::Partition}:s3:::models-b")
    assert found["ReadArtifacts"]["resources"] == [f"{a}/*", f"{b}/*"]
    assert found["ListArtifacts"]["resources"] == [a, b]
    assert found["ReadArtifacts"]["condition"] is None


def test_only_sagemaker_may_become_the_models_role_and_for_this_account_only(
    synthesised: Synthesised,
) -> None:
    trust = synthesised.one("AWS::IAM::Role", "ModelExecutionRole")["AssumeRolePolicyDocument"]

    assert trust["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ]


def test_only_lambda_may_become_the_deployers_role_and_it_has_no_managed_policies(
    synthesised: Synthesised,
) -> None:
    role = synthesised.one("AWS::IAM::Role", "DeployerRole")

    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ]
    assert "ManagedPolicyArns" not in role


def test_a_role_that_is_passed_in_is_passed_on_and_left_as_it_is(synthesise_with: Synthesise) -> None:
    # GIVEN
    arn = "arn:aws:iam::111122223333:role/serving/models"

    # WHEN
    stack = synthesise_with(execution_role_arn=arn)

    # THEN
    assert not [name for name in stack.of_type("AWS::IAM::Role") if name.startswith("ModelExecutionRole")]
    assert list(stack.of_type("AWS::IAM::Policy")) == ["DeployerRoleDefaultPolicyA77E2085"]
    assert statements(stack, "DeployerRole")["PassExecutionRole"]["resources"] == [arn]
    variables = stack.one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["EXECUTION_ROLE_ARN"] == arn
    assert "MODEL_BUCKETS" not in variables, "what the role may read is not known"


def test_a_role_of_another_account_ends_the_synthesis(
    synthesise_with: Synthesise, tmp_path_factory: pytest.TempPathFactory
) -> None:
    endpoints = tmp_path_factory.mktemp("endpoints")
    (endpoints / "churn.yaml").write_text(
        "model_package_group: churn\ninstance_type: ml.m5.large\n"
        "execution_role_arn: arn:aws:iam::444455556666:role/models\n"
    )

    with pytest.raises(ConfigurationError, match="a role of account 444455556666"):
        synthesise_with(
            endpoints_dir=str(endpoints), execution_role_arn="arn:aws:iam::111122223333:role/models"
        )


PATTERNS: dict[str, dict[str, Any]] = {
    "TriggersModelPackageRule": {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
    },
    "TriggersEndpointRule": {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Endpoint State Change"],
    },
    "TriggersSettingsRule": {
        "source": ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        "detail": {"name": ["/greenlight/Greenlight/settings-digest"]},
    },
    "TriggersRequestRule": {
        "source": ["greenlight"],
        "detail-type": ["Greenlight Request"],
        "account": [ACCOUNT],
        "region": [REGION],
        "detail": {"StackName": ["Greenlight"]},
    },
    "TriggersSweepPartRule": {
        "source": ["greenlight"],
        "detail-type": ["Greenlight Sweep Part"],
        "account": [ACCOUNT],
        "region": [REGION],
        "detail": {"StackName": ["Greenlight"]},
    },
}


@pytest.mark.parametrize(("rule", "pattern"), PATTERNS.items(), ids=PATTERNS)
def test_a_rule_matches_exactly_this(rule: str, pattern: dict[str, Any], synthesised: Synthesised) -> None:
    properties = synthesised.one("AWS::Events::Rule", rule)

    assert properties["EventPattern"] == pattern
    assert properties["State"] == "ENABLED"
    # All others on the default bus, on which AWS services put their events.
    own = {"Ref": "SweepBus96B55FD4"} if rule == "TriggersSweepPartRule" else None
    assert properties.get("EventBusName") == own
    assert len(json.dumps(pattern)) < 2048


def test_there_are_no_other_rules_than_these_and_the_sweep(synthesised: Synthesised) -> None:
    sweep = synthesised.one("AWS::Events::Rule", "TriggersSweepRule")

    assert sweep["ScheduleExpression"] == "rate(15 minutes)"
    assert len(synthesised.of_type("AWS::Events::Rule")) == len(PATTERNS) + 1


def test_the_sweep_and_the_settings_rule_follow_the_configuration(configured: Synthesised) -> None:
    assert configured.one("AWS::Events::Rule", "TriggersSweepRule")["ScheduleExpression"] == "rate(1 minute)"
    pattern = configured.one("AWS::Events::Rule", "TriggersSettingsRule")["EventPattern"]
    assert pattern["detail"] == {"name": ["/greenlight/Greenlight-Test/settings-digest"]}


def test_a_stack_hears_of_its_own_parts_and_not_of_another_stacks(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    names = [
        stack.one("AWS::Events::Rule", "TriggersSweepPartRule")["EventPattern"]["detail"]["StackName"]
        for stack in (synthesised, configured)
    ]

    assert names == [["Greenlight"], ["Greenlight-Test"]]
    for stack, name in zip((synthesised, configured), names, strict=True):
        variables = stack.one("AWS::Lambda::Function")["Environment"]["Variables"]
        assert [variables["STACK_NAME"]] == name, "what the deployer writes into its events"


def test_smoke_tests_hear_of_the_bake(featured: Synthesised) -> None:
    """The stages of rollouts set nothing else off, so other stacks are spared the invocations."""
    rule = featured.one("AWS::Events::Rule", "TriggersEndpointRule")

    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": [
            "SageMaker Endpoint State Change",
            "SageMaker Endpoint Deployment State Change",
        ],
    }


@pytest.mark.parametrize(
    ("rule", "age"),
    [
        ("TriggersModelPackageRule", 86_400),
        ("TriggersEndpointRule", 86_400),
        ("TriggersSettingsRule", 86_400),
        ("TriggersSweepRule", 900),
        ("TriggersRequestRule", 900),
        ("TriggersSweepPartRule", 900),
    ],
)
def test_every_trigger_invokes_the_deployer_and_keeps_what_cannot_be_delivered(
    rule: str, age: int, synthesised: Synthesised
) -> None:
    [target] = synthesised.one("AWS::Events::Rule", rule)["Targets"]

    assert text(target["Arn"]) == "{DeployerFunction8445E917.Arn}"
    assert text(target["DeadLetterConfig"]["Arn"]) == "{UndeliveredQueue47FA64CB.Arn}"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": age, "MaximumRetryAttempts": 185}


def test_every_trigger_and_nobody_else_may_invoke_the_deployer(synthesised: Synthesised) -> None:
    permissions = synthesised.of_type("AWS::Lambda::Permission").values()

    rules = [name for name in synthesised.of_type("AWS::Events::Rule") if name.startswith("Triggers")]
    assert sorted(text(permission["SourceArn"]) for permission in permissions) == sorted(
        f"{{{rule}.Arn}}" for rule in rules
    )
    assert {permission["Principal"] for permission in permissions} == {"events.amazonaws.com"}


def test_every_rule_may_put_what_it_cannot_deliver_into_the_queue(synthesised: Synthesised) -> None:
    policy = synthesised.one("AWS::SQS::QueuePolicy", "Undelivered")["PolicyDocument"]["Statement"]

    allowed = [each for each in policy if each["Effect"] == "Allow"]
    assert sorted(text(each["Condition"]["ArnEquals"]["aws:SourceArn"]) for each in allowed) == sorted(
        f"{{{rule}.Arn}}" for rule in synthesised.of_type("AWS::Events::Rule")
    )
    assert {each["Action"] for each in allowed} == {"sqs:SendMessage"}
    assert {each["Principal"]["Service"] for each in allowed} == {"events.amazonaws.com"}


@pytest.mark.parametrize("queue", ["Undelivered", "Unhandled"])
def test_failures_are_kept_a_fortnight_encrypted_and_raise_an_alarm_that_people_hear(
    queue: str, synthesised: Synthesised
) -> None:
    # THEN the queue is encrypted and long
    properties = synthesised.one("AWS::SQS::Queue", queue)
    assert properties == {"MessageRetentionPeriod": 14 * 86_400, "SqsManagedSseEnabled": True}

    # AND it is reached by TLS only
    [denied] = [
        each
        for each in synthesised.one("AWS::SQS::QueuePolicy", queue)["PolicyDocument"]["Statement"]
        if each["Effect"] == "Deny"
    ]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (denied["Action"], denied["Principal"]) == ("sqs:*", {"AWS": "*"})

    # AND its first message raises the alarm
    alarm = synthesised.one("AWS::CloudWatch::Alarm", queue)
    [dimension] = alarm["Dimensions"]
    assert text(dimension["Value"]).startswith(f"{{{queue}Queue")
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ApproximateNumberOfMessagesVisible", "Maximum")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 60)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "OutcomesTopic31A21417"}]


def test_no_rule_carries_what_anybody_may_put_on_a_bus_to_people(synthesised: Synthesised) -> None:
    targets = [
        text(target["Arn"])
        for rule in synthesised.of_type("AWS::Events::Rule").values()
        for target in rule["Targets"]
    ]

    assert set(targets) == {"{DeployerFunction8445E917.Arn}"}


def test_the_sweeps_bus_admits_the_deployer_and_nobody_else(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    for stack in (synthesised, configured):
        name = stack.one("AWS::Lambda::Function")["Environment"]["Variables"]["STACK_NAME"]
        assert stack.one("AWS::Events::EventBus")["Name"] == f"{name}.sweep-parts"
    policy = synthesised.one("AWS::Events::EventBusPolicy")
    assert policy["EventBusName"] == {"Ref": "SweepBus96B55FD4"}
    assert policy["Statement"] == {
        "Sid": "cdk-DenyOthers",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "events:PutEvents",
        "Resource": {"Fn::GetAtt": ["SweepBus96B55FD4", "Arn"]},
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["DeployerRole36024D4B", "Arn"]}}},
    }


def test_the_topic_and_its_key_admit_alarms_of_this_account_only(synthesised: Synthesised) -> None:
    topic = synthesised.one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = synthesised.one("AWS::KMS::Key")["KeyPolicy"]["Statement"]

    for policy, actions in ((topic, ["sns:Publish"]), (key, ["kms:Decrypt", "kms:GenerateDataKey*"])):
        [found] = [each for each in policy if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
        assert (found["Effect"], as_list(found["Action"])) == ("Allow", actions)
        assert found["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        assert text(found["Condition"]["ArnLike"]["aws:SourceArn"]) == here("cloudwatch", "alarm:*")
        assert set(found["Condition"]) == {"StringEquals", "ArnLike"}


@pytest.mark.parametrize("stack", ["synthesised", "configured"])
def test_nobody_else_may_publish_outcomes_or_use_the_key(stack: str, request: pytest.FixtureRequest) -> None:
    found: Synthesised = request.getfixturevalue(stack)
    topic = found.one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = found.one("AWS::KMS::Key")["KeyPolicy"]["Statement"]

    assert [each["Effect"] for each in topic].count("Allow") == 1
    [denied] = [each for each in topic if each["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    [administration] = [each for each in key if "Service" not in each["Principal"]]
    assert text(administration["Principal"]["AWS"]) == "arn:{AWS::Partition}:iam::{AWS::AccountId}:root"
    assert len(key) == 2


def test_the_topic_is_encrypted_with_a_key_of_our_own_that_rotates(synthesised: Synthesised) -> None:
    assert text(synthesised.one("AWS::SNS::Topic")["KmsMasterKeyId"]) == "{OutcomesKeyC12C9DC6.Arn}"
    assert synthesised.one("AWS::KMS::Key")["EnableKeyRotation"] is True


def test_people_are_subscribed_when_they_are_configured_and_nobody_otherwise(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    subscription = configured.one("AWS::SNS::Subscription")

    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.com")
    assert synthesised.of_type("AWS::SNS::Subscription") == {}


def test_channels_of_chats_hear_of_the_topic_and_may_do_nothing(configured: Synthesised) -> None:
    """Q lets a channel do what its role may, up to its guardrails."""
    slack = configured.one("AWS::Chatbot::SlackChannelConfiguration")
    teams = configured.one("AWS::Chatbot::MicrosoftTeamsChannelConfiguration")
    role = configured.one("AWS::IAM::Role", "OutcomesChatsRole")

    for each in (slack, teams):
        assert list(map(text, each["SnsTopicArns"])) == ["{OutcomesTopic31A21417}"]
        assert text(each["IamRoleArn"]).startswith("{OutcomesChatsRole")
        assert list(map(text, each["GuardrailPolicies"])) == [
            "arn:{AWS::Partition}:iam::aws:policy/AWSDenyAll"
        ]
    assert (slack["SlackWorkspaceId"], slack["SlackChannelId"]) == ("T0123ABCD", "C0123ABCD")
    assert teams["TeamsChannelId"] == "19%3aabcdef%40thread.tacv2"
    assert slack["ConfigurationName"] != teams["ConfigurationName"]
    assert role.keys() == {"AssumeRolePolicyDocument", "Description"}
    policies = [each["Roles"] for each in configured.of_type("AWS::IAM::Policy").values()]
    assert "OutcomesChats" not in json.dumps(policies)


def test_the_deployer_writes_for_chats_only_where_a_channel_hears(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    """Other subscribers by HTTPS would get the chats' form, too."""
    without, with_chats = (
        each.one("AWS::Lambda::Function")["Environment"]["Variables"] for each in (synthesised, configured)
    )

    assert not {"CHATS", "STUDIO_URL", "RUNBOOK_URL"} & without.keys()
    assert (with_chats["CHATS"], with_chats["RUNBOOK_URL"]) == ("2", "https://wiki.example.com/greenlight")
    assert with_chats["STUDIO_URL"].endswith(".sagemaker.aws")


def test_the_journal_is_paid_per_request_recoverable_and_protected(synthesised: Synthesised) -> None:
    table = synthesised.one("AWS::DynamoDB::Table")

    assert table == {
        "AttributeDefinitions": [
            {"AttributeName": "endpoint", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "KeySchema": [
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }


def test_history_expires_only_if_the_configuration_says_when(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    """DynamoDB then deletes items that have the attribute: the deployer gives it to history alone."""
    function = configured.one("AWS::Lambda::Function", "Deployer")

    assert configured.one("AWS::DynamoDB::Table")["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert function["Environment"]["Variables"]["HISTORY_DAYS"] == "400"
    assert "TimeToLiveSpecification" not in synthesised.one("AWS::DynamoDB::Table")


def test_history_and_keys_and_what_live_endpoints_need_survive_the_stack(featured: Synthesised) -> None:
    kept = {
        name for name, resource in featured.resources.items() if resource.get("DeletionPolicy") == "Retain"
    }

    assert {featured.resources[name]["Type"] for name in kept} == {
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
    }
    assert {name for name in kept if featured.resources[name]["Type"].startswith("AWS::IAM::")} == {
        name
        for kind in ("AWS::IAM::Role", "AWS::IAM::Policy")
        for name in featured.of_type(kind)
        if name.startswith("ModelExecutionRole")
    }
    for resource in featured.resources.values():
        assert resource.get("UpdateReplacePolicy") == resource.get("DeletionPolicy")


def test_the_function_is_configured_like_this(synthesised: Synthesised) -> None:
    function = synthesised.one("AWS::Lambda::Function")
    variables = {key: text(value) for key, value in function["Environment"]["Variables"].items()}

    assert variables == {
        "DEPLOYER_ROLE_NAME": "{DeployerRole36024D4B}",
        "EVENT_BUS_NAME": "default",
        "EXECUTION_ROLE_ARN": "{ModelExecutionRoleD608C053.Arn}",
        "JOURNAL_TABLE_NAME": "{JournalTableE0A5D4A5}",
        "MODEL_BUCKETS": "sagemaker-{AWS::Region}-{AWS::AccountId}",
        "OUTCOME_TOPIC_ARN": "{OutcomesTopic31A21417}",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "greenlight",
        "STACK_NAME": "Greenlight",
        "SWEEP_BUS_NAME": "{SweepBus96B55FD4}",
    }
    assert (function["Handler"], function["Runtime"]) == ("deployer.handler.handler", runtime().name)
    assert (function["MemorySize"], function["Timeout"]) == (512, 300)
    assert function["Architectures"] == ["arm64"]
    assert text(function["LoggingConfig"]["LogGroup"]) == "{DeployerLogs228AA106}"
    assert "ReservedConcurrentExecutions" not in function, "a fresh account cannot reserve any"


def test_an_event_that_the_function_fails_on_is_retried_and_then_kept(synthesised: Synthesised) -> None:
    config = synthesised.one("AWS::Lambda::EventInvokeConfig")

    assert text(config["FunctionName"]) == "{DeployerFunction8445E917}"
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 21_600)
    destination = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert text(destination) == "{UnhandledQueueFC35D9B5.Arn}"


def test_logs_are_kept_as_long_as_configured(synthesised: Synthesised, configured: Synthesised) -> None:
    assert synthesised.one("AWS::Logs::LogGroup")["RetentionInDays"] == 90
    assert configured.one("AWS::Logs::LogGroup")["RetentionInDays"] == 30


def test_settings_are_in_the_functions_bundle_and_the_marker_has_their_digest(
    synthesised: Synthesised, configured: Synthesised
) -> None:
    assert synthesised.settings.keys() == {"diabetes-progression"}
    assert configured.settings.keys() == {"churn"}
    for stack, name in ((synthesised, "Greenlight"), (configured, "Greenlight-Test")):
        marker = stack.one("AWS::SSM::Parameter")
        assert marker["Name"] == f"/greenlight/{name}/settings-digest"
        index = (stack.bundle / "endpoint_settings" / "index.json").read_bytes()
        assert marker["Value"] == hashlib.sha256(index).hexdigest()[:16]


def test_outputs_name_what_operators_look_for(synthesised: Synthesised) -> None:
    outputs = synthesised.template["Outputs"]

    assert {name: text(output["Value"]) for name, output in outputs.items()} == {
        "DeployerFunctionName": "{DeployerFunction8445E917}",
        "DeployerLogGroupName": "{DeployerLogs228AA106}",
        "ExecutionRoleArn": "{ModelExecutionRoleD608C053.Arn}",
        "GreenlightVersion": "0.1.0",
        "JournalTableName": "{JournalTableE0A5D4A5}",
        "OperatorPolicyArn": "{PeopleOperator362395F2}",
        "OutcomeTopicArn": "{OutcomesTopic31A21417}",
        "RemoverPolicyArn": "{PeopleRemover79A54845}",
        "UndeliveredQueueUrl": "{UndeliveredQueue47FA64CB}",
        "UnhandledQueueUrl": "{UnhandledQueueFC35D9B5}",
        "ViewerPolicyArn": "{PeopleViewerA20999A5}",
    }
    assert all(output["Description"] for output in outputs.values())


def test_the_template_is_tied_to_no_partition_account_or_region(synthesised: Synthesised) -> None:
    template = json.dumps(synthesised.template)

    assert '"arn:aws' not in template
    assert "eu-central-1" not in template
    assert "111122223333" not in template


def test_cdk_nag_finds_nothing_that_is_not_acknowledged_where_it_is_with_a_reason(
    synthesised: Synthesised, configured: Synthesised, featured: Synthesised
) -> None:
    for stack in (synthesised, configured, featured):
        assert (stack.nag["pluginName"], stack.nag["conclusion"]) == ("AwsSolutions", "success")
        assert stack.nag["violations"] == []
        for found in stack.nag["suppressedViolations"]:
            assert len(found["reason"]) > 20
            assert found["acknowledgedAt"].count("/") >= 2, "on one construct, not on the stack"
        acknowledged = {found["ruleName"].split("[")[0] for found in stack.nag["suppressedViolations"]}
        assert acknowledged == {"AwsSolutions-IAM5", "AwsSolutions-L1", "AwsSolutions-SQS3"}
