"""Finds where an endpoint's settings are to be, and compiles them there as synth would."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from greenlight.checking import PROJECT, no_such_stage, read_project, refuse_mistakes
from greenlight.errors import CommandError
from infra.configuration.promotion_order import later_stages
from infra.settings.catalogue import compile_files
from infra.settings.reading.files import find_settings
from infra.stages.stage_names import StageNames
from infra.stages.staged_settings import group_for, staged_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.configuration.app_context import Configuration
    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.problem import Problem


@dataclass(frozen=True, slots=True)
class OfStage:
    """The stage that an endpoint is to belong to, and what it adds to settings.

    Attributes:
        name: Its name.
        stage: What its context says.
        registry: The registry that it follows.
        later: By ModelLifeCycle Stage, which others come after it.
        deployers: Patterns of the deployers' ARNs.
    """

    name: str
    stage: Stage
    registry: Registry
    later: Mapping[str, Sequence[str]]
    deployers: Sequence[str]

    @property
    def groups(self) -> list[str]:
        """The registry's groups, as the stage's account names them."""
        return [self.group(each) or each for each in self.registry.groups]

    def group(self, given: str) -> str | None:
        """Return a group as the stage's account names it; None if the registry's account has no such ARN."""
        return group_for(given, self.stage, self.registry)

    def settings(self, specs: Sequence[EndpointSpec]) -> tuple[list[EndpointSpec], list[Problem]]:
        """Return settings with what the stage adds."""
        return staged_settings(specs, self.name, self.stage, self.registry, self.later, self.deployers)


@dataclass(frozen=True, slots=True)
class Place:
    """Where settings are.

    Attributes:
        directory: The directory of all endpoints' settings.
        file: The file of this endpoint, which may not exist yet.
        defaults: The files with defaults for all endpoints.
        stack_name: The stack.
        of_stage: The stage; None in a project without stages.
    """

    directory: Path
    file: Path
    defaults: tuple[Path, ...]
    stack_name: str
    of_stage: OfStage | None = None

    def compiled(self, content: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, list[Problem]]:
        """Compile settings as if the file had them; also return what synth would refuse."""
        with tempfile.TemporaryDirectory() as made:
            below = Path(made)
            defaults = [Path(shutil.copy(each, below / each.name)) for each in self.defaults]
            file = below / self.file.name
            file.write_text(text_of(content), encoding="utf-8")
            specs, problems = compile_files(
                [file], defaults, below, self.directory.as_posix(), self.stack_name
            )
        if self.of_stage is not None:
            specs, found = self.of_stage.settings(specs)
            problems += found
        return (specs[0].compiled if specs else None), problems


def place_of(directory: Path, name: str, stack_name: str) -> Place:
    """Return where the settings of an endpoint are, or are to be.

    Raises:
        CommandError: The project has mistakes, no directory of settings, or no such stage, or nobody can tell
            which file.
    """
    project = read_project(directory, {})
    refuse_mistakes(project.mistakes, directory, "nothing can be adopted")
    configuration = project.configuration
    below = Path(configuration.endpoints_dir)
    if not below.is_dir():
        raise CommandError(
            f"There is no directory {below}.",
            "The endpoint's YAML is written there, beside the others.",
            "Name the project with --directory, or make the directory.",
        )
    of_stage = _stage_of(configuration, stack_name)
    found = find_settings(below, below.as_posix())
    possible = found.settings if of_stage is None else _carried(found.settings, below, of_stage.stage)
    specs, _ = compile_files(possible, found.defaults, below, below.as_posix(), stack_name)
    there = [Path(each.file) for each in specs if each.endpoint_name == name]
    file = there[0] if there else _new_file(below, name, of_stage)
    return Place(below, file, tuple(found.defaults), stack_name, of_stage)


def text_of(content: Mapping[str, Any]) -> str:
    """Return the YAML of some settings."""
    text: str = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)
    return text


def _stage_of(configuration: Configuration, stack_name: str) -> OfStage | None:
    registry = configuration.registry
    if registry is None:
        return None
    names = {
        name: StageNames.of(configuration.stack_name, name, stage, registry)
        for name, stage in configuration.stages.items()
    }
    name = next((name for name, each in names.items() if each.stack == stack_name), None)
    if name is None:
        raise no_such_stage(stack_name, [each.stack for each in names.values()])
    later = later_stages(configuration.stages)
    deployers = [each.deployer_sessions for each in names.values()]
    return OfStage(name, configuration.stages[name], registry, later, deployers)


def _carried(settings: Sequence[Path], below: Path, stage: Stage) -> list[Path]:
    """Return which of the settings a stage carries."""
    if isinstance(stage.endpoints, str):
        return [each for each in settings if each.is_relative_to(below / stage.endpoints)]
    listed = {below / each for each in stage.endpoints}
    return [each for each in settings if each.with_suffix("") in listed]


def _new_file(below: Path, name: str, of_stage: OfStage | None) -> Path:
    if of_stage is None:
        return below / f"{name}.yaml"
    listed = of_stage.stage.endpoints
    if isinstance(listed, str):
        return below / listed / f"{name}.yaml"
    for each in listed:
        if each.rpartition("/")[2] == name:
            return below / f"{each}.yaml"
    raise CommandError(
        f"The stage {of_stage.name} lists no file for {name}.",
        f"{PROJECT} lists the files of its endpoints, and one that is not listed belongs to no stage.",
        f"Add a name such as {of_stage.name}/{name} to stages.{of_stage.name}.endpoints there. "
        f"Then: greenlight adopt {name}",
    )
