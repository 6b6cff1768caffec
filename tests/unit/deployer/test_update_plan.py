"""Plan an update's further needs: retained properties, scaling to end, an alarm to clear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.plan import Deploy, complete, was_put_off
from deployer.model.attempt import AttemptStatus
from deployer.model.endpoint_config import EndpointConfig
from deployer.model.history import History, LastObserved
from deployer.model.steps import ClearAbortAlarm, CreateEndpoint, DeregisterScaling, UpdateEndpoint
from tests.unit.deployer.builders import clean_up, deployment, history_of, release, settings

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt

RELEASE = release(1)
REQUEST = {"EndpointName": "churn", "EndpointConfigName": RELEASE.endpoint_config_name}
UPDATE = Deploy((), UpdateEndpoint(REQUEST))
SCALES = {
    "AllTraffic": {
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
    }
}
PUT_OFF = deployment(1, status=AttemptStatus.WITHDRAWN, reason="It may not end its scaling")
KEPT = {"RetainAllVariantProperties": True}


def variant(instance_type: str = "ml.m5.large", name: str = "AllTraffic", **members: Any) -> dict[str, Any]:
    return {"VariantName": name, "InstanceType": instance_type, **members}


def config(*variants: dict[str, Any]) -> EndpointConfig:
    return EndpointConfig.of({"ProductionVariants": variants})


def history(*attempts: Attempt, reported: tuple[str, ...] = (), **scaling: Any) -> History:
    return history_of(attempts, last_observed=LastObserved(scaling=scaling, reported=reported))


def completed(
    *attempts: Attempt, serving: EndpointConfig | None, reported: tuple[str, ...] = (), **scaling: Any
) -> Deploy:
    """Complete an update to one variant on a larger instance, under settings by which it scales."""
    scales = settings(AutoScaling=SCALES)
    known = history(*attempts, reported=reported, **scaling)
    wanted = config(variant("ml.m5.xlarge"))
    return complete(UPDATE, RELEASE, scales, known, serving=serving, wanted=wanted, running={})


def test_an_update_keeps_properties_and_first_ends_scaling_that_was_registered() -> None:
    kept = replace(UPDATE, change=UpdateEndpoint({**REQUEST, **KEPT}))
    ended = (DeregisterScaling("AllTraffic", {"min": 1}),)
    serving = config(variant())

    assert completed(serving=serving) == kept
    assert completed(serving=serving, AllTraffic={"min": 1}) == replace(kept, guards=ended)
    assert completed(serving=config(variant("ml.m5.xlarge")), AllTraffic={"min": 1}) == kept
    assert completed(serving=serving, Other={"min": 1}) == kept


def test_after_an_attempt_that_could_not_end_scaling_that_comes_before_the_next_one() -> None:
    """The wanted scaling counts too: that attempt may have registered it without a note."""
    reported = ("Not deployed. It may not end its scaling.",)
    planned = completed(PUT_OFF, serving=config(variant()), reported=reported)

    assert planned.clearing == (DeregisterScaling("AllTraffic", SCALES["AllTraffic"]),)
    assert planned.guards == ()
    known = completed(PUT_OFF, serving=config(variant()), reported=reported, AllTraffic={"min": 9})
    assert known.clearing == (DeregisterScaling("AllTraffic", {"min": 9}),)


def test_an_update_that_replaces_no_known_config_keeps_nothing_and_ends_nothing() -> None:
    assert completed(serving=None, AllTraffic={"min": 1}) == UPDATE


def test_the_abort_alarm_is_cleared_right_before_an_update_and_before_nothing_else() -> None:
    guarded = settings(AbortAlarmName="abort")
    same = config(variant())
    create = Deploy((), CreateEndpoint(REQUEST))
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "abort"}]}}
    under_alarm = Deploy((), UpdateEndpoint({**REQUEST, "DeploymentConfig": alarms}))

    planned = complete(
        under_alarm,
        RELEASE,
        guarded,
        history(AllTraffic={"min": 1}),
        serving=same,
        wanted=config(variant("ml.m5.xlarge")),
        running={},
    )

    assert planned.guards == (DeregisterScaling("AllTraffic", {"min": 1}), ClearAbortAlarm("abort"))
    assert complete(create, RELEASE, guarded, history(), serving=None, wanted=same, running={}) == create
    # An update that goes out without its guardrails names no alarm.
    assert complete(UPDATE, RELEASE, guarded, history(), serving=None, wanted=same, running={}) == UPDATE


@pytest.mark.parametrize(
    ("latest", "reported"),
    [
        (None, PUT_OFF.reason),
        (clean_up(status=AttemptStatus.WITHDRAWN, reason=PUT_OFF.reason), PUT_OFF.reason),
        (replace(PUT_OFF, status=AttemptStatus.FAILED), PUT_OFF.reason),
        (replace(PUT_OFF, endpoint_config_name="churn-v2"), PUT_OFF.reason),
        (replace(PUT_OFF, reason=None), "None"),
        (PUT_OFF, "Something else"),
        (PUT_OFF, None),
    ],
    ids=["nothing tried", "a clean-up", "failed", "another release", "no reason", "not told", "told nothing"],
)
def test_only_a_withdrawn_attempt_at_this_release_that_people_heard_of_was_put_off(
    latest: Attempt | None, reported: str | None
) -> None:
    attempts = (latest,) if latest is not None else ()
    told = (reported,) if reported is not None else ()

    assert not was_put_off(history(*attempts, reported=told), RELEASE)
    assert was_put_off(history(PUT_OFF, reported=("Another.", f"Not yet: {PUT_OFF.reason}")), RELEASE)
