from __future__ import annotations

from tests.witnesses.observed_cloud import ObservedCloud, arn_of, refusal, serverless
from tests.witnesses.witness import Observed, witness

_TERRAFORM = (
    "hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_configuration_test.go"
)


@witness(
    "serverless-least",
    source=f"{_TERRAFORM}:serverless",
    date="2025",
    observed=Observed.TEST,
    fact="The smallest serverless variant is accepted, without provisioned concurrency by default.",
)
def test_the_smallest_serverless_variant(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(serverless(MaxConcurrency=1, MemorySizeInMB=1024))
    [variant] = shown["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MaxConcurrency": 1, "MemorySizeInMB": 1024}
    assert not {"InstanceType", "InitialInstanceCount"} & set(variant)


@witness(
    "serverless-provisioned",
    source=f"{_TERRAFORM}:serverlessProvisionedConcurrency",
    date="2025",
    observed=Observed.TEST,
    fact="Provisioned concurrency below the maximum is accepted and described.",
)
def test_provisioned_concurrency_is_kept(cloud: ObservedCloud) -> None:
    wanted = {"MaxConcurrency": 200, "MemorySizeInMB": 5120, "ProvisionedConcurrency": 100}
    shown = cloud.shown_config(serverless(**wanted))
    assert shown["ProductionVariants"][0]["ServerlessConfig"] == wanted


@witness(
    "serverless-volume",
    source="aws-controllers-k8s/sagemaker-controller@dc49707:pkg/resource/endpoint_config/custom_delta.go",
    date="2026-08-13",
    observed=Observed.HANDLED,
    fact="A serverless variant is described with a VolumeSizeInGB, although nobody may ask for one.",
)
def test_a_serverless_variant_is_described_with_storage(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(serverless())
    assert shown["ProductionVariants"][0]["VolumeSizeInGB"] == 5
    code, _ = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="other",
        ProductionVariants=[{**serverless(), "VolumeSizeInGB": 5}],
    )
    assert code == "ValidationException"


@witness(
    "serverless-deletion-in-progress",
    source="hashicorp/terraform-provider-aws#39152",
    date="2024-09-04",
    observed=Observed.REPORT,
    fact="A serverless endpoint that is being created can be neither deleted nor created again: both are "
    "ValidationExceptions.",
)
def test_a_serverless_endpoint_under_way_is_neither_deleted_nor_replaced(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config("config", serverless())
    request = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    cloud.sagemaker.create_endpoint(**request)
    arn = arn_of("endpoint/endpoint")
    assert refusal(cloud.sagemaker.delete_endpoint, EndpointName="endpoint") == (
        "ValidationException",
        f'Cannot update in-progress endpoint "{arn}".',
    )
    assert refusal(cloud.sagemaker.create_endpoint, **request) == (
        "ValidationException",
        f'Cannot create already existing endpoint "{arn}".',
    )
