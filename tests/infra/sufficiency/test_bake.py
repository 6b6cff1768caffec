"""A smoke test runs in the bake: if it fails, the old fleet takes the calls back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus, Bake, Deployment
from local_cloud.hosting.variant_fleet import InvocationTimeoutError
from local_cloud.sagemaker.switch_settings import PendingVariantStatus, UpdateRollbackStatus
from local_cloud.sagemaker.switches import Switches
from tests.infra.sufficiency.test_aborting import ABORT, ALARM, GUARDED, alarm_state
from tests.infra.sufficiency.test_trial import BAD, GOOD, TESTED, Trying, changed, during_the_call
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.hosting.variant_fleet import Answer

BAKE_SECONDS = 300
CANARY_SECONDS = 600
ERRORS = "errors"

ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
CANARY = {
    "Type": "CANARY",
    "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
    "WaitIntervalInSeconds": CANARY_SECONDS,
}


def baking(routing: dict[str, Any], bake_seconds: int = BAKE_SECONDS) -> dict[str, Any]:
    """Return settings whose updates bake with all calls, guarded by the abort alarm and another one."""
    return {
        **GUARDED,
        "RollbackAlarms": [ABORT],
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": bake_seconds,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}, {"AlarmName": ERRORS}]},
        },
    }


class Baking(Trying):
    """The first version serves, and the next one bakes after it got all calls."""

    def __init__(
        self,
        routing: dict[str, Any] | None = None,
        switches: Switches | None = None,
        bake_seconds: int = BAKE_SECONDS,
    ) -> None:
        Pipeline.__init__(self, switches)
        self.settings = {**TESTED, **baking(routing or ONCE, bake_seconds)}
        self.make_alarm(ERRORS)
        self.manage(**self.settings)
        self.first = self.deploy(GOOD)
        self.endpoints.invoked.clear()
        self.deployer_cloud.calls.clear()

    def bake(self, *answers: Answer | Exception) -> str:
        """Approve the next version, and stop when it has all calls and nobody has tested it."""
        arn = self.register()
        self.script(arn, *answers)
        self.approve(arn)
        self.deliver()
        while self.serving() != f"v{arn.rsplit('/', 1)[-1]}" or len(self.shares()) > 1:
            self.pass_time(5)
        return arn

    def shares(self) -> dict[str, float]:
        """Return which models get calls."""
        return dict(self.hosting.serving_models(self.account_id, "eu-central-1", "churn"))

    def set_off(self, alarm_name: str) -> None:
        self.cloud.client("cloudwatch").set_alarm_state(
            AlarmName=alarm_name, StateValue="ALARM", StateReason="test"
        )

    @property
    def last(self) -> Deployment:
        """The last deployment."""
        return self.history.deployments[0]

    @property
    def updates(self) -> int:
        """How often the deployer asked for an update."""
        return self.sagemaker_calls().count("UpdateEndpoint")


@pytest.fixture
def pipeline() -> Baking:
    return Baking()


def test_a_version_that_fails_gives_its_calls_back_to_the_old_fleet(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    began = pipeline.clock.now()
    pipeline.deliver()
    while pipeline.serving() != "v1":
        pipeline.pass_time(1)
    seconds = (pipeline.clock.now() - began).total_seconds()
    pipeline.run()

    assert seconds <= pipeline.control_plane.timings.alarm_poll_seconds
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.told(pipeline.first) == ["started", "succeeded"], "it never ceased to serve"
    assert pipeline.updates == 1
    assert alarm_state(pipeline) == "OK"


def test_the_failure_is_told_like_any_other_and_says_that_the_old_one_serves(pipeline: Baking) -> None:
    pipeline.bake(BAD)
    pipeline.run()

    told = pipeline.outcomes[-1]
    assert told["SmokeTest"]["Expectation"] == "score to be true"
    assert (
        "failed its smoke test on churn during its rollout, and SageMaker rolled it back" in told["Message"]
    )
    assert "The endpoint keeps serving churn-v1-" in told["Message"]


def test_a_version_that_passes_is_not_tested_again_in_service(pipeline: Baking) -> None:
    arn = pipeline.bake(GOOD)
    pipeline.deliver()
    assert len(pipeline.endpoints.invoked) == 1
    assert pipeline.told(arn) == ["started"], "it may still be rolled back"
    pipeline.run()

    assert len(pipeline.endpoints.invoked) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.serving() == "v2"


def test_the_test_waits_for_the_bake_that_has_all_calls() -> None:
    pipeline = Baking(CANARY)
    arn = pipeline.register()
    pipeline.script(arn, BAD)
    pipeline.approve(arn)
    pipeline.deliver()
    while len(pipeline.shares()) == 1:
        pipeline.pass_time(5)
    pipeline.deliver()
    assert pipeline.endpoints.invoked == []
    pipeline.run()

    assert pipeline.last.bake is Bake.LAST
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 1


@pytest.mark.parametrize("routing", [ONCE, CANARY], ids=["at once", "canary"])
@pytest.mark.parametrize("shown", PendingVariantStatus)
@pytest.mark.parametrize("status", UpdateRollbackStatus)
def test_where_sagemaker_does_not_show_the_bake_the_test_waits_for_service(
    routing: dict[str, Any], shown: PendingVariantStatus, status: UpdateRollbackStatus
) -> None:
    """A canary's bake looks like the last one without its message: then the old fleet might answer."""
    pipeline = Baking(routing, Switches(pending_variant_status=shown, update_rollback_status=status))
    arn = pipeline.bake(BAD)
    pipeline.deliver()
    is_shown = shown is PendingVariantStatus.WITH_MESSAGE or (
        shown is PendingVariantStatus.WITHOUT_MESSAGE and routing is ONCE
    )
    assert len(pipeline.endpoints.invoked) == is_shown
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == (1 if is_shown else 2)


def test_a_lost_event_leaves_the_test_to_the_next_one(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.undelivered()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 2


@pytest.mark.parametrize(("routing", "old_reads"), [(ONCE, 1), (ONCE, 3), (CANARY, 2), (CANARY, 3)])
def test_a_read_that_is_older_than_the_bakes_event_is_made_again_twice(
    routing: dict[str, Any], old_reads: int
) -> None:
    pipeline = Baking(routing)
    arn = pipeline.bake(BAD)
    # The events before bring passes as well, each of which reads once: the update begins, a canary bakes.
    show_old_state(pipeline, old_reads + (1 if routing is ONCE else 2))
    pipeline.deliver()

    assert len(pipeline.endpoints.invoked) == (old_reads < 3)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == (1 if old_reads < 3 else 2)


def test_a_canarys_own_bake_is_read_once() -> None:
    pipeline = Baking(CANARY)
    pipeline.approve(pipeline.register())
    pipeline.deliver()
    while len(pipeline.shares()) == 1:
        pipeline.pass_time(5)
    pipeline.deployer_cloud.calls.clear()
    pipeline.deliver()

    events = ["the update began", "the canary bakes"]
    assert pipeline.sagemaker_calls().count("DescribeEndpoint") == len(events)


def show_old_state(pipeline: Baking, reads: int) -> None:
    """Let some reads of the endpoint show its update before the bake."""
    left = [reads]

    def show(parsed: dict[str, Any], **_: object) -> None:
        if left[0] > 0:
            left[0] -= 1
            for variant in parsed["PendingDeploymentSummary"]["ProductionVariants"]:
                variant["VariantStatus"] = [{"Status": "ActivatingTraffic"}]

    pipeline.newer.meta.events.register("after-call.sagemaker.DescribeEndpoint", show)


def test_a_bake_that_is_over_before_the_abort_takes_effect_makes_the_deployer_go_back(
    pipeline: Baking,
) -> None:
    arn = pipeline.bake(BAD)

    def finish(service: str, _operation: str) -> None:
        if service == "cloudwatch":
            pipeline.deployer_cloud.before_call = lambda *_: None
            while pipeline.endpoint["EndpointStatus"] != "InService":
                pipeline.pass_time(60)

    pipeline.deployer_cloud.before_call = finish
    pipeline.deliver()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]
    assert len(pipeline.endpoints.invoked) == 1
    assert "serves on churn and failed its smoke test" in pipeline.outcomes[-3]["Message"]
    assert alarm_state(pipeline) == "OK"


def while_it_is_tested(pipeline: Baking, do: Callable[[], object], *answers: Answer) -> str:
    """Let something happen between the test's first call and its end, then everything else."""
    arn = pipeline.bake(*answers)
    during_the_call(pipeline, do)
    pipeline.deliver()
    return arn


@pytest.mark.parametrize("answer", [GOOD, BAD], ids=["good", "bad"])
def test_an_alarm_during_the_test_ends_the_rollout_and_the_test_counts_for_nothing(
    pipeline: Baking, answer: Answer
) -> None:
    def roll_back() -> None:
        pipeline.set_off(ERRORS)
        pipeline.pass_time(60)

    arn = while_it_is_tested(pipeline, roll_back, answer)
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.last.failed_test is None
    assert pipeline.last.test_passed_at is None
    assert ERRORS in (pipeline.last.reason or "")


@pytest.mark.parametrize("answer", [GOOD, BAD], ids=["good", "bad"])
def test_a_bake_that_ends_during_the_test_leaves_it_to_be_made_in_service(
    pipeline: Baking, answer: Answer
) -> None:
    arn = while_it_is_tested(pipeline, lambda: pipeline.pass_time(BAKE_SECONDS + 1), answer)
    assert pipeline.endpoint["EndpointStatus"] == "Updating"
    assert pipeline.last.status is AttemptStatus.TESTING
    pipeline.run()

    assert len(pipeline.endpoints.invoked) == 2
    assert pipeline.updates == (1 if answer is GOOD else 2)
    assert pipeline.told(arn) == ["started", "succeeded" if answer is GOOD else "failed"]


@pytest.mark.parametrize("answer", [GOOD, BAD], ids=["good", "bad"])
def test_a_version_that_comes_into_service_during_its_test_is_settled_by_it(
    pipeline: Baking, answer: Answer
) -> None:
    arn = while_it_is_tested(pipeline, lambda: pipeline.pass_time(BAKE_SECONDS + 600), answer)

    assert pipeline.told(arn) == ["started", "succeeded" if answer is GOOD else "failed"]
    assert len(pipeline.endpoints.invoked) == 1


def test_a_reject_during_the_test_aborts_at_once(pipeline: Baking) -> None:
    def reject() -> None:
        pipeline.reject(pipeline.history.approvals[0].version_arn)
        pipeline.deliver()

    arn = while_it_is_tested(pipeline, reject, GOOD)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "aborted"]


def test_what_is_not_approved_any_more_is_not_tested_in_the_bake(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    events = pipeline.undelivered()
    pipeline.reject(arn)
    rejected = pipeline.undelivered()
    for event in events:
        pipeline.dispatch_event(event)
    assert pipeline.endpoints.invoked == []
    assert pipeline.last.tests_begun == 0
    for event in rejected:
        pipeline.dispatch_event(event)
    pipeline.run()

    assert pipeline.endpoints.invoked == []
    assert pipeline.told(arn) == ["started", "aborted"]


def test_two_invocations_do_not_test_in_the_bake_twice(pipeline: Baking) -> None:
    arn = while_it_is_tested(pipeline, pipeline.sweep, GOOD)
    pipeline.run()

    assert len(pipeline.endpoints.invoked) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_test_that_died_in_the_bake_is_made_by_the_next_sweep() -> None:
    pipeline = Baking(bake_seconds=1800)

    class Died(BaseException):
        """The function's process ended."""

    def die() -> None:
        raise Died

    arn = pipeline.bake(BAD)
    during_the_call(pipeline, die)
    with pytest.raises(Died):
        pipeline.deliver()
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.last.tests_begun == 2
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 1


def test_a_version_without_an_answer_in_the_bake_fails_like_any_other(pipeline: Baking) -> None:
    arn = pipeline.bake(InvocationTimeoutError("AllTraffic"))
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]


def test_without_time_for_the_test_another_invocation_makes_it(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.remaining_seconds = lambda: 100.0
    pipeline.deliver()
    assert pipeline.endpoints.invoked == []
    assert pipeline.parts
    pipeline.remaining_seconds = lambda: 300.0
    pipeline.dispatch_event(pipeline.parts[0])
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 1


def test_a_rollout_that_cannot_be_stopped_is_told_and_goes_back_when_it_is_over(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]
    [told] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "Version 2 of churn-models failed its smoke test, and its rollout on churn cannot be" in told


def test_settings_without_the_alarm_leave_the_test_to_the_service(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.manage(**TESTED, CreateEndpointConfig=GUARDED["CreateEndpointConfig"])
    pipeline.deliver()
    assert pipeline.endpoints.invoked == []
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]


def test_a_failed_test_is_not_forgotten_with_the_endpoints_settings(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.deliver()
    pipeline.unmanage()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]


def test_an_update_without_the_abort_alarm_is_tested_in_service(pipeline: Baking) -> None:
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    pipeline.make_alarm(ALARM)
    pipeline.reject(pipeline.first)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.last.bake is None


def test_a_failed_version_is_tried_again_when_it_is_approved_again(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)
    pipeline.run()
    pipeline.pass_time(5)
    pipeline.script(arn, GOOD)
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.pass_time(300)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "failed", "started", "succeeded"]


def test_settings_that_fail_in_the_bake_leave_the_version_as_it_serves(pipeline: Baking) -> None:
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.script(pipeline.first, BAD, **changed("debug"))
    pipeline.manage(**pipeline.settings, **changed("debug"))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] == before
    assert pipeline.told(pipeline.first) == ["started", "succeeded", "started", "failed"]


def test_a_fault_in_the_bake_is_tried_again(pipeline: Baking) -> None:
    arn = pipeline.bake(BAD)

    def refuse(_service: str, operation: str) -> None:
        if operation == "SetAlarmState":
            pipeline.deployer_cloud.before_call = lambda *_: None
            raise TimeoutError

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError):
        pipeline.deliver()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 1
