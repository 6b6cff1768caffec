"""Check the stage's two roles: whom they trust, and what their own policies allow. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.contract import STACK_TAG
from greenlight.doctor.checks.judging import trusts
from greenlight.doctor.checks.registry_policies import context_of
from greenlight.doctor.checks.statements import check_identity, need
from greenlight.doctor.checks.versions import is_below
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import Finding, Status, judge
from infra.configuration.partitions import partition_of, url_suffix_of
from infra.permissions.s3_grants import Surroundings, on_model_objects
from infra.settings.model_objects import ModelObjects
from infra.stages.access import PULL, version_arns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from greenlight.doctor.facts import Facts, Reading, Role, Version
    from iam_evaluator.request_context import Values
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess

Call: TypeAlias = "tuple[str, str, str, Mapping[str, Values], Mapping[str, Any]]"


def check_roles(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    """Check that both roles exist, and that their services may take them."""
    names = access.names
    runs_models = "SageMaker runs models as this role."
    for reading, arn, by, why in (
        (facts.deployer_role, names.deployer_role_arn, "lambda", "Lambda runs the deployer as this role."),
        *((reading, arn, "sagemaker", runs_models) for arn, reading in _running(access, facts).items()),
    ):
        made_here = by == "lambda" or _is_made(access, arn)
        where = (
            f"In account {names.account}, {names.region}: deploy the stack {names.stack}."
            if made_here
            else f"In account {names.account}: create the role, or correct the context."
        )
        yield from check_role(reading, arn, by, account=names.account, where=where, why=why)


def check_role(
    reading: Reading[Role], arn: str, by: str, *, account: str, where: str, why: str
) -> Iterator[Finding]:
    """Check that a role exists, and that a service may take it: `lambda`, or `sagemaker`."""
    subject, service = f"the role {arn}", f"{by}.amazonaws.com"
    yield from judge(reading, "role", subject, absent="there is no such role", why=why, where=where)
    if not isinstance(reading, Found):
        return
    if trusts(reading.value.trust, service, account):
        yield Finding("trust", Status.OK, subject)
        return
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    where = f"In account {account}: add it to the role's trust policy."
    found = f"it does not trust {service}"
    yield Finding("trust", Status.GAP, subject, found, why, where, statement)


def _running(access: StageAccess, facts: Facts) -> dict[str, Reading[Role]]:
    """Collect the models' roles, by ARN."""
    return {access.names.execution_role_arn: facts.execution_role, **facts.model_roles}


def _is_made(access: StageAccess, role_arn: str) -> bool:
    """Tell whether the stage's stack creates the role of a model."""
    return access.names.execution_role is None and role_arn == access.names.execution_role_arn


def check_deployers_permissions(
    access: StageAccess, version: Version | None, facts: Facts
) -> Iterator[Finding]:
    """Check the permissions of the deployer's own role."""
    names = access.names
    partition = partition_of(names.region)
    packages = [version.arn] if version else [arn.replace("*", "1") for arn in _all_versions(access)]
    writing = access.role_write_conditions()
    calls = [
        *deployers_calls(names.stack, names.account, names.region, packages[0], _running(access, facts)),
        *(
            (
                "ListArtifacts",
                "s3:ListBucket",
                f"arn:{partition}:s3:::{each.bucket}",
                {"s3:prefix": each.prefix},
                {"StringLike": {"s3:prefix": [f"{each.prefix}*"]}},
            )
            for each in access.artifacts
        ),
        ("Write", "sagemaker:UpdateModelPackage", packages[0], context_of(writing), writing),
    ]
    yield from check_identity(
        facts.deployer_role,
        names.deployer_role_arn,
        [need(*call) for call in calls],
        _of_stacks_role(access),
    )


def deployers_calls(
    stack: str, account: str, region: str, version_arn: str, roles: Iterable[str]
) -> Iterator[Call]:
    """Yield what a deployer calls to make a model of a version: a Sid, the action, and on what."""
    model = f"arn:{partition_of(region)}:sagemaker:{region}:{account}:model/any"
    tag: dict[str, Values] = {f"aws:requesttag/{STACK_TAG}": stack, "aws:tagkeys": (STACK_TAG,)}
    yield "Describe", "sagemaker:DescribeModelPackage", version_arn, {}, {}
    yield "List", "sagemaker:ListModelPackages", version_arn, {}, {}
    yield "CreateFrom", "sagemaker:CreateModel", version_arn, tag, {}
    yield "Create", "sagemaker:CreateModel", model, tag, {}
    for role in roles:
        passed: Mapping[str, Values] = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
        condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        yield "Pass", "iam:PassRole", role, passed, condition


def _of_stacks_role(access: StageAccess) -> str:
    names = access.names
    return (
        f"In account {names.account}, {names.region}: deploy the stack {names.stack}. If it is deployed, "
        "the role was changed by hand: add it to the role's policies."
    )


def _all_versions(access: StageAccess) -> list[str]:
    return version_arns(access.registry, access.groups[0])


def check_models_permissions(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check the permissions of the models' role."""
    names = access.names
    partition, suffix = partition_of(names.region), url_suffix_of(names.region)
    via: dict[str, Values] = {"kms:viaservice": f"s3.{names.region}.{suffix}"}
    through = {"StringEquals": {"kms:ViaService": via["kms:viaservice"]}}
    s3 = f"arn:{partition}:s3:::"
    prefixes = [
        each
        for each in access.artifacts
        if version is None or any(is_below(uri, each) for uri in version.artifacts)
    ]
    calls: list[tuple[str, str, str, dict[str, Values], dict[str, Any]]] = []
    for each in prefixes:
        objects = f"{s3}{each.bucket}/{each.prefix}*"
        calls.append(("Get", "s3:GetObject", objects, {}, {}))
    for repository in access.repositories:
        calls += [("Pull", action, repository.arn, {}, {}) for action in PULL]
    calls.append(("LogIn", "ecr:GetAuthorizationToken", "*", {}, {}))
    calls += [("Decrypt", "kms:Decrypt", key, via, through) for key in access.keys]
    for arn, role in _running(access, facts).items():
        yield from check_identity(role, arn, [need(*call) for call in calls], _where(access, arn))


def check_model_objects(
    access: StageAccess, endpoints: Sequence[EndpointSpec], facts: Facts
) -> Iterator[Finding]:
    """Check that each role may read and write the S3 objects in the settings of its endpoints.

    Keys are not checked: the bucket's owner decides whether, and with which key, the bucket encrypts.
    """
    names = access.names
    around = Surroundings(partition_of(names.region), names.region, url_suffix_of(names.region))
    for arn, role in _running(access, facts).items():
        its_own = [
            spec
            for spec in endpoints
            if spec.compiled["CreateModel"].get("ExecutionRoleArn", names.execution_role_arn) == arn
        ]
        needs = [
            need(each.sid, action, resource, {}, {})
            for each in on_model_objects(ModelObjects.of(its_own), around)
            for action in each.actions
            if action.startswith("s3:")
            for resource in each.resources
        ]
        yield from check_identity(role, arn, needs, _where(access, arn))


def _where(access: StageAccess, role_arn: str) -> str:
    """Say where to add a statement to a models' role."""
    if _is_made(access, role_arn):
        return _of_stacks_role(access)
    return f"In account {access.names.account}, in a policy of the role, which is its owner's."
