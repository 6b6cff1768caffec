"""Owns what is wrong with the endpoints that stages carry, taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from infra.configuration.promotion_order import APPROVED
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.reading.files import Found
    from infra.stages.carried_stage import CarriedStage


def _shown(path: Path, directory: Path) -> str:
    return f"{directory.as_posix()}/{path.relative_to(directory).as_posix()}"


def roles_elsewhere(endpoints: Sequence[EndpointSpec], stage: Stage) -> Iterator[Problem]:
    """Find roles that endpoints bring for their models, of another account than the stage's."""
    for spec in endpoints:
        role = spec.compiled["CreateModel"].get("ExecutionRoleArn")
        if isinstance(role, str) and role.startswith("arn:") and role.split(":")[4] != stage.account:
            expected = f"a role of the stage's account {stage.account}: SageMaker takes no other's"
            fix = "name a role of that account; stages in several accounts need a file each"
            yield Problem(spec.file, 0, "execution_role_arn", role, expected, fix)


def ungranted_groups(endpoints: Sequence[EndpointSpec], registry: Registry, place: str) -> Iterator[Problem]:
    """Find groups of which nobody said what their versions need."""
    known: Mapping[str, Any] = registry.groups
    for spec in endpoints:
        group = spec.model_package_group.rpartition("/")[2]
        if group not in known:
            got = f"no {group}, which {spec.file} follows"
            expected = "every group that stages use, with the artifacts and images of its versions"
            yield Problem(place, 0, "registry.groups", got, expected, f"add {group}, or correct the file")


def carrying(stages: Sequence[CarriedStage]) -> dict[str, list[str]]:
    """Say, by group, which stages have endpoints of it."""
    carrying: dict[str, list[str]] = {}
    for stage in stages:
        for group in stage.access.groups:
            carrying.setdefault(group, []).append(stage.names.stage_name)
    return carrying


def approved_by_nobody(stages: Sequence[CarriedStage], place: str) -> Iterator[Problem]:
    """Find automatic promotions to endpoints that ask whose approval it is: a stage is no approver."""
    for stage in stages:
        promotion = stage.access.stage.promotion
        if promotion is None or promotion.stage_status != APPROVED:
            continue
        for other in stages:
            gate = other.access.stage.gate
            asking = [
                spec.endpoint_name
                for spec in other.endpoints
                if _takes_only_approvers(spec)
                and spec.model_package_group.rpartition("/")[2] in stage.access.groups
            ]
            if gate is not None and gate.stage == promotion.stage and asking:
                got = f"{APPROVED}, while {', '.join(asking)} there asks for approvers or four_eyes"
                expected = f"a person who approves for stage {other.names.stage_name}: a stage is no approver"
                fix = "write PendingApproval, or take approvers and four_eyes out of those endpoints"
                field = f"stages.{stage.names.stage_name}.promotion.stage_status"
                yield Problem(place, 0, field, got, expected, fix)


def _takes_only_approvers(spec: EndpointSpec) -> bool:
    """Tell whether only certain people's approvals put a version on an endpoint, or into its shadow."""
    return SettingsKey.APPROVAL_POLICY in spec.compiled and spec.compiled.get(SettingsKey.SHADOW) != {}


def uncarried_files(directory: Path, carried: set[Path], below: Found) -> Iterator[Problem]:
    """Find files that no stage carries."""
    for path in below.settings:
        if path not in carried:
            yield Problem(
                _shown(path, directory),
                0,
                "the file",
                "an endpoint that no stage carries",
                "every file in a stage: a file that is forgotten is an endpoint that is never updated",
                "add it to a stage's endpoints, or move it elsewhere",
            )


def endpoints_twice(stages: Sequence[CarriedStage], place: str) -> Iterator[Problem]:
    """Find endpoints of one name in one account: SageMaker's differ by more than letter case."""
    claims: dict[tuple[str, str], tuple[str, str]] = {}
    for stage in stages:
        for spec in stage.endpoints:
            key = stage.names.account, spec.endpoint_name.lower()
            here = stage.names.stage_name, spec.file
            first = claims.setdefault(key, here)
            if first != here:
                got = f"{spec.endpoint_name} of {spec.file}, which {first[1]} in stage {first[0]} is too"
                expected = f"one endpoint of a name in account {stage.names.account}"
                fix = "give one of them another endpoint_name"
                yield Problem(place, 0, f"stages.{here[0]}.endpoints", got, expected, fix)
