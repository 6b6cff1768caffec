"""Decides whether a former release is still the one that served here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.former_releases import refusal_to_put_back
from deployer.model.attempt import AttemptStatus
from tests.unit.deployer.builders import NOW, deployment, history_of, minutes, release

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.attempt import Deployment

RELEASE = release(1)
CONFIG, [MODEL] = RELEASE.endpoint_config_name, RELEASE.model_names


def accepted(number: int = 1, at: datetime = NOW, **changes: Any) -> Deployment:
    """Build a deployment that SageMaker accepted, and that was aborted."""
    return deployment(
        1, number=number, accepted_at=at, status=AttemptStatus.ABORTED, settled_at=at, **changes
    )


ACCEPTED = accepted()


def refusal(*attempts: Deployment, config: datetime | None = NOW, model: datetime | None = NOW) -> str:
    return refusal_to_put_back(history_of(attempts), RELEASE, {CONFIG: config, MODEL: model}) or ""


def test_what_existed_when_the_release_was_accepted_is_what_served() -> None:
    latest = NOW + timedelta(seconds=10)

    assert refusal(ACCEPTED) == ""
    assert refusal(ACCEPTED, config=latest, model=latest) == ""


@pytest.mark.parametrize(("kind", "name"), [("endpoint config", CONFIG), ("model", MODEL)])
def test_what_was_made_again_may_be_somebody_else_s(kind: str, name: str) -> None:
    later = NOW + timedelta(seconds=11)

    told = refusal(ACCEPTED, **{"config" if name == CONFIG else "model": later})

    made = later.isoformat(timespec="seconds")
    assert told.startswith(
        f"Its {kind} {name} was deleted and made again at {made}, after it had served here."
    )
    assert told.endswith("approve it again; or approve another one.")


@pytest.mark.parametrize(("kind", "name"), [("endpoint config", CONFIG), ("model", MODEL)])
def test_what_was_deleted_is_not_put_back(kind: str, name: str) -> None:
    told = refusal(ACCEPTED, **{"config" if name == CONFIG else "model": None})

    assert told.startswith(f"Its {kind} {name} was deleted. Write the settings back")


def test_the_last_attempt_that_vouches_for_a_name_counts() -> None:
    later = minutes(60)
    again = accepted(2, later)
    settled = deployment(1, number=2, status=AttemptStatus.SUCCEEDED, settled_at=later)
    same_model = accepted(2, later, endpoint_config_name="churn-v1-other")

    assert refusal(again, ACCEPTED, config=later, model=later) == ""
    assert refusal(settled, config=later, model=later) == ""
    assert refusal(same_model, ACCEPTED, model=later) == ""
    assert refusal(same_model, ACCEPTED, config=later)


@pytest.mark.parametrize(
    "attempt",
    [
        deployment(1),
        deployment(1, status=AttemptStatus.WITHDRAWN, settled_at=minutes(60)),
        deployment(1, status=AttemptStatus.FAILED, settled_at=minutes(60)),
        deployment(2, accepted_at=minutes(60)),
    ],
    ids=["never accepted", "withdrawn", "failed before", "of another version"],
)
def test_no_other_attempt_vouches_for_anything(attempt: Deployment) -> None:
    assert refusal(attempt)
