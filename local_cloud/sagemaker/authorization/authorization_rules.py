"""What IAM must allow for each of SageMaker's operations: actions, resources and condition keys.

Owns the table, and checks it before an operation begins: a caller without permission must not learn what
exists. `iam_evaluator` decides. Source: service authorization reference, "Actions, resources, and condition
keys for Amazon SageMaker AI"; additions name their own source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from local_cloud.sagemaker import arns
from local_cloud.sagemaker.authorization.authorized_call import AuthorizedCall
from local_cloud.sagemaker.authorization.iam_checks import Check, allows, require_check
from local_cloud.sagemaker.switch_settings import PackageAuthorization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from iam_evaluator.request_context import Values
    from local_cloud.sagemaker.ports import Caller, Key
    from local_cloud.sagemaker.state import State


Rule: TypeAlias = "Callable[[AuthorizedCall], Iterable[Check]]"


def require(state: State, caller: Caller, operation: str, request: Mapping[str, Any]) -> None:
    """Refuse a call that IAM does not allow to the caller.

    Args:
        state: The control plane's state.
        caller: The caller; without a principal nothing is refused.
        operation: An operation of SageMaker or of its runtime.
        request: Its validated members.

    Raises:
        ServiceError: AccessDeniedException for the first action that is not allowed.
    """
    principal = caller.principal
    if principal is None:
        return
    call = AuthorizedCall(state, caller, operation, request)
    for check in RULES[operation](call):
        require_check(state.time, caller.region, principal, check)


def is_allowed(state: State, caller: Caller, check: Check) -> bool:
    """Tell whether a caller has a permission that only affects how a call ends."""
    return caller.principal is None or allows(state.time, caller.region, caller.principal, check)


def _request_tags(request: Mapping[str, Any]) -> dict[str, Values]:
    """Return a call's tags as condition keys."""
    given = request.get("Tags", ())
    keys: dict[str, Values] = {f"aws:requesttag/{tag['Key'].lower()}": tag["Value"] for tag in given}
    names = (*(tag["Key"] for tag in given), *request.get("TagKeys", ()))
    return {**keys, "aws:tagkeys": names} if names else keys


def _tagging(call: AuthorizedCall, arn: str) -> Iterator[Check]:
    """Creating with tags also needs AddTags; `sagemaker:TaggingAction` names the creating call."""
    if call.request.get("Tags"):
        keys = {**_request_tags(call.request), "sagemaker:TaggingAction": call.operation}
        yield call.check(arn, keys, action="sagemaker:AddTags")


def _passing(call: AuthorizedCall) -> Iterator[Check]:
    """Passing a role to a service is a separate action on the role (IAM user guide, "PassRole")."""
    role_arn = call.request.get("ExecutionRoleArn")
    if role_arn is not None:
        yield Check("iam:PassRole", role_arn, {"iam:passedtoservice": "sagemaker.amazonaws.com"})


def _on(resource_type: str, member: str) -> Rule:
    """Return the rule of an operation on one resource, which a member of the request names."""

    def rule(call: AuthorizedCall) -> Iterator[Check]:
        yield call.check(call.arn(resource_type, call.request[member]))

    return rule


def _nothing(call: AuthorizedCall) -> Iterator[Check]:
    """Yield the check of an operation without a resource."""
    yield Check(call.action, "*")


def _create_model(call: AuthorizedCall) -> Iterator[Check]:
    request = call.request
    vpc = request.get("VpcConfig", {})
    keys: dict[str, Values | None] = {
        **_request_tags(request),
        "sagemaker:NetworkIsolation": str(request.get("EnableNetworkIsolation", False)).lower(),
        "sagemaker:VpcSecurityGroupIds": tuple(vpc.get("SecurityGroupIds", ())) or None,
        "sagemaker:VpcSubnets": tuple(vpc.get("Subnets", ())) or None,
    }
    arn = call.arn("model", request["ModelName"])
    yield call.check(arn, keys)
    primary = request.get("PrimaryContainer")
    for container in (*([primary] if primary else ()), *request.get("Containers", ())):
        if "ModelPackageName" in container:
            yield from _using(call, call.arn("model-package", container["ModelPackageName"]), keys)
    yield from _passing(call)
    yield from _tagging(call, arn)


def _using(call: AuthorizedCall, package_arn: str, keys: Mapping[str, Values | None]) -> Iterator[Check]:
    arn = arns.parse(package_arn)
    is_own = arn is not None and arn.account_id == call.caller.account_id
    if not is_own or call.state.switches.package_authorization is PackageAuthorization.ALWAYS:
        yield call.check(package_arn, keys)


def _create_endpoint_config(call: AuthorizedCall) -> Iterator[Check]:
    request = call.request
    variants = (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ()))
    serverless = [variant["ServerlessConfig"] for variant in variants if "ServerlessConfig" in variant]
    keys: dict[str, Values | None] = {
        **_request_tags(request),
        "sagemaker:InstanceTypes": _each(variants, "InstanceType"),
        "sagemaker:AcceleratorTypes": _each(variants, "AcceleratorType"),
        "sagemaker:ModelArn": tuple(
            call.arn("model", variant["ModelName"]) for variant in variants if "ModelName" in variant
        )
        or None,
        "sagemaker:ServerlessMaxConcurrency": _each(serverless, "MaxConcurrency"),
        "sagemaker:ServerlessMemorySize": _each(serverless, "MemorySizeInMB"),
        "sagemaker:VolumeKmsKey": request.get("KmsKeyId"),
    }
    arn = call.arn("endpoint-config", request["EndpointConfigName"])
    yield call.check(arn, keys)
    yield from _passing(call)
    yield from _granting(call)
    yield from _tagging(call, arn)


def _granting(call: AuthorizedCall) -> Iterator[Check]:
    """Yield the grant on a volume's key that the caller gives SageMaker (botocore: KmsKeyId)."""
    caller, key_id = call.caller, call.request.get("KmsKeyId")
    key = None if key_id is None else call.state.keys.find(caller.account_id, caller.region, key_id)
    if key is None:
        return
    keys: dict[str, Values] = {**_by_sagemaker(call, key), "kms:grantisforawsresource": "true"}
    if "alias/" in str(key_id):
        keys["kms:requestalias"] = str(key_id)[str(key_id).index("alias/") :]
    for action in ("kms:DescribeKey", "kms:CreateGrant"):
        yield Check(action, key.arn, keys, key.policy, is_resource_policy_required=True)


def _by_sagemaker(call: AuthorizedCall, key: Key) -> dict[str, Values]:
    """Return the condition keys when SageMaker uses a KMS key in the caller's name."""
    return {
        "kms:viaservice": f"sagemaker.{call.caller.region}.{arns.dns_suffix(call.caller.region)}",
        "kms:calleraccount": call.caller.account_id,
        "kms:resourcealiases": key.aliases,
    }


def _each(members: Iterable[Mapping[str, Any]], name: str) -> tuple[str, ...] | None:
    return tuple(str(member[name]) for member in members if name in member) or None


def _create_endpoint(call: AuthorizedCall) -> Iterator[Check]:
    arn = call.arn("endpoint", call.request["EndpointName"])
    keys = _request_tags(call.request)
    yield call.check(arn, keys)
    yield call.check(call.arn("endpoint-config", call.request["EndpointConfigName"]), keys)
    yield from _tagging(call, arn)


def _update_endpoint(call: AuthorizedCall) -> Iterator[Check]:
    yield call.check(call.arn("endpoint", call.request["EndpointName"]))
    yield call.check(call.arn("endpoint-config", call.request["EndpointConfigName"]))


def _create_group(call: AuthorizedCall) -> Iterator[Check]:
    arn = call.arn("model-package-group", call.request["ModelPackageGroupName"])
    yield call.check(arn, _request_tags(call.request))
    yield from _tagging(call, arn)


def _package_keys(request: Mapping[str, Any]) -> dict[str, Values | None]:
    """Return a call's condition keys about a version.

    `stage` and `stageStatus` are spelled as in the developer guide
    ("model-registry-staging-construct-set-up").
    """
    stage = request.get("ModelLifeCycle", {})
    return {
        "sagemaker:ModelApprovalStatus": request.get("ModelApprovalStatus"),
        "sagemaker:ModelLifeCycle:stage": stage.get("Stage"),
        "sagemaker:ModelLifeCycle:stageStatus": stage.get("StageStatus"),
        **{
            f"sagemaker:CustomerMetadataProperties/{key}": value
            for key, value in request.get("CustomerMetadataProperties", {}).items()
        },
    }


def _create_package(call: AuthorizedCall) -> Iterator[Check]:
    request = call.request
    keys = {**_request_tags(request), **_package_keys(request)}
    group = request.get("ModelPackageGroupName")
    if group is None:
        arn = call.arn("model-package", request.get("ModelPackageName", "*"))
    else:
        # The version has no number yet.
        arn = _versions_of(call, group)
    yield call.check(arn, keys)
    yield from _tagging(call, arn)


def _update_package(call: AuthorizedCall) -> Iterator[Check]:
    arn_text = call.request["ModelPackageArn"]
    arn = arns.parse(arn_text)
    current: dict[str, Values | None] = {}
    if arn is not None:
        scope = call.state.scope_of(arn.account_id, arn.region)
        package = scope.model_packages.get(arn.name.lower())
        current = _current_package_keys({} if package is None else package.members)
    keys = {
        **_package_keys(call.request),
        "sagemaker:CustomerMetadataPropertiesToRemove": tuple(
            call.request.get("CustomerMetadataPropertiesToRemove", ())
        )
        or None,
    }
    yield call.check(arn_text, {**keys, **current})


def _current_package_keys(members: Mapping[str, Any]) -> dict[str, Values | None]:
    stage = members.get("ModelLifeCycle", {})
    return {
        "sagemaker:CurrentModelLifeCycleStage": stage.get("Stage"),
        "sagemaker:CurrentModelLifeCycleStageStatus": stage.get("StageStatus"),
        **{
            f"sagemaker:CurrentCustomerMetadataProperties/{key}": value
            for key, value in members.get("CustomerMetadataProperties", {}).items()
        },
    }


def _list_packages(call: AuthorizedCall) -> Iterator[Check]:
    group = call.request.get("ModelPackageGroupName")
    yield Check(call.action, "*") if group is None else call.check(_versions_of(call, group))


def _versions_of(call: AuthorizedCall, group: str) -> str:
    """Return the ARN for all versions of a group, by its name or ARN."""
    return call.arn("model-package-group", group).replace(":model-package-group/", ":model-package/") + "/*"


def _describe_package(call: AuthorizedCall) -> Iterator[Check]:
    """Yield reading a package and, unless its card's content is left out, decrypting that content.

    The customer's key encrypts only the content of the card (botocore:
    `DescribeModelPackageInput$IncludedData`).
    """
    arn_text = call.arn("model-package", call.request["ModelPackageName"])
    yield call.check(arn_text)
    arn = arns.parse(arn_text)
    if arn is None or call.request.get("IncludedData") == "MetadataOnly":
        return
    package = call.state.scope_of(arn.account_id, arn.region).model_packages.get(arn.name.lower())
    members = {} if package is None else package.members
    key_id = members.get("SecurityConfig", {}).get("KmsKeyId")
    key = None if key_id is None else call.state.keys.find(arn.account_id, arn.region, key_id)
    if key is not None and "ModelCardContent" in members.get("ModelCard", {}):
        yield Check(
            "kms:Decrypt", key.arn, _by_sagemaker(call, key), key.policy, is_resource_policy_required=True
        )


def _describe_packages(call: AuthorizedCall) -> Iterator[Check]:
    for arn in call.request["ModelPackageArnList"]:
        yield call.check(arn)


def _tag(call: AuthorizedCall) -> Iterator[Check]:
    yield call.check(call.request["ResourceArn"], _request_tags(call.request))


def _invoke(call: AuthorizedCall) -> Iterator[Check]:
    yield call.check(call.arn("endpoint", call.request["EndpointName"]))


_GROUP = _on("model-package-group", "ModelPackageGroupName")
_PACKAGE = _on("model-package", "ModelPackageName")
_MODEL = _on("model", "ModelName")
_ENDPOINT_CONFIG = _on("endpoint-config", "EndpointConfigName")
_ENDPOINT = _on("endpoint", "EndpointName")

RULES: dict[str, Rule] = {
    "CreateModelPackageGroup": _create_group,
    "DescribeModelPackageGroup": _GROUP,
    "ListModelPackageGroups": _nothing,
    "DeleteModelPackageGroup": _GROUP,
    "PutModelPackageGroupPolicy": _GROUP,
    "GetModelPackageGroupPolicy": _GROUP,
    "DeleteModelPackageGroupPolicy": _GROUP,
    "CreateModelPackage": _create_package,
    "DescribeModelPackage": _describe_package,
    "BatchDescribeModelPackage": _describe_packages,
    "ListModelPackages": _list_packages,
    "UpdateModelPackage": _update_package,
    "DeleteModelPackage": _PACKAGE,
    "Search": _nothing,
    "CreateModel": _create_model,
    "DescribeModel": _MODEL,
    "ListModels": _nothing,
    "DeleteModel": _MODEL,
    "CreateEndpointConfig": _create_endpoint_config,
    "DescribeEndpointConfig": _ENDPOINT_CONFIG,
    "ListEndpointConfigs": _nothing,
    "DeleteEndpointConfig": _ENDPOINT_CONFIG,
    "CreateEndpoint": _create_endpoint,
    "DescribeEndpoint": _ENDPOINT,
    "ListEndpoints": _nothing,
    "UpdateEndpoint": _update_endpoint,
    "DeleteEndpoint": _ENDPOINT,
    "UpdateEndpointWeightsAndCapacities": _ENDPOINT,
    "AddTags": _tag,
    "ListTags": _tag,
    "DeleteTags": _tag,
    "InvokeEndpoint": _invoke,
    "InvokeEndpointAsync": _invoke,
}
"""The permissions for each operation of the control plane and the runtime; `require` checks them."""
