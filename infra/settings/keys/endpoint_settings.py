"""Owns the keys of `endpoints/*.yaml`, their types and their meaning.

Patterns and enums come from SageMaker's service model; its rules are not repeated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from infra.settings.aws_shapes import shape
from infra.settings.keys.approvers import MOST_APPROVERS, Approver
from infra.settings.keys.base_model import StrictModel, limited
from infra.settings.keys.freeze_windows import FreezeWindow
from infra.settings.keys.hosting_options import (
    Asynchronous,
    DataCapture,
    Explainer,
    HealthCheckTimeout,
    InferenceAmi,
    InstanceCount,
    InstanceType,
    ModelDownloadTimeout,
    RoutingStrategy,
    VolumeSize,
    Vpc,
)
from infra.settings.keys.rollout_options import Rollout
from infra.settings.keys.scaling_options import Autoscaling
from infra.settings.keys.smoke_tests import SmokeTest
from infra.settings.keys.variants_and_shadow import Shadow, Variant
from service_model.hosting import SERVERLESS_MEMORY_SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTITY_NAME: Final[str] = shape("EntityName").metadata["pattern"]
ENDPOINT_NAME: Final[str] = shape("EndpointName").metadata["pattern"]
LONGEST_NAME: Final[int] = shape("EndpointName").metadata["max"]
GROUP_ARN_PREFIX: Final = r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:[0-9]{12}:model-package-group/"


class Serverless(StrictModel):
    """Serve without instances, scaled by SageMaker from zero."""

    memory_size_in_mb: Annotated[
        int,
        Field(
            description="memory of one concurrent invocation in MB: 1024 to 6144 in steps of 1024",
            json_schema_extra={"enum": list(SERVERLESS_MEMORY_SIZES)},
        ),
    ]
    max_concurrency: Annotated[int, limited("ServerlessMaxConcurrency", "the most concurrent invocations")]
    provisioned_concurrency: Annotated[
        int | None,
        limited(
            "ServerlessProvisionedConcurrency",
            "how many invocations are always kept warm, at most max_concurrency",
        ),
    ] = None


class Overrides(StrictModel):
    """Set any other field of SageMaker's API, by its API name.

    Mappings are merged key by key over the result of the other keys, and `null` removes a key. Containers and
    ProductionVariants are merged item by item, in order; other lists are replaced. If a field has a key, set
    it by that key or here, not both.
    """

    model: Annotated[dict[str, Any], Field(description="fields of CreateModel, as a mapping")] = {}
    endpoint_config: Annotated[
        dict[str, Any], Field(description="fields of CreateEndpointConfig, as a mapping")
    ] = {}
    deployment_config: Annotated[
        dict[str, Any], Field(description="the DeploymentConfig of UpdateEndpoint, as a mapping")
    ] = {}


class EndpointSettings(StrictModel):
    """Describe one SageMaker endpoint that serves the newest approved version of a model package group."""

    endpoint_name: Annotated[
        str | None,
        Field(
            max_length=LONGEST_NAME,
            pattern=f"^{ENDPOINT_NAME}$",
            description=(
                f"at most {LONGEST_NAME} letters, digits and inner hyphens; by default the name of the file"
            ),
        ),
    ] = None
    model_package_group: Annotated[
        str,
        Field(
            max_length=170,
            pattern=f"^({GROUP_ARN_PREFIX})?{ENTITY_NAME}$",
            description="a model package group's name, or its ARN if it is in another account",
        ),
    ]
    instance_type: Annotated[
        InstanceType | None,
        Field(description="an instance type that SageMaker hosts on, such as ml.m5.large"),
    ] = None
    instance_count: InstanceCount = None
    serverless: Annotated[
        Serverless | None,
        Field(description="memory_size_in_mb and max_concurrency, in place of instance_type"),
    ] = None
    environment: Annotated[
        dict[str, str], Field(description="environment variables of the container: strings by name")
    ] = {}
    inference_specification: Annotated[
        str | None,
        limited(
            "InferenceSpecificationName",
            "the name of the additional inference specification to serve; by default the version's own",
        ),
    ] = None
    network_isolation: Annotated[
        bool | None,
        Field(description="true to forbid containers all network calls; by default false"),
    ] = None
    vpc: Annotated[
        Vpc | None, Field(description="the subnets and security_groups of the model's containers")
    ] = None
    execution_role_arn: Annotated[
        str | None,
        limited(
            "RoleArn",
            "the role that the model runs as, in the stack's account; by default the stack's own",
        ),
    ] = None
    volume_size_in_gb: VolumeSize = None
    kms_key_id: Annotated[
        str | None,
        limited(
            "KmsKeyId",
            "the KMS key for the instances' storage, by id, ARN, alias or alias ARN; hardware encrypts local "
            "NVMe storage instead",
        ),
    ] = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None
    data_capture: Annotated[
        DataCapture | None, Field(description="where calls and answers are stored, and which share of them")
    ] = None
    asynchronous: Annotated[
        Asynchronous | None,
        Field(description="where answers go, for an endpoint that is called asynchronously"),
    ] = None
    explainer: Annotated[Explainer | None, Field(description="how SageMaker Clarify explains answers")] = None
    rollout: Annotated[
        Rollout | None,
        Field(
            description="how a new version replaces the old one, and which alarms stop it; by default all at "
            "once, without alarms; with a smoke test in the rollout, the old instances stay until it is over"
        ),
    ] = None
    autoscaling: Annotated[
        Autoscaling | None,
        Field(description="min and max, and the metrics or times that change the capacity between them"),
    ] = None
    variants: Annotated[
        list[Variant] | None,
        limited(
            "ProductionVariantList",
            "several variants that share the calls; each has its own instance_type and hosting keys",
        ),
    ] = None
    shadow: Annotated[
        Shadow | None,
        Field(description="a second version that gets copies of the calls, before it is promoted"),
    ] = None
    smoke_test: Annotated[
        SmokeTest | None,
        Field(
            description="requests that a version must answer correctly as soon as it has all calls, or "
            "before its rollout"
        ),
    ] = None
    quote_logs: Annotated[
        bool,
        Field(
            description="false if the reason for a failure may not quote the last exception that the "
            "containers logged; by default true"
        ),
    ] = True
    version_metadata: Annotated[
        bool,
        Field(
            description="false if the deployer may not write to a version's metadata how the version fares "
            "or would fare; with stages, it writes in any case; by default true"
        ),
    ] = True
    freeze: Annotated[
        list[FreezeWindow],
        Field(
            max_length=20,
            description="windows in which nothing new is rolled out, at most 20; going back still happens",
        ),
    ] = []
    tags: Annotated[
        dict[str, str],
        Field(description="tags of the model, the endpoint config and the endpoint: strings by key"),
    ] = {}
    approvers: Annotated[
        list[Approver] | None,
        Field(
            min_length=1,
            max_length=MOST_APPROVERS,
            description=f"whose approvals count: 1 to {MOST_APPROVERS} ARNs of IAM users, roles, role "
            "sessions or Studio user profiles, with * and ? as wildcards; by default anyone's",
        ),
    ] = None
    four_eyes: Annotated[
        bool,
        Field(description="true if the person who registered a version may not approve it; by default false"),
    ] = False
    supported_instance_types: Annotated[
        Literal["listed", "any"],
        Field(
            description="listed: a version goes only onto instance types that it lists as supported, if it "
            "lists any; any: its list does not count; by default listed"
        ),
    ] = "listed"
    restart: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            description="any text, such as a date in quotes; another text rolls the version that serves out "
            "again, on new instances",
        ),
    ] = None
    keep: Annotated[
        int,
        Field(
            ge=0,
            le=50,
            description="how many old releases to retain for rollback, with model and endpoint config, "
            "from 0 to 50; by default 3",
        ),
    ] = 3
    unchecked: Annotated[
        bool,
        Field(
            description="true to get a warning, not an error, where settings contradict AWS's "
            "documentation as of this Greenlight release; by default false"
        ),
    ] = False
    overrides: Annotated[
        Overrides, Field(description="model, endpoint_config and deployment_config in SageMaker's API names")
    ] = Overrides()


def _explained(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Collect the description of every key, nested keys included; `*` is any item of a list."""
    found: dict[tuple[str, ...], str] = {}
    for name, field in model.model_fields.items():
        found[*path, name] = str(field.description)
        for inner, marker in _inner(field.annotation):
            below = (*path, name, *marker)
            if isinstance(inner, FieldInfo):
                found[below] = str(inner.description)
            else:
                found |= _explained(inner, below)
    return found


def _inner(annotation: Any) -> Iterator[tuple[type[BaseModel] | FieldInfo, tuple[str, ...]]]:  # noqa: ANN401 - any type
    """Find the models in a type, and the descriptions of a list's items."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ()
    for argument in get_args(annotation):
        marker = ("*",) if get_origin(annotation) is list else ()
        if marker and isinstance(described := next(iter(get_args(argument)[1:]), None), FieldInfo):
            yield described, marker
        for found, below in _inner(argument):
            yield found, (*marker, *below)


def _known(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], tuple[str, ...]]:
    found = {path: tuple(model.model_fields)}
    for name, field in model.model_fields.items():
        for inner, marker in _inner(field.annotation):
            if not isinstance(inner, FieldInfo):
                found |= _known(inner, (*path, name, *marker))
    return found


EXPLANATIONS: Final[dict[tuple[str, ...], str]] = {
    **_explained(EndpointSettings),
    ("environment", "*"): "a string",
    ("tags", "*"): "a string",
}
"""The description of each key: one text for the editor's tooltip and the message at synth."""

KNOWN_KEYS: Final[dict[tuple[str, ...], tuple[str, ...]]] = _known(EndpointSettings)
"""The known keys of each mapping, by its path."""

OF_A_VARIANT: Final = tuple(key for key in Variant.model_fields if key in EndpointSettings.model_fields)
"""Keys that each of several variants has; the endpoint then has none of them."""
