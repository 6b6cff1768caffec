"""The way back: which updates go back, and by which request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.decisions.choice import Choice
from deployer.decisions.going_back import goes_back, planned_at_once, repairs
from deployer.decisions.plan import Deploy
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.release import Release
from deployer.model.smoke_test import Failure
from deployer.model.steps import CreateEndpoint, UpdateEndpoint
from tests.unit.deployer.builders import (
    approval,
    deployment,
    endpoint,
    history_of,
    minutes,
    release,
    settings,
)

ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "abort"}, {"AlarmName": "errors"}]}}
AT_ONCE = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
    }
}
HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
ONE = {"Type": "INSTANCE_COUNT", "Value": 1}


def blue_green(kind: str, **more: Any) -> dict[str, Any]:
    traffic = {"Type": kind, "WaitIntervalInSeconds": 600, **more}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": 300},
        **ALARMS,
    }


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        pytest.param(blue_green("CANARY", CanarySize=ONE), AT_ONCE, id="canary"),
        pytest.param(blue_green("LINEAR", LinearStepSize=ONE), AT_ONCE, id="linear"),
        pytest.param(blue_green("ALL_AT_ONCE"), AT_ONCE, id="all at once, with a wait"),
        pytest.param(ALARMS, AT_ONCE, id="alarms alone"),
        pytest.param(
            {
                "BlueGreenUpdatePolicy": {
                    **blue_green("ALL_AT_ONCE")["BlueGreenUpdatePolicy"],
                    "MaximumExecutionTimeoutInSeconds": 900,
                }
            },
            {
                "BlueGreenUpdatePolicy": {
                    **AT_ONCE["BlueGreenUpdatePolicy"],
                    "MaximumExecutionTimeoutInSeconds": 900,
                }
            },
            id="with a time limit",
        ),
        pytest.param(
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": ONE,
                    "WaitIntervalInSeconds": 300,
                    "RollbackMaximumBatchSize": ONE,
                },
                **ALARMS,
            },
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": HALF,
                    "WaitIntervalInSeconds": 0,
                    "RollbackMaximumBatchSize": ONE,
                }
            },
            id="rolling",
        ),
    ],
)
def test_the_way_back_has_no_steps_no_waits_and_no_alarms(
    forward: dict[str, Any], back: dict[str, Any]
) -> None:
    update = UpdateEndpoint(release(1, settings(DeploymentConfig=forward)).update_endpoint)

    planned = planned_at_once(Deploy((), update)).change

    assert isinstance(planned, UpdateEndpoint)
    assert planned.at_once
    assert planned.alarm_names == ()
    assert planned.request == {**update.request, "DeploymentConfig": back}
    assert "guarded by no alarm" in str(planned)


@pytest.mark.parametrize(
    "change",
    [
        UpdateEndpoint(release().update_endpoint),
        CreateEndpoint(release().create_endpoint),
    ],
    ids=["an update that is all at once anyway", "a creation"],
)
def test_what_has_no_guardrails_stays_as_it_is(change: UpdateEndpoint | CreateEndpoint) -> None:
    deploy = Deploy((), change)

    assert planned_at_once(deploy) is deploy


# Which update goes back -------------------------------------------------------------------------------

V1, V2 = approval(1, minutes(-9)), approval(2, minutes(-5))
V1_AGAIN = approval(1, minutes(-2))


def live(version: int, number: int, **changes: Any) -> Deployment:
    return deployment(
        version,
        **{
            "number": number,
            "approved_at": minutes(-9 if version == 1 else -5),
            "status": AttemptStatus.SUCCEEDED,
            "settled_at": minutes(-9 + number),
            **changes,
        },
    )


SERVED = [live(2, 2), live(1, 1)]
FAILED_TEST = {
    "status": AttemptStatus.FAILED,
    "failed_test": Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200"),
}


def on(version: int, **changes: Any) -> Any:
    return endpoint(endpoint_config_name=release(version).endpoint_config_name, **changes)


@pytest.mark.parametrize(
    ("attempts", "chosen", "is_back"),
    [
        pytest.param(SERVED, V1, True, id="an older version that served well"),
        pytest.param([live(2, 2)], V1, False, id="an older version that never served"),
        pytest.param(SERVED, V1_AGAIN, False, id="an older version that was approved again"),
        pytest.param(
            [live(2, 2), live(1, 1, artifact_digest="other content")],
            V1,
            False,
            id="an older version that served well with other content",
        ),
        pytest.param(
            [live(2, 3), live(1, 2, **FAILED_TEST), live(1, 1)],
            V1,
            False,
            id="an older version that failed another smoke test since",
        ),
        pytest.param(SERVED, V2, False, id="the version that serves, with other settings"),
    ],
)
def test_an_update_goes_back_to_an_older_version_that_served_well(
    attempts: list[Deployment], chosen: Any, *, is_back: bool
) -> None:
    choice = Choice(chosen, release(chosen.version, settings(Tags={})))

    assert goes_back(history_of(attempts, [V2, chosen]), choice, on(2)) is is_back


def test_an_approval_that_was_renewed_while_its_version_serves_makes_the_others_older() -> None:
    between = approval(2, minutes(-5))
    history = history_of([live(1, 3), live(2, 2), live(1, 1)], [V1_AGAIN, between])

    assert goes_back(history, Choice(between, release(2)), on(1))


def test_an_approval_that_does_not_count_makes_no_other_one_older() -> None:
    ignored = approval(2, minutes(-1), objection="not an approver")
    history = history_of([live(2, 2), live(1, 1)], [ignored, V1_AGAIN])

    assert not goes_back(history, Choice(V1_AGAIN, release(1)), on(2))


def test_a_former_release_goes_back_also_if_nothing_serves() -> None:
    choice = Choice(V1, Release.former(settings(), live(1, 1), stack_name="Greenlight"))

    assert goes_back(history_of(SERVED, [V1]), choice, None)
    assert goes_back(history_of(SERVED, [V1]), choice, on(1))


def test_an_old_version_that_was_approved_again_goes_forward_also_as_it_served() -> None:
    former = Release.former(settings(), live(1, 1), stack_name="Greenlight")

    assert not goes_back(history_of(SERVED, [V1_AGAIN]), Choice(V1_AGAIN, former), on(2))
    assert goes_back(history_of(SERVED, [V1]), Choice(V1, former), on(2))


@pytest.mark.parametrize(
    ("attempts", "is_back"),
    [
        pytest.param([live(1, 2, **FAILED_TEST), live(1, 1)], True, id="it failed its test with the shadow"),
        pytest.param([live(1, 2), live(1, 1)], False, id="the shadow left for another reason"),
        pytest.param([live(1, 2, **FAILED_TEST)], False, id="it never served without the shadow"),
    ],
)
def test_a_version_goes_back_to_its_config_without_the_shadow_with_which_it_failed_its_test(
    attempts: list[Deployment], *, is_back: bool
) -> None:
    attempts = [replace(attempts[0], endpoint_config_name="with-shadow"), *attempts[1:]]
    serving = endpoint(endpoint_config_name="with-shadow")
    history = history_of([*attempts, live(1, 0, endpoint_config_name="before")], [V1])

    assert goes_back(history, Choice(V1, release(1)), serving) is is_back


def test_nothing_goes_back_from_an_endpoint_that_serves_nothing_known() -> None:
    choice = Choice(V1, release(1))

    assert not goes_back(history_of(SERVED, [V1]), choice, None)
    assert not goes_back(history_of(SERVED, [V1]), choice, endpoint(endpoint_config_name="foreign"))


@pytest.mark.parametrize(
    ("version", "observed", "is_repair"),
    [
        pytest.param(1, endpoint(endpoint_config_name="foreign"), True, id="what somebody else put there"),
        pytest.param(1, on(1, status="UpdateRollbackFailed"), True, id="a rollback that failed"),
        pytest.param(3, endpoint(endpoint_config_name="foreign"), False, id="what never served well"),
        pytest.param(1, on(2), False, id="another version of ours"),
    ],
)
def test_what_served_well_is_repaired_at_once(version: int, observed: Any, *, is_repair: bool) -> None:
    history = history_of(SERVED, [V1, V2])

    assert repairs(history, Choice(approval(version), release(version)), observed) is is_repair


def test_what_served_well_and_was_cleaned_up_since_is_repaired_at_once() -> None:
    cleaned_up = replace(V1, served_with=release(1).endpoint_config_name)
    history = history_of([live(2, 2)], [cleaned_up, V2])
    choice = Choice(cleaned_up, release(1))

    assert repairs(history, choice, on(2, status="UpdateRollbackFailed"))
    assert not repairs(history, choice, on(2))
