"""The chapters on a broken version that is approved: how staging stops it, and what a mistake costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from demo import training
from demo.accounts.team import SOAK_SECONDS
from demo.caller import BackgroundCaller
from demo.scene import ENDPOINT

if TYPE_CHECKING:
    from demo.accounts.stages import Stages
    from demo.scene import Scene
    from demo.training import TrainedModel

NUMBER: Final = 2
"""The version number of the broken version."""


def give_back(stages: Stages, former: str, serving: TrainedModel) -> str:
    """Approve a version that fails staging's smoke test; return its ARN.

    Args:
        stages: Both serve the previous version.
        former: Its ARN.
        serving: Its model.

    Raises:
        NotAsItShouldBeError: Staging kept the version, production saw it, or the registry does not say so.
    """
    timeline, staging, production = stages.timeline, stages.of["staging"], stages.of["production"]
    timeline.chapter("Version 2 looks good and answers nonsense: staging gives it back")
    broken = training.standardised()
    timeline.say(f"Trained a {broken.description}: R² {broken.r2:.2f}; nobody turns its answers back")
    before = _config_name(production)
    version = stages.registry.register(broken, NUMBER)
    with BackgroundCaller(production.runtime, ENDPOINT, serving.rows[0]) as caller:
        caller.wait_for_calls(10)
        staging.approve(version)
        outcome, seconds = staging.outcome_of(version, "failed")
        timeline.say(outcome["Message"], who="staging", style="yellow")
        staging.expect(
            "version 2 failed in staging, by",
            outcome.get("SmokeTest", {}).get("Request", {}).get("Name", "no smoke test"),
            "one patient",
            f" after {seconds:.1f} s",
        )
        outcome, seconds = staging.outcome_of(former, "rolled_back")
        timeline.say(outcome["Message"], who="staging", style="yellow")
        timeline.held("staging serves version 1 again", f"{seconds:.1f} s later", "rolled_back")
        told = stages.wait_for_stamp(version, "staging", "failed")
        caller.wait_for_calls(10)
    staging.expect_predictions(serving, "version 1, in staging again")
    timeline.say(f"greenlight:staging:endpoint:{ENDPOINT} = {told}", who="registry")
    expectation = "one patient: expected 0 above 0 to be true"
    staging.expect("the registry says what staging expected", str(expectation in told), "True")
    _expect_unseen(stages, version, before)
    answered = sorted({f"{each:.1f}" for each in caller.predictions})
    expected = f"{serving.predictions[0]:.1f}"
    production.expect(
        "who called production meanwhile was answered",
        " or ".join(answered),
        expected,
        f" {len(caller.predictions)} times, as by version 1",
    )
    production.expect_no_failures(caller)
    return version


def let_in_by_a_slip(stages: Stages, broken: str, former: str, serving: TrainedModel) -> None:
    """Release the broken version to production by hand, which no stage would do.

    Args:
        stages: Both serve the previous version.
        broken: The ARN of the version that failed in staging.
        former: The previous version's ARN.
        serving: Its model.

    Raises:
        NotAsItShouldBeError: Staging promoted the broken version, or production kept it.
    """
    timeline, production = stages.timeline, stages.of["production"]
    timeline.chapter("Only a person can let version 2 into production: it does not stay")
    timeline.say(f"Waiting for a sweep of both stages; the soak of {SOAK_SECONDS} s is long over")
    stages.wait_for_sweeps()
    _expect_unseen(stages, broken, _config_name(production))
    timeline.say("By a slip, the release manager takes version 2 for version 3")
    stages.let_into_production(broken)
    outcome, seconds = production.outcome_of(broken, "failed")
    timeline.say(outcome["Message"], who="production", style="yellow")
    timeline.held("production's own smoke test refuses version 2", f"{seconds:.1f} s", "failed")
    made = "CreateModel" in stages.team.made_of("production", NUMBER)
    production.expect("production has made a model of version 2 now", str(made), "True")
    outcome, seconds = production.outcome_of(former, "rolled_back")
    timeline.say(outcome["Message"], who="production", style="yellow")
    timeline.held("production serves version 3 again", f"{seconds:.1f} s later", "rolled_back")
    production.expect_predictions(serving, "version 3, in production again")
    told = stages.wait_for_stamp(broken, "production", "failed")
    timeline.say(f"greenlight:production:endpoint:{ENDPOINT} = {told}", who="registry")


def _expect_unseen(stages: Stages, version: str, config_name: str) -> None:
    """Check that production never had the version, and serves the right config."""
    production = stages.of["production"]
    made = stages.team.made_of("production", NUMBER)
    production.expect("what production ever made of version 2", ", ".join(made) or "nothing", "nothing")
    production.expect("the config that production serves", _config_name(production), config_name)
    told = stages.stamp(version, "production", f"endpoint:{ENDPOINT}")
    production.expect("what the registry tells of it in production", told or "nothing", "nothing")
    production.expect("where staging has promoted version 2 to", stages.life_cycle(version), "nowhere")


def _config_name(scene: Scene) -> str:
    return scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
