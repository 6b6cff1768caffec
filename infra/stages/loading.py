"""Owns which endpoints each stage carries.

Collects every problem and raises none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from infra.configuration.promotion_order import contradictions, later_stages, mistakes
from infra.configuration.role_accounts import check_execution_roles
from infra.settings.catalogue import compile_files
from infra.settings.endpoint_requirements import EndpointRequirements
from infra.settings.problem import Problem
from infra.settings.reading.files import Found, find_settings
from infra.stages.access import StageAccess
from infra.stages.carried_endpoints import (
    approved_by_nobody,
    carrying,
    endpoints_twice,
    roles_elsewhere,
    uncarried_files,
    ungranted_groups,
)
from infra.stages.carried_stage import CarriedStage
from infra.stages.deciding_metadata import deciding, of_others
from infra.stages.quotas import check_registry_room
from infra.stages.stage_names import StageNames
from infra.stages.staged_settings import staged_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.configuration.app_context import Configuration
    from infra.configuration.registry_and_stages import Stage


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
            execution_role_arn=stage.execution_role_arn,
        )
        endpoints, found = compile_files(
            files, below.defaults, directory, directory.as_posix(), own.stack_name
        )
        problems += found
        problems += check_execution_roles(endpoints, own)
        problems += roles_elsewhere(endpoints, stage)
        staged, found = staged_settings(endpoints, name, stage, registry, later, deployers)
        problems += found
        groups = sorted({spec.model_package_group.rpartition("/")[2] for spec in staged})
        problems += ungranted_groups(staged, registry, place)
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
        problems += contradictions(configuration.stages, carrying(stages), place)
        problems += approved_by_nobody(stages, place)
    problems += uncarried_files(directory, carried, below)
    problems += endpoints_twice(stages, place)
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
