"""Callers that resources' policies and trust policies refuse, in one account and between several.

Callers from other accounts are allowed everything by their own accounts, so only the resource can refuse.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from ministack.core.responses import request_scope

from deployer.contract import REQUEST_DETAIL_TYPE, SOURCE
from deployer.model.trigger import RequestsMade
from deployer.triggers import read_trigger
from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.principals import Principal, service
from tests.infra.estate import (
    GRANTED_KEY,
    KEY,
    MODELS_OF_PRODUCTION,
    OTHER_GROUP,
    PREFIX,
    REGION,
    REGISTRY,
    REPOSITORY,
    STAGING,
)
from tests.infra.opened import Accounts, whoever
from tests.infra.roles import ACCOUNT, Deployed
from tests.infra.synthesised_iam import SynthesisedIam
from tests.unit.deployer.builders import GROUP

if TYPE_CHECKING:
    from iam_evaluator.request_context import Values
    from tests.infra.conftest import Synthesised
    from tests.infra.estate import Estate

STRANGER = "999999999999"
PLACE = f"arn:aws:{{service}}:{REGION}:{{account}}"


def rule(name: str, account_id: str = ACCOUNT) -> Principal:
    arn = f"arn:aws:events:{REGION}:{account_id}:rule/{name}"
    return service("events.amazonaws.com", source_account=account_id, source_arn=arn)


def alarm(account_id: str = ACCOUNT, kind: str = "alarm:any", by: str = "cloudwatch") -> Principal:
    arn = f"arn:aws:cloudwatch:{REGION}:{account_id}:{kind}"
    return service(f"{by}.amazonaws.com", source_account=account_id, source_arn=arn)


SOMEBODY = {
    "a stranger": whoever(STRANGER, "any"),
    "a stranger's rule": rule("any", STRANGER),
    "a rule of somebody else": rule("theirs"),
    "a stranger's alarm": alarm(STRANGER),
    "another service for an alarm": alarm(by="s3"),
    "something else of CloudWatch's": alarm(kind="insight-rule/any"),
    "another service": service("s3.amazonaws.com", source_account=ACCOUNT, source_arn="arn:aws:s3:::any"),
}
INSECURE: dict[str, Values] = {"aws:securetransport": "false"}


def refuses(
    iam: SynthesisedIam,
    who: Principal,
    action: str,
    arn: str,
    *,
    account_id: str = ACCOUNT,
    keys: dict[str, Values] | None = None,
) -> bool:
    with request_scope(account_id, REGION):
        return not iam.decide(who, action, arn, region=REGION, keys=keys).is_allowed


@pytest.mark.parametrize("who", SOMEBODY)
@pytest.mark.parametrize(
    ("action", "kind", "prefix"),
    [
        ("sqs:SendMessage", "AWS::SQS::Queue", "Undelivered"),
        ("sqs:SendMessage", "AWS::SQS::Queue", "Unhandled"),
        ("sns:Publish", "AWS::SNS::Topic", "OutcomesTopic"),
        ("kms:Decrypt", "AWS::KMS::Key", "OutcomesKey"),
        ("kms:GenerateDataKey", "AWS::KMS::Key", "OutcomesKey"),
        ("lambda:InvokeFunction", "AWS::Lambda::Function", "DeployerFunction"),
    ],
)
def test_a_resource_refuses(featured: Synthesised, action: str, kind: str, prefix: str, who: str) -> None:
    stack = Deployed(featured, region=REGION)

    assert refuses(SynthesisedIam(stack), SOMEBODY[who], action, stack.arn(kind, prefix))


@pytest.mark.parametrize("who", SOMEBODY)
@pytest.mark.parametrize(
    ("action", "kind", "prefix"),
    [
        ("sqs:SendMessage", "AWS::SQS::Queue", "Undelivered"),
        ("sns:Publish", "AWS::SNS::Topic", "AlarmsTopic"),
        ("kms:Decrypt", "AWS::KMS::Key", "AlarmsKey"),
        ("kms:GenerateDataKey", "AWS::KMS::Key", "AlarmsKey"),
    ],
)
def test_a_resource_of_the_registrys_refuses(
    estate: Estate, action: str, kind: str, prefix: str, who: str
) -> None:
    stack = estate.deployed("registry")

    assert refuses(SynthesisedIam(stack), SOMEBODY[who], action, stack.arn(kind, prefix))


def test_nobody_tells_the_registrys_topic_without_tls(estate: Estate) -> None:
    stack = estate.deployed("registry")
    administrator = whoever(stack.account_id, "administrator")
    iam, topic = SynthesisedIam(stack), stack.arn("AWS::SNS::Topic", "AlarmsTopic")

    assert not refuses(iam, administrator, "sns:Publish", topic, account_id=stack.account_id)
    assert refuses(iam, administrator, "sns:Publish", topic, account_id=stack.account_id, keys=INSECURE)


@pytest.mark.parametrize(
    ("kind", "prefix", "action"),
    [
        ("AWS::SQS::Queue", "Undelivered", "sqs:SendMessage"),
        ("AWS::SQS::Queue", "Unhandled", "sqs:ReceiveMessage"),
        ("AWS::SNS::Topic", "OutcomesTopic", "sns:Publish"),
    ],
)
def test_nobody_is_let_in_without_tls(featured: Synthesised, kind: str, prefix: str, action: str) -> None:
    stack = Deployed(featured, region=REGION)
    administrator = whoever(ACCOUNT, "administrator")
    iam, arn = SynthesisedIam(stack), stack.arn(kind, prefix)

    assert not refuses(iam, administrator, action, arn)
    assert refuses(iam, administrator, action, arn, keys=INSECURE)


ROLES = [
    ("one account", "DeployerRole", "lambda"),
    ("one account", "ModelExecutionRole", "sagemaker"),
    ("registry", "PolicyEditorRole", "lambda"),
    ("registry", "ForwardingstagingRole", "events"),
    ("registry", "ForwardingproductionRole", "events"),
]
"""Stack, role, and the service that may assume it."""


def assumed(deployed: Deployed, role: str, caller: Principal) -> bool:
    """Tell whether somebody may assume a role."""
    arn = deployed.arn("AWS::IAM::Role", role)
    trust = deployed.trust_policy(arn)
    request = AccessRequest("sts:AssumeRole", arn, deployed.account_id)
    decision = evaluate(caller, request, resource_policy=trust, is_resource_policy_required=True)
    return decision.is_allowed


@pytest.mark.parametrize(("stack", "role", "by"), ROLES)
def test_a_role_is_assumed_by_its_service_and_nobody_else(
    featured: Synthesised, estate: Estate, stack: str, role: str, by: str
) -> None:
    deployed = Deployed(featured, region=REGION) if stack == "one account" else estate.deployed(stack)

    def acting(name: str, account_id: str) -> Principal:
        return service(f"{name}.amazonaws.com", source_account=account_id, source_arn="arn:aws:any")

    assert assumed(deployed, role, acting(by, deployed.account_id))
    assert not assumed(deployed, role, acting("ec2", deployed.account_id))
    assert not assumed(deployed, role, SOMEBODY["a stranger"])
    if by != "lambda":
        # A function's role can be passed only in its own account: Lambda assumes it for no other.
        assert not assumed(deployed, role, acting(by, STRANGER))


def test_a_role_that_edits_is_assumed_by_the_editors_function_and_nobody_else(estate: Estate) -> None:
    registry = estate.deployed("registry")
    function = registry.session("PolicyEditorRole")

    assert assumed(registry, "PolicyEditorRole1", function)
    for who in (
        whoever(registry.account_id, "any"),
        SOMEBODY["a stranger"],
        service("lambda.amazonaws.com", source_account=registry.account_id, source_arn="arn:aws:any"),
    ):
        assert not assumed(registry, "PolicyEditorRole1", who), who.arn


@pytest.mark.parametrize("who", ["s3.amazonaws.com", "cloudwatch.amazonaws.com"])
def test_no_other_service_acts_for_a_rule(featured: Synthesised, estate: Estate, who: str) -> None:
    stack, registry = Deployed(featured, region=REGION), estate.deployed("registry")
    asked = [
        (stack, "sqs:SendMessage", stack.arn("AWS::SQS::Queue", "Undelivered")),
        (stack, "lambda:InvokeFunction", stack.arn("AWS::Lambda::Function", "DeployerFunction")),
        (registry, "sqs:SendMessage", registry.arn("AWS::SQS::Queue", "Undelivered")),
    ]
    for of, action, arn in asked:
        for name in of.rules():
            rule_arn = of.arn("AWS::Events::Rule", name)
            other = service(who, source_account=of.account_id, source_arn=rule_arn)
            assert refuses(SynthesisedIam(of), other, action, arn), name


KEEPS_TO_ITS_OWN = [
    (
        "one account",
        "DeployerRole",
        "logs:PutLogEvents",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:payroll:*",
    ),
    ("one account", "DeployerRole", "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/payroll"),
    ("one account", "DeployerRole", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:payroll"),
    (
        "registry",
        "ForwardingstagingRole",
        "events:PutEvents",
        f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/any",
    ),
    (
        "registry",
        "ForwardingproductionRole",
        "events:PutEvents",
        f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/any",
    ),
    (
        "registry",
        "PolicyEditorRole",
        "logs:PutLogEvents",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:payroll:*",
    ),
    ("registry", "PolicyEditorRole", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
    ("registry", "PolicyEditorRole1", "s3:PutBucketPolicy", "arn:aws:s3:::payroll"),
    (
        "registry",
        "PolicyEditorRole1",
        "ecr:SetRepositoryPolicy",
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/payroll",
    ),
    ("registry", "PolicyEditorRole1", "kms:PutKeyPolicy", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/payroll"),
    ("registry", "PolicyEditorRole1", "kms:RevokeGrant", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/payroll"),
    (
        "registry",
        "PolicyEditorRole1",
        "sagemaker:PutModelPackageGroupPolicy",
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/payroll",
    ),
]
"""Stack, role, and a call that it may make on its own resources and not on these."""


@pytest.mark.parametrize(("stack", "role", "action", "resource"), KEEPS_TO_ITS_OWN)
def test_a_role_keeps_to_its_own(
    featured: Synthesised, estate: Estate, stack: str, role: str, action: str, resource: str
) -> None:
    deployed = Deployed(featured, region=REGION) if stack == "one account" else estate.deployed(stack)

    assert not evaluate(deployed.session(role), AccessRequest(action, resource)).is_allowed


@pytest.mark.parametrize("stage", ["staging", "lab"])
@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/administrator",
            {"iam:passedtoservice": "sagemaker.amazonaws.com"},
        ),
        ("cloudwatch:SetAlarmState", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:payroll", {}),
        (
            "kms:Decrypt",
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/payroll",
            {"kms:viaservice": f"sagemaker.{REGION}.amazonaws.com"},
        ),
        ("kms:Decrypt", f"arn:aws:kms:{REGION}:{REGISTRY}:key/{KEY}", {}),
    ],
)
def test_a_stages_deployer_keeps_to_its_own(
    estate: Estate, stage: str, action: str, resource: str, keys: dict[str, Values]
) -> None:
    role = estate.deployed(stage).session("DeployerRole")

    assert not evaluate(role, AccessRequest(action, resource, None, keys)).is_allowed


@pytest.mark.parametrize(
    ("grantee", "operations", "key"),
    [
        ("{account}:role/any", ("Decrypt",), GRANTED_KEY),
        ("{staging}:role/Greenlight-{region}-models", ("Decrypt", "Encrypt"), GRANTED_KEY),
        ("{staging}:role/Greenlight-{region}-models", ("Decrypt",), "payroll"),
    ],
)
def test_the_policy_editor_grants_a_stages_roles_decryption_and_nothing_else(
    estate: Estate, grantee: str, operations: tuple[str, ...], key: str
) -> None:
    registry = estate.deployed("registry")
    role = grantee.format(account=REGISTRY, staging=STAGING, region=REGION)
    keys: dict[str, Values] = {
        "kms:granteeprincipal": f"arn:aws:iam::{role}",
        "kms:grantoperations": operations,
    }
    request = AccessRequest("kms:CreateGrant", f"arn:aws:kms:{REGION}:{REGISTRY}:key/{key}", None, keys)

    assert not evaluate(registry.session("PolicyEditorRole1"), request).is_allowed


# Between accounts -----------------------------------------------------------------------------------------


@pytest.fixture
def accounts(estate: Estate) -> Accounts:
    return Accounts(estate)


STAGED = ["staging", "production"]


def others(accounts: Accounts, stage: str) -> dict[str, Principal]:
    """Return a principal that may do everything in its account, but is neither deployer nor models' role."""
    account_id = accounts.staging_id if stage == "staging" else accounts.production_id
    return {"another role of the stage's": whoever(account_id, "any"), "a stranger": SOMEBODY["a stranger"]}


VERSION_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "read a version": ("describe_model_package", {"ModelPackageName": "{version}"}),
    "list versions": ("list_model_packages", {"ModelPackageGroupName": "{group}"}),
    "look at the group": ("describe_model_package_group", {"ModelPackageGroupName": "{group}"}),
    "make a model of a version": (
        "create_model",
        {
            "ModelName": "any",
            "ExecutionRoleArn": "arn:aws:iam::{account}:role/any",
            "Containers": [{"ModelPackageName": "{version}"}],
            "Tags": [{"Key": "greenlight:stack", "Value": "Greenlight"}],
        },
    ),
    "approve a version": (
        "update_model_package",
        {"ModelPackageArn": "{version}", "ModelApprovalStatus": "Approved"},
    ),
    "reject a version": (
        "update_model_package",
        {"ModelPackageArn": "{version}", "ModelApprovalStatus": "Rejected"},
    ),
    "annotate a version": (
        "update_model_package",
        {"ModelPackageArn": "{version}", "CustomerMetadataProperties": {"deployed": "yes"}},
    ),
    "write what another stage decides by": (
        "update_model_package",
        {
            "ModelPackageArn": "{version}",
            "CustomerMetadataProperties": {"greenlight:{another}:digest": "0"},
        },
    ),
    "remove what was written": (
        "update_model_package",
        {"ModelPackageArn": "{version}", "CustomerMetadataPropertiesToRemove": ["deployed"]},
    ),
    "promote a version": (
        "update_model_package",
        {
            "ModelPackageArn": "{version}",
            "ModelLifeCycle": {"Stage": "Production", "StageStatus": "PendingApproval"},
        },
    ),
    "promote a version past the gate": (
        "update_model_package",
        {
            "ModelPackageArn": "{version}",
            "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"},
        },
    ),
    "promote a version elsewhere": (
        "update_model_package",
        {
            "ModelPackageArn": "{version}",
            "ModelLifeCycle": {"Stage": "Archive", "StageStatus": "PendingApproval"},
        },
    ),
    "approve a version while promoting it": (
        "update_model_package",
        {
            "ModelPackageArn": "{version}",
            "ModelApprovalStatus": "Approved",
            "ModelLifeCycle": {"Stage": "Production", "StageStatus": "PendingApproval"},
        },
    ),
    "delete a version": ("delete_model_package", {"ModelPackageName": "{version}"}),
}
"""A caller's request in the registry's account."""

DEPLOYERS_OWN = ("read a version", "list versions", "make a model of a version", "annotate a version")


def asked(call: str, version: str, caller: Principal) -> tuple[str, dict[str, Any]]:
    """Return the method and the request of a call, about a version and its group."""
    method, request = VERSION_CALLS[call]
    named = {
        "version": version,
        "group": version.rpartition("/")[0].replace("model-package/", "model-package-group/"),
        "account": caller.account_id,
        "another": "staging" if "production" in caller.entity_arn else "production",
    }

    def filled(value: Any) -> Any:
        match value:
            case str():
                return value.format(**named)
            case dict():
                return {name.format(**named): filled(member) for name, member in value.items()}
            case list():
                return [filled(member) for member in value]
        return value

    return method, filled(request)


def is_refused(accounts: Accounts, call: str, group: str, caller: Principal) -> bool:
    """Tell whether IAM refuses a call about a group of the registry's."""
    return is_version_refused(accounts, call, accounts.version(group), caller)


def is_version_refused(accounts: Accounts, call: str, version: str, caller: Principal) -> bool:
    """Tell whether IAM refuses a call; what else may be wrong with it is no refusal."""
    method, request = asked(call, version, caller)
    client = accounts.client("sagemaker", caller)
    try:
        getattr(client, method)(**request)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDeniedException")
    return False


@pytest.mark.parametrize("call", VERSION_CALLS)
@pytest.mark.parametrize("stage", STAGED)
def test_the_registry_refuses_everybody_but_a_stages_own_roles(
    accounts: Accounts, stage: str, call: str
) -> None:
    accounts.open("group")

    for name, caller in others(accounts, stage).items():
        assert is_refused(accounts, call, GROUP, caller), name


NOT_THEIRS = [
    (stage, call)
    for stage in STAGED
    for call in VERSION_CALLS
    if call not in DEPLOYERS_OWN and (stage, call) != ("staging", "promote a version")
]


@pytest.mark.parametrize(("stage", "call"), NOT_THEIRS)
def test_a_stages_deployer_may_not(accounts: Accounts, stage: str, call: str) -> None:
    accounts.open("group")
    stack = accounts.staging if stage == "staging" else accounts.production
    role = stack.session("DeployerRole")
    # The role's own policies refuse it; and so does the registry, were they wider.
    wider = whoever(role.account_id, role.entity_arn.partition("role/")[2])

    assert is_refused(accounts, call, GROUP, role)
    if call != "look at the group":
        assert is_refused(accounts, call, GROUP, wider)


@pytest.mark.parametrize("call", VERSION_CALLS)
def test_a_stage_has_nothing_to_do_with_a_group_that_it_does_not_use(accounts: Accounts, call: str) -> None:
    accounts.open("group", "other group")

    assert is_refused(accounts, call, OTHER_GROUP, accounts.deployer())
    assert is_refused(accounts, call, OTHER_GROUP, whoever(accounts.staging_id, "any"))


def open_wide(accounts: Accounts) -> None:
    """Let everybody in to the group and its versions, as its owner might."""
    place = f"arn:aws:sagemaker:{REGION}:{accounts.registry_id}"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sagemaker:*",
        "Resource": [f"{place}:model-package/{GROUP}/*", f"{place}:model-package-group/{GROUP}"],
    }
    accounts.client("sagemaker").put_model_package_group_policy(
        ModelPackageGroupName=GROUP,
        ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


NOT_EVEN_THEN = [
    call
    for stage, call in NOT_THEIRS
    # Which stamps are others' the registry alone says: a role has not room for all.
    if stage == "staging" and call != "write what another stage decides by"
]


@pytest.mark.parametrize("call", NOT_EVEN_THEN)
def test_a_stages_deployer_may_not_even_if_the_registry_lets_it(accounts: Accounts, call: str) -> None:
    open_wide(accounts)

    assert is_refused(accounts, call, GROUP, accounts.deployer())


@pytest.mark.parametrize("call", [call for call in VERSION_CALLS if call != "list versions"])
def test_a_stage_has_nothing_to_do_with_versions_of_its_own_account(accounts: Accounts, call: str) -> None:
    own = accounts.client("sagemaker", account_id=accounts.staging_id)
    own.create_model_package_group(ModelPackageGroupName=GROUP)
    version = own.create_model_package(ModelPackageGroupName=GROUP, ModelApprovalStatus="Approved")

    assert is_version_refused(accounts, call, version["ModelPackageArn"], accounts.deployer())


STAMPS = {
    "staging": ("digest", "promoted"),
    "production": ("digest",),
    "lab": ("digest", "promoted"),
}
"""The metadata by which each stage decides about the group's versions."""


@pytest.mark.parametrize(
    ("stage", "stamp"),
    [
        (stage, f"greenlight:{another}:{name}")
        for stage in STAMPS
        for another, names in STAMPS.items()
        for name in names
        if another != stage
    ],
)
def test_a_stage_leaves_alone_what_other_stages_decide_by(accounts: Accounts, stage: str, stamp: str) -> None:
    accounts.open("group")
    stack = {"staging": accounts.staging, "production": accounts.production, "lab": accounts.lab}[stage]
    client = accounts.client("sagemaker", stack.session("DeployerRole"))

    with pytest.raises(ClientError, match="not authorized"):
        client.update_model_package(
            ModelPackageArn=accounts.version(), CustomerMetadataProperties={stamp: "0"}
        )


HOME_CALLS = [call for call in VERSION_CALLS if call not in {*DEPLOYERS_OWN, "promote a version"}]


@pytest.mark.parametrize(
    ("call", "group"),
    [
        *((call, GROUP) for call in HOME_CALLS),
        ("annotate a version", OTHER_GROUP),
        ("promote a version", OTHER_GROUP),
    ],
)
def test_a_stage_in_the_registrys_account_may_not(accounts: Accounts, call: str, group: str) -> None:
    assert is_refused(accounts, call, group, accounts.lab.session("DeployerRole"))


@pytest.mark.parametrize("stage", STAGED)
def test_a_stages_bus_takes_nobodys_events_but_the_registrys(accounts: Accounts, stage: str) -> None:
    stack = accounts.staging if stage == "staging" else accounts.production
    [bus] = [arn for arn in stack.arns("AWS::Events::EventBus") if not arn.endswith(".sweep-parts")]

    for caller in (
        SOMEBODY["a stranger"],
        SOMEBODY["a stranger's rule"],
        whoever(accounts.production_id if stage == "staging" else accounts.staging_id, "any"),
    ):
        refused = refuses(accounts.iam, caller, "events:PutEvents", bus, account_id=stack.account_id)
        assert refused, caller.arn


@pytest.mark.parametrize("caller", [*SOMEBODY, "an administrator", "another stack's deployer"])
def test_nobody_but_the_deployer_puts_parts_of_a_sweep(featured: Synthesised, caller: str) -> None:
    """Not even a caller who may put events anywhere: within an account no allowing statement is needed."""
    stack = Deployed(featured, region=REGION)
    [bus] = stack.arns("AWS::Events::EventBus")
    others = {
        "an administrator": whoever(ACCOUNT, "administrator"),
        "another stack's deployer": whoever(ACCOUNT, "Greenlight-eu-DeployerRole36024D4B-X"),
    }
    keys: dict[str, Values] = {"events:source": "greenlight", "events:detail-type": "Greenlight Sweep Part"}
    iam = SynthesisedIam(stack)

    assert not refuses(iam, stack.session("DeployerRole"), "events:PutEvents", bus, keys=keys)
    who = (SOMEBODY | others)[caller]
    assert refuses(iam, who, "events:PutEvents", bus, keys=keys), who.arn


def test_a_default_bus_that_anybody_may_write_to_leads_nowhere_but_to_what_aws_puts(
    featured: Synthesised, estate: Estate
) -> None:
    """So an event with a forged source neither notifies people nor tells the function anything.

    Operators put one kind of event there. It only has the deployer read the requests in its journal.
    """
    told = []
    for synthesised in (featured, *estate.stacks.values()):
        for name, rule in synthesised.of_type("AWS::Events::Rule").items():
            if rule.get("EventBusName") is None and "EventPattern" in rule:
                pattern = rule["EventPattern"]
                if not all(each.startswith("aws.") for each in pattern["source"]):
                    told += pattern["detail-type"]
                    assert name.startswith("TriggersRequestRule")
    assert set(told) == {REQUEST_DETAIL_TYPE}
    forged = {"EndpointName": "churn", "VersionArn": "arn", "Verb": "rollback"}
    event = {"id": "1", "source": SOURCE, "detail-type": REQUEST_DETAIL_TYPE, "detail": forged}
    assert read_trigger(event) == RequestsMade(event_id="1")


# Artifacts, images and keys -------------------------------------------------------------------------------

VIA_S3 = f"s3.{REGION}.amazonaws.com"


def fetches(accounts: Accounts) -> dict[str, tuple[str, str, dict[str, Values]]]:
    """Return what stages' roles are let in to: action, resource, and the keys that go with it."""
    bucket = f"arn:aws:s3:::{accounts.bucket}"
    repository = f"arn:aws:ecr:{REGION}:{accounts.registry_id}:repository/{REPOSITORY}"
    return {
        "get": ("s3:GetObject", f"{bucket}/{PREFIX}/model.tar.gz", {}),
        "list": ("s3:ListBucket", bucket, {"s3:prefix": f"{PREFIX}/"}),
        "decrypt": ("kms:Decrypt", accounts.key, {"kms:viaservice": VIA_S3}),
        "decrypt by a grant": ("kms:Decrypt", accounts.granted_key, {"kms:viaservice": VIA_S3}),
        "pull": ("ecr:BatchGetImage", repository, {}),
    }


def further(accounts: Accounts) -> dict[str, tuple[str, str, dict[str, Values]]]:
    """Return the resources without any admission."""
    bucket = f"arn:aws:s3:::{accounts.bucket}"
    other = f"arn:aws:s3:::{accounts.other_bucket}"
    repository = f"arn:aws:ecr:{REGION}:{accounts.registry_id}:repository"
    return {
        "get what is not the group's": ("s3:GetObject", f"{bucket}/payroll/2026.csv", {}),
        "list what is not the group's": ("s3:ListBucket", bucket, {"s3:prefix": "payroll/"}),
        "write": ("s3:PutObject", f"{bucket}/{PREFIX}/model.tar.gz", {}),
        "decrypt by itself": ("kms:Decrypt", accounts.key, {}),
        "encrypt": ("kms:Encrypt", accounts.key, {"kms:viaservice": VIA_S3}),
        "push": ("ecr:PutImage", f"{repository}/{REPOSITORY}", {}),
        "get another group's": ("s3:GetObject", f"{other}/fraud/model.tar.gz", {}),
        "list another group's": ("s3:ListBucket", other, {"s3:prefix": "fraud/"}),
        "list another bucket": ("s3:ListBucket", other, {"s3:prefix": f"{PREFIX}/"}),
        "decrypt with another key": ("kms:Decrypt", f"{accounts.key}-2", {"kms:viaservice": VIA_S3}),
        "decrypt for another service": (
            "kms:Decrypt",
            accounts.key,
            {"kms:viaservice": f"ssm.{REGION}.amazonaws.com"},
        ),
        "pull another group's": ("ecr:BatchGetImage", f"{repository}/team/fraud", {}),
    }


FETCHES = ("get", "list", "decrypt", "decrypt by a grant", "pull")
FURTHER = (
    "get what is not the group's",
    "list what is not the group's",
    "write",
    "decrypt by itself",
    "encrypt",
    "push",
    "get another group's",
    "list another group's",
    "list another bucket",
    "decrypt with another key",
    "decrypt for another service",
    "pull another group's",
)


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("stage", STAGED)
def test_nobody_fetches_but_a_stages_own_roles(accounts: Accounts, stage: str, fetch: str) -> None:
    accounts.open("bucket", "repository", "key", "grants")
    action, arn, keys = fetches(accounts)[fetch]

    for name, caller in others(accounts, stage).items():
        assert refuses(accounts.iam, caller, action, arn, account_id=caller.account_id, keys=keys), name


@pytest.mark.parametrize("fetch", ["get", "decrypt", "pull"])
def test_a_deployer_that_sends_no_samples_fetches_nothing(accounts: Accounts, fetch: str) -> None:
    accounts.open("bucket", "repository", "key")
    role = accounts.production.session("DeployerRole")
    wider = whoever(role.account_id, role.entity_arn.partition("role/")[2])
    action, arn, keys = fetches(accounts)[fetch]

    assert refuses(accounts.iam, role, action, arn, account_id=role.account_id, keys=keys)
    assert refuses(accounts.iam, wider, action, arn, account_id=role.account_id, keys=keys)


@pytest.mark.parametrize("fetch", FURTHER)
def test_a_stages_roles_fetch_nothing_else(accounts: Accounts, fetch: str) -> None:
    accounts.open("bucket", "other bucket", "repository", "other repository", "key", "grants")
    action, arn, keys = further(accounts)[fetch]
    made = accounts.iam.session_of(accounts.models(), "SageMaker")
    assert made is not None
    roles = [made, accounts.deployer(), whoever(accounts.staging_id, made.entity_arn.partition("role/")[2])]
    if "another" not in fetch:
        roles.append(whoever(accounts.production_id, MODELS_OF_PRODUCTION))

    for role in roles:
        assert refuses(accounts.iam, role, action, arn, account_id=role.account_id, keys=keys), role.arn


@pytest.mark.parametrize("fetch", FURTHER)
def test_a_stages_roles_fetch_nothing_else_even_if_the_owner_lets_them(
    accounts: Accounts, fetch: str
) -> None:
    """And nothing elsewhere: check the roles' own policies as if every resource were theirs."""
    action, arn, keys = further(accounts)[fetch]
    made = accounts.iam.session_of(accounts.models(), "SageMaker")
    assert made is not None

    for role in (made, accounts.deployer(), accounts.lab.session("ModelExecutionRole")):
        lower = {name.lower(): value for name, value in keys.items()}
        assert not evaluate(role, AccessRequest(action, arn, None, lower)).is_allowed, role.arn
