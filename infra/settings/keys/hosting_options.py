"""Owns the keys for hosting a version: data capture, asynchronous calls, VPC, explanations.

Each key becomes one field of SageMaker's API (`compiling/field_mapping.py`), with the service model's limits.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from infra.settings.aws_shapes import instance_types
from infra.settings.keys.base_model import StrictModel, limited

CaptureMode = Literal["input", "output"]
Routing = Literal["least_outstanding_requests", "random"]
Topic = Literal["success", "error"]


InstanceType: TypeAlias = Annotated[
    str,
    Field(
        description="an instance type that SageMaker hosts on, such as ml.m5.large",
        json_schema_extra={"enum": list(instance_types())},
    ),
]
InstanceCount: TypeAlias = Annotated[
    int | None,
    limited(
        "InitialTaskCount",
        "a whole number of instances, by default 1; with autoscaling, at the beginning",
    ),
]
VolumeSize: TypeAlias = Annotated[
    int | None, limited("ProductionVariantVolumeSizeInGB", "the storage of each instance in GB")
]
ModelDownloadTimeout: TypeAlias = Annotated[
    int | None,
    limited("ProductionVariantModelDataDownloadTimeoutInSeconds", "the time to fetch the model, in seconds"),
]
HealthCheckTimeout: TypeAlias = Annotated[
    int | None,
    limited(
        "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds",
        "the time until a container must answer its health check, in seconds",
    ),
]
RoutingStrategy: TypeAlias = Annotated[
    Routing | None,
    Field(
        description="how calls are spread over instances: random, or least_outstanding_requests; "
        "by default random"
    ),
]
InferenceAmi: TypeAlias = Annotated[
    str | None, limited("ProductionVariantInferenceAmiVersion", "the machine image of the instances")
]


class DataCapture(StrictModel):
    """Store a share of calls and answers in S3, as Model Monitor reads them. Only on instances."""

    destination: Annotated[
        str, limited("DestinationS3Uri", "where captured data goes, such as s3://bucket/prefix")
    ]
    sampling_percent: Annotated[
        int, limited("SamplingPercentage", "the share of calls to store, in percent, by default 100")
    ] = 100
    capture: Annotated[
        list[CaptureMode],
        Field(
            min_length=1, max_length=2, description="what to store: input, output or both; by default both"
        ),
    ] = ["input", "output"]
    kms_key_id: Annotated[str | None, limited("KmsKeyId", "the KMS key for captured data")] = None
    csv_content_types: Annotated[
        list[Annotated[str, limited("CsvContentType", "a content type")]] | None,
        limited("CsvContentTypes", "content types to store as CSV; others are stored in base64"),
    ] = None
    json_content_types: Annotated[
        list[Annotated[str, limited("JsonContentType", "a content type")]] | None,
        limited("JsonContentTypes", "content types to store as JSON; others are stored in base64"),
    ] = None


_BELOW: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^*?$]*)?$"
"""A place in S3. It goes into a role's policy, where the three excluded characters have a special meaning."""


class Asynchronous(StrictModel):
    """Queue calls, and store the answers in S3. The endpoint then accepts only asynchronous calls."""

    output_path: Annotated[str, limited("DestinationS3Uri", "where answers go, such as s3://bucket/answers")]
    input_paths: Annotated[
        list[
            Annotated[
                str,
                Field(
                    max_length=512,
                    pattern=_BELOW,
                    description="a place in S3 and everything below it, such as s3://bucket/calls, without "
                    "`*`, `?` and `$`",
                ),
            ]
        ]
        | None,
        Field(
            min_length=1,
            max_length=20,
            description="1 to 20 places in S3 where the stack's model role may read requests; by default "
            "anywhere in the bucket of output_path",
        ),
    ] = None
    failure_path: Annotated[
        str | None,
        limited("DestinationS3Uri", "where failures go"),
    ] = None
    kms_key_id: Annotated[str | None, limited("KmsKeyId", "the KMS key for answers")] = None
    success_topic_arn: Annotated[
        str | None, limited("SnsTopicArn", "the SNS topic that is notified of every answer")
    ] = None
    error_topic_arn: Annotated[
        str | None, limited("SnsTopicArn", "the SNS topic that is notified of every failed call")
    ] = None
    include_response_in: Annotated[
        list[Topic] | None,
        Field(
            min_length=1,
            max_length=2,
            description="which topics get a copy of the answer: success, error or both",
        ),
    ] = None
    max_concurrent_invocations_per_instance: Annotated[
        int | None,
        limited("MaxConcurrentInvocationsPerInstance", "the most concurrent calls of an instance"),
    ] = None


class Vpc(StrictModel):
    """Give the model's containers network interfaces in a VPC."""

    subnets: Annotated[
        list[Annotated[str, limited("SubnetId", "a subnet's id")]], limited("Subnets", "ids of subnets")
    ]
    security_groups: Annotated[
        list[Annotated[str, limited("SecurityGroupId", "a security group's id")]],
        limited("VpcSecurityGroupIds", "ids of security groups"),
    ]


class Shap(StrictModel):
    """Choose the baseline of SHAP values, and how they are computed."""

    baseline: Annotated[
        str | None, limited("ClarifyShapBaseline", "the baseline's records, inline, in place of baseline_uri")
    ] = None
    baseline_uri: Annotated[str | None, limited("Url", "where the baseline is in S3")] = None
    baseline_mime_type: Annotated[
        str | None, limited("ClarifyMimeType", "the baseline's content type, such as text/csv")
    ] = None
    number_of_samples: Annotated[
        int | None, limited("ClarifyShapNumberOfSamples", "how many samples SHAP takes")
    ] = None
    use_logit: Annotated[bool | None, Field(description="true to explain log-odds; by default false")] = None
    seed: Annotated[int | None, Field(description="the seed of SHAP's randomness, a whole number")] = None
    text_language: Annotated[str | None, limited("ClarifyTextLanguage", "the language of text features")] = (
        None
    )
    text_granularity: Annotated[
        str | None, limited("ClarifyTextGranularity", "the unit in which text is explained")
    ] = None


class ExplainerInput(StrictModel):
    """Describe the model's input and output to Clarify."""

    features_attribute: Annotated[
        str | None, limited("ClarifyFeaturesAttribute", "where the features are in a JSON Lines record")
    ] = None
    content_template: Annotated[
        str | None, limited("ClarifyContentTemplate", "the template of a JSON Lines record")
    ] = None
    max_record_count: Annotated[
        int | None, limited("ClarifyMaxRecordCount", "the most records in a request to the model")
    ] = None
    max_payload_in_mb: Annotated[
        int | None, limited("ClarifyMaxPayloadInMB", "the largest request to the model, in MB")
    ] = None
    probability_index: Annotated[
        int | None, limited("ClarifyProbabilityIndex", "the column of the probability, counted from 0")
    ] = None
    label_index: Annotated[
        int | None, limited("ClarifyLabelIndex", "the column of the label, counted from 0")
    ] = None
    probability_attribute: Annotated[
        str | None, limited("ClarifyProbabilityAttribute", "where the probability is in a JSON Lines answer")
    ] = None
    label_attribute: Annotated[
        str | None, limited("ClarifyLabelAttribute", "where the label is in a JSON Lines answer")
    ] = None
    label_headers: Annotated[
        list[Annotated[str, limited("ClarifyHeader", "a name")]] | None,
        limited("ClarifyLabelHeaders", "the names of the labels"),
    ] = None
    feature_headers: Annotated[
        list[Annotated[str, limited("ClarifyHeader", "a name")]] | None,
        limited("ClarifyFeatureHeaders", "the names of the features"),
    ] = None
    feature_types: Annotated[
        list[Annotated[str, limited("ClarifyFeatureType", "a type")]] | None,
        limited("ClarifyFeatureTypes", "the types of the features: numerical, categorical or text"),
    ] = None


class Explainer(StrictModel):
    """Explain answers with SageMaker Clarify."""

    enable_explanations: Annotated[
        str | None,
        limited(
            "ClarifyEnableExplanations",
            "a JMESPath expression that selects the records to explain; by default all",
        ),
    ] = None
    shap: Annotated[Shap, Field(description="the baseline, and how SHAP values are computed")]
    input: Annotated[ExplainerInput | None, Field(description="the form of the model's input and output")] = (
        None
    )


def capture_options(modes: list[CaptureMode]) -> list[dict[str, Any]]:
    """Turn `capture` into CaptureOptions, each mode once."""
    return [{"CaptureMode": mode.capitalize()} for mode in dict.fromkeys(modes)]


_TOPICS: Final[dict[Topic, str]] = {
    "success": "SUCCESS_NOTIFICATION_TOPIC",
    "error": "ERROR_NOTIFICATION_TOPIC",
}


def included_topics(topics: list[Topic]) -> list[str]:
    """Turn `include_response_in` into IncludeInferenceResponseIn, each topic once."""
    return [_TOPICS[topic] for topic in dict.fromkeys(topics)]
