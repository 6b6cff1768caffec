"""List the modules to mutate, and the tests that must notice.

Each file has two lists of tests. The first takes seconds and tests the module alone. The second runs only if
the first passes and the types are right: the deployer's stories, or all tests of the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_DECISIONS: Final = "lambdas/deployer/decisions"
_RULES: Final = ("infra/settings/rules", "infra/settings/consistency")

_UNIT: Final = "tests/unit/deployer"
_STORIES: Final = "tests/infra/sufficiency"
_STAGE: Final = f"{_STORIES}/stages/test_stage.py"
_SETTINGS: Final = "tests/infra/settings"


@dataclass(frozen=True, slots=True)
class Suites:
    """The tests of a module: files and folders below the repository, the fastest first."""

    first: tuple[str, ...]
    then: tuple[str, ...]


def _unit(*names: str) -> tuple[str, ...]:
    return tuple(f"{_UNIT}/test_{name}.py" for name in names)


def _stories(*names: str) -> tuple[str, ...]:
    return tuple(f"{_STORIES}/test_{name}.py" for name in names)


_PIPELINE: Final = _stories("pipeline")
_TESTS_OF_A_DECISION: Final = {
    "approver": Suites(_unit("approver"), (*_stories("version_metadata"), _STAGE)),
    "waiting": Suites(_unit("waiting"), _stories("waiting_words")),
    "preflight": Suites(_unit("preflight"), _stories("preflight")),
    "alarms": Suites(_unit("alarms"), _stories("alarms", "guardrails")),
    "at_rest": Suites(_unit("at_rest", "upkeep"), (*_PIPELINE, *_stories("events", "channels"))),
    "autoscaling": Suites(_unit("at_rest"), _stories("scaling", "scaling_kinds")),
    "bake": Suites(_unit("smoke_test", "probation"), _stories("bake")),
    "before_rollout": Suites(_unit("before_rollout"), _stories("before_rollout")),
    "choice": Suites(
        _unit("approval", "planner", "retention"), (*_PIPELINE, *_stories("variants", "companions"))
    ),
    "course": Suites(_unit("explanation"), _PIPELINE),
    "eligibility": Suites(_unit("approval", "artifacts"), (*_PIPELINE, *_stories("variants"), _STAGE)),
    "endpoint_changes": Suites(
        _unit("guarding", "endpoint_changes"), _stories("guardrails", "variants", "kinds")
    ),
    "explanation": Suites(_unit("explanation"), ("tests/unit/greenlight",)),
    "facts": Suites(_unit("approval", "journal", "retention"), (*_PIPELINE, _STAGE)),
    "first_look": Suites(_unit("first_look"), _PIPELINE),
    "freezing": Suites(_unit("freezing"), _stories("holds")),
    "former_releases": Suites(_unit("former_releases"), (*_stories("models"), *_PIPELINE)),
    "going_back": Suites(_unit("going_back"), (*_PIPELINE, *_stories("guardrails", "trial"))),
    "guardrails": Suites(_unit("guarding"), (*_stories("guardrails", "aborting"), *_PIPELINE)),
    "holds": Suites(_unit("freezing"), _stories("holds")),
    "instance_types": Suites(_unit("instance_types"), _PIPELINE),
    "judgement": Suites(_unit("attempt", "probation"), (*_stories("guardrails", "aborting"), *_PIPELINE)),
    "pins": Suites(_unit("at_rest"), _stories("variants", "companions")),
    "plan": Suites(_unit("planner", "update_plan"), (*_PIPELINE, *_stories("guardrails", "kinds"))),
    "promotion": Suites(_unit("promotion"), (_STAGE, *_stories("companions", "version_metadata"))),
    "variant_properties": Suites(
        _unit("variant_properties", "update_plan"), _stories("variants", "scaling_kinds")
    ),
    "restarting": Suites(_unit("restarting"), _stories("restarts")),
    "reasons": Suites(_unit("explanation"), ("tests/unit/greenlight",)),
    "releases": Suites(_unit("approval", "planner"), (*_PIPELINE, *_stories("variants", "companions"))),
    "retention": Suites(_unit("retention"), (*_stories("models"), *_PIPELINE)),
    "retries": Suites(_unit("approval", "memory"), _PIPELINE),
    "rollbacks": Suites(_unit("rollbacks"), _stories("rollbacks")),
    "served": Suites(_unit("journal", "approval", "planner"), (*_PIPELINE, _STAGE)),
    "serving": Suites(_unit("first_look", "approval"), _PIPELINE),
    "trying_again": Suites(_unit("trying_again"), _stories("retries")),
    "turns": Suites(_unit("approval", "planner", "retention"), _PIPELINE),
    "sweep": Suites(_unit("sweep"), _PIPELINE),
    "announcing": Suites(_unit("journal", "promotion"), (*_PIPELINE, _STAGE)),
    "verdicts": Suites(_unit("verdicts"), (*_unit("explanation"), *_PIPELINE)),
    "version_metadata": Suites(_unit("promotion"), (_STAGE,)),
}
_OF_SETTINGS: Final = (
    "catalogue",
    "messages",
    "rollout",
    "variants",
    "autoscaling",
    "smoke_test",
    "service_model",
)
_TESTS_OF_A_RULE: Final = Suites(tuple(f"{_SETTINGS}/test_{name}.py" for name in _OF_SETTINGS), (_SETTINGS,))


def paths(repository: Path) -> list[str]:
    """Return the files that are mutated, below the repository."""
    folders = (repository / each for each in (_DECISIONS, *_RULES))
    files = sorted(file for folder in folders for file in folder.glob("*.py"))
    return [file.relative_to(repository).as_posix() for file in files if file.stem != "__init__"]


def suites_of(path: str) -> Suites:
    """Return the tests that must notice a change of a file."""
    file = PurePath(path)
    return _TESTS_OF_A_DECISION[file.stem] if file.parent == PurePath(_DECISIONS) else _TESTS_OF_A_RULE
