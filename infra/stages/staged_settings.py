"""Owns what a stage adds to the compiled settings of its endpoints.

Added are, in the deployer's words: `StageName`, `Gate` (absent: ModelApprovalStatus Approved is enough),
`Promotion` (absent: none); the group's ARN in place of its name where the registry is in another account;
and, wherever approvers are named, `Deployers`, who are none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from infra.configuration.partitions import partition_of
from infra.configuration.registry_and_stages import DEFAULT_SOAK_SECONDS
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.settings.endpoint_spec import EndpointSpec


def staged_settings(
    endpoints: Sequence[EndpointSpec],
    name: str,
    stage: Stage,
    registry: Registry,
    later: Mapping[str, Sequence[str]],
    deployers: Sequence[str],
) -> tuple[list[EndpointSpec], list[Problem]]:
    """Make a stage's settings of the compiled ones, and find groups that are not the registry's."""
    specs: list[EndpointSpec] = []
    problems: list[Problem] = []
    for spec in endpoints:
        group = group_for(spec.model_package_group, stage, registry)
        if group is None:
            expected = f"a group of the registry account {registry.account}, by its name"
            fix = "name the group alone, or correct the context key registry"
            problems.append(
                Problem(spec.file, 0, "model_package_group", repr(spec.model_package_group), expected, fix)
            )
            continue
        of_this_stage = of_stage(name, stage, later)
        compiled = {
            **spec.compiled,
            **_without_deployers(spec.compiled, deployers),
            **of_this_stage,
            "ModelPackageGroupName": group,
        }
        specs.append(replace(spec, model_package_group=group, compiled=compiled))
    return specs, problems


def _without_deployers(compiled: Mapping[str, Any], deployers: Sequence[str]) -> dict[str, Any]:
    """Say who is no approver, wherever settings say whose approvals count.

    Stages write to the registry as well, and whoever changed a version last may pass for who approved it.
    """
    return {
        key: {**compiled[key], SettingsKey.DEPLOYERS: list(deployers)}
        for key in (SettingsKey.APPROVAL_POLICY, SettingsKey.SHADOW)
        if compiled.get(key)
    }


def of_stage(name: str, stage: Stage, later: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Say what a stage means for its endpoints, as the deployer reads it from their settings.

    Args:
        name: The stage's.
        stage: What its context says.
        later: By ModelLifeCycle Stage, which others come after it. A version that went on to one of them has
            passed the gates before it.
    """
    added: dict[str, Any] = {SettingsKey.STAGE_NAME: name}
    if stage.gate is not None:
        added[SettingsKey.GATE] = {
            "Stage": stage.gate.stage,
            "StageStatus": stage.gate.stage_status,
            **_later(stage.gate.stage, later),
        }
    if stage.promotion is not None:
        soak = DEFAULT_SOAK_SECONDS if stage.soak_seconds is None else stage.soak_seconds
        added[SettingsKey.PROMOTION] = {
            SettingsKey.SOAK_SECONDS: soak,
            "Stage": stage.promotion.stage,
            "StageStatus": stage.promotion.stage_status,
            **_later(stage.promotion.stage, later),
        }
    return added


def _later(life_cycle_stage: str, later: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {SettingsKey.LATER_STAGES: [*later[life_cycle_stage]]} if later[life_cycle_stage] else {}


def group_for(given: str, stage: Stage, registry: Registry) -> str | None:
    """Name a group as the stage's deployer must; None if it is no group of the registry's."""
    arn = f"arn:{partition_of(registry.region)}:sagemaker:{registry.region}:{registry.account}:"
    name = given
    if given.startswith("arn:"):
        if not given.startswith(f"{arn}model-package-group/"):
            return None
        name = given.rpartition("/")[2]
    return name if stage.account == registry.account else f"{arn}model-package-group/{name}"
