"""The main job, chapter by chapter, on real input. The first thing that is not as it should be ends it."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3

from demo import training
from demo.caller import BackgroundCaller, predict
from demo.cdk import bootstrap, deploy
from demo.outcomes import OutcomeQueue
from demo.registry import Registry
from demo.timeline import Follower, Timeline
from local_cloud.process import client_environment, start_local_cloud

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from demo.training import TrainedModel
    from local_cloud.process import LocalCloud

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
ENDPOINT: Final = "diabetes-progression"
GROUP: Final = "diabetes-progression"
OUTCOME_TIMEOUT_SECONDS: Final = 60.0


class NotAsItShouldBeError(Exception):
    """Something differs from what was promised."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every chapter works with."""

    timeline: Timeline
    registry: Registry
    outcomes: OutcomeQueue
    sagemaker: SageMakerClient
    runtime: SageMakerRuntimeClient


def walk_through() -> None:
    """Run every chapter.

    Raises:
        NotAsItShouldBeError: Something is not as it should be.
    """
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="greenlight-demo-") as directory:
        timeline.chapter("A cloud of your own")
        with start_local_cloud() as cloud, Follower(cloud, timeline) as follower:
            timeline.say(f"The local cloud answers at {cloud.endpoint_url}")
            scene = _deploy_stack(cloud, timeline, Path(directory))
            first = _first_deployment(scene)
            second = _update_in_place(scene, first)
            _broken_version(scene, second)
            follower.catch_up()
    timeline.summary()


def _deploy_stack(cloud: LocalCloud, timeline: Timeline, directory: Path) -> _Scene:
    timeline.chapter("The platform team: cdk bootstrap, cdk deploy")
    began = time.monotonic()
    environ = cloud.environ(ACCOUNT, REGION)
    bootstrap(environ=environ, directory=directory)
    timeline.say("cdk bootstrap: done")
    outputs = deploy(environ=environ, directory=directory)
    timeline.say("cdk deploy: done")
    timeline.held("the real CDK CLI deployed the stack", f"{time.monotonic() - began:.0f} s", "exit code 0")

    variables = client_environment(cloud.endpoint_url, ACCOUNT, REGION)
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )

    def client(service: str) -> Any:  # noqa: ANN401 - one factory for several typed clients
        return session.client(service, endpoint_url=cloud.endpoint_url)  # type: ignore[call-overload] # likewise

    sagemaker: SageMakerClient = client("sagemaker")
    return _Scene(
        timeline=timeline,
        registry=Registry(sagemaker, client("s3"), group_name=GROUP, bucket=f"sagemaker-{REGION}-{ACCOUNT}"),
        outcomes=OutcomeQueue(
            client("sqs"), client("sns"), topic_arn=outputs["OutcomeTopicArn"], name="greenlight-demo"
        ),
        sagemaker=sagemaker,
        runtime=client("sagemaker-runtime"),
    )


def _first_deployment(scene: _Scene) -> TrainedModel:
    timeline = scene.timeline
    timeline.chapter("The data scientist: train and register version 1")
    model = training.linear_regression()
    timeline.say(f"Trained a {model.description}: R² {model.r2:.2f} on {len(model.rows)} unseen patients")
    scene.registry.create(REGION)
    arn = scene.registry.register(model, 1)

    timeline.chapter("Approve version 1, and touch nothing")
    outcome, seconds = _approve(scene, arn)
    _expect(timeline, "version 1 is serving", outcome["Outcome"], "succeeded", f" after {seconds:.1f} s")

    timeline.chapter("Invoke the endpoint with real rows")
    _expect_predictions(scene, model, "version 1")
    return model


def _update_in_place(scene: _Scene, first: TrainedModel) -> TrainedModel:
    timeline = scene.timeline
    timeline.chapter("Version 2, another model: the endpoint is updated while it is called")
    model = training.gradient_boosting()
    timeline.say(f"Trained {model.description}: R² {model.r2:.2f}")
    created = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["CreationTime"]
    arn = scene.registry.register(model, 2)
    with BackgroundCaller(scene.runtime, ENDPOINT, model.rows[0]) as caller:
        caller.wait_for_calls(10)
        outcome, seconds = _approve(scene, arn)
        caller.wait_for_calls(10)
    _expect(timeline, "version 2 is serving", outcome["Outcome"], "succeeded", f" after {seconds:.1f} s")
    unchanged = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["CreationTime"] == created
    _expect(timeline, "it is the same endpoint", str(unchanged), "True")
    _expect_no_failures(timeline, caller)
    answered = [
        _nearest(value, {1: first.predictions[0], 2: model.predictions[0]}) for value in caller.predictions
    ]
    switches = [version for at, version in enumerate(answered) if at == 0 or answered[at - 1] != version]
    _expect(timeline, "callers saw version 1, then version 2, and nothing else", str(switches), "[1, 2]")
    _expect_predictions(scene, model, "version 2")
    return model


def _broken_version(scene: _Scene, second: TrainedModel) -> None:
    timeline = scene.timeline
    timeline.chapter("Version 3 raises when it is loaded: the endpoint keeps answering")
    before = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    arn = scene.registry.register(training.broken(second), 3)
    with BackgroundCaller(scene.runtime, ENDPOINT, second.rows[0]) as caller:
        caller.wait_for_calls(10)
        outcome, _ = _approve(scene, arn)
        caller.wait_for_calls(10)
    _expect(timeline, "version 3 is reported", outcome["Outcome"], "failed")
    timeline.say(outcome["Message"], who="outcome", style="yellow")
    told = "did not pass the ping health check" in (outcome["Reason"] or "")
    _expect(timeline, "the report gives SageMaker's reason", str(told), "True")
    after = scene.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    _expect(timeline, "the endpoint's status", after["EndpointStatus"], "InService")
    unchanged = after["EndpointConfigName"] == before
    _expect(timeline, "the endpoint's config is unchanged", str(unchanged), "True")
    _expect_no_failures(timeline, caller)
    _expect_predictions(scene, second, "version 2, still")


def _approve(scene: _Scene, version_arn: str) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    scene.registry.approve(version_arn)
    scene.timeline.say(f"Approved {version_arn.rsplit(':', 1)[-1]}", style="bold")
    try:
        outcome = scene.outcomes.wait_for(version_arn, timeout_seconds=OUTCOME_TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise NotAsItShouldBeError(f"Nothing was reported: {error}.") from error
    return outcome, time.monotonic() - began


def _expect_predictions(scene: _Scene, model: TrainedModel, who: str) -> None:
    answered = predict(scene.runtime, ENDPOINT, model.rows)
    equal = sum(
        math.isclose(one, other, rel_tol=1e-9) for one, other in zip(answered, model.predictions, strict=True)
    )
    _expect(
        scene.timeline,
        f"predictions are those of {who}",
        f"{equal} of {len(model.rows)} rows",
        f"{len(model.rows)} of {len(model.rows)} rows",
    )


def _expect_no_failures(timeline: Timeline, caller: BackgroundCaller) -> None:
    for failure in caller.failures[:3]:
        timeline.say(failure, style="red")
    calls = len(caller.predictions) + len(caller.failures)
    _expect(timeline, "failed invocations meanwhile", str(len(caller.failures)), "0", f" of {calls}")


def _expect(timeline: Timeline, what: str, measured: str, expected: str, remark: str = "") -> None:
    if measured != expected:
        raise NotAsItShouldBeError(f"{what}: {measured}{remark}, expected {expected}.")
    timeline.held(what, measured + remark, expected)


def _nearest(value: float, candidates: dict[int, float]) -> int:
    return min(candidates, key=lambda version: abs(candidates[version] - value))
