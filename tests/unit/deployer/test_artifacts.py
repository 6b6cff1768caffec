"""Approved artifacts are deployed, and every stage deploys the same ones as the stage before, to the byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from deployer.endpoint_pass.versions import Versions
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.s3 import S3, UnlistedError
from deployer.model.attempt import CleanUp
from deployer.model.model_version import Hidden, ModelVersion
from tests.infra.sufficiency.stages.test_stage import (
    PENDING,
    PRODUCTION,
    SOAK,
    STAGING,
    after,
    deployed,
    life_cycle,
    metadata,
    set_life_cycle,
    staging,
)
from tests.infra.sufficiency.test_companions import AB_TEST
from tests.infra.sufficiency.test_trial import BAD, GOOD, TESTED, Trying, changed
from tests.unit.deployer.builders import NOW, settings
from tests.unit.deployer.pipeline import PATH_STYLE, REGION, Pipeline, change_artifact

if TYPE_CHECKING:
    from collections.abc import Callable


def with_bucket(pipeline: Pipeline) -> Pipeline:
    pipeline.cloud.client("s3", PATH_STYLE).create_bucket(
        Bucket=f"models-{pipeline.account_id}", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return pipeline


def url_of(pipeline: Pipeline, arn: str) -> str:
    version = pipeline.sagemaker.describe_model_package(ModelPackageName=arn)
    [container] = version["InferenceSpecification"]["Containers"]
    return str(container["ModelDataUrl"])


def upload(pipeline: Pipeline, arn: str, content: bytes, *, suffix: str = "") -> None:
    """Put a version's artifact where the registry says it is."""
    bucket, _, key = url_of(pipeline, arn).removeprefix("s3://").partition("/")
    pipeline.cloud.client("s3", PATH_STYLE).put_object(Bucket=bucket, Key=key + suffix, Body=content)


def uploaded(pipeline: Pipeline) -> str:
    """Return a version whose artifact is there."""
    arn = pipeline.register()
    upload(pipeline, arn, b"good")
    return arn


def approved(pipeline: Pipeline) -> str:
    """Return a version that was approved just now and serves, as far as it may."""
    arn = uploaded(pipeline)
    pipeline.approve(arn)
    pipeline.run()
    return arn


def stages() -> Pipeline:
    return with_bucket(staging())


def two_stages() -> Pipeline:
    """Return staging with the endpoint `churn` and production with `live`, in one account."""
    pipeline = stages()
    pipeline.manage(EndpointName="live", **PRODUCTION)
    return pipeline


def live(pipeline: Pipeline) -> set[str]:
    models = pipeline.hosting.serving_models(pipeline.account_id, REGION, "live")
    return {name.split("-")[1] for name in models or ()}


# An artifact that is overwritten ---------------------------------------------------------------------


def test_an_artifact_that_is_overwritten_between_stages_is_refused_by_the_next() -> None:
    pipeline = two_stages()
    arn = approved(pipeline)
    after(pipeline, SOAK + 60)
    upload(pipeline, arn, b"bad")
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()

    assert live(pipeline) == set()
    assert pipeline.told(arn)[-1] == "ignored"
    assert "not what stage staging deployed" in pipeline.outcomes[-1]["Message"]


def test_an_artifact_that_stays_what_it_was_passes() -> None:
    pipeline = two_stages()
    arn = approved(pipeline)
    after(pipeline, SOAK + 60)
    upload(pipeline, arn, b"good")
    upload(pipeline, arn, b"something else", suffix=".bak")
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()

    assert live(pipeline) == {"v1"}


def test_an_artifact_that_is_overwritten_after_the_approval_is_not_deployed_until_that_is_approved() -> None:
    pipeline = stages()
    arn = uploaded(pipeline)

    def overwrite(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "CreateEndpointConfig"):
            pipeline.deployer_cloud.after_call = lambda *_: None
            upload(pipeline, arn, b"bad")

    pipeline.deployer_cloud.after_call = overwrite
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]

    pipeline.pass_time(1)
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.serving() == "v1"


def test_what_was_overwritten_is_not_rolled_back_to() -> None:
    """The serving release was loaded earlier; going back would load its artifact again."""
    pipeline = stages()
    first, second = approved(pipeline), approved(pipeline)
    upload(pipeline, first, b"bad")
    pipeline.reject(second)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.serving() == "v2"
    assert [each["Outcome"] for each in pipeline.outcomes[-2:]] == ["ignored", "needs_attention"]


@pytest.mark.parametrize(
    ("overwritten", "goes_back", "told"), [(False, True, "rolled_back"), (True, False, "needs_attention")]
)
def test_what_fails_its_smoke_test_gives_way_to_what_served_before_only_if_that_is_what_it_was(
    *, overwritten: bool, goes_back: bool, told: str
) -> None:
    """Otherwise the failed artifact would be loaded again, without another test."""
    pipeline = Trying(**STAGING)
    with_bucket(pipeline)
    arn = uploaded(pipeline)
    pipeline.script(arn, GOOD)
    pipeline.approve(arn)
    pipeline.run()
    before = pipeline.endpoint["EndpointConfigName"]

    def overwrite(_service: str, operation: str) -> None:
        if overwritten and operation == "UpdateEndpoint":
            upload(pipeline, arn, b"bad")

    pipeline.deployer_cloud.after_call = overwrite
    pipeline.script(arn, BAD, **changed("debug"))
    pipeline.manage(**STAGING, **TESTED, **changed("debug"))
    pipeline.sweep()
    pipeline.run()

    assert (pipeline.endpoint["EndpointConfigName"] == before) is goes_back
    assert pipeline.outcomes[-1]["Outcome"] == told


def test_what_serves_is_not_taken_away_for_what_happens_to_its_artifact() -> None:
    pipeline = stages()
    arn = approved(pipeline)
    upload(pipeline, arn, b"bad")
    after(pipeline, 60)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_what_was_overwritten_while_it_served_is_stamped_as_it_was_deployed_and_not_promoted() -> None:
    pipeline = stages()
    arn = uploaded(pipeline)
    pipeline.approve(arn)
    pipeline.deliver()
    deployed_as = pipeline.history.approvals[0].artifact_digest
    upload(pipeline, arn, b"bad")
    pipeline.run()
    assert metadata(pipeline, arn)["greenlight:staging:digest"] == deployed_as

    after(pipeline, SOAK + 60)
    after(pipeline, 60)

    assert life_cycle(pipeline, arn) is None
    assert pipeline.told(arn) == ["started", "succeeded", "failed"]
    assert "not what served here any more" in pipeline.outcomes[-1]["Message"]


def test_what_was_changed_and_approved_again_is_another_release() -> None:
    pipeline = stages()
    arn = approved(pipeline)
    before = pipeline.endpoint["EndpointConfigName"]
    upload(pipeline, arn, b"better")
    pipeline.approve(arn, "Rejected")
    pipeline.run()
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn).count("succeeded") == 2
    assert pipeline.endpoint["EndpointConfigName"] != before
    digest = metadata(pipeline, arn)["greenlight:staging:digest"]
    assert digest == pipeline.history.approvals[0].artifact_digest


def test_a_model_that_was_made_while_its_version_was_another_is_made_anew() -> None:
    """A model keeps its version's content at creation, while its name stands for the approved content."""
    pipeline = Pipeline()
    pipeline.manage()
    arn = deployed(pipeline)
    before = url_of(pipeline, arn)
    change_artifact(pipeline, arn)
    wanted = url_of(pipeline, arn)

    def change_back(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "CreateModel"):
            pipeline.deployer_cloud.before_call = lambda *_: None
            change_artifact(pipeline, arn, before)

    pipeline.deployer_cloud.before_call = change_back
    pipeline.approve(arn, "Rejected")
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.told(arn)[-1] == "ignored", "it is not what was approved any more"

    change_artifact(pipeline, arn, wanted)
    pipeline.run()

    assert pipeline.told(arn)[-1] == "succeeded"
    served = {
        container.model_data_url
        for routes in pipeline.hosting.routes.values()
        for route in routes
        for container in pipeline.hosting.fleets[route.fleet_id].spec.containers
    }
    assert served == {wanted}


def test_a_pinned_version_that_is_not_what_another_stage_deployed_is_left_out() -> None:
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST, **STAGING)
    with_bucket(pipeline)
    first = uploaded(pipeline)
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=first, CustomerMetadataProperties={"greenlight:lab:digest": "0" * 64}
    )
    pipeline.approve(first)
    approved(pipeline)

    assert set(pipeline.hosting.serving_models(pipeline.account_id, REGION, "churn")) == {
        pipeline.history.deployments[0].model_name
    }
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "Champion (version 1: not what stage lab deployed as this version)" in told["Message"]


def test_a_pinned_version_that_serves_stays_whatever_happens_to_its_artifact() -> None:
    pipeline = with_bucket(Pipeline())
    pipeline.manage(**AB_TEST, **STAGING)
    first = uploaded(pipeline)
    pipeline.approve(first)
    approved(pipeline)
    upload(pipeline, first, b"bad")
    after(pipeline, 60)

    assert len(pipeline.hosting.serving_models(pipeline.account_id, REGION, "churn")) == 2


# What S3 does not show -------------------------------------------------------------------------------


def denying(operation: str) -> Callable[[str, str], None]:
    def deny(_service: str, called: str) -> None:
        if called == operation:
            response: Any = {
                "Error": {"Code": "AccessDenied", "Message": "not authorized"},
                "ResponseMetadata": {"HTTPStatusCode": 403},
            }
            raise ClientError(response, operation)

    return deny


def test_a_version_whose_artifact_is_not_shown_waits_until_it_is() -> None:
    pipeline = stages()
    pipeline.deployer_cloud.before_call = denying("ListObjectsV2")
    arn = approved(pipeline)
    after(pipeline, 60)
    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]
    assert "cannot be seen" in pipeline.outcomes[-1]["Message"]
    assert "greenlight doctor" in pipeline.outcomes[-1]["Message"]

    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 60)
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["ignored", "started", "succeeded"]
    assert metadata(pipeline, arn)["greenlight:staging:digest"]


def test_a_version_whose_artifact_is_not_shown_takes_its_turn_at_the_sweep_that_sees_it() -> None:
    """The endpoint serves another version meanwhile, and no event tells that S3 shows the artifact again."""
    pipeline = with_bucket(Pipeline())
    pipeline.manage(StageName="staging")
    approved(pipeline)
    pipeline.deployer_cloud.before_call = denying("ListObjectsV2")
    arn = approved(pipeline)
    for _ in range(3):
        after(pipeline, 900)
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["ignored"]

    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 900)

    assert pipeline.serving() == "v2"


def test_nothing_is_deleted_while_what_a_reject_would_bring_back_is_not_shown() -> None:
    pipeline = with_bucket(staging(Keep=0))
    _, second = approved(pipeline), approved(pipeline)
    config_name = pipeline.history.deployments[-1].endpoint_config_name
    pipeline.deployer_cloud.before_call = denying("ListObjectsV2")
    after(pipeline, 60)
    pipeline.reject(second)
    pipeline.run()
    assert pipeline.serving() == "v2", "nothing is left that can be seen"
    assert pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=config_name)

    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 60)
    assert pipeline.endpoint["EndpointConfigName"] == config_name


def test_a_denied_clean_up_waits_longer_also_after_an_artifact_was_not_shown() -> None:
    pipeline = with_bucket(staging(Keep=0))
    hidden: set[str] = set()

    def deny(service: str, called: str) -> None:
        if called in {"DeleteModel", "DeleteEndpointConfig"}:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "SCP"}}, called)
        for operation in hidden:
            denying(operation)(service, called)

    def clean_ups() -> int:
        return sum(isinstance(each, CleanUp) for each in pipeline.attempts)

    for _ in range(2):
        approved(pipeline)
    pipeline.deployer_cloud.before_call = deny
    approved(pipeline)
    assert clean_ups() == 1
    hidden.add("ListObjectsV2")
    after(pipeline, 60)
    hidden.clear()
    after(pipeline, 60)
    after_two_minutes = clean_ups()
    after(pipeline, 600)

    assert (after_two_minutes, clean_ups()) == (1, 2)


def test_what_is_found_first_where_nothing_was_shown_is_what_was_approved() -> None:
    """Two passes may look at once, and the artifact may be overwritten in between."""
    pipeline = stages()
    pipeline.deployer_cloud.before_call = denying("ListObjectsV2")
    arn = approved(pipeline)

    def find_something_else(_service: str, operation: str) -> None:
        if operation == "TransactWriteItems":
            pipeline.deployer_cloud.before_call = lambda *_: None
            assert pipeline.journal.change_approval(
                replace(pipeline.history.approvals[0], artifact_digest="0" * 64), "artifact_digest"
            )

    pipeline.deployer_cloud.before_call = find_something_else
    after(pipeline, 60)
    assert pipeline.history.approvals[0].artifact_digest == "0" * 64
    assert pipeline.serving() is None
    assert "was changed after it was approved" in pipeline.outcomes[-1]["Message"]
    assert pipeline.told(arn) == ["ignored", "ignored"]


class HidingS3(S3):
    """Shows everything but one object."""

    def __init__(self, pipeline: Pipeline, *, hidden: str) -> None:
        super().__init__(lambda: pipeline.deployer_cloud.client("s3", PATH_STYLE))
        self._hidden = hidden

    def entity_tags(self, s3_uri: str) -> dict[str, str]:
        if s3_uri == self._hidden:
            raise UnlistedError(f"{s3_uri} is not shown (AccessDenied: not authorized)")
        return super().entity_tags(s3_uri)


def test_a_pin_whose_artifact_is_not_shown_is_left_out_and_told() -> None:
    pipeline = with_bucket(Pipeline())
    pipeline.manage(**AB_TEST, **STAGING)
    first = uploaded(pipeline)
    pipeline.approve(first)
    second = uploaded(pipeline)
    pipeline.approve(second)
    pipeline.s3 = HidingS3(pipeline, hidden=url_of(pipeline, first))
    pipeline.run()

    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "Champion (version 1: its artifact cannot be seen" in told["Message"]


def test_a_promotion_waits_until_the_artifact_is_shown() -> None:
    pipeline = stages()
    arn = approved(pipeline)
    pipeline.deployer_cloud.before_call = denying("ListObjectsV2")
    after(pipeline, SOAK + 60)
    assert life_cycle(pipeline, arn) is None

    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 60)
    assert life_cycle(pipeline, arn) == PENDING


def test_outside_of_stages_no_bucket_is_looked_into() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    deployed(pipeline)

    assert pipeline.serving() == "v1"
    assert not [call for call in pipeline.deployer_cloud.calls if call[0] == "s3"]


# How it is looked at ---------------------------------------------------------------------------------


class FakeS3:
    """Holds a bucket's objects, and lists two with each call."""

    def __init__(self, **objects: str) -> None:
        self.objects = dict(sorted(objects.items()))
        self.failure: ClientError | None = None

    def list_objects_v2(
        self,
        *,
        Bucket: str,  # noqa: N803 - boto3's names
        Prefix: str,  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        assert Bucket == "models"
        if self.failure is not None:
            raise self.failure
        found = [key for key in self.objects if key.startswith(Prefix) and key > ContinuationToken]
        page = {"Contents": [{"Key": key, "ETag": self.objects[key]} for key in found[:2]]}
        return {**page, **({"IsTruncated": True, "NextContinuationToken": found[1]} if found[2:] else {})}


def tags(s3_uri: str, fake: FakeS3) -> dict[str, str]:
    return s3_of(fake).entity_tags(s3_uri)


def test_an_object_is_told_from_those_whose_keys_begin_alike() -> None:
    assert tags("s3://models/a", FakeS3(a="1", ab="2")) == {"a": "1"}
    assert tags("s3://models/none", FakeS3(a="1")) == {}


def test_of_a_prefix_every_object_counts_however_many_there_are() -> None:
    fake = FakeS3(**{f"a/{number}": str(number) for number in range(5)}, b="x")

    assert tags("s3://models/a/", fake) == {f"a/{number}": str(number) for number in range(5)}
    assert len(tags("s3://models/", fake)) == 6


def error(status: int, code: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "…"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "ListObjectsV2")


def test_what_s3_says_against_it_is_told_and_a_fault_of_its_own_is_not_blamed_on_the_artifact() -> None:
    fake = FakeS3()
    fake.failure = error(403, "AccessDenied")
    with pytest.raises(UnlistedError, match=r"s3://models/a is not shown \(AccessDenied: …\)"):
        tags("s3://models/a", fake)
    fake.failure = error(404, "NoSuchBucket")
    assert tags("s3://models/a", fake) == {}
    fake.failure = error(503, "SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        tags("s3://models/a", fake)


SOURCE: dict[str, Any] = {"S3Uri": "s3://models/llm", "S3DataType": "S3Prefix", "CompressionType": "None"}
CONTAINER: dict[str, Any] = {
    "Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1",
    "ModelDataSource": {"S3DataSource": {**SOURCE, "ManifestS3Uri": "s3://models/manifest"}},
    "AdditionalModelDataSources": [
        {
            "ChannelName": "adapter",
            "S3DataSource": {**SOURCE, "S3Uri": "s3://models/adapter", "S3DataType": "S3Object"},
        }
    ],
    "AdditionalS3DataSource": {"S3Uri": "s3://models/more", "S3DataType": "S3Object"},
}


def described(**members: Any) -> ModelVersion:
    class Client:
        def describe_model_package(self, **_: str) -> dict[str, Any]:
            return {
                "ModelPackageArn": "arn:aws:sagemaker:eu-central-1:1:model-package/llm/1",
                "ModelPackageGroupName": "llm",
                "ModelPackageVersion": 1,
                "ModelPackageStatus": "Completed",
                "CreationTime": NOW,
                **members,
            }

    found = ModelRegistry(cast("Any", Client())).describe_version("llm")
    assert isinstance(found, ModelVersion)
    return found


def versions(s3: S3 | None = None, specification_name: str | None = None) -> Versions:
    """Return an endpoint's reads of versions and artifacts in a stage; without stages, S3 is not read."""
    unused = cast("Any", None)
    stage = {"StageName": "staging"} if s3 is not None else {}
    container = {} if specification_name is None else {"InferenceSpecificationName": specification_name}
    under = settings(CreateModel={"Containers": [container]}, **stage)
    logger = Logger(service="greenlight", level="CRITICAL")
    return Versions(under, unused, unused, unused, cast("Any", s3), logger)


def s3_of(fake: FakeS3) -> S3:
    return S3(lambda: cast("Any", fake))


@pytest.mark.parametrize("key", ["llm/a", "manifest", "adapter", "more"])
def test_every_object_that_a_container_loads_counts(key: str) -> None:
    version = described(InferenceSpecification={"Containers": [CONTAINER]})
    objects = {"llm/a": "1", "llm-b": "1", "manifest": "1", "adapter": "1", "more": "1"}

    def digest(**changed: str) -> str | Hidden:
        return versions(s3_of(FakeS3(**{**objects, **changed}))).read_digest(version)

    assert digest(**{key: "2"}) != digest()
    assert digest(**{"llm-b": "2"}) == digest()


@pytest.mark.parametrize(
    "change",
    [
        {"Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://elsewhere/source.tar.gz"}},
        {"ImageDigest": "sha256:1"},
        {"ModelInput": {"DataInputConfig": "{}"}},
    ],
)
def test_whatever_a_container_runs_with_counts(change: dict[str, Any]) -> None:
    before, changed = (
        versions().read_digest(described(InferenceSpecification={"Containers": [each]}))
        for each in (CONTAINER, {**CONTAINER, **change})
    )

    assert before != changed


def test_only_the_inference_specification_that_is_deployed_counts() -> None:
    compiled = {"Name": "compiled", "Containers": [{**CONTAINER, "Image": "compiled"}]}
    plain = described(InferenceSpecification={"Containers": [CONTAINER]})
    both = described(
        InferenceSpecification={"Containers": [CONTAINER]}, AdditionalInferenceSpecifications=[compiled]
    )

    assert versions().read_digest(plain) == versions().read_digest(both)
    assert versions(None, "compiled").read_digest(both) != versions().read_digest(both)


def test_what_s3_does_not_show_is_hidden_and_known_again_once_it_is_read_again() -> None:
    fake = FakeS3(**{"llm/a": "1"})
    version = described(InferenceSpecification={"Containers": [{"ModelDataUrl": "s3://models/llm/a"}]})
    looked_at = versions(s3_of(fake))
    fake.failure = error(403, "AccessDenied")

    hidden = looked_at.read_digest(version)

    assert hidden == Hidden("s3://models/llm/a is not shown (AccessDenied: …)")
    assert looked_at.known_digest(version) is None
    fake.failure = None
    assert looked_at.known_digest(version) is None, "nothing is read for that"
    assert looked_at.read_digest(version) == looked_at.known_digest(version)
    assert isinstance(looked_at.known_digest(version), str)
    looked_at.forget()
    assert looked_at.known_digest(version) is None
