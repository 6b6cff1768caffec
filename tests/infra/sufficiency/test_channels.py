"""People and machines hear by two channels: neither keeps the other from it, and none keeps an endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from deployer.dispatcher import PassesFailedError
from deployer.gateways import reporter as reporting
from deployer.model.outcome import Outcome, OutcomeKind, Telling
from deployer.triggers import read_trigger
from tests.infra.estate import NAMES
from tests.infra.roles import Deployed, document
from tests.unit.deployer.builders import ENDPOINT, GROUP
from tests.unit.deployer.pipeline import REGION, TOPIC, TOPIC_KEY, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Synthesised

CHANNELS = {"people": "Publish", "machines": "PutEvents"}


class DeniedError(ClientError):
    """How IAM refuses a call."""

    def __init__(self, operation: str) -> None:
        super().__init__({"Error": {"Code": "AccessDenied", "Message": "denied"}}, operation)


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def deny(pipeline: Pipeline, *operations: str) -> None:
    def refuse(_service: str, operation: str) -> None:
        if operation in operations:
            raise DeniedError(operation)

    pipeline.deployer_cloud.before_call = refuse


def tolerant(run: Callable[[], None]) -> bool:
    """Do something, and tell whether an invocation failed, as its alarm would."""
    try:
        run()
    except PassesFailedError:
        return True
    return False


def run(pipeline: Pipeline) -> bool:
    """Deliver everything, and sweep; return whether an invocation failed."""
    failed = False
    for _ in range(20):
        pending = pipeline.undelivered()
        for event in pending:
            failed |= tolerant(lambda event=event: pipeline.dispatch(read_trigger(event)))  # type: ignore[misc]
        pipeline.pass_time(60)
        failed |= tolerant(pipeline.sweep)
    return failed


def kinds(told: list[dict[str, str]]) -> list[str]:
    return [each["Outcome"] for each in told]


def test_people_hear_by_a_topic_whose_key_has_the_stacks_policy(
    pipeline: Pipeline, featured: Synthesised
) -> None:
    """It leaves the key to the account's IAM policies, without which those of the deployer have no effect.

    Source: KMS developer guide, "key-policies".
    """
    stack = Deployed(featured, pipeline.account_id, REGION, NAMES)
    policy = stack.resource_policy(stack.arn("AWS::KMS::Key", "OutcomesKey"))
    assert policy is not None
    pipeline.cloud.client("kms").put_key_policy(
        KeyId=TOPIC_KEY, PolicyName="default", Policy=json.dumps(document(policy))
    )
    version = pipeline.register("Approved")

    pipeline.run()

    assert pipeline.told(version) == ["started", "succeeded"]


@pytest.mark.parametrize("refusing", CHANNELS)
def test_a_channel_that_refuses_keeps_no_version_and_no_other_channel(
    pipeline: Pipeline, refusing: str
) -> None:
    deny(pipeline, CHANNELS[refusing])
    pipeline.register("Approved")
    assert run(pipeline), "an invocation fails, so that an alarm goes off"
    pipeline.register("Approved")
    run(pipeline)

    assert pipeline.serving() == "v2"
    heard = {"people": pipeline.outcomes, "machines": pipeline.events_of_outcomes}
    working = next(each for each in CHANNELS if each != refusing)
    assert kinds(heard[working]).count("succeeded") == 2
    ids = [each["OutcomeId"] for each in heard[working]]
    assert len(ids) == len(set(ids)), "it is not told again while the other one refuses"


@pytest.mark.parametrize("same_environment", [True, False])
@pytest.mark.parametrize("refusing", CHANNELS)
def test_what_a_channel_refused_comes_by_it_once_it_takes_it(
    pipeline: Pipeline, refusing: str, *, same_environment: bool
) -> None:
    pipeline.register("Approved")
    pipeline.deliver()
    deny(pipeline, CHANNELS[refusing])
    run(pipeline)
    deny(pipeline)
    if not same_environment:
        pipeline.renew_environment()
    pipeline.outcomes, heard_before = [], pipeline.outcomes
    before = [each["OutcomeId"] for each in heard_before]
    assert not run(pipeline)
    assert not run(pipeline)

    people = before + [each["OutcomeId"] for each in pipeline.outcomes]
    machines = [each["OutcomeId"] for each in pipeline.events_of_outcomes]
    assert set(people) == set(machines)
    assert {each.rpartition("/")[0] for each in people} == {
        f"{ENDPOINT}/1/started",
        f"{ENDPOINT}/1/succeeded",
    }
    most = 2 if same_environment else 3
    assert len(people) + len(machines) <= 2 * most


def test_a_crash_between_the_two_repeats_the_message_under_its_id(pipeline: Pipeline) -> None:
    def crash(_service: str, operation: str) -> None:
        if operation == "PutEvents":
            raise ZeroDivisionError

    pipeline.register("Approved")
    pipeline.deployer_cloud.before_call = crash
    assert run(pipeline)
    deny(pipeline)
    pipeline.pass_time(24 * 3600)
    run(pipeline)

    ended = [each for each in pipeline.outcomes if each["Outcome"] == "succeeded"]
    assert len(ended) > 1
    assert len({each["OutcomeId"] for each in ended}) == 1
    assert kinds(pipeline.events_of_outcomes).count("succeeded") == 1
    assert pipeline.serving() == "v1"


def test_a_topic_that_was_deleted_is_heard_of_by_an_alarm_and_costs_no_rollout(pipeline: Pipeline) -> None:
    [topic] = pipeline.cloud.client("sns").list_topics()["Topics"]
    pipeline.cloud.client("sns").delete_topic(TopicArn=topic["TopicArn"])
    pipeline.register("Approved")

    assert run(pipeline)
    assert pipeline.serving() == "v1"
    assert kinds(pipeline.events_of_outcomes) == ["started", "succeeded"]
    assert topic["TopicArn"].endswith(TOPIC)


@pytest.mark.parametrize("refusing", CHANNELS)
def test_an_approval_that_is_ignored_is_told_later_if_a_channel_refuses_now(
    pipeline: Pipeline, refusing: str
) -> None:
    pipeline.manage(ApprovalPolicy={"Approvers": ["arn:aws:iam::999999999999:user/nobody"]})
    pipeline.undelivered()
    deny(pipeline, CHANNELS[refusing])
    pipeline.approve(pipeline.register())
    assert run(pipeline)
    deny(pipeline)
    run(pipeline)

    assert pipeline.serving() is None
    assert set(kinds(pipeline.outcomes)) == set(kinds(pipeline.events_of_outcomes)) == {"ignored"}
    told = len(pipeline.outcomes)
    run(pipeline)
    assert len(pipeline.outcomes) == told


@pytest.mark.parametrize("refusing", CHANNELS)
def test_what_needs_attention_is_told_later_if_a_channel_refuses_now(
    pipeline: Pipeline, refusing: str
) -> None:
    arn = pipeline.register("Approved")
    run(pipeline)
    deny(pipeline, CHANNELS[refusing])
    pipeline.reject(arn)
    assert run(pipeline)
    deny(pipeline)
    run(pipeline)

    assert "needs_attention" in kinds(pipeline.outcomes)
    assert "needs_attention" in kinds(pipeline.events_of_outcomes)
    told = len(pipeline.outcomes)
    run(pipeline)
    assert len(pipeline.outcomes) == told


def test_an_endpoint_without_settings_is_told_of_by_the_retry(pipeline: Pipeline) -> None:
    pipeline.register("Approved")
    run(pipeline)
    before = kinds(pipeline.outcomes)
    pipeline.unmanage()
    deny(pipeline, "Publish")
    with pytest.raises(PassesFailedError, match="UndeliveredError: SNS did not take"):
        pipeline.look_at_settings()
    deny(pipeline)
    pipeline.look_at_settings()

    assert kinds(pipeline.outcomes) == kinds(pipeline.events_of_outcomes) == [*before, "unmanaged"]


def test_a_mail_says_what_happened(pipeline: Pipeline) -> None:
    pipeline.register("Approved")
    run(pipeline)

    assert [each["Subject"] for each in pipeline.mails] == [
        f"{ENDPOINT}: v1 is going out. [Greenlight]",
        f"{ENDPOINT}: v1 serves. [Greenlight]",
    ]
    assert pipeline.mails[-1]["Body"].startswith(f"✓ {ENDPOINT}: v1 serves.\n")
    assert f"version 1 of {GROUP}\n" in pipeline.mails[-1]["Body"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(pipeline.mails[-1]["Body"])


def test_a_reporter_forgets_what_it_can_never_tell(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "MOST_HALF_TOLD", 3)
    deny(pipeline, "Publish")
    for number in range(9):
        pipeline.reporter.report(_outcome(number))

    assert list(pipeline.reporter._half_told) == [f"{ENDPOINT}/{number}" for number in (6, 7, 8)]  # noqa: SLF001


def _outcome(number: int) -> Outcome:
    telling = Telling(headline="It happened.", thread="churn/1", page="operations.md#outcomes")
    now = Pipeline().clock.now()
    return Outcome(f"{ENDPOINT}/{number}", OutcomeKind.STARTED, ENDPOINT, "…", "e", now, {}, telling)
