"""Reads an endpoint that people made by hand: its config, models, scaling and tags. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.contract import STACK_TAG
from greenlight.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.gateways.gateways import Gateways
    from deployer.model.adopted import ShownConfig
    from deployer.model.endpoint import Endpoint

_NAMESPACE: Final = "sagemaker"


@dataclass(frozen=True, slots=True)
class Scaled:
    """The automatic scaling of a variant, as Application Auto Scaling describes it.

    Attributes:
        target: Its scalable target.
        policies: Its policies.
        actions: Its scheduled actions.
    """

    target: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...] = ()
    actions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class HandMade:
    """An endpoint that is not the stack's.

    Attributes:
        endpoint: The endpoint.
        shown: Its config and models.
        tags: Its tags.
        scaling: The scaling of its variants that scale, by name.
    """

    endpoint: Endpoint
    shown: ShownConfig
    tags: Mapping[str, str]
    scaling: Mapping[str, Scaled] = field(default_factory=dict)


def read_hand_made(
    name: str, gateways: Gateways, client_of: Callable[[str], Any], stack_name: str
) -> HandMade:
    """Read an endpoint that may be adopted.

    Raises:
        CommandError: There is none, it is somebody's, or Greenlight cannot look after such an endpoint.
    """
    endpoint = gateways.endpoints.describe(name)
    if endpoint is None:
        raise CommandError(
            f"There is no endpoint {name}.",
            "SageMaker knows none of this name in the account and region of your credentials.",
            "See which there are: aws sagemaker list-endpoints",
        )
    tags = gateways.tags.read(endpoint.arn)
    owner = tags.get(STACK_TAG)
    if owner is not None and owner != stack_name:
        raise CommandError(
            f"{name} belongs to another installation.",
            f"Its tag {STACK_TAG} is {owner}.",
            f"Remove its YAML there, and let its owner take the tag off. Then: greenlight adopt {name}",
        )
    if endpoint.status != "InService" or endpoint.endpoint_config_name is None:
        raise CommandError(
            f"{name} is {endpoint.status}, and cannot be adopted now.",
            "Only what an endpoint in service serves can be taken over as it is.",
            "Try again once it is InService.",
        )
    shown = gateways.models_and_configs.shown(endpoint.endpoint_config_name)
    if shown is None:
        raise CommandError(
            f"The endpoint config of {name} cannot be read.",
            f"{endpoint.endpoint_config_name} was deleted, or you may not see it and its models.",
            "Update the endpoint to a config that exists, or have both policies for people attached.",
        )
    missing = [
        each["VariantName"] for each in shown.variants.values() if each.get("ModelName") not in shown.models
    ]
    if missing:
        raise CommandError(
            f"{name} cannot be adopted.",
            f"Its variant {missing[0]} names no model that exists: Greenlight deploys one model a variant, "
            "and no inference components.",
            "Leave it as it is, or make an endpoint of another name with a YAML.",
        )
    return HandMade(endpoint, shown, tags, _scaling(name, client_of("application-autoscaling"), shown))


def _scaling(name: str, client: Any, shown: ShownConfig) -> dict[str, Scaled]:  # noqa: ANN401 - AWS's client
    ids = [f"endpoint/{name}/variant/{each}" for each in shown.variants]
    targets = client.describe_scalable_targets(ServiceNamespace=_NAMESPACE, ResourceIds=ids)[
        "ScalableTargets"
    ]
    found: dict[str, Scaled] = {}
    for target in targets:
        of = {
            "ServiceNamespace": _NAMESPACE,
            "ResourceId": target["ResourceId"],
            "ScalableDimension": target["ScalableDimension"],
        }
        policies = client.get_paginator("describe_scaling_policies").paginate(**of)
        actions = client.get_paginator("describe_scheduled_actions").paginate(**of)
        found[target["ResourceId"].rpartition("/")[2]] = Scaled(
            target,
            tuple(each for page in policies for each in page["ScalingPolicies"]),
            tuple(each for page in actions for each in page["ScheduledActions"]),
        )
    return found


def groups_of(client: Any) -> list[str]:  # noqa: ANN401 - AWS's client
    """Return the names of the account's model package groups."""
    pages = client.get_paginator("list_model_package_groups").paginate()
    return [each["ModelPackageGroupName"] for page in pages for each in page["ModelPackageGroupSummaryList"]]


def version_arns(client: Any, group: str) -> list[str]:  # noqa: ANN401 - AWS's client
    """Return the versions of a group, newest first.

    Raises:
        CommandError: There is no such group.
    """
    try:
        pages = client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ValidationException", "ResourceNotFound"}:
            raise
        raise CommandError(
            f"There is no model package group {group}.",
            f"SageMaker answers: {error.response['Error']['Message']}",
            "See which there are: aws sagemaker list-model-package-groups",
        ) from error
