"""Tags of resources: AddTags, ListTags, DeleteTags, and the tags of create calls.

Owns the tags of every resource by ARN. A version of a model package group has only its group's tags
(botocore: CreateModelPackageInput.Tags).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import arns, errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import Scope, State

TAG_LIMIT = 50


def add_tags(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Add or overwrite tags; return all tags of the resource."""
    scope, arn = _tagged(state, caller, request["ResourceArn"], "sagemaker:AddTags")
    put(scope, arn, request["Tags"])
    return {"Tags": as_list(scope, arn)}


def list_tags(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's tags: at most 50, hence one page."""
    scope, arn = _tagged(state, caller, request["ResourceArn"], "sagemaker:ListTags")
    if "NextToken" in request:
        raise errors.invalid_token()
    return {"Tags": as_list(scope, arn)}


def delete_tags(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Remove tags by key; unknown keys are ignored."""
    scope, arn = _tagged(state, caller, request["ResourceArn"], "sagemaker:DeleteTags")
    tags = scope.tags.get(arn, {})
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


OPERATIONS = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}


def put(scope: Scope, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Add or overwrite a resource's tags.

    Raises:
        ServiceError: A key is repeated or reserved, or there would be more than 50.
    """
    merged = dict(scope.tags.get(arn.lower(), {}))
    merged.update(checked(tags))
    if len(merged) > TAG_LIMIT:
        raise errors.too_many_tags(arn, TAG_LIMIT)
    if merged:
        scope.tags[arn.lower()] = merged


def checked(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return a request's tags as a map.

    Raises:
        ServiceError: A key is repeated or reserved.
    """
    by_key: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key in by_key:
            raise errors.repeated_tag(key)
        if key.lower().startswith("aws:"):
            raise errors.reserved_tag(key)
        by_key[key] = tag["Value"]
    return by_key


def as_map(scope: Scope, arn: str) -> dict[str, str]:
    """Return a resource's tags, key to value."""
    return dict(scope.tags.get(arn.lower(), {}))


def as_list(scope: Scope, arn: str) -> list[dict[str, str]]:
    """Return a resource's tags in the API's form."""
    return [{"Key": key, "Value": value} for key, value in scope.tags.get(arn.lower(), {}).items()]


def forget(scope: Scope, arn: str) -> None:
    """Drop a deleted resource's tags."""
    scope.tags.pop(arn.lower(), None)


def _tagged(state: State, caller: Caller, resource_arn: str, action: str) -> tuple[Scope, str]:
    """Return the account and region of the caller's existing resource, and the key of its tags."""
    scope = state.scope(caller)
    arn = arns.parse(resource_arn)
    if arn is None or (arn.account_id, arn.region) != (scope.account_id, scope.region):
        raise errors.access_denied(caller.principal_arn, action, resource_arn)
    name = arn.name.lower()
    match arn.resource_type:
        case "endpoint" if name not in scope.endpoints:
            raise errors.could_not_find("endpoint", resource_arn)
        case "endpoint-config" if name not in scope.endpoint_configs:
            raise errors.could_not_find("endpoint configuration", resource_arn)
        case "model" if name not in scope.models:
            raise errors.could_not_find("model", resource_arn)
        case "model-package-group" if name not in scope.model_package_groups:
            raise errors.does_not_exist("ModelPackageGroup", resource_arn)
        case "model-package" if name not in scope.model_packages:
            raise errors.does_not_exist("ModelPackage", resource_arn)
        case "model-package" if "/" in name:
            raise errors.validation(
                f"{resource_arn} is a version of a model package group and uses the group's tags; "
                "tag the group instead."
            )
        case "endpoint" | "endpoint-config" | "model" | "model-package-group" | "model-package":
            return scope, resource_arn.lower()
        case other:
            raise errors.not_modelled(
                f"resources of type {other!r}", "docs/fidelity.md lists what it supports."
            )
