"""What an endpoint begins with: nobody saw when the versions were approved that are there already."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.first_look import order
from deployer.dispatcher import PassesFailedError
from deployer.gateways.fact_items import standing_key
from deployer.model.trigger import EndpointChanged
from tests.unit.deployer.builders import version_arn
from tests.unit.deployer.pipeline import TABLE, Pipeline


def approved(pipeline: Pipeline, count: int) -> list[str]:
    """Return versions that were approved, a day after each other, before the deployer was there."""
    arns = []
    for _ in range(count):
        arns.append(pipeline.register("Approved"))
        pipeline.pass_time(86_400)
    pipeline.undelivered()
    return arns


def edit(pipeline: Pipeline, arn: str) -> None:
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"note": "old"})
    pipeline.undelivered()


def sweep(pipeline: Pipeline) -> None:
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()


def begin(pipeline: Pipeline, **settings: Any) -> None:
    """Let a platform team deploy the endpoint's settings."""
    pipeline.manage(**settings)
    sweep(pipeline)


def lose_journal(pipeline: Pipeline) -> None:
    table = pipeline.cloud.client("dynamodb")
    for item in table.scan(TableName=TABLE)["Items"]:
        table.delete_item(TableName=TABLE, Key={key: item[key] for key in ("endpoint", "item")})


def note_first_look(pipeline: Pipeline, note: list[Any]) -> None:
    pipeline.cloud.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"endpoint": {"S": "churn"}, "item": {"S": "fact#endpoint"}},
        UpdateExpression="SET first_look = :note",
        ExpressionAttributeValues={":note": {"S": json.dumps(note)}},
    )


def forget_approval(pipeline: Pipeline, version_arn: str) -> None:
    [found] = [each for each in pipeline.history.approvals if each.version_arn == version_arn]
    key = {"endpoint": {"S": found.endpoint_name}, "item": {"S": standing_key(found)}}
    pipeline.cloud.client("dynamodb").delete_item(TableName=TABLE, Key=key)


def told(pipeline: Pipeline, outcome: str) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == outcome]


def test_what_serves_comes_before_the_highest_version() -> None:
    arns = [version_arn(number) for number in (9, 10, 2)]

    assert order(arns, None) == [version_arn(10), version_arn(9), version_arn(2)]
    assert order(arns, version_arn(2)) == [version_arn(2), version_arn(10), version_arn(9)]


def test_a_new_endpoint_takes_the_highest_version_and_not_the_one_that_was_edited_last() -> None:
    pipeline = Pipeline()
    first, *_ = approved(pipeline, 5)
    edit(pipeline, first)
    begin(pipeline)
    sweep(pipeline)

    assert pipeline.serving() == "v5"
    [message] = told(pipeline, "needs_attention")
    assert "has 5 approved versions: version 5 is taken as approved, the highest that counts" in message


def test_what_a_look_took_that_is_not_noted_makes_no_room_for_another_version() -> None:
    """Its invocation crashed, or another one looks at the same time."""
    pipeline = Pipeline()
    _, newer = approved(pipeline, 2)
    begin(pipeline)
    pipeline.cloud.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"endpoint": {"S": "churn"}, "item": {"S": "fact#endpoint"}},
        UpdateExpression="REMOVE first_look",
    )
    pipeline.dispatch(EndpointChanged("churn", "e"))

    assert [each.version_arn for each in pipeline.history.approvals] == [newer]
    assert pipeline.history.last_observed.first_look is not None


def test_what_was_approved_before_is_nothing_to_go_back_to() -> None:
    """Nobody ever saw it serve here."""
    pipeline = Pipeline()
    *_, last = approved(pipeline, 3)
    begin(pipeline)
    pipeline.reject(last)
    pipeline.run()
    sweep(pipeline)

    assert pipeline.serving() == "v3"
    assert "No approved version" in told(pipeline, "needs_attention")[-1]


def test_what_was_approved_before_goes_out_once_it_is_approved_again() -> None:
    pipeline = Pipeline()
    first, *_ = approved(pipeline, 3)
    begin(pipeline)
    pipeline.approve(first)
    pipeline.run()

    assert pipeline.serving() == "v1"


@pytest.mark.parametrize("event", ["delivered", "lost"])
def test_an_approval_that_is_given_later_is_found(event: str) -> None:
    pipeline = Pipeline()
    approved(pipeline, 2)
    begin(pipeline)
    pipeline.register("Approved")
    if event == "lost":
        pipeline.undelivered()
    sweep(pipeline)

    assert pipeline.serving() == "v3"


def test_a_version_that_was_rejected_meanwhile_counts_as_new_when_it_is_approved_again() -> None:
    pipeline = Pipeline()
    first, *_ = approved(pipeline, 3)
    begin(pipeline)
    pipeline.reject(first)
    sweep(pipeline)
    pipeline.pass_time(60)
    pipeline.approve(first)
    pipeline.undelivered()
    sweep(pipeline)

    assert pipeline.serving() == "v1"


def test_what_serves_is_recognised_although_its_own_approval_brings_the_first_look() -> None:
    pipeline = Pipeline()
    _, second = approved(pipeline, 2)
    begin(pipeline)
    other = pipeline.beside("Renamed")
    other.manage(Tags={"team": "other"})
    other.undelivered()
    other.approve(second)
    other.deliver()

    assert [each.version for each in other.history.approvals] == [2]


def test_the_event_of_an_approval_may_come_before_the_first_look() -> None:
    pipeline = Pipeline()
    first, *_ = approved(pipeline, 3)
    pipeline.manage()
    pipeline.undelivered()
    pipeline.approve(first)
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_only_a_version_that_the_policy_admits_is_taken() -> None:
    pipeline = Pipeline()
    approved(pipeline, 2)
    begin(pipeline, ApprovalPolicy={"Approvers": ["nobody"]})

    assert pipeline.serving() is None
    assert "none of them counts by the approval policy" in told(pipeline, "needs_attention")[0]


def test_a_lost_journal_keeps_what_serves() -> None:
    """A stack that is deployed again makes a new table, and leaves the retained one alone."""
    pipeline = Pipeline()
    pipeline.manage()
    first, second, third = (pipeline.register() for _ in range(3))
    for arn in (first, third, second):
        pipeline.approve(arn)
        pipeline.run()
        pipeline.pass_time(3600)
    assert pipeline.serving() == "v2"
    edit(pipeline, first)
    lose_journal(pipeline)
    sweep(pipeline)
    sweep(pipeline)

    assert pipeline.serving() == "v2"
    assert "version 2 is taken as approved, which it serves already" in told(pipeline, "needs_attention")[0]


@pytest.mark.parametrize("operation", ["DescribeEndpointConfig", "DescribeModel"])
def test_a_look_that_may_not_read_what_serves_waits_until_it_may(operation: str) -> None:
    pipeline = Pipeline()
    pipeline.manage()
    first, _ = pipeline.register(), pipeline.register("Approved")
    pipeline.undelivered()
    pipeline.approve(first)
    pipeline.run()
    assert pipeline.serving() == "v1"
    lose_journal(pipeline)
    denied = {operation}

    def deny(_service: str, called: str) -> None:
        if called in denied:
            text = f"User: x is not authorized to perform: sagemaker:{called}"
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": text}}, called)

    pipeline.deployer_cloud.before_call = deny
    for _ in range(2):
        pipeline.pass_time(86_400)
        with pytest.raises(PassesFailedError):
            pipeline.sweep()
    assert pipeline.history.approvals == ()
    [message] = told(pipeline, "needs_attention")
    assert f"Allow sagemaker:{operation} to the deployer's role" in message

    denied.clear()
    pipeline.pass_time(86_400)
    sweep(pipeline)
    sweep(pipeline)

    assert pipeline.serving() == "v1"
    assert "version 1 is taken as approved, which it serves already" in told(pipeline, "needs_attention")[-1]


@pytest.mark.parametrize("is_noted", [True, False])
def test_what_the_first_list_lacked_is_no_newer_than_what_serves(*, is_noted: bool) -> None:
    """Notes of earlier builds do not say whether a version served: then the highest one is the newest."""
    pipeline = Pipeline()
    pipeline.manage()
    for _ in range(2):
        pipeline.approve(pipeline.register())
        pipeline.run()
        pipeline.pass_time(3600)
    pipeline.register("Approved")
    pipeline.undelivered()
    pipeline.pass_time(3600)
    lose_journal(pipeline)
    sweep(pipeline)
    look = pipeline.history.last_observed.first_look
    assert look is not None
    assert look.served
    assert look.versions == {1, 3}
    note_first_look(pipeline, [look.group, [1], look.at.isoformat(), *([True] if is_noted else [])])
    sweep(pipeline)

    assert pipeline.serving() == ("v2" if is_noted else "v3")


@pytest.mark.parametrize("stands", [True, False])
def test_what_serves_keeps_its_place_although_the_journal_lost_its_approval(*, stands: bool) -> None:
    """A journal was restored, and an event comes before the next sweep lists what is approved."""
    pipeline = Pipeline()
    pipeline.manage()
    arns = [pipeline.register() for _ in range(2)]
    for arn in arns:
        pipeline.approve(arn)
        pipeline.run()
        pipeline.pass_time(3600)
    forget_approval(pipeline, arns[1])
    if not stands:
        pipeline.reject(arns[1])
        pipeline.undelivered()
    pipeline.dispatch(EndpointChanged("churn", "e"))
    pipeline.run()

    assert pipeline.serving() == ("v2" if stands else "v1")


def test_a_registry_that_shows_nothing_yet_is_looked_at_again() -> None:
    """A stage may be deployed before the registry lets its account in. Then the group "does not exist"."""
    pipeline = Pipeline()
    begin(pipeline)
    assert pipeline.history.last_observed.first_look is None
    first, *_ = approved(pipeline, 3)
    edit(pipeline, first)
    sweep(pipeline)

    assert pipeline.serving() == "v3"


def test_another_group_gets_a_first_look_of_its_own() -> None:
    pipeline = Pipeline()
    approved(pipeline, 1)
    begin(pipeline)
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="churn-next")
    pipeline.register("Approved", group="churn-next")
    pipeline.manage(ModelPackageGroupName="churn-next")
    sweep(pipeline)

    assert pipeline.history.last_observed.first_look is not None
    assert pipeline.history.last_observed.first_look.group == "churn-next"


def test_an_approval_in_the_group_before_does_not_count_for_another_group() -> None:
    """It is the newer one, and its version still stands."""
    pipeline = Pipeline()
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="churn-next")
    pipeline.register("Approved", group="churn-next")
    approved(pipeline, 1)
    begin(pipeline)
    pipeline.manage(ModelPackageGroupName="churn-next")
    sweep(pipeline)

    assert pipeline.history.deployments[0].group_name == "churn-next"
    assert pipeline.endpoint["EndpointConfigName"] == pipeline.history.deployments[0].endpoint_config_name
