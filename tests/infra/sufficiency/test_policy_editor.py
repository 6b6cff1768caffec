"""The policy editor carries out the registry stack's requests, under the role that the stack gives it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.estate import OTHER_GROUP, OTHER_REPOSITORY, REPOSITORY
from tests.infra.opened import POLICIES, Accounts
from tests.unit.deployer.builders import GROUP

if TYPE_CHECKING:
    from tests.infra.estate import Estate

THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
    "Action": "s3:ListBucket",
    "Resource": "*",
}


@pytest.fixture
def accounts(estate: Estate) -> Accounts:
    return Accounts(estate)


def sids(accounts: Accounts, policy: str) -> list[str]:
    """Return the names of a policy's statements, or of a key's grants; none if there is no policy."""
    s3, ecr, kms = (accounts.client(service) for service in ("s3", "ecr", "kms"))
    read: dict[str, Any] = {
        "group": lambda: of_group(accounts, GROUP),
        "other group": lambda: of_group(accounts, OTHER_GROUP),
        "bucket": lambda: s3.get_bucket_policy(Bucket=accounts.bucket)["Policy"],
        "other bucket": lambda: s3.get_bucket_policy(Bucket=accounts.other_bucket)["Policy"],
        "repository": lambda: ecr.get_repository_policy(repositoryName=REPOSITORY)["policyText"],
        "other repository": lambda: ecr.get_repository_policy(repositoryName=OTHER_REPOSITORY)["policyText"],
        "key": lambda: kms.get_key_policy(KeyId=accounts.key, PolicyName="default")["Policy"],
    }
    if policy == "grants":
        grants = kms.list_grants(KeyId=accounts.granted_key)["Grants"]
        return [each["Name"] for each in grants]
    return [each["Sid"] for each in json.loads(read[policy]())["Statement"]]


def of_group(accounts: Accounts, group: str) -> str:
    found = accounts.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=group)
    return str(found["ResourcePolicy"])


def put(accounts: Accounts, policy: str, *statements: dict[str, Any]) -> None:
    """Give a resource the policy of its owner."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    kind, name = POLICIES[policy]
    match kind:
        case "group":
            accounts.client("sagemaker").put_model_package_group_policy(
                ModelPackageGroupName=name, ResourcePolicy=text
            )
        case "bucket":
            bucket = accounts.bucket if policy == "bucket" else accounts.other_bucket
            accounts.client("s3").put_bucket_policy(Bucket=bucket, Policy=text)
        case "repository":
            accounts.client("ecr").set_repository_policy(repositoryName=name, policyText=text)
        case _:
            accounts.client("kms").put_key_policy(KeyId=accounts.key, PolicyName="default", Policy=text)


OWNED = ("group", "other group", "bucket", "other bucket", "repository", "other repository")


@pytest.mark.parametrize("policy", OWNED)
def test_a_policy_is_made_where_there_is_none_and_goes_again(accounts: Accounts, policy: str) -> None:
    assert accounts.edit(policy)["Status"] == "SUCCESS"
    assert all(sid.startswith("Greenlight") for sid in sids(accounts, policy))
    assert accounts.edit(policy, "Delete")["Status"] == "SUCCESS"

    with pytest.raises(Exception, match=r"(?i)policy"):
        sids(accounts, policy)


@pytest.mark.parametrize("policy", [*OWNED, "key"])
def test_statements_come_beside_others_and_go_again(accounts: Accounts, policy: str) -> None:
    whole_account = {"Principal": {"AWS": f"arn:aws:iam::{accounts.registry_id}:root"}, "Action": "kms:*"}
    put(accounts, policy, {**THEIRS, **whole_account} if policy == "key" else THEIRS)

    assert accounts.edit(policy)["Status"] == "SUCCESS"
    assert len(sids(accounts, policy)) > 1
    assert accounts.edit(policy, "Delete")["Status"] == "SUCCESS"
    assert sids(accounts, policy) == ["Theirs"]


def test_grants_are_made_and_revoked(accounts: Accounts) -> None:
    assert accounts.edit("grants")["Status"] == "SUCCESS"
    assert len(sids(accounts, "grants")) == 3
    assert accounts.edit("grants", "Delete")["Status"] == "SUCCESS"
    assert sids(accounts, "grants") == []
