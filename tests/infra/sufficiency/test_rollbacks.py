"""A person rolls an endpoint back: it goes back at once, and what it went back from stays away."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.contract import REQUEST_DETAIL_TYPE, REQUESTS
from deployer.decisions.explanation import explain
from deployer.decisions.reasons import Reason
from deployer.gateways.journal_table import stored_time
from deployer.gateways.settings_files import SettingsFiles
from deployer.preview import preview, read_only
from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_companions import Shadowing, served
from tests.infra.sufficiency.test_holds import approved, held, pause, sweep_after
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import SCHEDULED, TABLE, Pipeline

ASKED = {**SCHEDULED, "source": "greenlight", "detail-type": REQUEST_DETAIL_TYPE}


def ask(
    pipeline: Pipeline, arn: str | None, *, item: str = f"{ENDPOINT}#{{at}}#rollback#1f", **texts: Any
) -> None:
    """Write a rollback as an operator does: with an own identity, and by one call."""
    told = {"reason": "wrong in Spain", "by": "ada", **texts}
    written = {"version_arn": arn, **told}
    members = {key: {"S": each} for key, each in written.items() if each is not None}
    key = {"endpoint": {"S": REQUESTS}, "item": {"S": item.format(at=stored_time(pipeline.clock.now()))}}
    pipeline.cloud.client("dynamodb").put_item(TableName=TABLE, Item={**key, **members})


def roll_back(pipeline: Pipeline, arn: str | None, **texts: Any) -> None:
    """Ask, and deliver the event that says so."""
    ask(pipeline, arn, **texts)
    pipeline.dispatch_event(ASKED)
    pipeline.run()


def serving_versions(count: int, **changes: Any) -> tuple[Pipeline, list[str]]:
    """Return an endpoint that served these versions, one after another."""
    pipeline = Pipeline()
    pipeline.manage(**changes)
    return pipeline, [approved(pipeline) for _ in range(count)]


def problems(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


def reason_of(pipeline: Pipeline, arn: str) -> tuple[Reason, str | None]:
    """Return what `why` says of a version."""
    files = SettingsFiles(pipeline.files.__getitem__)
    settings = files.read(ENDPOINT)
    assert settings is not None
    gateways = read_only(pipeline.client_of, table_name=TABLE, now=pipeline.now)
    seen = preview(settings, gateways, pipeline.stack, pipeline.logger, followers=files.followers)
    found = explain(seen, arn, gateways.registry.describe_version(arn))
    return found.reason, found.detail


def test_a_rollback_goes_back_at_once_and_what_it_left_does_not_return_by_itself() -> None:
    pipeline, [first, second] = serving_versions(2, **GUARDED)
    at = pipeline.clock.now()

    roll_back(pipeline, first)

    assert pipeline.serving() == "v1"
    assert pipeline.told(first)[-2:] == ["started", "rolled_back"]
    last = pipeline.history.last_deployment
    assert last is not None
    assert (last.at_once, last.rolls_back) == (True, True)
    why = f"ada rolled it back to v1 at {at:%Y-%m-%d %H:%M} UTC: wrong in Spain."
    assert pipeline.outcomes[-1]["Message"].endswith(f"serves on churn again: {why}")
    # Settings that change try the version that serves, and not the one that was left.
    pipeline.manage(**GUARDED, Keep=1, Restart="again")
    for _ in range(3):
        sweep_after(pipeline)
    assert pipeline.serving() == "v1"
    assert reason_of(pipeline, second) == (Reason.ROLLED_BACK, why)
    assert pipeline.journal.requests.all() == []


def test_another_approval_brings_it_back_and_its_next_one_too() -> None:
    pipeline, [first, second] = serving_versions(2)
    roll_back(pipeline, first)

    third = approved(pipeline)
    assert pipeline.serving() == "v3"
    pipeline.reject(third)
    pipeline.run()
    assert pipeline.serving() == "v1"

    pipeline.pass_time(2)
    pipeline.approve(second)
    pipeline.run()
    assert pipeline.serving() == "v2"


def test_back_to_a_named_version_holds_every_one_after_it() -> None:
    pipeline, [first, *_] = serving_versions(3)

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert [each.version for each in pipeline.history.approvals if each.rollback is not None] == [3, 2]


def test_rolled_back_twice_it_goes_back_twice() -> None:
    pipeline, [first, second, _] = serving_versions(3)

    roll_back(pipeline, second)
    assert pipeline.serving() == "v2"
    roll_back(pipeline, first, reason="still wrong")
    assert pipeline.serving() == "v1"
    # The first rollback still says why the third version is away.
    held_back = {each.version: each.rollback.reason for each in pipeline.history.approvals if each.rollback}
    assert held_back == {3: "wrong in Spain", 2: "still wrong"}


def test_two_rollbacks_before_the_deployer_looks_are_both_taken_in_and_hold() -> None:
    pipeline, [first, second, _] = serving_versions(3)
    ask(pipeline, second)
    pipeline.pass_time(2)
    ask(pipeline, first, reason="still wrong")
    pipeline.dispatch_event(ASKED)
    pipeline.run()

    assert pipeline.serving() == "v1"
    held_back = {each.version: each.rollback.reason for each in pipeline.history.approvals if each.rollback}
    assert held_back == {3: "wrong in Spain", 2: "still wrong"}
    assert problems(pipeline) == []


def test_a_rollback_that_cannot_be_done_takes_no_place_of_one_that_waits() -> None:
    pipeline, [first, _] = serving_versions(2)
    ask(pipeline, first)
    # Somebody else asks in the same second, for a version that nobody approved.
    ask(pipeline, pipeline.register(), item=f"{ENDPOINT}#{{at}}#rollback#2e")
    pipeline.dispatch_event(ASKED)
    pipeline.run()

    assert pipeline.serving() == "v1"
    [message] = problems(pipeline)
    assert "v3 is not approved here" in message


def test_a_rollout_that_is_under_way_is_aborted_and_its_reason_names_the_person() -> None:
    pipeline, [first] = serving_versions(1, **GUARDED)
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.deliver()
    pipeline.pass_time(60)
    pipeline.deliver()
    assert pipeline.endpoint["EndpointStatus"] == "Updating"

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "aborted"]
    assert "While it was being rolled out, ada rolled it back to v1" in str(
        [each["Message"] for each in pipeline.outcomes]
    )


def test_where_a_rollout_cannot_be_aborted_it_goes_back_after_it() -> None:
    pipeline, [first] = serving_versions(1)
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.deliver()

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "succeeded"]


def test_a_rollback_goes_back_in_a_pause() -> None:
    pipeline, [first, second] = serving_versions(2)
    pause(pipeline, reason="incident 7", by="ada")

    roll_back(pipeline, first)

    assert pipeline.serving() == "v1"
    assert held(pipeline) == []
    assert reason_of(pipeline, second)[0] is Reason.ROLLED_BACK


def test_what_waits_in_a_pause_and_came_before_the_rollback_does_not_go_out_after_it() -> None:
    pipeline, [first, _] = serving_versions(2)
    pause(pipeline, reason="incident 7", by="ada")
    approved(pipeline)
    roll_back(pipeline, first)
    pipeline.cloud.client("dynamodb").delete_item(
        TableName=TABLE, Key={"endpoint": {"S": "greenlight:pauses"}, "item": {"S": "*"}}
    )

    sweep_after(pipeline)

    assert pipeline.serving() == "v1"


def test_the_next_sweep_takes_a_request_whose_event_was_lost() -> None:
    pipeline, [first, _] = serving_versions(2)
    sweep_after(pipeline)
    sweep_after(pipeline)
    ask(pipeline, first)

    sweep_after(pipeline)

    assert pipeline.serving() == "v1"


def test_an_approval_that_came_after_a_request_is_not_held_by_it() -> None:
    pipeline, [first, _] = serving_versions(2)
    ask(pipeline, first)
    pipeline.pass_time(60)
    approved(pipeline)

    sweep_after(pipeline)

    assert pipeline.serving() == "v3"
    assert [each.version for each in pipeline.history.approvals if each.rollback is not None] == [2]


def test_an_approval_before_a_rollback_is_held_although_its_event_comes_after_it() -> None:
    pipeline, [first, second] = serving_versions(2)
    pipeline.pass_time(60)
    pipeline.reject(second)
    pipeline.approve(second)
    pipeline.pass_time(60)

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert reason_of(pipeline, second)[0] is Reason.ROLLED_BACK


def test_an_event_without_a_request_changes_nothing() -> None:
    pipeline, _ = serving_versions(2)
    before = len(pipeline.sagemaker_calls())

    pipeline.dispatch_event(ASKED)

    assert len(pipeline.sagemaker_calls()) == before
    assert pipeline.serving() == "v2"


@pytest.mark.parametrize("item", ["other#{at}#rollback#1f", "other"])
def test_a_request_for_an_endpoint_that_nobody_manages_is_forgotten(item: str) -> None:
    pipeline, [first, _] = serving_versions(2)

    roll_back(pipeline, first, item=item)

    assert pipeline.journal.requests.all() == []
    assert pipeline.serving() == "v2"


@pytest.mark.parametrize(
    ("of", "texts", "fault"),
    [
        ("never", {}, "v3 is not approved here."),
        ("failed", {}, "v3 has not served well here."),
        ("rejected", {}, "v1 is not approved here."),
        ("nobody", {}, "its record is wrong: version_arn is missing."),
        ("first", {"item": f"{ENDPOINT}#soon#rollback"}, f"its key has no time: {ENDPOINT}#soon#rollback."),
        ("text", {}, "its record is wrong: version_arn is no version: the one before."),
        (
            "first",
            {"item": f"{ENDPOINT}#{{at}}#fly"},
            "its record is wrong: nothing is known of the verb fly.",
        ),
        ("first", {"item": ENDPOINT}, "its key has no verb and its key has no time: churn."),
    ],
)
def test_what_cannot_be_done_is_told_once_and_changes_nothing(
    of: str, texts: dict[str, Any], fault: str
) -> None:
    pipeline, [first, _] = serving_versions(2)
    arn: str | None = first
    if of in {"never", "failed"}:
        arn = pipeline.register()
        pipeline.break_model_of(arn)
        if of == "failed":
            pipeline.approve(arn)
            pipeline.run()
    elif of == "rejected":
        pipeline.reject(first)
        pipeline.run()
    elif of in {"nobody", "text"}:
        arn = "the one before" if of == "text" else None

    roll_back(pipeline, arn, **texts)
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    [message] = problems(pipeline)
    assert fault in message
    assert message.startswith("The ")
    assert pipeline.journal.requests.all() == []


def test_back_to_what_is_held_itself_is_refused() -> None:
    pipeline, [first, second] = serving_versions(2)
    roll_back(pipeline, first)

    roll_back(pipeline, second)

    assert pipeline.serving() == "v1"
    [message] = problems(pipeline)
    assert "v2 is held back itself, as ada rolled it back to v1" in message


def test_a_version_that_is_rolled_back_stays_away_although_the_one_that_came_back_is_rejected() -> None:
    pipeline, [first, _] = serving_versions(2)
    roll_back(pipeline, first)

    pipeline.reject(first)
    pipeline.run()
    sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert ["No approved version" in each for each in problems(pipeline)] == [True]


def test_where_the_way_back_fails_the_version_serves_on_and_people_hear_so() -> None:
    pipeline, [first, _] = serving_versions(2)
    pipeline.break_model_of(first)

    roll_back(pipeline, first)
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.told(first)[-1] == "failed"
    assert ["No approved version" in each for each in problems(pipeline)] == [True]
    assert pipeline.told(approved(pipeline)) == ["started", "succeeded"]


def test_a_shadow_that_was_approved_later_stays_beside_what_comes_back() -> None:
    shadowing = Shadowing()
    first, second, third = (shadowing.register() for _ in range(3))
    for user, arn in (("lead", first), ("lead", second), ("scientist", third)):
        shadowing.approved_by(user, arn)

    roll_back(shadowing, first)

    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v3"}


def test_after_a_lost_journal_what_serves_counts_and_what_was_left_stays_away() -> None:
    pipeline, [first, _] = serving_versions(2)
    roll_back(pipeline, first)
    dynamodb = pipeline.cloud.client("dynamodb")
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={key: item[key] for key in ("endpoint", "item")})

    for _ in range(3):
        sweep_after(pipeline)

    assert pipeline.serving() == "v1"
