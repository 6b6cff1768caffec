"""Breaks the laws on whose fault a bad end is, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation import clients
from tests.simulation.cause_laws import CAUSE_LAWS
from tests.simulation.laws import LawBrokenError
from tests.simulation.rogues import Deployed, deployed, only_law, put_outcome, sagemaker, write_attempt
from tests.simulation.schedule import DENIED_FOR, FOREIGN, Denial, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DENIED = "AccessDeniedException: User: x is not authorized to perform: sagemaker:CreateModel on y"
QUOTA = "ResourceLimitExceeded: The account-level service limit is reached"
CONTENT = "ValidationException: The variant name(s) must be unique."
AT = "2026-01-01T01:00:00.000000+00:00"


@pytest.fixture
def scene() -> Iterator[Deployed]:
    made = deployed(Schedule(head_start=1))
    only_law(made, 30)
    yield made
    made.world.end()


@pytest.fixture
def told() -> Iterator[Deployed]:
    made = deployed(Schedule(head_start=1))
    only_law(made, 31)
    yield made
    made.world.end()


@pytest.fixture
def denied() -> Iterator[Deployed]:
    made = deployed(Schedule(head_start=1))
    only_law(made, 33)
    made.world.deny(Denial("AddTags", lasts=DENIED_FOR.index(None)), made.world.sites[0])
    yield made
    made.world.end()


@pytest.fixture
def foreign() -> Iterator[Deployed]:
    made = deployed(Schedule(head_start=1, handed_over=FOREIGN, endpoints=2))
    only_law(made, 36)
    made.world.people.take_over()
    yield made
    made.world.end()


def fail(reason: str, cause: str | None, **more: str) -> None:
    blamed = {} if cause is None else {"cause": cause}
    write_attempt(status="failed", settled_at=AT, reason=reason, **blamed, **more)


def test_every_law_has_its_rule_as_docstring() -> None:
    assert all(law.__doc__ for law in CAUSE_LAWS)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [(DENIED, "surroundings"), (QUOTA, "passing"), (CONTENT, "settings")],
)
@pytest.mark.parametrize("blamed", ["version", "settings", "surroundings", "passing", None])
def test_law_30_a_failure_is_blamed_on_its_cause(
    scene: Deployed, reason: str, cause: str, blamed: str | None
) -> None:
    if blamed == cause:
        scene.do(lambda: fail(reason, blamed))
        return
    with pytest.raises(LawBrokenError, match=r"Law30\w+: attempt 9 of churn is"):
        scene.do(lambda: fail(reason, blamed))


def test_law_30_what_sagemaker_accepted_failed_by_the_version(scene: Deployed) -> None:
    scene.do(lambda: fail("no ping", "version", accepted_at=AT))
    with pytest.raises(LawBrokenError, match=r"Law30\w+: .* is blamed on the settings, not on {'version'}"):
        scene.do(lambda: fail("no ping", "settings", accepted_at=AT))


@pytest.mark.parametrize("is_the_same", [True, False])
def test_law_30_what_sagemaker_accepted_failed_by_the_version_though_its_journal_was_put_back(
    scene: Deployed, *, is_the_same: bool
) -> None:
    attempt = scene.world.journalled("churn", "attempt#000000001")
    known = {name: attempt[name] for name in ("item", "number", "started_at", "endpoint_config_name")}
    scene.world.people.lose_journal("churn", 0)
    if not is_the_same:
        known["started_at"] = AT

    with (
        nullcontext()
        if is_the_same
        else pytest.raises(LawBrokenError, match=r"Law30\w+: .* not on {'settings'}")
    ):
        scene.do(lambda: fail("no ping", "version", **known))


def test_law_30_only_a_failure_has_a_cause(scene: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law30\w+: .* is withdrawn by the fault of version"):
        scene.do(lambda: write_attempt(status="withdrawn", settled_at=AT, cause="version"))


@pytest.mark.parametrize(
    ("reason", "cause", "kind"),
    [(DENIED, "surroundings", "failed"), (CONTENT, "settings", "needs_attention")],
)
def test_law_30_people_hear_of_hindrances_as_such_and_of_nothing_else_so(
    scene: Deployed, reason: str, cause: str, kind: str
) -> None:
    def act() -> None:
        fail(reason, cause)
        put_outcome(9, kind)

    with pytest.raises(LawBrokenError, match=rf"Law30\w+: churn/9/{kind}/.* is told of"):
        scene.do(act)


def test_law_30_an_attempt_is_told_of_as_it_was_before_its_journal_was_lost(scene: Deployed) -> None:
    scene.do(lambda: fail(CONTENT, "settings"))
    scene.world.people.lose_journal("churn", 0)

    def act() -> None:
        fail(DENIED, "surroundings")
        put_outcome(9, "failed")

    scene.do(act)


@pytest.mark.parametrize("is_hindered", [True, False])
def test_law_30_no_hindrance_is_stamped_as_a_failure(scene: Deployed, *, is_hindered: bool) -> None:
    arn = scene.world.people.versions[0].arn
    reason, cause = (DENIED, "surroundings") if is_hindered else (CONTENT, "settings")

    def act() -> None:
        fail(reason, cause, version_arn=arn)
        sagemaker().update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties={"greenlight:dev:endpoint:churn": "failed then"}
        )

    if not is_hindered:
        scene.do(act)
        return
    with pytest.raises(LawBrokenError, match=r"Law30\w+: .* and only its surroundings hindered it"):
        scene.do(act)


@pytest.mark.parametrize(("reason", "cause"), [(CONTENT, "settings"), (DENIED, "surroundings")])
def test_law_30_a_failure_stays_one_though_its_journal_was_lost(
    scene: Deployed, reason: str, cause: str
) -> None:
    arn = scene.world.people.versions[0].arn
    scene.do(lambda: fail(reason, cause, version_arn=arn))
    scene.world.people.lose_journal("churn", 0)

    def act() -> None:
        sagemaker().update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties={"greenlight:dev:endpoint:churn": "failed then"}
        )

    if cause == "settings":
        scene.do(act)
        return
    with pytest.raises(LawBrokenError, match=r"Law30\w+: .* and only its surroundings hindered it"):
        scene.do(act)


def test_law_31_what_hinders_a_release_is_told_once(told: Deployed) -> None:
    def act(number: int) -> None:
        fail(DENIED, "surroundings", item=f"attempt#{number:09d}", number=str(number))
        put_outcome(number, "needs_attention")

    told.do(lambda: act(8))
    with pytest.raises(LawBrokenError, match=r"Law31\w+: churn/9/needs_attention/.* tells again of"):
        told.do(lambda: act(9))


def tell(message: str) -> None:
    detail: dict[str, Any] = {"Outcome": "needs_attention", "EndpointName": "churn", "Message": message}
    clients.client("events").put_events(
        Entries=[
            {
                "EventBusName": "default",
                "Source": "greenlight",
                "DetailType": "Greenlight Deployment Outcome",
                "Detail": json.dumps({**detail, "OutcomeId": f"churn/event/{message}"}),
            }
        ]
    )


def tell_and_note(message: str, *lasting: str) -> None:
    tell(message)
    note(*lasting, message)


def note(*messages: str) -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key={"endpoint": {"S": "churn"}, "item": {"S": "fact#endpoint"}},
        UpdateExpression="SET #reported = :reported",
        ExpressionAttributeNames={"#reported": "reported"},
        ExpressionAttributeValues={":reported": {"S": json.dumps(messages)}},
    )


@pytest.mark.parametrize("again", ["See to it.", "See"])
def test_law_31_a_problem_that_lasts_is_told_once(told: Deployed, again: str) -> None:
    told.do(lambda: tell_and_note("See to it."))
    told.world.pass_time(1)
    told.do(lambda: tell_and_note("Another.", "See to it."))
    told.world.pass_time(1)

    with pytest.raises(LawBrokenError, match=r"Law31\w+: churn: .* is told though"):
        told.do(lambda: tell(again))


def test_law_31_what_is_noted_as_told_was_told(told: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law31\w+: churn: 'See to it.' is noted as told, and nobody"):
        told.do(lambda: note("See to it."))


def test_law_31_a_problem_that_was_gone_is_told_again(told: Deployed) -> None:
    told.do(lambda: tell_and_note("See to it."))
    told.world.pass_time(1)
    told.do(note)
    told.world.pass_time(1)

    told.do(lambda: tell("See to it."))


def test_law_31_invocations_at_the_same_time_may_find_the_same_problem(told: Deployed) -> None:
    told.do(lambda: tell_and_note("See to it."), lambda: tell("See to it."))


def tag(value: str = "risk") -> None:
    with suppress(ClientError):
        sagemaker().add_tags(
            ResourceArn="arn:aws:sagemaker:eu-central-1:1:endpoint/churn",
            Tags=[{"Key": "team", "Value": value}],
        )


def test_law_33_a_denied_write_waits_longer_each_time(denied: Deployed) -> None:
    for minutes in (0, 10, 20, 40, 80, 160, 320, 640, 1440, 1440):
        denied.world.pass_time(minutes * 60.0)
        denied.do(tag)
    denied.world.pass_time(1430 * 60.0)

    with pytest.raises(LawBrokenError, match=r"Law33\w+: .* AddTags again, which was denied 10 times"):
        denied.do(tag)


def test_law_33_the_second_delay_is_longer(denied: Deployed) -> None:
    denied.do(tag)
    denied.world.pass_time(600.0)
    denied.do(tag)
    denied.world.pass_time(600.0)

    with pytest.raises(LawBrokenError, match=r"Law33\w+: .* AddTags again, which was denied 2 times"):
        denied.do(tag)


def test_law_33_another_write_is_made_at_once(denied: Deployed) -> None:
    denied.do(tag)
    denied.world.pass_time(60.0)
    denied.do(lambda: tag("growth"))


def test_law_33_what_somebody_asks_for_is_tried_at_once(denied: Deployed) -> None:
    denied.do(tag)
    denied.world.pass_time(60.0)
    denied.world.people.register()
    denied.do(tag)


def test_law_33_a_retry_asks_for_what_was_denied_before_it(denied: Deployed) -> None:
    denied.do(tag)
    denied.world.pass_time(60.0)
    denied.world.people.retries.ask("churn", 0, tells=False)
    denied.do(tag)


def test_law_33_a_retry_asks_for_nothing_that_is_denied_after_it(denied: Deployed) -> None:
    denied.world.people.retries.ask("churn", 0, tells=False)
    denied.world.pass_time(60.0)
    denied.do(tag)
    denied.world.pass_time(60.0)

    with pytest.raises(LawBrokenError, match=r"Law33\w+: .* AddTags again, which was denied 1 times"):
        denied.do(tag)


def test_law_33_invocations_at_the_same_time_may_both_be_denied(denied: Deployed) -> None:
    denied.do(tag, tag)


def rescale(endpoint_name: str) -> None:
    sagemaker().update_endpoint_weights_and_capacities(
        EndpointName=endpoint_name,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )


def tag_endpoint(endpoint_name: str) -> None:
    arn = sagemaker().describe_endpoint(EndpointName=endpoint_name)["EndpointArn"]
    sagemaker().add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "risk"}])


@pytest.mark.parametrize("change", [rescale, tag_endpoint])
def test_law_36_an_endpoint_of_others_is_left_alone_until_they_give_it_up(
    foreign: Deployed, change: Callable[[str], None]
) -> None:
    name = foreign.world.people.handed_over
    assert name is not None
    foreign.do(lambda: change("churn"))
    with pytest.raises(LawBrokenError, match=rf"Law36\w+: \w+ of {name}, which belongs to others"):
        foreign.do(lambda: change(name))


def test_law_36_an_endpoint_that_was_given_up_is_the_deployers(foreign: Deployed) -> None:
    name = foreign.world.people.handed_over
    assert name is not None
    foreign.world.people.give_up()
    foreign.do(lambda: tag_endpoint(name))
