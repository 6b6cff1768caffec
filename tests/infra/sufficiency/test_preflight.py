"""Once a version is registered, the registry shows what would keep it from serving."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.contract import PREFLIGHT_PROPERTY
from tests.infra.sufficiency.test_version_metadata import (
    APPROVERS,
    FOUR_EYES,
    LEAD,
    OTHER,
    approve_as,
    manage,
    properties,
    writes,
)
from tests.unit.deployer.pipeline import Pipeline

GPU = "ml.g5.xlarge"


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    manage(made)
    made.model_buckets = (made.bucket,)
    return made


def preflight(pipeline: Pipeline, arn: str) -> str | None:
    return properties(pipeline, arn).get(PREFLIGHT_PROPERTY)


def registered(pipeline: Pipeline, **members: Any) -> str:
    arn = pipeline.register(**members)
    pipeline.run()
    return arn


def test_a_version_that_may_serve_is_shown_as_ok_once(pipeline: Pipeline) -> None:
    arn = registered(pipeline)
    approve_as(pipeline, arn, LEAD, ApprovalDescription="looks good")
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert preflight(pipeline, arn) == "ok"
    assert writes(pipeline) == 1
    assert pipeline.told(arn) == []


def test_an_artifact_that_the_models_role_may_not_read_is_shown_before_the_approval(
    pipeline: Pipeline,
) -> None:
    pipeline.model_buckets = ("sagemaker-eu-central-1-111122223333",)
    arn = registered(pipeline)

    told = str(preflight(pipeline, arn))
    assert told.startswith(f"would fail: The models role may not read s3://{pipeline.bucket}/churn/")
    assert told.endswith("Add its bucket to model_buckets in cdk.json and deploy the stack.")


def test_an_instance_type_that_only_one_endpoint_lacks_is_shown_with_its_name(pipeline: Pipeline) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": GPU,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    manage(pipeline, EndpointName=OTHER, CreateEndpointConfig={"ProductionVariants": [variant]})
    arn = registered(pipeline)

    assert str(preflight(pipeline, arn)).startswith(f"would fail on {OTHER}: It supports ml.m5.large ")


def test_what_was_mended_is_shown_after_the_next_change_of_the_version(pipeline: Pipeline) -> None:
    pipeline.model_buckets = ()
    arn = registered(pipeline)
    assert str(preflight(pipeline, arn)).startswith("would fail")

    pipeline.model_buckets = (pipeline.bucket,)
    approve_as(pipeline, arn, LEAD, ApprovalDescription="again")
    pipeline.run()

    assert preflight(pipeline, arn) == "ok"


def test_nothing_is_shown_if_somebody_has_decided_by_the_time_of_the_write(pipeline: Pipeline) -> None:
    """The event of the registration is late."""
    arn = pipeline.register()
    approve_as(pipeline, arn, LEAD)
    pipeline.run()

    assert preflight(pipeline, arn) is None
    assert pipeline.serving() == "v1"
    assert pipeline.history.approvals[0].approved_by.endswith(f"user/{LEAD}")


@pytest.mark.parametrize("policy", [APPROVERS, FOUR_EYES], ids=["approvers", "four eyes"])
def test_where_it_counts_who_approved_only_bad_news_is_shown(
    pipeline: Pipeline, policy: dict[str, Any]
) -> None:
    manage(pipeline, ApprovalPolicy=policy)
    first = registered(pipeline)
    second = registered(pipeline, instance_types=[GPU])

    assert preflight(pipeline, first) is None
    assert str(preflight(pipeline, second)).startswith(f"would fail: It supports {GPU} ")


def test_with_the_setting_off_nothing_is_checked(pipeline: Pipeline) -> None:
    manage(pipeline, VersionMetadata=False)
    arn = registered(pipeline, instance_types=[GPU])

    assert (preflight(pipeline, arn), writes(pipeline)) == (None, 0)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalFailure"])
def test_a_check_that_cannot_be_shown_holds_back_nothing_and_tells_nobody(
    pipeline: Pipeline, code: str
) -> None:
    def refuse(_: str, operation: str) -> None:
        if operation == "UpdateModelPackage":
            error: Any = {"Error": {"Code": code, "Message": "no"}}
            raise ClientError(error, operation)

    manage(pipeline, VersionMetadata=True)
    pipeline.deployer_cloud.before_call = refuse
    arn = registered(pipeline)
    assert preflight(pipeline, arn) is None
    assert pipeline.outcomes == []
