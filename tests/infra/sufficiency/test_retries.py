"""A person wants a failed version to be tried again: it gets one more chance, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.contract import REQUESTS
from deployer.decisions.reasons import Reason
from deployer.gateways.journal_table import stored_time
from local_cloud.sagemaker.ports import Health
from local_cloud.testing.scripted_hosting import Outcome
from tests.infra.sufficiency.test_companions import Shadowing, served
from tests.infra.sufficiency.test_holds import approved, pause, sweep_after
from tests.infra.sufficiency.test_rollbacks import ASKED, problems, reason_of, roll_back, serving_versions
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import TABLE, Pipeline

KEY = f"{ENDPOINT}#{{at}}#retry#1f"


def ask(pipeline: Pipeline, arn: str | None, *, item: str = KEY, **texts: Any) -> None:
    """Write a retry as an operator does: with an own identity, and by one call."""
    written = {"version_arn": arn, "by": "ada", **texts}
    members = {key: {"S": each} for key, each in written.items() if each is not None}
    at = stored_time(pipeline.clock.now())
    key = {"endpoint": {"S": REQUESTS}, "item": {"S": item.format(at=at)}}
    pipeline.cloud.client("dynamodb").put_item(TableName=TABLE, Item={**key, **members})


def retry(pipeline: Pipeline, arn: str | None, **texts: Any) -> None:
    """Ask, and deliver the event that says so."""
    ask(pipeline, arn, **texts)
    pipeline.dispatch_event(ASKED)
    pipeline.run()


def failed_version(**changes: Any) -> tuple[Pipeline, str]:
    """Return an endpoint that serves its first version, and the second one, which failed."""
    pipeline, _ = serving_versions(1, **changes)
    second = pipeline.register()
    pipeline.break_model_of(second)
    pipeline.approve(second)
    pipeline.run()
    assert pipeline.told(second) == ["started", "failed"]
    return pipeline, second


def mend(pipeline: Pipeline, arn: str) -> None:
    """Remove what made a version fail."""
    pipeline.hosting.script(pipeline.release(arn).model_name, Outcome(Health.HEALTHY))


def test_a_version_whose_hindrance_is_gone_is_tried_again_and_serves() -> None:
    pipeline, second = failed_version()
    mend(pipeline, second)
    sweep_after(pipeline)
    assert pipeline.serving() == "v1"

    retry(pipeline, second)

    assert pipeline.serving() == "v2"
    assert pipeline.told(second)[2:] == ["started", "succeeded"]
    assert pipeline.journal.requests.all() == []
    assert problems(pipeline) == []


def test_a_version_that_fails_again_is_not_tried_a_third_time() -> None:
    pipeline, second = failed_version()

    retry(pipeline, second)
    for _ in range(3):
        sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second)[2:] == ["started", "failed"]
    assert reason_of(pipeline, second)[0] is Reason.FAILED


def test_each_retry_is_one_more_chance_also_in_a_row() -> None:
    pipeline, second = failed_version()

    retry(pipeline, second)
    pipeline.pass_time(60)
    retry(pipeline, second)

    assert pipeline.told(second) == ["started", "failed"] * 3


def test_a_request_that_a_crash_repeats_does_not_count_twice() -> None:
    pipeline, second = failed_version()
    at = stored_time(pipeline.clock.now())
    retry(pipeline, second, item=KEY.format(at=at))

    retry(pipeline, second, item=KEY.format(at=at))
    sweep_after(pipeline)

    assert pipeline.told(second) == ["started", "failed"] * 2
    assert problems(pipeline) == []


def test_the_next_sweep_takes_a_retry_whose_event_was_lost() -> None:
    pipeline, second = failed_version()
    mend(pipeline, second)
    sweep_after(pipeline)
    sweep_after(pipeline)
    ask(pipeline, second)

    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_what_failed_with_other_settings_is_tried_with_the_present_ones() -> None:
    pipeline, second = failed_version()
    pipeline.manage(Restart="again")
    sweep_after(pipeline)
    mend(pipeline, second)
    assert reason_of(pipeline, second)[0] is Reason.FAILED

    retry(pipeline, second)

    assert pipeline.serving() == "v2"


def test_a_retry_waits_in_a_pause_as_everything_new_does() -> None:
    pipeline, second = failed_version()
    mend(pipeline, second)
    pause(pipeline, reason="incident 7", by="ada")

    retry(pipeline, second)
    assert pipeline.serving() == "v1"
    pipeline.cloud.client("dynamodb").delete_item(
        TableName=TABLE, Key={"endpoint": {"S": "greenlight:pauses"}, "item": {"S": "*"}}
    )
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_an_approval_before_a_retry_that_is_heard_of_late_has_its_chance_as_well() -> None:
    pipeline, second = failed_version()
    pipeline.pass_time(60)
    pipeline.reject(second)
    pipeline.approve(second)
    mend(pipeline, second)
    pipeline.pass_time(60)

    retry(pipeline, second)
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_the_shadow_of_an_endpoint_is_tried_again() -> None:
    shadowing = Shadowing()
    first, second = shadowing.register(), shadowing.register()
    shadowing.approved_by("lead", first)
    shadowing.break_model_of(second)
    shadowing.approved_by("scientist", second)
    sweep_after(shadowing)
    assert served(shadowing) == {"AllTraffic": "v1"}
    mend(shadowing, second)

    retry(shadowing, second)

    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v2"}


@pytest.mark.parametrize(
    ("of", "texts", "fault"),
    [
        ("never", {}, "v3 is not approved here."),
        ("first", {}, "v1 has not failed here since its approval."),
        ("rolled back", {}, "v3 is held back, as ada rolled it back to v1"),
        ("nobody", {}, "its record is wrong: version_arn is missing."),
        ("second", {"by": None}, "its record is wrong: by is missing."),
    ],
)
def test_what_cannot_be_tried_again_is_told_once_and_changes_nothing(
    of: str, texts: dict[str, Any], fault: str
) -> None:
    pipeline, second = failed_version()
    first = pipeline.history.approvals[-1].version_arn
    arn: str | None = {"first": first, "second": second}.get(of)
    if of == "never":
        arn = pipeline.register()
    elif of == "rolled back":
        arn = approved(pipeline)
        roll_back(pipeline, first)
    before = pipeline.told(second)

    retry(pipeline, arn, **texts)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == before
    [message] = problems(pipeline)
    assert fault in message
    assert pipeline.journal.requests.all() == []
