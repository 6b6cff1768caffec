"""The doctor as its users run it: following its instructions to the letter repairs each misconfiguration.

The real AWS CLI runs the printed commands, with credentials of the account that the doctor names.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest

from demo.outcomes import OutcomeQueue
from deployer.model.settings import EndpointSettings
from greenlight.connection import Connection
from greenlight.doctor.checks.diagnosis import diagnose
from greenlight.doctor.examination import Examination, Kind, Part, document
from greenlight.doctor.facts import Facts, Unreadable
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.endpoints import read_endpoint, read_pauses
from greenlight.doctor.reading.gathering import gather
from greenlight.doctor.reading.installation import read_installation
from greenlight.errors import Addressee
from infra.configuration.app_context import read_configuration
from infra.settings.compiling.settings_files import serialised
from infra.stages.loading import load_stages
from tests.e2e.clients.account import REGION, Account, policy
from tests.e2e.clients.programs import aws
from tests.e2e.deployment import OUTCOME_TIMEOUT_SECONDS
from tests.e2e.two_accounts import GROUP, Team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess
    from local_cloud.child_process import LocalCloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"
TYPE = "ml.m5.large"
MODELS_ROLE = f"Greenlight-staging-{REGION}-models"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}


@pytest.fixture(scope="module")
def team(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A stage and its registry, deployed, with a version that has all it needs."""
    made = Team(local_cloud, tmp_path_factory.mktemp("doctor"), "700000000003", "700000000004")
    made.prepare()
    push_image(made)
    for stack, account in (("Greenlight-staging", made.stage_id), ("Greenlight-Registry", made.registry_id)):
        made.deploy(stack, account)
    return made


def push_image(team: Team) -> None:
    ecr = team.registry.client("ecr")
    ecr.put_image(repositoryName=team.repository, imageManifest=json.dumps(MANIFEST), imageTag="1")


# Misconfigurations ----------------------------------------------------------------------------------


def no_group_policy(team: Team) -> None:
    team.registry.sagemaker.delete_model_package_group_policy(ModelPackageGroupName=GROUP)


def no_repository_policy(team: Team) -> None:
    team.registry.client("ecr").delete_repository_policy(repositoryName=team.repository)


def another_prefix(team: Team) -> None:
    s3 = team.registry.client("s3")
    text = s3.get_bucket_policy(Bucket=team.bucket)["Policy"]
    s3.put_bucket_policy(Bucket=team.bucket, Policy=text.replace("/churn/*", "/fraud/*"))


def bucket_denies(team: Team) -> None:
    s3 = team.registry.client("s3")
    found = json.loads(s3.get_bucket_policy(Bucket=team.bucket)["Policy"])
    denial = {
        "Sid": "NobodyElse",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{team.bucket}/*",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": team.registry_id}},
    }
    found["Statement"].append(denial)
    s3.put_bucket_policy(Bucket=team.bucket, Policy=json.dumps(found))


def no_key_statements(team: Team) -> None:
    kms = team.registry.client("kms")
    found = json.loads(kms.get_key_policy(KeyId=team.key, PolicyName="default")["Policy"])
    found["Statement"] = [
        each for each in found["Statement"] if not each.get("Sid", "").startswith("Greenlight")
    ]
    kms.put_key_policy(KeyId=team.key, PolicyName="default", Policy=json.dumps(found))


def forwarding_rule(team: Team) -> str:
    bus = f"arn:aws:events:{REGION}:{team.stage_id}:event-bus/Greenlight-staging"
    [name] = team.registry.client("events").list_rule_names_by_target(TargetArn=bus)["RuleNames"]
    return str(name)


def receiving_rule(team: Team) -> dict[str, Any]:
    [rule] = team.stage.client("events").list_rules(EventBusName="Greenlight-staging")["Rules"]
    return dict(rule)


def forwarding_off(team: Team) -> None:
    team.registry.client("events").disable_rule(Name=forwarding_rule(team))


def receiving_off(team: Team) -> None:
    name = receiving_rule(team)["Name"]
    team.stage.client("events").disable_rule(Name=name, EventBusName="Greenlight-staging")


def another_account(team: Team) -> None:
    rule = receiving_rule(team)
    pattern = {**json.loads(rule["EventPattern"]), "account": ["999999999999"]}
    team.stage.client("events").put_rule(
        Name=rule["Name"], EventBusName="Greenlight-staging", EventPattern=json.dumps(pattern)
    )


def bus_admits_nobody(team: Team) -> None:
    events = team.stage.client("events")
    events.remove_permission(EventBusName="Greenlight-staging", RemoveAllPermissions=True)


def function_not_invocable(team: Team) -> None:
    lambda_ = team.stage.client("lambda")
    rule = receiving_rule(team)
    targets = team.stage.client("events").list_targets_by_rule(
        Rule=rule["Name"], EventBusName="Greenlight-staging"
    )["Targets"]
    statements = json.loads(lambda_.get_policy(FunctionName=targets[0]["Arn"])["Policy"])["Statement"]
    for each in statements:
        if rule["Name"] in json.dumps(each):
            lambda_.remove_permission(FunctionName=targets[0]["Arn"], StatementId=each["Sid"])


def sending_role(team: Team) -> str:
    targets = team.registry.client("events").list_targets_by_rule(Rule=forwarding_rule(team))["Targets"]
    return str(targets[0]["RoleArn"]).rpartition("/")[2]


def distrust(account: Account, role: str) -> None:
    nobody = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy(nobody))


def no_passing(team: Team) -> None:
    iam = team.stage.client("iam")
    role = f"Greenlight-staging-{REGION}-deployer"
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        kept = [each for each in document["Statement"] if "iam:PassRole" not in json.dumps(each["Action"])]
        if kept != document["Statement"]:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy(*kept))


def bounded(team: Team) -> None:
    iam = team.stage.client("iam")
    document = policy({"Effect": "Allow", "Action": ["s3:*", "ecr:*"], "Resource": "*"})
    boundary = iam.create_policy(PolicyName="bounds", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=MODELS_ROLE, PermissionsBoundary=boundary)


def no_image(team: Team) -> None:
    ecr = team.registry.client("ecr")
    ecr.batch_delete_image(repositoryName=team.repository, imageIds=[{"imageTag": "1"}])


def renamed_artifact(team: Team) -> None:
    s3, key = team.registry.client("s3"), "churn/1/model.tar.gz"
    s3.copy_object(Bucket=team.bucket, Key=f"{key}.old", CopySource=f"{team.bucket}/{key}")
    s3.delete_object(Bucket=team.bucket, Key=key)


def another_function(team: Team) -> None:
    events, name = team.stage.client("events"), receiving_rule(team)["Name"]
    on_bus = {"Rule": name, "EventBusName": "Greenlight-staging"}
    [target] = events.list_targets_by_rule(**on_bus)["Targets"]
    events.put_targets(**on_bus, Targets=[{**target, "Arn": f"{target['Arn']}-former"}])


# The doctor's user ----------------------------------------------------------------------------------


def obey(team: Team, finding: dict[str, Any]) -> None:
    """Run the doctor's command, or add the statement at its place, in the account that it names."""
    [account_id] = re.findall(r"^In account (\d{12})", finding["where"])
    account = Account(team.cloud, account_id)
    if finding["command"]:
        program, *arguments = shlex.split(finding["command"])
        assert program == "aws"
        aws(account, *arguments)
    elif finding["check"] == "policy":
        add_to_policy(team, finding["subject"], finding["statement"])
    else:
        add_to_role(account, finding)


def add_to_policy(team: Team, subject: str, statement: dict[str, Any]) -> None:
    registry = team.registry
    s3, ecr, kms = (registry.client(service) for service in ("s3", "ecr", "kms"))
    kind = subject.removeprefix("the ").split()[0]
    before = team.policies()[{"model": "group"}.get(kind, kind)]
    text = policy(*before, statement)
    match kind:
        case "model":
            registry.sagemaker.put_model_package_group_policy(
                ModelPackageGroupName=GROUP, ResourcePolicy=text
            )
        case "bucket":
            s3.put_bucket_policy(Bucket=team.bucket, Policy=text)
        case "repository":
            ecr.set_repository_policy(repositoryName=team.repository, policyText=text)
        case _:
            kms.put_key_policy(KeyId=team.key, PolicyName="default", Policy=text)


def add_to_role(account: Account, finding: dict[str, Any]) -> None:
    iam = account.client("iam")
    role = finding["subject"].rpartition("/")[2]
    statement = finding["statement"]
    if finding["where"].endswith("trust policy."):
        trusted = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        document = policy(*trusted["Statement"], statement)
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    elif "boundary" in finding["subject"]:
        arn = iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        document = policy(*found["Statement"], statement)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    else:
        name = statement.get("Sid", "Added")
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy(statement))


@dataclass(frozen=True)
class Misconfiguration:
    """A misconfiguration, and the doctor's finding.

    Attributes:
        spoil: Causes it.
        check: The kind of check that fails, alone.
        found: The missing thing, in each of its findings.
        mend: Further repair that only a person can do.
    """

    spoil: Callable[[Team], None]
    check: str
    found: str
    mend: Callable[[Team], None] | None = None


MISCONFIGURATIONS = {
    "no policy of the group": Misconfiguration(no_group_policy, "policy", "sagemaker:"),
    "no policy of the repository": Misconfiguration(no_repository_policy, "policy", "ecr:BatchGetImage"),
    "another prefix of artifacts": Misconfiguration(another_prefix, "policy", "s3:"),
    "no statements in the key's policy": Misconfiguration(no_key_statements, "policy", "kms:Decrypt"),
    "the registry's rule is off": Misconfiguration(forwarding_off, "event path", "it is disabled"),
    "the stage's rule is off": Misconfiguration(receiving_off, "event path", "it is disabled"),
    "the stage's rule is for another account": Misconfiguration(
        another_account, "event path", "999999999999"
    ),
    "the bus admits nobody": Misconfiguration(bus_admits_nobody, "event path", "does not admit events"),
    "the function may not be invoked": Misconfiguration(
        function_not_invocable, "event path", "does not let EventBridge invoke it"
    ),
    "the models' role trusts nobody": Misconfiguration(
        lambda team: distrust(team.stage, MODELS_ROLE),
        "trust",
        "does not trust sagemaker.amazonaws.com",
    ),
    "the sending role trusts nobody": Misconfiguration(
        lambda team: distrust(team.registry, sending_role(team)), "event path", "EventBridge cannot take it"
    ),
    "no PassRole": Misconfiguration(no_passing, "permission", "iam:PassRole is not allowed"),
    "a boundary without the key": Misconfiguration(bounded, "permission", "kms:Decrypt is not allowed"),
    "the image is gone": Misconfiguration(no_image, "image", "there is no such image", push_image),
    "the artifact is under another name": Misconfiguration(
        renamed_artifact, "artifact", "there is no such object", Team.upload
    ),
    "the artifact has a key that AWS manages": Misconfiguration(
        lambda team: team.upload(ServerSideEncryption="aws:kms"), "encryption", "which AWS manages"
    ),
    "the stage's rule leads elsewhere": Misconfiguration(
        another_function, "event path", "-former, and not to"
    ),
    "a statement denies": Misconfiguration(
        bucket_denies,
        "policy",
        "s3:GetObject is denied by the statement NobodyElse",
        lambda team: add_no_denial(team, "NobodyElse"),
    ),
    "no instances": Misconfiguration(
        lambda team: team.cloud.limit_instances(team.stage_id, REGION, TYPE, quota=0),
        "quota",
        "it is 0; 2 are needed",
        lambda team: team.cloud.limit_instances(team.stage_id, REGION, TYPE, quota=None),
    ),
}


def add_no_denial(team: Team, sid: str) -> None:
    kept = [each for each in team.policies()["bucket"] if each.get("Sid") != sid]
    team.registry.client("s3").put_bucket_policy(Bucket=team.bucket, Policy=policy(*kept))


def look(team: Team, version: str | None = None, /, **sessions: boto3.Session) -> Facts:
    """Read what the doctor reads, in this process: a process would take seconds."""
    access, endpoints = carried(team)
    return gather(
        access,
        GROUP,
        endpoints,
        stage=connection(sessions.get("stage") or session(team, team.stage_id)),
        registry=connection(sessions.get("registry") or session(team, team.registry_id)),
        caller_account=team.stage_id,
        registry_account=team.registry_id,
        version=version,
    )


def amiss(team: Team, *, version: str | None = None) -> list[dict[str, Any]]:
    """Return the doctor's findings that are not ok, as JSON."""
    access, endpoints = carried(team)
    found = diagnose(access, GROUP, endpoints, look(team, version))
    part = Part(Kind.GROUP, GROUP, tuple(found))
    shown = document(Examination("Greenlight-staging", team.stage_id, REGION, (part,)))["parts"][0]
    empty = {"statement": None, "command": ""}
    return [{**empty, **each} for each in shown["findings"] if each["status"] != "ok"]


def carried(team: Team) -> tuple[StageAccess, Sequence[EndpointSpec]]:
    [stage] = load_stages(read_configuration(team.context)[0], "context")[0]
    return stage.access, stage.endpoints


def connection(session: boto3.Session) -> Connection:
    clients: Any = session.client
    return Connection(Addressee(None, REGION, "Greenlight-staging"), clients)


def session(team: Team, key_id: str, secret: str = "") -> boto3.Session:
    """Return credentials; where the cloud is stands in a file, as boto3 takes it from nowhere else."""
    file = team.directory / "config"
    file.write_text(f"[default]\nendpoint_url={team.cloud.endpoint_url}\n")
    return session_of(file, key_id, secret or team.cloud.secret)


@cache
def session_of(file: Path, key_id: str, secret: str) -> boto3.Session:
    """Return the one session of its kind: each reads every service's model once."""
    core = botocore.session.Session()
    core.set_config_variable("config_file", str(file))
    core.set_credentials(key_id, secret)
    return boto3.Session(botocore_session=core, region_name=REGION)


AT_ONCE = (
    (
        *("no policy of the group", "no policy of the repository", "another prefix of artifacts"),
        *("no statements in the key's policy", "the registry's rule is off", "the stage's rule is off"),
        *("the models' role trusts nobody", "no PassRole", "the image is gone", "no instances"),
    ),
    (
        *("the bus admits nobody", "the stage's rule is for another account", "a boundary without the key"),
        *("the sending role trusts nobody", "the artifact is under another name", "a statement denies"),
    ),
    ("the function may not be invoked", "the artifact has a key that AWS manages"),
    ("the stage's rule leads elsewhere",),
)
"""Misconfigurations that hide none of each other: a look at the whole stage costs more than all of them."""


def test_every_misconfiguration_is_tried_once() -> None:
    assert sorted(name for names in AT_ONCE for name in names) == sorted(MISCONFIGURATIONS)


@pytest.mark.parametrize("names", AT_ONCE, ids=len)
def test_what_the_doctor_prints_of_misconfigurations_mends_them(team: Team, names: tuple[str, ...]) -> None:
    wrong = [MISCONFIGURATIONS[name] for name in names]
    for each in wrong:
        each.spoil(team)

    gaps = amiss(team)

    assert all(gap["status"] == "gap" and gap["why"] for gap in gaps)
    by_person: list[Misconfiguration] = []
    for gap in gaps:
        of, *_ = [each for each in wrong if each.check == gap["check"] and each.found in gap["found"]]
        if of.mend is None:
            obey(team, gap)
        else:
            assert gap["statement"] is None, "what only a person can do has no statement"
            by_person.append(of)
    assert {each.check for each in wrong} == {gap["check"] for gap in gaps}
    assert all(any(each.found in gap["found"] for gap in gaps) for each in wrong)
    for each in dict.fromkeys(by_person):
        assert each.mend is not None
        each.mend(team)
    assert amiss(team) == []


def test_a_key_that_the_context_lacks_is_let_in_to_as_the_doctor_says(team: Team) -> None:
    """Do the stacks' work by hand after the entry is added, as the doctor prints it."""
    kms = team.registry.client("kms")
    another = kms.create_key()["KeyMetadata"]["Arn"]
    before = team.context
    try:
        team.upload(ServerSideEncryption="aws:kms", SSEKMSKeyId=another)

        [gap] = amiss(team)

        assert (gap["check"], gap["statement"]) == ("encryption", {"arn": another})
        assert gap["where"].startswith("In cdk.json, add it to registry.groups.churn.keys;")
        registry = json.loads(before["registry"])
        registry["groups"][GROUP]["keys"].append(gap["statement"])
        team.context = {**before, "registry": json.dumps(registry)}
        # A boundary's gap is visible only once the role's policies allow the action.
        for left in (gap for _ in range(2) for gap in amiss(team)):
            if left["check"] == "policy":
                assert left["subject"] == f"the key {another} in account {team.registry_id}"
                found = json.loads(kms.get_key_policy(KeyId=another, PolicyName="default")["Policy"])
                document = policy(*found["Statement"], left["statement"])
                kms.put_key_policy(KeyId=another, PolicyName="default", Policy=document)
            else:
                obey(team, left)
        assert amiss(team) == []
    finally:
        team.context = before
        team.upload()
    assert amiss(team) == []


def test_a_specification_that_a_version_lacks_is_added_as_the_doctor_says(team: Team) -> None:
    file = Path(team.context["endpoints_dir"]) / "staging" / "churn.yaml"
    before = file.read_text()
    sagemaker = team.registry.sagemaker
    own = sagemaker.describe_model_package(ModelPackageName=team.version)["InferenceSpecification"]
    [container] = own["Containers"]
    elsewhere = f"s3://{team.bucket}/churn/1/small.tar.gz"
    small: Any = {"Name": "small", "Containers": [{**container, "ModelDataUrl": elsewhere}]}
    pending = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification=own,
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    try:
        file.write_text(f"{before}inference_specification: small\n")

        [gap] = amiss(team, version=pending)

        assert gap["found"] == "it has no inference specification small, which endpoint churn serves"
        assert "add it by UpdateModelPackage" in gap["where"]
        sagemaker.update_model_package(
            ModelPackageArn=pending, AdditionalInferenceSpecificationsToAdd=[small]
        )
        [gone] = amiss(team, version=pending)
        assert (gone["check"], gone["subject"]) == ("artifact", elsewhere)
    finally:
        file.write_text(before)
    assert amiss(team, version=pending) == []


def test_a_rule_that_was_deleted_is_made_again_as_the_doctor_says(team: Team) -> None:
    events, name = team.registry.client("events"), forwarding_rule(team)
    [target] = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[target["Id"]])
    events.delete_rule(Name=name)

    [gap] = amiss(team)

    assert gap["found"].startswith("no rule sends the events of churn to ")
    resources = json.loads(aws(team.registry, *shlex.split(gap["command"])[1:]))["StackResources"]
    rules = [each for each in resources if each["ResourceType"] == "AWS::Events::Rule"]
    assert [rule["PhysicalResourceId"] for rule in rules] == [name]
    events.put_rule(Name=name, EventPattern=json.dumps(gap["statement"]))
    events.put_targets(Rule=name, Targets=[target])
    assert amiss(team) == []


def test_what_was_mended_by_hand_serves_and_not_only_pleases_the_doctor(team: Team) -> None:
    """After all of the above: an approval reaches the stage, and its version serves."""
    assert outcome_of_an_approval(team) == "succeeded"


def outcome_of_an_approval(team: Team) -> str:
    """Register a version, approve it, and return what the stage reports of it."""
    [topic] = [
        output["OutputValue"]
        for output in team.stage.client("cloudformation").describe_stacks(StackName="Greenlight-staging")[
            "Stacks"
        ][0]["Outputs"]
        if output["OutputKey"] == "OutcomeTopicArn"
    ]
    sqs, sns = team.stage.client("sqs"), team.stage.client("sns")
    outcomes = OutcomeQueue(sqs, sns, topic_arn=topic, name="outcomes")
    sagemaker = team.registry.sagemaker
    # A version that may serve already would need no deployment, and so would have no outcome.
    described = sagemaker.describe_model_package(ModelPackageName=team.version)
    version = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification=described["InferenceSpecification"],
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    return str(outcomes.wait_for(version, timeout_seconds=OUTCOME_TIMEOUT_SECONDS)["Outcome"])


# Obstacles for the doctor ---------------------------------------------------------------------------


def test_a_version_that_is_made_of_something_else_is_told_with_the_context_to_write(team: Team) -> None:
    elsewhere = team.registry.sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [
                {
                    "Image": f"{team.registry_id}.dkr.ecr.{REGION}.amazonaws.com/team/fraud:1",
                    "ModelDataUrl": f"s3://{team.bucket}/fraud/1/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]

    gaps = [gap for gap in team.findings("gap", "--version", elsewhere) if gap["check"] == "context"]

    assert [gap["found"] for gap in gaps] == [
        f"artifacts does not have s3://{team.bucket}/fraud/1/",
        f"images does not have {team.registry_id}.dkr.ecr.{REGION}.amazonaws.com/team/fraud",
    ]
    assert {gap["where"] for gap in gaps} == {
        "In cdk.json, under registry.groups.churn; then deploy the registry's stack and the stage's."
    }


def test_credentials_of_another_account_than_the_stages_are_told_first(team: Team) -> None:
    stages = json.loads(team.context["stages"])
    stages["staging"]["account"] = "700000000005"

    [gap] = team.findings("gap", "-c", f"stages={json.dumps(stages)}")

    assert gap["found"] == f"they are of account {team.stage_id}, and the stage is in 700000000005"


def test_in_a_region_where_nothing_is_every_gap_names_the_region(team: Team) -> None:
    registry = json.loads(team.context["registry"])
    registry["region"] = "eu-west-1"
    # Everything in the registry's region disappears with it.
    text = json.dumps(registry).replace(f".ecr.{REGION}.", ".ecr.eu-west-1.")
    text = text.replace(f":kms:{REGION}:", ":kms:eu-west-1:")

    gaps = team.findings("gap", "-c", f"registry={text}")

    stacks = [gap["where"] for gap in gaps if "deploy the stack Greenlight-staging" in gap["where"]]
    assert stacks
    assert all(f"In account {team.stage_id}, eu-west-1:" in where for where in stacks)


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (
            (),
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "There are no AWS credentials.",
        ),
        (("--profile", "nobody"), {}, "There is no AWS profile nobody."),
        (
            ("--registry-profile", "nobody"),
            {},
            "There is no AWS profile nobody.",
        ),
    ],
    ids=["no credentials", "no such profile", "no such profile of the registry's"],
)
def test_without_credentials_the_doctor_says_whose_it_lacks(
    team: Team, options: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    code, shown, words = team.doctor(*options, environment=environment)

    assert (code, shown) == (3, "")
    assert said in words
    assert len(words.splitlines()) == 3


def profiles(team: Team, policies: dict[str, str]) -> dict[str, str]:
    """Make a user with a policy in each account; return where their credentials are."""
    lines = []
    for side, account in (("stage", team.stage), ("registry", team.registry)):
        iam = account.client("iam")
        name = f"doctor-{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policies[side])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        lines += [f"[{side}]", f"aws_access_key_id={key['AccessKeyId']}"]
        lines += [f"aws_secret_access_key={key['SecretAccessKey']}"]
    file = team.directory / "credentials-of-doctors"
    file.write_text("\n".join(lines))
    return {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def pages_policies(team: Team) -> dict[str, str]:
    """The two policies of the guide, by whose account they are for, with the team's bucket in them."""
    section = PAGE.read_text(encoding="utf-8").partition("### What the doctor may read")[2]
    section = section.replace("models-of-the-team", team.bucket)
    stage, registry = re.findall(r"```json\n(.*?)```", section, re.DOTALL)[:2]
    return {"stage": stage, "registry": registry}


def test_the_doctor_only_reads_and_the_guides_policies_are_enough_for_it(team: Team) -> None:
    environment = profiles(team, pages_policies(team))

    code, shown, words = team.doctor(
        "--profile", "stage", "--registry-profile", "registry", environment=environment
    )

    assert (code, words) == (0, ""), shown
    for text in pages_policies(team).values():
        for statement in json.loads(text)["Statement"]:
            for action in statement["Action"]:
                reading = r"[a-z0-9-]+:(Get|List|Describe|BatchGet)[A-Za-z]+|dynamodb:Query"
                assert re.fullmatch(reading, action), action


@pytest.mark.long
@pytest.mark.parametrize("side", ["stage", "registry"])
def test_each_permission_of_the_guides_policies_is_needed_and_its_lack_is_told(
    team: Team, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken away one by one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(team.directory))
    accounts = {"stage": team.stage, "registry": team.registry}
    for account in accounts.values():
        attach_a_managed_policy(account, team)
    if not team.stage.sagemaker.list_endpoints()["Endpoints"]:
        # The tags of an endpoint are read only where there is one.
        assert outcome_of_an_approval(team) == "succeeded"
    whole = json.loads(pages_policies(team)[side])["Statement"]
    actions = [action for statement in whole for action in statement["Action"]]
    iam = accounts[side].client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = session(team, key["AccessKeyId"], key["SecretAccessKey"])

    told = {}
    for action in actions:
        left = [{**each, "Action": [one for one in each["Action"] if one != action]} for each in whole]
        document = policy(*(each for each in left if each["Action"]))
        iam.put_user_policy(UserName="reader", PolicyName="own", PolicyDocument=document)
        read = [look(team, **{side: reader}), *(of_the_stack(team, reader) if side == "stage" else ())]
        told[action] = [each for facts in read for each in unreadable(facts) if action in each.reason]

    assert len(actions) == len(set(actions)) > 9
    assert [action for action in actions if not told[action]] == []
    for action, found in told.items():
        assert all(each.statement is not None and each.statement["Action"] == [action] for each in found)


def of_the_stack(team: Team, reader: boto3.Session) -> Iterator[object]:
    """Read what the doctor reads of a stage that is deployed."""
    here = connection(reader)
    [spec] = carried(team)[1]
    yield attempt(lambda: read_installation(here, is_fed_here=False))
    settings = EndpointSettings.parse(serialised(spec.compiled))
    yield attempt(lambda: read_endpoint(here, settings, read_pauses(here)))


def attach_a_managed_policy(account: Account, team: Team) -> None:
    """Give the role that the doctor reads in this account a managed policy, as its owner may have."""
    iam = account.client("iam")
    role = MODELS_ROLE if account is team.stage else sending_role(team)
    if not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        document = policy({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
        arn = iam.create_policy(PolicyName="owners", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)


def unreadable(value: object) -> Iterator[Unreadable]:
    """Yield what could not be read, however deep in the facts."""
    if isinstance(value, Unreadable):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from unreadable(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from unreadable(each)
