"""How an endpoint stands, for each thing that the journal and SageMaker can show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployer.model.attempt import Action, AttemptStatus
from deployer.model.cause import Cause
from deployer.model.history import LastObserved
from deployer.model.pause import Pause
from greenlight.fleet.progress import Progress, Stage, progress_of
from greenlight.fleet.state import Seen, Standing, State, standing_of
from tests.unit.deployer.builders import NOW, approval, deployment, history_of, minutes, settings
from tests.unit.greenlight.fakes import config_of, served

SERVES = served(1, minutes_ago=12)
PAUSE = Pause(None, "incident 42", "ada", NOW + timedelta(hours=2))


def seen(**changes: Any) -> Seen:
    return Seen(
        **{
            "name": "churn",
            "settings": settings(),
            "history": history_of([SERVES], [approval(1, SERVES.approved_at)]),
            "status": "InService",
            "serving_config": config_of(1),
            **changes,
        }
    )


def standing(**changes: Any) -> Standing:
    return standing_of(seen(**changes), NOW)


def failed(version: int = 3, **changes: Any) -> Any:
    return deployment(
        version,
        **{
            "number": 2,
            "status": AttemptStatus.FAILED,
            "approved_at": minutes(-5),
            "started_at": minutes(-5),
            "accepted_at": minutes(-4),
            "settled_at": minutes(-2),
            "reason": "It did not answer.",
            **changes,
        },
    )


def test_an_endpoint_in_sync_serves_since_its_deployment_ended() -> None:
    found = standing()

    assert (found.state, found.why) == (State.IN_SYNC, "")
    assert found.serves is not None
    assert (found.serves.version, found.serves.since) == (1, minutes(-12))
    assert found.serves.approved_by.endswith("user/ada")


def test_a_version_that_came_back_serves_since_it_came_back() -> None:
    again = served(1, minutes_ago=1, number=3, rolls_back=True)

    found = standing(history=history_of([again, served(2, minutes_ago=5, number=2), SERVES]))

    assert found.serves is not None
    assert found.serves.since == minutes(-1)


@pytest.mark.parametrize(("config", "version"), [("made-by-hand", 1), ("somebody-elses", None)])
def test_an_adopted_endpoint_serves_what_its_approval_was_noted_for(config: str, version: int | None) -> None:
    last = LastObserved(endpoint_config_name="made-by-hand")
    known = history_of([], [approval(1, served_with=config_of(1))], last_observed=last)

    found = standing(history=known, serving_config=config)

    assert (found.serves.version if found.serves is not None else None) == version


def test_a_rollout_says_what_is_coming() -> None:
    coming = deployment(2, number=2, status=AttemptStatus.ACCEPTED)
    progress = Progress(Stage.BAKING, "canary", 25, minutes(-1), 600)

    found = standing(history=history_of([coming, SERVES]), status="Updating", progress=progress)

    assert (found.state, found.coming and found.coming.version) == (State.ROLLOUT, 2)
    assert found.progress is progress


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"action": Action.CREATE_ENDPOINT}, "first deployment"),
        ({"rolls_back": True}, "going back"),
        ({"status": AttemptStatus.TESTING}, "smoke test"),
        (
            {"status": AttemptStatus.OPEN, "test_endpoint_name": "churn-v2-0123456789ab"},
            "tested before its rollout",
        ),
    ],
)
def test_a_rollout_says_what_is_special_about_it(changes: dict[str, Any], why: str) -> None:
    coming = deployment(2, **{"number": 2, "status": AttemptStatus.ACCEPTED, **changes})

    found = standing(history=history_of([coming, SERVES]), status="Updating")

    assert (found.state, found.why) == (State.ROLLOUT, why)


def test_a_rollout_that_was_taken_back_goes_back() -> None:
    coming = deployment(2, number=2, status=AttemptStatus.ACCEPTED, abort_asked_at=minutes(-1))

    found = standing(history=history_of([coming, SERVES]), status="RollingBack")

    assert (found.state, found.why) == (State.ROLLING_BACK, "its approval was taken back")


@pytest.mark.parametrize(("status", "who"), [("Updating", "somebody else"), ("SystemUpdating", "SageMaker")])
def test_a_change_that_is_not_the_deployer_s_is_told_as_such(status: str, who: str) -> None:
    found = standing(status=status)

    assert found.state is State.ROLLOUT
    assert found.why.startswith(who)


def test_a_failed_version_is_told_with_its_reason_while_its_approval_stands() -> None:
    history = history_of([failed(), SERVES], [approval(3, minutes(-5)), approval(1, SERVES.approved_at)])

    found = standing(history=history)

    assert (found.state, found.why, found.at) == (State.FAILED, "It did not answer.", minutes(-2))
    assert (found.serves and found.serves.version, found.coming and found.coming.version) == (1, 3)
    assert found.retry_at is None


def test_a_failure_for_a_passing_reason_says_when_it_is_tried_again() -> None:
    history = history_of([failed(cause=Cause.PASSING), SERVES], [approval(3, minutes(-5))])

    assert standing(history=history).retry_at == minutes(8)


def test_a_failed_version_that_was_rejected_since_is_no_news() -> None:
    history = history_of([failed(), SERVES], [approval(1, SERVES.approved_at)])

    assert standing(history=history).state is State.IN_SYNC


def test_a_version_that_was_approved_again_after_its_failure_is_next() -> None:
    history = history_of([failed(), SERVES], [approval(3, minutes(-1)), approval(1, SERVES.approved_at)])

    found = standing(history=history)

    assert (found.state, found.why) == (State.WAITING, "v3 is next")


def test_a_version_that_waits_for_a_pause_is_held() -> None:
    history = history_of([SERVES], [approval(2, minutes(-1)), approval(1, SERVES.approved_at)])

    found = standing(history=history, pauses=[PAUSE])

    assert (found.state, found.at) == (State.HELD, PAUSE.until)
    assert found.why.startswith("v2 waits for a pause of all endpoints by ada")
    assert "incident 42" in found.why


def test_changed_settings_that_wait_for_a_pause_are_held() -> None:
    observed = LastObserved(reported=("Held back on churn: its changed settings.",))
    history = history_of([SERVES], [approval(1, SERVES.approved_at)], last_observed=observed)

    found = standing(history=history, pauses=[PAUSE])

    assert found.state is State.HELD
    assert found.why.startswith("changed settings wait for")


def test_a_pause_for_which_nothing_waits_is_mentioned() -> None:
    found = standing(pauses=[PAUSE])

    assert (found.state, "incident 42" in found.why) == (State.IN_SYNC, True)


def test_a_pause_that_is_over_holds_nothing() -> None:
    found = standing(pauses=[Pause(None, "incident 42", "ada", minutes(-1))])

    assert found.why == ""


def test_an_older_approval_does_not_wait() -> None:
    history = history_of([served(2, minutes_ago=3)], [approval(2, minutes(-4)), approval(1, minutes(-90))])

    assert standing(history=history, serving_config=config_of(2)).state is State.IN_SYNC


def test_what_was_reported_needs_attention() -> None:
    history = history_of([SERVES], last_observed=LastObserved(reported=("Its tags differ. Mend them.",)))

    found = standing(history=history)

    assert (found.state, found.why) == (State.ATTENTION, "Its tags differ. Mend them.")


def test_an_approval_that_may_not_go_out_needs_attention() -> None:
    waiting = approval(2, minutes(-1), ineligible_reported="its artifact changed")

    found = standing(history=history_of([SERVES], [waiting]))

    assert found.state is State.ATTENTION
    assert found.why == "v2 is approved and does not go out: its artifact changed"


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_failed_is_told_with_sagemaker_s_reason(status: str) -> None:
    found = standing(status=status, failure_reason="No capacity.", serving_config=None)

    assert (found.state, found.why) == (State.FAILED, f"the endpoint is {status}: No capacity.")


def test_settings_that_nobody_looked_at_are_next() -> None:
    assert standing(settings_are_new=True).state is State.WAITING


def test_an_endpoint_without_a_version_is_empty() -> None:
    found = standing(history=history_of(), status=None, serving_config=None)

    assert (found.state, found.why) == (State.EMPTY, "no version of churn-models was approved yet")


def test_an_endpoint_without_settings_is_unmanaged() -> None:
    found = standing(settings=None, left_at=minutes(-3))

    assert (found.state, found.at) == (State.UNMANAGED, minutes(-3))
    assert found.serves is not None


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 120,
    }
}


def updating(status: str, message: str = "", wanted: int = 4) -> dict[str, Any]:
    stage = {"Status": status, "StatusMessage": message, "StartTime": minutes(-1)}
    variant = {"VariantName": "AllTraffic", "DesiredInstanceCount": wanted, "VariantStatus": [stage]}
    return {
        "EndpointStatus": "Updating",
        "PendingDeploymentSummary": {
            "EndpointConfigName": "new",
            "StartTime": minutes(-3),
            "ProductionVariants": [variant],
        },
    }


BAKES = "Baking for 600 seconds (TerminationWaitInSeconds) with traffic enabled on"


@pytest.mark.parametrize(
    ("described", "progress"),
    [
        (
            updating("Creating", "Launching 4 instance(s)."),
            Progress(Stage.LAUNCHING, "canary", 0, minutes(-1)),
        ),
        (
            updating("Baking", f"{BAKES} canary capacity of 1 instance(s)"),
            Progress(Stage.BAKING, "canary", 25, minutes(-1), 600),
        ),
        (
            updating("Baking", f"{BAKES} full capacity of 4 instance(s)"),
            Progress(Stage.BAKING, "canary", 100, minutes(-1), 120),
        ),
        (updating("Baking"), Progress(Stage.BAKING, "canary", None, minutes(-1), 600)),
        (
            updating("Deleting", "Terminating 4 instance(s)."),
            Progress(Stage.ENDING, "canary", 100, minutes(-1)),
        ),
        (
            {"EndpointStatus": "Updating", "PendingDeploymentSummary": {"StartTime": minutes(-3)}},
            Progress(Stage.UPDATING, "canary", None, minutes(-3)),
        ),
        ({"EndpointStatus": "RollingBack"}, Progress(Stage.ROLLING_BACK, "canary")),
        (
            {"EndpointStatus": "Creating", "CreationTime": minutes(-2)},
            Progress(Stage.CREATING, "first", None, minutes(-2)),
        ),
        (
            {"EndpointStatus": "Deleting", "LastModifiedTime": minutes(-2)},
            Progress(Stage.DELETING, "canary", None, minutes(-2)),
        ),
        ({"EndpointStatus": "InService"}, None),
    ],
)
def test_how_far_a_canary_is(described: dict[str, Any], progress: Progress | None) -> None:
    assert progress_of(described, CANARY, at_once=False) == progress


def test_an_update_that_goes_at_once_has_no_steps() -> None:
    progress = progress_of(updating("Baking"), CANARY, at_once=True)

    assert progress == Progress(Stage.BAKING, "all at once", 100, minutes(-1))


def test_a_rolling_update_waits_after_each_batch() -> None:
    config = {"RollingUpdatePolicy": {"WaitIntervalInSeconds": 300, "MaximumBatchSize": {}}}

    progress = progress_of(updating("Baking"), config, at_once=False)

    assert progress is not None
    assert (progress.kind, progress.lasts_seconds) == ("rolling", 300)


def test_a_stage_lasts_no_longer_than_it_may_whatever_the_clocks_say() -> None:
    progress = Progress(Stage.BAKING, "canary", 25, NOW, 600)

    assert [progress.elapsed_seconds(minutes(each)) for each in (-1, 1, 20)] == [0, 60, 600]
