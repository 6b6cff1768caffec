"""Stages' calls in their registry's account, with the stacks' policies on both sides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ministack.core.responses import request_scope

from deployer.gateways.model_registry import ModelRegistry
from deployer.model.life_cycle import LifeCycle
from deployer.model.model_version import ModelVersion
from tests.infra.estate import MODELS_OF_PRODUCTION, PREFIX, REGION
from tests.infra.opened import Accounts, whoever
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import DEPLOYER, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values
    from tests.infra.estate import Estate


@pytest.fixture
def accounts(estate: Estate) -> Accounts:
    return Accounts(estate)


@pytest.fixture(params=["staging", "production"])
def deployer(request: pytest.FixtureRequest, accounts: Accounts) -> ModelRegistry:
    """Give the gateway of a stage's deployer to a registry that lets it in."""
    accounts.open("group")
    stack = accounts.staging if request.param == "staging" else accounts.production
    return ModelRegistry(accounts.client("sagemaker", stack.session("DeployerRole")))


def test_a_stage_reads_versions(accounts: Accounts, deployer: ModelRegistry) -> None:
    arn = accounts.version()
    found = deployer.describe_version(arn)

    assert isinstance(found, ModelVersion), found


def test_a_stage_lists_versions(accounts: Accounts, deployer: ModelRegistry) -> None:
    arn = accounts.version()
    group = f"arn:aws:sagemaker:{REGION}:{accounts.registry_id}:model-package-group/{GROUP}"

    [approved] = deployer.approved_versions(group)
    assert (approved.arn, approved.life_cycle) == (arn, None)


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_stage_stamps_versions(accounts: Accounts, stage: str) -> None:
    accounts.open("group")
    arn = accounts.version()
    stack = accounts.staging if stage == "staging" else accounts.production
    deployer = ModelRegistry(accounts.client("sagemaker", stack.session("DeployerRole")))
    stamp = {f"greenlight:{stage}:digest": "0"}
    deployer.put_metadata(arn, stamp)

    found = accounts.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert found["CustomerMetadataProperties"] == stamp


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_stage_makes_models_of_versions(accounts: Accounts, stage: str) -> None:
    accounts.open("group")
    arn = accounts.version()
    stack = accounts.staging if stage == "staging" else accounts.production
    name = "Greenlight" if stage == "staging" else "Greenlight-production"
    role = (
        accounts.models()
        if stage == "staging"
        else f"arn:aws:iam::{accounts.production_id}:role/{MODELS_OF_PRODUCTION}"
    )
    client = accounts.client("sagemaker", stack.session("DeployerRole"))
    client.create_model(
        ModelName="churn-v1",
        ExecutionRoleArn=role,
        Containers=[{"ModelPackageName": arn}],
        Tags=[{"Key": "greenlight:stack", "Value": name}],
    )

    assert client.describe_model(ModelName="churn-v1")["ModelName"] == "churn-v1"


def test_an_operator_of_a_stage_sees_the_registry(accounts: Accounts) -> None:
    accounts.open("group")
    arn = accounts.version()
    ann = accounts.client("sagemaker", whoever(accounts.production_id, "platform/ann"))
    group = f"arn:aws:sagemaker:{REGION}:{accounts.registry_id}:model-package-group/{GROUP}"

    assert ann.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"] == group
    assert ann.describe_model_package(ModelPackageName=arn)["ModelPackageArn"] == arn
    assert len(ann.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]) == 1


# What models and samples are fetched with -----------------------------------------------------------------


@pytest.fixture(params=["staging", "production", "lab"])
def models(request: pytest.FixtureRequest, accounts: Accounts) -> str:
    """Return the role of a stage's models: one that the stack makes, or one that the stage brings."""
    if request.param == "staging":
        return accounts.models()
    if request.param == "lab":
        return accounts.lab.arn("AWS::IAM::Role", "ModelExecutionRole")
    iam = accounts.client("iam", account_id=accounts.production_id)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    path, _, name = MODELS_OF_PRODUCTION.rpartition("/")
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
    }
    role = iam.create_role(
        Path=f"/{path}/", RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    iam.put_role_policy(
        RoleName=name, PolicyName="own", PolicyDocument=json.dumps({"Statement": [everything]})
    )
    return str(role["Role"]["Arn"])


def may_read(accounts: Accounts, role_arn: str, key: str) -> bool:
    return accounts.execution_roles.may_read(
        f"s3://{accounts.bucket}/{key}", role_arn=role_arn, region=REGION
    )


def test_a_stages_models_read_the_artifacts(accounts: Accounts, models: str) -> None:
    accounts.open("bucket")

    assert may_read(accounts, models, f"{PREFIX}/model.tar.gz")
    assert may_read(accounts, models, f"{PREFIX}/")


def store_encrypted(accounts: Accounts, by: str) -> None:
    """Put an artifact, encrypted with the key that stages are let in to by its policy or by grants."""
    key = accounts.key if by == "key" else accounts.granted_key
    accounts.client("s3").put_object(
        Bucket=accounts.bucket,
        Key=f"{PREFIX}/secret.tar.gz",
        Body=b"model",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key,
    )


@pytest.mark.parametrize("by", ["key", "grants"])
def test_a_stages_models_decrypt_the_artifacts(accounts: Accounts, models: str, by: str) -> None:
    accounts.open("bucket", by)
    store_encrypted(accounts, by)

    assert may_read(accounts, models, f"{PREFIX}/secret.tar.gz")


def test_a_stages_models_pull_the_image(accounts: Accounts, models: str) -> None:
    accounts.open("repository")

    assert accounts.execution_roles.may_pull(accounts.image, role_arn=models)


def test_sagemaker_assumes_the_role_of_a_stages_models(accounts: Accounts) -> None:
    assert accounts.execution_roles.trusts(accounts.models(), "sagemaker.amazonaws.com")


def test_a_stages_deployer_reads_samples(accounts: Accounts) -> None:
    accounts.open("bucket")
    role_arn = accounts.staging.arn("AWS::IAM::Role", "DeployerRole")

    assert may_read(accounts, role_arn, f"{PREFIX}/model.tar.gz")


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_stages_deployer_sees_which_artifacts_there_are(accounts: Accounts, stage: str) -> None:
    accounts.open("bucket")
    stack = accounts.staging if stage == "staging" else accounts.production
    bucket = f"arn:aws:s3:::{accounts.bucket}"
    prefix: dict[str, Values] = {"s3:prefix": f"{PREFIX}/model.tar.gz"}
    with request_scope(stack.account_id, REGION):
        decision = accounts.iam.decide(
            stack.session("DeployerRole"), "s3:ListBucket", bucket, region=REGION, keys=prefix
        )

    assert decision.is_allowed


@pytest.mark.parametrize("by", ["key", "grants"])
def test_a_stages_deployer_decrypts_samples(accounts: Accounts, by: str) -> None:
    accounts.open("bucket", by)
    store_encrypted(accounts, by)
    role_arn = accounts.staging.arn("AWS::IAM::Role", "DeployerRole")

    assert may_read(accounts, role_arn, f"{PREFIX}/secret.tar.gz")


# From the approval to the promotion -----------------------------------------------------------------------


SOAK_SECONDS = 3600


@pytest.fixture
def staging(estate: Estate) -> Iterator[tuple[Pipeline, Accounts]]:
    """The deployer in a separate account, which receives events of the registry's versions."""
    made: list[Accounts] = []

    def session(account_id: str, _region: str) -> Principal:
        made.append(Accounts(estate, staging=account_id))
        return made[0].deployer()

    token = DEPLOYER.set(session)
    pipeline, [accounts] = Pipeline(), made
    accounts.move_to(pipeline.control_plane)
    accounts.open("group")
    # The role's policy decides which bucket may be listed. MiniStack shows no other account's bucket, even if
    # its policy allows it.
    accounts.remove_bucket()
    pipeline.bucket = accounts.bucket
    pipeline.role_arn = accounts.models()
    pipeline.identity.role_arns.add(pipeline.role_arn)
    pipeline.registry = accounts.client("sagemaker")
    pipeline.manage(
        ModelPackageGroupName=f"arn:aws:sagemaker:{REGION}:{accounts.registry_id}:model-package-group/{GROUP}",
        StageName="staging",
        Promotion={"SoakSeconds": SOAK_SECONDS, "Stage": "Production", "StageStatus": "PendingApproval"},
    )
    yield pipeline, accounts
    DEPLOYER.reset(token)


def test_a_version_of_the_registrys_serves_and_is_promoted(staging: tuple[Pipeline, Accounts]) -> None:
    pipeline, _ = staging
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]
    pipeline.pass_time(SOAK_SECONDS + 60)
    pipeline.sweep()
    pipeline.run()

    found = pipeline.registry.describe_model_package(ModelPackageName=arn)
    assert LifeCycle.parse(found["ModelLifeCycle"]) == LifeCycle("Production", "PendingApproval")
    assert "greenlight:staging:digest" in found["CustomerMetadataProperties"]
