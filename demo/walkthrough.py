"""The main job, chapter by chapter, on real input. It ends at the first failed check."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3

from demo import training
from demo.caller import BackgroundCaller
from demo.cdk import bootstrap, deploy
from demo.follower import Follower
from demo.outcomes import OutcomeQueue
from demo.registry import Registry
from demo.rollouts import ROLLOUT, bad_canary, reject_in_mid_canary
from demo.scene import ACCOUNT, ENDPOINT, GROUP, REGION, Scene
from demo.timeline import Timeline
from local_cloud.child_process import start_local_cloud

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

    from demo.training import TrainedModel
    from local_cloud.child_process import LocalCloud

SETTINGS: Final = """\
model_package_group: diabetes-progression
instance_type: ml.m5.large
instance_count: 4
tags:
  team: research
"""
"""The platform team's first version of the endpoint's YAML."""

MISSING: Final = "a_package_that_only_the_notebook_had"
"""The package that `model/broken_inference.py` imports in vain."""

MINUTE: Final = 0.1
"""The length of CloudWatch's minute here, in minutes: alarms still look at real calls, only more often."""


SECONDS_TO_BOOTSTRAP: Final = 3
SECONDS_TO_DEPLOY: Final = 15
"""About how long the CDK CLI takes on two cores, for the bars."""


def walk_through(*, reads: bool = False) -> None:
    """Run every chapter.

    Args:
        reads: Whether to show reads and AWS's events as well.

    Raises:
        NotAsItShouldBeError: A check failed.
    """
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="greenlight-demo-") as directory:
        timeline.chapter("A cloud of your own")
        with start_local_cloud() as cloud, Follower(cloud, timeline, reads=reads):
            timeline.say(f"The local cloud answers at {cloud.endpoint_url}")
            cloud.switch({"timings": {"alarm_period_scale": MINUTE}})
            scene = _deploy_stack(cloud, timeline, Path(directory))
            first = _first_deployment(scene)
            second = _update_in_place(scene, first)
            _broken_version(scene, second)
            _guard_rollouts(cloud, timeline, Path(directory))
            bad_canary(scene, second)
            reject_in_mid_canary(scene, second)
            timeline.catch_up()
    timeline.summary(
        ("make cloud", "keeps such a cloud running, for a model of your own: docs/tutorial.md"),
        ("make demo-accounts", "takes one approval through two stages in three accounts, in a few minutes"),
    )


def _deploy_stack(cloud: LocalCloud, timeline: Timeline, directory: Path) -> Scene:
    timeline.chapter("The platform team: cdk bootstrap, cdk deploy")
    began = time.monotonic()
    environ = cloud.environ(ACCOUNT, REGION)
    with timeline.waiting("cdk bootstrap", about_seconds=SECONDS_TO_BOOTSTRAP):
        bootstrap(ACCOUNT, REGION, environ=environ, directory=directory)
    timeline.say("cdk bootstrap: done")
    with timeline.waiting("cdk deploy", about_seconds=SECONDS_TO_DEPLOY):
        outputs = _deploy(cloud, directory, SETTINGS)
    timeline.say("cdk deploy: done")
    timeline.held("the real CDK CLI deployed the stack", f"{time.monotonic() - began:.0f} s", "exit code 0")

    variables = cloud.variables(ACCOUNT, REGION)
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )

    def client(service: str) -> Any:  # noqa: ANN401 - one factory for several typed clients
        return session.client(service, endpoint_url=cloud.endpoint_url)  # type: ignore[call-overload] # likewise

    sagemaker: SageMakerClient = client("sagemaker")
    return Scene(
        timeline=timeline,
        registry=Registry(sagemaker, client("s3"), group_name=GROUP, bucket=f"sagemaker-{REGION}-{ACCOUNT}"),
        outcomes=OutcomeQueue(
            client("sqs"), client("sns"), topic_arn=outputs["OutcomeTopicArn"], name="greenlight-demo"
        ),
        sagemaker=sagemaker,
        runtime=client("sagemaker-runtime"),
        cloudwatch=client("cloudwatch"),
    )


def _first_deployment(scene: Scene) -> TrainedModel:
    timeline = scene.timeline
    timeline.chapter("The data scientist: train and register version 1")
    model = training.linear_regression()
    timeline.say(f"Trained a {model.description}: R² {model.r2:.2f} on {len(model.rows)} unseen patients")
    scene.registry.create(REGION)
    arn = scene.registry.register(model, 1)

    timeline.chapter("Approve version 1, and touch nothing")
    scene.approve(arn)
    outcome, seconds = scene.outcome_of(arn)
    scene.expect("version 1 is serving", outcome["Outcome"], "succeeded", f" after {seconds:.1f} s")

    timeline.chapter("Invoke the endpoint with real rows")
    scene.expect_predictions(model, "version 1")
    return model


def _update_in_place(scene: Scene, first: TrainedModel) -> TrainedModel:
    timeline = scene.timeline
    timeline.chapter("Version 2, another model: the endpoint is updated while it is called")
    model = training.gradient_boosting()
    timeline.say(f"Trained {model.description}: R² {model.r2:.2f}")
    created = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["CreationTime"]
    arn = scene.registry.register(model, 2)
    with BackgroundCaller(scene.runtime, ENDPOINT, model.rows[0]) as caller:
        caller.wait_for_calls(10)
        scene.approve(arn)
        outcome, seconds = scene.outcome_of(arn)
        caller.wait_for_calls(10)
    scene.expect("version 2 is serving", outcome["Outcome"], "succeeded", f" after {seconds:.1f} s")
    unchanged = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["CreationTime"] == created
    scene.expect("the endpoint is", "updated" if unchanged else "another one", "updated", " in place")
    scene.expect_no_failures(caller)
    answered = [
        _nearest(value, {1: first.predictions[0], 2: model.predictions[0]}) for value in caller.predictions
    ]
    switches = [version for at, version in enumerate(answered) if at == 0 or answered[at - 1] != version]
    seen = ", then ".join(f"version {each}" for each in switches)
    scene.expect("callers were answered by", seen, "version 1, then version 2")
    scene.expect_predictions(model, "version 2")
    return model


def _broken_version(scene: Scene, second: TrainedModel) -> None:
    timeline = scene.timeline
    timeline.chapter("Version 3 raises when it is loaded: the endpoint keeps answering")
    before = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    arn = scene.registry.register(training.broken(second), 3)
    with BackgroundCaller(scene.runtime, ENDPOINT, second.rows[0]) as caller:
        caller.wait_for_calls(10)
        scene.approve(arn)
        outcome, _ = scene.outcome_of(arn)
        caller.wait_for_calls(10)
    scene.expect("version 3 is reported", outcome["Outcome"], "failed")
    timeline.say(outcome["Message"], who="outcome", style="yellow")
    reason = outcome["Reason"] or ""
    said = [words for words in ("did not pass the ping health check", MISSING) if words in reason]
    scene.expect("the report says what failed, and the container's last words", f"{len(said)} of 2", "2 of 2")
    after = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    scene.expect("the endpoint's status", after["EndpointStatus"], "InService")
    unchanged = after["EndpointConfigName"] == before
    scene.expect("its config is", "unchanged" if unchanged else "another one", "unchanged")
    scene.expect_no_failures(caller)
    scene.expect_predictions(second, "version 2, still")


def _guard_rollouts(cloud: LocalCloud, timeline: Timeline, directory: Path) -> None:
    timeline.chapter("The platform team: updates become canaries, watched by an alarm")
    for line in ROLLOUT.splitlines():
        timeline.say(line, who="yaml")
    began = time.monotonic()
    with timeline.waiting("cdk deploy", about_seconds=SECONDS_TO_DEPLOY):
        _deploy(cloud, directory, SETTINGS + ROLLOUT)
    timeline.held("cdk deploy changed how, not what", f"{time.monotonic() - began:.0f} s", "exit code 0")


def _deploy(cloud: LocalCloud, directory: Path, settings: str) -> dict[str, str]:
    endpoints = directory / "endpoints"
    endpoints.mkdir(exist_ok=True)
    (endpoints / f"{ENDPOINT}.yaml").write_text(settings)
    return deploy(
        environ=cloud.environ(ACCOUNT, REGION),
        directory=directory,
        context={"endpoints_dir": str(endpoints)},
    )


def _nearest(value: float, candidates: dict[int, float]) -> int:
    return min(candidates, key=lambda version: abs(candidates[version] - value))
