"""Decides which alarms are made, changed or deleted, from the settings, the journal and CloudWatch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.decisions.alarms import are_as_wanted, are_current, plan_alarms, wanted_alarms
from deployer.decisions.guardrails import without
from deployer.decisions.plan import Deploy
from deployer.model.alarm import ObservedAlarm, definition, digest
from deployer.model.history import LastObserved
from deployer.model.steps import ClearAbortAlarm, CreateEndpoint, DeleteAlarms, PutAlarm, UpdateEndpoint
from tests.unit.deployer.builders import NOW, settings

STACK = "Greenlight"
OWN = {"greenlight:stack": STACK, "greenlight:endpoint": "churn"}
TAGS = [{"Key": key, "Value": value} for key, value in OWN.items()]


def request(name: str = "errors", **members: Any) -> dict[str, Any]:
    return {"AlarmName": name, "MetricName": "Errors", "Namespace": "N", "Threshold": 5, **members}


def seen(
    made: dict[str, Any] | None = None, tags: dict[str, str] | None = OWN, **members: Any
) -> dict[str, ObservedAlarm]:
    described = {"ActionsEnabled": True, "OKActions": [], "Dimensions": [], **(made or request()), **members}
    name = described["AlarmName"]
    return {name: ObservedAlarm(name, False, None, definition(described), tags)}  # noqa: FBT003 - its state


def planned(
    wanted: list[dict[str, Any]], observed: dict[str, ObservedAlarm], **noted: str
) -> tuple[tuple[object, ...], dict[str, str], tuple[str, ...]]:
    plan = plan_alarms(wanted, noted, observed, endpoint_name="churn", stack_name=STACK)
    assert plan.noted is not None
    return plan.steps, dict(plan.noted), plan.unusable


DIGEST = digest(request())
MAKE = PutAlarm({**request(), "Tags": TAGS}, DIGEST)


def test_what_is_missing_is_made_with_the_stacks_tags_and_noted_before() -> None:
    assert planned([request()], {}) == ((MAKE,), {"errors": ""}, ())
    assert planned([request()], {}, errors=DIGEST) == ((MAKE,), {"errors": ""}, ()), "somebody deleted it"


def test_what_is_as_it_should_be_costs_no_write() -> None:
    assert planned([request()], seen()) == ((), {"errors": DIGEST}, ())
    assert planned([request()], seen(Threshold=5.0, AlarmActions=["a topic"])) == ((), {"errors": DIGEST}, ())


@pytest.mark.parametrize(
    "members", [{"Threshold": 6}, {"DatapointsToAlarm": 3}, {"TreatMissingData": "missing"}, {"Unit": "Bits"}]
)
def test_what_differs_is_changed(members: dict[str, Any]) -> None:
    assert planned([request()], seen(**members)) == ((replace(MAKE, exists=True),), {"errors": ""}, ())


def test_the_order_of_dimensions_and_queries_makes_no_difference() -> None:
    metric = {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "b"}, {"Name": "a"}]}
    measured = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
    result = {"Id": "r", "Expression": "m"}
    one = {"Metrics": [result, measured]}
    turned = {**metric, "Dimensions": [{"Name": "a"}, {"Name": "b"}]}
    shown = {"Id": "m", "MetricStat": {"Metric": turned, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
    other = {"Metrics": [shown, {**result, "ReturnData": True}]}

    assert definition(one) == definition(other)
    assert definition({"Dimensions": metric["Dimensions"]}) == definition(
        {"Dimensions": turned["Dimensions"]}
    )


@pytest.mark.parametrize("tags", [None, {}, {"greenlight:stack": "Another"}])
def test_what_is_anothers_is_neither_changed_nor_deleted_and_a_person_is_told(
    tags: dict[str, str] | None,
) -> None:
    assert planned([request()], seen(tags=tags, Threshold=6)) == ((), {}, ("errors",))
    assert planned([], seen(tags=tags), errors=DIGEST) == ((), {}, ())

    [one, two] = (seen(request(name), tags=tags) for name in ("errors", "latency"))
    single = plan_alarms([request()], {}, one, endpoint_name="churn", stack_name=STACK)
    both = plan_alarms(
        [request(), request("latency")], {}, {**one, **two}, endpoint_name="churn", stack_name=STACK
    )
    assert single.trouble is not None
    assert "The alarm errors of endpoint churn is not of stack Greenlight" in single.trouble
    assert both.trouble is not None
    assert "The alarms errors, latency of endpoint churn are not" in both.trouble


def test_what_the_settings_no_longer_have_is_deleted_and_noted_until_it_is() -> None:
    both = {**seen(), **seen(request("latency"))}
    delete = DeleteAlarms(("latency",))

    assert planned([request()], both, errors=DIGEST, latency="1") == (
        (delete,),
        {"errors": DIGEST, "latency": "1"},
        (),
    )
    assert planned([request()], seen(), errors=DIGEST, latency="1") == ((), {"errors": DIGEST}, ())
    assert planned([request()], both, errors=DIGEST)[0] == (), "the journal knows of no such alarm"


def test_an_update_waits_for_what_it_needs_and_not_for_a_deletion() -> None:
    both = {**seen(Threshold=6), **seen(request("latency"))}
    plan = plan_alarms([request()], {"latency": "1"}, both, endpoint_name="churn", stack_name=STACK)

    assert plan.puts == (replace(MAKE, exists=True),)
    assert plan.steps == (*plan.puts, DeleteAlarms(("latency",)))


def test_alarms_are_read_again_when_the_settings_change() -> None:
    guarded = settings(RollbackAlarms=[request()])
    last = LastObserved(alarms=wanted_alarms(guarded), alarms_seen_at=NOW)

    assert are_current(guarded, last)
    assert not are_current(guarded, replace(last, alarms_seen_at=None))
    assert not are_current(settings(RollbackAlarms=[request(Threshold=6)]), last)
    assert not are_current(settings(), last)
    assert are_current(settings(), LastObserved(alarms_seen_at=NOW))
    assert not are_current(settings(), LastObserved()), "a lost journal knows no alarms"


def test_a_check_sees_an_alarm_that_is_missing_or_was_changed() -> None:
    wanted = [request(), request("latency")]

    assert are_as_wanted(wanted, {**seen(), **seen(request("latency"))})
    assert not are_as_wanted(wanted, seen())
    assert not are_as_wanted(wanted, {**seen(Threshold=6), **seen(request("latency"))})
    assert are_as_wanted([], {})


def test_an_update_that_does_without_alarms_touches_none_of_them() -> None:
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "abort"}, {"AlarmName": "errors"}]}}
    update = UpdateEndpoint({"EndpointName": "churn", "DeploymentConfig": alarms})
    deploy = Deploy((), update, guards=(ClearAbortAlarm("abort"),))

    left = without(deploy, {"abort"})

    assert isinstance(left.change, UpdateEndpoint)
    assert (left.change.alarm_names, left.change.alarms_left_out) == (("errors",), ("abort",))
    assert left.guards == ()
    assert without(deploy, {"errors"}).guards == deploy.guards
    assert without(deploy, ()) is deploy
    assert without(create := Deploy((), CreateEndpoint({})), {"abort"}) is create
