"""AWS's own sample for the same has six defects, and each has its test here, as has every statement."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, cast

import pytest

from infra.configuration.app_context import read_configuration
from infra.configuration.partitions import partition_of, url_suffix_of
from infra.stages.access import Repository, StageAccess
from infra.stages.policy_statements import (
    PolicyTarget,
    Statement,
    policies,
    signed,
    statements_for_owners,
    statements_of,
)
from infra.stages.stage_names import StageNames, owner_of, spellings
from registry_access import admission
from registry_access.merging import text_of
from registry_access.targets import LARGEST_GROUP_POLICY
from tests.infra.stages.example import (
    KEY,
    MODELS_OF_PRODUCTION,
    OPERATOR,
    OTHER_KEY,
    PRODUCTION,
    REGISTRY,
    STAGING,
    example_context,
)

GROUPS = {"staging": ("Churn-Models",), "production": ("Churn-Models", "fraud"), "lab": ("fraud",)}
DEPLOYER = f"arn:aws:iam::{STAGING}:role/Greenlight-staging-eu-central-1-deployer"
DEPLOYER_OF_PRODUCTION = f"arn:aws:iam::{PRODUCTION}:role/Greenlight-production-eu-central-1-deployer"
MODELS = f"arn:aws:iam::{STAGING}:role/Greenlight-staging-eu-central-1-models"
UNTOUCHED = {
    "sagemaker:CustomerMetadataPropertiesToRemove": "true",
    "sagemaker:ModelApprovalStatus": "true",
}
REGISTRY_ARN = f"arn:aws:sagemaker:eu-central-1:{REGISTRY}"


def stages(**registry: Any) -> dict[str, StageAccess]:
    context = example_context()
    context["registry"] |= registry
    configuration, problems = read_configuration(context)
    assert problems == []
    assert configuration.registry is not None
    return {
        name: StageAccess(
            StageNames.of("Greenlight", name, stage, configuration.registry),
            configuration.registry,
            stage,
            GROUPS[name],
        )
        for name, stage in configuration.stages.items()
    }


def granted(**registry: Any) -> dict[PolicyTarget, list[Statement]]:
    return {each.target: each.statements for each in policies(list(stages(**registry).values()))}


def every_statement(**registry: Any) -> list[Statement]:
    return [statement for statements in granted(**registry).values() for statement in statements]


def statement(kind: str, name: str, sid: str, **registry: Any) -> Statement:
    [found] = [each for each in granted(**registry)[PolicyTarget(kind, name)] if each["Sid"] == sid]
    return found


def test_exactly_what_the_stages_groups_need_is_edited() -> None:
    """Not the group that no stage uses, nor the repository that is AWS's."""
    assert list(granted()) == [
        PolicyTarget("bucket", "models"),
        PolicyTarget("bucket", "more-models"),
        PolicyTarget("group", "Churn-Models"),
        PolicyTarget("group", "fraud"),
        PolicyTarget("key", KEY),
        PolicyTarget("key-grants", OTHER_KEY),
        PolicyTarget("repository", "team/churn"),
    ]


def test_a_stage_in_the_registrys_own_account_is_let_in_to_nothing() -> None:
    assert stages()["lab"].at_home
    assert not [each for each in every_statement() if REGISTRY in json.dumps(each["Principal"])]


@pytest.mark.parametrize("admit", ["by_purpose", "both_roles"])
def test_no_principal_is_a_wildcard_and_every_account_comes_with_a_condition(admit: str) -> None:
    for each in every_statement(admit=admit):
        account = each["Principal"]["AWS"]
        if "Condition" in each:
            assert account in {f"arn:aws:iam::{number}:root" for number in (STAGING, PRODUCTION)}
            roles = each["Condition"]["ArnLike"]["aws:PrincipalArn"]
            assert roles
            assert all(role.startswith(account.removesuffix("root") + "role/") for role in roles)
        else:
            # KMS takes a role and no account as a grantee: a number grants nobody.
            assert re.fullmatch(r"arn:aws:iam::\d{12}:role/.+", account)


@pytest.mark.parametrize("admit", ["by_purpose", "both_roles"])
def test_every_action_is_listed_and_none_changes_anything_but_a_promotion(admit: str) -> None:
    actions = {action for each in every_statement(admit=admit) for action in each["Action"]}

    assert actions == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "kms:Decrypt",
        "s3:GetObject",
        "s3:ListBucket",
        "sagemaker:CreateModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
        "sagemaker:UpdateModelPackage",
    }


def test_listing_is_on_the_bucket_and_getting_on_its_objects() -> None:
    """The sample gives all actions on the objects, where listing has no effect."""
    assert statement("bucket", "models", "ProductionGet") == {
        "Sid": "ProductionGet",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PRODUCTION}:root"},
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::models/churn/*", "arn:aws:s3:::models/fraud/*"],
        "Condition": {"ArnLike": {"aws:PrincipalArn": [MODELS_OF_PRODUCTION]}},
    }
    assert statement("bucket", "models", "ProductionList") == {
        "Sid": "ProductionList",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PRODUCTION}:root"},
        "Action": ["s3:ListBucket"],
        "Resource": ["arn:aws:s3:::models"],
        "Condition": {
            "ArnLike": {"aws:PrincipalArn": [DEPLOYER_OF_PRODUCTION, MODELS_OF_PRODUCTION]},
            "StringLike": {"s3:prefix": ["churn/*", "fraud/*"]},
        },
    }


def test_a_stage_gets_the_prefixes_of_its_own_groups_only() -> None:
    assert statement("bucket", "models", "StagingGet")["Resource"] == ["arn:aws:s3:::models/churn/*"]
    assert {each["Sid"] for each in granted()[PolicyTarget("bucket", "more-models")]} == {
        "ProductionGet",
        "ProductionList",
    }


def test_images_may_be_pulled_and_no_more() -> None:
    assert statement("repository", "team/churn", "StagingPull") == {
        "Sid": "StagingPull",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Condition": {"ArnLike": {"aws:PrincipalArn": [MODELS]}},
    }


def test_a_key_decrypts_artifacts_through_s3_and_nothing_else() -> None:
    """Versions are read without their encrypted parts."""
    [found] = [each for each in granted()[PolicyTarget("key", KEY)] if each["Sid"].startswith("Staging")]
    assert found == {
        "Sid": "StagingArtifacts",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": ["kms:Decrypt"],
        "Resource": ["*"],
        "Condition": {
            "ArnLike": {"aws:PrincipalArn": [MODELS]},
            "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
        },
    }


def test_an_owner_who_grants_a_key_gets_a_grant_for_each_role_that_fetches_objects() -> None:
    def granted_to(**registry: Any) -> list[str]:
        grants = granted(**registry)[PolicyTarget("key-grants", OTHER_KEY)]
        return [each["Principal"]["AWS"] for each in grants]

    assert granted_to() == [MODELS, MODELS_OF_PRODUCTION]
    assert granted_to(admit="both_roles") == [
        MODELS,
        DEPLOYER,
        MODELS_OF_PRODUCTION,
        f"arn:aws:iam::{PRODUCTION}:role/Greenlight-production-eu-central-1-deployer",
    ]
    samples = replace(stages()["staging"], reads_samples=True)
    assert DEPLOYER in {
        each["Principal"]["AWS"] for target, each in statements_of(samples) if target.kind == "key-grants"
    }


def test_another_revision_has_every_grant_made_anew_and_changes_no_statement() -> None:
    """A grant stays with the role that it was made for, and not with one of the same name."""
    before, after = granted(), granted(revision=2)

    assert [each["Sid"] for each in after[PolicyTarget("key-grants", OTHER_KEY)]] == [
        f"{each['Sid']}R2" for each in before[PolicyTarget("key-grants", OTHER_KEY)]
    ]
    assert {**after, PolicyTarget("key-grants", OTHER_KEY): []} == {
        **before,
        PolicyTarget("key-grants", OTHER_KEY): [],
    }


@pytest.mark.parametrize("switches", [{}, {"admit": "both_roles", "revision": 3}])
def test_the_editor_admits_every_statement_that_a_stage_asks_for(switches: dict[str, Any]) -> None:
    accounts = {STAGING, PRODUCTION}

    for target, statements in granted(**switches).items():
        asked = [signed(each, "Owner") for each in statements]
        admission.check(cast("Any", target.kind), asked, "Owner", accounts)
        for account in accounts:
            with pytest.raises(admission.InadmissibleStatementError, match="of a stage's account"):
                admission.check(cast("Any", target.kind), asked, "Owner", accounts - {account, PRODUCTION})


def test_a_key_whose_owner_lets_stages_in_is_left_alone() -> None:
    groups = example_context()["registry"]["groups"]
    groups["Churn-Models"]["keys"] = [{"arn": KEY, "by": "owner"}]

    assert not [target for target in granted(groups=groups) if target.kind.startswith("key")]
    assert stages(groups=groups)["staging"].keys == [KEY]


def test_a_bucket_whose_owner_lets_stages_in_is_left_alone_and_read_all_the_same() -> None:
    groups = example_context()["registry"]["groups"]
    groups["Churn-Models"]["artifacts"] = [{"prefix": "s3://models/churn/", "by": "owner"}]

    edited = granted(groups=groups)
    production = stages(groups=groups)["production"]
    by_hand = {target: each for target, each in statements_for_owners(production) if "Get" in each["Sid"]}

    [get] = [each for each in edited[PolicyTarget("bucket", "models")] if each["Sid"] == "ProductionGet"]
    assert get["Resource"] == ["arn:aws:s3:::models/fraud/*"]
    assert not [each for each in edited[PolicyTarget("bucket", "models")] if "Staging" in each["Sid"]]
    assert by_hand[PolicyTarget("bucket", "models")]["Resource"] == ["arn:aws:s3:::models/churn/*"]
    assert [each.prefix for each in production.artifacts] == ["churn/", "fraud/", ""]


def test_versions_are_read_and_deployed_by_the_deployer() -> None:
    versions = [f"{REGISTRY_ARN}:model-package/{name}/*" for name in ("Churn-Models", "churn-models")]

    assert statement("group", "Churn-Models", "StagingVersions") == {
        "Sid": "StagingVersions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": [
            "sagemaker:CreateModel",
            "sagemaker:DescribeModelPackage",
            "sagemaker:ListModelPackages",
        ],
        "Resource": versions,
        "Condition": {"ArnLike": {"aws:PrincipalArn": [DEPLOYER]}},
    }


def test_the_group_itself_is_for_operators_only() -> None:
    """A deployer's own policies have no use for it."""
    found = {each["Sid"]: each for each in granted()[PolicyTarget("group", "Churn-Models")]}
    group = found["ProductionGroup"]

    assert "StagingGroup" not in found
    assert group["Action"] == ["sagemaker:DescribeModelPackageGroup"]
    assert group["Resource"] == [
        f"{REGISTRY_ARN}:model-package-group/{name}" for name in ("Churn-Models", "churn-models")
    ]
    assert group["Condition"] == {"ArnLike": {"aws:PrincipalArn": [OPERATOR]}}


def test_operators_may_look_and_not_deploy() -> None:
    allowed = {
        each["Sid"]
        for each in granted()[PolicyTarget("group", "fraud")]
        if OPERATOR in each["Condition"]["ArnLike"]["aws:PrincipalArn"]
    }

    assert allowed == {"ProductionGroup", "ProductionVersions"}
    looking, deploying = (
        statement("group", "fraud", sid)["Action"] for sid in ("ProductionVersions", "ProductionDeploy")
    )
    assert looking == ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
    assert deploying == ["sagemaker:CreateModel"]


def test_every_stage_may_stamp_versions_one_that_promotes_may_promote_and_none_may_approve() -> None:
    updating = [each for each in every_statement() if "sagemaker:UpdateModelPackage" in each["Action"]]

    assert sorted(each["Sid"] for each in updating) == [*["ProductionWrite"] * 2, "StagingWrite"]
    promoting, stamping = (
        statement("group", group, sid)["Condition"]
        for group, sid in (("Churn-Models", "StagingWrite"), ("fraud", "ProductionWrite"))
    )
    assert promoting == {
        "ArnLike": {"aws:PrincipalArn": [DEPLOYER]},
        "StringEqualsIfExists": {
            "sagemaker:ModelLifeCycle:stage": "Production",
            "sagemaker:ModelLifeCycle:stageStatus": "PendingApproval",
        },
        "Null": UNTOUCHED,
    }
    assert stamping == {
        "ArnLike": {
            "aws:PrincipalArn": [DEPLOYER.replace(STAGING, PRODUCTION).replace("staging", "production")]
        },
        "Null": {**UNTOUCHED, "sagemaker:ModelLifeCycle:stage": "true"},
    }


def test_seven_stages_that_promote_one_group_fit_into_its_policy() -> None:
    staging = stages()["staging"]
    several = [
        replace(
            staging,
            names=replace(
                staging.names, stage_name=f"stage-{chr(97 + number)}", account=f"22223333444{number}"
            ),
            others_stamps={
                "Churn-Models": [
                    f"greenlight:stage-{chr(97 + other)}:{kind}"
                    for other in range(7)
                    for kind in ("digest", "promoted")
                    if other != number
                ]
            },
        )
        for number in range(7)
    ]

    [policy] = [each for each in policies(several) if each.target.kind == "group"]

    owner = owner_of("Greenlight", staging.registry)
    text = text_of(
        {"Version": "2012-10-17", "Statement": [signed(each, owner) for each in policy.statements]}
    )
    assert len(policy.statements) == 14
    assert len(text.encode()) < LARGEST_GROUP_POLICY


def test_what_other_stages_decide_by_may_be_written_nowhere_that_they_write_it() -> None:
    stamps = {"Churn-Models": ["greenlight:lab:digest"], "fraud": ["greenlight:other:digest"]}
    staging = replace(stages()["staging"], others_stamps=stamps)

    kept = {"sagemaker:CustomerMetadataProperties/greenlight:lab:digest": "true"}
    assert staging.write_conditions(["Churn-Models"])["Null"] == {**UNTOUCHED, **kept}
    # and a role of another account has room for less: the group's policy says the rest
    assert staging.role_write_conditions()["Null"] == UNTOUCHED
    at_home = replace(stages()["lab"], others_stamps=stamps)
    assert "greenlight:other:digest" in json.dumps(at_home.role_write_conditions())


def test_roles_that_endpoints_bring_for_their_models_are_let_in_as_the_stages_is() -> None:
    own = f"arn:aws:iam::{STAGING}:role/fraud-models"
    staging = replace(stages()["staging"], model_roles=(own,))

    admitted = {
        each["Sid"]: each["Condition"]["ArnLike"]["aws:PrincipalArn"]
        for target, each in statements_of(staging)
        if target.kind != "key-grants"
    }
    grants = {
        each["Sid"]: each["Principal"]["AWS"] for _, each in statements_of(staging) if "Models" in each["Sid"]
    }

    assert {sid for sid, roles in admitted.items() if own in roles} == {
        "StagingGet",
        "StagingList",
        "StagingPull",
        "StagingArtifacts",
    }
    assert grants == {"StagingModels": MODELS, "StagingModels1": own}


def test_a_deployer_that_tries_versions_with_their_samples_may_fetch_objects_and_no_images() -> None:
    staging = replace(stages()["staging"], reads_samples=True)

    admitted = {
        each["Sid"]
        for target, each in statements_of(staging)
        if target.kind in {"bucket", "repository", "key"}
        and DEPLOYER in each["Condition"]["ArnLike"]["aws:PrincipalArn"]
    }

    assert admitted == {"StagingGet", "StagingList", "StagingArtifacts"}


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("both", ["Churn-Models", "churn-models"]),
        ("as_named", ["Churn-Models"]),
        ("lower_case", ["churn-models"]),
    ],
)
def test_names_in_arns_are_spelled_as_the_switch_says(setting: str, names: list[str]) -> None:
    found = statement("group", "Churn-Models", "StagingVersions", resource_names=setting)

    assert found["Resource"] == [f"{REGISTRY_ARN}:model-package/{name}/*" for name in names]
    assert spellings("fraud", setting) == ["fraud"]


def test_who_is_let_in_where_is_a_switch() -> None:
    both = sorted([DEPLOYER, MODELS])

    for kind, name, sid in (
        ("group", "Churn-Models", "StagingVersions"),
        ("bucket", "models", "StagingGet"),
        ("repository", "team/churn", "StagingPull"),
        ("key", KEY, "StagingArtifacts"),
    ):
        condition = statement(kind, name, sid, admit="both_roles")["Condition"]
        assert condition["ArnLike"]["aws:PrincipalArn"] == both
        alone = statement(kind, name, sid)["Condition"]["ArnLike"]["aws:PrincipalArn"]
        assert alone in ([DEPLOYER], [MODELS])


def test_the_models_role_may_never_promote() -> None:
    found = statement("group", "Churn-Models", "StagingWrite", admit="both_roles")

    assert found["Condition"]["ArnLike"]["aws:PrincipalArn"] == [DEPLOYER]


def test_sids_are_unique_in_a_policy_letters_and_digits_and_signed_by_their_owner() -> None:
    for statements in granted().values():
        sids = [each["Sid"] for each in statements]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
    assert signed({"Sid": "A"}, "Owner") == {"Sid": "OwnerA"}


def test_owners_are_told_apart_and_none_begins_as_another() -> None:
    registry = stages()["staging"].registry
    moved = registry.model_copy(update={"region": "eu-west-1"})
    owners = {
        owner_of("Greenlight", registry),
        owner_of("Greenlight-Test", registry),
        owner_of("Greenlight", moved),
    }

    assert len(owners) == 3
    assert {len(owner) for owner in owners} == {20}


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("xx-newer-1", "aws", "amazonaws.com"),
    ],
)
def test_arns_and_services_are_of_the_regions_partition(region: str, partition: str, suffix: str) -> None:
    registry = stages()["staging"].registry.model_copy(update={"region": region})
    stage = stages()["staging"]
    names = StageNames.of("Greenlight", "staging", stage.stage, registry)
    access = StageAccess(names, registry, stage.stage, stage.groups)

    assert (partition_of(region), url_suffix_of(region)) == (partition, suffix)
    for target, each in statements_of(access):
        if target.kind not in {"key", "key-grants"}:
            assert all(arn.startswith(f"arn:{partition}:") for arn in each.get("Resource", []))
        assert json.dumps(each["Principal"]).startswith(f'{{"AWS": "arn:{partition}:iam')
        via = each.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
        assert via is None or via.endswith(f".{region}.{suffix}")


@pytest.mark.parametrize(
    ("place", "partition"),
    [
        ("cn-north-1.amazonaws.com.cn", "aws-cn"),
        ("us-iso-east-1.c2s.ic.gov", "aws-iso"),
        ("eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-e"),
    ],
)
def test_a_repository_is_read_from_an_image(place: str, partition: str) -> None:
    repository = Repository.of(f"{REGISTRY}.dkr.ecr.{place}/team/churn")

    region = place.partition(".")[0]
    assert repository.arn == f"arn:{partition}:ecr:{region}:{REGISTRY}:repository/team/churn"
