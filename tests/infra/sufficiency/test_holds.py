"""While a pause or a freeze window stands nothing new goes out; what takes something bad away does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployer.contract import PAUSES
from infra.settings.compiling.stored_freeze import stored_window
from infra.settings.keys.freeze_windows import FreezeWindow
from tests.infra.sufficiency.test_aborting import guarded
from tests.infra.sufficiency.test_companions import AB_TEST, SHADOWED, Shadowing, served
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import TABLE, Pipeline

HOUR = 3600


def window(pipeline: Pipeline, *, begins_in: float = 0, hours: float = 2) -> dict[str, Any]:
    """Return settings that freeze an endpoint once, for two hours."""
    start = pipeline.clock.now() + timedelta(seconds=begins_in)
    begins = f"{start:%Y-%m-%dT%H:%M:%S}"
    keys = FreezeWindow(reason="the fair", start=begins, duration_hours=hours, timezone="UTC")
    return {"Freeze": [stored_window(keys)]}


def sweep_after(pipeline: Pipeline, seconds: float = 900) -> None:
    pipeline.pass_time(seconds)
    pipeline.sweep()
    pipeline.run()


def approved(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    return arn


def held(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "held"]


def serving_two(**changes: Any) -> tuple[Pipeline, str]:
    """Return an endpoint that served v1 and serves v2, now in a freeze window; and the second version."""
    pipeline = Pipeline()
    pipeline.manage(**changes)
    _, second = approved(pipeline), approved(pipeline)
    pipeline.manage(**window(pipeline), **changes)
    sweep_after(pipeline, 1)
    return pipeline, second


def test_a_new_version_waits_for_the_end_of_a_window_and_people_hear_so_once() -> None:
    pipeline, _ = serving_two()
    until = pipeline.clock.now() + timedelta(seconds=2 * HOUR - 1)
    third = approved(pipeline)
    for _ in range(7):
        sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.told(third) == []
    [message] = held(pipeline)
    assert message == (
        "Held back on churn: version 3 of churn-models. The cause is a freeze window of its settings, until "
        f"{until:%Y-%m-%d %H:%M} UTC: the fair. Going back, aborts and repairs go on. "
        "Once it is over, the next sweep rolls out the newest approval that stands then."
    )
    sweep_after(pipeline)
    assert pipeline.serving() == "v3"
    assert pipeline.told(third) == ["started", "succeeded"]
    assert len(held(pipeline)) == 1
    assert pipeline.history.last_observed.reported == ()


def test_of_what_came_in_a_window_only_the_newest_goes_out() -> None:
    pipeline, _ = serving_two()
    third, _, fifth = approved(pipeline), approved(pipeline), approved(pipeline)
    pipeline.reject(fifth)
    pipeline.run()
    sweep_after(pipeline, 2 * HOUR)

    assert pipeline.serving() == "v4"
    assert pipeline.told(third) == pipeline.told(fifth) == []
    assert len(held(pipeline)) == 3


def test_a_first_deployment_waits_as_well() -> None:
    pipeline = Pipeline()
    pipeline.manage(**window(pipeline))
    approved(pipeline)
    sweep_after(pipeline)

    assert pipeline.serving() is None
    assert "CreateEndpoint" not in pipeline.sagemaker_calls()
    assert "CreateModel" not in pipeline.sagemaker_calls()
    assert len(held(pipeline)) == 1

    sweep_after(pipeline, 2 * HOUR)
    assert pipeline.serving() == "v1"


def test_changed_settings_wait() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    approved(pipeline)
    debugging = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
    pipeline.manage(**window(pipeline), **debugging)
    config = pipeline.endpoint["EndpointConfigName"]
    sweep_after(pipeline)

    assert pipeline.endpoint["EndpointConfigName"] == config
    [message] = held(pipeline)
    assert message.startswith("Held back on churn: its changed settings, with version 1 of churn-models.")
    sweep_after(pipeline, 2 * HOUR)
    assert pipeline.endpoint["EndpointConfigName"] != config


def test_a_reject_goes_back_in_a_window_past_what_waits() -> None:
    pipeline, second = serving_two()
    third = approved(pipeline)
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(third) == []
    sweep_after(pipeline, 2 * HOUR)
    assert pipeline.serving() == "v3"


def test_a_reject_where_nothing_served_well_waits_with_what_is_new() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    first = approved(pipeline)
    pipeline.manage(**window(pipeline))
    approved(pipeline)
    pipeline.reject(first)
    pipeline.run()

    assert pipeline.serving() == "v1"
    sweep_after(pipeline, 2 * HOUR)
    assert pipeline.serving() == "v2"


def test_an_abort_still_acts() -> None:
    pipeline = guarded()
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.deliver()
    pipeline.pass_time(900)
    pipeline.documents[ENDPOINT] |= window(pipeline)
    pipeline.deploy_settings()
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "aborted"]


def test_a_version_that_fails_its_smoke_test_gives_way_in_a_window() -> None:
    pipeline = Trying()
    pipeline.deploy(GOOD)
    second = pipeline.register()
    pipeline.script(second, BAD)
    pipeline.approve(second)
    pipeline.deliver()
    pipeline.manage(**pipeline.settings, **window(pipeline))
    third = pipeline.register()
    pipeline.approve(third)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.told(third) == []


def test_an_endpoint_that_somebody_deleted_is_made_again_as_it_served() -> None:
    pipeline, _ = serving_two()
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.run()
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    assert held(pipeline) == []


def test_tags_change_in_a_window() -> None:
    pipeline, _ = serving_two()
    pipeline.manage(**window(pipeline), Tags={"team": "risk"})
    approved(pipeline)
    tags = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]

    assert {"Key": "team", "Value": "risk"} in tags
    assert pipeline.serving() == "v2"


def test_a_window_that_opens_while_the_release_is_made_still_holds_it_back() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    approved(pipeline)
    pipeline.manage(**window(pipeline, begins_in=30))
    sagemaker = pipeline.client_of("sagemaker")
    sagemaker.meta.events.register(
        "after-call.sagemaker.CreateEndpointConfig", lambda **_: pipeline.pass_time(60)
    )
    second = approved(pipeline)

    assert pipeline.serving() == "v1"
    assert len(held(pipeline)) == 1
    assert pipeline.told(second) == []
    sweep_after(pipeline, 2 * HOUR)
    assert pipeline.serving() == "v2"


# Pauses -----------------------------------------------------------------------------------------------


def pause(pipeline: Pipeline, item: str = "*", **texts: Any) -> None:
    """Write a pause as an operator does: with an own identity, and by one call."""
    written = {key: value if isinstance(value, dict) else {"S": value} for key, value in texts.items()}
    key = {"endpoint": {"S": PAUSES}, "item": {"S": item}}
    pipeline.cloud.client("dynamodb").put_item(TableName=TABLE, Item={**key, **written})


def end_pause(pipeline: Pipeline, item: str = "*") -> None:
    key = {"endpoint": {"S": PAUSES}, "item": {"S": item}}
    pipeline.cloud.client("dynamodb").delete_item(TableName=TABLE, Key=key)


def serving_one() -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage()
    approved(pipeline)
    return pipeline


@pytest.mark.parametrize("item", ["*", ENDPOINT, ENDPOINT.upper()])
def test_a_paused_endpoint_gets_nothing_new_until_somebody_ends_the_pause(item: str) -> None:
    pipeline = serving_one()
    pause(pipeline, item, reason="incident 7", by="ada")
    second = approved(pipeline)
    for _ in range(3):
        sweep_after(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == []
    [message] = held(pipeline)
    assert "by ada, until somebody ends it: incident 7. Going back" in message

    end_pause(pipeline, item)
    sweep_after(pipeline)
    assert pipeline.serving() == "v2"


def test_a_pause_ends_by_itself() -> None:
    pipeline = serving_one()
    until = pipeline.clock.now() + timedelta(minutes=50)
    pause(pipeline, reason="incident 7", by="ada", until=until.isoformat())
    approved(pipeline)
    sweep_after(pipeline, 45 * 60)
    assert pipeline.serving() == "v1"

    sweep_after(pipeline)
    assert pipeline.serving() == "v2"


def test_a_pause_of_another_endpoint_is_none_of_this_one() -> None:
    pipeline = serving_one()
    pause(pipeline, f"{ENDPOINT}-2", reason="incident 7", by="ada")
    approved(pipeline)

    assert pipeline.serving() == "v2"


def test_a_reject_goes_back_in_a_pause_and_reads_none() -> None:
    pipeline = serving_one()
    second = approved(pipeline)
    pause(pipeline, reason="incident 7", by="ada")
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert held(pipeline) == []


def test_a_pause_that_comes_while_the_release_is_made_still_holds_it_back() -> None:
    pipeline = serving_one()
    pipeline.client_of("sagemaker").meta.events.register(
        "after-call.sagemaker.CreateEndpointConfig",
        lambda **_: pause(pipeline, reason="incident 7", by="ada"),
    )
    second = approved(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == []
    assert len(held(pipeline)) == 1


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ({}, "as reason is missing and by is missing"),
        ({"reason": {"N": "7"}, "by": "ada"}, "as reason is no text"),
        ({"reason": "x", "by": "ada", "until": "soon"}, "as until is no time: soon"),
        ({"reason": "x", "by": "ada", "until": {"N": "1790000000"}}, "as until is no text"),
        ({"reason": "x", "by": "ada", "until": "9999-12-31T23:59:59-12:00"}, "as until is no time: 9999"),
        ({"reason": "x" * 3000, "by": "ada", "until": "2020"}, "as until is no time: 2020"),
        ({"reason": {"L": []}, "by": {"NULL": True}}, "as reason is no text and by is no text"),
    ],
)
def test_a_malformed_pause_is_one_all_the_same_and_stops_no_reject(texts: dict[str, Any], fault: str) -> None:
    pipeline = serving_one()
    second = approved(pipeline)
    pause(pipeline, **texts)
    approved(pipeline)
    sweep_after(pipeline)
    assert pipeline.serving() == "v2"
    [message] = held(pipeline)
    assert fault in message

    pipeline.reject(second)
    pipeline.run()
    assert pipeline.serving() == "v1"


# Companions -------------------------------------------------------------------------------------------


def test_a_new_shadow_waits_and_a_rejected_one_is_taken_off() -> None:
    pipeline = Shadowing()
    pipeline.approved_by("lead", pipeline.register())
    second, third = pipeline.register(), pipeline.register()
    pipeline.approved_by("scientist", second)
    pipeline.manage(**SHADOWED, **window(pipeline))
    pipeline.approved_by("scientist", third)
    assert served(pipeline) == {"AllTraffic": "v1", "Shadow": "v2"}
    assert "version 3 of churn-models as the shadow of version 1" in held(pipeline)[0]

    pipeline.reject(second)
    pipeline.run()
    assert served(pipeline) == {"AllTraffic": "v1"}

    sweep_after(pipeline, 2 * HOUR)
    assert served(pipeline) == {"AllTraffic": "v1", "Shadow": "v3"}


def test_going_back_takes_no_new_shadow_along() -> None:
    pipeline = Shadowing()
    first, second, third = pipeline.register(), pipeline.register(), pipeline.register()
    pipeline.approved_by("lead", first)
    pipeline.approved_by("lead", second)
    pipeline.manage(**SHADOWED, **window(pipeline))
    pipeline.approved_by("scientist", third)
    pipeline.reject(second)
    pipeline.run()

    assert served(pipeline) == {"AllTraffic": "v1"}


def test_a_pin_that_is_rejected_is_taken_off_and_one_that_is_back_waits() -> None:
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST)
    first = pipeline.register("Approved")
    pipeline.approve(pipeline.register())
    pipeline.run()
    pipeline.manage(**AB_TEST, **window(pipeline))
    sweep_after(pipeline, 1)
    pipeline.reject(first)
    pipeline.run()
    assert served(pipeline) == {"Challenger": "v2"}

    pipeline.approve(first)
    pipeline.run()
    assert served(pipeline) == {"Challenger": "v2"}
    assert len(held(pipeline)) == 1
