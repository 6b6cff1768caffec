"""What a stage's deployer may and may not write to the registry, tried with the synthesised policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller
from tests.infra.conftest import Synthesised
from tests.infra.roles import Deployed
from tests.infra.stages.example import PRODUCTION, REGION, REGISTRY, STAGING
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud

if TYPE_CHECKING:
    from tests.infra.stages.conftest import Accounts

OWNER = Caller(REGISTRY, REGION, f"arn:aws:iam::{REGISTRY}:user/owner")
STAGES = {"staging": STAGING, "production": PRODUCTION, "lab": REGISTRY}
GROUPS = {"staging": "Churn-Models", "production": "Churn-Models", "lab": "fraud"}


@pytest.fixture
def registry(accounts: Accounts) -> VirtualCloud:
    """A registry with a version in each group, and the policies that the registry's stack merges."""
    cloud = VirtualCloud()
    for group in ("Churn-Models", "fraud"):
        cloud.call("CreateModelPackageGroup", OWNER, ModelPackageGroupName=group)
        cloud.call(
            "CreateModelPackage",
            OWNER,
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification=SPECIFICATION,
        )
    for each in accounts.of_type("Greenlight-Registry", "Custom::GreenlightPolicyStatements").values():
        properties = each["Properties"]
        if properties["Kind"] == "group":
            policy = {"Version": "2012-10-17", "Statement": json.loads(properties["Statements"])}
            cloud.call(
                "PutModelPackageGroupPolicy",
                OWNER,
                ModelPackageGroupName=properties["Target"],
                ResourcePolicy=json.dumps(policy),
            )
    return cloud


SPECIFICATION = {
    "Containers": [{"Image": "763104351884.dkr.ecr.eu-central-1.amazonaws.com/sklearn:1"}],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}


def refusal(
    accounts: Accounts, registry: VirtualCloud, stage: str, request: dict[str, Any], group: str = ""
) -> str:
    """Return how IAM refuses a stage's deployer an update of a version; empty if the call came past IAM."""
    template = accounts.templates[f"Greenlight-{stage}"]
    names = {
        ("AWS::IAM::Role", prefix): f"Greenlight-{stage}-{REGION}-{kind}"
        for prefix, kind in {"DeployerRole": "deployer", "ModelExecutionRole": "models"}.items()
    }
    deployed = Deployed(Synthesised(accounts.directory, template, {}), STAGES[stage], REGION, names)
    principal = deployed.session("DeployerRole")
    caller = Caller(STAGES[stage], REGION, principal.arn, principal)
    version = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package/{group or GROUPS[stage]}/1"
    try:
        registry.call("UpdateModelPackage", caller, ModelPackageArn=version, **request)
    except ServiceError as error:
        return f"{error.code}: {error.message}"
    return ""


def stamping(*names: str) -> dict[str, Any]:
    return {"CustomerMetadataProperties": {f"greenlight:{name}": "x" for name in names}}


PROMOTING = {"ModelLifeCycle": {"Stage": "Production", "StageStatus": "PendingApproval"}}


@pytest.mark.parametrize(
    ("stage", "request_members"),
    [
        ("staging", stamping("staging:endpoint:churn", "staging:digest", "staging:digest:small")),
        ("staging", {**PROMOTING, **stamping("staging:promoted", "staging:digest")}),
        ("staging", PROMOTING),
        ("production", stamping("production:digest", "production:endpoint:churn")),
        ("lab", stamping("lab:digest")),
    ],
)
def test_a_stage_may_stamp_its_own_and_promote_with_the_same_call(
    accounts: Accounts, registry: VirtualCloud, stage: str, request_members: dict[str, Any]
) -> None:
    assert refusal(accounts, registry, stage, request_members) == ""


@pytest.mark.parametrize(
    ("stage", "request_members"),
    [
        ("staging", stamping("production:digest")),
        ("staging", stamping("staging:digest", "production:digest")),
        ("staging", {**PROMOTING, **stamping("production:digest")}),
        ("production", stamping("staging:digest")),
        ("production", stamping("staging:promoted")),
        ("lab", stamping("production:digest")),
        ("staging", {"CustomerMetadataPropertiesToRemove": ["greenlight:production:digest"]}),
        ("staging", {"CustomerMetadataPropertiesToRemove": ["greenlight:staging:digest"]}),
        ("staging", {**PROMOTING, "CustomerMetadataPropertiesToRemove": ["team"]}),
        ("lab", {"CustomerMetadataPropertiesToRemove": ["greenlight:production:digest"]}),
        ("staging", {"ModelApprovalStatus": "Approved"}),
        ("staging", {**PROMOTING, "ModelApprovalStatus": "Approved"}),
        ("staging", {"ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"}}),
        ("production", PROMOTING),
        ("lab", {"ModelApprovalStatus": "Approved"}),
        ("lab", PROMOTING),
    ],
)
def test_a_stage_may_not_touch_what_others_decide_by(
    accounts: Accounts, registry: VirtualCloud, stage: str, request_members: dict[str, Any]
) -> None:
    said = refusal(accounts, registry, stage, request_members)

    assert said.startswith("AccessDeniedException")
    assert "sagemaker:UpdateModelPackage on resource" in said


def test_a_stage_may_not_write_to_groups_that_it_does_not_follow(
    accounts: Accounts, registry: VirtualCloud
) -> None:
    said = refusal(accounts, registry, "staging", stamping("staging:digest"), group="fraud")

    assert said.startswith("AccessDeniedException")


def test_what_iam_has_no_key_for_cannot_be_kept_from_a_stage(
    accounts: Accounts, registry: VirtualCloud
) -> None:
    """docs/accounts.md says so; other stages notice by the digests, which it cannot write."""
    changed = {"InferenceSpecification": SPECIFICATION}

    assert refusal(accounts, registry, "staging", changed) == ""
