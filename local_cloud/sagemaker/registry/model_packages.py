"""Model packages: versions in a group, and unversioned ones.

Owns their life from registration to deletion, including approval, and their events. It deploys nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import arns, errors, events, resource_tags
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.registry import search
from local_cloud.sagemaker.registry.model_package import ModelPackage, image_digest
from local_cloud.sagemaker.registry.model_package_checks import (
    check_unversioned,
    check_update,
    refuse_what_is_not_modelled,
)
from local_cloud.sagemaker.registry.model_package_groups import (
    NoSuchGroupError,
    authorize_version,
    resolve_group,
    user_context,
)
from local_cloud.sagemaker.switch_settings import (
    CreationEvents,
    FilteredPages,
    MissingGroupListing,
    UpdatedFields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import State

_KEPT_MEMBERS = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
    "ManagedStorageType",
)
_REPLACED_MEMBERS = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
_SPECIFICATION_LIMIT = 15
_METADATA_LIMIT = 50


def create_model_package(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Register a version in a group, or an unversioned package."""
    group_name, package_name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if group_name is not None and package_name is not None:
        raise errors.both_package_names()
    refuse_what_is_not_modelled(request)
    members = {name: request[name] for name in _KEPT_MEMBERS if name in request}
    if "InferenceSpecification" in members:
        members["InferenceSpecification"] = _with_digests(members["InferenceSpecification"])
    if "AdditionalInferenceSpecifications" in members:
        members["AdditionalInferenceSpecifications"] = [
            _with_digests(item) for item in members["AdditionalInferenceSpecifications"]
        ]
    version: int | None = None
    if group_name is not None:
        try:
            scope, group = resolve_group(
                state, caller, group_name, "sagemaker:CreateModelPackage", on_versions=True
            )
        except NoSuchGroupError:
            raise errors.group_does_not_exist() from None
        if "Tags" in request:
            raise errors.validation(
                "Tags cannot be specified for a versioned model package: it uses the tags of its model "
                "package group."
            )
        name, version = group.name, group.next_version
        group.next_version += 1
        members["ModelApprovalStatus"] = request.get("ModelApprovalStatus", "PendingManualApproval")
    elif package_name is not None:
        scope, name = state.scope(caller), package_name
        check_unversioned(state, scope, request)
    else:
        raise errors.neither_package_name()
    arn = state.arn(scope, "model-package", name if version is None else f"{name}/{version}")
    package = ModelPackage(
        name=name,
        version=version,
        arn=arn,
        creation_time=state.time,
        created_by=user_context(caller),
        sequence=state.next_sequence(),
        scope=scope,
        last_modified_time=state.time,
        members=members,
        due=state.time + timedelta(seconds=state.timings.model_package_seconds),
    )
    if version is None:
        resource_tags.put(scope, arn, request.get("Tags", ()))
    scope.add_package(package)
    search.index(state, package)
    if state.switches.creation_events is CreationEvents.EACH_STATUS:
        events.emit_model_package_state_change(state, scope, package, None)
    state.timers.put(package)
    return {"ModelPackageArn": arn}


def describe_model_package(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a package by name, versioned name or, also across accounts, ARN."""
    package = resolve_package(state, caller, request["ModelPackageName"], "sagemaker:DescribeModelPackage")
    description = package.describe()
    if request.get("IncludedData") == "MetadataOnly" and "ModelCard" in description:
        card = {name: value for name, value in description["ModelCard"].items() if name != "ModelCardContent"}
        description["ModelCard"] = card
    return description


def batch_describe_model_package(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe several packages by ARN, each with its description or its error."""
    summaries: dict[str, Any] = {}
    failures: dict[str, Any] = {}
    for arn in request["ModelPackageArnList"]:
        try:
            package = resolve_package(state, caller, arn, "sagemaker:DescribeModelPackage")
        except errors.ServiceError as error:
            failures[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            continue
        summary = package.summary()
        summary.setdefault("ModelPackageGroupName", package.name)
        summary["InferenceSpecification"] = package.members.get("InferenceSpecification", {"Containers": []})
        summary.pop("ModelLifeCycle", None)
        summary.pop("ModelPackageName", None)
        summaries[arn] = summary
    answer: dict[str, Any] = {"ModelPackageSummaries": summaries}
    if failures:
        answer["BatchDescribeModelPackageErrorMap"] = failures
    return answer


def list_model_packages(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List packages: those of a group (by name or ARN), or by default the unversioned ones."""
    group_name = request.get("ModelPackageGroupName")
    package_type = request.get("ModelPackageType", "Unversioned" if group_name is None else "Versioned")
    approval_status = request.get("ModelApprovalStatus")
    if group_name is None:
        scope, group = state.scope(caller), None
    else:
        try:
            scope, group = resolve_group(
                state, caller, group_name, "sagemaker:ListModelPackages", on_versions=True
            )
        except errors.ServiceError as refusal:
            return _missing_group(state, refusal)
    if group is None or state.switches.filtered_pages is FilteredPages.SHORT:
        packages = scope.model_packages
    else:
        packages = scope.versions.get(group.name.lower(), {})

    def accepts(package: ModelPackage) -> bool:
        return (
            (group is None or (package.version is not None and package.name == group.name))
            and (package_type == "Both" or (package_type == "Versioned") == (package.version is not None))
            and (approval_status is None or package.approval_status == approval_status)
        )

    return page(
        "ListModelPackages",
        request,
        packages.values(),
        descending=False,
        filtered_pages=state.switches.filtered_pages,
        accepts=accepts,
    ).answer("ModelPackageSummaryList", ModelPackage.summary)


def _missing_group(state: State, refusal: errors.ServiceError) -> dict[str, Any]:
    """Answer for a missing group by the switch; any other refusal stands."""
    if refusal.code != errors.VALIDATION_EXCEPTION:
        raise refusal
    match state.switches.missing_group_listing:
        case MissingGroupListing.VALIDATION:
            raise refusal
        case MissingGroupListing.RESOURCE_NOT_FOUND:
            raise errors.ServiceError("ResourceNotFound", refusal.message)
        case MissingGroupListing.EMPTY:
            return {"ModelPackageSummaryList": []}


def update_model_package(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Change a package, and announce it with the present approval, even if only metadata changed."""
    package = resolve_package(state, caller, request["ModelPackageArn"], "sagemaker:UpdateModelPackage")
    check_update(state, package, request)
    before = dict(package.members)
    members = dict(before)
    requested: list[str] = []
    for name in _REPLACED_MEMBERS:
        if name in request:
            members[name] = (
                _with_digests(request[name]) if name == "InferenceSpecification" else request[name]
            )
            requested.append(name)
    if "CustomerMetadataProperties" in request or "CustomerMetadataPropertiesToRemove" in request:
        properties = {
            **members.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for key in request.get("CustomerMetadataPropertiesToRemove", ()):
            properties.pop(key, None)
        if len(properties) > _METADATA_LIMIT:
            raise errors.validation(
                f"{package.arn} cannot have more than {_METADATA_LIMIT} CustomerMetadataProperties."
            )
        members.pop("CustomerMetadataProperties", None)
        if properties:
            members["CustomerMetadataProperties"] = properties
        requested.append("CustomerMetadataProperties")
    if "AdditionalInferenceSpecificationsToAdd" in request:
        members["AdditionalInferenceSpecifications"] = _with_added(package, request)
        requested.append("AdditionalInferenceSpecifications")
    package.members = members
    package.last_modified_time = state.time
    package.last_modified_by = user_context(caller)
    search.index(state, package)
    listed = (
        requested
        if state.switches.updated_fields is UpdatedFields.REQUESTED
        else [name for name in requested if before.get(name) != members.get(name)]
    )
    # The documentation spells this value with a small letter.
    updated_fields = ["sourceUri" if name == "SourceUri" else name for name in listed]
    events.emit_model_package_state_change(state, package.scope, package, updated_fields)
    return {"ModelPackageArn": package.arn}


def delete_model_package(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete a package; models made from it stay."""
    package = resolve_package(state, caller, request["ModelPackageName"], "sagemaker:DeleteModelPackage")
    package.due = None
    package.scope.remove_package(package)
    search.index(state, package, deleted=True)
    resource_tags.forget(package.scope, package.arn)
    return {}


OPERATIONS = {
    "CreateModelPackage": create_model_package,
    "DescribeModelPackage": describe_model_package,
    "BatchDescribeModelPackage": batch_describe_model_package,
    "ListModelPackages": list_model_packages,
    "UpdateModelPackage": update_model_package,
    "DeleteModelPackage": delete_model_package,
}


def resolve_package(state: State, caller: Caller, name_or_arn: str, action: str) -> ModelPackage:
    """Return a package that the caller may act on.

    Args:
        state: The control plane's state.
        caller: The caller.
        name_or_arn: `name`, `group/version`, or an ARN of any account in the caller's region.
        action: The IAM action that the group's policy must allow to another account.

    Raises:
        ServiceError: There is no such package, or the caller may not do this.
    """
    arn = arns.parse(name_or_arn)
    if arn is None:
        scope = state.scope(caller)
        name, shown = name_or_arn, state.arn(scope, "model-package", name_or_arn)
    else:
        if arn.region != caller.region:
            raise errors.other_region(caller.region)
        scope, name, shown = state.scope_of(arn.account_id, arn.region), arn.name, name_or_arn
        authorize_version(state, caller, scope, name.partition("/")[0], action, name_or_arn)
        if arn.resource_type != "model-package":
            raise errors.does_not_exist("ModelPackage", shown)
    package = scope.model_packages.get(name.lower())
    if package is None:
        raise errors.does_not_exist("ModelPackage", shown)
    return package


def _with_added(package: ModelPackage, request: Mapping[str, Any]) -> list[Any]:
    present = package.members.get("AdditionalInferenceSpecifications", [])
    added = [_with_digests(item) for item in request["AdditionalInferenceSpecificationsToAdd"]]
    names = [item["Name"] for item in (*present, *added)]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise errors.validation(f"{package.arn} already has an inference specification named {repeated!r}.")
    if len(names) > _SPECIFICATION_LIMIT:
        raise errors.validation(
            f"{package.arn} cannot have more than {_SPECIFICATION_LIMIT} additional inference specifications."
        )
    return [*present, *added]


def _with_digests(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification with the ImageDigest of its containers, as SageMaker fills it in."""
    return {
        **specification,
        "Containers": [
            {**container, "ImageDigest": container.get("ImageDigest", image_digest(container["Image"]))}
            if "Image" in container
            else container
            for container in specification["Containers"]
        ],
    }
