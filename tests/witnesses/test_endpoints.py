from __future__ import annotations

import pytest

from local_cloud.sagemaker.port_defaults import PermissiveRoles
from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.switch_settings import UnpulledImage
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_hosting import Outcome
from local_cloud.testing.scripted_ports import StrictArtifacts
from tests.witnesses.observed_cloud import ACCOUNT, DATA, IMAGE, ROLE, ObservedCloud, arn_of, refusal, variant
from tests.witnesses.witness import Observed, witness

_ACK = "aws-controllers-k8s/sagemaker-controller@dc49707"
_OPERATOR = (
    "aws/amazon-sagemaker-operator-for-k8s@e131566:controllers/sdkutil/clientwrapper/sagemaker_client.go"
)
_UNHEALTHY = Outcome(Health.UNHEALTHY)


class NoImages(PermissiveRoles):
    """Roles that may pull nothing."""

    def may_pull(self, image: str, *, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        return False


@witness(
    "endpoint-again",
    source="ministryofjustice/modernisation-platform-environments#9383",
    date="2025-01-17",
    observed=Observed.REPORT,
    fact='A taken endpoint name is refused: `Cannot create already existing endpoint "arn:…".`',
)
def test_an_endpoint_cannot_be_created_twice(cloud: ObservedCloud) -> None:
    cloud.serving(name="probation-search")
    code, message = refusal(
        cloud.sagemaker.create_endpoint, EndpointName="probation-search", EndpointConfigName="config"
    )
    expected = f'Cannot create already existing endpoint "{arn_of("endpoint/probation-search")}".'
    assert (code, message) == ("ValidationException", expected)


@witness(
    "endpoint-missing",
    source="hashicorp/terraform-provider-aws@050ac111:internal/service/sagemaker/find.go:FindEndpointByName",
    date="2023",
    observed=Observed.HANDLED,
    fact="Describing a missing endpoint is a ValidationException that begins `Could not find endpoint`.",
)
def test_a_missing_endpoint_is_told(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.describe_endpoint, EndpointName="gone")
    assert code == "ValidationException"
    assert message.startswith("Could not find endpoint ")


@witness(
    "endpoint-deletion-missing",
    source=f"{_OPERATOR}:DeleteEndpoint404",
    date="2023-02-15",
    observed=Observed.HANDLED,
    fact="Deleting an endpoint that is gone is a ValidationException that begins `Could not find endpoint`.",
)
def test_a_missing_endpoint_cannot_be_deleted(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.delete_endpoint, EndpointName="gone")
    assert code == "ValidationException"
    assert message.startswith("Could not find endpoint ")


@witness(
    "endpoint-update-missing",
    source=f"{_OPERATOR}:UpdateEndpoint404",
    date="2023-02-15",
    observed=Observed.HANDLED,
    fact="For UpdateEndpoint, only the words after `Could not find endpoint` distinguish a missing endpoint "
    "from a missing config.",
)
def test_an_update_tells_which_of_both_is_missing(cloud: ObservedCloud) -> None:
    cloud.serving()
    update = cloud.sagemaker.update_endpoint
    for request, beginning in (
        ({"EndpointName": "gone", "EndpointConfigName": "config"}, "Could not find endpoint "),
        (
            {"EndpointName": "endpoint", "EndpointConfigName": "gone"},
            "Could not find endpoint configuration ",
        ),
    ):
        code, message = refusal(update, **request)
        assert code == "ValidationException"
        assert message.startswith(beginning)


@witness(
    "endpoint-deletion-in-progress",
    source=f"{_OPERATOR}:DeleteEndpointInProgress",
    date="2023-02-15",
    observed=Observed.HANDLED,
    fact="An endpoint that is being deleted cannot be deleted again: `Cannot update in-progress endpoint`.",
)
def test_an_endpoint_is_deleted_once(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.sagemaker.delete_endpoint(EndpointName="endpoint")
    assert cloud.status() == "Deleting"
    code, message = refusal(cloud.sagemaker.delete_endpoint, EndpointName="endpoint")
    assert code == "ValidationException"
    assert message.startswith("Cannot update in-progress endpoint ")


@witness(
    "endpoint-deletion-while-updating",
    source="awslabs/stable-diffusion-aws-extension#342",
    date="2023-12-27",
    observed=Observed.HANDLED,
    fact="An endpoint can be deleted neither while it is Creating nor while it is Updating.",
)
def test_an_endpoint_under_way_cannot_be_deleted(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.config("other")
    cloud.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    statuses = [cloud.status()]
    refusals = [refusal(cloud.sagemaker.delete_endpoint, EndpointName="endpoint")[0]]
    cloud.settle()
    cloud.update("other")
    statuses.append(cloud.status())
    refusals.append(refusal(cloud.sagemaker.delete_endpoint, EndpointName="endpoint")[0])
    assert statuses == ["Creating", "Updating"]
    assert set(refusals) == {"ValidationException"}


@witness(
    "endpoint-stuck-creating",
    source="aws/amazon-sagemaker-examples#3432",
    date="2022-10-05",
    observed=Observed.REPORT,
    fact="An endpoint whose containers never start is Creating until it is Failed. Only then can it be "
    "deleted.",
)
def test_a_failed_creation_can_be_deleted_when_it_is_over(cloud: ObservedCloud) -> None:
    cloud.hosting.script("model", _UNHEALTHY)
    cloud.model()
    cloud.config()
    cloud.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    assert cloud.status() == "Creating"
    assert refusal(cloud.sagemaker.delete_endpoint, EndpointName="endpoint")[0] == "ValidationException"
    cloud.settle()
    assert cloud.status() == "Failed"
    cloud.sagemaker.delete_endpoint(EndpointName="endpoint")
    cloud.settle()
    assert refusal(cloud.sagemaker.describe_endpoint, EndpointName="endpoint")[0] == "ValidationException"


@witness(
    "endpoint-life",
    source=f"{_ACK}:test/e2e/tests/test_endpoint.py:create_endpoint_test",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="An endpoint is Creating, then InService, with the tags from its creation. Once deleted, it cannot "
    "be described.",
)
def test_the_life_of_an_endpoint(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config()
    tags = [{"Key": "confidentiality", "Value": "public"}]
    arn = cloud.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config", Tags=tags)[
        "EndpointArn"
    ]
    assert cloud.status() == "Creating"
    cloud.settle()
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointArn"]) == ("InService", arn)
    assert cloud.tags(arn) == {"confidentiality": "public"}
    cloud.sagemaker.delete_endpoint(EndpointName="endpoint")
    cloud.settle()
    assert refusal(cloud.sagemaker.describe_endpoint, EndpointName="endpoint")[0] == "ValidationException"


@witness(
    "endpoint-while-creating",
    source=f"{_ACK}:pkg/resource/endpoint/testdata/sdkapi/describe/creating_after_create.json",
    date="2021",
    observed=Observed.RECORDING,
    fact="While Creating, an endpoint has its config's name, but no variants, no failure reason and no last "
    "deployment config.",
)
def test_an_endpoint_shows_no_variants_while_it_is_created(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    shown = cloud.describe()
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("Creating", "config")
    absent = {"ProductionVariants", "FailureReason", "LastDeploymentConfig", "DataCaptureConfig"}
    assert not absent & set(shown)


@witness(
    "endpoint-failed",
    source=f"{_ACK}:pkg/resource/endpoint/testdata/sdkapi/describe/failed_after_create.json",
    date="2021",
    observed=Observed.RECORDING,
    fact="An endpoint that could not be created is Failed, with a reason (model data that could not be "
    "downloaded) and without variants.",
)
def test_a_failed_endpoint_has_a_reason_and_no_variants() -> None:
    artifacts = StrictArtifacts({DATA})
    cloud = ObservedCloud(artifacts=artifacts)
    cloud.model()
    cloud.config()
    artifacts.s3_urls.clear()
    cloud.endpoint()
    shown = cloud.describe()
    assert shown["EndpointStatus"] == "Failed"
    assert "Failed to download model data for container" in shown["FailureReason"]
    assert "ProductionVariants" not in shown


@witness(
    "endpoint-images",
    source=f"{_ACK}:pkg/resource/endpoint/testdata/sdkapi/describe/inservice_no_failure_reason.json",
    date="2021",
    observed=Observed.RECORDING,
    fact="A variant in service shows present and desired count and weight, and each image with the digest "
    "that its tag resolved to.",
)
def test_a_variant_in_service_shows_counts_weights_and_digests(cloud: ObservedCloud) -> None:
    cloud.serving()
    [shown] = cloud.describe()["ProductionVariants"]
    counts = {name: shown[name] for name in ("CurrentInstanceCount", "DesiredInstanceCount")}
    weights = {name: shown[name] for name in ("CurrentWeight", "DesiredWeight")}
    assert counts == {"CurrentInstanceCount": 2, "DesiredInstanceCount": 2}
    assert weights == {"CurrentWeight": 1.0, "DesiredWeight": 1.0}
    [image] = shown["DeployedImages"]
    assert image["SpecifiedImage"] == IMAGE
    assert image["ResolvedImage"].startswith(f"{IMAGE.partition(':')[0]}@sha256:")


@witness(
    "endpoint-listing",
    source="aws/amazon-sagemaker-examples#293:listing",
    date="2018-06-24",
    observed=Observed.REPORT,
    fact="ListEndpoints returns the newest first; names keep their letter case, ARNs are in lower case.",
)
def test_endpoints_are_listed_newest_first_with_small_letters_in_arns(cloud: ObservedCloud) -> None:
    cloud.serving(name="DEMO-imageclassification-ep-1")
    cloud.advance(60)
    cloud.endpoint("DEMO-imageclassification-ep-2")
    listed = cloud.sagemaker.list_endpoints()["Endpoints"]
    assert [(each["EndpointName"], each["EndpointArn"]) for each in listed] == [
        (f"DEMO-imageclassification-ep-{number}", arn_of(f"endpoint/demo-imageclassification-ep-{number}"))
        for number in (2, 1)
    ]
    assert {each["EndpointStatus"] for each in listed} == {"InService"}


@witness(
    "invocation-of-missing-endpoint",
    source="aws/amazon-sagemaker-examples#293:invocation",
    date="2018-06-24",
    observed=Observed.REPORT,
    fact="Invoking a missing endpoint is a ValidationError with the account in its text.",
)
def test_an_invocation_of_a_missing_endpoint_names_the_account(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.runtime.invoke_endpoint, EndpointName="DEMO-epc", Body=b"1")
    assert (code, message) == ("ValidationError", f"Endpoint DEMO-epc of account {ACCOUNT} not found.")


@witness(
    "quota-text",
    source="aws-samples/aws-genai-llm-chatbot#244",
    date="2023-11-27",
    observed=Observed.REPORT,
    fact="A refusal by an instance quota has the limit, the present use and the requested addition.",
)
def test_a_quota_names_limit_use_and_delta(cloud: ObservedCloud) -> None:
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, "us-west-2", "ml.g5.12xlarge", 2)
    cloud.serving(variant(InstanceType="ml.g5.12xlarge"))
    cloud.config("one", variant(InstanceType="ml.g5.12xlarge", InitialInstanceCount=1))
    code, message = refusal(cloud.sagemaker.create_endpoint, EndpointName="two", EndpointConfigName="one")
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.g5.12xlarge for endpoint usage' is 2 Instances, with current "
        "utilization of 2 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to "
        "request an increase for this quota."
    )


@witness(
    "quota-at-creation",
    source="aws-samples/sagemaker-custom-project-templates#51",
    date="2022-10-05",
    observed=Observed.REPORT,
    fact="A quota of 0 refuses CreateEndpoint at the call, with status 400; nothing is created.",
)
def test_a_quota_refuses_the_call_and_creates_nothing(cloud: ObservedCloud) -> None:
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, "us-west-2", "ml.m5.large", 0)
    cloud.model()
    cloud.config("config", variant(InitialInstanceCount=1))
    code, message = refusal(
        cloud.sagemaker.create_endpoint, EndpointName="endpoint", EndpointConfigName="config"
    )
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances"
    )
    assert cloud.sagemaker.list_endpoints()["Endpoints"] == []


@witness(
    "image-not-pulled",
    source="aws/deep-learning-containers#759",
    date="2020-11-25",
    observed=Observed.REPORT,
    fact="CreateModel and CreateEndpointConfig accept a role that may not pull the image. Then the endpoint "
    "is Failed, and the reason names role and image.",
)
def test_an_image_that_the_role_may_not_pull_fails_the_endpoint() -> None:
    cloud = ObservedCloud(execution_roles=NoImages())
    cloud.model()
    cloud.config()
    cloud.endpoint()
    shown = cloud.describe()
    assert shown["EndpointStatus"] == "Failed"
    assert shown["FailureReason"] == (
        f"The role '{ROLE}' does not have BatchGetImage permission for the image: '{IMAGE}'."
    )


@witness(
    "image-not-pulled-after-space",
    source="bentoml/aws-sagemaker-deploy#2",
    date="2021-04-29",
    observed=Observed.REPORT,
    fact="A failed endpoint's reason may begin with a space.",
)
def test_the_reason_of_an_image_that_is_not_pulled_may_begin_with_a_space() -> None:
    switches = Switches(unpulled_image=UnpulledImage.NAMED_AFTER_SPACE)
    cloud = ObservedCloud(execution_roles=NoImages(), switches=switches)
    cloud.model()
    cloud.config()
    cloud.endpoint()
    assert cloud.describe()["FailureReason"] == (
        f" The role '{ROLE}' does not have BatchGetImage permission for the image: '{IMAGE}'."
    )


@witness(
    "image-not-pulled-unnamed",
    source="aws/sagemaker-python-sdk#2001",
    date="2020-11-24",
    observed=Observed.REPORT,
    fact="If the image is missing or may not be pulled, the endpoint's reason may name only the variant.",
)
def test_the_reason_of_an_image_that_is_not_pulled_may_name_the_variant_alone() -> None:
    switches = Switches(unpulled_image=UnpulledImage.UNNAMED)
    cloud = ObservedCloud(execution_roles=NoImages(), switches=switches)
    cloud.model()
    cloud.config("config", variant("AllTraffic"))
    cloud.endpoint()
    assert cloud.describe()["FailureReason"] == (
        "Please make sure all images included in the model for the production variant AllTraffic exist, and "
        "that the execution role used to create the model has permissions to access them."
    )


@witness(
    "health-check",
    source="awslabs/llm-hosting-container#18",
    date="2023-06-30",
    observed=Observed.REPORT,
    fact="A container that never answers /ping fails the endpoint; the reason names the variant.",
)
def test_a_container_that_never_gets_healthy_fails_the_endpoint(cloud: ObservedCloud) -> None:
    cloud.hosting.script("model", _UNHEALTHY)
    cloud.model()
    cloud.config("config", variant("AllTraffic"))
    cloud.endpoint()
    shown = cloud.describe()
    assert shown["EndpointStatus"] == "Failed"
    assert shown["FailureReason"] == (
        "The primary container for production variant AllTraffic did not pass the ping health check. Please "
        "check CloudWatch logs for this endpoint."
    )


@witness(
    "endpoint-for-components",
    source=f"{_ACK}:test/e2e/tests/test_inference_component.py",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="An endpoint whose config has a role and no model comes into service without any component.",
)
def test_an_endpoint_for_components_serves_before_it_has_any(cloud: ObservedCloud) -> None:
    modelless = {name: value for name, value in variant().items() if name != "ModelName"}
    cloud.config("config", modelless, ExecutionRoleArn=ROLE)
    cloud.endpoint()
    assert cloud.status() == "InService"


@pytest.mark.parametrize("key", ["foo", "bar"])
@witness(
    "endpoint-tags-change",
    source="hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_test.go:tags",
    date="2026-07-15",
    observed=Observed.TEST,
    fact="An endpoint's tags change without an update of the endpoint.",
)
def test_tags_of_an_endpoint_change_without_an_update(cloud: ObservedCloud, key: str) -> None:
    cloud.serving()
    arn = arn_of("endpoint/endpoint")
    cloud.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": "baz"}])
    assert (cloud.tags(arn), cloud.status()) == ({key: "baz"}, "InService")
    cloud.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[key])
    assert cloud.tags(arn) == {}
