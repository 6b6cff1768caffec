"""One approval through two stages, chapter by chapter; ends at the first broken promise."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from demo import training
from demo.accounts.broken_version import give_back, let_in_by_a_slip
from demo.accounts.stages import Stages, as_life_cycle
from demo.accounts.team import GATE, PROMOTION, SOAK_SECONDS, STAGES, Team
from demo.follower import Follower
from demo.outcomes import OutcomeQueue
from demo.scene import ENDPOINT, NotAsItShouldBeError, Scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from demo.accounts.team import Examination
    from demo.registry import Registry
    from demo.timeline import Timeline
    from demo.training import TrainedModel
    from local_cloud.child_process import LocalCloud

ACCOUNTS: Final = {"registry": "111122223333", "staging": "222233334444", "production": "333344445555"}

MINUTE: Final = 0.1
"""The length of a minute in EventBridge's schedules, in minutes: each stage sweeps every six seconds."""

MOST_SECONDS_TO_PROMOTE: Final = 60.0
"""The soak, and the next sweep, which ends it."""


def walk_through(cloud: LocalCloud, timeline: Timeline, directory: Path, *, reads: bool = False) -> None:
    """Run every chapter.

    Args:
        cloud: A local cloud that enforces IAM and has no other accounts; the walkthrough shortens its
            minutes.
        timeline: The console's account of the run.
        directory: An empty directory.
        reads: Whether to show reads and AWS's events as well.

    Raises:
        NotAsItShouldBeError: A check failed.
    """
    cloud.switch({"timings": {"schedule_scale": MINUTE}})
    team = Team(cloud, directory, ACCOUNTS)
    names = {account_id: name for name, account_id in team.accounts.items()}
    with Follower(cloud, timeline, names, reads=reads):
        timeline.chapter("Three accounts: one team trains and registers, two stages serve")
        for name, account_id in team.accounts.items():
            timeline.say(f"{name}: account {account_id}")
        timeline.say("IAM is enforced on every call, whosesoever it is")
        registry = team.own()
        first = training.linear_regression()
        timeline.say(f"Trained a {first.description}: R² {first.r2:.2f} on {len(first.rows)} unseen patients")
        version = registry.register(first, 1)
        stages = _deploy_stages(team, timeline, registry, first)
        _before_access(team, timeline)
        _grant_access(team, timeline)
        _staging(stages, version, first)
        _production(stages, version, first)
        broken = give_back(stages, version, first)
        mended = training.gradient_boosting()
        newer = _mended_version(stages, mended)
        let_in_by_a_slip(stages, broken, newer, mended)
        _take_back(stages, newer, version, first)
        for arn, what, times in (
            (version, "how often staging asked for version 1 in production", "1"),
            (broken, "and for version 2, which it had found broken", "0"),
            (newer, "and for version 3, which a person had let in already", "0"),
        ):
            _expect(timeline, what, str(team.promotions(arn)), times)
        timeline.catch_up()


def _deploy_stages(team: Team, timeline: Timeline, registry: Registry, model: TrainedModel) -> Stages:
    timeline.chapter("The platform team: cdk bootstrap in three accounts, cdk deploy in two")
    began = time.monotonic()
    with timeline.waiting("cdk synth, cdk bootstrap"):
        team.prepare(model.rows[0])
    timeline.say(f"cdk synth, and cdk bootstrap of {len(team.accounts)} accounts: done")
    with timeline.waiting("cdk deploy, twice"):
        outputs = team.deploy_stages()
    timeline.held("the real CDK CLI deployed both stages", f"{time.monotonic() - began:.0f} s", "exit code 0")
    return Stages(
        timeline,
        team,
        {
            name: Scene(
                timeline=timeline,
                registry=registry,
                outcomes=OutcomeQueue(
                    team.client(name, "sqs"),
                    team.client(name, "sns"),
                    topic_arn=outputs[name]["OutcomeTopicArn"],
                    name="greenlight-demo",
                ),
                sagemaker=team.client(name, "sagemaker"),
                runtime=team.client(name, "sagemaker-runtime"),
                cloudwatch=team.client(name, "cloudwatch"),
            )
            for name in STAGES
        },
        registry,
        team.release_manager(),
    )


def _before_access(team: Team, timeline: Timeline) -> None:
    timeline.chapter("Nobody has let the stages in yet: the doctor says what is missing")
    examination = team.ask_doctor("staging")
    _show(timeline, examination)
    missing = examination.of("gap")
    _expect(timeline, "the doctor's exit code", str(examination.exit_code), "1")
    _expect(
        timeline,
        "what is missing",
        ", ".join(sorted({finding["check"] for finding in missing})),
        "event path, policy",
    )
    said = all(finding.get("statement") for finding in missing if finding["check"] == "policy")
    _expect(timeline, "each missing permission comes with the statement to add", str(said), "True")


def _grant_access(team: Team, timeline: Timeline) -> None:
    timeline.chapter("The registry's account lets them in, by one more cdk deploy")
    began = time.monotonic()
    with timeline.waiting("cdk deploy"):
        team.deploy_registry()
    timeline.held("the registry's stack is deployed", f"{time.monotonic() - began:.0f} s", "exit code 0")
    for stage in STAGES:
        examination = team.ask_doctor(stage)
        _show(timeline, examination)
        _expect(
            timeline,
            f"the doctor's exit code for {stage}",
            str(examination.exit_code),
            "0",
        )


def _staging(stages: Stages, version: str, model: TrainedModel) -> None:
    timeline, staging = stages.timeline, stages.of["staging"]
    timeline.chapter("Approve version 1, once: staging serves, tests and promotes it")
    staging.approve(version)
    outcome, seconds = staging.outcome_of(version, "succeeded")
    timeline.say(outcome["Message"], who="staging", style="yellow")
    timeline.held("staging serves version 1, its smoke test passed", f"{seconds:.1f} s", "succeeded")
    staging.expect_predictions(model, "version 1, in staging")
    _wait_for_promotion(stages, version)
    _expect(timeline, "endpoints in production until then", _endpoints(stages), "none")


def _production(stages: Stages, version: str, model: TrainedModel) -> None:
    timeline, production = stages.timeline, stages.of["production"]
    timeline.chapter("A person lets version 1 into production: the same artifact serves")
    refused = _refusal(lambda: stages.registry.move(version, as_life_cycle(GATE)))
    _expect(timeline, "the data scientist, who tries it, is answered", refused, "AccessDeniedException")
    stages.let_into_production(version)
    outcome, seconds = production.outcome_of(version, "succeeded")
    timeline.say(outcome["Message"], who="production", style="yellow")
    timeline.held("production serves version 1", f"{seconds:.1f} s", "succeeded")
    production.expect_predictions(model, "version 1, in production")
    _expect_stamps(stages, version)


def _mended_version(stages: Stages, model: TrainedModel) -> str:
    timeline = stages.timeline
    timeline.chapter("Version 3 is mended, and goes the same way without the soak")
    timeline.say(f"Trained {model.description}: R² {model.r2:.2f}")
    staging, production = stages.of["staging"], stages.of["production"]
    version = stages.registry.register(model, 3)
    staging.approve(version)
    staging.outcome_of(version, "succeeded")
    staging.expect_predictions(model, "version 3, in staging")
    stages.let_into_production(version)
    production.outcome_of(version, "succeeded")
    production.expect_predictions(model, "version 3, in production")
    _expect_stamps(stages, version)
    return version


def _take_back(stages: Stages, rejected: str, former: str, model: TrainedModel) -> None:
    timeline = stages.timeline
    timeline.chapter("Version 3 is rejected, once: both stages go back, past version 2")
    for scene in stages.of.values():
        # Staging has gone back to version 1 before: ignore that outcome.
        scene.outcomes.received.clear()
    began = time.monotonic()
    stages.registry.reject(rejected)
    timeline.say("Rejected version 3", style="bold")
    for name, scene in stages.of.items():
        outcome, _ = scene.outcome_of(former, "rolled_back")
        timeline.say(outcome["Message"], who=name, style="yellow")
        timeline.held(f"{name} serves version 1 again", f"{time.monotonic() - began:.1f} s", "rolled_back")
        scene.expect_predictions(model, f"version 1, in {name}")
    for name in stages.of:
        told = stages.wait_for_stamp(rejected, name, "served until")
        timeline.held(f"the registry shows version 3 in {name}", told.partition(" 2")[0], "served until")


def _wait_for_promotion(stages: Stages, version: str) -> None:
    timeline = stages.timeline
    outcome, seconds = stages.of["staging"].outcome_of(
        version, "promoted", timeout_seconds=MOST_SECONDS_TO_PROMOTE
    )
    timeline.say(outcome["Message"], who="staging", style="yellow")
    remark = f" after {seconds:.0f} s: {SOAK_SECONDS} s soak, then the next sweep"
    _expect(
        timeline, "where the version stands", stages.life_cycle(version), "/".join(PROMOTION.values()), remark
    )


def _expect_stamps(stages: Stages, version: str) -> None:
    """Check that every stage stamped the version, and with the same digest."""
    timeline = stages.timeline
    for name in STAGES:
        told = stages.wait_for_stamp(version, name, "serving since")
        timeline.say(f"greenlight:{name}:endpoint:{ENDPOINT} = {told}", who="registry")
    digests = {name: stages.stamp(version, name, "digest") for name in STAGES}
    for name, digest in digests.items():
        timeline.say(f"greenlight:{name}:digest = {digest}", who="registry")
    staging, production = digests.values()
    if not staging:
        raise NotAsItShouldBeError(f"{version} has no digest of staging's.")
    _expect(timeline, "the digest that production deployed", production[:12], staging[:12], ", as staging")


def _endpoints(stages: Stages) -> str:
    found = stages.of["production"].sagemaker.list_endpoints()["Endpoints"]
    return ", ".join(endpoint["EndpointName"] for endpoint in found) or "none"


def _show(timeline: Timeline, examination: Examination) -> None:
    """Print the doctor's findings, and the first statement that it proposes."""
    gaps = [finding for finding in examination.findings if finding["status"] != "ok"]
    lines = [f"{each['status']} {each['check']}: {each['subject']}: {each['found']}" for each in gaps]
    # Two statements may be for one action, under different conditions.
    for line in dict.fromkeys(lines):
        timeline.say(line, who="doctor", style="yellow")
    for finding in [each for each in gaps if each.get("statement")][:1]:
        timeline.say(f"{finding['why']} {finding['where']}", who="doctor")
        for line in json.dumps(finding["statement"], indent=2).splitlines():
            timeline.say(line, who="doctor")
    in_order = len(examination.findings) - len(gaps)
    timeline.say(f"{in_order} checks in order, {len(gaps)} not", who="doctor")


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"].get("Code"))
    return "success"


def _expect(timeline: Timeline, what: str, measured: str, expected: str, remark: str = "") -> None:
    if measured != expected:
        raise NotAsItShouldBeError(f"{what}: {measured}{remark}, expected {expected}.")
    timeline.held(what, measured + remark, expected)
