"""A person wants what serves to be rolled out once more: it goes out like any change, and goes out once."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.decisions.reasons import Reason
from deployer.gateways.journal_table import stored_time
from local_cloud.sagemaker.ports import Health
from local_cloud.testing.scripted_hosting import Outcome
from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_adoption import BY_HAND, adopt, make_by_hand, settle, two_approved
from tests.infra.sufficiency.test_alarms import lose_journal
from tests.infra.sufficiency.test_companions import Shadowing, served
from tests.infra.sufficiency.test_holds import approved, held, pause, sweep_after
from tests.infra.sufficiency.test_retries import ask as write
from tests.infra.sufficiency.test_retries import failed_version, mend, retry
from tests.infra.sufficiency.test_rollbacks import ASKED, problems, reason_of, roll_back, serving_versions
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import TABLE, Pipeline

KEY = f"{ENDPOINT}#{{at}}#restart#1f"
ONCE, TWICE = ["started", "succeeded"], ["started", "succeeded"] * 2


def ask(pipeline: Pipeline, arn: str | None, *, item: str = KEY, **texts: Any) -> None:
    """Write a restart as an operator does."""
    write(pipeline, arn, item=item, **texts)


def restart(pipeline: Pipeline, arn: str | None, **texts: Any) -> None:
    """Ask, and deliver the event that says so."""
    ask(pipeline, arn, **texts)
    pipeline.dispatch_event(ASKED)
    pipeline.run()


def fail_next(pipeline: Pipeline, arn: str) -> None:
    """Let a version's containers fail from now on."""
    pipeline.hosting.script(pipeline.release(arn).model_name, Outcome(Health.UNHEALTHY))


def config_of(pipeline: Pipeline) -> str:
    name: str = pipeline.cloud.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)[
        "EndpointConfigName"
    ]
    return name


def test_what_serves_goes_out_once_more_as_the_same_model() -> None:
    pipeline, [first] = serving_versions(1, **GUARDED)
    before = config_of(pipeline)

    restart(pipeline, first)
    for _ in range(3):
        sweep_after(pipeline)

    assert pipeline.told(first) == TWICE
    assert config_of(pipeline) != before
    models = {each.model_name for each in pipeline.history.deployments}
    assert len(models) == 1
    assert pipeline.journal.requests.all() == []
    assert problems(pipeline) == []
    last = pipeline.history.deployments[0]
    assert last.restart is not None
    assert last.restart.by == "ada"
    assert reason_of(pipeline, first)[0] is Reason.SERVES


def test_a_request_that_a_crash_repeats_restarts_once() -> None:
    pipeline, [first] = serving_versions(1)
    at = stored_time(pipeline.clock.now())
    restart(pipeline, first, item=KEY.format(at=at))

    restart(pipeline, first, item=KEY.format(at=at))
    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE
    assert problems(pipeline) == []


def test_each_restart_rolls_out_once_more() -> None:
    pipeline, [first] = serving_versions(1)

    restart(pipeline, first)
    pipeline.pass_time(60)
    restart(pipeline, first)

    assert pipeline.told(first) == ["started", "succeeded"] * 3


def test_the_next_sweep_takes_a_restart_whose_event_was_lost() -> None:
    pipeline, [first] = serving_versions(1)
    sweep_after(pipeline)
    sweep_after(pipeline)
    ask(pipeline, first)

    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE


def test_what_serves_stays_if_its_restart_fails_and_is_tried_again_on_demand() -> None:
    pipeline, [first] = serving_versions(1)
    before = config_of(pipeline)
    fail_next(pipeline, first)

    restart(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.told(first) == [*ONCE, "started", "failed"]
    assert (pipeline.serving(), config_of(pipeline)) == ("v1", before)
    reason, detail = reason_of(pipeline, first)
    assert reason is Reason.RESTART_FAILED
    assert "ping health check" in (detail or "")

    mend(pipeline, first)
    retry(pipeline, first)

    assert pipeline.told(first)[4:] == ONCE
    assert reason_of(pipeline, first)[0] is Reason.SERVES


def test_a_restart_waits_in_a_pause_as_everything_new_does() -> None:
    pipeline, [first] = serving_versions(1)
    pause(pipeline, reason="incident 7", by="ada")

    restart(pipeline, first)
    sweep_after(pipeline)
    assert pipeline.told(first) == ONCE
    [message] = held(pipeline)
    assert message.startswith("Held back on churn: its restart, with version 1 of ")
    assert reason_of(pipeline, first)[0] is Reason.RESTARTS
    pipeline.cloud.client("dynamodb").delete_item(
        TableName=TABLE, Key={"endpoint": {"S": "greenlight:pauses"}, "item": {"S": "*"}}
    )
    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE


def test_two_restarts_in_a_pause_are_one_rollout() -> None:
    pipeline, [first] = serving_versions(1)
    pause(pipeline, reason="incident 7", by="ada")
    restart(pipeline, first)
    pipeline.pass_time(60)
    restart(pipeline, first)
    pipeline.cloud.client("dynamodb").delete_item(
        TableName=TABLE, Key={"endpoint": {"S": "greenlight:pauses"}, "item": {"S": "*"}}
    )

    sweep_after(pipeline)
    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE


def test_a_version_that_failed_is_not_tried_by_a_restart() -> None:
    pipeline, second = failed_version()
    first = pipeline.history.approvals[-1].version_arn

    restart(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE
    assert pipeline.told(second) == ["started", "failed"]


def test_another_approval_of_the_version_rolls_nothing_out_after_a_restart() -> None:
    pipeline, [first] = serving_versions(1)
    restart(pipeline, first)
    pipeline.pass_time(60)

    pipeline.reject(first)
    pipeline.approve(first)
    sweep_after(pipeline)

    assert pipeline.told(first) == TWICE


def test_a_version_that_goes_out_meanwhile_is_not_restarted() -> None:
    pipeline, [first] = serving_versions(1)
    ask(pipeline, first)
    second = approved(pipeline)

    sweep_after(pipeline)
    sweep_after(pipeline)

    assert pipeline.told(first) == ONCE
    assert pipeline.told(second) == ONCE
    assert pipeline.serving() == "v2"


def test_an_endpoint_goes_back_to_a_version_that_was_restarted() -> None:
    pipeline, [first] = serving_versions(1)
    restart(pipeline, first)
    approved(pipeline)

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"


def test_a_restart_takes_the_shadow_along() -> None:
    shadowing = Shadowing()
    first, second = shadowing.register(), shadowing.register()
    shadowing.approved_by("lead", first)
    shadowing.approved_by("scientist", second)
    before = config_of(shadowing)

    restart(shadowing, first)

    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v2"}
    assert config_of(shadowing) != before


@pytest.mark.parametrize("fails", [False, True])
def test_an_adopted_endpoint_is_restarted_with_a_config_of_the_deployer_s(*, fails: bool) -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    if fails:
        fail_next(pipeline, first)

    restart(pipeline, first)
    settle(pipeline)

    assert pipeline.told(first) == ["started", "failed" if fails else "succeeded"]
    assert (config_of(pipeline) == BY_HAND) is fails
    assert reason_of(pipeline, first)[0] is (Reason.RESTART_FAILED if fails else Reason.SERVES)


def test_what_was_restarted_goes_out_once_more_after_a_lost_journal_and_rests() -> None:
    pipeline, [first] = serving_versions(1)
    restart(pipeline, first)
    lose_journal(pipeline)

    for _ in range(3):
        sweep_after(pipeline)

    assert pipeline.told(first) == ["started", "succeeded"] * 3
    assert pipeline.serving() == "v1"


@pytest.mark.parametrize(
    ("of", "texts", "fault"),
    [
        ("never", {}, "v3 is not approved here."),
        ("older", {}, "v2 serves, and v1 does not."),
        ("nobody", {}, "its record is wrong: version_arn is missing."),
        ("newer", {"by": None}, "its record is wrong: by is missing."),
    ],
)
def test_what_cannot_be_restarted_is_told_once_and_changes_nothing(
    of: str, texts: dict[str, Any], fault: str
) -> None:
    pipeline, [older, newer] = serving_versions(2)
    arn = {"older": older, "newer": newer}.get(of)
    if of == "never":
        arn = pipeline.register()
    before = config_of(pipeline)

    restart(pipeline, arn, **texts)
    sweep_after(pipeline)

    assert config_of(pipeline) == before
    [message] = problems(pipeline)
    assert message.startswith("The restart of churn that ")
    assert fault in message
    assert pipeline.journal.requests.all() == []
