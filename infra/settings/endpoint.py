"""Owns what may stand in `endpoints/*.yaml`: the friendly keys, their types and their meaning.

The rules of SageMaker itself are not repeated here; patterns and enums are read from its service model.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from infra.settings.approvers import APPROVER, MOST_APPROVERS
from infra.settings.service_model import instance_types, shape

ENTITY_NAME: Final[str] = shape("EntityName").metadata["pattern"]
ENDPOINT_NAME: Final[str] = shape("EndpointName").metadata["pattern"]
LONGEST_NAME: Final[int] = shape("EndpointName").metadata["max"]
LONGEST_ARN: Final = 2048
"""Of an IAM identity (botocore: iam, arnType)."""
GROUP_ARN_PREFIX: Final = r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:[0-9]{12}:model-package-group/"

ServerlessMemory = Literal[1024, 2048, 3072, 4096, 5120, 6144]
"""Megabytes: the service model has the bounds, the developer guide ("serverless-endpoints") the steps."""


def _hosted(instance_type: str) -> str:
    if instance_type not in instance_types():
        raise ValueError("not an instance type that SageMaker hosts on")
    return instance_type


class _Strict(BaseModel):
    # Strict: `instance_count: "2"` is a mistake to point at, and not a number to guess.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Serverless(_Strict):
    """Serve without instances, scaled by SageMaker from zero."""

    memory_size_in_mb: Annotated[
        ServerlessMemory, Field(description="memory of one concurrent invocation in MB: 1024 to 6144 by 1024")
    ]
    max_concurrency: Annotated[
        int, Field(ge=1, le=200, description="the most concurrent invocations, from 1 to 200")
    ]


class Overrides(_Strict):
    """Set anything else that SageMaker knows, in the names of its own API.

    Mappings are merged key by key over what the keys above produce, and `null` removes a key. Containers and
    ProductionVariants are merged item by item, in order; any other list replaces.
    """

    model: Annotated[dict[str, Any], Field(description="fields of CreateModel, as a mapping")] = {}
    endpoint_config: Annotated[
        dict[str, Any], Field(description="fields of CreateEndpointConfig, as a mapping")
    ] = {}
    deployment_config: Annotated[
        dict[str, Any], Field(description="the DeploymentConfig of UpdateEndpoint, as a mapping")
    ] = {}


class EndpointSettings(_Strict):
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
        str | None,
        AfterValidator(lambda value: None if value is None else _hosted(value)),
        Field(
            description="an instance type that SageMaker hosts on, such as ml.m5.large",
            json_schema_extra={"enum": list(instance_types())},
        ),
    ] = None
    instance_count: Annotated[
        int | None, Field(ge=1, description="a whole number of instances, at least 1; by default 1")
    ] = None
    serverless: Annotated[
        Serverless | None,
        Field(description="memory_size_in_mb and max_concurrency, in place of instance_type"),
    ] = None
    environment: Annotated[
        dict[str, str], Field(description="environment variables of the container: strings by name")
    ] = {}
    tags: Annotated[
        dict[str, str],
        Field(description="tags of the model, the endpoint config and the endpoint: strings by key"),
    ] = {}
    approvers: Annotated[
        list[Annotated[str, Field(pattern=APPROVER, max_length=LONGEST_ARN)]] | None,
        Field(
            min_length=1,
            max_length=MOST_APPROVERS,
            description=f"whose approvals count: 1 to {MOST_APPROVERS} ARNs of IAM users, of roles, of their "
            "sessions or of Studio user profiles, with * and ? as wildcards; by default anyone's",
        ),
    ] = None
    four_eyes: Annotated[
        bool,
        Field(description="true if whoever registered a version may not approve it; by default false"),
    ] = False
    keep: Annotated[
        int,
        Field(
            ge=0,
            le=50,
            description="of how many former releases the model and the endpoint config stay, "
            "from 0 to 50; by default 3",
        ),
    ] = 3
    overrides: Annotated[
        Overrides, Field(description="model, endpoint_config and deployment_config in SageMaker's API names")
    ] = Overrides()


EXPLANATIONS: Final[dict[tuple[str, ...], str]] = {
    **{(name,): str(field.description) for name, field in EndpointSettings.model_fields.items()},
    **{("serverless", name): str(field.description) for name, field in Serverless.model_fields.items()},
    **{("overrides", name): str(field.description) for name, field in Overrides.model_fields.items()},
    ("environment", "*"): "a string",
    ("tags", "*"): "a string",
    ("approvers", "*"): "the ARN of an IAM user, of a role, of a role's session or of a Studio user profile",
}
"""What each key expects, in words: one text for the editor's tooltip and for the message at synth."""

KNOWN_KEYS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    (): tuple(EndpointSettings.model_fields),
    ("serverless",): tuple(Serverless.model_fields),
    ("overrides",): tuple(Overrides.model_fields),
}
