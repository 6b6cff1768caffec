"""A version goes only onto instance types that it supports, as far as it says which it does."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.decisions.instance_types import unsupported_instances
from deployer.gateways.model_registry import ModelRegistry
from deployer.model.model_version import ModelVersion
from tests.unit.deployer.builders import approval, settings
from tests.unit.deployer.pipeline import Pipeline

SMALL, LARGE, GPU = "ml.m5.large", "ml.m5.xlarge", "ml.g5.xlarge"


def config(*instance_types: str) -> dict[str, Any]:
    return {
        "ProductionVariants": [
            {"VariantName": f"Variant{number}", "InstanceType": each, "InitialInstanceCount": 1}
            for number, each in enumerate(instance_types)
        ]
    }


def specified(name: str | None) -> dict[str, Any]:
    return {"Containers": [{"InferenceSpecificationName": name} if name else {}]}


SERVERLESS = {
    "ProductionVariants": [{"VariantName": "AllTraffic", "ServerlessConfig": {"MaxConcurrency": 1}}]
}
POOLS = {
    "ProductionVariants": [{"VariantName": "V", "InstancePools": [{"InstanceType": GPU, "Priority": 1}]}]
}


@pytest.mark.parametrize(
    ("asked", "specification", "supported", "excluded"),
    [
        pytest.param(config(SMALL), None, {None: (SMALL, LARGE)}, None, id="listed"),
        pytest.param(config(GPU), None, {None: (SMALL, LARGE)}, GPU, id="not listed"),
        pytest.param(config(SMALL, GPU), None, {None: (SMALL,)}, GPU, id="one of several variants"),
        pytest.param(POOLS, None, {None: (SMALL,)}, GPU, id="in a pool"),
        pytest.param(config(GPU), None, {}, None, id="no list"),
        pytest.param(config(GPU), None, {None: ()}, None, id="an empty list"),
        pytest.param(SERVERLESS, None, {None: (SMALL,)}, None, id="serverless"),
        pytest.param(config(GPU), "gpu", {None: (SMALL,), "gpu": (GPU,)}, None, id="listed by another"),
        pytest.param(config(SMALL), "gpu", {None: (SMALL,), "gpu": (GPU,)}, SMALL, id="not by that one"),
        pytest.param(config(SMALL), "tpu", {None: (GPU,)}, None, id="a specification it does not have"),
    ],
)
def test_a_version_fits_what_its_chosen_specification_lists(
    asked: dict[str, Any],
    specification: str | None,
    supported: dict[str | None, tuple[str, ...]],
    excluded: str | None,
) -> None:
    under = settings(CreateEndpointConfig=asked, CreateModel=specified(specification))
    found = unsupported_instances(approval(), under, under.following_variants.values(), supported)

    assert (found is None) == (excluded is None)
    if found is not None:
        assert f"the endpoint's settings ask for {excluded}." in found.reason
        assert f"register the version for {excluded}." in found.remedy
    free = settings(
        CreateEndpointConfig=asked, CreateModel=specified(specification), SupportedInstanceTypes="any"
    )
    assert unsupported_instances(approval(), free, free.following_variants.values(), supported) is None


def test_a_misfit_names_what_is_supported_and_what_to_do() -> None:
    under = settings(CreateEndpointConfig=config(GPU))
    found = unsupported_instances(
        approval(), under, under.following_variants.values(), {None: (LARGE, SMALL)}
    )

    assert found is not None
    assert found.reason == (
        "It supports ml.m5.large, ml.m5.xlarge (SupportedRealtimeInferenceInstanceTypes), and the endpoint's "
        "settings ask for ml.g5.xlarge."
    )
    assert found.remedy == (
        "Set instance_type to one that it supports, or register the version for ml.g5.xlarge. "
        "If its list is wrong, write `supported_instance_types: any`."
    )


def test_the_lists_of_all_specifications_are_read() -> None:
    pipeline = Pipeline()
    url = "s3://models/gpu/model.tar.gz"
    pipeline.artifacts.s3_urls.add(url)
    image = "1.dkr.ecr.eu-central-1.amazonaws.com/x:1"
    arn = pipeline.register(
        AdditionalInferenceSpecifications=[
            {
                "Name": name,
                "Containers": [{"Image": image, "ModelDataUrl": url}],
                **({"SupportedRealtimeInferenceInstanceTypes": [GPU]} if name == "gpu" else {}),
            }
            for name in ("gpu", "any")
        ]
    )
    version = ModelRegistry(pipeline.cloud.client("sagemaker")).describe_version(arn)

    assert isinstance(version, ModelVersion)
    assert version.instance_types == {None: (SMALL, LARGE), "gpu": (GPU,)}


# What becomes of it -----------------------------------------------------------------------------------


@pytest.fixture
def pipeline() -> Pipeline:
    """Return an endpoint that serves v1."""
    made = Pipeline()
    made.manage()
    made.approve(made.register())
    made.run()
    return made


def approve_for_gpus(pipeline: Pipeline) -> str:
    arn = pipeline.register(instance_types=[GPU])
    pipeline.approve(arn)
    pipeline.run()
    return arn


def test_a_version_for_other_instances_is_ignored_with_the_reason(pipeline: Pipeline) -> None:
    arn = approve_for_gpus(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["ignored"]
    told = pipeline.outcomes[-1]
    assert told["Reason"] in told["Message"]
    assert told["Message"].endswith("If its list is wrong, write `supported_instance_types: any`.")


def test_it_is_said_once_and_not_with_every_sweep(pipeline: Pipeline) -> None:
    arn = approve_for_gpus(pipeline)
    for _ in range(3):
        pipeline.sweep()

    assert pipeline.told(arn) == ["ignored"]


def test_a_misfit_whose_approval_was_lost_is_told_by_the_sweep_that_finds_it(pipeline: Pipeline) -> None:
    arn = pipeline.register(instance_types=[GPU])
    pipeline.run()
    pipeline.sweep()
    pipeline.approve(arn)
    pipeline.undelivered()
    pipeline.sweep()

    assert pipeline.told(arn) == ["ignored"]
    assert pipeline.serving() == "v1"


def test_settings_that_fit_by_now_let_the_approval_count(pipeline: Pipeline) -> None:
    arn = approve_for_gpus(pipeline)
    pipeline.manage(CreateEndpointConfig=config(GPU))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["ignored", "started", "succeeded"]


def test_settings_that_exclude_it_otherwise_are_told_as_another_outcome(pipeline: Pipeline) -> None:
    approve_for_gpus(pipeline)
    pipeline.manage(CreateEndpointConfig=config(LARGE))
    pipeline.sweep()
    pipeline.run()

    first, second = [each for each in pipeline.outcomes if each["Outcome"] == "ignored"]
    assert first["OutcomeId"] != second["OutcomeId"]
    assert LARGE in second["Reason"]
    assert pipeline.serving() == "v1"


def test_what_serves_is_left_as_it_is_by_settings_that_exclude_it(pipeline: Pipeline) -> None:
    serving = pipeline.endpoint["EndpointConfigName"]
    pipeline.manage(CreateEndpointConfig=config(GPU))
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] == serving
    assert pipeline.endpoint["EndpointStatus"] == "InService"
    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded", "ignored"]


def test_an_endpoint_in_sync_reads_no_version_for_it(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()

    assert "DescribeModelPackage" not in pipeline.sagemaker_calls()


def test_a_serverless_endpoint_reads_no_version_for_it() -> None:
    pipeline = Pipeline()
    pipeline.manage(CreateEndpointConfig={"ProductionVariants": [SERVERLESS_VARIANT]})
    arn = pipeline.register(instance_types=[GPU])
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]


SERVERLESS_VARIANT = {
    "VariantName": "AllTraffic",
    "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 2048},
}


def test_a_version_that_is_deleted_once_it_was_listed_is_no_misfit(pipeline: Pipeline) -> None:
    arn = approve_for_gpus(pipeline)
    pipeline.manage(CreateEndpointConfig=config(LARGE))

    def delete(_service: str, operation: str) -> None:
        if operation == "DescribeModelPackage":
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            pipeline.sagemaker.delete_model_package(ModelPackageName=arn)

    pipeline.deployer_cloud.before_call = delete
    pipeline.sweep()
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn).count("ignored") == 1
    assert pipeline.serving() == "v1"


def test_what_served_with_these_settings_before_fits_them_whatever_is_listed_by_now(
    pipeline: Pipeline,
) -> None:
    first = pipeline.history.approvals[0].version_arn
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.run()
    found = pipeline.sagemaker.describe_model_package(ModelPackageName=first)["InferenceSpecification"]
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=first,
        InferenceSpecification={**found, "SupportedRealtimeInferenceInstanceTypes": [GPU]},
    )
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_list_that_is_wrong_can_be_left_out_of_account(pipeline: Pipeline) -> None:
    arn = approve_for_gpus(pipeline)
    pipeline.manage(SupportedInstanceTypes="any")
    pipeline.look_at_settings()
    pipeline.run()

    assert pipeline.told(arn) == ["ignored", "started", "succeeded"]
