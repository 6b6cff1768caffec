"""Checks a project's configuration and settings as synth does, without CDK.

What only CDK can tell is left to synth: whether the permissions fit into IAM's limits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from greenlight.errors import CommandError
from infra.configuration.app_context import PLACE, Configuration, read_configuration, shared_context
from infra.configuration.role_accounts import check_execution_roles
from infra.settings.catalogue import read_catalogue
from infra.settings.problem import Problem
from infra.settings.reading.files import find_settings, told
from infra.stages.loading import load_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.carried_stage import CarriedStage

PROJECT: Final = "cdk.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one file, or one rule between files, showed.

    Attributes:
        mistakes: What synth would refuse.
        warnings: What AWS may refuse, and `unchecked: true` waives.
        files: How many files were read.
        note: What was left out, in words.
    """

    mistakes: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: int = 0
    note: str = ""


@dataclass(slots=True)
class Project:
    """A directory with `cdk.json`, or a directory of settings alone.

    Attributes:
        configuration: What its context says; the directory of the settings is relative to the caller's.
        mistakes: The mistakes in the context.
    """

    configuration: Configuration
    mistakes: list[Problem] = field(default_factory=list)


def read_project(directory: Path, given: Mapping[str, str]) -> Project:
    """Read a project's context: from `cdk.json`, from what is given, and from the user's `~/.cdk.json`."""
    path = directory / PROJECT
    if not path.is_file():
        configuration, mistakes = read_configuration({**given, "endpoints_dir": directory.as_posix()})
        return Project(configuration, mistakes)
    own, mistakes = _context(path)
    shared = shared_context(Path("~").expanduser())
    configuration, found = read_configuration({**own, **given}, shared=shared)
    below = directory / configuration.endpoints_dir
    return Project(replace(configuration, endpoints_dir=below.as_posix()), [*mistakes, *found])


def _context(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    expected = "a JSON object with an object `context`"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        fix = "correct the JSON"
        found = Problem(path.as_posix(), error.lineno, "the file", error.msg, expected, fix, "", error.colno)
        return {}, [found]
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Problem(path.as_posix(), 0, "the file", str(error), expected, "check the file")]
    context = document.get("context", {}) if isinstance(document, dict) else None
    if not isinstance(context, dict):
        return {}, [Problem(path.as_posix(), 0, "context", "no object", expected, "write an object")]
    return context, []


def stage_of(project: Project, stack: str) -> tuple[CarriedStage | None, list[Problem]]:
    """Return the stage whose stack has a name, and the mistakes in the project's stages.

    Raises:
        CommandError: The stages are in order, and none has the stack.
    """
    stages, problems = load_stages(project.configuration, PLACE)
    found = [each for each in stages if each.access.names.stack == stack]
    if not found and not problems and not project.mistakes:
        raise no_such_stage(stack, [each.access.names.stack for each in stages])
    return (found[0] if found else None), problems


def no_such_stage(stack: str, stacks: Sequence[str]) -> CommandError:
    """Return the error that a project has no stage with a stack."""
    return CommandError(
        f"The project has no stage with the stack {stack}.",
        f"Its stages' stacks are: {', '.join(stacks)}.",
        "Name a stage with --stage.",
    )


def refuse_mistakes(problems: Sequence[Problem], directory: Path, consequence: str) -> None:
    """Refuse to go on with mistakes in a project's settings.

    Raises:
        CommandError: There are some.
    """
    if problems:
        first = problems[0]
        raise CommandError(
            f"The settings have {len(problems)} mistake{'s' * (len(problems) != 1)}: {consequence}.",
            f"The first is in {first.file}, {first.field}: got {first.got}.",
            f"See all of them: greenlight check {directory}",
        )


def check(directory: Path, given: Mapping[str, str]) -> Iterator[Finding]:
    """Check a project, and yield what is found file by file, each mistake once."""
    seen: set[Problem] = set()
    for each in _check(directory, given):
        news = tuple(mistake for mistake in dict.fromkeys(each.mistakes) if mistake not in seen)
        seen.update(news)
        yield replace(each, mistakes=news)


def _check(directory: Path, given: Mapping[str, str]) -> Iterator[Finding]:
    project = read_project(directory, given)
    yield Finding(tuple(project.mistakes))
    configuration = project.configuration
    below = Path(configuration.endpoints_dir)
    if configuration.registry is not None:
        stages, problems = load_stages(configuration, PLACE)
        yield Finding(tuple(problems), _warnings(spec for stage in stages for spec in stage.endpoints))
    else:
        specs: list[EndpointSpec] = []
        for spec, problems in read_catalogue(below, below.as_posix(), stack_name=configuration.stack_name):
            read = [spec] if spec is not None else []
            specs += read
            yield Finding(tuple(problems), _warnings(read))
        yield Finding(tuple(check_execution_roles(specs, configuration)))
    if below.is_dir():
        found = find_settings(below, below.as_posix())
        yield Finding(files=len(found.settings) + len(found.defaults), note=told(found))


def _warnings(specs: Iterable[EndpointSpec]) -> tuple[Problem, ...]:
    return tuple(warning for spec in specs for warning in spec.warnings)
