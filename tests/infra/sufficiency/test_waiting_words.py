"""The registry says what an approved version waits for, or what went out instead."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.sufficiency.test_companions import SHADOWED, Shadowing
from tests.infra.sufficiency.test_holds import sweep_after, window
from tests.infra.sufficiency.test_rollbacks import roll_back
from tests.infra.sufficiency.test_version_metadata import approved, manage, shown, writes
from tests.unit.deployer.pipeline import Pipeline

HOUR = 3600


@pytest.fixture
def frozen() -> Pipeline:
    """An endpoint that serves v1, in a freeze window of two hours."""
    made = Pipeline()
    manage(made)
    approved(made)
    freeze(made)
    return made


def freeze(pipeline: Pipeline, **changes: Any) -> None:
    manage(pipeline, **window(pipeline), **changes)
    sweep_after(pipeline, 1)


def said_of(pipeline: Pipeline, arn: str) -> str:
    return str(shown(pipeline, arn))


def test_a_version_that_a_freeze_window_holds_back_says_so_once_until_it_serves(frozen: Pipeline) -> None:
    before = writes(frozen)
    arn = approved(frozen)
    assert said_of(frozen, arn).startswith("waiting: a freeze window of its settings until 20")
    assert said_of(frozen, arn).endswith("UTC: the fair")
    for _ in range(3):
        sweep_after(frozen)
    assert writes(frozen) == before + 1

    sweep_after(frozen, 2 * HOUR)
    assert frozen.serving() == "v2"
    assert said_of(frozen, arn).startswith("serving since 20")


def test_a_version_that_is_rejected_while_it_waits_does_not_wait_any_more(frozen: Pipeline) -> None:
    arn = approved(frozen)
    frozen.reject(arn)
    frozen.run()
    sweep_after(frozen)

    assert said_of(frozen, arn) == "not approved any more"


def test_what_was_said_while_other_words_were_denied_is_taken_back_too(frozen: Pipeline) -> None:
    older = approved(frozen)
    denied: list[str] = []

    def deny_once(_service: str, operation: str) -> None:
        if operation == "UpdateModelPackage" and not denied:
            denied.append(operation)
            told = "User: x is not authorized to perform: it"
            answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": told}}
            raise ClientError(answer, operation)

    newer = frozen.register()
    frozen.approve(newer)
    frozen.deployer_cloud.before_call = deny_once
    frozen.run()
    assert denied
    assert said_of(frozen, older).startswith("waiting:"), "it could not be taken back yet"
    assert said_of(frozen, newer).startswith("waiting:")

    frozen.reject(newer)
    frozen.run()
    sweep_after(frozen)

    assert said_of(frozen, newer) == "not approved any more"


def test_a_version_that_may_not_serve_once_a_window_is_over_does_not_wait_for_it(frozen: Pipeline) -> None:
    arn = approved(frozen)
    specification = {
        "Containers": [
            {"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:2", "ModelDataUrl": "s3://models/x"}
        ],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    frozen.registry.update_model_package(ModelPackageArn=arn, InferenceSpecification=specification)
    frozen.run()
    sweep_after(frozen, 3 * HOUR)
    sweep_after(frozen)

    assert frozen.serving() == "v1"
    assert said_of(frozen, arn) == "not held back any more"


def test_a_version_that_a_newer_one_overtook_says_which(frozen: Pipeline) -> None:
    overtaken, newer = approved(frozen), approved(frozen)
    sweep_after(frozen, 2 * HOUR)
    sweep_after(frozen)
    count = writes(frozen)
    sweep_after(frozen)

    assert said_of(frozen, newer).startswith("serving since 20")
    assert said_of(frozen, overtaken) == "skipped: v3 went out instead"
    assert writes(frozen) == count


def test_a_version_that_failed_before_a_newer_one_says_that_it_failed() -> None:
    pipeline = Pipeline()
    manage(pipeline)
    approved(pipeline)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    approved(pipeline)
    sweep_after(pipeline)

    assert said_of(pipeline, broken).startswith("failed 20")


def test_a_version_that_a_rollback_holds_back_says_who_asked_and_why() -> None:
    pipeline = Pipeline()
    manage(pipeline)
    first, second = approved(pipeline), approved(pipeline)
    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert said_of(pipeline, first).startswith("serving since 20")
    assert said_of(pipeline, second).startswith("held back: ada rolled it back to v1 at 20")

    pipeline.approve(second, "Rejected")
    pipeline.run()
    sweep_after(pipeline)
    assert said_of(pipeline, second) == "not approved any more"


def test_a_shadow_that_a_freeze_window_holds_back_says_so_once_until_it_shadows() -> None:
    shadowing = Shadowing(VersionMetadata=True)
    first, second = shadowing.register(), shadowing.register()
    shadowing.approved_by("lead", first)
    freeze(shadowing, **SHADOWED)
    before = writes(shadowing)
    shadowing.approved_by("scientist", second)
    assert said_of(shadowing, second).startswith("waiting: a freeze window of its settings until 20")
    for _ in range(3):
        sweep_after(shadowing)
    assert writes(shadowing) == before + 1

    sweep_after(shadowing, 2 * HOUR)
    assert said_of(shadowing, second).startswith("shadowing since 20")


def test_with_the_setting_off_nobody_says_what_a_version_waits_for() -> None:
    pipeline = Pipeline()
    manage(pipeline, VersionMetadata=False)
    approved(pipeline)
    freeze(pipeline, VersionMetadata=False)
    arn = approved(pipeline)

    assert (shown(pipeline, arn), writes(pipeline)) == (None, 0)
