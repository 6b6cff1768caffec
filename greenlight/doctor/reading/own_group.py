"""Owns reading one group whose registry is in the stack's own account, and what its versions are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenlight.doctor.facts import Found
from greenlight.doctor.own_group import OwnGroup
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.registry_side import RegistrySide, place_of
from greenlight.doctor.reading.versions import find_version
from infra.configuration.partitions import partition_of
from infra.stages.access import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployer.model.settings import EndpointSettings
    from greenlight.connection import Connection
    from greenlight.doctor.facts import KmsKey, Reading, Version
    from greenlight.doctor.installation import Function
    from greenlight.doctor.reading.iam_roles import Roles


def read_own_group(
    connection: Connection,
    function: Function,
    endpoints: Sequence[EndpointSettings],
    version: str | None,
    roles: Roles,
) -> OwnGroup:
    """Read everything about the group that some endpoints follow.

    Args:
        connection: Credentials of the stack's account, in its region.
        function: The deployer.
        endpoints: The settings of the endpoints.
        version: The ARN of a version; None for the newest approved, or else the newest.
        roles: Reads roles, each once.
    """
    stack = connection.stack
    group_arn = _group_arn(endpoints[0].model_package_group, stack.region, stack.account)
    served = {each.inference_specification_name for each in endpoints}
    found = attempt(lambda: find_version(connection, group_arn, version, served))
    made_of = found.value if isinstance(found, Found) else None
    side = RegistrySide(connection)
    artifacts = {uri: side.objects(uri) for uri in (made_of.artifacts if made_of else ())}
    encryption = {
        uri: side.encryption(uri, objects.value)
        for uri, objects in artifacts.items()
        if isinstance(objects, Found)
    }
    used = dict.fromkeys(key for keys in encryption.values() if isinstance(keys, Found) for key in keys.value)
    keys = {key: side.key(key) for key in used}
    buckets = dict.fromkeys(place_of(uri)[0] for uri in artifacts)
    repositories = dict.fromkeys(_own_repositories(made_of, stack.account))
    return OwnGroup(
        stack=stack.name,
        account=stack.account,
        region=stack.region,
        group_arn=group_arn,
        status=attempt(lambda: _status(connection, group_arn)),
        endpoints=endpoints,
        version=found,
        artifacts=artifacts,
        encryption=encryption,
        keys=keys,
        policies={
            **{("bucket", name): side.policy("bucket", name) for name in buckets},
            **{("repository", name): side.policy("repository", name) for name in repositories},
            **{("key", arn): side.policy("key", arn) for arn in _customers(keys)},
        },
        regions={name: side.region(name) for name in buckets},
        images={
            image: side.has_image(image)
            for image in (made_of.images if made_of else ())
            # Another account's repository decides who may read it: mostly AWS's own repositories.
            if image.startswith(stack.account)
        },
        deployer_role_arn=function.role_arn,
        deployer_role=roles.read(function.role_arn),
        execution_role_arn=function.execution_role_arn,
        roles={arn: roles.read(arn) for arn in roles_of(endpoints, function.execution_role_arn)},
    )


def roles_of(endpoints: Sequence[EndpointSettings], usual: str) -> list[str]:
    """Return the roles that endpoints' models run with."""
    return sorted({str(each.create_model.get("ExecutionRoleArn", usual)) for each in endpoints})


def _group_arn(named: str, region: str, account: str) -> str:
    if named.startswith("arn:"):
        return named
    return f"arn:{partition_of(region)}:sagemaker:{region}:{account}:model-package-group/{named}"


def _status(connection: Connection, group_arn: str) -> str:
    answer = connection.client("sagemaker").describe_model_package_group(ModelPackageGroupName=group_arn)
    return str(answer["ModelPackageGroupStatus"])


def _own_repositories(version: Version | None, account: str) -> Iterator[str]:
    for image in version.images if version is not None else ():
        if image.startswith(account):
            yield repository_of(image).name


def repository_of(image: str) -> Repository:
    """Return the repository of an image in ECR."""
    bare = image.partition("@")[0]
    stem, _, last = bare.rpartition("/")
    return Repository.of(f"{stem}/{last.partition(':')[0]}")


def _customers(keys: Mapping[str, Reading[KmsKey]]) -> Iterator[str]:
    """Yield the keys that have a policy of their owner's."""
    for reading in keys.values():
        if isinstance(reading, Found) and not reading.value.is_managed_by_aws:
            yield reading.value.arn
