"""Decides which alarms and guardrails an update goes out with, and when it waits for an alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.endpoint_changes import refused_after_all
from deployer.decisions.guardrails import (
    guard_after_abort,
    guard_change,
    guard_with_alarms,
    rollback_alarms,
    with_alarms_unread,
    without_alarms,
)
from deployer.decisions.plan import CannotChange, Deploy, WaitForAlarms
from deployer.model.attempt import Action, AttemptStatus, Deployment
from deployer.model.endpoint_config import Shape
from deployer.model.history import LastObserved
from deployer.model.steps import CreateEndpoint, UpdateEndpoint
from tests.unit.deployer.builders import clean_up, deployment, endpoint, history_of, minutes

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt

SERVING = endpoint().endpoint_config_name
POLICY = {"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 60}}


def update(*alarms: str, **config: Any) -> UpdateEndpoint:
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": each} for each in alarms]}
    request = {"EndpointName": "churn", "EndpointConfigName": "churn-v1"}
    return UpdateEndpoint({**request, "DeploymentConfig": config} if config else request)


def rolled_back(**changes: Any) -> Attempt:
    """Build a rollout that an alarm ended: the previous release serves again."""
    status, accepted_at, settled_at = AttemptStatus.FAILED, minutes(-30), minutes(0)
    return deployment(**{"status": status, "accepted_at": accepted_at, "settled_at": settled_at, **changes})


def decided(*attempts: Attempt, at: float = 1, **seen: Any) -> object:
    deploy = Deploy((), update("errors", "latency", **POLICY))
    known = [each for each in attempts if isinstance(each, Deployment)]
    return guard_with_alarms(deploy, {"errors"}, known, endpoint(**seen), now=minutes(at))


WITHOUT = Deploy((), replace(update("latency", **POLICY), alarms_left_out=("errors",)))


class TestAlarms:
    def test_only_an_update_has_any(self) -> None:
        assert rollback_alarms(Deploy((), update("errors", "latency"))) == ("errors", "latency")
        assert rollback_alarms(Deploy((), update())) == ()
        assert rollback_alarms(Deploy((), CreateEndpoint({"EndpointName": "churn"}))) == ()

    def test_alarms_that_are_off_or_another_endpoint_s_change_nothing(self) -> None:
        deploy = Deploy((), update("errors"))

        assert guard_with_alarms(deploy, {"theirs"}, (), endpoint(), now=minutes(0)) is deploy
        assert without_alarms(update("errors"), {"theirs"}) == update("errors")

    def test_an_update_waits_until_the_end_of_an_abort_must_have_been_seen(self) -> None:
        deploy = Deploy((), update("abort", "errors"))

        def after_abort(at: float, *later: Attempt, is_cleaned_up: bool = False) -> object:
            aborted = rolled_back(status=AttemptStatus.ABORTED, abort_asked_at=minutes(-5))
            history = history_of([*later, aborted])
            if is_cleaned_up:
                history = history_of(later, last_observed=LastObserved(abort_ended_at=minutes(0)))
            return guard_after_abort(deploy, history, endpoint(), abort_alarm_name="abort", now=minutes(at))

        withdrawn = deployment(number=2, status=AttemptStatus.WITHDRAWN)
        back = deployment(
            number=2, status=AttemptStatus.SUCCEEDED, accepted_at=minutes(1), endpoint_config_name="before"
        )
        assert after_abort(1) == WaitForAlarms(("abort",), minutes(5))
        assert after_abort(1, withdrawn) == WaitForAlarms(("abort",), minutes(5))
        assert after_abort(5) is deploy
        assert after_abort(4, back) == WaitForAlarms(("abort",), minutes(5))
        assert after_abort(4, back, is_cleaned_up=True) == WaitForAlarms(("abort",), minutes(5))
        assert after_abort(5, back, is_cleaned_up=True) is deploy

    def test_an_update_does_not_wait_if_what_was_to_be_aborted_serves(self) -> None:
        late = deployment(
            number=1,
            status=AttemptStatus.SUCCEEDED,
            accepted_at=minutes(-9),
            settled_at=minutes(0),
            abort_asked_at=minutes(-1),
        )
        planned = guard_after_abort(
            Deploy((), update("abort", "errors")),
            history_of([late]),
            endpoint(endpoint_config_name=late.endpoint_config_name),
            abort_alarm_name="abort",
            now=minutes(1),
        )

        assert planned == Deploy((), replace(update("errors"), alarms_left_out=("abort",)))

    def test_an_alarm_that_no_rollout_raised_is_left_out(self) -> None:
        assert decided() == WITHOUT
        assert without_alarms(update("errors"), {"errors"}).request == update().request
        left = replace(update("errors"), alarms_left_out=("before",))
        assert without_alarms(left, {"errors"}).alarms_left_out == ("before", "errors")

    def test_an_alarm_that_a_rollout_raised_is_waited_for_a_quarter_of_an_hour(self) -> None:
        until = minutes(15)

        assert decided(rolled_back(), at=14.9) == WaitForAlarms(("errors",), until)
        assert decided(rolled_back(), at=15) == WITHOUT
        assert decided(clean_up(), rolled_back(), at=14.9) == WaitForAlarms(("errors",), until)

    @pytest.mark.parametrize(
        "attempt",
        [
            rolled_back(status=AttemptStatus.SUCCEEDED),
            rolled_back(endpoint_config_name=SERVING),
            rolled_back(accepted_at=None, endpoint_last_modified_time=endpoint().last_modified_time),
            rolled_back(
                accepted_at=None, endpoint_last_modified_time=minutes(-90), action=Action.CREATE_ENDPOINT
            ),
        ],
        ids=["succeeded", "serves", "never began", "created it"],
    )
    def test_what_was_not_rolled_back_raised_no_alarm_that_ends(self, attempt: Attempt) -> None:
        assert decided(attempt) == WITHOUT

    def test_what_came_before_the_last_success_has_nothing_to_do_with_it(self) -> None:
        assert decided(rolled_back(status=AttemptStatus.SUCCEEDED), rolled_back()) == WITHOUT

    def test_an_attempt_that_never_began_hides_none_that_was_rolled_back(self) -> None:
        never = rolled_back(accepted_at=None, endpoint_last_modified_time=endpoint().last_modified_time)

        assert decided(never, rolled_back()) == WaitForAlarms(("errors",), minutes(15))

    def test_a_rollback_that_nobody_saw_begin_ended_when_the_endpoint_was_touched_last(self) -> None:
        unseen = rolled_back(accepted_at=None, endpoint_last_modified_time=minutes(-90))

        assert decided(unseen, last_modified_time=minutes(-5)) == WaitForAlarms(("errors",), minutes(10))

    def test_a_rollback_that_failed_is_not_waited_for(self) -> None:
        assert decided(rolled_back(), status="UpdateRollbackFailed") == WITHOUT

    def test_alarms_that_could_not_be_read_guard_all_the_same(self) -> None:
        assert with_alarms_unread(Deploy((), update("errors"))) == Deploy(
            (), replace(update("errors"), alarms_unread=True)
        )


ONE = Shape(frozenset({"A"}))
TO_ASYNCHRONOUS = "the endpoint answers in real time and is to be asynchronous"
SHADOW = "a shadow comes or goes"
VARIANTS = "variants come, go or have other names"


def changed(old: Shape, new: Shape, *, refused_before: bool = False, guarded: bool = True) -> object:
    change = update(**POLICY) if guarded else update()
    return guard_change(Deploy((), change), old, new, refused_before=refused_before)


class TestChanges:
    def test_a_change_that_is_made_goes_out_as_it_is(self) -> None:
        assert changed(ONE, ONE) == Deploy((), update(**POLICY))
        assert changed(ONE, ONE, refused_before=True) == Deploy((), update(**POLICY))

    def test_a_change_that_is_refused_is_not_asked_for(self) -> None:
        assert changed(ONE, replace(ONE, serverless=True)) == CannotChange(
            "the endpoint serves on instances and is to be serverless"
        )

    def test_a_change_of_which_nobody_knows_is_asked_for_once(self) -> None:
        asynchronous = replace(ONE, asynchronous=True)

        asked = replace(update(**POLICY), unknown_changes=(TO_ASYNCHRONOUS,))
        assert changed(ONE, asynchronous) == Deploy((), asked)
        assert changed(ONE, asynchronous, refused_before=True) == CannotChange(TO_ASYNCHRONOUS)

    def test_a_change_that_is_not_guarded_goes_out_without_guardrails_and_says_so(self) -> None:
        other = replace(ONE, variants=frozenset({"B"}))

        assert changed(ONE, other) == Deploy((), replace(update(), unguarded=VARIANTS))
        assert changed(ONE, other, guarded=False) == Deploy((), update())

    def test_what_is_unknown_only_under_guardrails_is_known_without_them(self) -> None:
        shadowed = Shape(frozenset({"B"}), shadowed=True)
        asynchronous = replace(shadowed, asynchronous=True)

        assert changed(ONE, shadowed) == Deploy((), replace(update(), unguarded=VARIANTS))
        assert changed(ONE, asynchronous) == Deploy(
            (), replace(update(), unguarded=VARIANTS, unknown_changes=(TO_ASYNCHRONOUS,))
        )

    def test_a_refusal_in_the_words_of_a_change_is_for_that_change(self) -> None:
        def found(*changes: str, refusal: str) -> str | None:
            change = refused_after_all(changes, refusal)
            return change.name if change is not None else None

        assert found(TO_ASYNCHRONOUS, SHADOW, refusal="Cannot add AsyncInferenceConfig") == TO_ASYNCHRONOUS
        assert found(TO_ASYNCHRONOUS, SHADOW, refusal="ShadowProductionVariants") == SHADOW
        assert found(SHADOW, refusal="AsyncInferenceConfig") is None
        assert found(TO_ASYNCHRONOUS, refusal="No such model") is None
        assert found(VARIANTS, refusal="No such model") is None
