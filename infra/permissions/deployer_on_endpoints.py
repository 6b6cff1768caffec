"""Owns what the deployer may do with models, endpoint configs, endpoints and model versions.

The role scales to any number of endpoints because it names none: what the deployer creates carries the
stack's tag from the start, and only what carries the tag may be changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat

from deployer.contract import PREFIX, STACK_TAG
from infra.permissions.coarsening import Loss, in_steps
from infra.permissions.role_policies import Permissions, grant_use_of_keys
from infra.permissions.s3_grants import Surroundings, keys_of_buckets, on_objects
from infra.permissions.spreading import Allowance
from infra.stages.access import WRITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam

    from infra.settings.endpoint_requirements import EndpointRequirements

_OWNED_TYPES: Final = ("model", "endpoint-config", "endpoint")
_BY_TAG: Final = (
    "Any number of endpoints, told apart by tag and not by name: creating demands the stack's tag in the "
    "request, changing demands it on the resource. Reading shows names and settings, and no data."
)
_GROUPS: Final = "Model package groups come and go; which one serves where is data, in the settings."
_TO_SAGEMAKER: Final = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
_NO_RESOURCE: Final = "Listing is authorised on no resource, or may be; it shows names and statuses only."


def allow_deployment(permissions: Permissions, execution_role: iam.IRole) -> None:
    """Let the deployer make, change and delete what carries the stack's tag, and read all."""
    model, endpoint_config, endpoint = (_sagemaker(permissions, kind) for kind in _OWNED_TYPES)
    with_tag = {"StringEquals": {f"aws:RequestTag/{STACK_TAG}": permissions.stack.stack_name}}
    for action, kind in {
        "CreateModel": model,
        "CreateEndpointConfig": endpoint_config,
        "CreateEndpoint": endpoint,
    }.items():
        permissions.allow(
            f"{action}WithTag",
            [f"sagemaker:{action}"],
            [kind],
            conditions=with_tag,
            why_wildcard=_BY_TAG,
        )
    # Both are authorised on the config as well (service authorization reference; seen for UpdateEndpoint:
    # aws-controllers-k8s/community #1889, aws-cdk #11594). Nobody has seen whether the request's tags, or
    # those of a config that is a second old, are known in that check, so it has no condition: the
    # endpoint is held to the tag, and to be read does a config no harm.
    permissions.allow(
        "UseConfigs",
        ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"],
        [endpoint_config],
        why_wildcard=_BY_TAG,
    )
    everything = [model, endpoint_config, endpoint]
    # Creating with tags is also authorised as AddTags, on a resource that has no tags yet. This key says
    # which call it came with, and that call is held to the owner's tag above.
    permissions.allow(
        "TagWhileCreating",
        ["sagemaker:AddTags"],
        everything,
        conditions={
            "StringEquals": {
                "sagemaker:TaggingAction": ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
            }
        },
        why_wildcard=_BY_TAG,
    )
    owned = {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": permissions.stack.stack_name}}
    update = ["sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"]
    permissions.allow("UpdateOwn", update, [endpoint], conditions=owned, why_wildcard=_BY_TAG)
    # Only endpoints are tagged anew when settings change: their configs and models are made anew. Nor may
    # one be given to another owner.
    kept = {"StringEqualsIfExists": {f"aws:RequestTag/{STACK_TAG}": permissions.stack.stack_name}}
    permissions.allow(
        "RetagOwn",
        ["sagemaker:AddTags"],
        [endpoint],
        conditions={**owned, **kept},
        why_wildcard=_BY_TAG,
    )
    for kind, action in {
        model: "DeleteModel",
        endpoint_config: "DeleteEndpointConfig",
        endpoint: "DeleteEndpoint",
    }.items():
        permissions.allow(
            f"{action}Own", [f"sagemaker:{action}"], [kind], conditions=owned, why_wildcard=_BY_TAG
        )
    # Whoever could remove the owner's tag could put an endpoint out of everybody's reach.
    not_the_owner = {"ForAllValues:StringNotLike": {"aws:TagKeys": [f"{PREFIX}*"]}}
    permissions.allow(
        "UntagOwn",
        ["sagemaker:DeleteTags"],
        [endpoint],
        conditions={**owned, **not_the_owner},
        why_wildcard=_BY_TAG,
    )
    for kind, action in {
        model: "DescribeModel",
        endpoint_config: "DescribeEndpointConfig",
        endpoint: "DescribeEndpoint",
    }.items():
        # Not only our own: a resource with a name of ours may turn out to be somebody else's.
        permissions.allow(action, [f"sagemaker:{action}"], [kind], why_wildcard=_BY_TAG)
    # Before it deletes or adopts, the deployer reads whose a resource is.
    permissions.allow("ReadTags", ["sagemaker:ListTags"], everything, why_wildcard=_BY_TAG)
    permissions.allow("ListEndpoints", ["sagemaker:ListEndpoints"], ["*"], why_wildcard=_NO_RESOURCE)
    permissions.allow(
        "PassExecutionRole", ["iam:PassRole"], [execution_role.role_arn], conditions=_TO_SAGEMAKER
    )


def allow_execution_roles(permissions: Permissions, roles: Sequence[str]) -> None:
    """Let the deployer pass the roles that endpoints' settings bring for their models."""
    if roles:
        permissions.allow("PassEndpointsRoles", ["iam:PassRole"], roles, conditions=_TO_SAGEMAKER)


def allow_registry(permissions: Permissions, accounts: Sequence[str | None]) -> None:
    """Let the deployer read these accounts' model versions, and make models of them; None is its own."""
    packages = [_sagemaker(permissions, "model-package", account) for account in accounts]
    # AWS's cross-account policy grants CreateModel on the package too. It carries no tag condition: the
    # model itself is held to the tag.
    fine = Allowance(
        "UseModelPackages",
        ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
        packages,
        {},
        _GROUPS,
    )
    coarser = replace(fine, resources=[_sagemaker(permissions, "model-package", "*")], loses=Loss.ACCOUNTS)
    permissions.allow_all([in_steps(fine, coarser)])
    # Search knows no resource, and shows this account's versions alone.
    search = ["sagemaker:Search"] if None in accounts else []
    permissions.allow(
        "ListModelPackages",
        ["sagemaker:ListModelPackages", *search],
        ["*"],
        why_wildcard=_NO_RESOURCE,
    )


def allow_version_metadata(permissions: Permissions) -> None:
    """Let the deployer write to the metadata of this account's versions how they fare.

    It may not approve, promote, or remove anything. IAM has no key for the other members of the call (service
    authorization reference).
    """
    permissions.allow(
        "WriteVersionMetadata",
        [WRITE],
        [_sagemaker(permissions, "model-package")],
        conditions={
            "Null": {
                "sagemaker:CustomerMetadataPropertiesToRemove": "true",
                "sagemaker:ModelApprovalStatus": "true",
                "sagemaker:ModelLifeCycle:stage": "true",
            }
        },
        why_wildcard=_GROUPS,
    )


def allow_container_logs(permissions: Permissions) -> None:
    """Let the deployer read what endpoints' containers logged, to quote it in the reason for a failure."""
    group = permissions.stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/sagemaker/Endpoints/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    permissions.allow(
        "ReadContainerLogs",
        ["logs:DescribeLogStreams", "logs:GetLogEvents"],
        [group],
        why_wildcard="SageMaker names log groups after endpoints, which are data, in the settings.",
    )


def allow_storage_keys(permissions: Permissions, keys: Sequence[str]) -> None:
    """Let SageMaker encrypt the storage of instances with keys that settings name."""
    # Whoever creates an endpoint config must be allowed to make a grant for its key (botocore: KmsKeyId
    # of CreateEndpointConfig).
    actions = ["kms:CreateGrant", "kms:DescribeKey"]
    grant_use_of_keys(permissions, "EncryptStorage", actions, keys, via="sagemaker")


def allow_smoke_tests(
    permissions: Permissions, requirements: EndpointRequirements, model_buckets: Sequence[str]
) -> None:
    """Let the deployer call its endpoints, and read what it sends them."""
    permissions.allow(
        "CallOwn",
        ["sagemaker:InvokeEndpoint"],
        [_sagemaker(permissions, "endpoint")],
        conditions={"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": permissions.stack.stack_name}},
        why_wildcard=_BY_TAG,
    )
    around = Surroundings.of(permissions.stack)
    buckets = [bucket for bucket, _ in requirements.smoke_test_objects]
    if requirements.sample_payloads:
        sampled = model_buckets or [f"sagemaker-{permissions.stack.region}-{permissions.stack.account}"]
        samples = [around.objects(bucket) for bucket in sampled]
        buckets += sampled
        # The default bucket's name can be guessed before it exists, so it must also be this account's.
        ours = {"StringEquals": {"aws:ResourceAccount": permissions.stack.account}}
        permissions.allow(
            "ReadSamplePayloads",
            ["s3:GetObject"],
            samples,
            conditions=None if model_buckets else ours,
            why_wildcard="Sample payloads are at keys that training chooses, where models are.",
        )
    if requirements.smoke_test_objects:
        read = on_objects("ReadSmokeTests", ["s3:GetObject"], requirements.smoke_test_objects, around)
        permissions.allow_all([read])
    buckets = list(dict.fromkeys(buckets))
    permissions.allow_all(keys_of_buckets("DecryptSmokeTests", ["kms:Decrypt"], buckets, around))


def _sagemaker(permissions: Permissions, resource: str, account: str | None = None) -> str:
    return permissions.stack.format_arn(
        service="sagemaker", resource=resource, resource_name="*", account=account
    )
