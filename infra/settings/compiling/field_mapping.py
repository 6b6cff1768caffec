"""Owns the API field of each key: one table for compiling, messages and pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from infra.settings.keys.hosting_options import capture_options, included_topics
from infra.settings.problem import field_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.problem import FieldPath, Problem
    from infra.settings.reading.document import Document

SECTIONS: Final = {
    "CreateModel": "model",
    "CreateEndpointConfig": "endpoint_config",
    "UpdateEndpoint": "deployment_config",
}
"""The override of each template. For UpdateEndpoint, only the DeploymentConfig can be overridden."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Map a key to a field of a request.

    Attributes:
        key: The key's path in the YAML. `*` in it and in `path` is the same item of a list (`variants`).
        operation: `CreateModel`, `CreateEndpointConfig` or `UpdateEndpoint`.
        path: The field in its request.
        convert: Turns the key's value into the field's; None if they are equal.
        composed: Whether the field belongs to a section that is compiled as a whole (`rollout`), not by this
            table.
    """

    key: FieldPath
    operation: str
    path: FieldPath
    convert: Callable[[Any], object] | None = None
    composed: bool = False

    @property
    def override(self) -> FieldPath:
        """The same field's place in the YAML's overrides."""
        path = self.path[1:] if self.operation == "UpdateEndpoint" else self.path
        return ("overrides", SECTIONS[self.operation], *path)


def _model(key: str, *path: str | int, convert: Callable[[Any], object] | None = None) -> FieldMapping:
    return FieldMapping(tuple(key.split(".")), "CreateModel", path, convert)


def _config(key: str, *path: str | int, convert: Callable[[Any], object] | None = None) -> FieldMapping:
    return FieldMapping(tuple(key.split(".")), "CreateEndpointConfig", path, convert)


def _variant(key: str, *path: str | int, convert: Callable[[Any], object] | None = None) -> FieldMapping:
    return _config(key, "ProductionVariants", 0, *path, convert=convert)


def _hosting(of: str, *around: str | int) -> tuple[FieldMapping, ...]:
    """Map the keys that every variant has; `of` is the prefix of their names."""
    return (
        _config(f"{of}instance_type", *around, "InstanceType"),
        _config(f"{of}instance_count", *around, "InitialInstanceCount"),
        _config(f"{of}volume_size_in_gb", *around, "VolumeSizeInGB"),
        _config(f"{of}model_data_download_timeout_in_seconds", *around, "ModelDataDownloadTimeoutInSeconds"),
        _config(
            f"{of}container_startup_health_check_timeout_in_seconds",
            *around,
            "ContainerStartupHealthCheckTimeoutInSeconds",
        ),
        _config(f"{of}routing", *around, "RoutingConfig", "RoutingStrategy", convert=str.upper),
        _config(f"{of}inference_ami_version", *around, "InferenceAmiVersion"),
    )


def _rollout(key: str, *path: str | int) -> FieldMapping:
    whole = ("DeploymentConfig", *path)
    return FieldMapping(("rollout", *key.split(".")), "UpdateEndpoint", whole, _composed, composed=True)


def _composed(value: object) -> object:
    return value


_CAPTURE: Final = "DataCaptureConfig"
_ASYNC: Final = ("AsyncInferenceConfig", "OutputConfig")
_CLARIFY: Final = ("ExplainerConfig", "ClarifyExplainerConfig")
_SHAP: Final = (*_CLARIFY, "ShapConfig")
_EXPLAINED: Final = (*_CLARIFY, "InferenceConfig")
_BLUE_GREEN: Final = "BlueGreenUpdatePolicy"
_TRAFFIC: Final = (_BLUE_GREEN, "TrafficRoutingConfiguration")
_ROLLING: Final = "RollingUpdatePolicy"

FIELD_MAPPINGS: Final = (
    _model("environment", "Containers", 0, "Environment"),
    _model("inference_specification", "Containers", 0, "InferenceSpecificationName"),
    _model("network_isolation", "EnableNetworkIsolation"),
    _model("vpc.subnets", "VpcConfig", "Subnets"),
    _model("vpc.security_groups", "VpcConfig", "SecurityGroupIds"),
    _model("execution_role_arn", "ExecutionRoleArn"),
    *_hosting("", "ProductionVariants", 0),
    _variant("serverless.memory_size_in_mb", "ServerlessConfig", "MemorySizeInMB"),
    _variant("serverless.max_concurrency", "ServerlessConfig", "MaxConcurrency"),
    _variant("serverless.provisioned_concurrency", "ServerlessConfig", "ProvisionedConcurrency"),
    _config("variants.*.name", "ProductionVariants", "*", "VariantName"),
    _config("variants.*.weight", "ProductionVariants", "*", "InitialVariantWeight"),
    *_hosting("variants.*.", "ProductionVariants", "*"),
    # Its weight depends on the production variant's, including overrides.
    FieldMapping(
        ("shadow", "sampling_percent"),
        "CreateEndpointConfig",
        ("ShadowProductionVariants", 0, "InitialVariantWeight"),
        _composed,
        composed=True,
    ),
    *_hosting("shadow.", "ShadowProductionVariants", 0),
    _config("kms_key_id", "KmsKeyId"),
    _config("data_capture.destination", _CAPTURE, "DestinationS3Uri"),
    _config("data_capture.sampling_percent", _CAPTURE, "InitialSamplingPercentage"),
    _config("data_capture.capture", _CAPTURE, "CaptureOptions", convert=capture_options),
    _config("data_capture.kms_key_id", _CAPTURE, "KmsKeyId"),
    _config("data_capture.csv_content_types", _CAPTURE, "CaptureContentTypeHeader", "CsvContentTypes"),
    _config("data_capture.json_content_types", _CAPTURE, "CaptureContentTypeHeader", "JsonContentTypes"),
    _config("asynchronous.output_path", *_ASYNC, "S3OutputPath"),
    _config("asynchronous.failure_path", *_ASYNC, "S3FailurePath"),
    _config("asynchronous.kms_key_id", *_ASYNC, "KmsKeyId"),
    _config("asynchronous.success_topic_arn", *_ASYNC, "NotificationConfig", "SuccessTopic"),
    _config("asynchronous.error_topic_arn", *_ASYNC, "NotificationConfig", "ErrorTopic"),
    _config(
        "asynchronous.include_response_in",
        *_ASYNC,
        "NotificationConfig",
        "IncludeInferenceResponseIn",
        convert=included_topics,
    ),
    _config(
        "asynchronous.max_concurrent_invocations_per_instance",
        "AsyncInferenceConfig",
        "ClientConfig",
        "MaxConcurrentInvocationsPerInstance",
    ),
    _config("explainer.enable_explanations", *_CLARIFY, "EnableExplanations"),
    _config("explainer.shap.baseline", *_SHAP, "ShapBaselineConfig", "ShapBaseline"),
    _config("explainer.shap.baseline_uri", *_SHAP, "ShapBaselineConfig", "ShapBaselineUri"),
    _config("explainer.shap.baseline_mime_type", *_SHAP, "ShapBaselineConfig", "MimeType"),
    _config("explainer.shap.number_of_samples", *_SHAP, "NumberOfSamples"),
    _config("explainer.shap.use_logit", *_SHAP, "UseLogit"),
    _config("explainer.shap.seed", *_SHAP, "Seed"),
    _config("explainer.shap.text_language", *_SHAP, "TextConfig", "Language"),
    _config("explainer.shap.text_granularity", *_SHAP, "TextConfig", "Granularity"),
    _config("explainer.input.features_attribute", *_EXPLAINED, "FeaturesAttribute"),
    _config("explainer.input.content_template", *_EXPLAINED, "ContentTemplate"),
    _config("explainer.input.max_record_count", *_EXPLAINED, "MaxRecordCount"),
    _config("explainer.input.max_payload_in_mb", *_EXPLAINED, "MaxPayloadInMB"),
    _config("explainer.input.probability_index", *_EXPLAINED, "ProbabilityIndex"),
    _config("explainer.input.label_index", *_EXPLAINED, "LabelIndex"),
    _config("explainer.input.probability_attribute", *_EXPLAINED, "ProbabilityAttribute"),
    _config("explainer.input.label_attribute", *_EXPLAINED, "LabelAttribute"),
    _config("explainer.input.label_headers", *_EXPLAINED, "LabelHeaders"),
    _config("explainer.input.feature_headers", *_EXPLAINED, "FeatureHeaders"),
    _config("explainer.input.feature_types", *_EXPLAINED, "FeatureTypes"),
    _rollout("kind", *_TRAFFIC, "Type"),
    _rollout("size_percent", *_TRAFFIC, "CanarySize"),
    _rollout("size_instances", *_TRAFFIC, "CanarySize"),
    _rollout("size_percent", *_TRAFFIC, "LinearStepSize"),
    _rollout("size_instances", *_TRAFFIC, "LinearStepSize"),
    _rollout("size_percent", _ROLLING, "MaximumBatchSize"),
    _rollout("size_instances", _ROLLING, "MaximumBatchSize"),
    _rollout("wait_seconds", *_TRAFFIC, "WaitIntervalInSeconds"),
    _rollout("wait_seconds", _ROLLING, "WaitIntervalInSeconds"),
    _rollout("termination_wait_seconds", _BLUE_GREEN, "TerminationWaitInSeconds"),
    _rollout("time_limit_seconds", _BLUE_GREEN, "MaximumExecutionTimeoutInSeconds"),
    _rollout("time_limit_seconds", _ROLLING, "MaximumExecutionTimeoutInSeconds"),
    _rollout("rollback_size_percent", _ROLLING, "RollbackMaximumBatchSize"),
    _rollout("rollback_size_instances", _ROLLING, "RollbackMaximumBatchSize"),
    _rollout("alarms.existing", "AutoRollbackConfiguration", "Alarms"),
)


def field_mappings(variants: int) -> Iterator[FieldMapping]:
    """List the mappings for this many items in `variants`, each with its index."""
    for mapping in FIELD_MAPPINGS:
        if "*" not in mapping.key:
            yield mapping
            continue
        for index in range(variants):
            key, path = (
                tuple(index if part == "*" else part for part in each) for each in (mapping.key, mapping.path)
            )
            yield replace(mapping, key=key, path=path)


def _mappings_of(document: Document) -> Iterator[FieldMapping]:
    listed = document.content.get("variants")
    return field_mappings(len(listed) if isinstance(listed, list) else 0)


_MAY_BE_OVERRIDDEN: Final = frozenset({"environment", "instance_type", "instance_count", "serverless"})
"""Overrides may replace these fields: a pool of instances, say, replaces a type."""


def map_fields(settings: EndpointSettings, requests: dict[str, dict[str, Any]]) -> None:
    """Put each key's value into its field, in the request templates by operation."""
    for mapping in field_mappings(len(settings.variants or ())):
        value = None if mapping.composed else _value(settings, mapping.key)
        if value is not None and value != {}:
            converted = mapping.convert(value) if mapping.convert else value
            _put(requests[mapping.operation], mapping.path, converted)


def _value(settings: object, key: FieldPath) -> Any:  # noqa: ANN401 - any key's value
    value: Any = settings
    for part in key:
        if value is None:
            return None
        value = value[part] if isinstance(part, int) else getattr(value, part)
    return value


def _put(holder: Any, path: FieldPath, value: object) -> None:  # noqa: ANN401 - JSON
    for part in path[:-1]:
        holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
    holder[path[-1]] = value


def given_twice(document: Document) -> Iterator[Problem]:
    """Find fields that a key and an override both set: only the author knows which one is meant."""
    if "rollout" in document.content and ("overrides", "deployment_config") in document.lines:
        yield _twice(document, ("overrides", "deployment_config"), "rollout")
    for mapping in _mappings_of(document):
        if mapping.composed or {mapping.key[0], mapping.key[-1]} & _MAY_BE_OVERRIDDEN:
            continue
        if mapping.key in document.lines and mapping.override in document.lines:
            yield _twice(document, mapping.override, field_name(mapping.key))
        elif mapping.key[0] in document.content:
            for length in range(3, len(mapping.override)):
                around = mapping.override[:length]
                if around in document.scalars:  # `null`, which would remove the key's value
                    yield _twice(document, around, str(mapping.key[0]))


def _twice(document: Document, path: FieldPath, key: str) -> Problem:
    return document.problem(
        path,
        got=f"{path[-1]} beside the key {key}",
        expected="one of the two: they set the same",
        fix=f"remove this override, or the key {key}",
    )


def key_of(document: Document, operation: str, path: FieldPath) -> FieldPath | None:
    """Find the key of a compiled request's field; None if no key sets it."""
    inside = [
        mapping
        for mapping in _mappings_of(document)
        if mapping.key[0] in document.content
        and mapping.operation == operation
        and path[: len(mapping.path)] == mapping.path
    ]
    inside.sort(key=lambda mapping: (mapping.key in document.lines, len(mapping.path)), reverse=True)
    if inside:
        mapping = inside[0]
        if mapping.key not in document.lines and mapping.composed:
            return mapping.key[:1]
        return mapping.key if mapping.convert else (*mapping.key, *path[len(mapping.path) :])
    for mapping in _mappings_of(document):
        around = mapping.operation == operation and mapping.path[: len(path)] == path
        if around and mapping.key[0] in document.content:
            return mapping.key[:1]
    return None
