"""Test the keys for hosting: their compiled fields, and SageMaker's refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.aws_shapes import instance_types, sagemaker
from infra.settings.compiling.field_mapping import FIELD_MAPPINGS
from service_model.hosting import EBS_ONLY_FAMILIES, LOCAL_STORAGE_FAMILIES
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.model import Shape

ON_INSTANCES = "model_package_group: churn\ninstance_type: ml.m5.large\n"
SERVERLESS = "model_package_group: churn\nserverless: {memory_size_in_mb: 1024, max_concurrency: 5}\n"


def compiled(directory: Path, text: str) -> dict[str, Any]:
    [spec], found = load(directory, churn=text)
    assert found == []
    return dict(spec.compiled)


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


VARIANT = ("CreateEndpointConfig", "ProductionVariants", 0)
CAPTURE = ("CreateEndpointConfig", "DataCaptureConfig")
QUEUE = ("CreateEndpointConfig", "AsyncInferenceConfig")
CLARIFY = ("CreateEndpointConfig", "ExplainerConfig", "ClarifyExplainerConfig")

BECOMES: list[tuple[str, tuple[str | int, ...], Any]] = [
    ("volume_size_in_gb: 64", (*VARIANT, "VolumeSizeInGB"), 64),
    (
        "model_data_download_timeout_in_seconds: 600",
        (*VARIANT, "ModelDataDownloadTimeoutInSeconds"),
        600,
    ),
    (
        "container_startup_health_check_timeout_in_seconds: 600",
        (*VARIANT, "ContainerStartupHealthCheckTimeoutInSeconds"),
        600,
    ),
    ("routing: random", (*VARIANT, "RoutingConfig"), {"RoutingStrategy": "RANDOM"}),
    (
        "routing: least_outstanding_requests",
        (*VARIANT, "RoutingConfig"),
        {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    ),
    (
        "inference_ami_version: al2-ami-sagemaker-inference-gpu-2",
        (*VARIANT, "InferenceAmiVersion"),
        "al2-ami-sagemaker-inference-gpu-2",
    ),
    ("kms_key_id: alias/storage", ("CreateEndpointConfig", "KmsKeyId"), "alias/storage"),
    ("network_isolation: true", ("CreateModel", "EnableNetworkIsolation"), True),
    ("network_isolation: false", ("CreateModel", "EnableNetworkIsolation"), False),
    (
        "inference_specification: small",
        ("CreateModel", "Containers", 0, "InferenceSpecificationName"),
        "small",
    ),
    (
        "vpc: {subnets: [subnet-1, subnet-2], security_groups: [sg-1]}",
        ("CreateModel", "VpcConfig"),
        {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    ),
    (
        "data_capture: {destination: 's3://bucket/calls'}",
        CAPTURE,
        {
            "EnableCapture": True,
            "DestinationS3Uri": "s3://bucket/calls",
            "InitialSamplingPercentage": 100,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    ),
    (
        (
            "data_capture: {destination: 's3://bucket/calls', capture: [output, output], "
            "sampling_percent: 0, kms_key_id: k, "
            "csv_content_types: [text/csv], json_content_types: [application/json]}"
        ),
        CAPTURE,
        {
            "EnableCapture": True,
            "DestinationS3Uri": "s3://bucket/calls",
            "InitialSamplingPercentage": 0,
            "CaptureOptions": [{"CaptureMode": "Output"}],
            "KmsKeyId": "k",
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        },
    ),
    (
        "asynchronous: {output_path: 's3://bucket/answers'}",
        QUEUE,
        {"OutputConfig": {"S3OutputPath": "s3://bucket/answers"}},
    ),
    (
        (
            "asynchronous:\n"
            "  output_path: s3://bucket/answers\n"
            "  failure_path: s3://bucket/failures\n"
            "  kms_key_id: k\n"
            "  success_topic_arn: arn:aws:sns:eu-central-1:111122223333:done\n"
            "  error_topic_arn: arn:aws:sns:eu-central-1:111122223333:failed\n"
            "  include_response_in: [error, success]\n"
            "  max_concurrent_invocations_per_instance: 4\n"
        ),
        QUEUE,
        {
            "OutputConfig": {
                "S3OutputPath": "s3://bucket/answers",
                "S3FailurePath": "s3://bucket/failures",
                "KmsKeyId": "k",
                "NotificationConfig": {
                    "SuccessTopic": "arn:aws:sns:eu-central-1:111122223333:done",
                    "ErrorTopic": "arn:aws:sns:eu-central-1:111122223333:failed",
                    "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC", "SUCCESS_NOTIFICATION_TOPIC"],
                },
            },
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
        },
    ),
    (
        (
            "explainer: {enable_explanations: '`true`', shap: {baseline: '1,2', seed: 0, use_logit: false}, "
            "input: {label_index: 0}}"
        ),
        CLARIFY,
        {
            "EnableExplanations": "`true`",
            "ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1,2"}, "Seed": 0, "UseLogit": False},
            "InferenceConfig": {"LabelIndex": 0},
        },
    ),
]


@pytest.mark.parametrize(("text", "path", "expected"), BECOMES)
def test_a_key_becomes_this_field(
    text: str, path: tuple[str | int, ...], expected: object, tmp_path: Path
) -> None:
    assert at(compiled(tmp_path, ON_INSTANCES + text + "\n"), path) == expected


def test_provisioned_concurrency_becomes_a_field_of_the_serverless_config(tmp_path: Path) -> None:
    text = SERVERLESS.replace("}", ", provisioned_concurrency: 3}")

    assert at(compiled(tmp_path, text), (*VARIANT, "ServerlessConfig", "ProvisionedConcurrency")) == 3


def test_without_the_keys_nothing_is_set(tmp_path: Path) -> None:
    spec = compiled(tmp_path, ON_INSTANCES)

    assert spec["CreateModel"] == {"Containers": [{}]}
    assert spec["CreateEndpointConfig"] == {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "InitialVariantWeight": 1.0,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ]
    }
    assert "DeploymentConfig" not in spec
    assert "AbortAlarmName" not in spec


def test_every_key_is_placed_in_a_field_that_the_service_model_has() -> None:
    for mapping in FIELD_MAPPINGS:
        shape: Shape = sagemaker().operation_model(mapping.operation).input_shape  # type: ignore[assignment]
        for part in mapping.path:
            listed = isinstance(part, int) or part == "*"
            shape = shape.member if listed else shape.members[part]  # type: ignore[attr-defined]


REFUSED: list[tuple[str, str, str, str]] = [
    ("volume_size_in_gb: 513", "volume_size_in_gb", "from 1 to 512", "512"),
    (
        "model_data_download_timeout_in_seconds: 30",
        "model_data_download_timeout_in_seconds",
        "from 60",
        "60",
    ),
    (
        "container_startup_health_check_timeout_in_seconds: 4000",
        "container_startup_health_check_timeout_in_seconds",
        "to 3600",
        "3600",
    ),
    ("routing: randm", "routing", "random", "did you mean random?"),
    (
        "inference_ami_version: al2",
        "inference_ami_version",
        "al2-ami-sagemaker-inference-gpu-2",
        "ProductionVariantInferenceAmiVersion",
    ),
    ("vpc: {subnets: [subnet-1]}", "vpc.security_groups", "from 1 to 5 of them", "add security_groups"),
    ("vpc: {subnets: ['a b'], security_groups: [sg-1]}", "vpc.subnets[0]", "[-0-9a-zA-Z]+", "pattern"),
    ("data_capture: {sampling_percent: 10}", "data_capture.destination", "s3://", "add destination"),
    (
        "data_capture: {destination: 's3://b/p', sampling_percent: 101}",
        "data_capture.sampling_percent",
        "0 to 100",
        "100",
    ),
    ("data_capture: {destination: bucket}", "data_capture.destination", "(https|s3)://", "pattern"),
    (
        "data_capture: {destination: 's3://b/p', capture: [both]}",
        "data_capture.capture[0]",
        "",
        "choose one of input, output",
    ),
    ("data_capture: {destination: 's3://b/p', kms_key: a}", "data_capture.kms_key", "one of", "kms_key_id?"),
    ("data_capture: {destination:}", "data_capture.destination", "s3://", "give it a value"),
    ("asynchronous: {}", "asynchronous.output_path", "s3://", "add output_path"),
    (
        "asynchronous: {output_path: 's3://b/p', input_paths: ['s3://calls/*']}",
        "asynchronous.input_paths[0]",
        "s3://bucket/calls, without",
        "correct the value",
    ),
    (
        "asynchronous: {output_path: 's3://b/p', input_paths: ['https://calls/a']}",
        "asynchronous.input_paths[0]",
        "s3://bucket/calls, without",
        "write s3://",
    ),
    (
        "asynchronous: {output_path: 's3://b/p', input_paths: []}",
        "asynchronous.input_paths",
        "in the bucket of output_path",
        "remove the key",
    ),
    (
        "asynchronous: {output_path: 's3://b/p', success_topic_arn: done}",
        "asynchronous.success_topic_arn",
        "arn:aws",
        "pattern",
    ),
    (
        "asynchronous: {output_path: 's3://b/p', max_concurrent_invocations_per_instance: 1001}",
        "asynchronous.max_concurrent_invocations_per_instance",
        "from 1 to 1000",
        "1000",
    ),
    (
        "asynchronous: {output_path: 's3://b/p', include_response_in: [success]}",
        "asynchronous.include_response_in",
        "success_topic_arn",
        "add success_topic_arn",
    ),
    (
        (
            "asynchronous: {output_path: 's3://b/p'}\n"
            "overrides: {endpoint_config: {ProductionVariants: [{}, {VariantName: b, "
            "InstanceType: ml.m5.large, InitialInstanceCount: 1}]}}"
        ),
        "overrides.endpoint_config.ProductionVariants",
        "one variant",
        "keep one",
    ),
    (
        "explainer: {shap: {baseline: a, text_language: zz, text_granularity: token}}",
        "explainer.shap.text_language",
        "SageMaker's",
        "ClarifyTextLanguage",
    ),
    ("inference_specification: a_b", "inference_specification", "[a-zA-Z0-9]", "pattern"),
    (
        "overrides: {endpoint_config: {ProductionVariants: [{ManagedInstanceScaling: {Status: ENABLED}}]}}",
        "overrides.endpoint_config.ProductionVariants[0].ManagedInstanceScaling",
        "inference components only",
        "autoscaling",
    ),
]


@pytest.mark.parametrize(("text", "field", "expected", "fix"), REFUSED)
def test_what_sagemaker_would_refuse_is_refused_at_synth(
    text: str, field: str, expected: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + text + "\n")

    assert problem.field == field
    assert problem.line >= 2
    assert expected in problem.expected
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("volume_size_in_gb: 8", "volume_size_in_gb"),
        ("kms_key_id: alias/storage", "kms_key_id"),
        ("model_data_download_timeout_in_seconds: 60", "model_data_download_timeout_in_seconds"),
        (
            "container_startup_health_check_timeout_in_seconds: 60",
            "container_startup_health_check_timeout_in_seconds",
        ),
        ("routing: random", "routing"),
        ("inference_ami_version: al2-ami-sagemaker-inference-gpu-2", "inference_ami_version"),
        ("data_capture: {destination: 's3://b/p'}", "data_capture"),
        ("asynchronous: {output_path: 's3://b/p'}", "asynchronous"),
        ("network_isolation: true", "network_isolation"),
        ("vpc: {subnets: [subnet-1], security_groups: [sg-1]}", "vpc"),
        ("rollout: {kind: all_at_once}", "rollout"),
    ],
)
def test_what_serverless_endpoints_do_not_have_is_refused_by_its_key(
    text: str, field: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, SERVERLESS + text + "\n")

    assert (problem.line, problem.field) == (3, field)
    assert "serverless" in problem.got
    assert "serve from instances" in problem.fix


@pytest.mark.parametrize(
    "instance_type", ["ml.g5.xlarge", "ml.m5d.large", "ml.p4d.24xlarge", "ml.trn1.2xlarge"]
)
def test_a_volume_size_is_refused_where_instances_have_local_storage(
    instance_type: str, tmp_path: Path
) -> None:
    text = ON_INSTANCES.replace("ml.m5.large", instance_type) + "volume_size_in_gb: 100\n"

    [problem] = problems(tmp_path, text)

    assert (problem.line, problem.field) == (3, "volume_size_in_gb")
    assert instance_type in problem.got
    assert "PR #4828" in problem.source


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.m5d.large", "ml.m5.large"])
def test_a_storage_key_is_taken_whatever_the_storage(instance_type: str, tmp_path: Path) -> None:
    text = ON_INSTANCES.replace("ml.m5.large", instance_type) + "kms_key_id: alias/storage\n"

    assert problems(tmp_path, text) == []


def test_of_every_instance_family_it_is_known_whether_it_has_local_storage() -> None:
    families = {name.split(".")[1] for name in instance_types()}

    assert families == LOCAL_STORAGE_FAMILIES | EBS_ONLY_FAMILIES
    assert not LOCAL_STORAGE_FAMILIES & EBS_ONLY_FAMILIES


@pytest.mark.parametrize(
    ("key", "override", "field"),
    [
        (
            "volume_size_in_gb: 8",
            "endpoint_config: {ProductionVariants: [{VolumeSizeInGB: 9}]}",
            "overrides.endpoint_config.ProductionVariants[0].VolumeSizeInGB",
        ),
        (
            "routing: random",
            "endpoint_config: {ProductionVariants: [{RoutingConfig: null}]}",
            "overrides.endpoint_config.ProductionVariants[0].RoutingConfig",
        ),
        (
            "data_capture: {destination: 's3://b/p'}",
            "endpoint_config: {DataCaptureConfig: null}",
            "overrides.endpoint_config.DataCaptureConfig",
        ),
        (
            "vpc: {subnets: [a], security_groups: [b]}",
            "model: {VpcConfig: {Subnets: [c]}}",
            "overrides.model.VpcConfig.Subnets",
        ),
        (
            "rollout: {kind: all_at_once}",
            "deployment_config: {AutoRollbackConfiguration: {Alarms: [{AlarmName: a}]}}",
            "overrides.deployment_config",
        ),
    ],
)
def test_what_a_key_and_an_override_both_set_is_refused(
    key: str, override: str, field: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, f"{ON_INSTANCES}{key}\noverrides:\n  {override}\n")

    assert (problem.line, problem.field) == (5, field)
    assert "they set the same" in problem.expected


def test_an_override_may_add_what_no_key_sets_beside_what_a_key_sets(tmp_path: Path) -> None:
    text = f"{ON_INSTANCES}routing: random\noverrides:\n  endpoint_config:\n    ProductionVariants:\n"

    variant = at(compiled(tmp_path, text + "    - {EnableSSMAccess: true}\n"), VARIANT)

    assert variant["EnableSSMAccess"] is True
    assert variant["RoutingConfig"] == {"RoutingStrategy": "RANDOM"}


def test_a_mistake_inside_a_section_does_not_hide_mistakes_elsewhere(tmp_path: Path) -> None:
    text = ON_INSTANCES + "vpc: {subnet: [a]}\nvolume_size_in_gb: 0\ntags: {aws:a: b}\n"

    assert {problem.field for problem in problems(tmp_path, text)} == {
        "vpc.subnet",
        "vpc.security_groups",
        "volume_size_in_gb",
        "tags.aws:a",
    }
