"""Decides whether an endpoint at rest needs anything: tags, scaling, a word to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.contract import CONCURRENCY, INSTANCES
from deployer.decisions.at_rest import half_tagged, is_chosen, is_unchanged, is_up_to_date, tag_steps
from deployer.decisions.autoscaling import half_changed, is_scaling_unsure, scaling_steps, to_deregister
from deployer.decisions.choice import Choice, Decision
from deployer.decisions.pins import left_out
from deployer.model.approval import Ineligible
from deployer.model.attempt import AttemptStatus
from deployer.model.endpoint import EndpointSummary
from deployer.model.history import History, LastObserved
from deployer.model.release import all_tags
from deployer.model.steps import ChangeTags, DeregisterScaling, RegisterScaling
from tests.unit.deployer.builders import (
    NOW,
    approval,
    deployment,
    facts,
    history_of,
    minutes,
    model_version,
    release,
    settings,
)

STACK = "Greenlight"
TAGS = all_tags(settings(), STACK)
REST = LastObserved(NOW, "churn-v1", NOW, TAGS, alarms_seen_at=NOW)
SEEN = EndpointSummary("InService", NOW)
CONFIG = release(1).endpoint_config_name


def test_an_endpoint_is_up_to_date_if_tags_scaling_and_reports_are() -> None:
    assert is_up_to_date(settings(), REST, stack_name=STACK)
    assert not is_up_to_date(settings(), REST, stack_name="Another")
    assert not is_up_to_date(settings(), replace(REST, tags={}), stack_name=STACK)
    assert not is_up_to_date(settings(), replace(REST, scaling={"A": {}}), stack_name=STACK)
    assert not is_up_to_date(settings(), replace(REST, reported=("See to it",)), stack_name=STACK)
    assert is_up_to_date(settings(), replace(REST, alarms_seen_at=None), stack_name=STACK)


def test_an_endpoint_is_unchanged_if_a_list_shows_it_as_it_was_left() -> None:
    def unchanged(summary: EndpointSummary, history: History) -> bool:
        return is_unchanged(settings(), history, summary, stack_name=STACK)

    left = history_of(last_observed=REST)

    assert unchanged(SEEN, left)
    assert not unchanged(replace(SEEN, status="Updating"), left)
    assert not unchanged(replace(SEEN, last_modified_time=minutes(1)), left)
    assert not unchanged(SEEN, history_of([deployment()], last_observed=REST))
    assert not unchanged(SEEN, history_of(last_observed=replace(REST, tags={})))
    assert not unchanged(SEEN, history_of(last_observed=replace(REST, alarms_seen_at=None)))


def test_what_serves_is_chosen_if_it_is_the_release_and_people_know_the_rest() -> None:
    chosen = Choice(approval(1), release(1))
    known = Ineligible(replace(approval(2), ineligible_reported="Too large"), "Too large", "Shrink it")
    news = replace(known, reason="Another reason")

    assert is_chosen(Decision(chosen), CONFIG)
    assert is_chosen(Decision(chosen, ineligible=(known,)), CONFIG)
    assert not is_chosen(Decision(chosen, ineligible=(known, news)), CONFIG)
    assert not is_chosen(Decision(chosen), "churn-v2")
    assert not is_chosen(Decision(replace(chosen, keeps_serving=True)), CONFIG)
    assert not is_chosen(Decision(None), None)


def test_tags_that_differ_are_put_on_and_others_are_taken_off() -> None:
    last = LastObserved(tags={**TAGS, "team": "other", "gone": "x"})

    assert tag_steps(settings(), last, "arn", stack_name=STACK) == [
        ChangeTags("arn", {"team": "growth"}, frozenset({"gone"}), TAGS)
    ]
    assert tag_steps(settings(), REST, "arn", stack_name=STACK) == []


def test_tags_that_may_be_half_changed_are_put_right_whichever_are_wanted_next() -> None:
    before = all_tags(settings(Tags={"team": "growth", "cost": "1"}), STACK)
    after = all_tags(settings(Tags={"team": "risk", "owner": "ada"}), STACK)
    half = LastObserved(tags=half_tagged(before, after))

    for tags in ({"team": "growth", "cost": "1"}, {"team": "risk", "owner": "ada"}, {}):
        [step] = tag_steps(settings(Tags=tags), half, "arn", stack_name=STACK)
        assert step.add == tags
        assert step.remove == {"team", "cost", "owner"} - tags.keys()


def test_scaling_that_differs_is_registered_and_what_ended_is_deregistered() -> None:
    """A variant that only the settings name, or that is to be on instances, comes with the next release."""

    def scaling(fewest: int) -> dict[str, Any]:
        return {"ScalableDimension": INSTANCES, "MinCapacity": fewest}

    wanted = {
        "New": scaling(1),
        "Same": scaling(2),
        "Larger": scaling(4),
        "Later": scaling(1),
        "ServerlessYet": scaling(1),
    }
    registered = {"Same": scaling(2), "Larger": scaling(3), "Z": scaling(6), "Ended": scaling(5)}
    scaled_by = {**dict.fromkeys(("New", "Same", "Larger"), INSTANCES), "ServerlessYet": CONCURRENCY}

    assert scaling_steps(wanted, registered, scaled_by) == [
        DeregisterScaling("Ended", scaling(5)),
        DeregisterScaling("Z", scaling(6)),
        RegisterScaling("Larger", scaling(4), scaling(3)),
        RegisterScaling("New", scaling(1), {}),
    ]


def test_scaling_is_unsure_after_an_update_that_the_journal_does_not_show() -> None:
    served = deployment(1, number=1, status=AttemptStatus.SUCCEEDED)
    failed = deployment(2, number=2, status=AttemptStatus.FAILED)
    known = history_of([served, failed])

    assert not is_scaling_unsure(known, served.endpoint_config_name)
    assert not is_scaling_unsure(known, failed.endpoint_config_name), "it failed its test, and serves"
    assert is_scaling_unsure(known, "churn-v3")
    seen = replace(known, last_observed=LastObserved(endpoint_config_name="churn-v3"))
    assert not is_scaling_unsure(seen, "churn-v3")


def test_scaling_that_may_be_half_changed_is_registered_whichever_is_wanted_next() -> None:
    def scaling(*names: str) -> dict[str, Any]:
        actions = [{"ScheduledActionName": each} for each in names]
        return {"ScalableDimension": "count", "MaxCapacity": len(names), "ScheduledActions": actions}

    before, after = scaling("night", "day"), scaling("day")
    half = half_changed(before, after)

    for wanted in (before, after):
        [step] = scaling_steps({"A": wanted}, {"A": half}, {"A": "count"})
        assert {each["ScheduledActionName"] for each in step.applied["ScheduledActions"]} == {"night", "day"}


def test_a_variant_that_goes_or_changes_its_instance_type_is_deregistered_first() -> None:
    large, larger = {"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.m5.xlarge"}
    serving = [
        {"VariantName": "Same", **large},
        {"VariantName": "Changed", **large},
        {"VariantName": "Gone", **large},
        {"VariantName": "GoneServerless"},
        {"VariantName": "Serverless"},
    ]
    wanted = [
        {"VariantName": "Same", **large},
        {"VariantName": "Changed", **larger},
        {"VariantName": "Serverless"},
    ]

    assert to_deregister(serving, wanted) == {"Changed", "Gone", "GoneServerless"}


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_a_pinned_variant_is_left_out_while_its_version_may_not_serve(status: str) -> None:
    pinned = settings(
        ModelPackageGroupName="arn:aws:sagemaker:eu-central-1:111122223333:model-package-group/churn-models",
        CreateEndpointConfig={
            "ProductionVariants": [
                {"VariantName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
                for name in ("A", "B", "C")
            ]
        },
        Pins={"B": 8, "C": 9},
    )
    versions = [model_version(8, approval_status=status), model_version(9)]

    told = left_out(facts(under=pinned, versions=versions))

    if status == "Approved":
        assert told is None
    else:
        assert told == (
            "Left out of churn: B (version 8: not approved in churn-models). "
            "The other variants take the calls. Approve the version, or pin another."
        )
