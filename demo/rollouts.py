"""The chapters on guarded rollouts: real calls stop a bad canary, and a reject stops another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from demo import training
from demo.caller import BackgroundCaller
from demo.scene import ENDPOINT, OUTCOME_TIMEOUT_SECONDS, NotAsItShouldBeError, Scene

if TYPE_CHECKING:
    from demo.training import TrainedModel

CANARY_PERCENT: Final = 25
CANARY_SECONDS: Final = 120
MOST_SECONDS_TO_ABORT: Final = 20.0
"""From the reject until the previous version has all traffic again; the canary would need two minutes
more."""

SERVING: Final = "version 2"
"""The version on the endpoint before and after these chapters."""

SECONDS_BETWEEN_LOOKS: Final = 0.5

ROLLOUT: Final = f"""\
rollout:
  kind: canary
  size_percent: {CANARY_PERCENT}
  wait_seconds: {CANARY_SECONDS}
  termination_wait_seconds: 0
  alarms:
    error_ratio_percent: 5
    evaluation_periods: 1
"""
"""The platform team's addition to the endpoint's YAML."""


def bad_canary(scene: Scene, serving: TrainedModel) -> None:
    """Approve a version that fails every second request, while calls arrive."""
    timeline = scene.timeline
    timeline.chapter("Version 4 loads, and then fails every second request: the canary stops it")
    arn = scene.registry.register(training.flaky(serving), 4)
    with BackgroundCaller(scene.runtime, ENDPOINT, serving.rows[0]) as caller:
        caller.wait_for_calls(10)
        scene.approve(arn)
        _wait_for_canary(scene, "version 4")
        begun = (len(caller.predictions), len(caller.failures))
        outcome, seconds = scene.outcome_of(arn)
        answered, failed = len(caller.predictions) - begun[0], len(caller.failures) - begun[1]
        after = len(caller.failures)
        caller.wait_for_calls(20)
        later = len(caller.failures) - after
    scene.timeline.traffic({SERVING: 100})
    scene.expect("version 4 is reported", outcome["Outcome"], "failed", f" after {seconds:.1f} s of canary")
    timeline.say(outcome["Message"], who="outcome", style="yellow")
    if not failed:
        raise NotAsItShouldBeError("No call failed during the canary, so this proves nothing.")
    timeline.say(f"{failed} of {answered + failed} calls failed during the canary")
    share = 100.0 * failed / (answered + failed)
    scene.expect_at_most("share of calls that the bad version failed", share, CANARY_PERCENT, " %")
    scene.expect("failed invocations once it was rolled back", str(later), "0", " of the next 20")
    scene.expect_predictions(serving, f"{SERVING}, still")
    _wait_for_alarm(scene)


def reject_in_mid_canary(scene: Scene, serving: TrainedModel) -> None:
    """Approve a version, and reject it in the middle of its canary."""
    timeline = scene.timeline
    timeline.chapter("Version 5 is rejected in mid-canary: the rollout is aborted")
    arn = scene.registry.register(training.linear_regression(), 5)
    with BackgroundCaller(scene.runtime, ENDPOINT, serving.rows[0]) as caller:
        scene.approve(arn)
        _wait_for_canary(scene, "version 5")
        scene.registry.reject(arn)
        outcome, seconds = scene.outcome_of(arn)
    scene.timeline.traffic({SERVING: 100})
    scene.expect("version 5 is reported", outcome["Outcome"], "aborted")
    timeline.say(outcome["Message"], who="outcome", style="yellow")
    scene.expect_at_most(
        f"from the reject to the former version alone, of a canary of {CANARY_SECONDS} s",
        seconds,
        MOST_SECONDS_TO_ABORT,
        " s",
    )
    scene.expect_no_failures(caller)
    scene.expect_predictions(serving, f"{SERVING}, still")


def _wait_for_canary(scene: Scene, new: str, timeout_seconds: float = OUTCOME_TIMEOUT_SECONDS) -> None:
    """Wait until the canary has its share of the traffic.

    Args:
        scene: The endpoint's account.
        new: What the canary serves.
        timeout_seconds: How long to wait.

    Raises:
        NotAsItShouldBeError: It never had.
    """
    deadline = time.monotonic() + timeout_seconds
    with scene.timeline.waiting(f"{new}: new instances start"):
        while not _is_baking(scene):
            if time.monotonic() > deadline:
                raise NotAsItShouldBeError(f"No canary within {timeout_seconds:.0f} s.")
            time.sleep(SECONDS_BETWEEN_LOOKS)
    scene.timeline.traffic({SERVING: 100 - CANARY_PERCENT, new: CANARY_PERCENT})


def _is_baking(scene: Scene) -> bool:
    endpoint = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    return any(
        status["Status"] == "Baking"
        for variant in endpoint.get("PendingDeploymentSummary", {}).get("ProductionVariants", ())
        for status in variant.get("VariantStatus", ())
    )


def _wait_for_alarm(scene: Scene, timeout_seconds: float = OUTCOME_TIMEOUT_SECONDS) -> None:
    """Wait until the bad version's alarms are off: the next update would wait for them, up to 15 minutes.

    Raises:
        NotAsItShouldBeError: An alarm stays on.
    """
    deadline = time.monotonic() + timeout_seconds
    with scene.timeline.waiting("the alarm is still on"):
        while scene.cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]:
            if time.monotonic() > deadline:
                raise NotAsItShouldBeError(f"An alarm is still on after {timeout_seconds:.0f} s.")
            time.sleep(SECONDS_BETWEEN_LOOKS)
    scene.timeline.say("The alarm is over")
