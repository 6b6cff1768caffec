"""Owns reading the context keys `registry` and `stages`, and what is said of a mistake in them.

Pure. Without them everything is one account and one stage.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from infra.configuration.between_stages import contradictions_between
from infra.configuration.explanations import problem_of
from infra.configuration.registry_and_stages import LONGEST_ENTITY, Registry, Stage
from infra.settings.keys.endpoint_settings import ENTITY_NAME
from infra.settings.problem import Problem, field_name, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

KEYS: Final = ("registry", "stages")
_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_LONGEST_STAGE_NAME: Final = 24
_OF_THE_REGISTRY: Final = "registry"


def read_accounts(
    context: Mapping[str, Any], place: str
) -> tuple[Registry | None, dict[str, Stage], list[Problem]]:
    """Read the two keys out of the whole CDK context.

    `place` is how problems name the context. Returns what can be used; it is complete only without problems.
    """
    problems: list[Problem] = []

    def refuse(path: FieldPath, got: str, expected: str, fix: str) -> None:
        problems.append(Problem(place, 0, field_name(path), got, expected, fix))

    given = {}
    for key in KEYS:
        if key in context:
            value = _unquoted(context[key])
            if isinstance(value, dict) and value:
                given[key] = value
            else:
                refuse((key,), shown(context[key]), "a mapping", "see docs/accounts.md, or remove it")
    if problems:
        return None, {}, problems
    if len(given) == 1:
        [other] = set(KEYS) - given.keys()
        fix = f"add {other}, or remove {next(iter(given))}"
        refuse((other,), "nothing", "both registry and stages, or neither", fix)
        return None, {}, problems
    registry = _validated(Registry, given["registry"], ("registry",), problems, place) if given else None
    stages = {
        name: stage
        for name, value in given.get("stages", {}).items()
        if (stage := _validated(Stage, value, ("stages", name), problems, place)) is not None
    }
    problems += _names(given, place)
    if not problems and registry is not None:
        problems += contradictions_between(registry, stages, place)
    return registry, stages, problems


def _unquoted(value: object) -> object:
    """Read JSON, as a value from the command line is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _validated(
    model: type[BaseModel], value: object, path: FieldPath, problems: list[Problem], place: str
) -> Any:  # noqa: ANN401 - an instance of the model, or None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problem = problem_of(model, detail, path, place)
            if problem not in problems:
                problems.append(problem)
        return None


def _names(given: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for name in given.get("stages", {}):
        if len(name) > _LONGEST_STAGE_NAME or not _STAGE_NAME.fullmatch(name):
            expected = (
                f"a stage's name: at most {_LONGEST_STAGE_NAME} lower-case letters, digits and hyphens, a "
                "letter first and after each hyphen"
            )
            yield Problem(place, 0, f"stages.{name}", shown(name), expected, "rename it")
        if name == _OF_THE_REGISTRY:
            expected = "another name: some disks take its stack's files for those of the registry's stack"
            yield Problem(place, 0, f"stages.{name}", shown(name), expected, "rename it")
    groups = given.get("registry", {}).get("groups", {})
    for name in groups if isinstance(groups, dict) else {}:
        if not re.fullmatch(ENTITY_NAME, name) or len(name) > LONGEST_ENTITY:
            expected = "the name of a model package group: at most 63 letters, digits and inner hyphens"
            yield Problem(place, 0, f"registry.groups.{name}", shown(name), expected, "name it as it is")
