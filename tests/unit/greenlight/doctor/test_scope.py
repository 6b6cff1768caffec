"""What one run of the doctor looks at."""

from __future__ import annotations

from typing import Final

import pytest

from greenlight.doctor.scope import Scope
from greenlight.errors import CommandError

FOLLOWED: Final = {"churn": "churn-models", "churn-eu": "churn-models", "fraud": "fraud-models"}


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (Scope(), {"churn-models": ["churn", "churn-eu"], "fraud-models": ["fraud"]}),
        (Scope("churn-eu"), {"churn-models": ["churn-eu"]}),
        (Scope(groups=("fraud-models",)), {"fraud-models": ["fraud"]}),
        (Scope("fraud", ("churn-models",)), {}),
    ],
)
def test_it_is_everything_or_some_groups_or_one_endpoint(scope: Scope, found: dict[str, list[str]]) -> None:
    assert scope.of("Greenlight", FOLLOWED) == found


@pytest.mark.parametrize(
    ("scope", "fact", "cause"),
    [
        (Scope("moon"), "moon is no endpoint of the stack Greenlight.", "churn, churn-eu, fraud"),
        (
            Scope(groups=("moon",)),
            "No endpoint of the stack Greenlight follows the group moon.",
            "churn-models, fraud-models",
        ),
    ],
)
def test_what_the_stack_has_not_is_refused_with_what_it_has(scope: Scope, fact: str, cause: str) -> None:
    with pytest.raises(CommandError) as refused:
        scope.of("Greenlight", FOLLOWED)

    assert refused.value.fact == fact
    assert cause in refused.value.cause
