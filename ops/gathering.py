"""Read what the doctor checks: the doctor's only calls of AWS, none of which writes.

A failed read becomes `Unreadable`, with the service's message. So one missing permission costs one fact, not
all.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from infra.stages.access import Repository
from infra.stages.policy_statements import statements_for_owners, statements_of
from ops.facts import (
    NO_CREDENTIALS,
    Absent,
    Facts,
    Found,
    Grant,
    KmsKey,
    Quota,
    Role,
    Rule,
    Unreadable,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import boto3

    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess
    from ops.facts import Reading

T = TypeVar("T")

_NOT_THERE: Final = frozenset(
    {
        "404",
        "ImageNotFoundException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFoundException",
        "RepositoryNotFoundException",
        "RepositoryPolicyNotFoundException",
        "ResourceNotFoundException",
    }
)
_FORBIDDEN: Final = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_THROTTLED: Final = frozenset(
    {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)
_NOT_THERE_BY_WORDS: Final = {
    "ValidationError": ("does not exist",),
    "ValidationException": ("does not exist", "Cannot find "),
}
"""CloudFormation and SageMaker use one code for every mistake, including missing things."""

_MOST_OBJECTS: Final = 100
"""For an artifact of many objects, how many to look at: each takes a request."""

_OF_HEADS: Final = "403 is for want of s3:GetObject, 400 for an object with a key that came with it, SSE-C"
"""A refused HeadObject has no body with a reason (botocore: HeadObject)."""


def gather(
    access: StageAccess,
    group: str,
    endpoints: Sequence[EndpointSpec],
    *,
    stage: boto3.Session,
    registry: boto3.Session | None,
    caller_account: str,
    registry_account: str | None,
    version: str | None = None,
) -> Facts:
    """Read everything about one group of a stage.

    Args:
        access: What the stage may use.
        group: The model package group's name.
        endpoints: The stage's endpoints that follow the group.
        stage: Credentials of the stage's account, in its region.
        registry: Credentials of the registry's account; without them its policies are not read.
        caller_account: The account of the stage's credentials.
        registry_account: The account of the registry's credentials.
        version: The ARN of a version; by default the newest approved, or else the newest.
    """
    names = access.names
    targets = dict.fromkeys(target for target, _ in (*statements_of(access), *statements_for_owners(access)))
    home = stage if access.at_home else registry
    roles = _Roles(stage.client("iam"))
    served = {spec.inference_specification_name for spec in endpoints} or {None}
    found = _read(lambda: _find_version(home or stage, access, group, version, served))
    there = _There(home) if home is not None else None
    made_of = found.value if isinstance(found, Found) else None
    artifacts: dict[str, Reading[Sequence[str]]] = {
        uri: there.objects(uri) if there else NO_CREDENTIALS for uri in (made_of.artifacts if made_of else ())
    }
    encryption: dict[str, Reading[Sequence[str]]] = {
        uri: there.encryption(uri, objects.value)
        for uri, objects in artifacts.items()
        if there and isinstance(objects, Found)
    }
    used = dict.fromkeys(key for keys in encryption.values() if isinstance(keys, Found) for key in keys.value)
    forwarding: Reading[Sequence[Rule]] = (
        NO_CREDENTIALS if registry is None else _read(lambda: _rules_to(registry, names.bus_arn))
    )
    sending = forwarding.value if isinstance(forwarding, Found) else ()
    receiving: Reading[Sequence[Rule]] = _read(lambda: _rules(stage, names.bus))
    types = {
        variant["InstanceType"]
        for spec in endpoints
        for variant in spec.compiled["CreateEndpointConfig"].get("ProductionVariants", ())
        if variant.get("InstanceType")
    }
    return Facts(
        caller_account=caller_account,
        registry_account=registry_account,
        deployer_role=roles.read(names.deployer_role_arn),
        execution_role=roles.read(names.execution_role_arn),
        model_roles={role: roles.read(role) for role in access.model_roles},
        bus_policy=_read(lambda: _bus_policy(stage, names.bus)),
        receiving_rules=receiving,
        function_policies={
            arn: _read(partial(_function_policy, stage, arn))
            for rule in (receiving.value if isinstance(receiving, Found) else ())
            for arn, _ in rule.targets
            if ":lambda:" in arn
        },
        quotas=_quotas(stage, sorted(types)),
        version=found,
        policies={
            (target.kind, target.name): there.policy(target.kind, target.name) if there else NO_CREDENTIALS
            for target in targets
            if target.kind != "key-grants"
        },
        grants={
            target.name: there.grants(target.name) if there else NO_CREDENTIALS
            for target in targets
            if target.kind == "key-grants"
        },
        forwarding_rules=forwarding,
        forwarding_roles={
            role: _Roles(registry.client("iam")).read(role)
            for rule in sending
            for _, role in rule.targets
            if role and registry is not None
        },
        stack_outputs=_read(lambda: _outputs(stage, names.stack)),
        artifacts=artifacts,
        encryption=encryption,
        keys={key: there.key(key) for key in used if there and _may_be_of(access.registry.account, key)},
        images={
            image: there.has_image(image) if there else NO_CREDENTIALS
            for image in (made_of.images if made_of else ())
            # Another account's repository decides who may read it: mostly AWS's own repositories.
            if image.startswith(access.registry.account)
        },
    )


def _read(call: Callable[[], T | None]) -> Reading[T]:
    """Make one or several calls, and return the result; None if the thing does not exist."""
    try:
        value = call()
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        missing = any(words in message for words in _NOT_THERE_BY_WORDS.get(code, ()))
        return Absent() if code in _NOT_THERE or missing else Unreadable(str(error), _remedy(code))
    except BotoCoreError as error:
        return Unreadable(str(error), "Look after the credentials and the network, and ask again.")
    return Absent() if value is None else Found(value)


def _remedy(code: str) -> str:
    """Say what the caller can do about an error."""
    if code in _FORBIDDEN:
        return "Let who runs the doctor read it: docs/accounts.md has the policy. Then ask again."
    if code in _THROTTLED:
        return "The service was asked too much at once: ask again in a minute."
    return "Look after what the service says, and ask again."


def account_of(session: boto3.Session) -> str:
    """Return the account of a session's credentials; raises boto3's errors."""
    return str(session.client("sts").get_caller_identity()["Account"])


class _Roles:
    """Reads roles with all their policies."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a client of IAM
        self._client = client

    def read(self, role_arn: str) -> Reading[Role]:
        """Read a role."""
        return _read(lambda: self._role(role_arn.rpartition("/")[2]))

    def _role(self, name: str) -> Role:
        role = self._client.get_role(RoleName=name)["Role"]
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return Role(
            _document(role["AssumeRolePolicyDocument"]),
            tuple(self._policies(name)),
            self._managed(boundary) if boundary else None,
        )

    def _policies(self, name: str) -> Iterator[Mapping[str, Any]]:
        for page in self._client.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                found = self._client.get_role_policy(RoleName=name, PolicyName=policy)
                yield _document(found["PolicyDocument"])
        for page in self._client.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for policy in page["AttachedPolicies"]:
                yield self._managed(policy["PolicyArn"])

    def _managed(self, arn: str) -> Mapping[str, Any]:
        version = self._client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self._client.get_policy_version(PolicyArn=arn, VersionId=version)
        return _document(found["PolicyVersion"]["Document"])


def _document(value: object) -> Mapping[str, Any]:
    """Parse a policy's document: boto3 decodes it, other sources leave it as text."""
    if isinstance(value, str):
        document: Mapping[str, Any] = json.loads(value if value.startswith("{") else unquote(value))
        return document
    assert isinstance(value, dict)
    return value


def _bus_policy(session: boto3.Session, name: str) -> Mapping[str, Any] | None:
    found = session.client("events").describe_event_bus(Name=name)
    return _document(found["Policy"]) if found.get("Policy") else {}


def _function_policy(session: boto3.Session, arn: str) -> Mapping[str, Any]:
    return _document(session.client("lambda").get_policy(FunctionName=arn)["Policy"])


def _rules(session: boto3.Session, bus: str) -> list[Rule]:
    client = session.client("events")
    rules: list[Rule] = []
    token: dict[str, Any] = {}
    while True:
        page = client.list_rules(EventBusName=bus, **token)
        for rule in page["Rules"]:
            targets = client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            rules.append(
                Rule(
                    rule["Name"],
                    rule["Arn"],
                    rule.get("State") == "ENABLED",
                    json.loads(rule.get("EventPattern") or "{}"),
                    tuple((target["Arn"], target.get("RoleArn") or None) for target in targets),
                )
            )
        if not page.get("NextToken"):
            return rules
        token = {"NextToken": page["NextToken"]}


def _rules_to(session: boto3.Session, bus_arn: str) -> list[Rule]:
    """Read only the rules that send to a bus: an account may have thousands."""
    client = session.client("events")
    names: list[str] = []
    token: dict[str, Any] = {}
    while True:
        page = client.list_rule_names_by_target(TargetArn=bus_arn, **token)
        names += page["RuleNames"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    rules = []
    for name in names:
        rule = client.describe_rule(Name=name)
        targets = client.list_targets_by_rule(Rule=name)["Targets"]
        sent = tuple((target["Arn"], target.get("RoleArn") or None) for target in targets)
        pattern = json.loads(rule.get("EventPattern") or "{}")
        rules.append(Rule(name, rule["Arn"], rule.get("State") == "ENABLED", pattern, sent))
    return rules


def _outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    [found] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}


def _quotas(session: boto3.Session, instance_types: Sequence[str]) -> dict[str, Reading[Quota]]:
    if not instance_types:
        return {}
    read = _read(lambda: _quotas_by_name(session.client("service-quotas")))
    if not isinstance(read, Found):
        return dict.fromkeys(instance_types, read)
    quotas = read.value
    names = {name: f"{name} for endpoint usage" for name in instance_types}
    return {name: Found(quotas[quota]) if quota in quotas else Absent() for name, quota in names.items()}


def _quotas_by_name(client: Any) -> dict[str, Quota]:  # noqa: ANN401 - a client of Service Quotas
    """Read the default quotas, and this account's own over them."""
    quotas: dict[str, Quota] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="sagemaker"):
            quotas |= {
                quota["QuotaName"]: Quota(float(quota["Value"]), quota["QuotaCode"])
                for quota in page["Quotas"]
            }
    return quotas


def _find_version(
    session: boto3.Session,
    access: StageAccess,
    group: str,
    version: str | None,
    served: Collection[str | None],
) -> Version | None:
    """Read a version: the given one, or the newest approved, or else the newest.

    Only the inference specifications that endpoints use count: additional ones by name, the version's own as
    None.
    """
    client = session.client("sagemaker")
    if version is None:
        registry = access.registry
        stem = access.names.bus_arn.split(":")[1]
        name = f"arn:{stem}:sagemaker:{registry.region}:{registry.account}:model-package-group/{group}"
        summaries: list[Any] = []
        for page in client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=name, SortBy="CreationTime", SortOrder="Descending"
        ):
            summaries += page["ModelPackageSummaryList"]
        approved = [each for each in summaries if each.get("ModelApprovalStatus") == "Approved"]
        newest = (approved or summaries)[:1]
        if not newest:
            return None
        version = newest[0]["ModelPackageArn"]
    found = client.describe_model_package(ModelPackageName=version, IncludedData="MetadataOnly")
    additional: dict[str | None, Any] = {
        each["Name"]: each for each in found.get("AdditionalInferenceSpecifications", ())
    }
    specifications = {None: found.get("InferenceSpecification", {}), **additional}
    containers = [
        container
        for name, specification in specifications.items()
        if name in served
        for container in specification.get("Containers", ())
    ]
    images = (container["Image"] for container in containers if container.get("Image"))
    return Version(
        arn=found["ModelPackageArn"],
        status=found["ModelPackageStatus"],
        approval_status=found.get("ModelApprovalStatus", ""),
        images=tuple(dict.fromkeys(images)),
        artifacts=tuple(dict.fromkeys(uri for container in containers for uri in _artifacts(container))),
        specifications=tuple(filter(None, additional)),
    )


def _artifacts(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield a container's artifacts in the deployer's form: a prefix of many objects ends in a slash.

    Source: botocore, `ModelPackageContainerDefinition`.
    """
    if url := container.get("ModelDataUrl"):
        yield url
    channels = [container.get("ModelDataSource", {}), *container.get("AdditionalModelDataSources", ())]
    sources = [channel.get("S3DataSource", {}) for channel in channels]
    for source in (*sources, container.get("AdditionalS3DataSource", {})):
        if uri := source.get("S3Uri"):
            yield f"{uri.rstrip('/')}/" if source.get("S3DataType") == "S3Prefix" else uri
        if manifest := source.get("ManifestS3Uri"):
            yield manifest


class _There:
    """Reads the registry's side: policies, grants, artifacts and images."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def policy(self, kind: str, name: str) -> Reading[Mapping[str, Any]]:
        """Read a policy, by kind and name as in the policy editor."""
        return _read(lambda: self._policy(kind, name))

    def _policy(self, kind: str, name: str) -> Mapping[str, Any] | None:
        client: Any = None
        match kind:
            case "group":
                client = self._session.client("sagemaker")
                text = client.get_model_package_group_policy(ModelPackageGroupName=name)["ResourcePolicy"]
            case "bucket":
                text = self._session.client("s3").get_bucket_policy(Bucket=name)["Policy"]
            case "repository":
                client = self._session.client("ecr")
                text = client.get_repository_policy(repositoryName=name)["policyText"]
            case _:
                client = self._session.client("kms")
                text = client.get_key_policy(KeyId=name, PolicyName="default")["Policy"]
        return _document(text)

    def grants(self, key_arn: str) -> Reading[Sequence[Grant]]:
        """Read a key's grants."""
        return _read(lambda: list(self._grants(key_arn)))

    def _grants(self, key_arn: str) -> Iterator[Grant]:
        for page in self._session.client("kms").get_paginator("list_grants").paginate(KeyId=key_arn):
            for grant in page["Grants"]:
                yield Grant(grant.get("GranteePrincipal", ""), tuple(grant.get("Operations", ())))

    def objects(self, uri: str) -> Reading[Sequence[str]]:
        """Read the keys of an artifact's objects: the object itself or, below a slash, the first ones.

        Another object may merely begin with the same key. S3 lists the object itself first, because keys come
        in UTF-8 order (S3 API reference, "ListObjectsV2").
        """
        bucket, key = _place(uri)
        is_prefix = not key or key.endswith("/")

        def look() -> list[str] | None:
            found = self._session.client("s3").list_objects_v2(
                Bucket=bucket, Prefix=key, MaxKeys=_MOST_OBJECTS if is_prefix else 1
            )
            keys = [each["Key"] for each in found.get("Contents", ())]
            return [each for each in keys if is_prefix or each == key] or None

        return _read(look)

    def encryption(self, uri: str, objects: Sequence[str]) -> Reading[Sequence[str]]:
        """Read the KMS keys of objects; S3's own encryption needs no permission and is left out.

        HeadObject needs s3:GetObject and, without its checksum, no permission on the key (botocore:
        HeadObject). Neither a listing nor GetObjectAttributes shows keys.
        """
        bucket, _ = _place(uri)

        def look() -> Sequence[str]:
            client = self._session.client("s3")
            heads = (client.head_object(Bucket=bucket, Key=key) for key in objects)
            return list(dict.fromkeys(head["SSEKMSKeyId"] for head in heads if head.get("SSEKMSKeyId")))

        found = _read(look)
        if isinstance(found, Unreadable):
            return replace(found, reason=f"{found.reason} ({_OF_HEADS})")
        return found

    def key(self, name: str) -> Reading[KmsKey]:
        """Read a key, by its ARN, ID or alias."""

        def look() -> KmsKey:
            found = self._session.client("kms").describe_key(KeyId=name)["KeyMetadata"]
            return KmsKey(found["Arn"], found.get("KeyManager") == "AWS")

        return _read(look)

    def has_image(self, image: str) -> Reading[bool]:
        """Tell whether an image exists, by its digest if it has one."""
        bare, _, digest = image.partition("@")
        path, _, tag = bare.rpartition("/")[2].partition(":")
        repository = Repository.of(f"{bare.rpartition('/')[0]}/{path}")
        wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}

        def look() -> bool:
            client: Any = self._session.client("ecr")
            found = client.batch_get_image(
                repositoryName=repository.name, registryId=repository.account, imageIds=[wanted]
            )
            return bool(found.get("images"))

        return _read(look)


def _place(uri: str) -> tuple[str, str]:
    """Split a URI `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _may_be_of(account: str, key: str) -> bool:
    """Tell whether a KMS key may belong to an account: a key without an ARN belongs to the caller."""
    return not key.startswith("arn:") or key.split(":")[4] == account
