"""Holds the stacks of several accounts to what only real accounts would refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from infra.bundling.assets import REGISTRY_ACCESS, operations
from infra.configuration.app_context import Configuration
from infra.constructs.event_forwarding import fitting
from infra.constructs.policy_editor import PolicyEditor
from infra.stacks.registry_stack import RegistryStack
from infra.stages.policy_editor_roles import MOST_OF_ROLE
from infra.stages.policy_statements import PolicyStatements, PolicyTarget
from infra.stages.stage_names import owner_of
from tests.infra.stages.example import (
    KEY,
    MODELS_OF_PRODUCTION,
    OTHER_KEY,
    PRODUCTION,
    REGION,
    REGISTRY,
    STAGING,
)
from tests.infra.stages.test_access import UNTOUCHED, stages
from tests.infra.test_app import CFN_LINT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.infra.conftest import Synthesised
    from tests.infra.stages.conftest import Accounts

STACKS = {
    "Greenlight-Registry": REGISTRY,
    "Greenlight-lab": REGISTRY,
    "Greenlight-production": PRODUCTION,
    "Greenlight-staging": STAGING,
}
CUSTOM = "Custom::GreenlightPolicyStatements"
MODELS_BUCKET = "arn:aws:s3:::models"


def statements(accounts: Accounts, stack: str, prefix: str, kind: str = "Policy") -> dict[str, Any]:
    document = accounts.one(stack, f"AWS::IAM::{kind}", prefix)["PolicyDocument"]
    return {statement.pop("Sid"): statement for statement in json.loads(json.dumps(document))["Statement"]}


def test_every_stage_and_the_registry_have_a_stack_in_their_account(
    accounts: Accounts, otherwise: Accounts
) -> None:
    assert accounts.places == {name: (account, REGION) for name, account in STACKS.items()}
    assert otherwise.places == accounts.places


@pytest.mark.parametrize("configuration", ["accounts", "otherwise"])
def test_cdk_nag_and_cdk_find_nothing(configuration: str, request: pytest.FixtureRequest) -> None:
    synthesised: Accounts = request.getfixturevalue(configuration)

    assert [report["violations"] for report in synthesised.reports] == [[] for _ in synthesised.reports]


def test_cfn_lint_passes(accounts: Accounts, otherwise: Accounts) -> None:
    templates = [
        str(path) for each in (accounts, otherwise) for path in sorted(each.directory.glob("*.template.json"))
    ]
    assert len(templates) == len(accounts.templates) + len(otherwise.templates)
    # CDK writes a dependency on a role beside the reference to it.
    command = [CFN_LINT, "--regions", REGION, "--ignore-checks", "W3005", "--template", *templates]

    done = subprocess.run(  # noqa: S603 - the project's own linter, with arguments from this file
        command, capture_output=True, text=True, check=False, timeout=120
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_stages_nothing_of_all_this_is_in_the_template(synthesised: Synthesised) -> None:
    (bus,) = synthesised.of_type("AWS::Events::EventBus")
    assert bus.startswith("SweepBus")
    assert synthesised.one("AWS::Events::Rule", "TriggersModelPackageRule")["EventPattern"] == {
        "detail-type": ["SageMaker Model Package State Change"],
        "source": ["aws.sagemaker"],
    }
    assert [role for role in synthesised.of_type("AWS::IAM::Role").values() if "RoleName" in role] == []


def test_the_registry_forwards_the_events_of_a_stages_groups_to_its_bus(accounts: Accounts) -> None:
    rule = accounts.one("Greenlight-Registry", "AWS::Events::Rule", "Forwardingproduction")

    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [REGISTRY],
        "detail": {"ModelPackageGroupName": ["Churn-Models", "churn-models", "fraud"]},
    }
    [target] = rule["Targets"]
    assert target["Arn"] == f"arn:aws:events:{REGION}:{PRODUCTION}:event-bus/Greenlight-production"
    assert "Input" not in target
    assert "InputTransformer" not in target
    assert target["DeadLetterConfig"]
    assert target["RoleArn"]["Fn::GetAtt"][0].startswith("ForwardingproductionRole")


def test_a_rule_may_put_events_on_its_stages_bus_and_do_nothing_else(accounts: Accounts) -> None:
    role = accounts.one("Greenlight-Registry", "AWS::IAM::Role", "Forwardingstaging")
    policy = accounts.one("Greenlight-Registry", "AWS::IAM::Policy", "Forwardingstaging")

    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": REGISTRY}}
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Action": "events:PutEvents",
            "Effect": "Allow",
            "Resource": f"arn:aws:events:{REGION}:{STAGING}:event-bus/Greenlight-staging",
        }
    ]


def test_undelivered_events_are_kept_for_the_rules_of_this_stack_alone(accounts: Accounts) -> None:
    policy = accounts.one("Greenlight-Registry", "AWS::SQS::QueuePolicy")
    allowed = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]

    assert len(allowed) == 2
    for each in allowed:
        assert each["Principal"] == {"Service": "events.amazonaws.com"}
        assert each["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0].startswith("Forwarding")


def test_people_hear_of_events_that_did_not_reach_a_stage(accounts: Accounts, otherwise: Accounts) -> None:
    """Nobody notices an alarm without an action."""
    for synthesised, emails in ((accounts, []), (otherwise, ["team@example.com"])):
        alarm = synthesised.one("Greenlight-Registry", "AWS::CloudWatch::Alarm", "Undelivered")
        [topic] = synthesised.of_type("Greenlight-Registry", "AWS::SNS::Topic")
        subscribed = synthesised.of_type("Greenlight-Registry", "AWS::SNS::Subscription").values()

        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]
        assert [each["Properties"]["Endpoint"] for each in subscribed] == emails
        assert all(each["Properties"]["TopicArn"] == {"Ref": topic} for each in subscribed)


def test_a_stages_bus_admits_the_registrys_account_only(accounts: Accounts, otherwise: Accounts) -> None:
    admission = {
        "Sid": "AdmitRegistry",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{REGISTRY}:root"},
        "Action": "events:PutEvents",
        "Resource": f"arn:aws:events:{REGION}:{STAGING}:event-bus/Greenlight-staging",
    }
    within = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}}

    for synthesised, expected in ((accounts, admission), (otherwise, {**admission, **within})):
        bus = synthesised.one("Greenlight-staging", "AWS::Events::EventBus", "RegistryEvents")
        assert bus["Name"] == "Greenlight-staging"
        assert "Policy" not in bus
        policy = synthesised.one("Greenlight-staging", "AWS::Events::EventBusPolicy", "RegistryEvents")
        assert policy["EventBusName"]["Ref"].startswith("RegistryEventsBus")
        assert (policy["StatementId"], policy["Statement"]) == ("AdmitRegistry", expected)


def test_the_receiving_rule_takes_events_of_the_registrys_account_only(accounts: Accounts) -> None:
    rule = accounts.one("Greenlight-staging", "AWS::Events::Rule", "TriggersModelPackageRule")

    assert rule["EventBusName"]["Ref"].startswith("RegistryEventsBus")
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [REGISTRY],
        "region": [REGION],
    }
    buses = [
        each["Properties"]["EventBusName"]["Ref"]
        for each in accounts.of_type("Greenlight-staging", "AWS::Events::Rule").values()
        if "EventBusName" in each["Properties"]
    ]
    assert sum(name.startswith("RegistryEventsBus") for name in buses) == 1
    assert sum(not name.startswith("SweepBus") for name in buses) == 1


def test_a_stage_in_the_registrys_account_hears_its_events_as_ever(accounts: Accounts) -> None:
    rule = accounts.one("Greenlight-lab", "AWS::Events::Rule", "TriggersModelPackageRule")

    assert "EventBusName" not in rule
    (bus,) = accounts.of_type("Greenlight-lab", "AWS::Events::EventBus")
    assert bus.startswith("SweepBus")
    assert not [name for name in accounts.templates["Greenlight-Registry"]["Resources"] if "lab" in name]


def test_many_groups_have_as_many_rules_as_their_patterns_need() -> None:
    stage = stages()["production"]
    names = tuple(f"group-{number:03}-{'x' * 40}" for number in range(100))
    many = type(stage)(stage.names, stage.registry, stage.stage, names)

    patterns = list(fitting(many))

    assert [name for pattern in patterns for name in pattern] == list(names)
    assert len(patterns) > 1
    assert all(len(json.dumps(pattern)) < 1800 for pattern in patterns)


def edited(accounts: Accounts) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (each["Properties"]["Kind"], each["Properties"]["Target"]): each
        for each in accounts.of_type("Greenlight-Registry", CUSTOM).values()
    }


def test_each_policy_is_merged_into_by_one_custom_resource(accounts: Accounts) -> None:
    registry = stages()["staging"].registry
    found = edited(accounts)

    assert set(found) == {
        ("bucket", "models"),
        ("bucket", "more-models"),
        ("group", "Churn-Models"),
        ("group", "fraud"),
        ("key", KEY),
        ("key-grants", OTHER_KEY),
        ("repository", "team/churn"),
    }
    for each in found.values():
        owner = owner_of(Configuration().stack_name, registry)
        assert set(each["Properties"]) == {
            "Kind",
            "Revision",
            "Role",
            "ServiceTimeout",
            "ServiceToken",
            "Statements",
            "Target",
        }
        sids = [statement["Sid"] for statement in json.loads(each["Properties"]["Statements"])]
        assert all(sid.startswith(owner) for sid in sids)
        assert len(set(sids)) == len(sids)


def test_an_editor_may_edit_the_named_policies_and_nothing_else(accounts: Accounts) -> None:
    policies = {
        name: each["Properties"]
        for name, each in accounts.of_type("Greenlight-Registry", "AWS::IAM::Policy").items()
        if "Permission" in name
    }
    allowed = {
        resource: sorted(action for action in _listed(statement["Action"]))
        for policy in policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        for resource in _listed(statement["Resource"])
        if "Condition" not in statement
    }
    group = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package-group"
    of_group = [
        f"sagemaker:{action}"
        for action in (
            "DeleteModelPackageGroupPolicy",
            "DescribeModelPackageGroup",
            "GetModelPackageGroupPolicy",
            "PutModelPackageGroupPolicy",
        )
    ]
    of_bucket = ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"]

    assert allowed == {
        f"{group}/Churn-Models": of_group,
        f"{group}/churn-models": of_group,
        f"{group}/fraud": of_group,
        MODELS_BUCKET: of_bucket,
        "arn:aws:s3:::more-models": of_bucket,
        f"arn:aws:ecr:{REGION}:{REGISTRY}:repository/team/churn": [
            "ecr:DeleteRepositoryPolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:SetRepositoryPolicy",
        ],
        KEY: ["kms:GetKeyPolicy", "kms:PutKeyPolicy"],
        OTHER_KEY: ["kms:ListGrants", "kms:RevokeGrant"],
        # Listing buckets knows no resource.
        "*": ["s3:ListAllMyBuckets"],
    }
    assert all("*" not in resource for resource in allowed if resource != "*")


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_an_editor_may_do_what_its_code_calls_and_its_code_calls_no_more(accounts: Accounts) -> None:
    permitted = {
        action
        for name, each in accounts.of_type("Greenlight-Registry", "AWS::IAM::Policy").items()
        if "Permission" in name or "UseRole" in name
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        for action in _listed(statement["Action"])
    }

    # Service authorization reference: the one operation whose action has another name.
    actions = {"s3:ListBuckets": "s3:ListAllMyBuckets"}
    called = [f"{service}:{name}" for service, names in operations(REGISTRY_ACCESS).items() for name in names]
    assert permitted == {actions.get(name, name) for name in called}


def test_grants_can_be_made_to_the_stages_roles_and_for_decryption_only(accounts: Accounts) -> None:
    [condition] = [
        statement["Condition"]
        for each in accounts.of_type("Greenlight-Registry", "AWS::IAM::Policy").values()
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "kms:CreateGrant"
    ]

    assert condition["ForAllValues:StringEquals"] == {"kms:GrantOperations": ["Decrypt"]}
    roles = condition["StringEquals"]["kms:GranteePrincipal"]
    assert MODELS_OF_PRODUCTION in roles
    assert len(roles) == 2


def test_a_policy_can_still_be_edited_when_it_leaves_the_stack(accounts: Accounts) -> None:
    """CloudFormation deletes what depends first: the resource, and after it the permission."""
    for each in accounts.of_type("Greenlight-Registry", CUSTOM).values():
        role = each["Properties"]["Role"]["Fn::GetAtt"][0]
        policies = accounts.of_type("Greenlight-Registry", "AWS::IAM::Policy")
        needed = {name: policies[name]["Properties"] for name in each["DependsOn"]}
        editing, using = sorted(needed.values(), key=lambda policy: policy["Roles"] != [{"Ref": role}])
        assert len(needed) == 2
        assert editing["Roles"] == [{"Ref": role}]
        assert using["PolicyDocument"]["Statement"] == [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Resource": {"Fn::GetAtt": [role, "Arn"]}}
        ]


def test_the_function_may_edit_nothing_by_itself_and_it_alone_takes_on_the_roles_that_may(
    accounts: Accounts,
) -> None:
    function = accounts.one("Greenlight-Registry", "AWS::Lambda::Function", "PolicyEditor")
    [own, _] = function["Role"]["Fn::GetAtt"]
    policies = accounts.of_type("Greenlight-Registry", "AWS::IAM::Policy").values()
    roles = {
        each["Properties"]["Role"]["Fn::GetAtt"][0]
        for each in accounts.of_type("Greenlight-Registry", CUSTOM).values()
    }

    assert {
        action
        for each in policies
        if {"Ref": own} in each["Properties"]["Roles"]
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        for action in _listed(statement["Action"])
    } == {"logs:CreateLogStream", "logs:PutLogEvents", "sts:AssumeRole"}
    for role in roles:
        trust = accounts.one("Greenlight-Registry", "AWS::IAM::Role", role)["AssumeRolePolicyDocument"]
        assert trust["Statement"] == [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::GetAtt": [own, "Arn"]}},
            }
        ]


def test_whose_statements_the_editor_writes_and_for_whom_no_request_can_say(accounts: Accounts) -> None:
    function = accounts.one("Greenlight-Registry", "AWS::Lambda::Function", "PolicyEditor")

    assert function["Environment"]["Variables"] == {
        "OWNER": owner_of(Configuration().stack_name, stages()["staging"].registry),
        "STAGE_ACCOUNTS": f"{STAGING},{PRODUCTION}",
    }


def merging(targets: Sequence[PolicyTarget], revision: int = 0) -> dict[str, dict[str, Any]]:
    """The resources of a stack that has one statement merged into each of some policies."""
    stack = Stack(App(), "Test", env=Environment(account=REGISTRY, region=REGION))
    editor = PolicyEditor(
        stack,
        "PolicyEditor",
        asset=Path(__file__).parent,
        owner="Owner",
        stage_accounts=[STAGING],
        revision=revision,
        log_retention=logs.RetentionDays.ONE_DAY,
    )
    editor.merge([PolicyStatements(target, [{"Sid": "A"}]) for target in targets])
    resources: dict[str, dict[str, Any]] = Template.from_stack(stack).to_json()["Resources"]
    return resources


def test_a_policy_whose_role_changes_is_edited_by_the_same_resource_and_has_one_set_of_statements() -> None:
    """Two editors' statements in one policy would not fit where one's fill more than half of it."""
    targets = [PolicyTarget("bucket", f"models-{number}") for number in range(MOST_OF_ROLE + 1)]

    before, after = merging(targets[:-1]), merging(targets)

    moved = 0
    for name, each in before.items():
        if each["Type"] == CUSTOM:
            same = {**after[name]["Properties"], "Role": each["Properties"]["Role"]}
            assert same == each["Properties"]
            moved += after[name]["Properties"]["Role"] != each["Properties"]["Role"]
            # and the former permission is another resource, which goes after the latter has come
            if after[name]["Properties"]["Role"] != each["Properties"]["Role"]:
                assert not set(after[name]["DependsOn"]) & set(each["DependsOn"])
    assert moved > 0


def test_where_nobody_is_let_in_there_is_no_editor() -> None:
    lab = stages()["lab"]
    stack = RegistryStack(
        App(),
        "Registry",
        configuration=Configuration(),
        registry=lab.registry,
        stages=[lab],
        asset=Path(__file__).parent,
    )

    Template.from_stack(stack).resource_count_is("AWS::Lambda::Function", 0)


def test_another_revision_has_cloudformation_ask_for_every_edit_again() -> None:
    """It asks for nothing where no property changed, though the policy may have been overwritten."""
    targets = [PolicyTarget("bucket", "models"), PolicyTarget("group", "churn")]

    first, second = merging(targets), merging(targets, revision=1)

    changed = {name for name, each in first.items() if each != second[name]}
    assert changed == {name for name, each in first.items() if each["Type"] == CUSTOM}


def test_an_editors_logs_are_kept_when_the_stack_goes(accounts: Accounts) -> None:
    [logs] = accounts.of_type("Greenlight-Registry", "AWS::Logs::LogGroup").values()

    assert logs["DeletionPolicy"] == "Retain"


def test_the_roles_that_the_registry_lets_in_have_the_names_it_knows(accounts: Accounts) -> None:
    names = {
        each["Properties"].get("RoleName")
        for each in accounts.of_type("Greenlight-staging", "AWS::IAM::Role").values()
    }

    assert names == {
        "Greenlight-staging-eu-central-1-deployer",
        "Greenlight-staging-eu-central-1-models",
    }


def test_the_models_role_may_read_what_the_stages_groups_need_and_no_more(accounts: Accounts) -> None:
    found = statements(accounts, "Greenlight-staging", "ModelExecutionRole")

    for everywhere in ("WriteLogs", "WriteMetrics", "ReadGuardrailAlarms"):
        del found[everywhere]
    assert found.pop("LogInToRegistries")["Action"] == "ecr:GetAuthorizationToken"
    assert found == {
        "ReadArtifacts": {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": f"{MODELS_BUCKET}/churn/*",
        },
        "ListArtifacts1": {
            "Action": "s3:ListBucket",
            "Effect": "Allow",
            "Resource": MODELS_BUCKET,
            "Condition": {"StringLike": {"s3:prefix": ["churn/*"]}},
        },
        "DecryptArtifacts": {
            "Action": "kms:Decrypt",
            "Effect": "Allow",
            "Resource": [KEY, OTHER_KEY],
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
        },
        "PullImages": {
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Effect": "Allow",
            "Resource": f"arn:aws:ecr:{REGION}:{REGISTRY}:repository/team/churn",
        },
    }


def test_a_role_that_the_stage_brings_is_passed_and_not_changed(accounts: Accounts) -> None:
    found = statements(accounts, "Greenlight-production", "DeployerRoleDefaultPolicy")

    assert found["PassExecutionRole"]["Resource"] == MODELS_OF_PRODUCTION
    for kind in ("Policy", "ManagedPolicy"):
        policies = accounts.of_type("Greenlight-production", f"AWS::IAM::{kind}")
        assert not [name for name in policies if name.startswith("ModelExecutionRole")]


def test_the_deployer_reads_versions_by_their_arns_in_the_registry_and_no_others(accounts: Accounts) -> None:
    packages = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package/*"

    for stack in ("Greenlight-staging", "Greenlight-lab"):
        found = statements(accounts, stack, "DeployerRoleDefaultPolicy")
        assert found["UseModelPackages"]["Resource"] == packages


def test_both_roles_may_read_everything_if_the_switch_says_so(
    accounts: Accounts, otherwise: Accounts
) -> None:
    alone = statements(accounts, "Greenlight-staging", "DeployerRole")
    both = statements(otherwise, "Greenlight-staging", "DeployerRole")
    models = statements(otherwise, "Greenlight-staging", "ModelExecutionRole")

    in_registry = {"ListArtifacts1", "WriteVersions"}
    fetching = {"ReadArtifacts", "DecryptArtifacts", "PullImages", "LogInToRegistries"}
    assert set(alone) >= in_registry
    assert set(both) - set(alone) == fetching
    assert models["ReadVersions"] == {
        "Action": "sagemaker:DescribeModelPackage",
        "Effect": "Allow",
        "Resource": f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package/churn-models/*",
    }


def test_which_versions_may_be_written_is_said_by_the_registry_or_where_that_is_here_by_the_role(
    accounts: Accounts,
) -> None:
    versions = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package"
    staging = statements(accounts, "Greenlight-staging", "DeployerRole")
    lab = statements(accounts, "Greenlight-lab", "DeployerRole")

    assert staging["WriteVersions"]["Resource"] == f"{versions}/*"
    assert lab["WriteVersions"]["Resource"] == f"{versions}/fraud/*"


def test_a_deployer_may_write_to_the_registry_exactly_what_the_registry_lets_it(accounts: Accounts) -> None:
    staging = statements(accounts, "Greenlight-staging", "DeployerRole")
    production = statements(accounts, "Greenlight-production", "DeployerRole")

    assert staging["WriteVersions"]["Action"] == "sagemaker:UpdateModelPackage"
    assert staging["WriteVersions"]["Condition"] == {
        "StringEqualsIfExists": {
            "sagemaker:ModelLifeCycle:stage": "Production",
            "sagemaker:ModelLifeCycle:stageStatus": "PendingApproval",
        },
        "Null": UNTOUCHED,
    }
    assert production["WriteVersions"]["Condition"] == {
        "Null": {**UNTOUCHED, "sagemaker:ModelLifeCycle:stage": "true"}
    }
