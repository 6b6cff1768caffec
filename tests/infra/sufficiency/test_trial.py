"""A new version is tested once it serves; a failed one gives way to the previous release."""

from __future__ import annotations

import io
import tarfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus
from deployer.triggers import read_trigger
from local_cloud.hosting.fleets import NotReadyError
from local_cloud.hosting.variant_fleet import Answer, InvocationTimeoutError
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import PATH_STYLE, SCHEDULED, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = Answer(200, "application/json", b'{"score": 0.9}')
BAD = Answer(200, "application/json", b'{"score": null}')

ONE_REQUEST: dict[str, Any] = {
    "Name": "typical customer",
    "Body": "1,2",
    "ContentType": "text/csv",
    "Status": 200,
    "Expect": "score",
    "Calls": 1,
}


def smoke_test(**changes: Any) -> dict[str, Any]:
    return {"TimeLimitSeconds": 60, "Requests": [{**ONE_REQUEST, **changes}]}


TESTED: dict[str, Any] = {"SmokeTest": smoke_test()}


class Trying(Pipeline):
    """An endpoint with a smoke test."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = {**TESTED, **settings}
        self.manage(**self.settings)

    def deploy(self, *answers: Answer | Exception, **members: Any) -> str:
        """Register and approve a version that answers so, and let everything happen; return its ARN."""
        arn = self.register(**members)
        self.script(arn, *answers)
        self.approve(arn)
        self.run()
        return arn

    def script(self, arn: str, *answers: Answer | Exception, **settings: Any) -> None:
        self.endpoints.script(self.release(arn, **{**self.settings, **settings}).model_name, *answers)


@pytest.fixture
def pipeline() -> Trying:
    return Trying()


def test_a_version_is_live_once_it_answered_well(pipeline: Trying) -> None:
    arn = pipeline.deploy(GOOD)

    assert pipeline.told(arn) == ["started", "succeeded"]
    [call] = pipeline.endpoints.invoked
    assert call.body == b"1,2"


def test_a_version_that_fails_gives_way_to_the_one_before(pipeline: Trying) -> None:
    first, second = pipeline.deploy(GOOD), pipeline.deploy(BAD)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.told(first) == ["started", "succeeded", "started", "rolled_back"]


def test_a_failure_is_told_with_request_answer_and_expectation(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(BAD)

    [failed] = [
        each for each in pipeline.outcomes if each.get("ModelPackageArn") == second and "SmokeTest" in each
    ]
    assert failed["SmokeTest"] == {
        "Request": {"Name": "typical customer", "ContentType": "text/csv", "Bytes": 3},
        "Answer": {"Status": 200, "ContentType": "application/json", "Bytes": 15, "Milliseconds": 0},
        "Expectation": "score to be true",
    }
    assert "failed its smoke test: typical customer: expected score to be true" in failed["Message"]


def test_what_served_well_before_is_put_back_without_another_test(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    pipeline.deploy(BAD)

    assert [call.model_name.split("-")[1] for call in pipeline.endpoints.invoked] == ["v1", "v2"]


def test_a_failed_version_is_tried_again_when_it_is_approved_again(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(BAD)
    pipeline.script(second, GOOD)
    pipeline.approve(second)
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_a_failed_version_is_not_tried_again_by_itself(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(BAD)
    pipeline.pass_time(100_000)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]


def test_a_test_that_was_wrong_is_made_good_by_changing_it(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    pipeline.deploy(BAD)
    pipeline.manage(SmokeTest=smoke_test(Expect="keys(@)"))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_the_first_version_stays_when_it_fails_and_a_person_is_told(pipeline: Trying) -> None:
    arn = pipeline.deploy(BAD)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"


def changed(log_level: str) -> dict[str, Any]:
    return {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": log_level}}]}}


def test_settings_that_fail_give_way_to_the_same_version_with_those_before(pipeline: Trying) -> None:
    first = pipeline.deploy(GOOD)
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.script(first, BAD, **changed("debug"))
    pipeline.manage(**TESTED, **changed("debug"))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] == before
    assert pipeline.told(first) == ["started", "succeeded", "started", "failed", "started", "rolled_back"]


def test_an_older_version_is_not_gone_back_to_for_the_sake_of_settings(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(GOOD)
    pipeline.script(second, BAD, **changed("debug"))
    pipeline.manage(**TESTED, **changed("debug"))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_the_former_config_is_gone_back_to_only_while_it_is_there(pipeline: Trying) -> None:
    first = pipeline.deploy(GOOD)
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.script(first, BAD, **changed("debug"))
    pipeline.manage(**TESTED, **changed("debug"))
    pipeline.sweep()
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=before)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(first)[-1] == "failed"
    assert "was deleted" in pipeline.outcomes[-2]["Message"]
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"


class GoingBack(Trying):
    """A version failed its test under new settings, and is about to give way to its own previous release."""

    def __init__(self, *, after: Answer | None = None) -> None:
        super().__init__()
        if after is not None:
            self.deploy(after)
        self.version_arn = self.deploy(GOOD)
        self.before = self.endpoint["EndpointConfigName"]
        self.script(self.version_arn, BAD, **changed("debug"))
        self.manage(**TESTED, **changed("debug"))
        self.sweep()
        while self.endpoint["EndpointStatus"] != "InService":
            self.pass_time(60)

    def make_again(self, kind: str, name: str, **changes: Any) -> None:
        """Delete a model or endpoint config, and make another one of its name."""
        described = {**getattr(self.sagemaker, f"describe_{kind}")(**name_of(kind, name))}
        tags = self.sagemaker.list_tags(ResourceArn=described[f"{pascal(kind)}Arn"])["Tags"]
        members = self.sagemaker.meta.service_model.operation_model(f"Create{pascal(kind)}").input_shape
        request = {key: value for key, value in described.items() if key in members.members}
        getattr(self.sagemaker, f"delete_{kind}")(**name_of(kind, name))
        getattr(self.sagemaker, f"create_{kind}")(**{**request, **changes, "Tags": tags})


def pascal(kind: str) -> str:
    return "".join(each.title() for each in kind.split("_"))


def name_of(kind: str, name: str) -> dict[str, str]:
    return {f"{pascal(kind)}Name": name}


CAPTURE: dict[str, Any] = {
    "DataCaptureConfig": {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://theirs/everything",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
}


@pytest.mark.parametrize("kind", ["endpoint_config", "model"])
def test_a_former_release_that_was_made_again_since_is_not_put_back(kind: str) -> None:
    pipeline = GoingBack()
    [served] = [each for each in pipeline.history.deployments if each.status is AttemptStatus.SUCCEEDED]
    names = {"endpoint_config": served.endpoint_config_name, "model": served.model_name}
    pipeline.make_again(kind, names[kind], **(CAPTURE if kind == "endpoint_config" else {}))
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] != pipeline.before
    assert pipeline.told(pipeline.version_arn)[-1] == "failed"
    told = pipeline.outcomes[-2]["Message"]
    assert f"{names[kind]} was deleted and made again at 20" in told
    assert "Somebody else may have made it" in told

    before = len(pipeline.attempts)
    for _ in range(3):
        pipeline.pass_time(3600)
        pipeline.sweep()
        pipeline.run()
    assert len(pipeline.attempts) == before


def test_the_version_before_goes_out_where_a_former_release_was_made_again() -> None:
    pipeline = GoingBack(after=GOOD)
    first = pipeline.history.approvals[-1].version_arn
    pipeline.script(first, GOOD, **changed("debug"))
    pipeline.make_again("endpoint_config", pipeline.before, **CAPTURE)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert "DataCaptureConfig" not in pipeline.endpoint


def test_a_former_release_whose_model_was_deleted_is_not_put_back() -> None:
    pipeline = GoingBack()
    pipeline.sagemaker.delete_model(ModelName=pipeline.history.deployments[-1].model_name)
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] != pipeline.before
    assert "was deleted." in pipeline.outcomes[-2]["Message"]


def test_a_former_config_that_is_deleted_right_after_it_was_looked_at_is_not_put_back() -> None:
    pipeline = GoingBack()

    def delete(_service: str, operation: str) -> None:
        if operation == "DescribeModel":
            pipeline.deployer_cloud.after_call = lambda *_: None
            pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=pipeline.before)

    pipeline.deployer_cloud.after_call = delete
    # SageMaker may not see a config that was made a moment ago: the next pass looks again.
    with pytest.raises(PassesFailedError, match="NotVisibleYetError"):
        pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] != pipeline.before
    assert f"endpoint config {pipeline.before} was deleted." in pipeline.outcomes[-2]["Message"]


@pytest.mark.parametrize("seconds", [-8, 8])
def test_clocks_that_differ_a_little_put_a_former_release_back(pipeline: Trying, seconds: int) -> None:
    """The deployer's clock says when a release was accepted, SageMaker's when its config was made."""
    clock = pipeline.clock.now
    pipeline.now = lambda: clock() + timedelta(seconds=seconds)
    first = pipeline.deploy(GOOD)
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.script(first, BAD, **changed("debug"))
    pipeline.manage(**TESTED, **changed("debug"))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] == before


def test_a_former_config_that_lacks_capacity_is_waited_for(pipeline: Trying) -> None:
    first = pipeline.deploy(GOOD)
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.script(first, BAD, **changed("debug"))
    pipeline.manage(**TESTED, **changed("debug"))
    refusals = iter([None, _quota_exceeded])

    def refuse(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "UpdateEndpoint") and (error := next(refusals, None)):
            error()

    pipeline.deployer_cloud.before_call = refuse
    pipeline.sweep()
    pipeline.run()
    assert pipeline.endpoint["EndpointConfigName"] != before

    pipeline.pass_time(700)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] == before


def _quota_exceeded() -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - only here

    raise ClientError({"Error": {"Code": "ResourceLimitExceeded", "Message": "limit"}}, "UpdateEndpoint")


def test_a_reject_during_the_test_goes_back_when_the_test_is_over(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.register()
    pipeline.script(second, GOOD)

    def reject(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime":
            pipeline.deployer_cloud.before_call = lambda *_: None
            pipeline.reject(second)

    pipeline.approve(second)
    pipeline.deliver()
    pipeline.deployer_cloud.before_call = reject
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "succeeded"]


def test_no_answer_is_asked_for_again_until_the_time_is_over(pipeline: Trying) -> None:
    arn = pipeline.deploy(NotReadyError("AllTraffic"), NotReadyError("AllTraffic"), GOOD)
    assert pipeline.told(arn) == ["started", "succeeded"]

    began = pipeline.clock.now()
    second = pipeline.deploy(NotReadyError("AllTraffic"))
    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.serving() == "v1"
    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert failed["SmokeTest"]["Expectation"] == "an answer within 60 s"
    assert "ModelNotReadyException" in failed["SmokeTest"]["Answer"]["Error"]
    assert (pipeline.clock.now() - began).total_seconds() < 1500


def test_a_model_that_answers_nothing_in_time_is_taken_at_its_word(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(InvocationTimeoutError())

    assert pipeline.told(second) == ["started", "failed"]


def test_calls_that_are_too_slow_fail_the_version(pipeline: Trying) -> None:
    pipeline.manage(SmokeTest=smoke_test(P95Milliseconds=100, Calls=20))

    def dawdle(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime":
            pipeline.clock.advance(0.2)

    pipeline.deployer_cloud.after_call = dawdle
    pipeline.deploy(GOOD)

    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert failed["SmokeTest"]["Expectation"] == "95 % of 20 calls within 100 ms, not 200 ms"
    assert len(pipeline.endpoints.invoked) == 20


def test_a_test_that_takes_too_long_fails_though_every_answer_is_good(pipeline: Trying) -> None:
    pipeline.manage(SmokeTest=smoke_test(Calls=20))

    def dawdle(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime":
            pipeline.clock.advance(10)

    pipeline.deployer_cloud.after_call = dawdle
    pipeline.deploy(GOOD)

    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert failed["SmokeTest"]["Answer"] == {"Error": "the time was over before it was asked"}
    assert len(pipeline.endpoints.invoked) == 6


# Bodies from S3 ---------------------------------------------------------------------------------------


def stored(pipeline: Pipeline, key: str, content: bytes) -> str:
    s3 = pipeline.cloud.client("s3", PATH_STYLE)
    s3.create_bucket(
        Bucket=f"sagemaker-eu-central-1-{pipeline.account_id}",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    s3.put_object(Bucket=f"sagemaker-eu-central-1-{pipeline.account_id}", Key=key, Body=content)
    return f"s3://sagemaker-eu-central-1-{pipeline.account_id}/{key}"


def without_body(**source: Any) -> dict[str, Any]:
    request = {name: value for name, value in ONE_REQUEST.items() if name != "Body"}
    return {"TimeLimitSeconds": 60, "Requests": [{**request, **source}]}


def test_a_body_may_come_from_s3(pipeline: Trying) -> None:
    pipeline.manage(SmokeTest=without_body(BodyS3Uri=stored(pipeline, "one.csv", b"3,4")))
    pipeline.deploy(GOOD)

    assert [call.body for call in pipeline.endpoints.invoked] == [b"3,4"]


def sample_archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as made:
        for name in ("b.csv", "a.csv"):
            member = tarfile.TarInfo(name)
            member.size = 5
            made.addfile(member, io.BytesIO(name.encode()))
    return target.getvalue()


def test_a_versions_own_sample_payload_may_be_sent(pipeline: Trying) -> None:
    test = without_body(SamplePayload=True)
    del test["Requests"][0]["ContentType"]
    pipeline.manage(SmokeTest=test)
    url = stored(pipeline, "sample.tar.gz", sample_archive())
    arn = pipeline.deploy(GOOD, BAD, SamplePayloadUrl=url, Domain="MACHINE_LEARNING", Task="OTHER")

    assert [call.body for call in pipeline.endpoints.invoked] == [b"a.csv", b"b.csv"]
    assert pipeline.told(arn) == ["started", "failed"]
    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert failed["SmokeTest"]["Request"] == {
        "Name": "typical customer",
        "File": "b.csv",
        "ContentType": "text/csv",
        "Bytes": 5,
    }


def test_a_sample_payload_is_sent_as_the_settings_say_before_the_versions_own_type(pipeline: Trying) -> None:
    pipeline.manage(SmokeTest=without_body(SamplePayload=True, ContentType="application/jsonlines"))
    url = stored(pipeline, "sample.tar.gz", sample_archive())
    pipeline.deploy(GOOD, BAD, SamplePayloadUrl=url, Domain="MACHINE_LEARNING", Task="OTHER")

    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert failed["SmokeTest"]["Request"]["ContentType"] == "application/jsonlines"


def test_a_version_without_a_sample_payload_fails_a_test_that_sends_it(pipeline: Trying) -> None:
    pipeline.manage(SmokeTest=without_body(SamplePayload=True))
    pipeline.deploy(GOOD)

    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert "without a SamplePayloadUrl" in failed["SmokeTest"]["Answer"]["Error"]


# Who tests --------------------------------------------------------------------------------------------


def in_service(pipeline: Trying) -> str:
    """Approve a version, and stop when it serves and nobody has tried it."""
    arn = pipeline.register()
    pipeline.script(arn, GOOD)
    pipeline.approve(arn)
    pipeline.deliver()
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    return arn


def during_the_call(pipeline: Trying, do: Callable[[], object]) -> None:
    def once(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime":
            pipeline.deployer_cloud.before_call = lambda *_: None
            do()

    pipeline.deployer_cloud.before_call = once


def test_two_invocations_do_not_try_the_same_version_twice(pipeline: Trying) -> None:
    arn = in_service(pipeline)
    during_the_call(pipeline, pipeline.sweep)
    pipeline.run()

    assert len(pipeline.endpoints.invoked) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_test_that_died_is_made_by_another_invocation(pipeline: Trying) -> None:
    class Died(BaseException):
        """The function's process ended."""

    def die() -> None:
        raise Died

    arn = in_service(pipeline)
    during_the_call(pipeline, die)
    with pytest.raises(Died):
        pipeline.run()
    pipeline.sweep()
    assert pipeline.attempts[0].status is AttemptStatus.TESTING

    pipeline.pass_time(361)
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_test_that_this_invocation_has_no_time_for_is_handed_on(pipeline: Trying) -> None:
    arn = in_service(pipeline)
    pipeline.remaining_seconds = lambda: 154.0
    pipeline.run()
    assert pipeline.endpoints.invoked == []

    pipeline.remaining_seconds = lambda: 156.0
    for part in pipeline.parts:
        pipeline.dispatch(read_trigger(part))

    assert len(pipeline.endpoints.invoked) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_failure_is_not_blamed_on_a_version_that_serves_no_longer(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    before = pipeline.endpoint["EndpointConfigName"]
    arn = in_service(pipeline)
    pipeline.script(arn, BAD)
    during_the_call(
        pipeline,
        lambda: pipeline.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=before) and None,
    )
    pipeline.run()

    assert not [each for each in pipeline.outcomes if "SmokeTest" in each]


def test_a_test_that_is_taken_out_of_the_settings_is_not_made(pipeline: Trying) -> None:
    arn = in_service(pipeline)
    pipeline.manage()
    pipeline.run()

    assert pipeline.endpoints.invoked == []
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_sweep_leaves_a_version_that_is_being_tried_alone(pipeline: Trying) -> None:
    in_service(pipeline)
    during_the_call(pipeline, lambda: pipeline.dispatch(read_trigger(SCHEDULED)))
    pipeline.run()

    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded"]
