"""Owns which endpoints each stage carries, and what a stage adds to their stored settings.

Collects every problem and raises none. Added are, in the deployer's words: `StageName`, `Gate` (absent:
ModelApprovalStatus Approved is enough), `Promotion` (absent: none); the group's ARN in place of its name
where the registry is in another account; and, wherever approvers are named, `Deployers`, who are none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.configuration.model_roles import check_execution_roles
from infra.configuration.partitions import partition_of
from infra.configuration.promotion_order import APPROVED, contradictions, later_stages, mistakes
from infra.configuration.registry_and_stages import DEFAULT_SOAK_SECONDS
from infra.configuration.settings_sharding import check_room
from infra.settings.catalogue import compile_files
from infra.settings.compiling.compiler import LARGEST_PARAMETER_BYTES, serialised
from infra.settings.endpoint_requirements import EndpointRequirements
from infra.settings.problem import Problem
from infra.settings.reading.files import Found, find_settings
from infra.stages.access import StageAccess
from infra.stages.deciding_metadata import deciding, of_others
from infra.stages.quotas import check_registry_room
from infra.stages.stage_names import StageNames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.configuration.app_context import Configuration
    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.settings.endpoint_spec import EndpointSpec


@dataclass(frozen=True, slots=True)
class CarriedStage:
    """Hold one stage as it is deployed: its configuration, its endpoints, and what it must be let in to."""

    configuration: Configuration
    endpoints: tuple[EndpointSpec, ...]
    access: StageAccess

    @property
    def names(self) -> StageNames:
        """The stage's names."""
        return self.access.names


def load_stages(configuration: Configuration, place: str) -> tuple[list[CarriedStage], list[Problem]]:
    """Read what every stage carries; `place` is how problems name the context.

    Returns the stages, in the order in which they are configured, and every problem; the stages are complete
    only if there is none.
    """
    registry = configuration.registry
    if registry is None:
        return [], []
    directory = Path(configuration.endpoints_dir)
    below = find_settings(directory, directory.as_posix()) if directory.is_dir() else Found()
    problems = list(below.problems)
    stages: list[CarriedStage] = []
    carried: set[Path] = set()
    later = later_stages(configuration.stages)
    deployers = [
        StageNames.of(configuration.stack_name, name, stage, registry).deployer_sessions
        for name, stage in configuration.stages.items()
    ]
    for name, stage in configuration.stages.items():
        names = StageNames.of(configuration.stack_name, name, stage, registry)
        problems += names.problems(place)
        files, missing = _files(directory, name, stage, place, below)
        problems += missing
        carried |= set(files)
        own = replace(
            configuration,
            stack_name=names.stack,
            settings_prefix=f"{configuration.settings_prefix}{name}/",
            execution_role_arn=stage.execution_role_arn,
            settings_stacks=stage.settings_stacks or configuration.settings_stacks,
        )
        endpoints, found = compile_files(
            files, below.defaults, directory, directory.as_posix(), own.stack_name
        )
        problems += found
        problems += check_execution_roles(endpoints, own)
        problems += _roles_elsewhere(endpoints, stage)
        staged, found = _staged(endpoints, name, stage, registry, later, deployers)
        problems += found
        groups = sorted({spec.model_package_group.rpartition("/")[2] for spec in staged})
        problems += _ungranted(staged, registry, place)
        problems += [
            replace(problem, field=f"stages.{name}.{problem.field}") for problem in check_room(staged, own)
        ]
        used = tuple(group for group in groups if group in registry.groups)
        requirements = EndpointRequirements.of(staged)
        access = StageAccess(
            names,
            registry,
            stage,
            used,
            tuple(requirements.execution_roles),
            reads_samples=requirements.sample_payloads,
        )
        stages.append(CarriedStage(own, tuple(staged), access))
    stages = _apart(stages)
    if not any(mistakes(configuration.stages, place)):
        problems += contradictions(configuration.stages, _carrying(stages), place)
        problems += _approved_by_nobody(stages, place)
    problems += _uncarried(directory, carried, below)
    problems += _twice(stages, place)
    accesses = [stage.access for stage in stages]
    problems += check_registry_room(accesses, registry, place)
    return stages, list(dict.fromkeys(problems))


def _apart(stages: Sequence[CarriedStage]) -> list[CarriedStage]:
    """Tell every stage what it must not write, as other stages decide by it."""
    named = {
        stage.names.stage_name: deciding(
            stage.names.stage_name, stage.endpoints, promotes=stage.access.stage.promotion is not None
        )
        for stage in stages
    }
    return [
        replace(stage, access=replace(stage.access, others_stamps=of_others(stage.names.stage_name, named)))
        for stage in stages
    ]


def _files(
    directory: Path, name: str, stage: Stage, place: str, found: Found
) -> tuple[list[Path], list[Problem]]:
    """Find the files that a stage carries, of those that are settings."""
    field = f"stages.{name}.endpoints"
    if isinstance(stage.endpoints, str):
        folder = directory / stage.endpoints
        below = [path for path in found.settings if path.is_relative_to(folder)]
        if not below:
            expected = f"a folder below {directory.as_posix()} with endpoint settings in it"
            got = f"{stage.endpoints!r}, {'an empty folder' if folder.is_dir() else 'no such folder'}"
            return [], [Problem(place, 0, field, got, expected, "add a file there, or name another folder")]
        return below, []
    files: list[Path] = []
    problems: list[Problem] = []
    for item in stage.endpoints:
        present = [path for path in found.settings if path.with_suffix("") == directory / item]
        if not present:
            expected = f"a file below {directory.as_posix()}, without .yaml"
            problems.append(Problem(place, 0, field, f"{item!r}, no such file", expected, "correct the name"))
        files += present
    return list(dict.fromkeys(files)), problems


def _shown(path: Path, directory: Path) -> str:
    return f"{directory.as_posix()}/{path.relative_to(directory).as_posix()}"


def _staged(
    endpoints: Sequence[EndpointSpec],
    name: str,
    stage: Stage,
    registry: Registry,
    later: Mapping[str, Sequence[str]],
    deployers: Sequence[str],
) -> tuple[list[EndpointSpec], list[Problem]]:
    specs: list[EndpointSpec] = []
    problems: list[Problem] = []
    for spec in endpoints:
        group = _group_of(spec, stage, registry)
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
        value = serialised(compiled) if spec.parameter_value else ""
        excess = len(value.encode()) - LARGEST_PARAMETER_BYTES
        if excess > 0:
            got = f"{len(value.encode()):,} bytes once compiled for stage {name}"
            expected = f"at most {LARGEST_PARAMETER_BYTES:,} bytes, what an advanced SSM parameter holds"
            fix = f"shorten environment, tags or overrides by {excess:,} bytes"
            problems.append(Problem(spec.file, 0, "the file", got, expected, fix))
        specs.append(replace(spec, model_package_group=group, compiled=compiled, parameter_value=value))
    return specs, problems


def _without_deployers(compiled: Mapping[str, Any], deployers: Sequence[str]) -> dict[str, Any]:
    """Say who is no approver, wherever settings say whose approvals count.

    Stages write to the registry as well, and whoever changed a version last may pass for who approved it.
    """
    return {
        key: {**compiled[key], "Deployers": list(deployers)}
        for key in ("ApprovalPolicy", "Shadow")
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
    added: dict[str, Any] = {"StageName": name}
    if stage.gate is not None:
        added["Gate"] = {
            "Stage": stage.gate.stage,
            "StageStatus": stage.gate.stage_status,
            **_later(stage.gate.stage, later),
        }
    if stage.promotion is not None:
        soak = DEFAULT_SOAK_SECONDS if stage.soak_seconds is None else stage.soak_seconds
        added["Promotion"] = {
            "SoakSeconds": soak,
            "Stage": stage.promotion.stage,
            "StageStatus": stage.promotion.stage_status,
            **_later(stage.promotion.stage, later),
        }
    return added


def _later(life_cycle_stage: str, later: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {"LaterStages": [*later[life_cycle_stage]]} if later[life_cycle_stage] else {}


def _roles_elsewhere(endpoints: Sequence[EndpointSpec], stage: Stage) -> Iterator[Problem]:
    """Find roles that endpoints bring for their models, of another account than the stage's."""
    for spec in endpoints:
        role = spec.compiled["CreateModel"].get("ExecutionRoleArn")
        if isinstance(role, str) and role.startswith("arn:") and role.split(":")[4] != stage.account:
            expected = f"a role of the stage's account {stage.account}: SageMaker takes no other's"
            fix = "name a role of that account; stages in several accounts need a file each"
            yield Problem(spec.file, 0, "execution_role_arn", role, expected, fix)


def _group_of(spec: EndpointSpec, stage: Stage, registry: Registry) -> str | None:
    """Name an endpoint's group as the stage's deployer must; None if it is no group of the registry's."""
    given = spec.model_package_group
    arn = f"arn:{partition_of(registry.region)}:sagemaker:{registry.region}:{registry.account}:"
    name = given
    if given.startswith("arn:"):
        if not given.startswith(f"{arn}model-package-group/"):
            return None
        name = given.rpartition("/")[2]
    return name if stage.account == registry.account else f"{arn}model-package-group/{name}"


def _ungranted(endpoints: Sequence[EndpointSpec], registry: Registry, place: str) -> Iterator[Problem]:
    """Find groups of which nobody said what their versions need."""
    known: Mapping[str, Any] = registry.groups
    for spec in endpoints:
        group = spec.model_package_group.rpartition("/")[2]
        if group not in known:
            got = f"no {group}, which {spec.file} follows"
            expected = "every group that stages use, with the artifacts and images of its versions"
            yield Problem(place, 0, "registry.groups", got, expected, f"add {group}, or correct the file")


def _carrying(stages: Sequence[CarriedStage]) -> dict[str, list[str]]:
    """Say, by group, which stages have endpoints of it."""
    carrying: dict[str, list[str]] = {}
    for stage in stages:
        for group in stage.access.groups:
            carrying.setdefault(group, []).append(stage.names.stage_name)
    return carrying


def _approved_by_nobody(stages: Sequence[CarriedStage], place: str) -> Iterator[Problem]:
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
    return "ApprovalPolicy" in spec.compiled and spec.compiled.get("Shadow") != {}


def _uncarried(directory: Path, carried: set[Path], below: Found) -> Iterator[Problem]:
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


def _twice(stages: Sequence[CarriedStage], place: str) -> Iterator[Problem]:
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
