from __future__ import annotations

import json
from typing import Any

import pytest

from infra.configuration.app_context import read_configuration
from tests.infra.stages.example import PRODUCTION, REGISTRY, STAGING, example_context


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with one value changed; `...` removes it."""
    context: dict[str, Any] = example_context()
    *outer, last = path.split("/")
    holder: Any = context
    for part in outer:
        holder = holder[part]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return context


def test_the_example_is_right_and_its_defaults_are_the_safe_ones() -> None:
    configuration, problems = read_configuration(example_context())

    assert problems == []
    assert configuration.registry is not None
    assert (configuration.registry.account, configuration.registry.region) == (REGISTRY, "eu-central-1")
    assert configuration.registry.resource_names == "both"
    assert configuration.registry.admit == "by_purpose"
    assert [stage.account for stage in configuration.stages.values()] == [STAGING, PRODUCTION, REGISTRY]
    assert configuration.stages["staging"].gate is None


def test_the_command_line_gives_them_as_json() -> None:
    context = {key: json.dumps(value) for key, value in example_context().items()}

    assert read_configuration(context) == read_configuration(example_context())


REFUSED: dict[str, tuple[str, Any, str, str, str]] = {
    "an account that is a number": (
        "registry/account",
        111122223333,
        "registry.account",
        "12 digits",
        "write",
    ),
    "an account of eleven digits": (
        "registry/account",
        "11112222333",
        "registry.account",
        "12 digits",
        "correct",
    ),
    "no region": ("registry/region", ..., "registry.region", "an AWS region", "add region"),
    "a region in words": ("registry/region", "Frankfurt", "registry.region", "eu-central-1", "correct"),
    "a misspelt key": ("registry/regoin", "x", "registry.regoin", "one of account", "did you mean region?"),
    "an unheard-of key": ("registry/zzz", "x", "registry.zzz", "one of account", "remove it"),
    "no organisation": ("registry/organization", "mine", "registry.organization", "o-a1b2c3d4e5", "correct"),
    "a spelling that is none": (
        "registry/resource_names",
        "upper",
        "registry.resource_names",
        "",
        "choose one",
    ),
    "a list of groups": ("registry/groups", ["fraud"], "registry.groups", "by the name", "docs/accounts.md"),
    "a group that cannot be one": (
        "registry/groups/a_b",
        {"artifacts": ["s3://models/"], "images": example_context()["registry"]["groups"]["fraud"]["images"]},
        "registry.groups.a_b",
        "the name of a model package group",
        "name it as it is",
    ),
    "a prefix without a slash": (
        "registry/groups/fraud/artifacts",
        ["s3://models/fraud"],
        "registry.groups.fraud.artifacts[0].prefix",
        "ends in a slash",
        "correct",
    ),
    "a prefix with a wildcard": (
        "registry/groups/fraud/artifacts",
        ["s3://models/*/"],
        "registry.groups.fraud.artifacts[0].prefix",
        "ends in a slash",
        "correct",
    ),
    "a prefix with a policy variable": (
        "registry/groups/fraud/artifacts",
        ["s3://models/${aws:username}/"],
        "registry.groups.fraud.artifacts[0].prefix",
        "ends in a slash",
        "correct",
    ),
    "a way to let stages in to artifacts that there is not": (
        "registry/groups/fraud/artifacts",
        [{"prefix": "s3://models/fraud/", "by": "grant"}],
        "registry.groups.fraud.artifacts[0].by",
        "how stages are let in: bucket_policy (statements in the bucket's policy), or owner",
        "choose one of 'bucket_policy' or 'owner'",
    ),
    "no artifacts": (
        "registry/groups/fraud/artifacts",
        [],
        "registry.groups.fraud.artifacts",
        "S3",
        "correct",
    ),
    "an image with a tag": (
        "registry/groups/fraud/images",
        [f"{REGISTRY}.dkr.ecr.eu-central-1.amazonaws.com/churn:1"],
        "registry.groups.fraud.images[0]",
        "without a tag",
        "correct",
    ),
    "an image of another region, whose namesake in the registry's would be opened": (
        "registry/groups/fraud/images",
        [f"{REGISTRY}.dkr.ecr.us-east-1.amazonaws.com/team/churn"],
        "registry.groups.fraud.images[0]",
        "<account>.dkr.ecr.eu-central-1.amazonaws.com/…",
        "name it in eu-central-1",
    ),
    "AWS's image of another region": (
        "registry/groups/fraud/images",
        ["763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference"],
        "registry.groups.fraud.images[0]",
        "its own region",
        "AWS's images are in each region",
    ),
    "an image under a domain that is none": (
        "registry/groups/fraud/images",
        [f"{REGISTRY}.dkr.ecr.eu-central-1.amazonaws.com.cn/churn"],
        "registry.groups.fraud.images[0]",
        "eu-central-1.amazonaws.com/…",
        "name it",
    ),
    "a key of another region": (
        "registry/groups/fraud/keys",
        [{"arn": f"arn:aws:kms:eu-west-1:{REGISTRY}:key/mrk-1234", "by": "owner"}],
        "registry.groups.fraud.keys[0].arn",
        "a key of eu-central-1",
        "encrypted with in eu-central-1",
    ),
    "a key of another partition": (
        "registry/groups/fraud/keys",
        [{"arn": f"arn:aws-cn:kms:eu-central-1:{REGISTRY}:key/1234"}],
        "registry.groups.fraud.keys[0].arn",
        "a key of eu-central-1",
        "encrypted with",
    ),
    "another account's key, whose policy the registry's account cannot change": (
        "registry/groups/fraud/keys",
        [{"arn": f"arn:aws:kms:eu-central-1:{PRODUCTION}:key/1234"}],
        "registry.groups.fraud.keys[0].by",
        f"account {PRODUCTION}",
        '"by": "owner"',
    ),
    "a grant of another account's key": (
        "registry/groups/fraud/keys",
        [{"arn": f"arn:aws:kms:eu-central-1:{PRODUCTION}:key/1234", "by": "grant"}],
        "registry.groups.fraud.keys[0].by",
        f"account {PRODUCTION}",
        '"by": "owner"',
    ),
    "an alias of a key": (
        "registry/groups/fraud/keys",
        [{"arn": f"arn:aws:kms:eu-central-1:{REGISTRY}:alias/models"}],
        "registry.groups.fraud.keys[0].arn",
        "no alias",
        "correct",
    ),
    "a stage with capitals": ("stages/Lab", {}, "stages.Lab", "a stage's name", "rename it"),
    "a stage of the registry's name": (
        "stages/registry",
        example_context()["stages"]["lab"],
        "stages.registry",
        "another name",
        "rename it",
    ),
    "a group in two letter cases": (
        "registry/groups/FRAUD",
        example_context()["registry"]["groups"]["fraud"],
        "registry.groups.FRAUD",
        "letter case",
        "remove it, or fraud",
    ),
    "a stage that is no mapping": ("stages/lab", "x", "stages.lab", "a mapping", "docs/accounts.md"),
    "no endpoints": ("stages/lab/endpoints", ..., "stages.lab.endpoints", "a folder", "add endpoints"),
    "a folder outside": (
        "stages/lab/endpoints",
        "../other",
        "stages.lab.endpoints",
        "a folder below",
        "correct",
    ),
    "an empty list": ("stages/lab/endpoints", [], "stages.lab.endpoints", "a folder below", "correct"),
    "a gate without a status": (
        "stages/lab/gate",
        {"stage": "Lab"},
        "stages.lab.gate.stage_status",
        "",
        "add",
    ),
    "a gate's stage of 64 letters": (
        "stages/production/gate/stage",
        "a" * 64,
        "stages.production.gate.stage",
        "at most 63",
        "correct",
    ),
    "a promotion to what is neither": (
        "stages/staging/promotion/stage_status",
        "Maybe",
        "stages.staging.promotion.stage_status",
        "PendingApproval",
        "choose one",
    ),
    "a soak without an end": (
        "stages/staging/soak_seconds",
        31 * 24 * 3600,
        "stages.staging.soak_seconds",
        "at most 30 days",
        "within the range",
    ),
    "a soak before nothing": ("stages/lab/soak_seconds", 5, "stages.lab.soak_seconds", "a promotion", "add"),
    "another region": (
        "stages/lab/region",
        "eu-west-1",
        "stages.lab.region",
        "the registry's",
        "copy models",
    ),
    "another account's role": (
        "stages/staging/execution_role_arn",
        f"arn:aws:iam::{PRODUCTION}:role/models",
        "stages.staging.execution_role_arn",
        f"account {STAGING}",
        "name a role",
    ),
    "another account's operators": (
        "stages/staging/operators",
        [f"arn:aws:iam::{PRODUCTION}:role/Platform"],
        "stages.staging.operators",
        f"account {STAGING}",
        "name a role",
    ),
    "a promotion to nowhere": (
        "stages/staging/promotion/stage",
        "Moon",
        "stages.staging.promotion.stage",
        "another stage's gate",
        "choose one of Production",
    ),
}


@pytest.mark.parametrize(("path", "value", "field", "expected", "fix"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_a_problem_with_what_was_expected_and_its_fix(
    path: str, value: Any, field: str, expected: str, fix: str
) -> None:
    _, problems = read_configuration(changed(path, value))

    [problem] = [each for each in problems if each.field == field]
    assert problem.file == "context (cdk.json, or -c key=value)"
    assert problem.got
    assert expected in problem.expected
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (
            "registry/groups/fraud/keys",
            [{"arn": f"arn:aws:kms:eu-central-1:{PRODUCTION}:key/1", "by": "owner"}],
        ),
        (
            "registry/groups/fraud/images",
            [
                "763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-inference",
                f"{PRODUCTION}.dkr.ecr.eu-central-1.amazonaws.com/team/churn",
            ],
        ),
    ],
)
def test_what_is_in_other_accounts_may_be_used_where_its_owner_opens_it(path: str, value: Any) -> None:
    assert read_configuration(changed(path, value))[1] == []


@pytest.mark.parametrize(
    ("region", "suffix"), [("cn-north-1", "amazonaws.com.cn"), ("us-iso-east-1", "c2s.ic.gov")]
)
def test_images_are_under_the_domain_of_the_registrys_region(region: str, suffix: str) -> None:
    context = changed("registry/region", region)
    context["stages"]["production"]["region"] = region
    groups = context["registry"]["groups"]
    groups["Churn-Models"]["keys"] = []
    for group in groups.values():
        group["images"] = [f"{REGISTRY}.dkr.ecr.{region}.{suffix}/team/churn"]

    assert read_configuration(context)[1] == []


def test_a_promotion_that_leads_back_is_refused_at_each_of_its_stages() -> None:
    context = changed("stages/production/promotion", {"stage": "Staging", "stage_status": "Approved"})
    context["stages"]["staging"]["gate"] = {"stage": "Staging", "stage_status": "Approved"}

    _, problems = read_configuration(context)

    assert [(each.field, each.fix) for each in problems] == [
        ("stages.staging.promotion", "take one of them out"),
        ("stages.production.promotion", "take one of them out"),
    ]


def test_a_promotion_has_somewhere_to_go_only_if_a_stage_has_a_gate() -> None:
    _, [problem] = read_configuration(changed("stages/production/gate", ...))

    assert problem.field == "stages.staging.promotion.stage"
    assert problem.fix == "give the next stage a gate"


@pytest.mark.parametrize(("key", "other"), [("registry", "stages"), ("stages", "registry")])
def test_one_without_the_other_is_refused(key: str, other: str) -> None:
    _, [problem] = read_configuration({key: example_context()[key]})

    assert (problem.field, problem.fix) == (other, f"add {other}, or remove {key}")


@pytest.mark.parametrize("value", [{}, "{", "x", 1, []])
@pytest.mark.parametrize("key", ["registry", "stages"])
def test_what_is_no_mapping_is_refused(key: str, value: Any) -> None:
    _, [problem] = read_configuration({**example_context(), key: value})

    assert problem.field == key


@pytest.mark.parametrize(
    ("key", "value"),
    [("execution_role_arn", "arn:aws:iam::111122223333:role/x"), ("model_buckets", "models")],
)
def test_what_cannot_be_the_same_in_every_account_is_refused_beside_stages(key: str, value: str) -> None:
    _, [problem] = read_configuration({**example_context(), key: value})

    assert problem.field == key
    assert "stages.<name>.execution_role_arn" in problem.fix


def test_a_misspelt_key_of_accounts_is_recognised() -> None:
    _, [problem] = read_configuration({"stage": {}})

    assert problem.fix == "did you mean stages?"
