"""What the doctor says of a group in the stack's own account, whose facts are given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from greenlight.doctor.checks.own_group import check_own_group
from greenlight.doctor.facts import Absent, Found, KmsKey, Role, Unreadable, Version
from greenlight.doctor.findings import Finding, Status
from greenlight.doctor.own_group import OwnGroup
from tests.unit.deployer.builders import settings
from tests.unit.greenlight.doctor.builders import allowing, trust

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
BUCKET: Final = "models"
URI: Final = f"s3://{BUCKET}/churn/3/model.tar.gz"
IMAGE: Final = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/churn:3"
KEY: Final = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
DEPLOYER: Final = f"arn:aws:iam::{ACCOUNT}:role/Greenlight-DeployerRole1"
MODELS: Final = f"arn:aws:iam::{ACCOUNT}:role/Greenlight-ModelExecutionRole1"
OTHER: Final = f"arn:aws:iam::{ACCOUNT}:role/theirs"
VERSION: Final = Version(
    arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/3",
    status="Completed",
    approval_status="Approved",
    images=(IMAGE,),
    artifacts=(URI,),
)
REFUSED: Final = Unreadable("AccessDenied", "Ask for it.", {"Effect": "Allow"})
DELEGATES: Final = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
}
"""A key's policy that leaves the decision to the account's own policies."""

PULL: Final = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
)


def deployer() -> Role:
    sagemaker = (f"sagemaker:{each}" for each in ("DescribeModelPackage", "ListModelPackages", "CreateModel"))
    return Role(trust("lambda.amazonaws.com"), (allowing(*sagemaker, "iam:PassRole"),))


def models(*actions: str) -> Role:
    return Role(trust("sagemaker.amazonaws.com"), (allowing(*actions),) if actions else ())


def facts(**changes: Any) -> OwnGroup:
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    in_order = OwnGroup(
        stack="Greenlight",
        account=ACCOUNT,
        region=REGION,
        group_arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/churn",
        status=Found("Completed"),
        endpoints=[
            settings(EndpointName="churn", CreateEndpointConfig={"ProductionVariants": [variant]}),
        ],
        version=Found(VERSION),
        artifacts={URI: Found(["churn/3/model.tar.gz"])},
        encryption={URI: Found([KEY])},
        keys={KEY: Found(KmsKey(KEY, is_managed_by_aws=False))},
        policies={("key", KEY): Found(DELEGATES), ("bucket", BUCKET): Absent()},
        regions={BUCKET: Found(REGION)},
        images={IMAGE: Found(value=True)},
        deployer_role_arn=DEPLOYER,
        deployer_role=Found(deployer()),
        execution_role_arn=MODELS,
        roles={MODELS: Found(models("s3:GetObject", "kms:Decrypt", *PULL))},
    )
    return replace(in_order, **changes)


def wrong(**changes: Any) -> list[Finding]:
    return [each for each in check_own_group(facts(**changes)) if each.status is not Status.OK]


def denying(action: str, resource: str) -> dict[str, Any]:
    return {
        "Statement": [
            {"Sid": "Never", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
        ]
    }


def test_where_everything_is_in_order_every_check_says_so() -> None:
    found = list(check_own_group(facts()))

    assert [each for each in found if each.status is not Status.OK] == []
    checks = {"group", "version", "artifact", "image", "region", "trust", "permission"}
    assert {each.check for each in found} == checks


@pytest.mark.parametrize(
    ("changes", "check", "found"),
    [
        ({"status": Absent()}, "group", "there is none"),
        ({"status": Found("Failed")}, "group", "its status is Failed"),
        (
            {"version": Found(replace(VERSION, status="Failed"))},
            "version",
            "its ModelPackageStatus is Failed",
        ),
        ({"artifacts": {URI: Absent()}}, "artifact", "there is no such object"),
        ({"images": {IMAGE: Found(value=False)}}, "image", "there is no such image"),
        (
            {"regions": {BUCKET: Found("us-east-1")}},
            "region",
            f"it is in us-east-1, and the endpoints are in {REGION}",
        ),
        ({"keys": {KEY: Absent()}}, "encryption", "there is no such key any more"),
        ({"deployer_role": Absent()}, "role", "there is no such role"),
        ({"roles": {MODELS: Absent()}}, "role", "there is no such role"),
    ],
)
def test_what_keeps_an_approval_from_serving_is_found(
    changes: dict[str, Any], check: str, found: str
) -> None:
    [gap] = wrong(**changes)

    assert (gap.check, gap.status) == (check, Status.GAP)
    assert found in gap.found
    assert gap.why
    assert gap.where


def test_an_image_of_another_region_is_found() -> None:
    image = IMAGE.replace(REGION, "us-east-1")

    found = wrong(version=Found(replace(VERSION, images=(image,))), images={image: Found(value=True)})

    assert f"it is not in {REGION}" in {each.found for each in found}


@pytest.mark.parametrize("action", ["s3:GetObject", "kms:Decrypt", *PULL])
def test_each_action_that_a_models_role_lacks_is_proposed(action: str) -> None:
    left = {"s3:GetObject", "kms:Decrypt", *PULL} - {action}

    [gap] = wrong(roles={MODELS: Found(models(*left))})

    assert (gap.check, gap.status, gap.found) == ("permission", Status.GAP, f"{action} is not allowed")
    assert gap.statement is not None
    assert gap.statement["Action"] == [action]
    assert "model_buckets" in gap.where


def test_where_the_role_is_somebodys_own_its_owner_adds_the_statement() -> None:
    [gap] = wrong(roles={OTHER: Found(models("kms:Decrypt", *PULL))}, execution_role_arn=OTHER)

    assert gap.where == f"In account {ACCOUNT}, in a policy of the role, which is its owner's."


@pytest.mark.parametrize(
    "action", ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel", "iam:PassRole"]
)
def test_what_the_deployers_role_lost_is_proposed(action: str) -> None:
    [policy] = deployer().policies
    kept = [each for each in policy["Statement"][0]["Action"] if each != action]

    found = wrong(deployer_role=Found(Role(trust("lambda.amazonaws.com"), (allowing(*kept),))))

    assert {(each.check, each.found) for each in found} == {("permission", f"{action} is not allowed")}


@pytest.mark.parametrize(
    ("role", "service"),
    [("deployer_role", "lambda.amazonaws.com"), ("roles", "sagemaker.amazonaws.com")],
)
def test_a_role_that_its_service_cannot_take_is_found(role: str, service: str) -> None:
    known = deployer() if role == "deployer_role" else models("s3:GetObject", "kms:Decrypt", *PULL)
    distrusted = Found(replace(known, trust=trust("ec2.amazonaws.com")))

    [gap] = wrong(**{role: distrusted if role == "deployer_role" else {MODELS: distrusted}})

    assert (gap.check, gap.found) == ("trust", f"it does not trust {service}")


@pytest.mark.parametrize(
    ("target", "policy", "found"),
    [
        (("bucket", BUCKET), denying("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*"), "s3:GetObject is denied"),
        (("key", KEY), {"Statement": []}, "kms:Decrypt is not allowed"),
        (("repository", "team/churn"), denying("ecr:BatchGetImage", "*"), "ecr:BatchGetImage is denied"),
    ],
)
def test_a_resources_own_policy_counts(target: tuple[str, str], policy: dict[str, Any], found: str) -> None:
    policies = {**facts().policies, target: Found(policy)}

    [gap] = wrong(policies=policies)

    assert (gap.check, gap.status) == ("permission", Status.GAP)
    assert gap.found.startswith(found)


def test_a_key_that_aws_manages_needs_no_permission_within_its_account() -> None:
    keys = {KEY: Found(KmsKey(KEY, is_managed_by_aws=True))}

    assert wrong(keys=keys, policies={}, roles={MODELS: Found(models("s3:GetObject", *PULL))}) == []


def test_a_group_without_versions_is_a_note_as_nobody_can_approve_any_yet() -> None:
    nothing: dict[str, Any] = {}

    [note] = wrong(
        version=Absent(), artifacts=nothing, encryption=nothing, keys=nothing, images=nothing, regions=nothing
    )

    assert (note.status, note.found) == (Status.NOTE, "none is registered yet")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", REFUSED),
        ("version", REFUSED),
        ("artifacts", {URI: REFUSED}),
        ("encryption", {URI: REFUSED}),
        ("keys", {KEY: REFUSED}),
        ("policies", {("bucket", BUCKET): REFUSED, ("key", KEY): Found(DELEGATES)}),
        ("regions", {BUCKET: REFUSED}),
        ("images", {IMAGE: REFUSED}),
        ("deployer_role", REFUSED),
        ("roles", {MODELS: REFUSED}),
    ],
)
def test_what_may_not_be_read_is_never_in_order(name: str, value: object) -> None:
    found = wrong(**{name: value})

    assert {each.status for each in found} == {Status.UNKNOWN}
    assert all(each.statement == {"Effect": "Allow"} for each in found)
