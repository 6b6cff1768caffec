"""Stacks beyond a quota are reported at synth; estimates are on the safe side of the synthesised stacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.configuration.app_context import PLACE, read_configuration
from infra.permissions.registry_reading import of_deployer, of_models
from infra.stages.access import StageAccess
from infra.stages.quotas import LARGEST_POLICIES, MOST_RESOURCES, check_registry_room, template
from infra.stages.stage_names import StageNames
from registry_access import targets
from tests.infra.stages.conftest import synthesise_accounts
from tests.infra.stages.example import REGION, REGISTRY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.configuration.registry_and_stages import Registry
    from infra.settings.problem import Problem
    from tests.infra.stages.conftest import Accounts

A_KEY = f"arn:aws:kms:{REGION}:{REGISTRY}:key/1234abcd-12ab-34cd-56ef-"


def context(groups: int, stages: int, **of_group: Any) -> dict[str, Any]:
    """An account with many groups, each with its own bucket, repository and key, and many stages."""
    kinds = ("key_policy", "grant")
    return {
        "registry": {
            "account": REGISTRY,
            "region": REGION,
            "groups": {
                f"Group-{number}": {
                    "artifacts": [f"s3://models-of-group-{number}/artifacts/"],
                    "images": [f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/group-{number}"],
                    "keys": [{"arn": f"{A_KEY}{number:012}", "by": kinds[number % 2]}],
                    **of_group,
                }
                for number in range(groups)
            },
        },
        "stages": {
            f"stage-{chr(ord('a') + number)}": {"account": f"{222200000000 + number}", "endpoints": "all"}
            for number in range(stages)
        },
    }


def accesses(given: Mapping[str, Any]) -> tuple[list[StageAccess], Registry]:
    """Every stage's access, to every group."""
    configuration, problems = read_configuration(given)
    assert problems == []
    registry = configuration.registry
    assert registry is not None
    return [
        StageAccess(
            StageNames.of("Greenlight", name, stage, registry),
            registry,
            stage,
            tuple(sorted(registry.groups)),
        )
        for name, stage in configuration.stages.items()
    ], registry


def refused(given: Mapping[str, Any]) -> list[Problem]:
    found, registry = accesses(given)
    return list(check_registry_room(found, registry, PLACE))


def promoting(given: dict[str, Any]) -> dict[str, Any]:
    for stage in given["stages"].values():
        stage["promotion"] = {"stage": "Production", "stage_status": "PendingApproval"}
    given["stages"]["production"] = {
        "account": "333344445555",
        "endpoints": "all",
        "gate": {"stage": "Production", "stage_status": "Approved"},
    }
    return given


def test_policies_are_as_large_as_their_editor_takes_them() -> None:
    assert LARGEST_POLICIES == {
        "bucket": targets.LARGEST_BUCKET_POLICY,
        "group": targets.LARGEST_GROUP_POLICY,
        "key": targets.LARGEST_KEY_POLICY,
        "repository": targets.LARGEST_REPOSITORY_POLICY,
    }


@pytest.mark.parametrize(
    ("resource_names", "fix"),
    [
        ("both", "take it out of some stages' endpoints; or set registry.resource_names to one spelling"),
        ("lower_case", "take it out of some stages' endpoints"),
    ],
)
def test_a_group_whose_policy_the_stages_alone_would_fill_is_refused(resource_names: str, fix: str) -> None:
    enough, too_many = promoting(context(1, 3)), promoting(context(1, 24))
    for each in (enough, too_many):
        each["registry"]["resource_names"] = resource_names

    [problem] = refused(too_many)

    assert problem.field == "registry.groups"
    assert "of Greenlight's for the policy of the group Group-0" in problem.got
    assert "20,480" in problem.expected
    assert problem.fix.startswith(fix)
    assert ("resource_names" in problem.fix) is (resource_names == "both")
    assert refused(enough) == []


@pytest.mark.parametrize(
    ("kind", "of_group", "fix"),
    [
        ("bucket", {"artifacts": [f"s3://models/{'x' * 100}-{n}/" for n in range(60)]}, "name a prefix"),
        ("repository", {}, "let fewer stages use it"),
    ],
)
def test_other_policies_that_the_stages_alone_would_fill_are_refused_as_well(
    kind: str, of_group: dict[str, Any], fix: str
) -> None:
    given = context(1, 26, **of_group)
    for number in range(26, 52):
        given["stages"][f"other-{chr(ord('a') + number - 26)}"] = {
            "account": f"{222200000000 + number}",
            "endpoints": "all",
        }

    [problem] = [each for each in refused(given) if f"of the {kind} " in each.got]

    assert fix in problem.fix


def test_a_keys_policy_that_is_too_small_has_grants_beside_it() -> None:
    key = f"arn:aws:kms:{REGION}:{REGISTRY}:key/1"
    given = context(1, 26, keys=[{"arn": key}])
    given["registry"]["admit"] = "both_roles"
    for stage in given["stages"].values():
        stage["execution_role_arn"] = f"arn:aws:iam::{stage['account']}:role/{'a' * 512}/{'x' * 700}"

    [problem] = [each for each in refused(given) if "of the key " in each.got]

    assert '"by": "grant"' in problem.fix


def test_more_than_a_template_holds_is_refused() -> None:
    [problem] = refused(context(45, 6))

    assert problem.field == "registry.groups"
    assert "resources and" in problem.got
    assert "1,000,000" in problem.expected
    assert problem.fix == "make two apps, each with some of the groups"
    assert refused(context(20, 6)) == []


def test_more_resources_than_a_stack_holds_are_refused() -> None:
    given = context(109, 20, images=[f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/all"], keys=[])
    given["registry"]["resource_names"] = "lower_case"

    assert any(f"at most {MOST_RESOURCES} and" in each.expected for each in refused(given))


def many() -> dict[str, Any]:
    """More groups than one policy of a role holds, and a promoting stage in the registry's own account."""
    given = promoting(context(26, 3))
    given["registry"]["admit"] = "both_roles"
    given["stages"]["production"] |= {
        "account": REGISTRY,
        "promotion": {"stage": "Archive", "stage_status": "PendingApproval"},
    }
    given["stages"]["archive"] = {
        "account": "444455556666",
        "endpoints": "all",
        "gate": {"stage": "Archive", "stage_status": "Approved"},
    }
    return given


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    given = many()

    def write(directory: Path) -> Path:
        (directory / "all").mkdir(parents=True)
        for group in given["registry"]["groups"]:
            settings = f"model_package_group: {group}\ninstance_type: ml.m5.large\n"
            (directory / "all" / f"{group}.yaml").write_text(settings)
        return directory

    return synthesise_accounts(tmp_path_factory.mktemp("many"), given, write)


def test_the_estimate_of_the_registrys_stack_is_near_and_on_the_safe_side(synthesised: Accounts) -> None:
    resources, size = template([access for access in accesses(many())[0] if not access.at_home])
    file = synthesised.directory / "Greenlight-Registry.template.json"
    written = json.loads(file.read_text())["Resources"]

    assert len(written) <= resources <= len(written) + 10
    assert file.stat().st_size <= size <= 1.3 * file.stat().st_size


def test_a_role_of_many_groups_is_held_to_the_registrys_by_the_same_words(synthesised: Accounts) -> None:
    """Nothing is lost in dividing: every version, object, repository and key is in some statement."""
    production = next(each for each in accesses(many())[0] if each.at_home)

    for role, allowances in (
        ("DeployerRole", of_deployer(production)),
        ("ModelExecutionRole", of_models(production)),
    ):
        policies = [
            each
            for kind in ("Policy", "ManagedPolicy")
            for name, each in synthesised.of_type("Greenlight-production", f"AWS::IAM::{kind}").items()
            if name.startswith(role)
        ]
        granted = {
            (action, resource)
            for each in policies
            for statement in each["Properties"]["PolicyDocument"]["Statement"]
            for action in listed(statement["Action"])
            for resource in map(json.dumps, listed(statement["Resource"]))
        }
        assert len(policies) > 1
        assert granted >= {
            (action, json.dumps(resource))
            for each in allowances
            for action in each.actions
            for resource in each.resources
        }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
