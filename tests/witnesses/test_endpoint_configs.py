from __future__ import annotations

from typing import Any

import pytest

from tests.witnesses.observed_cloud import ACCOUNT, ROLE, ObservedCloud, arn_of, refusal, variant
from tests.witnesses.witness import Observed, witness

_TERRAFORM = (
    "hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_configuration_test.go"
)
_CAPTURE: dict[str, Any] = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://bucket/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


@witness(
    "config-again",
    source="awslabs/spot-tagging-bot-for-digital-assets#2",
    date="2020-09-21",
    observed=Observed.REPORT,
    fact="A taken config name is refused with its ARN, which has the region's partition.",
)
def test_a_config_cannot_be_created_twice() -> None:
    region = "cn-northwest-1"
    cloud = ObservedCloud(region)
    cloud.model(ExecutionRoleArn=ROLE.replace("arn:aws:", "arn:aws-cn:"))
    cloud.config("bert-sentiment-config")
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="bert-sentiment-config",
        ProductionVariants=[variant()],
    )
    arn = f"arn:aws-cn:sagemaker:{region}:{ACCOUNT}:endpoint-config/bert-sentiment-config"
    expected = f'Cannot create already existing endpoint configuration "{arn}".'
    assert (code, message) == ("ValidationException", expected)


@witness(
    "config-missing",
    source="aws/amazon-sagemaker-examples#2339",
    date="2021-05-13",
    observed=Observed.REPORT,
    fact='A missing config is named by its ARN: `Could not find endpoint configuration "arn:…".`',
)
def test_a_missing_config_is_named_by_its_arn(cloud: ObservedCloud) -> None:
    name = "demo-xgb-churn-pred-model-monitor"
    code, message = refusal(cloud.sagemaker.describe_endpoint_config, EndpointConfigName=name)
    expected = f'Could not find endpoint configuration "{arn_of("endpoint-config/" + name)}".'
    assert (code, message) == ("ValidationException", expected)


@witness(
    "config-deletion-missing",
    source=(
        "aws/amazon-sagemaker-operator-for-k8s@e131566:controllers/sdkutil/clientwrapper/sagemaker_client.go"
        ":DeleteEndpointConfig"
    ),
    date="2023-02-15",
    observed=Observed.HANDLED,
    fact="Deleting a config that is gone is a ValidationException `Could not find endpoint configuration`.",
)
def test_a_config_that_is_gone_cannot_be_deleted(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.delete_endpoint_config, EndpointConfigName="gone")
    assert code == "ValidationException"
    assert message.startswith("Could not find endpoint configuration ")


@witness(
    "config-model-name",
    source="aws/amazon-sagemaker-examples#2236",
    date="2021-05-13",
    observed=Observed.REPORT,
    fact="The service checks names. It gives the place with list members counted from one, and the first "
    "letter small.",
)
def test_a_model_name_that_is_none_is_refused_with_its_place(cloud: ObservedCloud) -> None:
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[variant(ModelName="ENTER MODEL NAME")],
    )
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'ENTER MODEL NAME' at 'productionVariants.1.member.modelName' "
        "failed to satisfy constraint: Member must satisfy regular expression pattern: "
    )


@witness(
    "config-basic",
    source=f"{_TERRAFORM}:basic",
    date="2025",
    observed=Observed.TEST,
    fact="A config of one variant is described as sent, without capture, asynchronous inference or shadows "
    "that nobody asked for.",
)
def test_a_config_is_described_as_it_was_sent(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(variant(InstanceType="ml.t2.medium"))
    assert shown["EndpointConfigArn"] == arn_of("endpoint-config/config")
    assert shown["ProductionVariants"] == [variant(InstanceType="ml.t2.medium")]
    assert not {"DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants"} & set(shown)


@witness(
    "config-weights",
    source=f"{_TERRAFORM}:initialVariantWeight",
    date="2025",
    observed=Observed.TEST,
    fact="Two variants may run one model, with fractional weights.",
)
def test_two_variants_of_a_model_have_weights(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(variant(), variant("variant-2", InitialVariantWeight=0.5))
    assert [each["InitialVariantWeight"] for each in shown["ProductionVariants"]] == [1.0, 0.5]


@witness(
    "config-shadow",
    source=f"{_TERRAFORM}:shadowProductionVariants",
    date="2025",
    observed=Observed.TEST,
    fact="One production and one shadow variant of the same model and instance type are accepted.",
)
def test_a_shadow_is_described_beside_its_production_variant(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(variant(), ShadowProductionVariants=[variant("variant-2")])
    assert shown["ShadowProductionVariants"] == [variant("variant-2")]


@witness(
    "config-routing",
    source=f"{_TERRAFORM}:routing",
    date="2025",
    observed=Observed.TEST,
    fact="A variant's routing strategy may be RANDOM, and is described.",
)
def test_a_routing_strategy_is_kept(cloud: ObservedCloud) -> None:
    routing = {"RoutingStrategy": "RANDOM"}
    shown = cloud.shown_config(variant(RoutingConfig=routing))
    assert shown["ProductionVariants"][0]["RoutingConfig"] == routing


@witness(
    "config-ami",
    source=f"{_TERRAFORM}:ami",
    date="2025",
    observed=Observed.TEST,
    fact="CreateEndpointConfig accepts an AMI for GPUs on an instance type without GPUs.",
)
def test_an_ami_is_not_compared_with_the_instance_type(cloud: ObservedCloud) -> None:
    ami = "al2-ami-sagemaker-inference-gpu-2"
    shown = cloud.shown_config(variant(InstanceType="ml.t2.medium", InferenceAmiVersion=ami))
    assert shown["ProductionVariants"][0]["InferenceAmiVersion"] == ami


@witness(
    "config-key",
    source=f"{_TERRAFORM}:kmsKeyID",
    date="2025",
    observed=Observed.TEST,
    fact="A key for the storage of instances without local disks is accepted, and described by its ARN.",
)
def test_a_storage_key_is_kept(cloud: ObservedCloud) -> None:
    key = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert cloud.shown_config(variant(InstanceType="ml.t2.medium"), KmsKeyId=key)["KmsKeyId"] == key


@witness(
    "config-tags-change",
    source=f"{_TERRAFORM}:tags",
    date="2025",
    observed=Observed.TEST,
    fact="A config's tags can be changed and removed later, although a config never changes.",
)
def test_tags_of_a_config_change(cloud: ObservedCloud) -> None:
    arn = cloud.shown_config(Tags=[{"Key": "key1", "Value": "value1"}])["EndpointConfigArn"]
    changed = [{"Key": "key1", "Value": "value1updated"}, {"Key": "key2", "Value": "value2"}]
    cloud.sagemaker.add_tags(ResourceArn=arn, Tags=changed)
    assert cloud.tags(arn) == {"key1": "value1updated", "key2": "value2"}
    cloud.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["key1"])
    assert cloud.tags(arn) == {"key2": "value2"}


@witness(
    "config-capture",
    source=f"{_TERRAFORM}:dataCapture",
    date="2025",
    observed=Observed.TEST,
    fact="A capture is described as sent: the options in order, and only the given content types.",
)
def test_a_capture_is_kept(cloud: ObservedCloud) -> None:
    capture = {**_CAPTURE, "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]}}
    assert cloud.shown_config(DataCaptureConfig=capture)["DataCaptureConfig"] == capture


@witness(
    "config-capture-without-headers",
    source=f"{_TERRAFORM}:dataCapture_NoHeaders",
    date="2025",
    observed=Observed.TEST,
    fact="A capture without content types is described without them.",
)
def test_content_types_of_a_capture_have_no_default(cloud: ObservedCloud) -> None:
    shown = cloud.shown_config(DataCaptureConfig=_CAPTURE)["DataCaptureConfig"]
    assert "CaptureContentTypeHeader" not in shown


@witness(
    "config-capture-both",
    source=f"{_TERRAFORM}:dataCapture_inputAndOutput",
    date="2025",
    observed=Observed.TEST,
    fact="InputAndOutput is one capture option, and stays one.",
)
def test_one_option_captures_input_and_output(cloud: ObservedCloud) -> None:
    capture = {**_CAPTURE, "CaptureOptions": [{"CaptureMode": "InputAndOutput"}]}
    shown = cloud.shown_config(DataCaptureConfig=capture)["DataCaptureConfig"]
    assert shown["CaptureOptions"] == [{"CaptureMode": "InputAndOutput"}]


@witness(
    "config-deleted",
    source="aws-controllers-k8s/sagemaker-controller@dc49707:test/e2e/tests/test_endpoint_config.py",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="A config can be deleted after its model, and is gone at once.",
)
def test_a_config_is_deleted_without_its_model(cloud: ObservedCloud) -> None:
    arn = cloud.shown_config(Tags=[{"Key": "customer", "Value": "test-user"}])["EndpointConfigArn"]
    assert cloud.tags(arn) == {"customer": "test-user"}
    cloud.sagemaker.delete_model(ModelName="model")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="config")
    code, _ = refusal(cloud.sagemaker.describe_endpoint_config, EndpointConfigName="config")
    assert code == "ValidationException"


@pytest.mark.parametrize("least", [0, 1])
@witness(
    "config-managed-scaling",
    source="hashicorp/terraform-provider-aws#45926",
    date="2026-01",
    observed=Observed.TEST,
    fact="ManagedInstanceScaling beside a model is refused: `ManagedInstanceScaling is only supported for "
    "inference component endpoints.` Until 2025 it was accepted.",
)
def test_managed_scaling_is_for_inference_components(cloud: ObservedCloud, least: int) -> None:
    cloud.model()
    managed = {"Status": "ENABLED", "MinInstanceCount": least, "MaxInstanceCount": 2}
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[
            variant(InstanceType="ml.g5.4xlarge", InitialInstanceCount=1, ManagedInstanceScaling=managed)
        ],
    )
    assert code == "ValidationException"
    assert message == "ManagedInstanceScaling is only supported for inference component endpoints."


@witness(
    "config-components-need-a-role",
    source="stdapi-ai/stdapi.ai#43",
    date="2026-08-27",
    observed=Observed.REPORT,
    fact="A config for inference components, whose variants name no model, is refused without "
    "ExecutionRoleArn.",
)
def test_a_config_for_components_needs_an_execution_role(cloud: ObservedCloud) -> None:
    modelless = {name: value for name, value in variant().items() if name != "ModelName"}
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config, EndpointConfigName="config", ProductionVariants=[modelless]
    )
    assert code == "ValidationException"
    assert "ExecutionRoleArn" in message
    cloud.config("config", modelless, ExecutionRoleArn=ROLE)


@witness(
    "config-variant-names",
    source="mlflow/mlflow#6486",
    date="2022-08-28",
    observed=Observed.REPORT,
    fact="SageMaker refuses two variants with one name.",
)
def test_variant_names_are_unique(cloud: ObservedCloud) -> None:
    cloud.model()
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[variant(), variant()],
    )
    assert code == "ValidationException"
    assert "variant-1" in message


@witness(
    "config-volume-size",
    source="autogluon/autogluon-cloud#50",
    date="2023-03-07",
    observed=Observed.REPORT,
    fact="A volume size is refused for GPU instances with local disks: `VolumeSize parameter is not allowed "
    "for the selected Instance type`.",
)
def test_a_volume_s_size_is_refused_for_instances_with_local_disks(cloud: ObservedCloud) -> None:
    cloud.model()
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[variant(InstanceType="ml.g4dn.xlarge", VolumeSizeInGB=64)],
    )
    assert code == "ValidationException"
    assert message == "VolumeSize parameter is not allowed for the selected Instance type ml.g4dn.xlarge"
    cloud.config("config", variant(VolumeSizeInGB=64))


@pytest.mark.parametrize(
    "instance_type",
    [
        "ml.c5d.xlarge",
        "ml.p4d.24xlarge",
        "ml.g5.xlarge",
        "ml.g6.xlarge",
        "ml.p5.48xlarge",
        "ml.trn1.2xlarge",
    ],
)
@witness(
    "config-volume-families",
    source="aws/sagemaker-python-sdk#4828",
    date="2024-08-12",
    observed=Observed.HANDLED,
    fact="It is also refused for families with a d in their name, and g5, g6, p5 and trn1. The SDK stopped "
    "sending a size for each after CreateEndpointConfig had refused it.",
)
def test_these_families_take_no_size(cloud: ObservedCloud, instance_type: str) -> None:
    cloud.model()
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[variant(InstanceType=instance_type, VolumeSizeInGB=64)],
    )
    assert (code, instance_type in message) == ("ValidationException", True)
