"""Model package groups and their resource policies.

Owns groups, and the decision whether another account may act on a group or its versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import arns, errors, resource_tags
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.registry import group_policies

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.registry.group_policies import GroupPolicy
    from local_cloud.sagemaker.state import Scope, State


class NoSuchGroupError(errors.ServiceError):
    """The account has no such group; most operations use this message."""

    def __init__(self, arn: str) -> None:
        missing = errors.does_not_exist("ModelPackageGroup", arn)
        super().__init__(missing.code, missing.message, missing.status)


@dataclass(slots=True, eq=False)
class ModelPackageGroup:
    """A group of versions.

    `next_version` never goes back, so a deleted version's number is not reused.
    """

    name: str
    arn: str
    creation_time: datetime
    created_by: dict[str, Any]
    sequence: int
    description: str | None = None
    managed_configuration: dict[str, Any] | None = None
    policy: GroupPolicy | None = None
    next_version: int = 1

    def summary(self) -> dict[str, Any]:
        """Return what ListModelPackageGroups shows."""
        shown: dict[str, Any] = {
            "ModelPackageGroupName": self.name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.creation_time,
            "ModelPackageGroupStatus": "Completed",
        }
        if self.description is not None:
            shown["ModelPackageGroupDescription"] = self.description
        if self.managed_configuration is not None:
            shown["ManagedConfiguration"] = self.managed_configuration
        return shown


def create_model_package_group(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Create a group; it is Completed at once."""
    scope = state.scope(caller)
    name = request["ModelPackageGroupName"]
    arn = state.arn(scope, "model-package-group", name)
    if name.lower() in scope.model_package_groups:
        raise errors.group_already_exists(arn)
    resource_tags.put(scope, arn, request.get("Tags", ()))
    scope.model_package_groups[name.lower()] = ModelPackageGroup(
        name=name,
        arn=arn,
        creation_time=state.time,
        created_by=user_context(caller),
        sequence=state.next_sequence(),
        description=request.get("ModelPackageGroupDescription"),
        managed_configuration=request.get("ManagedConfiguration"),
    )
    return {"ModelPackageGroupArn": arn}


def describe_model_package_group(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a group by name or, also across accounts, by ARN."""
    _, group = resolve_group(
        state, caller, request["ModelPackageGroupName"], "sagemaker:DescribeModelPackageGroup"
    )
    return {**group.summary(), "CreatedBy": group.created_by}


def list_model_package_groups(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List the account's groups, or those that other accounts share with it."""
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        groups = [
            group
            for scope in state.scopes.values()
            if scope.region == caller.region and scope.account_id != caller.account_id
            for group in scope.model_package_groups.values()
            if _is_allowed(group, caller, "sagemaker:DescribeModelPackageGroup", group.arn)
        ]
    else:
        groups = list(state.scope(caller).model_package_groups.values())
    return page(
        "ListModelPackageGroups",
        request,
        groups,
        descending=False,
        filtered_pages=state.switches.filtered_pages,
    ).answer("ModelPackageGroupSummaryList", ModelPackageGroup.summary)


def delete_model_package_group(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete an empty group."""
    scope, group = resolve_group(
        state, caller, request["ModelPackageGroupName"], "sagemaker:DeleteModelPackageGroup"
    )
    if scope.versions.get(group.name.lower()):
        raise errors.group_is_not_empty(group.arn)
    del scope.model_package_groups[group.name.lower()]
    resource_tags.forget(scope, group.arn)
    return {}


def put_model_package_group_policy(
    state: State, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Set the group's resource policy."""
    group = _own_group(state, caller, request)
    group.policy = group_policies.parse(request["ResourcePolicy"])
    return {"ModelPackageGroupArn": group.arn}


def get_model_package_group_policy(
    state: State, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the group's resource policy, as sent."""
    group = _own_group(state, caller, request)
    if group.policy is None:
        raise errors.cannot_find_policy(group.arn)
    return {"ResourcePolicy": group.policy.text}


def delete_model_package_group_policy(
    state: State, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Remove the group's resource policy."""
    group = _own_group(state, caller, request)
    if group.policy is None:
        raise errors.cannot_find_policy(group.arn)
    group.policy = None
    return {}


OPERATIONS = {
    "CreateModelPackageGroup": create_model_package_group,
    "DescribeModelPackageGroup": describe_model_package_group,
    "ListModelPackageGroups": list_model_package_groups,
    "DeleteModelPackageGroup": delete_model_package_group,
    "PutModelPackageGroupPolicy": put_model_package_group_policy,
    "GetModelPackageGroupPolicy": get_model_package_group_policy,
    "DeleteModelPackageGroupPolicy": delete_model_package_group_policy,
}


def resolve_group(
    state: State, caller: Caller, name_or_arn: str, action: str, *, on_versions: bool = False
) -> tuple[Scope, ModelPackageGroup]:
    """Return a group that the caller may act on, with its account and region.

    Args:
        state: The control plane's state.
        caller: The caller.
        name_or_arn: A name in the caller's account and region, or an ARN of any account.
        action: The IAM action that a policy must allow to another account.
        on_versions: Whether the action is on the group's versions instead of the group.

    Raises:
        NoSuchGroupError: There is no such group in the caller's account.
        ServiceError: Its policy does not allow this to the caller.
    """
    arn = arns.parse(name_or_arn)
    if arn is None:
        scope = state.scope(caller)
        group = state.find(scope.model_package_groups, name_or_arn)
        if group is None:
            raise NoSuchGroupError(state.arn(scope, "model-package-group", name_or_arn))
        return scope, group
    scope = state.scope_of(arn.account_id, arn.region)
    found = (
        scope.model_package_groups.get(arn.name.lower())
        if arn.resource_type == "model-package-group"
        else None
    )
    if arn.account_id == caller.account_id:
        if found is None or arn.region != caller.region:
            raise NoSuchGroupError(name_or_arn)
        return scope, found
    resource_arn = (
        arns.build(arn.account_id, arn.region, "model-package", f"{arn.name}/*")
        if on_versions
        else name_or_arn
    )
    if found is None or arn.region != caller.region or not _is_allowed(found, caller, action, resource_arn):
        # Do not reveal whether it exists to callers without permission.
        raise errors.access_denied(caller.principal_arn, action, resource_arn)
    return scope, found


def authorize_version(
    state: State, caller: Caller, scope: Scope, group_name: str, action: str, version_arn: str
) -> None:
    """Refuse another account's action on a version unless the group's policy allows it.

    Raises:
        ServiceError: AccessDeniedException.
    """
    if scope.account_id == caller.account_id:
        return
    group = state.scope_of(scope.account_id, scope.region).model_package_groups.get(group_name.lower())
    if group is None or not _is_allowed(group, caller, action, version_arn):
        raise errors.access_denied(caller.principal_arn, action, version_arn)


def user_context(caller: Caller) -> dict[str, Any]:
    """Return the caller in the form of CreatedBy and LastModifiedBy."""
    return {"IamIdentity": {"Arn": caller.principal_arn}}


def _is_allowed(group: ModelPackageGroup, caller: Caller, action: str, resource_arn: str) -> bool:
    arn = arns.parse(group.arn)
    assert arn is not None, group.arn
    return group.policy is not None and group.policy.allows(
        caller, owner_account=arn.account_id, action=action, resource_arn=resource_arn
    )


def _own_group(state: State, caller: Caller, request: Mapping[str, Any]) -> ModelPackageGroup:
    scope = state.scope(caller)
    name = request["ModelPackageGroupName"]
    group = state.find(scope.model_package_groups, name)
    if group is None:
        raise errors.cannot_find_group(state.arn(scope, "model-package-group", name))
    return group
